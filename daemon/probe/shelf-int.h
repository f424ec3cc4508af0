#ifndef PROBE_SHELF_INT_H
#define PROBE_SHELF_INT_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/evidence_store.h"

/*
 * Which evidence there is: a list of the files, and the room that they may
 * take. Any thread; a lock inside. Files are written by the lane alone.
 */

#define SHELF_SUFFIX ".har"
#define SHELF_UNFINISHED ".new" /* behind the name, until it is whole */

struct shelf;

struct shelf *shelf_new(const char *dir, uint64_t bytes_most);
void shelf_free(struct shelf *shelf);

/* shelf_look finds what is in the folder, and removes what a kill left half
 * done. On the lane, before the first shelf_put. */
void shelf_look(struct shelf *shelf);

/* shelf_path: where the HAR of a run of a target belongs. */
void shelf_path(const struct shelf *shelf, const char *target,
    enum reason reason, const char *run, char path[PATH_MAX]);

/* shelf_room removes the oldest until so many bytes fit. */
void shelf_room(struct shelf *shelf, uint64_t bytes);

/* shelf_put: the file is there; that of the run before is removed. */
void shelf_put(struct shelf *shelf, const char *target, enum reason reason,
    const char *run, wall_us at, uint64_t bytes);

void shelf_limit(struct shelf *shelf, uint64_t bytes_most);
struct jv *shelf_list(
    struct shelf *shelf, const char *target, size_t most) MUST_USE;
int shelf_read(struct shelf *shelf, const char *run, struct buf *out) MUST_USE;
void shelf_stats(struct shelf *shelf, struct evidence_stats *stats);

#endif
