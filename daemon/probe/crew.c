/*
 * The probers and the messages between them and their home.
 *
 * A run is made at home, belongs to its prober from the first message on, and
 * is freed there, after home has said that it has seen its end: so a message of
 * either side always finds it.
 */
#include "probe/crew.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"

/* What is under way between the threads is bounded by the journeys at once; the
 * limit only has to be above that. */
#define MESSAGES_MAX ((size_t)1 << 30)
#define SAY_EVERY US_PER_S

struct prober {
	struct crew *crew;
	struct loop *loop;
	struct http_client *http;
	struct probe *probe;
	struct loop_timer *say; /* how late the loop was */
	pthread_t thread;
	LIST_HEAD(, crew_run) runs; /* its thread's */
	pthread_mutex_t lock; /* of: */
	struct loop_lateness lateness;
};

struct crew {
	struct loop *home;
	char *vantage;
	struct prober *probers;
	unsigned n;
	bool closed;
};

struct crew_run {
	LIST_ENTRY(crew_run) link;
	struct prober *prober;
	struct probe_job job; /* holds conf and program */
	struct probe_events events;
	struct probe_run *run; /* the prober's; NULL before and after */
	struct run *summary; /* on its way home */
	size_t n_judged; /* home's, both */
	enum reason *judged;
	const struct target *targets[];
};

static void
post(struct loop *loop, mailbox_fn *fn, void *ctx, const void *payload,
    size_t size)
{
	int problem = loop_call(loop, fn, ctx, payload, size);

	if (problem < 0)
		log_fatal(
		    "message between threads lost", "problem=%d", -problem);
}

/* ---- at home ---- */

static void on_reclaim(void *ctx, const void *payload, size_t size);

static void
on_result(void *ctx, const void *payload, size_t size)
{
	struct crew_run *run = ctx;
	const struct probe_events *events = &run->events;
	struct result result = *(const struct result *)payload;

	(void)size;
	if (events->judge != NULL)
		result.reason = events->judge(events->arg, &result);
	run->judged[run->n_judged++] = result.reason;
	events->finish(events->arg, result);
}

static void
on_ended(void *ctx, const void *payload, size_t size)
{
	struct crew_run *run = ctx;
	struct prober *prober = run->prober;

	(void)payload;
	(void)size;
	run_rename(run->summary, run->judged, run->n_judged);
	run->events.end(run->events.arg, run->summary);
	post(prober->loop, on_reclaim, run, NULL, 0);
}

/* ---- at the prober's ---- */

static void
finish(void *arg, struct result result)
{
	struct crew_run *run = arg;

	post(run->prober->crew->home, on_result, run, &result, sizeof(result));
}

static void
end(void *arg, const struct run *summary)
{
	struct crew_run *run = arg;

	run->run = NULL;
	run->summary = run_copy(summary);
	post(run->prober->crew->home, on_ended, run, NULL, 0);
}

static bool
may_send(void *arg)
{
	struct crew_run *run = arg;

	return run->events.may_send == NULL ||
	    run->events.may_send(run->events.arg);
}

static void
asked_to_wait(void *arg, dur_us wait)
{
	struct crew_run *run = arg;

	if (run->events.asked_to_wait != NULL)
		run->events.asked_to_wait(run->events.arg, wait);
}

static void
on_start(void *ctx, const void *payload, size_t size)
{
	struct crew_run *run = ctx;
	struct probe_events events = {
	    .may_send = may_send,
	    .asked_to_wait = asked_to_wait,
	    .finish = finish,
	    .end = end,
	    .arg = run,
	};

	(void)payload;
	(void)size;
	LIST_INSERT_HEAD(&run->prober->runs, run, link);
	run->run = probe_start(run->prober->probe, &run->job, &events);
}

static void
on_stop(void *ctx, const void *payload, size_t size)
{
	struct crew_run *run = ctx;

	(void)payload;
	(void)size;
	if (run->run != NULL)
		probe_stop(run->run);
}

static void
run_free(struct crew_run *run)
{
	LIST_REMOVE(run, link);
	probe_program_release(run->job.program);
	conf_release(run->job.conf);
	free(run->summary);
	free(run->judged);
	free(run);
}

static void
on_reclaim(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	run_free(ctx);
}

static void
on_quit(void *ctx, const void *payload, size_t size)
{
	struct prober *prober = ctx;
	struct crew_run *run;

	(void)payload;
	(void)size;
	LIST_FOREACH(run, &prober->runs, link)
	{
		if (run->run != NULL)
			probe_abort(run->run);
		run->run = NULL;
	}
	loop_stop(prober->loop);
}

static void
on_say(void *arg)
{
	struct prober *prober = arg;
	struct loop_lateness lateness;

	loop_timer_start(prober->say, SAY_EVERY);
	loop_lateness(prober->loop, &lateness);
	pthread_mutex_lock(&prober->lock);
	prober->lateness = lateness;
	pthread_mutex_unlock(&prober->lock);
}

/* ---- options ---- */

/* Options that outlive those they were copied from. */
struct settings {
	struct http_options options;
	char *user_agent, *ca_file;
	char **name_servers;
	struct http_bundles *bundles;
};

static struct settings *
settings_copy(const struct http_options *from)
{
	struct settings *settings = mem_new(sizeof(*settings));

	settings->options = *from;
	settings->name_servers =
	    mem_array(from->n_name_servers, sizeof(char *));
	for (size_t i = 0; i < from->n_name_servers; i++)
		settings->name_servers[i] = mem_strdup(from->name_servers[i]);
	settings->options.name_servers =
	    (const char *const *)settings->name_servers;
	if (from->user_agent != NULL)
		settings->options.user_agent = settings->user_agent =
		    mem_strdup(from->user_agent);
	if (from->ca_file != NULL)
		settings->options.ca_file = settings->ca_file =
		    mem_strdup(from->ca_file);
	if (from->bundles != NULL)
		settings->options.bundles = settings->bundles =
		    http_bundles_copy(from->bundles);
	return settings;
}

static void
settings_free(struct settings *settings)
{
	for (size_t i = 0; i < settings->options.n_name_servers; i++)
		free(settings->name_servers[i]);
	free(settings->name_servers);
	free(settings->user_agent);
	free(settings->ca_file);
	http_bundles_free(settings->bundles);
	free(settings);
}

static void
on_settings(void *ctx, const void *payload, size_t size)
{
	struct prober *prober = ctx;
	struct settings *settings = *(struct settings *const *)payload;

	(void)size;
	http_client_apply(prober->http, &settings->options);
	settings_free(settings);
}

void
crew_apply(struct crew *crew, const struct http_options *options)
{
	for (unsigned i = 0; i < crew->n; i++) {
		struct settings *settings = settings_copy(options);

		post(crew->probers[i].loop, on_settings, &crew->probers[i],
		    &settings, sizeof(settings));
	}
}

/* ---- runs ---- */

struct crew_run *
crew_start(struct crew *crew, const struct probe_job *job,
    const struct probe_events *events)
{
	size_t n = probe_program_transactions(job->program);
	struct crew_run *run =
	    mem_new(sizeof(*run) + n * sizeof(run->targets[0]));
	char path[2 * MODEL_NAME_SIZE];

	snprintf(
	    path, sizeof(path), "%s/%s", job->op->name, job->deployment->name);
	run->prober = &crew->probers[crypto_hash64(path) % crew->n];
	run->job = *job;
	run->judged = mem_array(n, sizeof(*run->judged));
	for (size_t i = 0; i < n; i++)
		run->targets[i] = job->targets[i];
	run->job.targets = run->targets;
	conf_hold(job->conf);
	probe_program_hold(job->program);
	run->events = *events;
	post(run->prober->loop, on_start, run, NULL, 0);
	return run;
}

void
crew_stop(struct crew_run *run)
{
	post(run->prober->loop, on_stop, run, NULL, 0);
}

/* ---- life ---- */

static void *
work(void *arg)
{
	struct prober *prober = arg;

	loop_timer_start(prober->say, SAY_EVERY);
	loop_run(prober->loop);
	return NULL;
}

static bool
prober_open(
    struct crew *crew, struct prober *prober, const struct http_options *http)
{
	prober->crew = crew;
	LIST_INIT(&prober->runs);
	pthread_mutex_init(&prober->lock, NULL);
	prober->loop = loop_new_roomy(loop_clock(crew->home), MESSAGES_MAX);
	prober->say = loop_timer_new(prober->loop, on_say, prober);
	prober->http = http_client_new(prober->loop, http);
	if (prober->http == NULL)
		return false;
	prober->probe = probe_new(&(struct probe_options){
	    .loop = prober->loop,
	    .http = prober->http,
	    .vantage = crew->vantage,
	});
	return true;
}

static void
prober_start(struct prober *prober)
{
	sigset_t all, before;
	int problem;

	/* The thread inherits the mask: signals are the home's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	problem = pthread_create(&prober->thread, NULL, work, prober);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (problem != 0)
		log_fatal("cannot start thread", "name=prober");
	pthread_setname_np(prober->thread, "prober");
}

static void
prober_close(struct prober *prober)
{
	struct crew_run *run;

	while ((run = LIST_FIRST(&prober->runs)) != NULL)
		run_free(run);
	probe_free(prober->probe);
	http_client_free(prober->http);
	loop_timer_free(prober->say);
	loop_free(prober->loop);
	pthread_mutex_destroy(&prober->lock);
}

struct crew *
crew_new(const struct crew_options *options)
{
	struct crew *crew = mem_new(sizeof(*crew));
	bool well = true;

	assert(options->probers > 0);
	crew->home = options->loop;
	crew->vantage = mem_strdup(options->vantage);
	crew->probers = mem_array(options->probers, sizeof(*crew->probers));
	for (crew->n = 0; well && crew->n < options->probers; crew->n++)
		well =
		    prober_open(crew, &crew->probers[crew->n], options->http);
	if (!well) {
		crew->closed = true;
		crew_free(crew);
		return NULL;
	}
	for (unsigned i = 0; i < crew->n; i++)
		prober_start(&crew->probers[i]);
	return crew;
}

void
crew_close(struct crew *crew)
{
	if (crew == NULL || crew->closed)
		return;
	crew->closed = true;
	for (unsigned i = 0; i < crew->n; i++)
		post(
		    crew->probers[i].loop, on_quit, &crew->probers[i], NULL, 0);
	for (unsigned i = 0; i < crew->n; i++)
		pthread_join(crew->probers[i].thread, NULL);
}

void
crew_free(struct crew *crew)
{
	if (crew == NULL)
		return;
	crew_close(crew);
	for (unsigned i = 0; i < crew->n; i++)
		prober_close(&crew->probers[i]);
	free(crew->probers);
	free(crew->vantage);
	free(crew);
}

static dur_us
longer(dur_us a, dur_us b)
{
	return a > b ? a : b;
}

void
crew_lateness(struct crew *crew, struct loop_lateness *out)
{
	*out = (struct loop_lateness){0};
	for (unsigned i = 0; i < crew->n; i++) {
		struct prober *prober = &crew->probers[i];

		pthread_mutex_lock(&prober->lock);
		out->p99 = longer(out->p99, prober->lateness.p99);
		out->max = longer(out->max, prober->lateness.max);
		if (out->busy_ratio < prober->lateness.busy_ratio)
			out->busy_ratio = prober->lateness.busy_ratio;
		pthread_mutex_unlock(&prober->lock);
	}
}
