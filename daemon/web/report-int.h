#ifndef DAEMON_WEB_REPORT_INT_H
#define DAEMON_WEB_REPORT_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/index.h"
#include "base/json.h"
#include "health/availability.h"
#include "model/result.h"
#include "model/target.h"
#include "web/report.h"

/* Shared by the files of the account. */

#define MINUTE (60 * US_PER_S)
#define DAYS_MOST 31
#define CARRY_LEAST 10 /* minutes */
#define CARRY_MOST 120

/* So many minutes before the period are read, and not counted: as many as a
 * verdict may be carried. Marks, meters and outages count from there. */
#define LEAD CARRY_MOST

struct outage {
	struct meter *meter;
	size_t first, n; /* minutes, from `begin` */
	uint32_t runs; /* of the period */
	char run[TRACE_ID_SIZE];
	char reason[MODEL_NAME_SIZE];
	char step[MODEL_NAME_SIZE];
};

/* One target. */
struct meter {
	struct report *report;
	int64_t target;
	char deployment[MODEL_NAME_SIZE];
	size_t act; /* index */
	bool known; /* configured now */
	bool heard; /* in the period */
	struct availability_meter meter;
	struct availability_counts counts;
	size_t *outages, n_outages; /* of the report's list */
	size_t next_outage; /* while failures are read */
};

struct act {
	char name[MODEL_NAME_SIZE];
	struct availability_counts counts, days[DAYS_MOST];
};

/* Marks of a deployment; all that have no maintenance of their own share. */
struct place {
	char deployment[MODEL_NAME_SIZE];
	uint8_t *marks;
	bool shared;
	bool known; /* configured now */
	size_t carry;
};

struct report {
	const struct report_question *question;
	wall_us begin; /* LEAD before */
	wall_us from, until;
	bool complete; /* it is over */
	size_t n; /* minutes of the period */
	size_t day_first[DAYS_MOST + 1];
	size_t n_days;
	struct place **places;
	size_t n_places;
	struct name_index place_index;
	uint8_t *marks; /* of the operator as a whole */
	struct meter *meters;
	size_t n_meters;
	int64_t highest;
	size_t *by_target; /* index + 1; 0: of another operator */
	struct act *acts;
	size_t n_acts;
	struct outage *outages;
	size_t n_outages, left_out;
	struct jv *maintenance, *blind;
};

/* report.c: the period holds the minutes that `from` and `until` touch and that
 * are over at the time of the question. A report whose question and period are
 * set begins with its marks; 0 or -errno. report_place: the one of that
 * deployment, perhaps new. */
void report_set_period(struct report *report, wall_us from, wall_us until);
int report_read_marks(
    struct report *report, struct ledger_reader *reader) MUST_USE;
struct place *report_place(struct report *report, const char *deployment);
void report_fini(struct report *report);

/* Its row says something: it is configured, or was heard. */
static inline bool
meter_is_listed(const struct meter *meter)
{
	return meter->heard || meter->known;
}

/* report_json: what was collected, with the incidents of its time. */
struct jv *report_json(struct report *report, const struct jv *incidents);

struct locale;

/* report_view adds what a template shows. */
void report_view(const struct locale *locale, struct jv *account, bool polish);

/* report_digest: the SHA-256 of the CSV of an account, in hex. */
struct jv *report_digest(const struct jv *account, bool polish);

#endif
