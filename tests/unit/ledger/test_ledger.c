#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "rig.h"

static int
set_up(void **state)
{
	struct rig *rig = mem_new(sizeof(*rig));

	rig_init(rig);
	*state = rig;
	return 0;
}

static int
tear_down(void **state)
{
	rig_fini(*state);
	free(*state);
	return 0;
}

/* One number out of the file, read by a connection of the test's own. */
static int64_t
number_of(const struct rig *rig, const char *sql)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t value;

	assert_int_equal(sqlite3_open(rig->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

static void
tally(struct rig *rig, const struct target *target, enum reason reason,
    wall_us at)
{
	struct result result = {
	    .target = target, .reason = reason, .started_wall = at};

	assert_int_equal(ledger_tally(rig->ledger, &result), 0);
}

struct hours {
	size_t n;
	char target[8][MODEL_PATH_SIZE];
	wall_us hour[8];
	uint32_t ok[8], failed[8], excluded[8];
};

static void
note_hour(void *arg, const char *target_path, wall_us hour, uint32_t ok,
    uint32_t failed, uint32_t excluded)
{
	struct hours *hours = arg;

	assert_true(hours->n < 8);
	text_copy(hours->target[hours->n], MODEL_PATH_SIZE, target_path);
	hours->hour[hours->n] = hour;
	hours->ok[hours->n] = ok;
	hours->failed[hours->n] = failed;
	hours->excluded[hours->n] = excluded;
	hours->n++;
}

static void
tallies_are_exact_per_minute_and_summed_per_hour(void **state)
{
	struct rig *rig = *state;
	struct target other = store_target("librus", "main", "login");
	struct hours hours = {0};
	int i;

	for (i = 0; i < 90; i++) {
		tally(rig, &rig->target,
		    i % 10 == 0 ? REASON_HTTP_5XX : REASON_OK,
		    START + i * 60 * US_PER_S);
		if (i % 7 == 0)
			rig_tick(rig);
	}
	tally(rig, &rig->target, REASON_TAINTED, START);
	tally(rig, &rig->target, REASON_OK, START);
	tally(rig, &other, REASON_OK, START);
	rig_tick(rig);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM tally"), 91);
	assert_int_equal(
	    number_of(rig, "SELECT sum(ok + failed + excluded) FROM tally"),
	    93);
	assert_int_equal(ledger_read_hours(rig->reader, START + 60 * US_PER_S,
			     note_hour, &hours),
	    0);
	assert_int_equal(hours.n, 3);
	assert_string_equal(hours.target[0], "librus/main/login");
	assert_int_equal(hours.ok[0], 1);
	assert_string_equal(hours.target[1], "wizja/sp1/login");
	assert_int_equal(hours.hour[1], START);
	assert_int_equal(hours.ok[1], 55);
	assert_int_equal(hours.failed[1], 6);
	assert_int_equal(hours.excluded[1], 1);
	assert_int_equal(hours.hour[2], START + INT64_C(3600) * US_PER_S);
	assert_int_equal(hours.ok[2] + hours.failed[2], 30);
}

static void
tallies_older_than_400_days_go(void **state)
{
	struct rig *rig = *state;

	tally(rig, &rig->target, REASON_OK, START);
	tally(rig, &rig->target, REASON_OK,
	    START + INT64_C(2) * 86400 * US_PER_S);
	rig_tick(rig);
	clock_manual_advance(&rig->clock, INT64_C(401) * 86400 * US_PER_S);
	rig_tick(rig);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM tally"), 1);
}

#define DAYS(n) (INT64_C(n) * 86400 * US_PER_S)

static void
a_clock_that_is_a_year_ahead_takes_nothing_with_it(void **state)
{
	struct rig *rig = *state;

	tally(rig, &rig->target, REASON_OK, START - DAYS(300));
	tally(rig, &rig->target, REASON_OK, START);
	rig_tick(rig);
	/* set while it runs, */
	rig->clock.wall += DAYS(365);
	rig_tick(rig);
	clock_manual_advance(&rig->clock, DAYS(2));
	rig_tick(rig);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM tally"), 2);
	/* wrong since it started, */
	rig_stop(rig);
	assert_int_equal(rig_start(rig), 0);
	rig_tick(rig);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM tally"), 2);
	/* and right after all */
	clock_manual_advance(&rig->clock, DAYS(8));
	rig_tick(rig);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM tally"), 1);
}

/* ---- runs ---- */

static void
put_run_counted(
    struct rig *rig, int i, bool ok, enum verdict verdict, uint32_t keep)
{
	char id[33], json[1024];
	int n;

	snprintf(id, sizeof(id), "%032d", i);
	n = snprintf(json, sizeof(json),
	    "{\"id\":\"%s\",\"operator\":\"wizja\",\"deployment\":\"sp1\","
	    "\"time\":1,\"latency_ms\":12.5,\"tainted\":false,\"ok\":%s,"
	    "\"results\":[{\"transaction\":\"login\",\"reason\":\"%s\","
	    "\"side\":\"%s\",\"step\":\"form\",\"latency_ms\":%d},"
	    "{\"transaction\":\"grades\",\"reason\":\"%s\",\"side\":\"none\","
	    "\"step\":\"\",\"latency_ms\":7}],\"exchanges\":[]}",
	    id, ok ? "true" : "false", ok ? "ok" : "http_5xx",
	    ok ? "none" : "operator", i, ok ? "ok" : "prerequisite_failed");
	assert_int_equal(
	    ledger_put_run(rig->ledger, id, "wizja", "sp1",
		START + i * US_PER_S, verdict, keep, json, (size_t)n),
	    0);
}

static void
put_run(struct rig *rig, int i, bool ok, uint32_t keep)
{
	put_run_counted(rig, i, ok, ok ? VERDICT_UP : VERDICT_DOWN, keep);
}

static void
the_newest_runs_are_kept_and_the_last_good_and_failed_one(void **state)
{
	struct rig *rig = *state;
	int i;

	put_run(rig, 1, false, 3);
	put_run(rig, 2, false, 3);
	for (i = 3; i < 12; i++)
		put_run(rig, i, true, 3);
	rig_tick(rig);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM run"), 4);
	assert_int_equal(number_of(rig, "SELECT id FROM run WHERE ok = 0"), 2);
	for (i = 12; i < 20; i++)
		put_run(rig, i, false, 3);
	rig_tick(rig);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM run"), 4);
	assert_int_equal(number_of(rig, "SELECT id FROM run WHERE ok = 1"), 11);
}

static void
runs_that_do_not_count_displace_no_evidence(void **state)
{
	struct rig *rig = *state;

	put_run(rig, 1, true, 3);
	put_run(rig, 2, false, 3);
	for (int i = 3; i < 12; i++)
		put_run_counted(rig, i, false, VERDICT_EXCLUDED, 3);
	rig_tick(rig);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM run"), 5);
	assert_int_equal(number_of(rig, "SELECT id FROM run WHERE ok = 1"), 1);
	assert_int_equal(number_of(rig, "SELECT id FROM run WHERE ok = 0"), 2);
}

static void
runs_are_listed_by_operator_deployment_or_transaction(void **state)
{
	struct rig *rig = *state;
	struct jv *list, *run;

	put_run(rig, 1, true, 10);
	put_run(rig, 2, false, 10);
	rig_tick(rig);
	list = ledger_read_runs(rig->reader, "wizja", 10);
	assert_int_equal(jv_len(jv_get(list, "runs")), 2);
	run = jv_at(jv_get(list, "runs"), 0);
	assert_string_equal(jv_get_string(run, "target", ""), "wizja/sp1");
	assert_string_equal(jv_get_string(run, "reason", ""), "http_5xx");
	assert_string_equal(jv_get_string(run, "side", ""), "operator");
	assert_false(jv_bool_value(jv_get(run, "ok")));
	assert_int_equal(jv_get_int(run, "time", 0), START / US_PER_S + 2);
	assert_float_equal(
	    jv_real_value(jv_get(run, "latency_ms")), 12.5, 1e-9);
	jv_release(list);

	list = ledger_read_runs(rig->reader, "wizja/sp1/grades", 10);
	assert_int_equal(jv_len(jv_get(list, "runs")), 2);
	run = jv_at(jv_get(list, "runs"), 0);
	assert_string_equal(
	    jv_get_string(run, "target", ""), "wizja/sp1/grades");
	assert_string_equal(
	    jv_get_string(run, "reason", ""), "prerequisite_failed");
	assert_int_equal(jv_get_int(run, "latency_ms", 0), 7);
	jv_release(list);

	list = ledger_read_runs(rig->reader, "wizja/sp1", 1);
	assert_int_equal(jv_len(jv_get(list, "runs")), 1);
	jv_release(list);
	list = ledger_read_runs(rig->reader, "wizja/sp2", 10);
	assert_int_equal(jv_len(jv_get(list, "runs")), 0);
	jv_release(list);
	list = ledger_read_runs(rig->reader, "wizja/sp1/message", 10);
	assert_int_equal(jv_len(jv_get(list, "runs")), 0);
	jv_release(list);
	assert_null(ledger_read_runs(rig->reader, "", 10));
	assert_null(ledger_read_runs(rig->reader, "a/b/c/d", 10));
	list = ledger_read_runs(rig->reader, "x' OR 1=1 --", 10);
	assert_int_equal(jv_len(jv_get(list, "runs")), 0);
	jv_release(list);

	assert_int_equal(ledger_read_run(rig->reader,
			     "00000000000000000000000000000002", &run),
	    0);
	assert_string_equal(jv_get_string(run, "deployment", ""), "sp1");
	jv_release(run);
	assert_int_equal(
	    ledger_read_run(rig->reader, "nothing", &run), -ENOENT);
	assert_null(run);
}

/* ---- events ---- */

struct told {
	struct rig *rig;
	int calls, problem;
	int64_t seen; /* incidents in the file when `done` ran */
};

static void
note_done(void *arg, int problem)
{
	struct told *told = arg;

	told->calls++;
	told->problem = problem;
	told->seen = number_of(told->rig, "SELECT count(*) FROM incident");
}

static void
put_event(struct rig *rig, int64_t number, wall_us resolved,
    const struct ledger_delivery *deliveries, size_t n, struct told *told)
{
	struct incident incident = rig_incident(number, resolved);
	struct incident_entry entry =
	    rig_entry(number, resolved == 0 ? "opened" : "resolved");

	assert_int_equal(
	    ledger_put_event(rig->ledger, &incident, &entry, deliveries, n,
		"{\"a\":1}", 7, told != NULL ? note_done : NULL, told),
	    0);
	rig_drain(rig);
}

static void
done_is_told_after_the_commit_and_once(void **state)
{
	struct rig *rig = *state;
	struct ledger_delivery delivery = rig_delivery(1, 1, START);
	struct told told = {.rig = rig};

	put_event(rig, 1, 0, &delivery, 1, &told);
	assert_int_equal(told.calls, 1);
	assert_int_equal(told.problem, 0);
	assert_int_equal(told.seen, 1);
}

static void
an_event_that_fails_leaves_no_part_of_itself(void **state)
{
	struct rig *rig = *state;
	struct ledger_delivery delivery = rig_delivery(1, 1, START);
	struct told told = {.rig = rig};
	struct ledger_stats stats;

	put_event(rig, 1, 0, &delivery, 1, NULL);
	/* the same id of a delivery again */
	delivery.incident = 2;
	put_event(rig, 2, 0, &delivery, 1, &told);
	assert_int_equal(told.calls, 1);
	assert_int_equal(told.problem, -EEXIST);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM incident"), 1);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM timeline"), 2);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM body"), 1);
	ledger_stats(rig->ledger, &stats);
	assert_int_equal(stats.errors, 1);
	assert_string_not_equal(stats.problem, "");
	put_event(rig, 2, 0, NULL, 0, NULL);
	ledger_stats(rig->ledger, &stats);
	assert_string_equal(stats.problem, "");
}

static void
note_incident(void *arg, const struct incident *incident)
{
	struct incident *copy = arg;

	while (copy->number != 0)
		copy++;
	*copy = *incident;
}

static void
open_incidents_come_back_as_they_were(void **state)
{
	struct rig *rig = *state;
	struct incident found[4] = {0}, wanted = rig_incident(3, 0);

	assert_int_equal(ledger_last_incident(rig->ledger), 0);
	put_event(rig, 1, 0, NULL, 0, NULL);
	put_event(rig, 3, 0, NULL, 0, NULL);
	put_event(rig, 2, START + US_PER_S, NULL, 0, NULL);
	put_event(rig, 1, START + US_PER_S, NULL, 0, NULL);
	rig_stop(rig);
	assert_int_equal(rig_start(rig), 0);
	assert_int_equal(ledger_last_incident(rig->ledger), 3);
	assert_int_equal(
	    ledger_each_open_incident(rig->ledger, note_incident, found), 0);
	assert_int_equal(found[0].number, 3);
	assert_int_equal(found[1].number, 0);
	assert_true(isnan(found[0].threshold));
	assert_string_equal(found[0].rule, wanted.rule);
	assert_string_equal(found[0].scope, wanted.scope);
	assert_int_equal(found[0].severity, wanted.severity);
	assert_int_equal(found[0].opened, wanted.opened);
	assert_int_equal(found[0].resolved, 0);
	assert_int_equal(found[0].reason, wanted.reason);
	assert_int_equal(found[0].side, wanted.side);
	assert_int_equal(found[0].phase, wanted.phase);
	assert_string_equal(found[0].step, wanted.step);
	assert_float_equal(found[0].value, wanted.value, 0);
	assert_int_equal(found[0].attempts, wanted.attempts);
	assert_int_equal(found[0].failed, wanted.failed);
	assert_float_equal(found[0].worst, wanted.worst, 0);
	assert_string_equal(found[0].summary_pl, wanted.summary_pl);
	assert_string_equal(found[0].summary_en, wanted.summary_en);
	assert_memory_equal(
	    found[0].trace_ids, wanted.trace_ids, sizeof(wanted.trace_ids));
}

struct stops {
	size_t n;
	struct account_stop all[4];
};

static void
note_stop(void *arg, const struct account_stop *stop)
{
	struct stops *stops = arg;

	stops->all[stops->n++] = *stop;
}

static void
stopped_accounts_come_back_until_they_are_released(void **state)
{
	struct rig *rig = *state;
	const struct account_stop stops[2] = {
	    {.account = "ala",
		.reason = REASON_CAPTCHA,
		.since = START,
		.target = "wizja/sp1/login",
		.step = "submit",
		.run_id = "0123456789abcdef0123456789abcdef",
		.credentials = "0123456789abcdef:fedcba9876543210"},
	    {.account = "ola",
		.reason = REASON_BAD_CREDENTIALS,
		.since = START + 1,
		.target = "wizja/sp1/message"},
	};
	struct stops found = {0};

	assert_int_equal(ledger_put_stops(rig->ledger, stops, 2), 0);
	rig_stop(rig);
	assert_int_equal(rig_start(rig), 0);
	assert_int_equal(ledger_each_stop(rig->ledger, note_stop, &found), 0);
	assert_int_equal(found.n, 2);
	assert_memory_equal(found.all, stops, sizeof(stops));
	assert_int_equal(ledger_put_stops(rig->ledger, &stops[1], 1), 0);
	rig_drain(rig); /* committed without a tick */
	assert_int_equal(
	    number_of(rig, "SELECT count(*) FROM account_stop"), 1);
	assert_int_equal(ledger_put_stops(rig->ledger, NULL, 0), 0);
	rig_drain(rig);
	assert_int_equal(
	    number_of(rig, "SELECT count(*) FROM account_stop"), 0);
}

struct pending {
	size_t n;
	int64_t ids[8];
	char bodies[8][32];
};

static void
note_pending(void *arg, const struct ledger_delivery *delivery,
    const char *body, size_t body_len)
{
	struct pending *pending = arg;

	assert_true(pending->n < 8 && body_len < 32);
	assert_int_equal(delivery->state, DELIVERY_PENDING);
	pending->ids[pending->n] = delivery->id;
	memcpy(pending->bodies[pending->n], body, body_len);
	pending->n++;
}

static void
pending_deliveries_come_back_in_order_with_their_body(void **state)
{
	struct rig *rig = *state;
	struct ledger_delivery list[] = {rig_delivery(7, 1, START + 2),
	    rig_delivery(4, 1, START + 2), rig_delivery(9, 1, START + 1)};
	struct ledger_delivery test = rig_delivery(1, 0, START + 5);
	struct ledger_delivery after = list[1];
	struct pending pending = {0};

	put_event(rig, 1, 0, list, 3, NULL);
	assert_int_equal(ledger_put_event(rig->ledger, NULL, NULL, &test, 1,
			     "{\"test\":0}", 10, NULL, NULL),
	    0);
	after.state = DELIVERY_CONFIRMED;
	after.tries = 1;
	after.last_status = 204;
	after.finished = START + 3;
	assert_int_equal(ledger_put_attempt(
			     rig->ledger, &after, START + 3, 12000, NULL, NULL),
	    0);
	rig_stop(rig);
	assert_int_equal(rig_start(rig), 0);
	assert_int_equal(
	    ledger_each_pending(rig->ledger, note_pending, &pending), 0);
	assert_int_equal(pending.n, 3);
	assert_int_equal(pending.ids[0], 9);
	assert_int_equal(pending.ids[1], 7);
	assert_int_equal(pending.ids[2], 1);
	assert_string_equal(pending.bodies[0], "{\"a\":1}");
	assert_string_equal(pending.bodies[2], "{\"test\":0}");
}

static void
an_incident_is_read_with_its_timeline_and_deliveries(void **state)
{
	struct rig *rig = *state;
	struct ledger_delivery delivery = rig_delivery(5, 1, START);
	struct told told = {.rig = rig};
	struct jv *incident, *entry, *list;

	put_event(rig, 1, 0, &delivery, 1, NULL);
	delivery.tries = 1;
	delivery.last_status = 503;
	text_copy(
	    delivery.last_problem, sizeof(delivery.last_problem), "it said so");
	assert_int_equal(ledger_put_attempt(rig->ledger, &delivery,
			     START + US_PER_S, 35000, note_done, &told),
	    0);
	rig_drain(rig);
	assert_int_equal(told.calls, 1);
	assert_int_equal(told.problem, 0);
	assert_int_equal(ledger_read_incident(rig->reader, 1, &incident), 0);
	assert_string_equal(jv_get_string(incident, "state", ""), "open");
	assert_string_equal(jv_get_string(incident, "phase", ""), "tls");
	assert_string_equal(
	    jv_get_string(incident, "reason", ""), "connect_refused");
	assert_int_equal(jv_kind(jv_get(incident, "resolved")), JV_NULL);
	assert_int_equal(jv_kind(jv_get(incident, "threshold")), JV_NULL);
	assert_int_equal(jv_len(jv_get(incident, "trace_ids")), 2);
	assert_int_equal(jv_len(jv_get(incident, "timeline")), 3);
	entry = jv_at(jv_get(incident, "timeline"), 1);
	assert_string_equal(jv_get_string(entry, "kind", ""), "delivery");
	assert_string_equal(
	    jv_string_value(jv_pointer(entry, "/data/state")), "queued");
	assert_string_equal(
	    jv_string_value(jv_pointer(entry, "/data/subscriber")), "kurator");
	entry = jv_at(jv_get(incident, "timeline"), 2);
	assert_string_equal(
	    jv_string_value(jv_pointer(entry, "/data/problem")), "it said so");
	assert_int_equal(jv_int_value(jv_pointer(entry, "/data/try")), 1);
	assert_string_equal(jv_get_string(entry, "kind", ""), "delivery");
	assert_string_equal(jv_get_string(entry, "text", ""),
	    "kurator: pending, HTTP 503, try 1, 35 ms: it said so");
	list = jv_get(incident, "deliveries");
	assert_int_equal(jv_len(list), 1);
	assert_string_equal(
	    jv_get_string(jv_at(list, 0), "webhook_id", ""), "msg_5");
	jv_release(incident);
	assert_int_equal(
	    ledger_read_incident(rig->reader, 2, &incident), -ENOENT);

	put_event(rig, 2, START + US_PER_S, NULL, 0, NULL);
	list = ledger_read_incidents(rig->reader, false, 10);
	assert_int_equal(jv_len(jv_get(list, "incidents")), 2);
	assert_int_equal(
	    jv_get_int(jv_at(jv_get(list, "incidents"), 0), "number", 0), 2);
	jv_release(list);
	list = ledger_read_incidents(rig->reader, true, 10);
	assert_int_equal(jv_len(jv_get(list, "incidents")), 1);
	jv_release(list);
	list = ledger_read_deliveries(rig->reader, NULL, 10);
	assert_int_equal(jv_len(jv_get(list, "deliveries")), 1);
	jv_release(list);
}

/* ---- when things go wrong ---- */

/* No file may grow any more: what a full disk does, without a disk. */
static void
fill_disk(bool full)
{
	static struct rlimit before;
	struct rlimit limit;

	if (full) {
		signal(SIGXFSZ, SIG_IGN);
		assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
		limit = before;
		limit.rlim_cur = 1;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	} else {
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	}
}

static void
a_full_disk_loses_no_tally_and_heals_by_itself(void **state)
{
	struct rig *rig = *state;
	struct incident incident = rig_incident(2, 0);
	struct incident_entry entry = rig_entry(2, "opened");
	struct ledger_delivery delivery = rig_delivery(5, 1, START);
	struct ledger_stats full, healed;
	struct told told = {.rig = rig}, kept = {.rig = rig};
	int i;

	put_event(rig, 1, 0, &delivery, 1, NULL);
	fill_disk(true);
	for (i = 0; i < 5; i++)
		tally(rig, &rig->target, REASON_OK, START);
	put_run(rig, 1, true, 3);
	rig_tick(rig);
	delivery.state = DELIVERY_CONFIRMED;
	assert_int_equal(ledger_put_attempt(rig->ledger, &delivery, START, 1,
			     note_done, &kept),
	    0);
	assert_int_equal(ledger_put_event(rig->ledger, &incident, &entry, NULL,
			     0, NULL, 0, note_done, &told),
	    0);
	rig_drain(rig);
	tally(rig, &rig->target, REASON_OK, START);
	ledger_stats(rig->ledger, &full);
	fill_disk(false);
	assert_true(full.errors >= 3);
	assert_string_not_equal(full.problem, "");
	assert_int_equal(kept.calls, 1);
	assert_int_not_equal(kept.problem, 0);
	assert_int_equal(told.calls, 1);
	assert_int_not_equal(told.problem, 0);
	assert_int_equal(told.seen, 1);

	rig_tick(rig);
	ledger_stats(rig->ledger, &healed);
	assert_string_equal(healed.problem, "");
	assert_int_equal(number_of(rig, "SELECT sum(ok) FROM tally"), 6);
	assert_int_equal(number_of(rig, "SELECT count(*) FROM run"), 1);
	assert_int_equal(number_of(rig,
			     "SELECT count(*) FROM delivery"
			     " WHERE state = 'confirmed'"),
	    1);
	put_event(rig, 2, 0, NULL, 0, &told);
	assert_int_equal(told.problem, 0);
	assert_int_equal(told.seen, 2);
}

static void
corrupt(const struct rig *rig, off_t from, size_t n)
{
	char junk[4096];
	int fd = open(rig->path, O_WRONLY);

	memset(junk, 0x5a, sizeof(junk));
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, n, from), n);
	close(fd);
}

static unsigned
files_named(const struct rig *rig, const char *part)
{
	char command[512], line[32] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "ls '%s' | grep -c -F -- '%s'",
	    rig->dir, part);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	if (fgets(line, sizeof(line), pipe) == NULL)
		line[0] = '\0';
	pclose(pipe);
	return (unsigned)strtoul(line, NULL, 10);
}

static void
a_damaged_file_is_moved_aside_and_begun_anew(void **state)
{
	static const struct {
		off_t from;
		size_t n;
	} table[] = {{0, 100}, {100, 200}, {4096, 4096}, {8192, 2000}};
	struct rig *rig = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(table); i++) {
		put_event(rig, 1, 0, NULL, 0, NULL);
		rig_stop(rig);
		corrupt(rig, table[i].from, table[i].n);
		rig->clock.wall += US_PER_S;
		assert_int_equal(rig_start(rig), 0);
		assert_int_equal(files_named(rig, "damaged-2026"), i + 1);
		assert_int_equal(ledger_last_incident(rig->ledger), 0);
	}
	put_event(rig, 1, 0, NULL, 0, NULL);
	rig_stop(rig);
	assert_int_equal(truncate(rig->path, 5000), 0);
	rig->clock.wall += US_PER_S;
	assert_int_equal(rig_start(rig), 0);
	assert_int_equal(ledger_last_incident(rig->ledger), 0);
}

static void
a_file_of_a_newer_version_is_left_alone(void **state)
{
	struct rig *rig = *state;
	struct ledger *ledger;
	sqlite3 *db;

	rig_stop(rig);
	assert_int_equal(sqlite3_open(rig->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(
	    ledger_open(&ledger, rig->path, NULL, &rig->clock.clock), -EPROTO);
	assert_null(ledger);
	assert_int_equal(files_named(rig, "damaged"), 0);
	assert_int_equal(
	    ledger_open(&ledger, "/nowhere/at/all.db", NULL, &rig->clock.clock),
	    -ENOENT);
	assert_int_equal(
	    ledger_reader_open(&rig->reader, "/nowhere/at/all.db"), -ENOENT);
}

static void
a_reader_cannot_write(void **state)
{
	struct rig *rig = *state;
	struct jv *list;

	put_event(rig, 1, 0, NULL, 0, NULL);
	list = ledger_read_incidents(rig->reader, false, 0);
	assert_int_equal(jv_len(jv_get(list, "incidents")), 0);
	jv_release(list);
	assert_true(number_of(rig, "PRAGMA user_version") >= 5);
	assert_int_equal(number_of(rig,
			     "SELECT count(*) FROM pragma_journal_mode"
			     " WHERE journal_mode = 'wal'"),
	    1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(tallies_are_exact_per_minute_and_summed_per_hour),
	    T(tallies_older_than_400_days_go),
	    T(a_clock_that_is_a_year_ahead_takes_nothing_with_it),
	    T(the_newest_runs_are_kept_and_the_last_good_and_failed_one),
	    T(runs_that_do_not_count_displace_no_evidence),
	    T(runs_are_listed_by_operator_deployment_or_transaction),
	    T(done_is_told_after_the_commit_and_once),
	    T(an_event_that_fails_leaves_no_part_of_itself),
	    T(open_incidents_come_back_as_they_were),
	    T(stopped_accounts_come_back_until_they_are_released),
	    T(pending_deliveries_come_back_in_order_with_their_body),
	    T(an_incident_is_read_with_its_timeline_and_deliveries),
	    T(a_full_disk_loses_no_tally_and_heals_by_itself),
	    T(a_damaged_file_is_moved_aside_and_begun_anew),
	    T(a_file_of_a_newer_version_is_left_alone),
	    T(a_reader_cannot_write),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
