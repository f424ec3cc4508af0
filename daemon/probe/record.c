/*
 * Records: what is kept of each exchange as evidence. Nothing gets in here
 * that is not masked: no body, no cookie, no query value, no account value.
 */
#include "run-int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"

#define LONG_PART 24

/* ---- masking ---- */

/* The part of an address as it was before it was escaped. */
static void
unescape(const char *part, size_t len, struct buf *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char hex[3] = "";
		char *end = hex;
		unsigned long c = 0;

		if (part[i] == '%' && len - i >= 3) {
			memcpy(hex, part + i + 1, 2);
			c = strtoul(hex, &end, 16);
		}
		if (end == hex + 2) {
			buf_addc(out, (char)c);
			i += 2;
		} else {
			buf_addc(out, part[i]);
		}
	}
}

/* Without regard to case: filters may have changed it. */
static bool
contains(const struct buf *text, const struct secret *secret)
{
	size_t n = secret_len(secret);
	size_t i;

	for (i = 0; i + n <= text->len; i++) {
		if (strncasecmp(text->data + i, secret_reveal(secret), n) == 0)
			return true;
	}
	return false;
}

static bool
holds_secret(const struct conf_account *account, const struct buf *part)
{
	size_t i;

	if (account == NULL)
		return false;
	for (i = 0; i < account->n_fields; i++) {
		const struct secret *value = account->fields[i].value;

		if (secret_len(value) >= 3 && contains(part, value))
			return true;
	}
	return false;
}

static bool
must_hide(
    const struct conf_deployment *deployment, const char *part, size_t len)
{
	struct buf plain;
	bool hide = false;
	size_t i;

	buf_init_secret(&plain, RUN_URL_MAX);
	unescape(part, len, &plain);
	for (i = 0; i < plain.len; i++) {
		char c = plain.data[i];

		if (c == '=') /* base64 */
			hide = true;
		if (c >= '0' && c <= '9' && plain.len > LONG_PART)
			hide = true;
	}
	hide = hide || plain.full || holds_secret(deployment->sender, &plain) ||
	    holds_secret(deployment->recipient, &plain);
	buf_fini(&plain);
	return hide;
}

static void
mask_path(const struct conf_deployment *deployment, const char *path,
    size_t len, struct buf *out)
{
	const char *end = path + len;

	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t part = (size_t)((slash != NULL ? slash : end) - path);

		if (must_hide(deployment, path, part))
			buf_adds(out, "***");
		else
			buf_add(out, path, part);
		path += part;
		if (slash != NULL) {
			buf_addc(out, '/');
			path++;
		}
	}
}

static void
mask_query(const struct conf_deployment *deployment, const char *query,
    struct buf *out)
{
	char sep = '?';

	while (*query != '\0' && *query != '#') {
		size_t pair = strcspn(query, "&#");
		const char *equal = memchr(query, '=', pair);

		buf_addc(out, sep);
		sep = '&';
		if (equal != NULL &&
		    !must_hide(deployment, query, (size_t)(equal - query)))
			buf_add(out, query, (size_t)(equal - query) + 1);
		if (pair > 0)
			buf_adds(out, "***");
		query += pair;
		if (*query == '&')
			query++;
	}
}

const char *
probe_record_mask_url(struct arena *arena,
    const struct conf_deployment *deployment, const char *url)
{
	const char *at = strstr(url, "://"), *path, *user;
	struct buf out;
	char *kept;

	if (*url == '\0')
		return "";
	buf_init(&out, 2048);
	if (at != NULL) {
		at += 3;
		path = at + strcspn(at, "/?#");
		user = memrchr(at, '@', (size_t)(path - at));
		buf_add(&out, url, (size_t)(at - url));
		if (user != NULL)
			at = user + 1;
		buf_add(&out, at, (size_t)(path - at));
	} else {
		path = url;
	}
	mask_path(deployment, path, strcspn(path, "?#"), &out);
	path += strcspn(path, "?#");
	if (*path == '?')
		mask_query(deployment, path + 1, &out);
	kept = arena_strndup(arena, out.data, out.len);
	buf_fini(&out);
	return kept == NULL ? "" : kept;
}

/* ---- records ---- */

static const char *
method_name(enum http_method method)
{
	switch (method) {
	case HTTP_GET:
		return "GET";
	case HTTP_POST:
		return "POST";
	case HTTP_PUT:
		return "PUT";
	case HTTP_DELETE:
		return "DELETE";
	}
	return "";
}

static struct run_exchange *
new_record(struct probe_run *run)
{
	size_t cap = run->records_cap == 0 ? 16 : 2 * run->records_cap;
	const struct step *step = probe_run_step(run);
	struct run_exchange *more;

	if (run->n_records == RUN_RECORDS_MAX)
		run->n_records--; /* the last one is overwritten */
	if (run->n_records == run->records_cap) {
		more = arena_alloc(&run->arena, cap * sizeof(*more));
		if (more == NULL)
			return NULL;
		if (run->n_records > 0)
			memcpy(
			    more, run->records, run->n_records * sizeof(*more));
		run->records = more;
		run->records_cap = cap;
	}
	run->records[run->n_records] = (struct run_exchange){
	    .transaction = probe_run_transaction(run)->name,
	    .step = step->name,
	    .account = step->actor == CONF_SENDER ? "sender" : "recipient",
	    .method = "",
	    .url = "",
	    .address = "",
	    .tls = "",
	    .cipher = "",
	    .span = "",
	    .media_type = "",
	    .location = "",
	    .note = "",
	    .started = loop_now(run->probe->loop),
	};
	return &run->records[run->n_records++];
}

static const char *
keep(struct probe_run *run, const char *text, size_t max)
{
	const char *kept;

	if (*text == '\0')
		return "";
	kept = arena_strndup(&run->arena, text, strnlen(text, max));
	return kept == NULL ? "" : kept;
}

void
probe_record_begin(struct probe_run *run, const struct http_request *request)
{
	struct run_exchange *record = new_record(run);

	if (record == NULL)
		return;
	record->method = method_name(request->method);
	record->url = probe_record_mask_url(
	    &run->arena, run->job.deployment, request->url);
	record->span = keep(run, run->span, sizeof(run->span));
}

static void
keep_certificate(struct probe_run *run, struct run_exchange *record,
    const struct http_certificate *shown)
{
	if (shown == NULL)
		return;
	record->certificate = (struct run_certificate){
	    .subject = keep(run, shown->subject, sizeof(shown->subject)),
	    .issuer = keep(run, shown->issuer, sizeof(shown->issuer)),
	    .hosts = keep(run, shown->hosts, sizeof(shown->hosts)),
	    .not_before = shown->not_before,
	    .not_after = shown->not_after,
	};
}

void
probe_record_response(
    struct probe_run *run, const struct http_response *response)
{
	struct run_exchange *record;

	if (run->n_records == 0)
		return;
	record = &run->records[run->n_records - 1];
	record->address = keep(run, response->address, 64);
	record->tls = keep(run, response->tls, 16);
	record->cipher = keep(run, response->cipher, 48);
	keep_certificate(run, record, response->certificate);
	/* Only the type itself: a boundary may be anything. */
	record->media_type = keep(
	    run, response->media_type, strcspn(response->media_type, "; "));
	if (strlen(record->media_type) > 80)
		record->media_type = "";
	record->location = probe_record_mask_url(
	    &run->arena, run->job.deployment, response->location);
	record->started = response->started;
	record->latency = response->latency;
	record->phases = response->phases;
	record->status = response->status;
	record->reused = response->reused;
	record->http_version = response->version;
	record->sent_bytes = response->sent_bytes;
	record->received_bytes = response->body_len;
	record->reason = response->reason;
	if (response->reason != REASON_OK)
		record->note = keep(run, response->problem, 160);
}

void
probe_record_verdict(
    struct probe_run *run, enum reason reason, const char *note)
{
	const struct step *step = probe_run_step(run);
	struct run_exchange *record = NULL;

	if (run->n_records > 0) {
		record = &run->records[run->n_records - 1];
		if (record->step != step->name || record->reason != REASON_OK)
			record = NULL;
	}
	if (record == NULL)
		record = new_record(run);
	if (record == NULL)
		return;
	record->reason = reason;
	record->note = keep(run, note, PROBE_NOTE_MAX);
}

void
probe_record_note(struct probe_run *run, const char *note)
{
	struct run_exchange *record;
	const char *both;

	if (run->n_records == 0)
		return;
	record = &run->records[run->n_records - 1];
	both = record->note[0] == '\0'
	    ? keep(run, note, PROBE_NOTE_MAX)
	    : arena_printf(&run->arena, "%s; %s", record->note, note);
	if (both != NULL)
		record->note = both;
}

void
probe_record_explain(struct probe_run *run)
{
	struct run_exchange *record;

	if (run->n_records == 0 || !run->probe->explain)
		return;
	record = &run->records[run->n_records - 1];
	record->sought = run->verdict.sought;
	record->excerpt = run->verdict.excerpt;
}
