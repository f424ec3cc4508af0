#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/*
 * Memory that is fatal to lose: start, reload, set-up. Each function returns
 * zeroed memory or logs and exits; the result is freed with free(3).
 */
void *mem_new(size_t size);
void *mem_array(size_t n, size_t size);

/* mem_grow resizes to n elements; what is added is not zeroed. */
void *mem_grow(void *old, size_t n, size_t size);
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t len);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
