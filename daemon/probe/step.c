/*
 * One step: its request, the judgement of the last response, and asking again
 * when it polls. Redirects are in redirect.c, what comes after it in run.c.
 */
#include "run-int.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct actor *
actor_of(struct probe_run *run)
{
	return &run->actors[probe_run_step(run)->actor];
}

/* time_left of the transaction, or of a step that cleans up. */
static dur_us
time_left(const struct probe_run *run)
{
	const struct transaction *tx = probe_run_transaction(run);
	mono_us now = loop_now(run->probe->loop);
	dur_us limit = tx->timeout;

	if (!probe_run_cleans_up(run))
		return run->now.started + run->now.ours + limit - now;
	if (limit > PROBE_CLEANUP_US)
		limit = PROBE_CLEANUP_US;
	if (run->stopping) {
		dur_us left = run->stop_asked + RUN_STOP_US - now;

		if (limit > RUN_STOP_STEP_US)
			limit = RUN_STOP_STEP_US;
		if (left < run->at.began + limit - now)
			return left;
	}
	return run->at.began + limit - now;
}

/* answer_left: how long the answer may take from now. */
static dur_us
answer_left(const struct probe_run *run)
{
	const struct step *step = probe_run_step(run);
	dur_us left = time_left(run);
	dur_us own = run->at.asked + step->timeout - loop_now(run->probe->loop);

	return step->timeout > 0 && own < left ? own : left;
}

void
probe_step_fail(struct probe_run *run, enum reason reason, enum phase phase,
    const char *note)
{
	probe_request_forget(run);
	probe_record_verdict(run, reason, note);
	probe_run_step_over(run, reason, phase);
}

/* ---- sending ---- */

static enum http_method
http_method_of(enum conf_method method)
{
	switch (method) {
	case CONF_GET:
		return HTTP_GET;
	case CONF_POST:
		return HTTP_POST;
	case CONF_PUT:
		return HTTP_PUT;
	case CONF_DELETE:
		return HTTP_DELETE;
	}
	return HTTP_GET;
}

static void on_response(void *arg, const struct http_response *response);

static struct http_session *
session_of(struct probe_run *run)
{
	struct actor *actor = actor_of(run);
	struct http_session_options options = {
	    .connect_to = run->job.deployment->connect_to,
	    .ca_file = run->job.deployment->ca_file,
	};

	if (actor->session == NULL)
		actor->session = http_session_new(run->probe->http, &options);
	return actor->session;
}

/* The answer is lost: the steps that look for it come next. */
static void
lost(struct probe_run *run)
{
	probe_request_forget(run);
	probe_record_note(
	    run, "the answer is lost: looked for, not sent again");
	probe_run_skip(run);
}

static void
out_of_time(struct probe_run *run)
{
	bool polling = run->at.poll_from != 0 && time_left(run) <= 0;

	if (probe_run_lose(run, REASON_NO_ANSWER, PHASE_WAIT)) {
		lost(run);
		return;
	}
	probe_step_fail(run, polling ? REASON_MESSAGE_LOST : REASON_NO_ANSWER,
	    PHASE_WAIT,
	    polling ? "not found before the transaction's time was over"
		    : "the time was over before this request");
}

void
probe_step_send(struct probe_run *run)
{
	const struct transaction *tx = probe_run_transaction(run);
	const struct step *step = probe_run_step(run);
	struct http_request *request = &run->request;
	dur_us left = answer_left(run);

	if (left <= 0) {
		out_of_time(run);
		return;
	}
	if (run->events.may_send != NULL &&
	    !run->events.may_send(run->events.arg)) {
		if (!run->aborted)
			probe_step_fail(run, REASON_BUDGET_SPENT, PHASE_DNS,
			    "the operator's request budget is spent, or it "
			    "asked us to wait");
		return;
	}
	if (run->aborted)
		return;
	*request = (struct http_request){
	    .method = http_method_of(run->at.method),
	    .url = run->url.data,
	    .body = run->at.with_body ? run->body.data : NULL,
	    .body_len = run->at.with_body ? run->body.len : 0,
	    .once = !step->idempotent && run->at.method != CONF_GET,
	    .timeout = left,
	    .max_body_bytes = run->job.program->max_body_bytes,
	};
	probe_request_headers(run, request);
	probe_record_begin(run, request);
	if (!probe_run_cleans_up(run)) {
		run->now.exchanges++;
		if (run->step == tx->from && !run->now.span_begun) {
			run->now.span_begun = true;
			run->now.span_from = probe_run_fair_now(run);
		}
	}
	run->exchange = http_start(session_of(run), request, on_response, run);
	if (run->stopping && !probe_run_cleans_up(run))
		probe_step_hurry(run);
}

void
probe_step_hurry(struct probe_run *run)
{
	if (run->exchange == NULL)
		return;
	run->wait = WAIT_STOP;
	loop_timer_start(run->timer,
	    run->stop_asked + RUN_STOP_STEP_US - loop_now(run->probe->loop));
}

void
probe_step_give_up(struct probe_run *run)
{
	http_cancel(run->exchange);
	run->exchange = NULL;
	probe_request_forget(run);
	/* Like a poll that was stopped: no verdict. */
	probe_record_note(run, "not waited for any longer: the run is to stop");
	probe_run_skip(run);
}

static void
start_chain(struct probe_run *run)
{
	const struct step *step = probe_run_step(run);
	char host[256] = "", note[PROBE_NOTE_MAX];

	run->at.hops = 0;
	run->at.crossed = false;
	run->at.asked = loop_now(run->probe->loop);
	run->at.method = step->method;
	run->at.with_body = step->body_kind != BODY_NONE;
	if (!probe_redirect_secure(run) ||
	    !probe_request_host_allowed(
		run, run->url.data, host, sizeof(host))) {
		snprintf(note, sizeof(note),
		    host[0] != '\0'
			? "step %s: host \"%.100s\" is not one of the "
			  "profile's hosts"
			: "step %s: not an https address%.100s",
		    step->name, host);
		probe_step_fail(run, REASON_UNKNOWN_PAGE, PHASE_DNS, note);
		return;
	}
	probe_step_send(run);
}

static bool
prepare(struct probe_run *run)
{
	const char *why = "";
	char note[PROBE_NOTE_MAX];

	switch (probe_request_prepare(run, &why)) {
	case PREPARED:
		return true;
	case PREPARED_NO_VALUE:
		snprintf(note, sizeof(note), "step %s: no value for \"%.60s\"",
		    probe_run_step(run)->name, why);
		break;
	case PREPARED_BAD:
		snprintf(note, sizeof(note), "step %s: %.100s",
		    probe_run_step(run)->name, why);
		break;
	}
	if (!probe_run_cleans_up(run))
		probe_step_fail(run, REASON_EXTRACT_FAILED, PHASE_DNS, note);
	return false;
}

/* ---- beginning ---- */

/* begin_request: false when the step has to be left out. */
static bool
begin_request(struct probe_run *run)
{
	run->at.began = loop_now(run->probe->loop);
	if (!prepare(run))
		return !probe_run_cleans_up(run);
	if (probe_run_step(run)->polls)
		run->at.poll_from = run->at.began;
	start_chain(run);
	return true;
}

/* cannot_derive: as begin_request. */
static bool
cannot_derive(struct probe_run *run, const char *why, const char *name)
{
	char note[PROBE_NOTE_MAX];

	if (probe_run_cleans_up(run))
		return false;
	snprintf(note, sizeof(note), "step %s: derive: %s%s%.60s%s",
	    probe_run_step(run)->name, why, name != NULL ? " for \"" : "",
	    name != NULL ? name : "", name != NULL ? "\"" : "");
	probe_step_fail(run, REASON_EXTRACT_FAILED, PHASE_DNS, note);
	return true;
}

static void
work(void *arg)
{
	struct probe_run *run = arg;

	probe_derive_work(&run->derivation);
}

static void worked(void *arg);

/* derive_or_begin does the next derivation, or begins when all are done. */
static bool
derive_or_begin(struct probe_run *run)
{
	const struct step *step = probe_run_step(run);
	const char *why, *name;

	if (run->at.derived == step->n_derive)
		return begin_request(run);
	if (run->stopping) /* that must not wait for work */
		return false;
	run->values.actor = step->actor;
	run->values.now = clock_wall(loop_clock(run->probe->loop));
	why = probe_derive_prepare(&step->derive[run->at.derived], &run->values,
	    &run->tmp[2], &run->derivation, &name);
	if (why != NULL)
		return cannot_derive(run, why, name);
	if (loop_work(run->probe->loop, work, worked, run) != 0)
		return cannot_derive(run, "no worker can be had", NULL);
	run->working = true;
	probe_run_pause(run);
	return true;
}

/* derived: false when the step has to be left out. */
static bool
derived(struct probe_run *run)
{
	const struct derivation *derivation = &run->derivation;
	const struct step *step = probe_run_step(run);
	struct value *value;

	if (run->stopping)
		return false;
	if (derivation->why != NULL)
		return cannot_derive(run, derivation->why, NULL);
	value = &run->values
		     .vars[step->actor][step->derive[run->at.derived++].slot];
	value->len = derivation->answer.len;
	value->data = arena_strndup(
	    &run->arena, derivation->answer.data, derivation->answer.len);
	return derive_or_begin(run);
}

static void
worked(void *arg)
{
	struct probe_run *run = arg;

	run->working = false;
	probe_run_enter(run);
	if (!run->aborted) {
		probe_run_resume(run);
		if (!derived(run))
			probe_run_skip(run);
	}
	probe_run_leave(run);
}

bool
probe_step_begin(struct probe_run *run)
{
	if (probe_run_cleans_up(run) && !actor_of(run)->answered)
		return false;
	run->at = (struct step_state){0};
	return derive_or_begin(run);
}

void
probe_step_repeat(struct probe_run *run)
{
	if (prepare(run))
		start_chain(run);
	else if (probe_run_cleans_up(run))
		probe_run_step_over(run, REASON_EXTRACT_FAILED, PHASE_DNS);
}

/* ---- judging ---- */

static void
poll_again(struct probe_run *run)
{
	const struct step *step = probe_run_step(run);
	mono_us now = loop_now(run->probe->loop);
	dur_us left = run->at.poll_from + step->at_most - now;
	dur_us wait = step->every < left ? step->every : left;

	if (run->stopping && !probe_run_cleans_up(run)) {
		probe_run_skip(run);
		return;
	}
	if (left <= 0 || wait >= time_left(run)) {
		probe_record_explain(run);
		probe_step_fail(run, REASON_MESSAGE_LOST, PHASE_WAIT,
		    "what was waited for did not come in time");
		return;
	}
	run->wait = WAIT_POLL;
	loop_timer_start(run->timer, wait);
}

static void
held(struct probe_run *run)
{
	const struct step *step = probe_run_step(run);

	if (step->polls)
		probe_run_found(run);
	if (step->counts)
		probe_run_counted(run, run->verdict.copies);
	if (step->reserve_of != SIZE_MAX)
		probe_record_note(run, "it is there: sent, and not again");
	probe_run_step_over(run, REASON_OK, PHASE_RECEIVE);
}

static void
judged(struct probe_run *run)
{
	struct probe_stats *stats = &run->probe->stats;

	stats->pages++;
	stats->trees += run->page.html != NULL;
	stats->on_workers += run->page.on_worker;
	probe_page_end(&run->page);
	probe_request_forget(run);
	if (run->verdict.again) {
		poll_again(run);
	} else if (run->verdict.reason != REASON_OK) {
		probe_record_explain(run);
		probe_step_fail(
		    run, run->verdict.reason, PHASE_RECEIVE, run->verdict.note);
	} else {
		held(run);
	}
}

static void
judge_page(void *arg)
{
	struct probe_run *run = arg;
	const struct step *step = probe_run_step(run);
	struct judgement *verdict = &run->verdict;

	probe_judge(run->job.program, step, &run->page, &run->values,
	    &run->arena, &run->tmp[2], verdict);
	if (run->probe->explain && verdict->sought != NULL)
		verdict->excerpt = probe_explain(run->job.program, &run->page,
		    &run->values, verdict->sought, &run->arena);
	if (step->counts && verdict->reason == REASON_OK && !verdict->again)
		verdict->copies =
		    probe_selector_count(&step->once, &run->page, &run->values);
}

static void
judged_by_worker(void *arg)
{
	struct probe_run *run = arg;

	run->working = false;
	probe_run_enter(run);
	if (run->aborted)
		probe_page_end(&run->page);
	else
		judged(run);
	probe_run_leave(run);
}

/* The worker must not touch session or response: what the step looks at is
 * copied before. */
static const struct named *
see_headers(struct probe_run *run, const struct http_response *response)
{
	const struct step *step = probe_run_step(run);
	struct named *seen = arena_alloc(
	    &run->scratch, (step->n_seen_headers + 1) * sizeof(*seen));
	size_t i;

	run->page.n_headers = 0;
	for (i = 0; seen != NULL && i < step->n_seen_headers; i++) {
		const char *value =
		    http_header_find(response, step->seen_headers[i]);

		seen[i].name = step->seen_headers[i];
		seen[i].value =
		    value == NULL ? NULL : arena_strdup(&run->scratch, value);
		run->page.n_headers = i + 1;
	}
	return seen;
}

static const struct named *
see_cookies(struct probe_run *run)
{
	const struct step *step = probe_run_step(run);
	struct named *seen = arena_alloc(
	    &run->scratch, (step->n_seen_cookies + 1) * sizeof(*seen));
	char host[256];
	size_t i;

	run->page.n_cookies = 0;
	if (!http_url_host(run->url.data, host, sizeof(host)))
		return seen;
	for (i = 0; seen != NULL && i < step->n_seen_cookies; i++) {
		const char *value = http_session_cookie(
		    actor_of(run)->session, host, step->seen_cookies[i]);

		seen[i].name = step->seen_cookies[i];
		seen[i].value =
		    value == NULL ? NULL : arena_strdup(&run->scratch, value);
		run->page.n_cookies = i + 1;
	}
	return seen;
}

static void
remember_page(struct probe_run *run, const char *media_type)
{
	struct buf *url = &actor_of(run)->page_url;

	if (strncasecmp(media_type, "text/html", 9) != 0 &&
	    strncasecmp(media_type, "application/xhtml+xml", 21) != 0)
		return;
	buf_reset(url);
	buf_add(url, run->url.data, strcspn(run->url.data, "#"));
}

static void
page_arrived(struct probe_run *run, const struct http_response *response)
{
	struct page *page = &run->page;
	bool large = response->body_len > PAGE_INLINE_MAX;

	*page = (struct page){
	    .charsets = &run->probe->charsets,
	    .url = run->url.data,
	    .status = response->status,
	    .media_type = response->media_type,
	    .raw = response->body,
	    .raw_len = response->body_len,
	    .decoded = &run->decoded,
	};
	page->headers = see_headers(run, response);
	page->cookies = see_cookies(run);
	remember_page(run, response->media_type);
	if (large) {
		const char *media_type =
		    arena_strdup(&run->scratch, response->media_type);

		buf_reset(&run->raw);
		buf_add(&run->raw, response->body, response->body_len);
		page->on_worker = true;
		page->raw = run->raw.data;
		page->raw_len = run->raw.len;
		page->media_type = media_type == NULL ? "" : media_type;
		run->working = true;
		if (loop_work(run->probe->loop, judge_page, judged_by_worker,
			run) == 0)
			return;
		run->working = false;
	}
	judge_page(run);
	judged(run);
}

/* ---- the answer ---- */

static void
account_for(struct probe_run *run, const struct http_response *response)
{
	const struct transaction *tx = probe_run_transaction(run);
	struct tx_state *now = &run->now;

	if (response->status != 0)
		actor_of(run)->answered = true;
	/* RFC 9110, 10.2.3: what it says of other answers is not to us */
	if (response->status >= 300 && response->retry_after > 0 &&
	    run->events.asked_to_wait != NULL)
		run->events.asked_to_wait(
		    run->events.arg, response->retry_after);
	if (probe_run_cleans_up(run))
		return;
	now->last_end = response->started + response->latency - now->ours;
	now->ours += response->ours;
	now->received_bytes += response->body_len;
	if (response->certificate != NULL &&
	    (now->cert_not_after == 0 ||
		response->certificate->not_after < now->cert_not_after))
		now->cert_not_after = response->certificate->not_after;
	now->http_status = response->status;
	if (run->step < tx->from || run->step > tx->to)
		return;
	phase_times_add(&now->phases, &response->phases);
	now->late += response->late;
}

static void
on_response(void *arg, const struct http_response *response)
{
	struct probe_run *run = arg;

	probe_run_enter(run);
	run->exchange = NULL;
	if (run->wait == WAIT_STOP)
		loop_timer_stop(run->timer);
	run->wait = WAIT_NONE;
	probe_record_response(run, response);
	account_for(run, response);
	if (response->reason != REASON_OK &&
	    probe_run_lose(run, response->reason, response->phase)) {
		lost(run);
	} else if (response->reason != REASON_OK) {
		probe_request_forget(run);
		probe_run_step_over(run, response->reason, response->phase);
	} else if (probe_run_step(run)->follow > 0 &&
	    probe_redirect_is(response)) {
		probe_redirect_follow(run, response);
	} else {
		page_arrived(run, response);
	}
	probe_run_leave(run);
}
