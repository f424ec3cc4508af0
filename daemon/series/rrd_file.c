#include "recent-int.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

/*
 * The RRD back end, writing: where the files are, whether they are ours, and
 * one update for several steps. Reading is in rrd_read.c.
 */

#define KIND_COUNT (SERIES_HIST + 1)

/* One key's two files; the key is that of whom we remember it for. `known` says
 * that last_s is right and that the file has passed the check since we opened
 * or since its last error. */
struct place {
	const struct series_key *key;
	struct {
		bool known;
		int64_t last_s;
		uint64_t copied; /* see undo_copy */
	} file[KIND_COUNT];
};

static void
place_path(const struct files *files, const struct series_key *key,
    enum series_kind kind, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s/%s/%s%s", files->dir, key->operator,
	    key->deployment, key->transaction,
	    kind == SERIES_HIST ? ".hist.rrd" : ".rrd");
}

/* Renames to PATH.LABEL-STAMP, which is given back in `aside`. */
static int
move_aside(struct files *files, const char *path, const char *label,
    char aside[PATH_MAX])
{
	time_t at_s = (time_t)(files->now / US_PER_S);
	char stamp[32];
	struct stat st;
	struct tm tm;
	unsigned i;

	gmtime_r(&at_s, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &tm);
	for (i = 1; i < 100; i++) {
		char more[8] = "";
		int n;

		if (i > 1)
			snprintf(more, sizeof(more), "-%u", i);
		n = snprintf(
		    aside, PATH_MAX, "%s.%s-%s%s", path, label, stamp, more);
		if (n < 0 || n >= PATH_MAX)
			return -ENAMETOOLONG;
		if (lstat(aside, &st) != 0)
			break;
	}
	if (rename(path, aside) != 0)
		return -errno;
	files->quarantined++;
	return 0;
}

int
files_set_aside(
    struct files *files, const char *path, const char *label, const char *why)
{
	char aside[PATH_MAX];
	int rc = move_aside(files, path, label, aside);

	if (rc == 0)
		log_warn("series file moved aside",
		    "path=%s to=%s reason=\"%s\"", path, aside, why);
	return rc;
}

static int
make_folders(const struct files *files, const struct series_key *key)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", files->dir, key->operator);
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/%s/%s", files->dir, key->operator,
	    key->deployment);
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/*
 * A new file begins where its coarsest row begins, so that no row of it is
 * half unknown and then scaled up: counts are true from the first row on.
 */
static int
create(struct files *files, struct place *place, const struct plan *plan,
    const char *path, int64_t end_s, char *problem, size_t size)
{
	int64_t coarsest_s = plan_coarsest_s(plan);
	int64_t start_s = end_s - plan->step_s;
	int rc = make_folders(files, place->key);

	if (rc != 0) {
		snprintf(problem, size, "make the folder of %s: %s", path,
		    strerror(-rc));
		return rc;
	}
	start_s -= start_s % coarsest_s;
	rc = call_create(path, plan, start_s, problem, size);
	if (rc != 0)
		return rc;
	place->file[plan->kind].known = true;
	place->file[plan->kind].last_s = start_s;
	return 0;
}

/* After this the file exists, is ours, has the wanted layout. */
static int
make_ready(struct files *files, struct place *place, enum series_kind kind,
    const char *path, int64_t end_s, char *problem, size_t size)
{
	struct plan want, found;
	char why[160] = "";
	int64_t last_s = 0;
	int rc = 0;

	files_plan(files, place->key, kind, &want);
	switch (check_file(path, kind, &found, &last_s, why, sizeof(why))) {
	case CHECK_GOOD:
		if (plan_equal(&want, &found)) {
			place->file[kind].known = true;
			place->file[kind].last_s = last_s;
			return 0;
		}
		rc = files_set_aside(files, path, "old",
		    "the interval or the retention plan has changed");
		break;
	case CHECK_DAMAGED:
		rc = files_set_aside(files, path, "damaged", why);
		break;
	case CHECK_MISSING:
		break;
	case CHECK_ERROR:
		snprintf(problem, size, "%s: %s", path, why);
		return -EIO;
	}
	if (rc != 0) {
		snprintf(
		    problem, size, "move %s aside: %s", path, strerror(-rc));
		return rc;
	}
	return create(files, place, &want, path, end_s, problem, size);
}

/*
 * One call of librrd for all steps. When a pause lies before a step, an empty
 * update closes it first: a count is spread evenly over the time since the
 * update before, and would else be smeared over the pause.
 */
static int
update(struct place *place, enum series_kind kind, const char *path,
    const struct series_step *steps, size_t n, char *problem, size_t size)
{
	static const struct series_step empty;
	struct rows rows;
	int64_t last_s = place->file[kind].last_s;
	size_t i;
	int rc;

	rows_clear(&rows);
	for (i = 0; i < n; i++) {
		int64_t begin_s = steps[i].end_s - place->key->step_s;

		if (steps[i].end_s <= last_s)
			continue;
		if (begin_s > last_s)
			rows_add(&rows, kind, begin_s, &empty);
		rows_add(&rows, kind, steps[i].end_s, &steps[i]);
		last_s = steps[i].end_s;
	}
	if (rows.n == 0)
		return 0;
	rc = call_update(path, rows.values, rows.n, problem, size);
	if (rc == 0)
		place->file[kind].last_s = last_s;
	else if (rc != -EAGAIN)
		place->file[kind].known = false;
	return rc;
}

static int
write_kind(struct files *files, struct place *place, enum series_kind kind,
    const struct series_step *steps, size_t n, char *problem, size_t size)
{
	char path[PATH_MAX];
	size_t i, part;
	int rc;

	place_path(files, place->key, kind, path);
	for (i = 0; i < n; i += part) {
		if (!place->file[kind].known) {
			rc = make_ready(files, place, kind, path,
			    steps[i].end_s, problem, size);
			if (rc != 0)
				return rc;
		}
		part = n - i < ROWS_STEPS ? n - i : ROWS_STEPS;
		rc = update(place, kind, path, steps + i, part, problem, size);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* A kill between begin and end may leave any of the files half updated. */
static int
files_begin(void *backend, void *const *places, size_t n, char *problem,
    size_t problem_size)
{
	struct files *files = backend;
	size_t below = strlen(files->dir) + 1;
	size_t i;
	int kind;

	if (files->undo == NULL)
		return 0;
	for (i = 0; i < n; i++) {
		struct place *place = places[i];

		for (kind = 0; kind < KIND_COUNT; kind++) {
			char path[PATH_MAX];

			place_path(
			    files, place->key, (enum series_kind)kind, path);
			undo_copy(files->undo, path + below,
			    (enum series_kind)kind, &place->file[kind].copied);
		}
	}
	return undo_arm(files->undo, problem, problem_size);
}

static void
files_end(void *backend)
{
	struct files *files = backend;

	if (files->undo != NULL)
		undo_done(files->undo);
}

static int
files_write(void *backend, void *at, const struct series_step *steps, size_t n,
    char *problem, size_t problem_size)
{
	int rc = write_kind(
	    backend, at, SERIES_PHASES, steps, n, problem, problem_size);

	if (rc != 0)
		return rc;
	return write_kind(
	    backend, at, SERIES_HIST, steps, n, problem, problem_size);
}

/* An operator-wide file goes on with the step that it was begun with: a
 * deployment with a shorter interval is no reason to lose its past. */
static void
keep_step(struct files *files, const char *path, enum series_kind kind,
    struct series_key *key)
{
	struct series_key begun = *key;
	struct plan found, want;
	char why[160];
	int64_t last_s;

	if (check_file(path, kind, &found, &last_s, why, sizeof(why)) !=
	    CHECK_GOOD)
		return;
	begun.step_s = found.step_s;
	files_plan(files, &begun, kind, &want);
	if (plan_equal(&want, &found))
		key->step_s = found.step_s;
}

static void *
files_place(void *backend, struct series_key *key, int64_t *last_s)
{
	struct files *files = backend;
	struct place *place = mem_new(sizeof(*place));
	char path[PATH_MAX], why[160];
	struct plan want, found;
	int kind;

	*last_s = 0;
	if (strcmp(key->deployment, SERIES_ALL) == 0) {
		place_path(files, key, SERIES_HIST, path);
		keep_step(files, path, SERIES_HIST, key);
	}
	place->key = key;
	for (kind = 0; kind < KIND_COUNT; kind++) {
		int64_t at_s = 0;

		place_path(files, key, (enum series_kind)kind, path);
		if (check_file(path, (enum series_kind)kind, &found, &at_s, why,
			sizeof(why)) != CHECK_GOOD)
			continue;
		files_plan(files, key, (enum series_kind)kind, &want);
		if (!plan_equal(&want, &found))
			continue;
		place->file[kind].known = true;
		place->file[kind].last_s = at_s;
		if (*last_s < at_s)
			*last_s = at_s;
	}
	return place;
}

static void
files_unplace(void *backend, void *place)
{
	(void)backend;
	free(place);
}

static void
files_now(void *backend, wall_us now)
{
	struct files *files = backend;

	files->now = now;
}

/* There is no state of before; what ends in the future is kept for those who
 * want to look. */
static int
files_turn_back(void *backend, void *at, int64_t *last_s, char *problem,
    size_t problem_size)
{
	struct files *files = backend;
	struct place *place = at;
	int kind;

	for (kind = 0; kind < KIND_COUNT; kind++) {
		char path[PATH_MAX], aside[PATH_MAX];
		int rc;

		place_path(files, place->key, (enum series_kind)kind, path);
		place->file[kind].known = false;
		rc = move_aside(files, path, "ahead", aside);
		/* thousands at once: the caller says how many, once */
		if (rc == 0)
			log_debug("series file ends in the future",
			    "path=%s to=%s", path, aside);
		if (rc != 0 && rc != -ENOENT) {
			snprintf(problem, problem_size, "move %s aside: %s",
			    path, strerror(-rc));
			return rc;
		}
	}
	*last_s = 0;
	return 0;
}

static uint64_t
files_quarantined(void *backend)
{
	return ((struct files *)backend)->quarantined;
}

static void
files_free(void *backend)
{
	struct files *files = backend;

	files_plans_free(files);
	free(files->dir);
	free(files);
}

/* librrd creates through NAME.rrdXXXXXX; a kill leaves that behind. */
static bool
is_left_over(const char *name)
{
	const char *tail = strstr(name, ".rrd");
	size_t i;

	if (tail == NULL || strlen(tail) != 10)
		return false;
	for (i = 4; i < 10; i++) {
		char c = tail[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z')))
			return false;
	}
	return true;
}

static int
sweep_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	if (type == FTW_F && is_left_over(path + ftw->base) &&
	    unlink(path) == 0)
		log_info("left-over file removed", "path=%s", path);
	return 0;
}

void
series_files_sweep(const char *dir)
{
	if (nftw(dir, sweep_one, 8, FTW_PHYS) != 0)
		log_warn("left-over files not looked for",
		    "dir=%s problem=\"%s\"", dir, strerror(errno));
}

static int
make_path(const char *dir)
{
	char path[PATH_MAX];
	char *slash;

	if (!text_copy(path, sizeof(path), dir))
		return -ENAMETOOLONG;
	for (slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0750) != 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static const struct series_backend_ops files_ops = {
    .place = files_place,
    .unplace = files_unplace,
    .turn_back = files_turn_back,
    .begin = files_begin,
    .end = files_end,
    .write = files_write,
    .ask = files_ask,
    .now = files_now,
    .quarantined = files_quarantined,
    .free = files_free,
};

int
series_files_open(struct series_backend *backend,
    const struct series_options *options, struct undo *undo)
{
	struct files *files;
	int rc;

	/* three names, ".hist.rrd", ".damaged-…" and a number must fit */
	if (strlen(options->dir) + 256 > PATH_MAX)
		return -ENAMETOOLONG;
	rc = make_path(options->dir);
	if (rc != 0)
		return rc;
	/* some calls of librrd would talk to a daemon named there */
	unsetenv("RRDCACHED_ADDRESS");
	/* else it is a part of the recovery, and needed only then */
	if (undo == NULL)
		series_files_sweep(options->dir);
	files = mem_new(sizeof(*files));
	files->dir = mem_strdup(options->dir);
	files_plans_take(files, options);
	files->now = clock_wall(options->clock);
	files->undo = undo;
	backend->ops = &files_ops;
	backend->self = files;
	return 0;
}
