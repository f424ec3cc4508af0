#include "bench.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <rrd.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "series/series.h"

/*
 * What a result costs in the series: kept for the case of a crash, gathered,
 * written to the phase and the histogram file of its target and to the
 * operator-wide ones. Time is
 * simulated: each target has one result a minute, at its own second, and the
 * store ticks each second. Floor: one bare update of a phase file for each
 * result, as a plain user of librrd would do it, over as many files.
 *
 *   series [--full] [TARGETS …]      default 1000 10000; --full 1000 10000
 *                                    72000 (21 GB below $TMPDIR)
 */

#define OPERATORS 5
#define TRANSACTIONS 3
#define START_S INT64_C(1790035200)
#define STEP_S 60
#define WRITE_EVERY_S 600
#define WINDOWS 3 /* of WRITE_EVERY_S each are measured */
#define FLOOR_ROUNDS 3
#define LATENCIES 4096

#define COST_MOST_US 40.0
#define FLAT_MOST 1.25
#define LEVEL_MOST 1.5
#define BYTES_MOST 1000.0

/* As many archives as "lean" has, shorter: the time of an update does not
 * depend on rows it does not touch, the disk of this machine does. */
static const struct series_archive archives[] = {
    {0, INT64_C(3600) * US_PER_S},
    {300 * US_PER_S, INT64_C(43200) * US_PER_S},
    {3600 * US_PER_S, INT64_C(4) * 86400 * US_PER_S},
    {86400 * US_PER_S, INT64_C(20) * 86400 * US_PER_S},
};
#define N_ARCHIVES (sizeof(archives) / sizeof(*archives))

/* What one size found, for the parent. */
struct found {
	double cost_us, floor_us, bytes, level;
};

struct stage {
	char dir[128];
	size_t n;
	struct target *targets;
	dur_us latency[LATENCIES];
	struct clock_manual clock;
	struct lane *lane;
	struct series *series;
	uint64_t updates; /* at the last minute */
	double most_updates; /* in one minute */
};

static void
die(const char *what)
{
	fprintf(stderr, "series: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Log-normal around 400 ms. */
static void
make_latencies(struct stage *stage)
{
	uint64_t state = 20261126;
	double u[2];
	size_t i, k;

	for (i = 0; i < LATENCIES; i++) {
		for (k = 0; k < 2; k++) {
			state = state * UINT64_C(6364136223846793005) +
			    UINT64_C(1442695040888963407);
			u[k] =
			    ((double)(state >> 11) + 0.5) / 9007199254740992.0;
		}
		stage->latency[i] = (dur_us)(400e3 *
		    exp(0.6 * sqrt(-2 * log(u[0])) * cos(2 * M_PI * u[1])));
	}
}

static void
make_targets(struct stage *stage)
{
	static const char *const transactions[TRANSACTIONS] = {
	    "login", "grades", "message"};
	size_t i;

	stage->targets = calloc(stage->n, sizeof(*stage->targets));
	if (stage->targets == NULL)
		die("targets");
	for (i = 0; i < stage->n; i++) {
		struct target *target = &stage->targets[i];
		size_t deployment = i / TRANSACTIONS;

		target->id = (uint32_t)i;
		snprintf(target->operator, MODEL_NAME_SIZE, "operator%zu",
		    deployment % OPERATORS);
		snprintf(target->deployment, MODEL_NAME_SIZE, "sp%zu",
		    deployment / OPERATORS);
		snprintf(target->transaction, MODEL_NAME_SIZE, "%s",
		    transactions[i % TRANSACTIONS]);
	}
}

static void
post(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	sem_post(ctx);
}

static void
drain(struct stage *stage)
{
	sem_t done;

	sem_init(&done, 0, 0);
	if (lane_call(stage->lane, post, &done, NULL, 0) != 0)
		die("queue");
	while (sem_wait(&done) != 0 && errno == EINTR)
		;
	sem_destroy(&done);
}

static void
append(struct stage *stage, size_t i, int64_t second)
{
	dur_us latency =
	    stage->latency[(i * 7919 + (size_t)second) % LATENCIES];
	struct result result = {
	    .target = &stage->targets[i],
	    .started_wall = stage->clock.wall - latency,
	    .latency = latency,
	    .reason = i % 97 == (size_t)(second / STEP_S) % 97 ? REASON_HTTP_5XX
							       : REASON_OK,
	};

	result.phases.us[PHASE_DNS] = latency / 50;
	result.phases.us[PHASE_CONNECT] = latency / 40;
	result.phases.us[PHASE_TLS] = latency / 20;
	result.phases.us[PHASE_WAIT] = latency / 2;
	result.phases.us[PHASE_RECEIVE] = latency / 10;
	if (series_append(stage->series, &result, STEP_S * US_PER_S) != 0)
		die("append");
}

/* Until the round of writing is over: its slices queue behind one another. */
static uint64_t
settle(struct stage *stage)
{
	struct series_stats stats;
	uint64_t before;

	series_stats(stage->series, &stats);
	do {
		before = stats.updates;
		drain(stage);
		series_stats(stage->series, &stats);
	} while (stats.updates != before);
	if (stats.problem[0] != '\0') {
		fprintf(stderr, "series: %s\n", stats.problem);
		exit(1);
	}
	return stats.updates;
}

/* The results of one second and its tick; returns how many they were. */
static size_t
second_passes(struct stage *stage)
{
	int64_t second = stage->clock.wall / US_PER_S;
	uint64_t updates;
	size_t i, n = 0;

	for (i = (size_t)(second % STEP_S); i < stage->n; i += STEP_S) {
		append(stage, i, second);
		n++;
	}
	clock_manual_advance(&stage->clock, US_PER_S);
	if (series_tick(stage->series, stage->clock.wall) != 0)
		die("tick");
	updates = settle(stage);
	if ((second + 1) % STEP_S != 0)
		return n;
	if ((double)(updates - stage->updates) > stage->most_updates)
		stage->most_updates = (double)(updates - stage->updates);
	stage->updates = updates;
	return n;
}

static size_t
pass(struct stage *stage, int64_t seconds)
{
	size_t n = 0;

	while (seconds-- > 0)
		n += second_passes(stage);
	return n;
}

/* ---- the floor ---- */

static void
floor_make(struct stage *stage, size_t i, char *path, size_t size)
{
	static const char *const sources[] = {"total", "dns", "connect", "tls",
	    "wait", "receive", "ok", "failed", "excluded", "max"};
	static const char *const cfs[] = {"AVERAGE", "MIN", "MAX"};
	char text[64][48];
	const char *argv[64];
	size_t n = 0, k, c;

	for (k = 0; k < 10; k++)
		snprintf(text[n++], 48, "DS:%s:%s:120:0:U", sources[k],
		    k >= 6 && k <= 8 ? "ABSOLUTE" : "GAUGE");
	for (c = 0; c < 3; c++) {
		for (k = 0; k < N_ARCHIVES; k++) {
			dur_us step = archives[k].step > 0 ? archives[k].step
							   : STEP_S * US_PER_S;

			snprintf(text[n++], 48, "RRA:%s:0.5:%lld:%lld", cfs[c],
			    (long long)(step / US_PER_S / STEP_S),
			    (long long)(archives[k].keep / step));
		}
	}
	for (k = 0; k < n; k++)
		argv[k] = text[k];
	snprintf(path, size, "%s/floor-%zu.rrd", stage->dir, i);
	rrd_clear_error();
	if (rrd_create_r2(path, STEP_S, (time_t)START_S, 1, NULL, NULL, (int)n,
		argv) != 0) {
		fprintf(stderr, "series: %s\n", rrd_get_error());
		exit(1);
	}
}

/* CPU of one bare update, each minute of each file one. */
static double
measure_floor(struct stage *stage)
{
	struct bench_sample sample = {0};
	double median;
	char path[192], row[256];
	const char *argv[] = {row};
	size_t i;
	int round;

	for (i = 0; i < stage->n; i++)
		floor_make(stage, i, path, sizeof(path));
	for (round = 1; round <= FLOOR_ROUNDS + 1; round++) {
		int64_t began = bench_cpu_ns();

		for (i = 0; i < stage->n; i++) {
			double ms = (double)stage->latency[i % LATENCIES] / 1e3;

			snprintf(path, sizeof(path), "%s/floor-%zu.rrd",
			    stage->dir, i);
			snprintf(row, sizeof(row),
			    "%lld:%.3f:%.3f:%.3f:%.3f:%.3f:%.3f:1:0:0:%.3f",
			    (long long)(START_S + round * STEP_S), ms, ms / 50,
			    ms / 40, ms / 20, ms / 2, ms / 10, ms);
			rrd_clear_error();
			if (rrd_update_r(path, NULL, 1, argv) != 0) {
				fprintf(
				    stderr, "series: %s\n", rrd_get_error());
				exit(1);
			}
		}
		/* the first one touches everything for the first time */
		if (round > 1)
			bench_add(&sample,
			    (double)(bench_cpu_ns() - began) / 1e3 /
				(double)stage->n);
	}
	for (i = 0; i < stage->n; i++) {
		snprintf(path, sizeof(path), "%s/floor-%zu.rrd", stage->dir, i);
		unlink(path);
	}
	bench_row("floor: bare update of a phase file", &sample, "us CPU");
	median = bench_quantile(&sample, 0.5);
	bench_free(&sample);
	return median;
}

/* ---- ours ---- */

static void
start(struct stage *stage)
{
	struct series_options options = {
	    .archives = archives,
	    .n_archives = N_ARCHIVES,
	    .write_every = WRITE_EVERY_S * US_PER_S,
	    .clock = &stage->clock.clock,
	};
	char dir[160], recent[160];

	clock_manual_init(&stage->clock, 1000 * US_PER_S, START_S * US_PER_S);
	stage->lane = lane_new("store", 256 << 20);
	options.lane = stage->lane;
	snprintf(dir, sizeof(dir), "%s/rrd", stage->dir);
	snprintf(recent, sizeof(recent), "%s/recent", stage->dir);
	options.dir = dir;
	options.recent = recent;
	stage->series = series_open(&options);
	if (stage->series == NULL)
		die("open");
}

static void
measure(struct stage *stage, struct found *found)
{
	struct bench_sample cost = {0}, making = {0}, stop = {0};
	int64_t rss = bench_rss_bytes(getpid());
	int64_t began;
	double mean_updates;
	int window;

	start(stage);
	/* nothing is due before the first minute has ended */
	began = bench_cpu_ns();
	pass(stage, WRITE_EVERY_S + 2 * STEP_S);
	bench_add(
	    &making, (double)(bench_cpu_ns() - began) / 1e3 / (double)stage->n);
	bench_row("making the files, and ten minutes of results", &making,
	    "us CPU a target");
	found->bytes =
	    (double)(bench_rss_bytes(getpid()) - rss) / (double)stage->n;
	stage->most_updates = 0;
	mean_updates = (double)stage->updates;
	for (window = 0; window < WINDOWS; window++) {
		size_t n;

		began = bench_cpu_ns();
		n = pass(stage, WRITE_EVERY_S);
		bench_add(
		    &cost, (double)(bench_cpu_ns() - began) / 1e3 / (double)n);
	}
	mean_updates = ((double)stage->updates - mean_updates) /
	    (WINDOWS * WRITE_EVERY_S / STEP_S);
	bench_row("ours: a result, both files and _all", &cost, "us CPU");
	found->cost_us = bench_quantile(&cost, 0.5);
	found->level = stage->most_updates / mean_updates;
	bench_free(&cost);
	bench_free(&making);
	began = bench_cpu_ns();
	lane_free(stage->lane);
	series_close(stage->series);
	bench_add(
	    &stop, (double)(bench_cpu_ns() - began) / 1e3 / (double)stage->n);
	bench_row("stop: all that waits is written", &stop, "us CPU a target");
	bench_free(&stop);
}

static void
run_size(size_t n, struct found *found)
{
	const char *tmp = getenv("TMPDIR");
	struct stage *stage = calloc(1, sizeof(*stage));

	if (stage == NULL)
		die("memory");
	stage->n = n;
	snprintf(stage->dir, sizeof(stage->dir), "%.96s/bench-series-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(stage->dir) == NULL)
		die(stage->dir);
	make_latencies(stage);
	make_targets(stage);
	printf("-- %zu targets, %.1f GB\n", n,
	    (double)series_plan_bytes(
		archives, N_ARCHIVES, 0, STEP_S * US_PER_S) *
		(double)n / 1e9);
	/* first, so that what librrd itself needs is there already */
	found->floor_us = measure_floor(stage);
	measure(stage, found);
	nftw(stage->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(stage->targets);
	free(stage);
	bench_ratio("cost of a result, us", found->cost_us, COST_MOST_US);
	printf("%-44s %8.3f\n", "against the bare update of one file",
	    found->cost_us / found->floor_us);
	bench_ratio("most rows in one minute, against the mean", found->level,
	    LEVEL_MOST);
	printf("%-44s %8.0f\n", "memory of a target, bytes", found->bytes);
}

/* Each size in a process of its own: memory is counted from nothing. */
static void
run_apart(size_t n, struct found *found)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		die("fork");
	if (child == 0) {
		run_size(n, found);
		exit(0);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		exit(1);
}

int
main(int argc, char **argv)
{
	static const size_t usual[] = {1000, 10000},
			    full[] = {1000, 10000, 72000};
	size_t sizes[8], n = 0, i;
	struct found *found;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_set_level(LOG_LEVEL_ERROR);
	if (argc == 2 && strcmp(argv[1], "--full") == 0) {
		for (; n < sizeof(full) / sizeof(*full); n++)
			sizes[n] = full[n];
	} else if (argc == 1) {
		for (; n < sizeof(usual) / sizeof(*usual); n++)
			sizes[n] = usual[n];
	} else {
		for (; n < 8 && (int)n + 1 < argc; n++)
			sizes[n] = strtoul(argv[n + 1], NULL, 10);
	}
	found = mmap(NULL, n * sizeof(*found), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (found == MAP_FAILED)
		die("mmap");
	for (i = 0; i < n; i++)
		run_apart(sizes[i], &found[i]);
	/* in the small ones it is the program, not the targets */
	if (n > 0)
		bench_ratio("memory of a target, largest size, bytes",
		    found[n - 1].bytes, BYTES_MOST);
	if (n > 1)
		bench_ratio("flat: largest against smallest",
		    found[n - 1].cost_us / found[0].cost_us, FLAT_MOST);
	return 0;
}
