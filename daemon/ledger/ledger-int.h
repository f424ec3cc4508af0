#ifndef LEDGER_LEDGER_INT_H
#define LEDGER_LEDGER_INT_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "ledger/ledger.h"

/* Shared inside the room. The struct ledger belongs to the store lane, but
 * for `lock` and what it guards. */

/* ---- schema.c ---- */

/* sql_migrate brings the schema up to date. 0 or a code of SQLite, or
 * SQLITE_MISMATCH when the file was written by a newer version of us. */
int sql_migrate(sqlite3 *db) MUST_USE;

/* ---- sql.c: the statements, values in and out ---- */

enum sql {
	SQL_TARGET_ADD,
	SQL_TALLY_ADD,
	SQL_FAILURE_ADD,
	SQL_FAILURE_PRUNE,
	SQL_BLIND_PUT,
	SQL_BLIND_PRUNE,
	SQL_TALLY_LAST,
	SQL_TALLY_PRUNE,
	SQL_RUN_ADD,
	SQL_RUN_PRUNE,
	SQL_STOP_CLEAR,
	SQL_STOP_ADD,
	SQL_STOP_ALL,
	SQL_INCIDENT_PUT,
	SQL_INCIDENT_LAST,
	SQL_INCIDENT_OPEN,
	SQL_INCIDENT_RESOLVED,
	SQL_TIMELINE_ADD,
	SQL_TIMELINE_OPEN,
	SQL_LIFE_PUT,
	SQL_LIFE_GET,
	SQL_BODY_ADD,
	SQL_DELIVERY_ADD,
	SQL_DELIVERY_SET,
	SQL_DELIVERY_PENDING,
	SQL_DELIVERY_DEAD,
	SQL_DELIVERY_REVIVE,
	SQL_ATTEMPT_ADD,
	SQL_ATTEMPT_PRUNE,
	SQL_DELIVERY_PRUNE,
	SQL_BODY_PRUNE,
};
#define SQL_COUNT (SQL_BODY_PRUNE + 1)

/* sql_errno: -errno for a code of SQLite. */
int sql_errno(sqlite3 *db, int code);

void sql_bind_text(sqlite3_stmt *stmt, int at, const char *text);
void sql_bind_int(sqlite3_stmt *stmt, int at, int64_t value);
/* sql_text never gives NULL; borrowed until the next step. */
const char *sql_text(sqlite3_stmt *stmt, int column);

extern const char sql_incident_columns[];
void sql_read_incident(sqlite3_stmt *stmt, struct incident *incident);
extern const char sql_delivery_columns[];
void sql_read_delivery(sqlite3_stmt *stmt, struct ledger_delivery *delivery);

/* ---- ledger.c ---- */

struct tally_cell {
	const struct target *target;
	int64_t minute; /* since 1970 */
	uint32_t ok, failed, excluded;
};

/* A row that waits for the next commit: a run, a failed result, a time in which
 * we were blind, or an attempt that could not be committed at once. */
enum row_kind { ROW_RUN, ROW_ATTEMPT, ROW_FAILURE, ROW_BLIND };
struct row {
	struct row *next;
	enum row_kind kind;
	size_t size;
	max_align_t payload[];
};

/* How far the wall clock is believed, see prune.c. */
struct trust {
	struct clock_watch watch;
	dur_us set; /* since then: */
	mono_us since;
	bool plausible;
};

/* Room on the disk, see space.c. */
struct space {
	char *dir, *reserve;
	bool reserved; /* the reserve is there */
	bool was_reserved; /* and ever was */
	bool low;
	mono_us made; /* last tried to, or let go; 0: never */
};

struct ledger {
	sqlite3 *db;
	char *path;
	struct lane *lane;
	const struct clock *clock;
	sqlite3_stmt *stmts[SQL_COUNT];
	struct tally_cell *cells;
	size_t n_cells, cap_cells;
	struct row *rows, **rows_end;
	size_t rows_bytes;
	size_t n_attempts; /* among the rows */
	struct account_stop *stops;
	size_t n_stops;
	bool stops_wait; /* for the disk */
	wall_us pruned;
	mono_us life_at; /* when the sign of life was written; 0: never */
	struct trust trust;
	struct space space;
	struct log_damp damp;
	pthread_mutex_t lock;
	struct ledger_stats stats;
};

/* ledger_stmt: a kept statement, reset, nothing bound; NULL on error. */
sqlite3_stmt *ledger_stmt(struct ledger *ledger, enum sql sql);

/* ledger_run steps a statement that gives no rows, and resets it. 0 or
 * -errno. */
int ledger_run(struct ledger *ledger, sqlite3_stmt *stmt) MUST_USE;

/* ledger_write calls `work` in one transaction and commits. 0 or -errno,
 * counted, logged and undone. */
typedef int ledger_work_fn(struct ledger *ledger, const void *arg);
int ledger_write(
    struct ledger *ledger, ledger_work_fn *work, const void *arg) MUST_USE;

/* ledger_say: something that is not a failed commit went wrong. */
void ledger_say(struct ledger *ledger, const char *what);

/* ledger_keep puts a row into the queue for the next commit. */
void ledger_keep(struct ledger *ledger, enum row_kind kind, const void *payload,
    size_t size);

/* ---- life.c: a sign of life ---- */

/* Both clocks at one moment. life_store is part of a transaction; life_tick
 * writes one if the last is some seconds old, life_end in any case. */
struct life_mark {
	wall_us wall;
	mono_us boot;
};
struct life_mark life_mark(const struct ledger *ledger);
int life_store(struct ledger *ledger, const void *mark) MUST_USE;
void life_tick(struct ledger *ledger, const struct life_mark *mark);
void life_end(struct ledger *ledger);

/* ---- prune.c: what is old goes ---- */

/* trust_begin looks at the clock and at what stands in the ledger. */
void trust_begin(struct ledger *ledger);
void prune_tick(struct ledger *ledger, wall_us now);

/* ---- space.c: a disk that runs full ---- */

void space_begin(struct ledger *ledger);
void space_end(struct ledger *ledger);
void space_tick(struct ledger *ledger);

/* space_release makes room for a commit that found none; false when there is
 * nothing to let go. */
bool space_release(struct ledger *ledger);

/* ---- read.c, read_incident.c: a connection that only reads ---- */

struct ledger_reader {
	sqlite3 *db;
	pthread_mutex_t lock; /* held around all of these: */
};

/* reader_prepare logs what is wrong and gives NULL. reader_finish ends it, and
 * says what went wrong with the step that gave `rc`; true when nothing. */
sqlite3_stmt *reader_prepare(struct ledger_reader *reader, const char *sql);
bool reader_finish(struct ledger_reader *reader, sqlite3_stmt *stmt, int rc);

/* The deliveries of one incident, oldest first; NULL on error. */
struct jv *reader_deliveries(struct ledger_reader *reader, int64_t incident);

/* ---- account.c, tally.c, run.c, event.c ---- */

void stops_flush(struct ledger *ledger);

int tally_flush(struct ledger *ledger) MUST_USE;
void tally_compact(struct ledger *ledger);
int tally_prune(struct ledger *ledger, wall_us before) MUST_USE;
int failure_store(struct ledger *ledger, const void *payload) MUST_USE;
int blind_store(struct ledger *ledger, const void *payload) MUST_USE;
int run_store(struct ledger *ledger, const void *payload, size_t size) MUST_USE;
int timeline_store(
    struct ledger *ledger, const struct incident_entry *entry) MUST_USE;
int attempt_store(struct ledger *ledger, const void *payload) MUST_USE;
int delivery_prune(struct ledger *ledger, wall_us before) MUST_USE;

#endif
