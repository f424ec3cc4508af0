#include "recent-int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/*
 * Reading recent results back. A file may have been cut or damaged anywhere:
 * what is given out is the results before that, each as it was.
 */

#define NAMES 3

struct name {
	struct target target;
	dur_us every;
};

struct segment_reader {
	struct record_reader record;
	bool strange; /* a record that is whole and yet makes no sense */
	int64_t base_s;
	wall_us newest;
	struct name **names; /* by number */
	size_t n_names, cap_names;
};

int
segment_open(
    struct segment_reader **out, const struct crc *crc, const char *path)
{
	struct segment_reader *reader = mem_new(sizeof(*reader));
	int rc = record_open(&reader->record, crc, path);

	*out = NULL;
	if (rc != 0) {
		free(reader);
		return rc;
	}
	reader->newest = INT64_MIN;
	*out = reader;
	return 0;
}

void
segment_close(struct segment_reader *reader)
{
	size_t i;

	if (reader == NULL)
		return;
	for (i = 0; i < reader->n_names; i++)
		free(reader->names[i]);
	free(reader->names);
	record_close(&reader->record);
	free(reader);
}

/* A name with its NUL from the rest of a body; false when there is none. */
static bool
take_name(const unsigned char **at, size_t *len, char name[MODEL_NAME_SIZE])
{
	const unsigned char *end = memchr(*at, '\0', *len);
	size_t n;

	if (end == NULL)
		return false;
	n = (size_t)(end - *at) + 1;
	if (n > MODEL_NAME_SIZE)
		return false;
	memcpy(name, *at, n);
	*at += n;
	*len -= n;
	return text_name_valid(name);
}

static bool
read_name(struct segment_reader *reader, const struct record *record)
{
	const unsigned char *at = record->body;
	struct name name = {0};
	size_t len = record->len;
	uint32_t id;

	if (len < sizeof(name.every) + sizeof(id))
		return false;
	memcpy(&name.every, at, sizeof(name.every));
	memcpy(&id, at + sizeof(name.every), sizeof(id));
	at += sizeof(name.every) + sizeof(id);
	len -= sizeof(name.every) + sizeof(id);
	if (id != reader->n_names || name.every <= 0 ||
	    !take_name(&at, &len, name.target.operator) ||
	    !take_name(&at, &len, name.target.deployment) ||
	    !take_name(&at, &len, name.target.transaction) || len != 0)
		return false;
	if (reader->n_names == reader->cap_names) {
		reader->cap_names =
		    reader->cap_names > 0 ? 2 * reader->cap_names : 64;
		reader->names = mem_grow(
		    reader->names, reader->cap_names, sizeof(struct name *));
	}
	reader->names[reader->n_names] = mem_new(sizeof(name));
	*reader->names[reader->n_names++] = name;
	return true;
}

static bool
read_head(struct segment_reader *reader, const struct record *record)
{
	struct segment_head head;

	if (record->len != sizeof(head))
		return false;
	memcpy(&head, record->body, sizeof(head));
	reader->base_s = head.base_s;
	return memcmp(head.magic, SEGMENT_MAGIC, sizeof(head.magic)) == 0;
}

static int64_t
boundary_of(const struct segment_reader *reader,
    const struct segment_result *body, int32_t offset)
{
	if (offset == SEGMENT_NOWHERE)
		return 0;
	/* the step in which it began: that is what it would have been given */
	if (offset == SEGMENT_NOWHERE_YET)
		return body->started / US_PER_S + 1;
	return reader->base_s + offset;
}

static bool
read_result(const struct segment_reader *reader, const struct record *record,
    struct gather_result *result, struct gather_mark *mark)
{
	struct segment_result body;
	int p;

	if (record->len != sizeof(body))
		return false;
	memcpy(&body, record->body, sizeof(body));
	if (body.id >= reader->n_names || body.verdict > VERDICT_EXCLUDED)
		return false;
	memset(result, 0, sizeof(*result));
	result->target = &reader->names[body.id]->target;
	result->every = reader->names[body.id]->every;
	result->started = result->now = body.started;
	result->latency = body.latency;
	for (p = 0; p < PHASE_COUNT; p++)
		result->phases.us[p] = body.phase[p];
	result->verdict = (enum verdict)body.verdict;
	mark->end_s = boundary_of(reader, &body, body.end_s);
	mark->all_end_s = boundary_of(reader, &body, body.all_end_s);
	return true;
}

bool
segment_next(struct segment_reader *reader, struct gather_result *result,
    struct gather_mark *mark)
{
	struct record record;
	bool first = reader->record.offset == 0;

	while (!reader->strange && record_next(&reader->record, &record)) {
		bool sane = true;

		if (first != (record.kind == SEGMENT_HEAD)) {
			sane = false;
		} else if (record.kind == SEGMENT_HEAD) {
			sane = read_head(reader, &record);
		} else if (record.kind == SEGMENT_NAME) {
			sane = read_name(reader, &record);
		} else if (record.kind == SEGMENT_RESULT) {
			sane = read_result(reader, &record, result, mark);
			if (sane && reader->newest < result->started)
				reader->newest = result->started;
			if (sane)
				return true;
		}
		reader->strange = !sane;
		first = false;
	}
	return false;
}

bool
segment_damaged(const struct segment_reader *reader)
{
	return reader->strange || reader->record.damaged ||
	    reader->record.problem != 0;
}

int64_t
segment_bytes(const struct segment_reader *reader)
{
	return reader->record.offset;
}

wall_us
segment_newest(const struct segment_reader *reader)
{
	return reader->newest;
}
