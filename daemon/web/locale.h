#ifndef DAEMON_WEB_LOCALE_H
#define DAEMON_WEB_LOCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/zone.h"

/*
 * A language of the dashboard: its texts and how it writes numbers, lengths
 * and times. The C library's locale is never consulted. Immutable once made:
 * any thread.
 */
struct locale;

enum language { LANGUAGE_PL, LANGUAGE_EN };
#define LANGUAGES (LANGUAGE_EN + 1)
const char *language_name(enum language language); /* "pl" */
bool language_parse(const char *name, size_t len, enum language *language);

/* language_accept: the first of ours in an Accept-Language header, by weight;
 * `otherwise` when there is none. `header` may be NULL. */
enum language language_accept(const char *header, enum language otherwise);

/* locale_new: takes over the texts (an object, as in dashboards/locales). */
struct locale *locale_new(
    enum language language, struct jv *texts, const struct zone *zone);
void locale_free(struct locale *locale);
enum language locale_language(const struct locale *locale);
const struct jv *locale_texts(const struct locale *locale); /* borrowed */

/* locale_text: "a.b.c"; the key itself when there is no such text. */
const char *locale_text(const struct locale *locale, const char *key);

/* Values for the {name} places of a text. */
struct locale_arg {
	const char *name;
	const char *value;
};
bool locale_say(const struct locale *locale, struct buf *out, const char *key,
    const struct locale_arg *args, size_t n);

/* The form that goes with a number: "one", "few", "many" or "other". */
const char *locale_plural(
    enum language language, double number, unsigned decimals);

/* locale_count: the text KEY.FORM, in which {n} is the number. */
bool locale_count(const struct locale *locale, struct buf *out, const char *key,
    int64_t number);

/* ---- writing; each returns `out` ---- */

#define LOCALE_TEXT_SIZE 64

char *locale_number(const struct locale *locale, double value,
    unsigned decimals, char out[LOCALE_TEXT_SIZE]);

/* locale_percent of a ratio, two decimals, never rounded up to 100. */
char *locale_percent(
    const struct locale *locale, double ratio, char out[LOCALE_TEXT_SIZE]);

/* locale_latency: "850 ms", "3,4 s"; NAN gives a dash. */
char *locale_latency(
    const struct locale *locale, double ms, char out[LOCALE_TEXT_SIZE]);

/* locale_length: "12 s", "8 min", "1 min 30 s", "2 h 5 min", "3 d 4 h". */
char *locale_length(dur_us length, char out[LOCALE_TEXT_SIZE]);

enum locale_time_form {
	LOCALE_TIME_FULL, /* date, time with seconds and zone */
	LOCALE_TIME_SHORT, /* date and time */
	LOCALE_TIME_CLOCK, /* hour and minute */
	LOCALE_TIME_CLOCK_S /* with seconds */
};

/* On the two days on which the clocks change the zone is always named. */
char *locale_time(const struct locale *locale, wall_us at,
    enum locale_time_form form, char out[LOCALE_TEXT_SIZE]);

/* locale_datetime: for machines, "2026-11-24T08:14:05+01:00". */
char *locale_datetime(
    const struct locale *locale, wall_us at, char out[LOCALE_TEXT_SIZE]);

#endif
