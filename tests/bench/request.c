/*
 * What an HTTPS request costs against blackbox_exporter, asked to probe the
 * same page as often. Once on a connection of its own with a whole handshake
 * and the chain checked, which a bare client does too; and once as our
 * requests come, three of them in a journey, where the exporter needs a
 * connection for each.
 *
 *   request [ROUNDS [SECONDS [PER_SECOND]]]
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bare.h"
#include "bench.h"
#include "house.h"
#include "site.h"

#define GOAL 0.5
#define EVERY_S 2
#define SETTLE_S 3
#define ASKERS 8
#define NS_PER_MS 1e6
#define NS_PER_S INT64_C(1000000000)

static const struct floor_request page[] = {
    {"/logowanie", NULL,
	"User-Agent: dyzurny/0.9.0 (+https://example.org/bench)\r\n"
	"Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\n"},
};

#define STEP(name) \
	"{ name = \"" name "\"; get = \"https://${host}/logowanie\"; " \
	"expect = ( \"status 200\" ); }"
static const char one_step[] =
    "transactions = ( { name = \"page\"; timeout = \"600s\"; steps = "
    "( " STEP("get") " ); } );\n";
/* The same page thrice, as the requests of a journey come. */
static const char three_steps[] =
    "transactions = ( { name = \"page\"; timeout = \"600s\"; steps = ( " STEP(
	"one") ", " STEP("two") ", " STEP("three") " ); } );\n";
#define STEPS 3

/* Asks for the page and a status of 200, over TLS only. */
static const char modules[] =
    "modules:\n  https:\n    prober: http\n    timeout: 5s\n    http:\n"
    "      fail_if_not_ssl: true\n      preferred_ip_protocol: ip4\n";

/* ---- blackbox_exporter ---- */

struct exporter {
	const struct site *site;
	pid_t pid;
	int port;
};

static void
die(const char *what)
{
	fprintf(stderr, "bench: blackbox_exporter: %s\n", what);
	exit(1);
}

static void
probe_path(const struct exporter *exporter, char *path, size_t size)
{
	snprintf(path, size,
	    "/probe?module=https&target=https%%3A%%2F%%2F127.0.0.1%%3A%d"
	    "%%2Flogowanie",
	    exporter->site->port);
}

static void
start_exporter(struct exporter *exporter, const struct site *site)
{
	char config[SITE_PATH_MAX + 64], listen[64], log[SITE_PATH_MAX + 64];
	const struct timespec moment = {.tv_nsec = 50 * 1000 * 1000};
	int fd;

	site_need(
	    "prometheus-blackbox-exporter", "prometheus-blackbox-exporter");
	*exporter = (struct exporter){.site = site, .port = site_free_port()};
	site_write(site, "blackbox.yml", modules);
	snprintf(
	    config, sizeof(config), "--config.file=%s/blackbox.yml", site->dir);
	snprintf(listen, sizeof(listen), "--web.listen-address=127.0.0.1:%d",
	    exporter->port);
	snprintf(log, sizeof(log), "%s/blackbox.log", site->dir);
	exporter->pid = fork();
	if (exporter->pid == 0) {
		/* Its roots are then read once, as ours are; with ca_file it
		 * would read them for every probe. */
		setenv("SSL_CERT_FILE", site->ca_file, 1);
		setenv("SSL_CERT_DIR", "/nonexistent", 1);
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, STDERR_FILENO);
		dup2(fd, STDOUT_FILENO);
		execlp("prometheus-blackbox-exporter",
		    "prometheus-blackbox-exporter", config, listen,
		    (char *)NULL);
		_exit(127);
	}
	while (site_get(exporter->port, "/-/healthy") == NULL) {
		if (waitpid(exporter->pid, NULL, WNOHANG) != 0)
			die("it does not start");
		nanosleep(&moment, NULL);
	}
}

static void
stop_exporter(const struct exporter *exporter)
{
	kill(exporter->pid, SIGTERM);
	waitpid(exporter->pid, NULL, 0);
}

/* ---- who asks it, over connections that are kept ---- */

struct asker {
	pthread_t thread;
	const struct exporter *exporter;
	unsigned n, per_s;
	unsigned good;
};

static int
connect_to(int port)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("it refuses the connection");
	return fd;
}

/* One answer, whole; it is chunked or has a length. */
static bool
read_answer(int fd)
{
	char answer[64 * 1024];
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, answer + len, sizeof(answer) - 1 - len);
		const char *body, *length;

		if (n <= 0)
			die("it closes the connection");
		len += (size_t)n;
		answer[len] = '\0';
		body = strstr(answer, "\r\n\r\n");
		if (body == NULL)
			continue;
		length = strcasestr(answer, "\r\ncontent-length:");
		if (length != NULL && length < body
			? len >= (size_t)(body + 4 - answer) +
				strtoul(length + 17, NULL, 10)
			: strstr(body, "\r\n0\r\n\r\n") != NULL)
			return strstr(body, "probe_success 1") != NULL;
	}
}

static void *
ask(void *arg)
{
	struct asker *asker = arg;
	int64_t start = bench_now_ns();
	char path[256], request[512];
	int fd = connect_to(asker->exporter->port);

	probe_path(asker->exporter, path, sizeof(path));
	snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
	for (unsigned i = 0; i < asker->n; i++) {
		int64_t left = start + (int64_t)i * NS_PER_S / asker->per_s -
		    bench_now_ns();
		struct timespec pause = {
		    .tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S};

		if (left > 0)
			nanosleep(&pause, NULL);
		if (write(fd, request, strlen(request)) < 0)
			die("it does not listen");
		asker->good += read_answer(fd);
	}
	close(fd);
	return NULL;
}

/* In ms of its CPU per probe. */
static double
run_exporter(const struct exporter *exporter, unsigned s, unsigned per_s)
{
	struct asker askers[ASKERS];
	int64_t cpu = bench_cpu_of_ns(exporter->pid);
	unsigned n = per_s / ASKERS * s, good = 0;

	for (unsigned i = 0; i < ASKERS; i++) {
		askers[i] = (struct asker){
		    .exporter = exporter, .n = n, .per_s = per_s / ASKERS};
		pthread_create(&askers[i].thread, NULL, ask, &askers[i]);
	}
	for (unsigned i = 0; i < ASKERS; i++) {
		pthread_join(askers[i].thread, NULL);
		good += askers[i].good;
	}
	if (good != n * ASKERS)
		die("a probe failed");
	return (double)(bench_cpu_of_ns(exporter->pid) - cpu) / NS_PER_MS /
	    good;
}

/* ---- rounds ---- */

struct rows {
	struct bench_sample bare, exporter, one, three;
};

/* In ms of CPU of engine and store per request. */
static double
run_house(const struct house *house, unsigned s)
{
	struct house_figures figures;

	house_resume(house);
	sleep(SETTLE_S); /* what was due meanwhile is made up for */
	house_measure(house, s, &figures);
	house_pause(house);
	printf("  %s: %.0f requests, %.0f results tainted\n", house->name,
	    figures.requests, figures.tainted);
	return (double)(figures.engine_ns + figures.store_ns) / NS_PER_MS /
	    figures.requests;
}

static void
one_round(const struct house *one, const struct house *three,
    const struct exporter *exporter, struct rows *rows, unsigned s,
    unsigned per_s)
{
	bench_add(&rows->bare, bare_run(one->site, page, 1, s * per_s, per_s));
	bench_add(&rows->exporter, run_exporter(exporter, s, per_s));
	bench_add(&rows->one, run_house(one, s));
	bench_add(&rows->three, run_house(three, s));
}

static void
open_house(struct house *house, const struct site *site, const char *name,
    const char *transactions, unsigned requests, unsigned per_s)
{
	const struct house_options options = {
	    .name = name,
	    .transactions = transactions,
	    .deployments = per_s * EVERY_S,
	    .every_s = EVERY_S,
	    .requests = requests,
	};

	house_open(house, site, &options);
	sleep(3 * SETTLE_S); /* its files are made when first written */
	house_pause(house);
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 5;
	unsigned s = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
	unsigned per_s = argc > 3 ? (unsigned)atoi(argv[3]) : 200;
	struct rows rows = {0};
	struct site site;
	struct house one, three;
	struct exporter exporter;
	double peer;

	setvbuf(stdout, NULL, _IOLBF, 0);
	bench_pin(0);
	site_open(&site);
	start_exporter(&exporter, &site);
	open_house(&one, &site, "one", one_step, 1, per_s);
	open_house(&three, &site, "three", three_steps, STEPS, per_s);
	for (unsigned i = 0; i < rounds; i++)
		one_round(&one, &three, &exporter, &rows, s, per_s);
	bench_row("bare OpenSSL and epoll", &rows.bare, "ms of CPU");
	bench_row("blackbox_exporter", &rows.exporter, "ms of CPU");
	bench_row("dyzurny, a journey of one request", &rows.one, "ms of CPU");
	bench_row("dyzurny, each of three requests", &rows.three, "ms of CPU");
	peer = bench_quantile(&rows.exporter, 0.5);
	printf("%-44s %8.3f\n", "bare / blackbox_exporter",
	    bench_quantile(&rows.bare, 0.5) / peer);
	bench_ratio("a journey of one request / blackbox_exporter",
	    bench_quantile(&rows.one, 0.5) / peer, GOAL);
	bench_ratio("each of three requests / blackbox_exporter",
	    bench_quantile(&rows.three, 0.5) / peer, GOAL);
	house_resume(&one);
	house_close(&one);
	house_resume(&three);
	house_close(&three);
	stop_exporter(&exporter);
	site_close(&site);
	return 0;
}
