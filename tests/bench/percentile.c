/*
 * How far percentiles read from the series are from the exact ones.
 *
 *   percentile [DAYS [GROUP]]
 *
 * For each of seven distributions an operator is measured for DAYS (default
 * 365), the made-up ones for the last 60 of them: sp1 once a minute in `login`
 * and each five minutes in `grades`, GROUP - 1 more deployments (default 19)
 * each half hour in `login`; with pauses of up to an hour for one target, and
 * of hours and days for all. The results go through series_append into RRD
 * files below TMPDIR, once with the plan "full" and once with "lean", by a
 * clock that the benchmark moves; every latency is kept. Then each whole day,
 * 30 days and the year are asked for, of the target, the deployment (both
 * transactions) and the operator, and p50 to p99 compared with the nearest
 * rank among the same latencies. 5 % cannot be had from a histogram for two
 * points in one bucket; that line shows the bound (daemon/series/read-int.h).
 */
#include "bench.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/conf/conf-int.h"
#include "daemon/main/main-int.h"
#include "series/series.h"
#include "tests/unit/series/latency.h"

#define DAY_S INT64_C(86400)
#define YEAR_S (365 * DAY_S)
#define START_S (57 * YEAR_S) /* so that the year is one row */
#define GOAL 0.05
#define MADE_UP_DAYS 60
#define ROWS_LEAST 20 /* fewer results have no percentile to compare */

static const char *const plans[] = {"full", "lean"};

/* One target's latencies in order of time, 0 where there was no result. */
struct track {
	struct target target;
	int64_t every_s, phase_s;
	struct latency latency;
	uint32_t *us;
	size_t n;
	int64_t silent_until_s;
};

struct world {
	char dir[256];
	struct clock_manual clock;
	struct lane *lane;
	struct series *series;
	int64_t days;
	size_t group;
	struct track *tracks;
	size_t n_tracks;
	uint64_t results;
};

static void
drained(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	sem_post(ctx);
}

static void
drain(struct world *world)
{
	sem_t done;

	sem_init(&done, 0, 0);
	if (lane_call(world->lane, drained, &done, NULL, 0) == 0)
		sem_wait(&done);
	sem_destroy(&done);
}

static void
track_add(struct world *world, enum latency_shape shape, const char *deployment,
    const char *transaction, int64_t every_s)
{
	struct track *track = &world->tracks[world->n_tracks];

	memset(track, 0, sizeof(*track));
	snprintf(track->target.operator, MODEL_NAME_SIZE, "op%d", (int)shape);
	text_copy(track->target.deployment, MODEL_NAME_SIZE, deployment);
	text_copy(track->target.transaction, MODEL_NAME_SIZE, transaction);
	track->every_s = every_s;
	track->phase_s = (int64_t)(world->n_tracks * 7) % (every_s / 60) * 60;
	track->latency.shape = shape;
	track->latency.state = 20261126 + world->n_tracks;
	track->n = (size_t)(world->days * DAY_S / every_s);
	track->us = mem_array(track->n, sizeof(*track->us));
	world->n_tracks++;
}

static void
tracks_make(struct world *world)
{
	char name[MODEL_NAME_SIZE];
	size_t i;
	int shape;

	world->tracks = mem_array(
	    LATENCY_SHAPES * (world->group + 1), sizeof(*world->tracks));
	for (shape = 0; shape < LATENCY_SHAPES; shape++) {
		track_add(world, (enum latency_shape)shape, "sp1", "login", 60);
		track_add(
		    world, (enum latency_shape)shape, "sp1", "grades", 300);
		for (i = 2; i <= world->group; i++) {
			snprintf(name, sizeof(name), "sp%zu", i);
			track_add(world, (enum latency_shape)shape, name,
			    "login", 1800);
		}
	}
}

/* The daemon stands still: three hours each tenth day, two days each 61st. */
static bool
standing(int64_t at_s)
{
	int64_t day = at_s / DAY_S;

	return (day % 10 == 7 && at_s % DAY_S / 3600 >= 9 &&
		   at_s % DAY_S / 3600 < 12) ||
	    day % 61 == 40 || day % 61 == 41;
}

static void
measure(struct world *world, struct track *track, int64_t at_s)
{
	dur_us us;
	struct result result = {.target = &track->target,
	    .started_wall = world->clock.wall,
	    .reason = REASON_OK};

	if (track->latency.shape >= LATENCY_STEADY &&
	    at_s < (world->days - MADE_UP_DAYS) * DAY_S)
		return;
	if (at_s % track->every_s != track->phase_s ||
	    at_s < track->silent_until_s)
		return;
	if (latency_uniform(&track->latency) < 0.002) {
		track->silent_until_s = at_s +
		    60 * (int64_t)(60 * latency_uniform(&track->latency));
		return;
	}
	us = latency_draw(&track->latency, at_s);
	track->us[at_s / track->every_s] = (uint32_t)us;
	result.latency = us;
	result.phases.us[PHASE_WAIT] = us;
	while (series_append(
		   world->series, &result, track->every_s * US_PER_S) != 0)
		drain(world);
	world->results++;
}

static void
live(struct world *world)
{
	int64_t at_s;
	size_t i;

	for (at_s = 0; at_s < world->days * DAY_S; at_s += 60) {
		if (!standing(at_s)) {
			for (i = 0; i < world->n_tracks; i++)
				measure(world, &world->tracks[i], at_s);
			while (
			    series_tick(world->series, world->clock.wall) != 0)
				drain(world);
		}
		clock_manual_advance(&world->clock, 60 * US_PER_S);
		if (at_s % 3600 == 0)
			drain(world);
	}
	for (i = 0; i < 20; i++) {
		clock_manual_advance(&world->clock, 60 * US_PER_S);
		(void)!series_tick(world->series, world->clock.wall);
		drain(world);
	}
}

/* ---- the comparison ---- */

struct answer {
	sem_t done;
	int problem;
	struct series_range *range;
};

static void
on_reply(void *arg, int problem, struct series_range *range)
{
	struct answer *answer = arg;

	answer->problem = problem;
	answer->range = range;
	sem_post(&answer->done);
}

static struct series_range *
query(struct world *world, const char *target, int64_t from_s, int64_t to_s,
    int64_t step_s)
{
	struct series_query query = {.from = (START_S + from_s) * US_PER_S,
	    .to = (START_S + to_s) * US_PER_S,
	    .step = step_s * US_PER_S};
	struct answer answer = {0};

	text_copy(query.target, sizeof(query.target), target);
	sem_init(&answer.done, 0, 0);
	if (series_ask(world->series, &query, on_reply, &answer) == 0)
		sem_wait(&answer.done);
	sem_destroy(&answer.done);
	return answer.range;
}

/* What the exact percentiles are taken from. */
struct pool {
	uint32_t *us;
	size_t n;
};

static bool
belongs(
    const struct track *track, const char *operator, const char * deployment)
{
	/* the operator is asked for `login` only */
	if (strcmp(track->target.operator, operator) != 0)
		return false;
	if (deployment == NULL)
		return strcmp(track->target.transaction, "login") == 0;
	return strcmp(track->target.deployment, deployment) == 0;
}

static void
pool_take(
    const struct track *track, int64_t from_s, int64_t to_s, struct pool *pool)
{
	size_t i = from_s > 0 ? (size_t)(from_s / track->every_s) : 0;
	size_t end = (size_t)(to_s / track->every_s);

	for (; i < end && i < track->n; i++) {
		if (track->us[i] > 0)
			pool->us[pool->n++] = track->us[i];
	}
}

struct errors {
	struct bench_sample error;
	double worst;
	const char *worst_of;
	size_t wrong_counts;
};

static void
compare(struct errors *errors, const struct series_range *range, size_t i,
    struct pool *pool)
{
	static const double q[] = {0.50, 0.90, 0.95, 0.99};
	static const char *const names[] = {"p50", "p90", "p95", "p99"};
	const double *got[] = {
	    range->p50_ms, range->p90_ms, range->p95_ms, range->p99_ms};
	double ok = isnan(range->ok[i]) ? 0 : range->ok[i];
	size_t k;

	if (fabs(ok - (double)pool->n) > 1e-3)
		errors->wrong_counts++;
	if (pool->n < ROWS_LEAST)
		return;
	qsort(pool->us, pool->n, sizeof(*pool->us), latency_ascending);
	for (k = 0; k < ARRAY_LEN(q); k++) {
		double exact = latency_exact(pool->us, pool->n, q[k]);
		double error = fabs(got[k][i] - exact) / exact;

		if (isnan(error))
			error = INFINITY;
		bench_add(&errors->error, error);
		if (error > errors->worst || errors->worst_of == NULL) {
			errors->worst = error;
			errors->worst_of = names[k];
		}
	}
}

struct scope {
	const char *name, *suffix, *deployment;
	bool one; /* sp1/login alone */
};

static const struct scope scopes[] = {
    {"target", "/sp1/login", "sp1", true},
    {"deployment", "/sp1", "sp1", false},
    {"operator", "/_all/login", NULL, false},
};

/* One row, asked for by itself, as who looks at a day or a month does. */
static bool
ask_row(struct world *world, const struct scope *scope, const char *operator,
    int64_t from_s, int64_t step_s, struct pool *pool, struct errors *errors)
{
	char target[MODEL_PATH_SIZE];
	struct series_range *range;
	bool one;
	size_t k;

	snprintf(target, sizeof(target), "%s%s", operator, scope->suffix);
	range = query(world, target, from_s, from_s + step_s, step_s);
	pool->n = 0;
	for (k = 0; k < world->n_tracks; k++) {
		const struct track *track = &world->tracks[k];

		if (belongs(track, operator, scope->deployment) &&
		    (!scope->one || track->every_s == 60))
			pool_take(track, from_s, from_s + step_s, pool);
	}
	one = range != NULL && range->n == 1;
	if (one)
		compare(errors, range, 0, pool);
	series_range_free(range);
	return one;
}

static bool
span(struct world *world, enum latency_shape shape, const struct scope *scope,
    const char *name, int64_t step_s)
{
	char operator[MODEL_NAME_SIZE];
	struct errors errors = {0};
	struct pool pool = {0};
	size_t k, most = 0, rows = 0, lost = 0;
	int64_t from_s;
	bool met;

	snprintf(operator, sizeof(operator), "op%d", (int)shape);
	for (k = 0; k < world->n_tracks; k++)
		most += world->tracks[k].n;
	pool.us = mem_array(most, sizeof(*pool.us));
	for (from_s = -(START_S % step_s); from_s < world->days * DAY_S;
	     from_s += step_s) {
		rows++;
		lost += !ask_row(
		    world, scope, operator, from_s, step_s, &pool, &errors);
	}
	met = errors.error.n > 0 && errors.worst <= GOAL &&
	    errors.wrong_counts + lost == 0;
	printf("%-24s %-11s %-6s %5zu  %7.2f %%  %7.2f %%  %s   %zu  %s\n",
	    latency_names[shape], scope->name, name, rows,
	    100 * bench_quantile(&errors.error, 0.5), 100 * errors.worst,
	    errors.worst_of != NULL ? errors.worst_of : "-",
	    errors.wrong_counts + lost, met ? "met" : "missed");
	bench_free(&errors.error);
	free(pool.us);
	return met;
}

static void
goal(const char *what, int missed, int lines)
{
	printf("%s: goal: every percentile within 5 %%, every count right: %s, "
	       "%d of %d lines missed it\n",
	    what, missed == 0 ? "met" : "missed", missed, lines);
}

static void
spans_print(struct world *world, const char *plan)
{
	static const struct {
		const char *name;
		int64_t step_s;
	} spans[] = {{"day", DAY_S}, {"month", 30 * DAY_S}, {"year", YEAR_S}};
	int missed[2] = {0}, lines[2] = {0};
	size_t i, k;
	int shape;

	printf("plan %s: %lld days, %llu results\n", plan,
	    (long long)world->days, (unsigned long long)world->results);
	printf("%-24s %-11s %-6s %5s  %9s  %9s  %s  %s\n", "distribution",
	    "scope", "span", "rows", "median", "worst", "of", "wrong counts");
	for (shape = 0; shape < LATENCY_SHAPES; shape++) {
		int made_up = shape >= LATENCY_STEADY;

		for (i = 0; i < ARRAY_LEN(scopes) * ARRAY_LEN(spans); i++) {
			k = i % ARRAY_LEN(spans);
			lines[made_up]++;
			missed[made_up] +=
			    !span(world, (enum latency_shape)shape,
				&scopes[i / ARRAY_LEN(spans)], spans[k].name,
				spans[k].step_s);
		}
	}
	goal("log-normal, bimodal, heavy tail", missed[0], lines[0]);
	goal("made up: one value, two values", missed[1], lines[1]);
	puts("");
}

/* ---- one plan ---- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
run(const char *plan, int64_t days, size_t group)
{
	const char *tmp = getenv("TMPDIR");
	struct world world = {.days = days, .group = group};
	struct series_options options = {.clock = &world.clock.clock};
	struct conf_store store = {0};
	struct arena arena;
	size_t i;

	arena_init(&arena, 1 << 16);
	if (!plan_named(&arena, plan, &store))
		exit(1);
	options.archives = disk_archives(store.archives, store.n_archives);
	options.n_archives = store.n_archives;
	options.n_phases_only = store.n_phases_only;
	options.all_archives =
	    disk_archives(store.all_archives, store.n_all_archives);
	options.n_all_archives = store.n_all_archives;
	snprintf(world.dir, sizeof(world.dir), "%s/dyzurny-percentile-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(world.dir) == NULL)
		exit(1);
	clock_manual_init(&world.clock, US_PER_S, START_S * US_PER_S);
	world.lane = lane_new("store", 4 << 20);
	options.lane = world.lane;
	options.dir = world.dir;
	world.series = series_open(&options);
	if (world.series == NULL)
		exit(1);
	tracks_make(&world);
	live(&world);
	spans_print(&world, plan);
	lane_free(world.lane);
	series_close(world.series);
	(void)nftw(world.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	for (i = 0; i < world.n_tracks; i++)
		free(world.tracks[i].us);
	free(world.tracks);
	arena_fini(&arena);
}

/* Both plans at once, each in a process with its own output, shown in order. */
int
main(int argc, char **argv)
{
	int64_t days = argc > 1 ? strtoll(argv[1], NULL, 10) : 365;
	size_t group = argc > 2 ? strtoul(argv[2], NULL, 10) : 20;
	FILE *out[ARRAY_LEN(plans)];
	pid_t child[ARRAY_LEN(plans)];
	int failed = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(plans); i++) {
		out[i] = tmpfile();
		if (out[i] == NULL)
			return 1;
		child[i] = fork();
		if (child[i] == 0) {
			if (dup2(fileno(out[i]), STDOUT_FILENO) < 0)
				_exit(1);
			run(plans[i], days, group);
			fflush(stdout);
			_exit(0);
		}
	}
	for (i = 0; i < ARRAY_LEN(plans); i++) {
		char line[512];
		int status = 1;

		if (child[i] < 0 || waitpid(child[i], &status, 0) < 0)
			failed = 1;
		failed |= status != 0;
		rewind(out[i]);
		while (fgets(line, sizeof(line), out[i]) != NULL)
			fputs(line, stdout);
		fclose(out[i]);
	}
	return failed;
}
