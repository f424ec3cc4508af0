/*
 * What is tried, when, in which order, and what the ledger hears of it. The
 * loop, the http room, the ledger and the configuration are played here, so
 * that time passes only when a test says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "notify/notify.h"

#define S US_PER_S
#define HOUR (3600 * S)
#define WALL0 (INT64_C(1795507200) * S)

/* ---- the loop ---- */

struct loop_timer {
	struct loop_timer *next;
	loop_fn *fn;
	void *arg;
	mono_us due; /* 0: stopped */
};

struct deferred {
	loop_fn *fn;
	void *arg;
};

static struct clock_manual now_is;
static struct loop_timer *timers;
static struct deferred deferred[64];
static size_t n_deferred;
static bool calls_refused;

static struct call {
	mailbox_fn *fn;
	void *ctx;
} calls[256];
static size_t n_calls;

mono_us
loop_now(const struct loop *loop)
{
	(void)loop;
	return now_is.now;
}

const struct clock *
loop_clock(const struct loop *loop)
{
	(void)loop;
	return &now_is.clock;
}

int
loop_call(struct loop *loop, mailbox_fn *fn, void *ctx, const void *payload,
    size_t size)
{
	(void)loop;
	assert_null(payload);
	assert_int_equal(size, 0);
	if (calls_refused) {
		return -EAGAIN;
	}
	assert_true(n_calls < ARRAY_LEN(calls));
	calls[n_calls++] = (struct call){fn, ctx};
	return 0;
}

void
loop_defer(struct loop *loop, loop_fn *fn, void *arg)
{
	(void)loop;
	assert_true(n_deferred < ARRAY_LEN(deferred));
	deferred[n_deferred++] = (struct deferred){fn, arg};
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_timer *timer = mem_new(sizeof(*timer));

	(void)loop;
	*timer = (struct loop_timer){timers, fn, arg, 0};
	timers = timer;
	return timer;
}

void
loop_timer_start(struct loop_timer *timer, dur_us delay)
{
	assert_true(delay >= 0);
	timer->due = now_is.now + delay;
}

void
loop_timer_stop(struct loop_timer *timer)
{
	timer->due = 0;
}

void
loop_timer_free(struct loop_timer *timer)
{
	struct loop_timer **place = &timers;

	while (timer && *place != timer) {
		place = &(*place)->next;
	}
	if (timer) {
		*place = timer->next;
	}
	free(timer);
}

/* ---- http ---- */

struct http_session {
	bool deny_private;
	bool running;
};

struct http_exchange {
	struct http_exchange *next;
	struct http_session *session;
	http_done_fn *done;
	void *arg;
	char *url, *body;
	char id[64], timestamp[32], signature[256];
};

static struct http_exchange *running; /* oldest last */
static unsigned n_sessions, n_started;

struct http_session *
http_session_new(
    struct http_client *client, const struct http_session_options *options)
{
	struct http_session *session = mem_new(sizeof(*session));

	(void)client;
	session->deny_private = options->deny_private;
	n_sessions++;
	return session;
}

void
http_session_free(struct http_session *session)
{
	assert_false(session->running);
	free(session);
	n_sessions--;
}

static const char *
header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->n_headers; i++) {
		if (strcmp(request->headers[i].name, name) == 0) {
			return request->headers[i].value;
		}
	}
	fail_msg("no header %s", name);
	return "";
}

struct http_exchange *
http_start(struct http_session *session, const struct http_request *request,
    http_done_fn *done, void *arg)
{
	struct http_exchange *exchange = mem_new(sizeof(*exchange));

	assert_false(session->running);
	assert_int_equal(request->method, HTTP_POST);
	assert_int_equal(request->timeout, 10 * S);
	assert_int_equal(request->max_body_bytes, 4096);
	assert_string_equal(
	    header(request, "content-type"), "application/json");
	session->running = true;
	exchange->session = session;
	exchange->done = done;
	exchange->arg = arg;
	exchange->url = mem_strdup(request->url);
	exchange->body = mem_strndup(request->body, request->body_len);
	text_copy(
	    exchange->id, sizeof(exchange->id), header(request, "webhook-id"));
	text_copy(exchange->timestamp, sizeof(exchange->timestamp),
	    header(request, "webhook-timestamp"));
	text_copy(exchange->signature, sizeof(exchange->signature),
	    header(request, "webhook-signature"));
	exchange->next = running;
	running = exchange;
	n_started++;
	return exchange;
}

static void
exchange_free(struct http_exchange *exchange)
{
	struct http_exchange **place = &running;

	while (*place != exchange) {
		place = &(*place)->next;
	}
	*place = exchange->next;
	exchange->session->running = false;
	free(exchange->url);
	free(exchange->body);
	free(exchange);
}

void
http_cancel(struct http_exchange *exchange)
{
	exchange_free(exchange);
}

/* The running exchange to that host, or NULL. */
static struct http_exchange *
try_to(const char *host)
{
	struct http_exchange *exchange = running;

	while (exchange && !strstr(exchange->url, host)) {
		exchange = exchange->next;
	}
	return exchange;
}

/* The same where there must be one. */
static struct http_exchange *
running_to(const char *host)
{
	static struct http_exchange none;
	struct http_exchange *exchange = try_to(host);

	if (!exchange) {
		fail_msg("no try to %s is running", host);
		return &none;
	}
	return exchange;
}

/* ---- the ledger ---- */

struct event {
	struct event *next;
	struct incident incident;
	size_t n;
	char body[4096];
	struct ledger_delivery rows[8];
	ledger_done_fn *done;
	void *arg;
};

static struct event *events, **events_end = &events; /* not yet committed */
static struct ledger_delivery attempts[256];
static size_t n_attempts, n_events;
static bool ledger_full, attempts_full, attempts_uncounted, attempts_slow;

/* The attempt whose commit is to come, when attempts are slow. */
static struct {
	ledger_done_fn *done;
	void *arg;
} booking;

static struct {
	struct ledger_delivery row;
	const char *body;
} pending[8];
static size_t n_pending;

int
ledger_put_event(struct ledger *ledger, const struct incident *incident,
    const struct incident_entry *entry,
    const struct ledger_delivery *deliveries, size_t n, const char *body,
    size_t body_len, ledger_done_fn *done, void *arg)
{
	struct event *event;

	(void)ledger;
	assert_true(!incident == !entry);
	assert_true(n <= 8 && body_len < 4096);
	if (ledger_full) {
		return -EAGAIN;
	}
	event = mem_new(sizeof(*event));
	if (incident) {
		event->incident = *incident;
	}
	event->n = n;
	for (size_t i = 0; i < n; i++) {
		event->rows[i] = deliveries[i];
	}
	memcpy(event->body, body, body_len);
	event->done = done;
	event->arg = arg;
	*events_end = event;
	events_end = &event->next;
	n_events++;
	return 0;
}

int
ledger_put_attempt(struct ledger *ledger, const struct ledger_delivery *after,
    wall_us at, dur_us took, ledger_done_fn *done, void *arg)
{
	(void)ledger;
	(void)took;
	assert_true(at >= WALL0);
	if (attempts_full) {
		return -EAGAIN;
	}
	if (!attempts_uncounted) {
		assert_true(n_attempts < ARRAY_LEN(attempts));
		attempts[n_attempts++] = *after;
	}
	if (attempts_slow) {
		booking.done = done;
		booking.arg = arg;
	} else {
		done(arg, 0);
	}
	return 0;
}

int
ledger_each_pending(struct ledger *ledger,
    void (*fn)(void *arg, const struct ledger_delivery *delivery,
	const char *body, size_t body_len),
    void *arg)
{
	(void)ledger;
	for (size_t i = 0; i < n_pending; i++) {
		fn(arg, &pending[i].row, pending[i].body,
		    strlen(pending[i].body));
	}
	return 0;
}

/* What is dead in the ledger is what the test says; it is pending then. */
int
ledger_revive(struct ledger *ledger, int64_t id, wall_us now,
    ledger_revived_fn *fn, void *arg)
{
	(void)ledger;
	for (size_t i = 0; i < n_pending; i++) {
		if (id == 0 || pending[i].row.id == id) {
			pending[i].row.state = DELIVERY_PENDING;
			pending[i].row.created = pending[i].row.next_try = now;
			fn(arg, &pending[i].row, pending[i].body,
			    strlen(pending[i].body));
		}
	}
	return 0;
}

/* ---- the configuration ---- */

static int conf_references;

struct conf *
conf_hold(struct conf *conf)
{
	conf_references++;
	return conf;
}

void
conf_release(struct conf *conf)
{
	conf_references -= conf != NULL;
}

static const char *only_librus[] = {"librus"};
static const struct secret *keys[2];

static struct conf_subscriber both[] = {
    {.name = "alpha",
	.url = "https://alpha.example/hook",
	.secrets = keys,
	.n_secrets = 2,
	.min_severity = 1,
	.per_minute = 30,
	.allow_private = true},
    {.name = "beta",
	.url = "https://beta.example/hook",
	.secrets = keys,
	.n_secrets = 1,
	.operators = only_librus,
	.n_operators = 1,
	.min_severity = 3,
	.per_minute = 30},
};
static struct conf conf = {
    .vantage = "test",
    .web = {.public_url = "https://dyzurny.example"},
    .subscribers = both,
    .n_subscribers = 2,
};

/* ---- running it ---- */

static struct notify *notify;

static void
settle(void)
{
	while (n_calls > 0 || n_deferred > 0) {
		if (n_deferred > 0) {
			struct deferred one = deferred[0];

			n_deferred--;
			memmove(deferred, deferred + 1,
			    n_deferred * sizeof(*deferred));
			one.fn(one.arg);
		} else {
			struct call one = calls[0];

			n_calls--;
			memmove(calls, calls + 1, n_calls * sizeof(*calls));
			one.fn(one.ctx, NULL, 0);
		}
	}
}

/* What the store lane does with the oldest event. */
static void
commit(int problem)
{
	struct event *event = events;

	if (!event) {
		fail_msg("nothing is to be committed");
		return;
	}
	events = event->next;
	if (!events) {
		events_end = &events;
	}
	event->done(event->arg, problem);
	free(event);
	settle();
}

/* Time passes; timers fire in order, each at its own instant. */
static void
pass(dur_us time)
{
	mono_us until = now_is.now + time;

	for (;;) {
		struct loop_timer *first = NULL;

		for (struct loop_timer *t = timers; t; t = t->next) {
			if (t->due != 0 && t->due <= until &&
			    (!first || t->due < first->due)) {
				first = t;
			}
		}
		if (!first) {
			break;
		}
		if (first->due > now_is.now) {
			clock_manual_advance(&now_is, first->due - now_is.now);
		}
		first->due = 0;
		first->fn(first->arg);
		settle();
	}
	clock_manual_advance(&now_is, until - now_is.now);
}

static void
answer_with(
    const char *host, enum reason reason, int status, dur_us retry_after)
{
	struct http_exchange *exchange = running_to(host);
	struct http_response response = {.reason = reason,
	    .status = status,
	    .retry_after = retry_after,
	    .body = "",
	    .latency = 1000};
	http_done_fn *done;
	void *arg;

	done = exchange->done;
	arg = exchange->arg;
	exchange_free(exchange);
	done(arg, &response);
	settle();
}

static void
answer(const char *host, int status)
{
	answer_with(host, REASON_OK, status, 0);
}

static void
tell(int64_t number, enum notify_event event, const char *scope, int severity)
{
	struct incident incident = {.number = number,
	    .severity = severity,
	    .opened = WALL0,
	    .reason = REASON_HTTP_5XX,
	    .side = SIDE_OPERATOR,
	    .phase = PHASE_WAIT,
	    .step = "submit",
	    .value = 0.5,
	    .threshold = 0.75,
	    .summary_pl = "Librus — logowanie: źle",
	    .summary_en = "Librus — login: bad",
	    .trace_ids = {"0af7651916cd43dd8448eb211c80319c"}};
	struct incident_entry entry = {.incident = number, .at = WALL0};

	text_copy(incident.rule, sizeof(incident.rule), "availability");
	text_copy(incident.scope, sizeof(incident.scope), scope);
	if (event == NOTIFY_RESOLVED) {
		incident.resolved = WALL0 + 60 * S;
	}
	notify_incident(notify, event, &incident, &entry);
}

/* A step of an incident that only alpha hears of. */
static void
tell_alpha(int64_t number, enum notify_event event)
{
	tell(number, event, "vulcan/_all/login", 2);
	commit(0);
}

static struct notify_stats
stats(void)
{
	struct notify_stats now;

	notify_stats(notify, &now);
	return now;
}

static int
begin(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	clock_manual_init(&now_is, 5000 * S, WALL0);
	n_attempts = n_events = n_pending = 0;
	n_started = 0;
	ledger_full = attempts_full = attempts_slow = calls_refused = false;
	keys[0] = secret_new("0123456789abcdef01234567", 24);
	keys[1] = secret_new("76543210fedcba9876543210", 24);
	notify = notify_new(&(struct notify_options){0});
	return 0;
}

static void
free_key(const struct secret **key)
{
	union {
		const struct secret *shared;
		struct secret *own;
	} it = {.shared = *key};

	secret_free(it.own);
	*key = NULL;
}

static int
end(void **state)
{
	(void)state;
	notify_stop(notify);
	assert_null(running);
	while (events) {
		commit(0);
	}
	settle();
	notify_free(notify);
	free_key(&keys[0]);
	free_key(&keys[1]);
	assert_null(timers);
	assert_int_equal(n_sessions, 0);
	assert_int_equal(conf_references, 0);
	return 0;
}

/* ---- tests ---- */

static void
nothing_is_tried_before_it_is_written(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell(7, NOTIFY_OPENED, "librus/_all/login", 3);
	pass(10 * S);
	assert_int_equal(n_started, 0);
	assert_int_equal(stats().pending, 2);
	commit(0);
	assert_int_equal(n_started, 2);
	assert_non_null(try_to("alpha"));
	assert_non_null(try_to("beta"));
	answer("alpha", 200);
	answer("beta", 204);
	assert_int_equal(n_attempts, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(attempts[i].state, DELIVERY_CONFIRMED);
		assert_int_equal(attempts[i].tries, 1);
		assert_int_equal(attempts[i].incident, 7);
		assert_true(attempts[i].finished > 0);
	}
	assert_int_not_equal(attempts[0].id, attempts[1].id);
	assert_int_equal(stats().pending, 0);
	assert_int_equal(stats().confirmed, 2);
}

static void
the_body_says_what_the_contract_promises(void **state)
{
	struct jv *body, *data;
	char problem[80];

	(void)state;
	notify_apply(notify, &conf);
	tell(7, NOTIFY_OPENED, "librus/_all/login", 3);
	commit(0);
	body = jv_parse(running_to("alpha")->body,
	    strlen(running_to("alpha")->body), problem, sizeof(problem));
	assert_non_null(body);
	data = jv_get(body, "data");
	assert_string_equal(jv_get_string(body, "type", ""), "incident.opened");
	assert_memory_equal(
	    jv_get_string(body, "timestamp", ""), "2026-11-24T08:00:00", 19);
	assert_int_equal(jv_get_int(data, "number", 0), 7);
	assert_string_equal(jv_get_string(data, "operator", ""), "librus");
	assert_int_equal(jv_kind(jv_get(data, "deployment")), JV_NULL);
	assert_string_equal(jv_get_string(data, "transaction", ""), "login");
	assert_string_equal(
	    jv_get_string(data, "scope", ""), "librus/_all/login");
	assert_string_equal(jv_get_string(data, "rule", ""), "availability");
	assert_int_equal(jv_get_int(data, "severity", 0), 3);
	assert_string_equal(jv_get_string(data, "state", ""), "open");
	assert_int_equal(jv_get_int(data, "opened", 0), WALL0 / S);
	assert_int_equal(jv_kind(jv_get(data, "resolved")), JV_NULL);
	assert_string_equal(jv_get_string(data, "reason", ""), "http_5xx");
	assert_string_equal(jv_get_string(data, "side", ""), "operator");
	assert_string_equal(jv_get_string(data, "step", ""), "submit");
	assert_string_equal(jv_get_string(data, "phase", ""), "wait");
	assert_true(jv_real_value(jv_get(data, "value")) == 0.5);
	assert_true(jv_real_value(jv_get(data, "threshold")) == 0.75);
	assert_string_equal(jv_string_value(jv_pointer(data, "/summary/pl")),
	    "Librus — logowanie: źle");
	assert_string_equal(jv_string_value(jv_pointer(data, "/summary/en")),
	    "Librus — login: bad");
	assert_string_equal(jv_get_string(data, "url", ""),
	    "https://dyzurny.example/incidents/7");
	assert_int_equal(jv_len(jv_get(data, "trace_ids")), 1);
	assert_string_equal(jv_string_value(jv_pointer(data, "/trace_ids/0")),
	    "0af7651916cd43dd8448eb211c80319c");
	jv_release(body);
}

static void
each_try_is_signed_anew_under_the_same_id(void **state)
{
	char id[64], signature[256];
	struct buf expected;
	struct http_exchange *try;

	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	try = running_to("alpha");
	assert_memory_equal(try->id, "msg_", 4);
	text_copy(id, sizeof(id), try->id);
	text_copy(signature, sizeof(signature), try->signature);
	/* two keys, two signatures */
	assert_non_null(strstr(signature, " v1,"));
	buf_init(&expected, 512);
	assert_true(notify_sign(&expected, keys, 2, id, now_is.wall / S,
	    try->body, strlen(try->body)));
	assert_string_equal(signature, expected.data);
	buf_fini(&expected);
	answer("alpha", 500);
	pass(7 * S);
	try = running_to("alpha");
	assert_string_equal(try->id, id);
	assert_string_not_equal(try->signature, signature);
}

static void
a_failed_try_is_repeated_after_a_pause(void **state)
{
	static const struct {
		enum reason reason;
		int status;
	} cases[] = {
	    {REASON_OK, 500},
	    {REASON_OK, 404},
	    {REASON_OK, 302}, /* a redirect is not followed */
	    {REASON_CONNECT_REFUSED, 0},
	    {REASON_NO_ANSWER, 0},
	    {REASON_SLOW_BODY, 200},
	    {REASON_FD_LIMIT, 0},
	};

	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		answer_with("alpha", cases[i].reason, cases[i].status, 0);
		assert_null(try_to("alpha"));
		assert_int_equal(n_attempts, i + 1);
		assert_int_equal(attempts[i].state, DELIVERY_PENDING);
		assert_int_equal(attempts[i].tries, i + 1);
		assert_int_equal(attempts[i].last_status, cases[i].status);
		assert_true(attempts[i].next_try > now_is.wall);
		assert_string_not_equal(attempts[i].last_problem, "");
		pass(2 * HOUR);
		assert_non_null(try_to("alpha"));
	}
	assert_int_equal(stats().failed_attempts, ARRAY_LEN(cases));
	/* much to say, but the status came with it */
	answer_with("alpha", REASON_TOO_LARGE, 200, 0);
	assert_int_equal(stats().confirmed, 1);
}

static void
the_first_pause_is_about_five_seconds(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	answer("alpha", 500);
	pass(39 * S / 10);
	assert_int_equal(n_started, 1);
	pass(22 * S / 10);
	assert_int_equal(n_started, 2);
}

static void
events_of_one_incident_arrive_in_order(void **state)
{
	static const char *const order[] = {
	    "incident.opened", "incident.updated", "incident.resolved"};
	size_t next = 0;

	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	answer("alpha", 500);
	tell_alpha(7, NOTIFY_UPDATED);
	tell_alpha(7, NOTIFY_RESOLVED);
	assert_null(try_to("alpha"));
	/* another incident does not wait for this one */
	tell_alpha(8, NOTIFY_OPENED);
	assert_non_null(strstr(running_to("alpha")->body, "\"number\":8"));
	answer("alpha", 500);
	pass(7 * S);
	/* the receiver is back: nothing waits for its hour any more */
	while (stats().pending > 0) {
		const char *body = running_to("alpha")->body;

		if (strstr(body, "\"number\":7")) {
			assert_true(next < ARRAY_LEN(order));
			assert_non_null(strstr(body, order[next++]));
		}
		answer("alpha", 200);
	}
	assert_int_equal(next, ARRAY_LEN(order));
	assert_int_equal(stats().confirmed, 4);
}

static void
a_dead_receiver_delays_nobody_else(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	for (int64_t i = 1; i <= 3; i++) {
		tell(i, NOTIFY_OPENED, "librus/_all/login", 4);
		commit(0);
		answer("beta", 200);
		/* one try at a time to the one that says nothing */
		assert_int_equal(n_started, i + 1);
	}
	assert_int_equal(stats().confirmed, 3);
	assert_int_equal(stats().pending, 3);
}

static void
retry_after_is_honoured_for_the_whole_receiver(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	answer_with("alpha", REASON_OK, 503, 900 * S);
	tell_alpha(8, NOTIFY_OPENED);
	pass(899 * S);
	assert_int_equal(n_started, 1);
	pass(2 * S);
	assert_int_equal(n_started, 2);
	answer("alpha", 200);
	answer("alpha", 200);
	assert_int_equal(stats().confirmed, 2);
}

static void
gone_ends_the_tries_until_reload(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	answer("alpha", 410);
	assert_int_equal(attempts[0].state, DELIVERY_DEAD);
	assert_int_equal(stats().dead, 1);
	tell_alpha(8, NOTIFY_OPENED);
	pass(5 * HOUR);
	assert_int_equal(n_started, 1);
	notify_apply(notify, &conf);
	assert_int_equal(n_started, 2);
	answer("alpha", 200);
	/* and what is never taken up again dies of age */
	tell_alpha(9, NOTIFY_OPENED);
	answer("alpha", 410);
	tell_alpha(10, NOTIFY_OPENED);
	pass(73 * HOUR);
	assert_int_equal(n_started, 3);
	assert_int_equal(stats().dead, 3);
	assert_int_equal(stats().pending, 0);
}

static void
after_three_days_a_delivery_is_dead(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	for (int i = 0; i < 80 * 60 && stats().pending > 0; i++) {
		if (try_to("alpha")) {
			answer("alpha", 500);
		}
		pass(60 * S);
	}
	assert_int_equal(stats().dead, 1);
	assert_int_equal(attempts[n_attempts - 1].state, DELIVERY_DEAD);
	/* hourly, less what the jitter takes, and a few at the beginning */
	assert_true(n_started > 58 && n_started < 100);
	assert_true(attempts[n_attempts - 1].finished >= WALL0 + 72 * HOUR);
}

static void
subscribers_hear_only_what_they_asked_for(void **state)
{
	static const struct {
		const char *scope;
		int severity;
		bool beta;
	} cases[] = {
	    {"librus/_all/login", 3, true},
	    {"librus/a/login", 4, true},
	    {"librus/_all/login", 2, false},
	    {"vulcan/_all/login", 4, false},
	    {"librus2/_all/login", 4, false},
	    {"lib/_all/login", 4, false},
	    {"librus", 3, true},
	};

	(void)state;
	notify_apply(notify, &conf);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		tell((int64_t)i + 1, NOTIFY_OPENED, cases[i].scope,
		    cases[i].severity);
		commit(0);
		assert_non_null(try_to("alpha"));
		assert_int_equal(try_to("beta") != NULL, cases[i].beta);
		answer("alpha", 200);
		if (cases[i].beta) {
			answer("beta", 200);
		}
	}
}

static void
private_addresses_are_allowed_only_when_configured(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell(7, NOTIFY_OPENED, "librus/_all/login", 3);
	commit(0);
	assert_false(running_to("alpha")->session->deny_private);
	assert_true(running_to("beta")->session->deny_private);
}

static void
nobody_subscribing_is_still_written(void **state)
{
	struct conf none = conf;

	(void)state;
	none.n_subscribers = 0;
	notify_apply(notify, &none);
	tell(7, NOTIFY_OPENED, "librus/_all/login", 3);
	assert_int_equal(n_events, 1);
	assert_int_equal(events->incident.number, 7);
	commit(0);
	assert_int_equal(n_started, 0);
	notify_apply(notify, &conf);
}

static void
a_refused_write_is_repeated_and_keeps_the_order(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	ledger_full = true;
	tell(7, NOTIFY_OPENED, "vulcan/_all/login", 2);
	ledger_full = false;
	tell(7, NOTIFY_RESOLVED, "vulcan/_all/login", 2);
	tell(8, NOTIFY_OPENED, "librus/_all/login", 2);
	/* the end waits for the beginning, others do not */
	assert_int_equal(n_events, 2);
	assert_int_equal(events->incident.resolved, 0);
	commit(-ENOSPC);
	commit(0);
	assert_int_equal(n_started, 0);
	pass(2 * S);
	assert_int_equal(n_events, 3);
	assert_int_equal(events->incident.number, 7);
	assert_int_equal(events->incident.resolved, 0);
	commit(0);
	assert_int_equal(n_events, 4);
	assert_true(events->incident.resolved > 0);
	commit(0);
	assert_non_null(strstr(running_to("alpha")->body, "incident.opened"));
	answer("alpha", 200);
	assert_non_null(strstr(running_to("alpha")->body, "incident.resolved"));
	answer("alpha", 200);
	assert_non_null(strstr(running_to("alpha")->body, "incident.opened"));
	answer("alpha", 200);
}

static void
a_stop_writes_all_that_waits(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell(7, NOTIFY_OPENED, "vulcan/_all/login", 2);
	tell(7, NOTIFY_RESOLVED, "vulcan/_all/login", 2);
	assert_int_equal(n_events, 1);
	notify_stop(notify);
	assert_int_equal(n_events, 2);
}

static void
what_was_refused_for_itself_keeps_its_pause(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	answer("alpha", 400);
	tell_alpha(8, NOTIFY_OPENED);
	answer("alpha", 500);
	tell_alpha(9, NOTIFY_OPENED);
	answer("alpha", 200);
	/* the receiver is well: 8 goes at once, 7 waits */
	assert_non_null(strstr(running_to("alpha")->body, "\"number\":8"));
	answer("alpha", 200);
	assert_null(try_to("alpha"));
	pass(7 * S);
	assert_non_null(strstr(running_to("alpha")->body, "\"number\":7"));
	answer("alpha", 200);
}

static void
a_lost_wake_up_is_found_by_the_sweep(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell(7, NOTIFY_OPENED, "vulcan/_all/login", 2);
	calls_refused = true;
	commit(0);
	assert_int_equal(n_started, 0);
	pass(2 * S);
	assert_int_equal(n_started, 1);
}

static void
an_outcome_that_finds_no_room_is_written_later(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	attempts_full = true;
	answer("alpha", 200);
	assert_int_equal(n_attempts, 0);
	attempts_full = false;
	pass(2 * S);
	assert_int_equal(n_attempts, 1);
	assert_int_equal(attempts[0].state, DELIVERY_CONFIRMED);
}

static void
the_next_try_waits_until_the_outcome_before_is_booked(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	tell_alpha(8, NOTIFY_OPENED);
	attempts_slow = true;
	answer("alpha", 200);
	assert_null(try_to("alpha"));
	pass(5 * S);
	assert_null(try_to("alpha"));
	booking.done(booking.arg, 0);
	settle();
	assert_non_null(try_to("alpha"));
	/* kept for later is booked, and a full mailbox costs a second */
	answer("alpha", 500);
	tell_alpha(9, NOTIFY_OPENED);
	assert_null(try_to("alpha"));
	calls_refused = true;
	booking.done(booking.arg, -ENOSPC);
	settle();
	assert_null(try_to("alpha"));
	calls_refused = false;
	pass(1 * S);
	assert_non_null(try_to("alpha"));
}

static void
load_pending(size_t i, int64_t id, int64_t incident, const char *subscriber,
    wall_us next_try, const char *body)
{
	pending[i].row = (struct ledger_delivery){.id = id,
	    .incident = incident,
	    .state = DELIVERY_PENDING,
	    .created = WALL0 - HOUR,
	    .next_try = next_try,
	    .tries = 3};
	text_copy(pending[i].row.subscriber, sizeof(pending[i].row.subscriber),
	    subscriber);
	text_copy(pending[i].row.webhook_id, sizeof(pending[i].row.webhook_id),
	    "msg_before");
	text_copy(pending[i].row.type, sizeof(pending[i].row.type),
	    "incident.opened");
	pending[i].body = body;
	n_pending = i + 1;
}

#define YEAR (INT64_C(365) * 24 * HOUR)

static void
a_clock_that_is_set_kills_no_delivery(void **state)
{
	(void)state;
	/* as it starts a year ahead: each has a time to be tried */
	load_pending(0, 11, 5, "alpha", WALL0 - YEAR, "{}");
	pending[0].row.created = WALL0 - YEAR;
	assert_int_equal(notify_load(notify), 0);
	notify_apply(notify, &conf);
	answer("alpha", 200);
	assert_int_equal(stats().confirmed, 1);
	/* between the event and its commit, and before a try is over */
	tell(7, NOTIFY_OPENED, "vulcan/_all/login", 2);
	now_is.wall += YEAR;
	commit(0);
	now_is.wall -= YEAR - HOUR;
	answer("alpha", 500);
	now_is.wall += 2 * YEAR;
	pass(10 * S);
	answer("alpha", 200);
	assert_int_equal(stats().confirmed, 2);
	assert_int_equal(stats().dead, 0);
}

static void
an_event_outlasts_a_full_disk_that_takes_smaller_ones(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell(7, NOTIFY_OPENED, "vulcan/_all/login", 2);
	for (int i = 0; i < 20; i++) {
		tell(8 + i, NOTIFY_OPENED, "vulcan/_all/login", 2);
		commit(-ENOSPC);
		commit(0);
	}
	assert_int_equal(events->incident.number, 7);
	commit(0);
	assert_int_equal(n_events, 20 + 21);
	for (int i = 0; i < 21; i++) {
		answer("alpha", 200);
	}
	assert_int_equal(stats().confirmed, 21);
}

static void
a_restart_takes_up_what_was_pending(void **state)
{
	(void)state;
	load_pending(0, 11, 5, "alpha", WALL0 + 60 * S, "{\"first\":1}");
	load_pending(1, 12, 5, "alpha", WALL0 - 60 * S, "{\"second\":1}");
	load_pending(2, 13, 6, "gone", WALL0, "{}");
	assert_int_equal(notify_load(notify), 0);
	assert_int_equal(stats().pending, 3);
	notify_apply(notify, &conf);
	/* the subscriber that is gone */
	assert_int_equal(n_attempts, 1);
	assert_int_equal(attempts[0].id, 13);
	assert_int_equal(attempts[0].state, DELIVERY_DEAD);
	/* in order although the second is due already */
	assert_int_equal(n_started, 0);
	pass(61 * S);
	assert_string_equal(running_to("alpha")->body, "{\"first\":1}");
	assert_string_equal(running_to("alpha")->id, "msg_before");
	answer("alpha", 200);
	assert_int_equal(attempts[1].tries, 4);
	assert_string_equal(running_to("alpha")->body, "{\"second\":1}");
	answer("alpha", 200);
	assert_int_equal(stats().pending, 0);
}

static void
a_stop_leaves_running_tries_pending(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	assert_non_null(try_to("alpha"));
	notify_stop(notify);
	assert_null(try_to("alpha"));
	assert_int_equal(n_attempts, 0);
	assert_int_equal(stats().pending, 1);
	pass(HOUR);
	assert_int_equal(n_started, 1);
}

static void
a_removed_subscriber_ends_with_its_deliveries(void **state)
{
	struct conf only_beta = conf;

	(void)state;
	only_beta.subscribers = &both[1];
	only_beta.n_subscribers = 1;
	notify_apply(notify, &conf);
	tell_alpha(7, NOTIFY_OPENED);
	tell_alpha(8, NOTIFY_OPENED);
	/* written after the subscriber is gone */
	tell(9, NOTIFY_OPENED, "vulcan/_all/login", 2);
	notify_apply(notify, &only_beta);
	assert_null(try_to("alpha"));
	assert_int_equal(stats().dead, 2);
	commit(0);
	assert_int_equal(stats().dead, 3);
	assert_int_equal(n_attempts, 3);
	assert_int_equal(n_sessions, 0);
	notify_apply(notify, &conf);
}

static void
a_test_message_goes_to_one_subscriber(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	assert_false(notify_test(notify, "nobody"));
	assert_true(notify_test(notify, "beta"));
	commit(0);
	assert_null(try_to("alpha"));
	assert_non_null(strstr(running_to("beta")->body, "\"type\":\"test\""));
	answer("beta", 200);
	assert_int_equal(attempts[0].incident, 0);
}

static void
ids_are_unique_and_grow(void **state)
{
	int64_t last = 0;

	(void)state;
	notify_apply(notify, &conf);
	for (int64_t i = 1; i <= 20; i++) {
		tell(i, NOTIFY_OPENED, "librus/_all/login", 4);
		assert_int_equal(events->n, 2);
		for (size_t k = 0; k < 2; k++) {
			assert_true(events->rows[k].id > last);
			assert_true(events->rows[k].id >= WALL0);
			last = events->rows[k].id;
		}
		assert_string_not_equal(
		    events->rows[0].webhook_id, events->rows[1].webhook_id);
		commit(0);
	}
}

static void
a_full_outbox_lets_the_oldest_updates_go(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	notify_apply(notify, &conf);
	tell_alpha(1, NOTIFY_OPENED);
	tell_alpha(1, NOTIFY_UPDATED);
	for (int64_t i = 2; i <= 9999; i++) {
		tell_alpha(i, NOTIFY_OPENED);
	}
	assert_int_equal(stats().pending, 10000);
	assert_int_equal(stats().dead, 0);
	tell_alpha(10000, NOTIFY_OPENED);
	assert_int_equal(stats().pending, 10000);
	assert_int_equal(stats().dead, 1);
	assert_string_equal(attempts[0].type, "incident.updated");
	/* without an update it is the oldest, but never the one being tried */
	tell_alpha(10001, NOTIFY_OPENED);
	assert_int_equal(stats().dead, 2);
	assert_int_equal(attempts[1].incident, 2);
}

/* "incident.opened 7, incident.resolved 7": what a message is about. */
static void
contents(const char *body, char *out, size_t size)
{
	struct jv *message = jv_parse(body, strlen(body), NULL, 0);
	struct jv *several = jv_pointer(message, "/data/events");
	size_t n = several ? jv_len(several) : 1, used = 0;

	for (size_t i = 0; i < n; i++) {
		struct jv *one = several ? jv_at(several, i) : message;

		used += (size_t)snprintf(out + used, size - used, "%s%s %lld",
		    i > 0 ? ", " : "", jv_get_string(one, "type", "?"),
		    (long long)jv_get_int(jv_get(one, "data"), "number", 0));
	}
	jv_release(message);
}

static void
a_flood_comes_in_digests(void **state)
{
	char text[1024], id[64];

	(void)state;
	both[0].per_minute = 3;
	notify_apply(notify, &conf);
	tell_alpha(1, NOTIFY_OPENED);
	for (int64_t i = 2; i <= 5; i++) {
		tell_alpha(i, NOTIFY_OPENED);
	}
	tell_alpha(2, NOTIFY_RESOLVED);
	contents(running_to("alpha")->body, text, sizeof(text));
	assert_string_equal(text, "incident.opened 1");
	answer("alpha", 204);
	/* five are due and two messages are left: all come in one */
	contents(running_to("alpha")->body, text, sizeof(text));
	assert_string_equal(text,
	    "incident.opened 2, incident.opened 3, incident.opened 4, "
	    "incident.opened 5, incident.resolved 2");
	text_copy(id, sizeof(id), running_to("alpha")->id);
	answer("alpha", 500);
	assert_int_equal(stats().pending, 5);
	/* the third message is the same one again, under the same id */
	pass(7 * S);
	assert_string_equal(running_to("alpha")->id, id);
	contents(running_to("alpha")->body, text, sizeof(text));
	assert_non_null(strstr(text, "incident.opened 5, incident.resolved 2"));
	answer("alpha", 204);
	assert_int_equal(stats().pending, 0);
	assert_int_equal(stats().confirmed, 6);
	/* the minute's messages are spent */
	tell_alpha(9, NOTIFY_OPENED);
	assert_null(try_to("alpha"));
	pass(60 * S);
	contents(running_to("alpha")->body, text, sizeof(text));
	assert_string_equal(text, "incident.opened 9");
	answer("alpha", 204);
	both[0].per_minute = 30;
}

static void
what_waits_for_its_forerunner_is_not_told_before_it(void **state)
{
	char text[1024];

	(void)state;
	both[0].per_minute = 1;
	notify_apply(notify, &conf);
	tell_alpha(1, NOTIFY_OPENED);
	answer_with("alpha", REASON_OK, 404, 0);
	/* now 1 waits for its second try, and others come */
	tell_alpha(1, NOTIFY_RESOLVED);
	tell_alpha(2, NOTIFY_OPENED);
	tell_alpha(3, NOTIFY_OPENED);
	pass(60 * S);
	contents(running_to("alpha")->body, text, sizeof(text));
	assert_string_equal(text,
	    "incident.opened 1, incident.resolved 1, incident.opened 2, "
	    "incident.opened 3");
	answer("alpha", 204);
	assert_int_equal(stats().pending, 0);
	both[0].per_minute = 30;
}

/* Every try fails until then, and the last word on each incident waits for the
 * first. */
static void
stay_away(dur_us until)
{
	while (now_is.now < until) {
		if (try_to("alpha")) {
			answer_with("alpha", REASON_CONNECT_REFUSED, 0, 0);
		} else {
			pass(60 * S);
		}
	}
}

static void
a_receiver_that_was_away_for_days_gets_it_all(void **state)
{
	static const unsigned hours[] = {1, 6, 48, 71};
	/* twice as many events; OUTBOX_INCIDENTS=5000 fills an outbox */
	const char *asked = getenv("OUTBOX_INCIDENTS");
	unsigned incidents = asked ? (unsigned)atoi(asked) : 500;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	attempts_uncounted = true;
	notify_apply(notify, &conf);
	for (size_t i = 0; i < ARRAY_LEN(hours); i++) {
		struct notify_stats before = stats();
		mono_us back = now_is.now + hours[i] * HOUR;
		dur_us step = hours[i] * HOUR / incidents;
		int64_t first = 1 + (int64_t)i * incidents;
		unsigned messages = 0;

		for (int64_t n = first; n < first + incidents; n++) {
			tell_alpha(n, NOTIFY_OPENED);
			tell_alpha(n, NOTIFY_RESOLVED);
			if (try_to("alpha")) {
				answer_with(
				    "alpha", REASON_CONNECT_REFUSED, 0, 0);
			}
			pass(step);
		}
		stay_away(back);
		assert_int_equal(
		    stats().pending - before.pending, 2 * incidents);
		while (stats().pending > 0) {
			if (try_to("alpha")) {
				answer("alpha", 204);
				messages++;
			} else {
				pass(10 * S);
			}
			assert_true(now_is.now - back < 2 * HOUR);
		}
		assert_int_equal(stats().dead, before.dead);
		assert_int_equal(
		    stats().confirmed - before.confirmed, 2 * incidents);
		/* not ten thousand messages, and not one for all */
		assert_in_range(messages, 2 * incidents / 50, 500);
	}
	attempts_uncounted = false;
}

static void
a_dead_letter_is_sent_when_somebody_asks(void **state)
{
	(void)state;
	notify_apply(notify, &conf);
	tell_alpha(1, NOTIFY_OPENED);
	answer("alpha", 410);
	assert_int_equal(stats().dead, 1);
	assert_null(try_to("alpha"));
	for (n_pending = 0; n_pending < 3; n_pending++) {
		pending[n_pending].row =
		    (struct ledger_delivery){.id = 100 + (int64_t)n_pending,
			.incident = 9,
			.subscriber = "alpha",
			.type = "incident.updated",
			.state = DELIVERY_DEAD};
		snprintf(pending[n_pending].row.webhook_id,
		    sizeof(pending[n_pending].row.webhook_id), "msg_%zu",
		    n_pending);
		pending[n_pending].body =
		    "{\"type\":\"incident.updated\",\"data\":{}}";
	}
	assert_int_equal(notify_revive(notify, 101), 0);
	settle();
	/* the receiver had said 410, and is tried all the same */
	assert_string_equal(running_to("alpha")->id, "msg_1");
	answer("alpha", 204);
	assert_int_equal(stats().pending, 0);
	/* all of them, in their order */
	assert_int_equal(notify_revive(notify, 0), 0);
	settle();
	for (size_t i = 0; i < 3; i++) {
		char id[16];

		snprintf(id, sizeof(id), "msg_%zu", i);
		assert_string_equal(running_to("alpha")->id, id);
		answer("alpha", 204);
	}
	assert_int_equal(stats().confirmed, 4);
}

static void
an_alertmanager_is_told_again_what_is_open(void **state)
{
	struct incident open[] = {{.number = 7, .severity = 2, .opened = WALL0},
	    {.number = 8, .severity = 2, .opened = WALL0}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		text_copy(
		    open[i].scope, sizeof(open[i].scope), "vulcan/x/login");
		text_copy(open[i].rule, sizeof(open[i].rule), "logins");
	}
	both[0].format = CONF_FORMAT_ALERTMANAGER_API;
	notify_apply(notify, &conf);
	notify_refresh(notify, open, 2);
	assert_non_null(
	    strstr(running_to("alpha")->body, "\"incident\":\"7\""));
	assert_non_null(
	    strstr(running_to("alpha")->body, "\"incident\":\"8\""));
	assert_null(try_to("beta"));
	/* it is no delivery: nobody tries it again, and news do not wait */
	answer("alpha", 500);
	assert_int_equal(stats().pending, 0);
	tell_alpha(9, NOTIFY_OPENED);
	answer("alpha", 200);
	pass(60 * S);
	notify_refresh(notify, open, 2);
	assert_null(try_to("alpha"));
	pass(60 * S);
	notify_refresh(notify, open, 1);
	assert_null(strstr(running_to("alpha")->body, "\"incident\":\"8\""));
	tell_alpha(10, NOTIFY_OPENED);
	answer("alpha", 200);
	assert_non_null(
	    strstr(running_to("alpha")->body, "\"incident\":\"10\""));
	answer("alpha", 200);
	assert_int_equal(stats().confirmed, 2);
	pass(120 * S);
	notify_refresh(notify, open, 0);
	assert_null(try_to("alpha"));
	both[0].format = CONF_FORMAT_STANDARD;
}

#define outbox_test(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    outbox_test(nothing_is_tried_before_it_is_written),
	    outbox_test(the_body_says_what_the_contract_promises),
	    outbox_test(each_try_is_signed_anew_under_the_same_id),
	    outbox_test(a_failed_try_is_repeated_after_a_pause),
	    outbox_test(the_first_pause_is_about_five_seconds),
	    outbox_test(events_of_one_incident_arrive_in_order),
	    outbox_test(a_dead_receiver_delays_nobody_else),
	    outbox_test(retry_after_is_honoured_for_the_whole_receiver),
	    outbox_test(gone_ends_the_tries_until_reload),
	    outbox_test(after_three_days_a_delivery_is_dead),
	    outbox_test(subscribers_hear_only_what_they_asked_for),
	    outbox_test(private_addresses_are_allowed_only_when_configured),
	    outbox_test(nobody_subscribing_is_still_written),
	    outbox_test(a_refused_write_is_repeated_and_keeps_the_order),
	    outbox_test(a_stop_writes_all_that_waits),
	    outbox_test(what_was_refused_for_itself_keeps_its_pause),
	    outbox_test(a_lost_wake_up_is_found_by_the_sweep),
	    outbox_test(an_outcome_that_finds_no_room_is_written_later),
	    outbox_test(the_next_try_waits_until_the_outcome_before_is_booked),
	    outbox_test(a_clock_that_is_set_kills_no_delivery),
	    outbox_test(an_event_outlasts_a_full_disk_that_takes_smaller_ones),
	    outbox_test(a_restart_takes_up_what_was_pending),
	    outbox_test(a_stop_leaves_running_tries_pending),
	    outbox_test(a_removed_subscriber_ends_with_its_deliveries),
	    outbox_test(a_test_message_goes_to_one_subscriber),
	    outbox_test(ids_are_unique_and_grow),
	    outbox_test(a_flood_comes_in_digests),
	    outbox_test(a_receiver_that_was_away_for_days_gets_it_all),
	    outbox_test(a_dead_letter_is_sent_when_somebody_asks),
	    outbox_test(what_waits_for_its_forerunner_is_not_told_before_it),
	    outbox_test(an_alertmanager_is_told_again_what_is_open),
	    outbox_test(a_full_outbox_lets_the_oldest_updates_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
