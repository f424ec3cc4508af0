/*
 * Cuts the tags out of a page, by the rules that browsers follow for text that
 * is no good HTML either.
 */
#include "tags-int.h"

#include <string.h>
#include <strings.h>

#include "base/attr.h"

#define ATTRIBUTES_MAX 256

/* What a character is in a tag. */
#define SPACE 1
#define ENDS_TAG 2
#define ENDS_NAME 4 /* of an attribute */

static const unsigned char kinds[256] = {
    [' '] = SPACE | ENDS_NAME,
    ['\t'] = SPACE | ENDS_NAME,
    ['\n'] = SPACE | ENDS_NAME,
    ['\r'] = SPACE | ENDS_NAME,
    ['\f'] = SPACE | ENDS_NAME,
    ['='] = ENDS_NAME,
    ['/'] = ENDS_NAME,
    ['>'] = ENDS_TAG | ENDS_NAME,
};

static bool
is(char c, unsigned kind)
{
	return (kinds[(unsigned char)c] & kind) != 0;
}

static bool
is_space(char c)
{
	return is(c, SPACE);
}

/* attribute_value takes "=value", quoted or not; an empty span without. */
static struct span
attribute_value(const char **at, const char *end)
{
	const char *p = *at;
	struct span value = {p, 0};

	while (p < end && is_space(*p))
		p++;
	if (p >= end || *p != '=')
		return value;
	for (p++; p < end && is_space(*p);)
		p++;
	if (p < end && (*p == '"' || *p == '\'')) {
		char quote = *p++;

		value.at = p;
		p = memchr(p, quote, (size_t)(end - p));
		p = p != NULL ? p : end;
		value.len = (size_t)(p - value.at);
		*at = p < end ? p + 1 : p;
		return value;
	}
	value.at = p;
	while (p < end && !is(*p, SPACE | ENDS_TAG))
		p++;
	value.len = (size_t)(p - value.at);
	*at = p;
	return value;
}

/*
 * next_attribute moves *at behind the next attribute before `end`; false when
 * there is none.
 */
static bool
next_attribute(
    const char **at, const char *end, struct span *name, struct span *value)
{
	const char *p = *at;

	while (p < end && (is_space(*p) || *p == '/'))
		p++;
	*at = p;
	if (p >= end || *p == '>')
		return false;
	name->at = p++; /* whatever it is, even an equals sign */
	while (p < end && !is(*p, ENDS_NAME))
		p++;
	name->len = (size_t)(p - name->at);
	*at = p;
	*value = attribute_value(at, end);
	return true;
}

bool
probe_tag_attribute(
    const struct tag *tag, const char *wanted, struct span *value)
{
	const char *at = tag->attributes.at;
	const char *end = at + tag->attributes.len;
	struct span name;

	while (next_attribute(&at, end, &name, value))
		if (probe_span_is(name, wanted))
			return true;
	return false;
}

bool
probe_tag_is_overfull(const struct tag *tag)
{
	const char *at = tag->attributes.at;
	const char *end = at + tag->attributes.len;
	struct span name, value;
	size_t n = 0;

	/* each takes two bytes at least */
	if (tag->attributes.len < 2 * ATTRIBUTES_MAX)
		return false;
	while (n <= ATTRIBUTES_MAX && next_attribute(&at, end, &name, &value))
		n++;
	return n > ATTRIBUTES_MAX;
}

static const char *
after(const char *at, const char *end, const char *mark)
{
	const char *found = memmem(at, (size_t)(end - at), mark, strlen(mark));

	return found == NULL ? end : found + strlen(mark);
}

/* What follows is no markup up to the end tag of the same name. */
static bool
holds_text(struct span name)
{
	static const char *const names[] = {"script", "style", "textarea",
	    "title", "xmp", "iframe", "noframes", "noembed"};
	size_t i;

	if (name.len < 3 || strchr("stxinSTXIN", name.at[0]) == NULL)
		return false;
	for (i = 0; i < ARRAY_LEN(names); i++)
		if (probe_span_is(name, names[i]))
			return true;
	return false;
}

static void
skip_text(struct tags *tags, struct span name)
{
	const char *p = tags->at;

	while (p < tags->end) {
		p = after(p, tags->end, "</");
		if ((size_t)(tags->end - p) >= name.len &&
		    strncasecmp(p, name.at, name.len) == 0) {
			p -= 2;
			break;
		}
	}
	tags->at = p;
}

/* Without quotes in it a tag ends at the first ">", from behind its name on. */
static const char *
plain_end(const char *at, const char *end)
{
	const char *close = memchr(at, '>', (size_t)(end - at));
	size_t len = close != NULL ? (size_t)(close - at) : 0;

	return close != NULL && memchr(at, '"', len) == NULL &&
		memchr(at, '\'', len) == NULL
	    ? close
	    : NULL;
}

/* take reads the tag whose "<" is at tags->at; false if it is none. */
static bool
take(struct tags *tags, struct tag *tag)
{
	const char *p = tags->at + 1, *end = tags->end, *close;
	struct span name, value;

	tag->closes = p < end && *p == '/';
	p += tag->closes;
	if (p >= end || !((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')))
		return false;
	tag->name.at = p;
	while (p < end && !is_space(*p) && *p != '/' && *p != '>')
		p++;
	tag->name.len = (size_t)(p - tag->name.at);
	tag->attributes.at = p;
	close = plain_end(p, end);
	if (close != NULL)
		p = close;
	while (close == NULL && next_attribute(&p, end, &name, &value)) {
	}
	tag->attributes.len = (size_t)(p - tag->attributes.at);
	p += p < end;
	tag->whole = (struct span){tags->at, (size_t)(p - tags->at)};
	tags->at = p;
	if (!tag->closes && holds_text(tag->name))
		skip_text(tags, tag->name);
	return true;
}

bool
probe_tags_next(struct tags *tags, struct tag *tag)
{
	while (tags->at < tags->end) {
		const char *p =
		    memchr(tags->at, '<', (size_t)(tags->end - tags->at));

		if (p == NULL)
			return false;
		tags->at = p;
		if (tags->end - p >= 4 && memcmp(p, "<!--", 4) == 0)
			tags->at = after(p + 4, tags->end, "-->");
		else if (take(tags, tag))
			return true;
		else
			tags->at = p + 1;
	}
	return false;
}
