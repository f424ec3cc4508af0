/* The account for people: its numbers and times in their language. */
#include "report-int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "web-int.h"

static const char *const counts[AVAILABILITY_COUNT] = {
    "available", "unavailable", "maintenance", "blind", "not_measured"};

static void
set_number(const struct locale *locale, struct jv *object, const char *key)
{
	char name[64], text[LOCALE_TEXT_SIZE];

	snprintf(name, sizeof(name), "%s_text", key);
	jv_set(object, name,
	    jv_string(locale_number(
		locale, (double)jv_get_int(object, key, 0), 0, text)));
}

/* Three decimals, cut in the account already. */
static void
view_counts(const struct locale *locale, struct jv *object)
{
	const struct jv *percent = jv_get(object, "availability_percent");
	char text[LOCALE_TEXT_SIZE], whole[LOCALE_TEXT_SIZE + 8];

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		set_number(locale, object, counts[i]);
	if (jv_kind(percent) == JV_NULL) {
		/* a template would look for it in what is around this one */
		jv_set(object, "percent_text", jv_null());
		return;
	}
	snprintf(whole, sizeof(whole), "%s\xc2\xa0%%",
	    locale_number(locale, jv_real_value(percent), 3, text));
	jv_set(object, "percent_text", jv_string(whole));
}

static void
set_time(const struct locale *locale, struct jv *object, const char *key)
{
	char name[64], text[LOCALE_TEXT_SIZE];
	wall_us at = (wall_us)(jv_real_value(jv_get(object, key)) * US_PER_S);

	snprintf(name, sizeof(name), "%s_text", key);
	jv_set(object, name,
	    jv_string(locale_time(locale, at, LOCALE_TIME_SHORT, text)));
	snprintf(name, sizeof(name), "%s_datetime", key);
	jv_set(object, name, jv_string(locale_datetime(locale, at, text)));
}

static void
set_word(const struct locale *locale, struct jv *object, const char *key,
    const char *group, const char *to)
{
	const char *value = jv_get_string(object, key, "");
	char path[96];
	const char *text;

	snprintf(path, sizeof(path), "%s.%.60s", group, value);
	text = value[0] != '\0' ? locale_text(locale, path) : "";
	jv_set(object, to, jv_string(text != NULL ? text : value));
}

static void
view_all(const struct locale *locale, struct jv *list,
    void (*view)(const struct locale *locale, struct jv *one))
{
	for (size_t i = 0; i < jv_len(list); i++)
		view(locale, jv_at(list, i));
}

static void
view_act(const struct locale *locale, struct jv *act)
{
	set_word(locale, act, "name", "acts", "title");
	view_counts(locale, act);
	view_all(locale, jv_get(act, "deployments"), view_counts);
	view_all(locale, jv_get(act, "days"), view_counts);
}

static void
view_outage(const struct locale *locale, struct jv *outage)
{
	set_time(locale, outage, "from");
	set_time(locale, outage, "until");
	set_number(locale, outage, "minutes");
	set_word(locale, outage, "transaction", "acts", "act_title");
	set_word(locale, outage, "reason", "reasons", "reason_text");
}

static void
view_window(const struct locale *locale, struct jv *window)
{
	set_time(locale, window, "from");
	set_time(locale, window, "until");
}

static void
view_blind(const struct locale *locale, struct jv *blind)
{
	char key[16 + 24], text[LOCALE_TEXT_SIZE];
	const char *cause = jv_get_string(blind, "cause", "");
	double length = jv_real_value(jv_get(blind, "until")) -
	    jv_real_value(jv_get(blind, "from"));

	set_time(locale, blind, "from");
	jv_set(blind, "length_text",
	    jv_string(locale_length((dur_us)(length * US_PER_S), text)));
	snprintf(key, sizeof(key), "blind_causes.%.20s",
	    strcmp(cause, "slept") == 0 ? "machine_slept" : cause);
	jv_set(blind, "cause_text", jv_string(locale_text(locale, key)));
}

/* What an empty list and an empty value look like to a template. */
void
report_view(const struct locale *locale, struct jv *account, bool polish)
{
	static const char *const lists[] = {"outages", "maintenance", "blind"};
	const char *month = jv_get_string(account, "month", "0000-00");
	char key[24];

	set_time(locale, account, "from");
	set_time(locale, account, "until");
	set_time(locale, account, "as_of");
	set_number(locale, account, "minutes");
	set_number(locale, account, "outages_left_out");
	snprintf(key, sizeof(key), "months.m%.2s", month + 5);
	jv_set(account, "month_text", jv_string(locale_text(locale, key)));
	jv_set(account, "year_text", jv_stringn(month, 4));
	jv_set(account, "digest",
	    jv_string(jv_get_string(
		jv_get(account, "csv_sha256"), polish ? "pl" : "en", "")));
	jv_set(account, "csv_lang", jv_string(polish ? "pl" : "en"));
	view_all(locale, jv_get(account, "transactions"), view_act);
	view_all(locale, jv_get(account, "outages"), view_outage);
	view_all(locale, jv_get(account, "maintenance"), view_window);
	view_all(locale, jv_get(account, "blind"), view_blind);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		snprintf(key, sizeof(key), "has_%s", lists[i]);
		jv_set(account, key,
		    jv_bool(jv_len(jv_get(account, lists[i])) > 0));
	}
}

/* As a file that stands alone: its style is in its template. */
bool
report_html(const struct jv *account, bool polish, const char *dashboards_dir,
    struct buf *out)
{
	struct zone *zone = zone_load(ZONE_FILE);
	struct assets assets = {0};
	struct jv *data = jv_object(), *copy = NULL;
	struct buf text;
	bool done = false;

	buf_init(&text, (size_t)256 << 20);
	if (assets_load(&assets, dashboards_dir, zone) == 0 &&
	    jv_dump(account, &text))
		copy = jv_parse(text.data, text.len, NULL, 0);
	if (copy != NULL) {
		const struct locale *locale =
		    assets.locales[polish ? LANGUAGE_PL : LANGUAGE_EN];

		report_view(locale, copy, polish);
		jv_set(data, "lang", jv_string(polish ? "pl" : "en"));
		jv_set(data, "account", copy);
		done = template_render(assets.templates, "report_file", data,
		    locale_texts(locale), out);
	}
	jv_release(data);
	buf_fini(&text);
	assets_fini(&assets);
	zone_free(zone);
	return done;
}
