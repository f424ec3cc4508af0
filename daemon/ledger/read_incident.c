#include "ledger-int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/index.h"
#include "base/text.h"

/*
 * Incidents for the web: a list by what is asked for, and one with all that
 * is known of it.
 */

#define LIMIT_MOST 1000
#define EVIDENCE_DEPLOYMENTS 20

/* ---- a list ---- */

static struct jv *
take_rows(struct ledger_reader *reader, sqlite3_stmt *stmt)
{
	struct jv *list = jv_array();
	int rc = SQLITE_ERROR;

	while (stmt != NULL && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct incident incident;

		sql_read_incident(stmt, &incident);
		jv_push(list, incident_json(&incident));
	}
	if (reader_finish(reader, stmt, rc))
		return list;
	jv_release(list);
	return NULL;
}

/* An incident lies in a span when any part of it does. */
struct jv *
ledger_read_incidents_of(
    struct ledger_reader *reader, const struct ledger_incidents_of *of)
{
	uint32_t limit = of->limit < LIMIT_MOST ? of->limit : LIMIT_MOST;
	sqlite3_stmt *stmt;
	struct jv *list;
	char sql[1024];

	snprintf(sql, sizeof(sql),
	    "SELECT %s FROM incident WHERE (?1 = 0 OR resolved = 0)"
	    " AND (?2 = 0 OR resolved = 0 OR resolved >= ?2)"
	    " AND (?3 = 0 OR opened < ?3)"
	    " AND (?4 = '' OR scope = ?4"
	    "  OR substr(scope, 1, length(?4) + 1) = ?4 || '/')"
	    " ORDER BY number DESC LIMIT ?5",
	    sql_incident_columns);
	pthread_mutex_lock(&reader->lock);
	stmt = reader_prepare(reader, sql);
	if (stmt != NULL) {
		sql_bind_int(stmt, 1, of->open_only);
		sql_bind_int(stmt, 2, of->from);
		sql_bind_int(stmt, 3, of->to);
		sql_bind_text(stmt, 4, of->op != NULL ? of->op : "");
		sql_bind_int(stmt, 5, limit);
	}
	list = take_rows(reader, stmt);
	pthread_mutex_unlock(&reader->lock);
	return list != NULL ? jv_set(jv_object(), "incidents", list) : NULL;
}

struct jv *
ledger_read_incidents(
    struct ledger_reader *reader, bool open_only, uint32_t limit)
{
	return ledger_read_incidents_of(reader,
	    &(struct ledger_incidents_of){
		.open_only = open_only,
		.limit = limit,
	    });
}

/* ---- one ---- */

/* The list of a key of the entry's data, which becomes one of the entry. */
static struct jv *
taken(struct jv *data, const char *key)
{
	struct jv *value = jv_get(data, key);

	return jv_kind(value) == JV_ARRAY ? jv_hold(value) : jv_array();
}

static struct jv *
entry_json(sqlite3_stmt *stmt)
{
	struct jv *entry = jv_object(), *data = NULL;
	const char *who = sql_text(stmt, 3);

	if (sqlite3_column_bytes(stmt, 4) > 0)
		data = jv_parse(sql_text(stmt, 4),
		    (size_t)sqlite3_column_bytes(stmt, 4), NULL, 0);
	jv_set(entry, "at", jv_time(sqlite3_column_int64(stmt, 0)));
	jv_set(entry, "time", jv_time(sqlite3_column_int64(stmt, 0)));
	jv_set(entry, "kind", jv_string(sql_text(stmt, 1)));
	jv_set(entry, "text", jv_string(sql_text(stmt, 2)));
	jv_set(entry, "by", jv_text(who));
	/* a run bears the id of its trace */
	jv_set(entry, "runs", taken(data, "trace_ids"));
	jv_set(entry, "trace_ids", taken(data, "trace_ids"));
	jv_set(entry, "data", data != NULL ? data : jv_object());
	return entry;
}

static struct jv *
read_timeline(struct ledger_reader *reader, int64_t number)
{
	struct jv *list = jv_array();
	sqlite3_stmt *stmt = reader_prepare(reader,
	    "SELECT at, kind, text, who, data FROM timeline"
	    " WHERE incident = ?1 ORDER BY seq");
	int rc = SQLITE_ERROR;

	if (stmt != NULL) {
		sql_bind_int(stmt, 1, number);
		for (rc = sqlite3_step(stmt); rc == SQLITE_ROW;
		     rc = sqlite3_step(stmt))
			jv_push(list, entry_json(stmt));
	}
	if (reader_finish(reader, stmt, rc))
		return list;
	jv_release(list);
	return NULL;
}

/* 0, -ENOENT or -EIO. */
static int
find_incident(
    struct ledger_reader *reader, int64_t number, struct incident *incident)
{
	char sql[768];
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR;

	snprintf(sql, sizeof(sql), "SELECT %s FROM incident WHERE number = ?1",
	    sql_incident_columns);
	stmt = reader_prepare(reader, sql);
	if (stmt != NULL) {
		sql_bind_int(stmt, 1, number);
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW)
			sql_read_incident(stmt, incident);
	}
	if (!reader_finish(reader, stmt, rc))
		return -EIO;
	return rc == SQLITE_ROW ? 0 : -ENOENT;
}

/* ---- which deployments, and the runs that prove it ---- */

/* The deployments so far; the names of the index are those of the list. */
struct replay {
	struct jv *list;
	struct name_index index;
};

static struct jv *
deployment_called(const struct replay *replay, const char *name)
{
	size_t at;

	return index_find(&replay->index, name, &at) ? jv_at(replay->list, at)
						     : NULL;
}

static struct jv *
add_deployment(struct replay *replay, const char *name, struct jv *since)
{
	struct jv *one = jv_object(), *own = jv_string(name);
	size_t at = jv_len(replay->list);

	jv_set(one, "name", own);
	jv_set(one, "since", jv_hold(since));
	jv_push(replay->list, one);
	index_add(&replay->index, jv_string_value(own), &at);
	return one;
}

/* Those that came at `at`, some of them again. */
static void
add_came(struct replay *replay, const struct jv *names, struct jv *at)
{
	for (size_t i = 0; i < jv_len(names); i++) {
		const char *name = jv_string_value(jv_at(names, i));
		struct jv *one;

		if (name == NULL)
			continue;
		one = deployment_called(replay, name);
		if (one == NULL)
			one = add_deployment(replay, name, at);
		jv_set(one, "affected", jv_bool(true));
		jv_set(one, "until", jv_null());
	}
}

static void
add_went(struct replay *replay, const struct jv *names, struct jv *at)
{
	for (size_t i = 0; i < jv_len(names); i++) {
		const char *name = jv_string_value(jv_at(names, i));
		struct jv *one =
		    name != NULL ? deployment_called(replay, name) : NULL;

		if (one == NULL)
			continue;
		jv_set(one, "affected", jv_bool(false));
		jv_set(one, "until", jv_hold(at));
	}
}

/* All that were ever affected, in the order in which they came. */
static struct jv *
affected_json(const struct jv *timeline)
{
	struct replay replay = {.list = jv_array()};

	for (size_t i = 0; i < jv_len(timeline); i++) {
		struct jv *entry = jv_at(timeline, i);
		struct jv *at = jv_get(entry, "at");

		add_came(&replay, jv_pointer(entry, "/data/added"), at);
		add_went(&replay, jv_pointer(entry, "/data/removed"), at);
	}
	index_fini(&replay.index);
	return replay.list;
}

static void
add_run(struct jv *list, const char *target, sqlite3_stmt *stmt)
{
	struct jv *one = jv_object();
	char url[96];

	snprintf(url, sizeof(url), "/api/v1/runs/%s/har", sql_text(stmt, 0));
	jv_set(one, "target", jv_string(target));
	jv_set(one, "run", jv_string(sql_text(stmt, 0)));
	jv_set(one, "time", jv_time(sqlite3_column_int64(stmt, 1)));
	jv_set(one, "ok", jv_bool(sqlite3_column_int(stmt, 2) == 1));
	jv_set(one, "har_url", jv_string(url));
	jv_push(list, one);
}

/* The last failed run of a deployment within the incident, and its last good
 * one until the end; of those that are kept. */
static bool
add_runs_of(struct ledger_reader *reader, const struct incident *incident,
    const char *op, const char *deployment, const char *transaction,
    struct jv *list)
{
	sqlite3_stmt *stmt = reader_prepare(reader,
	    "SELECT id, started, ok FROM run WHERE operator = ?1"
	    " AND deployment = ?2 AND ok = ?3 AND started >= ?4"
	    " AND started <= ?5 ORDER BY started DESC, seq DESC LIMIT 1");
	wall_us end = incident->resolved > 0
	    ? incident->resolved + incident->clock_set
	    : INT64_MAX;
	char target[MODEL_PATH_SIZE];
	int rc = SQLITE_ERROR;

	snprintf(
	    target, sizeof(target), "%s/%s/%s", op, deployment, transaction);
	for (int ok = 0; stmt != NULL && ok <= 1; ok++) {
		sql_bind_text(stmt, 1, op);
		sql_bind_text(stmt, 2, deployment);
		sql_bind_int(stmt, 3, ok);
		sql_bind_int(
		    stmt, 4, ok ? 0 : incident->opened - INT64_C(86400000000));
		sql_bind_int(stmt, 5, end);
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW)
			add_run(list, target, stmt);
		else if (rc != SQLITE_DONE)
			break;
		sqlite3_reset(stmt);
	}
	return reader_finish(reader, stmt, rc);
}

static bool
is_listed(const struct jv *list, const char *run)
{
	for (size_t i = 0; i < jv_len(list); i++) {
		if (strcmp(jv_get_string(jv_at(list, i), "run", ""), run) == 0)
			return true;
	}
	return false;
}

/* The runs that the incident was last told with: slow ones are good. */
static void
add_runs_told(struct ledger_reader *reader, const struct incident *incident,
    const char *op, const char *transaction, struct jv *list)
{
	sqlite3_stmt *stmt = reader_prepare(reader,
	    "SELECT id, started, ok, deployment FROM run WHERE id = ?1");
	char target[MODEL_PATH_SIZE];

	for (size_t i = 0; stmt != NULL && i < INCIDENT_TRACES; i++) {
		const char *run = incident->trace_ids[i];

		if (run[0] == '\0' || is_listed(list, run))
			continue;
		sql_bind_text(stmt, 1, run);
		if (sqlite3_step(stmt) == SQLITE_ROW) {
			snprintf(target, sizeof(target), "%s/%s/%s", op,
			    sql_text(stmt, 3), transaction);
			add_run(list, target, stmt);
		}
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
}

static struct jv *
read_evidence(struct ledger_reader *reader, const struct incident *incident,
    const struct jv *deployments)
{
	char op[MODEL_NAME_SIZE], deployment[MODEL_NAME_SIZE];
	char transaction[MODEL_NAME_SIZE] = "";
	struct jv *list = jv_array();
	size_t n = jv_len(deployments);

	if (sscanf(incident->scope, "%31[^/]/%31[^/]/%31[^/]", op, deployment,
		transaction) < 2)
		return list;
	if (n == 0 && deployment[0] != '_')
		(void)add_runs_of(
		    reader, incident, op, deployment, transaction, list);
	for (size_t i = 0; i < n && i < EVIDENCE_DEPLOYMENTS; i++) {
		const char *name =
		    jv_get_string(jv_at(deployments, i), "name", "");

		if (!add_runs_of(reader, incident, op, name, transaction, list))
			break;
	}
	add_runs_told(reader, incident, op, transaction, list);
	return list;
}

int
ledger_read_incident(
    struct ledger_reader *reader, int64_t number, struct jv **out)
{
	struct jv *timeline = NULL, *deliveries = NULL, *evidence = NULL;
	struct jv *affected = NULL;
	struct incident incident;
	int rc;

	*out = NULL;
	pthread_mutex_lock(&reader->lock);
	rc = find_incident(reader, number, &incident);
	if (rc == 0) {
		timeline = read_timeline(reader, number);
		deliveries = reader_deliveries(reader, number);
		affected = affected_json(timeline);
		evidence = read_evidence(reader, &incident, affected);
		rc = timeline != NULL && deliveries != NULL ? 0 : -EIO;
	}
	pthread_mutex_unlock(&reader->lock);
	if (rc != 0) {
		jv_release(timeline);
		jv_release(deliveries);
		jv_release(evidence);
		jv_release(affected);
		return rc;
	}
	*out = incident_json(&incident);
	jv_set(*out, "deployments", affected);
	jv_set(*out, "timeline", timeline);
	jv_set(*out, "deliveries", deliveries);
	jv_set(*out, "evidence", evidence);
	return 0;
}
