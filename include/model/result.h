#ifndef MODEL_RESULT_H
#define MODEL_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/phase.h"
#include "model/reason.h"
#include "model/target.h"

/* W3C trace id, 32 lower-case hex digits. It is also the run's id. */
#define TRACE_ID_SIZE 33

/*
 * What one run found of one transaction. A value: copied, never shared.
 */
struct result {
	const struct target *target;
	char run_id[TRACE_ID_SIZE];
	wall_us started_wall; /* when the transaction began */
	mono_us started;
	mono_us run_started; /* when its journey began; 0: there was none */
	dur_us latency; /* of its measured span; meaningful unless
			   prerequisite_failed or budget_spent */
	struct phase_times phases; /* sums over the span's exchanges */
	enum reason reason;
	char step[MODEL_NAME_SIZE]; /* the deciding step; "" when ok */
	char account[MODEL_NAME_SIZE]; /* whose session that step used */
	enum phase phase; /* where it ended, when not ok */
	int http_status; /* of the last response, 0 if none */
	uint32_t exchanges;
	uint64_t received_bytes; /* decoded bodies */
	wall_us cert_not_after; /* the first that ends, of the certificates
				   that its connections showed; 0: none did */
	bool maintenance; /* agreed, while it ran: it counts neither way */
	uint32_t copies; /* rows that the message had when it was found; 0: not
			    counted */
	bool from_tally; /* of a back-test: only its verdict is known, for which
			    its reason stands; a latency under 0 is not known */
};

/* result_verdict: as reason_verdict, but for what is in maintenance. */
enum verdict result_verdict(const struct result *result);

#endif
