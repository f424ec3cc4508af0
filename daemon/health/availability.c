/* The two-sided account, a minute at a time. */
#include "health/availability.h"

#include <math.h>

#define MINUTE (60 * US_PER_S)

const char *
availability_name(enum availability what)
{
	static const char *const names[] = {
	    [AVAILABLE] = "available",
	    [UNAVAILABLE] = "unavailable",
	    [IN_MAINTENANCE] = "maintenance",
	    [BLIND] = "blind",
	    [NOT_MEASURED] = "not_measured",
	};

	return names[what];
}

static uint64_t
counted(const struct availability_counts *counts)
{
	return counts->minutes[AVAILABLE] + counts->minutes[UNAVAILABLE];
}

double
availability_ratio(const struct availability_counts *counts)
{
	uint64_t all = counted(counts);

	return all < AVAILABILITY_MINUTES_MIN
	    ? NAN
	    : (double)counts->minutes[AVAILABLE] / (double)all;
}

int32_t
availability_percent(const struct availability_counts *counts)
{
	uint64_t all = counted(counts);

	return all < AVAILABILITY_MINUTES_MIN
	    ? -1
	    : (int32_t)(counts->minutes[AVAILABLE] * 100000 / all);
}

void
availability_add(
    struct availability_counts *sum, const struct availability_counts *counts)
{
	for (int i = 0; i < AVAILABILITY_COUNT; i++) {
		sum->minutes[i] += counts->minutes[i];
	}
}

void
availability_mark(uint8_t *marks, size_t n, wall_us begin, wall_us from,
    wall_us until, uint8_t mark)
{
	wall_us end = begin + (wall_us)n * MINUTE;

	if (from < begin) {
		from = begin;
	}
	if (until > end) {
		until = end;
	}
	for (wall_us at = from - (from - begin) % MINUTE; at < until;
	     at += MINUTE) {
		marks[(at - begin) / MINUTE] |= mark;
	}
}

/* ---- the meter ---- */

static void
name_one(struct availability_meter *meter, enum availability what)
{
	if (meter->next > meter->first && meter->what != what) {
		meter->fn(meter->arg, meter->what, meter->first,
		    meter->next - meter->first);
		meter->first = meter->next;
	}
	meter->what = what;
	meter->next++;
}

/* A minute without a verdict of its own. */
static enum availability
name_silent(struct availability_meter *meter)
{
	uint8_t mark = meter->marks[meter->next];

	if (mark != 0) {
		meter->has_verdict = false;
		return (mark & AVAILABILITY_MAINTENANCE) != 0 ? IN_MAINTENANCE
							      : BLIND;
	}
	return meter->has_verdict &&
		meter->next - meter->verdict_at <= meter->carry
	    ? meter->verdict
	    : NOT_MEASURED;
}

static void
name_until(struct availability_meter *meter, size_t end)
{
	while (meter->next < end && meter->next < meter->n) {
		name_one(meter, name_silent(meter));
	}
}

void
availability_feed(struct availability_meter *meter, size_t minute, uint32_t ok,
    uint32_t failed)
{
	enum availability verdict = ok >= failed ? AVAILABLE : UNAVAILABLE;
	uint8_t mark;

	if (minute >= meter->n || (ok == 0 && failed == 0)) {
		return;
	}
	name_until(meter, minute);
	mark = meter->marks[minute];
	if ((mark & AVAILABILITY_MAINTENANCE) != 0 ||
	    ((mark & AVAILABILITY_BLIND) != 0 && verdict == UNAVAILABLE)) {
		name_one(meter, name_silent(meter));
		return;
	}
	name_one(meter, verdict);
	meter->has_verdict = true;
	meter->verdict = verdict;
	meter->verdict_at = minute;
}

void
availability_end(struct availability_meter *meter)
{
	name_until(meter, meter->n);
	if (meter->n > meter->first) {
		meter->fn(meter->arg, meter->what, meter->first,
		    meter->n - meter->first);
	}
	meter->first = meter->n;
}
