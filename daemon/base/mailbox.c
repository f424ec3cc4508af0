/*
 * The bounded queue of calls between threads: a list under one mutex. Waking
 * a loop is the loop room's business; a lane sleeps in mailbox_wait.
 */
#include "base/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

struct call {
	struct call *next;
	mailbox_fn *fn;
	void *ctx;
	size_t size;
	_Alignas(16) char payload[];
};

struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct call *head;
	struct call **tail;
	bool closed;
	bool urgent; /* what is in it must be run now */
	bool asleep; /* a thread waits for anything at all */
	struct mailbox_stats stats;
};

/* What a call costs of the limit: its header counts too, so that a flood of
 * empty calls is bounded as well. */
static size_t
cost(size_t size)
{
	return sizeof(struct call) + size;
}

struct mailbox *
mailbox_new(size_t max_bytes)
{
	struct mailbox *box = mem_new(sizeof(*box));
	pthread_condattr_t monotonic;

	pthread_mutex_init(&box->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&box->filled, &monotonic);
	pthread_condattr_destroy(&monotonic);
	box->tail = &box->head;
	box->stats.max_bytes = max_bytes;
	return box;
}

void
mailbox_free(struct mailbox *box)
{
	if (box == NULL)
		return;
	for (struct call *call = box->head; call != NULL;) {
		struct call *next = call->next;
		free(call);
		call = next;
	}
	pthread_cond_destroy(&box->filled);
	pthread_mutex_destroy(&box->lock);
	free(box);
}

static int
append(struct mailbox *box, struct call *call)
{
	struct mailbox_stats *stats = &box->stats;

	if (box->closed)
		return -ESHUTDOWN;
	if (cost(call->size) > stats->max_bytes - stats->bytes) {
		stats->refused++;
		return -EAGAIN;
	}
	*box->tail = call;
	box->tail = &call->next;
	stats->bytes += cost(call->size);
	stats->accepted++;
	return 0;
}

static int
put(struct mailbox *box, mailbox_fn *fn, void *ctx, const void *payload,
    size_t size, bool urgent)
{
	/* The limit never changes, so it may be read without the lock. */
	if (size > box->stats.max_bytes || cost(size) > box->stats.max_bytes)
		return -EMSGSIZE;
	struct call *call = malloc(cost(size));
	if (call != NULL) {
		call->next = NULL;
		call->fn = fn;
		call->ctx = ctx;
		call->size = size;
		if (size > 0)
			memcpy(call->payload, payload, size);
	}

	pthread_mutex_lock(&box->lock);
	int rc = -EAGAIN;
	if (call != NULL)
		rc = append(box, call);
	else
		box->stats.refused++;
	/* What is left to gather must not make others find it full. */
	urgent = urgent || box->stats.bytes > box->stats.max_bytes / 2;
	bool wake = rc == 0 && (urgent || box->asleep) && !box->urgent;
	box->urgent = box->urgent || (rc == 0 && urgent);
	box->asleep = box->asleep && rc != 0;
	if (wake)
		pthread_cond_signal(&box->filled);
	pthread_mutex_unlock(&box->lock);
	if (rc != 0)
		free(call);
	return rc;
}

int
mailbox_put(struct mailbox *box, mailbox_fn *fn, void *ctx, const void *payload,
    size_t size)
{
	return put(box, fn, ctx, payload, size, true);
}

int
mailbox_put_later(struct mailbox *box, mailbox_fn *fn, void *ctx,
    const void *payload, size_t size)
{
	return put(box, fn, ctx, payload, size, false);
}

bool
mailbox_run(struct mailbox *box)
{
	pthread_mutex_lock(&box->lock);
	struct call *call = box->head;
	if (call != NULL) {
		box->head = call->next;
		if (box->head == NULL)
			box->tail = &box->head;
		box->stats.bytes -= cost(call->size);
	}
	pthread_mutex_unlock(&box->lock);
	if (call == NULL)
		return false;
	call->fn(call->ctx, call->payload, call->size);
	free(call);
	return true;
}

/* gather lets more come in until something urgent does, or the time is over.
 */
static void
gather(struct mailbox *box)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += MAILBOX_LATER_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	while (!box->urgent && !box->closed &&
	    pthread_cond_timedwait(&box->filled, &box->lock, &until) == 0) {
	}
}

bool
mailbox_wait(struct mailbox *box)
{
	pthread_mutex_lock(&box->lock);
	while (box->head == NULL && !box->closed) {
		box->urgent = false;
		box->asleep = true;
		pthread_cond_wait(&box->filled, &box->lock);
	}
	box->asleep = false;
	if (!box->urgent && !box->closed)
		gather(box);
	box->urgent = true; /* until it is empty */
	bool some = box->head != NULL;
	pthread_mutex_unlock(&box->lock);
	return some;
}

void
mailbox_close(struct mailbox *box)
{
	pthread_mutex_lock(&box->lock);
	box->closed = true;
	pthread_cond_broadcast(&box->filled);
	pthread_mutex_unlock(&box->lock);
}

void
mailbox_stats(struct mailbox *box, struct mailbox_stats *stats)
{
	pthread_mutex_lock(&box->lock);
	*stats = box->stats;
	pthread_mutex_unlock(&box->lock);
}
