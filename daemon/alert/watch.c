/*
 * Rules that are judged by the clock and not by verdicts: certificates that end
 * soon, and silence.
 */
#include <math.h>
#include <stdlib.h>

#include "alert-int.h"

#define READ_EVERY (60 * US_PER_S) /* when nothing new is known */
#define DAY (INT64_C(86400) * US_PER_S)
#define MINUTE (60 * US_PER_S)

bool
watch_is(const struct instance *instance)
{
	return instance->rule->kind == CONF_ALERT_CERTIFICATE ||
	    instance->rule->kind == CONF_ALERT_NO_DATA;
}

/* ---- certificates ---- */

bool
watch_certificate(
    struct instance *instance, size_t deployment, const struct result *result)
{
	if (result->cert_not_after == 0) {
		return false;
	}
	instance->certs[instance->deployment ? 0 : deployment] =
	    result->cert_not_after;
	instance->dirty = true;
	return result->cert_not_after - result->started_wall <
	    instance->rule->within;
}

static void
read_certificates(struct instance *instance, mono_us now, wall_us wall)
{
	struct reading *reading = &instance->reading;
	size_t n = instance->deployment ? 1 : instance->op->n_deployments;
	wall_us first = 0;

	if (!instance->dirty && now - instance->read_at < READ_EVERY) {
		return;
	}
	instance->dirty = false;
	instance->read_at = now;
	*reading = (struct reading){0};
	for (size_t i = 0; i < n; i++) {
		wall_us until = instance->certs[i];

		if (until == 0) {
			continue;
		}
		reading->samples++;
		first = first == 0 || until < first ? until : first;
		if (until - wall < instance->rule->within && instance->bad_at) {
			instance->bad_at[i] = now;
		}
	}
	reading->value = (double)(first - wall) / (double)DAY;
	reading->bad =
	    reading->samples > 0 && first - wall < instance->rule->within;
}

/* ---- silence ---- */

/* Until something was heard, or the time for it is over, nothing is known. */
static void
read_silence(struct instance *instance, mono_us now)
{
	dur_us silent;

	if (instance->verdict_at == 0) {
		instance->verdict_at = now;
	}
	silent = now - instance->verdict_at;
	instance->reading = (struct reading){
	    .value = (double)silent / (double)MINUTE,
	    .bad = silent > instance->span,
	};
	instance->reading.samples =
	    instance->heard || instance->reading.bad ? 1 : 0;
}

/* What we could not see by our own fault is no silence of others, and what is
 * in maintenance may be silent. */
void
watch_ours(struct instance *instance, mono_us now)
{
	instance->verdict_at = now;
}

void
watch_read(struct instance *instance, mono_us now, wall_us wall)
{
	if (instance->holding) {
		instance->held += now - instance->heard_at;
	}
	instance->heard_at = now;
	instance->fresh = true;
	if (instance->rule->kind == CONF_ALERT_CERTIFICATE) {
		read_certificates(instance, now, wall);
	} else {
		read_silence(instance, now);
	}
}
