/* Reading what people changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "ledger-int.h"
#include "ledger/change.h"

#define WINDOW_COLUMNS \
	"id, kind, operator, deployment, act, rule, since, until, days," \
	" at_minute, minutes, agreed_from, reason, created, created_by, " \
	"ended," \
	" ended_by"
#define TOKEN_COLUMNS \
	"id, digest, name, role, operator, created, created_by, expires," \
	" revoked, last_used"

static void
copy(char *out, size_t size, sqlite3_stmt *stmt, int column)
{
	text_copy(out, size, sql_text(stmt, column));
}

static void
read_window(sqlite3_stmt *stmt, struct window *window)
{
	memset(window, 0, sizeof(*window));
	window->id = sqlite3_column_int64(stmt, 0);
	window->kind =
	    strcmp(sql_text(stmt, 1), window_kind_name(WINDOW_SILENCE)) == 0
	    ? WINDOW_SILENCE
	    : WINDOW_MAINTENANCE;
	copy(window->op, sizeof(window->op), stmt, 2);
	copy(window->deployment, sizeof(window->deployment), stmt, 3);
	copy(window->act, sizeof(window->act), stmt, 4);
	copy(window->rule, sizeof(window->rule), stmt, 5);
	window->from = sqlite3_column_int64(stmt, 6);
	window->until = sqlite3_column_int64(stmt, 7);
	window->days = (uint8_t)sqlite3_column_int(stmt, 8);
	window->at_minute = (uint16_t)sqlite3_column_int(stmt, 9);
	window->minutes = (uint16_t)sqlite3_column_int(stmt, 10);
	window->agreed_from = sqlite3_column_int64(stmt, 11);
	copy(window->reason, sizeof(window->reason), stmt, 12);
	window->created = sqlite3_column_int64(stmt, 13);
	copy(window->created_by, sizeof(window->created_by), stmt, 14);
	window->ended = sqlite3_column_int64(stmt, 15);
	copy(window->ended_by, sizeof(window->ended_by), stmt, 16);
}

static void
read_token(sqlite3_stmt *stmt, struct token *token)
{
	const void *digest = sqlite3_column_blob(stmt, 1);

	memset(token, 0, sizeof(*token));
	copy(token->id, sizeof(token->id), stmt, 0);
	/* of another length it proves nothing */
	if (sqlite3_column_bytes(stmt, 1) == (int)sizeof(token->digest))
		memcpy(token->digest, digest, sizeof(token->digest));
	copy(token->name, sizeof(token->name), stmt, 2);
	(void)role_parse(sql_text(stmt, 3), &token->role);
	copy(token->op, sizeof(token->op), stmt, 4);
	token->created = sqlite3_column_int64(stmt, 5);
	copy(token->created_by, sizeof(token->created_by), stmt, 6);
	token->expires = sqlite3_column_int64(stmt, 7);
	token->revoked = sqlite3_column_int64(stmt, 8);
	token->last_used = sqlite3_column_int64(stmt, 9);
}

/* ---- windows ---- */

int
ledger_each_window(
    struct ledger *ledger, wall_us now, ledger_window_fn *fn, void *arg)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(ledger->db,
	    "SELECT " WINDOW_COLUMNS " FROM announcement"
	    " WHERE (ended = 0 OR ended > ?1)"
	    " AND (until = 0 OR until > ?1 OR days <> 0) ORDER BY id",
	    -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return sql_errno(ledger->db, rc);
	sql_bind_int(stmt, 1, now);
	for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
	     rc = sqlite3_step(stmt)) {
		struct window window;

		read_window(stmt, &window);
		fn(arg, &window);
	}
	sqlite3_finalize(stmt);
	return sql_errno(ledger->db, rc);
}

int
ledger_read_windows(struct ledger_reader *reader, enum window_kind kind,
    const char *op, ledger_window_fn *fn, void *arg)
{
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR;
	bool well;

	pthread_mutex_lock(&reader->lock);
	stmt = reader_prepare(reader,
	    "SELECT " WINDOW_COLUMNS " FROM announcement WHERE kind = ?1"
	    " AND ?2 IN ('', operator) ORDER BY id DESC");
	if (stmt != NULL) {
		sql_bind_text(stmt, 1, window_kind_name(kind));
		sql_bind_text(stmt, 2, op != NULL ? op : "");
		for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
		     rc = sqlite3_step(stmt)) {
			struct window window;

			read_window(stmt, &window);
			fn(arg, &window);
		}
	}
	well = reader_finish(reader, stmt, rc);
	pthread_mutex_unlock(&reader->lock);
	return well ? 0 : -EIO;
}

int
ledger_read_window(struct ledger_reader *reader, enum window_kind kind,
    int64_t id, struct window *window)
{
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR;
	bool well, found = false;

	pthread_mutex_lock(&reader->lock);
	stmt = reader_prepare(reader,
	    "SELECT " WINDOW_COLUMNS " FROM announcement"
	    " WHERE kind = ?1 AND id = ?2");
	if (stmt != NULL) {
		sql_bind_text(stmt, 1, window_kind_name(kind));
		sql_bind_int(stmt, 2, id);
		rc = sqlite3_step(stmt);
		found = rc == SQLITE_ROW;
		if (found)
			read_window(stmt, window);
	}
	well = reader_finish(reader, stmt, rc);
	pthread_mutex_unlock(&reader->lock);
	return !well ? -EIO : found ? 0 : -ENOENT;
}

/* ---- tokens ---- */

int
ledger_read_token(struct ledger_reader *reader, const char id[TOKEN_ID_SIZE],
    struct token *token)
{
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR;
	bool well, found = false;

	pthread_mutex_lock(&reader->lock);
	stmt = reader_prepare(
	    reader, "SELECT " TOKEN_COLUMNS " FROM token WHERE id = ?1");
	if (stmt != NULL) {
		sql_bind_text(stmt, 1, id);
		rc = sqlite3_step(stmt);
		found = rc == SQLITE_ROW;
		if (found)
			read_token(stmt, token);
	}
	well = reader_finish(reader, stmt, rc);
	pthread_mutex_unlock(&reader->lock);
	return !well ? -EIO : found ? 0 : -ENOENT;
}

int
ledger_read_tokens(struct ledger_reader *reader, ledger_token_fn *fn, void *arg)
{
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR;
	bool well;

	pthread_mutex_lock(&reader->lock);
	stmt = reader_prepare(reader,
	    "SELECT " TOKEN_COLUMNS " FROM token ORDER BY created DESC, id");
	if (stmt != NULL) {
		for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
		     rc = sqlite3_step(stmt)) {
			struct token token;

			read_token(stmt, &token);
			fn(arg, &token);
		}
	}
	well = reader_finish(reader, stmt, rc);
	pthread_mutex_unlock(&reader->lock);
	return well ? 0 : -EIO;
}

/* ---- the audit ---- */

static struct jv *
audit_json(sqlite3_stmt *stmt)
{
	struct jv *row = jv_object();
	const char *data = sql_text(stmt, 6);
	struct jv *details = jv_parse(data, strlen(data), NULL, 0);

	jv_set(row, "seq", jv_int(sqlite3_column_int64(stmt, 0)));
	jv_set(row, "at", jv_int(sqlite3_column_int64(stmt, 1) / US_PER_S));
	jv_set(row, "who", jv_string(sql_text(stmt, 2)));
	jv_set(row, "via", jv_string(sql_text(stmt, 3)));
	jv_set(row, "action", jv_string(sql_text(stmt, 4)));
	jv_set(row, "object", jv_string(sql_text(stmt, 5)));
	return jv_set(row, "data", details != NULL ? details : jv_null());
}

struct jv *
ledger_read_audit(struct ledger_reader *reader, uint32_t limit)
{
	struct jv *list = jv_array();
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR;

	pthread_mutex_lock(&reader->lock);
	stmt = reader_prepare(reader,
	    "SELECT seq, at, who, via, action, object, data FROM audit"
	    " ORDER BY seq DESC LIMIT ?1");
	if (stmt != NULL) {
		sql_bind_int(stmt, 1, limit);
		for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
		     rc = sqlite3_step(stmt))
			jv_push(list, audit_json(stmt));
	}
	if (!reader_finish(reader, stmt, rc)) {
		jv_release(list);
		list = NULL;
	}
	pthread_mutex_unlock(&reader->lock);
	return list != NULL ? jv_set(jv_object(), "audit", list) : NULL;
}
