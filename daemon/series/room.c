#include "recent-int.h"

#include <errno.h>
#include <sys/statvfs.h>

/*
 * What is left on a disk that runs full is for incidents: the ledger lets its
 * reserve of 16 MiB go (daemon/ledger/space.c), and we must not be those who
 * take it. The results wait in memory meanwhile.
 */
#define LEFT_TO_LEDGER ((uint64_t)24 << 20)

int
room_check(const char *dir)
{
	struct statvfs disk;

	if (statvfs(dir, &disk) != 0)
		return 0; /* writing will tell */
	return (uint64_t)disk.f_bavail * disk.f_frsize < LEFT_TO_LEDGER
	    ? -ENOSPC
	    : 0;
}
