#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/json.h"
#include "loop/lane.h"
#include "model/account.h"
#include "model/incident.h"
#include "model/result.h"

/*
 * The book of record (SQLite, WAL): tallies, incidents with their timeline,
 * deliveries, recent runs, stopped accounts. Writes go through the store lane,
 * in order; incidents and deliveries are committed at once, tallies and runs
 * are gathered and committed about once a second (ledger_tick). Every commit is
 * synchronous=FULL.
 *
 * A full disk stops nothing: the error is counted and told by ledger_stats,
 * what was gathered and the outcomes of tries wait and are committed when the
 * disk has room again: 262,144 tallies of a target and minute, and 16 MiB of
 * runs and tries, then the oldest go, which is counted. An event that cannot be
 * committed is reported to its `done` and not kept. A reserve of 16 MiB beside
 * the file (NAME.reserve) is let go for what is smaller than runs, and made
 * again when there is room; runs also wait while less than a twentieth of the
 * disk is free, and less than 1 GiB.
 */
struct ledger;

/*
 * ledger_open makes or migrates the file, checks it (quick_check), and moves
 * a damaged one aside with an error in the log and begins anew. 0 or -errno.
 */
int ledger_open(struct ledger **ledger, const char *path, struct lane *lane,
    const struct clock *clock) MUST_USE;

/* ledger_close: after lane_free. Commits and closes. */
void ledger_close(struct ledger *ledger);

/* ---- writing: any thread, queued; 0 or an error of lane_call ---- */

/* One result: one more in its target's tally of this minute; a failed one with
 * its run and reason. */
int ledger_tally(struct ledger *ledger, const struct result *result) MUST_USE;

/* ledger_put_blind: we did not look, on the wall clock; put again with the same
 * beginning and cause it grows. Committed with the next tick. */
struct ledger_blind {
	wall_us since, until;
	char cause[16]; /* "stopped", "stalled", "uplink_down", "slept" */
};
int ledger_put_blind(
    struct ledger *ledger, const struct ledger_blind *blind) MUST_USE;

/* A run as JSON text (see probe/evidence.h); the oldest of its deployment
 * beyond `keep` go, but the last failed one and the last good one stay; one
 * that does not count displaces neither. */
int ledger_put_run(struct ledger *ledger, const char *id, const char *op,
    const char *deployment, wall_us started, enum verdict verdict,
    uint32_t keep, const char *json, size_t json_len) MUST_USE;

/* One webhook message to one subscriber, before its first try. */
enum delivery_state { DELIVERY_PENDING, DELIVERY_CONFIRMED, DELIVERY_DEAD };
const char *delivery_state_name(enum delivery_state state);

struct ledger_delivery {
	int64_t id; /* given by whoever creates it, unique */
	char webhook_id[48]; /* "msg_…": the same over all tries */
	char subscriber[MODEL_NAME_SIZE];
	char type[32]; /* "incident.opened" */
	int64_t incident; /* 0: none (test) */
	enum delivery_state state;
	wall_us created;
	wall_us next_try; /* while pending */
	wall_us finished; /* 0 while pending */
	uint32_t tries;
	int last_status; /* HTTP, 0 if none */
	char last_problem[160]; /* "" if none */
};

/*
 * ledger_put_event commits one incident's new state, one timeline entry and
 * the deliveries it causes in ONE transaction. `body` is the JSON that every
 * delivery sends. `done` (may be NULL) runs on the store lane after the
 * commit with 0 or -errno: no try may begin before it. `incident` and `entry`
 * may be NULL (a test delivery), `deliveries` with n 0 as well.
 */
typedef void ledger_done_fn(void *arg, int problem);
int ledger_put_event(struct ledger *ledger, const struct incident *incident,
    const struct incident_entry *entry,
    const struct ledger_delivery *deliveries, size_t n, const char *body,
    size_t body_len, ledger_done_fn *done, void *arg) MUST_USE;

/*
 * The outcome of one try; also an entry "delivery" in the timeline. `done` (may
 * be NULL) runs on the store lane when it is committed, with 0, or when it is
 * kept for later because the file refused it, with -errno.
 */
int ledger_put_attempt(struct ledger *ledger,
    const struct ledger_delivery *after, wall_us at, dur_us took,
    ledger_done_fn *done, void *arg) MUST_USE;

/*
 * ledger_revive makes a dead delivery pending again, as if it were made at
 * `now`; id 0: all that are dead, at most a thousand. `fn` is called for each
 * on the store lane after the commit.
 */
typedef void ledger_revived_fn(void *arg,
    const struct ledger_delivery *delivery, const char *body, size_t body_len);
int ledger_revive(struct ledger *ledger, int64_t id, wall_us now,
    ledger_revived_fn *fn, void *arg) MUST_USE;

/* ledger_put_stops: the accounts that must not log in, all of them. Committed
 * at once, or as soon as the disk has room. */
int ledger_put_stops(
    struct ledger *ledger, const struct account_stop *stops, size_t n) MUST_USE;

/* ledger_tick: commits what was gathered; once an hour it prunes tallies and
 * finished deliveries older than 400 days, as long as the wall clock can be
 * believed: it fits to the newest tally and was not set by an hour or more, or
 * was left alone for a week. */
int ledger_tick(struct ledger *ledger, wall_us now) MUST_USE;

/* ---- reading ---- */

/*
 * A reader has a read-only connection of its own and is safe from any thread
 * (one at a time inside). It may be opened while the ledger is in use.
 */
struct ledger_reader;
int ledger_reader_open(
    struct ledger_reader **reader, const char *path) MUST_USE;
void ledger_reader_close(struct ledger_reader *reader);

/* ledger_reader_freeze: what is read from now on is what stands there now,
 * whatever is written meanwhile. 0 or -errno. */
int ledger_reader_freeze(struct ledger_reader *reader) MUST_USE;

/* ledger_reader_interrupt: what is being read ends soon, as an error. Any
 * thread, as long as the reader is open. */
void ledger_reader_interrupt(struct ledger_reader *reader);

/* Each gives JSON that the caller releases, or NULL when there is none (or
 * an error, which is logged). Shapes are those of the API, design.md 4. */

/*
 * {"runs":[{"id","target","time","ok","reason","side","step","phase",
 *   "latency_ms","http_status","transaction","tainted"}]}, newest first. Target
 * is "op", "op/dep" or "op/dep/tr". For the last, a row is that transaction's
 * result; else it is the run: its whole length, and the reason of the first
 * result that was not ok. A field that is not known is null. NULL for a target
 * with a wrong form. At most 1000.
 */
struct jv *ledger_read_runs(
    struct ledger_reader *reader, const char *target, uint32_t limit);

/* One run as it was put. 0, -ENOENT (no such run is kept) or -EIO. */
int ledger_read_run(
    struct ledger_reader *reader, const char *id, struct jv **run) MUST_USE;

/* {"incidents":[…]}, each as incident_json, newest first. */
struct jv *ledger_read_incidents(
    struct ledger_reader *reader, bool open_only, uint32_t limit);

/* Those that were open at any time from `from` until before `to`, each 0 for
 * no bound; NULL is any operator. At most 1000. */
struct ledger_incidents_of {
	bool open_only;
	wall_us from, to;
	const char *op;
	uint32_t limit;
};
struct jv *ledger_read_incidents_of(
    struct ledger_reader *reader, const struct ledger_incidents_of *of);

/*
 * One incident, as incident_json, with "deployments":[{"name","since",
 * "affected","until"}] (all that ever were affected),
 * "timeline":[{"at","time","kind","text","by","runs", "trace_ids","data":{}}]
 * and "deliveries":[…], both oldest first, and
 * "evidence":[{"target","run","time","ok","har_url"}]: of the first twenty
 * affected deployments the last failed run and the last good one, and the runs
 * of its trace ids, as far as they are kept. 0, -ENOENT or -EIO.
 */
int ledger_read_incident(struct ledger_reader *reader, int64_t number,
    struct jv **incident) MUST_USE;

/* {"deliveries":[{"id","webhook_id","subscriber","type","incident","state",
 * "created","next_try","finished","tries","last_status","last_problem"}]},
 * newest first; `state` NULL is any. */
struct jv *ledger_read_deliveries(struct ledger_reader *reader,
    const enum delivery_state *state, uint32_t limit);

/* One of these. 0, -ENOENT or -EIO. */
int ledger_read_delivery(
    struct ledger_reader *reader, int64_t id, struct jv **delivery) MUST_USE;

/* Hourly sums of the tallies from the hour that `from` lies in, by target and
 * then by time, for `health`. 0 or -errno. */
int ledger_read_hours(struct ledger_reader *reader, wall_us from,
    void (*fn)(void *arg, const char *target_path, wall_us hour, uint32_t ok,
	uint32_t failed, uint32_t excluded),
    void *arg) MUST_USE;

/* ---- what start needs: before the lane is used ---- */

int64_t ledger_last_incident(struct ledger *ledger); /* 0: none */

/* Open incidents, for `alert` to go on with. Calls fn for each. 0 or -errno */
int ledger_each_open_incident(struct ledger *ledger,
    void (*fn)(void *arg, const struct incident *incident), void *arg) MUST_USE;

/* Those resolved at `since` or later, which may be reopened. As above. */
int ledger_each_resolved_incident(struct ledger *ledger, wall_us since,
    void (*fn)(void *arg, const struct incident *incident), void *arg) MUST_USE;

/* The entries of open incidents that have data, but for deliveries, oldest
 * first; `text` and `by` are not read. 0 or -errno. */
int ledger_each_open_entry(struct ledger *ledger,
    void (*fn)(void *arg, const struct incident_entry *entry),
    void *arg) MUST_USE;

/*
 * The last sign of life of the process before, which writes one every five
 * seconds and at a clean end: how long ago it was, and by how much the wall
 * clock was set since (0 when the machine was started anew, for then nobody
 * knows). false: there is none.
 */
struct ledger_life {
	dur_us ago;
	dur_us clock_set;
};
bool ledger_last_life(struct ledger *ledger, struct ledger_life *life);

/* The accounts that were stopped, for `sched`. */
int ledger_each_stop(struct ledger *ledger,
    void (*fn)(void *arg, const struct account_stop *stop), void *arg) MUST_USE;

/* Pending deliveries with their body, oldest first, for `notify`. */
int ledger_each_pending(struct ledger *ledger,
    void (*fn)(void *arg, const struct ledger_delivery *delivery,
	const char *body, size_t body_len),
    void *arg) MUST_USE;

struct ledger_stats {
	uint64_t commits;
	uint64_t errors;
	bool low; /* the disk is nearly full */
	char problem[256]; /* the last error, "" when it has healed */
};
void ledger_stats(struct ledger *ledger, struct ledger_stats *stats);

#endif
