/*
 * The stand-ins: a snapshot, a series that answers on its own lane, and a
 * ledger with one run, one incident and two deliveries.
 */
#include "fixture.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ledger/change.h"
#include "loop/lane.h"
#include "probe/evidence.h"
#include "series/series.h"
#include "web/report.h"

static const char run_id[] = "4bf92f3577b34da6a3ce929d0e0e4736";

static void
fill_transaction(struct snap_transaction *tr, const char *name,
    const char *title, enum state state, wall_us now)
{
	bool down = state == STATE_DOWN;

	*tr = (struct snap_transaction){
	    .name = name,
	    .title = title,
	    .state = state,
	    .reason = down ? REASON_HTTP_5XX : REASON_OK,
	    .last_run = now - 12 * US_PER_S,
	    .decided = now - 11 * US_PER_S,
	    .patience = 330 * US_PER_S,
	    .since = now - 480 * US_PER_S,
	    .latency_ms = state == STATE_DEGRADED ? 3412.46 : 812.34,
	    .p50_ms = down ? NAN : 790,
	    .p95_ms = down ? NAN : 1234.56,
	    .samples = down ? 0 : 40,
	    .availability_24h = down ? 0.9012 : 0.99996,
	    .runs = 1440,
	    .ok = 1400,
	    .failed = 30,
	    .excluded = 10,
	};
	text_copy(tr->run_id, sizeof(tr->run_id), run_id);
	if (down) {
		text_copy(tr->step, sizeof(tr->step), "submit");
		tr->failure = REASON_HTTP_5XX;
		text_copy(tr->failure_step, sizeof(tr->failure_step), "submit");
	}
}

static void
fill_acts(struct snap_transaction *all, enum state state, wall_us now)
{
	fill_transaction(&all[0], "login", "Logowanie", state, now);
	fill_transaction(&all[1], "grades", "Oceny",
	    state == STATE_DOWN ? STATE_UNKNOWN : STATE_UP, now);
	fill_transaction(&all[2], "message", "Wiadomość", state, now);
	if (state == STATE_DOWN)
		all[1].reason = REASON_PREREQUISITE_FAILED;
}

static void *
need(struct snapshot *snapshot, size_t size)
{
	void *memory = arena_alloc(&snapshot->arena, size);

	if (memory == NULL)
		abort();
	return memory;
}

static void
fill_operator(struct snapshot *snapshot, struct snap_operator *op,
    const char *name, const char *title, enum state state)
{
	struct snap_deployment *dep;

	*op = (struct snap_operator){
	    .name = name,
	    .title = title,
	    .state = state,
	    .n_deployments = 2,
	    .n_transactions = 3,
	    .budget_per_minute = 60,
	    .budget_parallel = 4,
	    .requests_last_minute = 17,
	    .running = 1,
	    .requests = 12345,
	};
	op->deployments = need(snapshot, 2 * sizeof(*op->deployments));
	op->transactions = need(snapshot, 3 * sizeof(*op->transactions));
	fill_acts(op->transactions, state, snapshot->time);
	for (size_t i = 0; i < 2; i++) {
		dep = need(snapshot, sizeof(*dep));
		op->deployments[i] = dep;
		dep->name = i == 0 ? "main" : "sp1";
		dep->state = state;
		dep->every = 60 * US_PER_S;
		dep->every_now = dep->every * (state == STATE_DOWN ? 4 : 1);
		dep->n_transactions = 3;
		dep->transactions =
		    need(snapshot, 3 * sizeof(*dep->transactions));
		fill_acts(dep->transactions, state, snapshot->time);
	}
}

static void
fill_incident(struct incident *incident, wall_us now)
{
	*incident = (struct incident){
	    .number = 7,
	    .severity = 3,
	    .opened = now - 480 * US_PER_S,
	    .reason = REASON_HTTP_5XX,
	    .side = SIDE_OPERATOR,
	    .phase = PHASE_WAIT,
	    .value = 0.41,
	    .threshold = 0.9,
	};
	text_copy(incident->rule, sizeof(incident->rule), "availability");
	text_copy(
	    incident->scope, sizeof(incident->scope), "vulcan/_all/login");
	text_copy(incident->step, sizeof(incident->step), "submit");
	text_copy(incident->summary_pl, sizeof(incident->summary_pl),
	    "Vulcan: logowanie nie działa <b>od</b> 08:06");
	text_copy(incident->summary_en, sizeof(incident->summary_en),
	    "Vulcan: login not working since 08:06");
	text_copy(incident->trace_ids[0], TRACE_ID_SIZE, run_id);
}

/* One that goes on and one that was stopped. */
static void
fill_accounts(struct snapshot *snapshot)
{
	static const char *const names[] = {"librus-a", "vulcan-a"};

	snapshot->n_accounts = 2;
	snapshot->accounts = need(snapshot, 2 * sizeof(*snapshot->accounts));
	for (size_t i = 0; i < 2; i++)
		snapshot->accounts[i] = (struct snap_account){
		    .name = names[i],
		};
	snapshot->accounts[1].stopped = true;
	snapshot->accounts[1].reason = REASON_CAPTCHA;
	snapshot->accounts[1].since = FIXTURE_NOW;
	snapshot->operators[1].deployments[0]->recipient = names[1];
	snapshot->operators[1].deployments[1]->sender = names[1];
	snapshot->operators[1].deployments[1]->recipient = names[1];
}

struct snapshot *
fixture_snapshot(uint64_t number, wall_us time)
{
	struct snapshot *snapshot = snapshot_new();
	struct snap_operator *ops;

	snapshot->number = number;
	snapshot->time = time;
	snapshot->taken = time;
	snapshot->vantage = "waw-1";
	snapshot->simulated = true;
	snapshot->window_s = 600;
	snapshot->n_operators = 5;
	ops = snapshot->operators = need(snapshot, 5 * sizeof(*ops));
	fill_operator(snapshot, &ops[0], "librus", "Librus", STATE_DEGRADED);
	fill_operator(snapshot, &ops[1], "vulcan", "Vulcan", STATE_DOWN);
	fill_operator(
	    snapshot, &ops[2], "wizja", "Wizja.net (mobiDziennik)", STATE_UP);
	fill_operator(snapshot, &ops[3], "helion", "Helion", STATE_UP);
	fill_operator(snapshot, &ops[4], "eszkola24", "Eszkola24", STATE_UP);
	snapshot->incidents = need(snapshot, sizeof(*snapshot->incidents));
	snapshot->n_incidents = 1;
	fill_incident(&snapshot->incidents[0], time);
	fill_accounts(snapshot);
	snapshot->self = (struct snap_self){
	    .started = time - 86400 * US_PER_S,
	    .config_loaded = time - 86400 * US_PER_S,
	    .runs = 1440,
	    .start_late_p99_ms = 4,
	    .start_late_max_ms = 9,
	    .start_late = {.count = {90, 7, 2, 1}, .sum = 50 * US_PER_MS},
	    .loop_late_p99_ms = 1.5,
	    .loop_late_max_ms = NAN,
	    .loop_busy_ratio = 0.02,
	    .store_bytes = 4096,
	    .store_max_bytes = 1 << 20,
	    .deliveries_confirmed = 2,
	};
	return snapshot;
}

/* ---- series ---- */

struct question {
	struct series_query query;
	series_reply_fn *reply;
	void *arg;
};

struct series {
	struct lane *lane;
	pthread_mutex_t lock;
	pthread_cond_t go;
	bool held;
	unsigned open;
};

static double *
doubles(size_t n, double value)
{
	double *out = mem_array(n, sizeof(*out));

	for (size_t i = 0; i < n; i++)
		out[i] = value;
	return out;
}

struct series_range *
fixture_range(wall_us from, wall_us to)
{
	struct series_range *range = mem_new(sizeof(*range));
	size_t n = 60;

	range->from = from;
	range->to = to;
	range->n = n;
	range->step = (to - from) / (wall_us)n;
	range->time = mem_array(n, sizeof(*range->time));
	range->ok = doubles(n, 6);
	range->failed = doubles(n, 0);
	range->excluded = doubles(n, 0);
	range->p50_ms = doubles(n, 800);
	range->p90_ms = doubles(n, 1000);
	range->p95_ms = doubles(n, 1100);
	range->p99_ms = doubles(n, 1400);
	range->mean_ms = doubles(n, 820.25);
	range->max_ms = doubles(n, 1500);
	for (size_t k = 0; k < PHASE_COUNT; k++)
		range->phase_ms[k] = doubles(n, 10);
	for (size_t i = 0; i < n; i++) {
		range->time[i] = from + range->step * (wall_us)i;
		range->p50_ms[i] += 150 * sin((double)i / 5);
		range->p95_ms[i] += 400 * (1 + sin((double)i / 7));
		if (i >= 20 && i < 26) {
			range->ok[i] = range->failed[i] = NAN;
			range->p50_ms[i] = range->p95_ms[i] = NAN;
		}
		if (i >= 40 && i < 42)
			range->ok[i] = 4;
		if (i >= 50 && i < 53)
			range->failed[i] = 2;
	}
	return range;
}

void
series_range_free(struct series_range *range)
{
	if (range == NULL)
		return;
	free(range->time);
	free(range->ok);
	free(range->failed);
	free(range->excluded);
	free(range->p50_ms);
	free(range->p90_ms);
	free(range->p95_ms);
	free(range->p99_ms);
	free(range->mean_ms);
	free(range->max_ms);
	for (size_t k = 0; k < PHASE_COUNT; k++)
		free(range->phase_ms[k]);
	free(range);
}

static void
answer(void *ctx, const void *payload, size_t size)
{
	struct series *series = ctx;
	const struct question *question = payload;
	bool known;

	(void)size;
	pthread_mutex_lock(&series->lock);
	while (series->held)
		pthread_cond_wait(&series->go, &series->lock);
	series->open--;
	pthread_mutex_unlock(&series->lock);
	known = strncmp(question->query.target, "nobody", 6) != 0;
	question->reply(question->arg, known ? 0 : -ENOENT,
	    known ? fixture_range(question->query.from, question->query.to)
		  : NULL);
}

int
series_ask(struct series *series, const struct series_query *query,
    series_reply_fn *reply, void *arg)
{
	struct question question = {
	    .query = *query, .reply = reply, .arg = arg};
	int error;

	if (strncmp(query->target, "busy", 4) == 0)
		return -EAGAIN;
	pthread_mutex_lock(&series->lock);
	series->open++;
	pthread_mutex_unlock(&series->lock);
	error = lane_call(
	    series->lane, answer, series, &question, sizeof(question));
	return error;
}

struct series *
fixture_series_new(void)
{
	struct series *series = mem_new(sizeof(*series));

	pthread_mutex_init(&series->lock, NULL);
	pthread_cond_init(&series->go, NULL);
	series->lane = lane_new("series", 1 << 20);
	return series;
}

void
fixture_series_hold(struct series *series, bool held)
{
	pthread_mutex_lock(&series->lock);
	series->held = held;
	pthread_cond_broadcast(&series->go);
	pthread_mutex_unlock(&series->lock);
}

unsigned
fixture_series_open(struct series *series)
{
	unsigned open;

	pthread_mutex_lock(&series->lock);
	open = series->open;
	pthread_mutex_unlock(&series->lock);
	return open;
}

void
fixture_series_free(struct series *series)
{
	fixture_series_hold(series, false);
	lane_free(series->lane);
	pthread_cond_destroy(&series->go);
	pthread_mutex_destroy(&series->lock);
	free(series);
}

/* ---- the ledger ---- */

int
ledger_reader_open(struct ledger_reader **reader, const char *path)
{
	(void)path;
	*reader = NULL;
	return 0;
}

void
ledger_reader_close(struct ledger_reader *reader)
{
	(void)reader;
}

static struct jv *
parse(const char *text)
{
	char problem[128] = "";
	struct jv *value = jv_parse(text, strlen(text), problem, 128);

	if (value == NULL)
		abort();
	return value;
}

#define EXCHANGE(STEP, OFFSET, WAIT, STATUS, REASON) \
	"{\"transaction\":\"login\",\"step\":\"" STEP \
	"\",\"account\":\"sender\",\"method\":\"GET\",\"url\":" \
	"\"https://uonetplus.vulcan.example/" STEP "?token=***\"," \
	"\"status\":" STATUS ",\"note\":\"\",\"reason\":\"" REASON \
	"\",\"offset_ms\":" OFFSET ",\"latency_ms\":" WAIT \
	",\"phases\":{\"dns\":12,\"connect\":31,\"tls\":44,\"wait\":" WAIT \
	",\"receive\":9}}"

/* An id of zeros is one that the ledger fails to read. */
int
ledger_read_run(struct ledger_reader *reader, const char *id, struct jv **run)
{
	(void)reader;
	*run = NULL;
	if (strspn(id, "0") == strlen(id))
		return -EIO;
	if (strcmp(id, run_id) != 0)
		return -ENOENT;
	*run = parse(
	    "{\"id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"operator\":"
	    "\"vulcan\",\"deployment\":\"main\",\"vantage\":\"waw-1\","
	    "\"time\":1795504433.25,\"latency_ms\":3821.5,\"tainted\":false,"
	    "\"ok\":false,\"results\":[{\"transaction\":\"login\",\"target\":"
	    "\"vulcan/main/login\",\"reason\":\"http_5xx\",\"side\":"
	    "\"operator\",\"step\":\"submit\",\"phase\":\"wait\","
	    "\"latency_ms\":3821.5,\"http_status\":503},{\"transaction\":"
	    "\"grades\",\"target\":\"vulcan/main/grades\",\"reason\":"
	    "\"prerequisite_failed\",\"side\":\"none\",\"step\":\"\","
	    "\"latency_ms\":0.0,\"http_status\":0}],\"exchanges\":[" EXCHANGE(
		"form", "0", "210.5", "200", "ok") "," EXCHANGE("submit", "320",
		"3180", "503", "http_5xx") "]}");
	return 0;
}

#define RUN_LINE(TIME, OK, REASON) \
	"{\"id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"target\":" \
	"\"vulcan/main\",\"time\":" TIME ",\"ok\":" OK ",\"reason\":\"" REASON \
	"\",\"latency_ms\":1820.5}"

struct jv *
ledger_read_runs(
    struct ledger_reader *reader, const char *target, uint32_t limit)
{
	(void)reader;
	(void)limit;
	if (strncmp(target, "helion", 6) == 0)
		return parse("{\"runs\":[]}");
	return parse("{\"runs\":[" RUN_LINE(
	    "1795504433", "false", "http_5xx") "," RUN_LINE("1795504373",
	    "true", "ok") "," RUN_LINE("1795504313", "null", "tainted") "]}");
}

#define INCIDENT \
	"\"number\":7,\"rule\":\"availability\",\"scope\":\"vulcan/_all/" \
	"login\",\"operator\":\"vulcan\",\"deployment\":null," \
	"\"transaction\":\"login\"," \
	"\"severity\":3,\"state\":\"resolved\",\"opened\":1795503965," \
	"\"resolved\":1795504445,\"lasted_s\":480.6,\"reason\":\"http_5xx\"," \
	"\"side\":" \
	"\"operator\",\"phase\":\"wait\",\"step\":\"submit\",\"value\":0.4," \
	"\"threshold\":0.9,\"summary\":{\"pl\":\"Vulcan: logowanie nie " \
	"działa " \
	"<b>od</b> 08:06\",\"en\":\"Vulcan: login not working since " \
	"08:06\"},\"trace_ids\":[\"4bf92f3577b34da6a3ce929d0e0e4736\"]"

/* As it was last told, some time ago. */
#define OPEN_INCIDENT \
	"\"number\":9,\"state\":\"open\",\"scope\":\"wizja/_all/login\"," \
	"\"severity\":1,\"opened\":1795504000,\"resolved\":null," \
	"\"summary\":{\"pl\":\"1 z 1 próby\",\"en\":\"1 of 1 attempt\"}," \
	"\"timeline\":[],\"deliveries\":[]"

struct jv *
ledger_read_incidents_of(
    struct ledger_reader *reader, const struct ledger_incidents_of *of)
{
	(void)reader;
	if (strcmp(of->op, "nobody") == 0)
		return parse("{\"incidents\":[]}");
	if (of->open_only)
		return parse("{\"incidents\":[{" OPEN_INCIDENT "}]}");
	return parse("{\"incidents\":[{" INCIDENT "}]}");
}

#define ENTRY(kind, by, data) \
	"{\"at\":1795504000,\"time\":1795504000,\"kind\":\"" kind \
	"\",\"text\":\"\",\"by\":" by ",\"runs\":[],\"data\":{" data "}}"

/* One to which all happened that can. */
#define LIVING_INCIDENT \
	"\"number\":11,\"rule\":\"availability\",\"scope\":\"vulcan/_all/" \
	"login\",\"operator\":\"vulcan\",\"transaction\":\"login\"," \
	"\"severity\":3,\"state\":\"open\",\"opened\":1795504000," \
	"\"resolved\":null,\"reopened\":1,\"reopened_at\":1795504000," \
	"\"confirmed\":1795504000,\"blind_s\":480,\"affected\":{\"now\":1," \
	"\"most\":2,\"of\":3},\"deployments\":[{\"name\":\"gdansk\"," \
	"\"since\":1795504000,\"until\":null}],\"evidence\":[{\"target\":" \
	"\"vulcan/gdansk/" \
	"login\",\"run\":\"4bf92f3577b34da6a3ce929d0e0e4736\"," \
	"\"time\":1795504000,\"ok\":false,\"har_url\":\"/api/v1/runs/" \
	"4bf92f3577b34da6a3ce929d0e0e4736/har\"}],\"timeline\":[" ENTRY( \
	    "affected", "null", \
	    "\"added\":[\"gdansk\",\"lublin\"],\"removed\":[],\"affected\":2") "," ENTRY("affected", \
	    "null", \
	    "\"added\":[],\"removed\":[\"lublin\"],\"affected\":1") "," ENTRY("blind", \
	    "null", \
	    "\"cause\":\"stopped\",\"blind_s\":480.2") "," ENTRY("clock", \
	    "null", "\"set_s\":3600") "," ENTRY("confirmed", "null", \
	    "\"cause\":\"age\",\"after_s\":1800") "," ENTRY("delivery", \
	    "null", \
	    "\"state\":\"queued\",\"subscriber\":\"men\"") "," ENTRY("note", \
	    "\"<b>Jan</b>\"", \
	    "\"note\":\"<script>alert(1)</script> & wracamy\"") "]," \
								"\"deliveries" \
								"\":[]"

#define DELIVERY \
	"{\"id\":1,\"webhook_id\":\"msg_1\",\"subscriber\":\"men\",\"type\":" \
	"\"incident.opened\",\"incident\":7,\"state\":\"confirmed\"," \
	"\"created\":1795503966,\"next_try\":null,\"finished\":1795503967," \
	"\"tries\":1,\"last_status\":204,\"last_problem\":\"\"}," \
	"{\"id\":2,\"webhook_id\":\"msg_2\",\"subscriber\":\"kuratorium\"," \
	"\"type\":\"incident.opened\",\"incident\":7,\"state\":\"pending\"," \
	"\"created\":1795503966,\"next_try\":1795504600,\"finished\":null," \
	"\"tries\":3,\"last_status\":503,\"last_problem\":\"status 503\"}"

int
ledger_read_incident(
    struct ledger_reader *reader, int64_t number, struct jv **incident)
{
	(void)reader;
	*incident = NULL;
	if (number == 500)
		return -EIO;
	if (number == 9) {
		*incident = parse("{" OPEN_INCIDENT "}");
		return 0;
	}
	if (number == 11) {
		*incident = parse("{" LIVING_INCIDENT "}");
		return 0;
	}
	if (number != 7)
		return -ENOENT;
	*incident =
	    parse("{" INCIDENT ",\"timeline\":[{\"time\":1795503965,"
		  "\"kind\":\"opened\",\"text\":\"value=0.41 threshold=0.9 "
		  "reason=http_5xx side=operator phase=wait step=submit "
		  "deployments=2\"},{\"time\":"
		  "1795503967,\"kind\":\"delivery\",\"text\":\"men: confirmed, "
		  "HTTP 204, try 1, 12 ms\"},{\"time\":1795503990,\"kind\":"
		  "\"note\",\"text\":\"value=0.1 they look into it\"},"
		  "{\"time\":1795504445,\"kind\":\"resolved\",\"text\":"
		  "\"value=1 threshold=0.9 reason=http_5xx side=operator "
		  "phase=wait step=submit\"}],\"deliveries\":[" DELIVERY "]}");
	return 0;
}

struct jv *
ledger_read_deliveries(struct ledger_reader *reader,
    const enum delivery_state *state, uint32_t limit)
{
	(void)state;
	(void)reader;
	(void)limit;
	return parse("{\"deliveries\":[" DELIVERY "]}");
}

int
ledger_read_delivery(
    struct ledger_reader *reader, int64_t id, struct jv **delivery)
{
	(void)reader;
	*delivery = id == 7 || id == 8
	    ? jv_set(jv_object(), "state",
		  jv_string(id == 7 ? "dead" : "confirmed"))
	    : NULL;
	return *delivery != NULL ? 0 : -ENOENT;
}

struct jv *
evidence_har(const struct jv *run)
{
	return jv_set(jv_object(), "log",
	    jv_set(jv_object(), "comment",
		jv_string(jv_get_string(run, "id", ""))));
}

/* Nothing is announced and nobody has a token: that is tested with a real
 * ledger. */
int
ledger_read_windows(struct ledger_reader *reader, enum window_kind kind,
    const char *op, ledger_window_fn *fn, void *arg)
{
	(void)reader;
	(void)kind;
	(void)op;
	(void)fn;
	(void)arg;
	return 0;
}

int
ledger_read_window(struct ledger_reader *reader, enum window_kind kind,
    int64_t id, struct window *window)
{
	(void)reader;
	(void)kind;
	(void)id;
	(void)window;
	return -ENOENT;
}

int
ledger_read_token(struct ledger_reader *reader, const char id[TOKEN_ID_SIZE],
    struct token *token)
{
	(void)reader;
	(void)id;
	(void)token;
	return -ENOENT;
}

int
ledger_read_tokens(struct ledger_reader *reader, ledger_token_fn *fn, void *arg)
{
	(void)reader;
	(void)fn;
	(void)arg;
	return 0;
}

struct jv *
ledger_read_audit(struct ledger_reader *reader, uint32_t limit)
{
	(void)reader;
	(void)limit;
	return jv_set(jv_object(), "audit", jv_array());
}

/* A month with one outage, of the operator vulcan only; the name of one
 * deployment is a spreadsheet's formula. */
#define COUNTS(up, down, percent) \
	"\"available\":" up ",\"unavailable\":" down \
	",\"maintenance\":30,\"blind\":2,\"not_measured\":1," \
	"\"availability\":0.99," \
	"\"availability_percent\":" percent
const char fixture_account[] =
    "{\"operator\":\"vulcan\",\"title\":\"Vulcan\",\"month\":\"2026-10\","
    "\"time_zone\":\"Europe/Warsaw\",\"vantage\":\"waw-1\","
    "\"from\":1790805600,\"until\":1793487600,\"as_of\":1793500000,"
    "\"complete\":true,\"minutes\":44700,\"carry_minutes\":10,"
    "\"transactions\":[{\"name\":\"login\"," COUNTS("1234567", "1",
	"99.999") ","
		  "\"deployments\":[{\"name\":\"=main;\\\"\"," COUNTS("5", "0",
		      "null") "}],"
			      "\"days\":[{\"date\":\"2026-10-25\",\"minutes\":"
			      "1500," COUNTS("1467", "0",
				  "100.0") "}]}],"
					   "\"outages\":[{\"deployment\":"
					   "\"main\",\"transaction\":\"login\","
					   "\"from\":1792897200,\"until\":"
					   "1792897260,\"minutes\":1,\"runs\":"
					   "1,"
					   "\"first_run\":"
					   "\"0123456789abcdef0123456789abcdef"
					   "\","
					   "\"reason\":\"http_5xx\",\"step\":"
					   "\"form\",\"incidents\":[7]}],"
					   "\"outages_left_out\":0,"
					   "\"maintenance\":[{\"id\":1,"
					   "\"deployment\":null,\"from\":"
					   "1792897200,"
					   "\"until\":1792899000,\"agreed\":"
					   "false,\"reason\":\"<b>\",\"by\":"
					   "\"Jan\"}],"
					   "\"blind\":[{\"from\":1792897200.5,"
					   "\"until\":1792897260.5,"
					   "\"cause\":\"slept\"}],"
					   "\"csv_sha256\":{\"pl\":\"aa\","
					   "\"en\":\"bb\"}}";

struct jv *
report_account(struct ledger_reader *reader,
    const struct report_question *question, int *problem)
{
	(void)reader;
	*problem = strcmp(question->op, "librus") == 0 ? -EIO : 0;
	return strcmp(question->op, "vulcan") == 0 ? parse(fixture_account)
						   : NULL;
}

void
ledger_reader_interrupt(struct ledger_reader *reader)
{
	(void)reader;
}

struct jv *
report_trace(struct ledger_reader *reader,
    const struct report_question *question, const char *target, wall_us from,
    wall_us to, int *problem)
{
	(void)reader;
	(void)question;
	*problem = 0;
	if (strcmp(target, "vulcan/main/login") != 0)
		return NULL;
	return jv_set(jv_object(), "minutes", jv_int((to - from) / 60000000));
}
