/*
 * Redirects: followed by us, one exchange each, never from https to http,
 * never to a host that the profile does not list.
 */
#include "run-int.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* As it came, when it is no address that could be asked. NULL: none. */
static const char *
target_of(const struct http_response *response)
{
	return response->location[0] != '\0'
	    ? response->location
	    : http_header_find(response, "Location");
}

bool
probe_redirect_is(const struct http_response *response)
{
	switch (response->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return target_of(response) != NULL;
	}
	return false;
}

/* over_https: what to ask instead of an address of http. */
static bool
over_https(const char *location, struct buf *out)
{
	size_t host;

	buf_reset(out);
	if (strncasecmp(location, "http://", 7) != 0)
		return buf_adds(out, location);
	location += 7;
	host = strcspn(location, ":/?#");
	buf_adds(out, "https://");
	buf_add(out, location, host);
	location += host;
	if (*location == ':') {
		size_t port = strcspn(location, "/?#");

		if (port != 3 || strncmp(location, ":80", 3) != 0)
			return false;
		location += port;
	}
	return buf_adds(out, location);
}

bool
probe_redirect_secure(struct probe_run *run)
{
	if (!over_https(run->url.data, &run->decoded))
		return false;
	buf_reset(&run->url);
	return buf_add(&run->url, run->decoded.data, run->decoded.len);
}

static void
redirect_refused(struct probe_run *run, const char *why, const char *host)
{
	const struct probe_program *program = run->job.program;
	enum reason reason = probe_marker_of_address(program->markers,
	    program->n_markers, run->url.data, probe_run_step(run)->inside);
	char note[PROBE_NOTE_MAX];

	snprintf(note, sizeof(note), "step %s: redirect %s%.100s",
	    probe_run_step(run)->name, why, host);
	probe_step_fail(run, reason == REASON_OK ? REASON_UNKNOWN_PAGE : reason,
	    PHASE_RECEIVE, note);
}

void
probe_redirect_follow(
    struct probe_run *run, const struct http_response *response)
{
	const struct step *step = probe_run_step(run);
	char host[256] = "", here[300] = "", there[300] = "";
	bool again = response->status == 307 || response->status == 308;
	char note[64];

	if (++run->at.hops > step->follow) {
		snprintf(
		    note, sizeof(note), "more than %u redirects", step->follow);
		probe_step_fail(run, REASON_REDIRECT_LOOP, PHASE_RECEIVE, note);
		return;
	}
	if (again && run->at.method != CONF_GET && !step->idempotent) {
		redirect_refused(
		    run, "asks to send again what must be sent once only", "");
		return;
	}
	probe_request_origin(run->url.data, here, sizeof(here));
	buf_reset(&run->decoded); /* serves as a second address here */
	if (!over_https(target_of(response), &run->decoded)) {
		redirect_refused(run, "from https to http", "");
		return;
	}
	buf_reset(&run->url);
	buf_add(&run->url, run->decoded.data, run->decoded.len);
	if (run->url.full ||
	    !http_url_host(run->url.data, host, sizeof(host))) {
		redirect_refused(run, "to what is no http(s) address", "");
		return;
	}
	if (!probe_request_host_allowed(
		run, run->url.data, host, sizeof(host))) {
		redirect_refused(
		    run, "to a host that the profile does not list: ", host);
		return;
	}
	if (!again) {
		run->at.method = CONF_GET;
		run->at.with_body = false;
	} else if (!probe_request_origin(run->url.data, there, sizeof(there)) ||
	    strcasecmp(here, there) != 0) {
		run->at.crossed = true;
	}
	probe_step_send(run);
}
