/*
 * A delay is found in the phase in which it was made, and in no other. No
 * phase has an upper bound here: what is held for 300 ms or more must be the
 * longest of all. A machine that stands still for so long may break that, but
 * not five times in a row.
 */
#include <stdio.h>

#include "dns.h"
#include "rig.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
#define QUICK "ok." NAME_GOOD
#define SLOW "slow." NAME_GOOD /* 300 ms */
#define HELD 300
#define LEAST MS(HELD - 5)
#define ATTEMPTS 5

static struct papers papers;

struct place {
	struct rig *rig;
	struct server *server;
	struct outcome got;
};

static void
let_in(void *arg)
{
	server_go(arg);
}

/* One exchange on a new connection. Whoever knocks at a crowded server goes
 * there at once, without a question to the name server, and has been turned
 * away by the time of the timer: the loop has run since. */
static void
visit(
    struct place *place, const struct server_options *options, const char *host)
{
	struct server_options all = *options;
	struct http_session_options here = {.ca_file = papers.ca};
	struct http_session *session;
	struct loop_timer *timer;
	char address[32];

	all.papers = &papers;
	all.cert = "good";
	place->server = server_start(&all);
	snprintf(address, sizeof(address), "127.0.0.1:%d",
	    server_port(place->server));
	if (options->crowded)
		here.connect_to = address;
	session = http_session_new(place->rig->client, &here);
	timer = loop_timer_new(place->rig->loop, let_in, place->server);
	loop_timer_start(timer, MS(50));
	rig_do(place->rig, session,
	    (struct http_request){
		.url = url_of("https", host, server_port(place->server))},
	    &place->got);
	loop_timer_free(timer);
	http_session_free(session);
	server_stop(place->server);
	assert_reason(&place->got, REASON_OK);
	assert_false(place->got.reused);
}

static bool
is_longest(const struct outcome *got, enum phase phase)
{
	for (size_t i = 0; i < PHASE_COUNT; i++) {
		if (i != phase && got->phases.us[i] >= got->phases.us[phase])
			return false;
	}
	return true;
}

static void
delay_is_in(struct rig *rig, enum phase phase,
    const struct server_options *options, const char *host)
{
	struct place place = {.rig = rig};
	bool found = false;

	for (int i = 0; i < ATTEMPTS && !found; i++) {
		visit(&place, options, host);
		assert_true(place.got.phases.us[phase] >= LEAST);
		assert_true(
		    phase_times_total(&place.got.phases) <= place.got.latency);
		found = is_longest(&place.got, phase);
	}
	assert_true(found);
	outcome_clear(&place.got);
}

static void
the_name_servers_delay_is_in_dns(void **state)
{
	delay_is_in(*state, PHASE_DNS,
	    &(struct server_options){.script = SCRIPT(SEND(HELLO))}, SLOW);
}

static void
a_full_queue_of_connections_is_in_connect(void **state)
{
	delay_is_in(*state, PHASE_CONNECT,
	    &(struct server_options){
		.script = SCRIPT(SEND(HELLO)), .crowded = true},
	    QUICK);
}

static void
a_late_answer_to_the_client_hello_is_in_tls(void **state)
{
	delay_is_in(*state, PHASE_TLS,
	    &(struct server_options){
		.script = SCRIPT(SEND(HELLO)), .hello_ms = HELD},
	    QUICK);
}

static void
a_late_first_byte_is_in_wait(void **state)
{
	delay_is_in(*state, PHASE_WAIT,
	    &(struct server_options){
		.script = SCRIPT(PAUSE(HELD), SEND(HELLO))},
	    QUICK);
}

static void
a_pause_in_the_body_is_in_receive(void **state)
{
	delay_is_in(*state, PHASE_RECEIVE,
	    &(struct server_options){
		.script = SCRIPT(SEND(HEAD), PAUSE(HELD), SEND("hello"))},
	    QUICK);
}

/* All but the first at once: each has its own. */
static void
each_phase_has_its_own_delay(void **state)
{
	struct place place = {.rig = *state};
	const dur_us *us = place.got.phases.us;

	visit(&place,
	    &(struct server_options){.script = SCRIPT(PAUSE(HELD), SEND(HEAD),
					 PAUSE(HELD), SEND("hello")),
		.hello_ms = HELD,
		.crowded = true},
	    QUICK);
	for (size_t i = PHASE_CONNECT; i < PHASE_COUNT; i++)
		assert_true(us[i] >= LEAST);
	assert_true(phase_times_total(&place.got.phases) <= place.got.latency);
	outcome_clear(&place.got);
}

static void
a_kept_connection_has_neither_dns_nor_connect_nor_tls(void **state)
{
	struct rig *rig = *state;
	struct server *server = server_start(
	    &(struct server_options){.script = SCRIPT(SEND(HELLO), NEXT),
		.next = SCRIPT(PAUSE(HELD), SEND(HELLO), NEXT),
		.papers = &papers,
		.cert = "good",
		.hello_ms = HELD});
	struct http_session *session = http_session_new(
	    rig->client, &(struct http_session_options){.ca_file = papers.ca});
	struct http_request request = {
	    .url = url_of("https", SLOW, server_port(server))};
	struct outcome got = {0};

	rig_do(rig, session, request, &got);
	assert_reason(&got, REASON_OK);
	assert_true(got.phases.us[PHASE_DNS] >= LEAST);
	assert_true(got.phases.us[PHASE_CONNECT] > 0);
	assert_true(got.phases.us[PHASE_TLS] >= LEAST);
	rig_do(rig, session, request, &got);
	assert_reason(&got, REASON_OK);
	assert_true(got.reused);
	assert_int_equal(got.phases.us[PHASE_DNS], 0);
	assert_int_equal(got.phases.us[PHASE_CONNECT], 0);
	assert_int_equal(got.phases.us[PHASE_TLS], 0);
	assert_true(got.phases.us[PHASE_WAIT] >= LEAST);
	http_session_free(session);
	server_stop(server);
	outcome_clear(&got);
}

static struct dns *dns;

static int
set_up(void **state)
{
	static struct rig rig;
	const char *servers[1];

	papers_make(&papers);
	http_init();
	dns = dns_start();
	servers[0] = dns_address(dns);
	rig_begin(&rig,
	    &(struct http_options){.name_servers = servers,
		.n_name_servers = 1,
		.dns_timeout = ENOUGH});
	*state = &rig;
	return 0;
}

static int
tear_down(void **state)
{
	rig_end(*state);
	dns_stop(dns);
	http_fini();
	papers_remove(&papers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_name_servers_delay_is_in_dns),
	    cmocka_unit_test(a_full_queue_of_connections_is_in_connect),
	    cmocka_unit_test(a_late_answer_to_the_client_hello_is_in_tls),
	    cmocka_unit_test(a_late_first_byte_is_in_wait),
	    cmocka_unit_test(a_pause_in_the_body_is_in_receive),
	    cmocka_unit_test(each_phase_has_its_own_delay),
	    cmocka_unit_test(
		a_kept_connection_has_neither_dns_nor_connect_nor_tls),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
