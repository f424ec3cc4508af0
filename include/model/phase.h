#ifndef MODEL_PHASE_H
#define MODEL_PHASE_H

#include "base/clock.h"

enum phase { PHASE_DNS, PHASE_CONNECT, PHASE_TLS, PHASE_WAIT, PHASE_RECEIVE };
#define PHASE_COUNT (PHASE_RECEIVE + 1)

const char *phase_name(enum phase phase); /* "dns", … "receive" */

/* Lengths of the phases of one exchange, or their sums over several. */
struct phase_times {
	dur_us us[PHASE_COUNT];
};

void phase_times_add(struct phase_times *sum, const struct phase_times *more);
dur_us phase_times_total(const struct phase_times *times);

#endif
