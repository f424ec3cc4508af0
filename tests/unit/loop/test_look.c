/* What is seen of descriptors between callbacks, with instants made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/loop/look.h"

#define MS US_PER_MS
#define START (1000 * US_PER_S)

struct place {
	int epoll;
	int pipes[2][2];
};

static void
place_begin(struct place *place)
{
	place->epoll = epoll_create1(EPOLL_CLOEXEC);
	assert_true(place->epoll >= 0);
	for (size_t i = 0; i < 2; i++) {
		struct epoll_event event = {.events = EPOLLIN};

		assert_int_equal(pipe(place->pipes[i]), 0);
		event.data.fd = place->pipes[i][0];
		assert_int_equal(epoll_ctl(place->epoll, EPOLL_CTL_ADD,
				     place->pipes[i][0], &event),
		    0);
	}
}

static void
place_end(struct place *place)
{
	for (size_t i = 0; i < 2; i++) {
		close(place->pipes[i][0]);
		close(place->pipes[i][1]);
	}
	close(place->epoll);
}

static void
make_ready(struct place *place, size_t i)
{
	assert_int_equal(write(place->pipes[i][1], "x", 1), 1);
}

static void
the_next_turn_knows_when_a_descriptor_became_ready(void **state)
{
	struct place place;
	struct look look = {0};
	struct seen seen;

	(void)state;
	place_begin(&place);
	look_begin(&look, START);
	look_around(&look, place.epoll, START + MS);
	make_ready(&place, 0);
	look_around(&look, place.epoll, START + 2 * MS);
	make_ready(&place, 1);
	look_around(&look, place.epoll, START + 3 * MS);
	look_begin(&look, START + 5 * MS);
	seen = look_find(&look, place.pipes[0][0]);
	assert_int_equal(seen.after, START + MS);
	assert_int_equal(seen.by, START + 2 * MS);
	seen = look_find(&look, place.pipes[1][0]);
	assert_int_equal(seen.after, START + 2 * MS);
	assert_int_equal(seen.by, START + 3 * MS);
	/* And the one after it does not any more. */
	look_begin(&look, START + 6 * MS);
	seen = look_find(&look, place.pipes[0][0]);
	assert_int_equal(seen.after, START + 5 * MS);
	assert_true(seen.by > START + 6 * MS);
	place_end(&place);
}

static void
what_was_not_seen_came_after_the_last_look(void **state)
{
	struct place place;
	struct look look = {0};
	struct seen seen;

	(void)state;
	place_begin(&place);
	look_begin(&look, START);
	look_around(&look, place.epoll, START + MS);
	/* too soon for another one */
	look_around(&look, place.epoll, START + MS + LOOK_EVERY - 1);
	make_ready(&place, 0);
	look_begin(&look, START + 2 * MS);
	seen = look_find(&look, place.pipes[0][0]);
	assert_int_equal(seen.after, START + MS);
	assert_true(seen.by > START + 2 * MS);
	place_end(&place);
}

static void
what_is_served_is_not_seen_again(void **state)
{
	struct place place;
	struct look look = {0};
	struct seen seen;

	(void)state;
	place_begin(&place);
	make_ready(&place, 0);
	look_begin(&look, START);
	look_around(&look, place.epoll, START + MS);
	/* served by this turn, after the look: the next event is a new one */
	look_find(&look, place.pipes[0][0]);
	look_begin(&look, START + 2 * MS);
	seen = look_find(&look, place.pipes[0][0]);
	assert_int_equal(seen.after, START + MS);
	assert_true(seen.by > START + 2 * MS);
	place_end(&place);
}

static void
what_does_not_fit_is_unknown_since_the_last_whole_look(void **state)
{
	int more[LOOK_FDS][2];
	struct place place;
	struct look look = {0};
	struct seen seen;

	(void)state;
	place_begin(&place);
	look_begin(&look, START);
	look_around(&look, place.epoll, START + MS);
	for (size_t i = 0; i < LOOK_FDS; i++) {
		struct epoll_event event = {.events = EPOLLOUT};

		assert_int_equal(pipe(more[i]), 0);
		event.data.fd = more[i][1];
		assert_int_equal(
		    epoll_ctl(place.epoll, EPOLL_CTL_ADD, more[i][1], &event),
		    0);
	}
	look_around(&look, place.epoll, START + 2 * MS);
	make_ready(&place, 0);
	look_around(&look, place.epoll, START + 3 * MS);
	look_around(&look, place.epoll, START + 4 * MS);
	look_begin(&look, START + 5 * MS);
	seen = look_find(&look, place.pipes[0][0]);
	assert_int_equal(seen.after, START + MS);
	assert_true(seen.by > START + 5 * MS);
	for (size_t i = 0; i < LOOK_FDS; i++) {
		close(more[i][0]);
		close(more[i][1]);
	}
	place_end(&place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_next_turn_knows_when_a_descriptor_became_ready),
	    cmocka_unit_test(what_was_not_seen_came_after_the_last_look),
	    cmocka_unit_test(what_is_served_is_not_seen_again),
	    cmocka_unit_test(
		what_does_not_fit_is_unknown_since_the_last_whole_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
