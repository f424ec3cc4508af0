#include "crash.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "daemon/series/recent-int.h"

/*
 * Power cuts, simulated: the writer is killed, and then its files are made to
 * look as a disk may hold them. What was synced is there. Of an RRD file each
 * page of 4 kB is either as it was at the last sync of everything or as it was
 * written last, in any mixture; one begun since may have any page empty, or be
 * missing. Of a journal the end that was not synced may be missing, cut
 * anywhere, or be zeros. The boot id is another one.
 *
 * The functions that wait for the disk are replaced here by ones that note
 * what is safe from then on. A real disk that lies about its own cache is not
 * simulated.
 *
 *   test_power [--cuts N] [--seed S] [--same-boot]
 *
 * --same-boot leaves the boot id as it is, so that the cut is taken for a kill.
 * Then there must be damage, or the test would not bite.
 */

#define PAGE 4096
#define JOURNALS 4096
#define FRESH_EVERY 25 /* cuts in one folder */
#define OTHER_BOOT "99999999-2222-3333-4444-555555555555"

static unsigned option_cuts = 20;
static uint64_t option_seed = 0;
static bool option_same_boot = false;

/* What the disk has, shared with the child. */
struct disk {
	char dir[160]; /* RRD files as at the last sync of everything */
	_Atomic unsigned n;
	struct {
		_Atomic uint64_t name; /* a hash: inodes come again */
		_Atomic int64_t bytes;
	} journal[JOURNALS];
	_Atomic uint64_t syncs;
};

static struct disk *disk;
static struct world *the_world;

static void
saved_path(int place, int kind, char *path, size_t size)
{
	snprintf(path, size, "%s/%d-%d", disk->dir, place, kind);
}

static unsigned char *
load(const char *path, size_t *n)
{
	unsigned char *bytes;
	struct stat st;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0)
		abort();
	*n = (size_t)st.st_size;
	bytes = mem_new(*n + PAGE);
	if (read(fd, bytes, *n) != st.st_size)
		abort();
	close(fd);
	return bytes;
}

/* In place, so that it stays the same file, and a kill leaves a mixture. */
static void
store(const char *path, const unsigned char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n ||
	    ftruncate(fd, (off_t)n) != 0)
		abort();
	close(fd);
}

/* ---- in place of libc's ---- */

int
fdatasync(int fd)
{
	char link[64], path[256];
	struct stat st;
	uint64_t name;
	ssize_t len;
	unsigned i;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (disk == NULL || fstat(fd, &st) != 0 || len <= 0)
		return 0;
	path[len] = '\0';
	name = crypto_hash64(strrchr(path, '/'));
	for (i = 0; i < disk->n; i++) {
		if (disk->journal[i].name == name)
			break;
	}
	if (i == JOURNALS)
		abort();
	disk->journal[i].name = name;
	disk->journal[i].bytes = st.st_size;
	if (i == disk->n)
		disk->n = i + 1;
	return 0;
}

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
syncfs(int fd)
{
	char path[256], saved[256];
	int place, kind;

	(void)fd;
	if (disk == NULL)
		return 0;
	for (place = 0; place < PLACES; place++) {
		for (kind = 0; kind < 2; kind++) {
			unsigned char *bytes;
			size_t n;

			world_path(the_world, place, (enum series_kind)kind,
			    path, sizeof(path));
			saved_path(place, kind, saved, sizeof(saved));
			bytes = load(path, &n);
			if (bytes != NULL)
				store(saved, bytes, n);
			free(bytes);
		}
	}
	disk->syncs++;
	return 0;
}

/* ---- the power fails ---- */

static void
tear_file(struct world *world, int place, int kind)
{
	char path[256], saved[256];
	unsigned char *now, *old;
	size_t n, n_old = 0, at;

	world_path(world, place, (enum series_kind)kind, path, sizeof(path));
	saved_path(place, kind, saved, sizeof(saved));
	now = load(path, &n);
	if (now == NULL)
		return;
	old = load(saved, &n_old);
	if (old == NULL && world_roll(world, 3) == 0) {
		unlink(path);
		free(now);
		return;
	}
	for (at = 0; at < n; at += PAGE) {
		size_t len = n - at < PAGE ? n - at : PAGE;

		if (world_roll(world, 2) == 0)
			continue;
		if (at + len <= n_old)
			memcpy(now + at, old + at, len);
		else
			memset(now + at, 0, len);
	}
	store(path, now, n);
	free(now);
	free(old);
}

static int64_t
safe_bytes(const char *path)
{
	uint64_t name = crypto_hash64(strrchr(path, '/'));
	unsigned i;

	for (i = 0; i < disk->n; i++) {
		if (disk->journal[i].name == name)
			return disk->journal[i].bytes;
	}
	return -1;
}

static void
tear_journal(struct world *world, const char *prefix, uint64_t number)
{
	unsigned char *bytes;
	char path[256];
	int64_t safe;
	size_t n, keep;

	numbered_path(path, sizeof(path), world->recent, prefix, number);
	safe = safe_bytes(path);
	if (safe < 0 && world_roll(world, 2) == 0) {
		unlink(path);
		return;
	}
	bytes = load(path, &n);
	if (safe < 0)
		safe = 0;
	keep = (size_t)safe + world_roll(world, n - (size_t)safe + 1);
	if (world_roll(world, 2) == 0)
		memset(bytes + keep, 0, n - keep);
	else
		n = keep;
	store(path, bytes, n);
	free(bytes);
}

/* The journals of another boot. */
static void
change_boot(struct world *world, const struct crc *crc, uint64_t number)
{
	struct undo_head head = {.magic = UNDO_MAGIC, .boot = OTHER_BOOT};
	char path[256];
	struct buf buf;
	struct stat st;
	int fd;

	numbered_path(path, sizeof(path), world->recent, UNDO_PREFIX, number);
	buf_init(&buf, 256);
	record_add(crc, &buf, UNDO_HEAD, &head, sizeof(head));
	fd = open(path, O_WRONLY);
	if (fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size >= buf.len)
		assert_int_equal(write(fd, buf.data, buf.len), buf.len);
	if (fd >= 0)
		close(fd);
	buf_fini(&buf);
}

static void
cut_power(struct world *world)
{
	static const char *const prefixes[] = {UNDO_PREFIX, SEGMENT_PREFIX};
	int place, kind;
	struct crc crc;
	size_t i, p, n;
	uint64_t *list;

	crc_init(&crc);
	for (place = 0; place < PLACES; place++) {
		for (kind = 0; kind < 2; kind++)
			tear_file(world, place, kind);
	}
	for (p = 0; p < ARRAY_LEN(prefixes); p++) {
		assert_int_equal(
		    numbered_list(world->recent, prefixes[p], &list, &n), 0);
		for (i = 0; i < n; i++) {
			tear_journal(world, prefixes[p], list[i]);
			if (p == 0 && !option_same_boot)
				change_boot(world, &crc, list[i]);
		}
		free(list);
	}
}

static void
run_and_cut(struct world *world, uint64_t seq)
{
	int64_t after_ns = (int64_t)(500 + world_roll(world, 20000)) * 1000;
	pid_t child;
	int status;

	/* names come again after a clean stop, which leaves none */
	disk->n = 0;
	world->shared->busy = world->shared->done = false;
	world->shared->given = seq;
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		world_write(world, seq, RUN_MOST);
	while (!world->shared->busy)
		sched_yield();
	world_run_for(after_ns);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	cut_power(world);
}

static void
begin_disk(struct world *world)
{
	snprintf(disk->dir, sizeof(disk->dir), "%s/disk", world->dir);
	assert_int_equal(mkdir(disk->dir, 0700), 0);
	disk->n = 0;
}

static void
no_power_cut_leaves_a_wrong_row(void **state)
{
	int64_t begin = world_real_ns();
	struct world world;
	uint64_t seq = 0;
	unsigned i;

	(void)state;
	world_init(&world, option_seed);
	world.write_every = 3 * STEP_S * US_PER_S;
	the_world = &world;
	disk = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(disk != MAP_FAILED);
	print_message("seed %llu\n", (unsigned long long)world.seed);
	for (i = 0; i < option_cuts; i++) {
		if (i % FRESH_EVERY == 0) {
			world_begin(&world);
			begin_disk(&world);
			seq = 0;
		}
		run_and_cut(&world, seq);
		seq = world_judge(&world, seq, true);
		if (i % FRESH_EVERY == FRESH_EVERY - 1 || i + 1 == option_cuts)
			world_end(&world);
	}
	print_message("cuts %u, syncs of everything %llu, results given %llu, "
		      "lost %llu, at most %llu by one cut\n",
	    option_cuts, (unsigned long long)disk->syncs,
	    (unsigned long long)world.given, (unsigned long long)world.lost,
	    (unsigned long long)world.lost_most);
	print_message("rows compared %llu, wrong rows %llu in files "
		      "%llu, missing files %llu, %.1f s\n",
	    (unsigned long long)world.rows,
	    (unsigned long long)world.wrong_rows,
	    (unsigned long long)world.wrong_files,
	    (unsigned long long)world.missing_files,
	    (double)(world_real_ns() - begin) / 1e9);
	if (option_same_boot) {
		assert_true(world.wrong_rows > 0);
	} else {
		assert_int_equal(world.wrong_rows, 0);
		assert_int_equal(world.missing_files, 0);
	}
	munmap(disk, sizeof(*disk));
	disk = NULL;
	world_fini(&world);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"cuts", required_argument, NULL, 'c'},
	    {"seed", required_argument, NULL, 's'},
	    {"same-boot", no_argument, NULL, 'b'},
	    {NULL, 0, NULL, 0},
	};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_power_cut_leaves_a_wrong_row),
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			option_cuts = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 's')
			option_seed = strtoull(optarg, NULL, 10);
		else if (option == 'b')
			option_same_boot = true;
		else
			return 2;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
