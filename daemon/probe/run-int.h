#ifndef PROBE_RUN_INT_H
#define PROBE_RUN_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "http/http.h"
#include "loop/loop.h"
#include "probe-int.h"
#include "probe/probe.h"

/*
 * The state of one run, shared by run.c (the journey), verdict.c
 * (its results), step.c and redirect.c (one step), request.c (what is sent) and
 * record.c (what is kept). Loop thread only, but for the page, the values, the
 * arena and `tmp` while `working`.
 */

#define RUN_ARENA_MAX (4 * 1024 * 1024)
#define RUN_SCRATCH_MAX (1024 * 1024)
#define RUN_BODY_MAX (512 * 1024)
#define RUN_URL_MAX 8192
#define RUN_RECORDS_MAX 512
#define RUN_HEADERS_MAX 64
/* Of a run that is to stop: the request under way, and each step of clean-up;
 * all of it. */
#define RUN_STOP_STEP_US (2 * US_PER_S)
#define RUN_STOP_US (7 * US_PER_S)
#define PAGE_INLINE_MAX (32 * 1024)

enum run_wait {
	WAIT_NONE,
	WAIT_START,
	WAIT_POLL,
	WAIT_STOP,
	WAIT_END,
	WAIT_RECLAIM
};

/* One account's browser. */
struct actor {
	struct http_session *session; /* NULL before its first request */
	bool answered; /* a response has arrived */
	bool refused; /* its account was: it logs in no more */
	struct buf page_url; /* of its last HTML page; "" */
};

/* The transaction that is going on. */
struct tx_state {
	bool begun;
	bool decided;
	mono_us started;
	wall_us started_wall;
	bool span_begun, span_ended;
	mono_us span_from, span_to;
	struct phase_times phases;
	uint32_t exchanges;
	uint64_t received_bytes;
	wall_us cert_not_after; /* the first to end; 0: none was shown */
	int http_status;
	mono_us last_end; /* of the last exchange */
	dur_us late; /* part of the measured time that may be our own */
	unsigned rounds; /* of a clean-up, done */
	bool idle; /* a step of this round was left out or did not hold */
	uint32_t copies; /* of the message, as last counted; 0: not */
	bool found_late; /* by the poll in late_step */
	size_t late_step;
	bool lost; /* the answer to lost_step, and how it ended */
	size_t lost_step;
	enum reason lost_reason;
	enum phase lost_phase;
	mono_us lost_end;
	int lost_status;
	dur_us lost_late;
	dur_us ours; /* spent on derivations and on getting ready; the instants
			above but the first are without what of it came before
			them */
	mono_us paused; /* when the derivation under way began */
};

/* The step that is going on. */
struct step_state {
	unsigned hops;
	enum conf_method method;
	bool with_body;
	mono_us began; /* of an `always` step: its own limit */
	mono_us asked; /* its first hop, or that of the poll's last turn */
	mono_us poll_from; /* 0: not polling yet */
	size_t derived; /* so many are done */
	bool crossed; /* a redirect that sends again left the origin */
};

struct probe {
	struct loop *loop;
	struct http_client *http;
	char *vantage;
	bool explain;
	struct charsets charsets;
	struct probe_run *pool;
	struct probe_run *lingering; /* aborted, not yet reclaimed */
	size_t n_active;
	struct log_damp copies_damp;
	struct probe_stats stats;
	uint8_t random[512]; /* the last n_random are not used yet */
	size_t n_random;
	bool freed; /* by its owner, while a worker was busy */
};

struct probe_run {
	struct probe *probe;
	struct probe_run *next; /* in pool or lingering */
	struct arena arena; /* the run */
	struct arena scratch; /* one request or one page */
	struct loop_timer *timer;
	enum run_wait wait;
	struct probe_job job;
	const struct target **targets; /* ours: a reload makes new ones */
	struct probe_events events;
	char id[TRACE_ID_SIZE], mark[32], uuid[37];
	char span[17]; /* of the exchange that was begun last */
	mono_us started;
	wall_us started_wall;
	struct actor actors[2];
	struct values values;
	struct buf tmp[3]; /* two for filters, one for what is in hand */
	struct buf coded; /* a field in the charset of its form */
	struct http_exchange *exchange;
	size_t tx, step; /* indices into the program */
	struct tx_state now;
	struct step_state at;
	bool *ok; /* by transaction */
	struct result *results;
	size_t n_results;
	bool tainted;
	mono_us stop_asked; /* when `stopping` */
	struct run_exchange *records;
	size_t n_records, records_cap;
	/* of the request */
	struct http_request request;
	struct buf url, body;
	struct http_header headers[RUN_HEADERS_MAX];
	size_t n_headers;
	/* of the page */
	struct page page;
	struct buf raw, decoded;
	struct judgement verdict;
	struct derivation derivation;
	unsigned depth; /* inside callbacks of ours */
	bool working, stopping, aborted;
};

const struct transaction *probe_run_transaction(const struct probe_run *run);
const struct step *probe_run_step(const struct probe_run *run);

/* ---- run.c ---- */

/* run_cleans_up: the current step changes no verdict. */
bool probe_run_cleans_up(const struct probe_run *run);

/* run_skip goes on with the next step, without a verdict on this one. */
void probe_run_skip(struct probe_run *run);

/* run_step_over goes on after the current step. */
void probe_run_step_over(
    struct probe_run *run, enum reason reason, enum phase phase);

/* run_random: for names that are told to everybody, not for secrets. */
void probe_run_random(struct probe_run *run, uint8_t *out, size_t n);

/* run_hex: two digits of each byte, and a NUL. */
void probe_run_hex(char *out, const uint8_t *bytes, size_t n);

/* run_enter, run_leave bracket every call that comes from outside. */
void probe_run_enter(struct probe_run *run);
void probe_run_leave(struct probe_run *run);

/* ---- verdict.c ---- */

/* run_pause, run_resume: the time between them is ours, not the operator's. */
void probe_run_pause(struct probe_run *run);
void probe_run_resume(struct probe_run *run);

/* run_fair_now: the instant less what was ours of this transaction. */
mono_us probe_run_fair_now(const struct probe_run *run);

/* run_judge: the current step, none of clean-up, ended so; if that decides
 * the transaction, it has its result. */
void probe_run_judge(
    struct probe_run *run, enum reason reason, enum phase phase);

/* run_untried: the transaction that it needs has failed, or its account was
 * refused. */
void probe_run_untried(struct probe_run *run);

/* run_lose: the current step's exchange ended without an answer. True when the
 * steps of its `if_lost` are to be played before that counts. */
bool probe_run_lose(
    struct probe_run *run, enum reason reason, enum phase phase);

/* run_found: the current step's poll holds; was that late? */
void probe_run_found(struct probe_run *run);

/* run_counted: so many rows of the message are there. */
void probe_run_counted(struct probe_run *run, size_t copies);

/* ---- step.c ---- */

/* step_begin starts the current step; false when it has to be left out. */
bool probe_step_begin(struct probe_run *run);

/* step_repeat asks again, for a poll. */
void probe_step_repeat(struct probe_run *run);

/* step_hurry gives the request under way, if there is one, no more time than
 * a run has that is to stop. */
void probe_step_hurry(struct probe_run *run);

/* step_give_up ends it: its time is over. */
void probe_step_give_up(struct probe_run *run);

/* step_send sends the request as it stands now. */
void probe_step_send(struct probe_run *run);

/* step_fail ends the step with a verdict of ours. */
void probe_step_fail(struct probe_run *run, enum reason reason,
    enum phase phase, const char *note);

/* ---- redirect.c ---- */

bool probe_redirect_is(const struct http_response *response);

/* redirect_secure makes an address of http one of https, as a page may name
 * such; false: it has a port of its own. */
bool probe_redirect_secure(struct probe_run *run) MUST_USE;

/* redirect_follow sends the next hop, or fails the step. */
void probe_redirect_follow(
    struct probe_run *run, const struct http_response *response);

/* ---- request.c ---- */

enum prepared { PREPARED, PREPARED_NO_VALUE, PREPARED_BAD };

/* request_prepare makes address, body and the fixed headers of the current
 * step; `why` is then what is missing or bad. */
enum prepared probe_request_prepare(
    struct probe_run *run, const char **why) MUST_USE;

/* request_headers adds those that differ from hop to hop. */
void probe_request_headers(struct probe_run *run, struct http_request *request);

/* request_host_allowed: is the address on one of the profile's hosts? */
bool probe_request_host_allowed(
    struct probe_run *run, const char *url, char *host, size_t host_size);

/* request_origin: "https://host:port" of an address; false if it has none. */
bool probe_request_origin(const char *url, char *out, size_t size);

/* request_forget wipes what was sent. */
void probe_request_forget(struct probe_run *run);

/* ---- record.c ---- */

void probe_record_begin(
    struct probe_run *run, const struct http_request *request);
void probe_record_response(
    struct probe_run *run, const struct http_response *response);

/* record_verdict writes reason and note to the last record of the step, or to
 * one of its own if nothing was sent. */
void probe_record_verdict(
    struct probe_run *run, enum reason reason, const char *note);

/* record_explain gives the last record what the judgement knows of the page. */
void probe_record_explain(struct probe_run *run);

/* record_note adds to the note of the last record of the step. */
void probe_record_note(struct probe_run *run, const char *note);

#endif
