/*
 * The common cause: is it our own way out? What a result says of it, and the
 * verdict over all operators. Nothing here reads a clock or does I/O.
 */
#include "health-int.h"

/* Once connected, silence and a broken connection prove nothing: our way out
 * may have gone since. */
static bool
is_cut_off(enum reason reason)
{
	return reason == REASON_NO_ANSWER || reason == REASON_SLOW_BODY ||
	    reason == REASON_CONNECTION_RESET;
}

enum health_reach
health_reach(enum reason reason)
{
	if (is_cut_off(reason)) {
		return HEALTH_NOT_TRIED;
	}
	switch (reason_side(reason)) {
	case SIDE_NONE:
		return reason == REASON_OK ? HEALTH_ANSWERED : HEALTH_NOT_TRIED;
	case SIDE_OURS:
		return reason == REASON_UPLINK_DOWN ? HEALTH_SILENT
						    : HEALTH_NOT_TRIED;
	case SIDE_NETWORK:
		/* A forwarder beside us fails a name when it hears nobody. */
		return reason == REASON_DNS_FAILURE ||
			reason == REASON_DNS_TIMEOUT ||
			reason == REASON_CONNECT_TIMEOUT
		    ? HEALTH_SILENT
		    : HEALTH_ANSWERED;
	case SIDE_OPERATOR:
	case SIDE_ACCOUNT:
	case SIDE_SCRIPT:
		break;
	}
	return HEALTH_ANSWERED;
}

bool
health_uplink(struct health_uplink *uplink, const enum health_reach *operators,
    size_t n, const enum health_reach *references, mono_us now)
{
	size_t silent = references ? *references == HEALTH_SILENT : 0;
	size_t answered = references ? *references == HEALTH_ANSWERED : 0;
	bool down = uplink->down;
	bool clear = !references || *references != HEALTH_NOT_TRIED;

	for (size_t i = 0; i < n; i++) {
		silent += operators[i] == HEALTH_SILENT;
		answered += operators[i] == HEALTH_ANSWERED;
	}
	if (answered > 0) {
		down = false;
	} else if (silent >= 2 && clear) {
		down = true;
	}
	if (down == uplink->down) {
		return false;
	}
	uplink->down = down;
	uplink->since = now;
	return true;
}

bool
health_uplink_blamed(
    const struct health_uplink *uplink, enum reason reason, mono_us started)
{
	return health_reach(reason) == HEALTH_SILENT &&
	    (uplink->down || started < uplink->since);
}
