/* Names: asked anew by each session, timed, and nobody else's trouble. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns.h"
#include "rig.h"

struct place {
	struct rig rig;
	struct dns *dns;
	struct server *server;
};

static const struct step script[] = {
    SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), CLOSE};

/* dns_timeout: ENOUGH, where an answer is expected. */
static void
place_begin(struct place *place, dur_us dns_timeout)
{
	const char *servers[1];

	place->dns = dns_start();
	servers[0] = dns_address(place->dns);
	rig_begin(&place->rig,
	    &(struct http_options){
		.user_agent = "test",
		.name_servers = servers,
		.n_name_servers = 1,
		.dns_timeout = dns_timeout,
	    });
	place->server =
	    server_start(&(struct server_options){.script = script});
}

static void
place_end(struct place *place)
{
	server_stop(place->server);
	rig_end(&place->rig);
	dns_stop(place->dns);
}

static void
each_answer_of_a_name_server_has_its_reason(void **state)
{
	static const struct {
		const char *name;
		enum reason reason;
		dur_us timeout;
	} cases[] = {
	    {"ok.example", REASON_OK, ENOUGH},
	    {"both.example", REASON_OK, ENOUGH},
	    {"nx.example", REASON_DNS_FAILURE, ENOUGH},
	    {"empty.example", REASON_DNS_FAILURE, ENOUGH},
	    {"servfail.example", REASON_DNS_FAILURE, ENOUGH},
	    {"refused.example", REASON_DNS_FAILURE, ENOUGH},
	    {"silence.example", REASON_DNS_TIMEOUT, MS(600)},
	    {"wrong.example", REASON_DNS_TIMEOUT, MS(600)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct outcome got = {0};
		struct place place;

		place_begin(&place, cases[i].timeout);
		rig_get(&place.rig, NULL,
		    url_of("http", cases[i].name, server_port(place.server)), 0,
		    &got);
		if (got.reason != cases[i].reason)
			fail_msg("%s: %s, %s", cases[i].name,
			    reason_name(got.reason), got.problem);
		if (got.reason != REASON_OK)
			assert_int_equal(got.phase, PHASE_DNS);
		outcome_clear(&got);
		place_end(&place);
	}
}

static void
the_wait_for_an_answer_is_the_phase_dns(void **state)
{
	struct outcome got = {0};
	struct place place;

	(void)state;
	place_begin(&place, ENOUGH);
	rig_get(&place.rig, NULL,
	    url_of("http", "slow.example", server_port(place.server)), 0, &got);
	assert_reason(&got, REASON_OK);
	assert_true(got.phases.us[PHASE_DNS] >= MS(290));
	assert_true(got.latency >= got.phases.us[PHASE_DNS]);
	outcome_clear(&got);
	place_end(&place);
}

static void
silence_ends_at_the_deadline_of_a_resolution(void **state)
{
	struct outcome got = {0};
	struct place place;

	(void)state;
	place_begin(&place, MS(600));
	rig_get(&place.rig, NULL,
	    url_of("http", "silence.example", server_port(place.server)), 0,
	    &got);
	assert_reason(&got, REASON_DNS_TIMEOUT);
	assert_true(got.latency >= MS(600));
	outcome_clear(&got);
	place_end(&place);
}

static void
a_session_asks_once_and_a_new_one_asks_anew(void **state)
{
	struct outcome got = {0};
	struct place place;

	(void)state;
	place_begin(&place, ENOUGH);
	for (int round = 1; round <= 2; round++) {
		struct http_session *session =
		    http_session_new(place.rig.client, NULL);

		for (int i = 0; i < 3; i++) {
			rig_do(&place.rig, session,
			    (struct http_request){
				.url = url_of("http", "ok.example",
				    server_port(place.server))},
			    &got);
			assert_reason(&got, REASON_OK);
		}
		http_session_free(session);
		assert_int_equal(dns_asked(place.dns, "ok.example"), round);
	}
	outcome_clear(&got);
	place_end(&place);
}

static void
other_options_hold_from_the_next_exchange_on(void **state)
{
	struct dns *other = dns_start();
	const char *servers[] = {dns_address(other)};
	struct http_options options = {.user_agent = "other",
	    .name_servers = servers,
	    .n_name_servers = 1};
	struct outcome slow = {0}, got = {0};
	struct http_session *session;
	struct place place;

	(void)state;
	place_begin(&place, ENOUGH);
	slow.rig = &place.rig;
	session = http_session_new(place.rig.client, NULL);
	http_start(session,
	    &(struct http_request){
		.url =
		    url_of("http", "slow.example", server_port(place.server)),
		.timeout = PATIENCE,
		.max_body_bytes = 1024,
	    },
	    outcome_note, &slow);
	http_client_apply(place.rig.client, &options);
	/* A name that is being asked for is answered all the same. */
	rig_run(&place.rig, &slow.calls, 1);
	assert_reason(&slow, REASON_OK);
	assert_int_equal(dns_asked(place.dns, "slow.example"), 1);
	http_session_free(session);
	rig_get(&place.rig, NULL,
	    url_of("http", "ok.example", server_port(place.server)), 0, &got);
	assert_reason(&got, REASON_OK);
	assert_int_equal(dns_asked(place.dns, "ok.example"), 0);
	assert_int_equal(dns_asked(other, "ok.example"), 1);
	assert_non_null(
	    strstr(server_last(place.server), "\r\nUser-Agent: other\r\n"));
	/* The same again changes nothing. */
	http_client_apply(place.rig.client, &options);
	rig_get(&place.rig, NULL,
	    url_of("http", "ok.example", server_port(place.server)), 0, &got);
	assert_reason(&got, REASON_OK);
	assert_int_equal(dns_asked(other, "ok.example"), 2);
	outcome_clear(&slow);
	outcome_clear(&got);
	place_end(&place);
	dns_stop(other);
}

static void
no_search_domain_is_tried(void **state)
{
	struct outcome got = {0};
	struct place place;

	(void)state;
	assert_int_equal(setenv("LOCALDOMAIN", "search.example", 1), 0);
	place_begin(&place, ENOUGH);
	rig_get(&place.rig, NULL,
	    url_of("http", "nx.example", server_port(place.server)), 0, &got);
	assert_reason(&got, REASON_DNS_FAILURE);
	rig_get(&place.rig, NULL,
	    url_of("http", "nx", server_port(place.server)), 0, &got);
	assert_reason(&got, REASON_DNS_FAILURE);
	assert_int_equal(unsetenv("LOCALDOMAIN"), 0);
	assert_int_equal(dns_asked(place.dns, "nx.example"), 1);
	assert_int_equal(dns_asked(place.dns, "nx"), 1);
	assert_int_equal(dns_asked(place.dns, "nx.example.search.example"), 0);
	assert_int_equal(dns_asked(place.dns, "nx.search.example"), 0);
	outcome_clear(&got);
	place_end(&place);
}

static void
a_silent_name_server_delays_only_its_own(void **state)
{
	struct outcome silent = {0}, got = {0};
	struct http_exchange *exchange;
	struct http_session *session;
	struct place place;

	(void)state;
	place_begin(&place, ENOUGH);
	silent.rig = &place.rig;
	session = http_session_new(place.rig.client, NULL);
	exchange = http_start(session,
	    &(struct http_request){
		.url = "http://silence.example/",
		.timeout = ENOUGH,
		.max_body_bytes = 1024,
	    },
	    outcome_note, &silent);
	rig_get(&place.rig, NULL,
	    url_of("http", "127.0.0.1", server_port(place.server)), 0, &got);
	assert_reason(&got, REASON_OK);
	assert_int_equal(silent.calls, 0);
	http_cancel(exchange);
	http_session_free(session);
	outcome_clear(&got);
	place_end(&place);
}

/* ---- many names that hang at once ---- */

#define MANY 300

struct many {
	struct http_session *sessions[MANY];
	struct http_exchange *exchanges[MANY];
	struct rig *rig;
	int ended, in_time, timed_out;
};

static void
note_ended(void *arg, const struct http_response *response)
{
	struct many *many = arg;

	many->ended++;
	many->in_time += response->latency >= MS(600);
	many->timed_out += response->reason == REASON_DNS_TIMEOUT &&
	    response->phase == PHASE_DNS;
	loop_stop(many->rig->loop);
}

static void
ask_for_many(struct many *many, struct rig *rig)
{
	*many = (struct many){.rig = rig};
	for (size_t i = 0; i < MANY; i++) {
		char url[64];

		snprintf(url, sizeof(url), "http://hang%zu.example/", i);
		many->sessions[i] = http_session_new(rig->client, NULL);
		many->exchanges[i] = http_start(many->sessions[i],
		    &(struct http_request){
			.url = url,
			.timeout = ENOUGH,
			.max_body_bytes = 1024,
		    },
		    note_ended, many);
	}
}

static void
names_that_hang_delay_no_other(void **state)
{
	struct outcome got = {0};
	struct place place;
	struct many many;

	(void)state;
	place_begin(&place, ENOUGH);
	ask_for_many(&many, &place.rig);
	for (int i = 0; i < 20; i++) {
		rig_get(&place.rig, NULL,
		    url_of("http", "ok.example", server_port(place.server)), 0,
		    &got);
		assert_reason(&got, REASON_OK);
	}
	/* All have come and gone while none of those has ended. */
	assert_int_equal(many.ended, 0);
	for (size_t i = 0; i < MANY; i++) {
		http_cancel(many.exchanges[i]);
		http_session_free(many.sessions[i]);
	}
	outcome_clear(&got);
	place_end(&place);
}

static void
each_name_that_hangs_ends_at_its_own_deadline(void **state)
{
	struct place place;
	struct many many;

	(void)state;
	place_begin(&place, MS(600));
	ask_for_many(&many, &place.rig);
	rig_run(&place.rig, &many.ended, MANY);
	assert_int_equal(many.ended, MANY);
	assert_int_equal(many.timed_out, MANY);
	assert_int_equal(many.in_time, MANY);
	for (size_t i = 0; i < MANY; i++)
		http_session_free(many.sessions[i]);
	place_end(&place);
}

static void
a_name_server_that_is_not_there_is_our_fault(void **state)
{
	struct outcome got = {0};
	struct rig rig;

	(void)state;
	rig_begin(&rig, NULL);
	rig_get(&rig, NULL, "http://any.example/", 0, &got);
	assert_reason(&got, REASON_RESOLVER_DOWN);
	outcome_clear(&got);
	rig_end(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_answer_of_a_name_server_has_its_reason),
	    cmocka_unit_test(the_wait_for_an_answer_is_the_phase_dns),
	    cmocka_unit_test(silence_ends_at_the_deadline_of_a_resolution),
	    cmocka_unit_test(a_session_asks_once_and_a_new_one_asks_anew),
	    cmocka_unit_test(other_options_hold_from_the_next_exchange_on),
	    cmocka_unit_test(no_search_domain_is_tried),
	    cmocka_unit_test(a_silent_name_server_delays_only_its_own),
	    cmocka_unit_test(names_that_hang_delay_no_other),
	    cmocka_unit_test(each_name_that_hangs_ends_at_its_own_deadline),
	    cmocka_unit_test(a_name_server_that_is_not_there_is_our_fault),
	};

	http_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
