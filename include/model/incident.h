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
/* The built-in rule: an account was stopped. No other may be called so. */
#define INCIDENT_RULE_ACCOUNT "account"

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
	double value; /* what the rule measured when it last looked: the
			 share of ok results, or milliseconds */
	double threshold;
	/* of the whole incident, with the window that opened it */
	uint32_t attempts; /* results that the rule looked at */
	uint32_t failed;
	double worst; /* of `value`; NAN: not known */
	char summary_pl[INCIDENT_TEXT_SIZE];
	char summary_en[INCIDENT_TEXT_SIZE];
	char trace_ids[INCIDENT_TRACES][TRACE_ID_SIZE]; /* "" when unused */
	dur_us clock_set; /* by how much the wall clock was set since it
			     opened, as far as this process knows */
};

struct jv;

/*
 * incident_json: how everybody is told of an incident: API, pages, webhooks.
 * {"number","rule","scope","operator","deployment","transaction","severity",
 *  "state":"open"|"resolved","opened","resolved","reason","side","step",
 *  "phase","value","threshold","attempts","failed","worst",
 *  "summary":{"pl","en"},"trace_ids":[…]}
 * Times in Unix seconds; null is what does not apply: the parts of the scope
 * that stand for all, reason and side of an incident that is only slow.
 */
struct jv *incident_json(const struct incident *incident);

/* One line of an incident's timeline. */
struct incident_entry {
	int64_t incident;
	wall_us at;
	char kind[MODEL_NAME_SIZE]; /* "opened", "updated", "delivery"… */
	char text[INCIDENT_TEXT_SIZE];
};

#endif
