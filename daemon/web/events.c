/*
 * Server-sent events: one ring for all, of which each client remembers just
 * the number it saw last. A client with nothing to read is suspended; the
 * room's own thread wakes it when something is published and at each
 * heartbeat, so that publishing never waits for clients. A client that fell
 * out of the ring, or comes with a number of another process, is told to
 * fetch everything anew ("resync").
 */
#include "web-int.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crypto.h"
#include "base/mem.h"

#define RING 256
#define EVENT_MAX 2048 /* bytes of one event as sent */
#define BLOCK 8192
#define WAKE_AT_ONCE 64 /* clients resumed under one hold of the lock */

struct ring_event {
	size_t len;
	char bytes[EVENT_MAX];
};

struct stream {
	struct events *events;
	struct MHD_Connection *connection;
	uint64_t last; /* number of the last event that was sent */
	bool greeted;
	bool resync;
	bool beat; /* a heartbeat is due */
	bool suspended;
	struct stream *prev, *next; /* of all streams */
	struct stream *sleep_prev, *sleep_next; /* of the suspended ones */
};

struct events {
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t work; /* for the thread */
	pthread_t thread;
	bool done;
	bool quit; /* the thread's end */
	uint64_t newest; /* number of the newest event; 0: none */
	uint64_t woken_for;
	dur_us heartbeat;
	uint64_t boot;
	uint32_t n, max;
	struct stream *all;
	struct stream *sleeping;
	struct stream *waking; /* those that the thread is about to wake */
	struct ring_event ring[RING];
};

static void
sleep_link(struct stream *stream)
{
	struct events *events = stream->events;

	stream->suspended = true;
	stream->sleep_prev = NULL;
	stream->sleep_next = events->sleeping;
	if (events->sleeping != NULL)
		events->sleeping->sleep_prev = stream;
	events->sleeping = stream;
}

static void
sleep_unlink(struct stream *stream)
{
	struct events *events = stream->events;

	if (stream->sleep_prev != NULL)
		stream->sleep_prev->sleep_next = stream->sleep_next;
	else if (events->waking == stream)
		events->waking = stream->sleep_next;
	else
		events->sleeping = stream->sleep_next;
	if (stream->sleep_next != NULL)
		stream->sleep_next->sleep_prev = stream->sleep_prev;
	stream->suspended = false;
}

/* Wakes all that sleep now, in small helpings. With the lock held, which is
 * let go in between, so that a publisher never waits long. */
static void
wake_all(struct events *events, bool beat)
{
	unsigned helping = 0;

	/* those that fall asleep meanwhile have seen all there is */
	events->waking = events->sleeping;
	events->sleeping = NULL;
	while (events->waking != NULL) {
		struct stream *stream = events->waking;

		sleep_unlink(stream);
		stream->beat = stream->beat || beat;
		MHD_resume_connection(stream->connection);
		if (++helping % WAKE_AT_ONCE == 0) {
			pthread_mutex_unlock(&events->lock);
			pthread_mutex_lock(&events->lock);
		}
	}
}

static void
next_beat(const struct events *events, struct timespec *at)
{
	clock_gettime(CLOCK_MONOTONIC, at);
	at->tv_sec += (time_t)(events->heartbeat / US_PER_S);
	at->tv_nsec += (long)(events->heartbeat % US_PER_S) * 1000;
	if (at->tv_nsec >= 1000000000L) {
		at->tv_nsec -= 1000000000L;
		at->tv_sec++;
	}
}

static void *
events_main(void *arg)
{
	struct events *events = arg;
	struct timespec beat_at;

	pthread_mutex_lock(&events->lock);
	next_beat(events, &beat_at);
	while (!events->quit) {
		bool beat = false;

		if (events->woken_for == events->newest && !events->done) {
			beat = pthread_cond_timedwait(&events->work,
				   &events->lock, &beat_at) == ETIMEDOUT;
		} else if (events->done && events->sleeping == NULL) {
			pthread_cond_wait(&events->work, &events->lock);
		}
		if (beat)
			next_beat(events, &beat_at);
		if (beat || events->done ||
		    events->woken_for != events->newest) {
			events->woken_for = events->newest;
			wake_all(events, beat);
		}
	}
	pthread_mutex_unlock(&events->lock);
	return NULL;
}

struct events *
events_new(uint32_t max_streams, dur_us heartbeat)
{
	struct events *events = mem_new(sizeof(*events));
	pthread_condattr_t attr;
	sigset_t all, old;
	int error;

	events->max = max_streams;
	events->heartbeat = heartbeat;
	crypto_random(&events->boot, sizeof(events->boot));
	pthread_mutex_init(&events->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&events->work, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&events->thread, NULL, events_main, events);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error != 0)
		log_fatal(
		    "no thread for events", "error=\"%s\"", strerror(error));
	pthread_setname_np(events->thread, "web-events");
	return events;
}

static const char *
event_name(enum web_event event)
{
	switch (event) {
	case WEB_EVENT_STATUS:
		return "status";
	case WEB_EVENT_RUN:
		return "run";
	case WEB_EVENT_INCIDENT:
		return "incident";
	}
	return "status";
}

void
events_publish(struct events *events, enum web_event event, const char *json)
{
	struct ring_event *slot;
	int len;

	/* a line end would begin another field of the event */
	if (json == NULL || strpbrk(json, "\r\n") != NULL)
		json = "{}";
	pthread_mutex_lock(&events->lock);
	if (!events->done) {
		uint64_t number = events->newest + 1;

		slot = &events->ring[number % RING];
		len = snprintf(slot->bytes, sizeof(slot->bytes),
		    "id: %016" PRIx64 ".%" PRIu64 "\nevent: %s\ndata: %s\n\n",
		    events->boot, number, event_name(event), json);
		if (len < 0 || (size_t)len >= sizeof(slot->bytes)) {
			len = snprintf(slot->bytes, sizeof(slot->bytes),
			    "id: %016" PRIx64 ".%" PRIu64
			    "\nevent: %s\ndata: {}\n\n",
			    events->boot, number, event_name(event));
		}
		slot->len = (size_t)len;
		events->newest = number;
		pthread_cond_signal(&events->work);
	}
	pthread_mutex_unlock(&events->lock);
}

/* Copies a text if it fits; false when it does not. */
static bool
put(char *out, size_t max, size_t *len, const char *text, size_t n)
{
	if (*len + n > max)
		return false;
	memcpy(out + *len, text, n);
	*len += n;
	return true;
}

static size_t
fill(struct stream *stream, char *out, size_t max)
{
	static const char hello[] = "retry: 3000\n\n";
	static const char resync[] = "event: resync\ndata: {}\n\n";
	static const char beat[] = ": hb\n\n";
	struct events *events = stream->events;
	size_t len = 0;

	if (!stream->greeted) {
		if (!put(out, max, &len, hello, sizeof(hello) - 1))
			return len;
		stream->greeted = true;
	}
	if (events->newest - stream->last >= RING) {
		stream->last = events->newest;
		stream->resync = true;
	}
	if (stream->resync) {
		if (!put(out, max, &len, resync, sizeof(resync) - 1))
			return len;
		stream->resync = false;
	}
	while (stream->last < events->newest) {
		const struct ring_event *event =
		    &events->ring[(stream->last + 1) % RING];

		if (!put(out, max, &len, event->bytes, event->len))
			return len;
		stream->last++;
	}
	if (stream->beat && len == 0)
		(void)put(out, max, &len, beat, sizeof(beat) - 1);
	stream->beat = false;
	return len;
}

/* libmicrohttpd asks for more, on one of its threads. */
static ssize_t
read_stream(void *cls, uint64_t position, char *out, size_t max)
{
	struct stream *stream = cls;
	struct events *events = stream->events;
	ssize_t len;

	(void)position;
	if (max < EVENT_MAX)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	pthread_mutex_lock(&events->lock);
	if (events->done) {
		len = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		len = (ssize_t)fill(stream, out, max);
		if (len == 0) {
			sleep_link(stream);
			MHD_suspend_connection(stream->connection);
		}
	}
	pthread_mutex_unlock(&events->lock);
	return len;
}

static void
free_stream(void *cls)
{
	struct stream *stream = cls;
	struct events *events = stream->events;

	pthread_mutex_lock(&events->lock);
	if (stream->suspended)
		sleep_unlink(stream);
	if (stream->prev != NULL)
		stream->prev->next = stream->next;
	else
		events->all = stream->next;
	if (stream->next != NULL)
		stream->next->prev = stream->prev;
	events->n--;
	pthread_mutex_unlock(&events->lock);
	free(stream);
}

/* "BOOT.NUMBER": go on behind it, if it is ours and not too old. */
static void
resume_behind(struct stream *stream, const char *id)
{
	struct events *events = stream->events;
	uint64_t boot, number;
	char end;

	if (id == NULL || *id == '\0')
		return;
	if (sscanf(id, "%16" SCNx64 ".%20" SCNu64 "%c", &boot, &number, &end) !=
		2 ||
	    boot != events->boot || number > events->newest) {
		stream->resync = true;
		return;
	}
	stream->last = number;
}

struct MHD_Response *
events_open(struct events *events, struct MHD_Connection *connection,
    const char *last_event_id)
{
	struct MHD_Response *response;
	struct stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL)
		return NULL;
	pthread_mutex_lock(&events->lock);
	if (events->done || events->n >= events->max) {
		pthread_mutex_unlock(&events->lock);
		free(stream);
		return NULL;
	}
	stream->events = events;
	stream->connection = connection;
	stream->last = events->newest;
	resume_behind(stream, last_event_id);
	stream->next = events->all;
	if (events->all != NULL)
		events->all->prev = stream;
	events->all = stream;
	events->n++;
	pthread_mutex_unlock(&events->lock);
	response = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, BLOCK, read_stream, stream, free_stream);
	if (response == NULL)
		free_stream(stream);
	return response;
}

void
events_finish(struct events *events)
{
	pthread_mutex_lock(&events->lock);
	events->done = true;
	while (events->waking != NULL || events->sleeping != NULL) {
		struct stream *stream =
		    events->waking != NULL ? events->waking : events->sleeping;

		sleep_unlink(stream);
		MHD_resume_connection(stream->connection);
	}
	pthread_cond_signal(&events->work);
	pthread_mutex_unlock(&events->lock);
}

void
events_free(struct events *events)
{
	if (events == NULL)
		return;
	pthread_mutex_lock(&events->lock);
	events->quit = true;
	events->done = true;
	pthread_cond_signal(&events->work);
	pthread_mutex_unlock(&events->lock);
	pthread_join(events->thread, NULL);
	pthread_cond_destroy(&events->work);
	pthread_mutex_destroy(&events->lock);
	free(events);
}

uint32_t
events_streams(struct events *events)
{
	uint32_t n;

	pthread_mutex_lock(&events->lock);
	n = events->n;
	pthread_mutex_unlock(&events->lock);
	return n;
}
