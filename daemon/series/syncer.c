#include "recent-int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/lane.h"

/*
 * Waiting for the disk, so that the store lane need not. A busy disk may take
 * seconds for what is asked here.
 */

#define QUEUE_BYTES (64 * 1024)

struct syncer {
	struct lane *lane;
	int dir;
	atomic_int state; /* enum syncer_state, of the sync of everything */
	atomic_uint failures;
};

struct syncer *
syncer_new(const char *dir)
{
	struct syncer *syncer;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	syncer = mem_new(sizeof(*syncer));
	syncer->dir = fd;
	syncer->lane = lane_new("store-sync", QUEUE_BYTES);
	return syncer;
}

void
syncer_free(struct syncer *syncer)
{
	if (syncer == NULL)
		return;
	lane_free(syncer->lane);
	close(syncer->dir);
	free(syncer);
}

static void
do_data(void *ctx, const void *payload, size_t size)
{
	struct syncer *syncer = ctx;
	const struct syncer_job *job = payload;

	(void)size;
	if (fdatasync(job->fd) != 0 || (job->fresh && fsync(syncer->dir) != 0))
		atomic_fetch_add(&syncer->failures, 1);
	if (job->and_close)
		close(job->fd);
}

void
syncer_data(struct syncer *syncer, struct syncer_job job)
{
	if (lane_call(syncer->lane, do_data, syncer, &job, sizeof(job)) != 0)
		do_data(syncer, &job, sizeof(job));
}

static void
do_all(void *ctx, const void *payload, size_t size)
{
	struct syncer *syncer = ctx;
	bool well = syncfs(syncer->dir) == 0;

	(void)payload;
	(void)size;
	atomic_store(&syncer->state, well ? SYNCER_DONE : SYNCER_FAILED);
}

void
syncer_all(struct syncer *syncer)
{
	atomic_store(&syncer->state, SYNCER_BUSY);
	if (lane_call(syncer->lane, do_all, syncer, NULL, 0) != 0)
		atomic_store(&syncer->state, SYNCER_FAILED);
}

enum syncer_state
syncer_ask(struct syncer *syncer)
{
	int state = atomic_load(&syncer->state);

	if (state == SYNCER_DONE || state == SYNCER_FAILED)
		atomic_store(&syncer->state, SYNCER_IDLE);
	return (enum syncer_state)state;
}

int
syncer_all_now(struct syncer *syncer)
{
	return syncfs(syncer->dir) == 0 ? 0 : -errno;
}

unsigned
syncer_failures(struct syncer *syncer)
{
	return atomic_exchange(&syncer->failures, 0);
}
