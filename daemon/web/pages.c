/*
 * The pages that are made from the snapshot: overview, operator, deployment,
 * the public status page, how we measure; and the page of an error.
 */
#include "web-int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define DEPLOYMENTS_SHOWN 200
#define RUNS_SHOWN 10
#define ROWS_MOST 400 /* of the table below a chart */

/* ---- the overview ---- */

/* The transactions of all operators, each once, in the order of appearance. */
static struct jv *
columns(const struct jv *operators)
{
	struct jv *out = jv_array();

	for (size_t i = 0; i < jv_len(operators); i++) {
		struct jv *list = jv_get(jv_at(operators, i), "transactions");

		for (size_t k = 0; k < jv_len(list); k++) {
			struct jv *tr = jv_at(list, k), *column;
			const char *name = jv_get_string(tr, "name", "");
			bool there = false;

			for (size_t j = 0; j < jv_len(out); j++) {
				there = there ||
				    strcmp(jv_get_string(
					       jv_at(out, j), "name", ""),
					name) == 0;
			}
			if (there)
				continue;
			column = jv_object();
			jv_set(column, "name", jv_string(name));
			jv_set(column, "title_text",
			    jv_string(jv_get_string(tr, "title_text", name)));
			jv_push(out, column);
		}
	}
	return out;
}

static void
set_cells(struct jv *op, const struct jv *all_columns)
{
	struct jv *cells = jv_array(), *list = jv_get(op, "transactions");

	for (size_t i = 0; i < jv_len(all_columns); i++) {
		const struct jv *column = jv_at(all_columns, i);
		struct jv *cell = jv_object();

		jv_set(cell, "column",
		    jv_string(jv_get_string(column, "title_text", "")));
		for (size_t k = 0; k < jv_len(list); k++) {
			struct jv *tr = jv_at(list, k);

			if (strcmp(jv_get_string(tr, "name", ""),
				jv_get_string(column, "name", "")) == 0)
				jv_set(cell, "tr", jv_hold(tr));
		}
		jv_push(cells, cell);
	}
	jv_set(op, "cells", cells);
}

static void
overview_data(struct web *web, struct request *request, struct jv *data)
{
	const struct locale *locale = request_locale(web, request);
	struct jv *status = status_json(request->snapshot, request->freshness);
	struct jv *operators = jv_get(status, "operators"), *all_columns;
	struct jv *incidents = jv_get(status, "incidents"), *sentence;
	char text[LOCALE_TEXT_SIZE];

	for (size_t i = 0; i < jv_len(operators); i++)
		view_operator(locale, jv_at(operators, i));
	all_columns = columns(operators);
	for (size_t i = 0; i < jv_len(operators); i++)
		set_cells(jv_at(operators, i), all_columns);
	for (size_t i = 0; i < jv_len(incidents); i++)
		view_incident(locale, request->snapshot, jv_at(incidents, i));
	sentence = view_sentence(locale, request->snapshot, operators);
	jv_set(data, "operators", jv_hold(operators));
	jv_set(data, "columns", all_columns);
	jv_set(data, "incidents", jv_hold(incidents));
	jv_set(data, "n_incidents",
	    jv_string(
		locale_number(locale, (double)jv_len(incidents), 0, text)));
	jv_set(data, "sentence",
	    jv_string(jv_get_string(sentence, "sentence", "")));
	jv_set(data, "state",
	    jv_string(jv_get_string(sentence, "worst", "unknown")));
	page_title(web, request, data,
	    jv_get_string(sentence, "title", "")[0] != '\0'
		? jv_get_string(sentence, "title", "")
		: locale_text(locale, "overview.heading"));
	jv_release(sentence);
	jv_release(status);
}

void
page_overview(struct web *web, struct request *request, struct answer *answer)
{
	struct jv *data = view_frame(web, request, "");

	overview_data(web, request, data);
	page_render(web, request, answer, "overview", data);
}

void
page_status(struct web *web, struct request *request, struct answer *answer)
{
	struct jv *data = view_frame(web, request, "");

	overview_data(web, request, data);
	jv_set(data, "live", jv_bool(false));
	page_render(web, request, answer, "status", data);
	answer->cache = CACHE_BRIEF;
}

/* ---- one operator, one deployment ---- */

/* The act that the chart shows: the one asked for, or the first. */
static const char *
shown_act(
    const struct request *request, const struct snap_transaction *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i].name, request->query.act) == 0)
			return all[i].name;
	}
	return n > 0 ? all[0].name : NULL;
}

static bool
ask_for(const struct request *request, struct series_query *query,
    const char *op, const char *dep, const char *act)
{
	if (act == NULL)
		return false;
	snprintf(
	    query->target, sizeof(query->target), "%s/%s/%s", op, dep, act);
	query->from = request->query.from;
	query->to = request->query.to;
	query->step = request->query.step;
	/* a page has a row for each step: no more than people can read */
	if (query->step > 0 &&
	    query->step < (query->to - query->from) / ROWS_MOST)
		query->step = (query->to - query->from) / ROWS_MOST;
	return true;
}

bool
page_operator_wants(
    struct web *web, struct request *request, struct series_query *query)
{
	const struct snap_operator *op =
	    snapshot_operator(request->snapshot, request->params[0]);

	(void)web;
	return op != NULL &&
	    ask_for(request, query, op->name, "_all",
		shown_act(request, op->transactions, op->n_transactions));
}

static const struct snap_deployment *
find_deployment(const struct snap_operator *op, const char *name)
{
	for (size_t i = 0; op != NULL && i < op->n_deployments; i++) {
		if (strcmp(op->deployments[i]->name, name) == 0)
			return op->deployments[i];
	}
	return NULL;
}

static size_t
deployment_place(
    const struct snap_operator *op, const struct snap_deployment *dep)
{
	size_t i = 0;

	while (op->deployments[i] != dep)
		i++;
	return i;
}

bool
page_deployment_wants(
    struct web *web, struct request *request, struct series_query *query)
{
	const struct snap_operator *op =
	    snapshot_operator(request->snapshot, request->params[0]);
	const struct snap_deployment *dep =
	    find_deployment(op, request->params[1]);

	(void)web;
	return dep != NULL &&
	    ask_for(request, query, op->name, dep->name,
		shown_act(request, dep->transactions, dep->n_transactions));
}

static void
set_choices(struct request *request, const struct locale *locale,
    struct jv *data, const struct jv *transactions, const char *act)
{
	static const char *const spans[] = {"-1h", "-24h", "-7d", "-30d"};
	const char *from = request->query.from_text;
	struct jv *acts = jv_array(), *choices = jv_array();

	for (size_t i = 0; i < jv_len(transactions); i++) {
		const struct jv *tr = jv_at(transactions, i);
		const char *name = jv_get_string(tr, "name", "");
		struct jv *choice = jv_object();

		view_link(choice, "link", request, "act", name);
		jv_set(choice, "label",
		    jv_string(jv_get_string(tr, "title_text", name)));
		jv_set(choice, "current", jv_bool(strcmp(name, act) == 0));
		if (strcmp(name, act) == 0)
			jv_set(data, "act_title",
			    jv_string(jv_get_string(tr, "title_text", name)));
		jv_push(acts, choice);
	}
	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		struct jv *choice = jv_object();
		char key[32];

		snprintf(key, sizeof(key), "spans.%s", spans[i] + 1);
		view_link(choice, "link", request, "from", spans[i]);
		jv_set(choice, "label", jv_string(locale_text(locale, key)));
		jv_set(choice, "current", jv_bool(strcmp(from, spans[i]) == 0));
		jv_push(choices, choice);
	}
	jv_set(data, "act_choices", acts);
	jv_set(data, "span_choices", choices);
}

static void
set_runs(struct web *web, const struct locale *locale, struct jv *data,
    const char *target)
{
	struct jv *answer = ledger_read_runs(web->reader, target, RUNS_SHOWN);
	struct jv *runs = jv_get(answer, "runs");

	for (size_t i = 0; i < jv_len(runs); i++)
		view_run_line(locale, jv_at(runs, i));
	if (runs != NULL)
		jv_set(data, "runs", jv_hold(runs));
	jv_set(data, "has_runs", jv_bool(jv_len(runs) > 0));
	jv_release(answer);
}

static bool
lies_below(const char *scope, const char *path)
{
	size_t len = strlen(path);

	return strncmp(scope, path, len) == 0 &&
	    (scope[len] == '\0' || scope[len] == '/');
}

/* The open incidents of an operator, or those that one of its deployments is
 * part of: its own, and those of all together. */
static void
set_incidents(struct request *request, const struct locale *locale,
    struct jv *data, const char *op, const char *dep)
{
	const struct snapshot *snapshot = request->snapshot;
	char path[MODEL_PATH_SIZE], all[MODEL_PATH_SIZE];
	struct jv *out = jv_array();

	snprintf(path, sizeof(path), "%s%s%s", op, dep != NULL ? "/" : "",
	    dep != NULL ? dep : "");
	snprintf(all, sizeof(all), "%s/_all", op);

	for (size_t i = 0; i < snapshot->n_incidents; i++) {
		const struct incident *incident = &snapshot->incidents[i];
		struct jv *value;

		if (!lies_below(incident->scope, path) &&
		    !lies_below(incident->scope, all))
			continue;
		value = incident_json(incident);
		view_incident(locale, snapshot, value);
		jv_push(out, value);
	}
	jv_set(data, "incidents", out);
}

static int
badness(const char *state)
{
	static const char *const order[] = {
	    "down", "degraded", "unknown", "maintenance", "up"};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if (strcmp(state, order[i]) == 0)
			return (int)i;
	}
	return (int)ARRAY_LEN(order);
}

/* The worst first, and no more than a page bears. */
static void
set_deployments(const struct locale *locale, struct jv *data, struct jv *op)
{
	struct jv *all = jv_get(op, "deployments"), *out = jv_array();
	char text[LOCALE_TEXT_SIZE];

	for (int bad = 0; bad <= 5; bad++) {
		for (size_t i = 0;
		     i < jv_len(all) && jv_len(out) < DEPLOYMENTS_SHOWN; i++) {
			struct jv *dep = jv_at(all, i);

			if (badness(view_mark(dep)) == bad)
				jv_push(out, jv_hold(dep));
		}
	}
	if (jv_len(all) > jv_len(out))
		jv_set(data, "deployments_left_out",
		    jv_string(locale_number(
			locale, (double)(jv_len(all) - jv_len(out)), 0, text)));
	jv_set(data, "deployments", out);
}

static void
set_range(struct request *request, const struct locale *locale, struct jv *data)
{
	const struct query *query = &request->query;
	const struct series_range *range =
	    request->wait_problem == 0 ? request->range : NULL;
	struct series_range known;
	struct jv *chart;

	/* who names no span wants to see what there is */
	if (range != NULL && !query->has_from && !query->has_to) {
		known = chart_fit(range);
		range = &known;
	}
	chart = chart_json(locale, range);
	if (request->wait_problem != 0 && request->wait_problem != -ENOENT)
		jv_set(chart, "failed", jv_bool(true));
	jv_set(data, "chart", chart);
}

static void
unknown_target(struct web *web, struct request *request, struct answer *answer)
{
	answer_error(web, request, answer,
	    request->snapshot != NULL ? MHD_HTTP_NOT_FOUND
				      : MHD_HTTP_SERVICE_UNAVAILABLE,
	    request->snapshot != NULL ? "not_found" : "not_ready", NULL,
	    request->snapshot != NULL ? "nothing of this name is watched"
				      : "nothing was measured yet");
}

void
page_operator(struct web *web, struct request *request, struct answer *answer)
{
	const struct locale *locale = request_locale(web, request);
	const struct snap_operator *op =
	    snapshot_operator(request->snapshot, request->params[0]);
	struct jv *data, *value;
	const char *act;

	if (op == NULL) {
		unknown_target(web, request, answer);
		return;
	}
	act = shown_act(request, op->transactions, op->n_transactions);
	data = view_frame(web, request, "");
	value = operator_json(request->snapshot, op, request->freshness);
	view_operator(locale, value);
	page_title(web, request, data, op->title);
	jv_set(data, "state", jv_string(view_mark(value)));
	jv_set(data, "sentence", view_act_sentence(locale, value));
	set_choices(request, locale, data, jv_get(value, "transactions"),
	    act != NULL ? act : "");
	set_deployments(locale, data, value);
	set_incidents(request, locale, data, op->name, NULL);
	set_runs(web, locale, data, op->name);
	set_range(request, locale, data);
	jv_set(data, "op", value);
	page_render(web, request, answer, "operator", data);
}

void
page_deployment(struct web *web, struct request *request, struct answer *answer)
{
	const struct locale *locale = request_locale(web, request);
	const struct snap_operator *op =
	    snapshot_operator(request->snapshot, request->params[0]);
	const struct snap_deployment *dep =
	    find_deployment(op, request->params[1]);
	struct jv *data, *value, *found;
	char path[MODEL_PATH_SIZE], title[256];
	const char *act;

	if (dep == NULL) {
		unknown_target(web, request, answer);
		return;
	}
	act = shown_act(request, dep->transactions, dep->n_transactions);
	snprintf(path, sizeof(path), "%s/%s", op->name, dep->name);
	snprintf(title, sizeof(title), "%.180s, %s", op->title, dep->name);
	data = view_frame(web, request, "");
	value = operator_json(request->snapshot, op, request->freshness);
	view_operator(locale, value);
	found = jv_at(jv_get(value, "deployments"), deployment_place(op, dep));
	page_title(web, request, data, title);
	jv_set(data, "heading", jv_string(title));
	jv_set(data, "state", jv_string(view_mark(found)));
	jv_set(data, "sentence", view_act_sentence(locale, found));
	set_choices(request, locale, data, jv_get(found, "transactions"),
	    act != NULL ? act : "");
	set_incidents(request, locale, data, op->name, dep->name);
	set_runs(web, locale, data, path);
	set_range(request, locale, data);
	jv_set(data, "dep", jv_hold(found));
	jv_set(data, "op", value);
	page_render(web, request, answer, "deployment", data);
}

/* ---- text, and what went wrong ---- */

void
page_method(struct web *web, struct request *request, struct answer *answer)
{
	const struct locale *locale = request_locale(web, request);
	struct jv *data = view_frame(web, request, "");
	char text[LOCALE_TEXT_SIZE];

	page_title(web, request, data, locale_text(locale, "method.heading"));
	if (request->snapshot != NULL) {
		jv_set(data, "window_text",
		    jv_string(locale_length(
			(dur_us)(request->snapshot->window_s * 1e6), text)));
	}
	page_render(web, request, answer, "method", data);
}

static bool
wants_page(const struct request *request)
{
	if (request->route != NULL)
		return request->route->page;
	return strncmp(request->uri, "/api/", 5) != 0 &&
	    strncmp(request->uri, "/assets/", 8) != 0;
}

void
answer_error(struct web *web, struct request *request, struct answer *answer,
    unsigned status, const char *code, const char *field, const char *message)
{
	const struct locale *locale = request_locale(web, request);
	const char *known = locale_text(locale, "errors.other");
	struct jv *data;
	char key[64];

	answer->status = status;
	answer->cache = CACHE_NONE;
	buf_reset(&answer->body);
	if (!wants_page(request)) {
		struct jv *error = jv_object();

		jv_set(error, "code", jv_string(code));
		jv_set(error, "message", jv_string(message));
		if (field != NULL)
			jv_set(error, "field", jv_string(field));
		answer->type = "application/json; charset=utf-8";
		answer_json(answer, jv_set(jv_object(), "error", error));
		return;
	}
	snprintf(key, sizeof(key), "errors.%s", code);
	if (strcmp(locale_text(locale, key), key) != 0)
		known = locale_text(locale, key);
	data = view_frame(web, request, "");
	page_title(web, request, data, known);
	jv_set(data, "live", jv_bool(false));
	jv_set(data, "heading", jv_string(known));
	jv_set(data, "status_code", jv_int(status));
	jv_set(data, "path",
	    jv_string(request->route != NULL ? request->uri : "/"));
	if (field != NULL) {
		jv_set(data, "field", jv_string(field));
		jv_set(data, "problem", jv_string(message));
	}
	page_render(web, request, answer, "error", data);
}
