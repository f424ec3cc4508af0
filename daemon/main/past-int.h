#ifndef MAIN_PAST_INT_H
#define MAIN_PAST_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/index.h"
#include "model/window.h"
#include "past.h"

/* Shared by past.c and past_hour.c. */

#define PAST_NONE SIZE_MAX

struct past_place {
	const struct target *target;
	bool failing; /* as its last minute ended */
	bool timed; /* a rule wants its latencies */
	struct past_day day;
	size_t kept; /* the first of this minute, or PAST_NONE */
};

struct past_row {
	wall_us minute;
	int64_t id; /* the ledger's, of the target */
	size_t place;
	uint32_t ok, failed, excluded;
};

/* A failed result, as it is noted for as long as its tally. */
struct past_failure {
	wall_us minute;
	int64_t id;
	enum reason reason;
	char run[TRACE_ID_SIZE];
	char step[MODEL_NAME_SIZE];
};

struct past_known {
	struct past_kept what;
	size_t place;
	size_t next; /* of the same place and minute, or PAST_NONE */
};

struct past_item {
	struct result result;
	wall_us at;
	size_t seq; /* keeps the order of those at one time */
};

struct past {
	struct past_options options;
	struct past_facts facts;
	struct target_set *targets;
	struct past_place *places;
	size_t n_places;
	struct name_index index; /* by path */
	size_t *by_id; /* place by the ledger's id, or PAST_NONE */
	size_t n_ids;
	struct window *windows; /* of maintenance */
	size_t n_windows;
	wall_us hour; /* the next to be read */
	struct past_row *rows; /* by minute and target */
	size_t n_rows, next_row, room_rows;
	struct past_failure *failures; /* likewise */
	size_t n_failures, next_failure, room_failures;
	struct past_known *kept; /* oldest first */
	size_t n_kept, next_kept, room_kept;
	struct past_item *items; /* by time; those before `ready` may go out */
	size_t n_items, ready, next_item, room_items;
	size_t seq;
};

/* past_room: the array, with room for one more than n. */
void *past_room(void *array, size_t n, size_t *room, size_t size);

/* past_open reads what all hours need; past_read_hour the next hour. 0 or
 * -errno. */
int past_open(struct past *past) MUST_USE;
int past_read_hour(struct past *past) MUST_USE;

#endif
