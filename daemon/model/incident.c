/*
 * An incident as JSON.
 */
#include "model/incident.h"

#include <string.h>

#include "base/json.h"

/* The n-th name of a target path; "_all" and a missing one are null. */
static struct jv *
path_part(const char *path, unsigned n)
{
	size_t len;

	for (; n > 0; n--) {
		path = strchr(path, '/');
		if (!path) {
			return jv_null();
		}
		path++;
	}
	len = strcspn(path, "/");
	if (len == 0 || path[0] == '_') {
		return jv_null();
	}
	return jv_stringn(path, len);
}

bool
incident_rule_is_built_in(const char *rule)
{
	return strcmp(rule, INCIDENT_RULE_ACCOUNT) == 0 ||
	    strcmp(rule, INCIDENT_RULE_SELF) == 0;
}

dur_us
incident_lasted(const struct incident *incident, wall_us at)
{
	dur_us span = at - incident->opened - incident->calm - incident->blind;

	if (incident->blind_since > 0 && at > incident->blind_since) {
		span -= at - incident->blind_since;
	}
	return span > 0 ? span : 0;
}

static struct jv *
length(dur_us us)
{
	return jv_real((double)us / US_PER_S);
}

static struct jv *
affected_json(const struct incident *incident)
{
	struct jv *out = jv_object(), *names = jv_array();

	for (size_t i = 0;
	     i < INCIDENT_NAMES && incident->affected[i][0] != '\0'; i++) {
		jv_push(names, jv_string(incident->affected[i]));
	}
	jv_set(out, "now", jv_int(incident->affected_now));
	jv_set(out, "most", jv_int(incident->affected_most));
	jv_set(out, "of", jv_int(incident->affected_of));
	jv_set(out, "names", names);
	return out;
}

/* What people did, and what became of it. */
static void
set_life(struct jv *data, const struct incident *incident)
{
	jv_set(data, "lasted_s",
	    incident->resolved > 0
		? length(incident_lasted(incident, incident->resolved))
		: jv_null());
	jv_set(data, "blind_s", length(incident->blind));
	jv_set(data, "blind_since", jv_time(incident->blind_since));
	jv_set(data, "calm_s", length(incident->calm));
	jv_set(data, "detected", jv_time(incident->opened));
	jv_set(data, "confirmed", jv_time(incident->confirmed));
	jv_set(data, "confirmed_by", jv_text(incident->confirmed_by));
	jv_set(data, "acknowledged", jv_time(incident->acknowledged));
	jv_set(data, "acknowledged_by", jv_text(incident->acknowledged_by));
	jv_set(data, "reopened", jv_int(incident->reopened));
	jv_set(data, "reopened_at", jv_time(incident->reopened_at));
	jv_set(data, "affected", affected_json(incident));
	jv_set(data, "silence",
	    incident->silence > 0 ? jv_int(incident->silence) : jv_null());
	jv_set(data, "untold", jv_bool(incident->untold));
}

struct jv *
incident_json(const struct incident *incident)
{
	struct jv *data = jv_object(), *traces = jv_array();
	struct jv *summary = jv_object();
	bool failed = incident->reason != REASON_OK;

	for (size_t i = 0; i < INCIDENT_TRACES; i++) {
		if (incident->trace_ids[i][0] != '\0') {
			jv_push(traces, jv_string(incident->trace_ids[i]));
		}
	}
	jv_set(summary, "pl", jv_string(incident->summary_pl));
	jv_set(summary, "en", jv_string(incident->summary_en));
	jv_set(data, "number", jv_int(incident->number));
	jv_set(data, "rule", jv_string(incident->rule));
	jv_set(data, "scope", jv_string(incident->scope));
	jv_set(data, "operator", path_part(incident->scope, 0));
	jv_set(data, "deployment", path_part(incident->scope, 1));
	jv_set(data, "transaction", path_part(incident->scope, 2));
	jv_set(data, "severity", jv_int(incident->severity));
	jv_set(data, "state",
	    jv_string(incident->resolved > 0 ? "resolved" : "open"));
	jv_set(data, "opened", jv_time(incident->opened));
	jv_set(data, "resolved", jv_time(incident->resolved));
	set_life(data, incident);
	jv_set(data, "reason",
	    failed ? jv_string(reason_name(incident->reason)) : jv_null());
	jv_set(data, "side",
	    incident->side != SIDE_NONE ? jv_string(side_name(incident->side))
					: jv_null());
	jv_set(data, "step", jv_text(incident->step));
	jv_set(data, "phase", jv_string(phase_name(incident->phase)));
	jv_set(data, "value", jv_real(incident->value));
	jv_set(data, "threshold", jv_real(incident->threshold));
	jv_set(data, "unit", jv_text(incident->unit));
	jv_set(data, "attempts", jv_int(incident->attempts));
	jv_set(data, "failed", jv_int(incident->failed));
	jv_set(data, "worst", jv_real(incident->worst));
	jv_set(data, "summary", summary);
	jv_set(data, "trace_ids", traces);
	jv_set(data, "runbook_url", jv_text(incident->runbook));
	return data;
}
