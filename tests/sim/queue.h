#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The capacity of one deployment: a first come, first served queue with
 * `servers` equal servers, exponential service and a background of virtual
 * visitors who arrive as a Poisson stream (M/M/c). The visitors between two
 * real requests are played out one by one, so the figures are exact and not
 * a formula: with one server the mean response is S / (1 - load / capacity),
 * S being the mean service time, servers / capacity.
 *
 * Instants are seconds of any clock that never runs backwards. A queue has
 * no lock; its owner calls it from one thread at a time.
 */

enum { QUEUE_SERVERS_MAX = 64 };

struct queue_random {
	uint64_t state;
};

struct queue {
	double capacity_per_s;
	double load_per_s; /* the virtual visitors */
	double limit_s; /* who would wait longer is turned away */
	unsigned servers;
	double free_at_s[QUEUE_SERVERS_MAX];
	double now_s;
	double next_visitor_s;
	struct queue_random random;
	uint64_t turned_away;
};

void queue_init(struct queue *queue, double now_s, uint64_t seed);

/* capacity > 0 requests per second for all servers (1..64) together. */
void queue_set_capacity(
    struct queue *queue, double now_s, double capacity_per_s, unsigned servers);

void queue_set_load(struct queue *queue, double now_s, double load_per_s);

/*
 * queue_arrive lets one real request join. Gives waiting and own service
 * together in `delay_s`; false if the line was too long.
 */
bool queue_arrive(struct queue *queue, double now_s, double *delay_s);

/* queue_wait: what a request arriving now would wait, without joining. */
double queue_wait(struct queue *queue, double now_s);

/* Evenly spread in [0, 1), and exponential with the given mean. */
double queue_uniform(struct queue_random *random);
double queue_exponential(struct queue_random *random, double mean);

#endif
