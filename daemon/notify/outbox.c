/*
 * The queue of one subscriber: what is due, in which order, what becomes of a
 * try. At most one try runs for each subscriber, and nobody waits for another
 * one's. A later event of an incident waits for the earlier one.
 */
#include "notify-int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#define RETRY_AFTER_MAX_US (24 * 3600 * US_PER_S)
#define OURS_PAUSE_US (10 * US_PER_S)
#define LIFE_LEFT_US (3600 * US_PER_S)
#define BOOKING_US US_PER_S

struct delivery *
delivery_new(
    const struct ledger_delivery *row, struct body *body, mono_us created)
{
	struct delivery *delivery = mem_new(sizeof(*delivery));

	delivery->row = *row;
	delivery->body = body;
	delivery->created = created;
	delivery->due = created;
	return delivery;
}

/* Its age is known by the wall clock only, which may have been set since the
 * row was written, or be wrong: it has some time to live, whatever it says. */
struct delivery *
delivery_load(
    struct notify *notify, const struct ledger_delivery *row, struct body *body)
{
	struct delivery *delivery = delivery_new(row, body, 0);
	wall_us wall = notify_wall(notify);
	mono_us now = notify_now(notify);
	dur_us age = wall - row->created, wait = row->next_try - wall;

	age = age > 0 ? age : 0;
	age = age < NOTIFY_LIFE_US - LIFE_LEFT_US
	    ? age
	    : NOTIFY_LIFE_US - LIFE_LEFT_US;
	wait = wait > 0 ? wait : 0;
	delivery->created = now - age;
	delivery->due =
	    now + (wait < RETRY_AFTER_MAX_US ? wait : RETRY_AFTER_MAX_US);
	return delivery;
}

void
delivery_free(struct delivery *delivery)
{
	notify_body_release(delivery->body);
	free(delivery);
}

static void
drop(struct outbox *outbox, struct delivery *delivery)
{
	if (delivery->previous) {
		delivery->previous->next = delivery->next;
	} else {
		outbox->first = delivery->next;
	}
	if (delivery->next) {
		delivery->next->previous = delivery->previous;
	} else {
		outbox->last = delivery->previous;
	}
	outbox->n--;
	/* What came next of the same incident need not wait any more, unless
	 * something still earlier does. */
	for (struct delivery *d = delivery->next;
	     d && delivery->row.incident != 0 && !delivery->waits;
	     d = d->next) {
		if (d->row.incident == delivery->row.incident) {
			d->waits = false;
			break;
		}
	}
	delivery_free(delivery);
}

static void
bury(struct outbox *outbox, struct delivery *delivery, const char *problem)
{
	notify_bury(outbox->notify, &delivery->row, problem);
	drop(outbox, delivery);
}

/* ---- the pump ---- */

/* The outcomes of the last message are in the ledger: were the next one sent
 * before that, a kill could cost two messages that come twice. */
static bool
is_booked(struct outbox *outbox)
{
	if (!journal_booked(outbox->notify, outbox->booking)) {
		return false;
	}
	outbox->booking = 0;
	return true;
}

static void
expire(struct outbox *outbox, mono_us now)
{
	struct delivery *next;

	for (struct delivery *d = outbox->first; d; d = next) {
		next = d->next;
		if (now - d->created >= NOTIFY_LIFE_US) {
			bury(outbox, d, "not confirmed for three days");
		}
	}
}

void
outbox_pump(struct outbox *outbox)
{
	mono_us now = notify_now(outbox->notify), again;

	if (outbox->notify->stopped || outbox->removed || outbox->trying ||
	    outbox->refreshing) {
		return;
	}
	if (!is_booked(outbox)) {
		loop_timer_start(outbox->timer, BOOKING_US);
		return;
	}
	expire(outbox, now);
	if (message_send(outbox, now, &again)) {
		return;
	}
	if (outbox->first) {
		loop_timer_start(outbox->timer, again - now);
	} else {
		loop_timer_stop(outbox->timer);
	}
	try_reset(outbox, false);
}

static void
on_timer(void *arg)
{
	outbox_pump(arg);
}

/* ---- coming in ---- */

/* Room for one more: the oldest update goes, or else the oldest of all. */
static void
make_room(struct outbox *outbox)
{
	struct delivery *victim = NULL;

	for (struct delivery *d = outbox->first; d; d = d->next) {
		if (d->in_try) {
			continue;
		}
		if (strcmp(d->row.type, "incident.updated") == 0) {
			victim = d;
			break;
		}
		victim = victim ? victim : d;
	}
	assert(victim != NULL); /* few of many are under way */
	log_warn("delivery dropped, too many are pending",
	    "subscriber=%s id=%lld type=%s", outbox->name,
	    (long long)victim->row.id, victim->row.type);
	bury(outbox, victim, "too many are pending");
}

void
outbox_add(struct outbox *outbox, struct delivery *delivery)
{
	if (outbox->n >= NOTIFY_PENDING_MAX) {
		make_room(outbox);
	}
	delivery->waits = false;
	for (const struct delivery *d = outbox->first;
	     d && delivery->row.incident != 0; d = d->next) {
		if (d->row.incident == delivery->row.incident) {
			delivery->waits = true;
			break;
		}
	}
	delivery->next = NULL;
	delivery->previous = outbox->last;
	if (outbox->last) {
		outbox->last->next = delivery;
	} else {
		outbox->first = delivery;
	}
	outbox->last = delivery;
	outbox->n++;
	outbox_pump(outbox);
}

/* ---- after a try ---- */

static double
random_ratio(void)
{
	uint32_t bits;

	crypto_random(&bits, sizeof(bits));
	return (double)bits / (double)UINT32_MAX;
}

/* The receiver is back: what it missed need not wait for its hour. What it
 * answered and did not want keeps its pause. */
static void
hurry(struct outbox *outbox, mono_us now)
{
	outbox->not_before = 0;
	for (struct delivery *d = outbox->first; d; d = d->next) {
		if (d->row.last_status == 0 || d->row.last_status >= 500) {
			d->due = now;
		}
	}
}

static void
confirmed(struct outbox *outbox, struct delivery *delivery, wall_us wall)
{
	struct ledger_delivery *row = &delivery->row;

	row->state = DELIVERY_CONFIRMED;
	row->finished = wall;
	row->next_try = 0;
	row->last_problem[0] = '\0';
	outbox->notify->stats.confirmed++;
	journal_attempt(outbox->notify, row, wall, outbox->try.outcome.took);
	drop(outbox, delivery);
}

static void
failed(struct outbox *outbox, struct delivery *delivery, wall_us wall,
    double random)
{
	const struct outcome *outcome = &outbox->try.outcome;
	struct ledger_delivery *row = &delivery->row;
	mono_us now = notify_now(outbox->notify);
	dur_us pause =
	    notify_pause(row->tries, now - delivery->created, random);

	if (outcome->ours && pause > OURS_PAUSE_US) {
		pause = OURS_PAUSE_US;
	}
	outbox->notify->stats.failed_attempts++;
	text_copy(
	    row->last_problem, sizeof(row->last_problem), outcome->problem);
	if (outcome->tried == TRIED_GONE || pause < 0) {
		row->state = DELIVERY_DEAD;
		row->finished = wall;
		row->next_try = 0;
		outbox->notify->stats.dead++;
		journal_attempt(outbox->notify, row, wall, outcome->took);
		drop(outbox, delivery);
		return;
	}
	if (outbox->not_before > now && pause < outbox->not_before - now) {
		pause = outbox->not_before - now;
	}
	delivery->due = now + pause;
	row->next_try = wall + pause;
	journal_attempt(outbox->notify, row, wall, outcome->took);
}

/* What it says of the receiver itself. */
static void
note_receiver(struct outbox *outbox)
{
	const struct outcome *outcome = &outbox->try.outcome;
	mono_us now = notify_now(outbox->notify);
	unsigned left_out;

	if (outcome->tried == TRIED_CONFIRMED) {
		if (log_damp_heal(&outbox->damp)) {
			log_info("deliveries go through again", "subscriber=%s",
			    outbox->name);
		}
		return;
	}
	if (outcome->tried == TRIED_GONE) {
		outbox->closed = true;
		log_warn("receiver is gone for good, tries end until reload",
		    "subscriber=%s", outbox->name);
	}
	if (outcome->retry_after > 0) {
		outbox->not_before = now +
		    (outcome->retry_after < RETRY_AFTER_MAX_US
			    ? outcome->retry_after
			    : RETRY_AFTER_MAX_US);
	}
	if (log_damp(&outbox->damp, now, &left_out)) {
		log_warn("delivery failed",
		    "subscriber=%s id=%s problem=\"%s\" suppressed=%u",
		    outbox->name, outbox->try.id, outcome->problem, left_out);
	}
}

/* All that was in the message has its outcome. */
static void
settle(struct outbox *outbox, bool good)
{
	wall_us wall = notify_wall(outbox->notify);
	double random = random_ratio(); /* the same: they go together again */
	struct delivery *next;

	outbox->trying = NULL;
	for (struct delivery *d = outbox->first; d; d = next) {
		next = d->next;
		if (!d->in_try) {
			continue;
		}
		d->in_try = false;
		d->row.tries++;
		d->row.last_status = outbox->try.outcome.status;
		if (good) {
			confirmed(outbox, d, wall);
		} else {
			failed(outbox, d, wall, random);
		}
	}
	if (good && outbox->failing) {
		hurry(outbox, notify_now(outbox->notify));
	}
	outbox->failing = !good;
	outbox->booking = outbox->notify->attempts_put;
}

void
outbox_tried(struct outbox *outbox)
{
	bool good = outbox->try.outcome.tried == TRIED_CONFIRMED;

	if (outbox->removed) {
		outbox_free(outbox);
		return;
	}
	assert(outbox->trying || outbox->refreshing);
	note_receiver(outbox);
	if (outbox->trying) {
		settle(outbox, good);
	}
	outbox->refreshing = false;
	/* While a queue is worked off, the connection is kept. */
	try_reset(outbox, good);
	outbox_pump(outbox);
}

/* ---- life ---- */

struct outbox *
outbox_new(struct notify *notify, const char *name)
{
	struct outbox *outbox = mem_new(sizeof(*outbox));

	outbox->notify = notify;
	text_copy(outbox->name, sizeof(outbox->name), name);
	outbox->timer = loop_timer_new(notify->options.loop, on_timer, outbox);
	return outbox;
}

void
outbox_configure(struct outbox *outbox, struct conf *conf,
    const struct conf_subscriber *subscriber)
{
	struct conf *old = outbox->conf;
	bool moved = outbox->subscriber &&
	    strcmp(outbox->subscriber->url, subscriber->url) != 0;

	outbox->conf = conf_hold(conf);
	outbox->subscriber = subscriber;
	conf_release(old);
	if (moved || outbox->closed) {
		outbox->closed = false;
		hurry(outbox, notify_now(outbox->notify));
	}
	outbox_pump(outbox);
}

void
outbox_stop(struct outbox *outbox)
{
	loop_timer_stop(outbox->timer);
	if (outbox->try.exchange) {
		try_cancel(outbox);
		outbox->trying = NULL;
		outbox->refreshing = false;
	}
}

void
outbox_remove(struct outbox *outbox)
{
	outbox_stop(outbox);
	outbox->removed = true;
	outbox->trying = NULL;
	while (outbox->first) {
		bury(outbox, outbox->first, "the subscriber was removed");
	}
	if (!outbox->try.ended) {
		outbox_free(outbox);
	}
}

void
outbox_free(struct outbox *outbox)
{
	try_cancel(outbox);
	try_reset(outbox, false);
	while (outbox->first) {
		struct delivery *delivery = outbox->first;

		outbox->first = delivery->next;
		delivery_free(delivery);
	}
	loop_timer_free(outbox->timer);
	conf_release(outbox->conf);
	free(outbox);
}
