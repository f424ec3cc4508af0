/*
 * What many targets measured, all together: summed as it comes, so that nobody
 * has to add up the targets.
 */
#include "health-int.h"

static void
restore(struct health_pool *pool, int64_t hour,
    const struct health_counts *counts, wall_us now)
{
	struct health_counts *into = &pool->hours[hour % HEALTH_HOURS];

	health_hours_move(pool->hours, sizeof(pool->hours[0]), &pool->hour,
	    health_hour_of(now));
	if (hour > pool->hour || pool->hour - hour >= HEALTH_HOURS) {
		return;
	}
	into->ok += counts->ok;
	into->failed += counts->failed;
	into->excluded += counts->excluded;
}

void
health_pool_feed(struct health_pool *pool, dur_us window,
    const struct result *result, mono_us now, wall_us wall)
{
	enum verdict verdict = result_verdict(result);
	struct health_counts one = {0};

	health_count(&one, verdict);
	restore(pool, health_hour_of(wall), &one, wall);
	pool->runs++;
	pool->ok += one.ok;
	pool->failed += one.failed;
	pool->excluded += one.excluded;
	if (verdict == VERDICT_UP) {
		health_slots_move(pool->slots, sizeof(pool->slots[0]),
		    &pool->slot, health_slot_of(window, now));
		hist_add(
		    &pool->slots[pool->slot % HEALTH_SLOTS], result->latency);
	}
}

void
health_pool_restore(struct health_pool *pool, wall_us hour_start,
    const struct health_counts *counts, wall_us now)
{
	restore(pool, health_hour_of(hour_start), counts, now);
}

void
health_pool_window(const struct health_pool *pool, dur_us window, mono_us now,
    struct hist *out)
{
	int64_t slot = health_slot_of(window, now);

	*out = (struct hist){0};
	for (int64_t i = 0; i < HEALTH_SLOTS; i++) {
		int64_t number = pool->slot - i;

		if (number >= 0 && number <= slot &&
		    slot - number < HEALTH_SLOTS) {
			hist_merge(out, &pool->slots[number % HEALTH_SLOTS]);
		}
	}
}

void
health_pool_day(
    const struct health_pool *pool, wall_us now, struct health_counts *sum)
{
	int64_t hour = health_hour_of(now);

	*sum = (struct health_counts){0};
	for (int64_t i = 0; i < HEALTH_HOURS; i++) {
		int64_t number = pool->hour - i;
		const struct health_counts *counts;

		if (number < 0 || hour - number >= HEALTH_HOURS) {
			continue;
		}
		counts = &pool->hours[number % HEALTH_HOURS];
		sum->ok += counts->ok;
		sum->failed += counts->failed;
		sum->excluded += counts->excluded;
	}
}
