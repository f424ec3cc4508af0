/*
 * The sentences that come first on a page: which systems, or which actions,
 * are not well. None is greener than what it speaks of: what is not known, and
 * where logins are held back, is named.
 */
#include "web-int.h"

#include <stdio.h>
#include <string.h>

#define SENTENCE_MAX 8192
#define NAMES_SHOWN 3 /* of deployments whose logins are held back */

static const char *
state_of(const struct jv *object)
{
	return jv_get_string(object, "state", "unknown");
}

static bool
is_held(const struct jv *dep)
{
	return jv_kind(jv_get(dep, "account_stopped")) == JV_STRING;
}

static void
separate(struct buf *out, size_t *n, const char *mark)
{
	if ((*n)++ > 0)
		buf_adds(out, mark);
}

/* ---- what is missing of one operator ---- */

/* "sp1: password refused, sp2: captcha demanded"; how many there are. */
static size_t
add_held(struct buf *out, const struct jv *op)
{
	const struct jv *deployments = jv_get(op, "deployments");
	size_t n = 0;

	for (size_t i = 0; i < jv_len(deployments); i++) {
		const struct jv *dep = jv_at(deployments, i);

		if (!is_held(dep))
			continue;
		if (n == NAMES_SHOWN)
			buf_adds(out, ", …");
		if (n++ >= NAMES_SHOWN)
			continue;
		buf_printf(out, "%s%s: %s", n > 1 ? ", " : "",
		    jv_get_string(dep, "name", ""),
		    jv_get_string(dep, "account_stopped_word", ""));
	}
	return n;
}

/* Of how many deployments that may log in this action is not known. */
static size_t
missing_of(const struct jv *op, size_t transaction)
{
	const struct jv *deployments = jv_get(op, "deployments");
	size_t n = 0;

	for (size_t i = 0; i < jv_len(deployments); i++) {
		const struct jv *dep = jv_at(deployments, i);
		const struct jv *one =
		    jv_at(jv_get(dep, "transactions"), transaction);

		n += !is_held(dep) && strcmp(state_of(one), "unknown") == 0;
	}
	return n;
}

/* "Grades, Message 1 of 3"; how many there are. */
static size_t
add_missing(const struct locale *locale, struct buf *out, const struct jv *op)
{
	const struct jv *list = jv_get(op, "transactions");
	size_t all = jv_len(jv_get(op, "deployments")), n = 0;

	for (size_t i = 0; i < jv_len(list); i++) {
		const struct jv *tr = jv_at(list, i);
		size_t missing = missing_of(op, i);
		char number[LOCALE_TEXT_SIZE], of[LOCALE_TEXT_SIZE];
		struct locale_arg args[] = {
		    {"act", jv_get_string(tr, "title_text", "")},
		    {"n", locale_number(locale, (double)missing, 0, number)},
		    {"of", locale_number(locale, (double)all, 0, of)}};

		if (missing == 0)
			continue;
		separate(out, &n, ", ");
		if (strcmp(state_of(tr), "unknown") == 0)
			buf_adds(out, args[0].value);
		else
			locale_say(locale, out, "sentence.some_of", args,
			    ARRAY_LEN(args));
	}
	return n;
}

void
view_gaps(const struct locale *locale, struct jv *op)
{
	bool known = strcmp(state_of(op), "unknown") != 0;
	struct buf text, names;
	size_t n = 0;

	buf_init(&text, SENTENCE_MAX);
	buf_init(&names, SENTENCE_MAX);
	if (known && add_missing(locale, &names, op) > 0) {
		separate(&text, &n, "; ");
		buf_printf(&text, "%s: %s",
		    locale_text(locale, "states.unknown"), names.data);
	}
	buf_reset(&names);
	if (add_held(&names, op) > 0) {
		separate(&text, &n, "; ");
		buf_printf(&text, "%s: %s", locale_text(locale, "states.held"),
		    names.data);
	}
	jv_set(op, "gaps_text",
	    n > 0 ? jv_stringn(text.data, text.len) : jv_null());
	buf_fini(&text);
	buf_fini(&names);
}

const char *
view_mark(const struct jv *object)
{
	const struct jv *list = jv_get(object, "transactions");
	bool gaps = jv_kind(jv_get(object, "gaps_text")) == JV_STRING ||
	    is_held(object);

	for (size_t i = 0; i < jv_len(list); i++)
		gaps = gaps || strcmp(state_of(jv_at(list, i)), "unknown") == 0;
	return gaps && strcmp(state_of(object), "up") == 0 ? "unknown"
							   : state_of(object);
}

/* ---- all operators ---- */

enum told {
	TOLD_DOWN,
	TOLD_DEGRADED,
	TOLD_MAINTENANCE,
	TOLD_UNKNOWN,
	TOLD_PARTLY,
	TOLD_HELD,
};
#define TOLD_COUNT (TOLD_HELD + 1)

static const struct {
	const char *key; /* of the sentence */
	const char *word; /* for the title */
	const char *mark;
} tellings[TOLD_COUNT] = {
    [TOLD_DOWN] = {"sentence.down", "states.down", "down"},
    [TOLD_DEGRADED] = {"sentence.degraded", "states.degraded", "degraded"},
    [TOLD_MAINTENANCE] = {"sentence.maintenance", "states.maintenance",
	"maintenance"},
    [TOLD_UNKNOWN] = {"sentence.unknown", "states.unknown", "unknown"},
    [TOLD_PARTLY] = {"sentence.partly", "states.unknown", "unknown"},
    [TOLD_HELD] = {"sentence.held", "states.held", "unknown"},
};

/* Is this to be told of the operator? With `more` in parentheses. */
static bool
is_told(const struct locale *locale, const struct jv *op, enum told what,
    struct buf *more)
{
	const char *state = state_of(op);

	buf_reset(more);
	switch (what) {
	case TOLD_DOWN:
	case TOLD_DEGRADED:
	case TOLD_MAINTENANCE:
		return strcmp(state, tellings[what].mark) == 0;
	case TOLD_UNKNOWN: {
		/* that nobody logs in explains it better */
		size_t held = add_held(more, op);

		buf_reset(more);
		return strcmp(state, "unknown") == 0 &&
		    (held == 0 || held < jv_len(jv_get(op, "deployments")));
	}
	case TOLD_PARTLY:
		/* what is down is not made greener by what it hides */
		return strcmp(state, "unknown") != 0 &&
		    strcmp(state, "down") != 0 &&
		    add_missing(locale, more, op) > 0;
	case TOLD_HELD:
		return add_held(more, op) > 0;
	}
	return false;
}

static size_t
add_operators(const struct locale *locale, struct buf *out,
    const struct jv *operators, enum told what)
{
	struct buf more;
	size_t n = 0;

	buf_init(&more, SENTENCE_MAX);
	for (size_t i = 0; i < jv_len(operators); i++) {
		const struct jv *op = jv_at(operators, i);

		if (!is_told(locale, op, what, &more))
			continue;
		separate(out, &n, ", ");
		buf_adds(out, jv_get_string(op, "title", ""));
		if (more.len > 0)
			buf_printf(out, " (%s)", more.data);
	}
	buf_fini(&more);
	return n;
}

/* Up, and nothing missing. */
static size_t
count_well(const struct jv *operators)
{
	size_t well = 0;

	for (size_t i = 0; i < jv_len(operators); i++)
		well += strcmp(view_mark(jv_at(operators, i)), "up") == 0;
	return well;
}

struct jv *
view_sentence(const struct locale *locale, const struct snapshot *snapshot,
    const struct jv *operators)
{
	struct jv *out = jv_object();
	struct buf sentence, names, title;
	size_t total = jv_len(operators), well = count_well(operators);
	const char *worst = total > 0 && well == total ? "up" : "unknown";

	buf_init(&sentence, SENTENCE_MAX);
	buf_init(&names, SENTENCE_MAX);
	buf_init(&title, SENTENCE_MAX);
	for (enum told what = TOLD_DOWN; what < TOLD_COUNT; what++) {
		char number[LOCALE_TEXT_SIZE];
		struct locale_arg args[3];
		size_t n;

		buf_reset(&names);
		n = add_operators(locale, &names, operators, what);
		if (n == 0)
			continue;
		locale_number(locale, (double)n, 0, number);
		args[0] = (struct locale_arg){"names", names.data};
		args[1] = (struct locale_arg){"n", number};
		args[2] = (struct locale_arg){
		    "word", locale_text(locale, tellings[what].word)};
		if (sentence.len > 0)
			buf_addc(&sentence, ' ');
		locale_say(locale, &sentence, tellings[what].key, args, 3);
		if (title.len > 0)
			continue;
		worst = tellings[what].mark;
		locale_say(locale, &title, "sentence.title", args, 3);
	}
	if (snapshot == NULL || total == 0)
		buf_adds(&sentence, locale_text(locale, "sentence.nothing"));
	else if (sentence.len == 0)
		buf_adds(&sentence, locale_text(locale, "sentence.all_up"));
	else if (well > 0)
		buf_printf(&sentence, " %s",
		    locale_text(locale, "sentence.others_up"));
	jv_set(out, "worst", jv_string(worst));
	jv_set(out, "sentence", jv_stringn(sentence.data, sentence.len));
	jv_set(out, "title", jv_stringn(title.data, title.len));
	buf_fini(&sentence);
	buf_fini(&names);
	buf_fini(&title);
	return out;
}

/* ---- the actions of one operator or deployment ---- */

static void
add_act(const struct locale *locale, struct buf *out, const struct jv *tr)
{
	const char *since = jv_get_string(tr, "since_text", "");
	const char *cause = jv_get_string(tr, "cause_text", "");
	const char *part = jv_get_string(tr, "part_text", "");
	struct buf state;
	struct locale_arg args[] = {
	    {"act", jv_get_string(tr, "title_text", "")}, {"state", ""},
	    {"since", since}, {"reason", cause}};
	const char *key = since[0] == '\0'
	    ? (cause[0] != '\0' ? "sentence.act_cause" : "sentence.act")
	    : cause[0] != '\0' ? "sentence.act_reason"
			       : "sentence.act_since";

	/* "working, 1 of 3: no data" has no beginning and no cause */
	if (part[0] != '\0' && strcmp(state_of(tr), "up") == 0)
		key = "sentence.act";
	buf_init(&state, 512);
	buf_printf(&state, "%s%s%s", jv_get_string(tr, "state_word", ""),
	    part[0] != '\0' ? ", " : "", part);
	args[1].value = state.data;
	if (out->len > 0)
		buf_addc(out, ' ');
	locale_say(locale, out, key, args, ARRAY_LEN(args));
	buf_fini(&state);
}

struct jv *
view_act_sentence(const struct locale *locale, const struct jv *whole)
{
	const struct jv *transactions = jv_get(whole, "transactions");
	struct buf out, names;
	struct locale_arg held[] = {{"names", ""}};
	struct jv *sentence;
	size_t well = 0, n = jv_len(transactions);

	buf_init(&out, SENTENCE_MAX);
	buf_init(&names, SENTENCE_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct jv *tr = jv_at(transactions, i);

		if (strcmp(state_of(tr), "up") == 0 &&
		    jv_kind(jv_get(tr, "part_text")) != JV_STRING)
			well++;
		else
			add_act(locale, &out, tr);
	}
	if (add_held(&names, whole) > 0) {
		held[0].value = names.data;
		if (out.len > 0)
			buf_addc(&out, ' ');
		locale_say(locale, &out, "sentence.held", held, 1);
	}
	if (n > 0 && out.len == 0 && !is_held(whole))
		buf_adds(&out, locale_text(locale, "sentence.acts_well"));
	else if (well > 0)
		buf_printf(&out, " %s",
		    locale_text(locale, "sentence.other_acts_well"));
	sentence = jv_stringn(out.data, out.len);
	buf_fini(&out);
	buf_fini(&names);
	return sentence;
}
