/* The request budget: exact over any 60 seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/sched/budget.h"

#define SECOND US_PER_S

static void
never_more_than_the_limit_in_any_minute(void **state)
{
	struct budget budget;
	mono_us sent[4096];
	size_t n = 0;
	uint64_t seed = 7;

	(void)state;
	budget_init(&budget, 37);
	for (mono_us now = SECOND; now < 400 * SECOND && n < 4096;) {
		uint32_t none = 0;

		if (budget_send(&budget, &none, now))
			sent[n++] = now;
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		now += (mono_us)(seed >> 33) % (2 * SECOND);
	}
	assert_true(n > 200);
	for (size_t i = 37; i < n; i++)
		assert_true(sent[i] - sent[i - 37] >= 60 * SECOND);
	budget_fini(&budget);
}

static void
a_reservation_keeps_room_from_others(void **state)
{
	struct budget budget;
	uint32_t mine = 6;
	uint32_t none = 0;

	(void)state;
	budget_init(&budget, 10);
	assert_true(budget_reserve(&budget, 6, SECOND));
	assert_false(budget_reserve(&budget, 5, SECOND));
	for (int i = 0; i < 4; i++)
		assert_true(budget_send(&budget, &none, SECOND));
	assert_false(budget_send(&budget, &none, SECOND));
	for (int i = 0; i < 6; i++)
		assert_true(budget_send(&budget, &mine, SECOND));
	assert_int_equal(mine, 0);
	assert_int_equal(budget.reserved, 0);
	assert_false(budget_send(&budget, &mine, SECOND));
	assert_int_equal(budget_last_minute(&budget, SECOND), 10);
	assert_int_equal(budget_last_minute(&budget, 61 * SECOND), 0);
	assert_int_equal(budget.total, 10);
	budget_fini(&budget);
}

static void
what_was_not_used_is_given_back(void **state)
{
	struct budget budget;

	(void)state;
	budget_init(&budget, 10);
	assert_true(budget_reserve(&budget, 8, SECOND));
	budget_unreserve(&budget, 8);
	assert_true(budget_reserve(&budget, 10, SECOND));
	budget_fini(&budget);
}

static void
the_wait_is_until_enough_is_a_minute_old(void **state)
{
	struct budget budget;
	uint32_t none = 0;

	(void)state;
	budget_init(&budget, 3);
	assert_int_equal(budget_wait(&budget, 3, SECOND), 0);
	for (int i = 1; i <= 3; i++)
		assert_true(budget_send(&budget, &none, i * SECOND));
	assert_int_equal(budget_wait(&budget, 1, 4 * SECOND), 57 * SECOND);
	assert_int_equal(budget_wait(&budget, 2, 4 * SECOND), 58 * SECOND);
	/* More than a minute allows: as soon as the minute is free. */
	assert_int_equal(budget_wait(&budget, 9, 4 * SECOND), 59 * SECOND);
	budget_fini(&budget);
}

static void
a_journey_larger_than_the_minute_may_begin_in_a_free_one(void **state)
{
	struct budget budget;

	(void)state;
	budget_init(&budget, 5);
	assert_true(budget_reserve(&budget, 20, SECOND));
	assert_false(budget_reserve(&budget, 1, SECOND));
	budget_fini(&budget);
}

static void
a_new_limit_forgets_nothing_of_the_last_minute(void **state)
{
	struct budget budget;
	uint32_t none = 0;

	(void)state;
	budget_init(&budget, 6);
	for (int i = 1; i <= 6; i++)
		assert_true(budget_send(&budget, &none, i * SECOND));
	budget_resize(&budget, 4);
	assert_int_equal(budget_last_minute(&budget, 7 * SECOND), 6);
	assert_false(budget_send(&budget, &none, 62 * SECOND));
	assert_true(budget_send(&budget, &none, 63 * SECOND));
	budget_resize(&budget, 8);
	assert_int_equal(budget_last_minute(&budget, 63 * SECOND), 4);
	for (int i = 0; i < 4; i++)
		assert_true(budget_send(&budget, &none, 63 * SECOND));
	assert_false(budget_send(&budget, &none, 63 * SECOND));
	assert_int_equal(budget.total, 11);
	budget_fini(&budget);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(never_more_than_the_limit_in_any_minute),
	    cmocka_unit_test(a_reservation_keeps_room_from_others),
	    cmocka_unit_test(what_was_not_used_is_given_back),
	    cmocka_unit_test(the_wait_is_until_enough_is_a_minute_old),
	    cmocka_unit_test(
		a_journey_larger_than_the_minute_may_begin_in_a_free_one),
	    cmocka_unit_test(a_new_limit_forgets_nothing_of_the_last_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
