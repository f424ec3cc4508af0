#ifndef SERIES_SERIES_H
#define SERIES_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "loop/lane.h"
#include "model/hist.h"
#include "model/phase.h"
#include "model/result.h"
#include "model/target.h"

/*
 * Latency over time: results in, ranges and percentiles out. The back end is
 * RRD files below DIR (design.md section 3):
 *
 *   DIR/OPERATOR/DEPLOYMENT/TRANSACTION.rrd        total, phases, counts
 *   DIR/OPERATOR/DEPLOYMENT/TRANSACTION.hist.rrd   counts per bucket
 *   DIR/OPERATOR/_all/TRANSACTION.rrd              the operator as a whole,
 *   DIR/OPERATOR/_all/TRANSACTION.hist.rrd         both kinds
 *
 * Phase file: total dns connect tls wait receive max (GAUGE, milliseconds; the
 * mean of the step's ok results, `max` the slowest of them, so that the MAX
 * archive of `max` is the true maximum also when several results fall into one
 * step) and ok failed excluded (ABSOLUTE). Histogram file: b00 … b65
 * (ABSOLUTE), see model/hist.h; the counts carry the mean place of the results
 * in the bucket behind their eleventh digit (daemon/series/place.c). Only ok
 * results leave a latency; one that failed counts in `failed` and nowhere else.
 *
 * The step of a target's files is its interval in whole seconds, at least 1.
 * The operator-wide files have a step of 60 s, or of the shortest interval
 * among the deployments that have reported when the file is begun; a file
 * that exists keeps its step. A target's file whose interval or plan has
 * changed is kept as NAME.old-STAMP, a damaged one as NAME.damaged-STAMP, and
 * a new one is begun.
 *
 * Counts stay true over pauses: a pause is filled with known zeros, also the
 * time from the begin of the file's widest row to its first result, so that
 * the sum of rate × step is the number of results in every archive. Latencies
 * are unknown there.
 *
 * librrd writes in place: a kill inside an update shifts rows in silence, a
 * power cut mixes what was written with what was not. So below RECENT are kept
 * every result that is not surely in a file yet, and of each file that is about
 * to be written the part of its header that results cannot give back. After an
 * unclean stop the store lane gives files their headers back and replays the
 * results, in parts, while new ones come in; questions wait until that is
 * done. A kill loses what was still queued to the lane, a power cut at most the
 * last second, unless the disk has failed to sync before: what it dropped then
 * is not known. A clean stop leaves RECENT empty.
 *
 * On a disk with less than 24 MiB left nothing is written, so that the ledger
 * has what it needs for incidents; results wait in memory, see series_stats.
 *
 * Files are touched by the store lane only. Functions marked "any thread"
 * queue their work there.
 */
struct series;

/* One archive: rows of `step` (0: the target's interval) kept for `keep`. */
struct series_archive {
	dur_us step;
	dur_us keep;
};

struct series_options {
	const char *dir; /* made if missing */
	const char *recent; /* made if missing, on the same file system; NULL:
			       none, and a kill damages files */
	const struct series_archive *archives; /* finest first */
	size_t n_archives;
	size_t n_phases_only; /* so many, the finest, without histograms */
	/* of the operator-wide files, which have histograms in all of them;
	 * none: as those of the targets */
	const struct series_archive *all_archives;
	size_t n_all_archives;
	dur_us write_every; /* each file; 0: at each step */
	const struct clock *clock;
	struct lane *lane;
};

/* series_open: before the first call from elsewhere. NULL with errno set. */
struct series *series_open(const struct series_options *options);

/*
 * series_close: after the lane has run all that was queued and the lane is no
 * longer used (lane_free). Writes what is pending, closes, frees.
 */
void series_close(struct series *series);

/* series_plan_bytes: disk for one transaction target with interval `step`;
 * from the size formula of the format. Operator-wide files: series_all_bytes
 * of their archives per operator and transaction. Pure. */
int64_t series_plan_bytes(const struct series_archive *archives, size_t n,
    size_t n_phases_only, dur_us step);
int64_t series_all_bytes(const struct series_archive *archives, size_t n);

/* series_recent_bytes: what RECENT may take for so many targets with so many
 * results a minute in all, while the disk is well. Pure. */
int64_t series_recent_bytes(const struct series_archive *archives, size_t n,
    size_t n_phases_only, size_t targets, double results_per_minute);

/*
 * series_append: any thread. `every` is the target's configured interval and
 * the step of its files. Results are gathered per step and written by
 * series_tick. Excluded results count in `excluded` only; prerequisite_failed
 * ones too. 0 or an error of lane_call (counted by the lane).
 *
 * A result belongs to the step in which it started. When that was written
 * already it goes into the next one.
 */
int series_append(
    struct series *series, const struct result *result, dur_us every) MUST_USE;

/*
 * series_tick: any thread, about once a second: writes what is due. A step is
 * complete a quarter of it, at most 10 s, after its end, for results that
 * started just before the boundary. Complete steps wait in memory, at most 20
 * of a target, until `write_every` is over, since several in one update cost
 * little more than one; the targets' instants are spread evenly over that
 * time. An interval under 20 s is one of a trial and is written at each step.
 * A step without a result is written too, as zeros, for an hour (or 20 steps)
 * after the last result. Many files are written in slices, between which other
 * calls on the lane get their turn.
 *
 * While files cannot be written their results stay in memory: 40 single ones of
 * a target, older ones summed up in at least one step, 16,384 such steps in
 * all; no result is lost, but the oldest move to a later step.
 *
 * A wall clock that jumps:
 * - ahead, by more than a minute against the monotonic one: nothing is written
 *   until it has stayed there for ten minutes. Suspending is such a jump.
 * - back, behind what is written: results go into the next step, which is
 *   written when the clock has caught up (`shifted`).
 * - back by more than an hour behind what is written, for ten minutes: the
 *   files are kept as NAME.ahead-STAMP and begun anew.
 * Results meanwhile stay in memory; those stamped with a time that is not to
 * come yet count at the time that is. `clock_s` and `problem` say what goes on.
 */
int series_tick(struct series *series, wall_us now) MUST_USE;

/* ---- ranges ---- */

/*
 * All arrays have n rows; NAN is a gap: a latency without an ok result, a
 * count before the file or after its last update.
 *
 * Percentiles are nearest ranks in the distribution of all results of the row,
 * put together from the narrowest archive that is not too long to read: exact
 * to 1.1 % over single intervals with one or two results, else estimated from
 * summed buckets and the mean place of the results in each; within 5 % but
 * for values heaped at both ends of one bucket, and for the tail of a single
 * day that is left in one row (daemon/series/read-int.h, measured by
 * tests/bench/percentile.c). They are never averaged.
 *
 * Mean and phases are weighted by results, those within a row of the archive
 * that was read by steps. One allocation; series_range_free.
 */
struct series_range {
	wall_us from, to;
	dur_us step;
	size_t n;
	wall_us *time; /* begin of each row */
	double *ok, *failed, *excluded;
	double *p50_ms, *p90_ms, *p95_ms, *p99_ms, *mean_ms, *max_ms;
	double *phase_ms[PHASE_COUNT];
	double (*buckets)[HIST_BUCKETS]; /* NULL unless asked for */
};
void series_range_free(struct series_range *range);

struct series_query {
	char target[MODEL_PATH_SIZE]; /* "op/dep/tr", "op/dep", "op", or
					 "op/_all/tr": the whole operator */
	wall_us from, to;
	dur_us step; /* 0: at most 400 rows; else raised to what
			the archives hold of that time */
	bool buckets; /* for the heat map */
};

/*
 * series_ask: any thread. Complete steps of the target are written first, so
 * that an answer is never older than the grace of a step. `reply` runs on the
 * store lane, exactly once if and only if 0 is returned; it owns the range.
 * `problem` is 0, or -ENOENT (no such target), -EINVAL (bad span), -EIO; then
 * range is NULL.
 */
typedef void series_reply_fn(
    void *arg, int problem, struct series_range *range);
int series_ask(struct series *series, const struct series_query *query,
    series_reply_fn *reply, void *arg) MUST_USE;

/*
 * Another process may ask, too, while the daemon writes: it sees what is in the
 * files of DIR, without what still waits in memory, and changes nothing. One
 * thread. series_reader_ask: as series_ask for one transaction of a deployment,
 * "op/dep/tr", but at once; the caller frees the range.
 */
struct series_reader;
struct series_reader *series_reader_new(const char *dir);
void series_reader_free(struct series_reader *reader); /* NULL is fine */
int series_reader_ask(struct series_reader *reader,
    const struct series_query *query, struct series_range **range) MUST_USE;

/* ---- its own health; any thread ---- */

struct series_stats {
	uint64_t updates;
	uint64_t errors;
	uint64_t quarantined; /* files moved aside */
	uint64_t dropped; /* results refused: the clock is not set */
	uint64_t shifted; /* counted after they happened: it went back */
	int64_t clock_s; /* > 0: the wall clock is so far ahead, not yet
			    believed; < 0: so far behind what is written */
	char problem[256]; /* the last error, "" when it has healed */
};
void series_stats(struct series *series, struct series_stats *stats);

#endif
