#ifndef HEALTH_INT_H
#define HEALTH_INT_H

#include "health/health.h"

/* health_slots_advance before health_slots_add, with the same instant. */
void health_slots_advance(
    struct health *health, const struct health_policy *policy, mono_us now);
void health_slots_add(struct health *health, dur_us latency);

/* health_hour_count: one more in the hour that `wall` lies in. */
void health_hour_count(
    struct health *health, enum verdict verdict, wall_us wall);

/* health_count: one more. */
void health_count(struct health_counts *counts, enum verdict verdict);

/* ---- window.c: rings of HEALTH_SLOTS or HEALTH_HOURS cells ---- */

/* The number of the slot or hour that an instant lies in. */
int64_t health_slot_of(dur_us window, mono_us now);
int64_t health_hour_of(wall_us wall);

/* They make the cells between the newest and `to` empty, which becomes the
 * newest; `cells` has cells of `size` bytes. */
void health_slots_move(void *cells, size_t size, int64_t *newest, int64_t to);
void health_hours_move(void *cells, size_t size, int64_t *newest, int64_t to);

#endif
