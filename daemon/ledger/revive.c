#include "ledger-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Dead letters that somebody wants to be sent after all. */

#define AT_ONCE 1000 /* more are left dead, for another call */

struct letter {
	struct ledger_delivery row;
	char *body;
	size_t body_len;
};

struct revival {
	int64_t id; /* 0: all */
	wall_us now;
	ledger_revived_fn *fn;
	void *arg;
	struct letter *letters;
	size_t n;
};

static int
find_dead(struct ledger *ledger, struct revival *revival)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_DELIVERY_DEAD);
	int rc;

	if (stmt == NULL)
		return ledger_run(ledger, stmt);
	sql_bind_int(stmt, 1, revival->id);
	sql_bind_int(stmt, 2, AT_ONCE);
	for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
	     rc = sqlite3_step(stmt)) {
		struct letter *letter;
		const void *body = sqlite3_column_blob(stmt, 12);

		revival->letters = mem_grow(revival->letters, revival->n + 1,
		    sizeof(*revival->letters));
		letter = &revival->letters[revival->n++];
		sql_read_delivery(stmt, &letter->row);
		letter->body_len = (size_t)sqlite3_column_bytes(stmt, 12);
		letter->body =
		    mem_strndup(body != NULL ? body : "", letter->body_len);
	}
	sqlite3_reset(stmt);
	return sql_errno(ledger->db, rc);
}

/* It lives for three days from now. */
static int
revive(struct ledger *ledger, struct ledger_delivery *row, wall_us now)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_DELIVERY_REVIVE);
	struct incident_entry entry = {
	    .incident = row->incident, .at = now, .kind = "delivery"};
	int rc;

	row->state = DELIVERY_PENDING;
	row->created = row->next_try = now;
	row->finished = 0;
	row->tries = 0;
	row->last_status = 0;
	row->last_problem[0] = '\0';
	if (stmt != NULL) {
		sql_bind_int(stmt, 1, row->id);
		sql_bind_int(stmt, 2, now);
	}
	rc = ledger_run(ledger, stmt);
	if (rc != 0 || row->incident == 0)
		return rc;
	snprintf(entry.text, sizeof(entry.text), "%s: queued again",
	    row->subscriber);
	return timeline_store(ledger, &entry);
}

static int
revive_all(struct ledger *ledger, const void *arg)
{
	const struct revival *revival = arg;
	int rc = 0;

	for (size_t i = 0; i < revival->n && rc == 0; i++)
		rc = revive(ledger, &revival->letters[i].row, revival->now);
	return rc;
}

static void
do_revive(void *ctx, const void *payload, size_t size)
{
	struct ledger *ledger = ctx;
	struct revival revival = *(const struct revival *)payload;
	int rc = find_dead(ledger, &revival);

	(void)size;
	if (rc == 0)
		rc = ledger_write(ledger, revive_all, &revival);
	for (size_t i = 0; i < revival.n; i++) {
		struct letter *letter = &revival.letters[i];

		if (rc == 0)
			revival.fn(revival.arg, &letter->row, letter->body,
			    letter->body_len);
		free(letter->body);
	}
	free(revival.letters);
}

int
ledger_revive(struct ledger *ledger, int64_t id, wall_us now,
    ledger_revived_fn *fn, void *arg)
{
	struct revival revival = {.id = id, .now = now, .fn = fn, .arg = arg};

	return lane_call(
	    ledger->lane, do_revive, ledger, &revival, sizeof(revival));
}
