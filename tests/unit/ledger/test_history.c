/* The past comes back in the order of time, and whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/attr.h"
#include "ledger/history.h"
#include "tests/unit/ledger/rig.h"

#define MINUTE (60 * US_PER_S)

static int
set_up(void **state)
{
	static struct rig rig;

	rig_init(&rig);
	*state = &rig;
	return 0;
}

static int
tear_down(void **state)
{
	rig_fini(*state);
	return 0;
}

static void
count(struct rig *rig, const struct target *target, int64_t minute,
    enum reason reason)
{
	struct result result = {
	    .target = target,
	    .started_wall = START + minute * MINUTE,
	    .reason = reason,
	    .step = "form",
	};

	snprintf(result.run_id, sizeof(result.run_id), "%032llx",
	    (unsigned long long)minute);
	assert_int_equal(ledger_tally(rig->ledger, &result), 0);
}

static void
write_all(struct rig *rig)
{
	rig_tick(rig);
	rig_drain(rig);
}

/* ---- what is read, as a text ---- */

struct text {
	char out[2048];
	size_t left; /* so many rows more; 0: all */
};

static bool
add(struct text *text, const char *line)
{
	strncat(text->out, line, sizeof(text->out) - strlen(text->out) - 1);
	return text->left == 0 || --text->left > 0;
}

static bool
on_minute(void *arg, const struct history_minute *row)
{
	char line[96];

	snprintf(line, sizeof(line), "%lld:%lld %u/%u/%u ",
	    (long long)((row->minute - START / MINUTE * MINUTE) / MINUTE),
	    (long long)row->target, row->ok, row->failed, row->excluded);
	return add(arg, line);
}

static bool
on_failure(void *arg, const struct history_failure *row)
{
	char line[128];

	snprintf(line, sizeof(line), "%lld:%lld %s %s %s ",
	    (long long)((row->minute - START / MINUTE * MINUTE) / MINUTE),
	    (long long)row->target, row->run + 30, row->reason, row->step);
	return add(arg, line);
}

static bool
on_blind(void *arg, const struct ledger_blind *blind)
{
	char line[96];

	snprintf(line, sizeof(line), "%lld-%lld %s ",
	    (long long)((blind->since - START) / US_PER_S),
	    (long long)((blind->until - START) / US_PER_S), blind->cause);
	return add(arg, line);
}

static void
on_target(void *arg, int64_t id, const char *path)
{
	char line[128];

	snprintf(line, sizeof(line), "%lld=%s ", (long long)id, path);
	add(arg, line);
}

static void
minutes_and_failures_come_in_the_order_of_time(void **state)
{
	struct rig *rig = *state;
	struct target other = store_target("librus", "main", "login");
	struct text text = {0};

	count(rig, &rig->target, 5, REASON_HTTP_5XX);
	count(rig, &other, 5, REASON_OK);
	count(rig, &rig->target, 5, REASON_OK);
	count(rig, &rig->target, 2, REASON_TAINTED);
	count(rig, &rig->target, 9, REASON_CONNECT_REFUSED);
	write_all(rig);
	assert_int_equal(history_minutes(rig->reader, START, START + 9 * MINUTE,
			     on_minute, &text),
	    0);
	assert_string_equal(text.out, "2:1 0/0/1 5:1 1/1/0 5:2 1/0/0 ");
	text = (struct text){.left = 2};
	assert_int_equal(history_minutes(rig->reader, START,
			     START + 10 * MINUTE, on_minute, &text),
	    0);
	assert_string_equal(text.out, "2:1 0/0/1 5:1 1/1/0 ");
	text = (struct text){0};
	assert_int_equal(history_failures(rig->reader, START,
			     START + 10 * MINUTE, on_failure, &text),
	    0);
	assert_string_equal(
	    text.out, "5:1 05 http_5xx form 9:1 09 connect_refused form ");
	text = (struct text){0};
	assert_int_equal(
	    history_targets(rig->reader, NULL, on_target, &text), 0);
	assert_string_equal(text.out, "1=wizja/sp1/login 2=librus/main/login ");
	text = (struct text){0};
	assert_int_equal(
	    history_targets(rig->reader, "lib", on_target, &text), 0);
	assert_string_equal(text.out, "");
	assert_int_equal(
	    history_targets(rig->reader, "librus", on_target, &text), 0);
	assert_string_equal(text.out, "2=librus/main/login ");
}

static void
blind(struct rig *rig, int64_t since, int64_t until, const char *cause)
{
	struct ledger_blind blind = {.since = START + since * US_PER_S,
	    .until = START + until * US_PER_S};

	text_copy(blind.cause, sizeof(blind.cause), cause);
	assert_int_equal(ledger_put_blind(rig->ledger, &blind), 0);
}

static void
blind_time_grows_and_is_there_after_a_start(void **state)
{
	struct rig *rig = *state;
	struct text text = {0};

	blind(rig, 100, 105, "uplink_down");
	write_all(rig);
	blind(rig, 100, 110, "uplink_down");
	blind(rig, 100, 103, "stalled");
	blind(rig, 500, 900, "stopped");
	write_all(rig);
	rig_stop(rig);
	/* the check at the start finds nothing wrong with the file */
	assert_int_equal(rig_start(rig), 0);
	assert_int_equal(history_blind(rig->reader, START,
			     START + 1000 * US_PER_S, on_blind, &text),
	    0);
	assert_string_equal(
	    text.out, "100-103 stalled 100-110 uplink_down 500-900 stopped ");
	text = (struct text){0};
	assert_int_equal(history_blind(rig->reader, START + 110 * US_PER_S,
			     START + 500 * US_PER_S, on_blind, &text),
	    0);
	assert_string_equal(text.out, "");
}

static void
the_bounds_are_those_of_the_tallies(void **state)
{
	struct rig *rig = *state;
	wall_us first = 1, last = 1;

	assert_int_equal(history_bounds(rig->reader, &first, &last), 0);
	assert_int_equal(first, 0);
	assert_int_equal(last, 0);
	count(rig, &rig->target, 3, REASON_OK);
	count(rig, &rig->target, 700, REASON_OK);
	write_all(rig);
	assert_int_equal(history_bounds(rig->reader, &first, &last), 0);
	assert_int_equal(first, START / MINUTE * MINUTE + 3 * MINUTE);
	assert_int_equal(last, START / MINUTE * MINUTE + 700 * MINUTE);
}

static void
put_run(struct rig *rig, const char *id, const char *op, wall_us started)
{
	char json[128];
	int len = snprintf(json, sizeof(json), "{\"id\":\"%s\"}", id);

	assert_int_equal(ledger_put_run(rig->ledger, id, op, "sp1", started,
			     VERDICT_UP, 10, json, (size_t)len),
	    0);
}

static bool
note_id(void *arg, const struct jv *run)
{
	char *ids = arg;

	strncat(ids, jv_get_string(run, "id", "?"), 8);
	return true;
}

static void
kept_runs_come_oldest_first(void **state)
{
	struct rig *rig = *state;
	char ids[64] = "";

	put_run(rig, "b", "wizja", START + MINUTE);
	put_run(rig, "a", "wizja", START);
	put_run(rig, "x", "librus", START);
	put_run(rig, "c", "wizja", START + 2 * MINUTE);
	write_all(rig);
	assert_int_equal(history_runs(rig->reader, "wizja", START,
			     START + 2 * MINUTE, note_id, ids),
	    0);
	assert_string_equal(ids, "ab");
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(minutes_and_failures_come_in_the_order_of_time),
	    CASE(blind_time_grows_and_is_there_after_a_start),
	    CASE(the_bounds_are_those_of_the_tallies),
	    CASE(kept_runs_come_oldest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
