#ifndef QUICK_INT_H
#define QUICK_INT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What quick_compile.c makes of an expression, and quick.c answers from.
 */

#define CONDITIONS_MAX 16

enum condition_kind {
	HAS, /* @a */
	EQUALS, /* @a = 'x' */
	CONTAINS, /* contains(@a, 'x') */
	STARTS, /* starts-with(@a, 'x') */
	HAS_WORD, /* contains(concat(' ', @a, ' '), ' x ') */
	TEXT, /* of the element's text that 'x' is in it; not more */
	UNKNOWN
};

/* A term of a predicate; predicates are ored terms of anded conditions. */
struct condition {
	enum condition_kind kind;
	unsigned predicate, term;
	const char *attribute;
	const char *text; /* NULL: that of `var` */
	size_t len;
	struct part *var;
};

struct quick {
	bool exact; /* one element, by its attributes alone */
	const char *element; /* of it; NULL: any */
	const char *attribute; /* that is wanted of it; NULL: none */
	size_t n;
	struct condition conditions[CONDITIONS_MAX];
};

#endif
