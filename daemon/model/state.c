/*
 * The names of the states.
 */
#include "model/state.h"

#include <assert.h>

const char *
state_name(enum state state)
{
	switch (state) {
	case STATE_UNKNOWN:
		return "unknown";
	case STATE_UP:
		return "up";
	case STATE_DEGRADED:
		return "degraded";
	case STATE_DOWN:
		return "down";
	case STATE_MAINTENANCE:
		return "maintenance";
	}
	assert(!"a state has a name");
	return "";
}
