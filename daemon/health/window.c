/*
 * The two memories of a target that fade: good latencies of the last window,
 * in HEALTH_SLOTS slots on the monotonic clock, and counts of the last day, by
 * hour of UTC. What they mean is judged in health.c; those of many targets
 * together are in pool.c.
 */
#include "health-int.h"

#include <string.h>

#define HOUR_US (INT64_C(3600) * US_PER_S)

int64_t
health_slot_of(dur_us window, mono_us now)
{
	dur_us length = window / HEALTH_SLOTS;

	return now / (length > 0 ? length : 1);
}

int64_t
health_hour_of(wall_us wall)
{
	return wall > 0 ? wall / HOUR_US : 0;
}

/* A number that goes back means that the window was configured anew, and then
 * the old slots measure nothing. */
void
health_slots_move(void *cells, size_t size, int64_t *newest, int64_t to)
{
	int64_t gone = to - *newest;

	if (gone == 0) {
		return;
	}
	if (gone < 0 || gone >= HEALTH_SLOTS) {
		memset(cells, 0, HEALTH_SLOTS * size);
	} else {
		for (int64_t i = *newest + 1; i <= to; i++) {
			memset(
			    (char *)cells + (size_t)(i % HEALTH_SLOTS) * size,
			    0, size);
		}
	}
	*newest = to;
}

/* A wall clock set back by less than a day goes on in old hours. */
void
health_hours_move(void *cells, size_t size, int64_t *newest, int64_t to)
{
	int64_t gone = to - *newest;

	if (gone <= -HEALTH_HOURS || gone >= HEALTH_HOURS) {
		memset(cells, 0, HEALTH_HOURS * size);
		*newest = to;
		return;
	}
	for (; *newest < to; ++*newest) {
		memset((char *)cells +
			(size_t)((*newest + 1) % HEALTH_HOURS) * size,
		    0, size);
	}
}

/* ---- of one target ---- */

void
health_slots_advance(
    struct health *health, const struct health_policy *policy, mono_us now)
{
	health_slots_move(health->slots, sizeof(health->slots[0]),
	    &health->slot, health_slot_of(policy->window, now));
}

void
health_slots_add(struct health *health, dur_us latency)
{
	struct health_slot *slot = &health->slots[health->slot % HEALTH_SLOTS];
	uint16_t *count = &slot->count[hist_bucket(latency)];

	if (*count < UINT16_MAX) {
		++*count;
	}
}

void
health_window(const struct health *health, const struct health_policy *policy,
    mono_us now, struct hist *out)
{
	int64_t slot = health_slot_of(policy->window, now);

	*out = (struct hist){0};
	for (int64_t i = 0; i < HEALTH_SLOTS; i++) {
		int64_t number = health->slot - i;
		const struct health_slot *from;

		if (number < 0 || number > slot ||
		    slot - number >= HEALTH_SLOTS) {
			continue;
		}
		from = &health->slots[number % HEALTH_SLOTS];
		for (size_t b = 0; b < HIST_BUCKETS; b++) {
			out->count[b] += from->count[b];
			out->total += from->count[b];
		}
	}
}

static struct health_hour *
hour_at(struct health *health, int64_t hour)
{
	return &health->hours[hour % HEALTH_HOURS];
}

void
health_hour_count(struct health *health, enum verdict verdict, wall_us wall)
{
	struct health_counts one = {0};

	health_count(&one, verdict);
	health_restore(health, wall, &one, wall);
}

static void
add(uint16_t *to, uint32_t more)
{
	*to = more < (uint32_t)(UINT16_MAX - *to) ? (uint16_t)(*to + more)
						  : UINT16_MAX;
}

void
health_restore(struct health *health, wall_us hour_start,
    const struct health_counts *counts, wall_us now)
{
	int64_t hour = health_hour_of(hour_start);
	struct health_hour *into = hour_at(health, hour);

	health_hours_move(health->hours, sizeof(health->hours[0]),
	    &health->hour, health_hour_of(now));
	if (hour > health->hour || health->hour - hour >= HEALTH_HOURS) {
		return;
	}
	add(&into->ok, counts->ok);
	add(&into->failed, counts->failed);
	add(&into->excluded, counts->excluded);
}

void
health_day(const struct health *health, wall_us now, struct health_counts *sum)
{
	int64_t hour = health_hour_of(now);

	*sum = (struct health_counts){0};
	for (int64_t i = 0; i < HEALTH_HOURS; i++) {
		int64_t number = health->hour - i;
		const struct health_hour *counts;

		if (number < 0 || hour - number >= HEALTH_HOURS) {
			continue;
		}
		counts = &health->hours[number % HEALTH_HOURS];
		sum->ok += counts->ok;
		sum->failed += counts->failed;
		sum->excluded += counts->excluded;
	}
}

bool
health_availability(const struct health *health, wall_us now, double *ratio)
{
	struct health_counts day;

	health_day(health, now, &day);
	if (day.ok + day.failed == 0) {
		return false;
	}
	*ratio = (double)day.ok / (double)(day.ok + day.failed);
	return true;
}
