#ifndef MODEL_STATE_H
#define MODEL_STATE_H

/* The state of a target, a deployment or an operator. */
enum state {
	STATE_UNKNOWN,
	STATE_UP,
	STATE_DEGRADED,
	STATE_DOWN,
	STATE_MAINTENANCE
};

const char *state_name(enum state state); /* "up" */

#endif
