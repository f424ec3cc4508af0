/* What the stores keep, as results in order of time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "daemon/main/past.h"
#include "ledger/change.h"
#include "tests/unit/ledger/rig.h"

#define MINUTE (60 * US_PER_S)
#define SERIES_STEP MINUTE

static struct conf_transaction transactions[] = {
    {.name = "login"}, {.name = "logout", .always = true}};
static const struct conf_profile profile = {
    .transactions = transactions, .n_transactions = 2};
static struct conf_deployment deployments[] = {
    {.name = "sp1", .every = MINUTE}, {.name = "sp2", .every = MINUTE}};
static struct conf_operator operators[] = {
    {.name = "wizja",
	.profile = &profile,
	.deployments = deployments,
	.n_deployments = 2},
};
static struct conf_alert rules[] = {
    {.name = "slow", .kind = CONF_ALERT_LATENCY}};
static struct conf conf = {
    .operators = operators, .n_operators = 1, .alerts = rules, .n_alerts = 1};

struct world {
	struct rig rig;
	struct lane *lane;
	struct series *series;
	char rrd[160];
	struct target other, stranger;
	struct zone *zone;
	struct past *past; /* has the targets of: */
	/* what came out */
	struct result results[256];
	wall_us at[256];
	size_t n;
	struct past_facts facts;
};

static int
set_up(void **state)
{
	static struct world world;
	static const struct series_archive archives[] = {
	    {0, 3600 * US_PER_S}, {5 * MINUTE, INT64_C(864000) * US_PER_S}};
	struct series_options options;

	memset(&world, 0, sizeof(world));
	rig_init(&world.rig);
	snprintf(world.rrd, sizeof(world.rrd), "%s/rrd", world.rig.dir);
	world.lane = lane_new("store", 64 << 20);
	options = (struct series_options){
	    .dir = world.rrd,
	    .archives = archives,
	    .n_archives = ARRAY_LEN(archives),
	    .clock = &world.rig.clock.clock,
	    .lane = world.lane,
	};
	world.series = series_open(&options);
	assert_non_null(world.series);
	world.other = store_target("wizja", "sp2", "login");
	world.stranger = store_target("wizja", "gone", "login");
	world.zone = zone_load(NULL);
	*state = &world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *world = *state;

	past_free(world->past);
	lane_free(world->lane);
	series_close(world->series);
	zone_free(world->zone);
	rig_fini(&world->rig);
	return 0;
}

/* One result at a second after START. */
static void
put(struct world *world, const struct target *target, int64_t second,
    enum reason reason, dur_us latency)
{
	struct result result = {
	    .target = target,
	    .started_wall = START + second * US_PER_S,
	    .reason = reason,
	    .latency = latency,
	};

	if (reason != REASON_OK) {
		text_copy(result.step, sizeof(result.step), "form");
		snprintf(result.run_id, sizeof(result.run_id), "%032llx",
		    (unsigned long long)second);
	}
	assert_int_equal(ledger_tally(world->rig.ledger, &result), 0);
	assert_int_equal(series_append(world->series, &result, MINUTE), 0);
}

static void
pass(struct world *world, int64_t seconds)
{
	clock_manual_advance(&world->rig.clock, seconds * US_PER_S);
	assert_int_equal(series_tick(world->series, world->rig.clock.wall), 0);
	store_drain(world->lane);
	rig_tick(&world->rig);
}

static void
read_all(struct world *world, const char *rule, int64_t seconds)
{
	struct series_reader *series = series_reader_new(world->rrd);
	struct past_options options = {
	    .conf = &conf,
	    .ledger = world->rig.reader,
	    .series = series,
	    .zone = world->zone,
	    .rule = rule,
	    .from = START,
	    .to = START + seconds * US_PER_S,
	};

	past_free(world->past);
	assert_int_equal(past_new(&options, &world->past), 0);
	world->n = 0;
	while (past_next(world->past, &world->results[world->n],
		   &world->at[world->n]) > 0) {
		assert_true(world->n == 0 ||
		    world->at[world->n] >= world->at[world->n - 1]);
		world->n++;
		assert_true(world->n < ARRAY_LEN(world->at));
	}
	world->facts = *past_facts(world->past);
	series_reader_free(series);
}

/* The i-th: whose, when in seconds, why. */
static void
expect(const struct world *world, size_t i, const char *deployment,
    double second, enum reason reason)
{
	assert_true(i < world->n);
	assert_string_equal(world->results[i].target->deployment, deployment);
	assert_true(
	    world->at[i] == START + (wall_us)(second * (double)US_PER_S));
	if (world->results[i].reason != reason)
		fail_msg("%zu: %s", i, reason_name(world->results[i].reason));
}

static void
a_minute_is_laid_out_evenly_and_changes_once(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 4; i++)
		put(world, &world->rig.target, 10 + i,
		    i == 1 ? REASON_HTTP_5XX : REASON_OK, US_PER_S);
	for (int i = 0; i < 2; i++)
		put(world, &world->rig.target, 60 + i,
		    i == 0 ? REASON_OK : REASON_HTTP_5XX, US_PER_S);
	put(world, &world->stranger, 0, REASON_OK, US_PER_S);
	pass(world, 200);
	read_all(world, NULL, 600);
	assert_int_equal(world->n, 6);
	expect(world, 0, "sp1", 7.5, REASON_OK);
	expect(world, 2, "sp1", 37.5, REASON_OK);
	/* the failure comes last, and so the next minute begins with one */
	expect(world, 3, "sp1", 52.5, REASON_HTTP_5XX);
	expect(world, 4, "sp1", 75, REASON_HTTP_5XX);
	expect(world, 5, "sp1", 105, REASON_OK);
	/* it was noted with its run and step */
	assert_false(world->results[3].from_tally);
	assert_string_equal(world->results[3].step, "form");
	assert_true(world->results[0].from_tally);
	assert_int_equal(world->facts.results, 6);
	assert_int_equal(world->facts.failures, 2);
	assert_int_equal(world->facts.causeless, 0);
	assert_int_equal(world->facts.strangers, 1);
}

static void
a_kept_run_says_more(void **state)
{
	static const char json[] =
	    "{\"id\":\"00000000000000000000000000000046\",\"time\":1790035268."
	    "5,"
	    "\"results\":[{\"transaction\":\"login\",\"target\":\"wizja/sp1/"
	    "login\",\"reason\":\"http_5xx\",\"step\":\"form\",\"phase\":"
	    "\"tls\",\"latency_ms\":65000.0,\"http_status\":503}],"
	    "\"exchanges\":[{\"transaction\":\"login\",\"offset_ms\":1500.0}]}";
	struct world *world = *state;

	put(world, &world->rig.target, 70, REASON_HTTP_5XX, 65 * US_PER_S);
	put(world, &world->other, 60, REASON_OK, US_PER_S);
	put(world, &world->other, 120, REASON_OK, US_PER_S);
	assert_int_equal(ledger_put_run(world->rig.ledger, "46", "wizja", "sp1",
			     START + 68500 * US_PER_MS, VERDICT_DOWN, 10, json,
			     sizeof(json) - 1),
	    0);
	pass(world, 200);
	read_all(world, NULL, 600);
	assert_int_equal(world->n, 3);
	expect(world, 0, "sp2", 90, REASON_OK);
	/* began at 70 s, was final only after the results of a minute later */
	expect(world, 1, "sp1", 135, REASON_HTTP_5XX);
	expect(world, 2, "sp2", 150, REASON_OK);
	assert_int_equal(world->results[1].phase, PHASE_TLS);
	assert_int_equal(world->results[1].http_status, 503);
	assert_false(world->results[1].from_tally);
}

static void
what_does_not_count_is_ours_when_nothing_counted(void **state)
{
	struct world *world = *state;

	put(world, &world->rig.target, 0, REASON_TAINTED, 0);
	put(world, &world->other, 0, REASON_UNKNOWN_PAGE, 0);
	put(world, &world->rig.target, 60, REASON_UNKNOWN_PAGE, 0);
	put(world, &world->other, 60, REASON_OK, US_PER_S);
	pass(world, 200);
	read_all(world, NULL, 600);
	assert_int_equal(world->n, 4);
	expect(world, 0, "sp1", 30, REASON_TAINTED);
	expect(world, 1, "sp2", 30, REASON_TAINTED);
	expect(world, 2, "sp1", 90, REASON_PREREQUISITE_FAILED);
	expect(world, 3, "sp2", 90, REASON_OK);
}

static void
latencies_come_from_the_series(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 20; i++) {
		put(world, &world->rig.target, i * 60 + 5, REASON_OK,
		    (100 + i) * US_PER_MS);
		pass(world, 60);
	}
	pass(world, 60);
	read_all(world, NULL, 1200);
	assert_int_equal(world->n, 20);
	for (int i = 0; i < 20; i++)
		assert_true(world->results[i].latency / US_PER_MS == 100 + i ||
		    world->results[i].latency / US_PER_MS == 99 + i);
	assert_int_equal(world->facts.timed, 20);
	assert_int_equal(world->facts.untimed, 0);
	assert_int_equal(world->facts.n_widths, 1);
	assert_int_equal(world->facts.widths[0].step, SERIES_STEP);
	/* so does a rule that compares them */
	rules[0].kind = CONF_ALERT_DEVIATION;
	read_all(world, NULL, 1200);
	rules[0].kind = CONF_ALERT_LATENCY;
	assert_int_equal(world->facts.timed, 20);
	/* nobody asks for them */
	read_all(world, "another", 1200);
	assert_int_equal(world->n, 20);
	assert_true(world->results[3].latency < 0);
	assert_int_equal(world->facts.timed + world->facts.untimed, 0);
}

/* What the narrow rows have forgotten, the wide ones know less finely. */
static void
old_latencies_are_coarser(void **state)
{
	struct world *world = *state;
	double sum = 0;

	for (int i = 0; i < 10; i++) {
		put(world, &world->rig.target, i * 60 + 5, REASON_OK,
		    (100 + 50 * (i % 5)) * US_PER_MS);
		pass(world, 60);
	}
	for (int i = 0; i < 120; i++)
		pass(world, 60);
	put(world, &world->rig.target, 130 * 60 + 5, REASON_OK, US_PER_S);
	pass(world, 120);
	read_all(world, NULL, 600);
	assert_int_equal(world->n, 10);
	for (int i = 0; i < 10; i++)
		sum += clock_to_ms(world->results[i].latency);
	/* a bucket is 19 % wide */
	assert_true(sum > 1700 && sum < 2300);
	assert_int_equal(world->facts.untimed, 0);
	assert_int_equal(world->facts.widths[0].step, 5 * MINUTE);
}

static void
announced(void *arg, int problem, int64_t id)
{
	(void)arg;
	assert_int_equal(problem, 0);
	assert_true(id > 0);
}

static void
agreed_maintenance_does_not_count(void **state)
{
	struct world *world = *state;
	struct ledger_change change = {
	    .kind = LEDGER_ADD_WINDOW,
	    .window = {.kind = WINDOW_MAINTENANCE,
		.op = "wizja",
		.deployment = "sp1",
		.from = START + MINUTE,
		.until = START + 2 * MINUTE,
		.agreed_from = START,
		.reason = "work",
		.created = START,
		.created_by = "Jan"},
	    .audit = {.at = START, .who = "Jan"},
	};

	assert_int_equal(
	    ledger_put_change(world->rig.ledger, &change, announced, NULL), 0);
	for (int i = 0; i < 3; i++) {
		put(world, &world->rig.target, i * 60, REASON_HTTP_5XX, 0);
		put(world, &world->other, i * 60, REASON_HTTP_5XX, 0);
	}
	pass(world, 200);
	read_all(world, NULL, 600);
	assert_int_equal(world->n, 6);
	for (size_t i = 0; i < world->n; i++)
		assert_int_equal(
		    result_verdict(&world->results[i]) == VERDICT_EXCLUDED,
		    i == 2);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(a_minute_is_laid_out_evenly_and_changes_once),
	    CASE(a_kept_run_says_more),
	    CASE(what_does_not_count_is_ours_when_nothing_counted),
	    CASE(latencies_come_from_the_series),
	    CASE(old_latencies_are_coarser),
	    CASE(agreed_maintenance_does_not_count),
	};

	return cmocka_run_group_tests_name("past", tests, NULL, NULL);
}
