/*
 * Kindness, under random configurations, failures, reloads and clocks: an
 * operator is never asked more often than its budget says, nor by more
 * journeys at once, nor sooner than it asked us to wait, nor more often while
 * it fails. Judged from the operators' side, by counts of their own.
 *
 * KINDNESS_SEED=N plays another world; KINDNESS_WORLDS=N more of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "play_loop.h"
#include "sched/sched.h"

#define MINUTE (60 * US_PER_S)
#define HOUR (60 * MINUTE)
#define SITES 3 /* operators, by whatever name */
#define PLACES 5 /* deployments of each */
#define PER_MINUTE_MAX 120
#define REALIGN 0.95 /* the part of an interval that may lie between starts */

/* How a place answers. */
enum weather {
	WELL,
	REFUSES, /* the first request fails */
	BREAKS, /* one in the middle does */
	HANGS,
	LOSES, /* the message is looked for again and again */
	CIRCLES, /* redirects without end */
	OURS, /* we were late */
	LOCKS, /* the password is refused */
	TAKES_TURNS, /* loses, and is well again the next time */
};
#define WEATHERS (TAKES_TURNS + 1)

struct place {
	bool there;
	unsigned name; /* how often it was renamed */
	dur_us every;
	enum weather weather;
	bool turn;
	bool asks; /* for a pause when it fails */
	bool held; /* its account was refused */
	mono_us not_before; /* as it asked */
	double starts; /* that it still may see, see allow() */
	mono_us starts_at;
	uint64_t begun, asked;
	char host[16];
	char account[16];
};

struct site {
	bool there;
	unsigned name;
	uint32_t per_minute, parallel, cost;
	uint32_t running;
	mono_us sent[PER_MINUTE_MAX];
	uint64_t n_sent;
	struct place places[PLACES];
};

struct world {
	uint64_t seed, random;
	struct clock_manual clock;
	struct loop *loop;
	struct sched *sched;
	struct target_set *targets;
	struct secret *secret;
	struct site sites[SITES];
	LIST_HEAD(, crew_run) runs;
	uint64_t refused, waited, skipped; /* so that we know that it bit */
};

static struct world *world;

/* ---- chance (xorshift64*, Vigna) ---- */

static uint64_t
chance(uint64_t n)
{
	world->random ^= world->random >> 12;
	world->random ^= world->random << 25;
	world->random ^= world->random >> 27;
	return (world->random * UINT64_C(0x2545F4914F6CDD1D) >> 11) % n;
}

static int64_t
between(int64_t least, int64_t most)
{
	return least + (int64_t)chance((uint64_t)(most - least + 1));
}

/* ---- a configuration, made anew for each reload ---- */

struct made_conf {
	struct conf conf; /* first */
	int references;
	struct conf_profile profiles[SITES];
	struct conf_operator ops[SITES];
	struct conf_deployment deployments[SITES][PLACES];
	struct conf_pair vars[SITES][PLACES];
	struct conf_account accounts[SITES * PLACES];
	char names[SITES][16];
	char deployment_names[SITES][PLACES][16];
};

struct conf *
conf_hold(struct conf *conf)
{
	((struct made_conf *)conf)->references++;
	return conf;
}

void
conf_release(struct conf *conf)
{
	if (conf != NULL && --((struct made_conf *)conf)->references == 0)
		free(conf);
}

uint32_t
conf_journey_requests(const struct conf_profile *profile)
{
	return world->sites[profile->name[1] - '0'].cost;
}

const struct secret *
conf_account_field(const struct conf_account *account, const char *name)
{
	(void)account;
	(void)name;
	return world->secret;
}

static void
make_place(struct made_conf *made, size_t s, size_t p)
{
	struct place *place = &world->sites[s].places[p];
	struct conf_operator *op = &made->ops[made->conf.n_operators];
	size_t at = op->n_deployments++;
	struct conf_account *account = &made->accounts[made->conf.n_accounts++];

	account->name = place->account;
	snprintf(made->deployment_names[s][p],
	    sizeof(made->deployment_names[s][p]), "d%zu-%u", p, place->name);
	made->vars[s][p].name = "host";
	made->vars[s][p].value.value = place->host;
	made->deployments[s][at] = (struct conf_deployment){
	    .name = made->deployment_names[s][p],
	    .every = place->every,
	    .vars = &made->vars[s][p],
	    .n_vars = 1,
	    .sender = account,
	};
}

static void
make_site(struct made_conf *made, size_t s)
{
	static const char *const profiles[] = {"p0", "p1", "p2"};
	struct site *site = &world->sites[s];
	struct conf_operator *op = &made->ops[made->conf.n_operators];

	snprintf(
	    made->names[s], sizeof(made->names[s]), "o%zu-%u", s, site->name);
	made->profiles[s].name = profiles[s];
	*op = (struct conf_operator){
	    .name = made->names[s],
	    .profile = &made->profiles[s],
	    .per_minute = site->per_minute,
	    .parallel = site->parallel,
	    .deployments = made->deployments[s],
	};
	for (size_t p = 0; p < PLACES; p++)
		if (site->places[p].there)
			make_place(made, s, p);
	made->conf.n_operators++;
}

static void
apply(void)
{
	static struct probe_program *programs[SITES];
	struct made_conf *made = mem_new(sizeof(*made));

	made->references = 1;
	made->conf = (struct conf){
	    .profiles = made->profiles,
	    .n_profiles = SITES,
	    .operators = made->ops,
	    .accounts = made->accounts,
	};
	for (size_t s = 0; s < SITES; s++)
		if (world->sites[s].there)
			make_site(made, s);
	sched_apply(world->sched, &made->conf, programs);
	conf_release(&made->conf);
}

/* ---- what an operator sees ---- */

static void
see_request(struct site *site, struct place *place)
{
	mono_us now = world->clock.now;
	uint32_t limit = site->per_minute;
	mono_us before;

	if (now < place->not_before)
		fail_msg("seed %llu: asked %lld us before it was to be",
		    (unsigned long long)world->seed,
		    (long long)(place->not_before - now));
	if (site->n_sent >= limit) {
		before = site->sent[(site->n_sent - limit) % PER_MINUTE_MAX];
		if (now - before < MINUTE)
			fail_msg("seed %llu: more than %u requests in a minute",
			    (unsigned long long)world->seed, limit);
	}
	site->sent[site->n_sent++ % PER_MINUTE_MAX] = now;
	place->asked++;
}

/* A place may see as many starts as intervals have gone by, and three more,
 * for those that were late and those that a reload moved. */
static void
allow(struct place *place)
{
	mono_us now = world->clock.now;

	place->starts +=
	    (double)(now - place->starts_at) / (REALIGN * (double)place->every);
	if (place->starts > 3)
		place->starts = 3;
	place->starts_at = now;
}

static void
see_start(struct site *site, struct place *place)
{
	if (++site->running > site->parallel)
		fail_msg("seed %llu: %u journeys at once of %u",
		    (unsigned long long)world->seed, site->running,
		    site->parallel);
	if (place->held)
		fail_msg("seed %llu: begun with a refused account",
		    (unsigned long long)world->seed);
	allow(place);
	place->starts -= 1;
	place->begun++;
	if (place->starts < 0)
		fail_msg("seed %llu: begun too often",
		    (unsigned long long)world->seed);
}

/* ---- the journeys ---- */

struct crew_run {
	LIST_ENTRY(crew_run) link;
	struct probe_job job;
	struct probe_events events;
	const struct target *targets[2];
	struct loop_timer *timer;
	struct site *site;
	struct place *place;
	enum weather weather;
	unsigned left; /* requests until it is judged */
	unsigned cleanup; /* and after that */
	bool stopping, decided;
};

static void
finish(struct crew_run *run, enum reason login, enum reason message)
{
	enum reason reasons[2] = {login, message};

	run->decided = true;
	for (size_t i = 0; i < 2 && !run->stopping; i++) {
		struct result result = {
		    .target = run->targets[i],
		    .reason = reasons[i],
		};

		if (reason_stops_account(reasons[i])) {
			run->place->held = true;
			snprintf(result.account, sizeof(result.account), "%s",
			    run->place->account);
		}
		run->events.finish(run->events.arg, result);
	}
}

static void
judge(struct crew_run *run)
{
	switch (run->weather) {
	case WELL:
	case TAKES_TURNS:
		finish(run, REASON_OK, REASON_OK);
		break;
	case REFUSES:
		finish(run, REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
		break;
	case BREAKS:
		finish(run, REASON_OK, REASON_HTTP_5XX);
		break;
	case HANGS:
		finish(run, REASON_NO_ANSWER, REASON_PREREQUISITE_FAILED);
		break;
	case LOSES:
		finish(run, REASON_OK, REASON_MESSAGE_LOST);
		break;
	case CIRCLES:
		finish(run, REASON_REDIRECT_LOOP, REASON_PREREQUISITE_FAILED);
		break;
	case OURS:
		finish(run, REASON_TAINTED, REASON_PREREQUISITE_FAILED);
		break;
	case LOCKS:
		finish(run, REASON_BAD_CREDENTIALS, REASON_PREREQUISITE_FAILED);
		break;
	}
}

static void
end(struct crew_run *run)
{
	struct run summary = {.operator= run->job.op->name,
	    .deployment = run->job.deployment->name};

	LIST_REMOVE(run, link);
	run->site->running--;
	loop_timer_free(run->timer);
	run->events.end(run->events.arg, &summary);
	conf_release(run->job.conf);
	free(run);
}

/* Now and then it asks for a pause, with what failed or while it is left. */
static void
ask_to_wait(struct crew_run *run, bool failed)
{
	struct place *place = run->place;
	dur_us wait = between(1, 100) * between(1, 72) * US_PER_S;
	dur_us most = wait < HOUR ? wait : HOUR;

	if (!place->asks || !failed || chance(3) == 0)
		return;
	world->waited++;
	if (place->not_before < world->clock.now + most)
		place->not_before = world->clock.now + most;
	run->events.asked_to_wait(run->events.arg, wait);
}

static dur_us
think(const struct crew_run *run)
{
	if (run->weather == HANGS)
		return between(1, 20) * US_PER_S;
	if (run->weather == LOSES)
		return 2 * US_PER_S;
	return between(1, 1500) * US_PER_MS;
}

/* One request and its answer; then the next one. */
static void
on_step(void *arg)
{
	struct crew_run *run = arg;
	bool last = run->left == 1;

	if (run->left == 0 && run->cleanup == 0) {
		end(run);
		return;
	}
	if (!run->events.may_send(run->events.arg)) {
		world->refused++;
		if (!run->decided)
			finish(run, REASON_BUDGET_SPENT,
			    REASON_PREREQUISITE_FAILED);
		run->left = 0;
		run->cleanup -= run->cleanup > 0;
	} else {
		see_request(run->site, run->place);
		ask_to_wait(run, last && run->weather != WELL);
		if (run->left > 0)
			run->left--;
		else
			run->cleanup--;
	}
	if (run->left == 0 && !run->decided)
		judge(run);
	loop_timer_start(run->timer, think(run));
}

static void
find_place(struct crew_run *run)
{
	size_t s = (size_t)(run->job.op->profile->name[1] - '0');
	size_t p = (size_t)(run->job.deployment->name[1] - '0');

	run->site = &world->sites[s];
	run->place = &run->site->places[p];
}

static void
plan(struct crew_run *run)
{
	struct place *place = run->place;
	unsigned cost = run->site->cost;

	run->weather = place->weather;
	if (place->weather == TAKES_TURNS) {
		place->turn = !place->turn;
		run->weather = place->turn ? LOSES : WELL;
	}
	run->cleanup = cost > 2 ? 2 : cost - 1;
	run->left = cost - run->cleanup;
	if (run->weather == LOSES)
		run->left += 15;
	else if (run->weather == CIRCLES)
		run->left = 10 + cost / 2;
	else if (run->weather != WELL)
		run->left = (unsigned)between(1, run->left);
}

struct crew_run *
crew_start(struct crew *crew, const struct probe_job *job,
    const struct probe_events *events)
{
	struct crew_run *run = mem_new(sizeof(*run));

	(void)crew;
	run->job = *job;
	run->events = *events;
	memcpy(run->targets, job->targets, sizeof(run->targets));
	conf_hold(job->conf);
	find_place(run);
	plan(run);
	see_start(run->site, run->place);
	run->timer = loop_timer_new(world->loop, on_step, run);
	LIST_INSERT_HEAD(&world->runs, run, link);
	loop_timer_start(run->timer, 0);
	return run;
}

void
crew_stop(struct crew_run *run)
{
	run->stopping = true;
	run->left = 0;
	run->decided = true;
}

static void
run_free(struct crew_run *run)
{
	LIST_REMOVE(run, link);
	run->site->running--;
	loop_timer_free(run->timer);
	conf_release(run->job.conf);
	free(run);
}

/* What crew_close does: all runs end without any further call. */
static void
close_crew(void)
{
	while (!LIST_EMPTY(&world->runs))
		run_free(LIST_FIRST(&world->runs));
}

struct probe_program *
probe_program_hold(struct probe_program *program)
{
	return program;
}

void
probe_program_release(struct probe_program *program)
{
	(void)program;
}

size_t
probe_program_transactions(const struct probe_program *program)
{
	(void)program;
	return 2;
}

const char *
probe_program_transaction(const struct probe_program *program, size_t i)
{
	static const char *const names[] = {"login", "message"};

	(void)program;
	return names[i];
}

/* ---- the schedule's owner ---- */

static void
on_finish(void *arg, struct result result)
{
	(void)arg;
	world->skipped += result.reason == REASON_BUDGET_SPENT;
}

static void
on_end(void *arg, const struct run *run)
{
	(void)arg;
	(void)run;
}

static void
on_stopped(void *arg, const struct account_stop *stop)
{
	(void)arg;
	(void)stop;
}

static void
on_released(void *arg, const struct account_stop *stop, const char *by)
{
	(void)arg;
	(void)stop;
	(void)by;
}

static void
world_new(uint64_t seed)
{
	static const uint8_t key[SCHED_KEY_BYTES] = {1};

	world = mem_new(sizeof(*world));
	world->seed = seed;
	world->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	clock_manual_init(
	    &world->clock, 5 * US_PER_S, INT64_C(1793000000) * US_PER_S);
	world->loop = play_loop_new(&world->clock);
	world->targets = target_set_new();
	world->secret = secret_new("x", 1);
	world->sched = sched_new(&(struct sched_options){
	    .loop = world->loop,
	    .targets = world->targets,
	    .finish = on_finish,
	    .end = on_end,
	    .account_stopped = on_stopped,
	    .account_released = on_released,
	    .key = key,
	});
	for (size_t s = 0; s < SITES; s++)
		for (size_t p = 0; p < PLACES; p++) {
			struct place *place = &world->sites[s].places[p];

			snprintf(
			    place->host, sizeof(place->host), "h%zu-%zu", s, p);
			snprintf(place->account, sizeof(place->account),
			    "a%zu-%zu", s, p);
			place->every = US_PER_S;
			place->starts = 3;
		}
}

static void
world_free(void)
{
	close_crew();
	sched_free(world->sched);
	play_loop_free(world->loop);
	target_set_free(world->targets);
	secret_free(world->secret);
	free(world);
}

/* ---- at random ---- */

static void
set_every(struct place *place, dur_us every)
{
	allow(place);
	place->every = every;
}

static void
random_place(struct place *place)
{
	place->there = chance(3) > 0;
	set_every(place, between(2, 120) * US_PER_S);
	place->weather = chance(2) == 0 ? WELL : (enum weather)chance(WEATHERS);
	place->asks = chance(2) == 0;
}

static void
random_budget(struct site *site)
{
	site->per_minute = (uint32_t)between(1, PER_MINUTE_MAX);
	site->parallel = (uint32_t)between(1, 4);
}

/* An operator without any deployment has no place to be known again by. */
static void
random_site(struct site *site)
{
	site->there = chance(4) > 0;
	site->cost = (uint32_t)between(1, 30);
	random_budget(site);
	for (size_t p = 0; p < PLACES; p++)
		random_place(&site->places[p]);
	site->places[0].there = true;
}

static void
random_reload(void)
{
	struct site *site = &world->sites[chance(SITES)];
	struct place *place = &site->places[chance(PLACES)];

	switch (chance(7)) {
	case 0:
		site->there = !site->there;
		break;
	case 1:
		site->name++;
		break;
	case 2:
		if (site->there) /* else its last one holds */
			random_budget(site);
		break;
	case 3:
		place->there = place == &site->places[0] || !place->there;
		break;
	case 4:
		place->name++;
		break;
	case 5:
		set_every(place, between(2, 120) * US_PER_S);
		break;
	case 6: /* its file was touched */
		break;
	}
	apply();
}

static void
random_weather(void)
{
	struct place *place =
	    &world->sites[chance(SITES)].places[chance(PLACES)];

	place->weather = (enum weather)chance(WEATHERS);
	place->asks = chance(2) == 0;
}

static void
random_release(void)
{
	struct place *place =
	    &world->sites[chance(SITES)].places[chance(PLACES)];

	if (!place->held)
		return;
	place->held = false;
	(void)sched_release_account(world->sched, place->account, "test");
}

static void
random_clock(void)
{
	static const dur_us jumps[] = {HOUR, -HOUR, 365 * 24 * HOUR,
	    -10 * MINUTE, 300 * US_PER_MS, -2 * US_PER_S};

	world->clock.wall += jumps[chance(ARRAY_LEN(jumps))];
}

static void
play_hours(int64_t hours)
{
	mono_us until = world->clock.now + hours * HOUR;

	while (world->clock.now < until) {
		play_until(world->loop,
		    world->clock.now + between(1, 60000) * US_PER_MS);
		switch (chance(5)) {
		case 0:
			/* sometimes several, one after the other */
			for (uint64_t n = chance(4) + 1; n > 0; n--)
				random_reload();
			break;
		case 1:
			random_weather();
			break;
		case 2:
			random_release();
			break;
		case 3:
			random_clock();
			break;
		default:
			break;
		}
	}
}

static uint64_t
number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void
nobody_is_asked_more_than_is_declared_whatever_happens(void **state)
{
	uint64_t first = number_of("KINDNESS_SEED", 1);
	uint64_t worlds = number_of("KINDNESS_WORLDS", 200);
	uint64_t refused = 0, waited = 0, skipped = 0, sent = 0;

	(void)state;
	for (uint64_t i = 0; i < worlds; i++) {
		world_new(first + i);
		for (size_t s = 0; s < SITES; s++)
			random_site(&world->sites[s]);
		apply();
		play_hours(2);
		for (size_t s = 0; s < SITES; s++)
			sent += world->sites[s].n_sent;
		refused += world->refused;
		waited += world->waited;
		skipped += world->skipped;
		world_free();
	}
	print_message("# seeds %llu to %llu: %llu requests, %llu refused to "
		      "journeys, %llu starts left out, %llu times asked to "
		      "wait\n",
	    (unsigned long long)first, (unsigned long long)(first + worlds - 1),
	    (unsigned long long)sent, (unsigned long long)refused,
	    (unsigned long long)skipped, (unsigned long long)waited);
	assert_true(sent > 0 && refused > 0 && waited > 0 && skipped > 0);
}

/* ---- while it fails ---- */

static uint64_t
asked_in(mono_us length)
{
	struct place *place = &world->sites[0].places[0];
	uint64_t before = place->asked;

	play_until(world->loop, world->clock.now + length);
	return place->asked - before;
}

/* One place of one operator, with room for all it may want. */
static struct place *
one_place(dur_us every)
{
	struct place *place;

	world_new(1);
	place = &world->sites[0].places[0];
	world->sites[0].there = true;
	world->sites[0].cost = 20;
	world->sites[0].per_minute = PER_MINUTE_MAX;
	world->sites[0].parallel = 4;
	place->there = true;
	place->every = every;
	apply();
	return place;
}

static void
a_failing_operator_sees_fewer_requests(void **state)
{
	dur_us every = 3 * MINUTE;

	(void)state;
	for (enum weather weather = REFUSES; weather < WEATHERS; weather++) {
		struct place *place = one_place(every);
		uint64_t well, bad, again;

		asked_in(5 * every);
		well = asked_in(40 * every);
		assert_in_range(well, 39 * 20, 41 * 20);
		place->weather = weather;
		bad = asked_in(40 * every);
		/* but for what is owed: less than a journey */
		assert_true(bad < well + 20);
		place->weather = WELL;
		place->held = false;
		(void)sched_release_account(
		    world->sched, place->account, "test");
		asked_in(10 * every);
		again = asked_in(40 * every);
		assert_in_range(again, well - 20, well + 20);
		world_free();
	}
}

static void
reloads_make_nobody_run_twice_in_an_interval_nor_never(void **state)
{
	struct place *place = one_place(MINUTE);

	(void)state;
	for (int i = 0; i < 600; i++) {
		set_every(place, (60 + i % 2) * US_PER_S);
		place->name += i % 7 == 0;
		apply();
		play_until(world->loop, world->clock.now + 6 * US_PER_S);
	}
	/* each time it waits for its new place in the interval */
	assert_in_range(place->begun, 20, 65);
	world_free();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		nobody_is_asked_more_than_is_declared_whatever_happens),
	    cmocka_unit_test(a_failing_operator_sees_fewer_requests),
	    cmocka_unit_test(
		reloads_make_nobody_run_twice_in_an_interval_nor_never),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
