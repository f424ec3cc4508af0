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

	day->from = now - 24 * 3600 * US_PER_S;
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
