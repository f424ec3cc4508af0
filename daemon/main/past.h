#ifndef MAIN_PAST_H
#define MAIN_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/zone.h"
#include "conf/conf.h"
#include "ledger/ledger.h"
#include "model/result.h"
#include "series/series.h"

/*
 * What the stores keep of the past, as results in order of time. The tallies
 * say how many were good, failed or did not count in a minute; the failures,
 * why; a run that is still kept says when exactly and how long; the series say
 * how long the others took, where a rule wants to know. What only the tallies
 * know comes with `from_tally`:
 *
 * - The results of a target's minute lie evenly over it; when good and failed
 *   ones meet, it goes on as the minute before ended and changes once.
 * - One that failed, from before failures were noted, has the reason no_answer,
 *   for nothing but its verdict.
 * - One that does not count is ours (tainted) if nothing counted anywhere in
 *   that minute, and else is as if it were never tried (prerequisite_failed).
 *
 * What was in agreed maintenance, by what is announced today, says so.
 */
struct past;

struct past_options {
	const struct conf *conf;
	struct ledger_reader *ledger;
	struct series_reader *series;
	const struct zone *zone;
	const char *rule; /* whose latencies are wanted; NULL: of all rules */
	wall_us from, to;
};

/* What was read so far. */
#define PAST_WIDTHS 8
struct past_facts {
	uint64_t results;
	uint64_t failures, causeless; /* of these, so many without a reason */
	uint64_t timed, untimed; /* good ones for latency rules: a latency was
				    known, or was not */
	uint64_t strangers; /* results of what is not in the configuration */
	struct past_width {
		dur_us step; /* how finely their latencies are known */
		wall_us from, to;
	} widths[PAST_WIDTHS];
	size_t n_widths;
};

/* past_new: 0 or -errno; then `past` is NULL. */
int past_new(const struct past_options *options, struct past **past) MUST_USE;
void past_free(struct past *past); /* NULL is fine */

/* past_next: as struct backtest_options has it; `arg` is the history. */
int past_next(void *arg, struct result *result, wall_us *at);
const struct past_facts *past_facts(const struct past *past);

/* ---- past_run.c ---- */

/* One result of a kept run. */
struct past_kept {
	struct result result; /* its target is not set */
	char path[MODEL_PATH_SIZE];
	wall_us at; /* when it was final */
};

/* past_run_read calls `fn` for each result of a run. */
void past_run_read(const struct jv *run,
    void (*fn)(void *arg, const struct past_kept *kept), void *arg);

/* ---- past_latency.c ---- */

/* The latencies of a target's day. Zero is valid. */
struct past_day {
	wall_us from, to;
	dur_us step;
	size_t n; /* rows */
	uint32_t *begins; /* n + 1: where the latencies of a row are */
	uint32_t *used;
	float *ms;
};

/* past_latency: of a good result at `at`; under 0 when it is not known. */
dur_us past_latency(struct past_day *day, struct series_reader *series,
    const char *target, wall_us at, struct past_facts *facts);
void past_day_free(struct past_day *day);

#endif
