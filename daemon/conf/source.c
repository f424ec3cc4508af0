/*
 * Files into one text. libconfig resolves includes against the working
 * directory and cannot be told otherwise, so we expand them here, relative to
 * the including file, and remember where each line came from. On the way we
 * find what libconfig does not tell or tells badly: numbers that it would
 * wrap, strings and comments without an end, brackets that do not match.
 * What the settings mean is not known here.
 *
 * The text handed on has no comments and no empty lines, and a token on a new
 * line in a file begins a new line in the text. There is one exception:
 * libconfig reads one token past a string before it notes the line of a list
 * element, so what may follow a string is kept on the line of that string.
 */

#include "source-int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "reader-int.h"

#define SOURCE_MAX_BYTES (32u << 20) /* all files of one text */
#define SOURCE_MAX_DEPTH 16 /* includes in includes */
#define SOURCE_MAX_FILES 1024
#define SOURCE_MAX_NESTING 64 /* brackets */

/* An open file on the way to the one that is being read. */
struct frame {
	const char *file;
	const struct frame *up;
	dev_t dev;
	ino_t ino;
	int line; /* from 1 */
	const char *at;
	const char *end;
};

struct bracket {
	char open;
	struct conf_src src;
};

struct scan {
	struct source *out;
	struct arena *arena;
	struct conf_problems *problems;
	struct bracket brackets[SOURCE_MAX_NESTING];
	size_t n_brackets;
	unsigned files;
	bool after_string; /* the last token was a string */
	char last; /* last character of the last token */
	bool space; /* white space since the last token */
	bool broken; /* the text is not worth parsing */
};

static void scan_file(struct scan *scan, const char *path,
    const struct conf_src *from, const char *key, const struct frame *up);

const char *
source_path(struct arena *arena, const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');
	if (name[0] == '/' || slash == NULL)
		return reader_strdup(arena, name, strlen(name));
	size_t dir = (size_t)(slash - file) + 1;
	size_t len = strlen(name);
	char *path = reader_alloc(arena, 1, dir + len + 1);
	memcpy(path, file, dir);
	memcpy(path + dir, name, len);
	return path;
}

struct conf_src
source_at(const struct source *source, unsigned line)
{
	if (source->n_lines == 0)
		return (struct conf_src){.file = "", .line = 0};
	if (line < 1)
		line = 1;
	if (line > source->n_lines)
		line = (unsigned)source->n_lines;
	return source->lines[line - 1];
}

void
source_fini(struct source *source)
{
	buf_fini(&source->text);
	free(source->lines);
	*source = (struct source){0};
}

static struct conf_src
frame_src(const struct frame *frame)
{
	return (struct conf_src){.file = frame->file, .line = frame->line};
}

/* A problem after which libconfig need not be asked. */
static void
scan_broken(struct scan *scan, const struct conf_src *src, const char *text)
{
	conf_problem(scan->problems, src, "", "%s", text);
	scan->broken = true;
}

static void
push_line(struct source *out, const struct frame *frame)
{
	if (out->n_lines == out->room) {
		out->room = out->room == 0 ? 256 : 2 * out->room;
		out->lines =
		    mem_grow(out->lines, out->room, sizeof(*out->lines));
	}
	out->lines[out->n_lines++] = frame_src(frame);
}

/* Before a token of `len` bytes at frame->at: is a new line of text due? */
static void
emit(struct scan *scan, const struct frame *frame, size_t len)
{
	struct source *out = scan->out;
	const char *token = frame->at;
	bool stay = scan->after_string && strchr("\",)]", token[0]) != NULL;
	const struct conf_src *now =
	    out->n_lines == 0 ? NULL : &out->lines[out->n_lines - 1];
	if (now == NULL) {
		push_line(out, frame);
	} else if (!stay &&
	    (now->file != frame->file || now->line != frame->line)) {
		buf_addc(&out->text, '\n');
		push_line(out, frame);
	} else if (scan->space) {
		buf_addc(&out->text, ' ');
	}
	buf_add(&out->text, token, len);
	scan->after_string = token[0] == '"';
	scan->last = token[len - 1];
	scan->space = false;
}

/* Strings: to the closing quote, which a backslash can hide. */
static void
scan_string(struct scan *scan, struct frame *frame)
{
	const char *c = frame->at + 1;
	int lines = 0;
	while (c < frame->end && *c != '"') {
		if (*c == '\n')
			lines++;
		if (*c == '\\' && frame->end - c >= 4 &&
		    memcmp(c, "\\x00", 4) == 0) {
			struct conf_src src = frame_src(frame);
			src.line += lines;
			conf_problem(scan->problems, &src, "",
			    "\\x00 cannot stand in a string");
		}
		if (*c == '\\' && c + 1 < frame->end && c[1] != '\n')
			c++;
		c++;
	}
	if (c >= frame->end) {
		struct conf_src src = frame_src(frame);
		scan_broken(scan, &src, "this string has no closing quote");
		frame->at = frame->end;
		return;
	}
	emit(scan, frame, (size_t)(c + 1 - frame->at));
	for (int i = 0; i < lines; i++) {
		frame->line++;
		push_line(scan->out, frame);
	}
	frame->at = c + 1;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '_' || c == '*' || c == '-';
}

/* Does libconfig wrap this number in silence? */
static bool
number_wraps(const char *digits, size_t len)
{
	char text[32];
	bool hex = len > 2 && digits[0] == '0' && (digits[1] | 0x20) == 'x';
	bool wide = digits[len - 1] == 'L';
	while (len > 0 && digits[len - 1] == 'L')
		len--;
	if (len >= sizeof(text))
		return true;
	memcpy(text, digits, len);
	text[len] = '\0';
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, hex ? 16 : 10);
	if (*end != '\0')
		return false; /* a float, or a syntax error for libconfig */
	return errno != 0 || value > (wide ? (uint64_t)INT64_MAX : INT32_MAX);
}

static void
scan_number(struct scan *scan, struct frame *frame)
{
	const char *digits = frame->at;
	if (*digits == '-' || *digits == '+')
		digits++;
	const char *c = digits;
	while (c < frame->end && (is_name(*c) || *c == '.') && *c != '-')
		c++;
	size_t len = (size_t)(c - digits);
	if (len > 0 && is_digit(*digits) && number_wraps(digits, len)) {
		struct conf_src src = frame_src(frame);
		conf_problem(scan->problems, &src, "",
		    "the number %.*s is too large; the largest is 2147483647",
		    len > 40 ? 40 : (int)len, digits);
	}
	emit(scan, frame, (size_t)(c - frame->at));
	frame->at = c;
}

static void
scan_comment(struct scan *scan, struct frame *frame)
{
	struct conf_src src = frame_src(frame);
	frame->at += 2;
	for (; frame->end - frame->at >= 2; frame->at++) {
		if (memcmp(frame->at, "*/", 2) == 0) {
			frame->at += 2;
			return;
		}
		if (*frame->at == '\n')
			frame->line++;
	}
	frame->at = frame->end;
	scan_broken(scan, &src, "this comment has no end; write */");
}

static void
scan_open(struct scan *scan, const struct frame *frame)
{
	struct conf_src src = frame_src(frame);
	if (scan->n_brackets == SOURCE_MAX_NESTING) {
		if (!scan->broken)
			scan_broken(scan, &src, "brackets are nested too deep");
		return;
	}
	scan->brackets[scan->n_brackets++] =
	    (struct bracket){.open = *frame->at, .src = src};
}

static char
bracket_end(char open)
{
	return open == '(' ? ')' : open == '[' ? ']' : '}';
}

static void
scan_close(struct scan *scan, const struct frame *frame)
{
	if (scan->broken)
		return;
	struct conf_src src = frame_src(frame);
	char c = *frame->at;
	if (scan->n_brackets == 0) {
		conf_problem(
		    scan->problems, &src, "", "this %c closes nothing", c);
		scan->broken = true;
		return;
	}
	const struct bracket *top = &scan->brackets[--scan->n_brackets];
	if (c != bracket_end(top->open)) {
		conf_problem(scan->problems, &src, "",
		    "this %c does not close the %c of %s:%d", c, top->open,
		    top->src.file, top->src.line);
		scan->broken = true;
	} else if (scan->last == ',' && c != '}') {
		conf_problem(scan->problems, &src, "",
		    "no comma may stand before %c", c);
		scan->broken = true;
	}
}

/* The file named behind @include, NULL when it is not well said. */
static const char *
include_name(struct scan *scan, struct frame *frame)
{
	const char *c = frame->at;
	char *name = NULL;
	size_t len = 0;
	const char *eol = memchr(c, '\n', (size_t)(frame->end - c));
	if (eol == NULL)
		eol = frame->end;
	while (c < eol && (*c == ' ' || *c == '\t'))
		c++;
	if (c < eol && *c == '"') {
		name = reader_alloc(scan->arena, 1, (size_t)(eol - c) + 1);
		for (c++; c < eol && *c != '"'; c++) {
			if (*c == '\\' && c + 1 < eol)
				c++;
			name[len++] = *c;
		}
	}
	bool good = len > 0 && c < eol;
	for (c++; good && c < eol && *c != '#'; c++) {
		if (c + 1 < eol && c[0] == '/' && c[1] == '/')
			break;
		good = *c == ' ' || *c == '\t' || *c == '\r';
	}
	frame->at = eol;
	return good ? name : NULL;
}

static void
scan_include(struct scan *scan, struct frame *frame)
{
	struct conf_src src = frame_src(frame);
	frame->at += strlen("@include");
	const char *name = include_name(scan, frame);
	if (name == NULL) {
		scan_broken(
		    scan, &src, "write @include \"FILE\" alone on its line");
		return;
	}
	scan_file(
	    scan, source_path(scan->arena, frame->file, name), &src, "", frame);
}

static void
scan_token(struct scan *scan, struct frame *frame, bool *line_begins)
{
	const char *c = frame->at;
	size_t left = (size_t)(frame->end - c);
	bool begins = *line_begins;
	*line_begins = *c == '\n' || (begins && (*c == ' ' || *c == '\t'));
	if (*c == '\n' || *c == ' ' || *c == '\t' || *c == '\r' || *c == '\f') {
		frame->line += *c == '\n';
		scan->space = true;
		frame->at++;
	} else if (*c == '#' || (left > 1 && memcmp(c, "//", 2) == 0)) {
		const char *eol = memchr(c, '\n', left);
		frame->at = eol == NULL ? frame->end : eol;
	} else if (left > 1 && memcmp(c, "/*", 2) == 0) {
		scan_comment(scan, frame);
		scan->space = true;
	} else if (begins && left >= 8 && memcmp(c, "@include", 8) == 0) {
		scan_include(scan, frame);
	} else if (*c == '"') {
		scan_string(scan, frame);
	} else if (is_digit(*c) || *c == '+' || *c == '-') {
		scan_number(scan, frame);
	} else if (is_name(*c)) {
		while (c < frame->end && is_name(*c))
			c++;
		emit(scan, frame, (size_t)(c - frame->at));
		frame->at = c;
	} else {
		struct conf_src src = frame_src(frame);
		if (*c == '@')
			scan_broken(
			    scan, &src, "only @include at the begin of a line");
		else if (strchr("([{", *c) != NULL)
			scan_open(scan, frame);
		else if (strchr(")]}", *c) != NULL)
			scan_close(scan, frame);
		emit(scan, frame, 1);
		frame->at++;
	}
}

/* The whole file into *bytes (freed by the caller), or -errno. */
static int
file_read(const char *path, struct stat *st, char **bytes, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	int error = 0;
	char *data = NULL;
	size_t used = 0;
	if (fstat(fd, st) != 0) {
		error = -errno;
		goto out;
	}
	if (!S_ISREG(st->st_mode)) {
		error = S_ISDIR(st->st_mode) ? -EISDIR : -EINVAL;
		goto out;
	}
	if (st->st_size > (off_t)SOURCE_MAX_BYTES) {
		error = -EFBIG;
		goto out;
	}
	/* One byte more than it says, to notice that it grew. */
	size_t room = (size_t)st->st_size + 1;
	data = mem_new(room);
	while (used < room) {
		ssize_t got = read(fd, data + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			error = -errno;
			goto out;
		}
		if (got == 0)
			break;
		used += (size_t)got;
	}
	if (used == room)
		error = -EAGAIN;
out:
	close(fd);
	if (error != 0) {
		free(data);
		return error;
	}
	*bytes = data;
	*len = used;
	return 0;
}

/* The way from the first inclusion of this file back to itself. */
static bool
includes_itself(
    struct scan *scan, const struct frame *frame, const struct conf_src *from)
{
	const struct frame *same = frame->up;
	while (same != NULL &&
	    (same->dev != frame->dev || same->ino != frame->ino))
		same = same->up;
	if (same == NULL)
		return false;
	struct buf way;
	buf_init(&way, 2048);
	const struct frame *chain[SOURCE_MAX_DEPTH + 2];
	size_t n = 0;
	for (const struct frame *f = frame->up; f != same->up; f = f->up)
		chain[n++] = f;
	while (n > 0)
		buf_printf(&way, "%s -> ", chain[--n]->file);
	buf_adds(&way, frame->file);
	conf_problem(
	    scan->problems, from, "", "includes go in a circle: %s", way.data);
	buf_fini(&way);
	return true;
}

static bool
scan_may_open(
    struct scan *scan, const struct conf_src *from, const struct frame *up)
{
	unsigned depth = 0;
	for (const struct frame *f = up; f != NULL; f = f->up)
		depth++;
	if (depth <= SOURCE_MAX_DEPTH && ++scan->files <= SOURCE_MAX_FILES)
		return true;
	if (!scan->broken)
		conf_problem(scan->problems, from, "",
		    "at most %d files in all, included %d deep, are read",
		    SOURCE_MAX_FILES, SOURCE_MAX_DEPTH);
	scan->broken = true;
	return false;
}

static void
scan_file(struct scan *scan, const char *path, const struct conf_src *from,
    const char *key, const struct frame *up)
{
	struct frame frame = {.file = path, .up = up, .line = 1};
	struct conf_src whole = {.file = path, .line = 0};
	if (!scan_may_open(scan, from == NULL ? &whole : from, up))
		return;
	char *bytes = NULL;
	size_t len = 0;
	struct stat st;
	int error = file_read(path, &st, &bytes, &len);
	if (error != 0) {
		scan->broken = true;
		if (from == NULL)
			conf_problem(scan->problems, &whole, "",
			    "cannot be read: %s", strerror(-error));
		else
			conf_problem(scan->problems, from, key,
			    "cannot read \"%s\": %s", path, strerror(-error));
		return;
	}
	frame.dev = st.st_dev;
	frame.ino = st.st_ino;
	if (from != NULL && includes_itself(scan, &frame, from)) {
		scan->broken = true;
		goto out;
	}
	if (memchr(bytes, '\0', len) != NULL) {
		scan_broken(scan, &whole, "has a NUL byte: not a text file");
		goto out;
	}
	frame.at = bytes;
	frame.end = bytes + len;
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		frame.at += 3;
	bool line_begins = true;
	scan->space = true;
	while (frame.at < frame.end && !scan->out->text.full)
		scan_token(scan, &frame, &line_begins);
	scan->space = true;
	if (scan->out->text.full && !scan->broken)
		scan_broken(scan, &whole, "the text is over 32 MB in all");
out:
	free(bytes);
}

bool
source_read(struct source *source, struct arena *arena,
    struct conf_problems *problems, const char *path,
    const struct conf_src *from, const char *key)
{
	*source = (struct source){0};
	buf_init(&source->text, SOURCE_MAX_BYTES);
	struct scan scan = {
	    .out = source, .arena = arena, .problems = problems};
	scan_file(
	    &scan, reader_strdup(arena, path, strlen(path)), from, key, NULL);
	if (!scan.broken && scan.n_brackets > 0) {
		const struct bracket *top = &scan.brackets[scan.n_brackets - 1];
		conf_problem(problems, &top->src, "", "this %c is never closed",
		    top->open);
		scan.broken = true;
	}
	return !scan.broken;
}
