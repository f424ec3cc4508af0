/* Evidence: the JSON of a run, its HAR, and the masking of addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "daemon/probe/probe-int.h"
#include "model/target.h"
#include "probe/evidence.h"

static void
addresses_are_masked(void **state)
{
	static const struct {
		const char *url, *wanted;
	} cases[] = {
	    {"", ""},
	    {"https://h.pl/", "https://h.pl/"},
	    {"https://h.pl", "https://h.pl"},
	    {"https://u:p@h.pl:8443/x", "https://h.pl:8443/x"},
	    {"https://h.pl/x?a=1&b=&c", "https://h.pl/x?a=***&b=***&***"},
	    {"https://h.pl/x?", "https://h.pl/x"},
	    {"https://h.pl?a=1#frag", "https://h.pl?a=***"},
	    {"https://h.pl/x#token=1", "https://h.pl/x"},
	    {"https://h.pl/wiadomosci/1/5/123/f0",
		"https://h.pl/wiadomosci/1/5/123/f0"},
	    {"https://h.pl/powiatwulkanowyznowu/abcdefghijklmnopqrstuvwxyz",
		"https://h.pl/powiatwulkanowyznowu/abcdefghijklmnopqrstuvwxyz"},
	    {"https://h.pl/t/0123456789abcdef012345678/end",
		"https://h.pl/t/***/end"},
	    {"https://h.pl/login/MTIzNA==/target/YQ%3D%3D",
		"https://h.pl/login/***/target/***"},
	    {"https://h.pl/a/1234567u/b?1234567u=x",
		"https://h.pl/a/***/b?***"},
	    {"/relative/1234567u", "/relative/***"},
	    {"https://h.pl/a/1234567%55/b", "https://h.pl/a/***/b"},
	    {"https://h.pl/a/1234567U/b", "https://h.pl/a/***/b"},
	    {"https://h.pl/login/jan%40x.pl/kot%20i%20pies%26/x",
		"https://h.pl/login/***/***/x"},
	    {"https://h.pl/login/jan@x.pl/x", "https://h.pl/login/***/x"},
	    {"https://h.pl/a%2/b%zz/%", "https://h.pl/a%2/b%zz/%"},
	    {"https://h.pl/?x=1?y=2/3", "https://h.pl/?x=***"},
	};
	struct conf_account_field field = {"user", secret_new("1234567u", 8)};
	struct conf_account_field others[] = {
	    {"user", secret_new("jan@x.pl", 8)},
	    {"password", secret_new("kot i pies&", 11)},
	};
	struct conf_account account = {
	    .name = "a", .n_fields = 1, .fields = &field};
	struct conf_account recipient = {
	    .name = "b", .n_fields = 2, .fields = others};
	struct conf_deployment deployment = {
	    .name = "d", .sender = &account, .recipient = &recipient};
	struct arena arena;
	size_t i;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(
		    probe_record_mask_url(&arena, &deployment, cases[i].url),
		    cases[i].wanted);
	arena_fini(&arena);
	secret_free(field.value);
	for (i = 0; i < ARRAY_LEN(others); i++)
		secret_free(others[i].value);
}

static struct jv *
example(struct target_set *targets)
{
	struct result results[] = {
	    {.target = target_intern(targets, "librus", "main", "login"),
		.latency = 250500,
		.phases = {{1000, 2000, 3000, 200000, 500}},
		.exchanges = 1,
		.http_status = 200,
		.received_bytes = 77},
	    {.target = target_intern(targets, "librus", "main", "grades"),
		.reason = REASON_NO_ANSWER,
		.phase = PHASE_WAIT,
		.step = "page"},
	    {.target = target_intern(targets, "librus", "main", "message"),
		.reason = REASON_PREREQUISITE_FAILED},
	    {.target = target_intern(targets, "librus", "main", "absence"),
		.reason = REASON_TAINTED,
		.exchanges = 1},
	};
	struct run_exchange exchanges[] = {
	    {.transaction = "login",
		.step = "form",
		.account = "sender",
		.method = "GET",
		.url = "https://h.pl/x?a=***&***",
		.address = "[::1]:8443",
		.tls = "TLSv1.3",
		.cipher = "TLS_AES_256_GCM_SHA384",
		.span = "10f1e2d3c4b5a697",
		.certificate = {.subject = "CN=x",
		    .issuer = "CN=\"ca\"",
		    .hosts = "h.pl",
		    .not_before = 100 * US_PER_S,
		    .not_after = 200 * US_PER_S},
		.media_type = "text/html",
		.location = "https://h.pl/y",
		.note = "",
		.started = 5 * US_PER_S + 1500,
		.latency = 206500,
		.phases = {{1000, 2000, 3000, 200000, 500}},
		.status = 302,
		.http_version = 20,
		.received_bytes = 77},
	    {.transaction = "grades",
		.step = "page",
		.account = "sender",
		.method = "GET",
		.url = "https://h.pl/y",
		.address = "127.0.0.1:8443",
		.tls = "TLSv1.3",
		.cipher = "",
		.span = "",
		.media_type = "",
		.location = "",
		.note = "too \"slow\"",
		.started = 6 * US_PER_S,
		.phases = {{0, 0, 0, 10000, 0}},
		.reused = true,
		.reason = REASON_NO_ANSWER},
	};
	struct run run = {.id = "0123456789abcdef0123456789abcdef",
	    .operator= "librus",
	    .deployment = "main",
	    .vantage = "waw",
	    .started_wall = INT64_C(1774745999123000),
	    .started = 5 * US_PER_S,
	    .latency = 2 * US_PER_S,
	    .start_late = 300,
	    .loop_late = 1200,
	    .results = results,
	    .n_results = 4,
	    .exchanges = exchanges,
	    .n_exchanges = 2};

	return evidence_run(&run);
}

static double
at(struct jv *json, const char *pointer)
{
	struct jv *value = jv_pointer(json, pointer);

	assert_true(jv_kind(value) == JV_REAL || jv_kind(value) == JV_INT);
	return jv_real_value(value);
}

static const char *
text_at(struct jv *json, const char *pointer)
{
	const char *text = jv_string_value(jv_pointer(json, pointer));

	if (text == NULL)
		fail_msg("no text at %s", pointer);
	return text;
}

static void
the_json_has_the_shape_of_the_contract(void **state)
{
	static const char *const keys[] = {"/id", "/operator", "/deployment",
	    "/vantage", "/time", "/latency_ms", "/start_late_ms",
	    "/loop_late_ms", "/tainted", "/ok", "/results/0/transaction",
	    "/results/0/target", "/results/0/reason", "/results/0/side",
	    "/results/0/step", "/results/0/latency_ms",
	    "/results/0/http_status", "/results/0/exchanges",
	    "/results/0/received_bytes", "/results/0/phases/dns",
	    "/results/0/phases/receive", "/exchanges/0/transaction",
	    "/exchanges/0/step", "/exchanges/0/account", "/exchanges/0/method",
	    "/exchanges/0/url", "/exchanges/0/status",
	    "/exchanges/0/http_version", "/exchanges/0/address",
	    "/exchanges/0/tls", "/exchanges/0/cipher", "/exchanges/0/span",
	    "/exchanges/0/certificate/subject",
	    "/exchanges/0/certificate/issuer", "/exchanges/0/certificate/hosts",
	    "/exchanges/0/media_type", "/exchanges/0/location",
	    "/exchanges/0/note", "/exchanges/0/reason",
	    "/exchanges/0/offset_ms", "/exchanges/0/latency_ms",
	    "/exchanges/0/reused", "/exchanges/0/sent_bytes",
	    "/exchanges/0/received_bytes", "/exchanges/0/phases/tls"};
	struct target_set *targets = target_set_new();
	struct jv *json = example(targets);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(keys); i++)
		if (jv_pointer(json, keys[i]) == NULL)
			fail_msg("no %s", keys[i]);
	assert_true(at(json, "/time") > 1774745999.12 &&
	    at(json, "/time") < 1774745999.13);
	assert_true(at(json, "/results/0/latency_ms") == 250.5);
	assert_true(at(json, "/exchanges/0/offset_ms") == 1.5);
	assert_true(at(json, "/exchanges/0/certificate/not_before") == 100);
	assert_true(at(json, "/exchanges/0/certificate/not_after") == 200);
	assert_int_equal(
	    jv_kind(jv_pointer(json, "/exchanges/1/certificate")), JV_NULL);
	assert_string_equal(text_at(json, "/results/1/side"), "operator");
	assert_string_equal(text_at(json, "/results/1/phase"), "wait");
	/* nothing failed in a phase of what was not tried or was disturbed */
	assert_int_equal(
	    jv_kind(jv_pointer(json, "/results/2/phase")), JV_NULL);
	assert_int_equal(
	    jv_kind(jv_pointer(json, "/results/3/phase")), JV_NULL);
	assert_string_equal(
	    text_at(json, "/results/1/target"), "librus/main/grades");
	assert_false(jv_bool_value(jv_pointer(json, "/ok")));
	jv_release(json);
	target_set_free(targets);
}

static void
the_har_keeps_to_version_1_2(void **state)
{
	struct target_set *targets = target_set_new();
	struct jv *json = example(targets), *har = evidence_har(json);

	(void)state;
	assert_string_equal(text_at(har, "/log/version"), "1.2");
	assert_string_equal(text_at(har, "/log/creator/name"), "dyzurny");
	assert_int_equal(jv_len(jv_pointer(har, "/log/entries")), 2);
	assert_int_equal(jv_len(jv_pointer(har, "/log/pages")), 2);
	assert_string_equal(text_at(har, "/log/entries/0/startedDateTime"),
	    "2026-03-29T00:59:59.124Z");
	/* connect holds ssl; the sum leaves ssl out */
	assert_true(at(har, "/log/entries/0/timings/connect") == 5);
	assert_true(at(har, "/log/entries/0/timings/ssl") == 3);
	assert_true(at(har, "/log/entries/0/time") == 206.5);
	assert_string_equal(
	    text_at(har, "/log/entries/0/serverIPAddress"), "::1");
	assert_string_equal(text_at(har, "/log/entries/0/response/redirectURL"),
	    "https://h.pl/y");
	assert_string_equal(
	    text_at(har, "/log/entries/0/request/httpVersion"), "HTTP/2");
	assert_string_equal(
	    text_at(har, "/log/entries/0/request/queryString/0/name"), "a");
	assert_string_equal(
	    text_at(har, "/log/entries/0/request/queryString/0/value"), "***");
	assert_int_equal(
	    jv_len(jv_pointer(har, "/log/entries/0/request/queryString")), 2);
	assert_string_equal(text_at(har, "/log/entries/0/_tls/cipher"),
	    "TLS_AES_256_GCM_SHA384");
	assert_string_equal(
	    text_at(har, "/log/entries/0/_tls/certificate/issuer"),
	    "CN=\"ca\"");
	assert_string_equal(text_at(har, "/log/entries/0/_trace_id"),
	    "0123456789abcdef0123456789abcdef");
	assert_string_equal(
	    text_at(har, "/log/entries/0/_span_id"), "10f1e2d3c4b5a697");
	assert_string_equal(
	    text_at(har, "/log/entries/1/_reason"), "no_answer");
	/* on a kept connection nothing was looked up or opened */
	assert_true(at(har, "/log/entries/1/timings/dns") == -1);
	assert_true(at(har, "/log/entries/1/timings/connect") == -1);
	assert_true(at(har, "/log/entries/1/timings/ssl") == -1);
	assert_true(at(har, "/log/entries/1/time") == 10);
	assert_int_equal(
	    jv_kind(jv_pointer(har, "/log/entries/1/cache")), JV_OBJECT);
	assert_int_equal(
	    jv_len(jv_pointer(har, "/log/entries/1/request/headers")), 0);
	assert_string_equal(text_at(har, "/log/entries/1/comment"),
	    "grades/page (sender): no_answer, too \"slow\"");
	jv_release(har);
	jv_release(json);
	target_set_free(targets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_are_masked),
	    cmocka_unit_test(the_json_has_the_shape_of_the_contract),
	    cmocka_unit_test(the_har_keeps_to_version_1_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
