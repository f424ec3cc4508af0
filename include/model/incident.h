#ifndef MODEL_INCIDENT_H
#define MODEL_INCIDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/reason.h"
#include "model/result.h"
#include "model/target.h"

#define INCIDENT_TRACES 4
#define INCIDENT_TEXT_SIZE 256
#define INCIDENT_NAMES 8 /* of affected deployments, with the incident */
/* The built-in rule: an account was stopped. No other may be called so. */
#define INCIDENT_RULE_ACCOUNT "account"
/* Likewise: something is wrong with ourselves. Its scopes are no targets:
 * "_self/_store" and so on, by the name of the fault. */
#define INCIDENT_RULE_SELF "self"
#define INCIDENT_SCOPE_SELF "_self"
/* incident_rule_is_built_in: it stands in no configuration. */
bool incident_rule_is_built_in(const char *rule);

/*
 * A stretch of time in which an alert rule held for a scope. A value. The
 * number is given once, when it opens, and never again.
 */
struct incident {
	int64_t number;
	char rule[MODEL_NAME_SIZE];
	char scope[MODEL_PATH_SIZE]; /* "librus/main/login", or of all
					deployments "librus/_all/login" */
	int severity; /* 1 to 4 */
	wall_us opened;
	wall_us resolved; /* 0 while open */
	enum reason reason; /* the most frequent one of the window */
	enum side side;
	enum phase phase;
	char step[MODEL_NAME_SIZE];
	double value; /* what the rule measured when it last looked */
	char unit[8]; /* of value, threshold and worst: "ratio" of ok results,
			 "ms", "times" the rate that the budget of errors
			 bears, "days", "min"; "": none */
	double threshold;
	/* of the whole incident, with the window that opened it */
	uint32_t attempts; /* results that the rule looked at */
	uint32_t failed;
	double worst; /* of `value`; NAN: not known */
	char summary_pl[INCIDENT_TEXT_SIZE];
	char summary_en[INCIDENT_TEXT_SIZE];
	char trace_ids[INCIDENT_TRACES][TRACE_ID_SIZE]; /* "" when unused */
	char runbook[INCIDENT_TEXT_SIZE]; /* URL; "": none */
	/* its times go by the clock that it opened on: */
	dur_us clock_set; /* by how much the wall clock was set since */
	wall_us confirmed; /* by a person or by its age; 0: not yet */
	char confirmed_by[MODEL_NAME_SIZE]; /* "": by its age */
	wall_us acknowledged; /* by a person; 0: not yet */
	char acknowledged_by[MODEL_NAME_SIZE];
	uint32_t reopened; /* so many times */
	wall_us reopened_at; /* last; 0: never */
	dur_us calm; /* between being resolved and reopened, in all */
	dur_us blind; /* while open we could not measure, in all */
	wall_us blind_since; /* and cannot now; 0: we can */
	uint32_t affected_now, affected_most; /* deployments, while open */
	uint32_t affected_of; /* of so many in its scope */
	char affected[INCIDENT_NAMES][MODEL_NAME_SIZE]; /* the first of those
							   affected now */
	int64_t silence; /* the window that keeps it quiet now; 0: none */
	bool untold; /* subscribers were not told that it is open */
};

/*
 * incident_lasted: what we claim of its length until `at`, a time on its own
 * clock: without the time in which it was resolved, and without our own blind
 * time, in which it may have been over.
 */
dur_us incident_lasted(const struct incident *incident, wall_us at);

struct jv;

/*
 * incident_json: how everybody is told of an incident: API, pages, webhooks.
 * {"number","rule","scope","operator","deployment","transaction","severity",
 *  "state":"open"|"resolved","opened","resolved","reason","side","step",
 *  "phase","value","threshold","unit","attempts","failed","worst",
 *  "lasted_s","blind_s","blind_since","calm_s","detected","confirmed",
 *  "confirmed_by","acknowledged","acknowledged_by","reopened","reopened_at",
 *  "affected":{"now","most","of","names":[…]},
 *  "silence","untold","summary":{"pl","en"},"trace_ids":[…],"runbook_url"}
 * Times in Unix seconds; null is what does not apply: the parts of the scope
 * that stand for all, reason and side of an incident that is only slow, who
 * confirmed one that only grew old. "names" are the first INCIDENT_NAMES.
 */
struct jv *incident_json(const struct incident *incident);

/*
 * One line of an incident's timeline. Kinds: "detected" (by its rule),
 * "updated", "affected", "inhibited" (what another rule would have said),
 * "raised" (its severity, by a graver rule), "confirmed", "acknowledged",
 * "note", "blind", "blind_over", "clock", "delivery", "silenced",
 * "silence_over", "resolved", "reopened".
 */
struct incident_entry {
	int64_t incident;
	wall_us at;
	char kind[MODEL_NAME_SIZE];
	char text[INCIDENT_TEXT_SIZE]; /* key=value */
	char by[MODEL_NAME_SIZE]; /* the person; "": nobody */
	const char *data; /* the rest, a JSON object; borrowed; NULL: none */
};

#endif
