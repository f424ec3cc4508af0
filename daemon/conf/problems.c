/*
 * The list of everything that is wrong. Each problem is formatted when it is
 * added, because the strings it was made of die with the configuration that
 * was refused. Kept in order of file and line; who came first on a line stays
 * first.
 */

#include "conf/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define PROBLEM_MAX_BYTES 4096

struct problem {
	char *file;
	int line;
	char *text;
};

struct conf_problems {
	struct problem *list;
	size_t n;
	size_t room;
};

struct conf_problems *
conf_problems_new(void)
{
	return mem_new(sizeof(struct conf_problems));
}

void
conf_problems_free(struct conf_problems *problems)
{
	if (problems == NULL)
		return;
	for (size_t i = 0; i < problems->n; i++) {
		free(problems->list[i].file);
		free(problems->list[i].text);
	}
	free(problems->list);
	free(problems);
}

/* Where a problem of file:line belongs: behind all that are not later. */
static size_t
problem_place(const struct conf_problems *problems, const char *file, int line)
{
	size_t low = 0;
	size_t high = problems->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct problem *at = &problems->list[mid];
		int order = strcmp(at->file, file);
		if (order == 0)
			order = (at->line > line) - (at->line < line);
		if (order > 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* A problem is one line, whatever a file name or a value holds. */
static void
problem_flatten(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void
conf_problem(struct conf_problems *problems, const struct conf_src *src,
    const char *key, const char *format, ...)
{
	struct buf text;
	buf_init(&text, PROBLEM_MAX_BYTES);
	buf_adds(&text, src->file);
	if (src->line > 0)
		buf_printf(&text, ":%d", src->line);
	if (key[0] != '\0')
		buf_printf(&text, ": %s", key);
	buf_adds(&text, ": ");

	char what[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	buf_adds(&text, what);

	if (problems->n == problems->room) {
		problems->room = problems->room == 0 ? 16 : 2 * problems->room;
		problems->list = mem_grow(
		    problems->list, problems->room, sizeof(*problems->list));
	}
	size_t place = problem_place(problems, src->file, src->line);
	memmove(&problems->list[place + 1], &problems->list[place],
	    (problems->n - place) * sizeof(*problems->list));
	struct problem *problem = &problems->list[place];
	problem->file = mem_strdup(src->file);
	problem->line = src->line;
	problem->text = buf_take(&text, NULL);
	problem_flatten(problem->text);
	problems->n++;
}

size_t
conf_problems_count(const struct conf_problems *problems)
{
	return problems->n;
}

const char *
conf_problems_at(const struct conf_problems *problems, size_t i)
{
	return i < problems->n ? problems->list[i].text : NULL;
}
