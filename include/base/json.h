#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"

/*
 * JSON values (RFC 8259), strict, from jansson. A struct jv is counted; the
 * functions that put a value into another take over the caller's reference,
 * also when they fail. One thread at a time for one tree. Out of memory is
 * fatal, so builders never return NULL.
 */
struct jv;

struct jv *jv_object(void);
struct jv *jv_array(void);
struct jv *jv_string(const char *text); /* bad UTF-8, NUL become U+FFFD */
struct jv *jv_stringn(const char *text, size_t len);
struct jv *jv_int(int64_t value);
struct jv *jv_real(double value); /* NaN and infinities become null */
struct jv *jv_bool(bool value);
struct jv *jv_null(void);

/* What may be missing, and is null then: jv_time gives whole Unix seconds, null
 * for 0; jv_text null for NULL and "". */
struct jv *jv_time(wall_us at);
struct jv *jv_text(const char *text);

struct jv *jv_hold(struct jv *value);
void jv_release(struct jv *value); /* NULL is fine */

/* jv_set takes `value`; jv_push likewise. Both return their first argument. */
struct jv *jv_set(struct jv *object, const char *key, struct jv *value);
struct jv *jv_push(struct jv *array, struct jv *value);

enum jv_kind {
	JV_NULL,
	JV_BOOL,
	JV_INT,
	JV_REAL,
	JV_STRING,
	JV_ARRAY,
	JV_OBJECT
};
enum jv_kind jv_kind(const struct jv *value); /* NULL is JV_NULL */

/* Readers borrow; a missing key, wrong kind or NULL gives the default. */
struct jv *jv_get(const struct jv *object, const char *key);
struct jv *jv_at(const struct jv *array, size_t i);
size_t jv_len(const struct jv *array_or_object);
const char *jv_get_string(
    const struct jv *object, const char *key, const char *otherwise);
int64_t jv_get_int(const struct jv *object, const char *key, int64_t otherwise);
const char *jv_string_value(const struct jv *value); /* NULL unless string */
int64_t jv_int_value(const struct jv *value); /* reals are cut */
double jv_real_value(const struct jv *value); /* ints are widened */
bool jv_bool_value(const struct jv *value);

/* jv_each walks an object in insertion order; start with iter = NULL, pass
 * back what it returned, stop at NULL. Don't change the object meanwhile. */
void *jv_each(
    const struct jv *object, void *iter, const char **key, struct jv **value);

/* jv_pointer follows an RFC 6901 pointer; "" is the whole; NULL if absent. */
struct jv *jv_pointer(const struct jv *value, const char *pointer);

/*
 * jv_parse: whole text, duplicates and bad UTF-8 refused, nesting bounded.
 * NULL on error, then `problem` (if not NULL) says what and where.
 */
struct jv *jv_parse(
    const char *text, size_t len, char *problem, size_t problem_size) MUST_USE;

/* jv_dump appends compact JSON in insertion order; false when out is full. */
bool jv_dump(const struct jv *value, struct buf *out);

/* jv_escape appends `text` as a JSON string with its quotes. */
bool jv_escape(struct buf *out, const char *text, size_t len);

#endif
