#include "house.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define READY_S 120

static void
die(const struct house *house, const char *what)
{
	fprintf(stderr, "bench: daemon: %s, see %s/%s.log\n", what,
	    house->site->dir, house->name);
	exit(1);
}

static void
pause_ms(long ms)
{
	const struct timespec moment = {
	    .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&moment, NULL);
}

/* ---- configuration ---- */

static void
write_profile(const struct site *site, const struct house_options *options)
{
	char name[64], *text = NULL;

	snprintf(name, sizeof(name), "%s-profile.cfg", options->name);
	if (asprintf(&text,
		"hosts = ( \"${host}\" );\nvars = ( \"host\" );\n%s",
		options->transactions) < 0)
		exit(1);
	site_write(site, name, text);
	free(text);
}

static void
write_conf(const struct house *house, const struct house_options *options)
{
	const struct site *site = house->site;
	char path[2 * SITE_PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.cfg", site->dir, house->name);
	file = fopen(path, "w");
	if (file == NULL)
		die(house, "cannot write its configuration");
	fprintf(file,
	    "vantage = \"bench\"; contact = \"https://example.org/bench\";\n"
	    "simulated = true; accounts_dir = \"accounts\"; ca_file = \"%s\";\n"
	    "store = { dir = \"%s-state\"; queue = \"64MB\"; runs_kept = 50; "
	    "plan "
	    "= ( { step = \"interval\"; keep = \"10m\"; }, { step = \"1m\"; "
	    "keep "
	    "= \"1h\"; } ); };\n"
	    "web = { listen = \"127.0.0.1\"; port = %d; dashboards = "
	    "\"" TEST_SRCDIR "/dashboards\"; };\n"
	    "operators = ( { name = \"bench\"; title = \"Bench\"; profile = "
	    "\"%s-profile.cfg\"; every = \"%us\"; connect_to = "
	    "\"127.0.0.1:%d\";\n"
	    "budget = { per_minute = 100000; parallel = 64; }; deployments = (",
	    site->ca_file, house->name, house->port, house->name,
	    options->every_s, site->port);
	for (unsigned i = 0; i < options->deployments; i++)
		fprintf(file,
		    "%s\n{ name = \"s%u\"; vars = { host = \"s%u." SITE_HOST
		    "\"; }; sender = \"pupil\"; }",
		    i > 0 ? "," : "", i, i);
	fprintf(file, " ); } );\n");
	if (fclose(file) != 0)
		die(house, "cannot write its configuration");
}

static void
write_account(const struct site *site)
{
	char path[2 * SITE_PATH_MAX];

	site_write(
	    site, "accounts/pupil", "user = uczen.7118\npassword = Zaq1@wsx\n");
	snprintf(path, sizeof(path), "%s/accounts/pupil", site->dir);
	chmod(path, 0600);
}

/* ---- questions ---- */

/* The sum of all samples of that name. */
static double
sample(const char *metrics, const char *name)
{
	size_t len = strlen(name);
	double sum = 0;

	for (const char *line = metrics; line != NULL;
	     line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ' ')
			sum += strtod(line + len, NULL);
	}
	return sum;
}

/* ---- life ---- */

static void
start(struct house *house)
{
	char path[2 * SITE_PATH_MAX], log[2 * SITE_PATH_MAX];
	const char *build = getenv("abs_top_builddir");
	char binary[1024];
	int fd;

	snprintf(
	    path, sizeof(path), "%s/%s.cfg", house->site->dir, house->name);
	snprintf(log, sizeof(log), "%s/%s.log", house->site->dir, house->name);
	snprintf(binary, sizeof(binary), "%s/daemon/dyzurny",
	    build != NULL ? build : ".");
	house->pid = fork();
	if (house->pid != 0)
		return;
	bench_pin(0);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	execl(binary, binary, "serve", "-c", path, (char *)NULL);
	perror(binary);
	_exit(127);
}

void
house_open(struct house *house, const struct site *site,
    const struct house_options *options)
{
	int64_t patience = bench_now_ns() + READY_S * INT64_C(1000000000);

	*house = (struct house){.site = site,
	    .name = options->name,
	    .port = site_free_port(),
	    .requests = options->requests};
	write_profile(site, options);
	write_conf(house, options);
	write_account(site);
	start(house);
	if (house->pid < 0)
		die(house, "cannot start");
	while (site_get(house->port, "/readyz") == NULL) {
		if (waitpid(house->pid, NULL, WNOHANG) != 0)
			die(house, "it has ended");
		if (bench_now_ns() > patience)
			die(house, "it does not answer");
		pause_ms(100);
	}
}

void
house_close(struct house *house)
{
	kill(house->pid, SIGTERM);
	waitpid(house->pid, NULL, 0);
}

void
house_pause(const struct house *house)
{
	kill(house->pid, SIGSTOP);
}

void
house_resume(const struct house *house)
{
	kill(house->pid, SIGCONT);
}

/* ---- figures ---- */

static int64_t
read_line(int pid, const char *tid, const char *name, char *out, size_t size)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/%s", pid, tid, name);
	out[0] = '\0';
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	if (fgets(out, (int)size, file) == NULL)
		out[0] = '\0';
	fclose(file);
	return strtoll(out, NULL, 10);
}

/* schedstat has the time on a processor in nanoseconds. */
static void
read_threads(const struct house *house, struct house_figures *figures)
{
	char path[64], text[256];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", house->pid);
	tasks = opendir(path);
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		const char *tid = entry->d_name;
		int64_t ns;

		if (tid[0] == '.')
			continue;
		ns =
		    read_line(house->pid, tid, "schedstat", text, sizeof(text));
		figures->all_ns += ns;
		read_line(house->pid, tid, "comm", text, sizeof(text));
		/* Journeys may run on any of the others. */
		if (strncmp(text, "store", 5) == 0)
			figures->store_ns += ns;
		else
			figures->engine_ns += ns;
	}
	if (tasks != NULL)
		closedir(tasks);
}

/* What nginx has had, which is known at once, unlike what the daemon shows of
 * itself once a second. */
static void
read_now(const struct house *house, struct house_figures *figures)
{
	*figures = (struct house_figures){0};
	figures->requests = (double)site_requests(house->site);
	read_threads(house, figures);
}

static double
tainted(const struct house *house)
{
	const char *metrics = site_get(house->port, "/metrics");

	if (metrics == NULL)
		die(house, "no /metrics");
	return sample(metrics, "dyzurny_runs_tainted_total");
}

void
house_measure(
    const struct house *house, unsigned s, struct house_figures *figures)
{
	struct house_figures before, after;
	double tainted_before = tainted(house);

	read_now(house, &before);
	pause_ms(1000L * s);
	read_now(house, &after);
	*figures = (struct house_figures){
	    .requests = after.requests - before.requests,
	    .tainted = tainted(house) - tainted_before,
	    .engine_ns = after.engine_ns - before.engine_ns,
	    .store_ns = after.store_ns - before.store_ns,
	    .all_ns = after.all_ns - before.all_ns,
	};
	figures->runs = figures->requests / house->requests;
	if (figures->runs < 1)
		die(house, "it asks for nothing");
}
