/*
 * The past, minute by minute. An hour of what the ledger has is in memory at a
 * time (past_hour.c), and a day of latencies of each target that a rule on
 * latency looks at.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "past-int.h"

#define MINUTE (60 * US_PER_S)
#define HOUR (60 * MINUTE)

/* ---- places ---- */

static bool
is_timed(
    const struct past_options *options, const char *op, const char *transaction)
{
	const struct conf *conf = options->conf;

	for (size_t i = 0; i < conf->n_alerts; i++) {
		const struct conf_alert *rule = &conf->alerts[i];

		if ((rule->kind == CONF_ALERT_LATENCY ||
			rule->kind == CONF_ALERT_DEVIATION) &&
		    (!options->rule ||
			strcmp(options->rule, rule->name) == 0) &&
		    (!rule->operator|| strcmp(rule->operator, op) == 0) &&
		    (!rule->transaction ||
			strcmp(rule->transaction, transaction) == 0))
			return true;
	}
	return false;
}

static void
add_places(struct past *past, const struct conf_operator *op)
{
	const struct conf_profile *profile = op->profile;

	for (size_t i = 0; i < op->n_deployments; i++) {
		for (size_t k = 0; k < profile->n_transactions; k++) {
			const struct conf_transaction *act =
			    &profile->transactions[k];
			struct past_place *place;
			size_t at = past->n_places;

			if (act->always)
				continue;
			past->places =
			    mem_grow(past->places, at + 1, sizeof(*place));
			place = &past->places[past->n_places++];
			*place = (struct past_place){
			    .target = target_intern(past->targets, op->name,
				op->deployments[i].name, act->name),
			    .timed =
				is_timed(&past->options, op->name, act->name),
			    .kept = PAST_NONE};
			index_add(&past->index, place->target->path, &at);
		}
	}
}

int
past_new(const struct past_options *options, struct past **out)
{
	struct past *past = mem_new(sizeof(*past));
	int rc;

	past->options = *options;
	past->targets = target_set_new();
	for (size_t i = 0; i < options->conf->n_operators; i++)
		add_places(past, &options->conf->operators[i]);
	past->hour = options->from - options->from % HOUR;
	rc = past_open(past);
	if (rc != 0) {
		past_free(past);
		past = NULL;
	}
	*out = past;
	return rc;
}

void
past_free(struct past *past)
{
	if (past == NULL)
		return;
	for (size_t i = 0; i < past->n_places; i++)
		past_day_free(&past->places[i].day);
	index_fini(&past->index);
	target_set_free(past->targets);
	free(past->places);
	free(past->by_id);
	free(past->windows);
	free(past->rows);
	free(past->failures);
	free(past->kept);
	free(past->items);
	free(past);
}

const struct past_facts *
past_facts(const struct past *past)
{
	return &past->facts;
}

/* ---- a minute becomes results ---- */

static bool
is_maintained(const struct past *past, const struct target *target, wall_us at)
{
	for (size_t i = 0; i < past->n_windows; i++) {
		const struct window *window = &past->windows[i];

		if (window_concerns(
			window, target->operator, target->deployment) &&
		    window_covers(window, past->options.zone, at))
			return true;
	}
	return false;
}

static void
add_item(struct past *past, const struct result *result, wall_us at)
{
	struct past_item *item;

	past->items = past_room(past->items, past->n_items, &past->room_items,
	    sizeof(*past->items));
	item = &past->items[past->n_items++];
	*item = (struct past_item){*result, at, past->seq++};
	item->result.maintenance =
	    is_maintained(past, result->target, result->started_wall) ||
	    is_maintained(past, result->target, at);
	past->facts.results++;
	past->facts.failures += reason_verdict(result->reason) == VERDICT_DOWN;
}

/* The tally rules: a kept run only says more of what was counted. */
static void
add_kept(struct past *past, struct past_place *place, uint32_t left[3])
{
	for (size_t i = place->kept; i != PAST_NONE; i = past->kept[i].next) {
		struct past_kept *kept = &past->kept[i].what;
		enum verdict verdict = reason_verdict(kept->result.reason);

		if (left[verdict] == 0)
			continue;
		left[verdict]--;
		kept->result.target = place->target;
		/* so that its latency is not taken for another's */
		if (verdict == VERDICT_UP && place->timed)
			(void)past_latency(&place->day, past->options.series,
			    place->target->path, kept->result.started_wall,
			    &past->facts);
		if (verdict != VERDICT_EXCLUDED)
			place->failing = verdict == VERDICT_DOWN;
		add_item(past, &kept->result, kept->at);
	}
}

/* ---- what failed in a row ---- */

static int
compare_failure(const struct past_failure *failure, const struct past_row *row)
{
	if (failure->minute != row->minute)
		return failure->minute < row->minute ? -1 : 1;
	return failure->id < row->id ? -1 : failure->id > row->id;
}

static bool
is_kept(
    const struct past *past, const struct past_place *place, const char *run)
{
	for (size_t i = place->kept; i != PAST_NONE; i = past->kept[i].next)
		if (strcmp(past->kept[i].what.result.run_id, run) == 0)
			return true;
	return false;
}

/* The next failure of the row whose run is not kept; NULL: none is left. */
static const struct past_failure *
next_failure(struct past *past, const struct past_row *row)
{
	while (past->next_failure < past->n_failures) {
		const struct past_failure *one =
		    &past->failures[past->next_failure];
		int order = compare_failure(one, row);

		if (order > 0)
			return NULL;
		past->next_failure++;
		if (order == 0 &&
		    !is_kept(past, &past->places[row->place], one->run))
			return one;
	}
	return NULL;
}

static void
add_counted(struct past *past, const struct past_row *row, enum reason reason,
    wall_us at)
{
	struct past_place *place = &past->places[row->place];
	bool failed = reason_verdict(reason) == VERDICT_DOWN;
	const struct past_failure *failure =
	    failed ? next_failure(past, row) : NULL;
	struct result result = {.target = place->target,
	    .started_wall = at,
	    .latency = -1,
	    .reason = reason,
	    .phase = PHASE_WAIT,
	    .from_tally = failure == NULL};

	if (failure != NULL) {
		result.reason = failure->reason;
		text_copy(result.run_id, sizeof(result.run_id), failure->run);
		text_copy(result.step, sizeof(result.step), failure->step);
	}
	if (reason == REASON_OK && place->timed)
		result.latency = past_latency(&place->day, past->options.series,
		    place->target->path, at, &past->facts);
	past->facts.causeless += failed && failure == NULL;
	add_item(past, &result, at);
}

static void
add_row(struct past *past, const struct past_row *row, enum reason excluded)
{
	struct past_place *place = &past->places[row->place];
	uint32_t left[3] = {[VERDICT_UP] = row->ok,
	    [VERDICT_DOWN] = row->failed,
	    [VERDICT_EXCLUDED] = row->excluded};
	bool failing = place->failing;
	enum reason parts[] = {excluded, failing ? REASON_NO_ANSWER : REASON_OK,
	    failing ? REASON_OK : REASON_NO_ANSWER};
	uint64_t n, i = 0;

	add_kept(past, place, left);
	n = (uint64_t)left[0] + left[1] + left[2];
	for (size_t p = 0; p < 3; p++) {
		enum verdict verdict = reason_verdict(parts[p]);

		for (; left[verdict] > 0; left[verdict]--, i++) {
			wall_us in =
			    (wall_us)((2 * i + 1) * (uint64_t)MINUTE / (2 * n));

			add_counted(past, row, parts[p], row->minute + in);
			if (verdict != VERDICT_EXCLUDED)
				place->failing = verdict == VERDICT_DOWN;
		}
	}
}

/* Those that began in that minute, in the list of their place. */
static void
hand_out_kept(struct past *past, wall_us minute)
{
	size_t begin, end = past->next_kept;

	while (past->next_kept < past->n_kept &&
	    past->kept[past->next_kept].what.result.started_wall < minute)
		past->next_kept++;
	begin = end = past->next_kept;
	while (end < past->n_kept &&
	    past->kept[end].what.result.started_wall < minute + MINUTE)
		end++;
	past->next_kept = end;
	for (size_t i = end; i-- > begin;) {
		struct past_place *place = &past->places[past->kept[i].place];

		past->kept[i].next = place->kept;
		place->kept = i;
	}
}

static int
compare_items(const void *one, const void *other)
{
	const struct past_item *a = one, *b = other;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static void
drop_gone(struct past *past)
{
	size_t left = past->n_items - past->next_item;

	if (left > 0)
		memmove(past->items, past->items + past->next_item,
		    left * sizeof(*past->items));
	past->n_items = left;
	past->next_item = 0;
}

/* One that was final only later waits until that minute's are there, too. */
static void
make_ready(struct past *past, wall_us until)
{
	if (past->n_items > 0)
		qsort(past->items, past->n_items, sizeof(*past->items),
		    compare_items);
	past->ready = 0;
	while (
	    past->ready < past->n_items && past->items[past->ready].at < until)
		past->ready++;
}

static void
read_minute(struct past *past)
{
	wall_us minute = past->rows[past->next_row].minute;
	size_t end = past->next_row;
	bool counted = false;

	for (; end < past->n_rows && past->rows[end].minute == minute; end++)
		counted = counted || past->rows[end].ok > 0 ||
		    past->rows[end].failed > 0;
	hand_out_kept(past, minute);
	drop_gone(past);
	for (size_t i = past->next_row; i < end; i++)
		add_row(past, &past->rows[i],
		    counted ? REASON_PREREQUISITE_FAILED : REASON_TAINTED);
	for (size_t i = 0; i < past->n_places; i++)
		past->places[i].kept = PAST_NONE;
	past->next_row = end;
	make_ready(past, minute + MINUTE);
}

int
past_next(void *arg, struct result *result, wall_us *at)
{
	struct past *past = arg;
	int rc;

	while (past->next_item >= past->ready) {
		if (past->next_row < past->n_rows) {
			read_minute(past);
		} else if (past->hour < past->options.to) {
			rc = past_read_hour(past);
			if (rc != 0)
				return rc;
		} else if (past->next_item < past->n_items) {
			drop_gone(past);
			make_ready(past, INT64_MAX);
		} else {
			return 0;
		}
	}
	*result = past->items[past->next_item].result;
	*at = past->items[past->next_item++].at;
	return 1;
}
