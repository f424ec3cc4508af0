#ifndef HEALTH_HEALTH_H
#define HEALTH_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/hist.h"
#include "model/reason.h"
#include "model/result.h"
#include "model/state.h"
#include "model/target.h"

/*
 * The judgement of one target from its results. Pure: no clock, no I/O; time
 * is an argument and instants never go back. Zero is a valid struct health
 * (unknown, nothing seen). One owner.
 */
struct health_policy {
	uint32_t fail_n, fail_m; /* down when n of the last m failed; m <= 32 */
	uint32_t ok_n; /* from down to up: n good in a row */
	dur_us slow; /* degraded when p95 is above; 0: never */
	dur_us window; /* of p50 and p95 */
	dur_us stale; /* no verdict for so long: unknown */
};

#define HEALTH_SLOTS 6 /* of the window, for the percentiles */
#define HEALTH_HOURS 24 /* of the day, for availability */

struct health_counts {
	uint32_t ok, failed, excluded;
};

/* Of one target, which has few results in a slot or an hour; saturating. */
struct health_slot {
	uint16_t count[HIST_BUCKETS];
};
struct health_hour {
	uint16_t ok, failed, excluded;
};

struct health {
	enum state state;
	wall_us since; /* when the state was entered */
	mono_us last_verdict; /* last result that was up or down; 0 none */
	uint32_t recent; /* bit i: the i-th last verdict was a failure */
	uint32_t n_recent; /* valid bits, up to 32 */
	uint32_t blocked; /* prerequisite_failed in a row */
	struct health_slot slots[HEALTH_SLOTS]; /* of good latencies */
	int64_t slot; /* number of the current slot */
	struct health_hour hours[HEALTH_HOURS];
	int64_t hour; /* number of the current hour, UTC */
	struct result last; /* the last result; target NULL: none */
	wall_us decided; /* when it was fed, which may be long after it began */
	enum reason failure; /* of the last failed one; REASON_OK: none */
	char failure_step[MODEL_NAME_SIZE];
	dur_us last_ok_latency; /* 0: none yet */
	struct health_counts total;
	uint64_t runs;
};

struct health_change {
	bool changed;
	enum state from, to;
	dur_us lasted; /* how long the old state had held; 0 if unknown */
};

/*
 * health_feed takes one result. ok counts as up; network and operator
 * reasons as a failure; all others are excluded: they are counted, remembered
 * as the last result, and change no streak.
 * In maintenance everything is excluded, and what was before says nothing of
 * what comes after.
 * But prerequisite_failed fail_n times in a row makes the target unknown, and
 * a reason that stops the account at once: what could not be tried is not
 * known to be up, nor to be down.
 */
struct health_change health_feed(struct health *health,
    const struct health_policy *policy, const struct result *result,
    mono_us now, wall_us wall);

/* health_age makes a target unknown when it has been silent for too long, from
 * when its last verdict was fed. */
struct health_change health_age(struct health *health,
    const struct health_policy *policy, mono_us now, wall_us wall);

/* health_maintain: agreed maintenance began, goes on, or (not `now_on`) is
 * over: then the target is unknown until it is measured again. */
struct health_change health_maintain(
    struct health *health, bool now_on, wall_us wall);

/* health_hold makes a target unknown whose logins are held back: it will not
 * be measured until somebody mends the account. */
struct health_change health_hold(struct health *health, wall_us wall);

/* health_restore adds an hour's counts from the ledger, at start. */
void health_restore(struct health *health, wall_us hour_start,
    const struct health_counts *counts, wall_us now);

/* health_window: the latencies of the current window. */
void health_window(const struct health *health,
    const struct health_policy *policy, mono_us now, struct hist *out);

/* health_day: the counts of the last 24 hours. */
void health_day(
    const struct health *health, wall_us now, struct health_counts *sum);

/* health_availability over the last 24 hours; false with no verdict. */
bool health_availability(
    const struct health *health, wall_us now, double *ratio);

/*
 * What an operator's deployments measured of one transaction, all together: the
 * same two memories and the totals, fed with the same results. What a
 * deployment measured stays in it when the deployment goes. Zero is valid.
 */
struct health_pool {
	struct hist slots[HEALTH_SLOTS];
	int64_t slot;
	struct health_counts hours[HEALTH_HOURS];
	int64_t hour;
	uint64_t runs, ok, failed, excluded;
};
void health_pool_feed(struct health_pool *pool, dur_us window,
    const struct result *result, mono_us now, wall_us wall);
void health_pool_restore(struct health_pool *pool, wall_us hour_start,
    const struct health_counts *counts, wall_us now);
void health_pool_window(const struct health_pool *pool, dur_us window,
    mono_us now, struct hist *out);
void health_pool_day(
    const struct health_pool *pool, wall_us now, struct health_counts *sum);

/*
 * health_roll_up: what is said of a group, of a deployment's actions or of an
 * operator's deployments, by the members that are known: down when most of them
 * are, degraded when any is down or degraded, so that one school of four
 * hundred is no outage of them all; and how many are not known. Unknown only
 * when no member is known; a member that is not known hides none that is, and
 * is never left unsaid. Those in maintenance decide only when nobody else does.
 */
struct health_group {
	enum state state;
	uint32_t members, unknown;
};
struct health_group health_roll_up(const enum state *members, size_t n);

/* health_group_pace: the state of a group whose good latencies together are
 * `window`: what is up is degraded when their p95 is above `slow` (0: never),
 * be each member's good or of too few samples. */
enum state health_group_pace(
    enum state state, const struct hist *window, dur_us slow);

/*
 * What a result says of our own way out. Ordered: of several, the greatest
 * one counts, for one answer is proof and one silence is none.
 */
enum health_reach {
	HEALTH_NOT_TRIED, /* no word: our own trouble, nothing was sent, or it
			     broke off once connected */
	HEALTH_SILENT, /* nobody out there answered; or uplink_down */
	HEALTH_ANSWERED, /* somebody did, be it with a refusal */
};
enum health_reach health_reach(enum reason reason);

/*
 * The common cause: when every operator's deployments were silent in their
 * newest results within one interval it is our uplink and nobody else's.
 */
struct health_uplink {
	bool down;
	mono_us since;
};

/* health_uplink: the reach of each operator over the last interval, and that of
 * the reference addresses; NULL when there are none. At least two silent ones,
 * of which the references must be one, and no answer make it down, any answer
 * makes it up. Returns true when the verdict changed. */
bool health_uplink(struct health_uplink *uplink,
    const enum health_reach *operators, size_t n,
    const enum health_reach *references, mono_us now);

/* health_uplink_blamed: whether a result of that reason, of a transaction
 * begun then, is our uplink's: silence while it is down, or from before it
 * came back. */
bool health_uplink_blamed(
    const struct health_uplink *uplink, enum reason reason, mono_us started);

#endif
