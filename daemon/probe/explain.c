/*
 * What was found instead of what was sought, for whoever writes a profile: a
 * small piece of the page, masked. A page may hold personal data, so nothing
 * is shown that the profile or HTML itself does not say.
 */
#include "probe-int.h"

#include <libxml/HTMLparser.h>
#include <string.h>
#include <strings.h>

#define BEFORE 60 /* bytes of the page, around what was sought */
#define AFTER 120
#define FIRST_WORDS 160
#define VISIBLE_MAX 65536 /* they are sought so far */
#define EXCERPT_MAX 240
#define TITLE_MAX 80
#define WORD_MIN 3 /* shorter ones are never shown */
#define WORD_SHOWN 12 /* so many signs of a masked one */

struct masking {
	const struct probe_program *program;
	const struct values *values;
	struct buf *out;
	const char *text;
	size_t len, at;
	bool in_tag; /* after the tag's name */
	char quote; /* around an attribute's value; or NUL */
};

/* ---- which words may be shown ---- */

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (unsigned char)c >= 0x80;
}

static bool
is_word(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

static bool
is_gap(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

static size_t
word_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && is_word(text[n]))
		n++;
	return n;
}

/* Does it stand in the line as a whole word? */
static bool
stands_in(const char *line, const char *word, size_t len)
{
	const char *at = line;

	if (line == NULL)
		return false;
	while ((at = memmem(at, strlen(at), word, len)) != NULL) {
		if ((at == line || !is_word(at[-1])) && !is_word(at[len]))
			return true;
		at++;
	}
	return false;
}

static bool
stands_in_step(const struct step *step, const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < step->n_expect; i++)
		if (stands_in(step->expect[i].source, word, len))
			return true;
	for (i = 0; i < step->n_extract; i++)
		if (stands_in(step->extract[i].source, word, len))
			return true;
	for (i = 0; i < step->n_fields; i++)
		if (stands_in(step->fields[i].name, word, len))
			return true;
	return step->polls && stands_in(step->until.source, word, len);
}

static bool
stands_in_profile(
    const struct probe_program *program, const char *word, size_t len)
{
	size_t t, s, i;

	for (i = 0; i < program->n_markers; i++)
		if (stands_in(program->markers[i].source, word, len))
			return true;
	for (t = 0; t < program->n_transactions; t++)
		for (s = 0; s < program->transactions[t].n_steps; s++)
			if (stands_in_step(
				&program->transactions[t].steps[s], word, len))
				return true;
	return false;
}

/* A word of the profile may by chance be a password, or a part of one. */
static bool
is_secret(const struct conf_account *account, const char *word, size_t len)
{
	size_t i;

	for (i = 0; account != NULL && i < account->n_fields; i++) {
		const struct secret *value = account->fields[i].value;
		const char *text = secret_reveal(value);
		size_t n = secret_len(value);

		if (memmem(text, n, word, len) != NULL ||
		    (n >= WORD_MIN && memmem(word, len, text, n) != NULL))
			return true;
	}
	return false;
}

static bool
may_be_shown(const struct masking *masking, const char *word, size_t len)
{
	const struct conf_deployment *deployment = masking->values->deployment;

	return len >= WORD_MIN && is_letter(word[0]) &&
	    stands_in_profile(masking->program, word, len) &&
	    !is_secret(deployment->sender, word, len) &&
	    !is_secret(deployment->recipient, word, len);
}

static bool
is_tag(const char *name, size_t len)
{
	char copy[16];

	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, name, len);
	copy[len] = '\0';
	return htmlTagLookup((const xmlChar *)copy) != NULL;
}

static bool
is_attribute(const char *name, size_t len)
{
	static const char *const known[] = {"action", "alt", "charset", "class",
	    "colspan", "content", "disabled", "enctype", "for", "height",
	    "href", "id", "lang", "maxlength", "method", "name", "onclick",
	    "onsubmit", "placeholder", "property", "rel", "required", "role",
	    "rowspan", "selected", "src", "style", "target", "title", "type",
	    "value", "width"};
	size_t i;

	if (len > 5 &&
	    (strncasecmp(name, "data-", 5) == 0 ||
		strncasecmp(name, "aria-", 5) == 0))
		return true;
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == len &&
		    strncasecmp(name, known[i], len) == 0)
			return true;
	return false;
}

/* ---- masking ---- */

static void
mask_word(struct masking *masking, const char *word, size_t len)
{
	size_t i, shown = 0;

	if (may_be_shown(masking, word, len)) {
		buf_add(masking->out, word, len);
		return;
	}
	for (i = 0; i < len && shown < WORD_SHOWN; i++) {
		char c = word[i];

		if (((unsigned char)c & 0xc0) == 0x80)
			continue; /* one sign for each character */
		if (c >= '0' && c <= '9')
			c = '#';
		else if (c >= 'A' && c <= 'Z')
			c = 'X';
		else if (c != '_')
			c = 'x';
		buf_addc(masking->out, c);
		shown++;
	}
}

/* name_here: how long the tag's or attribute's name is that stands here. */
static size_t
name_here(const struct masking *masking)
{
	size_t n = masking->at;

	while (n < masking->len &&
	    (is_word(masking->text[n]) || masking->text[n] == '-'))
		n++;
	return n - masking->at;
}

static void
mask_name(struct masking *masking, bool tag)
{
	const char *name = masking->text + masking->at;
	size_t len = name_here(masking);

	if (tag ? is_tag(name, len) : is_attribute(name, len)) {
		buf_add(masking->out, name, len);
		masking->at += len;
		return;
	}
	len = word_length(name, len);
	mask_word(masking, name, len);
	masking->at += len;
}

static void
mask_sign(struct masking *masking)
{
	char c = masking->text[masking->at++];

	if (is_gap(c)) {
		size_t n = masking->out->len;

		if (n > 0 && masking->out->data[n - 1] != ' ')
			buf_addc(masking->out, ' ');
		return;
	}
	buf_addc(masking->out, c);
	if (masking->quote != '\0') {
		if (c == masking->quote)
			masking->quote = '\0';
		return;
	}
	if (c == '>')
		masking->in_tag = false;
	else if (masking->in_tag && (c == '"' || c == '\''))
		masking->quote = c;
	if (c != '<')
		return;
	if (masking->at < masking->len && masking->text[masking->at] == '/')
		buf_addc(masking->out, masking->text[masking->at++]);
	masking->in_tag =
	    masking->at < masking->len && is_letter(masking->text[masking->at]);
	if (masking->in_tag)
		mask_name(masking, true);
}

static void
mask(struct masking *masking, const char *text, size_t len, size_t max)
{
	size_t most = masking->out->len + max;

	masking->text = text;
	masking->len = len;
	masking->at = 0;
	masking->in_tag = false;
	masking->quote = '\0';
	while (masking->at < len && masking->out->len < most) {
		const char *here = text + masking->at;
		size_t n = word_length(here, len - masking->at);

		if (n == 0) {
			mask_sign(masking);
		} else if (masking->in_tag && masking->quote == '\0') {
			mask_name(masking, false);
		} else {
			mask_word(masking, here, n);
			masking->at += n;
		}
	}
}

/* strike hides what stands in an account's file, signs and all. */
static void
strike(const struct conf_account *account, char *text, size_t len)
{
	size_t i;

	for (i = 0; account != NULL && i < account->n_fields; i++) {
		const char *value = secret_reveal(account->fields[i].value);
		size_t n = secret_len(account->fields[i].value);
		char *at = n < WORD_MIN ? NULL : memmem(text, len, value, n);

		while (at != NULL) {
			memset(at, '*', n);
			at = memmem(
			    at + n, len - (size_t)(at + n - text), value, n);
		}
	}
}

static void
show(struct masking *masking, const char *text, size_t len, size_t max)
{
	const struct conf_deployment *deployment = masking->values->deployment;
	struct buf piece;

	buf_init_secret(&piece, EXCERPT_MAX * 2);
	buf_add(&piece, text, len);
	if (len > 0 && !piece.full) {
		strike(deployment->sender, piece.data, piece.len);
		strike(deployment->recipient, piece.data, piece.len);
		mask(masking, piece.data, piece.len, max);
	}
	buf_fini(&piece);
}

/* ---- where to look ---- */

/* Words of the languages themselves say nothing of a place in the page. */
static bool
is_grammar(const char *word, size_t len)
{
	static const char *const words[] = {"ancestor", "between", "body",
	    "class", "concat", "contains", "cookie", "count", "descendant",
	    "following", "form", "good", "header", "json", "lacks", "marker",
	    "normalize", "page", "preceding", "regex", "sibling", "size",
	    "space", "starts", "status", "string", "substring", "text", "where",
	    "with", "xpath"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == len && memcmp(word, words[i], len) == 0)
			return true;
	return false;
}

/* find_place: the longest word of what was sought that the page has. */
static const char *
find_place(const char *sought, const char *text, size_t len)
{
	const char *place = NULL, *p = sought;
	size_t longest = WORD_MIN;

	while (*p != '\0') {
		size_t n = word_length(p, strlen(p));
		const char *at;

		if (p[0] == '$') { /* a name's value is not known here */
			p += strcspn(p, "} )]'\"");
			continue;
		}
		if (n > longest && is_letter(*p) && !is_grammar(p, n)) {
			at = memmem(text, len, p, n);
			if (at != NULL) {
				place = at;
				longest = n;
			}
		}
		p += n > 0 ? n : 1;
	}
	return place;
}

static bool
is_start(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static void
show_place(
    struct masking *masking, const char *text, size_t len, const char *place)
{
	size_t at = (size_t)(place - text);
	size_t from = at > BEFORE ? at - BEFORE : 0;
	size_t to = len - at > AFTER ? at + AFTER : len;

	/* Whole words only: half a one would not be known. */
	while (from > 0 && from < at && is_word(text[from - 1]))
		from++;
	while (
	    to < len && to > at && is_word(text[to]) && is_word(text[to - 1]))
		to--;
	while (to < len && !is_start(text[to]))
		to++;
	if (from > 0)
		buf_adds(masking->out, "… ");
	show(masking, text + from, to - from, EXCERPT_MAX);
	if (to < len)
		buf_adds(masking->out, " …");
}

/* skip_element: the length of an element whose content nobody reads, but for
 * its end tag; 0 when none is here, or it is never closed. */
static size_t
skip_element(const char *text, size_t len, const char *name)
{
	size_t n = strlen(name), i;

	if (len < n + 2 || strncasecmp(text + 1, name, n) != 0 ||
	    is_word(text[n + 1]))
		return 0;
	for (i = 1; i + n + 2 < len; i++)
		if (text[i] == '<' && text[i + 1] == '/' &&
		    strncasecmp(text + i + 2, name, n) == 0 &&
		    !is_word(text[i + 2 + n]))
			return i;
	return 0;
}

/* visible appends the words of a page that stand outside its tags. */
static void
visible(const char *text, size_t len, struct buf *out)
{
	static const char *const unread[] = {"head", "script", "style"};
	size_t i = 0, k;

	while (i < len && out->len < FIRST_WORDS) {
		if (text[i] != '<') {
			char c = text[i++];

			if (!is_gap(c))
				buf_addc(out, c);
			else if (out->len > 0 && out->data[out->len - 1] != ' ')
				buf_addc(out, ' ');
			continue;
		}
		for (k = 0; k < ARRAY_LEN(unread); k++)
			i += skip_element(text + i, len - i, unread[k]);
		while (i < len && text[i] != '>')
			i++;
		i += i < len;
		if (out->len > 0 && out->data[out->len - 1] != ' ')
			buf_addc(out, ' ');
	}
	/* The last word may be half a one. */
	while (i < len && out->len > 0 && is_word(out->data[out->len - 1]) &&
	    is_word(text[i]))
		out->data[--out->len] = '\0';
}

static void
show_first_words(
    struct masking *masking, struct page *page, const char *text, size_t len)
{
	struct buf words;

	buf_init_secret(&words, 2 * FIRST_WORDS);
	if (len > 0 && text[0] != '{' && text[0] != '[') {
		probe_page_title(page, &words);
		if (words.len > 0) {
			buf_adds(masking->out, "title \"");
			show(masking, words.data, words.len, TITLE_MAX);
			buf_adds(masking->out, "\": ");
			buf_reset(&words);
		}
		visible(text, len < VISIBLE_MAX ? len : VISIBLE_MAX, &words);
	} else {
		buf_add(&words, text, len < FIRST_WORDS ? len : FIRST_WORDS);
	}
	show(masking, words.data, words.len, EXCERPT_MAX);
	buf_fini(&words);
}

const char *
probe_explain(const struct probe_program *program, struct page *page,
    const struct values *values, const char *sought, struct arena *arena)
{
	struct buf out;
	struct masking masking = {
	    .program = program, .values = values, .out = &out};
	size_t len;
	const char *text = probe_page_text(page, &len);
	const char *place = find_place(sought, text, len);
	const char *kept;

	buf_init(&out, 4 * EXCERPT_MAX);
	if (len == 0)
		buf_adds(&out, "an empty page");
	else if (place != NULL)
		show_place(&masking, text, len, place);
	else
		show_first_words(&masking, page, text, len);
	kept = arena_strndup(arena, out.data, out.len);
	buf_fini(&out);
	return kept;
}
