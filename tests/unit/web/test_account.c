/* The account of a month at its edges, from a real ledger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/zone.h"
#include "health/availability.h"
#include "ledger/change.h"
#include "tests/unit/ledger/rig.h"
#include "web/report.h"

#define MINUTE (60 * US_PER_S)
#define EDGE (INT64_C(1793487600) * US_PER_S) /* 2026-11-01 00:00 CET */

struct world {
	struct rig rig;
	struct zone *zone;
	struct report_question question;
	struct jv *account;
};

/* "sp1" is asked every minute, so that a verdict of it speaks for ten. */
static const struct report_place places[] = {{"sp1", MINUTE}, {"sp4", MINUTE}};

static int
set_up(void **state)
{
	static struct world world;

	world = (struct world){.zone = zone_load(NULL)};
	rig_init(&world.rig);
	world.rig.clock.wall = EDGE + 60 * MINUTE;
	world.question = (struct report_question){.op = "wizja",
	    .title = "Wizja",
	    .vantage = "lab",
	    .month = {2026, 11},
	    .now = EDGE + 60 * MINUTE,
	    .places = places,
	    .n_places = 1,
	    .zone = world.zone};
	*state = &world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *world = *state;

	jv_release(world->account);
	rig_fini(&world->rig);
	zone_free(world->zone);
	return 0;
}

/* ---- what happened; minutes count from the edge ---- */

static void
count(struct world *world, const struct target *target, int64_t minute,
    enum reason reason)
{
	struct result result = {
	    .target = target,
	    .started_wall = EDGE + minute * MINUTE + US_PER_S,
	    .reason = reason,
	    .step = "form",
	};

	snprintf(result.run_id, sizeof(result.run_id), "%032llx",
	    (unsigned long long)(1000 + minute));
	assert_int_equal(ledger_tally(world->rig.ledger, &result), 0);
}

static void
announce(struct world *world, const char *deployment, int64_t from_minute,
    int64_t until_minute)
{
	struct ledger_change change = {.kind = LEDGER_ADD_WINDOW,
	    .audit = {.at = EDGE, .action = "maintenance.add"},
	    .window = {.kind = WINDOW_MAINTENANCE,
		.op = "wizja",
		.from = EDGE + from_minute * MINUTE,
		.until = EDGE + until_minute * MINUTE,
		.reason = "baza",
		.created_by = "Anna"}};

	text_copy(change.window.deployment, sizeof(change.window.deployment),
	    deployment);
	assert_int_equal(
	    ledger_put_change(world->rig.ledger, &change, NULL, NULL), 0);
	rig_drain(&world->rig);
}

static void
blind(struct world *world, int64_t from_minute, int64_t until_minute)
{
	struct ledger_blind blind = {.since = EDGE + from_minute * MINUTE,
	    .until = EDGE + until_minute * MINUTE,
	    .cause = "stopped"};

	assert_int_equal(ledger_put_blind(world->rig.ledger, &blind), 0);
}

/* ---- what is said of it ---- */

static void
read_account(struct world *world)
{
	int problem = 1;

	rig_tick(&world->rig);
	world->account =
	    report_account(world->rig.reader, &world->question, &problem);
	assert_int_equal(problem, 0);
	assert_non_null(world->account);
}

static const struct jv *
at(const struct world *world, const char *pointer)
{
	return jv_pointer(world->account, pointer);
}

/* The counts in the order of enum availability: "8 11 0 0 41". */
static void
assert_counts(const struct jv *counts, const char *expected)
{
	char text[128] = "";

	for (int i = 0; i < AVAILABILITY_COUNT; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%lld",
		    i > 0 ? " " : "",
		    (long long)jv_get_int(
			counts, availability_name((enum availability)i), -1));
	}
	assert_string_equal(text, expected);
}

static void
assert_outage(const struct jv *outage, int64_t minutes, int64_t runs,
    const char *run_end, const char *reason)
{
	const char *run = jv_get_string(outage, "first_run", "");

	assert_int_equal(jv_get_int(outage, "from", 0), EDGE / US_PER_S);
	assert_int_equal(
	    jv_get_int(outage, "until", 0), EDGE / US_PER_S + minutes * 60);
	assert_int_equal(jv_get_int(outage, "minutes", 0), minutes);
	assert_int_equal(jv_get_int(outage, "runs", -1), runs);
	assert_int_equal(strlen(run), 32);
	assert_string_equal(run + 29, run_end);
	assert_string_equal(jv_get_string(outage, "reason", ""), reason);
}

/* What is asked minute by minute is called as it was counted. */
static void
assert_trace(struct world *world, int64_t from_minute, int64_t until_minute,
    const char *expected)
{
	static const char letters[] = "udmb-";
	struct jv *trace;
	const struct jv *minutes;
	char text[128] = "";
	int problem = 1;

	trace = report_trace(world->rig.reader, &world->question,
	    "wizja/sp1/login", EDGE + from_minute * MINUTE,
	    EDGE + until_minute * MINUTE, &problem);
	assert_int_equal(problem, 0);
	minutes = jv_get(trace, "minutes");
	assert_true(jv_len(minutes) < sizeof(text));
	for (size_t i = 0; i < jv_len(minutes); i++) {
		const char *what =
		    jv_get_string(jv_at(minutes, i), "what", "?");

		for (int k = 0; k < AVAILABILITY_COUNT; k++) {
			if (strcmp(what,
				availability_name((enum availability)k)) == 0)
				text[i] = letters[k];
		}
	}
	assert_string_equal(text, expected);
	assert_int_equal(
	    jv_get_int(trace, "to", 0) - jv_get_int(trace, "from", 0),
	    (int64_t)strlen(expected) * 60);
	jv_release(trace);
}

/* ---- cases ---- */

static void
an_outage_over_the_edge_is_one_from_the_first_minute(void **state)
{
	struct world *world = *state;

	for (int64_t minute = -30; minute < 0; minute += 5)
		count(
		    world, &world->rig.target, minute, REASON_CONNECT_REFUSED);
	count(world, &world->rig.target, 3, REASON_HTTP_5XX);
	count(world, &world->rig.target, 8, REASON_OK);
	read_account(world);
	assert_int_equal(jv_len(at(world, "/outages")), 1);
	/* its run of half an hour before, but none of those is counted */
	assert_outage(at(world, "/outages/0"), 8, 1, "3ca", "connect_refused");
	assert_counts(at(world, "/transactions/0"), "11 8 0 0 41");
	assert_counts(at(world, "/transactions/0/days/0"), "11 8 0 0 41");
	assert_counts(
	    at(world, "/transactions/0/deployments/0"), "11 8 0 0 41");
	assert_trace(world, -2, 10, "dddddddddduu");
}

static void
an_outage_that_is_only_carried_over_has_its_run(void **state)
{
	struct world *world = *state;

	count(world, &world->rig.target, -2, REASON_HTTP_5XX);
	/* and one that was over before */
	count(world, &world->rig.target, -30, REASON_CONNECT_REFUSED);
	read_account(world);
	assert_int_equal(jv_len(at(world, "/outages")), 1);
	assert_outage(at(world, "/outages/0"), 9, 0, "3e6", "http_5xx");
	assert_counts(at(world, "/transactions/0"), "0 9 0 0 51");
}

static void
nothing_is_carried_over_what_ended_before_the_edge(void **state)
{
	struct world *world = *state;

	count(world, &world->rig.target, -5, REASON_HTTP_5XX);
	blind(world, -4, -1);
	read_account(world);
	assert_int_equal(jv_len(at(world, "/blind")), 0);
	assert_int_equal(jv_len(at(world, "/outages")), 0);
	assert_counts(at(world, "/transactions/0"), "0 0 0 0 60");
	assert_trace(world, -6, 3, "-dbbb----");
}

static void
maintenance_that_ended_before_the_edge_is_not_listed(void **state)
{
	struct world *world = *state;

	count(world, &world->rig.target, -50, REASON_HTTP_5XX);
	count(world, &world->rig.target, -5, REASON_HTTP_5XX);
	announce(world, "", -60, -40);
	announce(world, "sp1", -4, 0);
	announce(world, "sp1", -3, 2);
	blind(world, -20, 0);
	read_account(world);
	assert_int_equal(jv_len(at(world, "/maintenance")), 1);
	/* what touches the month is there as it was announced */
	assert_int_equal(jv_get_int(at(world, "/maintenance/0"), "from", 0),
	    EDGE / US_PER_S - 180);
	assert_int_equal(jv_len(at(world, "/blind")), 0);
	assert_int_equal(jv_len(at(world, "/outages")), 0);
	assert_counts(at(world, "/transactions/0"), "0 0 2 0 58");
}

static void
the_present_month_ends_with_the_last_whole_minute(void **state)
{
	struct world *world = *state;

	world->question.now = EDGE + 10 * MINUTE + 30 * US_PER_S;
	for (int64_t minute = 0; minute <= 10; minute++)
		count(world, &world->rig.target, minute, REASON_OK);
	announce(world, "", 10, 20);
	read_account(world);
	assert_int_equal(jv_get_int(world->account, "minutes", 0), 10);
	assert_int_equal(jv_get_int(world->account, "until", 0),
	    (EDGE + 10 * MINUTE) / US_PER_S);
	assert_false(jv_bool_value(at(world, "/complete")));
	assert_int_equal(jv_len(at(world, "/maintenance")), 0);
	assert_int_equal(jv_len(at(world, "/outages")), 0);
	assert_counts(at(world, "/transactions/0"), "10 0 0 0 0");
	assert_trace(world, -5, 60, "-----uuuuuuuuuu");
	assert_trace(world, 60, 70, "");
}

static void
a_deployment_that_left_is_listed_only_when_heard(void **state)
{
	struct world *world = *state;
	struct target long_gone = store_target("wizja", "sp2", "login");
	struct target long_gone_message =
	    store_target("wizja", "sp2", "message");
	struct target heard = store_target("wizja", "sp3", "login");
	struct target known = store_target("wizja", "sp4", "login");

	world->question.n_places = 2;
	count(world, &world->rig.target, 5, REASON_OK);
	count(world, &long_gone, -500, REASON_OK);
	/* nor is what would be carried of it */
	count(world, &long_gone, -3, REASON_HTTP_5XX);
	count(world, &long_gone_message, -3, REASON_OK);
	count(world, &heard, 5, REASON_TAINTED);
	count(world, &known, -500, REASON_OK);
	read_account(world);
	assert_int_equal(jv_len(at(world, "/transactions")), 1);
	assert_int_equal(jv_len(at(world, "/transactions/0/deployments")), 3);
	assert_string_equal(
	    jv_string_value(at(world, "/transactions/0/deployments/0/name")),
	    "sp1");
	assert_string_equal(
	    jv_string_value(at(world, "/transactions/0/deployments/1/name")),
	    "sp3");
	assert_string_equal(
	    jv_string_value(at(world, "/transactions/0/deployments/2/name")),
	    "sp4");
	assert_counts(at(world, "/transactions/0"), "11 0 0 0 169");
	assert_counts(at(world, "/transactions/0/days/0"), "11 0 0 0 169");
	assert_int_equal(jv_len(at(world, "/outages")), 0);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(an_outage_over_the_edge_is_one_from_the_first_minute),
	    CASE(an_outage_that_is_only_carried_over_has_its_run),
	    CASE(nothing_is_carried_over_what_ended_before_the_edge),
	    CASE(maintenance_that_ended_before_the_edge_is_not_listed),
	    CASE(the_present_month_ends_with_the_last_whole_minute),
	    CASE(a_deployment_that_left_is_listed_only_when_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
