/*
 * What a receiver is sent. The ledger keeps one JSON text for each event, that
 * of design.md section 4; the forms that other receivers want are made of it
 * for each try, so that a subscriber whose `format` was changed gets what
 * waits for it in the new form.
 */
#include "notify-int.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* How long Alertmanager is to believe an alert that we do not repeat. */
#define BELIEVE_US (3600 * US_PER_S)
#define NO_TIME "0001-01-01T00:00:00Z" /* Go's zero time: it has not ended */
#define CHAT_MOST 3500 /* bytes of a message that people read */
#define SHORTEST 60 /* bytes that a line takes at least */

static bool
is_resolved(const struct jv *event)
{
	return strcmp(jv_get_string(event, "type", ""), "incident.resolved") ==
	    0;
}

static int64_t
number_of(const struct jv *event)
{
	return jv_get_int(jv_get(event, "data"), "number", 0);
}

/* ---- ours ---- */

/* Several in one: each as it would have come, under its own id. */
static struct jv *
digest(const struct format_job *job, struct jv *const *events)
{
	struct jv *whole = jv_object(), *data = jv_object(), *list = jv_array();

	for (size_t i = 0; i < job->n; i++) {
		struct jv *one = jv_object();

		jv_set(one, "webhook_id", jv_string(job->ids[i]));
		jv_set(one, "type", jv_hold(jv_get(events[i], "type")));
		jv_set(
		    one, "timestamp", jv_hold(jv_get(events[i], "timestamp")));
		jv_set(one, "data", jv_hold(jv_get(events[i], "data")));
		jv_push(list, one);
	}
	jv_set(data, "subscriber", jv_string(job->subscriber->name));
	jv_set(data, "events", list);
	jv_set(whole, "type", jv_string("digest"));
	jv_set(whole, "timestamp",
	    jv_hold(jv_get(events[job->n - 1], "timestamp")));
	jv_set(whole, "data", data);
	return whole;
}

/* ---- Alertmanager ---- */

static void
set_label(struct jv *labels, const char *name, const struct jv *value)
{
	char number[24];

	if (jv_kind(value) == JV_STRING) {
		jv_set(labels, name, jv_string(jv_string_value(value)));
	} else if (jv_kind(value) == JV_INT) {
		snprintf(number, sizeof(number), "%lld",
		    (long long)jv_int_value(value));
		jv_set(labels, name, jv_string(number));
	}
}

/* What is the same from the first word of an incident to the last: an alert is
 * known by its labels. */
static struct jv *
labels_of(const struct jv *event)
{
	static const char *const names[] = {
	    "operator", "deployment", "transaction", "severity", "vantage"};
	const struct jv *data = jv_get(event, "data");
	struct jv *labels = jv_object();

	if (number_of(event) == 0) {
		jv_set(labels, "alertname", jv_string("DyzurnyTest"));
		set_label(labels, "vantage", jv_get(data, "vantage"));
		return labels;
	}
	set_label(labels, "alertname", jv_get(data, "rule"));
	set_label(labels, "incident", jv_get(data, "number"));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		set_label(labels, names[i], jv_get(data, names[i]));
	}
	return labels;
}

static struct jv *
annotations_of(const struct jv *event, bool english)
{
	static const char *const names[] = {
	    "side", "reason", "step", "phase", "runbook_url"};
	const struct jv *data = jv_get(event, "data");
	const struct jv *summary = jv_get(data, "summary");
	const struct jv *traces = jv_get(data, "trace_ids");
	struct jv *annotations = jv_object();
	struct buf list;

	set_label(
	    annotations, "summary", jv_get(summary, english ? "en" : "pl"));
	set_label(annotations, english ? "summary_pl" : "summary_en",
	    jv_get(summary, english ? "pl" : "en"));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		set_label(annotations, names[i], jv_get(data, names[i]));
	}
	if (jv_len(traces) > 0) {
		buf_init(&list, 1024);
		for (size_t i = 0; i < jv_len(traces); i++) {
			buf_printf(&list, "%s%s", i > 0 ? " " : "",
			    jv_string_value(jv_at(traces, i)));
		}
		jv_set(annotations, "trace_ids", jv_string(list.data));
		buf_fini(&list);
	}
	return annotations;
}

static void
set_time(struct jv *alert, const char *name, const struct jv *seconds,
    const char *otherwise)
{
	char text[32];

	if (jv_kind(seconds) == JV_INT) {
		text_rfc3339(
		    jv_int_value(seconds) * US_PER_S, text, sizeof(text));
		otherwise = text;
	}
	jv_set(alert, name, jv_string(otherwise));
}

static const char *
url_of(const struct jv *event)
{
	return jv_get_string(jv_get(event, "data"), "url", "");
}

/* Of its labels, whatever their order: ours is always the same. */
static struct jv *
fingerprint(const struct jv *labels)
{
	struct buf text;
	char hex[17];

	buf_init(&text, NOTIFY_BODY_MAX);
	(void)jv_dump(labels, &text);
	snprintf(hex, sizeof(hex), "%016llx",
	    (unsigned long long)crypto_hash64(text.data));
	buf_fini(&text);
	return jv_string(hex);
}

static struct jv *
webhook_alert(const struct jv *event, bool english)
{
	const struct jv *data = jv_get(event, "data");
	struct jv *alert = jv_object(), *labels = labels_of(event);

	jv_set(alert, "status",
	    jv_string(is_resolved(event) ? "resolved" : "firing"));
	jv_set(alert, "labels", labels);
	jv_set(alert, "annotations", annotations_of(event, english));
	set_time(alert, "startsAt", jv_get(data, "opened"),
	    jv_get_string(event, "timestamp", NO_TIME));
	set_time(alert, "endsAt", jv_get(data, "resolved"), NO_TIME);
	jv_set(alert, "generatorURL", jv_string(url_of(event)));
	jv_set(alert, "fingerprint", fingerprint(labels));
	return alert;
}

/* The pairs that all of them have alike. */
static struct jv *
common(const struct jv *alerts, const char *group)
{
	const struct jv *first = jv_get(jv_at(alerts, 0), group);
	struct jv *out = jv_object(), *value;
	const char *key;
	void *iter = NULL;

	while ((iter = jv_each(first, iter, &key, &value)) != NULL) {
		bool alike = true;

		for (size_t i = 1; i < jv_len(alerts) && alike; i++) {
			const char *other = jv_get_string(
			    jv_get(jv_at(alerts, i), group), key, "");

			alike = strcmp(other, jv_string_value(value)) == 0;
		}
		if (alike) {
			jv_set(out, key, jv_hold(value));
		}
	}
	return out;
}

/* Only the last word on an incident counts: the earlier ones say of the same
 * alert what is not so any more. */
static bool
is_last_word(const struct format_job *job, struct jv *const *events, size_t i)
{
	for (size_t k = i + 1; k < job->n; k++) {
		if (number_of(events[k]) == number_of(events[i])) {
			return false;
		}
	}
	return true;
}

/* Source: prometheus.io, Alertmanager, configuration, <webhook_config>: what
 * it posts, version 4. */
static struct jv *
alertmanager(const struct format_job *job, struct jv *const *events)
{
	struct jv *whole = jv_object(), *alerts = jv_array();
	struct jv *group_labels = jv_object();
	const char *name = job->subscriber->name;
	char *key = mem_printf("{}:{subscriber=\"%s\"}", name);
	bool firing = false;

	for (size_t i = 0; i < job->n; i++) {
		if (!is_last_word(job, events, i)) {
			continue;
		}
		firing = firing || !is_resolved(events[i]);
		jv_push(
		    alerts, webhook_alert(events[i], job->subscriber->english));
	}
	if (jv_len(alerts) == 1) {
		struct jv *labels = jv_get(jv_at(alerts, 0), "labels");

		free(key);
		key = mem_printf("{}:{incident=\"%s\"}",
		    jv_get_string(labels, "incident", ""));
		set_label(group_labels, "incident", jv_get(labels, "incident"));
	}
	jv_set(whole, "version", jv_string("4"));
	jv_set(whole, "groupKey", jv_string(key));
	jv_set(whole, "truncatedAlerts", jv_int(0));
	jv_set(whole, "status", jv_string(firing ? "firing" : "resolved"));
	jv_set(whole, "receiver", jv_string(name));
	jv_set(whole, "groupLabels", group_labels);
	jv_set(whole, "commonLabels", common(alerts, "labels"));
	jv_set(whole, "commonAnnotations", common(alerts, "annotations"));
	jv_set(whole, "externalURL", jv_string(job->public_url));
	jv_set(whole, "alerts", alerts);
	free(key);
	return whole;
}

/* Source: Alertmanager's api/v2/openapi.yaml, postableAlerts. */
static struct jv *
postable_alerts(const struct format_job *job, struct jv *const *events)
{
	struct jv *alerts = jv_array();
	char until[32];

	text_rfc3339(job->now + BELIEVE_US, until, sizeof(until));
	for (size_t i = 0; i < job->n; i++) {
		const struct jv *data = jv_get(events[i], "data");
		struct jv *alert;

		if (!is_last_word(job, events, i)) {
			continue;
		}
		alert = jv_object();
		jv_set(alert, "labels", labels_of(events[i]));
		jv_set(alert, "annotations",
		    annotations_of(events[i], job->subscriber->english));
		set_time(alert, "startsAt", jv_get(data, "opened"),
		    jv_get_string(events[i], "timestamp", NO_TIME));
		set_time(alert, "endsAt", jv_get(data, "resolved"), until);
		jv_set(alert, "generatorURL", jv_string(url_of(events[i])));
		jv_push(alerts, alert);
	}
	return alerts;
}

/* ---- chat ---- */

/* Three characters that a chat takes for its own: Slack, "Escaping text". */
static void
put_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&') {
			buf_adds(out, "&amp;");
		} else if (*text == '<') {
			buf_adds(out, "&lt;");
		} else if (*text == '>') {
			buf_adds(out, "&gt;");
		} else {
			buf_addc(out, *text);
		}
	}
}

static const char *
word_of(const char *type, bool english)
{
	static const struct {
		const char *type, *pl, *en;
	} words[] = {
	    {"incident.opened", "otwarty", "opened"},
	    {"incident.updated", "trwa", "goes on"},
	    {"incident.resolved", "zakończony", "resolved"},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i].type, type) == 0) {
			return english ? words[i].en : words[i].pl;
		}
	}
	return type;
}

static void
put_line(struct buf *out, const struct jv *event, bool english)
{
	const struct jv *data = jv_get(event, "data");

	if (jv_bool_value(jv_get(data, "simulated"))) {
		buf_adds(out, english ? "[simulated] " : "[symulacja] ");
	}
	if (number_of(event) == 0) {
		buf_adds(out,
		    english ? "A test message of Dyżurny."
			    : "Wiadomość próbna Dyżurnego.");
	} else {
		buf_printf(out,
		    english ? "*Incident %lld, %s*, severity %lld of 4: "
			    : "*Incydent %lld, %s*, waga %lld z 4: ",
		    (long long)number_of(event),
		    word_of(jv_get_string(event, "type", ""), english),
		    (long long)jv_get_int(data, "severity", 0));
		put_escaped(out,
		    jv_get_string(
			jv_get(data, "summary"), english ? "en" : "pl", ""));
	}
	buf_adds(out, " <");
	put_escaped(out, url_of(event));
	buf_addc(out, '>');
}

/* Slack's incoming webhooks, and what else takes {"text":…}. */
static struct jv *
chat(const struct format_job *job, struct jv *const *events)
{
	bool english = job->subscriber->english;
	struct jv *whole = jv_object();
	struct buf text;
	size_t i;

	buf_init(&text, CHAT_MOST + NOTIFY_BODY_MAX);
	for (i = 0; i < job->n && text.len < CHAT_MOST - SHORTEST; i++) {
		if (i > 0) {
			buf_addc(&text, '\n');
		}
		put_line(&text, events[i], english);
	}
	if (i < job->n) {
		buf_printf(&text,
		    english ? "\n… and %zu messages more: "
			    : "\n… i kolejne wiadomości (%zu): ",
		    job->n - i);
		put_escaped(&text, job->public_url);
	}
	jv_set(whole, "text", jv_string(text.data));
	buf_fini(&text);
	return whole;
}

/* ---- one of them ---- */

bool
notify_format(const struct format_job *job, struct buf *out)
{
	struct jv *events[NOTIFY_DIGEST_MAX], *whole = NULL;
	bool fits;

	assert(job->n > 0 && job->n <= NOTIFY_DIGEST_MAX);
	if (job->subscriber->format == CONF_FORMAT_STANDARD && job->n == 1) {
		return buf_add(out, job->bodies[0]->text, job->bodies[0]->len);
	}
	for (size_t i = 0; i < job->n; i++) {
		events[i] = jv_parse(
		    job->bodies[i]->text, job->bodies[i]->len, NULL, 0);
	}
	switch (job->subscriber->format) {
	case CONF_FORMAT_STANDARD:
		whole = digest(job, events);
		break;
	case CONF_FORMAT_ALERTMANAGER:
		whole = alertmanager(job, events);
		break;
	case CONF_FORMAT_ALERTMANAGER_API:
		whole = postable_alerts(job, events);
		break;
	case CONF_FORMAT_CHAT:
		whole = chat(job, events);
		break;
	}
	fits = jv_dump(whole, out);
	jv_release(whole);
	for (size_t i = 0; i < job->n; i++) {
		jv_release(events[i]);
	}
	return fits;
}
