#ifndef MODEL_WINDOW_H
#define MODEL_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/zone.h"
#include "model/target.h"

/*
 * What people announce: maintenance, in which an operator is not judged, and
 * silences, in which subscribers are not told. Once, or again and again in
 * the local time of Warsaw. A value.
 */
enum window_kind { WINDOW_MAINTENANCE, WINDOW_SILENCE };
const char *window_kind_name(enum window_kind kind);

#define WINDOW_REASON_SIZE 256
#define WINDOW_MINUTES_MOST (24 * 60) /* of one that recurs */

struct window {
	int64_t id; /* given by the ledger */
	enum window_kind kind;
	char op[MODEL_NAME_SIZE];
	char deployment[MODEL_NAME_SIZE]; /* "": all of them */
	char act[MODEL_NAME_SIZE]; /* silence only; "": all */
	char rule[MODEL_NAME_SIZE]; /* silence only; "": any */
	/* Once: from `from` until before `until`. Recurring: each occurrence
	 * that begins in that time; until 0 is no end. */
	wall_us from, until;
	uint8_t days; /* bit i: weekday i, 0 Sunday; 0: once */
	uint16_t at_minute; /* of the local day */
	uint16_t minutes; /* how long, as time passes */
	wall_us agreed_from; /* what begins earlier came too late: it is listed,
				and alters nothing */
	char reason[WINDOW_REASON_SIZE];
	wall_us created;
	char created_by[MODEL_NAME_SIZE];
	wall_us ended; /* taken back or cut short; 0: not */
	char ended_by[MODEL_NAME_SIZE];
};

/* One occurrence. */
struct window_span {
	wall_us from, until;
	bool agreed;
};

/*
 * window_next: the first occurrence that ends after `after`; false when there
 * is none. One that recurs begins when the clocks show its time: when they are
 * put forward past it, at the moment when they are; when they show it twice,
 * the first time. It lasts its minutes, whatever the clocks do meanwhile.
 */
bool window_next(const struct window *window, const struct zone *zone,
    wall_us after, struct window_span *span);

/* window_covers: an agreed occurrence holds `at`. */
bool window_covers(
    const struct window *window, const struct zone *zone, wall_us at);

/* window_is_over: nothing comes after `at` any more. */
bool window_is_over(
    const struct window *window, const struct zone *zone, wall_us at);

/* window_concerns: a deployment of that operator; NULL is the operator as a
 * whole, which a window of a single deployment does not concern. */
bool window_concerns(
    const struct window *window, const char *op, const char *deployment);

struct jv;

/*
 * window_json: {"id","kind","operator","deployment","transaction","rule",
 *  "reason","from","until","days":["mon",…]|null,"at":"02:30"|null,"minutes",
 *  "created","created_by","ended","ended_by","agreed_from","state":
 *  "planned"|"active"|"late"|"over","next":{"from","until","agreed"}|null}
 * "late" is one that is active now but came too late to count. Times in Unix
 * seconds; null is what does not apply.
 */
struct jv *window_json(
    const struct window *window, const struct zone *zone, wall_us now);

/* window_day_parse reads "sun" and its like into a bit; 0: no such day. */
uint8_t window_day_parse(const char *name);

#endif
