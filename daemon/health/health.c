/*
 * The judgement of one target: N-of-M with hysteresis, slowness, silence; the
 * state of a group. Nothing here reads a clock or does I/O.
 */
#include "health-int.h"

#include <string.h>

#define STREAK_MAX 32
#define SLOW_QUANTILE 0.95
#define SLOW_BACK 0.9 /* of the limit, so that it does not flutter */

static uint32_t
at_least_one(uint32_t n)
{
	n = n > 0 ? n : 1;
	return n < STREAK_MAX ? n : STREAK_MAX;
}

static uint32_t
mask_of(uint32_t n)
{
	return n >= STREAK_MAX ? UINT32_MAX : (UINT32_C(1) << n) - 1;
}

static uint32_t
failures_in_last(const struct health *health, uint32_t m)
{
	m = m < health->n_recent ? m : health->n_recent;
	return (uint32_t)__builtin_popcount(health->recent & mask_of(m));
}

static bool
fails(const struct health *health, const struct health_policy *policy)
{
	uint32_t n = at_least_one(policy->fail_n);
	uint32_t m = at_least_one(policy->fail_m);

	return failures_in_last(health, m > n ? m : n) >= n;
}

static bool
recovered(const struct health *health, const struct health_policy *policy)
{
	uint32_t n = at_least_one(policy->ok_n);

	return health->n_recent >= n && failures_in_last(health, n) == 0;
}

static bool
slow_quantile(const struct hist *window, double *p95)
{
	return window->total >= HIST_SAMPLES_MIN &&
	    hist_percentile_ms(window, SLOW_QUANTILE, p95);
}

/* With too few samples to say, slow stays slow and good stays good. */
static bool
is_slow(const struct health *health, const struct health_policy *policy,
    mono_us now)
{
	bool was = health->state == STATE_DEGRADED;
	double limit = clock_to_ms(policy->slow), p95;
	struct hist window;

	if (policy->slow <= 0) {
		return false;
	}
	health_window(health, policy, now, &window);
	if (!slow_quantile(&window, &p95)) {
		return was;
	}
	return was ? p95 >= limit * SLOW_BACK : p95 > limit;
}

static enum state
judge(struct health *health, const struct health_policy *policy,
    enum verdict verdict, mono_us now)
{
	switch (health->state) {
	case STATE_DOWN:
		if (!recovered(health, policy)) {
			return STATE_DOWN;
		}
		/* The failures before are told; they must not count again. */
		health->n_recent = at_least_one(policy->ok_n);
		break;
	case STATE_UNKNOWN:
	case STATE_MAINTENANCE:
		if (fails(health, policy)) {
			return STATE_DOWN;
		}
		if (verdict != VERDICT_UP) {
			return health->state;
		}
		break;
	case STATE_UP:
	case STATE_DEGRADED:
		if (fails(health, policy)) {
			return STATE_DOWN;
		}
		break;
	}
	return is_slow(health, policy, now) ? STATE_DEGRADED : STATE_UP;
}

static struct health_change
enter(struct health *health, enum state to, wall_us wall)
{
	struct health_change change = {
	    .changed = health->state != to, .from = health->state, .to = to};

	if (!change.changed) {
		return change;
	}
	if (health->since > 0 && wall > health->since) {
		change.lasted = wall - health->since;
	}
	health->state = to;
	health->since = wall;
	return change;
}

void
health_count(struct health_counts *counts, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_UP:
		counts->ok++;
		break;
	case VERDICT_DOWN:
		counts->failed++;
		break;
	case VERDICT_EXCLUDED:
		counts->excluded++;
		break;
	}
}

/* Verdicts from before say nothing of what comes after. */
static struct health_change
forget(struct health *health, wall_us wall)
{
	health->n_recent = 0;
	return enter(health, STATE_UNKNOWN, wall);
}

/* What could not be tried, as often as failures would make it down. */
static enum state
blocked(struct health *health, const struct health_policy *policy)
{
	health->blocked++;
	if (health->blocked < at_least_one(policy->fail_n)) {
		return health->state;
	}
	health->n_recent = 0;
	return STATE_UNKNOWN;
}

struct health_change
health_maintain(struct health *health, bool now_on, wall_us wall)
{
	if (now_on) {
		health->n_recent = 0;
		health->blocked = 0;
		return enter(health, STATE_MAINTENANCE, wall);
	}
	return health->state == STATE_MAINTENANCE
	    ? forget(health, wall)
	    : enter(health, health->state, wall);
}

struct health_change
health_feed(struct health *health, const struct health_policy *policy,
    const struct result *result, mono_us now, wall_us wall)
{
	enum verdict verdict = result_verdict(result);

	health->runs++;
	health->last = *result;
	health->decided = wall;
	health_count(&health->total, verdict);
	health_hour_count(health, verdict, wall);
	if (result->maintenance) {
		return health_maintain(health, true, wall);
	}
	if (result->reason == REASON_PREREQUISITE_FAILED) {
		return enter(health, blocked(health, policy), wall);
	}
	if (reason_stops_account(result->reason)) {
		return forget(health, wall);
	}
	if (verdict == VERDICT_EXCLUDED) {
		return enter(health, health->state, wall);
	}
	health->blocked = 0;
	health_slots_advance(health, policy, now);
	health->last_verdict = now;
	health->recent = health->recent << 1 | (verdict == VERDICT_DOWN);
	if (health->n_recent < STREAK_MAX) {
		health->n_recent++;
	}
	if (verdict == VERDICT_DOWN) {
		health->failure = result->reason;
		memcpy(health->failure_step, result->step,
		    sizeof(health->failure_step));
	}
	if (verdict == VERDICT_UP) {
		health_slots_add(health, result->latency);
		health->last_ok_latency = result->latency;
	}
	return enter(health, judge(health, policy, verdict, now), wall);
}

struct health_change
health_age(struct health *health, const struct health_policy *policy,
    mono_us now, wall_us wall)
{
	if (health->state == STATE_UNKNOWN ||
	    health->state == STATE_MAINTENANCE || policy->stale <= 0 ||
	    now - health->last_verdict <= policy->stale) {
		return enter(health, health->state, wall);
	}
	return forget(health, wall);
}

struct health_change
health_hold(struct health *health, wall_us wall)
{
	return forget(health, wall);
}

struct health_group
health_roll_up(const enum state *members, size_t n)
{
	struct health_group group = {.members = (uint32_t)n};
	size_t of[STATE_MAINTENANCE + 1] = {0}, measured;

	for (size_t i = 0; i < n; i++) {
		of[members[i]]++;
	}
	measured = of[STATE_UP] + of[STATE_DEGRADED] + of[STATE_DOWN];
	group.unknown = (uint32_t)of[STATE_UNKNOWN];
	if (2 * of[STATE_DOWN] > measured) {
		group.state = STATE_DOWN;
	} else if (of[STATE_DOWN] + of[STATE_DEGRADED] > 0) {
		group.state = STATE_DEGRADED;
	} else if (measured > 0) {
		group.state = STATE_UP;
	} else if (of[STATE_MAINTENANCE] > 0) {
		group.state = STATE_MAINTENANCE;
	}
	return group;
}

enum state
health_group_pace(enum state state, const struct hist *window, dur_us slow)
{
	double p95;

	return state == STATE_UP && slow > 0 && slow_quantile(window, &p95) &&
		p95 > clock_to_ms(slow)
	    ? STATE_DEGRADED
	    : state;
}
