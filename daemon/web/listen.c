/*
 * Where we listen: the address of the dashboard, and the control socket, a
 * file that nobody but ourselves may open. What comes in there may change
 * things, and is otherwise the same.
 */
#include "web-int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define THREADS 4
#define IDLE_TIMEOUT_S 15
#define CONNECTION_BYTES 32768
#define CONTROL_CONNECTIONS 16
#define FLAGS \
	(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | \
	    MHD_USE_ERROR_LOG)

static int
listen_address(
    const struct conf_web *conf, struct sockaddr_storage *out, bool *six)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	*six = strchr(conf->listen, ':') != NULL;
	if (*six) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(conf->port);
		return inet_pton(AF_INET6, conf->listen, &in6->sin6_addr) == 1
		    ? 0
		    : -EINVAL;
	}
	in4->sin_family = AF_INET;
	in4->sin_port = htons(conf->port);
	return inet_pton(AF_INET, conf->listen, &in4->sin_addr) == 1 ? 0
								     : -EINVAL;
}

int
listen_tcp(struct web *web, const struct conf_web *conf)
{
	struct sockaddr_storage address;
	sigset_t all, old;
	unsigned flags = FLAGS;
	bool six;
	int error;

	error = listen_address(conf, &address, &six);
	if (error != 0)
		return error;
	if (six)
		flags |= MHD_USE_IPv6;
	errno = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	web->daemon = MHD_start_daemon(flags, conf->port, NULL, NULL,
	    server_handle, web, MHD_OPTION_EXTERNAL_LOGGER, server_log, web,
	    MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
	    MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
	    MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)(conf->connections + conf->event_streams),
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    (unsigned)conf->connections_per_ip, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_URI_LOG_CALLBACK, server_begin_request, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, server_end_request, web,
	    MHD_OPTION_END);
	error = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (web->daemon == NULL)
		return error > 0 ? -error : -EADDRINUSE;
	return 0;
}

/* ---- the control socket ---- */

/* The mode of an unbound socket becomes that of its file, so there is no
 * moment in which others could open it. */
static int
bind_control(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, error = 0;

	if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The lock of the directory is ours: one that is there is of the
	 * past. */
	if ((unlink(path) != 0 && errno != ENOENT) || fchmod(fd, 0600) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, CONTROL_CONNECTIONS) != 0)
		error = -errno;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

int
listen_control(struct web *web, const char *path)
{
	int fd = bind_control(path);
	sigset_t all, old;

	if (fd < 0)
		return fd;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	web->control = MHD_start_daemon(FLAGS, 0, NULL, NULL, server_handle,
	    web, MHD_OPTION_EXTERNAL_LOGGER, server_log, web,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)CONTROL_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_URI_LOG_CALLBACK, server_begin_request, web,
	    MHD_OPTION_NOTIFY_COMPLETED, server_end_request, web,
	    MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (web->control == NULL) {
		close(fd);
		return -EIO;
	}
	web->control_path = mem_strdup(path);
	return 0;
}

/* Its workers may still look at the socket: it is closed when they have ended,
 * and then who waits in its queue is refused. */
static void
stop(struct MHD_Daemon *daemon, MHD_socket listener)
{
	MHD_stop_daemon(daemon);
	if (listener != MHD_INVALID_SOCKET)
		close(listener);
}

void
listen_end(struct web *web)
{
	web->listener = MHD_quiesce_daemon(web->daemon);
	if (web->control == NULL)
		return;
	web->control_listener = MHD_quiesce_daemon(web->control);
	unlink(web->control_path);
}

void
listen_stop(struct web *web)
{
	if (web->control != NULL)
		stop(web->control, web->control_listener);
	stop(web->daemon, web->listener);
}
