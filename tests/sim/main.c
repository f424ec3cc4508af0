/*
 * dyzurny-sim: the five operators on loopback ports. Arguments and wiring
 * only; who is simulated how stands in the files of that name.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sim.h"

static const char usage[] =
    "usage: dyzurny-sim --dir CERTS [--control PORT|0] [--port-base N|0]\n"
    "           [--seed N] [--week SECONDS] [--surge OPERATOR]\n"
    "           [--capacity OPERATOR=REQUESTS_PER_S]...\n"
    "       dyzurny-sim --accounts DIR\n";

static const struct operator_play *const plays[OPERS] = {
    &librus_play,
    &vulcan_play,
    &wizja_play,
    &helion_play,
    &eszkola24_play,
};

/* Without a week the schools are awake and nothing is wrong. */
static const double USUAL_RATIO = 0.35;

struct options {
	const char *dir;
	const char *accounts;
	unsigned long control;
	unsigned long port_base;
	unsigned long seed;
};

struct oper *
sim_oper(struct sim *sim, const char *name)
{
	for (int i = 0; i < OPERS; i++)
		if (same(name, sim->opers[i].play->name))
			return &sim->opers[i];
	return NULL;
}

static void
oper_init(struct sim *sim, struct oper *op, const struct operator_play *play)
{
	op->sim = sim;
	op->play = play;
	op->listen_fd = -1;
	op->holder_fd = -1;
	pthread_mutex_init(&op->lock, NULL);
	while (op->n_deps < DEPLOYMENTS_MAX &&
	    play->deployments[op->n_deps] != NULL) {
		op->deps[op->n_deps].name = play->deployments[op->n_deps];
		op->n_deps++;
	}
}

static void
oper_open(struct oper *op, unsigned long seed, double capacity_per_s)
{
	double now_s = sim_now_s();

	op->random.state = seed * 31 + (uint64_t)(op - op->sim->opers);
	for (size_t i = 0; i < op->n_deps; i++) {
		struct queue *queue = &op->deps[i].queue;
		double capacity = capacity_per_s > 0
		    ? capacity_per_s / (double)op->n_deps
		    : op->play->capacity_per_s;
		queue_init(queue, now_s, op->random.state * 131 + i);
		queue->limit_s = op->sim->limit_s;
		queue_set_capacity(queue, now_s, capacity, op->play->servers);
		queue_set_load(queue, now_s, USUAL_RATIO * capacity);
	}
}

static bool
read_number(const char *text, unsigned long most, unsigned long *number)
{
	char *end = NULL;

	errno = 0;
	*number = strtoul(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *number <= most;
}

static bool
read_capacity(struct sim *sim, const char *text, double *capacity)
{
	char name[32];
	const char *equals = strchr(text, '=');
	const struct oper *op;

	if (equals == NULL || (size_t)(equals - text) >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	op = sim_oper(sim, name);
	if (op == NULL)
		return false;
	double value = strtod(equals + 1, NULL);
	capacity[op - sim->opers] = value;
	return value > 0 && value <= 1e6;
}

static bool
read_options(struct sim *sim, int argc, char **argv, struct options *options,
    double *capacity)
{
	static const struct option known[] = {
	    {"dir", required_argument, NULL, 'd'},
	    {"control", required_argument, NULL, 'c'},
	    {"port-base", required_argument, NULL, 'p'},
	    {"seed", required_argument, NULL, 's'},
	    {"week", required_argument, NULL, 'w'},
	    {"surge", required_argument, NULL, 'u'},
	    {"capacity", required_argument, NULL, 'q'},
	    {"accounts", required_argument, NULL, 'a'},
	    {0},
	};
	unsigned long seconds = 0;
	bool ok = true;

	while (ok) {
		int c = getopt_long(argc, argv, "", known, NULL);
		if (c == -1)
			break;
		switch (c) {
		case 'd':
			options->dir = optarg;
			break;
		case 'a':
			options->accounts = optarg;
			break;
		case 'c':
			ok = read_number(optarg, 65535, &options->control);
			break;
		case 'p':
			ok = read_number(
			    optarg, 65535 - OPERS, &options->port_base);
			break;
		case 's':
			ok = read_number(optarg, 1ul << 62, &options->seed);
			break;
		case 'w':
			ok = read_number(optarg, 604800, &seconds);
			sim->week_s = (double)seconds;
			break;
		case 'u':
			ok = sim_oper(sim, optarg) != NULL;
			if (ok)
				sim->surge =
				    (int)(sim_oper(sim, optarg) - sim->opers);
			break;
		case 'q':
			ok = read_capacity(sim, optarg, capacity);
			break;
		default:
			return false;
		}
	}
	return ok && optind == argc &&
	    (options->dir != NULL || options->accounts != NULL);
}

static void
say_ready(const struct sim *sim)
{
	printf("{\"control\":%u,\"ports\":{", sim->control_port);
	for (int i = 0; i < OPERS; i++)
		printf("%s\"%s\":%u", i > 0 ? "," : "",
		    sim->opers[i].play->name, sim->opers[i].port);
	printf("}}\n");
	fflush(stdout);
}

static void
fini(struct sim *sim)
{
	timer_free(sim->timer);
	for (int i = 0; i < OPERS; i++) {
		struct oper *op = &sim->opers[i];
		session_drop_all(op);
		for (size_t d = 0; d < op->n_deps; d++)
			mailbox_forget(&op->deps[d].mailbox);
		pthread_mutex_destroy(&op->lock);
	}
	free(sim->cert);
	free(sim->key);
	free(sim);
}

static int
serve(struct sim *sim, const struct options *options, const sigset_t *signals)
{
	int number = 0;
	int status = 1;

	sim->timer = timer_new();
	if (server_start(sim, options->dir, (uint16_t)options->port_base) < 0)
		goto out;
	if (control_start(sim, (uint16_t)options->control) < 0) {
		fprintf(stderr, "dyzurny-sim: no control port\n");
		goto out;
	}
	if (sim->week_s > 0)
		timer_every(sim->timer, 0.05, week_tick, sim);
	say_ready(sim);
	sigwait(signals, &number);
	status = 0;
out:
	control_stop(sim);
	server_stop(sim);
	return status;
}

int
main(int argc, char **argv)
{
	struct options options = {.seed = 1};
	double capacity[OPERS] = {0};
	struct rlimit files;
	sigset_t signals;
	struct sim *sim = calloc(1, sizeof(*sim));
	int status = 2;

	if (sim == NULL)
		abort();
	/* the schools' clocks, also where no zone database is installed */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	sim->surge = -1;
	for (int i = 0; i < OPERS; i++)
		oper_init(sim, &sim->opers[i], plays[i]);
	if (!read_options(sim, argc, argv, &options, capacity)) {
		fputs(usage, stderr);
		goto out;
	}
	if (options.accounts != NULL) {
		int rc = accounts_write(options.accounts);
		if (rc < 0)
			fprintf(stderr, "dyzurny-sim: %s: %s\n",
			    options.accounts, strerror(-rc));
		status = rc < 0;
		goto out;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	sim->started_s = sim_now_s();
	/* in fast motion a line must also drain fast */
	sim->limit_s =
	    sim->week_s > 0 ? fmin(15, fmax(1, sim->week_s * 0.05)) : 15;
	for (int i = 0; i < OPERS; i++)
		oper_open(&sim->opers[i], options.seed, capacity[i]);
	status = serve(sim, &options, &signals);
out:
	fini(sim);
	return status;
}
