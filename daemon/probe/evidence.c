/*
 * Evidence: a run as JSON, and that JSON as HAR 1.2. Everything here was
 * masked when it was recorded.
 */
#include "config.h"

#include "probe/evidence.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#define TEXT_MAX (4 * 1024 * 1024) /* of a run with all it may have */

/* ---- JSON ---- */

/* Written as text: one is made of every run. `key` brings what stands before
 * the value, its comma and colon included. */
static void
put_text(struct buf *out, const char *key, const char *text)
{
	buf_adds(out, key);
	jv_escape(out, text, strlen(text));
}

static void
put_digits(struct buf *out, uint64_t value, size_t least)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0 || sizeof(digits) - n < least);
	buf_add(out, digits + n, sizeof(digits) - n);
}

static void
put_number(struct buf *out, const char *key, int64_t value)
{
	buf_adds(out, key);
	if (value < 0)
		buf_addc(out, '-');
	put_digits(out, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

/* A length or instant in microseconds, in units of so many of them, which is
 * a power of ten with so many zeros. */
static void
put_time(
    struct buf *out, const char *key, int64_t us, uint64_t unit, size_t zeros)
{
	uint64_t size = us < 0 ? -(uint64_t)us : (uint64_t)us;

	buf_adds(out, key);
	if (us < 0)
		buf_addc(out, '-');
	put_digits(out, size / unit, 1);
	buf_addc(out, '.');
	put_digits(out, size % unit, zeros);
}

static void
put_ms(struct buf *out, const char *key, dur_us length)
{
	put_time(out, key, length, US_PER_MS, 3);
}

static void
put_bool(struct buf *out, const char *key, bool value)
{
	buf_adds(out, key);
	buf_adds(out, value ? "true" : "false");
}

static void
put_phases(struct buf *out, const struct phase_times *times)
{
	int phase;

	buf_adds(out, ",\"phases\":");
	for (phase = 0; phase < PHASE_COUNT; phase++) {
		put_text(
		    out, phase == 0 ? "{" : ",", phase_name((enum phase)phase));
		put_ms(out, ":", times->us[phase]);
	}
	buf_addc(out, '}');
}

/* What was disturbed, or never tried, failed in no phase. */
static bool
failed_in_phase(const struct result *result)
{
	return result->reason != REASON_OK &&
	    result->reason != REASON_TAINTED &&
	    result->reason != REASON_PREREQUISITE_FAILED &&
	    result->reason != REASON_BUDGET_SPENT;
}

static void
put_result(struct buf *out, const struct result *result)
{
	put_text(out, "{\"transaction\":", result->target->transaction);
	put_text(out, ",\"target\":", result->target->path);
	put_text(out, ",\"reason\":", reason_name(result->reason));
	put_text(out, ",\"side\":", side_name(reason_side(result->reason)));
	put_text(out, ",\"step\":", result->step);
	if (failed_in_phase(result))
		put_text(out, ",\"phase\":", phase_name(result->phase));
	else
		buf_adds(out, ",\"phase\":null");
	put_ms(out, ",\"latency_ms\":", result->latency);
	put_number(out, ",\"http_status\":", result->http_status);
	put_number(out, ",\"exchanges\":", result->exchanges);
	put_number(
	    out, ",\"received_bytes\":", (int64_t)result->received_bytes);
	put_number(out, ",\"copies\":", result->copies);
	put_phases(out, &result->phases);
	buf_addc(out, '}');
}

static void
put_certificate(struct buf *out, const struct run_certificate *certificate)
{
	if (certificate->subject == NULL) {
		buf_adds(out, ",\"certificate\":null");
		return;
	}
	put_text(out, ",\"certificate\":{\"subject\":", certificate->subject);
	put_text(out, ",\"issuer\":", certificate->issuer);
	put_text(out, ",\"hosts\":", certificate->hosts);
	put_number(out, ",\"not_before\":", certificate->not_before / US_PER_S);
	put_number(out, ",\"not_after\":", certificate->not_after / US_PER_S);
	buf_addc(out, '}');
}

static void
put_exchange(
    struct buf *out, const struct run *run, const struct run_exchange *exchange)
{
	put_text(out, "{\"transaction\":", exchange->transaction);
	put_text(out, ",\"step\":", exchange->step);
	put_text(out, ",\"account\":", exchange->account);
	put_text(out, ",\"method\":", exchange->method);
	put_text(out, ",\"url\":", exchange->url);
	put_number(out, ",\"status\":", exchange->status);
	put_number(out, ",\"http_version\":", exchange->http_version);
	put_text(out, ",\"address\":", exchange->address);
	put_text(out, ",\"tls\":", exchange->tls);
	put_text(out, ",\"cipher\":", exchange->cipher);
	put_certificate(out, &exchange->certificate);
	put_text(out, ",\"span\":", exchange->span);
	put_text(out, ",\"media_type\":", exchange->media_type);
	put_text(out, ",\"location\":", exchange->location);
	put_text(out, ",\"note\":", exchange->note);
	put_text(out, ",\"reason\":", reason_name(exchange->reason));
	put_ms(out, ",\"offset_ms\":", exchange->started - run->started);
	put_ms(out, ",\"latency_ms\":", exchange->latency);
	put_bool(out, ",\"reused\":", exchange->reused);
	put_number(out, ",\"sent_bytes\":", (int64_t)exchange->sent_bytes);
	put_number(
	    out, ",\"received_bytes\":", (int64_t)exchange->received_bytes);
	put_phases(out, &exchange->phases);
	buf_addc(out, '}');
}

bool
evidence_write(const struct run *run, struct buf *out)
{
	bool ok = run->n_results > 0;
	size_t i;

	for (i = 0; i < run->n_results; i++)
		ok = ok && run->results[i].reason == REASON_OK;
	put_text(out, "{\"id\":", run->id);
	put_text(out, ",\"operator\":", run->operator);
	put_text(out, ",\"deployment\":", run->deployment);
	put_text(out, ",\"vantage\":", run->vantage);
	put_time(out, ",\"time\":", run->started_wall, US_PER_S, 6);
	put_ms(out, ",\"latency_ms\":", run->latency);
	put_ms(out, ",\"start_late_ms\":", run->start_late);
	put_ms(out, ",\"loop_late_ms\":", run->loop_late);
	put_bool(out, ",\"tainted\":", run->tainted);
	put_bool(out, ",\"ok\":", ok);
	buf_adds(out, ",\"results\":[");
	for (i = 0; i < run->n_results; i++) {
		if (i > 0)
			buf_addc(out, ',');
		put_result(out, &run->results[i]);
	}
	buf_adds(out, "],\"exchanges\":[");
	for (i = 0; i < run->n_exchanges; i++) {
		if (i > 0)
			buf_addc(out, ',');
		put_exchange(out, run, &run->exchanges[i]);
	}
	return buf_adds(out, "]}");
}

struct jv *
evidence_run(const struct run *run)
{
	struct jv *json = NULL;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (evidence_write(run, &text))
		json = jv_parse(text.data, text.len, NULL, 0);
	buf_fini(&text);
	return json != NULL ? json : jv_object();
}

/* ---- HAR ---- */

static double
number(const struct jv *object, const char *key)
{
	struct jv *value = jv_get(object, key);

	return value == NULL ? 0 : jv_real_value(value);
}

static struct jv *
http_version(const struct jv *exchange)
{
	int64_t version = jv_get_int(exchange, "http_version", 0);
	char text[24];

	if (version == 20)
		return jv_string("HTTP/2");
	if (version == 0)
		return jv_string("");
	snprintf(text, sizeof(text), "HTTP/%d.%d", (int)(version / 10),
	    (int)(version % 10));
	return jv_string(text);
}

/* HAR wants query names apart; the values were masked long before. */
static struct jv *
har_query(const char *url)
{
	struct jv *list = jv_array();
	const char *at = strchr(url, '?');

	while (at != NULL && at[1] != '\0') {
		const char *pair = at + 1;
		size_t len = strcspn(pair, "&");
		const char *equal = memchr(pair, '=', len);
		size_t name = equal == NULL ? 0 : (size_t)(equal - pair);
		struct jv *item = jv_object();

		jv_set(item, "name", jv_stringn(pair, name));
		jv_set(item, "value", jv_string("***"));
		jv_push(list, item);
		at = pair[len] == '&' ? pair + len : NULL;
	}
	return list;
}

static struct jv *
har_request(const struct jv *exchange)
{
	struct jv *request = jv_object();
	const char *url = jv_get_string(exchange, "url", "");

	jv_set(request, "method",
	    jv_string(jv_get_string(exchange, "method", "")));
	jv_set(request, "url", jv_string(url));
	jv_set(request, "httpVersion", http_version(exchange));
	jv_set(request, "cookies", jv_array());
	jv_set(request, "headers", jv_array());
	jv_set(request, "queryString", har_query(url));
	jv_set(request, "headersSize", jv_int(-1));
	jv_set(request, "bodySize", jv_int(-1));
	return request;
}

static struct jv *
har_response(const struct jv *exchange)
{
	struct jv *response = jv_object(), *content = jv_object();

	jv_set(
	    content, "size", jv_int(jv_get_int(exchange, "received_bytes", 0)));
	jv_set(content, "mimeType",
	    jv_string(jv_get_string(exchange, "media_type", "")));
	jv_set(response, "status", jv_int(jv_get_int(exchange, "status", 0)));
	jv_set(response, "statusText", jv_string(""));
	jv_set(response, "httpVersion", http_version(exchange));
	jv_set(response, "cookies", jv_array());
	jv_set(response, "headers", jv_array());
	jv_set(response, "content", content);
	jv_set(response, "redirectURL",
	    jv_string(jv_get_string(exchange, "location", "")));
	jv_set(response, "headersSize", jv_int(-1));
	jv_set(response, "bodySize", jv_int(-1));
	return response;
}

/* The sum of all timings but ssl, which connect includes, is `time`. */
static struct jv *
har_timings(const struct jv *exchange, double *sum)
{
	struct jv *phases = jv_get(exchange, "phases");
	struct jv *timings = jv_object();
	bool reused = jv_bool_value(jv_get(exchange, "reused"));
	double tls = number(phases, "tls");
	double connect = number(phases, "connect") + tls;
	double dns = number(phases, "dns");
	double wait = number(phases, "wait");
	double receive = number(phases, "receive");
	bool plain = jv_get_string(exchange, "tls", "")[0] == '\0' && tls <= 0;

	*sum = wait + receive + (reused ? 0 : dns + connect);
	jv_set(timings, "blocked", jv_int(-1));
	jv_set(timings, "dns", reused ? jv_int(-1) : jv_real(dns));
	jv_set(timings, "connect", reused ? jv_int(-1) : jv_real(connect));
	jv_set(timings, "ssl", reused || plain ? jv_int(-1) : jv_real(tls));
	jv_set(timings, "send", jv_int(0));
	jv_set(timings, "wait", jv_real(wait));
	jv_set(timings, "receive", jv_real(receive));
	return timings;
}

/* "127.0.0.1:8443", "[::1]:8443" → the address alone. */
static struct jv *
server_address(const char *address)
{
	const char *colon = strrchr(address, ':');
	size_t len =
	    colon == NULL ? strlen(address) : (size_t)(colon - address);

	if (len >= 2 && address[0] == '[' && address[len - 1] == ']')
		return jv_stringn(address + 1, len - 2);
	return jv_stringn(address, len);
}

/* What HAR has no field for; it lets us add fields whose names begin with an
 * underscore. */
static void
har_set_ours(struct jv *entry, const struct jv *run, const struct jv *exchange)
{
	const char *ours[] = {"transaction", "step", "account", "reason"};
	struct jv *certificate = jv_get(exchange, "certificate");
	struct jv *tls = jv_object();
	size_t i;

	for (i = 0; i < ARRAY_LEN(ours); i++) {
		char key[24];

		snprintf(key, sizeof(key), "_%s", ours[i]);
		jv_set(entry, key,
		    jv_string(jv_get_string(exchange, ours[i], "")));
	}
	jv_set(entry, "_trace_id", jv_string(jv_get_string(run, "id", "")));
	jv_set(
	    entry, "_span_id", jv_string(jv_get_string(exchange, "span", "")));
	jv_set(tls, "version", jv_string(jv_get_string(exchange, "tls", "")));
	jv_set(tls, "cipher", jv_string(jv_get_string(exchange, "cipher", "")));
	/* runs of earlier versions have none */
	jv_set(tls, "certificate",
	    certificate != NULL ? jv_hold(certificate) : jv_null());
	jv_set(entry, "_tls", tls);
}

static struct jv *
har_entry(const struct jv *run, const struct jv *exchange)
{
	struct jv *entry = jv_object();
	const char *address = jv_get_string(exchange, "address", "");
	double sum = 0, offset = number(exchange, "offset_ms");
	struct jv *timings = har_timings(exchange, &sum);
	char time[32], comment[512];

	text_rfc3339((wall_us)llround(number(run, "time") * (double)US_PER_S +
			 offset * (double)US_PER_MS),
	    time, sizeof(time));
	snprintf(comment, sizeof(comment), "%s/%s (%s): %s%s%s",
	    jv_get_string(exchange, "transaction", ""),
	    jv_get_string(exchange, "step", ""),
	    jv_get_string(exchange, "account", ""),
	    jv_get_string(exchange, "reason", ""),
	    jv_get_string(exchange, "note", "")[0] != '\0' ? ", " : "",
	    jv_get_string(exchange, "note", ""));
	jv_set(entry, "pageref",
	    jv_string(jv_get_string(exchange, "transaction", "")));
	jv_set(entry, "startedDateTime", jv_string(time));
	jv_set(entry, "time", jv_real(sum));
	jv_set(entry, "request", har_request(exchange));
	jv_set(entry, "response", har_response(exchange));
	jv_set(entry, "cache", jv_object());
	jv_set(entry, "timings", timings);
	if (address[0] != '\0')
		jv_set(entry, "serverIPAddress", server_address(address));
	jv_set(entry, "comment", jv_string(comment));
	har_set_ours(entry, run, exchange);
	return entry;
}

/* One page for each transaction that sent anything. */
static struct jv *
har_pages(const struct jv *run)
{
	struct jv *pages = jv_array(), *list = jv_get(run, "exchanges");
	const char *last = "";
	size_t i;

	for (i = 0; i < jv_len(list); i++) {
		struct jv *exchange = jv_at(list, i);
		const char *name = jv_get_string(exchange, "transaction", "");
		struct jv *page, *timings;
		char time[32];

		if (strcmp(name, last) == 0)
			continue;
		last = name;
		text_rfc3339(
		    (wall_us)llround(number(run, "time") * (double)US_PER_S +
			number(exchange, "offset_ms") * (double)US_PER_MS),
		    time, sizeof(time));
		page = jv_object();
		timings = jv_object();
		jv_set(timings, "onContentLoad", jv_int(-1));
		jv_set(timings, "onLoad", jv_int(-1));
		jv_set(page, "startedDateTime", jv_string(time));
		jv_set(page, "id", jv_string(name));
		jv_set(page, "title", jv_string(name));
		jv_set(page, "pageTimings", timings);
		jv_push(pages, page);
	}
	return pages;
}

struct jv *
evidence_har(const struct jv *run)
{
	struct jv *har = jv_object(), *log = jv_object();
	struct jv *creator = jv_object(), *entries = jv_array();
	struct jv *list = jv_get(run, "exchanges");
	size_t i;

	for (i = 0; i < jv_len(list); i++)
		jv_push(entries, har_entry(run, jv_at(list, i)));
	jv_set(creator, "name", jv_string("dyzurny"));
	jv_set(creator, "version", jv_string(PACKAGE_VERSION));
	jv_set(log, "version", jv_string("1.2"));
	jv_set(log, "creator", creator);
	jv_set(log, "pages", har_pages(run));
	jv_set(log, "entries", entries);
	jv_set(log, "comment", jv_string(jv_get_string(run, "id", "")));
	jv_set(har, "log", log);
	return har;
}
