#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/zone.h"

/*
 * when_parse: a time as people and links write it: Unix seconds, "now",
 * "-24h", "+2h" and their like ("-1y" is 365 days), "today", "month" (their
 * first moment), or "2026-11-24T08:00" as the clocks of Warsaw show it, or with
 * an offset ("Z", "+01:00"). NULL, or what is wrong: a sentence that goes on
 * after the name of the thing, "must be …". Pure.
 */
const char *when_parse(const char *text, wall_us now, const struct zone *zone,
    wall_us *at) MUST_USE;

#endif
