/*
 * The reference addresses: asked while the operators are silent, so that our
 * own outage is told from theirs.
 */
#include "reference.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define PAUSE (5 * US_PER_S)
#define PROVE_EVERY (60 * US_PER_S)

struct reference {
	struct references *all;
	char *text;
	struct sockaddr_storage address;
	socklen_t len;
	int fd; /* -1: not being asked */
	struct loop_watch *watch;
};

struct references {
	struct loop *loop;
	dur_us patience;
	loop_fn *changed;
	void *arg;
	struct reference *list;
	size_t n;
	size_t asking;
	struct loop_timer *timer; /* when patience is over */
	struct loop_timer *prove; /* when to ask those that never answered */
	bool proven; /* one has answered once */
	enum health_reach reach; /* of the last round, which ended: */
	mono_us at; /* 0: none yet */
	enum health_reach told; /* what references_reach points to */
};

/* "192.0.2.1:443" or "[2001:db8::1]:443"; the configuration has checked it. */
static void
parse_address(struct reference *reference)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)&reference->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&reference->address;
	const char *text = reference->text, *port = strrchr(text, ':');
	bool six = text[0] == '[';
	char host[64];
	uint64_t number = 0;
	size_t len = port != NULL ? (size_t)(port - text) : 0;

	if (len < 3 || len >= sizeof(host) ||
	    text_u64_parse(port + 1, &number) != 0)
		return;
	text_copy(host, six ? len - 1 : len + 1, text + six);
	if (six) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)number);
		inet_pton(AF_INET6, host, &in6->sin6_addr);
		reference->len = sizeof(*in6);
	} else {
		in4->sin_family = AF_INET;
		in4->sin_port = htons((uint16_t)number);
		inet_pton(AF_INET, host, &in4->sin_addr);
		reference->len = sizeof(*in4);
	}
}

static void
hang_up(struct reference *reference)
{
	if (reference->fd < 0)
		return;
	if (reference->watch != NULL)
		loop_watch_free(reference->watch);
	close(reference->fd);
	reference->watch = NULL;
	reference->fd = -1;
	reference->all->asking--;
}

static void
end_round(struct references *references, enum health_reach reach)
{
	loop_timer_stop(references->timer);
	for (size_t i = 0; i < references->n; i++)
		hang_up(&references->list[i]);
	references->reach = reach;
	references->at = loop_now(references->loop);
	references->proven = references->proven || reach == HEALTH_ANSWERED;
	if (references->proven)
		loop_timer_stop(references->prove);
	else
		loop_timer_start(references->prove, PROVE_EVERY);
	references->changed(references->arg);
}

/* Nobody has to take us in: a refusal comes from afar as well. */
static void
judge(struct reference *reference, int error)
{
	struct references *references = reference->all;

	hang_up(reference);
	if (error == 0 || error == ECONNREFUSED || error == ECONNRESET)
		end_round(references, HEALTH_ANSWERED);
	else if (references->asking == 0)
		end_round(references, HEALTH_SILENT);
}

static void
on_event(void *arg, int fd, unsigned events)
{
	int error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	judge(arg, error);
}

static void
on_patience(void *arg)
{
	end_round(arg, HEALTH_SILENT);
}

/* False when no question could be put; then nobody was silent. */
static bool
dial(struct reference *reference)
{
	struct references *references = reference->all;
	int fd = socket(reference->address.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return false;
	reference->fd = fd;
	references->asking++;
	if (connect(fd, (struct sockaddr *)&reference->address,
		reference->len) != 0 &&
	    errno != EINPROGRESS) {
		hang_up(reference); /* there is no way out from here */
		return true;
	}
	reference->watch =
	    loop_watch_new(references->loop, fd, on_event, reference);
	loop_watch_set(reference->watch, LOOP_WRITE);
	return true;
}

void
references_ask(struct references *references)
{
	bool put = false;

	if (references->asking > 0 ||
	    (references->at > 0 &&
		loop_now(references->loop) - references->at < PAUSE))
		return;
	for (size_t i = 0; i < references->n; i++)
		put = dial(&references->list[i]) || put;
	if (references->asking > 0 || put)
		loop_timer_start(references->timer,
		    references->asking > 0 ? references->patience : 0);
}

const enum health_reach *
references_reach(struct references *references, dur_us age)
{
	bool known = references->at > 0 &&
	    loop_now(references->loop) - references->at <= age;

	if (!references->proven)
		return NULL;
	references->told = known ? references->reach : HEALTH_NOT_TRIED;
	return &references->told;
}

bool
references_silent(const struct references *references)
{
	return references->at > 0 && references->reach == HEALTH_SILENT;
}

/* ---- life ---- */

static void
on_prove(void *arg)
{
	references_ask(arg);
}

static void
drop_list(struct references *references)
{
	loop_timer_stop(references->timer);
	loop_timer_stop(references->prove);
	for (size_t i = 0; i < references->n; i++) {
		hang_up(&references->list[i]);
		free(references->list[i].text);
	}
	free(references->list);
	references->list = NULL;
	references->n = 0;
	references->at = 0;
	references->proven = false;
}

static bool
is_same(
    const struct references *references, const char *const *addresses, size_t n)
{
	if (n != references->n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(addresses[i], references->list[i].text) != 0)
			return false;
	}
	return true;
}

void
references_apply(
    struct references *references, const char *const *addresses, size_t n)
{
	if (is_same(references, addresses, n))
		return;
	drop_list(references);
	references->list = mem_array(n + 1, sizeof(*references->list));
	references->n = n;
	for (size_t i = 0; i < n; i++) {
		struct reference *reference = &references->list[i];

		reference->all = references;
		reference->text = mem_strdup(addresses[i]);
		reference->fd = -1;
		parse_address(reference);
	}
	references_ask(references);
}

struct references *
references_new(struct loop *loop, dur_us patience, loop_fn *changed, void *arg)
{
	struct references *references = mem_new(sizeof(*references));

	references->loop = loop;
	references->patience = patience;
	references->changed = changed;
	references->arg = arg;
	references->timer = loop_timer_new(loop, on_patience, references);
	references->prove = loop_timer_new(loop, on_prove, references);
	return references;
}

void
references_free(struct references *references)
{
	if (references == NULL)
		return;
	drop_list(references);
	loop_timer_free(references->timer);
	loop_timer_free(references->prove);
	free(references);
}
