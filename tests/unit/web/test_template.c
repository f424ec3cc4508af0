/* The template engine: what it fills in, what it escapes, what it refuses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "daemon/web/template.h"

static struct jv *
parse(const char *text)
{
	char problem[128] = "";
	struct jv *value = jv_parse(text, strlen(text), problem, 128);

	if (value == NULL)
		fail_msg("%s: %s", problem, text);
	return value;
}

static void
check(const char *template, const char *data, const char *expected)
{
	struct template_set *set = template_set_new();
	struct jv *value = parse(data);
	struct jv *texts = parse("{\"a\":{\"b\":\"Stan & więcej\"}}");
	char problem[128] = "";
	struct buf out;

	buf_init(&out, 4096);
	assert_int_equal(template_add(set, "part", "[{{name}}]", 10, problem,
			     sizeof(problem)),
	    0);
	if (template_add(set, "page", template, strlen(template), problem,
		sizeof(problem)) != 0)
		fail_msg("%s: %s", template, problem);
	assert_true(template_render(set, "page", value, texts, &out));
	assert_string_equal(out.data, expected);
	buf_fini(&out);
	jv_release(value);
	jv_release(texts);
	template_set_free(set);
}

static void
values_are_filled_in_and_escaped(void **state)
{
	static const struct {
		const char *template, *data, *expected;
	} cases[] = {
	    {"plain", "{}", "plain"},
	    {"{{x}}", "{\"x\":\"<b a=\\\"1\\\">&'\"}",
		"&lt;b a=&quot;1&quot;&gt;&amp;&#39;"},
	    {"{{ x }}-{{y}}", "{\"x\":12,\"y\":1.5}", "12-1.5"},
	    {"{{x}}|{{y}}|{{z}}", "{\"x\":null,\"y\":true,\"z\":[1]}",
		"|true|"},
	    {"{{a.b.c}}", "{\"a\":{\"b\":{\"c\":\"deep\"}}}", "deep"},
	    {"{{a.x.c}}", "{\"a\":{\"b\":1}}", ""},
	    {"{{t.a.b}}", "{}", "Stan &amp; więcej"},
	    {"a{{! a note }}b", "{}", "ab"},
	    {"a { b } {c}", "{}", "a { b } {c}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(cases[i].template, cases[i].data, cases[i].expected);
}

static void
sections_repeat_choose_and_nest(void **state)
{
	static const struct {
		const char *template, *data, *expected;
	} cases[] = {
	    {"{{#l}}<{{.}}>{{/l}}", "{\"l\":[1,\"a\",2]}", "<1><a><2>"},
	    {"{{#l}}{{n}},{{/l}}{{^l}}none{{/l}}",
		"{\"l\":[{\"n\":1},{\"n\":2}]}", "1,2,"},
	    {"{{#l}}x{{/l}}{{^l}}none{{/l}}", "{\"l\":[]}", "none"},
	    {"{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":false}", "no"},
	    {"{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":0}", "no"},
	    {"{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":\"\"}", "no"},
	    {"{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":null}", "no"},
	    {"{{#x}}yes {{x}}{{/x}}", "{\"x\":\"v\"}", "yes v"},
	    {"{{#o}}{{a}}{{b}}{{/o}}", "{\"o\":{\"a\":1},\"b\":2}", "12"},
	    /* what is null inside hides what is outside */
	    {"{{#o}}{{#b}}x{{/b}}{{/o}}", "{\"o\":{\"b\":null},\"b\":2}", ""},
	    {"{{#a}}{{#b}}{{n}}{{m}} {{/b}}{{/a}}",
		"{\"a\":[{\"n\":1,\"b\":[{\"m\":2},{\"m\":3}]}]}", "12 13 "},
	    {"{{#l}}{{>part}}{{/l}}",
		"{\"l\":[{\"name\":\"a\"},{\"name\":\"b\"}]}", "[a][b]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(cases[i].template, cases[i].data, cases[i].expected);
}

static void
a_section_tag_alone_on_its_line_leaves_no_line(void **state)
{
	(void)state;
	check("a\n{{#x}}\nb\n{{/x}}\nc\n", "{\"x\":true}", "a\nb\nc\n");
	check("a\n  {{#x}}  \n  b\n  {{/x}}\nc\n", "{\"x\":[1,2]}",
	    "a\n  b\n  b\nc\n");
	check("{{#x}}\n{{/x}}\n", "{\"x\":true}", "");
	check("a {{#x}}b{{/x}}\nc", "{\"x\":true}", "a b\nc");
	check("{{#x}} {{/x}}\n|", "{\"x\":true}", " \n|");
	check("{{y}} {{#x}}\nb{{/x}}", "{\"x\":true,\"y\":1}", "1 \nb");
}

static void
templates_that_do_not_hold_together_are_refused(void **state)
{
	static const char *const cases[] = {"{{", "{{x", "{{}}", "{{#a}}",
	    "{{/a}}", "{{#a}}{{/b}}", "{{#a}}{{#b}}{{/a}}{{/b}}", "{{x y}}",
	    "{{{x}}}", "{{&x}}", "{{X}}", "{{#}}"};
	char problem[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct template_set *set = template_set_new();

		problem[0] = '\0';
		if (template_add(set, "x", cases[i], strlen(cases[i]), problem,
			sizeof(problem)) != -EINVAL)
			fail_msg("accepted: %s", cases[i]);
		assert_string_not_equal(problem, "");
		template_set_free(set);
	}
}

static void
missing_parts_and_texts_are_found_before_use(void **state)
{
	struct template_set *set = template_set_new();
	struct jv *texts = parse("{\"a\":{\"b\":\"x\"}}");
	char problem[128] = "";

	(void)state;
	assert_int_equal(
	    template_add(set, "x", "{{t.a.b}}", 9, problem, 128), 0);
	assert_int_equal(template_check(set, texts, problem, 128), 0);
	assert_int_equal(
	    template_add(set, "x", "again", 5, problem, 128), -EEXIST);
	assert_int_equal(
	    template_add(set, "y", "{{t.a.c}}", 9, problem, 128), 0);
	assert_int_equal(template_check(set, texts, problem, 128), -ENOENT);
	assert_non_null(strstr(problem, "a.c"));
	template_set_free(set);
	set = template_set_new();
	assert_int_equal(template_add(set, "x", "{{>y}}", 6, problem, 128), 0);
	assert_int_equal(template_check(set, texts, problem, 128), -ENOENT);
	template_set_free(set);
	jv_release(texts);
}

static void
a_part_that_holds_itself_ends(void **state)
{
	struct template_set *set = template_set_new();
	struct jv *data = parse("{}");
	char problem[128];
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(template_add(set, "x", "a{{>x}}", 7, problem, 128), 0);
	assert_false(template_render(set, "x", data, data, &out));
	assert_false(template_render(set, "nothing", data, data, &out));
	buf_fini(&out);
	jv_release(data);
	template_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_filled_in_and_escaped),
	    cmocka_unit_test(sections_repeat_choose_and_nest),
	    cmocka_unit_test(a_section_tag_alone_on_its_line_leaves_no_line),
	    cmocka_unit_test(templates_that_do_not_hold_together_are_refused),
	    cmocka_unit_test(missing_parts_and_texts_are_found_before_use),
	    cmocka_unit_test(a_part_that_holds_itself_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
