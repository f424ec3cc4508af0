#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/phase.h"
#include "model/reason.h"
#include "model/result.h"

/* The certificate that a server showed; texts cut, times 0 when unknown. */
struct run_certificate {
	const char *subject; /* NULL: none was shown */
	const char *issuer;
	const char *hosts; /* "a.example, *.b.example" */
	wall_us not_before, not_after;
};

/* One exchange of a run as evidence. Strings are masked before they get here
 * and live as long as the struct run that holds them. */
struct run_exchange {
	const char *transaction;
	const char *step;
	const char *account; /* "sender" or "recipient" */
	const char *method;
	const char *url; /* no user info, secrets and query values masked */
	const char *address; /* "127.0.0.1:8443"; "" when never connected */
	const char *tls; /* "TLSv1.3"; "" without */
	const char *cipher; /* "TLS_AES_256_GCM_SHA384"; "" */
	const char *span; /* W3C parent id that it was sent with; "" */
	struct run_certificate certificate; /* of a connection it opened */
	const char *media_type; /* of the response, "" without */
	const char *location; /* redirect target, masked, or "" */
	const char *note; /* why the step did not hold, for people; or "" */
	/* For whoever is at the terminal, only when asked for, never stored:
	 * the check, selector or marker as written, and a masked piece of the
	 * page. NULL: there is none. */
	const char *sought;
	const char *excerpt;
	mono_us started;
	dur_us latency;
	struct phase_times phases;
	int status;
	bool reused; /* on a connection opened earlier in this run */
	int http_version; /* 10, 11, 20; 0 if none */
	uint64_t sent_bytes;
	uint64_t received_bytes;
	enum reason reason; /* ok: the step went on */
};

/* One execution of a journey. Borrowed for the length of the end call. */
struct run {
	char id[TRACE_ID_SIZE];
	const char *operator;
	const char *deployment;
	const char *vantage;
	wall_us started_wall;
	mono_us started;
	dur_us latency; /* whole run, clean-up included */
	dur_us start_late; /* how long after it was due it began */
	dur_us loop_late; /* longest stall during the run */
	bool tainted;
	const struct result *results;
	size_t n_results;
	const struct run_exchange *exchanges;
	size_t n_exchanges;
};

/* run_copy: the run with all it points to, in one piece, which free(3) frees.
 * run_rename gives its results other reasons, in order. */
struct run *run_copy(const struct run *run);
void run_rename(struct run *copy, const enum reason *reasons, size_t n);

/* run_verdict: how a run counts as a whole: down when any result does, up when
 * all of them do, else not at all. */
enum verdict run_verdict(const struct run *run);

#endif
