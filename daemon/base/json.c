/*
 * The only file that knows jansson. A struct jv is a json_t under another
 * name; nobody else can tell.
 */
#include "base/json.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

/* 15 digits are the most that every decimal keeps: 0.1 stays 0.1. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

static json_t *
in(struct jv *value)
{
	return (json_t *)value;
}

static const json_t *
peek(const struct jv *value)
{
	return (const json_t *)value;
}

/* loose drops the const that jansson's own iterators do not know; what they
 * do changes nothing. */
static json_t *
loose(const struct jv *value)
{
	return (json_t *)(uintptr_t)value;
}

static struct jv *
made(json_t *value)
{
	if (value == NULL)
		log_fatal("out of memory", "what=%s", "json");
	return (struct jv *)value;
}

struct jv *
jv_object(void)
{
	return made(json_object());
}

struct jv *
jv_array(void)
{
	return made(json_array());
}

struct jv *
jv_string(const char *text)
{
	return jv_stringn(text, strlen(text));
}

/* cleaned gives text without bad UTF-8 and without NUL, which readers of C
 * strings could not see past. The caller frees it. */
static char *
cleaned(const char *text, size_t len, size_t *out_len)
{
	struct buf out;

	if (len > SIZE_MAX / 8)
		len = SIZE_MAX / 8;
	buf_init(&out, 3 * len + 1);
	for (size_t i = 0; i < len;) {
		size_t n = strnlen(text + i, len - i);
		text_utf8_clean(&out, text + i, n);
		i += n;
		if (i < len) {
			buf_adds(&out, "\xef\xbf\xbd");
			i++;
		}
	}
	if (out.full)
		log_fatal("out of memory", "what=%s", "json");
	return buf_take(&out, out_len);
}

struct jv *
jv_stringn(const char *text, size_t len)
{
	if (memchr(text, '\0', len) == NULL && text_utf8_valid(text, len))
		return made(json_stringn_nocheck(text, len));
	size_t clean_len;
	char *clean = cleaned(text, len, &clean_len);
	struct jv *value = made(json_stringn_nocheck(clean, clean_len));
	free(clean);
	return value;
}

struct jv *
jv_int(int64_t value)
{
	return made(json_integer(value));
}

struct jv *
jv_real(double value)
{
	if (!isfinite(value))
		return jv_null();
	return made(json_real(value));
}

struct jv *
jv_bool(bool value)
{
	return made(json_boolean(value));
}

struct jv *
jv_null(void)
{
	return made(json_null());
}

struct jv *
jv_time(wall_us at)
{
	return at != 0 ? jv_int(at / US_PER_S) : jv_null();
}

struct jv *
jv_text(const char *text)
{
	return text != NULL && text[0] != '\0' ? jv_string(text) : jv_null();
}

struct jv *
jv_hold(struct jv *value)
{
	return (struct jv *)json_incref(in(value));
}

void
jv_release(struct jv *value)
{
	json_decref(in(value));
}

struct jv *
jv_set(struct jv *object, const char *key, struct jv *value)
{
	assert(json_is_object(peek(object)) && object != value);
	if (value == NULL)
		value = jv_null();
	int rc;
	if (text_utf8_valid(key, strlen(key))) {
		rc = json_object_set_new_nocheck(in(object), key, in(value));
	} else {
		char *clean = cleaned(key, strlen(key), NULL);
		rc = json_object_set_new_nocheck(in(object), clean, in(value));
		free(clean);
	}
	if (rc != 0)
		log_fatal("out of memory", "what=%s", "json");
	return object;
}

struct jv *
jv_push(struct jv *array, struct jv *value)
{
	assert(json_is_array(peek(array)) && array != value);
	if (value == NULL)
		value = jv_null();
	if (json_array_append_new(in(array), in(value)) != 0)
		log_fatal("out of memory", "what=%s", "json");
	return array;
}

enum jv_kind
jv_kind(const struct jv *value)
{
	if (value == NULL)
		return JV_NULL;
	switch (json_typeof(peek(value))) {
	case JSON_OBJECT:
		return JV_OBJECT;
	case JSON_ARRAY:
		return JV_ARRAY;
	case JSON_STRING:
		return JV_STRING;
	case JSON_INTEGER:
		return JV_INT;
	case JSON_REAL:
		return JV_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JV_BOOL;
	case JSON_NULL:
		return JV_NULL;
	}
	return JV_NULL;
}

struct jv *
jv_get(const struct jv *object, const char *key)
{
	return (struct jv *)json_object_get(peek(object), key);
}

struct jv *
jv_at(const struct jv *array, size_t i)
{
	return (struct jv *)json_array_get(peek(array), i);
}

size_t
jv_len(const struct jv *array_or_object)
{
	if (json_is_object(peek(array_or_object)))
		return json_object_size(peek(array_or_object));
	return json_array_size(peek(array_or_object));
}

const char *
jv_get_string(const struct jv *object, const char *key, const char *otherwise)
{
	const char *text = jv_string_value(jv_get(object, key));

	return text != NULL ? text : otherwise;
}

int64_t
jv_get_int(const struct jv *object, const char *key, int64_t otherwise)
{
	const struct jv *value = jv_get(object, key);

	return jv_kind(value) == JV_INT ? jv_int_value(value) : otherwise;
}

const char *
jv_string_value(const struct jv *value)
{
	return json_string_value(peek(value));
}

int64_t
jv_int_value(const struct jv *value)
{
	if (jv_kind(value) != JV_REAL)
		return json_integer_value(peek(value));
	double real = json_real_value(peek(value));
	/* Outside of this the conversion would be undefined. */
	if (real >= 0x1p63)
		return INT64_MAX;
	if (real < -0x1p63)
		return INT64_MIN;
	return (int64_t)real;
}

double
jv_real_value(const struct jv *value)
{
	return json_number_value(peek(value));
}

bool
jv_bool_value(const struct jv *value)
{
	return json_is_true(peek(value));
}

void *
jv_each(
    const struct jv *object, void *iter, const char **key, struct jv **value)
{
	json_t *json = loose(object);

	if (iter == NULL)
		iter = json_object_iter(json);
	else
		iter = json_object_iter_next(json, iter);
	if (iter != NULL) {
		*key = json_object_iter_key(iter);
		*value = (struct jv *)json_object_iter_value(iter);
	}
	return iter;
}

/* array_index: digits without a leading nought, as RFC 6901 wants them. */
static struct jv *
array_index(const struct jv *array, const char *token)
{
	uint64_t i;

	if (token[0] == '0' && token[1] != '\0')
		return NULL;
	if (text_u64_parse(token, &i) != 0 || i > SIZE_MAX)
		return NULL;
	return jv_at(array, (size_t)i);
}

/* unescape turns ~1 into / and ~0 into ~ in place; false for any other ~. */
static bool
unescape(char *token)
{
	char *to = token;

	for (const char *from = token; *from != '\0'; from++) {
		char c = *from;
		if (c == '~') {
			from++;
			if (*from != '0' && *from != '1')
				return false;
			c = *from == '0' ? '~' : '/';
		}
		*to++ = c;
	}
	*to = '\0';
	return true;
}

struct jv *
jv_pointer(const struct jv *value, const char *pointer)
{
	struct jv *at = (struct jv *)loose(value);

	while (at != NULL && *pointer != '\0') {
		if (*pointer != '/')
			return NULL;
		size_t len = strcspn(++pointer, "/");
		char *token = mem_strndup(pointer, len);
		pointer += len;
		if (!unescape(token))
			at = NULL;
		else if (jv_kind(at) == JV_ARRAY)
			at = array_index(at, token);
		else
			at = jv_get(at, token);
		free(token);
	}
	return at;
}

struct jv *
jv_parse(const char *text, size_t len, char *problem, size_t problem_size)
{
	json_error_t error;

	json_t *value = json_loadb(len > 0 ? text : "", len,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (value == NULL && problem != NULL) {
		/* jansson quotes the text near the error; a body must not
		 * reach a log, so the quotation is left out. */
		char *near = strstr(error.text, " near '");
		if (near != NULL)
			*near = '\0';
		snprintf(problem, problem_size, "line %d, column %d: %s",
		    error.line, error.column, error.text);
	}
	return (struct jv *)value;
}

static int
append(const char *bytes, size_t len, void *out)
{
	return buf_add(out, bytes, len) ? 0 : -1;
}

bool
jv_dump(const struct jv *value, struct buf *out)
{
	if (value == NULL)
		return buf_adds(out, "null");
	return json_dump_callback(peek(value), append, out, DUMP_FLAGS) == 0;
}

static bool
escape_char(struct buf *out, const char *c, size_t n)
{
	if (n == 0)
		return buf_adds(out, "\xef\xbf\xbd");
	if (*c == '"' || *c == '\\')
		return buf_addc(out, '\\') && buf_addc(out, *c);
	if (*c == '\n')
		return buf_adds(out, "\\n");
	if ((unsigned char)*c < 0x20 || *c == 0x7f)
		return buf_printf(out, "\\u%04x", (unsigned)*c);
	return buf_add(out, c, n);
}

/* How much of it stands in a string as it is. */
static size_t
plain_run(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= ' ' && text[n] < 0x7f && text[n] != '"' &&
	    text[n] != '\\')
		n++;
	return n;
}

bool
jv_escape(struct buf *out, const char *text, size_t len)
{
	if (!buf_addc(out, '"'))
		return false;
	for (size_t i = 0; i < len;) {
		size_t plain = plain_run(text + i, len - i);
		size_t n;

		if (plain > 0 && !buf_add(out, text + i, plain))
			return false;
		i += plain;
		if (i == len)
			break;
		n = text_utf8_char(text + i, len - i);
		if (!escape_char(out, text + i, n))
			return false;
		i += n > 0 ? n : 1;
	}
	return buf_addc(out, '"');
}
