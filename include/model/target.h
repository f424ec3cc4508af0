#ifndef MODEL_TARGET_H
#define MODEL_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* 31 characters of [a-z0-9_-] and a NUL; see text_name_valid. */
#define MODEL_NAME_SIZE 32
#define MODEL_PATH_SIZE (3 * MODEL_NAME_SIZE)

/*
 * What is measured: operator/deployment/transaction. Interned: one struct for
 * one path for the life of the process, so a pointer names a target over
 * reloads, may be compared, and may be read by any thread.
 */
struct target {
	uint32_t id; /* dense, from 0, in order of interning */
	char operator[MODEL_NAME_SIZE];
	char deployment[MODEL_NAME_SIZE];
	char transaction[MODEL_NAME_SIZE];
	char path[MODEL_PATH_SIZE];
};

struct target_set;

struct target_set *target_set_new(void);
void target_set_free(struct target_set *set); /* and every target of it */

/* target_intern: engine thread only. The names must be valid (assert). */
const struct target *target_intern(struct target_set *set, const char *op,
    const char *deployment, const char *transaction);

/* target_find by path; NULL when it was never interned. Engine thread. */
const struct target *target_find(
    const struct target_set *set, const char *path);

/* target_at: id from 0 to target_count - 1. Engine thread. */
size_t target_count(const struct target_set *set);
const struct target *target_at(const struct target_set *set, uint32_t id);

#endif
