/*
 * Results are fed to the instances of the rules, and an instance opens,
 * updates and resolves its incident. What it measures is in rule.c, how it is
 * said in text.c, how a reload keeps it in apply.c.
 */
#include "alert/alert.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert-int.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

/* A verdict speaks for so many intervals of its deployment: a failing one is
 * asked less often. What is longer is silence. */
#define SPEAKS_INTERVALS 4

/* ---- open incidents ---- */

struct incident *
alert_find_open(struct alert *alert, int64_t number)
{
	for (size_t i = 0; i < alert->n_open; i++) {
		if (alert->open[i].number == number) {
			return &alert->open[i];
		}
	}
	return NULL;
}

/* Keeps the newest in front, whatever the order of restoring. */
struct incident *
alert_insert_open(struct alert *alert, const struct incident *incident)
{
	size_t i = 0;

	alert->open =
	    mem_grow(alert->open, alert->n_open + 1, sizeof(*alert->open));
	while (i < alert->n_open && alert->open[i].number > incident->number) {
		i++;
	}
	memmove(&alert->open[i + 1], &alert->open[i],
	    (alert->n_open - i) * sizeof(*alert->open));
	alert->open[i] = *incident;
	alert->n_open++;
	return &alert->open[i];
}

static void
remove_open(struct alert *alert, struct incident *incident)
{
	size_t i = (size_t)(incident - alert->open);

	alert->n_open--;
	memmove(
	    incident, incident + 1, (alert->n_open - i) * sizeof(*alert->open));
}

size_t
alert_open(const struct alert *alert, const struct incident **incidents)
{
	*incidents = alert->open;
	return alert->n_open;
}

/* ---- telling ---- */

void
alert_send(struct alert *alert, enum notify_event event,
    struct incident *incident, const struct incident_entry *entry)
{
	wall_us wall = entry->at + incident->clock_set;

	if (!silence_hides(alert, &event, incident, wall)) {
		alert->sink(alert->arg, event, incident, entry);
	} else if (alert->book) {
		alert->book(alert->arg, incident, entry);
	}
}

void
alert_tell(struct alert *alert, enum notify_event event, const char *kind,
    struct incident *incident, const char *text, wall_us wall)
{
	struct incident_entry entry = {
	    .incident = incident->number, .at = wall - incident->clock_set};
	char *data;

	text_copy(entry.kind, sizeof(entry.kind), kind);
	text_copy(entry.text, sizeof(entry.text), text);
	log_info("incident", "event=%s number=%lld rule=%s scope=%s %s",
	    strcmp(kind, "detected") == 0 ? "opened" : kind,
	    (long long)incident->number, incident->rule, incident->scope, text);
	data = incident_data(alert, incident, true);
	entry.data = data;
	alert_send(alert, event, incident, &entry);
	free(data);
}

static uint32_t
deployments_bad(const struct instance *instance, mono_us now)
{
	mono_us since = now - instance->span;
	uint32_t n = 0;

	if (!instance->bad_at) {
		return 0;
	}
	for (size_t i = 0; i < instance->op->n_deployments; i++) {
		n += instance->bad_at[i] != 0 && instance->bad_at[i] > since;
	}
	return n;
}

/* The text speaks of the whole incident, not of the last window. */
static void
refresh_text(const struct instance *instance, struct incident *incident)
{
	struct text_input input = {
	    .operator_title = instance->op->title,
	    .deployment =
		instance->deployment ? instance->deployment->name : NULL,
	    .transaction = instance->transaction->name,
	    .transaction_title = instance->transaction->title.value,
	    .rule = instance->rule,
	    .attempts = incident->attempts,
	    .failed = incident->failed,
	    .value = incident->value,
	    .worst = incident->worst,
	    .usual = baseline_usual(instance),
	    .limit = incident->threshold,
	    .facts = instance->facts,
	    .deployments_bad = instance->bad_most,
	    .deployments = (uint32_t)instance->op->n_deployments,
	};

	alert_text_pl(&input, incident->summary_pl);
	alert_text_en(&input, incident->summary_en);
}

static void
refresh(struct instance *instance, struct incident *incident, mono_us now)
{
	const struct conf_alert *rule = instance->rule;
	uint32_t bad;

	rule_facts(&instance->window, now, &instance->facts);
	incident->severity = rule->severity > instance->raised_to
	    ? rule->severity
	    : instance->raised_to;
	text_copy(incident->runbook, sizeof(incident->runbook),
	    rule->runbook ? rule->runbook : "");
	incident->reason = instance->facts.reason;
	incident->side = reason_side(incident->reason);
	incident->phase = instance->facts.phase;
	text_copy(incident->step, sizeof(incident->step), instance->facts.step);
	/* fewer results say nothing of a share or a quantile */
	if (watch_is(instance) ||
	    instance->reading.samples >= rule->min_samples) {
		incident->value = instance->reading.value;
		incident->worst =
		    rule_worse(rule, incident->worst, incident->value);
	}
	incident->threshold = baseline_threshold(instance);
	text_copy(
	    incident->unit, sizeof(incident->unit), rule_unit(rule->kind));
	rule_traces(&instance->window, now, incident->trace_ids);
	bad = deployments_bad(instance, now);
	if (bad > instance->bad_most) {
		instance->bad_most = bad;
	}
	refresh_text(instance, incident);
}

static void
remember_told(struct instance *instance, mono_us now)
{
	instance->told_at = now;
	instance->told_reason = instance->facts.reason;
	text_copy(instance->told_step, sizeof(instance->told_step),
	    instance->facts.step);
	instance->told_deployments = deployments_bad(instance, now);
	instance->told_deployments_known = true;
}

static void
open_incident(
    struct alert *alert, struct instance *instance, mono_us now, wall_us wall)
{
	struct incident incident = {.opened = wall,
	    .attempts = instance->reading.samples,
	    .worst = NAN};
	bool again = incident_reopen(alert, instance, wall, &incident);
	char text[INCIDENT_TEXT_SIZE];

	if (!again) {
		incident.number = ++alert->last_number;
		if (instance->rule->kind == CONF_ALERT_AVAILABILITY ||
		    instance->rule->kind == CONF_ALERT_BURN_RATE) {
			incident.failed = instance->reading.failed;
		}
	}
	text_copy(incident.rule, sizeof(incident.rule), instance->rule->name);
	text_copy(incident.scope, sizeof(incident.scope), instance->scope);
	instance->raised_to = 0;
	instance->facts = (struct facts){.phase = PHASE_WAIT};
	instance->bad_most = incident.affected_most;
	refresh(instance, &incident, now);
	instance->incident = incident.number;
	instance->inhibits = 0;
	instance->inhibited_by = 0;
	instance->holding = false;
	instance->well = false;
	remember_told(instance, now);
	incident_follow(alert, instance, &incident, now);
	alert_text_entry(&incident, instance->told_deployments, text);
	alert_tell(alert, NOTIFY_OPENED, again ? "reopened" : "detected",
	    alert_insert_open(alert, &incident), text, wall);
}

/* Only what changes the picture is told: another cause, another step, or more
 * deployments than was said; and that at most once a minute. */
static void
update_incident(struct alert *alert, struct instance *instance,
    struct incident *incident, mono_us now, wall_us wall)
{
	char text[INCIDENT_TEXT_SIZE];
	uint32_t bad;

	refresh(instance, incident, now);
	if (now - instance->told_at < ALERT_UPDATE_PAUSE) {
		return;
	}
	bad = deployments_bad(instance, now);
	if (!instance->told_deployments_known) {
		instance->told_deployments = bad;
		instance->told_deployments_known = true;
	}
	if (instance->facts.reason == instance->told_reason &&
	    strcmp(instance->facts.step, instance->told_step) == 0 &&
	    bad <= instance->told_deployments) {
		return;
	}
	remember_told(instance, now);
	alert_text_entry(incident, bad, text);
	alert_tell(alert, NOTIFY_UPDATED, "updated", incident, text, wall);
}

/* The list is put in order before anyone is told, so the sink may look. */
void
alert_resolve(struct alert *alert, struct incident *incident, const char *text,
    wall_us wall)
{
	struct incident over = *incident;

	remove_open(alert, incident);
	over.resolved = wall - over.clock_set;
	if (over.resolved <= over.opened) {
		over.resolved = over.opened + 1;
	}
	incident_see_again(&over, over.resolved);
	incident_all_well(alert, &over);
	alert_restore_resolved(alert, &over);
	alert_text_resolved(&over);
	alert_tell(alert, NOTIFY_RESOLVED, "resolved", &over, text, wall);
	incident_unfollow(alert, over.number);
}

/* ---- deciding ---- */

/* A window can become bad by itself, when the good results in it grow old
 * first: only a verdict may begin or end the time that it must hold. */
static void
judge_closed(
    struct alert *alert, struct instance *instance, mono_us now, wall_us wall)
{
	const struct reading *reading = &instance->reading;

	if (!reading->bad ||
	    (!watch_is(instance) &&
		reading->samples < instance->rule->min_samples)) {
		instance->holding = false;
		return;
	}
	if (!instance->fresh ||
	    now - instance->heard_first < instance->warm_up) {
		return;
	}
	if (!instance->holding) {
		instance->holding = true;
		instance->held = 0;
	}
	if (instance->held >= instance->rule->hold &&
	    !inhibit(alert, instance, wall)) {
		open_incident(alert, instance, now, wall);
	}
}

/* To resolve it needs no min_samples: a failing operator is asked less often,
 * but it needs a new one to begin, and they must be good. */
static void
judge_open(
    struct alert *alert, struct instance *instance, mono_us now, wall_us wall)
{
	struct incident *incident = alert_find_open(alert, instance->incident);
	const struct reading *reading = &instance->reading;
	char text[INCIDENT_TEXT_SIZE];

	assert(incident);
	if (reading->samples == 0) {
		instance->well = false;
		return;
	}
	if (reading->bad || inhibit_outlasts(alert, instance)) {
		instance->well = false;
		update_incident(alert, instance, incident, now, wall);
		return;
	}
	refresh_text(instance, incident);
	if (!instance->well && !instance->fresh) {
		return;
	}
	if (!instance->well) {
		instance->well = true;
		instance->well_since = now;
	}
	if (now - instance->well_since < instance->rule->resolve_after) {
		return;
	}
	instance->incident = 0;
	instance->well = false;
	incident->value = reading->value;
	alert_text_entry(incident, 0, text);
	alert_resolve(alert, incident, text, wall);
}

void
alert_tick(struct alert *alert, mono_us now, wall_us wall)
{
	for (size_t i = 0; i < alert->n_orphans; i++) {
		struct incident *incident =
		    alert_find_open(alert, alert->orphans[i]);

		assert(incident);
		alert_resolve(alert, incident, "cause=not_watched", wall);
	}
	alert->n_orphans = 0;
	alert_accounts_tick(alert, wall);
	for (size_t i = 0; alert->rules && i < alert->rules->n; i++) {
		struct instance *instance = &alert->rules->instances[i];
		bool moved = baseline_read(alert, instance, wall);

		if (watch_is(instance)) {
			watch_read(instance, now, wall);
		} else if (rule_advance(&instance->window, now) || moved ||
		    instance->dirty) {
			instance->reading =
			    rule_read(&instance->window, instance->rule);
			instance->dirty = false;
		}
		if (instance->incident != 0) {
			judge_open(alert, instance, now, wall);
		} else {
			judge_closed(alert, instance, now, wall);
		}
		instance->fresh = false;
	}
	incident_tick(alert, now, wall);
}

/* ---- feeding ---- */

/* Those of a scope that look at the deployment, if it is still there: a run of
 * the old configuration may end after it. */
static void
add_hops(const struct alert_rules *rules, const char *scope,
    const struct target *target, struct route *route)
{
	struct instance *instance = alert_rules_find(rules, scope);
	size_t at;

	for (; instance; instance = alert_rules_next(rules, instance)) {
		if (!alert_deployment_index(
			rules, instance->op, target->deployment, &at)) {
			continue;
		}
		route->hops =
		    mem_grow(route->hops, route->n + 1, sizeof(*route->hops));
		route->hops[route->n++] = (struct hop){instance, at};
	}
}

static const struct route *
route_of(struct alert *alert, const struct target *target)
{
	struct route *route;
	char all[MODEL_PATH_SIZE];

	if (target->id >= alert->n_routes) {
		size_t n = 2 * (size_t)target->id + 64;

		alert->routes =
		    mem_grow(alert->routes, n, sizeof(*alert->routes));
		memset(&alert->routes[alert->n_routes], 0,
		    (n - alert->n_routes) * sizeof(*alert->routes));
		alert->n_routes = n;
	}
	route = &alert->routes[target->id];
	if (route->known) {
		return route;
	}
	route->known = true;
	if (alert->rules) {
		snprintf(all, sizeof(all), "%s/%s/%s", target->operator,
		    ALL_DEPLOYMENTS, target->transaction);
		add_hops(alert->rules, all, target, route);
		add_hops(alert->rules, target->path, target, route);
	}
	return route;
}

static void
count_for_incident(struct alert *alert, const struct instance *instance,
    const struct result *result)
{
	struct incident *incident = alert_find_open(alert, instance->incident);

	if (incident) {
		incident->attempts++;
		incident->failed += result->reason != REASON_OK;
	} else {
		incident_count_calm(
		    alert, instance, result->reason != REASON_OK);
	}
}

/* The time since the verdict before counts as far as that one speaks. */
static void
hear(struct instance *instance, dur_us every, mono_us now)
{
	mono_us until = now + SPEAKS_INTERVALS * every;

	/* what is judged by the clock counts its ticks instead */
	if (instance->holding && !watch_is(instance)) {
		instance->held +=
		    (now < instance->heard_until ? now
						 : instance->heard_until) -
		    instance->heard_at;
	}
	instance->heard = true;
	if (instance->heard_first == 0) {
		instance->heard_first = now;
	}
	instance->verdict_at = now;
	if (watch_is(instance)) {
		return;
	}
	instance->fresh = true;
	instance->heard_at = now;
	if (instance->heard_until < until) {
		instance->heard_until = until;
	}
}

void
alert_feed(struct alert *alert, const struct result *result, mono_us now)
{
	const struct route *route;

	route = route_of(alert, result->target);
	if (result_verdict(result) == VERDICT_EXCLUDED) {
		bool heard = result->maintenance ||
		    reason_side(result->reason) == SIDE_OURS;

		for (size_t i = 0; heard && i < route->n; i++) {
			watch_ours(route->hops[i].instance, now);
		}
		return;
	}
	for (size_t i = 0; i < route->n; i++) {
		const struct hop *hop = &route->hops[i];
		struct instance *instance = hop->instance;
		bool bad;

		if (rule_says_nothing(instance->rule, result)) {
			continue;
		}
		rule_advance(&instance->window, now);
		instance->dirty = true;
		if (rule_counts(instance->rule, result)) {
			count_for_incident(alert, instance, result);
			hear(instance,
			    instance->op->deployments[hop->deployment].every,
			    now);
		}
		bad = instance->certs
		    ? watch_certificate(instance, hop->deployment, result)
		    : rule_add(&instance->window, result, now);
		if (bad && instance->bad_at) {
			instance->bad_at[hop->deployment] = now;
		}
		if (bad || rule_counts(instance->rule, result)) {
			incident_hear(alert, instance,
			    result->target->deployment, bad, now);
		}
	}
}

static void
take_back(struct alert *alert, struct instance *instance, mono_us since)
{
	uint32_t taken = rule_take_back(&instance->window, since);
	struct incident *incident = alert_find_open(alert, instance->incident);

	instance->dirty = true;
	if (incident && incident->failed >= taken) {
		incident->failed -= taken;
		incident->attempts -= taken;
	} else if (!incident) {
		incident_forget_calm(alert, instance, taken);
	}
}

void
alert_uplink_down(struct alert *alert, mono_us since)
{
	for (size_t i = 0; alert->rules && i < alert->rules->n; i++) {
		struct instance *instance = &alert->rules->instances[i];

		take_back(alert, instance, since);
		/* Nobody answered since, so whoever was bad was silent. */
		for (size_t k = 0;
		     instance->bad_at && k < instance->op->n_deployments; k++) {
			if (instance->bad_at[k] >= since) {
				instance->bad_at[k] = 0;
			}
		}
		instance->fresh = false;
		instance->holding = false;
		instance->well = false;
	}
	incident_forgive(alert, since);
	incident_blind_begin(alert, since);
}

void
alert_restore(struct alert *alert, const struct incident *incident)
{
	assert(!alert->rules);
	alert_insert_open(alert, incident);
	if (incident->number > alert->last_number) {
		alert->last_number = incident->number;
	}
}

struct alert *
alert_new(alert_sink_fn *sink, void *arg, int64_t last_incident_number)
{
	struct alert *alert = mem_new(sizeof(*alert));

	alert->sink = sink;
	alert->arg = arg;
	alert->last_number = last_incident_number;
	return alert;
}

void
alert_free(struct alert *alert)
{
	if (!alert) {
		return;
	}
	alert_drop_routes(alert);
	alert_rules_free(alert->rules);
	free(alert->open);
	free(alert->orphans);
	free(alert->watched);
	incident_unfollow_all(alert);
	free(alert->closed);
	free(alert->silences);
	free(alert);
}
