/*
 * Makes the history that tests/bench/query.mjs asks for.
 *
 *   query_fill DIR full|lean NOW
 *
 * Below DIR/rrd, up to NOW in Unix seconds: wizja/sp1 with three transactions,
 * a result a minute for the last 15 days and one an hour for the year before;
 * and wizja/_all of a month of 40 results a minute each. The files are those
 * that a year of 400 deployments leaves; only the numbers in them are smaller.
 */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/conf/conf-int.h"
#include "daemon/main/main-int.h"
#include "series/series.h"
#include "tests/unit/series/latency.h"

#define DAY_S INT64_C(86400)
#define MINUTE (60 * US_PER_S)

static const char *const transactions[] = {"login", "grades", "message"};

struct filler {
	struct clock_manual clock;
	struct lane *lane;
	struct series *series;
	struct latency latency;
};

static void
drained(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	sem_post(ctx);
}

static void
drain(struct filler *filler)
{
	sem_t done;

	sem_init(&done, 0, 0);
	if (lane_call(filler->lane, drained, &done, NULL, 0) == 0)
		sem_wait(&done);
	sem_destroy(&done);
}

static void
put(struct filler *filler, const char *transaction)
{
	struct target target = {0};
	struct result result = {.target = &target,
	    .started_wall = filler->clock.wall,
	    .reason = REASON_OK};

	text_copy(target.operator, MODEL_NAME_SIZE, "wizja");
	text_copy(target.deployment, MODEL_NAME_SIZE, "sp1");
	text_copy(target.transaction, MODEL_NAME_SIZE, transaction);
	result.latency =
	    latency_draw(&filler->latency, filler->clock.wall / US_PER_S);
	result.phases.us[PHASE_WAIT] = result.latency / 2;
	while (series_append(filler->series, &result, MINUTE) != 0)
		drain(filler);
}

/* `each` results every `step_s` from now on. */
static void
fill(struct filler *filler, int64_t until_s, int64_t step_s, int each)
{
	size_t i;
	int k;

	while (filler->clock.wall < until_s * US_PER_S) {
		for (i = 0; i < ARRAY_LEN(transactions); i++) {
			for (k = 0; k < each; k++)
				put(filler, transactions[i]);
		}
		if (filler->clock.wall / MINUTE % 12 == 0 || step_s > 720) {
			while (series_tick(
				   filler->series, filler->clock.wall) != 0)
				drain(filler);
			drain(filler);
		}
		clock_manual_advance(&filler->clock, step_s * US_PER_S);
	}
}

static bool
run(const char *dir, const char *plan, int64_t from_s, int64_t fine_s,
    int64_t to_s, int each)
{
	struct filler filler = {.latency = {.state = 20261126}};
	struct series_options options = {
	    .dir = dir, .clock = &filler.clock.clock};
	struct conf_store store = {0};
	struct arena arena;

	arena_init(&arena, 1 << 16);
	if (!plan_named(&arena, plan, &store))
		return false;
	options.archives = disk_archives(store.archives, store.n_archives);
	options.n_archives = store.n_archives;
	options.n_phases_only = store.n_phases_only;
	options.all_archives =
	    disk_archives(store.all_archives, store.n_all_archives);
	options.n_all_archives = store.n_all_archives;
	clock_manual_init(&filler.clock, US_PER_S, from_s * US_PER_S);
	filler.lane = lane_new("store", 4 << 20);
	options.lane = filler.lane;
	filler.series = series_open(&options);
	if (filler.series == NULL)
		return false;
	fill(&filler, fine_s, 3600, 1);
	fill(&filler, to_s, 60, each);
	lane_free(filler.lane);
	series_close(filler.series);
	arena_fini(&arena);
	return true;
}

int
main(int argc, char **argv)
{
	int64_t now_s;
	char *own, *all;

	if (argc != 4)
		return 2;
	now_s = strtoll(argv[3], NULL, 10) / 60 * 60;
	own = mem_printf("%s/rrd", argv[1]);
	all = mem_printf("%s/all", argv[1]);
	if (!run(own, argv[2], now_s - 366 * DAY_S, now_s - 15 * DAY_S, now_s,
		1) ||
	    !run(all, argv[2], now_s - 32 * DAY_S, now_s - 32 * DAY_S, now_s,
		40))
		return 1;
	free(own);
	free(all);
	return 0;
}
