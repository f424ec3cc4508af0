/* The round trip of a message: sent once, found, late, lost, there twice; and
 * what is done when the answer to the send is lost. */
#include "tests/unit/probe/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

#define LOGIN \
	"{ name = \"login\"; steps = ( { name = \"in\";" \
	" get = \"https://${host}/in\"; } ); }"

/* `look` and `again` are played when the answer to `send` is lost. */
#define MESSAGE(send, arrive) \
	", { name = \"message\"; timeout = \"100s\"; from = \"send\";" \
	" to = \"arrive\"; steps = (" \
	"{ name = \"recipient\"; use = \"login\"; as = \"recipient\"; }," \
	"{ name = \"send\"; post = \"https://${host}/send\";" \
	" idempotent = false; timeout = \"20s\";" \
	" form = { title = \"${run.mark}\"; };" \
	" expect = ( \"body contains 'wysłana'\" ); " send " }," \
	"{ name = \"look\"; get = \"https://${host}/sent\";" \
	" expect = ( \"body contains 'M'\" ); }," \
	"{ name = \"again\"; get = \"https://${host}/confirm\"; }," \
	"{ name = \"arrive\"; as = \"recipient\";" \
	" get = \"https://${host}/inbox\";" \
	" poll = { until = \"json /list/*/id where /t = 'x'\";" \
	" every = \"100ms\"; at_most = \"20s\"; " arrive " };" \
	" once = \"json /list/* where /t = 'x'\";" \
	" extract = ( \"got = json /list/*/id where /t = 'x'\" ); } ); }"
#define IF_LOST "if_lost = ( \"look\", \"again\" );"

#define CLEANUP \
	", { name = \"cleanup\"; always = true; steps = (" \
	"{ name = \"list\"; as = \"recipient\";" \
	" get = \"https://${host}/list\";" \
	" once = \"xpath //tr[contains(., 'x')]\";" \
	" extract = ( \"late_id = xpath //tr[contains(., 'x')]/@id\" ); }," \
	"{ name = \"delete\"; as = \"recipient\";" \
	" delete = \"https://${host}/msg/${got}\"; }," \
	"{ name = \"delete-late\"; as = \"recipient\";" \
	" delete = \"https://${host}/late/${late_id}\"; } ); }"

#define GOOD_LOGIN \
	{ \
		.match = "GET h/in", .status = 200, .times = 2 \
	}
#define EMPTY_BOX \
	{ \
		.match = "GET h/inbox", .status = 200, .latency_ms = 6000, \
		.body = "{\"list\":[]}" \
	}
#define ROW "{\"id\":9,\"t\":\"x\"}"
#define FULL_BOX(rows, ms) \
	{ \
		.match = "GET h/inbox", .status = 200, .latency_ms = ms, \
		.body = "{\"list\":[" rows "]}" \
	}
#define SENT \
	{ \
		.match = "POST h/send", .status = 200, .latency_ms = 1000, \
		.body = "<p>wysłana" \
	}
#define GONE(why, ms) \
	{ \
		.match = "POST h/send", .reason = REASON_##why, \
		.latency_ms = ms \
	}
#define LOOK(text) \
	{ \
		.match = "GET h/sent", .status = 200, .body = text \
	}
#define CONFIRM \
	{ \
		.match = "GET h/confirm", .status = 200 \
	}

#define PLAY(...) \
	const struct reply replies_[] = {GOOD_LOGIN, __VA_ARGS__}; \
	the.replies = replies_; \
	the.n_replies = ARRAY_LEN(replies_); \
	scene_play(&the); \
	assert_string_equal(the.problems, "")

static struct scene the;

static int
begin(void **state)
{
	(void)state;
	memset(&the, 0, sizeof(the));
	the.transactions = LOGIN MESSAGE(IF_LOST, "") CLEANUP;
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	scene_clear(&the);
	return 0;
}

static size_t
asked(const char *line)
{
	const char *at = the.log;
	size_t n = 0;

	while ((at = strstr(at, line)) != NULL) {
		n++;
		at++;
	}
	return n;
}

/* The note in the evidence of the last exchange of that step. */
static const char *
note_of(const char *step)
{
	struct jv *list = jv_get(the.json, "exchanges");
	const char *note = "";
	size_t i;

	for (i = 0; i < jv_len(list); i++)
		if (strcmp(jv_get_string(jv_at(list, i), "step", ""), step) ==
		    0)
			note = jv_get_string(jv_at(list, i), "note", "");
	return note;
}

static int64_t
copies_in_the_evidence(void)
{
	return jv_get_int(jv_at(jv_get(the.json, "results"), 1), "copies", -1);
}

/* ---- found, late, lost ---- */

static void
a_message_is_measured_from_send_to_found(void **state)
{
	(void)state;
	PLAY(SENT, FULL_BOX(ROW, 500),
	    {.match = "DELETE h/msg/9", .status = 204});
	assert_string_equal(scene_reason(&the, 1), "ok");
	assert_int_equal(the.results[1].latency, 1500 * US_PER_MS);
	assert_int_equal(the.results[1].copies, 1);
	assert_int_equal(asked("POST https://h/send\n"), 1);
	assert_int_equal(asked("DELETE https://h/msg/9\n"), 1);
	/* nothing was lost, so nothing is looked for */
	assert_int_equal(asked("/sent"), 0);
	assert_int_equal(asked("/confirm"), 0);
}

static void
a_message_that_comes_late_is_late_with_its_latency(void **state)
{
	static const struct {
		const char *transactions, *reason;
	} cases[] = {
	    {LOGIN MESSAGE(IF_LOST, "late = \"7s\";") CLEANUP, "message_late"},
	    {LOGIN MESSAGE(IF_LOST, "late = \"8s\";") CLEANUP, "ok"},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		the.transactions = cases[i].transactions;
		/* 1 s for the send, then 6 s and 0.5 s */
		PLAY(SENT,
		    {.match = "GET h/inbox",
			.status = 200,
			.latency_ms = 6000,
			.times = 1,
			.body = "{\"list\":[]}"},
		    FULL_BOX(ROW, 500),
		    {.match = "DELETE h/msg/9", .status = 204});
		assert_string_equal(scene_reason(&the, 1), cases[i].reason);
		assert_int_equal(the.results[1].latency, 7500 * US_PER_MS);
		assert_string_equal(
		    the.results[1].step, i == 0 ? "arrive" : "");
		assert_string_equal(note_of("arrive"),
		    i == 0 ? "step arrive: found after 7.5 s; more than 7.0 s "
			     "is late"
			   : "");
		/* it is there, and deleted like any other */
		assert_int_equal(asked("DELETE https://h/msg/9\n"), 1);
		if (i + 1 < ARRAY_LEN(cases)) {
			clear(state);
			begin(state);
		}
	}
}

static void
a_late_message_does_not_keep_others_from_being_tried(void **state)
{
	(void)state;
	the.transactions = LOGIN MESSAGE(IF_LOST,
	    "late = \"1s\";") ", { name = \"more\"; needs = \"message\";"
			      " steps = ( { name = \"m\";"
			      " get = \"https://${host}/more\"; } ); }";
	PLAY(SENT, FULL_BOX(ROW, 500), {.match = "GET h/more", .status = 200});
	assert_string_equal(scene_reason(&the, 1), "message_late");
	assert_string_equal(scene_reason(&the, 2), "ok");
}

static void
a_message_that_never_comes_is_lost(void **state)
{
	(void)state;
	PLAY(SENT, EMPTY_BOX, {.match = "GET h/list", .status = 200});
	assert_string_equal(scene_reason(&the, 1), "message_lost");
	assert_string_equal(the.results[1].step, "arrive");
	/* 6, 12, 18, 24 s: no further than at_most */
	assert_int_equal(asked("/inbox"), 4);
}

static void
what_comes_after_it_was_given_up_is_deleted_too(void **state)
{
	(void)state;
	PLAY(SENT, EMPTY_BOX,
	    {.match = "GET h/list",
		.status = 200,
		.body = "<table><tr id=77><td>x</table>"},
	    {.match = "DELETE h/late/77", .status = 204});
	assert_string_equal(scene_reason(&the, 1), "message_lost");
	assert_int_equal(asked("DELETE https://h/msg/"), 0);
	assert_int_equal(asked("DELETE https://h/late/77\n"), 1);
}

static void
an_outage_while_polling_is_not_a_lost_message(void **state)
{
	(void)state;
	PLAY(SENT, {.match = "GET h/inbox", .status = 502, .body = "<p>x"});
	assert_string_equal(scene_reason(&the, 1), "http_5xx");
}

/* ---- there more than once ---- */

static void
a_duplicate_is_noticed_and_is_no_reason(void **state)
{
	(void)state;
	PLAY(SENT, FULL_BOX(ROW "," ROW ",{\"id\":1,\"t\":\"y\"}", 500));
	assert_string_equal(scene_reason(&the, 1), "ok");
	assert_int_equal(the.results[1].copies, 2);
	assert_int_equal(copies_in_the_evidence(), 2);
	assert_string_equal(
	    note_of("arrive"), "step arrive: there 2 times, sent once");
}

static void
a_duplicate_that_comes_late_is_noticed_by_the_clean_up(void **state)
{
	(void)state;
	PLAY(SENT, FULL_BOX(ROW, 500),
	    {.match = "GET h/list",
		.status = 200,
		.body = "<tr id=1><td>x<tr id=2><td>x<tr id=3><td>x"});
	assert_string_equal(scene_reason(&the, 1), "ok");
	assert_int_equal(the.results[1].copies, 1);
	assert_int_equal(copies_in_the_evidence(), 3);
	assert_string_equal(
	    note_of("list"), "step list: there 3 times, sent once");
}

/* ---- the answer to the send is lost ---- */

static void
a_lost_answer_is_looked_for_and_the_message_not_sent_again(void **state)
{
	(void)state;
	PLAY(GONE(CONNECTION_RESET, 2000), LOOK("M"), CONFIRM,
	    FULL_BOX(ROW, 500), {.match = "DELETE h/msg/9", .status = 204});
	assert_string_equal(scene_reason(&the, 1), "ok");
	assert_int_equal(asked("POST https://h/send\n"), 1);
	assert_int_equal(asked("GET https://h/sent\n"), 1);
	assert_int_equal(asked("GET https://h/confirm\n"), 1);
	/* from the send to the find, with the looking */
	assert_int_equal(the.results[1].latency, 2520 * US_PER_MS);
	assert_non_null(strstr(note_of("send"), "not sent again"));
	assert_string_equal(
	    note_of("look"), "it is there: sent, and not again");
}

static void
what_is_not_in_the_sent_box_ends_as_the_send_did(void **state)
{
	static const struct {
		struct reply look;
		const char *note;
	} cases[] = {
	    {LOOK("<p>pusto"), "step look: sought body contains 'M'"},
	    {{.match = "GET h/sent", .status = 503}, "found status 503"},
	    {{.match = "GET h/sent", .reason = REASON_CONNECT_REFUSED}, ""},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		PLAY(GONE(CONNECTION_RESET, 2000), cases[i].look);
		assert_string_equal(scene_reason(&the, 1), "connection_reset");
		assert_string_equal(the.results[1].step, "send");
		assert_int_equal(the.results[1].phase, PHASE_WAIT);
		assert_int_equal(the.results[1].http_status, 0);
		assert_int_equal(the.results[1].latency, 2000 * US_PER_MS);
		assert_int_equal(asked("POST https://h/send\n"), 1);
		assert_int_equal(asked("/inbox"), 0);
		assert_int_equal(asked("/confirm"), 0);
		assert_non_null(strstr(note_of("look"), cases[i].note));
		if (i + 1 < ARRAY_LEN(cases)) {
			clear(state);
			begin(state);
		}
	}
}

static void
a_late_loop_taints_up_to_the_lost_answer_only(void **state)
{
	(void)state;
	the.late_after = 3; /* the answer to the send; then the loop is late */
	PLAY(GONE(CONNECTION_RESET, 2000), LOOK("<p>pusto"));
	assert_string_equal(scene_reason(&the, 1), "connection_reset");
}

static void
silence_is_cut_by_the_timeout_of_the_step(void **state)
{
	(void)state;
	PLAY({.match = "POST h/send", .status = 200, .latency_ms = 90000},
	    LOOK("M"), CONFIRM, FULL_BOX(ROW, 500));
	/* 20 s for the send, and time left for all the rest */
	assert_string_equal(scene_reason(&the, 1), "ok");
	assert_int_equal(the.results[1].latency, 20520 * US_PER_MS);
	assert_int_equal(asked("POST https://h/send\n"), 1);
}

static void
what_was_never_sent_is_not_looked_for(void **state)
{
	(void)state;
	PLAY(GONE(CONNECT_REFUSED, 10), LOOK("M"));
	assert_string_equal(scene_reason(&the, 1), "connect_refused");
	assert_string_equal(the.results[1].step, "send");
	assert_int_equal(asked("/sent"), 0);
}

static void
an_answer_is_no_lost_answer(void **state)
{
	(void)state;
	PLAY(
	    {.match = "POST h/send", .status = 500, .body = "<p>x"}, LOOK("M"));
	assert_string_equal(scene_reason(&the, 1), "http_5xx");
	assert_int_equal(asked("/sent"), 0);
}

static void
a_lost_page_after_the_redirect_is_a_lost_answer(void **state)
{
	(void)state;
	PLAY({.match = "POST h/send", .status = 302, .location = "/done"},
	    {.match = "GET h/done", .reason = REASON_CONNECT_REFUSED},
	    LOOK("M"), CONFIRM, FULL_BOX(ROW, 500));
	assert_string_equal(scene_reason(&the, 1), "ok");
	assert_int_equal(asked("POST https://h/send\n"), 1);
	assert_int_equal(asked("GET https://h/sent\n"), 1);
}

static void
a_message_that_was_sent_may_still_be_lost(void **state)
{
	(void)state;
	PLAY(GONE(NO_ANSWER, 2000), LOOK("M"), CONFIRM, EMPTY_BOX);
	assert_string_equal(scene_reason(&the, 1), "message_lost");
	assert_string_equal(the.results[1].step, "arrive");
}

static void
without_if_lost_a_lost_answer_ends_it(void **state)
{
	(void)state;
	the.transactions = LOGIN MESSAGE("", "");
	PLAY(GONE(CONNECTION_RESET, 2000), LOOK("M"));
	assert_string_equal(scene_reason(&the, 1), "connection_reset");
	assert_int_equal(asked("POST https://h/send\n"), 1);
	assert_int_equal(asked("/sent"), 0);
}

static void
a_stop_while_looking_gives_no_verdict(void **state)
{
	(void)state;
	the.stop_at = 4;
	PLAY(GONE(CONNECTION_RESET, 2000), LOOK("M"), CONFIRM,
	    FULL_BOX(ROW, 500), {.match = "GET h/list", .status = 200});
	assert_true(the.ended);
	assert_int_equal(the.n_results, 1);
	assert_int_equal(asked("/inbox"), 0);
	assert_int_equal(asked("/list"), 1);
}

/* One by one, and again as long as all of a round holds. */
#define CLEAR \
	", { name = \"clear\"; always = true; repeat = 4; steps = (" \
	"{ name = \"list\"; get = \"https://${host}/list\";" \
	" expect = ( \"body contains 'box'\" );" \
	" extract = ( \"row ?= xpath //tr[contains(., 'dyz')]/@id\" ); }," \
	"{ name = \"delete\"; delete = \"https://${host}/msg/${row}\"; } ); " \
	"}," \
	"{ name = \"out\"; always = true; steps = (" \
	"{ name = \"bye\"; get = \"https://${host}/bye\"; } ); }"
#define ROWS(id, so_often) \
	{ \
		.match = "GET h/list", .status = 200, .times = so_often, \
		.body = "<p>box<table><tr id=" #id "><td>dyz" \
	}
#define NO_ROWS \
	{ \
		.match = "GET h/list", .status = 200, .body = "<p>box" \
	}
#define DELETED(so_often) \
	{ \
		.match = "DELETE h/msg", .status = 200, .times = so_often \
	}
#define BYE \
	{ \
		.match = "GET h/bye", .status = 200 \
	}

static void
what_is_left_is_deleted_one_by_one(void **state)
{
	(void)state;
	the.transactions = LOGIN CLEAR;
	PLAY(ROWS(7, 1), ROWS(8, 1), NO_ROWS, DELETED(0), BYE);
	assert_int_equal(asked("GET https://h/list\n"), 3);
	assert_int_equal(asked("DELETE https://h/msg/7\n"), 1);
	assert_int_equal(asked("DELETE https://h/msg/8\n"), 1);
	assert_int_equal(asked("GET https://h/bye\n"), 1);
	assert_string_equal(scene_note(&the), "");
}

static void
nothing_left_is_nothing_to_delete(void **state)
{
	(void)state;
	the.transactions = LOGIN CLEAR;
	PLAY(NO_ROWS, DELETED(0), BYE);
	assert_int_equal(asked("GET https://h/list\n"), 1);
	assert_int_equal(asked("DELETE "), 0);
	assert_int_equal(asked("GET https://h/bye\n"), 1);
}

static void
clearing_away_ends_with_its_rounds_or_what_is_refused(void **state)
{
	(void)state;
	the.transactions = LOGIN CLEAR;
	{
		PLAY(ROWS(7, 0), DELETED(0), BYE);
		assert_int_equal(asked("DELETE https://h/msg/7\n"), 4);
		assert_int_equal(asked("GET https://h/bye\n"), 1);
	}
	scene_clear(&the);
	memset(&the, 0, sizeof(the));
	the.transactions = LOGIN CLEAR;
	{
		PLAY(ROWS(7, 0), DELETED(1),
		    {.match = "DELETE h/msg", .status = 403}, BYE);
		assert_int_equal(asked("DELETE https://h/msg/7\n"), 2);
		assert_int_equal(asked("GET https://h/bye\n"), 1);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, clear)
	const struct CMUnitTest tests[] = {
	    T(a_message_is_measured_from_send_to_found),
	    T(a_message_that_comes_late_is_late_with_its_latency),
	    T(a_late_message_does_not_keep_others_from_being_tried),
	    T(a_message_that_never_comes_is_lost),
	    T(what_comes_after_it_was_given_up_is_deleted_too),
	    T(an_outage_while_polling_is_not_a_lost_message),
	    T(a_duplicate_is_noticed_and_is_no_reason),
	    T(a_duplicate_that_comes_late_is_noticed_by_the_clean_up),
	    T(a_lost_answer_is_looked_for_and_the_message_not_sent_again),
	    T(what_is_not_in_the_sent_box_ends_as_the_send_did),
	    T(a_late_loop_taints_up_to_the_lost_answer_only),
	    T(silence_is_cut_by_the_timeout_of_the_step),
	    T(what_was_never_sent_is_not_looked_for),
	    T(an_answer_is_no_lost_answer),
	    T(a_lost_page_after_the_redirect_is_a_lost_answer),
	    T(a_message_that_was_sent_may_still_be_lost),
	    T(without_if_lost_a_lost_answer_ends_it),
	    T(a_stop_while_looking_gives_no_verdict),
	    T(what_is_left_is_deleted_one_by_one),
	    T(nothing_left_is_nothing_to_delete),
	    T(clearing_away_ends_with_its_rounds_or_what_is_refused),
	};

	probe_init_libraries();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
