/*
 * Signatures of requests at Vulcan's mobile interface: RSA with SHA-256 over
 * the values of just the headers that the header Signature lists. The older
 * application wrote SHA256withRSA, that for eduVULCAN sha256withrsa.
 *
 * Refused is a list without vCanonicalUrl and vDate, or without Digest where
 * there is a body, since all clients of that form sign them. Devices that
 * were registered by the tokens of eduVULCAN may name the algorithm
 * sha256-digest and list vDate alone; the certificate may then be a mere
 * UUID, which has no key.
 *
 * What the sources leave open and how it is here: with such a certificate the
 * signature is the SHA-256 itself of the listed values.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "vulcan-int.h"

/* Bytes of base64 in a new buffer; NULL if it is none. */
static unsigned char *
decode(const char *base64, size_t base64_len, size_t *len)
{
	unsigned char *out = malloc(base64_len / 4 * 3 + 3);
	int n;

	if (out == NULL)
		abort();
	n = EVP_DecodeBlock(
	    out, (const unsigned char *)base64, (int)base64_len);
	if (n < 0 || base64_len == 0) {
		free(out);
		return NULL;
	}
	*len = (size_t)n;
	for (size_t i = base64_len; i > 0 && base64[i - 1] == '='; i--)
		(*len)--;
	return out;
}

EVP_PKEY *
vulcan_key_of(const char *certificate)
{
	const unsigned char *at;
	unsigned char *der;
	EVP_PKEY *key = NULL;
	X509 *x509;
	size_t len;

	der = decode(certificate, strlen(certificate), &len);
	if (der == NULL)
		return NULL;
	at = der;
	x509 = d2i_X509(NULL, &at, (long)len);
	if (x509 != NULL) {
		key = X509_get_pubkey(x509);
		X509_free(x509);
	} else {
		at = der;
		key = d2i_PUBKEY(NULL, &at, (long)len);
	}
	free(der);
	return key;
}

bool
vulcan_signature_part(
    const char *signature, const char *name, char *out, size_t size)
{
	char begin[32];

	snprintf(begin, sizeof(begin), "%s=\"", name);
	const char *at = strstr(signature, begin);
	if (at == NULL)
		return false;
	at += strlen(begin);
	size_t len = strcspn(at, "\"");
	if (at[len] != '"' || len >= size)
		return false;
	memcpy(out, at, len);
	out[len] = '\0';
	return true;
}

static void
add_percent_decoded(struct text *out, const char *string)
{
	for (; *string != '\0'; string++) {
		char hex[3] = "";
		if (*string == '%' && isxdigit((unsigned char)string[1]) &&
		    isxdigit((unsigned char)string[2])) {
			memcpy(hex, string + 1, 2);
			char c = (char)strtol(hex, NULL, 16);
			text_addn(out, &c, 1);
			string += 2;
		} else {
			text_addn(out, string, 1);
		}
	}
}

struct joined {
	struct text text;
	char separator;
};

static enum MHD_Result
join_argument(
    void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct joined *joined = cls;

	(void)kind;
	text_addf(&joined->text, "%c%s=%s", joined->separator, name,
	    value != NULL ? value : "");
	joined->separator = '&';
	return MHD_YES;
}

/*
 * vCanonicalUrl is the address from `api/mobile` on, with or without its
 * query, percent-encoded as a whole and in lower case. Both are compared
 * decoded, as clients differ in what they encode.
 */
static bool
canonical_right(struct exchange *x, const char *canonical)
{
	const char *path = strstr(x->path, "api/mobile/");
	struct joined own = {.separator = '?'};
	struct text once = {0};
	struct text twice = {0};
	bool right;

	text_add(&own.text, path);
	add_percent_decoded(&once, canonical);
	add_percent_decoded(&twice, text_of(&once));
	for (char *at = twice.at; at != NULL && *at != '\0'; at++)
		if (*at == '+' && strchr(text_of(&twice), '?') != NULL)
			*at = ' ';
	right = strcasecmp(text_of(&twice), text_of(&own.text)) == 0;
	MHD_get_connection_values(
	    x->conn, MHD_GET_ARGUMENT_KIND, join_argument, &own);
	right |= strcasecmp(text_of(&twice), text_of(&own.text)) == 0;
	text_fini(&twice);
	text_fini(&once);
	text_fini(&own.text);
	return right;
}

/* The header Digest without its method, if it is that of the body. */
static const char *
digest_of(struct exchange *x)
{
	const char *digest = request_header(x, "Digest");
	unsigned char hash[SHA256_DIGEST_LENGTH];
	struct text own = {0};
	bool right;

	if (digest == NULL || strncasecmp(digest, "SHA-256=", 8) != 0)
		return NULL;
	SHA256((const unsigned char *)text_of(&x->body), x->body.len, hash);
	text_base64(&own, (const char *)hash, sizeof(hash));
	right = strcmp(text_of(&own), digest + 8) == 0;
	text_fini(&own);
	return right ? digest + 8 : NULL;
}

/*
 * The text that was signed: the values of the headers that `list` names.
 * False if one is missing or says what is not so, or if what matters is not
 * among them.
 */
static bool
add_signed(struct exchange *x, char *list, bool date_only, struct text *text)
{
	bool url = false;
	bool date = false;
	bool digest = x->body.len == 0;

	for (char *rest = list; rest != NULL;) {
		const char *name = strsep(&rest, " ");
		const char *value = request_header(x, name);
		if (strcasecmp(name, "Digest") == 0) {
			value = digest_of(x);
			digest = true;
		} else if (strcasecmp(name, "vCanonicalUrl") == 0) {
			url = value != NULL && canonical_right(x, value);
		} else if (strcasecmp(name, "vDate") == 0) {
			date = value != NULL;
		}
		if (value == NULL)
			return false;
		text_add(text, value);
	}
	return date && (date_only || (url && digest));
}

static bool
verify(EVP_PKEY *key, const struct text *text, const char *signature)
{
	const char *begin = strcasestr(signature, "sha256withrsa(");
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char *bytes = NULL;
	size_t len = 0;
	bool right = false;

	if (begin != NULL) {
		begin += strlen("sha256withrsa(");
		bytes = decode(begin, strcspn(begin, ")"), &len);
	}
	if (md != NULL && bytes != NULL &&
	    EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1)
		right =
		    EVP_DigestVerify(md, bytes, len,
			(const unsigned char *)text_of(text), text->len) == 1;
	free(bytes);
	EVP_MD_CTX_free(md);
	return right;
}

/* The value may be wrapped as that of a real signature. */
static bool
digest_right(const struct text *text, const char *signature)
{
	static const char *const wraps[] = {
	    "signature=", "\"", "Base64(", "sha256withrsa("};
	unsigned char hash[SHA256_DIGEST_LENGTH];
	const char *at = strcasestr(signature, wraps[0]);
	struct text own = {0};
	bool right;

	for (int i = 0; at != NULL && i < 4; i++)
		if (strncasecmp(at, wraps[i], strlen(wraps[i])) == 0)
			at += strlen(wraps[i]);
	SHA256((const unsigned char *)text_of(text), text->len, hash);
	text_base64(&own, (const char *)hash, sizeof(hash));
	right = at != NULL && strncmp(at, text_of(&own), own.len) == 0 &&
	    strspn(at + own.len, ")\"") == strlen(at + own.len);
	text_fini(&own);
	return right;
}

bool
vulcan_signature_right(
    struct exchange *x, EVP_PKEY *key, bool of_edu, const char *signature)
{
	struct text text = {0};
	char algorithm[32] = "";
	char list[160];
	bool digest;
	bool right;

	vulcan_signature_part(
	    signature, "algorithm", algorithm, sizeof(algorithm));
	digest = of_edu && strcasecmp(algorithm, "sha256-digest") == 0;
	right =
	    vulcan_signature_part(signature, "headers", list, sizeof(list)) &&
	    add_signed(x, list, digest, &text);
	if (right && key != NULL)
		right = verify(key, &text, signature);
	else if (right)
		right = digest && digest_right(&text, signature);
	text_fini(&text);
	if (!right)
		vulcan_hebe_fail(x, 100,
		    "Invalid signature: bm90IHdoYXQgd2FzIHNpZ25lZA==", NULL);
	return right;
}
