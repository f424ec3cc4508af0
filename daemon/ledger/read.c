#include "ledger-int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/*
 * Reading for the web: a connection of its own that cannot write, one reader
 * at a time. WAL lets it read while the lane commits.
 */

#define BUSY_MS 2000
#define LIMIT_MOST 1000
/* Runs that may be passed over because they ended before the transaction. */
#define RUNS_WITHOUT_MOST 200
#define HOUR (INT64_C(3600) * US_PER_S)

int
ledger_reader_open(struct ledger_reader **reader, const char *path)
{
	struct ledger_reader *made;
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(path, &db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);

	*reader = NULL;
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_MS);
		rc = sqlite3_exec(db,
		    "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;",
		    NULL, NULL, NULL);
	}
	if (rc != SQLITE_OK) {
		rc = sql_errno(db, rc);
		sqlite3_close(db);
		return rc;
	}
	made = mem_new(sizeof(*made));
	made->db = db;
	pthread_mutex_init(&made->lock, NULL);
	*reader = made;
	return 0;
}

void
ledger_reader_close(struct ledger_reader *reader)
{
	if (reader == NULL)
		return;
	sqlite3_close(reader->db);
	pthread_mutex_destroy(&reader->lock);
	free(reader);
}

static sqlite3_stmt *
prepare(struct ledger_reader *reader, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(reader->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		log_error("ledger read failed", "problem=\"%s\"",
		    sqlite3_errmsg(reader->db));
	return stmt;
}

/* finish says what went wrong; true when the rows ended by themselves. */
static bool
finish(struct ledger_reader *reader, sqlite3_stmt *stmt, int rc)
{
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		log_error("ledger read failed", "problem=\"%s\"",
		    sqlite3_errmsg(reader->db));
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE || rc == SQLITE_ROW;
}

sqlite3_stmt *
reader_prepare(struct ledger_reader *reader, const char *sql)
{
	return prepare(reader, sql);
}

bool
reader_finish(struct ledger_reader *reader, sqlite3_stmt *stmt, int rc)
{
	return finish(reader, stmt, rc);
}

static uint32_t
bounded(uint32_t limit)
{
	return limit < LIMIT_MOST ? limit : LIMIT_MOST;
}

/* ---- runs ---- */

struct run_scope {
	char operator[MODEL_NAME_SIZE];
	char deployment[MODEL_NAME_SIZE]; /* "": all */
	char transaction[MODEL_NAME_SIZE]; /* "": the run as a whole */
};

static bool
split_target(const char *target, struct run_scope *scope)
{
	char *const parts[] = {
	    scope->operator, scope->deployment, scope->transaction};
	size_t i;

	memset(scope, 0, sizeof(*scope));
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		size_t len = strcspn(target, "/");

		if (len == 0 || len >= MODEL_NAME_SIZE)
			return false;
		memcpy(parts[i], target, len);
		parts[i][len] = '\0';
		target += len;
		if (*target == '\0')
			return true;
		target++;
	}
	return false;
}

/* The result that stands for a run: that of the transaction asked for, or the
 * first that failed, or else was not counted, or was not even tried. */
static struct jv *
pick_result(const struct jv *run, const char *transaction)
{
	struct jv *results = jv_get(run, "results");
	struct jv *picked = NULL;
	size_t i;
	int worst = 0;

	for (i = 0; i < jv_len(results); i++) {
		struct jv *result = jv_at(results, i);
		const char *reason = jv_get_string(result, "reason", "");
		enum reason parsed;
		int weight = 3;

		if (transaction[0] != '\0') {
			if (strcmp(jv_get_string(result, "transaction", ""),
				transaction) == 0)
				return result;
			continue;
		}
		if (strcmp(reason, "ok") == 0)
			weight = 1;
		else if (strcmp(reason, "prerequisite_failed") == 0)
			weight = 2;
		else if (reason_parse(reason, &parsed) &&
		    reason_verdict(parsed) == VERDICT_DOWN)
			weight = 4;
		if (weight > worst) {
			worst = weight;
			picked = result;
		}
	}
	return picked;
}

static void
copy_key(struct jv *row, const struct jv *from, const char *key)
{
	struct jv *value = jv_get(from, key);

	jv_set(row, key, value != NULL ? jv_hold(value) : jv_null());
}

/* true or false as it counts; null when it does not. */
static struct jv *
verdict_of(const struct jv *result)
{
	enum reason reason;

	if (!reason_parse(jv_get_string(result, "reason", ""), &reason))
		return jv_null();
	switch (reason_verdict(reason)) {
	case VERDICT_UP:
		return jv_bool(true);
	case VERDICT_DOWN:
		return jv_bool(false);
	case VERDICT_EXCLUDED:
		break;
	}
	return jv_null();
}

/* One row of the list, or NULL when the run does not have the transaction. */
static struct jv *
run_row(sqlite3_stmt *stmt, const struct run_scope *scope)
{
	const char *json = sql_text(stmt, 5);
	char target[MODEL_PATH_SIZE];
	struct jv *run, *row, *result;
	bool whole = scope->transaction[0] == '\0';

	run = jv_parse(json, (size_t)sqlite3_column_bytes(stmt, 5), NULL, 0);
	result = pick_result(run, scope->transaction);
	if (!whole && result == NULL) {
		jv_release(run);
		return NULL;
	}
	snprintf(target, sizeof(target), "%s/%s%s%s", sql_text(stmt, 1),
	    sql_text(stmt, 2), whole ? "" : "/", scope->transaction);
	row = jv_object();
	jv_set(row, "id", jv_string(sql_text(stmt, 0)));
	jv_set(row, "target", jv_string(target));
	jv_set(row, "time", jv_time(sqlite3_column_int64(stmt, 3)));
	jv_set(row, "ok", verdict_of(result));
	copy_key(row, result, "reason");
	copy_key(row, result, "side");
	copy_key(row, result, "step");
	copy_key(row, result, "phase");
	copy_key(row, whole ? run : result, "latency_ms");
	copy_key(row, result, "http_status");
	if (whole)
		copy_key(row, result, "transaction");
	else
		jv_set(row, "transaction", jv_string(scope->transaction));
	copy_key(row, run, "tainted");
	jv_release(run);
	return row;
}

struct jv *
ledger_read_runs(
    struct ledger_reader *reader, const char *target, uint32_t limit)
{
	struct run_scope scope;
	struct jv *runs, *row;
	sqlite3_stmt *stmt;
	int rc;

	if (!split_target(target, &scope))
		return NULL;
	runs = jv_array();
	limit = bounded(limit);
	pthread_mutex_lock(&reader->lock);
	stmt = prepare(reader,
	    scope.deployment[0] == '\0'
		? "SELECT id, operator, deployment, started, ok, json FROM run"
		  " WHERE operator = ?1 ORDER BY started DESC, seq DESC"
		  " LIMIT ?3"
		: "SELECT id, operator, deployment, started, ok, json FROM run"
		  " WHERE operator = ?1 AND deployment = ?2"
		  " ORDER BY started DESC, seq DESC LIMIT ?3");
	rc = stmt != NULL ? SQLITE_DONE : SQLITE_ERROR;
	if (stmt != NULL) {
		sql_bind_text(stmt, 1, scope.operator);
		if (scope.deployment[0] != '\0')
			sql_bind_text(stmt, 2, scope.deployment);
		sql_bind_int(stmt, 3, limit + RUNS_WITHOUT_MOST);
	}
	while (stmt != NULL && jv_len(runs) < limit) {
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_ROW)
			break;
		row = run_row(stmt, &scope);
		if (row != NULL)
			jv_push(runs, row);
	}
	if (!finish(reader, stmt, rc)) {
		jv_release(runs);
		runs = NULL;
	}
	pthread_mutex_unlock(&reader->lock);
	return runs != NULL ? jv_set(jv_object(), "runs", runs) : NULL;
}

int
ledger_read_run(struct ledger_reader *reader, const char *id, struct jv **run)
{
	char problem[128] = "";
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR;
	bool found = false;

	*run = NULL;
	pthread_mutex_lock(&reader->lock);
	stmt = prepare(reader, "SELECT json FROM run WHERE id = ?1");
	if (stmt != NULL) {
		sql_bind_text(stmt, 1, id);
		rc = sqlite3_step(stmt);
		found = rc == SQLITE_ROW;
	}
	if (found) {
		*run = jv_parse(sql_text(stmt, 0),
		    (size_t)sqlite3_column_bytes(stmt, 0), problem,
		    sizeof(problem));
		if (*run == NULL)
			log_error("ledger holds a bad run", "problem=\"%s\"",
			    problem);
	}
	if (!finish(reader, stmt, rc) || (found && *run == NULL))
		rc = -EIO;
	else
		rc = found ? 0 : -ENOENT;
	pthread_mutex_unlock(&reader->lock);
	return rc;
}

/* ---- deliveries ---- */

static struct jv *
delivery_json(const struct ledger_delivery *delivery)
{
	struct jv *out = jv_object();

	jv_set(out, "id", jv_int(delivery->id));
	jv_set(out, "webhook_id", jv_string(delivery->webhook_id));
	jv_set(out, "subscriber", jv_string(delivery->subscriber));
	jv_set(out, "type", jv_string(delivery->type));
	jv_set(out, "incident",
	    delivery->incident != 0 ? jv_int(delivery->incident) : jv_null());
	jv_set(out, "state", jv_string(delivery_state_name(delivery->state)));
	jv_set(out, "created", jv_time(delivery->created));
	jv_set(out, "next_try",
	    delivery->state == DELIVERY_PENDING ? jv_time(delivery->next_try)
						: jv_null());
	jv_set(out, "finished", jv_time(delivery->finished));
	jv_set(out, "tries", jv_int(delivery->tries));
	jv_set(out, "last_status", jv_int(delivery->last_status));
	jv_set(out, "last_problem", jv_string(delivery->last_problem));
	return out;
}

/* Deliveries of one incident, oldest first, or of all, newest first. NULL on
 * error. The lock is held. */
static struct jv *
read_deliveries(struct ledger_reader *reader, int64_t incident,
    const char *state, uint32_t limit)
{
	struct ledger_delivery delivery;
	struct jv *list = jv_array();
	char sql[512];
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR;

	snprintf(sql, sizeof(sql), "SELECT %s FROM delivery %s LIMIT ?2",
	    sql_delivery_columns,
	    incident != 0 ? "WHERE incident = ?1 AND ?3 IN ('', state)"
			    " ORDER BY created, id"
			  : "WHERE ?1 = 0 AND ?3 IN ('', state)"
			    " ORDER BY created DESC, id DESC");
	stmt = prepare(reader, sql);
	if (stmt != NULL) {
		sql_bind_int(stmt, 1, incident);
		sql_bind_int(stmt, 2, bounded(limit));
		sql_bind_text(stmt, 3, state);
		for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
		     rc = sqlite3_step(stmt)) {
			sql_read_delivery(stmt, &delivery);
			jv_push(list, delivery_json(&delivery));
		}
	}
	if (finish(reader, stmt, rc))
		return list;
	jv_release(list);
	return NULL;
}

struct jv *
reader_deliveries(struct ledger_reader *reader, int64_t incident)
{
	return read_deliveries(reader, incident, "", LIMIT_MOST);
}

struct jv *
ledger_read_deliveries(struct ledger_reader *reader,
    const enum delivery_state *state, uint32_t limit)
{
	struct jv *list;

	pthread_mutex_lock(&reader->lock);
	list = read_deliveries(
	    reader, 0, state != NULL ? delivery_state_name(*state) : "", limit);
	pthread_mutex_unlock(&reader->lock);
	return list != NULL ? jv_set(jv_object(), "deliveries", list) : NULL;
}

int
ledger_read_delivery(
    struct ledger_reader *reader, int64_t id, struct jv **delivery)
{
	struct ledger_delivery row;
	char sql[512];
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR;

	*delivery = NULL;
	snprintf(sql, sizeof(sql), "SELECT %s FROM delivery WHERE id = ?1",
	    sql_delivery_columns);
	pthread_mutex_lock(&reader->lock);
	stmt = prepare(reader, sql);
	if (stmt != NULL) {
		sql_bind_int(stmt, 1, id);
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW) {
			sql_read_delivery(stmt, &row);
			*delivery = delivery_json(&row);
			rc = SQLITE_DONE;
		}
	}
	if (!finish(reader, stmt, rc)) {
		jv_release(*delivery);
		*delivery = NULL;
		rc = -EIO;
	} else {
		rc = *delivery != NULL ? 0 : -ENOENT;
	}
	pthread_mutex_unlock(&reader->lock);
	return rc;
}

/* A transaction begins with its first reading. */
int
ledger_reader_freeze(struct ledger_reader *reader)
{
	return sql_errno(reader->db,
	    sqlite3_exec(reader->db, "BEGIN; SELECT count(*) FROM target;",
		NULL, NULL, NULL));
}

void
ledger_reader_interrupt(struct ledger_reader *reader)
{
	sqlite3_interrupt(reader->db);
}

/* ---- tallies ---- */

int
ledger_read_hours(struct ledger_reader *reader, wall_us from,
    void (*fn)(void *arg, const char *target_path, wall_us hour, uint32_t ok,
	uint32_t failed, uint32_t excluded),
    void *arg)
{
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR, problem;

	pthread_mutex_lock(&reader->lock);
	stmt = prepare(reader,
	    "SELECT path, minute / 60, sum(ok), sum(failed),"
	    " sum(tally.excluded)"
	    " FROM tally JOIN target ON target.id = tally.target"
	    " WHERE minute >= ?1 GROUP BY path, minute / 60"
	    " ORDER BY path, minute / 60");
	if (stmt != NULL) {
		/* whole hours: the one that `from` lies in is complete */
		sql_bind_int(stmt, 1, from / HOUR * 60);
		for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
		     rc = sqlite3_step(stmt))
			fn(arg, sql_text(stmt, 0),
			    sqlite3_column_int64(stmt, 1) * HOUR,
			    (uint32_t)sqlite3_column_int64(stmt, 2),
			    (uint32_t)sqlite3_column_int64(stmt, 3),
			    (uint32_t)sqlite3_column_int64(stmt, 4));
	}
	problem = sql_errno(reader->db, rc);
	(void)finish(reader, stmt, rc);
	pthread_mutex_unlock(&reader->lock);
	return problem;
}
