#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "http/http.h"
#include "loop/loop.h"
#include "model/result.h"
#include "model/run.h"
#include "probe/program.h"

/*
 * Runs one journey on the loop: steps, templates, extraction, checks,
 * markers, polling, clean-up. A run has two http sessions, the sender's and
 * the recipient's, made when first used and gone at its end. A page over
 * 32 kB is judged on a worker. Loop thread only.
 */
struct probe;
struct probe_run;

/* The most that is spent on one step that cleans up. */
#define PROBE_CLEANUP_US (10 * US_PER_S)

struct probe_options {
	struct loop *loop;
	struct http_client *http;
	const char *vantage;
	bool
	    explain; /* give exchanges that fail their `sought` and `excerpt` */
};

/* probe_init_libraries: once, in main, before any thread. */
void probe_init_libraries(void);

struct probe *probe_new(const struct probe_options *options);
void probe_free(struct probe *probe); /* no run may be left (assert) */

/* What it did with the answers that it judged. A tree is built of a page only
 * when something is sought that cannot be told from its text and tags. */
struct probe_stats {
	uint64_t pages;
	uint64_t trees; /* pages of which one was built */
	uint64_t on_workers; /* pages that were judged there */
};
void probe_stats(const struct probe *probe, struct probe_stats *stats);

/* What a run is told: borrowed for the call of probe_start, which holds what it
 * needs of it: the configuration, in which op and deployment stand, and the
 * program. */
struct probe_job {
	struct conf *conf;
	struct probe_program *program;
	const struct conf_operator *op;
	const struct conf_deployment *deployment;
	const struct target *const *targets; /* one for each transaction */
	mono_us due; /* when it should have begun */
};

/*
 * The run's only ways out, all from the loop, never from inside probe_start:
 *
 * may_send  before each request; false when the operator's budget is spent,
 *           or it asked us to wait: the transaction ends as budget_spent.
 *           NULL: always true.
 * asked_to_wait  at once when an answer, also one to clean-up, asks for it by
 *           Retry-After. NULL: nobody wants to know.
 * judge     right before `finish`: what the result's reason is in the end, in
 *           `finish` and in the run. NULL: as the run found it.
 * finish    once per measured transaction, in order, when it is decided.
 *           When the events of its exchanges had to wait for us for more
 *           than 5 % of the transaction's measured time, and for more than
 *           5 ms, in all, the reason is `tainted`, whatever else it was, but
 *           for those that stop an account, `too_large`, and those without a
 *           measurement.
 *           Both may call probe_stop and probe_abort.
 * end       once, last, after clean-up; `run` is borrowed for the call.
 */
struct probe_events {
	bool (*may_send)(void *arg);
	void (*asked_to_wait)(void *arg, dur_us wait);
	enum reason (*judge)(void *arg, const struct result *result);
	void (*finish)(void *arg, struct result result);
	void (*end)(void *arg, const struct run *run);
	void *arg;
};

/* probe_start: never fails; a run that cannot begin ends as results. */
struct probe_run *probe_start(struct probe *probe, const struct probe_job *job,
    const struct probe_events *events);

/*
 * probe_stop asks a run to end soon: steps not yet begun are not begun, but
 * the `always` ones are, so that we leave nothing behind. `end` still comes,
 * after 7 s at the latest: the request under way and each `always` step have
 * 2 s. Transactions not decided by then have no finish call.
 */
void probe_stop(struct probe_run *run);

/* probe_abort ends it at once, without any further call. Not from `end`. */
void probe_abort(struct probe_run *run);

#endif
