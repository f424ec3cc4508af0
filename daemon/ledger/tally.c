#include "ledger-int.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Exact counts per target and minute, which runs failed, and when we were
 * blind. */

#define MINUTE (60 * US_PER_S)
#define CELLS_MOST 262144

struct tally_call {
	const struct target *target;
	wall_us started;
	enum verdict verdict;
};

static void
do_tally(void *ctx, const void *payload, size_t size)
{
	struct ledger *ledger = ctx;
	const struct tally_call *call = payload;
	struct tally_cell *cell;

	(void)size;
	if (ledger->n_cells >= CELLS_MOST) {
		ledger_say(ledger,
		    "too much waits for the disk; the oldest "
		    "tallies are dropped");
		ledger->n_cells -= CELLS_MOST / 4;
		memmove(ledger->cells, ledger->cells + CELLS_MOST / 4,
		    ledger->n_cells * sizeof(*ledger->cells));
	}
	if (ledger->n_cells == ledger->cap_cells) {
		ledger->cap_cells =
		    ledger->cap_cells > 0 ? 2 * ledger->cap_cells : 256;
		ledger->cells = mem_grow(
		    ledger->cells, ledger->cap_cells, sizeof(*ledger->cells));
	}
	cell = &ledger->cells[ledger->n_cells++];
	memset(cell, 0, sizeof(*cell));
	cell->target = call->target;
	cell->minute = call->started / MINUTE;
	switch (call->verdict) {
	case VERDICT_UP:
		cell->ok = 1;
		break;
	case VERDICT_DOWN:
		cell->failed = 1;
		break;
	case VERDICT_EXCLUDED:
		cell->excluded = 1;
		break;
	}
}

struct failure_call {
	const struct target *target;
	wall_us started;
	enum reason reason;
	char run[TRACE_ID_SIZE];
	char step[MODEL_NAME_SIZE];
};

static void
do_failure(void *ctx, const void *payload, size_t size)
{
	ledger_keep(ctx, ROW_FAILURE, payload, size);
}

/* Its tally has added the target. */
int
failure_store(struct ledger *ledger, const void *payload)
{
	const struct failure_call *call = payload;
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_FAILURE_ADD);

	if (stmt != NULL) {
		sql_bind_int(stmt, 1, call->started / MINUTE);
		sql_bind_text(stmt, 2, call->target->path);
		sql_bind_text(stmt, 3, call->run);
		sql_bind_text(stmt, 4, reason_name(call->reason));
		sql_bind_text(stmt, 5, call->step);
	}
	return ledger_run(ledger, stmt);
}

static int
keep_failure(struct ledger *ledger, const struct result *result)
{
	struct failure_call call = {
	    .target = result->target,
	    .started = result->started_wall,
	    .reason = result->reason,
	};

	text_copy(call.run, sizeof(call.run), result->run_id);
	text_copy(call.step, sizeof(call.step), result->step);
	return lane_call_later(
	    ledger->lane, do_failure, ledger, &call, sizeof(call));
}

int
ledger_tally(struct ledger *ledger, const struct result *result)
{
	struct tally_call call = {
	    .target = result->target,
	    .started = result->started_wall,
	    .verdict = reason_verdict(result->reason),
	};

	int rc = lane_call_later(
	    ledger->lane, do_tally, ledger, &call, sizeof(call));

	return rc == 0 && call.verdict == VERDICT_DOWN
	    ? keep_failure(ledger, result)
	    : rc;
}

/* ---- our own blind time ---- */

static void
do_blind(void *ctx, const void *payload, size_t size)
{
	ledger_keep(ctx, ROW_BLIND, payload, size);
}

int
blind_store(struct ledger *ledger, const void *payload)
{
	const struct ledger_blind *blind = payload;
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_BLIND_PUT);

	if (stmt != NULL) {
		sql_bind_int(stmt, 1, blind->since);
		sql_bind_text(stmt, 2, blind->cause);
		sql_bind_int(stmt, 3, blind->until);
	}
	return ledger_run(ledger, stmt);
}

int
ledger_put_blind(struct ledger *ledger, const struct ledger_blind *blind)
{
	return lane_call_later(
	    ledger->lane, do_blind, ledger, blind, sizeof(*blind));
}

static int
by_minute_and_target(const void *left, const void *right)
{
	const struct tally_cell *a = left, *b = right;

	if (a->minute != b->minute)
		return a->minute < b->minute ? -1 : 1;
	return strcmp(a->target->path, b->target->path);
}

/* While the disk is full, cells of one target and minute become one. */
void
tally_compact(struct ledger *ledger)
{
	size_t i, n = 0;

	if (ledger->n_cells == 0)
		return;
	qsort(ledger->cells, ledger->n_cells, sizeof(*ledger->cells),
	    by_minute_and_target);
	for (i = 1; i < ledger->n_cells; i++) {
		struct tally_cell *into = &ledger->cells[n];
		const struct tally_cell *cell = &ledger->cells[i];

		if (by_minute_and_target(into, cell) != 0) {
			ledger->cells[++n] = *cell;
			continue;
		}
		into->ok += cell->ok;
		into->failed += cell->failed;
		into->excluded += cell->excluded;
	}
	ledger->n_cells = n + 1;
}

static int
add_cell(struct ledger *ledger, const struct tally_cell *cell)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_TALLY_ADD);

	if (stmt != NULL) {
		sql_bind_int(stmt, 1, cell->minute);
		sql_bind_text(stmt, 2, cell->target->path);
		sql_bind_int(stmt, 3, cell->ok);
		sql_bind_int(stmt, 4, cell->failed);
		sql_bind_int(stmt, 5, cell->excluded);
	}
	return ledger_run(ledger, stmt);
}

int
tally_flush(struct ledger *ledger)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < ledger->n_cells && rc == 0; i++) {
		const struct tally_cell *cell = &ledger->cells[i];
		sqlite3_stmt *stmt;

		rc = add_cell(ledger, cell);
		if (rc != 0 || sqlite3_changes(ledger->db) > 0)
			continue;
		/* the first of its target */
		stmt = ledger_stmt(ledger, SQL_TARGET_ADD);
		if (stmt != NULL)
			sql_bind_text(stmt, 1, cell->target->path);
		rc = ledger_run(ledger, stmt);
		if (rc == 0)
			rc = add_cell(ledger, cell);
	}
	return rc;
}

int
tally_prune(struct ledger *ledger, wall_us before)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_TALLY_PRUNE);

	int rc;

	if (stmt != NULL)
		sql_bind_int(stmt, 1, before / MINUTE);
	rc = ledger_run(ledger, stmt);
	stmt = ledger_stmt(ledger, SQL_FAILURE_PRUNE);
	if (stmt != NULL)
		sql_bind_int(stmt, 1, before / MINUTE);
	rc = rc == 0 ? ledger_run(ledger, stmt) : rc;
	stmt = ledger_stmt(ledger, SQL_BLIND_PRUNE);
	if (stmt != NULL)
		sql_bind_int(stmt, 1, before);
	return rc == 0 ? ledger_run(ledger, stmt) : rc;
}
