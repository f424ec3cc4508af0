/*
 * ISO-8859-2 and windows-1250, as far as Polish needs them.
 */
#include <string.h>

#include "charset.h"

static const struct {
	unsigned char byte[2];
	const char *utf8;
} letters[] = {
    {{0xa1, 0xa5}, "Ą"},
    {{0xc6, 0xc6}, "Ć"},
    {{0xca, 0xca}, "Ę"},
    {{0xa3, 0xa3}, "Ł"},
    {{0xd1, 0xd1}, "Ń"},
    {{0xd3, 0xd3}, "Ó"},
    {{0xa6, 0x8c}, "Ś"},
    {{0xac, 0x8f}, "Ź"},
    {{0xaf, 0xaf}, "Ż"},
    {{0xb1, 0xb9}, "ą"},
    {{0xe6, 0xe6}, "ć"},
    {{0xea, 0xea}, "ę"},
    {{0xb3, 0xb3}, "ł"},
    {{0xf1, 0xf1}, "ń"},
    {{0xf3, 0xf3}, "ó"},
    {{0xb6, 0x9c}, "ś"},
    {{0xbc, 0x9f}, "ź"},
    {{0xbf, 0xbf}, "ż"},
};

enum { LETTERS = sizeof(letters) / sizeof(letters[0]) };

void
charset_encode(struct text *text, enum charset charset)
{
	size_t out = 0;

	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->at[i];
		char letter = '?';
		if (c < 0x80) {
			text->at[out++] = (char)c;
			continue;
		}
		for (int k = 0; k < LETTERS; k++)
			if (strncmp(&text->at[i], letters[k].utf8, 2) == 0)
				letter = (char)letters[k].byte[charset];
		text->at[out++] = letter;
		while (i + 1 < text->len &&
		    ((unsigned char)text->at[i + 1] & 0xc0) == 0x80)
			i++;
	}
	text->len = out;
	if (text->at != NULL)
		text->at[out] = '\0';
}

void
charset_decode(struct text *text, const char *bytes, enum charset charset)
{
	for (; *bytes != '\0'; bytes++) {
		unsigned char c = (unsigned char)*bytes;
		const char *utf8 = "?";
		for (int k = 0; k < LETTERS; k++)
			if (letters[k].byte[charset] == c)
				utf8 = letters[k].utf8;
		if (c < 0x80)
			text_addn(text, bytes, 1);
		else
			text_add(text, utf8);
	}
}
