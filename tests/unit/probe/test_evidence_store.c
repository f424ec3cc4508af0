#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "probe/evidence.h"
#include "probe/evidence_store.h"
#include "tests/unit/store.h"

/* Which runs become files, and which files go. */

#define ENOUGH (1 << 20)
#define MINUTE (60 * US_PER_S)
#define DAY_ONE INT64_C(1790035200000000) /* 2026-09-22 */

struct bench {
	char dir[128];
	struct clock_manual clock;
	struct lane *lane;
	struct target_set *targets;
	struct evidence_store *store;
	unsigned runs;
	char last[TRACE_ID_SIZE];
};

static void
bench_start(struct bench *bench, uint64_t bytes_most)
{
	bench->lane = lane_new("store", 64 << 20);
	bench->store = evidence_store_new(
	    bench->dir, bytes_most, bench->lane, &bench->clock.clock);
	store_drain(bench->lane);
}

static void
bench_stop(struct bench *bench)
{
	lane_free(bench->lane);
	evidence_store_free(bench->store);
}

static void
bench_init(struct bench *bench, uint64_t bytes_most)
{
	memset(bench, 0, sizeof(*bench));
	store_folder_make(bench->dir, sizeof(bench->dir), "evidence");
	clock_manual_init(&bench->clock, 1000 * US_PER_S, DAY_ONE);
	bench->targets = target_set_new();
	log_set_level(LOG_LEVEL_ERROR);
	bench_start(bench, bytes_most);
}

static void
bench_fini(struct bench *bench)
{
	bench_stop(bench);
	target_set_free(bench->targets);
	store_folder_remove(bench->dir);
}

/* A run of a deployment in which login and grades ended so. */
static void
give(struct bench *bench, const char *deployment, enum reason login,
    enum reason grades)
{
	struct result results[] = {
	    {.target = target_intern(
		 bench->targets, "librus", deployment, "login"),
		.reason = login},
	    {.target = target_intern(
		 bench->targets, "librus", deployment, "grades"),
		.reason = grades},
	};
	struct run_exchange exchange = {.transaction = "login",
	    .step = "form",
	    .account = "sender",
	    .method = "GET",
	    .url = "https://portal.example/x?a=***",
	    .address = "127.0.0.1:8443",
	    .tls = "TLSv1.3",
	    .cipher = "TLS_AES_256_GCM_SHA384",
	    .span = "10f1e2d3c4b5a697",
	    .certificate = {.subject = "CN=x",
		.issuer = "CN=ca",
		.hosts = "portal.example",
		.not_before = DAY_ONE,
		.not_after = DAY_ONE + 90 * 86400 * US_PER_S},
	    .media_type = "text/html",
	    .location = "",
	    .note = "",
	    .status = 200,
	    .http_version = 11};
	struct run run = {.operator= "librus",
	    .deployment = deployment,
	    .vantage = "waw",
	    .started_wall = bench->clock.wall,
	    .results = results,
	    .n_results = 2,
	    .exchanges = &exchange,
	    .n_exchanges = 1};
	struct buf json;

	snprintf(run.id, sizeof(run.id), "%032x", ++bench->runs);
	text_copy(bench->last, sizeof(bench->last), run.id);
	buf_init(&json, ENOUGH);
	assert_true(evidence_write(&run, &json));
	evidence_store_offer(bench->store, &run, json.data, json.len);
	buf_fini(&json);
	store_drain(bench->lane);
}

static void
pass(struct bench *bench, dur_us by)
{
	clock_manual_advance(&bench->clock, by);
}

static struct evidence_stats
stats_of(struct bench *bench)
{
	struct evidence_stats stats;

	evidence_store_stats(bench->store, &stats);
	return stats;
}

/* "login failed http_5xx 7, login good ok 3, …", newest first. */
static void
assert_kept(struct bench *bench, const char *target, const char *wanted)
{
	struct jv *list = evidence_store_list(bench->store, target, 1000);
	char found[1024] = "";
	size_t used = 0;

	for (size_t i = 0; i < jv_len(list); i++) {
		struct jv *one = jv_at(list, i);
		const char *path = jv_get_string(one, "target", "//?");

		used += (size_t)snprintf(found + used, sizeof(found) - used,
		    "%s%s %s %s %lu", i > 0 ? ", " : "", strrchr(path, '/') + 1,
		    jv_get_string(one, "kind", "?"),
		    jv_get_string(one, "reason", "?"),
		    strtoul(jv_get_string(one, "run", "0"), NULL, 16));
	}
	jv_release(list);
	assert_string_equal(found, wanted);
}

static bool
has_file(const struct bench *bench, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", bench->dir, name);
	return access(path, F_OK) == 0;
}

#define FILE_OF(transaction, reason, run) \
	"librus/main/" transaction "." reason \
	".000000000000000000000000000000" run ".har"

static void
the_last_failed_and_the_last_good_run_are_kept(void **state)
{
	struct bench bench;
	struct buf text;
	struct jv *har;

	(void)state;
	bench_init(&bench, ENOUGH);
	give(&bench, "main", REASON_OK, REASON_OK);
	pass(&bench, MINUTE);
	give(&bench, "main", REASON_OK, REASON_HTTP_5XX);
	assert_kept(&bench, "librus/main",
	    "grades failed http_5xx 2, login good ok 1, grades good ok 1");
	assert_true(has_file(&bench, FILE_OF("login", "ok", "01")));
	assert_true(has_file(&bench, FILE_OF("grades", "http_5xx", "02")));
	buf_init(&text, ENOUGH);
	assert_int_equal(
	    evidence_store_read(bench.store, bench.last, &text), 0);
	har = jv_parse(text.data, text.len, NULL, 0);
	assert_string_equal(
	    jv_string_value(jv_pointer(har, "/log/version")), "1.2");
	assert_string_equal(
	    jv_string_value(jv_pointer(har, "/log/entries/0/_trace_id")),
	    bench.last);
	assert_string_equal(
	    jv_string_value(jv_pointer(har, "/log/entries/0/_span_id")),
	    "10f1e2d3c4b5a697");
	assert_string_equal(jv_string_value(jv_pointer(
				har, "/log/entries/0/_tls/certificate/issuer")),
	    "CN=ca");
	jv_release(har);
	assert_int_equal(evidence_store_read(bench.store,
			     "f0000000000000000000000000000000", &text),
	    -ENOENT);
	buf_fini(&text);
	bench_fini(&bench);
}

static void
a_run_that_tells_nothing_new_is_not_written(void **state)
{
	static const struct {
		dur_us after;
		enum reason reason;
		const char *kept; /* of login */
	} cases[] = {
	    {0, REASON_HTTP_5XX, "login failed http_5xx 1"},
	    {MINUTE, REASON_HTTP_5XX, "login failed http_5xx 1"},
	    {MINUTE, REASON_NO_ANSWER, "login failed no_answer 3"},
	    {4 * MINUTE, REASON_NO_ANSWER, "login failed no_answer 3"},
	    {MINUTE, REASON_NO_ANSWER, "login failed no_answer 5"},
	    /* ours and untried: neither */
	    {MINUTE, REASON_TAINTED, "login failed no_answer 5"},
	    {MINUTE, REASON_PREREQUISITE_FAILED, "login failed no_answer 5"},
	    {MINUTE, REASON_OK, "login good ok 8, login failed no_answer 5"},
	    {MINUTE, REASON_OK, "login good ok 8, login failed no_answer 5"},
	    {59 * MINUTE, REASON_OK,
		"login good ok 10, login failed no_answer 5"},
	    /* it failed anew, if for the same reason */
	    {MINUTE, REASON_NO_ANSWER,
		"login failed no_answer 11, login good ok 10"},
	    {MINUTE, REASON_OK, "login good ok 12, login failed no_answer 11"},
	};
	struct bench bench;

	(void)state;
	bench_init(&bench, ENOUGH);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		pass(&bench, cases[i].after);
		give(&bench, "main", cases[i].reason,
		    REASON_PREREQUISITE_FAILED);
		assert_kept(&bench, "librus", cases[i].kept);
	}
	assert_int_equal(stats_of(&bench).files, 2);
	bench_fini(&bench);
}

static void
the_oldest_good_ones_make_room(void **state)
{
	struct bench bench;
	uint64_t one;

	(void)state;
	bench_init(&bench, ENOUGH);
	give(&bench, "a", REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
	one = stats_of(&bench).bytes;
	evidence_store_limit(bench.store, 3 * one + one / 2);
	pass(&bench, MINUTE);
	give(&bench, "b", REASON_OK, REASON_PREREQUISITE_FAILED);
	pass(&bench, MINUTE);
	give(&bench, "c", REASON_OK, REASON_PREREQUISITE_FAILED);
	pass(&bench, MINUTE);
	give(&bench, "d", REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
	assert_kept(&bench, "",
	    "login failed http_5xx 4, login good ok 3, login failed http_5xx "
	    "1");
	pass(&bench, MINUTE);
	give(&bench, "e", REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
	pass(&bench, MINUTE);
	give(&bench, "f", REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
	assert_kept(&bench, "",
	    "login failed http_5xx 6, login failed http_5xx 5, "
	    "login failed http_5xx 4");
	assert_true(stats_of(&bench).bytes <= 3 * one + one / 2);
	bench_fini(&bench);
}

static void
touch(const struct bench *bench, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", bench->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
a_restart_finds_it_and_removes_what_a_kill_left(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench, ENOUGH);
	touch(&bench, "README", "mine");
	give(&bench, "main", REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
	bench_stop(&bench);
	touch(&bench, FILE_OF("login", "http_5xx", "02") ".new", "{\"lo");
	touch(&bench, FILE_OF("grades", "ok", "03"), "");
	touch(&bench, "librus/main/notes.txt", "mine");
	bench_start(&bench, ENOUGH);
	assert_kept(&bench, "librus/main/login", "login failed http_5xx 1");
	assert_kept(&bench, "librus/main", "login failed http_5xx 1");
	assert_false(
	    has_file(&bench, FILE_OF("login", "http_5xx", "02") ".new"));
	assert_false(has_file(&bench, FILE_OF("grades", "ok", "03")));
	assert_true(has_file(&bench, "librus/main/notes.txt"));
	assert_true(has_file(&bench, "README"));
	bench_fini(&bench);
}

static void
the_newer_of_two_files_of_a_kind_stays(void **state)
{
	struct bench bench;
	struct timespec times[2] = {
	    {.tv_sec = 1790000000}, {.tv_sec = 1790000000}};
	char path[256];

	(void)state;
	bench_init(&bench, ENOUGH);
	give(&bench, "main", REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
	bench_stop(&bench);
	touch(&bench, FILE_OF("login", "no_answer", "09"), "{}");
	snprintf(path, sizeof(path), "%s/%s", bench.dir,
	    FILE_OF("login", "no_answer", "09"));
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	bench_start(&bench, ENOUGH);
	assert_kept(&bench, "librus", "login failed http_5xx 1");
	assert_int_equal(access(path, F_OK), -1);
	bench_fini(&bench);
}

static void
a_country_that_fails_at_once_is_no_flood(void **state)
{
	struct bench bench;
	char name[8];

	(void)state;
	bench_init(&bench, 64 << 20);
	for (unsigned i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		give(&bench, name, REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
	}
	assert_int_equal(stats_of(&bench).files, EVIDENCE_PER_SECOND);
	assert_int_equal(stats_of(&bench).skipped, 30 - EVIDENCE_PER_SECOND);
	/* what was passed over has its turn with the next run */
	pass(&bench, US_PER_S);
	for (unsigned i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		give(&bench, name, REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
	}
	assert_int_equal(stats_of(&bench).files, 30);
	bench_fini(&bench);
}

static void
a_disk_that_refuses_leaves_no_half_file(void **state)
{
	struct rlimit all, little;
	struct bench bench;

	(void)state;
	bench_init(&bench, ENOUGH);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	little = all;
	little.rlim_cur = 100;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	give(&bench, "main", REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_int_equal(stats_of(&bench).failed, 1);
	assert_kept(&bench, "librus", "");
	assert_false(has_file(&bench, FILE_OF("login", "http_5xx", "01")));
	assert_false(
	    has_file(&bench, FILE_OF("login", "http_5xx", "01") ".new"));
	pass(&bench, 5 * MINUTE);
	give(&bench, "main", REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED);
	assert_kept(&bench, "librus", "login failed http_5xx 2");
	bench_fini(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_last_failed_and_the_last_good_run_are_kept),
	    cmocka_unit_test(a_run_that_tells_nothing_new_is_not_written),
	    cmocka_unit_test(the_oldest_good_ones_make_room),
	    cmocka_unit_test(a_restart_finds_it_and_removes_what_a_kill_left),
	    cmocka_unit_test(the_newer_of_two_files_of_a_kind_stays),
	    cmocka_unit_test(a_country_that_fails_at_once_is_no_flood),
	    cmocka_unit_test(a_disk_that_refuses_leaves_no_half_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
