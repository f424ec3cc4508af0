#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/series/series-int.h"
#include "tests/unit/store.h"

/* Results in, writes out, before a back end of memory that checks its
 * contract: a row is written once, ascending, in a slice that said so. */

#define START_S INT64_C(1790035200)
#define MINUTES 512
#define STEP_S 60
#define PLACES 700

struct place {
	struct series_key key;
	bool announced;
	int64_t last_s;
	size_t writes, rows;
	int64_t written_at_s; /* the clock at the last write */
	size_t last_rows; /* of it */
	uint32_t ok[MINUTES]; /* by minute since START_S */
};

struct world {
	struct place places[PLACES];
	size_t n;
	struct gather *gather;
	mono_us mono;
	wall_us now;
	bool in_slice;
	int begin_rc, write_rc;
	size_t minute_writes[MINUTES];
};

static void *
fake_place(void *backend, struct series_key *key, int64_t *last_s)
{
	struct world *world = backend;
	size_t i;

	for (i = 0; i < world->n; i++) {
		struct place *place = &world->places[i];

		if (strcmp(place->key.operator, key->operator) == 0 &&
		    strcmp(place->key.deployment, key->deployment) == 0 &&
		    strcmp(place->key.transaction, key->transaction) == 0)
			break;
	}
	assert_true(i < PLACES);
	if (i == world->n)
		world->n++;
	world->places[i].key = *key;
	*last_s = world->places[i].last_s;
	return &world->places[i];
}

static void
fake_unplace(void *backend, void *place)
{
	(void)backend;
	(void)place;
}

static int
fake_turn_back(void *backend, void *at, int64_t *last_s, char *problem,
    size_t problem_size)
{
	(void)backend;
	(void)at;
	(void)last_s;
	(void)problem;
	(void)problem_size;
	return -EIO;
}

static int
fake_begin(void *backend, void *const *places, size_t n, char *problem,
    size_t problem_size)
{
	struct world *world = backend;
	size_t i;

	assert_false(world->in_slice);
	if (world->begin_rc != 0) {
		snprintf(problem, problem_size, "no guard");
		return world->begin_rc;
	}
	world->in_slice = true;
	for (i = 0; i < n; i++)
		((struct place *)places[i])->announced = true;
	return 0;
}

static void
fake_end(void *backend)
{
	struct world *world = backend;
	size_t i;

	assert_true(world->in_slice);
	world->in_slice = false;
	for (i = 0; i < world->n; i++)
		world->places[i].announced = false;
}

static int
fake_write(void *backend, void *at, const struct series_step *steps, size_t n,
    char *problem, size_t problem_size)
{
	struct world *world = backend;
	struct place *place = at;
	size_t i;

	assert_true(world->in_slice && place->announced);
	if (world->write_rc != 0) {
		snprintf(problem, problem_size, "no disk");
		return world->write_rc;
	}
	for (i = 0; i < n; i++) {
		assert_int_equal(steps[i].end_s % place->key.step_s, 0);
		assert_true(steps[i].end_s > place->last_s);
		assert_true(steps[i].end_s > START_S);
		place->last_s = steps[i].end_s;
		assert_int_equal(steps[i].ok, steps[i].hist.total);
		place->ok[(steps[i].end_s - START_S - 1) / 60] += steps[i].ok;
	}
	place->writes++;
	place->rows += n;
	place->last_rows = n;
	place->written_at_s = world->now / US_PER_S;
	world->minute_writes[(world->now / US_PER_S - START_S) / 60]++;
	return 0;
}

static int
fake_ask(void *backend, const struct series_query *query,
    struct series_range **range)
{
	(void)backend;
	(void)query;
	(void)range;
	return -ENOENT;
}

static void
fake_now(void *backend, wall_us now)
{
	(void)backend;
	(void)now;
}

static uint64_t
fake_quarantined(void *backend)
{
	(void)backend;
	return 0;
}

static void
fake_free(void *backend)
{
	(void)backend;
}

static const struct series_backend_ops fake_ops = {
    .place = fake_place,
    .unplace = fake_unplace,
    .turn_back = fake_turn_back,
    .begin = fake_begin,
    .end = fake_end,
    .write = fake_write,
    .ask = fake_ask,
    .now = fake_now,
    .quarantined = fake_quarantined,
    .free = fake_free,
};

static void
open_gather(struct world *world, dur_us write_every)
{
	struct series_backend backend = {&fake_ops, world};

	world->gather =
	    gather_new(&backend, write_every, world->mono, world->now);
}

static int
set_up(void **state)
{
	struct world *world = mem_new(sizeof(*world));

	world->mono = 1000 * US_PER_S;
	world->now = START_S * US_PER_S;
	open_gather(world, 600 * US_PER_S);
	*state = world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *world = *state;

	gather_free(world->gather);
	free(world);
	return 0;
}

static void
tick(struct world *world)
{
	gather_now(world->gather, world->mono, world->now);
	while (gather_write(world->gather))
		;
}

static void
pass(struct world *world, int64_t seconds)
{
	while (seconds-- > 0) {
		world->mono += US_PER_S;
		world->now += US_PER_S;
		tick(world);
	}
}

static struct gather_result
result_of(const struct world *world, const struct target *target,
    int64_t every_s, dur_us latency)
{
	return (struct gather_result){
	    .target = target,
	    .every = every_s * US_PER_S,
	    .started = world->now,
	    .now = world->now,
	    .latency = latency,
	    .verdict = VERDICT_UP,
	};
}

static struct gather_mark
add(struct world *world, const struct target *target, int64_t every_s)
{
	struct gather_result result = result_of(world, target, every_s, 50000);

	return gather_add(world->gather, &result);
}

static struct place *
place_of(struct world *world, const char *deployment)
{
	size_t i = 0;

	while (i < world->n &&
	    strcmp(world->places[i].key.deployment, deployment) != 0)
		i++;
	assert_true(i < world->n);
	return &world->places[i];
}

static uint32_t
ok_of(const struct place *place)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < MINUTES; i++)
		sum += place->ok[i];
	return sum;
}

static void
targets_make(struct target *targets, size_t n)
{
	char name[32];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "sp%zu", i);
		targets[i] = store_target("wizja", name, "login");
	}
}

static void
batches_are_spread_evenly_over_the_interval(void **state)
{
	struct world *world = *state;
	struct target targets[600];
	size_t i, minute, least = SIZE_MAX, most = 0;
	int64_t second;

	targets_make(targets, 600);
	for (second = 0; second < 40 * 60; second++) {
		for (i = (size_t)(second % 60); i < 600; i += 60)
			add(world, &targets[i], STEP_S);
		pass(world, 1);
	}
	for (i = 0; i < world->n; i++) {
		struct place *place = &world->places[i];

		/* the first write is for what there is, the others for ten */
		assert_in_range(place->writes, 3, 4);
		assert_int_equal(place->last_rows, 10);
		assert_in_range(place->rows, 29, 39);
	}
	for (minute = 10; minute < 40; minute++) {
		size_t writes = world->minute_writes[minute];

		least = writes < least ? writes : least;
		most = writes > most ? writes : most;
	}
	/* sixty and the operator's */
	assert_in_range(least, 40, 60);
	assert_in_range(most, 60, 85);
	gather_flush(world->gather, world->mono, world->now);
	for (i = 0; i < 600; i++)
		assert_int_equal(
		    ok_of(place_of(world, targets[i].deployment)), 40);
	assert_int_equal(ok_of(place_of(world, "_all")), 600 * 40);
}

static void
a_short_interval_is_written_at_each_step(void **state)
{
	struct world *world = *state;
	struct target target = store_target("wizja", "sp1", "login");
	int i;

	for (i = 0; i < 20; i++) {
		add(world, &target, 3);
		pass(world, 3);
		if (i > 0)
			assert_int_equal(place_of(world, "sp1")->last_s % 3, 0);
		if (i > 2)
			assert_in_range(world->now / US_PER_S -
				place_of(world, "sp1")->last_s,
			    0, 3);
	}
}

static void
a_question_writes_what_is_complete_of_its_target_only(void **state)
{
	struct world *world = *state;
	struct target targets[3];
	struct series_scope scope = {.operator= "wizja" };
	int i, k;

	targets_make(targets, 2);
	targets[2] = store_target("wizja", "sp1", "grades");
	for (i = 0; i < 3; i++) {
		for (k = 0; k < 3; k++)
			add(world, &targets[k], STEP_S);
		/* before the instant of any of them */
		world->now += STEP_S * US_PER_S;
		world->mono += STEP_S * US_PER_S;
	}
	gather_now(world->gather, world->mono, world->now);
	snprintf(scope.deployment, sizeof(scope.deployment), "sp1");
	gather_settle(world->gather, &scope);
	/* both transactions; the third minute is within its grace */
	for (i = 0; i < (int)world->n; i++) {
		const struct place *place = &world->places[i];
		bool asked = strcmp(place->key.deployment, "sp1") == 0;

		assert_int_equal(ok_of(place), asked ? 2 : 0);
	}
	snprintf(scope.deployment, sizeof(scope.deployment), "_all");
	snprintf(scope.transaction, sizeof(scope.transaction), "login");
	gather_settle(world->gather, &scope);
	assert_int_equal(ok_of(place_of(world, "_all")), 4);
	assert_int_equal(ok_of(place_of(world, "sp0")), 0);
	/* again: nothing is written twice, nothing is left out */
	gather_settle(world->gather, &scope);
	gather_flush(world->gather, world->mono, world->now);
	assert_int_equal(ok_of(place_of(world, "_all")), 6);
	assert_int_equal(ok_of(place_of(world, "sp0")), 3);
}

static void
without_a_guard_nothing_is_written_and_later_all_of_it(void **state)
{
	struct world *world = *state;
	struct target target = store_target("wizja", "sp1", "login");
	struct series_stats stats;
	int i;

	world->begin_rc = -EIO;
	for (i = 0; i < 25; i++) {
		add(world, &target, STEP_S);
		pass(world, 60);
	}
	assert_int_equal(place_of(world, "sp1")->writes, 0);
	gather_stats(world->gather, &stats);
	assert_true(stats.errors > 0);
	assert_string_equal(stats.problem, "no guard");
	world->begin_rc = 0;
	pass(world, 80);
	gather_stats(world->gather, &stats);
	assert_string_equal(stats.problem, "");
	gather_flush(world->gather, world->mono, world->now);
	assert_int_equal(ok_of(place_of(world, "sp1")), 25);
	assert_int_equal(ok_of(place_of(world, "_all")), 25);
}

static void
many_results_that_cannot_be_written_are_bounded_and_none_is_lost(void **state)
{
	struct world *world = *state;
	struct target target = store_target("wizja", "sp1", "login");
	struct place *place;
	size_t i;

	world->write_rc = -EIO;
	for (i = 0; i < 300; i++) {
		add(world, &target, STEP_S);
		pass(world, 60);
	}
	world->write_rc = 0;
	pass(world, 80);
	gather_flush(world->gather, world->mono, world->now);
	place = place_of(world, "sp1");
	assert_int_equal(ok_of(place), 300);
	assert_int_equal(ok_of(place_of(world, "_all")), 300);
	/* the oldest moved to a later step, the newest are where they were */
	assert_int_equal(place->ok[0], 0);
	for (i = 290; i < 300; i++)
		assert_int_equal(place->ok[i], 1);
}

static void
a_step_with_many_results_is_one_step(void **state)
{
	struct world *world = *state;
	struct target target = store_target("wizja", "sp1", "login");
	int i, k;

	for (i = 0; i < 9; i++) {
		for (k = 0; k < 30; k++)
			add(world, &target, STEP_S);
		pass(world, 60);
	}
	gather_flush(world->gather, world->mono, world->now);
	for (i = 1; i < 9; i++)
		assert_in_range(place_of(world, "sp1")->ok[i], 29, 31);
	assert_int_equal(ok_of(place_of(world, "sp1")), 270);
}

static void
the_oldest_unwritten_result_is_known(void **state)
{
	struct world *world = *state;
	struct target target = store_target("wizja", "sp1", "login");
	struct series_scope scope = {"wizja", "sp1", "login"};
	wall_us first;

	assert_true(gather_oldest(world->gather) == INT64_MAX);
	world->now += 70 * US_PER_S;
	world->mono += 70 * US_PER_S;
	tick(world);
	first = world->now;
	add(world, &target, STEP_S);
	world->now += 60 * US_PER_S;
	world->mono += 60 * US_PER_S;
	gather_now(world->gather, world->mono, world->now);
	add(world, &target, STEP_S);
	assert_in_range(first - gather_oldest(world->gather), 0, US_PER_S);
	gather_settle(world->gather, &scope);
	/* the operator's still wait */
	assert_in_range(first - gather_oldest(world->gather), 0, US_PER_S);
	snprintf(scope.deployment, sizeof(scope.deployment), "_all");
	gather_settle(world->gather, &scope);
	assert_in_range(
	    world->now - gather_oldest(world->gather), 0, 2 * US_PER_S);
	gather_flush(world->gather, world->mono, world->now);
	assert_true(gather_oldest(world->gather) == INT64_MAX);
}

/* A crash: memory is gone, files go back to their last copy, the results that
 * were marked since come again, too many of them, in another order. */
static void
a_replay_gives_the_same_rows_and_no_row_twice(void **state)
{
	struct world *world = *state;
	struct target target = store_target("wizja", "sp1", "login");
	struct gather_result results[100];
	struct gather_mark marks[100];
	wall_us came[100];
	struct place copy = {0}, all = {0}, before, all_before, *place;
	int i, n = 0;

	pass(world, 600);
	for (i = 0; i < 40; i++) {
		results[n] = result_of(world, &target, STEP_S, 50000);
		/* one in four comes minutes too late */
		if (i % 4 == 3)
			results[n].started -= 400 * US_PER_S;
		came[n] = world->now;
		marks[n] = gather_add(world->gather, &results[n]);
		n++;
		pass(world, 60);
		if (i == 15) {
			copy = *place_of(world, "sp1");
			all = *place_of(world, "_all");
		}
	}
	gather_flush(world->gather, world->mono, world->now);
	place = place_of(world, "sp1");
	assert_int_equal(ok_of(place), 40);
	gather_free(world->gather);
	before = *place;
	memcpy(place->ok, copy.ok, sizeof(copy.ok));
	place->last_s = copy.last_s;
	place = place_of(world, "_all");
	all_before = *place;
	memcpy(place->ok, all.ok, sizeof(all.ok));
	place->last_s = all.last_s;
	open_gather(world, 600 * US_PER_S);
	gather_replay_begin(world->gather);
	for (i = 0; i < n; i++) {
		results[i].now = world->now;
		gather_replay(world->gather, &results[i], &marks[i]);
		if (i % 10 != 9)
			continue;
		/* a tick meanwhile says nothing of the time since */
		tick(world);
		while (gather_replay_write(world->gather, came[i]))
			;
	}
	gather_replay_end(world->gather);
	gather_flush(world->gather, world->mono, world->now);
	assert_memory_equal(
	    place_of(world, "sp1")->ok, before.ok, sizeof(before.ok));
	assert_memory_equal(
	    place_of(world, "_all")->ok, all_before.ok, sizeof(all_before.ok));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(batches_are_spread_evenly_over_the_interval),
	    T(a_short_interval_is_written_at_each_step),
	    T(a_question_writes_what_is_complete_of_its_target_only),
	    T(without_a_guard_nothing_is_written_and_later_all_of_it),
	    T(many_results_that_cannot_be_written_are_bounded_and_none_is_lost),
	    T(a_step_with_many_results_is_one_step),
	    T(the_oldest_unwritten_result_is_known),
	    T(a_replay_gives_the_same_rows_and_no_row_twice),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
