#include "gather-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

/*
 * Results in memory until they are written: whose they are, which step they
 * belong to, when that is due. gather_write.c writes, gather_clock.c judges
 * the clocks, pending.c is the memory itself. Nothing here knows of files.
 */

#define GRACE_MOST (10 * US_PER_S)
#define IDLE_LEAST_S INT64_C(3600)
#define IDLE_STEPS 20
#define BATCH_STEPS 20 /* at most so many steps wait, whatever the setting */
#define COMPANY 16 /* files written together, if possible */
#define APART_MOST_S 60
#define TRIAL_S 20 /* a shorter interval is one of a trial: no batches */
#define EARLIEST_S INT64_C(946684800) /* 2000: a clock before it is unset */

struct gather *
gather_new(const struct series_backend *backend, dur_us write_every,
    mono_us mono, wall_us now)
{
	struct gather *gather = mem_new(sizeof(*gather));

	gather->backend = *backend;
	gather->write_every = write_every;
	gather->mono = mono;
	gather->now = now;
	gather->believed = now;
	gather->n_table = 256;
	gather->table = mem_array(gather->n_table, sizeof(*gather->table));
	return gather;
}

void
gather_free(struct gather *gather)
{
	size_t i;

	if (gather == NULL)
		return;
	for (i = 0; i < gather->n_entries; i++) {
		struct entry *entry = gather->entries[i];

		pending_fini(&entry->pending);
		gather->backend.ops->unplace(
		    gather->backend.self, entry->place);
		free(entry);
	}
	free(gather->entries);
	free(gather->due);
	free(gather->table);
	free(gather);
}

/* ---- entries ---- */

/* One chain for a deployment: a question may be about all of it. */
static size_t
chain_of(const struct gather *gather, const char *op, const char *deployment)
{
	uint64_t hash = crypto_hash64(op);

	hash = hash * 31 + crypto_hash64(deployment);
	hash ^= hash >> 32;
	return hash & (gather->n_table - 1);
}

/* FNV leaves the high bits of short names alike; this mixes them. */
static uint32_t
spread_of(const struct series_key *key)
{
	uint64_t hash = crypto_hash64(key->operator);

	hash = hash * 31 + crypto_hash64(key->deployment);
	hash = hash * 31 + crypto_hash64(key->transaction);
	hash = (hash ^ hash >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(hash >> 32);
}

static void
link_entry(struct gather *gather, struct entry *entry)
{
	size_t at =
	    chain_of(gather, entry->key.operator, entry->key.deployment);

	entry->chain = gather->table[at];
	gather->table[at] = entry;
}

static void
add_entry(struct gather *gather, struct entry *entry)
{
	size_t i;

	if (gather->n_entries == gather->cap) {
		gather->cap = gather->cap > 0 ? 2 * gather->cap : 64;
		gather->entries = mem_grow(
		    gather->entries, gather->cap, sizeof(*gather->entries));
		gather->due =
		    mem_grow(gather->due, gather->cap, sizeof(*gather->due));
	}
	entry->index = gather->n_entries++;
	gather->entries[entry->index] = entry;
	gather->due[entry->index] = GATHER_NEVER;
	link_entry(gather, entry);
	if (gather->n_entries <= gather->n_table)
		return;
	free(gather->table);
	gather->n_table *= 2;
	gather->table = mem_array(gather->n_table, sizeof(*gather->table));
	for (i = 0; i < gather->n_entries; i++)
		link_entry(gather, gather->entries[i]);
}

static void
find_place(struct gather *gather, struct entry *entry)
{
	if (entry->place != NULL)
		gather->backend.ops->unplace(
		    gather->backend.self, entry->place);
	entry->place = gather->backend.ops->place(
	    gather->backend.self, &entry->key, &entry->written_s);
	entry->active_s = entry->written_s;
	if (gather->newest_s < entry->written_s)
		gather->newest_s = entry->written_s;
}

struct entry *
gather_find(const struct gather *gather, const struct series_scope *scope,
    const struct entry *after)
{
	struct entry *entry;

	if (after != NULL)
		entry = after->chain;
	else
		entry = gather->table[chain_of(
		    gather, scope->operator, scope->deployment)];
	for (; entry != NULL; entry = entry->chain) {
		if (strcmp(entry->key.deployment, scope->deployment) == 0 &&
		    strcmp(entry->key.operator, scope->operator) == 0 &&
		    (scope->transaction[0] == '\0' ||
			strcmp(entry->key.transaction, scope->transaction) ==
			    0))
			return entry;
	}
	return NULL;
}

static struct entry *
find_entry(struct gather *gather, const char *op, const char *deployment,
    const char *transaction, int64_t step_s)
{
	struct series_scope scope;
	struct entry *entry;

	snprintf(scope.operator, MODEL_NAME_SIZE, "%s", op);
	snprintf(scope.deployment, MODEL_NAME_SIZE, "%s", deployment);
	snprintf(scope.transaction, MODEL_NAME_SIZE, "%s", transaction);
	entry = gather_find(gather, &scope, NULL);
	if (entry != NULL)
		return entry;
	entry = mem_new(sizeof(*entry));
	memcpy(entry->key.operator, scope.operator, MODEL_NAME_SIZE);
	memcpy(entry->key.deployment, scope.deployment, MODEL_NAME_SIZE);
	memcpy(entry->key.transaction, scope.transaction, MODEL_NAME_SIZE);
	entry->key.step_s = step_s;
	entry->spread = spread_of(&entry->key);
	find_place(gather, entry);
	add_entry(gather, entry);
	return entry;
}

/* ---- steps ---- */

dur_us
gather_grace(const struct entry *entry)
{
	dur_us quarter = entry->key.step_s * US_PER_S / 4;

	return quarter < GRACE_MOST ? quarter : GRACE_MOST;
}

int64_t
gather_boundary(const struct entry *entry, wall_us at)
{
	int64_t step_s = entry->key.step_s;

	return (at / US_PER_S / step_s + 1) * step_s;
}

int64_t
gather_period_s(const struct gather *gather, const struct entry *entry)
{
	int64_t step_s = entry->key.step_s;
	int64_t steps = gather->write_every / US_PER_S / step_s;

	if (step_s < TRIAL_S || steps < 1)
		steps = 1;
	return step_s * (steps < BATCH_STEPS ? steps : BATCH_STEPS);
}

/*
 * Instants lie so far apart that some files are written together: a slice waits
 * once for the disk. With thousands of targets that is so anyway.
 */
static int64_t
company_s(const struct gather *gather, int64_t span_s)
{
	int64_t apart_s =
	    span_s * COMPANY / (int64_t)(gather->n_entries + COMPANY);

	if (apart_s > APART_MOST_S)
		apart_s = APART_MOST_S;
	return apart_s > 0 ? apart_s : 1;
}

void
gather_set_due(struct gather *gather, const struct entry *entry)
{
	int64_t step_s = entry->key.step_s;
	int64_t span_s = gather_period_s(gather, entry);
	int64_t idle_s = IDLE_STEPS * step_s;
	int64_t due_s = pending_first_s(&entry->pending);
	wall_us due;

	if (idle_s < IDLE_LEAST_S)
		idle_s = IDLE_LEAST_S;
	if (due_s == GATHER_NEVER && entry->written_s > 0 &&
	    entry->written_s + step_s <= entry->active_s + idle_s)
		due_s = entry->written_s + step_s;
	if (due_s == GATHER_NEVER) {
		gather->due[entry->index] = GATHER_NEVER;
		return;
	}
	/* at the entry's own instant, so that the work is level */
	if (span_s > step_s) {
		int64_t own_s = entry->spread % span_s;
		int64_t past_s;

		own_s -= own_s % company_s(gather, span_s);
		past_s = (due_s - own_s) % span_s;
		due_s += past_s > 0 ? span_s - past_s : 0;
	}
	due = due_s * US_PER_S + gather_grace(entry);
	if (entry->tries > 0 && due < entry->retry)
		due = entry->retry;
	gather->due[entry->index] = due;
}

/* ---- results ---- */

/* The boundary of the step that a result which began at `at` goes into; 0 when
 * the clock is unset. */
static int64_t
place_at(struct gather *gather, struct entry *entry, wall_us at, wall_us now)
{
	int64_t end_s;

	if (at > now)
		at = now;
	if (at / US_PER_S < EARLIEST_S) {
		gather->stats.dropped++;
		return 0;
	}
	if (now / US_PER_S + entry->key.step_s < entry->written_s)
		gather_late(gather, entry, now);
	end_s = gather_boundary(entry, at);
	if (end_s <= entry->written_s)
		end_s = gather_boundary(entry, entry->written_s * US_PER_S);
	return end_s;
}

static void
count(struct gather *gather, struct entry *entry,
    const struct gather_result *result, int64_t end_s)
{
	/* an entry of an operator as a whole leads to no other */
	bool many = entry->all == NULL;

	if (entry->active_s < end_s)
		entry->active_s = end_s;
	pending_add(&entry->pending, result, end_s, many, !gather->replaying,
	    &gather->n_dense);
	gather_set_due(gather, entry);
}

/* What is pending keeps its time, rounded up to a boundary of the new step. */
static int64_t
to_step(const void *ctx, int64_t end_s)
{
	const struct entry *entry = ctx;
	int64_t new_s = gather_boundary(entry, end_s * US_PER_S - 1);

	if (new_s <= entry->written_s)
		new_s = entry->written_s + entry->key.step_s;
	return new_s;
}

/* Another interval since a reload. */
static void
change_step(struct gather *gather, struct entry *entry, int64_t step_s)
{
	entry->key.step_s = step_s;
	find_place(gather, entry);
	pending_move(&entry->pending, to_step, entry, &gather->n_dense);
	gather_set_due(gather, entry);
}

/* The entry of the target; its ->all is that of the whole operator. */
static struct entry *
entry_of(struct gather *gather, const struct gather_result *result)
{
	const struct target *target = result->target;
	int64_t step_s = plan_step_s(result->every);
	int64_t all_s = step_s < SERIES_ALL_STEP_S ? step_s : SERIES_ALL_STEP_S;
	struct entry *entry;

	entry = find_entry(gather, target->operator, target->deployment,
	    target->transaction, step_s);
	if (entry->key.step_s != step_s)
		change_step(gather, entry, step_s);
	if (entry->all == NULL)
		entry->all = find_entry(gather, target->operator, SERIES_ALL,
		    target->transaction, all_s);
	if (entry->all->written_s == 0 && all_s < entry->all->key.step_s)
		change_step(gather, entry->all, all_s);
	return entry;
}

struct gather_mark
gather_add(struct gather *gather, const struct gather_result *result)
{
	struct entry *entry = entry_of(gather, result);
	struct gather_mark mark = {
	    .end_s = place_at(gather, entry, result->started, result->now),
	    .all_end_s =
		place_at(gather, entry->all, result->started, result->now),
	};

	if (mark.end_s > 0)
		count(gather, entry, result, mark.end_s);
	if (mark.all_end_s > 0)
		count(gather, entry->all, result, mark.all_end_s);
	return mark;
}

static void
replay(struct gather *gather, struct entry *entry,
    const struct gather_result *result, int64_t end_s)
{
	int64_t latest_s = gather_boundary(entry, result->now);

	if (end_s <= entry->written_s)
		return;
	/* marked by a clock that was ahead */
	if (latest_s <= entry->written_s)
		latest_s = entry->written_s + entry->key.step_s;
	end_s = gather_boundary(entry, end_s * US_PER_S - 1);
	count(gather, entry, result, end_s < latest_s ? end_s : latest_s);
}

void
gather_replay(struct gather *gather, const struct gather_result *result,
    const struct gather_mark *mark)
{
	struct entry *entry = entry_of(gather, result);

	replay(gather, entry, result, mark->end_s);
	replay(gather, entry->all, result, mark->all_end_s);
}

struct entry *
gather_entry(struct gather *gather, const struct series_key *key)
{
	return find_entry(gather, key->operator, key->deployment,
	    key->transaction, key->step_s);
}

wall_us
gather_oldest(const struct gather *gather)
{
	wall_us oldest = GATHER_NEVER;
	size_t i;

	for (i = 0; i < gather->n_entries; i++) {
		wall_us began = pending_oldest(&gather->entries[i]->pending);

		if (oldest > began)
			oldest = began;
	}
	return oldest;
}

void
gather_stats(const struct gather *gather, struct series_stats *stats)
{
	*stats = gather->stats;
	stats->quarantined =
	    gather->backend.ops->quarantined(gather->backend.self);
}
