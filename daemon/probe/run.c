/*
 * One run of a journey: which step comes next, clean-up, end. How a step goes
 * is in step.c, what a transaction's result is in verdict.c.
 */
#include "run-int.h"

#include <assert.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#define PAGE_KEPT (256 * 1024)

const struct transaction *
probe_run_transaction(const struct probe_run *run)
{
	return &run->job.program->transactions[run->tx];
}

const struct step *
probe_run_step(const struct probe_run *run)
{
	return &probe_run_transaction(run)->steps[run->step];
}

bool
probe_run_cleans_up(const struct probe_run *run)
{
	return probe_run_transaction(run)->always ||
	    probe_run_step(run)->always;
}

static void *
run_alloc(struct probe_run *run, size_t n, size_t size)
{
	void *memory = arena_alloc(&run->arena, n * size + (n == 0));

	if (memory == NULL)
		log_fatal("out of memory", "at=run");
	return memory;
}

/* ---- the order of steps ---- */

/* Would it act as an account that was refused? */
static bool
needs_refused(const struct probe_run *run)
{
	const struct transaction *tx = probe_run_transaction(run);

	for (size_t i = 0; i < tx->n_steps; i++)
		if (!tx->steps[i].always &&
		    run->actors[tx->steps[i].actor].refused)
			return true;
	return false;
}

/* run_begin_transaction: false when it is left out as a whole. */
static bool
run_begin_transaction(struct probe_run *run)
{
	const struct transaction *tx = probe_run_transaction(run);

	run->now = (struct tx_state){
	    .begun = true,
	    .started = loop_now(run->probe->loop),
	    .started_wall = clock_wall(loop_clock(run->probe->loop)),
	};
	if (tx->always)
		return true;
	if (run->stopping)
		return false;
	if ((tx->needs == SIZE_MAX || run->ok[tx->needs]) &&
	    !needs_refused(run))
		return true;
	probe_run_untried(run);
	return false;
}

/* left_out: is the current step not to be played? */
static bool
left_out(const struct probe_run *run)
{
	const struct step *step = probe_run_step(run);

	if (!probe_run_cleans_up(run) && (run->now.decided || run->stopping))
		return true;
	return step->reserve_of != SIZE_MAX &&
	    (!run->now.lost || run->now.lost_step != step->reserve_of);
}

/* again: once more from the first step, as the round did all there was? */
static bool
again(struct probe_run *run)
{
	const struct transaction *tx = probe_run_transaction(run);

	run->now.rounds++;
	return tx->always && !run->now.idle && !run->stopping &&
	    run->now.rounds < tx->repeat;
}

static void
run_advance(struct probe_run *run)
{
	const struct probe_program *program = run->job.program;

	while (!run->aborted && run->tx < program->n_transactions) {
		const struct transaction *tx = probe_run_transaction(run);

		if ((!run->now.begun && !run_begin_transaction(run)) ||
		    (run->step == tx->n_steps && !again(run))) {
			run->now.begun = false;
			run->tx++;
			run->step = 0;
			continue;
		}
		if (run->step == tx->n_steps)
			run->step = 0;
		if (left_out(run)) {
			run->step++;
			continue;
		}
		if (probe_step_begin(run))
			return;
		run->now.idle = true;
		run->step++;
	}
	if (run->aborted)
		return;
	run->wait = WAIT_END;
	loop_timer_start(run->timer, 0);
}

void
probe_run_skip(struct probe_run *run)
{
	run->step++;
	run_advance(run);
}

void
probe_run_step_over(struct probe_run *run, enum reason reason, enum phase phase)
{
	if (!probe_run_cleans_up(run))
		probe_run_judge(run, reason, phase);
	else if (reason != REASON_OK)
		run->now.idle = true;
	if (!run->aborted)
		probe_run_skip(run);
}

/* ---- life ---- */

static void
reset_actor(struct actor *actor)
{
	if (actor->session != NULL)
		http_session_free(actor->session);
	actor->session = NULL;
	actor->answered = actor->refused = false;
	buf_reset(&actor->page_url);
}

static void
run_destroy(struct probe_run *run)
{
	size_t i;

	loop_timer_free(run->timer);
	arena_fini(&run->arena);
	arena_fini(&run->scratch);
	for (i = 0; i < ARRAY_LEN(run->tmp); i++)
		buf_fini(&run->tmp[i]);
	buf_fini(&run->coded);
	for (i = 0; i < 2; i++)
		buf_fini(&run->actors[i].page_url);
	buf_fini(&run->derivation.answer);
	buf_fini(&run->url);
	buf_fini(&run->body);
	buf_fini(&run->raw);
	buf_fini(&run->decoded);
	free(run);
}

static void
destroy(struct probe *probe)
{
	while (probe->pool != NULL) {
		struct probe_run *run = probe->pool;

		probe->pool = run->next;
		run_destroy(run);
	}
	free(probe->vantage);
	free(probe);
}

/* A pooled run does not keep what one large page needed. */
static void
shrink(struct buf *buf)
{
	if (buf->cap <= PAGE_KEPT)
		buf_reset(buf);
	else
		buf_fini(buf);
}

/* Back into the pool; never from inside a callback of the http room. */
static void
run_reclaim(struct probe_run *run)
{
	struct probe *probe = run->probe;
	struct probe_run **link;

	for (link = &probe->lingering; *link != NULL; link = &(*link)->next)
		if (*link == run) {
			*link = run->next;
			break;
		}
	loop_timer_stop(run->timer);
	reset_actor(&run->actors[CONF_SENDER]);
	reset_actor(&run->actors[CONF_RECIPIENT]);
	probe_request_forget(run);
	arena_reset(&run->arena);
	arena_reset(&run->scratch);
	buf_reset(&run->url);
	buf_reset(&run->tmp[2]);
	shrink(&run->raw);
	shrink(&run->decoded);
	probe_program_release(run->job.program);
	conf_release(run->job.conf);
	run->job = (struct probe_job){0};
	run->next = probe->pool;
	probe->pool = run;
	if (probe->freed && probe->lingering == NULL)
		destroy(probe);
}

static void
run_end(struct probe_run *run)
{
	struct loop *loop = run->probe->loop;
	mono_us now = loop_now(loop);
	struct run summary = {
	    .operator= run->job.op->name,
	    .deployment = run->job.deployment->name,
	    .vantage = run->probe->vantage,
	    .started_wall = run->started_wall,
	    .started = run->started,
	    .latency = now - run->started,
	    .loop_late = loop_late_since(loop, run->started),
	    .tainted = run->tainted,
	    .results = run->results,
	    .n_results = run->n_results,
	    .exchanges = run->records,
	    .n_exchanges = run->n_records,
	};

	if (run->job.due > 0 && run->started > run->job.due)
		summary.start_late = run->started - run->job.due;
	(void)text_copy(summary.id, sizeof(summary.id), run->id);
	run->events.end(run->events.arg, &summary);
}

void
probe_run_enter(struct probe_run *run)
{
	run->depth++;
}

void
probe_run_leave(struct probe_run *run)
{
	if (--run->depth > 0 || !run->aborted || run->working)
		return;
	run->wait = WAIT_RECLAIM;
	loop_timer_start(run->timer, 0);
}

static void
on_timer(void *arg)
{
	struct probe_run *run = arg;
	enum run_wait wait = run->wait;

	run->wait = WAIT_NONE;
	if (wait == WAIT_RECLAIM) {
		run_reclaim(run);
		return;
	}
	probe_run_enter(run);
	switch (wait) {
	case WAIT_START:
		run_advance(run);
		break;
	case WAIT_POLL:
		run->now.late += loop_waited(run->probe->loop);
		if (run->stopping && !probe_run_cleans_up(run))
			probe_run_skip(run);
		else
			probe_step_repeat(run);
		break;
	case WAIT_STOP:
		probe_step_give_up(run);
		break;
	case WAIT_END:
		run_end(run);
		run->probe->n_active -= !run->aborted;
		run->depth--;
		run_reclaim(run);
		return;
	case WAIT_NONE:
	case WAIT_RECLAIM:
		break;
	}
	probe_run_leave(run);
}

static struct probe_run *
run_new(struct probe *probe)
{
	struct probe_run *run = mem_new(sizeof(*run));
	size_t i;

	/* Passwords, tokens and pages pass through: our copies are wiped.
	 * Those inside of libcurl and libxml2 are not. */
	run->probe = probe;
	arena_init(&run->arena, RUN_ARENA_MAX);
	arena_init(&run->scratch, RUN_SCRATCH_MAX);
	run->arena.secret = run->scratch.secret = true;
	run->timer = loop_timer_new(probe->loop, on_timer, run);
	for (i = 0; i < ARRAY_LEN(run->tmp); i++)
		buf_init_secret(&run->tmp[i], PROBE_VALUE_MAX);
	buf_init_secret(&run->coded, 6 * PROBE_VALUE_MAX);
	for (i = 0; i < 2; i++)
		buf_init_secret(&run->actors[i].page_url, RUN_URL_MAX);
	buf_init_secret(&run->derivation.answer, PROBE_VALUE_MAX);
	buf_init_secret(&run->url, RUN_URL_MAX);
	buf_init_secret(&run->body, RUN_BODY_MAX);
	buf_init_secret(
	    &run->raw, SIZE_MAX / 4); /* the exchange's limit holds */
	buf_init_secret(&run->decoded, SIZE_MAX / 4); /* thrice that at most */
	return run;
}

void
probe_run_random(struct probe_run *run, uint8_t *out, size_t n)
{
	struct probe *probe = run->probe;

	if (probe->n_random < n) {
		crypto_random(probe->random, sizeof(probe->random));
		probe->n_random = sizeof(probe->random);
	}
	probe->n_random -= n;
	memcpy(out, probe->random + probe->n_random, n);
}

void
probe_run_hex(char *out, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 0xf];
	}
	*out = '\0';
}

static void
make_names(struct probe_run *run)
{
	/* RFC 4122, section 4.4: where the hyphens of a random UUID are */
	static const uint8_t groups[] = {4, 2, 2, 2, 6};
	uint8_t r[16];
	const uint8_t *from = r;
	char *uuid = run->uuid;
	size_t i;

	probe_run_random(run, r, sizeof(r));
	r[0] |= 0x10; /* a trace id is never zero */
	probe_run_hex(run->id, r, sizeof(r));
	probe_run_random(run, r, 8);
	memcpy(run->mark, "dyzurny-", 8);
	probe_run_hex(run->mark + 8, r, 8);
	probe_run_random(run, r, sizeof(r));
	r[6] = (r[6] & 0x0f) | 0x40;
	r[8] = (r[8] & 0x3f) | 0x80;
	for (i = 0; i < ARRAY_LEN(groups); i++) {
		if (i > 0)
			*uuid++ = '-';
		probe_run_hex(uuid, from, groups[i]);
		uuid += 2 * groups[i];
		from += groups[i];
	}
}

struct probe_run *
probe_start(struct probe *probe, const struct probe_job *job,
    const struct probe_events *events)
{
	struct probe_run *run = probe->pool;
	const struct probe_program *program = job->program;
	size_t i;

	if (run != NULL)
		probe->pool = run->next;
	else
		run = run_new(probe);
	run->next = NULL;
	run->job = *job;
	conf_hold(job->conf);
	probe_program_hold(job->program);
	run->events = *events;
	run->tx = run->step = run->n_results = 0;
	run->n_records = run->records_cap = 0;
	run->records = NULL;
	run->now = (struct tx_state){0};
	run->tainted = run->stopping = run->aborted = run->working = false;
	run->depth = 0;
	make_names(run);
	run->values = (struct values){
	    .deployment = job->deployment,
	    .run_id = run->id,
	    .run_mark = run->mark,
	    .run_uuid = run->uuid,
	    .tmp = run->tmp,
	};
	for (i = 0; i < 2; i++)
		run->values.vars[i] =
		    run_alloc(run, program->n_slots, sizeof(struct value));
	run->targets =
	    run_alloc(run, program->n_measured, sizeof(*run->targets));
	memcpy(run->targets, job->targets,
	    program->n_measured * sizeof(*run->targets));
	run->ok = run_alloc(run, program->n_transactions, sizeof(bool));
	run->results =
	    run_alloc(run, program->n_measured, sizeof(struct result));
	run->started = loop_now(probe->loop);
	run->started_wall = clock_wall(loop_clock(probe->loop));
	probe->n_active++;
	run->wait = WAIT_START;
	loop_timer_start(run->timer, 0);
	return run;
}

void
probe_stop(struct probe_run *run)
{
	if (run->stopping)
		return;
	run->stopping = true;
	run->stop_asked = loop_now(run->probe->loop);
	if (run->working)
		atomic_store(&run->derivation.stop, true);
	/* A poll is not waited for any longer. */
	if (run->wait == WAIT_POLL)
		loop_timer_start(run->timer, 0);
	else
		probe_step_hurry(run);
}

void
probe_abort(struct probe_run *run)
{
	struct probe *probe = run->probe;

	assert(!run->aborted);
	run->aborted = true;
	atomic_store(&run->derivation.stop, true);
	probe->n_active--;
	if (run->exchange != NULL) {
		http_cancel(run->exchange);
		run->exchange = NULL;
	}
	loop_timer_stop(run->timer);
	run->wait = WAIT_NONE;
	if (run->depth == 0) {
		if (!run->working) {
			run_reclaim(run);
			return;
		}
		/* The worker touches no session, and the client they belong to
		 * may be freed before it is done. */
		reset_actor(&run->actors[CONF_SENDER]);
		reset_actor(&run->actors[CONF_RECIPIENT]);
	}
	run->next = probe->lingering;
	probe->lingering = run;
}

void
probe_init_libraries(void)
{
	xmlInitParser();
	/* twice as deep as browsers go; by default it gives up at 256 */
	xmlParserMaxDepth = 1024;
}

struct probe *
probe_new(const struct probe_options *options)
{
	struct probe *probe = mem_new(sizeof(*probe));

	probe->loop = options->loop;
	probe->http = options->http;
	probe->vantage = mem_strdup(options->vantage);
	probe->explain = options->explain;
	probe_charsets_init(&probe->charsets);
	return probe;
}

void
probe_stats(const struct probe *probe, struct probe_stats *stats)
{
	*stats = probe->stats;
}

void
probe_free(struct probe *probe)
{
	struct probe_run *run, *next;

	if (probe == NULL)
		return;
	assert(probe->n_active == 0);
	for (run = probe->lingering; run != NULL; run = next) {
		next = run->next;
		if (!run->working && run->depth == 0)
			run_reclaim(run);
	}
	if (probe->lingering == NULL)
		destroy(probe);
	else
		probe->freed = true;
}
