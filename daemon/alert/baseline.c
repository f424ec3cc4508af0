/*
 * Rules of kind deviation: the hours that they want to know of the past, and
 * the limit that follows from the shape of the weeks for the hours in which the
 * window lies. The window is judged like that of a latency rule.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alert-int.h"
#include "base/mem.h"
#include "base/text.h"

/* From the begin of the oldest of SHAPE_WEEKS weeks, whatever day it is. */
#define HISTORY ((SHAPE_WEEKS + 1) * 7 * 24 * ALERT_HOUR)
#define SETTLED ALERT_HOUR /* by then an hour's last results are stored */

/* An incident is over when it is nearer to what is usual than to the limit. */
#define BACK 0.5

static wall_us
hour_of(wall_us at)
{
	return at - at % ALERT_HOUR;
}

struct baseline *
baseline_new(void)
{
	struct baseline *baseline = mem_new(sizeof(*baseline));

	baseline->usual_ms = NAN;
	baseline->limit_ms = NAN;
	baseline->back_ms = NAN;
	return baseline;
}

void
baseline_inherit(struct instance *instance, struct instance *old)
{
	struct baseline *fresh = instance->baseline;

	if (!fresh || !old->baseline ||
	    instance->rule->quantile != old->rule->quantile ||
	    instance->rule->min_samples != old->rule->min_samples) {
		return;
	}
	instance->baseline = old->baseline;
	old->baseline = fresh;
	/* band and factor may be others */
	instance->baseline->to = 0;
}

/* ---- what is to be learnt ---- */

static bool
wishes(const struct instance *instance, wall_us wall, struct alert_wish *wish)
{
	const struct baseline *baseline = instance->baseline;
	wall_us end = hour_of(wall - SETTLED), begin = end - HISTORY;

	if (!baseline || begin < 0 ||
	    (baseline->until >= end && baseline->until <= wall)) {
		return false;
	}
	*wish = (struct alert_wish){.quantile = instance->rule->quantile,
	    .min_samples = instance->rule->min_samples,
	    .from = baseline->until,
	    .to = end};
	/* nothing yet; too long ago; or the clock was ahead */
	if (baseline->until < begin || baseline->until > wall) {
		wish->anew = true;
		wish->from = begin;
	}
	if (wish->to - wish->from > ALERT_WISH_HOURS * ALERT_HOUR) {
		wish->to = wish->from + ALERT_WISH_HOURS * ALERT_HOUR;
	}
	text_copy(wish->rule, sizeof(wish->rule), instance->rule->name);
	text_copy(wish->scope, sizeof(wish->scope), instance->scope);
	return true;
}

bool
alert_wish(const struct alert *alert, size_t *at, wall_us wall,
    struct alert_wish *wish)
{
	const struct alert_rules *rules = alert->rules;

	if (!rules || !alert->zone) {
		return false;
	}
	while (*at < rules->n && !wishes(&rules->instances[*at], wall, wish)) {
		++*at;
	}
	return *at < rules->n;
}

void
alert_learn(
    struct alert *alert, const struct alert_wish *wish, const double *ms)
{
	struct instance *instance = alert->rules
	    ? alert_rules_find_of(alert->rules, wish->scope, wish->rule)
	    : NULL;
	struct baseline *baseline = instance ? instance->baseline : NULL;
	size_t n = (size_t)((wish->to - wish->from) / ALERT_HOUR);

	if (!baseline || instance->rule->quantile != wish->quantile ||
	    instance->rule->min_samples != wish->min_samples ||
	    (!wish->anew && wish->from != baseline->until)) {
		return;
	}
	if (wish->anew) {
		memset(&baseline->shape, 0, sizeof(baseline->shape));
	}
	for (size_t i = 0; i < n; i++) {
		wall_us hour = wish->from + (wall_us)i * ALERT_HOUR;

		shape_put(
		    &baseline->shape, shape_hour_of(alert->zone, hour), ms[i]);
	}
	baseline->until = wish->to;
	baseline->to = 0;
}

void
alert_set_zone(struct alert *alert, const struct zone *zone)
{
	alert->zone = zone;
}

/* ---- what follows from it ---- */

static double
margin_of(const struct conf_alert *rule, const struct usual *usual)
{
	return fmax(clock_to_ms(rule->band), rule->factor * usual->spread_ms);
}

/* At nine the window still holds what is usual at eight. */
static void
find_limit(const struct alert *alert, struct instance *instance, wall_us wall)
{
	struct baseline *baseline = instance->baseline;
	wall_us last = hour_of(wall), hour = hour_of(wall - instance->span);
	wall_us leaves = hour + ALERT_HOUR + instance->span;

	baseline->from = wall;
	baseline->to = leaves < last + ALERT_HOUR ? leaves : last + ALERT_HOUR;
	baseline->usual_ms = baseline->limit_ms = baseline->back_ms = NAN;
	for (; hour <= last; hour += ALERT_HOUR) {
		struct usual usual;
		double limit;

		if (!alert->zone || hour < 0 ||
		    !shape_usual(&baseline->shape,
			shape_hour_of(alert->zone, hour), &usual)) {
			baseline->limit_ms = NAN;
			return;
		}
		limit = usual.ms + margin_of(instance->rule, &usual);
		if (!(limit <= baseline->limit_ms)) {
			baseline->usual_ms = usual.ms;
			baseline->limit_ms = limit;
			baseline->back_ms =
			    usual.ms + BACK * (limit - usual.ms);
		}
	}
}

bool
baseline_read(
    const struct alert *alert, struct instance *instance, wall_us wall)
{
	struct baseline *baseline = instance->baseline;
	double before = instance->window.limit_ms, limit;

	if (!baseline) {
		return false;
	}
	if (wall < baseline->from || wall >= baseline->to) {
		find_limit(alert, instance, wall);
	}
	limit = isnan(baseline->limit_ms) || instance->incident == 0
	    ? baseline->limit_ms
	    : baseline->back_ms;
	instance->window.limit_ms = limit;
	return limit != before && !(isnan(limit) && isnan(before));
}

mono_us
baseline_next(const struct alert *alert, const struct instance *instance)
{
	const struct baseline *baseline = instance->baseline;

	return baseline ? alert->now + baseline->to - alert->wall : INT64_MAX;
}

double
baseline_threshold(const struct instance *instance)
{
	return instance->baseline
	    ? instance->baseline->limit_ms
	    : rule_threshold(instance->rule, instance->span);
}

double
baseline_usual(const struct instance *instance)
{
	return instance->baseline ? instance->baseline->usual_ms : NAN;
}
