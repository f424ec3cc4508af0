#ifndef CONF_READER_INT_H
#define CONF_READER_INT_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/index.h"
#include "conf/conf.h"
#include "conf/problems.h"
#include "source-int.h"

/*
 * A walk over libconfig's settings by tables: each group has a table of its
 * keys with type, range and place in a struct. What is not in the table, is
 * missing or is of the wrong type is a problem, and the walk goes on.
 */
struct load;

/* One parsed file. `load` is for the reading functions of the tables. */
struct reader {
	config_t config;
	const char *path; /* as named by the user */
	struct source source;
	struct arena *arena; /* everything that stays */
	struct conf_problems *problems;
	struct load *load;
};

/* A setting with its path and place. `setting` is NULL when it is absent:
 * then src is the group's, so that a problem has somewhere to point. */
struct node {
	struct reader *reader;
	config_setting_t *setting;
	const char *key;
	struct conf_src src;
};

/* reader_open: false when the file cannot be parsed; reader_close anyway.
 * `from` and `key` as in source_read. */
bool reader_open(struct reader *reader, const char *path,
    const struct conf_src *from, const char *key) MUST_USE;
void reader_close(struct reader *reader);
struct node reader_root(struct reader *reader);

/* Memory of the arena, zeroed; lost memory is fatal. */
void *reader_alloc(struct arena *arena, size_t n, size_t size);
char *reader_strdup(struct arena *arena, const char *text, size_t len);

/* ---- tables ---- */

enum key_kind {
	KEY_TEXT, /* struct conf_text; value "" when absent */
	KEY_TEXTS, /* list of them, or one */
	KEY_STRING, /* const char * */
	KEY_STRINGS,
	KEY_NAME, /* const char *, text_name_valid */
	KEY_NAMES,
	KEY_WORD, /* const char *, one of `words` */
	KEY_CHOICE, /* an enum: the index in `words` */
	KEY_PATH, /* const char *, seen from the file it stands in */
	KEY_CA_FILE, /* the same; it can be read and is in conf.ca_files */
	KEY_BOOL,
	KEY_U32, /* min to max, both 32 bits at most */
	KEY_DURATION, /* dur_us, min to max */
	KEY_SIZE, /* int64_t bytes, min to max */
	KEY_READ /* by function */
};

struct key {
	const char *name;
	enum key_kind kind;
	bool required;
	size_t offset; /* of the field */
	size_t count; /* offset of the size_t beside a list */
	int64_t min, max;
	const char *const *words; /* NULL at the end */
	void (*read)(const struct node *node, void *group);
};

/*
 * node_read_group reads all keys of a group into the struct `group`, which
 * holds the defaults, in the order of the table. Missing required strings
 * become "". Problems do not stop it.
 */
void node_read_group(
    const struct node *node, const struct key *keys, size_t n, void *group);

/* node_read_value: one present setting, as its key says. */
void node_read_value(
    const struct node *node, const struct key *key, void *group);

/* ---- single values: false when a problem was added ---- */

/* node_member: the key `name` of a group; false when it is absent. */
bool node_member(
    const struct node *group, const char *name, struct node *member);
struct node node_at(const struct node *list, unsigned i);
unsigned node_length(const struct node *node);
bool node_is_string(const struct node *node);
const char *node_name(const struct node *node); /* in its group; or NULL */

bool node_group(const struct node *node) MUST_USE;
bool node_list(const struct node *node, const char *what) MUST_USE;
bool node_string(const struct node *node, const char **value) MUST_USE;
bool node_text(const struct node *node, struct conf_text *text) MUST_USE;
bool node_number(const struct node *node, double *value) MUST_USE;
bool node_valid_name(const struct node *node, const char **name) MUST_USE;
bool node_integer(
    const struct node *node, int64_t min, int64_t max, int64_t *value) MUST_USE;
bool node_bool(const struct node *node, bool *value) MUST_USE;
bool node_duration(
    const struct node *node, dur_us min, dur_us max, dur_us *value) MUST_USE;
bool node_size(
    const struct node *node, int64_t min, int64_t max, int64_t *value) MUST_USE;

/* node_format_duration: as it would be written in a file, "5m". */
void node_format_duration(dur_us length, char *out, size_t size);

/* node_check_readable adds a problem when `path` cannot be read. */
void node_check_readable(const struct node *node, const char *path);

/* load_add_ca_file (conf.c) notes that the setting names that file. */
void load_add_ca_file(const struct node *node, const char *path);

/* node_problem: about this very setting. */
void node_problem(const struct node *node, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* node_problem_at: about its key `name`, which may be absent. */
void node_problem_at(const struct node *group, const char *name,
    const char *format, ...) PRINTF_LIKE(3, 4);

/*
 * node_unique_of_many: the name of an element of a long list is none of those
 * in `seen`, to which it is added.
 */
void node_unique_of_many(
    const struct node *element, const char *name, struct name_index *seen);

/*
 * node_unique: the name of element `n` of an array of structs, each beginning
 * with its name, is none of those before it.
 */
void node_unique(
    const struct node *element, const void *array, size_t n, size_t size);

#endif
