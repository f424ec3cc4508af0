#ifndef TESTS_UNIT_SERIES_RIG_H
#define TESTS_UNIT_SERIES_RIG_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "series/series.h"
#include "tests/unit/store.h"

/* A series below a temporary folder, with a clock that the test moves. */

#define START_S INT64_C(1790035200) /* 2026-09-22, a whole day */
#define STEP (60 * US_PER_S)

struct rig {
	char dir[128];
	struct clock_manual clock;
	const char *recent; /* NULL: none */
	struct lane *lane;
	struct series *series;
	const struct series_archive *archives;
	size_t n_archives;
	dur_us write_every;
	struct target target;
};

static const struct series_archive rig_archives[] = {
    {0, INT64_C(86400) * US_PER_S},
    {300 * US_PER_S, INT64_C(7) * 86400 * US_PER_S},
    {3600 * US_PER_S, INT64_C(60) * 86400 * US_PER_S},
};

static inline void
rig_start(struct rig *rig)
{
	struct series_options options = {
	    .dir = rig->dir,
	    .recent = rig->recent,
	    .archives = rig->archives,
	    .n_archives = rig->n_archives,
	    .write_every = rig->write_every,
	    .clock = &rig->clock.clock,
	};

	rig->lane = lane_new("store", 64 << 20);
	options.lane = rig->lane;
	rig->series = series_open(&options);
	assert_non_null(rig->series);
}

static inline void
rig_stop(struct rig *rig)
{
	lane_free(rig->lane);
	series_close(rig->series);
	rig->lane = NULL;
	rig->series = NULL;
}

static inline void
rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	store_folder_make(rig->dir, sizeof(rig->dir), "series");
	clock_manual_init(&rig->clock, 1000 * US_PER_S, START_S * US_PER_S);
	rig->archives = rig_archives;
	rig->n_archives = ARRAY_LEN(rig_archives);
	rig->target = store_target("wizja", "sp1", "login");
	rig_start(rig);
}

static inline void
rig_fini(struct rig *rig)
{
	if (rig->series != NULL)
		rig_stop(rig);
	store_folder_remove(rig->dir);
}

static inline void
rig_drain(struct rig *rig)
{
	store_drain(rig->lane);
}

static inline void
rig_tick(struct rig *rig)
{
	assert_int_equal(series_tick(rig->series, rig->clock.wall), 0);
	rig_drain(rig);
}

/* Moves both clocks and ticks once at the end. */
static inline void
rig_pass(struct rig *rig, int64_t seconds)
{
	clock_manual_advance(&rig->clock, seconds * US_PER_S);
	rig_tick(rig);
}

static inline void
rig_add_to(struct rig *rig, const struct target *target, dur_us every,
    enum reason reason, dur_us latency)
{
	struct result result = {
	    .target = target,
	    .started_wall = rig->clock.wall,
	    .started = rig->clock.now,
	    .latency = latency,
	    .reason = reason,
	};

	result.phases.us[PHASE_WAIT] = latency / 2;
	result.phases.us[PHASE_DNS] = latency / 10;
	assert_int_equal(series_append(rig->series, &result, every), 0);
}

static inline void
rig_add(struct rig *rig, enum reason reason, dur_us latency)
{
	rig_add_to(rig, &rig->target, STEP, reason, latency);
}

struct rig_answer {
	sem_t done;
	int problem;
	struct series_range *range;
};

static inline void
rig_reply(void *arg, int problem, struct series_range *range)
{
	struct rig_answer *answer = arg;

	answer->problem = problem;
	answer->range = range;
	sem_post(&answer->done);
}

static inline int
rig_ask(struct rig *rig, const char *target, int64_t from_s, int64_t to_s,
    int64_t step_s, struct series_range **range)
{
	struct series_query query = {
	    .from = from_s * US_PER_S,
	    .to = to_s * US_PER_S,
	    .step = step_s * US_PER_S,
	    .buckets = true,
	};
	struct rig_answer answer = {0};

	text_copy(query.target, sizeof(query.target), target);
	sem_init(&answer.done, 0, 0);
	assert_int_equal(
	    series_ask(rig->series, &query, rig_reply, &answer), 0);
	sem_wait(&answer.done);
	sem_destroy(&answer.done);
	*range = answer.range;
	return answer.problem;
}

static inline double
rig_sum(const double *column, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += isfinite(column[i]) ? column[i] : 0;
	return sum;
}

static inline void
rig_stats(struct rig *rig, struct series_stats *stats)
{
	rig_tick(rig);
	series_stats(rig->series, stats);
}

/* How many files in `folder` have `part` in their name. */
static inline unsigned
rig_count_files(struct rig *rig, const char *folder, const char *part)
{
	char command[512], line[32] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "ls '%s/%s' | grep -c -F -- '%s'",
	    rig->dir, folder, part);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	if (fgets(line, sizeof(line), pipe) == NULL)
		line[0] = '\0';
	pclose(pipe);
	return (unsigned)strtoul(line, NULL, 10);
}

#endif
