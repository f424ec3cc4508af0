/*
 * The loop on libuv: timers, watches, signals, calls, workers. How late it is
 * is measured in lateness.c.
 */
#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include <uv.h>

#include "base/mem.h"
#include "lateness.h"
#include "look.h"

#define CALL_BYTES (1024 * 1024)

struct deferred {
	struct deferred *next;
	loop_fn *fn;
	void *arg;
};

struct loop {
	uv_loop_t uv;
	const struct clock *clock;
	struct mailbox *calls;
	uv_async_t wake;
	uv_prepare_t prepare; /* before it looks */
	uv_idle_t busy; /* keeps it from sleeping on deferred calls */
	uv_timer_t beat;
	mono_us beat_due;
	struct deferred *first;
	struct deferred **last;
	bool stopped;
	bool acted; /* somebody was called since it last looked */
	bool slept; /* since the last turn */
	bool at_once; /* this turn's events were there without a sleep */
	struct look look;
	struct lateness lateness;
};

#define BEAT (20 * US_PER_MS)
/* libuv counts whole milliseconds, and we add one: up to two are no
 * lateness. */
#define TIMER_SLACK (2 * US_PER_MS)

struct loop_timer {
	uv_timer_t uv;
	struct loop *loop;
	mono_us due;
	loop_fn *fn;
	void *arg;
};

struct loop_watch {
	uv_poll_t uv;
	struct loop *loop;
	loop_watch_fn *fn;
	void *arg;
	int fd;
};

struct loop_signal {
	uv_signal_t uv;
	struct loop *loop;
	loop_signal_fn *fn;
	void *arg;
};

struct work {
	uv_work_t uv;
	struct loop *loop;
	loop_fn *work;
	loop_fn *done;
	void *arg;
};

/* libuv refuses only what is a bug of ours, or memory at start. */
static void
must(int problem)
{
	assert(problem == 0);
	(void)problem;
}

/* ---- turns ---- */

/* Before each callback that an event has called for; `fd` is -1 when it is no
 * descriptor of ours. */
static void
serve(struct loop *loop, int fd)
{
	mono_us now = clock_mono(loop->clock);
	struct seen seen;

	if (!lateness_on(&loop->lateness)) {
		loop->at_once = !loop->slept;
		look_begin(&loop->look, now);
	}
	seen = look_find(&loop->look, fd);
	lateness_event(&loop->lateness, now, loop->at_once,
	    loop->beat_due + TIMER_SLACK,
	    fd >= 0 && loop->at_once ? &seen : NULL);
	look_around(&loop->look, uv_backend_fd(&loop->uv), now);
	loop->slept = false;
	loop->acted = true;
}

/* Before all other callbacks. */
static void
wake_up(struct loop *loop)
{
	mono_us now = clock_mono(loop->clock);

	loop->acted = true;
	if (!lateness_on(&loop->lateness)) {
		mono_us due = loop->beat_due + TIMER_SLACK;

		lateness_wake(&loop->lateness, now, due);
		look_begin(&loop->look, now < due ? now : due);
	}
	look_around(&loop->look, uv_backend_fd(&loop->uv), now);
	loop->slept = false;
}

static void
run_deferred(struct loop *loop)
{
	/* What is deferred meanwhile waits for the next turn. */
	struct deferred *first = loop->first;

	loop->first = NULL;
	loop->last = &loop->first;
	uv_idle_stop(&loop->busy);
	while (first != NULL) {
		struct deferred *next = first->next;

		first->fn(first->arg);
		free(first);
		first = next;
	}
}

static void
on_idle(uv_idle_t *idle)
{
	(void)idle;
}

static void
on_prepare(uv_prepare_t *prepare)
{
	struct loop *loop = prepare->data;

	if (loop->first != NULL)
		wake_up(loop);
	run_deferred(loop);
	lateness_sleep(&loop->lateness, clock_mono(loop->clock));
}

static void
on_wake(uv_async_t *wake)
{
	struct loop *loop = wake->data;

	serve(loop, -1);
	while (mailbox_run(loop->calls))
		continue;
}

static void
on_beat(uv_timer_t *beat)
{
	struct loop *loop = beat->data;
	mono_us now;

	wake_up(loop);
	now = clock_mono(loop->clock);
	lateness_timer(&loop->lateness, loop->beat_due + TIMER_SLACK, now);
	loop->beat_due = now + BEAT;
	uv_update_time(&loop->uv);
	must(uv_timer_start(beat, on_beat, BEAT / US_PER_MS, 0));
}

struct loop *
loop_new(const struct clock *clock)
{
	return loop_new_roomy(clock, CALL_BYTES);
}

struct loop *
loop_new_roomy(const struct clock *clock, size_t call_bytes)
{
	struct loop *loop = mem_new(sizeof(*loop));

	loop->clock = clock;
	loop->calls = mailbox_new(call_bytes);
	loop->last = &loop->first;
	must(uv_loop_init(&loop->uv));
	must(uv_async_init(&loop->uv, &loop->wake, on_wake));
	must(uv_prepare_init(&loop->uv, &loop->prepare));
	must(uv_idle_init(&loop->uv, &loop->busy));
	must(uv_timer_init(&loop->uv, &loop->beat));
	loop->wake.data = loop;
	loop->prepare.data = loop;
	loop->beat.data = loop;
	must(uv_prepare_start(&loop->prepare, on_prepare));
	return loop;
}

void
loop_free(struct loop *loop)
{
	mailbox_close(loop->calls);
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->prepare, NULL);
	uv_close((uv_handle_t *)&loop->busy, NULL);
	uv_close((uv_handle_t *)&loop->beat, NULL);
	/* Closing handles and workers under way still have calls to come. */
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	run_deferred(loop);
	must(uv_loop_close(&loop->uv));
	mailbox_free(loop->calls);
	free(loop);
}

/* Sleeps until there is something to do. That is not left to libuv, which does
 * not tell whether it has slept or found something at once: its idle time goes
 * on while timers run. */
static void
sleep_until_event(struct loop *loop)
{
	struct pollfd events = {
	    .fd = uv_backend_fd(&loop->uv), .events = POLLIN};
	int timeout = uv_backend_timeout(&loop->uv);

	if (timeout == 0)
		return;
	(void)poll(&events, 1, timeout);
	loop->slept = true;
}

void
loop_run(struct loop *loop)
{
	loop->beat_due = clock_mono(loop->clock) + BEAT;
	loop->slept = true;
	uv_update_time(&loop->uv);
	must(uv_timer_start(&loop->beat, on_beat, BEAT / US_PER_MS, 0));
	while (!loop->stopped) {
		loop->acted = false;
		uv_run(&loop->uv, UV_RUN_NOWAIT);
		if (!loop->acted && !loop->stopped)
			sleep_until_event(loop);
	}
	loop->stopped = false;
	uv_timer_stop(&loop->beat);
	/* The last turn's: their owners are still there, later they are not. */
	while (loop->first != NULL)
		run_deferred(loop);
	lateness_sleep(&loop->lateness, clock_mono(loop->clock));
}

void
loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

mono_us
loop_now(const struct loop *loop)
{
	return clock_mono(loop->clock);
}

const struct clock *
loop_clock(const struct loop *loop)
{
	return loop->clock;
}

/* ---- calls ---- */

int
loop_call(struct loop *loop, mailbox_fn *fn, void *ctx, const void *payload,
    size_t size)
{
	int problem = mailbox_put(loop->calls, fn, ctx, payload, size);

	if (problem == 0)
		uv_async_send(&loop->wake);
	return problem;
}

void
loop_call_stats(struct loop *loop, struct mailbox_stats *stats)
{
	mailbox_stats(loop->calls, stats);
}

void
loop_defer(struct loop *loop, loop_fn *fn, void *arg)
{
	struct deferred *deferred = mem_new(sizeof(*deferred));

	deferred->fn = fn;
	deferred->arg = arg;
	*loop->last = deferred;
	loop->last = &deferred->next;
	must(uv_idle_start(&loop->busy, on_idle));
}

/* ---- timers ---- */

static void
on_timer(uv_timer_t *uv)
{
	struct loop_timer *timer = uv->data;
	struct loop *loop = timer->loop;

	wake_up(loop);
	lateness_timer(
	    &loop->lateness, timer->due + TIMER_SLACK, clock_mono(loop->clock));
	timer->fn(timer->arg);
}

static void
free_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_timer *timer = mem_new(sizeof(*timer));

	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	must(uv_timer_init(&loop->uv, &timer->uv));
	timer->uv.data = timer;
	return timer;
}

void
loop_timer_start(struct loop_timer *timer, dur_us delay)
{
	uint64_t ms;

	if (delay < 0)
		delay = 0;
	timer->due = clock_mono(timer->loop->clock) + delay;
	/* libuv's own time is that of the turn's beginning, cut to whole
	 * milliseconds: one more keeps us from being early. */
	ms = ((uint64_t)delay + US_PER_MS - 1) / US_PER_MS;
	if (delay > 0)
		ms++;
	uv_update_time(&timer->loop->uv);
	must(uv_timer_start(&timer->uv, on_timer, ms, 0));
}

void
loop_timer_stop(struct loop_timer *timer)
{
	uv_timer_stop(&timer->uv);
}

void
loop_timer_free(struct loop_timer *timer)
{
	if (timer != NULL)
		uv_close((uv_handle_t *)&timer->uv, free_closed);
}

/* ---- descriptors ---- */

static void
on_poll(uv_poll_t *uv, int status, int happened)
{
	struct loop_watch *watch = uv->data;
	unsigned events = 0;

	serve(watch->loop, watch->fd);
	if (status < 0)
		events |= LOOP_ERROR;
	if (happened & UV_READABLE)
		events |= LOOP_READ;
	if (happened & UV_WRITABLE)
		events |= LOOP_WRITE;
	watch->fn(watch->arg, watch->fd, events);
}

struct loop_watch *
loop_watch_new(struct loop *loop, int fd, loop_watch_fn *fn, void *arg)
{
	struct loop_watch *watch = mem_new(sizeof(*watch));

	watch->loop = loop;
	watch->fn = fn;
	watch->arg = arg;
	watch->fd = fd;
	must(uv_poll_init(&loop->uv, &watch->uv, fd));
	watch->uv.data = watch;
	return watch;
}

void
loop_watch_set(struct loop_watch *watch, unsigned events)
{
	int wanted = 0;

	if (events & LOOP_READ)
		wanted |= UV_READABLE;
	if (events & LOOP_WRITE)
		wanted |= UV_WRITABLE;
	if (wanted == 0)
		must(uv_poll_stop(&watch->uv));
	else
		must(uv_poll_start(&watch->uv, wanted, on_poll));
}

void
loop_watch_free(struct loop_watch *watch)
{
	if (watch == NULL)
		return;
	/* Stop at once: the caller closes the descriptor next. */
	must(uv_poll_stop(&watch->uv));
	uv_close((uv_handle_t *)&watch->uv, free_closed);
}

/* ---- signals ---- */

static void
on_signal(uv_signal_t *uv, int signo)
{
	struct loop_signal *signal = uv->data;

	serve(signal->loop, -1);
	signal->fn(signal->arg, signo);
}

struct loop_signal *
loop_signal_new(struct loop *loop, int signo, loop_signal_fn *fn, void *arg)
{
	struct loop_signal *signal = mem_new(sizeof(*signal));

	signal->loop = loop;
	signal->fn = fn;
	signal->arg = arg;
	must(uv_signal_init(&loop->uv, &signal->uv));
	signal->uv.data = signal;
	must(uv_signal_start(&signal->uv, on_signal, signo));
	return signal;
}

void
loop_signal_free(struct loop_signal *signal)
{
	if (signal != NULL)
		uv_close((uv_handle_t *)&signal->uv, free_closed);
}

/* ---- workers ---- */

static void
on_work(uv_work_t *uv)
{
	static _Thread_local bool named;
	struct work *work = uv->data;

	/* or else it has the name of whoever was the first to need one */
	if (!named)
		pthread_setname_np(pthread_self(), "worker");
	named = true;
	work->work(work->arg);
}

static void
on_worked(uv_work_t *uv, int status)
{
	struct work *work = uv->data;

	(void)status;
	serve(work->loop, -1);
	work->done(work->arg);
	free(work);
}

int
loop_work(struct loop *loop, loop_fn *work, loop_fn *done, void *arg)
{
	struct work *item = mem_new(sizeof(*item));
	int problem;

	item->loop = loop;
	item->work = work;
	item->done = done;
	item->arg = arg;
	item->uv.data = item;
	problem = uv_queue_work(&loop->uv, &item->uv, on_work, on_worked);
	if (problem < 0)
		free(item);
	return problem; /* libuv's codes are -errno on Linux */
}

/* ---- lateness ---- */

void
loop_late_between(
    const struct loop *loop, mono_us from, mono_us to, struct loop_late *out)
{
	lateness_between(
	    &loop->lateness, from, to, clock_mono(loop->clock), out);
}

dur_us
loop_waited(const struct loop *loop)
{
	dur_us waited = loop->lateness.waited;

	return waited < US_PER_MS ? 0 : waited;
}

dur_us
loop_held(const struct loop *loop)
{
	return loop->lateness.held;
}

dur_us
loop_unseen(const struct loop *loop)
{
	dur_us unseen =
	    lateness_unseen(&loop->lateness, clock_mono(loop->clock));

	return unseen < US_PER_MS ? 0 : unseen;
}

dur_us
loop_late_since(const struct loop *loop, mono_us since)
{
	mono_us now = clock_mono(loop->clock);
	struct loop_late late;

	lateness_between(&loop->lateness, since, now, now, &late);
	return late.longest;
}

void
loop_lateness(const struct loop *loop, struct loop_lateness *out)
{
	lateness_summary(&loop->lateness, clock_mono(loop->clock), out);
}
