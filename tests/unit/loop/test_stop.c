/*
 * The end of a loop: what its last turn deferred is done before loop_run
 * returns, since afterwards the rooms are freed one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "loop/loop.h"

struct owner {
	struct loop *loop;
	int calls;
};

static void
count(void *arg)
{
	struct owner *owner = arg;

	owner->calls++;
}

static void
count_and_defer(void *arg)
{
	struct owner *owner = arg;

	owner->calls++;
	loop_defer(owner->loop, count, owner);
}

static void
on_readable(void *arg, int fd, unsigned events)
{
	struct owner *owner = arg;

	(void)fd;
	(void)events;
	loop_stop(owner->loop);
	loop_defer(owner->loop, count_and_defer, owner);
}

static void
what_the_last_turn_deferred_is_done_when_run_returns(void **state)
{
	struct owner owner = {.loop = loop_new(clock_system())};
	struct loop_watch *watch;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	watch = loop_watch_new(owner.loop, ends[0], on_readable, &owner);
	loop_watch_set(watch, LOOP_READ);
	loop_run(owner.loop);
	assert_int_equal(owner.calls, 2);
	loop_watch_free(watch);
	loop_free(owner.loop);
	assert_int_equal(owner.calls, 2);
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		what_the_last_turn_deferred_is_done_when_run_returns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
