/*
 * The loop itself: timers, watches, signals, calls, workers, and that its own
 * lateness is seen wherever a callback spends time. Bounds on time are lower
 * ones only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "loop/loop.h"

#define MS US_PER_MS
#define THREADS 4
#define CALLS 500 /* of each thread */

/* What a test's callbacks share. */
struct scene {
	struct loop *loop;
	struct loop_timer *timers[4];
	struct loop_watch *watch;
	int ends[2]; /* [0] is watched */
	mono_us due[4];
	int early;
	int calls;
	int wanted; /* calls after which the loop stops */
	unsigned events;
	dur_us spin; /* what on_watch does with its time */
	char order[16];
	pthread_t worked_on;
};

static void
called(struct scene *scene)
{
	if (++scene->calls == scene->wanted)
		loop_stop(scene->loop);
}

static void
spin(const struct loop *loop, dur_us length)
{
	mono_us end = loop_now(loop) + length;

	while (loop_now(loop) < end)
		continue;
}

static void
begin(struct scene *scene)
{
	*scene = (struct scene){.loop = loop_new(clock_system())};
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, scene->ends),
	    0);
}

static void
end(struct scene *scene)
{
	loop_watch_free(scene->watch);
	for (size_t i = 0; i < ARRAY_LEN(scene->timers); i++)
		loop_timer_free(scene->timers[i]);
	loop_free(scene->loop);
	close(scene->ends[0]);
	close(scene->ends[1]);
}

/* ---- timers ---- */

static void
note_early(struct scene *scene, size_t i)
{
	if (loop_now(scene->loop) < scene->due[i])
		scene->early++;
	called(scene);
}

static void
on_first(void *arg)
{
	note_early(arg, 0);
}

static void
on_second(void *arg)
{
	note_early(arg, 1);
}

static void
on_third(void *arg)
{
	note_early(arg, 2);
}

static void
a_timer_is_never_early(void **state)
{
	static loop_fn *const fns[] = {on_first, on_second, on_third};
	static const dur_us delays[] = {1, 999, 1500, 5 * MS, 12345, 0};
	struct scene scene;

	(void)state;
	begin(&scene);
	for (size_t i = 0; i < ARRAY_LEN(fns); i++)
		scene.timers[i] = loop_timer_new(scene.loop, fns[i], &scene);
	for (size_t round = 0; round < ARRAY_LEN(delays); round++) {
		scene.wanted = scene.calls + (int)ARRAY_LEN(fns);
		for (size_t i = 0; i < ARRAY_LEN(fns); i++) {
			scene.due[i] = loop_now(scene.loop) + delays[round];
			loop_timer_start(scene.timers[i], delays[round]);
			spin(scene.loop, 300);
		}
		loop_run(scene.loop);
	}
	assert_int_equal(scene.early, 0);
	assert_int_equal(scene.calls, 3 * ARRAY_LEN(delays));
	end(&scene);
}

static void
starting_a_timer_again_moves_it_and_stopping_ends_it(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	scene.timers[0] = loop_timer_new(scene.loop, on_first, &scene);
	scene.timers[1] = loop_timer_new(scene.loop, on_second, &scene);
	loop_timer_start(scene.timers[1], 2 * MS);
	loop_timer_stop(scene.timers[1]);
	loop_timer_start(scene.timers[0], 1 * MS);
	scene.due[0] = loop_now(scene.loop) + 20 * MS;
	loop_timer_start(scene.timers[0], 20 * MS);
	scene.wanted = 1;
	loop_run(scene.loop);
	assert_int_equal(scene.calls, 1);
	assert_int_equal(scene.early, 0);
	end(&scene);
}

static void
free_own_timer(void *arg)
{
	struct scene *scene = arg;

	loop_timer_free(scene->timers[0]);
	scene->timers[0] = NULL;
	called(scene);
}

static void
free_own_watch(void *arg, int fd, unsigned events)
{
	struct scene *scene = arg;

	loop_watch_free(scene->watch);
	scene->watch = NULL;
	close(fd);
	scene->ends[0] = -1;
	scene->events = events;
	called(scene);
}

static void
a_timer_and_a_watch_may_be_freed_from_their_own_callback(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	scene.timers[0] = loop_timer_new(scene.loop, free_own_timer, &scene);
	scene.watch =
	    loop_watch_new(scene.loop, scene.ends[0], free_own_watch, &scene);
	loop_timer_start(scene.timers[0], MS);
	loop_watch_set(scene.watch, LOOP_READ);
	assert_int_equal(write(scene.ends[1], "x", 1), 1);
	scene.wanted = 2;
	loop_run(scene.loop);
	assert_int_equal(scene.calls, 2);
	assert_int_equal(scene.events, LOOP_READ);
	end(&scene);
}

/* ---- descriptors ---- */

static void
on_watch(void *arg, int fd, unsigned events)
{
	struct scene *scene = arg;

	(void)fd;
	scene->events |= events;
	spin(scene->loop, scene->spin);
	called(scene);
}

static void
a_watch_tells_what_is_possible_and_only_what_was_asked(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	scene.timers[0] = loop_timer_new(scene.loop, on_first, &scene);
	scene.watch =
	    loop_watch_new(scene.loop, scene.ends[0], on_watch, &scene);
	assert_int_equal(write(scene.ends[1], "x", 1), 1);
	loop_watch_set(scene.watch, LOOP_READ | LOOP_WRITE);
	scene.wanted = 1;
	loop_run(scene.loop);
	assert_int_equal(scene.events, LOOP_READ | LOOP_WRITE);
	scene.events = 0;
	loop_watch_set(scene.watch, LOOP_WRITE);
	scene.wanted = 2;
	loop_run(scene.loop);
	assert_int_equal(scene.events, LOOP_WRITE);
	scene.events = 0;
	loop_watch_set(scene.watch, 0);
	loop_timer_start(scene.timers[0], 5 * MS);
	scene.wanted = 3;
	loop_run(scene.loop);
	assert_int_equal(scene.events, 0);
	end(&scene);
}

static void
a_watch_tells_of_an_error(void **state)
{
	struct scene scene;
	int ends[2];

	(void)state;
	begin(&scene);
	assert_int_equal(pipe(ends), 0);
	/* The writing end of a pipe that nobody reads any more. */
	close(ends[0]);
	scene.watch = loop_watch_new(scene.loop, ends[1], on_watch, &scene);
	loop_watch_set(scene.watch, LOOP_READ);
	scene.wanted = 1;
	loop_run(scene.loop);
	assert_int_equal(scene.events & LOOP_ERROR, LOOP_ERROR);
	loop_watch_free(scene.watch);
	scene.watch = NULL;
	close(ends[1]);
	end(&scene);
}

/* ---- deferred ---- */

static void
write_c(void *arg)
{
	struct scene *scene = arg;

	strcat(scene->order, "c");
	called(scene);
}

static void
write_b(void *arg)
{
	struct scene *scene = arg;

	strcat(scene->order, "b");
	called(scene);
}

static void
write_a(void *arg)
{
	struct scene *scene = arg;

	strcat(scene->order, "a");
	loop_defer(scene->loop, write_c, scene);
	called(scene);
}

static void
what_is_deferred_runs_after_the_callback_in_order(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	scene.wanted = 3;
	loop_defer(scene.loop, write_a, &scene);
	loop_defer(scene.loop, write_b, &scene);
	assert_string_equal(scene.order, "");
	loop_run(scene.loop);
	assert_string_equal(scene.order, "abc");
	end(&scene);
}

/* ---- calls and workers ---- */

struct caller {
	pthread_t thread;
	struct scene *scene;
	int number;
	int next; /* expected, on the loop */
	int wrong;
};

static void
on_call(void *ctx, const void *payload, size_t size)
{
	struct caller *caller = ctx;
	int number;

	if (size == sizeof(number))
		memcpy(&number, payload, sizeof(number));
	if (size != sizeof(number) || number != caller->next++)
		caller->wrong++;
	called(caller->scene);
}

static void *
call_often(void *arg)
{
	struct caller *caller = arg;

	for (int i = 0; i < CALLS; i++) {
		while (loop_call(caller->scene->loop, on_call, caller, &i,
			   sizeof(i)) != 0)
			continue;
	}
	return NULL;
}

static void
calls_of_other_threads_all_arrive_in_their_order(void **state)
{
	struct caller callers[THREADS] = {0};
	struct scene scene;

	(void)state;
	begin(&scene);
	scene.wanted = THREADS * CALLS;
	for (int i = 0; i < THREADS; i++) {
		callers[i].scene = &scene;
		assert_int_equal(pthread_create(&callers[i].thread, NULL,
				     call_often, &callers[i]),
		    0);
	}
	loop_run(scene.loop);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		assert_int_equal(callers[i].wrong, 0);
		assert_int_equal(callers[i].next, CALLS);
	}
	end(&scene);
}

static void
work(void *arg)
{
	struct scene *scene = arg;

	scene->worked_on = pthread_self();
}

static void
work_done(void *arg)
{
	struct scene *scene = arg;

	assert_false(pthread_equal(scene->worked_on, pthread_self()));
	called(scene);
}

static void
work_is_done_on_another_thread_and_told_on_the_loop(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	scene.wanted = 1;
	scene.worked_on = pthread_self();
	assert_int_equal(loop_work(scene.loop, work, work_done, &scene), 0);
	loop_run(scene.loop);
	assert_int_equal(scene.calls, 1);
	/* What is under way when the loop is freed is told, too. */
	assert_int_equal(loop_work(scene.loop, work, work_done, &scene), 0);
	end(&scene);
	assert_int_equal(scene.calls, 2);
}

static void
on_signal(void *arg, int signo)
{
	struct scene *scene = arg;

	scene->events |= 1u << signo;
	called(scene);
}

static void
signals_arrive_on_the_loop(void **state)
{
	struct loop_signal *user1, *user2;
	struct scene scene;

	(void)state;
	begin(&scene);
	user1 = loop_signal_new(scene.loop, SIGUSR1, on_signal, &scene);
	user2 = loop_signal_new(scene.loop, SIGUSR2, on_signal, &scene);
	scene.wanted = 2;
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(raise(SIGUSR2), 0);
	loop_run(scene.loop);
	assert_int_equal(scene.events, (1u << SIGUSR1) | (1u << SIGUSR2));
	loop_signal_free(user1);
	loop_signal_free(user2);
	end(&scene);
}

/* ---- lateness ---- */

static void
spin_30_ms(void *arg)
{
	struct scene *scene = arg;

	spin(scene->loop, 30 * MS);
	called(scene);
}

static void
spin_on_call(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	spin_30_ms(ctx);
}

static void
spin_on_signal(void *arg, int signo)
{
	(void)signo;
	spin_30_ms(arg);
}

static void
do_nothing(void *arg)
{
	(void)arg;
}

/* Runs the loop for one callback that spins 30 ms, and for the one of a watch
 * that was ready all the time. */
static void
expect_stall(struct scene *scene, const char *kind)
{
	mono_us from = loop_now(scene->loop);
	struct loop_late late;

	scene->wanted = scene->calls + 2;
	loop_run(scene->loop);
	loop_late_between(scene->loop, from, loop_now(scene->loop), &late);
	if (late.longest < 29 * MS || late.sum < 29 * MS ||
	    loop_late_since(scene->loop, from) < 29 * MS)
		fail_msg("%s: %lld us, in all %lld us", kind,
		    (long long)late.longest, (long long)late.sum);
}

static void
each_kind_of_callback_that_takes_its_time_is_a_stall(void **state)
{
	struct loop_lateness sum;
	struct loop_signal *usr1;
	struct scene scene;

	(void)state;
	begin(&scene);
	scene.watch =
	    loop_watch_new(scene.loop, scene.ends[0], on_watch, &scene);
	assert_int_equal(write(scene.ends[1], "x", 1), 1);
	loop_watch_set(scene.watch, LOOP_READ);
	usr1 = loop_signal_new(scene.loop, SIGUSR1, spin_on_signal, &scene);
	scene.spin = 30 * MS;
	expect_stall(&scene, "watch");
	scene.spin = 0;
	scene.timers[0] = loop_timer_new(scene.loop, spin_30_ms, &scene);
	loop_timer_start(scene.timers[0], 0);
	expect_stall(&scene, "timer");
	assert_int_equal(
	    loop_call(scene.loop, spin_on_call, &scene, NULL, 0), 0);
	expect_stall(&scene, "call");
	loop_defer(scene.loop, spin_30_ms, &scene);
	expect_stall(&scene, "deferred");
	assert_int_equal(raise(SIGUSR1), 0);
	expect_stall(&scene, "signal");
	loop_watch_set(scene.watch, 0);
	assert_int_equal(
	    loop_work(scene.loop, do_nothing, spin_30_ms, &scene), 0);
	assert_int_equal(
	    loop_work(scene.loop, do_nothing, spin_30_ms, &scene), 0);
	expect_stall(&scene, "worker");
	loop_lateness(scene.loop, &sum);
	assert_true(sum.max >= 29 * MS);
	assert_true(sum.busy_ratio > 0);
	loop_signal_free(usr1);
	end(&scene);
}

static void
many_short_stalls_in_the_poll_add_up(void **state)
{
	struct loop_lateness sum;
	struct loop_late late;
	struct scene scene;
	mono_us from;

	(void)state;
	begin(&scene);
	scene.watch =
	    loop_watch_new(scene.loop, scene.ends[0], on_watch, &scene);
	assert_int_equal(write(scene.ends[1], "x", 1), 1);
	loop_watch_set(scene.watch, LOOP_READ);
	scene.spin = 4 * MS;
	scene.wanted = 20;
	from = loop_now(scene.loop);
	loop_run(scene.loop);
	loop_late_between(scene.loop, from, loop_now(scene.loop), &late);
	assert_true(late.longest >= 4 * MS);
	assert_true(late.sum >= 76 * MS);
	loop_lateness(scene.loop, &sum);
	assert_true(sum.busy_ratio >= 0.02);
	end(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_timer_is_never_early),
	    cmocka_unit_test(
		starting_a_timer_again_moves_it_and_stopping_ends_it),
	    cmocka_unit_test(
		a_timer_and_a_watch_may_be_freed_from_their_own_callback),
	    cmocka_unit_test(
		a_watch_tells_what_is_possible_and_only_what_was_asked),
	    cmocka_unit_test(a_watch_tells_of_an_error),
	    cmocka_unit_test(what_is_deferred_runs_after_the_callback_in_order),
	    cmocka_unit_test(calls_of_other_threads_all_arrive_in_their_order),
	    cmocka_unit_test(
		work_is_done_on_another_thread_and_told_on_the_loop),
	    cmocka_unit_test(signals_arrive_on_the_loop),
	    cmocka_unit_test(
		each_kind_of_callback_that_takes_its_time_is_a_stall),
	    cmocka_unit_test(many_short_stalls_in_the_poll_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
