/*
 * Interned targets: an array by id, a hash table by path.
 */
#include "model/target.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#define FIRST_SLOTS 64

struct target_set {
	struct target **by_id;
	size_t n;
	struct target **slots; /* open addressing, at most half full */
	size_t n_slots; /* a power of two */
};

struct target_set *
target_set_new(void)
{
	struct target_set *set = mem_new(sizeof(*set));

	set->n_slots = FIRST_SLOTS;
	set->slots = mem_array(set->n_slots, sizeof(*set->slots));
	return set;
}

void
target_set_free(struct target_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		free(set->by_id[i]);
	free(set->by_id);
	free(set->slots);
	free(set);
}

/* The place of a path: where it is, or the empty one where it would go. */
static struct target **
place(const struct target_set *set, const char *path)
{
	size_t mask = set->n_slots - 1;
	size_t i = (size_t)crypto_hash64(path) & mask;

	while (set->slots[i] != NULL && strcmp(set->slots[i]->path, path) != 0)
		i = (i + 1) & mask;
	return &set->slots[i];
}

static void
grow(struct target_set *set)
{
	free(set->slots);
	set->n_slots *= 2;
	set->slots = mem_array(set->n_slots, sizeof(*set->slots));
	for (size_t i = 0; i < set->n; i++)
		*place(set, set->by_id[i]->path) = set->by_id[i];
}

const struct target *
target_intern(struct target_set *set, const char *op, const char *deployment,
    const char *transaction)
{
	char path[MODEL_PATH_SIZE];
	struct target **at;
	struct target *target;

	assert(text_name_valid(op) && text_name_valid(deployment) &&
	    text_name_valid(transaction));
	snprintf(path, sizeof(path), "%s/%s/%s", op, deployment, transaction);
	at = place(set, path);
	if (*at != NULL)
		return *at;
	target = mem_new(sizeof(*target));
	target->id = (uint32_t)set->n;
	text_copy(target->operator, sizeof(target->operator), op);
	text_copy(target->deployment, sizeof(target->deployment), deployment);
	text_copy(
	    target->transaction, sizeof(target->transaction), transaction);
	memcpy(target->path, path, sizeof(path));
	*at = target;
	set->by_id = mem_grow(set->by_id, set->n + 1, sizeof(*set->by_id));
	set->by_id[set->n++] = target;
	if (2 * set->n >= set->n_slots)
		grow(set);
	return target;
}

const struct target *
target_find(const struct target_set *set, const char *path)
{
	return *place(set, path);
}

size_t
target_count(const struct target_set *set)
{
	return set->n;
}

const struct target *
target_at(const struct target_set *set, uint32_t id)
{
	assert(id < set->n);
	return set->by_id[id];
}
