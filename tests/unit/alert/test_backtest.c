/*
 * A back-test finds what the daemon would have found: the same results, fed to
 * the same rules that are ticked each second as the daemon does, give the same
 * incidents to the last word.
 *
 *   test_backtest [--seeds N]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "alert/backtest.h"
#include "base/attr.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#define S US_PER_S
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define WALL0 (INT64_C(1795507200) * S)

static unsigned n_seeds = 10;
static struct zone *zone;

/* ---- a configuration, without files ---- */

static int conf_references;

struct conf *
conf_hold(struct conf *conf)
{
	conf_references++;
	return conf;
}

void
conf_release(struct conf *conf)
{
	conf_references -= conf != NULL;
}

static struct conf_transaction transactions[] = {
    {.name = "login", .title = {.value = "Logowanie"}},
    {.name = "grades", .title = {.value = "Oceny"}},
};
static const struct conf_profile profile = {
    .transactions = transactions, .n_transactions = 2};
static struct conf_deployment deployments[] = {
    {.name = "a", .every = MINUTE},
    {.name = "b", .every = MINUTE},
    {.name = "c", .every = MINUTE},
};
static struct conf_operator operators[] = {
    {.name = "librus",
	.title = "Librus",
	.profile = &profile,
	.deployments = deployments,
	.n_deployments = 3},
    {.name = "vulcan",
	.title = "Vulcan",
	.profile = &profile,
	.deployments = deployments,
	.n_deployments = 2},
};

static struct conf_alert rules[] = {
    {.name = "failing",
	.kind = CONF_ALERT_AVAILABILITY,
	.scope = CONF_SCOPE_OPERATOR,
	.below = 0.8,
	.window = 5 * MINUTE,
	.hold = 70 * S,
	.resolve_after = 2 * MINUTE,
	.min_samples = 5,
	.severity = 2},
    {.name = "school",
	.kind = CONF_ALERT_AVAILABILITY,
	.scope = CONF_SCOPE_DEPLOYMENT,
	.below = 0.5,
	.window = 17 * MINUTE + 7 * S,
	.runs = 4,
	.resolve_after = 90 * S,
	.min_samples = 2,
	.severity = 3},
    {.name = "slow",
	.kind = CONF_ALERT_LATENCY,
	.scope = CONF_SCOPE_DEPLOYMENT,
	.above = 3 * S,
	.quantile = 0.9,
	.window = 7 * MINUTE,
	.hold = 2 * MINUTE,
	.resolve_after = MINUTE,
	.min_samples = 3,
	.severity = 1},
    {.name = "budget",
	.kind = CONF_ALERT_BURN_RATE,
	.scope = CONF_SCOPE_OPERATOR,
	.objective = 0.99,
	.factor = 6,
	.window = HOUR,
	.resolve_after = 5 * MINUTE,
	.min_samples = 20,
	.severity = 4},
    {.name = "silence",
	.kind = CONF_ALERT_NO_DATA,
	.scope = CONF_SCOPE_DEPLOYMENT,
	.transaction = "login",
	.window = 12 * MINUTE,
	.hold = 3 * MINUTE + 500 * US_PER_MS,
	.resolve_after = MINUTE,
	.min_samples = 1,
	.severity = 2},
    {.name = "silent",
	.kind = CONF_ALERT_NO_DATA,
	.scope = CONF_SCOPE_OPERATOR,
	.window = 10 * MINUTE,
	.resolve_after = MINUTE,
	.min_samples = 1,
	.severity = 2},
    {.name = "unusual",
	.kind = CONF_ALERT_DEVIATION,
	.scope = CONF_SCOPE_OPERATOR,
	.band = 100 * US_PER_MS,
	.factor = 4,
	.quantile = 0.5,
	.window = 11 * MINUTE,
	.resolve_after = 2 * MINUTE,
	.min_samples = 5,
	.severity = 1},
    {.name = "odd",
	.kind = CONF_ALERT_DEVIATION,
	.scope = CONF_SCOPE_DEPLOYMENT,
	.transaction = "grades",
	.band = 700 * US_PER_MS,
	.factor = 3,
	.quantile = 0.9,
	.window = HOUR,
	.hold = 2 * MINUTE,
	.resolve_after = 3 * MINUTE,
	.min_samples = 4,
	.severity = 2},
    {.name = "certificate",
	.kind = CONF_ALERT_CERTIFICATE,
	.within = INT64_C(14) * 24 * HOUR,
	.window = 15 * MINUTE,
	.severity = 2},
};

static struct conf conf = {
    .alerts = rules,
    .n_alerts = ARRAY_LEN(rules),
    .operators = operators,
    .n_operators = ARRAY_LEN(operators),
    .incidents = {.reopen_within = 10 * MINUTE, .confirm_after = 20 * MINUTE},
};

/* ---- results of the past ---- */

struct past {
	struct target_set *targets;
	struct item {
		struct result result;
		wall_us at;
	} * items;
	size_t n, room, next;
	int end; /* what comes after the last: 0 or an error */
	unsigned runs;
	/* what was found */
	struct backtest_incident found[2000];
	size_t n_found;
	wall_us away_from, away_to;
	unsigned aways;
	uint64_t hours, mute; /* of all rules on deviation */
	wall_us latest; /* the newest hour that was ever wished */
	bool forgotten; /* nothing of the weeks before is known */
};

static struct past *
past_new(void)
{
	struct past *past = mem_new(sizeof(*past));

	past->targets = target_set_new();
	return past;
}

static void
past_free(struct past *past)
{
	target_set_free(past->targets);
	free(past->items);
	free(past);
	assert_int_equal(conf_references, 0);
}

static void
add(struct past *past, const char *op, const char *deployment, const char *act,
    enum reason reason, dur_us latency, wall_us at)
{
	struct item *item;

	if (past->n == past->room) {
		past->room = 2 * past->room + 1024;
		past->items =
		    mem_grow(past->items, past->room, sizeof(*past->items));
	}
	item = &past->items[past->n++];
	*item = (struct item){.at = at,
	    .result = {
		.target = target_intern(past->targets, op, deployment, act),
		.started_wall = at - latency,
		.reason = reason,
		.latency = latency,
		.phase = PHASE_WAIT,
		.http_status = reason == REASON_HTTP_5XX ? 503 : 0,
	    }};
	item->result.phases.us[PHASE_WAIT] = latency;
	snprintf(item->result.run_id, sizeof(item->result.run_id), "%032x",
	    ++past->runs);
	if (reason != REASON_OK)
		text_copy(item->result.step, sizeof(item->result.step),
		    past->runs % 3 == 0 ? "form" : "submit");
}

static int
next(void *arg, struct result *result, wall_us *at)
{
	struct past *past = arg;

	if (past->next == past->n)
		return past->end;
	*result = past->items[past->next].result;
	*at = past->items[past->next++].at;
	return 1;
}

static void
found(void *arg, const struct backtest_incident *one)
{
	struct past *past = arg;

	assert_true(past->n_found < ARRAY_LEN(past->found));
	past->found[past->n_found++] = *one;
}

static void
away(void *arg, wall_us from, wall_us to)
{
	struct past *past = arg;

	past->aways++;
	past->away_from = from;
	past->away_to = to;
}

/* How long an hour took: as much in each week, but for one in seven, and every
 * fifth hour is twice as slow. */
static void
hours(void *arg, const struct alert_wish *wish, double *ms)
{
	struct past *past = arg;

	for (wall_us at = wish->from; at < wish->to; at += ALERT_HOUR, ms++) {
		int64_t hour = at / ALERT_HOUR;

		*ms = (hour % 168 % 5 == 0 ? 1600 : 800) +
		    (double)(hour * 7919 % 101);
		if (hour % 7 == 3 || past->forgotten)
			*ms = NAN;
	}
	past->latest = wish->to > past->latest ? wish->to : past->latest;
}

static void
compared(void *arg, const struct conf_alert *rule, uint64_t all, uint64_t mute)
{
	struct past *past = arg;

	assert_int_equal(rule->kind, CONF_ALERT_DEVIATION);
	past->hours += all;
	past->mute += mute;
}

static int
test_over(struct past *past, const char *rule, wall_us from, wall_us to)
{
	struct backtest_options options = {
	    .conf = &conf,
	    .rule = rule,
	    .from = from,
	    .to = to,
	    .next = next,
	    .found = found,
	    .away = away,
	    .hours = hours,
	    .compared = compared,
	    .zone = zone,
	    .arg = past,
	};

	past->hours = past->mute = 0;
	past->next = 0;
	past->n_found = 0;
	past->aways = 0;
	return backtest_run(&options);
}

/* ---- the daemon: a tick each second ---- */

struct live {
	struct incident *all;
	size_t n;
};

static void
live_sink(void *arg, enum notify_event event, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct live *live = arg;
	size_t at = (size_t)incident->number - 1;

	(void)event;
	(void)entry;
	assert_true(at <= live->n);
	if (at == live->n) {
		live->all = mem_grow(live->all, at + 1, sizeof(*live->all));
		live->n++;
	}
	live->all[at] = *incident;
}

/* Without the certificates, which are not in the past. */
static void
live_run(struct past *past, struct live *live, wall_us to)
{
	struct conf some = conf;
	struct alert *alert = alert_new(live_sink, live, 0);
	const struct incident *open;
	wall_us now = (past->items[0].at + S - 1) / S * S - S;
	size_t i = 0, n;
	bool learnt = false;

	some.n_alerts--;
	alert_set_zone(alert, zone);
	alert_apply(alert, &some);
	for (; now <= to; now += S) {
		struct alert_wish wish;
		double ms[ALERT_WISH_HOURS];

		for (; i < past->n && past->items[i].at <= now; i++)
			alert_feed(
			    alert, &past->items[i].result, past->items[i].at);
		for (size_t at = 0; (now % HOUR == 0 || !learnt) &&
		     alert_wish(alert, &at, now, &wish);) {
			hours(past, &wish, ms);
			alert_learn(alert, &wish, ms);
		}
		learnt = true;
		alert_tick(alert, now, now);
	}
	n = alert_open(alert, &open);
	for (i = 0; i < n; i++)
		live->all[open[i].number - 1] = open[i];
	alert_free(alert);
}

static char *
json_of(const struct incident *incident)
{
	struct jv *json = incident_json(incident);
	struct buf text;

	buf_init(&text, 16384);
	assert_true(jv_dump(json, &text));
	jv_release(json);
	return buf_take(&text, NULL);
}

static void
compare(const struct past *past, const struct live *live)
{
	for (size_t i = 0; i < live->n && i < past->n_found; i++) {
		char *one = json_of(&live->all[i]);
		char *other = json_of(&past->found[i].incident);

		assert_string_equal(other, one);
		free(one);
		free(other);
	}
	assert_int_equal(past->n_found, live->n);
}

/* ---- known outages ---- */

/* So many minutes, in which every place of an operator is asked once. */
static wall_us
minutes(struct past *past, const char *op, unsigned n, enum reason reason,
    dur_us latency, wall_us at)
{
	for (unsigned i = 0; i < n; i++, at += MINUTE) {
		add(past, op, "a", "login", reason, latency, at);
		add(past, op, "b", "login", reason, latency, at + 20 * S);
		add(past, op, "a", "grades", reason, latency, at + 30 * S);
	}
	return at;
}

static void
an_outage_is_found_when_it_was(void **state)
{
	struct past *past = past_new();
	struct live live = {0};
	const struct incident *one;
	wall_us at = WALL0, down, up;

	(void)state;
	at = down = minutes(past, "vulcan", 60, REASON_OK, S, at);
	at = up = minutes(past, "vulcan", 15, REASON_HTTP_5XX, S, at);
	at = minutes(past, "vulcan", 60, REASON_OK, S, at);
	assert_int_equal(test_over(past, "failing", WALL0, at), 0);
	/* what needs the login is inhibited */
	assert_int_equal(past->n_found, 1);
	one = &past->found[0].incident;
	assert_string_equal(one->scope, "vulcan/_all/login");
	/* by the second bad minute it is under 80 %, then it must hold */
	assert_int_equal(one->opened, down + 2 * MINUTE + 20 * S);
	assert_true(one->resolved > up && one->resolved < up + 10 * MINUTE);
	assert_int_equal(one->reason, REASON_HTTP_5XX);
	assert_int_equal(one->affected_most, 2);
	assert_int_equal(one->number, 1);
	/* as the daemon, and all rules together as the daemon's all */
	assert_int_equal(test_over(past, NULL, WALL0, at), 0);
	live_run(past, &live, at);
	compare(past, &live);
	assert_true(live.n > 0);
	free(live.all);
	past_free(past);
}

static void
each_kind_of_rule_finds_its_own(void **state)
{
	static const struct {
		const char *rule;
		size_t n;
	} expected[] = {{"failing", 1}, {"slow", 2}, {"budget", 1},
	    {"silence", 5}, {"certificate", 0}, {"unknown", 0}};
	struct past *past = past_new();
	wall_us at = WALL0;

	(void)state;
	at = minutes(past, "vulcan", 60, REASON_OK, S, at);
	at = minutes(past, "vulcan", 20, REASON_NO_ANSWER, S, at);
	at = minutes(past, "vulcan", 60, REASON_OK, S, at);
	at = minutes(past, "vulcan", 30, REASON_OK, 4 * S, at);
	at = minutes(past, "vulcan", 60, REASON_OK, S, at);
	for (unsigned i = 0; i < 40; i++, at += MINUTE)
		add(past, "vulcan", "a", "grades", REASON_OK, S, at);
	at = minutes(past, "vulcan", 60, REASON_OK, S, at);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		size_t heard = 0;

		assert_int_equal(
		    test_over(past, expected[i].rule, WALL0, at), 0);
		for (size_t k = 0; k < past->n_found; k++)
			heard += strncmp(past->found[k].incident.scope,
				     "vulcan", 6) == 0;
		if (strcmp(expected[i].rule, "silence") == 0) {
			/* three of librus, of which nothing was ever heard */
			assert_int_equal(past->n_found, 5);
			for (size_t k = 0; k < 3; k++)
				assert_true(past->found[k].unheard);
			assert_false(past->found[4].unheard);
			assert_int_equal(heard, 2);
		} else if (past->n_found != expected[i].n) {
			fail_msg("%s: %zu", expected[i].rule, past->n_found);
		}
	}
	assert_non_null(backtest_untested(&rules[8]));
	assert_null(backtest_untested(&rules[4]));
	past_free(past);
}

/* A rule that is inhibited by another opens nothing, unless it is alone. */
static void
inhibition_is_as_configured(void **state)
{
	struct past *past = past_new();
	wall_us at = WALL0;
	size_t alone;

	(void)state;
	at = minutes(past, "vulcan", 60, REASON_OK, S, at);
	at = minutes(past, "vulcan", 20, REASON_NO_ANSWER, S, at);
	at = minutes(past, "vulcan", 30, REASON_OK, S, at);
	assert_int_equal(test_over(past, "school", WALL0, at), 0);
	alone = past->n_found;
	assert_int_equal(test_over(past, NULL, WALL0 + 30 * MINUTE, at), 0);
	for (size_t i = 0; i < past->n_found; i++) {
		const struct incident *one = &past->found[i].incident;

		alone -= strcmp(one->rule, "school") == 0;
	}
	assert_true(alone > 0);
	past_free(past);
}

/* ---- deviations ---- */

static void
a_deviation_is_judged_by_the_past_alone(void **state)
{
	struct past *past = past_new();
	const struct incident *one;
	wall_us at = WALL0, slow, well;

	(void)state;
	at = slow = minutes(past, "vulcan", 60, REASON_OK, 900 * US_PER_MS, at);
	at = well = minutes(past, "vulcan", 60, REASON_OK, 4 * S, at);
	at = minutes(past, "vulcan", 60, REASON_OK, 900 * US_PER_MS, at);
	assert_int_equal(test_over(past, "unusual", WALL0, at), 0);
	/* what needs the login is inhibited */
	assert_int_equal(past->n_found, 1);
	one = &past->found[0].incident;
	assert_string_equal(one->scope, "vulcan/_all/login");
	assert_true(one->opened > slow && one->opened < slow + 12 * MINUTE);
	assert_true(one->resolved > well && one->resolved < well + 15 * MINUTE);
	assert_true(past->latest <= at - HOUR);
	/* two operators with two acts, in four hours, the last just begun */
	assert_int_equal(past->hours, 4 * 4);
	assert_true(past->mute < past->hours);
	/* without the weeks before, it says that it has nothing to say */
	past->forgotten = true;
	assert_int_equal(test_over(past, "unusual", WALL0, at), 0);
	assert_int_equal(past->n_found, 0);
	assert_int_equal(past->mute, past->hours);
	assert_int_equal(past->hours, 4 * 4);
	past_free(past);
}

/* ---- the span ---- */

static void
only_the_span_is_told_but_windows_are_full(void **state)
{
	struct past *past = past_new();
	wall_us at = WALL0, up;

	(void)state;
	at = minutes(past, "vulcan", 60, REASON_OK, S, at);
	at = up = minutes(past, "vulcan", 20, REASON_HTTP_5XX, S, at);
	at = minutes(past, "vulcan", 60, REASON_OK, S, at);
	at = minutes(past, "vulcan", 20, REASON_HTTP_5XX, S, at);
	/* it began before, and goes on at the end */
	assert_int_equal(test_over(past, "failing", up, at), 0);
	assert_int_equal(past->n_found, 2);
	assert_true(past->found[0].incident.opened < up);
	assert_int_equal(past->found[0].incident.number, 1);
	assert_int_equal(past->found[1].incident.resolved, 0);
	/* nothing of the first is left */
	assert_int_equal(
	    test_over(past, "failing", up + 30 * MINUTE, at - 30 * MINUTE), 0);
	assert_int_equal(past->n_found, 0);
	assert_true(backtest_lead(&conf, "budget") > 2 * HOUR);
	assert_true(backtest_lead(&conf, "slow") < HOUR);
	past_free(past);
}

static void
our_own_absence_is_nobody_s_silence(void **state)
{
	struct past *past = past_new();
	const struct incident *one;
	wall_us at = WALL0, gone, back;

	(void)state;
	at = minutes(past, "vulcan", 60, REASON_OK, S, at);
	at = gone = minutes(past, "vulcan", 10, REASON_HTTP_5XX, S, at);
	at = back = gone + 3 * HOUR;
	at = minutes(past, "vulcan", 10, REASON_HTTP_5XX, S, at);
	at = minutes(past, "vulcan", 60, REASON_OK, S, at);
	assert_int_equal(test_over(past, NULL, WALL0, at), 0);
	assert_int_equal(past->aways, 1);
	assert_true(past->away_from > gone - MINUTE && past->away_from < gone);
	assert_true(past->away_to > back - MINUTE && past->away_to <= back);
	for (size_t i = 0; i < past->n_found; i++)
		if (strncmp(past->found[i].incident.scope, "vulcan", 6) == 0)
			assert_int_not_equal(
			    strncmp(past->found[i].incident.rule, "silen", 5),
			    0);
	assert_int_equal(test_over(past, "failing", WALL0, at), 0);
	assert_int_equal(past->n_found, 1);
	one = &past->found[0].incident;
	assert_true(one->opened < gone && one->resolved > back);
	assert_int_equal(one->blind, past->away_to - past->away_from);
	assert_true(incident_lasted(one, one->resolved) < 30 * MINUTE);
	past_free(past);
}

static void
what_is_known_from_counts_alone_says_so(void **state)
{
	struct past *past = past_new();
	const struct incident *one;
	wall_us at = WALL0;

	(void)state;
	at = minutes(past, "vulcan", 30, REASON_OK, -1, at);
	at = minutes(past, "vulcan", 20, REASON_NO_ANSWER, -1, at);
	at = minutes(past, "vulcan", 60, REASON_OK, -1, at);
	for (size_t i = 0; i < past->n; i++) {
		past->items[i].result.from_tally = true;
		past->items[i].result.run_id[0] = '\0';
	}
	assert_int_equal(test_over(past, "failing", WALL0, at), 0);
	assert_int_equal(past->n_found, 1);
	one = &past->found[0].incident;
	assert_int_equal(one->reason, REASON_OK);
	assert_int_equal(one->side, SIDE_NONE);
	assert_string_equal(one->step, "");
	assert_string_equal(one->trace_ids[0], "");
	assert_null(strstr(one->summary_en, "answer"));
	/* a latency that is not known is neither slow nor quick */
	assert_int_equal(test_over(past, "slow", WALL0, at), 0);
	assert_int_equal(past->n_found, 0);
	past_free(past);
}

static void
a_history_that_breaks_off_is_an_error(void **state)
{
	struct past *past = past_new();
	wall_us at = WALL0;

	(void)state;
	assert_int_equal(test_over(past, NULL, WALL0, at + HOUR), 0);
	assert_int_equal(past->n_found, 0);
	minutes(past, "vulcan", 30, REASON_HTTP_5XX, S, at);
	past->end = -EIO;
	assert_int_equal(test_over(past, NULL, WALL0, at + HOUR), -EIO);
	assert_int_equal(past->n_found, 0);
	past_free(past);
}

/* ---- random histories ---- */

static uint64_t state_of_chance;

static uint64_t
draw(uint64_t below)
{
	/* SplitMix64 (Steele, Lea, Flood 2014) */
	uint64_t z = (state_of_chance += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

/* What one place does for a while. */
struct mood {
	wall_us until, due;
	enum { WELL, FAILING, FLAKY, SLOW, SILENT, OURS } kind;
};

static enum reason
reason_in(const struct mood *mood)
{
	static const enum reason bad[] = {
	    REASON_HTTP_5XX, REASON_NO_ANSWER, REASON_DNS_TIMEOUT};

	switch (mood->kind) {
	case FAILING:
		return bad[draw(3)];
	case FLAKY:
		return draw(3) == 0 ? bad[draw(3)] : REASON_OK;
	case OURS:
		return draw(2) == 0 ? REASON_TAINTED : REASON_UNKNOWN_PAGE;
	case WELL:
	case SLOW:
	case SILENT:
		break;
	}
	return draw(200) == 0 ? bad[0] : REASON_OK;
}

static void
act(struct past *past, struct mood *mood, const char *op, size_t place,
    wall_us now)
{
	static const char *const names[] = {"a", "b", "c"};
	dur_us latency;

	if (now >= mood->until) {
		mood->kind = draw(3) == 0 ? (int)draw(6) : WELL;
		mood->until = now + (dur_us)draw(90 * 60) * S;
	}
	mood->due = now + 50 * S + (dur_us)draw(20 * S);
	if (mood->kind == FAILING)
		mood->due += (dur_us)draw(4) * MINUTE;
	if (mood->kind == SILENT)
		return;
	latency = (dur_us)draw(2 * S) + (mood->kind == SLOW ? 3 * S : 0);
	add(past, op, names[place], "login", reason_in(mood), latency, now);
	latency = (dur_us)draw(2 * S) + (mood->kind == SLOW ? 3 * S : 0);
	add(past, op, names[place], "grades", reason_in(mood), latency, now);
}

static wall_us
random_past(struct past *past, wall_us from, wall_us to)
{
	struct mood moods[5] = {0};
	wall_us now = from;

	for (size_t i = 0; i < 5; i++)
		moods[i].due = from + (dur_us)draw(MINUTE);
	for (;;) {
		size_t first = 0;

		for (size_t i = 1; i < 5; i++)
			if (moods[i].due < moods[first].due)
				first = i;
		now = moods[first].due;
		if (now > to)
			return now;
		/* some on the very second, where ticks are */
		if (draw(4) == 0 && now - now % S >= from &&
		    (past->n == 0 ||
			past->items[past->n - 1].at <= now - now % S))
			now -= now % S;
		act(past, &moods[first], first < 3 ? "librus" : "vulcan",
		    first < 3 ? first : first - 3, now);
	}
}

/* Nothing of the lengths is tidy, so that slots and waits end anywhere. */
static void
random_rules(void)
{
	for (size_t i = 0; i < conf.n_alerts; i++) {
		rules[i].window = 3 * MINUTE + (dur_us)draw(20 * MINUTE);
		rules[i].runs = draw(3) == 0 ? 2 + (uint32_t)draw(5) : 0;
		rules[i].hold = draw(2) == 0 ? 0 : (dur_us)draw(5 * MINUTE);
		rules[i].resolve_after = (dur_us)draw(6 * MINUTE);
		rules[i].min_samples = 1 + (uint32_t)draw(6);
		rules[i].severity = 1 + (int)draw(4);
	}
	conf.incidents.reopen_within = (dur_us)draw(20 * MINUTE);
	conf.incidents.confirm_after = S + (dur_us)draw(40 * MINUTE);
}

static void
skipping_ticks_changes_nothing(void **state)
{
	size_t all = 0, unusual = 0;

	(void)state;
	for (unsigned seed = 1; seed <= n_seeds; seed++) {
		struct past *past = past_new();
		struct live live = {0};
		wall_us to = WALL0 + 12 * HOUR;

		state_of_chance = seed;
		if (seed > 1)
			random_rules();
		random_past(past, WALL0, to);
		live_run(past, &live, to);
		assert_int_equal(test_over(past, NULL, WALL0, to), 0);
		assert_int_equal(past->aways, 0);
		compare(past, &live);
		all += live.n;
		for (size_t i = 0; i < live.n; i++)
			unusual += strcmp(live.all[i].unit, "ms") == 0 &&
			    strcmp(live.all[i].rule, "slow") != 0;
		free(live.all);
		past_free(past);
	}
	print_message("# %zu incidents over %u histories, %zu of deviation\n",
	    all, n_seeds, unusual);
	assert_true(all > 10 * n_seeds && unusual > n_seeds);
}

int
main(int argc, char **argv)
{
	int failed;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_outage_is_found_when_it_was),
	    cmocka_unit_test(each_kind_of_rule_finds_its_own),
	    cmocka_unit_test(inhibition_is_as_configured),
	    cmocka_unit_test(a_deviation_is_judged_by_the_past_alone),
	    cmocka_unit_test(only_the_span_is_told_but_windows_are_full),
	    cmocka_unit_test(our_own_absence_is_nobody_s_silence),
	    cmocka_unit_test(what_is_known_from_counts_alone_says_so),
	    cmocka_unit_test(a_history_that_breaks_off_is_an_error),
	    cmocka_unit_test(skipping_ticks_changes_nothing),
	};

	log_set_level(LOG_LEVEL_ERROR);
	if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
		n_seeds = (unsigned)strtoul(argv[2], NULL, 10);
	zone = zone_load(NULL);
	failed = cmocka_run_group_tests_name("backtest", tests, NULL, NULL);
	zone_free(zone);
	return failed;
}
