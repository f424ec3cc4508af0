/*
 * Phases of an exchange.
 */
#include "model/phase.h"

#include <assert.h>
#include <stddef.h>

const char *
phase_name(enum phase phase)
{
	switch (phase) {
	case PHASE_DNS:
		return "dns";
	case PHASE_CONNECT:
		return "connect";
	case PHASE_TLS:
		return "tls";
	case PHASE_WAIT:
		return "wait";
	case PHASE_RECEIVE:
		return "receive";
	}
	assert(!"a phase has a name");
	return "";
}

void
phase_times_add(struct phase_times *sum, const struct phase_times *more)
{
	for (size_t i = 0; i < PHASE_COUNT; i++)
		sum->us[i] += more->us[i];
}

dur_us
phase_times_total(const struct phase_times *times)
{
	dur_us total = 0;

	for (size_t i = 0; i < PHASE_COUNT; i++)
		total += times->us[i];
	return total;
}
