/*
 * Four weeks of history for a daemon that never ran: the hours around now in
 * each week before, written by the series room itself.
 *
 *   weeks RRD_DIR OPERATOR DEPLOYMENT TRANSACTION INTERVAL_S LATENCY_MS
 *
 * The plan is that of conf/demo, so that the daemon goes on with the files.
 */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/text.h"
#include "loop/lane.h"
#include "series/series.h"

#define MINUTE (60 * US_PER_S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define AROUND (3 * HOUR) /* clocks may have changed, and time goes on */
#define RESULTS 30 /* an hour */

static const struct series_archive archives[] = {
    {0, HOUR}, {MINUTE, DAY}, {HOUR, 30 * DAY}};

static void
post(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	sem_post(ctx);
}

static void
fail(const char *what)
{
	fprintf(stderr, "weeks: %s\n", what);
	exit(1);
}

static void
tick(struct series *series, struct lane *lane, wall_us now)
{
	sem_t done;

	sem_init(&done, 0, 0);
	if (series_tick(series, now) < 0 ||
	    lane_call(lane, post, &done, NULL, 0) < 0)
		fail("the store refuses");
	sem_wait(&done);
	sem_destroy(&done);
}

static void
write_hours(struct series *series, struct lane *lane,
    struct clock_manual *clock, wall_us until, struct result *result,
    dur_us every)
{
	while (clock->wall < until) {
		for (int i = 0; i < RESULTS; i++) {
			result->started_wall = clock->wall;
			result->started = clock->now;
			if (series_append(series, result, every) < 0)
				fail("the store refuses");
			clock_manual_advance(clock, HOUR / RESULTS);
			tick(series, lane, clock->wall);
		}
	}
}

int
main(int argc, char **argv)
{
	struct target target = {0};
	struct result result = {.target = &target, .reason = REASON_OK};
	wall_us now = clock_wall(clock_system());
	struct clock_manual clock;
	struct series *series;
	struct lane *lane;
	struct series_stats stats;
	dur_us every;

	if (argc != 7)
		fail("RRD_DIR OPERATOR DEPLOYMENT TRANSACTION INTERVAL_S "
		     "LATENCY_MS");
	text_copy(target.operator, sizeof(target.operator), argv[2]);
	text_copy(target.deployment, sizeof(target.deployment), argv[3]);
	text_copy(target.transaction, sizeof(target.transaction), argv[4]);
	snprintf(target.path, sizeof(target.path), "%.30s/%.30s/%.30s", argv[2],
	    argv[3], argv[4]);
	every = strtol(argv[5], NULL, 10) * US_PER_S;
	result.latency = strtol(argv[6], NULL, 10) * US_PER_MS;
	result.phases.us[PHASE_WAIT] = result.latency;
	now -= now % HOUR;
	clock_manual_init(&clock, DAY, now - 28 * DAY - AROUND);
	lane = lane_new("store", 64 << 20);
	series = series_open(&(struct series_options){.dir = argv[1],
	    .archives = archives,
	    .n_archives = ARRAY_LEN(archives),
	    .write_every = HOUR,
	    .clock = &clock.clock,
	    .lane = lane});
	if (!series)
		fail("the folder cannot be used");
	for (int week = 4; week > 0; week--) {
		wall_us then = now - week * 7 * DAY;

		if (clock.wall < then - AROUND)
			clock_manual_advance(
			    &clock, then - AROUND - clock.wall);
		write_hours(
		    series, lane, &clock, then + AROUND, &result, every);
	}
	series_stats(series, &stats);
	lane_free(lane);
	series_close(series);
	if (stats.errors > 0)
		fail(stats.problem);
	return 0;
}
