/*
 * A configuration becomes slots and budgets, at start and at reload.
 */
#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sched-int.h"

/* ---- places ---- */

/*
 * What is reached, whatever it is called: profile, values and address. By it a
 * deployment or an operator that a reload gives another name is known again,
 * so that a new name is no new budget.
 */
static uint64_t
place_of(const struct conf_operator *op, const struct conf_deployment *what)
{
	uint64_t place = crypto_hash64(op->profile->name);

	for (size_t i = 0; i < what->n_vars; i++) {
		place = place * 31 + crypto_hash64(what->vars[i].name);
		place = place * 31 + crypto_hash64(what->vars[i].value.value);
	}
	if (what->connect_to != NULL)
		place = place * 31 + crypto_hash64(what->connect_to);
	return place;
}

static int
place_compare(const void *a, const void *b)
{
	const struct slot *left = a;
	const struct slot *right = b;

	return (left->place > right->place) - (left->place < right->place);
}

/* The new configuration does not name it, or not yet. */
static bool
goes(const struct slot *slot)
{
	return slot->epoch != slot->sched->epoch;
}

/* The slots that go, as a tree by place; of several in one place that which
 * ran last. */
static void *
leaving(const struct sched *sched)
{
	void *tree = NULL;
	struct slot *slot;

	TAILQ_FOREACH(slot, &sched->slots, link)
	{
		struct slot **node;

		if (!goes(slot))
			continue;
		node = tsearch(slot, &tree, place_compare);
		if (node == NULL)
			log_fatal("out of memory", "for=schedule");
		if ((*node)->begun < slot->begun)
			*node = slot;
	}
	return tree;
}

static struct slot *
leaving_from(
    void *const *tree, const struct conf_operator *op, size_t deployment)
{
	const struct slot key = {
	    .place = place_of(op, &op->deployments[deployment])};
	void *node = tfind(&key, tree, place_compare);

	return node == NULL ? NULL : *(struct slot **)node;
}

static void
keep_slot(void *node)
{
	(void)node;
}

void
apply_forget(struct sched *sched)
{
	tdestroy(sched->leaves, keep_slot);
	sched->leaves = NULL;
}

/* ---- operators ---- */

static void
on_room(void *arg)
{
	op_pump(arg);
}

static struct op_state *
op_new(struct sched *sched, uint32_t per_minute)
{
	struct op_state *op = mem_new(sizeof(*op));

	op->sched = sched;
	pthread_mutex_init(&op->lock, NULL);
	budget_init(&op->budget, per_minute);
	TAILQ_INIT(&op->waiting);
	op->room = loop_timer_new(sched->loop, on_room, op);
	TAILQ_INSERT_TAIL(&sched->ops, op, link);
	return op;
}

/* The operator that goes and had one of its places. */
static struct op_state *
op_renamed(const struct conf_operator *conf, void *const *leaves)
{
	for (size_t i = 0; i < conf->n_deployments; i++) {
		const struct slot *slot = leaving_from(leaves, conf, i);

		if (slot != NULL && slot->op_state->gone)
			return slot->op_state;
	}
	return NULL;
}

static void
op_apply(struct sched *sched, const struct conf_operator *conf, void *leaves)
{
	struct op_state *op = op_find(sched, conf->name);

	if (op == NULL && leaves != NULL)
		op = op_renamed(conf, &leaves);
	if (op == NULL)
		op = op_new(sched, conf->per_minute);
	text_copy(op->name, sizeof(op->name), conf->name);
	pthread_mutex_lock(&op->lock);
	budget_resize(&op->budget, conf->per_minute);
	pthread_mutex_unlock(&op->lock);
	op->parallel = conf->parallel;
	op->gone = false;
}

/* ---- deployments ---- */

static void
slot_set_targets(struct slot *slot)
{
	size_t n = probe_program_transactions(slot->program);

	free(slot->targets);
	slot->targets = mem_array(n, sizeof(*slot->targets));
	slot->n_targets = n;
	for (size_t i = 0; i < n; i++)
		slot->targets[i] = target_intern(slot->sched->targets,
		    slot->op->name, slot->deployment->name,
		    probe_program_transaction(slot->program, i));
}

/* The slot of a deployment, also when it had another name until now. */
static struct slot *
slot_known(struct sched *sched, const struct op_state *op_state,
    const struct conf_operator *op, size_t at)
{
	const char *name = op->deployments[at].name;
	struct slot *slot = slot_find(sched, op->name, name);

	if (slot != NULL || sched->leaves == NULL)
		return slot;
	slot = leaving_from(&sched->leaves, op, at);
	if (slot == NULL || !goes(slot) ||
	    (slot->op_state != op_state && !slot->resting))
		return NULL;
	slot_rename(slot, op->name, name);
	return slot;
}

const struct slot *
sched_apply_deployment(struct sched *sched, const struct conf_operator *op,
    const struct conf_deployment *deployment, struct probe_program *program)
{
	struct op_state *op_state = op_find(sched, op->name);
	struct slot *slot = slot_known(
	    sched, op_state, op, (size_t)(deployment - op->deployments));
	bool anew = slot == NULL || slot->gone || slot->resting || slot->held ||
	    slot->every != deployment->every || goes(slot);

	if (slot == NULL)
		slot = slot_new(sched, op->name, deployment->name);
	slot->epoch = sched->epoch;
	slot->conf = sched->conf;
	slot->gone = false;
	slot->resting = false;
	slot->held = false;
	slot->op_state = op_state;
	slot->op = op;
	slot->deployment = deployment;
	slot->place = place_of(op, deployment);
	slot->every = deployment->every;
	probe_program_hold(program);
	probe_program_release(slot->program);
	slot->program = program;
	slot->cost = conf_journey_requests(op->profile);
	slot_set_targets(slot);
	/* A start that waits or is under way stays what it is. */
	if (anew && slot->run == NULL && !slot->waiting)
		slot_first_due(slot);
	slot_arm(slot);
	return slot;
}

/* A slot that goes is kept while what it or its operator remembers matters,
 * lest a reload that takes it out and one that brings it back forget it. */
static bool
is_needed(const struct slot *slot, mono_us now)
{
	struct op_state *op = slot->op_state;
	uint32_t sent;

	if (now < slot_held_until(slot))
		return true;
	pthread_mutex_lock(&op->lock);
	sent = budget_last_minute(&op->budget, now);
	pthread_mutex_unlock(&op->lock);
	return op->gone && sent > 0;
}

static void
sweep(struct sched *sched)
{
	mono_us now = loop_now(sched->loop);
	struct slot *slot;
	struct slot *next_slot;
	struct op_state *op;

	for (slot = TAILQ_FIRST(&sched->slots); slot != NULL;
	     slot = next_slot) {
		next_slot = TAILQ_NEXT(slot, link);
		if (!goes(slot))
			continue;
		slot->gone = true;
		if (slot->run != NULL)
			crew_stop(slot->run);
		else if (is_needed(slot, now))
			slot_rest(slot);
		else
			slot_free(slot);
	}
	TAILQ_FOREACH(op, &sched->ops, link)
	{
		if (!op->gone)
			op_pump(op);
	}
}

/* ---- the parts ---- */

void
sched_apply_begin(struct sched *sched, struct conf *conf)
{
	assert(sched->before == NULL);
	sched->before = sched->conf;
	sched->conf = conf_hold(conf);
	sched->epoch++;
}

void
sched_apply_name(struct sched *sched, const char *op, const char *deployment)
{
	struct slot *slot = slot_find(sched, op, deployment);

	if (slot != NULL)
		slot->epoch = sched->epoch;
}

void
sched_apply_named(struct sched *sched)
{
	const struct conf *conf = sched->conf;
	struct op_state *op;

	TAILQ_FOREACH(op, &sched->ops, link)
	op->gone = true;
	for (size_t i = 0; i < conf->n_operators; i++) {
		op = op_find(sched, conf->operators[i].name);
		if (op != NULL)
			op->gone = false;
	}
	sched->leaves = leaving(sched);
	for (size_t i = 0; i < conf->n_operators; i++)
		op_apply(sched, &conf->operators[i], sched->leaves);
}

void
sched_apply_end(struct sched *sched)
{
	apply_forget(sched);
	guard_apply(sched);
	sweep(sched);
	conf_release(sched->before);
	sched->before = NULL;
}

void
sched_apply(struct sched *sched, struct conf *conf,
    struct probe_program *const *programs)
{
	sched_apply_begin(sched, conf);
	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];

		for (size_t j = 0; j < op->n_deployments; j++)
			sched_apply_name(
			    sched, op->name, op->deployments[j].name);
	}
	sched_apply_named(sched);
	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];

		for (size_t j = 0; j < op->n_deployments; j++)
			sched_apply_deployment(sched, op, &op->deployments[j],
			    programs[op->profile - conf->profiles]);
	}
	sched_apply_end(sched);
}
