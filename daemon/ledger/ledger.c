#include "ledger-int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

/*
 * The ledger's file: opened, checked, moved aside when damaged; transactions;
 * what is gathered between two commits. What is written is in tally.c, run.c,
 * event.c and account.c, what goes in prune.c; reading for the web in read.c.
 *
 * Every commit is synchronous=FULL, the gathered one too: at one a second it
 * costs nothing, and one rule is easier to rely on than two.
 */

#define BUSY_MS 2000
#define ROWS_MOST_BYTES ((size_t)16 << 20)

/* ---- open ---- */

static int
set_up(sqlite3 *db)
{
	static const char pragmas[] = "PRAGMA journal_mode = WAL;"
				      "PRAGMA synchronous = FULL;"
				      "PRAGMA foreign_keys = ON;"
				      "PRAGMA trusted_schema = OFF;"
				      "PRAGMA cell_size_check = ON;"
				      "PRAGMA temp_store = MEMORY;"
				      "PRAGMA journal_size_limit = 67108864;";

	sqlite3_busy_timeout(db, BUSY_MS);
	return sqlite3_exec(db, pragmas, NULL, NULL, NULL);
}

/* SQLITE_OK, SQLITE_CORRUPT with `why`, or another code. */
static int
check(sqlite3 *db, char *why, size_t size)
{
	sqlite3_stmt *stmt;
	int rc =
	    sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		rc = SQLITE_OK;
		if (strcmp(sql_text(stmt, 0), "ok") != 0) {
			snprintf(why, size, "%s", sql_text(stmt, 0));
			rc = SQLITE_CORRUPT;
		}
	}
	sqlite3_finalize(stmt);
	return rc;
}

static bool
is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT ||
	    (code & 0xff) == SQLITE_NOTADB || code == SQLITE_IOERR_SHORT_READ;
}

static int
open_file(sqlite3 **db, const char *path, char *why, size_t size)
{
	int rc = sqlite3_open_v2(path, db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_EXRESCODE,
	    NULL);

	why[0] = '\0';
	if (rc == SQLITE_OK)
		rc = set_up(*db);
	if (rc == SQLITE_OK)
		rc = check(*db, why, size);
	if (rc == SQLITE_OK)
		rc = sql_migrate(*db);
	if (rc == SQLITE_MISMATCH)
		snprintf(why, size, "written by a newer version");
	if (rc != SQLITE_OK && why[0] == '\0')
		snprintf(why, size, "%s",
		    *db != NULL ? sqlite3_errmsg(*db) : sqlite3_errstr(rc));
	return rc;
}

static int
move_aside(const char *path, wall_us now, const char *why)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	time_t at_s = (time_t)(now / US_PER_S);
	char stamp[32];
	struct tm tm;
	size_t i;
	int rc = 0;

	gmtime_r(&at_s, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &tm);
	for (i = 0; i < ARRAY_LEN(tails); i++) {
		char *from = mem_printf("%s%s", path, tails[i]);
		char *to = mem_printf("%s.damaged-%s%s", path, stamp, tails[i]);

		if (rename(from, to) != 0 && (i == 0 || errno != ENOENT))
			rc = -errno;
		free(from);
		free(to);
	}
	if (rc == 0)
		log_error("ledger damaged, moved aside, begun anew",
		    "path=%s to=%s.damaged-%s reason=\"%s\"", path, path, stamp,
		    why);
	return rc;
}

int
ledger_open(struct ledger **ledger, const char *path, struct lane *lane,
    const struct clock *clock)
{
	struct ledger *made;
	sqlite3 *db = NULL;
	char why[256];
	int code, rc;

	*ledger = NULL;
	code = open_file(&db, path, why, sizeof(why));
	if (is_damage(code)) {
		sqlite3_close(db);
		db = NULL;
		rc = move_aside(path, clock_wall(clock), why);
		if (rc != 0)
			return rc;
		code = open_file(&db, path, why, sizeof(why));
	}
	if (code != SQLITE_OK) {
		rc = sql_errno(db, code);
		log_error(
		    "ledger not opened", "path=%s problem=\"%s\"", path, why);
		sqlite3_close(db);
		return rc;
	}
	made = mem_new(sizeof(*made));
	made->db = db;
	made->path = mem_strdup(path);
	made->lane = lane;
	made->clock = clock;
	made->rows_end = &made->rows;
	pthread_mutex_init(&made->lock, NULL);
	trust_begin(made);
	space_begin(made);
	*ledger = made;
	return 0;
}

/* ---- transactions ---- */

static void
trouble(struct ledger *ledger, const char *what, int rc)
{
	char problem[sizeof(ledger->stats.problem)];
	unsigned suppressed;

	snprintf(problem, sizeof(problem), "%s: %s (%s)", what,
	    sqlite3_errmsg(ledger->db), strerror(-rc));
	pthread_mutex_lock(&ledger->lock);
	ledger->stats.errors++;
	memcpy(ledger->stats.problem, problem, sizeof(problem));
	pthread_mutex_unlock(&ledger->lock);
	if (log_damp(&ledger->damp, clock_mono(ledger->clock), &suppressed))
		log_error("ledger write failed", "problem=\"%s\" suppressed=%u",
		    problem, suppressed);
}

void
ledger_say(struct ledger *ledger, const char *what)
{
	pthread_mutex_lock(&ledger->lock);
	ledger->stats.errors++;
	pthread_mutex_unlock(&ledger->lock);
	log_warn("ledger", "problem=\"%s\"", what);
}

static void
healed(struct ledger *ledger)
{
	pthread_mutex_lock(&ledger->lock);
	ledger->stats.commits++;
	ledger->stats.problem[0] = '\0';
	pthread_mutex_unlock(&ledger->lock);
	if (log_damp_heal(&ledger->damp))
		log_info("ledger writes again", "path=%s", ledger->path);
}

static int
execute(struct ledger *ledger, const char *sql)
{
	return sql_errno(
	    ledger->db, sqlite3_exec(ledger->db, sql, NULL, NULL, NULL));
}

static int
try_write(struct ledger *ledger, ledger_work_fn *work, const void *arg)
{
	int rc = execute(ledger, "BEGIN IMMEDIATE");

	if (rc == 0)
		rc = work(ledger, arg);
	if (rc == 0)
		rc = execute(ledger, "COMMIT");
	return rc;
}

/* some errors have rolled back already */
static void
undo(struct ledger *ledger)
{
	if (!sqlite3_get_autocommit(ledger->db))
		sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
}

int
ledger_write(struct ledger *ledger, ledger_work_fn *work, const void *arg)
{
	int rc = try_write(ledger, work, arg);

	if (rc == -ENOSPC && space_release(ledger)) {
		undo(ledger);
		rc = try_write(ledger, work, arg);
	}
	if (rc == 0) {
		healed(ledger);
		return 0;
	}
	trouble(ledger, "commit", rc);
	undo(ledger);
	return rc;
}

/* ---- gathering ---- */

static void
drop_first_row(struct ledger *ledger)
{
	struct row *row = ledger->rows;

	ledger->rows = row->next;
	if (ledger->rows == NULL)
		ledger->rows_end = &ledger->rows;
	ledger->rows_bytes -= row->size;
	if (row->kind == ROW_ATTEMPT)
		ledger->n_attempts--;
	free(row);
}

void
ledger_keep(
    struct ledger *ledger, enum row_kind kind, const void *payload, size_t size)
{
	struct row *row = mem_new(sizeof(*row) + size);

	row->kind = kind;
	row->size = size;
	memcpy(row->payload, payload, size);
	*ledger->rows_end = row;
	ledger->rows_end = &row->next;
	ledger->rows_bytes += size;
	if (kind == ROW_ATTEMPT)
		ledger->n_attempts++;
	while (ledger->rows_bytes > ROWS_MOST_BYTES &&
	    ledger->rows->next != NULL) {
		ledger_say(ledger,
		    "too much waits for the disk; the oldest "
		    "run, failure or attempt is dropped");
		drop_first_row(ledger);
	}
}

static int
write_gathered(struct ledger *ledger, const void *arg)
{
	struct row *row;
	int rc = tally_flush(ledger);

	(void)arg;
	for (row = ledger->rows; row != NULL && rc == 0; row = row->next) {
		switch (row->kind) {
		case ROW_RUN:
			if (!ledger->space.low)
				rc = run_store(ledger, row->payload, row->size);
			break;
		case ROW_ATTEMPT:
			rc = attempt_store(ledger, row->payload);
			break;
		case ROW_FAILURE:
			rc = failure_store(ledger, row->payload);
			break;
		case ROW_BLIND:
			rc = blind_store(ledger, row->payload);
			break;
		}
	}
	return rc;
}

/* What was committed is forgotten; runs that must wait stay. */
static void
drop_written(struct ledger *ledger)
{
	struct row *row = ledger->rows, *next;

	ledger->rows = NULL;
	ledger->rows_end = &ledger->rows;
	for (; row != NULL; row = next) {
		next = row->next;
		row->next = NULL;
		if (row->kind == ROW_RUN && ledger->space.low) {
			*ledger->rows_end = row;
			ledger->rows_end = &row->next;
			continue;
		}
		ledger->rows_bytes -= row->size;
		free(row);
	}
	ledger->n_attempts = 0;
}

static void
flush(struct ledger *ledger)
{
	bool idle = ledger->n_cells == 0 && ledger->n_attempts == 0;

	if (idle && (ledger->rows == NULL || ledger->space.low))
		return;
	if (ledger_write(ledger, write_gathered, NULL) != 0) {
		tally_compact(ledger);
		return;
	}
	ledger->n_cells = 0;
	drop_written(ledger);
}

struct tick_call {
	wall_us now;
	struct life_mark mark;
};

static void
do_tick(void *ctx, const void *payload, size_t size)
{
	struct ledger *ledger = ctx;
	const struct tick_call *call = payload;

	(void)size;
	space_tick(ledger);
	stops_flush(ledger);
	flush(ledger);
	life_tick(ledger, &call->mark);
	prune_tick(ledger, call->now);
}

int
ledger_tick(struct ledger *ledger, wall_us now)
{
	struct tick_call call = {.now = now, .mark = life_mark(ledger)};

	return lane_call(ledger->lane, do_tick, ledger, &call, sizeof(call));
}

void
ledger_stats(struct ledger *ledger, struct ledger_stats *stats)
{
	pthread_mutex_lock(&ledger->lock);
	*stats = ledger->stats;
	pthread_mutex_unlock(&ledger->lock);
	if (stats->low && stats->problem[0] == '\0')
		text_copy(stats->problem, sizeof(stats->problem),
		    "disk nearly full: runs wait in memory");
}

void
ledger_close(struct ledger *ledger)
{
	int i;

	if (ledger == NULL)
		return;
	stops_flush(ledger);
	flush(ledger);
	life_end(ledger);
	while (ledger->rows != NULL)
		drop_first_row(ledger);
	for (i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(ledger->stmts[i]);
	sqlite3_close(ledger->db);
	pthread_mutex_destroy(&ledger->lock);
	space_end(ledger);
	free(ledger->cells);
	free(ledger->stops);
	free(ledger->path);
	free(ledger);
}
