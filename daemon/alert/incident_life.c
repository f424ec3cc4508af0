/*
 * The life of an incident beside its rule: confirmed, acknowledged, noted,
 * reopened, and the time in which we could not see. Each step is one entry of
 * the timeline, which is committed with the incident's new state.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert-int.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#define STALL_LEAST (10 * US_PER_S) /* ticks come every second */

/* ---- entries that nobody is sent ---- */

void
incident_book(struct alert *alert, const struct incident *incident,
    const char *kind, const char *text, const char *by, const char *data,
    wall_us wall)
{
	struct incident_entry entry = {.incident = incident->number,
	    .at = wall - incident->clock_set,
	    .data = data};

	text_copy(entry.kind, sizeof(entry.kind), kind);
	text_copy(entry.text, sizeof(entry.text), text);
	text_copy(entry.by, sizeof(entry.by), by);
	log_info("incident", "event=%s number=%lld %s", kind,
	    (long long)incident->number, text);
	if (alert->book) {
		alert->book(alert->arg, incident, &entry);
	}
}

void
alert_set_book(struct alert *alert, alert_book_fn *book)
{
	alert->book = book;
}

/* ---- confirmed ---- */

static void
confirm(struct alert *alert, struct incident *incident, const char *by,
    wall_us wall)
{
	wall_us at = wall - incident->clock_set;
	char text[INCIDENT_TEXT_SIZE];
	struct jv *data = jv_object();
	dur_us age = incident_lasted(incident, at);
	char *json;

	incident->confirmed = at;
	text_copy(incident->confirmed_by, sizeof(incident->confirmed_by), by);
	jv_set(data, "cause", jv_string(by[0] != '\0' ? "person" : "age"));
	jv_set(data, "after_s", jv_real((double)age / US_PER_S));
	snprintf(text, sizeof(text), "cause=%s after_s=%lld",
	    by[0] != '\0' ? "person" : "age", (long long)(age / US_PER_S));
	json = incident_data_text(data);
	incident_book(alert, incident, "confirmed", text, by, json, wall);
	free(json);
}

static void
confirm_old(struct alert *alert, struct incident *incident, wall_us wall)
{
	dur_us after =
	    alert->rules ? alert->rules->conf->incidents.confirm_after : 0;

	if (after > 0 && incident->confirmed == 0 &&
	    incident->blind_since == 0 &&
	    incident_lasted(incident, wall - incident->clock_set) >= after) {
		confirm(alert, incident, "", wall);
	}
}

/* ---- people ---- */

int
alert_acknowledge(
    struct alert *alert, int64_t number, const char *by, wall_us wall)
{
	struct incident *incident = alert_find_open(alert, number);
	struct incident_entry entry = {.incident = number};

	if (!incident) {
		return -ENOENT;
	}
	if (incident->acknowledged > 0) {
		return -EALREADY;
	}
	if (incident->confirmed == 0) {
		confirm(alert, incident, by, wall);
	}
	entry.at = wall - incident->clock_set;
	incident->acknowledged = entry.at;
	text_copy(
	    incident->acknowledged_by, sizeof(incident->acknowledged_by), by);
	text_copy(entry.kind, sizeof(entry.kind), "acknowledged");
	text_copy(entry.by, sizeof(entry.by), by);
	snprintf(entry.text, sizeof(entry.text), "by=%s", by);
	log_info("incident", "event=acknowledged number=%lld by=%s",
	    (long long)number, by);
	alert_send(alert, NOTIFY_UPDATED, incident, &entry);
	return 0;
}

/* As much of it as fits, whole characters only. */
static void
cut(char *out, size_t size, const char *text)
{
	size_t len = 0, one;

	while (text[len] != '\0' &&
	    (one = text_utf8_char(text + len, strlen(text + len))) > 0 &&
	    len + one < size) {
		len += one;
	}
	memcpy(out, text, len);
	out[len] = '\0';
}

void
alert_note(struct alert *alert, int64_t number, const char *by,
    const char *text, wall_us wall)
{
	const struct incident *incident = alert_find_open(alert, number);
	struct jv *data = jv_set(jv_object(), "note", jv_string(text));
	struct incident_entry entry = {.incident = number,
	    .at = wall - (incident ? incident->clock_set : 0)};
	char *json = incident_data_text(data);

	text_copy(entry.kind, sizeof(entry.kind), "note");
	text_copy(entry.by, sizeof(entry.by), by);
	cut(entry.text, sizeof(entry.text), text);
	entry.data = json;
	log_info(
	    "incident", "event=note number=%lld by=%s", (long long)number, by);
	if (alert->book) {
		alert->book(alert->arg, incident, &entry);
	}
	free(json);
}

/* ---- reopened ---- */

static bool
is_of(const struct incident *incident, const char *rule, const char *scope)
{
	return strcmp(incident->scope, scope) == 0 &&
	    strcmp(incident->rule, rule) == 0;
}

static struct closed *
find_closed(const struct alert *alert, const char *rule, const char *scope)
{
	for (size_t i = 0; i < alert->n_closed; i++) {
		if (is_of(&alert->closed[i].incident, rule, scope)) {
			return &alert->closed[i];
		}
	}
	return NULL;
}

static void
forget(struct alert *alert, struct closed *closed)
{
	*closed = alert->closed[--alert->n_closed];
}

void
alert_restore_resolved(struct alert *alert, const struct incident *incident)
{
	struct closed *closed =
	    find_closed(alert, incident->rule, incident->scope);

	/* an account that is stopped again is another matter */
	if (incident_rule_is_built_in(incident->rule)) {
		return;
	}
	if (!closed) {
		alert->closed = mem_grow(
		    alert->closed, alert->n_closed + 1, sizeof(*alert->closed));
		closed = &alert->closed[alert->n_closed++];
	}
	*closed = (struct closed){.incident = *incident};
}

void
incident_count_calm(
    struct alert *alert, const struct instance *instance, bool failed)
{
	struct closed *closed = alert->n_closed > 0
	    ? find_closed(alert, instance->rule->name, instance->scope)
	    : NULL;

	if (closed) {
		closed->attempts++;
		closed->failed += failed;
	}
}

void
incident_forget_calm(
    struct alert *alert, const struct instance *instance, uint32_t failed)
{
	struct closed *closed = alert->n_closed > 0
	    ? find_closed(alert, instance->rule->name, instance->scope)
	    : NULL;

	if (closed && closed->failed >= failed) {
		closed->failed -= failed;
		closed->attempts -= failed;
	}
}

static bool
is_recent(const struct alert *alert, const struct closed *closed, wall_us wall)
{
	const struct incident *incident = &closed->incident;
	dur_us within =
	    alert->rules ? alert->rules->conf->incidents.reopen_within : 0;

	return within > 0 &&
	    wall - incident->clock_set - incident->resolved <= within;
}

bool
incident_reopen(struct alert *alert, const struct instance *instance,
    wall_us wall, struct incident *incident)
{
	struct closed *closed =
	    find_closed(alert, instance->rule->name, instance->scope);
	dur_us calm;

	if (!closed || !is_recent(alert, closed, wall)) {
		return false;
	}
	*incident = closed->incident;
	incident->reopened++;
	incident->reopened_at = wall - incident->clock_set;
	calm = incident->reopened_at - incident->resolved;
	incident->calm += calm > 0 ? calm : 0;
	incident->resolved = 0;
	incident->attempts += closed->attempts;
	incident->failed += closed->failed;
	forget(alert, closed);
	return true;
}

static void
forget_old(struct alert *alert, wall_us wall)
{
	for (size_t i = alert->n_closed; i-- > 0;) {
		if (!is_recent(alert, &alert->closed[i], wall)) {
			forget(alert, &alert->closed[i]);
		}
	}
}

/* ---- our own blind time ---- */

static const char *
cause_name(enum alert_blind cause)
{
	switch (cause) {
	case ALERT_BLIND_STOPPED:
		return "stopped";
	case ALERT_BLIND_STALLED:
		return "stalled";
	case ALERT_BLIND_UPLINK:
		return "uplink_down";
	case ALERT_BLIND_SLEPT:
		return "machine_slept";
	}
	return "";
}

/* `to` is 0 while it goes on. On the incident's own clock. */
static void
book_blind(struct alert *alert, struct incident *incident, const char *kind,
    enum alert_blind cause, wall_us from, wall_us to, wall_us wall)
{
	struct jv *data = jv_object();
	char text[INCIDENT_TEXT_SIZE], *json;
	dur_us length = to > from ? to - from : 0;

	jv_set(data, "cause", jv_string(cause_name(cause)));
	jv_set(data, "from", jv_real((double)from / US_PER_S));
	jv_set(data, "to", to > 0 ? jv_real((double)to / US_PER_S) : jv_null());
	jv_set(data, "blind_s",
	    to > 0 ? jv_real((double)length / US_PER_S) : jv_null());
	if (to > 0) {
		snprintf(text, sizeof(text), "cause=%s blind_s=%.1f",
		    cause_name(cause), (double)length / US_PER_S);
	} else {
		snprintf(text, sizeof(text), "cause=%s", cause_name(cause));
	}
	json = incident_data_text(data);
	incident_book(alert, incident, kind, text, "", json, wall);
	free(json);
}

/* What was blind already is not counted twice. */
static void
add_blind(struct alert *alert, struct incident *incident,
    enum alert_blind cause, dur_us length, wall_us wall)
{
	wall_us to = wall - incident->clock_set;
	wall_us from = to - length;
	wall_us begin = incident->reopened_at > 0 ? incident->reopened_at
						  : incident->opened;

	if (incident->blind_since > 0) {
		from = incident->blind_since;
	}
	if (from < begin) {
		from = begin;
	}
	if (to <= from) {
		return;
	}
	incident->blind += to - from;
	incident->blind_since = 0;
	book_blind(alert, incident, "blind", cause, from, to, wall);
}

/* Unless it was blind already. */
static void
add_blind_to_all(
    struct alert *alert, enum alert_blind cause, dur_us length, wall_us wall)
{
	for (size_t i = 0; i < alert->n_open; i++) {
		if (alert->open[i].blind_since == 0) {
			add_blind(alert, &alert->open[i], cause, length, wall);
		}
	}
}

void
alert_slept(struct alert *alert, dur_us length, wall_us wall)
{
	add_blind_to_all(alert, ALERT_BLIND_SLEPT, length, wall);
}

void
incident_blind_begin(struct alert *alert, mono_us since)
{
	dur_us ago;

	/* what was before us is booked already */
	since = since > alert->began ? since : alert->began;
	ago = alert->now > since ? alert->now - since : 0;
	for (size_t i = 0; i < alert->n_open; i++) {
		struct incident *incident = &alert->open[i];
		wall_us from = alert->wall - incident->clock_set - ago;

		if (incident->blind_since > 0) {
			continue;
		}
		incident->blind_since =
		    from > incident->opened ? from : incident->opened;
		book_blind(alert, incident, "blind", ALERT_BLIND_UPLINK,
		    incident->blind_since, 0, alert->wall);
	}
}

void
incident_see_again(struct incident *incident, wall_us at)
{
	if (incident->blind_since > 0 && at > incident->blind_since) {
		incident->blind += at - incident->blind_since;
	}
	incident->blind_since = 0;
}

void
alert_uplink_back(struct alert *alert, wall_us wall)
{
	for (size_t i = 0; i < alert->n_open; i++) {
		struct incident *incident = &alert->open[i];
		wall_us from = incident->blind_since;
		wall_us to = wall - incident->clock_set;

		if (from == 0) {
			continue;
		}
		incident_see_again(incident, to);
		book_blind(alert, incident, "blind_over", ALERT_BLIND_UPLINK,
		    from, to, wall);
	}
}

void
alert_clock_set(struct alert *alert, dur_us by)
{
	for (size_t i = 0; i < alert->n_closed; i++) {
		alert->closed[i].incident.clock_set += by;
	}
	for (size_t i = 0; i < alert->n_open; i++) {
		struct incident *incident = &alert->open[i];
		struct jv *data = jv_object();
		char text[INCIDENT_TEXT_SIZE], *json;

		incident->clock_set += by;
		jv_set(data, "set_s", jv_real((double)by / US_PER_S));
		snprintf(
		    text, sizeof(text), "set_s=%.1f", (double)by / US_PER_S);
		json = incident_data_text(data);
		incident_book(
		    alert, incident, "clock", text, "", json, alert->wall + by);
		free(json);
	}
	alert->wall += by;
}

void
alert_restored(struct alert *alert, dur_us ago, dur_us clock_set, wall_us wall)
{
	alert->wall = wall - clock_set;
	if (clock_set != 0) {
		alert_clock_set(alert, clock_set);
	}
	for (size_t i = 0; i < alert->n_open; i++) {
		add_blind(
		    alert, &alert->open[i], ALERT_BLIND_STOPPED, ago, wall);
	}
}

/* ---- once a second ---- */

void
incident_tick(struct alert *alert, mono_us now, wall_us wall)
{
	if (alert->now > 0 && now - alert->now >= STALL_LEAST) {
		add_blind_to_all(
		    alert, ALERT_BLIND_STALLED, now - alert->now, wall);
	}
	alert->began = alert->began == 0 ? now : alert->began;
	alert->now = now;
	alert->wall = wall;
	for (size_t i = 0; i < alert->n_open; i++) {
		silence_tick(alert, &alert->open[i], wall);
		confirm_old(alert, &alert->open[i], wall);
		incident_follow_tick(alert, &alert->open[i], now, wall);
	}
	forget_old(alert, wall);
}
