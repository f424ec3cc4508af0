/*
 * The schedule, with a probe that the test plays: what is begun, when, how
 * many at once, and what an outcome changes.
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

#include "base/mem.h"
#include "base/secret.h"
#include "sched/sched.h"

/* ---- the probe that the test plays ---- */

struct crew_run {
	LIST_ENTRY(crew_run) link;
	struct probe_job job;
	const struct target *targets[2]; /* a reload makes new ones */
	struct probe_events events;
	struct loop_timer *timer;
	struct world *world;
	bool stopped;
};

struct world {
	struct clock clock; /* first: the test sets its wall clock */
	dur_us wall_moved;
	struct loop *loop;
	struct sched *sched;
	struct target_set *targets;
	struct conf_profile profile; /* what the next apply copies */
	struct conf_account accounts[2];
	struct conf_account_field fields[2][2];
	struct secret *secrets[3];
	struct conf_operator op;
	struct conf_deployment deployments[4];
	struct loop_timer *guard;
	LIST_HEAD(, crew_run) runs;
	struct account_stop stop; /* the last one told */
	uint32_t stopped, released;
	/* how the next runs go */
	enum reason reason;
	enum conf_actor actor; /* whose fault it is */
	dur_us length;
	bool uplink_down;
	dur_us retry_after;
	uint32_t requests;
	uint32_t requests_refused;
	/* what was seen */
	uint32_t running, most_running, begun, ended;
	uint32_t begun_by[4];
	mono_us begun_at[64];
	uint32_t skipped_results;
	uint32_t wanted; /* the loop stops when so many have ended */
	bool stop_called;
};

static struct world *the_world;
static const char *const transactions[] = {"login", "grades"};

static void
name_account(struct result *result, const struct world *world,
    const struct conf_deployment *deployment)
{
	const struct conf_account *account = world->actor == CONF_SENDER
	    ? deployment->sender
	    : deployment->recipient;

	if (result->reason != REASON_OK && account != NULL)
		snprintf(result->account, sizeof(result->account), "%s",
		    account->name);
}

static void
play_out(void *arg)
{
	struct crew_run *fake = arg;
	struct world *world = fake->world;
	struct run run = {
	    .operator= world->op.name,
	    .deployment = fake->job.deployment->name,
	};

	for (uint32_t i = 0; i < world->requests; i++)
		world->requests_refused +=
		    !fake->events.may_send(fake->events.arg);
	if (world->retry_after > 0)
		fake->events.asked_to_wait(
		    fake->events.arg, world->retry_after);
	/* Of a stopped run the login was decided before. */
	for (size_t i = 0; i < (fake->stopped ? 1 : 2); i++) {
		struct result result = {
		    .target = fake->targets[i],
		    .reason = i == 0 ? world->reason
			: world->reason == REASON_OK
			? REASON_OK
			: REASON_PREREQUISITE_FAILED,
		};

		name_account(&result, world, fake->job.deployment);
		result.reason = fake->events.judge(fake->events.arg, &result);
		fake->events.finish(fake->events.arg, result);
	}
	world->running--;
	world->ended++;
	loop_timer_free(fake->timer);
	LIST_REMOVE(fake, link);
	fake->events.end(fake->events.arg, &run);
	conf_release(fake->job.conf);
	free(fake);
	if (world->wanted > 0 && world->ended >= world->wanted)
		loop_stop(world->loop);
}

struct crew_run *
crew_start(struct crew *crew, const struct probe_job *job,
    const struct probe_events *events)
{
	struct world *world = the_world;
	struct crew_run *fake = mem_new(sizeof(*fake));

	(void)crew;
	fake->job = *job;
	memcpy(fake->targets, job->targets, sizeof(fake->targets));
	fake->events = *events;
	fake->world = world;
	fake->timer = loop_timer_new(world->loop, play_out, fake);
	loop_timer_start(fake->timer, world->length);
	LIST_INSERT_HEAD(&world->runs, fake, link);
	conf_hold(job->conf);
	world->begun_by[job->deployment->name[0] - 'a']++;
	if (world->begun < 64)
		world->begun_at[world->begun] = loop_now(world->loop);
	world->begun++;
	if (++world->running > world->most_running)
		world->most_running = world->running;
	return fake;
}

void
crew_stop(struct crew_run *run)
{
	run->stopped = true;
	run->world->stop_called = true;
}

/* What crew_close does: all runs end without any further call. */
static void
close_crew(struct world *world)
{
	struct crew_run *run;

	while ((run = LIST_FIRST(&world->runs)) != NULL) {
		LIST_REMOVE(run, link);
		run->world->running--;
		loop_timer_free(run->timer);
		conf_release(run->job.conf);
		free(run);
	}
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
	(void)program;
	return transactions[i];
}

/* ---- the configuration that the test holds ---- */

/* Each apply makes one anew, so that a use of an old one is found by ASan. */
struct made_conf {
	struct conf conf; /* first */
	struct conf_operator op;
	struct conf_deployment deployments[4];
	struct conf_account accounts[2];
	struct conf_account_field fields[2][2];
	int references;
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

static struct made_conf *
conf_make(struct world *world)
{
	struct made_conf *made = mem_new(sizeof(*made));

	made->op = world->op;
	memcpy(
	    made->deployments, world->deployments, sizeof(made->deployments));
	memcpy(made->accounts, world->accounts, sizeof(made->accounts));
	memcpy(made->fields, world->fields, sizeof(made->fields));
	for (size_t i = 0; i < 2; i++)
		made->accounts[i].fields = made->fields[i];
	for (size_t i = 0; i < 4; i++) {
		const struct conf_deployment *from = &world->deployments[i];

		if (from->sender != NULL)
			made->deployments[i].sender =
			    &made->accounts[from->sender - world->accounts];
		if (from->recipient != NULL)
			made->deployments[i].recipient =
			    &made->accounts[from->recipient - world->accounts];
	}
	made->op.deployments = made->deployments;
	made->conf = (struct conf){
	    .profiles = &world->profile,
	    .n_profiles = 1,
	    .accounts = made->accounts,
	    .n_accounts = 2,
	    .operators = &made->op,
	    .n_operators = 1,
	};
	made->references = 1;
	return made;
}

uint32_t
conf_journey_requests(const struct conf_profile *profile)
{
	(void)profile;
	return the_world->requests;
}

const struct secret *
conf_account_field(const struct conf_account *account, const char *name)
{
	for (size_t i = 0; i < account->n_fields; i++) {
		if (strcmp(account->fields[i].name, name) == 0)
			return account->fields[i].value;
	}
	return NULL;
}

/* ---- the world ---- */

static mono_us
world_mono(const struct clock *clock)
{
	(void)clock;
	return clock_mono(clock_system());
}

static wall_us
world_wall(const struct clock *clock)
{
	return clock_wall(clock_system()) +
	    ((const struct world *)clock)->wall_moved;
}

static enum reason
on_judge(void *arg, const struct result *result)
{
	struct world *world = arg;

	return world->uplink_down && result->reason == REASON_CONNECT_TIMEOUT
	    ? REASON_UPLINK_DOWN
	    : result->reason;
}

static void
on_result(void *arg, struct result result)
{
	struct world *world = arg;

	if (result.reason == REASON_BUDGET_SPENT)
		world->skipped_results++;
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
	struct world *world = arg;

	world->stop = *stop;
	world->stopped++;
}

static void
on_released(void *arg, const struct account_stop *stop, const char *by)
{
	struct world *world = arg;

	assert_string_equal(stop->account, world->stop.account);
	assert_true(strcmp(by, "test") == 0 || strcmp(by, "credentials") == 0);
	world->released++;
}

static void
on_guard(void *arg)
{
	(void)arg;
	fail_msg("waited in vain");
}

static void
apply(struct world *world, size_t deployments)
{
	static struct probe_program *programs[1];
	struct made_conf *made;

	world->op.n_deployments = deployments;
	made = conf_make(world);
	sched_apply(world->sched, &made->conf, programs);
	conf_release(&made->conf);
}

static const uint8_t a_key[SCHED_KEY_BYTES] = {1, 2, 3},
		     another_key[SCHED_KEY_BYTES] = {3, 2, 1};

static struct sched *
world_sched(struct world *world, const uint8_t *key)
{
	return sched_new(&(struct sched_options){
	    .loop = world->loop,
	    .targets = world->targets,
	    .judge = on_judge,
	    .finish = on_result,
	    .end = on_end,
	    .account_stopped = on_stopped,
	    .account_released = on_released,
	    .arg = world,
	    .key = key,
	});
}

/* Another process, on the same state directory. */
static void
restart(struct world *world, const uint8_t *key)
{
	close_crew(world);
	sched_free(world->sched);
	world->sched = world_sched(world, key);
	sched_restore_account(world->sched, &world->stop);
}

static struct world *
world_new(dur_us every, uint32_t parallel, uint32_t per_minute)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct world *world = mem_new(sizeof(*world));

	the_world = world;
	world->clock = (struct clock){.mono = world_mono, .wall = world_wall};
	world->profile.name = "wizja";
	world->loop = loop_new(&world->clock);
	world->targets = target_set_new();
	world->requests = 1;
	world->length = 5 * US_PER_MS;
	for (size_t i = 0; i < 4; i++)
		world->deployments[i] = (struct conf_deployment){
		    .name = names[i],
		    .every = every,
		};
	for (size_t i = 0; i < 3; i++)
		world->secrets[i] = secret_new(names[i], 1);
	for (size_t i = 0; i < 2; i++) {
		world->fields[i][0] =
		    (struct conf_account_field){"user", world->secrets[0]};
		world->fields[i][1] =
		    (struct conf_account_field){"password", world->secrets[1]};
		world->accounts[i] = (struct conf_account){
		    .name = i == 0 ? "ala" : "ola",
		    .fields = world->fields[i],
		    .n_fields = 2,
		};
	}
	world->deployments[0].sender = &world->accounts[0];
	world->op = (struct conf_operator){
	    .name = "wizja",
	    .profile = &world->profile,
	    .parallel = parallel,
	    .per_minute = per_minute,
	};
	world->sched = world_sched(world, a_key);
	world->guard = loop_timer_new(world->loop, on_guard, NULL);
	loop_timer_start(world->guard, 30 * US_PER_S);
	return world;
}

static void
world_free(struct world *world)
{
	close_crew(world);
	sched_free(world->sched);
	assert_int_equal(world->running, 0);
	loop_timer_free(world->guard);
	loop_free(world->loop);
	target_set_free(world->targets);
	for (size_t i = 0; i < 3; i++)
		secret_free(world->secrets[i]);
	free(world);
}

static void
run_until_ended(struct world *world, uint32_t more)
{
	world->wanted = world->ended + more;
	loop_run(world->loop);
}

static void
stop_loop(void *arg)
{
	loop_stop(arg);
}

static void
run_a_moment(struct world *world)
{
	struct loop_timer *tick =
	    loop_timer_new(world->loop, stop_loop, world->loop);

	world->wanted = 0;
	loop_timer_start(tick, 5 * US_PER_MS);
	loop_run(world->loop);
	loop_timer_free(tick);
}

/* ---- the tests ---- */

static void
phases_are_stable_and_spread(void **state)
{
	uint32_t tenth[10] = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		char name[MODEL_NAME_SIZE];
		dur_us phase;

		snprintf(name, sizeof(name), "sp%d", i);
		phase = sched_phase("wizja", name, 60 * US_PER_S);
		assert_in_range(phase, 0, 60 * US_PER_S - 1);
		assert_int_equal(
		    phase, sched_phase("wizja", name, 60 * US_PER_S));
		tenth[phase / (6 * US_PER_S)]++;
	}
	for (size_t i = 0; i < 10; i++)
		assert_in_range(tenth[i], 50, 150);
}

static void
each_deployment_runs_once_an_interval(void **state)
{
	struct world *world = world_new(100 * US_PER_MS, 4, 10000);

	(void)state;
	apply(world, 3);
	run_until_ended(world, 30);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(world->begun_by[i], 9, 11);
	assert_int_equal(world->begun_by[3], 0);
	world_free(world);
}

static void
no_more_journeys_at_once_than_allowed(void **state)
{
	struct world *world = world_new(60 * US_PER_MS, 2, 100000);

	(void)state;
	world->length = 50 * US_PER_MS;
	apply(world, 4);
	run_until_ended(world, 24);
	assert_int_equal(world->most_running, 2);
	world_free(world);
}

static void
without_budget_nothing_is_sent_and_the_gap_is_ours(void **state)
{
	struct world *world = world_new(50 * US_PER_MS, 4, 10);
	struct sched_operator_stats stats;

	(void)state;
	world->requests = 5;
	apply(world, 2);
	run_until_ended(world, 2);
	assert_true(sched_operator_stats(world->sched, "wizja", &stats));
	assert_int_equal(stats.requests_last_minute, 10);
	/* Both wait now; their next intervals pass without room. */
	world->wanted = 0;
	while (world->skipped_results < 4)
		run_a_moment(world);
	assert_int_equal(world->begun, 2);
	assert_int_equal(world->requests_refused, 0);
	world_free(world);
}

static void
the_interval_grows_while_it_fails_and_is_restored(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 1, 100000);
	struct sched_deployment_stats stats;

	(void)state;
	world->reason = REASON_HTTP_5XX;
	apply(world, 1);
	run_until_ended(world, 3);
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_int_equal(stats.every_now, 20 * US_PER_MS);
	run_until_ended(world, 5);
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_int_equal(stats.every_now, 160 * US_PER_MS);
	world->reason = REASON_OK;
	run_until_ended(world, 1);
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_int_equal(stats.every_now, 20 * US_PER_MS);
	world_free(world);
}

static void
our_own_trouble_does_not_grow_the_interval(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 1, 100000);
	struct sched_deployment_stats stats;

	(void)state;
	world->reason = REASON_RESOLVER_DOWN;
	apply(world, 1);
	run_until_ended(world, 8);
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_int_equal(stats.every_now, 20 * US_PER_MS);
	world_free(world);
}

static void
what_is_judged_to_be_our_uplink_does_not_grow_the_interval(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 1, 100000);
	struct sched_deployment_stats stats;

	(void)state;
	world->reason = REASON_CONNECT_TIMEOUT;
	world->uplink_down = true;
	apply(world, 1);
	run_until_ended(world, 8);
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_int_equal(stats.every_now, 20 * US_PER_MS);
	world_free(world);
}

static void
retry_after_is_obeyed(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 1, 100000);

	(void)state;
	world->reason = REASON_HTTP_5XX;
	world->retry_after = 500 * US_PER_MS;
	apply(world, 1);
	run_until_ended(world, 2);
	assert_true(world->begun_at[1] - world->begun_at[0] >= 500 * US_PER_MS);
	world_free(world);
}

static void
retry_after_outlives_a_stop_of_the_account_and_another_interval(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 1, 100000);
	struct sched_deployment_stats stats;
	mono_us asked;

	(void)state;
	world->reason = REASON_CAPTCHA;
	world->retry_after = 100 * US_PER_S;
	apply(world, 1);
	run_until_ended(world, 1);
	asked = world->begun_at[0] + world->retry_after;
	assert_true(sched_release_account(world->sched, "ala", "test"));
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_true(stats.next_due >= asked);
	world->deployments[0].every = 40 * US_PER_MS;
	apply(world, 1);
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_true(stats.next_due >= asked);
	world_free(world);
}

static void
no_clock_that_was_set_brings_a_start_before_retry_after(void **state)
{
	struct world *world = world_new(400 * US_PER_MS, 1, 100000);

	(void)state;
	world->reason = REASON_HTTP_5XX;
	world->retry_after = 375 * US_PER_MS;
	world->length = 20 * US_PER_MS;
	apply(world, 1);
	while (world->running == 0)
		run_a_moment(world);
	/* from now on it is late by the wall clock, and hurries by 20 ms */
	world->wall_moved = 100 * US_PER_MS;
	run_until_ended(world, 2);
	assert_true(world->begun_at[1] - world->begun_at[0] >= 395 * US_PER_MS);
	world_free(world);
}

static void
a_refused_password_stops_the_account_until_released(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 2, 100000);
	struct sched_deployment_stats stats;
	const struct account_stop *stops;

	(void)state;
	world->reason = REASON_BAD_CREDENTIALS;
	apply(world, 1);
	run_until_ended(world, 1);
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_true(stats.account_stopped);
	assert_int_equal(stats.account_reason, REASON_BAD_CREDENTIALS);
	assert_int_equal(world->stopped, 1);
	assert_int_equal(sched_account_stops(world->sched, &stops), 1);
	assert_string_equal(stops->account, "ala");
	assert_string_equal(stops->target, "wizja/a/login");
	assert_true(stops->since > 0);
	/* Another deployment goes on; this one does not. */
	world->reason = REASON_OK;
	apply(world, 2);
	run_until_ended(world, 5);
	assert_int_equal(world->begun_by[0], 1);
	assert_false(sched_release_account(world->sched, "ola", "test"));
	assert_true(sched_release_account(world->sched, "ala", "test"));
	assert_int_equal(world->released, 1);
	run_until_ended(world, 6);
	assert_true(world->begun_by[0] > 1);
	assert_int_equal(sched_account_stops(world->sched, &stops), 0);
	world_free(world);
}

static void
every_deployment_that_uses_a_stopped_account_stops(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 4, 100000);
	uint32_t of_a, of_b;

	(void)state;
	/* a sends as ala to ola, b sends as ola; c has neither */
	world->deployments[0].recipient = &world->accounts[1];
	world->deployments[1].sender = &world->accounts[1];
	world->reason = REASON_OK;
	apply(world, 3);
	run_until_ended(world, 6);
	world->length = 50 * US_PER_MS;
	while (world->running < 3)
		run_a_moment(world);
	world->reason = REASON_CAPTCHA;
	world->actor = CONF_RECIPIENT;
	while (world->stopped == 0)
		run_a_moment(world);
	assert_string_equal(world->stop.account, "ola");
	assert_string_equal(world->stop.target, "wizja/a/login");
	world->reason = REASON_OK;
	world->length = 5 * US_PER_MS;
	run_until_ended(world, 2); /* what was under way */
	of_a = world->begun_by[0];
	of_b = world->begun_by[1];
	run_until_ended(world, 5);
	assert_int_equal(world->begun_by[0], of_a);
	assert_int_equal(world->begun_by[1], of_b);
	assert_int_equal(world->stopped, 1);
	assert_true(world->stop_called); /* of b, so that it does not log in */
	assert_true(sched_release_account(world->sched, "ola", "test"));
	run_until_ended(world, 9);
	assert_true(world->begun_by[0] > of_a);
	assert_true(world->begun_by[1] > of_b);
	world_free(world);
}

static void
a_stop_outlives_restarts_and_reloads_until_the_credentials_change(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 2, 100000);
	struct sched_deployment_stats stats;

	(void)state;
	world->reason = REASON_ACCOUNT_LOCKED;
	apply(world, 1);
	run_until_ended(world, 1);
	assert_int_equal(world->stopped, 1);
	world->reason = REASON_OK;
	restart(world, a_key);
	apply(world, 2);
	run_until_ended(world, 3);
	apply(world, 2);
	run_until_ended(world, 3);
	assert_int_equal(world->begun_by[0], 1);
	assert_int_equal(world->stopped, 1); /* told before the restart */
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_int_equal(stats.account_reason, REASON_ACCOUNT_LOCKED);
	/* of what was digested with a key that was lost nothing is known */
	world->fields[0][1].value = world->secrets[2];
	restart(world, another_key);
	apply(world, 2);
	assert_int_equal(world->released, 0);
	/* mended while nothing ran */
	restart(world, a_key);
	apply(world, 2);
	assert_int_equal(world->released, 1);
	run_until_ended(world, 4);
	assert_true(world->begun_by[0] > 1);
	world_free(world);
}

static void
user_and_password_are_told_apart_in_the_digest(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 2, 100000);

	(void)state;
	world->reason = REASON_BAD_CREDENTIALS;
	apply(world, 1);
	run_until_ended(world, 1);
	assert_int_equal(
	    strlen(world->stop.credentials), ACCOUNT_DIGEST_SIZE - 1);
	world->fields[0][0].value = world->secrets[1];
	world->fields[0][1].value = world->secrets[0];
	apply(world, 1);
	assert_int_equal(world->released, 1);
	world_free(world);
}

static void
credentials_that_were_changed_meanwhile_are_not_blamed(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 2, 100000);

	(void)state;
	world->reason = REASON_BAD_CREDENTIALS;
	world->length = 50 * US_PER_MS;
	apply(world, 1);
	while (world->running == 0)
		run_a_moment(world);
	world->fields[0][1].value = world->secrets[2];
	apply(world, 1);
	run_until_ended(world, 1);
	assert_int_equal(world->stopped, 0);
	run_until_ended(world, 1);
	assert_int_equal(world->stopped, 1);
	world_free(world);
}

static void
an_account_that_changed_is_not_late_for_what_it_missed(void **state)
{
	struct world *world = world_new(50 * US_PER_MS, 2, 100000);
	struct sched_deployment_stats stats;
	mono_us before;

	(void)state;
	world->reason = REASON_BAD_CREDENTIALS;
	apply(world, 1);
	run_until_ended(world, 1);
	world->reason = REASON_OK;
	apply(world, 2);
	run_until_ended(world, 3); /* of the other one */
	assert_int_equal(world->begun_by[0], 1);
	world->fields[0][1].value = world->secrets[2];
	before = loop_now(world->loop);
	apply(world, 1);
	assert_int_equal(world->released, 1);
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_false(stats.account_stopped);
	assert_true(stats.next_due >= before);
	run_until_ended(world, 2);
	assert_true(world->begun_by[0] >= 2);
	world_free(world);
}

static void
another_account_takes_the_place_of_a_stopped_one(void **state)
{
	struct world *world = world_new(50 * US_PER_MS, 2, 100000);
	struct sched_deployment_stats stats;
	mono_us before;

	(void)state;
	world->reason = REASON_BAD_CREDENTIALS;
	apply(world, 1);
	run_until_ended(world, 1);
	world->reason = REASON_OK;
	apply(world, 2);
	run_until_ended(world, 3);
	world->deployments[0].sender = &world->accounts[1];
	before = loop_now(world->loop);
	apply(world, 1);
	assert_int_equal(world->released, 0);
	assert_true(sched_deployment_stats(world->sched, "wizja", "a", &stats));
	assert_true(stats.next_due >= before);
	run_until_ended(world, 2);
	/* and back: it is not forgotten */
	world->deployments[0].sender = &world->accounts[0];
	apply(world, 2);
	run_until_ended(world, 1);
	before = world->begun_by[0];
	run_until_ended(world, 3);
	assert_int_equal(world->begun_by[0], before);
	world_free(world);
}

static void
a_reload_keeps_running_journeys_and_drops_the_rest(void **state)
{
	struct world *world = world_new(50 * US_PER_MS, 4, 100000);
	uint32_t of_b;

	(void)state;
	world->length = 30 * US_PER_MS;
	apply(world, 2);
	run_until_ended(world, 4);
	apply(world, 1);
	run_until_ended(world, 2);
	of_b = world->begun_by[1];
	run_until_ended(world, 4);
	assert_int_equal(world->begun_by[1], of_b);
	assert_true(world->begun_by[0] >= 5);
	world_free(world);
}

static void
a_run_may_outlive_two_reloads_and_its_deployment(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 4, 100000);

	(void)state;
	world->reason = REASON_HTTP_5XX; /* so that the interval grows */
	apply(world, 1);
	run_until_ended(world, 3);
	world->length = 100 * US_PER_MS;
	while (world->running == 0)
		run_a_moment(world);
	apply(world, 1);
	world->wanted = 0;
	apply(world, 0);
	run_until_ended(world, 1);
	assert_int_equal(world->running, 0);
	world_free(world);
}

static void
a_deployment_may_come_back_while_its_run_goes_on(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 4, 100000);

	(void)state;
	world->length = 50 * US_PER_MS;
	apply(world, 1);
	while (world->running == 0)
		run_a_moment(world);
	apply(world, 1);
	apply(world, 0);
	apply(world, 1);
	run_until_ended(world, 3);
	assert_int_equal(world->most_running, 1);
	world_free(world);
}

static void
stopped(void *arg)
{
	struct world *world = arg;

	assert_int_equal(world->running, 0);
	loop_stop(world->loop);
}

static void
stop_waits_for_the_journeys_under_way(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 4, 100000);
	uint32_t begun;

	(void)state;
	world->length = 40 * US_PER_MS;
	apply(world, 3);
	while (world->running < 2)
		run_a_moment(world);
	begun = world->begun;
	sched_stop(world->sched, stopped, world);
	loop_run(world->loop);
	assert_true(world->stop_called);
	assert_int_equal(world->begun, begun);
	world_free(world);
}

static void
a_reload_that_ends_after_the_stop_begins_no_journey(void **state)
{
	struct world *world = world_new(20 * US_PER_MS, 1, 100000);
	uint32_t begun;

	(void)state;
	world->length = 40 * US_PER_MS;
	apply(world, 3);
	/* in the first interval each has become due, and waits */
	run_until_ended(world, 2);
	while (world->running == 0)
		run_a_moment(world);
	begun = world->begun;
	sched_stop(world->sched, stopped, world);
	world->op.parallel = 4;
	apply(world, 3);
	loop_run(world->loop);
	assert_int_equal(world->begun, begun);
	world_free(world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(phases_are_stable_and_spread),
	    cmocka_unit_test(each_deployment_runs_once_an_interval),
	    cmocka_unit_test(no_more_journeys_at_once_than_allowed),
	    cmocka_unit_test(
		without_budget_nothing_is_sent_and_the_gap_is_ours),
	    cmocka_unit_test(the_interval_grows_while_it_fails_and_is_restored),
	    cmocka_unit_test(our_own_trouble_does_not_grow_the_interval),
	    cmocka_unit_test(
		what_is_judged_to_be_our_uplink_does_not_grow_the_interval),
	    cmocka_unit_test(retry_after_is_obeyed),
	    cmocka_unit_test(
		retry_after_outlives_a_stop_of_the_account_and_another_interval),
	    cmocka_unit_test(
		no_clock_that_was_set_brings_a_start_before_retry_after),
	    cmocka_unit_test(
		a_refused_password_stops_the_account_until_released),
	    cmocka_unit_test(
		every_deployment_that_uses_a_stopped_account_stops),
	    cmocka_unit_test(
		a_stop_outlives_restarts_and_reloads_until_the_credentials_change),
	    cmocka_unit_test(user_and_password_are_told_apart_in_the_digest),
	    cmocka_unit_test(
		credentials_that_were_changed_meanwhile_are_not_blamed),
	    cmocka_unit_test(
		an_account_that_changed_is_not_late_for_what_it_missed),
	    cmocka_unit_test(another_account_takes_the_place_of_a_stopped_one),
	    cmocka_unit_test(
		a_reload_keeps_running_journeys_and_drops_the_rest),
	    cmocka_unit_test(a_run_may_outlive_two_reloads_and_its_deployment),
	    cmocka_unit_test(a_deployment_may_come_back_while_its_run_goes_on),
	    cmocka_unit_test(stop_waits_for_the_journeys_under_way),
	    cmocka_unit_test(
		a_reload_that_ends_after_the_stop_begins_no_journey),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
