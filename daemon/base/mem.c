/*
 * Allocation for the times when there is no way back: start, reload, set-up.
 * What may be refused goes through buf or arena.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void *
or_die(void *p, size_t size)
{
	if (p == NULL)
		log_fatal("out of memory", "bytes=%zu", size);
	return p;
}

void *
mem_new(size_t size)
{
	return or_die(calloc(1, size > 0 ? size : 1), size);
}

void *
mem_array(size_t n, size_t size)
{
	if (n == 0 || size == 0)
		return mem_new(1);
	return or_die(calloc(n, size), n);
}

void *
mem_grow(void *old, size_t n, size_t size)
{
	if (n == 0 || size == 0) {
		n = 1;
		size = 1;
	}
	return or_die(reallocarray(old, n, size), n);
}

char *
mem_strdup(const char *text)
{
	return mem_strndup(text, strlen(text));
}

char *
mem_strndup(const char *text, size_t len)
{
	size_t n = strnlen(text, len);
	char *copy = mem_new(n + 1);

	memcpy(copy, text, n);
	return copy;
}

char *
mem_printf(const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	return or_die(text, 0);
}
