/*
 * Eszkola24. ASSUMPTION THROUGHOUT: nothing is publicly known of this
 * operator's protocol. What is played here is an older PHP register: pages
 * and forms in ISO-8859-2, which only the meta element tells, not the
 * header; a session cookie and a token in every form; tables with forms
 * between their rows.
 *
 *   GET  /logowanie   cookie es24sid; a form for searching, and the form
 *                     with hidden _csrf and akcja
 *   POST /logowanie   _csrf, akcja, uzytkownik, haslo; 302 to /panel with a
 *                     new es24sid; refused: 200 and the form again with
 *                     div.blad `Błędny login lub hasło`; wrong _csrf or
 *                     akcja, also one in another charset: 403
 *   GET  /panel       `Zalogowany użytkownik:`, form#wyloguj with _csrf
 *   GET  /oceny       table.oceny
 *   GET  /wiadomosci/nowa     form with hidden _csrf, akcja and formularz, a
 *                     number that is good for one message; select odbiorca
 *   POST /wiadomosci/wyslij   those, odbiorca, temat, tresc; 302 to
 *                     /wiadomosci/wyslane, which then shows once
 *                     `Wiadomość została wysłana`
 *   GET  /wiadomosci/odebrane, /wiadomosci/wyslane
 *                     tr.wiadomosc[data-id], and _csrf in form#usun
 *   GET  /wiadomosci/odebrane/ID
 *   POST /wiadomosci/usun     _csrf, id; 302 to /wiadomosci/odebrane
 *   POST /wyloguj     _csrf; 302 to /logowanie
 *
 * Without a session a page is a 302 to /logowanie. The token is one for the
 * whole session. Posted text is read as ISO-8859-2 like the pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "sim.h"

enum { ES24_FORM = 1, ES24_SESSION, LIST_ROWS = 50, SENT_NOTICE = 1 };

/* What is kept in the tokens of a session. */
enum { CSRF, LETTER };

static const double FORM_LIFE_S = 900;
static const double SESSION_LIFE_S = 1800;
static const char login_action[] = "Logowanie użytkownika";
static const char letter_action[] = "Wyślij wiadomość";

/* The header says nothing of the charset. */
static void
es24_finish(struct exchange *x)
{
	if (x->type == NULL || strncmp(x->type, "text/html", 9) != 0)
		return;
	x->type = "text/html";
	charset_encode(&x->out, CHARSET_LATIN2);
}

/* ---- pages ---- */

static void
page_begin(struct exchange *x, const char *title)
{
	text_addf(&x->out,
	    "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">\n"
	    "<html lang=\"pl\"><head><meta http-equiv=\"Content-Type\" "
	    "content=\"text/html; charset=iso-8859-2\"><title>%s - "
	    "eSzko&#322;a 24</title></head><body bgcolor=white>",
	    title);
	reply_status(x, 200, TYPE_HTML);
}

static void
page_end(struct exchange *x)
{
	text_add(&x->out, "</body></html>");
}

static void
add_csrf(struct exchange *x, const struct session *session)
{
	text_addf(&x->out,
	    "<input type=\"hidden\" name=\"_csrf\" value=\"%s\">",
	    session->token[CSRF]);
}

static void
add_action(struct exchange *x, const char *action)
{
	text_addf(&x->out, "<input type=hidden name=akcja value='%s'>", action);
}

static struct session *
new_session(struct exchange *x, int kind, double life_s)
{
	struct session *session = session_new(x, kind, life_s);
	char token[33];

	session_token(token);
	session_keep(session->token[CSRF], token);
	reply_cookie(x, "es24sid", session->id, "path=/; secure; HttpOnly");
	return session;
}

/* Forms between the rows of tables, hidden fields between rows, cells that
 * nobody closes: a parser that builds a tree moves them about. */
static void
show_form(struct exchange *x, const struct session *form, const char *error)
{
	page_begin(x, "Logowanie");
	text_addf(&x->out,
	    "<form id=szukaj action=/szukaj><input type=hidden name=jezyk "
	    "value=pl><input name=fraza></form>%s<center><table border=0>"
	    "<form id=\"logowanie\" method=\"post\" action=\"/logowanie\">"
	    "<tr><td>U&#380;ytkownik<td><input type=\"text\" "
	    "name=\"uzytkownik\"></tr>",
	    error);
	add_csrf(x, form);
	text_add(&x->out,
	    "<tr><td><font color=navy>Has&#322;o<td><input type=\"password\" "
	    "name=\"haslo\"></font></td></tr>");
	add_action(x, login_action);
	text_add(&x->out,
	    "<tr><td colspan=2><input type=\"submit\" "
	    "value=\"Zaloguj si&#281;\"></form></table></center>");
	page_end(x);
}

static void
login_form(struct exchange *x)
{
	const struct session *form = session_by_cookie(x, ES24_FORM, "es24sid");

	if (form == NULL)
		form = new_session(x, ES24_FORM, FORM_LIFE_S);
	show_form(x, form, "");
}

static void
form_expired(struct exchange *x)
{
	page_begin(x, "Błąd");
	text_add(&x->out,
	    "<div class=\"blad\">Formularz wygasł. Odśwież stronę.</div>");
	page_end(x);
	reply_status(x, 403, TYPE_HTML);
}

/* The token of the form; a wrong one is told and remembered by nobody. */
static bool
csrf_right(struct exchange *x, const struct session *session)
{
	if (request_form_is(x, "_csrf", session->token[CSRF]))
		return true;
	form_expired(x);
	return false;
}

/* The field `akcja` as it was given, in the charset of the page. */
static bool
action_right(struct exchange *x, const char *action)
{
	struct text told = {0};
	bool right;

	if (request_form(x, "akcja") != NULL)
		charset_decode(&told, request_form(x, "akcja"), CHARSET_LATIN2);
	right = same(text_of(&told), action);
	text_fini(&told);
	if (!right)
		form_expired(x);
	return right;
}

static void
login(struct exchange *x)
{
	struct session *form = session_by_cookie(x, ES24_FORM, "es24sid");
	const struct account *account;
	struct session *session;

	if (form == NULL) {
		login_form(x);
		return;
	}
	if (!csrf_right(x, form) || !action_right(x, login_action))
		return;
	switch (login_try(x, request_form(x, "uzytkownik"),
	    request_form(x, "haslo"), &account)) {
	case LOGIN_OK:
		break;
	case LOGIN_WRONG:
		show_form(x, form,
		    "<div class=\"blad\">Błędny login lub hasło</div>");
		return;
	case LOGIN_LOCKED:
		show_form(
		    x, form, "<div class=\"blad\">Konto zablokowane</div>");
		return;
	case LOGIN_CAPTCHA:
		show_form(x, form,
		    "<div class=\"captcha\">Przepisz kod z obrazka</div>");
		return;
	}
	session_drop(x->op, form);
	session = new_session(x, ES24_SESSION, SESSION_LIFE_S);
	session->account = account;
	reply_redirect(x, 302, "/panel");
}

static struct session *
page_session(struct exchange *x)
{
	struct session *session = session_by_cookie(x, ES24_SESSION, "es24sid");

	if (session == NULL)
		reply_redirect(x, 302, "/logowanie");
	return session;
}

static void
menu(struct exchange *x, const struct session *session, const char *title)
{
	page_begin(x, title);
	text_add(&x->out, "<div id=\"naglowek\">Zalogowany użytkownik: <b>");
	text_html(&x->out, session->account->name);
	text_add(&x->out,
	    "</b> <a href=\"/oceny\">Oceny</a> "
	    "<a href=\"/wiadomosci/odebrane\">Wiadomości</a>"
	    "<form id=\"wyloguj\" method=\"post\" action=\"/wyloguj\">");
	add_csrf(x, session);
	text_add(&x->out,
	    "<input type=\"submit\" value=\"Wyloguj się\"></form></div>");
}

static void
panel(struct exchange *x)
{
	const struct session *session = page_session(x);

	if (session == NULL)
		return;
	menu(x, session, "Panel");
	text_add(&x->out, "<h1>Dzień dobry</h1>");
	page_end(x);
}

static void
logout(struct exchange *x)
{
	struct session *session = page_session(x);

	if (session == NULL || !csrf_right(x, session))
		return;
	session_drop(x->op, session);
	reply_cookie(x, "es24sid", "-", "path=/; max-age=0");
	reply_redirect(x, 302, "/logowanie");
}

static void
grades(struct exchange *x)
{
	const struct session *session = page_session(x);

	if (session == NULL)
		return;
	menu(x, session, "Oceny");
	text_add(&x->out,
	    "<h1>Oceny cząstkowe</h1><table class=\"oceny\"><tr><th>Przedmiot"
	    "</th><th>Ocena</th><th>Kategoria</th><th>Nauczyciel</th>"
	    "<th>Data</th></tr>");
	for (const struct grade *g = sim_grades; g->id != 0; g++)
		text_addf(&x->out,
		    "<tr class=\"ocena\" id=\"ocena-%d\"><td>%s</td><td>%s</td>"
		    "<td>%s</td><td>%s</td><td>%s</td></tr>",
		    g->id, g->subject, g->mark, g->category, g->teacher,
		    g->date);
	text_add(&x->out, "</table>");
	page_end(x);
}

/* ---- messages ---- */

static void
composer(struct exchange *x)
{
	struct session *session = page_session(x);
	char number[33];

	if (session == NULL)
		return;
	session_token(number);
	session_keep(session->token[LETTER], number);
	menu(x, session, "Nowa wiadomość");
	text_add(&x->out,
	    "<table><form id=\"nowa\" method=\"post\" "
	    "action=\"/wiadomosci/wyslij\">");
	add_csrf(x, session);
	text_add(&x->out, "<tr><td><select name=\"odbiorca\">");
	for (const struct account *at = sim_accounts; at->oper != NULL; at++)
		if (same(at->oper, "eszkola24"))
			text_addf(&x->out, "<option value=\"%s\">%s", at->id,
			    at->name);
	text_addf(&x->out,
	    "</select></tr><input type=hidden name=formularz value=%s>"
	    "<tr><td><input name=\"temat\"><textarea name=\"tresc\">"
	    "</textarea></td></tr>",
	    number);
	add_action(x, letter_action);
	text_add(&x->out,
	    "<tr><td><input type=\"submit\" value=\"Wyślij\"></form></table>");
	page_end(x);
}

static void
decode_field(struct exchange *x, const char *name, struct text *text)
{
	const char *value = request_form(x, name);

	if (value != NULL)
		charset_decode(text, value, CHARSET_LATIN2);
}

/* The number of the form is good for one message, so that nothing is sent
 * twice by a second press. */
static bool
letter_right(struct exchange *x, struct session *session)
{
	if (session->token[LETTER][0] != '\0' &&
	    request_form_is(x, "formularz", session->token[LETTER]))
		return action_right(x, letter_action);
	form_expired(x);
	return false;
}

static void
send_message(struct exchange *x)
{
	struct session *session = page_session(x);
	const struct account *to;
	struct text subject = {0};
	struct text body = {0};

	if (session == NULL || !csrf_right(x, session) ||
	    !letter_right(x, session))
		return;
	to = account_by_id(
	    "eszkola24", x->dep->name, request_form(x, "odbiorca"));
	decode_field(x, "temat", &subject);
	decode_field(x, "tresc", &body);
	if (to == NULL || subject.len == 0 || body.len == 0) {
		menu(x, session, "Nowa wiadomość");
		text_add(&x->out,
		    "<div class=\"blad\">Nie wypełniono pól wiadomości</div>");
		page_end(x);
	} else {
		mailbox_send(x, session->account, to, text_of(&subject),
		    text_of(&body), NULL);
		session_keep(session->token[LETTER], "");
		session->stage = SENT_NOTICE;
		reply_redirect(x, 302, "/wiadomosci/wyslane");
	}
	text_fini(&subject);
	text_fini(&body);
}

static void
list(struct exchange *x, enum folder folder)
{
	struct session *session = page_session(x);
	struct message *m = NULL;
	int n = 0;

	if (session == NULL)
		return;
	menu(x, session, "Wiadomości");
	if (folder == FOLDER_SENT && session->stage == SENT_NOTICE)
		text_add(&x->out,
		    "<div class=\"ok\">Wiadomość została wysłana</div>");
	session->stage = 0;
	text_add(&x->out,
	    "<form id=\"usun\" method=\"post\" action=\"/wiadomosci/usun\">");
	add_csrf(x, session);
	text_add(&x->out, "<table class=\"wiadomosci\">");
	for (; n < LIST_ROWS; n++) {
		m = mailbox_next(x, session->account, folder, m);
		if (m == NULL)
			break;
		text_addf(&x->out,
		    "<tr class=\"wiadomosc\" data-id=\"%ld\"><td>%s</td>"
		    "<td><a href=\"/wiadomosci/odebrane/%ld\">",
		    m->id, folder == FOLDER_SENT ? m->to->name : m->from->name,
		    m->id);
		text_html(&x->out, m->subject);
		text_time(&x->out, "</a></td><td>%Y-%m-%d %H:%M:%S</td></tr>",
		    m->sent);
	}
	text_add(&x->out, "</table></form>");
	if (n == 0)
		text_add(&x->out, "<p>Brak wiadomości</p>");
	page_end(x);
}

static void
received(struct exchange *x)
{
	list(x, FOLDER_RECEIVED);
}

static void
sent(struct exchange *x)
{
	list(x, FOLDER_SENT);
}

static void
read_message(struct exchange *x)
{
	const struct session *session = page_session(x);
	struct message *m;

	if (session == NULL)
		return;
	m = mailbox_find(x, session->account, FOLDER_RECEIVED,
	    strtol(x->capture[0], NULL, 10));
	menu(x, session, "Wiadomość");
	if (m == NULL) {
		text_add(&x->out,
		    "<div class=\"blad\">Nie ma takiej wiadomości</div>");
	} else {
		if (m->read == 0)
			m->read = oper_time(x->op);
		text_add(&x->out, "<h1>");
		text_html(&x->out, m->subject);
		text_add(&x->out, "</h1><div class=\"tresc\">");
		text_html(&x->out, m->body);
		text_add(&x->out, "</div>");
	}
	page_end(x);
}

static void
delete_message(struct exchange *x)
{
	const struct session *session = page_session(x);
	const char *id = request_form(x, "id");
	long number = id != NULL ? strtol(id, NULL, 10) : 0;

	if (session == NULL || !csrf_right(x, session))
		return;
	if (mailbox_delete(x, session->account, FOLDER_RECEIVED, number) ||
	    mailbox_delete(x, session->account, FOLDER_SENT, number)) {
		reply_redirect(x, 302, "/wiadomosci/odebrane");
		return;
	}
	menu(x, session, "Wiadomości");
	text_add(&x->out, "<div class=\"blad\">Nie ma takiej wiadomości</div>");
	page_end(x);
}

/* ---- the break ---- */

static void
maintenance(struct exchange *x)
{
	page_begin(x, "Przerwa techniczna");
	text_add(&x->out,
	    "<h1>Przerwa techniczna</h1><p>Serwis będzie dostępny "
	    "wkrótce.</p>");
	page_end(x);
}

static int
es24_resolve(const struct exchange *x)
{
	return same(x->host, "sp7.eszkola24.example") ? 0 : -1;
}

static const struct route routes[] = {
    {"GET", NULL, "/logowanie", CLASS_LOGIN, login_form},
    {"POST", NULL, "/logowanie", CLASS_LOGIN, login},
    {"GET", NULL, "/panel", CLASS_LOGIN, panel},
    {"POST", NULL, "/wyloguj", CLASS_LOGOUT, logout},
    {"GET", NULL, "/przerwa", CLASS_PLAIN, maintenance},
    {"GET", NULL, "/oceny", CLASS_GRADES, grades},
    {"GET", NULL, "/wiadomosci/nowa", CLASS_MESSAGE, composer},
    {"POST", NULL, "/wiadomosci/wyslij", CLASS_MESSAGE, send_message},
    {"GET", NULL, "/wiadomosci/odebrane", CLASS_MESSAGE, received},
    {"GET", NULL, "/wiadomosci/wyslane", CLASS_MESSAGE, sent},
    {"GET", NULL, "/wiadomosci/odebrane/*", CLASS_MESSAGE, read_message},
    {"POST", NULL, "/wiadomosci/usun", CLASS_MESSAGE, delete_message},
    {0},
};

const struct operator_play eszkola24_play = {
    .name = "eszkola24",
    .deployments = {"sp7"},
    .routes = routes,
    .capacity_per_s = 40,
    .servers = 2,
    .peak_ratio = 0.55,
    .resolve = es24_resolve,
    .symptoms = eszkola24_symptoms,
    .finish = es24_finish,
};
