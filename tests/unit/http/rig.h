#ifndef TESTS_HTTP_RIG_H
#define TESTS_HTTP_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/clock.h"
#include "http/http.h"
#include "loop/loop.h"
#include "server.h"

/* A loop with a client, and what became of an exchange. */
#define MS(n) ((n)*US_PER_MS)
#define PATIENCE (60 * US_PER_S) /* after which a test gives up */
#define ENOUGH (30 * US_PER_S) /* for an exchange that comes to its end */
#define TOO_LONG (2 * US_PER_S) /* for one that gets as far as it can */

struct rig {
	struct loop *loop;
	struct http_client *client;
	struct loop_timer *guard;
};

struct outcome {
	struct rig *rig;
	int calls;
	enum reason reason;
	enum phase phase;
	char problem[160];
	int status;
	int version;
	char *body;
	size_t body_len;
	char headers[4096]; /* "Name=value\n" … */
	char media_type[128];
	char location[256];
	char address[64];
	char tls[16];
	char cipher[48];
	bool certified;
	struct http_certificate certificate;
	dur_us retry_after;
	mono_us started;
	dur_us latency;
	dur_us ours;
	dur_us late;
	struct phase_times phases;
	bool reused;
	uint64_t sent_bytes;
};

/* rig_begin with options of NULL: no name server answers, system's CAs. */
void rig_begin(struct rig *rig, const struct http_options *options);
void rig_end(struct rig *rig);

/* rig_apply: the options of rig_begin with NULL, and these bundles. */
void rig_apply(struct rig *rig, const struct http_bundles *bundles);

/* rig_run runs the loop until *count is at least n. */
void rig_run(struct rig *rig, const int *count, int n);

/* rig_spin runs the loop for this long. */
void rig_spin(struct rig *rig, dur_us length);

/* outcome_note is an http_done_fn: copies into the struct outcome. */
void outcome_note(void *arg, const struct http_response *response);
void outcome_clear(struct outcome *outcome);

/* rig_do runs one exchange to its end. What the request leaves out is a GET
 * within ENOUGH and 64 KiB. The outcome is cleared first. */
void rig_do(struct rig *rig, struct http_session *session,
    struct http_request request, struct outcome *outcome);

/* rig_get: in a new session of these options. */
void rig_get(struct rig *rig, const struct http_session_options *options,
    const char *url, dur_us timeout, struct outcome *outcome);

/* url_of writes SCHEME://HOST:PORT/PATH into a buffer that lives until the
 * fourth call after. */
const char *url_of(const char *scheme, const char *host, int port);

void assert_reason(const struct outcome *outcome, enum reason reason);

#endif
