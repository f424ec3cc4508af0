/*
 * Helion. ASSUMPTION THROUGHOUT: nothing is publicly known of this
 * operator's protocol. What is played here has the shape of other small
 * Polish registers (ASP.NET pages in windows-1250, JSON services in UTF-8),
 * made strict so that a client has to do what such systems demand:
 *
 *   GET  /login.aspx   cookie ASP.NET_SessionId; a form with the hidden
 *                      fields __EVENTTARGET, __EVENTARGUMENT, __VIEWSTATE,
 *                      __VIEWSTATEGENERATOR, __EVENTVALIDATION
 *   POST /login.aspx   those fields as given (their values have entities),
 *                      ctl00$Tresc$TextBoxLogin, ctl00$Tresc$TextBoxHaslo,
 *                      ctl00$Tresc$ButtonZaloguj=Zaloguj;
 *                      302 to /start.aspx and cookie .ASPXAUTH;
 *                      refused: 200, the form again, span#spanErrorMessage;
 *                      changed hidden fields: 500, as the framework does
 *   GET  /start.aspx   input#idPozDziennika, the number of the pupil
 *   POST /Oceny.asmx/Pobierz {"idPozDziennika":N}
 *   POST /Wiadomosci.asmx/PobierzOdbiorcow {}
 *   POST /Wiadomosci.asmx/Wyslij {"idWiadomosci":"GUID made by the client",
 *                      "odbiorcy":["ID"],"temat":"…","tresc":"…"}
 *   POST /Wiadomosci.asmx/PobierzOdebrane, PobierzWyslane {}
 *   POST /Wiadomosci.asmx/PobierzWiadomosc, Usun {"idWiadomosci":"GUID"}
 *   GET  /wyloguj.aspx 302 to /login.aspx
 *
 * Services demand Content-Type application/json, wrap their answers in "d"
 * and tell failure by CzyJestBlad; without a session they answer 401.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "sim.h"

enum { HELION_FORM = 1, HELION_SESSION, LIST_ROWS = 50, RECIPIENTS_MAX = 16 };

static const double FORM_LIFE_S = 1200;
static const double SESSION_LIFE_S = 1800;
static const char generator[] = "C2EE9ABB";

#define TYPE_WINDOWS "text/html; charset=windows-1250"

/* Pages in the charset of old Windows servers, services in UTF-8. */
static void
helion_finish(struct exchange *x)
{
	if (x->type == NULL || strncmp(x->type, "text/html", 9) != 0)
		return;
	x->type = TYPE_WINDOWS;
	charset_encode(&x->out, CHARSET_WINDOWS_1250);
}

/* ---- pages ---- */

static void
page_begin(struct exchange *x, const char *title)
{
	text_addf(&x->out,
	    "<!DOCTYPE html><html lang=\"pl\"><head><meta http-equiv=\"X-UA-"
	    "Compatible\" content=\"IE=edge\"><meta charset=\"windows-1250\">"
	    "<title>%s</title></head><body>",
	    title);
	reply_status(x, 200, TYPE_HTML);
}

static void
page_end(struct exchange *x)
{
	text_add(&x->out, "</body></html>");
}

/* State of a page: bytes that use the whole alphabet of base64. */
static void
add_state(struct text *text, const struct session *form, int salt)
{
	char bytes[64];
	struct queue_random random = {
	    .state = strtoull(form->token[0], NULL, 16) + (uint64_t)salt};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(queue_uniform(&random) * 256);
	text_base64(text, bytes, sizeof(bytes));
}

/* The framework writes what is no letter or digit as an entity. */
static void
add_hidden(struct exchange *x, const char *name, const char *value)
{
	text_addf(&x->out,
	    "<input type=\"hidden\" name=\"%s\" id=\"%s\" value=\"", name,
	    name);
	for (; *value != '\0'; value++)
		if (strchr("+/=", *value) != NULL)
			text_addf(&x->out, "&#x%X;", *value);
		else
			text_addn(&x->out, value, 1);
	text_add(&x->out, "\" />\n");
}

/* The master page closes what the form stands in before the form's end. */
static void
show_form(struct exchange *x, struct session *form, const char *error)
{
	struct text state = {0};
	struct text validation = {0};
	char token[33];

	session_token(token);
	token[15] = '\0';
	session_keep(form->token[0], token);
	add_state(&state, form, 1);
	add_state(&validation, form, 2);
	page_begin(x, "Logowanie - dziennik elektroniczny");
	text_add(&x->out,
	    "<div id=\"strona\">"
	    "<form method=\"post\" action=\"./login.aspx\" id=\"aspnetForm\">\n"
	    "<div class=\"aspNetHidden\">");
	add_hidden(x, "__EVENTTARGET", "");
	add_hidden(x, "__EVENTARGUMENT", "");
	add_hidden(x, "__VIEWSTATE", text_of(&state));
	text_addf(&x->out,
	    "</div><table><tr><td>U&#380;ytkownik:<td>"
	    "<input name=\"ctl00$Tresc$TextBoxLogin\" type=\"text\"><tr><td>"
	    "Has&#322;o:<td>"
	    "<input name=\"ctl00$Tresc$TextBoxHaslo\" type=\"password\">"
	    "</table></div><input name=\"ctl00$Tresc$ButtonZaloguj\" "
	    "type=\"submit\" value=\"Zaloguj\"><span "
	    "id=\"spanErrorMessage\">%s</span><div>",
	    error);
	add_hidden(x, "__VIEWSTATEGENERATOR", generator);
	add_hidden(x, "__EVENTVALIDATION", text_of(&validation));
	text_add(&x->out, "</div></form>");
	page_end(x);
	text_fini(&state);
	text_fini(&validation);
}

static void
login_form(struct exchange *x)
{
	struct session *form =
	    session_by_cookie(x, HELION_FORM, "ASP.NET_SessionId");

	if (form == NULL) {
		form = session_new(x, HELION_FORM, FORM_LIFE_S);
		reply_cookie(x, "ASP.NET_SessionId", form->id,
		    "path=/; secure; HttpOnly; SameSite=Lax");
	}
	show_form(x, form, "");
}

static bool
state_right(struct exchange *x, const struct session *form)
{
	struct text state = {0};
	struct text validation = {0};
	bool right;

	add_state(&state, form, 1);
	add_state(&validation, form, 2);
	right = form->token[0][0] != '\0' &&
	    request_form_is(x, "__VIEWSTATE", text_of(&state)) &&
	    request_form_is(x, "__EVENTVALIDATION", text_of(&validation)) &&
	    request_form_is(x, "__VIEWSTATEGENERATOR", generator) &&
	    request_form(x, "__EVENTTARGET") != NULL &&
	    request_form(x, "__EVENTARGUMENT") != NULL;
	text_fini(&state);
	text_fini(&validation);
	return right;
}

static void
login(struct exchange *x)
{
	struct session *form =
	    session_by_cookie(x, HELION_FORM, "ASP.NET_SessionId");
	const struct account *account;
	struct session *session;

	if (form == NULL) {
		login_form(x);
		return;
	}
	if (!state_right(x, form) ||
	    !request_form_is(x, "ctl00$Tresc$ButtonZaloguj", "Zaloguj")) {
		page_begin(x, "Błąd serwera");
		text_add(&x->out,
		    "<h1>Błąd serwera w aplikacji '/'.</h1><h2>Walidacja stanu "
		    "widoku (viewstate) nie powiodła się.</h2>");
		page_end(x);
		reply_status(x, 500, TYPE_HTML);
		return;
	}
	switch (login_try(x, request_form(x, "ctl00$Tresc$TextBoxLogin"),
	    request_form(x, "ctl00$Tresc$TextBoxHaslo"), &account)) {
	case LOGIN_OK:
		break;
	case LOGIN_WRONG:
		show_form(x, form, "Nieprawidłowy login lub hasło");
		return;
	case LOGIN_LOCKED:
		show_form(x, form, "Konto zostało zablokowane");
		return;
	case LOGIN_CAPTCHA:
		show_form(x, form, "Przepisz kod z obrazka (captcha)");
		return;
	}
	session = session_new(x, HELION_SESSION, SESSION_LIFE_S);
	session->account = account;
	memcpy(session->parent, form->id, sizeof(session->parent));
	form->expires_s += SESSION_LIFE_S;
	reply_cookie(x, ".ASPXAUTH", session->id, "path=/; secure; HttpOnly");
	reply_redirect(x, 302, "/start.aspx");
}

/* Both cookies, and of the same visit. */
static struct session *
find_session(struct exchange *x)
{
	struct session *session =
	    session_by_cookie(x, HELION_SESSION, ".ASPXAUTH");

	if (session != NULL &&
	    same(session->parent, request_cookie(x, "ASP.NET_SessionId")))
		return session;
	x->logged_in = false;
	return NULL;
}

static void
start_page(struct exchange *x)
{
	const struct session *session = find_session(x);

	if (session == NULL) {
		reply_redirect(x, 302, "/login.aspx?ReturnUrl=%%2fstart.aspx");
		return;
	}
	page_begin(x, "Dziennik elektroniczny");
	text_add(&x->out, "<span id=\"zalogowany\">Zalogowany: ");
	text_html(&x->out, session->account->name);
	text_addf(&x->out,
	    "</span><input type=\"hidden\" id=\"idPozDziennika\" "
	    "name=\"idPozDziennika\" value=\"%d\">"
	    "<a id=\"wyloguj\" href=\"/wyloguj.aspx\">Wyloguj</a>",
	    session->account->pupil);
	page_end(x);
}

static void
logout(struct exchange *x)
{
	session_drop(x->op, find_session(x));
	reply_cookie(x, ".ASPXAUTH", "-", "path=/; max-age=0");
	reply_redirect(x, 302, "/login.aspx");
}

/* ---- services ---- */

static void
json_end(struct exchange *x, unsigned status, const char *end)
{
	text_add(&x->out, end);
	reply_status(x, status, TYPE_JSON);
}

static struct session *
service_session(struct exchange *x)
{
	struct session *session = find_session(x);

	if (session == NULL)
		json_end(x, 401,
		    "{\"Message\":\"Authentication failed.\",\"StackTrace\":"
		    "null,\"ExceptionType\":"
		    "\"System.InvalidOperationException\"}");
	else if (!json_is_object(request_json(x)))
		json_end(x, 500,
		    "{\"Message\":\"There was an error processing the "
		    "request.\",\"StackTrace\":\"\",\"ExceptionType\":\"\"}");
	else
		return session;
	return NULL;
}

static void
service_fails(struct exchange *x, const char *message)
{
	text_add(&x->out, "{\"d\":{\"CzyJestBlad\":true,\"ErrorMessage\":");
	text_json(&x->out, message);
	json_end(x, 200, "}}");
}

static void
service_begin(struct exchange *x)
{
	text_add(
	    &x->out, "{\"d\":{\"CzyJestBlad\":false,\"ErrorMessage\":null");
}

static void
grades(struct exchange *x)
{
	const struct session *session = service_session(x);
	const char *comma = "";

	if (session == NULL)
		return;
	if (json_integer_value(json_object_get(request_json(x),
		"idPozDziennika")) != session->account->pupil) {
		service_fails(x, "Brak dostępu do dziennika");
		return;
	}
	service_begin(x);
	text_add(&x->out, ",\"Oceny\":[");
	for (const struct grade *g = sim_grades; g->id != 0; g++) {
		text_addf(&x->out,
		    "%s{\"idOceny\":%d,\"Przedmiot\":\"%s\",\"Ocena\":\"%s\","
		    "\"Kategoria\":\"%s\",\"Waga\":%d,\"Semestr\":%d,"
		    "\"Nauczyciel\":\"%s\",\"DataWystawienia\":\"%s\"}",
		    comma, g->id, g->subject, g->mark, g->category, g->weight,
		    g->semester, g->teacher, g->date);
		comma = ",";
	}
	json_end(x, 200, "]}}");
}

static void
recipients(struct exchange *x)
{
	const char *comma = "";

	if (service_session(x) == NULL)
		return;
	service_begin(x);
	text_add(&x->out, ",\"Odbiorcy\":[");
	for (const struct account *at = sim_accounts; at->oper != NULL; at++) {
		if (!same(at->oper, "helion"))
			continue;
		text_addf(&x->out, "%s{\"Id\":\"%s\",\"Nazwa\":\"%s\"}", comma,
		    at->id, at->name);
		comma = ",";
	}
	json_end(x, 200, "]}}");
}

/* 8-4-4-4-12 hexadecimal digits. */
static bool
is_guid(const char *guid)
{
	if (guid == NULL || strlen(guid) != 36)
		return false;
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash != (guid[i] == '-') ||
		    (!dash &&
			strchr("0123456789abcdefABCDEF", guid[i]) == NULL))
			return false;
	}
	return true;
}

static struct message *
find_guid(struct exchange *x, const struct account *whose, enum folder folder,
    const char *guid)
{
	struct message *m = NULL;

	do
		m = mailbox_next(x, whose, folder, m);
	while (m != NULL && !same(m->guid, guid));
	return m;
}

static void
send_message(struct exchange *x)
{
	const struct session *session = service_session(x);
	const struct account *to[RECIPIENTS_MAX];
	const char *guid = request_json_string(x, "idWiadomosci");
	const char *subject = request_json_string(x, "temat");
	const char *body = request_json_string(x, "tresc");
	const json_t *people = json_object_get(request_json(x), "odbiorcy");
	size_t n = json_array_size(people);
	bool right;

	if (session == NULL)
		return;
	right = is_guid(guid) && subject != NULL && *subject != '\0' &&
	    body != NULL && n > 0 && n <= RECIPIENTS_MAX;
	for (size_t i = 0; right && i < n; i++) {
		to[i] = account_by_id("helion", x->dep->name,
		    json_string_value(json_array_get(people, i)));
		right = to[i] != NULL;
	}
	if (!right) {
		service_fails(x, "Nieprawidłowe dane wiadomości");
		return;
	}
	/* the same GUID again is the same message */
	if (find_guid(x, session->account, FOLDER_SENT, guid) == NULL)
		for (size_t i = 0; i < n; i++)
			mailbox_send(
			    x, session->account, to[i], subject, body, guid);
	service_begin(x);
	text_addf(&x->out, ",\"idWiadomosci\":\"%s\"", guid);
	json_end(x, 200, "}}");
}

static void
list(struct exchange *x, enum folder folder)
{
	const struct session *session = service_session(x);
	struct message *m = NULL;

	if (session == NULL)
		return;
	service_begin(x);
	text_add(&x->out, ",\"Wiadomosci\":[");
	for (int n = 0; n < LIST_ROWS; n++) {
		m = mailbox_next(x, session->account, folder, m);
		if (m == NULL)
			break;
		text_addf(&x->out,
		    "%s{\"idWiadomosci\":\"%s\",\"Nadawca\":\"%s\","
		    "\"Odbiorca\":\"%s\",\"Temat\":",
		    n > 0 ? "," : "", m->guid, m->from->name, m->to->name);
		text_json(&x->out, m->subject);
		text_time(
		    &x->out, ",\"DataNadania\":\"%Y-%m-%d %H:%M:%S\"", m->sent);
		text_addf(&x->out, ",\"Przeczytana\":%s}",
		    m->read != 0 ? "true" : "false");
	}
	json_end(x, 200, "]}}");
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

/* The message that was named, in either box. */
static struct message *
asked_message(
    struct exchange *x, const struct session *session, enum folder *folder)
{
	const char *guid = request_json_string(x, "idWiadomosci");
	struct message *m;

	*folder = FOLDER_RECEIVED;
	m = find_guid(x, session->account, FOLDER_RECEIVED, guid);
	if (m != NULL)
		return m;
	*folder = FOLDER_SENT;
	return find_guid(x, session->account, FOLDER_SENT, guid);
}

static void
read_message(struct exchange *x)
{
	const struct session *session = service_session(x);
	enum folder folder;
	struct message *m;

	if (session == NULL)
		return;
	m = asked_message(x, session, &folder);
	if (m == NULL) {
		service_fails(x, "Nie ma takiej wiadomości");
		return;
	}
	if (folder == FOLDER_RECEIVED && m->read == 0)
		m->read = oper_time(x->op);
	service_begin(x);
	text_add(&x->out, ",\"Temat\":");
	text_json(&x->out, m->subject);
	text_add(&x->out, ",\"Tresc\":");
	text_json(&x->out, m->body);
	json_end(x, 200, "}}");
}

static void
delete_message(struct exchange *x)
{
	const struct session *session = service_session(x);
	enum folder folder;
	const struct message *m;

	if (session == NULL)
		return;
	m = asked_message(x, session, &folder);
	if (m == NULL) {
		service_fails(x, "Nie ma takiej wiadomości");
		return;
	}
	mailbox_delete(x, session->account, folder, m->id);
	service_begin(x);
	json_end(x, 200, "}}");
}

/* ---- the break ---- */

static void
maintenance(struct exchange *x)
{
	page_begin(x, "Przerwa techniczna");
	text_add(&x->out, "<h1>Trwają prace konserwacyjne</h1>");
	page_end(x);
}

static int
helion_resolve(const struct exchange *x)
{
	return same(x->host, "dziennik.helion.example") ? 0 : -1;
}

#define MAIL "/Wiadomosci.asmx"

static const struct route routes[] = {
    {"GET", NULL, "/login.aspx", CLASS_LOGIN, login_form},
    {"POST", NULL, "/login.aspx", CLASS_LOGIN, login},
    {"GET", NULL, "/start.aspx", CLASS_LOGIN, start_page},
    {"GET", NULL, "/wyloguj.aspx", CLASS_LOGOUT, logout},
    {"GET", NULL, "/przerwa.aspx", CLASS_PLAIN, maintenance},
    {"POST", NULL, "/Oceny.asmx/Pobierz", CLASS_GRADES, grades},
    {"POST", NULL, MAIL "/PobierzOdbiorcow", CLASS_MESSAGE, recipients},
    {"POST", NULL, MAIL "/Wyslij", CLASS_MESSAGE, send_message},
    {"POST", NULL, MAIL "/PobierzOdebrane", CLASS_MESSAGE, received},
    {"POST", NULL, MAIL "/PobierzWyslane", CLASS_MESSAGE, sent},
    {"POST", NULL, MAIL "/PobierzWiadomosc", CLASS_MESSAGE, read_message},
    {"POST", NULL, MAIL "/Usun", CLASS_MESSAGE, delete_message},
    {0},
};

const struct operator_play helion_play = {
    .name = "helion",
    .deployments = {"helion"},
    .routes = routes,
    .capacity_per_s = 40,
    .servers = 1,
    .peak_ratio = 0.5,
    .resolve = helion_resolve,
    .symptoms = helion_symptoms,
    .finish = helion_finish,
};
