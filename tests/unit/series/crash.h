#ifndef TESTS_UNIT_SERIES_CRASH_H
#define TESTS_UNIT_SERIES_CRASH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/series/series-int.h"
#include "rig.h"

/*
 * A series that is stopped uncleanly, again and again, and what its files must
 * hold then: a known function of time, in every row of every archive. Results
 * are kept in the order in which they were given, so those that survive are a
 * prefix of each run.
 */

#define TARGETS 6
#define PLACES (TARGETS + 1) /* and the operator as a whole */
#define STEP_S INT64_C(60)
#define FINE_ROWS 240
#define RUN_MOST 200 /* steps of one run, so that all are in fine rows */
#define MOST_GIVEN (1 << 22)

struct shared {
	_Atomic int64_t now, wall; /* the clock, microseconds */
	_Atomic uint64_t given;
	_Atomic int64_t given_ns[1 << 16]; /* when, by the real clock */
	_Atomic bool busy; /* the child has begun */
	_Atomic bool done; /* it has written enough, and waits */
};

struct fast_clock {
	struct clock clock;
	struct shared *shared;
};

struct world {
	char dir[128], rrd[160], recent[160];
	dur_us write_every;
	struct shared *shared;
	struct fast_clock clock;
	struct target targets[TARGETS];
	bool *survived; /* by sequence */
	uint64_t seed;
	struct lane *lane;
	struct series *series;
	/* the count */
	uint64_t rows, wrong_rows, wrong_files, missing_files;
	uint64_t given, lost, lost_late, lost_most;
	uint64_t holes; /* lost, although one given later is there */
};

void world_init(struct world *world, uint64_t seed); /* 0: from the clock */
void world_fini(struct world *world);
void world_begin(struct world *world); /* a new folder */
void world_end(struct world *world);
void world_open(struct world *world);
void world_close(struct world *world);

uint64_t world_roll(struct world *world, uint64_t below);
int64_t world_real_ns(void);

/* world_run_for: for choosing an instant, not for waiting. Does not sleep, as
 * the child shall be caught in the middle of its work. */
void world_run_for(int64_t length_ns);
void world_path(const struct world *world, int place, enum series_kind kind,
    char *path, size_t size);
void world_plan(enum series_kind kind, struct plan *plan);

/* world_write gives results from `seq` on, a tick after each step, for `steps`
 * steps; then it waits to be killed. Never returns. */
void world_write(struct world *world, uint64_t seq, unsigned steps);

/*
 * world_judge opens what a run that began at `seq` has left, lets it recover,
 * compares all rows then and again when the open ones are complete, and
 * closes. `whole`: the operator's own files as well. Gives back the sequence at
 * which the next run may begin.
 */
uint64_t world_judge(struct world *world, uint64_t seq, bool whole);

#endif
