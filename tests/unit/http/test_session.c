/*
 * Sessions: cookies, connections, ends in the middle, and our own limits.
 */
#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dns.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define COOKIES \
	"HTTP/1.1 200 OK\r\nSet-Cookie: sid=abc; Path=/; HttpOnly\r\n" \
	"Set-Cookie: lang=pl; Path=/\r\nSet-Cookie: far=1; Path=/elsewhere" \
	"\r\nContent-Length: 2\r\n\r\nok"

static struct papers papers;

static struct http_request
get(struct server *server)
{
	return (struct http_request){
	    .url = url_of("http", "127.0.0.1", server_port(server))};
}

/* ---- cookies ---- */

static void
cookies_are_kept_and_are_of_one_session_only(void **state)
{
	struct rig *rig = *state;
	struct server *server = server_start(
	    &(struct server_options){.script = SCRIPT(SEND(COOKIES))});
	struct http_session *one = http_session_new(rig->client, NULL);
	struct http_session *other = http_session_new(rig->client, NULL);
	struct outcome got = {0};
	const char *cookie;

	assert_null(http_session_cookie(one, "127.0.0.1", "sid"));
	rig_do(rig, one, get(server), &got);
	assert_reason(&got, REASON_OK);
	assert_null(strcasestr(server_last(server), "\r\nCookie:"));
	assert_string_equal(
	    http_session_cookie(one, "127.0.0.1", "sid"), "abc");
	assert_string_equal(
	    http_session_cookie(one, "127.0.0.1", "lang"), "pl");
	assert_string_equal(http_session_cookie(one, "127.0.0.1", "far"), "1");
	assert_null(http_session_cookie(one, "127.0.0.1", "SID"));
	assert_null(http_session_cookie(one, "127.0.0.2", "sid"));
	assert_null(http_session_cookie(one, "x.127.0.0.1", "sid"));
	assert_null(http_session_cookie(other, "127.0.0.1", "sid"));

	rig_do(rig, one, get(server), &got);
	cookie = strcasestr(server_last(server), "\r\nCookie:");
	assert_non_null(cookie);
	assert_non_null(strstr(cookie, "sid=abc"));
	assert_non_null(strstr(cookie, "lang=pl"));
	assert_null(strstr(cookie, "far=1"));
	rig_do(rig, other, get(server), &got);
	assert_null(strcasestr(server_last(server), "\r\nCookie:"));
	http_session_free(one);
	http_session_free(other);
	outcome_clear(&got);
	server_stop(server);
}

static void
a_cookie_of_a_domain_is_known_for_its_hosts(void **state)
{
	struct rig *rig = *state;
	struct server *server = server_start(&(struct server_options){
	    .script =
		SCRIPT(SEND("HTTP/1.1 200 OK\r\n"
			    "Set-Cookie: wide=1; Domain=szkola.example\r\n"
			    "Set-Cookie: own=2\r\n"
			    "Set-Cookie: foreign=3; Domain=inna.example\r\n"
			    "Set-Cookie: gone=4; Max-Age=0\r\n"
			    "Content-Length: 0\r\n\r\n"))});
	char to[32];
	struct http_session_options options = {.connect_to = to};
	struct http_session *session;
	struct outcome got = {0};

	snprintf(to, sizeof(to), "127.0.0.1:%d", server_port(server));
	session = http_session_new(rig->client, &options);
	rig_do(rig, session,
	    (struct http_request){.url = "http://a.szkola.example/"}, &got);
	assert_reason(&got, REASON_OK);
	assert_string_equal(
	    http_session_cookie(session, "a.szkola.example", "wide"), "1");
	assert_string_equal(
	    http_session_cookie(session, "b.szkola.example", "wide"), "1");
	assert_string_equal(
	    http_session_cookie(session, "A.Szkola.Example", "own"), "2");
	assert_null(http_session_cookie(session, "b.szkola.example", "own"));
	assert_null(http_session_cookie(session, "aszkola.example", "wide"));
	assert_null(http_session_cookie(session, "inna.example", "foreign"));
	assert_null(http_session_cookie(session, "a.szkola.example", "gone"));
	http_session_free(session);
	outcome_clear(&got);
	server_stop(server);
}

/* ---- connections ---- */

static void
a_connection_is_reused_in_its_session_only(void **state)
{
	static const bool secure[] = {false, true};
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_LEN(secure); i++) {
		struct server *server = server_start(&(struct server_options){
		    .script = SCRIPT(SEND(HELLO), NEXT),
		    .papers = secure[i] ? &papers : NULL,
		    .cert = "good"});
		char to[32];
		struct http_session_options options = {
		    .connect_to = to, .ca_file = papers.ca};
		struct http_request request = {.url = secure[i]
			? "https://" NAME_GOOD "/"
			: "http://" NAME_GOOD "/"};
		struct http_session *one, *other;
		struct outcome got = {0};

		snprintf(to, sizeof(to), "127.0.0.1:%d", server_port(server));
		one = http_session_new(rig->client, &options);
		other = http_session_new(rig->client, &options);
		rig_do(rig, one, request, &got);
		assert_reason(&got, REASON_OK);
		assert_false(got.reused);
		assert_true(got.phases.us[PHASE_CONNECT] > 0);
		assert_int_equal(got.phases.us[PHASE_TLS] > 0, secure[i]);
		rig_do(rig, one, request, &got);
		assert_reason(&got, REASON_OK);
		assert_true(got.reused);
		assert_int_equal(got.phases.us[PHASE_DNS], 0);
		assert_int_equal(got.phases.us[PHASE_CONNECT], 0);
		assert_int_equal(got.phases.us[PHASE_TLS], 0);
		assert_string_equal(got.tls, secure[i] ? "TLSv1.3" : "");
		assert_int_equal(server_connections(server), 1);
		rig_do(rig, other, request, &got);
		assert_reason(&got, REASON_OK);
		assert_false(got.reused);
		assert_int_equal(server_connections(server), 2);
		http_session_free(one);
		rig_do(rig, other, request, &got);
		assert_true(got.reused);
		http_session_free(other);
		outcome_clear(&got);
		server_stop(server);
	}
}

static const struct {
	struct step next[3];
	enum reason reason;
	enum phase phase;
} second[] = {
    {{HANG, CLOSE}, REASON_NO_ANSWER, PHASE_WAIT},
    {{SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), HANG, CLOSE},
	REASON_SLOW_BODY, PHASE_RECEIVE},
};

static void
a_failure_on_a_reused_connection_is_no_failure_to_connect(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_LEN(second); i++) {
		struct server *server = server_start(&(struct server_options){
		    .script = SCRIPT(SEND(HELLO), NEXT),
		    .next = second[i].next});
		struct http_session *session =
		    http_session_new(rig->client, NULL);
		struct http_request request = get(server);
		struct outcome got = {0};

		rig_do(rig, session, request, &got);
		assert_reason(&got, REASON_OK);
		request.timeout = TOO_LONG;
		rig_do(rig, session, request, &got);
		assert_reason(&got, second[i].reason);
		assert_int_equal(got.phase, second[i].phase);
		assert_true(got.reused);
		assert_int_equal(got.phases.us[PHASE_CONNECT], 0);
		assert_int_equal(server_requests(server), 2);
		http_session_free(session);
		outcome_clear(&got);
		server_stop(server);
	}
}

static void
a_kept_connection_that_has_gone_is_opened_anew(void **state)
{
	struct rig *rig = *state;
	struct server *server = server_start(
	    &(struct server_options){.script = SCRIPT(SEND(HELLO))});
	struct http_session *session = http_session_new(rig->client, NULL);
	struct outcome got = {0};

	for (int i = 0; i < 3; i++) {
		rig_do(rig, session, get(server), &got);
		assert_reason(&got, REASON_OK);
		assert_false(got.reused);
		assert_true(got.phases.us[PHASE_CONNECT] > 0);
	}
	http_session_free(session);
	outcome_clear(&got);
	server_stop(server);
}

/* ---- ends in the middle ---- */

static void
never(void *arg, const struct http_response *response)
{
	(void)arg;
	(void)response;
	fail_msg("told of an exchange that was cancelled");
}

/* How far an exchange gets before it is cancelled. */
enum stage { AT_ONCE, IN_DNS, WAITING, RECEIVING, HANDSHAKE, BEFORE_TOLD };

static const struct {
	const char *name;
	enum stage stage;
	const char *url; /* NULL: the server's */
	const struct step *script;
	bool blunt;
} cancels[] = {
    {.name = "at once", .stage = AT_ONCE, .script = SCRIPT(HANG)},
    {.name = "in dns", .stage = IN_DNS, .url = "http://silent.example/"},
    {.name = "dns at once", .stage = AT_ONCE, .url = "http://silent.example/"},
    {.name = "waiting", .stage = WAITING, .script = SCRIPT(HANG)},
    {.name = "receiving",
	.stage = RECEIVING,
	.script = SCRIPT(TRICKLE(HELLO HELLO HELLO HELLO, 50))},
    {.name = "in the handshake",
	.stage = HANDSHAKE,
	.script = SCRIPT(HANG),
	.blunt = true},
    {.name = "bad url before it is told",
	.stage = BEFORE_TOLD,
	.url = "nothing"},
};

static void
wait_for_stage(
    struct rig *rig, enum stage stage, struct server *server, struct dns *dns)
{
	mono_us end = loop_now(rig->loop) + PATIENCE;
	bool there = stage == AT_ONCE || stage == BEFORE_TOLD;

	while (!there) {
		assert_true(loop_now(rig->loop) < end);
		rig_spin(rig, MS(5));
		switch (stage) {
		case IN_DNS:
			there = dns_asked(dns, "silent.example") > 0;
			break;
		case WAITING:
		case RECEIVING:
			there = server_requests(server) > 0;
			break;
		case HANDSHAKE:
			there = server_connections(server) > 0;
			break;
		case AT_ONCE:
		case BEFORE_TOLD:
			there = true;
			break;
		}
	}
}

static void
an_exchange_can_be_cancelled_in_each_stage(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cancels); i++) {
		struct dns *dns = dns_start();
		const char *servers[] = {dns_address(dns)};
		struct http_options options = {
		    .name_servers = servers, .n_name_servers = 1};
		struct server *server = server_start(&(struct server_options){
		    .script = cancels[i].script, .blunt = cancels[i].blunt});
		struct http_request request = {
		    .timeout = ENOUGH, .max_body_bytes = 100};
		struct http_session *session;
		struct http_exchange *exchange;
		struct rig rig;

		print_message("# %s\n", cancels[i].name);
		rig_begin(&rig, &options);
		session = http_session_new(rig.client, NULL);
		request.url = cancels[i].url != NULL
		    ? cancels[i].url
		    : url_of(cancels[i].stage == HANDSHAKE ? "https" : "http",
			  "127.0.0.1", server_port(server));
		exchange = http_start(session, &request, never, NULL);
		wait_for_stage(&rig, cancels[i].stage, server, dns);
		http_cancel(exchange);
		/* The session may go at once, or be used again. */
		if (i % 2 == 0) {
			exchange = http_start(session, &request, never, NULL);
			http_cancel(exchange);
		}
		http_session_free(session);
		rig_spin(&rig, MS(20));
		rig_end(&rig);
		server_stop(server);
		dns_stop(dns);
	}
}

/* Its handle was ready when it failed: it must not keep the session's share. */
static void
an_exchange_can_be_cancelled_after_its_name_was_not_found(void **state)
{
	struct dns *dns = dns_start();
	const char *servers[] = {dns_address(dns)};
	struct http_options options = {
	    .name_servers = servers, .n_name_servers = 1};
	struct http_request request = {.url = "http://nx.example/",
	    .timeout = ENOUGH,
	    .max_body_bytes = 100};
	struct http_session *session;
	struct http_exchange *exchange;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &options);
	for (int ms = 0; ms < 20; ms++) {
		int calls = 0;
		struct outcome got = {.rig = &rig};

		session = http_session_new(rig.client, NULL);
		exchange = http_start(session, &request, outcome_note, &got);
		rig_spin(&rig, ms * US_PER_MS / 4);
		calls = got.calls;
		if (calls == 0)
			http_cancel(exchange);
		http_session_free(session);
		rig_spin(&rig, MS(2));
		assert_int_equal(got.calls, calls);
		outcome_clear(&got);
	}
	rig_end(&rig);
	dns_stop(dns);
}

struct chain {
	struct rig *rig;
	struct http_session *session;
	struct server *server;
	int calls;
	int left;
};

static void
go_on(void *arg, const struct http_response *response)
{
	struct chain *chain = arg;
	struct http_request request = get(chain->server);

	assert_int_equal(response->reason, REASON_OK);
	assert_string_equal(response->body, "hello");
	chain->calls++;
	if (chain->left-- == 0) {
		http_session_free(chain->session);
		/* What we were told is ours until we return. */
		assert_string_equal(response->body, "hello");
		assert_string_not_equal(response->address, "");
		loop_stop(chain->rig->loop);
		return;
	}
	request.timeout = ENOUGH;
	request.max_body_bytes = 100;
	http_start(chain->session, &request, go_on, chain);
	assert_string_equal(response->body, "hello");
}

static void
the_next_exchange_and_the_end_may_come_from_inside_done(void **state)
{
	struct rig *rig = *state;
	struct server *server = server_start(
	    &(struct server_options){.script = SCRIPT(SEND(HELLO), NEXT)});
	struct chain chain = {.rig = rig, .server = server, .left = 3};
	struct http_request request = get(server);
	uint64_t before = http_client_requests(rig->client);

	request.timeout = ENOUGH;
	request.max_body_bytes = 100;
	chain.session = http_session_new(rig->client, NULL);
	http_start(chain.session, &request, go_on, &chain);
	rig_run(rig, &chain.calls, 4);
	assert_int_equal(chain.calls, 4);
	assert_int_equal(http_client_requests(rig->client), before + 4);
	assert_int_equal(server_connections(server), 1);
	server_stop(server);
}

static void
end_it(void *arg, const struct http_response *response)
{
	struct chain *chain = arg;

	assert_int_equal(response->reason, REASON_EXTRACT_FAILED);
	chain->calls++;
	http_session_free(chain->session);
	loop_stop(chain->rig->loop);
}

static void
a_session_may_be_freed_when_it_could_not_even_begin(void **state)
{
	struct rig *rig = *state;
	struct chain chain = {.rig = rig};
	struct http_request request = {
	    .url = "nothing", .timeout = 1, .max_body_bytes = 1};

	chain.session = http_session_new(rig->client, NULL);
	http_start(chain.session, &request, end_it, &chain);
	rig_run(rig, &chain.calls, 1);
	assert_int_equal(chain.calls, 1);
}

/* ---- our own limits ---- */

/* In a process of its own, where descriptors can be taken away. */
static int
without_descriptors(struct server *server)
{
	static const char *const urls[] = {NULL, "http://x.example/"};
	struct rlimit limit;
	struct rig rig;
	int fds[256];
	int n = 0;

	rig_begin(&rig, NULL);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &limit);
	/* The loop opens its own at the first turn. */
	rig_spin(&rig, 1);
	while (n < 256 && (fds[n] = open("/dev/null", O_RDONLY)) >= 0)
		n++;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct outcome got = {0};

		rig_get(&rig, NULL,
		    urls[i] != NULL
			? urls[i]
			: url_of("http", "127.0.0.1", server_port(server)),
		    0, &got);
		if (got.reason != REASON_FD_LIMIT) {
			printf(
			    "# %s: %s\n", reason_name(got.reason), got.problem);
			return 1;
		}
		outcome_clear(&got);
	}
	while (n > 0)
		close(fds[--n]);
	rig_end(&rig);
	return 0;
}

static void
too_few_descriptors_are_our_fault(void **state)
{
	struct server *server = server_start(
	    &(struct server_options){.script = SCRIPT(SEND(HELLO))});
	int status;
	pid_t child;

	(void)state;
	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		status = without_descriptors(server);
		fflush(stdout);
		_exit(status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	server_stop(server);
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
	    cmocka_unit_test(cookies_are_kept_and_are_of_one_session_only),
	    cmocka_unit_test(a_cookie_of_a_domain_is_known_for_its_hosts),
	    cmocka_unit_test(a_connection_is_reused_in_its_session_only),
	    cmocka_unit_test(
		a_failure_on_a_reused_connection_is_no_failure_to_connect),
	    cmocka_unit_test(a_kept_connection_that_has_gone_is_opened_anew),
	    cmocka_unit_test(an_exchange_can_be_cancelled_in_each_stage),
	    cmocka_unit_test(
		an_exchange_can_be_cancelled_after_its_name_was_not_found),
	    cmocka_unit_test(
		the_next_exchange_and_the_end_may_come_from_inside_done),
	    cmocka_unit_test(
		a_session_may_be_freed_when_it_could_not_even_begin),
	    cmocka_unit_test(too_few_descriptors_are_our_fault),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
