/*
 * What the engine makes of a wall clock that is set and of a machine that
 * sleeps. Whose fault it was is not guessed: it is a jump, it is ours, and
 * what was under way meanwhile is no measure of an operator.
 */
#include "base/log.h"
#include "engine.h"

#define DAY (INT64_C(24) * 3600 * US_PER_S)
#define WRONG_LEAST (2 * US_PER_S)

static void
say_set(struct engine *engine, dur_us by, mono_us now)
{
	unsigned suppressed;

	if (log_damp(&engine->clock_damp, now, &suppressed))
		log_warn("clock jumped",
		    "by_s=%.1f in_all_s=%.1f side=ours suppressed=%u",
		    clock_to_ms(by) / 1000,
		    clock_to_ms(engine->clock_set) / 1000, suppressed);
}

/* What is shown goes by the clock that the reader has. */
static void
show_anew(struct engine *engine)
{
	for (size_t i = 0; engine->board && i < engine->board->n_members; i++)
		engine->board->members[i].stale = true;
}

void
engine_clock_look(struct engine *engine)
{
	struct clock_step step =
	    clock_watch_look(&engine->watch, engine->clock);
	mono_us now = clock_mono(engine->clock);

	if (step.set != 0) {
		engine->clock_sets++;
		engine->clock_set += step.set;
		engine->clock_set_at = now;
		alert_clock_set(engine->alert, step.set);
		show_anew(engine);
		say_set(engine, step.set, now);
	}
	if (step.slept > 0) {
		engine->sleeps++;
		engine->slept_at = now;
		engine_blind_slept(engine, step.slept);
		alert_slept(
		    engine->alert, step.slept, clock_wall(engine->clock));
		log_warn("machine slept", "for_s=%.1f side=ours",
		    clock_to_ms(step.slept) / 1000);
	}
}

wall_us
engine_steady(const struct engine *engine)
{
	return clock_wall(engine->clock) - engine->clock_set;
}

/* Which of two times is right, nobody here knows. After a day it is what the
 * clock says. */
bool
engine_clock_is_doubted(const struct engine *engine)
{
	dur_us off = engine->clock_set;

	return (off > WRONG_LEAST || off < -WRONG_LEAST) &&
	    clock_mono(engine->clock) - engine->clock_set_at < DAY;
}

static bool
was_under_way(const struct result *result, mono_us at)
{
	mono_us began =
	    result->run_started > 0 ? result->run_started : result->started;

	return at > 0 && began <= at;
}

/* Lengths are measured by a clock that nobody sets, so that a good result
 * stays good; but cookies and certificates go by the one that was set. Over a
 * sleep nothing is measured right. */
enum reason
engine_clock_judge(const struct engine *engine, const struct result *result)
{
	enum reason reason = result->reason;
	bool slept = was_under_way(result, engine->slept_at);
	bool set = was_under_way(result, engine->clock_set_at);

	if (reason_stops_account(reason) || reason_side(reason) == SIDE_OURS ||
	    reason == REASON_PREREQUISITE_FAILED)
		return reason;
	if (slept || (set && reason != REASON_OK) ||
	    (reason == REASON_TLS_EXPIRED && engine_clock_is_doubted(engine)))
		return REASON_CLOCK_JUMP;
	return reason;
}
