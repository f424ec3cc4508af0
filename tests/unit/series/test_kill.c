#include "crash.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "daemon/series/recent-int.h"

/*
 * A busy writer is killed, again and again: half of the times at a random
 * instant, half of them at the instant at which a chosen word of the header of
 * a chosen file changes, hence inside an update. Some recoveries are stopped
 * before they have come to their end.
 *
 *   test_kill [--kills N] [--seed S] [--no-recovery | --no-undo]
 *
 * --no-recovery removes what recovery needs after each kill, --no-undo only the
 * undo journal, so that results are replayed into the files as they are. Then
 * there must be damage, or the test would not bite.
 */

#define FRESH_EVERY 40 /* kills in one folder */

static unsigned option_kills = 20;
static uint64_t option_seed = 0;
static bool option_recovery = true;
static bool option_undo = true;

/* In place of libc's: a kill takes nothing from the kernel, and a busy disk
 * would let each of them wait. */

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
syncfs(int fd)
{
	(void)fd;
	return 0;
}

struct watcher {
	char path[256];
	size_t offset;
	uint64_t changes;
};

static uint64_t
word_at(const char *bytes, size_t offset)
{
	return *(const volatile uint64_t *)(const void *)(bytes + offset);
}

/* Ends the process when the word has changed so many times. */
static void *
watch(void *arg)
{
	const struct watcher *watcher = arg;
	const char *bytes;
	uint64_t now, before, n = 0;
	int fd;

	do {
		fd = open(watcher->path, O_RDONLY);
	} while (fd < 0);
	bytes = mmap(NULL, watcher->offset + 8, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	before = word_at(bytes, watcher->offset);
	while (n < watcher->changes) {
		now = word_at(bytes, watcher->offset);
		n += now != before;
		before = now;
	}
	kill(getpid(), SIGKILL);
	return NULL;
}

/* The time of the last update, or a row pointer. */
static void
choose_watch(struct world *world, struct watcher *watcher)
{
	int place = (int)world_roll(world, PLACES);
	enum series_kind kind =
	    world_roll(world, 2) ? SERIES_HIST : SERIES_PHASES;
	struct plan plan;
	size_t header;

	watcher->changes = 1 + world_roll(world, 10);
	world_plan(kind, &plan);
	world_path(world, place, kind, watcher->path, sizeof(watcher->path));
	header = (size_t)plan_header_bytes(plan.n_sources, plan.n_archives);
	if (world_roll(world, 2))
		watcher->offset =
		    128 + 120 * (plan.n_sources + plan.n_archives);
	else
		watcher->offset =
		    header - 8 * (1 + world_roll(world, plan.n_archives));
}

static void
start(struct world *world, uint64_t seq, struct watcher *watcher)
{
	pthread_t thread;

	if (watcher != NULL &&
	    pthread_create(&thread, NULL, watch, watcher) != 0)
		abort();
	world_write(world, seq, RUN_MOST);
}

/* True when the word has changed, and the child is dead by that. */
static bool
run_and_kill(struct world *world, uint64_t seq)
{
	struct watcher watcher;
	bool watched = world_roll(world, 2) != 0, ended = false;
	int64_t after_ns = (int64_t)(500 + world_roll(world, 40000)) * 1000;
	pid_t child;
	int status;

	choose_watch(world, &watcher);
	world->shared->busy = world->shared->done = false;
	world->shared->given = seq;
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		start(world, seq, watched ? &watcher : NULL);
	while (!world->shared->busy && !ended)
		ended = waitpid(child, &status, WNOHANG) == child;
	if (!watched)
		world_run_for(after_ns);
	while (watched && !world->shared->done && !ended) {
		ended = waitpid(child, &status, WNOHANG) == child;
		sched_yield();
	}
	if (!ended) {
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return ended;
}

static void
remove_journals(const struct world *world)
{
	char path[256];
	uint64_t *list;
	size_t i, n;

	assert_int_equal(
	    numbered_list(world->recent, UNDO_PREFIX, &list, &n), 0);
	for (i = 0; i < n; i++) {
		numbered_path(
		    path, sizeof(path), world->recent, UNDO_PREFIX, list[i]);
		unlink(path);
	}
	free(list);
}

/* By a clean stop, at some instant. */
static bool
stop_in_recovery(struct world *world)
{
	uint64_t *list;
	size_t n;

	if (world_roll(world, 3) != 0)
		return false;
	world_open(world);
	world_run_for((int64_t)world_roll(world, 4000) * 1000);
	world_close(world);
	assert_int_equal(
	    numbered_list(world->recent, SEGMENT_PREFIX, &list, &n), 0);
	free(list);
	return n > 0;
}

static void
no_kill_leaves_a_wrong_row_or_loses_more_than_a_second(void **state)
{
	bool whole = option_recovery && option_undo;
	unsigned each = whole ? FRESH_EVERY : 1, watched = 0, stopped = 0, i;
	int64_t begin = world_real_ns();
	struct world world;
	uint64_t seq = 0;

	(void)state;
	world_init(&world, option_seed);
	world.write_every = 10 * STEP_S * US_PER_S;
	print_message("seed %llu\n", (unsigned long long)world.seed);
	for (i = 0; i < option_kills; i++) {
		if (i % each == 0) {
			world_begin(&world);
			seq = 0;
		}
		watched += run_and_kill(&world, seq);
		if (!option_recovery)
			store_folder_remove(world.recent);
		else if (!option_undo)
			remove_journals(&world);
		stopped += whole && stop_in_recovery(&world);
		seq = world_judge(&world, seq, whole);
		if (i % each == each - 1 || i + 1 == option_kills)
			world_end(&world);
	}
	print_message("kills %u (%u at a change of a header, %u with a stop "
		      "inside the recovery), results given "
		      "%llu, lost %llu, at most %llu by one kill, lost and "
		      "older than a second %llu\n",
	    option_kills, watched, stopped, (unsigned long long)world.given,
	    (unsigned long long)world.lost, (unsigned long long)world.lost_most,
	    (unsigned long long)world.lost_late);
	print_message("rows compared %llu, wrong rows %llu in files "
		      "%llu, missing files %llu, %.1f s\n",
	    (unsigned long long)world.rows,
	    (unsigned long long)world.wrong_rows,
	    (unsigned long long)world.wrong_files,
	    (unsigned long long)world.missing_files,
	    (double)(world_real_ns() - begin) / 1e9);
	if (whole) {
		assert_int_equal(world.wrong_rows, 0);
		assert_int_equal(world.missing_files, 0);
		assert_int_equal(world.lost_late, 0);
		assert_int_equal(world.holes, 0);
	} else {
		assert_true(world.wrong_rows > 0);
	}
	world_fini(&world);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"kills", required_argument, NULL, 'k'},
	    {"seed", required_argument, NULL, 's'},
	    {"no-recovery", no_argument, NULL, 'n'},
	    {"no-undo", no_argument, NULL, 'u'},
	    {NULL, 0, NULL, 0},
	};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		no_kill_leaves_a_wrong_row_or_loses_more_than_a_second),
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'k')
			option_kills = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 's')
			option_seed = strtoull(optarg, NULL, 10);
		else if (option == 'n')
			option_recovery = false;
		else if (option == 'u')
			option_undo = false;
		else
			return 2;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
