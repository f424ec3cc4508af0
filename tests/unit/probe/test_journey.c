/* Whole journeys through the public interface, against a scripted operator. */
#include "tests/unit/probe/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/mem.h"

#define LOGIN \
	"{ name = \"login\"; timeout = \"10s\"; steps = (" \
	"{ name = \"form\"; get = \"https://${host}/log in\";" \
	" extract = ( \"f = form haslo\" ); }," \
	"{ name = \"submit\"; post = \"${f.action}\";" \
	" form = ( \"*f\", \"login=${account.user}\"," \
	" \"haslo=${account.password}\" );" \
	" expect = ( \"xpath //*[@id='wyloguj']\" ); } ); }"

#define GRADES \
	", { name = \"grades\"; steps = ( { name = \"page\";" \
	" get = \"https://${host}/oceny\";" \
	" expect = ( \"status 200\", \"body contains 'Oceny'\" ); } ); }"

#define MESSAGE \
	", { name = \"message\"; timeout = \"100s\"; from = \"send\";" \
	" to = \"arrive\"; steps = (" \
	"{ name = \"recipient\"; use = \"login\"; as = \"recipient\"; }," \
	"{ name = \"send\"; post = \"https://${host}/send\";" \
	" idempotent = false;" \
	" form = { to = \"${recipient.id}\"; title = \"${run.mark}\"; };" \
	" expect = ( \"body contains 'wysłana'\" ); }," \
	"{ name = \"arrive\"; as = \"recipient\";" \
	" get = \"https://${host}/inbox\";" \
	" poll = { until = \"json /list/*/id where /t = 'x'\";" \
	" every = \"100ms\"; at_most = \"20s\"; };" \
	" extract = ( \"got = json /list/*/id where /t = 'x'\" ); } ); }"

#define CLEANUP \
	", { name = \"cleanup\"; always = true; steps = (" \
	"{ name = \"delete\"; as = \"recipient\";" \
	" delete = \"https://${host}/msg/${got}\"; }," \
	"{ name = \"bye\"; get = \"https://${host}/bye\"; }," \
	"{ name = \"bye-r\"; as = \"recipient\";" \
	" get = \"https://${host}/bye\"; } ); }"

#define FORM_PAGE \
	"<html><title>Logowanie</title><form action='/do?x=1' method=post>" \
	"<input type=hidden name=csrf value='a&amp;b'>" \
	"<input name=login><input type=password name=haslo></form>"

#define GOOD_LOGIN \
	{.match = "GET h/log%20in", .status = 200, .body = FORM_PAGE}, \
	    {.match = "POST h/do", \
		.status = 303, \
		.location = "/start", \
		.cookie = "sid=1", \
		.latency_ms = 100}, \
	{ \
		.match = "GET h/start", .status = 200, \
		.body = "<a id='wyloguj'>x</a>" \
	}

#define PLAY(scene_, ...) \
	const struct reply replies_[] = {__VA_ARGS__}; \
	(scene_).replies = replies_; \
	(scene_).n_replies = ARRAY_LEN(replies_); \
	scene_play(&(scene_)); \
	assert_string_equal((scene_).problems, "")

static struct scene the;

static int
begin(void **state)
{
	(void)state;
	memset(&the, 0, sizeof(the));
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	scene_clear(&the);
	return 0;
}

static void
a_whole_journey_is_measured_and_cleaned_up(void **state)
{
	(void)state;
	the.transactions = LOGIN GRADES MESSAGE CLEANUP;
	PLAY(the, GOOD_LOGIN,
	    {.match = "GET h/oceny", .status = 200, .body = "<p>Oceny"},
	    {.match = "POST h/send",
		.status = 200,
		.latency_ms = 1000,
		.body = "<p>Wiadomość wysłana"},
	    {.match = "GET h/inbox",
		.status = 200,
		.latency_ms = 2000,
		.body = "{\"list\":[]}",
		.times = 2},
	    {.match = "GET h/inbox",
		.status = 200,
		.latency_ms = 500,
		.body = "{\"list\":[{\"id\":9,\"t\":\"x\"}]}"},
	    {.match = "DELETE h/msg/9", .status = 204},
	    {.match = "GET h/bye", .status = 200, .body = "<p>bye"});
	assert_true(the.ended);
	assert_int_equal(the.n_results, 3);
	assert_string_equal(scene_reason(&the, 0), "ok");
	assert_string_equal(scene_reason(&the, 1), "ok");
	assert_string_equal(scene_reason(&the, 2), "ok");
	assert_int_equal(the.results[0].latency, 120 * US_PER_MS);
	assert_int_equal(the.results[0].exchanges, 3);
	/* only the span, but with all that was waited for in it */
	assert_int_equal(the.results[2].latency, 5500 * US_PER_MS);
	assert_int_equal(
	    phase_times_total(&the.results[2].phases), 5500 * US_PER_MS);
	assert_string_equal(the.results[2].target->path, "op/d/message");
	assert_int_equal(the.n_sessions, 2);
	assert_int_equal(the.n_requests, 3 + 1 + 3 + 1 + 3 + 3);
	assert_non_null(
	    strstr(the.log, "[csrf=a%26b&login=ala&haslo=kot%20i%20pies%26]"));
	assert_non_null(strstr(the.log, "[csrf=a%26b&login=ola&haslo=tajne]"));
	assert_non_null(strstr(the.log, "[to=77&title=dyzurny-"));
	assert_non_null(strstr(the.log, "DELETE https://h/msg/9\n"));
}

static void
requests_look_like_a_browsers_and_carry_the_trace(void **state)
{
	char wanted[128];

	(void)state;
	the.transactions = LOGIN;
	PLAY(the, GOOD_LOGIN);
	assert_non_null(strstr(the.log,
	    "POST https://h/do?x=1\n"
	    "Content-Type: application/x-www-form-urlencoded\n"
	    "Referer: https://h/log%20in\n"
	    "Origin: https://h\n"));
	snprintf(wanted, sizeof(wanted), "traceparent: 00-%s-",
	    the.results[0].run_id);
	assert_non_null(strstr(the.log, wanted));
	assert_int_equal(strlen(the.results[0].run_id), 32);
	/* the redirect is a GET without a body */
	assert_non_null(strstr(the.log, "GET https://h/start\nReferer: "));
}

static void
a_failed_login_leaves_the_rest_untried(void **state)
{
	(void)state;
	the.transactions = LOGIN GRADES MESSAGE CLEANUP;
	the.more = "markers = ( { body = \"Zły login\"; "
		   "reason = \"bad_credentials\"; } );";
	PLAY(the, {.match = "GET h/log", .status = 200, .body = FORM_PAGE},
	    {.match = "POST h/do", .status = 200, .body = "<p>Zły login"},
	    {.match = "GET h/bye", .status = 200});
	assert_int_equal(the.n_results, 3);
	assert_string_equal(scene_reason(&the, 0), "bad_credentials");
	assert_string_equal(the.results[0].step, "submit");
	assert_string_equal(scene_reason(&the, 1), "prerequisite_failed");
	assert_string_equal(scene_reason(&the, 2), "prerequisite_failed");
	/* one goodbye, and none for whom no session was begun */
	assert_int_equal(the.n_requests, 3);
}

static void
clean_up_after_a_failure_leaves_out_what_has_no_value(void **state)
{
	(void)state;
	the.transactions = LOGIN MESSAGE CLEANUP;
	PLAY(the, GOOD_LOGIN,
	    {.match = "POST h/send", .status = 500, .body = "<p>oops"},
	    {.match = "GET h/bye", .status = 503});
	assert_string_equal(scene_reason(&the, 1), "http_5xx");
	assert_string_equal(the.results[1].step, "send");
	assert_int_equal(the.results[1].http_status, 500);
	assert_null(strstr(the.log, "DELETE"));
	assert_int_equal(the.n_results, 2);
	assert_int_equal(the.n_requests, 3 + 3 + 1 + 2);
}

static void
time_that_runs_out_is_cut_by_the_transaction(void **state)
{
	(void)state;
	the.transactions = LOGIN;
	PLAY(the,
	    {.match = "GET h/log",
		.status = 200,
		.body = FORM_PAGE,
		.latency_ms = 9000},
	    {.match = "POST h/do", .status = 200, .latency_ms = 9000});
	assert_string_equal(scene_reason(&the, 0), "no_answer");
	assert_int_equal(the.results[0].latency, 10 * US_PER_S);
	assert_string_equal(the.results[0].step, "submit");
}

static void
network_failures_keep_their_reason_and_nothing_is_sent_twice(void **state)
{
	(void)state;
	the.transactions = LOGIN;
	PLAY(the, {.match = "GET h/log", .reason = REASON_CONNECT_REFUSED});
	assert_string_equal(scene_reason(&the, 0), "connect_refused");
	assert_int_equal(the.n_requests, 1);
}

static void
a_spent_budget_ends_the_transaction(void **state)
{
	(void)state;
	the.transactions = LOGIN GRADES;
	the.may_send = 3;
	PLAY(the, GOOD_LOGIN);
	assert_string_equal(scene_reason(&the, 0), "ok");
	assert_string_equal(scene_reason(&the, 1), "budget_spent");
	assert_int_equal(the.n_requests, 3);
}

static void
each_request_asks_for_leave_hops_polls_and_clean_up_too(void **state)
{
	(void)state;
	the.transactions = LOGIN MESSAGE CLEANUP;
	PLAY(the, GOOD_LOGIN,
	    {.match = "POST h/send", .status = 200, .body = "wysłana"},
	    {.match = "GET h/inbox",
		.status = 200,
		.body = "{\"list\":[]}",
		.times = 3},
	    {.match = "GET h/inbox",
		.status = 200,
		.body = "{\"list\":[{\"id\":\"7\",\"t\":\"x\"}]}"},
	    {.match = "DELETE h/msg/7", .status = 200},
	    {.match = "GET h/bye", .status = 200});
	assert_string_equal(scene_reason(&the, 1), "ok");
	/* two logins of three, the send, four polls, three of clean-up */
	assert_int_equal(the.n_requests, 14);
	assert_int_equal(the.n_allowed, 14);
}

static void
a_wish_to_wait_is_told_at_once_from_clean_up_too(void **state)
{
	(void)state;
	the.transactions = LOGIN GRADES
	    ", { name = \"cleanup\"; always = true; steps = ("
	    "{ name = \"bye\"; get = \"https://${host}/bye\"; } ); }";
	PLAY(the, GOOD_LOGIN,
	    {.match = "GET h/oceny",
		.status = 503,
		.retry_after = 60 * US_PER_S},
	    {.match = "GET h/bye",
		.status = 429,
		.retry_after = 60 * US_PER_S});
	assert_string_equal(scene_reason(&the, 1), "http_5xx");
	assert_int_equal(the.n_waits, 2);
	assert_int_equal(the.waits_at, 5);
}

static void
what_a_good_page_says_of_waiting_is_not_a_wish(void **state)
{
	(void)state;
	the.transactions = LOGIN GRADES;
	PLAY(the, GOOD_LOGIN,
	    {.match = "GET h/oceny",
		.status = 200,
		.body = "Oceny",
		.retry_after = 60 * US_PER_S});
	assert_string_equal(scene_reason(&the, 1), "ok");
	assert_int_equal(the.n_waits, 0);
}

static void
the_judge_has_the_last_word_in_result_and_evidence(void **state)
{
	struct jv *result;

	(void)state;
	the.transactions = LOGIN GRADES;
	the.outage = true;
	PLAY(the, GOOD_LOGIN,
	    {.match = "GET h/oceny", .reason = REASON_CONNECT_TIMEOUT});
	assert_string_equal(scene_reason(&the, 0), "ok");
	assert_string_equal(scene_reason(&the, 1), "uplink_down");
	result = jv_at(jv_get(the.json, "results"), 1);
	assert_string_equal(jv_get_string(result, "reason", ""), "uplink_down");
	assert_string_equal(jv_get_string(result, "side", ""), "ours");
}

static void
a_late_loop_taints_but_not_a_refused_password(void **state)
{
	(void)state;
	the.transactions = LOGIN GRADES;
	the.late = 7 * US_PER_MS; /* over 5 ms, and over 5 % of 10 ms */
	the.more = "markers = ( { body = \"Koniec konta\"; "
		   "reason = \"bad_credentials\"; } );";
	PLAY(the, GOOD_LOGIN,
	    {.match = "GET h/oceny",
		.status = 200,
		.body = "Koniec konta <input type=password>"});
	/* 5 % of 120 ms are 6 ms */
	assert_string_equal(scene_reason(&the, 0), "tainted");
	assert_string_equal(scene_reason(&the, 1), "bad_credentials");
	assert_true(jv_bool_value(jv_get(the.json, "tainted")));
}

static void
small_stalls_of_several_answers_add_up(void **state)
{
	(void)state;
	the.transactions = LOGIN;
	the.late = 3 * US_PER_MS; /* of each of three answers: 9 of 120 ms */
	PLAY(the, GOOD_LOGIN);
	assert_string_equal(scene_reason(&the, 0), "tainted");
}

static void
lateness_below_five_percent_does_not_taint(void **state)
{
	(void)state;
	the.transactions = LOGIN;
	the.late = 2 * US_PER_MS;
	PLAY(the, GOOD_LOGIN);
	assert_string_equal(scene_reason(&the, 0), "ok");
}

static void
a_stopped_run_cleans_up_and_gives_no_verdict(void **state)
{
	(void)state;
	the.transactions = LOGIN GRADES CLEANUP;
	the.transactions =
	    LOGIN GRADES ", { name = \"c\"; always = true; steps = ( "
			 "{ name = \"bye\"; get = \"https://${host}/bye\"; } "
			 "); }";
	the.stop_at = 2;
	PLAY(the, GOOD_LOGIN, {.match = "GET h/bye", .status = 200});
	assert_true(the.ended);
	/* the login was under way and came to its end */
	assert_int_equal(the.n_results, 1);
	assert_null(strstr(the.log, "oceny"));
	assert_non_null(strstr(the.log, "/bye"));
}

static void
a_stopped_run_gives_up_the_request_that_hangs_without_a_verdict(void **state)
{
	const struct jv *cut;

	(void)state;
	the.transactions =
	    LOGIN ", { name = \"c\"; always = true; steps = ( "
		  "{ name = \"bye\"; get = \"https://${host}/bye\"; } ); }";
	the.stop_at = 2;
	PLAY(the, {.match = "POST h/do", .never = true}, GOOD_LOGIN,
	    {.match = "GET h/bye", .status = 200});
	assert_true(the.ended);
	assert_int_equal(the.n_results, 0);
	assert_non_null(strstr(the.log, "/bye"));
	cut = jv_at(jv_get(the.json, "exchanges"), 1);
	assert_string_equal(jv_get_string(cut, "reason", ""), "ok");
	assert_string_equal(jv_get_string(cut, "note", ""),
	    "not waited for any longer: the run is to stop");
}

#define BYE(name) "{ name = \"" name "\"; get = \"https://${host}/bye\"; },"

static void
the_clean_up_of_a_stopped_run_is_bounded(void **state)
{
	(void)state;
	the.transactions = LOGIN
	    ", { name = \"c\"; always = true; steps = ( " BYE("a") BYE("b")
		BYE("c") BYE("d") BYE("e") "{ name = \"f\"; "
					   "get = \"https://${host}/bye\""
					   "; } ); }";
	the.stop_at = 2;
	PLAY(the, GOOD_LOGIN,
	    {.match = "GET h/bye", .status = 200, .latency_ms = 9000});
	assert_true(the.ended);
	assert_int_equal(the.n_results, 1);
	/* 2 s each, the fourth what is left of 7 s, then none. */
	assert_int_equal(the.n_requests, 3 + 4);
	assert_true(jv_real_value(jv_get(the.json, "latency_ms")) <= 7200);
}

static void
a_run_aborted_while_a_worker_judges_leaves_no_session(void **state)
{
	struct buf page;

	(void)state;
	buf_init(&page, 1 << 20);
	for (int i = 0; i < 8000; i++)
		buf_printf(&page, "<p>%d", i);
	the.transactions = LOGIN;
	the.abort_after = 1;
	PLAY(
	    the, {.match = "GET h/log%20in", .status = 200, .body = page.data});
	assert_false(the.ended);
	assert_int_equal(the.n_results, 0);
	assert_int_equal(the.n_sessions, 1);
	buf_fini(&page);
}

static void
an_aborted_run_says_nothing_more(void **state)
{
	(void)state;
	the.transactions = LOGIN GRADES;
	the.abort_at = 2;
	PLAY(the, GOOD_LOGIN);
	assert_false(the.ended);
	assert_int_equal(the.n_results, 0);
}

static void
a_run_may_be_aborted_from_its_own_result(void **state)
{
	(void)state;
	the.transactions = LOGIN GRADES;
	the.abort_in_finish = true;
	PLAY(the, GOOD_LOGIN);
	assert_false(the.ended);
	assert_int_equal(the.n_results, 1);
}

/* ---- redirects ---- */

#define ONE(step) \
	"{ name = \"login\"; steps = ( { name = \"s\"; " step " } ); }"
#define GO ONE("get = \"https://${host}/go\";")

static void
redirects_go_to_listed_hosts_only(void **state)
{
	static const struct {
		const char *to, *reason, *asked, *note;
	} cases[] = {
	    {"https://a.op.pl/x", "ok", "GET https://a.op.pl/x", ""},
	    {"http://a.op.pl/x", "ok", "GET https://a.op.pl/x", ""},
	    {"http://a.op.pl:80/x", "ok", "GET https://a.op.pl/x", ""},
	    {"http://a.op.pl:8080/x", "unknown_page", NULL, "https to http"},
	    {"https://op.pl/x", "unknown_page", NULL, "does not list: op.pl"},
	    {"https://evil.pl/x", "unknown_page", NULL, "not list: evil.pl"},
	    {"https://h@evil.pl/x", "unknown_page", NULL, "not list: evil.pl"},
	    {"https://evilop.pl/x", "unknown_page", NULL, "evilop.pl"},
	    {"app://librus?code=1", "unknown_page", NULL, "no http(s)"},
	    {"file:///etc/passwd", "unknown_page", NULL, "http"},
	    {"/x", "ok", "GET https://h/x", ""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const struct reply replies[] = {
		    {.match = "GET h/go",
			.status = 302,
			.location = cases[i].to},
		    {.match = "GET /x", .status = 200, .body = "<p>x"},
		};

		memset(&the, 0, sizeof(the));
		the.transactions = GO;
		the.replies = replies;
		the.n_replies = 2;
		scene_play(&the);
		assert_string_equal(the.problems, "");
		assert_string_equal(scene_reason(&the, 0), cases[i].reason);
		assert_non_null(strstr(scene_note(&the), cases[i].note));
		if (cases[i].asked != NULL)
			assert_non_null(strstr(the.log, cases[i].asked));
		else
			assert_int_equal(the.n_requests, 1);
		if (i + 1 < ARRAY_LEN(cases))
			scene_clear(&the);
	}
}

static void
endless_redirects_are_a_loop(void **state)
{
	(void)state;
	the.transactions = GO;
	PLAY(the, {.match = "GET h/go", .status = 302, .location = "/go"});
	assert_string_equal(scene_reason(&the, 0), "redirect_loop");
	assert_int_equal(the.n_requests, 11);
}

static void
a_send_is_not_repeated_by_a_307(void **state)
{
	(void)state;
	the.transactions = ONE("post = \"https://${host}/go\"; body = \"x\"; "
			       "idempotent = false;");
	PLAY(the, {.match = "POST h/go", .status = 307, .location = "/x"});
	assert_string_equal(scene_reason(&the, 0), "unknown_page");
	assert_int_equal(the.n_requests, 1);
}

static void
an_idempotent_post_is_repeated_by_a_308(void **state)
{
	(void)state;
	the.transactions =
	    ONE("post = \"https://${host}/go\"; body = \"x${run.uuid}\";");
	PLAY(the,
	    {.match = "POST h/go",
		.status = 308,
		.location = "https://b.op.pl/x"},
	    {.match = "POST b.op.pl/x", .status = 200});
	assert_string_equal(scene_reason(&the, 0), "ok");
	assert_non_null(strstr(the.log,
	    "POST https://b.op.pl/x\n"
	    "Content-Type: text/plain"));
	assert_non_null(strstr(the.log, "Origin: null\n"));
}

static void
a_form_that_leads_elsewhere_gets_no_password(void **state)
{
	(void)state;
	the.transactions = LOGIN;
	PLAY(the,
	    {.match = "GET h/log",
		.status = 200,
		.body = "<form action='https://evil.pl/'>"
			"<input name=haslo></form>"});
	assert_string_equal(scene_reason(&the, 0), "unknown_page");
	assert_int_equal(the.n_requests, 1);
	assert_non_null(strstr(scene_note(&the), "evil.pl"));
}

static void
a_form_of_http_gets_a_password_over_https_only(void **state)
{
	(void)state;
	the.transactions = LOGIN;
	PLAY(the,
	    {.match = "GET h/log",
		.status = 200,
		.body = "<form action='http://h/do'><input name=haslo></form>"},
	    {.match = "POST h/do", .status = 200});
	assert_int_equal(the.n_requests, 2);
	assert_non_null(strstr(the.log, "POST https://h/do"));
}

static void
a_form_of_http_with_a_port_gets_no_password(void **state)
{
	(void)state;
	the.transactions = LOGIN;
	PLAY(the,
	    {.match = "GET h/log",
		.status = 200,
		.body = "<form action='http://h:81/do'>"
			"<input name=haslo></form>"});
	assert_string_equal(scene_reason(&the, 0), "unknown_page");
	assert_int_equal(the.n_requests, 1);
	assert_non_null(strstr(scene_note(&the), "not an https address"));
}

/* ---- judgement ---- */

static void
the_last_answer_is_judged_in_the_stated_order(void **state)
{
	static const struct {
		const char *keys; /* of the step */
		int status;
		const char *body, *reason;
	} cases[] = {
	    {"", 200, "<p>x", "ok"},
	    {"", 204, "", "ok"},
	    {"", 304, "", "unknown_page"},
	    {"", 404, "<p>x", "http_4xx"},
	    {"", 429, "<p>x", "http_4xx"},
	    {"", 403, "<p class='g-recaptcha'>", "captcha"},
	    {"", 503, "<p class='g-recaptcha'>", "http_5xx"},
	    {"", 503, "<h1>Przerwa techniczna", "maintenance_page"},
	    {"expect = ( \"status 404\" );", 404, "<p>x", "ok"},
	    {"expect = ( \"status in 400..503\" );", 503, "<p>x", "ok"},
	    {"expect = ( \"status 200\" );", 201, "<p>x", "unknown_page"},
	    {"expect = ( \"body contains 'Z'\" );", 200, "<p>x",
		"unknown_page"},
	    {"expect = ( \"body contains 'Z'\" );", 200,
		"<p>x Przerwa techniczna", "maintenance_page"},
	    {"expect = ( \"body contains 'x'\" );", 200,
		"<p>x Przerwa techniczna", "ok"},
	    /* the profile's markers come first, in order: of mere words those
	     * for a page on which not all is found that is sought, */
	    {"expect = ( \"body contains 'x'\" );", 200, "<p>x MARK-1", "ok"},
	    {"expect = ( \"body contains 'y'\" );", 200, "<p>x MARK-1",
		"overload_page"},
	    {"expect = ( \"body contains 'x'\", \"url contains '/stop'\" );",
		200, "<p>x MARK-1", "overload_page"},
	    {"extract = ( \"n = between '<i>' '</i>'\" );", 200, "<p>MARK-1",
		"overload_page"},
	    {"extract = ( \"n = between '<i>' '</i>'\" );", 200,
		"<i>MARK-1</i>", "ok"},
	    /* or of which nothing was sought, */
	    {"", 200, "<p>x MARK-1", "overload_page"},
	    {"expect = ( \"status 200\", \"body lacks 'y'\" );", 200,
		"<p>x MARK-1", "overload_page"},
	    {"extract = ( \"n = url\", \"m ?= between '<i>' '</i>'\" );", 200,
		"<p>x MARK-1", "overload_page"},
	    /* those that have a place, for every page */
	    {"expect = ( \"body contains 'x'\" );", 200, "<b class=stop>x",
		"account_expired"},
	    {"", 503, "<p>MARK-2 MARK-1", "overload_page"},
	    {"", 503, "<p>MARK-2", "account_locked"},
	    {"", 200, "<p>FINE MARK-2", "ok"},
	    {"", 418, "<p>", "interstitial"},
	    {"", 200, "{\"e\":{\"m\":\"Zle haslo\"}}", "bad_credentials"},
	    {"", 200, "<b class=stop>x", "account_expired"},
	    {"extract = ( \"n = between '<i>' '</i>'\" );", 200, "<p>x",
		"extract_failed"},
	    {"extract = ( \"n = between '<i>' '</i>'\" );", 200,
		"<p>Trwa Przerwa techniczna", "maintenance_page"},
	    {"extract = ( \"n ?= between '<i>' '</i>'\" );", 200, "<p>x", "ok"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const struct reply reply = {.match = "GET h/go",
		    .status = cases[i].status,
		    .body = cases[i].body};
		char *tx = mem_printf(
		    ONE("get = \"https://${host}/go\"; %s"), cases[i].keys);

		memset(&the, 0, sizeof(the));
		the.transactions = tx;
		the.more =
		    "markers = ("
		    "{ body = \"MARK-1\"; reason = \"overload_page\"; },"
		    "{ body = \"FINE\"; reason = \"ok\"; },"
		    "{ body = \"MARK-2\"; reason = \"account_locked\"; },"
		    "{ status = 418; reason = \"interstitial\"; },"
		    "{ json = \"/e/m contains haslo\";"
		    " reason = \"bad_credentials\"; },"
		    "{ xpath = \"//b[@class='stop']\"; url = \"/go\";"
		    " reason = \"account_expired\"; } );";
		the.replies = &reply;
		the.n_replies = 1;
		scene_play(&the);
		free(tx);
		assert_string_equal(the.problems, "");
		if (strcmp(scene_reason(&the, 0), cases[i].reason) != 0)
			fail_msg("case %zu (%s): %s, not %s", i, cases[i].body,
			    scene_reason(&the, 0), cases[i].reason);
		if (i + 1 < ARRAY_LEN(cases))
			scene_clear(&the);
	}
}

static void
a_note_says_what_was_sought_and_found(void **state)
{
	(void)state;
	the.transactions = ONE("get = \"https://${host}/go\"; "
			       "expect = ( \"body contains 'Oceny'\" );");
	PLAY(the,
	    {.match = "GET h/go",
		.status = 200,
		.body = "<title> Witaj\n ala 123</title>"});
	assert_string_equal(scene_note(&the),
	    "step s: sought body contains 'Oceny', found status 200");
}

static void
a_large_page_is_judged_on_a_worker(void **state)
{
	struct buf page;
	size_t i;

	(void)state;
	buf_init(&page, 1 << 20);
	buf_adds(&page, "<html><body><table>");
	for (i = 0; i < 8000; i++)
		buf_printf(&page, "<tr><td>%zu<td class=o>wiersz</tr>", i);
	buf_adds(&page, "<tr><td id=last>koniec</table>");
	assert_true(page.len > 250000);
	the.transactions =
	    ONE("get = \"https://${host}/go\"; expect = ( "
		"\"xpath count(//td[@class='o']) = 8000\", "
		"\"header X-A contains 'b'\", \"cookie sid\" ); "
		"extract = ( \"l = xpath //td[@id='last']\" ); }, "
		"{ name = \"t\"; get = \"https://${host}/${l}\";");
	PLAY(the,
	    {.match = "GET h/go",
		.status = 200,
		.body = page.data,
		.header = "X-A: abc",
		.cookie = "sid=1"},
	    {.match = "GET h/koniec", .status = 200});
	assert_string_equal(scene_reason(&the, 0), "ok");
	assert_int_equal(the.stats.on_workers, 1);
	assert_int_equal(the.stats.trees, 1);
	buf_fini(&page);
}

static void
a_small_page_is_judged_here_and_parsed_only_when_a_step_needs_it(void **state)
{
	static const struct {
		const char *expect;
		uint64_t trees;
	} cases[] = {
	    {"\"body contains 'Oceny'\"", 0},
	    {"\"xpath //a[@id = 'wyloguj']\"", 0},
	    {"\"not xpath //tr[contains(., $run.mark)]\"", 0},
	    {"\"xpath //td[. = 'Oceny']\"", 1},
	};
	struct buf page;
	size_t i;

	(void)state;
	buf_init(&page, 1 << 20);
	buf_adds(&page, "<html><body><a id='wyloguj'>x</a><table>");
	for (i = 0; page.len < 31000; i++)
		buf_printf(&page, "<tr><td>%zu<td>wiersz</tr>", i);
	buf_adds(&page, "<tr><td>Oceny</td></tr></table>");
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		char *steps = mem_printf(LOGIN
		    ", { name = \"grades\"; steps = ( { name = \"page\"; "
		    "get = \"https://${host}/oceny\"; expect = ( %s ); "
		    "} ); }",
		    cases[i].expect);

		scene_clear(&the);
		memset(&the, 0, sizeof(the));
		the.transactions = steps;
		the.more = "markers = ( { xpath = \"//title[contains(., "
			   "'Przerwa')]\"; reason = \"maintenance_page\"; }, "
			   "{ xpath = \"//*[@class = 'captcha']\"; reason = "
			   "\"captcha\"; } );";
		PLAY(the, GOOD_LOGIN,
		    {.match = "GET h/oceny", .status = 200, .body = page.data});
		assert_string_equal(scene_reason(&the, 1), "ok");
		assert_int_equal(the.stats.pages, 3);
		assert_int_equal(the.stats.trees, cases[i].trees);
		assert_int_equal(the.stats.on_workers, 0);
		free(steps);
	}
	buf_fini(&page);
}

static void
evidence_holds_no_secret(void **state)
{
	struct buf all;

	(void)state;
	the.transactions = LOGIN MESSAGE CLEANUP;
	PLAY(the,
	    {.match = "GET h/log",
		.status = 302,
		.location = "/in?user=ala&token=abcdefgh&b"},
	    {.match = "GET h/in", .status = 200, .body = FORM_PAGE},
	    {.match = "POST h/do",
		.status = 302,
		.location = "https://x.op.pl/t/0123456789abcdef0123456789/ala"},
	    {.match = "GET x.op.pl",
		.status = 200,
		.body = "<title>kot i pies& ola 5</title>"});
	buf_init(&all, 1 << 20);
	assert_true(jv_dump(the.json, &all));
	assert_true(jv_dump(the.har, &all));
	assert_null(strstr(all.data, "ala"));
	assert_null(strstr(all.data, "abcdefgh"));
	assert_null(strstr(all.data, "kot i"));
	assert_null(strstr(all.data, "0123456789abcdef"));
	assert_non_null(
	    strstr(all.data, "https://h/in?user=***&token=***&***"));
	assert_non_null(strstr(all.data, "https://x.op.pl/t/***/***"));
	buf_fini(&all);
}

static void
values_are_kept_apart_by_account(void **state)
{
	(void)state;
	the.transactions =
	    "{ name = \"login\"; steps = ("
	    "{ name = \"a\"; get = \"https://${host}/a\";"
	    " extract = ( \"t = json /t\", \"only = json /o\" ); },"
	    "{ name = \"b\"; as = \"recipient\"; get = \"https://${host}/b\";"
	    " extract = ( \"t = json /t\" ); },"
	    "{ name = \"c\"; get = \"https://${host}/c/${t}\"; },"
	    "{ name = \"d\"; as = \"recipient\";"
	    " get = \"https://${host}/d/${t}/${only}/${now.date}\"; } ); }";
	PLAY(the,
	    {.match = "GET h/a",
		.status = 200,
		.body = "{\"t\":\"ta\",\"o\":true}"},
	    {.match = "GET h/b", .status = 200, .body = "{\"t\":2}"},
	    {.match = "GET h/c/ta", .status = 200},
	    {.match = "GET h/d/2/true/2020-03-25", .status = 200});
	assert_string_equal(scene_reason(&the, 0), "ok");
}

static void
a_failure_names_the_account_whose_step_it_was(void **state)
{
	(void)state;
	the.transactions =
	    "{ name = \"login\"; steps = ("
	    "{ name = \"a\"; get = \"https://${host}/a\"; },"
	    "{ name = \"b\"; as = \"recipient\"; get = \"https://${host}/b\";"
	    " expect = ( \"status 200\" ); } ); },"
	    "{ name = \"next\"; needs = \"\"; steps = ("
	    "{ name = \"c\"; get = \"https://${host}/c\";"
	    " expect = ( \"status 200\" ); } ); }";
	PLAY(the, {.match = "GET h/a", .status = 200},
	    {.match = "GET h/b", .status = 500},
	    {.match = "GET h/c", .status = 500});
	assert_string_equal(scene_reason(&the, 0), "http_5xx");
	assert_string_equal(the.results[0].account, "b");
	assert_string_equal(scene_reason(&the, 1), "http_5xx");
	assert_string_equal(the.results[1].account, "a");
}

#define STEP(name, as, url) \
	"{ name = \"" name "\"; needs = \"\"; steps = (" \
	"{ name = \"s\"; " as "get = \"https://${host}/" url "\"; } ); }"
#define REFUSAL "markers = ( { body = \"captcha\"; reason = \"captcha\"; } );"

static void
a_refused_account_is_not_used_again_in_the_same_run(void **state)
{
	(void)state;
	the.transactions = STEP("one", "", "one") ", " STEP(
	    "two", "", "two") ", " STEP("other", "as = \"recipient\"; ",
	    "other") ", { name = \"cleanup\"; always = true; steps = ("
		     "{ name = \"bye\"; get = \"https://${host}/bye\"; } ); }";
	the.more = REFUSAL;
	PLAY(the, {.match = "GET h/one", .status = 200, .body = "captcha"},
	    {.match = "GET h/other", .status = 200},
	    {.match = "GET h/bye", .status = 200});
	assert_string_equal(scene_reason(&the, 0), "captcha");
	assert_string_equal(scene_reason(&the, 1), "prerequisite_failed");
	assert_string_equal(scene_reason(&the, 2), "ok");
	/* it is said goodbye to all the same */
	assert_int_equal(the.n_requests, 3);
}

static void
a_refused_account_is_not_used_in_its_other_part_either(void **state)
{
	(void)state;
	the.transactions = STEP("one", "", "one") ", " STEP(
	    "other", "as = \"recipient\"; ", "other");
	the.more = REFUSAL;
	the.one_account = true;
	PLAY(the, {.match = "GET h/one", .status = 200, .body = "captcha"});
	assert_string_equal(scene_reason(&the, 0), "captcha");
	assert_string_equal(scene_reason(&the, 1), "prerequisite_failed");
	assert_int_equal(the.n_requests, 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, clear)
	const struct CMUnitTest tests[] = {
	    T(a_whole_journey_is_measured_and_cleaned_up),
	    T(requests_look_like_a_browsers_and_carry_the_trace),
	    T(a_failed_login_leaves_the_rest_untried),
	    T(clean_up_after_a_failure_leaves_out_what_has_no_value),
	    T(time_that_runs_out_is_cut_by_the_transaction),
	    T(network_failures_keep_their_reason_and_nothing_is_sent_twice),
	    T(a_spent_budget_ends_the_transaction),
	    T(each_request_asks_for_leave_hops_polls_and_clean_up_too),
	    T(a_wish_to_wait_is_told_at_once_from_clean_up_too),
	    T(what_a_good_page_says_of_waiting_is_not_a_wish),
	    T(the_judge_has_the_last_word_in_result_and_evidence),
	    T(a_late_loop_taints_but_not_a_refused_password),
	    T(small_stalls_of_several_answers_add_up),
	    T(lateness_below_five_percent_does_not_taint),
	    T(a_stopped_run_cleans_up_and_gives_no_verdict),
	    T(a_stopped_run_gives_up_the_request_that_hangs_without_a_verdict),
	    T(the_clean_up_of_a_stopped_run_is_bounded),
	    T(a_run_aborted_while_a_worker_judges_leaves_no_session),
	    T(an_aborted_run_says_nothing_more),
	    T(a_run_may_be_aborted_from_its_own_result),
	    T(redirects_go_to_listed_hosts_only),
	    T(endless_redirects_are_a_loop),
	    T(a_send_is_not_repeated_by_a_307),
	    T(an_idempotent_post_is_repeated_by_a_308),
	    T(a_form_that_leads_elsewhere_gets_no_password),
	    T(a_form_of_http_gets_a_password_over_https_only),
	    T(a_form_of_http_with_a_port_gets_no_password),
	    T(the_last_answer_is_judged_in_the_stated_order),
	    T(a_note_says_what_was_sought_and_found),
	    T(a_large_page_is_judged_on_a_worker),
	    T(a_small_page_is_judged_here_and_parsed_only_when_a_step_needs_it),
	    T(evidence_holds_no_secret),
	    T(values_are_kept_apart_by_account),
	    T(a_failure_names_the_account_whose_step_it_was),
	    T(a_refused_account_is_not_used_again_in_the_same_run),
	    T(a_refused_account_is_not_used_in_its_other_part_either),
	};

	probe_init_libraries();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
