/* Failures to connect: the operator's, the network's, or our own. */
#include "rig.h"

#include <errno.h>

#include "daemon/http/http-int.h"

static const struct {
	long os_errno;
	bool routed, unrouted;
	enum reason reason;
} endings[] = {
    {ECONNREFUSED, false, false, REASON_CONNECT_REFUSED},
    {ETIMEDOUT, false, false, REASON_CONNECT_TIMEOUT},
    {ECONNRESET, false, false, REASON_CONNECTION_RESET},
    {EHOSTUNREACH, false, false, REASON_CONNECT_REFUSED},
    {EMFILE, false, false, REASON_FD_LIMIT},
    {ENFILE, false, false, REASON_FD_LIMIT},
    {ENOBUFS, false, false, REASON_FD_LIMIT},
    {ENOMEM, false, false, REASON_FD_LIMIT},
    /* Our ports have run out; or IPv6 is switched off, and IPv4 failed. */
    {EADDRNOTAVAIL, true, false, REASON_FD_LIMIT},
    {EADDRNOTAVAIL, false, false, REASON_CONNECT_REFUSED},
    {EADDRNOTAVAIL, false, true, REASON_UPLINK_DOWN},
    /* A router on the way said so; IPv6 only; none at all. */
    {ENETUNREACH, true, false, REASON_CONNECT_REFUSED},
    {ENETUNREACH, false, false, REASON_CONNECT_REFUSED},
    {ENETUNREACH, false, true, REASON_UPLINK_DOWN},
};

static void
an_error_of_ours_is_not_blamed_on_the_operator(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		struct http_ending ending = {
		    .code = CURLE_COULDNT_CONNECT,
		    .os_errno = endings[i].os_errno,
		    .text = "",
		    .routed = endings[i].routed,
		    .unrouted = endings[i].unrouted,
		};

		if (http_ending_reason(&ending) != endings[i].reason)
			fail_msg("ending %zu: %s", i,
			    reason_name(http_ending_reason(&ending)));
	}
}

/* No packet leaves for it: the kernel refuses at once. */
static void
an_address_without_a_route_is_our_uplink(void **state)
{
	struct outcome got = {0};
	struct rig rig;

	(void)state;
	rig_begin(&rig, NULL);
	rig_get(&rig, NULL, "http://255.255.255.255:9/", 0, &got);
	assert_reason(&got, REASON_UPLINK_DOWN);
	assert_int_equal(got.phase, PHASE_CONNECT);
	outcome_clear(&got);
	rig_end(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_error_of_ours_is_not_blamed_on_the_operator),
	    cmocka_unit_test(an_address_without_a_route_is_our_uplink),
	};

	http_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
