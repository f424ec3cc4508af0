/*
 * The messages of mobiDziennik: composing, the two boxes, reading, search.
 * How a message is deleted is not publicly known, so nothing deletes one.
 */
#include <stdlib.h>
#include <string.h>

#include "wizja-int.h"

enum { LIST_ROWS = 50, RECIPIENTS_MAX = 16 };

#define ROLE "rodzic"

static bool
is_here(const struct exchange *x, const struct account *at)
{
	return same(at->oper, "wizja") && same(at->deployment, x->dep->name);
}

static void
add_people(struct exchange *x)
{
	const char *comma = "";

	text_add(&x->out, "\"dane\":[");
	for (const struct account *at = sim_accounts; at->oper != NULL; at++) {
		if (!is_here(x, at))
			continue;
		text_addf(&x->out, "%s{\"id\":\"%s\",\"nazwa\":\"%s\"}", comma,
		    at->id, at->name);
		comma = ",";
	}
	text_add(&x->out, "]");
}

/* The list is one line of a script, and some groups hold lists of lists. */
void
wizja_mobile_composer(struct exchange *x)
{
	const struct session *session = wizja_page_session(x);

	if (session == NULL)
		return;
	wizja_menu(x, session, "nowa wiadomość");
	text_add(&x->out,
	    "<script type=\"text/javascript\">\n<!--\nvar okno = {\n"
	    "odbiorcy: [{\"typ\":2,\"nazwa\":\"Nauczyciele\",");
	add_people(x);
	text_add(&x->out,
	    "},{\"typ\":4,\"nazwa\":\"Uczniowie\",\"dane\":[{\"lista\":true,"
	    "\"nazwa\":\"5b\",");
	add_people(x);
	text_add(&x->out, "}]}],\nwybrani: [],\n};\n//-->\n</script>");
	wizja_footer(x, session);
}

/* As in the list of the mobile page, teachers and pupils. */
void
wizja_recipients(struct exchange *x)
{
	const char *type = request_form(x, "typ");

	if (wizja_ajax_session(x) == NULL)
		return;
	reply_status(x, 200, TYPE_HTML);
	if (!same(type, "2") && !same(type, "4")) {
		text_add(&x->out, "<p>Brak odbiorców</p>");
		return;
	}
	for (const struct account *at = sim_accounts; at->oper != NULL; at++) {
		if (!is_here(x, at))
			continue;
		text_addf(&x->out,
		    "<label class=\"label1\"><input type=\"checkbox\" "
		    "name=\"odbiorcy[]\" value=\"%s\">"
		    "<span class=\"nazwa-uzytkownika\">%s</span></label>",
		    at->id, at->name);
	}
}

/* A form between the rows of its table, with hidden fields among them. */
void
wizja_composer(struct exchange *x)
{
	const struct session *session = wizja_page_session(x);

	if (session == NULL)
		return;
	wizja_menu(x, session, "nowa wiadomość");
	text_add(&x->out,
	    "<table class=\"formularz\"><form method=\"post\" "
	    "enctype=\"application/x-www-form-urlencoded\" "
	    "action=\"");
	wizja_base(x);
	text_add(&x->out,
	    "/dziennik/dodajwiadomosc\"><tr><td>Tytu&#322;:<td>"
	    "<input type=\"text\" name=\"nazwa\"></tr>"
	    "<input type=\"hidden\" name=\"widok_odbiorcow\" value=\"1\">"
	    "<tr><td>Tre&#347;&#263;:<td><textarea name=\"tresc\"></textarea>"
	    "<input type=\"hidden\" name=\"typodbiorcow\" value=\"2\">"
	    "<tr><td><input type=\"file\" name=\"file\"></td></tr>"
	    "<tr><td><input type=\"submit\" value=\"Wy&#347;lij\"></td></tr>"
	    "</form></table>");
	wizja_footer(x, session);
}

void
wizja_send_message(struct exchange *x)
{
	const struct session *session = wizja_page_session(x);
	const struct account *to[RECIPIENTS_MAX];
	const char *subject = request_form(x, "nazwa");
	const char *body = request_form(x, "tresc");
	const char *id;
	size_t n = 0;
	bool right = subject != NULL && *subject != '\0' && body != NULL;

	if (session == NULL)
		return;
	while (right && n < RECIPIENTS_MAX) {
		id = request_form_nth(x, "odbiorcy[]", n);
		if (id == NULL)
			break;
		to[n] = account_by_id("wizja", x->dep->name, id);
		right = to[n++] != NULL;
	}
	wizja_menu(x, session, "nowa wiadomość");
	if (right && n > 0) {
		for (size_t i = 0; i < n; i++)
			mailbox_send(
			    x, session->account, to[i], subject, body, NULL);
		text_add(&x->out,
		    "<div class=\"wiadomosc_ok\">Wiadomość została wysłana."
		    "</div>");
	} else {
		text_add(&x->out,
		    "<div class=\"error\">Nie wybrano odbiorców wiadomości."
		    "</div>");
	}
	wizja_footer(x, session);
}

/* Short times without a year, as in the lists: "pt, 4 lut, 09:11". */
static void
add_short_time(struct text *text, time_t when)
{
	static const char *const days[] = {
	    "nd", "pn", "wt", "śr", "cz", "pt", "sb"};
	static const char *const months[] = {"sty", "lut", "mar", "kwi", "maj",
	    "cze", "lip", "sie", "wrz", "paź", "lis", "gru"};
	struct tm tm;

	localtime_r(&when, &tm);
	text_addf(text, "%s, %d %s, %02d:%02d", days[tm.tm_wday], tm.tm_mday,
	    months[tm.tm_mon], tm.tm_hour, tm.tm_min);
}

static void
add_received(struct exchange *x, const struct message *m)
{
	text_addf(&x->out,
	    "</td><td></td><td>&#9734;</td><td>%s <small>(" ROLE
	    ")</small></td><td>",
	    m->from->name);
	add_short_time(&x->out, m->sent);
	text_addf(&x->out,
	    "</td><td><span class=\"%s\">%s</span></td>"
	    "<td style=\"text-align:center;\"><input "
	    "name=\"skasuj_odebrane[]\" "
	    "rel=\"%ld\" type=\"checkbox\" value=\"%ld\"></td></tr>\n",
	    m->read != 0 ? "wiadomosc_przeczytana" : "wiadomosc_nieprzeczytana",
	    m->read != 0 ? "Tak" : "Nie", m->id, m->id);
}

static void
add_sent(struct exchange *x, const struct message *m)
{
	text_addf(&x->out,
	    "</td><td></td><td><a href=\"javascript:;\"><span>%s</span></a>"
	    "</td><td>",
	    m->to->name);
	add_short_time(&x->out, m->sent);
	text_addf(&x->out, "</td><td>%d/1</td></tr>\n", m->read != 0);
}

static void
add_row(struct exchange *x, const struct message *m, enum folder folder)
{
	text_addf(&x->out, "<tr class=\"podswietl\" rel=\"%ld\"><td>", m->id);
	text_html(&x->out, m->subject);
	if (folder == FOLDER_RECEIVED)
		add_received(x, m);
	else
		add_sent(x, m);
}

/* One page of the list; how many messages there are in all. */
static int
add_rows(struct exchange *x, const struct account *whose, enum folder folder,
    int page)
{
	struct message *m = mailbox_next(x, whose, folder, NULL);
	int n = 0;

	for (; m != NULL; n++) {
		if (n / LIST_ROWS == page - 1)
			add_row(x, m, folder);
		m = mailbox_next(x, whose, folder, m);
	}
	return n;
}

static void
list(struct exchange *x, enum folder folder, const char *page)
{
	const struct session *session = wizja_page_session(x);
	int n;

	if (session == NULL)
		return;
	wizja_menu(x, session, "wiadomości");
	text_add(&x->out,
	    "<table class=\"spis\"><tr class=\"naglowek\"><th>Temat</th>"
	    "</tr>\n");
	n = add_rows(x, session->account, folder,
	    page != NULL ? (int)strtol(page, NULL, 10) : 1);
	text_add(&x->out, "</table><div class=\"stronnicowanie\">");
	for (int i = 1; (i - 1) * LIST_ROWS < n; i++)
		text_addf(&x->out, "<a href=\"?odebrane=%d\">%d</a>", i, i);
	text_addf(&x->out, "</div>%s",
	    n > 0 ? ""
		: folder == FOLDER_RECEIVED
		? "<p>Brak wiadomości odebranych.</p>"
		: "<p>Brak wiadomości wysłanych.</p>");
	wizja_footer(x, session);
}

void
wizja_received(struct exchange *x)
{
	list(x, FOLDER_RECEIVED, request_query(x, "odebrane"));
}

void
wizja_sent(struct exchange *x)
{
	list(x, FOLDER_SENT, NULL);
}

static struct message *
asked_message(
    struct exchange *x, const struct session *session, enum folder folder)
{
	const char *id = request_query(x, "id");

	return id != NULL
	    ? mailbox_find(x, session->account, folder, strtol(id, NULL, 10))
	    : NULL;
}

/* The text is HTML that its sender made; the particulars come last in it. */
static void
add_received_text(struct exchange *x, const struct message *m)
{
	text_add(&x->out, "<h1>");
	text_html(&x->out, m->subject);
	text_addf(&x->out,
	    "</h1><div class=\"wiadomosc_tresc\">%s<div class=\"szary\">"
	    "nadawca: %s (" ROLE ")<br />czas wysłania: ",
	    m->body, m->from->name);
	wizja_long_time(&x->out, m->sent);
	text_add(&x->out, "<br />czas przeczytania: ");
	wizja_long_time(&x->out, m->read);
	text_addf(&x->out,
	    "</div></div><table class=\"spis\"><tr class=\"naglowek\">"
	    "<th>Odbiorca</th><th>Typ</th></tr><tr><td>%s</td><td>" ROLE
	    "</td></tr></table>",
	    m->to->name);
}

void
wizja_read_received(struct exchange *x)
{
	const struct session *session = wizja_page_session(x);
	struct message *m;

	if (session == NULL)
		return;
	m = asked_message(x, session, FOLDER_RECEIVED);
	wizja_menu(x, session, "wiadomość");
	if (m != NULL) {
		if (m->read == 0)
			m->read = oper_time(x->op);
		add_received_text(x, m);
	} else {
		text_add(&x->out, "<p>Nie ma takiej wiadomości.</p>");
	}
	wizja_footer(x, session);
}

static void
add_sent_text(struct exchange *x, const struct message *m)
{
	text_add(&x->out, "<h1>");
	text_html(&x->out, m->subject);
	text_addf(&x->out,
	    "</h1><div class=\"wiadomosc_tresc\">%s</div>"
	    "<table class=\"spis\"><tr class=\"naglowek\"><th>Lp.</th>"
	    "<th>Odbiorca</th></tr><tr><td>1</td><td>%s</td><td>" ROLE
	    "</td><td></td><td>%s</td><td>",
	    m->body, m->to->name, m->read != 0 ? "tak" : "nie");
	if (m->read != 0) {
		text_add(&x->out, "<small>");
		wizja_long_time(&x->out, m->read);
		text_add(&x->out, "</small>");
	}
	text_add(&x->out, "</td></tr></table>");
}

void
wizja_read_sent(struct exchange *x)
{
	const struct session *session = wizja_page_session(x);
	const struct message *m;

	if (session == NULL)
		return;
	m = asked_message(x, session, FOLDER_SENT);
	wizja_menu(x, session, "wiadomość");
	if (m != NULL)
		add_sent_text(x, m);
	else
		text_add(&x->out, "<p>Nie ma takiej wiadomości.</p>");
	wizja_footer(x, session);
}

static void
search_in(struct exchange *x, const struct session *session, enum folder folder,
    const char *wanted)
{
	struct message *m = NULL;

	for (int n = 0; n < LIST_ROWS;) {
		m = mailbox_next(x, session->account, folder, m);
		if (m == NULL)
			return;
		if (strstr(m->subject, wanted) == NULL)
			continue;
		n++;
		text_addf(&x->out,
		    "<tr class=\"podswietl\" rel=\"%s?id=%ld\"><td>"
		    "<div class=\"ellipsis\">",
		    folder == FOLDER_SENT ? "wiadwyslana" : "wiadodebrana",
		    m->id);
		text_html(&x->out, m->subject);
		text_time(
		    &x->out, "</div></td><td>%Y-%m-%d %H:%M</td>", m->sent);
		text_addf(&x->out,
		    "<td><img src=\"/grafika/mail_%s.png\"></td><td>"
		    "<div class=\"autoTooltip\">%s</div></td></tr>\n",
		    folder == FOLDER_SENT ? "send" : "receive",
		    folder == FOLDER_SENT ? m->to->name : m->from->name);
	}
}

/* Nothing but blanks finds all. */
void
wizja_search(struct exchange *x)
{
	const struct session *session = wizja_page_session(x);
	const char *wanted = request_query(x, "q");

	if (session == NULL)
		return;
	wizja_menu(x, session, "wyszukiwarka");
	if (wanted != NULL && *wanted != '\0') {
		wanted += strspn(wanted, " ");
		text_add(&x->out, "<table class=\"spis\">");
		search_in(x, session, FOLDER_RECEIVED, wanted);
		search_in(x, session, FOLDER_SENT, wanted);
		text_add(&x->out, "</table>");
	}
	wizja_footer(x, session);
}
