/*
 * What people change: windows, tokens, and the audit of it all. Seldom, so
 * that their statements are not kept.
 */
#include "ledger/change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ledger-int.h"

struct change_call {
	struct ledger_change change;
	ledger_changed_fn *done;
	void *arg;
};

/* What became of it: a refusal is no failed commit. */
struct outcome {
	const struct ledger_change *change;
	int refusal;
	int64_t id;
};

static sqlite3_stmt *
prepare(struct ledger *ledger, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	(void)sqlite3_prepare_v2(ledger->db, sql, -1, &stmt, NULL);
	return stmt;
}

/* Steps a statement that gives no rows, and ends it. */
static int
run(struct ledger *ledger, sqlite3_stmt *stmt)
{
	int rc = stmt != NULL ? sqlite3_step(stmt) : SQLITE_ERROR;

	if (stmt == NULL)
		return sql_errno(
		    ledger->db, sqlite3_extended_errcode(ledger->db));
	sqlite3_finalize(stmt);
	return sql_errno(ledger->db, rc);
}

/* ---- windows ---- */

static int
add_window(struct ledger *ledger, struct outcome *outcome)
{
	const struct window *window = &outcome->change->window;
	sqlite3_stmt *stmt = prepare(ledger,
	    "INSERT INTO announcement(kind, operator, deployment, act, rule,"
	    " since, until, days, at_minute, minutes, agreed_from, reason,"
	    " created, created_by) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
	    " ?10, ?11, ?12, ?13, ?14)");
	int rc;

	if (stmt != NULL) {
		sql_bind_text(stmt, 1, window_kind_name(window->kind));
		sql_bind_text(stmt, 2, window->op);
		sql_bind_text(stmt, 3, window->deployment);
		sql_bind_text(stmt, 4, window->act);
		sql_bind_text(stmt, 5, window->rule);
		sql_bind_int(stmt, 6, window->from);
		sql_bind_int(stmt, 7, window->until);
		sql_bind_int(stmt, 8, window->days);
		sql_bind_int(stmt, 9, window->at_minute);
		sql_bind_int(stmt, 10, window->minutes);
		sql_bind_int(stmt, 11, window->agreed_from);
		sql_bind_text(stmt, 12, window->reason);
		sql_bind_int(stmt, 13, window->created);
		sql_bind_text(stmt, 14, window->created_by);
	}
	rc = run(ledger, stmt);
	outcome->id = sqlite3_last_insert_rowid(ledger->db);
	return rc;
}

static int
end_window(struct ledger *ledger, struct outcome *outcome)
{
	const struct window *window = &outcome->change->window;
	sqlite3_stmt *stmt = prepare(ledger,
	    "UPDATE announcement SET ended = ?2, ended_by = ?3"
	    " WHERE id = ?1 AND ended = 0");
	int rc;

	if (stmt != NULL) {
		sql_bind_int(stmt, 1, window->id);
		sql_bind_int(stmt, 2, window->ended);
		sql_bind_text(stmt, 3, window->ended_by);
	}
	rc = run(ledger, stmt);
	outcome->id = window->id;
	if (rc == 0 && sqlite3_changes(ledger->db) == 0)
		outcome->refusal = -ENOENT;
	return rc;
}

/* ---- tokens ---- */

/* How many are valid under that name; -errno. */
static int
count_tokens(struct ledger *ledger, const struct token *token)
{
	sqlite3_stmt *stmt = prepare(ledger,
	    "SELECT count(*) FROM token WHERE name = ?1 AND revoked = 0"
	    " AND expires > ?2");
	int rc = SQLITE_ERROR, n = 0;

	if (stmt != NULL) {
		sql_bind_text(stmt, 1, token->name);
		sql_bind_int(stmt, 2, token->created);
		rc = sqlite3_step(stmt);
		n = sqlite3_column_int(stmt, 0);
		sqlite3_finalize(stmt);
	}
	return rc == SQLITE_ROW ? n : sql_errno(ledger->db, rc);
}

static int
add_token(struct ledger *ledger, struct outcome *outcome)
{
	const struct token *token = &outcome->change->token;
	int n = count_tokens(ledger, token);
	sqlite3_stmt *stmt;

	if (n < 0)
		return n;
	if (n >= TOKENS_OF_ONE) {
		outcome->refusal = -EDQUOT;
		return 0;
	}
	stmt = prepare(ledger,
	    "INSERT INTO token(id, digest, name, role, operator, created,"
	    " created_by, expires) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
	if (stmt != NULL) {
		sql_bind_text(stmt, 1, token->id);
		sqlite3_bind_blob(stmt, 2, token->digest, sizeof(token->digest),
		    SQLITE_STATIC);
		sql_bind_text(stmt, 3, token->name);
		sql_bind_text(stmt, 4, role_name(token->role));
		sql_bind_text(stmt, 5, token->op);
		sql_bind_int(stmt, 6, token->created);
		sql_bind_text(stmt, 7, token->created_by);
		sql_bind_int(stmt, 8, token->expires);
	}
	return run(ledger, stmt);
}

static int
revoke_token(struct ledger *ledger, struct outcome *outcome)
{
	const struct token *token = &outcome->change->token;
	sqlite3_stmt *stmt = prepare(ledger,
	    "UPDATE token SET revoked = ?2 WHERE id = ?1 AND revoked = 0");
	int rc;

	if (stmt != NULL) {
		sql_bind_text(stmt, 1, token->id);
		sql_bind_int(stmt, 2, token->revoked);
	}
	rc = run(ledger, stmt);
	if (rc == 0 && sqlite3_changes(ledger->db) == 0)
		outcome->refusal = -ENOENT;
	return rc;
}

struct use_call {
	char id[TOKEN_ID_SIZE];
	wall_us at;
};

static int
write_use(struct ledger *ledger, const void *arg)
{
	const struct use_call *call = arg;
	sqlite3_stmt *stmt =
	    prepare(ledger, "UPDATE token SET last_used = ?2 WHERE id = ?1");

	if (stmt != NULL) {
		sql_bind_text(stmt, 1, call->id);
		sql_bind_int(stmt, 2, call->at);
	}
	return run(ledger, stmt);
}

static void
do_use(void *ctx, const void *payload, size_t size)
{
	(void)size;
	/* said already, and said again in an hour */
	(void)!ledger_write(ctx, write_use, payload);
}

void
ledger_use_token(
    struct ledger *ledger, const char id[TOKEN_ID_SIZE], wall_us at)
{
	struct use_call call = {.at = at};

	text_copy(call.id, sizeof(call.id), id);
	(void)!lane_call_later(
	    ledger->lane, do_use, ledger, &call, sizeof(call));
}

/* ---- a change and its audit ---- */

static int
add_audit(struct ledger *ledger, const struct outcome *outcome)
{
	const struct ledger_audit *audit = &outcome->change->audit;
	char object[AUDIT_TEXT_SIZE];
	sqlite3_stmt *stmt = prepare(ledger,
	    "INSERT INTO audit(at, who, via, action, object, data)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)");

	text_copy(object, sizeof(object), audit->object);
	if (outcome->change->kind == LEDGER_ADD_WINDOW)
		snprintf(
		    object, sizeof(object), "%lld", (long long)outcome->id);
	if (stmt != NULL) {
		sql_bind_int(stmt, 1, audit->at);
		sql_bind_text(stmt, 2, audit->who);
		sql_bind_text(stmt, 3, audit->via);
		sql_bind_text(stmt, 4, audit->action);
		sql_bind_text(stmt, 5, object);
		sql_bind_text(stmt, 6, audit->data);
	}
	return run(ledger, stmt);
}

static int
write_change(struct ledger *ledger, const void *arg)
{
	struct outcome *const *at = arg;
	struct outcome *outcome = *at;
	int rc = 0;

	outcome->refusal = 0;
	switch (outcome->change->kind) {
	case LEDGER_ADD_WINDOW:
		rc = add_window(ledger, outcome);
		break;
	case LEDGER_END_WINDOW:
		rc = end_window(ledger, outcome);
		break;
	case LEDGER_ADD_TOKEN:
		rc = add_token(ledger, outcome);
		break;
	case LEDGER_REVOKE_TOKEN:
		rc = revoke_token(ledger, outcome);
		break;
	case LEDGER_AUDIT:
		break;
	}
	return rc == 0 && outcome->refusal == 0 ? add_audit(ledger, outcome)
						: rc;
}

static void
do_change(void *ctx, const void *payload, size_t size)
{
	const struct change_call *call = payload;
	struct outcome outcome = {.change = &call->change}, *at = &outcome;
	int rc = ledger_write(ctx, write_change, &at);

	(void)size;
	if (rc == 0)
		rc = outcome.refusal;
	if (call->done != NULL)
		call->done(call->arg, rc, outcome.id);
}

int
ledger_put_change(struct ledger *ledger, const struct ledger_change *change,
    ledger_changed_fn *done, void *arg)
{
	struct change_call call = {.change = *change, .done = done, .arg = arg};

	return lane_call(ledger->lane, do_change, ledger, &call, sizeof(call));
}
