#ifndef SERIES_RECENT_INT_H
#define SERIES_RECENT_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "series-int.h"

/*
 * What makes the series whole after an unclean stop; all below one folder,
 * recent/, all on the store lane.
 *
 *   results-N   every result, in the order in which it was given
 *   undo-N      before a slice of RRD files is written: what in them cannot
 *               be rebuilt from results
 *
 * librrd writes in place: a kill inside an update leaves a file whose rows are
 * shifted or whose consolidation is half done, and nothing tells. So after a
 * kill the files of the slice that was being written get the copy back that
 * was taken before, and the results since are replayed. After a power cut, of
 * which we know by another boot id, nothing is believed that has been written
 * since the last checkpoint (when all was synced): each file written since
 * gets its first copy back, and all results since are replayed.
 */

/* ---- record.c: framing ---- */

struct crc {
	uint32_t table[8][256];
};
void crc_init(struct crc *crc);

/* CRC-32C of n bytes that follow those of which it was `before` (0: none). */
uint32_t crc_of(
    const struct crc *crc, uint32_t before, const void *bytes, size_t n);

#define RECORD_HEAD 8
#define RECORD_MOST (1024 * 1024) /* bytes of a body */

/* record_begin leaves room for the head and says where; what is added to the
 * buffer until record_end is the body. A full buffer stays full. */
size_t record_begin(struct buf *buf);
void record_end(
    const struct crc *crc, struct buf *buf, size_t at, uint8_t kind);
void record_add(const struct crc *crc, struct buf *buf, uint8_t kind,
    const void *body, size_t len);

int write_all(int fd, const void *bytes, size_t n) MUST_USE; /* 0, -errno */

/* sync_folder: the names in it are on the disk then. 0, -errno. */
int sync_folder(const char *dir) MUST_USE;

/* room_check: -ENOSPC when what the disk of `dir` has left is not for us. */
int room_check(const char *dir) MUST_USE;

struct record {
	uint8_t kind;
	const unsigned char *body; /* until the next call */
	size_t len;
};

struct record_reader {
	const struct crc *crc;
	int fd;
	unsigned char *bytes;
	size_t n, at, cap;
	int64_t offset; /* behind the last good record */
	bool damaged; /* it did not end with a whole record */
	int problem; /* -errno of a read */
};

/* record_open: 0 or -errno; then record_close. record_next: false at the end
 * of what is whole. */
int record_open(struct record_reader *reader, const struct crc *crc,
    const char *path) MUST_USE;
bool record_next(struct record_reader *reader, struct record *record);
void record_close(struct record_reader *reader);

/* ---- syncer.c: waits for the disk on a thread of its own ---- */

struct syncer;

/* `dir`: the folder of the files, and of the file system, that are synced.
 * NULL with errno. */
struct syncer *syncer_new(const char *dir);
void syncer_free(struct syncer *syncer); /* after all that was asked for */

/* fdatasync, with `fresh` the folder as well, then close if asked; the
 * descriptor stays open till then. */
struct syncer_job {
	int fd;
	bool fresh;
	bool and_close;
};
void syncer_data(struct syncer *syncer, struct syncer_job job);

/* Everything written before the call: syncer_all begins it, syncer_ask says
 * how it stands. syncer_all_now waits: 0 or -errno. */
enum syncer_state { SYNCER_IDLE, SYNCER_BUSY, SYNCER_DONE, SYNCER_FAILED };
void syncer_all(struct syncer *syncer);
enum syncer_state syncer_ask(struct syncer *syncer);
int syncer_all_now(struct syncer *syncer) MUST_USE;

/* Failures of fdatasync since the last call. */
unsigned syncer_failures(struct syncer *syncer);

/* ---- a folder of numbered files ---- */

/* The numbers of the files PREFIX-N in `dir`, ascending. *list is freed by the
 * caller. 0 or -errno. */
int numbered_list(
    const char *dir, const char *prefix, uint64_t **list, size_t *n) MUST_USE;
void numbered_path(
    char *path, size_t size, const char *dir, const char *prefix, uint64_t n);

/* ---- segment.c: the results ---- */

#define SEGMENT_PREFIX "results"

struct segments;

struct segments *segments_new(const char *dir, const struct crc *crc,
    struct syncer *syncer, const struct clock *clock, uint64_t next);
void segments_free(struct segments *segments);

/* segments_add keeps a result; it is on its way to the file after the next
 * segments_flush. A mark of SEGMENT_UNPLACED: where it goes is not known yet.
 */
#define SEGMENT_UNPLACED INT64_C(-1)
void segments_add(struct segments *segments, const struct gather_result *result,
    const struct gather_mark *mark);
void segments_flush(struct segments *segments);

/* About once a second: hands what was written to the syncer, begins a new file
 * when the present one is old or large, and removes the oldest when all are
 * more than SEGMENTS_MOST. */
#define SEGMENTS_MOST (INT64_C(1) << 30)
void segments_tick(struct segments *segments);

/* segments_rotate ends the present file, if it holds anything. */
void segments_rotate(struct segments *segments);

/* One that was there before us; `newest`: begin of its newest result. */
void segments_adopt(
    struct segments *segments, uint64_t n, int64_t bytes, wall_us newest);

/* segments_drop removes the files in which every result began before `oldest`.
 * Those that claim to come from the future, as a clock may have made them do,
 * go an hour after they were ended. */
void segments_drop(struct segments *segments, wall_us oldest);

uint64_t segments_unsaved(const struct segments *segments);

/* The bodies of the records, shared by segment.c and segment_read.c. */
enum segment_kind { SEGMENT_HEAD = 1, SEGMENT_NAME, SEGMENT_RESULT };
#define SEGMENT_MAGIC "DYZRES01"
#define SEGMENT_NOWHERE INT32_MIN /* dropped */
#define SEGMENT_NOWHERE_YET (INT32_MIN + 1) /* unplaced */
struct segment_head {
	char magic[8];
	int64_t base_s; /* boundaries count from here */
};
/* SEGMENT_NAME: dur_us every, uint32_t id (from 0, in order), then operator,
 * deployment and transaction, each with its NUL. */
struct segment_result {
	wall_us started;
	uint32_t id;
	int32_t end_s, all_end_s; /* from base_s */
	uint32_t latency; /* microseconds, like the phases */
	uint32_t phase[PHASE_COUNT];
	uint8_t verdict;
	uint8_t unused[3];
};

struct segment_reader;

/* 0 or -errno. segment_next: false at the end of what is whole. The target is
 * the reader's. */
int segment_open(struct segment_reader **reader, const struct crc *crc,
    const char *path) MUST_USE;
bool segment_next(struct segment_reader *reader, struct gather_result *result,
    struct gather_mark *mark);
bool segment_damaged(const struct segment_reader *reader);
wall_us segment_newest(const struct segment_reader *reader);
int64_t segment_bytes(const struct segment_reader *reader);
void segment_close(struct segment_reader *reader);

/* ---- undo.c: what a slice is about to overwrite ---- */

#define UNDO_PREFIX "undo"

struct undo;

struct undo *undo_new(const char *dir, const char *rrd_dir,
    const struct crc *crc, const char *boot, uint64_t next);
void undo_free(struct undo *undo);

/*
 * Round a slice: undo_copy for each file that may be written (`name` below the
 * folder of RRD files), then undo_arm; after the slice undo_done. undo_arm
 * gives 0, or -errno with `problem`; then the slice is not written.
 *
 * All that is kept is at most UNDO_MOST bytes: then slices wait (-EAGAIN) for
 * the next checkpoint. It waits for the disk if there is a file in the slice
 * that has no copy yet since the last checkpoint: only the first one is needed
 * after a power cut. *epoch is where the caller remembers that of the file;
 * zero at first.
 */
#define UNDO_MOST (INT64_C(1) << 30)
void undo_copy(struct undo *undo, const char *name, enum series_kind kind,
    uint64_t *epoch);
int undo_arm(struct undo *undo, char *problem, size_t size) MUST_USE;
void undo_done(struct undo *undo);

/* undo_pause: what is written now has a copy in a journal of before, which
 * stays until the next checkpoint; so no other one is taken. */
void undo_pause(struct undo *undo, bool paused);

/* A checkpoint: from undo_rotate on a new file is written; undo_drop removes
 * those before it when all that was written before is on the disk. */
void undo_rotate(struct undo *undo);
void undo_adopt(struct undo *undo, uint64_t n, int64_t bytes);
void undo_drop(struct undo *undo);
int64_t undo_bytes(const struct undo *undo); /* of all that is kept */
bool undo_empty(const struct undo *undo);

/* ---- restore.c: the copies go back ---- */

struct restore;

/* `list`: the undo files, ascending. Takes nothing. */
struct restore *restore_new(const char *dir, const char *rrd_dir,
    const struct crc *crc, const char *boot, const uint64_t *list, size_t n);

/* restore_step does a bounded part; false when all is done. */
bool restore_step(struct restore *restore);
bool restore_power_cut(const struct restore *restore);
size_t restore_count(const struct restore *restore); /* files */

/* The places that were restored, each at least once. */
size_t restore_places(const struct restore *restore);
const struct series_key *restore_place(const struct restore *restore, size_t i);
void restore_free(struct restore *restore);

/* The bodies of the records, shared by undo.c and restore.c. */
enum undo_kind { UNDO_HEAD = 1, UNDO_FILE, UNDO_END };
#define UNDO_MAGIC "DYZUNDO1"
#define UNDO_BOOT_SIZE 40
struct undo_head {
	char magic[8];
	char boot[UNDO_BOOT_SIZE];
};
struct undo_file {
	uint64_t size; /* of the file; 0: there was none */
	uint64_t inode;
	uint32_t layout; /* checksum of the head and the archives' definitions
			  */
	uint32_t at, len; /* of the live part; len 0: not sane, no copy */
	uint32_t kind;
	uint32_t unused;
	/* then the name with its NUL, then the live part, see undo_pack */
};

/* The live part of a header: behind the definitions, before the rows. `bytes`
 * is the begin of a file, as much as there is; false when it is no header of
 * this kind. *layout as in undo_file. */
bool undo_live(const struct crc *crc, const unsigned char *bytes, size_t n,
    enum series_kind kind, uint32_t *layout, uint32_t *at, uint32_t *len);
size_t undo_most(enum series_kind kind); /* bytes that a header may have */

/*
 * Most words of a live part are zero: undo_pack writes for every 64 words a
 * mask of those that are not, and these. n is a multiple of 8. undo_unpack
 * fills exactly n bytes from exactly `len`, or returns false.
 */
void undo_pack(struct buf *out, const unsigned char *bytes, size_t n);
bool undo_unpack(
    unsigned char *out, size_t n, const unsigned char *packed, size_t len);

#endif
