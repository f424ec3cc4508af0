/*
 * The schedule as a whole: its life and its figures.
 */
#include "sched/sched.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "sched-int.h"

struct sched *
sched_new(const struct sched_options *options)
{
	struct sched *sched = mem_new(sizeof(*sched));

	sched->loop = options->loop;
	sched->crew = options->crew;
	sched->targets = options->targets;
	sched->judge = options->judge;
	sched->finish = options->finish;
	sched->end = options->end;
	sched->account_stopped = options->account_stopped;
	sched->account_released = options->account_released;
	sched->arg = options->arg;
	memcpy(sched->key, options->key, sizeof(sched->key));
	TAILQ_INIT(&sched->slots);
	TAILQ_INIT(&sched->ops);
	return sched;
}

void
sched_stop(struct sched *sched, loop_fn *done, void *arg)
{
	struct slot *slot;
	struct op_state *op;

	sched->stopping = true;
	sched->stopped = done;
	sched->stopped_arg = arg;
	TAILQ_FOREACH(op, &sched->ops, link)
	loop_timer_stop(op->room);
	TAILQ_FOREACH(slot, &sched->slots, link)
	{
		loop_timer_stop(slot->timer);
		if (slot->run != NULL)
			crew_stop(slot->run);
	}
	if (sched->n_running == 0)
		loop_defer(sched->loop, done, arg);
}

void
sched_free(struct sched *sched)
{
	struct slot *slot;
	struct op_state *op;

	if (sched == NULL)
		return;
	apply_forget(sched);
	while ((slot = TAILQ_FIRST(&sched->slots)) != NULL) {
		slot->run = NULL;
		slot_free(slot);
	}
	while ((op = TAILQ_FIRST(&sched->ops)) != NULL) {
		TAILQ_REMOVE(&sched->ops, op, link);
		loop_timer_free(op->room);
		budget_fini(&op->budget);
		pthread_mutex_destroy(&op->lock);
		free(op);
	}
	conf_release(sched->conf);
	conf_release(sched->before);
	index_fini(&sched->stopped_names);
	free(sched->stops);
	crypto_wipe(sched->key, sizeof(sched->key));
	free(sched);
}

/* ---- figures ---- */

bool
sched_deployment_stats(const struct sched *sched, const char *op,
    const char *deployment, struct sched_deployment_stats *stats)
{
	const struct slot *slot = slot_find(sched, op, deployment);

	if (slot == NULL || slot->gone)
		return false;
	sched_slot_stats(sched, slot, stats);
	return true;
}

void
sched_slot_stats(const struct sched *sched, const struct slot *slot,
    struct sched_deployment_stats *stats)
{
	const struct account_stop *stop =
	    slot->held ? guard_stop_of(sched, slot->deployment) : NULL;

	*stats = (struct sched_deployment_stats){
	    .every_now = slot->every * (slot->growth + slot->put_off),
	    .account_stopped = stop != NULL,
	    .account_reason = stop != NULL ? stop->reason : REASON_OK,
	    .next_due = slot->due,
	};
}

bool
sched_operator_stats(const struct sched *sched, const char *op,
    struct sched_operator_stats *stats)
{
	struct op_state *state = op_find(sched, op);

	if (state == NULL)
		return false;
	pthread_mutex_lock(&state->lock);
	*stats = (struct sched_operator_stats){
	    .running = state->running,
	    .requests_last_minute =
		budget_last_minute(&state->budget, loop_now(sched->loop)),
	    .requests = state->budget.total,
	};
	pthread_mutex_unlock(&state->lock);
	return true;
}

static int
compare_late(const void *a, const void *b)
{
	dur_us left = *(const dur_us *)a;
	dur_us right = *(const dur_us *)b;

	return (left > right) - (left < right);
}

void
sched_stats(const struct sched *sched, struct sched_stats *stats)
{
	dur_us late[LATE_SAMPLES];
	size_t n = sched->n_late < LATE_SAMPLES ? sched->n_late : LATE_SAMPLES;

	*stats = (struct sched_stats){
	    .runs = sched->runs,
	    .skipped = sched->skipped,
	    .start_late = sched->all_late,
	};
	if (n == 0)
		return;
	memcpy(late, sched->late, n * sizeof(late[0]));
	qsort(late, n, sizeof(late[0]), compare_late);
	stats->start_late_p99 = late[n * 99 / 100];
	stats->start_late_max = late[n - 1];
}
