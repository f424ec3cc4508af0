/*
 * Tables for people who read a terminal.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "main-int.h"

struct table {
	size_t columns;
	char **cells; /* heads first, row by row */
	size_t n;
};

/* How many columns a UTF-8 text takes: our texts hold no wide characters. */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
add(struct table *table, char *cell)
{
	table->cells = mem_grow(table->cells, table->n + 1, sizeof(char *));
	table->cells[table->n++] = cell;
}

struct table *
table_new(const char *const *heads, size_t n)
{
	struct table *table = mem_new(sizeof(*table));

	table->columns = n;
	for (size_t i = 0; i < n; i++)
		add(table, mem_strdup(heads[i]));
	return table;
}

void
table_cell(struct table *table, const char *format, ...)
{
	char *cell = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&cell, format, args) < 0)
		cell = mem_strdup("");
	va_end(args);
	add(table, cell);
}

static size_t
column_width(const struct table *table, size_t column)
{
	size_t most = 0;

	for (size_t i = column; i < table->n; i += table->columns) {
		size_t w = width(table->cells[i]);

		if (w > most)
			most = w;
	}
	return most;
}

void
table_print(const struct table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		size_t column = i % table->columns;
		const char *cell = table->cells[i];

		fputs(cell, stdout);
		if (column == table->columns - 1) {
			putchar('\n');
			continue;
		}
		for (size_t w = width(cell);
		     w < column_width(table, column) + 2; w++)
			putchar(' ');
	}
}

void
table_free(struct table *table)
{
	for (size_t i = 0; i < table->n; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void
table_time(struct table *table, const struct jv *object, const char *key)
{
	const struct jv *value = jv_get(object, key);
	char text[32] = "-";

	if (jv_kind(value) != JV_NULL)
		text_rfc3339((wall_us)(jv_real_value(value) * (double)US_PER_S),
		    text, sizeof(text));
	table_cell(table, "%s", text);
}
