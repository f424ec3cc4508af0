/*
 * From files that the series wrote over five weeks, by the store lane as the
 * daemon asks it and by the reader of a back-test, to an incident that opens
 * on a Monday at eight and resolves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "alert/backtest.h"
#include "base/attr.h"
#include "base/log.h"
#include "daemon/main/engine.h"
#include "daemon/main/shapes.h"
#include "tests/unit/series/rig.h"

#define HOUR (INT64_C(3600) * US_PER_S)
#define DAY (24 * HOUR)
#define EVERY (300 * US_PER_S)
/* Mondays, 00:00 in Warsaw: before the clocks change, and after it */
#define BEGIN (INT64_C(1791151200) * US_PER_S) /* 2026-10-05 */
#define MONDAY (INT64_C(1794178800) * US_PER_S) /* 2026-11-09 */

struct conf *
conf_hold(struct conf *conf)
{
	return conf;
}

void
conf_release(struct conf *conf)
{
	(void)conf;
}

static struct conf_transaction transactions[] = {{.name = "login"}};
static const struct conf_profile profile = {
    .transactions = transactions, .n_transactions = 1};
static struct conf_deployment deployments[] = {{.name = "sp1", .every = EVERY}};
static struct conf_operator operators[] = {{.name = "wizja",
    .title = "Wizja",
    .profile = &profile,
    .deployments = deployments,
    .n_deployments = 1}};
static struct conf_alert rules[] = {
    {.name = "unusual",
	.kind = CONF_ALERT_DEVIATION,
	.scope = CONF_SCOPE_OPERATOR,
	.quantile = 0.5,
	.factor = 4,
	.band = 200 * US_PER_MS,
	.window = HOUR,
	.resolve_after = 600 * US_PER_S,
	.min_samples = 10,
	.severity = 1},
    {.name = "school",
	.kind = CONF_ALERT_DEVIATION,
	.scope = CONF_SCOPE_DEPLOYMENT,
	.quantile = 0.9,
	.factor = 4,
	.band = 200 * US_PER_MS,
	.window = HOUR,
	.resolve_after = 600 * US_PER_S,
	.min_samples = 10,
	.severity = 1},
};
static struct conf conf = {
    .operators = operators, .n_operators = 1, .alerts = rules, .n_alerts = 2};

struct world {
	struct rig rig;
	struct zone *zone;
	struct target_set *targets;
	struct engine engine;
	struct loop_timer *look;
	unsigned opened, resolved;
	struct incident last;
	/* of a back-test */
	struct shapes_past *shapes;
	wall_us at, slow_from, slow_to, end;
	unsigned found;
	uint64_t hours, mute;
};

static struct world world;

/* Slow at eight, most of all on Monday. */
static dur_us
typical(wall_us at, unsigned i)
{
	struct zone_time local;
	dur_us latency = 400;

	zone_local(world.zone, at, &local);
	if (local.hour == 8)
		latency = local.weekday == 1 ? 1500 : 900;
	/* some are quicker, some slower */
	return latency * US_PER_MS * (95 + i % 11) / 100;
}

/* Once for all tests: five weeks with an outage of five hours, and nights with
 * an hour that has no results and one that has few. */
static bool
is_asked(wall_us since, unsigned i)
{
	int64_t hour = since / HOUR % 24;

	return since < DAY || (hour != 3 && (hour != 4 || i % 2 == 0));
}

static void
write_weeks(void)
{
	struct rig *rig = &world.rig;
	unsigned i = 0;

	while (rig->clock.wall < MONDAY + 7 * HOUR) {
		wall_us since = rig->clock.wall - BEGIN;
		bool outage = since >= 2 * DAY && since < 2 * DAY + 5 * HOUR;

		if (is_asked(since, i))
			rig_add_to(rig, &rig->target, EVERY,
			    outage           ? REASON_NO_ANSWER
				: i % 9 == 0 ? REASON_TAINTED
					     : REASON_OK,
			    outage || i % 9 == 0 ? 60 * US_PER_S
						 : typical(rig->clock.wall, i));
		i++;
		rig_pass(rig, EVERY / US_PER_S);
	}
}

static int
set_up(void **state)
{
	static const struct series_archive archives[] = {
	    {0, DAY}, {HOUR, 60 * DAY}, {DAY, 400 * DAY}};

	memset(&world, 0, sizeof(world));
	world.zone = zone_load(NULL);
	world.targets = target_set_new();
	store_folder_make(world.rig.dir, sizeof(world.rig.dir), "shapes");
	clock_manual_init(&world.rig.clock, 1000 * US_PER_S, BEGIN);
	world.rig.archives = archives;
	world.rig.n_archives = ARRAY_LEN(archives);
	world.rig.write_every = HOUR;
	world.rig.target = store_target("wizja", "sp1", "login");
	rig_start(&world.rig);
	write_weeks();
	*state = &world;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rig_fini(&world.rig);
	target_set_free(world.targets);
	zone_free(world.zone);
	return 0;
}

/* ---- the engine's way ---- */

static void
sink(void *arg, enum notify_event event, const struct incident *incident,
    const struct incident_entry *entry)
{
	(void)arg;
	(void)entry;
	world.opened += event == NOTIFY_OPENED;
	world.resolved += event == NOTIFY_RESOLVED;
	world.last = *incident;
}

static void
open_engine(void)
{
	struct engine *engine = &world.engine;

	*engine = (struct engine){.clock = &world.rig.clock.clock,
	    .loop = loop_new(clock_system()),
	    .series = world.rig.series,
	    .alert = alert_new(sink, NULL, 0)};
	alert_set_zone(engine->alert, world.zone);
	alert_apply(engine->alert, &conf);
	world.opened = world.resolved = 0;
}

static void
close_engine(void)
{
	rig_drain(&world.rig);
	alert_free(world.engine.alert);
	loop_free(world.engine.loop);
}

static void
look(void *arg)
{
	(void)arg;
	if (world.engine.shapes.asked_at == 0)
		loop_stop(world.engine.loop);
	else
		loop_timer_start(world.look, US_PER_MS);
}

/* Until all is learnt, which begins with a tick. */
static void
learn(void)
{
	struct engine *engine = &world.engine;

	engine_shapes_tick(engine, world.rig.clock.now);
	world.look = loop_timer_new(engine->loop, look, NULL);
	loop_timer_start(world.look, 0);
	loop_run(engine->loop);
	loop_timer_free(world.look);
}

static void
live(unsigned n, unsigned factor)
{
	struct rig *rig = &world.rig;

	for (unsigned i = 0; i < n; i++) {
		struct result result = {
		    .target =
			target_intern(world.targets, "wizja", "sp1", "login"),
		    .started_wall = rig->clock.wall,
		    .reason = REASON_OK,
		    .latency = typical(rig->clock.wall, i) * (dur_us)factor,
		    .phase = PHASE_WAIT,
		};

		result.phases.us[PHASE_WAIT] = result.latency;
		alert_feed(world.engine.alert, &result, rig->clock.now);
		for (int s = 0; s < 300; s += 30) {
			clock_manual_advance(&rig->clock, 30 * US_PER_S);
			learn();
			alert_tick(world.engine.alert, rig->clock.now,
			    rig->clock.wall);
		}
	}
}

static void
hours_come_from_the_files_and_only_once(void **state)
{
	struct alert_wish wish;
	size_t at = 0;

	(void)state;
	open_engine();
	assert_true(
	    alert_wish(world.engine.alert, &at, world.rig.clock.wall, &wish));
	learn();
	at = 0;
	assert_false(
	    alert_wish(world.engine.alert, &at, world.rig.clock.wall, &wish));
	close_engine();
}

static void
an_incident_opens_on_a_monday_at_eight_and_resolves(void **state)
{
	(void)state;
	conf.n_alerts = 1;
	open_engine();
	learn();
	/* from seven to ten past eight, as on each Monday */
	live(14, 1);
	assert_int_equal(world.opened, 0);
	live(10, 2);
	assert_int_equal(world.opened, 1);
	assert_string_equal(world.last.scope, "wizja/_all/login");
	/* not above twice of what it is at seven, but of what it is at eight */
	assert_true(world.last.threshold > 1650 && world.last.threshold < 2300);
	live(24, 1);
	assert_int_equal(world.resolved, 1);
	assert_int_equal(world.opened, 1);
	close_engine();
	conf.n_alerts = 2;
}

/* ---- a back-test's way ---- */

static void
hours_of(const char *scope, wall_us from, wall_us to, double *ms)
{
	struct alert_wish wish = {
	    .quantile = 0.5, .min_samples = 10, .from = from, .to = to};

	snprintf(wish.rule, sizeof(wish.rule), "unusual");
	text_copy(wish.scope, sizeof(wish.scope), scope);
	shapes_past_answer(world.shapes, &wish, ms);
}

static void
only_good_results_and_enough_of_them_make_an_hour(void **state)
{
	static const struct {
		wall_us at;
		double ms; /* 0: none */
	} cases[] = {{BEGIN + 8 * HOUR, 1500}, {BEGIN + DAY + 8 * HOUR, 900},
	    {BEGIN + 7 * HOUR, 400}, {BEGIN + 3 * HOUR, 400},
	    {BEGIN + DAY + 3 * HOUR, 0}, /* nothing */
	    {BEGIN + DAY + 4 * HOUR, 0}, /* too little */
	    {BEGIN + 2 * DAY + 2 * HOUR, 0}, /* failures */
	    {BEGIN + 2 * DAY + 5 * HOUR, 400},
	    /* by the clocks of winter */
	    {MONDAY - 7 * DAY + 8 * HOUR, 1500},
	    /* before the files, and after them */
	    {BEGIN - 30 * DAY, 0}, {MONDAY + 10 * DAY, 0}};
	static const char *const scopes[] = {
	    "wizja/_all/login", "wizja/sp1/login"};
	struct series_reader *reader;
	double ms[ALERT_WISH_HOURS];

	(void)state;
	rig_tick(&world.rig);
	reader = series_reader_new(world.rig.dir);
	for (size_t k = 0; k < ARRAY_LEN(scopes); k++) {
		world.shapes = shapes_past_new(reader);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			hours_of(
			    scopes[k], cases[i].at, cases[i].at + HOUR, ms);
			if (cases[i].ms > 0
				? !(fabs(ms[0] / cases[i].ms - 1) < 0.12)
				: !isnan(ms[0]))
				fail_msg("%s %zu: %g", scopes[k], i, ms[0]);
		}
		/* a week at once, and what is in it once more */
		hours_of(scopes[k], BEGIN, BEGIN + 168 * HOUR, ms);
		assert_true(fabs(ms[8] / 1500 - 1) < 0.12);
		assert_true(isnan(ms[50]));
		assert_true(fabs(ms[24 + 8] / 900 - 1) < 0.12);
		shapes_past_free(world.shapes);
	}
	world.shapes = shapes_past_new(reader);
	hours_of("wizja/gone/login", BEGIN, BEGIN + HOUR, ms);
	assert_true(isnan(ms[0]));
	shapes_past_free(world.shapes);
	series_reader_free(reader);
}

static int
next_result(void *arg, struct result *result, wall_us *at)
{
	(void)arg;
	if (world.at >= world.end)
		return 0;
	*result = (struct result){
	    .target = target_intern(world.targets, "wizja", "sp1", "login"),
	    .started_wall = world.at,
	    .reason = REASON_OK,
	    .latency = typical(world.at, 0),
	};
	if (world.at >= world.slow_from && world.at < world.slow_to)
		result->latency *= 2;
	*at = world.at;
	world.at += EVERY;
	return 1;
}

static void
take_hours(void *arg, const struct alert_wish *wish, double *ms)
{
	(void)arg;
	shapes_past_answer(world.shapes, wish, ms);
}

static void
take_found(void *arg, const struct backtest_incident *found)
{
	(void)arg;
	world.found++;
	world.last = found->incident;
}

static void
take_compared(
    void *arg, const struct conf_alert *rule, uint64_t hours, uint64_t mute)
{
	(void)arg;
	(void)rule;
	world.hours += hours;
	world.mute += mute;
}

static void
test_week(wall_us from)
{
	struct backtest_options options = {
	    .conf = &conf,
	    .rule = "unusual",
	    .from = from,
	    .to = from + 5 * DAY,
	    .next = next_result,
	    .hours = take_hours,
	    .compared = take_compared,
	    .zone = world.zone,
	    .found = take_found,
	};
	struct series_reader *reader = series_reader_new(world.rig.dir);

	world.shapes = shapes_past_new(reader);
	world.found = 0;
	world.hours = world.mute = 0;
	world.at = from;
	world.end = options.to;
	world.slow_from = from + 8 * HOUR;
	world.slow_to = from + 9 * HOUR;
	assert_int_equal(backtest_run(&options), 0);
	shapes_past_free(world.shapes);
	series_reader_free(reader);
}

static void
a_back_test_finds_it_where_three_weeks_are_known(void **state)
{
	(void)state;
	test_week(BEGIN + 28 * DAY);
	assert_int_equal(world.found, 1);
	assert_true(world.last.opened > world.slow_from);
	assert_true(world.last.opened < world.slow_to);
	assert_true(world.last.resolved > world.slow_to);
	assert_true(world.last.resolved < world.slow_to + 2 * HOUR);
	/* the hours of the night, and those whose window has one */
	assert_true(world.mute >= 5 && world.mute < world.hours / 5);
	/* two weeks after the begin nothing can be said, though today five
	 * weeks are known */
	test_week(BEGIN + 14 * DAY);
	assert_int_equal(world.found, 0);
	assert_int_equal(world.mute, world.hours);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_good_results_and_enough_of_them_make_an_hour),
	    cmocka_unit_test(a_back_test_finds_it_where_three_weeks_are_known),
	    cmocka_unit_test(hours_come_from_the_files_and_only_once),
	    cmocka_unit_test(
		an_incident_opens_on_a_monday_at_eight_and_resolves),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("shapes", tests, set_up, tear_down);
}
