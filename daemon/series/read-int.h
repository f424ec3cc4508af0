#ifndef SERIES_READ_INT_H
#define SERIES_READ_INT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "series-int.h"

/* Shared by what reads: rrd_read.c, rrd_width.c, rrd_row.c and blend.c. */

/* The two files of one target. */
struct source {
	char path[2][PATH_MAX]; /* by series_kind */
	struct plan plan[2];
	int64_t last_s[2];
	bool found[2];
};

/* ---- rrd_width.c: which rows serve a question ---- */

/* The kind whose archives decide: the phase file's, if there is one. */
enum series_kind source_lead(const struct source *source);

/* Whether the file of a kind has rows of a width. */
bool source_has(
    const struct source *source, enum series_kind kind, int64_t row_s);

/*
 * What is asked: rows of `step_s` that begin at `slot_s`, to tell of the time
 * from `from_s` to `to_s`, which lies in the first of them.
 */
struct want {
	int64_t slot_s, from_s, to_s;
	int64_t step_s;
};

/*
 * The row width to read. Of those that fit into the step and reach back to
 * from_s: the narrowest that reaches back to slot_s too and is not too many
 * rows, for narrow rows know more of percentiles; else the widest. Else the
 * narrowest that reaches back to from_s; else the one that reaches back
 * farthest. Only widths that have percentiles: those of the histogram file,
 * and single steps, of which the phase file itself tells the latency.
 */
#define READ_ROWS 2100 /* a day of minutes, a week of five minutes */
int64_t source_row_s(const struct source *source, const struct want *want);

/* The width of single steps. */
int64_t source_single_s(const struct source *source);

/* Where the rows of a width begin; from before it librrd would take others. */
int64_t source_first_s(const struct source *source, int64_t row_s);

/* The width of the rows of an answer; `asked_s` 0: at most SERIES_AUTO_ROWS. */
int64_t sources_step_s(const struct source *sources, size_t n, int64_t from_s,
    int64_t to_s, int64_t asked_s);

/* ---- blend.c: latencies of many rows as one distribution ---- */

/*
 * For each of n slots how many latencies lie where, in parts of the buckets of
 * model/hist.h. A bucket is 19 % wide, a part of it 2.2 %.
 */
#define BLEND_PARTS 8

struct blend;
struct blend *blend_new(size_t n);
void blend_free(struct blend *blend);

/*
 * blend_add: `count` latencies between two places of a bucket (hist_place),
 * evenly; equal places are one value. blend_add_mean: those that have a mean
 * place, with the density that falls or rises exponentially, which of all
 * densities with that mean supposes least (maximum entropy, Jaynes 1957).
 */
void blend_add(struct blend *blend, size_t slot, size_t bucket, double count,
    double low, double high);
void blend_add_mean(struct blend *blend, size_t slot, size_t bucket,
    double count, double low, double high, double mean);

/* blend_quantile: the nearest rank, q in (0,1); NAN where nothing is known. */
double blend_quantile(const struct blend *blend, size_t slot, double q);

/* ---- rrd_row.c: what one row says of its latencies ---- */

/*
 * The same time in each archive; NULL where there is none. `single`: the row
 * is one step of the file, so that `mean` holds what was fed.
 */
struct row {
	const double *mean, *min, *max; /* SOURCE_COUNT of the phase file */
	const double *hist; /* HIST_BUCKETS */
	int64_t width_s, step_s;
	bool single;
};

/*
 * row_latencies adds `overlap_s` of the row to `slot` of the blend, and to the
 * counts per bucket: NAN there until something is known.
 *
 * Of a single step with one or two results, mean and maximum are they. Else a
 * histogram row says how many latencies lie in each bucket and their mean place
 * (place.c), and the phase row of the same time says more:
 *  - the highest bucket ends at the maximum, and one latency lies there;
 *  - the lowest begins at the minimum, if no more than one result fell into a
 *    step on average (MIN is that of the steps' means).
 * From that, for each bucket:
 *  - up to three lie evenly about their mean place, as wide as the bucket lets
 *    them; one lies there;
 *  - when both neighbours are as good as empty, half as wide: it may be one
 *    value or the whole width, and so is wrong by a quarter of the bucket, 4.4
 *    %, at most, if it is symmetrical;
 *  - else the density is exponential; when one neighbour is as good as empty,
 *    up to 2.5 times as far from the other as the mean.
 * The limits are those at which the worst error was least over normal, even,
 * exponential, Pareto and mixed distributions of many widths; what they reach
 * is measured by tests/bench/percentile.c.
 *
 * A percentile never leaves its bucket. So the worst is 2^(1/4) - 1 = 18.9 %
 * too high or 1 - 2^(-1/4) = 15.9 % too low, for values heaped at both ends of
 * one bucket: half of them at either end, the median is 9 % off.
 */
void row_latencies(const struct row *row, double overlap_s, size_t slot,
    struct blend *blend, double counts[HIST_BUCKETS]);

#endif
