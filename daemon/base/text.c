/*
 * Small pure functions on text: what is valid, what it means, how it is
 * escaped. JSON is in json.c. No locale is ever consulted: characters are
 * compared as bytes, and nothing here prints a floating point number.
 */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LONGEST_DURATION (INT64_C(3660) * 86400 * US_PER_S)
#define NEAREST_MAX 63
#define NEAREST_DISTANCE 3

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

size_t
text_utf8_char(const char *bytes, size_t len)
{
	/* How long a sequence its first byte announces, and what its second
	 * byte may be: this is where overlong forms, surrogates and what lies
	 * above U+10FFFF are told from the rest (RFC 3629, section 4). */
	static const struct {
		unsigned char first, last, length, low, high;
	} rows[] = {
	    {0x00, 0x7f, 1, 0, 0},
	    {0xc2, 0xdf, 2, 0x80, 0xbf},
	    {0xe0, 0xe0, 3, 0xa0, 0xbf},
	    {0xe1, 0xec, 3, 0x80, 0xbf},
	    {0xed, 0xed, 3, 0x80, 0x9f},
	    {0xee, 0xef, 3, 0x80, 0xbf},
	    {0xf0, 0xf0, 4, 0x90, 0xbf},
	    {0xf1, 0xf3, 4, 0x80, 0xbf},
	    {0xf4, 0xf4, 4, 0x80, 0x8f},
	};
	const unsigned char *p = (const unsigned char *)bytes;

	if (len == 0)
		return 0;
	size_t row = 0;
	while (row < ARRAY_LEN(rows) &&
	    (p[0] < rows[row].first || p[0] > rows[row].last))
		row++;
	if (row == ARRAY_LEN(rows) || rows[row].length > len)
		return 0;
	if (rows[row].length > 1 &&
	    (p[1] < rows[row].low || p[1] > rows[row].high))
		return 0;
	for (size_t i = 2; i < rows[row].length; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return rows[row].length;
}

bool
text_utf8_valid(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint64_t eight = 0x80;
		size_t n;

		/* Most of a page is ASCII. */
		if (len - i >= sizeof(eight))
			memcpy(&eight, bytes + i, sizeof(eight));
		if ((eight & UINT64_C(0x8080808080808080)) == 0) {
			i += sizeof(eight);
			continue;
		}
		n = (unsigned char)bytes[i] < 0x80
		    ? 1
		    : text_utf8_char(bytes + i, len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

bool
text_utf8_clean(struct buf *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = text_utf8_char(bytes + i, len - i);
		bool ok = n > 0 ? buf_add(out, bytes + i, n)
				: buf_adds(out, "\xef\xbf\xbd");
		if (!ok)
			return false;
		i += n > 0 ? n : 1;
	}
	return !out->full;
}

bool
text_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool
text_has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20 || c == 0x7f)
			return true;
	}
	return false;
}

bool
text_name_valid(const char *name)
{
	size_t len = strnlen(name, 32);

	if (len < 1 || len > 31)
		return false;
	if (!is_lower(name[0]) && !is_digit(name[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_lower(name[i]) && !is_digit(name[i]) &&
		    name[i] != '_' && name[i] != '-')
			return false;
	return true;
}

/* digits reads a run of decimal digits and returns what follows it, or NULL
 * when there was none. What does not fit becomes UINT64_MAX and *over. */
static const char *
digits(const char *text, uint64_t *value, bool *over)
{
	uint64_t sum = 0;

	*over = false;
	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text); text++) {
		uint64_t digit = (uint64_t)(*text - '0');
		if (sum > (UINT64_MAX - digit) / 10)
			*over = true;
		else
			sum = sum * 10 + digit;
	}
	*value = *over ? UINT64_MAX : sum;
	return text;
}

struct unit {
	const char *name;
	int64_t factor;
};

/* scaled: a whole number and one of `units`, at most `max` in all. */
static int
scaled(const char *text, const struct unit *units, size_t n, int64_t max,
    int64_t *out)
{
	uint64_t value;
	bool over;

	const char *rest = digits(text, &value, &over);
	if (rest == NULL)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rest, units[i].name) != 0)
			continue;
		if (over || value > (uint64_t)(max / units[i].factor))
			return -ERANGE;
		*out = (int64_t)value * units[i].factor;
		return 0;
	}
	return -EINVAL;
}

int
text_duration_parse(const char *text, dur_us *length)
{
	static const struct unit units[] = {
	    {"ms", US_PER_MS},
	    {"s", US_PER_S},
	    {"m", 60 * US_PER_S},
	    {"h", 3600 * US_PER_S},
	    {"d", 86400 * US_PER_S},
	};

	return scaled(text, units, ARRAY_LEN(units), LONGEST_DURATION, length);
}

int
text_size_parse(const char *text, int64_t *bytes)
{
	static const struct unit units[] = {
	    {"", 1},
	    {"kB", INT64_C(1) << 10},
	    {"MB", INT64_C(1) << 20},
	    {"GB", INT64_C(1) << 30},
	};

	return scaled(text, units, ARRAY_LEN(units), INT64_MAX, bytes);
}

int
text_u64_parse(const char *text, uint64_t *value)
{
	uint64_t got;
	bool over;

	const char *rest = digits(text, &got, &over);
	if (rest == NULL || *rest != '\0')
		return -EINVAL;
	if (over)
		return -ERANGE;
	*value = got;
	return 0;
}

/* Rounded to whole `unit`s, half upwards. */
static uint64_t
rounded(uint64_t us, uint64_t unit)
{
	return us / unit + (us % unit >= unit / 2 ? 1 : 0);
}

/* two_units: "2 h 5 min", or "2 h" when the smaller one is nought. */
static void
two_units(char *out, size_t size, const char *sign, uint64_t small,
    uint64_t per_big, const char *big_name, const char *small_name)
{
	unsigned long long big = small / per_big, rest = small % per_big;

	if (rest == 0)
		snprintf(out, size, "%s%llu %s", sign, big, big_name);
	else
		snprintf(out, size, "%s%llu %s %llu %s", sign, big, big_name,
		    rest, small_name);
}

void
text_duration_format(dur_us length, char *out, size_t size)
{
	const char *sign = length < 0 ? "-" : "";
	uint64_t us = length < 0 ? 0 - (uint64_t)length : (uint64_t)length;

	/* Each step asks what the rounded value would be, so that 999.7 ms is
	 * "1.0 s" and never "1000 ms". */
	unsigned long long ms = rounded(us, 1000);
	unsigned long long tenths = rounded(us, 100000);
	uint64_t seconds = rounded(us, 1000000);
	uint64_t minutes = rounded(us, 60000000);

	if (us == 0)
		snprintf(out, size, "0 ms");
	else if (us < 500)
		snprintf(out, size, "%s<1 ms", sign);
	else if (ms < 1000)
		snprintf(out, size, "%s%llu ms", sign, ms);
	else if (tenths < 600)
		snprintf(
		    out, size, "%s%llu.%llu s", sign, tenths / 10, tenths % 10);
	else if (seconds < 3600)
		two_units(out, size, sign, seconds, 60, "min", "s");
	else if (minutes < 1440)
		two_units(out, size, sign, minutes, 60, "h", "min");
	else
		two_units(out, size, sign, rounded(us, UINT64_C(3600000000)),
		    24, "d", "h");
}

/* The edit distance of two words of at most NEAREST_MAX bytes. */
static size_t
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[NEAREST_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = corner + (a[i - 1] != b[j - 1] ? 1 : 0);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			corner = row[j];
			row[j] = best;
		}
	}
	return row[b_len];
}

const char *
text_nearest(const char *word, const char *const *candidates, size_t n)
{
	const char *nearest = NULL;
	size_t best = NEAREST_DISTANCE + 1;
	size_t len = strnlen(word, NEAREST_MAX + 1);

	if (len > NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t other = strnlen(candidates[i], NEAREST_MAX + 1);
		if (other > NEAREST_MAX)
			continue;
		size_t d = distance(word, len, candidates[i], other);
		if (d < best && 2 * d < len) {
			best = d;
			nearest = candidates[i];
		}
	}
	return nearest;
}

static bool
is_unreserved(char c)
{
	return is_lower(c) || is_upper(c) || is_digit(c) || c == '-' ||
	    c == '.' || c == '_' || c == '~';
}

bool
text_url_encode(struct buf *out, const char *bytes, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char triple[3] = {'%', hex[c >> 4], hex[c & 15]};
		bool ok = is_unreserved(bytes[i]) ? buf_addc(out, bytes[i])
						  : buf_add(out, triple, 3);
		if (!ok)
			return false;
	}
	return !out->full;
}

static const char *
html_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

bool
text_html_escape(struct buf *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char *entity = html_entity(bytes[i]);
		bool ok = entity != NULL ? buf_adds(out, entity)
					 : buf_addc(out, bytes[i]);
		if (!ok)
			return false;
	}
	return !out->full;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
text_base64_encode(struct buf *out, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned v = (unsigned)p[i] << 16;
		if (left > 1)
			v |= (unsigned)p[i + 1] << 8;
		if (left > 2)
			v |= (unsigned)p[i + 2];
		char four[4] = {
		    base64_digits[v >> 18],
		    base64_digits[v >> 12 & 63],
		    left > 1 ? base64_digits[v >> 6 & 63] : '=',
		    left > 2 ? base64_digits[v & 63] : '=',
		};
		if (!buf_add(out, four, sizeof(four)))
			return false;
	}
	return !out->full;
}

static int
base64_value(char c)
{
	if (is_upper(c))
		return c - 'A';
	if (is_lower(c))
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

/* four_digits decodes one group into three bytes and says how many count; 0
 * when it is malformed. Padding is right only in the last group, and bits that
 * no byte uses must be nought, so that one value has one spelling. */
static size_t
four_digits(const char *in, bool last, unsigned char out[3])
{
	size_t pad = 0;
	unsigned v = 0;

	if (last && in[3] == '=')
		pad = in[2] == '=' ? 2 : 1;
	for (size_t i = 0; i < 4; i++) {
		int digit = i < 4 - pad ? base64_value(in[i]) : 0;
		if (digit < 0)
			return 0;
		v = v << 6 | (unsigned)digit;
	}
	if ((pad == 1 && (v & 0xff) != 0) || (pad == 2 && (v & 0xffff) != 0))
		return 0;
	out[0] = (unsigned char)(v >> 16);
	out[1] = (unsigned char)(v >> 8);
	out[2] = (unsigned char)v;
	return 3 - pad;
}

int
text_base64_decode(const char *text, void *out, size_t size, size_t *len)
{
	unsigned char *bytes = out;
	size_t chars = strlen(text), n = 0;

	if (chars % 4 != 0)
		return -EINVAL;
	for (size_t i = 0; i < chars; i += 4) {
		unsigned char three[3];
		size_t got = four_digits(text + i, i + 4 == chars, three);
		if (got == 0)
			return -EINVAL;
		if (got > size - n)
			return -ENOSPC;
		memcpy(bytes + n, three, got);
		n += got;
	}
	*len = n;
	return 0;
}

bool
text_hex_encode(struct buf *out, const void *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++) {
		char two[2] = {hex[p[i] >> 4], hex[p[i] & 15]};
		if (!buf_add(out, two, sizeof(two)))
			return false;
	}
	return !out->full;
}

void
text_rfc3339(wall_us at, char *out, size_t size)
{
	/* The years 0000 to 9999, which is what four digits can say. */
	const wall_us first = INT64_C(-62167219200) * US_PER_S;
	const wall_us last = INT64_C(253402300799) * US_PER_S + 999999;
	struct tm tm;

	if (at < first)
		at = first;
	if (at > last)
		at = last;
	int64_t us = at % US_PER_S;
	if (us < 0)
		us += US_PER_S;
	time_t seconds = (time_t)((at - us) / US_PER_S);
	if (gmtime_r(&seconds, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	char date[32];
	size_t n = strftime(date, sizeof(date), "%m-%dT%H:%M:%S", &tm);
	date[n] = '\0';
	snprintf(out, size, "%04d-%s.%03dZ", tm.tm_year + 1900, date,
	    (int)(us / US_PER_MS));
}

bool
text_copy(char *out, size_t size, const char *text)
{
	if (size == 0)
		return false;
	size_t len = strnlen(text, size);
	bool fits = len < size;
	if (!fits)
		len = size - 1;
	memmove(out, text, len);
	out[len] = '\0';
	return fits;
}
