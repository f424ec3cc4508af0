/*
 * The template engine: compiles a text into a flat list of nodes, in which a
 * section knows where it ends, and walks it over JSON data. What the pages
 * say lives in dashboards/, what they show in view.c.
 */
#include "template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define DEPTH_MAX 24 /* sections and parts within each other */
#define NAME_MAX_BYTES 64

enum node_kind {
	NODE_TEXT,
	NODE_VALUE,
	NODE_SECTION,
	NODE_INVERTED,
	NODE_END,
	NODE_PART
};

struct node {
	enum node_kind kind;
	const char *text; /* of a NODE_TEXT, in the template's own copy */
	size_t len;
	char name[NAME_MAX_BYTES];
	size_t end; /* of a section: index of its NODE_END */
};

struct template
{
	char *name;
	char *source;
	struct node *nodes;
	size_t n;
};

struct template_set {
	struct template *templates;
	size_t n;
};

/* What a name is looked up in: the innermost value first. */
struct context {
	const struct jv *values[DEPTH_MAX + 1];
	size_t n;
	const struct jv *texts;
};

struct template_set *
template_set_new(void)
{
	return mem_new(sizeof(struct template_set));
}

static void
template_fini(struct template *template)
{
	free(template->name);
	free(template->source);
	free(template->nodes);
}

void
template_set_free(struct template_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		template_fini(&set->templates[i]);
	free(set->templates);
	free(set);
}

static const struct template *
find(const struct template_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->templates[i].name, name) == 0)
			return &set->templates[i];
	}
	return NULL;
}

static struct node *
add_node(struct template *template, enum node_kind kind)
{
	struct node *node;

	if (template->n % 64 == 0) {
		template->nodes =
		    mem_grow(template->nodes, template->n + 64, sizeof(*node));
	}
	node = &template->nodes[template->n++];
	*node = (struct node){.kind = kind};
	return node;
}

static void
add_text(struct template *template, const char *text, size_t len)
{
	struct node *node;

	if (len == 0)
		return;
	node = add_node(template, NODE_TEXT);
	node->text = text;
	node->len = len;
}

/* Only the names that our own templates may use. */
static bool
take_name(const char *from, size_t len, char out[NAME_MAX_BYTES])
{
	while (len > 0 && *from == ' ') {
		from++;
		len--;
	}
	while (len > 0 && from[len - 1] == ' ')
		len--;
	if (len == 0 || len >= NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = from[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '_' || c == '.'))
			return false;
		out[i] = c;
	}
	out[len] = '\0';
	return true;
}

static bool
tag_kind(char mark, enum node_kind *kind)
{
	switch (mark) {
	case '#':
		*kind = NODE_SECTION;
		return true;
	case '^':
		*kind = NODE_INVERTED;
		return true;
	case '/':
		*kind = NODE_END;
		return true;
	case '>':
		*kind = NODE_PART;
		return true;
	default:
		*kind = NODE_VALUE;
		return false;
	}
}

/*
 * A tag without a value that stands alone takes its indentation and its line
 * end with it. `begin` is where the whole text begins.
 */
static void
swallow_line(
    const char *begin, const char **tag, const char **rest, const char *end)
{
	const char *left = *tag, *right = *rest;

	while (left > begin && (left[-1] == ' ' || left[-1] == '\t'))
		left--;
	while (right < end && (*right == ' ' || *right == '\t'))
		right++;
	if (left > begin && left[-1] != '\n')
		return;
	if (right < end && *right != '\n')
		return;
	*tag = left;
	*rest = right < end ? right + 1 : right;
}

static int
close_section(struct template *template, size_t *open, size_t *depth,
    char *problem, size_t size)
{
	struct node *end = &template->nodes[template->n - 1];
	struct node *begin;

	if (*depth == 0) {
		snprintf(problem, size, "{{/%s}} closes nothing", end->name);
		return -EINVAL;
	}
	begin = &template->nodes[open[--*depth]];
	if (strcmp(begin->name, end->name) != 0) {
		snprintf(problem, size, "{{/%s}} closes {{#%s}}", end->name,
		    begin->name);
		return -EINVAL;
	}
	begin->end = template->n - 1;
	return 0;
}

static int
compile(struct template *template, size_t len, char *problem, size_t size)
{
	const char *at = template->source, *end = at + len;
	size_t open[DEPTH_MAX], depth = 0;

	for (;;) {
		const char *tag = memmem(at, (size_t)(end - at), "{{", 2);
		const char *inside, *close, *rest;
		enum node_kind kind;
		struct node *node;
		bool marked;

		if (tag == NULL)
			break;
		inside = tag + 2;
		close = memmem(inside, (size_t)(end - inside), "}}", 2);
		if (close == NULL || close == inside) {
			snprintf(problem, size, "a tag without end");
			return -EINVAL;
		}
		rest = close + 2;
		if (*inside == '!') {
			swallow_line(template->source, &tag, &rest, end);
			add_text(template, at, (size_t)(tag - at));
			at = rest;
			continue;
		}
		marked = tag_kind(*inside, &kind);
		if (marked)
			swallow_line(template->source, &tag, &rest, end);
		add_text(template, at, (size_t)(tag - at));
		node = add_node(template, kind);
		inside += marked ? 1 : 0;
		if (!take_name(inside, (size_t)(close - inside), node->name)) {
			snprintf(problem, size, "bad name in {{%.*s}}",
			    (int)(close - inside < 40 ? close - inside : 40),
			    inside);
			return -EINVAL;
		}
		if (kind == NODE_SECTION || kind == NODE_INVERTED) {
			if (depth == DEPTH_MAX) {
				snprintf(problem, size, "nested too deep");
				return -EINVAL;
			}
			open[depth++] = template->n - 1;
		}
		if (kind == NODE_END &&
		    close_section(template, open, &depth, problem, size) != 0)
			return -EINVAL;
		at = rest;
	}
	add_text(template, at, (size_t)(end - at));
	if (depth > 0) {
		snprintf(problem, size, "{{#%s}} is never closed",
		    template->nodes[open[depth - 1]].name);
		return -EINVAL;
	}
	return 0;
}

int
template_add(struct template_set *set, const char *name, const char *text,
    size_t len, char *problem, size_t size)
{
	struct template template = {
	    .name = mem_strdup(name), .source = mem_strndup(text, len)};
	int error;

	error = find(set, name) != NULL ? -EEXIST : 0;
	if (error != 0)
		snprintf(problem, size, "two templates of this name");
	else
		error = compile(&template, len, problem, size);
	if (error != 0) {
		template_fini(&template);
		return error;
	}
	set->templates = mem_grow(set->templates, set->n + 1, sizeof(template));
	set->templates[set->n++] = template;
	return 0;
}

/* Follows "a.b.c" from `value`. */
static const struct jv *
follow(const struct jv *value, const char *name)
{
	char part[NAME_MAX_BYTES];

	for (;;) {
		size_t len = strcspn(name, ".");

		memcpy(part, name, len);
		part[len] = '\0';
		value = jv_get(value, part);
		if (value == NULL || name[len] == '\0')
			return value;
		name += len + 1;
	}
}

int
template_check(const struct template_set *set, const struct jv *texts,
    char *problem, size_t size)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct template *template = &set->templates[i];

		for (size_t k = 0; k < template->n; k++) {
			const struct node *node = &template->nodes[k];

			if (node->kind == NODE_PART &&
			    find(set, node->name) == NULL) {
				snprintf(problem, size, "%s: no part %s",
				    template->name, node->name);
				return -ENOENT;
			}
			if (node->kind == NODE_VALUE &&
			    strncmp(node->name, "t.", 2) == 0 &&
			    jv_string_value(follow(texts, node->name + 2)) ==
				NULL) {
				snprintf(problem, size, "%s: no text %s",
				    template->name, node->name + 2);
				return -ENOENT;
			}
		}
	}
	return 0;
}

/* The first part of a dotted name is sought outwards, the rest inside it. */
static const struct jv *
look_up(const struct context *context, const char *name)
{
	char head[NAME_MAX_BYTES];
	size_t len = strcspn(name, ".");

	if (strcmp(name, ".") == 0)
		return context->values[context->n - 1];
	if (strncmp(name, "t.", 2) == 0)
		return follow(context->texts, name + 2);
	memcpy(head, name, len);
	head[len] = '\0';
	for (size_t i = context->n; i-- > 0;) {
		const struct jv *value = jv_get(context->values[i], head);

		if (value != NULL) {
			return name[len] == '\0'
			    ? value
			    : follow(value, name + len + 1);
		}
	}
	return NULL;
}

static bool
holds(const struct jv *value)
{
	switch (jv_kind(value)) {
	case JV_NULL:
		return false;
	case JV_BOOL:
		return jv_bool_value(value);
	case JV_INT:
		return jv_int_value(value) != 0;
	case JV_REAL:
		return true;
	case JV_STRING:
		return jv_string_value(value)[0] != '\0';
	case JV_ARRAY:
		return jv_len(value) > 0;
	case JV_OBJECT:
		return true;
	}
	return false;
}

static bool
put_value(struct buf *out, const struct jv *value)
{
	const char *text = jv_string_value(value);

	switch (jv_kind(value)) {
	case JV_STRING:
		return text_html_escape(out, text, strlen(text));
	case JV_INT:
		return buf_printf(out, "%lld", (long long)jv_int_value(value));
	case JV_REAL:
		return buf_printf(out, "%.15g", jv_real_value(value));
	case JV_BOOL:
		return buf_adds(out, jv_bool_value(value) ? "true" : "false");
	case JV_NULL:
	case JV_ARRAY:
	case JV_OBJECT:
		return true;
	}
	return true;
}

static bool render_nodes(const struct template_set *set,
    const struct template *template, size_t from, size_t to,
    struct context *context, unsigned depth, struct buf *out);

static bool
render_in(const struct template_set *set, const struct template *template,
    size_t section, const struct jv *value, struct context *context,
    unsigned depth, struct buf *out)
{
	bool ok;

	if (context->n > DEPTH_MAX)
		return false;
	context->values[context->n++] = value;
	ok = render_nodes(set, template, section + 1,
	    template->nodes[section].end, context, depth + 1, out);
	context->n--;
	return ok;
}

static bool
render_section(const struct template_set *set, const struct template *template,
    size_t section, struct context *context, unsigned depth, struct buf *out)
{
	const struct jv *value =
	    look_up(context, template->nodes[section].name);

	if (!holds(value))
		return true;
	if (jv_kind(value) != JV_ARRAY) {
		return render_in(
		    set, template, section, value, context, depth, out);
	}
	for (size_t i = 0; i < jv_len(value); i++) {
		if (!render_in(set, template, section, jv_at(value, i), context,
			depth, out))
			return false;
	}
	return true;
}

static bool
render_nodes(const struct template_set *set, const struct template *template,
    size_t from, size_t to, struct context *context, unsigned depth,
    struct buf *out)
{
	bool ok = depth <= DEPTH_MAX;

	for (size_t i = from; ok && i < to; i++) {
		const struct node *node = &template->nodes[i];
		const struct template *part;

		switch (node->kind) {
		case NODE_TEXT:
			ok = buf_add(out, node->text, node->len);
			break;
		case NODE_VALUE:
			ok = put_value(out, look_up(context, node->name));
			break;
		case NODE_SECTION:
			ok = render_section(
			    set, template, i, context, depth, out);
			i = node->end;
			break;
		case NODE_INVERTED:
			if (!holds(look_up(context, node->name))) {
				ok = render_nodes(set, template, i + 1,
				    node->end, context, depth + 1, out);
			}
			i = node->end;
			break;
		case NODE_PART:
			part = find(set, node->name);
			ok = part != NULL &&
			    render_nodes(
				set, part, 0, part->n, context, depth + 1, out);
			break;
		case NODE_END:
			break;
		}
	}
	return ok;
}

bool
template_render(const struct template_set *set, const char *name,
    const struct jv *data, const struct jv *texts, struct buf *out)
{
	const struct template *template = find(set, name);
	struct context context = {.values = {data}, .n = 1, .texts = texts};

	if (template == NULL)
		return false;
	return render_nodes(set, template, 0, template->n, &context, 0, out);
}
