/*
 * The scripted server. What the tests expect of the client is not here.
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>
#include <openssl/ssl.h>

#include "base/attr.h"

#define CONNECTIONS_MAX 512
#define REQUEST_MAX (512 * 1024)

struct server {
	struct server_options options;
	SSL_CTX *tls;
	int fd;
	int port;
	int crowd; /* a connection that nobody needs, or -1 */
	int stop[2]; /* closing [1] ends all waits */
	pthread_t acceptor;
	pthread_mutex_t lock; /* of all below */
	pthread_t threads[CONNECTIONS_MAX];
	size_t n_threads;
	bool go;
	int requests;
	int finished;
	char last[REQUEST_MAX];
	char copy[REQUEST_MAX];
	char sni[256];
	char sni_copy[256];
};

struct visit {
	struct server *server;
	int fd;
	SSL *tls;
	bool gone; /* peer or server have had enough */
};

static void
need(bool well, const char *what)
{
	if (well)
		return;
	perror(what);
	abort();
}

/* ---- bytes ---- */

/* False when the server is to stop or, when wanted, nothing came in time. */
static bool
wait_for(struct visit *visit, short events, int ms)
{
	struct pollfd fds[] = {
	    {.fd = visit->server->stop[0], .events = POLLIN},
	    {.fd = visit->fd, .events = events},
	};
	int n;

	do
		n = poll(fds, events != 0 ? 2 : 1, ms);
	while (n < 0 && errno == EINTR);
	if (fds[0].revents != 0)
		visit->gone = true;
	return n > 0 && fds[0].revents == 0;
}

static bool
send_bytes(struct visit *visit, const char *bytes, size_t len)
{
	while (len > 0 && !visit->gone) {
		ssize_t n;

		if (!wait_for(visit, POLLOUT, -1))
			break;
		if (visit->tls != NULL)
			n = SSL_write(
			    visit->tls, bytes, len > 4096 ? 4096 : (int)len);
		else
			n = send(visit->fd, bytes, len > 4096 ? 4096 : len,
			    MSG_NOSIGNAL);
		if (n <= 0) {
			visit->gone = true;
			break;
		}
		bytes += n;
		len -= (size_t)n;
	}
	return !visit->gone;
}

static ssize_t
receive(struct visit *visit, char *bytes, size_t size)
{
	if (visit->tls == NULL || SSL_pending(visit->tls) == 0) {
		if (!wait_for(visit, POLLIN, -1))
			return 0;
	}
	if (visit->tls != NULL)
		return SSL_read(visit->tls, bytes, (int)size);
	return recv(visit->fd, bytes, size, 0);
}

/* Reads a head, and the body that it announces. */
static bool
read_request(struct visit *visit)
{
	struct server *server = visit->server;
	char *request = malloc(REQUEST_MAX);
	size_t len = 0;
	size_t whole = 0;

	need(request != NULL, "malloc");
	while (whole == 0 || len < whole) {
		ssize_t n =
		    receive(visit, request + len, REQUEST_MAX - 1 - len);
		const char *end;
		const char *length;

		if (n <= 0)
			break;
		len += (size_t)n;
		request[len] = '\0';
		end = strstr(request, "\r\n\r\n");
		if (whole > 0 || end == NULL)
			continue;
		whole = (size_t)(end - request) + 4;
		length = strcasestr(request, "\r\nContent-Length:");
		if (length != NULL && length < end)
			whole += strtoul(length + 17, NULL, 10);
		need(whole < REQUEST_MAX, "request too large");
	}
	if (whole > 0 && len >= whole) {
		pthread_mutex_lock(&server->lock);
		memcpy(server->last, request, len + 1);
		server->requests++;
		pthread_mutex_unlock(&server->lock);
	} else {
		visit->gone = true;
	}
	free(request);
	return !visit->gone;
}

/* ---- the script ---- */

static void
reset(struct visit *visit)
{
	struct linger linger = {.l_onoff = 1};

	setsockopt(visit->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	visit->gone = true;
}

static bool
may_go(struct server *server)
{
	bool go;

	pthread_mutex_lock(&server->lock);
	go = server->go;
	pthread_mutex_unlock(&server->lock);
	return go;
}

static void
flush(struct visit *visit)
{
	int left = 1;

	while (!visit->gone && left > 0) {
		need(ioctl(visit->fd, SIOCOUTQ, &left) == 0, "SIOCOUTQ");
		if (left > 0)
			wait_for(visit, 0, 1);
	}
}

static void
hang(struct visit *visit)
{
	char bytes[4096];

	while (!visit->gone) {
		if (!wait_for(visit, POLLIN, -1) ||
		    recv(visit->fd, bytes, sizeof(bytes), 0) <= 0)
			visit->gone = true;
	}
}

static void
trickle(struct visit *visit, const char *text, size_t len, int ms)
{
	for (size_t i = 0; i < len && !visit->gone; i++) {
		if (send_bytes(visit, text + i, 1))
			wait_for(visit, 0, ms);
	}
}

/* Says whether another request is to be read. */
static bool
follow(struct visit *visit, const struct step *step)
{
	for (; !visit->gone; step++) {
		size_t len = step->len > 0 ? step->len
		    : step->text != NULL   ? strlen(step->text)
					   : 0;

		switch (step->act) {
		case ACT_SEND:
			send_bytes(visit, step->text, len);
			break;
		case ACT_REPEAT:
			while (send_bytes(visit, step->text, len))
				continue;
			break;
		case ACT_TRICKLE:
			trickle(visit, step->text, len, step->ms);
			break;
		case ACT_PAUSE:
			wait_for(visit, 0, step->ms);
			break;
		case ACT_WAIT:
			while (!visit->gone && !may_go(visit->server))
				wait_for(visit, 0, 1);
			break;
		case ACT_FLUSH:
			flush(visit);
			break;
		case ACT_HEAR:
			wait_for(visit, POLLIN, -1);
			break;
		case ACT_NEXT:
			return true;
		case ACT_HANG:
			hang(visit);
			break;
		case ACT_RESET:
			reset(visit);
			break;
		case ACT_CLOSE:
			if (visit->tls != NULL)
				SSL_shutdown(visit->tls);
			return false;
		}
	}
	return false;
}

static void *
serve(void *arg)
{
	struct visit *visit = arg;
	struct server *server = visit->server;
	const struct step *script = server->options.script;
	bool blunt = server->options.blunt;
	int one = 1;

	setsockopt(visit->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (server->tls != NULL && !blunt) {
		visit->tls = SSL_new(server->tls);
		need(visit->tls != NULL, "SSL_new");
		SSL_set_fd(visit->tls, visit->fd);
		if (server->options.hello_ms > 0 && wait_for(visit, POLLIN, -1))
			wait_for(visit, 0, server->options.hello_ms);
		if (SSL_accept(visit->tls) != 1)
			visit->gone = true;
	}
	while (!visit->gone && (blunt || read_request(visit)) &&
	    follow(visit, script)) {
		if (server->options.next != NULL)
			script = server->options.next;
	}
	SSL_free(visit->tls);
	close(visit->fd);
	free(visit);
	pthread_mutex_lock(&server->lock);
	server->finished++;
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

/* The queue of connections to be accepted holds one at the least: with that it
 * is full, and the kernel leaves those who knock unanswered. */
static int
crowd(const struct server *server)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)server->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0,
	    "connect");
	return fd;
}

/* False when the server is to stop. */
static bool
wait_for_go(struct server *server)
{
	struct pollfd stop = {.fd = server->stop[0], .events = POLLIN};

	while (!may_go(server)) {
		if (poll(&stop, 1, 1) > 0)
			return false;
	}
	return true;
}

static void *
accept_all(void *arg)
{
	struct server *server = arg;

	if (server->options.crowded && !wait_for_go(server))
		return NULL;
	for (;;) {
		struct pollfd fds[] = {
		    {.fd = server->stop[0], .events = POLLIN},
		    {.fd = server->fd, .events = POLLIN},
		};
		struct visit *visit;
		int fd;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents != 0)
			break;
		if (fds[1].revents == 0)
			continue;
		fd = accept(server->fd, NULL, NULL);
		if (fd < 0)
			continue;
		visit = calloc(1, sizeof(*visit));
		need(visit != NULL, "calloc");
		visit->server = server;
		visit->fd = fd;
		pthread_mutex_lock(&server->lock);
		need(server->n_threads < CONNECTIONS_MAX, "connections");
		need(pthread_create(&server->threads[server->n_threads++], NULL,
			 serve, visit) == 0,
		    "pthread_create");
		pthread_mutex_unlock(&server->lock);
	}
	return NULL;
}

/* ---- life ---- */

static int
note_sni(SSL *tls, int *alert, void *arg)
{
	struct server *server = arg;
	const char *name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	pthread_mutex_lock(&server->lock);
	snprintf(server->sni, sizeof(server->sni), "%s",
	    name != NULL ? name : "(none)");
	pthread_mutex_unlock(&server->lock);
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
make_tls(struct server *server)
{
	char file[160];
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	need(tls != NULL, "SSL_CTX_new");
	snprintf(file, sizeof(file), "%s/%s.pem",
	    server->options.papers->folder, server->options.cert);
	need(SSL_CTX_use_certificate_file(tls, file, SSL_FILETYPE_PEM) == 1 &&
		SSL_CTX_use_PrivateKey_file(tls, file, SSL_FILETYPE_PEM) == 1,
	    file);
	SSL_CTX_set_tlsext_servername_callback(tls, note_sni);
	SSL_CTX_set_tlsext_servername_arg(tls, server);
	return tls;
}

static int
bound(int *port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
		getsockname(fd, (struct sockaddr *)&address, &len) == 0,
	    "bind");
	*port = ntohs(address.sin_port);
	return fd;
}

int
server_free_port(void)
{
	int port;

	close(bound(&port));
	return port;
}

struct server *
server_start(const struct server_options *options)
{
	struct server *server = calloc(1, sizeof(*server));

	need(server != NULL, "calloc");
	server->options = *options;
	if (options->papers != NULL)
		server->tls = make_tls(server);
	pthread_mutex_init(&server->lock, NULL);
	server->fd = bound(&server->port);
	need(listen(server->fd, options->crowded ? 0 : 64) == 0, "listen");
	server->crowd = options->crowded ? crowd(server) : -1;
	need(pipe(server->stop) == 0, "pipe");
	need(pthread_create(&server->acceptor, NULL, accept_all, server) == 0,
	    "pthread_create");
	return server;
}

void
server_stop(struct server *server)
{
	/* first: its thread waits for a ClientHello */
	if (server->crowd >= 0)
		close(server->crowd);
	close(server->stop[1]);
	pthread_join(server->acceptor, NULL);
	for (size_t i = 0; i < server->n_threads; i++)
		pthread_join(server->threads[i], NULL);
	close(server->stop[0]);
	close(server->fd);
	SSL_CTX_free(server->tls);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

/* ---- what was seen ---- */

int
server_port(const struct server *server)
{
	return server->port;
}

int
server_connections(struct server *server)
{
	int n;

	pthread_mutex_lock(&server->lock);
	n = (int)server->n_threads;
	pthread_mutex_unlock(&server->lock);
	return n;
}

int
server_requests(struct server *server)
{
	int n;

	pthread_mutex_lock(&server->lock);
	n = server->requests;
	pthread_mutex_unlock(&server->lock);
	return n;
}

void
server_go(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	server->go = true;
	pthread_mutex_unlock(&server->lock);
}

int
server_finished(struct server *server)
{
	int n;

	pthread_mutex_lock(&server->lock);
	n = server->finished;
	pthread_mutex_unlock(&server->lock);
	return n;
}

const char *
server_last(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	memcpy(server->copy, server->last, sizeof(server->copy));
	pthread_mutex_unlock(&server->lock);
	return server->copy;
}

const char *
server_sni(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	memcpy(server->sni_copy, server->sni, sizeof(server->sni_copy));
	pthread_mutex_unlock(&server->lock);
	return server->sni_copy;
}
