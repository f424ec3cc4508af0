/*
 * A run as the ledger keeps it, read back into results.
 */
#include "past.h"

#include <string.h>

#include "base/text.h"

#define HOUR (INT64_C(3600) * US_PER_S)

static dur_us
length(const struct jv *object, const char *key)
{
	double us = jv_real_value(jv_get(object, key)) * (double)US_PER_MS;

	return us > 0 && us < (double)HOUR ? (dur_us)us : 0;
}

/* When a transaction began: with its first exchange. */
static dur_us
offset_of(const struct jv *run, const char *transaction)
{
	const struct jv *exchanges = jv_get(run, "exchanges");

	for (size_t i = 0; i < jv_len(exchanges); i++) {
		const struct jv *one = jv_at(exchanges, i);

		if (strcmp(jv_get_string(one, "transaction", ""),
			transaction) == 0)
			return length(one, "offset_ms");
	}
	return 0;
}

static void
read_phases(const struct jv *from, struct result *result)
{
	const struct jv *phases = jv_get(from, "phases");
	const char *ended = jv_get_string(from, "phase", "");

	result->phase = PHASE_WAIT;
	for (size_t i = 0; i < PHASE_COUNT; i++) {
		const char *name = phase_name((enum phase)i);

		result->phases.us[i] = length(phases, name);
		if (strcmp(name, ended) == 0)
			result->phase = (enum phase)i;
	}
}

void
past_run_read(const struct jv *run,
    void (*fn)(void *arg, const struct past_kept *kept), void *arg)
{
	const struct jv *results = jv_get(run, "results");
	wall_us began =
	    (wall_us)(jv_real_value(jv_get(run, "time")) * (double)US_PER_S);

	for (size_t i = 0; i < jv_len(results); i++) {
		const struct jv *from = jv_at(results, i);
		struct past_kept kept = {0};
		struct result *result = &kept.result;

		if (!reason_parse(
			jv_get_string(from, "reason", ""), &result->reason) ||
		    !text_copy(kept.path, sizeof(kept.path),
			jv_get_string(from, "target", "")))
			continue;
		text_copy(result->run_id, sizeof(result->run_id),
		    jv_get_string(run, "id", ""));
		text_copy(result->step, sizeof(result->step),
		    jv_get_string(from, "step", ""));
		result->http_status = (int)jv_get_int(from, "http_status", 0);
		result->latency = length(from, "latency_ms");
		read_phases(from, result);
		result->started_wall = began +
		    offset_of(run, jv_get_string(from, "transaction", ""));
		kept.at = result->started_wall + result->latency;
		fn(arg, &kept);
	}
}
