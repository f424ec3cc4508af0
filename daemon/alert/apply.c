/*
 * Rules of a configuration become instances: one for each rule, scope and
 * transaction. A new configuration takes over what the old instances know.
 */
#include "alert-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

void
alert_drop_routes(struct alert *alert)
{
	for (size_t i = 0; i < alert->n_routes; i++) {
		free(alert->routes[i].hops);
	}
	free(alert->routes);
	alert->routes = NULL;
	alert->n_routes = 0;
}

bool
alert_deployment_index(const struct alert_rules *rules,
    const struct conf_operator *op, const char *name, size_t *at)
{
	return index_find(
	    &rules->deployments[op - rules->conf->operators], name, at);
}

struct instance *
alert_rules_find(const struct alert_rules *rules, const char *scope)
{
	size_t at;

	return index_find(&rules->scopes, scope, &at) ? &rules->instances[at]
						      : NULL;
}

struct instance *
alert_rules_next(
    const struct alert_rules *rules, const struct instance *instance)
{
	return instance->next == NONE ? NULL
				      : &rules->instances[instance->next];
}

struct instance *
alert_rules_find_of(
    const struct alert_rules *rules, const char *scope, const char *rule)
{
	struct instance *one = alert_rules_find(rules, scope);

	while (one && strcmp(one->rule->name, rule) != 0) {
		one = alert_rules_next(rules, one);
	}
	return one;
}

/* A failing deployment is asked up to eight times less often: until then its
 * silence is ours. */
#define SILENT_INTERVALS 9

/* Half an interval less than so many, and the last so many runs of each
 * deployment are in it, even if they do not come on the minute. */
static dur_us
span_of(const struct instance *instance)
{
	const struct conf_operator *op = instance->op;
	const struct conf_alert *rule = instance->rule;
	dur_us every = 0;

	for (size_t i = 0; i < op->n_deployments; i++) {
		const struct conf_deployment *one = &op->deployments[i];

		if (one->every > every &&
		    (!instance->deployment || one == instance->deployment)) {
			every = one->every;
		}
	}
	every = every > 0 ? every : 60 * US_PER_S;
	if (rule->kind == CONF_ALERT_NO_DATA &&
	    rule->window < SILENT_INTERVALS * every) {
		return SILENT_INTERVALS * every;
	}
	return rule->runs > 0 ? every * rule->runs - every / 2 : rule->window;
}

static void
add_instance(struct alert_rules *rules, const struct conf_alert *rule,
    const struct conf_operator *op, const struct conf_deployment *deployment,
    const struct conf_transaction *transaction)
{
	struct instance *instance;

	if (rules->n == rules->room) {
		rules->room = 2 * rules->room + 16;
		rules->instances =
		    mem_grow(rules->instances, rules->room, sizeof(*instance));
	}
	instance = &rules->instances[rules->n++];
	*instance = (struct instance){
	    .next = NONE,
	    .rule = rule,
	    .op = op,
	    .deployment = deployment,
	    .transaction = transaction,
	    .facts = {.phase = PHASE_WAIT},
	};
	snprintf(instance->scope, sizeof(instance->scope), "%s/%s/%s", op->name,
	    deployment ? deployment->name : ALL_DEPLOYMENTS, transaction->name);
	instance->span = span_of(instance);
	if (rule->runs > 0) {
		instance->warm_up = instance->span / (2 * rule->runs - 1) *
		    (2 * rule->runs - 3);
	}
	rule_init(&instance->window, rule, instance->span);
	if (!deployment && op->n_deployments > 0) {
		instance->bad_at =
		    mem_array(op->n_deployments, sizeof(*instance->bad_at));
	}
	if (rule->kind == CONF_ALERT_DEVIATION) {
		instance->baseline = baseline_new();
	}
	if (rule->kind == CONF_ALERT_CERTIFICATE) {
		instance->certs =
		    mem_array(deployment ? 1 : op->n_deployments + 1,
			sizeof(*instance->certs));
	}
}

static void
add_instances_of(struct alert_rules *rules, const struct conf_alert *rule,
    const struct conf_operator *op)
{
	for (size_t i = 0; i < op->profile->n_transactions; i++) {
		const struct conf_transaction *transaction =
		    &op->profile->transactions[i];

		if (transaction->always ||
		    (rule->transaction &&
			strcmp(rule->transaction, transaction->name) != 0)) {
			continue;
		}
		switch (rule->scope) {
		case CONF_SCOPE_OPERATOR:
			add_instance(rules, rule, op, NULL, transaction);
			break;
		case CONF_SCOPE_DEPLOYMENT:
			for (size_t k = 0; k < op->n_deployments; k++) {
				add_instance(rules, rule, op,
				    &op->deployments[k], transaction);
			}
			break;
		}
	}
}

static void
inherit_certificates(struct instance *instance, const struct instance *old,
    const struct alert_rules *before)
{
	if (!instance->certs || !old->certs) {
		return;
	}
	if (instance->deployment) {
		instance->certs[0] = old->certs[0];
		return;
	}
	for (size_t i = 0; i < instance->op->n_deployments; i++) {
		size_t k;

		if (alert_deployment_index(before, old->op,
			instance->op->deployments[i].name, &k)) {
			instance->certs[i] = old->certs[k];
		}
	}
}

/* The old window goes on when it measures the same thing over the same time;
 * the incident goes on in any case. */
static void
inherit(struct instance *instance, struct instance *old,
    const struct alert_rules *before)
{
	if (old->rule->kind != instance->rule->kind) {
		return;
	}
	if (old->span == instance->span) {
		struct rule_window fresh = instance->window;

		instance->window = old->window;
		old->window = fresh;
		instance->fresh = old->fresh;
		instance->heard_at = old->heard_at;
		instance->heard_until = old->heard_until;
		instance->holding = old->holding;
		instance->held = old->held;
		instance->well = old->well;
		instance->well_since = old->well_since;
	}
	instance->dirty = true;
	instance->heard = old->heard;
	instance->heard_first = old->heard_first;
	instance->verdict_at = old->verdict_at;
	instance->inhibited_by = old->inhibited_by;
	instance->inhibits = old->inhibits;
	instance->raised_to = old->raised_to;
	instance->facts = old->facts;
	instance->incident = old->incident;
	instance->bad_most = old->bad_most;
	instance->told_at = old->told_at;
	instance->told_reason = old->told_reason;
	text_copy(
	    instance->told_step, sizeof(instance->told_step), old->told_step);
	instance->told_deployments = old->told_deployments;
	instance->told_deployments_known = old->told_deployments_known;
	for (size_t i = 0;
	     instance->bad_at && old->bad_at && i < instance->op->n_deployments;
	     i++) {
		size_t k;

		if (alert_deployment_index(before, old->op,
			instance->op->deployments[i].name, &k)) {
			instance->bad_at[i] = old->bad_at[k];
		}
	}
	inherit_certificates(instance, old, before);
	baseline_inherit(instance, old);
}

static void
inherit_all(const struct alert_rules *rules, const struct alert_rules *before)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct instance *instance = &rules->instances[i];
		struct instance *old = alert_rules_find_of(
		    before, instance->scope, instance->rule->name);

		if (old) {
			inherit(instance, old, before);
		}
	}
}

static void
adopt(struct instance *instance, const struct incident *incident)
{
	instance->incident = incident->number;
	instance->bad_most = incident->affected_most;
	instance->raised_to = incident->severity;
	instance->facts = (struct facts){.known = true,
	    .reason = incident->reason,
	    .phase = incident->phase};
	text_copy(
	    instance->facts.step, sizeof(instance->facts.step), incident->step);
	instance->told_reason = incident->reason;
	text_copy(
	    instance->told_step, sizeof(instance->told_step), incident->step);
}

/* Open incidents that no instance holds: those from before the start find
 * theirs by rule and scope; later on, those lost it. */
static void
claim_incidents(struct alert *alert, bool at_start)
{
	alert->orphans = mem_grow(
	    alert->orphans, alert->n_open + 1, sizeof(*alert->orphans));
	alert->n_orphans = 0;
	for (size_t i = 0; i < alert->n_open; i++) {
		const struct incident *incident = &alert->open[i];
		struct instance *owner;

		if (incident_rule_is_built_in(incident->rule)) {
			continue;
		}
		owner = alert_rules_find_of(
		    alert->rules, incident->scope, incident->rule);
		if (owner && owner->incident == incident->number) {
			continue;
		}
		if (at_start && owner && owner->incident == 0) {
			adopt(owner, incident);
		} else {
			alert->orphans[alert->n_orphans++] = incident->number;
		}
	}
}

/* ---- life ---- */

static void
list_names(struct alert_rules *rules)
{
	const struct conf *conf = rules->conf;

	rules->deployments =
	    mem_array(conf->n_operators, sizeof(*rules->deployments));
	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];

		for (size_t k = 0; k < op->n_deployments; k++) {
			size_t at = k;

			index_add(&rules->deployments[i],
			    op->deployments[k].name, &at);
		}
	}
	/* From behind, so that those of one scope keep their order. */
	for (size_t i = rules->n; i-- > 0;) {
		struct instance *instance = &rules->instances[i];
		size_t at = i;

		if (!index_add(&rules->scopes, instance->scope, &at)) {
			instance->next = at;
			index_put(&rules->scopes, instance->scope, i);
		}
	}
}

struct alert_rules *
alert_rules_new(struct conf *conf)
{
	return alert_rules_new_of(conf, NULL);
}

struct alert_rules *
alert_rules_new_of(struct conf *conf, const bool *wanted)
{
	struct alert_rules *rules = mem_new(sizeof(*rules));

	rules->conf = conf_hold(conf);
	for (size_t i = 0; i < conf->n_alerts; i++) {
		const struct conf_alert *rule = &conf->alerts[i];

		for (size_t k = 0;
		     (!wanted || wanted[i]) && k < conf->n_operators; k++) {
			const struct conf_operator *op = &conf->operators[k];

			if (!rule->operator||
			     strcmp(rule->operator, op->name) == 0) {
				add_instances_of(rules, rule, op);
			}
		}
	}
	list_names(rules);
	return rules;
}

void
alert_rules_free(struct alert_rules *rules)
{
	if (!rules) {
		return;
	}
	for (size_t i = 0; i < rules->n; i++) {
		rule_fini(&rules->instances[i].window);
		free(rules->instances[i].bad_at);
		free(rules->instances[i].certs);
		free(rules->instances[i].baseline);
	}
	free(rules->instances);
	index_fini(&rules->scopes);
	for (size_t i = 0; i < rules->conf->n_operators; i++) {
		index_fini(&rules->deployments[i]);
	}
	free(rules->deployments);
	conf_release(rules->conf);
	free(rules);
}

struct alert_rules *
alert_take(struct alert *alert, struct alert_rules *rules)
{
	struct alert_rules *before = alert->rules;

	alert_drop_routes(alert);
	alert->rules = rules;
	if (before) {
		inherit_all(rules, before);
	}
	claim_incidents(alert, !before);
	incident_keep_known(alert);
	return before;
}

void
alert_apply(struct alert *alert, struct conf *conf)
{
	alert_rules_free(alert_take(alert, alert_rules_new(conf)));
}
