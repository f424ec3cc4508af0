/*
 * Deliveries over real sockets, through the real loop, http room and ledger,
 * to a small receiver on the loopback address. The configuration is played.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "notify/notify.h"

#define S US_PER_S
#define PATIENCE_US (30 * S) /* a test that waits so long has failed */

/* ---- the configuration ---- */

struct conf *
conf_hold(struct conf *conf)
{
	return conf;
}

void
conf_release(struct conf *conf)
{
	(void)conf;
}

/* ---- the receiver: one request for each connection ---- */

struct message {
	char head[2048];
	char body[4096];
};

static struct receiver {
	int fd;
	uint16_t port;
	pthread_t thread;
	bool listening;
	pthread_mutex_t lock; /* of what follows */
	struct message messages[16];
	size_t n;
} receiver = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
serve(int fd)
{
	static const char answer[] = "HTTP/1.1 204 No Content\r\n"
				     "Connection: close\r\n\r\n";
	char text[8192] = "";
	char *end = NULL, *length;
	size_t len = 0, wanted = 0;
	ssize_t n;
	struct message *message;

	for (;;) {
		n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		if (n <= 0) {
			return;
		}
		len += (size_t)n;
		text[len] = '\0';
		end = strstr(text, "\r\n\r\n");
		length = strcasestr(text, "content-length: ");
		if (!end || !length) {
			continue;
		}
		wanted = strtoul(length + 16, NULL, 10);
		if (len >= (size_t)(end + 4 - text) + wanted) {
			break;
		}
	}
	*end = '\0';
	pthread_mutex_lock(&receiver.lock);
	if (receiver.n < ARRAY_LEN(receiver.messages)) {
		message = &receiver.messages[receiver.n++];
		text_copy(message->head, sizeof(message->head), text);
		text_copy(message->body, sizeof(message->body), end + 4);
	}
	pthread_mutex_unlock(&receiver.lock);
	n = send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
	(void)n;
}

static void *
serve_all(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept(receiver.fd, NULL, NULL);

		if (fd < 0) {
			return NULL;
		}
		serve(fd);
		close(fd);
	}
}

/* Bound but not listening: the port is ours and connections are refused. */
static void
receiver_bind(void)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);

	receiver.n = 0;
	receiver.listening = false;
	receiver.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(receiver.fd >= 0);
	assert_int_equal(
	    bind(receiver.fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(
	    getsockname(receiver.fd, (struct sockaddr *)&address, &len), 0);
	receiver.port = ntohs(address.sin_port);
}

static void
receiver_listen(void)
{
	assert_int_equal(listen(receiver.fd, 16), 0);
	receiver.listening = true;
	assert_int_equal(
	    pthread_create(&receiver.thread, NULL, serve_all, NULL), 0);
}

static void
receiver_close(void)
{
	if (receiver.listening) {
		shutdown(receiver.fd, SHUT_RDWR);
		pthread_join(receiver.thread, NULL);
	}
	close(receiver.fd);
}

static size_t
received(void)
{
	size_t n;

	pthread_mutex_lock(&receiver.lock);
	n = receiver.n;
	pthread_mutex_unlock(&receiver.lock);
	return n;
}

/* ---- a daemon of sorts ---- */

static char dir[64], path[96], url[64];
static struct secret *key;
static const struct secret *keys[1];
static struct conf_subscriber subscriber;
static struct conf conf;

static struct loop *loop;
static struct lane *lane;
static struct ledger *ledger;
static struct http_client *http;
static struct notify *notify;

static void
daemon_start(void)
{
	loop = loop_new(clock_system());
	lane = lane_new("store", 1 << 20);
	assert_int_equal(ledger_open(&ledger, path, lane, clock_system()), 0);
	http = http_client_new(
	    loop, &(struct http_options){.user_agent = "dyzurny-test"});
	assert_non_null(http);
	notify = notify_new(&(struct notify_options){loop, http, ledger});
	assert_int_equal(notify_load(notify), 0);
	notify_apply(notify, &conf);
}

static void
daemon_stop(void)
{
	notify_stop(notify);
	lane_free(lane);
	notify_free(notify);
	http_client_free(http);
	loop_free(loop);
	ledger_close(ledger);
}

struct wait {
	bool (*met)(void);
	struct loop_timer *timer;
	mono_us until;
};

static void
on_wait(void *arg)
{
	struct wait *wait = arg;

	if (wait->met() || loop_now(loop) > wait->until) {
		loop_stop(loop);
		return;
	}
	loop_timer_start(wait->timer, 2 * US_PER_MS);
}

static void
run_until(bool (*met)(void))
{
	struct wait wait = {met, NULL, loop_now(loop) + PATIENCE_US};

	wait.timer = loop_timer_new(loop, on_wait, &wait);
	loop_timer_start(wait.timer, 0);
	loop_run(loop);
	loop_timer_free(wait.timer);
	assert_true(met());
}

static bool
two_are_confirmed(void)
{
	struct notify_stats stats;

	notify_stats(notify, &stats);
	return stats.confirmed == 2;
}

static bool
one_has_failed(void)
{
	struct notify_stats stats;

	notify_stats(notify, &stats);
	return stats.failed_attempts == 1;
}

static void
tell(enum notify_event event)
{
	struct incident incident = {.number = 1,
	    .rule = "availability",
	    .scope = "librus/_all/login",
	    .severity = 3,
	    .opened = clock_wall(clock_system()),
	    .reason = REASON_HTTP_5XX,
	    .side = SIDE_OPERATOR};
	struct incident_entry entry = {
	    .incident = 1, .at = incident.opened, .kind = "opened"};

	if (event == NOTIFY_RESOLVED) {
		incident.resolved = incident.opened + S;
	}
	notify_incident(notify, event, &incident, &entry);
}

static int
begin(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/test-notify-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ledger.db", dir);
	receiver_bind();
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/hook", receiver.port);
	key = secret_new("0123456789abcdef01234567", 24);
	keys[0] = key;
	subscriber = (struct conf_subscriber){.name = "alpha",
	    .url = url,
	    .secrets = keys,
	    .n_secrets = 1,
	    .min_severity = 1,
	    .per_minute = 30,
	    .allow_private = true};
	conf = (struct conf){.vantage = "test",
	    .web = {.public_url = "http://127.0.0.1:8420"},
	    .subscribers = &subscriber,
	    .n_subscribers = 1};
	return 0;
}

static int
end(void **state)
{
	static const char *const names[] = {"", "-wal", "-shm"};

	(void)state;
	receiver_close();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char file[128];

		snprintf(file, sizeof(file), "%s%s", path, names[i]);
		unlink(file);
	}
	rmdir(dir);
	secret_free(key);
	return 0;
}

/* ---- tests ---- */

static void
header_of(
    const struct message *message, const char *name, char *out, size_t size)
{
	const char *at = strcasestr(message->head, name);
	size_t len;

	if (!at) {
		fail_msg("no header %s", name);
		return;
	}
	at += strlen(name) + 2;
	len = strcspn(at, "\r\n");
	assert_true(len < size);
	memcpy(out, at, len);
	out[len] = '\0';
}

static void
expect_signed(const struct message *message)
{
	char id[64], timestamp[32], signature[128];
	struct buf expected;

	header_of(message, "\nwebhook-id", id, sizeof(id));
	header_of(message, "\nwebhook-timestamp", timestamp, sizeof(timestamp));
	header_of(message, "\nwebhook-signature", signature, sizeof(signature));
	buf_init(&expected, 256);
	assert_true(
	    notify_sign(&expected, keys, 1, id, strtoll(timestamp, NULL, 10),
		message->body, strlen(message->body)));
	assert_string_equal(signature, expected.data);
	buf_fini(&expected);
}

static void
an_incident_arrives_signed_and_in_order(void **state)
{
	(void)state;
	receiver_listen();
	daemon_start();
	tell(NOTIFY_OPENED);
	tell(NOTIFY_RESOLVED);
	run_until(two_are_confirmed);
	assert_int_equal(received(), 2);
	expect_signed(&receiver.messages[0]);
	expect_signed(&receiver.messages[1]);
	assert_non_null(strstr(receiver.messages[0].body, "incident.opened"));
	assert_non_null(strstr(receiver.messages[1].body, "incident.resolved"));
	daemon_stop();
}

/* The pause after the first try, about five seconds, is really waited for. */
static void
what_was_refused_arrives_after_a_restart(void **state)
{
	char id[64];

	(void)state;
	daemon_start();
	tell(NOTIFY_OPENED);
	run_until(one_has_failed);
	tell(NOTIFY_RESOLVED);
	daemon_stop();
	receiver_listen();
	daemon_start();
	run_until(two_are_confirmed);
	assert_int_equal(received(), 2);
	expect_signed(&receiver.messages[0]);
	header_of(&receiver.messages[0], "\nwebhook-id", id, sizeof(id));
	assert_memory_equal(id, "msg_", 4);
	assert_non_null(strstr(receiver.messages[0].body, "incident.opened"));
	assert_non_null(strstr(receiver.messages[1].body, "incident.resolved"));
	daemon_stop();
}

static void
a_private_address_is_not_even_knocked_at(void **state)
{
	(void)state;
	subscriber.allow_private = false;
	receiver_listen();
	daemon_start();
	tell(NOTIFY_OPENED);
	run_until(one_has_failed);
	daemon_stop();
	assert_int_equal(received(), 0);
}

#define receiver_test(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    receiver_test(an_incident_arrives_signed_and_in_order),
	    receiver_test(what_was_refused_arrives_after_a_restart),
	    receiver_test(a_private_address_is_not_even_knocked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
