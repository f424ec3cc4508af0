/*
 * What is wrong with ourselves at the moment, so that nobody looks for it at
 * an operator: for the snapshot, and from there for pages, API and metrics.
 */
#include <string.h>

#include "base/log.h"
#include "engine.h"

/* A fault that shows in single events is over when none came for so long. */
#define LASTS (60 * US_PER_S)

static bool
is_recent(mono_us at, mono_us now)
{
	return at > 0 && now - at < LASTS;
}

void
engine_faults_note(struct engine *engine, const struct result *result)
{
	mono_us now = clock_mono(engine->clock);
	unsigned suppressed;

	if (result->reason != REASON_FD_LIMIT)
		return;
	engine->no_descriptors_at = now;
	if (log_damp(&engine->descriptors_damp, now, &suppressed))
		log_error("out of descriptors",
		    "target=%s side=ours action=\"raise LimitNOFILE\" "
		    "suppressed=%u",
		    result->target->path, suppressed);
}

void
engine_faults_refused(struct engine *engine)
{
	engine->refused_at = clock_mono(engine->clock);
}

void
engine_faults_tick(struct engine *engine, mono_us now, wall_us wall)
{
	alert_self(engine->alert, engine->faults, now, wall);
}

void
engine_faults_fill(struct engine *engine, struct snap_self *self)
{
	mono_us now = clock_mono(engine->clock);

	self->faults[FAULT_STORE] = self->store_problem[0] != '\0';
	self->faults[FAULT_QUEUE] = is_recent(engine->refused_at, now);
	self->faults[FAULT_DESCRIPTORS] =
	    is_recent(engine->no_descriptors_at, now);
	self->faults[FAULT_UPLINK] = engine->uplink.down;
	self->faults[FAULT_CLOCK] = engine_clock_is_doubted(engine);
	if (!self->faults[FAULT_DESCRIPTORS] &&
	    log_damp_heal(&engine->descriptors_damp))
		log_info("descriptors again", "");
	memcpy(engine->faults, self->faults, sizeof(engine->faults));
}
