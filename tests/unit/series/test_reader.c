/* Series that another process reads while the daemon writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>

#include "rig.h"

static int
ask(struct series_reader *reader, int64_t from_s, int64_t to_s,
    struct series_range **range)
{
	struct series_query query = {
	    .target = "wizja/sp1/login",
	    .from = from_s * US_PER_S,
	    .to = to_s * US_PER_S,
	    .step = STEP,
	    .buckets = true,
	};

	return series_reader_ask(reader, &query, range);
}

static void
what_is_in_the_files_is_seen(void **state)
{
	struct series_reader *reader;
	struct series_range *range;
	struct rig rig;

	(void)state;
	rig_init(&rig);
	reader = series_reader_new(rig.dir);
	assert_int_equal(ask(reader, START_S, START_S + 600, &range), -ENOENT);
	assert_null(range);
	for (int i = 0; i < 8; i++) {
		rig_add(&rig, REASON_OK, (100 + i) * US_PER_MS);
		rig_pass(&rig, 60);
	}
	/* as long as the daemon has them open, and after it */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    ask(reader, START_S, START_S + 600, &range), 0);
		assert_int_equal(range->step, STEP);
		assert_true(rig_sum(range->ok, range->n) >= 7);
		assert_true(fabs(range->mean_ms[3] - 103) < 1e-6);
		assert_true(isnan(range->ok[9]));
		series_range_free(range);
		if (i == 0)
			rig_stop(&rig);
	}
	series_reader_free(reader);
	rig_fini(&rig);
}

static void
a_damaged_file_stays_where_it_is(void **state)
{
	struct series_reader *reader;
	struct series_range *range;
	char path[256];
	struct rig rig;
	int fd;

	(void)state;
	rig_init(&rig);
	rig_add(&rig, REASON_OK, US_PER_S);
	rig_pass(&rig, 120);
	rig_stop(&rig);
	snprintf(path, sizeof(path), "%s/wizja/sp1/login.rrd", rig.dir);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "XXXX", 4), 4);
	close(fd);
	reader = series_reader_new(rig.dir);
	assert_int_equal(ask(reader, START_S, START_S + 600, &range), 0);
	series_range_free(range);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(rig_count_files(&rig, "wizja/sp1", "damaged"), 0);
	series_reader_free(reader);
	rig_fini(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_in_the_files_is_seen),
	    cmocka_unit_test(a_damaged_file_stays_where_it_is),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
