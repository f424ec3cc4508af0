#include "recent-int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

/*
 * The order of things: results are kept before they are gathered, copies are
 * taken before a slice is written, a checkpoint forgets both when the disk has
 * all, and after an unclean stop the copies go back and the results are
 * replayed. A clean stop leaves nothing behind, so a clean start does nothing.
 */

#define CHECKPOINT (600 * US_PER_S)
#define JOURNAL_MANY \
	(INT64_C(256) << 20) /* bytes: then a checkpoint at once \
			      */
#define REPLAY_PART 2000
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

enum state { SWEEPING, RESTORING, REPLAYING, RENEWING, READY };

struct recent {
	char *dir, *rrd_dir;
	const struct clock *clock;
	struct crc crc;
	struct syncer *syncer;
	struct segments *segments;
	struct undo *undo;
	/* recovery */
	enum state state;
	mono_us begun;
	struct restore *restore;
	uint64_t *journals, *files; /* there before us */
	size_t n_journals, n_files;
	size_t at; /* file being replayed */
	struct segment_reader *reader;
	bool writing; /* what was replayed, before the next file */
	wall_us reached; /* all that came until then is replayed */
	struct gather_result *early; /* given before all was restored */
	size_t n_early, cap_early;
	uint64_t replayed;
	size_t renewed; /* of the places that were restored */
	/* checkpoints */
	bool checking;
	wall_us oldest; /* not yet written when it began */
	mono_us checked;
	bool full; /* said */
	unsigned unsynced;
	struct log_damp sync_damp;
};

/* ---- open and close ---- */

static void
read_boot(char boot[UNDO_BOOT_SIZE])
{
	int fd = open(BOOT_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	memset(boot, 0, UNDO_BOOT_SIZE);
	if (fd < 0)
		return;
	got = read(fd, boot, UNDO_BOOT_SIZE - 1);
	close(fd);
	/* without it every stop is taken for a power cut */
	if (got < 36)
		memset(boot, 0, UNDO_BOOT_SIZE);
}

static uint64_t
after(const uint64_t *list, size_t n)
{
	return n > 0 ? list[n - 1] + 1 : 1;
}

static int
find_files(struct recent *recent)
{
	int rc;

	if (mkdir(recent->dir, 0750) != 0 && errno != EEXIST)
		return -errno;
	rc = numbered_list(
	    recent->dir, UNDO_PREFIX, &recent->journals, &recent->n_journals);
	if (rc != 0)
		return rc;
	return numbered_list(
	    recent->dir, SEGMENT_PREFIX, &recent->files, &recent->n_files);
}

static void
adopt_journals(struct recent *recent)
{
	char path[PATH_MAX];
	struct stat st;
	size_t i;

	for (i = 0; i < recent->n_journals; i++) {
		numbered_path(path, sizeof(path), recent->dir, UNDO_PREFIX,
		    recent->journals[i]);
		undo_adopt(recent->undo, recent->journals[i],
		    stat(path, &st) == 0 ? st.st_size : 0);
	}
}

struct recent *
recent_open(const char *dir, const char *rrd_dir, const struct clock *clock)
{
	struct recent *recent = mem_new(sizeof(*recent));
	char boot[UNDO_BOOT_SIZE];
	int rc;

	recent->dir = mem_strdup(dir);
	recent->rrd_dir = mem_strdup(rrd_dir);
	recent->clock = clock;
	recent->begun = recent->checked = clock_mono(clock);
	crc_init(&recent->crc);
	read_boot(boot);
	rc = find_files(recent);
	if (rc == 0) {
		recent->syncer = syncer_new(dir);
		rc = recent->syncer == NULL ? -errno : 0;
	}
	if (rc != 0) {
		free(recent->journals);
		free(recent->files);
		free(recent->rrd_dir);
		free(recent->dir);
		free(recent);
		errno = -rc;
		return NULL;
	}
	recent->segments = segments_new(recent->dir, &recent->crc,
	    recent->syncer, clock, after(recent->files, recent->n_files));
	recent->undo = undo_new(recent->dir, recent->rrd_dir, &recent->crc,
	    boot, after(recent->journals, recent->n_journals));
	adopt_journals(recent);
	recent->restore = restore_new(recent->dir, recent->rrd_dir,
	    &recent->crc, boot, recent->journals, recent->n_journals);
	if (recent->n_journals == 0 && recent->n_files == 0)
		recent->state = READY;
	return recent;
}

struct undo *
recent_undo(struct recent *recent)
{
	return recent->undo;
}

/* The disk has all that was written when the checkpoint began. The results go
 * after the copies, so that no copy is left whose results are gone. */
static void
forget(struct recent *recent)
{
	undo_drop(recent->undo);
	if (sync_folder(recent->dir) == 0)
		segments_drop(recent->segments, recent->oldest);
}

void
recent_close(struct recent *recent, struct gather *gather)
{
	int rc;

	if (recent == NULL)
		return;
	segments_rotate(recent->segments);
	if (recent->state == READY && gather != NULL) {
		recent->oldest = gather_oldest(gather);
		undo_rotate(recent->undo);
		rc = syncer_all_now(recent->syncer);
		if (rc == 0)
			forget(recent);
		else
			log_warn("series not synced", "problem=\"%s\"",
			    strerror(-rc));
	}
	segments_free(recent->segments);
	undo_free(recent->undo);
	restore_free(recent->restore);
	segment_close(recent->reader);
	syncer_free(recent->syncer);
	free(recent->early);
	free(recent->journals);
	free(recent->files);
	free(recent->rrd_dir);
	free(recent->dir);
	free(recent);
}

/* ---- results ---- */

static void
add_early(struct recent *recent, const struct gather_result *result)
{
	if (recent->n_early == recent->cap_early) {
		recent->cap_early =
		    recent->cap_early > 0 ? 2 * recent->cap_early : 256;
		recent->early = mem_grow(
		    recent->early, recent->cap_early, sizeof(*recent->early));
	}
	recent->early[recent->n_early++] = *result;
}

void
recent_add(struct recent *recent, struct gather *gather,
    const struct gather_result *result)
{
	struct gather_mark mark = {SEGMENT_UNPLACED, SEGMENT_UNPLACED};

	/* files must not be looked at before they are restored */
	if (recent->state <= RESTORING)
		add_early(recent, result);
	else
		mark = gather_add(gather, result);
	segments_add(recent->segments, result, &mark);
}

void
recent_flush(struct recent *recent)
{
	segments_flush(recent->segments);
}

/* ---- recovery ---- */

static void
restored(struct recent *recent, struct gather *gather)
{
	size_t i;

	recent->state = REPLAYING;
	gather_replay_begin(gather);
	for (i = 0; i < recent->n_early; i++)
		(void)gather_add(gather, &recent->early[i]);
	free(recent->early);
	recent->early = NULL;
	recent->n_early = recent->cap_early = 0;
}

static void
end_file(struct recent *recent)
{
	wall_us now = clock_wall(recent->clock);
	char path[PATH_MAX];

	numbered_path(path, sizeof(path), recent->dir, SEGMENT_PREFIX,
	    recent->files[recent->at]);
	if (segment_damaged(recent->reader))
		log_info("recent results end early",
		    "path=%s reason=\"the file was cut or damaged\"", path);
	recent->reached = segment_newest(recent->reader);
	segments_adopt(recent->segments, recent->files[recent->at],
	    segment_bytes(recent->reader), recent->reached);
	/* a clock that went back since makes them come from the future */
	if (recent->reached > now)
		recent->reached = now;
	segment_close(recent->reader);
	recent->reader = NULL;
	recent->at++;
}

/* Under its own name it would make a recovery of every start. */
static void
set_aside(const char *path, int problem)
{
	char aside[PATH_MAX + 16];

	snprintf(aside, sizeof(aside), "%s.unreadable", path);
	log_warn("recent results not readable", "path=%s to=%s problem=\"%s\"",
	    path, aside, strerror(problem));
	if (rename(path, aside) != 0)
		log_warn("recent results not set aside",
		    "path=%s problem=\"%s\"", path, strerror(errno));
}

static bool
next_file(struct recent *recent)
{
	char path[PATH_MAX];
	int rc;

	while (recent->at < recent->n_files) {
		numbered_path(path, sizeof(path), recent->dir, SEGMENT_PREFIX,
		    recent->files[recent->at]);
		rc = segment_open(&recent->reader, &recent->crc, path);
		if (rc == 0)
			return true;
		set_aside(path, -rc);
		recent->at++;
	}
	return false;
}

/* Boundaries that cannot be yet: the clock has gone back since. */
static void
believe(const struct recent *recent, const struct gather_result *result,
    struct gather_mark *mark)
{
	int64_t latest_s =
	    (clock_wall(recent->clock) + result->every) / US_PER_S + 60;

	if (mark->end_s > latest_s)
		mark->end_s = latest_s - 60;
	if (mark->all_end_s > latest_s)
		mark->all_end_s = latest_s - 60;
}

/* A part; false when all is replayed. Between two files what can be is
 * written, so that memory has only so much of it. */
static bool
replay(struct recent *recent, struct gather *gather)
{
	struct gather_result result;
	struct gather_mark mark;
	int i;

	if (recent->writing) {
		recent->writing = gather_replay_write(gather, recent->reached);
		return true;
	}
	if (recent->reader == NULL && !next_file(recent))
		return false;
	for (i = 0; i < REPLAY_PART; i++) {
		if (!segment_next(recent->reader, &result, &mark)) {
			end_file(recent);
			recent->writing = recent->at < recent->n_files;
			return true;
		}
		believe(recent, &result, &mark);
		gather_replay(gather, &result, &mark);
		recent->replayed++;
	}
	return true;
}

/*
 * Behind the row pointers of what was restored lies what was written before the
 * stop, until the same rows are written again. A part of that; false when all
 * is done.
 */
static bool
renew(struct recent *recent, struct gather *gather)
{
	size_t n = restore_places(recent->restore) - recent->renewed;

	if (n == 0)
		return false;
	if (n > GATHER_RENEW)
		n = GATHER_RENEW;
	undo_pause(recent->undo, true);
	gather_renew(
	    gather, restore_place(recent->restore, recent->renewed), n);
	undo_pause(recent->undo, false);
	recent->renewed += n;
	return true;
}

static void
recovered(struct recent *recent)
{
	dur_us took = clock_mono(recent->clock) - recent->begun;

	recent->state = READY;
	log_info("series recovered",
	    "after=\"%s\" files=%zu results=%llu took_ms=%lld",
	    restore_power_cut(recent->restore) ? "a power cut" : "a kill",
	    restore_count(recent->restore),
	    (unsigned long long)recent->replayed,
	    (long long)(took / US_PER_MS));
	restore_free(recent->restore);
	recent->restore = NULL;
}

bool
recent_recover(struct recent *recent, struct gather *gather)
{
	switch (recent->state) {
	case SWEEPING:
		series_files_sweep(recent->rrd_dir);
		recent->state = RESTORING;
		break;
	case RESTORING:
		if (!restore_step(recent->restore))
			restored(recent, gather);
		break;
	case REPLAYING:
		if (replay(recent, gather))
			break;
		gather_replay_end(gather);
		gather_now(gather, clock_mono(recent->clock),
		    clock_wall(recent->clock));
		recent->state = RENEWING;
		break;
	case RENEWING:
		if (!renew(recent, gather))
			recovered(recent);
		break;
	case READY:
		break;
	}
	return recent->state != READY;
}

bool
recent_ready(const struct recent *recent)
{
	return recent->state == READY;
}

/* ---- checkpoints ---- */

static void
begin_checkpoint(struct recent *recent, struct gather *gather)
{
	recent->checking = true;
	recent->checked = clock_mono(recent->clock);
	recent->oldest = gather_oldest(gather);
	segments_rotate(recent->segments);
	undo_rotate(recent->undo);
	syncer_all(recent->syncer);
}

static void
say_unsynced(struct recent *recent, const char *what)
{
	unsigned suppressed;

	if (log_damp(
		&recent->sync_damp, clock_mono(recent->clock), &suppressed))
		log_warn("series not synced",
		    "what=\"%s\" effect=\"a power cut now could lose results\"",
		    what);
}

void
recent_tick(struct recent *recent, struct gather *gather)
{
	mono_us mono = clock_mono(recent->clock);

	segments_tick(recent->segments);
	if (syncer_failures(recent->syncer) > 0)
		say_unsynced(recent, "recent results");
	if (recent->state != READY)
		return;
	switch (syncer_ask(recent->syncer)) {
	case SYNCER_BUSY:
		return;
	case SYNCER_DONE:
		forget(recent);
		if (log_damp_heal(&recent->sync_damp))
			log_info("series synced again", "");
		recent->checking = false;
		break;
	case SYNCER_FAILED:
		say_unsynced(recent, "RRD files");
		recent->checking = false;
		break;
	case SYNCER_IDLE:
		break;
	}
	if (recent->checking || undo_empty(recent->undo))
		return;
	if (mono - recent->checked >= CHECKPOINT ||
	    undo_bytes(recent->undo) >= JOURNAL_MANY)
		begin_checkpoint(recent, gather);
}

uint64_t
recent_unsaved(const struct recent *recent)
{
	return segments_unsaved(recent->segments);
}
