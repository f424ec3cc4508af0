/*
 * Rules other than a share and a quantile: how fast the budget of errors
 * burns, certificates that end, silence; and that one incident says it all.
 */
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
#define MINUTE (60 * S)
#define DAY (INT64_C(86400) * S)
#define WALL0 (INT64_C(1795507200) * S)

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

static struct conf_transaction transactions[] = {
    {.name = "login"}, {.name = "grades"}};
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
};

/* As many as fit a fast burn, a slow one, and the rest. */
static const struct conf_alert fast_burn = {
    .name = "fast",
    .kind = CONF_ALERT_BURN_RATE,
    .objective = 0.99,
    .factor = 14.4,
    .window = 60 * MINUTE,
    .resolve_after = 2 * MINUTE,
    .min_samples = 10,
    .severity = 3,
    .runbook = "https://wiki.example/burn",
};
static const struct conf_alert certificate = {
    .name = "certificate",
    .kind = CONF_ALERT_CERTIFICATE,
    .transaction = "login",
    .within = 14 * DAY,
    .window = 15 * MINUTE,
    .resolve_after = MINUTE,
    .min_samples = 5,
    .severity = 2,
};
static const struct conf_alert silence = {
    .name = "silence",
    .kind = CONF_ALERT_NO_DATA,
    .transaction = "login",
    .window = 15 * MINUTE,
    .resolve_after = MINUTE,
    .min_samples = 5,
    .severity = 2,
};
static const struct conf_alert failing = {
    .name = "failing",
    .kind = CONF_ALERT_AVAILABILITY,
    .below = 0.5,
    .window = 10 * MINUTE,
    .resolve_after = 2 * MINUTE,
    .min_samples = 3,
    .severity = 3,
};
static const struct conf_alert school = {
    .name = "school",
    .kind = CONF_ALERT_AVAILABILITY,
    .scope = CONF_SCOPE_DEPLOYMENT,
    .below = 0.5,
    .window = 10 * MINUTE,
    .resolve_after = 2 * MINUTE,
    .min_samples = 3,
    .severity = 1,
};

struct bench {
	struct alert *alert;
	struct target_set *targets;
	struct conf conf;
	struct conf_alert rules[4];
	mono_us now;
	wall_us wall;
	unsigned opened, resolved, inhibited, raised;
	struct incident last;
	unsigned runs;
	wall_us cert;
};

static void
sink(void *arg, enum notify_event event, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct bench *bench = arg;

	bench->raised += strcmp(entry->kind, "raised") == 0;
	bench->opened += event == NOTIFY_OPENED;
	bench->resolved += event == NOTIFY_RESOLVED;
	bench->last = *incident;
}

static void
book(void *arg, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct bench *bench = arg;

	(void)incident;
	bench->inhibited += strcmp(entry->kind, "inhibited") == 0;
}

static void
begin(struct bench *bench, const struct conf_alert *one,
    const struct conf_alert *other)
{
	memset(bench, 0, sizeof(*bench));
	bench->targets = target_set_new();
	bench->now = 5000 * S;
	bench->wall = WALL0;
	bench->rules[bench->conf.n_alerts++] = *one;
	if (other)
		bench->rules[bench->conf.n_alerts++] = *other;
	bench->conf.alerts = bench->rules;
	bench->conf.operators = operators;
	bench->conf.n_operators = 1;
	bench->alert = alert_new(sink, bench, 0);
	alert_set_book(bench->alert, book);
	alert_apply(bench->alert, &bench->conf);
}

static void
end(struct bench *bench)
{
	alert_free(bench->alert);
	target_set_free(bench->targets);
}

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
feed(struct bench *bench, const char *deployment, const char *act,
    enum reason reason)
{
	struct result result = {
	    .target = target_intern(bench->targets, "librus", deployment, act),
	    .started_wall = bench->wall,
	    .reason = reason,
	    .latency = S,
	    .phase = PHASE_WAIT,
	    .cert_not_after = bench->cert,
	};

	snprintf(result.run_id, sizeof(result.run_id), "%032x", ++bench->runs);
	alert_feed(bench->alert, &result, bench->now);
}

/* Minutes in which one deployment is asked once, as a real one is. */
static void
minutes(struct bench *bench, unsigned n, enum reason reason)
{
	for (unsigned i = 0; i < n; i++) {
		feed(bench, "a", "login", reason);
		pass(bench, 60);
	}
}

/* ---- the budget of errors ---- */

static void
one_failure_in_an_hour_burns_no_budget_worth_a_call(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &fast_burn, NULL);
	minutes(&bench, 58, REASON_OK);
	minutes(&bench, 2, REASON_HTTP_5XX);
	minutes(&bench, 60, REASON_OK);
	assert_int_equal(bench.opened, 0);
	end(&bench);
}

/* 14.4 % of an hour must fail: nine minutes of sixty. */
static void
a_budget_that_burns_opens_and_ends_soon_after_the_fire(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &fast_burn, NULL);
	minutes(&bench, 60, REASON_OK);
	minutes(&bench, 8, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 0);
	minutes(&bench, 2, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 1);
	assert_string_equal(bench.last.runbook, "https://wiki.example/burn");
	assert_true(bench.last.value > 14.4 && bench.last.value < 20);
	assert_true(bench.last.threshold == 14.4);
	assert_non_null(strstr(bench.last.summary_en, "error budget burns"));
	assert_non_null(strstr(bench.last.summary_pl, "razy za szybko"));
	/* the window holds the failures for most of an hour more */
	minutes(&bench, 12, REASON_OK);
	assert_int_equal(bench.resolved, 1);
	end(&bench);
}

static void
too_few_samples_say_nothing_of_a_budget(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &fast_burn, NULL);
	minutes(&bench, 9, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 0);
	minutes(&bench, 2, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

/* ---- certificates ---- */

static void
a_certificate_is_spoken_of_once_for_all_who_share_it(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &certificate, NULL);
	bench.cert = WALL0 + 30 * DAY;
	feed(&bench, "a", "login", REASON_OK);
	feed(&bench, "b", "login", REASON_OK);
	pass(&bench, 60);
	assert_int_equal(bench.opened, 0);
	bench.cert = WALL0 + 9 * DAY + 3600 * S;
	feed(&bench, "b", "login", REASON_OK);
	feed(&bench, "c", "login", REASON_OK);
	pass(&bench, 60);
	assert_int_equal(bench.opened, 1);
	assert_string_equal(bench.last.scope, "librus/_all/login");
	assert_true(bench.last.value > 9 && bench.last.value < 9.1);
	assert_true(bench.last.threshold == 14);
	assert_string_equal(bench.last.summary_pl,
	    "Librus — logowanie: certyfikat wygasa za 9 dni, w 2 z 3 wdrożeń");
	assert_string_equal(bench.last.summary_en,
	    "Librus — login: the certificate expires in 9 days, in 2 of 3 "
	    "deployments");
	/* one is renewed, the other not */
	bench.cert = WALL0 + 90 * DAY;
	feed(&bench, "b", "login", REASON_OK);
	pass(&bench, 300);
	assert_int_equal(bench.resolved, 0);
	feed(&bench, "c", "login", REASON_OK);
	pass(&bench, 300);
	assert_int_equal(bench.resolved, 1);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

static void
a_certificate_comes_due_without_a_run(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &certificate, NULL);
	bench.cert = WALL0 + 14 * DAY + 600 * S;
	feed(&bench, "a", "login", REASON_OK);
	pass(&bench, 500);
	assert_int_equal(bench.opened, 0);
	pass(&bench, 300);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

static void
a_certificate_rule_with_a_wait_is_not_put_off_by_runs(void **state)
{
	struct conf_alert patient = certificate;
	struct bench bench;

	(void)state;
	patient.hold = 10 * MINUTE;
	begin(&bench, &patient, NULL);
	bench.cert = WALL0 + 9 * DAY;
	minutes(&bench, 9, REASON_OK);
	assert_int_equal(bench.opened, 0);
	minutes(&bench, 2, REASON_OK);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

static void
an_expired_certificate_is_known_from_a_run_that_failed(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &certificate, NULL);
	bench.cert = WALL0 - DAY;
	feed(&bench, "a", "login", REASON_TLS_EXPIRED);
	pass(&bench, 60);
	assert_int_equal(bench.opened, 1);
	assert_non_null(strstr(bench.last.summary_pl, "certyfikat wygasł"));
	end(&bench);
}

/* ---- silence ---- */

static void
silence_is_told_and_ends_with_a_verdict(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &silence, NULL);
	minutes(&bench, 5, REASON_OK);
	pass(&bench, 14 * 60 - 1);
	assert_int_equal(bench.opened, 0);
	pass(&bench, 2);
	assert_int_equal(bench.opened, 1);
	assert_non_null(strstr(bench.last.summary_en, "no data for 15 min"));
	/* for another reason than ours: still no word of the operator */
	for (int i = 0; i < 10; i++) {
		feed(&bench, "a", "login", REASON_BAD_CREDENTIALS);
		pass(&bench, 60);
	}
	assert_int_equal(bench.resolved, 0);
	minutes(&bench, 3, REASON_HTTP_5XX);
	assert_int_equal(bench.resolved, 1);
	end(&bench);
}

static void
our_own_fault_is_no_silence(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &silence, NULL);
	for (int i = 0; i < 40; i++) {
		feed(&bench, "a", "login", REASON_UPLINK_DOWN);
		pass(&bench, 60);
	}
	assert_int_equal(bench.opened, 0);
	end(&bench);
}

static void
a_start_is_no_silence_and_ends_none(void **state)
{
	struct bench bench;
	struct incident open = {.number = 7, .opened = WALL0};

	(void)state;
	begin(&bench, &silence, NULL);
	pass(&bench, 14 * 60);
	assert_int_equal(bench.opened, 0);
	end(&bench);

	begin(&bench, &silence, NULL);
	alert_free(bench.alert);
	bench.alert = alert_new(sink, &bench, 0);
	text_copy(open.rule, sizeof(open.rule), "silence");
	text_copy(open.scope, sizeof(open.scope), "librus/_all/login");
	alert_restore(bench.alert, &open);
	alert_apply(bench.alert, &bench.conf);
	pass(&bench, 10 * 60);
	assert_int_equal(bench.resolved, 0);
	minutes(&bench, 3, REASON_OK);
	assert_int_equal(bench.resolved, 1);
	end(&bench);
}

/* ---- one incident ---- */

/* All three deployments, both acts, for so many minutes. */
static void
all(struct bench *bench, unsigned n, enum reason login, enum reason grades)
{
	static const char *const names[] = {"a", "b", "c"};

	for (unsigned i = 0; i < n; i++) {
		for (size_t k = 0; k < 3; k++) {
			feed(bench, names[k], "login", login);
			feed(bench, names[k], "grades", grades);
		}
		pass(bench, 60);
	}
}

static void
an_operator_stands_for_its_deployments_and_login_for_the_rest(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &failing, &school);
	all(&bench, 10, REASON_OK, REASON_OK);
	all(&bench, 15, REASON_HTTP_5XX, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 1);
	assert_string_equal(bench.last.scope, "librus/_all/login");
	/* three schools' logins, and grades of the operator and of these */
	assert_int_equal(bench.inhibited, 7);
	all(&bench, 15, REASON_OK, REASON_OK);
	assert_int_equal(bench.resolved, 1);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

static void
what_is_inhibited_opens_when_it_outlasts_the_other(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &failing, NULL);
	all(&bench, 15, REASON_HTTP_5XX, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 1);
	all(&bench, 15, REASON_OK, REASON_HTTP_5XX);
	assert_int_equal(bench.resolved, 1);
	assert_int_equal(bench.opened, 2);
	assert_string_equal(bench.last.scope, "librus/_all/grades");
	end(&bench);
}

static void
one_school_alone_is_its_own_incident(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, &failing, &school);
	all(&bench, 10, REASON_OK, REASON_OK);
	for (int i = 0; i < 12; i++) {
		feed(&bench, "a", "login", REASON_HTTP_5XX);
		feed(&bench, "b", "login", REASON_OK);
		feed(&bench, "c", "login", REASON_OK);
		pass(&bench, 60);
	}
	assert_int_equal(bench.opened, 1);
	assert_string_equal(bench.last.scope, "librus/a/login");
	assert_int_equal(bench.inhibited, 0);
	end(&bench);
}

static void
of_two_rules_on_the_same_the_first_speaks(void **state)
{
	struct conf_alert grave = failing, slight = fast_burn;
	struct bench bench;

	(void)state;
	grave.severity = 3;
	slight.severity = 2;
	slight.transaction = grave.transaction = "login";
	begin(&bench, &grave, &slight);
	all(&bench, 30, REASON_OK, REASON_OK);
	all(&bench, 30, REASON_HTTP_5XX, REASON_OK);
	assert_int_equal(bench.opened, 1);
	assert_string_equal(bench.last.rule, "failing");
	assert_int_equal(bench.last.severity, 3);
	assert_int_equal(bench.inhibited, 1);
	end(&bench);
}

/* The default configuration tells early so, and says later how bad it is. */
static void
a_graver_rule_raises_what_a_quick_one_opened(void **state)
{
	struct conf_alert quick = failing, grave = failing;
	struct bench bench;

	(void)state;
	quick.name = "quick";
	quick.window = 2 * MINUTE;
	quick.min_samples = 2;
	quick.severity = 1;
	quick.transaction = grave.transaction = "login";
	grave.below = 0.8;
	grave.hold = 2 * MINUTE;
	begin(&bench, &quick, &grave);
	minutes(&bench, 20, REASON_OK);
	minutes(&bench, 2, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 1);
	assert_string_equal(bench.last.rule, "quick");
	assert_int_equal(bench.last.severity, 1);
	minutes(&bench, 5, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 1);
	assert_int_equal(bench.raised, 1);
	assert_int_equal(bench.last.severity, 3);
	/* the quick one is well again, but not yet the graver one */
	minutes(&bench, 6, REASON_OK);
	assert_int_equal(bench.resolved, 0);
	minutes(&bench, 9, REASON_OK);
	assert_int_equal(bench.resolved, 1);
	assert_int_equal(bench.last.severity, 3);
	assert_int_equal(bench.opened, 1);
	/* the next one begins as a slight one, and is another incident */
	minutes(&bench, 2, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 2);
	assert_int_equal(bench.last.severity, 1);
	end(&bench);
}

/* What fails half of the time is slow in the other half, too. */
static void
what_fails_need_not_be_called_slow(void **state)
{
	struct conf_alert slow = failing;
	struct bench bench;

	(void)state;
	slow.name = "slow";
	slow.kind = CONF_ALERT_LATENCY;
	slow.above = S / 2;
	slow.quantile = 0.95;
	slow.transaction = "login";
	slow.window = 5 * MINUTE;
	slow.severity = 1;
	begin(&bench, &failing, &slow);
	all(&bench, 10, REASON_HTTP_5XX, REASON_OK);
	assert_int_equal(bench.opened, 1);
	/* good ones come back, all slow, while it is not over yet */
	for (int i = 0; i < 6; i++) {
		feed(&bench, "a", "login", REASON_OK);
		feed(&bench, "b", "login", REASON_HTTP_5XX);
		feed(&bench, "c", "login", REASON_HTTP_5XX);
		pass(&bench, 60);
	}
	assert_int_equal(bench.opened, 1);
	assert_int_equal(bench.inhibited, 1);
	/* it works, and is slow still */
	all(&bench, 15, REASON_OK, REASON_OK);
	assert_int_equal(bench.resolved, 1);
	assert_int_equal(bench.opened, 2);
	assert_string_equal(bench.last.rule, "slow");
	end(&bench);
}

/* Librus is asked every five minutes, others every minute. */
static void
a_window_of_runs_fits_any_interval(void **state)
{
	static const dur_us intervals[] = {MINUTE, 5 * MINUTE, 20 * S};
	struct conf_alert rule = failing;
	struct bench bench;

	(void)state;
	rule.window = 0;
	rule.runs = 2;
	rule.min_samples = 2;
	rule.transaction = "login";
	rule.scope = CONF_SCOPE_DEPLOYMENT;
	for (size_t i = 0; i < ARRAY_LEN(intervals); i++) {
		unsigned every_s = (unsigned)(intervals[i] / S);

		for (size_t k = 0; k < 3; k++)
			deployments[k].every = intervals[i];
		begin(&bench, &rule, NULL);
		for (int k = 0; k < 5; k++) {
			feed(&bench, "a", "login", REASON_OK);
			pass(&bench, every_s);
		}
		feed(&bench, "a", "login", REASON_HTTP_5XX);
		pass(&bench, every_s);
		assert_int_equal(bench.opened, 0);
		feed(&bench, "a", "login", REASON_HTTP_5XX);
		pass(&bench, 1);
		assert_int_equal(bench.opened, 1);
		end(&bench);
	}
	for (size_t k = 0; k < 3; k++)
		deployments[k].every = MINUTE;
}

/* Two that fail right after a start are not half of the last runs. */
static void
a_window_of_runs_is_filled_before_it_speaks(void **state)
{
	struct conf_alert rule = failing;
	struct bench bench;

	(void)state;
	rule.window = 0;
	rule.runs = 4;
	rule.min_samples = 2;
	rule.transaction = "login";
	begin(&bench, &rule, NULL);
	feed(&bench, "a", "login", REASON_HTTP_5XX);
	feed(&bench, "b", "login", REASON_HTTP_5XX);
	pass(&bench, 60);
	minutes(&bench, 2, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 0);
	minutes(&bench, 1, REASON_HTTP_5XX);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		one_failure_in_an_hour_burns_no_budget_worth_a_call),
	    cmocka_unit_test(
		a_budget_that_burns_opens_and_ends_soon_after_the_fire),
	    cmocka_unit_test(too_few_samples_say_nothing_of_a_budget),
	    cmocka_unit_test(
		a_certificate_is_spoken_of_once_for_all_who_share_it),
	    cmocka_unit_test(a_certificate_comes_due_without_a_run),
	    cmocka_unit_test(
		a_certificate_rule_with_a_wait_is_not_put_off_by_runs),
	    cmocka_unit_test(
		an_expired_certificate_is_known_from_a_run_that_failed),
	    cmocka_unit_test(silence_is_told_and_ends_with_a_verdict),
	    cmocka_unit_test(our_own_fault_is_no_silence),
	    cmocka_unit_test(a_start_is_no_silence_and_ends_none),
	    cmocka_unit_test(
		an_operator_stands_for_its_deployments_and_login_for_the_rest),
	    cmocka_unit_test(
		what_is_inhibited_opens_when_it_outlasts_the_other),
	    cmocka_unit_test(one_school_alone_is_its_own_incident),
	    cmocka_unit_test(of_two_rules_on_the_same_the_first_speaks),
	    cmocka_unit_test(a_graver_rule_raises_what_a_quick_one_opened),
	    cmocka_unit_test(what_fails_need_not_be_called_slow),
	    cmocka_unit_test(a_window_of_runs_fits_any_interval),
	    cmocka_unit_test(a_window_of_runs_is_filled_before_it_speaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
