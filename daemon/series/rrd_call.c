#include "series-int.h"

#include <errno.h>
#include <rrd.h>
#include <stdio.h>
#include <string.h>

/*
 * The only calls into librrd. Its error text is kept per thread and is never
 * cleared by itself: a stale one makes the next good update fail and write
 * nothing. So each call clears first and copies afterwards.
 */

static int
fail(const char *what, const char *path, char *problem, size_t size)
{
	const char *text = rrd_test_error() ? rrd_get_error() : "";
	bool locked = strstr(text, "could not lock") != NULL;

	if (text[0] == '\0')
		snprintf(problem, size, "%s %s: %s", what, path,
		    "no reason given; is the disk full?");
	else
		snprintf(problem, size, "%s: %s", what, text);
	rrd_clear_error();
	return locked ? -EAGAIN : -EIO;
}

int
call_create(const char *path, const struct plan *plan, int64_t start_s,
    char *problem, size_t size)
{
	size_t n;
	char **argv = plan_argv(plan, &n);
	int rc;

	rrd_clear_error();
	rc = rrd_create_r2(path, (unsigned long)plan->step_s, (time_t)start_s,
	    1, NULL, NULL, (int)n, (const char **)(uintptr_t)argv);
	plan_argv_free(argv, n);
	if (rc != 0)
		return fail("create", path, problem, size);
	rrd_clear_error();
	return 0;
}

int
call_update(const char *path, const char *const *values, size_t n,
    char *problem, size_t size)
{
	int rc;

	rrd_clear_error();
	/* librrd does not change the strings, its type only fails to say so */
	rc = rrd_updatex_r(path, NULL, RRD_SKIP_PAST_UPDATES, (int)n,
	    (const char **)(uintptr_t)values);
	if (rc != 0)
		return fail("update", path, problem, size);
	rrd_clear_error();
	return 0;
}

int
call_fetch(const char *path, const char *cf, int64_t from_s, int64_t to_s,
    int64_t step_s, struct call_rows *rows, char *problem, size_t size)
{
	time_t start = (time_t)from_s, end = (time_t)to_s;
	unsigned long step = (unsigned long)step_s, n_sources = 0, i;
	char **names = NULL;
	double *values = NULL;

	memset(rows, 0, sizeof(*rows));
	rrd_clear_error();
	if (rrd_fetch_r(path, cf, &start, &end, &step, &n_sources, &names,
		&values) != 0)
		return fail("fetch", path, problem, size);
	rrd_clear_error();
	for (i = 0; i < n_sources; i++)
		rrd_freemem(names[i]);
	rrd_freemem(names);
	rows->start_s = start;
	rows->end_s = end;
	rows->step_s = (int64_t)step;
	rows->n_sources = n_sources;
	rows->values = values;
	if (step > 0 && end > start)
		rows->n = (size_t)(end - start) / step;
	return 0;
}

void
call_rows_free(struct call_rows *rows)
{
	if (rows->values != NULL)
		rrd_freemem(rows->values);
	memset(rows, 0, sizeof(*rows));
}
