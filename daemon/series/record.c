#include "recent-int.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

/*
 * Records one after another in a file: four bytes of length and kind, four of
 * checksum, the body. Whatever cut or damaged a file, what is read from it is
 * the records before the damage, each of them whole. Numbers are in the byte
 * order of this machine, as in RRD files.
 */

#define POLYNOMIAL 0x82f63b78u /* CRC-32C (Castagnoli), reversed */
#define CHUNK (256 * 1024)
#define LENGTH_BITS 24

/* ---- the checksum, eight bytes at a time (Kounavis and Berry, 2005) ---- */

void
crc_init(struct crc *crc)
{
	uint32_t i, k, value;

	for (i = 0; i < 256; i++) {
		value = i;
		for (k = 0; k < 8; k++)
			value = (value >> 1) ^ ((value & 1) * POLYNOMIAL);
		crc->table[0][i] = value;
	}
	for (i = 0; i < 256; i++) {
		value = crc->table[0][i];
		for (k = 1; k < 8; k++) {
			value = (value >> 8) ^ crc->table[0][value & 0xff];
			crc->table[k][i] = value;
		}
	}
}

uint32_t
crc_of(const struct crc *crc, uint32_t before, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;
	uint32_t value = ~before;

	for (; n >= 8; n -= 8, at += 8) {
		uint32_t low, high;

		memcpy(&low, at, 4);
		memcpy(&high, at + 4, 4);
		low ^= value;
		value = crc->table[7][low & 0xff] ^
		    crc->table[6][(low >> 8) & 0xff] ^
		    crc->table[5][(low >> 16) & 0xff] ^
		    crc->table[4][low >> 24] ^ crc->table[3][high & 0xff] ^
		    crc->table[2][(high >> 8) & 0xff] ^
		    crc->table[1][(high >> 16) & 0xff] ^
		    crc->table[0][high >> 24];
	}
	for (; n > 0; n--, at++)
		value = (value >> 8) ^ crc->table[0][(value ^ *at) & 0xff];
	return ~value;
}

/* ---- writing ---- */

size_t
record_begin(struct buf *buf)
{
	static const char head[RECORD_HEAD];
	size_t at = buf->len;

	buf_add(buf, head, sizeof(head));
	return at;
}

void
record_end(const struct crc *crc, struct buf *buf, size_t at, uint8_t kind)
{
	uint32_t head, sum;
	size_t len;

	if (buf->full)
		return;
	len = buf->len - at - RECORD_HEAD;
	assert(len <= RECORD_MOST);
	head = (uint32_t)len | (uint32_t)kind << LENGTH_BITS;
	memcpy(buf->data + at, &head, sizeof(head));
	sum = crc_of(crc, 0, &head, sizeof(head));
	sum = crc_of(crc, sum, buf->data + at + RECORD_HEAD, len);
	memcpy(buf->data + at + 4, &sum, sizeof(sum));
}

void
record_add(const struct crc *crc, struct buf *buf, uint8_t kind,
    const void *body, size_t len)
{
	size_t at = record_begin(buf);

	buf_add(buf, body, len);
	record_end(crc, buf, at, kind);
}

int
write_all(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n > 0) {
		ssize_t put = write(fd, at, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		if (put == 0)
			return -EIO;
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

int
sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* ---- reading ---- */

int
record_open(
    struct record_reader *reader, const struct crc *crc, const char *path)
{
	memset(reader, 0, sizeof(*reader));
	reader->crc = crc;
	reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (reader->fd < 0)
		return -errno;
	reader->cap = RECORD_HEAD + RECORD_MOST + CHUNK;
	reader->bytes = mem_new(reader->cap);
	return 0;
}

void
record_close(struct record_reader *reader)
{
	if (reader->bytes == NULL)
		return;
	close(reader->fd);
	free(reader->bytes);
	reader->bytes = NULL;
}

/* So that `n` bytes stand at the reader's place; false when the file ends or
 * cannot be read before. */
static bool
fill(struct record_reader *reader, size_t n)
{
	if (reader->n - reader->at >= n)
		return true;
	memmove(
	    reader->bytes, reader->bytes + reader->at, reader->n - reader->at);
	reader->n -= reader->at;
	reader->at = 0;
	while (reader->n < n) {
		ssize_t got = read(reader->fd, reader->bytes + reader->n,
		    reader->cap - reader->n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			reader->problem = -errno;
		if (got <= 0)
			return false;
		reader->n += (size_t)got;
	}
	return true;
}

bool
record_next(struct record_reader *reader, struct record *record)
{
	uint32_t head, sum, have;
	size_t len;

	if (!fill(reader, RECORD_HEAD)) {
		reader->damaged = reader->n > reader->at;
		return false;
	}
	memcpy(&head, reader->bytes + reader->at, 4);
	memcpy(&sum, reader->bytes + reader->at + 4, 4);
	len = head & ((1u << LENGTH_BITS) - 1);
	reader->damaged = true;
	if (len > RECORD_MOST || !fill(reader, RECORD_HEAD + len))
		return false;
	record->kind = (uint8_t)(head >> LENGTH_BITS);
	record->body = reader->bytes + reader->at + RECORD_HEAD;
	record->len = len;
	have = crc_of(reader->crc, 0, &head, 4);
	have = crc_of(reader->crc, have, record->body, len);
	if (have != sum)
		return false;
	reader->damaged = false;
	reader->at += RECORD_HEAD + len;
	reader->offset += (int64_t)(RECORD_HEAD + len);
	return true;
}

/* ---- a folder of numbered files ---- */

static int
ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void
numbered_path(
    char *path, size_t size, const char *dir, const char *prefix, uint64_t n)
{
	snprintf(path, size, "%s/%s-%llu", dir, prefix, (unsigned long long)n);
}

int
numbered_list(const char *dir, const char *prefix, uint64_t **list, size_t *n)
{
	size_t len = strlen(prefix), cap = 0;
	struct dirent *entry;
	DIR *folder = opendir(dir);

	*list = NULL;
	*n = 0;
	if (folder == NULL)
		return -errno;
	for (entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		uint64_t number;

		if (strncmp(entry->d_name, prefix, len) != 0 ||
		    entry->d_name[len] != '-' ||
		    text_u64_parse(entry->d_name + len + 1, &number) != 0)
			continue;
		if (*n == cap) {
			cap = cap > 0 ? 2 * cap : 16;
			*list = mem_grow(*list, cap, sizeof(**list));
		}
		(*list)[(*n)++] = number;
	}
	closedir(folder);
	if (*n > 0)
		qsort(*list, *n, sizeof(**list), ascending);
	return 0;
}
