/*
 * What the pages show and how they say it, over real sockets.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/attr.h"
#include "world.h"

static void
every_page_is_served_in_both_languages(void **state)
{
	static const struct {
		const char *path, *polish, *english;
	} pages[] = {
	    {"/", "Nie działa: Vulcan.", "Not working: Vulcan."},
	    {"/operators/vulcan", "Logowanie: nie działa od 24.11.2026, 08:06",
		"Login: not working since 24 Nov 2026, 08:06"},
	    {"/operators/librus/main", "Logowanie: utrudnienia",
		"Login: degraded"},
	    {"/operators/helion", "Wszystkie mierzone czynności działają.",
		"All measured actions are working."},
	    {"/incidents", "zakończone", "resolved"},
	    {"/incidents/7", "Zdarzenie 7", "Incident 7"},
	    {"/runs/4bf92f3577b34da6a3ce929d0e0e4736", "Żądania po kolei",
		"Requests in order"},
	    {"/deliveries", "doręczone", "confirmed"},
	    {"/status", "Nie działa: Vulcan.", "Not working: Vulcan."},
	    {"/method", "Jak mierzymy", "How we measure"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		char path[128];
		const char *answer = get(world, pages[i].path);

		if (status_of(answer) != 200)
			fail_msg("%s: %.100s", pages[i].path, answer);
		assert_has(answer, "<html lang=\"pl\"");
		assert_has(answer, pages[i].polish);
		assert_has(answer, "Dane z symulatorów.");
		assert_has_not(answer, "style=");
		assert_has_not(answer, "{{");
		assert_has_not(answer, "<b>od</b>");
		snprintf(path, sizeof(path), "%s?lang=en", pages[i].path);
		answer = get(world, path);
		assert_int_equal(status_of(answer), 200);
		assert_has(answer, "<html lang=\"en\"");
		assert_has(answer, pages[i].english);
		assert_has(answer, "Data from simulators.");
	}
}

static void
another_language_shows_the_same_view(void **state)
{
	struct world *world = *state;

	assert_has(get(world, "/operators/wizja?act=grades&from=-24h&lang=pl"),
	    "href=\"/operators/wizja?act=grades&amp;from=-24h&amp;lang=en\"");
	assert_has(world->answer,
	    "href=\"/operators/wizja?from=-24h&amp;lang=pl&amp;act=login\"");
	assert_has(world->answer,
	    "href=\"/operators/wizja?act=grades&amp;lang=pl&amp;from=-7d\"");
	/* an answer that is kept for all has nobody's own parameters */
	assert_has(get(world, "/?x=%22%3E"), "href=\"/?lang=en\"");
}

static void
a_percentile_of_few_results_is_not_given(void **state)
{
	struct world *world = *state;
	struct snapshot *snapshot = fixture_snapshot(9, FIXTURE_NOW);
	struct jv *value;

	for (size_t i = 0; i < snapshot->n_operators; i++) {
		snapshot->operators[i].transactions[0].samples = 3;
		snapshot->operators[i].transactions[0].p95_ms = 4321;
	}
	snapshot_publish(world->slot, snapshot);
	value = json_of(get(world, "/api/v1/status"));
	assert_int_equal(
	    jv_kind(jv_pointer(value, "/operators/2/transactions/0/p95_ms")),
	    JV_NULL);
	jv_release(value);
	assert_has_not(get(world, "/metrics"), "4.321");
	assert_has(get(world, "/"), "n = 3, potrzeba 5");
	assert_has_not(world->answer, "4,3 s");
	assert_has(get(world, "/operators/wizja?lang=en"), "n = 3, need 5");
	assert_has_not(world->answer, "4.3 s");
}

static void
only_the_cause_of_a_state_is_given_as_its_reason(void **state)
{
	struct world *world = *state;
	struct snapshot *snapshot = fixture_snapshot(9, FIXTURE_NOW);

	/* the last results say nothing of the states: one disturbed here, one
	 * good already, one failed but not often enough */
	for (size_t i = 0; i < 2; i++) {
		snapshot->operators[0].deployments[i]->transactions[0].reason =
		    REASON_TAINTED;
		snapshot->operators[1].deployments[i]->transactions[0].reason =
		    REASON_OK;
		snapshot->operators[2].deployments[i]->transactions[0].reason =
		    REASON_OVERLOAD_PAGE;
	}
	snapshot->operators[0].transactions[0].reason = REASON_TAINTED;
	snapshot->operators[2].transactions[0].reason = REASON_OVERLOAD_PAGE;
	snapshot_publish(world->slot, snapshot);
	for (size_t i = 0; i < 2; i++) {
		assert_has(get(world,
			       i == 0 ? "/operators/librus?lang=en"
				      : "/operators/librus/sp1?lang=en"),
		    "06 (slow, p95 1.2\u00a0s)");
		assert_has_not(world->answer, "(measurement disturbed");
		assert_has(get(world,
			       i == 0 ? "/operators/vulcan?lang=en"
				      : "/operators/vulcan/sp1?lang=en"),
		    "06 (server error, step “submit”)");
		/* and no figures of what it was before */
		assert_has_not(world->answer, "812\u00a0ms");
		assert_has_not(get(world,
				   i == 0 ? "/operators/wizja?lang=en"
					  : "/operators/wizja/sp1?lang=en"),
		    "page about overload");
	}
	assert_has(get(world, "/api/v1/status"),
	    "\"cause\":{\"slow\":false,\"reason\":\"http_5xx\"");
	assert_has(get(world, "/"), "<span class=\"figures\">p50 ");
	assert_has_not(world->answer, "812\u00a0ms");
}

static void
a_stopped_account_is_the_reason_of_all_that_it_hides(void **state)
{
	struct world *world = *state;
	struct snapshot *snapshot = fixture_snapshot(9, FIXTURE_NOW);
	struct snap_deployment *dep = snapshot->operators[2].deployments[0];

	dep->account_stopped = true;
	dep->account_reason = REASON_BAD_CREDENTIALS;
	for (size_t i = 0; i < dep->n_transactions; i++)
		dep->transactions[i].state = STATE_UNKNOWN;
	dep->transactions[0].reason = REASON_BAD_CREDENTIALS;
	snprintf(dep->transactions[0].step, MODEL_NAME_SIZE, "submit");
	snapshot_publish(world->slot, snapshot);
	assert_has(get(world, "/operators/wizja/main?lang=en"),
	    "Login: no data since 24 Nov 2026, 08:06 (password refused, step "
	    "“submit”).");
	assert_has(world->answer,
	    "Message: no data since 24 Nov 2026, 08:06 (password refused).");
}

static void
what_is_not_known_of_some_deployments_is_counted(void **state)
{
	struct world *world = *state;
	struct snapshot *snapshot = fixture_snapshot(9, FIXTURE_NOW);
	struct jv *value;
	const char *at;

	snapshot->operators[3].transactions[2].deployments_unknown = 1;
	snapshot->operators[4].transactions[1].state = STATE_UNKNOWN;
	snapshot->operators[4].transactions[1].deployments_unknown = 2;
	snapshot->operators[2].deployments_unknown = 1;
	snapshot_publish(world->slot, snapshot);
	value = json_of(get(world, "/api/v1/status"));
	assert_int_equal(
	    jv_get_int(jv_pointer(value, "/operators/3/transactions/2"),
		"deployments_unknown", 0),
	    1);
	assert_int_equal(jv_get_int(jv_pointer(value, "/operators/2"),
			     "deployments_unknown", 0),
	    1);
	jv_release(value);
	assert_has(
	    get(world, "/operators/helion?lang=en"), ">1 of 2: no data<");
	assert_has_not(get(world, "/operators/eszkola24?lang=en"), "of 2: no");
	assert_has_not(get(world, "/operators/wizja?lang=en"), "of 2: no");
	at = strstr(get(world, "/"), ">1 z 2: brak danych<");
	assert_non_null(at);
	assert_null(strstr(at + 9, "z 2: brak"));
}

static void
an_operator_that_is_slow_as_a_whole_says_so(void **state)
{
	struct world *world = *state;
	struct snapshot *snapshot = fixture_snapshot(9, FIXTURE_NOW);

	snapshot->operators[3].state = STATE_DEGRADED;
	snapshot->operators[3].transactions[0].state = STATE_DEGRADED;
	snapshot->operators[3].transactions[0].since = 0;
	snapshot_publish(world->slot, snapshot);
	assert_has(get(world, "/operators/helion?lang=en"),
	    "Login: degraded (slow, p95 1.2\u00a0s).");
}

/* helion: the message of one of two; eszkola24: grades of both; wizja: one of
 * two is held back; librus: both are. */
static struct snapshot *
with_gaps(void)
{
	struct snapshot *snapshot = fixture_snapshot(9, FIXTURE_NOW);
	struct snap_operator *ops = snapshot->operators;

	ops[3].deployments[1]->transactions[2].state = STATE_UNKNOWN;
	ops[3].transactions[2].deployments_unknown = 1;
	ops[4].transactions[1].state = STATE_UNKNOWN;
	ops[4].transactions[1].deployments_unknown = 2;
	for (size_t i = 0; i < 2; i++)
		ops[4].deployments[i]->transactions[1].state = STATE_UNKNOWN;
	for (size_t i = 0; i < 3; i++) {
		struct snap_deployment *dep =
		    ops[i == 0 ? 2 : 0].deployments[i == 2];

		dep->account_stopped = true;
		dep->account_reason = REASON_BAD_CREDENTIALS;
		dep->state = STATE_UNKNOWN;
		for (size_t k = 0; k < 3; k++)
			dep->transactions[k].state = STATE_UNKNOWN;
	}
	ops[2].deployments_unknown = 1;
	for (size_t k = 0; k < 3; k++) {
		ops[2].transactions[k].deployments_unknown = 1;
		ops[0].transactions[k].deployments_unknown = 2;
		ops[0].transactions[k].state = STATE_UNKNOWN;
	}
	ops[0].state = STATE_UNKNOWN;
	ops[0].deployments_unknown = 2;
	return snapshot;
}

static void
no_sentence_is_greener_than_its_parts(void **state)
{
	struct world *world = *state;

	snapshot_publish(world->slot, with_gaps());
	assert_has(get(world, "/?lang=en"),
	    "<span>Not working: Vulcan. No data in part: Helion (Message 1 of "
	    "2), Eszkola24 (Grades). Logins held back: Librus (main: password "
	    "refused, sp1: password refused), Wizja.net (mobiDziennik) (main: "
	    "password refused).</span></h1>");
	assert_has(world->answer, ">no data: Grades<");
	assert_has(world->answer, ">no data: Message 1 of 2<");
	assert_has(world->answer, ">logins held back: main: password refused<");
	assert_has(get(world, "/status?lang=en"), "(no data: Grades)");
	assert_has(get(world, "/operators/wizja?lang=en"),
	    "<span>Login: working, 1 of 2: no data. Grades: working, 1 of 2: "
	    "no data. Message: working, 1 of 2: no data. Logins held back: "
	    "main: password refused.</span>");
	assert_has(world->answer, "big s-unknown");
	assert_has(get(world, "/operators/eszkola24?lang=en"),
	    "<span>Grades: no data since 24 Nov 2026, 08:06. The other actions "
	    "are fine.</span>");
	assert_has(get(world, "/operators/helion?lang=pl"),
	    "<span>Wiadomość: działa, 1 z 2: brak danych. Pozostałe");
}

static void
the_worst_deployment_comes_first(void **state)
{
	struct world *world = *state;
	struct snapshot *snapshot = fixture_snapshot(9, FIXTURE_NOW);
	const char *at;

	snapshot->operators[2].deployments[1]->transactions[1].state =
	    STATE_UNKNOWN;
	snapshot_publish(world->slot, snapshot);
	at = strstr(get(world, "/operators/wizja"), "/operators/wizja/sp1");
	assert_non_null(at);
	assert_has(at, "/operators/wizja/main");
}

static void
an_open_incident_has_one_text_everywhere(void **state)
{
	static const char *const paths[] = {"/", "/status", "/incidents/9",
	    "/incidents?state=open", "/api/v1/incidents?state=open",
	    "/api/v1/incidents/9", "/api/v1/status"};
	struct world *world = *state;
	struct snapshot *snapshot = fixture_snapshot(9, FIXTURE_NOW);

	snapshot->incidents[0].number = 9;
	snprintf(snapshot->incidents[0].summary_pl, INCIDENT_TEXT_SIZE,
	    "12 z 20 prób");
	snapshot_publish(world->slot, snapshot);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		assert_has(get(world, paths[i]), "12 z 20 prób");
		assert_has_not(world->answer, "1 z 1");
	}
	/* what is over stays as it was told */
	assert_has(get(world, "/incidents/7"), "zakończone");
}

static void
a_deployment_is_part_of_its_operators_incidents(void **state)
{
	struct world *world = *state;
	struct snapshot *snapshot = fixture_snapshot(9, FIXTURE_NOW);

	assert_has(get(world, "/operators/vulcan"), "Zdarzenie 7");
	assert_has(get(world, "/operators/vulcan/sp1"), "Zdarzenie 7");
	assert_has_not(get(world, "/operators/librus/sp1"), "Zdarzenie 7");
	snprintf(
	    snapshot->incidents[0].scope, MODEL_PATH_SIZE, "vulcan/main/login");
	snapshot_publish(world->slot, snapshot);
	assert_has(get(world, "/operators/vulcan"), "Zdarzenie 7");
	assert_has(get(world, "/operators/vulcan/main"), "Zdarzenie 7");
	assert_has_not(get(world, "/operators/vulcan/sp1"), "Zdarzenie 7");
}

static void
a_run_says_what_was_not_tried(void **state)
{
	struct world *world = *state;
	const char *row;

	assert_has(get(world, "/runs/4bf92f3577b34da6a3ce929d0e0e4736?lang=en"),
	    "<a href=\"/operators/vulcan?lang=en\">Vulcan</a>");
	row = strstr(world->answer, ">Grades</th>");
	assert_non_null(row);
	assert_has(row, "class=\"number\">–</td>");
	/* one that was disturbed is neither good nor failed */
	assert_has(
	    get(world, "/operators/vulcan?lang=en"), "</svg>not judged</span>");
}

/* On a narrow screen the head of a table is gone: each cell but those of the
 * chart's table names its column. */
static void
every_cell_of_a_table_knows_its_column(void **state)
{
	static const char *const paths[] = {"/", "/operators/vulcan",
	    "/operators/vulcan/main", "/deliveries", "/incidents/7",
	    "/runs/4bf92f3577b34da6a3ce929d0e0e4736"};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const char *page = get(world, paths[i]);
		const char *table = strstr(page, "<table class=\"cards");

		assert_non_null(table);
		for (; table != NULL;
		     table = strstr(table + 1, "<table class=\"cards")) {
			const char *end = strstr(table, "</table>");
			const char *cell = strstr(table, "<td");

			for (; cell != NULL && cell < end;
			     cell = strstr(cell + 1, "<td")) {
				if (strncmp(cell, "<td data-label=\"", 16) != 0)
					fail_msg("%s: %.60s", paths[i], cell);
			}
		}
	}
}

static void
what_the_machine_wrote_is_said_in_words(void **state)
{
	struct world *world = *state;

	assert_has(get(world, "/incidents/7"),
	    "udanych 41,00%, próg 90,00%, błąd serwera (operator), krok "
	    "„submit”, dotknięte wdrożenia: 2<");
	assert_has(world->answer, ">udanych 100,00%, próg 90,00%<");
	assert_has(world->answer, "men: doręczone, HTTP 204, próba 1<");
	assert_has(world->answer, "value=0.1 they look into it");
	assert_has(world->answer, "3 z 4, poważne");
	assert_has(world->answer, "<dd>Vulcan: Logowanie</dd>");
	/* to the second, as in the timeline, and as long as the summary says */
	assert_has(world->answer, ">24.11.2026, 08:06:05\u00a0CET</time></dd>");
	assert_has(world->answer, "(trwało 8 min 1 s)");
	assert_has(world->answer, "otwarcie zdarzenia, ");
	assert_has_not(world->answer, "threshold=");
	assert_has_not(world->answer, "_all");
	assert_has(get(world, "/incidents/7?lang=en"),
	    "41.00% good, limit 90.00%, server error (operator), step "
	    "“submit”, deployments affected: 2<");
	assert_has(get(world, "/incidents?lang=en"), "3 of 4, serious");
	assert_has_not(world->answer, "_all");
	assert_has(get(world, "/deliveries?lang=en"), "incident opened");
	assert_has_not(world->answer, "incident.opened");
	/* programs read what they know */
	assert_has(get(world, "/api/v1/incidents/7"), "threshold=0.9");
}

/* What people wrote is text, whatever it looks like. */
static void
the_life_of_an_incident_is_told(void **state)
{
	struct world *world = *state;

	assert_has(get(world, "/incidents/11"),
	    "&lt;script&gt;alert(1)&lt;/script&gt; &amp; wracamy");
	assert_has_not(world->answer, "<script>alert");
	assert_has(world->answer, "&lt;b&gt;Jan&lt;/b&gt;");
	assert_has_not(world->answer, "<b>Jan");
	assert_has(world->answer, "dotknięte: gdansk, lublin");
	assert_has(
	    world->answer, "już w porządku: lublin; dotknięte wdrożenia: 1<");
	assert_has(world->answer,
	    "nasza usługa nie działała, bez pomiaru przez 8\u00a0min<");
	assert_has(world->answer, "zegar przestawiono naprzód o 1\u00a0h");
	assert_has(world->answer, "trwa już 30\u00a0min<");
	assert_has(world->answer, "men: w kolejce do wysłania<");
	assert_has(world->answer,
	    "<a href=\"/api/v1/runs/4bf92f3577b34da6a3ce929d0e0e4736/har\">");
	assert_has(world->answer, "dyzurny incidents -c FILE acknowledge 11");
	assert_has(get(world, "/incidents/11?lang=en"),
	    "our service was stopped, nothing measured for 8\u00a0min<");
	assert_has(world->answer, "well again: lublin");
	/* both languages for programs */
	assert_has(get(world, "/api/v1/incidents/11"),
	    "\"text_en\":\"affected: gdansk, lublin");
	assert_has(world->answer, "\"text_pl\":\"dotknięte: gdansk, lublin");
	assert_has(world->answer, "\"cause\":\"stopped\"");
}

static void
incidents_are_asked_for_by_what_is_known(void **state)
{
	struct world *world = *state;

	assert_int_equal(
	    status_of(get(world, "/api/v1/incidents?operator=vulcan")), 200);
	assert_int_equal(
	    status_of(get(world, "/api/v1/incidents?operator=nobody")), 400);
	assert_has(world->answer, "operator");
	assert_has(world->answer, "is not known here");
	assert_int_equal(
	    status_of(get(world, "/api/v1/incidents?operator=A%3Cb")), 400);
	assert_has(world->answer, "must be an operator");
	assert_int_equal(
	    status_of(get(world, "/api/v1/incidents?state=shut")), 400);
	assert_has(world->answer, "must be open or all");
	assert_int_equal(
	    status_of(get(world, "/api/v1/incidents?from=yesterday")), 400);
	assert_int_equal(
	    status_of(get(world, "/api/v1/incidents?limit=0")), 400);
	assert_has(get(world, "/incidents?operator=vulcan"),
	    "aria-current=\"true\">Vulcan</a>");
}

static void
an_old_snapshot_is_never_shown_as_the_present(void **state)
{
	struct world *world = *state;

	snapshot_publish(
	    world->slot, fixture_snapshot(3, FIXTURE_NOW - 20 * US_PER_S));
	assert_has(get(world, "/"), "Dane nieaktualne.");
	assert_has(world->answer, "nieaktualne</span>");
	assert_int_equal(status_of(get(world, "/readyz")), 503);
	snapshot_publish(
	    world->slot, fixture_snapshot(4, FIXTURE_NOW - 120 * US_PER_S));
	assert_has(get(world, "/"), "Pomiary wstrzymane");
	assert_has_not(world->answer, ">działa</span>");
	assert_has(get(world, "/api/v1/status"), "\"state\":\"unknown\"");
	assert_has_not(world->answer, "\"state\":\"up\"");
	assert_int_equal(status_of(get(world, "/healthz")), 200);
}

static void
a_clock_that_was_set_makes_no_page_old(void **state)
{
	struct world *world = *state;
	static const dur_us jumps[] = {INT64_C(3600) * US_PER_S,
	    INT64_C(-3600) * US_PER_S, INT64_C(365) * 86400 * US_PER_S};

	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		world->clock.wall = FIXTURE_NOW + jumps[i];
		assert_int_equal(status_of(get(world, "/readyz")), 200);
		assert_has_not(get(world, "/"), "Dane nieaktualne.");
		assert_has(get(world, "/metrics"),
		    "dyzurny_snapshot_age_seconds{vantage=\"waw-1\"} 0\n");
	}
	world->clock.wall = FIXTURE_NOW;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_WORLD(every_page_is_served_in_both_languages),
	    WITH_WORLD(another_language_shows_the_same_view),
	    WITH_WORLD(a_percentile_of_few_results_is_not_given),
	    WITH_WORLD(only_the_cause_of_a_state_is_given_as_its_reason),
	    WITH_WORLD(a_stopped_account_is_the_reason_of_all_that_it_hides),
	    WITH_WORLD(what_is_not_known_of_some_deployments_is_counted),
	    WITH_WORLD(an_operator_that_is_slow_as_a_whole_says_so),
	    WITH_WORLD(no_sentence_is_greener_than_its_parts),
	    WITH_WORLD(the_worst_deployment_comes_first),
	    WITH_WORLD(an_open_incident_has_one_text_everywhere),
	    WITH_WORLD(a_deployment_is_part_of_its_operators_incidents),
	    WITH_WORLD(a_run_says_what_was_not_tried),
	    WITH_WORLD(every_cell_of_a_table_knows_its_column),
	    WITH_WORLD(what_the_machine_wrote_is_said_in_words),
	    WITH_WORLD(the_life_of_an_incident_is_told),
	    WITH_WORLD(incidents_are_asked_for_by_what_is_known),
	    WITH_WORLD(an_old_snapshot_is_never_shown_as_the_present),
	    WITH_WORLD(a_clock_that_was_set_makes_no_page_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
