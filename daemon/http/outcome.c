/*
 * What became of an exchange: facts, headers, reason and phases, read from
 * libcurl's handle.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "exchange-int.h"

#define RETRY_AFTER_MAX_S (30 * 86400)

static dur_us
time_of(CURL *easy, CURLINFO info)
{
	curl_off_t us = 0;

	curl_easy_getinfo(easy, info, &us);
	return us;
}

/* When the first byte came, counted from the beginning; 0 when none has. What
 * libcurl calls the start of the transfer is the start of the upload when a
 * body is sent after the head. */
static dur_us
first_byte(const struct http_exchange *exchange)
{
	if (exchange->body_len < SENT_APART)
		return time_of(exchange->easy, CURLINFO_STARTTRANSFER_TIME_T);
	return exchange->first_line > 0 ? exchange->first_line - exchange->begun
					: 0;
}

/* libcurl makes a TLS context for each connection, after TCP stands: 0.2 ms
 * in which the operator has nothing to answer. */
static dur_us
tls_ours(const struct http_exchange *exchange, dur_us connect)
{
	dur_us most = exchange->tls_begun - exchange->begun - connect;

	return exchange->tls_ours < most ? exchange->tls_ours : most;
}

/* What ended a phase had been ready before we came to it: the wait is ours, and
 * no phase has it. The body ends as much earlier as its end had waited, and
 * begins as much earlier as its beginning had. */
static void
take_held_off(struct http_exchange *exchange)
{
	dur_us *phases = exchange->response.phases.us;
	const dur_us held[PHASE_COUNT] = {exchange->held_dns,
	    exchange->held_connect, exchange->held_tls, exchange->held_first,
	    exchange->held - exchange->held_first};

	for (size_t i = 0; i < PHASE_COUNT; i++) {
		dur_us off = held[i] < phases[i] ? held[i] : phases[i];

		phases[i] -= off;
		exchange->response.ours += off;
	}
}

static void
fill_phases(struct http_exchange *exchange, const struct http_ending *ending)
{
	CURL *easy = exchange->easy;
	dur_us *phases = exchange->response.phases.us;
	dur_us connect = time_of(easy, CURLINFO_CONNECT_TIME_T);
	dur_us secured = time_of(easy, CURLINFO_APPCONNECT_TIME_T);
	dur_us ready = time_of(easy, CURLINFO_PRETRANSFER_TIME_T);
	dur_us first = first_byte(exchange);
	dur_us total = time_of(easy, CURLINFO_TOTAL_TIME_T);

	phases[PHASE_DNS] = exchange->dns;
	if (!exchange->response.reused) {
		phases[PHASE_CONNECT] = connect;
		if (connect == 0 && exchange->tls_begun > 0)
			phases[PHASE_CONNECT] =
			    exchange->tls_begun - exchange->begun;
		if (secured > 0) {
			exchange->response.ours = tls_ours(exchange, connect);
			phases[PHASE_TLS] =
			    secured - connect - exchange->response.ours;
		}
	}
	if (first > ready)
		phases[PHASE_WAIT] = first - ready;
	if (ending->answered && total > first)
		phases[PHASE_RECEIVE] = total - first;
	/* What was spent before it failed belongs to where it failed. */
	if (exchange->response.reason != REASON_OK) {
		dur_us spent = phase_times_total(&exchange->response.phases);
		dur_us all = exchange->dns + total - exchange->response.ours;

		if (all > spent)
			phases[exchange->response.phase] += all - spent;
	} else {
		take_held_off(exchange);
	}
}

static void
fill_facts(struct http_exchange *exchange)
{
	struct http_response *response = &exchange->response;
	CURL *easy = exchange->easy;
	long number = 0;
	char *text = NULL;
	long port = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &number);
	response->status = (int)number;
	number = 0;
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &number);
	if (number == CURL_HTTP_VERSION_1_0)
		response->version = 10;
	else if (number == CURL_HTTP_VERSION_1_1)
		response->version = 11;
	else if (number == CURL_HTTP_VERSION_2_0)
		response->version = 20;
	number = 0;
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &number);
	/* Ready to send without having connected, answered or not. */
	response->reused =
	    number == 0 && time_of(easy, CURLINFO_PRETRANSFER_TIME_T) > 0;
	curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &text);
	curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port);
	if (text != NULL && text[0] != '\0')
		response->address = mem_printf(
		    strchr(text, ':') != NULL ? "[%s]:%ld" : "%s:%ld", text,
		    port);
	number = 0;
	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &number);
	response->sent_bytes = (uint64_t)number;
	if (exchange->body_len >= SENT_APART)
		response->sent_bytes +=
		    (uint64_t)time_of(easy, CURLINFO_SIZE_UPLOAD_T);
}

static void
fill_headers(struct http_exchange *exchange)
{
	struct http_response *response = &exchange->response;
	const char *value;
	curl_off_t seconds = 0;

	for (size_t i = 0; i < exchange->n_headers; i++) {
		exchange->headers[i].name =
		    exchange->header_bytes.data + exchange->header_at[i][0];
		exchange->headers[i].value =
		    exchange->header_bytes.data + exchange->header_at[i][1];
	}
	response->headers = exchange->headers;
	response->n_headers = exchange->n_headers;
	value = http_header_find(response, "Content-Type");
	response->media_type = value != NULL ? value : "";
	value = http_header_find(response, "Location");
	if (value != NULL)
		response->location = http_url_join(exchange->url, value);
	curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds > RETRY_AFTER_MAX_S)
		seconds = RETRY_AFTER_MAX_S;
	if (seconds > 0)
		response->retry_after = seconds * US_PER_S;
}

/* Whether there is a way to that address from here; sends nothing. */
static bool
has_route(const struct sockaddr_storage *to)
{
	const void *any = to;
	int fd = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool well;

	if (fd < 0)
		return false;
	well = connect(fd, any,
		   to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					     : sizeof(struct sockaddr_in)) == 0;
	close(fd);
	return well;
}

static void
fill_routes(const struct http_exchange *exchange, struct http_ending *ending)
{
	size_t tried = 0;
	size_t routed = 0;

	if (ending->os_errno != ENETUNREACH &&
	    ending->os_errno != EADDRNOTAVAIL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(exchange->tried); i++) {
		if (exchange->tried[i].ss_family == AF_UNSPEC)
			continue;
		tried++;
		routed += has_route(&exchange->tried[i]);
	}
	ending->routed = tried > 0 && routed == tried;
	ending->unrouted = tried > 0 && routed == 0;
}

static void
fill_reason(
    struct http_exchange *exchange, CURLcode code, struct http_ending *ending)
{
	struct http_response *response = &exchange->response;
	CURL *easy = exchange->easy;

	*ending = (struct http_ending){
	    .code = code,
	    .text = exchange->error,
	    .tls = exchange->place.tls,
	    .too_large = exchange->too_large,
	};
	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &ending->os_errno);
	curl_easy_getinfo(
	    easy, CURLINFO_SSL_VERIFYRESULT, &ending->verify_result);
	/* libcurl tells when TCP stood only when TLS stands, too. */
	ending->connected = response->reused || response->status > 0 ||
	    exchange->tls_begun > 0 ||
	    time_of(easy, CURLINFO_CONNECT_TIME_T) > 0;
	ending->secured = ending->connected &&
	    (!exchange->place.tls || response->reused || response->status > 0 ||
		time_of(easy, CURLINFO_APPCONNECT_TIME_T) > 0);
	/* An end of the stream counts as a start for libcurl. */
	ending->answered = ending->secured && code != CURLE_GOT_NOTHING &&
	    (response->status > 0 || first_byte(exchange) > 0);
	/* One address may be refused and the next one connected to. */
	ending->fd_limit = exchange->fd_limit && !ending->connected;
	ending->refused_by_policy =
	    exchange->refused_by_policy && !ending->connected;
	if (!ending->connected)
		fill_routes(exchange, ending);
	response->reason = http_ending_reason(ending);
	if (response->reason == REASON_OK)
		return;
	response->phase = http_ending_phase(ending);
	if (ending->refused_by_policy)
		text_copy(response->problem, sizeof(response->problem),
		    "address refused by policy");
	else if (exchange->too_large)
		text_copy(response->problem, sizeof(response->problem),
		    "larger than we read");
	else
		text_copy(response->problem, sizeof(response->problem),
		    exchange->error[0] != '\0' ? exchange->error
					       : curl_easy_strerror(code));
}

void
http_outcome_read(struct http_exchange *exchange, CURLcode code)
{
	struct http_ending ending;

	fill_facts(exchange);
	fill_headers(exchange);
	fill_reason(exchange, code, &ending);
	fill_phases(exchange, &ending);
}

const char *
http_header_find(const struct http_response *response, const char *name)
{
	for (size_t i = 0; i < response->n_headers; i++) {
		if (strcasecmp(response->headers[i].name, name) == 0)
			return response->headers[i].value;
	}
	return NULL;
}
