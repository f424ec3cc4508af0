/*
 * Names, by c-ares on the loop: libcurl's own resolver would block it. Each
 * resolution has a deadline of its own; c-ares may answer after it, so a
 * resolution that was given up lives on as an orphan until then.
 */
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <ares.h>
#include <arpa/inet.h>

#include "base/mem.h"
#include "http-int.h"

#define TRY_MS 1500 /* of one question to one server */
#define TRIES 3
#define ADDRESSES_MAX 1024

struct watched {
	struct watched *next;
	struct resolver *resolver;
	ares_socket_t fd;
	struct loop_watch *watch;
};

struct resolver {
	struct loop *loop;
	struct resolver *next; /* retired before it */
	unsigned waiting; /* resolutions that somebody waits for */
	bool processing; /* answers are being read and handed over */
	ares_channel channel;
	struct watched *watched;
	struct resolution *answered; /* by c-ares, which is still at it */
	struct loop_timer *timer;
	mono_us refused; /* when a name server was last found not there */
};

struct resolution {
	struct resolver *resolver;
	struct resolution *next; /* answered after it */
	struct loop_timer *deadline;
	resolved_fn *done; /* NULL: an orphan */
	void *arg;
	mono_us started;
	bool asked; /* c-ares will still call */
	dur_us held,
	    late; /* for which the answer had to wait, see resolved_fn */
	enum reason reason; /* of an answer that waits to be handed over */
	char problem[96];
	struct buf addresses;
};

static void
arm(struct resolver *resolver)
{
	struct timeval left;

	if (ares_timeout(resolver->channel, NULL, &left) == NULL)
		loop_timer_stop(resolver->timer);
	else
		loop_timer_start(
		    resolver->timer, left.tv_sec * US_PER_S + left.tv_usec);
}

static void hand_over(struct resolution *resolution);

/* c-ares reads and sends, and the answers that it has then are handed over,
 * before other events are served: their time would count as the answer's. */
static void
process(struct resolver *resolver, ares_socket_t read, ares_socket_t write)
{
	struct resolution *resolution;

	resolver->processing = true;
	ares_process_fd(resolver->channel, read, write);
	arm(resolver);
	while ((resolution = resolver->answered) != NULL) {
		resolver->answered = resolution->next;
		hand_over(resolution);
	}
	resolver->processing = false;
}

static void
on_timer(void *arg)
{
	process(arg, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void
on_socket(void *arg, int fd, unsigned events)
{
	struct watched *watched = arg;
	struct resolver *resolver = watched->resolver;
	bool trouble = (events & LOOP_ERROR) != 0;

	if (trouble)
		resolver->refused = loop_now(resolver->loop);
	/* An error is read like an answer: c-ares finds out. */
	process(resolver,
	    trouble || (events & LOOP_READ) ? fd : ARES_SOCKET_BAD,
	    trouble || (events & LOOP_WRITE) ? fd : ARES_SOCKET_BAD);
}

static void
on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = arg;
	struct watched **at = &resolver->watched;
	struct watched *watched;

	while (*at != NULL && (*at)->fd != fd)
		at = &(*at)->next;
	watched = *at;
	if (!readable && !writable) {
		if (watched == NULL)
			return;
		*at = watched->next;
		loop_watch_free(watched->watch);
		free(watched);
		return;
	}
	if (watched == NULL) {
		watched = mem_new(sizeof(*watched));
		watched->resolver = resolver;
		watched->fd = fd;
		watched->watch =
		    loop_watch_new(resolver->loop, fd, on_socket, watched);
		watched->next = resolver->watched;
		resolver->watched = watched;
	}
	loop_watch_set(watched->watch,
	    (readable ? LOOP_READ : 0) | (writable ? LOOP_WRITE : 0));
}

struct resolver *
resolver_new(struct loop *loop, const char *name_servers)
{
	struct resolver *resolver = mem_new(sizeof(*resolver));
	/* Names are whole: with a search list, our own domain would be asked
	 * for each that is not found. */
	struct ares_options options = {
	    .flags = ARES_FLAG_NOSEARCH,
	    .ndomains = 0,
	    .timeout = TRY_MS,
	    .tries = TRIES,
	    .sock_state_cb = on_state,
	    .sock_state_cb_data = resolver,
	};

	resolver->loop = loop;
	if (ares_init_options(&resolver->channel, &options,
		ARES_OPT_FLAGS | ARES_OPT_DOMAINS | ARES_OPT_TIMEOUTMS |
		    ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
		free(resolver);
		return NULL;
	}
	resolver->timer = loop_timer_new(loop, on_timer, resolver);
	if (name_servers[0] != '\0' &&
	    ares_set_servers_ports_csv(resolver->channel, name_servers) !=
		ARES_SUCCESS) {
		resolver_free(resolver);
		return NULL;
	}
	return resolver;
}

void
resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	ares_destroy(resolver->channel);
	assert(resolver->watched == NULL);
	loop_timer_free(resolver->timer);
	free(resolver);
}

struct resolver *
resolver_retire(struct resolver *resolver, struct resolver *others)
{
	resolver->next = others;
	return resolver;
}

struct resolver *
resolver_sweep(struct resolver *retired)
{
	struct resolver **at = &retired;

	while (*at != NULL) {
		struct resolver *resolver = *at;

		if (resolver->waiting > 0 || resolver->processing) {
			at = &resolver->next;
			continue;
		}
		*at = resolver->next;
		resolver_free(resolver);
	}
	return retired;
}

static void
resolution_free(struct resolution *resolution)
{
	loop_timer_free(resolution->deadline);
	buf_fini(&resolution->addresses);
	free(resolution);
}

static void
hand_over(struct resolution *resolution)
{
	resolved_fn *done = resolution->done;
	bool well = resolution->reason == REASON_OK;

	resolution->done = NULL;
	resolution->resolver->waiting--;
	done(resolution->arg, resolution->reason, resolution->problem,
	    well ? resolution->addresses.data : NULL, resolution->held,
	    resolution->late);
	if (!resolution->asked)
		resolution_free(resolution);
	else
		loop_timer_stop(resolution->deadline);
}

/* c-ares does not tell why it could not ask. */
static bool
out_of_descriptors(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return http_errno_ours(errno);
	close(fd);
	return false;
}

/* Whether a name server was found not to be there since we began to ask. */
static bool
nobody_listens(const struct resolution *resolution)
{
	return resolution->resolver->refused >= resolution->started;
}

/* c-ares goes on asking a name server that is not there, and calls the end of
 * it a timeout. A server that answers "failure" it calls refused. */
static enum reason
reason_of(const struct resolution *resolution, int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return REASON_OK;
	case ARES_ENOMEM:
		return REASON_RESOLVER_DOWN;
	case ARES_ETIMEOUT:
		return nobody_listens(resolution) ? REASON_RESOLVER_DOWN
						  : REASON_DNS_TIMEOUT;
	case ARES_ECONNREFUSED:
		if (out_of_descriptors())
			return REASON_FD_LIMIT;
		return nobody_listens(resolution) ? REASON_RESOLVER_DOWN
						  : REASON_DNS_FAILURE;
	default:
		return REASON_DNS_FAILURE;
	}
}

/* For how long we did, at most, since the question: an answer that came
 * meanwhile may have found no room in the socket. */
static dur_us
stood_still(const struct resolution *resolution)
{
	return loop_late_since(resolution->resolver->loop, resolution->started);
}

/* The deadline, or the moment after an answer that came from inside
 * ares_getaddrinfo: nobody is to be called from inside resolver_start. */
static void
on_deadline(void *arg)
{
	struct resolution *resolution = arg;

	if (resolution->asked) {
		resolution->late = stood_still(resolution);
		resolution->reason = reason_of(resolution, ARES_ETIMEOUT);
		snprintf(resolution->problem, sizeof(resolution->problem),
		    "no answer from the name servers in time");
	}
	hand_over(resolution);
}

static void
gather(struct resolution *resolution, const struct ares_addrinfo *found)
{
	for (const struct ares_addrinfo_node *node = found->nodes; node != NULL;
	     node = node->ai_next) {
		char text[INET6_ADDRSTRLEN];
		const char *comma = resolution->addresses.len > 0 ? "," : "";
		const void *any = node->ai_addr;

		if (node->ai_family == AF_INET &&
		    inet_ntop(AF_INET,
			&((const struct sockaddr_in *)any)->sin_addr, text,
			sizeof(text)) != NULL)
			buf_printf(&resolution->addresses, "%s%s", comma, text);
		else if (node->ai_family == AF_INET6 &&
		    inet_ntop(AF_INET6,
			&((const struct sockaddr_in6 *)any)->sin6_addr, text,
			sizeof(text)) != NULL)
			buf_printf(
			    &resolution->addresses, "%s[%s]", comma, text);
	}
}

static void
queue(struct resolution *resolution)
{
	struct resolution **at = &resolution->resolver->answered;

	while (*at != NULL)
		at = &(*at)->next;
	*at = resolution;
	loop_timer_stop(resolution->deadline);
}

/* Out of the queue, if it is in there. */
static void
unqueue(struct resolution *resolution)
{
	struct resolution **at = &resolution->resolver->answered;

	while (*at != NULL && *at != resolution)
		at = &(*at)->next;
	if (*at != NULL)
		*at = resolution->next;
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct resolution *resolution = arg;

	resolution->asked = false;
	resolution->held = loop_held(resolution->resolver->loop);
	resolution->late = loop_waited(resolution->resolver->loop);
	resolution->late -= resolution->late < resolution->held
	    ? resolution->late
	    : resolution->held;
	if (timeouts > 0)
		resolution->late += stood_still(resolution);
	if (resolution->done == NULL) {
		ares_freeaddrinfo(found);
		resolution_free(resolution);
		return;
	}
	resolution->reason = reason_of(resolution, status);
	if (status == ARES_SUCCESS)
		gather(resolution, found);
	if (status == ARES_SUCCESS && resolution->addresses.len == 0)
		resolution->reason = REASON_DNS_FAILURE;
	if (resolution->reason != REASON_OK)
		snprintf(resolution->problem, sizeof(resolution->problem), "%s",
		    ares_strerror(status));
	ares_freeaddrinfo(found);
	if (resolution->resolver->processing)
		queue(resolution);
	else
		loop_timer_start(resolution->deadline, 0);
}

struct resolution *
resolver_start(struct resolver *resolver, const char *host, dur_us timeout,
    resolved_fn *done, void *arg)
{
	struct resolution *resolution = mem_new(sizeof(*resolution));
	struct ares_addrinfo_hints hints = {
	    .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	};

	resolution->resolver = resolver;
	resolution->done = done;
	resolution->arg = arg;
	resolution->started = loop_now(resolver->loop);
	resolution->asked = true;
	resolver->waiting++;
	buf_init(&resolution->addresses, ADDRESSES_MAX);
	resolution->deadline =
	    loop_timer_new(resolver->loop, on_deadline, resolution);
	loop_timer_start(resolution->deadline, timeout);
	ares_getaddrinfo(
	    resolver->channel, host, NULL, &hints, on_answer, resolution);
	arm(resolver);
	return resolution;
}

void
resolver_cancel(struct resolution *resolution)
{
	resolution->resolver->waiting--;
	if (resolution->asked) {
		resolution->done = NULL;
		loop_timer_stop(resolution->deadline);
	} else {
		unqueue(resolution);
		resolution_free(resolution);
	}
}
