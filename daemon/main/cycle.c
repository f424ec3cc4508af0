/*
 * What is done once a second: every deployment is looked at, a few at a time
 * so that nothing on the loop has to wait long, then alerts, store and picture
 * have their turn. While a configuration is taken over, that comes first.
 */
#include "base/log.h"
#include "engine.h"
#include "patience.h"

#define CYCLE US_PER_S
#define SLICE 256 /* deployments looked at without a pause */
#define SHOWN 512 /* at least so many are shown anew in a cycle */
#define APPLY_PAUSE (2 * US_PER_MS)

/* While an operator fails its interval is grown: silence means less. While an
 * account is stopped, nobody measures. */
static void
follow_schedule(
    struct engine_target *entry, const struct sched_deployment_stats *stats)
{
	entry->policy.stale = patience_of(entry->longest, stats->every_now);
	entry->held = stats->account_stopped;
}

static bool
shown_otherwise(
    const struct member *member, const struct sched_deployment_stats *stats)
{
	const struct snap_deployment *shown = member->op->now[member->place];

	return shown->every_now != stats->every_now ||
	    shown->account_stopped != stats->account_stopped;
}

/* What becomes of a target that is not in maintenance (any more). */
static struct health_change
age(struct engine_target *entry, const struct health_change *before,
    mono_us now, wall_us wall)
{
	struct health_change change = entry->held
	    ? health_hold(&entry->health, wall)
	    : health_age(&entry->health, &entry->policy, now, wall);

	return change.changed ? change : *before;
}

static void
look_at(struct engine *engine, struct member *member, mono_us now, wall_us wall)
{
	size_t n = member->op->n_acts;
	const uint32_t *targets = &member->op->targets[member->place * n];
	struct sched_deployment_stats stats;
	bool maintained = n > 0 &&
	    engine_maintained(engine, target_at(engine->targets, targets[0]),
		clock_wall(engine->clock));

	sched_slot_stats(engine->sched, member->slot, &stats);
	member->stale = member->stale || shown_otherwise(member, &stats);
	for (size_t i = 0; i < n; i++) {
		struct engine_target *entry = &engine->by_target[targets[i]];
		struct health_change change;

		follow_schedule(entry, &stats);
		change = health_maintain(&entry->health, maintained, wall);
		if (!maintained)
			change = age(entry, &change, now, wall);
		engine_say_change(target_at(engine->targets, targets[i]),
		    &change, &entry->health.last);
		member->stale = member->stale || change.changed;
	}
	if (n > 0)
		engine_reach_age(member, &engine->by_target[targets[0]], now);
}

/* Percentiles fade by themselves, so all are shown anew in turn. */
static bool
has_its_turn(const struct engine *engine, size_t i)
{
	size_t n = engine->board->n_members;

	return n <= SHOWN || (i + n - engine->shown_from) % n < SHOWN;
}

static void
look_at_slice(struct engine *engine)
{
	struct board *board = engine->board;
	mono_us now = clock_mono(engine->clock);
	wall_us wall = engine_steady(engine);
	size_t end = engine->looked_at + SLICE;

	for (; engine->looked_at < end && engine->looked_at < board->n_members;
	     engine->looked_at++) {
		struct member *member = &board->members[engine->looked_at];

		look_at(engine, member, now, wall);
		if (member->stale || has_its_turn(engine, engine->looked_at))
			engine_show(engine, member);
	}
}

static void
tick_store(struct engine *engine, mono_us now, wall_us wall)
{
	unsigned suppressed;

	if (series_tick(engine->series, wall) < 0 ||
	    ledger_tick(engine->ledger, wall) < 0) {
		engine_faults_refused(engine);
		if (log_damp(&engine->store_damp, now, &suppressed))
			log_error("store queue full", "side=ours suppressed=%u",
			    suppressed);
	} else if (log_damp_heal(&engine->store_damp)) {
		log_info("store queue has room again", "");
	}
}

void
engine_tick(struct engine *engine)
{
	mono_us now = clock_mono(engine->clock);
	wall_us wall = clock_wall(engine->clock);
	size_t n = engine->board->n_members, n_open;
	const struct incident *open;

	engine_clock_look(engine);
	while (engine->looked_at < n)
		look_at_slice(engine);
	engine->looked_at = 0;
	engine->shown_from = n > 0 ? (engine->shown_from + SHOWN) % n : 0;
	engine_judge_uplink(engine, now);
	engine_blind_tick(engine, now);
	engine_stops_write(engine);
	engine_faults_tick(engine, now, wall);
	engine_shapes_tick(engine, now);
	alert_tick(engine->alert, now, wall);
	n_open = alert_open(engine->alert, &open);
	notify_refresh(engine->notify, open, n_open);
	tick_store(engine, now, wall);
	snapshot_publish(engine->snapshots, engine_snapshot(engine));
	if (engine->web != NULL)
		web_publish(engine->web, WEB_EVENT_STATUS, "");
}

/* The slices are spread over the cycle. */
static void
arm(struct engine *engine)
{
	mono_us now = clock_mono(engine->clock);
	size_t slices = engine->board->n_members / SLICE + 1;
	size_t done = engine->looked_at / SLICE + 1;
	mono_us at =
	    engine->cycle_began + CYCLE * (dur_us)done / (dur_us)slices;

	loop_timer_start(engine->tick, at > now ? at - now : 0);
}

static void
on_slice(void *arg)
{
	struct engine *engine = arg;

	if (engine_apply_slice(engine)) {
		loop_timer_start(engine->tick, APPLY_PAUSE);
		return;
	}
	look_at_slice(engine);
	if (engine->looked_at >= engine->board->n_members) {
		engine_tick(engine);
		engine->cycle_began = clock_mono(engine->clock);
	}
	arm(engine);
}

void
engine_begin_cycles(struct engine *engine)
{
	engine->tick = loop_timer_new(engine->loop, on_slice, engine);
	engine->cycle_began = clock_mono(engine->clock);
	arm(engine);
}
