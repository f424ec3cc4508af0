/*
 * From names to places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/index.h"

static void
an_empty_index_finds_nothing(void **state)
{
	struct name_index index = {0};
	size_t at = 7;

	(void)state;
	assert_false(index_find(&index, "a", &at));
	assert_int_equal(at, 7);
	index_fini(&index);
}

static void
the_first_of_a_name_keeps_its_place(void **state)
{
	struct name_index index = {0};
	size_t at = 1;

	(void)state;
	assert_true(index_add(&index, "sp1", &at));
	at = 2;
	assert_true(index_add(&index, "", &at));
	at = 3;
	assert_false(index_add(&index, "sp1", &at));
	assert_int_equal(at, 1);
	assert_true(index_find(&index, "", &at));
	assert_int_equal(at, 2);
	index_put(&index, "", 9);
	assert_true(index_find(&index, "", &at));
	assert_int_equal(at, 9);
	index_fini(&index);
	assert_false(index_find(&index, "sp1", &at));
}

static void
many_names_are_all_found(void **state)
{
	enum { MANY = 50000 };
	char(*names)[12] = calloc(MANY, sizeof(*names));
	struct name_index index = {0};
	size_t at;

	(void)state;
	assert_non_null(names);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "lo-%zu", i);
		at = i;
		assert_true(index_add(&index, names[i], &at));
	}
	for (size_t i = 0; i < MANY; i++) {
		assert_true(index_find(&index, names[i], &at));
		assert_int_equal(at, i);
	}
	assert_false(index_find(&index, "lo-50000", &at));
	index_fini(&index);
	free(names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_index_finds_nothing),
	    cmocka_unit_test(the_first_of_a_name_keeps_its_place),
	    cmocka_unit_test(many_names_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
