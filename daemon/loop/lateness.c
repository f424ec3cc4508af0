/*
 * How long ready events had to wait: turns are judged when the next one
 * begins, timers when they run. What was found goes into slots of 10 ms.
 */
#include "lateness.h"

#include <string.h>

#define LEAST US_PER_MS
#define STEP_FIRST (US_PER_MS / 10)

static mono_us
earlier(mono_us a, mono_us b)
{
	return a < b ? a : b;
}

static mono_us
later(mono_us a, mono_us b)
{
	return a > b ? a : b;
}

/* ---- slots ---- */

/* Makes the slots up to `number` ours; what was in them is five minutes old. */
static void
advance(struct lateness *lateness, int64_t number)
{
	int64_t from = lateness->newest + 1;

	if (number < from)
		return;
	if (number - from >= LATENESS_SLOTS)
		from = number - LATENESS_SLOTS + 1;
	for (int64_t i = from; i <= number; i++)
		lateness->slots[i % LATENESS_SLOTS] = (struct slot){0};
	lateness->newest = number;
}

static void
note(struct lateness *lateness, mono_us begin, mono_us end)
{
	dur_us length = end - begin;
	int64_t last = (end - 1) / LATENESS_SLOT;
	int64_t first = begin / LATENESS_SLOT;

	if (length < LEAST)
		return;
	advance(lateness, last);
	if (first <= last - LATENESS_SLOTS)
		first = last - LATENESS_SLOTS + 1;
	if (length > UINT32_MAX)
		length = UINT32_MAX;
	for (int64_t i = first; i <= last; i++) {
		struct slot *slot = &lateness->slots[i % LATENESS_SLOTS];
		mono_us from =
		    later(i * LATENESS_SLOT, later(begin, lateness->covered));
		mono_us to = earlier((i + 1) * LATENESS_SLOT, end);

		if (length > slot->longest)
			slot->longest = (uint32_t)length;
		if (to > from)
			slot->sum += (uint32_t)(to - from);
	}
	lateness->covered = later(lateness->covered, end);
}

/* ---- seconds ---- */

static struct second *
second_of(struct lateness *lateness, mono_us now)
{
	int64_t number = now / US_PER_S;
	struct second *second = &lateness->seconds[number % LATENESS_SECONDS];

	if (second->number != number) {
		memset(second, 0, sizeof(*second));
		second->number = number;
	}
	return second;
}

static size_t
step_of(dur_us length)
{
	size_t step = 0;

	for (dur_us edge = STEP_FIRST;
	     length > edge && step < LATENESS_STEPS - 1; edge *= 2)
		step++;
	return step;
}

/* ---- turns ---- */

/* The last turn, now that it is known whether anybody waited for its end. */
static void
judge(struct lateness *lateness, bool waited)
{
	struct turn *turn = &lateness->turn;
	mono_us until = waited ? turn->end : turn->last;
	struct second *second;
	dur_us wait;

	if (turn->begin == 0)
		return;
	wait = until > turn->begin ? until - turn->begin : 0;
	second = second_of(lateness, turn->end);
	second->turns[step_of(wait)]++;
	if (wait > second->max)
		second->max = wait;
	note(lateness, turn->begin, turn->begin + wait);
	*turn = (struct turn){0};
}

bool
lateness_on(const struct lateness *lateness)
{
	return lateness->turn.begin != 0 && lateness->turn.end == 0;
}

void
lateness_wake(struct lateness *lateness, mono_us now, mono_us due)
{
	if (lateness_on(lateness))
		return;
	judge(lateness, false);
	lateness->turn =
	    (struct turn){.begin = now, .since = earlier(now, due)};
	lateness->before = 0;
	lateness->held = 0;
}

void
lateness_event(struct lateness *lateness, mono_us now, bool at_once,
    mono_us due, const struct seen *seen)
{
	if (!lateness_on(lateness)) {
		const struct turn *turn = &lateness->turn;

		lateness->before = 0;
		if (at_once && turn->begin != 0)
			lateness->before = now - turn->since;
		else if (now > due)
			lateness->before = now - due;
		judge(lateness, at_once);
		lateness->turn = (struct turn){.begin = now, .since = now};
		lateness_timer(lateness, due, now);
	}
	lateness->turn.last = now;
	lateness->held = now - lateness->turn.begin;
	lateness->waited = lateness->before + now - lateness->turn.begin;
	if (seen == NULL)
		return;
	lateness->waited = earlier(lateness->waited, now - seen->after);
	lateness->held = later(lateness->held, now - seen->by);
}

dur_us
lateness_unseen(const struct lateness *lateness, mono_us now)
{
	return lateness_on(lateness)
	    ? lateness->before + now - lateness->turn.since
	    : 0;
}

void
lateness_sleep(struct lateness *lateness, mono_us now)
{
	if (!lateness_on(lateness))
		return;
	lateness->turn.end = now;
	lateness->held = 0;
	second_of(lateness, now)->busy += now - lateness->turn.begin;
}

void
lateness_timer(struct lateness *lateness, mono_us due, mono_us now)
{
	struct second *second = second_of(lateness, now);

	lateness->waited = now > due ? now - due : 0;
	lateness->held = 0;
	if (now <= due)
		return;
	note(lateness, due, now);
	if (now - due > second->max)
		second->max = now - due;
}

/* ---- what was seen ---- */

static void
add_unjudged(const struct lateness *lateness, mono_us from, mono_us to,
    mono_us now, struct loop_late *out)
{
	const struct turn *turn = &lateness->turn;
	mono_us end = earlier(turn->end != 0 ? turn->end : now, to);
	mono_us begin = later(later(turn->begin, lateness->covered), from);

	if (turn->begin == 0 || end - turn->begin < LEAST)
		return;
	if (end > from && end - turn->begin > out->longest)
		out->longest = end - turn->begin;
	if (end > begin)
		out->sum += end - begin;
}

void
lateness_between(const struct lateness *lateness, mono_us from, mono_us to,
    mono_us now, struct loop_late *out)
{
	int64_t first = from / LATENESS_SLOT;
	int64_t last = (to - 1) / LATENESS_SLOT;

	*out = (struct loop_late){0};
	if (to <= from)
		return;
	if (first <= lateness->newest - LATENESS_SLOTS)
		first = lateness->newest - LATENESS_SLOTS + 1;
	if (last > lateness->newest)
		last = lateness->newest;
	for (int64_t i = first; i <= last; i++) {
		const struct slot *slot = &lateness->slots[i % LATENESS_SLOTS];
		dur_us part = earlier((i + 1) * LATENESS_SLOT, to) -
		    later(i * LATENESS_SLOT, from);

		out->sum += earlier(slot->sum, part);
		if (slot->longest > out->longest)
			out->longest = slot->longest;
	}
	add_unjudged(lateness, from, to, now, out);
}

void
lateness_summary(
    const struct lateness *lateness, mono_us now, struct loop_lateness *out)
{
	int64_t number = now / US_PER_S;
	uint64_t turns[LATENESS_STEPS] = {0};
	uint64_t total = 0;
	uint64_t seen = 0;
	dur_us edge = STEP_FIRST;
	dur_us busy = 0;
	unsigned seconds = 0;

	*out = (struct loop_lateness){0};
	for (size_t i = 0; i < LATENESS_SECONDS; i++) {
		const struct second *second = &lateness->seconds[i];

		if (second->number <= number - LATENESS_SECONDS ||
		    second->number == 0)
			continue;
		seconds++;
		busy += second->busy;
		if (second->max > out->max)
			out->max = second->max;
		for (size_t s = 0; s < LATENESS_STEPS; s++) {
			turns[s] += second->turns[s];
			total += second->turns[s];
		}
	}
	if (total == 0)
		return;
	out->busy_ratio = (double)busy / (double)(seconds * US_PER_S);
	if (out->busy_ratio > 1.0)
		out->busy_ratio = 1.0;
	for (size_t s = 0; s < LATENESS_STEPS; s++, edge *= 2) {
		seen += turns[s];
		if (100 * seen >= 99 * total) {
			out->p99 = edge < out->max ? edge : out->max;
			return;
		}
	}
}
