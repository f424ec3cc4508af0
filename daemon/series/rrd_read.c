#include "read-int.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

/*
 * The RRD back end, reading: which files a target means, and the sums. Counts
 * of a row are rate × overlap, so rows of any width add up; a percentile is
 * taken from the distribution of all rows together, never averaged.
 */

#define SCOPE_TRANSACTIONS 64

struct sum {
	struct series_range *range;
	int64_t asked_from_s; /* in the first slot */
	struct blend *blend;
	double (*buckets)[HIST_BUCKETS];
	double *weight; /* ok results behind mean and phases, by slot */
};

/* ---- which files ---- */

static void
look_at(struct files *files, struct source *source, enum series_kind kind)
{
	char why[160] = "";
	const char *path = source->path[kind];

	switch (check_file(path, kind, &source->plan[kind],
	    &source->last_s[kind], why, sizeof(why))) {
	case CHECK_GOOD:
		source->found[kind] = true;
		break;
	case CHECK_DAMAGED:
		if (files->looks ||
		    files_set_aside(files, path, "damaged", why) != 0)
			log_warn("series file damaged", "path=%s reason=\"%s\"",
			    path, why);
		break;
	case CHECK_MISSING:
		break;
	case CHECK_ERROR:
		log_warn("series file unreadable", "path=%s reason=\"%s\"",
		    path, why);
		break;
	}
}

static void
add_source(struct files *files, struct source *sources, size_t *n,
    const struct series_scope *scope, const char *transaction)
{
	struct source *source = &sources[*n];

	memset(source, 0, sizeof(*source));
	snprintf(source->path[SERIES_PHASES], PATH_MAX, "%s/%s/%s/%s.rrd",
	    files->dir, scope->operator, scope->deployment, transaction);
	snprintf(source->path[SERIES_HIST], PATH_MAX, "%s/%s/%s/%s.hist.rrd",
	    files->dir, scope->operator, scope->deployment, transaction);
	look_at(files, source, SERIES_PHASES);
	look_at(files, source, SERIES_HIST);
	if (source->found[SERIES_PHASES] || source->found[SERIES_HIST])
		(*n)++;
}

/* Every transaction that has a phase file in the folder of a deployment. */
static void
add_folder(struct files *files, struct source *sources, size_t *n,
    const struct series_scope *scope)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s/%s", files->dir, scope->operator,
	    scope->deployment);
	dir = opendir(path);
	if (dir == NULL)
		return;
	for (entry = readdir(dir); entry != NULL && *n < SCOPE_TRANSACTIONS;
	     entry = readdir(dir)) {
		char name[MODEL_NAME_SIZE];
		size_t len = strlen(entry->d_name);

		if (len < 5 || len - 4 >= sizeof(name) ||
		    strcmp(entry->d_name + len - 4, ".rrd") != 0)
			continue;
		memcpy(name, entry->d_name, len - 4);
		name[len - 4] = '\0';
		if (text_name_valid(name))
			add_source(files, sources, n, scope, name);
	}
	closedir(dir);
}

/* ---- the sums ---- */

static void
add_known(double *sum, double value)
{
	if (!isfinite(value))
		return;
	*sum = isnan(*sum) ? value : *sum + value;
}

static void
add_phases(struct sum *sum, size_t slot, double overlap_s, const double *values)
{
	struct series_range *range = sum->range;
	double weight = values[SOURCE_OK] * overlap_s;
	int p;

	add_known(&range->ok[slot], weight);
	add_known(&range->failed[slot], values[SOURCE_FAILED] * overlap_s);
	add_known(&range->excluded[slot], values[SOURCE_EXCLUDED] * overlap_s);
	if (!(weight > 0) || !isfinite(values[SOURCE_TOTAL]))
		return;
	sum->weight[slot] += weight;
	add_known(&range->mean_ms[slot], values[SOURCE_TOTAL] * weight);
	for (p = 0; p < PHASE_COUNT; p++)
		add_known(
		    &range->phase_ms[p][slot], values[SOURCE_DNS + p] * weight);
}

static void
add_max(struct sum *sum, size_t slot, const double *values)
{
	double *max = &sum->range->max_ms[slot];
	double value = values[SOURCE_MAX];

	if (isfinite(value) && (isnan(*max) || value > *max))
		*max = value;
}

static void
add_row(struct sum *sum, const struct row *row, size_t slot, double overlap_s)
{
	const double *max = row->single ? row->mean : row->max;

	if (row->mean != NULL)
		add_phases(sum, slot, overlap_s, row->mean);
	if (max != NULL)
		add_max(sum, slot, max);
	row_latencies(row, overlap_s, slot, sum->blend, sum->buckets[slot]);
}

/* A row goes to the slots that it overlaps. */
static void
share_out(struct sum *sum, const struct row *row, int64_t begin, int64_t end)
{
	int64_t step_s = sum->range->step / US_PER_S;
	int64_t from_s = sum->range->from / US_PER_S;
	int64_t slot = (begin - from_s) / step_s;

	for (; slot < (int64_t)sum->range->n; slot++) {
		int64_t low = from_s + slot * step_s;
		int64_t high = low + step_s;

		if (low >= end)
			break;
		if (low < begin)
			low = begin;
		if (high > end)
			high = end;
		add_row(sum, row, (size_t)slot, (double)(high - low));
	}
}

/* The same rows out of each archive that has them. */
struct span {
	int64_t from_s, to_s, row_s;
	struct call_rows mean, min, max, hist;
};

static int
fetch(const struct span *span, const struct source *source,
    enum series_kind kind, const char *cf, struct call_rows *rows)
{
	char problem[SERIES_PROBLEM_SIZE];
	int rc;

	if (!source_has(source, kind, span->row_s))
		return 0;
	rc = call_fetch(source->path[kind], cf, span->from_s, span->to_s,
	    span->row_s, rows, problem, sizeof(problem));
	if (rc != 0)
		log_warn("series read failed", "problem=\"%s\"", problem);
	else if (rows->n_sources != plan_source_count(kind))
		rows->n = 0;
	return rc;
}

static const double *
row_at(const struct call_rows *rows, int64_t begin, int64_t row_s)
{
	int64_t i = (begin - rows->start_s) / row_s;

	if (rows->step_s != row_s || begin < rows->start_s ||
	    i >= (int64_t)rows->n)
		return NULL;
	return rows->values + (size_t)i * rows->n_sources;
}

static void
share_out_all(struct sum *sum, const struct span *span, int64_t step_s)
{
	int64_t row_s = span->row_s;
	int64_t at;

	/* librrd gives a row more at either end than was asked for */
	for (at = span->from_s - span->from_s % row_s; at < span->to_s;
	     at += row_s) {
		struct row row = {
		    .mean = row_at(&span->mean, at, row_s),
		    .min = row_at(&span->min, at, row_s),
		    .max = row_at(&span->max, at, row_s),
		    .hist = row_at(&span->hist, at, row_s),
		    .width_s = row_s,
		    .step_s = step_s,
		    .single = row_s == step_s,
		};
		int64_t end = at + row_s;

		share_out(sum, &row, at < span->from_s ? span->from_s : at,
		    end > span->to_s ? span->to_s : end);
	}
}

static int
read_span(struct sum *sum, const struct source *source, int64_t from_s,
    int64_t to_s, int64_t row_s)
{
	int64_t step_s = source_single_s(source);
	struct span span = {.from_s = from_s, .to_s = to_s, .row_s = row_s};
	int rc;

	if (from_s >= to_s)
		return 0;
	rc = fetch(&span, source, SERIES_PHASES, "AVERAGE", &span.mean);
	if (rc == 0)
		rc = fetch(&span, source, SERIES_HIST, "AVERAGE", &span.hist);
	/* over one step, all three are the same */
	if (rc == 0 && row_s != step_s)
		rc = fetch(&span, source, SERIES_PHASES, "MIN", &span.min);
	if (rc == 0 && row_s != step_s)
		rc = fetch(&span, source, SERIES_PHASES, "MAX", &span.max);
	if (rc == 0)
		share_out_all(sum, &span, step_s);
	call_rows_free(&span.mean);
	call_rows_free(&span.min);
	call_rows_free(&span.max);
	call_rows_free(&span.hist);
	return rc;
}

/*
 * The wide rows as far as they are complete; the rest, in which the newest
 * hours lie, from the narrowest ones.
 */
static int
read_rows(struct sum *sum, const struct source *source)
{
	int64_t from_s = sum->range->from / US_PER_S;
	int64_t to_s = sum->range->to / US_PER_S;
	int64_t last_s = source->last_s[source_lead(source)];
	struct want want = {
	    from_s, sum->asked_from_s, to_s, sum->range->step / US_PER_S};
	int64_t row_s, whole_s;
	int rc;

	/* The step was chosen for what was asked; the first slot may begin
	 * before it, and before the rows that fit: they give it what they
	 * have. Rows wider than a slot would be copied into several. */
	row_s = source_row_s(source, &want);
	if (from_s < source_first_s(source, row_s))
		from_s = source_first_s(source, row_s);
	whole_s = last_s - last_s % row_s;
	if (whole_s > to_s)
		whole_s = to_s;
	rc = read_span(sum, source, from_s, whole_s, row_s);
	if (rc != 0)
		return rc;
	if (whole_s < from_s)
		whole_s = from_s;
	return read_span(sum, source, whole_s, to_s < last_s ? to_s : last_s,
	    source_single_s(source));
}

/* Sums of rates are whole numbers but for the last bits. */
static void
settle(double *count)
{
	double whole = nearbyint(*count);

	if (fabs(*count - whole) < 1e-6 * (whole > 1 ? whole : 1))
		*count = whole;
}

static void
finish_slot(struct sum *sum, size_t i)
{
	static const double quantiles[] = {0.50, 0.90, 0.95, 0.99};
	struct series_range *range = sum->range;
	double *out[] = {
	    range->p50_ms, range->p90_ms, range->p95_ms, range->p99_ms};
	size_t b, q;
	int p;

	settle(&range->ok[i]);
	settle(&range->failed[i]);
	settle(&range->excluded[i]);
	for (b = 0; b < HIST_BUCKETS; b++)
		settle(&sum->buckets[i][b]);
	for (q = 0; q < ARRAY_LEN(quantiles); q++) {
		out[q][i] = blend_quantile(sum->blend, i, quantiles[q]);
		if (out[q][i] > range->max_ms[i])
			out[q][i] = range->max_ms[i];
	}
	if (!(sum->weight[i] > 0))
		return;
	range->mean_ms[i] /= sum->weight[i];
	for (p = 0; p < PHASE_COUNT; p++)
		range->phase_ms[p][i] /= sum->weight[i];
}

static int
fill(const struct source *sources, size_t n_sources,
    const struct series_query *query, struct series_range *range)
{
	struct sum sum = {
	    .range = range, .asked_from_s = query->from / US_PER_S};
	size_t i, b;
	int rc = 0;

	sum.weight = mem_array(range->n, sizeof(*sum.weight));
	sum.blend = blend_new(range->n);
	sum.buckets = range->buckets;
	if (!query->buckets)
		sum.buckets = mem_array(range->n, sizeof(*sum.buckets));
	for (i = 0; i < range->n; i++) {
		for (b = 0; b < HIST_BUCKETS; b++)
			sum.buckets[i][b] = NAN;
	}
	for (i = 0; i < n_sources && rc == 0; i++)
		rc = read_rows(&sum, &sources[i]);
	for (i = 0; i < range->n && rc == 0; i++)
		finish_slot(&sum, i);
	if (!query->buckets)
		free(sum.buckets);
	blend_free(sum.blend);
	free(sum.weight);
	return rc;
}

int
files_ask(void *backend, const struct series_query *query,
    struct series_range **range)
{
	struct files *files = backend;
	struct source *sources;
	struct series_scope scope;
	int64_t from_s = query->from / US_PER_S;
	int64_t to_s = (query->to + US_PER_S - 1) / US_PER_S;
	int64_t asked_s = (query->step + US_PER_S - 1) / US_PER_S;
	int64_t step_s;
	size_t n = 0;
	int rc;

	*range = NULL;
	if (query->from < 0 || to_s <= from_s || query->step < 0)
		return -EINVAL;
	rc = series_scope_parse(query->target, &scope);
	if (rc != 0)
		return rc;
	sources = mem_array(SCOPE_TRANSACTIONS, sizeof(*sources));
	if (scope.transaction[0] != '\0')
		add_source(files, sources, &n, &scope, scope.transaction);
	else
		add_folder(files, sources, &n, &scope);
	if (n == 0) {
		rc = -ENOENT;
		goto out;
	}
	step_s = sources_step_s(sources, n, from_s, to_s, asked_s);
	if ((to_s - from_s) / step_s + 2 > SERIES_MAX_ROWS) {
		rc = -EINVAL;
		goto out;
	}
	*range = series_range_new(from_s - from_s % step_s,
	    (to_s + step_s - 1) / step_s * step_s, step_s, query->buckets);
	rc = fill(sources, n, query, *range);
	if (rc != 0) {
		series_range_free(*range);
		*range = NULL;
		rc = -EIO;
	}
out:
	free(sources);
	return rc;
}
