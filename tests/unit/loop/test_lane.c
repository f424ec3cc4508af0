/*
 * Lanes: order, draining at the end, the thread's name and signal mask.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>

#include "loop/lane.h"

struct seen {
	pthread_t thread;
	char name[16];
	sigset_t blocked;
	int n;
	int wrong;
	sem_t gate;
};

static void
look_around(void *ctx, const void *payload, size_t size)
{
	struct seen *seen = ctx;

	(void)payload;
	(void)size;
	seen->thread = pthread_self();
	pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
	pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
}

static void
expect_next(void *ctx, const void *payload, size_t size)
{
	struct seen *seen = ctx;
	int number;

	if (size != sizeof(number)) {
		seen->wrong++;
		return;
	}
	memcpy(&number, payload, sizeof(number));
	if (number != seen->n)
		seen->wrong++;
	seen->n++;
}

static void
wait_at_gate(void *ctx, const void *payload, size_t size)
{
	struct seen *seen = ctx;

	(void)payload;
	(void)size;
	while (sem_wait(&seen->gate) != 0)
		continue;
}

static void
a_lane_is_a_named_thread_that_takes_no_signals(void **state)
{
	struct lane *lane = lane_new("test-lane", 1000);
	struct seen seen = {0};
	sigset_t before, after;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(lane_call(lane, look_around, &seen, NULL, 0), 0);
	lane_free(lane);
	assert_false(pthread_equal(seen.thread, pthread_self()));
	assert_string_equal(seen.name, "test-lane");
	assert_int_equal(sigismember(&seen.blocked, SIGTERM), 1);
	assert_int_equal(sigismember(&seen.blocked, SIGHUP), 1);
	assert_int_equal(sigismember(&seen.blocked, SIGINT), 1);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(
	    sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

static void
all_that_was_accepted_is_run_in_order_before_the_end(void **state)
{
	struct lane *lane = lane_new("order", 1 << 20);
	struct seen seen = {0};

	(void)state;
	for (int i = 0; i < 5000; i++)
		assert_int_equal(
		    lane_call(lane, expect_next, &seen, &i, sizeof(i)), 0);
	lane_free(lane);
	assert_int_equal(seen.n, 5000);
	assert_int_equal(seen.wrong, 0);
	lane_free(NULL);
}

static void
a_full_lane_refuses_and_counts(void **state)
{
	struct lane *lane = lane_new("full", 1000);
	struct mailbox_stats stats;
	struct seen seen = {0};
	int accepted = 0;

	(void)state;
	assert_int_equal(sem_init(&seen.gate, 0, 0), 0);
	assert_int_equal(lane_call(lane, wait_at_gate, &seen, NULL, 0), 0);
	while (lane_call(
		   lane, expect_next, &seen, &accepted, sizeof(accepted)) == 0)
		accepted++;
	lane_stats(lane, &stats);
	assert_true(stats.refused >= 1);
	assert_int_equal(stats.max_bytes, 1000);
	sem_post(&seen.gate);
	lane_free(lane);
	assert_int_equal(seen.n, accepted);
	assert_int_equal(seen.wrong, 0);
	sem_destroy(&seen.gate);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lane_is_a_named_thread_that_takes_no_signals),
	    cmocka_unit_test(
		all_that_was_accepted_is_run_in_order_before_the_end),
	    cmocka_unit_test(a_full_lane_refuses_and_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
