#include "bench.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

static int64_t
clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t
bench_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t
bench_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t
bench_cpu_of_ns(int pid)
{
	unsigned long long user = 0, system = 0;
	char path[64], line[1024] = "";
	const char *after;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	/* the name in brackets may hold anything; user and system time are the
	 * 12th and 13th word behind it (proc(5)) */
	after = strrchr(line, ')');
	if (after == NULL ||
	    sscanf(after + 1,
		" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
		&system) != 2)
		return 0;
	return (int64_t)(user + system) * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

static int64_t
status_bytes(int pid, const char *key)
{
	char path[64], line[256];
	long long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0) {
			kib = strtoll(line + strlen(key), NULL, 10);
			break;
		}
	}
	fclose(file);
	return kib * 1024;
}

int64_t
bench_rss_bytes(int pid)
{
	return status_bytes(pid, "VmRSS:");
}

int64_t
bench_rss_most_bytes(int pid)
{
	return status_bytes(pid, "VmHWM:");
}

void
bench_pin(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

void
bench_add(struct bench_sample *sample, double value)
{
	if (sample->n == sample->cap) {
		sample->cap = sample->cap > 0 ? 2 * sample->cap : 64;
		sample->value = realloc(
		    sample->value, sample->cap * sizeof(*sample->value));
		if (sample->value == NULL)
			abort();
	}
	sample->value[sample->n++] = value;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
bench_quantile(struct bench_sample *sample, double q)
{
	size_t rank;

	if (sample->n == 0)
		return NAN;
	qsort(sample->value, sample->n, sizeof(*sample->value), ascending);
	rank = (size_t)ceil(q * (double)sample->n);
	return sample->value[rank > 0 ? rank - 1 : 0];
}

void
bench_free(struct bench_sample *sample)
{
	free(sample->value);
	*sample = (struct bench_sample){0};
}

void
bench_row(const char *name, struct bench_sample *sample, const char *unit)
{
	printf("%-44s min %10.3f  median %10.3f  max %10.3f %s (n = %zu)\n",
	    name, bench_quantile(sample, 0), bench_quantile(sample, 0.5),
	    bench_quantile(sample, 1), unit, sample->n);
}

int
bench_ratio(const char *name, double ratio, double at_most)
{
	int met = ratio <= at_most;

	printf("%-44s %8.3f  goal: at most %.3f  %s\n", name, ratio, at_most,
	    met ? "met" : "missed");
	return met;
}
