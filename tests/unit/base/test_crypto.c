/*
 * The cryptography against published vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/crypto.h"

static void
assert_hex(const uint8_t *bytes, const char *hex)
{
	char got[2 * CRYPTO_SHA256_BYTES + 1];

	for (size_t i = 0; i < CRYPTO_SHA256_BYTES; i++)
		snprintf(got + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(got, hex);
}

/* FIPS 180-4 and the empty text. */
static void
sha256_gives_the_published_digests(void **state)
{
	static const struct {
		const char *text, *digest;
	} cases[] = {
	    {"",
		"e3b0c44298fc1c149afbf4c8996fb924"
		"27ae41e4649b934ca495991b7852b855"},
	    {"abc",
		"ba7816bf8f01cfea414140de5dae2223"
		"b00361a396177a9cb410ff61f20015ad"},
	};

	struct crypto_hasher *hasher = crypto_hasher_new();
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const char *text = cases[i % 2].text;
		uint8_t out[CRYPTO_SHA256_BYTES];
		crypto_sha256(text, strlen(text), out);
		assert_hex(out, cases[i % 2].digest);
		memset(out, 0, sizeof(out));
		crypto_hasher_sha256(hasher, text, strlen(text), out);
		assert_hex(out, cases[i % 2].digest);
	}
	crypto_hasher_free(hasher);
	crypto_hasher_free(NULL);
}

/* RFC 4231, section 4: a byte and how often, or a text. */
struct bytes {
	const char *text;
	unsigned char fill;
	size_t n;
};

static size_t
spell(const struct bytes *bytes, char out[256])
{
	if (bytes->text == NULL) {
		memset(out, bytes->fill, bytes->n);
		return bytes->n;
	}
	memcpy(out, bytes->text, strlen(bytes->text));
	return strlen(bytes->text);
}

static void
hmac_gives_the_vectors_of_rfc_4231(void **state)
{
	static const struct {
		struct bytes key, data;
		const char *digest;
	} cases[] = {
	    {{NULL, 0x0b, 20}, {"Hi There", 0, 0},
		"b0344c61d8db38535ca8afceaf0bf12b"
		"881dc200c9833da726e9376c2e32cff7"},
	    {{"Jefe", 0, 0}, {"what do ya want for nothing?", 0, 0},
		"5bdcc146bf60754e6a042426089575c7"
		"5a003f089d2739839dec58b964ec3843"},
	    {{NULL, 0xaa, 20}, {NULL, 0xdd, 50},
		"773ea91e36800e46854db8ebd09181a7"
		"2959098b3ef8c122d9635514ced565fe"},
	    {{"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
	      "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19",
		 0, 0},
		{NULL, 0xcd, 50},
		"82558a389a443c0ea4cc819899f2083a"
		"85f0faa3e578f8077a2e3ff46729665b"},
	    {{NULL, 0xaa, 131},
		{"Test Using Larger Than Block-Size Key - Hash Key First", 0,
		    0},
		"60e431591ee0b67f0d8a26aacbf5b77f"
		"8e0bc6213728c5140546040f0ee37f54"},
	    {{NULL, 0xaa, 131},
		{"This is a test using a larger than block-size key and a "
		 "larger than block-size data. The key needs to be hashed "
		 "before being used by the HMAC algorithm.",
		    0, 0},
		"9b09ffa71b942fcb27635fbcd5b0e944"
		"bfdc63644f0713938a7f51535c3a35e2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char key[256], data[256];
		uint8_t out[CRYPTO_SHA256_BYTES];
		size_t key_len = spell(&cases[i].key, key);
		size_t len = spell(&cases[i].data, data);
		crypto_hmac_sha256(key, key_len, data, len, out);
		assert_hex(out, cases[i].digest);
	}
}

static void
an_empty_key_and_an_empty_text_have_a_digest_too(void **state)
{
	uint8_t out[CRYPTO_SHA256_BYTES];

	(void)state;
	crypto_hmac_sha256(NULL, 0, NULL, 0, out);
	assert_hex(out,
	    "b613679a0814d9ec772f95d778c35fc5"
	    "ff1697c493715653c6c712144292c5ad");
}

static void
comparing_sees_every_byte(void **state)
{
	(void)state;
	assert_true(crypto_equal("abcd", "abcd", 4));
	assert_true(crypto_equal("abcx", "abcd", 3));
	assert_true(crypto_equal(NULL, NULL, 0));
	for (size_t i = 0; i < 4; i++) {
		char other[] = "abcd";
		other[i] ^= 1;
		assert_false(crypto_equal("abcd", other, 4));
	}
}

static void
wiping_leaves_noughts(void **state)
{
	char text[] = "secret";

	(void)state;
	crypto_wipe(text, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++)
		assert_int_equal(text[i], 0);
	crypto_wipe(NULL, 0);
}

static void
random_bytes_differ_and_stay_within_bounds(void **state)
{
	unsigned char a[34] = {0}, b[34] = {0};

	(void)state;
	a[33] = 0x5a;
	crypto_random(a, 33);
	crypto_random(b, 33);
	assert_memory_not_equal(a, b, 33);
	assert_int_equal(a[33], 0x5a);
	crypto_random(a, 0);
}

/* The vectors of the function's authors. */
static void
the_spreading_hash_is_fnv_1a(void **state)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} cases[] = {
	    {"", UINT64_C(0xcbf29ce484222325)},
	    {"a", UINT64_C(0xaf63dc4c8601ec8c)},
	    {"foobar", UINT64_C(0x85944171f73967e8)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(crypto_hash64(cases[i].text) == cases[i].hash);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256_gives_the_published_digests),
	    cmocka_unit_test(hmac_gives_the_vectors_of_rfc_4231),
	    cmocka_unit_test(an_empty_key_and_an_empty_text_have_a_digest_too),
	    cmocka_unit_test(comparing_sees_every_byte),
	    cmocka_unit_test(wiping_leaves_noughts),
	    cmocka_unit_test(random_bytes_differ_and_stay_within_bounds),
	    cmocka_unit_test(the_spreading_hash_is_fnv_1a),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
