/*
 * Text: validity, numbers with units, encoders.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/text.h"

static void
utf8_is_judged_as_rfc_3629_says(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool valid;
	} cases[] = {
	    {"", 0, true},
	    {"abc", 3, true},
	    {"a\0b", 3, true},
	    {"za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87", 10, true},
	    {"\xe2\x82\xac", 3, true},
	    {"\xf0\x9f\x98\x80", 4, true},
	    {"\xed\x9f\xbf", 3, true}, /* U+D7FF */
	    {"\xee\x80\x80", 3, true}, /* U+E000 */
	    {"\xf4\x8f\xbf\xbf", 4, true}, /* U+10FFFF */
	    {"\xf4\x90\x80\x80", 4, false}, /* above it */
	    {"\xf5\x80\x80\x80", 4, false},
	    {"\xff", 1, false},
	    {"\x80", 1, false}, /* continuation alone */
	    {"\xc5", 1, false}, /* cut */
	    {"\xe2\x82", 2, false},
	    {"\xf0\x9f\x98", 3, false},
	    {"\xc5x", 2, false},
	    {"\xe2\x82x", 3, false},
	    {"\xc0\x80", 2, false}, /* overlong */
	    {"\xc1\xbf", 2, false},
	    {"\xe0\x9f\xbf", 3, false},
	    {"\xf0\x8f\xbf\xbf", 4, false},
	    {"\xed\xa0\x80", 3, false}, /* surrogates */
	    {"\xed\xbf\xbf", 3, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(text_utf8_valid(cases[i].bytes, cases[i].len),
		    cases[i].valid);
}

static void
bad_bytes_are_replaced_and_good_ones_kept(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_true(text_utf8_clean(&out,
	    "\xc5\xbc\xff"
	    "a\xe2\x82",
	    6));
	assert_string_equal(out.data,
	    "\xc5\xbc\xef\xbf\xbd"
	    "a\xef\xbf\xbd\xef\xbf\xbd");
	buf_fini(&out);
	buf_init(&out, 2);
	assert_false(text_utf8_clean(&out, "\xff", 1));
	buf_fini(&out);
}

static void
control_characters_are_seen_anywhere(void **state)
{
	(void)state;
	for (const char *c = " \t\r\n"; *c != '\0'; c++)
		assert_true(text_blank(*c));
	assert_false(text_blank('x'));
	assert_false(text_blank('\0'));
	assert_false(text_blank('\v'));
	assert_false(text_has_control(""));
	assert_false(text_has_control("a b~\xc5\xbc"));
	assert_true(text_has_control("a\n"));
	assert_true(text_has_control("\x1f"));
	assert_true(text_has_control("a\x7f"));
	assert_true(text_has_control("a\tb"));
}

static void
names_are_short_and_plain(void **state)
{
	static const struct {
		const char *name;
		bool valid;
	} cases[] = {
	    {"a", true},
	    {"librus", true},
	    {"0-a_b", true},
	    {"abcdefghijklmnopqrstuvwxyz01234", true}, /* 31 */
	    {"abcdefghijklmnopqrstuvwxyz012345", false},
	    {"", false},
	    {"-a", false},
	    {"_a", false},
	    {"A", false},
	    {"a.b", false},
	    {"a/b", false},
	    {"a b", false},
	    {"\xc5\xbc", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    text_name_valid(cases[i].name), cases[i].valid);
}

static void
durations_have_a_whole_number_and_one_unit(void **state)
{
	static const struct {
		const char *text;
		int rc;
		dur_us length;
	} cases[] = {
	    {"0s", 0, 0},
	    {"250ms", 0, 250000},
	    {"20s", 0, 20000000},
	    {"5m", 0, 300000000},
	    {"2h", 0, INT64_C(7200000000)},
	    {"7d", 0, INT64_C(604800000000)},
	    {"007s", 0, 7000000},
	    {"3660d", 0, INT64_C(3660) * 86400 * 1000000},
	    {"3661d", -ERANGE, 0},
	    {"99999999999999999999999s", -ERANGE, 0},
	    {"18446744073709551616ms", -ERANGE, 0},
	    {"", -EINVAL, 0},
	    {"s", -EINVAL, 0},
	    {"20", -EINVAL, 0},
	    {"20 s", -EINVAL, 0},
	    {" 20s", -EINVAL, 0},
	    {"20s ", -EINVAL, 0},
	    {"1.5s", -EINVAL, 0},
	    {"-1s", -EINVAL, 0},
	    {"+1s", -EINVAL, 0},
	    {"1S", -EINVAL, 0},
	    {"1h5m", -EINVAL, 0},
	    {"1us", -EINVAL, 0},
	    {"99999999999999999999999x", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		dur_us length = 0;
		assert_int_equal(
		    text_duration_parse(cases[i].text, &length), cases[i].rc);
		assert_int_equal(length, cases[i].length);
	}
}

static void
sizes_are_powers_of_1024(void **state)
{
	static const struct {
		const char *text;
		int rc;
		int64_t bytes;
	} cases[] = {
	    {"0", 0, 0},
	    {"123", 0, 123},
	    {"64kB", 0, 65536},
	    {"2MB", 0, 2097152},
	    {"16GB", 0, INT64_C(17179869184)},
	    {"9223372036854775807", 0, INT64_MAX},
	    {"9223372036854775808", -ERANGE, 0},
	    {"8589934592GB", -ERANGE, 0},
	    {"64KB", -EINVAL, 0},
	    {"64k", -EINVAL, 0},
	    {"1 MB", -EINVAL, 0},
	    {"MB", -EINVAL, 0},
	    {"", -EINVAL, 0},
	    {"-1", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t bytes = 0;
		assert_int_equal(
		    text_size_parse(cases[i].text, &bytes), cases[i].rc);
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void
numbers_are_digits_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t value;
	} cases[] = {
	    {"0", 0, 0},
	    {"42", 0, 42},
	    {"18446744073709551615", 0, UINT64_MAX},
	    {"18446744073709551616", -ERANGE, 0},
	    {"99999999999999999999", -ERANGE, 0},
	    {"", -EINVAL, 0},
	    {"-1", -EINVAL, 0},
	    {"+1", -EINVAL, 0},
	    {" 1", -EINVAL, 0},
	    {"1 ", -EINVAL, 0},
	    {"0x10", -EINVAL, 0},
	    {"1e3", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t value = 0;
		assert_int_equal(
		    text_u64_parse(cases[i].text, &value), cases[i].rc);
		assert_true(value == cases[i].value);
	}
}

static void
durations_are_written_for_people(void **state)
{
	static const struct {
		dur_us length;
		const char *text;
	} cases[] = {
	    {0, "0 ms"},
	    {499, "<1 ms"},
	    {500, "1 ms"},
	    {850000, "850 ms"},
	    {999499, "999 ms"},
	    {999500, "1.0 s"}, /* never "1000 ms" */
	    {3400000, "3.4 s"},
	    {59949999, "59.9 s"},
	    {59950000, "1 min"},
	    {8 * 60 * US_PER_S, "8 min"},
	    {61 * US_PER_S, "1 min 1 s"},
	    {3599 * US_PER_S + 500000, "1 h"},
	    {7500 * US_PER_S, "2 h 5 min"},
	    {86399 * US_PER_S, "1 d"},
	    {273600 * US_PER_S, "3 d 4 h"},
	    {-3400000, "-3.4 s"},
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		text_duration_format(cases[i].length, out, sizeof(out));
		assert_string_equal(out, cases[i].text);
	}
	text_duration_format(INT64_MIN, out, sizeof(out));
	text_duration_format(INT64_MAX, out, sizeof(out));
	text_duration_format(3400000, out, 3);
	assert_string_equal(out, "3.");
}

static void
the_nearest_word_is_near_indeed(void **state)
{
	static const char *const words[] = {
	    "timeout", "deployments", "every", "name", "title"};
	static const struct {
		const char *word, *nearest;
	} cases[] = {
	    {"timeout", "timeout"},
	    {"timeuot", "timeout"},
	    {"tmieout", "timeout"},
	    {"deployment", "deployments"},
	    {"evry", "every"},
	    {"nam", "name"},
	    {"na", NULL}, /* 2 of 2 letters */
	    {"x", NULL},
	    {"", NULL},
	    {"depl", NULL},
	    {"entirely-different", NULL},
	};
	char lengthy[1000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got =
		    text_nearest(cases[i].word, words, ARRAY_LEN(words));
		if (cases[i].nearest == NULL)
			assert_null(got);
		else
			assert_string_equal(got, cases[i].nearest);
	}
	memset(lengthy, 'a', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = '\0';
	assert_null(text_nearest(lengthy, words, ARRAY_LEN(words)));
	assert_null(text_nearest("every", NULL, 0));
}

typedef bool encoder(struct buf *out, const char *bytes, size_t len);

static bool
base64(struct buf *out, const char *bytes, size_t len)
{
	return text_base64_encode(out, bytes, len);
}

static bool
hex(struct buf *out, const char *bytes, size_t len)
{
	return text_hex_encode(out, bytes, len);
}

static void
encoders_write_what_the_standards_want(void **state)
{
	static const struct {
		encoder *encode;
		const char *bytes;
		size_t len;
		const char *text;
	} cases[] = {
	    {text_url_encode, "az-AZ_09.~", 10, "az-AZ_09.~"},
	    {text_url_encode, "a b&c=\xc5\xbc/+%", 11,
		"a%20b%26c%3D%C5%BC%2F%2B%25"},
	    {text_url_encode, "\0", 1, "%00"},
	    {text_html_escape, "<a href=\"x\">'&amp;", 18,
		"&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;"},
	    {text_html_escape, "za\xc5\xbc", 4, "za\xc5\xbc"},
	    {hex, "\x00\x7f\xff", 3, "007fff"},
	    /* RFC 4648, section 10 */
	    {base64, "", 0, ""},
	    {base64, "f", 1, "Zg=="},
	    {base64, "fo", 2, "Zm8="},
	    {base64, "foo", 3, "Zm9v"},
	    {base64, "foob", 4, "Zm9vYg=="},
	    {base64, "fooba", 5, "Zm9vYmE="},
	    {base64, "foobar", 6, "Zm9vYmFy"},
	    {base64, "\xfb\xff\xfe", 3, "+//+"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;
		size_t len = strlen(cases[i].text);
		buf_init(&out, 100);
		assert_true(
		    cases[i].encode(&out, cases[i].bytes, cases[i].len));
		assert_string_equal(out.data, cases[i].text);
		buf_fini(&out);
		if (len < 2)
			continue;
		buf_init(&out, len - 1);
		assert_false(
		    cases[i].encode(&out, cases[i].bytes, cases[i].len));
		buf_fini(&out);
	}
}

static void
base64_is_decoded_strictly(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *bytes;
		size_t len;
	} cases[] = {
	    {"", 0, "", 0},
	    {"Zg==", 0, "f", 1},
	    {"Zm8=", 0, "fo", 2},
	    {"Zm9vYmFy", 0, "foobar", 6},
	    {"+//+", 0, "\xfb\xff\xfe", 3},
	    {"Zg", -EINVAL, NULL, 0}, /* no padding */
	    {"Zg=", -EINVAL, NULL, 0},
	    {"Zh==", -EINVAL, NULL, 0}, /* bits that nobody uses */
	    {"Zm9=", -EINVAL, NULL, 0},
	    {"====", -EINVAL, NULL, 0},
	    {"Z===", -EINVAL, NULL, 0},
	    {"Zg==Zg==", -EINVAL, NULL, 0},
	    {"Zm 8", -EINVAL, NULL, 0},
	    {"Zm8\n", -EINVAL, NULL, 0},
	    {"-__-", -EINVAL, NULL, 0},
	    {"Zm9vYmFyZm9v", -ENOSPC, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[8] = {0};
		size_t len = 0;
		assert_int_equal(
		    text_base64_decode(cases[i].text, out, 6, &len),
		    cases[i].rc);
		if (cases[i].rc != 0)
			continue;
		assert_int_equal(len, cases[i].len);
		assert_memory_equal(out, cases[i].bytes, len);
	}
}

static void
instants_are_written_as_rfc_3339(void **state)
{
	static const struct {
		wall_us at;
		const char *text;
	} cases[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {-1, "1969-12-31T23:59:59.999Z"},
	    {INT64_C(1795508045123999), "2026-11-24T08:14:05.123Z"},
	    {INT64_C(1709164800000000), "2024-02-29T00:00:00.000Z"},
	    {INT64_MAX, "9999-12-31T23:59:59.999Z"},
	    {INT64_MIN, "0000-01-01T00:00:00.000Z"},
	};
	char out[25];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		text_rfc3339(cases[i].at, out, sizeof(out));
		assert_string_equal(out, cases[i].text);
	}
}

static void
copies_are_cut_and_say_so(void **state)
{
	char out[4] = "zzz";

	(void)state;
	assert_false(text_copy(out, 0, "abc"));
	assert_string_equal(out, "zzz");
	assert_true(text_copy(out, sizeof(out), "abc"));
	assert_string_equal(out, "abc");
	assert_false(text_copy(out, sizeof(out), "abcd"));
	assert_string_equal(out, "abc");
	assert_true(text_copy(out, sizeof(out), ""));
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(utf8_is_judged_as_rfc_3629_says),
	    cmocka_unit_test(bad_bytes_are_replaced_and_good_ones_kept),
	    cmocka_unit_test(control_characters_are_seen_anywhere),
	    cmocka_unit_test(names_are_short_and_plain),
	    cmocka_unit_test(durations_have_a_whole_number_and_one_unit),
	    cmocka_unit_test(sizes_are_powers_of_1024),
	    cmocka_unit_test(numbers_are_digits_and_nothing_else),
	    cmocka_unit_test(durations_are_written_for_people),
	    cmocka_unit_test(the_nearest_word_is_near_indeed),
	    cmocka_unit_test(encoders_write_what_the_standards_want),
	    cmocka_unit_test(base64_is_decoded_strictly),
	    cmocka_unit_test(instants_are_written_as_rfc_3339),
	    cmocka_unit_test(copies_are_cut_and_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
