#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "loop/loop.h"
#include "model/account.h"
#include "model/late.h"
#include "model/result.h"
#include "model/run.h"
#include "model/target.h"
#include "probe/crew.h"

/*
 * Which journey runs when. Each deployment has a stable phase in its interval
 * (a hash of its path), so that all operators' journeys are interleaved and
 * a restart does not move them. Per operator, at most `parallel` journeys run
 * and at most `per_minute` requests are sent in any 60 seconds; a journey
 * that finds no room waits its turn, and the wait is in start_late. The
 * interval doubles, up to eightfold, while any transaction of a deployment
 * fails for the operator's or the network's reasons, and Retry-After is obeyed,
 * by the rest of the journey as well; what a failing journey sends beyond what
 * a good one does is made up for by intervals left out. All this outlives a
 * reload that takes a deployment out and brings it back, or gives it or its
 * operator another name. Loop thread only; what a journey asks before each
 * request, budget and Retry-After, it asks on its prober's thread.
 */
struct sched;

#define SCHED_KEY_BYTES 32

struct sched_options {
	struct loop *loop;
	struct crew *crew; /* of the same loop */
	struct target_set *targets;
	/* as in struct probe_events */
	enum reason (*judge)(void *arg, const struct result *result);
	void (*finish)(void *arg, struct result result);
	void (*end)(void *arg, const struct run *run);
	void (*account_stopped)(void *arg, const struct account_stop *stop);
	void (*account_released)(
	    void *arg, const struct account_stop *stop, const char *by);
	void *arg;
	const uint8_t *key; /* SCHED_KEY_BYTES, copied: of the digests of
			       credentials, the same after a restart */
};

struct sched *sched_new(const struct sched_options *options);

/*
 * sched_apply: a configuration and its compiled programs (one per profile, in
 * the order of conf->profiles), at start and at reload. Holds both.
 * Deployments that stay keep their phase, back-off and running journey; those
 * that went finish their run and are not started again.
 */
void sched_apply(struct sched *sched, struct conf *conf,
    struct probe_program *const *programs);

/*
 * The same in parts, for a configuration that is taken over while journeys go
 * on: begin; the name of each of its deployments; named; each deployment
 * itself; end. Who goes is known before anybody comes, so that a new name is
 * not taken for a new place. Until the end the configuration before holds for
 * the deployments that have not come yet. `op` and `deployment` are of the new
 * one.
 */
struct slot; /* a deployment's place in the schedule */
void sched_apply_begin(struct sched *sched, struct conf *conf);
void sched_apply_name(
    struct sched *sched, const char *op, const char *deployment);
void sched_apply_named(struct sched *sched);
const struct slot *sched_apply_deployment(struct sched *sched,
    const struct conf_operator *op, const struct conf_deployment *deployment,
    struct probe_program *program);
void sched_apply_end(struct sched *sched);

/*
 * The guard of the accounts. A result that says that an account was refused
 * stops that account: no deployment that uses it, as sender or recipient,
 * begins a journey, and those under way elsewhere are asked to end. It is
 * released by sched_release_account, or by a configuration in which its user
 * or password is another one than was refused, also after a restart. The owner
 * is told of both, and keeps the stops.
 */

/* sched_restore_account: a stop from before the start. Before sched_apply. */
void sched_restore_account(
    struct sched *sched, const struct account_stop *stop);

/* sched_release_account lets it log in again; false when it was not stopped.
 * `by` is passed on. */
bool sched_release_account(
    struct sched *sched, const char *account, const char *by);

/* The accounts that are stopped; borrowed until the next call. */
size_t sched_account_stops(
    const struct sched *sched, const struct account_stop **stops);

/* sched_stop asks all runs to end; `done` is called when none is left. */
void sched_stop(struct sched *sched, loop_fn *done, void *arg);

/* sched_free: the crew must be closed, so that no run is under way. */
void sched_free(struct sched *sched);

/* ---- figures; borrowed strings live as long as the configuration ---- */

struct sched_deployment_stats {
	dur_us every_now;
	bool account_stopped;
	enum reason account_reason;
	mono_us next_due; /* of the next start */
};
bool sched_deployment_stats(const struct sched *sched, const char *op,
    const char *deployment, struct sched_deployment_stats *stats);

/* sched_slot_stats: of a deployment that is configured. */
void sched_slot_stats(const struct sched *sched, const struct slot *slot,
    struct sched_deployment_stats *stats);

struct sched_operator_stats {
	uint32_t running;
	uint32_t requests_last_minute;
	uint64_t requests;
};
bool sched_operator_stats(const struct sched *sched, const char *op,
    struct sched_operator_stats *stats);

struct sched_stats {
	uint64_t runs; /* begun */
	uint64_t skipped; /* a whole interval passed without room */
	dur_us start_late_p99, start_late_max; /* of the last 1024 starts */
	struct late_counts start_late; /* of all of them */
};
void sched_stats(const struct sched *sched, struct sched_stats *stats);

/* sched_phase: where in its interval a deployment runs. Pure. */
dur_us sched_phase(const char *op, const char *deployment, dur_us every);

#endif
