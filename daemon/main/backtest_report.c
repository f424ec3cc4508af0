/*
 * What a back-test found, for people and as JSON.
 */
#include "backtest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/text.h"
#include "main-int.h"

#define TEXT_SIZE 40

/* ---- words ---- */

static const char *
kind_name(enum conf_alert_kind kind)
{
	switch (kind) {
	case CONF_ALERT_AVAILABILITY:
		return "availability";
	case CONF_ALERT_LATENCY:
		return "latency";
	case CONF_ALERT_BURN_RATE:
		return "burn_rate";
	case CONF_ALERT_CERTIFICATE:
		return "certificate";
	case CONF_ALERT_NO_DATA:
		return "no_data";
	case CONF_ALERT_DEVIATION:
		return "deviation";
	}
	return "";
}

static const char *
local(const struct zone *zone, wall_us at, char out[TEXT_SIZE])
{
	struct zone_time t;

	zone_local(zone, at, &t);
	snprintf(out, TEXT_SIZE, "%04d-%02d-%02d %02d:%02d:%02d %s", t.year,
	    t.month, t.day, t.hour, t.minute, t.second, zone_name(&t));
	return out;
}

static const char *
length(dur_us us, char out[TEXT_SIZE])
{
	text_duration_format(us, out, TEXT_SIZE);
	return out;
}

/* ---- sums ---- */

static dur_us
lasted(const struct backtest_outcome *outcome, size_t i)
{
	const struct incident *one = &outcome->found[i].incident;

	return incident_lasted(
	    one, one->resolved > 0 ? one->resolved : outcome->to);
}

struct sum {
	size_t n, real, unheard;
	dur_us all, longest;
};

static struct sum
sum_of(const struct backtest_outcome *outcome, const char *rule)
{
	struct sum sum = {0};

	for (size_t i = 0; i < outcome->n_found; i++) {
		const struct backtest_incident *one = &outcome->found[i];
		dur_us length_us = lasted(outcome, i);

		if (rule && strcmp(one->incident.rule, rule) != 0)
			continue;
		sum.n++;
		sum.real += outcome->really[i] != 0;
		sum.unheard += one->unheard;
		sum.all += length_us;
		if (length_us > sum.longest)
			sum.longest = length_us;
	}
	return sum;
}

/* NULL: not of kind deviation, or never looked at. */
static const struct backtest_compared *
compared_of(
    const struct backtest_outcome *outcome, const struct conf_alert *rule)
{
	for (size_t i = 0; i < outcome->n_compared; i++)
		if (outcome->compared[i].rule == rule)
			return &outcome->compared[i];
	return NULL;
}

static bool
is_asked(const struct backtest_outcome *outcome, const struct conf_alert *rule)
{
	return outcome->rule == NULL || strcmp(outcome->rule, rule->name) == 0;
}

static dur_us
away_sum(const struct backtest_outcome *outcome)
{
	dur_us sum = 0;

	for (size_t i = 0; i < outcome->n_aways; i++)
		sum += outcome->aways[i].to - outcome->aways[i].from;
	return sum;
}

/* ---- for people ---- */

static void
print_latencies(const struct backtest_outcome *outcome)
{
	const struct past_facts *facts = outcome->facts;
	char one[TEXT_SIZE], other[TEXT_SIZE], step[TEXT_SIZE];

	if (facts->timed + facts->untimed == 0)
		return;
	for (size_t i = 0; i < facts->n_widths; i++)
		printf("Latencies are known by rows of %s from %s to %s.\n",
		    length(facts->widths[i].step, step),
		    local(outcome->zone, facts->widths[i].from, one),
		    local(outcome->zone, facts->widths[i].to, other));
	if (facts->untimed > 0)
		printf("Of %" PRIu64 " good results the latency is not known: "
		       "it is no longer kept, or not in its file yet (%s).\n",
		    facts->untimed, length(outcome->write_every, step));
}

static void
print_history(const struct backtest_outcome *outcome)
{
	const struct past_facts *facts = outcome->facts;
	char one[TEXT_SIZE], other[TEXT_SIZE];

	printf("Back-test from %s to %s.\n",
	    local(outcome->zone, outcome->from, one),
	    local(outcome->zone, outcome->to, other));
	if (!outcome->any) {
		puts("There is no history: the ledger has no tallies.");
		return;
	}
	printf("The ledger has tallies from %s to %s",
	    local(outcome->zone, outcome->first, one),
	    local(outcome->zone, outcome->last, other));
	if (outcome->n_aways > 0)
		printf("; nothing at all was measured in %zu stretches, %s in "
		       "all, which are our own",
		    outcome->n_aways, length(away_sum(outcome), one));
	printf(".\n%" PRIu64 " results were read", facts->results);
	if (facts->causeless > 0)
		printf("; of %" PRIu64 " failures %" PRIu64
		       " are older than failures are noted, so that their "
		       "reason is not known",
		    facts->failures, facts->causeless);
	puts(".");
	if (facts->strangers > 0)
		printf("%" PRIu64 " results are of targets that the "
		       "configuration does not have any more.\n",
		    facts->strangers);
	print_latencies(outcome);
}

static void
put_incident(
    struct table *table, const struct backtest_outcome *outcome, size_t i)
{
	const struct backtest_incident *found = &outcome->found[i];
	const struct incident *one = &found->incident;
	char text[TEXT_SIZE];

	table_cell(table, "%s%s", local(outcome->zone, one->opened, text),
	    one->opened < outcome->from ? " *" : "");
	table_cell(table, "%s",
	    one->resolved > 0 ? local(outcome->zone, one->resolved, text)
			      : "still open at the end");
	table_cell(table, "%s", length(lasted(outcome, i), text));
	table_cell(table, "%d", one->severity);
	table_cell(table, "%s", one->rule);
	table_cell(table, "%s", one->scope);
	table_cell(table, "%u of %u", one->affected_most, one->affected_of);
	if (outcome->really[i] != 0)
		table_cell(table, "%" PRId64, outcome->really[i]);
	else
		table_cell(table, "-");
	table_cell(table, "%s%s", one->summary_en, found->unheard ? " **" : "");
}

static void
print_incidents(const struct backtest_outcome *outcome)
{
	static const char *const heads[] = {"opened", "resolved", "lasted",
	    "severity", "rule", "scope", "deployments", "really", "summary"};
	struct table *table = table_new(heads, ARRAY_LEN(heads));
	struct sum sum = sum_of(outcome, NULL);
	bool before = false;

	if (outcome->n_found == 0) {
		puts("\nNo incident would have been opened.\n");
		table_free(table);
		return;
	}
	putchar('\n');
	for (size_t i = 0; i < outcome->n_found; i++) {
		put_incident(table, outcome, i);
		before =
		    before || outcome->found[i].incident.opened < outcome->from;
	}
	table_print(table);
	table_free(table);
	putchar('\n');
	if (before)
		puts("* before the span; perhaps earlier than is said, for no "
		     "more was read than the rules' windows.");
	if (sum.unheard > 0)
		puts("** nothing had been heard of it until then: it may be "
		     "newer than that.");
}

static void
print_rules(const struct backtest_outcome *outcome)
{
	static const char *const heads[] = {
	    "rule", "kind", "incidents", "in all", "longest", "note"};
	struct table *table = table_new(heads, ARRAY_LEN(heads));
	char text[TEXT_SIZE];

	for (size_t i = 0; i < outcome->conf->n_alerts; i++) {
		const struct conf_alert *rule = &outcome->conf->alerts[i];
		const char *why = backtest_untested(rule);
		struct sum sum = sum_of(outcome, rule->name);
		const struct backtest_compared *compared =
		    compared_of(outcome, rule);

		if (!is_asked(outcome, rule))
			continue;
		table_cell(table, "%s", rule->name);
		table_cell(table, "%s", kind_name(rule->kind));
		if (why) {
			for (size_t k = 0; k < 3; k++)
				table_cell(table, "-");
			table_cell(table, "not back-tested: %s", why);
			continue;
		}
		table_cell(table, "%zu", sum.n);
		table_cell(
		    table, "%s", sum.n > 0 ? length(sum.all, text) : "-");
		table_cell(
		    table, "%s", sum.n > 0 ? length(sum.longest, text) : "-");
		if (compared && compared->mute > 0)
			table_cell(table,
			    "no verdict in %" PRIu64 " of %" PRIu64
			    " hours: three weeks before are not known",
			    compared->mute, compared->hours);
		else
			table_cell(table, "%s", "");
	}
	table_print(table);
	table_free(table);
}

void
backtest_print(const struct backtest_outcome *outcome)
{
	struct sum sum = sum_of(outcome, NULL);

	print_history(outcome);
	print_incidents(outcome);
	print_rules(outcome);
	printf("\nOf these %zu, %zu overlap an incident that was really opened "
	       "for the same scope; %zu were really opened in the span, by any "
	       "rule.\n",
	    sum.n, sum.real, outcome->n_real);
}

/* ---- JSON ---- */

static struct jv *
real_seconds(dur_us us)
{
	return jv_real((double)us / US_PER_S);
}

static struct jv *
span_json(wall_us from, wall_us to)
{
	struct jv *out = jv_object();

	jv_set(out, "from", jv_time(from));
	return jv_set(out, "to", jv_time(to));
}

static struct jv *
history_json(const struct backtest_outcome *outcome)
{
	const struct past_facts *facts = outcome->facts;
	struct jv *out = jv_object(), *gaps = jv_array();
	struct jv *latency = jv_array();

	for (size_t i = 0; i < outcome->n_aways; i++)
		jv_push(gaps,
		    span_json(outcome->aways[i].from, outcome->aways[i].to));
	for (size_t i = 0; i < facts->n_widths; i++) {
		const struct past_width *width = &facts->widths[i];

		jv_push(latency,
		    jv_set(span_json(width->from, width->to), "step_s",
			jv_time(width->step)));
	}
	jv_set(
	    out, "first", outcome->any ? jv_time(outcome->first) : jv_null());
	jv_set(out, "last", outcome->any ? jv_time(outcome->last) : jv_null());
	jv_set(out, "gaps", gaps);
	jv_set(out, "results", jv_int((int64_t)facts->results));
	jv_set(out, "failures", jv_int((int64_t)facts->failures));
	jv_set(
	    out, "failures_without_reason", jv_int((int64_t)facts->causeless));
	jv_set(out, "not_configured", jv_int((int64_t)facts->strangers));
	jv_set(out, "latency", latency);
	return jv_set(out, "latency_unknown", jv_int((int64_t)facts->untimed));
}

static struct jv *
rule_json(const struct backtest_outcome *outcome, const struct conf_alert *rule)
{
	const char *why = backtest_untested(rule);
	struct sum sum = sum_of(outcome, rule->name);
	const struct backtest_compared *compared = compared_of(outcome, rule);
	struct jv *out = jv_object();

	jv_set(out, "name", jv_string(rule->name));
	jv_set(out, "kind", jv_string(kind_name(rule->kind)));
	jv_set(out, "tested", jv_bool(why == NULL));
	jv_set(out, "why_not", jv_text(why));
	jv_set(out, "incidents", jv_int((int64_t)sum.n));
	jv_set(out, "lasted_s", real_seconds(sum.all));
	jv_set(out, "longest_s", real_seconds(sum.longest));
	if (compared) {
		jv_set(out, "hours", jv_int((int64_t)compared->hours));
		jv_set(out, "hours_without_verdict",
		    jv_int((int64_t)compared->mute));
	}
	return jv_set(out, "overlapping", jv_int((int64_t)sum.real));
}

static struct jv *
found_json(const struct backtest_outcome *outcome, size_t i)
{
	const struct backtest_incident *found = &outcome->found[i];
	struct jv *out = incident_json(&found->incident);

	jv_set(out, "lasted_s", real_seconds(lasted(outcome, i)));
	jv_set(out, "before_span",
	    jv_bool(found->incident.opened < outcome->from));
	jv_set(out, "heard_before", jv_bool(!found->unheard));
	return jv_set(out, "overlaps",
	    outcome->really[i] != 0 ? jv_int(outcome->really[i]) : jv_null());
}

struct jv *
backtest_json(const struct backtest_outcome *outcome)
{
	struct jv *out = span_json(outcome->from, outcome->to);
	struct jv *rules = jv_array(), *incidents = jv_array();

	for (size_t i = 0; i < outcome->conf->n_alerts; i++)
		if (is_asked(outcome, &outcome->conf->alerts[i]))
			jv_push(rules,
			    rule_json(outcome, &outcome->conf->alerts[i]));
	for (size_t i = 0; i < outcome->n_found; i++)
		jv_push(incidents, found_json(outcome, i));
	jv_set(out, "history", history_json(outcome));
	jv_set(out, "rules", rules);
	jv_set(out, "incidents", incidents);
	return jv_set(out, "really_opened", jv_int((int64_t)outcome->n_real));
}
