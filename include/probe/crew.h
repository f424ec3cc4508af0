#ifndef PROBE_CREW_H
#define PROBE_CREW_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "http/http.h"
#include "loop/loop.h"
#include "probe/probe.h"

/*
 * Probers, each a thread with a loop, an http client and a probe of its own,
 * and what one loop, the home, sees of them. A run is given to one of them by a
 * hash of its deployment and stays there; only messages by value go between,
 * in order. How many there are is nobody's business: one is no special case.
 * Home loop only, but where it says otherwise.
 */
struct crew;
struct crew_run;

struct crew_options {
	struct loop *loop; /* the home; of loop_new_roomy */
	unsigned probers; /* 1 or more */
	const struct http_options *http; /* copied */
	const char *vantage; /* copied */
};

/* crew_new starts the threads, with all signals blocked. NULL when libcurl
 * refuses. */
struct crew *crew_new(const struct crew_options *options);

/* crew_apply: as http_client_apply, for each of them, soon. */
void crew_apply(struct crew *crew, const struct http_options *options);

/*
 * crew_start: as probe_start. `judge`, `finish` and `end` are called at home,
 * `may_send` and `asked_to_wait` on the prober's thread while the run lasts.
 * The result that `finish` is given and those in the `run` of `end` have the
 * reason that `judge` said. How late its loop was is judged by the prober that
 * measures.
 */
struct crew_run *crew_start(struct crew *crew, const struct probe_job *job,
    const struct probe_events *events);

/* crew_stop: as probe_stop, as soon as the message is there. */
void crew_stop(struct crew_run *run);

/* crew_close ends all runs at once, without any further call, and joins the
 * threads; then only crew_free may be called, which needs the home loop not. */
void crew_close(struct crew *crew);
void crew_free(struct crew *crew); /* NULL is fine; closes it if need be */

/* The worst of the probers, up to a second ago. Any thread. */
void crew_lateness(struct crew *crew, struct loop_lateness *out);

#endif
