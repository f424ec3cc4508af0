#ifndef TESTS_UNIT_WEB_FIXTURE_H
#define TESTS_UNIT_WEB_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "model/snapshot.h"

/*
 * A hand-made snapshot, and stand-ins for the series and the ledger, which
 * take the place of the real ones when the test is linked.
 */

/* 2026-11-24 07:14:05 UTC, a Tuesday: 08:14:05 in Warsaw. */
#define FIXTURE_NOW (INT64_C(1795504445) * US_PER_S)

/* Five operators: four up, one of them slow, one down; an incident is
 * open, and of two accounts "vulcan-a" is stopped. */
struct snapshot *fixture_snapshot(uint64_t number, wall_us time);

/* The series answers on a lane of its own. While it is held, nothing is
 * answered. */
struct series *fixture_series_new(void);
void fixture_series_hold(struct series *series, bool held);
/* how many questions were put and not answered */
unsigned fixture_series_open(struct series *series);
void fixture_series_free(struct series *series);

/* A range with a gap in it (rows 20 to 25) and two rows of few results (40 and
 * 41); series_range_free frees it. */
struct series_range *fixture_range(wall_us from, wall_us to);

/* The account that report_account gives of vulcan. */
extern const char fixture_account[];

#endif
