#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "rig.h"

/* Results in, files out: judged by rrdtool itself where it is installed. */

static int
set_up(void **state)
{
	struct rig *rig = mem_new(sizeof(*rig));

	rig_init(rig);
	*state = rig;
	return 0;
}

static int
tear_down(void **state)
{
	rig_fini(*state);
	free(*state);
	return 0;
}

static bool
have_rrdtool(void)
{
	return system("rrdtool --version >/dev/null 2>&1") == 0;
}

/* The output of `rrdtool ARGS` run in the rig's folder; the caller frees. */
static char *
rrdtool(const struct rig *rig, const char *arguments)
{
	char command[1024];
	char *text = mem_new(1 << 20);
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command), "cd '%s' && rrdtool %s 2>&1",
	    rig->dir, arguments);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(text, 1, (1 << 20) - 1, pipe);
	text[n] = '\0';
	if (pclose(pipe) != 0)
		fail_msg("rrdtool %s: %s", arguments, text);
	return text;
}

static double
total_ok(struct rig *rig, const char *target)
{
	struct series_range *range;
	double ok;

	assert_int_equal(rig_ask(rig, target, START_S - 86400,
			     rig->clock.wall / US_PER_S + 86400, 3600, &range),
	    0);
	ok = rig_sum(range->ok, range->n);
	series_range_free(range);
	return ok;
}

static void
rrdtool_reads_fetches_and_graphs_every_file(void **state)
{
	static const char *const files[] = {"wizja/sp1/login.rrd",
	    "wizja/sp1/login.hist.rrd", "wizja/_all/login.rrd",
	    "wizja/_all/login.hist.rrd"};
	struct rig *rig = *state;
	char arguments[512], *text;
	size_t i;
	int step;

	if (!have_rrdtool())
		skip();
	for (step = 0; step < 10; step++) {
		rig_add(rig, REASON_OK, 123456);
		rig_pass(rig, 60);
	}
	rig_pass(rig, 60);
	for (i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(arguments, sizeof(arguments), "info %s", files[i]);
		text = rrdtool(rig, arguments);
		assert_non_null(strstr(text, "step = 60\n"));
		free(text);
		snprintf(arguments, sizeof(arguments),
		    "fetch %s AVERAGE -r 60 -s %lld -e %lld", files[i],
		    (long long)START_S, (long long)START_S + 600);
		text = rrdtool(rig, arguments);
		/* one result a minute in the ok source or its bucket */
		assert_non_null(strstr(text, "1.6666666667e-02"));
		free(text);
		snprintf(arguments, sizeof(arguments),
		    "graph g.png -s %lld -e %lld DEF:x=%s:%s:AVERAGE "
		    "LINE1:x#000000",
		    (long long)START_S, (long long)START_S + 600, files[i],
		    i % 2 == 0 ? "total" : "b20");
		free(rrdtool(rig, arguments));
	}
	text = rrdtool(rig,
	    "fetch wizja/sp1/login.rrd AVERAGE -r 60 "
	    "-s 1790035200 -e 1790035260");
	assert_non_null(strstr(text, "1.2345600000e+02"));
	assert_non_null(strstr(text, "6.1728000000e+01"));
	free(text);
}

static void
a_step_without_a_run_counts_zero_so_a_grown_interval_keeps_counts(void **state)
{
	struct rig *rig = *state;
	struct series_range *range;
	int i;

	/* one result every five steps, over a day */
	for (i = 0; i < 1440; i++) {
		if (i % 5 == 0)
			rig_add(rig, REASON_OK, 50000);
		rig_pass(rig, 60);
	}
	rig_pass(rig, 60);
	assert_int_equal(rig_ask(rig, "wizja/sp1/login", START_S,
			     START_S + 86400, 3600, &range),
	    0);
	assert_int_equal(range->n, 24);
	for (i = 0; i < 24; i++) {
		assert_float_equal(range->ok[i], 12, 1e-6);
		assert_float_equal(range->mean_ms[i], 50, 1e-3);
		assert_float_equal(
		    rig_sum(range->buckets[i], HIST_BUCKETS), 12, 1e-6);
	}
	series_range_free(range);
}

static void
a_pause_of_hours_neither_loses_nor_invents_counts(void **state)
{
	struct rig *rig = *state;

	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	rig_stop(rig);
	clock_manual_advance(&rig->clock, 7 * 3600 * US_PER_S + 13 * US_PER_S);
	rig_start(rig);
	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 3, 1e-6);
	assert_float_equal(total_ok(rig, "wizja"), 3, 1e-6);
}

static void
results_of_one_step_are_averaged_and_the_maximum_stays_true(void **state)
{
	struct rig *rig = *state;
	struct series_range *range;

	rig_add(rig, REASON_OK, 100000);
	rig_add(rig, REASON_OK, 200000);
	rig_add(rig, REASON_OK, 6000000);
	rig_add(rig, REASON_HTTP_5XX, 9000000);
	rig_add(rig, REASON_TAINTED, 9000000);
	rig_add(rig, REASON_PREREQUISITE_FAILED, 0);
	rig_pass(rig, 80);
	assert_int_equal(
	    rig_ask(rig, "wizja/sp1/login", START_S, START_S + 60, 60, &range),
	    0);
	assert_int_equal(range->n, 1);
	assert_float_equal(range->ok[0], 3, 1e-9);
	assert_float_equal(range->failed[0], 1, 1e-9);
	assert_float_equal(range->excluded[0], 2, 1e-9);
	assert_float_equal(range->mean_ms[0], 2100, 1e-6);
	assert_float_equal(range->max_ms[0], 6000, 1e-6);
	assert_float_equal(range->phase_ms[PHASE_WAIT][0], 1050, 1e-6);
	assert_float_equal(rig_sum(range->buckets[0], HIST_BUCKETS), 3, 1e-9);
	series_range_free(range);
}

static void
a_step_of_failures_has_counts_and_no_latency(void **state)
{
	struct rig *rig = *state;
	struct series_range *range;

	rig_add(rig, REASON_HTTP_5XX, 9000000);
	rig_pass(rig, 80);
	assert_int_equal(
	    rig_ask(rig, "wizja/sp1/login", START_S, START_S + 60, 60, &range),
	    0);
	assert_float_equal(range->failed[0], 1, 1e-9);
	assert_float_equal(range->ok[0], 0, 1e-9);
	assert_true(isnan(range->mean_ms[0]) && isnan(range->max_ms[0]));
	assert_true(isnan(range->p50_ms[0]));
	series_range_free(range);
}

static void
a_result_that_comes_just_after_the_boundary_stays_in_its_step(void **state)
{
	struct rig *rig = *state;
	struct series_range *range;
	struct result result = {
	    .target = &rig->target,
	    .started_wall = (START_S + 58) * US_PER_S,
	    .latency = 4 * US_PER_S,
	    .reason = REASON_OK,
	};

	rig_pass(rig, 62);
	assert_int_equal(series_append(rig->series, &result, STEP), 0);
	rig_pass(rig, 20);
	/* too late for its step: it counts in the next one */
	assert_int_equal(series_append(rig->series, &result, STEP), 0);
	rig_pass(rig, 60);
	assert_int_equal(
	    rig_ask(rig, "wizja/sp1/login", START_S, START_S + 120, 60, &range),
	    0);
	assert_float_equal(range->ok[0], 1, 1e-9);
	assert_float_equal(range->ok[1], 1, 1e-9);
	series_range_free(range);
}

static void
what_waits_is_written_before_it_is_read_and_at_the_end(void **state)
{
	struct rig *rig = *state;
	char path[256];
	int i;

	rig_stop(rig);
	rig->write_every = 1200 * US_PER_S;
	rig_start(rig);
	snprintf(path, sizeof(path), "%s/wizja/sp1/login.rrd", rig->dir);
	for (i = 0; i < 3; i++) {
		rig_add(rig, REASON_OK, 50000);
		clock_manual_advance(&rig->clock, STEP);
	}
	rig_pass(rig, 10);
	/* its instant may be near: then it is written, which is no mistake */
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 3, 1e-6);
	assert_int_equal(access(path, F_OK), 0);
	assert_float_equal(total_ok(rig, "wizja"), 3, 1e-6);
	rig_add(rig, REASON_OK, 50000);
	rig_stop(rig);
	rig_start(rig);
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 4, 1e-6);
	assert_float_equal(total_ok(rig, "wizja"), 4, 1e-6);
}

static void
a_restart_goes_on_in_the_same_files(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;
	int i;

	for (i = 0; i < 20; i++) {
		/* stop in the middle of a step, start again in it */
		rig_add(rig, REASON_OK, 50000);
		rig_pass(rig, 30);
		rig_stop(rig);
		rig_start(rig);
		rig_pass(rig, 30);
	}
	rig_pass(rig, 80);
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 20, 1e-6);
	assert_int_equal(rig_count_files(rig, "wizja/sp1", "login"), 2);
	rig_stats(rig, &stats);
	assert_int_equal(stats.quarantined, 0);
	assert_string_equal(stats.problem, "");
}

static void
another_interval_keeps_the_old_file_under_another_name(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;

	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	rig_add_to(rig, &rig->target, 300 * US_PER_S, REASON_OK, 50000);
	rig_pass(rig, 700);
	rig_stats(rig, &stats);
	assert_int_equal(stats.quarantined, 2);
	assert_int_equal(
	    rig_count_files(rig, "wizja/sp1", "login.rrd.old-2026"), 1);
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 1, 1e-6);
	/* the operator-wide file goes on */
	assert_float_equal(total_ok(rig, "wizja"), 2, 1e-6);
	assert_int_equal(rig_count_files(rig, "wizja/_all", "old"), 0);
}

static void
a_file_locked_by_another_process_is_written_later(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;
	char path[256];
	int in[2], out[2], status;
	char byte = 0;
	pid_t child;

	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	snprintf(path, sizeof(path), "%s/wizja/sp1/login.rrd", rig->dir);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
		int fd = open(path, O_RDONLY);

		if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 ||
		    write(out[1], "x", 1) != 1 || read(in[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(out[0], &byte, 1), 1);
	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	series_stats(rig->series, &stats);
	assert_non_null(strstr(stats.problem, "lock"));
	assert_int_equal(write(in[1], "x", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	rig_pass(rig, 60);
	series_stats(rig->series, &stats);
	assert_string_equal(stats.problem, "");
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 2, 1e-6);
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
}

static void
a_full_disk_loses_no_result_and_heals_by_itself(void **state)
{
	struct rig *rig = *state;
	struct rlimit before, limit;
	struct series_stats full, healed;
	int i;

	/* no file may grow any more: what a full disk does */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 1;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (i = 0; i < 40; i++) {
		rig_add(rig, REASON_OK, 50000);
		rig_pass(rig, 60);
	}
	series_stats(rig->series, &full);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(full.errors > 0);
	assert_string_not_equal(full.problem, "");
	rig_pass(rig, 80);
	rig_pass(rig, 60);
	series_stats(rig->series, &healed);
	assert_string_equal(healed.problem, "");
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 40, 1e-6);
}

static void
a_file_removed_under_us_is_begun_anew(void **state)
{
	struct rig *rig = *state;
	char path[256];

	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	snprintf(path, sizeof(path), "%s/wizja/sp1/login.rrd", rig->dir);
	assert_int_equal(unlink(path), 0);
	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	rig_pass(rig, 120);
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 1, 1e-6);
}

static void
left_over_files_of_a_kill_are_swept(void **state)
{
	struct rig *rig = *state;
	char path[256];
	FILE *file;

	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	rig_stop(rig);
	snprintf(path, sizeof(path), "%s/wizja/sp1/login.rrdAb12Zx", rig->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	setenv("RRDCACHED_ADDRESS", "unix:/nowhere", 1);
	rig_start(rig);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_null(getenv("RRDCACHED_ADDRESS"));
	assert_int_equal(rig_count_files(rig, "wizja/sp1", "login"), 2);
}

static void
many_files_are_written_in_slices_and_none_is_forgotten(void **state)
{
	struct rig *rig = *state;
	struct series_archive small[] = {{0, 600 * US_PER_S}};
	struct target targets[300];
	char name[32];
	int i, pass;

	rig_stop(rig);
	rig->archives = small;
	rig->n_archives = 1;
	rig_start(rig);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "sp%d", i);
		targets[i] = store_target("wizja", name, "login");
	}
	for (pass = 0; pass < 3; pass++) {
		for (i = 0; i < 300; i++)
			rig_add_to(rig, &targets[i], STEP, REASON_OK, 1000);
		/* slices queue themselves behind the drain: drain often */
		rig_pass(rig, 80);
		for (i = 0; i < 200; i++)
			rig_drain(rig);
	}
	for (i = 0; i < 300; i += 37) {
		snprintf(name, sizeof(name), "wizja/sp%d/login", i);
		assert_float_equal(total_ok(rig, name), 3, 1e-6);
	}
	assert_float_equal(total_ok(rig, "wizja"), 900, 1e-6);
}

static void
the_operator_file_has_the_shortest_interval_that_reported(void **state)
{
	struct rig *rig = *state;
	struct target quick = store_target("wizja", "sp2", "login");
	struct series_range *range;

	rig_add(rig, REASON_OK, 50000);
	rig_add_to(rig, &quick, 10 * US_PER_S, REASON_OK, 50000);
	rig_pass(rig, 120);
	assert_int_equal(
	    rig_ask(rig, "wizja/_all/login", START_S, START_S + 60, 10, &range),
	    0);
	assert_int_equal(range->step, 10 * US_PER_S);
	assert_float_equal(rig_sum(range->ok, range->n), 2, 1e-6);
	series_range_free(range);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(rrdtool_reads_fetches_and_graphs_every_file),
	    T(a_step_without_a_run_counts_zero_so_a_grown_interval_keeps_counts),
	    T(a_pause_of_hours_neither_loses_nor_invents_counts),
	    T(results_of_one_step_are_averaged_and_the_maximum_stays_true),
	    T(a_step_of_failures_has_counts_and_no_latency),
	    T(a_result_that_comes_just_after_the_boundary_stays_in_its_step),
	    T(what_waits_is_written_before_it_is_read_and_at_the_end),
	    T(a_restart_goes_on_in_the_same_files),
	    T(another_interval_keeps_the_old_file_under_another_name),
	    T(a_file_locked_by_another_process_is_written_later),
	    T(a_full_disk_loses_no_result_and_heals_by_itself),
	    T(a_file_removed_under_us_is_begun_anew),
	    T(left_over_files_of_a_kill_are_swept),
	    T(many_files_are_written_in_slices_and_none_is_forgotten),
	    T(the_operator_file_has_the_shortest_interval_that_reported),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
