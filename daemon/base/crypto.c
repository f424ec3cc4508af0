/*
 * The only file that knows libcrypto. Whatever fails here fails for lack of
 * memory or of a provider, and nothing sensible can be done without it.
 */
#include "base/crypto.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/mem.h"

void
crypto_random(void *out, size_t len)
{
	unsigned char *p = out;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			log_error("no entropy", "errno=%d", errno);
			abort();
		}
		p += n;
		len -= (size_t)n;
	}
}

void
crypto_sha256(const void *bytes, size_t len, uint8_t out[CRYPTO_SHA256_BYTES])
{
	unsigned got = 0;

	if (EVP_Digest(len > 0 ? bytes : "", len, out, &got, EVP_sha256(),
		NULL) != 1 ||
	    got != CRYPTO_SHA256_BYTES) {
		log_error("sha-256 is not available", "");
		abort();
	}
}

struct crypto_hasher {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

struct crypto_hasher *
crypto_hasher_new(void)
{
	struct crypto_hasher *hasher = mem_new(sizeof(*hasher));

	hasher->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	hasher->ctx = EVP_MD_CTX_new();
	if (hasher->md == NULL || hasher->ctx == NULL) {
		log_error("sha-256 is not available", "");
		abort();
	}
	return hasher;
}

void
crypto_hasher_free(struct crypto_hasher *hasher)
{
	if (hasher == NULL)
		return;
	EVP_MD_CTX_free(hasher->ctx);
	EVP_MD_free(hasher->md);
	free(hasher);
}

void
crypto_hasher_sha256(struct crypto_hasher *hasher, const void *bytes,
    size_t len, uint8_t out[CRYPTO_SHA256_BYTES])
{
	if (EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL) != 1 ||
	    EVP_DigestUpdate(hasher->ctx, bytes, len) != 1 ||
	    EVP_DigestFinal_ex(hasher->ctx, out, NULL) != 1) {
		log_error("sha-256 is not available", "");
		abort();
	}
}

void
crypto_hmac_sha256(const void *key, size_t key_len, const void *bytes,
    size_t len, uint8_t out[CRYPTO_SHA256_BYTES])
{
	unsigned got = 0;

	/* HMAC() takes an int; a key this long is a bug of the caller. */
	if (key_len > INT_MAX ||
	    HMAC(EVP_sha256(), key_len > 0 ? key : "", (int)key_len,
		len > 0 ? bytes : (const void *)"", len, out, &got) == NULL ||
	    got != CRYPTO_SHA256_BYTES) {
		log_error("hmac-sha-256 is not available", "");
		abort();
	}
}

bool
crypto_equal(const void *a, const void *b, size_t len)
{
	return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}

void
crypto_wipe(void *bytes, size_t len)
{
	if (bytes != NULL && len > 0)
		explicit_bzero(bytes, len);
}

uint64_t
crypto_hash64(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++) {
		hash ^= (unsigned char)*text;
		hash *= UINT64_C(0x100000001b3);
	}
	return hash;
}
