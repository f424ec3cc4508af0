/*
 * JSON: what is refused, what is written, how values are found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static struct jv *
parse(const char *text)
{
	char problem[200] = "";
	struct jv *value =
	    jv_parse(text, strlen(text), problem, sizeof(problem));

	if (value == NULL)
		fail_msg("%s: %s", text, problem);
	return value;
}

static void
assert_dump(const struct jv *value, const char *text)
{
	struct buf out;

	buf_init(&out, 100000);
	assert_true(jv_dump(value, &out));
	assert_string_equal(out.data, text);
	buf_fini(&out);
}

static void
malformed_text_is_refused_with_a_place(void **state)
{
	static const char *const cases[] = {
	    "",
	    " ",
	    "{",
	    "[1,]",
	    "{\"a\":1,}",
	    "[1] x",
	    "[1][2]",
	    "{'a':1}",
	    "{\"a\":1,\"a\":2}",
	    "[01]",
	    "[1.]",
	    "[.5]",
	    "[+1]",
	    "[1e999]",
	    "[NaN]",
	    "[Infinity]",
	    "[tru]",
	    "nul",
	    "// c\n1",
	    "\"\\x\"",
	    "\"a\nb\"",
	    "\"\\u0000\"",
	    "\"\\ud800\"",
	    "\"\xff\"",
	    "\"\xc0\x80\"",
	    "{1:2}",
	    "{\"a\" 1}",
	    "99999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char problem[200] = "";
		struct jv *value = jv_parse(
		    cases[i], strlen(cases[i]), problem, sizeof(problem));
		if (value != NULL)
			fail_msg("taken: %s", cases[i]);
		assert_memory_equal(problem, "line ", 5);
		assert_null(jv_parse(cases[i], strlen(cases[i]), NULL, 0));
	}
}

static void
a_problem_does_not_quote_the_text(void **state)
{
	const char *text = "{\"password\": hunter2}";
	char problem[200];

	(void)state;
	assert_null(jv_parse(text, strlen(text), problem, sizeof(problem)));
	assert_null(strstr(problem, "hunter"));
}

static void
nesting_is_bounded(void **state)
{
	char deep[20000];

	(void)state;
	memset(deep, '[', 10000);
	memset(deep + 10000, ']', 10000);
	assert_null(jv_parse(deep, sizeof(deep), NULL, 0));
	jv_release(jv_parse(deep + 9950, 100, NULL, 0));
}

static void
text_comes_out_as_it_went_in(void **state)
{
	static const char *const cases[] = {
	    "null",
	    "true",
	    "[]",
	    "{}",
	    "\"\"",
	    "0",
	    "-1",
	    "9223372036854775807",
	    "-9223372036854775808",
	    "0.1",
	    "[1,2.5]",
	    "{\"z\":1,\"a\":{\"m\":[null,false]},\"b\":\"x\"}",
	    "\"za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87\"",
	    "\"\\\"\\\\\\n\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jv *value = parse(cases[i]);
		assert_dump(value, cases[i]);
		jv_release(value);
	}
}

static void
reals_are_written_short(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
	    {0.1, "0.1"},
	    {0.3, "0.3"},
	    {123.456, "123.456"},
	    {2, "2.0"},
	    {1795508045.123, "1795508045.123"},
	    {-0.5, "-0.5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jv *value = jv_real(cases[i].value);
		assert_dump(value, cases[i].text);
		jv_release(value);
	}
}

static void
what_json_cannot_say_becomes_null(void **state)
{
	struct jv *array = jv_array();

	(void)state;
	jv_push(array, jv_real(NAN));
	jv_push(array, jv_real(INFINITY));
	jv_push(array, jv_real(-INFINITY));
	jv_push(array, jv_null());
	assert_dump(array, "[null,null,null,null]");
	jv_release(array);
	assert_dump(NULL, "null");
}

static void
an_object_keeps_the_order_of_its_keys(void **state)
{
	struct jv *object = jv_object();
	const char *key;
	struct jv *value;
	char keys[16] = "";

	(void)state;
	jv_set(object, "z", jv_int(1));
	jv_set(jv_set(object, "a", jv_bool(true)), "m", jv_string("x"));
	jv_set(object, "a", jv_bool(false));
	assert_dump(object, "{\"z\":1,\"a\":false,\"m\":\"x\"}");
	for (void *i = jv_each(object, NULL, &key, &value); i != NULL;
	     i = jv_each(object, i, &key, &value)) {
		strncat(keys, key, 1);
		assert_ptr_equal(value, jv_get(object, key));
	}
	assert_string_equal(keys, "zam");
	assert_int_equal(jv_len(object), 3);
	jv_release(object);
	assert_null(jv_each(NULL, NULL, &key, &value));
}

static void
bad_utf8_becomes_a_replacement(void **state)
{
	struct jv *object = jv_object();

	(void)state;
	jv_set(object, "a", jv_string("x\xffy"));
	jv_set(object, "b", jv_stringn("x\0y", 3));
	jv_set(object, "\xc5", jv_stringn("abc", 2));
	assert_dump(object,
	    "{\"a\":\"x\xef\xbf\xbdy\",\"b\":\"x\xef\xbf\xbdy\","
	    "\"\xef\xbf\xbd\":\"ab\"}");
	jv_release(object);
}

static void
references_are_counted(void **state)
{
	struct jv *inner = jv_string("x");
	struct jv *outer = jv_array();

	(void)state;
	jv_push(outer, jv_hold(inner));
	jv_release(outer);
	assert_string_equal(jv_string_value(inner), "x");
	jv_release(inner);
	jv_release(NULL);
}

static void
readers_give_the_default_for_what_is_not_there(void **state)
{
	struct jv *value = parse(
	    "{\"s\":\"x\",\"i\":7,\"r\":-2.9,\"b\":true,\"n\":null,\"a\":[5]}");
	struct jv *array = jv_get(value, "a");

	(void)state;
	assert_string_equal(jv_get_string(value, "s", "-"), "x");
	assert_string_equal(jv_get_string(value, "i", "-"), "-");
	assert_string_equal(jv_get_string(value, "none", "-"), "-");
	assert_null(jv_get_string(NULL, "s", NULL));
	assert_int_equal(jv_get_int(value, "i", -1), 7);
	assert_int_equal(jv_get_int(value, "r", -1), -1);
	assert_int_equal(jv_get_int(value, "s", -1), -1);
	assert_int_equal(jv_get_int(array, "s", -1), -1);
	assert_int_equal(jv_int_value(jv_get(value, "r")), -2);
	assert_int_equal(jv_int_value(NULL), 0);
	assert_true(jv_real_value(jv_get(value, "i")) == 7.0);
	assert_true(jv_bool_value(jv_get(value, "b")));
	assert_false(jv_bool_value(jv_get(value, "n")));
	assert_int_equal(jv_int_value(jv_at(array, 0)), 5);
	assert_null(jv_at(array, 1));
	assert_null(jv_at(value, 0));
	assert_int_equal(jv_len(array), 1);
	assert_int_equal(jv_len(NULL), 0);
	jv_release(value);
}

static void
kinds_are_told_apart(void **state)
{
	struct jv *value = parse("[null,true,1,1.0,\"\",[],{}]");
	static const enum jv_kind kinds[] = {
	    JV_NULL, JV_BOOL, JV_INT, JV_REAL, JV_STRING, JV_ARRAY, JV_OBJECT};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_int_equal(jv_kind(jv_at(value, i)), kinds[i]);
	assert_int_equal(jv_kind(NULL), JV_NULL);
	jv_release(value);
}

static void
huge_reals_do_not_overflow_as_integers(void **state)
{
	struct jv *value = parse("[1e300,-1e300,9.3e18]");

	(void)state;
	assert_true(jv_int_value(jv_at(value, 0)) == INT64_MAX);
	assert_true(jv_int_value(jv_at(value, 1)) == INT64_MIN);
	assert_true(jv_int_value(jv_at(value, 2)) == INT64_MAX);
	jv_release(value);
}

/* The document and the cases of RFC 6901, section 5, and what is not there. */
static void
pointers_follow_rfc_6901(void **state)
{
	struct jv *value = parse(
	    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
	    "\"g|h\":4,\" \":7,\"m~n\":8}");
	static const struct {
		const char *pointer, *dump;
	} cases[] = {
	    {"/foo", "[\"bar\",\"baz\"]"},
	    {"/foo/0", "\"bar\""},
	    {"/", "0"},
	    {"/a~1b", "1"},
	    {"/c%d", "2"},
	    {"/e^f", "3"},
	    {"/g|h", "4"},
	    {"/ ", "7"},
	    {"/m~0n", "8"},
	};
	static const char *const absent[] = {"foo", "/bar", "/foo/2", "/foo/-",
	    "/foo/01", "/foo/x", "/foo/", "/foo/-1", "/m~2n", "/m~", "/foo/0/x",
	    "//", "/foo/18446744073709551616"};

	(void)state;
	assert_ptr_equal(jv_pointer(value, ""), value);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_dump(jv_pointer(value, cases[i].pointer), cases[i].dump);
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		assert_null(jv_pointer(value, absent[i]));
	assert_null(jv_pointer(NULL, "/a"));
	jv_release(value);
}

static void
dumping_stops_at_the_limit(void **state)
{
	struct jv *value = parse("[1,2,3,4,5,6,7,8,9]");
	struct buf out;

	(void)state;
	buf_init(&out, 10);
	assert_false(jv_dump(value, &out));
	assert_true(out.full);
	buf_fini(&out);
	jv_release(value);
}

static void
escaped_text_can_be_read_back(void **state)
{
	static const char text[] =
	    "\"\\/\b\f\n\r\t\x01\x1f\x7f za\xc5\xbc</script>";
	struct buf out;

	(void)state;
	buf_init(&out, 200);
	assert_true(jv_escape(&out, text, strlen(text)));
	struct jv *value = jv_parse(out.data, out.len, NULL, 0);
	assert_non_null(value);
	assert_string_equal(jv_string_value(value), text);
	jv_release(value);
	buf_reset(&out);
	assert_true(jv_escape(&out, "a\xff\0b", 4));
	assert_string_equal(out.data, "\"a\xef\xbf\xbd\\u0000b\"");
	buf_fini(&out);
	buf_init(&out, 3);
	assert_false(jv_escape(&out, "ab", 2));
	buf_fini(&out);
}

static void
a_time_is_whole_seconds_or_null(void **state)
{
	struct jv *list = jv_array();

	(void)state;
	jv_push(list, jv_time(0));
	jv_push(list, jv_time(INT64_C(1790035200) * US_PER_S));
	jv_push(list, jv_time(INT64_C(1790035200) * US_PER_S + 999999));
	/* midnight in Warsaw, as 1970 began */
	jv_push(list, jv_time(INT64_C(-3600) * US_PER_S));
	assert_dump(list, "[null,1790035200,1790035200,-3600]");
	jv_release(list);
}

static void
a_text_that_is_missing_is_null(void **state)
{
	struct jv *list = jv_array();

	(void)state;
	jv_push(list, jv_text(NULL));
	jv_push(list, jv_text(""));
	jv_push(list, jv_text("a"));
	jv_push(list, jv_text("a\xff"));
	assert_dump(list, "[null,null,\"a\",\"a\xef\xbf\xbd\"]");
	jv_release(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(malformed_text_is_refused_with_a_place),
	    cmocka_unit_test(a_problem_does_not_quote_the_text),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(text_comes_out_as_it_went_in),
	    cmocka_unit_test(reals_are_written_short),
	    cmocka_unit_test(what_json_cannot_say_becomes_null),
	    cmocka_unit_test(a_time_is_whole_seconds_or_null),
	    cmocka_unit_test(a_text_that_is_missing_is_null),
	    cmocka_unit_test(an_object_keeps_the_order_of_its_keys),
	    cmocka_unit_test(bad_utf8_becomes_a_replacement),
	    cmocka_unit_test(references_are_counted),
	    cmocka_unit_test(readers_give_the_default_for_what_is_not_there),
	    cmocka_unit_test(kinds_are_told_apart),
	    cmocka_unit_test(huge_reals_do_not_overflow_as_integers),
	    cmocka_unit_test(pointers_follow_rfc_6901),
	    cmocka_unit_test(dumping_stops_at_the_limit),
	    cmocka_unit_test(escaped_text_can_be_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
