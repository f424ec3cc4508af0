/*
 * How far measured phases are from the truth: our own engine's rooms (loop,
 * http, probe) against a world whose every delay is known, one run at a time
 * and while the same loop does other journeys; the floor is a bare client in
 * the same world. The country's load is 400 journeys a second: all of them of
 * the lightest kind on one loop, or full ones on as many loops as they need,
 * of which one is shown.
 *
 *   truth [--runs N] [--seconds S] [--light J] [--full J] [--seed N]
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "engine.h"
#include "errors.h"
#include "probe/probe.h"

#define GOAL_IDLE_MS 1.0
#define GOAL_LOAD_MS 3.0

struct options {
	size_t runs;
	double seconds, light, full; /* journeys a second */
	unsigned seed;
};

/* In turn, so that both have the same machine. */
static bool
run_idle(struct engine_bench *engine, const struct options *options,
    const struct truth_world *world, const char *folder, struct errors *floor,
    struct errors *errors)
{
	for (size_t i = 0; i < options->runs; i++) {
		if (!bare_run(floor, world, folder))
			return false;
		engine_run(engine, errors);
	}
	errors_print("bare client, one run at a time", floor);
	errors_print("our engine, one run at a time", errors);
	return true;
}

static void
run_load(struct plan *plan, const struct truth_world *world, const char *load,
    double rate, double seconds, struct errors *errors)
{
	struct engine_bench *engine = engine_open(plan, world, load);
	char title[80];

	engine_load(engine, rate, seconds, errors);
	snprintf(title, sizeof(title), "our engine, %.0f %s journeys a second",
	    rate, load);
	errors_print(title, errors);
	engine_close(engine);
}

static bool
measure(const struct options *options, struct plan *plan,
    const struct truth_world *world, const char *folder)
{
	struct errors floor = {0}, idle = {0}, light = {0}, full = {0};
	struct engine_bench *engine = engine_open(plan, world, "light");
	bool met = run_idle(engine, options, world, folder, &floor, &idle);

	engine_close(engine);
	if (met) {
		run_load(plan, world, "light", options->light, options->seconds,
		    &light);
		run_load(plan, world, "full", options->full, options->seconds,
		    &full);
		met = errors_judge("idle", &idle, &floor, GOAL_IDLE_MS);
		met &= errors_judge(
		    "light journeys", &light, &floor, GOAL_LOAD_MS);
		met &=
		    errors_judge("full journeys", &full, &floor, GOAL_LOAD_MS);
	}
	errors_free(&floor);
	errors_free(&idle);
	errors_free(&light);
	errors_free(&full);
	return met;
}

static void
read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
	    {"runs", required_argument, NULL, 'n'},
	    {"seconds", required_argument, NULL, 's'},
	    {"light", required_argument, NULL, 'l'},
	    {"full", required_argument, NULL, 'f'},
	    {"seed", required_argument, NULL, 'r'},
	    {0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		double number = optarg != NULL ? atof(optarg) : 0;

		if (option == '?' || number <= 0) {
			fputs(
			    "usage: truth [--runs N] "
			    "[--seconds S] [--light J] [--full J] [--seed N]\n",
			    stderr);
			exit(2);
		}
		if (option == 'n')
			options->runs = (size_t)number;
		else if (option == 's')
			options->seconds = number;
		else if (option == 'l')
			options->light = number;
		else if (option == 'f')
			options->full = number;
		else
			options->seed = (unsigned)number;
	}
}

static void
more_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Certificates of the simulators, and two accounts. */
static bool
fill_folder(const char *folder)
{
	char *command = mem_printf(
	    "%s/tests/sim/make-ca.sh %s && umask 077 && mkdir %s/accounts && "
	    "cd %s/accounts && printf 'user = u\\npassword = p\\n' >a && cp a "
	    "b",
	    TEST_SRCDIR, folder, folder, folder);
	bool well = system(command) == 0;

	free(command);
	return well;
}

static void
remove_folder(const char *folder)
{
	char *command = mem_printf("rm -r %s", folder);

	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", folder);
	free(command);
}

int
main(int argc, char **argv)
{
	struct options options = {
	    .runs = 150, .seconds = 30, .light = 400, .full = 100, .seed = 1};
	struct truth_world world = {0};
	char folder[] = "/tmp/dyzurny-truth-XXXXXX";
	struct plan *plan;

	setvbuf(stdout, NULL, _IOLBF, 0);
	read_options(argc, argv, &options);
	signal(SIGPIPE, SIG_IGN);
	more_descriptors();
	if (mkdtemp(folder) == NULL || !fill_folder(folder))
		return 1;
	if (!truth_world_start(&world, folder, options.seed)) {
		puts("not measured: it takes a network namespace and "
		     "/dev/net/tun");
		remove_folder(folder);
		return 0;
	}
	printf("every delay: none, or 1 to 64 ms; seed %u; the instrument runs "
	       "%s\n",
	    options.seed,
	    world.realtime ? "before all others" : "like all others");
	bench_pin(0);
	http_init();
	probe_init_libraries();
	plan = truth_plan(&world, folder);
	if (plan != NULL)
		printf("\nall goals: %s\n",
		    measure(&options, plan, &world, folder) ? "met" : "missed");
	plan_free(plan);
	truth_world_stop(&world);
	remove_folder(folder);
	http_fini();
	return plan == NULL;
}
