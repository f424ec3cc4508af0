/*
 * Names: what ${NAME} may stand for, found while a profile is compiled; and
 * the memory and the problems of the compiler.
 */
#include "probe-int.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

static const struct {
	const char *name;
	enum part_kind kind;
} generators[] = {
    {"run.id", PART_RUN_ID},
    {"run.mark", PART_RUN_MARK},
    {"run.uuid", PART_RUN_UUID},
    {"now", PART_NOW},
    {"now.ms", PART_NOW_MS},
    {"now.date", PART_DATE},
    {"now.time", PART_TIME},
};

void *
probe_compile_alloc(struct compiler *compiler, size_t n, size_t size)
{
	void *memory = arena_alloc(compiler->arena, n * size + (n == 0));

	if (memory == NULL)
		log_fatal(
		    "profile too large", "path=%s", compiler->profile->path);
	return memory;
}

char *
probe_compile_strndup(struct compiler *compiler, const char *text, size_t len)
{
	char *copy = probe_compile_alloc(compiler, len + 1, 1);

	memcpy(copy, text, len);
	return copy;
}

void
probe_compile_problem(struct compiler *compiler, const struct conf_text *text,
    const char *at, const char *format, ...)
{
	char problem[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(problem, sizeof(problem), format, args);
	va_end(args);
	conf_problem(compiler->problems, &text->src, text->key,
	    "column %td: %s", at - text->value + 1, problem);
}

size_t
probe_compile_find(
    const struct compiler *compiler, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < compiler->n_names; i++) {
		const char *known = compiler->names[i].name;

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return i;
	}
	return SIZE_MAX;
}

size_t
probe_compile_name(struct compiler *compiler, const struct conf_text *text,
    const char *name, size_t len, bool form)
{
	size_t slot = probe_compile_find(compiler, name, len), i;

	for (i = 0; i < compiler->profile->n_vars; i++)
		if (strlen(compiler->profile->vars[i]) == len &&
		    memcmp(compiler->profile->vars[i], name, len) == 0) {
			probe_compile_problem(compiler, text, text->value,
			    "\"%.*s\" is already one of the profile's vars",
			    (int)len, name);
			return SIZE_MAX;
		}
	if (slot != SIZE_MAX) {
		if (compiler->names[slot].form == form)
			return slot;
		probe_compile_problem(compiler, text, text->value,
		    "\"%.*s\" is a form in one step and a text in another",
		    (int)len, name);
		return SIZE_MAX;
	}
	if (compiler->n_names == PROBE_NAMES_MAX) {
		probe_compile_problem(compiler, text, text->value,
		    "a profile may extract at most %d names", PROBE_NAMES_MAX);
		return SIZE_MAX;
	}
	slot = compiler->n_names++;
	compiler->names[slot].name = probe_compile_strndup(compiler, name, len);
	compiler->names[slot].form = form;
	return slot;
}

static void
add_need(struct compiler *compiler, bool account, enum conf_actor actor,
    const char *name)
{
	struct need *need;
	size_t i;

	for (i = 0; i < compiler->n_needs; i++) {
		need = &compiler->needs[i];
		if (need->account == account && need->actor == actor &&
		    strcmp(need->name, name) == 0)
			return;
	}
	if ((compiler->n_needs & (compiler->n_needs + 1)) == 0) {
		/* full at 0, 1, 3, 7, …: double */
		struct need *more = probe_compile_alloc(
		    compiler, 2 * compiler->n_needs + 1, sizeof(*more));

		if (compiler->n_needs > 0)
			memcpy(more, compiler->needs,
			    compiler->n_needs * sizeof(*more));
		compiler->needs = more;
	}
	compiler->needs[compiler->n_needs++] =
	    (struct need){account, actor, name};
}

static void
list_names(struct compiler *compiler, const struct conf_text *whole,
    const char *at, const char *name)
{
	struct buf all;
	size_t i;

	buf_init(&all, 4096);
	for (i = 0; i < compiler->profile->n_vars; i++)
		buf_printf(&all, "%s, ", compiler->profile->vars[i]);
	for (i = 0; i < compiler->n_names && !compiler->plain; i++)
		if (!compiler->names[i].form)
			buf_printf(&all, "%s, ", compiler->names[i].name);
	for (i = 0; i < ARRAY_LEN(generators); i++)
		buf_printf(&all, "%s, ", generators[i].name);
	probe_compile_problem(compiler, whole, at,
	    "unknown name \"%s\": known here are %ssender.FIELD, "
	    "recipient.FIELD, account.FIELD, date-Nd and date+Nd",
	    name, all.data);
	buf_fini(&all);
}

static void
unknown_name(struct compiler *compiler, const struct conf_text *whole,
    const char *at, const char *name, size_t len)
{
	const char *known[PROBE_NAMES_MAX + 64];
	const char *near;
	char *copy = probe_compile_strndup(compiler, name, len);
	size_t n = 0, i;

	for (i = 0; i < ARRAY_LEN(generators); i++)
		known[n++] = generators[i].name;
	for (i = 0; i < compiler->n_names; i++)
		known[n++] = compiler->names[i].name;
	for (i = 0; i < compiler->profile->n_vars && n < ARRAY_LEN(known); i++)
		known[n++] = compiler->profile->vars[i];
	near = text_nearest(copy, known, n);
	if (near != NULL)
		probe_compile_problem(compiler, whole, at,
		    "unknown name \"%s\"; did you mean \"%s\"?", copy, near);
	else
		list_names(compiler, whole, at, copy);
}

static bool
has_prefix(const char *name, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len > n && memcmp(name, prefix, n) == 0;
}

static bool
parse_date(const char *name, size_t len, struct part *out)
{
	int days = 0;
	size_t i;

	if (len < 7 || len > 9 || memcmp(name, "date", 4) != 0 ||
	    (name[4] != '-' && name[4] != '+') || name[len - 1] != 'd')
		return false;
	for (i = 5; i < len - 1; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		days = 10 * days + (name[i] - '0');
	}
	out->kind = PART_DATE;
	out->days = name[4] == '-' ? -days : days;
	return true;
}

static bool
parse_account(
    struct compiler *compiler, const char *name, size_t len, struct part *out)
{
	const char *dot = memchr(name, '.', len);

	if (has_prefix(name, len, "sender."))
		out->actor = CONF_SENDER;
	else if (has_prefix(name, len, "recipient."))
		out->actor = CONF_RECIPIENT;
	else if (has_prefix(name, len, "account."))
		out->actor = compiler->actor;
	else
		return false;
	out->kind = PART_ACCOUNT;
	out->field = probe_compile_strndup(
	    compiler, dot + 1, len - (size_t)(dot + 1 - name));
	add_need(compiler, true, out->actor, out->field);
	return true;
}

bool
probe_template_name(struct compiler *compiler, const struct conf_text *whole,
    const char *name, size_t len, struct part *out)
{
	const char *at = name;
	size_t i;

	*out = (struct part){0};
	if (at < whole->value || at > whole->value + strlen(whole->value))
		at = whole->value;
	out->text = probe_compile_strndup(compiler, name, len);
	for (i = 0; i < ARRAY_LEN(generators); i++)
		if (strcmp(out->text, generators[i].name) == 0) {
			out->kind = generators[i].kind;
			return true;
		}
	if (parse_date(name, len, out) ||
	    parse_account(compiler, name, len, out))
		return true;
	out->slot = probe_compile_find(compiler, name, len);
	if (out->slot != SIZE_MAX) {
		out->kind = PART_EXTRACTED;
		if (compiler->names[out->slot].form)
			probe_compile_problem(compiler, whole, at,
			    "\"%s\" is a form: use \"*\" = \"%s\" in a form, "
			    "or ${%s.action}",
			    out->text, out->text, out->text);
		else if (compiler->plain)
			probe_compile_problem(compiler, whole, at,
			    "\"%s\" is extracted later; here only vars, "
			    "accounts, run.* and now are known",
			    out->text);
		else
			return true;
		return false;
	}
	for (i = 0; i < compiler->profile->n_vars; i++)
		if (strcmp(out->text, compiler->profile->vars[i]) == 0) {
			out->kind = PART_DEPLOYMENT;
			add_need(compiler, false, CONF_SENDER, out->text);
			return true;
		}
	unknown_name(compiler, whole, at, name, len);
	return false;
}
