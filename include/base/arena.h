#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/*
 * Memory that lives and dies together: one run, one page. Allocation is a
 * pointer bump; there is no single free. One owner, one thread. The
 * largest block is kept by arena_reset, so a run in steady state calls no
 * malloc. An owner who sets `secret` after arena_init has an arena that wipes
 * what is forgotten.
 */
struct arena {
	struct arena_block *first; /* private, all three */
	struct arena_block *current;
	size_t used_bytes;
	size_t max_bytes;
	bool secret;
};

/* arena_init: `max_bytes` bounds the sum of all allocations. */
void arena_init(struct arena *arena, size_t max_bytes);

/* arena_fini frees everything; safe on zeroed memory. */
void arena_fini(struct arena *arena);

/* arena_reset forgets all allocations and keeps the largest block. */
void arena_reset(struct arena *arena);

/* All return NULL when the limit would be passed or memory is refused. */
void *arena_alloc(struct arena *arena, size_t size) MUST_USE; /* zeroed */
char *arena_strdup(struct arena *arena, const char *text) MUST_USE;
char *arena_strndup(struct arena *arena, const char *text, size_t len) MUST_USE;
char *arena_printf(struct arena *arena, const char *format, ...)
    PRINTF_LIKE(2, 3) MUST_USE;

#endif
