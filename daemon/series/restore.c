#include "recent-int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

/*
 * Giving files the copies of the undo journal back.
 *
 * Any copy since the last checkpoint will do, as all results since that
 * checkpoint are replayed: which one is a question of how much is believed.
 * After a kill everything that was written is there, and only the slice that
 * was being written when it happened is in doubt. After a power cut a file may
 * hold any mixture of what was written since the checkpoint, so its first copy
 * is taken.
 */

#define PART 256 /* records in one step */

struct copy {
	struct copy *next;
	struct undo_file file;
	char *name;
	unsigned char *packed;
	size_t len;
};

struct restore {
	const char *dir, *rrd_dir;
	const struct crc *crc;
	const uint64_t *list;
	size_t n, at; /* journals, and the one being read */
	bool power_cut;
	struct record_reader reader;
	bool reading;
	struct copy *slice; /* kill: copies of the slice that is read */
	struct copy **seen; /* power cut: names that have their copy, chains */
	size_t n_seen, cap_seen;
	struct series_key *places;
	size_t n_places, cap_places;
	size_t count;
};

static bool
is_of_this_boot(const struct restore *restore, uint64_t n, const char *boot)
{
	struct record_reader reader;
	struct record record;
	struct undo_head head;
	char path[PATH_MAX];
	bool same = false;

	numbered_path(path, sizeof(path), restore->dir, UNDO_PREFIX, n);
	if (record_open(&reader, restore->crc, path) != 0)
		return false;
	if (record_next(&reader, &record) && record.kind == UNDO_HEAD &&
	    record.len == sizeof(head)) {
		memcpy(&head, record.body, sizeof(head));
		same = boot[0] != '\0' &&
		    memcmp(head.boot, boot, UNDO_BOOT_SIZE) == 0;
	} else {
		/* killed before it held anything: nothing was written */
		same = reader.problem == 0 && reader.offset == 0;
	}
	record_close(&reader);
	return same;
}

struct restore *
restore_new(const char *dir, const char *rrd_dir, const struct crc *crc,
    const char *boot, const uint64_t *list, size_t n)
{
	struct restore *restore = mem_new(sizeof(*restore));
	size_t i;

	restore->dir = dir;
	restore->rrd_dir = rrd_dir;
	restore->crc = crc;
	restore->list = list;
	restore->n = n;
	for (i = 0; i < n; i++) {
		if (!is_of_this_boot(restore, list[i], boot))
			restore->power_cut = true;
	}
	restore->cap_seen = 1024;
	restore->seen = mem_array(restore->cap_seen, sizeof(struct copy *));
	return restore;
}

static void
free_copies(struct copy *copy)
{
	while (copy != NULL) {
		struct copy *next = copy->next;

		free(copy->name);
		free(copy->packed);
		free(copy);
		copy = next;
	}
}

void
restore_free(struct restore *restore)
{
	size_t i;

	if (restore == NULL)
		return;
	if (restore->reading)
		record_close(&restore->reader);
	free_copies(restore->slice);
	for (i = 0; i < restore->cap_seen; i++)
		free_copies(restore->seen[i]);
	free(restore->seen);
	free(restore->places);
	free(restore);
}

/* ---- one file ---- */

/* "OPERATOR/DEPLOYMENT/TRANSACTION" and the suffix of its kind. */
static bool
parse_name(const char *name, enum series_kind kind, struct series_key *key)
{
	const char *suffix = kind == SERIES_HIST ? ".hist.rrd" : ".rrd";
	const char *first = strchr(name, '/');
	const char *second = first != NULL ? strchr(first + 1, '/') : NULL;
	size_t len = strlen(name), tail = strlen(suffix);
	size_t a, b, c;

	if (second == NULL || len < tail ||
	    strcmp(name + len - tail, suffix) != 0)
		return false;
	a = (size_t)(first - name);
	b = (size_t)(second - first - 1);
	c = len - tail - a - b - 2;
	if (a >= MODEL_NAME_SIZE || b >= MODEL_NAME_SIZE ||
	    c >= MODEL_NAME_SIZE)
		return false;
	memset(key, 0, sizeof(*key));
	memcpy(key->operator, name, a);
	memcpy(key->deployment, first + 1, b);
	memcpy(key->transaction, second + 1, c);
	return text_name_valid(key->operator) &&
	    (strcmp(key->deployment, SERIES_ALL) == 0 ||
		text_name_valid(key->deployment)) &&
	    text_name_valid(key->transaction);
}

static void
add_place(struct restore *restore, const struct series_key *key)
{
	const struct series_key *last = restore->n_places > 0
	    ? &restore->places[restore->n_places - 1]
	    : NULL;

	/* the two files of a place stand side by side */
	if (last != NULL && strcmp(last->transaction, key->transaction) == 0 &&
	    strcmp(last->deployment, key->deployment) == 0 &&
	    strcmp(last->operator, key->operator) == 0)
		return;
	if (restore->n_places == restore->cap_places) {
		restore->cap_places =
		    restore->cap_places > 0 ? 2 * restore->cap_places : 256;
		restore->places = mem_grow(restore->places, restore->cap_places,
		    sizeof(*restore->places));
	}
	restore->places[restore->n_places++] = *key;
}

static bool
pwrite_all(int fd, const unsigned char *bytes, size_t n, int64_t at)
{
	while (n > 0) {
		ssize_t put = pwrite(fd, bytes, n, (off_t)at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		bytes += put;
		n -= (size_t)put;
		at += put;
	}
	return true;
}

/* Puts the live part back if the file is the one that it was taken of; *step_s
 * is that of the file. */
static bool
put_back(const struct restore *restore, const struct copy *copy, int fd,
    int64_t *step_s)
{
	enum series_kind kind = (enum series_kind)copy->file.kind;
	unsigned char *header = mem_new(undo_most(kind));
	uint32_t layout, at, len;
	bool well = false;
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size != copy->file.size ||
	    st.st_ino != copy->file.inode)
		goto out;
	got = pread(fd, header, undo_most(kind), 0);
	if (got <= 0 ||
	    !undo_live(
		restore->crc, header, (size_t)got, kind, &layout, &at, &len) ||
	    layout != copy->file.layout || at != copy->file.at ||
	    len != copy->file.len)
		goto out;
	memcpy(step_s, header + 40, sizeof(*step_s));
	well = undo_unpack(header, len, copy->packed, copy->len) &&
	    pwrite_all(fd, header, len, at);
out:
	free(header);
	return well;
}

static void
restore_file(struct restore *restore, const struct copy *copy)
{
	char path[PATH_MAX], aside[PATH_MAX + 16];
	struct series_key key;
	bool well;
	int fd;

	if (copy->file.kind > SERIES_HIST ||
	    !parse_name(copy->name, (enum series_kind)copy->file.kind, &key))
		return;
	snprintf(path, sizeof(path), "%s/%s", restore->rrd_dir, copy->name);
	if (copy->file.size == 0) {
		/* begun by the slice in doubt: it is begun again */
		if (unlink(path) == 0)
			restore->count++;
		return;
	}
	if (copy->file.len == 0)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	well = put_back(restore, copy, fd, &key.step_s);
	close(fd);
	if (well) {
		restore->count++;
		add_place(restore, &key);
		return;
	}
	/* another one stands in its place, which was begun since */
	snprintf(aside, sizeof(aside), "%s.unfinished", path);
	if (rename(path, aside) == 0)
		restore->count++;
	log_warn("series file not restored",
	    "path=%s to=%s reason=\"it is not the file that was copied\"", path,
	    aside);
}

/* ---- the journals ---- */

static struct copy *
copy_of(const struct record *record)
{
	struct copy *copy;
	const unsigned char *name, *end;
	size_t rest;

	if (record->len <= sizeof(copy->file))
		return NULL;
	name = record->body + sizeof(copy->file);
	rest = record->len - sizeof(copy->file);
	end = memchr(name, '\0', rest);
	if (end == NULL)
		return NULL;
	copy = mem_new(sizeof(*copy));
	memcpy(&copy->file, record->body, sizeof(copy->file));
	copy->name = mem_strdup((const char *)name);
	copy->len = rest - (size_t)(end + 1 - name);
	copy->packed = mem_new(copy->len + 1);
	memcpy(copy->packed, end + 1, copy->len);
	return copy;
}

static bool
seen(const struct restore *restore, const char *name)
{
	const struct copy *copy =
	    restore->seen[crypto_hash64(name) & (restore->cap_seen - 1)];

	while (copy != NULL && strcmp(copy->name, name) != 0)
		copy = copy->next;
	return copy != NULL;
}

static void
add_seen(struct restore *restore, struct copy *copy)
{
	struct copy **chain;

	if (restore->n_seen++ == restore->cap_seen) {
		struct copy **old = restore->seen;
		size_t i, n = restore->cap_seen;

		restore->cap_seen *= 4;
		restore->seen =
		    mem_array(restore->cap_seen, sizeof(struct copy *));
		restore->n_seen = 1;
		for (i = 0; i < n; i++) {
			while (old[i] != NULL) {
				struct copy *next = old[i]->next;

				add_seen(restore, old[i]);
				old[i] = next;
			}
		}
		free(old);
	}
	chain =
	    &restore->seen[crypto_hash64(copy->name) & (restore->cap_seen - 1)];
	copy->next = *chain;
	*chain = copy;
}

/* After a power cut: the first copy of each file. */
static void
take_first(struct restore *restore, struct copy *copy)
{
	if (seen(restore, copy->name)) {
		free_copies(copy);
		return;
	}
	restore_file(restore, copy);
	free(copy->packed);
	copy->packed = NULL;
	add_seen(restore, copy);
}

static void
take(struct restore *restore, const struct record *record)
{
	struct copy *copy;

	if (record->kind == UNDO_END) {
		free_copies(restore->slice);
		restore->slice = NULL;
		return;
	}
	if (record->kind != UNDO_FILE)
		return;
	copy = copy_of(record);
	if (copy == NULL)
		return;
	if (restore->power_cut) {
		take_first(restore, copy);
		return;
	}
	copy->next = restore->slice;
	restore->slice = copy;
}

/* What is left of a journal is of a slice that did not end. */
static void
end_journal(struct restore *restore)
{
	const struct copy *copy;

	record_close(&restore->reader);
	restore->reading = false;
	for (copy = restore->slice; copy != NULL; copy = copy->next)
		restore_file(restore, copy);
	free_copies(restore->slice);
	restore->slice = NULL;
	restore->at++;
}

bool
restore_step(struct restore *restore)
{
	struct record record;
	char path[PATH_MAX];
	int i;

	if (restore->at == restore->n)
		return false;
	if (!restore->reading) {
		numbered_path(path, sizeof(path), restore->dir, UNDO_PREFIX,
		    restore->list[restore->at]);
		if (record_open(&restore->reader, restore->crc, path) != 0) {
			log_warn("undo journal not readable",
			    "path=%s problem=\"%s\"", path, strerror(errno));
			restore->at++;
			return restore->at < restore->n;
		}
		restore->reading = true;
	}
	for (i = 0; i < PART; i++) {
		if (!record_next(&restore->reader, &record)) {
			end_journal(restore);
			break;
		}
		take(restore, &record);
	}
	return restore->at < restore->n;
}

bool
restore_power_cut(const struct restore *restore)
{
	return restore->power_cut;
}

size_t
restore_count(const struct restore *restore)
{
	return restore->count;
}

size_t
restore_places(const struct restore *restore)
{
	return restore->n_places;
}

const struct series_key *
restore_place(const struct restore *restore, size_t i)
{
	return &restore->places[i];
}
