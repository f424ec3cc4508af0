#include "ledger-int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * A disk that runs full. A file beside the ledger holds some room, which is
 * let go when a commit finds none, so that incidents, deliveries and tallies
 * still fit; it is made again when there is plenty. While it is gone, or
 * little is left, runs wait in memory: they are the largest and the first that
 * can be missed.
 */

#define RESERVE ((off_t)16 << 20)
#define PLENTY ((uint64_t)64 << 20) /* to make it, and for runs again */
#define LITTLE_SHARE 20 /* less than a twentieth of the disk */
#define LITTLE_MOST ((uint64_t)1 << 30) /* and of a large one, than this */
#define MAKE_EVERY (10 * US_PER_S)

/* Bytes that are free for us; 0 when nobody knows. */
static uint64_t
room(const struct space *space, uint64_t *little)
{
	struct statvfs fs;
	uint64_t all;

	*little = 0;
	if (statvfs(space->dir, &fs) != 0)
		return 0;
	all = (uint64_t)fs.f_blocks * fs.f_frsize / LITTLE_SHARE;
	*little = all < LITTLE_MOST ? all : LITTLE_MOST;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

static bool
make_reserve(const struct space *space)
{
	int fd = open(
	    space->reserve, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	int problem;

	if (fd < 0)
		return false;
	problem = posix_fallocate(fd, 0, RESERVE);
	close(fd);
	if (problem != 0)
		unlink(space->reserve);
	return problem == 0;
}

/* Also one that an earlier process made. */
static bool
has_reserve(const struct space *space)
{
	struct stat st;

	return stat(space->reserve, &st) == 0 && st.st_size >= RESERVE;
}

static void
note_low(struct ledger *ledger, bool low)
{
	struct space *space = &ledger->space;

	if (low == space->low)
		return;
	space->low = low;
	pthread_mutex_lock(&ledger->lock);
	ledger->stats.low = low;
	pthread_mutex_unlock(&ledger->lock);
	if (low)
		log_error("disk nearly full",
		    "dir=%s side=ours action=\"make room\" meanwhile=\"runs "
		    "wait in memory\"",
		    space->dir);
	else
		log_info("disk has room again", "dir=%s", space->dir);
}

void
space_begin(struct ledger *ledger)
{
	struct space *space = &ledger->space;
	const char *slash = strrchr(ledger->path, '/');

	space->dir = slash == NULL
	    ? mem_strdup(".")
	    : mem_printf("%.*s", (int)(slash - ledger->path + 1), ledger->path);
	space->reserve = mem_printf("%s.reserve", ledger->path);
	space->reserved = has_reserve(space);
	space_tick(ledger);
}

void
space_end(struct ledger *ledger)
{
	free(ledger->space.dir);
	free(ledger->space.reserve);
}

bool
space_release(struct ledger *ledger)
{
	struct space *space = &ledger->space;

	if (!space->reserved || unlink(space->reserve) != 0)
		return false;
	space->reserved = false;
	space->made = clock_mono(ledger->clock);
	note_low(ledger, true);
	log_error("disk full, reserve let go",
	    "path=%s side=ours action=\"make room\"", space->reserve);
	return true;
}

void
space_tick(struct ledger *ledger)
{
	struct space *space = &ledger->space;
	mono_us now = clock_mono(ledger->clock);
	uint64_t little;
	uint64_t left = room(space, &little);

	if (!space->reserved && left >= PLENTY &&
	    (space->made == 0 || now - space->made >= MAKE_EVERY)) {
		space->made = now;
		space->reserved = make_reserve(space);
		left = room(space, &little);
	}
	note_low(
	    ledger, left < little || (space->was_reserved && !space->reserved));
	space->was_reserved = space->was_reserved || space->reserved;
}
