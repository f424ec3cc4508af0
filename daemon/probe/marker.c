/*
 * Markers: what a page says about why it is not the one sought. Those of the
 * profile that have a place are tried on every page; those of mere words, and
 * the general words, only explain a page that was not found to be good: who
 * writes a letter chooses its words, and they stand in the list of letters.
 */
#include "probe-int.h"

#include <string.h>

static const char *
given(const struct conf_text *text)
{
	return text->value != NULL && text->value[0] != '\0' ? text->value
							     : NULL;
}

static const char *
keep(struct compiler *compiler, const char *text)
{
	return text == NULL
	    ? NULL
	    : probe_compile_strndup(compiler, text, strlen(text));
}

/* The text of a key that names its language by itself, as if the language
 * stood before it; columns stay those of the text. */
static void
scan_as(struct scan *scan, struct compiler *compiler,
    const struct conf_text *text, const char *language, struct conf_text *whole)
{
	size_t prefix = strlen(language), len = strlen(text->value);
	char *line = probe_compile_alloc(compiler, prefix + len + 1, 1);

	memcpy(line, language, prefix);
	memcpy(line + prefix, text->value, len);
	*whole = *text;
	whole->value = line + prefix;
	*scan = (struct scan){compiler, whole, line};
}

/* A text with quotes or without, plain in any case. */
static bool
scan_plain(struct scan *scan, struct template *out)
{
	char *text;
	size_t len;

	if (scan->at[0] == '"' || scan->at[0] == '\'') {
		if (!probe_scan_quoted(scan, &text, &len))
			return false;
	} else {
		len = strlen(scan->at);
		if (len == 0) {
			probe_compile_problem(scan->compiler, scan->text,
			    scan->at, "a text is needed here");
			return false;
		}
		text = probe_compile_strndup(scan->compiler, scan->at, len);
		scan->at += len;
	}
	out->parts =
	    probe_compile_alloc(scan->compiler, 1, sizeof(*out->parts));
	out->parts[0] =
	    (struct part){.kind = PART_TEXT, .text = text, .len = len};
	out->n = 1;
	return true;
}

/* "/POINTER", "/POINTER = TEXT", "/POINTER contains TEXT". */
static bool
compile_json(
    struct compiler *compiler, const struct conf_text *text, struct marker *out)
{
	struct check *check = &out->json;
	struct conf_text whole;
	struct scan scan;

	scan_as(&scan, compiler, text, "json ", &whole);
	check->kind = CHECK_SELECTOR;
	check->source = text->value;
	out->has_json = true;
	if (probe_selector_scan(&scan, &check->selector) <= 0)
		return false;
	if (probe_scan_word(&scan, "="))
		check->compare = COMPARE_EQUAL;
	else if (probe_scan_word(&scan, "contains"))
		check->compare = COMPARE_CONTAINS;
	if (check->compare != COMPARE_NONE && !scan_plain(&scan, &check->text))
		return false;
	return probe_scan_end(&scan);
}

static bool
compile_xpath(
    struct compiler *compiler, const struct conf_text *text, struct marker *out)
{
	struct conf_text whole;
	struct scan scan;

	scan_as(&scan, compiler, text, "xpath ", &whole);
	out->has_xpath = true;
	return probe_selector_scan(&scan, &out->xpath) > 0;
}

/* As it was written, in one line. */
static const char *
source_of(struct compiler *compiler, const struct conf_marker *conf)
{
	const struct conf_text *texts[] = {
	    &conf->body, &conf->xpath, &conf->json, &conf->url};
	static const char *const names[] = {"body", "xpath", "json", "url"};
	const char *source;
	struct buf line;
	size_t i;

	buf_init(&line, 4096);
	buf_adds(&line, "marker");
	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (given(texts[i]) != NULL)
			buf_printf(
			    &line, " %s \"%s\"", names[i], texts[i]->value);
	if (conf->status_min != 0)
		buf_printf(&line, " status %d..%d", conf->status_min,
		    conf->status_max);
	source = keep(compiler, line.data);
	buf_fini(&line);
	return source;
}

bool
probe_marker_compile(struct compiler *compiler, const struct conf_marker *conf,
    size_t index, struct marker *out)
{
	bool good = true;
	char key[32] = "";

	*out = (struct marker){
	    .body = keep(compiler, given(&conf->body)),
	    .url = keep(compiler, given(&conf->url)),
	    .status_min = conf->status_min,
	    .status_max = conf->status_max,
	    .reason = conf->reason,
	};
	if (given(&conf->xpath) != NULL &&
	    !compile_xpath(compiler, &conf->xpath, out))
		good = false;
	if (given(&conf->json) != NULL &&
	    !compile_json(compiler, &conf->json, out))
		good = false;
	out->source = source_of(compiler, conf);
	if (out->body == NULL && out->url == NULL && !out->has_xpath &&
	    !out->has_json && out->status_min == 0) {
		struct buf name;

		buf_init(&name, sizeof(key));
		buf_printf(&name, "markers[%zu]", index);
		conf_problem(compiler->problems, &conf->src, name.data,
		    "a marker needs one of body, url, xpath, json and status");
		buf_fini(&name);
		good = false;
	}
	return good;
}

static bool
marker_holds(const struct marker *marker, struct page *page,
    const struct values *values, struct buf *tmp)
{
	if (marker->status_min != 0 &&
	    (page->status < marker->status_min ||
		page->status > marker->status_max))
		return false;
	if (marker->url != NULL && strstr(page->url, marker->url) == NULL)
		return false;
	if (marker->body != NULL &&
	    !probe_page_contains(page, marker->body, strlen(marker->body)))
		return false;
	if (marker->has_json &&
	    probe_check_run(&marker->json, page, values, tmp) != FOUND)
		return false;
	return !marker->has_xpath ||
	    probe_selector_find(&marker->xpath, page, values, NULL) == FOUND;
}

/* Words that may stand anywhere in the page. A status is no place. */
static bool
is_of_words(const struct marker *marker)
{
	return marker->body != NULL && marker->url == NULL &&
	    !marker->has_xpath && !marker->has_json;
}

size_t
probe_marker_find(const struct marker *markers, size_t n, struct page *page,
    const struct values *values, struct buf *tmp)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((!is_of_words(&markers[i]) ||
			markers[i].reason == REASON_OK) &&
		    marker_holds(&markers[i], page, values, tmp))
			break;
	return i;
}

size_t
probe_marker_explain(const struct marker *markers, size_t n, bool inside,
    struct page *page, const struct values *values, struct buf *tmp)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct marker *marker = &markers[i];

		if ((!is_of_words(marker) && marker->reason != REASON_OK) ||
		    (inside && reason_stops_account(marker->reason) &&
			!probe_page_asks_login(page)))
			continue;
		if (marker_holds(marker, page, values, tmp))
			return marker->reason == REASON_OK ? n : i;
	}
	return n;
}

/* ---- general words ---- */

struct word {
	const char *text;
	enum reason reason;
};

/* Without their first letters, which may be large or small. */
static const struct word challenges[] = {
    {"g-recaptcha", REASON_CAPTCHA},
    {"grecaptcha", REASON_CAPTCHA},
    {"hcaptcha", REASON_CAPTCHA},
    {"ie jestem robotem", REASON_CAPTCHA},
    {"Attention Required! | Cloudflare", REASON_CAPTCHA},
    {"<title>Just a moment...", REASON_CAPTCHA},
};

static const struct word features[] = {
    {"oduł nie jest dostępny", REASON_INTERSTITIAL},
    {"oduł jest wyłączony", REASON_INTERSTITIAL},
    {"wyłączony przez administratora", REASON_INTERSTITIAL},
};

static const struct word accounts[] = {
    {"onto zostało zablokowane", REASON_ACCOUNT_LOCKED},
    {"onto jest zablokowane", REASON_ACCOUNT_LOCKED},
    {"asło wygasło", REASON_ACCOUNT_EXPIRED},
    {"onto wygasło", REASON_ACCOUNT_EXPIRED},
};

static const struct word breaks[] = {
    {"rzerwa techniczna", REASON_MAINTENANCE_PAGE},
    {"rzerwa w działaniu", REASON_MAINTENANCE_PAGE},
    {"race konserwacyjne", REASON_MAINTENANCE_PAGE},
    {"race techniczne", REASON_MAINTENANCE_PAGE},
    {"roblemy z wydajnością", REASON_OVERLOAD_PAGE},
    {"przeciążony", REASON_OVERLOAD_PAGE},
};

static enum reason
find_word(struct page *page, const struct word *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (probe_page_contains(
			page, words[i].text, strlen(words[i].text)))
			return words[i].reason;
	return REASON_OK;
}

static bool
contains(struct page *page, const char *text)
{
	return probe_page_contains(page, text, strlen(text));
}

/* The words that a server which works may say. A login page has a captcha
 * for everybody, not only for those whose session is over. */
static enum reason
find_working(struct page *page, bool greets, bool inside)
{
	enum reason reason = find_word(page, features, ARRAY_LEN(features));

	if (reason == REASON_OK && !greets)
		reason = find_word(page, accounts, ARRAY_LEN(accounts));
	if (reason == REASON_OK && !greets && inside &&
	    probe_page_asks_login(page))
		reason = REASON_HTTP_4XX;
	if (reason == REASON_OK)
		reason = find_word(page, challenges, ARRAY_LEN(challenges));
	if (reason == REASON_OK && !greets && inside &&
	    contains(page, "aloguj się"))
		reason = REASON_HTTP_4XX;
	return reason;
}

/*
 * What is told of a break or of too many visitors is news and no excuse on a
 * page that greets its reader or asks who is there.
 */
enum reason
probe_marker_general(struct page *page, bool inside)
{
	bool greets = contains(page, "yloguj");
	enum reason reason = page->status >= 500
	    ? REASON_OK
	    : find_working(page, greets, inside);

	if (reason != REASON_OK || greets || probe_page_asks_login(page))
		return reason;
	return find_word(page, breaks, ARRAY_LEN(breaks));
}

/* ---- addresses that are not asked ---- */

static bool
says(const char *url, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcasestr(url, words[i]) != NULL)
			return true;
	return false;
}

enum reason
probe_marker_of_address(
    const struct marker *markers, size_t n, const char *url, bool inside)
{
	static const char *const closed[] = {"przerwa", "maintenance"};
	static const char *const doors[] = {
	    "login", "logon", "logow", "loguj", "signin"};
	size_t i;

	for (i = 0; i < n; i++) {
		const struct marker *marker = &markers[i];

		if (marker->url != NULL && marker->body == NULL &&
		    !marker->has_xpath && !marker->has_json &&
		    marker->status_min == 0 && strstr(url, marker->url) != NULL)
			return marker->reason;
	}
	if (says(url, closed, ARRAY_LEN(closed)))
		return REASON_MAINTENANCE_PAGE;
	if (inside && says(url, doors, ARRAY_LEN(doors)))
		return REASON_HTTP_4XX;
	return REASON_OK;
}
