#ifndef SERIES_GATHER_INT_H
#define SERIES_GATHER_INT_H

#include "base/log.h"
#include "series-int.h"

/*
 * Shared by gather.c, gather_clock.c and gather_write.c; and what pending.c
 * does for them. Store lane only.
 */

#define GATHER_NEVER INT64_MAX
#define GATHER_SLICE 256 /* files written before others get their turn */
#define GATHER_STEPS 24 /* in one call of the back end */

/* ---- pending.c: what waits to be written for one key ---- */

struct kept;
struct dense;

/*
 * Single results as they came (`kept`, 32 bytes each) and whole steps
 * (`dense`), both ascending. Zero is valid and empty. Oldest results are
 * folded into a dense step when there are many, and oldest steps into one when
 * they are many: nothing is lost when writing fails for long, only moved to a
 * later step.
 */
struct pending {
	struct kept *kept;
	struct dense *dense;
	uint16_t n_kept, cap;
	uint16_t n_dense;
};

void pending_fini(struct pending *pending);
bool pending_any(const struct pending *pending);

/* The boundary of the oldest step; GATHER_NEVER when there is none. */
int64_t pending_first_s(const struct pending *pending);

/* When the oldest result began; 0 when that is no longer known, GATHER_NEVER
 * when there is none. */
wall_us pending_oldest(const struct pending *pending);

/*
 * Adds a result to the step that ends at end_s; `many`: others of the same
 * step will follow, so it goes into a dense one at once. *n_dense counts the
 * dense steps of all keys.
 */
void pending_add(struct pending *pending, const struct gather_result *result,
    int64_t end_s, bool many, bool limited, size_t *n_dense);

/* Makes up to `most` steps of what ends until until_s, ascending; nothing is
 * removed. Returns how many. */
size_t pending_steps(const struct pending *pending, int64_t until_s,
    struct series_step *steps, size_t most);

/* Removes what ends until until_s. */
void pending_drop(struct pending *pending, int64_t until_s, size_t *n_dense);

/* Gives everything another boundary; `move` never makes later what was
 * earlier than another. */
typedef int64_t pending_move_fn(const void *ctx, int64_t end_s);
void pending_move(struct pending *pending, pending_move_fn *move,
    const void *ctx, size_t *n_dense);

/* ---- gather.c ---- */

struct entry {
	struct entry *chain;
	struct entry *all; /* of the operator; NULL for that one itself */
	struct series_key key;
	void *place;
	size_t index; /* in `due` */
	int64_t written_s; /* boundary of the last write, 0 before the first */
	int64_t active_s; /* boundary of the newest result */
	wall_us retry;
	uint32_t spread; /* of the name: when in the interval it is written */
	uint32_t tries; /* failed ones since the last success */
	struct pending pending;
};

struct gather {
	struct series_backend backend;
	dur_us write_every;
	struct entry **table; /* chains; size a power of two */
	size_t n_table;
	struct entry **entries;
	wall_us *due; /* parallel to entries: when to look next */
	size_t n_entries, cap;
	size_t n_dense; /* of all entries */

	/* the round of writing */
	bool replaying;
	size_t cursor;
	void *slice[GATHER_SLICE]; /* places about to be written */
	struct series_step steps[GATHER_STEPS];
	size_t n_failing;

	/* the clocks at the last tick */
	wall_us now;
	mono_us mono;
	wall_us believed; /* what `now` ought to be */
	bool ahead; /* of what is believed: nothing is written */
	mono_us ahead_since;
	dur_us ahead_by;
	int64_t newest_s; /* the newest boundary ever written */
	mono_us behind_since; /* 0: the clock is not far before that */
	bool turning; /* this round: files are brought back to now */
	size_t n_turned;
	int64_t late_until_s; /* results wait until then; 0: none */

	struct series_stats stats;
	struct log_damp write_damp, clock_damp;
};

/* For results that come just before a boundary and end after it. */
dur_us gather_grace(const struct entry *entry);

/* The boundary that the step around `at` ends on. */
int64_t gather_boundary(const struct entry *entry, wall_us at);

/* How much time one write of the entry is for: some of its steps. */
int64_t gather_period_s(const struct gather *gather, const struct entry *entry);

/* Decides again when to look at the entry; after each change of it. */
void gather_set_due(struct gather *gather, const struct entry *entry);

/* gather_entry: that of the key, made if there is none. */
struct entry *gather_entry(struct gather *gather, const struct series_key *key);

/* gather_find: the entries of a deployment one after another, the first with
 * `after` NULL; "" as transaction means any. */
struct entry *gather_find(const struct gather *gather,
    const struct series_scope *scope, const struct entry *after);

/* ---- gather_clock.c ---- */

/* gather_late counts a result that cannot be counted where it happened. */
void gather_late(struct gather *gather, const struct entry *entry, wall_us now);

/* gather_is_ahead: the files of the entry end so far ahead of the clock that
 * they are given up when it stays so. */
bool gather_is_ahead(const struct gather *gather, const struct entry *entry);

/* gather_turn gives up, or brings back, the files of such an entry. */
void gather_turn(struct gather *gather, struct entry *entry);

/* gather_turned: all of them have been looked at. */
void gather_turned(struct gather *gather);

/* The wall clock at `mono`, as far as it is believed. */
wall_us gather_believed(const struct gather *gather, mono_us mono, wall_us now);

/* gather_fail: the entry could not be written; it is tried later. */
void gather_fail(
    struct gather *gather, struct entry *entry, int rc, const char *problem);

#endif
