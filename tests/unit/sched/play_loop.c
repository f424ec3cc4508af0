/*
 * Timers on a clock that nobody waits for. A timer is never early, and of two
 * that are due together the one that was started first runs first.
 */
#include "play_loop.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

struct loop_timer {
	struct loop_timer *next;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
	mono_us due;
	uint64_t order;
	bool armed;
};

struct loop {
	struct clock_manual *clock;
	struct loop_timer *timers;
	uint64_t order;
};

struct loop *
play_loop_new(struct clock_manual *clock)
{
	struct loop *loop = mem_new(sizeof(*loop));

	loop->clock = clock;
	return loop;
}

void
play_loop_free(struct loop *loop)
{
	assert(loop->timers == NULL);
	free(loop);
}

static struct loop_timer *
first_due(struct loop *loop, mono_us until)
{
	struct loop_timer *first = NULL;

	for (struct loop_timer *timer = loop->timers; timer != NULL;
	     timer = timer->next) {
		if (timer->armed && timer->due <= until &&
		    (first == NULL || timer->due < first->due ||
			(timer->due == first->due &&
			    timer->order < first->order)))
			first = timer;
	}
	return first;
}

void
play_until(struct loop *loop, mono_us until)
{
	struct loop_timer *timer;

	while ((timer = first_due(loop, until)) != NULL) {
		if (timer->due > loop->clock->now)
			clock_manual_advance(
			    loop->clock, timer->due - loop->clock->now);
		timer->armed = false;
		timer->fn(timer->arg);
	}
	if (until > loop->clock->now)
		clock_manual_advance(loop->clock, until - loop->clock->now);
}

/* ---- what the schedule calls ---- */

mono_us
loop_now(const struct loop *loop)
{
	return loop->clock->now;
}

const struct clock *
loop_clock(const struct loop *loop)
{
	return &loop->clock->clock;
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_timer *timer = mem_new(sizeof(*timer));

	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	timer->next = loop->timers;
	loop->timers = timer;
	return timer;
}

void
loop_timer_start(struct loop_timer *timer, dur_us delay)
{
	timer->due = timer->loop->clock->now + delay;
	timer->order = timer->loop->order++;
	timer->armed = true;
}

void
loop_timer_stop(struct loop_timer *timer)
{
	timer->armed = false;
}

void
loop_timer_free(struct loop_timer *timer)
{
	struct loop_timer **link;

	if (timer == NULL)
		return;
	for (link = &timer->loop->timers; *link != timer;)
		link = &(*link)->next;
	*link = timer->next;
	free(timer);
}

void
loop_defer(struct loop *loop, loop_fn *fn, void *arg)
{
	(void)loop;
	(void)fn;
	(void)arg;
	assert(!"nothing that is played here stops the schedule");
}
