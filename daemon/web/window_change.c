/*
 * Maintenance and silences: announced, listed, taken back. Both are windows;
 * they differ in what they may name and in how long they may last.
 */
#include "web-int.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"

#define MINUTE (60 * US_PER_S)
#define DAY (INT64_C(86400) * US_PER_S)
#define MAINTENANCE_MOST (31 * DAY)
#define SILENCE_MOST (90 * DAY)
#define AFTERWARDS_MOST (400 * DAY) /* as long as tallies are kept */
#define AHEAD_MOST (3660 * DAY)

/* What reading a body needs; the first problem is told and ends it. */
struct reading {
	struct web *web;
	struct request *request;
	struct answer *answer;
	const struct jv *body;
	bool failed;
};

static void
refuse(struct reading *reading, const char *field, const char *problem)
{
	if (!reading->failed)
		answer_error(reading->web, reading->request, reading->answer,
		    MHD_HTTP_BAD_REQUEST, "bad_parameter", field, problem);
	reading->failed = true;
}

static void
refuse_unknown(struct reading *reading, const char *const *known, size_t n)
{
	const char *key;
	struct jv *value;

	for (void *i = jv_each(reading->body, NULL, &key, &value); i != NULL;
	     i = jv_each(reading->body, i, &key, &value)) {
		bool found = false;

		for (size_t k = 0; k < n; k++)
			found |= strcmp(key, known[k]) == 0;
		if (!found)
			refuse(reading, text_name_valid(key) ? key : "body",
			    "is not known here");
	}
}

/* "" when it is not given. */
static void
take_text(struct reading *reading, const char *key, char *out, size_t size)
{
	const struct jv *value = jv_get(reading->body, key);
	const char *text = jv_string_value(value);

	out[0] = '\0';
	if (jv_kind(value) == JV_NULL)
		return;
	if (text == NULL || text[0] == '\0')
		refuse(reading, key, "must be a text");
	else if (text_has_control(text))
		refuse(reading, key, "must be on one line");
	else if (!text_copy(out, size, text))
		refuse(reading, key, "is too long");
}

static void
take_time(struct reading *reading, const char *key, wall_us *out)
{
	const struct jv *value = jv_get(reading->body, key);
	const char *problem = NULL;

	switch (jv_kind(value)) {
	case JV_NULL:
		return;
	case JV_INT:
	case JV_REAL:
		if (jv_real_value(value) < 0 || jv_real_value(value) > 1e11)
			problem = "must be a time in Unix seconds";
		else
			*out = (wall_us)(jv_real_value(value) * US_PER_S);
		break;
	case JV_STRING:
		problem = when_parse(jv_string_value(value),
		    reading->request->now, reading->web->zone, out);
		break;
	case JV_BOOL:
	case JV_ARRAY:
	case JV_OBJECT:
		problem = "must be a time";
		break;
	}
	if (problem != NULL)
		refuse(reading, key, problem);
}

static bool
has_deployment(const struct snap_operator *op, const char *name)
{
	for (size_t i = 0; i < op->n_deployments; i++) {
		if (strcmp(op->deployments[i]->name, name) == 0)
			return true;
	}
	return false;
}

static bool
has_act(const struct snap_operator *op, const char *name)
{
	for (size_t i = 0; i < op->n_transactions; i++) {
		if (strcmp(op->transactions[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Whom it concerns: names that are watched, and that the actor may touch. */
static void
take_place(struct reading *reading, struct window *window)
{
	struct request *request = reading->request;
	const struct snap_operator *op;

	take_text(reading, "operator", window->op, sizeof(window->op));
	take_text(reading, "deployment", window->deployment,
	    sizeof(window->deployment));
	take_text(reading, "transaction", window->act, sizeof(window->act));
	take_text(reading, "rule", window->rule, sizeof(window->rule));
	if (window->op[0] == '\0' && request->actor.role == ROLE_OPERATOR)
		text_copy(window->op, sizeof(window->op), request->actor.op);
	op = request->snapshot != NULL
	    ? snapshot_operator(request->snapshot, window->op)
	    : NULL;
	if (reading->failed)
		return;
	if (!actor_may(request, window->op)) {
		answer_error(reading->web, request, reading->answer,
		    MHD_HTTP_FORBIDDEN, "not_allowed", "operator",
		    "this token is another operator's");
		reading->failed = true;
	} else if (window->op[0] == '\0') {
		refuse(reading, "operator", "is missing");
	} else if (op == NULL) {
		refuse(reading, "operator", "is not watched");
	} else if (window->deployment[0] != '\0' &&
	    !has_deployment(op, window->deployment)) {
		refuse(reading, "deployment", "is not watched");
	} else if (window->act[0] != '\0' && !has_act(op, window->act)) {
		refuse(reading, "transaction", "is not watched");
	}
}

/* ---- when ---- */

static void
take_days(struct reading *reading, struct window *window)
{
	const struct jv *days = jv_get(reading->body, "days");

	if (jv_kind(days) != JV_ARRAY || jv_len(days) == 0)
		refuse(reading, "days",
		    "must be a list such as [\"sat\", \"sun\"]");
	for (size_t i = 0; i < jv_len(days); i++) {
		const char *name = jv_string_value(jv_at(days, i));
		uint8_t day = name != NULL ? window_day_parse(name) : 0;

		if (day == 0)
			refuse(reading, "days",
			    "must be of mon, tue, wed, thu, fri, sat, sun");
		window->days |= day;
	}
}

/* "02:30" */
static void
take_clock(struct reading *reading, struct window *window)
{
	const char *at = jv_string_value(jv_get(reading->body, "at"));
	unsigned hour = 24, minute = 60;

	if (at != NULL && strlen(at) == 5 && at[2] == ':' &&
	    strspn(at, "0123456789") == 2 &&
	    strspn(at + 3, "0123456789") == 2) {
		hour = (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
		minute = (unsigned)(at[3] - '0') * 10 + (unsigned)(at[4] - '0');
	}
	if (hour > 23 || minute > 59)
		refuse(
		    reading, "at", "must be a time of day such as \"02:30\"");
	else
		window->at_minute = (uint16_t)(hour * 60 + minute);
}

static void
take_recurrence(struct reading *reading, struct window *window)
{
	int64_t minutes = jv_get_int(reading->body, "minutes", 0);

	if (jv_kind(jv_get(reading->body, "days")) == JV_NULL) {
		if (jv_kind(jv_get(reading->body, "at")) != JV_NULL)
			refuse(reading, "at", "goes with days only");
		if (jv_kind(jv_get(reading->body, "minutes")) != JV_NULL)
			refuse(reading, "minutes", "goes with days only");
		return;
	}
	take_days(reading, window);
	take_clock(reading, window);
	if (minutes < 1 || minutes > WINDOW_MINUTES_MOST)
		refuse(reading, "minutes", "must be 1 to 1440");
	else
		window->minutes = (uint16_t)minutes;
}

static void
check_span(struct reading *reading, const struct window *window, dur_us most)
{
	wall_us now = reading->request->now;
	bool own = reading->request->actor.role == ROLE_OPERATOR;
	wall_us earliest = own || window->kind == WINDOW_SILENCE
	    ? now - MINUTE
	    : now - AFTERWARDS_MOST;

	if (window->from < earliest)
		refuse(reading, "from",
		    own || window->kind == WINDOW_SILENCE
			? "must not lie in the past"
			: "must not lie more than 400 days back");
	else if (window->from > now + AHEAD_MOST)
		refuse(reading, "from", "must lie within ten years");
	else if (window->days == 0 && window->until == 0)
		refuse(reading, "until", "is missing");
	else if (window->until != 0 && window->until <= window->from)
		refuse(reading, "until", "must be later than from");
	else if (window->until != 0 && earliest > now - DAY &&
	    window->until <= now)
		refuse(reading, "until", "must not lie in the past");
	else if (window->days == 0 && window->until - window->from > most)
		refuse(reading, "until",
		    window->kind == WINDOW_SILENCE
			? "must be at most 90 days later than from"
			: "must be at most 31 days later than from");
}

/* ---- added ---- */

static bool
add(struct web *web, struct request *request, struct answer *answer,
    enum window_kind kind, const char *const *known, size_t n)
{
	struct ledger_change *change = &request->pending->change;
	struct window *window = &change->window;
	struct jv *body = request_json(web, request, answer);
	struct reading reading = {web, request, answer, body, body == NULL};
	bool silence = kind == WINDOW_SILENCE;

	change->kind = LEDGER_ADD_WINDOW;
	window->kind = kind;
	window->from = window->created = request->now;
	refuse_unknown(&reading, known, n);
	take_place(&reading, window);
	take_text(&reading, "reason", window->reason, sizeof(window->reason));
	if (window->reason[0] == '\0')
		refuse(&reading, "reason", "is missing");
	take_time(&reading, "from", &window->from);
	take_time(&reading, "until", &window->until);
	take_recurrence(&reading, window);
	check_span(&reading, window, silence ? SILENCE_MOST : MAINTENANCE_MOST);
	if (!reading.failed &&
	    !request_person(web, request, answer, body, window->created_by))
		reading.failed = true;
	if (request->actor.role == ROLE_OPERATOR && request->snapshot != NULL)
		window->agreed_from = request->now + request->snapshot->notice;
	change_audit(request, &change->audit,
	    silence ? "silence.add" : "maintenance.add", "",
	    window->created_by);
	change_audit_data(
	    &change->audit, window_json(window, web->zone, request->now));
	jv_release(body);
	return !reading.failed;
}

bool
maintenance_add(struct web *web, struct request *request, struct answer *answer)
{
	static const char *const known[] = {"by", "operator", "deployment",
	    "reason", "from", "until", "days", "at", "minutes"};

	return add(
	    web, request, answer, WINDOW_MAINTENANCE, known, ARRAY_LEN(known));
}

bool
silence_add(struct web *web, struct request *request, struct answer *answer)
{
	static const char *const known[] = {"by", "operator", "deployment",
	    "transaction", "rule", "reason", "from", "until"};

	return add(
	    web, request, answer, WINDOW_SILENCE, known, ARRAY_LEN(known));
}

void
api_window_added(
    struct web *web, struct request *request, struct answer *answer)
{
	struct window *window = &request->pending->change.window;

	answer->cache = CACHE_NONE;
	if (answer_unchanged(web, request, answer, "no such window"))
		return;
	window->id = request->changed;
	answer->status = MHD_HTTP_CREATED;
	answer_json(answer, window_json(window, web->zone, request->now));
}

/* ---- ended ---- */

static int
find(struct web *web, const struct request *request, enum window_kind kind,
    struct window *window)
{
	uint64_t id;

	if (text_u64_parse(request->params[0], &id) != 0 || id > INT64_MAX)
		return -ENOENT;
	return ledger_read_window(web->reader, kind, (int64_t)id, window);
}

static bool
end(struct web *web, struct request *request, struct answer *answer,
    enum window_kind kind)
{
	struct ledger_change *change = &request->pending->change;
	struct window *window = &change->window;
	int problem = find(web, request, kind, window);
	struct jv *body;
	bool named;

	if (problem != 0) {
		answer_missing(web, request, answer, problem, "no such window");
		return false;
	}
	if (!actor_may(request, window->op)) {
		answer_error(web, request, answer, MHD_HTTP_FORBIDDEN,
		    "not_allowed", NULL, "this window is another operator's");
		return false;
	}
	if (window_is_over(window, web->zone, request->now)) {
		answer_error(web, request, answer, MHD_HTTP_CONFLICT, "is_over",
		    NULL, "this window is over");
		return false;
	}
	body = request_json(web, request, answer);
	named = body != NULL &&
	    request_person(web, request, answer, body, window->ended_by);
	jv_release(body);
	change->kind = LEDGER_END_WINDOW;
	window->ended = request->now;
	change_audit(request, &change->audit,
	    kind == WINDOW_SILENCE ? "silence.end" : "maintenance.end",
	    request->params[0], window->ended_by);
	return named;
}

bool
maintenance_end(struct web *web, struct request *request, struct answer *answer)
{
	return end(web, request, answer, WINDOW_MAINTENANCE);
}

bool
silence_end(struct web *web, struct request *request, struct answer *answer)
{
	return end(web, request, answer, WINDOW_SILENCE);
}

void
api_window_ended(
    struct web *web, struct request *request, struct answer *answer)
{
	answer->cache = CACHE_NONE;
	if (answer_unchanged(
		web, request, answer, "no such window, or it is ended"))
		return;
	answer_json(answer,
	    window_json(
		&request->pending->change.window, web->zone, request->now));
}

/* ---- listed ---- */

struct listing {
	const struct web *web;
	const struct request *request;
	struct jv *list;
};

/* As many as asked for, and without those that are over if so asked. */
static void
list_one(void *arg, const struct window *window)
{
	struct listing *listing = arg;
	const struct request *request = listing->request;

	if (jv_len(listing->list) >= request->query.limit ||
	    (request->query.state == QUERY_OPEN &&
		window_is_over(window, listing->web->zone, request->now)))
		return;
	jv_push(listing->list,
	    window_json(window, listing->web->zone, request->now));
}

static void
list(struct web *web, struct request *request, struct answer *answer,
    enum window_kind kind, const char *key)
{
	struct listing listing = {web, request, jv_array()};
	const char *op = request->query.op;
	int problem = ledger_read_windows(
	    web->reader, kind, op[0] != '\0' ? op : NULL, list_one, &listing);

	if (problem != 0) {
		jv_release(listing.list);
		answer_missing(web, request, answer, problem, "");
		return;
	}
	answer_json(answer, jv_set(jv_object(), key, listing.list));
}

void
api_maintenance(struct web *web, struct request *request, struct answer *answer)
{
	list(web, request, answer, WINDOW_MAINTENANCE, "maintenance");
}

void
api_silences(struct web *web, struct request *request, struct answer *answer)
{
	list(web, request, answer, WINDOW_SILENCE, "silences");
}

static void
give_one(struct web *web, struct request *request, struct answer *answer,
    enum window_kind kind)
{
	struct window window;
	int problem = find(web, request, kind, &window);

	if (problem != 0)
		answer_missing(web, request, answer, problem, "no such window");
	else
		answer_json(
		    answer, window_json(&window, web->zone, request->now));
}

void
api_maintenance_one(
    struct web *web, struct request *request, struct answer *answer)
{
	give_one(web, request, answer, WINDOW_MAINTENANCE);
}

void
api_silence_one(struct web *web, struct request *request, struct answer *answer)
{
	give_one(web, request, answer, WINDOW_SILENCE);
}
