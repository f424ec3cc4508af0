/*
 * Who is told of what: events become records for the ledger and deliveries
 * for the subscribers; subscribers come and go with the configuration.
 */
#include "notify-int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

mono_us
notify_now(const struct notify *notify)
{
	return loop_now(notify->options.loop);
}

wall_us
notify_wall(const struct notify *notify)
{
	return clock_wall(loop_clock(notify->options.loop));
}

static struct outbox *
find_outbox(const struct notify *notify, const char *name)
{
	struct outbox *outbox = notify->outboxes;

	while (outbox && strcmp(outbox->name, name) != 0) {
		outbox = outbox->next;
	}
	return outbox;
}

void
notify_bury(
    struct notify *notify, struct ledger_delivery *row, const char *problem)
{
	wall_us wall = notify_wall(notify);

	row->state = DELIVERY_DEAD;
	row->finished = wall;
	row->next_try = 0;
	text_copy(row->last_problem, sizeof(row->last_problem), problem);
	notify->stats.dead++;
	log_warn("delivery is dead", "subscriber=%s id=%lld problem=\"%s\"",
	    row->subscriber, (long long)row->id, problem);
	journal_attempt(notify, row, wall, 0);
}

static void
hand_over(struct notify *notify, struct delivery *delivery)
{
	struct outbox *outbox = find_outbox(notify, delivery->row.subscriber);

	if (outbox) {
		outbox_add(outbox, delivery);
		return;
	}
	notify_bury(notify, &delivery->row, "the subscriber was removed");
	delivery_free(delivery);
}

void
notify_written(struct notify *notify, const struct record *record)
{
	for (size_t i = 0; i < record->n_rows; i++) {
		hand_over(notify,
		    delivery_new(&record->rows[i],
			notify_body_hold(record->body), record->made));
	}
}

/* ---- making events ---- */

static const char *
type_of(enum notify_event event)
{
	switch (event) {
	case NOTIFY_OPENED:
		return "incident.opened";
	case NOTIFY_UPDATED:
		return "incident.updated";
	case NOTIFY_RESOLVED:
		return "incident.resolved";
	}
	return "";
}

static bool
concerns(
    const struct conf_subscriber *subscriber, const struct incident *incident)
{
	size_t len = strcspn(incident->scope, "/");

	if (incident->severity < subscriber->min_severity) {
		return false;
	}
	for (size_t i = 0; i < subscriber->n_operators; i++) {
		if (strlen(subscriber->operators[i]) == len &&
		    memcmp(subscriber->operators[i], incident->scope, len) ==
			0) {
			return true;
		}
	}
	return subscriber->n_operators == 0;
}

/* The wall clock makes ids unique over restarts, counting on within one. */
static void
add_row(struct notify *notify, struct record *record, const char *subscriber,
    const char *type, wall_us at)
{
	struct ledger_delivery *row;
	uint8_t random[16];
	struct buf id;

	record->rows =
	    mem_grow(record->rows, record->n_rows + 1, sizeof(*record->rows));
	row = &record->rows[record->n_rows++];
	notify->last_id = notify->last_id < at ? at : notify->last_id + 1;
	*row = (struct ledger_delivery){
	    .id = notify->last_id,
	    .incident = record->has_incident ? record->incident.number : 0,
	    .state = DELIVERY_PENDING,
	    .created = at,
	    .next_try = at,
	};
	text_copy(row->subscriber, sizeof(row->subscriber), subscriber);
	text_copy(row->type, sizeof(row->type), type);
	crypto_random(random, sizeof(random));
	buf_init(&id, sizeof(row->webhook_id));
	buf_adds(&id, "msg_");
	text_hex_encode(&id, random, sizeof(random));
	text_copy(row->webhook_id, sizeof(row->webhook_id), id.data);
	buf_fini(&id);
}

/* What the record is about, with a copy of the entry's data. */
static void
take_entry(struct record *record, const struct incident *incident,
    const struct incident_entry *entry)
{
	if (incident) {
		record->has_incident = true;
		record->incident = *incident;
	}
	record->has_entry = true;
	record->entry = *entry;
	if (entry->data) {
		record->data = mem_strdup(entry->data);
		record->entry.data = record->data;
	}
}

void
notify_book(struct notify *notify, const struct incident *incident,
    const struct incident_entry *entry)
{
	struct record *record = mem_new(sizeof(*record));

	take_entry(record, incident, entry);
	journal_put(notify, record);
}

void
notify_incident(struct notify *notify, enum notify_event event,
    const struct incident *incident, const struct incident_entry *entry)
{
	struct record *record = mem_new(sizeof(*record));
	const struct conf *conf = notify->conf;
	wall_us at = notify_wall(notify);

	assert(conf);
	record->droppable = event == NOTIFY_UPDATED;
	take_entry(record, incident, entry);
	record->body =
	    notify_body_incident(conf, type_of(event), entry->at, incident);
	for (size_t i = 0; i < conf->n_subscribers; i++) {
		if (concerns(&conf->subscribers[i], incident)) {
			add_row(notify, record, conf->subscribers[i].name,
			    type_of(event), at);
		}
	}
	journal_put(notify, record);
}

static void
refresh(struct outbox *outbox, const struct incident *incidents, size_t n)
{
	const struct body **bodies = mem_array(n + 1, sizeof(*bodies));
	struct body **made = mem_array(n + 1, sizeof(*made));
	wall_us at = notify_wall(outbox->notify);
	size_t wanted = 0;

	for (size_t i = 0; i < n; i++) {
		if (!incidents[i].untold &&
		    concerns(outbox->subscriber, &incidents[i])) {
			made[wanted] = notify_body_incident(outbox->conf,
			    type_of(NOTIFY_UPDATED), at, &incidents[i]);
			bodies[wanted] = made[wanted];
			wanted++;
		}
	}
	message_refresh(outbox, bodies, wanted);
	for (size_t i = 0; i < wanted; i++) {
		notify_body_release(made[i]);
	}
	free(made);
	free(bodies);
}

void
notify_refresh(
    struct notify *notify, const struct incident *incidents, size_t n)
{
	for (struct outbox *o = notify->outboxes; o; o = o->next) {
		if (message_wants_refresh(o)) {
			refresh(o, incidents, n);
		}
	}
}

bool
notify_test(struct notify *notify, const char *subscriber)
{
	struct record *record;
	wall_us at = notify_wall(notify);

	if (!find_outbox(notify, subscriber)) {
		return false;
	}
	record = mem_new(sizeof(*record));
	record->body = notify_body_test(notify->conf, subscriber, at);
	add_row(notify, record, subscriber, "test", at);
	journal_put(notify, record);
	return true;
}

int
notify_revive(struct notify *notify, int64_t id)
{
	return ledger_revive(notify->options.ledger, id, notify_wall(notify),
	    journal_revived, notify);
}

void
notify_pump_booked(struct notify *notify)
{
	struct outbox *next;

	for (struct outbox *outbox = notify->outboxes; outbox; outbox = next) {
		next = outbox->next;
		if (outbox->booking != 0) {
			outbox_pump(outbox);
		}
	}
}

void
notify_take_revived(struct notify *notify)
{
	struct delivery *newest = atomic_exchange(&notify->revived, NULL);
	struct delivery *oldest = NULL;

	while (newest) {
		struct delivery *delivery = newest;

		newest = delivery->next;
		delivery->next = oldest;
		oldest = delivery;
	}
	while (oldest) {
		struct delivery *delivery = oldest;
		struct outbox *outbox =
		    find_outbox(notify, delivery->row.subscriber);

		oldest = delivery->next;
		delivery->created = delivery->due = notify_now(notify);
		if (outbox) {
			outbox->closed = false;
		}
		hand_over(notify, delivery);
	}
}

/* ---- configuration and start ---- */

static void
hand_over_loaded(struct notify *notify)
{
	while (notify->loaded) {
		struct delivery *delivery = notify->loaded;

		notify->loaded = delivery->next;
		hand_over(notify, delivery);
	}
}

static bool
is_configured(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_subscribers; i++) {
		if (strcmp(conf->subscribers[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

void
notify_apply(struct notify *notify, struct conf *conf)
{
	struct conf *old = notify->conf;
	struct outbox **place = &notify->outboxes;

	notify->conf = conf_hold(conf);
	while (*place) {
		struct outbox *outbox = *place;

		if (is_configured(conf, outbox->name)) {
			place = &outbox->next;
			continue;
		}
		*place = outbox->next;
		outbox_remove(outbox);
	}
	for (size_t i = 0; i < conf->n_subscribers; i++) {
		const struct conf_subscriber *subscriber =
		    &conf->subscribers[i];
		struct outbox *outbox = find_outbox(notify, subscriber->name);

		if (!outbox) {
			outbox = outbox_new(notify, subscriber->name);
			outbox->next = notify->outboxes;
			notify->outboxes = outbox;
		}
		outbox_configure(outbox, conf, subscriber);
	}
	hand_over_loaded(notify);
	conf_release(old);
}

struct loading {
	struct notify *notify;
	struct delivery **end;
};

static void
on_pending(void *arg, const struct ledger_delivery *row, const char *body,
    size_t body_len)
{
	struct loading *loading = arg;
	struct notify *notify = loading->notify;
	struct delivery *delivery =
	    delivery_load(notify, row, notify_body_copy(body, body_len));

	*loading->end = delivery;
	loading->end = &delivery->next;
	if (row->id > notify->last_id) {
		notify->last_id = row->id;
	}
}

int
notify_load(struct notify *notify)
{
	struct loading loading = {notify, &notify->loaded};
	int rc;

	rc = ledger_each_pending(notify->options.ledger, on_pending, &loading);
	if (notify->conf) {
		hand_over_loaded(notify);
	}
	return rc;
}

struct notify *
notify_new(const struct notify_options *options)
{
	struct notify *notify = mem_new(sizeof(*notify));

	notify->options = *options;
	journal_init(notify);
	return notify;
}

void
notify_stop(struct notify *notify)
{
	notify->stopped = true;
	for (struct outbox *o = notify->outboxes; o; o = o->next) {
		outbox_stop(o);
	}
	journal_stop(notify);
}

/* They stay pending in the ledger. */
static void
drop_revived(struct notify *notify)
{
	struct delivery *delivery = atomic_exchange(&notify->revived, NULL);

	while (delivery) {
		struct delivery *next = delivery->next;

		delivery_free(delivery);
		delivery = next;
	}
}

void
notify_free(struct notify *notify)
{
	if (!notify) {
		return;
	}
	while (notify->outboxes) {
		struct outbox *outbox = notify->outboxes;

		notify->outboxes = outbox->next;
		outbox_free(outbox);
	}
	while (notify->loaded) {
		struct delivery *delivery = notify->loaded;

		notify->loaded = delivery->next;
		delivery_free(delivery);
	}
	drop_revived(notify);
	journal_fini(notify);
	conf_release(notify->conf);
	free(notify);
}

void
notify_stats(const struct notify *notify, struct notify_stats *stats)
{
	*stats = notify->stats;
	for (const struct outbox *o = notify->outboxes; o; o = o->next) {
		stats->pending += o->n;
	}
	for (const struct record *r = notify->first_record; r; r = r->next) {
		stats->pending += r->n_rows;
	}
	for (const struct delivery *d = notify->loaded; d; d = d->next) {
		stats->pending++;
	}
}

void
notify_each(const struct notify *notify,
    void (*fn)(void *arg, const struct notify_subscriber *subscriber),
    void *arg)
{
	mono_us now = notify_now(notify);

	for (const struct outbox *o = notify->outboxes; o; o = o->next) {
		struct notify_subscriber subscriber = {
		    .name = o->name,
		    .pending = o->n,
		    .oldest = o->first ? now - o->first->created : 0,
		    .failing = o->failing,
		    .closed = o->closed,
		};

		fn(arg, &subscriber);
	}
}
