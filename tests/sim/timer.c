/*
 * Answers that wait for their time: suspended connections in a heap by due
 * time, and one thread that resumes them. Also the one periodic call of the
 * program, the tick of the week.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>

#include "sim.h"

/* How often a hanging exchange is looked at. */
static const double HANG_LOOK_S = 0.5;

struct timer {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	struct exchange **heap;
	size_t n;
	size_t size;
	bool stopping;
	bool joined;
	double period_s;
	double tick_s;
	void (*call)(void *);
	void *arg;
};

static void
sift_up(struct timer *timer, size_t at)
{
	while (at > 0) {
		size_t up = (at - 1) / 2;
		if (timer->heap[up]->due_s <= timer->heap[at]->due_s)
			return;
		struct exchange *swap = timer->heap[up];
		timer->heap[up] = timer->heap[at];
		timer->heap[at] = swap;
		at = up;
	}
}

static void
sift_down(struct timer *timer, size_t at)
{
	for (;;) {
		size_t least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < timer->n &&
			    timer->heap[child]->due_s <
				timer->heap[least]->due_s)
				least = child;
		if (least == at)
			return;
		struct exchange *swap = timer->heap[least];
		timer->heap[least] = timer->heap[at];
		timer->heap[at] = swap;
		at = least;
	}
}

static void
push(struct timer *timer, struct exchange *x)
{
	if (timer->n == timer->size) {
		timer->size = timer->size == 0 ? 256 : 2 * timer->size;
		timer->heap = realloc(
		    timer->heap, timer->size * sizeof(struct exchange *));
		if (timer->heap == NULL)
			abort();
	}
	timer->heap[timer->n++] = x;
	sift_up(timer, timer->n - 1);
}

static struct exchange *
pop(struct timer *timer)
{
	struct exchange *x = timer->heap[0];

	timer->heap[0] = timer->heap[--timer->n];
	sift_down(timer, 0);
	return x;
}

static bool
client_gone(const struct exchange *x)
{
	struct pollfd pollfd = {.fd = x->fd, .events = POLLRDHUP};

	return poll(&pollfd, 1, 0) > 0 &&
	    (pollfd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* Takes what is due off the heap; hangers with a client go back. */
static size_t
take_due(
    struct timer *timer, double now_s, struct MHD_Connection **due, size_t max)
{
	size_t n = 0;

	while (timer->n > 0 && n < max && timer->heap[0]->due_s <= now_s) {
		struct exchange *x = pop(timer);
		if (x->give_up_s > now_s && !client_gone(x)) {
			x->due_s = now_s + HANG_LOOK_S;
			push(timer, x);
		} else {
			due[n++] = x->conn;
		}
	}
	return n;
}

static void
wait_until(struct timer *timer, double until_s)
{
	struct timespec at;

	if (isinf(until_s)) {
		pthread_cond_wait(&timer->changed, &timer->lock);
		return;
	}
	at.tv_sec = (time_t)until_s;
	at.tv_nsec = (long)((until_s - (double)at.tv_sec) * 1e9);
	pthread_cond_timedwait(&timer->changed, &timer->lock, &at);
}

static void *
timer_run(void *arg)
{
	struct timer *timer = arg;
	struct MHD_Connection *due[64];

	pthread_mutex_lock(&timer->lock);
	while (!timer->stopping) {
		double now_s = sim_now_s();
		size_t n = take_due(timer, now_s, due, 64);
		bool tick = timer->call != NULL && timer->tick_s <= now_s;
		if (n > 0 || tick) {
			if (tick)
				timer->tick_s = now_s + timer->period_s;
			pthread_mutex_unlock(&timer->lock);
			for (size_t i = 0; i < n; i++)
				MHD_resume_connection(due[i]);
			if (tick)
				timer->call(timer->arg);
			pthread_mutex_lock(&timer->lock);
			continue;
		}
		double until_s =
		    timer->n > 0 ? timer->heap[0]->due_s : INFINITY;
		if (timer->call != NULL)
			until_s = fmin(until_s, timer->tick_s);
		wait_until(timer, until_s);
	}
	pthread_mutex_unlock(&timer->lock);
	return NULL;
}

struct timer *
timer_new(void)
{
	struct timer *timer = calloc(1, sizeof(*timer));
	pthread_condattr_t attributes;

	if (timer == NULL)
		abort();
	pthread_mutex_init(&timer->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&timer->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&timer->thread, NULL, timer_run, timer) != 0)
		abort();
	return timer;
}

void
timer_every(
    struct timer *timer, double period_s, void (*call)(void *), void *arg)
{
	pthread_mutex_lock(&timer->lock);
	timer->period_s = period_s;
	timer->call = call;
	timer->arg = arg;
	pthread_cond_signal(&timer->changed);
	pthread_mutex_unlock(&timer->lock);
}

bool
timer_suspend(struct timer *timer, struct exchange *x)
{
	bool waits;

	/*
	 * Suspend under the lock: after timer_stop has taken it nobody may
	 * be suspended any more, or the stop of the server aborts.
	 */
	pthread_mutex_lock(&timer->lock);
	waits = !timer->stopping;
	if (waits) {
		MHD_suspend_connection(x->conn);
		push(timer, x);
		if (timer->heap[0] == x)
			pthread_cond_signal(&timer->changed);
	}
	pthread_mutex_unlock(&timer->lock);
	return waits;
}

void
timer_stop(struct timer *timer)
{
	pthread_mutex_lock(&timer->lock);
	timer->stopping = true;
	pthread_cond_signal(&timer->changed);
	pthread_mutex_unlock(&timer->lock);
	pthread_join(timer->thread, NULL);
	while (timer->n > 0)
		MHD_resume_connection(pop(timer)->conn);
}

void
timer_free(struct timer *timer)
{
	if (timer == NULL)
		return;
	assert(timer->n == 0);
	free(timer->heap);
	pthread_cond_destroy(&timer->changed);
	pthread_mutex_destroy(&timer->lock);
	free(timer);
}
