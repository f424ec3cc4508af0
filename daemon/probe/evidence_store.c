/*
 * The loop decides which runs are worth a file, from what it last gave; the
 * lane writes them onto the shelf.
 */
#include "probe/evidence_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/evidence.h"
#include "shelf-int.h"

#define TARGETS_MOST 16 /* transactions of a journey; more are not kept */

/* What was last given of a target, in the loop's own time. */
struct given {
	mono_us failed_at, good_at; /* 0: never */
	enum reason reason; /* of the last one that counted */
	bool any;
};

struct evidence_store {
	char *dir;
	struct lane *lane;
	const struct clock *clock;
	struct shelf *shelf;
	atomic_ullong skipped, failed;
	/* the loop's */
	struct given *given; /* by the id of the target */
	size_t n_given;
	mono_us second; /* in which `in_second` were given */
	unsigned in_second;
	/* the lane's */
	struct log_damp damp;
};

/* ---- writing; on the lane ---- */

struct offer {
	char run[TRACE_ID_SIZE];
	wall_us at;
	size_t n;
	struct {
		char target[MODEL_PATH_SIZE];
		enum reason reason;
	} of[TARGETS_MOST];
	size_t len;
	char json[];
};

/* Of the operator and the deployment. */
static int
make_folders(const struct evidence_store *store, const char *target)
{
	const char *slash = strchr(target, '/');
	int rc = 0;

	for (; slash != NULL && rc == 0; slash = strchr(slash + 1, '/')) {
		char *path = mem_printf(
		    "%s/%.*s", store->dir, (int)(slash - target), target);

		if (mkdir(path, 0750) != 0 && errno != EEXIST)
			rc = -errno;
		free(path);
	}
	return rc;
}

static int
write_file(const char *path, const struct buf *text)
{
	char *unfinished = mem_printf("%s" SHELF_UNFINISHED, path);
	int fd = open(unfinished,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	int rc = 0;

	if (file == NULL) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
	} else {
		if (fwrite(text->data, 1, text->len, file) != text->len)
			rc = -errno;
		if (fclose(file) != 0 && rc == 0)
			rc = -errno;
	}
	if (rc == 0 && rename(unfinished, path) != 0)
		rc = -errno;
	if (rc != 0)
		unlink(unfinished);
	free(unfinished);
	return rc;
}

static void
keep(struct evidence_store *store, const char *target, enum reason reason,
    const struct offer *offer, const struct buf *text)
{
	char path[PATH_MAX];
	unsigned suppressed;
	int rc = text->full ? -EFBIG : make_folders(store, target);

	if (rc == 0) {
		shelf_room(store->shelf, text->len);
		shelf_path(store->shelf, target, reason, offer->run, path);
		rc = write_file(path, text);
	}
	if (rc == 0) {
		shelf_put(store->shelf, target, reason, offer->run, offer->at,
		    text->len);
		return;
	}
	atomic_fetch_add(&store->failed, 1);
	if (log_damp(&store->damp, clock_mono(store->clock), &suppressed))
		log_warn("evidence not kept",
		    "target=%s problem=\"%s\" suppressed=%u", target,
		    strerror(-rc), suppressed);
}

static void
do_keep(void *ctx, const void *payload, size_t size)
{
	struct evidence_store *store = ctx;
	const struct offer *offer = payload;
	struct jv *run = jv_parse(offer->json, offer->len, NULL, 0);
	struct jv *har = evidence_har(run);
	struct buf text;

	(void)size;
	buf_init(&text, EVIDENCE_FILE_MOST);
	(void)jv_dump(har, &text); /* what does not fit is full */
	for (size_t i = 0; i < offer->n; i++)
		keep(store, offer->of[i].target, offer->of[i].reason, offer,
		    &text);
	buf_fini(&text);
	jv_release(har);
	jv_release(run);
}

static void
do_look(void *ctx, const void *payload, size_t size)
{
	struct evidence_store *store = ctx;

	(void)payload;
	(void)size;
	if (mkdir(store->dir, 0750) != 0 && errno != EEXIST)
		log_warn("evidence not kept", "path=%s problem=\"%s\"",
		    store->dir, strerror(errno));
	shelf_look(store->shelf);
}

/* ---- choosing; on the loop ---- */

static struct given *
given_of(struct evidence_store *store, uint32_t id)
{
	if (id >= store->n_given) {
		size_t n = 2 * (size_t)id + 64;

		store->given = mem_grow(store->given, n, sizeof(*store->given));
		memset(store->given + store->n_given, 0,
		    (n - store->n_given) * sizeof(*store->given));
		store->n_given = n;
	}
	return &store->given[id];
}

static bool
is_wanted(struct given *given, enum reason reason, mono_us now)
{
	bool good = reason == REASON_OK;
	bool other = !given->any || given->reason != reason;
	mono_us last = good ? given->good_at : given->failed_at;

	given->any = true;
	given->reason = reason;
	return other || last == 0 ||
	    now - last >= (good ? EVIDENCE_GOOD_EVERY : EVIDENCE_FAILED_EVERY);
}

static bool
may_give(struct evidence_store *store, mono_us now)
{
	if (now / US_PER_S != store->second) {
		store->second = now / US_PER_S;
		store->in_second = 0;
	}
	return store->in_second++ < EVIDENCE_PER_SECOND;
}

static bool
give(struct evidence_store *store, const struct offer *head, const char *json)
{
	size_t size = sizeof(*head) + head->len;
	struct offer *offer = mem_new(size);
	bool well;

	*offer = *head;
	memcpy(offer->json, json, head->len);
	well = lane_call_later(store->lane, do_keep, store, offer, size) >= 0;
	free(offer);
	return well;
}

void
evidence_store_offer(struct evidence_store *store, const struct run *run,
    const char *json, size_t len)
{
	mono_us now = clock_mono(store->clock);
	struct offer head = {.at = run->started_wall, .len = len};
	uint32_t ids[TARGETS_MOST];
	bool given;

	for (size_t i = 0; i < run->n_results && head.n < TARGETS_MOST; i++) {
		const struct result *result = &run->results[i];

		if (reason_verdict(result->reason) == VERDICT_EXCLUDED ||
		    !is_wanted(given_of(store, result->target->id),
			result->reason, now))
			continue;
		text_copy(head.of[head.n].target, sizeof(head.of[0].target),
		    result->target->path);
		head.of[head.n].reason = result->reason;
		ids[head.n++] = result->target->id;
	}
	if (head.n == 0)
		return;
	text_copy(head.run, sizeof(head.run), run->id);
	given = may_give(store, now) && give(store, &head, json);
	if (!given)
		atomic_fetch_add(&store->skipped, 1);
	for (size_t i = 0; i < head.n; i++) {
		struct given *one = &store->given[ids[i]];

		if (!given)
			one->any = false; /* then the next one */
		else if (head.of[i].reason == REASON_OK)
			one->good_at = now;
		else
			one->failed_at = now;
	}
}

/* ---- reading; any thread ---- */

struct jv *
evidence_store_list(
    struct evidence_store *store, const char *target, size_t most)
{
	return shelf_list(store->shelf, target, most);
}

int
evidence_store_read(
    struct evidence_store *store, const char *run, struct buf *out)
{
	return shelf_read(store->shelf, run, out);
}

void
evidence_store_stats(struct evidence_store *store, struct evidence_stats *stats)
{
	shelf_stats(store->shelf, stats);
	stats->skipped = atomic_load(&store->skipped);
	stats->failed = atomic_load(&store->failed);
}

/* ---- life ---- */

void
evidence_store_limit(struct evidence_store *store, uint64_t bytes_most)
{
	shelf_limit(store->shelf, bytes_most);
}

struct evidence_store *
evidence_store_new(const char *dir, uint64_t bytes_most, struct lane *lane,
    const struct clock *clock)
{
	struct evidence_store *store = mem_new(sizeof(*store));

	store->dir = mem_strdup(dir);
	store->lane = lane;
	store->clock = clock;
	store->shelf = shelf_new(dir, bytes_most);
	if (lane_call(lane, do_look, store, NULL, 0) < 0)
		log_warn("evidence of before not found", "path=%s", dir);
	return store;
}

void
evidence_store_free(struct evidence_store *store)
{
	if (store == NULL)
		return;
	shelf_free(store->shelf);
	free(store->given);
	free(store->dir);
	free(store);
}
