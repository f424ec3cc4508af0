#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/mailbox.h"

/*
 * The engine's loop: timers, watched descriptors, signals, calls from other
 * threads, and the measure of its own lateness. Everything here belongs to
 * the thread that runs the loop unless it says "any thread". Nothing called
 * from the loop may block.
 */
struct loop;
struct loop_timer;
struct loop_watch;
struct loop_signal;

typedef void loop_fn(void *arg);

struct loop *loop_new(const struct clock *clock);

/* loop_new_roomy: with room for calls of so many bytes, instead of 1 MB. */
struct loop *loop_new_roomy(const struct clock *clock, size_t call_bytes);

/* loop_free: all timers, watches and signals of it must have been freed. */
void loop_free(struct loop *loop);

/* loop_run returns after loop_stop, with nothing left deferred. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

mono_us loop_now(const struct loop *loop); /* clock_mono, not cached */
const struct clock *loop_clock(const struct loop *loop);

/* loop_call: any thread. Runs fn on the loop. Errors of mailbox_put. */
int loop_call(struct loop *loop, mailbox_fn *fn, void *ctx, const void *payload,
    size_t size) MUST_USE;
void loop_call_stats(struct loop *loop, struct mailbox_stats *stats);

/* loop_defer runs fn after the current callback has returned: for what must
 * end itself. Cannot fail. */
void loop_defer(struct loop *loop, loop_fn *fn, void *arg);

/* A one-shot timer, stopped at first; precision 1 ms, never early. Starting a
 * running timer moves it. Freeing from its own callback is allowed. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_timer_start(struct loop_timer *timer, dur_us delay);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* NULL is fine */

/* Watches a descriptor that the caller owns and closes after the free. */
enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_ERROR = 4 };
typedef void loop_watch_fn(void *arg, int fd, unsigned events);
struct loop_watch *loop_watch_new(
    struct loop *loop, int fd, loop_watch_fn *fn, void *arg);
void loop_watch_set(struct loop_watch *watch, unsigned events); /* 0: none */
void loop_watch_free(struct loop_watch *watch);

typedef void loop_signal_fn(void *arg, int signo);
struct loop_signal *loop_signal_new(
    struct loop *loop, int signo, loop_signal_fn *fn, void *arg);
void loop_signal_free(struct loop_signal *signal);

/* loop_work runs `work` on a worker thread, then `done` on the loop. 0 or
 * -errno; `done` is called exactly once if and only if 0 was returned. */
int loop_work(
    struct loop *loop, loop_fn *work, loop_fn *done, void *arg) MUST_USE;

/*
 * How late the loop was. Instants are taken when callbacks run, so what spoils
 * them is the time that a ready event had to wait for its callback. A stall is
 * such a time: a timer's lateness, the wait of an event behind others of its
 * batch, or the whole turn before a poll that found something ready at once,
 * since that may have been ready all the while. A long callback for which
 * nobody waited is none. Stalls under 1 ms are not remembered; the others are,
 * for five minutes, to a precision of 10 ms at the ends of the span.
 */
struct loop_late {
	dur_us longest; /* stall that overlapped the span, in its full length */
	dur_us sum; /* of all stalls, as far as they lie in the span */
};
void loop_late_between(
    const struct loop *loop, mono_us from, mono_us to, struct loop_late *out);

/* loop_late_since: the longest stall from `since` to now. */
dur_us loop_late_since(const struct loop *loop, mono_us since);

/* loop_waited, from inside the callback of a timer, a descriptor, a call, a
 * signal or a worker: for how long, at most, what it serves had been ready.
 * Less than 1 ms is 0. */
dur_us loop_waited(const struct loop *loop);

/* loop_held: from inside a descriptor's callback, for how long it had been
 * ready at the least: since the look that found it. In any other callback 0. */
dur_us loop_held(const struct loop *loop);

/* loop_unseen: for how long, at most, a descriptor that is read now, in
 * whatever callback, may have been ready without being served. Less than 1 ms
 * is 0. */
dur_us loop_unseen(const struct loop *loop);

/* Waits of turns over the last minute, for /metrics and the self page. */
struct loop_lateness {
	dur_us p99;
	dur_us max;
	double busy_ratio; /* share of time spent in callbacks, 0 to 1 */
};
void loop_lateness(const struct loop *loop, struct loop_lateness *out);

#endif
