/*
 * Our own way out: what the operators' deployments last said of it, counted as
 * it comes, the reference addresses, and the verdict.
 */
#include "engine.h"

#include <stdlib.h>

#include "base/mem.h"

/* An operator says nothing of our way out any more after its interval and: */
#define REACH_SLACK (60 * US_PER_S)
/* The reference addresses. */
#define REFERENCE_PATIENCE (3 * US_PER_S)
#define REFERENCE_AGE (60 * US_PER_S)

static void
count(struct member *member, enum health_reach reach)
{
	struct board_op *op = member->op;

	op->answered -= member->counted == HEALTH_ANSWERED;
	op->silent -= member->counted == HEALTH_SILENT;
	op->answered += reach == HEALTH_ANSWERED;
	op->silent += reach == HEALTH_SILENT;
	member->counted = reach;
}

void
engine_reach_age(
    struct member *member, const struct engine_target *home, mono_us now)
{
	count(member,
	    now - home->reach_at <= home->every + REACH_SLACK
		? home->reach
		: HEALTH_NOT_TRIED);
}

/* The newest word of a deployment counts, kept with its first target. */
static void
note_reach(struct engine *engine, const struct target *target,
    enum health_reach reach, mono_us now)
{
	struct engine_target *entry = engine_target(engine, target);

	if (entry->every == 0 || reach == HEALTH_NOT_TRIED)
		return;
	if (entry->member != NULL)
		count(entry->member, reach);
	entry = &engine->by_target[entry->home];
	entry->reach = reach;
	entry->reach_at = now;
	if (reach == HEALTH_ANSWERED)
		engine->answered_at = now;
}

/* The word of each operator over its last interval; the caller frees. */
static enum health_reach *
operators_reach(const struct engine *engine)
{
	const struct board *board = engine->board;
	enum health_reach *operators =
	    mem_array(board->n_ops, sizeof(*operators));

	for (size_t i = 0; i < board->n_ops; i++)
		operators[i] = board->ops[i].answered > 0 ? HEALTH_ANSWERED
		    : board->ops[i].silent > 0            ? HEALTH_SILENT
							  : HEALTH_NOT_TRIED;
	return operators;
}

void
engine_judge_uplink(struct engine *engine, mono_us now)
{
	enum health_reach *operators = operators_reach(engine);
	bool changed;

	changed =
	    health_uplink(&engine->uplink, operators, engine->board->n_ops,
		references_reach(engine->references, REFERENCE_AGE), now);
	free(operators);
	if (!changed)
		return;
	if (engine->uplink.down) {
		log_error("uplink down",
		    "side=ours action=\"check our own network\"");
		alert_uplink_down(engine->alert, engine->answered_at);
		engine_blind_uplink(engine, engine->answered_at);
	} else {
		log_info("uplink back", "");
		alert_uplink_back(engine->alert, clock_wall(engine->clock));
	}
}

/* Silent while an operator answers they may be closed to us, and could hide
 * the outage of an operator that is the only one. */
static void
check_references(struct engine *engine, mono_us now)
{
	bool answered = false;
	unsigned suppressed;

	if (!references_silent(engine->references)) {
		if (log_damp_heal(&engine->references_damp))
			log_info("references answer", "");
		return;
	}
	for (size_t i = 0; i < engine->board->n_ops; i++)
		answered = answered || engine->board->ops[i].answered > 0;
	if (answered && log_damp(&engine->references_damp, now, &suppressed))
		log_warn("references silent while operators answer",
		    "key=uplink.references action=\"name addresses that are "
		    "open to us\" suppressed=%u",
		    suppressed);
}

static void
on_references(void *arg)
{
	struct engine *engine = arg;
	mono_us now = clock_mono(engine->clock);
	const enum health_reach *reach =
	    references_reach(engine->references, REFERENCE_AGE);

	if (reach != NULL && *reach == HEALTH_ANSWERED)
		engine->answered_at = now;
	check_references(engine, now);
	engine_judge_uplink(engine, now);
}

void
engine_watch_uplink(struct engine *engine)
{
	engine->references = references_new(
	    engine->loop, REFERENCE_PATIENCE, on_references, engine);
}

enum reason
engine_judge(void *arg, const struct result *result)
{
	struct engine *engine = arg;
	enum health_reach reach;
	mono_us now = clock_mono(engine->clock);

	engine_clock_look(engine);
	if (engine_clock_judge(engine, result) == REASON_CLOCK_JUMP)
		return REASON_CLOCK_JUMP;
	reach = health_reach(result->reason);
	note_reach(engine, result->target, reach, now);
	if (reach == HEALTH_SILENT)
		references_ask(engine->references);
	if (reach == HEALTH_SILENT || engine->uplink.down)
		engine_judge_uplink(engine, now);
	return health_uplink_blamed(
		   &engine->uplink, result->reason, result->started)
	    ? REASON_UPLINK_DOWN
	    : result->reason;
}
