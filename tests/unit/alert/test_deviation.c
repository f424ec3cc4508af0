/*
 * Rules of kind deviation: what is slower than the weeks before opens an
 * incident and nothing else does; when there is nothing to compare with, all
 * stays as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alert/alert.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/alert/shape.h"

#define S US_PER_S
#define MS US_PER_MS
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
/* Monday, 2026-11-23 00:00 in Warsaw */
#define MONDAY (INT64_C(1795388400) * S)

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
static struct conf_deployment deployments[] = {
    {.name = "a", .every = MINUTE}, {.name = "b", .every = MINUTE}};
static struct conf_operator operators[] = {
    {.name = "librus",
	.title = "Librus",
	.profile = &profile,
	.deployments = deployments,
	.n_deployments = 2},
};

static const struct conf_alert unusual = {
    .name = "unusual",
    .kind = CONF_ALERT_DEVIATION,
    .quantile = 0.5,
    .factor = 4,
    .band = 200 * MS,
    .window = 30 * MINUTE,
    .resolve_after = 10 * MINUTE,
    .min_samples = 10,
    .severity = 2,
};

/* ---- a register ---- */

static uint64_t seed;

static double
chance(void)
{
	/* SplitMix64 (Steele, Lea, Flood 2014) */
	uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

/* About normal: the sum of twelve. */
static double
normal(void)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += chance();
	return sum;
}

static struct zone *zone;

/* What is typical: slow when school begins, most of all on Monday at eight,
 * when everybody looks what the weekend has brought; quick at night. */
static double
typical_ms(wall_us at)
{
	int slot = shape_hour_of(zone, at).slot;
	int day = slot / 24, hour = slot % 24;

	if (day >= 5)
		return 300;
	if (hour == 8)
		return day == 0 ? 1500 : 1000;
	return hour >= 7 && hour < 21 ? 500 : 250;
}

/* ---- a bench ---- */

struct bench {
	struct alert *alert;
	struct target_set *targets;
	struct conf conf;
	struct conf_alert rules[2];
	mono_us now;
	wall_us wall;
	double noise, scatter; /* of hours and of results, as shares */
	double factor; /* what is wrong now */
	wall_us forgotten; /* of before nothing is kept */
	unsigned opened, resolved;
	struct incident last;
};

static void
sink(void *arg, enum notify_event event, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct bench *bench = arg;

	(void)entry;
	bench->opened += event == NOTIFY_OPENED;
	bench->resolved += event == NOTIFY_RESOLVED;
	bench->last = *incident;
}

static void
begin_with(struct bench *bench, const struct conf_alert *rule, wall_us wall)
{
	memset(bench, 0, sizeof(*bench));
	bench->targets = target_set_new();
	bench->now = 5000 * S;
	bench->wall = wall;
	bench->factor = 1;
	bench->scatter = 0.3;
	bench->rules[0] = *rule;
	bench->conf.alerts = bench->rules;
	bench->conf.n_alerts = 1;
	bench->conf.operators = operators;
	bench->conf.n_operators = 1;
	bench->alert = alert_new(sink, bench, 0);
	alert_set_zone(bench->alert, zone);
	alert_apply(bench->alert, &bench->conf);
	seed = 1;
}

static void
begin(struct bench *bench, wall_us wall)
{
	begin_with(bench, &unusual, wall);
}

static void
end(struct bench *bench)
{
	alert_free(bench->alert);
	target_set_free(bench->targets);
}

/* As main/shapes.c does. The past was well but for what `outage` says. */
static wall_us outage_from, outage_to;

static void
learn(struct bench *bench)
{
	struct alert_wish wish;
	double ms[ALERT_WISH_HOURS];
	size_t at = 0;

	while (alert_wish(bench->alert, &at, bench->wall, &wish)) {
		assert_true(wish.to <= bench->wall - HOUR);
		assert_true(wish.to - wish.from <= ALERT_WISH_HOURS * HOUR);
		for (wall_us hour = wish.from; hour < wish.to; hour += HOUR) {
			double *one = &ms[(hour - wish.from) / HOUR];

			*one = typical_ms(hour) * (1 + bench->noise * normal());
			if (hour >= outage_from && hour < outage_to)
				*one = 20000;
			if (hour < bench->forgotten)
				*one = NAN;
		}
		alert_learn(bench->alert, &wish, ms);
	}
}

static void
feed(struct bench *bench, const char *deployment, enum reason reason, double ms)
{
	struct result result = {
	    .target =
		target_intern(bench->targets, "librus", deployment, "login"),
	    .started_wall = bench->wall,
	    .reason = reason,
	    .latency = (dur_us)(ms * (double)MS),
	};

	result.phases.us[PHASE_WAIT] = result.latency;
	alert_feed(bench->alert, &result, bench->now);
}

static void
minutes(struct bench *bench, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		double ms = typical_ms(bench->wall) * bench->factor;

		feed(
		    bench, "a", REASON_OK, ms * exp(bench->scatter * normal()));
		feed(
		    bench, "b", REASON_OK, ms * exp(bench->scatter * normal()));
		for (int s = 0; s < 60; s += 20) {
			bench->now += 20 * S;
			bench->wall += 20 * S;
			if (bench->wall % HOUR < 20 * S)
				learn(bench);
			alert_tick(bench->alert, bench->now, bench->wall);
		}
	}
}

/* ---- what opens none ---- */

static void
a_month_of_a_normal_week_is_no_alarm(void **state)
{
	struct conf_alert wary = unusual;
	struct bench bench;

	(void)state;
	/* from an October in which the clocks change; no band to speak of */
	wary.band = 50 * MS;
	begin_with(&bench, &wary, MONDAY - 6 * WEEK);
	bench.noise = 0.08;
	learn(&bench);
	minutes(&bench, 31 * 24 * 60);
	assert_int_equal(bench.opened, 0);
	/* it was not silent because it could not speak */
	bench.factor = 2;
	minutes(&bench, 60);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

/* A band of 200 ms, and a third more than 250 ms at night, each night the
 * same to the millisecond until now. */
static void
what_is_very_quiet_has_the_band(void **state)
{
	struct conf_alert narrow = unusual;
	struct bench bench;

	(void)state;
	begin(&bench, MONDAY + HOUR);
	learn(&bench);
	bench.factor = 1.33;
	minutes(&bench, 180);
	assert_int_equal(bench.opened, 0);
	end(&bench);
	/* it is the band that keeps it quiet */
	narrow.band = 10 * MS;
	begin_with(&bench, &narrow, MONDAY + HOUR);
	learn(&bench);
	bench.factor = 1.33;
	minutes(&bench, 180);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

static void
at_nine_the_window_may_hold_what_is_usual_at_eight(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, MONDAY + 7 * HOUR);
	learn(&bench);
	minutes(&bench, 180);
	assert_int_equal(bench.opened, 0);
	end(&bench);
}

static void
too_few_results_and_those_that_do_not_count_say_nothing(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, MONDAY + 10 * HOUR);
	learn(&bench);
	/* seven in half an hour are good */
	for (int i = 0; i < 240; i++) {
		if (i % 5 == 0)
			feed(&bench, "a", REASON_OK, 9000);
		feed(&bench, "a", REASON_TAINTED, 9000);
		feed(&bench, "b", REASON_UNKNOWN_PAGE, 9000);
		feed(&bench, "b", REASON_NO_ANSWER, 9000);
		bench.now += MINUTE;
		bench.wall += MINUTE;
		alert_tick(bench.alert, bench.now, bench.wall);
	}
	assert_int_equal(bench.opened, 0);
	end(&bench);
}

/* ---- what opens one ---- */

static void
twice_the_usual_is_found_on_a_monday_at_eight(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, MONDAY + 7 * HOUR);
	bench.noise = 0.08;
	learn(&bench);
	minutes(&bench, 60);
	assert_int_equal(bench.opened, 0);
	bench.factor = 2;
	minutes(&bench, 45);
	assert_int_equal(bench.opened, 1);
	assert_string_equal(bench.last.scope, "librus/_all/login");
	assert_string_equal(bench.last.unit, "ms");
	assert_int_equal(bench.last.severity, 2);
	/* the limit is that of Monday at eight, three times that of seven */
	assert_true(bench.last.threshold > 1700 && bench.last.threshold < 2600);
	assert_true(bench.last.value > bench.last.threshold);
	assert_true(bench.last.value < 3500);
	assert_non_null(strstr(bench.last.summary_pl, "zwykle o tej porze 1,"));
	assert_non_null(
	    strstr(bench.last.summary_en, "usual at this hour is 1."));
	bench.factor = 1;
	minutes(&bench, 60);
	assert_int_equal(bench.resolved, 1);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

/* What is found would not be above the limit of any other hour, and what is
 * usual at eight is above that of seven. */
static void
the_same_latency_is_unusual_at_seven_only(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, MONDAY + 6 * HOUR + 30 * MINUTE);
	learn(&bench);
	bench.factor = 1;
	minutes(&bench, 30);
	bench.factor = 3; /* 1500 ms, as at eight */
	minutes(&bench, 30);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

/* ---- how it ends ---- */

/* The limit is 500 + 200 ms, and what ends it 500 + 100. */
static void
it_does_not_flap_at_its_limit(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, MONDAY + 10 * HOUR);
	bench.scatter = 0.05;
	learn(&bench);
	for (int i = 0; i < 5; i++) {
		bench.factor = 1.6;
		minutes(&bench, 40);
		assert_int_equal(bench.opened, 1);
		bench.factor = 1.3; /* 650 ms */
		minutes(&bench, 40);
		assert_int_equal(bench.resolved, 0);
	}
	assert_true(bench.last.threshold > 695 && bench.last.threshold < 705);
	bench.factor = 1.1;
	minutes(&bench, 60);
	assert_int_equal(bench.resolved, 1);
	assert_int_equal(bench.opened, 1);
	/* 650 ms opens none */
	bench.factor = 1.3;
	minutes(&bench, 60);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

static void
a_few_quick_results_do_not_end_it(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, MONDAY + 10 * HOUR);
	learn(&bench);
	bench.factor = 3;
	minutes(&bench, 60);
	assert_int_equal(bench.opened, 1);
	/* six in half an hour */
	for (int i = 0; i < 24; i++) {
		feed(&bench, "a", REASON_OK, typical_ms(bench.wall));
		bench.now += 5 * MINUTE;
		bench.wall += 5 * MINUTE;
		learn(&bench);
		alert_tick(bench.alert, bench.now, bench.wall);
	}
	assert_int_equal(bench.resolved, 0);
	bench.factor = 1;
	minutes(&bench, 60);
	assert_int_equal(bench.resolved, 1);
	end(&bench);
}

/* ---- when there is nothing to compare with ---- */

static void
three_weeks_must_be_known(void **state)
{
	static const struct {
		dur_us kept;
		unsigned opened;
	} cases[] = {
	    {0, 0}, {2 * WEEK + DAY, 0}, {3 * WEEK + DAY, 1}, {9 * WEEK, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;

		begin(&bench, MONDAY + 10 * HOUR);
		bench.forgotten = bench.wall - cases[i].kept;
		learn(&bench);
		bench.factor = 3;
		minutes(&bench, 60);
		if (bench.opened != cases[i].opened)
			fail_msg("%zu: %u", i, bench.opened);
		end(&bench);
	}
}

/* It was open when the daemon stopped; the history is gone. */
static void
without_history_an_incident_stays_as_it_is(void **state)
{
	struct incident open = {
	    .number = 7, .opened = MONDAY, .severity = 2, .worst = 1234};
	const struct incident *incident;
	struct bench bench;

	(void)state;
	begin(&bench, MONDAY + 10 * HOUR);
	alert_free(bench.alert);
	bench.alert = alert_new(sink, &bench, 0);
	alert_set_zone(bench.alert, zone);
	text_copy(open.rule, sizeof(open.rule), "unusual");
	text_copy(open.scope, sizeof(open.scope), "librus/_all/login");
	text_copy(open.summary_en, sizeof(open.summary_en), "as it was");
	alert_restore(bench.alert, &open);
	alert_apply(bench.alert, &bench.conf);
	bench.forgotten = INT64_MAX;
	minutes(&bench, 240);
	assert_int_equal(bench.opened + bench.resolved, 0);
	assert_int_equal(alert_open(bench.alert, &incident), 1);
	assert_string_equal(incident->summary_en, "as it was");
	assert_true(incident->worst == 1234);
	/* the history is found again */
	bench.forgotten = 0;
	alert_apply(bench.alert, &bench.conf);
	bench.rules[1] = bench.rules[0];
	bench.rules[1].min_samples = 11; /* other hours: all is learnt anew */
	bench.conf.alerts = &bench.rules[1];
	alert_apply(bench.alert, &bench.conf);
	minutes(&bench, 120);
	assert_int_equal(bench.resolved, 1);
	end(&bench);
}

static void
a_week_of_outage_does_not_become_what_is_usual(void **state)
{
	struct bench bench;

	(void)state;
	outage_from = MONDAY - WEEK;
	outage_to = MONDAY;
	begin(&bench, MONDAY + 10 * HOUR);
	bench.noise = 0.05;
	learn(&bench);
	minutes(&bench, 60);
	assert_int_equal(bench.opened, 0);
	bench.factor = 2;
	minutes(&bench, 60);
	assert_int_equal(bench.opened, 1);
	assert_true(bench.last.threshold < 900);
	outage_from = outage_to = 0;
	end(&bench);
}

/* ---- beside others ---- */

static void
what_is_slow_need_not_be_called_slower_than_usual(void **state)
{
	static const struct conf_alert slow = {.name = "slow",
	    .kind = CONF_ALERT_LATENCY,
	    .above = S,
	    .quantile = 0.5,
	    .window = 10 * MINUTE,
	    .resolve_after = 10 * MINUTE,
	    .min_samples = 5,
	    .severity = 1};
	struct bench bench;

	(void)state;
	begin(&bench, MONDAY + 10 * HOUR);
	bench.rules[1] = slow;
	bench.conf.n_alerts = 2;
	alert_apply(bench.alert, &bench.conf);
	bench.scatter = 0.05;
	learn(&bench);
	bench.factor = 4;
	minutes(&bench, 60);
	assert_int_equal(bench.opened, 1);
	assert_string_equal(bench.last.rule, "slow");
	/* nor is its severity raised */
	assert_int_equal(bench.last.severity, 1);
	/* 900 ms are not slow, but slower than usual */
	bench.factor = 1.8;
	minutes(&bench, 90);
	assert_int_equal(bench.resolved, 1);
	assert_int_equal(bench.opened, 2);
	assert_string_equal(bench.last.rule, "unusual");
	end(&bench);
}

static void
a_reload_keeps_what_was_learnt_of_the_same_hours(void **state)
{
	struct alert_wish wish;
	struct bench bench;
	size_t at = 0;

	(void)state;
	begin(&bench, MONDAY + 10 * HOUR);
	assert_true(alert_wish(bench.alert, &at, bench.wall, &wish));
	assert_true(wish.anew);
	learn(&bench);
	at = 0;
	assert_false(alert_wish(bench.alert, &at, bench.wall, &wish));
	bench.rules[1] = bench.rules[0];
	bench.rules[1].band = 10 * MS;
	bench.conf.alerts = &bench.rules[1];
	alert_apply(bench.alert, &bench.conf);
	at = 0;
	assert_false(alert_wish(bench.alert, &at, bench.wall, &wish));
	/* the next hour, and only that */
	at = 0;
	assert_true(alert_wish(bench.alert, &at, bench.wall + HOUR, &wish));
	assert_false(wish.anew);
	assert_int_equal(wish.to - wish.from, HOUR);
	bench.rules[0].quantile = 0.9;
	bench.conf.alerts = &bench.rules[0];
	alert_apply(bench.alert, &bench.conf);
	at = 0;
	assert_true(alert_wish(bench.alert, &at, bench.wall, &wish));
	assert_true(wish.anew);
	end(&bench);
}

static int
set_up(void **state)
{
	(void)state;
	zone = zone_load(NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	zone_free(zone);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_month_of_a_normal_week_is_no_alarm),
	    cmocka_unit_test(what_is_very_quiet_has_the_band),
	    cmocka_unit_test(
		at_nine_the_window_may_hold_what_is_usual_at_eight),
	    cmocka_unit_test(
		too_few_results_and_those_that_do_not_count_say_nothing),
	    cmocka_unit_test(twice_the_usual_is_found_on_a_monday_at_eight),
	    cmocka_unit_test(the_same_latency_is_unusual_at_seven_only),
	    cmocka_unit_test(it_does_not_flap_at_its_limit),
	    cmocka_unit_test(a_few_quick_results_do_not_end_it),
	    cmocka_unit_test(three_weeks_must_be_known),
	    cmocka_unit_test(without_history_an_incident_stays_as_it_is),
	    cmocka_unit_test(a_week_of_outage_does_not_become_what_is_usual),
	    cmocka_unit_test(what_is_slow_need_not_be_called_slower_than_usual),
	    cmocka_unit_test(a_reload_keeps_what_was_learnt_of_the_same_hours),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name(
	    "deviation", tests, set_up, tear_down);
}
