/*
 * Vulcan's messages of March 2020 (uonetplus-uzytkownik). The same module
 * under its later names is in vulcan_inbox.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vulcan-int.h"

enum { LIST_ROWS = 100, RECIPIENTS_MAX = 16, FOLDER_REMOVED = 3 };

static const char no_session[] =
    "Brak uprawnień. Zaloguj się ponownie do systemu.";
static const char no_token[] = "Brak wymaganego ciastka anti-forgery";

struct session *
vulcan_mail_session(struct exchange *x)
{
	struct session *session = vulcan_party_session(x, VULCAN_MAIL);

	if (session == NULL)
		vulcan_refuse(x, no_session);
	return session;
}

struct session *
vulcan_mail_change(struct exchange *x)
{
	struct session *session = vulcan_mail_session(x);

	if (session != NULL &&
	    !vulcan_headers_right(x, session, VULCAN_VERSION)) {
		vulcan_refuse(x, no_token);
		return NULL;
	}
	return session;
}

int
vulcan_mail_unit(const struct exchange *x)
{
	return 6 + (int)(x->dep - x->op->deps);
}

void
vulcan_mail_hash(const struct account *account, struct text *hash)
{
	struct text plain = {0};

	text_addf(&plain, "%s/%s", account->deployment, account->id);
	text_base64(hash, text_of(&plain), plain.len);
	text_fini(&plain);
}

static void
add_person(struct exchange *x, const struct account *account)
{
	struct text hash = {0};

	vulcan_mail_hash(account, &hash);
	text_addf(&x->out,
	    "{\"Id\":\"%s\",\"Nazwa\":\"%s [A] - pracownik (ZSZ)\","
	    "\"IdLogin\":%s,\"IdJednostkaSprawozdawcza\":%d,\"Rola\":2,"
	    "\"PushMessage\":null,\"Hash\":\"%s\"}",
	    account->id, account->name, account->mailbox, vulcan_mail_unit(x),
	    text_of(&hash));
	text_fini(&hash);
}

void
vulcan_mail_units(struct exchange *x)
{
	const struct session *session = vulcan_mail_session(x);

	if (session == NULL)
		return;
	text_addf(&x->out,
	    "{\"success\":true,\"data\":[{\"IdJednostkaSprawozdawcza\":%d,"
	    "\"Skrot\":\"ZSZ\",\"Role\":[2],\"NazwaNadawcy\":",
	    vulcan_mail_unit(x));
	text_json(&x->out, session->account->name);
	vulcan_json(x, "}]}");
}

void
vulcan_mail_addressees(struct exchange *x)
{
	const char *unit = request_query(x, "IdJednostkaSprawozdawcza");
	const char *comma = "";

	if (vulcan_mail_session(x) == NULL)
		return;
	if (unit == NULL || strtol(unit, NULL, 10) != vulcan_mail_unit(x)) {
		vulcan_refuse(x, "Brak uprawnień do jednostki.");
		return;
	}
	text_add(&x->out, "{\"success\":true,\"data\":[");
	for (const struct account *at = sim_accounts; at->oper != NULL; at++) {
		if (!same(at->oper, "vulcan") ||
		    !same(at->deployment, x->dep->name) ||
		    !same(request_query(x, "Rola"), "2"))
			continue;
		text_add(&x->out, comma);
		add_person(x, at);
		comma = ",";
	}
	vulcan_json(x, "]}");
}

/* An addressee as the list gave it: known, and with its own hash. */
static const struct account *
addressee(struct exchange *x, const json_t *person)
{
	const struct account *account = account_by_id("vulcan", x->dep->name,
	    json_string_value(json_object_get(person, "Id")));
	const json_t *unit =
	    json_object_get(person, "IdJednostkaSprawozdawcza");
	struct text hash = {0};
	bool right;

	if (account == NULL)
		return NULL;
	if (unit == NULL) /* its later name */
		unit = json_object_get(person, "UnitId");
	vulcan_mail_hash(account, &hash);
	right = same(text_of(&hash),
		    json_string_value(json_object_get(person, "Hash"))) &&
	    json_integer_value(unit) == vulcan_mail_unit(x);
	text_fini(&hash);
	return right ? account : NULL;
}

void
vulcan_mail_insert(struct exchange *x)
{
	const struct session *session = vulcan_mail_change(x);
	const struct account *to[RECIPIENTS_MAX];
	long id = 0;

	if (session == NULL)
		return;
	/* two m: so it is spelt there */
	const json_t *letter = json_object_get(request_json(x), "incomming");
	const json_t *people = json_object_get(letter, "Adresaci");
	const char *subject =
	    json_string_value(json_object_get(letter, "Temat"));
	const char *body = json_string_value(json_object_get(letter, "Tresc"));
	size_t n = json_array_size(people);
	bool right = n > 0 && n <= RECIPIENTS_MAX && subject != NULL &&
	    *subject != '\0' && body != NULL &&
	    json_is_object(json_object_get(letter, "Nadawca")) &&
	    json_is_integer(json_object_get(letter, "Id"));
	for (size_t i = 0; right && i < n; i++) {
		to[i] = addressee(x, json_array_get(people, i));
		right = to[i] != NULL;
	}
	if (!right) {
		vulcan_refuse(x, "błąd: nieprawidłowe dane wiadomości");
		return;
	}
	for (size_t i = 0; i < n; i++)
		id = mailbox_send(
		    x, session->account, to[i], subject, body, NULL);
	text_addf(
	    &x->out, "{\"success\":true,\"data\":{\"Id\":%ld,\"Temat\":", id);
	text_json(&x->out, subject);
	text_add(&x->out, ",\"Tresc\":");
	text_json(&x->out, body);
	text_add(&x->out, ",\"Adresaci\":[");
	for (size_t i = 0; i < n; i++) {
		text_add(&x->out, i > 0 ? "," : "");
		add_person(x, to[i]);
	}
	text_add(&x->out, "],\"Nadawca\":");
	add_person(x, session->account);
	vulcan_json(x, ",\"WiadomoscPowitalna\":false}}");
}

/* A row has two numbers: its own in the box and the message's. */
long
vulcan_mail_row(const struct message *message)
{
	return message->id + 5000000;
}

static long
message_id(long number)
{
	return number > 5000000 ? number - 5000000 : number;
}

int
vulcan_mail_folder(enum vulcan_box box)
{
	return box == VULCAN_TRASH ? FOLDER_REMOVED : (int)box + 1;
}

static void
add_row(struct exchange *x, const struct message *m, enum vulcan_box box)
{
	struct text date = {0};

	text_time(&date, "%Y-%m-%d %H:%M:%S", m->sent);
	text_addf(&x->out,
	    "{\"Id\":%ld,\"IdWiadomosci\":%ld,\"Nieprzeczytana\":%s,"
	    "\"HasZalaczniki\":false,\"Data\":\"%s\",\"Tresc\":null,"
	    "\"NadawcaNazwa\":\"%s\",\"IdNadawca\":%s,\"Temat\":",
	    vulcan_mail_row(m), m->id, m->read == 0 ? "true" : "false",
	    text_of(&date), m->from->name, m->from->mailbox);
	text_json(&x->out, m->subject);
	text_addf(&x->out,
	    ",\"FolderWiadomosci\":%d,\"Adresaci\":[{\"Nazwa\":\"%s\"}]}",
	    vulcan_mail_folder(box), m->to->name);
	text_fini(&date);
}

void
vulcan_mail_list(struct exchange *x, enum vulcan_box box,
    void (*row)(
	struct exchange *x, const struct message *m, enum vulcan_box box))
{
	const struct session *session = vulcan_mail_session(x);
	const char *from = request_query(x, "dataOd");
	const char *until = request_query(x, "dataDo");
	struct vulcan_copy copy = {0};
	struct text date = {0};
	int n = 0;

	if (session == NULL)
		return;
	text_add(&x->out, "{\"success\":true,\"data\":[");
	while (
	    n < LIST_ROWS && vulcan_box_next(x, session->account, box, &copy)) {
		text_clear(&date);
		text_time(&date, "%Y-%m-%d %H:%M:%S", copy.message->sent);
		if ((from != NULL && strcmp(text_of(&date), from) < 0) ||
		    (until != NULL && strcmp(text_of(&date), until) > 0))
			continue;
		text_add(&x->out, n++ > 0 ? "," : "");
		row(x, copy.message, box);
	}
	text_fini(&date);
	vulcan_json(x, "]}");
}

void
vulcan_mail_received(struct exchange *x)
{
	vulcan_mail_list(x, VULCAN_RECEIVED, add_row);
}

void
vulcan_mail_sent(struct exchange *x)
{
	vulcan_mail_list(x, VULCAN_SENT, add_row);
}

void
vulcan_mail_removed(struct exchange *x)
{
	vulcan_mail_list(x, VULCAN_TRASH, add_row);
}

bool
vulcan_mail_find(struct exchange *x, const struct account *whose,
    json_int_t folder, json_int_t number, struct vulcan_copy *copy)
{
	enum vulcan_box box;

	if (folder < 1 || folder > FOLDER_REMOVED)
		return false;
	box = folder == FOLDER_REMOVED ? VULCAN_TRASH
				       : (enum vulcan_box)(folder - 1);
	*copy = (struct vulcan_copy){0};
	while (vulcan_box_next(x, whose, box, copy))
		if (copy->message->id == message_id((long)number))
			return true;
	return false;
}

void
vulcan_mail_details(struct exchange *x, const struct account *whose,
    json_int_t folder, const char *number)
{
	struct vulcan_copy copy;

	if (number == NULL ||
	    !vulcan_mail_find(
		x, whose, folder, strtol(number, NULL, 10), &copy)) {
		vulcan_refuse(x, "błąd: nie znaleziono wiadomości");
		return;
	}
	if (copy.folder == FOLDER_RECEIVED && copy.message->read == 0)
		copy.message->read = oper_time(x->op);
	text_addf(&x->out, "{\"success\":true,\"data\":{\"Id\":%ld,\"Tresc\":",
	    copy.message->id);
	text_json(&x->out, copy.message->body);
	vulcan_json(x, ",\"Zalaczniki\":[]}}");
}

void
vulcan_mail_text(struct exchange *x)
{
	const struct session *session = vulcan_mail_session(x);
	const char *folder = request_form(x, "Folder");

	if (session != NULL)
		vulcan_mail_details(x, session->account,
		    folder != NULL ? strtol(folder, NULL, 10) : 0,
		    request_form(x, "idWiadomosc"));
}

bool
vulcan_mail_remove(struct exchange *x, const struct account *whose,
    json_int_t folder, json_int_t number)
{
	struct vulcan_copy copy;

	if (!vulcan_mail_find(x, whose, folder, number, &copy))
		return false;
	if (folder == FOLDER_REMOVED)
		mailbox_delete(x, whose, copy.folder, copy.message->id);
	else
		vulcan_trash_put(x, whose, &copy);
	return true;
}

void
vulcan_mail_delete(struct exchange *x)
{
	const struct session *session = vulcan_mail_change(x);
	size_t done = 0;
	size_t i;
	json_t *item;

	if (session == NULL)
		return;
	json_array_foreach(request_json(x), i, item) done +=
	    vulcan_mail_remove(x, session->account,
		json_integer_value(json_object_get(item, "Folder")),
		json_integer_value(json_object_get(item, "Id")));
	if (done == 0 || done != json_array_size(request_json(x)))
		vulcan_refuse(x, "błąd: nie znaleziono wiadomości");
	else
		vulcan_json(x, "{\"success\":true,\"data\":null}");
}
