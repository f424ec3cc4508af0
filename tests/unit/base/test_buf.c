/*
 * The bounded buffer: growth, limit, stickiness, handing over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void
an_empty_buffer_is_an_empty_string(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	assert_string_equal(buf.data, "");
	assert_int_equal(buf.len, 0);
	buf_reset(&buf);
	assert_string_equal(buf.data, "");
	buf_fini(&buf);
}

static void
freeing_zeroed_memory_is_fine(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_fini(&buf);
}

static void
additions_are_put_one_behind_another(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 1000);
	assert_true(buf_adds(&buf, "ab"));
	assert_true(buf_addc(&buf, 'c'));
	assert_true(buf_add(&buf, "d\0e", 3));
	assert_true(buf_add(&buf, NULL, 0));
	assert_true(buf_printf(&buf, "%d%s", 42, "!"));
	assert_int_equal(buf.len, 9);
	assert_memory_equal(buf.data, "abcd\0e42!", 10);
	buf_fini(&buf);
}

static void
a_buffer_takes_exactly_its_limit(void **state)
{
	static const size_t limits[] = {1, 2, 63, 64, 65, 127, 128, 5000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct buf buf;
		buf_init(&buf, limits[i]);
		for (size_t n = 0; n < limits[i]; n++)
			assert_true(buf_addc(&buf, 'x'));
		assert_false(buf.full);
		assert_false(buf_addc(&buf, 'y'));
		assert_true(buf.full);
		assert_int_equal(buf.len, limits[i]);
		assert_int_equal(strlen(buf.data), limits[i]);
		assert_null(strchr(buf.data, 'y'));
		buf_fini(&buf);
	}
}

static void
overflow_is_sticky_until_a_reset(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 4);
	assert_true(buf_adds(&buf, "ab"));
	assert_false(buf_adds(&buf, "cde"));
	/* Would fit, but a gap in the middle would be a lie. */
	assert_false(buf_addc(&buf, 'c'));
	assert_false(buf_printf(&buf, "%s", ""));
	assert_false(buf_add(&buf, "", 0));
	assert_string_equal(buf.data, "ab");
	buf_reset(&buf);
	assert_false(buf.full);
	assert_true(buf_adds(&buf, "cdef"));
	assert_string_equal(buf.data, "cdef");
	buf_fini(&buf);
}

static void
printing_that_does_not_fit_leaves_nothing_behind(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 70);
	assert_true(buf_printf(&buf, "%s", "ab"));
	assert_false(buf_printf(&buf, "%0100d", 1));
	assert_string_equal(buf.data, "ab");
	assert_int_equal(buf.len, 2);
	buf_reset(&buf);
	/* Grows past the first block inside one call. */
	assert_true(buf_printf(&buf, "%070d", 1));
	assert_int_equal(strlen(buf.data), 70);
	buf_fini(&buf);
}

static void
taking_hands_over_the_bytes_and_empties(void **state)
{
	struct buf buf;
	size_t len = 99;

	(void)state;
	buf_init(&buf, 10);
	char *nothing = buf_take(&buf, &len);
	assert_string_equal(nothing, "");
	assert_int_equal(len, 0);
	free(nothing);
	assert_true(buf_adds(&buf, "abc"));
	char *some = buf_take(&buf, &len);
	assert_string_equal(some, "abc");
	assert_int_equal(len, 3);
	assert_int_equal(buf.len, 0);
	assert_true(buf_adds(&buf, "0123456789"));
	assert_string_equal(some, "abc");
	free(some);
	free(buf_take(&buf, NULL));
}

static void
a_secret_buffer_leaves_nothing_behind_after_a_reset(void **state)
{
	struct buf buf;

	(void)state;
	buf_init_secret(&buf, 1000);
	assert_true(buf_adds(&buf, "hunter2 and more"));
	assert_true(buf_printf(&buf, "%0200d", 7)); /* grows */
	assert_memory_equal(buf.data, "hunter2 and more000", 19);
	size_t len = buf.len;
	buf_reset(&buf);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(buf.data[i], 0);
	assert_true(buf.secret);
	buf_fini(&buf);
	assert_true(buf.secret);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_buffer_is_an_empty_string),
	    cmocka_unit_test(freeing_zeroed_memory_is_fine),
	    cmocka_unit_test(additions_are_put_one_behind_another),
	    cmocka_unit_test(a_buffer_takes_exactly_its_limit),
	    cmocka_unit_test(overflow_is_sticky_until_a_reset),
	    cmocka_unit_test(printing_that_does_not_fit_leaves_nothing_behind),
	    cmocka_unit_test(taking_hands_over_the_bytes_and_empties),
	    cmocka_unit_test(
		a_secret_buffer_leaves_nothing_behind_after_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
