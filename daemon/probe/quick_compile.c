/*
 * XPath without a tree, at start: is an expression of the shape that quick.c
 * can do with?
 */
#include "probe-int.h"
#include "quick-int.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/text.h"

struct reader {
	struct compiler *compiler;
	const struct selector *selector;
	struct quick *quick;
	const char *at;
	unsigned predicate, term;
};

static void
skip_blanks(struct reader *reader)
{
	while (text_blank(*reader->at))
		reader->at++;
}

/* take: the token comes next, and is passed. */
static bool
take(struct reader *reader, const char *token)
{
	size_t len = strlen(token);

	skip_blanks(reader);
	if (strncmp(reader->at, token, len) != 0)
		return false;
	reader->at += len;
	return true;
}

/* A name as it stands in the tree, in small letters; NULL: none comes. */
static const char *
take_name(struct reader *reader)
{
	size_t len;
	const char *name;

	skip_blanks(reader);
	len = strspn(reader->at, "abcdefghijklmnopqrstuvwxyz0123456789-_");
	if (len == 0 || !(reader->at[0] >= 'a' && reader->at[0] <= 'z'))
		return NULL;
	name = probe_compile_strndup(reader->compiler, reader->at, len);
	reader->at += len;
	return name;
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

static bool
take_text(struct reader *reader, struct condition *out)
{
	char quote;
	const char *end;
	size_t len, i;

	skip_blanks(reader);
	quote = *reader->at;
	if (quote == '"' || quote == '\'') {
		end = strchr(reader->at + 1, quote);
		out->len = (size_t)(end - reader->at) - 1;
		out->text = probe_compile_strndup(
		    reader->compiler, reader->at + 1, out->len);
		reader->at = end + 1;
		return true;
	}
	for (i = 0; quote == '$' && i < reader->selector->n_vars; i++) {
		struct part *var = &reader->selector->vars[i];

		len = strlen(var->text);
		if (strncmp(reader->at + 1, var->text, len) != 0 ||
		    is_name_char(reader->at[1 + len]))
			continue;
		out->var = var;
		reader->at += 1 + len;
		return true;
	}
	return false;
}

/* What is looked at: an attribute, as words or not, or the element's text. */
static bool
take_operand(struct reader *reader, struct condition *out)
{
	static const char *const texts[] = {"normalize-space()",
	    "normalize-space(.)", "normalize-space(text())", "text()",
	    "string()", "string(.)", "."};
	size_t i;

	if (take(reader, "concat(' ', @") || take(reader, "concat(\" \", @")) {
		out->kind = HAS_WORD;
		out->attribute = take_name(reader);
		return out->attribute != NULL &&
		    (take(reader, ", ' ')") || take(reader, ", \" \")"));
	}
	if (take(reader, "@")) {
		out->kind = HAS;
		out->attribute = take_name(reader);
		return out->attribute != NULL;
	}
	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (take(reader, texts[i])) {
			out->kind = TEXT;
			return true;
		}
	return false;
}

/* " x " in " the words ": `x` is what is sought. */
static bool
strip_word(struct condition *out)
{
	if (out->text == NULL || out->len < 3 || out->text[0] != ' ' ||
	    out->text[out->len - 1] != ' ')
		return false;
	out->text++;
	out->len -= 2;
	return true;
}

static bool
take_call(
    struct reader *reader, enum condition_kind kind, struct condition *out)
{
	if (!take_operand(reader, out) || !take(reader, ",") ||
	    !take_text(reader, out) || !take(reader, ")"))
		return false;
	if (out->kind == HAS_WORD)
		return kind == CONTAINS && strip_word(out);
	if (out->kind == HAS)
		out->kind = kind;
	return true;
}

static bool
take_condition(struct reader *reader, struct condition *out)
{
	if (take(reader, "contains("))
		return take_call(reader, CONTAINS, out);
	if (take(reader, "starts-with("))
		return take_call(reader, STARTS, out);
	if (!take_operand(reader, out) || out->kind == HAS_WORD)
		return false;
	if (!take(reader, "="))
		return out->kind == HAS;
	if (out->kind == HAS)
		out->kind = EQUALS;
	return take_text(reader, out);
}

/* The word that joins conditions, not the beginning of a longer one. */
static bool
comes(const char *at, const char *word)
{
	size_t len = strlen(word);

	return strncmp(at, word, len) == 0 &&
	    (text_blank(at[len]) || at[len] == '(');
}

static bool
ends_condition(const char *at)
{
	return *at == ']' || comes(at, "and") || comes(at, "or");
}

/* Passes what is not understood, up to the end of the condition. */
static void
skip_condition(struct reader *reader)
{
	unsigned depth = 0;
	const char *p = reader->at;

	for (; *p != '\0'; p++) {
		if (*p == '"' || *p == '\'') {
			p = strchr(p + 1, *p);
		} else if (*p == '(' || *p == '[') {
			depth++;
		} else if (depth > 0 && (*p == ')' || *p == ']')) {
			depth--;
		} else if (depth == 0 &&
		    (*p == ']' ||
			(p > reader->at &&
			    strchr(" \t\n\r)]'\"", p[-1]) != NULL &&
			    ends_condition(p)))) {
			break;
		}
	}
	reader->at = p;
}

static bool
read_condition(struct reader *reader)
{
	struct quick *quick = reader->quick;
	struct condition *out;
	const char *from = reader->at;

	if (quick->n == CONDITIONS_MAX)
		return false;
	out = &quick->conditions[quick->n++];
	if (take_condition(reader, out)) {
		skip_blanks(reader);
	} else {
		reader->at = from;
		out->kind = UNKNOWN;
	}
	if (out->kind == UNKNOWN || !ends_condition(reader->at)) {
		reader->at = from;
		skip_condition(reader);
		*out = (struct condition){.kind = UNKNOWN};
	}
	out->predicate = reader->predicate;
	out->term = reader->term;
	if (out->kind == TEXT || out->kind == UNKNOWN)
		quick->exact = false;
	return true;
}

static bool
read_predicate(struct reader *reader)
{
	for (;;) {
		if (!read_condition(reader))
			return false;
		if (take(reader, "]"))
			break;
		if (take(reader, "or"))
			reader->term++;
		else if (!take(reader, "and"))
			return false;
	}
	reader->predicate++;
	reader->term = 0;
	return true;
}

/* read_path: false when it is no plain path. */
static bool
read_path(struct reader *reader)
{
	struct quick *quick = reader->quick;
	unsigned steps;

	for (steps = 0; *reader->at != '\0'; steps++) {
		bool anywhere = take(reader, "//");

		if (!anywhere && !take(reader, "/"))
			return false;
		if (steps > 0 && take(reader, "@")) {
			quick->exact = quick->exact && steps == 1 && !anywhere;
			quick->attribute = take_name(reader);
			skip_blanks(reader);
			return quick->attribute != NULL && *reader->at == '\0';
		}
		quick->exact = quick->exact && steps == 0 && anywhere;
		quick->element = NULL;
		if (!take(reader, "*")) {
			quick->element = take_name(reader);
			if (quick->element == NULL)
				return false;
		}
		while (take(reader, "["))
			if (!read_predicate(reader))
				return false;
		skip_blanks(reader);
	}
	return steps > 0;
}

/* Elements that are in the tree whether they stand in the page or not. */
static bool
is_implied(const struct quick *quick)
{
	static const char *const names[] = {"html", "head", "body", "p"};
	size_t i;

	if (quick->element == NULL)
		return quick->n == 0;
	for (i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(quick->element, names[i]) == 0)
			return true;
	return false;
}

const struct quick *
probe_quick_compile(struct compiler *compiler, const struct selector *selector)
{
	struct quick *quick = probe_compile_alloc(compiler, 1, sizeof(*quick));
	struct reader reader = {
	    .compiler = compiler,
	    .selector = selector,
	    .quick = quick,
	    .at = selector->xpath_text,
	};

	quick->exact = true;
	if (!read_path(&reader))
		return NULL;
	quick->exact = quick->exact && !is_implied(quick);
	return quick;
}
