/* What the general words make of pages that are not the ones sought: news,
 * excuses, a session that is over. */
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

#define LOGIN(keys) \
	"{ name = \"login\"; steps = ( { name = \"in\";" \
	" get = \"https://${host}/in\"; " keys " } ); }"
#define GRADES(keys) \
	", { name = \"grades\"; steps = ( { name = \"page\";" \
	" get = \"https://${host}/grades\"; " keys " } ); }"
#define INBOX \
	", { name = \"message\"; timeout = \"100s\"; steps = (" \
	"{ name = \"recipient\"; use = \"login\"; as = \"recipient\"; }," \
	"{ name = \"arrive\"; as = \"recipient\";" \
	" get = \"https://${host}/inbox\";" \
	" expect = ( \"body contains 'box'\" );" \
	" poll = { until = \"body contains 'mark'\"; every = \"100ms\";" \
	" at_most = \"20s\"; }; } ); }"
#define SOUGHT "expect = ( \"body contains 'Oceny'\" );"
#define FORM "<form><input name=l><input type=password name=p></form>"

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

/* Plays with a good login unless `in` is given. */
static void
play(const char *transactions, const char *in, const struct reply *page)
{
	struct reply replies[] = {
	    {.match = "GET h/in",
		.status = 200,
		.body = in != NULL ? in : "<p>ok",
		.times = 1},
	    *page,
	    {.match = "GET h/in", .status = 200, .body = "<p>ok"},
	};

	the.transactions = transactions;
	the.replies = replies;
	the.n_replies = ARRAY_LEN(replies);
	scene_play(&the);
	assert_string_equal(the.problems, "");
}

static void
a_page_after_the_login_is_named_by_its_words(void **state)
{
	static const struct {
		int status;
		const char *body, *reason;
	} cases[] = {
	    {200, "<p>Oceny", "ok"},
	    {200, "<p>nic", "unknown_page"},
	    /* the session is over */
	    {200, FORM, "http_4xx"},
	    {200, "<form><input type=hidden name=wresult></form>", "http_4xx"},
	    {200, "<a href=/in>Zaloguj się</a>", "http_4xx"},
	    {401, "{}", "http_4xx"},
	    {409, "{}", "http_4xx"},
	    {500, FORM, "http_5xx"},
	    /* a login has its captcha for everybody */
	    {200, FORM "<div class=g-recaptcha>", "http_4xx"},
	    {403, FORM "<script>grecaptcha.ready()", "http_4xx"},
	    {200, "<div class=g-recaptcha>", "captcha"},
	    {200, "<div class=g-recaptcha></div><a>Zaloguj się</a>", "captcha"},
	    /* the account */
	    {200, FORM "Twoje konto zostało zablokowane", "account_locked"},
	    {403, "<p>Hasło wygasło", "account_expired"},
	    /* a break, and news of one */
	    {200, "<h1>Przerwa techniczna", "maintenance_page"},
	    {200, "<h2>Problemy z wydajnością", "overload_page"},
	    {503, "<h1>Serwer jest przeciążony", "overload_page"},
	    {200, "<p>Przerwa techniczna w nocy <a>Wyloguj</a>",
		"unknown_page"},
	    {200, FORM "Planowana przerwa techniczna", "http_4xx"},
	    /* a module that is off, for somebody who is logged in */
	    {200, "<p>Ten moduł nie jest dostępny <a>wyloguj</a>",
		"interstitial"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		play(LOGIN("") GRADES(SOUGHT), NULL,
		    &(struct reply){.match = "GET h/grades",
			.status = cases[i].status,
			.body = cases[i].body});
		if (strcmp(scene_reason(&the, 1), cases[i].reason) != 0)
			fail_msg("%s: %s, not %s", cases[i].body,
			    scene_reason(&the, 1), cases[i].reason);
		scene_clear(&the);
		memset(&the, 0, sizeof(the));
	}
}

static void
a_form_in_the_login_is_no_lost_session(void **state)
{
	const struct reply none = {.match = "GET h/none", .status = 200};

	(void)state;
	play(LOGIN(SOUGHT), FORM, &none);
	assert_string_equal(scene_reason(&the, 0), "unknown_page");
	scene_clear(&the);
	memset(&the, 0, sizeof(the));
	play(LOGIN(SOUGHT), FORM "Planowana przerwa techniczna", &none);
	assert_string_equal(scene_reason(&the, 0), "unknown_page");
}

static void
a_poll_ends_with_a_page_that_is_no_box(void **state)
{
	static const struct {
		const char *body, *reason;
	} cases[] = {
	    {"<p>box, mark", "ok"},
	    {"<p>box", "message_lost"},
	    {"<h1>Przerwa techniczna", "maintenance_page"},
	    {"<p>nic", "unknown_page"},
	    {"<p>nic, mark", "unknown_page"},
	    {FORM, "http_4xx"},
	    /* also when the checks hold */
	    {"<p>box" FORM, "http_4xx"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		play(LOGIN("") INBOX, NULL,
		    &(struct reply){.match = "GET h/inbox",
			.status = 200,
			.latency_ms = 6000,
			.body = cases[i].body});
		if (strcmp(scene_reason(&the, 1), cases[i].reason) != 0)
			fail_msg("%s: %s, not %s", cases[i].body,
			    scene_reason(&the, 1), cases[i].reason);
		scene_clear(&the);
		memset(&the, 0, sizeof(the));
	}
}

static void
words_that_stop_the_account_need_a_login(void **state)
{
	static const struct {
		const char *body, *reason;
	} cases[] = {
	    {"<p>Oceny, Niech wejdzie", "ok"},
	    {"<p>nic, Niech wejdzie", "unknown_page"},
	    {FORM "Niech wejdzie", "account_locked"},
	    {"<p>nic, Za rogiem", "overload_page"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		the.more = "markers = ( { body = \"Niech wejdzie\";"
			   " reason = \"account_locked\"; },"
			   " { body = \"Za rogiem\";"
			   " reason = \"overload_page\"; } );";
		play(LOGIN("") GRADES(SOUGHT), NULL,
		    &(struct reply){.match = "GET h/grades",
			.status = 200,
			.body = cases[i].body});
		if (strcmp(scene_reason(&the, 1), cases[i].reason) != 0)
			fail_msg("%s: %s, not %s", cases[i].body,
			    scene_reason(&the, 1), cases[i].reason);
		scene_clear(&the);
		memset(&the, 0, sizeof(the));
	}
}

static void
an_address_that_is_not_asked_may_say_why(void **state)
{
	static const struct {
		const char *location, *reason;
	} cases[] = {
	    {"https://elsewhere/break", "maintenance_page"},
	    {"https://elsewhere/other", "unknown_page"},
	    {"https://elsewhere/Przerwa.html", "maintenance_page"},
	    {"https://elsewhere/Account/LogOn", "http_4xx"},
	    {"app://x?command=close", "overload_page"},
	    {"app://x?command=open", "unknown_page"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		char *header = mem_printf("Location: %s", cases[i].location);
		bool web = cases[i].location[0] == 'h';

		the.more =
		    "markers = ("
		    "{ url = \"elsewhere/\"; status = 200;"
		    " reason = \"captcha\"; },"
		    "{ url = \"/break\"; reason = \"maintenance_page\"; },"
		    "{ url = \"command=close\";"
		    " reason = \"overload_page\"; } );";
		play(LOGIN("") GRADES(SOUGHT), NULL,
		    &(struct reply){.match = "GET h/grades",
			.status = 302,
			.location = web ? cases[i].location : NULL,
			.header = header});
		if (strcmp(scene_reason(&the, 1), cases[i].reason) != 0)
			fail_msg("%s: %s, not %s", cases[i].location,
			    scene_reason(&the, 1), cases[i].reason);
		free(header);
		scene_clear(&the);
		memset(&the, 0, sizeof(the));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, clear)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_page_after_the_login_is_named_by_its_words),
	    T(a_form_in_the_login_is_no_lost_session),
	    T(a_poll_ends_with_a_page_that_is_no_box),
	    T(words_that_stop_the_account_need_a_login),
	    T(an_address_that_is_not_asked_may_say_why),
	};

	probe_init_libraries();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
