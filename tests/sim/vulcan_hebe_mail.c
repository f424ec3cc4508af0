/*
 * Messages at Vulcan's mobile interface ("Hebe"): boxes, the address book,
 * lists by box and folder, sending, marking as read (Status 1) and moving to
 * the bin (Status 2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vulcan-int.h"

#define LIST "IEnumerable`1"

enum { PAGE_MAX = 500, RECIPIENTS_MAX = 16 };
enum { STATUS_READ = 1, STATUS_TRASH = 2 };

static void
add_named(struct text *out, const struct account *account)
{
	struct text name = {0};

	text_addf(&name, "%s - P - (ZSZ)", account->name);
	text_json(out, text_of(&name));
	text_fini(&name);
}

/* Somebody as sender or receiver, in the box of `owner`. */
static void
add_person(struct exchange *x, struct text *out, const struct account *owner,
    const struct account *account, bool read)
{
	/* the application of eduVULCAN says which it is, and has no numbers */
	bool ce = request_header(x, "vVersionCode") != NULL;
	char own[VULCAN_UUID_SIZE];
	char key[VULCAN_UUID_SIZE];

	vulcan_box_key(own, owner);
	vulcan_box_key(key, account);
	text_addf(out,
	    "{\"Id\":\"%s-%s\",\"Partition\":\"%s-%s\",\"Owner\":\"%s\","
	    "\"GlobalKey\":\"%s\",\"Name\":",
	    own, key, account->deployment, VULCAN_SCHOOL, own, key);
	add_named(out, account);
	text_addf(out, ",\"Group\":\"P\",\"Initials\":\"\",\"HasRead\":%s}",
	    ce ? (read ? "true" : "false") : (read ? "1" : "0"));
}

void
vulcan_hebe_boxes(struct exchange *x)
{
	const struct account *account = vulcan_device_account(x);
	char key[VULCAN_UUID_SIZE];
	struct text body = {0};

	if (account == NULL)
		return;
	vulcan_box_key(key, account);
	text_addf(&body,
	    "[{\"Id\":%s,\"GlobalKey\":\"%s\",\"Name\":", account->mailbox,
	    key);
	add_named(&body, account);
	text_add(&body, "}]");
	vulcan_envelope(x, LIST, text_of(&body));
	text_fini(&body);
}

static bool
is_own_box(const struct account *account, const char *key)
{
	char own[VULCAN_UUID_SIZE];

	vulcan_box_key(own, account);
	return same(own, key);
}

/* The account of a request that names its own box; else it was answered. */
static const struct account *
box_account(struct exchange *x)
{
	const struct account *account = vulcan_device_account(x);

	if (account == NULL || is_own_box(account, request_query(x, "box")))
		return account;
	vulcan_hebe_fail(x, 100, "Not privileged", NULL);
	return NULL;
}

/* Somebody as the address book by login has them: with a role. */
static void
add_address(struct text *out, const struct account *account)
{
	size_t surname = strcspn(account->name, " ");

	text_addf(out,
	    "{\"Id\":\"e-%s\",\"LoginId\":%s,\"Name\":\"%s\","
	    "\"Surname\":\"%.*s\",\"Initials\":\"A\",\"Roles\":["
	    "{\"RoleName\":\"Nauczyciel\",\"RoleOrder\":0,\"Address\":"
	    "\"%s [A] - pracownik (ZSZ)\",\"AddressHash\":\"",
	    account->mailbox, account->mailbox, account->name + surname + 1,
	    (int)surname, account->name, account->name);
	text_base64(out, account->id, strlen(account->id));
	text_addf(out,
	    "\",\"Name\":\"%s\",\"Surname\":\"%.*s\",\"Initials\":\"A\","
	    "\"UnitSymbol\":null,\"ConstituentUnitSymbol\":\"ZSZ\","
	    "\"ClassSymbol\":null}]}",
	    account->name + surname + 1, (int)surname, account->name);
}

/* The list of all that can be written to, by box or by login. */
static void
people(struct exchange *x, const struct account *account, bool by_box)
{
	const char *comma = "";
	struct text body = {0};

	text_add(&body, "[");
	for (const struct account *at = sim_accounts; at->oper != NULL; at++) {
		if (!same(at->oper, "vulcan") ||
		    !same(at->deployment, x->dep->name))
			continue;
		text_add(&body, comma);
		if (by_box)
			add_person(x, &body, account, at, false);
		else
			add_address(&body, at);
		comma = ",";
	}
	text_add(&body, "]");
	vulcan_envelope(x, LIST, text_of(&body));
	text_fini(&body);
}

void
vulcan_hebe_people(struct exchange *x)
{
	const char *login = request_query(x, "loginId");
	const struct account *account =
	    login != NULL ? vulcan_device_account(x) : box_account(x);

	if (account == NULL)
		return;
	if (login != NULL && !same(login, account->mailbox))
		vulcan_hebe_fail(x, 100, "Not privileged", NULL);
	else
		people(x, account, login == NULL);
}

/* ---- lists ---- */

static void
add_message(struct exchange *x, struct text *out, const struct account *account,
    const struct vulcan_copy *copy)
{
	const struct message *m = copy->message;
	char key[VULCAN_UUID_SIZE];

	vulcan_copy_key(key, account, copy);
	text_addf(out,
	    "{\"Id\":\"%s\",\"GlobalKey\":\"%s\",\"ThreadKey\":\"%s\","
	    "\"Subject\":",
	    key, key, key);
	text_json(out, m->subject);
	text_add(out, ",\"Content\":");
	text_json(out, m->body);
	text_add(out, ",\"DateSent\":");
	vulcan_hebe_time(out, m->sent);
	text_add(out, ",\"DateRead\":");
	if (m->read != 0)
		vulcan_hebe_time(out, m->read);
	else
		text_add(out, "null");
	text_add(out, ",\"SentAt\":");
	vulcan_hebe_iso(out, m->sent);
	text_add(out, ",\"ReadAt\":");
	if (m->read != 0)
		vulcan_hebe_iso(out, m->read);
	else
		text_add(out, "null");
	text_addf(out, ",\"Withdrawn\":false,\"Status\":%d,\"Sender\":",
	    m->read != 0 ? 1 : 0);
	add_person(x, out, account, m->from, false);
	text_add(out, ",\"Receiver\":[");
	add_person(x, out, account, m->to, m->read != 0);
	text_add(out, "],\"Attachments\":[],\"Importance\":0}");
}

static void
list(struct exchange *x, enum vulcan_box box)
{
	const struct account *account = box_account(x);
	struct vulcan_copy copy = {0};
	struct text body = {0};
	int n = 0;

	if (account == NULL)
		return;
	text_add(&body, "[");
	while (n < PAGE_MAX && vulcan_box_next(x, account, box, &copy)) {
		text_add(&body, n++ > 0 ? "," : "");
		add_message(x, &body, account, &copy);
	}
	text_add(&body, "]");
	vulcan_envelope(x, LIST, text_of(&body));
	text_fini(&body);
}

void
vulcan_hebe_messages(struct exchange *x)
{
	const char *folder = request_query(x, "folder");

	if (same(folder, "2"))
		list(x, VULCAN_SENT);
	else if (same(folder, "3"))
		list(x, VULCAN_TRASH);
	else
		list(x, VULCAN_RECEIVED);
}

void
vulcan_hebe_received(struct exchange *x)
{
	list(x, VULCAN_RECEIVED);
}

void
vulcan_hebe_sent(struct exchange *x)
{
	list(x, VULCAN_SENT);
}

void
vulcan_hebe_deleted(struct exchange *x)
{
	list(x, VULCAN_TRASH);
}

/* ---- changes ---- */

static const char *
string_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* Is this a message that `account` may send? Gives the recipients. */
static bool
letter_right(struct exchange *x, const struct account *account,
    const json_t *letter, const struct account *to[RECIPIENTS_MAX])
{
	const json_t *people = json_object_get(letter, "Receiver");
	const char *subject = string_of(letter, "Subject");
	size_t n = json_array_size(people);
	struct text partition = {0};
	bool right;

	text_addf(&partition, "%s-%s", x->dep->name, VULCAN_SCHOOL);
	right = n > 0 && n <= RECIPIENTS_MAX && subject != NULL &&
	    *subject != '\0' && string_of(letter, "Content") != NULL &&
	    vulcan_is_uuid(string_of(letter, "Id")) &&
	    vulcan_is_uuid(string_of(letter, "GlobalKey")) &&
	    same(string_of(letter, "Partition"), text_of(&partition)) &&
	    (json_is_object(json_object_get(letter, "DateSent")) ||
		string_of(letter, "SentAt") != NULL) &&
	    is_own_box(account, string_of(letter, "Owner")) &&
	    is_own_box(account,
		string_of(json_object_get(letter, "Sender"), "GlobalKey"));
	text_fini(&partition);
	for (size_t i = 0; right && i < n; i++) {
		to[i] = vulcan_account_by_box(
		    x, string_of(json_array_get(people, i), "GlobalKey"));
		right = to[i] != NULL;
	}
	return right;
}

void
vulcan_hebe_send(struct exchange *x)
{
	const struct account *account = vulcan_device_account(x);
	const json_t *letter = json_object_get(request_json(x), "Envelope");
	const struct account *to[RECIPIENTS_MAX];
	const char *key = string_of(letter, "GlobalKey");
	struct text body = {0};

	if (account == NULL)
		return;
	if (!letter_right(x, account, letter, to)) {
		vulcan_hebe_fail(x, 101, "Payload not bound to type", NULL);
		return;
	}
	size_t n = json_array_size(json_object_get(letter, "Receiver"));
	for (size_t i = 0; i < n; i++)
		mailbox_send(x, account, to[i], string_of(letter, "Subject"),
		    string_of(letter, "Content"), key);
	char *echo = json_dumps(letter, JSON_COMPACT);
	text_add(&body, echo);
	free(echo);
	vulcan_envelope(x, "Message", text_of(&body));
	text_fini(&body);
}

void
vulcan_hebe_status(struct exchange *x)
{
	const struct account *account = vulcan_device_account(x);
	const json_t *order = json_object_get(request_json(x), "Envelope");
	json_int_t status =
	    json_integer_value(json_object_get(order, "Status"));
	struct vulcan_copy copy;

	if (account == NULL)
		return;
	if (!is_own_box(account, string_of(order, "BoxKey")) ||
	    (status != STATUS_READ && status != STATUS_TRASH)) {
		vulcan_hebe_fail(x, 101, "Payload not bound to type", NULL);
		return;
	}
	if (!vulcan_box_find(
		x, account, -1, string_of(order, "MessageKey"), &copy)) {
		vulcan_hebe_fail(x, 200, "Message not found", NULL);
		return;
	}
	if (status == STATUS_TRASH)
		vulcan_trash_put(x, account, &copy);
	else if (copy.folder == FOLDER_RECEIVED && copy.message->read == 0)
		copy.message->read = oper_time(x->op);
	vulcan_envelope(x, "Boolean", "true");
}
