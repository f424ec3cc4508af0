/*
 * Where a minute of the account has its name from: its results, and the runs of
 * those that failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ledger/history.h"
#include "report-int.h"

struct minute {
	enum availability what;
	uint32_t ok, failed, excluded;
	struct jv *runs;
};

struct trace {
	struct report report;
	struct availability_meter meter;
	struct minute *minutes;
	const char *target;
	int64_t id; /* 0: was never counted */
};

static void
on_target(void *arg, int64_t id, const char *path)
{
	struct trace *trace = arg;

	if (strcmp(path, trace->target) == 0)
		trace->id = id;
}

static void
on_minutes(void *arg, enum availability what, size_t first, size_t n)
{
	struct trace *trace = arg;

	for (size_t i = first; i < first + n; i++) {
		if (i >= LEAD)
			trace->minutes[i - LEAD].what = what;
	}
}

/* Those before the span are carried into it. */
static bool
on_minute(void *arg, const struct history_minute *row)
{
	struct trace *trace = arg;
	size_t at = (size_t)((row->minute - trace->report.begin) / MINUTE);
	struct minute *minute;

	availability_feed(&trace->meter, at, row->ok, row->failed);
	if (at < LEAD || at - LEAD >= trace->report.n)
		return true;
	minute = &trace->minutes[at - LEAD];
	minute->ok = row->ok;
	minute->failed = row->failed;
	minute->excluded = row->excluded;
	return true;
}

static bool
on_failure(void *arg, const struct history_failure *row)
{
	struct trace *trace = arg;
	int64_t at = (row->minute - trace->report.from) / MINUTE;
	struct jv *run = jv_object();

	jv_set(run, "id", jv_string(row->run));
	jv_set(run, "reason", jv_string(row->reason));
	jv_set(run, "step", jv_text(row->step));
	if (at >= 0 && at < (int64_t)trace->report.n)
		jv_push(trace->minutes[at].runs, run);
	else
		jv_release(run);
	return true;
}

/* "librus/main/login" */
static const struct place *
place_of_target(struct trace *trace)
{
	char deployment[MODEL_NAME_SIZE] = "";

	(void)sscanf(trace->target, "%*[^/]/%31[^/]", deployment);
	return report_place(&trace->report, deployment);
}

static int
read_all(struct trace *trace, struct ledger_reader *reader)
{
	struct report *report = &trace->report;
	const struct place *place = place_of_target(trace);
	int rc;

	trace->meter = (struct availability_meter){.n = LEAD + report->n,
	    .carry = place->carry,
	    .marks = place->marks,
	    .fn = on_minutes,
	    .arg = trace};
	rc = history_minutes_of(
	    reader, trace->id, report->begin, report->until, on_minute, trace);
	availability_end(&trace->meter);
	return rc != 0 ? rc
		       : history_failures_of(reader, trace->id, report->from,
			     report->until, on_failure, trace);
}

static struct jv *
trace_json(const struct trace *trace)
{
	const struct report *report = &trace->report;
	struct jv *list = jv_array(), *json = jv_object();

	for (size_t i = 0; i < report->n; i++) {
		const struct minute *minute = &trace->minutes[i];
		struct jv *one = jv_object();

		jv_set(one, "at",
		    jv_int((report->from + (wall_us)i * MINUTE) / US_PER_S));
		jv_set(one, "what", jv_string(availability_name(minute->what)));
		jv_set(one, "ok", jv_int(minute->ok));
		jv_set(one, "failed", jv_int(minute->failed));
		jv_set(one, "excluded", jv_int(minute->excluded));
		jv_set(one, "runs", jv_hold(minute->runs));
		jv_push(list, one);
	}
	jv_set(json, "target", jv_string(trace->target));
	jv_set(json, "from", jv_int(report->from / US_PER_S));
	jv_set(json, "to", jv_int(report->until / US_PER_S));
	return jv_set(json, "minutes", list);
}

struct jv *
report_trace(struct ledger_reader *reader,
    const struct report_question *question, const char *target, wall_us from,
    wall_us to, int *problem)
{
	struct trace trace = {.target = target};
	struct report *report = &trace.report;
	struct jv *json = NULL;

	report->question = question;
	report->maintenance = jv_array();
	report->blind = jv_array();
	report_set_period(report, from, to);
	trace.minutes = mem_array(report->n + 1, sizeof(*trace.minutes));
	for (size_t i = 0; i < report->n; i++)
		trace.minutes[i] = (struct minute){.runs = jv_array()};
	*problem = history_targets(reader, question->op, on_target, &trace);
	if (*problem == 0 && trace.id != 0)
		*problem = report_read_marks(report, reader);
	if (*problem == 0 && trace.id != 0)
		*problem = read_all(&trace, reader);
	if (*problem == 0 && trace.id != 0)
		json = trace_json(&trace);
	for (size_t i = 0; i < report->n; i++)
		jv_release(trace.minutes[i].runs);
	free(trace.minutes);
	report_fini(report);
	return json;
}
