#include "tests/unit/probe/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "probe/evidence.h"
#include "tests/unit/conf/folder.h"

static struct scene *playing;
static struct clock_manual the_clock;
static struct loop *the_loop;
static struct probe_run *the_run;
static struct target_set *the_targets;
static int used[64];
static loop_fn *the_work_done;

/* ---- the operator ---- */

struct http_session {
	char cookies[1024];
	struct http_exchange *running;
};

struct http_exchange {
	struct http_session *session;
	struct loop_timer *timer;
	const struct reply *reply;
	http_done_fn *done;
	void *arg;
	dur_us timeout;
	char url[8192];
	size_t max_body;
};

struct http_session *
http_session_new(
    struct http_client *client, const struct http_session_options *options)
{
	(void)client;
	(void)options;
	playing->n_sessions++;
	playing->n_sessions_left++;
	return mem_new(sizeof(struct http_session));
}

void
http_session_free(struct http_session *session)
{
	assert_null(session->running);
	playing->n_sessions_left--;
	free(session);
}

const char *
http_session_cookie(
    struct http_session *session, const char *host, const char *name)
{
	static char value[256];
	char wanted[128];
	const char *at;

	(void)host;
	snprintf(wanted, sizeof(wanted), "\n%s=", name);
	at = strstr(session->cookies, wanted);
	if (at == NULL)
		return NULL;
	at += strlen(wanted);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
	return value;
}

static bool
matches(const struct reply *reply, const char *line)
{
	const char *space = strchr(reply->match, ' ');
	size_t n = (size_t)(space - reply->match);

	return strncmp(reply->match, line, n + 1) == 0 &&
	    strstr(line + n + 1, space + 1) != NULL;
}

/* Where an exchange ends that has this reason: before it was sent or after. */
static enum phase
phase_of(enum reason reason)
{
	bool after = reason == REASON_CONNECTION_RESET ||
	    reason_side(reason) != SIDE_NETWORK;

	return after ? PHASE_WAIT : PHASE_CONNECT;
}

/* "$MARK$" in a body is the mark that was sent; malloc'ed. */
static char *
body_of(const struct reply *reply)
{
	const char *body = reply->body == NULL ? "" : reply->body;
	const char *place = strstr(body, "$MARK$");
	const char *mark = strstr(playing->log, "dyzurny-");

	if (place == NULL || mark == NULL)
		return mem_strdup(body);
	return mem_printf("%.*s%.24s%s", (int)(place - body), body, mark,
	    place + strlen("$MARK$"));
}

static void
answer(void *arg)
{
	struct http_exchange *x = arg;
	const struct reply *reply = x->reply;
	struct http_session *session = x->session;
	dur_us latency =
	    (reply->latency_ms == 0 ? 10 : reply->latency_ms) * US_PER_MS;
	struct http_header header = {"", ""};
	char *body = body_of(reply);
	struct http_response response = {
	    .reason = reply->reason,
	    .phase = phase_of(reply->reason),
	    .status = reply->reason == REASON_OK ? reply->status : 0,
	    .version = 11,
	    .body = body,
	    .media_type = reply->type,
	    .location = "",
	    .address = "127.0.0.1:8443",
	    .tls = "TLSv1.3",
	    .cipher = "TLS_AES_256_GCM_SHA384",
	    .headers = &header,
	    .started = the_clock.now,
	    .retry_after = reply->retry_after,
	};
	char *location = NULL, name[64] = "";

	if (latency > x->timeout) {
		latency = x->timeout;
		response.reason = REASON_NO_ANSWER;
		response.status = 0;
	}
	response.body_len = strlen(response.body);
	assert_true(response.body_len <= x->max_body);
	if (response.media_type == NULL)
		response.media_type =
		    response.body[0] == '{' || response.body[0] == '['
		    ? "application/json"
		    : "text/html; charset=utf-8";
	if (reply->location != NULL) {
		location = http_url_join(x->url, reply->location);
		response.location = location;
	}
	if (reply->header != NULL) {
		size_t n = strcspn(reply->header, ":");

		snprintf(name, sizeof(name), "%.*s", (int)n, reply->header);
		header = (struct http_header){name, reply->header + n + 2};
		response.n_headers = 1;
	}
	if (reply->cookie != NULL)
		snprintf(session->cookies + strlen(session->cookies),
		    sizeof(session->cookies) - strlen(session->cookies), "\n%s",
		    reply->cookie);
	clock_manual_advance(&the_clock, latency);
	response.latency = latency;
	response.late = playing->late;
	if (playing->late_after > 0 &&
	    (int)playing->n_requests > playing->late_after)
		response.late += US_PER_S;
	response.phases.us[PHASE_WAIT] = latency;
	session->running = NULL;
	loop_timer_free(x->timer);
	x->done(x->arg, &response);
	if (playing->abort_after == (int)playing->n_requests) {
		probe_abort(the_run);
		loop_stop(the_loop);
	}
	free(location);
	free(body);
	free(x);
}

static void
take_down(const struct http_request *request, const char *line)
{
	char *log = playing->log;
	size_t len = strlen(log), i;

	len += (size_t)snprintf(log + len, SCENE_LOG - len, "%s\n", line);
	for (i = 0; i < request->n_headers; i++)
		len += (size_t)snprintf(log + len, SCENE_LOG - len, "%s: %s\n",
		    request->headers[i].name, request->headers[i].value);
	len += (size_t)snprintf(log + len, SCENE_LOG - len, "[%.*s]\n",
	    (int)request->body_len,
	    request->body == NULL ? "" : (const char *)request->body);
	assert_true(len < SCENE_LOG);
}

struct http_exchange *
http_start(struct http_session *session, const struct http_request *request,
    http_done_fn *done, void *arg)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
	struct http_exchange *x = mem_new(sizeof(*x));
	static const struct reply nothing = {
	    .match = "GET ", .status = 404, .body = "<title>404</title>"};
	char line[8300];
	size_t i;

	assert_null(session->running);
	assert_true(request->timeout > 0);
	session->running = x;
	playing->n_requests++;
	*x = (struct http_exchange){.session = session,
	    .done = done,
	    .arg = arg,
	    .timeout = request->timeout,
	    .max_body = request->max_body_bytes,
	    .reply = &nothing};
	assert_true(text_copy(x->url, sizeof(x->url), request->url));
	snprintf(line, sizeof(line), "%s %s", methods[request->method],
	    request->url);
	take_down(request, line);
	for (i = 0; i < playing->n_replies; i++) {
		const struct reply *reply = &playing->replies[i];

		if (!matches(reply, line) ||
		    (reply->times != 0 && used[i] >= reply->times))
			continue;
		used[i]++;
		x->reply = reply;
		break;
	}
	x->timer = loop_timer_new(the_loop, answer, x);
	if (x->reply->never)
		clock_manual_advance(&the_clock, 3 * US_PER_S);
	else
		loop_timer_start(x->timer, 0);
	return x;
}

void
http_cancel(struct http_exchange *exchange)
{
	exchange->session->running = NULL;
	loop_timer_free(exchange->timer);
	free(exchange);
}

const char *
http_header_find(const struct http_response *response, const char *name)
{
	size_t i;

	for (i = 0; i < response->n_headers; i++)
		if (strcasecmp(response->headers[i].name, name) == 0)
			return response->headers[i].value;
	return NULL;
}

bool
http_url_host(const char *url, char *host, size_t size)
{
	const char *at = strstr(url, "://"), *user;
	size_t len;

	if (at == NULL ||
	    (strncmp(url, "http:", 5) != 0 && strncmp(url, "https:", 6) != 0))
		return false;
	at += 3;
	len = strcspn(at, "/?#");
	user = memrchr(at, '@', len);
	if (user != NULL) {
		len -= (size_t)(user + 1 - at);
		at = user + 1;
	}
	len = strcspn(at, ":/?#") < len ? strcspn(at, ":/?#") : len;
	if (len == 0 || len >= size)
		return false;
	memcpy(host, at, len);
	host[len] = '\0';
	return true;
}

char *
http_url_join(const char *base, const char *reference)
{
	size_t host = (size_t)(strstr(base, "://") + 3 - base);
	size_t path = host + strcspn(base + host, "/?#");
	size_t last = path + strcspn(base + path, "?#");

	if (strstr(reference, "://") != NULL)
		return mem_strdup(reference);
	if (reference[0] == '/')
		return mem_printf("%.*s%s", (int)path, base, reference);
	while (last > path && base[last - 1] != '/')
		last--;
	return mem_printf("%.*s%s", (int)last, base, reference);
}

/* Workers are the real ones, with a look in between. */
int __real_loop_work(
    struct loop *loop, loop_fn *work, loop_fn *done, void *arg);
int __wrap_loop_work(
    struct loop *loop, loop_fn *work, loop_fn *done, void *arg);

static void
working(void *arg)
{
	(void)arg;
	if (playing->stop_working)
		probe_stop(the_run);
	if (playing->abort_working)
		probe_abort(the_run);
}

static void
work_done(void *arg)
{
	clock_manual_advance(&the_clock, playing->working_ms * US_PER_MS);
	the_work_done(arg);
	if (playing->abort_working)
		loop_stop(the_loop);
}

int
__wrap_loop_work(struct loop *loop, loop_fn *work, loop_fn *done, void *arg)
{
	the_work_done = done;
	loop_defer(loop, working, NULL);
	return __real_loop_work(loop, work, work_done, arg);
}

/* ---- the stage ---- */

static bool
may_send(void *arg)
{
	struct scene *scene = arg;
	int asked = (int)scene->n_requests + 1;

	if (asked == scene->stop_at)
		probe_stop(the_run);
	if (asked == scene->abort_at) {
		probe_abort(the_run);
		loop_stop(the_loop);
		return true;
	}
	if (scene->may_send != 0 && asked > scene->may_send)
		return false;
	scene->n_allowed++;
	return true;
}

static void
asked_to_wait(void *arg, dur_us wait)
{
	struct scene *scene = arg;

	assert_true(wait > 0);
	scene->n_waits++;
	scene->waits_at = scene->n_requests;
}

static enum reason
judge(void *arg, const struct result *result)
{
	(void)arg;
	return result->reason == REASON_CONNECT_TIMEOUT ? REASON_UPLINK_DOWN
							: result->reason;
}

static void
finish(void *arg, struct result result)
{
	struct scene *scene = arg;

	assert_true(scene->n_results < 8);
	scene->results[scene->n_results++] = result;
	if (scene->abort_in_finish) {
		probe_abort(the_run);
		loop_stop(the_loop);
	}
}

static void
end(void *arg, const struct run *run)
{
	struct scene *scene = arg;
	size_t i;

	assert_false(scene->ended);
	scene->ended = true;
	scene->json = evidence_run(run);
	scene->har = evidence_har(scene->json);
	for (i = run->n_exchanges; i > 0 && scene->sought == NULL; i--) {
		const struct run_exchange *exchange = &run->exchanges[i - 1];

		if (exchange->sought == NULL)
			continue;
		scene->sought = mem_strdup(exchange->sought);
		scene->excerpt = mem_strdup(
		    exchange->excerpt == NULL ? "" : exchange->excerpt);
	}
	loop_stop(the_loop);
}

static void
run_program(
    struct scene *scene, struct conf *conf, struct probe_program *program)
{
	const struct target *targets[8] = {NULL};
	struct probe_events events = {
	    .may_send = may_send,
	    .asked_to_wait = asked_to_wait,
	    .judge = scene->outage ? judge : NULL,
	    .finish = finish,
	    .end = end,
	    .arg = scene,
	};
	struct probe_options options = {
	    .vantage = "test", .explain = scene->explain};
	struct conf_deployment deployment = conf->operators[0].deployments[0];
	struct probe_job job = {
	    .conf = conf,
	    .program = program,
	    .op = &conf->operators[0],
	    .deployment = &deployment,
	    .targets = targets,
	};
	struct probe *probe;
	size_t i;

	clock_manual_init(&the_clock, 1000 * US_PER_S,
	    INT64_C(1585123200) * US_PER_S); /* 2020-03-25 08:00 UTC */
	if (scene->one_account)
		deployment.recipient = deployment.sender;
	the_loop = loop_new(&the_clock.clock);
	the_targets = target_set_new();
	for (i = 0; i < probe_program_transactions(program); i++)
		targets[i] = target_intern(the_targets, "op", "d",
		    probe_program_transaction(program, i));
	options.loop = the_loop;
	probe = probe_new(&options);
	job.due = the_clock.now - 7 * US_PER_MS;
	the_run = probe_start(probe, &job, &events);
	assert_int_equal(scene->n_requests, 0);
	loop_run(the_loop);
	probe_stats(probe, &scene->stats);
	probe_free(probe);
	/* The client could be freed now, though a worker may be busy yet. */
	assert_int_equal(scene->n_sessions_left, 0);
	loop_free(the_loop);
}

void
scene_play(struct scene *scene)
{
	struct conf_problems *problems = conf_problems_new();
	struct probe_program *program = NULL;
	struct conf *conf = NULL;
	struct buf text;
	size_t i;

	playing = scene;
	memset(used, 0, sizeof(used));
	buf_init(&text, 65536);
	if (scene->profile != NULL)
		buf_adds(&text, scene->profile);
	else
		buf_printf(&text,
		    "hosts = ( \"${host}\", \"*.op.pl\" ); vars = ( \"host\" "
		    ");\n"
		    "transactions = (\n%s\n);\n%s\n",
		    scene->transactions,
		    scene->more == NULL ? "" : scene->more);
	folder_enter();
	folder_write("p.cfg", text.data);
	folder_write(
	    "accounts/a", "user = ala\npassword = kot i pies&\nid = 1\n");
	folder_write("accounts/b", "user = ola\npassword = tajne\nid = 77\n");
	folder_write("c.cfg", TOP OPERATORS);
	conf = conf_load("c.cfg", problems);
	if (conf != NULL) {
		program = probe_compile(&conf->profiles[0], problems);
		if (program != NULL)
			probe_check_deployment(program,
			    &conf->operators[0].deployments[0], problems);
	}
	buf_reset(&text);
	for (i = 0; i < conf_problems_count(problems); i++)
		buf_printf(&text, "%s\n", conf_problems_at(problems, i));
	scene->problems = mem_strdup(text.data == NULL ? "" : text.data);
	if (program != NULL && conf_problems_count(problems) == 0)
		run_program(scene, conf, program);
	buf_fini(&text);
	probe_program_release(program);
	conf_release(conf);
	conf_problems_free(problems);
	folder_leave();
}

void
scene_clear(struct scene *scene)
{
	target_set_free(the_targets);
	the_targets = NULL;
	jv_release(scene->json);
	jv_release(scene->har);
	free(scene->problems);
	free(scene->sought);
	free(scene->excerpt);
}

const char *
scene_reason(const struct scene *scene, size_t i)
{
	return i < scene->n_results ? reason_name(scene->results[i].reason)
				    : "none";
}

const char *
scene_note(const struct scene *scene)
{
	struct jv *list = jv_get(scene->json, "exchanges");
	const char *note = "";
	size_t i;

	for (i = 0; i < jv_len(list); i++) {
		const char *its = jv_get_string(jv_at(list, i), "note", "");

		if (its[0] != '\0')
			note = its;
	}
	return note;
}
