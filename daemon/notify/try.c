/*
 * One try of one delivery: sign it for this instant, post it, judge the
 * answer. What follows from the answer is decided in outbox.c.
 */
#include "notify-int.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

#define TRY_TIMEOUT_US (10 * US_PER_S)
#define ANSWER_MAX 4096
#define SIGNATURE_MAX 512

/* After its done callback has returned, so that the session may go. */
static void
on_end(void *arg)
{
	outbox_tried(arg);
}

static void
judge(struct outcome *outcome, const struct http_response *response)
{
	bool answered = response->reason == REASON_OK ||
	    response->reason == REASON_TOO_LARGE;

	*outcome = (struct outcome){
	    .tried = TRIED_FAILED,
	    .ours = response->reason == REASON_FD_LIMIT,
	    .status = response->status,
	    .took = response->latency,
	    .retry_after = response->retry_after,
	};
	if (!answered) {
		snprintf(outcome->problem, sizeof(outcome->problem),
		    "%s: %.120s", reason_name(response->reason),
		    response->problem);
		return;
	}
	if (response->status >= 200 && response->status <= 299) {
		outcome->tried = TRIED_CONFIRMED;
		return;
	}
	if (response->status == 410) {
		outcome->tried = TRIED_GONE;
	}
	snprintf(outcome->problem, sizeof(outcome->problem), "HTTP %d",
	    response->status);
}

static void
on_done(void *arg, const struct http_response *response)
{
	struct outbox *outbox = arg;

	judge(&outbox->try.outcome, response);
	outbox->try.exchange = NULL;
	outbox->try.ended = true;
	loop_defer(outbox->notify->options.loop, on_end, outbox);
}

/* Unsigned only where the configuration allows it. */
static size_t
fill_headers(
    struct try *try, const struct conf_subscriber *subscriber, int64_t now_s)
{
	size_t n = 0;
	bool fits;

	snprintf(try->timestamp, sizeof(try->timestamp), "%" PRId64, now_s);
	try->headers[n++] =
	    (struct http_header){"content-type", "application/json"};
	try->headers[n++] = (struct http_header){"webhook-id", try->id};
	try->headers[n++] =
	    (struct http_header){"webhook-timestamp", try->timestamp};
	buf_init(&try->signature, SIGNATURE_MAX);
	if (subscriber->n_secrets == 0) {
		return n;
	}
	fits = notify_sign(&try->signature, subscriber->secrets,
	    subscriber->n_secrets, try->id, now_s, try->text.data,
	    try->text.len);
	assert(fits);
	try->headers[n++] =
	    (struct http_header){"webhook-signature", try->signature.data};
	return n;
}

static void
fill_text(struct outbox *outbox, const struct body **bodies, const char **ids,
    size_t n)
{
	struct format_job job = {
	    .subscriber = outbox->subscriber,
	    .public_url = outbox->conf->web.public_url,
	    .now = notify_wall(outbox->notify),
	    .bodies = bodies,
	    .ids = ids,
	    .n = n,
	};
	bool fits;

	/* An alert repeats its labels and its texts. */
	buf_init(&outbox->try.text, (n + 1) * 3 * NOTIFY_BODY_MAX);
	fits = notify_format(&job, &outbox->try.text);
	assert(fits);
}

void
try_start(struct outbox *outbox, const char *id, const struct body **bodies,
    const char **ids, size_t n)
{
	struct try *try = &outbox->try;
	const struct conf_subscriber *subscriber = outbox->subscriber;
	int64_t now_s = notify_wall(outbox->notify) / US_PER_S;
	struct http_request request;

	assert(!try->exchange && !try->ended);
	try->conf = conf_hold(outbox->conf);
	if (!try->session) {
		struct http_session_options options = {
		    .ca_file = subscriber->ca_file,
		    .deny_private = !subscriber->allow_private,
		};

		try->session =
		    http_session_new(outbox->notify->options.http, &options);
	}
	text_copy(try->id, sizeof(try->id), id);
	fill_text(outbox, bodies, ids, n);
	request = (struct http_request){
	    .method = HTTP_POST,
	    .url = subscriber->url,
	    .headers = try->headers,
	    .n_headers = fill_headers(try, subscriber, now_s),
	    .body = try->text.data,
	    .body_len = try->text.len,
	    .timeout = TRY_TIMEOUT_US,
	    .max_body_bytes = ANSWER_MAX,
	};
	try->exchange = http_start(try->session, &request, on_done, outbox);
}

void
try_cancel(struct outbox *outbox)
{
	if (outbox->try.exchange) {
		http_cancel(outbox->try.exchange);
		outbox->try.exchange = NULL;
		try_reset(outbox, false);
	}
}

void
try_reset(struct outbox *outbox, bool keep_session)
{
	struct try *try = &outbox->try;

	if (try->session && !keep_session) {
		http_session_free(try->session);
		try->session = NULL;
	}
	conf_release(try->conf);
	try->conf = NULL;
	buf_fini(&try->text);
	buf_fini(&try->signature);
	try->ended = false;
}
