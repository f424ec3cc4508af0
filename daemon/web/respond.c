/*
 * From a struct answer to bytes with headers: security headers, caching,
 * ETag and 304, and the answers that all readers of one snapshot share.
 */
#include "web-int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"

#define BODY_MAX (64U << 20)

static const char csp[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'";

static const char permissions[] =
    "accelerometer=(), camera=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), payment=(), usb=()";

void
answer_init(struct answer *answer)
{
	*answer = (struct answer){
	    .status = MHD_HTTP_OK,
	    .type = "application/json; charset=utf-8",
	    .cache = CACHE_CHECK,
	};
	buf_init(&answer->body, BODY_MAX);
}

void
answer_fini(struct answer *answer)
{
	buf_fini(&answer->body);
}

void
answer_json(struct answer *answer, struct jv *value)
{
	jv_dump(value, &answer->body);
	jv_release(value);
	buf_addc(&answer->body, '\n');
}

static bool
add(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

bool
header_add_common(struct MHD_Response *response, bool page)
{
	bool ok = add(response, "Content-Security-Policy", csp) &&
	    add(response, "X-Content-Type-Options", "nosniff") &&
	    add(response, "Referrer-Policy", "no-referrer") &&
	    add(response, "Cross-Origin-Opener-Policy", "same-origin") &&
	    add(response, "Cross-Origin-Resource-Policy", "same-origin") &&
	    add(response, "Permissions-Policy", permissions);

	/* the language may come from a header of the request */
	return ok && add(response, "Vary", page ? "Accept-Language" : "Accept");
}

static const char *
cache_value(enum cache_policy cache)
{
	switch (cache) {
	case CACHE_NONE:
		return "no-store";
	case CACHE_CHECK:
		return "no-cache";
	case CACHE_BRIEF:
		return "public, max-age=5";
	case CACHE_FOREVER:
		return "public, max-age=31536000, immutable";
	}
	return "no-store";
}

/* Is `etag` among the ones that the client has? */
static bool
client_has(const struct request *request, const char *etag)
{
	const char *header = MHD_lookup_connection_value(
	    request->connection, MHD_HEADER_KIND, "If-None-Match");

	return header != NULL && etag[0] != '\0' &&
	    (strcmp(header, "*") == 0 || strstr(header, etag) != NULL);
}

static bool
add_validators(
    struct MHD_Response *response, const char *etag, enum cache_policy cache)
{
	return add(response, "Cache-Control", cache_value(cache)) &&
	    (etag[0] == '\0' || add(response, "ETag", etag));
}

static enum MHD_Result
not_modified(
    const struct request *request, const char *etag, enum cache_policy cache)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result = MHD_NO;

	if (response == NULL)
		return MHD_NO;
	if (header_add_common(
		response, request->route != NULL && request->route->page) &&
	    add_validators(response, etag, cache)) {
		result = MHD_queue_response(
		    request->connection, MHD_HTTP_NOT_MODIFIED, response);
	}
	MHD_destroy_response(response);
	return result;
}

/* What a shared answer depends on, so the same text means the same bytes. */
static void
shared_etag(const struct web *web, const struct request *request, char out[64])
{
	snprintf(out, 64, "\"%s-%" PRIu64 "-%d%s%s%s\"", web->boot,
	    request->snapshot != NULL ? request->snapshot->number : 0,
	    (int)request->freshness,
	    request->route->page ? language_name(request->language) : "",
	    request->query.has_language ? "q" : "",
	    request->query.theme == THEME_AUTO
		? ""
		: theme_name(request->query.theme));
}

bool
respond_shared(
    struct web *web, struct request *request, enum MHD_Result *result)
{
	char etag[64];
	bool found = false;

	shared_etag(web, request, etag);
	if (client_has(request, etag)) {
		*result = not_modified(request, etag,
		    request->route->handler == page_status ? CACHE_BRIEF
							   : CACHE_CHECK);
		return true;
	}
	pthread_mutex_lock(&web->lock);
	for (size_t i = 0; i < SHARED_SLOTS && !found; i++) {
		struct shared_answer *shared = &web->shared[i];

		if (shared->route == request->route &&
		    strcmp(shared->etag, etag) == 0) {
			*result = MHD_queue_response(
			    request->connection, MHD_HTTP_OK, shared->response);
			found = true;
		}
	}
	pthread_mutex_unlock(&web->lock);
	return found;
}

/* Takes over one reference of the response. */
static void
share(struct web *web, const struct request *request, const char *etag,
    struct MHD_Response *response)
{
	struct shared_answer *slot;
	struct MHD_Response *old;

	pthread_mutex_lock(&web->lock);
	slot = &web->shared[web->shared_next++ % SHARED_SLOTS];
	old = slot->response;
	slot->route = request->route;
	slot->response = response;
	text_copy(slot->etag, sizeof(slot->etag), etag);
	pthread_mutex_unlock(&web->lock);
	if (old != NULL)
		MHD_destroy_response(old);
}

static bool
add_headers(struct MHD_Response *response, const struct request *request,
    const struct answer *answer)
{
	char number[16], disposition[128];
	bool ok;

	ok = header_add_common(
		 response, request->route == NULL || request->route->page) &&
	    add(response, "Content-Type", answer->type) &&
	    add_validators(response, answer->etag, answer->cache);
	if (answer->allow != NULL)
		ok = ok && add(response, "Allow", answer->allow);
	if (answer->status == MHD_HTTP_UNAUTHORIZED)
		ok = ok &&
		    add(response, "WWW-Authenticate",
			"Bearer realm=\"dyzurny\"");
	if (answer->retry_after_s > 0) {
		snprintf(number, sizeof(number), "%u", answer->retry_after_s);
		ok = ok && add(response, "Retry-After", number);
	}
	if (answer->download != NULL) {
		snprintf(disposition, sizeof(disposition),
		    "attachment; filename=\"%s\"", answer->download);
		ok = ok && add(response, "Content-Disposition", disposition);
	}
	if (answer->close)
		ok = ok && add(response, "Connection", "close");
	return ok;
}

enum MHD_Result
respond(struct web *web, struct request *request, struct answer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;
	bool shared = request->route != NULL && request->route->shared &&
	    answer->status == MHD_HTTP_OK;
	size_t len;
	char *bytes;

	if (answer->body.full) {
		log_error("answer does not fit", "path=%s", request->uri);
		return MHD_NO;
	}
	bytes = buf_take(&answer->body, &len);
	if (shared) {
		shared_etag(web, request, answer->etag);
	} else if (answer->etag[0] == '\0' && answer->status == MHD_HTTP_OK &&
	    answer->cache != CACHE_NONE) {
		uint8_t digest[CRYPTO_SHA256_BYTES];

		crypto_sha256(bytes, len, digest);
		snprintf(answer->etag, sizeof(answer->etag),
		    "\"%02x%02x%02x%02x%02x%02x%02x%02x\"", digest[0],
		    digest[1], digest[2], digest[3], digest[4], digest[5],
		    digest[6], digest[7]);
	}
	if (answer->status == MHD_HTTP_OK &&
	    client_has(request, answer->etag)) {
		free(bytes);
		return not_modified(request, answer->etag, answer->cache);
	}
	response =
	    MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(bytes);
		return MHD_NO;
	}
	if (add_headers(response, request, answer)) {
		result = MHD_queue_response(
		    request->connection, answer->status, response);
	}
	if (shared && result == MHD_YES)
		share(web, request, answer->etag, response);
	else
		MHD_destroy_response(response);
	return result;
}

enum MHD_Result
respond_stream(struct request *request, struct MHD_Response *response)
{
	enum MHD_Result result = MHD_NO;

	if (header_add_common(response, false) &&
	    add(response, "Content-Type", "text/event-stream") &&
	    add(response, "Cache-Control", "no-store") &&
	    add(response, "X-Accel-Buffering", "no")) {
		result = MHD_queue_response(
		    request->connection, MHD_HTTP_OK, response);
	}
	MHD_destroy_response(response);
	return result;
}
