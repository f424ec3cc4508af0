/*
 * The clocks. What waits and what is busy goes by the real one, which nobody
 * can move; what grows old (sessions, tickets, forms, messages on their way)
 * goes by the operator's, which the control port may move forward.
 */
#include "sim.h"

double
sim_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double
oper_now_s(const struct oper *op)
{
	return sim_now_s() + (double)op->ahead_s;
}

time_t
oper_time(const struct oper *op)
{
	return time(NULL) + (time_t)op->ahead_s;
}
