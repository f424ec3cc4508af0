#include "ledger-int.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Recent runs, as the JSON text that the probe made of them. */

struct run_call {
	char id[64];
	char operator[MODEL_NAME_SIZE];
	char deployment[MODEL_NAME_SIZE];
	wall_us started;
	enum verdict verdict;
	uint32_t keep;
	size_t len;
	char json[];
};

static void
do_put_run(void *ctx, const void *payload, size_t size)
{
	ledger_keep(ctx, ROW_RUN, payload, size);
}

int
ledger_put_run(struct ledger *ledger, const char *id, const char *op,
    const char *deployment, wall_us started, enum verdict verdict,
    uint32_t keep, const char *json, size_t json_len)
{
	struct run_call *call = mem_new(sizeof(*call) + json_len);
	int rc;

	text_copy(call->id, sizeof(call->id), id);
	text_copy(call->operator, sizeof(call->operator), op);
	text_copy(call->deployment, sizeof(call->deployment), deployment);
	call->started = started;
	call->verdict = verdict;
	call->keep = keep;
	call->len = json_len;
	memcpy(call->json, json, json_len);
	rc = lane_call_later(
	    ledger->lane, do_put_run, ledger, call, sizeof(*call) + json_len);
	free(call);
	return rc;
}

/* The column `ok`: 1 good, 0 failed, 2 does not count. */
static int
ok_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_UP:
		return 1;
	case VERDICT_DOWN:
		return 0;
	case VERDICT_EXCLUDED:
		break;
	}
	return 2;
}

int
run_store(struct ledger *ledger, const void *payload, size_t size)
{
	const struct run_call *call = payload;
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_RUN_ADD);
	int rc;

	(void)size;
	if (stmt != NULL) {
		sql_bind_text(stmt, 1, call->id);
		sql_bind_text(stmt, 2, call->operator);
		sql_bind_text(stmt, 3, call->deployment);
		sql_bind_int(stmt, 4, call->started);
		sql_bind_int(stmt, 5, ok_of(call->verdict));
		sqlite3_bind_text64(
		    stmt, 6, call->json, call->len, SQLITE_STATIC, SQLITE_UTF8);
	}
	rc = ledger_run(ledger, stmt);
	if (rc != 0)
		return rc;
	stmt = ledger_stmt(ledger, SQL_RUN_PRUNE);
	if (stmt != NULL) {
		sql_bind_text(stmt, 1, call->operator);
		sql_bind_text(stmt, 2, call->deployment);
		sql_bind_int(stmt, 3, call->keep);
	}
	return ledger_run(ledger, stmt);
}
