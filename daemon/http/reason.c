/*
 * From libcurl's codes to the closed list of reasons.
 */
#include <errno.h>
#include <string.h>

#include "http-int.h"

/* X509_V_ERR_* of OpenSSL's x509_vfy.h. */
#define VERIFY_NOT_YET_VALID 9
#define VERIFY_HAS_EXPIRED 10

enum phase
http_ending_phase(const struct http_ending *ending)
{
	if (!ending->connected)
		return PHASE_CONNECT;
	if (!ending->secured)
		return PHASE_TLS;
	return ending->answered ? PHASE_RECEIVE : PHASE_WAIT;
}

static bool
says(const struct http_ending *ending, const char *words)
{
	return strcasestr(ending->text, words) != NULL;
}

static enum reason
timeout_reason(const struct http_ending *ending)
{
	switch (http_ending_phase(ending)) {
	case PHASE_DNS:
	case PHASE_CONNECT:
		return REASON_CONNECT_TIMEOUT;
	case PHASE_TLS:
		return REASON_TLS_FAILURE;
	case PHASE_WAIT:
		return REASON_NO_ANSWER;
	case PHASE_RECEIVE:
		break;
	}
	return REASON_SLOW_BODY;
}

bool
http_errno_ours(long os_errno)
{
	return os_errno == EMFILE || os_errno == ENFILE ||
	    os_errno == ENOBUFS || os_errno == ENOMEM;
}

/* The error is that of the last address only, and a machine without IPv6 has
 * no way to half of the addresses of any operator: it is our uplink only when
 * there was no way to any of them, and our ports have run out only when there
 * was one to each. */
static enum reason
connect_reason(const struct http_ending *ending)
{
	if (http_errno_ours(ending->os_errno))
		return REASON_FD_LIMIT;
	switch (ending->os_errno) {
	case ETIMEDOUT:
		return REASON_CONNECT_TIMEOUT;
	case ECONNRESET: /* accepted and thrown out before we had looked */
		return REASON_CONNECTION_RESET;
	case ENETUNREACH:
		return ending->unrouted ? REASON_UPLINK_DOWN
					: REASON_CONNECT_REFUSED;
	case EADDRNOTAVAIL:
		if (ending->unrouted)
			return REASON_UPLINK_DOWN;
		return ending->routed ? REASON_FD_LIMIT
				      : REASON_CONNECT_REFUSED;
	default:
		return REASON_CONNECT_REFUSED;
	}
}

/* Which code a failed verification has depends on when libcurl saw it; the
 * name is checked by libcurl itself, after OpenSSL was content. */
static enum reason
tls_reason(const struct http_ending *ending)
{
	if (says(ending, "subject name") || says(ending, "host name"))
		return REASON_TLS_NAME;
	if (ending->verify_result == VERIFY_HAS_EXPIRED ||
	    ending->verify_result == VERIFY_NOT_YET_VALID ||
	    says(ending, "expired") || says(ending, "not yet valid"))
		return REASON_TLS_EXPIRED;
	if (ending->os_errno == ECONNRESET || says(ending, "reset by peer"))
		return REASON_CONNECTION_RESET;
	return REASON_TLS_FAILURE;
}

enum reason
http_ending_reason(const struct http_ending *ending)
{
	if (ending->too_large)
		return REASON_TOO_LARGE;
	if (ending->fd_limit)
		return REASON_FD_LIMIT;
	/* libcurl's codes are an open list: the rest is judged below. */
	if (ending->code == CURLE_OK)
		return REASON_OK;
	if (ending->code == CURLE_OPERATION_TIMEDOUT)
		return timeout_reason(ending);
	if (ending->code == CURLE_COULDNT_CONNECT)
		return connect_reason(ending);
	if (ending->code == CURLE_COULDNT_RESOLVE_HOST)
		return REASON_DNS_FAILURE;
	/* After the first byte: a header line longer than libcurl takes. */
	if (ending->code == CURLE_OUT_OF_MEMORY)
		return ending->answered ? REASON_TOO_LARGE : REASON_FD_LIMIT;
	if (ending->code == CURLE_URL_MALFORMAT ||
	    ending->code == CURLE_UNSUPPORTED_PROTOCOL)
		return ending->connected ? REASON_NO_ANSWER
					 : REASON_EXTRACT_FAILED;
	if (!ending->connected)
		return REASON_CONNECT_REFUSED;
	if (!ending->secured)
		return tls_reason(ending);
	if (says(ending, "too large") || says(ending, "too long"))
		return REASON_TOO_LARGE;
	if (ending->code == CURLE_WEIRD_SERVER_REPLY ||
	    ending->code == CURLE_BAD_CONTENT_ENCODING)
		return REASON_NO_ANSWER;
	return REASON_CONNECTION_RESET;
}
