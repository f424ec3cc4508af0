#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/series/recent-int.h"
#include "rig.h"

/* The undo journal: what is copied, and which copies go back when. */

#define NAME "wizja/sp1/login.rrd"
#define HIST "wizja/sp1/login.hist.rrd"
#define BOOT "11111111-2222-3333-4444-555555555555"
#define OTHER_BOOT "99999999-2222-3333-4444-555555555555"

struct bench {
	struct rig rig;
	char dir[128]; /* of the journals */
	struct crc crc;
	char boot[UNDO_BOOT_SIZE];
	struct undo *undo;
	uint64_t epoch[2];
};

/* Real files, and a journal that is still empty. */
static void
bench_init(struct bench *bench)
{
	static const struct series_archive small[] = {
	    {0, 600 * US_PER_S}, {300 * US_PER_S, 3000 * US_PER_S}};
	int i;

	memset(bench, 0, sizeof(*bench));
	rig_init(&bench->rig);
	rig_stop(&bench->rig);
	bench->rig.archives = small;
	bench->rig.n_archives = 2;
	rig_start(&bench->rig);
	for (i = 0; i < 7; i++) {
		rig_add(&bench->rig, REASON_OK, 50000);
		rig_pass(&bench->rig, 60);
	}
	rig_pass(&bench->rig, 60);
	rig_stop(&bench->rig);
	store_folder_make(bench->dir, sizeof(bench->dir), "undo");
	crc_init(&bench->crc);
	memcpy(bench->boot, BOOT, sizeof(BOOT));
	bench->undo =
	    undo_new(bench->dir, bench->rig.dir, &bench->crc, bench->boot, 1);
	log_set_level(LOG_LEVEL_ERROR);
}

static void
bench_fini(struct bench *bench)
{
	undo_free(bench->undo);
	store_folder_remove(bench->dir);
	rig_fini(&bench->rig);
}

static void
path_of(const struct bench *bench, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", bench->rig.dir, name);
}

struct bytes {
	unsigned char *data;
	size_t n;
};

static struct bytes
load(const char *path)
{
	struct bytes bytes = {0};
	struct stat st;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes.n = (size_t)st.st_size;
	bytes.data = mem_new(bytes.n + 1);
	assert_int_equal(read(fd, bytes.data, bytes.n), bytes.n);
	close(fd);
	return bytes;
}

/* Overwrites in place: it stays the same file. */
static void
store(const char *path, const struct bytes *bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes->data, bytes->n), (ssize_t)bytes->n);
	assert_int_equal(ftruncate(fd, (off_t)bytes->n), 0);
	close(fd);
}

static bool
is_as(const char *path, const struct bytes *want)
{
	struct bytes have = load(path);
	bool same =
	    have.n == want->n && memcmp(have.data, want->data, have.n) == 0;

	free(have.data);
	return same;
}

/* What an update does to the live part of the header, only more of it. */
static void
scribble(const char *path, unsigned char mark)
{
	struct bytes bytes = load(path);
	uint64_t sources, archives;
	size_t at, end;

	memcpy(&sources, bytes.data + 24, 8);
	memcpy(&archives, bytes.data + 32, 8);
	end = (size_t)plan_header_bytes(sources, archives);
	for (at = 128 + 120 * (sources + archives); at < end; at += 3)
		bytes.data[at] ^= mark;
	store(path, &bytes);
	free(bytes.data);
}

static void
begin_slice(struct bench *bench)
{
	char problem[256];

	undo_copy(bench->undo, NAME, SERIES_PHASES, &bench->epoch[0]);
	undo_copy(bench->undo, HIST, SERIES_HIST, &bench->epoch[1]);
	assert_int_equal(undo_arm(bench->undo, problem, sizeof(problem)), 0);
}

/* All that a start does; says how many files were given back. */
static size_t
restore_all(struct bench *bench, const char *boot, bool *power_cut)
{
	char padded[UNDO_BOOT_SIZE] = {0};
	struct restore *restore;
	uint64_t *list;
	size_t n, count;

	text_copy(padded, sizeof(padded), boot);
	assert_int_equal(numbered_list(bench->dir, UNDO_PREFIX, &list, &n), 0);
	restore = restore_new(
	    bench->dir, bench->rig.dir, &bench->crc, padded, list, n);
	*power_cut = restore_power_cut(restore);
	while (restore_step(restore))
		;
	count = restore_count(restore);
	if (count == 2 && restore_places(restore) > 0) {
		const struct series_key *key = restore_place(restore, 0);

		assert_int_equal(restore_places(restore), 1);
		assert_string_equal(key->operator, "wizja");
		assert_string_equal(key->deployment, "sp1");
		assert_string_equal(key->transaction, "login");
		assert_int_equal(key->step_s, 60);
	}
	restore_free(restore);
	free(list);
	return count;
}

static void
what_is_packed_unpacks_to_the_same_bytes(void **state)
{
	static const size_t sizes[] = {0, 8, 504, 512, 520, 4096, 28560};
	static const unsigned shares[] = {0, 1, 10, 50, 100};
	unsigned char *bytes = mem_new(28560), *out = mem_new(28560);
	struct buf packed;
	size_t s, p, i;

	(void)state;
	srand(7);
	buf_init(&packed, 1 << 20);
	for (s = 0; s < ARRAY_LEN(sizes); s++) {
		for (p = 0; p < ARRAY_LEN(shares); p++) {
			for (i = 0; i < sizes[s]; i++)
				bytes[i] = (unsigned)rand() % 100 < shares[p]
				    ? (unsigned char)rand()
				    : 0;
			buf_reset(&packed);
			undo_pack(&packed, bytes, sizes[s]);
			memset(out, 0x55, sizes[s]);
			assert_true(undo_unpack(out, sizes[s],
			    (unsigned char *)packed.data, packed.len));
			assert_memory_equal(out, bytes, sizes[s]);
			for (i = 1; i <= packed.len && i < 40; i++)
				assert_false(undo_unpack(out, sizes[s],
				    (unsigned char *)packed.data,
				    packed.len - i));
		}
	}
	buf_fini(&packed);
	free(bytes);
	free(out);
}

static void
a_slice_that_did_not_end_is_undone(void **state)
{
	struct bench bench;
	struct bytes phases, hist;
	char name[256], other[256];
	bool power_cut;

	(void)state;
	bench_init(&bench);
	path_of(&bench, NAME, name);
	path_of(&bench, HIST, other);
	begin_slice(&bench);
	scribble(name, 0x11);
	undo_done(bench.undo);
	phases = load(name);
	hist = load(other);
	begin_slice(&bench);
	scribble(name, 0x22);
	scribble(other, 0x33);
	assert_int_equal(restore_all(&bench, BOOT, &power_cut), 2);
	assert_false(power_cut);
	assert_true(is_as(name, &phases));
	assert_true(is_as(other, &hist));
	free(phases.data);
	free(hist.data);
	bench_fini(&bench);
}

static void
a_slice_that_ended_stays_as_it_is(void **state)
{
	struct bench bench;
	struct bytes written;
	char name[256];
	bool power_cut;

	(void)state;
	bench_init(&bench);
	path_of(&bench, NAME, name);
	begin_slice(&bench);
	scribble(name, 0x11);
	undo_done(bench.undo);
	written = load(name);
	assert_int_equal(restore_all(&bench, BOOT, &power_cut), 0);
	assert_true(is_as(name, &written));
	free(written.data);
	bench_fini(&bench);
}

static void
after_a_power_cut_the_first_copy_since_the_checkpoint_counts(void **state)
{
	struct bench bench;
	struct bytes middle;
	char name[256];
	bool power_cut;

	(void)state;
	bench_init(&bench);
	path_of(&bench, NAME, name);
	begin_slice(&bench);
	scribble(name, 0x11);
	undo_done(bench.undo);
	/* a checkpoint, then two slices, in two files */
	undo_rotate(bench.undo);
	undo_drop(bench.undo);
	middle = load(name);
	begin_slice(&bench);
	scribble(name, 0x22);
	undo_done(bench.undo);
	undo_rotate(bench.undo);
	begin_slice(&bench);
	scribble(name, 0x44);
	undo_done(bench.undo);
	assert_int_equal(restore_all(&bench, OTHER_BOOT, &power_cut), 2);
	assert_true(power_cut);
	assert_true(is_as(name, &middle));
	free(middle.data);
	bench_fini(&bench);
}

static void
a_file_that_the_slice_began_is_removed(void **state)
{
	struct bench bench;
	struct bytes phases;
	char name[256];
	bool power_cut;

	(void)state;
	bench_init(&bench);
	path_of(&bench, NAME, name);
	phases = load(name);
	assert_int_equal(unlink(name), 0);
	begin_slice(&bench);
	store(name, &phases);
	assert_int_equal(restore_all(&bench, BOOT, &power_cut), 2);
	assert_int_equal(access(name, F_OK), -1);
	free(phases.data);
	bench_fini(&bench);
}

static void
a_file_that_took_the_place_of_the_copied_one_is_set_aside(void **state)
{
	struct bench bench;
	struct bytes phases;
	char name[256], aside[300];
	bool power_cut;

	(void)state;
	bench_init(&bench);
	path_of(&bench, NAME, name);
	phases = load(name);
	begin_slice(&bench);
	snprintf(aside, sizeof(aside), "%s.old-1", name);
	assert_int_equal(rename(name, aside), 0);
	store(name, &phases);
	scribble(name, 0x77);
	restore_all(&bench, BOOT, &power_cut);
	assert_int_equal(access(name, F_OK), -1);
	assert_true(is_as(aside, &phases));
	free(phases.data);
	bench_fini(&bench);
}

/* Cut anywhere, bit for bit: a file gets its copy back whole or not at all. */
static void
a_damaged_journal_never_restores_anything_else(void **state)
{
	struct bench bench;
	struct bytes journal, cut, before, after;
	char name[256], path[256];
	bool power_cut;
	size_t n, restored = 0;

	(void)state;
	bench_init(&bench);
	path_of(&bench, NAME, name);
	numbered_path(path, sizeof(path), bench.dir, UNDO_PREFIX, 1);
	before = load(name);
	begin_slice(&bench);
	scribble(name, 0x11);
	after = load(name);
	journal = load(path);
	cut = journal;
	for (n = 0; n <= 2 * journal.n; n++) {
		if (n <= journal.n) {
			cut.n = n;
			store(path, &cut);
		} else {
			unsigned char *byte = &journal.data[n - journal.n - 1];

			*byte ^= 0x10;
			store(path, &journal);
			*byte ^= 0x10;
		}
		restore_all(&bench, n % 2 ? BOOT : OTHER_BOOT, &power_cut);
		if (is_as(name, &before)) {
			restored++;
			store(name, &after);
		} else {
			assert_true(is_as(name, &after));
		}
	}
	assert_true(restored > 0);
	free(journal.data);
	free(before.data);
	free(after.data);
	bench_fini(&bench);
}

static size_t
count_files(const char *dir, const char *prefix)
{
	uint64_t *list;
	size_t n;

	assert_int_equal(numbered_list(dir, prefix, &list, &n), 0);
	free(list);
	return n;
}

static void
a_disk_that_takes_no_copy_is_not_filled_with_empty_journals(void **state)
{
	struct rlimit all, head;
	struct bench bench;
	char problem[256];
	int i;

	(void)state;
	bench_init(&bench);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	head = all;
	head.rlim_cur = RECORD_HEAD + sizeof(struct undo_head) + 10;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &head), 0);
	for (i = 0; i < 3; i++) {
		undo_copy(bench.undo, NAME, SERIES_PHASES, &bench.epoch[0]);
		assert_int_not_equal(
		    undo_arm(bench.undo, problem, sizeof(problem)), 0);
		assert_non_null(strstr(problem, bench.dir));
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_int_equal(count_files(bench.dir, UNDO_PREFIX), 0);
	begin_slice(&bench);
	assert_int_equal(count_files(bench.dir, UNDO_PREFIX), 1);
	bench_fini(&bench);
}

static void
results_that_cannot_be_read_do_not_make_each_start_a_recovery(void **state)
{
	struct series_range *range;
	struct rig rig;
	char recent[160], bad[200];

	(void)state;
	rig_init(&rig);
	rig_stop(&rig);
	snprintf(recent, sizeof(recent), "%s-recent", rig.dir);
	assert_int_equal(mkdir(recent, 0750), 0);
	snprintf(bad, sizeof(bad), "%s/results-7", recent);
	assert_int_equal(symlink(bad, bad), 0);
	rig.recent = recent;
	rig_start(&rig);
	rig_add(&rig, REASON_OK, 50000);
	rig_pass(&rig, 60);
	/* answered when the recovery is over */
	(void)rig_ask(
	    &rig, "wizja/sp1/login", START_S, START_S + 60, 60, &range);
	series_range_free(range);
	rig_pass(&rig, 60);
	rig_stop(&rig);
	assert_int_equal(count_files(recent, SEGMENT_PREFIX), 0);
	text_copy(bad + strlen(bad), 16, ".unreadable");
	assert_int_equal(unlink(bad), 0);
	store_folder_remove(recent);
	rig_fini(&rig);
}

static void
a_clean_stop_leaves_nothing_to_recover(void **state)
{
	struct rig rig;
	char recent[160];
	int i;

	(void)state;
	rig_init(&rig);
	rig_stop(&rig);
	snprintf(recent, sizeof(recent), "%s-recent", rig.dir);
	rig.recent = recent;
	rig_start(&rig);
	for (i = 0; i < 5; i++) {
		rig_add(&rig, REASON_OK, 50000);
		rig_pass(&rig, 60);
	}
	assert_true(count_files(recent, UNDO_PREFIX) > 0);
	rig_stop(&rig);
	assert_int_equal(count_files(recent, UNDO_PREFIX), 0);
	assert_int_equal(count_files(recent, SEGMENT_PREFIX), 0);
	store_folder_remove(recent);
	rig_fini(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_packed_unpacks_to_the_same_bytes),
	    cmocka_unit_test(a_slice_that_did_not_end_is_undone),
	    cmocka_unit_test(a_slice_that_ended_stays_as_it_is),
	    cmocka_unit_test(
		after_a_power_cut_the_first_copy_since_the_checkpoint_counts),
	    cmocka_unit_test(a_file_that_the_slice_began_is_removed),
	    cmocka_unit_test(
		a_file_that_took_the_place_of_the_copied_one_is_set_aside),
	    cmocka_unit_test(a_damaged_journal_never_restores_anything_else),
	    cmocka_unit_test(
		a_disk_that_takes_no_copy_is_not_filled_with_empty_journals),
	    cmocka_unit_test(
		results_that_cannot_be_read_do_not_make_each_start_a_recovery),
	    cmocka_unit_test(a_clean_stop_leaves_nothing_to_recover),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
