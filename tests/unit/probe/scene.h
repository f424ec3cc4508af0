#ifndef TESTS_PROBE_SCENE_H
#define TESTS_PROBE_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "model/run.h"
#include "probe/probe.h"

/*
 * A stage for journeys: a profile, an operator made of replies, a clock that
 * moves only by what the replies say, and what came of it. The functions of
 * http/http.h are those of scene.c here, not the real ones.
 */
struct reply {
	const char *match; /* "METHOD URL-PART", part up to the end */
	int status;
	const char *body; /* of type text/html; "{" or "[" first: JSON; $MARK$
			     is the mark of the message */
	const char *type; /* instead of that */
	const char *location;
	const char *cookie; /* "name=value", set for all hosts */
	const char *header; /* "name: value" */
	int latency_ms; /* 10 when 0 */
	int times; /* so often, then the next that matches; 0: always */
	enum reason reason; /* instead of an answer */
	bool never; /* 3 s go by, and nothing comes */
	dur_us retry_after;
};

#define SCENE_LOG 65536

struct scene {
	/* given */
	const char *transactions; /* inside of transactions = ( … ); */
	const char *more; /* further keys of the profile */
	const char *profile; /* instead of these: all of it */
	bool one_account; /* is the sender's and the recipient's */
	const struct reply *replies;
	size_t n_replies;
	int may_send; /* so many requests; 0: any number */
	dur_us late; /* of each answer */
	int late_after; /* by a second more, when so many were asked for */
	int stop_at, abort_at; /* at the so-manieth request; 0: never */
	int abort_after; /* after the answer to that one; 0: never */
	bool abort_in_finish;
	bool explain;
	int working_ms; /* what the clock moves by while a worker works */
	bool abort_working, stop_working; /* as soon as a worker works */
	bool outage; /* the judge calls a connect_timeout uplink_down */
	/* found */
	struct result results[8];
	size_t n_results;
	bool ended;
	struct jv *json, *har; /* of the evidence */
	char *sought, *excerpt; /* of the last exchange that has any, or NULL */
	char log[SCENE_LOG]; /* each request: method, url, headers, body */
	size_t n_requests, n_sessions, n_sessions_left;
	size_t n_allowed; /* that it asked leave for, and had */
	size_t n_waits; /* told of Retry-After, */
	size_t waits_at; /* the last time after so many requests */
	struct probe_stats stats;
	char *problems; /* "" or why it did not compile */
};

/* scene_play compiles, runs, and checks that nothing is left behind. */
void scene_play(struct scene *scene);
void scene_clear(struct scene *scene);

/* scene_reason: of the i-th result; "none" when there is no such. */
const char *scene_reason(const struct scene *scene, size_t i);

/* scene_note: the last note in the evidence that is not "". */
const char *scene_note(const struct scene *scene);

#endif
