/* When a window holds, by the clocks of Warsaw. */
#include "model/window.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

#define MINUTE (60 * US_PER_S)
#define DAY (INT64_C(86400) * US_PER_S)

static const char *const day_names[7] = {
    "sun", "mon", "tue", "wed", "thu", "fri", "sat"};

const char *
window_kind_name(enum window_kind kind)
{
	switch (kind) {
	case WINDOW_MAINTENANCE:
		return "maintenance";
	case WINDOW_SILENCE:
		return "silence";
	}
	return "";
}

uint8_t
window_day_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(day_names); i++) {
		if (strcmp(name, day_names[i]) == 0) {
			return (uint8_t)(1U << i);
		}
	}
	return 0;
}

/* When it begins on the local day of `day`, at noon of which nothing ever
 * changes. */
static wall_us
begin_on(const struct window *window, const struct zone *zone,
    const struct zone_time *day)
{
	struct zone_time t = *day;
	wall_us instants[2];

	t.hour = window->at_minute / 60;
	t.minute = window->at_minute % 60;
	t.second = 0;
	if (zone_instants(zone, &t, instants) == 0) {
		/* left out: the hour that follows begins at the change */
		t.hour++;
		t.minute = 0;
		(void)zone_instants(zone, &t, instants);
	}
	return instants[0];
}

static bool
next_of_days(const struct window *window, const struct zone *zone,
    wall_us after, struct window_span *span)
{
	dur_us length = (dur_us)window->minutes * MINUTE;
	wall_us floor = after > window->from ? after - length : window->from;
	struct zone_time day;
	wall_us noon;

	zone_local(zone, floor - DAY, &day);
	day.hour = 12;
	day.minute = day.second = 0;
	noon = zone_civil_us(&day);
	/* a week and the two days that the edges may cost */
	for (unsigned i = 0; i < 10; i++, noon += DAY) {
		wall_us from;

		zone_local(zone, noon, &day);
		if ((window->days >> day.weekday & 1) == 0) {
			continue;
		}
		from = begin_on(window, zone, &day);
		if (from < window->from || from + length <= after) {
			continue;
		}
		if (window->until > 0 && from >= window->until) {
			return false;
		}
		span->from = from;
		span->until = from + length;
		return true;
	}
	return false;
}

bool
window_next(const struct window *window, const struct zone *zone, wall_us after,
    struct window_span *span)
{
	if (window->days != 0) {
		if (!next_of_days(window, zone, after, span)) {
			return false;
		}
	} else {
		span->from = window->from;
		span->until = window->until;
	}
	if (window->ended > 0 && span->until > window->ended) {
		span->until = window->ended;
	}
	span->agreed = span->from >= window->agreed_from;
	return span->until > after && span->from < span->until;
}

bool
window_covers(const struct window *window, const struct zone *zone, wall_us at)
{
	struct window_span span;

	return window_next(window, zone, at, &span) && span.agreed &&
	    span.from <= at;
}

bool
window_is_over(const struct window *window, const struct zone *zone, wall_us at)
{
	struct window_span span;

	return !window_next(window, zone, at, &span);
}

bool
window_concerns(
    const struct window *window, const char *op, const char *deployment)
{
	if (strcmp(window->op, op) != 0) {
		return false;
	}
	return window->deployment[0] == '\0' ||
	    (deployment && strcmp(window->deployment, deployment) == 0);
}

/* ---- as JSON ---- */

static void
set_recurrence(struct jv *object, const struct window *window)
{
	struct jv *days = jv_array();
	char at[8];

	if (window->days == 0) {
		jv_release(days);
		jv_set(object, "days", jv_null());
		jv_set(object, "at", jv_null());
		jv_set(object, "minutes", jv_null());
		return;
	}
	/* the week begins on Monday */
	for (size_t i = 1; i <= ARRAY_LEN(day_names); i++) {
		size_t day = i % ARRAY_LEN(day_names);

		if ((window->days >> day & 1) != 0) {
			jv_push(days, jv_string(day_names[day]));
		}
	}
	snprintf(at, sizeof(at), "%02u:%02u", window->at_minute / 60U,
	    window->at_minute % 60U);
	jv_set(object, "days", days);
	jv_set(object, "at", jv_string(at));
	jv_set(object, "minutes", jv_int(window->minutes));
}

static void
set_next(struct jv *object, const struct window *window,
    const struct zone *zone, wall_us now)
{
	struct window_span span;
	const char *state = "over";
	struct jv *next = jv_null();

	if (window_next(window, zone, now, &span)) {
		state = span.from > now ? "planned"
		    : span.agreed       ? "active"
					: "late";
		next = jv_object();
		jv_set(next, "from", jv_time(span.from));
		jv_set(next, "until", jv_time(span.until));
		jv_set(next, "agreed", jv_bool(span.agreed));
	}
	jv_set(object, "state", jv_string(state));
	jv_set(object, "next", next);
}

struct jv *
window_json(const struct window *window, const struct zone *zone, wall_us now)
{
	struct jv *object = jv_object();

	jv_set(object, "id", jv_int(window->id));
	jv_set(object, "kind", jv_string(window_kind_name(window->kind)));
	jv_set(object, "operator", jv_string(window->op));
	jv_set(object, "deployment", jv_text(window->deployment));
	jv_set(object, "transaction", jv_text(window->act));
	jv_set(object, "rule", jv_text(window->rule));
	jv_set(object, "reason", jv_string(window->reason));
	jv_set(object, "from", jv_time(window->from));
	jv_set(object, "until", jv_time(window->until));
	set_recurrence(object, window);
	jv_set(object, "created", jv_time(window->created));
	jv_set(object, "created_by", jv_string(window->created_by));
	jv_set(object, "ended", jv_time(window->ended));
	jv_set(object, "ended_by", jv_text(window->ended_by));
	jv_set(object, "agreed_from", jv_time(window->agreed_from));
	set_next(object, window, zone, now);
	return object;
}
