/*
 * HTML as real registers send it: forms between the rows of tables, fields
 * outside their forms, entities everywhere, charsets told in odd places, and
 * marks by the hundred kilobyte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/text.h"
#include "daemon/probe/probe-int.h"
#include "tests/unit/probe/scene.h"

static struct charsets charsets;
static struct arena arena;
static struct buf tmp[3], decoded;
static struct value slots[2][PROBE_NAMES_MAX];
static struct conf_deployment deployment = {.name = "d"};
static struct values values = {.deployment = &deployment,
    .run_id = "id",
    .run_mark = "dyzurny-ff",
    .run_uuid = "uuid",
    .vars = {slots[0], slots[1]},
    .tmp = tmp};

static int
begin(void **state)
{
	size_t i;

	(void)state;
	probe_charsets_init(&charsets);
	arena_init(&arena, 4 << 20);
	for (i = 0; i < 3; i++)
		buf_init(&tmp[i], PROBE_VALUE_MAX);
	buf_init(&decoded, 8 << 20);
	memset(slots, 0, sizeof(slots));
	return 0;
}

static int
clear(void **state)
{
	size_t i;

	(void)state;
	arena_fini(&arena);
	for (i = 0; i < 3; i++)
		buf_fini(&tmp[i]);
	buf_fini(&decoded);
	return 0;
}

static struct page
page_of(const char *body, const char *media_type)
{
	return (struct page){.charsets = &charsets,
	    .url = "https://h.pl/a/b?c=d",
	    .status = 200,
	    .media_type = media_type,
	    .raw = body,
	    .raw_len = strlen(body),
	    .decoded = &decoded};
}

/* ---- forms ---- */

#define SEARCH \
	"<form id=szukaj action=/szukaj><input type=hidden name=jezyk " \
	"value=pl><input name=q></form>"

static const struct {
	const char *title, *body, *fields, *action;
} forms[] = {
    {"a form between the rows of a table, hidden fields among them",
	SEARCH "<table><form action=/x><tr><td><input name=login></tr>"
	       "<input type=hidden name=a value=1><tr><td><input name=f></td>"
	       "</tr><input type=hidden name=b value=2></form></table>",
	"a=1;b=2;", "https://h.pl/x"},
    {"a form whose element ends before its end tag",
	SEARCH "<div><form action=/x><input name=f></div><div>"
	       "<input type=hidden name=a value=1></div></form>",
	"a=1;", "https://h.pl/x"},
    {"a field behind the element that the form stood in",
	"<table><tr><td><form action=/x><input type=hidden name=a value=1>"
	"</td></tr></table><input name=f></form>" SEARCH,
	"a=1;", "https://h.pl/x"},
    {"a form inside a form is none, and ends it",
	SEARCH
	"<form action=/x><input type=hidden name=a value=1>"
	"<form action=/y><input type=hidden name=b value=2><input name=f>"
	"</form><input type=hidden name=c value=3></form>",
	"a=1;b=2;", "https://h.pl/x"},
    {"a field outside all of two forms",
	SEARCH "<form action=/x><input type=hidden name=a value=1></form>"
	       "<input name=f><input type=hidden name=z value=9>",
	"z=9;", "https://h.pl/a/b?c=d"},
    {"fields that name a form which comes later",
	SEARCH
	"<input name=f form=later><input type=hidden name=a value=1 "
	"form='later'><form id=later action=/x><input type=hidden name=b "
	"value=2></form>",
	"a=1;b=2;", "https://h.pl/x"},
    {"comments, scripts and texts hold no fields",
	"<!-- <form action=/no><input name=f> --><script>"
	"document.write(\"<form action=/no><input name=f>\");</script>"
	"<form action=/x><textarea name=t><input type=hidden name=no value=1>"
	"</textarea><input type=hidden name=a value=1><input name=f></form>",
	"a=1;", "https://h.pl/x"},
    {"attributes in any dress",
	"<FORM ACTION = '/x'><INPUT\n\tTYPE=Hidden NAME=a VALUE=1/><input "
	"type='hidden'name=\"b\" value='x>y' value=2/><input type=hidden "
	"name=c value><input type=hidden name=d><select name=f></FORM>",
	"a=1/;b=x>y;c=;d=;", "https://h.pl/x"},
    {"the address of a form has entities and blanks around it",
	SEARCH "<form action='y?p=1&amp;q=2&copy=3'><button name=f></form>", "",
	"https://h.pl/a/y?p=1&q=2&copy=3"},
    {"a page that ends too soon",
	SEARCH
	"<form action=/x><input type=hidden name=a value=1><input name=f",
	"a=1;", "https://h.pl/x"},
};

static void
fields_belong_to_the_form_that_was_open(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(forms); i++) {
		struct page page = page_of(forms[i].body, "text/html");
		enum charset charset = CHARSET_UTF8;
		struct buf fields, shown;
		char *action = NULL;
		const char *p;

		buf_init(&fields, PROBE_VALUE_MAX);
		buf_init(&shown, PROBE_VALUE_MAX);
		if (!probe_page_form(&page, "f", &fields, &action, &charset))
			fail_msg("%s: no form", forms[i].title);
		for (p = fields.data; p != NULL && p < fields.data + fields.len;
		     p += strlen(p) + 1) {
			buf_adds(&shown, p);
			p += strlen(p) + 1;
			buf_printf(&shown, "=%s;", p);
		}
		if (strcmp(shown.data, forms[i].fields) != 0 ||
		    strcmp(action, forms[i].action) != 0)
			fail_msg(
			    "%s: %s to %s", forms[i].title, shown.data, action);
		free(action);
		buf_fini(&fields);
		buf_fini(&shown);
		probe_page_end(&page);
	}
}

static void
a_form_knows_the_charset_it_is_posted_in(void **state)
{
	static const struct {
		const char *type, *body;
		enum charset wanted;
	} cases[] = {
	    {"text/html; charset=iso-8859-2", "<form><input name=f></form>",
		CHARSET_LATIN2},
	    {"text/html",
		"<meta charset=windows-1250><form><input name=f></form>",
		CHARSET_WINDOWS_1250},
	    {"text/html", "<form><input name=f></form>", CHARSET_UTF8},
	    {"text/html; charset=iso-8859-2",
		"<form accept-charset='UTF-8'><input name=f></form>",
		CHARSET_UTF8},
	    {"text/html",
		"<form accept-charset=\"windows-1250, utf-8\"><input name=f>",
		CHARSET_WINDOWS_1250},
	    {"text/html; charset=iso-8859-2",
		"<form accept-charset=unknown><input name=f>", CHARSET_LATIN2},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct page page = page_of(cases[i].body, cases[i].type);
		enum charset charset = CHARSET_WINDOWS_1252;
		struct buf fields;
		char *action = NULL;

		buf_init(&fields, PROBE_VALUE_MAX);
		assert_true(
		    probe_page_form(&page, "f", &fields, &action, &charset));
		assert_int_equal(charset, cases[i].wanted);
		free(action);
		buf_fini(&fields);
		probe_page_end(&page);
	}
}

/* ---- entities ---- */

static void
entities_become_letters(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
	    {"Za&#380;&#xF3;&#X142;&#263;", "Zażółć"},
	    {"g&eogon;&sacute;l&aogon; ja&zacute;&nacute;", "gęślą jaźń"},
	    {"&Lstrok;&oacute;d&zacute; &Zdot;", "Łódź Ż"},
	    {"&lt;t a=&quot;1&#34;&gt; &#39;&apos;", "<t a=\"1\"> ''"},
	    {"&amp;lt; &amp;amp;", "&lt; &amp;"},
	    {"a&b; & &; &# &#; &#x;", "a&b; & &; &# &#; &#x;"},
	    {"?a=1&copy=2&lt=3&amp=4", "?a=1&copy=2&lt=3&amp=4"},
	    {"a &lt b &amp c", "a < b & c"},
	    {"&#150; &#128;", "– €"},
	    {"&#0;&#xD800;&#x110000;&#99999999999;",
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"&#128512", "😀"},
	    {"&nosuchnamethatlong; &lstroke;",
		"&nosuchnamethatlong; &lstroke;"},
	    {"&nbsp;", "\xc2\xa0"},
	    {"", ""},
	};
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 1024);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&out);
		probe_entities_decode(
		    cases[i].text, strlen(cases[i].text), &out);
		assert_string_equal(out.data, cases[i].wanted);
		assert_true(text_utf8_valid(out.data, out.len));
	}
	buf_reset(&out);
	probe_entities_letters(
	    "&lstrok;&lt;&#60;&oacute;&amp;lstrok;", 37, &out);
	assert_string_equal(out.data, "ł&lt;&#60;&oacute;&amp;lstrok;");
	buf_fini(&out);
}

static struct conf_profile profile = {.name = "p", .path = "p"};

static enum found
check(struct page *page, const char *source)
{
	struct conf_problems *problems = conf_problems_new();
	struct compiler compiler = {
	    .problems = problems, .profile = &profile, .arena = &arena};
	struct conf_text text = {source, "k", {"p", 1}};
	struct check compiled;
	enum found found;

	if (!probe_check_compile(&compiler, &text, &compiled))
		fail_msg("%s", conf_problems_at(problems, 0));
	found = probe_check_run(&compiled, page, &values, &tmp[2]);
	probe_selector_fini(&compiled.selector);
	conf_problems_free(problems);
	return found;
}

static void
holds(const char *body, const char *type, const char *source, bool wanted)
{
	struct page page = page_of(body, type);

	if ((check(&page, source) == FOUND) != wanted)
		fail_msg("%s: %s", body, source);
	probe_page_end(&page);
}

static void
text_is_found_behind_its_entities(void **state)
{
	static const char html[] =
	    "<h2>Problemy z wydajno&#347;ci&#261;</h2><p>b&lstrok;&eogon;dny "
	    "login &amp; has&lstrok;o</p><a href='?a=1&amp;b=2'>x</a>";

	(void)state;
	holds(
	    html, "text/html", "body contains 'Problemy z wydajnością'", true);
	holds(html, "text/html", "body lacks 'błędny login'", false);
	holds(html, "text/html", "body contains 'błędny login & hasło'", true);
	holds(html, "text/html", "body contains 'login &amp; has'", true);
	holds(html, "text/html", "body contains 'bledny'", false);
	holds(
	    html, "text/html", "xpath //h2[contains(., 'wydajnością')]", true);
	holds(html, "text/html", "xpath //p = 'błędny login & hasło'", true);
	holds(html, "text/html", "xpath //a/@href = '?a=1&b=2'", true);
	holds("{\"a\":\"&#347;\"}", "application/json", "body contains 'ś'",
	    false);
	holds("{\"a\":\"&sacute;\"}", "application/json",
	    "json /a = '&sacute;'", true);
}

/* ---- charsets ---- */

static void
the_charset_is_where_browsers_look_for_it(void **state)
{
	static const struct {
		const char *type, *body, *wanted;
	} cases[] = {
	    {"text/html; charset=iso-8859-2", "\xb6", "ś"},
	    {"text/html; Charset = \"ISO-8859-2\"; x=y", "\xb6", "ś"},
	    {"text/html;charset='windows-1250'", "\x9c", "ś"},
	    {"text/html; charset=iso-8859-2", "\xef\xbb\xbf\xc5\x9b", "ś"},
	    {"text/html; charset=iso-8859-1", "\x80\xe9", "€é"},
	    {"text/html", "<META CHARSET='iso-8859-2'>\xb6", "ś"},
	    {"text/html",
		"<meta content='text/html; charset = iso-8859-2' "
		"http-equiv=Content-Type>\xb6",
		"ś"},
	    {"text/html",
		"<script src=a charset=iso-8859-1></script><link "
		"charset='utf-8'><meta charset=windows-1250>\x9c",
		"ś"},
	    {"text/html",
		"<!-- <meta charset=utf-8> --><meta name=a content=b><meta "
		"charset=iso-8859-2>\xb6",
		"ś"},
	    {"text/html", "<metadata charset=iso-8859-2>\xc5\x9b", "ś"},
	    {"text/html",
		"<?xml version=\"1.0\" encoding=\"iso-8859-2\"?><html>\xb6",
		"ś"},
	    {"text/html; charset=utf-8", "<meta charset=iso-8859-2>\xc5\x9b",
		"ś"},
	    {"text/html; charset=none", "<meta charset=iso-8859-2>\xb6", "ś"},
	    {"text/html", "<meta charset=utf-16>\xc5\x9b", "ś"},
	    {"application/json",
		"{\"a\":\"<meta charset=iso-8859-2>\xc5\x9b\"}", "ś"},
	    {"text/html", "<meta charset", "<meta charset"},
	    {"text/html", "<!-- <meta charset=iso-8859-2>\xc5\x9b", "ś"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct page page = page_of(cases[i].body, cases[i].type);
		size_t len;
		const char *text = probe_page_text(&page, &len);

		if (memmem(text, len, cases[i].wanted,
			strlen(cases[i].wanted)) == NULL)
			fail_msg("%s %s", cases[i].type, cases[i].body);
		probe_page_end(&page);
	}
}

static void
text_goes_back_in_the_charset_of_the_page(void **state)
{
	static const struct {
		enum charset charset;
		const char *text, *wanted;
	} cases[] = {
	    {CHARSET_UTF8, "zażółć ś", "zażółć ś"},
	    {CHARSET_LATIN2, "zażółć ś", "za\xbf\xf3\xb3\xe6 \xb6"},
	    {CHARSET_WINDOWS_1250, "zażółć ś", "za\xbf\xf3\xb3\xe6 \x9c"},
	    {CHARSET_LATIN2, "5 € 😀", "5 &#8364; &#128512;"},
	    {CHARSET_WINDOWS_1250, "5 €", "5 \x80"},
	    {CHARSET_WINDOWS_1252, "ł", "&#322;"},
	    {CHARSET_LATIN2, "", ""},
	};
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 1024);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&out);
		probe_charset_encode(&charsets, cases[i].charset, cases[i].text,
		    strlen(cases[i].text), &out);
		assert_string_equal(out.data, cases[i].wanted);
	}
	buf_fini(&out);
}

/* ---- nesting and size ---- */

static void
broken_nesting_hides_nothing(void **state)
{
	static const char tables[] =
	    "<body><span><div id=wyloguj><ul><li>x</div></span></b></p>"
	    "<table class='spis'><tr><td>a<td><b>b<tr><td><font color=red>c"
	    "<tr class=podswietl rel=7><td>dyzurny-ff<td><div><p>e</td></tr>"
	    "<tr><td><table><tr><td>in</table></table></div></div><p id=z>z";
	static const struct {
		const char *unit;
		size_t bytes;
	} units[] = {
	    {"<tr><td><font><b><div>x", 300000},
	    {"<li><b><a href='x'>x", 300000},
	    {"<ul><li><b>x</ul>", 300000},
	    {"<p><b><i>x", 300000},
	    {"</b></i></div></table></td></p>", 300000},
	    {"<b><i>x</b></i>", 300000},
	    {"<div>x", 5000},
	};
	struct buf deep;
	struct page page;
	size_t i;

	(void)state;
	holds(tables, "text/html", "xpath //*[@id='wyloguj']", true);
	holds(tables, "text/html",
	    "xpath count(//table[@class='spis']//tr) = 5", true);
	holds(tables, "text/html",
	    "xpath //tr[contains(., $run.mark)]/@rel = 7", true);
	holds(tables, "text/html", "xpath //p[@id='z'] = 'z'", true);
	for (i = 0; i < ARRAY_LEN(units); i++) {
		buf_init(&deep, 1 << 20);
		while (deep.len < units[i].bytes)
			buf_adds(&deep, units[i].unit);
		buf_adds(&deep, "<p id=end>y");
		page = page_of(deep.data, "text/html");
		if (check(&page, "xpath //p[@id='end']") != FOUND)
			fail_msg("%s: the rest is lost", units[i].unit);
		probe_page_end(&page);
		buf_fini(&deep);
	}
}

static void
rows_and_items_end_where_browsers_end_them(void **state)
{
	static const struct {
		const char *body, *tidy;
	} cases[] = {
	    {"<table><tr><td>a<td><b>b<tr><th>c<td>d</table>e",
		"<table><tr><td>a</td><td><b>b</td></tr><tr><th>c</th><td>d"
		"</td></tr></table>e"},
	    {"<table><thead><tr><td>a<tbody><tr><td>b</tbody></table>",
		"<table><thead><tr><td>a</td></tr><tbody><tr><td>b</td></tr>"
		"</tbody></table>"},
	    {"<table><tr><td>a</td></tr><tr><td>b</td></tr></table>",
		"<table><tr><td>a</td></tr><tr><td>b</td></tr></table>"},
	    {"<table><tr><td><table><tr><td>in</table>out<td>b</table>",
		"<table><tr><td><table><tr><td>in</td></tr></table>out</td>"
		"<td>b</td></tr></table>"},
	    {"<ul><li>a<li><b>b<ul><li>in</ul>c</ul><li>d",
		"<ul><li>a</li><li><b>b<ul><li>in</ul>c</ul><li>d"},
	    {"<li>a<li>b</li><li>c", "<li>a</li><li>b</li><li>c"},
	    {"<TABLE><TR><TD><ul><li>a<TD>b</ul><LI>c</TABLE>",
		"<TABLE><TR><TD><ul><li>a</td><TD>b</ul><LI>c</td></tr>"
		"</TABLE>"},
	    {"<tr><td>a<script>'<td>'</script><!-- <td> --></tr>&sacute;",
		"<tr><td>a<script>'<td>'</script><!-- <td> --></td></tr>ś"},
	    {"", ""},
	};
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 4096);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&out);
		probe_tidy(cases[i].body, strlen(cases[i].body), &out);
		assert_string_equal(out.data, cases[i].tidy);
	}
	buf_fini(&out);
}

/* A year's marks of a secondary school. */
static void
add_marks(struct buf *page)
{
	int i;

	buf_adds(page,
	    "<body><a id='wyloguj'>x</a><table class='a spis b'>"
	    "<tr><th>Przedmiot<th>Oceny");
	for (i = 0; page->len < 300 * 1024; i++)
		buf_printf(page,
		    "<tr class=naglowek3><td><div>J&eogon;zyk "
		    "%d</div><td><span "
		    "style='background-color:#2196f3;'>&nbsp;Sprawdzian:</span>"
		    "<a class=info rel=%d "
		    "href='javascript:;'><strong>5</strong>"
		    "<sup>1</sup><span>Warto&#347;&#263; oceny: <strong>5.00"
		    "</strong><br>Wpisa&lstrok;(a): <strong>K&aogon;t Maria",
		    i, 90000 + i);
	buf_adds(page, "<tr><td>dyzurny-ff<td id=last>ostatni");
}

static void
hundreds_of_kilobytes_are_searched_by_a_worker(void **state)
{
	static const char *const sources[] = {
	    "xpath //*[@id='wyloguj']",
	    "xpath //table[contains(concat(' ', @class, ' '), ' spis ')]",
	    "xpath //a[contains(concat(' ', @class, ' '), ' info ')]/@rel",
	    "xpath //tr[contains(., $run.mark)]/td[@id='last']",
	    "xpath //table//tr[td/div = 'Język 700']//a/@rel = 90700",
	    "xpath count(//strong) > 1500",
	    "not xpath //tr//tr",
	    "not xpath //td//td",
	    "body contains 'Wartość oceny'",
	    "not xpath //*[@id='nosuch']",
	    "not xpath //h2[contains(., 'Problemy')]",
	};
	struct buf body;
	struct page page;
	size_t i;

	(void)state;
	buf_init(&body, 1 << 20);
	add_marks(&body);
	assert_true(body.len > 300 * 1024);
	page = page_of(body.data, "text/html");
	page.on_worker = true;
	for (i = 0; i < ARRAY_LEN(sources); i++)
		if (check(&page, sources[i]) != FOUND)
			fail_msg("%s", sources[i]);
	probe_page_end(&page);
	buf_fini(&body);
}

/* ---- whole journeys ---- */

#define LOGIN \
	"{ name = \"login\"; timeout = \"10s\"; steps = (" \
	"{ name = \"form\"; get = \"https://${host}/form\";" \
	" extract = ( \"f = form haslo\" ); }," \
	"{ name = \"submit\"; post = \"${f.action}\";" \
	" form = ( \"*f\", \"login=za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87\"," \
	" \"haslo=${account.password}\" );" \
	" expect = ( \"xpath //*[@id='wyloguj']\"," \
	" \"xpath //td[@id='last']\" ); } ); }"

static void
a_journey_copes_with_old_forms_and_large_pages(void **state)
{
	static struct scene the;
	static struct buf marks;
	struct reply replies[] = {
	    {.match = "GET h/form",
		.status = 200,
		.type = "text/html",
		.body =
		    "<meta http-equiv=Content-Type content='text/html; "
		    "charset=iso-8859-2'>" SEARCH
		    "<table><form action=/do><tr><td><input name=haslo></tr>"
		    "<input type=hidden name=akcja value='Wy\xb6lij "
		    "&#380;yczenia &euro;'></form></table>"},
	    {.match = "POST h/do", .status = 200},
	};

	(void)state;
	buf_init(&marks, 1 << 20);
	add_marks(&marks);
	replies[1].body = marks.data;
	the.transactions = LOGIN;
	the.replies = replies;
	the.n_replies = ARRAY_LEN(replies);
	scene_play(&the);
	assert_string_equal(the.problems, "");
	assert_string_equal(scene_reason(&the, 0), "ok");
	assert_non_null(strstr(the.log,
	    "[akcja=Wy%B6lij%20%BFyczenia%20%26%238364%3B"
	    "&login=za%BF%F3%B3%E6&haslo=kot%20i%20pies%26]"));
	scene_clear(&the);
	buf_fini(&marks);
}

/* libxml2 compares each attribute with all before it, on our loop. */
static void
a_tag_with_far_too_many_attributes_goes_on_without_them(void **state)
{
	static const struct {
		size_t n;
		const char *wanted;
	} cases[] = {
	    {200, "xpath count(//i/@*) = 201"},
	    {5000, "xpath count(//i/@*) = 0"},
	};
	struct buf page;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		buf_init(&page, 1 << 20);
		buf_adds(&page, "<p id=before><i id=much");
		for (k = 0; k < cases[i].n; k++)
			buf_printf(&page, " a%zu", k);
		buf_adds(&page, ">x</i><b id=after title='&amp;'>y");
		holds(page.data, "text/html", cases[i].wanted, true);
		holds(page.data, "text/html", "xpath //b/@id = 'after'", true);
		holds(page.data, "text/html", "xpath //i = 'x'", true);
		buf_fini(&page);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, clear)
	const struct CMUnitTest tests[] = {
	    T(fields_belong_to_the_form_that_was_open),
	    T(a_form_knows_the_charset_it_is_posted_in),
	    T(entities_become_letters),
	    T(text_is_found_behind_its_entities),
	    T(the_charset_is_where_browsers_look_for_it),
	    T(text_goes_back_in_the_charset_of_the_page),
	    T(broken_nesting_hides_nothing),
	    T(rows_and_items_end_where_browsers_end_them),
	    T(a_tag_with_far_too_many_attributes_goes_on_without_them),
	    T(hundreds_of_kilobytes_are_searched_by_a_worker),
	    T(a_journey_copes_with_old_forms_and_large_pages),
	};

	probe_init_libraries();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
