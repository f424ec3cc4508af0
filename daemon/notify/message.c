/*
 * What goes into the next message to a subscriber: the first delivery that is
 * due, alone, or with others when there are more than may be sent alone.
 */
#include "notify-int.h"

#include <string.h>

#include "base/crypto.h"
#include "base/text.h"

#define MINUTE_US (60 * US_PER_S)
#define REFRESH_US (120 * US_PER_S)

static mono_us
due_of(const struct outbox *outbox, const struct delivery *delivery)
{
	return delivery->due > outbox->not_before ? delivery->due
						  : outbox->not_before;
}

/* The first that is due, or NULL and the instant to look again. */
static struct delivery *
pick(const struct outbox *outbox, mono_us now, mono_us *again)
{
	*again = INT64_MAX;
	for (struct delivery *d = outbox->first; d; d = d->next) {
		mono_us at = d->created + NOTIFY_LIFE_US;

		if (!d->waits && !outbox->closed) {
			mono_us due = due_of(outbox, d);

			if (due <= now) {
				return d;
			}
			at = due < at ? due : at;
		}
		*again = at < *again ? at : *again;
	}
	return NULL;
}

static size_t
count_due(const struct outbox *outbox, mono_us now)
{
	size_t n = 0;

	for (const struct delivery *d = outbox->first; d; d = d->next) {
		n += due_of(outbox, d) <= now;
	}
	return n;
}

/* One that waits may come with what it waits for. */
static bool
may_come_along(const struct delivery *delivery)
{
	const struct delivery *before = delivery->previous;

	if (!delivery->waits) {
		return true;
	}
	while (before && before->row.incident != delivery->row.incident) {
		before = before->previous;
	}
	return before && before->in_try;
}

/* Marks the lead and those that come along, in order; how many. */
static size_t
gather(struct outbox *outbox, struct delivery *lead, mono_us now)
{
	size_t n = 1;

	lead->in_try = true;
	for (struct delivery *d = outbox->first; d && n < NOTIFY_DIGEST_MAX;
	     d = d->next) {
		if (d != lead && strcmp(d->row.type, "test") != 0 &&
		    due_of(outbox, d) <= now && may_come_along(d)) {
			d->in_try = true;
			n++;
		}
	}
	return n;
}

/* The same events have the same id whenever they are sent together, and no
 * other message has it: a receiver may have seen one of them alone. */
static void
digest_id(const char **ids, size_t n, char id[48])
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	struct buf text;

	buf_init(&text, NOTIFY_DIGEST_MAX * 48);
	for (size_t i = 0; i < n; i++) {
		buf_adds(&text, ids[i]);
	}
	crypto_sha256(text.data, text.len, hash);
	buf_reset(&text);
	buf_adds(&text, "msg_");
	text_hex_encode(&text, hash, 16);
	text_copy(id, 48, text.data);
	buf_fini(&text);
}

static void
send_gathered(struct outbox *outbox, size_t n)
{
	const struct body *bodies[NOTIFY_DIGEST_MAX];
	const char *ids[NOTIFY_DIGEST_MAX];
	char id[48];
	size_t i = 0;

	for (struct delivery *d = outbox->first; d && i < n; d = d->next) {
		if (d->in_try) {
			bodies[i] = d->body;
			ids[i++] = d->row.webhook_id;
		}
	}
	if (n > 1) {
		digest_id(ids, n, id);
	} else {
		text_copy(id, sizeof(id), ids[0]);
	}
	outbox->sent_in_minute++;
	try_start(outbox, id, bodies, ids, n);
}

/* How many messages may still be sent in this minute. */
static uint32_t
messages_left(struct outbox *outbox, mono_us now)
{
	uint32_t most = outbox->subscriber->per_minute;

	if (outbox->sent_in_minute == 0 ||
	    now - outbox->minute_began >= MINUTE_US) {
		outbox->minute_began = now;
		outbox->sent_in_minute = 0;
	}
	return most > outbox->sent_in_minute ? most - outbox->sent_in_minute
					     : 0;
}

bool
message_send(struct outbox *outbox, mono_us now, mono_us *again)
{
	struct delivery *lead = pick(outbox, now, again);
	uint32_t left = messages_left(outbox, now);
	size_t n = 1;

	if (!lead) {
		return false;
	}
	if (left == 0) {
		*again = outbox->minute_began + MINUTE_US;
		return false;
	}
	if (strcmp(lead->row.type, "test") != 0 &&
	    count_due(outbox, now) > left) {
		n = gather(outbox, lead, now);
	} else {
		lead->in_try = true;
	}
	outbox->trying = lead;
	send_gathered(outbox, n);
	return true;
}

/* ---- what is told again ---- */

bool
message_wants_refresh(const struct outbox *outbox)
{
	mono_us now = notify_now(outbox->notify);

	return outbox->subscriber &&
	    outbox->subscriber->format == CONF_FORMAT_ALERTMANAGER_API &&
	    !outbox->notify->stopped && !outbox->removed && !outbox->closed &&
	    !outbox->trying && !outbox->refreshing && !outbox->first &&
	    now >= outbox->not_before &&
	    (outbox->refreshed_at == 0 ||
		now - outbox->refreshed_at >= REFRESH_US);
}

void
message_refresh(struct outbox *outbox, const struct body **bodies, size_t n)
{
	uint8_t random[16];
	struct buf id;

	outbox->refreshed_at = notify_now(outbox->notify);
	if (n == 0) {
		return;
	}
	crypto_random(random, sizeof(random));
	buf_init(&id, 48);
	buf_adds(&id, "msg_");
	text_hex_encode(&id, random, sizeof(random));
	outbox->refreshing = true;
	try_start(outbox, id.data, bodies, NULL, n);
	buf_fini(&id);
}
