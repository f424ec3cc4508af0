#include "recent-int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

/*
 * Recent results in files that only grow: a name once per file, then about
 * 60 bytes for each result. Reading is in segment_read.c.
 *
 * Trouble with the disk here costs no measurement: the results are in memory
 * as well, and only a crash would miss them.
 */

#define OLD (600 * US_PER_S) /* then a new file is begun */
#define LARGE (INT64_C(64) << 20)
#define BUFFER_MOST (1 << 20)
#define BUFFER_ENOUGH (64 * 1024)
#define RETRY (1 * US_PER_S)
#define FUTURE (60 * US_PER_S)
#define HOUR (3600 * US_PER_S)

struct file {
	uint64_t n;
	int64_t bytes;
	wall_us newest; /* begin of its newest result */
	mono_us ended;
};

/* Under which number a target with its interval is known in this file. */
struct known {
	const struct target *target;
	dur_us every;
	uint32_t id;
};

struct segments {
	const char *dir;
	const struct crc *crc;
	struct syncer *syncer;
	const struct clock *clock;
	int fd; /* -1: none yet */
	struct file now;
	mono_us begun;
	int64_t base_s;
	bool dirty; /* written, not yet given to the syncer */
	bool fresh; /* nor ever before */
	struct buf out;
	unsigned n_out; /* results in it */
	struct known *known; /* open addressing; size a power of two */
	size_t n_known, cap_known;
	struct file *old;
	size_t n_old, cap_old;
	mono_us retry; /* not before, after a failure */
	bool failing;
	uint64_t unsaved;
	struct log_damp damp;
};

struct segments *
segments_new(const char *dir, const struct crc *crc, struct syncer *syncer,
    const struct clock *clock, uint64_t next)
{
	struct segments *segments = mem_new(sizeof(*segments));

	segments->dir = dir;
	segments->crc = crc;
	segments->syncer = syncer;
	segments->clock = clock;
	segments->fd = -1;
	segments->now.n = next;
	segments->cap_known = 64;
	segments->known =
	    mem_array(segments->cap_known, sizeof(*segments->known));
	buf_init(&segments->out, BUFFER_MOST);
	return segments;
}

/* ---- files ---- */

static void
sync_file(struct segments *segments, bool and_close)
{
	syncer_data(segments->syncer,
	    (struct syncer_job){.fd = segments->fd,
		.fresh = segments->fresh,
		.and_close = and_close});
	segments->dirty = false;
	segments->fresh = false;
}

static void
forget_names(struct segments *segments)
{
	memset(
	    segments->known, 0, segments->cap_known * sizeof(*segments->known));
	segments->n_known = 0;
}

static void
keep_old(struct segments *segments, const struct file *file)
{
	if (segments->n_old == segments->cap_old) {
		segments->cap_old =
		    segments->cap_old > 0 ? 2 * segments->cap_old : 16;
		segments->old = mem_grow(
		    segments->old, segments->cap_old, sizeof(*segments->old));
	}
	segments->old[segments->n_old++] = *file;
}

static void
end_file(struct segments *segments)
{
	sync_file(segments, true);
	segments->fd = -1;
	segments->now.ended = clock_mono(segments->clock);
	keep_old(segments, &segments->now);
	segments->now.n++;
	forget_names(segments);
}

/* What is in the buffer stays in memory only; the file ends before it, so that
 * what follows is not hidden behind half a record. */
static void
fail(struct segments *segments, int problem)
{
	unsigned suppressed;

	segments->unsaved += segments->n_out;
	segments->n_out = 0;
	buf_reset(&segments->out);
	segments->retry = clock_mono(segments->clock) + RETRY;
	segments->failing = true;
	if (segments->fd >= 0) {
		/* if this fails as well, reading ends there */
		if (ftruncate(segments->fd, (off_t)segments->now.bytes) != 0)
			log_debug("segment not cut", "");
		end_file(segments);
	}
	forget_names(segments);
	if (log_damp(&segments->damp, clock_mono(segments->clock), &suppressed))
		log_warn("recent results not kept",
		    "dir=%s problem=\"%s\" unsaved=%llu "
		    "effect=\"a crash now would lose them\"",
		    segments->dir, strerror(-problem),
		    (unsigned long long)segments->unsaved);
}

static bool
begin_file(struct segments *segments)
{
	struct segment_head head = {.magic = SEGMENT_MAGIC};
	char path[PATH_MAX];
	int rc = room_check(segments->dir);

	if (rc != 0) {
		fail(segments, rc);
		return false;
	}
	numbered_path(
	    path, sizeof(path), segments->dir, SEGMENT_PREFIX, segments->now.n);
	segments->fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
	if (segments->fd < 0) {
		/* a name that is taken is not tried again */
		if (errno == EEXIST)
			segments->now.n++;
		fail(segments, -errno);
		return false;
	}
	segments->base_s = clock_wall(segments->clock) / US_PER_S;
	segments->begun = clock_mono(segments->clock);
	segments->fresh = true;
	segments->now.bytes = 0;
	segments->now.newest = INT64_MIN;
	head.base_s = segments->base_s;
	record_add(
	    segments->crc, &segments->out, SEGMENT_HEAD, &head, sizeof(head));
	return true;
}

void
segments_flush(struct segments *segments)
{
	int rc;

	if (segments->out.len == 0 || segments->fd < 0)
		return;
	rc = room_check(segments->dir);
	if (rc == 0)
		rc = write_all(
		    segments->fd, segments->out.data, segments->out.len);
	if (rc != 0) {
		fail(segments, rc);
		return;
	}
	segments->now.bytes += (int64_t)segments->out.len;
	segments->n_out = 0;
	segments->dirty = true;
	buf_reset(&segments->out);
	if (!segments->failing)
		return;
	segments->failing = false;
	if (log_damp_heal(&segments->damp))
		log_info("recent results are kept again", "unsaved=%llu",
		    (unsigned long long)segments->unsaved);
}

void
segments_free(struct segments *segments)
{
	if (segments == NULL)
		return;
	segments_flush(segments);
	if (segments->fd >= 0)
		sync_file(segments, true);
	buf_fini(&segments->out);
	free(segments->known);
	free(segments->old);
	free(segments);
}

/* ---- names ---- */

static struct known *
slot_of(const struct segments *segments, const struct target *target)
{
	size_t mask = segments->cap_known - 1;
	size_t at =
	    ((uintptr_t)target >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32;

	while (segments->known[at & mask].target != NULL &&
	    segments->known[at & mask].target != target)
		at++;
	return &segments->known[at & mask];
}

static void
grow_names(struct segments *segments)
{
	struct known *old = segments->known;
	size_t i, n = segments->cap_known;

	segments->cap_known *= 2;
	segments->known =
	    mem_array(segments->cap_known, sizeof(*segments->known));
	for (i = 0; i < n; i++) {
		if (old[i].target != NULL)
			*slot_of(segments, old[i].target) = old[i];
	}
	free(old);
}

static void
add_name(struct segments *segments, const struct known *known)
{
	struct buf *out = &segments->out;
	size_t at = record_begin(out);

	buf_add(out, &known->every, sizeof(known->every));
	buf_add(out, &known->id, sizeof(known->id));
	buf_add(
	    out, known->target->operator, strlen(known->target->operator) + 1);
	buf_add(out, known->target->deployment,
	    strlen(known->target->deployment) + 1);
	buf_add(out, known->target->transaction,
	    strlen(known->target->transaction) + 1);
	record_end(segments->crc, out, at, SEGMENT_NAME);
}

/* Another interval is another number: what follows is under the new one. */
static uint32_t
number_of(struct segments *segments, const struct gather_result *result)
{
	struct known *known = slot_of(segments, result->target);

	if (known->target != NULL && known->every == result->every)
		return known->id;
	if (2 * segments->n_known >= segments->cap_known) {
		grow_names(segments);
		known = slot_of(segments, result->target);
	}
	known->target = result->target;
	known->every = result->every;
	known->id = (uint32_t)segments->n_known++;
	add_name(segments, known);
	return known->id;
}

/* ---- results ---- */

static int32_t
offset_of(const struct segments *segments, int64_t end_s)
{
	if (end_s <= 0)
		return end_s < 0 ? SEGMENT_NOWHERE_YET : SEGMENT_NOWHERE;
	return (int32_t)(end_s - segments->base_s);
}

static uint32_t
length_of(dur_us length)
{
	if (length < 0)
		return 0;
	return length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
}

void
segments_add(struct segments *segments, const struct gather_result *result,
    const struct gather_mark *mark)
{
	struct segment_result body = {0};
	int p;

	if (segments->fd < 0 &&
	    ((segments->failing &&
		 clock_mono(segments->clock) < segments->retry) ||
		!begin_file(segments))) {
		segments->unsaved++;
		return;
	}
	body.started = result->started;
	body.id = number_of(segments, result);
	body.end_s = offset_of(segments, mark->end_s);
	body.all_end_s = offset_of(segments, mark->all_end_s);
	body.latency = length_of(result->latency);
	for (p = 0; p < PHASE_COUNT; p++)
		body.phase[p] = length_of(result->phases.us[p]);
	body.verdict = (uint8_t)result->verdict;
	record_add(
	    segments->crc, &segments->out, SEGMENT_RESULT, &body, sizeof(body));
	segments->n_out++;
	if (segments->now.newest < result->started)
		segments->now.newest = result->started;
	if (segments->out.len >= BUFFER_ENOUGH)
		segments_flush(segments);
}

void
segments_rotate(struct segments *segments)
{
	segments_flush(segments);
	if (segments->fd >= 0)
		end_file(segments);
}

void
segments_adopt(
    struct segments *segments, uint64_t n, int64_t bytes, wall_us newest)
{
	struct file file = {
	    .n = n,
	    .bytes = bytes,
	    .newest = newest,
	    .ended = clock_mono(segments->clock),
	};

	keep_old(segments, &file);
}

static void
remove_file(const struct segments *segments, const struct file *file)
{
	char path[PATH_MAX];

	numbered_path(
	    path, sizeof(path), segments->dir, SEGMENT_PREFIX, file->n);
	if (unlink(path) != 0 && errno != ENOENT)
		log_warn("old results not removed", "path=%s problem=\"%s\"",
		    path, strerror(errno));
}

void
segments_drop(struct segments *segments, wall_us oldest)
{
	mono_us mono = clock_mono(segments->clock);
	wall_us now = clock_wall(segments->clock);
	size_t i, kept = 0;

	for (i = 0; i < segments->n_old; i++) {
		const struct file *file = &segments->old[i];
		bool strange = file->newest > now + FUTURE;

		if (strange ? mono - file->ended < HOUR
			    : file->newest >= oldest) {
			segments->old[kept++] = *file;
			continue;
		}
		remove_file(segments, file);
	}
	segments->n_old = kept;
}

/* Only when nothing could be written for long. */
static void
limit(struct segments *segments)
{
	int64_t bytes = segments->now.bytes;
	size_t i;

	for (i = 0; i < segments->n_old; i++)
		bytes += segments->old[i].bytes;
	if (bytes <= SEGMENTS_MOST || segments->n_old == 0)
		return;
	log_warn("oldest results given up",
	    "dir=%s reason=\"over %lld MB of results are not in RRD files\"",
	    segments->dir, (long long)(SEGMENTS_MOST >> 20));
	remove_file(segments, &segments->old[0]);
	segments->n_old--;
	memmove(segments->old, segments->old + 1,
	    segments->n_old * sizeof(*segments->old));
}

void
segments_tick(struct segments *segments)
{
	segments_flush(segments);
	limit(segments);
	if (segments->fd < 0)
		return;
	if (segments->now.bytes >= LARGE ||
	    clock_mono(segments->clock) - segments->begun >= OLD) {
		end_file(segments);
	} else if (segments->dirty) {
		sync_file(segments, false);
	}
}

uint64_t
segments_unsaved(const struct segments *segments)
{
	return segments->unsaved;
}
