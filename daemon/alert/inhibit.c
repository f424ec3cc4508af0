/*
 * One incident, not four hundred: a rule opens none while another one says it
 * already. That is said in the other one's timeline. A graver rule about the
 * same raises the incident that a slighter, quicker one has opened.
 */
#include <stdio.h>
#include <string.h>

#include "alert-int.h"

#define SAID_MOST 10 /* in one timeline */
#define FIRST "login" /* without it nothing else can be done */

static bool
is_failure(enum conf_alert_kind kind)
{
	return kind == CONF_ALERT_AVAILABILITY || kind == CONF_ALERT_BURN_RATE;
}

/* What is slow is slower than usual. */
static bool
is_slow(enum conf_alert_kind open, enum conf_alert_kind kind)
{
	return open == CONF_ALERT_LATENCY && kind == CONF_ALERT_DEVIATION;
}

/* What fails explains that it is slow or silent, too; else like for like. */
static bool
explains(enum conf_alert_kind open, enum conf_alert_kind kind)
{
	return open == kind || is_slow(open, kind) ||
	    (is_failure(open) && kind != CONF_ALERT_CERTIFICATE);
}

/* Two rules about the failures of the same act at the same place. */
static bool
same_failure(const struct instance *one, const struct instance *other)
{
	return one != other && one->op == other->op &&
	    one->deployment == other->deployment &&
	    one->transaction == other->transaction &&
	    is_failure(one->rule->kind) && is_failure(other->rule->kind);
}

/* The whole operator over its deployments, login over what needs it, and of
 * two rules about the same the first. */
static bool
covers(const struct instance *open, const struct instance *instance)
{
	bool wider = !open->deployment && instance->deployment;
	bool same_place = open->deployment == instance->deployment;
	bool same_act = open->transaction == instance->transaction;
	bool before = strcmp(open->transaction->name, FIRST) == 0;

	if (open == instance || open->incident == 0 ||
	    open->op != instance->op ||
	    !explains(open->rule->kind, instance->rule->kind)) {
		return false;
	}
	if (same_place && same_act) {
		return is_failure(open->rule->kind) ||
		    is_slow(open->rule->kind, instance->rule->kind);
	}
	return (wider || same_place) && (same_act || before);
}

/* Of a scope that may cover it: the operator or its deployment, the act itself
 * or the first one. */
static struct instance *
find_in(const struct alert *alert, const struct instance *instance,
    const char *deployment, const char *act)
{
	struct instance *open;
	char scope[MODEL_PATH_SIZE];

	snprintf(scope, sizeof(scope), "%s/%s/%s", instance->op->name,
	    deployment, act);
	for (open = alert_rules_find(alert->rules, scope); open;
	     open = alert_rules_next(alert->rules, open)) {
		if (covers(open, instance)) {
			return open;
		}
	}
	return NULL;
}

static struct instance *
find(const struct alert *alert, const struct instance *instance)
{
	const char *places[] = {ALL_DEPLOYMENTS,
	    instance->deployment ? instance->deployment->name : NULL};
	const char *acts[] = {FIRST, instance->transaction->name};

	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; places[i] && k < 2; k++) {
			struct instance *open =
			    find_in(alert, instance, places[i], acts[k]);

			if (open) {
				return open;
			}
		}
	}
	return NULL;
}

static void
raise_severity(struct alert *alert, struct instance *open,
    const struct instance *by, wall_us wall)
{
	struct incident *incident = alert_find_open(alert, open->incident);
	char text[INCIDENT_TEXT_SIZE];

	open->raised_to = by->rule->severity;
	incident->severity = open->raised_to;
	snprintf(text, sizeof(text), "severity=%d rule=%s", open->raised_to,
	    by->rule->name);
	alert_tell(alert, NOTIFY_UPDATED, "raised", incident, text, wall);
}

bool
inhibit_outlasts(const struct alert *alert, const struct instance *instance)
{
	const struct instance *other =
	    alert_rules_find(alert->rules, instance->scope);

	for (; other; other = alert_rules_next(alert->rules, other)) {
		if (same_failure(other, instance) &&
		    other->inhibited_by == instance->incident &&
		    other->rule->severity > instance->rule->severity &&
		    other->reading.bad) {
			return true;
		}
	}
	return false;
}

bool
inhibit(struct alert *alert, struct instance *instance, wall_us wall)
{
	struct instance *open;
	char text[INCIDENT_TEXT_SIZE];

	if (alert->n_open == 0) {
		return false;
	}
	open = find(alert, instance);
	if (!open) {
		instance->inhibited_by = 0;
		return false;
	}
	if (instance->inhibited_by != open->incident) {
		instance->inhibited_by = open->incident;
		if (same_failure(open, instance) &&
		    instance->rule->severity >
			alert_find_open(alert, open->incident)->severity) {
			raise_severity(alert, open, instance, wall);
		} else if (open->inhibits++ < SAID_MOST) {
			snprintf(text, sizeof(text), "rule=%s scope=%s",
			    instance->rule->name, instance->scope);
			incident_book(alert,
			    alert_find_open(alert, open->incident), "inhibited",
			    text, "", NULL, wall);
		}
	}
	return true;
}
