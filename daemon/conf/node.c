/*
 * Single values of libconfig, strictly: each function says what it wants when
 * it gets something else. No value is ever repeated in a message unless it is
 * a number or a name: what stands in a profile may be nobody's business.
 */

#include "reader-int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static const char *
join_key(struct arena *arena, const char *key, const char *name)
{
	size_t size = strlen(key) + strlen(name) + 2;
	char *joined = reader_alloc(arena, size, 1);
	snprintf(joined, size, "%s%s%s", key, key[0] == '\0' ? "" : ".", name);
	return joined;
}

static struct node
node_of(const struct node *parent, config_setting_t *setting, const char *key)
{
	return (struct node){.reader = parent->reader,
	    .setting = setting,
	    .key = key,
	    .src = source_at(
		&parent->reader->source, config_setting_source_line(setting))};
}

bool
node_member(const struct node *group, const char *name, struct node *member)
{
	config_setting_t *setting =
	    group->setting == NULL || !config_setting_is_group(group->setting)
	    ? NULL
	    : config_setting_get_member(group->setting, name);
	if (setting == NULL)
		return false;
	*member = node_of(
	    group, setting, join_key(group->reader->arena, group->key, name));
	return true;
}

struct node
node_at(const struct node *list, unsigned i)
{
	config_setting_t *setting = config_setting_get_elem(list->setting, i);
	struct arena *arena = list->reader->arena;
	if (config_setting_name(setting) != NULL)
		return node_of(list, setting,
		    join_key(arena, list->key, config_setting_name(setting)));
	size_t size = strlen(list->key) + 16;
	char *key = reader_alloc(arena, size, 1);
	snprintf(key, size, "%s[%u]", list->key, i);
	return node_of(list, setting, key);
}

unsigned
node_length(const struct node *node)
{
	int n = config_setting_length(node->setting);
	return n < 0 ? 0 : (unsigned)n;
}

bool
node_is_string(const struct node *node)
{
	return config_setting_type(node->setting) == CONFIG_TYPE_STRING;
}

const char *
node_name(const struct node *node)
{
	return config_setting_name(node->setting);
}

static void problem_about(const struct node *node, const char *key,
    const char *format, va_list args) __attribute__((format(printf, 3, 0)));

static void
problem_about(
    const struct node *node, const char *key, const char *format, va_list args)
{
	char text[900];
	vsnprintf(text, sizeof(text), format, args);
	conf_problem(node->reader->problems, &node->src, key, "%s", text);
}

void
node_problem(const struct node *node, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	problem_about(node, node->key, format, args);
	va_end(args);
}

void
node_problem_at(
    const struct node *group, const char *name, const char *format, ...)
{
	struct node member = *group;
	if (!node_member(group, name, &member))
		member.key = join_key(group->reader->arena, group->key, name);
	va_list args;
	va_start(args, format);
	problem_about(&member, member.key, format, args);
	va_end(args);
}

/* ---- values ---- */

bool
node_group(const struct node *node)
{
	if (config_setting_is_group(node->setting))
		return true;
	node_problem(node, "must be a group: { key = value; }");
	return false;
}

bool
node_list(const struct node *node, const char *what)
{
	if (config_setting_is_list(node->setting) ||
	    config_setting_is_array(node->setting))
		return true;
	node_problem(node, "must be a list of %s: ( …, … )", what);
	return false;
}

bool
node_string(const struct node *node, const char **value)
{
	if (!node_is_string(node)) {
		node_problem(node, "must be a string in quotes");
		return false;
	}
	const char *text = config_setting_get_string(node->setting);
	size_t len = strlen(text);
	if (!text_utf8_valid(text, len)) {
		node_problem(node, "must be UTF-8");
		return false;
	}
	if (text_has_control(text)) {
		node_problem(node,
		    "must not hold control characters or line breaks; a "
		    "backslash is written \\\\");
		return false;
	}
	*value = reader_strdup(node->reader->arena, text, len);
	return true;
}

bool
node_text(const struct node *node, struct conf_text *text)
{
	const char *value;
	if (!node_string(node, &value))
		return false;
	*text = (struct conf_text){
	    .value = value, .key = node->key, .src = node->src};
	return true;
}

bool
node_valid_name(const struct node *node, const char **name)
{
	if (node_is_string(node) &&
	    text_name_valid(config_setting_get_string(node->setting)))
		return node_string(node, name);
	node_problem(
	    node, "must be a name in quotes: 1 to 31 of a-z, 0-9, _ and -");
	return false;
}

bool
node_bool(const struct node *node, bool *value)
{
	if (config_setting_type(node->setting) != CONFIG_TYPE_BOOL) {
		node_problem(node, "must be true or false, without quotes");
		return false;
	}
	*value = config_setting_get_bool(node->setting) != 0;
	return true;
}

bool
node_number(const struct node *node, double *value)
{
	int type = config_setting_type(node->setting);
	if (type == CONFIG_TYPE_FLOAT)
		*value = config_setting_get_float(node->setting);
	else if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
		*value = (double)config_setting_get_int64(node->setting);
	else
		return false;
	return true;
}

bool
node_integer(const struct node *node, int64_t min, int64_t max, int64_t *value)
{
	int type = config_setting_type(node->setting);
	if (type == CONFIG_TYPE_INT)
		*value = config_setting_get_int(node->setting);
	else if (type == CONFIG_TYPE_INT64)
		*value = config_setting_get_int64(node->setting);
	bool number = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
	if (number && *value >= min && *value <= max)
		return true;
	node_problem(node,
	    "must be a whole number from %lld to %lld, without quotes",
	    (long long)min, (long long)max);
	return false;
}

void
node_format_duration(dur_us length, char *out, size_t size)
{
	static const struct {
		const char *unit;
		dur_us us;
	} units[] = {{"d", 24 * 3600 * US_PER_S}, {"h", 3600 * US_PER_S},
	    {"m", 60 * US_PER_S}, {"s", US_PER_S}, {"ms", US_PER_MS}};
	size_t u = length == 0 ? 3 : 0;
	while (u + 1 < ARRAY_LEN(units) && length % units[u].us != 0)
		u++;
	snprintf(out, size, "%lld%s", (long long)(length / units[u].us),
	    units[u].unit);
}

bool
node_duration(const struct node *node, dur_us min, dur_us max, dur_us *value)
{
	dur_us length;
	if (node_is_string(node) &&
	    text_duration_parse(
		config_setting_get_string(node->setting), &length) == 0 &&
	    length >= min && length <= max) {
		*value = length;
		return true;
	}
	char from[48];
	char to[48];
	node_format_duration(min, from, sizeof(from));
	node_format_duration(max, to, sizeof(to));
	node_problem(node,
	    "must be a duration in quotes from %s to %s: a whole number and "
	    "ms, s, m, h or d, such as \"20s\"",
	    from, to);
	return false;
}

static void
format_size(int64_t bytes, char *out, size_t size)
{
	static const char *const units[] = {"", "kB", "MB", "GB", "TB"};
	size_t unit = 0;
	while (bytes > 0 && bytes % 1024 == 0 && unit + 1 < ARRAY_LEN(units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(out, size, "%lld%s", (long long)bytes, units[unit]);
}

bool
node_size(const struct node *node, int64_t min, int64_t max, int64_t *value)
{
	int64_t bytes;
	if (node_is_string(node) &&
	    text_size_parse(config_setting_get_string(node->setting), &bytes) ==
		0 &&
	    bytes >= min && bytes <= max) {
		*value = bytes;
		return true;
	}
	char from[32];
	char to[32];
	format_size(min, from, sizeof(from));
	format_size(max, to, sizeof(to));
	node_problem(node,
	    "must be a size in quotes from %s to %s, such as \"2MB\"", from,
	    to);
	return false;
}

void
node_check_readable(const struct node *node, const char *path)
{
	if (access(path, R_OK) != 0)
		node_problem(
		    node, "cannot read \"%s\": %s", path, strerror(errno));
}
