#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

#include "base/attr.h"

/*
 * A value that must not be printed: locked in memory where the kernel allows,
 * left out of core dumps, wiped when freed. There is no printf format for it;
 * whoever calls secret_reveal is where a review looks.
 */
struct secret;

/* secret_new copies `len` bytes (at most 4096) and aborts without memory. */
struct secret *secret_new(const char *bytes, size_t len);
void secret_free(struct secret *secret);

/*
 * A pool holds many secrets in few pages: of mappings a process has 65,530, and
 * a country has more passwords. Its secrets are freed with it, wiped, and by
 * nothing else. One owner; what is in it may be read by any thread.
 */
struct secret_pool;
struct secret_pool *secret_pool_new(void);
struct secret *secret_pool_add(
    struct secret_pool *pool, const char *bytes, size_t len);
void secret_pool_free(struct secret_pool *pool); /* NULL is fine */

/* secret_reveal: NUL-terminated, borrowed until secret_free. */
const char *secret_reveal(const struct secret *secret);
size_t secret_len(const struct secret *secret);

/*
 * secret_file_read reads a whole file of at most `max` bytes into *bytes,
 * which the caller wipes and frees; a NUL follows them. The open descriptor
 * must be a regular file, owned by us or root, with no access for group or
 * others; otherwise -EPERM. Other errors: -errno, -EFBIG.
 */
int secret_file_read(
    const char *path, size_t max, char **bytes, size_t *len) MUST_USE;

#endif
