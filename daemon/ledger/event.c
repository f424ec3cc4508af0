#include "ledger-int.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* Incidents with their timeline, and the deliveries that they cause. */

#define ATTEMPT_DATA_MAX 2048

/* A call of ledger_put_event in one block: this head, n deliveries, body, and
 * the data of the entry with its NUL, if it has any. */
struct event_call {
	struct incident incident;
	struct incident_entry entry;
	bool has_incident, has_entry;
	struct life_mark mark; /* when it was called */
	ledger_done_fn *done;
	void *arg;
	size_t n;
	size_t body_len;
};

struct attempt_call {
	struct ledger_delivery after;
	wall_us at;
	dur_us took;
	ledger_done_fn *done;
	void *arg;
};

const char *
delivery_state_name(enum delivery_state state)
{
	switch (state) {
	case DELIVERY_PENDING:
		return "pending";
	case DELIVERY_CONFIRMED:
		return "confirmed";
	case DELIVERY_DEAD:
		return "dead";
	}
	return "unknown";
}

/* ---- one event ---- */

/* What people did, and what became of it: from ?19 on. */
static void
bind_life(sqlite3_stmt *stmt, const struct incident *incident)
{
	sql_bind_int(stmt, 19, incident->clock_set);
	sql_bind_int(stmt, 20, incident->confirmed);
	sql_bind_text(stmt, 21, incident->confirmed_by);
	sql_bind_int(stmt, 22, incident->acknowledged);
	sql_bind_text(stmt, 23, incident->acknowledged_by);
	sql_bind_int(stmt, 24, incident->reopened);
	sql_bind_int(stmt, 25, incident->reopened_at);
	sql_bind_int(stmt, 26, incident->calm);
	sql_bind_int(stmt, 27, incident->blind);
	sql_bind_int(stmt, 28, incident->blind_since);
	sql_bind_int(stmt, 29, incident->affected_now);
	sql_bind_int(stmt, 30, incident->affected_most);
	sql_bind_int(stmt, 31, incident->affected_of);
}

static int
put_incident(struct ledger *ledger, const struct incident *incident)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_INCIDENT_PUT);
	char traces[INCIDENT_TRACES * TRACE_ID_SIZE + 1] = "";
	char names[INCIDENT_NAMES * MODEL_NAME_SIZE + 1] = "";
	size_t i, n = 0;

	for (i = 0; i < INCIDENT_TRACES; i++) {
		if (incident->trace_ids[i][0] != '\0')
			n += (size_t)snprintf(traces + n, sizeof(traces) - n,
			    "%s ", incident->trace_ids[i]);
	}
	n = 0;
	for (i = 0; i < INCIDENT_NAMES; i++) {
		if (incident->affected[i][0] != '\0')
			n += (size_t)snprintf(names + n, sizeof(names) - n,
			    "%s ", incident->affected[i]);
	}
	if (stmt == NULL)
		return ledger_run(ledger, stmt);
	sql_bind_int(stmt, 1, incident->number);
	sql_bind_text(stmt, 2, incident->rule);
	sql_bind_text(stmt, 3, incident->scope);
	sql_bind_int(stmt, 4, incident->severity);
	sql_bind_int(stmt, 5, incident->opened);
	sql_bind_int(stmt, 6, incident->resolved);
	sql_bind_text(stmt, 7, reason_name(incident->reason));
	sql_bind_text(stmt, 8, side_name(incident->side));
	sql_bind_text(stmt, 9, phase_name(incident->phase));
	sql_bind_text(stmt, 10, incident->step);
	/* NaN becomes NULL */
	sqlite3_bind_double(stmt, 11, incident->value);
	sqlite3_bind_double(stmt, 12, incident->threshold);
	sql_bind_text(stmt, 13, incident->summary_pl);
	sql_bind_text(stmt, 14, incident->summary_en);
	sql_bind_text(stmt, 15, traces);
	sql_bind_int(stmt, 16, incident->attempts);
	sql_bind_int(stmt, 17, incident->failed);
	sqlite3_bind_double(stmt, 18, incident->worst);
	bind_life(stmt, incident);
	sql_bind_text(stmt, 32, names);
	sql_bind_text(stmt, 33, incident->runbook);
	sql_bind_text(stmt, 34, incident->unit);
	sql_bind_int(stmt, 35, incident->silence);
	sql_bind_int(stmt, 36, incident->untold);
	return ledger_run(ledger, stmt);
}

int
timeline_store(struct ledger *ledger, const struct incident_entry *entry)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_TIMELINE_ADD);

	if (stmt != NULL) {
		sql_bind_int(stmt, 1, entry->incident);
		sql_bind_int(stmt, 2, entry->at);
		sql_bind_text(stmt, 3, entry->kind);
		sql_bind_text(stmt, 4, entry->text);
		sql_bind_text(stmt, 5, entry->by);
		sql_bind_text(stmt, 6, entry->data ? entry->data : "");
	}
	return ledger_run(ledger, stmt);
}

static int
put_delivery(
    struct ledger *ledger, const struct ledger_delivery *delivery, int64_t body)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_DELIVERY_ADD);

	if (stmt != NULL) {
		sql_bind_int(stmt, 1, delivery->id);
		sql_bind_text(stmt, 2, delivery->webhook_id);
		sql_bind_text(stmt, 3, delivery->subscriber);
		sql_bind_text(stmt, 4, delivery->type);
		sql_bind_int(stmt, 5, delivery->incident);
		sql_bind_text(stmt, 6, delivery_state_name(delivery->state));
		sql_bind_int(stmt, 7, delivery->created);
		sql_bind_int(stmt, 8, delivery->next_try);
		sql_bind_int(stmt, 9, delivery->finished);
		sql_bind_int(stmt, 10, delivery->tries);
		sql_bind_int(stmt, 11, delivery->last_status);
		sql_bind_text(stmt, 12, delivery->last_problem);
		sql_bind_int(stmt, 13, body);
	}
	return ledger_run(ledger, stmt);
}

/* The delivery, and in the timeline that it waits to be sent. */
static int
put_queued(
    struct ledger *ledger, const struct ledger_delivery *delivery, int64_t body)
{
	struct incident_entry entry = {.incident = delivery->incident,
	    .at = delivery->created,
	    .kind = "delivery"};
	char data[256];
	int rc = put_delivery(ledger, delivery, body);

	if (rc != 0 || delivery->incident == 0)
		return rc;
	snprintf(
	    entry.text, sizeof(entry.text), "%s: queued", delivery->subscriber);
	snprintf(data, sizeof(data),
	    "{\"delivery\":%lld,\"subscriber\":\"%s\",\"type\":\"%s\","
	    "\"state\":\"queued\"}",
	    (long long)delivery->id, delivery->subscriber, delivery->type);
	entry.data = data;
	return timeline_store(ledger, &entry);
}

static int
put_event(struct ledger *ledger, const void *arg)
{
	const struct event_call *call = arg;
	const struct ledger_delivery *deliveries =
	    (const struct ledger_delivery *)(const void *)(call + 1);
	const char *body = (const char *)(deliveries + call->n);
	struct incident_entry entry = call->entry;
	sqlite3_stmt *stmt;
	int64_t body_id;
	size_t i;
	int rc = 0;

	if (call->has_incident)
		rc = put_incident(ledger, &call->incident);
	if (rc == 0 && call->has_incident)
		rc = life_store(ledger, &call->mark);
	entry.data = entry.data != NULL ? body + call->body_len : NULL;
	if (rc == 0 && call->has_entry)
		rc = timeline_store(ledger, &entry);
	if (rc != 0 || call->n == 0)
		return rc;
	stmt = ledger_stmt(ledger, SQL_BODY_ADD);
	if (stmt != NULL)
		sqlite3_bind_blob64(
		    stmt, 1, body, call->body_len, SQLITE_STATIC);
	rc = ledger_run(ledger, stmt);
	body_id = sqlite3_last_insert_rowid(ledger->db);
	for (i = 0; i < call->n && rc == 0; i++)
		rc = put_queued(ledger, &deliveries[i], body_id);
	return rc;
}

static void
do_put_event(void *ctx, const void *payload, size_t size)
{
	struct ledger *ledger = ctx;
	const struct event_call *call = payload;
	int rc = ledger_write(ledger, put_event, call);

	(void)size;
	if (call->done != NULL)
		call->done(call->arg, rc);
}

int
ledger_put_event(struct ledger *ledger, const struct incident *incident,
    const struct incident_entry *entry,
    const struct ledger_delivery *deliveries, size_t n, const char *body,
    size_t body_len, ledger_done_fn *done, void *arg)
{
	size_t list = n * sizeof(*deliveries);
	size_t data =
	    entry != NULL && entry->data != NULL ? strlen(entry->data) + 1 : 0;
	size_t size = sizeof(struct event_call) + list + body_len + data;
	struct event_call *call = mem_new(size);
	char *rest = (char *)(call + 1);
	int rc;

	if (incident != NULL) {
		call->incident = *incident;
		call->has_incident = true;
		call->mark = life_mark(ledger);
	}
	if (entry != NULL) {
		call->entry = *entry;
		call->has_entry = true;
	}
	call->done = done;
	call->arg = arg;
	call->n = n;
	call->body_len = body_len;
	if (list > 0)
		memcpy(rest, deliveries, list);
	if (body_len > 0)
		memcpy(rest + list, body, body_len);
	if (data > 0)
		memcpy(rest + list + body_len, entry->data, data);
	rc = lane_call(ledger->lane, do_put_event, ledger, call, size);
	free(call);
	return rc;
}

/* ---- one try ---- */

/* The same for machines; the caller frees. */
static char *
attempt_data(const struct attempt_call *call)
{
	const struct ledger_delivery *after = &call->after;
	struct jv *data = jv_object();
	struct buf text;

	jv_set(data, "delivery", jv_int(after->id));
	jv_set(data, "subscriber", jv_string(after->subscriber));
	jv_set(data, "type", jv_string(after->type));
	jv_set(data, "state", jv_string(delivery_state_name(after->state)));
	jv_set(data, "status",
	    after->last_status != 0 ? jv_int(after->last_status) : jv_null());
	jv_set(data, "try", jv_int(after->tries));
	jv_set(data, "took_ms", jv_real(clock_to_ms(call->took)));
	jv_set(data, "problem", jv_text(after->last_problem));
	buf_init(&text, ATTEMPT_DATA_MAX);
	if (!jv_dump(data, &text))
		buf_reset(&text);
	jv_release(data);
	return buf_take(&text, NULL);
}

static void
attempt_entry(const struct attempt_call *call, int64_t incident,
    struct incident_entry *entry)
{
	const struct ledger_delivery *after = &call->after;
	char took[32], status[16] = "no answer";

	memset(entry, 0, sizeof(*entry));
	entry->incident = incident;
	entry->at = call->at;
	text_copy(entry->kind, sizeof(entry->kind), "delivery");
	text_duration_format(call->took, took, sizeof(took));
	if (after->last_status != 0)
		snprintf(status, sizeof(status), "HTTP %d", after->last_status);
	snprintf(entry->text, sizeof(entry->text), "%s: %s, %s, try %u, %s%s%s",
	    after->subscriber, delivery_state_name(after->state), status,
	    after->tries, took, after->last_problem[0] != '\0' ? ": " : "",
	    after->last_problem);
}

int
attempt_store(struct ledger *ledger, const void *payload)
{
	const struct attempt_call *call = payload;
	const struct ledger_delivery *after = &call->after;
	struct incident_entry entry;
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_DELIVERY_SET);
	char *data;
	int rc;

	if (stmt != NULL) {
		sql_bind_int(stmt, 1, after->id);
		sql_bind_text(stmt, 2, delivery_state_name(after->state));
		sql_bind_int(stmt, 3, after->next_try);
		sql_bind_int(stmt, 4, after->finished);
		sql_bind_int(stmt, 5, after->tries);
		sql_bind_int(stmt, 6, after->last_status);
		sql_bind_text(stmt, 7, after->last_problem);
	}
	rc = ledger_run(ledger, stmt);
	if (rc != 0)
		return rc;
	if (sqlite3_changes(ledger->db) == 0) {
		ledger_say(ledger, "an attempt of an unknown delivery");
		return 0;
	}
	stmt = ledger_stmt(ledger, SQL_ATTEMPT_ADD);
	if (stmt != NULL) {
		sql_bind_int(stmt, 1, after->id);
		sql_bind_int(stmt, 2, call->at);
		sql_bind_int(stmt, 3, call->took);
		sql_bind_int(stmt, 4, after->last_status);
		sql_bind_text(stmt, 5, after->last_problem);
	}
	rc = ledger_run(ledger, stmt);
	if (rc != 0 || after->incident == 0)
		return rc;
	attempt_entry(call, after->incident, &entry);
	data = attempt_data(call);
	entry.data = data;
	rc = timeline_store(ledger, &entry);
	free(data);
	return rc;
}

static void
do_put_attempt(void *ctx, const void *payload, size_t size)
{
	const struct attempt_call *call = payload;
	struct ledger *ledger = ctx;
	int problem = -EAGAIN;

	/* behind those that wait already, so that the order is kept */
	if (ledger->n_attempts == 0)
		problem = ledger_write(ledger, attempt_store, call);
	if (problem != 0)
		ledger_keep(ledger, ROW_ATTEMPT, call, size);
	if (call->done != NULL)
		call->done(call->arg, problem);
}

int
ledger_put_attempt(struct ledger *ledger, const struct ledger_delivery *after,
    wall_us at, dur_us took, ledger_done_fn *done, void *arg)
{
	struct attempt_call call = {
	    .after = *after, .at = at, .took = took, .done = done, .arg = arg};

	return lane_call(
	    ledger->lane, do_put_attempt, ledger, &call, sizeof(call));
}

int
delivery_prune(struct ledger *ledger, wall_us before)
{
	static const enum sql all[] = {
	    SQL_ATTEMPT_PRUNE, SQL_DELIVERY_PRUNE, SQL_BODY_PRUNE};
	size_t i;
	int rc = 0;

	for (i = 0; i < ARRAY_LEN(all) && rc == 0; i++) {
		sqlite3_stmt *stmt = ledger_stmt(ledger, all[i]);

		if (stmt != NULL && all[i] != SQL_BODY_PRUNE)
			sql_bind_int(stmt, 1, before);
		rc = ledger_run(ledger, stmt);
	}
	return rc;
}

/* ---- at start ---- */

int64_t
ledger_last_incident(struct ledger *ledger)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_INCIDENT_LAST);
	int64_t number = 0;

	if (stmt == NULL)
		return 0;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		number = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return number;
}

int
ledger_each_open_incident(struct ledger *ledger,
    void (*fn)(void *arg, const struct incident *incident), void *arg)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_INCIDENT_OPEN);
	struct incident incident;
	int rc;

	if (stmt == NULL)
		return ledger_run(ledger, stmt);
	for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
	     rc = sqlite3_step(stmt)) {
		sql_read_incident(stmt, &incident);
		fn(arg, &incident);
	}
	sqlite3_reset(stmt);
	return sql_errno(ledger->db, rc);
}

int
ledger_each_resolved_incident(struct ledger *ledger, wall_us since,
    void (*fn)(void *arg, const struct incident *incident), void *arg)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_INCIDENT_RESOLVED);
	struct incident incident;
	int rc;

	if (stmt == NULL)
		return ledger_run(ledger, stmt);
	sql_bind_int(stmt, 1, since);
	for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
	     rc = sqlite3_step(stmt)) {
		sql_read_incident(stmt, &incident);
		fn(arg, &incident);
	}
	sqlite3_reset(stmt);
	return sql_errno(ledger->db, rc);
}

int
ledger_each_open_entry(struct ledger *ledger,
    void (*fn)(void *arg, const struct incident_entry *entry), void *arg)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_TIMELINE_OPEN);
	int rc;

	if (stmt == NULL)
		return ledger_run(ledger, stmt);
	for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
	     rc = sqlite3_step(stmt)) {
		struct incident_entry entry = {
		    .incident = sqlite3_column_int64(stmt, 0),
		    .at = sqlite3_column_int64(stmt, 1),
		    .data = sql_text(stmt, 3)};

		text_copy(entry.kind, sizeof(entry.kind), sql_text(stmt, 2));
		fn(arg, &entry);
	}
	sqlite3_reset(stmt);
	return sql_errno(ledger->db, rc);
}

int
ledger_each_pending(struct ledger *ledger,
    void (*fn)(void *arg, const struct ledger_delivery *delivery,
	const char *body, size_t body_len),
    void *arg)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_DELIVERY_PENDING);
	struct ledger_delivery delivery;
	int rc;

	if (stmt == NULL)
		return ledger_run(ledger, stmt);
	for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
	     rc = sqlite3_step(stmt)) {
		const void *body = sqlite3_column_blob(stmt, 12);

		sql_read_delivery(stmt, &delivery);
		fn(arg, &delivery, body != NULL ? body : "",
		    (size_t)sqlite3_column_bytes(stmt, 12));
	}
	sqlite3_reset(stmt);
	return sql_errno(ledger->db, rc);
}
