/*
 * A hash table of borrowed names, with open addressing.
 */
#include "base/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

#define FIRST_ROOM 64

/* Where the name is, or the free place where it would go. */
static struct name_place *
place(const struct name_index *index, const char *name)
{
	size_t mask = index->room - 1;
	size_t i = (size_t)crypto_hash64(name) & mask;

	while (index->places[i].name != NULL &&
	    strcmp(index->places[i].name, name) != 0)
		i = (i + 1) & mask;
	return &index->places[i];
}

static void
grow(struct name_index *index)
{
	struct name_index old = *index;

	index->room = old.room > 0 ? 2 * old.room : FIRST_ROOM;
	index->places = mem_array(index->room, sizeof(*index->places));
	for (size_t i = 0; i < old.room; i++) {
		if (old.places[i].name != NULL)
			*place(index, old.places[i].name) = old.places[i];
	}
	free(old.places);
}

bool
index_add(struct name_index *index, const char *name, size_t *at)
{
	struct name_place *to;

	if (2 * index->n >= index->room)
		grow(index);
	to = place(index, name);
	if (to->name != NULL) {
		*at = to->at;
		return false;
	}
	*to = (struct name_place){.name = name, .at = *at};
	index->n++;
	return true;
}

void
index_put(struct name_index *index, const char *name, size_t at)
{
	place(index, name)->at = at;
}

bool
index_find(const struct name_index *index, const char *name, size_t *at)
{
	const struct name_place *found;

	if (index->n == 0)
		return false;
	found = place(index, name);
	if (found->name == NULL)
		return false;
	*at = found->at;
	return true;
}

void
index_fini(struct name_index *index)
{
	free(index->places);
	*index = (struct name_index){0};
}
