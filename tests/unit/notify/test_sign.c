/* Signatures against published and independent values; pauses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/text.h"
#include "notify/notify.h"

#define HOUR (3600 * US_PER_S)

static struct secret *
key_of(const char *base64)
{
	char bytes[64];
	size_t len;

	assert_int_equal(
	    text_base64_decode(base64, bytes, sizeof(bytes), &len), 0);
	return secret_new(bytes, len);
}

/* The example of the Standard Webhooks libraries. */
static void
the_published_example_is_signed_alike(void **state)
{
	static const char body[] = "{\"test\": 2432232314}";
	struct secret *key = key_of("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
	const struct secret *keys[] = {key};
	struct buf out;

	(void)state;
	buf_init(&out, 512);
	assert_true(notify_sign(&out, keys, 1, "msg_p5jXN8AQM9LWM0D4loKWxJek",
	    1614265330, body, strlen(body)));
	assert_string_equal(
	    out.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	buf_fini(&out);
	secret_free(key);
}

/* The expected values were computed with openssl dgst. */
static void
two_keys_give_two_signatures_in_order(void **state)
{
	static const char body[] = "{\"type\":\"test\",\"ż\":1}";
	struct secret *young = secret_new("0123456789abcdef01234567", 24);
	struct secret *old = secret_new("\0\1\2\3", 4);
	const struct secret *keys[] = {young, old};
	struct buf out;

	(void)state;
	buf_init(&out, 512);
	assert_true(notify_sign(
	    &out, keys, 2, "msg_1", 1700000000, body, strlen(body)));
	assert_string_equal(out.data,
	    "v1,NKO+XG+uDqvDQAjvoD9sfebv3+KF6nqGOHkhBggJxAo= "
	    "v1,t6MqkUKpzLzyiAQDB4bp4NmtqB/kbs78LWG73W1Hd90=");
	buf_fini(&out);
	secret_free(young);
	secret_free(old);
}

static void
a_buffer_too_small_is_said(void **state)
{
	struct secret *key = secret_new("key", 3);
	const struct secret *keys[] = {key};
	struct buf out;

	(void)state;
	buf_init(&out, 20);
	assert_false(notify_sign(&out, keys, 1, "msg_1", 1, "x", 1));
	buf_fini(&out);
	secret_free(key);
}

static void
pauses_grow_and_then_stay_hourly(void **state)
{
	static const dur_us expected_s[] = {
	    5, 30, 120, 600, 1800, 3600, 3600, 3600};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(expected_s); i++) {
		dur_us middle = notify_pause(i + 1, 0, 0.5);
		dur_us low = notify_pause(i + 1, 0, 0.0);
		dur_us high = notify_pause(i + 1, 0, 1.0);
		dur_us fifth = expected_s[i] * US_PER_S / 5;

		assert_int_equal(middle, expected_s[i] * US_PER_S);
		assert_true(middle - low >= fifth - 1);
		assert_true(middle - low <= fifth + 1);
		assert_true(high - middle >= fifth - 1);
		assert_true(high - middle <= fifth + 1);
	}
}

static void
after_three_days_there_is_no_next_try(void **state)
{
	(void)state;
	assert_true(notify_pause(80, 72 * HOUR - 1, 0.5) > 0);
	assert_int_equal(notify_pause(80, 72 * HOUR, 0.5), -1);
	assert_int_equal(notify_pause(1, 100 * HOUR, 0.5), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_published_example_is_signed_alike),
	    cmocka_unit_test(two_keys_give_two_signatures_in_order),
	    cmocka_unit_test(a_buffer_too_small_is_said),
	    cmocka_unit_test(pauses_grow_and_then_stay_hourly),
	    cmocka_unit_test(after_three_days_there_is_no_next_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
