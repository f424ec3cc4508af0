/*
 * The words of the one-line languages: tokens, numbers, quoted texts. What
 * they mean is known to select.c, extract.c and check.c.
 */
#include "probe-int.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
skip_blanks(struct scan *scan)
{
	while (is_blank(*scan->at))
		scan->at++;
}

void
probe_scan_begin(
    struct scan *scan, struct compiler *compiler, const struct conf_text *text)
{
	*scan = (struct scan){compiler, text, text->value};
	skip_blanks(scan);
}

bool
probe_scan_word(struct scan *scan, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(scan->at, word, len) != 0 ||
	    (scan->at[len] != '\0' && !is_blank(scan->at[len])))
		return false;
	scan->at += len;
	skip_blanks(scan);
	return true;
}

size_t
probe_scan_token(struct scan *scan, const char **token)
{
	size_t len = 0;

	while (scan->at[len] != '\0' && !is_blank(scan->at[len]))
		len++;
	*token = scan->at;
	scan->at += len;
	skip_blanks(scan);
	return len;
}

size_t
probe_scan_name(struct scan *scan, const char **name)
{
	size_t len = 0;
	const char *p = scan->at;

	while ((p[len] >= 'a' && p[len] <= 'z') ||
	    (p[len] >= 'A' && p[len] <= 'Z') || p[len] == '_' ||
	    (len > 0 && p[len] >= '0' && p[len] <= '9'))
		len++;
	*name = p;
	if (len == 0 || len > 31 || *p == '_') {
		probe_compile_problem(scan->compiler, scan->text, p,
		    "this begins with NAME =, up to 31 letters, digits and _");
		return 0;
	}
	scan->at += len;
	skip_blanks(scan);
	return len;
}

bool
probe_scan_quoted(struct scan *scan, char **out, size_t *len)
{
	const char *open = scan->at, *p;
	char quote = *open;
	char *text;
	size_t n = 0;

	if (quote != '"' && quote != '\'') {
		probe_compile_problem(scan->compiler, scan->text, scan->at,
		    "a text in quotes is needed here");
		return false;
	}
	text = probe_compile_alloc(scan->compiler, strlen(open), 1);
	for (p = open + 1; *p != '\0' && *p != quote; p++) {
		if (*p == '\\' && (p[1] == '"' || p[1] == '\'' || p[1] == '\\'))
			p++;
		text[n++] = *p;
	}
	if (*p == '\0') {
		probe_compile_problem(scan->compiler, scan->text, open,
		    "the quote is never closed");
		return false;
	}
	text[n] = '\0';
	*out = text;
	*len = n;
	scan->at = p + 1;
	skip_blanks(scan);
	return true;
}

bool
probe_scan_text(struct scan *scan, struct template *out)
{
	const char *at = scan->at;
	char *text;
	size_t len;

	if (!probe_scan_quoted(scan, &text, &len))
		return false;
	return probe_template_compile(
	    scan->compiler, scan->text, at, text, len, out);
}

bool
probe_scan_number(struct scan *scan, unsigned long *number)
{
	const char *p = scan->at;
	unsigned long value = 0;

	while (*p >= '0' && *p <= '9' && value < 100000000)
		value = 10 * value + (unsigned long)(*p++ - '0');
	if (p == scan->at || (*p >= '0' && *p <= '9')) {
		probe_compile_problem(scan->compiler, scan->text, scan->at,
		    "a whole number is needed here");
		return false;
	}
	*number = value;
	scan->at = p;
	return true;
}

bool
probe_scan_end(struct scan *scan)
{
	skip_blanks(scan);
	if (*scan->at == '\0')
		return true;
	probe_compile_problem(scan->compiler, scan->text, scan->at,
	    "nothing may follow here, but there is \"%.40s\"", scan->at);
	return false;
}
