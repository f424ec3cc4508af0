/*
 * Parameters of a request: decoded, bounded and checked here once, so that no
 * page and no API call reads raw text. Nothing here knows of HTTP.
 */
#include "query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"

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
		problem = when_parse(value, now, zone, &query->from);
		query->has_from = true;
		text_copy(query->from_text, sizeof(query->from_text), value);
		return problem != NULL ? wrong(query, name, problem) : 0;
	}
	if (strcmp(name, "to") == 0) {
		problem = when_parse(value, now, zone, &query->to);
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
