#include "ledger-int.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/*
 * The statements, and how values get in and out of the tables of schema.c.
 */

#define INCIDENT_COLUMNS \
	"number, rule, scope, severity, opened, resolved, reason, side," \
	" phase, step, value, threshold, summary_pl, summary_en, trace_ids," \
	" attempts, failed, worst, clock_set, confirmed, confirmed_by," \
	" acknowledged, acknowledged_by, reopened, reopened_at, calm, blind," \
	" blind_since, affected_now, affected_most, affected_of, affected, " \
	"runbook, unit, silence, untold"

int
sql_errno(sqlite3 *db, int code)
{
	int cause = db != NULL ? sqlite3_system_errno(db) : 0;

	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_MISMATCH:
		return -EPROTO;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		return cause > 0 ? -cause : -EIO;
	default:
		return -EIO;
	}
}

void
sql_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

void
sql_bind_int(sqlite3_stmt *stmt, int at, int64_t value)
{
	sqlite3_bind_int64(stmt, at, value);
}

const char *
sql_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text != NULL ? text : "";
}

static double
real_or_nan(sqlite3_stmt *stmt, int column)
{
	return sqlite3_column_type(stmt, column) == SQLITE_NULL
	    ? NAN
	    : sqlite3_column_double(stmt, column);
}

static void
copy(char *out, size_t size, sqlite3_stmt *stmt, int column)
{
	text_copy(out, size, sql_text(stmt, column));
}

/* Names, not numbers, are stored, so that a list may grow in its middle. */
static enum side
side_of(const char *name)
{
	int side;

	for (side = SIDE_NONE; side < SIDE_SCRIPT; side++) {
		if (strcmp(name, side_name((enum side)side)) == 0)
			break;
	}
	return (enum side)side;
}

static enum phase
phase_of(const char *name)
{
	int phase;

	for (phase = 0; phase < PHASE_COUNT - 1; phase++) {
		if (strcmp(name, phase_name((enum phase)phase)) == 0)
			break;
	}
	return (enum phase)phase;
}

static enum delivery_state
state_of(const char *name)
{
	int state;

	for (state = DELIVERY_PENDING; state < DELIVERY_DEAD; state++) {
		if (strcmp(name,
			delivery_state_name((enum delivery_state)state)) == 0)
			break;
	}
	return (enum delivery_state)state;
}

const char sql_incident_columns[] = INCIDENT_COLUMNS;

/* Words, each followed by a space, into `n` texts of `size`. */
static void
split(const char *words, char *out, size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(words, " ");

		if (len == 0 || len >= size)
			break;
		memcpy(out + i * size, words, len);
		words += len + (words[len] == ' ' ? 1 : 0);
	}
}

static void
read_life(sqlite3_stmt *stmt, struct incident *incident)
{
	incident->clock_set = sqlite3_column_int64(stmt, 18);
	incident->confirmed = sqlite3_column_int64(stmt, 19);
	copy(incident->confirmed_by, sizeof(incident->confirmed_by), stmt, 20);
	incident->acknowledged = sqlite3_column_int64(stmt, 21);
	copy(incident->acknowledged_by, sizeof(incident->acknowledged_by), stmt,
	    22);
	incident->reopened = (uint32_t)sqlite3_column_int64(stmt, 23);
	incident->reopened_at = sqlite3_column_int64(stmt, 24);
	incident->calm = sqlite3_column_int64(stmt, 25);
	incident->blind = sqlite3_column_int64(stmt, 26);
	incident->blind_since = sqlite3_column_int64(stmt, 27);
	incident->affected_now = (uint32_t)sqlite3_column_int64(stmt, 28);
	incident->affected_most = (uint32_t)sqlite3_column_int64(stmt, 29);
	incident->affected_of = (uint32_t)sqlite3_column_int64(stmt, 30);
	split(sql_text(stmt, 31), incident->affected[0], INCIDENT_NAMES,
	    sizeof(incident->affected[0]));
	text_copy(
	    incident->runbook, sizeof(incident->runbook), sql_text(stmt, 32));
	text_copy(incident->unit, sizeof(incident->unit), sql_text(stmt, 33));
	incident->silence = sqlite3_column_int64(stmt, 34);
	incident->untold = sqlite3_column_int64(stmt, 35) != 0;
}

void
sql_read_incident(sqlite3_stmt *stmt, struct incident *incident)
{
	memset(incident, 0, sizeof(*incident));
	incident->number = sqlite3_column_int64(stmt, 0);
	copy(incident->rule, sizeof(incident->rule), stmt, 1);
	copy(incident->scope, sizeof(incident->scope), stmt, 2);
	incident->severity = sqlite3_column_int(stmt, 3);
	incident->opened = sqlite3_column_int64(stmt, 4);
	incident->resolved = sqlite3_column_int64(stmt, 5);
	if (!reason_parse(sql_text(stmt, 6), &incident->reason))
		incident->reason = REASON_OK;
	incident->side = side_of(sql_text(stmt, 7));
	incident->phase = phase_of(sql_text(stmt, 8));
	copy(incident->step, sizeof(incident->step), stmt, 9);
	incident->value = real_or_nan(stmt, 10);
	incident->threshold = real_or_nan(stmt, 11);
	copy(incident->summary_pl, sizeof(incident->summary_pl), stmt, 12);
	copy(incident->summary_en, sizeof(incident->summary_en), stmt, 13);
	incident->attempts = (uint32_t)sqlite3_column_int64(stmt, 15);
	incident->failed = (uint32_t)sqlite3_column_int64(stmt, 16);
	incident->worst = real_or_nan(stmt, 17);
	split(sql_text(stmt, 14), incident->trace_ids[0], INCIDENT_TRACES,
	    sizeof(incident->trace_ids[0]));
	read_life(stmt, incident);
}

const char sql_delivery_columns[] =
    "id, webhook_id, subscriber, type, coalesce(incident, 0), state, created,"
    " next_try, finished, tries, last_status, last_problem";

void
sql_read_delivery(sqlite3_stmt *stmt, struct ledger_delivery *delivery)
{
	memset(delivery, 0, sizeof(*delivery));
	delivery->id = sqlite3_column_int64(stmt, 0);
	copy(delivery->webhook_id, sizeof(delivery->webhook_id), stmt, 1);
	copy(delivery->subscriber, sizeof(delivery->subscriber), stmt, 2);
	copy(delivery->type, sizeof(delivery->type), stmt, 3);
	delivery->incident = sqlite3_column_int64(stmt, 4);
	delivery->state = state_of(sql_text(stmt, 5));
	delivery->created = sqlite3_column_int64(stmt, 6);
	delivery->next_try = sqlite3_column_int64(stmt, 7);
	delivery->finished = sqlite3_column_int64(stmt, 8);
	delivery->tries = (uint32_t)sqlite3_column_int64(stmt, 9);
	delivery->last_status = sqlite3_column_int(stmt, 10);
	copy(delivery->last_problem, sizeof(delivery->last_problem), stmt, 11);
}

/* ---- kept statements ---- */

static const char *
sql_of(enum sql sql)
{
	switch (sql) {
	case SQL_TARGET_ADD:
		return "INSERT OR IGNORE INTO target(path) VALUES(?1)";
	case SQL_TALLY_ADD:
		return "INSERT INTO tally(minute, target, ok, failed, excluded)"
		       " SELECT ?1, id, ?3, ?4, ?5 FROM target WHERE path = ?2"
		       " ON CONFLICT(minute, target) DO UPDATE SET"
		       " ok = ok + ?3, failed = failed + ?4,"
		       " excluded = tally.excluded + ?5";
	case SQL_FAILURE_ADD:
		return "INSERT OR IGNORE INTO failure(minute, target, run,"
		       " reason, step) SELECT ?1, id, ?3, ?4, ?5 FROM target"
		       " WHERE path = ?2";
	case SQL_FAILURE_PRUNE:
		return "DELETE FROM failure WHERE minute < ?1";
	case SQL_BLIND_PUT:
		return "INSERT OR REPLACE INTO blind(since, cause, until)"
		       " VALUES(?1, ?2, ?3)";
	case SQL_BLIND_PRUNE:
		return "DELETE FROM blind WHERE until < ?1";
	case SQL_TALLY_LAST:
		return "SELECT coalesce(max(minute), 0) FROM tally";
	case SQL_TALLY_PRUNE:
		return "DELETE FROM tally WHERE minute < ?1";
	case SQL_RUN_ADD:
		return "INSERT OR IGNORE INTO run"
		       "(id, operator, deployment, started, ok, json)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
	case SQL_RUN_PRUNE:
		return "DELETE FROM run WHERE operator = ?1 AND deployment = ?2"
		       " AND seq NOT IN (SELECT seq FROM run WHERE"
		       "  operator = ?1 AND deployment = ?2"
		       "  ORDER BY started DESC, seq DESC LIMIT ?3)"
		       " AND seq NOT IN (SELECT seq FROM run WHERE"
		       "  operator = ?1 AND deployment = ?2 AND ok = 1"
		       "  ORDER BY started DESC, seq DESC LIMIT 1)"
		       " AND seq NOT IN (SELECT seq FROM run WHERE"
		       "  operator = ?1 AND deployment = ?2 AND ok = 0"
		       "  ORDER BY started DESC, seq DESC LIMIT 1)";
	case SQL_STOP_CLEAR:
		return "DELETE FROM account_stop";
	case SQL_STOP_ADD:
		return "INSERT INTO account_stop"
		       "(account, reason, since, target, step, run,"
		       " credentials) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	case SQL_STOP_ALL:
		return "SELECT account, reason, since, target, step, run,"
		       " credentials FROM account_stop ORDER BY since, account";
	case SQL_INCIDENT_PUT:
		return "INSERT OR REPLACE INTO incident(" INCIDENT_COLUMNS ")"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
		       " ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,"
		       " ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, "
		       "?33, ?34, ?35, ?36)";
	case SQL_INCIDENT_LAST:
		return "SELECT coalesce(max(number), 0) FROM incident";
	case SQL_INCIDENT_OPEN:
		return "SELECT " INCIDENT_COLUMNS " FROM incident"
		       " WHERE resolved = 0 ORDER BY number";
	case SQL_INCIDENT_RESOLVED:
		return "SELECT " INCIDENT_COLUMNS " FROM incident"
		       " WHERE resolved >= ?1 AND resolved > 0 ORDER BY number";
	case SQL_TIMELINE_ADD:
		return "INSERT INTO timeline(incident, at, kind, text, who,"
		       " data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
	case SQL_TIMELINE_OPEN:
		return "SELECT incident, at, kind, timeline.data FROM timeline"
		       " JOIN incident ON incident.number = timeline.incident"
		       " WHERE resolved = 0 AND timeline.data <> ''"
		       " AND kind <> 'delivery' ORDER BY seq";
	case SQL_LIFE_PUT:
		return "INSERT OR REPLACE INTO life(id, wall, boot, boot_id)"
		       " VALUES(1, ?1, ?2, ?3)";
	case SQL_LIFE_GET:
		return "SELECT wall, boot, boot_id FROM life";
	case SQL_BODY_ADD:
		return "INSERT INTO body(bytes) VALUES(?1)";
	case SQL_DELIVERY_ADD:
		return "INSERT INTO delivery(id, webhook_id, subscriber, type,"
		       " incident, state, created, next_try, finished, tries,"
		       " last_status, last_problem, body) VALUES(?1, ?2, ?3, "
		       "?4,"
		       " nullif(?5, 0), ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
	case SQL_DELIVERY_SET:
		return "UPDATE delivery SET state = ?2, next_try = ?3,"
		       " finished = ?4, tries = ?5, last_status = ?6,"
		       " last_problem = ?7 WHERE id = ?1";
	case SQL_DELIVERY_PENDING:
		return "SELECT delivery.id, webhook_id, subscriber, type,"
		       " coalesce(incident, 0), state, created, next_try,"
		       " finished, tries, last_status, last_problem, bytes"
		       " FROM delivery JOIN body ON body.id = delivery.body"
		       " WHERE state = 'pending' ORDER BY created, delivery.id";
	case SQL_DELIVERY_DEAD:
		return "SELECT delivery.id, webhook_id, subscriber, type,"
		       " coalesce(incident, 0), state, created, next_try,"
		       " finished, tries, last_status, last_problem, bytes"
		       " FROM delivery JOIN body ON body.id = delivery.body"
		       " WHERE state = 'dead' AND ?1 IN (0, delivery.id)"
		       " ORDER BY created, delivery.id LIMIT ?2";
	case SQL_DELIVERY_REVIVE:
		return "UPDATE delivery SET state = 'pending', created = ?2,"
		       " next_try = ?2, finished = 0, tries = 0,"
		       " last_status = 0, last_problem = '' WHERE id = ?1";
	case SQL_ATTEMPT_ADD:
		return "INSERT INTO attempt(delivery, at, took, status, "
		       "problem)"
		       " VALUES(?1, ?2, ?3, ?4, ?5)";
	case SQL_ATTEMPT_PRUNE:
		return "DELETE FROM attempt WHERE delivery IN (SELECT id FROM"
		       " delivery WHERE state <> 'pending' AND created < ?1)";
	case SQL_DELIVERY_PRUNE:
		return "DELETE FROM delivery WHERE state <> 'pending'"
		       " AND created < ?1";
	case SQL_BODY_PRUNE:
		return "DELETE FROM body WHERE id NOT IN"
		       " (SELECT body FROM delivery)";
	}
	return NULL;
}

sqlite3_stmt *
ledger_stmt(struct ledger *ledger, enum sql sql)
{
	sqlite3_stmt **kept = &ledger->stmts[sql];

	if (*kept == NULL &&
	    sqlite3_prepare_v3(ledger->db, sql_of(sql), -1,
		SQLITE_PREPARE_PERSISTENT, kept, NULL) != SQLITE_OK)
		return NULL;
	return *kept;
}

int
ledger_run(struct ledger *ledger, sqlite3_stmt *stmt)
{
	int rc;

	if (stmt == NULL)
		return sql_errno(
		    ledger->db, sqlite3_extended_errcode(ledger->db));
	rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return sql_errno(ledger->db, rc);
}
