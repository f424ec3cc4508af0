#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/series/series-int.h"
#include "rig.h"

/*
 * Damaged files. librrd crashes on many of them, so each batch runs in a
 * child, and the judgement is that the child ends by itself.
 */

struct sample {
	char path[256];
	enum series_kind kind;
	unsigned char *bytes;
	size_t n;
	size_t header;
	int64_t last_s;
};

/* A real file with some life behind it, and a copy of its bytes. */
static void
make_sample(struct rig *rig, const char *name, enum series_kind kind,
    struct sample *sample)
{
	struct plan plan;
	struct stat st;
	char why[160];
	int fd;

	memset(sample, 0, sizeof(*sample));
	sample->kind = kind;
	snprintf(sample->path, sizeof(sample->path), "%s/wizja/sp1/%s",
	    rig->dir, name);
	assert_int_equal(check_file(sample->path, kind, &plan, &sample->last_s,
			     why, sizeof(why)),
	    CHECK_GOOD);
	sample->header =
	    (size_t)plan_header_bytes(plan.n_sources, plan.n_archives);
	assert_int_equal(stat(sample->path, &st), 0);
	sample->n = (size_t)st.st_size;
	sample->bytes = mem_new(sample->n);
	fd = open(sample->path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, sample->bytes, sample->n), sample->n);
	close(fd);
}

static void
rig_with_files(struct rig *rig)
{
	static const struct series_archive small[] = {
	    {0, 600 * US_PER_S}, {300 * US_PER_S, 3000 * US_PER_S}};
	int i;

	rig_init(rig);
	rig_stop(rig);
	rig->archives = small;
	rig->n_archives = 2;
	rig_start(rig);
	for (i = 0; i < 7; i++) {
		rig_add(rig, i % 3 == 0 ? REASON_HTTP_5XX : REASON_OK, 50000);
		rig_pass(rig, 60);
	}
	rig_pass(rig, 60);
	rig_stop(rig);
}

/* What the daemon does with a file: check, then update and read if good. */
static enum check_verdict
use(const struct sample *sample)
{
	char text[1024], problem[256], why[160] = "";
	const char *values[] = {text};
	struct call_rows rows;
	struct plan plan;
	int64_t last_s = 0;
	enum check_verdict verdict;
	size_t i, n;
	int rc;

	verdict = check_file(
	    sample->path, sample->kind, &plan, &last_s, why, sizeof(why));
	if (verdict == CHECK_DAMAGED && why[0] == '\0')
		_exit(3);
	if (verdict != CHECK_GOOD)
		return verdict;
	n = (size_t)snprintf(
	    text, sizeof(text), "%lld", (long long)sample->last_s + 60);
	for (i = 0; i < plan.n_sources; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ":1");
	rc = call_update(sample->path, values, 1, problem, sizeof(problem));
	if (rc != 0 && problem[0] == '\0')
		_exit(4);
	rc = call_fetch(sample->path, "AVERAGE", sample->last_s - 600,
	    sample->last_s + 60, 60, &rows, problem, sizeof(problem));
	if (rc == 0)
		call_rows_free(&rows);
	return verdict;
}

static void
put(const struct sample *sample, size_t n)
{
	int fd = open(sample->path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, sample->bytes, n) != (ssize_t)n ||
	    ftruncate(fd, (off_t)n) != 0)
		_exit(5);
	close(fd);
}

static void
ends_by_itself(pid_t child, const char *what, size_t at)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s from %zu: status %x", what, at, (unsigned)status);
}

static void
flip_all(const struct sample *original, unsigned char mask)
{
	const size_t batch = 4096;
	struct sample sample = *original;
	size_t from, at;

	for (from = 0; from < sample.header; from += batch) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child > 0) {
			ends_by_itself(child, "flips", from);
			continue;
		}
		for (at = from; at < from + batch && at < sample.header; at++) {
			sample.bytes[at] ^= mask;
			put(&sample, sample.n);
			use(&sample);
			sample.bytes[at] ^= mask;
		}
		_exit(0);
	}
	put(&sample, sample.n);
}

static void
no_flipped_byte_of_a_header_crashes(void **state)
{
	static const unsigned char masks[] = {0x01, 0x80, 0xff};
	struct rig rig;
	struct sample phases, hist;
	size_t i;

	(void)state;
	rig_with_files(&rig);
	make_sample(&rig, "login.rrd", SERIES_PHASES, &phases);
	make_sample(&rig, "login.hist.rrd", SERIES_HIST, &hist);
	for (i = 0; i < ARRAY_LEN(masks); i++)
		flip_all(&phases, masks[i]);
	flip_all(&hist, 0xff);
	free(phases.bytes);
	free(hist.bytes);
	rig_fini(&rig);
}

static void
no_truncation_passes_the_check(void **state)
{
	struct rig rig;
	struct sample sample;
	size_t n;
	pid_t child;

	(void)state;
	rig_with_files(&rig);
	make_sample(&rig, "login.rrd", SERIES_PHASES, &sample);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		for (n = 0; n < sample.n; n += n < 200 ? 1 : 37) {
			put(&sample, n);
			if (use(&sample) != CHECK_DAMAGED)
				_exit(2);
		}
		put(&sample, sample.n);
		_exit(use(&sample) == CHECK_GOOD ? 0 : 6);
	}
	ends_by_itself(child, "truncation", 0);
	free(sample.bytes);
	rig_fini(&rig);
}

static void
zeroed_counts_in_the_header_pass_no_check(void **state)
{
	static const size_t counts[] = {24, 32, 40};
	struct rig rig;
	struct sample sample;
	size_t i;

	(void)state;
	rig_with_files(&rig);
	make_sample(&rig, "login.rrd", SERIES_PHASES, &sample);
	for (i = 0; i < ARRAY_LEN(counts); i++) {
		uint64_t kept;

		memcpy(&kept, sample.bytes + counts[i], 8);
		memset(sample.bytes + counts[i], 0, 8);
		put(&sample, sample.n);
		assert_int_equal(use(&sample), CHECK_DAMAGED);
		memcpy(sample.bytes + counts[i], &kept, 8);
	}
	memset(sample.bytes, 0, sample.header);
	put(&sample, sample.n);
	assert_int_equal(use(&sample), CHECK_DAMAGED);
	free(sample.bytes);
	rig_fini(&rig);
}

/* Reading divides by the row widths of the archives it finds by name. */
static void
a_file_without_the_archives_that_are_read_passes_no_check(void **state)
{
	static const struct {
		enum series_kind kind;
		const char *name, *from, *to;
	} cases[] = {
	    {SERIES_PHASES, "login.rrd", "AVERAGE", "MIN"},
	    {SERIES_PHASES, "login.rrd", "MAX", "MIN"},
	    {SERIES_HIST, "login.hist.rrd", "AVERAGE", "MAX"},
	};
	struct rig rig;
	size_t i, k;

	(void)state;
	rig_with_files(&rig);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct sample sample;
		char from[20] = {0}, to[20] = {0};
		unsigned char *kept;

		memcpy(from, cases[i].from, strlen(cases[i].from));
		memcpy(to, cases[i].to, strlen(cases[i].to));
		make_sample(&rig, cases[i].name, cases[i].kind, &sample);
		kept = mem_new(sample.n);
		memcpy(kept, sample.bytes, sample.n);
		for (k = 0; k + sizeof(from) <= sample.header; k++) {
			if (memcmp(sample.bytes + k, from, sizeof(from)) == 0)
				memcpy(sample.bytes + k, to, sizeof(to));
		}
		assert_memory_not_equal(kept, sample.bytes, sample.header);
		put(&sample, sample.n);
		assert_int_equal(use(&sample), CHECK_DAMAGED);
		memcpy(sample.bytes, kept, sample.n);
		put(&sample, sample.n);
		free(kept);
		free(sample.bytes);
	}
	rig_fini(&rig);
}

static void
a_damaged_file_is_moved_aside_and_begun_anew(void **state)
{
	struct rig rig;
	struct sample sample;
	struct series_stats stats;
	struct series_range *range;

	(void)state;
	rig_with_files(&rig);
	make_sample(&rig, "login.rrd", SERIES_PHASES, &sample);
	put(&sample, sample.n - 8);
	free(sample.bytes);
	rig_start(&rig);
	rig_add(&rig, REASON_OK, 50000);
	rig_pass(&rig, 120);
	series_stats(rig.series, &stats);
	assert_int_equal(stats.quarantined, 1);
	assert_string_equal(stats.problem, "");
	assert_int_equal(
	    rig_count_files(&rig, "wizja/sp1", "login.rrd.damaged-2026"), 1);
	assert_int_equal(rig_ask(&rig, "wizja/sp1/login", START_S,
			     START_S + 1200, 60, &range),
	    0);
	assert_float_equal(rig_sum(range->ok, range->n), 1, 1e-6);
	series_range_free(range);
	rig_fini(&rig);
}

static void
a_question_moves_a_damaged_file_aside(void **state)
{
	struct rig rig;
	struct sample sample;
	struct series_stats stats;
	struct series_range *range;

	(void)state;
	rig_with_files(&rig);
	make_sample(&rig, "login.hist.rrd", SERIES_HIST, &sample);
	put(&sample, 1000);
	free(sample.bytes);
	rig_start(&rig);
	assert_int_equal(rig_ask(&rig, "wizja/sp1/login", START_S,
			     START_S + 1200, 60, &range),
	    0);
	assert_true(isnan(range->p50_ms[0]));
	assert_true(rig_sum(range->ok, range->n) > 0);
	series_range_free(range);
	series_stats(rig.series, &stats);
	assert_int_equal(stats.quarantined, 1);
	rig_fini(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_flipped_byte_of_a_header_crashes),
	    cmocka_unit_test(no_truncation_passes_the_check),
	    cmocka_unit_test(zeroed_counts_in_the_header_pass_no_check),
	    cmocka_unit_test(
		a_file_without_the_archives_that_are_read_passes_no_check),
	    cmocka_unit_test(a_damaged_file_is_moved_aside_and_begun_anew),
	    cmocka_unit_test(a_question_moves_a_damaged_file_aside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
