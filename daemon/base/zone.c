/*
 * Europe/Warsaw: a small, bounded reader of TZif files (RFC 8536) and the
 * rule that goes on where the file ends. No other zone lives here.
 */
#include "base/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define FILE_MAX 65536
#define TRANSITIONS_MAX 2000
#define HEADER_SIZE 44
#define DAY_S INT64_C(86400)

struct transition {
	int64_t at_s;
	int32_t offset_s;
	bool summer;
};

struct zone {
	size_t n;
	struct transition *transitions;
};

/* Days since 1970 of a date in the proleptic Gregorian calendar. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t shifted = (month + 9) % 12; /* March is 0 */
	int64_t of_year = (153 * shifted + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	    of_year - 719468;
}

static void
date_of(int64_t days, struct zone_time *out)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t shifted = (5 * of_year + 2) / 153;

	out->day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
	out->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	out->year = (int)(year + era * 400 + (out->month <= 2 ? 1 : 0));
	out->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return q * b > a ? q - 1 : q;
}

/* 01:00 UTC of the last Sunday of a month that has 31 days. */
static int64_t
last_sunday_s(int year, int month)
{
	int64_t last = days_of(year, month, 31);
	int64_t weekday = ((last + 4) % 7 + 7) % 7;

	return (last - weekday) * DAY_S + 3600;
}

static void
by_rule(int64_t at_s, int *offset_s, bool *summer)
{
	struct zone_time civil;

	date_of(floor_div(at_s, DAY_S), &civil);
	*summer = at_s >= last_sunday_s(civil.year, 3) &&
	    at_s < last_sunday_s(civil.year, 10);
	*offset_s = *summer ? 7200 : 3600;
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static int64_t
be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* The six counts of a TZif header, in the order of the file. */
struct counts {
	size_t ut, std, leap, time, type, chars;
};

static bool
read_counts(const uint8_t *data, size_t len, struct counts *counts)
{
	size_t *fields[] = {&counts->ut, &counts->std, &counts->leap,
	    &counts->time, &counts->type, &counts->chars};

	if (len < HEADER_SIZE || memcmp(data, "TZif", 4) != 0)
		return false;
	for (size_t i = 0; i < 6; i++) {
		*fields[i] = be32(data + 20 + 4 * i);
		if (*fields[i] > TRANSITIONS_MAX)
			return false;
	}
	return true;
}

static bool
parse_body(struct zone *zone, const uint8_t *data, size_t len,
    const struct counts *counts)
{
	size_t types = counts->time * 9;

	if (counts->time == 0 || counts->type == 0 ||
	    types + counts->type * 6 > len)
		return false;
	zone->transitions = mem_array(counts->time, sizeof(*zone->transitions));
	for (size_t i = 0; i < counts->time; i++) {
		size_t type = data[counts->time * 8 + i];
		const uint8_t *info = data + types + 6 * type;

		if (type >= counts->type)
			return false;
		zone->transitions[i] = (struct transition){
		    .at_s = be64(data + 8 * i),
		    .offset_s = (int32_t)be32(info),
		    .summer = info[4] != 0,
		};
		if (i > 0 &&
		    zone->transitions[i].at_s <= zone->transitions[i - 1].at_s)
			return false;
		if (abs(zone->transitions[i].offset_s) > DAY_S)
			return false;
	}
	zone->n = counts->time;
	return true;
}

static bool
parse(struct zone *zone, const uint8_t *data, size_t len)
{
	struct counts counts;
	size_t skip;

	if (!read_counts(data, len, &counts) || data[4] < '2')
		return false;
	/* the first block has 32-bit times and is of no use to us */
	skip = HEADER_SIZE + counts.time * 5 + counts.type * 6 + counts.chars +
	    counts.leap * 8 + counts.std + counts.ut;
	if (skip >= len || !read_counts(data + skip, len - skip, &counts))
		return false;
	skip += HEADER_SIZE;
	return parse_body(zone, data + skip, len - skip, &counts);
}

static ssize_t
read_file(const char *path, uint8_t *data, size_t size)
{
	size_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read(fd, data + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
		if (len == size)
			break;
	}
	close(fd);
	return (ssize_t)len;
}

struct zone *
zone_load(const char *path)
{
	struct zone *zone = mem_new(sizeof(*zone));
	uint8_t *data;
	ssize_t len;

	if (path == NULL)
		return zone;
	data = mem_new(FILE_MAX);
	len = read_file(path, data, FILE_MAX);
	if (len <= 0 || !parse(zone, data, (size_t)len))
		zone->n = 0;
	free(data);
	return zone;
}

void
zone_free(struct zone *zone)
{
	if (zone == NULL)
		return;
	free(zone->transitions);
	free(zone);
}

bool
zone_from_file(const struct zone *zone)
{
	return zone->n > 0;
}

static void
offset_at(const struct zone *zone, int64_t at_s, int *offset_s, bool *summer)
{
	size_t low = 0, high = zone->n;

	/* the last transition begins the time for which the rule stands */
	if (zone->n == 0 || at_s < zone->transitions[0].at_s ||
	    at_s >= zone->transitions[zone->n - 1].at_s) {
		by_rule(at_s, offset_s, summer);
		return;
	}
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (zone->transitions[middle].at_s <= at_s)
			low = middle;
		else
			high = middle;
	}
	*offset_s = zone->transitions[low].offset_s;
	*summer = zone->transitions[low].summer;
}

void
zone_local(const struct zone *zone, wall_us at, struct zone_time *out)
{
	int64_t at_s = floor_div(at, US_PER_S);
	int64_t local_s, day_s;

	offset_at(zone, at_s, &out->offset_s, &out->summer);
	local_s = at_s + out->offset_s;
	date_of(floor_div(local_s, DAY_S), out);
	day_s = local_s - floor_div(local_s, DAY_S) * DAY_S;
	out->hour = (int)(day_s / 3600);
	out->minute = (int)(day_s / 60 % 60);
	out->second = (int)(day_s % 60);
}

const char *
zone_name(const struct zone_time *local)
{
	return local->summer ? "CEST" : "CET";
}

wall_us
zone_civil_us(const struct zone_time *civil)
{
	return (days_of(civil->year, civil->month, civil->day) * DAY_S +
		   civil->hour * INT64_C(3600) + civil->minute * 60 +
		   civil->second) *
	    US_PER_S;
}

size_t
zone_instants(
    const struct zone *zone, const struct zone_time *local, wall_us out[2])
{
	static const int offsets_s[] = {7200, 3600};
	wall_us as_utc = zone_civil_us(local);
	size_t n = 0;

	for (size_t i = 0; i < 2; i++) {
		wall_us at = as_utc - offsets_s[i] * US_PER_S;
		int offset_s;
		bool summer;

		offset_at(zone, floor_div(at, US_PER_S), &offset_s, &summer);
		if (offset_s == offsets_s[i])
			out[n++] = at;
	}
	return n;
}

bool
zone_changes_on(const struct zone *zone, wall_us at)
{
	struct zone_time local;
	int64_t midnight_s;
	int before, after;
	bool summer;

	zone_local(zone, at, &local);
	midnight_s = floor_div(at, US_PER_S) - local.hour * INT64_C(3600) -
	    local.minute * 60 - local.second;
	offset_at(zone, midnight_s - 3600, &before, &summer);
	offset_at(zone, midnight_s + DAY_S + 3600, &after, &summer);
	return before != after;
}
