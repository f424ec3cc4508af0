/* When incidents open, change, resolve; what a reload and a restart keep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "alert/alert.h"
#include "base/attr.h"
#include "base/text.h"

#define S US_PER_S
#define WALL0 (INT64_C(1795507200) * S)

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
    {.name = "logout", .title = {.value = "Wylogowanie"}, .always = true},
};
static const struct conf_profile profile = {
    .transactions = transactions,
    .n_transactions = ARRAY_LEN(transactions),
};
static struct conf_deployment deployments[] = {
    {.name = "a", .every = 20 * S},
    {.name = "b", .every = 20 * S},
    {.name = "c", .every = 20 * S},
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
	.n_deployments = 1},
};

static const struct conf_alert availability = {
    .name = "availability",
    .kind = CONF_ALERT_AVAILABILITY,
    .scope = CONF_SCOPE_OPERATOR,
    .below = 0.8,
    .window = 300 * S,
    .hold = 60 * S,
    .resolve_after = 120 * S,
    .min_samples = 5,
    .severity = 3,
};
static const struct conf_alert slow = {
    .name = "slow",
    .kind = CONF_ALERT_LATENCY,
    .scope = CONF_SCOPE_DEPLOYMENT,
    .transaction = "grades",
    .above = 3 * S,
    .quantile = 0.95,
    .window = 300 * S,
    .hold = 0,
    .resolve_after = 60 * S,
    .min_samples = 5,
    .severity = 1,
};

/* ---- a bench: an alert, a clock and what it told ---- */

struct told {
	enum notify_event event;
	struct incident incident;
	struct incident_entry entry;
};

struct bench {
	struct alert *alert;
	struct target_set *targets;
	struct conf conf;
	struct conf_alert rules[4];
	mono_us now;
	wall_us wall;
	struct told told[64];
	size_t n_told;
	unsigned runs;
};

static void
sink(void *arg, enum notify_event event, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct bench *bench = arg;

	assert_true(bench->n_told < ARRAY_LEN(bench->told));
	bench->told[bench->n_told++] = (struct told){event, *incident, *entry};
}

static void
apply(struct bench *bench)
{
	alert_apply(bench->alert, &bench->conf);
}

static void
begin(struct bench *bench, const struct conf_alert *rule)
{
	memset(bench, 0, sizeof(*bench));
	bench->targets = target_set_new();
	bench->now = 5000 * S;
	bench->wall = WALL0;
	bench->rules[0] = *rule;
	bench->conf.alerts = bench->rules;
	bench->conf.n_alerts = 1;
	bench->conf.operators = operators;
	bench->conf.n_operators = ARRAY_LEN(operators);
	bench->alert = alert_new(sink, bench, 100);
}

static void
end(struct bench *bench)
{
	alert_free(bench->alert);
	target_set_free(bench->targets);
	assert_int_equal(conf_references, 0);
}

/* Ticks every second, as the daemon does. */
static void
pass(struct bench *bench, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		bench->now += S;
		bench->wall += S;
		alert_tick(bench->alert, bench->now, bench->wall);
	}
}

static void
feed_step(struct bench *bench, const char *op, const char *deployment,
    const char *transaction, enum reason reason, dur_us latency,
    const char *step)
{
	struct result result = {
	    .target =
		target_intern(bench->targets, op, deployment, transaction),
	    .reason = reason,
	    .latency = latency,
	    .phase = PHASE_CONNECT,
	    .http_status = reason == REASON_HTTP_5XX ? 503 : 0,
	};

	result.phases.us[PHASE_WAIT] = latency;
	snprintf(result.run_id, sizeof(result.run_id), "%032x", ++bench->runs);
	text_copy(result.step, sizeof(result.step), step);
	alert_feed(bench->alert, &result, bench->now);
}

static void
feed(struct bench *bench, const char *deployment, const char *transaction,
    enum reason reason)
{
	feed_step(bench, "librus", deployment, transaction, reason, S,
	    reason == REASON_OK ? "" : "submit");
}

/* `n` results of each deployment's login, one every ten seconds. */
static void
logins(struct bench *bench, unsigned n, enum reason reason)
{
	for (unsigned i = 0; i < n; i++) {
		feed(bench, "a", "login", reason);
		feed(bench, "b", "login", reason);
		feed(bench, "c", "login", reason);
		pass(bench, 10);
	}
}

/* `n` more results of one deployment's login, one every ten seconds. */
static void
go_on(struct bench *bench, unsigned n, enum reason reason)
{
	for (unsigned i = 0; i < n; i++) {
		pass(bench, 10);
		feed(bench, "a", "login", reason);
	}
	pass(bench, 1);
}

static size_t
n_open(const struct bench *bench)
{
	const struct incident *incidents;

	return alert_open(bench->alert, &incidents);
}

/* ---- opening and resolving ---- */

static void
an_operator_that_fails_everywhere_is_one_incident(void **state)
{
	struct bench bench;
	const struct incident *incident;
	char total[64];

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	logins(&bench, 10, REASON_OK);
	assert_int_equal(bench.n_told, 0);
	logins(&bench, 20, REASON_HTTP_5XX);
	assert_int_equal(bench.n_told, 1);
	assert_int_equal(bench.told[0].event, NOTIFY_OPENED);
	assert_int_equal(alert_open(bench.alert, &incident), 1);
	assert_int_equal(incident->number, 101);
	assert_string_equal(incident->rule, "availability");
	assert_string_equal(incident->scope, "librus/_all/login");
	assert_int_equal(incident->severity, 3);
	assert_int_equal(incident->reason, REASON_HTTP_5XX);
	assert_int_equal(incident->side, SIDE_OPERATOR);
	assert_int_equal(incident->phase, PHASE_CONNECT);
	assert_string_equal(incident->step, "submit");
	assert_true(incident->threshold == 0.8);
	assert_true(incident->value < 0.8);
	assert_int_equal(incident->resolved, 0);
	assert_string_equal(bench.told[0].entry.kind, "detected");
	assert_int_equal(bench.told[0].entry.incident, 101);
	assert_int_equal(bench.told[0].entry.at, incident->opened);
	assert_non_null(strstr(bench.told[0].entry.text, "reason=http_5xx"));
	assert_non_null(strstr(incident->summary_pl, "strona operatora"));
	assert_non_null(strstr(incident->summary_en, "operator side"));

	logins(&bench, 60, REASON_OK);
	assert_int_equal(bench.n_told, 2);
	assert_int_equal(n_open(&bench), 0);
	incident = &bench.told[1].incident;
	assert_int_equal(bench.told[1].event, NOTIFY_RESOLVED);
	assert_int_equal(incident->number, 101);
	assert_true(incident->resolved > incident->opened);
	assert_true(incident->value >= 0.8);
	assert_memory_equal(incident->summary_pl, "Ustąpiło po ", 14);
	/* of all that was tried since it opened, not of the last window */
	assert_int_equal(incident->failed, 60);
	assert_true(incident->attempts > 60 && incident->attempts < 200);
	assert_true(incident->worst < 0.5);
	snprintf(total, sizeof(total), "60 of %u attempts failed, in 3 of 3",
	    incident->attempts);
	assert_non_null(strstr(incident->summary_en, total));
	assert_int_equal(strlen(incident->trace_ids[0]), 32);
	/* the next one has the next number */
	logins(&bench, 30, REASON_HTTP_5XX);
	assert_int_equal(bench.told[2].incident.number, 102);
	end(&bench);
}

static void
it_opens_only_after_it_held_for_the_time_asked(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	for (int i = 0; i < 5; i++) {
		feed(&bench, "a", "login", REASON_NO_ANSWER);
	}
	pass(&bench, 1);
	go_on(&bench, 5, REASON_NO_ANSWER);
	assert_int_equal(bench.n_told, 0);
	go_on(&bench, 1, REASON_NO_ANSWER);
	assert_int_equal(bench.n_told, 1);
	end(&bench);
}

static void
a_short_trouble_opens_nothing(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	for (int i = 0; i < 5; i++) {
		feed(&bench, "a", "login", REASON_NO_ANSWER);
	}
	pass(&bench, 1);
	go_on(&bench, 5, REASON_NO_ANSWER);
	for (int i = 0; i < 40; i++) {
		feed(&bench, "a", "login", REASON_OK);
	}
	go_on(&bench, 10, REASON_OK);
	assert_int_equal(bench.n_told, 0);
	end(&bench);
}

/* The wall clock jumps, as `by` says, before every n-th result. */
static void
jump(struct bench *bench, dur_us by)
{
	bench->wall += by;
	alert_clock_set(bench->alert, by);
}

static void
a_clock_that_is_set_opens_nothing_and_keeps_lengths_right(void **state)
{
	static const dur_us jumps[] = {3600 * S, -3600 * S,
	    INT64_C(365) * 86400 * S, INT64_C(-365) * 86400 * S, -600 * S};
	struct bench bench;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		wall_us opened;
		mono_us opened_at;

		begin(&bench, &availability);
		apply(&bench);
		for (unsigned k = 0; k < 10; k++) {
			logins(&bench, 3, REASON_OK);
			jump(&bench, jumps[i]);
		}
		assert_int_equal(bench.n_told, 0);
		while (bench.n_told == 0) {
			logins(&bench, 1, REASON_HTTP_5XX);
		}
		opened = bench.told[0].incident.opened;
		opened_at = bench.now;
		jump(&bench, jumps[i]);
		logins(&bench, 3, REASON_HTTP_5XX);
		jump(&bench, jumps[i]);
		while (n_open(&bench) > 0) {
			logins(&bench, 1, REASON_OK);
		}
		assert_int_equal(bench.n_told, 2);
		/* it was told within the ten seconds of `logins` */
		assert_in_range(
		    bench.told[1].incident.resolved - opened + 10 * S,
		    bench.now - opened_at, bench.now - opened_at + 20 * S);
		assert_int_equal(
		    bench.told[1].entry.at, bench.told[1].incident.resolved);
		end(&bench);
	}
}

static void
too_few_samples_open_nothing(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	for (int i = 0; i < 4; i++) {
		feed(&bench, "a", "login", REASON_NO_ANSWER);
	}
	pass(&bench, 280);
	feed(&bench, "a", "login", REASON_NO_ANSWER);
	pass(&bench, 200);
	assert_int_equal(bench.n_told, 0);
	end(&bench);
}

static void
every_reason_counts_by_its_verdict(void **state)
{
	(void)state;
	for (int r = 0; r < REASON_COUNT; r++) {
		bool down = reason_verdict((enum reason)r) == VERDICT_DOWN;
		struct bench bench;

		begin(&bench, &availability);
		apply(&bench);
		logins(&bench, 10, (enum reason)r);
		assert_int_equal(n_open(&bench), down ? 1 : 0);
		if (down) {
			assert_int_equal(
			    bench.told[0].incident.reason, (enum reason)r);
			assert_int_equal(bench.told[0].incident.side,
			    reason_side((enum reason)r));
		}
		end(&bench);
	}
}

static void
silence_neither_opens_nor_resolves(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	logins(&bench, 10, REASON_HTTP_5XX);
	assert_int_equal(bench.n_told, 1);
	pass(&bench, 3600);
	assert_int_equal(bench.n_told, 1);
	assert_int_equal(n_open(&bench), 1);
	/* one good sample is enough to begin, but not to end at once */
	feed(&bench, "a", "login", REASON_OK);
	pass(&bench, 100);
	assert_int_equal(n_open(&bench), 1);
	pass(&bench, 30);
	assert_int_equal(n_open(&bench), 0);
	end(&bench);
}

static void
good_results_that_grow_old_first_open_nothing(void **state)
{
	struct conf_alert rule = availability;
	struct bench bench;

	(void)state;
	rule.window = 600 * S;
	rule.hold = 60 * S;
	begin(&bench, &rule);
	apply(&bench);
	logins(&bench, 60, REASON_OK);
	feed(&bench, "a", "login", REASON_CONNECT_TIMEOUT);
	feed(&bench, "b", "login", REASON_CONNECT_TIMEOUT);
	feed(&bench, "c", "login", REASON_CONNECT_TIMEOUT);
	pass(&bench, 595);
	/* it is bad by now, but nobody said so before, nor does one alone */
	feed(&bench, "a", "login", REASON_CONNECT_TIMEOUT);
	feed(&bench, "a", "login", REASON_CONNECT_TIMEOUT);
	pass(&bench, 1000);
	assert_int_equal(bench.n_told, 0);
	end(&bench);
}

static void
silence_does_not_count_to_the_time_that_it_must_hold(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	for (int i = 0; i < 5; i++) {
		feed(&bench, "a", "login", REASON_NO_ANSWER);
	}
	pass(&bench, 200); /* of which 4 × 20 s count */
	bench.rules[0].hold = 90 * S;
	feed(&bench, "a", "login", REASON_NO_ANSWER);
	pass(&bench, 1);
	assert_int_equal(bench.n_told, 0);
	go_on(&bench, 1, REASON_NO_ANSWER);
	assert_int_equal(bench.n_told, 1);
	end(&bench);
}

static void
our_own_outage_takes_back_what_a_silent_network_counted_for(void **state)
{
	struct bench bench;
	mono_us since;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	feed(&bench, "a", "login", REASON_HTTP_5XX);
	pass(&bench, 20);
	since = bench.now;
	for (int i = 0; i < 4; i++) {
		feed(&bench, "b", "login", REASON_CONNECT_TIMEOUT);
		pass(&bench, 10);
	}
	alert_uplink_down(bench.alert, since);
	/* one from before and three from after are not yet five */
	go_on(&bench, 3, REASON_HTTP_5XX);
	pass(&bench, 40);
	feed(&bench, "a", "login", REASON_HTTP_5XX);
	pass(&bench, 1);
	assert_int_equal(bench.n_told, 0);
	go_on(&bench, 6, REASON_HTTP_5XX);
	assert_int_equal(bench.n_told, 1);
	assert_int_equal(bench.told[0].incident.reason, REASON_HTTP_5XX);
	assert_non_null(strstr(bench.told[0].entry.text, "deployments=1"));
	end(&bench);
}

static void
our_own_outage_is_not_counted_in_an_incident(void **state)
{
	const struct incident *incident;
	struct bench bench;
	uint32_t attempts, failed;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	logins(&bench, 10, REASON_HTTP_5XX);
	pass(&bench, 20);
	assert_int_equal(alert_open(bench.alert, &incident), 1);
	attempts = incident->attempts;
	failed = incident->failed;
	logins(&bench, 2, REASON_DNS_TIMEOUT);
	assert_int_equal(incident->failed, failed + 6);
	alert_uplink_down(bench.alert, bench.now - 20 * S);
	assert_int_equal(incident->failed, failed);
	assert_int_equal(incident->attempts, attempts);
	end(&bench);
}

static void
our_own_outage_does_not_resolve(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	logins(&bench, 10, REASON_HTTP_5XX);
	pass(&bench, 280);
	go_on(&bench, 3, REASON_OK);
	alert_uplink_down(bench.alert, bench.now);
	pass(&bench, 200);
	assert_int_equal(n_open(&bench), 1);
	go_on(&bench, 13, REASON_OK);
	assert_int_equal(n_open(&bench), 0);
	end(&bench);
}

static void
a_relapse_starts_the_time_of_recovery_anew(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	logins(&bench, 10, REASON_HTTP_5XX);
	pass(&bench, 400);
	logins(&bench, 10, REASON_OK);
	assert_int_equal(n_open(&bench), 1);
	logins(&bench, 4, REASON_HTTP_5XX);
	assert_int_equal(n_open(&bench), 1);
	logins(&bench, 11, REASON_HTTP_5XX);
	assert_int_equal(n_open(&bench), 1);
	assert_int_equal(bench.told[0].event, NOTIFY_OPENED);
	for (size_t i = 1; i < bench.n_told; i++) {
		assert_int_equal(bench.told[i].event, NOTIFY_UPDATED);
	}
	end(&bench);
}

static void
only_the_login_is_told_when_all_else_needs_it(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	for (int i = 0; i < 30; i++) {
		feed(&bench, "a", "login", REASON_CONNECT_REFUSED);
		feed(&bench, "a", "grades", REASON_PREREQUISITE_FAILED);
		pass(&bench, 10);
	}
	assert_int_equal(bench.n_told, 1);
	assert_string_equal(bench.told[0].incident.scope, "librus/_all/login");
	assert_int_equal(bench.told[0].incident.side, SIDE_NETWORK);
	end(&bench);
}

static void
each_transaction_and_each_operator_is_judged_by_itself(void **state)
{
	const struct incident *incidents;
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	for (int i = 0; i < 20; i++) {
		feed(&bench, "a", "login", REASON_OK);
		feed(&bench, "a", "grades", REASON_HTTP_4XX);
		feed(&bench, "a", "logout", REASON_HTTP_4XX);
		feed_step(&bench, "vulcan", "a", "login", REASON_NO_ANSWER, S,
		    "form");
		pass(&bench, 10);
	}
	assert_int_equal(alert_open(bench.alert, &incidents), 2);
	assert_int_equal(incidents[0].number, 102);
	assert_int_equal(incidents[1].number, 101);
	assert_string_equal(bench.told[0].incident.scope, "librus/_all/grades");
	assert_string_equal(bench.told[1].incident.scope, "vulcan/_all/login");
	end(&bench);
}

static void
a_rule_for_one_operator_looks_at_no_other(void **state)
{
	struct conf_alert rule = availability;
	struct bench bench;

	(void)state;
	rule.operator= "librus";
	begin(&bench, &rule);
	apply(&bench);
	for (int i = 0; i < 20; i++) {
		feed_step(&bench, "vulcan", "a", "login", REASON_NO_ANSWER, S,
		    "form");
		pass(&bench, 10);
	}
	assert_int_equal(bench.n_told, 0);
	end(&bench);
}

static void
a_slow_deployment_is_told_with_its_phase(void **state)
{
	const struct incident *incident;
	struct bench bench;

	(void)state;
	begin(&bench, &slow);
	apply(&bench);
	for (int i = 0; i < 10; i++) {
		feed_step(
		    &bench, "librus", "a", "grades", REASON_OK, 8 * S, "");
		feed_step(&bench, "librus", "b", "grades", REASON_OK, S, "");
		feed_step(&bench, "librus", "a", "login", REASON_OK, 8 * S, "");
		pass(&bench, 10);
	}
	assert_int_equal(alert_open(bench.alert, &incident), 1);
	assert_string_equal(incident->scope, "librus/a/grades");
	assert_int_equal(incident->reason, REASON_OK);
	assert_int_equal(incident->phase, PHASE_WAIT);
	assert_true(incident->threshold == 3000.0);
	assert_true(incident->value > 6500.0 && incident->value < 9600.0);
	assert_non_null(strstr(incident->summary_pl, "wolno, p95 do "));
	for (int i = 0; i < 40; i++) {
		feed_step(&bench, "librus", "a", "grades", REASON_OK, S, "");
		pass(&bench, 10);
	}
	assert_int_equal(n_open(&bench), 0);
	incident = &bench.told[bench.n_told - 1].incident;
	assert_int_equal(incident->failed, 0);
	assert_true(incident->value < 3000.0 && incident->worst > 6500.0);
	assert_true(incident->attempts > 10);
	end(&bench);
}

static void
failures_neither_open_nor_resolve_a_slowness(void **state)
{
	struct conf_alert rule = slow;
	struct bench bench;

	(void)state;
	rule.hold = 60 * S;
	begin(&bench, &rule);
	apply(&bench);
	for (int i = 0; i < 5; i++) {
		feed_step(
		    &bench, "librus", "a", "grades", REASON_OK, 8 * S, "");
	}
	pass(&bench, 1);
	for (int i = 0; i < 10; i++) {
		feed(&bench, "a", "grades", REASON_HTTP_5XX);
		pass(&bench, 10);
	}
	assert_int_equal(bench.n_told, 0);
	for (int i = 0; i < 7; i++) {
		feed_step(
		    &bench, "librus", "a", "grades", REASON_OK, 8 * S, "");
		pass(&bench, 10);
	}
	assert_int_equal(bench.n_told, 1);
	end(&bench);
}

/* ---- evidence and updates ---- */

static void
the_evidence_names_the_latest_failing_runs(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	for (int i = 0; i < 7; i++) {
		feed(&bench, "a", "login", REASON_NO_ANSWER);
	}
	feed(&bench, "a", "login", REASON_OK); /* run 8 */
	pass(&bench, 1);
	go_on(&bench, 6, REASON_NO_ANSWER);
	assert_int_equal(bench.n_told, 1);
	for (unsigned i = 0; i < INCIDENT_TRACES; i++) {
		char expected[TRACE_ID_SIZE];

		snprintf(expected, sizeof(expected), "%032x", 14 - i);
		assert_string_equal(
		    bench.told[0].incident.trace_ids[i], expected);
	}
	end(&bench);
}

static void
the_most_frequent_reason_is_named(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	for (int i = 0; i < 6; i++) {
		feed_step(&bench, "librus", "a", "login",
		    REASON_CONNECT_TIMEOUT, S, "form");
		if (i < 4) {
			feed_step(&bench, "librus", "a", "login",
			    REASON_HTTP_5XX, S, "submit");
		}
	}
	pass(&bench, 40);
	feed_step(
	    &bench, "librus", "a", "login", REASON_CONNECT_TIMEOUT, S, "form");
	pass(&bench, 40);
	feed_step(
	    &bench, "librus", "a", "login", REASON_CONNECT_TIMEOUT, S, "form");
	pass(&bench, 1);
	assert_int_equal(bench.n_told, 1);
	assert_int_equal(bench.told[0].incident.reason, REASON_CONNECT_TIMEOUT);
	assert_string_equal(bench.told[0].incident.step, "form");
	end(&bench);
}

static void
an_update_tells_another_reason_once_and_not_too_soon(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	logins(&bench, 8, REASON_HTTP_5XX);
	assert_int_equal(bench.n_told, 1);
	logins(&bench, 60, REASON_CONNECT_REFUSED);
	assert_int_equal(bench.n_told, 2);
	assert_int_equal(bench.told[1].event, NOTIFY_UPDATED);
	assert_int_equal(bench.told[1].incident.reason, REASON_CONNECT_REFUSED);
	assert_true(bench.told[1].entry.at - bench.told[0].entry.at >= 60 * S);
	end(&bench);
}

static void
two_equal_causes_do_not_take_turns(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	for (int i = 0; i < 100; i++) {
		logins(&bench, 1,
		    i % 2 ? REASON_HTTP_5XX : REASON_CONNECT_REFUSED);
	}
	assert_int_equal(bench.n_told, 1);
	end(&bench);
}

static void
more_deployments_are_told_fewer_are_not(void **state)
{
	const struct incident *incident;
	struct bench bench;
	char total[64];

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	for (int i = 0; i < 20; i++) {
		feed(&bench, "a", "login", REASON_HTTP_5XX);
		pass(&bench, 10);
	}
	assert_int_equal(bench.n_told, 1);
	logins(&bench, 20, REASON_HTTP_5XX);
	assert_int_equal(bench.n_told, 2);
	assert_non_null(strstr(bench.told[1].entry.text, "deployments=3"));
	assert_non_null(
	    strstr(bench.told[1].incident.summary_pl, "w 3 z 3 wdrożeń"));
	for (int i = 0; i < 60; i++) {
		feed(&bench, "a", "login", REASON_HTTP_5XX);
		pass(&bench, 10);
	}
	assert_int_equal(bench.n_told, 2);
	/* of the whole incident, as the counts are */
	alert_open(bench.alert, &incident);
	assert_non_null(strstr(incident->summary_en, "in 3 of 3 deployments"));
	/* and what is counted while it gets better is said */
	for (int i = 0; i < 40; i++) {
		feed(&bench, "a", "login", REASON_OK);
		pass(&bench, 10);
		if (alert_open(bench.alert, &incident) == 0) {
			break;
		}
		snprintf(total, sizeof(total), "%u of %u attempts",
		    incident->failed, incident->attempts);
		assert_non_null(strstr(incident->summary_en, total));
	}
	assert_int_equal(n_open(&bench), 0);
	assert_non_null(
	    strstr(bench.told[2].incident.summary_en, "in 3 of 3 deployments"));
	end(&bench);
}

/* ---- restart and reload ---- */

static struct incident
stored(int64_t number, const char *rule, const char *scope)
{
	struct incident incident = {.number = number,
	    .severity = 3,
	    .opened = WALL0 - 600 * S,
	    .reason = REASON_HTTP_5XX,
	    .side = SIDE_OPERATOR,
	    .step = "submit",
	    .attempts = 1000,
	    .failed = 900,
	    .worst = 0.1,
	    .summary_pl = "źle",
	    .summary_en = "bad"};

	text_copy(incident.rule, sizeof(incident.rule), rule);
	text_copy(incident.scope, sizeof(incident.scope), scope);
	return incident;
}

static void
a_restored_incident_goes_on_and_resolves(void **state)
{
	struct incident before =
	    stored(90, "availability", "librus/_all/login");
	const struct incident *incident;
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	alert_restore(bench.alert, &before);
	apply(&bench);
	assert_int_equal(alert_open(bench.alert, &incident), 1);
	pass(&bench, 600);
	assert_int_equal(bench.n_told, 0);
	/* the same trouble: no second incident, and nothing new to tell */
	logins(&bench, 30, REASON_HTTP_5XX);
	assert_int_equal(bench.n_told, 0);
	logins(&bench, 60, REASON_OK);
	assert_int_equal(bench.n_told, 1);
	assert_int_equal(bench.told[0].event, NOTIFY_RESOLVED);
	assert_int_equal(bench.told[0].incident.number, 90);
	/* what was counted before the restart counts */
	assert_int_equal(bench.told[0].incident.failed, 900 + 90);
	assert_non_null(strstr(bench.told[0].incident.summary_en, "990 of 1"));
	end(&bench);
}

static void
restored_incidents_that_nobody_watches_resolve_at_the_next_tick(void **state)
{
	struct incident rule = stored(90, "gone", "librus/_all/login");
	struct incident scope = stored(95, "availability", "helion/_all/login");
	const struct incident *incidents;
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	alert_restore(bench.alert, &rule);
	alert_restore(bench.alert, &scope);
	assert_int_equal(alert_open(bench.alert, &incidents), 2);
	assert_int_equal(incidents[0].number, 95);
	apply(&bench);
	assert_int_equal(bench.n_told, 0);
	pass(&bench, 1);
	assert_int_equal(bench.n_told, 2);
	assert_int_equal(n_open(&bench), 0);
	assert_int_equal(bench.told[0].event, NOTIFY_RESOLVED);
	assert_string_equal(bench.told[0].entry.text, "cause=not_watched");
	end(&bench);
}

static void
a_reload_keeps_windows_and_incidents(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	logins(&bench, 3, REASON_HTTP_5XX);
	assert_int_equal(bench.n_told, 0);
	/* another rule comes in front, the windows must find their places */
	bench.rules[1] = slow;
	bench.rules[2] = availability;
	bench.conf.alerts = &bench.rules[1];
	bench.conf.n_alerts = 2;
	apply(&bench);
	go_on(&bench, 5, REASON_HTTP_5XX);
	assert_int_equal(bench.n_told, 1);
	apply(&bench);
	pass(&bench, 10);
	assert_int_equal(bench.n_told, 1);
	assert_int_equal(n_open(&bench), 1);
	logins(&bench, 60, REASON_OK);
	assert_int_equal(bench.n_told, 2);
	end(&bench);
}

static void
an_incident_of_a_removed_rule_resolves(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	logins(&bench, 10, REASON_HTTP_5XX);
	assert_int_equal(n_open(&bench), 1);
	bench.conf.n_alerts = 0;
	apply(&bench);
	assert_int_equal(n_open(&bench), 1);
	pass(&bench, 1);
	assert_int_equal(n_open(&bench), 0);
	assert_int_equal(bench.told[1].event, NOTIFY_RESOLVED);
	/* results may still come from runs that began before */
	logins(&bench, 10, REASON_HTTP_5XX);
	assert_int_equal(bench.n_told, 2);
	end(&bench);
}

static void
a_rule_that_became_another_kind_lets_its_incident_go(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	logins(&bench, 10, REASON_HTTP_5XX);
	bench.rules[1] = slow;
	bench.rules[1].name = "availability";
	bench.rules[1].scope = CONF_SCOPE_OPERATOR;
	bench.rules[1].transaction = NULL;
	bench.conf.alerts = &bench.rules[1];
	apply(&bench);
	pass(&bench, 1);
	assert_int_equal(n_open(&bench), 0);
	assert_int_equal(bench.n_told, 2);
	end(&bench);
}

/* ---- the built-in rule ---- */

static const struct account_stop refused = {
    .account = "librus-a",
    .reason = REASON_BAD_CREDENTIALS,
    .target = "librus/a/login",
    .step = "submit",
    .run_id = "0123456789abcdef0123456789abcdef",
};

static void
a_stopped_account_is_an_incident_until_it_is_released(void **state)
{
	const struct incident *incident;
	struct bench bench;

	(void)state;
	begin(&bench, &availability);
	apply(&bench);
	alert_account_stopped(bench.alert, &refused, bench.wall);
	assert_int_equal(bench.n_told, 1);
	assert_int_equal(alert_open(bench.alert, &incident), 1);
	assert_string_equal(incident->rule, "account");
	assert_string_equal(incident->scope, "librus/a/login");
	assert_int_equal(incident->severity, 2);
	assert_int_equal(incident->side, SIDE_ACCOUNT);
	assert_int_equal(incident->reason, REASON_BAD_CREDENTIALS);
	assert_string_equal(incident->trace_ids[0], refused.run_id);
	assert_string_equal(incident->summary_pl,
	    "Librus, a — logowanie: konto „librus-a” zatrzymane, operator "
	    "odrzucił hasło. Popraw plik konta i uruchom usługę ponownie albo "
	    "zwolnij: dyzurny account -c FILE release librus-a");
	assert_string_equal(incident->summary_en,
	    "Librus, a — login: account “librus-a” stopped, the password was "
	    "refused. Mend its file and restart the service, or release it: "
	    "dyzurny account -c FILE release librus-a");
	/* told once, whatever passes or is reloaded */
	alert_account_stopped(bench.alert, &refused, bench.wall);
	pass(&bench, 3600);
	apply(&bench);
	pass(&bench, 1);
	assert_int_equal(bench.n_told, 1);
	alert_account_released(bench.alert, "librus-b", "person", bench.wall);
	assert_int_equal(bench.n_told, 1);
	alert_account_released(bench.alert, "librus-a", "person", bench.wall);
	assert_int_equal(bench.n_told, 2);
	assert_int_equal(bench.told[1].event, NOTIFY_RESOLVED);
	assert_string_equal(
	    bench.told[1].entry.text, "account=librus-a released_by=person");
	assert_int_equal(n_open(&bench), 0);
	end(&bench);
}

static void
a_restart_takes_up_the_incident_of_a_stopped_account(void **state)
{
	struct incident before = stored(90, "account", "librus/a/login");
	struct incident other = stored(91, "account", "librus/b/login");
	struct bench bench;

	(void)state;
	text_copy(before.trace_ids[0], TRACE_ID_SIZE, refused.run_id);
	begin(&bench, &availability);
	alert_restore(bench.alert, &before);
	alert_restore(bench.alert, &other);
	apply(&bench);
	alert_account_stopped(bench.alert, &refused, bench.wall);
	assert_int_equal(bench.n_told, 0);
	/* of the other one nobody knows any more */
	pass(&bench, 1);
	assert_int_equal(bench.n_told, 1);
	assert_int_equal(bench.told[0].incident.number, 91);
	assert_int_equal(bench.told[0].event, NOTIFY_RESOLVED);
	assert_string_equal(bench.told[0].entry.text, "cause=not_watched");
	alert_account_released(
	    bench.alert, "librus-a", "credentials", bench.wall);
	assert_int_equal(bench.n_told, 2);
	assert_int_equal(bench.told[1].incident.number, 90);
	end(&bench);
}

static void
a_restart_does_not_mix_up_two_accounts_of_one_target(void **state)
{
	struct incident first = stored(90, "account", "librus/a/login");
	struct incident second = stored(91, "account", "librus/a/login");
	struct account_stop other = refused;
	struct bench bench;

	(void)state;
	text_copy(other.account, sizeof(other.account), "librus-b");
	text_copy(other.run_id, sizeof(other.run_id), "fedc");
	text_copy(first.trace_ids[0], TRACE_ID_SIZE, refused.run_id);
	text_copy(second.trace_ids[0], TRACE_ID_SIZE, other.run_id);
	begin(&bench, &availability);
	alert_restore(bench.alert, &first);
	alert_restore(bench.alert, &second);
	apply(&bench);
	alert_account_stopped(bench.alert, &refused, bench.wall);
	alert_account_stopped(bench.alert, &other, bench.wall);
	pass(&bench, 1);
	assert_int_equal(bench.n_told, 0);
	alert_account_released(bench.alert, "librus-a", "person", bench.wall);
	assert_int_equal(bench.n_told, 1);
	assert_int_equal(bench.told[0].incident.number, 90);
	assert_int_equal(n_open(&bench), 1);
	end(&bench);
}

static void
two_accounts_of_one_target_are_two_incidents(void **state)
{
	struct account_stop other = refused;
	struct bench bench;

	(void)state;
	text_copy(other.account, sizeof(other.account), "librus-b");
	other.reason = REASON_CAPTCHA;
	begin(&bench, &availability);
	apply(&bench);
	alert_account_stopped(bench.alert, &refused, bench.wall);
	alert_account_stopped(bench.alert, &other, bench.wall);
	assert_int_equal(n_open(&bench), 2);
	alert_account_released(bench.alert, "librus-a", "person", bench.wall);
	assert_int_equal(n_open(&bench), 1);
	assert_int_equal(bench.told[2].incident.number, 101);
	pass(&bench, 10);
	assert_int_equal(n_open(&bench), 1);
	end(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_operator_that_fails_everywhere_is_one_incident),
	    cmocka_unit_test(it_opens_only_after_it_held_for_the_time_asked),
	    cmocka_unit_test(a_short_trouble_opens_nothing),
	    cmocka_unit_test(
		a_clock_that_is_set_opens_nothing_and_keeps_lengths_right),
	    cmocka_unit_test(too_few_samples_open_nothing),
	    cmocka_unit_test(every_reason_counts_by_its_verdict),
	    cmocka_unit_test(silence_neither_opens_nor_resolves),
	    cmocka_unit_test(good_results_that_grow_old_first_open_nothing),
	    cmocka_unit_test(
		silence_does_not_count_to_the_time_that_it_must_hold),
	    cmocka_unit_test(
		our_own_outage_takes_back_what_a_silent_network_counted_for),
	    cmocka_unit_test(our_own_outage_is_not_counted_in_an_incident),
	    cmocka_unit_test(our_own_outage_does_not_resolve),
	    cmocka_unit_test(a_relapse_starts_the_time_of_recovery_anew),
	    cmocka_unit_test(only_the_login_is_told_when_all_else_needs_it),
	    cmocka_unit_test(
		each_transaction_and_each_operator_is_judged_by_itself),
	    cmocka_unit_test(a_rule_for_one_operator_looks_at_no_other),
	    cmocka_unit_test(a_slow_deployment_is_told_with_its_phase),
	    cmocka_unit_test(failures_neither_open_nor_resolve_a_slowness),
	    cmocka_unit_test(the_evidence_names_the_latest_failing_runs),
	    cmocka_unit_test(the_most_frequent_reason_is_named),
	    cmocka_unit_test(
		an_update_tells_another_reason_once_and_not_too_soon),
	    cmocka_unit_test(two_equal_causes_do_not_take_turns),
	    cmocka_unit_test(more_deployments_are_told_fewer_are_not),
	    cmocka_unit_test(a_restored_incident_goes_on_and_resolves),
	    cmocka_unit_test(
		restored_incidents_that_nobody_watches_resolve_at_the_next_tick),
	    cmocka_unit_test(a_reload_keeps_windows_and_incidents),
	    cmocka_unit_test(an_incident_of_a_removed_rule_resolves),
	    cmocka_unit_test(
		a_rule_that_became_another_kind_lets_its_incident_go),
	    cmocka_unit_test(
		a_stopped_account_is_an_incident_until_it_is_released),
	    cmocka_unit_test(
		a_restart_takes_up_the_incident_of_a_stopped_account),
	    cmocka_unit_test(
		a_restart_does_not_mix_up_two_accounts_of_one_target),
	    cmocka_unit_test(two_accounts_of_one_target_are_two_incidents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
