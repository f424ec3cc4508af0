#include "series-int.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/*
 * Ranges as values, and the names in which they are asked for. Nothing here
 * knows a back end.
 */

#define COLUMNS (3 + 6 + PHASE_COUNT)

struct series_range *
series_range_new(int64_t from_s, int64_t to_s, int64_t step_s, bool buckets)
{
	size_t n = (size_t)((to_s - from_s) / step_s);
	size_t head = (sizeof(struct series_range) + 15) / 16 * 16;
	size_t cells = n * (1 + COLUMNS + (buckets ? HIST_BUCKETS : 0));
	struct series_range *range = mem_new(head + cells * sizeof(double));
	double *column = (double *)(void *)((char *)range + head);
	double **figures[] = {&range->ok, &range->failed, &range->excluded,
	    &range->p50_ms, &range->p90_ms, &range->p95_ms, &range->p99_ms,
	    &range->mean_ms, &range->max_ms};
	size_t i;

	range->from = from_s * US_PER_S;
	range->to = to_s * US_PER_S;
	range->step = step_s * US_PER_S;
	range->n = n;
	for (i = 0; i < cells; i++)
		column[i] = NAN;
	for (i = 0; i < ARRAY_LEN(figures); i++, column += n)
		*figures[i] = column;
	for (i = 0; i < PHASE_COUNT; i++, column += n)
		range->phase_ms[i] = column;
	range->time = (wall_us *)(void *)column;
	column += n;
	if (buckets)
		range->buckets = (double(*)[HIST_BUCKETS])(void *)column;
	for (i = 0; i < n; i++)
		range->time[i] = range->from + (int64_t)i * range->step;
	return range;
}

void
series_range_free(struct series_range *range)
{
	free(range);
}

/* The next part of a path; false when there is none or it is too long. */
static bool
next_part(const char **path, char part[MODEL_NAME_SIZE])
{
	size_t len = strcspn(*path, "/");

	if (len == 0 || len >= MODEL_NAME_SIZE)
		return false;
	memcpy(part, *path, len);
	part[len] = '\0';
	*path += len;
	if (**path == '/') {
		(*path)++;
		/* "op/" names nothing */
		return **path != '\0';
	}
	return true;
}

int
series_scope_parse(const char *path, struct series_scope *scope)
{
	memset(scope, 0, sizeof(*scope));
	if (!next_part(&path, scope->operator) ||
	    !text_name_valid(scope->operator))
		return -EINVAL;
	if (*path == '\0') {
		text_copy(
		    scope->deployment, sizeof(scope->deployment), SERIES_ALL);
		return 0;
	}
	if (!next_part(&path, scope->deployment))
		return -EINVAL;
	if (strcmp(scope->deployment, SERIES_ALL) != 0 &&
	    !text_name_valid(scope->deployment))
		return -EINVAL;
	if (*path == '\0')
		return 0;
	if (!next_part(&path, scope->transaction) || *path != '\0' ||
	    !text_name_valid(scope->transaction))
		return -EINVAL;
	return 0;
}
