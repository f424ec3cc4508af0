/*
 * Reading in the old messages of Librus: the folders received, sent and bin
 * as HTML pages, one message, and what deletes. The same mailbox has newer
 * faces in librus_xml.c and librus_api.c; writing is in librus_compose.c.
 *
 * What the sources leave open and how it is here: a received message that is
 * deleted goes to the bin, and one that is deleted there is gone; a sent one
 * is gone at once. An empty folder has its table without the frame around it,
 * as one client looks for that frame and then for links in each row.
 */
#include <stdlib.h>
#include <string.h>

#include "librus-int.h"

static const struct {
	int number;
	const char *person;
	int columns;
} folders[] = {
    [FOLDER_RECEIVED] = {5, "Nadawca", 6},
    [FOLDER_SENT] = {6, "Adresat", 7},
    [FOLDER_TRASH] = {7, "Nadawca", 6},
};

void
librus_result_page(struct exchange *x, const struct session *session, bool good,
    const char *text)
{
	librus_user_page(x, session, "Wiadomości");
	text_addf(&x->out,
	    "<div class=\"%s container\"><div class=\"container-background\">"
	    "<p>%s</p></div></div>",
	    good ? "green" : "red", text);
	librus_page_end(x);
}

static void
folder_links(struct exchange *x)
{
	text_add(&x->out,
	    "<td class=\"message-folders\"><a href=\"/wiadomosci/2/5\">Napisz"
	    "</a><a href=\"/wiadomosci/5\">odebrane</a><a "
	    "href=\"/wiadomosci/6\">wysłane</a><a href=\"/wiadomosci/7\">kosz"
	    "</a></td>");
}

/* ---- lists ---- */

static void
person_cell(struct exchange *x, const struct message *m, enum folder folder,
    const char *style)
{
	const struct account *person = folder == FOLDER_SENT ? m->to : m->from;

	text_addf(&x->out, "<td%s><a href=\"/wiadomosci/1/%d/%ld/f0\">", style,
	    folders[folder].number, m->id);
	text_html(&x->out, person->name);
	text_add(&x->out, "</a></td>");
}

static void
row(struct exchange *x, const struct message *m, enum folder folder, int line)
{
	const char *style = folder == FOLDER_RECEIVED && m->read == 0
	    ? " style=\"font-weight: bold;\""
	    : "";

	text_addf(&x->out,
	    "<tr class=\"line%d\"><td><input type=\"checkbox\" "
	    "name=\"wiadomosciLista[]\" value=\"%ld\"></td><td></td>",
	    line % 2, m->id);
	person_cell(x, m, folder, style);
	text_addf(&x->out, "<td%s><a href=\"/wiadomosci/1/%d/%ld/f0\">", style,
	    folders[folder].number, m->id);
	text_html(&x->out, m->subject);
	text_add(&x->out, "</a></td><td>");
	text_time(&x->out, "%Y-%m-%d %H:%M:%S</td>", m->sent);
	if (folder == FOLDER_SENT && m->read == 0)
		text_add(&x->out, "<td>NIE</td>");
	else if (folder == FOLDER_SENT)
		text_time(&x->out, "<td>%Y-%m-%d %H:%M:%S</td>", m->read);
	text_add(&x->out,
	    "<td><img src=\"/images/trash.png\" alt=\"usuń\"></td></tr>");
}

static size_t
count(struct exchange *x, const struct session *session, enum folder folder)
{
	struct message *m = NULL;
	size_t n = 0;

	while ((m = mailbox_next(x, session->account, folder, m)) != NULL)
		n++;
	return n;
}

static size_t
asked_page(struct exchange *x)
{
	static const char *const names[] = {
	    "numer_strony105", "numer_strony106", "numer_strony107"};
	const char *page = NULL;

	for (size_t i = 0; i < 3 && page == NULL; i++)
		page = request_form(x, names[i]);
	return page != NULL ? strtoul(page, NULL, 10) : 0;
}

static void
rows(struct exchange *x, const struct session *session, enum folder folder,
    size_t page)
{
	struct message *m = NULL;
	size_t n = 0;

	while ((m = mailbox_next(x, session->account, folder, m)) != NULL) {
		if (n / LIBRUS_PAGE_ROWS == page)
			row(x, m, folder, (int)(n % 2));
		n++;
	}
	if (n == 0)
		text_addf(&x->out,
		    "<tr class=\"line0\"><td colspan=\"%d\">Brak wiadomości"
		    "</td></tr>",
		    folders[folder].columns);
}

static void
table_head(struct exchange *x, enum folder folder)
{
	text_addf(&x->out,
	    "<table class=\"decorated stretch\"><thead><tr><td></td><td></td>"
	    "<td>%s</td><td>Temat</td><td>Wysłano</td>%s<td></td></tr></thead>"
	    "<tfoot><tr><td colspan=\"%d\"></td></tr></tfoot><tbody>",
	    folders[folder].person,
	    folder == FOLDER_SENT ? "<td>Przeczytano</td>" : "",
	    folders[folder].columns);
}

static void
list_page(struct exchange *x, enum folder folder)
{
	struct session *session = librus_session(x);
	size_t page = asked_page(x);
	size_t total;

	if (session == NULL)
		return;
	total = count(x, session, folder);
	librus_user_page(x, session, "Wiadomości");
	text_addf(&x->out,
	    "<script>var csrfTokenValue = \"%s\";</script>"
	    "<div class=\"warning\">" LIBRUS_OLD_MAIL "</div>"
	    "<table class=\"stretch%s\"><tbody><tr>",
	    librus_csrf(session), total > 0 ? " container-message" : "");
	folder_links(x);
	text_add(&x->out, "<td>");
	table_head(x, folder);
	rows(x, session, folder, page);
	text_add(&x->out, "</tbody></table>");
	if (total >= LIBRUS_PAGE_ROWS)
		text_addf(&x->out,
		    "<div class=\"pagination\"><span>Strona&nbsp;%zu&nbsp;z"
		    "&nbsp;%zu</span></div>",
		    page + 1,
		    (total + LIBRUS_PAGE_ROWS - 1) / LIBRUS_PAGE_ROWS);
	text_add(&x->out, "</td></tr></tbody></table>");
	librus_page_end(x);
}

void
librus_received(struct exchange *x)
{
	list_page(x, FOLDER_RECEIVED);
}

void
librus_sent(struct exchange *x)
{
	list_page(x, FOLDER_SENT);
}

void
librus_trash(struct exchange *x)
{
	list_page(x, FOLDER_TRASH);
}

/* ---- one message ---- */

static void
header_row(struct exchange *x, const char *label, const char *value)
{
	text_addf(&x->out,
	    "<tr><td class=\"medium\"><b>%s</b></td><td class=\"left\">",
	    label);
	text_html(&x->out, value);
	text_add(&x->out, "</td></tr>");
}

/* Who has read it and when: the reader himself, or each of the recipients. */
static void
receipt(struct exchange *x, const struct message *m, enum folder folder)
{
	text_add(&x->out, "<table class=\"stretch\"><tbody><tr>");
	if (folder == FOLDER_SENT) {
		text_add(&x->out,
		    "<td colspan=\"3\"><b>Przeczytano</b></td></tr><tr><td>");
		text_html(&x->out, m->to->name);
	} else {
		text_add(&x->out, "<td class=\"medium\"><b>Przeczytano</b>");
	}
	text_add(&x->out, "</td><td class=\"left\">");
	if (m->read == 0)
		text_add(&x->out, "NIE");
	else
		text_time(&x->out, "%Y-%m-%d %H:%M:%S", m->read);
	text_add(&x->out, "</td></tr></tbody></table>");
}

static void
message_body(struct exchange *x, const struct message *m, enum folder folder)
{
	struct text sent = {0};

	text_time(&sent, "%Y-%m-%d %H:%M:%S", m->sent);
	text_add(
	    &x->out, "<table class=\"stretch container-message\"><tbody><tr>");
	folder_links(x);
	text_add(&x->out,
	    "<td><div class=\"message-actions\"></div>"
	    "<table class=\"stretch\"><tbody>");
	if (folder != FOLDER_SENT)
		header_row(x, "Nadawca", m->from->name);
	header_row(x, "Temat", m->subject);
	header_row(x, "Wysłano", text_of(&sent));
	text_fini(&sent);
	text_addf(&x->out,
	    "</tbody></table><div class=\"container-message-content\">%s</div>",
	    m->body);
	receipt(x, m, folder);
	text_add(&x->out, "</td></tr></tbody></table>");
}

static void
read_page(struct exchange *x, enum folder folder)
{
	struct session *session = librus_session(x);
	struct message *m;

	if (session == NULL)
		return;
	m = mailbox_find(
	    x, session->account, folder, strtol(x->capture[0], NULL, 10));
	librus_user_page(x, session, "Wiadomości");
	text_add(&x->out, "<div class=\"warning\">" LIBRUS_OLD_MAIL "</div>");
	if (m == NULL) {
		text_add(&x->out, "<p>Nie odnaleziono wiadomości.</p>");
	} else {
		if (folder != FOLDER_SENT && m->read == 0)
			m->read = oper_time(x->op);
		message_body(x, m, folder);
	}
	librus_page_end(x);
}

void
librus_read_received(struct exchange *x)
{
	read_page(x, FOLDER_RECEIVED);
}

void
librus_read_sent(struct exchange *x)
{
	read_page(x, FOLDER_SENT);
}

void
librus_read_trash(struct exchange *x)
{
	read_page(x, FOLDER_TRASH);
}

/* ---- deleting ---- */

static bool
delete_from(struct exchange *x, const struct session *session,
    enum folder folder, const char *id)
{
	long number = strtol(id, NULL, 10);

	if (folder == FOLDER_RECEIVED)
		return mailbox_trash(x, session->account, number);
	return mailbox_delete(x, session->account, folder, number);
}

/*
 * The page asks "are you sure?", and this is the answer Tak. It names the
 * message; clients are not at one what poprzednia says, so it is looked for
 * in each folder of whoever asks.
 */
static bool
delete_one(struct exchange *x, const struct session *session, const char *id)
{
	bool done = delete_from(x, session, FOLDER_SENT, id);

	if (delete_from(x, session, FOLDER_RECEIVED, id))
		return true;
	return delete_from(x, session, FOLDER_TRASH, id) || done;
}

void
librus_delete(struct exchange *x)
{
	const struct session *session;
	bool done;

	librus_take_json(x);
	if (request_form(x, "tak") == NULL) {
		list_page(x, FOLDER_RECEIVED); /* its pages are asked for so */
		return;
	}
	session = librus_session(x);
	if (session == NULL)
		return;
	done = request_form(x, "Wid") != NULL &&
	    request_form_is(x, "tak", "Tak") && request_form_is(x, "id", "1") &&
	    delete_one(x, session, request_form(x, "Wid"));
	librus_result_page(x, session, done,
	    done ? "Wiadomość została usunięta."
		 : "Wiadomość nie została usunięta.");
}

/* The messages named in wiadomosciLista[], for `act`; false if one fails. */
static bool
each_named(struct exchange *x, const struct session *session,
    bool (*act)(
	struct exchange *x, const struct session *session, const char *id))
{
	const char *id;
	size_t i;

	for (i = 0;; i++) {
		id = request_form_nth(x, "wiadomosciLista[]", i);
		if (id == NULL)
			return i > 0;
		if (!act(x, session, id))
			return false;
	}
}

static bool
delete_of_folder(
    struct exchange *x, const struct session *session, const char *id)
{
	for (enum folder at = FOLDER_RECEIVED; at <= FOLDER_TRASH; at++) {
		const char *folder = request_form(x, "folder");
		if (folder != NULL &&
		    strtol(folder, NULL, 10) == folders[at].number)
			return delete_from(x, session, at, id);
	}
	return false;
}

static bool
restore(struct exchange *x, const struct session *session, const char *id)
{
	return mailbox_restore(x, session->account, strtol(id, NULL, 10));
}

static void
many(struct exchange *x,
    bool (*act)(
	struct exchange *x, const struct session *session, const char *id))
{
	const struct session *session = librus_session(x);

	if (session == NULL)
		return;
	if (!librus_requestkey_fits(x, session))
		librus_json(x, 403, "{\"error\":\"requestkey\"}");
	else if (each_named(x, session, act))
		librus_json(x, 200, "{\"status\":\"ok\"}");
	else
		librus_json(x, 200, "{\"status\":\"error\"}");
}

void
librus_delete_many(struct exchange *x)
{
	many(x, delete_of_folder);
}

void
librus_restore_many(struct exchange *x)
{
	many(x, restore);
}
