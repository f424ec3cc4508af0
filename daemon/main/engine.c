/*
 * The way of a result: health, series, ledger, alerts, and what people see.
 * One funnel. Two things flow back: the judge's word on whose trouble it was,
 * before anybody counts it, and the account stop, which sched does by itself on
 * the same result.
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "patience.h"
#include "probe/evidence.h"

#define RUN_JSON_MAX (512 * 1024)

struct engine_target *
engine_target(struct engine *engine, const struct target *target)
{
	size_t n = engine->n_by_target;

	if (target->id >= n) {
		size_t wanted = target_count(engine->targets);

		engine->by_target = mem_grow(
		    engine->by_target, wanted, sizeof(*engine->by_target));
		memset(engine->by_target + n, 0,
		    (wanted - n) * sizeof(*engine->by_target));
		engine->n_by_target = wanted;
	}
	return &engine->by_target[target->id];
}

void
engine_say_change(const struct target *target,
    const struct health_change *change, const struct result *last)
{
	char lasted[32];

	if (!change->changed)
		return;
	text_duration_format(change->lasted, lasted, sizeof(lasted));
	log_info("state changed",
	    "target=%s from=%s to=%s reason=%s step=%s lasted=\"%s\"",
	    target->path, state_name(change->from), state_name(change->to),
	    reason_name(last->reason), last->step, lasted);
}

/* ---- the funnel ---- */

static void
on_finish(void *arg, struct result result)
{
	struct engine *engine = arg;
	struct engine_target *entry = engine_target(engine, result.target);
	mono_us now = clock_mono(engine->clock);
	struct health_change change;

	if (entry->every == 0)
		return; /* it left the configuration while it ran */
	if (result.reason == REASON_TAINTED)
		engine->runs_tainted++;
	engine_faults_note(engine, &result);
	result.maintenance =
	    engine_maintained(engine, result.target, result.started_wall) ||
	    engine_maintained(engine, result.target, clock_wall(engine->clock));
	entry->clock_set = engine->clock_set;
	if (result.cert_not_after != 0)
		entry->cert_not_after = result.cert_not_after;
	change = health_feed(&entry->health, &entry->policy, &result, now,
	    engine_steady(engine));
	engine_say_change(result.target, &change, &result);
	health_pool_feed(entry->pool, entry->policy.window, &result, now,
	    engine_steady(engine));
	entry->member->stale = true;
	/* A refusal is counted by the lane and shown; measuring goes on. */
	if (series_append(engine->series, &result, entry->every) < 0 ||
	    ledger_tally(engine->ledger, &result) < 0) {
		engine_faults_refused(engine);
		log_debug("store queue full", "target=%s", result.target->path);
	}
	alert_feed(engine->alert, &result, now);
}

static void
publish_run(struct engine *engine, const struct run *run, enum verdict verdict)
{
	struct buf json;
	struct jv *event;

	if (engine->web == NULL)
		return;
	event = jv_object();
	jv_set(event, "id", jv_string(run->id));
	jv_set(event, "operator", jv_string(run->operator));
	jv_set(event, "deployment", jv_string(run->deployment));
	jv_set(event, "ok",
	    verdict == VERDICT_EXCLUDED ? jv_null()
					: jv_bool(verdict == VERDICT_UP));
	buf_init(&json, 1024);
	if (jv_dump(event, &json))
		web_publish(engine->web, WEB_EVENT_RUN, json.data);
	buf_fini(&json);
	jv_release(event);
}

static void
on_end(void *arg, const struct run *run)
{
	struct engine *engine = arg;
	enum verdict verdict = run_verdict(run);
	struct buf json;

	buf_init(&json, RUN_JSON_MAX);
	if (evidence_write(run, &json)) {
		if (ledger_put_run(engine->ledger, run->id, run->operator,
			run->deployment, run->started_wall, verdict,
			engine->plan->conf->store.runs_kept, json.data,
			json.len) < 0)
			log_debug("store queue full", "run=%s", run->id);
		evidence_store_offer(
		    engine->evidence, run, json.data, json.len);
	}
	buf_fini(&json);
	publish_run(engine, run, verdict);
}

static void
publish_incident(struct engine *engine, int64_t number)
{
	struct buf json;

	if (engine->web == NULL)
		return;
	buf_init(&json, 128);
	buf_printf(&json, "{\"number\":%lld}", (long long)number);
	web_publish(engine->web, WEB_EVENT_INCIDENT, json.data);
	buf_fini(&json);
}

static void
on_incident(void *arg, enum notify_event event, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct engine *engine = arg;

	notify_incident(engine->notify, event, incident, entry);
	publish_incident(engine, incident->number);
}

static void
on_book(void *arg, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct engine *engine = arg;

	notify_book(engine->notify, incident, entry);
	publish_incident(engine, entry->incident);
}

/* ---- life ---- */

void
engine_wire(struct engine *engine)
{
	struct sched_options options = {
	    .loop = engine->loop,
	    .crew = engine->crew,
	    .targets = engine->targets,
	    .judge = engine_judge,
	    .finish = on_finish,
	    .end = on_end,
	    .account_stopped = engine_account_stopped,
	    .account_released = engine_account_released,
	    .arg = engine,
	    .key = engine->key,
	};

	engine->alert = alert_new(
	    on_incident, engine, ledger_last_incident(engine->ledger));
	alert_set_book(engine->alert, on_book);
	engine->zone = zone_load(ZONE_FILE);
	alert_set_zone(engine->alert, engine->zone);
	engine_watch_uplink(engine);
	engine->sched = sched_new(&options);
	clock_watch_init(&engine->watch, engine->clock);
}

void
engine_unwire(struct engine *engine)
{
	loop_timer_free(engine->tick);
	sched_free(engine->sched);
	references_free(engine->references);
	alert_free(engine->alert);
	free(engine->by_target);
	free(engine->windows);
	zone_free(engine->zone);
	while (engine->pools != NULL) {
		struct engine_pool *pool = engine->pools;

		engine->pools = pool->next;
		free(pool);
	}
	snap_part_release(engine->accounts);
	engine_day_free(engine->incoming.day);
	plan_free(engine->incoming.plan);
	plan_free(engine->plan);
}
