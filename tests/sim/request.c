/*
 * What a client sent, taken apart: forms (urlencoded and multipart), JSON,
 * cookies, headers; and the making of the answer. Not the connection, which
 * server.c holds.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim.h"

bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes in place; a decoded NUL ends the value, as in many real servers. */
static void
url_decode(char *at)
{
	char *out = at;

	for (; *at != '\0'; at++) {
		if (*at == '+') {
			*out++ = ' ';
		} else if (*at == '%' && hex_digit(at[1]) >= 0 &&
		    hex_digit(at[2]) >= 0) {
			*out++ =
			    (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
			at += 2;
		} else {
			*out++ = *at;
		}
	}
	*out = '\0';
}

static void
add_param(struct exchange *x, const char *name, const char *value)
{
	if (x->n_params < PARAMS_MAX)
		x->params[x->n_params++] = (struct param){name, value};
}

static void
parse_urlencoded(struct exchange *x)
{
	char *rest = x->body.at;

	while (rest != NULL && *rest != '\0') {
		char *name = strsep(&rest, "&");
		char *value = strchr(name, '=');
		if (value == NULL)
			value = name + strlen(name);
		else
			*value++ = '\0';
		url_decode(name);
		url_decode(value);
		if (*name != '\0')
			add_param(x, name, value);
	}
}

/* The quoted value of `key` in the headers of a part; cuts it out in place. */
static char *
disposition(char *headers, const char *key)
{
	char wanted[32];

	snprintf(wanted, sizeof(wanted), " %s=\"", key);
	char *at = strcasestr(headers, wanted);
	if (at == NULL)
		return NULL;
	at += strlen(wanted);
	char *end = strchr(at, '"');
	if (end == NULL)
		return NULL;
	*end = '\0';
	return at;
}

static void
parse_multipart(struct exchange *x, const char *boundary)
{
	char mark[100];
	char *at;

	snprintf(mark, sizeof(mark), "--%s", boundary);
	at = x->body.at != NULL ? strstr(x->body.at, mark) : NULL;
	while (at != NULL) {
		char *headers = at + strlen(mark);
		if (strncmp(headers, "\r\n", 2) != 0)
			return; /* the last mark has two dashes here */
		char *value = strstr(headers, "\r\n\r\n");
		if (value == NULL)
			return;
		*value = '\0';
		value += 4;
		at = strstr(value, mark);
		if (at == NULL || at - value < 2)
			return;
		at[-2] = '\0';
		char *name = disposition(headers, "name");
		if (name != NULL)
			add_param(x, name, value);
	}
}

void
request_parse_form(struct exchange *x)
{
	const char *type = request_header(x, "Content-Type");
	char boundary[80] = "";

	if (type == NULL || x->body.len == 0)
		return;
	if (strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0) {
		parse_urlencoded(x);
	} else if (strncasecmp(type, "multipart/form-data", 19) == 0) {
		const char *at = strcasestr(type, "boundary=");
		if (at == NULL)
			return;
		at += strlen("boundary=");
		if (*at == '"')
			at++;
		snprintf(boundary, sizeof(boundary), "%.*s",
		    (int)strcspn(at, "\";, "), at);
		parse_multipart(x, boundary);
	}
}

void
request_fini(struct exchange *x)
{
	json_decref(x->json);
	x->json = NULL;
	text_fini(&x->body);
	reply_clear(x);
	text_fini(&x->out);
}

const char *
request_form_nth(struct exchange *x, const char *name, size_t nth)
{
	for (size_t i = 0; i < x->n_params; i++)
		if (strcmp(x->params[i].name, name) == 0 && nth-- == 0)
			return x->params[i].value;
	return NULL;
}

const char *
request_form(struct exchange *x, const char *name)
{
	return request_form_nth(x, name, 0);
}

bool
request_form_is(struct exchange *x, const char *name, const char *value)
{
	return same(request_form(x, name), value);
}

const char *
request_query(struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(
	    x->conn, MHD_GET_ARGUMENT_KIND, name);
}

const char *
request_cookie(struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->conn, MHD_COOKIE_KIND, name);
}

const char *
request_header(struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->conn, MHD_HEADER_KIND, name);
}

bool
request_is_json(struct exchange *x)
{
	const char *type = request_header(x, "Content-Type");

	return type != NULL && strncasecmp(type, "application/json", 16) == 0;
}

json_t *
request_json(struct exchange *x)
{
	if (x->json == NULL && x->body.len > 0 && request_is_json(x))
		x->json = json_loadb(x->body.at, x->body.len, 0, NULL);
	return x->json;
}

const char *
request_json_string(struct exchange *x, const char *key)
{
	return json_string_value(json_object_get(request_json(x), key));
}

/* ---- the answer ---- */

void
reply_clear(struct exchange *x)
{
	for (size_t i = 0; i < x->n_headers; i++)
		free(x->headers[i].value);
	x->n_headers = 0;
	text_clear(&x->out);
	x->status = 0;
	x->type = NULL;
}

void
reply_status(struct exchange *x, unsigned status, const char *type)
{
	x->status = status;
	x->type = type;
}

static void
add_header(struct exchange *x, const char *name, char *value)
{
	if (x->n_headers == HEADERS_MAX || value == NULL) {
		free(value);
		return;
	}
	x->headers[x->n_headers].name = name;
	x->headers[x->n_headers++].value = value;
}

void
reply_header(struct exchange *x, const char *name, const char *format, ...)
{
	char *value = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&value, format, args) < 0)
		abort();
	va_end(args);
	add_header(x, name, value);
}

void
reply_cookie(struct exchange *x, const char *name, const char *value,
    const char *attributes)
{
	reply_header(x, "Set-Cookie", "%s=%s; %s", name, value, attributes);
}

void
reply_redirect(struct exchange *x, unsigned status, const char *format, ...)
{
	char *value = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&value, format, args) < 0)
		abort();
	va_end(args);
	/* what came from a client must not break the header */
	for (char *at = value; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20)
			*at = '_';
	add_header(x, "Location", value);
	x->status = status;
	x->type = TYPE_HTML;
}
