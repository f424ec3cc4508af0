/*
 * Incidents between the ledger, the alerts and people: what was open is taken
 * up at start, with the time in which nobody looked; and what a person wishes
 * comes from the web's threads to the engine.
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

static void
restore_open(void *arg, const struct incident *incident)
{
	alert_restore(arg, incident);
}

static void
restore_entry(void *arg, const struct incident_entry *entry)
{
	alert_restore_entry(arg, entry);
}

static void
restore_resolved(void *arg, const struct incident *incident)
{
	alert_restore_resolved(arg, incident);
}

/* The sign of life is read before anything is written, which renews it. */
int
engine_incidents_restore(struct engine *engine, const struct conf *conf)
{
	wall_us recent =
	    clock_wall(engine->clock) - conf->incidents.reopen_within;
	int rc;

	engine->had_life = ledger_last_life(engine->ledger, &engine->life);
	rc = ledger_each_open_incident(
	    engine->ledger, restore_open, engine->alert);
	if (rc == 0)
		rc = ledger_each_open_entry(
		    engine->ledger, restore_entry, engine->alert);
	if (rc == 0)
		rc = ledger_each_resolved_incident(engine->ledger,
		    recent - engine->life.clock_set, restore_resolved,
		    engine->alert);
	return rc;
}

void
engine_incidents_apply(struct engine *engine)
{
	if (!engine->had_life)
		return;
	log_info("nobody looked", "for_s=%.1f side=ours",
	    clock_to_ms(engine->life.ago) / 1000);
	alert_restored(engine->alert, engine->life.ago, engine->life.clock_set,
	    clock_wall(engine->clock));
	engine_blind_stopped(engine);
}

/* ---- what a person wishes ---- */

struct wish {
	int64_t number;
	char by[MODEL_NAME_SIZE];
	char text[]; /* of a note */
};

static int
send_wish(struct engine *engine, mailbox_fn *fn, int64_t number, const char *by,
    const char *text)
{
	size_t size = sizeof(struct wish) + strlen(text) + 1;
	struct wish *wish = mem_new(size);
	int rc;

	wish->number = number;
	text_copy(wish->by, sizeof(wish->by), by);
	memcpy(wish->text, text, strlen(text) + 1);
	rc = loop_call(engine->loop, fn, engine, wish, size);
	free(wish);
	return rc;
}

/* Two may have wished at once: the first one is named. */
static void
on_acknowledge(void *ctx, const void *payload, size_t size)
{
	struct engine *engine = ctx;
	const struct wish *wish = payload;
	int rc;

	(void)size;
	rc = alert_acknowledge(
	    engine->alert, wish->number, wish->by, clock_wall(engine->clock));
	if (rc == 0)
		snapshot_publish(engine->snapshots, engine_snapshot(engine));
	else
		log_info("not acknowledged", "number=%lld by=%s problem=\"%s\"",
		    (long long)wish->number, wish->by, strerror(-rc));
}

static void
on_note(void *ctx, const void *payload, size_t size)
{
	struct engine *engine = ctx;
	const struct wish *wish = payload;

	(void)size;
	alert_note(engine->alert, wish->number, wish->by, wish->text,
	    clock_wall(engine->clock));
}

int
engine_acknowledge_incident(void *arg, int64_t number, const char *by)
{
	return send_wish(arg, on_acknowledge, number, by, "");
}

int
engine_note_incident(
    void *arg, int64_t number, const char *by, const char *text)
{
	return send_wish(arg, on_note, number, by, text);
}
