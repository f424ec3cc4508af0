#ifndef DAEMON_WEB_QUERY_H
#define DAEMON_WEB_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/zone.h"
#include "locale.h"
#include "model/target.h"

/*
 * The parameters of a request, the same on every page (dashboard.md, 3). All
 * are optional; unknown ones are ignored.
 */
/* Of incidents; the last three of deliveries. */
enum query_state {
	QUERY_OPEN,
	QUERY_ALL,
	QUERY_PENDING,
	QUERY_CONFIRMED,
	QUERY_DEAD
};
enum query_theme { THEME_AUTO, THEME_LIGHT, THEME_DARK };
const char *theme_name(enum query_theme theme);

struct query {
	wall_us from, to; /* both set: one hour up to now unless asked */
	bool has_from, has_to;
	char from_text[40]; /* as asked, "" when not */
	dur_us step; /* 0: auto */
	uint32_t limit; /* 1 to 1000; 50 unless asked */
	bool has_language;
	enum language language;
	enum query_theme theme;
	enum query_state state;
	char target[MODEL_PATH_SIZE];
	char act[MODEL_NAME_SIZE];
	char op[MODEL_NAME_SIZE]; /* "" for any */
	char month[16]; /* as asked, "" when not */
	bool csv; /* format=csv */
	/* what is wrong, when query_parse fails */
	char field[16];
	const char *problem; /* a sentence in English */
};

/*
 * query_parse reads what follows the question mark (NULL or "" if nothing).
 * 0, or -EINVAL with field and problem. Times are those of base/when.h.
 */
int query_parse(struct query *query, const char *text, wall_us now,
    const struct zone *zone) MUST_USE;

/* query_keep appends what every link of a page carries on: "?lang=en", or
 * nothing. */
bool query_keep(const struct query *query, struct buf *out);

/* query_carry appends the parameters of `text` as they are, unknown ones too,
 * and NAME=VALUE in place of its own: "?act=login&lang=en". A new span ("from")
 * has no end of the old one. */
bool query_carry(
    const char *text, const char *name, const char *value, struct buf *out);

#endif
