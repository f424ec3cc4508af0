/*
 * Times as people and links write them.
 */
#include "base/when.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

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
when_parse(const char *text, wall_us now, const struct zone *zone, wall_us *at)
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
