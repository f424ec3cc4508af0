#ifndef TESTS_UNIT_WEB_WORLD_H
#define TESTS_UNIT_WEB_WORLD_H

/*
 * The whole room over real sockets, with the stand-ins of fixture.h, and what
 * it takes to ask it something.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/json.h"
#include "fixture.h"
#include "web/web.h"

#define ANSWER_MAX (1 << 20)

struct world {
	struct web *web;
	uint16_t port;
	struct snapshot_slot *slot;
	struct series *series;
	struct clock_manual clock;
	char *answer;
	char dir[64], control[80];
	char released[64]; /* the last account whose release was wished */
	char wished[64]; /* the last change of an incident */
};

static inline int
on_release(void *arg, const char *account)
{
	struct world *world = arg;

	snprintf(world->released, sizeof(world->released), "%s", account);
	return 0;
}

static inline int
on_acknowledge(void *arg, int64_t number, const char *by)
{
	struct world *world = arg;

	snprintf(world->wished, sizeof(world->wished), "%lld by %s",
	    (long long)number, by);
	return 0;
}

static inline int
on_note(void *arg, int64_t number, const char *by, const char *text)
{
	struct world *world = arg;

	snprintf(world->wished, sizeof(world->wished), "%lld by %s: %s",
	    (long long)number, by, text);
	return 0;
}

static inline int
set_up(void **state)
{
	static const struct conf_web conf = {
	    .listen = "127.0.0.1",
	    .public_url = "http://stan.example:8420",
	    .dashboards_dir = TEST_SRCDIR "/dashboards",
	    .connections = 200,
	    .connections_per_ip = 100,
	    .event_streams = 30,
	    .language = "pl",
	};
	struct world *world = calloc(1, sizeof(*world));
	struct web_options options = {.conf = &conf, .ledger_path = ""};

	assert_non_null(world);
	clock_manual_init(&world->clock, FIXTURE_NOW, FIXTURE_NOW);
	world->slot = snapshot_slot_new();
	snapshot_publish(world->slot, fixture_snapshot(1, FIXTURE_NOW));
	world->series = fixture_series_new();
	world->answer = calloc(1, ANSWER_MAX);
	options.snapshots = world->slot;
	options.series = world->series;
	options.clock = &world->clock.clock;
	snprintf(world->dir, sizeof(world->dir), "/tmp/dyzurny-web-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	snprintf(
	    world->control, sizeof(world->control), "%s/control", world->dir);
	options.control_path = world->control;
	options.release_account = on_release;
	options.acknowledge_incident = on_acknowledge;
	options.note_incident = on_note;
	options.arg = world;
	assert_int_equal(web_start(&world->web, &options, &world->port), 0);
	assert_int_not_equal(world->port, 0);
	*state = world;
	return 0;
}

static inline int
tear_down(void **state)
{
	struct world *world = *state;

	web_stop(world->web);
	fixture_series_free(world->series);
	snapshot_slot_free(world->slot);
	/* the control socket is gone with the room */
	assert_int_equal(rmdir(world->dir), 0);
	free(world->answer);
	free(world);
	return 0;
}

static inline int
dial(const struct world *world)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(world->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = 20};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(
	    connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static inline void
say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until `needle` is there (NULL: until the end); false at the end. */
static inline bool
hear(int fd, char *out, const char *needle)
{
	size_t len = 0;

	for (;;) {
		ssize_t n;

		out[len] = '\0';
		if (needle != NULL && strstr(out, needle) != NULL)
			return true;
		assert_true(len < ANSWER_MAX - 1);
		n = recv(fd, out + len, ANSWER_MAX - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
}

/* Sends the bytes as they are and reads until the server hangs up. */
static const char *
raw(struct world *world, const char *request)
{
	int fd = dial(world);

	say(fd, request);
	hear(fd, world->answer, NULL);
	close(fd);
	return world->answer;
}

static const char *
ask(struct world *world, const char *method, const char *path,
    const char *headers)
{
	char request[20000];

	snprintf(request, sizeof(request),
	    "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n",
	    method, path, headers);
	return raw(world, request);
}

static const char *
get(struct world *world, const char *path)
{
	return ask(world, "GET", path, "");
}

static inline int
status_of(const char *answer)
{
	return strncmp(answer, "HTTP/1.1 ", 9) == 0
	    ? (int)strtol(answer + 9, NULL, 10)
	    : 0;
}

static const char *
body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	return end != NULL ? end + 4 : "";
}

static inline void
header_value(const char *answer, const char *name, char *out, size_t size)
{
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "\r\n%s: ", name);
	at = strstr(answer, line);
	out[0] = '\0';
	if (at != NULL)
		snprintf(out, size, "%.*s",
		    (int)strcspn(at + strlen(line), "\r"), at + strlen(line));
}

static inline void
assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in:\n%.3000s", part, text);
}

static inline void
assert_has_not(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("there is \"%s\"", part);
}

static inline struct jv *
json_of(const char *answer)
{
	char problem[128] = "";
	const char *body = body_of(answer);
	struct jv *value = jv_parse(body, strlen(body), problem, 128);

	if (value == NULL)
		fail_msg("%s in %.500s", problem, answer);
	return value;
}

#define WITH_WORLD(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

#endif
