/*
 * One step of a profile as read to a step of the program: its address,
 * headers, body, checks and extractions. Transactions are for program.c.
 */
#include "probe-int.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

static bool
given(const struct conf_text *text)
{
	return text->value != NULL && text->value[0] != '\0';
}

static const char *
keep(struct compiler *compiler, const char *text)
{
	return probe_compile_strndup(compiler, text, strlen(text));
}

/* The profile's headers are compiled for each step, because of account.FIELD;
 * what is wrong with them is told once, by probe_compile. */
static void
profile_header(
    struct compiler *compiler, const struct conf_pair *pair, struct header *out)
{
	struct conf_problems *real = compiler->problems;
	struct conf_problems *again = conf_problems_new();

	compiler->problems = again;
	compiler->plain = true;
	out->name = keep(compiler, pair->name);
	(void)probe_template_whole(compiler, &pair->value, &out->value);
	compiler->plain = false;
	compiler->problems = real;
	conf_problems_free(again);
}

void
probe_compile_profile_headers(struct compiler *compiler)
{
	const struct conf_profile *profile = compiler->profile;
	struct template ignored;
	size_t i;

	compiler->plain = true;
	for (i = 0; i < profile->n_headers; i++)
		(void)probe_template_whole(
		    compiler, &profile->headers[i].value, &ignored);
	compiler->plain = false;
}

static void
compile_headers(
    struct compiler *compiler, const struct conf_step *conf, struct step *out)
{
	const struct conf_profile *profile = compiler->profile;
	size_t i, k;

	out->headers = probe_compile_alloc(compiler,
	    profile->n_headers + conf->n_headers, sizeof(*out->headers));
	for (i = 0; i < profile->n_headers; i++) {
		const struct conf_pair *pair = &profile->headers[i];

		for (k = 0; k < conf->n_headers; k++)
			if (strcasecmp(conf->headers[k].name, pair->name) == 0)
				break;
		if (k == conf->n_headers)
			profile_header(
			    compiler, pair, &out->headers[out->n_headers++]);
	}
	for (i = 0; i < conf->n_headers; i++) {
		const struct conf_pair *pair = &conf->headers[i];
		struct header *header = &out->headers[out->n_headers++];

		header->name = keep(compiler, pair->name);
		(void)probe_template_whole(
		    compiler, &pair->value, &header->value);
	}
}

static void
splice_problem(struct compiler *compiler, const struct conf_text *value)
{
	struct buf all;
	size_t i;

	buf_init(&all, 4096);
	for (i = 0; i < compiler->n_names; i++)
		if (compiler->names[i].form)
			buf_printf(&all, "%s%s", all.len == 0 ? "" : ", ",
			    compiler->names[i].name);
	probe_compile_problem(compiler, value, value->value,
	    "\"*\" takes the name of a form that an earlier step extracts: %s",
	    all.len == 0 ? "there is none" : all.data);
	buf_fini(&all);
}

static void
compile_splice(
    struct compiler *compiler, const struct conf_text *value, struct field *out)
{
	size_t slot =
	    probe_compile_find(compiler, value->value, strlen(value->value));

	if (slot == SIZE_MAX || !compiler->names[slot].form)
		splice_problem(compiler, value);
	else
		out->splice = slot;
}

static void
compile_body(
    struct compiler *compiler, const struct conf_step *conf, struct step *out)
{
	size_t i;

	if (conf->n_form > 0) {
		out->body_kind = conf->multipart ? BODY_MULTIPART : BODY_FORM;
		out->n_fields = conf->n_form;
		out->fields = probe_compile_alloc(
		    compiler, conf->n_form, sizeof(*out->fields));
		for (i = 0; i < conf->n_form; i++) {
			const struct conf_pair *pair = &conf->form[i];

			if (strcmp(pair->name, "*") == 0) {
				compile_splice(
				    compiler, &pair->value, &out->fields[i]);
				continue;
			}
			out->fields[i].name = keep(compiler, pair->name);
			(void)probe_template_whole(
			    compiler, &pair->value, &out->fields[i].value);
		}
	} else if (given(&conf->json)) {
		out->body_kind = BODY_JSON;
		(void)probe_template_whole(compiler, &conf->json, &out->body);
	} else if (given(&conf->body)) {
		out->body_kind = BODY_TEXT;
		(void)probe_template_whole(compiler, &conf->body, &out->body);
	}
}

static void
add_seen(
    struct compiler *compiler, const char ***list, size_t *n, const char *name)
{
	const char **more =
	    probe_compile_alloc(compiler, *n + 1, sizeof(*more));

	if (*n > 0)
		memcpy(more, *list, *n * sizeof(*more));
	more[(*n)++] = name;
	*list = more;
}

static void
see_check(
    struct compiler *compiler, struct step *step, const struct check *check)
{
	if (check->name == NULL)
		return;
	if (check->kind == CHECK_HEADER)
		add_seen(compiler, &step->seen_headers, &step->n_seen_headers,
		    check->name);
	if (check->kind == CHECK_COOKIE)
		add_seen(compiler, &step->seen_cookies, &step->n_seen_cookies,
		    check->name);
}

/* What can be counted: elements of JSON, nodes. */
static void
compile_once(
    struct compiler *compiler, const struct conf_text *text, struct step *out)
{
	struct scan scan;
	int selected;

	probe_scan_begin(&scan, compiler, text);
	selected = probe_selector_scan(&scan, &out->once);
	if (selected < 0 || (selected > 0 && !probe_scan_end(&scan)))
		return;
	out->counts = selected > 0 && out->once.kind != SELECT_REGEX &&
	    (out->once.kind != SELECT_JSON || out->once.rest != NULL);
	if (!out->counts)
		probe_compile_problem(compiler, text, text->value,
		    "what is to be counted is json with a \"*\" in its "
		    "pointer, or xpath");
}

static void
compile_judgement(
    struct compiler *compiler, const struct conf_step *conf, struct step *out)
{
	size_t i;

	out->expect =
	    probe_compile_alloc(compiler, conf->n_expect, sizeof(*out->expect));
	for (i = 0; i < conf->n_expect; i++) {
		(void)probe_check_compile(
		    compiler, &conf->expect[i], &out->expect[i]);
		see_check(compiler, out, &out->expect[i]);
	}
	out->n_expect = conf->n_expect;
	if (given(&conf->until)) {
		out->polls = true;
		(void)probe_check_compile(compiler, &conf->until, &out->until);
		see_check(compiler, out, &out->until);
	}
	if (given(&conf->once))
		compile_once(compiler, &conf->once, out);
	out->extract = probe_compile_alloc(
	    compiler, conf->n_extract, sizeof(*out->extract));
	for (i = 0; i < conf->n_extract; i++) {
		struct extractor *extractor = &out->extract[i];

		(void)probe_extract_compile(
		    compiler, &conf->extract[i], extractor);
		if (extractor->kind == EXTRACT_HEADER &&
		    extractor->name != NULL)
			add_seen(compiler, &out->seen_headers,
			    &out->n_seen_headers, extractor->name);
		if (extractor->kind == EXTRACT_COOKIE &&
		    extractor->name != NULL)
			add_seen(compiler, &out->seen_cookies,
			    &out->n_seen_cookies, extractor->name);
	}
	out->n_extract = conf->n_extract;
}

static void
compile_derive(
    struct compiler *compiler, const struct conf_step *conf, struct step *out)
{
	size_t i;

	out->derive =
	    probe_compile_alloc(compiler, conf->n_derive, sizeof(*out->derive));
	for (i = 0; i < conf->n_derive; i++)
		(void)probe_derive_compile(
		    compiler, &conf->derive[i], &out->derive[i]);
	out->n_derive = conf->n_derive;
}

void
probe_compile_step(struct compiler *compiler, struct probe_program *program,
    const struct conf_step *conf, enum conf_actor actor, struct step *out)
{
	compiler->actor = actor;
	if (actor == CONF_RECIPIENT)
		program->needs_recipient = true;
	out->name = out->origin = keep(compiler, conf->name);
	out->actor = actor;
	out->method = conf->method;
	out->every = conf->every;
	out->at_most = conf->at_most;
	out->late = conf->late;
	out->timeout = conf->timeout;
	out->has_reserve = conf->n_if_lost > 0;
	out->reserve_of = SIZE_MAX;
	out->always = conf->always;
	out->idempotent = conf->idempotent;
	out->follow = conf->follow;
	compile_derive(compiler, conf, out);
	if (probe_template_whole(compiler, &conf->url, &out->url))
		probe_compile_literal_host(compiler, &conf->url);
	compile_headers(compiler, conf, out);
	compile_body(compiler, conf, out);
	compile_judgement(compiler, conf, out);
}
