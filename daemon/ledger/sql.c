#include "ledger-int.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/*
 * The schema, and how values get in and out of it. Times are microseconds
 * since 1970, lengths microseconds; 0 stands for "not yet", as in the structs.
 */

#define INCIDENT_COLUMNS \
	"number, rule, scope, severity, opened, resolved, reason, side," \
	" phase, step, value, threshold, summary_pl, summary_en, trace_ids," \
	" attempts, failed, worst, clock_set, confirmed, confirmed_by," \
	" acknowledged, acknowledged_by, reopened, reopened_at, calm, blind," \
	" blind_since, affected_now, affected_most, affected_of, affected, " \
	"runbook, unit, silence, untold"

/* One text per version; what was released is never changed, only followed. */
static const char *const migrations[] = {
    "CREATE TABLE target("
    " id INTEGER PRIMARY KEY,"
    " path TEXT NOT NULL UNIQUE) STRICT;"

    "CREATE TABLE tally("
    " minute INTEGER NOT NULL,"
    " target INTEGER NOT NULL REFERENCES target(id),"
    " ok INTEGER NOT NULL,"
    " failed INTEGER NOT NULL,"
    " excluded INTEGER NOT NULL,"
    " PRIMARY KEY(minute, target)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE run("
    " seq INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " operator TEXT NOT NULL,"
    " deployment TEXT NOT NULL,"
    " started INTEGER NOT NULL,"
    " ok INTEGER NOT NULL,"
    " json TEXT NOT NULL) STRICT;"
    "CREATE INDEX run_place ON run(operator, deployment, started);"
    "CREATE INDEX run_operator ON run(operator, started);"

    "CREATE TABLE incident("
    " number INTEGER PRIMARY KEY,"
    " rule TEXT NOT NULL,"
    " scope TEXT NOT NULL,"
    " severity INTEGER NOT NULL,"
    " opened INTEGER NOT NULL,"
    " resolved INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " side TEXT NOT NULL,"
    " phase TEXT NOT NULL,"
    " step TEXT NOT NULL,"
    " value REAL,"
    " threshold REAL,"
    " summary_pl TEXT NOT NULL,"
    " summary_en TEXT NOT NULL,"
    " trace_ids TEXT NOT NULL) STRICT;"
    "CREATE INDEX incident_open ON incident(number) WHERE resolved = 0;"

    "CREATE TABLE timeline("
    " seq INTEGER PRIMARY KEY,"
    " incident INTEGER NOT NULL REFERENCES incident(number),"
    " at INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " text TEXT NOT NULL) STRICT;"
    "CREATE INDEX timeline_incident ON timeline(incident);"

    "CREATE TABLE body("
    " id INTEGER PRIMARY KEY,"
    " bytes BLOB NOT NULL) STRICT;"

    "CREATE TABLE delivery("
    " id INTEGER PRIMARY KEY,"
    " webhook_id TEXT NOT NULL,"
    " subscriber TEXT NOT NULL,"
    " type TEXT NOT NULL,"
    " incident INTEGER REFERENCES incident(number),"
    " state TEXT NOT NULL,"
    " created INTEGER NOT NULL,"
    " next_try INTEGER NOT NULL,"
    " finished INTEGER NOT NULL,"
    " tries INTEGER NOT NULL,"
    " last_status INTEGER NOT NULL,"
    " last_problem TEXT NOT NULL,"
    " body INTEGER NOT NULL REFERENCES body(id)) STRICT;"
    "CREATE INDEX delivery_incident ON delivery(incident);"
    "CREATE INDEX delivery_body ON delivery(body);"
    "CREATE INDEX delivery_created ON delivery(created);"
    "CREATE INDEX delivery_pending ON delivery(created) WHERE state = "
    "'pending';"

    "CREATE TABLE attempt("
    " seq INTEGER PRIMARY KEY,"
    " delivery INTEGER NOT NULL REFERENCES delivery(id),"
    " at INTEGER NOT NULL,"
    " took INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " problem TEXT NOT NULL) STRICT;"
    "CREATE INDEX attempt_delivery ON attempt(delivery);",

    "ALTER TABLE incident ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN worst REAL;",

    "CREATE TABLE account_stop("
    " account TEXT PRIMARY KEY,"
    " reason TEXT NOT NULL,"
    " since INTEGER NOT NULL,"
    " target TEXT NOT NULL,"
    " step TEXT NOT NULL,"
    " run TEXT NOT NULL) STRICT;",

    "ALTER TABLE account_stop ADD COLUMN credentials TEXT NOT NULL DEFAULT '';",

    /* incidents: their life, and what machines read of the timeline */
    "ALTER TABLE incident ADD COLUMN clock_set INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN confirmed_by TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE incident ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN acknowledged_by TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE incident ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN reopened_at INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN calm INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN blind INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN blind_since INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN affected_now INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN affected_most INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN affected_of INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN affected TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE incident ADD COLUMN runbook TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE incident ADD COLUMN unit TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX incident_resolved ON incident(resolved);"
    "ALTER TABLE timeline ADD COLUMN who TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE timeline ADD COLUMN data TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE life("
    " id INTEGER PRIMARY KEY CHECK(id = 1),"
    " wall INTEGER NOT NULL,"
    " boot INTEGER NOT NULL,"
    " boot_id TEXT NOT NULL) STRICT;",

    /* what people announce, who may, and what they did */
    "CREATE TABLE announcement("
    " id INTEGER PRIMARY KEY,"
    " kind TEXT NOT NULL,"
    " operator TEXT NOT NULL,"
    " deployment TEXT NOT NULL,"
    " act TEXT NOT NULL,"
    " rule TEXT NOT NULL,"
    " since INTEGER NOT NULL,"
    " until INTEGER NOT NULL,"
    " days INTEGER NOT NULL,"
    " at_minute INTEGER NOT NULL,"
    " minutes INTEGER NOT NULL,"
    " agreed_from INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " created INTEGER NOT NULL,"
    " created_by TEXT NOT NULL,"
    " ended INTEGER NOT NULL DEFAULT 0,"
    " ended_by TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE TABLE token("
    " id TEXT PRIMARY KEY,"
    " digest BLOB NOT NULL,"
    " name TEXT NOT NULL,"
    " role TEXT NOT NULL,"
    " operator TEXT NOT NULL,"
    " created INTEGER NOT NULL,"
    " created_by TEXT NOT NULL,"
    " expires INTEGER NOT NULL,"
    " revoked INTEGER NOT NULL DEFAULT 0,"
    " last_used INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE audit("
    " seq INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " who TEXT NOT NULL,"
    " via TEXT NOT NULL,"
    " action TEXT NOT NULL,"
    " object TEXT NOT NULL,"
    " data TEXT NOT NULL) STRICT;"
    "ALTER TABLE incident ADD COLUMN silence INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;",
};

#define SCHEMA_VERSION ((int)ARRAY_LEN(migrations))

static int
user_version(sqlite3 *db, int *version)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int
sql_migrate(sqlite3 *db)
{
	char stamp[64];
	int version = 0, rc;

	rc = user_version(db, &version);
	if (rc != SQLITE_OK)
		return rc;
	if (version < 0 || version > SCHEMA_VERSION)
		return SQLITE_MISMATCH;
	for (; version < SCHEMA_VERSION; version++) {
		rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(
			    db, migrations[version], NULL, NULL, NULL);
		snprintf(stamp, sizeof(stamp), "PRAGMA user_version = %d",
		    version + 1);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, stamp, NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
		if (rc != SQLITE_OK) {
			if (!sqlite3_get_autocommit(db))
				sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
			return rc;
		}
	}
	return SQLITE_OK;
}

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
