/*
 * The arena: a list of blocks with a bump pointer in each. Blocks double in
 * size, and the largest one survives a reset, so an owner that does the same
 * work again and again soon needs no malloc at all.
 */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

#define ALIGN 16
#define FIRST_BLOCK 4096
#define LARGEST_STEP (1024 * 1024)

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	_Alignas(ALIGN) char bytes[];
};

void
arena_init(struct arena *arena, size_t max_bytes)
{
	assert(max_bytes < SIZE_MAX / 2);
	*arena = (struct arena){.max_bytes = max_bytes};
}

static void
free_list(struct arena_block *block)
{
	while (block != NULL) {
		struct arena_block *next = block->next;
		free(block);
		block = next;
	}
}

static void
wipe(struct arena *arena)
{
	struct arena_block *b = arena->secret ? arena->first : NULL;

	for (; b != NULL; b = b->next)
		crypto_wipe(b->bytes, b->used);
}

void
arena_fini(struct arena *arena)
{
	wipe(arena);
	free_list(arena->first);
	*arena = (struct arena){
	    .max_bytes = arena->max_bytes, .secret = arena->secret};
}

void
arena_reset(struct arena *arena)
{
	struct arena_block *largest = arena->first;

	wipe(arena);
	for (struct arena_block *b = largest; b != NULL; b = b->next)
		if (b->size > largest->size)
			largest = b;
	for (struct arena_block *b = arena->first; b != NULL;) {
		struct arena_block *next = b->next;
		if (b != largest)
			free(b);
		b = next;
	}
	if (largest != NULL) {
		largest->next = NULL;
		largest->used = 0;
	}
	arena->first = largest;
	arena->current = largest;
	arena->used_bytes = 0;
}

static struct arena_block *
add_block(struct arena *arena, size_t need)
{
	size_t size = FIRST_BLOCK;

	if (arena->current != NULL) {
		size = arena->current->size;
		if (size < LARGEST_STEP)
			size *= 2;
	}
	if (size < need)
		size = need;
	struct arena_block *block = malloc(sizeof(*block) + size);
	if (block == NULL)
		return NULL;
	block->next = NULL;
	block->size = size;
	block->used = 0;
	if (arena->current != NULL)
		arena->current->next = block;
	else
		arena->first = block;
	arena->current = block;
	return block;
}

/* take gives raw memory, not zeroed. */
static char *
take(struct arena *arena, size_t size)
{
	if (size > arena->max_bytes)
		return NULL;
	size_t need = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (need == 0)
		need = ALIGN;
	if (need > arena->max_bytes - arena->used_bytes)
		return NULL;
	struct arena_block *block = arena->current;
	if (block == NULL || block->size - block->used < need) {
		block = add_block(arena, need);
		if (block == NULL)
			return NULL;
	}
	char *p = block->bytes + block->used;
	block->used += need;
	arena->used_bytes += need;
	return p;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	char *p = take(arena, size);

	if (p != NULL)
		memset(p, 0, size);
	return p;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *
arena_strndup(struct arena *arena, const char *text, size_t len)
{
	size_t n = strnlen(text, len);
	char *copy = take(arena, n + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	char *text = take(arena, (size_t)n + 1);
	if (text == NULL)
		return NULL;
	va_start(ap, format);
	vsnprintf(text, (size_t)n + 1, format, ap);
	va_end(ap);
	return text;
}
