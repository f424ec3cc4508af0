#include "gather-int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A wall clock that jumps poisons no file. librrd refuses everything older
 * than the last update, so one write in a far future would be the last one for
 * long. Each tick brings both clocks; what the wall clock ought to be follows
 * from the monotonic one.
 */

#define JUMP_MOST (60 * US_PER_S) /* less is believed at once */
#define HOLD (600 * US_PER_S) /* so long a jump must stay to be believed */
#define WAIT_MOST_S INT64_C(3600) /* files farther ahead are given up */

wall_us
gather_believed(const struct gather *gather, mono_us mono, wall_us now)
{
	wall_us expected = gather->believed + (mono - gather->mono);

	return now > expected + JUMP_MOST ? expected : now;
}

static void
say(struct gather *gather, const char *event, int64_t by_s, const char *text)
{
	unsigned suppressed;

	snprintf(
	    gather->stats.problem, sizeof(gather->stats.problem), "%s", text);
	if (log_damp(&gather->clock_damp, gather->mono, &suppressed))
		log_warn(event,
		    "by_s=%" PRId64 " consequence=\"%s\" suppressed=%u", by_s,
		    text, suppressed);
}

/* Nothing is said of the clock any more. */
static void
heal(struct gather *gather)
{
	gather->stats.clock_s = 0;
	if (log_damp_heal(&gather->clock_damp)) {
		log_info("wall clock and series agree again", "");
		if (gather->n_failing == 0)
			gather->stats.problem[0] = '\0';
	}
}

void
gather_late(struct gather *gather, const struct entry *entry, wall_us now)
{
	int64_t behind_s = entry->written_s - now / US_PER_S;

	gather->stats.shifted++;
	if (gather->late_until_s < entry->written_s)
		gather->late_until_s = entry->written_s;
	if (gather->behind_since == 0)
		say(gather, "wall clock before the series", behind_s,
		    "the wall clock went back; results wait until it has "
		    "caught up");
}

/* ---- ahead ---- */

static bool
jumped(const struct gather *gather, dur_us by)
{
	dur_us change = by - gather->ahead_by;

	return !gather->ahead || change > JUMP_MOST || change < -JUMP_MOST;
}

static void
judge_ahead(struct gather *gather, mono_us mono, wall_us now)
{
	wall_us expected = gather->believed + (mono - gather->mono);
	dur_us by = now - expected;

	if (by > JUMP_MOST) {
		if (jumped(gather, by))
			gather->ahead_since = mono;
		gather->ahead = mono - gather->ahead_since < HOLD;
		gather->ahead_by = by;
		if (gather->ahead) {
			gather->stats.clock_s = by / US_PER_S;
			say(gather, "wall clock jumped ahead", by / US_PER_S,
			    "nothing is written until it has stayed there for "
			    "ten minutes");
			gather->believed = expected;
			return;
		}
		log_info(
		    "new wall clock believed", "by_s=%" PRId64, by / US_PER_S);
	}
	gather->ahead = false;
	gather->believed = now;
}

/* ---- back ---- */

struct limit {
	int64_t latest_s;
};

static int64_t
no_later(const void *ctx, int64_t end_s)
{
	const struct limit *limit = ctx;

	return end_s < limit->latest_s ? end_s : limit->latest_s;
}

/* What is stamped with a time to come happened about now. */
static void
pull_back(struct gather *gather, struct entry *entry)
{
	struct limit limit = {gather_boundary(entry, gather->now)};

	if (limit.latest_s <= entry->written_s)
		limit.latest_s =
		    gather_boundary(entry, entry->written_s * US_PER_S);
	pending_move(&entry->pending, no_later, &limit, &gather->n_dense);
	if (entry->active_s > limit.latest_s)
		entry->active_s = limit.latest_s;
	if (entry->retry > gather->now + HOLD)
		entry->retry = gather->now;
	gather_set_due(gather, entry);
}

bool
gather_is_ahead(const struct gather *gather, const struct entry *entry)
{
	return entry->written_s > gather->now / US_PER_S + WAIT_MOST_S;
}

static void
judge_behind(struct gather *gather)
{
	int64_t behind_s = gather->newest_s - gather->now / US_PER_S;

	if (gather->late_until_s <= gather->now / US_PER_S)
		gather->late_until_s = 0;
	else
		gather->stats.clock_s =
		    gather->now / US_PER_S - gather->late_until_s;
	if (behind_s <= WAIT_MOST_S) {
		gather->behind_since = 0;
		gather->turning = false;
		return;
	}
	if (gather->behind_since == 0)
		gather->behind_since = gather->mono;
	gather->turning = gather->mono - gather->behind_since >= HOLD;
	gather->stats.clock_s = -behind_s;
	if (!gather->turning)
		say(gather, "wall clock far before the series", behind_s,
		    "files that end in the future are given up when it stays "
		    "there for ten minutes; results wait");
}

void
gather_turn(struct gather *gather, struct entry *entry)
{
	char problem[SERIES_PROBLEM_SIZE] = "";
	int rc = gather->backend.ops->turn_back(gather->backend.self,
	    entry->place, &entry->written_s, problem, sizeof(problem));

	if (rc != 0) {
		gather_fail(gather, entry, rc, problem);
		return;
	}
	gather->n_turned++;
	pull_back(gather, entry);
}

void
gather_turned(struct gather *gather)
{
	size_t i;

	gather->newest_s = 0;
	for (i = 0; i < gather->n_entries; i++) {
		if (gather->newest_s < gather->entries[i]->written_s)
			gather->newest_s = gather->entries[i]->written_s;
	}
	gather->late_until_s = 0;
	gather->turning = false;
	if (gather->n_turned > 0)
		log_warn("series begun anew",
		    "targets=%zu reason=\"their files ended in the future\"",
		    gather->n_turned);
	gather->n_turned = 0;
}

void
gather_now(struct gather *gather, mono_us mono, wall_us now)
{
	dur_us change = (now - gather->now) - (mono - gather->mono);
	size_t i;

	judge_ahead(gather, mono, now);
	gather->now = now;
	gather->mono = mono;
	gather->backend.ops->now(gather->backend.self, now);
	judge_behind(gather);
	for (i = 0; change < -US_PER_S && i < gather->n_entries; i++)
		pull_back(gather, gather->entries[i]);
	if (!gather->ahead && gather->behind_since == 0 &&
	    gather->late_until_s == 0)
		heal(gather);
	if (!gather->replaying)
		gather->cursor = 0;
}
