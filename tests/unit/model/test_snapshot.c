/*
 * Snapshots: counting, and the slot under many threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "model/snapshot.h"

static void
a_slot_is_empty_before_the_first_publication(void **state)
{
	struct snapshot_slot *slot = snapshot_slot_new();

	(void)state;
	assert_null(snapshot_latest(slot));
	snapshot_slot_free(slot);
	snapshot_slot_free(NULL);
	snapshot_release(NULL);
}

static void
a_snapshot_lives_as_long_as_somebody_holds_it(void **state)
{
	struct snapshot_slot *slot = snapshot_slot_new();
	struct snapshot *first = snapshot_new();

	(void)state;
	first->number = 1;
	first->vantage = arena_strdup(&first->arena, "waw");
	snapshot_publish(slot, first);
	struct snapshot *held = snapshot_latest(slot);
	assert_ptr_equal(held, first);

	struct snapshot *second = snapshot_new();
	second->number = 2;
	snapshot_publish(slot, second);
	struct snapshot *latest = snapshot_latest(slot);
	assert_int_equal(latest->number, 2);
	assert_string_equal(held->vantage, "waw");
	snapshot_release(snapshot_hold(held));
	assert_int_equal(held->number, 1);
	snapshot_release(held);
	snapshot_slot_free(slot);
	assert_int_equal(latest->number, 2);
	snapshot_release(latest);
}

#define READERS 3
#define PUBLISHED 2000

struct shared {
	struct snapshot_slot *slot;
	atomic_bool wrong;
};

/* Each snapshot says its number twice; a reader must never see half of one,
 * nor an older one after a newer one. */
static void *
read_until_the_last(void *arg)
{
	struct shared *shared = arg;
	uint64_t before = 0;

	while (before < PUBLISHED) {
		struct snapshot *latest = snapshot_latest(shared->slot);
		if (latest == NULL)
			continue;
		const uint64_t *copy = (const uint64_t *)latest->vantage;
		if (latest->number < before || *copy != latest->number)
			atomic_store(&shared->wrong, true);
		before = latest->number;
		snapshot_release(latest);
	}
	return NULL;
}

static void
readers_always_see_a_whole_and_never_an_older_one(void **state)
{
	struct shared shared = {.slot = snapshot_slot_new()};
	pthread_t threads[READERS];

	(void)state;
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
				     read_until_the_last, &shared),
		    0);
	for (uint64_t n = 1; n <= PUBLISHED; n++) {
		struct snapshot *snapshot = snapshot_new();
		uint64_t *copy = arena_alloc(&snapshot->arena, sizeof(*copy));
		assert_non_null(copy);
		*copy = n;
		snapshot->number = n;
		snapshot->vantage = (const char *)copy;
		snapshot_publish(shared.slot, snapshot);
	}
	for (int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_false(atomic_load(&shared.wrong));
	snapshot_slot_free(shared.slot);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_slot_is_empty_before_the_first_publication),
	    cmocka_unit_test(a_snapshot_lives_as_long_as_somebody_holds_it),
	    cmocka_unit_test(readers_always_see_a_whole_and_never_an_older_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
