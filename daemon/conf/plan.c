/*
 * Arithmetic over a configuration: how many requests it will make, and
 * whether its intervals fit the archives that keep their results.
 */

#include "conf-int.h"

#include <string.h>

#define SECOND US_PER_S
#define MINUTE (60 * US_PER_S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct conf_archive plan_full[] = {
    {0, 14 * DAY},
    {5 * MINUTE, 90 * DAY},
    {HOUR, 730 * DAY},
    {DAY, 3650 * DAY},
};

/*
 * 24,000 deployments with three transactions a minute must fit on 60 GB, with
 * 3 of them for what is no RRD file (tests/unit/main/test_disk.c). A row of a
 * histogram is 528 bytes. Those of single intervals can be spared: the phase
 * file has the very latency of an interval with one result.
 */
static const struct conf_archive plan_lean[] = {
    {0, 2 * DAY},
    {HOUR, 9 * DAY},
    {DAY, 400 * DAY},
};

#define LEAN_PHASES_ONLY 1

static struct conf_archive *
plan_copy(struct arena *arena, const struct conf_archive *plan, size_t n)
{
	struct conf_archive *copy = reader_alloc(arena, n, sizeof(*copy));
	memcpy(copy, plan, n * sizeof(*copy));
	return copy;
}

bool
plan_named(struct arena *arena, const char *name, struct conf_store *store)
{
	bool lean = strcmp(name, "lean") == 0;
	if (!lean && strcmp(name, "full") != 0)
		return false;
	store->n_archives = lean ? ARRAY_LEN(plan_lean) : ARRAY_LEN(plan_full);
	store->archives =
	    plan_copy(arena, lean ? plan_lean : plan_full, store->n_archives);
	store->n_phases_only = lean ? LEAN_PHASES_ONLY : 0;
	/* they are few: one set for each operator */
	store->n_all_archives = ARRAY_LEN(plan_full);
	store->all_archives =
	    plan_copy(arena, plan_full, store->n_all_archives);
	return true;
}

/* Requests of the steps of one transaction, without those that are played
 * when an answer is lost; for `use`, without its own
 * clean-up, which is left out there. */
static uint64_t
transaction_requests(const struct conf_profile *profile,
    const struct conf_transaction *transaction, bool used)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < transaction->n_steps; i++) {
		const struct conf_step *step = &transaction->steps[i];
		if (step->reserve ||
		    (used && (step->always || step->use != NULL)))
			continue;
		if (step->use == NULL) {
			sum += 1 + (uint64_t)step->redirects;
			/* the look that finds nothing more */
			if (i == 0 && transaction->repeat > 1)
				sum += 1 + (uint64_t)step->redirects;
			continue;
		}
		const struct conf_transaction *other =
		    conf_transaction_find(profile, step->use);
		if (other != NULL && other != transaction)
			sum += transaction_requests(profile, other, true);
	}
	return sum;
}

uint32_t
conf_journey_requests(const struct conf_profile *profile)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < profile->n_transactions; i++)
		sum += transaction_requests(
		    profile, &profile->transactions[i], false);
	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

double
conf_planned_per_minute(const struct conf_operator *op)
{
	double requests = conf_journey_requests(op->profile);
	double sum = 0;
	for (size_t i = 0; i < op->n_deployments; i++)
		if (op->deployments[i].every > 0)
			sum += requests * (double)MINUTE /
			    (double)op->deployments[i].every;
	return sum;
}

void
plan_check_operator(const struct node *node, const struct conf_operator *op)
{
	double planned = conf_planned_per_minute(op);
	if (op->per_minute == 0 || planned <= op->per_minute * (1 + 1e-9))
		return;
	struct node budget = *node;
	node_member(node, "budget", &budget);
	node_problem_at(&budget, "per_minute",
	    "%.1f requests a minute are planned (%u for each journey of %zu "
	    "deployments), but the budget is %u",
	    planned, conf_journey_requests(op->profile), op->n_deployments,
	    op->per_minute);
}

/* The whole seconds nearest to `every` that divide `step`. */
static void
near_divisors(dur_us step, dur_us every, int64_t *below, int64_t *above)
{
	int64_t seconds = step / SECOND;
	*below = every / SECOND;
	while (*below > 1 && seconds % *below != 0)
		(*below)--;
	*above = every / SECOND;
	while (*above < seconds && seconds % *above != 0)
		(*above)++;
}

/* False when a step does not fit and was reported. */
static bool
check_steps(const struct node *node, const struct conf_archive *archives,
    size_t n, dur_us every)
{
	for (size_t i = 0; i < n; i++) {
		char length[48];
		int64_t below;
		int64_t above;
		dur_us step = archives[i].step;
		if (step <= every || step % every == 0)
			continue;
		node_format_duration(step, length, sizeof(length));
		near_divisors(step, every, &below, &above);
		node_problem_at(node, "every",
		    "must divide the step of %s in the plan of the store; near "
		    "are \"%llds\" and \"%llds\"",
		    length, (long long)below, (long long)above);
		return false;
	}
	return true;
}

void
plan_check_every(const struct node *node, dur_us every)
{
	const struct conf_store *store = &node->reader->load->conf->store;
	if (every % SECOND != 0) {
		node_problem_at(node, "every", "must be whole seconds");
		return;
	}
	if (check_steps(node, store->archives, store->n_archives, every))
		(void)check_steps(
		    node, store->all_archives, store->n_all_archives, every);
}

/* The same hour of three weeks, and a day for what is not written yet. */
#define COMPARED (22 * DAY)

void
plan_check_deviation(const struct node *node, bool all)
{
	const struct conf_store *store = &node->reader->load->conf->store;
	const struct conf_archive *archives =
	    all ? store->all_archives : store->archives;
	size_t n = all ? store->n_all_archives : store->n_archives;
	size_t first = all ? 0 : store->n_phases_only;
	dur_us keep = 0;
	for (size_t i = first; i < n; i++)
		if (archives[i].step <= HOUR &&
		    (archives[i].step == 0 || HOUR % archives[i].step == 0) &&
		    archives[i].keep > keep)
			keep = archives[i].keep;
	if (keep < COMPARED)
		node_problem_at(node, "kind",
		    "deviation compares with the same hour of the weeks "
		    "before: "
		    "the plan of the store must keep rows of an hour for at "
		    "least 22d%s",
		    all ? "" : ", or the scope be \"operator\"");
}
