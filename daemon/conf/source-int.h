#ifndef CONF_SOURCE_INT_H
#define CONF_SOURCE_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "conf/problems.h"

/*
 * The text of a configuration file with all its includes, for one
 * config_read_string, and for each line of that text where it comes from.
 */
struct source {
	struct buf text;
	struct conf_src *lines; /* of text line 1, 2, … */
	size_t n_lines;
	size_t room;
};

/*
 * source_read reads `path` and what it includes. What is wrong goes to
 * `problems`; false when the text is not worth parsing. File names that are
 * blamed live in `arena`. `from` and `key` are blamed when `path` itself
 * cannot be read; `from` NULL blames the file. source_fini after both ends.
 */
bool source_read(struct source *source, struct arena *arena,
    struct conf_problems *problems, const char *path,
    const struct conf_src *from, const char *key) MUST_USE;
void source_fini(struct source *source);

/* source_at: where line `line` (from 1) of the text stands in the files. */
struct conf_src source_at(const struct source *source, unsigned line);

/* source_path: `name` as seen from the file `file`; lives in the arena. */
const char *source_path(
    struct arena *arena, const char *file, const char *name);

#endif
