#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/*
 * A growing byte buffer with a mandatory limit, so that nothing from outside
 * can grow it without end. One owner, one thread. `data` is always followed by
 * a NUL that `len` does not count, and is never NULL after buf_init. Pointers
 * into it die at the next change.
 *
 * Overflow is sticky: once an addition did not fit (or memory was refused)
 * `full` is set, that addition and all later ones change nothing and return
 * false, and what is already there stays valid.
 *
 * A secret buffer wipes what it leaves behind when it grows, is reset or freed.
 */
struct buf {
	char *data;
	size_t len;
	size_t cap; /* private */
	size_t max;
	bool full;
	bool secret; /* private */
};

/* buf_init: `max` in bytes, over 0. Allocates nothing yet. */
void buf_init(struct buf *buf, size_t max);

void buf_init_secret(struct buf *buf, size_t max);

/* buf_fini frees; safe on zeroed memory. */
void buf_fini(struct buf *buf);

/* buf_reset empties and clears `full`; keeps the memory. */
void buf_reset(struct buf *buf);

bool buf_add(struct buf *buf, const void *bytes, size_t len);
bool buf_adds(struct buf *buf, const char *text);
bool buf_addc(struct buf *buf, char c);
bool buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * buf_take hands the bytes to the caller, who frees them, and leaves an empty
 * buffer. Never NULL. *len may be NULL.
 */
char *buf_take(struct buf *buf, size_t *len);

#endif
