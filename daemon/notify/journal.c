/*
 * The way into the ledger. Events are written in order and come back written
 * from the store lane; their deliveries are let out in that same order. What
 * the ledger refuses is tried again every second, and the later events of the
 * same incident wait for it: a retried write cannot reopen what has ended.
 */
#include "notify-int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SWEEP_US US_PER_S
#define FAILURES_MAX 10 /* then one that fails alone is given up */

static void
record_free(struct record *record)
{
	notify_body_release(record->body);
	free(record->data);
	free(record->rows);
	free(record);
}

static void
unlink_first(struct notify *notify)
{
	struct record *record = notify->first_record;

	notify->first_record = record->next;
	if (!notify->first_record) {
		notify->last_record = NULL;
	}
	notify->n_records--;
	if (record->after) {
		record->after->before = NULL;
	}
	record_free(record);
}

static void
complain(struct notify *notify, int problem)
{
	unsigned left_out;

	if (log_damp(&notify->damp, notify_now(notify), &left_out)) {
		log_error("event not written",
		    "problem=\"%s\" waiting=%zu suppressed=%u",
		    strerror(-problem), notify->n_records, left_out);
	}
}

/* A record that the ledger's own rules refuse while a later one was written is
 * broken by itself. A full or broken disk is not its fault: the next one may
 * only have been smaller. */
static bool
is_hopeless(const struct record *record)
{
	if (record->state != RECORD_WAITING ||
	    record->failures < FAILURES_MAX ||
	    (record->problem != -EEXIST && record->problem != -EPROTO)) {
		return false;
	}
	for (const struct record *r = record->next; r; r = r->next) {
		if (r->state == RECORD_WRITTEN) {
			return true;
		}
	}
	return false;
}

static void
let_out(struct notify *notify)
{
	while (notify->first_record) {
		struct record *record = notify->first_record;

		if (record->state == RECORD_WRITTEN) {
			notify_written(notify, record);
		} else if (is_hopeless(record)) {
			log_error("event given up",
			    "incident=%lld problem=\"%s\"",
			    (long long)record->entry.incident,
			    strerror(-record->problem));
		} else {
			break;
		}
		unlink_first(notify);
	}
}

static void write_waiting(struct notify *notify, bool all);

static void
collect(struct notify *notify)
{
	struct record *done = atomic_exchange(&notify->done, NULL);
	bool written = false;

	while (done) {
		struct record *record = done;

		done = record->next_done;
		if (record->problem == 0) {
			record->state = RECORD_WRITTEN;
			written = true;
			if (log_damp_heal(&notify->damp)) {
				log_info("events are written again", "%s", "");
			}
			continue;
		}
		record->state = RECORD_WAITING;
		record->failures++;
		complain(notify, record->problem);
	}
	let_out(notify);
	if (written) {
		write_waiting(notify, false); /* what waited for it */
	}
}

static void
on_collect(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	collect(ctx);
	notify_take_revived(ctx);
}

/* Should the loop's mailbox be full, they come with the next that is written.
 */
void
journal_revived(void *arg, const struct ledger_delivery *row, const char *body,
    size_t body_len)
{
	struct notify *notify = arg;
	struct delivery *delivery =
	    delivery_new(row, notify_body_copy(body, body_len), 0);
	struct delivery *head = atomic_load(&notify->revived);
	int refused;

	do {
		delivery->next = head;
	} while (
	    !atomic_compare_exchange_weak(&notify->revived, &head, delivery));
	refused = loop_call(notify->options.loop, on_collect, notify, NULL, 0);
	(void)refused;
}

/* On the store lane. Should the loop's mailbox be full, the sweep finds it. */
static void
on_written(void *arg, int problem)
{
	struct record *record = arg;
	struct notify *notify = record->notify;
	struct record *head = atomic_load(&notify->done);
	struct loop *loop = notify->options.loop;
	int refused;

	record->problem = problem;
	do {
		record->next_done = head;
	} while (!atomic_compare_exchange_weak(&notify->done, &head, record));
	/* From here on the record belongs to the loop. */
	refused = loop_call(loop, on_collect, notify, NULL, 0);
	(void)refused;
}

/* `all` at the end, when nobody will hear any more of what is being written. */
static void
write_waiting(struct notify *notify, bool all)
{
	for (struct record *r = notify->first_record; r; r = r->next) {
		int rc;

		if (r->state != RECORD_WAITING ||
		    (!all && r->before && r->before->state != RECORD_WRITTEN)) {
			continue;
		}
		r->state = RECORD_WRITING;
		rc = ledger_put_event(notify->options.ledger,
		    r->has_incident ? &r->incident : NULL,
		    r->has_entry ? &r->entry : NULL, r->rows, r->n_rows,
		    r->body ? r->body->text : "", r->body ? r->body->len : 0,
		    on_written, r);
		if (rc < 0) {
			r->state = RECORD_WAITING;
			complain(notify, rc);
			break;
		}
	}
}

/* ---- outcomes ---- */

static void
on_pump(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	notify_pump_booked(ctx);
}

/* On the store lane, in the order of the calls. What the ledger keeps for later
 * counts, too: a full disk must not hold the next alarm. Should the loop's
 * mailbox be full, the outbox looks again by itself. */
static void
on_booked(void *arg, int problem)
{
	struct notify *notify = arg;
	int refused;

	(void)problem;
	atomic_fetch_add(&notify->attempts_booked, 1);
	refused = loop_call(notify->options.loop, on_pump, notify, NULL, 0);
	(void)refused;
}

bool
journal_booked(const struct notify *notify, uint64_t number)
{
	return atomic_load(&notify->attempts_booked) >= number;
}

/* False when the store lane is full. */
static bool
put_attempt(struct notify *notify, const struct ledger_delivery *row,
    wall_us at, dur_us took)
{
	if (ledger_put_attempt(
		notify->options.ledger, row, at, took, on_booked, notify) < 0) {
		return false;
	}
	notify->attempts_put++;
	return true;
}

static void
keep_unsaved(struct notify *notify, const struct ledger_delivery *row,
    wall_us at, dur_us took)
{
	struct unsaved *unsaved;

	if (notify->n_unsaved >= NOTIFY_PENDING_MAX) {
		log_error("outcome of a delivery lost", "id=%lld subscriber=%s",
		    (long long)row->id, row->subscriber);
		return;
	}
	unsaved = mem_new(sizeof(*unsaved));
	*unsaved = (struct unsaved){.row = *row, .at = at, .took = took};
	if (notify->last_unsaved) {
		notify->last_unsaved->next = unsaved;
	} else {
		notify->first_unsaved = unsaved;
	}
	notify->last_unsaved = unsaved;
	notify->n_unsaved++;
}

static void
save_unsaved(struct notify *notify)
{
	while (notify->first_unsaved) {
		struct unsaved *unsaved = notify->first_unsaved;

		if (!put_attempt(
			notify, &unsaved->row, unsaved->at, unsaved->took)) {
			return;
		}
		notify->first_unsaved = unsaved->next;
		if (!notify->first_unsaved) {
			notify->last_unsaved = NULL;
		}
		notify->n_unsaved--;
		free(unsaved);
	}
}

static void
sweep_later(struct notify *notify)
{
	if (notify->first_record || notify->first_unsaved) {
		loop_timer_start(notify->sweep, SWEEP_US);
	}
}

static void
on_sweep(void *arg)
{
	struct notify *notify = arg;

	collect(notify);
	write_waiting(notify, false);
	save_unsaved(notify);
	sweep_later(notify);
}

void
journal_attempt(struct notify *notify, const struct ledger_delivery *row,
    wall_us at, dur_us took)
{
	save_unsaved(notify);
	if (notify->first_unsaved || !put_attempt(notify, row, at, took)) {
		keep_unsaved(notify, row, at, took);
		sweep_later(notify);
	}
}

/* The newest record of the same incident, if one is still under way. */
static struct record *
record_before(const struct notify *notify, const struct record *record)
{
	struct record *found = NULL;

	for (struct record *r = notify->first_record; r; r = r->next) {
		if (record->has_entry && r->has_entry &&
		    r->entry.incident == record->entry.incident) {
			found = r;
		}
	}
	return found;
}

void
journal_put(struct notify *notify, struct record *record)
{
	if (notify->n_records >= NOTIFY_PENDING_MAX && record->droppable) {
		log_error("event dropped, too many wait to be written",
		    "incident=%lld", (long long)record->entry.incident);
		record_free(record);
		return;
	}
	record->notify = notify;
	record->made = notify_now(notify);
	record->before = record_before(notify, record);
	if (record->before) {
		record->before->after = record;
	}
	if (notify->last_record) {
		notify->last_record->next = record;
	} else {
		notify->first_record = record;
	}
	notify->last_record = record;
	notify->n_records++;
	write_waiting(notify, false);
	sweep_later(notify);
}

void
journal_init(struct notify *notify)
{
	notify->sweep = loop_timer_new(notify->options.loop, on_sweep, notify);
}

void
journal_stop(struct notify *notify)
{
	write_waiting(notify, true);
	save_unsaved(notify);
	loop_timer_stop(notify->sweep);
}

void
journal_fini(struct notify *notify)
{
	while (notify->first_record) {
		unlink_first(notify);
	}
	while (notify->first_unsaved) {
		struct unsaved *unsaved = notify->first_unsaved;

		notify->first_unsaved = unsaved->next;
		free(unsaved);
	}
	loop_timer_free(notify->sweep);
	notify->sweep = NULL;
}
