#include "series-int.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

/*
 * The face of the room: calls from any thread become calls on the store lane,
 * where gather.c keeps the results and a back end the files.
 */
struct series {
	const struct clock *clock;
	struct lane *lane;
	struct series_backend backend;
	struct gather *gather; /* lane only */
	struct recent *recent; /* lane only; NULL: none */
	bool writing; /* lane only: a slice is queued */
	bool flushing; /* lane only: what was kept goes to the file soon */
	pthread_mutex_t lock; /* over stats */
	struct series_stats stats;
};

struct tick {
	wall_us now;
	mono_us mono;
};

struct ask {
	struct series_query query;
	series_reply_fn *reply;
	void *arg;
};

static void do_recover(void *ctx, const void *payload, size_t size);

struct series *
series_open(const struct series_options *options)
{
	struct series *series = mem_new(sizeof(*series));
	struct undo *undo = NULL;
	int rc = 0;

	series->clock = options->clock;
	series->lane = options->lane;
	if (options->recent != NULL) {
		series->recent =
		    recent_open(options->recent, options->dir, options->clock);
		rc = series->recent == NULL ? -errno : 0;
	}
	if (rc == 0 && series->recent != NULL)
		undo = recent_undo(series->recent);
	if (rc == 0)
		rc = series_files_open(&series->backend, options, undo);
	if (rc != 0) {
		recent_close(series->recent, NULL);
		free(series);
		errno = -rc;
		return NULL;
	}
	pthread_mutex_init(&series->lock, NULL);
	series->gather = gather_new(&series->backend, options->write_every,
	    clock_mono(options->clock), clock_wall(options->clock));
	if (series->recent != NULL && !recent_ready(series->recent) &&
	    lane_call(series->lane, do_recover, series, NULL, 0) != 0) {
		series_close(series);
		errno = EAGAIN;
		return NULL;
	}
	return series;
}

void
series_close(struct series *series)
{
	if (series == NULL)
		return;
	/* what was not replayed yet is not written either: the next start does
	 * it all again */
	if (series->recent == NULL || recent_ready(series->recent))
		gather_flush(series->gather, clock_mono(series->clock),
		    clock_wall(series->clock));
	recent_close(series->recent, series->gather);
	gather_free(series->gather);
	series->backend.ops->free(series->backend.self);
	pthread_mutex_destroy(&series->lock);
	free(series);
}

/* ---- on the lane ---- */

static void
publish(struct series *series)
{
	pthread_mutex_lock(&series->lock);
	gather_stats(series->gather, &series->stats);
	pthread_mutex_unlock(&series->lock);
}

static void
do_flush(void *ctx, const void *payload, size_t size)
{
	struct series *series = ctx;

	(void)payload;
	(void)size;
	series->flushing = false;
	recent_flush(series->recent);
}

/* One write(2) for all results that are queued now: it waits behind them. */
static void
do_append(void *ctx, const void *payload, size_t size)
{
	struct series *series = ctx;

	(void)size;
	if (series->recent == NULL) {
		(void)gather_add(series->gather, payload);
		return;
	}
	recent_add(series->recent, series->gather, payload);
	if (series->flushing)
		return;
	series->flushing =
	    lane_call(series->lane, do_flush, series, NULL, 0) == 0;
	if (!series->flushing)
		recent_flush(series->recent);
}

static void do_slice(void *ctx, const void *payload, size_t size);

/* Writes a part; the rest waits behind what others have queued meanwhile. */
static void
write_slice(struct series *series)
{
	series->writing = false;
	if (gather_write(series->gather))
		series->writing =
		    lane_call(series->lane, do_slice, series, NULL, 0) == 0;
	publish(series);
}

static void
do_slice(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	write_slice(ctx);
}

static void
do_tick(void *ctx, const void *payload, size_t size)
{
	struct series *series = ctx;
	const struct tick *tick = payload;

	(void)size;
	if (series->recent != NULL)
		recent_tick(series->recent, series->gather);
	/* a round that is under way goes on first */
	if (series->writing ||
	    (series->recent != NULL && !recent_ready(series->recent)))
		return;
	gather_now(series->gather, tick->mono, tick->now);
	write_slice(series);
}

/* A part of the recovery; others get their turn between two, but for a full
 * queue. A stop does not wait for the rest, which the next start does. */
static void
do_recover(void *ctx, const void *payload, size_t size)
{
	struct series *series = ctx;
	int problem;

	(void)payload;
	(void)size;
	while (recent_recover(series->recent, series->gather)) {
		problem = lane_call(series->lane, do_recover, series, NULL, 0);
		if (problem == 0 || problem == -ESHUTDOWN)
			return;
	}
	publish(series);
}

static void
do_ask(void *ctx, const void *payload, size_t size)
{
	struct series *series = ctx;
	const struct ask *ask = payload;
	struct series_range *range = NULL;
	struct series_scope scope;
	int problem;

	(void)size;
	/* nothing is read before it is whole again */
	if (series->recent != NULL && !recent_ready(series->recent) &&
	    lane_call(series->lane, do_ask, series, payload, size) == 0)
		return;
	if (series_scope_parse(ask->query.target, &scope) == 0)
		gather_settle(series->gather, &scope);
	problem =
	    series->backend.ops->ask(series->backend.self, &ask->query, &range);
	publish(series);
	ask->reply(ask->arg, problem, range);
}

/* ---- from any thread ---- */

int
series_append(struct series *series, const struct result *result, dur_us every)
{
	struct gather_result kept = {
	    .target = result->target,
	    .every = every,
	    .started = result->started_wall,
	    .now = clock_wall(series->clock),
	    .latency = result->latency,
	    .phases = result->phases,
	    .verdict = reason_verdict(result->reason),
	};

	return lane_call_later(
	    series->lane, do_append, series, &kept, sizeof(kept));
}

int
series_tick(struct series *series, wall_us now)
{
	struct tick tick = {.now = now, .mono = clock_mono(series->clock)};

	return lane_call(series->lane, do_tick, series, &tick, sizeof(tick));
}

int
series_ask(struct series *series, const struct series_query *query,
    series_reply_fn *reply, void *arg)
{
	struct ask ask = {.query = *query, .reply = reply, .arg = arg};

	return lane_call(series->lane, do_ask, series, &ask, sizeof(ask));
}

void
series_stats(struct series *series, struct series_stats *stats)
{
	pthread_mutex_lock(&series->lock);
	*stats = series->stats;
	pthread_mutex_unlock(&series->lock);
}
