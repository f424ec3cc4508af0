#ifndef MODEL_REASON_H
#define MODEL_REASON_H

#include <stdbool.h>

/* Who a failure belongs to. Blame is a rule, not a mood. */
enum side {
	SIDE_NONE,
	SIDE_OURS,
	SIDE_NETWORK,
	SIDE_OPERATOR,
	SIDE_ACCOUNT,
	SIDE_SCRIPT
};

/* Why a result is not ok: the closed list of design.md section 6. */
enum reason {
	REASON_OK,
	REASON_PREREQUISITE_FAILED,
	/* ours: leaves the statistics */
	REASON_FD_LIMIT,
	REASON_LOOP_LATE,
	REASON_RESOLVER_DOWN,
	REASON_UPLINK_DOWN,
	REASON_CLOCK_JUMP,
	REASON_BUDGET_SPENT,
	REASON_TAINTED,
	/* network */
	REASON_DNS_FAILURE,
	REASON_DNS_TIMEOUT,
	REASON_CONNECT_REFUSED,
	REASON_CONNECT_TIMEOUT,
	REASON_CONNECTION_RESET,
	REASON_TLS_FAILURE,
	REASON_TLS_EXPIRED,
	REASON_TLS_NAME,
	/* operator */
	REASON_HTTP_5XX,
	REASON_HTTP_4XX,
	REASON_NO_ANSWER,
	REASON_SLOW_BODY,
	REASON_OVERLOAD_PAGE,
	REASON_MAINTENANCE_PAGE,
	REASON_REDIRECT_LOOP,
	REASON_TOO_LARGE,
	REASON_MESSAGE_LOST,
	REASON_MESSAGE_LATE,
	/* account */
	REASON_BAD_CREDENTIALS,
	REASON_ACCOUNT_LOCKED,
	REASON_ACCOUNT_EXPIRED,
	REASON_CAPTCHA,
	REASON_INTERSTITIAL,
	/* script */
	REASON_UNKNOWN_PAGE,
	REASON_EXTRACT_FAILED,
};
#define REASON_COUNT (REASON_EXTRACT_FAILED + 1)

/* The names of the contract: "connect_refused". Never NULL. */
const char *reason_name(enum reason reason);
bool reason_parse(const char *name, enum reason *reason);

enum side reason_side(enum reason reason);
const char *side_name(enum side side); /* "operator"; SIDE_NONE is "none" */

/* How a result counts in availability. */
enum verdict {
	VERDICT_UP, /* ok */
	VERDICT_DOWN, /* network, operator */
	VERDICT_EXCLUDED, /* ours, account, script, prerequisite_failed */
};
enum verdict reason_verdict(enum reason reason);

/* reason_stops_account: a refused password, a captcha and their like, after
 * which the account must not log in again by itself. A page that only stands
 * in the way (an interstitial) is none of them: it harms nobody to see it. */
bool reason_stops_account(enum reason reason);

#endif
