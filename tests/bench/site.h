#ifndef BENCH_SITE_H
#define BENCH_SITE_H

#include <sys/types.h>

/*
 * The target of the benchmarks of cost: nginx on loopback, pinned to processor
 * 1, with an ECDSA P-256 certificate that a CA of our own has signed, and the
 * pages of one journey as files:
 *
 *   GET  /logowanie   5 kB, a form with a hidden token, and a cookie
 *   POST /zaloguj     6 kB, the start page, and a cookie
 *   GET  /oceny       12 kB, a table of grades
 *
 * It keeps connections alive, logs nothing and resumes no TLS session.
 */
#define SITE_HOST "dziennik.example"
#define SITE_PATH_MAX 256

struct site {
	char dir[SITE_PATH_MAX]; /* of all that the benchmark writes */
	char ca_file[SITE_PATH_MAX + 16]; /* the system's bundle and our CA */
	int port;
	int status_port; /* of nginx's own figures */
	pid_t nginx;
};

/* site_open ends the process with a message when it cannot be had: a package
 * is missing. site_close ends nginx and removes the directory. */
void site_open(struct site *site);
void site_close(struct site *site);

/* site_get: GET over plain HTTP from a port of 127.0.0.1; the answer stays
 * until the next call, NULL when it is not a 200. site_requests: those that
 * nginx has had, without those of site_requests. */
const char *site_get(int port, const char *path);
long site_requests(const struct site *site);

/* site_write writes DIR/NAME; site_free_port: one that nobody listens on. */
void site_write(const struct site *site, const char *name, const char *text);
int site_free_port(void);

/* site_run runs a shell command in the directory, quietly; the process ends
 * when it fails. site_need ends it unless there is such a program. */
void site_run(const struct site *site, const char *command);
void site_need(const char *program, const char *package);

#endif
