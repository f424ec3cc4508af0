/*
 * The functions that an XPath expression calls. libxml2 looks for them only
 * when it evaluates, and then gives no value, which would be taken for a page
 * that does not fit.
 */
#include "probe-int.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/text.h"

#define ANY_NUMBER 255

struct callable {
	const char *name;
	unsigned least, most; /* arguments */
};

static const struct callable functions[] = {
    {"boolean", 1, 1},
    {"ceiling", 1, 1},
    {"concat", 2, ANY_NUMBER},
    {"contains", 2, 2},
    {"count", 1, 1},
    {"false", 0, 0},
    {"floor", 1, 1},
    {"id", 1, 1},
    {"lang", 1, 1},
    {"last", 0, 0},
    {"local-name", 0, 1},
    {"name", 0, 1},
    {"namespace-uri", 0, 1},
    {"normalize-space", 0, 1},
    {"not", 1, 1},
    {"number", 0, 1},
    {"position", 0, 0},
    {"round", 1, 1},
    {"starts-with", 2, 2},
    {"string", 0, 1},
    {"string-length", 0, 1},
    {"substring", 2, 3},
    {"substring-after", 2, 2},
    {"substring-before", 2, 2},
    {"sum", 1, 1},
    {"translate", 3, 3},
    {"true", 0, 0},
};

/* What may stand before a parenthesis besides a function's name. */
static const char *const others[] = {"and", "or", "div", "mod", "node", "text",
    "comment", "processing-instruction"};

static bool
begins_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
goes_on_name(char c)
{
	return begins_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static const char *
skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* skip_literal: behind the literal that begins here. */
static const char *
skip_literal(const char *p)
{
	const char *end = strchr(p + 1, *p);

	return end == NULL ? p + strlen(p) : end + 1;
}

/* n_arguments: of the call whose parenthesis is open. */
static unsigned
n_arguments(const char *open)
{
	const char *p = skip_blanks(open + 1);
	unsigned n = *p == ')' ? 0 : 1, depth = 1;

	while (*p != '\0' && depth > 0) {
		if (*p == '"' || *p == '\'') {
			p = skip_literal(p);
			continue;
		}
		if (*p == '(' || *p == '[')
			depth++;
		else if (*p == ')' || *p == ']')
			depth--;
		else if (*p == ',' && depth == 1)
			n++;
		p++;
	}
	return n;
}

static void
unknown_function(struct scan *scan, const char *at, const char *name)
{
	const char *known[ARRAY_LEN(functions)];
	const char *near;
	struct buf all;
	size_t i;

	for (i = 0; i < ARRAY_LEN(functions); i++)
		known[i] = functions[i].name;
	near = text_nearest(name, known, ARRAY_LEN(known));
	if (near != NULL) {
		probe_compile_problem(scan->compiler, scan->text, at,
		    "unknown function \"%s\"; did you mean \"%s\"?", name,
		    near);
		return;
	}
	buf_init(&all, 1024);
	for (i = 0; i < ARRAY_LEN(known); i++)
		buf_printf(&all, "%s%s", i == 0 ? "" : ", ", known[i]);
	probe_compile_problem(scan->compiler, scan->text, at,
	    "unknown function \"%s\": XPath 1.0 has %s", name, all.data);
	buf_fini(&all);
}

static bool
check_call(struct scan *scan, const char *at, size_t len, const char *open)
{
	const char *name = probe_compile_strndup(scan->compiler, at, len);
	char range[32] = "";
	unsigned n = n_arguments(open);
	size_t i;

	for (i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	for (i = 0; i < ARRAY_LEN(functions); i++)
		if (strcmp(name, functions[i].name) == 0)
			break;
	if (i == ARRAY_LEN(functions)) {
		unknown_function(scan, at, name);
		return false;
	}
	if (n >= functions[i].least && n <= functions[i].most)
		return true;
	if (functions[i].most == ANY_NUMBER)
		snprintf(range, sizeof(range), "or more");
	else if (functions[i].most > functions[i].least)
		snprintf(range, sizeof(range), "to %u", functions[i].most);
	probe_compile_problem(scan->compiler, scan->text, at,
	    "the function \"%s\" takes %u%s%s arguments; here it has %u", name,
	    functions[i].least, range[0] == '\0' ? "" : " ", range, n);
	return false;
}

bool
probe_xpath_calls(struct scan *scan, const char *expr)
{
	const char *p = expr;

	while (*p != '\0') {
		const char *name = p, *next;

		if (*p == '"' || *p == '\'') {
			p = skip_literal(p);
			continue;
		}
		p++;
		if (*name != '$' && !begins_name(*name))
			continue;
		while (goes_on_name(*p))
			p++;
		next = skip_blanks(p);
		if (*next == '(' &&
		    !check_call(scan, name, (size_t)(p - name), next))
			return false;
	}
	return true;
}
