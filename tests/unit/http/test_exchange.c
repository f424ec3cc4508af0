/*
 * What a plain server can do to one exchange, and what we send to it.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
#define HELLO HEAD "Content-Length: 5\r\n\r\nhello"

static struct papers papers;

/* ---- answers of all kinds ---- */

static const struct {
	const char *name;
	const struct step *script;
	enum reason reason;
	int status;
	enum phase phase; /* of the end, when not ok */
	const char *body; /* NULL: any */
	dur_us retry_after;
	dur_us timeout; /* 0: enough */
	bool blunt;
} answers[] = {
    {.name = "ok",
	.script = SCRIPT(SEND(HELLO)),
	.reason = REASON_OK,
	.status = 200,
	.body = "hello"},
    {.name = "a body up to the close",
	.script = SCRIPT(SEND("HTTP/1.0 200 OK\r\n\r\nhello")),
	.reason = REASON_OK,
	.status = 200,
	.body = "hello"},
    {.name = "chunks",
	.script = SCRIPT(SEND(HEAD "Transfer-Encoding: chunked\r\n\r\n"
				   "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")),
	.reason = REASON_OK,
	.status = 200,
	.body = "hello"},
    {.name = "no content",
	.script = SCRIPT(SEND("HTTP/1.1 204 No Content\r\n\r\n")),
	.reason = REASON_OK,
	.status = 204,
	.body = ""},
    {.name = "not found",
	.script = SCRIPT(
	    SEND("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")),
	.reason = REASON_OK,
	.status = 404,
	.body = "no"},
    {.name = "unavailable, seconds",
	.script = SCRIPT(SEND("HTTP/1.1 503 Busy\r\nRetry-After: 120\r\n"
			      "Content-Length: 4\r\n\r\nbusy")),
	.reason = REASON_OK,
	.status = 503,
	.body = "busy",
	.retry_after = 120 * US_PER_S},
    {.name = "retry after years",
	.script = SCRIPT(SEND("HTTP/1.1 503 Busy\r\nRetry-After: 999999999\r\n"
			      "Content-Length: 0\r\n\r\n")),
	.reason = REASON_OK,
	.status = 503,
	.retry_after = 30 * INT64_C(86400) * US_PER_S},
    {.name = "retry after a date gone by",
	.script = SCRIPT(SEND(
	    "HTTP/1.1 503 Busy\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT"
	    "\r\nContent-Length: 0\r\n\r\n")),
	.reason = REASON_OK,
	.status = 503},
    {.name = "retry after nonsense",
	.script = SCRIPT(SEND("HTTP/1.1 503 Busy\r\nRetry-After: soon\r\n"
			      "Content-Length: 0\r\n\r\n")),
	.reason = REASON_OK,
	.status = 503},
    {.name = "hints before the answer",
	.script = SCRIPT(
	    SEND("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" HELLO)),
	.reason = REASON_OK,
	.status = 200,
	.body = "hello"},
    {.name = "reset after accept",
	.script = SCRIPT(RESET),
	.reason = REASON_CONNECTION_RESET,
	.status = 0,
	.phase = PHASE_WAIT,
	.body = "",
	.blunt = true},
    {.name = "reset after the request",
	.script = SCRIPT(RESET),
	.reason = REASON_CONNECTION_RESET,
	.status = 0,
	.phase = PHASE_WAIT,
	.body = ""},
    {.name = "reset in the head",
	.script = SCRIPT(SEND(HEAD), FLUSH, RESET),
	.reason = REASON_CONNECTION_RESET,
	.status = 200,
	.phase = PHASE_RECEIVE,
	.body = ""},
    {.name = "reset in the body",
	.script =
	    SCRIPT(SEND(HEAD "Content-Length: 9\r\n\r\nhello"), FLUSH, RESET),
	.reason = REASON_CONNECTION_RESET,
	.status = 200,
	.phase = PHASE_RECEIVE,
	.body = "hello"},
    {.name = "a body that ends too soon",
	.script = SCRIPT(SEND(HEAD "Content-Length: 9\r\n\r\nhello")),
	.reason = REASON_CONNECTION_RESET,
	.status = 200,
	.phase = PHASE_RECEIVE,
	.body = "hello"},
    {.name = "an empty reply",
	.script = SCRIPT(PAUSE(1)),
	.reason = REASON_CONNECTION_RESET,
	.status = 0,
	.phase = PHASE_WAIT,
	.body = ""},
    {.name = "silence",
	.script = SCRIPT(HANG),
	.reason = REASON_NO_ANSWER,
	.status = 0,
	.phase = PHASE_WAIT,
	.body = "",
	.timeout = TOO_LONG},
    {.name = "silence after two letters",
	.script = SCRIPT(SEND("HT"), HANG),
	.reason = REASON_SLOW_BODY,
	.status = 0,
	.phase = PHASE_RECEIVE,
	.body = "",
	.timeout = TOO_LONG},
    {.name = "silence after the head",
	.script = SCRIPT(SEND(HEAD "Content-Length: 9\r\n\r\n"), HANG),
	.reason = REASON_SLOW_BODY,
	.status = 200,
	.phase = PHASE_RECEIVE,
	.body = "",
	.timeout = TOO_LONG},
    {.name = "a head letter by letter",
	.script = SCRIPT(TRICKLE(HELLO HELLO HELLO, 500)),
	.reason = REASON_SLOW_BODY,
	.status = 0,
	.phase = PHASE_RECEIVE,
	.body = "",
	.timeout = TOO_LONG},
    {.name = "a body letter by letter",
	.script = SCRIPT(SEND(HEAD "Content-Length: 90\r\n\r\n"),
	    TRICKLE(HELLO HELLO HELLO, 500)),
	.reason = REASON_SLOW_BODY,
	.status = 200,
	.phase = PHASE_RECEIVE,
	.body = NULL,
	.timeout = TOO_LONG},
    {.name = "garbage",
	.script = SCRIPT(SEND("\1\2 what is HTTP?\r\n\r\nnothing")),
	.reason = REASON_NO_ANSWER,
	.status = 0,
	.phase = PHASE_RECEIVE,
	.body = ""},
    {.name = "a status of garbage",
	.script = SCRIPT(SEND("HTTP/1.1 abc\r\n\r\n")),
	.reason = REASON_NO_ANSWER,
	.status = 0,
	.phase = PHASE_RECEIVE,
	.body = ""},
    {.name = "a broken chunk",
	.script =
	    SCRIPT(SEND(HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello")),
	.reason = REASON_CONNECTION_RESET,
	.status = 200,
	.phase = PHASE_RECEIVE,
	.body = ""},
    {.name = "bytes that are no gzip",
	.script = SCRIPT(SEND(
	    HEAD "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello")),
	.reason = REASON_NO_ANSWER,
	.status = 200,
	.phase = PHASE_RECEIVE,
	.body = ""},
    {.name = "one header line without end",
	.script = SCRIPT(SEND(HEAD "X: "), REPEAT("0123456789")),
	.reason = REASON_TOO_LARGE,
	.status = 200,
	.phase = PHASE_RECEIVE,
	.body = ""},
    {.name = "headers without end",
	.script = SCRIPT(SEND(HEAD), REPEAT("X-Flood: and one more\r\n")),
	.reason = REASON_TOO_LARGE,
	.status = 200,
	.phase = PHASE_RECEIVE,
	.body = ""},
    {.name = "cookies without end",
	.script = SCRIPT(SEND(HEAD), REPEAT("Set-Cookie: a=b\r\n")),
	.reason = REASON_TOO_LARGE,
	.status = 200,
	.phase = PHASE_RECEIVE,
	.body = ""},
    {.name = "hints without end",
	.script =
	    SCRIPT(REPEAT("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")),
	.reason = REASON_TOO_LARGE,
	.status = 103,
	.phase = PHASE_RECEIVE,
	.body = ""},
};

static void
check_answer(size_t i, struct server *server, const struct outcome *got)
{
	char address[32];

	print_message("# %s\n", answers[i].name);
	assert_reason(got, answers[i].reason);
	assert_int_equal(got->status, answers[i].status);
	if (answers[i].body != NULL)
		assert_string_equal(got->body, answers[i].body);
	assert_int_equal(got->retry_after, answers[i].retry_after);
	assert_false(got->reused);
	snprintf(address, sizeof(address), "127.0.0.1:%d", server_port(server));
	if (!answers[i].blunt)
		assert_string_equal(got->address, address);
	assert_string_equal(got->tls, "");
	assert_true(phase_times_total(&got->phases) > 0);
	assert_int_equal(got->phases.us[PHASE_DNS], 0);
	assert_int_equal(got->phases.us[PHASE_TLS], 0);
	if (answers[i].reason == REASON_OK) {
		assert_string_equal(got->problem, "");
	} else {
		assert_string_not_equal(got->problem, "");
		/* A reset at once may be seen while connecting. */
		if (!answers[i].blunt)
			assert_string_equal(phase_name(got->phase),
			    phase_name(answers[i].phase));
	}
	assert_true(got->latency >= answers[i].timeout - MS(5));
}

/* All at the same time: those that end at their deadline take seconds. */
static void
each_kind_of_answer_has_its_reason(void **state)
{
	static struct outcome got[ARRAY_LEN(answers)];
	struct server *servers[ARRAY_LEN(answers)];
	struct http_session *sessions[ARRAY_LEN(answers)];
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		servers[i] = server_start(&(struct server_options){
		    .script = answers[i].script, .blunt = answers[i].blunt});
		sessions[i] = http_session_new(rig->client, NULL);
		got[i].rig = rig;
		http_start(sessions[i],
		    &(struct http_request){
			.url = url_of(
			    "http", "127.0.0.1", server_port(servers[i])),
			.timeout = answers[i].timeout > 0 ? answers[i].timeout
							  : ENOUGH,
			.max_body_bytes = 65536,
		    },
		    outcome_note, &got[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		rig_run(rig, &got[i].calls, 1);
		check_answer(i, servers[i], &got[i]);
		http_session_free(sessions[i]);
		outcome_clear(&got[i]);
		server_stop(servers[i]);
	}
}

static void
a_date_to_retry_after_is_counted_from_now(void **state)
{
	time_t when = time(NULL) + 90;
	struct outcome got = {0};
	struct server *server;
	struct tm tm;
	char date[64];
	char text[256];

	gmtime_r(&when, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	snprintf(text, sizeof(text),
	    "HTTP/1.1 503 Busy\r\nRetry-After: %s\r\n"
	    "Content-Length: 0\r\n\r\n",
	    date);
	server = server_start(
	    &(struct server_options){.script = SCRIPT(SEND(text))});
	rig_get(*state, NULL, url_of("http", "127.0.0.1", server_port(server)),
	    0, &got);
	assert_reason(&got, REASON_OK);
	assert_in_range(got.retry_after, 1, 90 * US_PER_S);
	outcome_clear(&got);
	server_stop(server);
}

static void
a_closed_port_refuses(void **state)
{
	struct outcome got = {0};

	rig_get(*state, NULL, url_of("http", "127.0.0.1", server_free_port()),
	    0, &got);
	assert_reason(&got, REASON_CONNECT_REFUSED);
	assert_int_equal(got.phase, PHASE_CONNECT);
	assert_int_equal(got.status, 0);
	assert_int_equal(got.body_len, 0);
	outcome_clear(&got);
}

/* ---- bodies ---- */

static void
get_limited(
    struct rig *rig, const struct step *script, size_t max, struct outcome *got)
{
	struct server *server =
	    server_start(&(struct server_options){.script = script});
	struct http_session *session = http_session_new(rig->client, NULL);

	rig_do(rig, session,
	    (struct http_request){
		.url = url_of("http", "127.0.0.1", server_port(server)),
		.max_body_bytes = max},
	    got);
	http_session_free(session);
	server_stop(server);
}

static void
a_body_may_be_as_large_as_allowed_and_not_larger(void **state)
{
	static const struct step script[] = {SEND(HELLO), CLOSE};
	struct outcome got = {0};

	get_limited(*state, script, 5, &got);
	assert_reason(&got, REASON_OK);
	assert_string_equal(got.body, "hello");
	get_limited(*state, script, 4, &got);
	assert_reason(&got, REASON_TOO_LARGE);
	assert_string_equal(got.body, "hell");
	assert_int_equal(got.status, 200);
	outcome_clear(&got);
}

static void
chunks_without_end_are_cut_and_their_start_kept(void **state)
{
	struct outcome got = {0};

	get_limited(*state,
	    SCRIPT(SEND(HEAD "Transfer-Encoding: chunked\r\n\r\n"
			     "5\r\nbegin\r\n"),
		REPEAT("a\r\n0123456789\r\n")),
	    10000, &got);
	assert_reason(&got, REASON_TOO_LARGE);
	assert_int_equal(got.phase, PHASE_RECEIVE);
	assert_int_equal(got.body_len, 10000);
	assert_memory_equal(got.body, "begin0123456789", 15);
	outcome_clear(&got);
}

static void
a_gzip_body_is_decoded(void **state)
{
	struct outcome got = {0};
	char head[256];

	snprintf(head, sizeof(head),
	    HEAD "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
	    papers.hello_len);
	get_limited(*state,
	    SCRIPT(SEND(head), SEND_BYTES(papers.hello, papers.hello_len)),
	    65536, &got);
	assert_reason(&got, REASON_OK);
	assert_string_equal(got.body, "hello, world\n");
	assert_int_equal(got.body_len, 13);
	outcome_clear(&got);
}

static void
a_gzip_bomb_is_cut_by_its_decoded_size(void **state)
{
	struct outcome got = {0};
	char head[256];

	assert_in_range(papers.bomb_len, 1000, 65535);
	snprintf(head, sizeof(head),
	    HEAD "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
	    papers.bomb_len);
	get_limited(*state,
	    SCRIPT(SEND(head), SEND_BYTES(papers.bomb, papers.bomb_len)), 65536,
	    &got);
	assert_reason(&got, REASON_TOO_LARGE);
	assert_int_equal(got.body_len, 65536);
	outcome_clear(&got);
}

/* ---- what is told of a response ---- */

static void
headers_come_in_order_and_of_the_last_answer_only(void **state)
{
	struct outcome got = {0};

	get_limited(*state,
	    SCRIPT(SEND("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
			"HTTP/1.1 302 Found\r\nSet-Cookie: a=1\r\nX-Empty:\r\n"
			"set-cookie: b=2\r\nX-Blank:  \t in the middle \t\r\n"
			"Location: ../inne?x=1\r\nContent-Type: text/plain\r\n"
			"Content-Length: 0\r\n\r\n")),
	    65536, &got);
	assert_reason(&got, REASON_OK);
	assert_string_equal(got.headers,
	    "Set-Cookie=a=1\nX-Empty=\nset-cookie=b=2\n"
	    "X-Blank=in the middle\nLocation=../inne?x=1\n"
	    "Content-Type=text/plain\nContent-Length=0\n");
	assert_string_equal(got.media_type, "text/plain");
	assert_string_equal(strrchr(got.location, '/'), "/inne?x=1");
	assert_memory_equal(got.location, "http://127.0.0.1:", 17);
	assert_int_equal(got.status, 302);
	assert_int_equal(got.version, 11);
	outcome_clear(&got);
}

static void
the_phases_add_up_to_the_latency(void **state)
{
	struct outcome got = {0};
	dur_us sum;

	get_limited(*state,
	    SCRIPT(PAUSE(60), SEND(HEAD), PAUSE(1),
		SEND("Content-Length: 5\r\n\r\nhel"), PAUSE(40), SEND("lo")),
	    65536, &got);
	assert_reason(&got, REASON_OK);
	sum = phase_times_total(&got.phases);
	assert_true(got.phases.us[PHASE_WAIT] >= MS(59));
	assert_true(got.phases.us[PHASE_RECEIVE] >= MS(39));
	assert_in_range(sum, MS(99), got.latency);
	assert_true(got.started > 0);
	outcome_clear(&got);
}

/* Lets the answer arrive, and then does something else. */
static void
be_busy(void *arg)
{
	struct server *server = arg;
	mono_us end;

	server_go(server);
	while (server_finished(server) == 0)
		continue;
	end = clock_mono(clock_system()) + MS(30);
	while (clock_mono(clock_system()) < end)
		continue;
}

/* The whole answer is there before we look. */
static void
get_while_busy(struct rig *rig, const struct step *script, struct outcome *got)
{
	struct server *server =
	    server_start(&(struct server_options){.script = script});
	struct http_session *session = http_session_new(rig->client, NULL);

	got->rig = rig;
	http_start(session,
	    &(struct http_request){
		.url = url_of("http", "127.0.0.1", server_port(server)),
		.timeout = ENOUGH,
		.max_body_bytes = 65536,
	    },
	    outcome_note, got);
	while (server_requests(server) == 0)
		rig_spin(rig, MS(1));
	loop_defer(rig->loop, be_busy, server);
	rig_run(rig, &got->calls, 1);
	http_session_free(session);
	server_stop(server);
}

static void
the_wait_for_our_own_attention_is_told(void **state)
{
	struct outcome got = {0};

	get_while_busy(*state, SCRIPT(WAIT, SEND(HELLO), FLUSH), &got);
	assert_reason(&got, REASON_OK);
	assert_true(got.late >= MS(29));
	assert_true(got.late <= got.latency);
	outcome_clear(&got);
}

static void
a_reset_that_comes_with_the_answer_is_seen(void **state)
{
	struct outcome got = {0};

	get_while_busy(*state,
	    SCRIPT(WAIT, SEND(HEAD "Content-Length: 9\r\n\r\nhello"), FLUSH,
		RESET),
	    &got);
	assert_reason(&got, REASON_CONNECTION_RESET);
	assert_int_equal(got.status, 200);
	assert_string_equal(got.body, "hello");
	outcome_clear(&got);
}

/* ---- what the server receives ---- */

static const struct {
	enum http_method method;
	const char *body;
	const char *first; /* how the request begins */
	const char *length; /* NULL: no such header */
} requests[] = {
    {HTTP_GET, NULL, "GET /strona HTTP/1.1\r\n", NULL},
    {HTTP_POST, "a=1&b=2", "POST /strona HTTP/1.1\r\n", "7"},
    {HTTP_POST, "", "POST /strona HTTP/1.1\r\n", "0"},
    {HTTP_POST, NULL, "POST /strona HTTP/1.1\r\n", "0"},
    {HTTP_PUT, "{}", "PUT /strona HTTP/1.1\r\n", "2"},
    {HTTP_DELETE, NULL, "DELETE /strona HTTP/1.1\r\n", NULL},
    {HTTP_DELETE, "{}", "DELETE /strona HTTP/1.1\r\n", "2"},
};

static void
a_request_arrives_as_it_was_meant(void **state)
{
	static const struct http_header headers[] = {
	    {"Content-Type", "application/x-test"},
	    {"X-Empty", ""},
	    {"X-Blank", "  "},
	    {"X-Value", "a; b: c"},
	};
	static const struct step script[] = {SEND(HELLO), CLOSE};
	struct server *server =
	    server_start(&(struct server_options){.script = script});
	struct outcome got = {0};

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct rig *rig = *state;
		struct http_session *session =
		    http_session_new(rig->client, NULL);
		const char *body = requests[i].body;
		const char *seen;
		char length[64];

		rig_do(rig, session,
		    (struct http_request){
			.method = requests[i].method,
			.url = url_of("http", "127.0.0.1", server_port(server)),
			.headers = headers,
			.n_headers = ARRAY_LEN(headers),
			.body = body,
			.body_len = body != NULL ? strlen(body) : 0,
		    },
		    &got);
		http_session_free(session);
		assert_reason(&got, REASON_OK);
		seen = server_last(server);
		assert_memory_equal(
		    seen, requests[i].first, strlen(requests[i].first));
		assert_non_null(strstr(seen, "\r\nX-Empty:\r\n"));
		assert_non_null(strstr(seen, "\r\nX-Blank:"));
		assert_non_null(strstr(seen, "\r\nX-Value: a; b: c\r\n"));
		assert_non_null(
		    strstr(seen, "\r\nContent-Type: application/x-test\r\n"));
		assert_non_null(strstr(seen, "\r\nUser-Agent: dyzurny\r\n"));
		assert_null(strcasestr(seen, "\r\nExpect:"));
		assert_string_equal(
		    strstr(seen, "\r\n\r\n") + 4, body != NULL ? body : "");
		assert_int_equal(got.sent_bytes, strlen(seen));
		if (requests[i].length == NULL) {
			assert_null(strcasestr(seen, "\r\nContent-Length:"));
			continue;
		}
		snprintf(length, sizeof(length), "\r\nContent-Length: %s\r\n",
		    requests[i].length);
		assert_non_null(strstr(seen, length));
	}
	outcome_clear(&got);
	server_stop(server);
}

/* Larger than libcurl sends along with the head. */
static void
a_large_body_arrives_and_silence_after_it_is_no_answer(void **state)
{
	static const struct {
		struct step script[3];
		enum reason reason;
		dur_us timeout;
	} cases[] = {
	    {{PAUSE(60), SEND(HELLO), CLOSE}, REASON_OK, ENOUGH},
	    {{HANG, CLOSE}, REASON_NO_ANSWER, TOO_LONG},
	};
	size_t len = 300000;
	char *body = malloc(len + 1);

	assert_non_null(body);
	memset(body, 'x', len);
	body[len] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig *rig = *state;
		struct server *server = server_start(
		    &(struct server_options){.script = cases[i].script});
		struct http_session *session =
		    http_session_new(rig->client, NULL);
		struct outcome got = {0};

		rig_do(rig, session,
		    (struct http_request){.method = HTTP_POST,
			.url = url_of("http", "127.0.0.1", server_port(server)),
			.body = body,
			.body_len = len,
			.timeout = cases[i].timeout},
		    &got);
		http_session_free(session);
		assert_reason(&got, cases[i].reason);
		assert_string_equal(
		    strstr(server_last(server), "\r\n\r\n") + 4, body);
		assert_true(got.phases.us[PHASE_WAIT] >= MS(59));
		assert_int_equal(got.sent_bytes, strlen(server_last(server)));
		outcome_clear(&got);
		server_stop(server);
	}
	free(body);
}

static int
set_up(void **state)
{
	static struct rig rig;

	papers_make(&papers);
	http_init();
	rig_begin(&rig, NULL);
	*state = &rig;
	return 0;
}

static int
tear_down(void **state)
{
	rig_end(*state);
	http_fini();
	papers_remove(&papers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_of_answer_has_its_reason),
	    cmocka_unit_test(a_date_to_retry_after_is_counted_from_now),
	    cmocka_unit_test(a_closed_port_refuses),
	    cmocka_unit_test(a_body_may_be_as_large_as_allowed_and_not_larger),
	    cmocka_unit_test(chunks_without_end_are_cut_and_their_start_kept),
	    cmocka_unit_test(a_gzip_body_is_decoded),
	    cmocka_unit_test(a_gzip_bomb_is_cut_by_its_decoded_size),
	    cmocka_unit_test(headers_come_in_order_and_of_the_last_answer_only),
	    cmocka_unit_test(the_phases_add_up_to_the_latency),
	    cmocka_unit_test(the_wait_for_our_own_attention_is_told),
	    cmocka_unit_test(a_reset_that_comes_with_the_answer_is_seen),
	    cmocka_unit_test(a_request_arrives_as_it_was_meant),
	    cmocka_unit_test(
		a_large_body_arrives_and_silence_after_it_is_no_answer),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
