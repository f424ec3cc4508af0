/*
 * The account of a month: minutes of the ledger in. What each minute is called,
 * is decided in health; the JSON is made in report_json.c.
 */
#include "web/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ledger/change.h"
#include "ledger/history.h"
#include "report-int.h"

#define CARRY_INTERVALS 9 /* a failing deployment is asked eight times less */
#define OUTAGES_MOST 1000

/* ---- the period ---- */

/* Midnight is there once on every day. */
static wall_us
midnight(const struct zone *zone, int year, int month, int day)
{
	struct zone_time t = {.year = year, .month = month, .day = day};
	wall_us instants[2] = {0};

	(void)zone_instants(zone, &t, instants);
	return instants[0];
}

void
report_set_period(struct report *report, wall_us from, wall_us until)
{
	wall_us now = report->question->now, over = now / MINUTE * MINUTE;

	report->from = from / MINUTE * MINUTE;
	report->begin = report->from - LEAD * MINUTE;
	report->complete = until <= now;
	report->until = (until + MINUTE - 1) / MINUTE * MINUTE;
	if (report->until > over)
		report->until = over;
	if (report->until < report->from)
		report->until = report->from;
	report->n = (size_t)((report->until - report->from) / MINUTE);
}

static void
set_month(struct report *report)
{
	const struct report_question *question = report->question;
	const struct zone *zone = question->zone;
	int year = question->month.year, month = question->month.month;
	wall_us end = month == 12 ? midnight(zone, year + 1, 1, 1)
				  : midnight(zone, year, month + 1, 1);

	report_set_period(report, midnight(zone, year, month, 1), end);
	for (int day = 1; day <= DAYS_MOST; day++) {
		wall_us begin = midnight(zone, year, month, day);

		/* the 31st of June is in July */
		if (begin >= report->until || begin >= end)
			break;
		report->day_first[report->n_days++] =
		    (size_t)((begin - report->from) / MINUTE);
	}
	report->day_first[report->n_days] = report->n;
}

/* ---- what touches it ---- */

struct place *
report_place(struct report *report, const char *deployment)
{
	struct place *place;
	size_t at;

	if (index_find(&report->place_index, deployment, &at))
		return report->places[at];
	report->places = mem_grow(
	    report->places, report->n_places + 1, sizeof(*report->places));
	at = report->n_places++;
	place = report->places[at] = mem_new(sizeof(*place));
	text_copy(place->deployment, sizeof(place->deployment), deployment);
	place->marks = report->marks;
	place->shared = true;
	place->carry = CARRY_LEAST;
	(void)index_add(&report->place_index, place->deployment, &at);
	return place;
}

static void
add_known_places(struct report *report)
{
	const struct report_question *question = report->question;

	for (size_t i = 0; i < question->n_places; i++) {
		struct place *place =
		    report_place(report, question->places[i].deployment);
		int64_t carry =
		    CARRY_INTERVALS * question->places[i].every / MINUTE;

		place->known = true;
		if (carry > (int64_t)place->carry)
			place->carry =
			    carry < CARRY_MOST ? (size_t)carry : CARRY_MOST;
	}
}

static uint8_t *
new_marks(const struct report *report)
{
	uint8_t *marks = mem_array(LEAD + report->n, 1);

	memset(marks, 0, LEAD + report->n);
	return marks;
}

static void
mark_window(struct report *report, const struct window *window,
    const struct window_span *span)
{
	struct place *place;

	if (window->deployment[0] == '\0') {
		availability_mark(report->marks, LEAD + report->n,
		    report->begin, span->from, span->until,
		    AVAILABILITY_MAINTENANCE);
		return;
	}
	place = report_place(report, window->deployment);
	if (place->shared) {
		/* those of the operator are added at the end */
		place->marks = new_marks(report);
		place->shared = false;
	}
	availability_mark(place->marks, LEAD + report->n, report->begin,
	    span->from, span->until, AVAILABILITY_MAINTENANCE);
}

static void
list_window(struct report *report, const struct window *window,
    const struct window_span *span)
{
	struct jv *one = jv_object();

	jv_set(one, "id", jv_int(window->id));
	jv_set(one, "deployment", jv_text(window->deployment));
	jv_set(one, "from", jv_time(span->from));
	jv_set(one, "until", jv_time(span->until));
	jv_set(one, "agreed", jv_bool(span->agreed));
	jv_set(one, "reason", jv_string(window->reason));
	jv_set(one, "by", jv_string(window->created_by));
	jv_push(report->maintenance, one);
}

static void
add_window(void *arg, const struct window *window)
{
	struct report *report = arg;
	struct window_span span = {.until = report->begin};

	while (window_next(window, report->question->zone, span.until, &span) &&
	    span.from < report->until) {
		if (span.until > report->from)
			list_window(report, window, &span);
		if (span.agreed)
			mark_window(report, window, &span);
	}
}

static bool
add_blind(void *arg, const struct ledger_blind *blind)
{
	struct report *report = arg;
	struct jv *one;

	availability_mark(report->marks, LEAD + report->n, report->begin,
	    blind->since, blind->until, AVAILABILITY_BLIND);
	if (blind->until <= report->from)
		return true;
	one = jv_object();
	jv_set(one, "from", jv_real((double)blind->since / US_PER_S));
	jv_set(one, "until", jv_real((double)blind->until / US_PER_S));
	jv_set(one, "cause", jv_string(blind->cause));
	jv_push(report->blind, one);
	return true;
}

int
report_read_marks(struct report *report, struct ledger_reader *reader)
{
	int rc;

	report->marks = new_marks(report);
	add_known_places(report);
	rc = ledger_read_windows(reader, WINDOW_MAINTENANCE,
	    report->question->op, add_window, report);
	if (rc == 0)
		rc = history_blind(
		    reader, report->begin, report->until, add_blind, report);
	for (size_t i = 0; i < report->n_places; i++) {
		struct place *place = report->places[i];

		for (size_t k = 0; !place->shared && k < LEAD + report->n; k++)
			place->marks[k] |= report->marks[k];
	}
	return rc;
}

/* ---- what each minute is called ---- */

static size_t
day_of(const struct report *report, size_t minute)
{
	size_t day = 0;

	while (day + 1 < report->n_days && report->day_first[day + 1] <= minute)
		day++;
	return day;
}

static void
add_outage(struct meter *meter, size_t first, size_t n)
{
	struct report *report = meter->report;

	if (report->n_outages == OUTAGES_MOST) {
		report->left_out++;
		return;
	}
	report->outages = mem_grow(
	    report->outages, report->n_outages + 1, sizeof(*report->outages));
	meter->outages = mem_grow(
	    meter->outages, meter->n_outages + 1, sizeof(*meter->outages));
	meter->outages[meter->n_outages++] = report->n_outages;
	report->outages[report->n_outages++] =
	    (struct outage){.meter = meter, .first = first, .n = n};
}

static void
on_minutes(void *arg, enum availability what, size_t first, size_t n)
{
	struct meter *meter = arg;
	struct report *report = meter->report;
	struct act *act = &report->acts[meter->act];
	size_t end = first + n;

	if (end <= LEAD)
		return;
	if (what == UNAVAILABLE)
		add_outage(meter, first, n);
	first = first > LEAD ? first - LEAD : 0;
	end -= LEAD;
	meter->counts.minutes[what] += end - first;
	act->counts.minutes[what] += end - first;
	for (size_t day = day_of(report, first); first < end; day++) {
		size_t until = report->day_first[day + 1] < end
		    ? report->day_first[day + 1]
		    : end;

		act->days[day].minutes[what] += until - first;
		first = until;
	}
}

static size_t
act_of(struct report *report, const char *name)
{
	for (size_t i = 0; i < report->n_acts; i++) {
		if (strcmp(report->acts[i].name, name) == 0)
			return i;
	}
	report->acts =
	    mem_grow(report->acts, report->n_acts + 1, sizeof(*report->acts));
	memset(&report->acts[report->n_acts], 0, sizeof(*report->acts));
	text_copy(report->acts[report->n_acts].name,
	    sizeof(report->acts[0].name), name);
	return report->n_acts++;
}

/* "librus/main/login" */
static void
add_target(void *arg, int64_t id, const char *path)
{
	struct report *report = arg;
	const char *deployment = strchr(path, '/') + 1;
	const char *act = strchr(deployment, '/');
	struct meter *meter;

	if (act == NULL)
		return;
	report->meters = mem_grow(
	    report->meters, report->n_meters + 1, sizeof(*report->meters));
	meter = &report->meters[report->n_meters++];
	memset(meter, 0, sizeof(*meter));
	meter->target = id;
	snprintf(meter->deployment, sizeof(meter->deployment), "%.*s",
	    (int)(act - deployment), deployment);
	meter->act = act_of(report, act + 1);
	(void)report_place(report, meter->deployment);
	if (id > report->highest)
		report->highest = id;
}

static int
by_deployment(const void *left, const void *right)
{
	const struct meter *a = left, *b = right;

	return strcmp(a->deployment, b->deployment);
}

/* All of them are there, so that none moves any more. Acts stand as they were
 * first done, which is the order of a journey; deployments by name. */
static void
start_meters(struct report *report)
{
	qsort(report->meters, report->n_meters, sizeof(*report->meters),
	    by_deployment);
	report->by_target =
	    mem_array((size_t)report->highest + 1, sizeof(*report->by_target));
	memset(report->by_target, 0,
	    ((size_t)report->highest + 1) * sizeof(*report->by_target));
	for (size_t i = 0; i < report->n_meters; i++) {
		struct meter *meter = &report->meters[i];
		const struct place *place =
		    report_place(report, meter->deployment);

		meter->report = report;
		meter->known = place->known;
		meter->meter =
		    (struct availability_meter){.n = LEAD + report->n,
			.carry = place->carry,
			.marks = place->marks,
			.fn = on_minutes,
			.arg = meter};
		report->by_target[meter->target] = i + 1;
	}
}

static struct meter *
meter_of(struct report *report, int64_t target)
{
	size_t at = target >= 0 && target <= report->highest
	    ? report->by_target[target]
	    : 0;

	return at > 0 ? &report->meters[at - 1] : NULL;
}

static bool
on_minute(void *arg, const struct history_minute *row)
{
	struct report *report = arg;
	struct meter *meter = meter_of(report, row->target);

	if (meter == NULL)
		return true;
	availability_feed(&meter->meter,
	    (size_t)((row->minute - report->begin) / MINUTE), row->ok,
	    row->failed);
	if (row->minute >= report->from)
		meter->heard = true;
	return true;
}

/* They come in the order of time, as the outages of a target do. */
static bool
on_failure(void *arg, const struct history_failure *row)
{
	struct report *report = arg;
	struct meter *meter = meter_of(report, row->target);
	size_t minute = (size_t)((row->minute - report->begin) / MINUTE);
	struct outage *outage;

	if (meter == NULL)
		return true;
	while (meter->next_outage < meter->n_outages) {
		outage = &report->outages[meter->outages[meter->next_outage]];
		if (minute < outage->first + outage->n)
			break;
		meter->next_outage++;
	}
	if (meter->next_outage == meter->n_outages)
		return true;
	outage = &report->outages[meter->outages[meter->next_outage]];
	if (minute < outage->first)
		return true;
	if (minute >= LEAD)
		outage->runs++;
	if (outage->run[0] == '\0') {
		text_copy(outage->run, sizeof(outage->run), row->run);
		text_copy(outage->reason, sizeof(outage->reason), row->reason);
		text_copy(outage->step, sizeof(outage->step), row->step);
	}
	return true;
}

static int
read_minutes(struct report *report, struct ledger_reader *reader)
{
	int rc = history_minutes(
	    reader, report->begin, report->until, on_minute, report);

	/* one that is not listed has said nothing of the period yet */
	for (size_t i = 0; i < report->n_meters; i++) {
		if (meter_is_listed(&report->meters[i]))
			availability_end(&report->meters[i].meter);
	}
	return rc != 0 ? rc
		       : history_failures(reader, report->begin, report->until,
			     on_failure, report);
}

/* ---- the whole ---- */

void
report_fini(struct report *report)
{
	for (size_t i = 0; i < report->n_places; i++) {
		if (!report->places[i]->shared)
			free(report->places[i]->marks);
		free(report->places[i]);
	}
	for (size_t i = 0; i < report->n_meters; i++)
		free(report->meters[i].outages);
	index_fini(&report->place_index);
	free(report->places);
	free(report->marks);
	free(report->meters);
	free(report->by_target);
	free(report->acts);
	free(report->outages);
	jv_release(report->maintenance);
	jv_release(report->blind);
}

struct jv *
report_account(struct ledger_reader *reader,
    const struct report_question *question, int *problem)
{
	struct report report = {.question = question,
	    .maintenance = jv_array(),
	    .blind = jv_array()};
	struct jv *account = NULL, *incidents = NULL;

	set_month(&report);
	*problem = report_read_marks(&report, reader);
	if (*problem == 0)
		*problem =
		    history_targets(reader, question->op, add_target, &report);
	if (*problem != 0 || report.n_meters == 0)
		goto out;
	start_meters(&report);
	*problem = read_minutes(&report, reader);
	if (*problem != 0)
		goto out;
	incidents = ledger_read_incidents_of(reader,
	    &(struct ledger_incidents_of){.from = report.from,
		.to = report.until + MINUTE,
		.op = question->op,
		.limit = 1000});
	account = report_json(&report, jv_get(incidents, "incidents"));
	jv_release(incidents);
out:
	report_fini(&report);
	return account;
}
