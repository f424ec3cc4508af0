/*
 * From a profile as read to a program: every text compiled, `use` replaced,
 * every problem reported with its key. Start and reload only.
 */
#include "probe-int.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define PROGRAM_MAX (16 * 1024 * 1024)

static const char *
keep(struct compiler *compiler, const char *text)
{
	return probe_compile_strndup(compiler, text, strlen(text));
}

/* ---- transactions ---- */

static void
named_problem(struct compiler *compiler, const struct conf_src *src,
    const char *key, const char *format, const char *name)
{
	char problem[256];

	snprintf(problem, sizeof(problem), "\"%s\" %s", name, format);
	conf_problem(compiler->problems, src, key, "%s", problem);
}

/* The transaction that `use` names, if it may be used. */
static const struct conf_transaction *
find_used(
    struct compiler *compiler, const struct conf_step *step, size_t t, size_t s)
{
	const struct conf_profile *profile = compiler->profile;
	const struct conf_transaction *used = NULL;
	char key[80];
	size_t i;

	snprintf(key, sizeof(key), "transactions[%zu].steps[%zu].use", t, s);
	for (i = 0; i < t && used == NULL; i++)
		if (strcmp(profile->transactions[i].name, step->use) == 0)
			used = &profile->transactions[i];
	if (used == NULL) {
		named_problem(compiler, &step->src, key,
		    "is not the name of an earlier transaction", step->use);
		return NULL;
	}
	for (i = 0; i < used->n_steps; i++)
		if (used->steps[i].use != NULL) {
			named_problem(compiler, &step->src, key,
			    "uses another transaction itself", step->use);
			return NULL;
		}
	return used;
}

static size_t
expand_use(struct compiler *compiler, struct probe_program *program,
    const struct conf_step *step, const struct conf_transaction *used,
    struct step *out)
{
	size_t index = (size_t)(used - compiler->profile->transactions);
	/* Its problems were reported where it stands. */
	struct conf_problems *real = compiler->problems;
	struct conf_problems *again = conf_problems_new();
	size_t n = 0, i;

	for (i = 0; i < used->n_steps; i++) {
		char name[2 * MODEL_NAME_SIZE + 2], cut[MODEL_NAME_SIZE];

		if (used->steps[i].always || used->steps[i].reserve)
			continue;
		compiler->problems = again;
		probe_compile_step(
		    compiler, program, &used->steps[i], step->actor, &out[n]);
		compiler->problems = real;
		snprintf(name, sizeof(name), "%s-%s", step->name,
		    used->steps[i].name);
		(void)text_copy(cut, sizeof(cut), name);
		out[n].name = keep(compiler, cut);
		out[n].origin = keep(compiler, step->name);
		out[n].always = step->always;
		out[n].has_reserve = false;
		out[n].inside = program->transactions[index].needs != SIZE_MAX;
		n++;
	}
	if (conf_problems_count(again) > 0 && conf_problems_count(real) == 0)
		conf_problem(real, &step->src, step->name, "%s",
		    conf_problems_at(again, 0));
	conf_problems_free(again);
	return n;
}

/* Which steps are played only when the answer to another one is lost. */
static void
find_reserves(const struct conf_transaction *conf, struct transaction *out)
{
	size_t i, k, s, of;

	for (i = 0; i < conf->n_steps; i++) {
		const struct conf_step *step = &conf->steps[i];

		for (of = 0; of < out->n_steps; of++)
			if (strcmp(out->steps[of].origin, step->name) == 0)
				break;
		for (k = 0; k < step->n_if_lost; k++)
			for (s = of + 1; s < out->n_steps; s++)
				if (strcmp(out->steps[s].origin,
					step->if_lost[k]) == 0)
					out->steps[s].reserve_of = of;
	}
}

/* find_span turns the names of `from` and `to` into the first and the last
 * step of that name. */
static void
find_span(struct compiler *compiler, const struct conf_transaction *conf,
    size_t t, struct transaction *out)
{
	size_t i, first = SIZE_MAX, last = 0;
	char key[48];

	for (i = 0; i < out->n_steps; i++)
		if (!out->steps[i].always &&
		    out->steps[i].reserve_of == SIZE_MAX) {
			if (first == SIZE_MAX)
				first = i;
			last = i;
		}
	out->from = first == SIZE_MAX ? 0 : first;
	out->to = out->last = last;
	if (first == SIZE_MAX && !conf->always) {
		snprintf(key, sizeof(key), "transactions[%zu].steps", t);
		named_problem(compiler, &conf->src, key,
		    "needs a step that is not `always`", conf->name);
		return;
	}
	if (conf->from != NULL) {
		for (i = 0; i < out->n_steps; i++)
			if (strcmp(out->steps[i].origin, conf->from) == 0)
				break;
		out->from = i;
	}
	if (conf->to != NULL) {
		for (i = out->n_steps; i > 0; i--)
			if (strcmp(out->steps[i - 1].origin, conf->to) == 0)
				break;
		out->to = i == 0 ? out->n_steps : i - 1;
	}
	snprintf(key, sizeof(key), "transactions[%zu].from", t);
	if (out->from == out->n_steps ||
	    (conf->from != NULL && out->steps[out->from].always))
		named_problem(compiler, &conf->src, key,
		    "is not a step of this transaction that is not `always`",
		    conf->from == NULL ? "" : conf->from);
	memcpy(strrchr(key, '.'), ".to", 4);
	if (out->to == out->n_steps ||
	    (conf->to != NULL && out->steps[out->to].always))
		named_problem(compiler, &conf->src, key,
		    "is not a step of this transaction that is not `always`",
		    conf->to == NULL ? "" : conf->to);
	else if (out->from < out->n_steps && out->to < out->from)
		named_problem(compiler, &conf->src, key,
		    "comes before the step that `from` names",
		    out->steps[out->to].origin);
}

static void
find_needs(struct compiler *compiler, struct probe_program *program,
    const struct conf_transaction *conf, size_t t)
{
	char key[48];
	size_t i;

	program->transactions[t].needs = SIZE_MAX;
	if (conf->needs == NULL)
		return;
	for (i = 0; i < t; i++)
		if (strcmp(program->transactions[i].name, conf->needs) == 0 &&
		    !program->transactions[i].always) {
			program->transactions[t].needs = i;
			return;
		}
	if (conf->always)
		return; /* clean-up is done in any case */
	snprintf(key, sizeof(key), "transactions[%zu].needs", t);
	named_problem(compiler, &conf->src, key,
	    "is not an earlier, measured transaction", conf->needs);
}

/* A step that cleans up is left out when there is nothing for it. */
static void
forget_missing(struct step *step)
{
	size_t i;

	for (i = 0; i < step->n_extract; i++)
		step->extract[i].forgets = true;
}

static void
compile_transaction(
    struct compiler *compiler, struct probe_program *program, size_t t)
{
	const struct conf_transaction *conf =
	    &compiler->profile->transactions[t];
	struct transaction *out = &program->transactions[t];
	const struct conf_transaction *used;
	size_t i, most = 0;

	out->name = keep(compiler, conf->name);
	out->timeout = conf->timeout;
	out->always = conf->always;
	out->repeat = conf->repeat;
	out->result = conf->always ? SIZE_MAX : program->n_measured++;
	for (i = 0; i < compiler->profile->n_transactions; i++)
		if (compiler->profile->transactions[i].n_steps > most)
			most = compiler->profile->transactions[i].n_steps;
	out->steps = probe_compile_alloc(
	    compiler, conf->n_steps * most + 1, sizeof(*out->steps));
	for (i = 0; i < conf->n_steps; i++) {
		if (conf->steps[i].use == NULL) {
			probe_compile_step(compiler, program, &conf->steps[i],
			    conf->steps[i].actor, &out->steps[out->n_steps++]);
			continue;
		}
		used = find_used(compiler, &conf->steps[i], t, i);
		if (used != NULL)
			out->n_steps += expand_use(compiler, program,
			    &conf->steps[i], used, &out->steps[out->n_steps]);
	}
	for (i = 0; conf->always && i < out->n_steps; i++)
		forget_missing(&out->steps[i]);
	find_reserves(conf, out);
	find_needs(compiler, program, conf, t);
	for (i = 0; i < out->n_steps; i++)
		if (strcmp(out->steps[i].origin, out->steps[i].name) == 0)
			out->steps[i].inside = out->needs != SIZE_MAX;
	find_span(compiler, conf, t, out);
}

/* ---- life ---- */

static void
program_free(struct probe_program *program)
{
	size_t t, s, i;

	for (t = 0; t < program->n_transactions; t++)
		for (s = 0; s < program->transactions[t].n_steps; s++) {
			struct step *step = &program->transactions[t].steps[s];

			for (i = 0; i < step->n_expect; i++)
				probe_selector_fini(&step->expect[i].selector);
			for (i = 0; i < step->n_extract; i++)
				probe_selector_fini(&step->extract[i].selector);
			probe_selector_fini(&step->until.selector);
			probe_selector_fini(&step->once);
		}
	for (i = 0; i < program->n_markers; i++) {
		probe_selector_fini(&program->markers[i].xpath);
		probe_selector_fini(&program->markers[i].json.selector);
	}
	arena_fini(&program->arena);
	free(program);
}

struct probe_program *
probe_compile(
    const struct conf_profile *profile, struct conf_problems *problems)
{
	struct probe_program *program = mem_new(sizeof(*program));
	struct compiler *compiler = mem_new(sizeof(*compiler));
	size_t before = conf_problems_count(problems), i;

	program->references = 1;
	arena_init(&program->arena, PROGRAM_MAX);
	compiler->problems = problems;
	compiler->profile = profile;
	compiler->arena = &program->arena;
	program->path = keep(compiler, profile->path);
	program->max_body_bytes = (size_t)profile->max_body_bytes;
	probe_compile_hosts(compiler, program);
	probe_compile_profile_headers(compiler);
	program->transactions = probe_compile_alloc(
	    compiler, profile->n_transactions, sizeof(*program->transactions));
	for (i = 0; i < profile->n_transactions; i++) {
		program->n_transactions = i + 1;
		compile_transaction(compiler, program, i);
	}
	program->markers = probe_compile_alloc(
	    compiler, profile->n_markers, sizeof(*program->markers));
	compiler->plain = true;
	for (i = 0; i < profile->n_markers; i++)
		(void)probe_marker_compile(compiler, &profile->markers[i], i,
		    &program->markers[program->n_markers++]);
	program->n_slots = compiler->n_names;
	program->needs = compiler->needs;
	program->n_needs = compiler->n_needs;
	free(compiler);
	if (conf_problems_count(problems) > before) {
		program_free(program);
		return NULL;
	}
	return program;
}

struct probe_program *
probe_program_hold(struct probe_program *program)
{
	atomic_fetch_add_explicit(
	    &program->references, 1, memory_order_relaxed);
	return program;
}

void
probe_program_release(struct probe_program *program)
{
	if (program == NULL ||
	    atomic_fetch_sub_explicit(
		&program->references, 1, memory_order_acq_rel) > 1)
		return;
	program_free(program);
}

/* The names of what an account's file has; never the values. */
static void
lacks_field(const struct conf_account *account, const struct need *need,
    const struct conf_deployment *deployment, struct conf_problems *problems)
{
	struct buf all;
	size_t i;

	buf_init(&all, 1024);
	for (i = 0; i < account->n_fields; i++)
		buf_printf(
		    &all, "%s%s", i == 0 ? "" : ", ", account->fields[i].name);
	conf_problem(problems, &deployment->src,
	    need->actor == CONF_SENDER ? "sender" : "recipient",
	    "account \"%s\" has no value \"%s\", which the profile asks for; "
	    "it has %s",
	    account->name, need->name, all.data);
	buf_fini(&all);
}

static void
check_account(const struct probe_program *program, const struct need *need,
    const struct conf_deployment *deployment, struct conf_problems *problems)
{
	bool sender = need->actor == CONF_SENDER;
	const struct conf_account *account =
	    sender ? deployment->sender : deployment->recipient;

	if (account != NULL && conf_account_field(account, need->name) == NULL)
		lacks_field(account, need, deployment, problems);
	if (account == NULL && (sender || !program->needs_recipient))
		conf_problem(problems, &deployment->src,
		    sender ? "sender" : "recipient",
		    "deployment \"%s\" names no such account, the profile "
		    "asks for its \"%s\"",
		    deployment->name, need->name);
}

void
probe_check_deployment(const struct probe_program *program,
    const struct conf_deployment *deployment, struct conf_problems *problems)
{
	size_t i, k;

	if (program->needs_recipient && deployment->recipient == NULL)
		conf_problem(problems, &deployment->src, "recipient",
		    "deployment \"%s\" needs a recipient's account, the "
		    "profile acts as one",
		    deployment->name);
	for (i = 0; i < program->n_needs; i++) {
		const struct need *need = &program->needs[i];

		if (need->account) {
			check_account(program, need, deployment, problems);
			continue;
		}
		for (k = 0; k < deployment->n_vars; k++)
			if (strcmp(deployment->vars[k].name, need->name) == 0)
				break;
		if (k == deployment->n_vars)
			conf_problem(problems, &deployment->src, "vars",
			    "deployment \"%s\" gives no value to \"%s\"",
			    deployment->name, need->name);
	}
}

size_t
probe_program_transactions(const struct probe_program *program)
{
	return program->n_measured;
}

const char *
probe_program_transaction(const struct probe_program *program, size_t i)
{
	size_t t;

	for (t = 0; t < program->n_transactions; t++)
		if (program->transactions[t].result == i)
			return program->transactions[t].name;
	return NULL;
}
