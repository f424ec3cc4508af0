#include "shelf-int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/index.h"
#include "base/mem.h"
#include "base/text.h"

#define NAME_PARTS 4 /* TRANSACTION.REASON.RUN.har */

/* One that is kept, or was and will be again: it stays where it is. */
struct kept {
	TAILQ_ENTRY(kept) by_age; /* when bytes > 0 */
	char place[MODEL_PATH_SIZE + 8]; /* "librus/main/login good" */
	char run[TRACE_ID_SIZE];
	enum reason reason;
	wall_us at;
	uint64_t bytes; /* 0: there is no file */
};

TAILQ_HEAD(kept_list, kept);

struct shelf {
	char *dir;
	pthread_mutex_t lock; /* all below */
	uint64_t bytes_most;
	struct kept **kept;
	size_t n_kept, cap_kept;
	struct name_index index; /* of the places */
	struct kept_list good, failed; /* oldest first */
	uint64_t files, bytes;
};

/* ---- under the lock ---- */

static const char *
kind_of(enum reason reason)
{
	return reason == REASON_OK ? "good" : "failed";
}

static struct kept_list *
list_of(struct shelf *shelf, enum reason reason)
{
	return reason == REASON_OK ? &shelf->good : &shelf->failed;
}

static struct kept *
entry_of(struct shelf *shelf, const char *target, enum reason reason)
{
	struct kept *entry;
	char place[sizeof(entry->place)];
	size_t at = shelf->n_kept;

	snprintf(place, sizeof(place), "%s %s", target, kind_of(reason));
	if (index_find(&shelf->index, place, &at))
		return shelf->kept[at];
	if (shelf->n_kept == shelf->cap_kept) {
		shelf->cap_kept =
		    shelf->cap_kept > 0 ? 2 * shelf->cap_kept : 64;
		shelf->kept = mem_grow(
		    shelf->kept, shelf->cap_kept, sizeof(struct kept *));
	}
	entry = mem_new(sizeof(*entry));
	text_copy(entry->place, sizeof(entry->place), place);
	shelf->kept[at] = entry;
	index_add(&shelf->index, entry->place, &at);
	shelf->n_kept++;
	return entry;
}

static void
path_of(
    const struct shelf *shelf, const struct kept *entry, char path[PATH_MAX])
{
	char target[sizeof(entry->place)];

	snprintf(target, sizeof(target), "%.*s",
	    (int)strcspn(entry->place, " "), entry->place);
	shelf_path(shelf, target, entry->reason, entry->run, path);
}

static void
drop(struct shelf *shelf, struct kept *entry)
{
	char path[PATH_MAX];

	if (entry->bytes == 0)
		return;
	path_of(shelf, entry, path);
	unlink(path);
	TAILQ_REMOVE(list_of(shelf, entry->reason), entry, by_age);
	shelf->files--;
	shelf->bytes -= entry->bytes;
	entry->bytes = 0;
}

/* `entry` has no file. What was found at start comes in any order. */
static void
add(struct shelf *shelf, struct kept *entry, const char *run,
    enum reason reason, wall_us at, uint64_t bytes)
{
	struct kept_list *list = list_of(shelf, reason);
	struct kept *before = TAILQ_LAST(list, kept_list);

	text_copy(entry->run, sizeof(entry->run), run);
	entry->reason = reason;
	entry->at = at;
	entry->bytes = bytes;
	while (before != NULL && before->at > at)
		before = TAILQ_PREV(before, kept_list, by_age);
	if (before != NULL)
		TAILQ_INSERT_AFTER(list, before, entry, by_age);
	else
		TAILQ_INSERT_HEAD(list, entry, by_age);
	shelf->files++;
	shelf->bytes += bytes;
}

static void
make_room(struct shelf *shelf, uint64_t bytes)
{
	while (shelf->bytes + bytes > shelf->bytes_most) {
		struct kept *oldest = TAILQ_FIRST(&shelf->good);

		if (oldest == NULL)
			oldest = TAILQ_FIRST(&shelf->failed);
		if (oldest == NULL)
			return;
		drop(shelf, oldest);
	}
}

/* ---- what is there at start ---- */

struct found {
	struct kept kept;
	char target[MODEL_PATH_SIZE];
};

struct finds {
	struct found *list;
	size_t n, cap;
};

/* Splits "login.ok.0123….har"; false when it is none of ours. */
static bool
parse_name(char *name, char *parts[NAME_PARTS], enum reason *reason)
{
	for (size_t i = 0; i < NAME_PARTS; i++) {
		parts[i] = name;
		name = strchr(name, '.');
		if ((name == NULL) != (i == NAME_PARTS - 1))
			return false;
		if (name != NULL)
			*name++ = '\0';
	}
	return text_name_valid(parts[0]) && reason_parse(parts[1], reason) &&
	    strlen(parts[2]) == TRACE_ID_SIZE - 1 &&
	    strcmp(parts[3], &SHELF_SUFFIX[1]) == 0;
}

/* A file in the folder of the deployment `below`, "librus/main". */
static void
find_file(struct finds *finds, int folder, const char *below, const char *name,
    const struct stat *st)
{
	size_t len = strlen(name), tail = strlen(SHELF_UNFINISHED);
	char copy[NAME_MAX + 1];
	char *parts[NAME_PARTS];
	struct found *found;

	if (st->st_size == 0 ||
	    (len > tail && strcmp(name + len - tail, SHELF_UNFINISHED) == 0)) {
		/* a kill or a power cut */
		unlinkat(folder, name, 0);
		return;
	}
	if (finds->n == finds->cap) {
		finds->cap = finds->cap > 0 ? 2 * finds->cap : 64;
		finds->list =
		    mem_grow(finds->list, finds->cap, sizeof(*finds->list));
	}
	found = &finds->list[finds->n];
	memset(found, 0, sizeof(*found));
	text_copy(copy, sizeof(copy), name);
	if (!parse_name(copy, parts, &found->kept.reason) ||
	    (size_t)snprintf(found->target, sizeof(found->target), "%s/%s",
		below, parts[0]) >= sizeof(found->target))
		return;
	text_copy(found->kept.run, sizeof(found->kept.run), parts[2]);
	found->kept.at =
	    (wall_us)st->st_mtim.tv_sec * US_PER_S + st->st_mtim.tv_nsec / 1000;
	found->kept.bytes = (uint64_t)st->st_size;
	finds->n++;
}

/* Folders of operators, of deployments, and their files. Takes `fd`. */
static void
look_into(struct finds *finds, int fd, const char *below, int depth)
{
	DIR *folder = fdopendir(fd);
	const struct dirent *item;

	if (folder == NULL) {
		close(fd);
		return;
	}
	for (item = readdir(folder); item != NULL; item = readdir(folder)) {
		char path[MODEL_PATH_SIZE];
		struct stat st;

		if (item->d_name[0] == '.' ||
		    fstatat(fd, item->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (depth == 2 && S_ISREG(st.st_mode))
			find_file(finds, fd, below, item->d_name, &st);
		if (depth == 2 || !S_ISDIR(st.st_mode) ||
		    !text_name_valid(item->d_name) ||
		    (size_t)snprintf(path, sizeof(path), "%s%s%s", below,
			depth > 0 ? "/" : "", item->d_name) >= sizeof(path))
			continue;
		look_into(finds,
		    openat(fd, item->d_name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW),
		    path, depth + 1);
	}
	closedir(folder);
}

static int
by_age_rising(const void *a, const void *b)
{
	const struct found *one = a, *other = b;

	return (one->kept.at > other->kept.at) -
	    (one->kept.at < other->kept.at);
}

void
shelf_look(struct shelf *shelf)
{
	struct finds finds = {0};

	look_into(&finds, open(shelf->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	    "", 0);
	if (finds.n > 0)
		qsort(finds.list, finds.n, sizeof(*finds.list), by_age_rising);
	/* A kill may have left an older one beside it: the newest stays. */
	for (size_t i = 0; i < finds.n; i++)
		shelf_put(shelf, finds.list[i].target,
		    finds.list[i].kept.reason, finds.list[i].kept.run,
		    finds.list[i].kept.at, finds.list[i].kept.bytes);
	free(finds.list);
	shelf_room(shelf, 0);
}

/* ---- writing ---- */

void
shelf_path(const struct shelf *shelf, const char *target, enum reason reason,
    const char *run, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s.%s.%s" SHELF_SUFFIX, shelf->dir, target,
	    reason_name(reason), run);
}

void
shelf_room(struct shelf *shelf, uint64_t bytes)
{
	pthread_mutex_lock(&shelf->lock);
	make_room(shelf, bytes);
	pthread_mutex_unlock(&shelf->lock);
}

void
shelf_put(struct shelf *shelf, const char *target, enum reason reason,
    const char *run, wall_us at, uint64_t bytes)
{
	struct kept *entry;

	pthread_mutex_lock(&shelf->lock);
	entry = entry_of(shelf, target, reason);
	drop(shelf, entry);
	add(shelf, entry, run, reason, at, bytes);
	pthread_mutex_unlock(&shelf->lock);
}

void
shelf_limit(struct shelf *shelf, uint64_t bytes_most)
{
	pthread_mutex_lock(&shelf->lock);
	shelf->bytes_most = bytes_most;
	pthread_mutex_unlock(&shelf->lock);
}

/* ---- reading ---- */

/* At or below: "librus/main" holds "librus/main/login good". */
static bool
is_below(const char *place, const char *target)
{
	size_t len = strlen(target);

	return strncmp(place, target, len) == 0 &&
	    (len == 0 || place[len] == '/' || place[len] == ' ');
}

static int
by_age_falling(const void *a, const void *b)
{
	const struct kept *one = a, *other = b;

	return (one->at < other->at) - (one->at > other->at);
}

static struct jv *
describe(const struct kept *entry)
{
	struct jv *item = jv_object();
	char url[80];

	snprintf(url, sizeof(url), "/api/v1/runs/%s/har", entry->run);
	jv_set(item, "target",
	    jv_stringn(entry->place, strcspn(entry->place, " ")));
	jv_set(item, "kind", jv_string(kind_of(entry->reason)));
	jv_set(item, "reason", jv_string(reason_name(entry->reason)));
	jv_set(item, "run", jv_string(entry->run));
	jv_set(item, "time", jv_real((double)entry->at / (double)US_PER_S));
	jv_set(item, "bytes", jv_int((int64_t)entry->bytes));
	jv_set(item, "har_url", jv_string(url));
	return item;
}

struct jv *
shelf_list(struct shelf *shelf, const char *target, size_t most)
{
	struct jv *list = jv_array();
	struct kept *found;
	size_t n = 0;

	pthread_mutex_lock(&shelf->lock);
	found = mem_array(shelf->n_kept + 1, sizeof(*found));
	for (size_t i = 0; i < shelf->n_kept; i++) {
		if (shelf->kept[i]->bytes > 0 &&
		    is_below(shelf->kept[i]->place, target))
			found[n++] = *shelf->kept[i];
	}
	pthread_mutex_unlock(&shelf->lock);
	qsort(found, n, sizeof(*found), by_age_falling);
	for (size_t i = 0; i < n && i < most; i++)
		jv_push(list, describe(&found[i]));
	free(found);
	return list;
}

static int
read_file(const char *path, struct buf *out)
{
	char part[16384];
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;

	if (fd < 0)
		return -errno;
	while ((got = read(fd, part, sizeof(part))) > 0) {
		if (!buf_add(out, part, (size_t)got)) {
			rc = -EFBIG;
			break;
		}
	}
	if (got < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int
shelf_read(struct shelf *shelf, const char *run, struct buf *out)
{
	char path[PATH_MAX] = "";

	pthread_mutex_lock(&shelf->lock);
	for (size_t i = 0; i < shelf->n_kept && path[0] == '\0'; i++) {
		if (shelf->kept[i]->bytes > 0 &&
		    strcmp(shelf->kept[i]->run, run) == 0)
			path_of(shelf, shelf->kept[i], path);
	}
	pthread_mutex_unlock(&shelf->lock);
	return path[0] == '\0' ? -ENOENT : read_file(path, out);
}

void
shelf_stats(struct shelf *shelf, struct evidence_stats *stats)
{
	pthread_mutex_lock(&shelf->lock);
	stats->files = shelf->files;
	stats->bytes = shelf->bytes;
	pthread_mutex_unlock(&shelf->lock);
}

/* ---- life ---- */

struct shelf *
shelf_new(const char *dir, uint64_t bytes_most)
{
	struct shelf *shelf = mem_new(sizeof(*shelf));

	shelf->dir = mem_strdup(dir);
	shelf->bytes_most = bytes_most;
	pthread_mutex_init(&shelf->lock, NULL);
	TAILQ_INIT(&shelf->good);
	TAILQ_INIT(&shelf->failed);
	return shelf;
}

void
shelf_free(struct shelf *shelf)
{
	for (size_t i = 0; i < shelf->n_kept; i++)
		free(shelf->kept[i]);
	free(shelf->kept);
	index_fini(&shelf->index);
	pthread_mutex_destroy(&shelf->lock);
	free(shelf->dir);
	free(shelf);
}
