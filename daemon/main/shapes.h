#ifndef MAIN_SHAPES_H
#define MAIN_SHAPES_H

#include <stddef.h>

#include "alert/alert.h"
#include "series/series.h"

/*
 * What rules of kind deviation must know of the past, from the series: for
 * each hour of a wish the quantile of its good results.
 */

/* shapes_query: the question to the series that answers a wish. Rows of five
 * minutes, while they are kept, know the percentiles of an hour best. */
void shapes_query(const struct alert_wish *wish, struct series_query *query);

/* shapes_fill: `ms` as alert_learn takes it. What the series only have by rows
 * longer than an hour is not known; NULL: nothing is. */
void shapes_fill(const struct alert_wish *wish,
    const struct series_range *range, double ms[ALERT_WISH_HOURS]);

/*
 * For a back-test, which wishes an hour at a time: what was read of a scope is
 * kept for a week ahead, and handed out as it is wished. One thread.
 */
struct shapes_past;
struct shapes_past *shapes_past_new(struct series_reader *series);
void shapes_past_free(struct shapes_past *past); /* NULL is fine */
void shapes_past_answer(struct shapes_past *past, const struct alert_wish *wish,
    double ms[ALERT_WISH_HOURS]);

#endif
