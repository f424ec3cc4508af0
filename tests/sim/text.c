/*
 * Growing strings with the escapes that pages, JSON and addresses need.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

void
text_fini(struct text *text)
{
	free(text->at);
	*text = (struct text){0};
}

void
text_clear(struct text *text)
{
	text->len = 0;
	if (text->at != NULL)
		text->at[0] = '\0';
}

const char *
text_of(const struct text *text)
{
	return text->at != NULL ? text->at : "";
}

void
text_addn(struct text *text, const char *bytes, size_t len)
{
	if (len > TEXT_MAX - 1 - text->len)
		return;
	if (text->len + len + 1 > text->size) {
		size_t size = text->size == 0 ? 1024 : text->size;
		while (size < text->len + len + 1)
			size *= 2;
		char *at = realloc(text->at, size);
		if (at == NULL)
			abort();
		text->at = at;
		text->size = size;
	}
	memcpy(text->at + text->len, bytes, len);
	text->len += len;
	text->at[text->len] = '\0';
}

void
text_add(struct text *text, const char *string)
{
	text_addn(text, string, strlen(string));
}

void
text_addf(struct text *text, const char *format, ...)
{
	char small[1024];
	char *big = NULL;
	va_list args;
	va_list again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(small)) {
		text_addn(text, small, (size_t)len);
	} else if (len >= 0) {
		if (vasprintf(&big, format, again) < 0)
			abort();
		text_addn(text, big, (size_t)len);
		free(big);
	}
	va_end(again);
}

void
text_html(struct text *text, const char *string)
{
	for (;;) {
		size_t plain = strcspn(string, "&<>\"'");
		text_addn(text, string, plain);
		string += plain;
		switch (*string) {
		case '\0':
			return;
		case '&':
			text_add(text, "&amp;");
			break;
		case '<':
			text_add(text, "&lt;");
			break;
		case '>':
			text_add(text, "&gt;");
			break;
		case '"':
			text_add(text, "&quot;");
			break;
		default:
			text_add(text, "&#39;");
			break;
		}
		string++;
	}
}

void
text_json(struct text *text, const char *string)
{
	text_add(text, "\"");
	for (; *string != '\0'; string++) {
		unsigned char c = (unsigned char)*string;
		if (c == '"' || c == '\\')
			text_addf(text, "\\%c", c);
		else if (c == '\n')
			text_add(text, "\\n");
		else if (c < 0x20)
			text_addf(text, "\\u%04x", c);
		else
			text_addn(text, string, 1);
	}
	text_add(text, "\"");
}

void
text_url(struct text *text, const char *string)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-_.~";

	for (; *string != '\0'; string++)
		if (strchr(plain, *string) != NULL)
			text_addn(text, string, 1);
		else
			text_addf(text, "%%%02X", (unsigned char)*string);
}

void
text_base64(struct text *text, const char *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		uint32_t group = (uint32_t)(unsigned char)bytes[i] << 16;
		char out[4];

		if (i + 1 < len)
			group |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
		if (i + 2 < len)
			group |= (unsigned char)bytes[i + 2];
		out[0] = digits[group >> 18];
		out[1] = digits[group >> 12 & 63];
		out[2] = i + 1 < len ? digits[group >> 6 & 63] : '=';
		out[3] = i + 2 < len ? digits[group & 63] : '=';
		text_addn(text, out, 4);
	}
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

char *
text_unbase64(const char *string)
{
	size_t len = strcspn(string, "=");
	char *out = malloc(len + 1);
	uint32_t group = 0;
	size_t n = 0;

	if (out == NULL)
		abort();
	if (strspn(string + len, "=") != strlen(string) - len ||
	    strlen(string) % 4 != 0)
		goto fail;
	for (size_t i = 0; i < len; i++) {
		int value = base64_value(string[i]);
		if (value < 0)
			goto fail;
		group = group << 6 | (uint32_t)value;
		if (i % 4 != 0)
			out[n++] = (char)(group >> (6 - i % 4 * 2) & 0xff);
	}
	out[n] = '\0';
	return out;
fail:
	free(out);
	return NULL;
}

void
text_time(struct text *text, const char *format, time_t when)
{
	struct tm tm;
	char out[96];

	if (localtime_r(&when, &tm) == NULL)
		return;
		/* the formats are constants of the operators' files */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	size_t len = strftime(out, sizeof(out), format, &tm);
#pragma GCC diagnostic pop
	text_addn(text, out, len);
}
