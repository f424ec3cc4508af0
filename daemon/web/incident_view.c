/*
 * Incidents in words: what the machine wrote into a timeline as people read
 * it, and one text at one moment on every page and in the API.
 */
#include "web-int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TEXT_MAX 8192

/* ---- one text everywhere ---- */

/* The ledger has an open incident as it was last told; the snapshot has it as
 * it is now, which is what the overview shows. */
void
incident_update(const struct snapshot *snapshot, struct jv *incident)
{
	int64_t number = jv_get_int(incident, "number", 0);

	if (snapshot == NULL ||
	    strcmp(jv_get_string(incident, "state", ""), "open") != 0)
		return;
	for (size_t i = 0; i < snapshot->n_incidents; i++) {
		struct jv *now, *value;
		const char *key;
		void *iter = NULL;

		if (snapshot->incidents[i].number != number)
			continue;
		now = incident_json(&snapshot->incidents[i]);
		while ((iter = jv_each(now, iter, &key, &value)) != NULL)
			jv_set(incident, key, jv_hold(value));
		jv_release(now);
	}
}

/* ---- the timeline ---- */

/* The value of KEY in "key=value key=value"; false when it is not there. */
static bool
field(const char *text, const char *key, char out[64])
{
	size_t len = strlen(key);

	while (*text != '\0') {
		size_t part = strcspn(text, " ");

		if (strncmp(text, key, len) == 0 && text[len] == '=') {
			snprintf(out, 64, "%.*s", (int)(part - len - 1),
			    text + len + 1);
			return true;
		}
		text += part;
		text += strspn(text, " ");
	}
	return false;
}

static const char *
word_of(const struct locale *locale, const char *family, const char *name,
    char key[96])
{
	const char *text;

	snprintf(key, 96, "%s.%s", family, name);
	text = locale_text(locale, key);
	return text == key ? key + strlen(family) + 1 : text;
}

/* In the unit that the line names; those of before have none: a share of good
 * results is at most one, a time in milliseconds is more. */
static bool
is_share(const char *threshold, const char *unit)
{
	return unit[0] == '\0' ? strtod(threshold, NULL) <= 1
			       : strcmp(unit, "ratio") == 0;
}

static void
figure(const struct locale *locale, const char *text, bool share,
    const char *unit, char out[LOCALE_TEXT_SIZE])
{
	static const struct {
		const char *unit, *sign;
	} signs[] = {{"times", "×"}, {"days", "d"}, {"min", "min"}};
	double value = strtod(text, NULL);
	char number[LOCALE_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (strcmp(signs[i].unit, unit) == 0) {
			locale_number(locale, value, 1, number);
			snprintf(out, LOCALE_TEXT_SIZE, "%.40s %s", number,
			    signs[i].sign);
			return;
		}
	}
	if (share)
		locale_percent(locale, value, out);
	else
		locale_latency(locale, value, out);
}

static void
say_cause(
    const struct locale *locale, const char *text, bool share, struct buf *out)
{
	char reason[64] = "", side[64] = "", step[64] = "", phase[64] = "";
	char number[64] = "", keys[3][96];
	struct locale_arg args[4];

	field(text, "reason", reason);
	field(text, "side", side);
	field(text, "phase", phase);
	args[0] = (struct locale_arg){
	    "reason", word_of(locale, "reasons", reason, keys[0])};
	args[1] = (struct locale_arg){
	    "side", word_of(locale, "sides", side, keys[1])};
	args[2] = (struct locale_arg){
	    "phase", word_of(locale, "phases", phase, keys[2])};
	if (share && reason[0] != '\0')
		locale_say(locale, out, "timeline.reason", args, 3);
	else if (!share && phase[0] != '\0')
		locale_say(locale, out, "timeline.phase", args, 3);
	args[0] = (struct locale_arg){"step", step};
	if (field(text, "step", step))
		locale_say(locale, out, "timeline.step", args, 1);
	args[0] = (struct locale_arg){"n", number};
	if (field(text, "deployments", number))
		locale_say(locale, out, "timeline.deployments", args, 1);
}

/* An account that was stopped, or released. */
static bool
say_account(const struct locale *locale, const char *text, struct buf *out)
{
	char account[64], word[64], key[96];
	struct locale_arg args[] = {{"account", account}, {"word", ""}};

	if (!field(text, "account", account))
		return false;
	if (field(text, "released_by", word)) {
		args[1].value = word_of(locale, "releases", word, key);
		return locale_say(
		    locale, out, "timeline.released", args, ARRAY_LEN(args));
	}
	if (!field(text, "reason", word))
		return false;
	args[1].value = word_of(locale, "reasons", word, key);
	return locale_say(
	    locale, out, "timeline.stopped", args, ARRAY_LEN(args));
}

static bool
say_change(const struct locale *locale, const char *kind, const char *text,
    struct buf *out)
{
	char value[64], threshold[64], cause[64], unit[64] = "";
	char now[LOCALE_TEXT_SIZE], limit[LOCALE_TEXT_SIZE];
	struct locale_arg args[] = {{"value", now}, {"limit", limit}};
	bool share;

	if (field(text, "cause", cause) && strcmp(cause, "not_watched") == 0) {
		buf_adds(out, locale_text(locale, "timeline.not_watched"));
		return true;
	}
	if (!field(text, "value", value) ||
	    !field(text, "threshold", threshold))
		return say_account(locale, text, out);
	field(text, "unit", unit);
	share = is_share(threshold, unit);
	figure(locale, value, share, unit, now);
	figure(locale, threshold, share, unit, limit);
	locale_say(locale, out, share ? "timeline.share" : "timeline.time",
	    args, ARRAY_LEN(args));
	/* what it was is told above; what is over has no cause */
	if (strcmp(kind, "resolved") != 0)
		say_cause(locale, text, share, out);
	return true;
}

/* "men: confirmed, HTTP 204, try 1, 12 ms: why not" */
static bool
say_delivery(const struct locale *locale, const char *text, struct buf *out)
{
	char subscriber[64], state[64], status[64], key[96];
	const char *said;
	unsigned tries;
	struct locale_arg args[4];
	char number[LOCALE_TEXT_SIZE];
	int end = 0;

	if (sscanf(text, "%63[^:]: %63[^,], %63[^,], try %u, %n", subscriber,
		state, status, &tries, &end) != 4 ||
	    end == 0)
		return false;
	said = strcmp(status, "no answer") == 0
	    ? locale_text(locale, "timeline.no_answer")
	    : status;
	args[0] = (struct locale_arg){"subscriber", subscriber};
	args[1] = (struct locale_arg){
	    "state", word_of(locale, "delivery_states", state, key)};
	args[2] = (struct locale_arg){"status", said};
	args[3] =
	    (struct locale_arg){"try", locale_number(locale, tries, 0, number)};
	return locale_say(
	    locale, out, "timeline.delivery", args, ARRAY_LEN(args));
}

struct jv *
entry_said(const struct locale *locale, const struct jv *entry)
{
	const char *kind = jv_get_string(entry, "kind", "");
	const char *text = jv_get_string(entry, "text", "");
	const struct jv *data = jv_get(entry, "data");
	struct jv *said;
	struct buf out;

	buf_init(&out, TEXT_MAX);
	if (timeline_say(locale, entry, data, &out)) {
		/* all of it is in the data */
	} else if (strcmp(kind, "delivery") == 0
		? say_delivery(locale, text, &out)
		: say_change(locale, kind, text, &out)) {
		timeline_say_names(locale, data, &out);
	} else {
		buf_reset(&out);
		buf_adds(&out, text);
	}
	said = jv_stringn(out.data, out.len);
	buf_fini(&out);
	return said;
}

void
view_entry(const struct locale *locale, struct jv *entry)
{
	const char *kind = jv_get_string(entry, "kind", "");
	struct jv *runs = jv_get(entry, "runs"), *links = jv_array();
	char key[96];

	view_time(locale, entry, "time", LOCALE_TIME_FULL);
	jv_set(entry, "kind_word",
	    jv_string(word_of(locale, "entry_kinds", kind, key)));
	jv_set(entry, "said", entry_said(locale, entry));
	for (size_t i = 0; i < jv_len(runs); i++) {
		const char *id = jv_string_value(jv_at(runs, i));

		if (id != NULL)
			jv_push(links,
			    jv_set(jv_set(jv_object(), "id", jv_string(id)),
				"short_id", jv_stringn(id, strnlen(id, 8))));
	}
	jv_set(entry, "links", links);
}

void
entry_set_texts(struct web *web, struct jv *entry)
{
	jv_set(entry, "text_pl",
	    entry_said(web->assets.locales[LANGUAGE_PL], entry));
	jv_set(entry, "text_en",
	    entry_said(web->assets.locales[LANGUAGE_EN], entry));
}

/* ---- the incident ---- */

/* "Vulcan, gdansk: Login"; the scope itself when nobody is known by it. */
static void
view_scope(const struct locale *locale, const struct snapshot *snapshot,
    struct jv *incident)
{
	const char *name = jv_get_string(incident, "operator", "");
	const char *dep = jv_get_string(incident, "deployment", NULL);
	const char *act = jv_get_string(incident, "transaction", NULL);
	const struct snap_operator *op = snapshot_operator(snapshot, name);
	char key[96];
	struct buf out;

	buf_init(&out, TEXT_MAX);
	buf_adds(&out, op != NULL ? op->title : name);
	if (dep != NULL)
		buf_printf(&out, ", %s", dep);
	if (act != NULL)
		buf_printf(&out, ": %s", word_of(locale, "acts", act, key));
	if (strcmp(jv_get_string(incident, "rule", ""), INCIDENT_RULE_SELF) ==
	    0)
		buf_adds(&out, locale_text(locale, "incident.ourselves"));
	jv_set(incident, "scope_text",
	    out.len > 0 ? jv_stringn(out.data, out.len)
			: jv_string(jv_get_string(incident, "scope", "")));
	buf_fini(&out);
}

/* As the summary says it, which is rounded from the same length. */
static void
view_lasted(const struct locale *locale, struct jv *incident)
{
	const struct jv *lasted = jv_get(incident, "lasted_s");
	char text[LOCALE_TEXT_SIZE];

	if (jv_kind(lasted) != JV_REAL && jv_kind(lasted) != JV_INT)
		return;
	text_duration_format((dur_us)llround(jv_real_value(lasted) * US_PER_S),
	    text, sizeof(text));
	for (char *c = text; *c != '\0'; c++) {
		if (*c == '.' && locale_language(locale) == LANGUAGE_PL)
			*c = ',';
	}
	jv_set(incident, "lasted_text", jv_string(text));
}

/* A number of seconds as a length; nothing when it is none. */
static void
view_seconds(struct jv *incident, const char *key, const char *as)
{
	double s = jv_real_value(jv_get(incident, key));
	char text[LOCALE_TEXT_SIZE];

	if (s >= 0.5)
		jv_set(incident, as,
		    jv_string(
			locale_length((dur_us)llround(s) * US_PER_S, text)));
}

/* What people did, and how many deployments. */
static void
view_life(const struct locale *locale, struct jv *incident)
{
	static const char *const times[] = {
	    "confirmed", "acknowledged", "reopened_at"};
	struct jv *deployments = jv_get(incident, "deployments");
	struct jv *evidence = jv_get(incident, "evidence");
	bool open = strcmp(jv_get_string(incident, "state", ""), "open") == 0;

	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		view_time(locale, incident, times[i], LOCALE_TIME_FULL);
	view_seconds(incident, "blind_s", "blind_text");
	view_seconds(incident, "calm_s", "calm_text");
	jv_set(incident, "was_reopened",
	    jv_bool(jv_get_int(incident, "reopened", 0) > 0));
	jv_set(incident, "may_acknowledge",
	    jv_bool(open && jv_get_int(incident, "acknowledged", 0) == 0));
	jv_set(incident, "has_deployments", jv_bool(jv_len(deployments) > 0));
	jv_set(incident, "has_evidence", jv_bool(jv_len(evidence) > 0));
	for (size_t i = 0; i < jv_len(deployments); i++) {
		view_time(
		    locale, jv_at(deployments, i), "since", LOCALE_TIME_FULL);
		view_time(
		    locale, jv_at(deployments, i), "until", LOCALE_TIME_FULL);
	}
	for (size_t i = 0; i < jv_len(evidence); i++) {
		struct jv *one = jv_at(evidence, i);
		bool ok = jv_bool_value(jv_get(one, "ok"));

		view_time(locale, one, "time", LOCALE_TIME_FULL);
		jv_set(one, "state", jv_string(ok ? "up" : "down"));
		jv_set(one, "state_word",
		    jv_string(
			locale_text(locale, ok ? "run.ok" : "run.failed")));
	}
}

void
view_incident(const struct locale *locale, const struct snapshot *snapshot,
    struct jv *incident)
{
	bool polish = locale_language(locale) == LANGUAGE_PL;
	const struct jv *both = jv_get(incident, "summary");
	const char *summary = jv_get_string(both, polish ? "pl" : "en", "");
	char key[96], level[24];
	static const char *const worded[][2] = {{"state", "incident_states"},
	    {"reason", "reasons"}, {"side", "sides"}, {"phase", "phases"}};

	/* The new text is copied before it takes the place of both. */
	jv_set(incident, "summary", jv_string(summary));
	for (size_t i = 0; i < ARRAY_LEN(worded); i++) {
		const char *name = jv_get_string(incident, worded[i][0], NULL);
		char as[24];

		snprintf(as, sizeof(as), "%s_word", worded[i][0]);
		if (name != NULL)
			jv_set(incident, as,
			    jv_string(
				word_of(locale, worded[i][1], name, key)));
	}
	snprintf(level, sizeof(level), "%d",
	    (int)jv_get_int(incident, "severity", 1));
	jv_set(incident, "severity_word",
	    jv_string(word_of(locale, "severities", level, key)));
	view_scope(locale, snapshot, incident);
	view_time(locale, incident, "opened", LOCALE_TIME_FULL);
	view_time(locale, incident, "resolved", LOCALE_TIME_FULL);
	view_lasted(locale, incident);
	view_life(locale, incident);
}
