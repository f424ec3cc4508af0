/*
 * The snapshot as JSON: the bytes of /api/v1/status, and the data from which
 * the pages are made, so that all of them show the same figures.
 */
#include "web-int.h"

#include <math.h>
#include <string.h>

#include "model/hist.h"

enum freshness
freshness_of(const struct snapshot *snapshot, mono_us now)
{
	dur_us age;

	if (snapshot == NULL)
		return DEAD;
	age = now - snapshot->taken;
	if (age > DEAD_AFTER_US)
		return DEAD;
	return age > STALE_AFTER_US ? STALE : FRESH;
}

struct jv *
time_json(wall_us at)
{
	if (at == 0)
		return jv_null();
	if (at % US_PER_S == 0)
		return jv_int(at / US_PER_S);
	return jv_real((double)(at / US_PER_MS) / 1000);
}

/* To a tenth of a millisecond: more is not measured. */
static struct jv *
ms_json(double ms)
{
	return jv_real(round(ms * 10) / 10);
}

static struct jv *
ratio_json(double ratio)
{
	return jv_real(round(ratio * 1e6) / 1e6);
}

/* ---- why a state is what it is ---- */

static struct jv *
cause_json(bool slow, enum reason reason, const char *step)
{
	struct jv *out = jv_object();

	if (!slow && reason == REASON_OK) {
		jv_release(out);
		return jv_null();
	}
	jv_set(out, "slow", jv_bool(slow));
	jv_set(
	    out, "reason", slow ? jv_null() : jv_string(reason_name(reason)));
	jv_set(out, "side",
	    slow ? jv_null() : jv_string(side_name(reason_side(reason))));
	jv_set(
	    out, "step", slow || step[0] == '\0' ? jv_null() : jv_string(step));
	return out;
}

/* A target is down because it fails, degraded because it is slow, and not
 * known because logins are held back, or because what was last tried says
 * nothing of it. */
static struct jv *
target_cause(
    const struct snap_deployment *dep, const struct snap_transaction *tr)
{
	bool excluded =
	    tr->last_run > 0 && reason_verdict(tr->reason) == VERDICT_EXCLUDED;

	switch (tr->state) {
	case STATE_DOWN:
		return cause_json(false, tr->failure, tr->failure_step);
	case STATE_DEGRADED:
		return cause_json(true, REASON_OK, "");
	case STATE_UNKNOWN:
		if (dep->account_stopped &&
		    !(excluded && reason_stops_account(tr->reason)))
			return cause_json(false, dep->account_reason, "");
		if (excluded)
			return cause_json(false, tr->reason, tr->step);
		break;
	case STATE_UP:
	case STATE_MAINTENANCE:
		break;
	}
	return jv_null();
}

/* An operator's: of the deployment that failed last, else of any that makes
 * it what it is. */
static struct jv *
operator_cause(
    const struct snap_operator *op, const struct snap_transaction *tr)
{
	const struct snap_transaction *best = NULL;
	const struct snap_deployment *where = NULL;
	bool bad = tr->state == STATE_DOWN || tr->state == STATE_DEGRADED;

	for (size_t i = 0; i < op->n_deployments; i++) {
		const struct snap_deployment *dep = op->deployments[i];

		for (size_t k = 0; k < dep->n_transactions; k++) {
			const struct snap_transaction *one =
			    &dep->transactions[k];
			bool down = one->state == STATE_DOWN;

			if (strcmp(one->name, tr->name) != 0 ||
			    !(one->state == tr->state || (bad && down)))
				continue;
			if (best == NULL ||
			    (down && best->state != STATE_DOWN) ||
			    (down == (best->state == STATE_DOWN) &&
				one->last_run > best->last_run)) {
				best = one;
				where = dep;
			}
		}
	}
	/* slow together, though none of them is by itself */
	if (best == NULL && tr->state == STATE_DEGRADED)
		return cause_json(true, REASON_OK, "");
	return best != NULL ? target_cause(where, best) : jv_null();
}

/* ---- the snapshot ---- */

/* Has it had no result for so long that health does not know it any more? */
static bool
is_old(const struct snapshot *snapshot, const struct snap_transaction *tr)
{
	return tr->decided > 0 && snapshot->time - tr->decided > tr->patience;
}

/* An operator's is old when that of each deployment is. */
static bool
all_old(const struct snapshot *snapshot, const struct snap_operator *op,
    const struct snap_transaction *tr)
{
	bool old = false;

	for (size_t i = 0; i < op->n_deployments; i++) {
		const struct snap_deployment *dep = op->deployments[i];

		for (size_t k = 0; k < dep->n_transactions; k++) {
			const struct snap_transaction *one =
			    &dep->transactions[k];

			if (one->decided == 0 ||
			    strcmp(one->name, tr->name) != 0)
				continue;
			if (!is_old(snapshot, one))
				return false;
			old = true;
		}
	}
	return old;
}

/* Of a deployment, or with `dep` NULL of the operator as a whole. */
static struct jv *
transaction_json(const struct snapshot *snapshot,
    const struct snap_operator *op, const struct snap_deployment *dep,
    const struct snap_transaction *tr, enum freshness fresh)
{
	bool gone = fresh == DEAD;
	bool old = fresh != FRESH ||
	    (dep == NULL ? all_old(snapshot, op, tr) : is_old(snapshot, tr));
	bool enough = tr->samples >= HIST_SAMPLES_MIN;
	struct jv *out = jv_object();

	jv_set(out, "name", jv_string(tr->name));
	jv_set(out, "title", jv_string(tr->title));
	jv_set(out, "state",
	    jv_string(state_name(gone ? STATE_UNKNOWN : tr->state)));
	jv_set(out, "stale", jv_bool(old && tr->decided > 0));
	jv_set(out, "since", time_json(tr->since));
	jv_set(out, "reason",
	    tr->last_run > 0 ? jv_string(reason_name(tr->reason)) : jv_null());
	jv_set(out, "side",
	    tr->last_run > 0 ? jv_string(side_name(reason_side(tr->reason)))
			     : jv_null());
	jv_set(out, "step", jv_text(tr->step));
	jv_set(out, "cause",
	    gone              ? jv_null()
		: dep == NULL ? operator_cause(op, tr)
			      : target_cause(dep, tr));
	jv_set(out, "last_run", time_json(tr->last_run));
	jv_set(out, "decided", time_json(tr->decided));
	jv_set(out, "run", jv_text(tr->run_id));
	jv_set(out, "latency_ms", ms_json(tr->latency_ms));
	jv_set(out, "p50_ms", ms_json(enough ? tr->p50_ms : NAN));
	jv_set(out, "p95_ms", ms_json(enough ? tr->p95_ms : NAN));
	jv_set(out, "samples", jv_int(tr->samples));
	jv_set(out, "availability_24h", ratio_json(tr->availability_24h));
	jv_set(out, "runs", jv_int((int64_t)tr->runs));
	jv_set(out, "ok", jv_int((int64_t)tr->ok));
	jv_set(out, "failed", jv_int((int64_t)tr->failed));
	jv_set(out, "excluded", jv_int((int64_t)tr->excluded));
	if (dep == NULL)
		jv_set(out, "deployments_unknown",
		    jv_int((int64_t)(gone ? op->n_deployments
					  : tr->deployments_unknown)));
	return out;
}

static struct jv *
transactions_json(const struct snapshot *snapshot,
    const struct snap_operator *op, const struct snap_deployment *dep,
    const struct snap_transaction *all, size_t n, enum freshness fresh)
{
	struct jv *out = jv_array();

	for (size_t i = 0; i < n; i++)
		jv_push(
		    out, transaction_json(snapshot, op, dep, &all[i], fresh));
	return out;
}

static struct jv *
deployment_json(const struct snapshot *snapshot,
    const struct snap_deployment *dep, enum freshness fresh)
{
	struct jv *out = jv_object();

	jv_set(out, "name", jv_string(dep->name));
	jv_set(out, "state",
	    jv_string(state_name(fresh == DEAD ? STATE_UNKNOWN : dep->state)));
	jv_set(out, "every_s", jv_real((double)dep->every / US_PER_S));
	jv_set(out, "every_now_s", jv_real((double)dep->every_now / US_PER_S));
	jv_set(out, "certificate_not_after", jv_time(dep->cert_not_after));
	jv_set(out, "account_stopped",
	    dep->account_stopped ? jv_string(reason_name(dep->account_reason))
				 : jv_null());
	jv_set(out, "transactions",
	    transactions_json(snapshot, NULL, dep, dep->transactions,
		dep->n_transactions, fresh));
	return out;
}

struct jv *
operator_json(const struct snapshot *snapshot, const struct snap_operator *op,
    enum freshness fresh)
{
	struct jv *out = jv_object(), *deployments = jv_array();
	struct jv *load = jv_object();

	for (size_t i = 0; i < op->n_deployments; i++)
		jv_push(deployments,
		    deployment_json(snapshot, op->deployments[i], fresh));
	jv_set(out, "name", jv_string(op->name));
	jv_set(out, "title", jv_string(op->title));
	jv_set(out, "state",
	    jv_string(state_name(fresh == DEAD ? STATE_UNKNOWN : op->state)));
	jv_set(out, "transactions",
	    transactions_json(snapshot, op, NULL, op->transactions,
		op->n_transactions, fresh));
	jv_set(out, "deployments_unknown",
	    jv_int((int64_t)(fresh == DEAD ? op->n_deployments
					   : op->deployments_unknown)));
	jv_set(out, "deployments", deployments);
	jv_set(load, "per_minute", jv_int(op->budget_per_minute));
	jv_set(load, "parallel", jv_int(op->budget_parallel));
	jv_set(load, "requests_last_minute", jv_int(op->requests_last_minute));
	jv_set(load, "running", jv_int(op->running));
	jv_set(load, "requests", jv_int((int64_t)op->requests));
	jv_set(out, "our_load", load);
	return out;
}

struct jv *
self_json(const struct snapshot *snapshot)
{
	const struct snap_self *self = &snapshot->self;
	struct jv *out = jv_object();
	struct jv *faults = jv_array();

	for (size_t i = 0; i < FAULT_COUNT; i++) {
		if (self->faults[i])
			jv_push(faults, jv_string(fault_name((enum fault)i)));
	}
	jv_set(out, "faults", faults);
	jv_set(out, "started", time_json(self->started));
	jv_set(out, "config_loaded", time_json(self->config_loaded));
	jv_set(out, "config_stale", jv_bool(self->config_stale));
	jv_set(out, "runs", jv_int((int64_t)self->runs));
	jv_set(out, "runs_tainted", jv_int((int64_t)self->runs_tainted));
	jv_set(out, "runs_skipped", jv_int((int64_t)self->runs_skipped));
	jv_set(out, "start_late_p99_ms", ms_json(self->start_late_p99_ms));
	jv_set(out, "start_late_max_ms", ms_json(self->start_late_max_ms));
	jv_set(out, "loop_late_p99_ms", ms_json(self->loop_late_p99_ms));
	jv_set(out, "loop_late_max_ms", ms_json(self->loop_late_max_ms));
	jv_set(out, "store_queue_bytes", jv_int((int64_t)self->store_bytes));
	jv_set(out, "store_refused", jv_int((int64_t)self->store_refused));
	jv_set(out, "store_problem", jv_text(self->store_problem));
	return out;
}

const struct snap_operator *
snapshot_operator(const struct snapshot *snapshot, const char *name)
{
	for (size_t i = 0; snapshot != NULL && i < snapshot->n_operators; i++) {
		if (strcmp(snapshot->operators[i].name, name) == 0)
			return &snapshot->operators[i];
	}
	return NULL;
}

struct jv *
status_json(const struct snapshot *snapshot, enum freshness fresh)
{
	struct jv *out = jv_object(), *operators = jv_array();
	struct jv *incidents = jv_array();

	for (size_t i = 0; snapshot != NULL && i < snapshot->n_operators; i++) {
		jv_push(operators,
		    operator_json(snapshot, &snapshot->operators[i], fresh));
	}
	for (size_t i = 0; snapshot != NULL && i < snapshot->n_incidents; i++)
		jv_push(incidents, incident_json(&snapshot->incidents[i]));
	jv_set(out, "vantage",
	    snapshot != NULL ? jv_string(snapshot->vantage) : jv_null());
	jv_set(out, "time",
	    snapshot != NULL ? time_json(snapshot->time) : jv_null());
	jv_set(out, "snapshot",
	    snapshot != NULL ? jv_int((int64_t)snapshot->number) : jv_null());
	jv_set(
	    out, "simulated", jv_bool(snapshot != NULL && snapshot->simulated));
	jv_set(out, "stale", jv_bool(fresh != FRESH));
	jv_set(out, "window_s",
	    snapshot != NULL ? jv_real(snapshot->window_s) : jv_null());
	jv_set(out, "operators", operators);
	jv_set(out, "incidents", incidents);
	if (snapshot != NULL)
		jv_set(out, "self", self_json(snapshot));
	return out;
}

void
api_status(struct web *web, struct request *request, struct answer *answer)
{
	(void)web;
	answer_json(answer, status_json(request->snapshot, request->freshness));
}
