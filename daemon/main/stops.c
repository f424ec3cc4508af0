/*
 * Accounts that must not log in, as the engine passes them on: from the
 * schedule, which stops and releases them, to the ledger, the alerts and the
 * snapshot, and from a person back to the schedule.
 */
#include "engine.h"

#include <string.h>

#include "base/index.h"
#include "base/log.h"
#include "base/text.h"

void
engine_stops_write(struct engine *engine)
{
	const struct account_stop *stops;
	size_t n = sched_account_stops(engine->sched, &stops);

	if (engine->stops_wait &&
	    ledger_put_stops(engine->ledger, stops, n) == 0)
		engine->stops_wait = false;
}

void
engine_account_stopped(void *arg, const struct account_stop *stop)
{
	struct engine *engine = arg;

	engine->stops_wait = true;
	engine_stops_changed(engine);
	engine_stops_write(engine);
	alert_account_stopped(engine->alert, stop, clock_wall(engine->clock));
}

void
engine_account_released(
    void *arg, const struct account_stop *stop, const char *by)
{
	struct engine *engine = arg;

	engine->stops_wait = true;
	engine_stops_changed(engine);
	engine_stops_write(engine);
	alert_account_released(
	    engine->alert, stop->account, by, clock_wall(engine->clock));
}

static void
restore_stop(void *arg, const struct account_stop *stop)
{
	struct engine *engine = arg;

	log_warn("account still stopped", "account=%s reason=%s target=%s",
	    stop->account, reason_name(stop->reason), stop->target);
	sched_restore_account(engine->sched, stop);
}

int
engine_stops_restore(struct engine *engine)
{
	return ledger_each_stop(engine->ledger, restore_stop, engine);
}

void
engine_stops_apply(struct engine *engine)
{
	const struct account_stop *stops;
	size_t n = sched_account_stops(engine->sched, &stops);

	for (size_t i = 0; i < n; i++)
		alert_account_stopped(
		    engine->alert, &stops[i], clock_wall(engine->clock));
}

/* ---- released by a person ---- */

static void
on_release(void *ctx, const void *payload, size_t size)
{
	struct engine *engine = ctx;

	(void)size;
	if (sched_release_account(engine->sched, payload, "person"))
		snapshot_publish(engine->snapshots, engine_snapshot(engine));
}

int
engine_release_account(void *arg, const char *account)
{
	struct engine *engine = arg;

	return loop_call(
	    engine->loop, on_release, engine, account, strlen(account) + 1);
}

/* ---- in the snapshot ---- */

static void
fill_stop(struct snap_account *to, const struct account_stop *stop)
{
	to->stopped = true;
	to->reason = stop->reason;
	to->since = stop->since;
	text_copy(to->target, sizeof(to->target), stop->target);
	text_copy(to->step, sizeof(to->step), stop->step);
	text_copy(to->run_id, sizeof(to->run_id), stop->run_id);
}

/* A stopped account that is not configured any more is listed all the same. */
static void
fill_stops(const struct board *board, const struct account_stop *stops,
    size_t n, struct snap_account *accounts, size_t *n_accounts)
{
	struct name_index index = {0};

	for (size_t i = 0; i < board->n_accounts; i++) {
		size_t at = i;

		index_add(&index, board->accounts[i].name, &at);
	}
	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (!index_find(&index, stops[i].account, &at)) {
			char *name = (char *)&accounts[board->n_accounts + n] +
			    i * MODEL_NAME_SIZE;

			at = (*n_accounts)++;
			text_copy(name, MODEL_NAME_SIZE, stops[i].account);
			accounts[at].name = name;
		}
		fill_stop(&accounts[at], &stops[i]);
	}
	index_fini(&index);
}

/* Made anew only when a stop comes or goes: there may be many accounts. */
static void
list_accounts(struct engine *engine)
{
	const struct board *board = engine->board;
	const struct account_stop *stops;
	size_t n = sched_account_stops(engine->sched, &stops);
	struct snap_account *accounts;

	engine->accounts = snap_part_new(
	    (board->n_accounts + n) * sizeof(*accounts) + n * MODEL_NAME_SIZE);
	accounts = snap_part_memory(engine->accounts);
	memcpy(
	    accounts, board->accounts, board->n_accounts * sizeof(*accounts));
	engine->n_accounts = board->n_accounts;
	fill_stops(board, stops, n, accounts, &engine->n_accounts);
}

void
engine_stops_fill(struct engine *engine, struct snapshot *snapshot)
{
	const struct account_stop *stops;

	if (sched_account_stops(engine->sched, &stops) == 0) {
		snapshot->accounts = engine->board->accounts;
		snapshot->n_accounts = engine->board->n_accounts;
		return;
	}
	if (engine->accounts == NULL)
		list_accounts(engine);
	snapshot_keep(snapshot, engine->accounts);
	snapshot->accounts = snap_part_memory(engine->accounts);
	snapshot->n_accounts = engine->n_accounts;
}

void
engine_stops_changed(struct engine *engine)
{
	snap_part_release(engine->accounts);
	engine->accounts = NULL;
}
