/*
 * What a transaction's result is: which time counts, which reason, and how
 * often the message was there.
 */
#include "run-int.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"
#include "base/text.h"

#define TAINT_SHARE 20 /* late by more than a 20th, that is 5 % … */
#define TAINT_MIN_US (5 * US_PER_MS) /* … and by more than this */

/* ---- which time counts ---- */

mono_us
probe_run_fair_now(const struct probe_run *run)
{
	return loop_now(run->probe->loop) - run->now.ours;
}

void
probe_run_pause(struct probe_run *run)
{
	run->now.paused = loop_now(run->probe->loop);
}

void
probe_run_resume(struct probe_run *run)
{
	run->now.ours += loop_now(run->probe->loop) - run->now.paused;
}

/* ---- the result ---- */

static dur_us
measured(const struct probe_run *run, enum reason reason)
{
	const struct tx_state *now = &run->now;
	mono_us from = now->span_begun ? now->span_from : now->started;
	mono_us to = now->last_end;

	if ((reason == REASON_OK || reason == REASON_MESSAGE_LATE) &&
	    now->span_ended)
		to = now->span_to;
	else if (to < from || reason == REASON_MESSAGE_LOST)
		to = probe_run_fair_now(run);
	return to > from ? to - from : 0;
}

static enum reason
taint(struct probe_run *run, enum reason reason, dur_us latency)
{
	dur_us limit = latency / TAINT_SHARE;

	if (limit < TAINT_MIN_US)
		limit = TAINT_MIN_US;
	/* What must stop an account must not get lost; and a body that we
	 * unpack until it is too large keeps us from its own next part. */
	if (run->now.late <= limit || reason == REASON_BUDGET_SPENT ||
	    reason == REASON_PREREQUISITE_FAILED ||
	    reason == REASON_TOO_LARGE || reason_stops_account(reason))
		return reason;
	run->tainted = true;
	return REASON_TAINTED;
}

static const struct conf_account *
account_of(const struct probe_run *run, enum conf_actor actor)
{
	switch (actor) {
	case CONF_SENDER:
		return run->job.deployment->sender;
	case CONF_RECIPIENT:
		break;
	}
	return run->job.deployment->recipient;
}

/* Whose step it was: one account's trouble is not the other's; but both may
 * be one. */
static void
blame(struct probe_run *run, struct result *result, size_t step)
{
	enum conf_actor actor = probe_run_transaction(run)->steps[step].actor;
	const struct conf_account *account = account_of(run, actor);
	enum conf_actor other =
	    actor == CONF_SENDER ? CONF_RECIPIENT : CONF_SENDER;

	if (account != NULL)
		(void)text_copy(
		    result->account, sizeof(result->account), account->name);
	if (!reason_stops_account(result->reason))
		return;
	run->actors[actor].refused = true;
	if (account_of(run, other) == account)
		run->actors[other].refused = true;
}

static void
finish(struct probe_run *run, struct result *result)
{
	const struct transaction *tx = probe_run_transaction(run);

	result->target = run->targets[tx->result];
	(void)text_copy(result->run_id, sizeof(result->run_id), run->id);
	if (run->events.judge != NULL)
		result->reason = run->events.judge(run->events.arg, result);
	run->results[run->n_results++] = *result;
	run->events.finish(run->events.arg, *result);
}

/* decide ends the transaction's measuring; `step` made it so. */
static void
decide(struct probe_run *run, enum reason reason, enum phase phase, size_t step)
{
	const struct tx_state *now = &run->now;
	dur_us latency = measured(run, reason);
	struct result result = {
	    .started_wall = now->started_wall,
	    .started = now->started,
	    .run_started = run->started,
	    .latency = latency,
	    .phases = now->phases,
	    .phase = reason == REASON_OK ? PHASE_DNS : phase,
	    .http_status = now->http_status,
	    .exchanges = now->exchanges,
	    .received_bytes = now->received_bytes,
	    .cert_not_after = now->cert_not_after,
	    .copies = now->copies,
	};

	assert(!run->now.decided);
	run->now.decided = true;
	/* What came late has come: others may go on from it. */
	run->ok[run->tx] = reason == REASON_OK || reason == REASON_MESSAGE_LATE;
	result.reason = taint(run, reason, latency);
	if (reason != REASON_OK) {
		(void)text_copy(result.step, sizeof(result.step),
		    probe_run_transaction(run)->steps[step].name);
		blame(run, &result, step);
	}
	finish(run, &result);
}

void
probe_run_untried(struct probe_run *run)
{
	struct result result = {
	    .started = loop_now(run->probe->loop),
	    .run_started = run->started,
	    .started_wall = clock_wall(loop_clock(run->probe->loop)),
	    .reason = REASON_PREREQUISITE_FAILED,
	};

	finish(run, &result);
}

void
probe_run_judge(struct probe_run *run, enum reason reason, enum phase phase)
{
	const struct transaction *tx = probe_run_transaction(run);
	size_t reserve_of = probe_run_step(run)->reserve_of;
	struct tx_state *now = &run->now;

	/* Not seen to have been sent: then it ends as it ended there. */
	if (reserve_of != SIZE_MAX && reason != REASON_OK) {
		now->http_status = now->lost_status;
		now->last_end = now->lost_end;
		now->late = now->lost_late;
		decide(run, now->lost_reason, now->lost_phase, now->lost_step);
		return;
	}
	if (run->step == tx->to || reserve_of == tx->to) {
		now->span_ended = reason == REASON_OK;
		now->span_to = now->last_end;
	}
	if (reason != REASON_OK)
		decide(run, reason, phase, run->step);
	else if (run->step == tx->last && now->found_late)
		decide(run, REASON_MESSAGE_LATE, PHASE_WAIT, now->late_step);
	else if (run->step == tx->last)
		decide(run, REASON_OK, phase, run->step);
}

/* ---- the message ---- */

bool
probe_run_lose(struct probe_run *run, enum reason reason, enum phase phase)
{
	struct tx_state *now = &run->now;

	/* Until it was sent there is nothing to look for. */
	if (!probe_run_step(run)->has_reserve || probe_run_cleans_up(run) ||
	    (run->at.hops == 0 && phase < PHASE_WAIT))
		return false;
	now->lost = true;
	now->lost_step = run->step;
	now->lost_reason = reason;
	now->lost_phase = phase;
	now->lost_end = now->last_end;
	now->lost_status = now->http_status;
	/* How late the loop is from here on does not matter to it. */
	now->lost_late = now->late;
	return true;
}

void
probe_run_found(struct probe_run *run)
{
	const struct step *step = probe_run_step(run);
	struct tx_state *now = &run->now;
	mono_us from =
	    now->span_begun ? now->span_from : run->at.poll_from - now->ours;
	dur_us took = now->last_end - from;
	char note[PROBE_NOTE_MAX];

	if (step->late == 0 || took <= step->late || probe_run_cleans_up(run))
		return;
	now->found_late = true;
	now->late_step = run->step;
	snprintf(note, sizeof(note),
	    "step %s: found after %.1f s; more than %.1f s is late", step->name,
	    clock_to_ms(took) / 1000, clock_to_ms(step->late) / 1000);
	probe_record_verdict(run, REASON_MESSAGE_LATE, note);
}

/* Who found the message before, when clean-up counts it once more. */
static uint32_t *
copies_of(struct probe_run *run)
{
	size_t i;

	if (!probe_run_transaction(run)->always && !run->now.decided)
		return &run->now.copies;
	for (i = run->n_results; i > 0; i--)
		if (run->results[i - 1].copies > 0)
			return &run->results[i - 1].copies;
	return NULL;
}

void
probe_run_counted(struct probe_run *run, size_t copies)
{
	const struct step *step = probe_run_step(run);
	uint32_t *known = copies_of(run);
	uint32_t n = copies > UINT32_MAX ? UINT32_MAX : (uint32_t)copies;
	char note[PROBE_NOTE_MAX];
	unsigned others = 0;

	if (known != NULL && n > *known)
		*known = n;
	if (n < 2)
		return;
	snprintf(note, sizeof(note), "step %s: there %u times, sent once",
	    step->name, n);
	probe_record_note(run, note);
	if (log_damp(
		&run->probe->copies_damp, loop_now(run->probe->loop), &others))
		log_warn("message is there more than once",
		    "deployment=%s/%s step=%s copies=%u run=%s others=%u",
		    run->job.op->name, run->job.deployment->name, step->name, n,
		    run->id, others);
}
