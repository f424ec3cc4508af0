/*
 * The tables of the truth benchmark.
 */
#include "errors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MS_NS 1000000.0

static const char *const names[ROW_COUNT] = {
    [ROW_DNS] = "dns",
    [ROW_CONNECT] = "connect",
    [ROW_TLS] = "tls",
    [ROW_WAIT] = "wait, new connection",
    [ROW_KEPT] = "wait, kept connection",
    [ROW_RECEIVE] = "receive",
    [ROW_FRESH] = "total, new connection",
    [ROW_REUSED] = "total, kept connection",
    [ROW_TRANSACTION] = "total with two redirects",
};

static void
add(struct errors *errors, enum row row, int64_t measured, int64_t held,
    bool tainted)
{
	double error = (double)(measured - held) / MS_NS;

	bench_add(&errors->all[row], error);
	if (!tainted)
		bench_add(&errors->fair[row], error);
}

void
errors_exchange(struct errors *errors, const struct truth_run *run,
    size_t exchange, const int64_t phases[PHASE_COUNT], int64_t latency,
    bool tainted)
{
	static const enum row rows[PHASE_COUNT] = {
	    ROW_DNS, ROW_CONNECT, ROW_TLS, ROW_WAIT, ROW_RECEIVE};
	int64_t held = 0;

	for (size_t i = 0; i < PHASE_COUNT; i++) {
		const struct truth_span *span = &run->span[exchange][i];
		bool kept = exchange >= 2;

		if (kept && i < PHASE_WAIT) {
			errors->not_zero += phases[i] != 0;
			continue;
		}
		held += truth_held(span);
		add(errors, kept && i == PHASE_WAIT ? ROW_KEPT : rows[i],
		    phases[i], truth_held(span), tainted);
	}
	add(errors, exchange < 2 ? ROW_FRESH : ROW_REUSED, latency, held,
	    tainted);
}

void
errors_transaction(struct errors *errors, const struct truth_run *run,
    int64_t latency, bool tainted)
{
	int64_t held = 0;

	for (size_t i = 0; i < 3; i++) {
		for (size_t p = i < 2 ? PHASE_DNS : PHASE_WAIT; p < PHASE_COUNT;
		     p++)
			held += truth_held(&run->span[i][p]);
	}
	add(errors, ROW_TRANSACTION, latency, held, tainted);
}

void
errors_free(struct errors *errors)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		bench_free(&errors->fair[i]);
		bench_free(&errors->all[i]);
	}
	*errors = (struct errors){0};
}

void
errors_print(const char *title, struct errors *errors)
{
	printf("\n%s: error in ms (%zu results, %zu of them tainted, %zu "
	       "failed)\n",
	    title, errors->results, errors->tainted, errors->failed);
	printf("%-26s %6s %9s %9s %9s %9s %9s  %s\n", "", "n", "min", "p50",
	    "p90", "p99", "max", "p99 with the tainted");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct bench_sample *fair = &errors->fair[i];

		printf("%-26s %6zu %9.3f %9.3f %9.3f %9.3f %9.3f  %9.3f\n",
		    names[i], fair->n, bench_quantile(fair, 0),
		    bench_quantile(fair, 0.5), bench_quantile(fair, 0.9),
		    bench_quantile(fair, 0.99), bench_quantile(fair, 1),
		    bench_quantile(&errors->all[i], 0.99));
	}
	if (errors->not_zero > 0)
		printf("%zu phases of kept connections are not zero\n",
		    errors->not_zero);
}

/* 99 of 100 are within so much of a figure. */
static double
off_by(const struct bench_sample *sample, double figure)
{
	struct bench_sample off = {0};
	double most;

	for (size_t i = 0; i < sample->n; i++)
		bench_add(&off, fabs(sample->value[i] - figure));
	most = bench_quantile(&off, 0.99);
	bench_free(&off);
	return most;
}

bool
errors_judge(
    const char *title, struct errors *errors, struct errors *floor, double goal)
{
	bool met = errors->not_zero == 0;

	printf("\n%s: 99 of 100 are off by at most (ms), beyond the bare "
	       "client's median\n",
	    title);
	for (size_t i = 0; i < ROW_COUNT; i++) {
		double median = bench_quantile(&floor->fair[i], 0.5);
		char line[80];

		snprintf(line, sizeof(line), "%s (bare %.3f)", names[i],
		    off_by(&floor->fair[i], median));
		met &= bench_ratio(
			   line, off_by(&errors->fair[i], median), goal) != 0;
	}
	return met;
}
