/*
 * Parameters of a request: decoded, bounded and checked here once, so that no
 * page and no API call reads raw text. Nothing here knows of HTTP.
 */
#include "query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define VALUE_MAX 128
#define SPAN_MAX (INT64_C(10) * 366 * 86400 * US_PER_S)
#define LIMIT_MAX 1000

const char *
theme_name(enum query_theme theme)
{
	switch (theme) {
	case THEME_AUTO:
		return "auto";
	case THEME_LIGHT:
		return "light";
	case THEME_DARK:
		return "dark";
	}
	return "auto";
}

static int
wrong(struct query *query, const char *field, const char *problem)
{
	text_copy(query->field, sizeof(query->field), field);
	query->problem = problem;
	return -EINVAL;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes one name or value; false for bad escapes, control bytes, overlong
 * texts and what is not UTF-8. */
static bool
decode(const char *text, size_t len, char out[VALUE_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if ((unsigned char)c < 0x20 || c == 0x7f || n + 1 >= VALUE_MAX)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return text_utf8_valid(out, n);
}

static bool
two_digits(const char **text, int *value)
{
	const char *t = *text;

	if (t[0] < '0' || t[0] > '9' || t[1] < '0' || t[1] > '9')
		return false;
	*value = (t[0] - '0') * 10 + (t[1] - '0');
	*text = t + 2;
	return true;
}

static bool
skip_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool
valid_civil(const struct zone_time *t)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap =
	    (t->year % 4 == 0 && t->year % 100 != 0) || t->year % 400 == 0;

	if (t->year < 1970 || t->year > 2199 || t->month < 1 || t->month > 12)
		return false;
	if (t->day < 1 ||
	    t->day > days[t->month - 1] + (leap && t->month == 2 ? 1 : 0))
		return false;
	return t->hour < 24 && t->minute < 60 && t->second < 60;
}

/* "Z", "+01:00", " 01:00" (a plus sign that was decoded) or nothing. */
static bool
parse_offset(const char *text, bool *given, int *offset_s)
{
	int hours, minutes, sign = *text == '-' ? -1 : 1;

	*given = *text != '\0';
	*offset_s = 0;
	if (!*given || strcmp(text, "Z") == 0)
		return true;
	if (*text != '+' && *text != '-' && *text != ' ')
		return false;
	text++;
	if (!two_digits(&text, &hours) || !skip_char(&text, ':') ||
	    !two_digits(&text, &minutes) || *text != '\0')
		return false;
	*offset_s = sign * (hours * 3600 + minutes * 60);
	return hours < 15 && minutes < 60;
}

static const char *
parse_civil(const char *text, const struct zone *zone, wall_us *at)
{
	static const char bad[] = "must be a time such as 2026-11-24T08:00";
	struct zone_time t = {0};
	wall_us instants[2];
	int century, year, offset_s;
	bool given;

	if (!two_digits(&text, &century) || !two_digits(&text, &year) ||
	    !skip_char(&text, '-') || !two_digits(&text, &t.month) ||
	    !skip_char(&text, '-') || !two_digits(&text, &t.day))
		return bad;
	t.year = century * 100 + year;
	if (*text == 'T') {
		text++;
		if (!two_digits(&text, &t.hour) || !skip_char(&text, ':') ||
		    !two_digits(&text, &t.minute))
			return bad;
		if (skip_char(&text, ':') && !two_digits(&text, &t.second))
			return bad;
	}
	if (!valid_civil(&t) || !parse_offset(text, &given, &offset_s))
		return bad;
	if (given) {
		*at = zone_civil_us(&t) - offset_s * US_PER_S;
		return NULL;
	}
	switch (zone_instants(zone, &t, instants)) {
	case 0:
		return "does not exist in Warsaw: the clocks were put forward";
	case 1:
		*at = instants[0];
		return NULL;
	default:
		return "happened twice in Warsaw: add +01:00 or +02:00";
	}
}

static wall_us
local_midnight(wall_us now, const struct zone *zone, bool of_month)
{
	struct zone_time t;
	wall_us instants[2];

	zone_local(zone, now, &t);
	t.hour = t.minute = t.second = 0;
	if (of_month)
		t.day = 1;
	return zone_instants(zone, &t, instants) > 0 ? instants[0] : now;
}

const char *
query_time(const char *text, wall_us now, const struct zone *zone, wall_us *at)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t seconds;
	dur_us length;

	if (strcmp(text, "now") == 0) {
		*at = now;
		return NULL;
	}
	if (strcmp(text, "today") == 0 || strcmp(text, "month") == 0) {
		*at = local_midnight(now, zone, *text == 'm');
		return NULL;
	}
	if (*text == '-') {
		char days[16];
		uint64_t years;
		size_t len = strlen(text);

		if (len > 2 && len < sizeof(days) && text[len - 1] == 'y') {
			memcpy(days, text + 1, len - 2);
			days[len - 2] = '\0';
			if (text_u64_parse(days, &years) != 0 || years > 10)
				return "must be at most ten years ago";
			*at = now - (wall_us)years * 365 * 86400 * US_PER_S;
			return NULL;
		}
		if (text_duration_parse(text + 1, &length) != 0)
			return "must be a length such as -24h or -7d";
		*at = now - length;
		return NULL;
	}
	if (*text == '+') {
		if (text_duration_parse(text + 1, &length) != 0)
			return "must be a length such as +2h or +7d";
		*at = now + length;
		return NULL;
	}
	if (digits >= 9 && digits <= 11 &&
	    (text[digits] == '\0' || text[digits] == '.')) {
		char whole[16];

		if (text[digits] == '.' &&
		    text[digits + 1 +
			strspn(text + digits + 1, "0123456789")] != '\0')
			return "must be a time in Unix seconds";
		memcpy(whole, text, digits);
		whole[digits] = '\0';
		if (text_u64_parse(whole, &seconds) != 0)
			return "must be a time in Unix seconds";
		*at = (wall_us)seconds * US_PER_S;
		return NULL;
	}
	return parse_civil(text, zone, at);
}

static int
take_step(struct query *query, const char *value)
{
	uint64_t seconds;

	if (strcmp(value, "auto") == 0) {
		query->step = 0;
		return 0;
	}
	if (text_u64_parse(value, &seconds) == 0 && seconds >= 1 &&
	    seconds <= UINT64_C(366) * 86400) {
		query->step = (dur_us)seconds * US_PER_S;
		return 0;
	}
	if (text_duration_parse(value, &query->step) == 0 &&
	    query->step >= US_PER_S &&
	    query->step <= INT64_C(366) * 86400 * US_PER_S)
		return 0;
	return wrong(query, "step", "must be auto, seconds, or such as 5m");
}

static int
take_limit(struct query *query, const char *value)
{
	uint64_t limit;

	if (text_u64_parse(value, &limit) != 0 || limit < 1 ||
	    limit > LIMIT_MAX)
		return wrong(query, "limit", "must be from 1 to 1000");
	query->limit = (uint32_t)limit;
	return 0;
}

static int
take_state(struct query *query, const char *value)
{
	static const char *const names[] = {
	    "open", "all", "pending", "confirmed", "dead"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			query->state = (enum query_state)i;
			return 0;
		}
	}
	return wrong(query, "state",
	    "must be open or all; of deliveries all, pending, confirmed or "
	    "dead");
}

static int
take_theme(struct query *query, const char *value)
{
	static const enum query_theme all[] = {
	    THEME_AUTO, THEME_LIGHT, THEME_DARK};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (strcmp(value, theme_name(all[i])) == 0) {
			query->theme = all[i];
			return 0;
		}
	}
	return wrong(query, "theme", "must be auto, light or dark");
}

/* One to three valid names with slashes; "_all" may stand for a deployment. */
static bool
target_valid(const char *target)
{
	char name[MODEL_NAME_SIZE];

	for (unsigned parts = 0;; parts++) {
		size_t len = strcspn(target, "/");

		if (parts == 3 || len == 0 || len >= sizeof(name))
			return false;
		memcpy(name, target, len);
		name[len] = '\0';
		if (!text_name_valid(name) &&
		    !(parts == 1 && strcmp(name, "_all") == 0))
			return false;
		if (target[len] == '\0')
			return true;
		target += len + 1;
	}
}

static int
take_target(struct query *query, const char *value)
{
	if (!target_valid(value) ||
	    !text_copy(query->target, sizeof(query->target), value)) {
		return wrong(query, "target",
		    "must be operator, operator/deployment or "
		    "operator/deployment/transaction");
	}
	return 0;
}

static int
take(struct query *query, const char *name, const char *value, wall_us now,
    const struct zone *zone)
{
	const char *problem;

	if (strcmp(name, "from") == 0) {
		problem = query_time(value, now, zone, &query->from);
		query->has_from = true;
		text_copy(query->from_text, sizeof(query->from_text), value);
		return problem != NULL ? wrong(query, name, problem) : 0;
	}
	if (strcmp(name, "to") == 0) {
		problem = query_time(value, now, zone, &query->to);
		query->has_to = true;
		return problem != NULL ? wrong(query, name, problem) : 0;
	}
	if (strcmp(name, "step") == 0)
		return take_step(query, value);
	if (strcmp(name, "limit") == 0)
		return take_limit(query, value);
	if (strcmp(name, "theme") == 0)
		return take_theme(query, value);
	if (strcmp(name, "target") == 0)
		return take_target(query, value);
	if (strcmp(name, "lang") == 0) {
		query->has_language = true;
		if (!language_parse(value, strlen(value), &query->language))
			return wrong(query, name, "must be pl or en");
	}
	if (strcmp(name, "state") == 0)
		return take_state(query, value);
	if (strcmp(name, "operator") == 0) {
		if (!text_name_valid(value))
			return wrong(query, name, "must be an operator");
		text_copy(query->op, sizeof(query->op), value);
	}
	if (strcmp(name, "month") == 0 &&
	    !text_copy(query->month, sizeof(query->month), value))
		return wrong(query, name, "must be a month such as 2026-10");
	if (strcmp(name, "format") == 0) {
		query->csv = strcmp(value, "csv") == 0;
		if (!query->csv && strcmp(value, "json") != 0)
			return wrong(query, name, "must be json or csv");
	}
	if (strcmp(name, "act") == 0) {
		if (!text_name_valid(value))
			return wrong(query, name, "must be a transaction");
		text_copy(query->act, sizeof(query->act), value);
	}
	return 0;
}

int
query_parse(
    struct query *query, const char *text, wall_us now, const struct zone *zone)
{
	int error = 0;

	*query = (struct query){.limit = 50, .state = QUERY_ALL, .to = now};
	while (text != NULL && *text != '\0' && error == 0) {
		size_t len = strcspn(text, "&");
		size_t name_len = strcspn(text, "=&");
		const char *value = text + name_len;
		char name[VALUE_MAX], decoded[VALUE_MAX];

		if (!decode(text, name_len, name))
			return wrong(query, "query", "is not well formed");
		value += *value == '=' ? 1 : 0;
		if (!decode(value, (size_t)(text + len - value), decoded)) {
			return wrong(query, name[0] != '\0' ? name : "query",
			    "is too long or not well formed");
		}
		error = take(query, name, decoded, now, zone);
		text += len;
		text += *text == '&' ? 1 : 0;
	}
	if (error != 0)
		return error;
	if (!query->has_from)
		query->from = query->to - INT64_C(3600) * US_PER_S;
	if (query->from >= query->to)
		return wrong(query, "from", "must be before to");
	if (query->to - query->from > SPAN_MAX)
		return wrong(query, "from", "must be at most ten years ago");
	return 0;
}

bool
query_keep(const struct query *query, struct buf *out)
{
	char mark = '?';

	if (query->has_language) {
		buf_printf(
		    out, "%clang=%s", mark, language_name(query->language));
		mark = '&';
	}
	if (query->theme != THEME_AUTO)
		buf_printf(out, "%ctheme=%s", mark, theme_name(query->theme));
	return !out->full;
}

static bool
is_called(const char *parameter, const char *name)
{
	size_t len = strlen(name);

	return strncmp(parameter, name, len) == 0 &&
	    (parameter[len] == '=' || parameter[len] == '&' ||
		parameter[len] == '\0');
}

bool
query_carry(
    const char *text, const char *name, const char *value, struct buf *out)
{
	bool span = strcmp(name, "from") == 0;
	char mark = '?';

	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, "&");

		if (len > 0 && !is_called(text, name) &&
		    !(span && is_called(text, "to"))) {
			buf_printf(out, "%c%.*s", mark, (int)len, text);
			mark = '&';
		}
		text += len + (text[len] == '&');
	}
	buf_printf(out, "%c%s=%s", mark, name, value);
	return !out->full;
}
