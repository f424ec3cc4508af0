#ifndef SERIES_SERIES_INT_H
#define SERIES_SERIES_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "series/series.h"

/*
 * Shared inside the room: the value that one step of one target leaves, the
 * table of functions behind which a back end stands, and the layout of a file.
 * All of it belongs to the store lane.
 */

#define SERIES_ALL "_all"
#define SERIES_ALL_STEP_S INT64_C(60)
#define SERIES_AUTO_ROWS 400
#define SERIES_MAX_ROWS 20000
#define SERIES_PROBLEM_SIZE 256

/* What was gathered over one step; sums are over the ok results. */
struct series_step {
	int64_t end_s; /* on the step's boundary, Unix seconds */
	uint32_t ok, failed, excluded;
	dur_us total_sum;
	dur_us phase_sum[PHASE_COUNT];
	dur_us slowest;
	struct hist hist;
	uint32_t codes[HIST_BUCKETS]; /* place.c */
};

/* Whom a back end writes for. */
struct series_key {
	char operator[MODEL_NAME_SIZE];
	char deployment[MODEL_NAME_SIZE]; /* or SERIES_ALL */
	char transaction[MODEL_NAME_SIZE];
	int64_t step_s;
};

/*
 * A back end. `place` is what it remembers of one key.
 *
 * place   finds what is kept already of a key, which stays where it is until
 *         unplace; *last_s is the boundary that was
 *         written last (0: none yet). It may change key->step_s to that of an
 *         operator-wide place that exists with a finer one.
 * turn_back   the last update of the place lies so far in the future that
 *         nothing could be written for long: what is kept is set aside, or
 *         brought back to a state of before now; *last_s as for place. Not
 *         inside a slice. 0, or -errno with `problem` filled in.
 * begin   before the first write of a slice, with all the places that it may
 *         write: 0, or -errno with `problem` filled in. Then nothing of the
 *         slice is written; it is tried later.
 * end     after the last write of a slice whose begin returned 0.
 * write   between begin and end: n steps in ascending order. 0; -EAGAIN: busy,
 *         nothing is lost, try later; another -errno with `problem` filled in.
 *         What was written before an error is skipped when it is given again.
 * ask     see series_ask.
 */
struct series_backend_ops {
	void *(*place)(void *backend, struct series_key *key, int64_t *last_s);
	void (*unplace)(void *backend, void *place);
	int (*turn_back)(void *backend, void *place, int64_t *last_s,
	    char *problem, size_t problem_size);
	int (*begin)(void *backend, void *const *places, size_t n,
	    char *problem, size_t problem_size);
	void (*end)(void *backend);
	int (*write)(void *backend, void *place,
	    const struct series_step *steps, size_t n, char *problem,
	    size_t problem_size);
	int (*ask)(void *backend, const struct series_query *query,
	    struct series_range **range);
	void (*now)(void *backend, wall_us now);
	uint64_t (*quarantined)(void *backend);
	void (*free)(void *backend);
};

struct series_backend {
	const struct series_backend_ops *ops;
	void *self;
};

/* series_files_open: the RRD back end. `undo`: where it leaves copies of what a
 * slice will overwrite; NULL: nowhere. 0 or -errno. */
struct undo;
int series_files_open(struct series_backend *backend,
    const struct series_options *options, struct undo *undo) MUST_USE;

/* series_files_sweep removes what a kill may have left of files that were being
 * made. Looks at every file below `dir`. */
void series_files_sweep(const char *dir);

/* ---- range.c ---- */

/* series_range_new: rows from from_s to to_s, which are multiples of step_s;
 * every figure is NAN. */
struct series_range *series_range_new(
    int64_t from_s, int64_t to_s, int64_t step_s, bool buckets);

/*
 * series_scope_parse checks and splits a query's target. An empty transaction
 * means all of them; the deployment of a whole operator is SERIES_ALL. 0 or
 * -EINVAL.
 */
struct series_scope {
	char operator[MODEL_NAME_SIZE];
	char deployment[MODEL_NAME_SIZE];
	char transaction[MODEL_NAME_SIZE];
};
int series_scope_parse(const char *path, struct series_scope *scope) MUST_USE;

/* ---- place.c: counts that know where in the bucket they lie ---- */

/* place_add, place_merge: hist and codes of a step. */
void place_add(struct series_step *step, dur_us latency);
void place_merge(struct series_step *into, const struct series_step *more);

/* A count's text for librrd is COUNT.CODES, the codes with so many digits. */
#define PLACE_DIGITS 14

/*
 * place_read takes a whole row's count (rate × width) apart: the count, and in
 * *place the mean place of those in it (see hist_place); NAN when the count
 * knows none, or is no whole number.
 */
double place_read(double value, double *place);

/* ---- plan.c: what a file looks like ---- */

enum series_kind { SERIES_PHASES, SERIES_HIST };

/* Data sources of a phase file, in order. */
enum series_source {
	SOURCE_TOTAL,
	SOURCE_DNS,
	SOURCE_CONNECT,
	SOURCE_TLS,
	SOURCE_WAIT,
	SOURCE_RECEIVE,
	SOURCE_OK,
	SOURCE_FAILED,
	SOURCE_EXCLUDED,
	SOURCE_MAX,
};
#define SOURCE_COUNT (SOURCE_MAX + 1)

#define PLAN_ARCHIVES 16
#define PLAN_NAME_SIZE 20

struct plan_archive {
	char cf[8]; /* "AVERAGE", "MIN", "MAX" */
	uint64_t pdp_per_row;
	uint64_t rows;
};

struct plan {
	enum series_kind kind;
	int64_t step_s;
	size_t n_sources;
	size_t n_archives;
	struct plan_archive archives[3 * PLAN_ARCHIVES];
};

int64_t plan_step_s(dur_us every); /* whole seconds, at least 1 */

/*
 * plan_make: archives of AVERAGE, in a phase file of MIN and MAX too. Over rows
 * of one step all three are the same, so AVERAGE stands for them, unless the
 * file has no others.
 */
void plan_make(struct plan *plan, enum series_kind kind, int64_t step_s,
    const struct series_archive *archives, size_t n);
bool plan_equal(const struct plan *a, const struct plan *b);
size_t plan_source_count(enum series_kind kind);
void plan_source_name(
    enum series_kind kind, size_t i, char name[PLAN_NAME_SIZE]);
const char *plan_source_type(enum series_kind kind, size_t i);
int64_t plan_heartbeat_s(enum series_kind kind, size_t i, int64_t step_s);
int64_t plan_coarsest_s(const struct plan *plan);

/* Bytes of header and of the whole file (libraries.md A7). */
int64_t plan_header_bytes(uint64_t sources, uint64_t archives);
int64_t plan_bytes(const struct plan *plan);

/* Arguments of creation, "DS:…" and "RRA:…": n is set; free with plan_argv_
 * free. */
char **plan_argv(const struct plan *plan, size_t *n);
void plan_argv_free(char **argv, size_t n);

/* ---- rrd_check.c: may librrd be given this file? ---- */

enum check_verdict { CHECK_GOOD, CHECK_MISSING, CHECK_DAMAGED, CHECK_ERROR };

/*
 * check_file reads the header of `path` by ourselves, since librrd trusts and
 * crashes. CHECK_GOOD fills in `found` and *last_s; DAMAGED and ERROR say why.
 */
enum check_verdict check_file(const char *path, enum series_kind kind,
    struct plan *found, int64_t *last_s, char *why, size_t why_size);

/* ---- rrd_call.c: the only calls into librrd ---- */

/* All: 0, -EAGAIN (locked by another process) or -EIO with `problem`. */
int call_create(const char *path, const struct plan *plan, int64_t start_s,
    char *problem, size_t size) MUST_USE;
int call_update(const char *path, const char *const *values, size_t n,
    char *problem, size_t size) MUST_USE;

struct call_rows {
	int64_t start_s, end_s; /* row i ends at start_s + (i + 1) * step_s */
	int64_t step_s;
	size_t n_sources, n;
	double *values; /* n rows of n_sources */
};
int call_fetch(const char *path, const char *cf, int64_t from_s, int64_t to_s,
    int64_t step_s, struct call_rows *rows, char *problem,
    size_t size) MUST_USE;
void call_rows_free(struct call_rows *rows);

/* ---- rrd_text.c: what one update says ---- */

#define ROWS_STEPS 24 /* in one update */
#define ROWS_MOST (2 * ROWS_STEPS)
#define ROW_SIZE 2048 /* a time, 66 counts of 25 digits */

/* The rows' texts one behind another, and where each begins: for call_update.
 * A pause before a step takes a row of its own. */
struct rows {
	const char *values[ROWS_MOST];
	size_t n;
	char *end;
	char text[ROWS_MOST * ROW_SIZE];
};
void rows_clear(struct rows *rows);

/* rows_add appends the row that ends at at_s; there are ROWS_MOST at most. */
void rows_add(struct rows *rows, enum series_kind kind, int64_t at_s,
    const struct series_step *step);

/* ---- rrd_file.c and rrd_read.c share the back end ---- */

struct files {
	char *dir;
	struct series_archive *archives;
	size_t n_archives, n_phases_only;
	struct series_archive *all_archives; /* of the operator-wide files */
	size_t n_all_archives;
	wall_us now;
	uint64_t quarantined;
	struct undo *undo; /* NULL: none */
	bool looks; /* only: a damaged file stays where it is */
};

/* files_plans_take copies the archives; files_plans_free. files_plan says what
 * the file of a key looks like. */
void files_plans_take(
    struct files *files, const struct series_options *options);
void files_plans_free(struct files *files);
void files_plan(const struct files *files, const struct series_key *key,
    enum series_kind kind, struct plan *plan);

/* files_set_aside renames to PATH.LABEL-YYYYMMDDTHHMMSS and logs. 0 or
 * -errno. */
int files_set_aside(struct files *files, const char *path, const char *label,
    const char *why) MUST_USE;

int files_ask(void *backend, const struct series_query *query,
    struct series_range **range) MUST_USE;

/* ---- gather.c: results in memory until their step has ended ---- */

struct gather;

/* write_every: see struct series_options. */
struct gather *gather_new(const struct series_backend *backend,
    dur_us write_every, mono_us mono, wall_us now);
void gather_free(struct gather *gather);

/* One result, reduced to what is kept of it. */
struct gather_result {
	const struct target *target;
	dur_us every;
	wall_us started, now;
	dur_us latency;
	struct phase_times phases;
	enum verdict verdict;
};

/* Where a result went: the boundaries that its steps end on, in Unix seconds,
 * in the target's own files and in the operator-wide ones. 0: dropped. Two
 * numbers, since the steps of the two may differ. */
struct gather_mark {
	int64_t end_s, all_end_s;
};
struct gather_mark gather_add(
    struct gather *gather, const struct gather_result *result);

/*
 * After a crash, between gather_replay_begin and gather_replay_end:
 *
 * gather_replay adds a result of before the crash where it was put then, each
 * of the two steps unless the files have it already. A boundary of 0 is left
 * out. When the interval has changed since, a boundary is rounded up to one of
 * the new step.
 *
 * gather_replay_write: all that came until `reached` (wall) is back; a slice of
 * it is written, but for the steps that a result which came later may have
 * been put into. True while there is more. To be called now and then, as all
 * that was replayed stays in memory until then.
 *
 * New results may come with gather_add meanwhile; ticks and questions write
 * nothing.
 */
void gather_replay_begin(struct gather *gather);
void gather_replay(struct gather *gather, const struct gather_result *result,
    const struct gather_mark *mark);
bool gather_replay_write(struct gather *gather, wall_us reached);
void gather_replay_end(struct gather *gather);

/* gather_oldest: when the oldest result began that is not in the files yet;
 * INT64_MAX when there is none. Looks at all targets: not every second. */
wall_us gather_oldest(const struct gather *gather);

/* gather_renew writes n places, at most GATHER_RENEW, until now, also when
 * nothing is pending. After gather_replay_end and gather_now. */
#define GATHER_RENEW 256
void gather_renew(
    struct gather *gather, const struct series_key *keys, size_t n);

/* gather_now compares the clocks and begins a round of writing; then
 * gather_write does a bounded part of it: true while more is due. */
void gather_now(struct gather *gather, mono_us mono, wall_us now);
bool gather_write(struct gather *gather);

/* gather_settle writes what has ended and is about to be read. An empty
 * transaction means all of the deployment. */
void gather_settle(struct gather *gather, const struct series_scope *scope);

/* gather_flush writes all, the steps that have only begun as well. */
void gather_flush(struct gather *gather, mono_us mono, wall_us now);

/* gather_stats: lane only, like the rest; series.c passes it on. */
void gather_stats(const struct gather *gather, struct series_stats *stats);

/* ---- recent.c: what makes the series whole after an unclean stop ---- */

struct recent;

/*
 * recent_open looks at what a stop has left in `dir`, which is made if missing;
 * recovery is still to be done. NULL with errno. recent_close comes after
 * gather_flush: when all is written and on the disk, nothing is left in `dir`.
 */
struct recent *recent_open(
    const char *dir, const char *rrd_dir, const struct clock *clock);
void recent_close(struct recent *recent, struct gather *gather);
struct undo *recent_undo(struct recent *recent);

/* recent_add keeps a result and hands it to `gather`. It is on its way to the
 * file after the next recent_flush. */
void recent_add(struct recent *recent, struct gather *gather,
    const struct gather_result *result);
void recent_flush(struct recent *recent);

/*
 * Recovery, in parts: recent_recover does one, true while there is more. Until
 * recent_ready nothing is written otherwise, and questions wait.
 */
bool recent_recover(struct recent *recent, struct gather *gather);
bool recent_ready(const struct recent *recent);

/* recent_tick, about once a second, between slices: syncs, checkpoints. */
void recent_tick(struct recent *recent, struct gather *gather);
uint64_t recent_unsaved(const struct recent *recent);

#endif
