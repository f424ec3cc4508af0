#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The cryptography we need, from OpenSSL's libcrypto. Any thread. */

#define CRYPTO_SHA256_BYTES 32

/* crypto_random fills from the kernel; it aborts when there is no entropy. */
void crypto_random(void *out, size_t len);

void crypto_sha256(
    const void *bytes, size_t len, uint8_t out[CRYPTO_SHA256_BYTES]);

/* The same for many short texts in a row: the digest is looked up once, which
 * takes four times as long as the digest itself. One thread at a time. */
struct crypto_hasher;

struct crypto_hasher *crypto_hasher_new(void);
void crypto_hasher_free(struct crypto_hasher *hasher);
void crypto_hasher_sha256(struct crypto_hasher *hasher, const void *bytes,
    size_t len, uint8_t out[CRYPTO_SHA256_BYTES]);

/* crypto_hmac_sha256: RFC 2104. */
void crypto_hmac_sha256(const void *key, size_t key_len, const void *bytes,
    size_t len, uint8_t out[CRYPTO_SHA256_BYTES]);

/* crypto_equal compares in constant time. */
bool crypto_equal(const void *a, const void *b, size_t len);

/* crypto_wipe: explicit_bzero; safe on NULL with len 0. */
void crypto_wipe(void *bytes, size_t len);

/* crypto_hash64: a stable, unkeyed 64-bit hash (FNV-1a, Fowler/Noll/Vo) for
 * spreading targets over an interval; not for anything an attacker chooses. */
uint64_t crypto_hash64(const char *text);

#endif
