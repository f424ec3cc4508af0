/*
 * What one rule has seen of one scope: a window of counts that slides in
 * twentieths, the latest bad results as evidence, and the rule's reading of
 * them. When an incident opens is decided in alert.c.
 */
#include "alert-int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "health/health.h"

static bool
is_on_latency(const struct conf_alert *rule)
{
	return rule->kind == CONF_ALERT_LATENCY ||
	    rule->kind == CONF_ALERT_DEVIATION;
}

bool
rule_says_nothing(const struct conf_alert *rule, const struct result *result)
{
	return is_on_latency(rule) && result->latency < 0;
}

bool
rule_counts(const struct conf_alert *rule, const struct result *result)
{
	return !is_on_latency(rule) || result->reason == REASON_OK;
}

void
rule_init(
    struct rule_window *window, const struct conf_alert *rule, dur_us span)
{
	*window = (struct rule_window){.slot_us = span / WINDOW_SLOTS};
	if (window->slot_us < 1) {
		window->slot_us = 1;
	}
	window->limit_ms = NAN;
	if (rule->kind == CONF_ALERT_LATENCY) {
		window->limit_ms = clock_to_ms(rule->above);
	}
	if (is_on_latency(rule)) {
		window->latencies =
		    mem_array(WINDOW_SLOTS, sizeof(*window->latencies));
	}
}

void
rule_fini(struct rule_window *window)
{
	free(window->latencies);
	free(window->evidence);
	window->latencies = NULL;
	window->evidence = NULL;
}

static void
clear_slot(struct rule_window *window, size_t i)
{
	window->ok -= window->slots[i].ok;
	window->failed -= window->slots[i].failed;
	window->slots[i] = (struct counts){0};
	if (window->evidence) {
		memset(window->evidence->reasons[i], 0,
		    sizeof(window->evidence->reasons[i]));
	}
	if (window->latencies) {
		window->latencies[i] = (struct hist){0};
	}
}

bool
rule_advance(struct rule_window *window, mono_us now)
{
	int64_t slot = now / window->slot_us;
	bool moved = slot > window->slot;

	if (slot - window->slot >= WINDOW_SLOTS) {
		for (size_t i = 0; i < WINDOW_SLOTS; i++) {
			clear_slot(window, i);
		}
		window->slot = slot;
	}
	for (; window->slot < slot; window->slot++) {
		clear_slot(window, (size_t)(window->slot + 1) % WINDOW_SLOTS);
	}
	return moved;
}

static uint32_t
take_back_counts(struct counts *counts, uint16_t reasons[REASON_COUNT])
{
	uint32_t taken = 0;

	for (size_t r = 0; r < REASON_COUNT; r++) {
		if (health_reach((enum reason)r) == HEALTH_SILENT) {
			taken += reasons[r];
			reasons[r] = 0;
		}
	}
	counts->failed -= taken;
	return taken;
}

uint32_t
rule_take_back(struct rule_window *window, mono_us since)
{
	int64_t first = since / window->slot_us;
	struct evidence *evidence = window->evidence;
	uint32_t taken = 0;

	if (!evidence) {
		return 0;
	}
	for (int64_t slot = window->slot;
	     slot >= first && slot > window->slot - WINDOW_SLOTS && slot >= 0;
	     slot--) {
		size_t i = (size_t)slot % WINDOW_SLOTS;

		taken +=
		    take_back_counts(&window->slots[i], evidence->reasons[i]);
	}
	window->failed -= taken;
	for (size_t i = 0; i < WINDOW_SAMPLES; i++) {
		struct sample *sample = &evidence->samples[i];

		if (sample->at / window->slot_us >= first &&
		    health_reach(sample->reason) == HEALTH_SILENT) {
			sample->reason = REASON_UPLINK_DOWN;
		}
	}
	return taken;
}

/* A slow result has no phase in which it ended; the longest one is it. */
static enum phase
longest_phase(const struct phase_times *times)
{
	size_t longest = 0;

	for (size_t i = 1; i < PHASE_COUNT; i++) {
		if (times->us[i] > times->us[longest]) {
			longest = i;
		}
	}
	return (enum phase)longest;
}

static struct evidence *
evidence_of(struct rule_window *window)
{
	if (!window->evidence) {
		window->evidence = mem_new(sizeof(*window->evidence));
	}
	return window->evidence;
}

static void
add_sample(struct evidence *evidence, const struct result *result, mono_us now)
{
	struct sample *sample =
	    &evidence->samples[evidence->n_samples++ % WINDOW_SAMPLES];

	*sample = (struct sample){
	    .at = now,
	    .reason = result->reason,
	    .phase = result->reason == REASON_OK
		? longest_phase(&result->phases)
		: result->phase,
	    .http_status = result->http_status,
	};
	text_copy(sample->step, sizeof(sample->step), result->step);
	text_copy(sample->trace_id, sizeof(sample->trace_id), result->run_id);
}

bool
rule_add(struct rule_window *window, const struct result *result, mono_us now)
{
	size_t i = (size_t)window->slot % WINDOW_SLOTS;
	struct counts *counts = &window->slots[i];
	uint16_t *reason;
	bool ok = result->reason == REASON_OK, bad = !ok;

	if (ok) {
		counts->ok++;
		window->ok++;
	} else {
		counts->failed++;
		window->failed++;
	}
	if (!ok && !result->from_tally) {
		reason = &evidence_of(window)->reasons[i][result->reason];
		if (*reason < UINT16_MAX) {
			++*reason;
		}
	}
	if (window->latencies) {
		bad = ok && clock_to_ms(result->latency) > window->limit_ms;
		if (ok) {
			hist_add(&window->latencies[i], result->latency);
		}
	}
	if (bad && !result->from_tally) {
		add_sample(evidence_of(window), result, now);
	}
	return bad;
}

/* How fast the budget of errors is spent: 1 spends exactly all of it. */
static double
burn_rate(const struct conf_alert *rule, uint32_t ok, uint32_t failed)
{
	return (double)failed / (double)(ok + failed) / (1 - rule->objective);
}

#define BURNS_NOW 2

/*
 * It must burn over the whole window, and still burn now: in the current
 * twentieth and the one before. The first keeps a single failure from calling
 * anybody, the second ends it soon after it has ended; of so few runs one that
 * fails does not say that it burns.
 * Source: Beyer et al., The Site Reliability Workbook, chapter 5.
 */
static struct reading
read_burn_rate(const struct rule_window *window, const struct conf_alert *rule)
{
	struct reading reading = {
	    .samples = window->ok + window->failed, .failed = window->failed};
	struct counts now = {0};

	for (int64_t slot = window->slot; slot >= 0 && slot > window->slot - 2;
	     slot--) {
		now.ok += window->slots[slot % WINDOW_SLOTS].ok;
		now.failed += window->slots[slot % WINDOW_SLOTS].failed;
	}
	if (reading.samples > 0) {
		reading.value = burn_rate(rule, window->ok, window->failed);
		reading.bad = reading.value > rule->factor &&
		    now.failed >= BURNS_NOW &&
		    burn_rate(rule, now.ok, now.failed) > rule->factor;
	}
	return reading;
}

/* The limit of a latency rule is its own, of a deviation what baseline.c makes
 * of the hour: without one, and of too few results, it says nothing at all. */
static struct reading
read_latency(const struct rule_window *window, const struct conf_alert *rule)
{
	struct reading reading = {.failed = window->failed};
	struct hist sum = {0};

	for (size_t i = 0; i < WINDOW_SLOTS; i++) {
		hist_merge(&sum, &window->latencies[i]);
	}
	if (rule->kind == CONF_ALERT_DEVIATION &&
	    (isnan(window->limit_ms) || sum.total < rule->min_samples)) {
		return reading;
	}
	if (hist_percentile_ms(&sum, rule->quantile, &reading.value)) {
		reading.samples = sum.total;
		reading.bad = reading.value > window->limit_ms;
	}
	return reading;
}

struct reading
rule_read(const struct rule_window *window, const struct conf_alert *rule)
{
	struct reading reading = {.failed = window->failed};

	switch (rule->kind) {
	case CONF_ALERT_BURN_RATE:
		return read_burn_rate(window, rule);
	case CONF_ALERT_CERTIFICATE: /* watch.c reads these */
	case CONF_ALERT_NO_DATA:
		break;
	case CONF_ALERT_AVAILABILITY:
		reading.samples = window->ok + window->failed;
		if (reading.samples > 0) {
			reading.value =
			    (double)window->ok / (double)reading.samples;
			reading.bad = reading.value < rule->below;
		}
		break;
	case CONF_ALERT_LATENCY:
	case CONF_ALERT_DEVIATION:
		return read_latency(window, rule);
	}
	return reading;
}

const char *
rule_unit(enum conf_alert_kind kind)
{
	static const char *const units[] = {
	    [CONF_ALERT_AVAILABILITY] = "ratio",
	    [CONF_ALERT_LATENCY] = "ms",
	    [CONF_ALERT_BURN_RATE] = "times",
	    [CONF_ALERT_CERTIFICATE] = "days",
	    [CONF_ALERT_NO_DATA] = "min",
	    [CONF_ALERT_DEVIATION] = "ms",
	};

	return units[kind];
}

double
rule_threshold(const struct conf_alert *rule, dur_us span)
{
	switch (rule->kind) {
	case CONF_ALERT_AVAILABILITY:
		return rule->below;
	case CONF_ALERT_LATENCY:
		return clock_to_ms(rule->above);
	case CONF_ALERT_BURN_RATE:
		return rule->factor;
	case CONF_ALERT_CERTIFICATE:
		return (double)rule->within / (86400.0 * US_PER_S);
	case CONF_ALERT_NO_DATA:
		return (double)span / (60.0 * US_PER_S);
	case CONF_ALERT_DEVIATION: /* baseline.c knows it */
		break;
	}
	return NAN;
}

double
rule_worse(const struct conf_alert *rule, double worst, double value)
{
	return rule->kind == CONF_ALERT_AVAILABILITY ||
		rule->kind == CONF_ALERT_CERTIFICATE
	    ? fmin(worst, value)
	    : fmax(worst, value);
}

/* Something new must be a quarter more frequent than what was said before,
 * lest two equal causes take turns in the timeline. */
static bool
outweighs(uint64_t candidate, uint64_t present)
{
	return 4 * candidate > 5 * present;
}

/* The i-th newest sample; there must be evidence. */
static const struct sample *
sample_at(const struct rule_window *window, size_t i)
{
	const struct evidence *evidence = window->evidence;

	return &evidence
		    ->samples[(evidence->n_samples - 1 - i) % WINDOW_SAMPLES];
}

/* How many of the newest samples lie inside the window. */
static size_t
samples_within(const struct rule_window *window, mono_us now)
{
	mono_us since = now - window->slot_us * WINDOW_SLOTS;
	size_t i = 0;

	while (window->evidence && i < WINDOW_SAMPLES &&
	    i < window->evidence->n_samples &&
	    sample_at(window, i)->at > since) {
		i++;
	}
	return i;
}

static bool
same_place(const struct sample *a, const struct sample *b)
{
	return a->phase == b->phase && a->http_status == b->http_status &&
	    strcmp(a->step, b->step) == 0;
}

static uint32_t
count_like(
    const struct rule_window *window, size_t live, const struct sample *like)
{
	uint32_t n = 0;

	for (size_t i = 0; i < live; i++) {
		const struct sample *sample = sample_at(window, i);

		n += sample->reason == like->reason && same_place(sample, like);
	}
	return n;
}

static enum reason
frequent_reason(const struct rule_window *window, const struct facts *facts)
{
	uint32_t sums[REASON_COUNT] = {0};
	size_t best = REASON_OK;

	for (size_t i = 0; window->evidence && i < WINDOW_SLOTS; i++) {
		for (size_t r = 0; r < REASON_COUNT; r++) {
			sums[r] += window->evidence->reasons[i][r];
		}
	}
	for (size_t r = 0; r < REASON_COUNT; r++) {
		if (sums[r] > sums[best]) {
			best = r;
		}
	}
	if (facts->known && sums[facts->reason] > 0 &&
	    !outweighs(sums[best], sums[facts->reason])) {
		return facts->reason;
	}
	return (enum reason)best;
}

void
rule_facts(const struct rule_window *window, mono_us now, struct facts *facts)
{
	enum reason reason =
	    window->latencies ? REASON_OK : frequent_reason(window, facts);
	const struct sample *best = NULL;
	size_t live = samples_within(window, now);
	uint32_t most = 0;

	for (size_t i = 0; i < live; i++) {
		const struct sample *sample = sample_at(window, i);
		uint32_t n;

		if (sample->reason != reason) {
			continue;
		}
		n = count_like(window, live, sample);
		if (n > most) {
			most = n;
			best = sample;
		}
	}
	if (!best) {
		return; /* nothing in the window to say it better */
	}
	if (facts->known && facts->reason == reason) {
		struct sample before = {.reason = reason,
		    .phase = facts->phase,
		    .http_status = facts->http_status};
		uint32_t n;

		text_copy(before.step, sizeof(before.step), facts->step);
		n = count_like(window, live, &before);
		if (n > 0 && !outweighs(most, n)) {
			return;
		}
	}
	facts->known = true;
	facts->reason = reason;
	facts->phase = best->phase;
	facts->http_status = best->http_status;
	text_copy(facts->step, sizeof(facts->step), best->step);
}

void
rule_traces(const struct rule_window *window, mono_us now,
    char ids[INCIDENT_TRACES][TRACE_ID_SIZE])
{
	size_t live = samples_within(window, now);
	size_t n = 0;

	memset(ids, 0, sizeof(ids[0]) * INCIDENT_TRACES);
	for (size_t i = 0; i < live; i++) {
		const struct sample *sample = sample_at(window, i);
		bool seen = sample->trace_id[0] == '\0' ||
		    sample->reason == REASON_UPLINK_DOWN;

		for (size_t k = 0; k < n; k++) {
			seen = seen || strcmp(ids[k], sample->trace_id) == 0;
		}
		if (!seen && n < INCIDENT_TRACES) {
			text_copy(ids[n++], TRACE_ID_SIZE, sample->trace_id);
		}
	}
}

mono_us
rule_next_slot(const struct rule_window *window)
{
	return window->ok + window->failed > 0
	    ? (window->slot + 1) * window->slot_us
	    : INT64_MAX;
}

/* The oldest of those that are left goes first. */
mono_us
rule_next_sample(const struct rule_window *window, mono_us now)
{
	size_t live = samples_within(window, now);

	return live > 0
	    ? sample_at(window, live - 1)->at + window->slot_us * WINDOW_SLOTS
	    : INT64_MAX;
}
