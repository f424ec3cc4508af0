/*
 * The arena: alignment, limit, what a reset keeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"

static void
memory_is_zeroed_and_aligned(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 5000, 3};
	struct arena arena;

	(void)state;
	arena_init(&arena, 100000);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			unsigned char *p = arena_alloc(&arena, sizes[i]);
			assert_non_null(p);
			assert_int_equal((uintptr_t)p % 16, 0);
			for (size_t n = 0; n < sizes[i]; n++)
				assert_int_equal(p[n], 0);
			memset(p, 0xff, sizes[i]);
		}
		arena_reset(&arena);
	}
	arena_fini(&arena);
}

static void
the_limit_holds_for_the_sum(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	for (int i = 0; i < 4; i++)
		assert_non_null(arena_alloc(&arena, 1024));
	assert_null(arena_alloc(&arena, 1));
	assert_null(arena_strdup(&arena, ""));
	assert_null(arena_printf(&arena, "%d", 1));
	arena_reset(&arena);
	assert_non_null(arena_alloc(&arena, 4096));
	assert_null(arena_alloc(&arena, 0));
	arena_fini(&arena);
}

static void
absurd_sizes_are_refused(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	assert_null(arena_alloc(&arena, 4097));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX - 20));
	assert_non_null(arena_alloc(&arena, 16));
	arena_fini(&arena);
}

static void
a_second_round_of_the_same_work_fits_into_one_block(void **state)
{
	struct arena arena;
	void *first = NULL;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 100; i++) {
			void *p = arena_alloc(&arena, 1000);
			assert_non_null(p);
			if (i == 0 && round == 4)
				first = p;
			if (i == 0 && round == 5)
				assert_ptr_equal(p, first);
		}
		if (round > 3)
			assert_ptr_equal(arena.first, arena.current);
		arena_reset(&arena);
	}
	arena_fini(&arena);
}

static void
texts_are_copied_cut_and_printed(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 10000);
	char source[] = "abc";
	char *copy = arena_strdup(&arena, source);
	source[0] = 'x';
	assert_string_equal(copy, "abc");
	assert_string_equal(arena_strndup(&arena, "abcdef", 2), "ab");
	assert_string_equal(arena_strndup(&arena, "ab", 20), "ab");
	assert_string_equal(arena_printf(&arena, "%s-%d", "a", 7), "a-7");
	arena_fini(&arena);
	arena_fini(&arena);
}

static void
a_secret_arena_leaves_nothing_behind_after_a_reset(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 100000);
	arena.secret = true;
	char *secret = arena_strdup(&arena, "hunter2");
	assert_non_null(secret);
	arena_reset(&arena); /* keeps its only block */
	for (size_t i = 0; i < sizeof("hunter2"); i++)
		assert_int_equal(secret[i], 0);
	arena_fini(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_is_zeroed_and_aligned),
	    cmocka_unit_test(the_limit_holds_for_the_sum),
	    cmocka_unit_test(absurd_sizes_are_refused),
	    cmocka_unit_test(
		a_second_round_of_the_same_work_fits_into_one_block),
	    cmocka_unit_test(texts_are_copied_cut_and_printed),
	    cmocka_unit_test(
		a_secret_arena_leaves_nothing_behind_after_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
