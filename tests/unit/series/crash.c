#include "crash.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"

#define LOST_MOST_NS INT64_C(1000000000)

static const struct series_archive archives[] = {
    {0, FINE_ROWS *STEP_S *US_PER_S},
    {5 * STEP_S * US_PER_S, 60 * 5 * STEP_S *US_PER_S},
    {20 * STEP_S * US_PER_S, 50 * 20 * STEP_S *US_PER_S},
};

/* ---- what is given ---- */

static uint64_t
mix(uint64_t value)
{
	value = (value + 1) * UINT64_C(0x9e3779b97f4a7c15);
	value ^= value >> 29;
	value *= UINT64_C(0xbf58476d1ce4e5b9);
	return value ^ value >> 32;
}

uint64_t
world_roll(struct world *world, uint64_t below)
{
	world->seed = mix(world->seed);
	return world->seed % below;
}

static enum verdict
verdict_of(uint64_t seq)
{
	uint64_t roll = mix(seq) % 20;

	return roll == 0 ? VERDICT_DOWN
	    : roll == 1  ? VERDICT_EXCLUDED
			 : VERDICT_UP;
}

static dur_us
latency_of(uint64_t seq)
{
	return 2000 + (dur_us)(mix(seq ^ 0x5555) % 3000000);
}

/* The boundary of the step that the result goes into. */
static int64_t
end_of(uint64_t seq)
{
	return START_S + ((int64_t)(seq / TARGETS) + 1) * STEP_S;
}

static wall_us
start_of(uint64_t seq)
{
	return (end_of(seq) - STEP_S + 5 + (int64_t)(seq % TARGETS)) * US_PER_S;
}

/* ---- the clock ---- */

static mono_us
fast_mono(const struct clock *clock)
{
	return ((const struct fast_clock *)(const void *)clock)->shared->now;
}

static wall_us
fast_wall(const struct clock *clock)
{
	return ((const struct fast_clock *)(const void *)clock)->shared->wall;
}

static void
go_to(struct world *world, wall_us wall)
{
	int64_t by = wall - world->shared->wall;

	if (by <= 0)
		return;
	world->shared->now += by;
	world->shared->wall += by;
}

int64_t
world_real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void
world_run_for(int64_t length_ns)
{
	int64_t until_ns = world_real_ns() + length_ns;

	while (world_real_ns() < until_ns)
		sched_yield();
}

/* ---- the writer ---- */

void
world_open(struct world *world)
{
	struct series_options options = {
	    .dir = world->rrd,
	    .recent = world->recent,
	    .archives = archives,
	    .n_archives = ARRAY_LEN(archives),
	    .write_every = world->write_every,
	    .clock = &world->clock.clock,
	};

	world->lane = lane_new("store", 64 << 20);
	options.lane = world->lane;
	world->series = series_open(&options);
	if (world->series == NULL)
		abort();
}

void
world_close(struct world *world)
{
	lane_free(world->lane);
	series_close(world->series);
}

static void
give(struct world *world, uint64_t seq)
{
	enum verdict verdict = verdict_of(seq);
	struct result result = {
	    .target = &world->targets[seq % TARGETS],
	    .started_wall = start_of(seq),
	    .latency = latency_of(seq),
	    .reason = verdict == VERDICT_UP ? REASON_OK
		: verdict == VERDICT_DOWN   ? REASON_HTTP_5XX
					    : REASON_TAINTED,
	};
	struct shared *shared = world->shared;

	result.phases.us[PHASE_WAIT] = result.latency / 2;
	result.phases.us[PHASE_DNS] = result.latency / 10;
	go_to(world, result.started_wall);
	if (series_append(world->series, &result, STEP_S * US_PER_S) != 0)
		abort();
	shared->given_ns[seq % ARRAY_LEN(shared->given_ns)] = world_real_ns();
	shared->given = seq + 1;
}

void
world_write(struct world *world, uint64_t seq, unsigned steps)
{
	uint64_t last = seq + steps * TARGETS - 1;

	world_open(world);
	for (;; seq++) {
		give(world, seq);
		if (seq % TARGETS != TARGETS - 1)
			continue;
		go_to(world, end_of(seq) * US_PER_S);
		world->shared->busy = true;
		if (series_tick(world->series, world->shared->wall) != 0)
			abort();
		store_drain(world->lane);
		while (seq >= last) {
			world->shared->done = true;
			pause();
		}
	}
}

/* ---- what is there ---- */

struct image {
	struct plan plan;
	int64_t last_s;
	unsigned char *bytes;
	size_t rows_at; /* offset of the first row */
	size_t pointers_at;
};

void
world_path(const struct world *world, int place, enum series_kind kind,
    char *path, size_t size)
{
	snprintf(path, size, "%s/wizja/%s/login%s", world->rrd,
	    place < TARGETS ? world->targets[place].deployment : SERIES_ALL,
	    kind == SERIES_HIST ? ".hist.rrd" : ".rrd");
}

void
world_plan(enum series_kind kind, struct plan *plan)
{
	plan_make(plan, kind, STEP_S, archives, ARRAY_LEN(archives));
}

static bool
image_load(const struct world *world, int place, enum series_kind kind,
    struct image *image)
{
	char path[256], why[160];
	struct stat st;
	int fd;

	memset(image, 0, sizeof(*image));
	world_path(world, place, kind, path, sizeof(path));
	if (check_file(path, kind, &image->plan, &image->last_s, why,
		sizeof(why)) != CHECK_GOOD)
		return false;
	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) != 0)
		abort();
	image->bytes = mem_new((size_t)st.st_size);
	if (read(fd, image->bytes, (size_t)st.st_size) != st.st_size)
		abort();
	close(fd);
	image->rows_at = (size_t)plan_header_bytes(
	    image->plan.n_sources, image->plan.n_archives);
	image->pointers_at = image->rows_at - 8 * image->plan.n_archives;
	return true;
}

/* One value of the row of an archive that ended `back` rows before the last. */
static double
image_value(
    const struct image *image, size_t archive, uint64_t back, size_t source)
{
	const struct plan *plan = &image->plan;
	size_t at = image->rows_at, i;
	uint64_t row;
	double value;

	for (i = 0; i < archive; i++)
		at += 8 * plan->n_sources * plan->archives[i].rows;
	memcpy(&row, image->bytes + image->pointers_at + 8 * archive, 8);
	row = (row + plan->archives[archive].rows - back) %
	    plan->archives[archive].rows;
	at += 8 * (row * plan->n_sources + source);
	memcpy(&value, image->bytes + at, 8);
	return value;
}

/* ---- what must be there ---- */

/* What one step of one place leaves, from the results that survived. */
struct expected {
	double count[HIST_BUCKETS];
	double ok, failed, excluded;
	double total, wait, dns, max; /* NAN: no ok result */
};

static void
expect_step(const struct world *world, int place, int64_t end_s,
    struct expected *expected)
{
	int64_t step = (end_s - START_S) / STEP_S - 1;
	dur_us total = 0, wait = 0, dns = 0, max = 0;
	int t;

	memset(expected, 0, sizeof(*expected));
	expected->total = expected->wait = expected->dns = expected->max = NAN;
	for (t = 0; step >= 0 && t < TARGETS; t++) {
		uint64_t seq = (uint64_t)step * TARGETS + (uint64_t)t;
		dur_us latency = latency_of(seq);

		if ((place < TARGETS && place != t) || seq >= MOST_GIVEN ||
		    !world->survived[seq])
			continue;
		expected->failed += verdict_of(seq) == VERDICT_DOWN;
		expected->excluded += verdict_of(seq) == VERDICT_EXCLUDED;
		if (verdict_of(seq) != VERDICT_UP)
			continue;
		expected->ok++;
		expected->count[hist_bucket(latency)]++;
		total += latency;
		wait += latency / 2;
		dns += latency / 10;
		if (max < latency)
			max = latency;
	}
	if (expected->ok == 0)
		return;
	expected->total = (double)(total / (dur_us)expected->ok) / 1000;
	expected->wait = (double)(wait / (dur_us)expected->ok) / 1000;
	expected->dns = (double)(dns / (dur_us)expected->ok) / 1000;
	expected->max = (double)max / 1000;
}

static double
expected_value(
    const struct expected *expected, enum series_kind kind, size_t source)
{
	if (kind == SERIES_HIST)
		return expected->count[source] / STEP_S;
	switch ((enum series_source)source) {
	case SOURCE_TOTAL:
		return expected->total;
	case SOURCE_DNS:
		return expected->dns;
	case SOURCE_WAIT:
		return expected->wait;
	case SOURCE_MAX:
		return expected->max;
	case SOURCE_OK:
		return expected->ok / STEP_S;
	case SOURCE_FAILED:
		return expected->failed / STEP_S;
	case SOURCE_EXCLUDED:
		return expected->excluded / STEP_S;
	case SOURCE_CONNECT:
	case SOURCE_TLS:
	case SOURCE_RECEIVE:
		break;
	}
	return isnan(expected->total) ? NAN : 0;
}

static void
consolidate(double *value, unsigned *known, double next, const char *cf)
{
	if (isnan(next))
		return;
	if (*known == 0)
		*value = next;
	else if (strcmp(cf, "AVERAGE") == 0)
		*value += next;
	else if (strcmp(cf, "MIN") == 0)
		*value = next < *value ? next : *value;
	else
		*value = next > *value ? next : *value;
	(*known)++;
}

static bool
same(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b);
	return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b)) + 1e-12;
}

/* Every source of one row of an archive. */
static bool
row_is_right(const struct world *world, int place, const struct image *image,
    size_t archive, uint64_t back, int64_t row_end_s)
{
	const struct plan_archive *rra = &image->plan.archives[archive];
	struct expected steps[20];
	size_t source, n = rra->pdp_per_row, i;

	for (i = 0; i < n; i++)
		expect_step(world, place,
		    row_end_s - (int64_t)(n - 1 - i) * STEP_S, &steps[i]);
	for (source = 0; source < image->plan.n_sources; source++) {
		double value = NAN;
		unsigned known = 0;

		for (i = 0; i < n; i++)
			consolidate(&value, &known,
			    expected_value(&steps[i], image->plan.kind, source),
			    rra->cf);
		if (known > 0 && strcmp(rra->cf, "AVERAGE") == 0)
			value /= known;
		if (!same(value, image_value(image, archive, back, source)))
			return false;
	}
	return true;
}

/* The end of the first step that has a result of the place; INT64_MAX: none. */
static int64_t
first_end(const struct world *world, int place)
{
	uint64_t seq;

	for (seq = 0; seq < world->shared->given + 1; seq++) {
		if (world->survived[seq] &&
		    (place == TARGETS || seq % TARGETS == (uint64_t)place))
			return end_of(seq);
	}
	return INT64_MAX;
}

/* Counts the wrong rows of one file. Before the first result a file may or may
 * not have begun. */
static uint64_t
wrong_rows(struct world *world, int place, const struct image *image)
{
	int64_t first_s = first_end(world, place);
	uint64_t wrong = 0, back;
	size_t a;

	for (a = 0; a < image->plan.n_archives; a++) {
		const struct plan_archive *rra = &image->plan.archives[a];
		int64_t row_s = (int64_t)rra->pdp_per_row * STEP_S;
		int64_t end_s = image->last_s - image->last_s % row_s;

		for (back = 0; back < rra->rows && end_s >= first_s;
		     back++, end_s -= row_s) {
			world->rows++;
			wrong +=
			    !row_is_right(world, place, image, a, back, end_s);
		}
	}
	return wrong;
}

/* Whether the finest row that ends there counts a result. */
static bool
has_result(const struct image *image, int64_t end_s)
{
	uint64_t back;
	size_t s;

	if (image->bytes == NULL || end_s > image->last_s)
		return false;
	back = (uint64_t)((image->last_s - end_s) / STEP_S);
	for (s = SOURCE_OK;
	     back < image->plan.archives[0].rows && s <= SOURCE_EXCLUDED; s++) {
		if (image_value(image, 0, back, s) > 0)
			return true;
	}
	return false;
}

/* ---- after a stop ---- */

/* Opens, lets recovery end, and looks at all files. */
static void
load_all(struct world *world, struct image images[PLACES][2])
{
	int place, kind;

	for (place = 0; place < PLACES; place++) {
		for (kind = 0; kind < 2; kind++) {
			if (!image_load(world, place, (enum series_kind)kind,
				&images[place][kind]))
				images[place][kind].bytes = NULL;
		}
	}
}

static void
free_all(struct image images[PLACES][2])
{
	int place, kind;

	for (place = 0; place < PLACES; place++) {
		for (kind = 0; kind < 2; kind++)
			free(images[place][kind].bytes);
	}
}

static void
wait_ready(struct world *world)
{
	struct series_query query = {
	    .from = START_S * US_PER_S,
	    .to = (START_S + 600) * US_PER_S,
	    .target = "wizja/nobody/login",
	};
	struct rig_answer answer = {0};

	sem_init(&answer.done, 0, 0);
	assert_int_equal(
	    series_ask(world->series, &query, rig_reply, &answer), 0);
	sem_wait(&answer.done);
	sem_destroy(&answer.done);
	series_range_free(answer.range);
}

/* Which results are there. Of each target there is one in each step. */
static void
find_survivors(
    struct world *world, uint64_t seq, struct image images[PLACES][2])
{
	uint64_t given = world->shared->given, last = seq, lost = 0, at;

	/* the one after the last may be there without having been counted as
	 * given */
	for (at = seq; at <= given; at++) {
		world->survived[at] = has_result(
		    &images[at % TARGETS][SERIES_PHASES], end_of(at));
		if (world->survived[at])
			last = at + 1;
	}
	for (at = seq; at < given; at++) {
		bool late =
		    world->shared
			->given_ns[at % ARRAY_LEN(world->shared->given_ns)] <
		    world->shared->given_ns[(given - 1) %
			ARRAY_LEN(world->shared->given_ns)] -
			LOST_MOST_NS;

		if (world->survived[at])
			continue;
		lost++;
		world->holes += at < last;
		world->lost_late += late;
	}
	if (world->lost_most < lost)
		world->lost_most = lost;
	world->lost += lost;
	world->given += given - seq;
}

static void
judge(struct world *world, struct image images[PLACES][2], int places)
{
	int place, kind;

	for (place = 0; place < places; place++) {
		for (kind = 0; kind < 2; kind++) {
			struct image *image = &images[place][kind];
			uint64_t wrong;

			if (image->bytes == NULL)
				continue;
			wrong = wrong_rows(world, place, image);
			world->wrong_rows += wrong;
			world->wrong_files += wrong > 0;
		}
	}
}

/* Where there are results there are files. */
static void
judge_missing(struct world *world, struct image images[PLACES][2])
{
	int place, kind;

	for (place = 0; place < PLACES; place++) {
		if (first_end(world, place) == INT64_MAX)
			continue;
		for (kind = 0; kind < 2; kind++) {
			if (images[place][kind].bytes == NULL)
				world->missing_files++;
		}
	}
}

uint64_t
world_judge(struct world *world, uint64_t seq, bool whole)
{
	struct image at_once[PLACES][2], later[PLACES][2];
	int64_t wait_s = world->write_every / US_PER_S + 3 * STEP_S;
	uint64_t next;

	/* as it is when the first question is answered … */
	world_open(world);
	wait_ready(world);
	load_all(world, at_once);
	/* … and when the open rows are complete */
	next = (world->shared->given / TARGETS + 1) * TARGETS;
	go_to(world, (end_of(next) + wait_s) * US_PER_S);
	assert_int_equal(series_tick(world->series, world->shared->wall), 0);
	world_close(world);
	load_all(world, later);
	find_survivors(world, seq, later);
	if (whole)
		judge(world, at_once, PLACES);
	judge(world, later, whole ? PLACES : TARGETS);
	judge_missing(world, later);
	free_all(at_once);
	free_all(later);
	return next + ((uint64_t)(wait_s / STEP_S) + 2) * TARGETS;
}

/* ---- the world ---- */

void
world_begin(struct world *world)
{
	int t;

	store_folder_make(world->dir, sizeof(world->dir), "crash");
	snprintf(world->rrd, sizeof(world->rrd), "%s/rrd", world->dir);
	snprintf(world->recent, sizeof(world->recent), "%s/recent", world->dir);
	for (t = 0; t < TARGETS; t++) {
		char name[16];

		snprintf(name, sizeof(name), "sp%d", t);
		world->targets[t] = store_target("wizja", name, "login");
	}
	memset(world->survived, 0, MOST_GIVEN * sizeof(*world->survived));
	world->shared->now = 1000 * US_PER_S;
	world->shared->wall = START_S * US_PER_S;
}

void
world_end(struct world *world)
{
	store_folder_remove(world->dir);
}

void
world_init(struct world *world, uint64_t seed)
{
	memset(world, 0, sizeof(*world));
	world->shared = mmap(NULL, sizeof(*world->shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(world->shared != MAP_FAILED);
	world->survived = mem_array(MOST_GIVEN, sizeof(*world->survived));
	world->clock = (struct fast_clock){
	    .clock = {.mono = fast_mono, .wall = fast_wall},
	    .shared = world->shared,
	};
	world->seed = seed != 0 ? seed : (uint64_t)world_real_ns();
	log_set_level(LOG_LEVEL_WARN);
}

void
world_fini(struct world *world)
{
	munmap(world->shared, sizeof(*world->shared));
	free(world->survived);
}
