#ifndef PROBE_TAGS_INT_H
#define PROBE_TAGS_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/*
 * The tags of an HTML page, one after the other, as browsers cut them out of
 * the text. Nothing is copied: spans point into the text.
 */

struct span {
	const char *at;
	size_t len;
};

struct tag {
	struct span whole; /* from "<" to ">" */
	struct span name;
	bool closes;
	struct span attributes;
};

struct tags {
	const char *at, *end; /* the text that is left */
};

/* tags_next: false at the end of the page. Comments, and what stands in
 * scripts, styles and the like, hold no tags. */
bool probe_tags_next(struct tags *tags, struct tag *tag);

/* span_is compares letters in any case. */
static inline bool
probe_span_is(struct span span, const char *word)
{
	return strlen(word) == span.len &&
	    strncasecmp(span.at, word, span.len) == 0;
}

/* tag_attribute: the value of the first of that name, as it stands there. */
bool probe_tag_attribute(
    const struct tag *tag, const char *name, struct span *value);

/* tag_is_overfull: it has far more attributes than any that means well. */
bool probe_tag_is_overfull(const struct tag *tag);

#endif
