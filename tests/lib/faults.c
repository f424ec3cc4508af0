/*
 * What a scenario does to the daemon from below: wall clock and boot clock are
 * moved, and calls on files under one folder fail. Preloaded; what it does
 * stands in the file that FAULTS names, which the test writes while the daemon
 * runs (tests/lib/faults.mjs). Files written through a mapping are out of
 * reach: there only a real disk that is full will do.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum what { FAIL_WRITE = 1, FAIL_SYNC = 2, FAIL_OPEN = 4 };

struct orders {
	int64_t wall_us, boot_us; /* added to what the kernel says */
	int64_t problem; /* errno of what fails */
	int64_t what; /* bits of enum what */
};

static const struct orders none;
static const volatile struct orders *orders = &none;
static char under[PATH_MAX];
static size_t under_len;
#define FD_MOST 4096
static bool is_under[FD_MOST]; /* opened below the folder */

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void
begin(void)
{
	const char *file = getenv("FAULTS");
	const char *folder = getenv("FAULTS_UNDER");
	void *map;
	int fd;

	if (folder != NULL && strlen(folder) < sizeof(under)) {
		strcpy(under, folder);
		under_len = strlen(folder);
	}
	fd = file == NULL ? -1 : NEXT(open)(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(*orders), PROT_READ, MAP_SHARED, fd, 0);
	NEXT(close)(fd);
	if (map != MAP_FAILED)
		orders = map;
}

static bool
is_ordered(enum what what)
{
	if ((orders->what & (int64_t)what) == 0)
		return false;
	errno = (int)orders->problem;
	return true;
}

static bool
fails(int fd, enum what what)
{
	return fd >= 0 && fd < FD_MOST && is_under[fd] && is_ordered(what);
}

/* ---- clocks ---- */

int
clock_gettime(clockid_t id, struct timespec *at)
{
	int rc = NEXT(clock_gettime)(id, at);
	int64_t by = 0, ns;

	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		by = orders->wall_us;
	else if (id == CLOCK_BOOTTIME)
		by = orders->boot_us;
	if (rc != 0 || by == 0)
		return rc;
	ns = at->tv_nsec + by % 1000000 * 1000;
	at->tv_sec += by / 1000000 + (ns >= 1000000000) - (ns < 0);
	at->tv_nsec = ns + (ns < 0 ? 1000000000 : 0) -
	    (ns >= 1000000000 ? 1000000000 : 0);
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	if (out != NULL)
		*out = at.tv_sec;
	return at.tv_sec;
}

int
gettimeofday(struct timeval *out, void *zone)
{
	struct timespec at;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &at);
	out->tv_sec = at.tv_sec;
	out->tv_usec = at.tv_nsec / 1000;
	return 0;
}

/* ---- files ---- */

static int
opened(int fd, const char *path)
{
	if (fd >= 0 && fd < FD_MOST)
		is_under[fd] =
		    under_len > 0 && strncmp(path, under, under_len) == 0;
	return fd;
}

static bool
open_fails(const char *path)
{
	return under_len > 0 && strncmp(path, under, under_len) == 0 &&
	    is_ordered(FAIL_OPEN);
}

static int
mode_of(int flags, va_list more)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, int) : 0;
}

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		va_list more; \
		int mode; \
\
		va_start(more, flags); \
		mode = mode_of(flags, more); \
		va_end(more); \
		if (open_fails(path)) \
			return -1; \
		return opened(NEXT(name)(path, flags, mode), path); \
	}
OPEN(open)
OPEN(open64)

int
close(int fd)
{
	if (fd >= 0 && fd < FD_MOST)
		is_under[fd] = false;
	return NEXT(close)(fd);
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
	return fails(fd, FAIL_WRITE) ? -1 : NEXT(write)(fd, bytes, len);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return fails(fd, FAIL_WRITE) ? -1 : NEXT(pwrite)(fd, bytes, len, at);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
	return fails(fd, FAIL_WRITE) ? -1 : NEXT(pwrite64)(fd, bytes, len, at);
}

int
ftruncate(int fd, off_t len)
{
	return fails(fd, FAIL_WRITE) ? -1 : NEXT(ftruncate)(fd, len);
}

int
ftruncate64(int fd, off64_t len)
{
	return fails(fd, FAIL_WRITE) ? -1 : NEXT(ftruncate64)(fd, len);
}

int
posix_fallocate(int fd, off_t from, off_t len)
{
	return fails(fd, FAIL_WRITE) ? errno
				     : NEXT(posix_fallocate)(fd, from, len);
}

int
posix_fallocate64(int fd, off64_t from, off64_t len)
{
	return fails(fd, FAIL_WRITE) ? errno
				     : NEXT(posix_fallocate64)(fd, from, len);
}

int
fsync(int fd)
{
	return fails(fd, FAIL_SYNC) ? -1 : NEXT(fsync)(fd);
}

int
fdatasync(int fd)
{
	return fails(fd, FAIL_SYNC) ? -1 : NEXT(fdatasync)(fd);
}
