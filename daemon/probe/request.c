/*
 * What a step sends: address, headers, body, made from templates into the
 * run's own buffers, and wiped when the answer is there.
 */
#include "run-int.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

bool
probe_request_origin(const char *url, char *out, size_t size)
{
	size_t scheme, host;

	if (strncasecmp(url, "https://", 8) == 0)
		scheme = 8;
	else if (strncasecmp(url, "http://", 7) == 0)
		scheme = 7;
	else
		return false;
	host = strcspn(url + scheme, "/?#");
	if (host == 0 || scheme + host >= size ||
	    memchr(url + scheme, '@', host) != NULL)
		return false;
	memcpy(out, url, scheme + host);
	out[scheme + host] = '\0';
	return true;
}

bool
probe_request_host_allowed(
    struct probe_run *run, const char *url, char *host, size_t host_size)
{
	const struct probe_program *program = run->job.program;
	struct buf pattern;
	bool allowed = false;
	size_t i, len;

	if (!http_url_host(url, host, host_size))
		return false;
	len = strlen(host);
	buf_init(&pattern, 512);
	for (i = 0; i < program->n_hosts && !allowed; i++) {
		const char *p;
		size_t n;

		buf_reset(&pattern);
		if (probe_template_expand(
			&program->hosts[i], &run->values, &pattern) != NULL)
			continue;
		p = pattern.data;
		n = strcspn(p, ":"); /* a variable may bring its port */
		if (n > 2 && p[0] == '*' && p[1] == '.')
			allowed = len > n - 1 &&
			    strncasecmp(host + len - (n - 1), p + 1, n - 1) ==
				0;
		else
			allowed = n == len && strncasecmp(host, p, n) == 0;
	}
	buf_fini(&pattern);
	return allowed;
}

/* Bytes that may not stand in an address are encoded, as a browser does. */
static bool
clean_url(const struct buf *in, struct buf *out)
{
	size_t i;

	for (i = 0; i < in->len; i++) {
		unsigned char c = (unsigned char)in->data[i];

		if (c == '#')
			break;
		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL)
			buf_printf(out, "%%%02X", c);
		else
			buf_addc(out, (char)c);
	}
	return !out->full;
}

static enum prepared
prepare_url(struct probe_run *run, const struct step *step, const char **why)
{
	struct buf *raw = &run->tmp[2];
	enum prepared done = PREPARED;

	buf_reset(raw);
	buf_reset(&run->url);
	*why = probe_template_expand(&step->url, &run->values, raw);
	if (*why != NULL && **why != '\0')
		done = PREPARED_NO_VALUE;
	else if (*why != NULL || !clean_url(raw, &run->url)) {
		*why = "the address is too long";
		done = PREPARED_BAD;
	}
	buf_reset(raw);
	return done;
}

static enum prepared
add_header(struct probe_run *run, const char *name, const struct buf *value,
    const char **why)
{
	char *copy;

	if (text_has_control(value->data)) {
		*why = "a header's value has a line break or the like";
		return PREPARED_BAD;
	}
	if (value->len == 0)
		return PREPARED; /* an empty one suppresses our own */
	copy = arena_strndup(&run->scratch, value->data, value->len);
	if (copy == NULL || run->n_headers == RUN_HEADERS_MAX - 4) {
		*why = "too many headers";
		return PREPARED_BAD;
	}
	run->headers[run->n_headers++] = (struct http_header){name, copy};
	return PREPARED;
}

static enum prepared
prepare_headers(
    struct probe_run *run, const struct step *step, const char **why)
{
	struct buf *value = &run->tmp[2];
	enum prepared done = PREPARED;
	size_t i;

	run->n_headers = 0;
	for (i = 0; i < step->n_headers && done == PREPARED; i++) {
		buf_reset(value);
		*why = probe_template_expand(
		    &step->headers[i].value, &run->values, value);
		if (*why != NULL)
			done = **why != '\0' ? PREPARED_NO_VALUE : PREPARED_BAD;
		else
			done =
			    add_header(run, step->headers[i].name, value, why);
	}
	buf_reset(value);
	return done;
}

/* ---- bodies ---- */

/* One field, in the charset of the form. */
static void
add_pair(struct probe_run *run, const struct step *step, enum charset charset,
    const char *name, const char *value, size_t len)
{
	const struct charsets *charsets = &run->probe->charsets;
	struct buf *body = &run->body, *coded = &run->coded;

	buf_reset(coded);
	probe_charset_encode(charsets, charset, name, strlen(name), coded);
	if (step->body_kind == BODY_MULTIPART) {
		buf_printf(body,
		    "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n"
		    "\r\n",
		    run->mark, coded->data);
	} else {
		if (body->len > 0)
			buf_addc(body, '&');
		text_url_encode(body, coded->data, coded->len);
		buf_addc(body, '=');
	}
	buf_reset(coded);
	probe_charset_encode(charsets, charset, value, len, coded);
	if (step->body_kind == BODY_MULTIPART) {
		buf_add(body, coded->data, coded->len);
		buf_adds(body, "\r\n");
	} else {
		text_url_encode(body, coded->data, coded->len);
	}
	body->full = body->full || coded->full;
	buf_reset(coded);
}

static bool
is_given(const struct step *step, const char *name)
{
	size_t i;

	for (i = 0; i < step->n_fields; i++)
		if (step->fields[i].name != NULL &&
		    strcmp(step->fields[i].name, name) == 0)
			return true;
	return false;
}

/* The form in a slot, of whoever acts, else of the sender. */
static const struct value *
form_in(const struct probe_run *run, const struct step *step, size_t slot)
{
	const struct value *form = &run->values.vars[step->actor][slot];

	return form->data != NULL
	    ? form
	    : &run->values.vars[step->actor == CONF_SENDER][slot];
}

/* That of the page whose form is sent; else UTF-8. */
static enum charset
form_charset(const struct probe_run *run, const struct step *step)
{
	size_t i;

	for (i = 0; i < step->n_fields; i++)
		if (step->fields[i].name == NULL)
			return form_in(run, step, step->fields[i].splice)
			    ->charset;
	return CHARSET_UTF8;
}

static bool
add_splice(struct probe_run *run, const struct step *step, size_t slot)
{
	const struct value *form = form_in(run, step, slot);
	const char *p, *end;

	if (form->data == NULL)
		return false;
	end = form->data + form->len;
	for (p = form->data; p < end;) {
		const char *value = p + strlen(p) + 1;
		size_t len;

		if (value > end)
			break;
		len = strlen(value);
		/* A page must not smuggle its way out of a part's head. */
		if (!is_given(step, p) &&
		    (step->body_kind != BODY_MULTIPART ||
			(!text_has_control(p) && strchr(p, '"') == NULL)))
			add_pair(run, step, form->charset, p, value, len);
		p = value + len + 1;
	}
	return true;
}

static enum prepared
prepare_form(struct probe_run *run, const struct step *step, const char **why)
{
	enum charset charset = form_charset(run, step);
	struct buf *value = &run->tmp[2];
	enum prepared done = PREPARED;
	size_t i;

	for (i = 0; i < step->n_fields && done == PREPARED; i++) {
		const struct field *field = &step->fields[i];

		if (field->name == NULL) {
			if (!add_splice(run, step, field->splice)) {
				*why = "the form";
				done = PREPARED_NO_VALUE;
			}
			continue;
		}
		buf_reset(value);
		*why =
		    probe_template_expand(&field->value, &run->values, value);
		if (*why != NULL)
			done = **why != '\0' ? PREPARED_NO_VALUE : PREPARED_BAD;
		else
			add_pair(run, step, charset, field->name, value->data,
			    value->len);
	}
	if (step->body_kind == BODY_MULTIPART)
		buf_printf(&run->body, "--%s--\r\n", run->mark);
	buf_reset(value);
	return done;
}

static enum prepared
prepare_body(struct probe_run *run, const struct step *step, const char **why)
{
	enum prepared done = PREPARED;

	buf_reset(&run->body);
	switch (step->body_kind) {
	case BODY_NONE:
		break;
	case BODY_FORM:
	case BODY_MULTIPART:
		done = prepare_form(run, step, why);
		break;
	case BODY_JSON:
	case BODY_TEXT:
		*why = probe_template_expand(
		    &step->body, &run->values, &run->body);
		if (*why != NULL)
			done = **why != '\0' ? PREPARED_NO_VALUE : PREPARED_BAD;
		break;
	}
	if (done == PREPARED && run->body.full)
		done = PREPARED_BAD;
	if (done == PREPARED_BAD)
		*why = "the body is too large";
	return done;
}

enum prepared
probe_request_prepare(struct probe_run *run, const char **why)
{
	const struct step *step = probe_run_step(run);
	enum prepared done;

	arena_reset(&run->scratch);
	run->values.actor = step->actor;
	run->values.now = clock_wall(loop_clock(run->probe->loop));
	done = prepare_url(run, step, why);
	if (done == PREPARED)
		done = prepare_headers(run, step, why);
	if (done == PREPARED)
		done = prepare_body(run, step, why);
	if (done != PREPARED)
		probe_request_forget(run);
	return done;
}

void
probe_request_forget(struct probe_run *run)
{
	size_t i;

	buf_reset(&run->body);
	for (i = 0; i < 2; i++)
		buf_reset(&run->tmp[i]);
}

/* ---- the headers of one hop ---- */

static bool
has_header(const struct step *step, const char *name)
{
	size_t i;

	for (i = 0; i < step->n_headers; i++)
		if (strcasecmp(step->headers[i].name, name) == 0)
			return true;
	return false;
}

static void
push(struct probe_run *run, size_t *n, const char *name, const char *value)
{
	if (value != NULL && *n < RUN_HEADERS_MAX)
		run->headers[(*n)++] = (struct http_header){name, value};
}

static const char *
content_type(struct probe_run *run, const struct step *step)
{
	switch (step->body_kind) {
	case BODY_NONE:
		return NULL;
	case BODY_FORM:
		return "application/x-www-form-urlencoded";
	case BODY_MULTIPART:
		return arena_printf(&run->scratch,
		    "multipart/form-data; boundary=%s", run->mark);
	case BODY_JSON:
		return "application/json";
	case BODY_TEXT:
		return "text/plain; charset=utf-8";
	}
	return NULL;
}

/* What a browser tells of where it comes from: the whole address within an
 * origin, the origin to another, nothing from https to http. */
static const char *
referer(struct probe_run *run, const char *url)
{
	const char *from = run->actors[run->values.actor].page_url.data;
	char here[300], there[300];

	if (*from == '\0' || !probe_request_origin(from, here, sizeof(here)) ||
	    !probe_request_origin(url, there, sizeof(there)))
		return NULL;
	if (strcasecmp(here, there) == 0)
		return from;
	if (strncasecmp(here, "https:", 6) == 0 &&
	    strncasecmp(there, "https:", 6) != 0)
		return NULL;
	return arena_printf(&run->scratch, "%s/", here);
}

static const char *
origin(struct probe_run *run, const char *url)
{
	const char *from = run->actors[run->values.actor].page_url.data;
	char here[300];

	if (run->at.crossed)
		return "null";
	if (!probe_request_origin(
		*from != '\0' ? from : url, here, sizeof(here)))
		return NULL;
	return arena_strdup(&run->scratch, here);
}

void
probe_request_headers(struct probe_run *run, struct http_request *request)
{
	const struct step *step = probe_run_step(run);
	size_t n = run->n_headers;
	uint8_t parent[8];

	if (run->at.with_body && !has_header(step, "Content-Type"))
		push(run, &n, "Content-Type", content_type(run, step));
	if (!has_header(step, "Referer"))
		push(run, &n, "Referer", referer(run, request->url));
	if (request->method != HTTP_GET && !has_header(step, "Origin"))
		push(run, &n, "Origin", origin(run, request->url));
	probe_run_random(run, parent, sizeof(parent));
	parent[0] |= 0x10; /* never zero */
	probe_run_hex(run->span, parent, sizeof(parent));
	push(run, &n, "traceparent",
	    arena_printf(&run->scratch, "00-%s-%s-01", run->id, run->span));
	request->headers = run->headers;
	request->n_headers = n;
}
