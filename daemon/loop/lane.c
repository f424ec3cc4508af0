/*
 * A thread with a mailbox.
 */
#include "loop/lane.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

struct lane {
	struct mailbox *box;
	pthread_t thread;
};

static void *
run(void *arg)
{
	struct lane *lane = arg;

	while (mailbox_wait(lane->box))
		mailbox_run(lane->box);
	return NULL;
}

struct lane *
lane_new(const char *name, size_t max_bytes)
{
	struct lane *lane = mem_new(sizeof(*lane));
	sigset_t all;
	sigset_t before;
	int problem;

	lane->box = mailbox_new(max_bytes);
	/* The thread inherits the mask: signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	problem = pthread_create(&lane->thread, NULL, run, lane);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (problem != 0)
		log_fatal("cannot start thread", "name=%s", name);
	pthread_setname_np(lane->thread, name);
	return lane;
}

int
lane_call(struct lane *lane, mailbox_fn *fn, void *ctx, const void *payload,
    size_t size)
{
	return mailbox_put(lane->box, fn, ctx, payload, size);
}

int
lane_call_later(struct lane *lane, mailbox_fn *fn, void *ctx,
    const void *payload, size_t size)
{
	return mailbox_put_later(lane->box, fn, ctx, payload, size);
}

void
lane_stats(struct lane *lane, struct mailbox_stats *stats)
{
	mailbox_stats(lane->box, stats);
}

void
lane_free(struct lane *lane)
{
	if (lane == NULL)
		return;
	mailbox_close(lane->box);
	pthread_join(lane->thread, NULL);
	mailbox_free(lane->box);
	free(lane);
}
