/*
 * What people announce, between the ledger and what follows from it: in
 * maintenance an operator is not judged, in a silence nobody is told. The
 * ledger is asked on the store lane, and the engine takes the whole list.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "ledger/change.h"

struct list {
	struct window *all;
	size_t n;
};

static void
collect(void *arg, const struct window *window)
{
	struct list *list = arg;

	list->all = mem_grow(list->all, list->n + 1, sizeof(*list->all));
	list->all[list->n++] = *window;
}

/* ---- on the engine's thread ---- */

static void
set_silences(struct engine *engine)
{
	struct window *silences =
	    mem_array(engine->n_windows + 1, sizeof(*silences));
	size_t n = 0;

	for (size_t i = 0; i < engine->n_windows; i++) {
		if (engine->windows[i].kind == WINDOW_SILENCE)
			silences[n++] = engine->windows[i];
	}
	alert_set_silences(engine->alert, silences, n);
	free(silences);
}

/* Takes over the list. */
static void
take(struct engine *engine, const struct list *list)
{
	free(engine->windows);
	engine->windows = list->all;
	engine->n_windows = list->n;
	set_silences(engine);
}

static void
on_windows(void *ctx, const void *payload, size_t size)
{
	struct engine *engine = ctx;

	(void)size;
	take(engine, payload);
	snapshot_publish(engine->snapshots, engine_snapshot(engine));
}

int
engine_windows_restore(struct engine *engine)
{
	struct list list = {0};
	int rc = ledger_each_window(
	    engine->ledger, clock_wall(engine->clock), collect, &list);

	take(engine, &list);
	return rc;
}

bool
engine_maintained(
    const struct engine *engine, const struct target *target, wall_us at)
{
	for (size_t i = 0; i < engine->n_windows; i++) {
		const struct window *window = &engine->windows[i];

		if (window->kind == WINDOW_MAINTENANCE &&
		    window_concerns(
			window, target->operator, target->deployment) &&
		    window_covers(window, engine->zone, at))
			return true;
	}
	return false;
}

/* ---- a change, from any thread ---- */

struct changing {
	struct engine *engine;
	struct ledger_audit audit;
	bool of_windows;
	ledger_changed_fn *done;
	void *arg;
};

/* On the store lane. */
static void
hand_over(struct engine *engine)
{
	struct list list = {0};
	int rc = ledger_each_window(
	    engine->ledger, clock_wall(engine->clock), collect, &list);

	if (rc == 0)
		rc = loop_call(
		    engine->loop, on_windows, engine, &list, sizeof(list));
	if (rc == 0)
		return;
	log_error("what was announced holds from the next start on",
	    "problem=\"%s\"", strerror(-rc));
	free(list.all);
}

static void
on_changed(void *arg, int problem, int64_t id)
{
	struct changing *changing = arg;
	struct ledger_audit *audit = &changing->audit;

	/* a new window has its number only now */
	if (audit->object[0] == '\0')
		snprintf(audit->object, sizeof(audit->object), "%lld",
		    (long long)id);
	if (problem == 0)
		log_info("changed by a person", "action=%s object=%s who=%s",
		    audit->action, audit->object, audit->who);
	if (problem == 0 && changing->of_windows)
		hand_over(changing->engine);
	if (changing->done != NULL)
		changing->done(changing->arg, problem, id);
	free(changing);
}

int
engine_change(void *arg, const struct ledger_change *change,
    ledger_changed_fn *done, void *done_arg)
{
	struct engine *engine = arg;
	struct changing *changing = mem_new(sizeof(*changing));
	int rc;

	changing->engine = engine;
	changing->audit = change->audit;
	changing->of_windows = change->kind == LEDGER_ADD_WINDOW ||
	    change->kind == LEDGER_END_WINDOW;
	changing->done = done;
	changing->arg = done_arg;
	rc = ledger_put_change(engine->ledger, change, on_changed, changing);
	if (rc != 0)
		free(changing);
	return rc;
}

void
engine_use_token(void *arg, const char id[TOKEN_ID_SIZE], wall_us at)
{
	struct engine *engine = arg;

	ledger_use_token(engine->ledger, id, at);
}
