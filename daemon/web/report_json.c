/* Which month is asked for, and the one JSON of its account, from which
 * everything else is made. */
#include "report-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
report_month_parse(const char *text, struct report_month *month)
{
	if (strlen(text) != 7 || text[4] != '-' ||
	    strspn(text, "0123456789") != 4 ||
	    strspn(text + 5, "0123456789") != 2)
		return false;
	month->year = (int)strtol(text, NULL, 10);
	month->month = (int)strtol(text + 5, NULL, 10);
	return month->year >= 1970 && month->year < 2200 && month->month >= 1 &&
	    month->month <= 12;
}

static struct jv *
set_counts(struct jv *object, const struct availability_counts *counts)
{
	int32_t percent = availability_percent(counts);

	for (int i = 0; i < AVAILABILITY_COUNT; i++)
		jv_set(object, availability_name((enum availability)i),
		    jv_int((int64_t)counts->minutes[i]));
	jv_set(object, "availability", jv_real(availability_ratio(counts)));
	return jv_set(object, "availability_percent",
	    percent < 0 ? jv_null() : jv_real(percent / 1000.0));
}

static struct jv *
days_json(const struct report *report, const struct act *act)
{
	struct jv *days = jv_array();

	for (size_t i = 0; i < report->n_days; i++) {
		struct jv *day = jv_object();
		char date[48];

		snprintf(date, sizeof(date), "%04d-%02d-%02zu",
		    report->question->month.year, report->question->month.month,
		    i + 1);
		jv_set(day, "date", jv_string(date));
		jv_set(day, "minutes",
		    jv_int((int64_t)(report->day_first[i + 1] -
			report->day_first[i])));
		jv_push(days, set_counts(day, &act->days[i]));
	}
	return days;
}

static struct jv *
acts_json(const struct report *report)
{
	struct jv *list = jv_array();

	for (size_t i = 0; i < report->n_acts; i++) {
		const struct act *act = &report->acts[i];
		struct jv *one, *deployments = jv_array();

		for (size_t k = 0; k < report->n_meters; k++) {
			const struct meter *meter = &report->meters[k];

			if (meter->act == i && meter_is_listed(meter))
				jv_push(deployments,
				    set_counts(
					jv_set(jv_object(), "name",
					    jv_string(meter->deployment)),
					&meter->counts));
		}
		if (jv_len(deployments) == 0) {
			jv_release(deployments);
			continue;
		}
		one = jv_set(jv_object(), "name", jv_string(act->name));
		set_counts(one, &act->counts);
		jv_set(one, "deployments", deployments);
		jv_set(one, "days", days_json(report, act));
		jv_push(list, one);
	}
	return list;
}

/* What is of the period. */
static wall_us
outage_from(const struct report *report, const struct outage *outage)
{
	wall_us from = report->begin + (wall_us)outage->first * MINUTE;

	return from > report->from ? from : report->from;
}

static wall_us
outage_until(const struct report *report, const struct outage *outage)
{
	return report->begin + (wall_us)(outage->first + outage->n) * MINUTE;
}

/* Of those of the operator in the month, which one was it? */
static struct jv *
incidents_of(const struct report *report, const struct outage *outage,
    const struct jv *incidents)
{
	wall_us from = outage_from(report, outage);
	wall_us until = outage_until(report, outage);
	struct jv *numbers = jv_array();

	for (size_t i = 0; i < jv_len(incidents); i++) {
		const struct jv *one = jv_at(incidents, i);
		const char *deployment = jv_get_string(one, "deployment", "");
		const char *act = jv_get_string(one, "transaction", "");
		int64_t resolved = jv_get_int(one, "resolved", 0);

		if ((deployment[0] == '\0' ||
			strcmp(deployment, outage->meter->deployment) == 0) &&
		    strcmp(act, report->acts[outage->meter->act].name) == 0 &&
		    jv_get_int(one, "opened", 0) * US_PER_S < until &&
		    (resolved == 0 || resolved * US_PER_S > from))
			jv_push(numbers, jv_int(jv_get_int(one, "number", 0)));
	}
	return numbers;
}

static int
by_time(const void *left, const void *right)
{
	const struct outage *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->meter < b->meter ? -1 : a->meter > b->meter;
}

static struct jv *
outages_json(struct report *report, const struct jv *incidents)
{
	struct jv *list = jv_array();

	if (report->n_outages > 0)
		qsort(report->outages, report->n_outages,
		    sizeof(*report->outages), by_time);
	for (size_t i = 0; i < report->n_outages; i++) {
		const struct outage *outage = &report->outages[i];
		wall_us from = outage_from(report, outage);
		wall_us until = outage_until(report, outage);
		struct jv *one = jv_object();

		jv_set(one, "deployment", jv_string(outage->meter->deployment));
		jv_set(one, "transaction",
		    jv_string(report->acts[outage->meter->act].name));
		jv_set(one, "from", jv_time(from));
		jv_set(one, "until", jv_time(until));
		jv_set(one, "minutes", jv_int((until - from) / MINUTE));
		jv_set(one, "runs", jv_int(outage->runs));
		jv_set(one, "first_run", jv_text(outage->run));
		jv_set(one, "reason", jv_text(outage->reason));
		jv_set(one, "step", jv_text(outage->step));
		jv_set(
		    one, "incidents", incidents_of(report, outage, incidents));
		jv_push(list, one);
	}
	return list;
}

struct jv *
report_json(struct report *report, const struct jv *incidents)
{
	const struct report_question *question = report->question;
	struct jv *account = jv_object(), *digests = jv_object();
	char month[32];

	snprintf(month, sizeof(month), "%04d-%02d", question->month.year,
	    question->month.month);
	jv_set(account, "operator", jv_string(question->op));
	jv_set(account, "title", jv_string(question->title));
	jv_set(account, "month", jv_string(month));
	jv_set(account, "time_zone", jv_string("Europe/Warsaw"));
	jv_set(account, "vantage", jv_string(question->vantage));
	jv_set(account, "from", jv_time(report->from));
	jv_set(account, "until", jv_time(report->until));
	jv_set(account, "as_of", jv_time(question->now));
	jv_set(account, "complete", jv_bool(report->complete));
	jv_set(account, "minutes", jv_int((int64_t)report->n));
	jv_set(account, "carry_minutes", jv_int(CARRY_LEAST));
	jv_set(account, "transactions", acts_json(report));
	jv_set(account, "outages", outages_json(report, incidents));
	jv_set(account, "outages_left_out", jv_int((int64_t)report->left_out));
	jv_set(account, "maintenance", jv_hold(report->maintenance));
	jv_set(account, "blind", jv_hold(report->blind));
	jv_set(digests, "pl", report_digest(account, true));
	jv_set(digests, "en", report_digest(account, false));
	return jv_set(account, "csv_sha256", digests);
}
