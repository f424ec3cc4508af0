#ifndef PROBE_PAGE_INT_H
#define PROBE_PAGE_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "tags-int.h"

/*
 * The page that a response brought: its charset, its text, tree and JSON, each
 * made when first asked for, and the forms in it. Any one thread at a time.
 */

/* The charsets of pages. */
enum charset {
	CHARSET_UTF8,
	CHARSET_LATIN2,
	CHARSET_WINDOWS_1250,
	CHARSET_WINDOWS_1252
};

/* ---- charset.c ---- */

#define CHARSETS 3

/* The upper halves of the eight-bit charsets, as UTF-8. */
struct charsets {
	char utf8[CHARSETS][128][4];
};

void probe_charsets_init(struct charsets *charsets);

/*
 * charset_decode: *out is the bytes themselves when they are good UTF-8 and
 * hold no NUL, else `buf`, where anything bad became U+FFFD. Gives the charset.
 */
enum charset probe_charset_decode(const struct charsets *charsets,
    const char *media_type, const char *bytes, size_t len, struct buf *buf,
    const char **out, size_t *out_len);

/* charset_encode appends; what the charset lacks becomes &#NUMBER;, as in
 * browsers. */
void probe_charset_encode(const struct charsets *charsets, enum charset charset,
    const char *text, size_t len, struct buf *out);

/* charset_named: by the label that begins there, or `otherwise`. */
enum charset probe_charset_named(
    const char *label, size_t len, enum charset otherwise);

/* ---- entity.c ---- */

/* entities_decode appends the text with all character references decoded;
 * entities_letters only those of letters that libxml2 does not know. */
void probe_entities_decode(const char *text, size_t len, struct buf *out);
void probe_entities_letters(const char *text, size_t len, struct buf *out);

/* ---- tidy.c ---- */

/* tidy appends a page that libxml2 understands as browsers do. */
void probe_tidy(const char *text, size_t len, struct buf *out);

/* ---- page.c: the last response of a step, parsed when first needed ---- */

struct named {
	const char *name;
	const char *value; /* NULL: absent */
};

struct page {
	const struct charsets *charsets;
	const char *url;
	int status;
	const char *media_type;
	const char *raw;
	size_t raw_len;
	const struct named *headers; /* those that the step looks at */
	size_t n_headers;
	const struct named *cookies;
	size_t n_cookies;
	bool on_worker;
	struct buf *decoded; /* kept by the run */
	/* private */
	const char *text;
	size_t text_len;
	enum charset charset;
	struct buf plain; /* the text with its entities decoded */
	bool plain_tried, html_tried, json_tried;
	char *squeezed; /* the text without tags and blanks, by quick.c */
	size_t squeezed_len;
	struct tag *tags; /* of a small page, cut out once */
	size_t n_tags;
	bool tags_tried;
	struct _xmlDoc *html;
	struct _xmlXPathContext *xpath;
	struct jv *json;
};

const char *probe_page_text(struct page *page, size_t *len);
enum charset probe_page_charset(struct page *page);

/* page_plain: the text with its entities decoded; NULL if it has none. */
const char *probe_page_plain(struct page *page, size_t *len);

/* page_contains: as the text stands in the page, or with its entities
 * decoded. */
bool probe_page_contains(struct page *page, const char *text, size_t len);
struct jv *probe_page_json(struct page *page); /* NULL: not JSON */
struct _xmlXPathContext *probe_page_xpath(
    struct page *page); /* NULL: no tree */
const char *probe_page_header(const struct page *page, const char *name);
const char *probe_page_cookie(const struct page *page, const char *name);

/*
 * The tags of the page in their order, as often as they are needed: begin with
 * page_tags, then tags_next_of the page until it is false.
 */
struct page_tags {
	const struct page *page;
	size_t next;
	struct tags rest; /* of a large page, which is read again each time */
};
struct page_tags probe_page_tags(struct page *page);
bool probe_page_tags_next(struct page_tags *tags, struct tag *tag);

/* page_title appends the title, blanks squeezed, digits as #; at most 60. */
void probe_page_title(struct page *page, struct buf *out);

/* page_asks_login: it has a password's field, or the form by which one site
 * signs in at another. */
bool probe_page_asks_login(struct page *page);

/* page_end frees the trees. */
void probe_page_end(struct page *page);

/* ---- form.c ---- */

/* page_form appends "name\0value\0…" of the form that holds `field`; *action
 * is malloc'ed and absolute; *charset is the one to post it in. */
bool probe_page_form(struct page *page, const char *field, struct buf *fields,
    char **action, enum charset *charset);

#endif
