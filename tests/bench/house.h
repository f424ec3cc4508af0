#ifndef BENCH_HOUSE_H
#define BENCH_HOUSE_H

#include <stdint.h>
#include <sys/types.h>

#include "site.h"

/*
 * The real daemon on a site: all its rooms, the pages included, with one
 * profile and as many deployments as are wanted, each on a host of its own.
 */
struct house {
	const struct site *site;
	const char *name;
	pid_t pid;
	int port; /* of its pages */
	unsigned requests; /* of one journey */
};

struct house_options {
	const char *name; /* of its files in the site's folder */
	const char *transactions; /* of the profile, and its markers */
	unsigned deployments;
	unsigned every_s;
	unsigned requests; /* of one journey */
};

/* house_open starts it and returns when it is ready; the process ends with a
 * message when it does not come up. house_close ends it. */
void house_open(struct house *house, const struct site *site,
    const struct house_options *options);
void house_close(struct house *house);

/* house_pause stops it in its tracks, house_resume lets it go on: for what is
 * measured in between. */
void house_pause(const struct house *house);
void house_resume(const struct house *house);

/* house_measure lets it work for so long and tells what it did and spent. */
struct house_figures {
	double requests;
	double runs; /* that many requests are */
	double tainted; /* results, by what the daemon says once a second */
	int64_t engine_ns; /* CPU of all threads but the store's */
	int64_t store_ns;
	int64_t all_ns; /* of the process: these and web and workers */
};
void house_measure(
    const struct house *house, unsigned s, struct house_figures *figures);

#endif
