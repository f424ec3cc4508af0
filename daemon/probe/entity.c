/*
 * Character references: &#380; &#x17C; &oacute; &lstrok; … as they stand in
 * text and in the values of attributes. libxml2 knows the names of HTML 4;
 * the names that HTML 5 has for Polish letters are here.
 */
#include "probe-int.h"

#include <libxml/HTMLparser.h>
#include <string.h>

#include "base/attr.h"

#define NAME_MAX_LEN 10

static const struct {
	const char *name;
	unsigned code;
} letters[] = {
    {"Aogon", 0x104},
    {"aogon", 0x105},
    {"Cacute", 0x106},
    {"cacute", 0x107},
    {"Eogon", 0x118},
    {"eogon", 0x119},
    {"Lstrok", 0x141},
    {"lstrok", 0x142},
    {"Nacute", 0x143},
    {"nacute", 0x144},
    {"Sacute", 0x15a},
    {"sacute", 0x15b},
    {"Zacute", 0x179},
    {"zacute", 0x17a},
    {"Zdot", 0x17b},
    {"zdot", 0x17c},
    {"apos", '\''},
};

/* What browsers take &#128; to &#159; for: windows-1252. */
static const unsigned short controls[32] = {0x20ac, 0x81, 0x201a, 0x192, 0x201e,
    0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d,
    0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc,
    0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178};

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static void
add_code(struct buf *out, unsigned code)
{
	if (code >= 0x80 && code < 0xa0)
		code = controls[code - 0x80];
	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		code = 0xfffd;
	if (code < 0x80) {
		buf_addc(out, (char)code);
		return;
	}
	if (code < 0x800) {
		buf_addc(out, (char)(0xc0 | code >> 6));
	} else {
		if (code < 0x10000) {
			buf_addc(out, (char)(0xe0 | code >> 12));
		} else {
			buf_addc(out, (char)(0xf0 | code >> 18));
			buf_addc(out, (char)(0x80 | (code >> 12 & 0x3f)));
		}
		buf_addc(out, (char)(0x80 | (code >> 6 & 0x3f)));
	}
	buf_addc(out, (char)(0x80 | (code & 0x3f)));
}

static int
digit(char c, bool hex)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (hex && c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (hex && c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* number: what "&#…" at p takes, 0 if it is no reference. */
static size_t
number(const char *p, size_t len, struct buf *out)
{
	size_t i = 2, from;
	unsigned code = 0;
	bool hex = len > 2 && (p[2] == 'x' || p[2] == 'X');

	i += hex;
	for (from = i; i < len && digit(p[i], hex) >= 0; i++)
		if (code <= 0x10ffff)
			code =
			    code * (hex ? 16 : 10) + (unsigned)digit(p[i], hex);
	if (i == from)
		return 0;
	add_code(out, code);
	return i + (i < len && p[i] == ';');
}

static unsigned
letter(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(letters); i++)
		if (strcmp(letters[i].name, name) == 0)
			return letters[i].code;
	return 0;
}

/* The oldest names do without a semicolon, unless something clings to them. */
static bool
may_end_open(const char *name, char next)
{
	return (strcmp(name, "amp") == 0 || strcmp(name, "lt") == 0 ||
		   strcmp(name, "gt") == 0 || strcmp(name, "quot") == 0) &&
	    next != '=';
}

/* named: what "&name;" at p takes, 0 if it is no reference that we know. */
static size_t
named(const char *p, size_t len, bool letters_only, struct buf *out)
{
	const htmlEntityDesc *known = NULL;
	char name[NAME_MAX_LEN + 1];
	size_t n = 0;
	unsigned code;
	bool closed;

	while (n < NAME_MAX_LEN && 1 + n < len && is_alnum(p[1 + n])) {
		name[n] = p[1 + n];
		n++;
	}
	name[n] = '\0';
	if (n == 0 || (1 + n < len && is_alnum(p[1 + n])))
		return 0;
	closed = 1 + n < len && p[1 + n] == ';';
	code = closed ? letter(name) : 0;
	if (code == 0 && !letters_only)
		known = htmlEntityLookup((const xmlChar *)name);
	if (known != NULL &&
	    (closed || may_end_open(name, 1 + n < len ? p[1 + n] : ' ')))
		code = known->value;
	if (code == 0)
		return 0;
	add_code(out, code);
	return 1 + n + closed;
}

static void
decode(const char *text, size_t len, bool letters_only, struct buf *out)
{
	const char *end = text + len;

	while (text < end) {
		const char *amp = memchr(text, '&', (size_t)(end - text));
		size_t left, taken = 0;

		if (amp == NULL)
			amp = end;
		buf_add(out, text, (size_t)(amp - text));
		text = amp;
		left = (size_t)(end - text);
		if (left == 0)
			break;
		if (left > 1 && text[1] != '#')
			taken = named(text, left, letters_only, out);
		else if (!letters_only)
			taken = number(text, left, out);
		if (taken == 0) {
			buf_addc(out, '&');
			taken = 1;
		}
		text += taken;
	}
}

void
probe_entities_decode(const char *text, size_t len, struct buf *out)
{
	decode(text, len, false, out);
}

void
probe_entities_letters(const char *text, size_t len, struct buf *out)
{
	decode(text, len, true, out);
}
