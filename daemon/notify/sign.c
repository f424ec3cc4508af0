/*
 * The two pure parts of a delivery: its signature, and the pause after a try
 * that failed.
 */
#include "notify/notify.h"

#include <inttypes.h>

#include "base/crypto.h"
#include "base/text.h"

#define LIFE_US (3 * 24 * 3600 * US_PER_S)
#define JITTER 0.2 /* of the pause, up and down */
#define SIGNED_EXTRA 128 /* id, timestamp and two dots */

bool
notify_sign(struct buf *out, const struct secret *const *keys, size_t n,
    const char *id, int64_t timestamp_s, const char *body, size_t body_len)
{
	struct buf text;
	bool ok;

	buf_init(&text, body_len + SIGNED_EXTRA);
	ok = buf_printf(&text, "%s.%" PRId64 ".", id, timestamp_s) &&
	    buf_add(&text, body, body_len);
	for (size_t i = 0; i < n && ok; i++) {
		uint8_t mac[CRYPTO_SHA256_BYTES];

		crypto_hmac_sha256(secret_reveal(keys[i]), secret_len(keys[i]),
		    text.data, text.len, mac);
		ok = buf_adds(out, i > 0 ? " v1," : "v1,") &&
		    text_base64_encode(out, mac, sizeof(mac));
	}
	buf_fini(&text);
	return ok;
}

dur_us
notify_pause(uint32_t tries, dur_us age, double random)
{
	static const dur_us pauses[] = {5 * US_PER_S, 30 * US_PER_S,
	    120 * US_PER_S, 600 * US_PER_S, 1800 * US_PER_S, 3600 * US_PER_S};
	size_t i = tries > 0 ? tries - 1 : 0;

	if (age >= LIFE_US) {
		return -1;
	}
	i = i < ARRAY_LEN(pauses) ? i : ARRAY_LEN(pauses) - 1;
	return (
	    dur_us)((double)pauses[i] * (1.0 - JITTER + 2.0 * JITTER * random));
}
