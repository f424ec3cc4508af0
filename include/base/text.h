#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"

/* Small pure functions on text. No locale is ever consulted. Any thread. */

/* text_utf8_valid: RFC 3629, no surrogates, no overlong forms. */
bool text_utf8_valid(const char *bytes, size_t len);

/* text_utf8_char: the length of the valid character at the start, else 0. */
size_t text_utf8_char(const char *bytes, size_t len);

/* text_utf8_clean appends, with U+FFFD for each byte that is not UTF-8;
 * false when `out` is full. */
bool text_utf8_clean(struct buf *out, const char *bytes, size_t len);

/* text_blank: a space, tab or line break, as HTML and JSON see it. */
bool text_blank(char c);

/* text_has_control: a byte below 0x20 or 0x7f, anywhere in the string. */
bool text_has_control(const char *text);

/* text_name_valid: 1 to 31 of [a-z0-9_-], beginning with [a-z0-9]. */
bool text_name_valid(const char *name);

/*
 * text_duration_parse: "250ms", "20s", "5m", "2h", "7d"; a whole number and
 * one unit. Returns 0 or -EINVAL (form) or -ERANGE (over 3660 days).
 */
int text_duration_parse(const char *text, dur_us *length) MUST_USE;

/*
 * text_size_parse: "64kB", "2MB", "16GB" (powers of 1024), or a plain
 * number of bytes. 0, -EINVAL or -ERANGE.
 */
int text_size_parse(const char *text, int64_t *bytes) MUST_USE;

/* text_duration_format: "850 ms", "3.4 s", "8 min", "2 h 5 min", "3 d 4 h"; at
 * most two units, rounded. 32 bytes are enough. */
void text_duration_format(dur_us length, char *out, size_t size);

/* text_u64_parse: decimal digits only, whole string. 0, -EINVAL, -ERANGE. */
int text_u64_parse(const char *text, uint64_t *value) MUST_USE;

/*
 * text_nearest: the candidate with the smallest edit distance to `word` if
 * that is at most 3 and under half the word's length; NULL otherwise.
 */
const char *text_nearest(
    const char *word, const char *const *candidates, size_t n);

/* Encoders append to `out` and return false when it is full. */
bool text_url_encode(struct buf *out, const char *bytes, size_t len);
bool text_html_escape(struct buf *out, const char *bytes, size_t len);
bool text_base64_encode(struct buf *out, const void *bytes, size_t len);
bool text_hex_encode(struct buf *out, const void *bytes, size_t len);

/* text_base64_decode: RFC 4648 with padding. 0, -EINVAL, -ENOSPC. */
int text_base64_decode(
    const char *text, void *out, size_t size, size_t *len) MUST_USE;

/* text_rfc3339: "2026-11-24T08:14:05.123Z". `out` has at least 25 bytes. */
void text_rfc3339(wall_us at, char *out, size_t size);

/* text_copy: strlcpy; true when all of `text` fitted. */
bool text_copy(char *out, size_t size, const char *text);

#endif
