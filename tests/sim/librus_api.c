/*
 * The messages of Librus as JSON, on wiadomosci.librus.pl: the way there
 * from Synergia, and the API with a session of its own. The mailbox is the
 * one that librus_mail.c shows as HTML.
 *
 * What the sources leave open and how it is here: without a session the API
 * answers 401; there is no way to delete, as none is known; mailboxes that
 * nobody here writes to are empty, and two that some accounts lack are 404;
 * the bin is listed and read as the others are, and the archive, which has
 * mailboxes of its own, is empty.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "librus-int.h"

#define SYNERGIA "https://synergia.librus.pl"
#define MAIL "https://wiadomosci.librus.pl"

enum { PREVIEW_BYTES = 60 };

static const double MAIL_LIFE_S = 2700;
static const double TICKET_LIFE_S = 60;

/* ---- the way there ---- */

/* Base64 as in an address: without what fills it up. */
static void
base64_segment(struct text *text, const char *string)
{
	text_base64(text, string, strlen(string));
	while (text->len > 0 && text->at[text->len - 1] == '=')
		text->at[--text->len] = '\0';
}

void
librus_mail_handoff(struct exchange *x, const char *target)
{
	const struct session *session = librus_who(x);
	struct session *ticket;
	struct text path = {0};

	if (session == NULL) {
		reply_redirect(x, 302, SYNERGIA "/loguj");
		return;
	}
	ticket = session_new(x, LIBRUS_MAIL_TICKET, TICKET_LIFE_S);
	ticket->account = session->account;
	memcpy(ticket->parent, session->id, sizeof(ticket->parent));
	session_keep(ticket->token[0], target);
	text_addf(
	    &path, "/pobierz28/MultiDomainLogon/token/%s/login/", ticket->id);
	base64_segment(&path, session->account->user);
	text_add(&path, "/target/");
	base64_segment(&path, target);
	text_add(&path, "/from/");
	base64_segment(&path, "synergia");
	reply_redirect(x, 302, MAIL "%s", text_of(&path));
	text_fini(&path);
}

void
librus_mail_enter(struct exchange *x)
{
	librus_mail_handoff(x, "/nowy");
}

struct session *
librus_mail_open(
    struct exchange *x, const struct account *account, const char *parent)
{
	struct session *session = session_new(x, LIBRUS_MAIL, MAIL_LIFE_S);

	session->account = account;
	snprintf(session->parent, sizeof(session->parent), "%s", parent);
	reply_cookie(x, "DZIENNIKSID", session->id, "Path=/; Secure; HttpOnly");
	return session;
}

void
librus_mail_logon(struct exchange *x)
{
	struct session *ticket =
	    session_find(x, LIBRUS_MAIL_TICKET, x->capture[1]);

	if (ticket == NULL || strncmp(x->capture[0], "pobierz", 7) != 0) {
		reply_redirect(x, 302, SYNERGIA "/loguj");
		return;
	}
	librus_mail_open(x, ticket->account, ticket->parent);
	reply_redirect(x, 302, "%s", ticket->token[0]);
	session_drop(x->op, ticket);
}

void
librus_mail_nowy(struct exchange *x)
{
	/* plain http it is, in the real one too */
	reply_redirect(x, 301, "http://wiadomosci.librus.pl/nowy/");
}

void
librus_mail_app(struct exchange *x)
{
	if (librus_mail_session(x) == NULL)
		text_add(&x->out, "<h2 class=\"inside\">Brak dostępu</h2>");
	else
		text_add(&x->out,
		    "<!DOCTYPE html><html lang=\"pl\"><head><title>Wiadomości"
		    "</title></head><body><div id=\"root\"></div>"
		    "<script src=\"/nowy/main.js\"></script></body></html>");
	reply_status(x, 200, TYPE_HTML);
}

/* ---- the JSON API ---- */

struct session *
librus_mail_session(struct exchange *x)
{
	return session_by_cookie(x, LIBRUS_MAIL, "DZIENNIKSID");
}

static struct session *
api_session(struct exchange *x)
{
	struct session *session = librus_mail_session(x);

	if (session == NULL)
		librus_json(x, 401, "{\"code\":\"UNAUTHORIZED\"}");
	return session;
}

void
librus_api_me(struct exchange *x)
{
	const struct session *session = api_session(x);
	const struct account *account;

	if (session == NULL)
		return;
	account = session->account;
	librus_json_value(x, 200,
	    json_pack("{s:s, s:s%, s:s, s:s, s:I, s:s, s:b}", "firstName",
		librus_first_name(account), "lastName", account->name,
		(size_t)librus_last_len(account), "groupId", "5", "groupName",
		"rodzic", "accountId",
		(json_int_t)strtoll(account->mailbox, NULL, 10), "originSystem",
		"synergia", "accessToAttachments", 1));
}

/* ---- mailboxes ---- */

/* False for one that there is none of; `kept` if messages can be in it. */
static bool
box_by_name(const char *name, enum folder *folder, bool *kept)
{
	static const char *const empty[] = {
	    "notes", "absences", "justifications"};

	*kept = true;
	*folder = FOLDER_RECEIVED;
	if (same(name, "inbox"))
		return true;
	*folder = FOLDER_SENT;
	if (same(name, "outbox"))
		return true;
	*folder = FOLDER_TRASH;
	if (same(name, "trash-bin"))
		return true;
	*kept = false;
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		if (same(name, empty[i]))
			return true;
	return false;
}

static json_t *
moment(time_t when)
{
	struct text text = {0};
	json_t *value;

	if (when == 0)
		return json_null();
	text_time(&text, "%Y-%m-%d %H:%M:%S", when);
	value = json_string(text_of(&text));
	text_fini(&text);
	return value;
}

static json_t *
base64(const char *bytes, size_t len)
{
	struct text text = {0};
	json_t *value;

	text_base64(&text, bytes, len);
	value = json_string(text_of(&text));
	text_fini(&text);
	return value;
}

/* What the list and the message itself have in common. */
static json_t *
envelope(const struct message *m, enum folder folder)
{
	const struct account *person = folder == FOLDER_SENT ? m->to : m->from;
	const char *who = folder == FOLDER_SENT ? "receiver" : "sender";
	json_t *one = json_pack("{s:o, s:s, s:o, s:n, s:[], s+:s, s+:s, "
				"s+:s%}",
	    "messageId", json_sprintf("%ld", m->id), "topic", m->subject,
	    "sendDate", moment(m->sent), "category", "tags", who, "Name",
	    person->name, who, "FirstName", librus_first_name(person), who,
	    "LastName", person->name, (size_t)librus_last_len(person));

	if (folder != FOLDER_SENT)
		json_object_set_new(one, "readDate", moment(m->read));
	return one;
}

/* A number of the query, 0 if it is none or too large. */
static long
query_number(struct exchange *x, const char *name, long usual, long most)
{
	const char *text = request_query(x, name);
	long number = text != NULL ? strtol(text, NULL, 10) : usual;

	return number < 0 || number > most ? 0 : number;
}

void
librus_api_box(struct exchange *x)
{
	const struct session *session = api_session(x);
	long limit = query_number(x, "limit", 50, 100);
	long page = query_number(x, "page", 1, 1000);
	bool unread = same(request_query(x, "unreadOnly"), "1");
	struct message *m = NULL;
	enum folder folder;
	json_t *list;
	long total = 0;
	bool kept;

	if (session == NULL)
		return;
	if (!box_by_name(x->capture[0], &folder, &kept)) {
		librus_json(x, 404, "{\"code\":\"NOT_FOUND\"}");
		return;
	}
	if (limit == 0 || page == 0) {
		librus_json(x, 400, "{\"code\":\"BAD_PAGE\"}");
		return;
	}
	list = json_array();
	while (kept &&
	    (m = mailbox_next(x, session->account, folder, m)) != NULL) {
		if (unread && m->read != 0)
			continue;
		total++;
		if (total <= (page - 1) * limit || total > page * limit)
			continue;
		json_t *one = envelope(m, folder);
		/* a preview, cut by bytes as there */
		json_object_set_new(one, "content",
		    base64(m->body, strnlen(m->body, PREVIEW_BYTES)));
		json_object_set_new(one, "isAnyFileAttached", json_false());
		json_array_append_new(list, one);
	}
	librus_json_value(
	    x, 200, json_pack("{s:o, s:I}", "data", list, "total", total));
}

void
librus_api_archive(struct exchange *x)
{
	enum folder folder;
	bool kept;

	if (api_session(x) == NULL)
		return;
	if (!box_by_name(x->capture[0], &folder, &kept) || !kept ||
	    folder == FOLDER_TRASH)
		librus_json(x, 404, "{\"code\":\"NOT_FOUND\"}");
	else
		librus_json(x, 200, "{\"data\":[],\"total\":0}");
}

static json_t *
receipt(const struct message *m)
{
	json_t *one = json_pack("{s:s, s:s, s:s, s:s%, s:s, s:s, s:s}",
	    "receiverId", m->to->mailbox, "name", m->to->name, "firstName",
	    librus_first_name(m->to), "lastName", m->to->name,
	    (size_t)librus_last_len(m->to), "group", "rodzic", "isCc", "0",
	    "isBcc", "0");

	json_object_set_new(one, "readed", moment(m->read));
	return one;
}

void
librus_api_read(struct exchange *x)
{
	const struct session *session = api_session(x);
	struct message *m = NULL;
	struct text content = {0};
	enum folder folder;
	json_t *one;
	bool kept;

	if (session == NULL)
		return;
	if (box_by_name(x->capture[0], &folder, &kept) && kept)
		m = mailbox_find(x, session->account, folder,
		    strtol(x->capture[1], NULL, 10));
	if (m == NULL) {
		librus_json(x, 404, "{\"code\":\"MESSAGE_NOT_FOUND\"}");
		return;
	}
	if (folder != FOLDER_SENT && m->read == 0)
		m->read = oper_time(x->op);
	text_addf(&content,
	    "<Message><Content><![CDATA[%s]]></Content></Message>", m->body);
	one = envelope(m, folder);
	json_object_set_new(
	    one, "Message", base64(text_of(&content), content.len));
	text_fini(&content);
	json_object_set_new(one, "attachments", json_array());
	json_object_set_new(one, "senderId", json_string(m->from->mailbox));
	if (folder == FOLDER_SENT) {
		json_object_set_new(
		    one, "receivers", json_pack("[o]", receipt(m)));
		json_object_set_new(one, "receiversCount", json_integer(1));
		json_object_set_new(
		    one, "readedCount", json_integer(m->read != 0));
	}
	librus_json_value(x, 200, json_pack("{s:o}", "data", one));
}

void
librus_api_unread(struct exchange *x)
{
	const struct session *session = api_session(x);
	struct message *m = NULL;
	int unread = 0;

	if (session == NULL)
		return;
	while (
	    (m = mailbox_next(x, session->account, FOLDER_RECEIVED, m)) != NULL)
		unread += m->read == 0;
	librus_json_value(x, 200,
	    json_pack("{s:{s:i, s:i, s:i, s:i, s:i, s:i}}", "data", "inbox",
		unread, "notes", 0, "alerts", 0, "substitutions", 0, "absences",
		0, "justifications", 0));
}

/* ---- receivers ---- */

void
librus_api_types(struct exchange *x)
{
	if (api_session(x) == NULL)
		return;
	librus_json_value(x, 200,
	    json_pack("{s:{s:s, s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}}",
		"data", "defaultGroup", "teachers", "list", "id", "tutors",
		"name", "Wychowawcy", "id", "teachers", "name", "Nauczyciele",
		"id", "parentsCouncil", "name", "Rada rodziców"));
}

void
librus_api_group(struct exchange *x)
{
	bool employees = same(x->capture[0], "school-employees");
	json_t *list;

	if (api_session(x) == NULL)
		return;
	if (!employees && !same(x->capture[0], "students-and-attendants")) {
		librus_json(x, 404, "{\"code\":\"NOT_FOUND\"}");
		return;
	}
	list = json_array();
	for (const struct account *at = sim_accounts; at->oper != NULL; at++)
		if (same(at->oper, "librus"))
			json_array_append_new(list,
			    json_pack("{s:s, s:s, s:s}", "accountId",
				at->mailbox, "userId", at->id,
				employees ? "label" : "name", at->name));
	librus_json_value(x, 200,
	    employees ? json_pack("{s:o}", "receivers", list)
		      : json_pack("{s:[{s:s, s:[o]}]}", "classes", "label",
			    "5 a", "receivers", list));
}

/* The named receivers; 0 if one is unknown or named twice. */
static size_t
api_receivers(struct exchange *x, const struct account **to, const char **code)
{
	const json_t *list = json_object_get(
	    json_object_get(request_json(x), "receivers"), "schoolReceivers");
	size_t n = json_array_size(list);

	*code = "BAD_RECEIVERS";
	if (n > LIBRUS_RECIPIENTS_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const json_t *id =
		    json_object_get(json_array_get(list, i), "accountId");
		to[i] = account_by_mailbox(
		    "librus", "synergia", json_string_value(id));
		if (to[i] == NULL)
			return 0;
		for (size_t k = 0; k < i; k++)
			if (to[k] == to[i]) {
				*code = "DUPLICATED_RECEIVERS";
				return 0;
			}
	}
	return n;
}

void
librus_api_send(struct exchange *x)
{
	const struct session *session = api_session(x);
	const struct account *to[LIBRUS_RECIPIENTS_MAX];
	const char *topic64 = request_json_string(x, "topic");
	const char *content64 = request_json_string(x, "content");
	const char *code = "";
	char *topic = topic64 != NULL ? text_unbase64(topic64) : NULL;
	char *content = content64 != NULL ? text_unbase64(content64) : NULL;
	long id = 0;
	size_t n;

	if (session == NULL)
		goto out;
	n = api_receivers(x, to, &code);
	if (n == 0 || topic == NULL || content == NULL || *topic == '\0') {
		text_addf(&x->out, "{\"code\":\"%s\"}",
		    n == 0 ? code : "BAD_CONTENT");
		librus_json(x, n == 0 ? 422 : 400, "");
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		id = mailbox_send(
		    x, session->account, to[i], topic, content, NULL);
	text_addf(
	    &x->out, "{\"data\":{\"messageId\":%ld,\"status\":\"sent\"}}", id);
	librus_json(x, 201, "");
out:
	free(topic);
	free(content);
}
