#include "series-int.h"

/*
 * What librrd is handed for an update is text. Most of it is the zeros of a
 * histogram, for which printf would be dear.
 */

static char *
put_count(char *at, uint64_t value)
{
	char digits[24];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

/* Milliseconds from whole microseconds: no locale, never infinite. */
static char *
put_ms(char *at, dur_us length)
{
	uint64_t us = length > 0 ? (uint64_t)length : 0;

	at = put_count(at, us / US_PER_MS);
	*at++ = '.';
	*at++ = (char)('0' + us / 100 % 10);
	*at++ = (char)('0' + us / 10 % 10);
	*at++ = (char)('0' + us % 10);
	return at;
}

static char *
put_phases(char *at, const struct series_step *step)
{
	uint64_t counts[] = {step->ok, step->failed, step->excluded};
	dur_us ok = step->ok > 0 ? step->ok : 1;
	size_t i;

	for (i = 0; i <= PHASE_COUNT; i++) {
		*at++ = ':';
		if (step->ok == 0)
			*at++ = 'U';
		else
			at = put_ms(at,
			    (i == 0 ? step->total_sum
				    : step->phase_sum[i - 1]) /
				ok);
	}
	for (i = 0; i < ARRAY_LEN(counts); i++) {
		*at++ = ':';
		at = put_count(at, counts[i]);
	}
	*at++ = ':';
	if (step->ok > 0)
		return put_ms(at, step->slowest);
	*at++ = 'U';
	return at;
}

/* What a count carries behind the point: see place.c. */
static char *
put_place(char *at, uint32_t codes)
{
	size_t i;

	*at++ = '.';
	for (i = PLACE_DIGITS; i-- > 0; codes /= 10)
		at[i] = (char)('0' + codes % 10);
	return at + PLACE_DIGITS;
}

static char *
put_hist(char *at, const struct series_step *step)
{
	size_t i;

	for (i = 0; i < HIST_BUCKETS; i++) {
		*at++ = ':';
		at = put_count(at, step->hist.count[i]);
		if (step->hist.count[i] > 0)
			at = put_place(at, step->codes[i]);
	}
	return at;
}

void
rows_clear(struct rows *rows)
{
	rows->n = 0;
	rows->end = rows->text;
}

void
rows_add(struct rows *rows, enum series_kind kind, int64_t at_s,
    const struct series_step *step)
{
	char *at = rows->end;

	rows->values[rows->n++] = at;
	at = put_count(at, (uint64_t)at_s);
	at = kind == SERIES_HIST ? put_hist(at, step) : put_phases(at, step);
	*at++ = '\0';
	rows->end = at;
}
