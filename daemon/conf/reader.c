/*
 * Groups by their tables: which keys there are, which must be there, and
 * where each value goes. Single values are read in node.c.
 */

#include "reader-int.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#define READER_KEYS_MAX 32 /* in one table */

void *
reader_alloc(struct arena *arena, size_t n, size_t size)
{
	void *memory = NULL;
	if (n == 0)
		n = 1;
	if (n <= SIZE_MAX / size)
		memory = arena_alloc(arena, n * size);
	if (memory == NULL)
		log_fatal("out of memory", "room=conf");
	return memory;
}

char *
reader_strdup(struct arena *arena, const char *text, size_t len)
{
	char *copy = reader_alloc(arena, len + 1, 1);
	memcpy(copy, text, len);
	return copy;
}

/* libconfig's own words, and what is allowed there. */
static const char *
parse_problem(const char *text)
{
	if (text != NULL && strstr(text, "duplicate") != NULL)
		return "this key stands twice in its group; each may stand "
		       "there once";
	if (text != NULL && strcmp(text, "syntax error") != 0)
		return text;
	return "syntax error here or on the line before: settings are key = "
	       "value; with texts in quotes, groups { … }, lists ( …, … ) "
	       "without a comma at the end";
}

bool
reader_open(struct reader *reader, const char *path,
    const struct conf_src *from, const char *key)
{
	config_init(&reader->config);
	reader->path = reader_strdup(reader->arena, path, strlen(path));
	if (!source_read(&reader->source, reader->arena, reader->problems, path,
		from, key))
		return false;
	if (config_read_string(&reader->config, reader->source.text.data) ==
	    CONFIG_TRUE)
		return true;
	int line = config_error_line(&reader->config);
	struct conf_src src =
	    source_at(&reader->source, line < 1 ? 1 : (unsigned)line);
	conf_problem(reader->problems, &src, "", "%s",
	    parse_problem(config_error_text(&reader->config)));
	return false;
}

void
reader_close(struct reader *reader)
{
	config_destroy(&reader->config);
	source_fini(&reader->source);
}

struct node
reader_root(struct reader *reader)
{
	return (struct node){.reader = reader,
	    .setting = config_root_setting(&reader->config),
	    .key = "",
	    .src = {.file = reader->path, .line = 0}};
}

/* ---- one key of a table ---- */

static void *
field(void *group, size_t offset)
{
	return (char *)group + offset;
}

static void
read_texts(const struct node *node, const struct key *key, void *group)
{
	size_t n = 1;
	bool one = node_is_string(node);
	if (!one) {
		if (!node_list(node, "strings"))
			return;
		n = node_length(node);
	}
	struct conf_text *texts =
	    reader_alloc(node->reader->arena, n, sizeof(*texts));
	size_t good = 0;
	for (unsigned i = 0; i < n; i++) {
		struct node at = one ? *node : node_at(node, i);
		if (!node_text(&at, &texts[good]))
			continue;
		if (texts[good].value[0] == '\0')
			node_problem(&at, "must not be empty");
		good++;
	}
	memcpy(field(group, key->offset), &texts, sizeof(texts));
	memcpy(field(group, key->count), &good, sizeof(good));
}

static void
read_strings(const struct node *node, const struct key *key, void *group)
{
	struct text_list {
		struct conf_text *texts;
		size_t n;
	} list = {0};
	const struct key inner = {.offset = offsetof(struct text_list, texts),
	    .count = offsetof(struct text_list, n)};
	read_texts(node, &inner, &list);
	struct conf_problems *problems = node->reader->problems;
	const char **strings =
	    reader_alloc(node->reader->arena, list.n, sizeof(*strings));
	for (size_t i = 0; i < list.n; i++) {
		const struct conf_text *text = &list.texts[i];
		strings[i] = text->value;
		if (key->kind == KEY_NAMES && !text_name_valid(text->value))
			conf_problem(problems, &text->src, text->key,
			    "must be a name: 1 to 31 of a-z, 0-9, _ and -");
		for (size_t k = 0; k < i; k++)
			if (strcmp(strings[k], text->value) == 0)
				conf_problem(problems, &text->src, text->key,
				    "is there twice");
	}
	memcpy(field(group, key->offset), &strings, sizeof(strings));
	memcpy(field(group, key->count), &list.n, sizeof(list.n));
}

static bool
read_word(const struct node *node, const struct key *key, unsigned *index)
{
	const char *word;
	if (!node_string(node, &word))
		return false;
	struct buf list;
	buf_init(&list, 256);
	for (*index = 0; key->words[*index] != NULL; (*index)++) {
		if (strcmp(key->words[*index], word) == 0)
			break;
		buf_printf(&list, "%s\"%s\"", *index == 0 ? "" : " or ",
		    key->words[*index]);
	}
	bool known = key->words[*index] != NULL;
	if (!known)
		node_problem(node, "must be %s", list.data);
	buf_fini(&list);
	return known;
}

static void
read_path(const struct node *node, const struct key *key, void *group)
{
	const char *name;
	if (!node_string(node, &name))
		return;
	if (name[0] == '\0') {
		node_problem(node, "must not be empty");
		return;
	}
	const char *path =
	    source_path(node->reader->arena, node->src.file, name);
	if (key->kind == KEY_CA_FILE) {
		node_check_readable(node, path);
		load_add_ca_file(node, path);
	}
	memcpy(field(group, key->offset), &path, sizeof(path));
}

static void
read_string(const struct node *node, const struct key *key, void *group)
{
	const char *value;
	if (key->kind == KEY_NAME) {
		if (!node_valid_name(node, &value))
			return;
	} else if (key->kind == KEY_WORD) {
		unsigned index;
		if (!read_word(node, key, &index))
			return;
		value = key->words[index];
	} else {
		if (!node_string(node, &value))
			return;
		if (value[0] == '\0')
			node_problem(node, "must not be empty");
	}
	memcpy(field(group, key->offset), &value, sizeof(value));
}

static void
read_text(const struct node *node, void *to)
{
	struct conf_text text;
	if (!node_text(node, &text))
		return;
	if (text.value[0] == '\0')
		node_problem(node, "must not be empty");
	memcpy(to, &text, sizeof(text));
}

void
node_read_value(const struct node *node, const struct key *key, void *group)
{
	void *to = field(group, key->offset);
	switch (key->kind) {
	case KEY_TEXT:
		read_text(node, to);
		return;
	case KEY_CHOICE: {
		unsigned index;
		if (read_word(node, key, &index))
			memcpy(to, &index, sizeof(index));
		return;
	}
	case KEY_BOOL: {
		bool value;
		if (node_bool(node, &value))
			memcpy(to, &value, sizeof(value));
		return;
	}
	case KEY_U32: {
		int64_t value;
		if (!node_integer(node, key->min, key->max, &value))
			return;
		int32_t narrow = (int32_t)value; /* max is below 2^31 */
		memcpy(to, &narrow, sizeof(narrow));
		return;
	}
	case KEY_DURATION: {
		dur_us value;
		if (node_duration(node, key->min, key->max, &value))
			memcpy(to, &value, sizeof(value));
		return;
	}
	case KEY_SIZE: {
		int64_t value;
		if (node_size(node, key->min, key->max, &value))
			memcpy(to, &value, sizeof(value));
		return;
	}
	case KEY_TEXTS:
		read_texts(node, key, group);
		return;
	case KEY_STRINGS:
	case KEY_NAMES:
		read_strings(node, key, group);
		return;
	case KEY_PATH:
	case KEY_CA_FILE:
		read_path(node, key, group);
		return;
	case KEY_STRING:
	case KEY_NAME:
	case KEY_WORD:
		read_string(node, key, group);
		return;
	case KEY_READ:
		key->read(node, group);
		return;
	}
}

/* ---- a group ---- */

static void
unknown_key(const struct node *node, const struct key *keys, size_t n)
{
	const char *names[READER_KEYS_MAX];
	struct buf all;
	buf_init(&all, 1024);
	for (size_t i = 0; i < n; i++) {
		names[i] = keys[i].name;
		buf_printf(&all, "%s%s", i == 0 ? "" : ", ", names[i]);
	}
	const char *nearest = text_nearest(node_name(node), names, n);
	if (nearest != NULL)
		node_problem(
		    node, "unknown key; did you mean \"%s\"?", nearest);
	else
		node_problem(node, "unknown key; known here: %s", all.data);
	buf_fini(&all);
}

/* What an absent or refused value leaves behind: never a NULL text. */
static void
fill_absent(const struct node *node, const struct key *key, void *group)
{
	void *to = field(group, key->offset);
	if (key->kind == KEY_TEXT) {
		struct conf_text text;
		memcpy(&text, to, sizeof(text));
		if (text.value != NULL)
			return;
		text = (struct conf_text){
		    .value = "", .key = node->key, .src = node->src};
		memcpy(to, &text, sizeof(text));
	} else if (key->required &&
	    (key->kind == KEY_STRING || key->kind == KEY_NAME ||
		key->kind == KEY_WORD || key->kind == KEY_PATH)) {
		const char *text;
		memcpy(&text, to, sizeof(text));
		if (text == NULL)
			text = "";
		memcpy(to, &text, sizeof(text));
	}
}

void
node_read_group(
    const struct node *node, const struct key *keys, size_t n, void *group)
{
	assert(n <= READER_KEYS_MAX);
	bool is_group = node_group(node);
	for (unsigned i = 0; is_group && i < node_length(node); i++) {
		struct node member = node_at(node, i);
		const char *name = node_name(&member);
		size_t k = 0;
		while (k < n && strcmp(keys[k].name, name) != 0)
			k++;
		if (k == n)
			unknown_key(&member, keys, n);
	}
	for (size_t k = 0; k < n; k++) {
		struct node member = *node;
		bool present =
		    is_group && node_member(node, keys[k].name, &member);
		if (present)
			node_read_value(&member, &keys[k], group);
		else if (is_group && keys[k].required)
			node_problem_at(node, keys[k].name, "is required");
		fill_absent(present ? &member : node, &keys[k], group);
	}
}

static void
there_twice(const struct node *element, const char *name)
{
	node_problem_at(
	    element, "name", "\"%s\" is there twice; names must differ", name);
}

void
node_unique_of_many(
    const struct node *element, const char *name, struct name_index *seen)
{
	size_t at = 0;
	if (name[0] != '\0' && !index_add(seen, name, &at))
		there_twice(element, name);
}

void
node_unique(
    const struct node *element, const void *array, size_t n, size_t size)
{
	const char *name;
	const char *other;
	memcpy(&name, (const char *)array + n * size, sizeof(name));
	for (size_t i = 0; i < n && name[0] != '\0'; i++) {
		memcpy(&other, (const char *)array + i * size, sizeof(other));
		if (strcmp(name, other) != 0)
			continue;
		there_twice(element, name);
		return;
	}
}
