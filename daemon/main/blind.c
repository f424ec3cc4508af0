/*
 * When we did not look: while no process ran, while we stood still, while our
 * own way out was broken, while the machine slept. Booked in the ledger, for
 * an account of availability must not blame anybody for it.
 */
#include "engine.h"

#include <string.h>

#include "base/text.h"

#define RENEW (5 * US_PER_S) /* a kill forgets no more of it than this */
#define STALL_LEAST (10 * US_PER_S) /* ticks come every second */

static void
book(struct engine *engine, const char *cause, wall_us since, wall_us until)
{
	struct ledger_blind blind = {.since = since, .until = until};

	text_copy(blind.cause, sizeof(blind.cause), cause);
	if (until > since && ledger_put_blind(engine->ledger, &blind) != 0)
		engine_faults_refused(engine);
}

/* Which ended now. */
static void
book_length(struct engine *engine, const char *cause, dur_us length)
{
	wall_us now = clock_wall(engine->clock);

	book(engine, cause, now - length, now);
}

void
engine_blind_stopped(struct engine *engine)
{
	if (engine->had_life)
		book_length(engine, "stopped", engine->life.ago);
}

void
engine_blind_slept(struct engine *engine, dur_us length)
{
	book_length(engine, "slept", length);
}

void
engine_blind_uplink(struct engine *engine, mono_us since)
{
	mono_us now = clock_mono(engine->clock);

	engine->blind_since = clock_wall(engine->clock) - (now - since);
	engine->blind_booked = 0;
}

void
engine_blind_tick(struct engine *engine, mono_us now)
{
	mono_us before = engine->ticked_at;

	engine->ticked_at = now;
	if (before > 0 && now - before >= STALL_LEAST)
		book_length(engine, "stalled", now - before);
	if (engine->blind_since == 0)
		return;
	if (!engine->uplink.down || now - engine->blind_booked >= RENEW) {
		engine->blind_booked = now;
		book(engine, "uplink_down", engine->blind_since,
		    clock_wall(engine->clock));
	}
	if (!engine->uplink.down)
		engine->blind_since = 0;
}
