/*
 * Messages since 2022 (uonetplus-wiadomosciplus, dziennik-wiadomosci,
 * wiadomosci.eduvulcan.pl): `api/...` in JSON, boxes and copies named by UUID.
 * A message is sent with a key that its sender made up; that of the
 * recipient's copy is the server's.
 *
 * What the sources leave open and how it is here: sending, marking and moving
 * are answered with 204; what was wrong is HTTP 200 with `success: false`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vulcan-int.h"

enum { PAGE_MAX = 200, RECIPIENTS_MAX = 16 };

/* typUzytkownika of a parent */
enum { TYPE_PARENT = 2 };

static void
no_content(struct exchange *x)
{
	text_clear(&x->out);
	reply_status(x, 204, NULL);
}

static void
add_name(struct exchange *x, const struct account *account)
{
	struct text name = {0};

	text_addf(&name, "%s - P - (ZSZ)", account->name);
	text_json(&x->out, text_of(&name));
	text_fini(&name);
}

/* 2026-09-17T12:50:20.000+02:00 */
static void
add_time(struct exchange *x, time_t when)
{
	struct text text = {0};

	text_time(&text, "%Y-%m-%dT%H:%M:%S.000%z", when);
	text_addf(&x->out, "\"%.*s:%s\"", (int)text.len - 2, text_of(&text),
	    text_of(&text) + text.len - 2);
	text_fini(&text);
}

/* ---- boxes and people ---- */

void
vulcan_box_boxes(struct exchange *x)
{
	const struct session *session = vulcan_app_session(x);
	char key[VULCAN_UUID_SIZE];
	struct text name = {0};

	if (session == NULL)
		return;
	vulcan_box_key(key, session->account);
	text_addf(
	    &name, "%s - R - Testowy Test - (ZSZ)", session->account->name);
	text_addf(&x->out, "[{\"globalKey\":\"%s\",\"nazwa\":", key);
	text_json(&x->out, text_of(&name));
	text_addf(&x->out, ",\"typUzytkownika\":%d}]", TYPE_PARENT);
	text_fini(&name);
	vulcan_json(x, "");
}

/* True if the box asked for is the visitor's; else it was answered. */
static bool
own_box(struct exchange *x, const struct session *session, const char *key)
{
	char own[VULCAN_UUID_SIZE];

	vulcan_box_key(own, session->account);
	if (same(key, own))
		return true;
	vulcan_refuse(x, "Brak uprawnień do skrzynki.");
	return false;
}

void
vulcan_box_people(struct exchange *x)
{
	const struct session *session = vulcan_app_session(x);
	const char *comma = "";

	if (session == NULL ||
	    !own_box(x, session, request_query(x, "globalKeySkrzynka")))
		return;
	text_add(&x->out, "[");
	for (const struct account *at = sim_accounts; at->oper != NULL; at++) {
		char key[VULCAN_UUID_SIZE];
		if (!same(at->oper, "vulcan") ||
		    !same(at->deployment, x->dep->name))
			continue;
		vulcan_box_key(key, at);
		text_addf(&x->out,
		    "%s{\"skrzynkaGlobalKey\":\"%s\",\"nazwa\":", comma, key);
		add_name(x, at);
		text_add(&x->out, "}");
		comma = ",";
	}
	vulcan_json(x, "]");
}

/* ---- lists ---- */

static long
query_number(struct exchange *x, const char *name, long without)
{
	const char *text = request_query(x, name);

	return text != NULL ? strtol(text, NULL, 10) : without;
}

static void
add_row(struct exchange *x, const struct session *session,
    const struct vulcan_copy *copy)
{
	const struct message *m = copy->message;
	bool sent = copy->folder == FOLDER_SENT;
	char key[VULCAN_UUID_SIZE];

	vulcan_copy_key(key, session->account, copy);
	text_addf(&x->out, "{\"apiGlobalKey\":\"%s\",\"korespondenci\":", key);
	add_name(x, sent ? m->to : m->from);
	text_add(&x->out, ",\"temat\":");
	text_json(&x->out, m->subject);
	text_add(&x->out, ",\"data\":");
	add_time(x, m->sent);
	text_add(&x->out, ",\"skrzynka\":");
	add_name(x, session->account);
	text_addf(&x->out,
	    ",\"hasZalaczniki\":false,\"przeczytana\":%s,"
	    "\"nieprzeczytanePrzeczytanePrzez\":%s,\"wazna\":false,"
	    "\"wycofana\":false,\"odpowiedziana\":false,\"przekazana\":false,"
	    "\"uzytkownikRola\":%d,\"id\":%ld}",
	    sent || m->read != 0 ? "true" : "false",
	    !sent              ? "null"
		: m->read != 0 ? "\"0/1\""
			       : "\"1/0\"",
	    TYPE_PARENT, m->id);
}

static void
list(struct exchange *x, enum vulcan_box box)
{
	const struct session *session = vulcan_app_session(x);
	const char *key = request_query(x, "globalKeySkrzynka");
	long last = query_number(x, "idLastWiadomosc", 0);
	long room = query_number(x, "pageSize", 50);
	struct vulcan_copy copy = {0};
	const char *comma = "";

	if (session == NULL)
		return;
	/* without a box it is the list of all one's boxes */
	if (strstr(x->path, "Skrzynka") != NULL && !own_box(x, session, key))
		return;
	if (room > PAGE_MAX)
		room = PAGE_MAX;
	text_add(&x->out, "[");
	while (room > 0 && vulcan_box_next(x, session->account, box, &copy)) {
		if (last > 0 && copy.message->id >= last)
			continue;
		text_add(&x->out, comma);
		add_row(x, session, &copy);
		comma = ",";
		room--;
	}
	vulcan_json(x, "]");
}

void
vulcan_box_received(struct exchange *x)
{
	list(x, VULCAN_RECEIVED);
}

void
vulcan_box_sent(struct exchange *x)
{
	list(x, VULCAN_SENT);
}

void
vulcan_box_removed(struct exchange *x)
{
	list(x, VULCAN_TRASH);
}

void
vulcan_box_unread(struct exchange *x)
{
	const struct session *session = vulcan_app_session(x);
	struct vulcan_copy copy = {0};
	char key[VULCAN_UUID_SIZE];
	int n = 0;

	if (session == NULL)
		return;
	while (vulcan_box_next(x, session->account, VULCAN_RECEIVED, &copy))
		n += copy.message->read == 0;
	vulcan_box_key(key, session->account);
	text_addf(&x->out, "[{\"globalKey\":\"%s\",\"liczbaWiadomosci\":%d}]",
	    key, n);
	vulcan_json(x, "");
}

/* ---- one message ---- */

/* The copy named by `key`; else it was answered. */
static bool
find(struct exchange *x, const struct session *session, const char *key,
    struct vulcan_copy *copy)
{
	if (vulcan_box_find(x, session->account, -1, key, copy))
		return true;
	vulcan_refuse(x, "błąd: nie znaleziono wiadomości");
	return false;
}

void
vulcan_box_details(struct exchange *x)
{
	const struct session *session = vulcan_app_session(x);
	const char *key = request_query(x, "apiGlobalKey");
	struct vulcan_copy copy;

	if (session == NULL || !find(x, session, key, &copy))
		return;
	text_add(&x->out, "{\"data\":");
	add_time(x, copy.message->sent);
	text_addf(&x->out, ",\"apiGlobalKey\":\"%s\",\"nadawca\":", key);
	add_name(x, copy.message->from);
	text_add(&x->out, ",\"odbiorcy\":[");
	add_name(x, copy.message->to);
	text_add(&x->out, "],\"temat\":");
	text_json(&x->out, copy.message->subject);
	text_add(&x->out, ",\"tresc\":");
	text_json(&x->out, copy.message->body);
	text_addf(&x->out, ",\"odczytana\":%s,\"zalaczniki\":[],\"id\":%ld}",
	    copy.message->read != 0 ? "true" : "false", copy.message->id);
	vulcan_json(x, "");
}

void
vulcan_box_mark(struct exchange *x)
{
	const struct session *session = vulcan_app_change(x);
	struct vulcan_copy copy;

	if (session == NULL ||
	    !find(x, session, request_json_string(x, "apiGlobalKey"), &copy))
		return;
	if (copy.folder == FOLDER_RECEIVED && copy.message->read == 0)
		copy.message->read = oper_time(x->op);
	no_content(x);
}

void
vulcan_box_reply(struct exchange *x)
{
	const struct session *session = vulcan_app_session(x);
	const char *key = request_query(x, "apiGlobalKey");
	struct vulcan_copy copy;
	char own[VULCAN_UUID_SIZE];
	char theirs[VULCAN_UUID_SIZE];

	if (session == NULL || !find(x, session, key, &copy))
		return;
	vulcan_box_key(own, session->account);
	vulcan_box_key(theirs, copy.message->from);
	text_add(&x->out, "{\"data\":");
	add_time(x, copy.message->sent);
	text_addf(&x->out,
	    ",\"apiGlobalKey\":\"%s\",\"uzytkownikSkrzynkaGlobalKey\":\"%s\","
	    "\"nadawcaSkrzynkaGlobalKey\":\"%s\",\"nadawcaSkrzynkaNazwa\":",
	    key, own, theirs);
	add_name(x, copy.message->from);
	text_addf(&x->out,
	    ",\"adresaci\":[{\"skrzynkaGlobalKey\":\"%s\",\"nazwa\":", own);
	add_name(x, session->account);
	text_add(&x->out, "}],\"temat\":");
	text_json(&x->out, copy.message->subject);
	text_add(&x->out, ",\"tresc\":");
	text_json(&x->out, copy.message->body);
	text_addf(&x->out, ",\"zalaczniki\":[],\"id\":%ld}", copy.message->id);
	vulcan_json(x, "");
}

/* ---- changes ---- */

void
vulcan_box_send(struct exchange *x)
{
	const struct session *session = vulcan_app_change(x);
	const json_t *letter = request_json(x);
	const json_t *people =
	    json_object_get(letter, "adresaciSkrzynkiGlobalKeys");
	const char *subject = request_json_string(x, "tytul");
	const char *body = request_json_string(x, "tresc");
	const char *key = request_json_string(x, "globalKey");
	const struct account *to[RECIPIENTS_MAX];
	size_t n = json_array_size(people);

	if (session == NULL ||
	    !own_box(
		x, session, request_json_string(x, "nadawcaSkrzynkaGlobalKey")))
		return;
	bool right = n > 0 && n <= RECIPIENTS_MAX && subject != NULL &&
	    *subject != '\0' && body != NULL && vulcan_is_uuid(key) &&
	    vulcan_is_uuid(request_json_string(x, "watekGlobalKey"));
	for (size_t i = 0; right && i < n; i++) {
		to[i] = vulcan_account_by_box(
		    x, json_string_value(json_array_get(people, i)));
		right = to[i] != NULL;
	}
	if (!right) {
		vulcan_refuse(x, "błąd: nieprawidłowe dane wiadomości");
		return;
	}
	for (size_t i = 0; i < n; i++)
		mailbox_send(x, session->account, to[i], subject, body, key);
	no_content(x);
}

/* Does something to each copy of the list of keys that was posted. */
static void
for_each(struct exchange *x, int box,
    void (*act)(struct exchange *x, const struct account *whose,
	const struct vulcan_copy *copy))
{
	const struct session *session = vulcan_app_change(x);
	const json_t *keys = request_json(x);
	struct vulcan_copy copy;
	size_t done = 0;
	size_t i;
	json_t *key;

	if (session == NULL)
		return;
	json_array_foreach(keys, i, key)
	{
		if (!vulcan_box_find(x, session->account, box,
			json_string_value(key), &copy))
			continue;
		act(x, session->account, &copy);
		done++;
	}
	if (done == 0 || done != json_array_size(keys))
		vulcan_refuse(x, "błąd: nie znaleziono wiadomości");
	else
		no_content(x);
}

static void
erase(struct exchange *x, const struct account *whose,
    const struct vulcan_copy *copy)
{
	mailbox_delete(x, whose, copy->folder, copy->message->id);
}

void
vulcan_box_move_trash(struct exchange *x)
{
	for_each(x, -1, vulcan_trash_put);
}

void
vulcan_box_restore_trash(struct exchange *x)
{
	for_each(x, VULCAN_TRASH, vulcan_trash_restore);
}

void
vulcan_box_delete(struct exchange *x)
{
	for_each(x, -1, erase);
}
