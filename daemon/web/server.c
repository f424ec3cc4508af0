/*
 * The server: start and stop of libmicrohttpd, and the way of a request from
 * its first sight to its answer.
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

#define REPORTS_BYTES ((size_t)4 << 20) /* of what waits to be counted */
#define STOP_AT_MOST_US (5 * US_PER_S)

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
	wait_drop(web, request);
	if (request->begun) {
		pthread_mutex_lock(&web->lock);
		web->active--;
		if (web->active == 0)
			pthread_cond_broadcast(&web->idle);
		pthread_mutex_unlock(&web->lock);
	}
	buf_fini(&request->body);
	series_range_free(request->range);
	if (request->pending != NULL)
		crypto_wipe(request->pending, sizeof(*request->pending));
	free(request->pending);
	jv_release(request->account);
	snapshot_release(request->snapshot);
	free(request->uri);
	free(request);
}

/* ---- the way of a request ---- */

static enum MHD_Result
respond_refusal(struct web *web, struct request *request,
    const struct refusal *refusal, bool close)
{
	struct answer answer;
	enum MHD_Result result;

	answer_init(&answer);
	answer_error(web, request, &answer, refusal->status, refusal->code,
	    refusal->field, refusal->message);
	answer.close = close;
	if (refusal->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		answer.allow =
		    request->allow != NULL ? request->allow : "GET, HEAD";
	if (refusal->status == MHD_HTTP_SERVICE_UNAVAILABLE)
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
}

static enum MHD_Result
look_at(struct web *web, struct request *request, const char *method)
{
	const struct refusal *refusal;

	prepare(web, request);
	request->route =
	    route_find(method, request->uri, request->params, &request->allow);
	refusal = admit(web, request, method);
	if (refusal != NULL)
		return respond_refusal(web, request, refusal, true);
	return MHD_YES; /* we are called again for the answer */
}

static enum MHD_Result
open_stream(struct web *web, struct request *request, const char *method)
{
	struct MHD_Response *response;

	static const struct refusal only_get = {MHD_HTTP_METHOD_NOT_ALLOWED,
	    "method_not_allowed", NULL, "a stream is read with GET"};
	static const struct refusal too_many = {MHD_HTTP_SERVICE_UNAVAILABLE,
	    "too_many_streams", NULL,
	    "no more event streams are open to readers now"};

	if (strcmp(method, "HEAD") == 0)
		return respond_refusal(web, request, &only_get, true);
	response = events_open(web->events, request->connection,
	    MHD_lookup_connection_value(
		request->connection, MHD_HEADER_KIND, "Last-Event-ID"));
	if (response == NULL)
		return respond_refusal(web, request, &too_many, true);
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

/* What cannot be asked is said at once; else the answer is given when the
 * change is written, or the account counted. */
static enum MHD_Result
begin_waiting(struct web *web, struct request *request)
{
	struct answer answer;
	enum MHD_Result result;
	bool good;

	answer_init(&answer);
	if (request->route->page)
		answer.type = "text/html; charset=utf-8";
	answer.cache = CACHE_NONE;
	if (request->route->report) {
		good = report_ask(web, request, &answer);
	} else {
		request->pending = mem_new(sizeof(*request->pending));
		good = request->route->change(web, request, &answer);
	}
	if (good &&
	    (request->route->report ? wait_for_report(web, request)
				    : wait_for_change(web, request)))
		result = MHD_YES;
	else if (good)
		result = give(web, request);
	else
		result = respond(web, request, &answer);
	answer_fini(&answer);
	return result;
}

static enum MHD_Result
answer_request(struct web *web, struct request *request, const char *method)
{
	static const struct refusal nothing = {MHD_HTTP_NOT_FOUND, "not_found",
	    NULL, "there is nothing at this address"};
	struct series_query ask = {0};
	enum MHD_Result result;

	if (request->route == NULL)
		return respond_refusal(web, request, &nothing, false);
	if (query_parse(&request->query, request->query_text, request->now,
		web->zone) != 0) {
		const struct refusal bad = {MHD_HTTP_BAD_REQUEST,
		    "bad_parameter", request->query.field,
		    request->query.problem};

		return respond_refusal(web, request, &bad, false);
	}
	if (request->query.has_language)
		request->language = request->query.language;
	if (request->route->stream)
		return open_stream(web, request, method);
	if (request->route->shared && respond_shared(web, request, &result))
		return result;
	if (request->route->change != NULL || request->route->report)
		return begin_waiting(web, request);
	if (request->route->wants != NULL &&
	    request->route->wants(web, request, &ask) &&
	    wait_for_series(web, request, &ask))
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
		if (request->route == NULL ||
		    request->route->method == ROUTE_GET ||
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
		if (wait_pending(web, request))
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
	if (web->report_reader != NULL)
		ledger_reader_interrupt(web->report_reader);
	if (web->reports != NULL)
		lane_free(web->reports);
	ledger_reader_close(web->report_reader);
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
	web->change = options->change;
	web->use_token = options->use_token;
	web->arg = options->arg;
	web->public_host = host_of(options->conf->public_url);
	web->listen = mem_strdup(options->conf->listen);
	if (!language_parse(options->conf->language,
		strlen(options->conf->language), &web->language))
		web->language = LANGUAGE_PL;
	crypto_random(&boot, sizeof(boot));
	snprintf(web->boot, sizeof(web->boot), "%016" PRIx64, boot);
	web->zone = zone_load(ZONE_FILE);
	if (!zone_from_file(web->zone))
		log_warn(
		    "no time zone file, the rule holds", "path=%s", ZONE_FILE);
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
	if (error == 0)
		error = ledger_reader_open(
		    &web->report_reader, options->ledger_path);
	if (error != 0) {
		log_error("web cannot read the ledger", "path=%s error=\"%s\"",
		    options->ledger_path, strerror(-error));
		goto out;
	}
	web->reports = lane_new("reports", REPORTS_BYTES);
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
	wait_abandon(web);
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
