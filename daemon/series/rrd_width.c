#include "read-int.h"

#include <string.h>

#include "base/attr.h"

/*
 * Which rows of the two files of a target serve a question. Both were made
 * from one plan, so their rows begin at the same times.
 */

enum series_kind
source_lead(const struct source *source)
{
	return source->found[SERIES_PHASES] ? SERIES_PHASES : SERIES_HIST;
}

static int64_t
width_s(const struct plan *plan, size_t i)
{
	return (int64_t)plan->archives[i].pdp_per_row * plan->step_s;
}

static bool
is_average(const struct plan *plan, size_t i)
{
	return strcmp(plan->archives[i].cf, "AVERAGE") == 0;
}

bool
source_has(const struct source *source, enum series_kind kind, int64_t row_s)
{
	const struct plan *plan = &source->plan[kind];
	size_t i;

	for (i = 0; source->found[kind] && i < plan->n_archives; i++) {
		if (is_average(plan, i) && width_s(plan, i) == row_s)
			return true;
	}
	return false;
}

int64_t
source_single_s(const struct source *source)
{
	return source->plan[source_lead(source)].step_s;
}

static bool
has_percentiles(const struct source *source, int64_t row_s)
{
	return !source->found[SERIES_HIST] ||
	    row_s == source_single_s(source) ||
	    source_has(source, SERIES_HIST, row_s);
}

/* Where the oldest row of an archive begins. */
static int64_t
reach_s(const struct plan *plan, size_t i, int64_t last_s)
{
	int64_t row_s = width_s(plan, i);

	return last_s - last_s % row_s -
	    row_s * (int64_t)plan->archives[i].rows;
}

int64_t
source_row_s(const struct source *source, const struct want *want)
{
	const struct plan *plan = &source->plan[source_lead(source)];
	int64_t last_s = source->last_s[source_lead(source)];
	int64_t best = 0, fitting = 0, narrowest = 0, farthest = 0, most_s = 0;
	size_t i;

	for (i = 0; i < plan->n_archives; i++) {
		int64_t row_s = width_s(plan, i);
		int64_t length_s = row_s * (int64_t)plan->archives[i].rows;

		if (!is_average(plan, i) || !has_percentiles(source, row_s))
			continue;
		if (length_s > most_s) {
			most_s = length_s;
			farthest = row_s;
		}
		if (reach_s(plan, i, last_s) > want->from_s)
			continue;
		if (narrowest == 0 || row_s < narrowest)
			narrowest = row_s;
		if (row_s > want->step_s || want->step_s % row_s != 0)
			continue;
		if (row_s > fitting)
			fitting = row_s;
		if (reach_s(plan, i, last_s) <= want->slot_s &&
		    (want->to_s - want->slot_s) / row_s <= READ_ROWS &&
		    (best == 0 || row_s < best))
			best = row_s;
	}
	if (best > 0)
		return best;
	if (fitting > 0)
		return fitting;
	return narrowest > 0 ? narrowest : farthest;
}

int64_t
source_first_s(const struct source *source, int64_t row_s)
{
	const struct plan *plan = &source->plan[source_lead(source)];
	int64_t last_s = source->last_s[source_lead(source)];
	int64_t first = last_s;
	size_t i;

	for (i = 0; i < plan->n_archives; i++) {
		if (is_average(plan, i) && width_s(plan, i) == row_s &&
		    reach_s(plan, i, last_s) < first)
			first = reach_s(plan, i, last_s);
	}
	return first;
}

static int64_t
round_up(int64_t value, int64_t multiple)
{
	return (value + multiple - 1) / multiple * multiple;
}

/* A width that people read easily, at least `least_s`. */
static int64_t
nice_step(int64_t least_s)
{
	static const int32_t nice[] = {1, 2, 5, 10, 15, 20, 30, 60, 120, 300,
	    600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200,
	    86400};
	size_t i;

	for (i = 0; i < ARRAY_LEN(nice); i++) {
		if (nice[i] >= least_s)
			return nice[i];
	}
	return round_up(least_s, 86400);
}

int64_t
sources_step_s(const struct source *sources, size_t n, int64_t from_s,
    int64_t to_s, int64_t asked_s)
{
	int64_t step_s = asked_s;
	bool changed = true;
	size_t i;
	int round;

	if (step_s == 0)
		step_s = nice_step((to_s - from_s + SERIES_AUTO_ROWS - 3) /
		    (SERIES_AUTO_ROWS - 2));
	/* widths of one plan divide each other nearly always; give up after a
	 * few rounds when they do not: rows are shared out by overlap */
	for (round = 0; changed && round < 8; round++) {
		changed = false;
		for (i = 0; i < n; i++) {
			struct want want = {from_s, from_s, to_s, step_s};
			int64_t row_s = source_row_s(&sources[i], &want);

			if (step_s % row_s == 0)
				continue;
			step_s = round_up(step_s, row_s);
			changed = true;
		}
	}
	return step_s;
}
