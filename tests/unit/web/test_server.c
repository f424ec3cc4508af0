/*
 * The whole room over real sockets: API, headers, refusals, event streams, and
 * an orderly end with everything open.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/attr.h"
#include "world.h"

static void
the_language_is_negotiated_when_the_reader_does_not_choose(void **state)
{
	struct world *world = *state;

	assert_has(ask(world, "GET", "/",
		       "Accept-Language: de, en;q=0.8, pl;q=0.5\r\n"),
	    "<html lang=\"en\"");
	assert_has(ask(world, "GET", "/?lang=pl", "Accept-Language: en\r\n"),
	    "<html lang=\"pl\"");
}

static void
every_answer_carries_the_security_headers(void **state)
{
	static const char *const paths[] = {"/", "/api/v1/status", "/nothing",
	    "/api/v1/nothing", "/metrics", "/assets/style.css",
	    "/?from=tomorrow"};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const char *answer = get(world, paths[i]);

		assert_has(answer,
		    "\r\nContent-Security-Policy: default-src 'none'; "
		    "script-src 'self'; style-src 'self'; img-src 'self'; "
		    "connect-src 'self'; form-action 'self'; base-uri 'none'; "
		    "frame-ancestors 'none'; require-trusted-types-for "
		    "'script'\r\n");
		assert_has(answer, "\r\nX-Content-Type-Options: nosniff\r\n");
		assert_has(answer, "\r\nReferrer-Policy: no-referrer\r\n");
		assert_has(
		    answer, "\r\nCross-Origin-Opener-Policy: same-origin\r\n");
		assert_has(answer,
		    "\r\nCross-Origin-Resource-Policy: same-origin\r\n");
		assert_has(answer, "\r\nPermissions-Policy: ");
	}
}

static void
the_api_gives_the_shapes_of_the_contract(void **state)
{
	struct world *world = *state;
	struct jv *value, *tr;

	value = json_of(get(world, "/api/v1/status"));
	assert_string_equal(jv_get_string(value, "vantage", ""), "waw-1");
	assert_int_equal(jv_get_int(value, "time", 0), 1795504445);
	tr = jv_pointer(value, "/operators/1/deployments/0/transactions/0");
	assert_string_equal(jv_get_string(tr, "name", ""), "login");
	assert_string_equal(jv_get_string(tr, "state", ""), "down");
	assert_string_equal(jv_get_string(tr, "reason", ""), "http_5xx");
	assert_int_equal(jv_kind(jv_get(tr, "p95_ms")), JV_NULL);
	assert_true(jv_kind(jv_get(tr, "latency_ms")) == JV_REAL);
	assert_int_equal(jv_get_int(tr, "last_run", 0), 1795504433);
	jv_release(value);

	value = json_of(
	    get(world, "/api/v1/series?target=librus/main/login&from=-1h"));
	assert_int_equal(jv_get_int(value, "step", 0), 60);
	assert_int_equal(jv_len(jv_get(value, "time")), 60);
	assert_int_equal(jv_len(jv_pointer(value, "/phases/wait")), 60);
	assert_int_equal(jv_kind(jv_pointer(value, "/p50_ms/20")), JV_NULL);
	assert_int_equal(jv_kind(jv_pointer(value, "/p50_ms/19")), JV_REAL);
	/* four good results have a mean, and no percentiles */
	assert_int_equal(jv_kind(jv_pointer(value, "/p50_ms/40")), JV_NULL);
	assert_int_equal(jv_kind(jv_pointer(value, "/p99_ms/41")), JV_NULL);
	assert_int_equal(jv_kind(jv_pointer(value, "/mean_ms/40")), JV_REAL);
	assert_int_equal(jv_kind(jv_pointer(value, "/p50_ms/42")), JV_REAL);
	jv_release(value);

	value = json_of(get(world, "/api/v1/runs?target=vulcan"));
	assert_int_equal(jv_len(jv_get(value, "runs")), 3);
	jv_release(value);
	value = json_of(
	    get(world, "/api/v1/runs/4bf92f3577b34da6a3ce929d0e0e4736/har"));
	assert_string_equal(jv_string_value(jv_pointer(value, "/log/comment")),
	    "4bf92f3577b34da6a3ce929d0e0e4736");
	jv_release(value);
	value = json_of(get(world, "/api/v1/incidents?state=open"));
	assert_int_equal(jv_len(jv_get(value, "incidents")), 1);
	jv_release(value);
	value = json_of(get(world, "/api/v1/incidents/7"));
	assert_int_equal(jv_len(jv_get(value, "timeline")), 4);
	jv_release(value);
	value = json_of(get(world, "/api/v1/deliveries"));
	assert_int_equal(jv_len(jv_get(value, "deliveries")), 2);
	jv_release(value);
	value = json_of(get(world, "/openapi.json"));
	assert_string_equal(jv_get_string(value, "openapi", ""), "3.1.0");
	jv_release(value);
}

static void
what_is_wrong_is_said_with_the_right_status(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
		const char *part;
	} cases[] = {
	    {"GET", "/nothing", 404, "Nie ma takiej strony"},
	    {"GET", "/api/v1/nothing", 404, "\"code\":\"not_found\""},
	    {"GET", "/operators/nobody", 404, "Nie ma takiej strony"},
	    {"GET", "/operators/vulcan/nowhere", 404, "Nie ma takiej"},
	    {"GET", "/runs/0123", 404, "Nie ma takiej strony"},
	    {"GET", "/incidents/8", 404, "Nie ma takiej strony"},
	    {"GET", "/incidents/x", 404, "Nie ma takiej strony"},
	    {"GET", "/api/v1/runs/0123", 404, "not_found"},
	    {"GET", "/api/v1/runs/0000", 500, "store_failed"},
	    {"GET", "/api/v1/runs/0000/har", 500, "store_failed"},
	    {"GET", "/api/v1/incidents/500", 500, "store_failed"},
	    {"GET", "/api/v1/incidents/99999999999999999999", 404, "not_found"},
	    {"GET", "/api/v1/series?target=nobody/x/y", 404, "not_found"},
	    {"GET", "/api/v1/series?target=busy", 503, "\"busy\""},
	    {"GET", "/api/v1/series", 400, "\"field\":\"target\""},
	    {"GET", "/api/v1/series?target=a/b&from=tomorrow", 400,
		"\"field\":\"from\""},
	    {"GET", "/api/v1/series?target=a/b&step=x", 400,
		"\"field\":\"step\""},
	    {"GET", "/api/v1/series?target=../b", 400, "\"field\":\"target\""},
	    {"GET", "/api/v1/runs?target=a&limit=0", 400,
		"\"field\":\"limit\""},
	    {"GET", "/api/v1/incidents?state=odd", 400, "\"field\":\"state\""},
	    {"GET", "/?lang=de", 400, "<code>lang</code>"},
	    {"GET", "/?theme=%00", 400, "<code>theme</code>"},
	    {"GET", "/assets/../pl.json", 404, "not_found"},
	    {"GET", "/assets/%2e%2e/x", 400, "\"bad_path\""},
	    {"GET", "/operators%2fvulcan", 400, "Zły adres"},
	    {"GET", "/operators/vulcan%00x", 400, "Zły adres"},
	    {"POST", "/", 405, "\r\nAllow: GET, HEAD\r\n"},
	    {"DELETE", "/api/v1/incidents/7", 405, "Allow: GET, HEAD\r\n"},
	    {"BREW", "/api/v1/status", 405, "Allow: GET, HEAD\r\n"},
	    {"POST", "/nothing", 404, "Nie ma takiej strony"},
	    {"POST", "/api/v1/accounts/vulcan-a/release", 401,
		"\"code\":\"token_needed\""},
	    {"POST", "/api/v1/maintenance", 401,
		"\r\nWWW-Authenticate: Bearer realm=\"dyzurny\"\r\n"},
	    {"GET", "/api/v1/tokens", 401, "token_needed"},
	    {"GET", "/api/v1/audit", 401, "token_needed"},
	    {"PUT", "/api/v1/maintenance", 405,
		"\r\nAllow: GET, HEAD, POST\r\n"},
	    {"POST", "/api/v1/maintenance/7", 405,
		"\r\nAllow: GET, HEAD, DELETE\r\n"},
	    {"GET", "/api/v1/maintenance/7", 404, "not_found"},
	    {"GET", "/api/v1/accounts/vulcan-a/release", 405,
		"\r\nAllow: POST\r\n"},
	    {"POST", "/api/v1/accounts", 405, "\r\nAllow: GET, HEAD\r\n"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *answer =
		    ask(world, cases[i].method, cases[i].path, "");

		if (status_of(answer) != cases[i].status)
			fail_msg("%s %s: %.200s", cases[i].method,
			    cases[i].path, answer);
		assert_has(answer, cases[i].part);
	}
}

/* As `ask`, by the control socket. */
static const char *
tell(
    struct world *world, const char *method, const char *path, const char *rest)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 20};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[1024];

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	snprintf(
	    address.sun_path, sizeof(address.sun_path), "%s", world->control);
	assert_int_equal(
	    connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(request, sizeof(request),
	    "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s",
	    method, path, rest);
	say(fd, request);
	hear(fd, world->answer, NULL);
	close(fd);
	return world->answer;
}

static void
changes_are_taken_on_the_control_socket(void **state)
{
	static const struct {
		const char *method, *path, *rest;
		int status;
		const char *part;
	} cases[] = {
	    {"GET", "/api/v1/accounts", "\r\n", 200, "\"stopped\":true"},
	    {"GET", "/api/v1/accounts", "\r\n", 200,
		"\"vulcan-a\",\"deployments\":[\"vulcan/main\",\"vulcan/"
		"sp1\"]"},
	    {"POST", "/api/v1/accounts/nobody/release", "\r\n", 404,
		"not_found"},
	    {"POST", "/api/v1/accounts/librus-a/release", "\r\n", 409,
		"not_stopped"},
	    {"POST", "/api/v1/accounts/vulcan-a/release",
		"Content-Length: 16385\r\n\r\n{}", 413, "body_refused"},
	    {"POST", "/api/v1/accounts/vulcan-a/release",
		"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 413,
		"body_refused"},
	    {"DELETE", "/api/v1/accounts/vulcan-a/release", "\r\n", 405,
		"Allow: POST"},
	    {"POST", "/api/v1/status", "\r\n", 405, "Allow: GET, HEAD"},
	};
	struct world *world = *state;
	struct stat st;

	assert_int_equal(stat(world->control, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *answer =
		    tell(world, cases[i].method, cases[i].path, cases[i].rest);

		if (status_of(answer) != cases[i].status)
			fail_msg("%s %s: %.200s", cases[i].method,
			    cases[i].path, answer);
		assert_has(answer, cases[i].part);
	}
	assert_string_equal(world->released, "");
	assert_int_equal(status_of(tell(world, "POST",
			     "/api/v1/accounts/vulcan-a/release", "\r\n")),
	    202);
	assert_string_equal(world->released, "vulcan-a");
}

static void
people_acknowledge_and_note(void **state)
{
	static const struct {
		const char *path, *body;
		int status;
		const char *part, *wished;
	} cases[] = {
	    {"999/acknowledge", "{\"by\":\"jan\"}", 404, "not_found", ""},
	    {"x/notes", "{\"by\":\"jan\"}", 404, "not_found", ""},
	    {"7/acknowledge", "{\"by\":\"jan\"}", 409, "not_open", ""},
	    {"11/acknowledge", "", 400, "\"field\":\"by\"", ""},
	    {"11/acknowledge", "{\"by\":", 400, "\"field\":\"body\"", ""},
	    {"11/acknowledge", "[]", 400, "must be a JSON object", ""},
	    {"11/acknowledge", "{\"by\":7}", 400, "\"field\":\"by\"", ""},
	    {"11/acknowledge", "{\"by\":\"a\\nb\"}", 400, "\"field\":\"by\"",
		""},
	    {"11/acknowledge", "{\"by\":\"12345678901234567890123456789012\"}",
		400, "at most 31 bytes", ""},
	    {"11/notes", "{\"by\":\"jan\",\"text\":\" \\n\"}", 400,
		"\"field\":\"text\"", ""},
	    {"11/notes", "{\"by\":\"jan\",\"text\":\"\\u0007\"}", 400,
		"no control bytes", ""},
	    {"11/acknowledge", "{\"by\":\"jan żak\"}", 202, "\"number\":11",
		"11 by jan żak"},
	    {"7/notes", "{\"by\":\"jan\",\"text\":\"a\\n<b>\"}", 202,
		"\"number\":7", "7 by jan: a\n<b>"},
	};
	struct world *world = *state;
	char path[96], rest[256];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *answer;

		world->wished[0] = '\0';
		snprintf(
		    path, sizeof(path), "/api/v1/incidents/%s", cases[i].path);
		snprintf(rest, sizeof(rest), "Content-Length: %zu\r\n\r\n%s",
		    strlen(cases[i].body), cases[i].body);
		answer = tell(world, "POST", path, rest);
		if (status_of(answer) != cases[i].status)
			fail_msg("%s %s: %.300s", path, cases[i].body, answer);
		assert_has(answer, cases[i].part);
		assert_string_equal(world->wished, cases[i].wished);
		/* from elsewhere nobody may */
		assert_true(status_of(ask(world, "POST", path, "")) >= 401);
	}
	assert_string_equal(world->wished, "7 by jan: a\n<b>");
}

static void
requests_of_unclear_length_are_refused(void **state)
{
	static const char *const requests[] = {
	    ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
	     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	     "GET /method HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	    ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
	     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	     "GET /method HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	    ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
	     "Content-Length: 40\r\n\r\n"
	     "GET /method HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	    ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
	     "Content-Length: 0\r\n\r\n"),
	    "GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
	    "GET / HTTP/1.1\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		const char *answer = raw(world, requests[i]);

		if (status_of(answer) != 400)
			fail_msg("request %zu: %.200s", i, answer);
		/* and the end: what follows was not served */
		assert_has_not(answer, "HTTP/1.1 200");
	}
	assert_int_equal(status_of(raw(world,
			     "GET / HTTP/1.1\r\nHost: localhost\r\n"
			     "Content-Length: 4\r\n\r\nbody")),
	    413);
}

static void
only_our_own_host_names_are_served(void **state)
{
	static const struct {
		const char *host;
		int status;
	} hosts[] = {{"stan.example", 200}, {"STAN.example:8420", 200},
	    {"127.0.0.1:99", 200}, {"[::1]:8420", 200}, {"localhost", 200},
	    {"evil.example", 421}, {"stan.example.evil.example", 421}};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		char request[200];

		snprintf(request, sizeof(request),
		    "GET /healthz HTTP/1.1\r\nHost: %s\r\n"
		    "Connection: close\r\n\r\n",
		    hosts[i].host);
		assert_int_equal(
		    status_of(raw(world, request)), hosts[i].status);
	}
}

static void
too_many_headers_are_refused(void **state)
{
	struct world *world = *state;
	char headers[8000] = "";
	size_t len = 0;
	char *path;

	for (int i = 0; i < 80; i++) {
		len += (size_t)snprintf(
		    headers + len, sizeof(headers) - len, "X-%d: y\r\n", i);
	}
	assert_int_equal(status_of(ask(world, "GET", "/", headers)), 431);
	path = malloc(9001);
	assert_non_null(path);
	memset(path, 'a', 9000);
	path[0] = '/';
	path[9000] = '\0';
	assert_int_equal(status_of(get(world, path)), 414);
	free(path);
}

static void
head_answers_as_get_without_the_body(void **state)
{
	static const char *const paths[] = {
	    "/", "/api/v1/status", "/method", "/assets/live.js"};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		char from_get[32], from_head[32];

		header_value(get(world, paths[i]), "Content-Length", from_get,
		    sizeof(from_get));
		assert_int_equal(
		    status_of(ask(world, "HEAD", paths[i], "")), 200);
		header_value(world->answer, "Content-Length", from_head,
		    sizeof(from_head));
		assert_string_equal(from_get, from_head);
		assert_string_equal(body_of(world->answer), "");
	}
}

static void
what_the_reader_has_is_not_sent_again(void **state)
{
	static const char *const paths[] = {"/", "/status", "/api/v1/status",
	    "/incidents", "/api/v1/incidents/7", "/assets/style.css"};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		char etag[80], header[120];

		header_value(get(world, paths[i]), "ETag", etag, sizeof(etag));
		assert_int_equal(etag[0], '"');
		snprintf(header, sizeof(header), "If-None-Match: %s\r\n", etag);
		assert_int_equal(
		    status_of(ask(world, "GET", paths[i], header)), 304);
		assert_string_equal(body_of(world->answer), "");
	}
	/* a new snapshot has a new tag */
	{
		char etag[80], header[120];

		header_value(get(world, "/"), "ETag", etag, sizeof(etag));
		snapshot_publish(world->slot, fixture_snapshot(2, FIXTURE_NOW));
		snprintf(header, sizeof(header), "If-None-Match: %s\r\n", etag);
		assert_int_equal(
		    status_of(ask(world, "GET", "/", header)), 200);
		assert_has(
		    get(world, "/assets/style.css"), "Cache-Control: no-cache");
	}
}

static void
assets_with_their_hash_never_change(void **state)
{
	struct world *world = *state;
	const char *page = get(world, "/"), *at;
	char link[80];

	at = strstr(page, "/assets/style.css?v=");
	assert_non_null(at);
	snprintf(link, sizeof(link), "%.*s", (int)strcspn(at, "\""), at);
	assert_has(get(world, link), "max-age=31536000, immutable");
}

static void
before_the_first_snapshot_nothing_is_up(void **state)
{
	struct world *world = *state;
	struct snapshot_slot *full = world->slot;
	struct world fresh = *world;
	struct conf_web conf = {
	    .listen = "127.0.0.1",
	    .dashboards_dir = TEST_SRCDIR "/dashboards",
	    .connections = 10,
	    .connections_per_ip = 10,
	    .event_streams = 1,
	    .language = "en",
	};
	struct web_options options = {.conf = &conf,
	    .series = world->series,
	    .ledger_path = "",
	    .clock = &world->clock.clock};

	(void)full;
	fresh.slot = options.snapshots = snapshot_slot_new();
	assert_int_equal(web_start(&fresh.web, &options, &fresh.port), 0);
	assert_has(get(&fresh, "/"), "Nothing was measured yet.");
	assert_has(fresh.answer, "No measurements.");
	assert_int_equal(status_of(get(&fresh, "/readyz")), 503);
	assert_int_equal(status_of(get(&fresh, "/operators/librus")), 503);
	assert_int_equal(status_of(get(&fresh, "/api/v1/status")), 200);
	assert_int_equal(status_of(get(&fresh, "/metrics")), 200);
	web_stop(fresh.web);
	snapshot_slot_free(fresh.slot);
}

static int
open_stream(struct world *world, const char *headers)
{
	char request[400];
	int fd = dial(world);

	snprintf(request, sizeof(request),
	    "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
	    headers);
	say(fd, request);
	return fd;
}

static void
every_stream_hears_of_an_event(void **state)
{
	struct world *world = *state;
	int fds[20];

	for (size_t i = 0; i < 20; i++) {
		fds[i] = open_stream(world, "");
		assert_true(hear(fds[i], world->answer, "retry: 3000"));
		assert_has(world->answer, "text/event-stream");
	}
	web_publish(world->web, WEB_EVENT_STATUS, "{\"snapshot\":2}");
	for (size_t i = 0; i < 20; i++) {
		assert_true(
		    hear(fds[i], world->answer, "data: {\"snapshot\":2}"));
		assert_has(world->answer, "event: status");
		close(fds[i]);
	}
}

static void
a_stream_goes_on_behind_the_last_event(void **state)
{
	struct world *world = *state;
	char id[64], header[120];
	const char *at;
	int fd = open_stream(world, "");

	assert_true(hear(fd, world->answer, "retry"));
	web_publish(world->web, WEB_EVENT_RUN, "{\"n\":1}");
	assert_true(hear(fd, world->answer, "{\"n\":1}"));
	at = strstr(world->answer, "id: ");
	assert_non_null(at);
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(at + 4, "\n"), at + 4);
	close(fd);
	web_publish(world->web, WEB_EVENT_RUN, "{\"n\":2}");
	snprintf(header, sizeof(header), "Last-Event-ID: %s\r\n", id);
	fd = open_stream(world, header);
	assert_true(hear(fd, world->answer, "{\"n\":2}"));
	assert_has_not(world->answer, "{\"n\":1}");
	assert_has_not(world->answer, "resync");
	close(fd);
	/* the number of another process */
	fd = open_stream(world, "Last-Event-ID: 0123456789abcdef.1\r\n");
	assert_true(hear(fd, world->answer, "event: resync"));
	close(fd);
	/* fallen out of the ring */
	for (int i = 0; i < 300; i++)
		web_publish(world->web, WEB_EVENT_RUN, "{}");
	fd = open_stream(world, header);
	assert_true(hear(fd, world->answer, "event: resync"));
	close(fd);
}

static void
streams_are_limited(void **state)
{
	struct world *world = *state;
	int fds[30], fd;

	for (size_t i = 0; i < 30; i++) {
		fds[i] = open_stream(world, "");
		assert_true(hear(fds[i], world->answer, "retry: 3000"));
	}
	fd = open_stream(world, "");
	assert_true(hear(fd, world->answer, "too_many_streams"));
	assert_int_equal(status_of(world->answer), 503);
	close(fd);
	assert_has(get(world, "/metrics"),
	    "dyzurny_event_streams{vantage=\"waw-1\"} 30\n");
	for (size_t i = 0; i < 30; i++)
		close(fds[i]);
}

static void *
stop_web(void *arg)
{
	web_stop(arg);
	return NULL;
}

static void
the_end_is_orderly_with_streams_and_questions_open(void **state)
{
	struct world *world = *state;
	pthread_t stopper;
	int streams[10], asking;

	for (size_t i = 0; i < 10; i++) {
		streams[i] = open_stream(world, "");
		assert_true(hear(streams[i], world->answer, "retry: 3000"));
	}
	fixture_series_hold(world->series, true);
	asking = dial(world);
	say(asking,
	    "GET /api/v1/series?target=librus/main/login HTTP/1.1\r\n"
	    "Host: localhost\r\n\r\n");
	while (fixture_series_open(world->series) == 0)
		sched_yield();
	assert_int_equal(
	    pthread_create(&stopper, NULL, stop_web, world->web), 0);
	/* the streams end while the question is still open */
	for (size_t i = 0; i < 10; i++) {
		assert_true(hear(streams[i], world->answer, "0\r\n\r\n"));
		close(streams[i]);
	}
	fixture_series_hold(world->series, false);
	hear(asking, world->answer, NULL);
	assert_int_equal(status_of(world->answer), 200);
	close(asking);
	pthread_join(stopper, NULL);
	world->web = NULL;
}

/* The store lane's queue is for what is measured, too. */
static void
readers_may_ask_the_store_for_only_so_much_at_once(void **state)
{
	enum { AT_ONCE = 64 };
	struct world *world = *state;
	int asking[AT_ONCE];

	fixture_series_hold(world->series, true);
	for (size_t i = 0; i < AT_ONCE; i++) {
		asking[i] = dial(world);
		say(asking[i],
		    "GET /api/v1/series?target=librus/main/login HTTP/1.1\r\n"
		    "Host: localhost\r\nConnection: close\r\n\r\n");
		while (fixture_series_open(world->series) != i + 1)
			sched_yield();
	}
	get(world, "/api/v1/series?target=librus/main/login");
	assert_int_equal(status_of(world->answer), 503);
	assert_has(world->answer, "\"busy\"");
	fixture_series_hold(world->series, false);
	for (size_t i = 0; i < AT_ONCE; i++) {
		hear(asking[i], world->answer, NULL);
		assert_int_equal(status_of(world->answer), 200);
		close(asking[i]);
	}
	get(world, "/api/v1/series?target=librus/main/login");
	assert_int_equal(status_of(world->answer), 200);
}

static void
a_restart_gets_its_port_back_at_once(void **state)
{
	struct world *world = *state;
	struct conf_web conf = {
	    .listen = "127.0.0.1",
	    .port = world->port,
	    .dashboards_dir = TEST_SRCDIR "/dashboards",
	    .connections = 10,
	    .connections_per_ip = 10,
	    .event_streams = 1,
	    .language = "pl",
	};
	struct web_options options = {.conf = &conf,
	    .snapshots = world->slot,
	    .series = world->series,
	    .ledger_path = "",
	    .clock = &world->clock.clock};

	/* we hang up second, so the server's port lingers */
	assert_int_equal(status_of(get(world, "/")), 200);
	web_stop(world->web);
	assert_int_equal(web_start(&world->web, &options, &world->port), 0);
	assert_int_equal(status_of(get(world, "/")), 200);
}

static void
a_stop_does_not_wait_for_ever_for_the_store(void **state)
{
	struct world *world = *state;
	int asking = dial(world);

	fixture_series_hold(world->series, true);
	say(asking,
	    "GET /api/v1/series?target=librus/main/login HTTP/1.1\r\n"
	    "Host: localhost\r\n\r\n");
	while (fixture_series_open(world->series) == 0)
		sched_yield();
	web_stop(world->web);
	world->web = NULL;
	hear(asking, world->answer, NULL);
	close(asking);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_WORLD(
		the_language_is_negotiated_when_the_reader_does_not_choose),
	    WITH_WORLD(every_answer_carries_the_security_headers),
	    WITH_WORLD(the_api_gives_the_shapes_of_the_contract),
	    WITH_WORLD(what_is_wrong_is_said_with_the_right_status),
	    WITH_WORLD(changes_are_taken_on_the_control_socket),
	    WITH_WORLD(people_acknowledge_and_note),
	    WITH_WORLD(requests_of_unclear_length_are_refused),
	    WITH_WORLD(only_our_own_host_names_are_served),
	    WITH_WORLD(too_many_headers_are_refused),
	    WITH_WORLD(head_answers_as_get_without_the_body),
	    WITH_WORLD(what_the_reader_has_is_not_sent_again),
	    WITH_WORLD(assets_with_their_hash_never_change),
	    WITH_WORLD(before_the_first_snapshot_nothing_is_up),
	    WITH_WORLD(every_stream_hears_of_an_event),
	    WITH_WORLD(a_stream_goes_on_behind_the_last_event),
	    WITH_WORLD(streams_are_limited),
	    WITH_WORLD(the_end_is_orderly_with_streams_and_questions_open),
	    WITH_WORLD(readers_may_ask_the_store_for_only_so_much_at_once),
	    WITH_WORLD(a_restart_gets_its_port_back_at_once),
	    WITH_WORLD(a_stop_does_not_wait_for_ever_for_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
