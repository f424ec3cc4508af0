/*
 * XPath without a tree. Building the tree of a page costs more than the whole
 * exchange that brought it, and most expressions in a profile are of one shape:
 * elements anywhere that have an attribute or hold a text. Of these
 *
 *   - a page in which a text that they want is nowhere has none: so most
 *     markers are done with on a good page;
 *   - what is asked of one element's attributes alone, //a[@id = 'x'], or its
 *     attribute, //a[@id = 'x']/@href, is read from the tags of the page.
 *
 * Everything else, and every doubt, is left to libxml2.
 */
#include "probe-int.h"
#include "quick-int.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define HTML_MAX (4 * 1024 * 1024)

/* ---- what is not there ---- */

/* The text of a condition: true when it has one. */
static bool
text_of(const struct condition *condition, const struct values *values,
    struct buf *tmp, struct span *out)
{
	struct template one = {condition->var, 1};

	*out = (struct span){condition->text, condition->len};
	if (condition->var == NULL)
		return true;
	buf_reset(tmp);
	if (probe_template_expand(&one, values, tmp) != NULL)
		return false;
	*out = (struct span){tmp->data, tmp->len};
	return true;
}

/* squeeze copies all but blanks, and returns where the copy ends. It is never
 * longer than the text, nor are the entities of a text. */
static char *
squeeze(char *out, const char *text, size_t len)
{
	const char *end = text + len;

	for (; text < end; text++)
		if (!text_blank(*text))
			*out++ = *text;
	return out;
}

static char *
squeeze_decoded(char *out, const char *text, size_t len, struct buf *tmp)
{
	if (memchr(text, '&', len) == NULL)
		return squeeze(out, text, len);
	buf_reset(tmp);
	probe_entities_decode(text, len, tmp);
	return squeeze(out, tmp->data, tmp->len);
}

/* Between two tags: without comments and declarations. */
static char *
squeeze_between(char *out, const char *text, const char *end, struct buf *tmp)
{
	const char *mark = text;

	while ((mark = memchr(mark, '<', (size_t)(end - mark))) != NULL) {
		bool comment = end - mark >= 4 && memcmp(mark, "<!--", 4) == 0;

		if (end - mark < 2 || mark[1] != '!') {
			mark++;
			continue;
		}
		out = squeeze_decoded(out, text, (size_t)(mark - text), tmp);
		text = memmem(mark, (size_t)(end - mark), comment ? "-->" : ">",
		    comment ? 3 : 1);
		if (text == NULL)
			return out;
		text += comment ? 3 : 1;
		mark = text;
	}
	return squeeze_decoded(out, text, (size_t)(end - text), tmp);
}

/* All text of the page without tags and blanks. */
static const char *
squeezed(struct page *page, size_t *len)
{
	struct page_tags tags;
	struct tag tag;
	struct buf tmp;
	const char *from, *end;
	char *out;

	if (page->squeezed == NULL) {
		from = probe_page_text(page, len);
		end = from + *len;
		page->squeezed = out = mem_new(*len + 1);
		buf_init(&tmp, *len + 1);
		tags = probe_page_tags(page);
		while (probe_page_tags_next(&tags, &tag)) {
			out = squeeze_between(out, from, tag.whole.at, &tmp);
			from = tag.whole.at + tag.whole.len;
		}
		out = squeeze_between(out, from, end, &tmp);
		buf_fini(&tmp);
		page->squeezed_len = (size_t)(out - page->squeezed);
	}
	*len = page->squeezed_len;
	return page->squeezed;
}

static bool
is_in(struct span text, const char *all, size_t len)
{
	return text.len == 0 || memmem(all, len, text.at, text.len) != NULL;
}

/* An attribute's value stands in one piece in the page, but for entities. */
static bool
may_be_attribute(struct span text, struct page *page)
{
	size_t len;
	const char *all = probe_page_plain(page, &len);

	if (all == NULL) {
		all = probe_page_text(page, &len);
		if (memchr(all, '&', len) != NULL)
			return true;
	}
	return is_in(text, all, len);
}

/* A text may be cut by tags and blanks. */
static bool
may_be_text(struct span text, struct page *page)
{
	size_t len;
	const char *all = squeezed(page, &len);
	char *wanted = mem_new(text.len + 1);
	bool found;

	text.len = (size_t)(squeeze(wanted, text.at, text.len) - wanted);
	text.at = wanted;
	found = is_in(text, all, len);
	free(wanted);
	return found;
}

static bool
may_hold(const struct condition *condition, struct page *page,
    const struct values *values, struct buf *tmp)
{
	struct span text;

	if (condition->kind == HAS || condition->kind == UNKNOWN)
		return true;
	if (!text_of(condition, values, tmp, &text))
		return false;
	if (condition->kind == TEXT)
		return may_be_text(text, page);
	return may_be_attribute(text, page);
}

/* ---- predicates: all must hold, of each at least one term ---- */

typedef bool holds_fn(const struct condition *condition, void *arg);

static bool
all_hold(const struct quick *quick, holds_fn *holds, void *arg)
{
	size_t i = 0;

	while (i < quick->n) {
		unsigned predicate = quick->conditions[i].predicate;
		bool any = false;

		while (i < quick->n &&
		    quick->conditions[i].predicate == predicate) {
			unsigned term = quick->conditions[i].term;
			bool all = true;

			for (; i < quick->n &&
			     quick->conditions[i].predicate == predicate &&
			     quick->conditions[i].term == term;
			     i++)
				all = all && !any &&
				    holds(&quick->conditions[i], arg);
			any = any || all;
		}
		if (!any)
			return false;
	}
	return true;
}

/* What conditions are tried on. */
struct trial {
	struct page *page;
	const struct values *values;
	const struct tag *tag;
	struct buf *tmp, *value;
};

static bool
may_hold_in(const struct condition *condition, void *arg)
{
	struct trial *trial = arg;

	return may_hold(condition, trial->page, trial->values, trial->tmp);
}

/* ---- tags ---- */

/* The value of an attribute with its entities decoded. */
static bool
value_of(struct trial *trial, const char *name, struct span *out)
{
	if (probe_tag_is_overfull(trial->tag) ||
	    !probe_tag_attribute(trial->tag, name, out))
		return false;
	if (memchr(out->at, '&', out->len) == NULL)
		return true;
	buf_reset(trial->value);
	probe_entities_decode(out->at, out->len, trial->value);
	*out = (struct span){trial->value->data, trial->value->len};
	return true;
}

static bool
has_word(struct span value, struct span word)
{
	const char *at = value.at, *end = value.at + value.len;

	while (
	    (at = memmem(at, (size_t)(end - at), word.at, word.len)) != NULL) {
		if ((at == value.at || at[-1] == ' ') &&
		    (at + word.len == end || at[word.len] == ' '))
			return true;
		at++;
	}
	return false;
}

static bool
holds_in(const struct condition *condition, void *arg)
{
	struct trial *trial = arg;
	struct span value, text;

	if (!value_of(trial, condition->attribute, &value))
		return false;
	if (condition->kind == HAS)
		return true;
	if (!text_of(condition, trial->values, trial->tmp, &text))
		return false;
	if (condition->kind == HAS_WORD)
		return has_word(value, text);
	if (condition->kind == CONTAINS)
		return is_in(text, value.at, value.len);
	return (condition->kind == STARTS ? value.len >= text.len
					  : value.len == text.len) &&
	    memcmp(value.at, text.at, text.len) == 0;
}

static void
add_trimmed(struct buf *out, struct span text)
{
	while (text.len > 0 && text_blank(*text.at)) {
		text.at++;
		text.len--;
	}
	while (text.len > 0 && text_blank(text.at[text.len - 1]))
		text.len--;
	buf_add(out, text.at, text.len);
}

static enum quick_answer
find_tag(const struct quick *quick, struct trial *trial, struct buf *out)
{
	struct page_tags tags = probe_page_tags(trial->page);
	struct tag tag;
	struct span value;

	trial->tag = &tag;
	while (probe_page_tags_next(&tags, &tag)) {
		if (tag.closes ||
		    (quick->element != NULL &&
			!probe_span_is(tag.name, quick->element)) ||
		    !all_hold(quick, holds_in, trial))
			continue;
		if (quick->attribute == NULL)
			return QUICK_YES;
		if (!value_of(trial, quick->attribute, &value))
			continue;
		if (out != NULL)
			add_trimmed(out, value);
		return QUICK_YES;
	}
	return QUICK_NO;
}

enum quick_answer
probe_quick_find(const struct quick *quick, struct page *page,
    const struct values *values, struct buf *out)
{
	enum quick_answer answer = QUICK_UNKNOWN;
	struct buf tmp, value;
	struct trial trial = {
	    .page = page, .values = values, .tmp = &tmp, .value = &value};
	size_t len;

	(void)probe_page_text(page, &len);
	if (len > HTML_MAX)
		return QUICK_UNKNOWN;
	buf_init_secret(&tmp, PROBE_VALUE_MAX);
	buf_init_secret(&value, PROBE_VALUE_MAX);
	if (!all_hold(quick, may_hold_in, &trial))
		answer = QUICK_NO;
	else if (quick->exact && (out == NULL || quick->attribute != NULL))
		answer = find_tag(quick, &trial, out);
	buf_fini(&tmp);
	buf_fini(&value);
	return answer;
}
