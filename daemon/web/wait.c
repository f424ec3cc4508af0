/*
 * Asking the store, or having it change something, without keeping one of
 * libmicrohttpd's threads: the connection is suspended, the store lane answers,
 * the connection goes on. The waiter is counted, because at shutdown the web
 * may give up before the store has answered.
 */
#include "web-int.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

/* The store lane writes, too: readers may not fill its queue. */
#define WAITING_MOST 64

struct waiter {
	atomic_int references;
	pthread_mutex_t lock;
	struct MHD_Connection *connection; /* NULL once it was resumed */
	struct series_range *range;
	int64_t changed;
	struct jv *account;
	int problem;
};

static void
waiter_release(struct waiter *waiter)
{
	if (atomic_fetch_sub(&waiter->references, 1) != 1)
		return;
	series_range_free(waiter->range);
	jv_release(waiter->account);
	pthread_mutex_destroy(&waiter->lock);
	free(waiter);
}

/* With its lock held. */
static void
waiter_go_on(struct waiter *waiter)
{
	if (waiter->connection != NULL)
		MHD_resume_connection(waiter->connection);
	waiter->connection = NULL;
}

/* On the store lane. */
static void
replied(void *arg, int problem, struct series_range *range)
{
	struct waiter *waiter = arg;

	pthread_mutex_lock(&waiter->lock);
	if (waiter->connection != NULL) {
		waiter->range = range;
		waiter->problem = problem;
	} else {
		series_range_free(range);
	}
	waiter_go_on(waiter);
	pthread_mutex_unlock(&waiter->lock);
	waiter_release(waiter);
}

/* On the store lane. */
static void
changed(void *arg, int problem, int64_t id)
{
	struct waiter *waiter = arg;

	pthread_mutex_lock(&waiter->lock);
	if (waiter->connection != NULL) {
		waiter->changed = id;
		waiter->problem = problem;
	}
	waiter_go_on(waiter);
	pthread_mutex_unlock(&waiter->lock);
	waiter_release(waiter);
}

/* On the lane of the reports. */
static void
counted(void *arg, int problem, struct jv *account)
{
	struct waiter *waiter = arg;

	pthread_mutex_lock(&waiter->lock);
	waiter->account = account;
	if (waiter->connection != NULL)
		waiter->problem = problem;
	waiter_go_on(waiter);
	pthread_mutex_unlock(&waiter->lock);
	waiter_release(waiter);
}

static void
unlink_waiting(struct web *web, struct request *request)
{
	if (request->wait_prev != NULL)
		request->wait_prev->wait_next = request->wait_next;
	else
		web->waiting = request->wait_next;
	if (request->wait_next != NULL)
		request->wait_next->wait_prev = request->wait_prev;
	request->wait_prev = NULL;
	request->wait_next = NULL;
	web->n_waiting--;
}

/* First suspended, then asked: the answer may be quick. NULL with
 * wait_problem set when it cannot wait. */
static struct waiter *
begin(struct web *web, struct request *request)
{
	struct waiter *waiter = NULL;

	pthread_mutex_lock(&web->lock);
	if (web->stopping || web->n_waiting == WAITING_MOST) {
		request->wait_problem = web->stopping ? -ESHUTDOWN : -EAGAIN;
		goto out;
	}
	waiter = mem_new(sizeof(*waiter));
	pthread_mutex_init(&waiter->lock, NULL);
	atomic_init(&waiter->references, 2);
	waiter->connection = request->connection;
	request->waiter = waiter;
	request->wait_next = web->waiting;
	if (web->waiting != NULL)
		web->waiting->wait_prev = request;
	web->waiting = request;
	web->n_waiting++;
	MHD_suspend_connection(request->connection);
out:
	pthread_mutex_unlock(&web->lock);
	return waiter;
}

/* It was not taken. */
static void
give_up(struct waiter *waiter, int problem)
{
	pthread_mutex_lock(&waiter->lock);
	waiter->problem = problem;
	waiter_go_on(waiter);
	pthread_mutex_unlock(&waiter->lock);
	waiter_release(waiter);
}

bool
wait_for_series(
    struct web *web, struct request *request, const struct series_query *query)
{
	struct waiter *waiter = begin(web, request);
	int problem;

	if (waiter == NULL)
		return false;
	problem = series_ask(web->series, query, replied, waiter);
	if (problem != 0)
		give_up(waiter, problem);
	return true;
}

bool
wait_for_report(struct web *web, struct request *request)
{
	struct waiter *waiter = begin(web, request);
	int problem;

	if (waiter == NULL)
		return false;
	problem = report_begin(web, request, counted, waiter);
	if (problem != 0)
		give_up(waiter, problem);
	return true;
}

bool
wait_for_change(struct web *web, struct request *request)
{
	struct waiter *waiter = begin(web, request);
	int problem;

	if (waiter == NULL)
		return false;
	problem = web->change == NULL
	    ? -ENOSYS
	    : web->change(web->arg, &request->pending->change, changed, waiter);
	if (problem != 0)
		give_up(waiter, problem);
	return true;
}

bool
wait_pending(struct web *web, struct request *request)
{
	struct waiter *waiter = request->waiter;
	bool pending;

	if (waiter == NULL)
		return false;
	pthread_mutex_lock(&waiter->lock);
	pending = waiter->connection != NULL;
	request->range = waiter->range;
	request->changed = waiter->changed;
	if (!pending) {
		request->account = waiter->account;
		waiter->account = NULL;
	}
	request->wait_problem = waiter->problem;
	waiter->range = NULL;
	pthread_mutex_unlock(&waiter->lock);
	if (!pending)
		wait_drop(web, request);
	return pending;
}

void
wait_drop(struct web *web, struct request *request)
{
	if (request->waiter == NULL)
		return;
	pthread_mutex_lock(&web->lock);
	unlink_waiting(web, request);
	pthread_mutex_unlock(&web->lock);
	pthread_mutex_lock(&request->waiter->lock);
	request->waiter->connection = NULL;
	pthread_mutex_unlock(&request->waiter->lock);
	waiter_release(request->waiter);
	request->waiter = NULL;
}

void
wait_abandon(struct web *web)
{
	for (struct request *request = web->waiting; request != NULL;
	     request = request->wait_next) {
		struct waiter *waiter = request->waiter;

		pthread_mutex_lock(&waiter->lock);
		if (waiter->connection != NULL)
			waiter->problem = -ETIMEDOUT;
		waiter_go_on(waiter);
		pthread_mutex_unlock(&waiter->lock);
	}
}
