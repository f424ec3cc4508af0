/*
 * The rest of the JSON API: ranges of the series, and what the ledger has of
 * runs, incidents and deliveries; and the two answers for whoever watches
 * the watcher.
 */
#include "web-int.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "probe/evidence.h"

static void
not_found(struct web *web, struct request *request, struct answer *answer,
    const char *message)
{
	answer_error(web, request, answer, MHD_HTTP_NOT_FOUND, "not_found",
	    NULL, message);
}

/* ---- series ---- */

/* "op/login" cannot be told from a deployment, so the whole operator has the
 * name "op/_all/login"; the store knows the rest. */
bool
api_series_wants(
    struct web *web, struct request *request, struct series_query *query)
{
	(void)web;
	if (request->query.target[0] == '\0')
		return false;
	text_copy(query->target, sizeof(query->target), request->query.target);
	query->from = request->query.from;
	query->to = request->query.to;
	query->step = request->query.step;
	return true;
}

static struct jv *
column(const double *values, size_t n, double unit)
{
	struct jv *out = jv_array();

	for (size_t i = 0; i < n; i++) {
		jv_push(out,
		    values == NULL || isnan(values[i])
			? jv_null()
			: jv_real(round(values[i] * unit) / unit));
	}
	return out;
}

/* As column, but null where too few good results lie behind a row. */
static struct jv *
percentiles(const struct series_range *range, const double *values)
{
	struct jv *out = jv_array();

	for (size_t i = 0; i < range->n; i++) {
		jv_push(out,
		    isnan(values[i]) || !range_tells(range, i)
			? jv_null()
			: jv_real(round(values[i] * 10) / 10));
	}
	return out;
}

struct jv *
series_json(const char *target, const struct series_range *range)
{
	struct jv *out = jv_object(), *time = jv_array();
	struct jv *phases = jv_object();

	for (size_t i = 0; i < range->n; i++)
		jv_push(time, time_json(range->time[i]));
	jv_set(out, "target", jv_string(target));
	jv_set(out, "from", time_json(range->from));
	jv_set(out, "to", time_json(range->to));
	jv_set(out, "step", time_json(range->step));
	jv_set(out, "time", time);
	jv_set(out, "ok", column(range->ok, range->n, 1000));
	jv_set(out, "failed", column(range->failed, range->n, 1000));
	jv_set(out, "excluded", column(range->excluded, range->n, 1000));
	jv_set(out, "p50_ms", percentiles(range, range->p50_ms));
	jv_set(out, "p90_ms", percentiles(range, range->p90_ms));
	jv_set(out, "p95_ms", percentiles(range, range->p95_ms));
	jv_set(out, "p99_ms", percentiles(range, range->p99_ms));
	jv_set(out, "mean_ms", column(range->mean_ms, range->n, 10));
	jv_set(out, "max_ms", column(range->max_ms, range->n, 10));
	for (size_t i = 0; i < PHASE_COUNT; i++) {
		jv_set(phases, phase_name((enum phase)i),
		    column(range->phase_ms[i], range->n, 10));
	}
	jv_set(out, "phases", phases);
	return out;
}

void
api_series(struct web *web, struct request *request, struct answer *answer)
{
	if (request->query.target[0] == '\0') {
		answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
		    "bad_parameter", "target", "is missing");
		return;
	}
	if (request->range != NULL && request->wait_problem == 0) {
		answer_json(
		    answer, series_json(request->query.target, request->range));
		return;
	}
	switch (request->wait_problem) {
	case -ENOENT:
		not_found(web, request, answer,
		    "nothing was ever measured under this target");
		break;
	case -EINVAL:
		answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
		    "bad_parameter", "step", "does not go with from and to");
		break;
	case -EAGAIN:
	case -ESHUTDOWN:
	case -ETIMEDOUT:
		answer_error(web, request, answer, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "busy", NULL, "the store is busy, ask again soon");
		answer->retry_after_s = 2;
		break;
	default:
		answer_error(web, request, answer,
		    MHD_HTTP_INTERNAL_SERVER_ERROR, "store_failed", NULL,
		    "the series could not be read");
	}
}

/* ---- the ledger ---- */

static void
give_list(struct web *web, struct request *request, struct answer *answer,
    struct jv *list)
{
	if (list == NULL)
		answer_missing(web, request, answer, -EIO, "");
	else
		answer_json(answer, list);
}

void
api_runs(struct web *web, struct request *request, struct answer *answer)
{
	if (request->query.target[0] == '\0') {
		answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
		    "bad_parameter", "target", "is missing");
		return;
	}
	give_list(web, request, answer,
	    ledger_read_runs(
		web->reader, request->query.target, request->query.limit));
}

void
api_run(struct web *web, struct request *request, struct answer *answer)
{
	struct jv *run;
	int problem = ledger_read_run(web->reader, request->params[0], &run);

	if (problem != 0)
		answer_missing(
		    web, request, answer, problem, "no such run is kept");
	else
		answer_json(answer, run);
}

/* Of a run that the ledger has no more; NULL when there is none. */
static struct jv *
kept_har(struct web *web, const char *run)
{
	struct jv *har = NULL;
	struct buf text;

	if (web->evidence == NULL)
		return NULL;
	buf_init(&text, EVIDENCE_FILE_MOST);
	if (evidence_store_read(web->evidence, run, &text) == 0)
		har = jv_parse(text.data, text.len, NULL, 0);
	buf_fini(&text);
	return har;
}

void
api_run_har(struct web *web, struct request *request, struct answer *answer)
{
	struct jv *run;
	int problem = ledger_read_run(web->reader, request->params[0], &run);
	struct jv *har = NULL;

	if (problem == 0) {
		har = evidence_har(run);
		jv_release(run);
	} else {
		har = kept_har(web, request->params[0]);
	}
	if (har == NULL) {
		answer_missing(
		    web, request, answer, problem, "no such run is kept");
		return;
	}
	answer_json(answer, har);
	answer->download = "run.har";
}

void
api_evidence(struct web *web, struct request *request, struct answer *answer)
{
	struct jv *list = web->evidence == NULL
	    ? jv_array()
	    : evidence_store_list(
		  web->evidence, request->query.target, request->query.limit);

	answer_json(answer, jv_set(jv_object(), "evidence", list));
}

void
api_incidents(struct web *web, struct request *request, struct answer *answer)
{
	struct jv *list = request_incidents(web, request, answer);

	if (list != NULL)
		answer_json(answer, list);
}

void
api_incident(struct web *web, struct request *request, struct answer *answer)
{
	struct jv *incident, *timeline;
	int problem = request_incident(web, request, &incident);

	if (problem != 0) {
		answer_missing(
		    web, request, answer, problem, "no such incident");
		return;
	}
	timeline = jv_get(incident, "timeline");
	for (size_t i = 0; i < jv_len(timeline); i++)
		entry_set_texts(web, jv_at(timeline, i));
	answer_json(answer, incident);
}

const enum delivery_state *
request_delivery_state(const struct request *request)
{
	static const enum delivery_state states[] = {
	    DELIVERY_PENDING, DELIVERY_CONFIRMED, DELIVERY_DEAD};

	return request->query.state < QUERY_PENDING
	    ? NULL
	    : &states[request->query.state - QUERY_PENDING];
}

static struct jv *
subscribers_json(const struct request *request)
{
	const struct snapshot *snapshot = request->snapshot;
	struct jv *list = jv_array();

	for (size_t i = 0; snapshot != NULL && i < snapshot->n_subscribers;
	     i++) {
		const struct snap_subscriber *one = &snapshot->subscribers[i];
		struct jv *out = jv_object();

		jv_set(out, "name", jv_string(one->name));
		jv_set(out, "pending", jv_int((int64_t)one->pending));
		jv_set(out, "oldest_s", jv_real(one->oldest_s));
		jv_set(out, "failing", jv_bool(one->failing));
		jv_set(out, "closed", jv_bool(one->closed));
		jv_push(list, out);
	}
	return list;
}

void
api_deliveries(struct web *web, struct request *request, struct answer *answer)
{
	struct jv *list = ledger_read_deliveries(
	    web->reader, request_delivery_state(request), request->query.limit);

	if (list != NULL)
		jv_set(list, "subscribers", subscribers_json(request));
	give_list(web, request, answer, list);
}

/* ---- for machines ---- */

static void
give_metrics(struct web *web, struct request *request, struct answer *answer,
    enum metrics_of of)
{
	answer->type = request->openmetrics
	    ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
	    : "text/plain; version=0.0.4; charset=utf-8";
	answer->cache = CACHE_NONE;
	metrics_text(request->snapshot, request->freshness,
	    clock_boot(web->clock), events_streams(web->events), of,
	    request->openmetrics, &answer->body);
}

void
serve_metrics(struct web *web, struct request *request, struct answer *answer)
{
	give_metrics(web, request, answer, METRICS_ALL);
}

void
serve_metrics_daemon(
    struct web *web, struct request *request, struct answer *answer)
{
	give_metrics(web, request, answer, METRICS_DAEMON);
}

void
serve_healthz(struct web *web, struct request *request, struct answer *answer)
{
	(void)web;
	(void)request;
	answer->type = "text/plain; charset=utf-8";
	answer->cache = CACHE_NONE;
	buf_adds(&answer->body, "ok\n");
}

void
serve_readyz(struct web *web, struct request *request, struct answer *answer)
{
	(void)web;
	answer->type = "text/plain; charset=utf-8";
	answer->cache = CACHE_NONE;
	if (request->freshness == FRESH) {
		buf_adds(&answer->body, "ready\n");
		return;
	}
	answer->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	answer->retry_after_s = 1;
	buf_adds(&answer->body,
	    request->snapshot == NULL ? "not ready: no snapshot yet\n"
				      : "not ready: the engine is silent\n");
}
