/*
 * From the bytes of a page to UTF-8. Which charset: byte order mark, then
 * Content-Type, then meta, else UTF-8. The tables of the eight-bit charsets
 * are made once, at start, with iconv, which may load files.
 */
#include "probe-int.h"

#include <iconv.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define META_BYTES 2048

/* In the order of enum charset, after UTF-8. */
static const char *const iconv_names[CHARSETS] = {
    "ISO-8859-2",
    "WINDOWS-1250",
    "WINDOWS-1252",
};

/* As browsers take them: ISO-8859-1 is windows-1252, and a page that is read
 * by its bytes can't be UTF-16. */
static const struct {
	const char *label;
	enum charset charset;
} labels[] = {
    {"utf-8", CHARSET_UTF8},
    {"utf8", CHARSET_UTF8},
    {"utf-16", CHARSET_UTF8},
    {"iso-8859-2", CHARSET_LATIN2},
    {"iso8859-2", CHARSET_LATIN2},
    {"iso_8859-2", CHARSET_LATIN2},
    {"iso88592", CHARSET_LATIN2},
    {"latin2", CHARSET_LATIN2},
    {"l2", CHARSET_LATIN2},
    {"windows-1250", CHARSET_WINDOWS_1250},
    {"cp1250", CHARSET_WINDOWS_1250},
    {"x-cp1250", CHARSET_WINDOWS_1250},
    {"windows-1252", CHARSET_WINDOWS_1252},
    {"cp1252", CHARSET_WINDOWS_1252},
    {"iso-8859-1", CHARSET_WINDOWS_1252},
    {"latin1", CHARSET_WINDOWS_1252},
    {"us-ascii", CHARSET_WINDOWS_1252},
};

enum { UNTOLD = -1 };

void
probe_charsets_init(struct charsets *charsets)
{
	size_t set, i;

	for (set = 0; set < CHARSETS; set++) {
		iconv_t how = iconv_open("UTF-8", iconv_names[set]);

		for (i = 0; i < 128; i++) {
			char byte = (char)(128 + i);
			char *in = &byte, *out = charsets->utf8[set][i];
			size_t in_left = 1, out_left = 3;

			memset(out, 0, 4);
			if (how != (iconv_t)-1 &&
			    iconv(how, &in, &in_left, &out, &out_left) !=
				(size_t)-1)
				continue;
			memcpy(charsets->utf8[set][i], REPLACEMENT, 4);
		}
		if (how != (iconv_t)-1)
			iconv_close(how);
	}
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* label_at: the charset whose label, in quotes or not, stands at `label`. */
static int
label_at(const char *label, const char *end)
{
	size_t n = 0, k;

	while (label < end &&
	    (*label == '"' || *label == '\'' || is_space(*label)))
		label++;
	while (label + n < end && strchr("\"';,>?", label[n]) == NULL &&
	    !is_space(label[n]))
		n++;
	for (k = 0; k < ARRAY_LEN(labels); k++)
		if (strlen(labels[k].label) == n &&
		    strncasecmp(labels[k].label, label, n) == 0)
			return (int)labels[k].charset;
	return UNTOLD;
}

/* label_after finds `key`, an equals sign, and the label that follows. */
static int
label_after(const char *text, const char *end, const char *key)
{
	size_t key_len = strlen(key);
	int charset = UNTOLD;

	for (; charset == UNTOLD && text + key_len < end; text++) {
		const char *p = text + key_len;

		if (strncasecmp(text, key, key_len) != 0)
			continue;
		while (p < end && is_space(*p))
			p++;
		if (p < end && *p == '=')
			charset = label_at(p + 1, end);
	}
	return charset;
}

/* The meta elements of the beginning, but not those in comments, and no
 * other element, as scripts and links may tell a charset of their own. */
static int
meta_charset(const char *bytes, size_t len)
{
	const char *end = bytes + (len < META_BYTES ? len : META_BYTES);
	const char *p = bytes;
	int charset = UNTOLD;

	if (len > 5 && memcmp(bytes, "<?xml", 5) == 0) {
		const char *close = memmem(p, (size_t)(end - p), "?>", 2);

		if (close != NULL)
			charset = label_after(p, close, "encoding");
	}
	while (charset == UNTOLD && p < end &&
	    (p = memchr(p, '<', (size_t)(end - p))) != NULL) {
		const char *close = NULL;

		if (end - p > 4 && memcmp(p, "<!--", 4) == 0) {
			close = memmem(p + 4, (size_t)(end - p - 4), "-->", 3);
			if (close == NULL)
				break;
		} else if (end - p > 6 && strncasecmp(p, "<meta", 5) == 0 &&
		    (is_space(p[5]) || p[5] == '/')) {
			close = memchr(p, '>', (size_t)(end - p));
			charset = label_after(
			    p + 5, close != NULL ? close : end, "charset");
		}
		p = close != NULL ? close : p + 1;
	}
	return charset;
}

static enum charset
choose(const char *media_type, const char *bytes, size_t len)
{
	int charset;

	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		return CHARSET_UTF8;
	charset =
	    label_after(media_type, media_type + strlen(media_type), "charset");
	if (charset == UNTOLD && strcasestr(media_type, "json") == NULL)
		charset = meta_charset(bytes, len);
	return charset == UNTOLD ? CHARSET_UTF8 : (enum charset)charset;
}

enum charset
probe_charset_named(const char *label, size_t len, enum charset otherwise)
{
	int charset = label_at(label, label + len);

	return charset == UNTOLD ? otherwise : (enum charset)charset;
}

/* utf8_len: the length of the good character at p, 0 if it is bad. */
static size_t
utf8_len(const unsigned char *p, size_t left)
{
	size_t n = 0;

	if (*p == 0)
		return 0;
	if (*p < 0x80)
		return 1;
	if (*p >= 0xc2 && *p <= 0xdf)
		n = 2;
	else if (*p >= 0xe0 && *p <= 0xef)
		n = 3;
	else if (*p >= 0xf0 && *p <= 0xf4)
		n = 4;
	if (n == 0 || n > left || !text_utf8_valid((const char *)p, n))
		return 0;
	return n;
}

static void
repair_utf8(const char *bytes, size_t len, struct buf *buf)
{
	const unsigned char *p = (const unsigned char *)bytes;
	size_t i = 0, from = 0;

	while (i < len) {
		size_t n = utf8_len(p + i, len - i);

		if (n > 0) {
			i += n;
			continue;
		}
		buf_add(buf, bytes + from, i - from);
		buf_adds(buf, REPLACEMENT);
		from = ++i;
	}
	buf_add(buf, bytes + from, len - from);
}

static void
decode_bytes(const struct charsets *charsets, enum charset charset,
    const char *bytes, size_t len, struct buf *buf)
{
	const char(*upper)[4] = charsets->utf8[charset - 1];
	size_t i, from = 0;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c != 0 && c < 0x80)
			continue;
		buf_add(buf, bytes + from, i - from);
		buf_adds(buf, c == 0 ? REPLACEMENT : upper[c - 128]);
		from = i + 1;
	}
	buf_add(buf, bytes + from, len - from);
}

enum charset
probe_charset_decode(const struct charsets *charsets, const char *media_type,
    const char *bytes, size_t len, struct buf *buf, const char **out,
    size_t *out_len)
{
	enum charset charset = choose(media_type, bytes, len);

	if (charset == CHARSET_UTF8 && len >= 3 &&
	    memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		len -= 3;
	}
	if (charset == CHARSET_UTF8 && memchr(bytes, '\0', len) == NULL &&
	    text_utf8_valid(bytes, len)) {
		*out = bytes;
		*out_len = len;
		return charset;
	}
	buf_reset(buf);
	if (charset == CHARSET_UTF8)
		repair_utf8(bytes, len, buf);
	else
		decode_bytes(charsets, charset, bytes, len, buf);
	*out = buf->data;
	*out_len = buf->len;
	return charset;
}

/* encode_char: the byte of one character, 0 if the charset has none. */
static char
encode_char(const char (*upper)[4], const char *utf8, size_t len)
{
	size_t i;

	for (i = 0; i < 128; i++)
		if (strlen(upper[i]) == len && memcmp(upper[i], utf8, len) == 0)
			return (char)(128 + i);
	return '\0';
}

static unsigned
code_of(const char *utf8, size_t len)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned code = (unsigned char)utf8[0] & first[len];
	size_t i;

	for (i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)utf8[i] & 0x3f);
	return code;
}

void
probe_charset_encode(const struct charsets *charsets, enum charset charset,
    const char *text, size_t len, struct buf *out)
{
	const char *end = text + len;

	while (charset != CHARSET_UTF8 && text < end) {
		size_t n = text_utf8_char(text, (size_t)(end - text));
		char byte = *text;

		if (n > 1)
			byte =
			    encode_char(charsets->utf8[charset - 1], text, n);
		if (byte != '\0')
			buf_addc(out, byte);
		else
			buf_printf(out, "&#%u;", code_of(text, n));
		text += n > 0 ? n : 1;
	}
	buf_add(out, text, (size_t)(end - text));
}
