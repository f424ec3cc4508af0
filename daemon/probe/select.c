/*
 * Selectors: what extractors and checks use to look into a page, by JSON
 * pointer, XPath or regular expression. All work on outside bytes has a limit,
 * and passing it is told apart from finding nothing.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "probe-int.h"

#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define REGEX_MATCHES 100000
#define REGEX_DEPTH 2000
#define REGEX_HEAP_KIB 1024
#define COUNT_MAX 1000000

/* ---- compiling ---- */

static bool
compile_pointer(struct scan *scan, struct selector *out)
{
	struct compiler *compiler = scan->compiler;
	const char *at = scan->at, *token, *star, *p;
	size_t len = probe_scan_token(scan, &token);
	bool good = len > 0 && token[0] == '/';

	for (p = token; good && p < token + len; p++)
		if (*p == '~' && p[1] != '0' && p[1] != '1')
			good = false;
	if (!good) {
		probe_compile_problem(compiler, scan->text, at,
		    "a JSON pointer such as /data/0/id is needed here");
		return false;
	}
	if (len == 1)
		len = 0; /* "/" is the whole for us */
	out->pointer = probe_compile_strndup(compiler, token, len);
	for (star = out->pointer; *star != '\0'; star++)
		if (star[0] == '/' && star[1] == '*' &&
		    (star[2] == '/' || star[2] == '\0'))
			break;
	if (*star != '\0') {
		out->rest =
		    probe_compile_strndup(compiler, star + 2, strlen(star + 2));
		out->pointer = probe_compile_strndup(
		    compiler, out->pointer, (size_t)(star - out->pointer));
		if (strstr(out->rest, "/*/") != NULL) {
			probe_compile_problem(compiler, scan->text, at,
			    "only one part of a pointer may be \"*\"");
			return false;
		}
	}
	return true;
}

static bool
compile_where(struct scan *scan, struct selector *out)
{
	const char *at = scan->at, *token;
	size_t len;

	if (out->rest == NULL) {
		probe_compile_problem(scan->compiler, scan->text, at,
		    "\"where\" needs a \"*\" in the pointer before it");
		return false;
	}
	at = scan->at;
	len = probe_scan_token(scan, &token);
	if (len == 0 || token[0] != '/') {
		probe_compile_problem(scan->compiler, scan->text, at,
		    "a JSON pointer into the element is needed here");
		return false;
	}
	out->where =
	    probe_compile_strndup(scan->compiler, token, len == 1 ? 0 : len);
	if (probe_scan_word(scan, "contains"))
		out->where_contains = true;
	else if (!probe_scan_word(scan, "=")) {
		probe_compile_problem(scan->compiler, scan->text, scan->at,
		    "= or contains is needed here");
		return false;
	}
	return probe_scan_text(scan, &out->where_text);
}

struct xpath_error {
	bool set;
	size_t at; /* offset in the expression */
};

/* libxml2 gives no words here, only the place. */
static void
keep_error(void *ctx, xmlErrorPtr error)
{
	struct xpath_error *kept = ctx;

	if (kept->set)
		return;
	kept->set = true;
	kept->at = error->int1 > 0 ? (size_t)error->int1 : 0;
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

/* The $NAMEs of an expression, outside its literals. */
static bool
compile_variables(struct scan *scan, const char *expr, struct selector *out)
{
	const char *p;
	char quote = '\0';
	bool good = true;
	size_t most = 1;

	for (p = expr; *p != '\0'; p++)
		most += *p == '$';
	out->vars =
	    probe_compile_alloc(scan->compiler, most, sizeof(*out->vars));
	for (p = expr; *p != '\0'; p++) {
		size_t len = 0;

		if (quote != '\0') {
			if (*p == quote)
				quote = '\0';
			continue;
		}
		if (*p == '"' || *p == '\'')
			quote = *p;
		if (*p != '$')
			continue;
		while (is_name_char(p[1 + len]))
			len++;
		if (!probe_template_name(scan->compiler, scan->text, p + 1, len,
			&out->vars[out->n_vars]))
			good = false;
		else
			out->n_vars++;
	}
	return good;
}

static xmlXPathCompExprPtr
compile_expression(const char *expr, struct xpath_error *error)
{
	xmlXPathContextPtr ctx = xmlXPathNewContext(NULL);
	xmlXPathCompExprPtr compiled = NULL;

	if (ctx == NULL)
		return NULL;
	ctx->error = keep_error;
	ctx->userData = error;
	compiled = xmlXPathCtxtCompile(ctx, (const xmlChar *)expr);
	xmlXPathFreeContext(ctx);
	return compiled;
}

static bool
compile_xpath(struct scan *scan, struct selector *out)
{
	const char *expr = scan->at;
	struct xpath_error error = {0};

	if (*expr == '\0') {
		probe_compile_problem(scan->compiler, scan->text, expr,
		    "an XPath expression is needed here");
		return false;
	}
	out->xpath_text =
	    probe_compile_strndup(scan->compiler, expr, strlen(expr));
	if (!compile_variables(scan, expr, out))
		return false;
	scan->at += strlen(expr);
	out->xpath = compile_expression(out->xpath_text, &error);
	if (out->xpath == NULL) {
		probe_compile_problem(scan->compiler, scan->text,
		    error.at <= strlen(expr) ? expr + error.at : expr,
		    "not an XPath 1.0 expression from here on, such as "
		    "//td[@class = 'x']/a/@href");
		return false;
	}
	if (!probe_xpath_calls(scan, expr))
		return false;
	out->quick = probe_quick_compile(scan->compiler, out);
	return true;
}

static bool
compile_regex(struct scan *scan, struct selector *out)
{
	const char *open = scan->at, *end;
	uint32_t flags = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	PCRE2_SIZE offset = 0;
	int code = 0;

	if (*open != '/') {
		probe_compile_problem(scan->compiler, scan->text, open,
		    "a pattern between slashes is needed here");
		return false;
	}
	for (end = open + 1; *end != '\0' && *end != '/'; end++)
		if (*end == '\\' && end[1] != '\0')
			end++;
	if (*end == '\0' || end == open + 1) {
		probe_compile_problem(scan->compiler, scan->text, open,
		    *end == '\0' ? "the pattern is never closed with a slash"
				 : "the pattern is empty");
		return false;
	}
	scan->at = end + 1;
	if (*scan->at == 'i') {
		flags |= PCRE2_CASELESS;
		scan->at++;
	}
	out->regex = pcre2_compile((PCRE2_SPTR)(open + 1),
	    (PCRE2_SIZE)(end - open - 1), flags, &code, &offset, NULL);
	if (out->regex == NULL) {
		PCRE2_UCHAR why[128] = "";

		pcre2_get_error_message(code, why, sizeof(why));
		probe_compile_problem(scan->compiler, scan->text,
		    open + 1 + offset, "bad pattern: %s", (const char *)why);
		return false;
	}
	/* Without JIT it is only slower. */
	(void)pcre2_jit_compile(out->regex, PCRE2_JIT_COMPLETE);
	return true;
}

int
probe_selector_scan(struct scan *scan, struct selector *out)
{
	*out = (struct selector){0};
	if (probe_scan_word(scan, "json")) {
		out->kind = SELECT_JSON;
		if (!compile_pointer(scan, out))
			return -1;
		if (probe_scan_word(scan, "where") && !compile_where(scan, out))
			return -1;
		return 1;
	}
	if (probe_scan_word(scan, "xpath")) {
		out->kind = SELECT_XPATH;
		return compile_xpath(scan, out) ? 1 : -1;
	}
	if (probe_scan_word(scan, "regex")) {
		out->kind = SELECT_REGEX;
		return compile_regex(scan, out) ? 1 : -1;
	}
	return 0;
}

void
probe_selector_fini(struct selector *selector)
{
	if (selector->xpath != NULL)
		xmlXPathFreeCompExpr(selector->xpath);
	if (selector->regex != NULL)
		pcre2_code_free(selector->regex);
	selector->xpath = NULL;
	selector->regex = NULL;
}

/* ---- looking ---- */

/* scalar appends a value as text; false for null and absence. */
static bool
add_json(const struct jv *value, struct buf *out)
{
	switch (jv_kind(value)) {
	case JV_NULL:
		return false;
	case JV_STRING:
		buf_adds(out, jv_string_value(value));
		return true;
	case JV_BOOL:
	case JV_INT:
	case JV_REAL:
	case JV_ARRAY:
	case JV_OBJECT:
		jv_dump(value, out);
		return true;
	}
	return false;
}

static bool
where_holds(const struct selector *selector, const struct jv *element,
    const char *wanted, size_t len, struct buf *tmp)
{
	buf_reset(tmp);
	if (!add_json(jv_pointer(element, selector->where), tmp))
		return false;
	if (selector->where_contains)
		return memmem(tmp->data, tmp->len, wanted, len) != NULL;
	return tmp->len == len && memcmp(tmp->data, wanted, len) == 0;
}

/* json_find: the first, or NULL; with `count`, all of them are counted. */
static struct jv *
json_find(const struct selector *selector, struct jv *root,
    const struct values *values, size_t *count)
{
	struct jv *list = jv_pointer(root, selector->pointer), *found = NULL;
	struct buf wanted, tmp;
	const char *key;
	void *iter = NULL;
	size_t i = 0;

	if (selector->rest == NULL)
		return list;
	buf_init(&wanted, PROBE_VALUE_MAX);
	buf_init(&tmp, PROBE_VALUE_MAX);
	if (selector->where != NULL &&
	    probe_template_expand(&selector->where_text, values, &wanted) !=
		NULL)
		goto out;
	while (found == NULL) {
		struct jv *element = NULL;

		if (jv_kind(list) == JV_OBJECT) {
			iter = jv_each(list, iter, &key, &element);
			if (iter == NULL)
				break;
		} else if (jv_kind(list) == JV_ARRAY && i < jv_len(list)) {
			element = jv_at(list, i++);
		} else {
			break;
		}
		if (selector->where != NULL &&
		    !where_holds(
			selector, element, wanted.data, wanted.len, &tmp))
			continue;
		found = jv_pointer(element, selector->rest);
		if (jv_kind(found) == JV_NULL)
			found = NULL;
		if (found != NULL && count != NULL) {
			++*count;
			found = NULL;
		}
	}
out:
	buf_fini(&wanted);
	buf_fini(&tmp);
	return found;
}

static enum found
find_json(const struct selector *selector, struct page *page,
    const struct values *values, struct buf *out)
{
	struct jv *root = probe_page_json(page);
	struct jv *value;

	if (root == NULL)
		return FOUND_NOT;
	value = json_find(selector, root, values, NULL);
	if (jv_kind(value) == JV_NULL)
		return FOUND_NOT;
	if (out == NULL)
		return FOUND;
	if (!add_json(value, out))
		return FOUND_NOT;
	return out->full ? FOUND_TOO_LARGE : FOUND;
}

struct lookup {
	const struct selector *selector;
	const struct values *values;
};

static xmlXPathObjectPtr
lookup_variable(void *ctx, const xmlChar *name, const xmlChar *ns_uri)
{
	const struct lookup *lookup = ctx;
	xmlXPathObjectPtr object = NULL;
	struct buf value;
	size_t i;

	(void)ns_uri;
	buf_init(&value, PROBE_VALUE_MAX);
	for (i = 0; i < lookup->selector->n_vars; i++) {
		struct part *part = &lookup->selector->vars[i];
		struct template one = {part, 1};

		if (strcmp(part->text, (const char *)name) != 0)
			continue;
		if (probe_template_expand(&one, lookup->values, &value) == NULL)
			object = xmlXPathNewCString(value.data);
		break;
	}
	buf_fini(&value);
	return object;
}

static bool
xpath_holds(const xmlXPathObject *result)
{
	if (result->type == XPATH_NODESET)
		return result->nodesetval != NULL &&
		    result->nodesetval->nodeNr > 0;
	return xmlXPathCastToBoolean((xmlXPathObjectPtr)(uintptr_t)result);
}

static void
add_trimmed(struct buf *out, const char *text)
{
	const char *end;

	while (text_blank(*text))
		text++;
	end = text + strlen(text);
	while (end > text && text_blank(end[-1]))
		end--;
	buf_add(out, text, (size_t)(end - text));
}

/* evaluate: the result, to be freed, or NULL. */
static xmlXPathObjectPtr
evaluate(const struct selector *selector, struct page *page,
    const struct values *values, xmlXPathContextPtr ctx)
{
	struct lookup lookup = {selector, values};
	struct xpath_error ignored = {0};
	xmlXPathCompExprPtr own = NULL;
	xmlXPathObjectPtr result;

	/* A compiled expression caches while it is evaluated, so a worker
	 * takes one of its own. */
	if (page->on_worker)
		own = compile_expression(selector->xpath_text, &ignored);
	ctx->node = xmlDocGetRootElement(page->html);
	ctx->opCount = 0;
	xmlXPathRegisterVariableLookup(ctx, lookup_variable, &lookup);
	result =
	    xmlXPathCompiledEval(page->on_worker ? own : selector->xpath, ctx);
	xmlXPathRegisterVariableLookup(ctx, NULL, NULL);
	xmlXPathFreeCompExpr(own);
	return result;
}

static enum found
find_in_tree(const struct selector *selector, struct page *page,
    const struct values *values, struct buf *out)
{
	xmlXPathContextPtr ctx = probe_page_xpath(page);
	xmlXPathObjectPtr result;
	enum found found = FOUND_NOT;
	xmlChar *text;

	if (ctx == NULL)
		return FOUND_NOT;
	result = evaluate(selector, page, values, ctx);
	if (result == NULL)
		return ctx->opCount >= ctx->opLimit ? FOUND_TOO_COSTLY
						    : FOUND_NOT;
	if (xpath_holds(result))
		found = FOUND;
	if (found == FOUND && out != NULL) {
		text = xmlXPathCastToString(result);
		if (text == NULL) {
			found = FOUND_NOT;
		} else {
			add_trimmed(out, (const char *)text);
			found = out->full ? FOUND_TOO_LARGE : FOUND;
		}
		xmlFree(text);
	}
	xmlXPathFreeObject(result);
	return found;
}

static enum found
find_xpath(const struct selector *selector, struct page *page,
    const struct values *values, struct buf *out)
{
	if (selector->quick != NULL) {
		switch (probe_quick_find(selector->quick, page, values, out)) {
		case QUICK_NO:
			return FOUND_NOT;
		case QUICK_YES:
			return out != NULL && out->full ? FOUND_TOO_LARGE
							: FOUND;
		case QUICK_UNKNOWN:
			break;
		}
	}
	return find_in_tree(selector, page, values, out);
}

static enum found
find_regex(const struct selector *selector, struct page *page, struct buf *out)
{
	pcre2_match_data *match =
	    pcre2_match_data_create_from_pattern(selector->regex, NULL);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	enum found found = FOUND_NOT;
	size_t len;
	const char *text = probe_page_text(page, &len);
	int code;

	if (match == NULL || limits == NULL)
		goto out;
	pcre2_set_match_limit(limits, REGEX_MATCHES);
	pcre2_set_depth_limit(limits, REGEX_DEPTH);
	pcre2_set_heap_limit(limits, REGEX_HEAP_KIB);
	if (len > PROBE_REGEX_SUBJECT_MAX)
		len = PROBE_REGEX_SUBJECT_MAX;
	code = pcre2_match(
	    selector->regex, (PCRE2_SPTR)text, len, 0, 0, match, limits);
	if (code > 0) {
		PCRE2_SIZE *at = pcre2_get_ovector_pointer(match);
		size_t group = 0;

		if (pcre2_get_ovector_count(match) > 1) {
			group = 1;
			if (code == 1 || at[2] == PCRE2_UNSET)
				goto out; /* the group took no part */
		}
		found = FOUND;
		if (out != NULL) {
			buf_add(out, text + at[2 * group],
			    at[2 * group + 1] - at[2 * group]);
			if (out->full)
				found = FOUND_TOO_LARGE;
		}
	} else if (code != PCRE2_ERROR_NOMATCH) {
		found = FOUND_TOO_COSTLY;
	}
out:
	pcre2_match_context_free(limits);
	pcre2_match_data_free(match);
	return found;
}

enum found
probe_selector_find(const struct selector *selector, struct page *page,
    const struct values *values, struct buf *out)
{
	switch (selector->kind) {
	case SELECT_JSON:
		return find_json(selector, page, values, out);
	case SELECT_XPATH:
		return find_xpath(selector, page, values, out);
	case SELECT_REGEX:
		return find_regex(selector, page, out);
	}
	return FOUND_NOT;
}

static size_t
count_xpath(const struct selector *selector, struct page *page,
    const struct values *values)
{
	xmlXPathContextPtr ctx = probe_page_xpath(page);
	xmlXPathObjectPtr result =
	    ctx == NULL ? NULL : evaluate(selector, page, values, ctx);
	size_t count = 0;

	if (result == NULL)
		return 0;
	if (result->type == XPATH_NODESET && result->nodesetval != NULL)
		count = (size_t)result->nodesetval->nodeNr;
	else if (result->type == XPATH_NUMBER && result->floatval >= 1 &&
	    result->floatval <= COUNT_MAX)
		count = (size_t)result->floatval;
	xmlXPathFreeObject(result);
	return count;
}

size_t
probe_selector_count(const struct selector *selector, struct page *page,
    const struct values *values)
{
	size_t count = 0;
	struct jv *root;

	switch (selector->kind) {
	case SELECT_JSON:
		root = probe_page_json(page);
		if (root != NULL && selector->rest != NULL)
			(void)json_find(selector, root, values, &count);
		return count;
	case SELECT_XPATH:
		return count_xpath(selector, page, values);
	case SELECT_REGEX:
		return 0;
	}
	return 0;
}
