#ifndef LOOP_LANE_H
#define LOOP_LANE_H

#include "base/attr.h"
#include "base/mailbox.h"

/*
 * A thread of its own that runs the calls put into its mailbox, one after
 * another: the store is one. All signals are blocked on it.
 */
struct lane;

/* lane_new starts the thread; `name` (under 16 characters) is shown by ps. */
struct lane *lane_new(const char *name, size_t max_bytes);

/* lane_call: any thread. Errors of mailbox_put. */
int lane_call(struct lane *lane, mailbox_fn *fn, void *ctx, const void *payload,
    size_t size) MUST_USE;

/* lane_call_later: the same for what is in no hurry; it is run within
 * MAILBOX_LATER_MS, in its order, and spares a waking of the thread. */
int lane_call_later(struct lane *lane, mailbox_fn *fn, void *ctx,
    const void *payload, size_t size) MUST_USE;
void lane_stats(struct lane *lane, struct mailbox_stats *stats);

/* lane_free refuses new calls, runs all that was accepted, joins, frees. */
void lane_free(struct lane *lane);

#endif
