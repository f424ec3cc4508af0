#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * A bounded queue of calls by value: a function and a copy of its argument
 * bytes. The only way from one thread to another. The limit is in bytes; a
 * full queue refuses (-EAGAIN), counts the refusal, and loses nothing that was
 * accepted. First in, first out.
 */
struct mailbox;

/* The callee may read `payload` only until it returns; it is 16-aligned. */
typedef void mailbox_fn(void *ctx, const void *payload, size_t size);

struct mailbox *mailbox_new(size_t max_bytes);
void mailbox_free(struct mailbox *box); /* unrun calls are dropped */

/* mailbox_put: any thread. 0, -EAGAIN (full), -EMSGSIZE, -ESHUTDOWN. */
int mailbox_put(struct mailbox *box, mailbox_fn *fn, void *ctx,
    const void *payload, size_t size) MUST_USE;

/* mailbox_put_later: what is in no hurry. A thread in mailbox_wait is left
 * asleep for up to MAILBOX_LATER_MS, or until another one comes by mailbox_put:
 * waking a thread costs more than most calls. */
#define MAILBOX_LATER_MS 50
int mailbox_put_later(struct mailbox *box, mailbox_fn *fn, void *ctx,
    const void *payload, size_t size) MUST_USE;

/* mailbox_run takes one call and runs it outside the lock; false when empty. */
bool mailbox_run(struct mailbox *box);

/* mailbox_wait blocks until something is there (true) or the box is closed
 * and empty (false). */
bool mailbox_wait(struct mailbox *box);

/* mailbox_close: later puts get -ESHUTDOWN; what is inside can still be run. */
void mailbox_close(struct mailbox *box);

struct mailbox_stats {
	uint64_t accepted;
	uint64_t refused;
	size_t bytes; /* now */
	size_t max_bytes; /* the limit */
};
void mailbox_stats(struct mailbox *box, struct mailbox_stats *stats);

#endif
