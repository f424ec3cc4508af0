#ifndef BASE_INDEX_H
#define BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * From a name to its place in an array, for arrays too long to be searched.
 * The names are borrowed and must outlive the index. Zero is a valid, empty
 * one. Lost memory is fatal. One owner.
 */
struct name_index {
	struct name_place {
		const char *name; /* NULL: free */
		size_t at;
	} * places;
	size_t n, room; /* room is 0 or a power of two, at most half full */
};

/* index_add: false when the name is there already; then `*at` is its place. */
bool index_add(struct name_index *index, const char *name, size_t *at);

/* index_put gives a name that is there another place. */
void index_put(struct name_index *index, const char *name, size_t at);

/* index_find: false when it is not there. */
bool index_find(const struct name_index *index, const char *name, size_t *at);

void index_fini(struct name_index *index);

#endif
