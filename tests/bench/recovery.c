#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/series/recent-int.h"
#include "series/series.h"

/*
 * How long recovery takes, with ten minutes of results of every target still
 * to be written, and what new results meanwhile have to wait for. A child makes
 * the files, takes the results and is killed in the middle of writing; then
 * the same again when all is written, with a boot id that says the power
 * failed, so that every file is restored and written again.
 *
 *   recovery [TARGETS]          default 6000; the country is 72000, 22 GB
 *                               below $TMPDIR
 *
 * Floor: the same results written without a crash, by the parent.
 */

#define OPERATORS 5
#define TRANSACTIONS 3
#define START_S INT64_C(1790035200)
#define STEP_S 60
#define MINUTES 10
#define COUNTRY 72000
#define COUNTRY_MOST_S 60.0
#define OTHER_BOOT "99999999-2222-3333-4444-555555555555"

static const struct series_archive archives[] = {
    {0, INT64_C(3600) * US_PER_S},
    {300 * US_PER_S, INT64_C(43200) * US_PER_S},
    {3600 * US_PER_S, INT64_C(4) * 86400 * US_PER_S},
    {86400 * US_PER_S, INT64_C(20) * 86400 * US_PER_S},
};

/* Shared with the child. */
struct shared {
	_Atomic int64_t now, wall;
	_Atomic bool taken; /* all results are in recent/ */
	_Atomic bool written; /* and in the files, not yet surely on the disk */
};

struct fast_clock {
	struct clock clock;
	struct shared *shared;
};

struct stage {
	char dir[128], rrd[160], recent[160];
	size_t n;
	struct target *targets;
	struct shared *shared;
	struct fast_clock clock;
	struct lane *lane;
	struct series *series;
};

static void
die(const char *what)
{
	fprintf(stderr, "recovery: %s: %s\n", what, strerror(errno));
	exit(1);
}

static mono_us
fast_mono(const struct clock *clock)
{
	return ((const struct fast_clock *)(const void *)clock)->shared->now;
}

static wall_us
fast_wall(const struct clock *clock)
{
	return ((const struct fast_clock *)(const void *)clock)->shared->wall;
}

static void
advance(struct stage *stage, int64_t seconds)
{
	stage->shared->now += seconds * US_PER_S;
	stage->shared->wall += seconds * US_PER_S;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
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

		snprintf(target->operator, MODEL_NAME_SIZE, "operator%zu",
		    deployment % OPERATORS);
		snprintf(target->deployment, MODEL_NAME_SIZE, "sp%zu",
		    deployment / OPERATORS);
		snprintf(target->transaction, MODEL_NAME_SIZE, "%s",
		    transactions[i % TRANSACTIONS]);
	}
}

static void
start(struct stage *stage)
{
	struct series_options options = {
	    .dir = stage->rrd,
	    .recent = stage->recent,
	    .archives = archives,
	    .n_archives = sizeof(archives) / sizeof(*archives),
	    .write_every = MINUTES * STEP_S * US_PER_S,
	    .clock = &stage->clock.clock,
	};

	stage->lane = lane_new("store", (size_t)1 << 30);
	options.lane = stage->lane;
	stage->series = series_open(&options);
	if (stage->series == NULL)
		die("open");
}

static void
stop(struct stage *stage)
{
	lane_free(stage->lane);
	series_close(stage->series);
}

static void
append(struct stage *stage, size_t i)
{
	dur_us latency = 20000 + (dur_us)(i * 7919 % 2000000);
	struct result result = {
	    .target = &stage->targets[i],
	    .started_wall = stage->shared->wall,
	    .latency = latency,
	    .reason = i % 97 == 0 ? REASON_HTTP_5XX : REASON_OK,
	};

	result.phases.us[PHASE_WAIT] = latency / 2;
	if (series_append(stage->series, &result, STEP_S * US_PER_S) != 0)
		die("append");
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

static uint64_t
updates(struct stage *stage)
{
	struct series_stats stats;

	series_stats(stage->series, &stats);
	return stats.updates;
}

static void
tick(struct stage *stage)
{
	if (series_tick(stage->series, stage->shared->wall) != 0)
		die("tick");
}

/* One round of writing. */
static void
write_all_due(struct stage *stage)
{
	uint64_t before;

	tick(stage);
	do {
		before = updates(stage);
		drain(stage);
		drain(stage);
	} while (updates(stage) != before);
}

static void
ten_minutes(struct stage *stage)
{
	size_t i;
	int minute;

	for (minute = 0; minute < MINUTES; minute++) {
		for (i = 0; i < stage->n; i++)
			append(stage, i);
		advance(stage, STEP_S);
		drain(stage);
	}
}

/* All files, and their first ten minutes; not measured. */
static void
make_files(struct stage *stage)
{
	size_t i;

	start(stage);
	for (i = 0; i < stage->n; i++)
		append(stage, i);
	advance(stage, 2 * MINUTES * STEP_S);
	write_all_due(stage);
	advance(stage, STEP_S);
	stop(stage);
}

/* Takes ten minutes of results, then writes until it is killed. */
static void
child(struct stage *stage)
{
	start(stage);
	ten_minutes(stage);
	stage->shared->taken = true;
	advance(stage, MINUTES * STEP_S);
	write_all_due(stage);
	stage->shared->written = true;
	for (;;)
		pause();
}

/* In the middle of writing, or at its end. */
static void
run_and_kill(struct stage *stage, bool at_end)
{
	struct timespec pause = {0, 200 * 1000000};
	pid_t pid;

	stage->shared->taken = stage->shared->written = false;
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		child(stage);
	while (!(at_end ? stage->shared->written : stage->shared->taken))
		nanosleep(&pause, NULL);
	nanosleep(&pause, NULL);
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		die("wait");
}

static void
change_boot(struct stage *stage)
{
	struct undo_head head = {.magic = UNDO_MAGIC, .boot = OTHER_BOOT};
	char path[256];
	struct buf buf;
	struct crc crc;
	uint64_t *list;
	size_t i, n;
	int fd;

	crc_init(&crc);
	buf_init(&buf, 256);
	record_add(&crc, &buf, UNDO_HEAD, &head, sizeof(head));
	if (numbered_list(stage->recent, UNDO_PREFIX, &list, &n) != 0)
		die("journals");
	for (i = 0; i < n; i++) {
		numbered_path(
		    path, sizeof(path), stage->recent, UNDO_PREFIX, list[i]);
		fd = open(path, O_WRONLY);
		if (fd < 0 || write_all(fd, buf.data, buf.len) != 0)
			die(path);
		close(fd);
	}
	buf_fini(&buf);
	free(list);
}

struct answer {
	_Atomic bool there;
};

static void
answered(void *arg, int problem, struct series_range *range)
{
	struct answer *answer = arg;

	(void)problem;
	series_range_free(range);
	answer->there = true;
}

/* Opens, and goes on giving results as a country does, 1,200 a second, until
 * the first question is answered. */
static double
recover(struct stage *stage, const char *name)
{
	struct series_query query = {
	    .target = "operator0/sp0/login",
	    .from = START_S * US_PER_S,
	    .to = (START_S + 3600) * US_PER_S,
	};
	struct timespec pause = {0, 1000000};
	struct bench_sample waits = {0};
	struct answer answer = {false};
	int64_t began = bench_now_ns(), cpu = bench_cpu_ns(), opened;
	double seconds;
	size_t i = 0;

	start(stage);
	opened = bench_now_ns() - began;
	if (series_ask(stage->series, &query, answered, &answer) != 0)
		die("ask");
	while (!answer.there) {
		int64_t before = bench_now_ns();

		append(stage, i++ % stage->n);
		bench_add(&waits, (double)(bench_now_ns() - before) / 1e6);
		nanosleep(&pause, NULL);
	}
	seconds = (double)(bench_now_ns() - began) / 1e9;
	printf("%-44s %8.3f s, CPU %.3f s, open %.1f ms, new results "
	       "meanwhile %zu\n",
	    name, seconds, (double)(bench_cpu_ns() - cpu) / 1e9,
	    (double)opened / 1e6, waits.n);
	printf("%-44s p99 %.3f ms, max %.3f ms\n", "  giving one of them",
	    bench_quantile(&waits, 0.99), bench_quantile(&waits, 1));
	bench_free(&waits);
	stop(stage);
	return seconds;
}

static double
without_a_crash(struct stage *stage)
{
	int64_t began;
	double seconds;

	start(stage);
	ten_minutes(stage);
	advance(stage, MINUTES * STEP_S);
	began = bench_now_ns();
	write_all_due(stage);
	seconds = (double)(bench_now_ns() - began) / 1e9;
	printf("%-44s %8.3f s\n", "floor: writing the same without a crash",
	    seconds);
	stop(stage);
	return seconds;
}

static void
judge(const struct stage *stage, const char *name, double seconds)
{
	double country = seconds * COUNTRY / (double)stage->n;

	if (stage->n == COUNTRY)
		printf("%-44s\n", name);
	else
		printf("%-44s (from %zu targets)\n", name, stage->n);
	bench_ratio("  recovery of 72,000 targets, s", country, COUNTRY_MOST_S);
}

int
main(int argc, char **argv)
{
	struct stage stage = {
	    .n = argc > 1 ? strtoul(argv[1], NULL, 10) : 6000};
	const char *tmp = getenv("TMPDIR");
	double killed, cut;

	snprintf(stage.dir, sizeof(stage.dir), "%.96s/bench-recovery-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (stage.n == 0 || mkdtemp(stage.dir) == NULL)
		die(stage.dir);
	snprintf(stage.rrd, sizeof(stage.rrd), "%s/rrd", stage.dir);
	snprintf(stage.recent, sizeof(stage.recent), "%s/recent", stage.dir);
	stage.shared = mmap(NULL, sizeof(*stage.shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stage.shared == MAP_FAILED)
		die("memory");
	stage.clock = (struct fast_clock){
	    .clock = {fast_mono, fast_wall}, .shared = stage.shared};
	stage.shared->now = 1000 * US_PER_S;
	stage.shared->wall = START_S * US_PER_S;
	log_set_level(LOG_LEVEL_WARN);
	make_targets(&stage);
	printf("-- %zu targets, each with %d minutes of results to write\n",
	    stage.n, MINUTES);
	make_files(&stage);
	without_a_crash(&stage);
	run_and_kill(&stage, false);
	killed = recover(&stage, "after a kill");
	run_and_kill(&stage, true);
	change_boot(&stage);
	cut = recover(&stage, "after a power cut");
	judge(&stage, "after a kill", killed);
	judge(&stage, "after a power cut", cut);
	nftw(stage.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(stage.targets);
	return 0;
}
