/*
 * dyzurny serve: start and stop in the right order, signals, reload.
 *
 * Start: configuration, state directory and its lock, store, engine, web,
 * then the first journey. Stop: no new journeys, journeys end and clean up,
 * deliveries pause, web goes, the store writes all it was given.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine.h"
#include "main-int.h"

/* How long journeys under way may take to clean up behind them: a little longer
 * than the 7 s that probe_stop leaves them. */
#define STOP_PATIENCE (8 * US_PER_S)

/* For calls to the engine: what its probers report is bounded by the journeys
 * at once, and must not be refused. */
#define HOME_BYTES ((size_t)1 << 30)

struct serve {
	struct engine engine;
	const char *file;
	char *ledger_path;
	int lock;
	struct loop_signal *signals[3];
	struct loop_timer *patience;
	bool stopping;
	struct conf *first; /* what we began with: some of it stays */
	/* a reload under way on a worker */
	bool loading;
	bool load_again;
	struct plan *loaded;
	struct engine_day *day;
	struct conf_problems *problems;
	/* a day that a worker reads, to be interrupted by the end; NULL */
	_Atomic(struct engine_day *) reading;
	atomic_bool ending;
};

/* ---- the state directory ---- */

static int
make_dir(const char *path)
{
	if (mkdir(path, 0750) == 0 || errno == EEXIST)
		return 0;
	log_error("cannot make directory", "path=%s problem=\"%s\"", path,
	    strerror(errno));
	return -errno;
}

/* One daemon on one directory: the kernel lets go of the lock when we end,
 * however we end. */
static int
lock_state(const char *dir)
{
	char *path = mem_printf("%s/lock", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0) {
		log_error("cannot open lock file", "path=%s problem=\"%s\"",
		    path, strerror(errno));
	} else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		log_error("state directory in use",
		    "path=%s action=\"stop the other dyzurny or name another "
		    "store.dir\"",
		    dir);
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

static bool
open_store(struct serve *serve, const struct conf *conf)
{
	struct engine *engine = &serve->engine;
	const struct conf_store *store = &conf->store;
	struct series_archive *archives =
	    disk_archives(store->archives, store->n_archives);
	struct series_archive *all =
	    disk_archives(store->all_archives, store->n_all_archives);
	char *rrd = mem_printf("%s/rrd", conf->store.dir);
	char *recent = mem_printf("%s/recent", conf->store.dir);
	char *evidence = mem_printf("%s/evidence", conf->store.dir);
	int problem;

	serve->ledger_path = mem_printf("%s/ledger.db", conf->store.dir);
	engine->store = lane_new("store", (size_t)conf->store.queue_bytes);
	engine->series = series_open(&(struct series_options){
	    .dir = rrd,
	    .recent = recent,
	    .archives = archives,
	    .n_archives = store->n_archives,
	    .n_phases_only = store->n_phases_only,
	    .all_archives = all,
	    .n_all_archives = store->n_all_archives,
	    .write_every = conf->store.write_every,
	    .clock = engine->clock,
	    .lane = engine->store,
	});
	if (engine->series == NULL)
		log_error("cannot open series", "dir=%s problem=\"%s\"", rrd,
		    strerror(errno));
	problem = ledger_open(
	    &engine->ledger, serve->ledger_path, engine->store, engine->clock);
	if (problem < 0)
		log_error("cannot open ledger", "file=%s problem=\"%s\"",
		    serve->ledger_path, strerror(-problem));
	engine->evidence = evidence_store_new(evidence,
	    (uint64_t)store->evidence_bytes, engine->store, engine->clock);
	free(archives);
	free(all);
	free(rrd);
	free(recent);
	free(evidence);
	return engine->series != NULL && problem == 0;
}

/* ---- the engine ---- */

static bool
open_engine(struct serve *serve, const struct plan *plan)
{
	struct engine *engine = &serve->engine;
	const struct conf *conf = plan->conf;
	char *agent = user_agent(conf);
	struct http_options options = plan_http_options(plan, agent);

	engine->loop = loop_new_roomy(engine->clock, HOME_BYTES);
	engine->http = http_client_new(engine->loop, &options);
	engine->crew = crew_new(&(struct crew_options){
	    .loop = engine->loop,
	    .probers = conf->engines,
	    .http = &options,
	    .vantage = conf->vantage,
	});
	free(agent);
	if (engine->http == NULL || engine->crew == NULL) {
		log_error("libcurl refuses to start", "");
		return false;
	}
	engine->notify = notify_new(&(struct notify_options){
	    .loop = engine->loop,
	    .http = engine->http,
	    .ledger = engine->ledger,
	});
	engine->targets = target_set_new();
	engine->snapshots = snapshot_slot_new();
	key_load(conf->store.dir, engine->key);
	engine_wire(engine);
	if (notify_load(engine->notify) < 0 ||
	    engine_incidents_restore(engine, conf) < 0 ||
	    engine_stops_restore(engine) < 0 ||
	    engine_windows_restore(engine) < 0) {
		log_error("ledger not readable", "dir=%s", conf->store.dir);
		return false;
	}
	return true;
}

static bool
open_web(struct serve *serve, const struct conf *conf)
{
	struct engine *engine = &serve->engine;
	struct web_options options = {
	    .conf = &conf->web,
	    .snapshots = engine->snapshots,
	    .series = engine->series,
	    .ledger_path = serve->ledger_path,
	    .evidence = engine->evidence,
	    .clock = engine->clock,
	    .release_account = engine_release_account,
	    .acknowledge_incident = engine_acknowledge_incident,
	    .note_incident = engine_note_incident,
	    .retry_delivery = engine_retry_delivery,
	    .test_subscriber = engine_test_subscriber,
	    .change = engine_change,
	    .use_token = engine_use_token,
	    .arg = engine,
	};
	char *control = mem_printf("%s/control", conf->store.dir);
	uint16_t port;
	int problem;

	snapshot_publish(engine->snapshots, engine_snapshot(engine));
	options.control_path = control;
	problem = web_start(&engine->web, &options, &port);
	free(control);
	if (problem < 0) {
		log_error("cannot serve the dashboard",
		    "listen=%s port=%u problem=\"%s\"", conf->web.listen,
		    (unsigned)conf->web.port, strerror(-problem));
		engine->web = NULL;
		return false;
	}
	log_info(
	    "dashboard", "url=http://%s:%u/", conf->web.listen, (unsigned)port);
	return true;
}

/* ---- reload ---- */

static void start_reload(struct serve *serve);

/* On a worker. It may take long, so whoever ends first says so and then looks
 * for it, in the opposite order. */
static void
read_day(void *arg)
{
	struct serve *serve = arg;

	atomic_store(&serve->reading, serve->day);
	if (!atomic_load(&serve->ending))
		engine_day_read(serve->day);
	atomic_store(&serve->reading, NULL);
}

/* The day is freed by what the loop calls when the worker is done. */
static void
interrupt_reading(struct serve *serve)
{
	struct engine_day *day;

	atomic_store(&serve->ending, true);
	day = atomic_load(&serve->reading);
	if (day != NULL)
		engine_day_interrupt(day);
}

static void
load_on_worker(void *arg)
{
	struct serve *serve = arg;

	serve->loaded = plan_load(serve->file, serve->problems);
	if (serve->loaded == NULL)
		return;
	plan_prepare(serve->loaded);
	serve->day = engine_day_open(
	    serve->ledger_path, clock_wall(serve->engine.clock));
	read_day(serve);
}

static bool
same_plan(const struct conf_store *a, const struct conf_store *b)
{
	if (a->n_archives != b->n_archives ||
	    a->n_phases_only != b->n_phases_only)
		return false;
	for (size_t i = 0; i < a->n_archives; i++) {
		if (a->archives[i].step != b->archives[i].step ||
		    a->archives[i].keep != b->archives[i].keep)
			return false;
	}
	return true;
}

/* What only a restart can change is said, not silently ignored. `old` is what
 * the daemon began with. */
static void
warn_of_restart(const struct conf *old, const struct conf *new)
{
	const struct conf_web *web = &old->web;
	const struct conf_web *now = &new->web;
	const struct {
		const char *key;
		bool same;
	} settings[] = {
	    {"engines", old->engines == new->engines},
	    {"vantage", strcmp(old->vantage, new->vantage) == 0},
	    {"store.dir", strcmp(old->store.dir, new->store.dir) == 0},
	    {"store.plan", same_plan(&old->store, &new->store)},
	    {"store.write_every",
		old->store.write_every == new->store.write_every},
	    {"store.queue", old->store.queue_bytes == new->store.queue_bytes},
	    {"web.listen", strcmp(web->listen, now->listen) == 0},
	    {"web.port", web->port == now->port},
	    {"web.public_url", strcmp(web->public_url, now->public_url) == 0},
	    {"web.dashboards",
		strcmp(web->dashboards_dir, now->dashboards_dir) == 0},
	    {"web.connections", web->connections == now->connections},
	    {"web.connections_per_ip",
		web->connections_per_ip == now->connections_per_ip},
	    {"web.event_streams", web->event_streams == now->event_streams},
	    {"web.language", strcmp(web->language, now->language) == 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		if (!settings[i].same)
			log_warn("needs a restart", "key=%s", settings[i].key);
	}
}

static void
apply_log_level(const struct conf *conf)
{
	enum log_level level;

	if (log_level_parse(conf->log_level, &level))
		log_set_level(level);
}

/* User-Agent, name servers, bundles, room for evidence. */
static void
apply_client(struct engine *engine, const struct plan *plan)
{
	char *agent = user_agent(plan->conf);
	struct http_options options = plan_http_options(plan, agent);

	http_client_apply(engine->http, &options);
	crew_apply(engine->crew, &options);
	evidence_store_limit(
	    engine->evidence, (uint64_t)plan->conf->store.evidence_bytes);
	free(agent);
}

/* The next one may come. */
static void
end_reload(struct serve *serve)
{
	serve->loading = false;
	serve->loaded = NULL;
	serve->day = NULL;
	conf_problems_free(serve->problems);
	serve->problems = NULL;
	if (serve->stopping)
		return;
	service_notify("READY=1");
	if (serve->load_again)
		start_reload(serve);
}

static void
applied(void *arg)
{
	struct serve *serve = arg;

	log_info("reloaded", "file=%s", serve->file);
	end_reload(serve);
}

static void
recalled(void *arg)
{
	end_reload(arg);
}

static void
day_read(void *arg)
{
	struct serve *serve = arg;

	if (!serve->stopping) {
		engine_recall(&serve->engine, serve->day, recalled, serve);
		return;
	}
	engine_day_free(serve->day);
	end_reload(serve);
}

/* The day before is read while journeys begin; a reload waits for it. */
static void
start_recall(struct serve *serve)
{
	serve->loading = true;
	if (loop_work(serve->engine.loop, read_day, day_read, serve) < 0) {
		log_warn("tallies not read", "problem=\"no worker\"");
		engine_day_free(serve->day);
		end_reload(serve);
	}
}

static void
loaded(void *arg)
{
	struct serve *serve = arg;
	struct engine *engine = &serve->engine;
	size_t n = conf_problems_count(serve->problems);

	if (serve->loaded != NULL && !serve->stopping) {
		warn_of_restart(serve->first, serve->loaded->conf);
		apply_log_level(serve->loaded->conf);
		apply_client(engine, serve->loaded);
		engine_apply(engine, serve->loaded, serve->day, applied, serve);
		return;
	}
	if (serve->loaded == NULL) {
		for (size_t i = 0; i < n; i++)
			log_error("configuration", "problem=\"%s\"",
			    conf_problems_at(serve->problems, i));
		log_error("reload refused",
		    "problems=%zu action=\"the old configuration stays\"", n);
		engine->config_stale = true;
	}
	plan_free(serve->loaded);
	engine_day_free(serve->day);
	end_reload(serve);
}

static void
start_reload(struct serve *serve)
{
	if (serve->loading) {
		serve->load_again = true;
		return;
	}
	service_notify("RELOADING=1");
	serve->load_again = false;
	serve->problems = conf_problems_new();
	serve->loading = true;
	if (loop_work(serve->engine.loop, load_on_worker, loaded, serve) < 0) {
		log_error("reload refused", "problem=\"no worker\"");
		end_reload(serve);
	}
}

/* ---- stop ---- */

static void
journeys_ended(void *arg)
{
	struct serve *serve = arg;

	loop_timer_stop(serve->patience);
	loop_stop(serve->engine.loop);
}

static void
patience_lost(void *arg)
{
	struct serve *serve = arg;

	log_warn("journeys cut off", "after_s=%lld",
	    (long long)(STOP_PATIENCE / US_PER_S));
	loop_stop(serve->engine.loop);
}

static void
on_signal(void *arg, int signo)
{
	struct serve *serve = arg;

	if (signo == SIGHUP) {
		if (!serve->stopping)
			start_reload(serve);
		return;
	}
	if (serve->stopping) {
		loop_stop(serve->engine.loop); /* asked twice: now */
		return;
	}
	log_info("stopping", "signal=%d", signo);
	service_notify("STOPPING=1");
	serve->stopping = true;
	loop_timer_start(serve->patience, STOP_PATIENCE);
	sched_stop(serve->engine.sched, journeys_ended, serve);
}

static void
watch_signals(struct serve *serve)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		serve->signals[i] = loop_signal_new(
		    serve->engine.loop, numbers[i], on_signal, serve);
	serve->patience =
	    loop_timer_new(serve->engine.loop, patience_lost, serve);
}

static void
close_all(struct serve *serve)
{
	struct engine *engine = &serve->engine;

	serve->stopping = true;
	interrupt_reading(serve);
	crew_close(engine->crew);
	if (engine->plan != NULL)
		engine_tick(engine);
	for (size_t i = 0; i < ARRAY_LEN(serve->signals); i++) {
		if (serve->signals[i] != NULL)
			loop_signal_free(serve->signals[i]);
	}
	loop_timer_free(serve->patience);
	if (engine->notify != NULL)
		notify_stop(engine->notify);
	if (engine->web != NULL)
		web_stop(engine->web);
	engine->web = NULL;
	if (engine->store != NULL)
		lane_free(engine->store);
	if (engine->sched != NULL)
		engine_unwire(engine);
	notify_free(engine->notify);
	crew_free(engine->crew);
	if (engine->http != NULL)
		http_client_free(engine->http);
	if (engine->loop != NULL)
		loop_free(engine->loop);
	series_close(engine->series);
	ledger_close(engine->ledger);
	evidence_store_free(engine->evidence);
	if (engine->snapshots != NULL)
		snapshot_slot_free(engine->snapshots);
	if (engine->targets != NULL)
		target_set_free(engine->targets);
	conf_release(serve->first);
	free(serve->ledger_path);
	if (serve->lock >= 0)
		close(serve->lock);
}

static bool
open_all(struct serve *serve, struct plan *plan)
{
	const struct conf *conf = plan->conf;

	apply_log_level(conf);
	if (make_dir(conf->store.dir) < 0)
		goto fail;
	serve->lock = lock_state(conf->store.dir);
	if (serve->lock < 0 || !open_store(serve, conf) ||
	    !open_engine(serve, plan))
		goto fail;
	serve->first = conf_hold(plan->conf);
	watch_signals(serve);
	serve->day = engine_day_open(
	    serve->ledger_path, clock_wall(serve->engine.clock));
	engine_apply(&serve->engine, plan, NULL, NULL, NULL);
	engine_incidents_apply(&serve->engine);
	start_recall(serve);
	return open_web(serve, conf);
fail:
	plan_free(plan);
	return false;
}

int
command_serve(int argc, char **argv)
{
	struct serve serve = {.lock = -1};
	struct plan *plan;
	bool well;
	int option;

	while ((option = getopt(argc, argv, "c:")) != -1) {
		if (option != 'c')
			return EXIT_USAGE;
		serve.file = optarg;
	}
	if (serve.file == NULL || optind != argc) {
		fputs("usage: dyzurny serve -c FILE\n", stderr);
		return EXIT_USAGE;
	}
	plan = plan_load_or_say(serve.file);
	if (plan == NULL)
		return EXIT_FAILED;
	plan_prepare(plan);
	serve.engine.clock = clock_system();
	serve.engine.started = clock_wall(serve.engine.clock);
	well = open_all(&serve, plan);
	if (well) {
		service_notify("READY=1");
		loop_run(serve.engine.loop);
	}
	close_all(&serve);
	if (well)
		log_info("stopped", "");
	return well ? EXIT_OK : EXIT_FAILED;
}
