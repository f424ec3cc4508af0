/*
 * When the next tick could change anything. The daemon ticks each second and
 * need not know; a back-test of a year goes from one such instant to the next.
 * It knows no silences, which only change who is told.
 * tests/unit/alert/test_backtest.c compares both over random histories.
 */
#include "alert-int.h"

static void
take_first(mono_us *next, mono_us at)
{
	if (at < *next) {
		*next = at;
	}
}

/* Silence is longer than the span only after it. */
static mono_us
next_silent(const struct instance *instance)
{
	return instance->verdict_at + instance->span + 1;
}

static mono_us
next_of_closed_watch(const struct instance *instance, mono_us now)
{
	if (instance->certs) {
		return instance->read_at + 60 * US_PER_S;
	}
	if (!instance->reading.bad) {
		return next_silent(instance);
	}
	/* one that is inhibited opens when another one is resolved */
	return instance->held < instance->rule->hold
	    ? now + instance->rule->hold - instance->held
	    : INT64_MAX;
}

static mono_us
next_of_open(const struct instance *instance, mono_us now)
{
	bool watch = watch_is(instance);
	mono_us next = INT64_MAX;

	if (!watch) {
		take_first(&next, rule_next_slot(&instance->window));
	} else if (instance->certs) {
		take_first(&next, instance->read_at + 60 * US_PER_S);
	} else if (!instance->reading.bad) {
		take_first(&next, next_silent(instance));
	}
	if (instance->well) {
		take_first(&next,
		    instance->well_since + instance->rule->resolve_after);
	}
	if (instance->told_at + ALERT_UPDATE_PAUSE > now) {
		take_first(&next, instance->told_at + ALERT_UPDATE_PAUSE);
	}
	/* what is told of the evidence changes as it grows old */
	take_first(&next, rule_next_sample(&instance->window, now));
	return next;
}

/* A closed one that neither holds nor is inhibited waits for a verdict. */
static mono_us
next_of(const struct alert *alert, const struct instance *instance, mono_us now)
{
	if (instance->incident != 0) {
		return next_of_open(instance, now);
	}
	if (watch_is(instance)) {
		return next_of_closed_watch(instance, now);
	}
	return instance->holding ||
		(instance->inhibited_by != 0 && alert->n_open > 0)
	    ? rule_next_slot(&instance->window)
	    : INT64_MAX;
}

static mono_us
next_confirmed(const struct alert *alert, const struct incident *incident)
{
	dur_us after = alert->rules->conf->incidents.confirm_after;
	wall_us at = alert->wall - incident->clock_set;

	if (after == 0 || incident->confirmed != 0 ||
	    incident->blind_since != 0) {
		return INT64_MAX;
	}
	return alert->now + after - incident_lasted(incident, at);
}

mono_us
alert_next(struct alert *alert)
{
	mono_us next = INT64_MAX;

	for (size_t i = 0; alert->rules && i < alert->rules->n; i++) {
		const struct instance *one = &alert->rules->instances[i];

		take_first(&next, next_of(alert, one, alert->now));
		take_first(&next, baseline_next(alert, one));
	}
	for (size_t i = 0; i < alert->n_open; i++) {
		take_first(&next, next_confirmed(alert, &alert->open[i]));
		take_first(&next, incident_follow_next(alert, &alert->open[i]));
	}
	return next > alert->now ? next : alert->now + 1;
}

bool
alert_silence_open(const struct alert *alert)
{
	for (size_t i = 0; alert->n_open > 0 && i < alert->rules->n; i++) {
		const struct instance *instance = &alert->rules->instances[i];

		if (instance->incident != 0 && watch_is(instance)) {
			return true;
		}
	}
	return false;
}
