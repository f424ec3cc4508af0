#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stddef.h>
#include <time.h>

/*
 * A growing string for pages and answers. Beyond TEXT_MAX bytes what is
 * added is dropped; a page is never that long. Zero is an empty text.
 */

enum { TEXT_MAX = 4 << 20 };

struct text {
	char *at; /* NUL-terminated once something was added */
	size_t len;
	size_t size;
};

void text_fini(struct text *text);
void text_clear(struct text *text);
void text_addn(struct text *text, const char *bytes, size_t len);
void text_add(struct text *text, const char *string);
void text_addf(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Escaped: for HTML text and attributes, as a JSON string with its quotes,
 * for a query or form value, as base64. */
void text_html(struct text *text, const char *string);
void text_json(struct text *text, const char *string);
void text_url(struct text *text, const char *string);
void text_base64(struct text *text, const char *bytes, size_t len);

/* The decoded bytes, NUL-terminated, to be freed; NULL if it is no base64. */
char *text_unbase64(const char *string);

/* strftime in the time zone of the schools. */
void text_time(struct text *text, const char *format, time_t when);

/* text_of: the string, "" if empty. */
const char *text_of(const struct text *text);

#endif
