#include "series-int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * Whether a file may be handed to librrd, which maps it and believes every
 * number in its header: damaged counts end in SIGSEGV or SIGFPE. Everything
 * that librrd uses as a count, an index or a divisor is checked here against
 * our own layout and against the size of the file. Nothing is changed.
 *
 * Offsets of format 0003 to 0005 on this machine (rrd_format.h, rrdtool 1.7):
 *   0     cookie, version, float cookie, ds, rra, step      128 bytes
 *   128   per source: name[20], type[20], heartbeat …       120
 *         per archive: cf[20], rows, steps per row, xff …   120
 *         last update, its microseconds                      16
 *         per source: last text[30], unknown, value …       112
 *         per archive and source: value, unknown rows …      80
 *         per archive: current row                            8
 */
#define HEAD_BYTES 128
#define SOURCE_BYTES 120
#define ARCHIVE_BYTES 120
#define LIVE_BYTES 16
#define PDP_BYTES 112
#define CDP_BYTES 80

#define FLOAT_COOKIE 8.642135E130
#define MAX_ROWS (UINT64_C(1) << 26)
#define MAX_PDP (UINT64_C(1) << 26)
#define MAX_STEP (UINT64_C(31) * 86400)
#define MIN_TIME INT64_C(315360000) /* 1979; librrd wants a later start */
#define MAX_TIME INT64_C(4102444800) /* 2100 */

struct check {
	unsigned char *bytes;
	size_t n;
	size_t at;
	char *why;
	size_t why_size;
	int64_t last_s;
};

static enum check_verdict damaged(
    const struct check *check, const char *format, ...) PRINTF_LIKE(2, 3);

static enum check_verdict
damaged(const struct check *check, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(check->why, check->why_size, format, ap);
	va_end(ap);
	return CHECK_DAMAGED;
}

static uint64_t
word(const struct check *check, size_t offset)
{
	uint64_t value;

	memcpy(&value, check->bytes + check->at + offset, sizeof(value));
	return value;
}

static double
real(const struct check *check, size_t offset)
{
	double value;

	memcpy(&value, check->bytes + check->at + offset, sizeof(value));
	return value;
}

/* A field of `size` bytes holds exactly `text` and its NUL. */
static bool
says(const struct check *check, size_t offset, size_t size, const char *text)
{
	const char *field = (const char *)check->bytes + check->at + offset;

	return strnlen(field, size) < size && strcmp(field, text) == 0;
}

/* Reads on until `size` bytes are there or the file ends; false on error. */
static bool
read_all(struct check *check, int fd, size_t size)
{
	while (check->n < size) {
		ssize_t got = pread(fd, check->bytes + check->n,
		    size - check->n, (off_t)check->n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			snprintf(check->why, check->why_size, "read: %s",
			    strerror(errno));
			return false;
		}
		if (got == 0)
			break;
		check->n += (size_t)got;
	}
	return true;
}

static enum check_verdict
check_head(struct check *check, struct plan *found)
{
	uint64_t sources, archives, step;

	if (memcmp(check->bytes, "RRD\0", 4) != 0)
		return damaged(check, "it does not begin with RRD");
	if (!says(check, 4, 5, "0003") && !says(check, 4, 5, "0004") &&
	    !says(check, 4, 5, "0005"))
		return damaged(check, "unknown version of the format");
	if (real(check, 16) != FLOAT_COOKIE)
		return damaged(check, "written on another kind of machine");
	sources = word(check, 24);
	archives = word(check, 32);
	step = word(check, 40);
	if (sources != plan_source_count(found->kind))
		return damaged(check, "%llu data sources instead of %zu",
		    (unsigned long long)sources,
		    plan_source_count(found->kind));
	if (archives == 0 || archives > ARRAY_LEN(found->archives))
		return damaged(
		    check, "%llu archives", (unsigned long long)archives);
	if (step == 0 || step > MAX_STEP)
		return damaged(
		    check, "a step of %llu s", (unsigned long long)step);
	found->n_sources = sources;
	found->n_archives = archives;
	found->step_s = (int64_t)step;
	check->at = HEAD_BYTES;
	return CHECK_GOOD;
}

static enum check_verdict
check_sources(struct check *check, const struct plan *found)
{
	char name[PLAN_NAME_SIZE];
	size_t i;

	for (i = 0; i < found->n_sources; i++) {
		plan_source_name(found->kind, i, name);
		if (!says(check, 0, 20, name) ||
		    !says(check, 20, 20, plan_source_type(found->kind, i)))
			return damaged(
			    check, "data source %zu is not %s", i, name);
		if (word(check, 40) !=
		    (uint64_t)plan_heartbeat_s(found->kind, i, found->step_s))
			return damaged(check, "heartbeat of %s", name);
		check->at += SOURCE_BYTES;
	}
	return CHECK_GOOD;
}

static bool
has_archive(const struct plan *plan, const char *cf)
{
	size_t i;

	for (i = 0; i < plan->n_archives; i++) {
		if (strcmp(plan->archives[i].cf, cf) == 0)
			return true;
	}
	return false;
}

static enum check_verdict
check_archives(struct check *check, struct plan *found)
{
	size_t i;

	for (i = 0; i < found->n_archives; i++) {
		struct plan_archive *archive = &found->archives[i];
		double xff = real(check, 40);

		if (says(check, 0, 20, "AVERAGE"))
			memcpy(archive->cf, "AVERAGE", 8);
		else if (says(check, 0, 20, "MIN"))
			memcpy(archive->cf, "MIN", 4);
		else if (says(check, 0, 20, "MAX"))
			memcpy(archive->cf, "MAX", 4);
		else
			return damaged(
			    check, "consolidation of archive %zu", i);
		archive->rows = word(check, 24);
		archive->pdp_per_row = word(check, 32);
		if (archive->rows == 0 || archive->rows > MAX_ROWS ||
		    archive->pdp_per_row == 0 || archive->pdp_per_row > MAX_PDP)
			return damaged(check, "row counts of archive %zu", i);
		if (!(xff >= 0 && xff < 1))
			return damaged(check, "xff of archive %zu", i);
		check->at += ARCHIVE_BYTES;
	}
	if (!has_archive(found, "AVERAGE") ||
	    (found->kind == SERIES_PHASES && !has_archive(found, "MAX")))
		return damaged(check, "an archive that is read is missing");
	return CHECK_GOOD;
}

static enum check_verdict
check_live(struct check *check, const struct plan *found)
{
	int64_t last_s = (int64_t)word(check, 0);
	size_t i, s;

	if (last_s < MIN_TIME || last_s > MAX_TIME ||
	    word(check, 8) >= (uint64_t)US_PER_S)
		return damaged(check, "time of the last update");
	check->last_s = last_s;
	check->at += LIVE_BYTES;
	for (i = 0; i < found->n_sources; i++) {
		if (memchr(check->bytes + check->at, '\0', 30) == NULL)
			return damaged(check, "last value of source %zu", i);
		if (word(check, 32) > (uint64_t)found->step_s)
			return damaged(check, "unknown time of source %zu", i);
		check->at += PDP_BYTES;
	}
	for (i = 0; i < found->n_archives; i++) {
		for (s = 0; s < found->n_sources; s++) {
			if (word(check, 8) > found->archives[i].pdp_per_row)
				return damaged(
				    check, "unknown rows of archive %zu", i);
			check->at += CDP_BYTES;
		}
	}
	for (i = 0; i < found->n_archives; i++) {
		if (word(check, 0) >= found->archives[i].rows)
			return damaged(check, "current row of archive %zu", i);
		check->at += 8;
	}
	return CHECK_GOOD;
}

/* Reads the head, then as much of the header as the head speaks of. */
static enum check_verdict
check_header(
    struct check *check, int fd, struct plan *found, int64_t file_bytes)
{
	enum check_verdict verdict;
	size_t want = HEAD_BYTES;

	check->bytes = mem_new(want);
	if (!read_all(check, fd, want))
		return CHECK_ERROR;
	if (check->n < want)
		return damaged(check, "only %lld bytes", (long long)file_bytes);
	verdict = check_head(check, found);
	if (verdict != CHECK_GOOD)
		return verdict;
	want = (size_t)plan_header_bytes(found->n_sources, found->n_archives);
	check->bytes = mem_grow(check->bytes, want, 1);
	if (!read_all(check, fd, want))
		return CHECK_ERROR;
	if (check->n < want)
		return damaged(check,
		    "it ends inside its header, after %lld bytes",
		    (long long)file_bytes);
	verdict = check_sources(check, found);
	if (verdict == CHECK_GOOD)
		verdict = check_archives(check, found);
	if (verdict == CHECK_GOOD && plan_bytes(found) != file_bytes)
		return damaged(check, "%lld bytes instead of %lld",
		    (long long)file_bytes, (long long)plan_bytes(found));
	if (verdict == CHECK_GOOD)
		verdict = check_live(check, found);
	return verdict;
}

enum check_verdict
check_file(const char *path, enum series_kind kind, struct plan *found,
    int64_t *last_s, char *why, size_t why_size)
{
	struct check check = {.why = why, .why_size = why_size};
	enum check_verdict verdict = CHECK_ERROR;
	struct stat st;
	int fd;

	memset(found, 0, sizeof(*found));
	found->kind = kind;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		snprintf(why, why_size, "open: %s", strerror(errno));
		return errno == ENOENT || errno == ENOTDIR ? CHECK_MISSING
							   : CHECK_ERROR;
	}
	if (fstat(fd, &st) != 0) {
		snprintf(why, why_size, "stat: %s", strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		snprintf(why, why_size, "it is not a plain file");
		verdict = CHECK_DAMAGED;
	} else {
		verdict = check_header(&check, fd, found, st.st_size);
		*last_s = check.last_s;
	}
	free(check.bytes);
	close(fd);
	return verdict;
}
