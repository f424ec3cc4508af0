#include "series-int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/*
 * Reading beside the process that writes: nothing is made, moved or locked. An
 * update in place is short, and the files are read quickly; when one was
 * written meanwhile, it is read once more.
 */

#define TRIES 5

struct series_reader {
	struct files files;
};

struct series_reader *
series_reader_new(const char *dir)
{
	struct series_reader *reader = mem_new(sizeof(*reader));

	reader->files = (struct files){.dir = mem_strdup(dir), .looks = true};
	return reader;
}

void
series_reader_free(struct series_reader *reader)
{
	if (reader == NULL)
		return;
	free(reader->files.dir);
	free(reader);
}

/* When the files of a target were written last; 0: there is none. */
static int64_t
written(
    const struct series_reader *reader, const char *target, const char *ending)
{
	char *path = mem_printf("%s/%s%s", reader->files.dir, target, ending);
	char why[160];
	struct plan plan;
	int64_t last_s = 0;
	enum check_verdict verdict =
	    check_file(path, ending[1] == 'h' ? SERIES_HIST : SERIES_PHASES,
		&plan, &last_s, why, sizeof(why));

	free(path);
	return verdict == CHECK_GOOD ? last_s : 0;
}

int
series_reader_ask(struct series_reader *reader,
    const struct series_query *query, struct series_range **range)
{
	int rc = -EIO, i;

	*range = NULL;
	for (i = 0; i < TRIES; i++) {
		int64_t phases = written(reader, query->target, ".rrd");
		int64_t hist = written(reader, query->target, ".hist.rrd");

		series_range_free(*range);
		rc = files_ask(&reader->files, query, range);
		if (written(reader, query->target, ".rrd") == phases &&
		    written(reader, query->target, ".hist.rrd") == hist)
			break;
	}
	return rc;
}
