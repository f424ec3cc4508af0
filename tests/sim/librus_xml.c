/*
 * The messages of Librus as XML, the "Flash" module of 2020 on
 * wiadomosci.librus.pl: the way there from Synergia, the direct login, the
 * lists, one message, the people, and sending. Requests are small documents
 * of one depth, <service><header/><data>, of which the named elements are
 * taken; base64 and lists of ids in them are as the module's clients send.
 *
 * What the sources leave open and how it is here: a request without a session
 * is answered as one whose session is gone; a body that is no such document
 * is an <error>; there is no module that deletes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "librus-int.h"

static void
xml_reply(struct exchange *x)
{
	reply_status(x, 200, "text/xml; charset=UTF-8");
}

/* The module's name, as in "Inbox/action/GetList": its last part. */
static const char *
module_name(const struct exchange *x)
{
	const char *slash = strrchr(x->path, '/');

	return slash + 1; /* every route here has one */
}

static void
xml_error(struct exchange *x, const char *type, const char *message)
{
	text_addf(&x->out,
	    "<response><error><type>%s</type><message>%s</message></error>"
	    "</response>",
	    type, message);
	xml_reply(x);
}

static void
xml_refusal(struct exchange *x, const char *message)
{
	text_addf(&x->out,
	    "<response><%s><status>error</status><message>%s</message></%s>"
	    "</response>",
	    module_name(x), message, module_name(x));
	xml_reply(x);
}

static void
xml_begin(struct exchange *x)
{
	text_addf(
	    &x->out, "<response><%s><status>ok</status><data>", module_name(x));
}

static void
xml_end(struct exchange *x)
{
	text_addf(&x->out, "</data></%s></response>", module_name(x));
	xml_reply(x);
}

static void
element(struct exchange *x, const char *name, const char *value)
{
	text_addf(&x->out, "<%s>", name);
	text_html(&x->out, value);
	text_addf(&x->out, "</%s>", name);
}

static void
time_element(struct exchange *x, const char *name, time_t when)
{
	text_addf(&x->out, "<%s>", name);
	if (when != 0)
		text_time(&x->out, "%Y-%m-%d %H:%M:%S", when);
	text_addf(&x->out, "</%s>", name);
}

static void
person_elements(
    struct exchange *x, const char *prefix, const struct account *person)
{
	text_addf(&x->out,
	    "<%sFirstName>%s</%sFirstName><%sLastName>%.*s</%sLastName>",
	    prefix, librus_first_name(person), prefix, prefix,
	    librus_last_len(person), person->name, prefix);
}

/* ---- what a request says ---- */

static void
unescape(char *at)
{
	static const struct {
		const char *name;
		char is;
	} entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'},
	    {"&apos;", '\''}, {"&amp;", '&'}};
	char *out = at;

	while (*at != '\0') {
		size_t i = 0;
		while (i < 5 &&
		    strncmp(at, entities[i].name, strlen(entities[i].name)) !=
			0)
			i++;
		if (i < 5)
			at += strlen(entities[i].name);
		else
			at++;
		*out++ = i < 5 ? entities[i].is : at[-1];
	}
	*out = '\0';
}

/* The text of an element of the request, to be freed; NULL without it. */
static char *
asked(const struct exchange *x, const char *name)
{
	char tag[40];
	char *value;
	const char *from;
	const char *to;

	snprintf(tag, sizeof(tag), "<%s>", name);
	from = x->body.at != NULL ? strstr(x->body.at, tag) : NULL;
	if (from == NULL)
		return NULL;
	from += strlen(tag);
	snprintf(tag, sizeof(tag), "</%s>", name);
	to = strstr(from, tag);
	value = to != NULL ? strndup(from, (size_t)(to - from)) : NULL;
	if (value != NULL)
		unescape(value);
	return value;
}

static bool
is_service(const struct exchange *x)
{
	const char *body = text_of(&x->body);

	return strstr(body, "<service>") != NULL &&
	    strstr(body, "<data") != NULL && strstr(body, "</service>") != NULL;
}

/* ---- the way in ---- */

void
librus_xml_enter(struct exchange *x)
{
	librus_mail_handoff(x, "/AutoLogon");
}

void
librus_xml_autologon(struct exchange *x)
{
	if (librus_mail_session(x) == NULL)
		text_add(&x->out, "<h2 class=\"inside\">Brak dostępu</h2>");
	else
		text_add(&x->out,
		    "<!DOCTYPE html><html lang=\"pl\"><head><title>Wiadomości"
		    "</title></head><body><object "
		    "type=\"application/x-shockwave-flash\"></object></body>"
		    "</html>");
	reply_status(x, 200, TYPE_HTML);
}

static void
module_login(struct exchange *x)
{
	char *user = asked(x, "login");
	char *password = asked(x, "password");
	const struct account *account;

	if (login_try(x, user, password, &account) == LOGIN_OK) {
		librus_mail_open(x, account, "");
		xml_begin(x);
		xml_end(x);
	} else {
		xml_refusal(x, "Niepoprawny login i/lub hasło.");
	}
	free(user);
	free(password);
}

/* ---- lists and messages ---- */

static enum folder
asked_folder(const struct exchange *x)
{
	return strncmp(x->capture[0], "Outbox/", 7) == 0 ? FOLDER_SENT
							 : FOLDER_RECEIVED;
}

static void
get_list(struct exchange *x, const struct session *session)
{
	enum folder folder = asked_folder(x);
	char *archive = asked(x, "archive");
	struct message *m = NULL;

	xml_begin(x);
	while (!same(archive, "1") &&
	    (m = mailbox_next(x, session->account, folder, m)) != NULL) {
		text_addf(
		    &x->out, "<ArrayItem><messageId>%ld</messageId>", m->id);
		if (folder == FOLDER_SENT)
			person_elements(x, "receiver", m->to);
		else
			person_elements(x, "sender", m->from);
		element(x, "topic", m->subject);
		time_element(x, "sendDate", m->sent);
		time_element(x, "readDate", m->read);
		text_add(&x->out,
		    "<isAnyFileAttached>0</isAnyFileAttached></ArrayItem>");
	}
	free(archive);
	xml_end(x);
}

static struct message *
asked_message(struct exchange *x, const struct session *session)
{
	char *id = asked(x, "messageId");
	long number = id != NULL ? strtol(id, NULL, 10) : 0;
	struct message *m =
	    mailbox_find(x, session->account, FOLDER_RECEIVED, number);

	free(id);
	if (m != NULL && m->read == 0)
		m->read = oper_time(x->op);
	return m != NULL
	    ? m
	    : mailbox_find(x, session->account, FOLDER_SENT, number);
}

static void
get_message(struct exchange *x, const struct session *session)
{
	const struct message *m = asked_message(x, session);

	if (m == NULL) {
		xml_refusal(x, "Nie odnaleziono wiadomości.");
		return;
	}
	xml_begin(x);
	text_addf(&x->out, "<messageId>%ld</messageId>", m->id);
	element(x, "topic", m->subject);
	text_add(&x->out, "<Message>");
	text_base64(&x->out, m->body, strlen(m->body));
	text_add(&x->out, "</Message>");
	element(x, "senderId", m->from->mailbox);
	person_elements(x, "sender", m->from);
	element(x, "senderGroupId", "4");
	time_element(x, "sendDate", m->sent);
	time_element(x, "readDate", m->read);
	text_add(&x->out, "<attachments></attachments><receivers><ArrayItem>");
	element(x, "receiverId", m->to->mailbox);
	text_addf(&x->out, "<firstName>%s</firstName><lastName>%.*s</lastName>",
	    librus_first_name(m->to), librus_last_len(m->to), m->to->name);
	time_element(x, "readed", m->read);
	text_add(&x->out, "</ArrayItem></receivers>");
	xml_end(x);
}

/* ---- people ---- */

static void
get_types(struct exchange *x)
{
	static const char *const types[][2] = {{"tutors", "Wychowawcy"},
	    {"teachers", "Nauczyciele"}, {"pedagogue", "Pedagog/psycholog"},
	    {"librarian", "Bibliotekarz"}, {"admin", "Administrator szkoły"},
	    {"secretary", "Sekretariat"}, {"contactsGroups", "Grupy"}};

	xml_begin(x);
	text_add(&x->out, "<list>");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		text_addf(&x->out,
		    "<ArrayItem><id>%s</id><name>%s</name></ArrayItem>",
		    types[i][0], types[i][1]);
	text_add(&x->out, "</list>");
	xml_end(x);
}

static void
get_people(struct exchange *x)
{
	char *type = asked(x, "receiverType");
	bool populated = same(type, "teachers") || same(type, "tutors");

	xml_begin(x);
	for (const struct account *at = sim_accounts;
	     populated && at->oper != NULL; at++) {
		if (!same(at->oper, "librus"))
			continue;
		text_add(&x->out, "<ArrayItem>");
		element(x, "id", at->mailbox);
		element(x, "label", at->name);
		text_add(&x->out, "</ArrayItem>");
	}
	free(type);
	xml_end(x);
}

/* ---- sending ---- */

/* The text of an element that holds base64, to be freed; NULL without. */
static char *
asked_base64(const struct exchange *x, const char *name)
{
	char *coded = asked(x, name);
	char *text = coded != NULL ? text_unbase64(coded) : NULL;

	free(coded);
	return text;
}

/* The people of a list of ids with commas; 0 if one of them is unknown. */
static size_t
receivers(char *ids, const struct account **to)
{
	size_t n = 0;

	while (ids != NULL && n < LIBRUS_RECIPIENTS_MAX) {
		to[n] =
		    account_by_mailbox("librus", "synergia", strsep(&ids, ","));
		if (to[n++] == NULL)
			return 0;
	}
	return n;
}

static void
send_message(struct exchange *x, const struct session *session)
{
	const struct account *to[LIBRUS_RECIPIENTS_MAX];
	char *topic = asked_base64(x, "topic");
	char *typed = asked_base64(x, "message");
	char *actions = asked_base64(x, "actions");
	char *ids = asked(x, "receivers");
	size_t n = receivers(ids, to);
	struct text body = {0};
	long id = 0;

	if (topic == NULL || *topic == '\0' || typed == NULL || n == 0 ||
	    !same(actions, "<Actions/>")) {
		xml_refusal(x, "Nie można wysłać wiadomości.");
	} else {
		text_html(&body, typed);
		for (size_t i = 0; i < n; i++)
			id = mailbox_send(x, session->account, to[i], topic,
			    text_of(&body), NULL);
		text_addf(&x->out,
		    "<response><SendMessage><status>ok</status>"
		    "<data>%ld</data></SendMessage></response>",
		    id);
		xml_reply(x);
	}
	text_fini(&body);
	free(topic);
	free(typed);
	free(actions);
	free(ids);
}

/* ---- dispatch ---- */

void
librus_xml_module(struct exchange *x)
{
	const char *module = x->capture[0];
	struct session *session;

	if (!is_service(x)) {
		xml_error(x, "eBadRequest", "Niepoprawne zapytanie.");
		return;
	}
	if (same(x->path, "/module/Login")) {
		module_login(x);
		return;
	}
	session = librus_mail_session(x);
	if (session == NULL)
		xml_error(x, "eVarWhitThisNameNotExists", "Sesja wygasła.");
	else if (same(module, "Inbox/action/GetList") ||
	    same(module, "Outbox/action/GetList"))
		get_list(x, session);
	else if (same(module, "GetMessage"))
		get_message(x, session);
	else if (same(module, "Receivers/action/GetTypes"))
		get_types(x);
	else if (same(module, "Receivers/action/GetListForType"))
		get_people(x);
	else if (same(module, "SendMessage"))
		send_message(x, session);
	else
		xml_error(x, "eAccessDeny", "Brak dostępu.");
}
