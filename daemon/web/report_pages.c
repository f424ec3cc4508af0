/*
 * The account over HTTP. It may take seconds to count, so that a lane of its
 * own does it, with a connection of its own to the ledger.
 */
#include "report-int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "web-int.h"

/* What is asked, with its own copy of everything. */
struct report_job {
	struct web *web;
	report_done_fn *done;
	void *arg;
	char op[MODEL_NAME_SIZE];
	char title[256], vantage[MODEL_NAME_SIZE];
	struct report_month month;
	wall_us now;
	size_t n;
	struct job_place {
		char name[MODEL_NAME_SIZE];
		dur_us every;
	} places[];
};

static void
do_report(void *ctx, const void *payload, size_t size)
{
	const struct report_job *job = payload;
	struct web *web = ctx;
	struct report_place *places = mem_array(job->n + 1, sizeof(*places));
	struct report_question question = {
	    .op = job->op,
	    .title = job->title,
	    .vantage = job->vantage,
	    .month = job->month,
	    .now = job->now,
	    .places = places,
	    .n_places = job->n,
	    .zone = web->zone,
	};
	struct jv *account;
	int problem;

	(void)size;
	for (size_t i = 0; i < job->n; i++)
		places[i] = (struct report_place){
		    job->places[i].name, job->places[i].every};
	account = report_account(web->report_reader, &question, &problem);
	free(places);
	job->done(job->arg, problem, account);
}

/* ---- one target, at once: few minutes, each looked up ---- */

static bool
refuse(struct web *web, struct request *request, struct answer *answer,
    const char *field, const char *problem)
{
	answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
	    "bad_parameter", field, problem);
	return false;
}

#define TRACE_MOST (INT64_C(86400) * US_PER_S)

void
api_availability_minutes(
    struct web *web, struct request *request, struct answer *answer)
{
	const struct query *query = &request->query;
	char op[MODEL_NAME_SIZE];
	struct report_question question = {
	    .op = op, .now = request->now, .zone = web->zone};
	const struct snap_operator *known;
	struct report_place *places;
	struct jv *trace;
	int problem;

	if (query->to - query->from > TRACE_MOST) {
		(void)refuse(web, request, answer, "from",
		    "must be at most a day before to");
		return;
	}
	snprintf(op, sizeof(op), "%.*s", (int)strcspn(query->target, "/"),
	    query->target);
	known = request->snapshot != NULL
	    ? snapshot_operator(request->snapshot, op)
	    : NULL;
	question.n_places = known != NULL ? known->n_deployments : 0;
	places = mem_array(question.n_places + 1, sizeof(*places));
	for (size_t i = 0; i < question.n_places; i++)
		places[i] = (struct report_place){
		    known->deployments[i]->name, known->deployments[i]->every};
	question.places = places;
	trace = report_trace(web->reader, &question, query->target, query->from,
	    query->to, &problem);
	free(places);
	if (problem != 0)
		answer_missing(web, request, answer, -EIO, "");
	else if (trace == NULL)
		answer_missing(web, request, answer, -ENOENT,
		    "no transaction of this name was ever counted");
	else
		answer_json(answer, trace);
}

/* ---- what is asked ---- */

bool
report_ask(struct web *web, struct request *request, struct answer *answer)
{
	bool page = request->route->page;
	const char *op = page ? request->params[0] : request->query.op;
	const char *month = page ? request->params[1] : request->query.month;

	if (!text_name_valid(op))
		return refuse(web, request, answer, "operator",
		    op[0] == '\0' ? "is missing" : "must be an operator");
	if (!report_month_parse(month, &request->month))
		return refuse(web, request, answer, "month",
		    month[0] == '\0' ? "is missing"
				     : "must be a month such as 2026-10");
	text_copy(request->report_op, sizeof(request->report_op), op);
	return true;
}

int
report_begin(
    struct web *web, struct request *request, report_done_fn *done, void *arg)
{
	const struct snap_operator *op = request->snapshot != NULL
	    ? snapshot_operator(request->snapshot, request->report_op)
	    : NULL;
	size_t n = op != NULL ? op->n_deployments : 0;
	size_t size = sizeof(struct report_job) + n * sizeof(struct job_place);
	struct report_job *job = mem_new(size);
	int rc;

	job->done = done;
	job->arg = arg;
	text_copy(job->op, sizeof(job->op), request->report_op);
	text_copy(job->title, sizeof(job->title),
	    op != NULL ? op->title : request->report_op);
	text_copy(job->vantage, sizeof(job->vantage),
	    request->snapshot != NULL ? request->snapshot->vantage : "");
	job->month = request->month;
	job->now = request->now;
	job->n = n;
	for (size_t i = 0; i < n; i++) {
		text_copy(job->places[i].name, sizeof(job->places[i].name),
		    op->deployments[i]->name);
		job->places[i].every = op->deployments[i]->every;
	}
	rc = lane_call(web->reports, do_report, web, job, size);
	free(job);
	return rc;
}

/* ---- the answers ---- */

/* The account, owned by the request; NULL: `answer` says why not. */
static struct jv *
take_account(struct web *web, struct request *request, struct answer *answer)
{
	if (request->account != NULL && request->wait_problem == 0)
		return request->account;
	switch (request->wait_problem) {
	case 0:
		answer_missing(web, request, answer, -ENOENT,
		    "nothing was ever measured of this operator");
		break;
	case -EAGAIN:
	case -ESHUTDOWN:
	case -ETIMEDOUT:
		answer_error(web, request, answer, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "busy", NULL, "too many accounts are being counted");
		answer->retry_after_s = 5;
		break;
	default:
		answer_missing(web, request, answer, -EIO, "");
	}
	return NULL;
}

void
api_availability(
    struct web *web, struct request *request, struct answer *answer)
{
	struct jv *account = take_account(web, request, answer);
	bool polish = request->language == LANGUAGE_PL;

	if (account == NULL)
		return;
	if (!request->query.csv) {
		answer_json(answer, jv_hold(account));
		return;
	}
	answer->type = "text/csv; charset=utf-8; header=present";
	snprintf(answer->file_name, sizeof(answer->file_name), "%s-%s.%s.csv",
	    request->report_op, jv_get_string(account, "month", ""),
	    polish ? "pl" : "en");
	answer->download = answer->file_name;
	(void)report_csv(account, polish, &answer->body);
}

void
page_report(struct web *web, struct request *request, struct answer *answer)
{
	const struct locale *locale = request_locale(web, request);
	struct jv *account = take_account(web, request, answer), *data;
	struct buf title;

	if (account == NULL)
		return;
	report_view(locale, account, request->language == LANGUAGE_PL);
	data = view_frame(web, request, "");
	jv_set(data, "live", jv_bool(false));
	buf_init(&title, 1024);
	buf_printf(&title, "%s, %s", jv_get_string(account, "title", ""),
	    jv_get_string(account, "month", ""));
	page_title(web, request, data, title.data);
	buf_fini(&title);
	jv_set(data, "account", jv_hold(account));
	page_render(web, request, answer, "report", data);
}

/* The month before `month`. */
static struct report_month
before(struct report_month month)
{
	if (month.month > 1)
		return (struct report_month){month.year, month.month - 1};
	return (struct report_month){month.year - 1, 12};
}

#define MONTHS_SHOWN 13

void
page_reports(struct web *web, struct request *request, struct answer *answer)
{
	const struct locale *locale = request_locale(web, request);
	const struct snapshot *snapshot = request->snapshot;
	struct jv *data = view_frame(web, request, "");
	struct jv *operators = jv_array();
	struct zone_time today;

	page_title(
	    web, request, data, locale_text(locale, "report.index_heading"));
	zone_local(web->zone, request->now, &today);
	for (size_t i = 0; snapshot != NULL && i < snapshot->n_operators; i++) {
		const struct snap_operator *op = &snapshot->operators[i];
		struct report_month month = {today.year, today.month};
		struct jv *one = jv_object(), *months = jv_array();

		jv_set(one, "name", jv_string(op->name));
		jv_set(one, "title", jv_string(op->title));
		for (int k = 0; k < MONTHS_SHOWN; k++) {
			char text[32];

			snprintf(text, sizeof(text), "%04d-%02d", month.year,
			    month.month);
			jv_push(months, jv_string(text));
			month = before(month);
		}
		jv_set(one, "months", months);
		jv_push(operators, one);
	}
	jv_set(data, "operators", operators);
	page_render(web, request, answer, "reports", data);
}
