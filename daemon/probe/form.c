/*
 * The form that a field belongs to, as a browser sees it. A browser does not
 * ask its tree: it remembers the form that was opened last until that form's
 * end tag, wherever tables and elements that nobody closed move the fields in
 * between. So this reads the tags of the page, one after the other, and builds
 * no tree at all.
 */
#include "probe-int.h"

#include <stdlib.h>
#include <string.h>

#include "http/http.h"

/* Forms beyond these are found, but no field can name them. */
#define FORMS_MAX 256

/* Reads tags, and keeps count of the forms. */
struct walk {
	struct page_tags tags;
	struct tag tag;
	size_t forms; /* that began so far */
	size_t open; /* the number of the one that is open; 0: none */
};

/* Its value with entities decoded; "" without it. */
static void
decoded(const struct tag *tag, const char *wanted, struct buf *out)
{
	struct span value;

	buf_reset(out);
	if (probe_tag_attribute(tag, wanted, &value))
		probe_entities_decode(value.at, value.len, out);
}

static void
count_form(struct walk *walk)
{
	if (!probe_span_is(walk->tag.name, "form"))
		return;
	if (walk->tag.closes)
		walk->open = 0;
	else if (walk->open == 0)
		walk->open = ++walk->forms;
}

/* next moves on to the next tag; false at the end of the page. */
static bool
next(struct walk *walk)
{
	if (!probe_page_tags_next(&walk->tags, &walk->tag))
		return false;
	count_form(walk);
	return true;
}

static struct walk
walk_of(struct page *page)
{
	return (struct walk){.tags = probe_page_tags(page)};
}

/* What is known of the forms of a page. */
struct forms {
	size_t n;
	struct span ids[FORMS_MAX]; /* by number, from 1 */
};

/* Was the tag at hand the beginning of a form? `before` forms had begun. */
static bool
begins_form(const struct walk *walk, size_t before)
{
	return walk->forms != before;
}

static void
count_forms(struct page *page, struct forms *forms)
{
	struct walk walk = walk_of(page);
	size_t before = 0;

	*forms = (struct forms){0};
	for (; next(&walk); before = walk.forms)
		if (begins_form(&walk, before) && walk.forms < FORMS_MAX)
			(void)probe_tag_attribute(
			    &walk.tag, "id", &forms->ids[walk.forms]);
	forms->n = walk.forms;
}

/* The form that owns the field at hand: the one it names, else the open one. */
static size_t
owner(const struct walk *walk, const struct forms *forms)
{
	struct span id;
	size_t i;

	if (!probe_tag_attribute(&walk->tag, "form", &id) || id.len == 0)
		return walk->open;
	for (i = 1; i <= forms->n && i < FORMS_MAX; i++)
		if (forms->ids[i].len == id.len &&
		    memcmp(forms->ids[i].at, id.at, id.len) == 0)
			return i;
	return walk->open;
}

static bool
is_field(const struct tag *tag)
{
	return !tag->closes &&
	    (probe_span_is(tag->name, "input") ||
		probe_span_is(tag->name, "select") ||
		probe_span_is(tag->name, "textarea") ||
		probe_span_is(tag->name, "button"));
}

/*
 * find_owner: the number of the form that holds the field of that name. Of a
 * page with one form, all fields belong to it, even those outside.
 */
static bool
find_owner(struct page *page, const struct forms *forms, const char *field,
    struct buf *tmp, size_t *form)
{
	struct walk walk = walk_of(page);

	while (next(&walk)) {
		if (!is_field(&walk.tag))
			continue;
		decoded(&walk.tag, "name", tmp);
		if (strcmp(tmp->data, field) != 0)
			continue;
		*form = forms->n == 1 ? 1 : owner(&walk, forms);
		return true;
	}
	return false;
}

static void
add_hidden(const struct tag *tag, struct buf *tmp, struct buf *fields)
{
	struct span value;

	if (!probe_span_is(tag->name, "input") || tag->closes ||
	    !probe_tag_attribute(tag, "type", &value) ||
	    !probe_span_is(value, "hidden") ||
	    probe_tag_attribute(tag, "disabled", &value))
		return;
	decoded(tag, "name", tmp);
	if (tmp->len == 0)
		return;
	buf_add(fields, tmp->data, strlen(tmp->data) + 1);
	decoded(tag, "value", tmp);
	buf_add(fields, tmp->data, strlen(tmp->data) + 1);
	/* more than a value may hold must not end as less */
	fields->full = fields->full || tmp->full;
}

static void
add_fields(struct page *page, const struct forms *forms, size_t form,
    struct buf *tmp, struct buf *fields)
{
	struct walk walk = walk_of(page);

	while (next(&walk)) {
		if (!probe_span_is(walk.tag.name, "input"))
			continue;
		if (forms->n == 1 || owner(&walk, forms) == form)
			add_hidden(&walk.tag, tmp, fields);
	}
}

/* Where the form is sent, and in which charset. */
static char *
resolve_action(
    struct page *page, size_t form, struct buf *tmp, enum charset *charset)
{
	struct walk walk = walk_of(page);
	struct span value;
	char *base = NULL, *resolved = NULL;
	size_t before = 0;

	for (; next(&walk); before = walk.forms) {
		if (base == NULL && probe_span_is(walk.tag.name, "base") &&
		    probe_tag_attribute(&walk.tag, "href", &value)) {
			decoded(&walk.tag, "href", tmp);
			base = http_url_join(page->url, tmp->data);
		}
		if (!begins_form(&walk, before) || walk.forms != form)
			continue;
		if (probe_tag_attribute(&walk.tag, "accept-charset", &value))
			*charset =
			    probe_charset_named(value.at, value.len, *charset);
		decoded(&walk.tag, "action", tmp);
		if (tmp->len > 0)
			resolved = http_url_join(
			    base != NULL ? base : page->url, tmp->data);
	}
	free(base);
	return resolved != NULL ? resolved
				: http_url_join(page->url, page->url);
}

bool
probe_page_form(struct page *page, const char *field, struct buf *fields,
    char **action, enum charset *charset)
{
	struct forms forms;
	struct buf tmp;
	size_t form = 0;

	*action = NULL;
	buf_init_secret(&tmp, PROBE_VALUE_MAX);
	count_forms(page, &forms);
	if (find_owner(page, &forms, field, &tmp, &form)) {
		*charset = probe_page_charset(page);
		add_fields(page, &forms, form, &tmp, fields);
		*action = resolve_action(page, form, &tmp, charset);
	}
	buf_fini(&tmp);
	return *action != NULL;
}
