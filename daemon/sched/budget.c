/*
 * The request budget of one operator. What it costs to be exact is eight
 * bytes for each request of a minute.
 */
#include "budget.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

#define MINUTE (60 * US_PER_S)

void
budget_init(struct budget *budget, uint32_t per_minute)
{
	assert(per_minute > 0);
	*budget = (struct budget){
	    .sent = mem_array(per_minute, sizeof(mono_us)),
	    .size = per_minute,
	    .limit = per_minute,
	};
}

void
budget_fini(struct budget *budget)
{
	free(budget->sent);
	*budget = (struct budget){0};
}

static mono_us
nth_sent(const struct budget *budget, uint32_t n)
{
	return budget->sent[(budget->first + n) % budget->size];
}

static void
forget_old(struct budget *budget, mono_us now)
{
	while (budget->count > 0 && nth_sent(budget, 0) <= now - MINUTE) {
		budget->first = (budget->first + 1) % budget->size;
		budget->count--;
	}
}

void
budget_resize(struct budget *budget, uint32_t per_minute)
{
	uint32_t size = budget->count > per_minute ? budget->count : per_minute;
	mono_us *sent;

	if (per_minute == budget->limit)
		return;
	sent = mem_array(size, sizeof(*sent));
	for (uint32_t i = 0; i < budget->count; i++)
		sent[i] = nth_sent(budget, i);
	free(budget->sent);
	budget->sent = sent;
	budget->size = size;
	budget->first = 0;
	budget->limit = per_minute;
}

uint32_t
budget_last_minute(struct budget *budget, mono_us now)
{
	forget_old(budget, now);
	return budget->count;
}

/* A journey may need more than a whole minute allows: then it may begin when
 * the minute is free, and wait_for is all there is. */
static uint32_t
at_most_limit(const struct budget *budget, uint32_t requests)
{
	return requests < budget->limit ? requests : budget->limit;
}

bool
budget_reserve(struct budget *budget, uint32_t requests, mono_us now)
{
	uint64_t taken =
	    (uint64_t)budget_last_minute(budget, now) + budget->reserved;

	if (taken + at_most_limit(budget, requests) > budget->limit)
		return false;
	budget->reserved += requests;
	return true;
}

void
budget_unreserve(struct budget *budget, uint32_t requests)
{
	assert(budget->reserved >= requests);
	budget->reserved -= requests;
}

bool
budget_send(struct budget *budget, uint32_t *reservation, mono_us now)
{
	uint32_t sent = budget_last_minute(budget, now);

	if (sent >= budget->limit)
		return false;
	if (*reservation > 0) {
		--*reservation;
		budget_unreserve(budget, 1);
	} else if ((uint64_t)sent + budget->reserved >= budget->limit) {
		return false;
	}
	budget->sent[(budget->first + budget->count) % budget->size] = now;
	budget->count++;
	budget->total++;
	return true;
}

dur_us
budget_wait(struct budget *budget, uint32_t requests, mono_us now)
{
	uint64_t wanted = (uint64_t)budget_last_minute(budget, now) +
	    budget->reserved + at_most_limit(budget, requests);
	uint64_t over;

	if (wanted <= budget->limit)
		return 0;
	over = wanted - budget->limit;
	if (over > budget->count)
		return MINUTE; /* only ends of journeys can make room */
	return nth_sent(budget, (uint32_t)over - 1) + MINUTE - now;
}
