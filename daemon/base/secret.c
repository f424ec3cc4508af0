/*
 * Values that must not be printed, and the files they come from. Who may know
 * them and how they are masked is decided elsewhere.
 */
#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"

#define SECRET_MAX 4096

/* One secret, or those of a pool, have pages of their own: locking and dumping
 * go by the page. */
struct secret {
	size_t mapped; /* 0: in a pool */
	size_t len;
	char bytes[];
};

#define POOL_PAGES ((size_t)256 * 1024)

struct secret_pool {
	struct pages {
		char *at;
		size_t used;
	} * pages;
	size_t n;
};

static void *
map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		log_error("out of memory", "errno=%d", errno);
		abort();
	}
	/* Refused without the privilege or beyond the limit: then the value
	 * may be swapped, which is no reason not to start. */
	(void)mlock(memory, size);
	(void)madvise(memory, size, MADV_DONTDUMP);
	return memory;
}

static void
unmap(void *memory, size_t size, size_t used)
{
	crypto_wipe(memory, used);
	(void)munlock(memory, size);
	(void)munmap(memory, size);
}

static void
put(struct secret *secret, const char *bytes, size_t len)
{
	secret->len = len;
	if (len > 0)
		memcpy(secret->bytes, bytes, len);
	secret->bytes[len] = '\0';
}

struct secret *
secret_new(const char *bytes, size_t len)
{
	assert(len <= SECRET_MAX);
	size_t mapped = sizeof(struct secret) + len + 1;
	struct secret *secret = map(mapped);

	secret->mapped = mapped;
	put(secret, bytes, len);
	return secret;
}

void
secret_free(struct secret *secret)
{
	if (secret == NULL)
		return;
	assert(secret->mapped > 0);
	unmap(secret, secret->mapped, secret->mapped);
}

/* ---- pools ---- */

struct secret_pool *
secret_pool_new(void)
{
	return mem_new(sizeof(struct secret_pool));
}

struct secret *
secret_pool_add(struct secret_pool *pool, const char *bytes, size_t len)
{
	assert(len <= SECRET_MAX);
	size_t align = _Alignof(struct secret);
	size_t size =
	    (sizeof(struct secret) + len + 1 + align - 1) / align * align;
	struct pages *last = pool->n > 0 ? &pool->pages[pool->n - 1] : NULL;
	struct secret *secret;

	if (last == NULL || POOL_PAGES - last->used < size) {
		pool->pages =
		    mem_grow(pool->pages, pool->n + 1, sizeof(*pool->pages));
		last = &pool->pages[pool->n++];
		*last = (struct pages){.at = map(POOL_PAGES)};
	}
	secret = (struct secret *)(void *)(last->at + last->used);
	last->used += size;
	put(secret, bytes, len);
	return secret;
}

void
secret_pool_free(struct secret_pool *pool)
{
	if (pool == NULL)
		return;
	for (size_t i = 0; i < pool->n; i++)
		unmap(pool->pages[i].at, POOL_PAGES, pool->pages[i].used);
	free(pool->pages);
	free(pool);
}

const char *
secret_reveal(const struct secret *secret)
{
	return secret->bytes;
}

size_t
secret_len(const struct secret *secret)
{
	return secret->len;
}

/* check looks at the descriptor, not at the path, which may be changed between
 * a look and an open. */
static int
check(int fd, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EPERM;
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return -EPERM;
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return -EPERM;
	if (st.st_size > 0 && (uintmax_t)st.st_size > max)
		return -EFBIG;
	return 0;
}

/* fill reads to the end of the file; -EFBIG when that is not within `max`. */
static int
fill(int fd, char *out, size_t max, size_t *len)
{
	size_t got = 0;

	while (got <= max) {
		ssize_t n = read(fd, out + got, max + 1 - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) {
			*len = got;
			return 0;
		}
		got += (size_t)n;
	}
	return -EFBIG;
}

int
secret_file_read(const char *path, size_t max, char **bytes, size_t *len)
{
	char *data = NULL;
	size_t got = 0;
	int rc;

	assert(max < SIZE_MAX / 2);
	/* Without O_NONBLOCK the open of a pipe would wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	rc = check(fd, max);
	if (rc != 0)
		goto out;
	data = mem_new(max + 2);
	rc = fill(fd, data, max, &got);
	if (rc != 0)
		goto out;
	data[got] = '\0';
	*bytes = data;
	*len = got;
	data = NULL;
out:
	if (data != NULL)
		crypto_wipe(data, max + 2);
	free(data);
	close(fd);
	return rc;
}
