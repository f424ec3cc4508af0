/*
 * The queue against queueing theory: the truth by which the capacity
 * estimate is judged has to be true itself. Means of simulated responses lie
 * within 4 standard errors (of batch means) of the formula; the seed is
 * fixed, QUEUE_SEED in the environment sets another.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue.h"

enum { BATCHES = 40, PER_BATCH = 20000 };

static unsigned n_tests;
static unsigned n_failed;

static void
tell(bool ok, const char *what)
{
	n_tests++;
	n_failed += !ok;
	printf("%s %u - %s\n", ok ? "ok" : "not ok", n_tests, what);
}

/* Mean response of M/M/c by Erlang's formula. */
static double
theory_s(double load, double capacity, unsigned servers)
{
	double offered = servers * load / capacity; /* in erlang */
	double term = 1;
	double sum = 1;

	for (unsigned k = 1; k < servers; k++) {
		term *= offered / k;
		sum += term;
	}
	term *= offered / servers;
	double waiting = term / (1 - load / capacity);
	double p_wait = waiting / (sum + waiting);

	return servers / capacity + p_wait / (capacity - load);
}

/*
 * Real requests are one tenth of the traffic and arrive as a Poisson stream
 * too, so they see the line as it is on average.
 */
static void
mean_matches(double rho, unsigned servers, uint64_t seed)
{
	const double capacity = 100;
	struct queue queue;
	struct queue_random random = {.state = seed * 7919 + 1};
	double now_s = 0;
	double sum = 0;
	double sum_squares = 0;
	char what[160];

	queue_init(&queue, now_s, seed);
	queue.limit_s = INFINITY;
	queue_set_capacity(&queue, now_s, capacity, servers);
	queue_set_load(&queue, now_s, 0.9 * rho * capacity);
	for (int batch = -1; batch < BATCHES; batch++) {
		double mean = 0;
		for (int i = 0; i < PER_BATCH; i++) {
			double delay_s = 0;
			now_s += queue_exponential(
			    &random, 1 / (0.1 * rho * capacity));
			if (!queue_arrive(&queue, now_s, &delay_s))
				break;
			mean += delay_s / PER_BATCH;
		}
		if (batch < 0) /* warming up */
			continue;
		sum += mean;
		sum_squares += mean * mean;
	}
	double mean = sum / BATCHES;
	double error =
	    sqrt((sum_squares / BATCHES - mean * mean) / (BATCHES - 1));
	double expected = theory_s(rho * capacity, capacity, servers);
	snprintf(what, sizeof(what),
	    "%u server(s) at %.0f %%: mean %.2f ms, theory %.2f ms, "
	    "standard error %.2f ms",
	    servers, rho * 100, mean * 1e3, expected * 1e3, error * 1e3);
	tell(
	    fabs(mean - expected) < 4 * error && error < 0.05 * expected, what);
}

static void
line_is_bounded_and_recovers(uint64_t seed)
{
	struct queue queue;
	double delay_s = 0;
	double wait_s;

	queue_init(&queue, 0, seed);
	queue.limit_s = 2;
	queue_set_capacity(&queue, 0, 50, 1);
	queue_set_load(&queue, 0, 150);
	wait_s = queue_wait(&queue, 60);
	tell(wait_s > 1.5 && wait_s < 2.5 && queue.turned_away > 1000,
	    "an overloaded line stays at its limit");
	unsigned refused = 0;
	for (int i = 0; i < 100; i++)
		refused += !queue_arrive(&queue, 60 + i * 0.1, &delay_s);
	tell(refused > 30, "an overloaded line turns requests away");
	queue_set_load(&queue, 80, 10);
	tell(queue_wait(&queue, 90) < 0.5, "the line drains when load falls");
	queue_set_load(&queue, 100, 0);
	tell(queue_wait(&queue, 200) == 0, "without visitors nobody waits");
	queue_set_capacity(&queue, 200, 200, 4);
	tell(queue_arrive(&queue, 200, &delay_s) && delay_s < 1,
	    "more servers may join at any time");
}

static void
silence_is_cheap(uint64_t seed)
{
	struct queue queue;

	queue_init(&queue, 0, seed);
	queue_set_capacity(&queue, 0, 10000, 4);
	queue_set_load(&queue, 0, 5000);
	tell(queue_wait(&queue, 1e6) < 1, "a million silent seconds pass");
}

int
main(void)
{
	const char *given = getenv("QUEUE_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20200325;

	mean_matches(0.3, 1, seed);
	mean_matches(0.7, 1, seed + 1);
	mean_matches(0.9, 1, seed + 2);
	mean_matches(0.7, 4, seed + 3);
	mean_matches(0.9, 4, seed + 4);
	line_is_bounded_and_recovers(seed + 5);
	silence_is_cheap(seed + 6);
	printf("1..%u\n", n_tests);
	return n_failed != 0;
}
