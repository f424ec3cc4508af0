/*
 * What TLS was agreed on, and the certificate that the server showed: that is
 * read while it is being verified, so that it is known of a refused one, too.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "exchange-int.h"

/* Where a TLS context keeps its session; made once, in http_init. */
static int session_index = -1;

void
http_tls_init(void)
{
	session_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static wall_us
time_of(const ASN1_TIME *time)
{
	struct tm tm;

	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
		return 0;
	return (wall_us)timegm(&tm) * US_PER_S;
}

/* It comes from outside: no control characters, and whole UTF-8. */
static void
make_clean(char *text)
{
	while (*text != '\0') {
		size_t n = text_utf8_char(text, strlen(text));

		if (n == 0 || (unsigned char)*text < ' ') {
			*text = '?';
			n = 1;
		}
		text += n;
	}
}

static void
copy_name(char *out, size_t size, X509_NAME *name)
{
	BIO *text = BIO_new(BIO_s_mem());
	int n = 0;

	if (text != NULL &&
	    X509_NAME_print_ex(text, name, 0,
		XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
		n = BIO_read(text, out, (int)size - 1);
	out[n > 0 ? n : 0] = '\0';
	make_clean(out);
	BIO_free(text);
}

/* "a.example, *.b.example", as many as there is room for. */
static void
copy_host_names(char *out, size_t size, X509 *certificate)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	size_t used = 0;

	out[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const char *text;
		size_t len;

		if (name->type != GEN_DNS)
			continue;
		text = (const char *)ASN1_STRING_get0_data(name->d.dNSName);
		len = (size_t)ASN1_STRING_length(name->d.dNSName);
		if (memchr(text, '\0', len) != NULL || used + len + 3 > size)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%.*s",
		    used > 0 ? ", " : "", (int)len, text);
	}
	GENERAL_NAMES_free(names);
	make_clean(out);
}

static void
read_leaf(struct http_certificate *out, X509 *leaf)
{
	copy_name(
	    out->subject, sizeof(out->subject), X509_get_subject_name(leaf));
	copy_name(out->issuer, sizeof(out->issuer), X509_get_issuer_name(leaf));
	copy_host_names(out->hosts, sizeof(out->hosts), leaf);
	out->not_before = time_of(X509_get0_notBefore(leaf));
	out->not_after = time_of(X509_get0_notAfter(leaf));
}

/* Called for each certificate of the chain, whatever is found wrong with it;
 * decides nothing. */
static int
on_verify(int well, X509_STORE_CTX *context)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(
	    context, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct http_session *session =
	    SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), session_index);
	X509 *leaf = X509_STORE_CTX_get0_cert(context);
	X509 *current = X509_STORE_CTX_get_current_cert(context);
	struct http_certificate *out;
	wall_us until;

	if (session == NULL || leaf == NULL)
		return well;
	out = &session->certificate;
	if (!session->certified) {
		session->certified = true;
		read_leaf(out, leaf);
	}
	/* What an intermediate one ends, ends it for all below it. A root is
	 * ours, and its end is not looked at. */
	if (current != NULL && current != leaf &&
	    (X509_get_extension_flags(current) & EXFLAG_SS) == 0) {
		until = time_of(X509_get0_notAfter(current));
		if (until != 0 && until < out->not_after)
			out->not_after = until;
	}
	return well;
}

void
http_tls_watch(SSL_CTX *ssl_ctx, struct http_session *session)
{
	session->certified = false;
	if (SSL_CTX_set_ex_data(ssl_ctx, session_index, session) == 1)
		SSL_CTX_set_verify(
		    ssl_ctx, SSL_CTX_get_verify_mode(ssl_ctx), on_verify);
}

void
http_tls_note(struct http_exchange *exchange)
{
	struct curl_tlssessioninfo *info = NULL;

	if (!exchange->place.tls || exchange->tls[0] != '\0')
		return;
	if (curl_easy_getinfo(exchange->easy, CURLINFO_TLS_SSL_PTR, &info) !=
		CURLE_OK ||
	    info == NULL || info->backend != CURLSSLBACKEND_OPENSSL ||
	    info->internals == NULL)
		return;
	text_copy(exchange->tls, sizeof(exchange->tls),
	    SSL_get_version(info->internals));
	text_copy(exchange->cipher, sizeof(exchange->cipher),
	    SSL_get_cipher_name(info->internals));
}
