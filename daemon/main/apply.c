/*
 * A configuration is taken over: at start all at once, at a reload a few
 * deployments at a time, so that no journey that is due meanwhile has to wait.
 */
#include "engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "patience.h"

#define NAMED_AT_ONCE 1024 /* deployments */
#define ENROLLED_AT_ONCE 128
#define FORGOTTEN_AT_ONCE 2048 /* targets */

static struct health_pool *
pool_of(struct engine *engine, const char *op, const char *act)
{
	struct engine_pool *pool = engine->pools;

	while (pool != NULL &&
	    (strcmp(pool->op, op) != 0 || strcmp(pool->act, act) != 0))
		pool = pool->next;
	if (pool == NULL) {
		pool = mem_new(sizeof(*pool));
		text_copy(pool->op, sizeof(pool->op), op);
		text_copy(pool->act, sizeof(pool->act), act);
		pool->next = engine->pools;
		engine->pools = pool;
	}
	return &pool->pool;
}

static void
recall_target(struct engine *engine, const struct target *target,
    struct engine_target *entry)
{
	if (entry->known || engine->incoming.day == NULL)
		return;
	engine_day_restore(engine, engine->incoming.day, target, entry);
	entry->known = true;
}

static void
enroll_target(struct engine *engine, struct member *member, size_t act)
{
	struct board_op *op = member->op;
	const struct conf_deployment *deployment =
	    &op->conf->deployments[member->place];
	const struct conf_health *conf = &engine->incoming.plan->conf->health;
	uint32_t *targets = &op->targets[member->place * op->n_acts];
	const struct target *target = target_intern(
	    engine->targets, op->name, deployment->name, op->acts[act]);
	struct engine_target *entry = engine_target(engine, target);

	targets[act] = target->id;
	entry->home = targets[0];
	entry->member = member;
	entry->pool = op->pools[act];
	entry->every = deployment->every;
	entry->longest = op->longest_run;
	entry->policy = (struct health_policy){
	    .fail_n = conf->fail_n,
	    .fail_m = conf->fail_m,
	    .ok_n = conf->ok_n,
	    .slow = conf->slow,
	    .window = conf->window,
	    .stale = patience_of(op->longest_run, deployment->every),
	};
	recall_target(engine, target, entry);
}

static void
enroll(struct engine *engine, struct member *member)
{
	struct plan *plan = engine->incoming.plan;
	struct board_op *op = member->op;

	if (member->place == 0) {
		op->longest_run = patience_longest_run(op->conf->profile);
		for (size_t i = 0; i < op->n_acts; i++)
			op->pools[i] = pool_of(engine, op->name, op->acts[i]);
	}
	member->slot = sched_apply_deployment(engine->sched, op->conf,
	    &op->conf->deployments[member->place],
	    plan->programs[op->conf->profile - plan->conf->profiles]);
	for (size_t i = 0; i < op->n_acts; i++)
		enroll_target(engine, member, i);
	if (op->n_acts > 0)
		engine_reach_age(member,
		    &engine->by_target[op->targets[member->place * op->n_acts]],
		    clock_mono(engine->clock));
}

static bool
is_of(const struct board *board, const struct member *member)
{
	return board != NULL && member >= board->members &&
	    member < board->members + board->n_members;
}

/* What the new plan does not name any more. */
static void
forget(struct engine *engine, struct engine_target *entry)
{
	if (!is_of(engine->incoming.plan->board, entry->member)) {
		entry->every = 0;
		entry->member = NULL;
	}
}

/* ---- the old one goes ---- */

struct leaving {
	struct plan *plan;
	struct engine_day *day;
};

static void
free_leaving(void *arg)
{
	struct leaving *leaving = arg;

	plan_free(leaving->plan);
	engine_day_free(leaving->day);
	free(leaving);
}

static void
gone(void *arg)
{
	(void)arg;
}

/* To free a country takes its time. */
static void
leave(struct engine *engine, struct plan *plan, struct engine_day *day)
{
	struct leaving *leaving = mem_new(sizeof(*leaving));

	*leaving = (struct leaving){plan, day};
	if ((plan == NULL && day == NULL) ||
	    loop_work(engine->loop, free_leaving, gone, leaving) < 0)
		free_leaving(leaving);
}

static void
finish(struct engine *engine)
{
	struct incoming incoming = engine->incoming;
	struct plan *old = engine->plan;
	const struct conf *conf = incoming.plan->conf;
	struct alert_rules *rules;

	engine->plan = incoming.plan;
	engine->board = incoming.plan->board;
	engine->incoming = (struct incoming){0};
	engine->config_loaded = clock_wall(engine->clock);
	engine->config_stale = false;
	engine->looked_at = engine->shown_from = 0;
	engine_stops_changed(engine);
	rules = alert_take(engine->alert, engine->plan->rules);
	engine->plan->rules = NULL;
	if (old != NULL)
		old->rules = rules;
	notify_apply(engine->notify, engine->plan->conf);
	engine_stops_apply(engine);
	references_apply(
	    engine->references, conf->references, conf->n_references);
	sched_apply_end(engine->sched);
	leave(engine, old, incoming.day);
	if (incoming.done != NULL)
		incoming.done(incoming.arg);
}

static void
name_some(struct engine *engine)
{
	struct incoming *incoming = &engine->incoming;
	const struct board *board = incoming->plan->board;
	size_t end = incoming->named + NAMED_AT_ONCE;

	for (; incoming->named < end && incoming->named < board->n_members;
	     incoming->named++) {
		const struct member *member = &board->members[incoming->named];
		const struct conf_operator *op = member->op->conf;

		sched_apply_name(engine->sched, op->name,
		    op->deployments[member->place].name);
	}
	if (incoming->named == board->n_members) {
		sched_apply_named(engine->sched);
		incoming->all_named = true;
	}
}

static void
recall(struct engine *engine, struct member *member)
{
	const struct board_op *op = member->op;

	for (size_t i = 0; i < op->n_acts; i++) {
		uint32_t id = op->targets[member->place * op->n_acts + i];

		recall_target(engine, target_at(engine->targets, id),
		    &engine->by_target[id]);
	}
	member->stale = true;
}

static bool
recall_slice(struct engine *engine)
{
	struct incoming *incoming = &engine->incoming;
	struct board *board = engine->board;
	size_t end = incoming->recalled + ENROLLED_AT_ONCE;
	struct incoming over;

	for (;
	     incoming->recalled < end && incoming->recalled < board->n_members;
	     incoming->recalled++)
		recall(engine, &board->members[incoming->recalled]);
	if (incoming->recalled < board->n_members)
		return true;
	over = *incoming;
	*incoming = (struct incoming){0};
	leave(engine, NULL, over.day);
	over.done(over.arg);
	return false;
}

void
engine_recall(
    struct engine *engine, struct engine_day *day, loop_fn *done, void *arg)
{
	assert(engine->incoming.plan == NULL && engine->incoming.day == NULL);
	engine->incoming =
	    (struct incoming){.day = day, .done = done, .arg = arg};
	loop_timer_start(engine->tick, 0);
}

bool
engine_apply_slice(struct engine *engine)
{
	struct incoming *incoming = &engine->incoming;
	struct board *board;
	size_t end;

	if (incoming->plan == NULL)
		return incoming->day != NULL && recall_slice(engine);
	if (!incoming->all_named) {
		name_some(engine);
		return true;
	}
	board = incoming->plan->board;
	end = incoming->enrolled + ENROLLED_AT_ONCE;
	if (incoming->enrolled < board->n_members) {
		for (; incoming->enrolled < end &&
		     incoming->enrolled < board->n_members;
		     incoming->enrolled++)
			enroll(engine, &board->members[incoming->enrolled]);
		return true;
	}
	end = incoming->forgotten + FORGOTTEN_AT_ONCE;
	if (incoming->forgotten < engine->n_by_target) {
		for (; incoming->forgotten < end &&
		     incoming->forgotten < engine->n_by_target;
		     incoming->forgotten++)
			forget(engine, &engine->by_target[incoming->forgotten]);
		return true;
	}
	finish(engine);
	return false;
}

void
engine_apply(struct engine *engine, struct plan *plan, struct engine_day *day,
    loop_fn *done, void *arg)
{
	assert(engine->incoming.plan == NULL);
	engine->incoming = (struct incoming){
	    .plan = plan, .day = day, .done = done, .arg = arg};
	sched_apply_begin(engine->sched, plan->conf);
	if (done == NULL) {
		while (engine_apply_slice(engine))
			continue;
		for (size_t i = 0; i < engine->board->n_members; i++)
			engine_show(engine, &engine->board->members[i]);
		engine_begin_cycles(engine);
	} else {
		loop_timer_start(engine->tick, 0);
	}
}
