/* Requests by a Unix socket, as our own control socket takes them. */
#include "rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct peer {
	char dir[64], path[80];
	int listener;
	char heard[1024];
};

/* Hears one request and answers it. */
static void *
serve_one(void *arg)
{
	static const char answer[] =
	    "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok";
	struct peer *peer = arg;
	int fd = accept(peer->listener, NULL, NULL);
	size_t len = 0;

	while (strstr(peer->heard, "\r\n\r\n") == NULL) {
		ssize_t n = recv(
		    fd, peer->heard + len, sizeof(peer->heard) - 1 - len, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static void
a_request_goes_by_a_unix_socket(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct peer peer = {.dir = "/tmp/dyzurny-http-XXXXXX"};
	struct http_session_options options = {.unix_socket = peer.path};
	struct http_session *session;
	struct outcome got = {0};
	struct rig rig;
	pthread_t thread;

	(void)state;
	rig_begin(&rig, NULL);
	assert_non_null(mkdtemp(peer.dir));
	snprintf(peer.path, sizeof(peer.path), "%s/control", peer.dir);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", peer.path);
	peer.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(peer.listener, (struct sockaddr *)&address, sizeof(address)),
	    0);
	assert_int_equal(listen(peer.listener, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve_one, &peer), 0);
	session = http_session_new(rig.client, &options);
	/* the name is not looked up: no name server answers here */
	rig_do(&rig, session,
	    (struct http_request){
		.method = HTTP_POST,
		.url = "http://localhost/api",
	    },
	    &got);
	assert_reason(&got, REASON_OK);
	assert_int_equal(got.status, 202);
	assert_string_equal(got.body, "ok");
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_memory_equal(peer.heard, "POST /api HTTP/1.1\r\n", 20);
	http_session_free(session);

	/* nobody there */
	close(peer.listener);
	unlink(peer.path);
	session = http_session_new(rig.client, &options);
	rig_do(&rig, session, (struct http_request){.url = "http://localhost/"},
	    &got);
	assert_reason(&got, REASON_CONNECT_REFUSED);
	http_session_free(session);
	outcome_clear(&got);
	assert_int_equal(rmdir(peer.dir), 0);
	rig_end(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_goes_by_a_unix_socket),
	};
	int failed;

	http_init();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	http_fini();
	return failed;
}
