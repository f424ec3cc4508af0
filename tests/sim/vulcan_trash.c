/*
 * Boxes and bins of Vulcan's messages, of all eras: a copy of a message that
 * was moved to the bin stays where the mailbox has it and is marked here. And
 * the keys by which the new modules and the mobile interface name boxes and
 * copies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "vulcan-int.h"

/*
 * As many marks as there can be copies: the oldest is overwritten only when
 * its message has left the mailbox long ago.
 */
enum { MARKS = 2 * MAILBOX_MAX * DEPLOYMENTS_MAX };

static struct mark {
	long id; /* 0: free */
	const struct deployment *dep;
	const struct account *whose;
	enum folder folder;
} marks[MARKS];
static size_t next_mark;

static struct mark *
mark_of(struct exchange *x, const struct account *whose,
    const struct message *message, enum folder folder)
{
	for (size_t i = 0; i < MARKS; i++)
		if (marks[i].id == message->id && marks[i].dep == x->dep &&
		    marks[i].whose == whose && marks[i].folder == folder)
			return &marks[i];
	return NULL;
}

void
vulcan_trash_put(struct exchange *x, const struct account *whose,
    const struct vulcan_copy *copy)
{
	if (mark_of(x, whose, copy->message, copy->folder) != NULL)
		return;
	marks[next_mark] = (struct mark){
	    .id = copy->message->id,
	    .dep = x->dep,
	    .whose = whose,
	    .folder = copy->folder,
	};
	next_mark = (next_mark + 1) % MARKS;
}

void
vulcan_trash_restore(struct exchange *x, const struct account *whose,
    const struct vulcan_copy *copy)
{
	struct mark *mark = mark_of(x, whose, copy->message, copy->folder);

	if (mark != NULL)
		*mark = (struct mark){0};
}

/* The next copy of one folder that is in the bin or is not. */
static bool
folder_next(struct exchange *x, const struct account *whose, enum folder folder,
    bool binned, struct vulcan_copy *copy)
{
	struct message *message = copy->message;

	do
		message = mailbox_next(x, whose, folder, message);
	while (message != NULL &&
	    (mark_of(x, whose, message, folder) != NULL) != binned);
	*copy = (struct vulcan_copy){message, folder};
	return message != NULL;
}

bool
vulcan_box_next(struct exchange *x, const struct account *whose,
    enum vulcan_box box, struct vulcan_copy *copy)
{
	switch (box) {
	case VULCAN_RECEIVED:
		return folder_next(x, whose, FOLDER_RECEIVED, false, copy);
	case VULCAN_SENT:
		return folder_next(x, whose, FOLDER_SENT, false, copy);
	case VULCAN_TRASH:
		break;
	}
	/* first what was received, then what was sent */
	if (copy->message == NULL || copy->folder == FOLDER_RECEIVED) {
		if (folder_next(x, whose, FOLDER_RECEIVED, true, copy))
			return true;
	}
	return folder_next(x, whose, FOLDER_SENT, true, copy);
}

bool
vulcan_box_find(struct exchange *x, const struct account *whose, int box,
    const char *key, struct vulcan_copy *copy)
{
	char own[VULCAN_UUID_SIZE];

	for (int at = VULCAN_RECEIVED; at <= VULCAN_TRASH; at++) {
		if (box >= 0 && at != box)
			continue;
		*copy = (struct vulcan_copy){0};
		while (vulcan_box_next(x, whose, (enum vulcan_box)at, copy)) {
			vulcan_copy_key(own, whose, copy);
			if (same(own, key))
				return true;
		}
	}
	return false;
}

/* ---- keys ---- */

void
vulcan_uuid(char uuid[VULCAN_UUID_SIZE], const char *seed)
{
	unsigned char d[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)seed, strlen(seed), d);
	snprintf(uuid, VULCAN_UUID_SIZE,
	    "%02x%02x%02x%02x-%02x%02x-4%01x%02x-a%01x%02x-"
	    "%02x%02x%02x%02x%02x%02x",
	    d[0], d[1], d[2], d[3], d[4], d[5], d[6] & 15, d[7], d[8] & 15,
	    d[9], d[10], d[11], d[12], d[13], d[14], d[15]);
}

void
vulcan_box_key(char uuid[VULCAN_UUID_SIZE], const struct account *account)
{
	char seed[96];

	snprintf(
	    seed, sizeof(seed), "box %s %s", account->deployment, account->id);
	vulcan_uuid(uuid, seed);
}

/* The sender's copy has the key that the sender gave it. */
void
vulcan_copy_key(char uuid[VULCAN_UUID_SIZE], const struct account *whose,
    const struct vulcan_copy *copy)
{
	const struct message *message = copy->message;
	char seed[96];

	if (copy->folder == FOLDER_SENT && message->guid[0] != '\0') {
		snprintf(uuid, VULCAN_UUID_SIZE, "%.36s", message->guid);
		return;
	}
	snprintf(seed, sizeof(seed), "copy %s %ld %d", whose->deployment,
	    message->id, (int)copy->folder);
	vulcan_uuid(uuid, seed);
}

const struct account *
vulcan_account_by_box(struct exchange *x, const char *key)
{
	char own[VULCAN_UUID_SIZE];

	for (const struct account *at = sim_accounts; at->oper != NULL; at++) {
		if (!same(at->oper, "vulcan") ||
		    !same(at->deployment, x->dep->name))
			continue;
		vulcan_box_key(own, at);
		if (same(own, key))
			return at;
	}
	return NULL;
}

bool
vulcan_is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i = 0;

	if (text == NULL)
		return false;
	for (; form[i] != '\0' && text[i] != '\0'; i++)
		if (form[i] == '-'
			? text[i] != '-'
			: strchr("0123456789abcdefABCDEF", text[i]) == NULL)
			return false;
	return form[i] == '\0' && text[i] == '\0';
}
