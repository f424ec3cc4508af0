/*
 * The log: lines for people and for journald, on stderr. What is worth a line
 * is decided by whoever acts on it.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* Under PIPE_BUF, so that a line written to a pipe is never interleaved. */
#define LINE_SIZE 4096

/* The one global of the program. */
static _Atomic int lowest = LOG_LEVEL_INFO;

static const char *
level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
		return "debug";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_WARN:
		return "warn";
	case LOG_LEVEL_ERROR:
		return "error";
	}
	return "?";
}

/* The priorities of syslog, which journald understands. */
static int
level_priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
		return 7;
	case LOG_LEVEL_INFO:
		return 6;
	case LOG_LEVEL_WARN:
		return 4;
	case LOG_LEVEL_ERROR:
		return 3;
	}
	return 3;
}

void
log_set_level(enum log_level level)
{
	lowest = (int)level;
}

bool
log_level_parse(const char *name, enum log_level *level)
{
	static const enum log_level all[] = {
	    LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (strcmp(name, level_name(all[i])) == 0) {
			*level = all[i];
			return true;
		}
	}
	return false;
}

/* A line that was cut must not end inside a UTF-8 sequence. */
static size_t
cut_at_character(const char *line, size_t len)
{
	while (len > 0 && !text_utf8_valid(line, len) &&
	    ((unsigned char)line[len - 1] & 0x80) != 0)
		len--;
	return len;
}

/* Whether a quoted value can end here: with the line, or before a next key. */
static bool
value_ends(const char *at, const char *end)
{
	const char *key = at + 1;

	if (at == end)
		return true;
	if (*at != ' ')
		return false;
	while (key < end && ((*key >= 'a' && *key <= 'z') || *key == '_'))
		key++;
	return key > at + 1 && key < end && *key == '=';
}

/*
 * Escapes quotes and backslashes inside quoted values, so that a program can
 * read the line. Callers write key=\"%s\" and need not look at the text.
 */
static size_t
escape_values(char *line, size_t len, size_t room)
{
	char out[LINE_SIZE];
	bool inside = false;
	size_t n = 0;

	for (size_t i = 0; i < len && n + 2 < room; i++) {
		bool quote = line[i] == '"';

		if (inside && quote && value_ends(line + i + 1, line + len))
			inside = false;
		else if (inside && (quote || line[i] == '\\'))
			out[n++] = '\\';
		else if (quote && i > 0 && line[i - 1] == '=')
			inside = true;
		out[n++] = line[i];
	}
	memcpy(line, out, n);
	return cut_at_character(line, n);
}

static size_t
begin_line(char *line, size_t size, enum log_level level)
{
	int n;

	if (getenv("JOURNAL_STREAM") != NULL) {
		n = snprintf(line, size, "<%d>%s ", level_priority(level),
		    level_name(level));
	} else {
		char at[32];
		text_rfc3339(clock_wall(clock_system()), at, sizeof(at));
		n = snprintf(line, size, "%s %s ", at, level_name(level));
	}
	return n > 0 ? (size_t)n : 0;
}

static void write_line(enum log_level level, const char *event,
    const char *fields, va_list ap) __attribute__((format(printf, 3, 0)));

static void
write_line(
    enum log_level level, const char *event, const char *fields, va_list ap)
{
	int saved = errno;
	char line[LINE_SIZE];

	if ((int)level < lowest)
		return;
	/* One byte is kept for the end of the line. */
	size_t room = sizeof(line) - 1;
	size_t len = begin_line(line, room, level);
	size_t text = len;
	int n = snprintf(line + len, room - len, "%s ", event);
	if (n > 0)
		len += (size_t)n < room - len ? (size_t)n : room - len - 1;
	n = vsnprintf(line + len, room - len, fields, ap);
	if (n > 0 && (size_t)n < room - len)
		len += (size_t)n;
	else if (n > 0)
		len = cut_at_character(line, room - 1);
	for (size_t i = text; i < len; i++) {
		unsigned char c = (unsigned char)line[i];
		if (c < 0x20 || c == 0x7f)
			line[i] = '?';
	}
	len = text + escape_values(line + text, len - text, room - text);
	while (len > text && line[len - 1] == ' ')
		len--;
	line[len++] = '\n';
	/* There is nobody to tell when this fails. */
	while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
		continue;
	errno = saved;
}

#define WRITE_LINE(level) \
	do { \
		va_list ap; \
		va_start(ap, fields); \
		write_line(level, event, fields, ap); \
		va_end(ap); \
	} while (0)

void
log_debug(const char *event, const char *fields, ...)
{
	WRITE_LINE(LOG_LEVEL_DEBUG);
}

void
log_info(const char *event, const char *fields, ...)
{
	WRITE_LINE(LOG_LEVEL_INFO);
}

void
log_warn(const char *event, const char *fields, ...)
{
	WRITE_LINE(LOG_LEVEL_WARN);
}

void
log_error(const char *event, const char *fields, ...)
{
	WRITE_LINE(LOG_LEVEL_ERROR);
}

void
log_fatal(const char *event, const char *fields, ...)
{
	WRITE_LINE(LOG_LEVEL_ERROR);
	exit(EXIT_FAILURE);
}

#define FIRST_PAUSE (60 * US_PER_S)
#define LAST_PAUSE (3600 * US_PER_S)

bool
log_damp(struct log_damp *damp, mono_us now, unsigned *suppressed)
{
	bool first = damp->pause == 0;

	if (!first && now < damp->next) {
		damp->suppressed++;
		return false;
	}
	damp->pause = first ? FIRST_PAUSE : damp->pause * 2;
	if (damp->pause > LAST_PAUSE)
		damp->pause = LAST_PAUSE;
	damp->next = now + damp->pause;
	if (suppressed != NULL)
		*suppressed = damp->suppressed;
	damp->suppressed = 0;
	return true;
}

bool
log_damp_heal(struct log_damp *damp)
{
	bool trouble = damp->pause != 0;

	*damp = (struct log_damp){0};
	return trouble;
}
