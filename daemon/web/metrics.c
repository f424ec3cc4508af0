/*
 * The snapshot for Prometheus: OpenMetrics 1.0, or the classic text format
 * when the reader does not ask for it. A family is written whole before the
 * next one begins; what is not known is left out, never zero.
 */
#include "web-int.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

struct writer {
	struct buf *out;
	const char *vantage;
	bool openmetrics;
};

enum family_type { GAUGE, COUNTER, STATESET, INFO, HISTOGRAM };

/* The classic format knows the name of a counter with its suffix only. */
static void
family(struct writer *w, const char *name, enum family_type type,
    const char *unit, const char *help)
{
	static const char *const types[] = {
	    "gauge", "counter", "stateset", "info", "histogram"};
	const char *suffix = "";
	const char *word = types[type];

	if (!w->openmetrics) {
		suffix = type == COUNTER ? "_total"
		    : type == INFO       ? "_info"
					 : "";
		word = type == COUNTER || type == HISTOGRAM ? types[type]
							    : "gauge";
	}
	buf_printf(w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix,
	    help, name, suffix, word);
	if (w->openmetrics && unit != NULL)
		buf_printf(w->out, "# UNIT %s %s\n", name, unit);
}

static void
label(struct writer *w, char mark, const char *name, const char *value)
{
	buf_printf(w->out, "%c%s=\"", mark, name);
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			buf_addc(w->out, '\\');
		if (*value == '\n')
			buf_adds(w->out, "\\n");
		else
			buf_addc(w->out, *value);
	}
	buf_addc(w->out, '"');
}

/* NAME{vantage,…} VALUE; pairs of names and values end with NULL. */
static void
sample(
    struct writer *w, const char *name, const char *const *labels, double value)
{
	buf_adds(w->out, name);
	label(w, '{', "vantage", w->vantage);
	for (; labels != NULL && *labels != NULL; labels += 2)
		label(w, ',', labels[0], labels[1]);
	if (fabs(value) < 1e15 && value == floor(value))
		buf_printf(w->out, "} %" PRId64 "\n", (int64_t)value);
	else
		buf_printf(w->out, "} %.9g\n", value);
}

static void
single(struct writer *w, const char *name, const char *sample_name,
    enum family_type type, const char *unit, const char *help, double value)
{
	if (isnan(value))
		return;
	family(w, name, type, unit, help);
	sample(w, sample_name, NULL, value);
}

/* ---- per transaction ---- */

typedef void tr_fn(struct writer *w, const char *const *where,
    const struct snap_transaction *tr, enum state state);

static void
tr_up(struct writer *w, const char *const *where,
    const struct snap_transaction *tr, enum state state)
{
	(void)tr;
	if (state == STATE_UP || state == STATE_DEGRADED || state == STATE_DOWN)
		sample(w, "dyzurny_up", where, state == STATE_DOWN ? 0 : 1);
}

static void
extra(const char *const *where, const char *name, const char *value,
    const char *out[12])
{
	size_t n = 0;

	for (; where[n] != NULL; n++)
		out[n] = where[n];
	out[n++] = name;
	out[n++] = value;
	out[n] = NULL;
}

static void
tr_state(struct writer *w, const char *const *where,
    const struct snap_transaction *tr, enum state state)
{
	static const enum state all[] = {STATE_UNKNOWN, STATE_UP,
	    STATE_DEGRADED, STATE_DOWN, STATE_MAINTENANCE};

	(void)tr;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const char *labels[12];

		extra(where, "dyzurny_state", state_name(all[i]), labels);
		sample(w, "dyzurny_state", labels, all[i] == state ? 1 : 0);
	}
}

static void
tr_latency(struct writer *w, const char *const *where,
    const struct snap_transaction *tr, enum state state)
{
	const char *labels[12];

	(void)state;
	if (tr->samples < HIST_SAMPLES_MIN)
		return;
	if (!isnan(tr->p50_ms)) {
		extra(where, "quantile", "0.5", labels);
		sample(w, "dyzurny_latency_seconds", labels, tr->p50_ms / 1000);
	}
	if (!isnan(tr->p95_ms)) {
		extra(where, "quantile", "0.95", labels);
		sample(w, "dyzurny_latency_seconds", labels, tr->p95_ms / 1000);
	}
}

static void
tr_last_latency(struct writer *w, const char *const *where,
    const struct snap_transaction *tr, enum state state)
{
	(void)state;
	if (!isnan(tr->latency_ms))
		sample(w, "dyzurny_last_latency_seconds", where,
		    tr->latency_ms / 1000);
}

static void
tr_last_run(struct writer *w, const char *const *where,
    const struct snap_transaction *tr, enum state state)
{
	(void)state;
	if (tr->last_run > 0)
		sample(w, "dyzurny_last_run_timestamp_seconds", where,
		    (double)(tr->last_run / US_PER_MS) / 1000);
}

static void
tr_availability(struct writer *w, const char *const *where,
    const struct snap_transaction *tr, enum state state)
{
	(void)state;
	if (!isnan(tr->availability_24h))
		sample(w, "dyzurny_availability_24h_ratio", where,
		    tr->availability_24h);
}

static void
tr_results(struct writer *w, const char *const *where,
    const struct snap_transaction *tr, enum state state)
{
	const struct {
		const char *name;
		uint64_t count;
	} all[] = {
	    {"ok", tr->ok}, {"failed", tr->failed}, {"excluded", tr->excluded}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const char *labels[12];

		extra(where, "verdict", all[i].name, labels);
		sample(
		    w, "dyzurny_results_total", labels, (double)all[i].count);
	}
}

static void
each_transaction(struct writer *w, const struct snapshot *snapshot,
    enum freshness fresh, tr_fn *fn)
{
	for (size_t i = 0; i < snapshot->n_operators; i++) {
		const struct snap_operator *op = &snapshot->operators[i];

		for (size_t k = 0; k < op->n_deployments; k++) {
			const struct snap_deployment *dep = op->deployments[k];

			for (size_t j = 0; j < dep->n_transactions; j++) {
				const struct snap_transaction *tr =
				    &dep->transactions[j];
				const char *where[] = {"operator", op->name,
				    "deployment", dep->name, "transaction",
				    tr->name, NULL};

				fn(w, where, tr,
				    fresh == DEAD ? STATE_UNKNOWN : tr->state);
			}
		}
	}
}

static void
transactions(
    struct writer *w, const struct snapshot *snapshot, enum freshness fresh)
{
	static const struct {
		const char *name;
		enum family_type type;
		const char *unit, *help;
		tr_fn *fn;
	} families[] = {
	    {"dyzurny_up", GAUGE, NULL,
		"1 when it works, 0 when it does not, absent when unknown.",
		tr_up},
	    {"dyzurny_state", STATESET, NULL, "State of the target.", tr_state},
	    {"dyzurny_latency_seconds", GAUGE, "seconds",
		"Quantiles of good results over the current window.",
		tr_latency},
	    {"dyzurny_last_latency_seconds", GAUGE, "seconds",
		"Latency of the last good result.", tr_last_latency},
	    {"dyzurny_last_run_timestamp_seconds", GAUGE, "seconds",
		"When the last result was found.", tr_last_run},
	    {"dyzurny_availability_24h_ratio", GAUGE, "ratio",
		"Good results among those that count, over 24 hours.",
		tr_availability},
	    {"dyzurny_results", COUNTER, NULL,
		"Results since the daemon started, by verdict.", tr_results},
	};

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		family(w, families[i].name, families[i].type, families[i].unit,
		    families[i].help);
		each_transaction(w, snapshot, fresh, families[i].fn);
	}
}

/* ---- per operator ---- */

static void
operators(struct writer *w, const struct snapshot *snapshot)
{
	static const struct {
		const char *name, *sample;
		enum family_type type;
		const char *help;
	} families[] = {
	    {"dyzurny_probe_requests", "dyzurny_probe_requests_total", COUNTER,
		"Requests that we sent to the operator."},
	    {"dyzurny_probe_requests_last_minute",
		"dyzurny_probe_requests_last_minute", GAUGE,
		"Requests that we sent in the last minute."},
	    {"dyzurny_probe_budget_per_minute",
		"dyzurny_probe_budget_per_minute", GAUGE,
		"Requests that we may send in a minute."},
	    {"dyzurny_probe_budget_used_ratio",
		"dyzurny_probe_budget_used_ratio", GAUGE,
		"Share of that budget that the last minute took."},
	    {"dyzurny_probe_running", "dyzurny_probe_running", GAUGE,
		"Journeys under way."},
	    {"dyzurny_probe_running_limit", "dyzurny_probe_running_limit",
		GAUGE, "Journeys that may be under way at once."},
	};

	for (size_t f = 0; f < ARRAY_LEN(families); f++) {
		family(w, families[f].name, families[f].type, NULL,
		    families[f].help);
		for (size_t i = 0; i < snapshot->n_operators; i++) {
			const struct snap_operator *op =
			    &snapshot->operators[i];
			const double values[] = {(double)op->requests,
			    op->requests_last_minute, op->budget_per_minute,
			    (double)op->requests_last_minute /
				op->budget_per_minute,
			    op->running, op->budget_parallel};
			const char *labels[] = {"operator", op->name, NULL};

			if (!isnan(values[f]))
				sample(
				    w, families[f].sample, labels, values[f]);
		}
	}
	family(w, "dyzurny_incidents_open", GAUGE, NULL,
	    "Incidents that are open now.");
	sample(
	    w, "dyzurny_incidents_open", NULL, (double)snapshot->n_incidents);
}

static void
accounts_stopped(struct writer *w, const struct snapshot *snapshot)
{
	family(w, "dyzurny_account_stopped", GAUGE, NULL,
	    "1 while logins of a deployment are held back.");
	for (size_t i = 0; i < snapshot->n_operators; i++) {
		const struct snap_operator *op = &snapshot->operators[i];

		for (size_t k = 0; k < op->n_deployments; k++) {
			const char *labels[] = {"operator", op->name,
			    "deployment", op->deployments[k]->name, NULL};

			sample(w, "dyzurny_account_stopped", labels,
			    op->deployments[k]->account_stopped ? 1 : 0);
		}
	}
}

static void
certificates(struct writer *w, const struct snapshot *snapshot)
{
	family(w, "dyzurny_certificate_expiry_timestamp_seconds", GAUGE,
	    "seconds", "When the first certificate of a deployment ends.");
	for (size_t i = 0; i < snapshot->n_operators; i++) {
		const struct snap_operator *op = &snapshot->operators[i];

		for (size_t k = 0; k < op->n_deployments; k++) {
			const struct snap_deployment *dep = op->deployments[k];
			const char *labels[] = {"operator", op->name,
			    "deployment", dep->name, NULL};

			if (dep->cert_not_after != 0)
				sample(w,
				    "dyzurny_certificate_expiry_timestamp_"
				    "seconds",
				    labels,
				    (double)(dep->cert_not_after / US_PER_S));
		}
	}
}

/* ---- of ourselves ---- */

static void
start_lateness(struct writer *w, const struct late_counts *late)
{
	static const char name[] = "dyzurny_run_start_lateness_seconds";
	uint64_t sum = 0;
	char edge[32], sample_name[64];

	family(w, name, HISTOGRAM, "seconds",
	    "How long after they were due runs began, since the start.");
	snprintf(sample_name, sizeof(sample_name), "%s_bucket", name);
	for (unsigned i = 0; i <= LATE_BOUNDS; i++) {
		const char *labels[] = {"le", "+Inf", NULL};

		if (i < LATE_BOUNDS) {
			snprintf(edge, sizeof(edge), "%g",
			    clock_to_ms(late_bound(i)) / 1000);
			labels[1] = edge;
		}
		sum += late->count[i];
		sample(w, sample_name, labels, (double)sum);
	}
	snprintf(sample_name, sizeof(sample_name), "%s_sum", name);
	sample(w, sample_name, NULL, (double)late->sum / US_PER_S);
	snprintf(sample_name, sizeof(sample_name), "%s_count", name);
	sample(w, sample_name, NULL, (double)sum);
}

static void
lateness(struct writer *w, const struct snap_self *self)
{
	static const char *const p99[] = {"quantile", "0.99", NULL};
	static const char *const max[] = {"quantile", "1", NULL};

	family(w, "dyzurny_start_late_seconds", GAUGE, "seconds",
	    "How late runs began, over the recent starts.");
	if (!isnan(self->start_late_p99_ms))
		sample(w, "dyzurny_start_late_seconds", p99,
		    self->start_late_p99_ms / 1000);
	if (!isnan(self->start_late_max_ms))
		sample(w, "dyzurny_start_late_seconds", max,
		    self->start_late_max_ms / 1000);
	family(w, "dyzurny_loop_late_seconds", GAUGE, "seconds",
	    "How late the engine's loop was.");
	if (!isnan(self->loop_late_p99_ms))
		sample(w, "dyzurny_loop_late_seconds", p99,
		    self->loop_late_p99_ms / 1000);
	if (!isnan(self->loop_late_max_ms))
		sample(w, "dyzurny_loop_late_seconds", max,
		    self->loop_late_max_ms / 1000);
	single(w, "dyzurny_loop_busy_ratio", "dyzurny_loop_busy_ratio", GAUGE,
	    "ratio", "Share of time in which the loop was at work.",
	    self->loop_busy_ratio);
}

static void
faults(struct writer *w, const struct snap_self *self)
{
	family(w, "dyzurny_own_fault", GAUGE, NULL,
	    "1 while this is wrong with ourselves.");
	for (size_t i = 0; i < FAULT_COUNT; i++) {
		const char *labels[] = {
		    "fault", fault_name((enum fault)i), NULL};

		sample(w, "dyzurny_own_fault", labels, self->faults[i] ? 1 : 0);
	}
}

static void
ourselves(struct writer *w, const struct snapshot *snapshot)
{
	const struct snap_self *self = &snapshot->self;

	start_lateness(w, &self->start_late);
	lateness(w, self);
	faults(w, self);
	single(w, "dyzurny_start_time_seconds", "dyzurny_start_time_seconds",
	    GAUGE, "seconds", "When the daemon started.",
	    (double)(self->started / US_PER_S));
	single(w, "dyzurny_config_stale", "dyzurny_config_stale", GAUGE, NULL,
	    "1 when the last reload was refused.", self->config_stale ? 1 : 0);
	single(w, "dyzurny_runs", "dyzurny_runs_total", COUNTER, NULL,
	    "Journeys begun.", (double)self->runs);
	single(w, "dyzurny_runs_tainted", "dyzurny_runs_tainted_total", COUNTER,
	    NULL, "Journeys spoilt by our own lateness.",
	    (double)self->runs_tainted);
	single(w, "dyzurny_runs_skipped", "dyzurny_runs_skipped_total", COUNTER,
	    NULL, "Journeys for which there was no room.",
	    (double)self->runs_skipped);
	single(w, "dyzurny_clock_jumps", "dyzurny_clock_jumps_total", COUNTER,
	    NULL, "How often the wall clock was set while we ran.",
	    (double)self->clock_sets);
	single(w, "dyzurny_clock_set_seconds", "dyzurny_clock_set_seconds",
	    GAUGE, "seconds",
	    "By how much the wall clock was set in all while we ran.",
	    self->clock_set_s);
	single(w, "dyzurny_machine_sleeps", "dyzurny_machine_sleeps_total",
	    COUNTER, NULL, "How often the machine slept while we ran.",
	    (double)self->sleeps);
	single(w, "dyzurny_store_queue_bytes", "dyzurny_store_queue_bytes",
	    GAUGE, "bytes", "What waits for the store.",
	    (double)self->store_bytes);
	single(w, "dyzurny_store_queue_limit_bytes",
	    "dyzurny_store_queue_limit_bytes", GAUGE, "bytes",
	    "The most that may wait for the store.",
	    (double)self->store_max_bytes);
	single(w, "dyzurny_store_refused", "dyzurny_store_refused_total",
	    COUNTER, NULL, "Calls that the full store queue refused.",
	    (double)self->store_refused);
	single(w, "dyzurny_store_errors", "dyzurny_store_errors_total", COUNTER,
	    NULL, "Failed writes.", (double)self->store_errors);
}

static void
subscribers(struct writer *w, const struct snapshot *snapshot)
{
	static const struct {
		const char *name, *unit, *help;
	} all[] = {
	    {"dyzurny_subscriber_pending", NULL,
		"Deliveries to a subscriber that are not confirmed yet."},
	    {"dyzurny_subscriber_oldest_seconds", "seconds",
		"Age of the oldest of them."},
	    {"dyzurny_subscriber_failing", NULL, "1 when the last try failed."},
	    {"dyzurny_subscriber_closed", NULL,
		"1 when it answered 410 and is told no more."},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		family(w, all[i].name, GAUGE, all[i].unit, all[i].help);
		for (size_t k = 0; k < snapshot->n_subscribers; k++) {
			const struct snap_subscriber *one =
			    &snapshot->subscribers[k];
			const char *labels[] = {"subscriber", one->name, NULL};
			const double values[] = {(double)one->pending,
			    one->oldest_s, one->failing, one->closed};

			sample(w, all[i].name, labels, values[i]);
		}
	}
}

static void
evidence(struct writer *w, const struct snap_self *self)
{
	single(w, "dyzurny_evidence_files", "dyzurny_evidence_files", GAUGE,
	    NULL, "HAR files that are kept.", (double)self->evidence_files);
	single(w, "dyzurny_evidence_bytes", "dyzurny_evidence_bytes", GAUGE,
	    "bytes", "Size of these files.", (double)self->evidence_bytes);
	single(w, "dyzurny_evidence_skipped", "dyzurny_evidence_skipped_total",
	    COUNTER, NULL, "Runs not kept because there were too many at once.",
	    (double)self->evidence_skipped);
	single(w, "dyzurny_evidence_failed", "dyzurny_evidence_failed_total",
	    COUNTER, NULL, "HAR files that could not be written.",
	    (double)self->evidence_failed);
}

static void
deliveries(struct writer *w, const struct snap_self *self)
{
	const struct {
		const char *state;
		uint64_t count;
	} all[] = {{"confirmed", self->deliveries_confirmed},
	    {"dead", self->deliveries_dead}};

	single(w, "dyzurny_deliveries_pending", "dyzurny_deliveries_pending",
	    GAUGE, NULL, "Deliveries that are not confirmed yet.",
	    (double)self->deliveries_pending);
	family(
	    w, "dyzurny_deliveries", COUNTER, NULL, "Deliveries that ended.");
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const char *labels[] = {"state", all[i].state, NULL};

		sample(w, "dyzurny_deliveries_total", labels,
		    (double)all[i].count);
	}
	single(w, "dyzurny_delivery_failed_attempts",
	    "dyzurny_delivery_failed_attempts_total", COUNTER, NULL,
	    "Tries that failed.", (double)self->deliveries_failed_attempts);
}

bool
metrics_text(const struct snapshot *snapshot, enum freshness fresh, mono_us now,
    uint32_t streams, enum metrics_of of, bool openmetrics, struct buf *out)
{
	static const char *const version[] = {"version", PACKAGE_VERSION, NULL};
	struct writer w = {.out = out,
	    .vantage = snapshot != NULL ? snapshot->vantage : "",
	    .openmetrics = openmetrics};

	family(&w, "dyzurny_build", INFO, NULL, "The program.");
	sample(&w, "dyzurny_build_info", version, 1);
	single(&w, "dyzurny_event_streams", "dyzurny_event_streams", GAUGE,
	    NULL, "Readers of /api/v1/events.", streams);
	if (snapshot != NULL) {
		single(&w, "dyzurny_snapshot_age_seconds",
		    "dyzurny_snapshot_age_seconds", GAUGE, "seconds",
		    "How old these figures are.",
		    (double)((now - snapshot->taken) / US_PER_MS) / 1000);
		if (of == METRICS_ALL) {
			transactions(&w, snapshot, fresh);
			accounts_stopped(&w, snapshot);
			certificates(&w, snapshot);
		}
		operators(&w, snapshot);
		ourselves(&w, snapshot);
		evidence(&w, &snapshot->self);
		subscribers(&w, snapshot);
		deliveries(&w, &snapshot->self);
	}
	if (openmetrics)
		buf_adds(out, "# EOF\n");
	return !out->full;
}
