#ifndef SIM_CHARSET_H
#define SIM_CHARSET_H

#include "text.h"

/*
 * The eight-bit charsets that older registers speak. Pages are written in
 * UTF-8 and leave in one of these; what was posted comes in one.
 */

enum charset { CHARSET_LATIN2, CHARSET_WINDOWS_1250 };

/* charset_encode: what has no place there becomes a question mark. */
void charset_encode(struct text *text, enum charset charset);

/* charset_decode appends; letters that are not Polish become a question
 * mark. */
void charset_decode(struct text *text, const char *bytes, enum charset charset);

#endif
