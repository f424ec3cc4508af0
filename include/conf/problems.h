#ifndef CONF_PROBLEMS_H
#define CONF_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/*
 * What is wrong with a configuration: all of it, not the first of it. Every
 * reader adds here, also readers above `conf` (the probe compiler finds bad
 * XPath). One thread.
 */
struct conf_src {
	const char *file; /* as named by the user; lives as long as the conf */
	int line; /* 0: the file as a whole */
};

struct conf_problems;

struct conf_problems *conf_problems_new(void);
void conf_problems_free(struct conf_problems *problems);

/*
 * conf_problem: `key` is a path such as "operators[2].budget.parallel" or "";
 * the text is a whole sentence part that says what is allowed.
 */
void conf_problem(struct conf_problems *problems, const struct conf_src *src,
    const char *key, const char *format, ...) PRINTF_LIKE(4, 5);

size_t conf_problems_count(const struct conf_problems *problems);

/* conf_problems_at: "file:line: key: problem", in order of file and line. */
const char *conf_problems_at(const struct conf_problems *problems, size_t i);

#endif
