/*
 * The tables, and how an older file gets them. Times are microseconds since
 * 1970, lengths microseconds, minutes since 1970; 0 stands for "not yet", as in
 * the structs.
 */
#include "ledger-int.h"

#include <stdio.h>

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

    /* what an account of availability must know beside the tallies. The
     * columns of a key come first and in its order: quick_check of SQLite
     * 3.40 finds fault with other tables WITHOUT ROWID. */
    "CREATE TABLE blind("
    " since INTEGER NOT NULL,"
    " cause TEXT NOT NULL,"
    " until INTEGER NOT NULL,"
    " PRIMARY KEY(since, cause)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE failure("
    " minute INTEGER NOT NULL,"
    " target INTEGER NOT NULL REFERENCES target(id),"
    " run TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " step TEXT NOT NULL,"
    " PRIMARY KEY(minute, target, run)) STRICT, WITHOUT ROWID;",
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
