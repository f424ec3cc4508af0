/* Who is asked whether our way out is well, and what counts as an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/main/reference.h"

/* A broadcast address: the kernel refuses it, nothing is sent. */
#define NO_WAY "255.255.255.255:9"

struct bench {
	struct clock clock; /* first; it can be put forward */
	dur_us moved;
	struct loop *loop;
	struct references *references;
	struct loop_timer *guard;
	int rounds;
};

static void
on_changed(void *arg)
{
	struct bench *bench = arg;

	bench->rounds++;
	loop_stop(bench->loop);
}

static void
on_guard(void *arg)
{
	(void)arg;
	fail_msg("waited in vain");
}

static mono_us
bench_mono(const struct clock *clock)
{
	return clock_mono(clock_system()) +
	    ((const struct bench *)clock)->moved;
}

static wall_us
bench_wall(const struct clock *clock)
{
	(void)clock;
	return clock_wall(clock_system());
}

static void
begin(struct bench *bench, dur_us patience)
{
	*bench =
	    (struct bench){.clock = {.mono = bench_mono, .wall = bench_wall}};
	bench->loop = loop_new(&bench->clock);
	bench->references =
	    references_new(bench->loop, patience, on_changed, bench);
	bench->guard = loop_timer_new(bench->loop, on_guard, NULL);
	loop_timer_start(bench->guard, 20 * US_PER_S);
}

static void
end(struct bench *bench)
{
	references_free(bench->references);
	loop_timer_free(bench->guard);
	loop_free(bench->loop);
}

/* A socket on 127.0.0.1 and its address; it listens unless `queue` is -1. */
static int
place(int queue, char out[32])
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	if (queue >= 0)
		assert_int_equal(listen(fd, queue), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(out, 32, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
	return fd;
}

static enum health_reach
round_of(struct bench *bench, const char *const *addresses, size_t n)
{
	int before = bench->rounds;
	const enum health_reach *reach;

	references_apply(bench->references, addresses, n);
	references_ask(bench->references);
	loop_run(bench->loop);
	assert_int_equal(bench->rounds, before + 1);
	reach = references_reach(bench->references, 60 * US_PER_S);
	assert_non_null(reach);
	return *reach;
}

static void
a_connection_and_a_refusal_are_answers(void **state)
{
	char open[32], closed[32];
	int listener = place(4, open), nobody = place(-1, closed);
	struct bench bench;

	(void)state;
	begin(&bench, 10 * US_PER_S);
	assert_int_equal(
	    round_of(&bench, (const char *[]){open}, 1), HEALTH_ANSWERED);
	assert_int_equal(
	    round_of(&bench, (const char *[]){closed}, 1), HEALTH_ANSWERED);
	/* one of several is enough */
	assert_int_equal(round_of(&bench, (const char *[]){NO_WAY, open}, 2),
	    HEALTH_ANSWERED);
	end(&bench);
	close(listener);
	close(nobody);
}

/* The next connection finds no room, and is not even refused. */
static void
fill_up(const char *address, int *fill, size_t n)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	unsigned port;

	assert_int_equal(sscanf(address, "127.0.0.1:%u", &port), 1);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)port);
	for (size_t i = 0; i < n; i++) {
		fill[i] = socket(
		    AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (struct sockaddr *)&to, sizeof(to));
	}
}

static void
no_way_out_and_no_answer_in_time_are_silence(void **state)
{
	char full[32];
	int listener = place(0, full), fill[4];
	const char *const both[] = {full, NO_WAY};
	struct bench bench;

	(void)state;
	begin(&bench, 50 * US_PER_MS);
	assert_int_equal(round_of(&bench, both, 2), HEALTH_ANSWERED);
	assert_false(references_silent(bench.references));
	fill_up(full, fill, 4);
	bench.moved = 6 * US_PER_S;
	assert_int_equal(round_of(&bench, both, 2), HEALTH_SILENT);
	assert_true(references_silent(bench.references));
	/* not again so soon */
	references_ask(bench.references);
	references_apply(bench.references, both, 2); /* a reload */
	assert_int_equal(
	    *references_reach(bench.references, 60 * US_PER_S), HEALTH_SILENT);
	assert_int_equal(
	    *references_reach(bench.references, -1), HEALTH_NOT_TRIED);
	end(&bench);
	for (size_t i = 0; i < 4; i++)
		close(fill[i]);
	close(listener);
}

static void
those_that_never_answered_count_for_nothing_and_are_asked_again(void **state)
{
	char closed[32];
	const char *const none[] = {NO_WAY}, *const other[] = {closed};
	int nobody = place(-1, closed);
	struct bench bench;

	(void)state;
	begin(&bench, US_PER_S);
	assert_null(references_reach(bench.references, US_PER_S));
	assert_false(references_silent(bench.references));
	references_ask(bench.references);
	references_apply(bench.references, none, 1);
	loop_run(bench.loop);
	assert_int_equal(bench.rounds, 1);
	assert_true(references_silent(bench.references));
	assert_null(references_reach(bench.references, 60 * US_PER_S));
	loop_timer_start(bench.guard, 200 * US_PER_S);
	bench.moved = 61 * US_PER_S;
	loop_run(bench.loop);
	assert_int_equal(bench.rounds, 2);
	/* other ones may be better */
	assert_int_equal(round_of(&bench, other, 1), HEALTH_ANSWERED);
	references_apply(bench.references, none, 1);
	assert_null(references_reach(bench.references, 60 * US_PER_S));
	/* a reload in the middle of a round */
	references_apply(bench.references, NULL, 0);
	assert_null(references_reach(bench.references, 60 * US_PER_S));
	assert_int_equal(bench.rounds, 3);
	end(&bench);
	close(nobody);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_connection_and_a_refusal_are_answers),
	    cmocka_unit_test(no_way_out_and_no_answer_in_time_are_silence),
	    cmocka_unit_test(
		those_that_never_answered_count_for_nothing_and_are_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
