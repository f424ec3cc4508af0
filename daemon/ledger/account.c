#include "ledger-int.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Accounts that must not log in: few, so that they are written as a whole. */

static int
add_stop(struct ledger *ledger, const struct account_stop *stop)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_STOP_ADD);

	if (stmt != NULL) {
		sql_bind_text(stmt, 1, stop->account);
		sql_bind_text(stmt, 2, reason_name(stop->reason));
		sql_bind_int(stmt, 3, stop->since);
		sql_bind_text(stmt, 4, stop->target);
		sql_bind_text(stmt, 5, stop->step);
		sql_bind_text(stmt, 6, stop->run_id);
		sql_bind_text(stmt, 7, stop->credentials);
	}
	return ledger_run(ledger, stmt);
}

static int
write_stops(struct ledger *ledger, const void *arg)
{
	int rc = ledger_run(ledger, ledger_stmt(ledger, SQL_STOP_CLEAR));

	(void)arg;
	for (size_t i = 0; i < ledger->n_stops && rc == 0; i++)
		rc = add_stop(ledger, &ledger->stops[i]);
	return rc;
}

void
stops_flush(struct ledger *ledger)
{
	if (ledger->stops_wait && ledger_write(ledger, write_stops, NULL) == 0)
		ledger->stops_wait = false;
}

static void
do_put_stops(void *ctx, const void *payload, size_t size)
{
	struct ledger *ledger = ctx;

	ledger->n_stops = size / sizeof(*ledger->stops);
	ledger->stops = mem_grow(
	    ledger->stops, ledger->n_stops + 1, sizeof(*ledger->stops));
	if (size > 0)
		memcpy(ledger->stops, payload, size);
	ledger->stops_wait = true;
	stops_flush(ledger);
}

int
ledger_put_stops(
    struct ledger *ledger, const struct account_stop *stops, size_t n)
{
	return lane_call(
	    ledger->lane, do_put_stops, ledger, stops, n * sizeof(*stops));
}

int
ledger_each_stop(struct ledger *ledger,
    void (*fn)(void *arg, const struct account_stop *stop), void *arg)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_STOP_ALL);
	int rc;

	if (stmt == NULL)
		return ledger_run(ledger, stmt);
	for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
	     rc = sqlite3_step(stmt)) {
		struct account_stop stop = {.reason = REASON_BAD_CREDENTIALS};

		text_copy(
		    stop.account, sizeof(stop.account), sql_text(stmt, 0));
		(void)reason_parse(sql_text(stmt, 1), &stop.reason);
		stop.since = sqlite3_column_int64(stmt, 2);
		text_copy(stop.target, sizeof(stop.target), sql_text(stmt, 3));
		text_copy(stop.step, sizeof(stop.step), sql_text(stmt, 4));
		text_copy(stop.run_id, sizeof(stop.run_id), sql_text(stmt, 5));
		text_copy(stop.credentials, sizeof(stop.credentials),
		    sql_text(stmt, 6));
		fn(arg, &stop);
	}
	sqlite3_reset(stmt);
	return sql_errno(ledger->db, rc);
}
