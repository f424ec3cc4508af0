/*
 * Deliveries between the engine and people: how the subscribers stand, and
 * what a person wishes, which comes from the web's threads.
 */
#include "engine.h"

#include <string.h>

#include "base/log.h"

/* ---- in the snapshot ---- */

static void
fill(void *arg, const struct notify_subscriber *subscriber)
{
	struct snapshot *snapshot = arg;
	struct snap_subscriber *to =
	    &snapshot->subscribers[snapshot->n_subscribers++];

	to->name = engine_need_text(snapshot, subscriber->name);
	to->pending = subscriber->pending;
	to->oldest_s = clock_to_ms(subscriber->oldest) / 1000;
	to->failing = subscriber->failing;
	to->closed = subscriber->closed;
}

static void
count(void *arg, const struct notify_subscriber *subscriber)
{
	(void)subscriber;
	++*(size_t *)arg;
}

void
engine_subscribers_fill(struct engine *engine, struct snapshot *snapshot)
{
	size_t n = 0;

	notify_each(engine->notify, count, &n);
	snapshot->subscribers =
	    engine_need(snapshot, n, sizeof(*snapshot->subscribers));
	notify_each(engine->notify, fill, snapshot);
}

/* ---- what a person wishes ---- */

static void
on_retry(void *ctx, const void *payload, size_t size)
{
	struct engine *engine = ctx;
	int64_t id;

	memcpy(&id, payload, sizeof(id));
	(void)size;
	if (notify_revive(engine->notify, id) < 0)
		log_warn("delivery not sent again",
		    "id=%lld problem=\"the store's queue is full\"",
		    (long long)id);
}

static void
on_test(void *ctx, const void *payload, size_t size)
{
	struct engine *engine = ctx;
	const char *name = payload;

	(void)size;
	if (!notify_test(engine->notify, name))
		log_warn("no test message", "subscriber=%s", name);
}

int
engine_retry_delivery(void *arg, int64_t id)
{
	struct engine *engine = arg;

	return loop_call(engine->loop, on_retry, engine, &id, sizeof(id));
}

int
engine_test_subscriber(void *arg, const char *name)
{
	struct engine *engine = arg;

	return loop_call(engine->loop, on_test, engine, name, strlen(name) + 1);
}
