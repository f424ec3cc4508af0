/* What the ledger knows of an incident's life, and of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/attr.h"
#include "base/json.h"
#include "tests/unit/ledger/rig.h"

#define S US_PER_S

static int
set_up(void **state)
{
	static struct rig rig;

	rig_init(&rig);
	*state = &rig;
	return 0;
}

static int
tear_down(void **state)
{
	rig_fini(*state);
	return 0;
}

static void
put(struct rig *rig, const struct incident *incident, const char *kind,
    const char *by, const char *data)
{
	struct incident_entry entry = rig_entry(incident->number, kind);

	text_copy(entry.by, sizeof(entry.by), by);
	entry.data = data;
	assert_int_equal(ledger_put_event(rig->ledger, incident, &entry, NULL,
			     0, "", 0, NULL, NULL),
	    0);
	rig_drain(rig);
}

static void
restart(struct rig *rig)
{
	rig_stop(rig);
	assert_int_equal(rig_start(rig), 0);
}

/* ---- what comes back ---- */

static void
keep_incident(void *arg, const struct incident *incident)
{
	*(struct incident *)arg = *incident;
}

static void
an_incident_comes_back_with_its_life(void **state)
{
	struct rig *rig = *state;
	struct incident got = {0}, put_in = rig_incident(1, 0);

	put_in.clock_set = -7 * S;
	put_in.confirmed = START + 5 * S;
	put_in.acknowledged = START + 6 * S;
	put_in.reopened = 2;
	put_in.reopened_at = START + 4 * S;
	put_in.calm = 30 * S;
	put_in.blind = 20 * S;
	put_in.blind_since = START + 9 * S;
	put_in.affected_now = 2;
	put_in.affected_most = 7;
	put_in.affected_of = 9;
	text_copy(put_in.confirmed_by, sizeof(put_in.confirmed_by), "ewa");
	text_copy(
	    put_in.acknowledged_by, sizeof(put_in.acknowledged_by), "Jan Żak");
	text_copy(put_in.affected[0], sizeof(put_in.affected[0]), "sp1");
	text_copy(put_in.affected[1], sizeof(put_in.affected[1]), "lo2");
	put(rig, &put_in, "detected", "", NULL);
	restart(rig);
	assert_int_equal(
	    ledger_each_open_incident(rig->ledger, keep_incident, &got), 0);
	assert_int_equal(got.clock_set, put_in.clock_set);
	assert_int_equal(got.confirmed, put_in.confirmed);
	assert_int_equal(got.acknowledged, put_in.acknowledged);
	assert_int_equal(got.reopened, 2);
	assert_int_equal(got.reopened_at, put_in.reopened_at);
	assert_int_equal(got.calm, put_in.calm);
	assert_int_equal(got.blind, put_in.blind);
	assert_int_equal(got.blind_since, put_in.blind_since);
	assert_int_equal(got.affected_now, 2);
	assert_int_equal(got.affected_most, 7);
	assert_int_equal(got.affected_of, 9);
	assert_string_equal(got.confirmed_by, "ewa");
	assert_string_equal(got.acknowledged_by, "Jan Żak");
	assert_string_equal(got.affected[1], "lo2");
	assert_string_equal(got.affected[2], "");
	assert_string_equal(got.trace_ids[1], put_in.trace_ids[1]);
}

static void
add_entry(void *arg, const struct incident_entry *entry)
{
	char *all = arg;

	snprintf(all + strlen(all), 256 - strlen(all), "%lld %s %s; ",
	    (long long)entry->incident, entry->kind, entry->data);
}

static void
entries_with_data_come_back_while_it_is_open(void **state)
{
	struct rig *rig = *state;
	struct incident one = rig_incident(1, 0), two = rig_incident(2, 0);
	struct ledger_delivery delivery = rig_delivery(5, 1, START);
	struct incident_entry entry = rig_entry(1, "note");
	char all[256] = "";

	put(rig, &one, "detected", "", "{\"added\":[\"a\"]}");
	put(rig, &two, "detected", "", "{\"added\":[\"z\"]}");
	put(rig, &one, "updated", "", NULL);
	put(rig, &one, "affected", "", "{\"removed\":[\"a\"]}");
	assert_int_equal(ledger_put_event(rig->ledger, NULL, &entry, &delivery,
			     1, "{}", 2, NULL, NULL),
	    0);
	two.resolved = START + 60 * S;
	put(rig, &two, "resolved", "", "{\"removed\":[\"z\"]}");
	restart(rig);
	assert_int_equal(
	    ledger_each_open_entry(rig->ledger, add_entry, all), 0);
	assert_string_equal(all,
	    "1 detected {\"added\":[\"a\"]}; "
	    "1 affected {\"removed\":[\"a\"]}; ");
}

static void
count_number(void *arg, const struct incident *incident)
{
	*(int64_t *)arg = *(int64_t *)arg * 10 + incident->number;
}

static void
only_those_resolved_a_short_while_ago_come_back(void **state)
{
	struct rig *rig = *state;
	int64_t numbers = 0;

	for (int64_t i = 1; i <= 4; i++) {
		struct incident incident =
		    rig_incident(i, i == 4 ? 0 : START + i * 100 * S);

		put(rig, &incident, "resolved", "", NULL);
	}
	assert_int_equal(ledger_each_resolved_incident(rig->ledger,
			     START + 200 * S, count_number, &numbers),
	    0);
	assert_int_equal(numbers, 23);
}

/* ---- what is asked for ---- */

static void
incidents_are_found_by_what_is_known(void **state)
{
	/* 1 to 4 opened a second after another; 4 is open, of vulcan */
	static const struct {
		struct ledger_incidents_of of;
		int64_t numbers;
	} cases[] = {
	    {{.limit = 10}, 4321},
	    {{.limit = 2}, 43},
	    {{.limit = 10, .open_only = true}, 4},
	    {{.limit = 10, .op = "wizja"}, 321},
	    {{.limit = 10, .op = "vulcan"}, 4},
	    {{.limit = 10, .op = "wiz"}, 0},
	    {{.limit = 10, .op = "wizja", .open_only = true}, 0},
	    {{.limit = 10, .from = START + 200 * S}, 432},
	    {{.limit = 10, .from = START + 9999 * S}, 4},
	    {{.limit = 10, .to = START + 3 * S}, 21},
	    {{.limit = 10, .from = START + 250 * S, .to = START + 4 * S}, 3},
	};
	struct rig *rig = *state;

	for (int64_t i = 1; i <= 4; i++) {
		struct incident incident =
		    rig_incident(i, i == 4 ? 0 : START + i * 100 * S);

		if (i == 4)
			text_copy(incident.scope, sizeof(incident.scope),
			    "vulcan/_all/login");
		put(rig, &incident, "detected", "", NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jv *list =
		    ledger_read_incidents_of(rig->reader, &cases[i].of);
		const struct jv *incidents = jv_get(list, "incidents");
		int64_t numbers = 0;

		for (size_t k = 0; k < jv_len(incidents); k++)
			numbers = numbers * 10 +
			    jv_get_int(jv_at(incidents, k), "number", 0);
		if (numbers != cases[i].numbers)
			fail_msg("case %zu: %lld", i, (long long)numbers);
		jv_release(list);
	}
}

static void
put_run(struct rig *rig, const char *id, const char *deployment,
    enum verdict verdict, wall_us at)
{
	static const char json[] = "{\"results\":[]}";

	assert_int_equal(ledger_put_run(rig->ledger, id, "wizja", deployment,
			     at, verdict, 100, json, sizeof(json) - 1),
	    0);
}

static void
evidence_is_of_the_deployments_and_of_the_runs_told(void **state)
{
	static const char *const wanted[][3] = {
	    {"wizja/sp1/login", "bad2", "0"},
	    {"wizja/sp1/login", "good1", "1"},
	    {"wizja/lo2/login", "bad3", "0"},
	    {"wizja/sp1/login", "0123456789abcdef0123456789abcdef", "1"},
	};
	struct rig *rig = *state;
	struct incident incident = rig_incident(1, START + 600 * S);
	struct jv *got, *list;

	text_copy(incident.scope, sizeof(incident.scope), "wizja/_all/login");
	put_run(rig, incident.trace_ids[0], "sp1", VERDICT_UP, START);
	put_run(rig, "good1", "sp1", VERDICT_UP, START + 10 * S);
	put_run(rig, "bad1", "sp1", VERDICT_DOWN, START + 20 * S);
	put_run(rig, "bad2", "sp1", VERDICT_DOWN, START + 30 * S);
	put_run(rig, "bad3", "lo2", VERDICT_DOWN, START + 30 * S);
	/* after it was over, and of who was not affected */
	put_run(rig, "bad4", "sp1", VERDICT_DOWN, START + 900 * S);
	put_run(rig, "bad5", "zs9", VERDICT_DOWN, START + 30 * S);
	rig_tick(rig);
	put(rig, &incident, "detected", "",
	    "{\"added\":[\"sp1\",\"lo2\"],\"trace_ids\":[\"bad1\"]}");
	put(rig, &incident, "affected", "", "{\"removed\":[\"lo2\"]}");
	put(rig, &incident, "note", "ewa", "{\"note\":\"<b>\"}");
	assert_int_equal(ledger_read_incident(rig->reader, 1, &got), 0);
	list = jv_get(got, "evidence");
	assert_int_equal(jv_len(list), ARRAY_LEN(wanted));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		const struct jv *one = jv_at(list, i);
		char url[96];

		snprintf(url, sizeof(url), "/api/v1/runs/%s/har", wanted[i][1]);
		assert_string_equal(
		    jv_get_string(one, "target", ""), wanted[i][0]);
		assert_string_equal(
		    jv_get_string(one, "run", ""), wanted[i][1]);
		assert_int_equal(
		    jv_bool_value(jv_get(one, "ok")), wanted[i][2][0] == '1');
		assert_string_equal(jv_get_string(one, "har_url", ""), url);
	}
	list = jv_get(got, "deployments");
	assert_int_equal(jv_len(list), 2);
	assert_true(jv_bool_value(jv_pointer(list, "/0/affected")));
	assert_false(jv_bool_value(jv_pointer(list, "/1/affected")));
	assert_string_equal(
	    jv_string_value(jv_pointer(got, "/timeline/0/runs/0")), "bad1");
	assert_string_equal(
	    jv_string_value(jv_pointer(got, "/timeline/2/by")), "ewa");
	assert_int_equal(jv_kind(jv_pointer(got, "/timeline/1/by")), JV_NULL);
	jv_release(got);
}

/* ---- the sign of life ---- */

static void
nobody_lived_before_the_first_start(void **state)
{
	struct rig *rig = *state;
	struct ledger_life life;

	assert_false(ledger_last_life(rig->ledger, &life));
	/* one that never looked leaves no sign */
	restart(rig);
	assert_false(ledger_last_life(rig->ledger, &life));
}

static void
the_last_sign_of_life_tells_how_long_nobody_looked(void **state)
{
	struct rig *rig = *state;
	struct incident incident = rig_incident(1, 0);
	struct ledger_life life;

	rig_tick(rig);
	clock_manual_advance(&rig->clock, S);
	rig_tick(rig); /* too soon for another */
	clock_manual_advance(&rig->clock, 9 * S);
	assert_true(ledger_last_life(rig->ledger, &life));
	assert_int_equal(life.ago, 10 * S);
	assert_int_equal(life.clock_set, 0);
	rig_tick(rig);
	clock_manual_advance(&rig->clock, S);
	put(rig, &incident, "detected", "", NULL);
	assert_true(ledger_last_life(rig->ledger, &life));
	assert_int_equal(life.ago, 0);
	/* a clean end is one, too */
	clock_manual_advance(&rig->clock, 3 * S);
	restart(rig);
	clock_manual_advance(&rig->clock, 100 * S);
	assert_true(ledger_last_life(rig->ledger, &life));
	assert_int_equal(life.ago, 100 * S);
}

/* Within one run of the machine the other clock knows better. */
static void
a_clock_that_was_set_meanwhile_is_known(void **state)
{
	static const dur_us sets[] = {
	    7200 * S, -7200 * S, 400 * US_PER_MS, 86400 * S};
	struct rig *rig = *state;
	struct ledger_life life;

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		rig_tick(rig);
		restart(rig);
		clock_manual_advance(&rig->clock, 60 * S);
		clock_manual_sleep(&rig->clock, 60 * S);
		rig->clock.wall += sets[i];
		assert_true(ledger_last_life(rig->ledger, &life));
		assert_int_equal(life.ago, 120 * S);
		assert_int_equal(life.clock_set, i == 2 ? 0 : sets[i]);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(an_incident_comes_back_with_its_life),
	    T(entries_with_data_come_back_while_it_is_open),
	    T(only_those_resolved_a_short_while_ago_come_back),
	    T(incidents_are_found_by_what_is_known),
	    T(evidence_is_of_the_deployments_and_of_the_runs_told),
	    T(nobody_lived_before_the_first_start),
	    T(the_last_sign_of_life_tells_how_long_nobody_looked),
	    T(a_clock_that_was_set_meanwhile_is_known),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
