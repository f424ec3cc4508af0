/*
 * The network and the processes of the world, and its book.
 */
#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <linux/sockios.h>

#include "../bench.h"
#include "wire.h"

#define SPIN_NS 100000

/* ---- the book ---- */

const struct truth_run *
truth_find(const struct truth_book *book, const char *id)
{
	size_t n = atomic_load(&book->n);

	for (size_t i = n; i > 0; i--) {
		if (strcmp(book->run[i - 1].id, id) == 0)
			return &book->run[i - 1];
	}
	return NULL;
}

int64_t
truth_held(const struct truth_span *span)
{
	return atomic_load(&span->to_ns) - atomic_load(&span->from_ns);
}

struct truth_run *
truth_of_address(struct truth_book *book, uint32_t address, size_t *exchange)
{
	uint32_t number = address - WIRE_FIRST;

	if (address < WIRE_FIRST || number / 2 >= atomic_load(&book->n))
		return NULL;
	*exchange = number % 2;
	return &book->run[number / 2];
}

void
truth_wait_until(int64_t instant_ns)
{
	int64_t early = instant_ns - SPIN_NS;
	struct timespec at = {
	    .tv_sec = early / 1000000000, .tv_nsec = early % 1000000000};

	while (bench_now_ns() < early)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	while (bench_now_ns() < instant_ns)
		continue;
}

/* ---- the network ---- */

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool well = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return well;
}

static bool
own_network(void)
{
	uid_t uid = geteuid();
	char map[64];

	if (unshare(CLONE_NEWNET) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	return write_file("/proc/self/uid_map", map);
}

static bool
interface_up(const char *name, uint32_t address)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};
	struct sockaddr_in in = {.sin_family = AF_INET};
	bool well = fd >= 0;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (well && address != 0) {
		in.sin_addr.s_addr = htonl(address);
		memcpy(&request.ifr_addr, &in, sizeof(in));
		well = ioctl(fd, SIOCSIFADDR, &request) == 0;
		in.sin_addr.s_addr = htonl(WIRE_MASK);
		memcpy(&request.ifr_netmask, &in, sizeof(in));
		well = well && ioctl(fd, SIOCSIFNETMASK, &request) == 0;
	}
	if (well) {
		memset(&request.ifr_ifru, 0, sizeof(request.ifr_ifru));
		request.ifr_flags = IFF_UP | IFF_RUNNING;
		well = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	}
	if (fd >= 0)
		close(fd);
	return well;
}

static int
open_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "wire");
	if (ioctl(fd, TUNSETIFF, &request) == 0 &&
	    interface_up("wire", WIRE_OURS))
		return fd;
	close(fd);
	return -1;
}

static int
bound(int type, uint32_t address, int *port)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0 ||
	    (type == SOCK_STREAM && listen(fd, 4096) != 0)) {
		perror("bind");
		exit(1);
	}
	*port = ntohs(at.sin_port);
	return fd;
}

/* ---- the processes ---- */

static pid_t
child(void)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	bench_pin(1);
	return 0;
}

struct server_job {
	struct truth_world *world;
	const char *certs;
};

static void *
serve(void *arg)
{
	struct server_job *job = arg;

	truth_serve(job->world->book, job->certs, job->world->server);
	return NULL;
}

static void
instrument(struct truth_world *world, const char *certs, unsigned seed)
{
	struct server_job job = {world, certs};
	pthread_t thread;

	if (pthread_create(&thread, NULL, serve, &job) != 0)
		exit(1);
	truth_wire(world, seed);
}

static pid_t
load_server(const char *certs, int *port)
{
	int listener = bound(SOCK_STREAM, INADDR_LOOPBACK, port);
	pid_t pid = child();

	if (pid == 0)
		truth_serve(NULL, certs, listener);
	close(listener);
	return pid;
}

/* Before all others, where we may: what it notes late would look like an error
 * of the client. Inherited by what is forked from now on, until it is as it
 * was. */
struct rank {
	int policy;
	struct sched_param param;
};

static bool
before_others(struct rank *was)
{
	struct sched_param param = {.sched_priority = 50};

	was->policy = sched_getscheduler(0);
	sched_getparam(0, &was->param);
	return sched_setscheduler(0, SCHED_FIFO, &param) == 0;
}

static void
as_it_was(const struct rank *was)
{
	sched_setscheduler(0, was->policy, &was->param);
}

bool
truth_world_start(struct truth_world *world, const char *certs, unsigned seed)
{
	struct rank was;

	/* first: a network of our own may be one without that right */
	world->realtime = before_others(&was);
	if (!own_network() || !interface_up("lo", 0)) {
		as_it_was(&was);
		perror("no network of our own");
		return false;
	}
	world->tun = open_tun();
	if (world->tun < 0) {
		as_it_was(&was);
		perror("/dev/net/tun");
		return false;
	}
	world->book = mmap(NULL, sizeof(*world->book), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (world->book == MAP_FAILED)
		return false;
	world->dns = bound(SOCK_DGRAM, INADDR_LOOPBACK, &world->dns_port);
	world->server = bound(SOCK_STREAM, INADDR_ANY, &world->server_port);
	world->instrument = child();
	if (world->instrument == 0)
		instrument(world, certs, seed);
	as_it_was(&was);
	world->load = load_server(certs, &world->load_port);
	return true;
}

void
truth_world_stop(struct truth_world *world)
{
	kill(world->instrument, SIGKILL);
	kill(world->load, SIGKILL);
	waitpid(world->instrument, NULL, 0);
	waitpid(world->load, NULL, 0);
	munmap(world->book, sizeof(*world->book));
}
