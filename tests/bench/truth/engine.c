/*
 * Our own engine's rooms, with journeys of ours and those of the load.
 */
#include "engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "probe/evidence.h"
#include "probe/probe.h"

#define EACH (50 * US_PER_MS) /* a journey of ours, under load */
#define TRANSACTIONS_MAX 4

struct kind { /* of journeys */
	const struct conf_operator *op;
	struct probe_program *program;
	const struct target *targets[TRANSACTIONS_MAX];
};

struct engine_bench {
	const struct truth_world *world;
	struct plan *plan;
	char *agent;
	struct target_set *targets;
	struct loop *loop;
	struct http_client *http;
	struct probe *probe;
	struct kind truth, load;
	struct errors *errors; /* of the runs under way */
	size_t running;
	struct loop_timer *next_truth, *next_load;
	double rate, due; /* of the load: a second; us */
	mono_us until;
	size_t load_running, begun, ok, results, tainted, most;
	size_t reasons[REASON_COUNT]; /* of the load's results */
	uint64_t random;
};

static void
make_kind(struct engine_bench *bench, struct kind *kind, const char *name)
{
	const struct conf *conf = bench->plan->conf;

	kind->op = conf_operator_find(conf, name);
	kind->program =
	    bench->plan->programs[kind->op->profile - conf->profiles];
	for (size_t i = 0; i < probe_program_transactions(kind->program); i++)
		kind->targets[i] = target_intern(bench->targets, name, "d",
		    probe_program_transaction(kind->program, i));
}

static void
start(struct engine_bench *bench, const struct kind *kind,
    const struct probe_events *events)
{
	probe_start(bench->probe,
	    &(struct probe_job){
		.conf = bench->plan->conf,
		.program = kind->program,
		.op = kind->op,
		.deployment = &kind->op->deployments[0],
		.targets = kind->targets,
		.due = loop_now(bench->loop),
	    },
	    events);
}

/* ---- runs of ours ---- */

static void
finish_nothing(void *arg, struct result result)
{
	(void)arg;
	(void)result;
}

static void
take_exchange(struct engine_bench *bench, const struct truth_run *truth,
    const struct run *run, size_t i, bool tainted)
{
	const struct run_exchange *exchange = &run->exchanges[i];
	int64_t phases[PHASE_COUNT];

	for (size_t p = 0; p < PHASE_COUNT; p++)
		phases[p] = exchange->phases.us[p] * 1000;
	errors_exchange(
	    bench->errors, truth, i, phases, exchange->latency * 1000, tainted);
}

static void
take_run(struct engine_bench *bench, const struct run *run)
{
	const struct truth_run *truth = truth_find(bench->world->book, run->id);
	bool tainted[2];

	for (size_t i = 0; i < 2 && i < run->n_results; i++) {
		enum reason reason = run->results[i].reason;

		tainted[i] = reason == REASON_TAINTED;
		bench->errors->results++;
		bench->errors->tainted += tainted[i];
		bench->errors->failed += reason != REASON_OK && !tainted[i];
	}
	if (truth == NULL || run->n_exchanges != TRUTH_EXCHANGES ||
	    run->n_results != 2)
		return;
	for (size_t i = 0; i < TRUTH_EXCHANGES; i++)
		take_exchange(bench, truth, run, i, tainted[i == 3]);
	errors_transaction(
	    bench->errors, truth, run->results[0].latency * 1000, tainted[0]);
}

static void
stop_when_done(struct engine_bench *bench)
{
	if (bench->running == 0 && bench->load_running == 0 &&
	    loop_now(bench->loop) >= bench->until)
		loop_stop(bench->loop);
}

static void
on_truth_end(void *arg, const struct run *run)
{
	struct engine_bench *bench = arg;

	take_run(bench, run);
	bench->running--;
	stop_when_done(bench);
}

static void
start_truth(struct engine_bench *bench)
{
	const struct probe_events events = {
	    .finish = finish_nothing, .end = on_truth_end, .arg = bench};

	bench->running++;
	start(bench, &bench->truth, &events);
}

static void
on_next_truth(void *arg)
{
	struct engine_bench *bench = arg;

	if (loop_now(bench->loop) >= bench->until) {
		stop_when_done(bench);
		return;
	}
	start_truth(bench);
	loop_timer_start(bench->next_truth, EACH);
}

/* ---- the load ---- */

static void
on_load_finish(void *arg, struct result result)
{
	struct engine_bench *bench = arg;

	bench->results++;
	bench->ok += result.reason == REASON_OK;
	bench->tainted += result.reason == REASON_TAINTED;
	bench->reasons[result.reason]++;
}

/* What the daemon makes of each run is made here, too. */
static void
on_load_end(void *arg, const struct run *run)
{
	struct engine_bench *bench = arg;
	struct jv *evidence = evidence_run(run);
	struct buf json;

	buf_init(&json, 1024 * 1024);
	(void)jv_dump(evidence, &json);
	buf_fini(&json);
	jv_release(evidence);
	bench->load_running--;
	stop_when_done(bench);
}

/* Stable phases from a hash make starts that look like a Poisson process. */
static double
next_gap(struct engine_bench *bench)
{
	bench->random ^= bench->random >> 12;
	bench->random ^= bench->random << 25;
	bench->random ^= bench->random >> 27;
	return -log1p(-(double)(bench->random >> 11) / 9007199254740992.0) *
	    1e6 / bench->rate;
}

static void
on_next_load(void *arg)
{
	struct engine_bench *bench = arg;
	const struct probe_events events = {
	    .finish = on_load_finish, .end = on_load_end, .arg = bench};
	mono_us now = loop_now(bench->loop);

	if (now >= bench->until)
		return;
	while (bench->due <= (double)now) {
		bench->due += next_gap(bench);
		bench->begun++;
		if (++bench->load_running > bench->most)
			bench->most = bench->load_running;
		start(bench, &bench->load, &events);
	}
	loop_timer_start(bench->next_load, (dur_us)(bench->due - (double)now));
}

static void
print_load(struct engine_bench *bench, mono_us from, int64_t cpu)
{
	double seconds =
	    (double)(loop_now(bench->loop) - from) / (double)US_PER_S;
	struct loop_lateness late;

	loop_lateness(bench->loop, &late);
	printf("%zu journeys in %.1f s (%.0f a second, at most %zu at once), "
	       "%zu results, %zu ok, %zu tainted\n",
	    bench->begun, seconds, (double)bench->begun / seconds, bench->most,
	    bench->results, bench->ok, bench->tainted);
	for (size_t i = 0; i < REASON_COUNT; i++) {
		if (i != REASON_OK && bench->reasons[i] > 0)
			printf("%s %zu  ", reason_name((enum reason)i),
			    bench->reasons[i]);
	}
	printf(
	    "\nCPU of the engine %.0f %% of one core; its loop busy %.0f %%, "
	    "late by p99 %.2f, at most %.2f ms\n",
	    (double)(bench_cpu_ns() - cpu) / 1e7 / seconds,
	    100 * late.busy_ratio, clock_to_ms(late.p99),
	    clock_to_ms(late.max));
}

void
engine_load(struct engine_bench *bench, double rate, double seconds,
    struct errors *errors)
{
	mono_us from = loop_now(bench->loop);
	int64_t cpu = bench_cpu_ns();

	bench->errors = errors;
	bench->rate = rate;
	bench->until = from + (dur_us)(seconds * (double)US_PER_S);
	bench->due = (double)from;
	loop_timer_start(bench->next_truth, EACH);
	loop_timer_start(bench->next_load, 0);
	loop_run(bench->loop);
	print_load(bench, from, cpu);
}

void
engine_run(struct engine_bench *bench, struct errors *errors)
{
	bench->errors = errors;
	start_truth(bench);
	loop_run(bench->loop);
}

/* ---- life ---- */

struct engine_bench *
engine_open(
    struct plan *plan, const struct truth_world *world, const char *load)
{
	struct engine_bench *bench = mem_new(sizeof(*bench));
	struct http_options http;

	bench->world = world;
	bench->plan = plan;
	bench->random = 88172645463325252;
	bench->agent = user_agent(plan->conf);
	http = plan_http_options(plan, bench->agent);
	bench->loop = loop_new(clock_system());
	bench->targets = target_set_new();
	bench->http = http_client_new(bench->loop, &http);
	bench->probe = probe_new(&(struct probe_options){
	    .loop = bench->loop, .http = bench->http, .vantage = "bench"});
	bench->next_truth = loop_timer_new(bench->loop, on_next_truth, bench);
	bench->next_load = loop_timer_new(bench->loop, on_next_load, bench);
	make_kind(bench, &bench->truth, "truth");
	make_kind(bench, &bench->load, load);
	return bench;
}

void
engine_close(struct engine_bench *bench)
{
	loop_timer_free(bench->next_truth);
	loop_timer_free(bench->next_load);
	probe_free(bench->probe);
	http_client_free(bench->http);
	loop_free(bench->loop);
	target_set_free(bench->targets);
	free(bench->agent);
	free(bench);
}
