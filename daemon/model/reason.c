/*
 * The closed list of reasons: names, sides, and what each counts as.
 */
#include "model/reason.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *name;
	enum side side;
} reasons[REASON_COUNT] = {
    [REASON_OK] = {"ok", SIDE_NONE},
    [REASON_PREREQUISITE_FAILED] = {"prerequisite_failed", SIDE_NONE},
    [REASON_FD_LIMIT] = {"fd_limit", SIDE_OURS},
    [REASON_LOOP_LATE] = {"loop_late", SIDE_OURS},
    [REASON_RESOLVER_DOWN] = {"resolver_down", SIDE_OURS},
    [REASON_UPLINK_DOWN] = {"uplink_down", SIDE_OURS},
    [REASON_CLOCK_JUMP] = {"clock_jump", SIDE_OURS},
    [REASON_BUDGET_SPENT] = {"budget_spent", SIDE_OURS},
    [REASON_TAINTED] = {"tainted", SIDE_OURS},
    [REASON_DNS_FAILURE] = {"dns_failure", SIDE_NETWORK},
    [REASON_DNS_TIMEOUT] = {"dns_timeout", SIDE_NETWORK},
    [REASON_CONNECT_REFUSED] = {"connect_refused", SIDE_NETWORK},
    [REASON_CONNECT_TIMEOUT] = {"connect_timeout", SIDE_NETWORK},
    [REASON_CONNECTION_RESET] = {"connection_reset", SIDE_NETWORK},
    [REASON_TLS_FAILURE] = {"tls_failure", SIDE_NETWORK},
    [REASON_TLS_EXPIRED] = {"tls_expired", SIDE_NETWORK},
    [REASON_TLS_NAME] = {"tls_name", SIDE_NETWORK},
    [REASON_HTTP_5XX] = {"http_5xx", SIDE_OPERATOR},
    [REASON_HTTP_4XX] = {"http_4xx", SIDE_OPERATOR},
    [REASON_NO_ANSWER] = {"no_answer", SIDE_OPERATOR},
    [REASON_SLOW_BODY] = {"slow_body", SIDE_OPERATOR},
    [REASON_OVERLOAD_PAGE] = {"overload_page", SIDE_OPERATOR},
    [REASON_MAINTENANCE_PAGE] = {"maintenance_page", SIDE_OPERATOR},
    [REASON_REDIRECT_LOOP] = {"redirect_loop", SIDE_OPERATOR},
    [REASON_TOO_LARGE] = {"too_large", SIDE_OPERATOR},
    [REASON_MESSAGE_LOST] = {"message_lost", SIDE_OPERATOR},
    [REASON_MESSAGE_LATE] = {"message_late", SIDE_OPERATOR},
    [REASON_BAD_CREDENTIALS] = {"bad_credentials", SIDE_ACCOUNT},
    [REASON_ACCOUNT_LOCKED] = {"account_locked", SIDE_ACCOUNT},
    [REASON_ACCOUNT_EXPIRED] = {"account_expired", SIDE_ACCOUNT},
    [REASON_CAPTCHA] = {"captcha", SIDE_ACCOUNT},
    [REASON_INTERSTITIAL] = {"interstitial", SIDE_ACCOUNT},
    [REASON_UNKNOWN_PAGE] = {"unknown_page", SIDE_SCRIPT},
    [REASON_EXTRACT_FAILED] = {"extract_failed", SIDE_SCRIPT},
};

const char *
reason_name(enum reason reason)
{
	assert((unsigned)reason < REASON_COUNT);
	return reasons[reason].name;
}

bool
reason_parse(const char *name, enum reason *reason)
{
	for (size_t i = 0; i < REASON_COUNT; i++) {
		if (strcmp(name, reasons[i].name) == 0) {
			*reason = (enum reason)i;
			return true;
		}
	}
	return false;
}

enum side
reason_side(enum reason reason)
{
	assert((unsigned)reason < REASON_COUNT);
	return reasons[reason].side;
}

const char *
side_name(enum side side)
{
	switch (side) {
	case SIDE_NONE:
		return "none";
	case SIDE_OURS:
		return "ours";
	case SIDE_NETWORK:
		return "network";
	case SIDE_OPERATOR:
		return "operator";
	case SIDE_ACCOUNT:
		return "account";
	case SIDE_SCRIPT:
		return "script";
	}
	assert(!"a side has a name");
	return "";
}

enum verdict
reason_verdict(enum reason reason)
{
	if (reason == REASON_OK)
		return VERDICT_UP;
	switch (reason_side(reason)) {
	case SIDE_NETWORK:
	case SIDE_OPERATOR:
		return VERDICT_DOWN;
	case SIDE_NONE:
	case SIDE_OURS:
	case SIDE_ACCOUNT:
	case SIDE_SCRIPT:
		break;
	}
	return VERDICT_EXCLUDED;
}

bool
reason_stops_account(enum reason reason)
{
	return reason_side(reason) == SIDE_ACCOUNT &&
	    reason != REASON_INTERSTITIAL;
}
