#ifndef NOTIFY_INT_H
#define NOTIFY_INT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/http.h"
#include "ledger/ledger.h"
#include "model/incident.h"
#include "notify/notify.h"

#define NOTIFY_BODY_MAX (20 * 1024)
#define NOTIFY_LIFE_US (3 * 24 * 3600 * US_PER_S)
#define NOTIFY_PENDING_MAX 10000 /* per subscriber, and of unwritten events */

/* ---- body.c ---- */

/* The JSON that every delivery of one event sends; counted. */
struct body {
	size_t references;
	char *text;
	size_t len;
};

struct body *notify_body_incident(const struct conf *conf, const char *type,
    wall_us at, const struct incident *incident);
struct body *notify_body_test(
    const struct conf *conf, const char *subscriber, wall_us at);
struct body *notify_body_copy(const char *text, size_t len);
struct body *notify_body_hold(struct body *body);
void notify_body_release(struct body *body); /* NULL is fine */

/* ---- format.c: what a receiver is sent ---- */

#define NOTIFY_DIGEST_MAX 50 /* deliveries in one message */

struct format_job {
	const struct conf_subscriber *subscriber;
	const char *public_url;
	wall_us now;
	const struct body **bodies; /* of the events, oldest first */
	const char **ids; /* their webhook ids */
	size_t n; /* at least one */
};

/* notify_format appends the body of one message; false when it is full. */
bool notify_format(const struct format_job *job, struct buf *out);

/* ---- outbox.c: the queue of one subscriber ---- */

struct delivery {
	struct delivery *next, *previous;
	struct ledger_delivery row;
	struct body *body;
	mono_us created;
	mono_us due;
	bool waits; /* an earlier event of its incident is not through */
	bool in_try; /* it is in the message that is being sent */
};

/* delivery_new takes over the reference of `body`; `created` is when its event
 * was. delivery_load: one from before the start. */
struct delivery *delivery_new(
    const struct ledger_delivery *row, struct body *body, mono_us created);
struct delivery *delivery_load(struct notify *notify,
    const struct ledger_delivery *row, struct body *body);
void delivery_free(struct delivery *delivery);

enum tried { TRIED_CONFIRMED, TRIED_FAILED, TRIED_GONE };

struct outcome {
	enum tried tried;
	bool ours; /* we had no descriptor: the receiver heard nothing */
	int status;
	dur_us took;
	dur_us retry_after;
	char problem[160];
};

/* One try: what it lends to the exchange, and how it went. */
struct
try {
	struct http_session *session;
	struct http_exchange *exchange; /* NULL when none runs */
	struct conf *conf; /* held: url and ca_file live in it */
	struct buf text; /* what is sent */
	struct buf signature;
	char id[48];
	char timestamp[24];
	struct http_header headers[4];
	bool ended; /* the outcome waits for its deferred call */
	struct outcome outcome;
};

struct outbox {
	struct outbox *next;
	struct notify *notify;
	char name[MODEL_NAME_SIZE];
	struct conf *conf; /* held */
	const struct conf_subscriber *subscriber; /* in conf */
	struct delivery *first, *last; /* in order of creation */
	size_t n;
	struct delivery *trying; /* the first that is in_try; NULL */
	bool refreshing; /* what is sent is no delivery, see message_refresh */
	struct try try;
	struct loop_timer *timer;
	mono_us not_before; /* the receiver asked for a pause */
	mono_us minute_began; /* in which so many messages were sent: */
	uint32_t sent_in_minute;
	mono_us refreshed_at; /* 0: never */
	uint64_t booking; /* the next try waits for this attempt; 0: for none */
	bool failing; /* the last try failed */
	bool closed; /* it answered 410 */
	bool removed; /* not configured any more; ends with its try */
	struct log_damp damp;
};

struct outbox *outbox_new(struct notify *notify, const char *name);

/* outbox_free: no try may wait for its deferred call. */
void outbox_free(struct outbox *outbox);

/* outbox_configure: at start and reload; opens it again after a 410. */
void outbox_configure(struct outbox *outbox, struct conf *conf,
    const struct conf_subscriber *subscriber);
void outbox_add(struct outbox *outbox, struct delivery *delivery);
void outbox_pump(struct outbox *outbox); /* tries what is due */
void outbox_stop(struct outbox *outbox);

/* outbox_remove: the subscriber is gone and so are its deliveries. Frees the
 * outbox, at once or when a running try lets it. */
void outbox_remove(struct outbox *outbox);

/* outbox_tried: from try.c, deferred, with try.outcome. */
void outbox_tried(struct outbox *outbox);

/* ---- message.c: what goes into one message ---- */

/* message_send begins the next message; false when none is due, and then
 * *again is the instant to look again. */
bool message_send(struct outbox *outbox, mono_us now, mono_us *again);

/* message_refresh: what is open, for a receiver that forgets what it is not
 * told again; only when nothing else is to be sent. Borrows the bodies. */
void message_refresh(
    struct outbox *outbox, const struct body **bodies, size_t n);
bool message_wants_refresh(const struct outbox *outbox);

/* ---- try.c: one HTTP exchange ---- */

/* try_start sends one message of these events; `id` is its webhook id. */
void try_start(struct outbox *outbox, const char *id,
    const struct body **bodies, const char **ids, size_t n);
void try_cancel(struct outbox *outbox); /* when one runs */
void try_reset(struct outbox *outbox, bool keep_session);

/* ---- journal.c: the way into the ledger ---- */

enum record_state { RECORD_WAITING, RECORD_WRITING, RECORD_WRITTEN };

/*
 * One event on its way into the ledger, and the deliveries it causes. An event
 * is not given to the ledger before the earlier one of its incident is there.
 */
struct record {
	struct record *next; /* in order of events */
	struct record *before, *after; /* of the same incident; NULL: none */
	struct record *next_done; /* in notify.done */
	struct notify *notify;
	mono_us made;
	enum record_state state;
	int problem; /* of the commit */
	unsigned failures;
	bool droppable; /* an update: it may go when all is full */
	bool has_incident, has_entry;
	struct incident incident;
	struct incident_entry entry;
	char *data; /* the entry's own */
	struct ledger_delivery *rows;
	size_t n_rows;
	struct body *body; /* NULL: no rows */
};

/* One outcome that the ledger had no room for. */
struct unsaved {
	struct unsaved *next;
	struct ledger_delivery row;
	wall_us at;
	dur_us took;
};

/* journal_put takes over `record`. When it is written, and all before it,
 * notify_written gets it. */
void journal_put(struct notify *notify, struct record *record);
void journal_attempt(struct notify *notify, const struct ledger_delivery *row,
    wall_us at, dur_us took);

/* journal_booked: of the attempts put so far, the first `number` are in the
 * ledger, or kept by it. */
bool journal_booked(const struct notify *notify, uint64_t number);
void journal_init(struct notify *notify);
void journal_stop(struct notify *notify);
void journal_fini(struct notify *notify);

/* ---- notify.c ---- */

struct notify {
	struct notify_options options;
	struct conf *conf; /* held; NULL before the first apply */
	struct outbox *outboxes;
	struct delivery *loaded; /* from the ledger, before the first apply */
	int64_t last_id;
	bool stopped;
	struct notify_stats stats;
	/* of journal.c */
	struct record *first_record, *last_record;
	size_t n_records;
	_Atomic(struct record *) done; /* pushed by the store lane */
	_Atomic(struct delivery *) revived; /* as well, newest first */
	struct unsaved *first_unsaved, *last_unsaved;
	size_t n_unsaved;
	uint64_t attempts_put; /* given to the ledger since the start */
	_Atomic uint64_t attempts_booked; /* counted by the store lane */
	struct loop_timer *sweep;
	struct log_damp damp;
};

mono_us notify_now(const struct notify *notify);
wall_us notify_wall(const struct notify *notify);

/* notify_written hands out the deliveries of a written record. */
void notify_written(struct notify *notify, const struct record *record);

/* notify_pump_booked: outcomes were booked; who waited for them goes on. */
void notify_pump_booked(struct notify *notify);

/* notify_take_revived: the store lane has pushed some. */
void notify_take_revived(struct notify *notify);

/* journal_revived: on the store lane, as ledger_revived_fn. */
void journal_revived(void *arg, const struct ledger_delivery *row,
    const char *body, size_t body_len);

/* notify_bury: a delivery that is not going to be tried any more. */
void notify_bury(
    struct notify *notify, struct ledger_delivery *row, const char *problem);

#endif
