/*
 * Whether a request is looked at: its hygiene, its method, and who asks.
 * libmicrohttpd lets some things through by which requests can be smuggled
 * past a proxy in front of us (both length headers, a length twice); here they
 * are refused.
 */
#include "web-int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define HEADERS_MAX 64
#define HEADER_BYTES_MAX 16384
#define USED_EVERY (INT64_C(3600) * US_PER_S)

struct headers {
	size_t count, bytes;
	unsigned lengths, encodings, hosts;
	bool has_body;
	bool control;
	const char *length, *host;
};

static enum MHD_Result
see_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_size,
    const char *value, size_t value_size)
{
	struct headers *headers = cls;

	(void)kind;
	headers->count++;
	headers->bytes += key_size + value_size + 4;
	if (value == NULL)
		return MHD_YES;
	if (strlen(value) != value_size)
		headers->control = true;
	for (size_t i = 0; i < value_size; i++) {
		unsigned char c = (unsigned char)value[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			headers->control = true;
	}
	if (strcasecmp(key, "Content-Length") == 0) {
		headers->lengths++;
		headers->has_body |= strcmp(value, "0") != 0;
		headers->length = value;
	} else if (strcasecmp(key, "Transfer-Encoding") == 0) {
		headers->encodings++;
		headers->has_body = true;
	} else if (strcasecmp(key, "Host") == 0) {
		headers->hosts++;
		headers->host = value;
	}
	return MHD_YES;
}

/*
 * A page of another origin may point a name of its own at our address; the
 * browser then sends that name. Addresses, localhost and the name of
 * public_url are ours.
 */
static bool
host_is_ours(const struct web *web, const char *host)
{
	char name[256];
	size_t len =
	    host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	if (web->public_host == NULL)
		return true;
	if (len >= sizeof(name) || len > strlen(host))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return name[0] == '[' || strspn(name, "0123456789.") == len ||
	    strcasecmp(name, "localhost") == 0 ||
	    strcasecmp(name, web->listen) == 0 ||
	    strcasecmp(name, web->public_host) == 0;
}

/* A change may bring a small body whose length is known. */
static bool
may_bring(const struct request *request, const struct headers *headers)
{
	uint64_t length;

	return request->route != NULL && request->route->method != ROUTE_GET &&
	    headers->encodings == 0 && headers->length != NULL &&
	    text_u64_parse(headers->length, &length) == 0 &&
	    length <= BODY_BYTES;
}

/* NULL when the request may be looked at. */
static const struct refusal *
refuse(struct web *web, const struct request *request)
{
	static const struct refusal too_long = {MHD_HTTP_URI_TOO_LONG,
	    "uri_too_long", NULL, "the address is longer than 8192 bytes"};
	static const struct refusal bad_uri = {MHD_HTTP_BAD_REQUEST, "bad_path",
	    NULL,
	    "the address holds escapes or bytes that no address of ours has"};
	static const struct refusal framing = {MHD_HTTP_BAD_REQUEST,
	    "bad_framing", NULL, "the length of the request is not clear"};
	static const struct refusal bad_header = {MHD_HTTP_BAD_REQUEST,
	    "bad_header", NULL,
	    "a header holds control bytes, or Host is twice"};
	static const struct refusal too_large = {
	    MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", NULL,
	    "at most 64 headers and 16 kB of them"};
	static const struct refusal body = {MHD_HTTP_CONTENT_TOO_LARGE,
	    "body_refused", NULL,
	    "no body is accepted here, or none that long or of no known "
	    "length"};
	static const struct refusal host = {MHD_HTTP_MISDIRECTED_REQUEST,
	    "unknown_host", NULL, "this is not the host of web.public_url"};
	struct headers headers = {0};

	MHD_get_connection_values_n(
	    request->connection, MHD_HEADER_KIND, see_header, &headers);
	if (headers.lengths > 1 || headers.encodings > 1 ||
	    (headers.lengths > 0 && headers.encodings > 0))
		return &framing;
	if (request->uri_long)
		return &too_long;
	if (request->uri_bad)
		return &bad_uri;
	if (headers.count > HEADERS_MAX || headers.bytes > HEADER_BYTES_MAX)
		return &too_large;
	if (headers.control || headers.hosts > 1)
		return &bad_header;
	if (headers.has_body && !may_bring(request, &headers))
		return &body;
	if (headers.host != NULL && !host_is_ours(web, headers.host))
		return &host;
	return NULL;
}

/* ---- the method ---- */

/* NULL when the method fits the route. */
static const struct refusal *
refuse_method(const struct request *request, const char *method)
{
	static const struct refusal nothing = {MHD_HTTP_NOT_FOUND, "not_found",
	    NULL, "there is nothing at this address"};
	static const struct refusal other = {MHD_HTTP_METHOD_NOT_ALLOWED,
	    "method_not_allowed", NULL,
	    "this method is not served here; Allow has those that are"};
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (request->route != NULL)
		return NULL;
	if (request->allow != NULL)
		return &other;
	return get ? NULL : &nothing; /* 404 comes later */
}

/* ---- who asks ---- */

static const char *
bearer(const struct request *request)
{
	static const char scheme[] = "Bearer ";
	const char *header = MHD_lookup_connection_value(
	    request->connection, MHD_HEADER_KIND, "Authorization");

	if (header == NULL ||
	    strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	return header + sizeof(scheme) - 1;
}

static void
become(struct request *request, const struct token *token)
{
	struct actor *actor = &request->actor;

	actor->role = token->role;
	text_copy(actor->name, sizeof(actor->name), token->name);
	text_copy(actor->op, sizeof(actor->op), token->op);
	snprintf(actor->via, sizeof(actor->via), "token %s", token->id);
}

/* The same answer for a token that is unknown, wrong, expired or revoked. */
static const struct refusal *
recognise(struct web *web, struct request *request)
{
	static const struct refusal none = {MHD_HTTP_UNAUTHORIZED,
	    "token_needed", NULL,
	    "send a token as Authorization: Bearer edz_…, made with dyzurny "
	    "user; or use the control socket"};
	static const struct refusal bad = {MHD_HTTP_UNAUTHORIZED, "bad_token",
	    NULL, "this token is not known, or does not hold any more"};
	static const struct refusal failed = {MHD_HTTP_INTERNAL_SERVER_ERROR,
	    "store_failed", NULL, "the tokens could not be read"};
	const char *text = bearer(request);
	char id[TOKEN_ID_SIZE];
	struct token token;
	int problem;

	if (text == NULL)
		return &none;
	if (!token_id(text, id))
		return &bad;
	problem = ledger_read_token(web->reader, id, &token);
	if (problem != 0 && problem != -ENOENT)
		return &failed;
	if (problem != 0 || !token_proves(&token, text) ||
	    !token_holds(&token, request->now))
		return &bad;
	become(request, &token);
	if (web->use_token != NULL &&
	    request->now - token.last_used >= USED_EVERY)
		web->use_token(web->arg, token.id, request->now);
	return NULL;
}

static const struct refusal *
refuse_actor(struct web *web, struct request *request)
{
	static const struct refusal forbidden = {MHD_HTTP_FORBIDDEN,
	    "not_allowed", NULL, "the role of this token does not allow it"};
	const struct refusal *refusal = NULL;

	if (request->route == NULL || request->route->least == ROLE_NONE)
		return NULL;
	if (request->trusted) {
		request->actor.role = ROLE_ADMIN;
		text_copy(request->actor.via, sizeof(request->actor.via),
		    "control socket");
	} else {
		refusal = recognise(web, request);
	}
	if (refusal == NULL && request->actor.role < request->route->least)
		refusal = &forbidden;
	return refusal;
}

bool
actor_may(const struct request *request, const char *op)
{
	const struct actor *actor = &request->actor;

	return actor->role >= ROLE_STAFF ||
	    (actor->role == ROLE_OPERATOR && strcmp(actor->op, op) == 0);
}

const struct refusal *
admit(struct web *web, struct request *request, const char *method)
{
	const struct refusal *refusal = refuse(web, request);
	const struct refusal *wrong_method = refuse_method(request, method);

	/* a body would follow other methods: answer before it comes */
	if (refusal == NULL ||
	    (wrong_method != NULL &&
		refusal->status == MHD_HTTP_CONTENT_TOO_LARGE))
		refusal = wrong_method;
	return refusal != NULL ? refusal : refuse_actor(web, request);
}
