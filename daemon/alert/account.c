/*
 * The built-in rule "account": an account that had to be stopped is an
 * incident until it is released, for we ourselves must do something about it.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alert-int.h"
#include "base/mem.h"
#include "base/text.h"

#define SEVERITY 2

static struct watched *
find_watched(struct alert *alert, const char *account)
{
	for (size_t i = 0; i < alert->n_watched; i++) {
		if (strcmp(alert->watched[i].account, account) == 0) {
			return &alert->watched[i];
		}
	}
	return NULL;
}

static bool
is_watched(const struct alert *alert, int64_t number)
{
	for (size_t i = 0; i < alert->n_watched; i++) {
		if (alert->watched[i].incident == number) {
			return true;
		}
	}
	return false;
}

static bool
is_of_account(const struct incident *incident)
{
	return strcmp(incident->rule, INCIDENT_RULE_ACCOUNT) == 0;
}

/* The stop's own from before a restart, known by the run it happened in: more
 * than one account may be stopped on a target. */
static const struct incident *
find_orphan(const struct alert *alert, const struct account_stop *stop)
{
	for (size_t i = 0; i < alert->n_open; i++) {
		const struct incident *incident = &alert->open[i];

		if (is_of_account(incident) &&
		    strcmp(incident->scope, stop->target) == 0 &&
		    strcmp(incident->trace_ids[0], stop->run_id) == 0 &&
		    !is_watched(alert, incident->number)) {
			return incident;
		}
	}
	return NULL;
}

/* ---- words ---- */

/* The names of a target path; those that are not there are "". */
struct names {
	char operator[MODEL_NAME_SIZE];
	char deployment[MODEL_NAME_SIZE];
	char transaction[MODEL_NAME_SIZE];
};

static struct names
names_of(const char *path)
{
	struct names names = {0};

	(void)sscanf(path, "%31[^/]/%31[^/]/%31[^/]", names.operator,
	    names.deployment, names.transaction);
	return names;
}

static const struct conf_operator *
operator_of(const struct alert *alert, const struct names *names)
{
	const struct conf *conf = alert->rules ? alert->rules->conf : NULL;
	for (size_t i = 0; conf && i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];

		if (strcmp(op->name, names->operator) == 0) {
			return op;
		}
	}
	return NULL;
}

static const char *
transaction_title(const struct conf_operator *op, const char *name)
{
	for (size_t i = 0; i < op->profile->n_transactions; i++) {
		const struct conf_transaction *transaction =
		    &op->profile->transactions[i];

		if (strcmp(transaction->name, name) == 0) {
			return transaction->title.value;
		}
	}
	return NULL;
}

static void
summarise(const struct alert *alert, const struct account_stop *stop,
    struct incident *incident)
{
	struct names names = names_of(stop->target);
	const struct conf_operator *op = operator_of(alert, &names);
	struct text_input input = {
	    .operator_title = op ? op->title : names.operator,
	    .deployment = names.deployment,
	    .transaction = names.transaction,
	    .transaction_title =
		op ? transaction_title(op, names.transaction) : NULL,
	};

	alert_text_account(
	    &input, stop, incident->summary_pl, incident->summary_en);
}

/* ---- stopped and released ---- */

static int64_t
open_incident(
    struct alert *alert, const struct account_stop *stop, wall_us wall)
{
	struct incident incident = {
	    .number = ++alert->last_number,
	    .severity = SEVERITY,
	    .opened = wall,
	    .reason = stop->reason,
	    .side = reason_side(stop->reason),
	    .phase = PHASE_RECEIVE,
	    .value = NAN,
	    .threshold = NAN,
	    .worst = NAN,
	};
	char text[INCIDENT_TEXT_SIZE];

	text_copy(incident.rule, sizeof(incident.rule), INCIDENT_RULE_ACCOUNT);
	text_copy(incident.scope, sizeof(incident.scope), stop->target);
	text_copy(incident.step, sizeof(incident.step), stop->step);
	text_copy(
	    incident.trace_ids[0], sizeof(incident.trace_ids[0]), stop->run_id);
	summarise(alert, stop, &incident);
	snprintf(text, sizeof(text), "account=%s reason=%s side=%s step=%s",
	    stop->account, reason_name(stop->reason), side_name(incident.side),
	    stop->step);
	alert_tell(alert, NOTIFY_OPENED, "detected",
	    alert_insert_open(alert, &incident), text, wall);
	return incident.number;
}

void
alert_account_stopped(
    struct alert *alert, const struct account_stop *stop, wall_us wall)
{
	const struct incident *orphan;
	size_t i = alert->n_watched;

	if (find_watched(alert, stop->account)) {
		return;
	}
	orphan = find_orphan(alert, stop);
	alert->watched =
	    mem_grow(alert->watched, i + 1, sizeof(*alert->watched));
	text_copy(alert->watched[i].account, sizeof(alert->watched[i].account),
	    stop->account);
	alert->watched[i].incident =
	    orphan ? orphan->number : open_incident(alert, stop, wall);
	alert->n_watched++;
}

void
alert_account_released(
    struct alert *alert, const char *account, const char *by, wall_us wall)
{
	struct watched *watched = find_watched(alert, account);
	struct incident *incident;
	char text[INCIDENT_TEXT_SIZE];

	if (!watched) {
		return;
	}
	incident = alert_find_open(alert, watched->incident);
	*watched = alert->watched[--alert->n_watched];
	snprintf(text, sizeof(text), "account=%s released_by=%s", account, by);
	if (incident) {
		alert_resolve(alert, incident, text, wall);
	}
}

void
alert_accounts_tick(struct alert *alert, wall_us wall)
{
	for (size_t i = alert->n_open; i-- > 0;) {
		struct incident *incident = &alert->open[i];

		if (is_of_account(incident) &&
		    !is_watched(alert, incident->number)) {
			alert_resolve(
			    alert, incident, "cause=not_watched", wall);
		}
	}
}
