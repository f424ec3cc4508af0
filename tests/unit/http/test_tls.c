/*
 * TLS: what is verified, what a failure is called, and what it costs.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/http/http-int.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define DAYS(n) ((n)*INT64_C(86400) * US_PER_S)
#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

static struct papers papers;

static struct server *
start(const struct step *script, const char *cert)
{
	return server_start(&(struct server_options){
	    .script = script, .papers = &papers, .cert = cert});
}

/* In a session that goes to the server whatever the host. */
static void
get(struct rig *rig, struct server *server, const char *host,
    const char *ca_file, dur_us timeout, struct outcome *got)
{
	char connect_to[32];
	struct http_session_options options = {
	    .connect_to = connect_to, .ca_file = ca_file};

	snprintf(connect_to, sizeof(connect_to), "127.0.0.1:%d",
	    server_port(server));
	rig_get(rig, &options, url_of("https", host, 443), timeout, got);
}

static void
a_good_certificate_of_a_real_host_name_is_trusted(void **state)
{
	struct server *server = start(SCRIPT(SEND(HELLO)), "good");
	struct outcome got = {0};
	char address[32];

	get(*state, server, NAME_GOOD, papers.ca, 0, &got);
	assert_reason(&got, REASON_OK);
	assert_string_equal(got.body, "hello");
	assert_string_equal(got.tls, "TLSv1.3");
	assert_non_null(strstr(got.cipher, "TLS_"));
	assert_true(got.certified);
	assert_string_equal(got.certificate.subject, "CN=x");
	assert_string_equal(got.certificate.issuer, "CN=ca");
	assert_string_equal(got.certificate.hosts, NAME_GOOD ", *." NAME_GOOD);
	assert_in_range(got.certificate.not_after - got.certificate.not_before,
	    DAYS(2), DAYS(2) + US_PER_S);
	assert_string_equal(server_sni(server), NAME_GOOD);
	assert_non_null(
	    strstr(server_last(server), "\r\nHost: " NAME_GOOD "\r\n"));
	snprintf(address, sizeof(address), "127.0.0.1:%d", server_port(server));
	assert_string_equal(got.address, address);
	assert_true(got.phases.us[PHASE_CONNECT] > 0);
	assert_true(got.phases.us[PHASE_TLS] > 0);
	assert_true(phase_times_total(&got.phases) <= got.latency);
	outcome_clear(&got);
	server_stop(server);
}

static void
the_wait_after_the_handshake_is_no_part_of_it(void **state)
{
	struct server *server = start(SCRIPT(PAUSE(80), SEND(HELLO)), "good");
	struct outcome got = {0};

	get(*state, server, NAME_GOOD, papers.ca, 0, &got);
	assert_reason(&got, REASON_OK);
	assert_true(got.phases.us[PHASE_WAIT] >= MS(79));
	outcome_clear(&got);
	server_stop(server);
}

static const struct {
	const char *name;
	const char *cert; /* NULL: no TLS at all */
	const char *host;
	bool other_ca;
	const struct step *script;
	bool blunt;
	dur_us timeout;
	enum reason reason;
	enum phase phase;
} failures[] = {
    {.name = "expired",
	.cert = "expired",
	.host = NAME_GOOD,
	.script = SCRIPT(SEND(HELLO)),
	.reason = REASON_TLS_EXPIRED,
	.phase = PHASE_TLS},
    {.name = "another name",
	.cert = "good",
	.host = "inny.example",
	.script = SCRIPT(SEND(HELLO)),
	.reason = REASON_TLS_NAME,
	.phase = PHASE_TLS},
    {.name = "an address instead of the name",
	.cert = "good",
	.host = "127.0.0.1",
	.script = SCRIPT(SEND(HELLO)),
	.reason = REASON_TLS_NAME,
	.phase = PHASE_TLS},
    {.name = "untrusted",
	.cert = "good",
	.host = NAME_GOOD,
	.other_ca = true,
	.script = SCRIPT(SEND(HELLO)),
	.reason = REASON_TLS_FAILURE,
	.phase = PHASE_TLS},
    {.name = "plain text",
	.host = NAME_GOOD,
	.script = SCRIPT(SEND("HTTP/1.1 400 Bad Request\r\n\r\n")),
	.blunt = true,
	.reason = REASON_TLS_FAILURE,
	.phase = PHASE_TLS},
    {.name = "silence",
	.host = NAME_GOOD,
	.script = SCRIPT(HANG),
	.blunt = true,
	.timeout = TOO_LONG,
	.reason = REASON_TLS_FAILURE,
	.phase = PHASE_TLS},
    {.name = "reset in the handshake",
	.host = NAME_GOOD,
	.script = SCRIPT(HEAR, RESET),
	.blunt = true,
	.reason = REASON_CONNECTION_RESET,
	.phase = PHASE_TLS},
    {.name = "silence after the handshake",
	.cert = "good",
	.host = NAME_GOOD,
	.script = SCRIPT(HANG),
	.timeout = TOO_LONG,
	.reason = REASON_NO_ANSWER,
	.phase = PHASE_WAIT},
    {.name = "reset after the request",
	.cert = "good",
	.host = NAME_GOOD,
	.script = SCRIPT(RESET),
	.reason = REASON_CONNECTION_RESET,
	.phase = PHASE_WAIT},
    {.name = "an empty reply",
	.cert = "good",
	.host = NAME_GOOD,
	.script = SCRIPT(PAUSE(1)),
	.reason = REASON_CONNECTION_RESET,
	.phase = PHASE_WAIT},
    {.name = "silence in the body",
	.cert = "good",
	.host = NAME_GOOD,
	.script = SCRIPT(
	    SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"), HANG),
	.timeout = TOO_LONG,
	.reason = REASON_SLOW_BODY,
	.phase = PHASE_RECEIVE},
};

static void
each_kind_of_failure_has_its_reason(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		struct server *server = server_start(
		    &(struct server_options){.script = failures[i].script,
			.blunt = failures[i].blunt,
			.papers = failures[i].cert != NULL ? &papers : NULL,
			.cert = failures[i].cert});
		struct outcome got = {0};

		print_message("# %s\n", failures[i].name);
		get(*state, server, failures[i].host,
		    failures[i].other_ca ? papers.other_ca : papers.ca,
		    failures[i].timeout, &got);
		assert_reason(&got, failures[i].reason);
		assert_string_equal(
		    phase_name(got.phase), phase_name(failures[i].phase));
		assert_string_not_equal(got.problem, "");
		/* what is over at once may be no time at all, when all of it
		 * was our own lateness and taken off */
		if (failures[i].timeout > 0)
			assert_true(got.phases.us[failures[i].phase] > 0);
		if (failures[i].phase == PHASE_TLS)
			assert_int_equal(server_requests(server), 0);
		/* what was shown is known, also of one that was refused */
		assert_int_equal(got.certified, failures[i].cert != NULL);
		if (got.certified)
			assert_int_equal(got.certificate.not_after <
				clock_wall(clock_system()),
			    strcmp(failures[i].name, "expired") == 0);
		outcome_clear(&got);
		server_stop(server);
	}
}

/* What the servers above cannot play. */
static void
a_certificate_of_the_future_counts_as_expired(void **state)
{
	struct http_ending ending = {
	    .code = CURLE_PEER_FAILED_VERIFICATION,
	    .verify_result = X509_V_ERR_CERT_NOT_YET_VALID,
	    .text = "SSL certificate problem",
	    .tls = true,
	    .connected = true,
	};

	(void)state;
	assert_int_equal(http_ending_reason(&ending), REASON_TLS_EXPIRED);
	assert_int_equal(http_ending_phase(&ending), PHASE_TLS);
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
a_bundle_that_cannot_be_read_is_our_fault(void **state)
{
	static const char *const texts[] = {NULL, "", "no certificate",
	    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"};
	struct server *server = start(SCRIPT(SEND(HELLO)), "good");
	struct http_bundles *bundles = http_bundles_new();
	struct outcome got = {0};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char file[96], problem[128] = "";

		snprintf(
		    file, sizeof(file), "%s/bad-%zu.crt", papers.folder, i);
		if (texts[i] != NULL)
			write_file(file, texts[i]);
		assert_false(
		    http_bundles_add(bundles, file, problem, sizeof(problem)));
		assert_string_not_equal(problem, "");
		get(*state, server, NAME_GOOD, file, 0, &got);
		assert_reason(&got, REASON_TAINTED);
		assert_int_equal(reason_side(got.reason), SIDE_OURS);
		assert_non_null(strstr(got.problem, "CA bundle"));
	}
	assert_int_equal(server_connections(server), 0);
	http_bundles_free(bundles);
	outcome_clear(&got);
	server_stop(server);
}

static void
copy_file(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command), "cp %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static void
a_reload_reads_bundles_anew_but_not_for_living_sessions(void **state)
{
	struct rig *rig = *state;
	struct server *server = start(SCRIPT(SEND(HELLO)), "good");
	char connect_to[32], file[96];
	struct http_session_options options = {
	    .connect_to = connect_to, .ca_file = file};
	struct http_request request = {
	    .url = "https://" NAME_GOOD "/", .timeout = 0};
	struct http_bundles *bundles;
	struct http_session *old;
	struct outcome got = {0};
	char problem[128];

	snprintf(connect_to, sizeof(connect_to), "127.0.0.1:%d",
	    server_port(server));
	snprintf(file, sizeof(file), "%s/changing", papers.folder);
	copy_file(papers.other_ca, file);
	old = http_session_new(rig->client, &options);
	rig_do(rig, old, request, &got);
	assert_reason(&got, REASON_TLS_FAILURE);
	copy_file(papers.ca, file);
	/* Not read again before we are told to. */
	rig_get(rig, &options, request.url, 0, &got);
	assert_reason(&got, REASON_TLS_FAILURE);
	bundles = http_bundles_new();
	assert_true(http_bundles_add(
	    bundles, options.ca_file, problem, sizeof(problem)));
	rig_apply(rig, bundles);
	http_bundles_free(bundles);
	rig_get(rig, &options, request.url, 0, &got);
	assert_reason(&got, REASON_OK);
	rig_do(rig, old, request, &got);
	assert_reason(&got, REASON_TLS_FAILURE);
	http_session_free(old);
	outcome_clear(&got);
	server_stop(server);
}

static double
cpu_ms(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
	    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

/* Prints what a hundred connections cost, both ends together, and what one
 * parse of the bundle costs; asserts only that the bundle is parsed once. */
static void
a_large_bundle_is_parsed_once_for_many_connections(void **state)
{
	enum { TIMES = 100 };
	struct rig *rig = *state;
	struct server *server = start(SCRIPT(SEND(HELLO)), "good");
	struct outcome got = {0};
	char file[96], command[512];
	X509_STORE *first, *again;
	double before, parse, each;

	snprintf(file, sizeof(file), "%s/large.crt", papers.folder);
	snprintf(command, sizeof(command),
	    "cat %s %s >%s 2>/dev/null; test -s %s", SYSTEM_BUNDLE, papers.ca,
	    file, file);
	assert_int_equal(system(command), 0);
	before = cpu_ms();
	first = http_bundle_get(rig->client, file);
	parse = cpu_ms() - before;
	before = cpu_ms();
	for (int i = 0; i < TIMES; i++) {
		get(rig, server, NAME_GOOD, file, 0, &got);
		assert_reason(&got, REASON_OK);
		assert_false(got.reused);
	}
	each = (cpu_ms() - before) / TIMES;
	again = http_bundle_get(rig->client, file);
	assert_ptr_equal(first, again);
	assert_int_equal(server_connections(server), TIMES);
	print_message("# CPU of one parse %.2f ms, of one exchange %.2f ms\n",
	    parse, each);
	X509_STORE_free(first);
	X509_STORE_free(again);
	outcome_clear(&got);
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
	    cmocka_unit_test(a_good_certificate_of_a_real_host_name_is_trusted),
	    cmocka_unit_test(the_wait_after_the_handshake_is_no_part_of_it),
	    cmocka_unit_test(each_kind_of_failure_has_its_reason),
	    cmocka_unit_test(a_certificate_of_the_future_counts_as_expired),
	    cmocka_unit_test(a_bundle_that_cannot_be_read_is_our_fault),
	    cmocka_unit_test(
		a_reload_reads_bundles_anew_but_not_for_living_sessions),
	    cmocka_unit_test(
		a_large_bundle_is_parsed_once_for_many_connections),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
