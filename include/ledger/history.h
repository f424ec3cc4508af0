#ifndef LEDGER_HISTORY_H
#define LEDGER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "ledger/ledger.h"

/*
 * What the ledger knows of the past, in the order of time, a row at a time: a
 * month of many deployments is millions. Each may take long, holds the reader
 * meanwhile, and ends early when `fn` returns false or the reader is
 * interrupted. Instants are those of the wall clock; a minute is the one that
 * holds the instant. 0 or -errno.
 */

/* The targets that were ever counted, in the order in which they first were, of
 * one operator unless `op` is NULL; `id` is what the rows below name them by.
 */
typedef void history_target_fn(void *arg, int64_t id, const char *path);
int history_targets(struct ledger_reader *reader, const char *op,
    history_target_fn *fn, void *arg) MUST_USE;

struct history_minute {
	wall_us minute; /* its beginning */
	int64_t target;
	uint32_t ok, failed, excluded;
};
typedef bool history_minute_fn(void *arg, const struct history_minute *row);
int history_minutes(struct ledger_reader *reader, wall_us from, wall_us to,
    history_minute_fn *fn, void *arg) MUST_USE;

/* Those of one target, found minute by minute: for a day or so. */
int history_minutes_of(struct ledger_reader *reader, int64_t target,
    wall_us from, wall_us to, history_minute_fn *fn, void *arg) MUST_USE;

/* The failed results, each with its run. */
struct history_failure {
	wall_us minute;
	int64_t target;
	const char *run, *reason, *step; /* borrowed */
};
typedef bool history_failure_fn(void *arg, const struct history_failure *row);
int history_failures(struct ledger_reader *reader, wall_us from, wall_us to,
    history_failure_fn *fn, void *arg) MUST_USE;

int history_failures_of(struct ledger_reader *reader, int64_t target,
    wall_us from, wall_us to, history_failure_fn *fn, void *arg) MUST_USE;

/* The runs of an operator that began from `from` until before `to` and are
 * still kept, oldest first, as they were put. */
typedef bool history_run_fn(void *arg, const struct jv *run);
int history_runs(struct ledger_reader *reader, const char *op, wall_us from,
    wall_us to, history_run_fn *fn, void *arg) MUST_USE;

/* Our own blind times that touch the span. */
typedef bool history_blind_fn(void *arg, const struct ledger_blind *blind);
int history_blind(struct ledger_reader *reader, wall_us from, wall_us to,
    history_blind_fn *fn, void *arg) MUST_USE;

/* history_bounds: the first and the last minute that were counted; both 0 when
 * there is none. */
int history_bounds(
    struct ledger_reader *reader, wall_us *first, wall_us *last) MUST_USE;

#endif
