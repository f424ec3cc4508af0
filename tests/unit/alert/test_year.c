/*
 * The rules of the example configuration over simulated time: injected outages
 * must be found, soon, once, and for the right reason; a healthy month with
 * its everyday noise must not call anybody.
 *
 *   test_year [--seed N] [--outages N] [--months N]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alert/alert.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/conf/folder.h"

#define S US_PER_S
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WALL0 (INT64_C(1793577600) * S) /* Mon 2 November 2026, 00:00 UTC */
#define OUTAGES 200

static uint64_t seed = 1;
static unsigned n_outages = OUTAGES, n_months = 1;

/* ---- chance ---- */

static uint64_t state_of_chance;

static uint64_t
draw(void)
{
	/* SplitMix64 (Steele, Lea, Flood 2014) */
	uint64_t z = (state_of_chance += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static double
ratio(void)
{
	return (double)(draw() >> 11) / 9007199254740992.0;
}

static bool
chance(double p)
{
	return ratio() < p;
}

static dur_us
between(dur_us least, dur_us most)
{
	return least + (dur_us)(ratio() * (double)(most - least));
}

/* Box and Muller. */
static double
normal(void)
{
	return sqrt(-2 * log(1 - ratio())) * cos(2 * M_PI * ratio());
}

/* ---- the world ---- */

/* What is wrong with an operator, from when to when. */
struct trouble {
	mono_us from, to;
	enum reason reason;
	const char *act; /* NULL: login, and so all */
	double share; /* of its places */
};

struct place {
	const struct conf_operator *op;
	const struct conf_deployment *deployment;
	size_t index;
	mono_us due;
	unsigned fails, growth;
};

struct opened {
	struct incident incident;
	mono_us at; /* when it was told first */
	int severity; /* the worst */
	bool over;
};

struct world {
	struct conf *conf;
	struct alert *alert;
	struct target_set *targets;
	struct place *places;
	size_t n_places;
	mono_us now;
	wall_us wall;
	struct trouble troubles[8]; /* by operator */
	struct opened *opened;
	size_t n_opened;
	unsigned runs, failed;
	bool noise;
};

static struct opened *
find_opened(struct world *world, int64_t number)
{
	for (size_t i = 0; i < world->n_opened; i++)
		if (world->opened[i].incident.number == number)
			return &world->opened[i];
	return NULL;
}

static void
sink(void *arg, enum notify_event event, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct world *world = arg;
	struct opened *one = find_opened(world, incident->number);

	(void)entry;
	if (one == NULL) {
		assert_int_equal(event, NOTIFY_OPENED);
		world->opened =
		    mem_grow(world->opened, world->n_opened + 1, sizeof(*one));
		one = &world->opened[world->n_opened++];
		*one = (struct opened){.at = world->now};
	}
	one->incident = *incident;
	if (incident->severity > one->severity)
		one->severity = incident->severity;
	one->over = event == NOTIFY_RESOLVED;
}

/* conf/dyzurny.cfg itself, with accounts made here. */
static struct conf *
load_example(void)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf *conf;

	folder_enter_for_example();
	conf = conf_load(TEST_SRCDIR "/conf/dyzurny.cfg", problems);
	for (size_t i = 0; i < conf_problems_count(problems); i++)
		print_error("%s\n", conf_problems_at(problems, i));
	assert_non_null(conf);
	conf_problems_free(problems);
	folder_leave();
	return conf;
}

static void
world_begin(struct world *world, struct conf *conf)
{
	memset(world, 0, sizeof(*world));
	world->conf = conf_hold(conf);
	world->targets = target_set_new();
	world->now = 5000 * S;
	world->wall = WALL0;
	world->alert = alert_new(sink, world, 0);
	alert_apply(world->alert, conf);
	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];

		for (size_t k = 0; k < op->n_deployments; k++) {
			const struct conf_deployment *one = &op->deployments[k];

			world->places = mem_grow(world->places,
			    world->n_places + 1, sizeof(*world->places));
			world->places[world->n_places++] =
			    (struct place){.op = op,
				.deployment = one,
				.index = k,
				.growth = 1,
				.due = world->now + between(0, one->every)};
		}
	}
}

static void
world_end(struct world *world)
{
	alert_free(world->alert);
	target_set_free(world->targets);
	conf_release(world->conf);
	free(world->places);
	free(world->opened);
}

/* Half a second at night, twice that before the first lesson, and with the
 * long tail of all latencies. */
static dur_us
latency_of(const struct world *world)
{
	dur_us day = (world->wall - WALL0) % DAY;
	bool busy = (day > 6 * HOUR && day < 9 * HOUR) ||
	    (day > 16 * HOUR && day < 20 * HOUR);
	bool backup = day > HOUR && day < 2 * HOUR;
	double ms = 500 * (busy ? 2 : 1) * (backup ? 2 : 1);

	return (dur_us)(ms * exp(0.5 * normal()) * US_PER_MS);
}

static bool
is_hit(const struct trouble *trouble, const struct place *place, mono_us now)
{
	return now >= trouble->from && now < trouble->to &&
	    (double)(place->index + 1) <=
	    ceil(trouble->share * (double)place->op->n_deployments);
}

static enum reason
noise_of(const struct world *world)
{
	static const enum reason often[] = {REASON_NO_ANSWER, REASON_HTTP_5XX,
	    REASON_CONNECTION_RESET, REASON_CONNECT_TIMEOUT};

	if (!world->noise)
		return REASON_OK;
	if (chance(0.005))
		return REASON_TAINTED;
	return chance(0.001) ? often[draw() % ARRAY_LEN(often)] : REASON_OK;
}

static enum reason
feed(struct world *world, const struct place *place, const char *act,
    enum reason reason)
{
	struct result result = {
	    .target = target_intern(
		world->targets, place->op->name, place->deployment->name, act),
	    .started_wall = world->wall,
	    .started = world->now,
	    .latency = latency_of(world),
	    .reason = reason,
	    .phase = PHASE_WAIT,
	    /* renewed when a third of its ninety days is left */
	    .cert_not_after = world->wall + 30 * DAY +
		(60 * DAY - (world->wall - WALL0) % (60 * DAY)),
	};

	result.phases.us[PHASE_WAIT] = result.latency;
	snprintf(result.run_id, sizeof(result.run_id), "%032x", ++world->runs);
	alert_feed(world->alert, &result, world->now);
	world->failed += reason_verdict(reason) == VERDICT_DOWN;
	return reason;
}

static enum reason
outcome_of(
    const struct world *world, const struct place *place, const char *act)
{
	size_t i = (size_t)(place->op - world->conf->operators);
	const struct trouble *trouble = &world->troubles[i];

	if (is_hit(trouble, place, world->now) &&
	    (trouble->act == NULL || strcmp(trouble->act, act) == 0))
		return trouble->reason;
	return noise_of(world);
}

/* A journey, and when the next one is due: as sched does it, a place that
 * fails three times in a row is asked less often. */
static void
run(struct world *world, struct place *place)
{
	enum reason login =
	    feed(world, place, "login", outcome_of(world, place, "login"));
	bool failed = reason_verdict(login) == VERDICT_DOWN;
	static const char *const acts[] = {"grades", "message"};

	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		enum reason reason = login == REASON_OK
		    ? outcome_of(world, place, acts[i])
		    : REASON_PREREQUISITE_FAILED;

		feed(world, place, acts[i], reason);
		failed = failed || reason_verdict(reason) == VERDICT_DOWN;
	}
	place->fails = failed ? place->fails + 1 : 0;
	if (!failed)
		place->growth = 1;
	else if (place->fails >= 3 && place->growth < 8)
		place->growth *= 2;
	place->due += place->deployment->every * place->growth;
}

static void
live(struct world *world, dur_us length, dur_us tick)
{
	mono_us until = world->now + length;

	while (world->now < until) {
		world->now += tick;
		world->wall += tick;
		for (size_t i = 0; i < world->n_places; i++)
			if (world->places[i].due <= world->now)
				run(world, &world->places[i]);
		alert_tick(world->alert, world->now, world->wall);
	}
}

/* ---- outages ---- */

static int
rising(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

/* The longest interval of the operator. */
static dur_us
interval_of(const struct conf_operator *op)
{
	dur_us every = 0;

	for (size_t i = 0; i < op->n_deployments; i++)
		if (op->deployments[i].every > every)
			every = op->deployments[i].every;
	return every;
}

/* In units of the interval, how long it took. */
static double
one_outage(struct conf *conf, unsigned n)
{
	static const enum reason reasons[] = {REASON_HTTP_5XX, REASON_NO_ANSWER,
	    REASON_OVERLOAD_PAGE, REASON_CONNECT_REFUSED,
	    REASON_CONNECT_TIMEOUT, REASON_DNS_FAILURE, REASON_TLS_EXPIRED,
	    REASON_SLOW_BODY, REASON_CONNECTION_RESET, REASON_MAINTENANCE_PAGE};
	static const char *const acts[] = {NULL, NULL, "grades", "message"};
	size_t at = draw() % conf->n_operators;
	const struct conf_operator *op = &conf->operators[at];
	struct trouble *trouble;
	const struct opened *found = NULL;
	struct world world;
	char scope[MODEL_PATH_SIZE];
	int64_t number;
	double took;

	world_begin(&world, conf);
	world.noise = true;
	live(&world, HOUR + between(0, HOUR), S);
	trouble = &world.troubles[at];
	*trouble = (struct trouble){.from = world.now,
	    .to = world.now + between(30 * MINUTE, 90 * MINUTE),
	    .reason = reasons[draw() % ARRAY_LEN(reasons)],
	    .act = acts[draw() % ARRAY_LEN(acts)],
	    .share = 1};
	live(&world, trouble->to - world.now, S);
	snprintf(scope, sizeof(scope), "%s/_all/%s", op->name,
	    trouble->act ? trouble->act : "login");
	for (size_t i = 0; i < world.n_opened; i++) {
		const struct opened *one = &world.opened[i];

		if (one->at <= trouble->from)
			continue;
		if (strcmp(one->incident.scope, scope) == 0 && found == NULL)
			found = one;
		/* by chance two may fail one after the other elsewhere */
		else if (one->severity > 1)
			fail_msg("outage %u: %s and %s", n, scope,
			    one->incident.scope);
	}
	if (found == NULL)
		fail_msg("outage %u of %s was not found", n, op->name);
	assert_int_equal(found->incident.reason, trouble->reason);
	assert_int_equal(found->incident.side, reason_side(trouble->reason));
	/* raised as its impact became known: login 3, another act 2 */
	assert_int_equal(found->severity, trouble->act == NULL ? 3 : 2);
	took = (double)(found->at - trouble->from) / (double)interval_of(op);
	number = found->incident.number;
	live(&world, 3 * HOUR, S);
	found = find_opened(&world, number);
	assert_true(found != NULL && found->over);
	world_end(&world);
	return took;
}

static void
outages_are_found_once_soon_and_for_what_they_are(void **state)
{
	double *took = mem_array(n_outages, sizeof(*took));
	struct conf *conf = load_example();

	(void)state;
	state_of_chance = seed;
	for (unsigned i = 0; i < n_outages; i++)
		took[i] = one_outage(conf, i);
	qsort(took, n_outages, sizeof(*took), rising);
	print_message("# %u outages, seed %llu: all found; in intervals: "
		      "least %.2f, median %.2f, p95 %.2f, most %.2f\n",
	    n_outages, (unsigned long long)seed, took[0], took[n_outages / 2],
	    took[n_outages * 95 / 100], took[n_outages - 1]);
	/* and a second, of the shortest interval */
	assert_true(took[n_outages / 2] <= 2 + 1.0 / 60);
	free(took);
	conf_release(conf);
}

/* ---- a healthy month ---- */

/* A blip of the network at one operator, a new version on Wednesday night. */
static void
everyday_trouble(struct world *world)
{
	size_t i = draw() % world->conf->n_operators;
	dur_us day = (world->wall - WALL0) % DAY;
	struct trouble *trouble = &world->troubles[i];

	if (world->now < trouble->to)
		return;
	if (chance(2.0 / 24)) {
		*trouble = (struct trouble){.from = world->now,
		    .to = world->now + between(10 * S, 50 * S),
		    .reason = REASON_CONNECT_TIMEOUT,
		    .share = 1};
	} else if (day >= 22 * HOUR && (world->wall - WALL0) / DAY % 7 == 2) {
		*trouble = (struct trouble){.from = world->now,
		    .to = world->now + between(20 * S, 40 * S),
		    .reason = REASON_HTTP_5XX,
		    .share = 1};
	}
}

static void
live_a_month(struct world *world)
{
	for (int hour = 0; hour < 30 * 24; hour++) {
		everyday_trouble(world);
		live(world, HOUR, 5 * S);
	}
}

static unsigned
count_calls(const struct world *world)
{
	unsigned n = 0;

	for (size_t i = 0; i < world->n_opened; i++) {
		const struct opened *one = &world->opened[i];

		if (one->severity < 2)
			continue;
		n++;
		print_message("# %s %s severity %d: %s\n", one->incident.rule,
		    one->incident.scope, one->severity,
		    one->incident.summary_en);
	}
	return n;
}

static void
a_healthy_month_calls_nobody(void **state)
{
	struct conf *conf = load_example();

	(void)state;
	for (unsigned i = 0; i < n_months; i++) {
		struct world world;

		state_of_chance = seed + i;
		world_begin(&world, conf);
		world.noise = true;
		live_a_month(&world);
		print_message("# month %u, seed %llu: %u results, %u failed, "
			      "%zu incidents\n",
		    i, (unsigned long long)seed + i, world.runs, world.failed,
		    world.n_opened);
		assert_int_equal(count_calls(&world), 0);
		world_end(&world);
	}
	conf_release(conf);
}

/* The month can call: the same one, with one real outage in it. */
static void
the_same_month_with_an_outage_calls_once(void **state)
{
	struct conf *conf = load_example();
	struct world world;

	(void)state;
	state_of_chance = seed;
	world_begin(&world, conf);
	world.noise = true;
	live(&world, 9 * DAY + 7 * HOUR, 5 * S);
	world.troubles[1] = (struct trouble){.from = world.now,
	    .to = world.now + 30 * MINUTE,
	    .reason = REASON_HTTP_5XX,
	    .share = 1};
	live(&world, 20 * DAY, 5 * S);
	assert_int_equal(count_calls(&world), 1);
	world_end(&world);
	conf_release(conf);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(outages_are_found_once_soon_and_for_what_they_are),
	    cmocka_unit_test(a_healthy_month_calls_nobody),
	    cmocka_unit_test(the_same_month_with_an_outage_calls_once),
	};

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
		if (strcmp(argv[i], "--outages") == 0)
			n_outages = (unsigned)atoi(argv[i + 1]);
		if (strcmp(argv[i], "--months") == 0)
			n_months = (unsigned)atoi(argv[i + 1]);
	}
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
