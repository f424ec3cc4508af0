/* The profile that dyzurny.cfg(5) builds step by step is taken out of the
 * manual and played against the register that the manual describes. */
#include "tests/unit/probe/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/buf.h"

#define LOGIN_PAGE \
	"<form method=post action='/wejdz'><input type=hidden name=csrf " \
	"value=c1><input name=login><input type=password name=haslo></form>"
#define DESKTOP \
	"<a id='wyloguj' href='/wyloguj'>Wyloguj</a>" \
	"<script>var apiToken = 't-0';</script>"

static struct scene the;
static struct buf profile;

/* Lines between a mark and .Ed, with what roff wants written otherwise. */
static int
take_it_out_of_the_manual(void **state)
{
	FILE *file = fopen(TEST_SRCDIR "/conf/dyzurny.cfg.5", "re");
	char line[512];
	int inside = 0;

	(void)state;
	assert_non_null(file);
	buf_init(&profile, 65536);
	while (fgets(line, sizeof(line), file) != NULL) {
		char *escape;

		if (strcmp(line, ".\\\" profile\n") == 0)
			inside = 1;
		else if (strcmp(line, ".Ed\n") == 0)
			inside = 0;
		else if (inside == 1)
			inside = 2; /* that was .Bd */
		else if (inside == 2) {
			while ((escape = strstr(line, "\\e")) != NULL)
				memmove(escape + 1, escape + 2,
				    strlen(escape + 2) + 1);
			buf_adds(&profile, line);
		}
	}
	fclose(file);
	assert_false(profile.full);
	assert_true(profile.len > 3000);
	return 0;
}

static int
done(void **state)
{
	(void)state;
	buf_fini(&profile);
	return 0;
}

static void
play(const struct reply *special, size_t n_special)
{
	const struct reply usual[] = {
	    {.match = "GET h/zaloguj", .status = 200, .body = LOGIN_PAGE},
	    {.match = "POST h/wejdz", .status = 302, .location = "/pulpit"},
	    {.match = "GET h/pulpit", .status = 200, .body = DESKTOP},
	    {.match = "GET h/api/oceny",
		.status = 200,
		.body = "{\"oceny\":[{\"ocena\":\"5+\"}]}"},
	    {.match = "GET h/api/adresaci",
		.status = 200,
		.body = "{\"osoby\":[{\"id\":1,\"klucz\":\"k1\"},"
			"{\"id\":77,\"klucz\":\"k\\\"77\"}]}"},
	    {.match = "POST h/api/wiadomosci",
		.status = 201,
		.body = "{\"stan\":\"przyjeta\"}"},
	    {.match = "GET h/wiadomosci/wyslane",
		.status = 200,
		.body = "<table><tr data-id='40'><td>$MARK$</table>"},
	    {.match = "GET h/wiadomosci/odebrane",
		.status = 200,
		.body = "<table><tr data-id='41'><td>$MARK$</table>"},
	    {.match = "POST h/wiadomosci/usun", .status = 200},
	    {.match = "GET h/wyloguj", .status = 200},
	};
	struct reply replies[16];

	assert_true(n_special + ARRAY_LEN(usual) <= ARRAY_LEN(replies));
	if (n_special > 0)
		memcpy(replies, special, n_special * sizeof(*special));
	memcpy(replies + n_special, usual, sizeof(usual));
	memset(&the, 0, sizeof(the));
	the.profile = profile.data;
	the.replies = replies;
	the.n_replies = n_special + ARRAY_LEN(usual);
	scene_play(&the);
	assert_string_equal(the.problems, "");
	assert_int_equal(the.n_results, 3);
}

static void
it_plays_the_whole_journey(void **state)
{
	(void)state;
	play(NULL, 0);
	assert_string_equal(scene_reason(&the, 0), "ok");
	assert_string_equal(scene_reason(&the, 1), "ok");
	assert_string_equal(scene_reason(&the, 2), "ok");
	assert_non_null(
	    strstr(the.log, "[csrf=c1&login=ala&haslo=kot%20i%20pies%26]"));
	assert_non_null(strstr(
	    the.log, "GET https://h/api/oceny?od=2020-02-24\nX-Token: t-0\n"));
	assert_non_null(
	    strstr(the.log, "[{\"do\":[\"k\\\"77\"],\"temat\":\"dyzurny-"));
	assert_non_null(strstr(the.log, "[id=40]"));
	assert_non_null(strstr(the.log, "[id=41]"));
	/* as many as the manual says */
	assert_int_equal(the.n_requests, 16);
	scene_clear(&the);
}

static void
its_markers_name_what_is_wrong(void **state)
{
	static const struct {
		struct reply reply;
		const char *reason;
	} cases[] = {
	    {{.match = "POST h/wejdz",
		 .status = 200,
		 .body = "<b>Błędny login lub hasło</b>"},
		"bad_credentials"},
	    {{.match = "POST h/wejdz",
		 .status = 200,
		 .body = "<div class='blad'>Konto zablokowane</div>"},
		"account_locked"},
	    {{.match = "GET h/zaloguj",
		 .status = 200,
		 .body = "<div class='g-recaptcha'></div>" LOGIN_PAGE},
		"captcha"},
	    {{.match = "POST h/wejdz", .status = 302, .location = "/regulamin"},
		"interstitial"},
	    {{.match = "GET h/zaloguj", .status = 302, .location = "/przerwa"},
		"maintenance_page"},
	    {{.match = "GET h/zaloguj",
		 .status = 503,
		 .body = "<p>Zbyt wielu użytkowników"},
		"overload_page"},
	    {{.match = "GET h/zaloguj", .status = 503, .body = "<p>x"},
		"http_5xx"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const struct reply replies[] = {cases[i].reply,
		    {.match = "GET h/regulamin", .status = 200},
		    {.match = "GET h/przerwa", .status = 200}};

		play(replies, 3);
		assert_string_equal(scene_reason(&the, 0), cases[i].reason);
		scene_clear(&the);
	}
}

static void
a_lost_answer_is_looked_for(void **state)
{
	const struct reply lost = {.match = "POST h/api/wiadomosci",
	    .reason = REASON_CONNECTION_RESET};

	(void)state;
	play(&lost, 1);
	assert_string_equal(scene_reason(&the, 2), "ok");
	assert_int_equal(the.n_requests, 17);
	scene_clear(&the);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_plays_the_whole_journey),
	    cmocka_unit_test(its_markers_name_what_is_wrong),
	    cmocka_unit_test(a_lost_answer_is_looked_for),
	};

	probe_init_libraries();
	return cmocka_run_group_tests(tests, take_it_out_of_the_manual, done);
}
