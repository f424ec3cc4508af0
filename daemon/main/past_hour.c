/*
 * What the ledger has of the past: an hour of tallies, failures and kept runs
 * at a time, and all maintenance.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ledger/change.h"
#include "ledger/history.h"
#include "past-int.h"

#define HOUR (INT64_C(3600) * US_PER_S)

void *
past_room(void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = 2 * *room + 256;
	return mem_grow(array, *room, size);
}

/* ---- what all hours need ---- */

static void
take_target(void *arg, int64_t id, const char *path)
{
	struct past *past = arg;
	size_t at = (size_t)id;

	if (id < 0)
		return;
	if (at >= past->n_ids) {
		past->by_id =
		    mem_grow(past->by_id, 2 * at + 64, sizeof(*past->by_id));
		for (size_t i = past->n_ids; i < 2 * at + 64; i++)
			past->by_id[i] = PAST_NONE;
		past->n_ids = 2 * at + 64;
	}
	if (!index_find(&past->index, path, &past->by_id[at]))
		past->by_id[at] = PAST_NONE;
}

static void
take_window(void *arg, const struct window *window)
{
	struct past *past = arg;

	past->windows = mem_grow(
	    past->windows, past->n_windows + 1, sizeof(*past->windows));
	past->windows[past->n_windows++] = *window;
}

int
past_open(struct past *past)
{
	struct ledger_reader *ledger = past->options.ledger;
	int rc = history_targets(ledger, NULL, take_target, past);

	return rc != 0 ? rc
		       : ledger_read_windows(ledger, WINDOW_MAINTENANCE, NULL,
			     take_window, past);
}

/* ---- an hour ---- */

static bool
find_place(const struct past *past, int64_t id, size_t *place)
{
	*place =
	    id >= 0 && (uint64_t)id < past->n_ids ? past->by_id[id] : PAST_NONE;
	return *place != PAST_NONE;
}

static bool
take_minute(void *arg, const struct history_minute *minute)
{
	struct past *past = arg;
	size_t place;

	if (!find_place(past, minute->target, &place)) {
		past->facts.strangers +=
		    minute->ok + minute->failed + minute->excluded;
		return true;
	}
	past->rows = past_room(
	    past->rows, past->n_rows, &past->room_rows, sizeof(*past->rows));
	past->rows[past->n_rows++] =
	    (struct past_row){minute->minute, minute->target, place, minute->ok,
		minute->failed, minute->excluded};
	return true;
}

static bool
take_failure(void *arg, const struct history_failure *failure)
{
	struct past *past = arg;
	struct past_failure *one;
	enum reason reason;
	size_t place;

	if (!find_place(past, failure->target, &place) ||
	    !reason_parse(failure->reason, &reason))
		return true;
	past->failures = past_room(past->failures, past->n_failures,
	    &past->room_failures, sizeof(*past->failures));
	one = &past->failures[past->n_failures++];
	*one = (struct past_failure){
	    failure->minute, failure->target, reason, "", ""};
	text_copy(one->run, sizeof(one->run), failure->run);
	text_copy(one->step, sizeof(one->step), failure->step);
	return true;
}

static void
take_kept(void *arg, const struct past_kept *what)
{
	struct past *past = arg;
	size_t place;

	if (!index_find(&past->index, what->path, &place))
		return;
	past->kept = past_room(
	    past->kept, past->n_kept, &past->room_kept, sizeof(*past->kept));
	past->kept[past->n_kept++] = (struct past_known){
	    .what = *what, .place = place, .next = PAST_NONE};
}

static bool
take_run(void *arg, const struct jv *run)
{
	past_run_read(run, take_kept, arg);
	return true;
}

static int
compare_kept(const void *one, const void *other)
{
	const struct past_known *a = one, *b = other;
	wall_us x = a->what.result.started_wall;
	wall_us y = b->what.result.started_wall;

	return x < y ? -1 : x > y;
}

/* A long journey's last act may begin in the hour after. */
static void
drop_used(struct past *past)
{
	size_t left = past->n_kept - past->next_kept;

	if (left > 0)
		memmove(past->kept, past->kept + past->next_kept,
		    left * sizeof(*past->kept));
	past->n_kept = left;
	past->next_kept = 0;
	past->n_rows = past->next_row = 0;
	past->n_failures = past->next_failure = 0;
}

int
past_read_hour(struct past *past)
{
	const struct past_options *options = &past->options;
	wall_us begin = past->hour, end = begin + HOUR;
	wall_us from = begin > options->from ? begin : options->from;
	wall_us to = end < options->to ? end : options->to;
	int rc;

	drop_used(past);
	past->hour = end;
	rc = history_minutes(options->ledger, from, to, take_minute, past);
	if (rc == 0 && past->n_rows > 0)
		rc = history_failures(
		    options->ledger, from, to, take_failure, past);
	for (size_t i = 0;
	     rc == 0 && past->n_rows > 0 && i < options->conf->n_operators; i++)
		rc = history_runs(options->ledger,
		    options->conf->operators[i].name, begin, end, take_run,
		    past);
	if (past->n_kept > 0)
		qsort(past->kept, past->n_kept, sizeof(*past->kept),
		    compare_kept);
	return rc;
}
