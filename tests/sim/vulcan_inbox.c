/*
 * Vulcan's messages (uonetplus-uzytkownik) under the names that they had from
 * April 2020 to 2022: the same boxes as in vulcan_mail.c. Deleting names the
 * folder and the numbers; the folder in the address is what counts here.
 */
#include <string.h>

#include "vulcan-int.h"

static void
add_person(struct exchange *x, const struct account *account)
{
	struct text hash = {0};

	vulcan_mail_hash(account, &hash);
	text_addf(&x->out,
	    "{\"Id\":\"%s\",\"Name\":\"%s [A] - pracownik (ZSZ)\","
	    "\"IdLogin\":%s,\"UnitId\":%d,\"Role\":2,\"Unreaded\":false,"
	    "\"Date\":null,\"PushMessage\":null,\"Hash\":\"%s\"}",
	    account->id, account->name, account->mailbox, vulcan_mail_unit(x),
	    text_of(&hash));
	text_fini(&hash);
}

void
vulcan_inbox_people(struct exchange *x)
{
	const char *comma = "";

	if (vulcan_mail_session(x) == NULL)
		return;
	text_add(&x->out, "{\"success\":true,\"data\":[");
	for (const struct account *at = sim_accounts; at->oper != NULL; at++) {
		if (!same(at->oper, "vulcan") ||
		    !same(at->deployment, x->dep->name))
			continue;
		text_add(&x->out, comma);
		add_person(x, at);
		comma = ",";
	}
	vulcan_json(x, "]}");
}

static void
add_row(struct exchange *x, const struct message *m, enum vulcan_box box)
{
	bool read = m->read != 0;

	text_addf(&x->out,
	    "{\"Id\":%ld,\"IdWiadomosci\":%ld,\"Nieprzeczytana\":%s,"
	    "\"Nieprzeczytane\":%d,\"Przeczytane\":%d,\"Tresc\":null,",
	    vulcan_mail_row(m), m->id, read ? "false" : "true", !read, read);
	text_time(
	    &x->out, "\"Data\":\"%Y-%m-%d %H:%M:%S\",\"Temat\":", m->sent);
	text_json(&x->out, m->subject);
	text_add(&x->out, ",\"Nadawca\":");
	add_person(x, m->from);
	text_add(&x->out, ",\"Adresaci\":[");
	add_person(x, m->to);
	text_addf(&x->out, "],\"HasZalaczniki\":false,\"FolderWiadomosci\":%d}",
	    vulcan_mail_folder(box));
}

void
vulcan_inbox_received(struct exchange *x)
{
	vulcan_mail_list(x, VULCAN_RECEIVED, add_row);
}

void
vulcan_inbox_sent(struct exchange *x)
{
	vulcan_mail_list(x, VULCAN_SENT, add_row);
}

void
vulcan_inbox_removed(struct exchange *x)
{
	vulcan_mail_list(x, VULCAN_TRASH, add_row);
}

static void
details(struct exchange *x, enum vulcan_box box)
{
	const struct session *session = vulcan_mail_session(x);

	if (session != NULL)
		vulcan_mail_details(x, session->account,
		    vulcan_mail_folder(box), request_form(x, "messageId"));
}

void
vulcan_inbox_received_text(struct exchange *x)
{
	details(x, VULCAN_RECEIVED);
}

void
vulcan_inbox_sent_text(struct exchange *x)
{
	details(x, VULCAN_SENT);
}

void
vulcan_inbox_removed_text(struct exchange *x)
{
	details(x, VULCAN_TRASH);
}

/* DeleteInboxMessages, DeleteOutboxMessages, DeleteTrashboxMessages */
void
vulcan_inbox_delete(struct exchange *x)
{
	const struct session *session = vulcan_mail_change(x);
	const json_t *numbers = json_object_get(request_json(x), "messages");
	enum vulcan_box box = strstr(x->path, "Outbox") != NULL ? VULCAN_SENT
	    : strstr(x->path, "Trashbox") != NULL               ? VULCAN_TRASH
						  : VULCAN_RECEIVED;
	size_t done = 0;
	size_t i;
	json_t *number;

	if (session == NULL)
		return;
	json_array_foreach(numbers, i, number) done +=
	    vulcan_mail_remove(x, session->account, vulcan_mail_folder(box),
		json_integer_value(number));
	if (done == 0 || done != json_array_size(numbers))
		vulcan_refuse(x, "błąd: nie znaleziono wiadomości");
	else
		vulcan_json(x, "{\"success\":true,\"data\":null}");
}
