#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "daemon/series/series-int.h"
#include "rig.h"

/* Layout and size, checked against the files that librrd makes of them. */

#define DAY (INT64_C(86400) * US_PER_S)

static void
an_interval_becomes_whole_seconds(void **state)
{
	(void)state;
	assert_int_equal(plan_step_s(0), 1);
	assert_int_equal(plan_step_s(250 * US_PER_MS), 1);
	assert_int_equal(plan_step_s(1500 * US_PER_MS), 2);
	assert_int_equal(plan_step_s(60 * US_PER_S), 60);
}

static void
archives_of_one_width_become_one(void **state)
{
	struct series_archive archives[] = {
	    {0, DAY}, {60 * US_PER_S, 2 * DAY}, {3600 * US_PER_S, 30 * DAY}};
	struct plan plan;

	(void)state;
	plan_make(&plan, SERIES_HIST, 60, archives, 3);
	assert_int_equal(plan.n_archives, 2);
	assert_int_equal(plan.archives[0].rows, 2880);
	assert_int_equal(plan.archives[1].pdp_per_row, 60);
	assert_int_equal(plan.archives[1].rows, 720);
	plan_make(&plan, SERIES_PHASES, 7200, archives, 3);
	assert_int_equal(plan.n_archives, 3); /* one for each function */
	assert_int_equal(plan.archives[0].rows, 360);
}

static void
the_plan_says_exactly_what_the_files_take(void **state)
{
	static const char *const files[] = {"sp1/login.rrd",
	    "sp1/login.hist.rrd", "_all/login.rrd", "_all/login.hist.rrd"};
	struct rig rig;
	struct stat st;
	char path[256];
	int64_t bytes[4];
	size_t i;

	(void)state;
	rig_init(&rig);
	rig_add_to(&rig, &rig.target, 300 * US_PER_S, REASON_OK, 1000);
	rig_pass(&rig, 700);
	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/wizja/%s", rig.dir, files[i]);
		assert_int_equal(stat(path, &st), 0);
		bytes[i] = st.st_size;
	}
	assert_int_equal(bytes[0] + bytes[1],
	    series_plan_bytes(rig.archives, rig.n_archives, 0, 300 * US_PER_S));
	assert_int_equal(bytes[2] + bytes[3],
	    series_all_bytes(rig.archives, rig.n_archives));
	rig_fini(&rig);
}

static void
a_path_is_split_only_when_every_part_is_a_name(void **state)
{
	static const struct {
		const char *path;
		bool good;
	} table[] = {{"wizja", true}, {"wizja/sp1", true},
	    {"wizja/sp1/login", true}, {"wizja/_all/login", true},
	    {"wizja/_all", true}, {"", false}, {"/", false}, {"wizja/", false},
	    {"/sp1", false}, {"wizja//login", false}, {"wizja/../login", false},
	    {"../x", false}, {"wizja/sp1/..", false}, {"wizja/sp1/_all", false},
	    {"_all", false}, {"_all/sp1/login", false},
	    {"wizja/sp1/login/x", false}, {"wizja/sp1/login/", false},
	    {"wizja/sp1/log.in", false}, {"Wizja", false},
	    {"a123456789012345678901234567890", true},
	    {"a1234567890123456789012345678901", false}};
	struct series_scope scope;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(table); i++) {
		if ((series_scope_parse(table[i].path, &scope) == 0) !=
		    table[i].good)
			fail_msg("%s", table[i].path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_interval_becomes_whole_seconds),
	    cmocka_unit_test(archives_of_one_width_become_one),
	    cmocka_unit_test(the_plan_says_exactly_what_the_files_take),
	    cmocka_unit_test(a_path_is_split_only_when_every_part_is_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
