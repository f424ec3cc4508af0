/* What dyzurny probe shows of a page that is not the one sought: enough to
 * mend a profile, and nothing of a person or an account. */
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
#include "base/mem.h"

/* The profile says `keys` of its step, and knows the words of these markers.
 * The sender is "ala", "kot i pies&"; the recipient "ola", "tajne". */
#define MARKERS \
	"markers = ( { body = \"Konto zablokowane\";" \
	" reason = \"account_locked\"; }," \
	" { body = \"ala tajne\"; reason = \"captcha\"; } );"

static struct scene the;

static void
play(const char *keys, int status, const char *body)
{
	const struct reply reply = {
	    .match = "GET h/go", .status = status, .body = body};
	char *tx = mem_printf("{ name = \"login\"; steps = ( { name = \"s\"; "
			      "get = \"https://${host}/go\"; %s } ); }",
	    keys);

	the.transactions = tx;
	the.more = MARKERS;
	the.replies = &reply;
	the.n_replies = 1;
	scene_play(&the);
	free(tx);
	assert_string_equal(the.problems, "");
}

static int
begin(void **state)
{
	(void)state;
	memset(&the, 0, sizeof(the));
	the.explain = true;
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
the_place_or_the_first_words_are_shown_masked(void **state)
{
	static const struct {
		const char *keys;
		int status;
		const char *body, *sought, *excerpt;
	} cases[] = {
	    {"expect = ( \"body contains 'Oceny bieżące'\" );", 200,
		"<h2 class=\"tytul x1\">Oceny z 2B</h2><p>Jan Żak, 5+</p>",
		"body contains 'Oceny bieżące'",
		"<h2 class=\"xxxxx x#\">Oceny x #X</h2><p>Xxx xxx, #+</p>"},
	    {"expect = ( \"xpath //table[@class='oceny']\" );", 200,
		"<table id='grades'><td data-uid=\"77\">Jan</table>",
		"xpath //table[@class='oceny']",
		"<table id='xxxxxx'><td data-uid=\"##\">Xxx</table>"},
	    {"expect = ( \"xpath //*[@id='wyloguj']\" );", 200,
		"<html><head><title>Witaj Janie 5</title><style>p{}</style>"
		"<body><header>Szkoła <b>nr 3</b></header><script>var a=1;"
		"</script><p>\n\n Zaloguj   się",
		"xpath //*[@id='wyloguj']",
		"title \"Xxxxx Xxxxx #\": Xxxxx Xxxxx # Xxxxxx xx # Xxxxxxx "
		"xxx"},
	    {"expect = ( \"xpath //*[@id='wyloguj']\" );", 200,
		"<head><title>Witaj</title><style>p{}</style></head>"
		"<body>Szkoła<script>var a=1;</script>",
		"xpath //*[@id='wyloguj']", "title \"Xxxxx\": Xxxxxx "},
	    {"expect = ( \"json /data/Oceny/*/Przedmiot\" );", 200,
		"{\"data\":{\"Oceny\":[],\"Uczen\":\"Jan Żak\",\"id\":123}}",
		"json /data/Oceny/*/Przedmiot",
		"{\"data\":{\"Oceny\":[],\"Xxxxx\":\"Xxx xxx\",\"xx\":###}}"},
	    {"extract = ( \"t = regex /antiForgeryToken: '([^']+)'/\" );", 200,
		"<script>antiForgeryToken = 'AbC-d9f8'; appGuid</script>",
		"regex /antiForgeryToken: '([^']+)'/",
		"<script>antiForgeryToken = 'XxX-x#x#'; xxxXxxx</script>"},
	    {"extract = ( \"f = form haslo\" );", 200,
		"<form action='/do'><input name=pass></form>", "form haslo",
		""},
	    {"extract = ( \"f = form password\" ); }, { name = \"t\"; "
	     "post = \"https://${host}/\"; form = { haslo = \"x\"; };",
		200, "<input type=password name=haslo value=jan7>",
		"form password", "<input type=password name=haslo value=xxx#>"},
	    {"", 503, "<p>Zapraszamy za 10 minut", "a good page",
		"Xxxxxxxxxx xx ## xxxxx"},
	    {"", 500, "", "a good page", "an empty page"},
	    {"", 200, "<b>Konto zablokowane dla: jan@x.pl",
		"marker body "
		"\"Konto zablokowane\"",
		"<b>Konto zablokowane xxx: xxx@x.xx"},
	    {"poll = { until = \"body contains 'mamy'\"; every = \"1s\"; "
	     "at_most = \"1s\"; };",
		200, "<p>Brak", "body contains 'mamy'", "Xxxx"},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		play(cases[i].keys, cases[i].status, cases[i].body);
		if (the.sought == NULL)
			fail_msg("%s: nothing", cases[i].keys);
		assert_string_equal(the.sought, cases[i].sought);
		assert_string_equal(the.excerpt, cases[i].excerpt);
		if (i + 1 < ARRAY_LEN(cases)) {
			clear(state);
			begin(state);
		}
	}
}

/* Words of the profile that are by chance words of an account. */
static void
nothing_of_an_account_is_ever_shown(void **state)
{
	static const char *const bodies[] = {
	    "<p>Witaj ala, ola! Hasło: kot i pies&, tajne. Konto",
	    "<p title='ala' class=tajne>kot i pies&amp;<b ala=tajne>",
	    "<ala tajne='ola'>Konto</ala>",
	    "{\"ala\":\"tajne\",\"kot i pies&\":\"Konto\"}",
	};
	static const char *const secrets[] = {
	    "ala", "ola", "tajne", "kot", "pies"};
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(bodies); i++) {
		play("expect = ( \"body contains 'Konto'\","
		     "\"body contains 'x'\","
		     "\"body contains 'ala ola tajne kot pies nic'\" );",
		    200, bodies[i]);
		assert_non_null(the.excerpt);
		for (k = 0; k < ARRAY_LEN(secrets); k++)
			if (strstr(the.excerpt, secrets[k]) != NULL)
				fail_msg("%s: %s", secrets[k], the.excerpt);
		assert_null(strchr(the.excerpt, '&'));
		if (i + 1 < ARRAY_LEN(bodies)) {
			clear(state);
			begin(state);
		}
	}
}

static void
it_is_short_and_good_utf_8_whatever_the_page(void **state)
{
	static const char *const fills[] = {"ż", "<b>", "ala ", "Ż ", "x", "<",
	    "9 ", "<i title=\"", "\xff", "Oceny "};
	struct buf body;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(fills); i++) {
		size_t shift = i % 3;

		buf_init(&body, 100000);
		for (k = 0; k < 5000; k++)
			buf_adds(&body, fills[i]);
		buf_adds(&body, "bieżące");
		for (k = 0; k < 5000; k++)
			buf_adds(&body, fills[i]);
		play("expect = ( \"body contains 'tu bieżące'\" );", 200,
		    body.data + (i == 0 ? 2 * shift : 0));
		assert_non_null(the.excerpt);
		if (strlen(the.excerpt) > 300)
			fail_msg(
			    "%zu bytes: %s", strlen(the.excerpt), the.excerpt);
		{
			struct jv *string = jv_string(the.excerpt);
			struct buf json;

			buf_init(&json, 4096);
			assert_true(jv_dump(string, &json));
			buf_fini(&json);
			jv_release(string);
		}
		buf_fini(&body);
		if (i + 1 < ARRAY_LEN(fills)) {
			clear(state);
			begin(state);
		}
	}
}

static void
it_is_not_in_the_evidence_and_not_made_unless_asked_for(void **state)
{
	struct buf all;

	buf_init(&all, 1 << 20);
	play("expect = ( \"body contains 'Oceny'\" );", 200, "<p>Zaloguj");
	assert_string_equal(the.excerpt, "Xxxxxxx");
	assert_true(jv_dump(the.json, &all));
	assert_true(jv_dump(the.har, &all));
	assert_null(strstr(all.data, "Xxxxxxx"));
	assert_null(strstr(all.data, "excerpt"));
	buf_fini(&all);
	clear(state);
	begin(state);
	the.explain = false;
	play("expect = ( \"body contains 'Oceny'\" );", 200, "<p>Zaloguj");
	assert_null(the.sought);
	assert_null(the.excerpt);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, clear)
	const struct CMUnitTest tests[] = {
	    T(the_place_or_the_first_words_are_shown_masked),
	    T(nothing_of_an_account_is_ever_shown),
	    T(it_is_short_and_good_utf_8_whatever_the_page),
	    T(it_is_not_in_the_evidence_and_not_made_unless_asked_for),
	};

	probe_init_libraries();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
