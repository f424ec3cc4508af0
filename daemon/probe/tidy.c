/*
 * What libxml2 would build a wrong tree of is put right in the text before.
 * It lets a row or a list's item that nobody closed go on in the next when
 * anything else is open in it, so that each row of a long table holds all that
 * follow, until they lie too deep and it gives up. Browsers close them at the
 * next ones; here the missing end tags are written. It knows no names of
 * letters but those of HTML 4. And it compares each attribute of a tag with all
 * others of it: what has far too many is bad will, and goes on without any.
 */
#include "probe-int.h"

#include <string.h>

#include "base/attr.h"
#include "tags-int.h"

#define SCOPES_MAX 64 /* one in another; deeper ones share the last place */

/* A table or a list, and what is open in it. */
struct scope {
	bool list;
	bool row, item;
	const char *cell; /* its tag's name; NULL: none */
};

struct tidy {
	const char *from; /* what was not copied yet */
	struct buf *out;
	struct scope scopes[SCOPES_MAX]; /* from 1; 0 is the page */
	size_t depth;
};

enum kind {
	KIND_TABLE,
	KIND_SECTION,
	KIND_ROW,
	KIND_CELL,
	KIND_LIST,
	KIND_ITEM
};

static const struct {
	const char *name;
	enum kind kind;
} kinds[] = {
    {"td", KIND_CELL},
    {"tr", KIND_ROW},
    {"th", KIND_CELL},
    {"li", KIND_ITEM},
    {"ul", KIND_LIST},
    {"ol", KIND_LIST},
    {"table", KIND_TABLE},
    {"tbody", KIND_SECTION},
    {"thead", KIND_SECTION},
    {"tfoot", KIND_SECTION},
};

static struct scope *
innermost(struct tidy *tidy)
{
	return &tidy->scopes[tidy->depth < SCOPES_MAX ? tidy->depth
						      : SCOPES_MAX - 1];
}

static void
enter(struct tidy *tidy, bool list)
{
	tidy->depth++;
	*innermost(tidy) = (struct scope){.list = list};
}

static void
leave(struct tidy *tidy)
{
	if (tidy->depth > 0)
		tidy->depth--;
}

/* The lists that are open in a cell end with it. */
static struct scope *
table(struct tidy *tidy)
{
	while (tidy->depth > 0 && innermost(tidy)->list)
		tidy->depth--;
	return innermost(tidy);
}

static void
close_cell(struct tidy *tidy, struct scope *scope)
{
	if (scope->cell != NULL)
		buf_printf(tidy->out, "</%s>", scope->cell);
	scope->cell = NULL;
	scope->item = false;
}

static void
close_row(struct tidy *tidy, struct scope *scope)
{
	close_cell(tidy, scope);
	if (scope->row)
		buf_adds(tidy->out, "</tr>");
	scope->row = false;
}

static void
begin_tag(struct tidy *tidy, enum kind kind, const char *name)
{
	switch (kind) {
	case KIND_TABLE:
		enter(tidy, false);
		break;
	case KIND_SECTION:
		close_row(tidy, table(tidy));
		break;
	case KIND_ROW:
		close_row(tidy, table(tidy));
		innermost(tidy)->row = true;
		break;
	case KIND_CELL:
		close_cell(tidy, table(tidy));
		innermost(tidy)->cell = name;
		break;
	case KIND_LIST:
		enter(tidy, true);
		break;
	case KIND_ITEM:
		if (innermost(tidy)->item)
			buf_adds(tidy->out, "</li>");
		innermost(tidy)->item = true;
		break;
	}
}

static void
end_tag(struct tidy *tidy, enum kind kind)
{
	switch (kind) {
	case KIND_TABLE:
		close_row(tidy, table(tidy));
		leave(tidy);
		break;
	case KIND_SECTION:
		close_row(tidy, table(tidy));
		break;
	case KIND_ROW:
		close_cell(tidy, table(tidy));
		innermost(tidy)->row = false;
		break;
	case KIND_CELL:
		table(tidy)->cell = NULL;
		innermost(tidy)->item = false;
		break;
	case KIND_LIST:
		if (innermost(tidy)->list)
			leave(tidy);
		break;
	case KIND_ITEM:
		innermost(tidy)->item = false;
		break;
	}
}

static void
copy_up_to(struct tidy *tidy, const char *to)
{
	probe_entities_letters(
	    tidy->from, (size_t)(to - tidy->from), tidy->out);
	tidy->from = to;
}

static void
take(struct tidy *tidy, const struct tag *tag)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!probe_span_is(tag->name, kinds[i].name))
			continue;
		copy_up_to(tidy, tag->whole.at);
		if (tag->closes)
			end_tag(tidy, kinds[i].kind);
		else
			begin_tag(tidy, kinds[i].kind, kinds[i].name);
		return;
	}
}

static void
leave_bare(struct tidy *tidy, const struct tag *tag)
{
	copy_up_to(tidy, tag->whole.at);
	buf_printf(tidy->out, "<%s%.*s>", tag->closes ? "/" : "",
	    (int)tag->name.len, tag->name.at);
	tidy->from = tag->whole.at + tag->whole.len;
}

void
probe_tidy(const char *text, size_t len, struct buf *out)
{
	struct tags tags = {text, text + len};
	struct tidy tidy = {.from = text, .out = out};
	struct tag tag;

	while (probe_tags_next(&tags, &tag)) {
		take(&tidy, &tag);
		if (probe_tag_is_overfull(&tag))
			leave_bare(&tidy, &tag);
	}
	copy_up_to(&tidy, text + len);
}
