/*
 * The hours that rules of kind deviation wish to know: asked for one after
 * another, of the store lane, whose thread may block, or by a back-test of the
 * files. The engine only puts the question and takes the answer.
 */
#include "shapes.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine.h"
#include "model/hist.h"

#define MINUTE (60 * US_PER_S)
#define LOST (15 * MINUTE) /* an answer, at the latest */
#define AHEAD (ALERT_WISH_HOURS * ALERT_HOUR)

/* ---- an answer ---- */

void
shapes_query(const struct alert_wish *wish, struct series_query *query)
{
	*query = (struct series_query){.from = wish->from,
	    .to = wish->to,
	    .step = ALERT_HOUR,
	    .buckets = true};
	text_copy(query->target, sizeof(query->target), wish->scope);
}

static double
hour_ms(
    const struct series_range *range, size_t row, const struct alert_wish *wish)
{
	double counts[HIST_BUCKETS], sum = 0, ms = NAN;

	for (size_t b = 0; b < HIST_BUCKETS; b++) {
		double count = range->buckets[row][b];

		counts[b] = isfinite(count) ? count : 0;
		sum += counts[b];
	}
	if (nearbyint(sum) < wish->min_samples ||
	    !hist_quantile_ms(counts, wish->quantile, &ms))
		return NAN;
	return ms;
}

void
shapes_fill(const struct alert_wish *wish, const struct series_range *range,
    double ms[ALERT_WISH_HOURS])
{
	size_t n = (size_t)((wish->to - wish->from) / ALERT_HOUR);

	for (size_t i = 0; i < n; i++) {
		wall_us at = wish->from + (wall_us)i * ALERT_HOUR;

		ms[i] = NAN;
		if (range != NULL && range->step == ALERT_HOUR &&
		    range->buckets != NULL && at >= range->from &&
		    at < range->to)
			ms[i] = hour_ms(range,
			    (size_t)((at - range->from) / ALERT_HOUR), wish);
	}
}

/* ---- the engine asks the store ---- */

struct question {
	struct engine *engine;
	struct alert_wish wish;
};

struct answer {
	struct alert_wish wish;
	bool known;
	double ms[ALERT_WISH_HOURS];
};

/* On the loop. What could not be read is asked for again in the next round. */
static void
on_answer(void *arg, const void *payload, size_t size)
{
	struct engine *engine = arg;
	struct answer answer;

	(void)size;
	memcpy(&answer, payload, sizeof(answer));
	if (answer.known)
		alert_learn(engine->alert, &answer.wish, answer.ms);
	else
		engine->shapes.place++;
	engine->shapes.asked_at = 0;
	engine_shapes_tick(engine, clock_mono(engine->clock));
}

/* On the store lane. A target that has no file yet has no hours either. */
static void
on_range(void *arg, int problem, struct series_range *range)
{
	struct question *question = arg;
	struct answer answer = {.wish = question->wish,
	    .known = problem == 0 || problem == -ENOENT};

	shapes_fill(&question->wish, range, answer.ms);
	if (loop_call(question->engine->loop, on_answer, question->engine,
		&answer, sizeof(answer)) < 0)
		log_debug("hours not taken", "scope=%s", question->wish.scope);
	series_range_free(range);
	free(question);
}

static bool
ask_store(struct engine *engine)
{
	struct question *question = mem_new(sizeof(*question));
	struct series_query query;

	question->engine = engine;
	if (alert_wish(engine->alert, &engine->shapes.place,
		clock_wall(engine->clock), &question->wish)) {
		shapes_query(&question->wish, &query);
		if (series_ask(engine->series, &query, on_range, question) == 0)
			return true;
	}
	free(question);
	return false;
}

/* Nothing more to ask, or no room to ask it: a minute later, from the first. */
void
engine_shapes_tick(struct engine *engine, mono_us now)
{
	struct engine_shapes *shapes = &engine->shapes;

	if (shapes->asked_at != 0 && now - shapes->asked_at < LOST)
		return;
	if (now < shapes->next_at)
		return;
	if (ask_store(engine)) {
		shapes->asked_at = now;
		return;
	}
	shapes->asked_at = 0;
	shapes->place = 0;
	shapes->next_at = now + MINUTE;
}

/* ---- a back-test asks the files ---- */

struct kept {
	char key[2 * MODEL_PATH_SIZE];
	wall_us from, to;
	double ms[ALERT_WISH_HOURS];
};

struct shapes_past {
	struct series_reader *series;
	struct kept **kept;
	size_t n;
	struct name_index index; /* of kept, by key */
};

struct shapes_past *
shapes_past_new(struct series_reader *series)
{
	struct shapes_past *past = mem_new(sizeof(*past));

	past->series = series;
	return past;
}

void
shapes_past_free(struct shapes_past *past)
{
	if (past == NULL)
		return;
	for (size_t i = 0; i < past->n; i++)
		free(past->kept[i]);
	free(past->kept);
	index_fini(&past->index);
	free(past);
}

static struct kept *
kept_of(struct shapes_past *past, const struct alert_wish *wish)
{
	char key[2 * MODEL_PATH_SIZE];
	struct kept *kept;
	size_t at;

	snprintf(key, sizeof(key), "%s:%s", wish->rule, wish->scope);
	if (index_find(&past->index, key, &at))
		return past->kept[at];
	past->kept = mem_grow(past->kept, past->n + 1, sizeof(struct kept *));
	kept = past->kept[past->n] = mem_new(sizeof(*kept));
	text_copy(kept->key, sizeof(kept->key), key);
	at = past->n++;
	index_add(&past->index, kept->key, &at);
	return kept;
}

static void
read_ahead(
    struct shapes_past *past, struct kept *kept, const struct alert_wish *wish)
{
	struct alert_wish week = *wish;
	struct series_query query;
	struct series_range *range = NULL;

	week.to = week.from + AHEAD;
	shapes_query(&week, &query);
	if (series_reader_ask(past->series, &query, &range) != 0)
		range = NULL;
	shapes_fill(&week, range, kept->ms);
	series_range_free(range);
	kept->from = week.from;
	kept->to = week.to;
}

void
shapes_past_answer(struct shapes_past *past, const struct alert_wish *wish,
    double ms[ALERT_WISH_HOURS])
{
	struct kept *kept = kept_of(past, wish);

	if (wish->from < kept->from || wish->to > kept->to)
		read_ahead(past, kept, wish);
	memcpy(ms, &kept->ms[(wish->from - kept->from) / ALERT_HOUR],
	    (size_t)((wish->to - wish->from) / ALERT_HOUR) * sizeof(*ms));
}
