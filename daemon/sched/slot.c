/*
 * One deployment's schedule: when its journey is due, whether there is room
 * for it, and what its outcome means for the next one. What a journey does is
 * the probe's affair.
 */
#include <assert.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "sched-int.h"

/* After so many failing runs in a row the interval begins to grow. */
#define FAILS_BEFORE_GROWTH 3
#define GROWTH_MAX 8
#define RETRY_AFTER_MAX (3600 * US_PER_S)
/* A start may be moved by this share of its interval to get back into step
 * with the wall clock, after a clock was set. */
#define REALIGN_SHARE 20

/* ---- instants ---- */

static void
slot_path(char path[MODEL_PATH_SIZE], const char *op, const char *deployment)
{
	snprintf(path, MODEL_PATH_SIZE, "%s/%s", op, deployment);
}

/* Names that differ in their last letters only have hashes that do not fill an
 * interval evenly; the finalizer of SplitMix64 (Steele, Lea, Flood 2014) sees
 * to it that all bits count. */
static uint64_t
mixed(uint64_t hash)
{
	hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
	return hash ^ (hash >> 31);
}

dur_us
sched_phase(const char *op, const char *deployment, dur_us every)
{
	char path[MODEL_PATH_SIZE];

	assert(every > 0);
	slot_path(path, op, deployment);
	return (dur_us)(mixed(crypto_hash64(path)) % (uint64_t)every);
}

/* How far a wall instant is from the slot's place in the interval, from
 * -every/2 to every/2. */
static dur_us
off_phase(const struct slot *slot, wall_us at)
{
	dur_us every = slot->deployment->every;
	dur_us phase =
	    sched_phase(slot->op->name, slot->deployment->name, every);
	dur_us off = (at - phase) % every;

	if (off < 0)
		off += every;
	return off > every / 2 ? off - every : off;
}

static wall_us
wall_at(const struct sched *sched, mono_us instant)
{
	const struct clock *clock = loop_clock(sched->loop);

	return clock_wall(clock) + (instant - clock_mono(clock));
}

/* What the operator asked for by Retry-After holds for every start. */
static void
set_due(struct slot *slot, mono_us due)
{
	slot->due = due < slot->not_before ? slot->not_before : due;
}

/* However often the configuration changes, nobody runs twice in an interval. */
static mono_us
rested_at(const struct slot *slot)
{
	dur_us pause = slot->every * (slot->growth + slot->put_off);

	return slot->begun == 0 ? 0
				: slot->begun + pause - pause / REALIGN_SHARE;
}

mono_us
slot_held_until(const struct slot *slot)
{
	mono_us rested = rested_at(slot);

	return rested > slot->not_before ? rested : slot->not_before;
}

void
slot_first_due(struct slot *slot)
{
	mono_us now = loop_now(slot->sched->loop);
	mono_us rested = rested_at(slot);
	dur_us off = off_phase(slot, wall_at(slot->sched, now));
	mono_us due = off > 0 ? now - off + slot->deployment->every : now - off;

	slot->held = false;
	set_due(slot, due < rested ? rested : due);
}

/* The next start after `slot->due`: whole intervals on, nudged back towards
 * the place on the wall clock. */
static void
slot_next_due(struct slot *slot)
{
	mono_us now = loop_now(slot->sched->loop);
	dur_us every = slot->deployment->every;
	dur_us most = every / REALIGN_SHARE;
	mono_us next = slot->due + every * (slot->growth + slot->put_off);
	dur_us off;

	while (next < now || next < slot->not_before)
		next += every;
	off = off_phase(slot, wall_at(slot->sched, next));
	if (off > most)
		off = most;
	if (off < -most)
		off = -most;
	set_due(slot, next - off);
}

/* ---- slots ---- */

static int
slot_compare(const void *a, const void *b)
{
	const struct slot *left = a;
	const struct slot *right = b;

	return strcmp(left->path, right->path);
}

struct slot *
slot_find(const struct sched *sched, const char *op, const char *deployment)
{
	struct slot key = {0};
	void *node;

	slot_path(key.path, op, deployment);
	node = tfind(&key, &sched->tree, slot_compare);
	return node == NULL ? NULL : *(struct slot **)node;
}

void
slot_free(struct slot *slot)
{
	struct sched *sched = slot->sched;

	assert(slot->run == NULL);
	if (slot->waiting)
		TAILQ_REMOVE(&slot->op_state->waiting, slot, queue);
	tdelete(slot, &sched->tree, slot_compare);
	TAILQ_REMOVE(&sched->slots, slot, link);
	loop_timer_free(slot->timer);
	probe_program_release(slot->program);
	conf_release(slot->run_conf);
	free(slot->targets);
	free(slot);
}

static void
note_late(struct sched *sched, dur_us late)
{
	sched->late[sched->n_late % LATE_SAMPLES] = late;
	sched->n_late++;
	late_add(&sched->all_late, late);
}

/* On the prober's thread. */
static bool
may_send(void *arg)
{
	struct slot *slot = arg;
	struct op_state *op = slot->run_op;
	mono_us now = loop_now(slot->sched->loop);
	bool may;

	if (now < slot->not_before)
		return false;
	pthread_mutex_lock(&op->lock);
	may = budget_send(&op->budget, &slot->reservation, now);
	pthread_mutex_unlock(&op->lock);
	slot->sent += may;
	return may;
}

/* Likewise; at home nobody looks before the run has ended. */
static void
on_asked_to_wait(void *arg, dur_us wait)
{
	struct slot *slot = arg;
	mono_us now = loop_now(slot->sched->loop);

	if (wait > RETRY_AFTER_MAX)
		wait = RETRY_AFTER_MAX;
	if (slot->not_before < now + wait)
		slot->not_before = now + wait;
}

static enum reason
on_judge(void *arg, const struct result *result)
{
	struct slot *slot = arg;

	return slot->sched->judge(slot->sched->arg, result);
}

static void
on_finish(void *arg, struct result result)
{
	struct slot *slot = arg;

	if (reason_verdict(result.reason) == VERDICT_DOWN)
		slot->run_failed = true;
	if (result.reason == REASON_OK)
		slot->run_ok = true;
	else
		slot->run_other = true;
	guard_note(slot, &result);
	slot->sched->finish(slot->sched->arg, result);
}

static void
judge_run(struct slot *slot)
{
	if (slot->run_failed) {
		slot->fails++;
		if (slot->fails > FAILS_BEFORE_GROWTH &&
		    slot->growth < GROWTH_MAX) {
			slot->growth *= 2;
			log_info("interval grown", "deployment=%s every=%llds",
			    slot->path,
			    (long long)(slot->every * slot->growth / US_PER_S));
		}
	} else if (slot->run_ok) {
		if (slot->growth > 1)
			log_info(
			    "interval restored", "deployment=%s", slot->path);
		slot->fails = 0;
		slot->growth = 1;
	}
}

/* A failing run may have sent more than a good one does: it looked for a
 * message in vain, or was sent in circles. That is owed, and paid with the
 * intervals that go by without a run. */
static void
settle(struct slot *slot)
{
	uint32_t usual = slot->usual > slot->cost ? slot->usual : slot->cost;
	uint64_t owed = slot->owed;
	uint64_t saved = (uint64_t)usual * (slot->growth - 1);

	slot->put_off = 0;
	if (!slot->run_other)
		slot->usual = slot->sent;
	else
		owed += slot->sent;
	if (slot->run_other)
		saved += usual;
	owed = owed > saved ? owed - saved : 0;
	if (usual > 0) {
		uint64_t most = (uint64_t)usual * GROWTH_MAX;

		owed = owed < most ? owed : most;
		slot->put_off = (uint32_t)(owed / usual);
		owed %= usual;
	}
	slot->owed = (uint32_t)owed;
}

static void
on_end(void *arg, const struct run *run)
{
	struct slot *slot = arg;
	struct sched *sched = slot->sched;
	struct op_state *op = slot->run_op;

	slot->run = NULL;
	op->running--;
	sched->n_running--;
	pthread_mutex_lock(&op->lock);
	budget_unreserve(&op->budget, slot->reservation);
	slot->reservation = 0;
	pthread_mutex_unlock(&op->lock);
	note_late(sched, run->start_late);
	sched->end(sched->arg, run);
	conf_release(slot->run_conf);
	slot->run_conf = NULL;
	judge_run(slot);
	settle(slot);
	if (slot->gone) {
		slot_rest(slot);
	} else {
		slot_next_due(slot);
		slot_arm(slot);
	}
	op_pump(op);
	if (sched->stopping && sched->n_running == 0)
		loop_defer(sched->loop, sched->stopped, sched->stopped_arg);
}

static void
slot_begin(struct slot *slot)
{
	struct sched *sched = slot->sched;
	struct probe_job job = {
	    .conf = slot->conf,
	    .program = slot->program,
	    .op = slot->op,
	    .deployment = slot->deployment,
	    .targets = slot->targets,
	    .due = slot->due,
	};
	struct probe_events events = {
	    .may_send = may_send,
	    .asked_to_wait = on_asked_to_wait,
	    .judge = sched->judge == NULL ? NULL : on_judge,
	    .finish = on_finish,
	    .end = on_end,
	    .arg = slot,
	};

	sched->runs++;
	sched->n_running++;
	slot->run_op = slot->op_state;
	slot->run_op->running++;
	slot->reservation = slot->cost;
	slot->begun = loop_now(sched->loop);
	slot->sent = 0;
	slot->run_failed = false;
	slot->run_ok = false;
	slot->run_other = false;
	slot->run_conf = conf_hold(slot->conf);
	slot->run = crew_start(sched->crew, &job, &events);
}

/* An interval went by without a run: say so in the statistics, as ours. */
static void
slot_skip(struct slot *slot, enum reason reason)
{
	const struct clock *clock = loop_clock(slot->sched->loop);

	slot->sched->skipped++;
	for (size_t i = 0; i < slot->n_targets; i++) {
		struct result result = {
		    .target = slot->targets[i],
		    .started_wall = clock_wall(clock),
		    .started = clock_mono(clock),
		    .reason = reason,
		};

		slot->sched->finish(slot->sched->arg, result);
	}
}

static bool
op_has_room(struct op_state *op, const struct slot *slot)
{
	bool room;

	if (op->running >= op->parallel)
		return false;
	pthread_mutex_lock(&op->lock);
	room =
	    budget_reserve(&op->budget, slot->cost, loop_now(op->sched->loop));
	pthread_mutex_unlock(&op->lock);
	return room;
}

void
op_pump(struct op_state *op)
{
	struct slot *slot;

	loop_timer_stop(op->room);
	if (op->sched->stopping)
		return;
	while ((slot = TAILQ_FIRST(&op->waiting)) != NULL) {
		if (!op_has_room(op, slot))
			break;
		TAILQ_REMOVE(&op->waiting, slot, queue);
		slot->waiting = false;
		slot_begin(slot);
	}
	if (slot != NULL && op->running < op->parallel) {
		dur_us wait;

		pthread_mutex_lock(&op->lock);
		wait = budget_wait(
		    &op->budget, slot->cost, loop_now(op->sched->loop));
		pthread_mutex_unlock(&op->lock);
		loop_timer_start(op->room, wait > 0 ? wait : US_PER_MS);
	}
}

static void
on_due(void *arg)
{
	struct slot *slot = arg;

	if (slot->run != NULL)
		return;
	if (slot->waiting) {
		/* A whole interval without room: the older start is lost. */
		slot_skip(slot, REASON_BUDGET_SPENT);
		slot_next_due(slot);
	} else {
		slot->waiting = true;
		TAILQ_INSERT_TAIL(&slot->op_state->waiting, slot, queue);
		op_pump(slot->op_state);
	}
	slot_arm(slot);
}

void
slot_arm(struct slot *slot)
{
	mono_us now = loop_now(slot->sched->loop);
	mono_us at = slot->due;

	if (slot->sched->stopping || slot->gone || slot->run != NULL)
		return;
	if (guard_stop_of(slot->sched, slot->deployment) != NULL) {
		slot_halt(slot, slot);
		return;
	}
	if (slot->waiting)
		at += slot->deployment->every;
	loop_timer_start(slot->timer, at > now ? at - now : 0);
}

void
slot_halt(struct slot *slot, const struct slot *but)
{
	loop_timer_stop(slot->timer);
	if (slot->waiting)
		TAILQ_REMOVE(&slot->op_state->waiting, slot, queue);
	slot->waiting = false;
	slot->held = true;
	if (slot->run != NULL && slot != but)
		crew_stop(slot->run);
}

void
slot_rest(struct slot *slot)
{
	loop_timer_stop(slot->timer);
	if (slot->waiting)
		TAILQ_REMOVE(&slot->op_state->waiting, slot, queue);
	slot->waiting = false;
	slot->resting = true;
	probe_program_release(slot->program);
	slot->program = NULL;
}

static void
into_tree(struct slot *slot)
{
	if (tsearch(slot, &slot->sched->tree, slot_compare) == NULL)
		log_fatal("out of memory", "for=schedule");
}

struct slot *
slot_new(struct sched *sched, const char *op, const char *deployment)
{
	struct slot *slot = mem_new(sizeof(*slot));

	slot->sched = sched;
	slot_path(slot->path, op, deployment);
	slot->timer = loop_timer_new(sched->loop, on_due, slot);
	slot->growth = 1;
	TAILQ_INSERT_TAIL(&sched->slots, slot, link);
	into_tree(slot);
	return slot;
}

void
slot_rename(struct slot *slot, const char *op, const char *deployment)
{
	tdelete(slot, &slot->sched->tree, slot_compare);
	slot_path(slot->path, op, deployment);
	into_tree(slot);
}

struct op_state *
op_find(const struct sched *sched, const char *name)
{
	struct op_state *op;

	TAILQ_FOREACH(op, &sched->ops, link)
	{
		if (strcmp(op->name, name) == 0)
			return op;
	}
	return NULL;
}
