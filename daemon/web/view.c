/*
 * From the JSON of the API to what a template shows: words for states and
 * reasons, written numbers and times, and the frame of every page. Adds keys
 * to the very values that the API gives, so that figures agree everywhere.
 */
#include "web-int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/hist.h"

const struct locale *
request_locale(const struct web *web, const struct request *request)
{
	return web->assets.locales[request->language];
}

static double
get_real(const struct jv *object, const char *key)
{
	const struct jv *value = jv_get(object, key);
	enum jv_kind kind = jv_kind(value);

	return kind == JV_REAL || kind == JV_INT ? jv_real_value(value) : NAN;
}

static bool
get_time(const struct jv *object, const char *key, wall_us *at)
{
	double seconds = get_real(object, key);

	if (isnan(seconds) || seconds <= 0 || seconds > 1e11)
		return false;
	*at = (wall_us)llround(seconds * 1e6);
	return true;
}

static void
set_suffixed(
    struct jv *object, const char *key, const char *suffix, const char *text)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", key, suffix);
	jv_set(object, name, jv_string(text));
}

/* KEY (seconds) gives KEY_text and KEY_datetime; nothing when it is null. */
void
view_time(const struct locale *locale, struct jv *object, const char *key,
    enum locale_time_form form)
{
	char text[LOCALE_TEXT_SIZE];
	wall_us at;

	if (!get_time(object, key, &at))
		return;
	set_suffixed(object, key, "_text", locale_time(locale, at, form, text));
	set_suffixed(
	    object, key, "_datetime", locale_datetime(locale, at, text));
}

static void
view_latency(const struct locale *locale, struct jv *object, const char *key)
{
	char text[LOCALE_TEXT_SIZE];

	set_suffixed(object, key, "_text",
	    locale_latency(locale, get_real(object, key), text));
}

/* A word of the catalogue; the name itself where there is none. */
static const char *
word(const struct locale *locale, const char *family, const char *name)
{
	char key[96];
	const char *text;

	snprintf(key, sizeof(key), "%s.%s", family, name);
	text = locale_text(locale, key);
	return text == key ? NULL : text;
}

static void
set_word(const struct locale *locale, struct jv *object, const char *key,
    const char *family)
{
	const char *name = jv_get_string(object, key, NULL);
	const char *text = name != NULL ? word(locale, family, name) : NULL;

	if (name != NULL)
		set_suffixed(object, key, "_word", text != NULL ? text : name);
}

void
view_state(const struct locale *locale, struct jv *object, const char *state)
{
	const char *text = word(locale, "states", state);

	jv_set(object, "state_word", jv_string(text != NULL ? text : state));
}

static void
view_title(const struct locale *locale, struct jv *tr)
{
	const char *name = jv_get_string(tr, "name", "");
	const char *text = word(locale, "acts", name);

	jv_set(tr, "title_text",
	    jv_string(text != NULL ? text : jv_get_string(tr, "title", name)));
}

/* "n = 3, need 5" in place of percentiles. */
static void
view_few(const struct locale *locale, struct jv *tr, int64_t samples)
{
	char n[LOCALE_TEXT_SIZE], need[LOCALE_TEXT_SIZE];
	struct locale_arg args[] = {
	    {"n", locale_number(locale, (double)samples, 0, n)},
	    {"need", locale_number(locale, HIST_SAMPLES_MIN, 0, need)}};
	struct buf text;

	buf_init(&text, 256);
	locale_say(locale, &text, "acts_table.few", args, ARRAY_LEN(args));
	jv_set(tr, "few_text", jv_stringn(text.data, text.len));
	buf_fini(&text);
}

/* Why the state is what it is, in words; nothing when it needs none. */
static void
view_cause(const struct locale *locale, struct jv *tr)
{
	const struct jv *cause = jv_get(tr, "cause");
	const char *step = jv_get_string(cause, "step", "");
	const char *reason = jv_get_string(cause, "reason", "");
	bool told = jv_kind(jv_get(tr, "p95_ms")) != JV_NULL;
	const char *text = word(locale, "reasons", reason);
	struct locale_arg args[] = {
	    {"p95", jv_get_string(tr, "p95_ms_text", "")},
	    {"reason", text != NULL ? text : reason}, {"step", step}};
	struct buf out;

	if (jv_kind(cause) != JV_OBJECT)
		return;
	buf_init(&out, 512);
	locale_say(locale, &out,
	    jv_bool_value(jv_get(cause, "slow"))
		? (told ? "cause.slow_p95" : "cause.slow")
		: (step[0] != '\0' ? "cause.reason_step" : "cause.reason"),
	    args, ARRAY_LEN(args));
	jv_set(tr, "cause_text", jv_stringn(out.data, out.len));
	buf_fini(&out);
}

static void
view_transaction(const struct locale *locale, struct jv *tr)
{
	char text[LOCALE_TEXT_SIZE];
	int64_t samples = jv_get_int(tr, "samples", 0);
	const char *state = jv_get_string(tr, "state", "unknown");

	view_title(locale, tr);
	view_state(locale, tr, state);
	view_time(locale, tr, "decided", LOCALE_TIME_CLOCK_S);
	view_time(locale, tr, "since", LOCALE_TIME_SHORT);
	view_latency(locale, tr, "latency_ms");
	view_latency(locale, tr, "p50_ms");
	view_latency(locale, tr, "p95_ms");
	if (samples < HIST_SAMPLES_MIN)
		view_few(locale, tr, samples);
	jv_set(tr, "samples_text",
	    jv_string(locale_number(locale, (double)samples, 0, text)));
	jv_set(tr, "availability_text",
	    jv_string(locale_percent(
		locale, get_real(tr, "availability_24h"), text)));
	jv_set(tr, "runs_text",
	    jv_string(locale_number(
		locale, (double)jv_get_int(tr, "runs", 0), 0, text)));
	jv_set(tr, "failed_text",
	    jv_string(locale_number(
		locale, (double)jv_get_int(tr, "failed", 0), 0, text)));
	view_cause(locale, tr);
	/* what was measured before it failed is not how fast it is */
	jv_set(tr, "figures",
	    jv_bool(
		strcmp(state, "up") == 0 || strcmp(state, "degraded") == 0));
}

/* "1 of 3: no data" beside the state of those that are known. */
static void
view_unknown(const struct locale *locale, struct jv *object, size_t of)
{
	int64_t unknown = jv_get_int(object, "deployments_unknown", 0);
	char n[LOCALE_TEXT_SIZE], all[LOCALE_TEXT_SIZE];
	struct locale_arg args[] = {
	    {"n", locale_number(locale, (double)unknown, 0, n)},
	    {"of", locale_number(locale, (double)of, 0, all)}};
	struct buf text;

	/* null also hides that of what lies around it */
	jv_set(object, "part_text", jv_null());
	if (unknown <= 0 || (size_t)unknown >= of)
		return;
	buf_init(&text, 256);
	locale_say(locale, &text, "states.part", args, ARRAY_LEN(args));
	jv_set(object, "part_text", jv_stringn(text.data, text.len));
	buf_fini(&text);
}

static void
view_transactions(const struct locale *locale, struct jv *list, size_t of)
{
	for (size_t i = 0; i < jv_len(list); i++) {
		view_transaction(locale, jv_at(list, i));
		view_unknown(locale, jv_at(list, i), of);
	}
}

void
view_operator(const struct locale *locale, struct jv *op)
{
	struct jv *deployments = jv_get(op, "deployments");

	view_state(locale, op, jv_get_string(op, "state", "unknown"));
	view_transactions(
	    locale, jv_get(op, "transactions"), jv_len(deployments));
	for (size_t i = 0; i < jv_len(deployments); i++) {
		struct jv *dep = jv_at(deployments, i);
		char text[LOCALE_TEXT_SIZE];

		view_state(locale, dep, jv_get_string(dep, "state", "unknown"));
		view_transactions(locale, jv_get(dep, "transactions"), 1);
		set_word(locale, dep, "account_stopped", "reasons");
		jv_set(dep, "every_text",
		    jv_string(locale_length(
			(dur_us)(get_real(dep, "every_s") * 1e6), text)));
		jv_set(dep, "every_now_text",
		    jv_string(locale_length(
			(dur_us)(get_real(dep, "every_now_s") * 1e6), text)));
		jv_set(dep, "slowed",
		    jv_bool(get_real(dep, "every_now_s") >
			get_real(dep, "every_s")));
	}
	view_gaps(locale, op);
}

void
view_run_line(const struct locale *locale, struct jv *run)
{
	const char *id = jv_get_string(run, "id", "");
	const struct jv *ok = jv_get(run, "ok");
	bool judged = jv_kind(ok) == JV_BOOL, good = jv_bool_value(ok);

	view_time(locale, run, "time", LOCALE_TIME_FULL);
	view_latency(locale, run, "latency_ms");
	set_word(locale, run, "reason", "reasons");
	jv_set(run, "state",
	    jv_string(!judged ? "unknown"
		    : good    ? "up"
			      : "down"));
	jv_set(run, "state_word",
	    jv_string(locale_text(locale,
		!judged    ? "run.unknown"
		    : good ? "run.ok"
			   : "run.failed")));
	jv_set(run, "short_id", jv_stringn(id, strnlen(id, 8)));
}

/* ---- the frame ---- */

void
view_link(struct jv *object, const char *key, const struct request *request,
    const char *name, const char *value)
{
	struct buf link, keep;
	const char *text = request->query_text;

	buf_init(&link, URI_MAX * 2);
	buf_init(&keep, 256);
	buf_adds(&link, request->route != NULL ? request->uri : "/");
	/* what others are given too must not be what this one asked for; and
	 * what is not well formed is not handed on */
	if (request->route == NULL || request->route->shared ||
	    request->query.problem != NULL) {
		query_keep(&request->query, &keep);
		text = keep.len > 0 ? keep.data + 1 : NULL;
	}
	query_carry(text, name, value, &link);
	jv_set(object, key, jv_stringn(link.data, link.len));
	buf_fini(&link);
	buf_fini(&keep);
}

static void
set_links(struct web *web, struct request *request, struct jv *frame)
{
	enum language language =
	    request->language == LANGUAGE_PL ? LANGUAGE_EN : LANGUAGE_PL;
	enum query_theme theme =
	    request->query.theme == THEME_DARK ? THEME_LIGHT : THEME_DARK;
	struct buf keep;

	buf_init(&keep, 256);
	query_keep(&request->query, &keep);
	jv_set(frame, "keep", jv_stringn(keep.data, keep.len));
	if (keep.len > 0)
		keep.data[0] = '&';
	jv_set(frame, "keep_more", jv_stringn(keep.data, keep.len));
	buf_fini(&keep);
	jv_set(frame, "other_lang", jv_string(language_name(language)));
	view_link(
	    frame, "other_lang_link", request, "lang", language_name(language));
	view_link(
	    frame, "other_theme_link", request, "theme", theme_name(theme));
	jv_set(frame, "other_theme_dark", jv_bool(theme == THEME_DARK));
	for (size_t i = 0; i < web->assets.n; i++) {
		const struct asset *asset = &web->assets.all[i];

		set_suffixed(frame, "link_", asset->key, asset->link);
	}
}

static void
set_as_of(struct web *web, struct request *request, struct jv *frame)
{
	const struct locale *locale = request_locale(web, request);
	const struct snapshot *snapshot = request->snapshot;
	char text[LOCALE_TEXT_SIZE];

	if (snapshot == NULL) {
		jv_set(frame, "no_snapshot", jv_bool(true));
		return;
	}
	jv_set(frame, "vantage", jv_string(snapshot->vantage));
	jv_set(frame, "simulated", jv_bool(snapshot->simulated));
	jv_set(frame, "snapshot", jv_int((int64_t)snapshot->number));
	jv_set(frame, "as_of_text",
	    jv_string(
		locale_time(locale, snapshot->time, LOCALE_TIME_FULL, text)));
	jv_set(frame, "as_of_datetime",
	    jv_string(locale_datetime(locale, snapshot->time, text)));
	jv_set(frame, "snapshot_stale", jv_bool(request->freshness == STALE));
	jv_set(frame, "snapshot_dead", jv_bool(request->freshness == DEAD));
	jv_set(frame, "config_stale", jv_bool(snapshot->self.config_stale));
	if (snapshot->self.store_problem[0] != '\0')
		jv_set(frame, "store_problem",
		    jv_string(snapshot->self.store_problem));
}

/* A page asks anew when something can have changed: after the shortest
 * interval, but neither in a hurry nor so seldom that it looks stale. */
static double
refresh_s(const struct snapshot *snapshot)
{
	dur_us shortest = 30 * US_PER_S;

	for (size_t i = 0; snapshot != NULL && i < snapshot->n_operators; i++) {
		const struct snap_operator *op = &snapshot->operators[i];

		for (size_t k = 0; k < op->n_deployments; k++) {
			if (op->deployments[k]->every < shortest)
				shortest = op->deployments[k]->every;
		}
	}
	return fmax(5, (double)shortest / US_PER_S);
}

struct jv *
view_frame(struct web *web, struct request *request, const char *title)
{
	struct jv *frame = jv_object(), *nav = jv_object();
	const char *path = request->uri;

	jv_set(frame, "lang", jv_string(language_name(request->language)));
	jv_set(frame, "title", jv_string(title));
	jv_set(frame, "live", jv_bool(true));
	jv_set(frame, "refresh_s", jv_real(refresh_s(request->snapshot)));
	if (request->query.theme != THEME_AUTO)
		jv_set(frame, "theme",
		    jv_string(theme_name(request->query.theme)));
	jv_set(nav, "overview",
	    jv_bool(strcmp(path, "/") == 0 ||
		strncmp(path, "/operators/", 11) == 0));
	jv_set(nav, "incidents", jv_bool(strncmp(path, "/incidents", 10) == 0));
	jv_set(nav, "deliveries", jv_bool(strcmp(path, "/deliveries") == 0));
	jv_set(nav, "reports", jv_bool(strncmp(path, "/reports", 8) == 0));
	jv_set(nav, "method", jv_bool(strcmp(path, "/method") == 0));
	jv_set(frame, "nav", nav);
	set_links(web, request, frame);
	set_as_of(web, request, frame);
	return frame;
}

void
page_title(struct web *web, struct request *request, struct jv *data,
    const char *first)
{
	struct buf title;

	buf_init(&title, 4096);
	buf_printf(&title, "%s | %s", first,
	    locale_text(request_locale(web, request), "product"));
	jv_set(data, "title", jv_stringn(title.data, title.len));
	buf_fini(&title);
}

void
page_render(struct web *web, struct request *request, struct answer *answer,
    const char *template, struct jv *data)
{
	answer->type = "text/html; charset=utf-8";
	if (!template_render(web->assets.templates, template, data,
		locale_texts(request_locale(web, request)), &answer->body)) {
		log_error("a page could not be made", "template=%s", template);
		buf_reset(&answer->body);
		buf_adds(&answer->body, "this page could not be made\n");
		answer->type = "text/plain; charset=utf-8";
		answer->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		answer->cache = CACHE_NONE;
	}
	jv_release(data);
}
