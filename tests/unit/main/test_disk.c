/*
 * What the series take on disk: the plans by their names, the size of the
 * whole country, and the formula against the files that are made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "daemon/main/main-int.h"
#include "tests/unit/conf/folder.h"
#include "tests/unit/series/rig.h"

#define DAY (INT64_C(86400) * US_PER_S)
#define GB INT64_C(1000000000)
#define BLOCK 4096

static struct conf *
load(const char *plan)
{
	char text[1024];
	char *problems;
	struct conf *conf;

	snprintf(text, sizeof(text),
	    TOP "store = { plan = \"%s\"; };\n" OPERATORS, plan);
	folder_write("c.cfg", text);
	problems = folder_load(&conf);
	assert_string_equal(problems, "");
	free(problems);
	return conf;
}

/* An operator of so many deployments with so many transactions a minute. */
static void
need_of(const struct conf_store *store, size_t n_deployments,
    size_t n_transactions, struct disk_need *need)
{
	struct conf_profile profile = {.n_transactions = n_transactions};
	struct conf_operator op = {
	    .profile = &profile, .n_deployments = n_deployments};
	size_t i;

	profile.transactions =
	    mem_array(n_transactions, sizeof(*profile.transactions));
	op.deployments = mem_array(n_deployments, sizeof(*op.deployments));
	for (i = 0; i < n_deployments; i++)
		op.deployments[i].every = STEP;
	disk_of_operator(store, &op, need);
	free(profile.transactions);
	free(op.deployments);
}

static void
the_country_fits_in_60_gigabytes_with_lean(void **state)
{
	struct conf *conf;
	struct disk_need need;
	int64_t sum = 0, blocks;
	int i;

	(void)state;
	folder_enter();
	conf = load("lean");
	for (i = 0; i < 5; i++) {
		need_of(&conf->store, 4800, 3, &need);
		assert_int_equal(need.targets, 14400);
		assert_int_equal(need.least, need.most);
		assert_int_equal(need.sum, 14400 * need.most + need.all);
		sum += need.sum;
	}
	/* the last block of each of the two files of a target */
	blocks = INT64_C(2) * 72000 * BLOCK;
	print_message("lean: %lld bytes per target, %lld in all\n",
	    (long long)need.most, (long long)sum);
	/* 3 GB are for recent results, the undo journal and the ledger */
	assert_true(sum + blocks <= 57 * GB);
	conf_release(conf);
	folder_leave();
}

static void
lean_has_minutes_for_two_days_and_a_year_of_days(void **state)
{
	const struct conf_store *store;
	struct conf *conf;

	(void)state;
	folder_enter();
	conf = load("lean");
	store = &conf->store;
	assert_int_equal(store->archives[0].step, 0);
	assert_true(store->archives[0].keep >= 2 * DAY);
	assert_int_equal(store->archives[store->n_archives - 1].step, DAY);
	assert_true(store->archives[store->n_archives - 1].keep >= 366 * DAY);
	assert_true(store->n_phases_only < store->n_archives);
	/* the operators as a whole are few and keep everything */
	assert_int_equal(store->n_all_archives, 4);
	assert_int_equal(store->all_archives[0].keep, 14 * DAY);
	conf_release(conf);
	folder_leave();
}

static int64_t
size_of(const struct rig *rig, const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/wizja/%s", rig->dir, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void
the_formula_is_the_size_of_the_files(void **state)
{
	static const char *const plans[] = {"full", "lean"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(plans); i++) {
		struct series_options options = {0};
		struct series_archive *own, *all;
		struct disk_need need;
		struct conf *conf;
		struct rig rig;

		folder_enter();
		conf = load(plans[i]);
		own =
		    disk_archives(conf->store.archives, conf->store.n_archives);
		all = disk_archives(
		    conf->store.all_archives, conf->store.n_all_archives);
		rig_init(&rig);
		rig_stop(&rig);
		rig.lane = lane_new("store", 64 << 20);
		options = (struct series_options){.dir = rig.dir,
		    .archives = own,
		    .n_archives = conf->store.n_archives,
		    .n_phases_only = conf->store.n_phases_only,
		    .all_archives = all,
		    .n_all_archives = conf->store.n_all_archives,
		    .clock = &rig.clock.clock,
		    .lane = rig.lane};
		rig.series = series_open(&options);
		assert_non_null(rig.series);
		rig_add(&rig, REASON_OK, 1000);
		rig_pass(&rig, 120);
		need_of(&conf->store, 1, 1, &need);
		assert_int_equal(size_of(&rig, "sp1/login.rrd") +
			size_of(&rig, "sp1/login.hist.rrd"),
		    need.most);
		assert_int_equal(size_of(&rig, "_all/login.rrd") +
			size_of(&rig, "_all/login.hist.rrd"),
		    need.all);
		rig_fini(&rig);
		free(own);
		free(all);
		conf_release(conf);
		folder_leave();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_country_fits_in_60_gigabytes_with_lean),
	    cmocka_unit_test(lean_has_minutes_for_two_days_and_a_year_of_days),
	    cmocka_unit_test(the_formula_is_the_size_of_the_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
