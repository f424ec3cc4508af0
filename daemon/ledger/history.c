/* Reading the past, in the order of time. */
#include "ledger/history.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "ledger-int.h"

#define MINUTE (60 * US_PER_S)

/* Gives each row of a statement that was prepared and bound. */
typedef bool row_fn(sqlite3_stmt *stmt, void *arg);

static int
each(struct ledger_reader *reader, sqlite3_stmt *stmt, row_fn *row, void *arg)
{
	int rc = SQLITE_ERROR;
	bool on = true;

	while (stmt != NULL && on && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		on = row(stmt, arg);
	return reader_finish(reader, stmt, rc) ? 0 : -EIO;
}

/* A statement over whole minutes; takes the reader until `each` is done. */
static sqlite3_stmt *
begin(struct ledger_reader *reader, const char *sql, int64_t from, int64_t to)
{
	sqlite3_stmt *stmt;

	pthread_mutex_lock(&reader->lock);
	stmt = reader_prepare(reader, sql);
	if (stmt != NULL) {
		sql_bind_int(stmt, 1, from);
		sql_bind_int(stmt, 2, to);
	}
	return stmt;
}

static int
end(struct ledger_reader *reader, sqlite3_stmt *stmt, row_fn *row, void *arg)
{
	int rc = each(reader, stmt, row, arg);

	pthread_mutex_unlock(&reader->lock);
	return rc;
}

/* The minute that holds `to` is in it only when it begins before. */
static int64_t
minute_after(wall_us to)
{
	return (to + MINUTE - 1) / MINUTE;
}

/* ---- targets ---- */

struct targets_call {
	const char *op;
	history_target_fn *fn;
	void *arg;
};

static bool
target_row(sqlite3_stmt *stmt, void *arg)
{
	const struct targets_call *call = arg;
	const char *path = sql_text(stmt, 1);
	size_t len = call->op != NULL ? strlen(call->op) : 0;

	if (call->op == NULL ||
	    (strncmp(path, call->op, len) == 0 && path[len] == '/'))
		call->fn(call->arg, sqlite3_column_int64(stmt, 0), path);
	return true;
}

int
history_targets(struct ledger_reader *reader, const char *op,
    history_target_fn *fn, void *arg)
{
	struct targets_call call = {op, fn, arg};
	sqlite3_stmt *stmt;
	int rc;

	pthread_mutex_lock(&reader->lock);
	stmt =
	    reader_prepare(reader, "SELECT id, path FROM target ORDER BY id");
	rc = each(reader, stmt, target_row, &call);
	pthread_mutex_unlock(&reader->lock);
	return rc;
}

/* ---- minutes ---- */

struct minutes_call {
	history_minute_fn *fn;
	void *arg;
};

static bool
minute_row(sqlite3_stmt *stmt, void *arg)
{
	const struct minutes_call *call = arg;
	struct history_minute row = {
	    .minute = sqlite3_column_int64(stmt, 0) * MINUTE,
	    .target = sqlite3_column_int64(stmt, 1),
	    .ok = (uint32_t)sqlite3_column_int64(stmt, 2),
	    .failed = (uint32_t)sqlite3_column_int64(stmt, 3),
	    .excluded = (uint32_t)sqlite3_column_int64(stmt, 4),
	};

	return call->fn(call->arg, &row);
}

int
history_minutes(struct ledger_reader *reader, wall_us from, wall_us to,
    history_minute_fn *fn, void *arg)
{
	struct minutes_call call = {fn, arg};

	return end(reader,
	    begin(reader,
		"SELECT minute, target, ok, failed, tally.excluded FROM tally"
		" WHERE minute >= ?1 AND minute < ?2 ORDER BY minute, target",
		from / MINUTE, minute_after(to)),
	    minute_row, &call);
}

/* The key begins with the minute, so that each is looked up. */
#define EACH_MINUTE \
	"WITH RECURSIVE m(minute) AS (SELECT ?1 WHERE ?1 < ?2 UNION ALL" \
	" SELECT minute + 1 FROM m WHERE minute + 1 < ?2) "

/* As begin, of the minutes of one target. */
static sqlite3_stmt *
begin_of(struct ledger_reader *reader, const char *sql, int64_t target,
    wall_us from, wall_us to)
{
	sqlite3_stmt *stmt =
	    begin(reader, sql, from / MINUTE, minute_after(to));

	if (stmt != NULL)
		sql_bind_int(stmt, 3, target);
	return stmt;
}

int
history_minutes_of(struct ledger_reader *reader, int64_t target, wall_us from,
    wall_us to, history_minute_fn *fn, void *arg)
{
	struct minutes_call call = {fn, arg};

	return end(reader,
	    begin_of(reader,
		EACH_MINUTE
		"SELECT tally.minute, target, ok, failed, tally.excluded"
		" FROM m CROSS JOIN tally ON tally.minute = m.minute"
		" AND target = ?3",
		target, from, to),
	    minute_row, &call);
}

/* ---- failures ---- */

struct failures_call {
	history_failure_fn *fn;
	void *arg;
};

static bool
failure_row(sqlite3_stmt *stmt, void *arg)
{
	const struct failures_call *call = arg;
	struct history_failure row = {
	    .minute = sqlite3_column_int64(stmt, 0) * MINUTE,
	    .target = sqlite3_column_int64(stmt, 1),
	    .run = sql_text(stmt, 2),
	    .reason = sql_text(stmt, 3),
	    .step = sql_text(stmt, 4),
	};

	return call->fn(call->arg, &row);
}

int
history_failures(struct ledger_reader *reader, wall_us from, wall_us to,
    history_failure_fn *fn, void *arg)
{
	struct failures_call call = {fn, arg};

	return end(reader,
	    begin(reader,
		"SELECT minute, target, run, reason, step FROM failure"
		" WHERE minute >= ?1 AND minute < ?2 ORDER BY minute, target",
		from / MINUTE, minute_after(to)),
	    failure_row, &call);
}

int
history_failures_of(struct ledger_reader *reader, int64_t target, wall_us from,
    wall_us to, history_failure_fn *fn, void *arg)
{
	struct failures_call call = {fn, arg};

	return end(reader,
	    begin_of(reader,
		EACH_MINUTE
		"SELECT failure.minute, target, run, reason, step"
		" FROM m CROSS JOIN failure ON failure.minute = m.minute"
		" AND target = ?3",
		target, from, to),
	    failure_row, &call);
}

/* ---- runs ---- */

struct runs_call {
	history_run_fn *fn;
	void *arg;
};

static bool
run_row(sqlite3_stmt *stmt, void *arg)
{
	const struct runs_call *call = arg;
	struct jv *run = jv_parse(
	    sql_text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0), NULL, 0);
	bool on = run == NULL || call->fn(call->arg, run);

	jv_release(run);
	return on;
}

int
history_runs(struct ledger_reader *reader, const char *op, wall_us from,
    wall_us to, history_run_fn *fn, void *arg)
{
	struct runs_call call = {fn, arg};
	sqlite3_stmt *stmt = begin(reader,
	    "SELECT json FROM run WHERE operator = ?3 AND started >= ?1"
	    " AND started < ?2 ORDER BY started, seq",
	    from, to);

	if (stmt != NULL)
		sql_bind_text(stmt, 3, op);
	return end(reader, stmt, run_row, &call);
}

/* ---- our blind time ---- */

struct blind_call {
	history_blind_fn *fn;
	void *arg;
};

static bool
blind_row(sqlite3_stmt *stmt, void *arg)
{
	const struct blind_call *call = arg;
	struct ledger_blind blind = {
	    .since = sqlite3_column_int64(stmt, 0),
	    .until = sqlite3_column_int64(stmt, 2),
	};

	text_copy(blind.cause, sizeof(blind.cause), sql_text(stmt, 1));
	return call->fn(call->arg, &blind);
}

int
history_blind(struct ledger_reader *reader, wall_us from, wall_us to,
    history_blind_fn *fn, void *arg)
{
	struct blind_call call = {fn, arg};

	return end(reader,
	    begin(reader,
		"SELECT since, cause, until FROM blind"
		" WHERE until > ?1 AND since < ?2 ORDER BY since, cause",
		from, to),
	    blind_row, &call);
}

/* ---- bounds ---- */

struct bounds {
	wall_us first, last;
};

static bool
bounds_row(sqlite3_stmt *stmt, void *arg)
{
	struct bounds *bounds = arg;

	bounds->first = sqlite3_column_int64(stmt, 0) * MINUTE;
	bounds->last = sqlite3_column_int64(stmt, 1) * MINUTE;
	return true;
}

int
history_bounds(struct ledger_reader *reader, wall_us *first, wall_us *last)
{
	struct bounds bounds = {0};
	int rc;

	pthread_mutex_lock(&reader->lock);
	rc = each(reader,
	    reader_prepare(reader,
		"SELECT coalesce((SELECT min(minute) FROM tally), 0),"
		" coalesce((SELECT max(minute) FROM tally), 0)"),
	    bounds_row, &bounds);
	pthread_mutex_unlock(&reader->lock);
	*first = bounds.first;
	*last = bounds.last;
	return rc;
}
