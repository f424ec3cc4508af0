/*
 * The last response of a step as a page: text in UTF-8, HTML tree, JSON value,
 * each made when first asked for and shared by all markers, checks and
 * extractions. Bytes here come from outside: sizes, nesting and work are
 * bounded, and libxml2 reads no file and no network.
 */
#include "probe-int.h"

#include <libxml/HTMLparser.h>
#include <libxml/xpath.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define XPATH_OPERATIONS 2000000
#define HTML_MAX (4 * 1024 * 1024)
#define PLAIN_MAX (2 * HTML_MAX)
#define TITLE_MAX 60
#define TAGS_KEPT (64 * 1024) /* of a page up to this size */

const char *
probe_page_text(struct page *page, size_t *len)
{
	if (page->text == NULL)
		page->charset = probe_charset_decode(page->charsets,
		    page->media_type, page->raw, page->raw_len, page->decoded,
		    &page->text, &page->text_len);
	*len = page->text_len;
	return page->text;
}

enum charset
probe_page_charset(struct page *page)
{
	size_t len;

	(void)probe_page_text(page, &len);
	return page->charset;
}

const char *
probe_page_plain(struct page *page, size_t *len)
{
	size_t raw_len;
	const char *text;

	if (!page->plain_tried) {
		page->plain_tried = true;
		text = probe_page_text(page, &raw_len);
		buf_init(&page->plain, PLAIN_MAX);
		if (raw_len <= HTML_MAX &&
		    strcasestr(page->media_type, "json") == NULL &&
		    memchr(text, '&', raw_len) != NULL)
			probe_entities_decode(text, raw_len, &page->plain);
	}
	*len = page->plain.len;
	return page->plain.len > 0 ? page->plain.data : NULL;
}

bool
probe_page_contains(struct page *page, const char *text, size_t len)
{
	size_t page_len;
	const char *all = probe_page_text(page, &page_len);

	if (len == 0 || memmem(all, page_len, text, len) != NULL)
		return true;
	all = probe_page_plain(page, &page_len);
	return all != NULL && memmem(all, page_len, text, len) != NULL;
}

struct jv *
probe_page_json(struct page *page)
{
	size_t len;
	const char *text;

	if (page->json_tried)
		return page->json;
	page->json_tried = true;
	text = probe_page_text(page, &len);
	while (len > 0 &&
	    (*text == ' ' || *text == '\n' || *text == '\r' || *text == '\t')) {
		text++;
		len--;
	}
	/* Spares us a parser's work on every HTML page. */
	if (len > 0 && *text != '<')
		page->json = jv_parse(text, len, NULL, 0);
	return page->json;
}

static void
silence(void *ctx, xmlErrorPtr error)
{
	(void)ctx;
	(void)error;
}

struct _xmlXPathContext *
probe_page_xpath(struct page *page)
{
	size_t len;
	const char *text;
	struct buf tidy;

	if (page->html_tried)
		return page->xpath;
	page->html_tried = true;
	text = probe_page_text(page, &len);
	if (len == 0 || len > HTML_MAX)
		return NULL;
	buf_init(&tidy, PLAIN_MAX);
	probe_tidy(text, len, &tidy);
	page->html = htmlReadMemory(tidy.data, (int)tidy.len, NULL, "UTF-8",
	    HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
		HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
	buf_fini(&tidy);
	if (page->html == NULL)
		return NULL;
	page->xpath = xmlXPathNewContext(page->html);
	if (page->xpath != NULL) {
		page->xpath->opLimit = XPATH_OPERATIONS;
		page->xpath->error = silence;
	}
	return page->xpath;
}

static const char *
named_find(const struct named *list, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcasecmp(list[i].name, name) == 0)
			return list[i].value;
	return NULL;
}

const char *
probe_page_header(const struct page *page, const char *name)
{
	return named_find(page->headers, page->n_headers, name);
}

const char *
probe_page_cookie(const struct page *page, const char *name)
{
	return named_find(page->cookies, page->n_cookies, name);
}

/* ---- walking the tree in document order ---- */

static xmlNodePtr
next_node(xmlNodePtr node)
{
	if (node->children != NULL && node->type == XML_ELEMENT_NODE)
		return node->children;
	while (node != NULL && node->next == NULL) {
		node = node->parent;
		if (node != NULL && node->type != XML_ELEMENT_NODE)
			return NULL;
	}
	return node == NULL ? NULL : node->next;
}

static bool
is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE &&
	    xmlStrcasecmp(node->name, (const xmlChar *)name) == 0;
}

static xmlNodePtr
root_of(struct page *page)
{
	if (probe_page_xpath(page) == NULL)
		return NULL;
	return xmlDocGetRootElement(page->html);
}

/* Most pages are small, and are gone through several times. */
static void
cut_tags(struct page *page, const char *text, size_t len)
{
	struct tags tags = {text, text + len};
	struct tag tag;
	size_t cap = 0;

	page->tags_tried = true;
	while (probe_tags_next(&tags, &tag)) {
		if (page->n_tags == cap) {
			cap = cap > 0 ? 2 * cap : 256;
			page->tags =
			    mem_grow(page->tags, cap, sizeof(*page->tags));
		}
		page->tags[page->n_tags++] = tag;
	}
}

struct page_tags
probe_page_tags(struct page *page)
{
	size_t len;
	const char *text = probe_page_text(page, &len);

	if (len > TAGS_KEPT)
		return (struct page_tags){.rest = {text, text + len}};
	if (!page->tags_tried)
		cut_tags(page, text, len);
	return (struct page_tags){.page = page};
}

bool
probe_page_tags_next(struct page_tags *tags, struct tag *tag)
{
	if (tags->page == NULL)
		return probe_tags_next(&tags->rest, tag);
	if (tags->next == tags->page->n_tags)
		return false;
	*tag = tags->page->tags[tags->next++];
	return true;
}

static bool
attribute_is(const struct tag *tag, const char *name, const char *value)
{
	struct span found;

	return probe_tag_attribute(tag, name, &found) &&
	    probe_span_is(found, value);
}

bool
probe_page_asks_login(struct page *page)
{
	struct page_tags tags = probe_page_tags(page);
	struct tag tag;

	while (probe_page_tags_next(&tags, &tag))
		if (!tag.closes && probe_span_is(tag.name, "input") &&
		    (attribute_is(&tag, "type", "password") ||
			attribute_is(&tag, "name", "wresult")))
			return true;
	return false;
}

void
probe_page_title(struct page *page, struct buf *out)
{
	xmlNodePtr node;
	xmlChar *title;
	const char *p;
	size_t start = out->len;
	bool blank = false;

	for (node = root_of(page); node != NULL; node = next_node(node))
		if (is_element(node, "title"))
			break;
	if (node == NULL)
		return;
	title = xmlNodeGetContent(node);
	if (title == NULL)
		return;
	for (p = (const char *)title; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= ' ' || c == 0x7f) {
			blank = out->len > start;
			continue;
		}
		/* Stop only where a character begins. */
		if (out->len - start >= TITLE_MAX && (c & 0xc0) != 0x80)
			break;
		if (blank)
			buf_addc(out, ' ');
		blank = false;
		buf_addc(out, c >= '0' && c <= '9' ? '#' : (char)c);
	}
	xmlFree(title);
}

void
probe_page_end(struct page *page)
{
	if (page->xpath != NULL)
		xmlXPathFreeContext(page->xpath);
	if (page->html != NULL)
		xmlFreeDoc(page->html);
	jv_release(page->json);
	buf_fini(&page->plain);
	free(page->tags);
	page->tags = NULL;
	page->n_tags = 0;
	page->tags_tried = false;
	free(page->squeezed);
	page->squeezed = NULL;
	page->plain_tried = false;
	page->xpath = NULL;
	page->html = NULL;
	page->json = NULL;
	page->text = NULL;
	page->html_tried = page->json_tried = false;
}
