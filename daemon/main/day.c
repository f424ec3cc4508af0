/*
 * The day before: what the ledger counted of each target, by hour, so that a
 * target that the engine did not know does not begin with nothing.
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/zone.h"
#include "ledger/change.h"
#include "ledger/history.h"

#define MINUTE (60 * US_PER_S)
#define HOUR (INT64_C(3600) * US_PER_S)
#define DAY (24 * HOUR)

struct hour {
	wall_us start;
	struct health_counts counts;
};

/* Of one target; its hours follow one another in the list of all. */
struct past {
	char path[MODEL_PATH_SIZE];
	size_t first, n;
};

struct engine_day {
	struct ledger_reader *reader; /* NULL: cannot be opened */
	wall_us from;
	struct hour *hours;
	size_t n;
	struct past *pasts;
	size_t n_pasts;
	struct name_index index; /* of pasts, by path */
};

/* Doubles the room when it is full. */
static void *
room_for(void *array, size_t n, size_t size)
{
	return (n & (n - 1)) == 0 ? mem_grow(array, n > 0 ? 2 * n : 1, size)
				  : array;
}

/* They come by target. */
static void
add_hour(void *arg, const char *path, wall_us start, uint32_t ok,
    uint32_t failed, uint32_t excluded)
{
	struct engine_day *day = arg;
	struct past *past =
	    day->n_pasts > 0 ? &day->pasts[day->n_pasts - 1] : NULL;

	if (past == NULL || strcmp(past->path, path) != 0) {
		day->pasts = room_for(day->pasts, day->n_pasts, sizeof(*past));
		past = &day->pasts[day->n_pasts++];
		*past = (struct past){.first = day->n};
		text_copy(past->path, sizeof(past->path), path);
	}
	past->n++;
	day->hours = room_for(day->hours, day->n, sizeof(*day->hours));
	day->hours[day->n++] = (struct hour){
	    .start = start,
	    .counts = {.ok = ok, .failed = failed, .excluded = excluded},
	};
}

/* ---- what was in maintenance does not count ---- */

/* A window, and what of the tallies' targets it concerns. */
struct excusing {
	struct engine_day *day;
	struct zone *zone;
	size_t *by_target; /* index of pasts + 1 by the ledger's id; 0: none */
	size_t n_targets;
	struct window *windows;
	size_t n_windows;
	const struct window *window; /* now */
};

static void
keep_window(void *arg, const struct window *window)
{
	struct excusing *excusing = arg;

	excusing->windows = mem_grow(excusing->windows, excusing->n_windows + 1,
	    sizeof(*excusing->windows));
	excusing->windows[excusing->n_windows++] = *window;
}

static void
keep_target(void *arg, int64_t id, const char *path)
{
	struct excusing *excusing = arg;
	size_t n = excusing->n_targets, at;

	if ((size_t)id >= n) {
		excusing->n_targets = (size_t)id + 1;
		excusing->by_target = mem_grow(excusing->by_target,
		    excusing->n_targets, sizeof(*excusing->by_target));
		memset(excusing->by_target + n, 0,
		    (excusing->n_targets - n) * sizeof(*excusing->by_target));
	}
	if (index_find(&excusing->day->index, path, &at))
		excusing->by_target[id] = at + 1;
}

static bool
concerns(const struct window *window, const char *path)
{
	char place[MODEL_PATH_SIZE], *rest = place;
	const char *op, *deployment;

	text_copy(place, sizeof(place), path);
	op = strsep(&rest, "/");
	deployment = strsep(&rest, "/");
	return window_concerns(window, op, deployment);
}

/* Of two windows that concern it, the first one excuses. */
static bool
is_excused(const struct excusing *excusing, const char *path, wall_us minute)
{
	const struct window *window = excusing->windows;
	struct window_span span;

	for (; window < excusing->window; window++) {
		if (concerns(window, path) &&
		    window_next(window, excusing->zone, minute, &span) &&
		    span.agreed && span.from < minute + MINUTE)
			return true;
	}
	return false;
}

static bool
excuse_minute(void *arg, const struct history_minute *row)
{
	struct excusing *excusing = arg;
	struct engine_day *day = excusing->day;
	const struct past *past;

	if ((size_t)row->target >= excusing->n_targets ||
	    excusing->by_target[row->target] == 0)
		return true;
	past = &day->pasts[excusing->by_target[row->target] - 1];
	if (!concerns(excusing->window, past->path) ||
	    is_excused(excusing, past->path, row->minute))
		return true;
	for (size_t i = past->first; i < past->first + past->n; i++) {
		struct hour *hour = &day->hours[i];

		if (hour->start == row->minute - row->minute % HOUR) {
			hour->counts.ok -= row->ok;
			hour->counts.failed -= row->failed;
			hour->counts.excluded += row->ok + row->failed;
		}
	}
	return true;
}

static int
excuse(struct excusing *excusing, wall_us now)
{
	struct engine_day *day = excusing->day;
	int rc = history_targets(day->reader, NULL, keep_target, excusing);

	for (size_t i = 0; i < excusing->n_windows && rc == 0; i++) {
		struct window_span span = {.until = day->from};

		excusing->window = &excusing->windows[i];
		while (rc == 0 &&
		    window_next(
			excusing->window, excusing->zone, span.until, &span) &&
		    span.from < now) {
			if (span.agreed)
				rc = history_minutes(day->reader, span.from,
				    span.until < now ? span.until : now,
				    excuse_minute, excusing);
		}
	}
	return rc;
}

static int
excuse_maintained(struct engine_day *day)
{
	struct excusing excusing = {.day = day};
	int rc = ledger_read_windows(
	    day->reader, WINDOW_MAINTENANCE, NULL, keep_window, &excusing);

	if (rc == 0 && excusing.n_windows > 0) {
		excusing.zone = zone_load(ZONE_FILE);
		rc = excuse(&excusing, day->from + DAY);
		zone_free(excusing.zone);
	}
	free(excusing.windows);
	free(excusing.by_target);
	return rc;
}

static void
say_problem(int problem)
{
	log_warn("tallies not read",
	    "problem=\"%s\" availability=\"from now on\"", strerror(-problem));
}

struct engine_day *
engine_day_open(const char *ledger_path, wall_us now)
{
	struct engine_day *day = mem_new(sizeof(*day));
	int problem = ledger_reader_open(&day->reader, ledger_path);

	day->from = now - DAY;
	if (problem == 0)
		problem = ledger_reader_freeze(day->reader);
	if (problem < 0)
		say_problem(problem);
	return day;
}

void
engine_day_read(struct engine_day *day)
{
	int problem = day->reader == NULL
	    ? 0
	    : ledger_read_hours(day->reader, day->from, add_hour, day);

	if (problem < 0)
		say_problem(problem);
	for (size_t i = 0; i < day->n_pasts; i++) {
		size_t at = i;

		index_add(&day->index, day->pasts[i].path, &at);
	}
	problem = day->reader == NULL ? 0 : excuse_maintained(day);
	if (problem < 0)
		say_problem(problem);
}

void
engine_day_interrupt(struct engine_day *day)
{
	if (day->reader != NULL)
		ledger_reader_interrupt(day->reader);
}

void
engine_day_restore(const struct engine *engine, const struct engine_day *day,
    const struct target *target, struct engine_target *entry)
{
	wall_us now = engine_steady(engine);
	const struct past *past;
	size_t at;

	if (!index_find(&day->index, target->path, &at))
		return;
	past = &day->pasts[at];
	for (size_t i = past->first; i < past->first + past->n; i++) {
		const struct hour *hour = &day->hours[i];

		wall_us start = hour->start - engine->clock_set;

		health_restore(&entry->health, start, &hour->counts, now);
		health_pool_restore(entry->pool, start, &hour->counts, now);
	}
}

void
engine_day_free(struct engine_day *day)
{
	if (day == NULL)
		return;
	ledger_reader_close(day->reader);
	index_fini(&day->index);
	free(day->pasts);
	free(day->hours);
	free(day);
}
