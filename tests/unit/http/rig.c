/*
 * Runs exchanges on a loop of their own and keeps what they told.
 */
#include "rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
give_up(void *arg)
{
	(void)arg;
	fail_msg("the loop waits for what does not come");
}

static const char *const nowhere[] = {"127.0.0.1:1"};
static const struct http_options plain = {
    .name_servers = nowhere, .n_name_servers = 1};

void
rig_begin(struct rig *rig, const struct http_options *options)
{
	signal(SIGPIPE, SIG_IGN);
	rig->loop = loop_new(clock_system());
	rig->guard = loop_timer_new(rig->loop, give_up, NULL);
	rig->client =
	    http_client_new(rig->loop, options != NULL ? options : &plain);
	assert_non_null(rig->client);
}

void
rig_end(struct rig *rig)
{
	http_client_free(rig->client);
	loop_timer_free(rig->guard);
	loop_free(rig->loop);
}

void
rig_apply(struct rig *rig, const struct http_bundles *bundles)
{
	struct http_options options = plain;

	options.bundles = bundles;
	http_client_apply(rig->client, &options);
}

void
rig_run(struct rig *rig, const int *count, int n)
{
	loop_timer_start(rig->guard, PATIENCE);
	while (*count < n)
		loop_run(rig->loop);
	loop_timer_stop(rig->guard);
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

void
rig_spin(struct rig *rig, dur_us length)
{
	struct loop_timer *timer = loop_timer_new(rig->loop, stop, rig->loop);

	loop_timer_start(timer, length);
	loop_run(rig->loop);
	loop_timer_free(timer);
}

void
outcome_note(void *arg, const struct http_response *response)
{
	struct outcome *outcome = arg;
	size_t at = 0;

	outcome->calls++;
	outcome->reason = response->reason;
	outcome->phase = response->phase;
	memcpy(outcome->problem, response->problem, sizeof(outcome->problem));
	outcome->status = response->status;
	outcome->version = response->version;
	free(outcome->body);
	outcome->body = malloc(response->body_len + 1);
	assert_non_null(outcome->body);
	memcpy(outcome->body, response->body, response->body_len + 1);
	outcome->body_len = response->body_len;
	for (size_t i = 0; i < response->n_headers; i++) {
		snprintf(outcome->headers + at, sizeof(outcome->headers) - at,
		    "%s=%s\n", response->headers[i].name,
		    response->headers[i].value);
		at += strlen(outcome->headers + at);
	}
	snprintf(outcome->media_type, sizeof(outcome->media_type), "%s",
	    response->media_type);
	snprintf(outcome->location, sizeof(outcome->location), "%s",
	    response->location);
	snprintf(outcome->address, sizeof(outcome->address), "%s",
	    response->address);
	snprintf(outcome->tls, sizeof(outcome->tls), "%s", response->tls);
	snprintf(
	    outcome->cipher, sizeof(outcome->cipher), "%s", response->cipher);
	outcome->certified = response->certificate != NULL;
	if (outcome->certified)
		outcome->certificate = *response->certificate;
	outcome->retry_after = response->retry_after;
	outcome->started = response->started;
	outcome->latency = response->latency;
	outcome->ours = response->ours;
	outcome->late = response->late;
	outcome->phases = response->phases;
	outcome->reused = response->reused;
	outcome->sent_bytes = response->sent_bytes;
	loop_stop(outcome->rig->loop);
}

void
outcome_clear(struct outcome *outcome)
{
	free(outcome->body);
	*outcome = (struct outcome){0};
}

void
rig_do(struct rig *rig, struct http_session *session,
    struct http_request request, struct outcome *outcome)
{
	outcome_clear(outcome);
	outcome->rig = rig;
	if (request.timeout == 0)
		request.timeout = ENOUGH;
	if (request.max_body_bytes == 0)
		request.max_body_bytes = 65536;
	http_start(session, &request, outcome_note, outcome);
	assert_int_equal(outcome->calls, 0);
	rig_run(rig, &outcome->calls, 1);
	assert_int_equal(outcome->calls, 1);
}

void
rig_get(struct rig *rig, const struct http_session_options *options,
    const char *url, dur_us timeout, struct outcome *outcome)
{
	struct http_session *session = http_session_new(rig->client, options);

	rig_do(rig, session,
	    (struct http_request){.url = url, .timeout = timeout}, outcome);
	http_session_free(session);
}

const char *
url_of(const char *scheme, const char *host, int port)
{
	static char texts[4][256];
	static unsigned turn;
	char *text = texts[turn++ % ARRAY_LEN(texts)];

	snprintf(
	    text, sizeof(texts[0]), "%s://%s:%d/strona", scheme, host, port);
	return text;
}

void
assert_reason(const struct outcome *outcome, enum reason reason)
{
	if (outcome->reason != reason)
		print_message(
		    "# %s: %s\n", phase_name(outcome->phase), outcome->problem);
	assert_string_equal(reason_name(outcome->reason), reason_name(reason));
}
