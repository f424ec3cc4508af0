/*
 * The entries of a timeline that carry data of their own, in words: which
 * deployments came and went, who did what, and when we could not see.
 */
#include "web-int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define NAMES_MOST 12
#define NAMES_MAX 1024

/* A length that was measured, as "8 min". */
static const char *
length_text(const struct jv *data, const char *key, char out[LOCALE_TEXT_SIZE])
{
	double s = fabs(jv_real_value(jv_get(data, key)));

	return locale_length((dur_us)llround(s) * US_PER_S, out);
}

/* "gdansk, lublin and 12 more" */
static void
add_names(const struct locale *locale, const struct jv *names, struct buf *out)
{
	char number[LOCALE_TEXT_SIZE];
	struct locale_arg more = {"n", number};
	size_t n = jv_len(names);

	for (size_t i = 0; i < n && i < NAMES_MOST; i++) {
		const char *name = jv_string_value(jv_at(names, i));

		buf_printf(out, "%s%s", i > 0 ? ", " : "", name ? name : "");
	}
	if (n > NAMES_MOST) {
		locale_number(locale, (double)(n - NAMES_MOST), 0, number);
		locale_say(locale, out, "timeline.more", &more, 1);
	}
}

static void
say_names(const struct locale *locale, const char *key, const struct jv *names,
    struct buf *out)
{
	struct buf list;
	struct locale_arg arg = {"names", NULL};

	if (jv_len(names) == 0)
		return;
	buf_init(&list, NAMES_MAX);
	add_names(locale, names, &list);
	arg.value = list.data;
	if (out->len > 0)
		buf_adds(out, "; ");
	locale_say(locale, out, key, &arg, 1);
	buf_fini(&list);
}

void
timeline_say_names(
    const struct locale *locale, const struct jv *data, struct buf *out)
{
	say_names(locale, "timeline.came", jv_get(data, "added"), out);
	say_names(locale, "timeline.went", jv_get(data, "removed"), out);
}

static void
say_affected(
    const struct locale *locale, const struct jv *data, struct buf *out)
{
	char number[LOCALE_TEXT_SIZE];
	struct locale_arg arg = {"n", number};

	timeline_say_names(locale, data, out);
	locale_number(
	    locale, (double)jv_get_int(data, "affected", 0), 0, number);
	if (out->len > 0)
		buf_adds(out, "; ");
	locale_say(locale, out, "timeline.affected", &arg, 1);
}

/* "our uplink was down, no measurements for 8 min" */
static void
say_blind(const struct locale *locale, const struct jv *data, struct buf *out)
{
	char key[96], length[LOCALE_TEXT_SIZE];
	struct locale_arg args[2];

	snprintf(key, sizeof(key), "blind_causes.%.40s",
	    jv_get_string(data, "cause", ""));
	args[0] = (struct locale_arg){"cause", locale_text(locale, key)};
	if (jv_kind(jv_get(data, "blind_s")) == JV_NULL) {
		locale_say(locale, out, "timeline.blind_begins", args, 1);
		return;
	}
	args[1] =
	    (struct locale_arg){"length", length_text(data, "blind_s", length)};
	locale_say(locale, out, "timeline.blind", args, 2);
}

static void
say_clock(const struct locale *locale, const struct jv *data, struct buf *out)
{
	char length[LOCALE_TEXT_SIZE];
	struct locale_arg arg = {"length", length_text(data, "set_s", length)};
	bool ahead = jv_real_value(jv_get(data, "set_s")) > 0;

	locale_say(locale, out,
	    ahead ? "timeline.clock_ahead" : "timeline.clock_back", &arg, 1);
}

static void
say_confirmed(
    const struct locale *locale, const struct jv *data, struct buf *out)
{
	char length[LOCALE_TEXT_SIZE];
	struct locale_arg arg = {
	    "length", length_text(data, "after_s", length)};

	locale_say(locale, out,
	    strcmp(jv_get_string(data, "cause", ""), "person") == 0
		? "timeline.confirmed_person"
		: "timeline.confirmed_age",
	    &arg, 1);
}

static void
say_silenced(
    const struct locale *locale, const struct jv *data, struct buf *out)
{
	char until[LOCALE_TEXT_SIZE];
	struct locale_arg args[] = {
	    {"until",
		locale_time(locale, jv_get_int(data, "until", 0) * US_PER_S,
		    LOCALE_TIME_FULL, until)},
	    {"reason", jv_get_string(data, "reason", "")},
	};

	locale_say(locale, out, "timeline.silenced", args, ARRAY_LEN(args));
}

bool
timeline_say(const struct locale *locale, const struct jv *entry,
    const struct jv *data, struct buf *out)
{
	const char *kind = jv_get_string(entry, "kind", "");
	struct locale_arg arg;

	if (strcmp(kind, "note") == 0) {
		buf_adds(out,
		    jv_get_string(
			data, "note", jv_get_string(entry, "text", "")));
	} else if (strcmp(kind, "acknowledged") == 0) {
		/* who it was stands beside it */
	} else if (jv_len(data) == 0) {
		return false;
	} else if (strcmp(kind, "affected") == 0) {
		say_affected(locale, data, out);
	} else if (strcmp(kind, "confirmed") == 0) {
		say_confirmed(locale, data, out);
	} else if (strcmp(kind, "blind") == 0 ||
	    strcmp(kind, "blind_over") == 0) {
		say_blind(locale, data, out);
	} else if (strcmp(kind, "clock") == 0) {
		say_clock(locale, data, out);
	} else if (strcmp(kind, "silenced") == 0) {
		say_silenced(locale, data, out);
	} else if (strcmp(jv_get_string(data, "state", ""), "queued") == 0) {
		arg = (struct locale_arg){
		    "subscriber", jv_get_string(data, "subscriber", "")};
		locale_say(locale, out, "timeline.queued", &arg, 1);
	} else {
		return false;
	}
	return true;
}
