/*
 * When descriptors became ready while others were served.
 */
#include "look.h"

#include <stdint.h>
#include <sys/epoll.h>

void
look_begin(struct look *look, mono_us now)
{
	look->this ^= 1;
	look->n[look->this] = 0;
	look->before = look->whole;
	look->last = look->whole = now;
	look->overflown = false;
}

static size_t
index_of(const struct look *look, size_t turn, int fd)
{
	size_t i = 0;

	while (i < look->n[turn] && look->seen[turn][i].fd != fd)
		i++;
	return i;
}

void
look_around(struct look *look, int epoll, mono_us now)
{
	struct epoll_event events[LOOK_FDS];
	size_t turn = look->this;
	int n;

	if (now - look->last < LOOK_EVERY)
		return;
	/* libuv has put the descriptor into each event's data */
	n = epoll_wait(epoll, events, LOOK_FDS, 0);
	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;

		if (index_of(look, turn, fd) < look->n[turn])
			continue;
		if (look->n[turn] == LOOK_FDS) {
			look->overflown = true;
			break;
		}
		look->seen[turn][look->n[turn]++] =
		    (struct seen){.fd = fd, .after = look->whole, .by = now};
	}
	look->last = now;
	if (n < LOOK_FDS && !look->overflown)
		look->whole = now;
}

struct seen
look_find(struct look *look, int fd)
{
	size_t now = look->this, then = now ^ 1;
	size_t i = index_of(look, now, fd);

	/* What this turn has seen of it is what is served now. */
	if (i < look->n[now])
		look->seen[now][i] = look->seen[now][--look->n[now]];
	i = index_of(look, then, fd);
	if (i < look->n[then])
		return look->seen[then][i];
	return (struct seen){.fd = fd, .after = look->before, .by = INT64_MAX};
}
