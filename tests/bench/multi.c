#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/ssl.h>

#include "bare.h"
#include "bench.h"

#define EVENTS 64
#define NS_PER_S 1000000000
#define NS_PER_MS 1000000

struct multi {
	const struct site *site;
	const struct floor_request *requests;
	size_t n_requests;
	struct curl_slist **headers; /* of each request */
	struct curl_slist *connect_to;
	X509_STORE *store;
	CURLM *curl;
	int epoll;
	int64_t timer; /* when libcurl wants to be called; 0: not */
	unsigned done;
};

/* One journey: what a share handle is for. */
struct journey {
	struct multi *multi;
	CURLSH *share;
	size_t request;
};

static void
die(const char *what)
{
	fprintf(stderr, "bench: libcurl: %s\n", what);
	exit(1);
}

static size_t
swallow(char *bytes, size_t size, size_t n, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * n;
}

static CURLcode
trust(CURL *easy, void *ssl_ctx, void *arg)
{
	struct journey *journey = arg;

	(void)easy;
	SSL_CTX_set1_cert_store(ssl_ctx, journey->multi->store);
	return CURLE_OK;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct multi *multi = arg;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(multi->epoll, EPOLL_CTL_DEL, fd, NULL);
		curl_multi_assign(multi->curl, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) |
	    (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	epoll_ctl(multi->epoll, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
	    fd, &event);
	curl_multi_assign(multi->curl, fd, multi);
	return 0;
}

static int
on_timer(CURLM *curl, long ms, void *arg)
{
	struct multi *multi = arg;

	(void)curl;
	multi->timer = ms < 0 ? 0 : bench_now_ns() + ms * NS_PER_MS;
	return 0;
}

static void
ask(struct journey *journey)
{
	struct multi *multi = journey->multi;
	const struct floor_request *request =
	    &multi->requests[journey->request];
	CURL *easy = curl_easy_init();
	char url[256];

	snprintf(url, sizeof(url), "https://" SITE_HOST "%s", request->path);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, journey);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_SHARE, journey->share);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 16384L);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, trust);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, journey);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
	curl_easy_setopt(
	    easy, CURLOPT_HTTPHEADER, multi->headers[journey->request]);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, multi->connect_to);
	if (request->post != NULL)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->post);
	curl_multi_add_handle(multi->curl, easy);
}

static void
begin(struct multi *multi)
{
	struct journey *journey = calloc(1, sizeof(*journey));

	if (journey == NULL)
		die("out of memory");
	journey->multi = multi;
	journey->share = curl_share_init();
	curl_share_setopt(
	    journey->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
	ask(journey);
}

static void
answered(struct multi *multi, CURL *easy, CURLcode code)
{
	struct journey *journey = NULL;
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &journey);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK || status != 200)
		die(curl_easy_strerror(code));
	curl_multi_remove_handle(multi->curl, easy);
	curl_easy_cleanup(easy);
	if (++journey->request < multi->n_requests) {
		ask(journey);
		return;
	}
	curl_share_cleanup(journey->share);
	free(journey);
	multi->done++;
}

static void
act(struct multi *multi, curl_socket_t fd, int events)
{
	CURLMsg *message;
	int number;

	curl_multi_socket_action(multi->curl, fd, events, &number);
	while ((message = curl_multi_info_read(multi->curl, &number)) != NULL)
		if (message->msg == CURLMSG_DONE)
			answered(
			    multi, message->easy_handle, message->data.result);
}

/* In ms, up to the next thing that is due; -1: nothing is. */
static int
wait_for(const struct multi *multi, bool more, int64_t due)
{
	int64_t until = more ? due : INT64_MAX;
	int64_t left;

	if (multi->timer > 0 && multi->timer < until)
		until = multi->timer;
	if (until == INT64_MAX)
		return -1;
	left = until - bench_now_ns();
	return left <= 0 ? 0 : (int)((left + NS_PER_MS - 1) / NS_PER_MS);
}

static void
run(struct multi *multi, unsigned n, unsigned per_s)
{
	int64_t start = bench_now_ns();
	unsigned begun = 0;

	while (multi->done < n) {
		struct epoll_event events[EVENTS];
		int64_t due = start + (int64_t)begun * NS_PER_S / per_s;
		int ready;

		if (begun < n && due <= bench_now_ns()) {
			begin(multi);
			begun++;
			continue;
		}
		ready = epoll_wait(multi->epoll, events, EVENTS,
		    wait_for(multi, begun < n, due));
		if (multi->timer > 0 && multi->timer <= bench_now_ns()) {
			multi->timer = 0;
			act(multi, CURL_SOCKET_TIMEOUT, 0);
		}
		for (int i = 0; i < ready; i++)
			act(multi, events[i].data.fd,
			    (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
				(events[i].events & EPOLLOUT ? CURL_CSELECT_OUT
							     : 0));
	}
}

/* "A: b\r\nC: d\r\n" as libcurl wants it. */
static struct curl_slist *
list_of(const char *headers)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	char line[512];

	while (*headers != '\0') {
		size_t len = strcspn(headers, "\r");

		snprintf(line, sizeof(line), "%.*s", (int)len, headers);
		list = curl_slist_append(list, line);
		headers += len + 2;
	}
	return list;
}

double
multi_run(const struct site *site, const struct floor_request *requests,
    size_t n_requests, unsigned n, unsigned per_s)
{
	struct multi multi = {
	    .site = site, .requests = requests, .n_requests = n_requests};
	char to[64];
	int64_t cpu;

	snprintf(to, sizeof(to), "::127.0.0.1:%d", site->port);
	multi.connect_to = curl_slist_append(NULL, to);
	multi.headers = calloc(n_requests, sizeof(*multi.headers));
	multi.store = X509_STORE_new();
	multi.curl = curl_multi_init();
	multi.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (multi.headers == NULL || multi.curl == NULL ||
	    X509_STORE_load_file(multi.store, site->ca_file) != 1)
		die("cannot begin");
	for (size_t i = 0; i < n_requests; i++)
		multi.headers[i] = list_of(requests[i].headers);
	curl_multi_setopt(multi.curl, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi.curl, CURLMOPT_SOCKETDATA, &multi);
	curl_multi_setopt(multi.curl, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(multi.curl, CURLMOPT_TIMERDATA, &multi);
	cpu = bench_cpu_ns();
	run(&multi, n, per_s);
	cpu = bench_cpu_ns() - cpu;
	curl_multi_cleanup(multi.curl);
	for (size_t i = 0; i < n_requests; i++)
		curl_slist_free_all(multi.headers[i]);
	free(multi.headers);
	curl_slist_free_all(multi.connect_to);
	X509_STORE_free(multi.store);
	close(multi.epoll);
	return (double)cpu / 1e6 / n;
}
