/* The life of an incident, over restarts, blind time and clocks that are set.
 * What is told and booked is kept as the ledger would, and given back. */
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
#include "base/attr.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define S US_PER_S
#define WALL0 (INT64_C(1795507200) * S)
#define EVERY 10 /* seconds between two rounds of results */
#define INCIDENTS_MOST 8
#define ENTRIES_MOST 128

/* ---- a configuration, without files ---- */

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
};
static struct conf_alert rules[] = {
    {.name = "availability",
	.kind = CONF_ALERT_AVAILABILITY,
	.scope = CONF_SCOPE_OPERATOR,
	.below = 0.8,
	.window = 120 * S,
	.resolve_after = 60 * S,
	.min_samples = 5,
	.severity = 3},
};

/* ---- a bench: alerts, clocks, and a ledger that forgets nothing ---- */

struct kept {
	struct incident_entry entry;
	char *data;
};

struct bench {
	struct alert *alert;
	struct target_set *targets;
	struct conf conf;
	mono_us now;
	wall_us wall;
	unsigned runs;
	struct incident incidents[INCIDENTS_MOST]; /* by number, from 1 */
	int64_t last;
	struct kept kept[ENTRIES_MOST];
	size_t n;
	unsigned opened, updated, resolved; /* told to subscribers */
	struct window silence; /* until 0: none */
};

static void
keep(struct bench *bench, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct kept *kept = &bench->kept[bench->n++];

	assert_true(bench->n < ENTRIES_MOST);
	kept->entry = *entry;
	kept->data = entry->data ? mem_strdup(entry->data) : NULL;
	kept->entry.data = kept->data;
	if (incident) {
		assert_in_range(incident->number, 1, INCIDENTS_MOST - 1);
		bench->incidents[incident->number] = *incident;
		if (incident->number > bench->last) {
			bench->last = incident->number;
		}
	}
}

static void
on_told(void *arg, enum notify_event event, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct bench *bench = arg;

	bench->opened += event == NOTIFY_OPENED;
	bench->updated += event == NOTIFY_UPDATED;
	bench->resolved += event == NOTIFY_RESOLVED;
	keep(bench, incident, entry);
}

static void
on_booked(void *arg, const struct incident *incident,
    const struct incident_entry *entry)
{
	keep(arg, incident, entry);
}

static void
set_silence(struct bench *bench)
{
	alert_set_silences(
	    bench->alert, &bench->silence, bench->silence.until > 0 ? 1 : 0);
}

static void
start(struct bench *bench)
{
	bench->alert = alert_new(on_told, bench, bench->last);
	alert_set_book(bench->alert, on_booked);
	set_silence(bench);
}

static void
begin(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	bench->silence =
	    (struct window){.id = 7, .kind = WINDOW_SILENCE, .op = "librus"};
	bench->targets = target_set_new();
	bench->now = 5000 * S;
	bench->wall = WALL0;
	bench->conf.alerts = rules;
	bench->conf.n_alerts = ARRAY_LEN(rules);
	bench->conf.operators = operators;
	bench->conf.n_operators = ARRAY_LEN(operators);
	bench->conf.incidents = (struct conf_incidents){
	    .reopen_within = 300 * S, .confirm_after = 600 * S};
	start(bench);
	alert_apply(bench->alert, &bench->conf);
}

static void
end(struct bench *bench)
{
	alert_free(bench->alert);
	target_set_free(bench->targets);
	for (size_t i = 0; i < bench->n; i++) {
		free(bench->kept[i].data);
	}
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
feed(struct bench *bench, const char *deployment, enum reason reason)
{
	struct result result = {
	    .target =
		target_intern(bench->targets, "librus", deployment, "login"),
	    .reason = reason,
	    .latency = S,
	};

	snprintf(result.run_id, sizeof(result.run_id), "%032x", ++bench->runs);
	alert_feed(bench->alert, &result, bench->now);
}

/* Rounds of results; upper case fails: "aBc". */
static void
rounds(struct bench *bench, const char *who, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (const char *c = who; *c != '\0'; c++) {
			bool bad = *c < 'a';
			char name[2] = {(char)(bad ? *c + 32 : *c), '\0'};

			feed(bench, name, bad ? REASON_HTTP_5XX : REASON_OK);
		}
		pass(bench, EVERY);
	}
}

/* The process is killed, and started `seconds` later. */
static void
restart(struct bench *bench, unsigned seconds, dur_us clock_set)
{
	alert_free(bench->alert);
	bench->now += seconds * S;
	bench->wall += seconds * S + clock_set;
	start(bench);
	for (int64_t i = 1; i <= bench->last; i++) {
		if (bench->incidents[i].resolved == 0) {
			alert_restore(bench->alert, &bench->incidents[i]);
		}
	}
	for (size_t i = 0; i < bench->n; i++) {
		const struct incident_entry *entry = &bench->kept[i].entry;

		if (bench->incidents[entry->incident].resolved == 0) {
			alert_restore_entry(bench->alert, entry);
		}
	}
	for (int64_t i = 1; i <= bench->last; i++) {
		if (bench->incidents[i].resolved > 0) {
			alert_restore_resolved(
			    bench->alert, &bench->incidents[i]);
		}
	}
	alert_apply(bench->alert, &bench->conf);
	alert_restored(bench->alert, seconds * S, clock_set, bench->wall);
}

/* ---- what stands in the timeline ---- */

static const struct kept *
last_of(const struct bench *bench, const char *kind)
{
	for (size_t i = bench->n; i-- > 0;) {
		if (strcmp(bench->kept[i].entry.kind, kind) == 0) {
			return &bench->kept[i];
		}
	}
	fail_msg("no entry of kind %s", kind);
	abort();
}

static unsigned
count_of(const struct bench *bench, const char *kind)
{
	unsigned n = 0;

	for (size_t i = 0; i < bench->n; i++) {
		n += strcmp(bench->kept[i].entry.kind, kind) == 0;
	}
	return n;
}

static void
assert_names(const struct kept *kept, const char *key, const char *names)
{
	struct jv *data = jv_parse(kept->data, strlen(kept->data), NULL, 0);
	const struct jv *list = jv_get(data, key);
	char got[128] = "";

	for (size_t i = 0; i < jv_len(list); i++) {
		strncat(got, jv_string_value(jv_at(list, i)),
		    sizeof(got) - strlen(got) - 1);
	}
	assert_string_equal(got, names);
	jv_release(data);
}

static double
number_in(const struct kept *kept, const char *key)
{
	struct jv *data = jv_parse(kept->data, strlen(kept->data), NULL, 0);
	double value = jv_real_value(jv_get(data, key));

	jv_release(data);
	return value;
}

/* ---- a table of sequences ---- */

/*
 * Steps, each a letter and a number: X fails everywhere for so many rounds, O
 * is well, S is silence for seconds, R a kill and a start after seconds, U and
 * B the uplink, down since a second ago and back, Z a sleep of seconds, T no
 * tick for seconds, C a clock that is set, A an acknowledgement, Q a silence
 * for seconds; none takes it back.
 */
struct sequence {
	const char *name;
	const char *steps;
	const char *kinds; /* but for "affected" and "updated" */
	unsigned incidents;
	unsigned opened, resolved; /* told */
	double lasted_s, blind_s, calm_s; /* of the last incident */
};

/*
 * A window of twelve rounds is bad from the third failing round on, 21 s after
 * the first, until two of them are left in it; 60 s later it is resolved: six
 * failing rounds last 190 s, each more 10 s more. After a start the window is
 * empty: two rounds open, and a minute of good ones resolves.
 */
static const struct sequence sequences[] = {
    {"one outage", "O20 X6 O30", "detected resolved", 1, 1, 1, 190, 0, 0},
    {"back within the time", "O20 X6 O30 X6 O30",
	"detected resolved reopened resolved", 1, 2, 2, 380, 0, 166},
    {"back after it", "O20 X6 O60 X6 O30",
	"detected resolved detected resolved", 2, 2, 2, 190, 0, 0},
    {"killed while it is open, goes on", "O20 X6 R100 X6 O30",
	"detected blind resolved", 1, 1, 1, 250, 100, 0},
    {"over while we were down", "O20 X6 R1000 O30", "detected blind resolved",
	1, 1, 1, 100, 1000, 0},
    {"killed twice before anything is heard", "O20 X6 R100 R100 O30",
	"detected blind blind resolved", 1, 1, 1, 100, 200, 0},
    {"killed after it was resolved, back", "O20 X6 O24 R20 X6 O30",
	"detected resolved reopened resolved", 1, 2, 2, 394, 0, 116},
    {"killed after it was resolved, back too late", "O20 X6 O24 R400 X6 O30",
	"detected resolved detected resolved", 2, 2, 2, 204, 0, 0},
    {"killed after it was resolved, well", "O20 X6 O24 R20 O30",
	"detected resolved", 1, 1, 1, 190, 0, 0},
    {"our uplink meanwhile", "O20 X6 U0 S200 B0 X6 O30",
	"detected blind blind_over resolved", 1, 1, 1, 253, 201, 0},
    {"killed while the uplink is down", "O20 X6 U0 S200 R100 O30",
	"detected blind blind resolved", 1, 1, 1, 98, 301, 0},
    {"we stand still", "O20 X6 T100 X2 O30", "detected blind resolved", 1, 1, 1,
	191, 100, 0},
    {"we are late", "O20 X6 T8 X2 O30", "detected resolved", 1, 1, 1, 220, 0,
	0},
    {"the machine sleeps", "O20 X6 Z3600 X2 O30", "detected blind resolved", 1,
	1, 1, 210, 3600, 0},
    {"the clock is set forward", "O20 X6 C86400 X2 O30",
	"detected clock resolved", 1, 1, 1, 210, 0, 0},
    {"the clock is set back, and a kill", "O20 X6 C-86400 R100 X2 O30",
	"detected clock blind resolved", 1, 1, 1, 191, 100, 0},
    {"old enough to be confirmed", "O20 X70 O30", "detected confirmed resolved",
	1, 1, 1, 830, 0, 0},
    {"blind time makes nothing old", "O20 X6 R3600 X6 O30",
	"detected blind resolved", 1, 1, 1, 250, 3600, 0},
    {"acknowledged", "O20 X6 A0 X70 O30",
	"detected confirmed acknowledged resolved", 1, 1, 1, 890, 0, 0},
    {"acknowledged, and a kill", "O20 X6 A0 R10 A0 O30",
	"detected confirmed acknowledged blind resolved", 1, 1, 1, 100, 10, 0},
    {"all of it in a silence", "O20 Q2000 X6 O30", "detected silenced resolved",
	1, 0, 0, 190, 0, 0},
    {"a silence that ends before it", "O20 Q110 X30 O30",
	"detected silenced silence_over resolved", 1, 1, 1, 430, 0, 0},
    {"a silence that is taken back", "O20 Q2000 X6 Q0 X6 O30",
	"detected silenced silence_over resolved", 1, 1, 1, 250, 0, 0},
    {"told before the silence, told of its end", "O20 X6 Q2000 X6 O30",
	"detected silenced resolved", 1, 1, 1, 250, 0, 0},
    {"a kill in a silence", "O20 Q2000 X6 R100 X6 Q0 X6 O30",
	"detected silenced blind silence_over resolved", 1, 1, 1, 310, 100, 0},
    {"a kill after which it is over, never told", "O20 Q2000 X6 R100 O30",
	"detected silenced blind resolved", 1, 0, 0, 100, 100, 0},
    {"acknowledged in a silence", "O20 Q2000 X6 A0 Q0 X6 O30",
	"detected silenced confirmed acknowledged silence_over resolved", 1, 1,
	1, 250, 0, 0},
    {"acknowledged as soon as it ends", "O20 Q2000 X6 Q0 A0 X6 O30",
	"detected silenced confirmed acknowledged silence_over resolved", 1, 1,
	1, 250, 0, 0},
    {"back in a silence", "O20 X6 O30 Q2000 X6 O30",
	"detected resolved reopened silenced resolved", 1, 1, 1, 380, 0, 166},
};

static void
step(struct bench *bench, char what, long n)
{
	switch (what) {
	case 'X':
		rounds(bench, "ABC", (unsigned)n);
		break;
	case 'O':
		rounds(bench, "abc", (unsigned)n);
		break;
	case 'S':
		pass(bench, (unsigned)n);
		break;
	case 'R':
		restart(bench, (unsigned)n, 0);
		break;
	case 'U':
		alert_uplink_down(bench->alert, bench->now - S);
		break;
	case 'B':
		alert_uplink_back(bench->alert, bench->wall);
		break;
	case 'Z':
		bench->wall += n * S;
		alert_slept(bench->alert, n * S, bench->wall);
		break;
	case 'T':
		bench->now += n * S;
		bench->wall += n * S;
		break;
	case 'C':
		bench->wall += n * S;
		alert_clock_set(bench->alert, n * S);
		break;
	case 'A':
		if (bench->incidents[bench->last].acknowledged == 0) {
			assert_int_equal(alert_acknowledge(bench->alert,
					     bench->last, "jan", bench->wall),
			    0);
		}
		assert_int_equal(alert_acknowledge(bench->alert, bench->last,
				     "ewa", bench->wall),
		    -EALREADY);
		break;
	case 'Q':
		bench->silence.until = n > 0 ? bench->wall + n * S : 0;
		bench->silence.from = bench->wall;
		set_silence(bench);
		break;
	default:
		fail_msg("no such step: %c", what);
	}
}

static void
play(struct bench *bench, const char *steps)
{
	while (*steps != '\0') {
		char what = *steps++;
		char *rest;
		long n = strtol(steps, &rest, 10);

		step(bench, what, n);
		steps = rest + strspn(rest, " ");
	}
}

static void
kinds_of(const struct bench *bench, char out[512])
{
	out[0] = '\0';
	for (size_t i = 0; i < bench->n; i++) {
		const char *kind = bench->kept[i].entry.kind;

		if (strcmp(kind, "affected") == 0 ||
		    strcmp(kind, "updated") == 0) {
			continue;
		}
		snprintf(out + strlen(out), 512 - strlen(out), "%s%s",
		    out[0] != '\0' ? " " : "", kind);
	}
}

/* What is claimed may be off by what passes between two results. */
static void
assert_near(const char *name, const char *what, double got, double wanted)
{
	if (fabs(got - wanted) > EVERY + 1) {
		fail_msg("%s: %s is %g, not %g", name, what, got, wanted);
	}
}

static void
sequences_end_as_they_must(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
		const struct sequence *one = &sequences[i];
		const struct incident *incident;
		struct bench bench;
		char kinds[512];

		begin(&bench);
		play(&bench, one->steps);
		kinds_of(&bench, kinds);
		if (strcmp(kinds, one->kinds) != 0) {
			fail_msg("%s: %s", one->name, kinds);
		}
		incident = &bench.incidents[bench.last];
		assert_int_equal(bench.last, one->incidents);
		assert_int_equal(bench.opened, one->opened);
		assert_int_equal(bench.resolved, one->resolved);
		assert_near(one->name, "lasted_s",
		    (double)incident_lasted(incident, incident->resolved) / S,
		    one->lasted_s);
		assert_near(one->name, "blind_s", (double)incident->blind / S,
		    one->blind_s);
		assert_near(one->name, "calm_s", (double)incident->calm / S,
		    one->calm_s);
		end(&bench);
	}
}

/* ---- one by one ---- */

static void
a_silence_hides_what_it_names_and_nothing_else(void **state)
{
	static const struct {
		const char *op, *deployment, *act, *rule;
		unsigned opened; /* told */
	} cases[] = {
	    {"librus", "", "", "", 0},
	    {"librus", "", "login", "", 0},
	    {"librus", "", "", "availability", 0},
	    {"librus", "", "login", "availability", 0},
	    {"vulcan", "", "", "", 1},
	    {"librus", "a", "", "", 1}, /* the incident is of all of them */
	    {"librus", "", "grades", "", 1},
	    {"librus", "", "", "slow", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;
		struct window *silence = &bench.silence;

		begin(&bench);
		text_copy(silence->op, sizeof(silence->op), cases[i].op);
		text_copy(silence->deployment, sizeof(silence->deployment),
		    cases[i].deployment);
		text_copy(silence->act, sizeof(silence->act), cases[i].act);
		text_copy(silence->rule, sizeof(silence->rule), cases[i].rule);
		play(&bench, "O20 Q2000 X6");
		assert_int_equal(bench.opened, cases[i].opened);
		assert_int_equal(
		    bench.incidents[1].untold, cases[i].opened == 0);
		end(&bench);
	}
}

/* So many seconds with that fault, or without any. */
static void
suffer(struct bench *bench, enum fault fault, bool bad, unsigned seconds)
{
	bool faults[FAULT_COUNT] = {false};

	faults[fault] = bad;
	for (unsigned i = 0; i < seconds; i++) {
		pass(bench, 1);
		alert_self(bench->alert, faults, bench->now, bench->wall);
	}
}

static void
what_is_wrong_with_ourselves_is_an_incident_of_ours(void **state)
{
	struct bench bench;

	(void)state;
	for (int i = 0; i < FAULT_COUNT; i++) {
		enum fault fault = (enum fault)i;
		char scope[64];

		begin(&bench);
		suffer(&bench, fault, true, 50);
		suffer(&bench, fault, false, 5);
		suffer(&bench, fault, true, 60);
		assert_int_equal(bench.opened, 0);
		suffer(&bench, fault, true, 5);
		assert_int_equal(bench.opened, 1);
		snprintf(scope, sizeof(scope), "_self/_%s", fault_name(fault));
		assert_string_equal(bench.incidents[1].scope, scope);
		assert_string_equal(bench.incidents[1].rule, "self");
		assert_int_equal(bench.incidents[1].side, SIDE_OURS);
		assert_true(bench.incidents[1].severity <= 2);
		/* a restart opens no second one */
		restart(&bench, 10, 0);
		suffer(&bench, fault, true, 200);
		suffer(&bench, fault, false, 60);
		assert_int_equal(bench.last, 1);
		assert_int_equal(bench.resolved, 0);
		suffer(&bench, fault, false, 5);
		assert_int_equal(bench.resolved, 1);
		/* nor does it come back by itself */
		restart(&bench, 10, 0);
		suffer(&bench, fault, false, 200);
		assert_int_equal(bench.last, 1);
		assert_int_equal(bench.resolved, 1);
		end(&bench);
	}
}

static void
a_silence_says_who_wanted_it_and_why(void **state)
{
	struct bench bench;
	const struct kept *kept;

	(void)state;
	begin(&bench);
	text_copy(
	    bench.silence.created_by, sizeof(bench.silence.created_by), "Anna");
	text_copy(bench.silence.reason, sizeof(bench.silence.reason),
	    "\xc4\x87wiczenia");
	play(&bench, "O20 Q2000 X6");
	kept = last_of(&bench, "silenced");
	assert_string_equal(kept->entry.by, "Anna");
	assert_non_null(strstr(kept->data, "wiczenia"));
	assert_int_equal(bench.incidents[1].silence, 7);
	assert_int_equal(bench.updated, 0);
	play(&bench, "Q0 X1");
	assert_int_equal(bench.incidents[1].silence, 0);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

static void
deployments_come_and_go_by_name(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench);
	rounds(&bench, "abc", 12);
	rounds(&bench, "AbC", 5);
	assert_names(last_of(&bench, "detected"), "added", "ac");
	assert_int_equal(bench.incidents[1].affected_now, 2);
	assert_int_equal(bench.incidents[1].affected_of, 3);
	assert_string_equal(bench.incidents[1].affected[1], "c");
	rounds(&bench, "ABC", 3);
	assert_names(last_of(&bench, "affected"), "added", "b");
	/* well for less than the rule's time of recovery, and bad again */
	rounds(&bench, "ABc", 4);
	rounds(&bench, "ABC", 1);
	assert_int_equal(count_of(&bench, "affected"), 1);
	rounds(&bench, "ABc", 9);
	assert_names(last_of(&bench, "affected"), "removed", "c");
	assert_int_equal(bench.incidents[1].affected_now, 2);
	assert_int_equal(bench.incidents[1].affected_most, 3);
	rounds(&bench, "abc", 30);
	assert_int_equal(bench.resolved, 1);
	assert_int_equal(bench.incidents[1].affected_now, 0);
	end(&bench);
}

/* Who says nothing is not known to be well. */
static void
a_silent_deployment_stays_affected(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench);
	rounds(&bench, "abc", 12);
	rounds(&bench, "ABC", 4);
	rounds(&bench, "AB", 20);
	assert_int_equal(bench.incidents[1].affected_now, 3);
	assert_int_equal(count_of(&bench, "affected"), 0);
	end(&bench);
}

static void
a_restart_knows_who_is_affected(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench);
	rounds(&bench, "abc", 12);
	rounds(&bench, "ABC", 6);
	rounds(&bench, "ABc", 9);
	assert_names(last_of(&bench, "affected"), "removed", "c");
	restart(&bench, 100, 0);
	rounds(&bench, "Abc", 9);
	assert_names(last_of(&bench, "affected"), "removed", "b");
	assert_names(last_of(&bench, "affected"), "added", "");
	rounds(&bench, "AbC", 2);
	assert_names(&bench.kept[bench.n - 1], "added", "c");
	assert_int_equal(bench.incidents[1].affected_most, 3);
	assert_int_equal(bench.opened, 1);
	end(&bench);
}

static void
what_is_measured_while_it_is_calm_counts_when_it_returns(void **state)
{
	struct bench bench;
	uint32_t attempts;

	(void)state;
	begin(&bench);
	play(&bench, "O20 X6 O24");
	assert_int_equal(bench.resolved, 1);
	attempts = bench.incidents[1].attempts;
	play(&bench, "O4 X6 O30");
	assert_int_equal(bench.resolved, 2);
	assert_int_equal(bench.incidents[1].reopened, 1);
	/* each result once: those of the window that opened it, and since */
	assert_true(bench.incidents[1].attempts > attempts);
	assert_true(bench.incidents[1].attempts <= 3 * (20 + 6 + 24 + 40));
	assert_int_equal(bench.incidents[1].failed, 3 * (6 + 6));
	end(&bench);
}

static void
a_clock_that_is_set_while_we_are_stopped_moves_no_time(void **state)
{
	struct bench bench;
	const struct incident *incident;

	(void)state;
	begin(&bench);
	play(&bench, "O20 X6");
	restart(&bench, 100, 86400 * S);
	play(&bench, "X2 O30");
	incident = &bench.incidents[1];
	assert_near("stopped", "blind_s", (double)incident->blind / S, 100);
	assert_near("stopped", "lasted_s",
	    (double)incident_lasted(incident, incident->resolved) / S, 180);
	assert_int_equal(incident->clock_set, 86400 * S);
	assert_int_equal(number_in(last_of(&bench, "clock"), "set_s"), 86400);
	for (size_t i = 1; i < bench.n; i++) {
		assert_true(
		    bench.kept[i].entry.at >= bench.kept[i - 1].entry.at - S);
	}
	end(&bench);
}

static void
a_person_is_named_and_notes_stay(void **state)
{
	static const char *const long_note =
	    "ąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąą"
	    "ąąąąą"
	    "ąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąą"
	    "ąąąąą";
	struct bench bench;
	const struct kept *note;

	(void)state;
	begin(&bench);
	assert_int_equal(
	    alert_acknowledge(bench.alert, 1, "jan", bench.wall), -ENOENT);
	play(&bench, "O20 X6");
	assert_int_equal(
	    alert_acknowledge(bench.alert, 1, "jan", bench.wall), 0);
	assert_int_equal(bench.updated, 1);
	assert_string_equal(bench.incidents[1].acknowledged_by, "jan");
	assert_string_equal(bench.incidents[1].confirmed_by, "jan");
	assert_string_equal(last_of(&bench, "acknowledged")->entry.by, "jan");
	alert_note(bench.alert, 1, "ewa", long_note, bench.wall);
	note = last_of(&bench, "note");
	assert_true(
	    text_utf8_valid(note->entry.text, strlen(note->entry.text)));
	assert_non_null(strstr(note->data, long_note));
	play(&bench, "O30");
	assert_int_equal(bench.resolved, 1);
	assert_int_equal(
	    alert_acknowledge(bench.alert, 1, "jan", bench.wall), -ENOENT);
	alert_note(bench.alert, 1, "ewa", "po wszystkim", bench.wall);
	assert_int_equal(count_of(&bench, "note"), 2);
	assert_true(bench.incidents[1].resolved > 0);
	assert_int_equal(bench.updated, 1);
	end(&bench);
}

static void
an_entry_says_what_the_rule_measured(void **state)
{
	struct bench bench;
	const struct kept *detected;

	(void)state;
	begin(&bench);
	play(&bench, "O4 X10");
	detected = last_of(&bench, "detected");
	assert_true(number_in(detected, "value") < 0.8);
	assert_true(fabs(number_in(detected, "threshold") - 0.8) < 1e-9);
	assert_non_null(strstr(detected->data, "\"reason\":\"http_5xx\""));
	assert_non_null(strstr(detected->data, "\"side\":\"operator\""));
	assert_non_null(strstr(detected->data, "\"trace_ids\":[\"0000"));
	end(&bench);
}

static void
a_time_of_zero_reopens_nothing(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench);
	bench.conf.incidents.reopen_within = 0;
	play(&bench, "O20 X6 O30 X6 O30");
	assert_int_equal(bench.last, 2);
	end(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sequences_end_as_they_must),
	    cmocka_unit_test(a_silence_hides_what_it_names_and_nothing_else),
	    cmocka_unit_test(
		what_is_wrong_with_ourselves_is_an_incident_of_ours),
	    cmocka_unit_test(a_silence_says_who_wanted_it_and_why),
	    cmocka_unit_test(deployments_come_and_go_by_name),
	    cmocka_unit_test(a_silent_deployment_stays_affected),
	    cmocka_unit_test(a_restart_knows_who_is_affected),
	    cmocka_unit_test(
		what_is_measured_while_it_is_calm_counts_when_it_returns),
	    cmocka_unit_test(
		a_clock_that_is_set_while_we_are_stopped_moves_no_time),
	    cmocka_unit_test(a_person_is_named_and_notes_stay),
	    cmocka_unit_test(an_entry_says_what_the_rule_measured),
	    cmocka_unit_test(a_time_of_zero_reopens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
