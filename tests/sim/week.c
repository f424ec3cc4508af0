/*
 * A school week in fast motion: the virtual visitors' load by hour. No curve
 * of real operators is public; this one follows what is reported of the
 * spring of 2020: mornings at the start of school, small peaks at the bells,
 * evenings at home, quiet nights and weekends.
 */
#include <math.h>

#include "sim.h"

enum { HOURS = 168 };

/* Mornings of Wednesday: when the surge begins, and how long it lasts. */
static const double SURGE_FROM = 2 * 24 + 7;
static const double SURGE_HOURS = 0.18 * HOURS;
static const double SURGE_LOAD = 6; /* of the capacity */
static const double AFTER_RATIO = 0.05;

static double
hill(double hour, double top, double width)
{
	double away = (hour - top) / width;

	return exp(-away * away);
}

/* Teachers open the register when the bell rings: lessons of 45 minutes and
 * 10 minutes of break from 8:00 to 15:00. */
static double
bells(double hour)
{
	double in_lesson = fmod((hour - 8) * 60, 55) / 55;

	if (hour < 8 || hour > 15)
		return 0;
	return 0.12 * exp(-in_lesson * in_lesson / 0.02);
}

double
week_shape(double hour)
{
	int day = (int)(hour / 24) % 7;
	double of_day = fmod(hour, 24);
	double evening = 0.62 * hill(of_day, 20.5, 1.6);
	double base = 0.06 + 0.05 * hill(of_day, 14, 6);

	if (day >= 5) {
		/* on Sunday evening people look what Monday brings */
		double weekend = day == 6 ? 0.8 * evening : 0.3 * evening;
		return fmin(1, base + 0.10 * hill(of_day, 12, 4) + weekend);
	}
	return fmin(1,
	    base + 0.80 * hill(of_day, 8.25, 0.9) +
		0.35 * hill(of_day, 11.5, 3) + bells(of_day) + evening);
}

/* Rises within the first tenth, falls within the last. */
static double
surge_ratio(double hour)
{
	double at = (hour - SURGE_FROM) / SURGE_HOURS;

	if (at <= 0 || at >= 1)
		return 0;
	return SURGE_LOAD * fmin(1, fmin(at, 1 - at) * 10);
}

void
week_tick(void *arg)
{
	struct sim *sim = arg;
	double now_s = sim_now_s();
	double hour = (now_s - sim->started_s) / sim->week_s * HOURS;

	for (int i = 0; i < OPERS; i++) {
		struct oper *op = &sim->opers[i];
		double ratio = hour < HOURS
		    ? op->play->peak_ratio * week_shape(hour)
		    : AFTER_RATIO;
		if (i == sim->surge)
			ratio = fmax(ratio, surge_ratio(hour));
		pthread_mutex_lock(&op->lock);
		for (size_t d = 0; !op->load_set && d < op->n_deps; d++)
			queue_set_load(&op->deps[d].queue, now_s,
			    ratio * op->deps[d].queue.capacity_per_s);
		pthread_mutex_unlock(&op->lock);
	}
}
