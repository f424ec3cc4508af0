/*
 * The messages of one deployment in a bounded ring: the oldest makes room.
 * Each message lies in the recipient's and the sender's folder until both
 * have deleted it, and in between in the recipient's bin where there is one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum { SUBJECT_MAX = 250, TEXT_BODY_MAX = 8192 };

static void
message_clear(struct message *message)
{
	free(message->subject);
	free(message->body);
	*message = (struct message){0};
}

static char *
bounded_copy(const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	/* never cut through a UTF-8 letter */
	while (len > 0 && text[len] != '\0' &&
	    ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	char *copy = strndup(text, len);
	if (copy == NULL)
		abort();
	return copy;
}

static void
put(struct mailbox *mailbox, struct message message)
{
	struct message *place = &mailbox->ring[mailbox->next];

	message_clear(place);
	*place = message;
	mailbox->next = (mailbox->next + 1) % MAILBOX_MAX;
}

long
mailbox_send(struct exchange *x, const struct account *from,
    const struct account *to, const char *subject, const char *body,
    const char *guid)
{
	struct mailbox *mailbox = &x->dep->mailbox;
	struct message message = {
	    .from = from,
	    .to = to,
	    .sent = oper_time(x->op),
	    .visible_s = oper_now_s(x->op),
	    .in_received = true,
	    .in_sent = true,
	};
	int copies = 1;
	double delay_s = 0;

	x->op->counters.messages_sent++;
	if (mailbox->last_id == 0)
		mailbox->last_id = 150000;
	if (fault_strikes(x, FAULT_MESSAGE_LOST, NULL))
		return ++mailbox->last_id;
	if (fault_strikes(x, FAULT_MESSAGE_LATE, &delay_s))
		message.visible_s += delay_s;
	if (fault_strikes(x, FAULT_MESSAGE_TWICE, NULL))
		copies = 2;
	if (guid != NULL)
		snprintf(message.guid, sizeof(message.guid), "%s", guid);
	for (int i = 0; i < copies; i++) {
		message.id = ++mailbox->last_id;
		message.subject = bounded_copy(subject, SUBJECT_MAX);
		message.body = bounded_copy(body, TEXT_BODY_MAX);
		put(mailbox, message);
	}
	return message.id;
}

static bool
is_in(const struct message *message, const struct account *whose,
    enum folder folder, double now_s)
{
	if (message->id == 0)
		return false;
	if (folder == FOLDER_SENT)
		return message->in_sent && message->from == whose;
	if (folder == FOLDER_TRASH)
		return message->in_trash && message->to == whose;
	return message->in_received && message->to == whose &&
	    message->visible_s <= now_s;
}

struct message *
mailbox_next(struct exchange *x, const struct account *whose,
    enum folder folder, const struct message *after)
{
	struct mailbox *mailbox = &x->dep->mailbox;
	double now_s = oper_now_s(x->op);
	size_t at = mailbox->next;
	size_t seen = 0;

	if (after != NULL) {
		at = (size_t)(after - mailbox->ring);
		seen = (mailbox->next + MAILBOX_MAX - at) % MAILBOX_MAX;
		if (seen == 0)
			return NULL; /* that was the oldest place */
	}
	for (; seen < MAILBOX_MAX; seen++) {
		at = (at + MAILBOX_MAX - 1) % MAILBOX_MAX;
		if (is_in(&mailbox->ring[at], whose, folder, now_s))
			return &mailbox->ring[at];
	}
	return NULL;
}

struct message *
mailbox_find(struct exchange *x, const struct account *whose,
    enum folder folder, long id)
{
	struct message *message = NULL;

	do
		message = mailbox_next(x, whose, folder, message);
	while (message != NULL && message->id != id);
	return message;
}

bool
mailbox_delete(struct exchange *x, const struct account *whose,
    enum folder folder, long id)
{
	struct message *message = mailbox_find(x, whose, folder, id);

	if (message == NULL)
		return false;
	if (folder == FOLDER_SENT)
		message->in_sent = false;
	else if (folder == FOLDER_TRASH)
		message->in_trash = false;
	else
		message->in_received = false;
	if (!message->in_sent && !message->in_received && !message->in_trash)
		message_clear(message);
	return true;
}

bool
mailbox_trash(struct exchange *x, const struct account *whose, long id)
{
	struct message *message = mailbox_find(x, whose, FOLDER_RECEIVED, id);

	if (message == NULL)
		return false;
	message->in_received = false;
	message->in_trash = true;
	return true;
}

bool
mailbox_restore(struct exchange *x, const struct account *whose, long id)
{
	struct message *message = mailbox_find(x, whose, FOLDER_TRASH, id);

	if (message == NULL)
		return false;
	message->in_trash = false;
	message->in_received = true;
	return true;
}

void
mailbox_forget(struct mailbox *mailbox)
{
	for (size_t i = 0; i < MAILBOX_MAX; i++)
		message_clear(&mailbox->ring[i]);
}
