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

/*
 * The undo journal. An update by librrd changes two things in a file: the live
 * part of its header (time of the last update, what is being consolidated, the
 * row pointers), and rows behind the row pointers, whose old content was to be
 * overwritten anyway. So a copy of the live part is all that replay needs to
 * do the same update again, from the same state, into the same rows.
 *
 * The rule is that of every such journal: the copy is on the disk before the
 * file is touched.
 */

#define HEAD_BYTES 128
#define SOURCE_BYTES 120
#define ARCHIVE_BYTES 120
#define ARCHIVES_MOST (3 * PLAN_ARCHIVES)
#define WORDS 64
#define BUFFER_MOST (64 << 20)
#define HEAD_RECORD (RECORD_HEAD + (int64_t)sizeof(struct undo_head))

struct old {
	uint64_t n;
	int64_t bytes;
};

struct undo {
	const char *dir;
	const char *rrd_dir;
	const struct crc *crc;
	char boot[UNDO_BOOT_SIZE];
	int fd; /* -1: none yet */
	uint64_t n;
	int64_t bytes; /* of the present file, whole records */
	struct buf out;
	bool paused;
	bool first; /* one of the copies in it is the first since then */
	uint64_t epoch; /* from 1, one more with each checkpoint begun */
	unsigned char *header; /* of the file that is copied */
	struct old *old;
	size_t n_old, cap_old;
	size_t n_keep; /* of them, older than the last undo_rotate */
};

/* ---- the live part ---- */

size_t
undo_most(enum series_kind kind)
{
	return (size_t)plan_header_bytes(
	    plan_source_count(kind), ARCHIVES_MOST);
}

bool
undo_live(const struct crc *crc, const unsigned char *bytes, size_t n,
    enum series_kind kind, uint32_t *layout, uint32_t *at, uint32_t *len)
{
	uint64_t sources, archives;
	size_t definitions;

	if (n < HEAD_BYTES || memcmp(bytes, "RRD", 4) != 0)
		return false;
	memcpy(&sources, bytes + 24, sizeof(sources));
	memcpy(&archives, bytes + 32, sizeof(archives));
	if (sources != plan_source_count(kind) || archives == 0 ||
	    archives > ARCHIVES_MOST)
		return false;
	definitions = HEAD_BYTES + SOURCE_BYTES * sources;
	*at = (uint32_t)(definitions + ARCHIVE_BYTES * archives);
	*len = (uint32_t)plan_header_bytes(sources, archives) - *at;
	if (n < *at + *len)
		return false;
	*layout = crc_of(crc, 0, bytes, HEAD_BYTES);
	*layout =
	    crc_of(crc, *layout, bytes + definitions, ARCHIVE_BYTES * archives);
	return true;
}

void
undo_pack(struct buf *out, const unsigned char *bytes, size_t n)
{
	uint64_t word[1 + WORDS];
	size_t i, k, used;

	for (i = 0; i < n; i += 8 * WORDS) {
		used = 1;
		word[0] = 0;
		for (k = 0; k < WORDS && i + 8 * k < n; k++) {
			memcpy(&word[used], bytes + i + 8 * k, 8);
			if (word[used] == 0)
				continue;
			word[0] |= UINT64_C(1) << k;
			used++;
		}
		buf_add(out, word, 8 * used);
	}
}

bool
undo_unpack(
    unsigned char *out, size_t n, const unsigned char *packed, size_t len)
{
	size_t i, k;

	memset(out, 0, n);
	for (i = 0; i < n; i += 8 * WORDS) {
		uint64_t mask;

		if (len < 8)
			return false;
		memcpy(&mask, packed, 8);
		packed += 8;
		len -= 8;
		for (k = 0; k < WORDS; k++) {
			if ((mask >> k & 1) == 0)
				continue;
			if (len < 8 || i + 8 * k + 8 > n)
				return false;
			memcpy(out + i + 8 * k, packed, 8);
			packed += 8;
			len -= 8;
		}
	}
	return len == 0;
}

/* ---- the journal ---- */

struct undo *
undo_new(const char *dir, const char *rrd_dir, const struct crc *crc,
    const char *boot, uint64_t next)
{
	struct undo *undo = mem_new(sizeof(*undo));

	undo->dir = dir;
	undo->rrd_dir = rrd_dir;
	undo->crc = crc;
	memcpy(undo->boot, boot, sizeof(undo->boot));
	undo->fd = -1;
	undo->n = next;
	undo->epoch = 1;
	undo->header = mem_new(undo_most(SERIES_HIST));
	buf_init(&undo->out, BUFFER_MOST);
	return undo;
}

void
undo_free(struct undo *undo)
{
	if (undo == NULL)
		return;
	if (undo->fd >= 0)
		close(undo->fd);
	buf_fini(&undo->out);
	free(undo->header);
	free(undo->old);
	free(undo);
}

/* Reads on until `want` bytes of the file's begin are there, or it ends. */
static size_t
read_on(const struct undo *undo, int fd, size_t n, size_t want)
{
	while (n < want) {
		ssize_t got = pread(fd, undo->header + n, want - n, (off_t)n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

/* First the head, which says how long the header is. */
static size_t
read_header(const struct undo *undo, int fd, enum series_kind kind)
{
	uint64_t sources = plan_source_count(kind), archives;
	size_t n = read_on(undo, fd, 0, HEAD_BYTES);

	if (n < HEAD_BYTES)
		return n;
	memcpy(&archives, undo->header + 32, sizeof(archives));
	if (archives > ARCHIVES_MOST)
		return n;
	return read_on(
	    undo, fd, n, (size_t)plan_header_bytes(sources, archives));
}

void
undo_copy(
    struct undo *undo, const char *name, enum series_kind kind, uint64_t *epoch)
{
	struct undo_file body = {.kind = kind};
	char path[PATH_MAX];
	struct stat st;
	size_t at;
	int fd;

	if (undo->paused)
		return;
	snprintf(path, sizeof(path), "%s/%s", undo->rrd_dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		size_t n = read_header(undo, fd, kind);

		body.size = (uint64_t)st.st_size;
		body.inode = st.st_ino;
		if (!undo_live(undo->crc, undo->header, n, kind, &body.layout,
			&body.at, &body.len))
			body.len = 0;
	}
	/* what is there and cannot be read is not ours to remove */
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		body.size = 1;
	if (fd >= 0)
		close(fd);
	at = record_begin(&undo->out);
	buf_add(&undo->out, &body, sizeof(body));
	buf_add(&undo->out, name, strlen(name) + 1);
	undo_pack(&undo->out, undo->header + body.at, body.len);
	record_end(undo->crc, &undo->out, at, UNDO_FILE);
	if (*epoch != undo->epoch)
		undo->first = true;
	*epoch = undo->epoch;
}

static int
begin_file(struct undo *undo)
{
	struct undo_head head = {.magic = UNDO_MAGIC};
	char path[PATH_MAX];
	struct buf first;
	int rc;

	numbered_path(path, sizeof(path), undo->dir, UNDO_PREFIX, undo->n);
	undo->fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
	if (undo->fd < 0) {
		rc = -errno;
		if (rc == -EEXIST)
			undo->n++;
		return rc;
	}
	undo->bytes = 0;
	memcpy(head.boot, undo->boot, sizeof(head.boot));
	buf_init(&first, 1024);
	record_add(undo->crc, &first, UNDO_HEAD, &head, sizeof(head));
	rc = write_all(undo->fd, first.data, first.len);
	if (rc == 0)
		undo->bytes = (int64_t)first.len;
	buf_fini(&first);
	return rc;
}

/* The name of a new file has to outlive a power cut too. */
static int
write_slice(struct undo *undo)
{
	bool fresh = undo->fd < 0;
	int rc;

	if (undo->out.full)
		return -ENOMEM;
	if (undo_bytes(undo) + (int64_t)undo->out.len > UNDO_MOST)
		return -EAGAIN;
	rc = room_check(undo->dir);
	if (rc == 0 && fresh)
		rc = begin_file(undo);
	if (rc == 0)
		rc = write_all(undo->fd, undo->out.data, undo->out.len);
	if (rc == 0 && undo->first && fdatasync(undo->fd) != 0)
		rc = -errno;
	if (rc == 0 && fresh)
		rc = sync_folder(undo->dir);
	return rc;
}

void
undo_adopt(struct undo *undo, uint64_t n, int64_t bytes)
{
	if (undo->n_old == undo->cap_old) {
		undo->cap_old = undo->cap_old > 0 ? 2 * undo->cap_old : 16;
		undo->old =
		    mem_grow(undo->old, undo->cap_old, sizeof(*undo->old));
	}
	undo->old[undo->n_old].n = n;
	undo->old[undo->n_old++].bytes = bytes;
}

static void
remove_file(const struct undo *undo, uint64_t n)
{
	char path[PATH_MAX];

	numbered_path(path, sizeof(path), undo->dir, UNDO_PREFIX, n);
	if (unlink(path) != 0 && errno != ENOENT)
		log_warn("undo journal not removed", "path=%s problem=\"%s\"",
		    path, strerror(errno));
}

/* One without a copy is nothing to keep: on a disk that takes none, each slice
 * would leave another. */
static void
end_file(struct undo *undo)
{
	if (undo->fd < 0)
		return;
	close(undo->fd);
	undo->fd = -1;
	if (undo->bytes <= HEAD_RECORD)
		remove_file(undo, undo->n);
	else
		undo_adopt(undo, undo->n, undo->bytes);
	undo->n++;
}

int
undo_arm(struct undo *undo, char *problem, size_t size)
{
	int rc;

	if (undo->paused)
		return 0;
	rc = write_slice(undo);
	if (rc == 0) {
		undo->bytes += (int64_t)undo->out.len;
	} else {
		snprintf(problem, size, "undo journal in %s: %s", undo->dir,
		    rc == -EAGAIN ? "the disk lags behind" : strerror(-rc));
		/* nothing may come behind half a record */
		if (undo->fd >= 0) {
			if (ftruncate(undo->fd, (off_t)undo->bytes) != 0)
				log_debug("undo journal not cut", "");
			end_file(undo);
		}
		/* the callers believe that their copies are there */
		undo->epoch++;
	}
	undo->first = false;
	buf_reset(&undo->out);
	return rc;
}

void
undo_done(struct undo *undo)
{
	struct buf end;

	if (undo->paused)
		return;
	buf_init(&end, 64);
	record_add(undo->crc, &end, UNDO_END, NULL, 0);
	/* without it a crash restores what need not be: no harm */
	if (undo->fd >= 0 && write_all(undo->fd, end.data, end.len) == 0)
		undo->bytes += (int64_t)end.len;
	else
		end_file(undo);
	buf_fini(&end);
}

void
undo_pause(struct undo *undo, bool paused)
{
	undo->paused = paused;
}

/* ---- checkpoints ---- */

void
undo_rotate(struct undo *undo)
{
	end_file(undo);
	undo->n_keep = undo->n_old;
	undo->epoch++;
}

void
undo_drop(struct undo *undo)
{
	size_t i, kept = 0;

	for (i = 0; i < undo->n_old; i++) {
		if (i >= undo->n_keep)
			undo->old[kept++] = undo->old[i];
		else
			remove_file(undo, undo->old[i].n);
	}
	undo->n_old = kept;
	undo->n_keep = 0;
}

int64_t
undo_bytes(const struct undo *undo)
{
	int64_t bytes = undo->fd >= 0 ? undo->bytes : 0;
	size_t i;

	for (i = 0; i < undo->n_old; i++)
		bytes += undo->old[i].bytes;
	return bytes;
}

bool
undo_empty(const struct undo *undo)
{
	return undo->fd < 0 && undo->n_old == 0;
}
