#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/*
 * Civil time in Europe/Warsaw, whatever the time zone of the process. Taken
 * from the system's TZif file; where that is missing, damaged or ends, the
 * rule of the European Union holds (last Sundays of March and October, 01:00
 * UTC). Immutable after zone_load: any thread.
 */
struct zone;
#define ZONE_FILE "/usr/share/zoneinfo/Europe/Warsaw"

/* zone_load: never NULL. `path` may be NULL: the rule alone. */
struct zone *zone_load(const char *path);
void zone_free(struct zone *zone);

/* zone_from_file: did the file give any transitions? For the log. */
bool zone_from_file(const struct zone *zone);

struct zone_time {
	int year, month, day; /* month 1 to 12 */
	int hour, minute, second;
	int weekday; /* 0 Sunday */
	int offset_s; /* east of UTC */
	bool summer;
};

void zone_local(const struct zone *zone, wall_us at, struct zone_time *out);

/* zone_name: "CET" or "CEST". */
const char *zone_name(const struct zone_time *local);

/*
 * zone_instants: the instants that the clocks of Warsaw called so; none in
 * the hour that spring leaves out, two in the hour that autumn repeats.
 * offset_s and weekday of `local` are not read.
 */
size_t zone_instants(
    const struct zone *zone, const struct zone_time *local, wall_us out[2]);

/* zone_changes_on: do the clocks change on the local day that holds `at`? */
bool zone_changes_on(const struct zone *zone, wall_us at);

/* zone_civil_us: UTC microseconds of a date and time taken as UTC. */
wall_us zone_civil_us(const struct zone_time *civil);

#endif
