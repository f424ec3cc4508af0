/*
 * The queue of one simulated deployment: virtual visitors and real requests
 * in one line. Nothing here knows of HTTP, threads or the wall clock.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "queue.h"

/*
 * After a long silence only the last visitors matter: the line has forgotten
 * its past long before this many of them.
 */
enum { VISITORS_PER_CALL_MAX = 200000 };

static uint64_t
random_next(struct queue_random *random)
{
	/* splitmix64: small state, passes the usual test batteries */
	random->state += 0x9e3779b97f4a7c15u;
	uint64_t z = random->state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

double
queue_uniform(struct queue_random *random)
{
	return (double)(random_next(random) >> 11) * 0x1.0p-53;
}

double
queue_exponential(struct queue_random *random, double mean)
{
	return -mean * log1p(-queue_uniform(random));
}

static unsigned
first_free(const struct queue *queue)
{
	unsigned best = 0;

	for (unsigned i = 1; i < queue->servers; i++)
		if (queue->free_at_s[i] < queue->free_at_s[best])
			best = i;
	return best;
}

/* One request, real or virtual, joins at `at_s`. */
static bool
join(struct queue *queue, double at_s, double *delay_s)
{
	unsigned server = first_free(queue);
	double start_s = fmax(at_s, queue->free_at_s[server]);

	if (start_s - at_s > queue->limit_s) {
		queue->turned_away++;
		return false;
	}
	double service_s = queue_exponential(
	    &queue->random, queue->servers / queue->capacity_per_s);
	queue->free_at_s[server] = start_s + service_s;
	*delay_s = start_s + service_s - at_s;
	return true;
}

static void
draw_next_visitor(struct queue *queue, double from_s)
{
	queue->next_visitor_s = queue->load_per_s > 0
	    ? from_s + queue_exponential(&queue->random, 1 / queue->load_per_s)
	    : INFINITY;
}

static void
advance(struct queue *queue, double now_s)
{
	double earliest_s;
	double ignored_s;

	if (now_s <= queue->now_s)
		return;
	earliest_s = queue->load_per_s > 0
	    ? now_s - VISITORS_PER_CALL_MAX / queue->load_per_s
	    : now_s;
	if (queue->next_visitor_s < earliest_s)
		draw_next_visitor(queue, earliest_s);
	while (queue->next_visitor_s <= now_s) {
		(void)join(queue, queue->next_visitor_s, &ignored_s);
		draw_next_visitor(queue, queue->next_visitor_s);
	}
	queue->now_s = now_s;
}

void
queue_init(struct queue *queue, double now_s, uint64_t seed)
{
	memset(queue, 0, sizeof(*queue));
	queue->random.state = seed;
	queue->capacity_per_s = 100;
	queue->servers = 1;
	queue->limit_s = 15;
	queue->now_s = now_s;
	queue->next_visitor_s = INFINITY;
}

void
queue_set_capacity(
    struct queue *queue, double now_s, double capacity_per_s, unsigned servers)
{
	assert(capacity_per_s > 0);
	assert(servers >= 1 && servers <= QUEUE_SERVERS_MAX);
	advance(queue, now_s);
	for (unsigned i = queue->servers; i < servers; i++)
		queue->free_at_s[i] = queue->now_s;
	queue->capacity_per_s = capacity_per_s;
	queue->servers = servers;
}

void
queue_set_load(struct queue *queue, double now_s, double load_per_s)
{
	assert(load_per_s >= 0);
	advance(queue, now_s);
	if (load_per_s == queue->load_per_s)
		return;
	queue->load_per_s = load_per_s;
	/* the time to the next arrival has no memory: draw it anew */
	draw_next_visitor(queue, queue->now_s);
}

bool
queue_arrive(struct queue *queue, double now_s, double *delay_s)
{
	advance(queue, now_s);
	return join(queue, queue->now_s, delay_s);
}

double
queue_wait(struct queue *queue, double now_s)
{
	advance(queue, now_s);
	return fmax(0, queue->free_at_s[first_free(queue)] - queue->now_s);
}
