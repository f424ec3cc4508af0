/*
 * Which addresses are refused, and that the refusal is heeded.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "daemon/http/http-int.h"

static const char *const refused[] = {
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2", /* compatible with 0.0.0.2 */
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1", /* translated, old */
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "64:ff9b:1:a00:1::",
    "64:ff9b:1::93.184.216.34",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::", /* 6to4 of 127.0.0.1 */
    "2002:a9fe:a9fe::1",
    "2002:c0a8:101::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254", /* cloud metadata */
    "fdff:ffff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "4000::1", /* not given out */
    "8000::1",
};

static const char *const allowed[] = {
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2002:808:808::1",
    "2606:4700:4700::1111",
    "2a00:1450::1",
    "3ffe:ffff::1",
};

static bool
is_private(const char *text)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
		return http_address_private((const struct sockaddr *)&in4);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return http_address_private((const struct sockaddr *)&in6);
}

static void
private_addresses_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (!is_private(refused[i]))
			fail_msg("%s is let through", refused[i]);
	}
}

static void
public_addresses_are_let_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		if (is_private(allowed[i]))
			fail_msg("%s is refused", allowed[i]);
	}
}

static void
an_unknown_family_is_refused(void **state)
{
	struct sockaddr other = {.sa_family = AF_UNIX};

	(void)state;
	assert_true(http_address_private(&other));
}

/* By whatever way the address came about. */
static void
a_session_that_denies_private_addresses_does_not_connect(void **state)
{
	static const char *const hosts[] = {
	    "127.0.0.1", "0x7f.1", "2130706433", "localhost", "x.example"};
	static const struct step script[] = {
	    SEND("HTTP/1.1 204 No Content\r\n\r\n"), CLOSE};
	struct server *server =
	    server_start(&(struct server_options){.script = script});
	char connect_to[32];
	struct rig rig;
	struct outcome got = {0};

	(void)state;
	rig_begin(&rig, NULL);
	snprintf(connect_to, sizeof(connect_to), "127.0.0.1:%d",
	    server_port(server));
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct http_session_options options = {.deny_private = true};

		if (strcmp(hosts[i], "x.example") == 0)
			options.connect_to = connect_to;
		rig_get(&rig, &options,
		    url_of("http", hosts[i], server_port(server)), 0, &got);
		assert_reason(&got, REASON_CONNECT_REFUSED);
		assert_int_equal(got.phase, PHASE_CONNECT);
		assert_string_equal(got.problem, "address refused by policy");
		assert_int_equal(got.status, 0);
	}
	assert_int_equal(server_connections(server), 0);
	rig_get(&rig, NULL, url_of("http", "localhost", server_port(server)), 0,
	    &got);
	assert_reason(&got, REASON_OK);
	outcome_clear(&got);
	rig_end(&rig);
	server_stop(server);
}

static int
set_up(void **state)
{
	(void)state;
	http_init();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	http_fini();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(private_addresses_are_known),
	    cmocka_unit_test(public_addresses_are_let_through),
	    cmocka_unit_test(an_unknown_family_is_refused),
	    cmocka_unit_test(
		a_session_that_denies_private_addresses_does_not_connect),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
