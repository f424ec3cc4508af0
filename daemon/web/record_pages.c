/*
 * The pages that are made from the ledger: incidents, runs, deliveries.
 */
#include "web-int.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define BAR_WIDTH 1000.0

void
answer_missing(struct web *web, struct request *request, struct answer *answer,
    int problem, const char *what)
{
	if (problem == -ENOENT)
		answer_error(web, request, answer, MHD_HTTP_NOT_FOUND,
		    "not_found", NULL, what);
	else
		answer_error(web, request, answer,
		    MHD_HTTP_INTERNAL_SERVER_ERROR, "store_failed", NULL,
		    "the ledger could not be read");
}

int
request_incident(
    struct web *web, const struct request *request, struct jv **incident)
{
	uint64_t number;
	int problem;

	*incident = NULL;
	if (text_u64_parse(request->params[0], &number) != 0 ||
	    number > INT64_MAX)
		return -ENOENT;
	problem = ledger_read_incident(web->reader, (int64_t)number, incident);
	if (problem == 0) {
		incident_update(request->snapshot, *incident);
		incident_add_evidence(web, *incident);
	}
	return problem;
}

/* An operator that left the configuration may still have some. */
static bool
is_unknown(
    const struct request *request, const char *op, const struct jv *incidents)
{
	return op[0] != '\0' && jv_len(incidents) == 0 &&
	    request->snapshot != NULL &&
	    snapshot_operator(request->snapshot, op) == NULL;
}

struct jv *
request_incidents(
    struct web *web, struct request *request, struct answer *answer)
{
	const struct query *query = &request->query;
	struct ledger_incidents_of of = {
	    .open_only = query->state == QUERY_OPEN,
	    .from = query->has_from ? query->from : 0,
	    .to = query->has_to ? query->to : 0,
	    .op = query->op,
	    .limit = query->limit,
	};
	struct jv *list, *incidents;

	if (query->state > QUERY_ALL) {
		answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
		    "bad_parameter", "state", "must be open or all");
		return NULL;
	}
	list = ledger_read_incidents_of(web->reader, &of);
	incidents = jv_get(list, "incidents");

	if (list == NULL) {
		answer_missing(web, request, answer, -EIO, "");
		return NULL;
	}
	if (is_unknown(request, query->op, incidents)) {
		jv_release(list);
		answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
		    "bad_parameter", "operator", "is not known here");
		return NULL;
	}
	for (size_t i = 0; i < jv_len(incidents); i++)
		incident_update(request->snapshot, jv_at(incidents, i));
	return list;
}

/* The operators to choose from; the present choice is marked. */
static struct jv *
operator_links(const struct request *request)
{
	const struct snapshot *snapshot = request->snapshot;
	struct jv *list = jv_array();

	for (size_t i = 0; snapshot != NULL && i < snapshot->n_operators; i++) {
		const struct snap_operator *op = &snapshot->operators[i];
		struct jv *one = jv_object();

		jv_set(one, "title", jv_string(op->title));
		jv_set(one, "chosen",
		    jv_bool(strcmp(op->name, request->query.op) == 0));
		view_link(one, "link", request, "operator", op->name);
		jv_push(list, one);
	}
	return list;
}

void
page_incidents(struct web *web, struct request *request, struct answer *answer)
{
	const struct locale *locale = request_locale(web, request);
	struct jv *list = request_incidents(web, request, answer);
	struct jv *incidents = jv_get(list, "incidents"), *data;

	if (list == NULL)
		return;
	data = view_frame(web, request, "");
	page_title(
	    web, request, data, locale_text(locale, "incidents.heading"));
	for (size_t i = 0; i < jv_len(incidents); i++)
		view_incident(locale, request->snapshot, jv_at(incidents, i));
	if (incidents != NULL)
		jv_set(data, "incidents", jv_hold(incidents));
	jv_set(data, "operators", operator_links(request));
	view_link(data, "link_open", request, "state", "open");
	view_link(data, "link_all", request, "state", "all");
	jv_set(data, "only_open", jv_bool(request->query.state == QUERY_OPEN));
	jv_release(list);
	page_render(web, request, answer, "incidents", data);
}

static void
view_deliveries(const struct locale *locale, struct jv *list)
{
	for (size_t i = 0; i < jv_len(list); i++) {
		struct jv *delivery = jv_at(list, i);
		char key[64];
		const char *state = jv_get_string(delivery, "state", "pending");
		const char *type;
		const char *mark = strcmp(state, "confirmed") == 0 ? "up"
		    : strcmp(state, "dead") == 0                   ? "down"
								   : "unknown";

		snprintf(key, sizeof(key), "delivery_states.%.40s", state);
		jv_set(delivery, "state_word",
		    jv_string(locale_text(locale, key)));
		jv_set(delivery, "state", jv_string(mark));
		type = jv_get_string(delivery, "type", "");
		snprintf(key, sizeof(key), "delivery_types.%.40s", type);
		jv_set(delivery, "type_word",
		    jv_string(strcmp(locale_text(locale, key), key) == 0
			    ? type
			    : locale_text(locale, key)));
		view_time(locale, delivery, "created", LOCALE_TIME_FULL);
		view_time(locale, delivery, "finished", LOCALE_TIME_FULL);
		view_time(locale, delivery, "next_try", LOCALE_TIME_FULL);
	}
}

void
page_incident(struct web *web, struct request *request, struct answer *answer)
{
	const struct locale *locale = request_locale(web, request);
	struct jv *incident, *timeline, *traces, *data, *trace_list;
	int problem = request_incident(web, request, &incident);
	char title[400];

	if (problem != 0) {
		answer_missing(
		    web, request, answer, problem, "no such incident");
		return;
	}
	trace_list = jv_array();
	data = view_frame(web, request, "");
	view_incident(locale, request->snapshot, incident);
	snprintf(title, sizeof(title), "%s %s: %.256s",
	    locale_text(locale, "incident.heading"), request->params[0],
	    jv_get_string(incident, "summary", ""));
	page_title(web, request, data, title);
	timeline = jv_get(incident, "timeline");
	for (size_t i = 0; i < jv_len(timeline); i++)
		view_entry(locale, jv_at(timeline, i));
	traces = jv_get(incident, "trace_ids");
	for (size_t i = 0; i < jv_len(traces); i++) {
		const char *id = jv_string_value(jv_at(traces, i));

		if (id == NULL)
			continue;
		jv_push(trace_list,
		    jv_set(jv_set(jv_object(), "id", jv_string(id)), "short_id",
			jv_stringn(id, strnlen(id, 8))));
	}
	jv_set(incident, "trace_links", trace_list);
	view_deliveries(locale, jv_get(incident, "deliveries"));
	jv_set(data, "incident", incident);
	page_render(web, request, answer, "incident", data);
}

void
page_deliveries(struct web *web, struct request *request, struct answer *answer)
{
	const struct locale *locale = request_locale(web, request);
	struct jv *list = ledger_read_deliveries(
	    web->reader, request_delivery_state(request), request->query.limit);
	struct jv *deliveries = jv_get(list, "deliveries"), *data;

	if (list == NULL) {
		answer_missing(web, request, answer, -EIO, "");
		return;
	}
	data = view_frame(web, request, "");
	page_title(
	    web, request, data, locale_text(locale, "deliveries.heading"));
	view_deliveries(locale, deliveries);
	if (deliveries != NULL)
		jv_set(data, "deliveries", jv_hold(deliveries));
	jv_set(data, "has_deliveries", jv_bool(jv_len(deliveries) > 0));
	jv_release(list);
	page_render(web, request, answer, "deliveries", data);
}

/* ---- the waterfall of one run ---- */

static double
real(const struct jv *object, const char *key)
{
	const struct jv *value = jv_get(object, key);

	return jv_kind(value) == JV_REAL || jv_kind(value) == JV_INT
	    ? jv_real_value(value)
	    : 0;
}

/* A length that is not there is written as a dash, not as zero. */
static double
real_or_nan(const struct jv *object, const char *key)
{
	return jv_kind(jv_get(object, key)) == JV_NULL ? NAN
						       : real(object, key);
}

/* The bar of one exchange: a box for each phase, where it lay in the run. */
static void
set_bar(const struct locale *locale, struct jv *exchange, double total)
{
	struct jv *boxes = jv_array(), *phases = jv_get(exchange, "phases");
	double at = real(exchange, "offset_ms");
	char text[LOCALE_TEXT_SIZE];

	for (size_t i = 0; i < PHASE_COUNT; i++) {
		const char *name = phase_name((enum phase)i);
		double length = real(phases, name);
		struct jv *box = jv_object();
		char key[32];

		jv_set(box, "phase", jv_string(name));
		jv_set(
		    box, "x", jv_real(round(at / total * BAR_WIDTH * 10) / 10));
		jv_set(box, "width",
		    jv_real(round(length / total * BAR_WIDTH * 10) / 10));
		if (length > 0)
			jv_push(boxes, box);
		else
			jv_release(box);
		snprintf(key, sizeof(key), "%s_text", name);
		jv_set(exchange, key,
		    jv_string(length > 0 ? locale_latency(locale, length, text)
					 : ""));
		at += length;
	}
	jv_set(exchange, "bar", boxes);
}

/* What counts neither way has the mark of what is not known. */
static const char *
mark_of(const char *name)
{
	enum reason reason;

	if (!reason_parse(name, &reason))
		return "unknown";
	switch (reason_verdict(reason)) {
	case VERDICT_UP:
		return "up";
	case VERDICT_DOWN:
		return "down";
	case VERDICT_EXCLUDED:
		break;
	}
	return "unknown";
}

static void
view_result_line(const struct locale *locale, struct jv *line)
{
	const char *reason = jv_get_string(line, "reason", "ok");
	char key[64], text[LOCALE_TEXT_SIZE];

	snprintf(key, sizeof(key), "reasons.%.40s", reason);
	jv_set(line, "state", jv_string(mark_of(reason)));
	jv_set(line, "state_word", jv_string(locale_text(locale, key)));
	/* what was not tried took no time */
	jv_set(line, "latency_text",
	    jv_string(locale_latency(locale,
		strcmp(reason, "prerequisite_failed") == 0
		    ? NAN
		    : real_or_nan(line, "latency_ms"),
		text)));
	snprintf(key, sizeof(key), "acts.%.40s",
	    jv_get_string(line, "transaction", ""));
	jv_set(line, "act",
	    jv_string(strcmp(locale_text(locale, key), key) == 0
		    ? key + strlen("acts.")
		    : locale_text(locale, key)));
}

void
page_run(struct web *web, struct request *request, struct answer *answer)
{
	const struct locale *locale = request_locale(web, request);
	struct jv *run, *exchanges, *results, *data;
	int problem = ledger_read_run(web->reader, request->params[0], &run);
	const struct snap_operator *op;
	double total = 1;
	char title[256];

	if (problem != 0) {
		answer_missing(
		    web, request, answer, problem, "no such run is kept");
		return;
	}
	data = view_frame(web, request, "");
	view_run_line(locale, run);
	snprintf(title, sizeof(title), "%s %s, %.60s/%.60s",
	    locale_text(locale, "run.heading"),
	    jv_get_string(run, "short_id", ""),
	    jv_get_string(run, "operator", ""),
	    jv_get_string(run, "deployment", ""));
	page_title(web, request, data, title);
	op = snapshot_operator(
	    request->snapshot, jv_get_string(run, "operator", ""));
	jv_set(data, "operator_title",
	    jv_string(
		op != NULL ? op->title : jv_get_string(run, "operator", "")));
	results = jv_get(run, "results");
	for (size_t i = 0; i < jv_len(results); i++)
		view_result_line(locale, jv_at(results, i));
	exchanges = jv_get(run, "exchanges");
	for (size_t i = 0; i < jv_len(exchanges); i++) {
		const struct jv *exchange = jv_at(exchanges, i);

		total = fmax(total,
		    real(exchange, "offset_ms") + real(exchange, "latency_ms"));
	}
	for (size_t i = 0; i < jv_len(exchanges); i++) {
		view_result_line(locale, jv_at(exchanges, i));
		set_bar(locale, jv_at(exchanges, i), total);
	}
	jv_set(data, "run", run);
	page_render(web, request, answer, "run", data);
}
