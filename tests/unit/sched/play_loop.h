#ifndef TESTS_PLAY_LOOP_H
#define TESTS_PLAY_LOOP_H

#include "base/clock.h"
#include "loop/loop.h"

/*
 * A loop whose hours take seconds: the functions of loop/loop.h that the
 * schedule calls, on a clock that jumps to the next timer. Link it instead of
 * the real one.
 */
struct loop *play_loop_new(struct clock_manual *clock);
void play_loop_free(struct loop *loop); /* asserts that no timer is left */

/* play_until runs timers in order, up to and including that instant. */
void play_until(struct loop *loop, mono_us until);

#endif
