#ifndef HEALTH_AVAILABILITY_H
#define HEALTH_AVAILABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/*
 * The two-sided account of one target: what each minute of a period is called.
 * Pure: no clock, no I/O. A minute is
 *
 * maintenance   when agreed maintenance touches it, whatever was measured;
 * available     when at least as many runs of it were good as failed;
 * blind         when more failed or none said anything, and we were blind in
 * it; unavailable   when more failed than were good; not measured  when no run
 * of it said anything, but:
 *
 * what has no result is called as the last verdict was for `carry` minutes
 * after it, because nobody measures every second; and not beyond maintenance or
 * blind time. Availability is available / (available + unavailable): what we
 * did not see counts for nobody.
 */
enum availability {
	AVAILABLE,
	UNAVAILABLE,
	IN_MAINTENANCE,
	BLIND,
	NOT_MEASURED
};
#define AVAILABILITY_COUNT (NOT_MEASURED + 1)
const char *availability_name(enum availability what); /* "unavailable" */

struct availability_counts {
	uint64_t minutes[AVAILABILITY_COUNT];
};

/* Fewer minutes of verdicts than this bear no percentage. */
#define AVAILABILITY_MINUTES_MIN 60

/* availability_ratio: NAN when there are too few. availability_percent: the
 * same in a hundred thousandths of 1, cut and never rounded up, so that 100 %
 * is nothing but that; -1 when there are too few. */
double availability_ratio(const struct availability_counts *counts);
int32_t availability_percent(const struct availability_counts *counts);
void availability_add(
    struct availability_counts *sum, const struct availability_counts *counts);

/* What touches a minute of the period, a byte for each minute. */
#define AVAILABILITY_MAINTENANCE 1
#define AVAILABILITY_BLIND 2

/* availability_mark marks what the span touches; `n` minutes from `begin`. */
void availability_mark(uint8_t *marks, size_t n, wall_us begin, wall_us from,
    wall_us until, uint8_t mark);

/* Minutes of one kind that follow one another, of the period. */
typedef void availability_fn(
    void *arg, enum availability what, size_t first, size_t n);

struct availability_meter {
	size_t n, carry; /* minutes: of the period; see above */
	const uint8_t *marks; /* n of them, borrowed */
	availability_fn *fn;
	void *arg;
	/* private */
	size_t next;
	bool has_verdict;
	enum availability verdict;
	size_t verdict_at;
	enum availability what;
	size_t first;
};

/* availability_feed: the results of a minute, in the order of time. What was
 * before is not known: who wants to have it carried into a period begins
 * earlier, and leaves those minutes out. availability_end names what is left of
 * the period. */
void availability_feed(struct availability_meter *meter, size_t minute,
    uint32_t ok, uint32_t failed);
void availability_end(struct availability_meter *meter);

#endif
