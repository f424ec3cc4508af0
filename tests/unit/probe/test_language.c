/* The languages of a profile: what compiles, what is refused and how that is
 * said, and what templates give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/buf.h"
#include "daemon/probe/probe-int.h"
#include "probe/probe.h"
#include "tests/unit/conf/folder.h"

static const char *vars[] = {"host", "city"};
static struct conf_profile profile = {
    .name = "p", .path = "p.cfg", .vars = vars, .n_vars = 2};
static struct arena arena;
static struct compiler compiler;
static struct conf_problems *problems;
static struct buf tmp[3];
static struct value slots[2][8];
static struct values values;

static int
begin(void **state)
{
	static struct conf_pair pairs[2] = {
	    {"host", {"h.pl", "", {"c", 1}}}, {"city", {"Łódź", "", {"c", 1}}}};
	static struct conf_account_field fields[2];
	static struct conf_account sender = {
	    .name = "a", .n_fields = 2, .fields = fields};
	static struct conf_deployment deployment;
	size_t i;

	(void)state;
	fields[0] = (struct conf_account_field){"user", secret_new("a&b", 3)};
	fields[1] =
	    (struct conf_account_field){"password", secret_new("\"x\\", 3)};
	deployment = (struct conf_deployment){
	    .name = "d", .vars = pairs, .n_vars = 2, .sender = &sender};
	arena_init(&arena, 1 << 20);
	problems = conf_problems_new();
	compiler = (struct compiler){
	    .problems = problems, .profile = &profile, .arena = &arena};
	compiler.names[0] = (struct name){"token", false};
	compiler.names[1] = (struct name){"f", true};
	compiler.names[2] = (struct name){"f.action", false};
	compiler.names[3] = (struct name){"unset", false};
	compiler.n_names = 4;
	memset(slots, 0, sizeof(slots));
	slots[0][0] = (struct value){" t+1 ", 5, CHARSET_UTF8};
	slots[0][2] = (struct value){"https://h/a?b", 13, CHARSET_UTF8};
	for (i = 0; i < 3; i++)
		buf_init(&tmp[i], PROBE_VALUE_MAX);
	values = (struct values){
	    .deployment = &deployment,
	    .run_id = "0123",
	    .run_mark = "dyzurny-ff",
	    .run_uuid = "u-u",
	    /* 2026-03-29 00:59:59 UTC: one second before summer time */
	    .now = INT64_C(1774745999123) * 1000,
	    .vars = {slots[0], slots[1]},
	    .tmp = tmp,
	};
	return 0;
}

static int
clear(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++)
		secret_free(values.deployment->sender->fields[i].value);
	for (i = 0; i < 3; i++)
		buf_fini(&tmp[i]);
	arena_fini(&arena);
	conf_problems_free(problems);
	return 0;
}

static struct conf_text
text_of(const char *value)
{
	return (struct conf_text){value, "k", {"p.cfg", 3}};
}

static void
templates_expand(void **state)
{
	static const struct {
		const char *template, *wanted;
	} cases[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"a $ b $$ c $$$ d$", "a $ b $ c $$ d$"},
	    {"$${host}", "${host}"},
	    {"https://${host}/x", "https://h.pl/x"},
	    {"${host}${host}", "h.plh.pl"},
	    {"${city|url}", "%C5%81%C3%B3d%C5%BA"},
	    {"${city|lower}", "Łódź"},
	    {"${sender.user}", "a&b"},
	    {"${account.user|url}", "a%26b"},
	    {"${account.user|html}", "a&amp;b"},
	    {"${account.password|json}", "\\\"x\\\\"},
	    {"${token}|", " t+1 |"},
	    {"${token|trim}", "t+1"},
	    {"${token|trim|base64}", "dCsx"},
	    {"${token|trim|upper|url}", "T%2B1"},
	    {"${f.action}", "https://h/a?b"},
	    {"${run.id} ${run.mark} ${run.uuid}", "0123 dyzurny-ff u-u"},
	    {"${now} ${now.ms}", "1774745999 1774745999123"},
	    {"${now.date} ${now.time}", "2026-03-29 01:59:59"},
	    {"${date-1d} ${date+3d} ${date-365d}",
		"2026-03-28 2026-04-01 2025-03-29"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf_text text = text_of(cases[i].template);
		struct template template;
		struct buf out;

		buf_init(&out, 4096);
		if (!probe_template_whole(&compiler, &text, &template))
			fail_msg("%s: %s", cases[i].template,
			    conf_problems_at(problems, 0));
		assert_null(probe_template_expand(&template, &values, &out));
		assert_string_equal(
		    out.data == NULL ? "" : out.data, cases[i].wanted);
		buf_fini(&out);
	}
}

static void
summer_time_begins_and_ends_on_the_hour(void **state)
{
	static const struct {
		int64_t at;
		const char *wanted;
	} cases[] = {
	    {1774745999, "2026-03-29 01:59:59"},
	    {1774746000, "2026-03-29 03:00:00"},
	    {1792889999, "2026-10-25 02:59:59"},
	    {1792890000, "2026-10-25 02:00:00"},
	    {1798758000, "2027-01-01 00:00:00"},
	};
	struct conf_text text = text_of("${now.date} ${now.time}");
	struct template template;
	size_t i;

	(void)state;
	assert_true(probe_template_whole(&compiler, &text, &template));
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 4096);
		values.now = cases[i].at * US_PER_S;
		assert_null(probe_template_expand(&template, &values, &out));
		assert_string_equal(out.data, cases[i].wanted);
		buf_fini(&out);
	}
}

static void
a_value_that_is_missing_is_named(void **state)
{
	struct conf_text text = text_of("x${unset}y");
	struct template template;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_true(probe_template_whole(&compiler, &text, &template));
	assert_string_equal(
	    probe_template_expand(&template, &values, &out), "unset");
	slots[1][3] = (struct value){"other", 5, CHARSET_UTF8};
	buf_reset(&out);
	assert_null(probe_template_expand(&template, &values, &out));
	assert_string_equal(out.data, "xothery");
	buf_fini(&out);
}

static void
a_value_that_does_not_fit_is_told_apart(void **state)
{
	struct conf_text text = text_of("x${token}${token}");
	struct template template;
	struct buf out;

	(void)state;
	buf_init(&out, 8);
	assert_true(probe_template_whole(&compiler, &text, &template));
	assert_string_equal(
	    probe_template_expand(&template, &values, &out), "");
	buf_fini(&out);
}

enum language { TEMPLATE, EXTRACT, CHECK };

static void
mistakes_are_told_with_key_and_column(void **state)
{
	static const struct {
		enum language language;
		const char *text, *problem; /* NULL: it is right */
	} cases[] = {
	    {TEMPLATE, "ab${hozt}", "column 5: unknown name \"hozt\"; did you"},
	    {TEMPLATE, "${zzzzz}",
		"unknown name \"zzzzz\": known here are host, "},
	    {TEMPLATE, "a${host", "column 2: \"${\" without \"}\""},
	    {TEMPLATE, "${}", "names nothing"},
	    {TEMPLATE, "${host|urll}", "unknown filter \"urll\": url, json"},
	    {TEMPLATE, "${host|lower|lower|lower|lower|lower}",
		"at most 4 filters"},
	    {TEMPLATE, "${f}", "\"f\" is a form: use"},
	    {TEMPLATE, "${date-d}", "unknown name"},
	    {TEMPLATE, "${date-1000d}", "unknown name"},
	    {EXTRACT, "a = json /x/0", NULL},
	    {EXTRACT, "a ?= json /", NULL},
	    {EXTRACT, "a = json /x/*/id where /t = 'a${token}'", NULL},
	    {EXTRACT, "a = json /x/* where /t contains \"q\"", NULL},
	    {EXTRACT, "a = json x", "column 10: a JSON pointer such as"},
	    {EXTRACT, "a = json /a~2", "a JSON pointer such as"},
	    {EXTRACT, "a = json /a/*/b/*/c", "only one part"},
	    {EXTRACT, "a = json /x where /t = 'a'", "needs a \"*\""},
	    {EXTRACT, "a = json /*/b where /t", "= or contains"},
	    {EXTRACT, "a = json /*/b where t = 'x'", "into the element"},
	    {EXTRACT, "a = json /a b", "nothing may follow"},
	    {EXTRACT, "a = xpath //a[@b='c']/@d", NULL},
	    {EXTRACT, "a = xpath //tr[contains(., $run.mark)]", NULL},
	    {EXTRACT, "a = xpath //tr[contains(., $mark)]",
		"column 29: unknown name \"mark\""},
	    {EXTRACT, "a = xpath '$mark'", NULL},
	    {EXTRACT, "a = xpath //a[",
		"column 15: not an XPath 1.0 expression "},
	    {EXTRACT, "a = xpath", "an XPath expression is needed"},
	    {EXTRACT, "a = regex /x(y)/i", NULL},
	    {EXTRACT, "a = regex /x\\/y/", NULL},
	    {EXTRACT, "a = regex /x(y/", "column 15: bad pattern: "},
	    {EXTRACT, "a = regex /xy", "never closed with a slash"},
	    {EXTRACT, "a = regex //", "the pattern is empty"},
	    {EXTRACT, "a = regex xy", "between slashes"},
	    {EXTRACT, "a = form login", NULL},
	    {EXTRACT, "a = form", "the name of a field"},
	    {EXTRACT, "a = form x y", "nothing may follow"},
	    {EXTRACT, "token = form x", "is a form in one step and a text"},
	    {EXTRACT, "host = url", "already one of the profile's vars"},
	    {EXTRACT, "a = header Location", NULL},
	    {EXTRACT, "a = cookie sid", NULL},
	    {EXTRACT, "a = between 'x' \"y\"", NULL},
	    {EXTRACT, "a = between 'x\\'' \"\\\\\"", NULL},
	    {EXTRACT, "a = between 'x'", "a text in quotes"},
	    {EXTRACT, "a = between 'x 'y'", "a text in quotes"},
	    {EXTRACT, "a = between 'x' 'y", "the quote is never closed"},
	    {EXTRACT, "a = url", NULL},
	    {EXTRACT, "a = uri", "column 5: unknown extractor: json, xpath"},
	    {EXTRACT, "a url", "column 3: = or ?= is needed"},
	    {EXTRACT, "= url", "begins with NAME ="},
	    {EXTRACT, "9a = url", "begins with NAME ="},
	    {EXTRACT, "", "begins with NAME ="},
	    {CHECK, "status 200", NULL},
	    {CHECK, "not status in 300..399", NULL},
	    {CHECK, "status 20", "between 100 and 599"},
	    {CHECK, "status in 300..200", "between 100 and 599"},
	    {CHECK, "status in 200-299", "written 200..299"},
	    {CHECK, "status ok", "column 8: a whole number"},
	    {CHECK, "status 200 301", "column 12: nothing may follow"},
	    {CHECK, "body contains 'Zażółć ${run.mark}'", NULL},
	    {CHECK, "body lacks \"x\"", NULL},
	    {CHECK, "body has 'x'", "column 6: contains or lacks"},
	    {CHECK, "body contains x", "column 15: a text in quotes"},
	    {CHECK, "body contains '${nope}'", "unknown name \"nope\""},
	    {CHECK, "header X-A contains 'b'", NULL},
	    {CHECK, "header X-A lacks 'b'", "contains is needed"},
	    {CHECK, "header", "the name of a header"},
	    {CHECK, "url contains '/start'", NULL},
	    {CHECK, "cookie sid", NULL},
	    {CHECK, "size at least 100", NULL},
	    {CHECK, "size 100", "size at least N"},
	    {CHECK, "size at least 999999999999", "a whole number"},
	    {CHECK, "json /a/b", NULL},
	    {CHECK, "json /a/b = 'x'", NULL},
	    {CHECK, "json /a/*/b where /c = 'd' contains 'x'", NULL},
	    {CHECK, "json /a/b > 3", "column 11: nothing may follow"},
	    {CHECK, "xpath count(//a) > 3", NULL},
	    {CHECK, "regex /x/", NULL},
	    {CHECK, "not not cookie a", "unknown check"},
	    {CHECK, "boddy contains 'x'", "column 1: unknown check: status"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf_text text = text_of(cases[i].text);
		struct template template;
		struct extractor extractor = {0};
		struct check check = {0};
		bool good = false;

		conf_problems_free(problems);
		problems = compiler.problems = conf_problems_new();
		compiler.n_names = 4;
		switch (cases[i].language) {
		case TEMPLATE:
			good =
			    probe_template_whole(&compiler, &text, &template);
			break;
		case EXTRACT:
			good =
			    probe_extract_compile(&compiler, &text, &extractor);
			break;
		case CHECK:
			good = probe_check_compile(&compiler, &text, &check);
			break;
		}
		probe_selector_fini(&extractor.selector);
		probe_selector_fini(&check.selector);
		if (good != (cases[i].problem == NULL))
			fail_msg("%s: %s", cases[i].text,
			    good ? "compiles" : conf_problems_at(problems, 0));
		if (good) {
			assert_int_equal(conf_problems_count(problems), 0);
			continue;
		}
		if (strstr(conf_problems_at(problems, 0), cases[i].problem) ==
			NULL ||
		    strncmp(conf_problems_at(problems, 0),
			"p.cfg:3: k: column ", 19) != 0)
			fail_msg("%s: %s, not %s", cases[i].text,
			    conf_problems_at(problems, 0), cases[i].problem);
	}
}

/* Whole profiles: all problems, each with its key. */
static void
a_profile_tells_all_its_problems(void **state)
{
	static const char text[] =
	    "hosts = ( \"${host}\", \"a.${nope}\" ); vars = ( \"host\" );\n"
	    "headers = { X-T = \"${late}\"; };\n"
	    "transactions = (\n"
	    "  { name = \"login\"; steps = (\n"
	    "    { name = \"a\"; get = \"https://else.pl/\";\n"
	    "      extract = ( \"late = url\", \"b = jason /x\" );\n"
	    "      expect = ( \"status 1\", \"xpath //[\" ); },\n"
	    "    { name = \"c\"; post = \"ftp://${host}/\";\n"
	    "      form = ( \"*late\" ); } ); },\n"
	    "  { name = \"m\"; steps = ( { name = \"u\"; use = \"login\"; "
	    "as = \"recipient\"; } ); }\n"
	    ");\n"
	    "markers = ( { json = \"x\"; reason = \"captcha\"; },\n"
	    "  { xpath = \"//a[\"; reason = \"captcha\"; } );\n";
	static const char *const wanted[] = {
	    "hosts[1]: column 5: unknown name \"nope\"",
	    "headers.X-T: column 3: unknown name \"late\"",
	    "steps[0].get: column 9: \"else.pl\" is not one of the",
	    "steps[0].extract[1]: column 5: unknown extractor",
	    "steps[0].expect[0]: column 8: a status lies between",
	    "steps[0].expect[1]: column 9: not an XPath",
	    "steps[1].post: column 1: an address begins with",
	    "steps[1].form[0]: column 1: \"*\" takes the name of a form",
	    "markers[0].json: ",
	    "markers[1].xpath: ",
	};
	struct conf_problems *found = conf_problems_new();
	struct conf *conf;
	struct buf all;
	size_t i;

	(void)state;
	folder_enter();
	folder_write("p.cfg", text);
	folder_write("c.cfg", TOP OPERATORS);
	conf = conf_load("c.cfg", found);
	if (conf == NULL)
		fail_msg("%s", conf_problems_at(found, 0));
	assert_null(probe_compile(&conf->profiles[0], found));
	buf_init(&all, 65536);
	for (i = 0; i < conf_problems_count(found); i++)
		buf_printf(&all, "%s\n", conf_problems_at(found, i));
	for (i = 0; i < ARRAY_LEN(wanted); i++)
		if (strstr(all.data, wanted[i]) == NULL)
			fail_msg("no \"%s\" in\n%s", wanted[i], all.data);
	buf_fini(&all);
	conf_problems_free(found);
	conf_release(conf);
	folder_leave();
}

static void
a_deployment_must_have_what_the_profile_asks_for(void **state)
{
	struct conf_problems *found = conf_problems_new();
	struct probe_program *program;
	struct conf *conf;

	(void)state;
	folder_enter();
	folder_write("p.cfg",
	    "hosts = ( \"${host}\" ); vars = ( \"host\" );\n"
	    "transactions = ( { name = \"login\"; steps = (\n"
	    "{ name = \"a\"; get = \"https://${host}/${account.pin}\"; },\n"
	    "{ name = \"b\"; as = \"recipient\"; "
	    "get = \"https://${host}/${account.box}/${sender.user}\"; } ); } "
	    ");\n");
	folder_write("c.cfg", TOP OPERATORS);
	conf = conf_load("c.cfg", found);
	if (conf == NULL)
		fail_msg("%s", conf_problems_at(found, 0));
	program = probe_compile(&conf->profiles[0], found);
	assert_non_null(program);
	probe_check_deployment(
	    program, &conf->operators[0].deployments[0], found);
	assert_int_equal(conf_problems_count(found), 2);
	assert_non_null(strstr(
	    conf_problems_at(found, 0), "account \"a\" has no value \"pin\""));
	assert_non_null(strstr(
	    conf_problems_at(found, 1), "account \"b\" has no value \"box\""));
	assert_int_equal(probe_program_transactions(program), 1);
	assert_string_equal(probe_program_transaction(program, 0), "login");
	probe_program_release(probe_program_hold(program));
	probe_program_release(program);
	conf_problems_free(found);
	conf_release(conf);
	folder_leave();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, clear)
	const struct CMUnitTest tests[] = {
	    T(templates_expand),
	    T(summer_time_begins_and_ends_on_the_hour),
	    T(a_value_that_is_missing_is_named),
	    T(a_value_that_does_not_fit_is_told_apart),
	    T(mistakes_are_told_with_key_and_column),
	    cmocka_unit_test(a_profile_tells_all_its_problems),
	    cmocka_unit_test(a_deployment_must_have_what_the_profile_asks_for),
	};

	probe_init_libraries();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
