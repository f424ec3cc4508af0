/*
 * The client: libcurl's multi handle on the loop. Nothing here calls back
 * into libcurl from one of its callbacks; they only note what to watch.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ares.h>

#include "base/log.h"
#include "base/mem.h"
#include "http-int.h"

#define DEFAULT_DNS_TIMEOUT (5 * US_PER_S)
#define CONNECTIONS_KEPT 32 /* by one session */
#define SERVERS_MAX 4096
#define TURNS_MAX 8 /* before others have theirs */

void
http_init(void)
{
	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK ||
	    ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		log_fatal("libcurl or c-ares cannot start", "");
	http_tls_init();
}

void
http_fini(void)
{
	ares_library_cleanup();
	curl_global_cleanup();
}

/*
 * A socket that libcurl watches. libcurl lets go of it after each answer and
 * takes it up with the next request, and changes its mind several times in one
 * turn; telling the loop costs system calls, so that is done once a turn, and
 * only when something is wanted that it does not watch for. One that is of no
 * use any more is not watched: of some that it never connected, libcurl does
 * not say that it has closed them.
 */
struct http_socket {
	struct http_client *client;
	struct http_exchange *exchange; /* NULL: libcurl has let go of it */
	struct loop_watch *watch;
	unsigned wanted, told;
	bool stale;
	struct http_socket *next_stale;
};

/* What is ready all the time must not be watched for without need. */
static void
tell_loop(struct http_socket *sock)
{
	unsigned missing = sock->wanted & ~sock->told;
	unsigned unwanted = sock->told & ~sock->wanted;

	sock->stale = false;
	if (unwanted == 0 && missing == 0)
		return;
	if (sock->wanted != 0 && missing == 0 && (unwanted & LOOP_WRITE) == 0)
		return;
	sock->told = sock->wanted;
	loop_watch_set(sock->watch, sock->told);
}

static void
tell_all(struct http_client *client)
{
	while (client->stale != NULL) {
		struct http_socket *sock = client->stale;

		client->stale = sock->next_stale;
		tell_loop(sock);
	}
}

static void
want(struct http_socket *sock, unsigned events)
{
	struct http_client *client = sock->client;

	sock->wanted = events;
	if (client->acting == 0) {
		tell_loop(sock);
	} else if (!sock->stale) {
		sock->stale = true;
		sock->next_stale = client->stale;
		client->stale = sock;
	}
}

/* Takes up what libcurl has finished. */
static void
take_finished(struct http_client *client)
{
	CURLMsg *message;
	int number;

	while (
	    (message = curl_multi_info_read(client->multi, &number)) != NULL) {
		if (message->msg == CURLMSG_DONE)
			http_exchange_ended(
			    message->easy_handle, message->data.result);
	}
}

static void
take_up(struct http_client *client, curl_socket_t fd, int events)
{
	int number;

	client->acting = loop_now(client->loop);
	client->worked = clock_thread_cpu();
	curl_multi_socket_action(client->multi, fd, events, &number);
	take_finished(client);
	client->acting = 0;
}

void
http_client_go_on(struct http_client *client)
{
	unsigned turns = TURNS_MAX;

	if (client->at_once)
		loop_timer_stop(client->timer);
	while (client->at_once && turns-- > 0) {
		client->at_once = false;
		take_up(client, CURL_SOCKET_TIMEOUT, 0);
	}
	if (client->at_once)
		loop_timer_start(client->timer, 0);
	tell_all(client);
}

static void
on_socket(void *arg, int fd, unsigned events)
{
	struct http_socket *sock = arg;
	struct http_client *client = sock->client;
	int happened = 0;

	if (sock->exchange == NULL) {
		/* Of no interest now; libcurl will look when it uses it. */
		sock->told = 0;
		loop_watch_set(sock->watch, 0);
		return;
	}
	http_exchange_served(sock->exchange);
	client->serving = sock->exchange;
	if (events & LOOP_READ)
		happened |= CURL_CSELECT_IN;
	if (events & LOOP_WRITE)
		happened |= CURL_CSELECT_OUT;
	/* Reading will tell libcurl what the error is; CURL_CSELECT_ERR would
	 * only tell it that there is one. */
	if (events & LOOP_ERROR)
		happened |= CURL_CSELECT_IN | CURL_CSELECT_OUT;
	take_up(client, fd, happened);
	if (client->serving != NULL)
		http_exchange_left(client->serving);
	client->serving = NULL;
	http_client_go_on(client);
}

static void
on_timer(void *arg)
{
	struct http_client *client = arg;

	client->at_once = false;
	take_up(client, CURL_SOCKET_TIMEOUT, 0);
	http_client_go_on(client);
}

static struct http_socket *
socket_known(const struct http_client *client, curl_socket_t fd)
{
	return (size_t)fd < client->n_sockets ? client->sockets[fd] : NULL;
}

static struct http_socket *
socket_at(struct http_client *client, curl_socket_t fd)
{
	size_t n = client->n_sockets, at = (size_t)fd;
	struct http_socket *sock;

	if (at >= n) {
		client->n_sockets = 2 * at + 16;
		client->sockets = mem_grow(client->sockets, client->n_sockets,
		    sizeof(*client->sockets));
		memset(client->sockets + n, 0,
		    (client->n_sockets - n) * sizeof(*client->sockets));
	}
	sock = client->sockets[at];
	if (sock == NULL) {
		sock = mem_new(sizeof(*sock));
		sock->client = client;
		sock->watch = loop_watch_new(client->loop, fd, on_socket, sock);
		client->sockets[at] = sock;
	}
	return sock;
}

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
	struct http_client *client = arg;
	struct http_socket *sock;
	unsigned events = 0;

	(void)assigned;
	if (what == CURL_POLL_REMOVE) {
		sock = socket_known(client, fd);
		if (sock != NULL) {
			sock->exchange = NULL;
			want(sock, 0);
		}
		return 0;
	}
	sock = socket_at(client, fd);
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &sock->exchange);
	if (what & CURL_POLL_IN)
		events |= LOOP_READ;
	if (what & CURL_POLL_OUT)
		events |= LOOP_WRITE;
	want(sock, events);
	return 0;
}

static void
forget_socket(struct http_client *client, curl_socket_t fd)
{
	struct http_socket *sock = socket_known(client, fd);
	struct http_socket **at = &client->stale;

	if (sock == NULL)
		return;
	while (*at != NULL && *at != sock)
		at = &(*at)->next_stale;
	if (*at != NULL)
		*at = sock->next_stale;
	loop_watch_free(sock->watch);
	free(sock);
	client->sockets[fd] = NULL;
}

void
http_client_opened(struct http_client *client, curl_socket_t fd)
{
	forget_socket(client, fd);
}

int
http_client_close(void *client, curl_socket_t fd)
{
	forget_socket(client, fd);
	return close(fd);
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct http_client *client = arg;

	(void)multi;
	client->at_once = ms == 0;
	if (ms < 0)
		loop_timer_stop(client->timer);
	else if (ms > 0 || client->acting == 0)
		loop_timer_start(client->timer, ms * US_PER_MS);
	return 0;
}

static void
open_multi(struct http_client *client)
{
	client->timer = loop_timer_new(client->loop, on_timer, client);
	client->multi = curl_multi_init();
	if (client->multi == NULL)
		log_fatal("out of memory", "for=libcurl");
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(
	    client->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
}

/* ---- options ---- */

static char *
joined(const char *const *name_servers, size_t n)
{
	char *list;
	struct buf text;

	buf_init(&text, SERVERS_MAX);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s", i > 0 ? "," : "", name_servers[i]);
	list = mem_strdup(n > 0 && !text.full ? text.data : "");
	buf_fini(&text);
	return list;
}

/* Keeps the resolver when nothing changes: its sockets may be in use. */
static void
set_resolver(struct http_client *client, const struct http_options *options)
{
	char *list = joined(options->name_servers, options->n_name_servers);
	struct resolver *resolver = NULL;

	client->retired = resolver_sweep(client->retired);
	if (client->resolver == NULL || strcmp(list, client->name_servers) != 0)
		resolver = resolver_new(client->loop, list);
	if (resolver == NULL) {
		if (client->resolver == NULL ||
		    strcmp(list, client->name_servers) != 0)
			log_error("name servers refused", "list=\"%s\"", list);
		free(list);
		return;
	}
	if (client->resolver != NULL)
		client->retired =
		    resolver_retire(client->resolver, client->retired);
	client->resolver = resolver;
	free(client->name_servers);
	client->name_servers = list;
}

void
http_client_apply(
    struct http_client *client, const struct http_options *options)
{
	free(client->user_agent);
	client->user_agent = mem_strdup(
	    options->user_agent != NULL ? options->user_agent : "dyzurny");
	free(client->ca_file);
	client->ca_file = mem_strdup(
	    options->ca_file != NULL ? options->ca_file : http_bundle_system());
	client->dns_timeout = options->dns_timeout > 0 ? options->dns_timeout
						       : DEFAULT_DNS_TIMEOUT;
	http_bundle_replace(client, options->bundles);
	set_resolver(client, options);
}

/* ---- life ---- */

struct http_client *
http_client_new(struct loop *loop, const struct http_options *options)
{
	struct http_client *client = mem_new(sizeof(*client));

	client->loop = loop;
	LIST_INIT(&client->bundles.list);
	open_multi(client);
	http_client_apply(client, options);
	/* The first TLS context of a process loads OpenSSL's providers: before
	 * there is anything to be late for. */
	SSL_CTX_free(SSL_CTX_new(TLS_client_method()));
	if (client->resolver == NULL) {
		http_client_free(client);
		return NULL;
	}
	return client;
}

void
http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	assert(client->sessions == 0);
	http_bundle_replace(client, NULL);
	curl_easy_cleanup(client->reader);
	curl_multi_cleanup(client->multi);
	for (size_t i = 0; i < client->n_sockets; i++)
		forget_socket(client, (curl_socket_t)i);
	free(client->sockets);
	loop_timer_free(client->timer);
	resolver_free(client->resolver);
	client->retired = resolver_sweep(client->retired);
	assert(client->retired == NULL);
	free(client->name_servers);
	free(client->user_agent);
	free(client->ca_file);
	free(client);
}

uint64_t
http_client_requests(const struct http_client *client)
{
	return client->requests;
}
