/* For how long a target may be silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "daemon/main/patience.h"

#define S US_PER_S

static void
the_longest_run_ends_every_action_by_its_timeout(void **state)
{
	struct conf_step steps[] = {{.always = false}, {.always = true}};
	struct conf_transaction transactions[] = {
	    {.timeout = 30 * S, .steps = steps, .n_steps = 1},
	    {.timeout = 180 * S, .steps = steps, .n_steps = 2},
	    {.timeout = 4 * S, .steps = steps, .n_steps = 2, .always = true},
	};
	struct conf_profile profile = {
	    .transactions = transactions,
	    .n_transactions = ARRAY_LEN(transactions),
	};

	(void)state;
	assert_int_equal(
	    patience_longest_run(&profile), (30 + 180 + 10 + 2 * 4) * S);
	profile.n_transactions = 0;
	assert_int_equal(patience_longest_run(&profile), 0);
}

/* Runs that take all they may, begun as soon as they can be: from one verdict
 * to the next is no silence. */
static void
a_slow_journey_is_not_taken_for_silence(void **state)
{
	static const dur_us intervals[] = {3 * S, 30 * S, 60 * S, 3600 * S};
	const dur_us longest = 238 * S;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(intervals); i++) {
		dur_us every = intervals[i];
		/* the next one is due at the first multiple that is free */
		dur_us next = (longest + every - 1) / every * every;

		assert_true(patience_of(longest, every) >= next);
		assert_true(patience_of(longest, every) >= longest + every);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_longest_run_ends_every_action_by_its_timeout),
	    cmocka_unit_test(a_slow_journey_is_not_taken_for_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
