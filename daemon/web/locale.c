/*
 * Languages: texts from a catalogue, plural forms, and how numbers and times
 * are written. What is said lives in dashboards/locales.
 */
#include "locale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define NBSP "\xc2\xa0"
#define DASH "\xe2\x80\x93"

struct locale {
	enum language language;
	struct jv *texts;
	const struct zone *zone;
};

const char *
language_name(enum language language)
{
	return language == LANGUAGE_PL ? "pl" : "en";
}

bool
language_parse(const char *name, size_t len, enum language *language)
{
	if (len == 2 && strncasecmp(name, "pl", 2) == 0) {
		*language = LANGUAGE_PL;
		return true;
	}
	if (len == 2 && strncasecmp(name, "en", 2) == 0) {
		*language = LANGUAGE_EN;
		return true;
	}
	return false;
}

/* The weight of one item of the header, in thousandths. */
static int
weight(const char *item, size_t len)
{
	const char *q = memmem(item, len, "q=", 2);
	const char *end = item + len;
	int value = 0, unit = 1000;

	if (q == NULL)
		return 1000;
	for (q += 2; q < end && unit > 0; q++) {
		if (*q == '.')
			continue;
		if (*q < '0' || *q > '9')
			break;
		value += (*q - '0') * unit;
		unit /= 10;
	}
	return value > 1000 ? 1000 : value;
}

enum language
language_accept(const char *header, enum language otherwise)
{
	enum language best = otherwise;
	int best_weight = 0;

	while (header != NULL && *header != '\0') {
		size_t len = strcspn(header, ","), word;
		enum language language;

		while (len > 0 && (*header == ' ' || *header == '\t')) {
			header++;
			len--;
		}
		word = strcspn(header, "-;, \t");
		if (word <= len && language_parse(header, word, &language) &&
		    weight(header, len) > best_weight) {
			best = language;
			best_weight = weight(header, len);
		}
		header += len;
		if (*header == ',')
			header++;
	}
	return best;
}

struct locale *
locale_new(enum language language, struct jv *texts, const struct zone *zone)
{
	struct locale *locale = mem_new(sizeof(*locale));

	*locale =
	    (struct locale){.language = language, .texts = texts, .zone = zone};
	return locale;
}

void
locale_free(struct locale *locale)
{
	if (locale == NULL)
		return;
	jv_release(locale->texts);
	free(locale);
}

enum language
locale_language(const struct locale *locale)
{
	return locale->language;
}

const struct jv *
locale_texts(const struct locale *locale)
{
	return locale->texts;
}

const char *
locale_text(const struct locale *locale, const char *key)
{
	const struct jv *value = locale->texts;
	const char *rest = key, *text;
	char part[64];

	while (value != NULL) {
		size_t len = strcspn(rest, ".");

		if (len >= sizeof(part))
			return key;
		memcpy(part, rest, len);
		part[len] = '\0';
		value = jv_get(value, part);
		if (rest[len] == '\0')
			break;
		rest += len + 1;
	}
	text = jv_string_value(value);
	return text != NULL ? text : key;
}

static const char *
arg_value(const struct locale_arg *args, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(args[i].name) == len &&
		    strncmp(args[i].name, name, len) == 0)
			return args[i].value;
	}
	return "";
}

bool
locale_say(const struct locale *locale, struct buf *out, const char *key,
    const struct locale_arg *args, size_t n)
{
	const char *text = locale_text(locale, key);

	for (;;) {
		size_t plain = strcspn(text, "{");
		size_t len;

		buf_add(out, text, plain);
		text += plain;
		if (*text == '\0')
			return !out->full;
		len = strcspn(text + 1, "}");
		buf_adds(out, arg_value(args, n, text + 1, len));
		text += 1 + len;
		if (*text == '}')
			text++;
	}
}

/* Source: Unicode CLDR, plural rules of pl and en. */
const char *
locale_plural(enum language language, double number, unsigned decimals)
{
	double whole = floor(fabs(number));
	unsigned tens = (unsigned)fmod(whole, 100);
	unsigned ones = tens % 10;

	if (decimals > 0 || whole != fabs(number))
		return "other";
	if (whole == 1)
		return "one";
	if (language == LANGUAGE_EN)
		return "other";
	if (ones >= 2 && ones <= 4 && (tens < 12 || tens > 14))
		return "few";
	return "many";
}

bool
locale_count(const struct locale *locale, struct buf *out, const char *key,
    int64_t number)
{
	char full_key[96], digits[LOCALE_TEXT_SIZE];
	struct locale_arg arg = {"n", digits};

	locale_number(locale, (double)number, 0, digits);
	snprintf(full_key, sizeof(full_key), "%s.%s", key,
	    locale_plural(locale->language, (double)number, 0));
	return locale_say(locale, out, full_key, &arg, 1);
}

char *
locale_number(const struct locale *locale, double value, unsigned decimals,
    char out[LOCALE_TEXT_SIZE])
{
	bool polish = locale->language == LANGUAGE_PL;
	const char *group = polish ? NBSP : ",";
	char digits[40], *point;
	size_t whole, len = 0, grouped_from = polish ? 5 : 4;

	if (!isfinite(value) || fabs(value) >= 1e15) {
		text_copy(out, LOCALE_TEXT_SIZE, DASH);
		return out;
	}
	if (decimals > 6)
		decimals = 6;
	snprintf(digits, sizeof(digits), "%.*f", (int)decimals, fabs(value));
	point = strchr(digits, '.');
	whole = point != NULL ? (size_t)(point - digits) : strlen(digits);
	if (value < 0 && strspn(digits, "0.") != strlen(digits))
		out[len++] = '-';
	for (size_t i = 0; i < whole; i++) {
		if (i > 0 && whole >= grouped_from && (whole - i) % 3 == 0) {
			memcpy(out + len, group, strlen(group));
			len += strlen(group);
		}
		out[len++] = digits[i];
	}
	if (point != NULL) {
		out[len++] = polish ? ',' : '.';
		memcpy(out + len, point + 1, strlen(point + 1));
		len += strlen(point + 1);
	}
	out[len] = '\0';
	return out;
}

char *
locale_percent(
    const struct locale *locale, double ratio, char out[LOCALE_TEXT_SIZE])
{
	double percent = ratio * 100;

	if (ratio < 1 && percent > 99.99)
		percent = 99.99;
	locale_number(locale, percent, 2, out);
	if (isfinite(ratio))
		memcpy(out + strlen(out), "%", 2);
	return out;
}

char *
locale_latency(
    const struct locale *locale, double ms, char out[LOCALE_TEXT_SIZE])
{
	char number[LOCALE_TEXT_SIZE];

	if (!isfinite(ms)) {
		text_copy(out, LOCALE_TEXT_SIZE, DASH);
		return out;
	}
	if (ms < 999.5)
		locale_number(locale, ms, ms < 9.95 ? 1 : 0, number);
	else
		locale_number(locale, ms / 1000, ms < 99950 ? 1 : 0, number);
	snprintf(out, LOCALE_TEXT_SIZE, "%.40s" NBSP "%s", number,
	    ms < 999.5 ? "ms" : "s");
	return out;
}

char *
locale_length(dur_us length, char out[LOCALE_TEXT_SIZE])
{
	long long s = length < 0 ? 0 : length / US_PER_S;

	if (s < 60)
		snprintf(out, LOCALE_TEXT_SIZE, "%lld" NBSP "s", s);
	else if (s < 3600 && s % 60 == 0)
		snprintf(out, LOCALE_TEXT_SIZE, "%lld" NBSP "min", s / 60);
	else if (s < 3600)
		snprintf(out, LOCALE_TEXT_SIZE, "%lld" NBSP "min %lld" NBSP "s",
		    s / 60, s % 60);
	else if (s < 48 * 3600)
		snprintf(out, LOCALE_TEXT_SIZE, "%lld" NBSP "h %lld" NBSP "min",
		    s / 3600, s / 60 % 60);
	else
		snprintf(out, LOCALE_TEXT_SIZE, "%lld" NBSP "d %lld" NBSP "h",
		    s / 86400, s / 3600 % 24);
	return out;
}

char *
locale_time(const struct locale *locale, wall_us at, enum locale_time_form form,
    char out[LOCALE_TEXT_SIZE])
{
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct zone_time t;
	char date[32], clock[24];
	const char *zone = "";

	zone_local(locale->zone, at, &t);
	if (locale->language == LANGUAGE_PL)
		snprintf(date, sizeof(date), "%02d.%02d.%04d", t.day, t.month,
		    t.year);
	else
		snprintf(date, sizeof(date), "%d %s %04d", t.day,
		    months[t.month - 1], t.year);
	if (form == LOCALE_TIME_FULL || form == LOCALE_TIME_CLOCK_S)
		snprintf(clock, sizeof(clock), "%02d:%02d:%02d", t.hour,
		    t.minute, t.second);
	else
		snprintf(clock, sizeof(clock), "%02d:%02d", t.hour, t.minute);
	if (form == LOCALE_TIME_FULL || zone_changes_on(locale->zone, at))
		zone = zone_name(&t);
	snprintf(out, LOCALE_TEXT_SIZE, "%s%s%s%s%s",
	    form == LOCALE_TIME_FULL || form == LOCALE_TIME_SHORT ? date : "",
	    form == LOCALE_TIME_FULL || form == LOCALE_TIME_SHORT ? ", " : "",
	    clock, zone[0] != '\0' ? NBSP : "", zone);
	return out;
}

char *
locale_datetime(
    const struct locale *locale, wall_us at, char out[LOCALE_TEXT_SIZE])
{
	struct zone_time t;

	zone_local(locale->zone, at, &t);
	snprintf(out, LOCALE_TEXT_SIZE,
	    "%04d-%02d-%02dT%02d:%02d:%02d+%02d:%02d", t.year, t.month, t.day,
	    t.hour, t.minute, t.second, t.offset_s / 3600,
	    t.offset_s / 60 % 60);
	return out;
}
