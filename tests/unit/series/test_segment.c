#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/series/recent-int.h"
#include "rig.h"

/* Recent results in files that only grow: what is read back of them, whole,
 * cut anywhere, with any bit flipped, and when the disk refuses. */

#define RESULTS 20

struct bench {
	char dir[128];
	struct clock_manual clock;
	struct crc crc;
	struct syncer *syncer;
	struct segments *segments;
	struct target targets[3];
};

static void
bench_init(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	store_folder_make(bench->dir, sizeof(bench->dir), "segment");
	clock_manual_init(&bench->clock, 1000 * US_PER_S, START_S * US_PER_S);
	crc_init(&bench->crc);
	bench->syncer = syncer_new(bench->dir);
	assert_non_null(bench->syncer);
	bench->segments = segments_new(
	    bench->dir, &bench->crc, bench->syncer, &bench->clock.clock, 1);
	bench->targets[0] = store_target("wizja", "sp1", "login");
	bench->targets[1] = store_target("wizja", "sp2", "login");
	bench->targets[2] = store_target("librus", "synergia", "grades");
}

static void
bench_fini(struct bench *bench)
{
	segments_free(bench->segments);
	syncer_free(bench->syncer);
	store_folder_remove(bench->dir);
}

static struct gather_result
result_at(const struct bench *bench, unsigned i)
{
	struct gather_result result = {
	    .target = &bench->targets[i % 3],
	    .every = i % 5 == 4 ? 300 * US_PER_S : STEP,
	    .started = (START_S + i) * US_PER_S + 123456,
	    .latency = 1000 + i,
	    .phases.us = {i, 2 * i, 3 * i, 4 * i, 5 * i},
	    .verdict = (enum verdict)(i % 3),
	};

	return result;
}

static struct gather_mark
mark_at(unsigned i)
{
	struct gather_mark mark = {START_S + 60 * i, START_S + 30 * i};

	if (i % 7 == 6)
		mark.all_end_s = 0;
	return mark;
}

static void
add(struct bench *bench, unsigned i)
{
	struct gather_result result = result_at(bench, i);
	struct gather_mark mark = mark_at(i);

	segments_add(bench->segments, &result, &mark);
}

static void
path_of(const struct bench *bench, unsigned n, char path[256])
{
	numbered_path(path, 256, bench->dir, SEGMENT_PREFIX, n);
}

static void
is_result(const struct bench *bench, unsigned i,
    const struct gather_result *have, const struct gather_mark *mark)
{
	struct gather_result want = result_at(bench, i);
	struct gather_mark where = mark_at(i);

	assert_string_equal(have->target->operator, want.target->operator);
	assert_string_equal(have->target->deployment, want.target->deployment);
	assert_string_equal(
	    have->target->transaction, want.target->transaction);
	assert_int_equal(have->every, want.every);
	assert_int_equal(have->started, want.started);
	assert_int_equal(have->latency, want.latency);
	assert_memory_equal(&have->phases, &want.phases, sizeof(want.phases));
	assert_int_equal(have->verdict, want.verdict);
	assert_int_equal(mark->end_s, where.end_s);
	assert_int_equal(mark->all_end_s, where.all_end_s);
}

/* Reads a file, compares each result, and says how many there were. */
static unsigned
read_back(
    const struct bench *bench, const char *path, unsigned first, bool *damaged)
{
	struct segment_reader *reader;
	struct gather_result result;
	struct gather_mark mark;
	unsigned n = 0;

	assert_int_equal(segment_open(&reader, &bench->crc, path), 0);
	while (segment_next(reader, &result, &mark))
		is_result(bench, first + n++, &result, &mark);
	*damaged = segment_damaged(reader);
	segment_close(reader);
	return n;
}

static void
results_come_back_as_they_were_given(void **state)
{
	struct bench bench;
	struct segment_reader *reader;
	struct gather_result result = {0};
	struct gather_mark mark = {SEGMENT_UNPLACED, SEGMENT_UNPLACED};
	char path[256];
	bool damaged;
	unsigned i;

	(void)state;
	bench_init(&bench);
	for (i = 0; i < RESULTS; i++)
		add(&bench, i);
	segments_rotate(bench.segments);
	for (; i < 2 * RESULTS; i++)
		add(&bench, i);
	segments_rotate(bench.segments);
	result = result_at(&bench, 3);
	segments_add(bench.segments, &result, &mark);
	segments_flush(bench.segments);
	path_of(&bench, 1, path);
	assert_int_equal(read_back(&bench, path, 0, &damaged), RESULTS);
	assert_false(damaged);
	path_of(&bench, 2, path);
	assert_int_equal(read_back(&bench, path, RESULTS, &damaged), RESULTS);
	assert_false(damaged);
	/* not placed yet: in the step in which it began */
	path_of(&bench, 3, path);
	assert_int_equal(segment_open(&reader, &bench.crc, path), 0);
	assert_true(segment_next(reader, &result, &mark));
	assert_int_equal(mark.end_s, START_S + 3 + 1);
	assert_int_equal(mark.all_end_s, START_S + 3 + 1);
	assert_false(segment_next(reader, &result, &mark));
	segment_close(reader);
	bench_fini(&bench);
}

/* ---- damage ---- */

struct sample {
	unsigned char bytes[8192];
	size_t n;
	size_t ends[RESULTS]; /* behind the record of each result */
	size_t starts[8192]; /* of the record that a byte belongs to */
	char path[256];
};

static void
make_sample(struct bench *bench, struct sample *sample)
{
	unsigned i, results = 0;
	size_t at, k;
	char path[256];
	int fd;

	for (i = 0; i < RESULTS; i++)
		add(bench, i);
	segments_flush(bench->segments);
	path_of(bench, 1, path);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	sample->n = (size_t)read(fd, sample->bytes, sizeof(sample->bytes));
	close(fd);
	assert_true(sample->n < sizeof(sample->bytes));
	for (at = 0; at < sample->n;) {
		uint32_t head;
		size_t len;

		memcpy(&head, sample->bytes + at, 4);
		len = RECORD_HEAD + (head & 0xffffff);
		for (k = at; k < at + len; k++)
			sample->starts[k] = at;
		at += len;
		if (head >> 24 == SEGMENT_RESULT)
			sample->ends[results++] = at;
	}
	assert_int_equal(results, RESULTS);
	snprintf(sample->path, sizeof(sample->path), "%s/damaged", bench->dir);
}

static void
put(const struct sample *sample, size_t n)
{
	int fd = open(sample->path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, sample->bytes, n), n);
	assert_int_equal(ftruncate(fd, (off_t)n), 0);
	close(fd);
}

static unsigned
whole_before(const struct sample *sample, size_t at)
{
	unsigned n = 0;

	while (n < RESULTS && sample->ends[n] <= at)
		n++;
	return n;
}

static void
a_file_cut_at_any_byte_gives_what_is_whole(void **state)
{
	struct sample *sample = mem_new(sizeof(*sample));
	struct bench bench;
	size_t n;

	(void)state;
	bench_init(&bench);
	make_sample(&bench, sample);
	for (n = 0; n <= sample->n; n++) {
		bool damaged;

		put(sample, n);
		assert_int_equal(read_back(&bench, sample->path, 0, &damaged),
		    whole_before(sample, n));
		assert_int_equal(
		    damaged, n > 0 && n < sample->n && sample->starts[n] != n);
	}
	bench_fini(&bench);
	free(sample);
}

static void
no_flipped_bit_lets_a_wrong_result_through(void **state)
{
	struct sample *sample = mem_new(sizeof(*sample));
	struct bench bench;
	size_t at;
	unsigned bit;

	(void)state;
	bench_init(&bench);
	make_sample(&bench, sample);
	for (at = 0; at < sample->n; at++) {
		for (bit = 0; bit < 8; bit++) {
			bool damaged;

			sample->bytes[at] ^= (unsigned char)(1u << bit);
			put(sample, sample->n);
			sample->bytes[at] ^= (unsigned char)(1u << bit);
			assert_int_equal(
			    read_back(&bench, sample->path, 0, &damaged),
			    whole_before(sample, sample->starts[at]));
			assert_true(damaged);
		}
	}
	bench_fini(&bench);
	free(sample);
}

static void
zeros_behind_the_end_are_no_results(void **state)
{
	struct sample *sample = mem_new(sizeof(*sample));
	struct bench bench;
	bool damaged;

	(void)state;
	bench_init(&bench);
	make_sample(&bench, sample);
	memset(sample->bytes + sample->n, 0, 600);
	put(sample, sample->n + 600);
	assert_int_equal(read_back(&bench, sample->path, 0, &damaged), RESULTS);
	assert_true(damaged);
	bench_fini(&bench);
	free(sample);
}

/* ---- the disk refuses ---- */

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		_exit(3);
}

/* In a child, for the sake of the limit; its status says which step failed. */
static int
fill_up(struct bench *bench)
{
	unsigned i, kept = 0;
	char path[256];
	bool damaged;

	signal(SIGXFSZ, SIG_IGN);
	log_set_level(LOG_LEVEL_ERROR);
	/* its threads are the parent's */
	bench->syncer = syncer_new(bench->dir);
	bench->segments = segments_new(
	    bench->dir, &bench->crc, bench->syncer, &bench->clock.clock, 1);
	limit_files(700);
	for (i = 0; i < RESULTS; i++) {
		add(bench, i);
		segments_flush(bench->segments);
	}
	limit_files(RLIM_INFINITY);
	path_of(bench, 1, path);
	kept = read_back(bench, path, 0, &damaged);
	if (damaged || kept == 0 || kept >= RESULTS)
		return 4;
	/* nothing is tried for a second: all the rest is not kept */
	if (segments_unsaved(bench->segments) != RESULTS - kept)
		return 5;
	clock_manual_advance(&bench->clock, 2 * US_PER_S);
	for (i = 0; i < RESULTS; i++)
		add(bench, i);
	segments_flush(bench->segments);
	path_of(bench, 2, path);
	if (read_back(bench, path, 0, &damaged) != RESULTS || damaged)
		return 6;
	return 0;
}

static void
a_full_disk_costs_results_and_no_file(void **state)
{
	struct bench bench;
	int status;
	pid_t child;

	(void)state;
	bench_init(&bench);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(fill_up(&bench));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	bench_fini(&bench);
}

/* ---- what is kept how long ---- */

static unsigned
count_files(const struct bench *bench)
{
	uint64_t *list;
	size_t n;

	assert_int_equal(
	    numbered_list(bench->dir, SEGMENT_PREFIX, &list, &n), 0);
	free(list);
	return (unsigned)n;
}

static void
a_file_goes_when_all_of_it_is_written(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	add(&bench, 0);
	add(&bench, 9);
	segments_rotate(bench.segments);
	add(&bench, 10);
	segments_rotate(bench.segments);
	add(&bench, 11);
	segments_flush(bench.segments);
	assert_int_equal(count_files(&bench), 3);
	segments_drop(bench.segments, result_at(&bench, 9).started);
	assert_int_equal(count_files(&bench), 3);
	segments_drop(bench.segments, result_at(&bench, 9).started + 1);
	assert_int_equal(count_files(&bench), 2);
	/* the one that is being written stays */
	segments_drop(bench.segments, INT64_MAX);
	assert_int_equal(count_files(&bench), 1);
	bench_fini(&bench);
}

static void
results_of_the_future_go_after_an_hour(void **state)
{
	struct bench bench;
	struct gather_result result;
	struct gather_mark mark = mark_at(0);

	(void)state;
	bench_init(&bench);
	result = result_at(&bench, 0);
	result.started += INT64_C(86400) * US_PER_S;
	segments_add(bench.segments, &result, &mark);
	segments_rotate(bench.segments);
	segments_drop(bench.segments, bench.clock.wall);
	assert_int_equal(count_files(&bench), 1);
	clock_manual_advance(&bench.clock, 3601 * US_PER_S);
	segments_drop(bench.segments, bench.clock.wall);
	assert_int_equal(count_files(&bench), 0);
	bench_fini(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(results_come_back_as_they_were_given),
	    cmocka_unit_test(a_file_cut_at_any_byte_gives_what_is_whole),
	    cmocka_unit_test(no_flipped_bit_lets_a_wrong_result_through),
	    cmocka_unit_test(zeros_behind_the_end_are_no_results),
	    cmocka_unit_test(a_full_disk_costs_results_and_no_file),
	    cmocka_unit_test(a_file_goes_when_all_of_it_is_written),
	    cmocka_unit_test(results_of_the_future_go_after_an_hour),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
