/*
 * How long good results took, from the rows of the series: each row becomes as
 * many latencies as it counts. A row of one or two results knows them; of more,
 * they lie evenly in the distribution, and since nobody knows their order any
 * more, in one that looks like none.
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "past.h"

#define DAY (INT64_C(86400) * US_PER_S)
#define FINEST (60 * US_PER_S) /* as the tallies */
#define ROW_MOST 100000.0

void
past_day_free(struct past_day *day)
{
	free(day->begins);
	free(day->used);
	free(day->ms);
	*day = (struct past_day){0};
}

static size_t
count_of(const struct series_range *range, size_t row)
{
	double sum = 0;

	for (size_t b = 0; b < HIST_BUCKETS; b++) {
		double count = range->buckets[row][b];

		sum += isfinite(count) ? count : 0;
	}
	return (size_t)fmin(nearbyint(sum), ROW_MOST);
}

static double
latency_of(const struct series_range *range, size_t row, size_t i, size_t n)
{
	double max = range->max_ms[row], ms = range->mean_ms[row];
	double counts[HIST_BUCKETS];

	if (n == 1 && isfinite(range->mean_ms[row]))
		return range->mean_ms[row];
	if (n == 2 && isfinite(range->p50_ms[row]) && isfinite(max))
		return i == 0 ? range->p50_ms[row] : max;
	for (size_t b = 0; b < HIST_BUCKETS; b++)
		counts[b] = isfinite(range->buckets[row][b])
		    ? range->buckets[row][b]
		    : 0;
	(void)hist_quantile_ms(counts, ((double)i + 0.5) / (double)n, &ms);
	return isfinite(max) ? fmin(ms, max) : ms;
}

static size_t
common_divisor(size_t a, size_t b)
{
	while (b != 0) {
		size_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Steps of the golden ratio: neighbours in time are far apart in size. */
static size_t
stride_of(size_t n)
{
	size_t stride = (size_t)((double)n * 0.618) + 1;

	while (n > 1 && common_divisor(n, stride) != 1)
		stride++;
	return stride;
}

static void
take_row(struct past_day *day, const struct series_range *range, size_t row,
    size_t n)
{
	size_t stride = stride_of(n), at = n / 2;

	for (size_t i = 0; i < n; i++, at = (at + stride) % n)
		day->ms[day->begins[row] + i] =
		    (float)latency_of(range, row, at, n);
}

static void
note_width(struct past_facts *facts, dur_us step, wall_us from, wall_us to)
{
	struct past_width *width = facts->widths;
	size_t i = 0;

	while (i < facts->n_widths && width[i].step != step)
		i++;
	if (i == PAST_WIDTHS)
		return;
	if (i == facts->n_widths)
		facts->widths[facts->n_widths++] =
		    (struct past_width){step, from, to};
	width[i].from = from < width[i].from ? from : width[i].from;
	width[i].to = to > width[i].to ? to : width[i].to;
}

static void
take_range(struct past_day *day, const struct series_range *range,
    struct past_facts *facts)
{
	size_t sum = 0;

	for (size_t i = 0; i < range->n; i++)
		sum += count_of(range, i);
	day->from = range->from;
	day->step = range->step;
	day->n = range->n;
	day->begins = mem_array(range->n + 1, sizeof(*day->begins));
	day->used = mem_array(range->n + 1, sizeof(*day->used));
	day->ms = mem_array(sum + 1, sizeof(*day->ms));
	for (size_t i = 0; i < range->n; i++) {
		size_t n = count_of(range, i);

		day->begins[i + 1] = day->begins[i] + (uint32_t)n;
		if (n == 0)
			continue;
		take_row(day, range, i, n);
		note_width(facts, range->step, range->time[i],
		    range->time[i] + range->step);
	}
}

static void
load(struct past_day *day, struct series_reader *series, const char *target,
    wall_us at, struct past_facts *facts)
{
	struct series_query query = {
	    .from = at - at % DAY, .step = FINEST, .buckets = true};
	struct series_range *range;
	wall_us from = query.from;

	past_day_free(day);
	query.to = from + DAY;
	if (text_copy(query.target, sizeof(query.target), target) &&
	    series_reader_ask(series, &query, &range) == 0) {
		take_range(day, range, facts);
		series_range_free(range);
	} else {
		day->from = from;
		day->step = FINEST;
	}
	day->to = from + DAY;
}

static bool
use(struct past_day *day, int64_t row, dur_us *latency)
{
	size_t i = (size_t)row;

	if (row < 0 || i >= day->n ||
	    day->used[i] >= day->begins[i + 1] - day->begins[i])
		return false;
	*latency = (dur_us)((double)day->ms[day->begins[i] + day->used[i]++] *
	    (double)US_PER_MS);
	return true;
}

/* A result that came when its step was written already was put into the next
 * one, and one at a boundary may lie in either. */
dur_us
past_latency(struct past_day *day, struct series_reader *series,
    const char *target, wall_us at, struct past_facts *facts)
{
	dur_us latency = -1;
	int64_t row;

	if (at < day->from || at >= day->to)
		load(day, series, target, at, facts);
	row = (at - day->from) / day->step;
	if (use(day, row, &latency) || use(day, row - 1, &latency) ||
	    use(day, row + 1, &latency))
		facts->timed++;
	else
		facts->untimed++;
	return latency;
}
