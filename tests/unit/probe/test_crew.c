/*
 * Probers in threads of their own: each run ends once, at home, whichever of
 * them played it. The operator is a port that refuses, or one that is silent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../conf/folder.h"
#include "../http/server.h"
#include "conf/conf.h"
#include "probe/crew.h"

#define DEPLOYMENTS 8
#define RUNS 40

static struct {
	struct papers papers;
	struct loop *loop;
	struct target_set *targets;
	struct conf *conf;
	struct probe_program *program;
	struct crew *crew;
	pthread_t home;
	int fd; /* listens, or -1 */
	atomic_uint asked; /* may_send, by probers */
	unsigned judged, finished, ended, wanted;
	bool abroad; /* somebody called who is not at home */
} it;

struct journey {
	struct crew_run *run;
	unsigned finished, ended;
	enum reason reason;
};

/* A port that nobody listens on, or one whose visitors are never served. */
static uint16_t
make_port(bool silent)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);

	it.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(it.fd >= 0);
	assert_int_equal(
	    bind(it.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(
	    getsockname(it.fd, (struct sockaddr *)&address, &len), 0);
	if (silent)
		assert_int_equal(listen(it.fd, 64), 0);
	return ntohs(address.sin_port);
}

static void
load(uint16_t port)
{
	char text[4096], *problems;
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof(text),
	    TOP "ca_file = \"%s\";\noperators = ( { name = \"op\"; profile = "
		"\"p.cfg\"; budget = { per_minute = 6000; parallel = 99; "
		"}; connect_to = \"127.0.0.1:%u\"; deployments = ( ",
	    it.papers.ca, port);
	for (int i = 0; i < DEPLOYMENTS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%s{ name = \"d%d\"; vars = { host = \"h%d.example\"; }; "
		    "sender = \"a\"; recipient = \"b\"; }",
		    i > 0 ? ", " : "", i, i);
	snprintf(text + n, sizeof(text) - n, " ); } );\n");
	folder_write("c.cfg", text);
	problems = folder_load(&it.conf);
	assert_string_equal(problems, "");
	free(problems);
}

static void
open_world(bool silent, unsigned probers)
{
	struct conf_problems *problems = conf_problems_new();
	struct http_options http = {.user_agent = "test"};

	folder_enter();
	load(make_port(silent));
	it.program = probe_compile(&it.conf->profiles[0], problems);
	assert_non_null(it.program);
	conf_problems_free(problems);
	it.loop = loop_new_roomy(clock_system(), 1 << 26);
	it.targets = target_set_new();
	it.home = pthread_self();
	it.judged = it.finished = it.ended = 0;
	atomic_store(&it.asked, 0);
	it.abroad = false;
	it.crew = crew_new(&(struct crew_options){
	    .loop = it.loop,
	    .probers = probers,
	    .http = &http,
	    .vantage = "waw",
	});
	assert_non_null(it.crew);
}

static void
close_world(void)
{
	crew_free(it.crew);
	loop_free(it.loop);
	probe_program_release(it.program);
	conf_release(it.conf);
	target_set_free(it.targets);
	close(it.fd);
	folder_leave();
}

static bool
may_send(void *arg)
{
	(void)arg;
	atomic_fetch_add(&it.asked, 1);
	return true;
}

static void
at_home(void)
{
	it.abroad = it.abroad || !pthread_equal(pthread_self(), it.home);
}

/* Every other one is our own fault. */
static enum reason
judge(void *arg, const struct result *result)
{
	struct journey *journey = arg;

	at_home();
	journey->reason =
	    it.judged++ % 2 == 0 ? REASON_UPLINK_DOWN : result->reason;
	return journey->reason;
}

static void
finish(void *arg, struct result result)
{
	struct journey *journey = arg;

	at_home();
	assert_int_equal(result.reason, journey->reason);
	journey->finished++;
	it.finished++;
}

static void
end(void *arg, const struct run *run)
{
	struct journey *journey = arg;

	at_home();
	journey->ended++;
	journey->run = NULL;
	assert_int_equal(run->n_results, journey->finished);
	if (journey->finished > 0)
		assert_int_equal(run->results[0].reason, journey->reason);
	assert_string_equal(run->operator, "op");
	if (++it.ended == it.wanted)
		loop_stop(it.loop);
}

static void
begin(struct journey *journey, size_t i)
{
	const struct conf_operator *op = &it.conf->operators[0];
	const struct conf_deployment *deployment =
	    &op->deployments[i % DEPLOYMENTS];
	const struct target *target =
	    target_intern(it.targets, "op", deployment->name, "login");
	struct probe_job job = {
	    .conf = it.conf,
	    .program = it.program,
	    .op = op,
	    .deployment = deployment,
	    .targets = &target,
	    .due = loop_now(it.loop),
	};
	struct probe_events events = {
	    .may_send = may_send,
	    .judge = judge,
	    .finish = finish,
	    .end = end,
	    .arg = journey,
	};

	*journey = (struct journey){0};
	journey->run = crew_start(it.crew, &job, &events);
}

static void
each_run_ends_once_and_at_home(unsigned probers)
{
	struct journey journeys[RUNS];

	open_world(false, probers);
	for (size_t i = 0; i < RUNS; i++)
		begin(&journeys[i], i);
	it.wanted = RUNS;
	loop_run(it.loop);
	for (size_t i = 0; i < RUNS; i++) {
		assert_int_equal(journeys[i].finished, 1);
		assert_int_equal(journeys[i].ended, 1);
	}
	assert_int_equal(atomic_load(&it.asked), RUNS);
	assert_false(it.abroad);
	close_world();
}

static void
runs_end_once_at_home_with_one_prober(void **state)
{
	(void)state;
	each_run_ends_once_and_at_home(1);
}

static void
runs_end_once_at_home_with_several(void **state)
{
	(void)state;
	each_run_ends_once_and_at_home(3);
}

static void
a_stop_reaches_all(void **state)
{
	struct journey journeys[DEPLOYMENTS];

	(void)state;
	open_world(true, 3);
	for (size_t i = 0; i < DEPLOYMENTS; i++)
		begin(&journeys[i], i);
	for (size_t i = 0; i < DEPLOYMENTS; i++) {
		crew_stop(journeys[i].run);
		crew_stop(journeys[i].run);
	}
	it.wanted = DEPLOYMENTS;
	loop_run(it.loop);
	for (size_t i = 0; i < DEPLOYMENTS; i++)
		assert_int_equal(journeys[i].ended, 1);
	close_world();
}

static void
closing_ends_runs_without_another_word(void **state)
{
	struct journey journeys[DEPLOYMENTS];
	struct http_options http = {.user_agent = "other"};

	(void)state;
	open_world(true, 2);
	for (size_t i = 0; i < DEPLOYMENTS; i++)
		begin(&journeys[i], i);
	crew_apply(it.crew, &http);
	crew_close(it.crew);
	assert_int_equal(it.ended, 0);
	close_world();
	assert_int_equal(it.ended, 0);
}

static int
make(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	http_init();
	probe_init_libraries();
	papers_make(&it.papers);
	return 0;
}

static int
unmake(void **state)
{
	(void)state;
	papers_remove(&it.papers);
	http_fini();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(runs_end_once_at_home_with_one_prober),
	    cmocka_unit_test(runs_end_once_at_home_with_several),
	    cmocka_unit_test(a_stop_reaches_all),
	    cmocka_unit_test(closing_ends_runs_without_another_word),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
