/*
 * Extractors: "NAME = json /token" and the like. They put values where later
 * templates find them, in the slots of whoever the step acts as.
 */
#include "probe-int.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- compiling ---- */

static bool
scan_one_token(struct scan *scan, const char *what, struct extractor *out)
{
	const char *token;
	size_t len = probe_scan_token(scan, &token);

	if (len == 0) {
		probe_compile_problem(scan->compiler, scan->text, scan->at,
		    "%s is needed here", what);
		return false;
	}
	out->name = probe_compile_strndup(scan->compiler, token, len);
	return probe_scan_end(scan);
}

static bool
scan_kind(struct scan *scan, struct extractor *out)
{
	int selected = probe_selector_scan(scan, &out->selector);

	if (selected < 0)
		return false;
	if (selected > 0) {
		out->kind = EXTRACT_SELECTOR;
		return probe_scan_end(scan);
	}
	if (probe_scan_word(scan, "form")) {
		out->kind = EXTRACT_FORM;
		return scan_one_token(scan, "the name of a field", out);
	}
	if (probe_scan_word(scan, "header")) {
		out->kind = EXTRACT_HEADER;
		return scan_one_token(scan, "the name of a header", out);
	}
	if (probe_scan_word(scan, "cookie")) {
		out->kind = EXTRACT_COOKIE;
		return scan_one_token(scan, "the name of a cookie", out);
	}
	if (probe_scan_word(scan, "between")) {
		out->kind = EXTRACT_BETWEEN;
		return probe_scan_text(scan, &out->before) &&
		    probe_scan_text(scan, &out->after) && probe_scan_end(scan);
	}
	if (probe_scan_word(scan, "url")) {
		out->kind = EXTRACT_URL;
		return probe_scan_end(scan);
	}
	probe_compile_problem(scan->compiler, scan->text, scan->at,
	    "unknown extractor: json, xpath, regex, form, header, cookie, "
	    "between and url are known");
	return false;
}

static bool
name_slots(
    struct scan *scan, const char *name, size_t len, struct extractor *out)
{
	struct compiler *compiler = scan->compiler;
	bool form = out->kind == EXTRACT_FORM;
	char *action;

	out->slot = probe_compile_name(compiler, scan->text, name, len, form);
	if (out->slot == SIZE_MAX)
		return false;
	if (!form)
		return true;
	action = probe_compile_alloc(compiler, len + sizeof(".action"), 1);
	memcpy(action, name, len);
	memcpy(action + len, ".action", sizeof(".action"));
	out->action_slot = probe_compile_name(
	    compiler, scan->text, action, strlen(action), false);
	return out->action_slot != SIZE_MAX;
}

bool
probe_extract_compile(struct compiler *compiler, const struct conf_text *text,
    struct extractor *out)
{
	struct scan scan;
	const char *name;
	size_t len;

	*out = (struct extractor){0};
	probe_scan_begin(&scan, compiler, text);
	len = probe_scan_name(&scan, &name);
	if (len == 0)
		return false;
	if (probe_scan_word(&scan, "?="))
		out->optional = true;
	else if (!probe_scan_word(&scan, "=")) {
		probe_compile_problem(compiler, text, scan.at,
		    "= or ?= is needed after the name");
		return false;
	}
	out->source = probe_compile_strndup(compiler, scan.at, strlen(scan.at));
	/* The name is made known in any case, so that its users are not
	 * reported, too. */
	if (!scan_kind(&scan, out)) {
		name_slots(&scan, name, len, out);
		return false;
	}
	return name_slots(&scan, name, len, out);
}

/* ---- running ---- */

static enum found
find_between(const struct extractor *extractor, struct page *page,
    const struct values *values, struct buf *out)
{
	struct buf mark;
	size_t len;
	const char *text = probe_page_text(page, &len), *start, *end;
	enum found found = FOUND_NOT;

	buf_init(&mark, PROBE_VALUE_MAX);
	if (probe_template_expand(&extractor->before, values, &mark) != NULL)
		goto out;
	start = memmem(text, len, mark.data, mark.len);
	if (start == NULL)
		goto out;
	start += mark.len;
	buf_reset(&mark);
	if (probe_template_expand(&extractor->after, values, &mark) != NULL)
		goto out;
	end = memmem(start, len - (size_t)(start - text), mark.data, mark.len);
	if (end == NULL)
		goto out;
	buf_add(out, start, (size_t)(end - start));
	found = out->full ? FOUND_TOO_LARGE : FOUND;
out:
	buf_fini(&mark);
	return found;
}

static enum found
copy_text(const char *text, struct buf *out)
{
	if (text == NULL)
		return FOUND_NOT;
	buf_adds(out, text);
	return out->full ? FOUND_TOO_LARGE : FOUND;
}

static bool
store(struct value *value, struct arena *arena, const char *data, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (copy == NULL)
		return false;
	memcpy(copy, data, len);
	value->data = copy;
	value->len = len;
	return true;
}

static enum found
store_action(const struct extractor *extractor, struct values *values,
    struct arena *arena, char *action)
{
	struct value *slot =
	    &values->vars[values->actor][extractor->action_slot];
	bool stored = strlen(action) < PROBE_VALUE_MAX &&
	    store(slot, arena, action, strlen(action));

	free(action);
	return stored ? FOUND : FOUND_TOO_LARGE;
}

enum found
probe_extract_run(const struct extractor *extractor, struct page *page,
    struct values *values, struct arena *arena, struct buf *tmp)
{
	enum charset charset = CHARSET_UTF8;
	struct value *slot;
	enum found found = FOUND_NOT;
	char *action = NULL;

	buf_reset(tmp);
	switch (extractor->kind) {
	case EXTRACT_SELECTOR:
		found = probe_selector_find(
		    &extractor->selector, page, values, tmp);
		break;
	case EXTRACT_FORM:
		if (probe_page_form(
			page, extractor->name, tmp, &action, &charset))
			found = store_action(extractor, values, arena, action);
		break;
	case EXTRACT_HEADER:
		found =
		    copy_text(probe_page_header(page, extractor->name), tmp);
		break;
	case EXTRACT_COOKIE:
		found =
		    copy_text(probe_page_cookie(page, extractor->name), tmp);
		break;
	case EXTRACT_BETWEEN:
		found = find_between(extractor, page, values, tmp);
		break;
	case EXTRACT_URL:
		found = copy_text(page->url, tmp);
		break;
	}
	if (found == FOUND && tmp->full)
		found = FOUND_TOO_LARGE;
	slot = &values->vars[values->actor][extractor->slot];
	if (found == FOUND_NOT && extractor->optional) {
		if (extractor->forgets) {
			*slot = (struct value){0};
			return FOUND;
		}
		buf_reset(tmp);
		found = FOUND;
	}
	if (found == FOUND && !store(slot, arena, tmp->data, tmp->len))
		return FOUND_TOO_LARGE;
	if (found == FOUND)
		slot->charset = charset;
	return found;
}
