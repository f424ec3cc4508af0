#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/clock.h"

/*
 * One line per event, to stderr: level, event, key=value fields. When
 * JOURNAL_STREAM is set the line begins with journald's <priority>; else with
 * UTC time. errno is kept by every function here. Any thread; one line is one
 * write(2), lines never interleave. Control characters in a field are
 * replaced; a value that may hold spaces is written key=\"%s\", and quotes and
 * backslashes in it are escaped. Nothing secret, no body and no header value
 * may be passed in.
 */
enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR
};

/* log_set_level: the lowest level that is written; INFO at start. */
void log_set_level(enum log_level level);

/* log_level_parse: "debug", "info", "warn", "error"; false when unknown. */
bool log_level_parse(const char *name, enum log_level *level);

/* An event without fields is no mistake, though -Wformat takes it for one. */
#pragma GCC diagnostic ignored "-Wformat-zero-length"

/*
 * log_info("state changed", "target=%s from=%s to=%s", ...);
 * `fields` may be "" when there are none.
 */
void log_debug(const char *event, const char *fields, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *fields, ...) PRINTF_LIKE(2, 3);
void log_warn(const char *event, const char *fields, ...) PRINTF_LIKE(2, 3);
void log_error(const char *event, const char *fields, ...) PRINTF_LIKE(2, 3);

/* log_fatal writes at error level and exits with status 1. For start only. */
void log_fatal(const char *event, const char *fields, ...)
    PRINTF_LIKE(2, 3) NO_RETURN;

/*
 * Damping of repeats. Zero is valid. log_damp returns true when the event
 * should be written now: the first time, then after 1, 2, 4 … minutes, at most
 * once an hour; *suppressed says how many were left out since the last line.
 * log_damp_heal returns true once after trouble, for the one line that says it
 * is over. Not thread safe: one damp belongs to one owner.
 */
struct log_damp {
	mono_us next;
	dur_us pause;
	unsigned suppressed;
};

bool log_damp(struct log_damp *damp, mono_us now, unsigned *suppressed);
bool log_damp_heal(struct log_damp *damp);

#endif
