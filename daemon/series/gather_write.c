#include "gather-int.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

/*
 * Writing what was gathered, in slices: on time, before a question is
 * answered, and at the end.
 */

#define RETRY_MOST_S 20
#define NEW_COST 64 /* making a file costs as much as so many updates */

void
gather_fail(
    struct gather *gather, struct entry *entry, int rc, const char *problem)
{
	int64_t pause_s =
	    entry->tries < 5 ? INT64_C(1) << entry->tries : RETRY_MOST_S;
	unsigned suppressed;

	if (entry->tries++ == 0)
		gather->n_failing++;
	entry->retry = gather->now + pause_s * US_PER_S;
	if (rc != -EAGAIN)
		gather->stats.errors++;
	snprintf(gather->stats.problem, sizeof(gather->stats.problem), "%s",
	    problem);
	if (log_damp(&gather->write_damp, gather->mono, &suppressed))
		log_warn("series write failed",
		    "target=%s/%s/%s problem=\"%s\" suppressed=%u",
		    entry->key.operator, entry->key.deployment,
		    entry->key.transaction, problem, suppressed);
}

static bool
may_try(const struct gather *gather, const struct entry *entry)
{
	return entry->tries == 0 || entry->retry <= gather->now;
}

static void
written(struct gather *gather, struct entry *entry, int64_t last_s, size_t n)
{
	pending_drop(&entry->pending, last_s, &gather->n_dense);
	entry->written_s = last_s;
	if (gather->newest_s < last_s)
		gather->newest_s = last_s;
	gather->stats.updates += n;
	if (entry->tries == 0)
		return;
	entry->tries = 0;
	if (--gather->n_failing > 0)
		return;
	gather->stats.problem[0] = '\0';
	if (log_damp_heal(&gather->write_damp))
		log_info("series writes again", "updates=%llu",
		    (unsigned long long)gather->stats.updates);
}

/*
 * Writes what ended until newest_s; with `idle` also that there was nothing
 * since. False on failure or when there is no more.
 */
static bool
write_entry(
    struct gather *gather, struct entry *entry, int64_t newest_s, bool idle)
{
	struct series_step *steps = gather->steps;
	char problem[SERIES_PROBLEM_SIZE] = "";
	int64_t last_s = entry->written_s;
	size_t n;
	int rc;

	n = pending_steps(&entry->pending, newest_s, steps, GATHER_STEPS);
	if (n > 0)
		last_s = steps[n - 1].end_s;
	if (idle && n < GATHER_STEPS && last_s > 0 && last_s < newest_s)
		steps[n++] = (struct series_step){.end_s = newest_s};
	if (n == 0)
		return false;
	rc = gather->backend.ops->write(gather->backend.self, entry->place,
	    steps, n, problem, sizeof(problem));
	if (rc != 0) {
		gather_fail(gather, entry, rc, problem);
		return false;
	}
	written(gather, entry, steps[n - 1].end_s, n);
	return n == GATHER_STEPS;
}

/* The guard round the writes to `entries`; false: try them later. */
static bool
begin_slice(struct gather *gather, struct entry *const *entries, size_t n)
{
	char problem[SERIES_PROBLEM_SIZE] = "";
	size_t i;
	int rc;

	for (i = 0; i < n; i++)
		gather->slice[i] = entries[i]->place;
	rc = gather->backend.ops->begin(
	    gather->backend.self, gather->slice, n, problem, sizeof(problem));
	if (rc == 0)
		return true;
	for (i = 0; i < n; i++) {
		gather_fail(gather, entries[i], rc, problem);
		gather_set_due(gather, entries[i]);
	}
	return false;
}

/* The boundary of the newest step that is complete. */
static int64_t
complete_s(const struct gather *gather, const struct entry *entry)
{
	int64_t newest_s = (gather->now - gather_grace(entry)) / US_PER_S;

	return newest_s - newest_s % entry->key.step_s;
}

static void
write_slice(struct gather *gather, struct entry *const *entries, size_t n)
{
	size_t i;

	if (n == 0 || !begin_slice(gather, entries, n))
		return;
	for (i = 0; i < n; i++) {
		struct entry *entry = entries[i];
		int64_t newest_s = complete_s(gather, entry);

		while (write_entry(gather, entry, newest_s, true))
			;
		gather_set_due(gather, entry);
	}
	gather->backend.ops->end(gather->backend.self);
}

bool
gather_write(struct gather *gather)
{
	struct entry *entries[GATHER_SLICE];
	size_t n = 0;
	int budget = GATHER_SLICE;

	if (gather->ahead || gather->replaying)
		return false;
	for (; gather->cursor < gather->n_entries && budget > 0;
	     gather->cursor++) {
		struct entry *entry = gather->entries[gather->cursor];

		if (gather->turning && gather_is_ahead(gather, entry) &&
		    may_try(gather, entry)) {
			gather_turn(gather, entry);
			budget--;
		}
		if (gather->due[entry->index] > gather->now)
			continue;
		budget -= entry->written_s == 0 ? NEW_COST : 1;
		entries[n++] = entry;
	}
	write_slice(gather, entries, n);
	if (gather->cursor < gather->n_entries)
		return true;
	if (gather->turning)
		gather_turned(gather);
	return false;
}

void
gather_settle(struct gather *gather, const struct series_scope *scope)
{
	struct entry *entries[GATHER_SLICE];
	struct entry *entry = NULL;
	size_t n = 0;

	if (gather->ahead || gather->replaying)
		return;
	while (n < GATHER_SLICE) {
		entry = gather_find(gather, scope, entry);
		if (entry == NULL)
			break;
		if (complete_s(gather, entry) > entry->written_s &&
		    may_try(gather, entry))
			entries[n++] = entry;
	}
	write_slice(gather, entries, n);
}

void
gather_renew(struct gather *gather, const struct series_key *keys, size_t n)
{
	struct entry *entries[GATHER_SLICE];
	size_t i, due = 0;

	assert(n <= GATHER_SLICE);
	for (i = 0; i < n; i++) {
		struct entry *entry = gather_entry(gather, &keys[i]);

		if (complete_s(gather, entry) > entry->written_s)
			entries[due++] = entry;
	}
	write_slice(gather, entries, due);
}

/* What may be written of an entry: at the end all, the step that has only begun
 * as well; in a replay what no further result can have been put into. */
static int64_t
flush_until_s(
    const struct gather *gather, const struct entry *entry, wall_us now)
{
	if (!gather->replaying)
		return now / US_PER_S + entry->key.step_s;
	return now / US_PER_S - gather_period_s(gather, entry) -
	    entry->key.step_s;
}

/* Nothing is said of steps without a result. */
static void
flush_slice(
    struct gather *gather, struct entry *const *entries, size_t n, wall_us now)
{
	size_t i;

	if (n == 0 || !begin_slice(gather, entries, n))
		return;
	for (i = 0; i < n; i++) {
		struct entry *entry = entries[i];
		int64_t until_s = flush_until_s(gather, entry, now);

		while (write_entry(gather, entry, until_s, false))
			;
		gather_set_due(gather, entry);
	}
	gather->backend.ops->end(gather->backend.self);
}

/* One slice from the cursor on; true while there is more. */
static bool
flush_part(struct gather *gather, wall_us now)
{
	struct entry *entries[GATHER_SLICE];
	size_t n = 0;

	for (; gather->cursor < gather->n_entries && n < GATHER_SLICE;
	     gather->cursor++) {
		struct entry *entry = gather->entries[gather->cursor];

		if (pending_first_s(&entry->pending) <=
		    flush_until_s(gather, entry, now))
			entries[n++] = entry;
	}
	flush_slice(gather, entries, n, now);
	return gather->cursor < gather->n_entries;
}

void
gather_replay_begin(struct gather *gather)
{
	gather->replaying = true;
	gather->cursor = 0;
}

bool
gather_replay_write(struct gather *gather, wall_us reached)
{
	bool more = flush_part(gather, reached);

	if (!more)
		gather->cursor = 0;
	return more;
}

void
gather_replay_end(struct gather *gather)
{
	gather->replaying = false;
	gather->cursor = gather->n_entries;
}

void
gather_flush(struct gather *gather, mono_us mono, wall_us now)
{
	now = gather_believed(gather, mono, now);
	gather->replaying = false;
	gather->cursor = 0;
	while (flush_part(gather, now))
		;
}
