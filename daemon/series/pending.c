#include "gather-int.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/*
 * What waits to be written for one key, small: 72,000 keys with ten results
 * each are to be had for tens of megabytes. A result alone in its step, which
 * is the rule, takes 32 bytes and becomes a step when it is written; the whole
 * of an operator, with thousands of results a step, is added up at once.
 */

#define KEPT_MOST 40 /* of one key; then the oldest step of them is folded */
#define KEPT_GROWTH 4
#define DENSE_MOST 32 /* of one key; then the oldest two become one */
#define DENSE_ALL 16384 /* of all keys; then each has one */
#define LATENCY_MOST UINT32_MAX /* 71 minutes */
#define BEFORE_UNKNOWN UINT16_MAX

/* One result. */
struct kept {
	uint32_t end_s; /* until 2106 */
	uint16_t before_s; /* its begin lies so far before the end */
	uint8_t verdict;
	uint32_t latency_us;
	uint32_t phase_us[PHASE_COUNT];
};
_Static_assert(sizeof(struct kept) == 32, "the country must fit");

struct dense {
	struct dense *next;
	wall_us oldest; /* begin of the oldest result in it */
	struct series_step step;
};

void
pending_fini(struct pending *pending)
{
	while (pending->dense != NULL) {
		struct dense *next = pending->dense->next;

		free(pending->dense);
		pending->dense = next;
	}
	free(pending->kept);
	memset(pending, 0, sizeof(*pending));
}

bool
pending_any(const struct pending *pending)
{
	return pending->n_kept > 0 || pending->dense != NULL;
}

int64_t
pending_first_s(const struct pending *pending)
{
	int64_t first_s = GATHER_NEVER;

	if (pending->dense != NULL)
		first_s = pending->dense->step.end_s;
	if (pending->n_kept > 0 && pending->kept[0].end_s < first_s)
		first_s = pending->kept[0].end_s;
	return first_s;
}

static wall_us
kept_began(const struct kept *kept)
{
	if (kept->before_s == BEFORE_UNKNOWN)
		return 0;
	return ((int64_t)kept->end_s - kept->before_s) * US_PER_S;
}

wall_us
pending_oldest(const struct pending *pending)
{
	const struct dense *dense;
	wall_us oldest = GATHER_NEVER;
	size_t i;

	for (dense = pending->dense; dense != NULL; dense = dense->next) {
		if (oldest > dense->oldest)
			oldest = dense->oldest;
	}
	for (i = 0; i < pending->n_kept; i++) {
		if (oldest > kept_began(&pending->kept[i]))
			oldest = kept_began(&pending->kept[i]);
	}
	return oldest;
}

/* ---- one result, one step ---- */

/* Seconds from `began` to the boundary, rounded up. */
static uint16_t
before(int64_t end_s, wall_us began)
{
	int64_t before_s = end_s - began / US_PER_S;

	if (before_s < 0)
		return 0;
	return before_s < BEFORE_UNKNOWN ? (uint16_t)before_s : BEFORE_UNKNOWN;
}

static uint32_t
short_us(dur_us length)
{
	if (length < 0)
		return 0;
	return length < LATENCY_MOST ? (uint32_t)length : LATENCY_MOST;
}

static void
pack(struct kept *kept, const struct gather_result *result, int64_t end_s)
{
	int p;

	kept->end_s = (uint32_t)end_s;
	kept->before_s = before(end_s, result->started);
	kept->verdict = (uint8_t)result->verdict;
	kept->latency_us = short_us(result->latency);
	for (p = 0; p < PHASE_COUNT; p++)
		kept->phase_us[p] = short_us(result->phases.us[p]);
}

static void
count(struct series_step *step, const struct kept *kept)
{
	int p;

	switch ((enum verdict)kept->verdict) {
	case VERDICT_UP:
		step->ok++;
		step->total_sum += kept->latency_us;
		for (p = 0; p < PHASE_COUNT; p++)
			step->phase_sum[p] += kept->phase_us[p];
		if (step->slowest < kept->latency_us)
			step->slowest = kept->latency_us;
		place_add(step, kept->latency_us);
		break;
	case VERDICT_DOWN:
		step->failed++;
		break;
	case VERDICT_EXCLUDED:
		step->excluded++;
		break;
	}
}

static void
merge(struct series_step *into, const struct series_step *more)
{
	int p;

	into->ok += more->ok;
	into->failed += more->failed;
	into->excluded += more->excluded;
	into->total_sum += more->total_sum;
	for (p = 0; p < PHASE_COUNT; p++)
		into->phase_sum[p] += more->phase_sum[p];
	if (into->slowest < more->slowest)
		into->slowest = more->slowest;
	place_merge(into, more);
}

/* ---- dense steps ---- */

static struct dense *
dense_at(struct pending *pending, int64_t end_s, size_t *n_dense)
{
	struct dense **at = &pending->dense;
	struct dense *dense;

	while (*at != NULL && (*at)->step.end_s < end_s)
		at = &(*at)->next;
	if (*at != NULL && (*at)->step.end_s == end_s)
		return *at;
	dense = mem_new(sizeof(*dense));
	dense->step.end_s = end_s;
	dense->oldest = GATHER_NEVER;
	dense->next = *at;
	*at = dense;
	pending->n_dense++;
	(*n_dense)++;
	return dense;
}

static void
add_dense(struct pending *pending, const struct kept *kept, int64_t end_s,
    wall_us began, size_t *n_dense)
{
	struct dense *dense = dense_at(pending, end_s, n_dense);

	count(&dense->step, kept);
	if (dense->oldest > began)
		dense->oldest = began;
}

/* The two oldest become one, at the later of their times. */
static void
join_oldest(struct pending *pending, size_t *n_dense)
{
	struct dense *oldest = pending->dense;

	merge(&oldest->next->step, &oldest->step);
	if (oldest->next->oldest > oldest->oldest)
		oldest->next->oldest = oldest->oldest;
	pending->dense = oldest->next;
	pending->n_dense--;
	(*n_dense)--;
	free(oldest);
}

static void
limit_dense(struct pending *pending, size_t *n_dense)
{
	while (pending->n_dense > 1 &&
	    (pending->n_dense > DENSE_MOST || *n_dense > DENSE_ALL))
		join_oldest(pending, n_dense);
}

/* ---- kept results ---- */

static void
forget(struct pending *pending, size_t n)
{
	pending->n_kept = (uint16_t)(pending->n_kept - n);
	memmove(pending->kept, pending->kept + n,
	    pending->n_kept * sizeof(*pending->kept));
}

/* The oldest step of them becomes a dense one. */
static void
fold(struct pending *pending, size_t *n_dense)
{
	uint32_t end_s = pending->kept[0].end_s;
	size_t n;

	for (n = 0; n < pending->n_kept && pending->kept[n].end_s == end_s; n++)
		add_dense(pending, &pending->kept[n], end_s,
		    kept_began(&pending->kept[n]), n_dense);
	forget(pending, n);
}

void
pending_add(struct pending *pending, const struct gather_result *result,
    int64_t end_s, bool many, bool limited, size_t *n_dense)
{
	struct kept kept;
	size_t at;

	pack(&kept, result, end_s);
	if (many) {
		add_dense(pending, &kept, end_s, result->started, n_dense);
		if (limited)
			limit_dense(pending, n_dense);
		return;
	}
	if (pending->n_kept == KEPT_MOST) {
		fold(pending, n_dense);
		if (limited)
			limit_dense(pending, n_dense);
	}
	if (pending->n_kept == pending->cap) {
		pending->cap = (uint16_t)(pending->cap + KEPT_GROWTH);
		pending->kept = mem_grow(
		    pending->kept, pending->cap, sizeof(*pending->kept));
	}
	at = pending->n_kept++;
	for (; at > 0 && pending->kept[at - 1].end_s > kept.end_s; at--)
		pending->kept[at] = pending->kept[at - 1];
	pending->kept[at] = kept;
}

/* ---- writing, moving ---- */

size_t
pending_steps(const struct pending *pending, int64_t until_s,
    struct series_step *steps, size_t most)
{
	const struct dense *dense = pending->dense;
	const struct kept *kept = pending->kept;
	const struct kept *end = kept + pending->n_kept;
	size_t n = 0;

	for (; n < most; n++) {
		struct series_step *step = &steps[n];
		int64_t next_s = GATHER_NEVER;

		if (dense != NULL)
			next_s = dense->step.end_s;
		if (kept < end && kept->end_s < next_s)
			next_s = kept->end_s;
		if (next_s == GATHER_NEVER || next_s > until_s)
			break;
		memset(step, 0, sizeof(*step));
		step->end_s = next_s;
		if (dense != NULL && dense->step.end_s == next_s) {
			*step = dense->step;
			dense = dense->next;
		}
		for (; kept < end && kept->end_s == next_s; kept++)
			count(step, kept);
	}
	return n;
}

void
pending_drop(struct pending *pending, int64_t until_s, size_t *n_dense)
{
	size_t n = 0;

	while (
	    pending->dense != NULL && pending->dense->step.end_s <= until_s) {
		struct dense *next = pending->dense->next;

		free(pending->dense);
		pending->dense = next;
		pending->n_dense--;
		(*n_dense)--;
	}
	while (n < pending->n_kept && pending->kept[n].end_s <= until_s)
		n++;
	if (n > 0)
		forget(pending, n);
}

void
pending_move(struct pending *pending, pending_move_fn *move, const void *ctx,
    size_t *n_dense)
{
	struct dense *old = pending->dense;
	size_t i;

	*n_dense -= pending->n_dense;
	pending->dense = NULL;
	pending->n_dense = 0;
	while (old != NULL) {
		struct dense *next = old->next;
		struct dense *to =
		    dense_at(pending, move(ctx, old->step.end_s), n_dense);

		merge(&to->step, &old->step);
		if (to->oldest > old->oldest)
			to->oldest = old->oldest;
		free(old);
		old = next;
	}
	for (i = 0; i < pending->n_kept; i++) {
		struct kept *kept = &pending->kept[i];
		wall_us began = kept_began(kept);
		int64_t end_s = move(ctx, kept->end_s);

		kept->end_s = (uint32_t)end_s;
		kept->before_s = before(end_s, began);
	}
}
