/*
 * The bounded byte buffer. Encoders that write into one are in text.c and
 * json.c.
 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

#define SMALLEST 64

/* What `data` points to before the first allocation; only ever read. */
static char nothing[1];

void
buf_init(struct buf *buf, size_t max)
{
	assert(max > 0 && max < SIZE_MAX / 2);
	*buf = (struct buf){.data = nothing, .max = max};
}

void
buf_init_secret(struct buf *buf, size_t max)
{
	buf_init(buf, max);
	buf->secret = true;
}

static void
wipe(struct buf *buf)
{
	if (buf->secret && buf->cap > 0)
		crypto_wipe(buf->data, buf->len);
}

void
buf_fini(struct buf *buf)
{
	wipe(buf);
	if (buf->cap > 0)
		free(buf->data);
	*buf = (struct buf){
	    .data = nothing, .max = buf->max, .secret = buf->secret};
}

void
buf_reset(struct buf *buf)
{
	wipe(buf);
	buf->len = 0;
	buf->full = false;
	if (buf->cap > 0)
		buf->data[0] = '\0';
}

/* enlarge: as realloc, but a secret leaves no copy where it was. */
static char *
enlarge(struct buf *buf, size_t cap)
{
	char *data;

	if (!buf->secret || buf->cap == 0)
		return realloc(buf->cap > 0 ? buf->data : NULL, cap);
	data = malloc(cap);
	if (data == NULL)
		return NULL;
	memcpy(data, buf->data, buf->len);
	wipe(buf);
	free(buf->data);
	return data;
}

/* reserve makes room for `more` bytes and their NUL, or sets `full`. */
static bool
reserve(struct buf *buf, size_t more)
{
	if (buf->full)
		return false;
	if (more > buf->max - buf->len) {
		buf->full = true;
		return false;
	}
	size_t need = buf->len + more + 1;
	if (need <= buf->cap)
		return true;

	size_t cap = buf->cap > 0 ? buf->cap : SMALLEST;
	while (cap < need)
		cap *= 2;
	if (cap > buf->max + 1)
		cap = buf->max + 1;
	char *data = enlarge(buf, cap);
	if (data == NULL) {
		buf->full = true;
		return false;
	}
	data[buf->len] = '\0';
	buf->data = data;
	buf->cap = cap;
	return true;
}

bool
buf_add(struct buf *buf, const void *bytes, size_t len)
{
	if (!reserve(buf, len))
		return false;
	if (len > 0)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return true;
}

bool
buf_adds(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

bool
buf_addc(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

bool
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list ap, again;
	bool ok = false;

	if (!reserve(buf, 0))
		return false;
	va_start(ap, format);
	va_copy(again, ap);
	size_t room = buf->cap - buf->len;
	int n = vsnprintf(buf->data + buf->len, room, format, ap);
	if (n < 0) {
		buf->full = true;
	} else if ((size_t)n < room) {
		ok = true;
	} else if (reserve(buf, (size_t)n)) {
		room = buf->cap - buf->len;
		n = vsnprintf(buf->data + buf->len, room, format, again);
		ok = n >= 0 && (size_t)n < room;
	}
	if (ok)
		buf->len += (size_t)n;
	/* A first try that did not fit has left a part of itself behind. */
	buf->data[buf->len] = '\0';
	va_end(again);
	va_end(ap);
	return ok;
}

char *
buf_take(struct buf *buf, size_t *len)
{
	char *data = buf->cap > 0 ? buf->data : mem_new(1);

	if (len != NULL)
		*len = buf->len;
	*buf = (struct buf){
	    .data = nothing, .max = buf->max, .secret = buf->secret};
	return data;
}
