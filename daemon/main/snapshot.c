/*
 * The picture as the pages and the API will show it: deployments are written on
 * their page when there is something new of them, a snapshot adds the sums.
 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine.h"

/* A snapshot's arena is bounded by what the configuration can name. */
void *
engine_need(struct snapshot *snapshot, size_t n, size_t size)
{
	void *memory = arena_alloc(&snapshot->arena, n * size + 1);

	if (memory == NULL)
		log_fatal("out of memory", "for=snapshot");
	return memory;
}

char *
engine_need_text(struct snapshot *snapshot, const char *text)
{
	char *copy = engine_need(snapshot, strlen(text), 1);

	memcpy(copy, text, strlen(text) + 1);
	return copy;
}

static double
percentile_or_nan(const struct hist *hist, double q)
{
	double ms;

	return hist_percentile_ms(hist, q, &ms) ? ms : NAN;
}

static void
fill_window(struct snap_transaction *to, const struct hist *hist)
{
	to->samples = hist->total;
	to->p50_ms = percentile_or_nan(hist, 0.50);
	to->p95_ms = percentile_or_nan(hist, 0.95);
}

/* An instant of the steady clock, by the clock that the reader has now. */
static wall_us
shown(const struct engine *engine, wall_us steady)
{
	return steady > 0 ? steady + engine->clock_set : 0;
}

static void
fill_last(struct snap_transaction *to, const struct result *last, dur_us set)
{
	to->reason = last->reason;
	memcpy(to->step, last->step, sizeof(to->step));
	memcpy(to->run_id, last->run_id, sizeof(to->run_id));
	to->last_run = last->started_wall + set;
}

static void
fill_transaction(struct engine *engine, struct snap_transaction *to,
    const struct engine_target *entry)
{
	const struct health *health = &entry->health;
	struct hist window;

	to->state = health->state;
	to->since = shown(engine, health->since);
	if (health->last.target != NULL)
		fill_last(
		    to, &health->last, engine->clock_set - entry->clock_set);
	to->decided = shown(engine, health->decided);
	to->patience = entry->policy.stale;
	to->failure = health->failure;
	memcpy(
	    to->failure_step, health->failure_step, sizeof(to->failure_step));
	to->latency_ms = health->last_ok_latency > 0
	    ? clock_to_ms(health->last_ok_latency)
	    : NAN;
	health_window(
	    health, &entry->policy, clock_mono(engine->clock), &window);
	fill_window(to, &window);
	if (!health_availability(
		health, engine_steady(engine), &to->availability_24h))
		to->availability_24h = NAN;
	to->runs = health->runs;
	to->ok = health->total.ok;
	to->failed = health->total.failed;
	to->excluded = health->total.excluded;
}

static struct brief
brief_of(const struct snap_transaction *act)
{
	return (struct brief){
	    .last_run = act->last_run,
	    .since = act->since,
	    .state = (uint8_t)act->state,
	    .bad = act->reason != REASON_OK,
	};
}

void
engine_show(struct engine *engine, struct member *member)
{
	struct board_op *op = member->op;
	size_t first = member->place * op->n_acts;
	struct snap_deployment *to = board_change(member);
	struct sched_deployment_stats stats;

	sched_slot_stats(engine->sched, member->slot, &stats);
	to->every_now = stats.every_now;
	to->account_stopped = stats.account_stopped;
	to->account_reason = stats.account_reason;
	to->cert_not_after = 0;
	for (size_t i = 0; i < op->n_acts; i++) {
		const struct engine_target *entry =
		    &engine->by_target[op->targets[first + i]];

		fill_transaction(engine, &to->transactions[i], entry);
		if (entry->cert_not_after != 0 &&
		    (to->cert_not_after == 0 ||
			entry->cert_not_after < to->cert_not_after))
			to->cert_not_after = entry->cert_not_after;
		op->briefs[first + i] = brief_of(&to->transactions[i]);
		op->act_states[i] = entry->health.state;
	}
	to->state = health_roll_up(op->act_states, op->n_acts).state;
	op->states[member->place] = to->state;
	member->stale = false;
}

/* The newest trouble explains the row; else the newest run. */
static bool
explains_better(const struct brief *one, const struct brief *best)
{
	if (one->last_run == 0 || best == NULL)
		return one->last_run > 0;
	return one->bad == best->bad ? one->last_run > best->last_run
				     : one->bad;
}

static void
explain(const struct board_op *op, size_t act, struct snap_transaction *sum)
{
	const struct brief *best = NULL;
	const struct snap_transaction *from;

	for (size_t i = 0; i < op->n; i++) {
		const struct brief *one = &op->briefs[i * op->n_acts + act];

		if (explains_better(one, best))
			best = one;
	}
	if (best == NULL)
		return;
	from = &op->now[(size_t)(best - op->briefs) / op->n_acts]
		    ->transactions[act];
	sum->reason = from->reason;
	memcpy(sum->step, from->step, sizeof(sum->step));
	memcpy(sum->run_id, from->run_id, sizeof(sum->run_id));
	sum->last_run = from->last_run;
	sum->decided = from->decided;
	sum->latency_ms = from->latency_ms;
}

/* Since when any deployment has been what the operator is; 0 when none is,
 * but all are slow together. */
static wall_us
since_of(const struct board_op *op, size_t act, enum state state)
{
	wall_us since = 0;

	for (size_t i = 0; i < op->n; i++) {
		const struct brief *one = &op->briefs[i * op->n_acts + act];

		if (one->state == state && one->since > 0 &&
		    (since == 0 || one->since < since))
			since = one->since;
	}
	return since;
}

static double
day_ratio(const struct health_counts *day)
{
	uint32_t verdicts = day->ok + day->failed;

	return verdicts > 0 ? (double)day->ok / verdicts : NAN;
}

/* `states` is room for one of each deployment. */
static void
sum_up(struct engine *engine, const struct board_op *op, size_t act,
    enum state *states, struct snap_transaction *sum)
{
	const struct conf_health *conf = &engine->plan->conf->health;
	const struct health_pool *pool = op->pools[act];
	struct health_group group;
	struct health_counts day;
	struct hist window;

	sum->name = op->acts[act];
	sum->title = op->act_titles[act];
	sum->latency_ms = NAN;
	explain(op, act, sum);
	for (size_t i = 0; i < op->n; i++)
		states[i] = (enum state)op->briefs[i * op->n_acts + act].state;
	group = health_roll_up(states, op->n);
	health_pool_window(
	    pool, conf->window, clock_mono(engine->clock), &window);
	sum->state = health_group_pace(group.state, &window, conf->slow);
	sum->deployments_unknown = group.unknown;
	sum->since = since_of(op, act, sum->state);
	fill_window(sum, &window);
	health_pool_day(pool, engine_steady(engine), &day);
	sum->availability_24h = day_ratio(&day);
	sum->runs = pool->runs;
	sum->ok = pool->ok;
	sum->failed = pool->failed;
	sum->excluded = pool->excluded;
}

static void
fill_operator(struct engine *engine, struct snapshot *snapshot,
    const struct board_op *op, struct snap_operator *to)
{
	size_t most = op->n > op->n_acts ? op->n : op->n_acts;
	enum state *states = engine_need(snapshot, most, sizeof(*states));
	struct sched_operator_stats stats;

	to->name = op->name;
	to->title = op->title;
	to->budget_per_minute = op->conf->per_minute;
	to->budget_parallel = op->conf->parallel;
	to->n_transactions = op->n_acts;
	to->transactions =
	    engine_need(snapshot, op->n_acts, sizeof(*to->transactions));
	board_show(op, snapshot, to);
	for (size_t i = 0; i < op->n_acts; i++)
		sum_up(engine, op, i, states, &to->transactions[i]);
	to->deployments_unknown = health_roll_up(op->states, op->n).unknown;
	for (size_t i = 0; i < op->n_acts; i++)
		states[i] = to->transactions[i].state;
	to->state = health_roll_up(states, op->n_acts).state;
	if (sched_operator_stats(engine->sched, op->name, &stats)) {
		to->requests_last_minute = stats.requests_last_minute;
		to->running = stats.running;
		to->requests = stats.requests;
	}
}

static void
fill_store(struct engine *engine, struct snap_self *self)
{
	struct mailbox_stats queue;
	struct series_stats series;
	struct ledger_stats ledger;

	lane_stats(engine->store, &queue);
	series_stats(engine->series, &series);
	ledger_stats(engine->ledger, &ledger);
	self->store_refused = queue.refused;
	self->store_bytes = queue.bytes;
	self->store_max_bytes = queue.max_bytes;
	self->store_errors = series.errors + ledger.errors;
	text_copy(self->store_problem, sizeof(self->store_problem),
	    series.problem[0] != '\0' ? series.problem : ledger.problem);
}

/* Ours or that of the probers, whichever is worse. */
static void
lateness(struct engine *engine, struct loop_lateness *late)
{
	struct loop_lateness probers;

	loop_lateness(engine->loop, late);
	crew_lateness(engine->crew, &probers);
	if (late->p99 < probers.p99)
		late->p99 = probers.p99;
	if (late->max < probers.max)
		late->max = probers.max;
	if (late->busy_ratio < probers.busy_ratio)
		late->busy_ratio = probers.busy_ratio;
}

static void
fill_self(struct engine *engine, struct snap_self *self)
{
	struct sched_stats sched;
	struct loop_lateness late;
	struct notify_stats notify;
	struct evidence_stats evidence;

	sched_stats(engine->sched, &sched);
	lateness(engine, &late);
	notify_stats(engine->notify, &notify);
	evidence_store_stats(engine->evidence, &evidence);
	*self = (struct snap_self){
	    .started = engine->started,
	    .config_loaded = engine->config_loaded,
	    .config_stale = engine->config_stale,
	    .runs = sched.runs,
	    .runs_tainted = engine->runs_tainted,
	    .clock_sets = engine->clock_sets,
	    .clock_set_s = clock_to_ms(engine->clock_set) / 1000,
	    .sleeps = engine->sleeps,
	    .runs_skipped = sched.skipped,
	    .start_late_p99_ms = clock_to_ms(sched.start_late_p99),
	    .start_late_max_ms = clock_to_ms(sched.start_late_max),
	    .start_late = sched.start_late,
	    .loop_late_p99_ms = clock_to_ms(late.p99),
	    .loop_late_max_ms = clock_to_ms(late.max),
	    .loop_busy_ratio = late.busy_ratio,
	    .evidence_files = evidence.files,
	    .evidence_bytes = evidence.bytes,
	    .evidence_skipped = evidence.skipped,
	    .evidence_failed = evidence.failed,
	    .deliveries_pending = notify.pending,
	    .deliveries_confirmed = notify.confirmed,
	    .deliveries_dead = notify.dead,
	    .deliveries_failed_attempts = notify.failed_attempts,
	};
	fill_store(engine, self);
	engine_faults_fill(engine, self);
}

static void
fill_incidents(struct engine *engine, struct snapshot *snapshot)
{
	const struct incident *incidents;
	size_t n = alert_open(engine->alert, &incidents);

	snapshot->incidents = engine_need(snapshot, n, sizeof(*incidents));
	snapshot->n_incidents = n;
	for (size_t i = 0; i < n; i++)
		snapshot->incidents[i] = incidents[i];
}

struct snapshot *
engine_snapshot(struct engine *engine)
{
	const struct conf *conf = engine->plan->conf;
	struct board *board = engine->board;
	struct snapshot *snapshot = snapshot_new();

	snapshot->number = ++engine->snapshot_number;
	snapshot->time = clock_wall(engine->clock);
	snapshot->taken = clock_boot(engine->clock);
	snapshot->vantage = engine_need_text(snapshot, conf->vantage);
	snapshot->simulated = conf->simulated;
	snapshot->notice = conf->maintenance.notice;
	snapshot->window_s = (double)conf->health.window / US_PER_S;
	snapshot->n_operators = board->n_ops;
	snapshot->operators =
	    engine_need(snapshot, board->n_ops, sizeof(*snapshot->operators));
	snapshot_keep(snapshot, board->names);
	for (size_t i = 0; i < board->n_ops; i++)
		fill_operator(
		    engine, snapshot, &board->ops[i], &snapshot->operators[i]);
	fill_incidents(engine, snapshot);
	engine_stops_fill(engine, snapshot);
	engine_subscribers_fill(engine, snapshot);
	fill_self(engine, &snapshot->self);
	return snapshot;
}
