/*
 * Rules over results of the past. Wall time stands for monotonic time, too:
 * the tallies do not know when a clock was set.
 */
#include "alert/backtest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alert-int.h"
#include "base/mem.h"

#define AWAY_LEAST (300 * US_PER_S)
#define AWAY_INTERVALS 9

struct backtest {
	const struct backtest_options *options;
	bool *wanted; /* by rule */
	struct alert *alert;
	wall_us now; /* the last tick */
	bool changed; /* it opened or resolved something */
	wall_us hour; /* in which rules last learnt; 0: not yet */
	struct compared {
		uint64_t hours, mute;
	} * compared; /* by rule */
	struct backtest_incident *all;
	size_t n, room;
	/* one result ahead */
	struct result result;
	wall_us at;
	int more;
};

/* ---- what is asked ---- */

const char *
backtest_untested(const struct conf_alert *rule)
{
	return rule->kind == CONF_ALERT_CERTIFICATE
	    ? "the ends of certificates are not kept in the history"
	    : NULL;
}

static bool *
list_wanted(const struct conf *conf, const char *rule)
{
	bool *wanted = mem_array(conf->n_alerts + 1, sizeof(*wanted));

	for (size_t i = 0; i < conf->n_alerts; i++) {
		wanted[i] = !backtest_untested(&conf->alerts[i]) &&
		    (!rule || strcmp(conf->alerts[i].name, rule) == 0);
	}
	return wanted;
}

dur_us
backtest_lead(struct conf *conf, const char *rule)
{
	bool *wanted = list_wanted(conf, rule);
	struct alert_rules *rules = alert_rules_new_of(conf, wanted);
	dur_us lead = 0;

	for (size_t i = 0; i < rules->n; i++) {
		const struct instance *one = &rules->instances[i];
		dur_us need =
		    2 * one->span + one->rule->hold + one->rule->resolve_after;

		lead = need > lead ? need : lead;
	}
	alert_rules_free(rules);
	free(wanted);
	return lead + conf->incidents.reopen_within;
}

dur_us
backtest_away(const struct conf *conf)
{
	dur_us every = INT64_MAX / AWAY_INTERVALS;
	bool any = false;

	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];

		for (size_t k = 0; k < op->n_deployments; k++) {
			if (op->deployments[k].every < every) {
				every = op->deployments[k].every;
			}
			any = true;
		}
	}
	return any && AWAY_INTERVALS * every > AWAY_LEAST
	    ? AWAY_INTERVALS * every
	    : AWAY_LEAST;
}

/* ---- what is told ---- */

static struct backtest_incident *
find_or_add(struct backtest *test, int64_t number)
{
	/* only young ones change */
	for (size_t i = test->n; i-- > 0;) {
		if (test->all[i].incident.number == number) {
			return &test->all[i];
		}
	}
	if (test->n == test->room) {
		test->room = 2 * test->room + 16;
		test->all = mem_grow(test->all, test->room, sizeof(*test->all));
	}
	test->all[test->n] = (struct backtest_incident){0};
	return &test->all[test->n++];
}

static void
sink(void *arg, enum notify_event event, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct backtest *test = arg;
	struct backtest_incident *one = find_or_add(test, incident->number);
	const struct instance *instance;

	(void)entry;
	test->changed = test->changed || event != NOTIFY_UPDATED;
	if (one->incident.number == 0) {
		instance = alert_rules_find_of(
		    test->alert->rules, incident->scope, incident->rule);
		one->unheard =
		    instance && watch_is(instance) && !instance->heard;
	}
	one->incident = *incident;
}

static void
report(struct backtest *test)
{
	const struct backtest_options *options = test->options;
	const struct incident *open;
	size_t n = alert_open(test->alert, &open);
	int64_t number = 0;

	for (size_t i = 0; i < n; i++) {
		find_or_add(test, open[i].number)->incident = open[i];
	}
	/* numbers are given in the order of opening, and so they stand here */
	for (size_t i = 0; i < test->n; i++) {
		struct backtest_incident *one = &test->all[i];

		if (one->incident.opened <= options->to &&
		    (one->incident.resolved == 0 ||
			one->incident.resolved > options->from)) {
			one->incident.number = ++number;
			options->found(options->arg, one);
		}
	}
}

/* ---- what is usual ---- */

/* Once an hour, as the daemon does. */
static void
learn(struct backtest *test, wall_us at)
{
	const struct backtest_options *options = test->options;
	struct alert_wish wish;
	double ms[ALERT_WISH_HOURS];
	size_t place = 0;

	if (!options->hours || at - at % ALERT_HOUR == test->hour) {
		return;
	}
	test->hour = at - at % ALERT_HOUR;
	while (alert_wish(test->alert, &place, at, &wish)) {
		options->hours(options->arg, &wish, ms);
		alert_learn(test->alert, &wish, ms);
	}
}

/* After the first tick of an hour. */
static void
count_compared(struct backtest *test)
{
	const struct alert_rules *rules = test->alert->rules;

	for (size_t i = 0; i < rules->n; i++) {
		const struct instance *one = &rules->instances[i];
		struct compared *sum =
		    &test->compared[one->rule - rules->conf->alerts];

		sum->hours += one->baseline != NULL;
		sum->mute += one->baseline && isnan(one->baseline->limit_ms);
	}
}

static void
report_compared(const struct backtest *test)
{
	const struct backtest_options *options = test->options;
	const struct conf *conf = options->conf;

	for (size_t i = 0; options->compared && i < conf->n_alerts; i++) {
		const struct conf_alert *rule = &conf->alerts[i];

		if (test->wanted[i] && rule->kind == CONF_ALERT_DEVIATION) {
			options->compared(options->arg, rule,
			    test->compared[i].hours, test->compared[i].mute);
		}
	}
}

/* ---- time ---- */

static wall_us
second_of(wall_us at)
{
	return at == INT64_MAX ? at /* never */
			       : (at + US_PER_S - 1) / US_PER_S * US_PER_S;
}

/* The ticks that were left out would have changed nothing: no stall. */
static void
tick(struct backtest *test, wall_us at)
{
	struct alert *alert = test->alert;

	if (alert->now > 0 && at - alert->now > US_PER_S) {
		alert->now = at - US_PER_S;
		alert->wall = alert->now;
	}
	test->changed = false;
	learn(test, at);
	alert_tick(alert, at, at);
	if (at >= test->options->from &&
	    at / ALERT_HOUR != test->now / ALERT_HOUR) {
		count_compared(test);
	}
	test->now = at;
}

/* All ticks that matter until then. What was opened or resolved is seen by the
 * rules before it in the list a second later. */
static void
pass(struct backtest *test, wall_us until)
{
	for (;;) {
		wall_us next = test->changed
		    ? test->now + US_PER_S
		    : second_of(alert_next(test->alert));

		if (next > until) {
			break;
		}
		tick(test, next);
	}
	/* how long the silence was is known when it ends */
	if (test->now < until && alert_silence_open(test->alert)) {
		tick(test, until);
	}
}

/*
 * We were away: what a restart does. The rules begin anew and find their open
 * incidents again, whose blind time is booked.
 */
static void
restart(struct backtest *test, wall_us at)
{
	struct alert *alert = test->alert;
	struct alert_rules *before = alert->rules;
	wall_us since = test->now;

	alert->rules = NULL;
	alert_take(
	    alert, alert_rules_new_of(test->options->conf, test->wanted));
	alert_rules_free(before);
	alert_restored(alert, at - since, 0, at);
	test->hour = 0;
	alert->began = 0;
	alert->now = 0;
	tick(test, at);
	if (test->options->away) {
		test->options->away(test->options->arg, since, at);
	}
}

static void
take_next(struct backtest *test)
{
	test->more =
	    test->options->next(test->options->arg, &test->result, &test->at);
}

/* The results until the next whole second, and its tick. */
static void
second(struct backtest *test)
{
	wall_us end = second_of(test->at);

	while (test->more > 0 && test->at <= end) {
		alert_feed(test->alert, &test->result, test->at);
		take_next(test);
	}
	tick(test, end);
}

int
backtest_run(const struct backtest_options *options)
{
	struct backtest test = {.options = options};
	dur_us away = backtest_away(options->conf);

	test.wanted = list_wanted(options->conf, options->rule);
	test.alert = alert_new(sink, &test, 0);
	alert_rules_free(alert_take(
	    test.alert, alert_rules_new_of(options->conf, test.wanted)));
	alert_set_zone(test.alert, options->zone);
	test.compared =
	    mem_array(options->conf->n_alerts + 1, sizeof(*test.compared));
	take_next(&test);
	if (test.more > 0) {
		tick(&test, second_of(test.at) - US_PER_S);
	}
	while (test.more > 0 && test.at <= options->to) {
		wall_us before = second_of(test.at) - US_PER_S;

		if (test.at - test.now > away) {
			restart(&test, before);
		} else {
			pass(&test, before);
		}
		second(&test);
	}
	if (test.now > 0 && options->to - test.now <= away) {
		pass(&test, options->to / US_PER_S * US_PER_S);
	}
	if (test.more >= 0) {
		report(&test);
		report_compared(&test);
	}
	alert_free(test.alert);
	free(test.all);
	free(test.wanted);
	free(test.compared);
	return test.more < 0 ? test.more : 0;
}
