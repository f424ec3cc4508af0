/*
 * Which deployments an open incident affects: they come with their first bad
 * result, and go when they have been well for as long as the rule wants to see
 * before it resolves. Who is silent stays. And what machines read of an entry
 * in the timeline. The ledger's entries are what a restart knows of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert-int.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define DATA_MAX ((size_t)4 << 20)
#define BOOK_PAUSE (5 * US_PER_S)

struct followed {
	char *name;
	bool affected, told; /* told: as the timeline has it */
	mono_us bad_at, good_at; /* last heard; 0: not yet */
};

struct follow {
	int64_t incident;
	bool single; /* of one deployment, which is affected to the end */
	dur_us leave_after;
	uint32_t of;
	mono_us booked_at;
	struct followed *all;
	size_t n, room;
	struct name_index index;
};

static struct follow *
find(const struct alert *alert, int64_t incident)
{
	for (size_t i = 0; i < alert->n_follows; i++) {
		if (alert->follows[i]->incident == incident) {
			return alert->follows[i];
		}
	}
	return NULL;
}

static struct follow *
find_or_add(struct alert *alert, int64_t incident)
{
	struct follow *follow = find(alert, incident);

	if (follow) {
		return follow;
	}
	follow = mem_new(sizeof(*follow));
	follow->incident = incident;
	alert->follows = mem_grow(
	    alert->follows, alert->n_follows + 1, sizeof(*alert->follows));
	alert->follows[alert->n_follows++] = follow;
	return follow;
}

static void
follow_free(struct follow *follow)
{
	for (size_t i = 0; i < follow->n; i++) {
		free(follow->all[i].name);
	}
	free(follow->all);
	index_fini(&follow->index);
	free(follow);
}

static struct followed *
one_of(struct follow *follow, const char *name)
{
	size_t at;

	if (index_find(&follow->index, name, &at)) {
		return &follow->all[at];
	}
	if (follow->n == follow->room) {
		follow->room = 2 * follow->room + 8;
		follow->all =
		    mem_grow(follow->all, follow->room, sizeof(*follow->all));
	}
	at = follow->n++;
	follow->all[at] = (struct followed){.name = mem_strdup(name)};
	index_add(&follow->index, follow->all[at].name, &at);
	return &follow->all[at];
}

/* ---- following ---- */

static void
learn(struct follow *follow, const struct instance *instance)
{
	const struct conf_alert *rule = instance->rule;

	follow->single = instance->deployment != NULL;
	follow->of = follow->single ? 1 : (uint32_t)instance->op->n_deployments;
	follow->leave_after = rule->resolve_after < instance->span
	    ? rule->resolve_after
	    : instance->span;
}

static void
count(const struct follow *follow, struct incident *incident)
{
	size_t shown = 0;

	incident->affected_now = 0;
	memset(incident->affected, 0, sizeof(incident->affected));
	for (size_t i = 0; i < follow->n; i++) {
		if (!follow->all[i].affected) {
			continue;
		}
		incident->affected_now++;
		if (shown < INCIDENT_NAMES) {
			text_copy(incident->affected[shown++],
			    sizeof(incident->affected[0]), follow->all[i].name);
		}
	}
	if (incident->affected_now > incident->affected_most) {
		incident->affected_most = incident->affected_now;
	}
	if (follow->of > 0) {
		incident->affected_of = follow->of;
	}
}

void
incident_follow(struct alert *alert, const struct instance *instance,
    struct incident *incident, mono_us now)
{
	struct follow *follow = find_or_add(alert, incident->number);
	mono_us since = now - instance->span;

	learn(follow, instance);
	follow->booked_at = now;
	if (follow->single) {
		one_of(follow, instance->deployment->name)->affected = true;
	}
	for (size_t i = 0; instance->bad_at && i < instance->op->n_deployments;
	     i++) {
		if (instance->bad_at[i] != 0 && instance->bad_at[i] > since) {
			struct followed *one =
			    one_of(follow, instance->op->deployments[i].name);

			one->affected = true;
			one->bad_at = instance->bad_at[i];
		}
	}
	count(follow, incident);
}

void
incident_hear(struct alert *alert, const struct instance *instance,
    const char *deployment, bool bad, mono_us now)
{
	struct follow *follow;
	struct followed *one;
	size_t at;

	if (instance->incident == 0) {
		return;
	}
	/* one of an older version came without any */
	follow = bad ? find_or_add(alert, instance->incident)
		     : find(alert, instance->incident);
	if (!follow || (!bad && !index_find(&follow->index, deployment, &at))) {
		return;
	}
	learn(follow, instance);
	one = one_of(follow, deployment);
	if (bad) {
		one->affected = true;
		one->bad_at = now;
	} else {
		one->good_at = now;
		/* from before a restart: its time to be well begins here */
		one->bad_at = one->bad_at == 0 ? now - 1 : one->bad_at;
	}
}

void
incident_forgive(struct alert *alert, mono_us since)
{
	for (size_t i = 0; i < alert->n_follows; i++) {
		struct follow *follow = alert->follows[i];

		for (size_t k = 0; k < follow->n && !follow->single; k++) {
			struct followed *one = &follow->all[k];

			/* what came by our own fault alone, goes with it */
			if (one->bad_at >= since && !one->told) {
				one->affected = false;
			}
		}
	}
}

void
incident_keep_known(struct alert *alert)
{
	for (size_t i = 0; i < alert->rules->n; i++) {
		const struct instance *instance = &alert->rules->instances[i];
		struct follow *follow = instance->incident != 0
		    ? find(alert, instance->incident)
		    : NULL;

		for (size_t k = 0; follow && k < follow->n; k++) {
			size_t at;

			if (!alert_deployment_index(alert->rules, instance->op,
				follow->all[k].name, &at)) {
				follow->all[k].affected = false;
			}
		}
	}
}

void
incident_unfollow(struct alert *alert, int64_t incident)
{
	for (size_t i = 0; i < alert->n_follows; i++) {
		if (alert->follows[i]->incident == incident) {
			follow_free(alert->follows[i]);
			alert->follows[i] = alert->follows[--alert->n_follows];
			return;
		}
	}
}

void
incident_unfollow_all(struct alert *alert)
{
	for (size_t i = 0; i < alert->n_follows; i++) {
		follow_free(alert->follows[i]);
	}
	free(alert->follows);
	alert->follows = NULL;
	alert->n_follows = 0;
}

void
incident_all_well(struct alert *alert, struct incident *incident)
{
	struct follow *follow = find(alert, incident->number);

	for (size_t i = 0; follow && i < follow->n; i++) {
		follow->all[i].affected = false;
	}
	if (follow) {
		count(follow, incident);
	}
}

/* ---- what an entry says ---- */

static void
set_names(struct jv *data, const char *key, const struct follow *follow,
    bool affected)
{
	struct jv *names = jv_array();

	for (size_t i = 0; follow && i < follow->n; i++) {
		const struct followed *one = &follow->all[i];

		if (one->affected == affected && one->told != affected) {
			jv_push(names, jv_string(one->name));
		}
	}
	jv_set(data, key, names);
}

static void
set_reading(struct jv *data, const struct incident *incident)
{
	struct jv *traces = jv_array();
	bool failed = incident->reason != REASON_OK;

	for (size_t i = 0; i < INCIDENT_TRACES; i++) {
		if (incident->trace_ids[i][0] != '\0') {
			jv_push(traces, jv_string(incident->trace_ids[i]));
		}
	}
	jv_set(data, "severity", jv_int(incident->severity));
	jv_set(data, "value", jv_real(incident->value));
	jv_set(data, "threshold", jv_real(incident->threshold));
	jv_set(data, "attempts", jv_int(incident->attempts));
	jv_set(data, "failed", jv_int(incident->failed));
	jv_set(data, "reason",
	    failed ? jv_string(reason_name(incident->reason)) : jv_null());
	jv_set(data, "side",
	    failed ? jv_string(side_name(incident->side)) : jv_null());
	jv_set(data, "step", jv_text(incident->step));
	jv_set(data, "phase", jv_string(phase_name(incident->phase)));
	jv_set(data, "trace_ids", traces);
}

char *
incident_data(
    struct alert *alert, const struct incident *incident, bool reading)
{
	struct follow *follow = find(alert, incident->number);
	struct jv *data = jv_object();
	char *text;

	if (reading) {
		set_reading(data, incident);
	}
	set_names(data, "added", follow, true);
	set_names(data, "removed", follow, false);
	jv_set(data, "affected", jv_int(incident->affected_now));
	text = incident_data_text(data);
	for (size_t i = 0; follow && i < follow->n; i++) {
		follow->all[i].told = follow->all[i].affected;
	}
	return text;
}

char *
incident_data_text(struct jv *data)
{
	struct buf text;

	buf_init(&text, DATA_MAX);
	if (!jv_dump(data, &text)) {
		buf_reset(&text);
		buf_adds(&text, "{}");
	}
	jv_release(data);
	return buf_take(&text, NULL);
}

/* ---- once a second ---- */

static bool
has_changed(const struct follow *follow, size_t *came, size_t *went)
{
	*came = *went = 0;
	for (size_t i = 0; i < follow->n; i++) {
		const struct followed *one = &follow->all[i];

		*came += one->affected && !one->told;
		*went += !one->affected && one->told;
	}
	return *came + *went > 0;
}

void
incident_follow_tick(
    struct alert *alert, struct incident *incident, mono_us now, wall_us wall)
{
	struct follow *follow = find(alert, incident->number);
	char text[INCIDENT_TEXT_SIZE];
	size_t came, went;
	char *data;

	for (size_t i = 0; follow && !follow->single && i < follow->n; i++) {
		struct followed *one = &follow->all[i];

		if (one->affected && one->good_at > one->bad_at &&
		    now - one->bad_at >= follow->leave_after) {
			one->affected = false;
		}
	}
	if (!follow) {
		return;
	}
	count(follow, incident);
	if (now - follow->booked_at < BOOK_PAUSE ||
	    !has_changed(follow, &came, &went)) {
		return;
	}
	follow->booked_at = now;
	snprintf(text, sizeof(text), "affected=%u added=%zu removed=%zu",
	    incident->affected_now, came, went);
	data = incident_data(alert, incident, false);
	incident_book(alert, incident, "affected", text, "", data, wall);
	free(data);
}

/* One that is well goes by itself; who came is counted by the tick after. */
mono_us
incident_follow_next(const struct alert *alert, const struct incident *incident)
{
	const struct follow *follow = find(alert, incident->number);
	mono_us next = INT64_MAX;
	size_t came, went;

	for (size_t i = 0; follow && !follow->single && i < follow->n; i++) {
		const struct followed *one = &follow->all[i];

		if (one->affected && one->good_at > one->bad_at &&
		    one->bad_at + follow->leave_after < next) {
			next = one->bad_at + follow->leave_after;
		}
	}
	if (follow && has_changed(follow, &came, &went) &&
	    follow->booked_at + BOOK_PAUSE < next) {
		next = follow->booked_at + BOOK_PAUSE;
	}
	return next;
}

/* ---- from before a restart ---- */

static void
restore_names(struct follow *follow, const struct jv *names, bool affected)
{
	for (size_t i = 0; i < jv_len(names); i++) {
		const char *name = jv_string_value(jv_at(names, i));

		if (name) {
			struct followed *one = one_of(follow, name);

			one->affected = one->told = affected;
		}
	}
}

void
alert_restore_entry(struct alert *alert, const struct incident_entry *entry)
{
	struct jv *data = entry->data
	    ? jv_parse(entry->data, strlen(entry->data), NULL, 0)
	    : NULL;
	struct follow *follow;

	if (data && alert_find_open(alert, entry->incident)) {
		follow = find_or_add(alert, entry->incident);
		restore_names(follow, jv_get(data, "added"), true);
		restore_names(follow, jv_get(data, "removed"), false);
	}
	jv_release(data);
}
