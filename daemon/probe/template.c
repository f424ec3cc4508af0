/*
 * Templates: text with ${NAME|FILTER}. Compiled once, each name resolved (in
 * name.c) to where its value will be found; expanded for each request. Which
 * values there are is decided by the run.
 */
#include "probe-int.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

static const char *const filter_names[] = {
    [FILTER_URL] = "url",
    [FILTER_JSON] = "json",
    [FILTER_BASE64] = "base64",
    [FILTER_HTML] = "html",
    [FILTER_LOWER] = "lower",
    [FILTER_UPPER] = "upper",
    [FILTER_TRIM] = "trim",
};

static bool
parse_filters(struct compiler *compiler, const struct conf_text *whole,
    const char *at, const char *text, const char *end, struct part *out)
{
	while (text < end) {
		const char *bar = memchr(text, '|', (size_t)(end - text));
		size_t len = (size_t)((bar != NULL ? bar : end) - text);
		size_t i;

		for (i = 0; i < ARRAY_LEN(filter_names); i++)
			if (strlen(filter_names[i]) == len &&
			    memcmp(filter_names[i], text, len) == 0)
				break;
		if (i == ARRAY_LEN(filter_names)) {
			probe_compile_problem(compiler, whole, at,
			    "unknown filter \"%.*s\": url, json, base64, "
			    "html, lower, upper and trim are known",
			    (int)len, text);
			return false;
		}
		if (out->n_filters == PROBE_FILTERS_MAX) {
			probe_compile_problem(compiler, whole, at,
			    "at most %d filters", PROBE_FILTERS_MAX);
			return false;
		}
		out->filters[out->n_filters++] = (enum filter)i;
		if (bar == NULL)
			break;
		text = bar + 1;
	}
	return true;
}

static void
add_literal(struct compiler *compiler, struct template *out, const char *text,
    size_t len)
{
	if (len == 0)
		return;
	out->parts[out->n++] = (struct part){.kind = PART_TEXT,
	    .text = probe_compile_strndup(compiler, text, len),
	    .len = len};
}

static bool
compile_reference(struct compiler *compiler, const struct conf_text *whole,
    const char *at, const char *name, const char *close, struct template *out)
{
	const char *bar = memchr(name, '|', (size_t)(close - name));
	const char *name_end = bar != NULL ? bar : close;
	struct part *part = &out->parts[out->n];

	if (name_end == name) {
		probe_compile_problem(compiler, whole, at, "${} names nothing");
		return false;
	}
	if (!probe_template_name(
		compiler, whole, name, (size_t)(name_end - name), part))
		return false;
	if (bar != NULL &&
	    !parse_filters(compiler, whole, at, bar + 1, close, part))
		return false;
	out->n++;
	return true;
}

bool
probe_template_compile(struct compiler *compiler, const struct conf_text *whole,
    const char *at, const char *text, size_t len, struct template *out)
{
	const char *end = text + len, *from = text, *p;
	bool inside = at == text, good = true;
	size_t most = 2;

	for (p = text; p < end; p++)
		most += 2 * (*p == '$');
	*out = (struct template){0};
	out->parts = probe_compile_alloc(compiler, most, sizeof(*out->parts));
	for (p = text; p < end;) {
		const char *here = inside ? p : at;
		const char *close;

		if (*p != '$' || p + 1 == end || (p[1] != '{' && p[1] != '$')) {
			p++;
			continue;
		}
		add_literal(compiler, out, from, (size_t)(p - from));
		if (p[1] == '$') {
			from = p + 1;
			p += 2;
			continue;
		}
		close = memchr(p, '}', (size_t)(end - p));
		if (close == NULL) {
			probe_compile_problem(compiler, whole, here,
			    "\"${\" without \"}\"; a dollar sign is \"$$\"");
			return false;
		}
		if (!compile_reference(
			compiler, whole, here, p + 2, close, out))
			good = false;
		p = from = close + 1;
	}
	add_literal(compiler, out, from, (size_t)(end - from));
	return good;
}

bool
probe_template_whole(struct compiler *compiler, const struct conf_text *whole,
    struct template *out)
{
	return probe_template_compile(compiler, whole, whole->value,
	    whole->value, strlen(whole->value), out);
}

/* ---- expansion ---- */

/* The day of the month of the last Sunday of March or October. */
static int
last_sunday(int year, int month)
{
	struct tm tm = {
	    .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 31};

	timegm(&tm);
	return 31 - tm.tm_wday;
}

/* Central European time without asking TZ: summer from the last Sunday of
 * March to that of October, both at 01:00 UTC (Directive 2000/84/EC). */
static int64_t
poland_seconds(wall_us now)
{
	time_t utc = (time_t)(now / US_PER_S);
	struct tm tm, from = {0}, to = {0};

	gmtime_r(&utc, &tm);
	from.tm_year = to.tm_year = tm.tm_year;
	from.tm_mon = 2;
	from.tm_mday = last_sunday(tm.tm_year + 1900, 3);
	to.tm_mon = 9;
	to.tm_mday = last_sunday(tm.tm_year + 1900, 10);
	from.tm_hour = to.tm_hour = 1;
	if (utc >= timegm(&from) && utc < timegm(&to))
		return utc + 7200;
	return utc + 3600;
}

static bool
add_date(struct buf *out, wall_us now, int days, bool time)
{
	time_t local = (time_t)(poland_seconds(now) + days * INT64_C(86400));
	struct tm tm;

	gmtime_r(&local, &tm);
	if (time)
		return buf_printf(
		    out, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
	return buf_printf(out, "%04d-%02d-%02d", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday);
}

static const struct value *
find_value(const struct values *values, size_t slot)
{
	const struct value *own = &values->vars[values->actor][slot];
	const struct value *other =
	    &values->vars[values->actor == CONF_SENDER][slot];

	if (own->data != NULL)
		return own;
	return other->data != NULL ? other : NULL;
}

/* part_value adds the value without filters; false when there is none. */
static bool
part_value(
    const struct part *part, const struct values *values, struct buf *out)
{
	const struct conf_deployment *deployment = values->deployment;
	const struct conf_account *account;
	const struct secret *secret;
	const struct value *value;
	size_t i;

	switch (part->kind) {
	case PART_TEXT:
		buf_add(out, part->text, part->len);
		return true;
	case PART_DEPLOYMENT:
		for (i = 0; i < deployment->n_vars; i++)
			if (strcmp(deployment->vars[i].name, part->text) == 0) {
				buf_adds(out, deployment->vars[i].value.value);
				return true;
			}
		return false;
	case PART_ACCOUNT:
		account = part->actor == CONF_SENDER ? deployment->sender
						     : deployment->recipient;
		if (account == NULL)
			return false;
		secret = conf_account_field(account, part->field);
		if (secret == NULL)
			return false;
		buf_add(out, secret_reveal(secret), secret_len(secret));
		return true;
	case PART_EXTRACTED:
		value = find_value(values, part->slot);
		if (value == NULL)
			return false;
		buf_add(out, value->data, value->len);
		return true;
	case PART_RUN_ID:
		buf_adds(out, values->run_id);
		return true;
	case PART_RUN_MARK:
		buf_adds(out, values->run_mark);
		return true;
	case PART_RUN_UUID:
		buf_adds(out, values->run_uuid);
		return true;
	case PART_NOW:
		buf_printf(out, "%lld", (long long)(values->now / US_PER_S));
		return true;
	case PART_NOW_MS:
		buf_printf(out, "%lld", (long long)(values->now / US_PER_MS));
		return true;
	case PART_DATE:
		add_date(out, values->now, part->days, false);
		return true;
	case PART_TIME:
		add_date(out, values->now, 0, true);
		return true;
	}
	return false;
}

static void
apply_filter(enum filter filter, const struct buf *in, struct buf *out)
{
	const char *from = in->data, *end = in->data + in->len;
	size_t start = out->len, i;

	switch (filter) {
	case FILTER_URL:
		text_url_encode(out, in->data, in->len);
		return;
	case FILTER_JSON:
		jv_escape(out, in->data, in->len);
		if (out->len - start >= 2) { /* without its quotes */
			memmove(out->data + start, out->data + start + 1,
			    out->len - start - 2);
			out->len -= 2;
			out->data[out->len] = '\0';
		}
		return;
	case FILTER_BASE64:
		text_base64_encode(out, in->data, in->len);
		return;
	case FILTER_HTML:
		text_html_escape(out, in->data, in->len);
		return;
	case FILTER_LOWER:
	case FILTER_UPPER:
		buf_add(out, in->data, in->len);
		for (i = start; i < out->len; i++) {
			char *c = &out->data[i];

			if (filter == FILTER_LOWER && *c >= 'A' && *c <= 'Z')
				*c = (char)(*c + ('a' - 'A'));
			if (filter == FILTER_UPPER && *c >= 'a' && *c <= 'z')
				*c = (char)(*c - ('a' - 'A'));
		}
		return;
	case FILTER_TRIM:
		while (from < end && text_blank(*from))
			from++;
		while (end > from && text_blank(end[-1]))
			end--;
		buf_add(out, from, (size_t)(end - from));
		return;
	}
}

const char *
probe_template_expand(const struct template *template,
    const struct values *values, struct buf *out)
{
	size_t i, k;

	for (i = 0; i < template->n; i++) {
		const struct part *part = &template->parts[i];
		struct buf *now = &values->tmp[0], *next = &values->tmp[1];

		if (part->n_filters == 0) {
			if (!part_value(part, values, out))
				return part->text;
			continue;
		}
		buf_reset(now);
		if (!part_value(part, values, now))
			return part->text;
		for (k = 0; k < part->n_filters; k++) {
			struct buf *swap = now;

			buf_reset(next);
			apply_filter(part->filters[k], now, next);
			if (now->full || next->full)
				out->full = true;
			now = next;
			next = swap;
		}
		buf_add(out, now->data, now->len);
	}
	return out->full ? "" : NULL;
}
