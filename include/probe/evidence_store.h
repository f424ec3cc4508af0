#ifndef PROBE_EVIDENCE_STORE_H
#define PROBE_EVIDENCE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "loop/lane.h"
#include "model/run.h"

/*
 * The last failed and the last good run of each transaction, as HAR 1.2, so
 * that nobody argues: one file each, DIR/OPERATOR/DEPLOYMENT/
 * TRANSACTION.REASON.RUN.har, written whole and then renamed. It outlives the
 * run in the ledger, where only so many are kept.
 *
 * A failed run is kept when the one before was good or failed for another
 * reason, and otherwise once in EVIDENCE_FAILED_EVERY; a good one when the one
 * before failed, and otherwise once in EVIDENCE_GOOD_EVERY. What does not
 * count (our own fault, not tried) is not kept. At most EVIDENCE_PER_SECOND
 * runs are, and all files together take at most `bytes_most`: then the oldest
 * good ones go first, after them the oldest failed ones.
 *
 * Nothing is synced: a power cut may cost the newest.
 */
#define EVIDENCE_FAILED_EVERY (300 * US_PER_S)
#define EVIDENCE_GOOD_EVERY (3600 * US_PER_S)
#define EVIDENCE_PER_SECOND 20
#define EVIDENCE_FILE_MOST \
	((size_t)512 * 1024) /* bytes; larger is not kept \
			      */

struct evidence_store;

/* evidence_store_new: loop thread; makes `dir` and looks at what is in it, on
 * the lane. evidence_store_free: when the lane has ended. */
struct evidence_store *evidence_store_new(const char *dir, uint64_t bytes_most,
    struct lane *lane, const struct clock *clock);
void evidence_store_free(struct evidence_store *store);

/* evidence_store_limit: another bytes_most, from the next file on. Any thread.
 */
void evidence_store_limit(struct evidence_store *store, uint64_t bytes_most);

/* evidence_store_offer: a run that has ended, and the text of evidence_write
 * for it. Loop thread; never blocks; a full queue of the lane is counted. */
void evidence_store_offer(struct evidence_store *store, const struct run *run,
    const char *json, size_t len);

/*
 * evidence_store_list: what is kept at and below a target, of one name to
 * three, newest first, at most `most`:
 *   [{"target","kind":"failed"|"good","reason","run","time","bytes",
 *     "har_url"}]
 * Any thread; the caller's.
 */
struct jv *evidence_store_list(
    struct evidence_store *store, const char *target, size_t most) MUST_USE;

/* evidence_store_read: appends the HAR of a run. 0, -ENOENT or -errno. Any
 * thread; reads a file. */
int evidence_store_read(
    struct evidence_store *store, const char *run, struct buf *out) MUST_USE;

struct evidence_stats {
	uint64_t files, bytes;
	uint64_t skipped; /* for EVIDENCE_PER_SECOND or a full queue */
	uint64_t failed; /* could not be written */
};
/* Any thread. */
void evidence_store_stats(
    struct evidence_store *store, struct evidence_stats *stats);

#endif
