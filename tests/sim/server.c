/*
 * The operators' TLS servers: requests are read whole, joined to the queue
 * of their deployment, suspended until their time has come and then answered
 * by the operator's own handlers. One thread accepts for all, so that a
 * listener can be closed and opened again; one thread serves each operator.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-int.h"

enum { CONNECTIONS_MAX = 16000, BACKLOG = 4096 };

/* A silent server is let go after this, if its client is that patient. */
static const double HANG_MAX_S = 300;

/* ---- routes ---- */

/* The star of `path` takes one segment, two stars all that is left. */
static bool
path_matches(
    const char *pattern, const char *path, char capture[CAPTURES_MAX][160])
{
	size_t n = 0;

	while (*pattern != '\0') {
		if (*pattern != '*') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		bool rest = pattern[1] == '*';
		size_t len = rest ? strlen(path) : strcspn(path, "/");
		if (len == 0 && !rest)
			return false;
		if (n < CAPTURES_MAX)
			snprintf(capture[n++], 160, "%.*s", (int)len, path);
		path += len;
		pattern += rest ? 2 : 1;
	}
	return *path == '\0';
}

static bool
host_matches(const char *label, const char *host)
{
	return label == NULL ||
	    (strncmp(label, host, strlen(label)) == 0 &&
		host[strlen(label)] == '.');
}

static void
find_route(struct exchange *x)
{
	/* the body of an answer to HEAD is left out by libmicrohttpd */
	const char *method = same(x->method, "HEAD") ? "GET" : x->method;

	for (const struct route *at = x->op->play->routes; at->method != NULL;
	     at++) {
		if (strcmp(at->method, method) != 0 ||
		    !host_matches(at->host, x->host) ||
		    !path_matches(at->path, x->path, x->capture))
			continue;
		x->route = at;
		x->class = at->class;
		return;
	}
	x->class = CLASS_OTHER;
}

/* ---- the life of an exchange ---- */

static struct exchange *
exchange_new(struct oper *op, struct MHD_Connection *conn, const char *url,
    const char *method)
{
	struct exchange *x = calloc(1, sizeof(*x));
	const union MHD_ConnectionInfo *info;
	const char *host;

	if (x == NULL)
		return NULL;
	x->sim = op->sim;
	x->op = op;
	x->conn = conn;
	info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	x->fd = info != NULL ? info->connect_fd : -1;
	snprintf(x->method, sizeof(x->method), "%s", method);
	snprintf(x->path, sizeof(x->path), "%s", url);
	host = request_header(x, "Host");
	if (host != NULL) {
		snprintf(x->host, sizeof(x->host), "%.*s",
		    (int)strcspn(host, ":"), host);
		for (char *at = x->host; *at != '\0'; at++)
			*at = (char)tolower((unsigned char)*at);
	}
	return x;
}

static void
on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
    enum MHD_RequestTerminationCode code)
{
	struct oper *op = cls;
	struct exchange *x = *con_cls;

	(void)conn;
	(void)code;
	*con_cls = NULL;
	if (x == NULL)
		return;
	if (x->counted) {
		pthread_mutex_lock(&op->lock);
		op->counters.in_flight--;
		pthread_mutex_unlock(&op->lock);
	}
	request_fini(x);
	free(x);
}

/* An abortive end: the peer sees RST at once, without a TLS farewell. */
static void
reset_connection(int fd)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	(void)connect(fd, &nowhere, sizeof(nowhere));
}

/* Lower-case hex of a fixed length, and not zero alone. */
static bool
is_trace_field(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") == len &&
	    strspn(text, "0") < len;
}

/* W3C Trace Context, version 00: "00-TRACE-PARENT-FLAGS". */
static void
check_trace(struct exchange *x)
{
	struct counters *counters = &x->op->counters;
	const char *text = request_header(x, "traceparent");
	uint64_t span;

	if (text == NULL || strlen(text) != 55 ||
	    strncmp(text, "00-", 3) != 0 || !is_trace_field(text + 3, 32) ||
	    text[35] != '-' || !is_trace_field(text + 36, 16) ||
	    text[52] != '-' || strspn(text + 53, "0123456789abcdef") != 2) {
		counters->untraced++;
		return;
	}
	span = strtoull(text + 36, NULL, 16);
	for (size_t i = 0; i < SPANS_MAX; i++) {
		if (counters->spans[i] == span) {
			counters->repeated_spans++;
			return;
		}
	}
	counters->spans[counters->next_span++ % SPANS_MAX] = span;
}

static void
count_request(struct exchange *x)
{
	struct counters *counters = &x->op->counters;

	x->counted = true;
	counters->requests++;
	counters->by_class[x->class]++;
	check_trace(x);
	counters->in_flight++;
	if (counters->in_flight > counters->max_in_flight)
		counters->max_in_flight = counters->in_flight;
}

/* Judges a request that was read whole: when will it be answered? */
static void
admit(struct exchange *x)
{
	double now_s = sim_now_s();
	double delay_s = 0;
	double slow_s = 0;
	int dep;

	request_parse_form(x);
	dep = x->op->play->resolve(x);
	x->dep = dep >= 0 ? &x->op->deps[dep] : NULL;
	find_route(x);
	count_request(x);
	if (fault_strikes(x, FAULT_RESET, NULL)) {
		reset_connection(x->fd);
		x->stage = STAGE_DONE;
		return;
	}
	if (fault_strikes(x, FAULT_HANG, NULL)) {
		x->stage = STAGE_HANGING;
		x->due_s = now_s;
		x->give_up_s = now_s + HANG_MAX_S;
		return;
	}
	struct queue *queue = &(dep >= 0 ? x->dep : x->op->deps)->queue;
	if (!queue_arrive(queue, now_s, &delay_s)) {
		x->overloaded = true;
		delay_s = 0.02;
	}
	if (fault_strikes(x, FAULT_SLOW, &slow_s))
		delay_s += slow_s;
	x->stage = STAGE_WAITING;
	x->due_s = now_s + delay_s;
}

static enum MHD_Result
on_body(struct exchange *x, const char *upload, size_t *upload_len)
{
	if (x->body.len + *upload_len > BODY_MAX)
		x->body_too_big = true;
	else
		text_addn(&x->body, upload, *upload_len);
	*upload_len = 0;
	return MHD_YES;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *conn, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **con_cls)
{
	struct oper *op = cls;
	struct exchange *x = *con_cls;

	(void)version;
	if (x == NULL) {
		*con_cls = exchange_new(op, conn, url, method);
		return *con_cls != NULL ? MHD_YES : MHD_NO;
	}
	if (*upload_len > 0)
		return on_body(x, upload, upload_len);
	if (x->stage == STAGE_READING) {
		pthread_mutex_lock(&op->lock);
		admit(x);
		pthread_mutex_unlock(&op->lock);
		if (x->stage != STAGE_DONE && timer_suspend(op->sim->timer, x))
			return MHD_YES;
	}
	if (x->stage != STAGE_WAITING)
		return MHD_NO; /* reset, or hung until its client left */
	x->stage = STAGE_DONE;
	return answer_send(x);
}

/* ---- listeners ---- */

static int
bound_socket(uint16_t port)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

static bool
refuses(struct oper *op)
{
	bool any = false;

	pthread_mutex_lock(&op->lock);
	for (size_t i = 0; i < FAULTS_MAX; i++)
		any |= op->faults[i].used && op->faults[i].kind == FAULT_REFUSE;
	pthread_mutex_unlock(&op->lock);
	return any;
}

/* Opens or closes the listeners as the faults want it. */
static void
sync_listeners(struct sim *sim)
{
	for (int i = 0; i < OPERS; i++) {
		struct oper *op = &sim->opers[i];
		bool shut = refuses(op);
		if (shut && op->listen_fd >= 0) {
			close(op->listen_fd);
			op->listen_fd = -1;
		} else if (!shut && op->listen_fd < 0) {
			op->listen_fd = bound_socket(op->port);
			if (op->listen_fd >= 0 &&
			    listen(op->listen_fd, BACKLOG) < 0) {
				close(op->listen_fd);
				op->listen_fd = -1;
			}
		}
	}
}

static void
accept_all(struct oper *op)
{
	struct sockaddr_in addr;
	const int on = 1;

	for (;;) {
		socklen_t len = sizeof(addr);
		int fd = accept4(op->listen_fd, (struct sockaddr *)&addr, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		/* owns the descriptor from here on, also when it fails */
		(void)MHD_add_connection(
		    op->daemon, fd, (struct sockaddr *)&addr, len);
	}
}

static void *
acceptor_run(void *arg)
{
	struct sim *sim = arg;
	struct pollfd fds[OPERS + 1];
	uint64_t times;

	for (;;) {
		for (int i = 0; i < OPERS; i++)
			fds[i] = (struct pollfd){
			    .fd = sim->opers[i].listen_fd, .events = POLLIN};
		fds[OPERS] =
		    (struct pollfd){.fd = sim->wake_fd, .events = POLLIN};
		if (poll(fds, OPERS + 1, -1) < 0)
			continue;
		if (fds[OPERS].revents != 0) {
			if (read(sim->wake_fd, &times, sizeof(times)) < 0)
				continue;
			if (__atomic_load_n(&sim->stopping, __ATOMIC_ACQUIRE))
				return NULL;
			sync_listeners(sim);
			continue;
		}
		for (int i = 0; i < OPERS; i++)
			if (fds[i].revents != 0)
				accept_all(&sim->opers[i]);
	}
}

void
server_wake(struct sim *sim)
{
	const uint64_t one = 1;

	if (write(sim->wake_fd, &one, sizeof(one)) < 0)
		fprintf(stderr, "dyzurny-sim: wake: %s\n", strerror(errno));
}

/* ---- start and stop ---- */

static char *
read_whole(const char *dir, const char *name)
{
	char path[4096];
	struct text text = {0};
	char piece[4096];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (file == NULL) {
		fprintf(stderr, "dyzurny-sim: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	do {
		len = fread(piece, 1, sizeof(piece), file);
		text_addn(&text, piece, len);
	} while (len == sizeof(piece));
	fclose(file);
	return text.at;
}

static int
open_port(struct oper *op, uint16_t port)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	op->holder_fd = bound_socket(port);
	if (op->holder_fd < 0 ||
	    getsockname(op->holder_fd, (struct sockaddr *)&addr, &len) < 0) {
		fprintf(stderr, "dyzurny-sim: port %u: %s\n", port,
		    strerror(op->holder_fd < 0 ? -op->holder_fd : errno));
		return -1;
	}
	op->port = ntohs(addr.sin_port);
	return 0;
}

/* A client that ends early, or distrusts the certificate, is no news. */
static void
on_log(void *cls, const char *format, va_list args)
{
	(void)cls;
	(void)format;
	(void)args;
}

static int
open_daemon(struct oper *op)
{
	op->daemon =
	    MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD |
		    MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME |
		    MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, op, MHD_OPTION_EXTERNAL_LOGGER,
		on_log, NULL, MHD_OPTION_HTTPS_MEM_CERT, op->sim->cert,
		MHD_OPTION_HTTPS_MEM_KEY, op->sim->key,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, op,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
	if (op->daemon == NULL) {
		fprintf(stderr, "dyzurny-sim: %s: no server: certificate?\n",
		    op->play->name);
		return -1;
	}
	return 0;
}

int
server_start(struct sim *sim, const char *dir, uint16_t port_base)
{
	sim->wake_fd = -1;
	sim->cert = read_whole(dir, "server.pem");
	sim->key = read_whole(dir, "server.key");
	if (sim->cert == NULL || sim->key == NULL)
		return -1;
	for (int i = 0; i < OPERS; i++) {
		uint16_t port = port_base > 0 ? (uint16_t)(port_base + i) : 0;
		if (open_port(&sim->opers[i], port) < 0 ||
		    open_daemon(&sim->opers[i]) < 0)
			return -1;
	}
	sync_listeners(sim);
	sim->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (sim->wake_fd < 0 ||
	    pthread_create(&sim->acceptor, NULL, acceptor_run, sim) != 0)
		abort();
	return 0;
}

void
server_stop(struct sim *sim)
{
	if (sim->wake_fd >= 0 && sim->acceptor != 0) {
		__atomic_store_n(&sim->stopping, true, __ATOMIC_RELEASE);
		server_wake(sim);
		pthread_join(sim->acceptor, NULL);
		close(sim->wake_fd);
	}
	/* a suspended connection would abort the stop of its server */
	timer_stop(sim->timer);
	for (int i = 0; i < OPERS; i++) {
		struct oper *op = &sim->opers[i];
		if (op->daemon != NULL)
			MHD_stop_daemon(op->daemon);
		if (op->listen_fd >= 0)
			close(op->listen_fd);
		if (op->holder_fd >= 0)
			close(op->holder_fd);
	}
}
