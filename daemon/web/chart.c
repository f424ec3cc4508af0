/*
 * A chart of percentiles over time as geometry for inline SVG, and the table
 * with the same figures. A gap is a gap: no line crosses it. Where there are
 * too few results for percentiles there is a point.
 */
#include "web-int.h"

#include <math.h>
#include <string.h>

#include "model/hist.h"

#define WIDTH 1000.0
#define HEIGHT 200.0

static double
nice_ceiling(double value)
{
	static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 10};
	double unit = pow(10, floor(log10(value)));

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (value <= steps[i] * unit)
			return steps[i] * unit;
	}
	return 10 * unit;
}

static double
x_of(const struct series_range *range, wall_us at)
{
	double x = (double)(at - range->from) /
	    (double)(range->to - range->from) * WIDTH;

	return fmin(fmax(x, 0), WIDTH);
}

/* Counts of consolidated rows may be fractions. */
bool
range_tells(const struct series_range *range, size_t i)
{
	return range->ok[i] >= HIST_SAMPLES_MIN - 0.0005;
}

/* What stands for a row without percentiles: NAN when there is no result. */
static double
point_of(const struct series_range *range, size_t i)
{
	return range->ok[i] > 0.0005 && !range_tells(range, i)
	    ? range->mean_ms[i]
	    : NAN;
}

static struct jv *
points(const struct series_range *range, double top)
{
	struct buf path;
	struct jv *out;

	buf_init(&path, 32 * (range->n + 1));
	for (size_t i = 0; i < range->n; i++) {
		double value = point_of(range, i);

		if (isnan(value))
			continue;
		/* a line of no length, with round ends */
		buf_printf(&path, "M%.1f %.1fh.1",
		    x_of(range, range->time[i] + range->step / 2),
		    fmax(HEIGHT - value / top * HEIGHT, 0));
	}
	out = jv_stringn(path.data, path.len);
	buf_fini(&path);
	return out;
}

static struct jv *
line(const struct series_range *range, const double *values, double top)
{
	struct buf path;
	struct jv *out;
	bool down = false;

	buf_init(&path, 64 * (range->n + 1));
	for (size_t i = 0; i < range->n; i++) {
		double x = x_of(range, range->time[i] + range->step / 2);
		double y = HEIGHT - values[i] / top * HEIGHT;

		if (isnan(values[i]) || !range_tells(range, i)) {
			down = false;
			continue;
		}
		/* a lone point is a line of no length, with round ends */
		buf_printf(&path, down ? "L%.1f %.1f" : "M%.1f %.1fh.1", x,
		    fmax(y, 0));
		down = true;
	}
	out = jv_stringn(path.data, path.len);
	buf_fini(&path);
	return out;
}

static double
known(double value)
{
	return isnan(value) ? 0 : value;
}

enum row_kind { ROW_MEASURED, ROW_FAILED, ROW_GAP };

static enum row_kind
row_kind(const struct series_range *range, size_t i)
{
	if (known(range->failed[i]) > 0.0005)
		return ROW_FAILED;
	if (known(range->ok[i]) > 0.0005 || !isnan(range->p50_ms[i]))
		return ROW_MEASURED;
	return ROW_GAP;
}

/* Rows that may still be gathered when the series is read. */
#define UNWRITTEN_ROWS 2

struct series_range
chart_fit(const struct series_range *range)
{
	struct series_range part = *range;
	double **columns[] = {&part.ok, &part.failed, &part.excluded,
	    &part.p50_ms, &part.p90_ms, &part.p95_ms, &part.p99_ms,
	    &part.mean_ms, &part.max_ms};
	size_t skip = 0;

	while (skip < range->n && row_kind(range, skip) == ROW_GAP)
		skip++;
	if (skip == range->n)
		return part;
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		*columns[i] += skip;
	for (size_t i = 0; i < PHASE_COUNT; i++)
		part.phase_ms[i] += skip;
	if (part.buckets != NULL)
		part.buckets += skip;
	part.time += skip;
	part.n -= skip;
	for (size_t i = 0;
	     i < UNWRITTEN_ROWS && row_kind(&part, part.n - 1) == ROW_GAP; i++)
		part.n--;
	part.from = part.time[0];
	part.to = part.time[part.n - 1] + part.step;
	return part;
}

/* Rows of one kind, neighbours joined, as boxes with x and width. */
static struct jv *
boxes(const struct series_range *range, enum row_kind kind)
{
	struct jv *out = jv_array();

	for (size_t i = 0; i < range->n;) {
		size_t first = i;
		struct jv *box;
		double x, right;

		while (i < range->n && row_kind(range, i) == kind)
			i++;
		if (i == first) {
			i++;
			continue;
		}
		x = x_of(range, range->time[first]);
		right = x_of(range, range->time[i - 1] + range->step);
		box = jv_object();
		jv_set(box, "x", jv_real(round(x * 10) / 10));
		jv_set(
		    box, "width", jv_real(round(fmax(right - x, 1) * 10) / 10));
		jv_push(out, box);
	}
	return out;
}

static struct jv *
table(const struct locale *locale, const struct series_range *range)
{
	struct jv *out = jv_array();
	enum locale_time_form form =
	    range->to - range->from > INT64_C(86400) * US_PER_S
	    ? LOCALE_TIME_SHORT
	    : LOCALE_TIME_CLOCK_S;

	for (size_t i = range->n; i-- > 0;) {
		double ok = known(range->ok[i]), bad = known(range->failed[i]);
		bool tells = range_tells(range, i);
		struct jv *row = jv_object();
		char text[LOCALE_TEXT_SIZE];

		jv_set(row, "time_text",
		    jv_string(locale_time(locale, range->time[i], form, text)));
		jv_set(row, "time_datetime",
		    jv_string(locale_datetime(locale, range->time[i], text)));
		jv_set(row, "n_text",
		    jv_string(locale_number(locale, ok + bad, 0, text)));
		jv_set(row, "failed_text",
		    jv_string(locale_number(locale, bad, 0, text)));
		jv_set(row, "mean_text",
		    jv_string(locale_latency(locale, range->mean_ms[i], text)));
		jv_set(row, "p50_text",
		    jv_string(locale_latency(
			locale, tells ? range->p50_ms[i] : NAN, text)));
		jv_set(row, "p95_text",
		    jv_string(locale_latency(
			locale, tells ? range->p95_ms[i] : NAN, text)));
		jv_set(row, "gap", jv_bool(row_kind(range, i) == ROW_GAP));
		jv_push(out, row);
	}
	return out;
}

static void
axes(struct jv *chart, const struct locale *locale,
    const struct series_range *range, double top)
{
	enum locale_time_form form =
	    range->to - range->from > INT64_C(86400) * US_PER_S
	    ? LOCALE_TIME_SHORT
	    : range->to - range->from > INT64_C(600) * US_PER_S
	    ? LOCALE_TIME_CLOCK
	    : LOCALE_TIME_CLOCK_S;
	const struct {
		const char *key;
		wall_us at;
	} ends[] = {{"x_from", range->from},
	    {"x_middle", range->from + (range->to - range->from) / 2},
	    {"x_to", range->to}};
	char text[LOCALE_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		jv_set(chart, ends[i].key,
		    jv_string(locale_time(locale, ends[i].at, form, text)));
	}
	jv_set(chart, "y_top", jv_string(locale_latency(locale, top, text)));
	jv_set(chart, "y_middle",
	    jv_string(locale_latency(locale, top / 2, text)));
}

struct jv *
chart_json(const struct locale *locale, const struct series_range *range)
{
	struct jv *chart = jv_object();
	double top = 0, ok = 0, failed = 0;
	char text[LOCALE_TEXT_SIZE];

	for (size_t i = 0; range != NULL && i < range->n; i++) {
		top = fmax(top, known(point_of(range, i)));
		if (range_tells(range, i))
			top = fmax(top,
			    fmax(known(range->p50_ms[i]),
				known(range->p95_ms[i])));
		ok += known(range->ok[i]);
		failed += known(range->failed[i]);
	}
	if (range == NULL || range->to <= range->from || ok + failed < 0.5) {
		jv_set(chart, "empty", jv_bool(true));
		return chart;
	}
	top = nice_ceiling(fmax(top, 1));
	axes(chart, locale, range, top);
	jv_set(chart, "p95_path", line(range, range->p95_ms, top));
	jv_set(chart, "p50_path", line(range, range->p50_ms, top));
	jv_set(chart, "points_path", points(range, top));
	jv_set(chart, "gaps", boxes(range, ROW_GAP));
	jv_set(chart, "failures", boxes(range, ROW_FAILED));
	jv_set(chart, "n_text",
	    jv_string(locale_number(locale, ok + failed, 0, text)));
	jv_set(chart, "failed_text",
	    jv_string(locale_number(locale, failed, 0, text)));
	jv_set(chart, "step_text", jv_string(locale_length(range->step, text)));
	jv_set(chart, "rows", table(locale, range));
	return chart;
}
