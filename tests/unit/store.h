#ifndef TESTS_UNIT_STORE_H
#define TESTS_UNIT_STORE_H

#include <ftw.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "loop/lane.h"
#include "model/target.h"

/* What the tests of the rooms on the store lane share. After cmocka.h. */

static inline struct target
store_target(const char *op, const char *deployment, const char *transaction)
{
	struct target target = {0};

	text_copy(target.operator, sizeof(target.operator), op);
	text_copy(target.deployment, sizeof(target.deployment), deployment);
	text_copy(target.transaction, sizeof(target.transaction), transaction);
	snprintf(target.path, sizeof(target.path), "%.30s/%.30s/%.30s", op,
	    deployment, transaction);
	return target;
}

/* A new folder below $TMPDIR, or /tmp. */
static inline void
store_folder_make(char *dir, size_t size, const char *name)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, size, "%s/dyzurny-%s-XXXXXX",
	    tmp != NULL && strlen(tmp) < 80 ? tmp : "/tmp", name);
	assert_non_null(mkdtemp(dir));
}

static inline int
store_remove_one(
    const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void
store_folder_remove(const char *dir)
{
	nftw(dir, store_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void
store_post(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	sem_post(ctx);
}

/* Waits until the lane has done all that was queued before. */
static inline void
store_drain(struct lane *lane)
{
	sem_t done;

	sem_init(&done, 0, 0);
	assert_int_equal(lane_call(lane, store_post, &done, NULL, 0), 0);
	sem_wait(&done);
	sem_destroy(&done);
}

#endif
