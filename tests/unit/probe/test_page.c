/* Pages as operators send them: charsets, broken HTML, forms, JSON, limits. */
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
#include "probe/probe.h"

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
page_of(const char *body, size_t len, const char *media_type)
{
	return (struct page){.charsets = &charsets,
	    .url = "https://h.pl/a/b?c=d",
	    .status = 200,
	    .media_type = media_type,
	    .raw = body,
	    .raw_len = len,
	    .decoded = &decoded};
}

static void
bytes_become_utf8(void **state)
{
#define S(s) s, sizeof(s) - 1
	static const struct {
		const char *type, *bytes;
		size_t len;
		const char *wanted;
	} cases[] = {
	    {"text/html", S("za\xc5\xbc"), "zaż"},
	    {"text/html; charset=utf-8", S("\xef\xbb\xbfza"), "za"},
	    {"text/html; charset=UTF-8",
		S("a\xff"
		  "b\xc5"),
		"a\xef\xbf\xbd"
		"b\xef\xbf\xbd"},
	    {"text/html", S("a\0b"),
		"a\xef\xbf\xbd"
		"b"},
	    {"text/html", S("\xed\xa0\x80"),
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"text/html; charset=ISO-8859-2", S("za\xbf\xf3\xb1\xe6"),
		"zażóąć"},
	    {"text/html; charset=\"windows-1250\"", S("za\xbf\xf3\xb9\x9c"),
		"zażóąś"},
	    {"text/html",
		S("<meta charset=iso-8859-2>\xb6"), /* only the head tells */
		"<meta charset=iso-8859-2>ś"},
	    {"text/html",
		S("<meta http-equiv=Content-Type "
		  "content='text/html; charset=windows-1250'>\x9c"),
		"<meta http-equiv=Content-Type "
		"content='text/html; charset=windows-1250'>ś"},
	    {"text/html; charset=utf-8", S("<meta charset=iso-8859-2>\xc5\x9b"),
		"<meta charset=iso-8859-2>ś"},
	    {"text/html; charset=no-such", S("\xc5\x9b"), "ś"},
	    {"text/html; charset=windows-1252", S("\x80"), "€"},
	    {"", S(""), ""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct page page =
		    page_of(cases[i].bytes, cases[i].len, cases[i].type);
		size_t len;
		const char *text = probe_page_text(&page, &len);

		assert_int_equal(len, strlen(cases[i].wanted));
		assert_memory_equal(text, cases[i].wanted, len);
		assert_true(text_utf8_valid(text, len));
		probe_page_end(&page);
	}
}

/* extract compiles and runs one extractor; the value, "(none)"… */
static const char *
extract(struct page *page, const char *source)
{
	static struct conf_profile profile = {.name = "p", .path = "p"};
	struct conf_problems *problems = conf_problems_new();
	struct compiler compiler = {
	    .problems = problems, .profile = &profile, .arena = &arena};
	struct conf_text text = {source, "k", {"p", 1}};
	struct extractor extractor;
	const char *value = "";

	if (!probe_extract_compile(&compiler, &text, &extractor))
		fail_msg("%s", conf_problems_at(problems, 0));
	switch (probe_extract_run(&extractor, page, &values, &arena, &tmp[2])) {
	case FOUND:
		value = slots[0][extractor.slot].data;
		break;
	case FOUND_NOT:
		value = "(none)";
		break;
	case FOUND_TOO_COSTLY:
		value = "(costly)";
		break;
	case FOUND_TOO_LARGE:
		value = "(large)";
		break;
	}
	probe_selector_fini(&extractor.selector);
	conf_problems_free(problems);
	return value;
}

static void
extractors_find_values(void **state)
{
	static const char html[] =
	    "<html><head><title>T</title><body class='x'><div><p>za&#380;"
	    "&oacute;&#322; <b>tu<i>ta</b>j</i></p><table><tr><td>1<td>  "
	    "dyzurny-ff \n<td><a rel=7 href='/m/7?x=1&amp;y=2'>ok</tr><tr>"
	    "<td>2</table><script>var csrf = \"a<b\"; v: 'q'</script>";
	static const char json[] =
	    " {\"a\":{\"b\":[1,2.5,true,null,\"x\",{\"c\":\"\\u017c\"}]},"
	    "\"l\":[{\"t\":\"no\",\"id\":1},{\"t\":\"re: dyzurny-ff\","
	    "\"id\":22},{\"id\":3}],\"o\":{\"k\":{\"z\":5}},\"s\":\"\","
	    "\"m~/n\":4}";
	static const struct {
		const char *body, *source, *wanted;
	} cases[] = {
	    {html, "v = xpath //title", "T"},
	    {html, "v = xpath //p", "zażół tutaj"},
	    {html, "v = xpath //a/@href", "/m/7?x=1&y=2"},
	    {html, "v = xpath //tr[contains(., $run.mark)]//a/@rel", "7"},
	    {html, "v = xpath count(//tr)", "2"},
	    {html, "v = xpath substring-after(//body/@class, 'q')", "(none)"},
	    {html, "v = xpath //nosuch", "(none)"},
	    {html, "v ?= xpath //nosuch", ""},
	    {html, "v = between 'csrf = \"' '\"'", "a<b"},
	    {html, "v = between 'rel=' ' '", "7"},
	    {html, "v = between '${run.mark}' '<td>'", " \n"},
	    {html, "v = between 'csrf' 'nosuch'", "(none)"},
	    {html, "v = regex /v: '(.)'/", "q"},
	    {html, "v = regex /V: '.'/i", "v: 'q'"},
	    {html, "v = regex /(nosuch)?tu/", "(none)"},
	    {html, "v = regex /nosuch/", "(none)"},
	    {html, "v = json /a", "(none)"},
	    {html, "v = url", "https://h.pl/a/b?c=d"},
	    {html, "v = form nosuch", "(none)"},
	    {json, "v = json /a/b/0", "1"},
	    {json, "v = json /a/b/1", "2.5"},
	    {json, "v = json /a/b/2", "true"},
	    {json, "v = json /a/b/3", "(none)"},
	    {json, "v = json /a/b/4", "x"},
	    {json, "v = json /a/b/5", "{\"c\":\"ż\"}"},
	    {json, "v = json /a/b/*/c", "ż"},
	    {json, "v = json /s", ""},
	    {json, "v = json /m~0~1n", "4"},
	    {json, "v = json /l/*/id", "1"},
	    {json, "v = json /l/*/id where /t contains '${run.mark}'", "22"},
	    {json, "v = json /l/*/id where /t = 'no'", "1"},
	    {json, "v = json /l/* where /id = '3'", "{\"id\":3}"},
	    {json, "v = json /l/*/id where /t = 'none'", "(none)"},
	    {json, "v = json /o/*/z", "5"},
	    {json, "v = json /nosuch/*/z", "(none)"},
	    {json, "v = xpath //title", "(none)"},
	    {"", "v = xpath //a", "(none)"},
	    {"{\"a\":1} x", "v = json /a", "(none)"},
	    {"[[[[", "v = json /", "(none)"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct page page =
		    page_of(cases[i].body, strlen(cases[i].body), "");
		const char *got = extract(&page, cases[i].source);

		if (strcmp(got, cases[i].wanted) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", cases[i].source, got,
			    cases[i].wanted);
		probe_page_end(&page);
	}
}

static void
forms_give_their_hidden_fields(void **state)
{
	static const struct {
		const char *title, *body, *fields, *action;
	} cases[] = {
	    {"a good form",
		"<form action='/x'><input type=hidden name=a value=1><input "
		"type=text name=b value=2><input name=f></form>",
		"a=1;", "https://h.pl/x"},
	    {"entities, raw > and quotes",
		"<form action='y?p=1&amp;q=2'><input type='HIDDEN' name='w' "
		"value='&lt;t a=\"1\">b&#380;&lt;/t>'><input name=f></form>",
		"w=<t a=\"1\">bż</t>;", "https://h.pl/a/y?p=1&q=2"},
	    {"the form that holds the field, of two",
		"<form action=/1><input type=hidden name=a value=1></form>"
		"<form action=/2><input type=hidden name=b value=2>"
		"<input name=f></form>",
		"b=2;", "https://h.pl/2"},
	    {"no action: the page itself",
		"<form><input type=hidden name=a><select name=f></form>", "a=;",
		"https://h.pl/a/b?c=d"},
	    {"a form cut short by a table, the one on the page",
		"<table><form action=/t><tr><td><input type=hidden name=a "
		"value=1></td></tr></form></table><input type=hidden name=z "
		"value=9><input name=f>",
		"a=1;z=9;", "https://h.pl/t"},
	    {"no form at all",
		"<div><input type=hidden name=a value=1><input name=f></div>",
		"a=1;", "https://h.pl/a/b?c=d"},
	    {"a field that names its form",
		"<form id=p action=/p><input type=hidden name=a value=1></form>"
		"<form action=/q><input type=hidden name=b></form>"
		"<input name=f form=p><input type=hidden form=p name=c "
		"value=3>",
		"a=1;c=3;", "https://h.pl/p"},
	    {"disabled and nameless ones are left out",
		"<form action=/x><input type=hidden name=a disabled value=1>"
		"<input type=hidden value=2><input name=f></form>",
		"", "https://h.pl/x"},
	    {"base",
		"<base href='https://h.pl/root/'><form action=x>"
		"<input name=f></form>",
		"", "https://h.pl/root/x"},
	    {"never closed",
		"<form action=/x><p><b><input type=hidden name=a value=1>"
		"<div><input name=f",
		"a=1;", "https://h.pl/x"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct page page =
		    page_of(cases[i].body, strlen(cases[i].body), "");
		struct buf fields, shown;
		enum charset charset;
		char *action = NULL;
		const char *p;

		buf_init(&fields, PROBE_VALUE_MAX);
		buf_init(&shown, PROBE_VALUE_MAX);
		if (!probe_page_form(&page, "f", &fields, &action, &charset))
			fail_msg("%s: no form", cases[i].title);
		for (p = fields.data; p != NULL && p < fields.data + fields.len;
		     p += strlen(p) + 1) {
			buf_adds(&shown, p);
			p += strlen(p) + 1;
			buf_printf(&shown, "=%s;", p);
		}
		if (strcmp(shown.data, cases[i].fields) != 0 ||
		    strcmp(action, cases[i].action) != 0)
			fail_msg(
			    "%s: %s to %s", cases[i].title, shown.data, action);
		free(action);
		buf_fini(&fields);
		buf_fini(&shown);
		probe_page_end(&page);
	}
}

static bool
check(struct page *page, const char *source)
{
	static struct conf_profile profile = {.name = "p", .path = "p"};
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
	return found == FOUND;
}

static void
checks_hold_or_not(void **state)
{
	static const struct named seen[] = {{"X-A", "abc"}, {"X-No", NULL}};
	static const char html[] = "<p class=o>Za\xbf\xf3\xb3\xe6 1</p>";
	static const char json[] = "{\"a\":\"xyz\",\"n\":null,\"t\":true}";
	static const struct {
		const char *body, *source;
		bool wanted;
	} cases[] = {
	    {html, "status 200", true},
	    {html, "status in 201..299", false},
	    {html, "not status 404", true},
	    {html, "body contains 'Zażółć'", true},
	    {html, "body lacks 'Zażółć'", false},
	    {html, "not body lacks 'Zażółć'", true},
	    {html, "body contains ''", true},
	    {html, "url contains '/b?'", true},
	    {html, "url lacks '/start'", true},
	    {html, "header x-a contains 'b'", true},
	    {html, "header X-A contains 'z'", false},
	    {html, "header X-No contains ''", false},
	    {html, "cookie X-A", true},
	    {html, "cookie X-No", false},
	    {html, "size at least 10", true},
	    {html, "size at least 1000", false},
	    {html, "xpath //p", true},
	    {html, "xpath //a", false},
	    {html, "not xpath //a", true},
	    {html, "xpath count(//a)", false},
	    {html, "xpath count(//p) = 1", true},
	    {html, "xpath string(//a)", false},
	    {html, "xpath //p[contains(., 'żół')]", true},
	    {html, "regex /Za\\p{L}+ \\d/", true},
	    {json, "json /a", true},
	    {json, "json /n", false},
	    {json, "json /a = 'xyz'", true},
	    {json, "json /a = 'xy'", false},
	    {json, "json /a contains 'xy'", true},
	    {json, "json /t = 'true'", true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct page page = page_of(cases[i].body, strlen(cases[i].body),
		    "text/html; charset=iso-8859-2");

		page.headers = page.cookies = seen;
		page.n_headers = page.n_cookies = 2;
		if (check(&page, cases[i].source) != cases[i].wanted)
			fail_msg("%s", cases[i].source);
		probe_page_end(&page);
	}
}

static void
what_is_too_expensive_is_stopped_and_told_apart(void **state)
{
	struct page page;
	struct buf body;
	size_t i;

	(void)state;
	buf_init(&body, 4 << 20);
	for (i = 0; i < 40; i++)
		buf_addc(&body, 'a');
	buf_addc(&body, '!');
	page = page_of(body.data, body.len, "");
	assert_string_equal(extract(&page, "v = regex /^(a+)+$/"), "(costly)");
	probe_page_end(&page);

	buf_reset(&body);
	buf_adds(&body, "<body>");
	for (i = 0; i < 4000; i++)
		buf_adds(&body, "<p>x</p>");
	page = page_of(body.data, body.len, "");
	assert_string_equal(
	    extract(&page, "v = xpath count(//p[count(//p[. = 'x']) > 1])"),
	    "(costly)");
	/* the same page can still be asked something else */
	assert_string_equal(extract(&page, "v = xpath count(//p)"), "4000");
	probe_page_end(&page);

	buf_reset(&body);
	buf_adds(&body, "<p>");
	for (i = 0; i <= PROBE_VALUE_MAX; i++)
		buf_addc(&body, 'x');
	buf_adds(&body, "</p>y");
	page = page_of(body.data, body.len, "");
	assert_string_equal(extract(&page, "v = xpath //p"), "(large)");
	assert_string_equal(
	    extract(&page, "v = between '<p>' '</p>'"), "(large)");
	probe_page_end(&page);
	buf_fini(&body);
}

static void
hostile_pages_do_no_harm(void **state)
{
	static const char *const bits[] = {"<div>", "<table><form>",
	    "<!DOCTYPE x SYSTEM \"file:///etc/passwd\" [<!ENTITY a \"b\">]>",
	    "<a b='", "&#0;&#x110000;&#xD800;&amp", "<script>", "<!--", "]]>",
	    "\xc3", "<input name=f", "[{\"a\":", "{\"a\":1,\"a\":2}", "<svg/>"};
	struct buf body;
	size_t bit, i;

	(void)state;
	buf_init(&body, 4 << 20);
	for (bit = 0; bit < ARRAY_LEN(bits); bit++) {
		struct page page;
		enum charset charset;
		struct buf fields;
		char *action = NULL;

		buf_reset(&body);
		for (i = 0; i < 20000; i++)
			buf_adds(&body, bits[bit]);
		page = page_of(body.data, body.len, "");
		buf_init(&fields, PROBE_VALUE_MAX);
		extract(&page, "v ?= xpath //a");
		extract(&page, "v ?= json /a");
		(void)probe_page_form(&page, "f", &fields, &action, &charset);
		free(action);
		probe_page_end(&page);
		buf_fini(&fields);
	}
	buf_fini(&body);
}

static void
a_title_is_squeezed_and_its_digits_hidden(void **state)
{
	static const char html[] =
	    "<title>  Konto\n 12345 \t ZaŻółć gęślą jaźń, ciąg dalszy bardzo "
	    "długiego tytułu strony</title>";
	struct page page = page_of(html, strlen(html), "");
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	probe_page_title(&page, &out);
	assert_true(out.len <= 64);
	assert_true(text_utf8_valid(out.data, out.len));
	assert_int_equal(strncmp(out.data, "Konto ##### ZaŻółć gęślą", 30), 0);
	buf_fini(&out);
	probe_page_end(&page);
}

static void
what_a_selector_selects_is_counted(void **state)
{
	static const char html[] =
	    "<table><tr><td>dyzurny-ff<tr><td>x<tr><td>dyzurny-ff</table>";
	static const char json[] =
	    "{\"a\":[{\"t\":\"x\"},{\"t\":null},{\"t\":\"xy\"},7]}";
	static const struct {
		const char *body, *selector;
		size_t count;
	} cases[] = {
	    {html, "xpath //tr[contains(., $run.mark)]", 2},
	    {html, "xpath //tr", 3},
	    {html, "xpath //th", 0},
	    {html, "xpath count(//td) + 2", 5},
	    {html, "xpath 0 div 0", 0},
	    {html, "xpath -1", 0},
	    {html, "xpath 'x'", 0},
	    {html, "json /a/*", 0},
	    {json, "json /a/*", 4},
	    {json, "json /a/*/t", 2},
	    {json, "json /a/* where /t contains 'x'", 2},
	    {json, "json /a/* where /t = 'x'", 1},
	    {json, "json /b/*", 0},
	};
	static struct conf_profile profile = {.name = "p", .path = "p"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct page page =
		    page_of(cases[i].body, strlen(cases[i].body), "text/html");
		struct conf_problems *problems = conf_problems_new();
		struct compiler compiler = {
		    .problems = problems, .profile = &profile, .arena = &arena};
		struct conf_text text = {cases[i].selector, "k", {"p", 1}};
		struct selector selector;
		struct scan scan;

		probe_scan_begin(&scan, &compiler, &text);
		assert_int_equal(probe_selector_scan(&scan, &selector), 1);
		assert_int_equal(
		    probe_selector_count(&selector, &page, &values),
		    cases[i].count);
		probe_selector_fini(&selector);
		conf_problems_free(problems);
		probe_page_end(&page);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, clear)
	const struct CMUnitTest tests[] = {
	    T(bytes_become_utf8),
	    T(extractors_find_values),
	    T(forms_give_their_hidden_fields),
	    T(checks_hold_or_not),
	    T(what_is_too_expensive_is_stopped_and_told_apart),
	    T(hostile_pages_do_no_harm),
	    T(a_title_is_squeezed_and_its_digits_hidden),
	    T(what_a_selector_selects_is_counted),
	};

	probe_init_libraries();
	probe_charsets_init(&charsets);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
