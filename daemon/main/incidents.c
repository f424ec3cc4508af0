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
}
