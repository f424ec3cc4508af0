/*
 * Checks: "status in 200..299", "body contains 'Oceny'". One line each,
 * compiled at start, true or false of one page.
 */
#include "probe-int.h"

#include <string.h>

/* ---- compiling ---- */

static bool
scan_status(struct scan *scan, struct check *out)
{
	bool range = probe_scan_word(scan, "in");
	const char *at = scan->at;

	out->kind = CHECK_STATUS;
	if (!probe_scan_number(scan, &out->low))
		return false;
	out->high = out->low;
	if (range) {
		if (strncmp(scan->at, "..", 2) != 0) {
			probe_compile_problem(scan->compiler, scan->text,
			    scan->at, "a range is written 200..299");
			return false;
		}
		scan->at += 2;
		if (!probe_scan_number(scan, &out->high))
			return false;
	}
	if (out->low < 100 || out->high > 599 || out->low > out->high) {
		probe_compile_problem(scan->compiler, scan->text, at,
		    "a status lies between 100 and 599");
		return false;
	}
	return true;
}

static bool
scan_contains(struct scan *scan, struct check *out, bool lacks_too)
{
	out->compare = COMPARE_CONTAINS;
	if (lacks_too && probe_scan_word(scan, "lacks"))
		out->negated = !out->negated;
	else if (!probe_scan_word(scan, "contains")) {
		probe_compile_problem(scan->compiler, scan->text, scan->at,
		    lacks_too ? "contains or lacks is needed here"
			      : "contains is needed here");
		return false;
	}
	return probe_scan_text(scan, &out->text);
}

static bool
scan_check_name(struct scan *scan, const char *what, struct check *out)
{
	const char *token;
	size_t len = probe_scan_token(scan, &token);

	if (len == 0) {
		probe_compile_problem(scan->compiler, scan->text, scan->at,
		    "the name of a %s is needed here", what);
		return false;
	}
	out->name = probe_compile_strndup(scan->compiler, token, len);
	return true;
}

static bool
scan_size(struct scan *scan, struct check *out)
{
	out->kind = CHECK_SIZE;
	if (!probe_scan_word(scan, "at") || !probe_scan_word(scan, "least")) {
		probe_compile_problem(scan->compiler, scan->text, scan->at,
		    "it is written \"size at least N\"");
		return false;
	}
	return probe_scan_number(scan, &out->low);
}

static bool
scan_selected(struct scan *scan, struct check *out)
{
	out->kind = CHECK_SELECTOR;
	if (out->selector.kind != SELECT_JSON)
		return true;
	if (probe_scan_word(scan, "=")) {
		out->compare = COMPARE_EQUAL;
		return probe_scan_text(scan, &out->text);
	}
	if (probe_scan_word(scan, "contains")) {
		out->compare = COMPARE_CONTAINS;
		return probe_scan_text(scan, &out->text);
	}
	return true;
}

static bool
scan_check(struct scan *scan, struct check *out)
{
	int selected;

	if (probe_scan_word(scan, "status"))
		return scan_status(scan, out);
	if (probe_scan_word(scan, "body")) {
		out->kind = CHECK_BODY;
		return scan_contains(scan, out, true);
	}
	if (probe_scan_word(scan, "url")) {
		out->kind = CHECK_URL;
		return scan_contains(scan, out, true);
	}
	if (probe_scan_word(scan, "header")) {
		out->kind = CHECK_HEADER;
		return scan_check_name(scan, "header", out) &&
		    scan_contains(scan, out, false);
	}
	if (probe_scan_word(scan, "cookie")) {
		out->kind = CHECK_COOKIE;
		return scan_check_name(scan, "cookie", out);
	}
	if (probe_scan_word(scan, "size"))
		return scan_size(scan, out);
	selected = probe_selector_scan(scan, &out->selector);
	if (selected > 0)
		return scan_selected(scan, out);
	if (selected == 0)
		probe_compile_problem(scan->compiler, scan->text, scan->at,
		    "unknown check: status, body, header, url, xpath, json, "
		    "regex, cookie and size are known, each may begin with "
		    "not");
	return false;
}

bool
probe_check_compile(
    struct compiler *compiler, const struct conf_text *text, struct check *out)
{
	struct scan scan;

	*out = (struct check){0};
	out->source =
	    probe_compile_strndup(compiler, text->value, strlen(text->value));
	probe_scan_begin(&scan, compiler, text);
	if (probe_scan_word(&scan, "not"))
		out->negated = true;
	return scan_check(&scan, out) && probe_scan_end(&scan);
}

/* ---- judging ---- */

static enum found
truth(bool holds)
{
	return holds ? FOUND : FOUND_NOT;
}

/* compare expands the check's text into `wanted` and looks for it. */
static enum found
compare(const struct check *check, const struct values *values,
    const char *text, size_t len, struct buf *wanted)
{
	buf_reset(wanted);
	if (probe_template_expand(&check->text, values, wanted) != NULL)
		return FOUND_NOT;
	if (check->compare == COMPARE_EQUAL)
		return truth(
		    len == wanted->len && memcmp(text, wanted->data, len) == 0);
	return truth(memmem(text, len, wanted->data, wanted->len) != NULL);
}

static enum found
check_selected(const struct check *check, struct page *page,
    const struct values *values, struct buf *tmp)
{
	struct buf wanted;
	enum found found;

	if (check->compare == COMPARE_NONE)
		return probe_selector_find(
		    &check->selector, page, values, NULL);
	buf_reset(tmp);
	found = probe_selector_find(&check->selector, page, values, tmp);
	if (found != FOUND)
		return found;
	buf_init(&wanted, PROBE_VALUE_MAX);
	found = compare(check, values, tmp->data, tmp->len, &wanted);
	buf_fini(&wanted);
	return found;
}

/* The text as it stands in the page, or with its entities decoded. */
static enum found
check_body(const struct check *check, struct page *page,
    const struct values *values, struct buf *tmp)
{
	size_t len;
	const char *text = probe_page_text(page, &len);
	enum found found = compare(check, values, text, len, tmp);

	if (found != FOUND_NOT)
		return found;
	text = probe_page_plain(page, &len);
	return text == NULL ? found : compare(check, values, text, len, tmp);
}

static enum found
holds(const struct check *check, struct page *page, const struct values *values,
    struct buf *tmp)
{
	unsigned long status = (unsigned long)page->status;
	const char *text;

	switch (check->kind) {
	case CHECK_STATUS:
		return truth(status >= check->low && status <= check->high);
	case CHECK_BODY:
		return check_body(check, page, values, tmp);
	case CHECK_HEADER:
		text = probe_page_header(page, check->name);
		return text == NULL
		    ? FOUND_NOT
		    : compare(check, values, text, strlen(text), tmp);
	case CHECK_URL:
		return compare(
		    check, values, page->url, strlen(page->url), tmp);
	case CHECK_SELECTOR:
		return check_selected(check, page, values, tmp);
	case CHECK_COOKIE:
		return truth(probe_page_cookie(page, check->name) != NULL);
	case CHECK_SIZE:
		return truth(page->raw_len >= check->low);
	}
	return FOUND_NOT;
}

enum found
probe_check_run(const struct check *check, struct page *page,
    const struct values *values, struct buf *tmp)
{
	enum found found = holds(check, page, values, tmp);

	if (found == FOUND || found == FOUND_NOT)
		return truth((found == FOUND) != check->negated);
	return found;
}
