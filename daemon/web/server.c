/*
 * The server: start and stop of libmicrohttpd, limits, and the hygiene of a
 * request before anybody looks at what it asks for. libmicrohttpd lets some
 * things through by which requests can be smuggled past a proxy in front of
 * us (both length headers, a length twice); here they are refused.
 */
#include "web-int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#define HEADERS_MAX 64
#define HEADER_BYTES_MAX 16384
#define STOP_AT_MOST_US (5 * US_PER_S)

static const char zone_file[] = "/usr/share/zoneinfo/Europe/Warsaw";

/* ---- the hygiene of a request ---- */

/* The first sight of a request: its target as it was sent. The result is
 * what the handler finds in con_cls. `cls` is NULL, but on the control socket,
 * where only we ourselves can have sent it. */
void *
server_begin_request(
    void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct request *request = calloc(1, sizeof(*request));
	size_t len = strlen(uri);
	char *mark;

	if (request == NULL)
		return NULL;
	request->connection = connection;
	buf_init(&request->body, BODY_BYTES);
	request->trusted = cls != NULL;
	request->uri_long = len > URI_MAX;
	request->uri = strndup(request->uri_long ? "/" : uri, URI_MAX);
	if (request->uri == NULL) {
		free(request);
		return NULL;
	}
	for (size_t i = 0; i < len && !request->uri_long; i++) {
		if (uri[i] <= 0x20 || uri[i] >= 0x7f)
			request->uri_bad = true;
	}
	mark = strchr(request->uri, '?');
	if (mark != NULL) {
		*mark = '\0';
		request->query_text = mark + 1;
	}
	/* none of our paths needs an escape, so what has one is no path of
	 * ours, and a decoded NUL or slash can never matter */
	if (request->uri[0] != '/' || strchr(request->uri, '%') != NULL)
		request->uri_bad = true;
	return request;
}

void
server_end_request(void *cls, struct MHD_Connection *connection, void **con_cls,
    enum MHD_RequestTerminationCode code)
{
	struct web *web = cls;
	struct request *request = *con_cls;

	(void)connection;
	(void)code;
	if (request == NULL)
		return;
	*con_cls = NULL;
	series_wait_drop(web, request);
	if (request->begun) {
		pthread_mutex_lock(&web->lock);
		web->active--;
		if (web->active == 0)
			pthread_cond_broadcast(&web->idle);
		pthread_mutex_unlock(&web->lock);
	}
	buf_fini(&request->body);
	series_range_free(request->range);
	snapshot_release(request->snapshot);
	free(request->uri);
	free(request);
}

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

	return request->route != NULL && request->route->change &&
	    headers->encodings == 0 && headers->length != NULL &&
	    text_u64_parse(headers->length, &length) == 0 &&
	    length <= BODY_BYTES;
}

struct refusal {
	unsigned status;
	const char *code, *message;
};

/* NULL when the request may be looked at. */
static const struct refusal *
refuse(struct web *web, const struct request *request)
{
	static const struct refusal too_long = {MHD_HTTP_URI_TOO_LONG,
	    "uri_too_long", "the address is longer than 8192 bytes"};
	static const struct refusal bad_uri = {MHD_HTTP_BAD_REQUEST, "bad_path",
	    "the address holds escapes or bytes that no address of ours has"};
	static const struct refusal framing = {MHD_HTTP_BAD_REQUEST,
	    "bad_framing", "the length of the request is not clear"};
	static const struct refusal bad_header = {MHD_HTTP_BAD_REQUEST,
	    "bad_header", "a header holds control bytes, or Host is twice"};
	static const struct refusal too_large = {
	    MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large",
	    "at most 64 headers and 16 kB of them"};
	static const struct refusal body = {MHD_HTTP_CONTENT_TOO_LARGE,
	    "body_refused",
	    "no body is accepted here, or none that long or of no known "
	    "length"};
	static const struct refusal host = {MHD_HTTP_MISDIRECTED_REQUEST,
	    "unknown_host", "this is not the host of web.public_url"};
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

/* ---- the way of a request ---- */

static enum MHD_Result
respond_error(struct web *web, struct request *request, unsigned status,
    const char *code, const char *field, const char *message, bool close)
{
	struct answer answer;
	enum MHD_Result result;

	answer_init(&answer);
	answer_error(web, request, &answer, status, code, field, message);
	answer.close = close;
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		answer.allow = request->route != NULL && request->route->change
		    ? "POST"
		    : "GET, HEAD";
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		answer.retry_after_s = 30;
	result = respond(web, request, &answer);
	answer_fini(&answer);
	return result;
}

/* What every answer needs, an error page too. */
static void
prepare(struct web *web, struct request *request)
{
	const char *accept = MHD_lookup_connection_value(
	    request->connection, MHD_HEADER_KIND, "Accept");

	request->now = clock_wall(web->clock);
	request->snapshot = snapshot_latest(web->snapshots);
	request->freshness =
	    freshness_of(request->snapshot, clock_boot(web->clock));
	request->language =
	    language_accept(MHD_lookup_connection_value(request->connection,
				MHD_HEADER_KIND, "Accept-Language"),
		web->language);
	request->openmetrics = accept != NULL &&
	    strstr(accept, "application/openmetrics-text") != NULL;
	request->route = route_find(request->uri, request->params);
}

/* NULL when the method fits the route. */
static const struct refusal *
refuse_method(const struct request *request, const char *method)
{
	static const struct refusal nothing = {MHD_HTTP_NOT_FOUND, "not_found",
	    "there is nothing at this address"};
	static const struct refusal only_get = {MHD_HTTP_METHOD_NOT_ALLOWED,
	    "method_not_allowed", "only GET and HEAD are served"};
	static const struct refusal only_post = {MHD_HTTP_METHOD_NOT_ALLOWED,
	    "method_not_allowed", "only POST is served"};
	static const struct refusal not_here = {MHD_HTTP_FORBIDDEN,
	    "control_socket_only",
	    "changes are taken on the control socket only: the file control "
	    "in the store's directory, or the commands dyzurny account and "
	    "dyzurny incidents"};
	const struct route *route = request->route;
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (route == NULL)
		return get ? NULL : &nothing; /* 404 comes later */
	if (!route->change)
		return get ? NULL : &only_get;
	if (strcmp(method, "POST") != 0)
		return &only_post;
	return request->trusted ? NULL : &not_here;
}

static enum MHD_Result
look_at(struct web *web, struct request *request, const char *method)
{
	const struct refusal *refusal, *wrong_method;

	prepare(web, request);
	refusal = refuse(web, request);
	wrong_method = refuse_method(request, method);
	/* a body would follow other methods: answer before it comes */
	if (refusal == NULL ||
	    (wrong_method != NULL &&
		refusal->status == MHD_HTTP_CONTENT_TOO_LARGE))
		refusal = wrong_method;
	if (refusal != NULL) {
		return respond_error(web, request, refusal->status,
		    refusal->code, NULL, refusal->message, true);
	}
	return MHD_YES; /* we are called again for the answer */
}

static enum MHD_Result
open_stream(struct web *web, struct request *request, const char *method)
{
	struct MHD_Response *response;

	if (strcmp(method, "HEAD") == 0) {
		return respond_error(web, request, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "method_not_allowed", NULL, "a stream is read with GET",
		    true);
	}
	response = events_open(web->events, request->connection,
	    MHD_lookup_connection_value(
		request->connection, MHD_HEADER_KIND, "Last-Event-ID"));
	if (response == NULL) {
		return respond_error(web, request, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "too_many_streams", NULL,
		    "no more event streams are open to readers now", true);
	}
	return respond_stream(request, response);
}

static enum MHD_Result
give(struct web *web, struct request *request)
{
	struct answer answer;
	enum MHD_Result result;

	answer_init(&answer);
	if (request->route->page)
		answer.type = "text/html; charset=utf-8";
	request->route->handler(web, request, &answer);
	result = respond(web, request, &answer);
	answer_fini(&answer);
	return result;
}

static enum MHD_Result
answer_request(struct web *web, struct request *request, const char *method)
{
	struct series_query ask = {0};
	enum MHD_Result result;

	if (request->route == NULL) {
		return respond_error(web, request, MHD_HTTP_NOT_FOUND,
		    "not_found", NULL, "there is nothing at this address",
		    false);
	}
	if (query_parse(&request->query, request->query_text, request->now,
		web->zone) != 0) {
		return respond_error(web, request, MHD_HTTP_BAD_REQUEST,
		    "bad_parameter", request->query.field,
		    request->query.problem, false);
	}
	if (request->query.has_language)
		request->language = request->query.language;
	if (request->route->stream)
		return open_stream(web, request, method);
	if (request->route->shared && respond_shared(web, request, &result))
		return result;
	if (request->route->wants != NULL &&
	    request->route->wants(web, request, &ask) &&
	    series_wait_begin(web, request, &ask))
		return MHD_YES;
	return give(web, request);
}

enum MHD_Result
server_handle(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **con_cls)
{
	struct web *web = cls;
	struct request *request = *con_cls;

	(void)connection;
	(void)url;
	(void)version;
	if (request == NULL)
		return MHD_NO;
	if (*upload_size > 0) {
		/* only what may_bring let in, so it fits */
		if (request->route == NULL || !request->route->change ||
		    !buf_add(&request->body, upload, *upload_size))
			return MHD_NO;
		*upload_size = 0;
		return MHD_YES;
	}
	if (!request->begun) {
		request->begun = true;
		pthread_mutex_lock(&web->lock);
		web->active++;
		pthread_mutex_unlock(&web->lock);
		return look_at(web, request, method);
	}
	if (request->waiter != NULL) {
		if (series_wait_pending(web, request))
			return MHD_YES;
		return give(web, request);
	}
	return answer_request(web, request, method);
}

void
server_log(void *cls, const char *format, va_list args)
{
	struct web *web = cls;
	char line[256];
	unsigned suppressed;
	bool tell;

	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	pthread_mutex_lock(&web->log_lock);
	/* a reader of the events who leaves is no event */
	tell = strstr(line, "no longer available for sending") == NULL &&
	    log_damp(&web->damp, clock_mono(web->clock), &suppressed);
	pthread_mutex_unlock(&web->log_lock);
	if (tell)
		log_info("web server", "said=\"%s\" suppressed=%u", line,
		    suppressed);
}

/* ---- start and stop ---- */

/* "https://stan.example:8420" gives "stan.example". */
static char *
host_of(const char *url)
{
	const char *begin = url != NULL ? strstr(url, "://") : NULL;
	size_t len;

	if (begin == NULL)
		return NULL;
	begin += 3;
	len = *begin == '[' ? strcspn(begin, "]") + 1 : strcspn(begin, ":/");
	return len > 0 ? mem_strndup(begin, len) : NULL;
}

static void
release_all(struct web *web)
{
	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		if (web->shared[i].response != NULL)
			MHD_destroy_response(web->shared[i].response);
	}
	events_free(web->events);
	ledger_reader_close(web->reader);
	assets_fini(&web->assets);
	zone_free(web->zone);
	pthread_cond_destroy(&web->idle);
	pthread_mutex_destroy(&web->lock);
	pthread_mutex_destroy(&web->log_lock);
	free(web->control_path);
	free(web->public_host);
	free(web->listen);
	free(web);
}

static struct web *
web_new(const struct web_options *options)
{
	struct web *web = mem_new(sizeof(*web));
	pthread_condattr_t attr;
	uint64_t boot;

	pthread_mutex_init(&web->lock, NULL);
	pthread_mutex_init(&web->log_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&web->idle, &attr);
	pthread_condattr_destroy(&attr);
	web->snapshots = options->snapshots;
	web->series = options->series;
	web->clock = options->clock;
	web->release_account = options->release_account;
	web->acknowledge_incident = options->acknowledge_incident;
	web->note_incident = options->note_incident;
	web->retry_delivery = options->retry_delivery;
	web->test_subscriber = options->test_subscriber;
	web->arg = options->arg;
	web->public_host = host_of(options->conf->public_url);
	web->listen = mem_strdup(options->conf->listen);
	if (!language_parse(options->conf->language,
		strlen(options->conf->language), &web->language))
		web->language = LANGUAGE_PL;
	crypto_random(&boot, sizeof(boot));
	snprintf(web->boot, sizeof(web->boot), "%016" PRIx64, boot);
	web->zone = zone_load(zone_file);
	if (!zone_from_file(web->zone))
		log_warn(
		    "no time zone file, the rule holds", "path=%s", zone_file);
	return web;
}

int
web_start(struct web **out, const struct web_options *options, uint16_t *port)
{
	const struct conf_web *conf = options->conf;
	const union MHD_DaemonInfo *info;
	struct web *web = web_new(options);
	int error;

	*out = NULL;
	error = assets_load(&web->assets, conf->dashboards_dir, web->zone);
	if (error != 0)
		goto out;
	web->evidence = options->evidence;
	error = ledger_reader_open(&web->reader, options->ledger_path);
	if (error != 0) {
		log_error("web cannot read the ledger", "path=%s error=\"%s\"",
		    options->ledger_path, strerror(-error));
		goto out;
	}
	web->events = events_new(conf->event_streams, HEARTBEAT_US);
	error = listen_tcp(web, conf);
	if (error != 0) {
		log_error("web cannot listen",
		    "address=%s port=%u error=\"%s\"", conf->listen, conf->port,
		    strerror(-error));
		goto out;
	}
	/* measuring goes on without it */
	if (options->control_path != NULL &&
	    listen_control(web, options->control_path) != 0)
		log_warn("no control socket", "path=%s", options->control_path);
	info = MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_BIND_PORT);
	*port = info != NULL ? info->port : conf->port;
	log_info("web listens", "address=%s port=%u", conf->listen, *port);
	*out = web;
out:
	if (error != 0)
		release_all(web);
	return error;
}

void
web_publish(struct web *web, enum web_event event, const char *json)
{
	events_publish(web->events, event, json);
}

/* Until every answer under way has been sent, the streams' ends included. */
static bool
wait_for_requests(struct web *web)
{
	struct timespec until;
	bool idle;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(STOP_AT_MOST_US / US_PER_S);
	pthread_mutex_lock(&web->lock);
	while (web->active > 0 &&
	    pthread_cond_timedwait(&web->idle, &web->lock, &until) == 0)
		continue;
	idle = web->active == 0;
	series_wait_abandon(web);
	pthread_mutex_unlock(&web->lock);
	return idle;
}

/*
 * The order matters: libmicrohttpd aborts when it is stopped with a suspended
 * connection. So first nothing may suspend any more, then all are resumed,
 * then it is stopped.
 */
void
web_stop(struct web *web)
{
	if (web == NULL)
		return;
	listen_end(web);
	pthread_mutex_lock(&web->lock);
	web->stopping = true;
	pthread_mutex_unlock(&web->lock);
	events_finish(web->events);
	if (!wait_for_requests(web))
		log_warn("web stops before all was answered", "streams=%u",
		    events_streams(web->events));
	listen_stop(web);
	release_all(web);
}
