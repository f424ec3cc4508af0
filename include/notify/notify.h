#ifndef NOTIFY_NOTIFY_H
#define NOTIFY_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "http/http.h"
#include "ledger/ledger.h"
#include "loop/loop.h"
#include "model/incident.h"

/*
 * Deliveries: signed webhooks (Standard Webhooks 1.0) to the subscribers, at
 * least once, in order per incident and subscriber, on disk before the first
 * try. Loop thread only.
 */
struct notify;

struct notify_options {
	struct loop *loop;
	struct http_client *http;
	struct ledger *ledger;
};

struct notify *notify_new(const struct notify_options *options);

/* notify_load takes up the pending deliveries of the ledger; once, at start,
 * before the lane is used by others, best before notify_apply. 0 or -errno. */
int notify_load(struct notify *notify) MUST_USE;

/* notify_apply: new subscribers, at start and reload. Holds the conf.
 * Deliveries to a subscriber that is gone become dead; one that was closed by
 * a 410 is tried again. Not from inside an http callback. */
void notify_apply(struct notify *notify, struct conf *conf);

/* What is told of an incident. */
enum notify_event { NOTIFY_OPENED, NOTIFY_UPDATED, NOTIFY_RESOLVED };

/*
 * notify_incident commits the incident's state, its timeline entry and one
 * delivery for each subscriber that wants it in one ledger transaction, and
 * begins the tries after the commit. Also called when nobody subscribes.
 * After notify_apply. What the ledger refuses is tried again every second and
 * holds back all that came after it.
 */
void notify_incident(struct notify *notify, enum notify_event event,
    const struct incident *incident, const struct incident_entry *entry);

/*
 * notify_book commits an entry of a timeline that no subscriber is sent, with
 * the incident's new state (NULL: it has none), behind what was told of that
 * incident before. May be called before notify_apply.
 */
void notify_book(struct notify *notify, const struct incident *incident,
    const struct incident_entry *entry);

/* notify_refresh: the incidents that are open, once a second or so. Receivers
 * that forget what they are not told again, Alertmanagers, are told every two
 * minutes; not of what a silence kept from them. */
void notify_refresh(
    struct notify *notify, const struct incident *incidents, size_t n);

/* notify_test sends `{"type":"test"…}` to one subscriber; false if unknown. */
bool notify_test(struct notify *notify, const char *subscriber);

/* notify_revive sends a dead delivery after all, id 0: all of them; a receiver
 * that was closed by a 410 is tried again. One that is not dead stays as it is.
 * 0 or an error of the store's queue. */
int notify_revive(struct notify *notify, int64_t id) MUST_USE;

/* notify_stop ends running tries (they stay pending) and writes what waits.
 * notify_free when the lane is freed, for commits report to us until then,
 * and when the loop does not run any more, but before loop_free. */
void notify_stop(struct notify *notify);
void notify_free(struct notify *notify);

struct notify_stats {
	uint64_t pending, confirmed, dead, failed_attempts;
};

/* How the subscribers stand; in no order. */
struct notify_subscriber {
	const char *name; /* borrowed until the next notify_apply */
	uint64_t pending;
	dur_us oldest; /* age of the oldest that is pending; 0 */
	bool failing; /* the last try failed */
	bool closed; /* by a 410 */
};
void notify_each(const struct notify *notify,
    void (*fn)(void *arg, const struct notify_subscriber *subscriber),
    void *arg);
void notify_stats(const struct notify *notify, struct notify_stats *stats);

/*
 * notify_sign appends "v1,BASE64" for each key, separated by spaces:
 * HMAC-SHA256 over "ID.TIMESTAMP.BODY". Pure.
 * Source: Standard Webhooks 1.0, github.com/standard-webhooks.
 */
bool notify_sign(struct buf *out, const struct secret *const *keys, size_t n,
    const char *id, int64_t timestamp_s, const char *body, size_t body_len);

/* notify_pause: how long to wait before try number `tries` + 1 (tries >= 1),
 * jittered by `random` (0 to 1): 5 s, 30 s, 2, 10, 30 min, then hourly;
 * -1 when three days since `age` 0 are over. Pure. */
dur_us notify_pause(uint32_t tries, dur_us age, double random);

#endif
