#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/*
 * What every benchmark needs: clocks, the spread of repeated figures, lines of
 * output of one shape. Any thread unless said otherwise; no errors.
 */

/* Nanoseconds: monotonic, and CPU of this process or of another one (user and
 * system, all its threads; from /proc/PID/stat, so in ticks of 10 ms; 0 when
 * there is no such process). */
int64_t bench_now_ns(void);
int64_t bench_cpu_ns(void);
int64_t bench_cpu_of_ns(int pid);

/* Resident memory of a process in bytes, now and at most; 0 when unknown. */
int64_t bench_rss_bytes(int pid);
int64_t bench_rss_most_bytes(int pid);

/* bench_pin keeps the calling thread, and threads and processes it starts, on
 * one processor; without effect where there is no such processor. */
void bench_pin(int processor);

/*
 * Repeated figures of one thing. bench_add copies the value; bench_quantile
 * sorts in place, q in 0..1 (nearest rank), NAN when empty. bench_free leaves
 * it empty.
 */
struct bench_sample {
	double *value;
	size_t n, cap;
};
void bench_add(struct bench_sample *sample, double value);
double bench_quantile(struct bench_sample *sample, double q);
void bench_free(struct bench_sample *sample);

/* bench_row prints "NAME  min  median  max  unit (n)"; bench_ratio prints
 * "NAME  RATIO  goal: at most GOAL  met|missed" and returns whether it is met.
 */
void bench_row(const char *name, struct bench_sample *sample, const char *unit);
int bench_ratio(const char *name, double ratio, double at_most);

#endif
