#include "series-int.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/*
 * The layout of a file: data sources, archives, sizes. Pure; librrd is not
 * called here.
 */

/*
 * Counts must stay true over any pause: what was not fed for hours is filled
 * with a known zero by the update before the next value, and for that the
 * heartbeat of a count has to outlast every pause.
 */
#define COUNT_HEARTBEAT_S (INT64_C(10) * 365 * 86400)
#define PHASE_SLACK_S 15

#define RECENT_UNDO_MOST (INT64_C(1) << 30)
#define RECENT_RESULT_BYTES 56
#define RECENT_NAME_BYTES 128

/* A row is known as soon as one step in it is: most steps are unknown while
 * an operator fails and the interval has grown. */
#define XFF "0.99999"

static const char *const source_names[SOURCE_COUNT] = {
    [SOURCE_TOTAL] = "total",
    [SOURCE_DNS] = "dns",
    [SOURCE_CONNECT] = "connect",
    [SOURCE_TLS] = "tls",
    [SOURCE_WAIT] = "wait",
    [SOURCE_RECEIVE] = "receive",
    [SOURCE_OK] = "ok",
    [SOURCE_FAILED] = "failed",
    [SOURCE_EXCLUDED] = "excluded",
    [SOURCE_MAX] = "max",
};

static bool
is_count(enum series_kind kind, size_t i)
{
	return kind == SERIES_HIST || i == SOURCE_OK || i == SOURCE_FAILED ||
	    i == SOURCE_EXCLUDED;
}

int64_t
plan_step_s(dur_us every)
{
	int64_t step_s = (every + US_PER_S - 1) / US_PER_S;

	return step_s < 1 ? 1 : step_s;
}

size_t
plan_source_count(enum series_kind kind)
{
	return kind == SERIES_HIST ? HIST_BUCKETS : SOURCE_COUNT;
}

void
plan_source_name(enum series_kind kind, size_t i, char name[PLAN_NAME_SIZE])
{
	assert(i < plan_source_count(kind));
	if (kind == SERIES_HIST)
		snprintf(name, PLAN_NAME_SIZE, "b%02u", (unsigned)i);
	else
		snprintf(name, PLAN_NAME_SIZE, "%s", source_names[i]);
}

const char *
plan_source_type(enum series_kind kind, size_t i)
{
	return is_count(kind, i) ? "ABSOLUTE" : "GAUGE";
}

int64_t
plan_heartbeat_s(enum series_kind kind, size_t i, int64_t step_s)
{
	return is_count(kind, i) ? COUNT_HEARTBEAT_S
				 : 2 * step_s + PHASE_SLACK_S;
}

/* One archive of the configuration as rows of this file; an archive finer
 * than the file's step becomes one row per step. */
static void
add_archive(struct plan *plan, const char *cf, size_t first,
    const struct series_archive *archive)
{
	int64_t step_us = plan->step_s * US_PER_S;
	int64_t pdp = (archive->step + step_us - 1) / step_us;
	int64_t rows;
	size_t i;

	if (pdp < 1)
		pdp = 1;
	rows = (archive->keep + pdp * step_us - 1) / (pdp * step_us);
	if (rows < 1)
		rows = 1;
	for (i = first; i < plan->n_archives; i++) {
		struct plan_archive *old = &plan->archives[i];

		if (old->pdp_per_row != (uint64_t)pdp)
			continue;
		if (old->rows < (uint64_t)rows)
			old->rows = (uint64_t)rows;
		return;
	}
	if (plan->n_archives - first == PLAN_ARCHIVES)
		return;
	snprintf(plan->archives[plan->n_archives].cf,
	    sizeof(plan->archives[0].cf), "%s", cf);
	plan->archives[plan->n_archives].pdp_per_row = (uint64_t)pdp;
	plan->archives[plan->n_archives].rows = (uint64_t)rows;
	plan->n_archives++;
}

static bool
is_single(const struct plan *plan, const struct series_archive *archive)
{
	return archive->step <= plan->step_s * US_PER_S;
}

void
plan_make(struct plan *plan, enum series_kind kind, int64_t step_s,
    const struct series_archive *archives, size_t n)
{
	static const char *const cfs[] = {"AVERAGE", "MIN", "MAX"};
	size_t n_cfs = kind == SERIES_HIST ? 1 : ARRAY_LEN(cfs);
	size_t c, i, first;
	bool wide = false;

	memset(plan, 0, sizeof(*plan));
	plan->kind = kind;
	plan->step_s = step_s;
	plan->n_sources = plan_source_count(kind);
	for (i = 0; i < n; i++)
		wide = wide || !is_single(plan, &archives[i]);
	for (c = 0; c < n_cfs; c++) {
		first = plan->n_archives;
		for (i = 0; i < n; i++) {
			if (c > 0 && wide && is_single(plan, &archives[i]))
				continue;
			add_archive(plan, cfs[c], first, &archives[i]);
		}
	}
}

bool
plan_equal(const struct plan *a, const struct plan *b)
{
	size_t i;

	if (a->kind != b->kind || a->step_s != b->step_s ||
	    a->n_sources != b->n_sources || a->n_archives != b->n_archives)
		return false;
	for (i = 0; i < a->n_archives; i++) {
		const struct plan_archive *x = &a->archives[i];
		const struct plan_archive *y = &b->archives[i];

		if (strcmp(x->cf, y->cf) != 0 || x->rows != y->rows ||
		    x->pdp_per_row != y->pdp_per_row)
			return false;
	}
	return true;
}

int64_t
plan_coarsest_s(const struct plan *plan)
{
	uint64_t most = 1;
	size_t i;

	for (i = 0; i < plan->n_archives; i++) {
		if (plan->archives[i].pdp_per_row > most)
			most = plan->archives[i].pdp_per_row;
	}
	return (int64_t)most * plan->step_s;
}

int64_t
plan_header_bytes(uint64_t sources, uint64_t archives)
{
	return (int64_t)(128 + 120 * sources + 120 * archives + 16 +
	    112 * sources + 80 * sources * archives + 8 * archives);
}

int64_t
plan_bytes(const struct plan *plan)
{
	int64_t bytes = plan_header_bytes(plan->n_sources, plan->n_archives);
	size_t i;

	for (i = 0; i < plan->n_archives; i++)
		bytes +=
		    (int64_t)(8 * plan->n_sources * plan->archives[i].rows);
	return bytes;
}

char **
plan_argv(const struct plan *plan, size_t *n)
{
	char **argv =
	    mem_array(plan->n_sources + plan->n_archives + 1, sizeof(*argv));
	char name[PLAN_NAME_SIZE];
	size_t i;

	*n = 0;
	for (i = 0; i < plan->n_sources; i++) {
		plan_source_name(plan->kind, i, name);
		argv[(*n)++] = mem_printf("DS:%s:%s:%lld:0:U", name,
		    plan_source_type(plan->kind, i),
		    (long long)plan_heartbeat_s(plan->kind, i, plan->step_s));
	}
	for (i = 0; i < plan->n_archives; i++) {
		const struct plan_archive *archive = &plan->archives[i];

		argv[(*n)++] = mem_printf("RRA:%s:" XFF ":%llu:%llu",
		    archive->cf, (unsigned long long)archive->pdp_per_row,
		    (unsigned long long)archive->rows);
	}
	return argv;
}

void
plan_argv_free(char **argv, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(argv[i]);
	free(argv);
}

static int64_t
both_bytes(const struct series_archive *archives, size_t n,
    size_t n_phases_only, int64_t step_s)
{
	struct plan plan;
	int64_t bytes;

	plan_make(&plan, SERIES_PHASES, step_s, archives, n);
	bytes = plan_bytes(&plan);
	plan_make(&plan, SERIES_HIST, step_s, archives + n_phases_only,
	    n - n_phases_only);
	return bytes + plan_bytes(&plan);
}

int64_t
series_plan_bytes(const struct series_archive *archives, size_t n,
    size_t n_phases_only, dur_us step)
{
	return both_bytes(archives, n, n_phases_only, plan_step_s(step));
}

/*
 * Results wait for their file (ten minutes), for the checkpoint (ten), and for
 * the end of the file of results that they are in (ten). Two checkpoints'
 * worth of headers may be there at once, unpacked at most.
 */
int64_t
series_recent_bytes(const struct series_archive *archives, size_t n,
    size_t n_phases_only, size_t targets, double results_per_minute)
{
	int64_t headers = 0, results;
	struct plan plan;
	int kind;

	for (kind = SERIES_PHASES; kind <= SERIES_HIST; kind++) {
		size_t skip = kind == SERIES_HIST ? n_phases_only : 0;

		plan_make(&plan, (enum series_kind)kind, SERIES_ALL_STEP_S,
		    archives + skip, n - skip);
		headers += plan_header_bytes(plan.n_sources, plan.n_archives);
	}
	headers *= 2 * (int64_t)targets;
	if (headers > RECENT_UNDO_MOST)
		headers = RECENT_UNDO_MOST;
	results = (int64_t)(30 * results_per_minute * RECENT_RESULT_BYTES) +
	    3 * (int64_t)targets * RECENT_NAME_BYTES;
	return headers + results;
}

int64_t
series_all_bytes(const struct series_archive *archives, size_t n)
{
	return both_bytes(archives, n, 0, SERIES_ALL_STEP_S);
}

static struct series_archive *
copy_of(const struct series_archive *archives, size_t n)
{
	struct series_archive *copy = mem_array(n + 1, sizeof(*copy));

	if (n > 0)
		memcpy(copy, archives, n * sizeof(*copy));
	return copy;
}

void
files_plans_take(struct files *files, const struct series_options *options)
{
	bool apart = options->n_all_archives > 0;

	files->n_archives = options->n_archives;
	files->n_phases_only = options->n_phases_only;
	files->archives = copy_of(options->archives, files->n_archives);
	files->n_all_archives =
	    apart ? options->n_all_archives : options->n_archives;
	files->all_archives =
	    copy_of(apart ? options->all_archives : options->archives,
		files->n_all_archives);
}

void
files_plans_free(struct files *files)
{
	free(files->archives);
	free(files->all_archives);
}

void
files_plan(const struct files *files, const struct series_key *key,
    enum series_kind kind, struct plan *plan)
{
	size_t skip = kind == SERIES_HIST ? files->n_phases_only : 0;

	if (strcmp(key->deployment, SERIES_ALL) == 0)
		plan_make(plan, kind, key->step_s, files->all_archives,
		    files->n_all_archives);
	else
		plan_make(plan, kind, key->step_s, files->archives + skip,
		    files->n_archives - skip);
}
