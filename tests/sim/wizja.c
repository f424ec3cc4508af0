/*
 * Wizja.net's mobiDziennik: one host name for each school, a login of a
 * single post, a session cookie with a long name of its own, and SERVERID,
 * the load balancer's: a session lives on one of two machines and is unknown
 * to the other. The marks are in wizja_grades.c, the messages in
 * wizja_mail.c, the two logins of apps in wizja_api.c.
 *
 * What the sources leave open and how it is here: a login is answered with a
 * redirect to the page asked for; a page without a session is the login form
 * with HTTP 200, and that form logs in at the page's own address; an Ajax
 * call without a session is the text `Nie jestes zalogowany`; logout
 * redirects to the form.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wizja-int.h"

enum { WIZJA_SESSION = 1, BACKENDS = 2 };

static const double SESSION_LIFE_S = 2700;
#define COOKIES "path=/; secure; HttpOnly"

static const char *const backends[BACKENDS] = {"web11", "web12"};

/* Longer than 32 characters and different at each school. */
static const char *
cookie_name(const struct exchange *x)
{
	static const char *const names[] = {
	    "9f6cfb0a1d8e45c7a3b2e1f0d9c8b7a6e5d4c3b2",
	    "1b7d2e90c4f35a68917e0d3c2b1a4f5e6d7c8b9a",
	};

	return names[x->dep - x->op->deps];
}

/*
 * The machine this request goes to: the one of its SERVERID, or any, told to
 * the client in a cookie.
 */
static int
backend_of(struct exchange *x)
{
	const char *wanted = request_cookie(x, "SERVERID");
	int backend;

	for (size_t i = 0; i < x->n_headers; i++)
		if (strncmp(x->headers[i].value, "SERVERID=web", 12) == 0)
			return x->headers[i].value[13] - '1'; /* told */
	for (int i = 0; i < BACKENDS; i++)
		if (same(wanted, backends[i]))
			return i;
	backend = queue_uniform(&x->op->random) < 0.5;
	reply_cookie(x, "SERVERID", backends[backend], "path=/");
	return backend;
}

static struct session *
find_session(struct exchange *x, int backend)
{
	struct session *session =
	    session_by_cookie(x, WIZJA_SESSION, cookie_name(x));

	if (session == NULL || session->stage == backend)
		return session;
	x->logged_in = false;
	return NULL;
}

/* ---- pages ---- */

void
wizja_base(struct exchange *x)
{
	text_add(&x->out, "https://");
	text_html(&x->out, request_header(x, "Host"));
}

static void
add_link(
    struct exchange *x, const char *path, const char *more, const char *title)
{
	text_add(&x->out, "<li><a href=\"");
	wizja_base(x);
	text_addf(&x->out, "%s\"%s>%s</a></li>", path, more, title);
}

static void
page_begin(struct exchange *x, const char *title, int uid)
{
	text_addf(&x->out,
	    "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" "
	    "\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n"
	    "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"pl\">\n<head>"
	    "<meta http-equiv=\"Content-Language\" content=\"pl\" />"
	    "<meta http-equiv=\"Content-Type\" "
	    "content=\"text/html; charset=utf-8\" />"
	    "<title>Elektroniczny Dziennik - %s</title></head>\n"
	    "<body uid=\"%d\">",
	    title, uid);
	reply_status(x, 200, TYPE_HTML);
}

/* With cells that are never closed, as pages with a long history have. */
static void
login_form(struct exchange *x, const char *message)
{
	page_begin(x, "logowanie", 0);
	text_add(&x->out,
	    "<center><form method=\"post\" id=\"form-login\" action=\"");
	wizja_base(x);
	text_html(&x->out, x->path);
	text_addf(&x->out,
	    "\">%s<table><tr><td>Login:<td><input id=\"login\" "
	    "name=\"login\" type=\"text\" autocomplete=off></tr><tr>"
	    "<td>Has&#322;o:<td><input id=\"haslo\" name=\"haslo\" "
	    "type=\"password\"></tr></table><input type=\"submit\" "
	    "class=\"zaloguj\" value=\"Zaloguj si&#281;\"></form>"
	    "<a href=\"/dziennik/przypomnij_haslo_email\">Nie pamiętam hasła"
	    "</a></center></body></html>",
	    message);
}

enum login
wizja_login_try(struct exchange *x, const char *user, const char *password,
    const struct account **account)
{
	const struct account *by_mail = user != NULL
	    ? account_by_mailbox("wizja", x->dep->name, user)
	    : NULL;

	return login_try(
	    x, by_mail != NULL ? by_mail->user : user, password, account);
}

void
wizja_session_begin(struct exchange *x, const struct account *account)
{
	int backend = backend_of(x);
	struct session *session = session_new(x, WIZJA_SESSION, SESSION_LIFE_S);

	session->account = account;
	session->stage = backend;
	reply_cookie(x, cookie_name(x), session->id, COOKIES);
}

/* The form, filled in, at whichever address it was shown. */
static void
login(struct exchange *x)
{
	const struct account *account;

	switch (wizja_login_try(
	    x, request_form(x, "login"), request_form(x, "haslo"), &account)) {
	case LOGIN_OK:
		wizja_session_begin(x, account);
		reply_redirect(
		    x, 302, "https://%s%s", request_header(x, "Host"), x->path);
		return;
	case LOGIN_WRONG:
		login_form(x,
		    "<div class=\"error\">Podano niepoprawny login i/lub hasło"
		    "</div>");
		return;
	case LOGIN_LOCKED:
		login_form(
		    x, "<div class=\"error\">Konto zostało zablokowane</div>");
		return;
	case LOGIN_CAPTCHA:
		login_form(
		    x, "<div class=\"g-recaptcha\" data-sitekey=\"0\"></div>");
		return;
	}
}

struct session *
wizja_page_session(struct exchange *x)
{
	struct session *session = find_session(x, backend_of(x));

	if (session != NULL)
		return session;
	if (request_form(x, "haslo") != NULL)
		login(x);
	else
		login_form(x, "");
	return NULL;
}

struct session *
wizja_ajax_session(struct exchange *x)
{
	struct session *session = find_session(x, backend_of(x));

	if (session == NULL) {
		text_add(&x->out, "Nie jestes zalogowany");
		reply_status(x, 200, TYPE_HTML);
	}
	return session;
}

void
wizja_long_time(struct text *text, time_t when)
{
	static const char *const days[] = {"niedziela", "poniedziałek",
	    "wtorek", "środa", "czwartek", "piątek", "sobota"};
	static const char *const months[] = {"stycznia", "lutego", "marca",
	    "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września",
	    "października", "listopada", "grudnia"};
	struct tm tm;

	if (localtime_r(&when, &tm) == NULL)
		return;
	text_addf(text, "%s, %d %s %d, godzina %02d:%02d:%02d",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The pages of the menu. What is not played shows that there is nothing. */
static const struct {
	const char *path;
	const char *title;
} others[] = {
    {"/dziennik/historia", "Historia"},
    {"/dziennik/komunikaty", "Komunikaty"},
    {"/dziennik/planlekcji", "Plan lekcji"},
    {"/dziennik/zastepstwa", "Zastępstwa"},
    {"/dziennik/zachowanie", "Zachowanie"},
    {"/dziennik/obecnosci", "Frekwencja"},
    {"/dziennik/tematy", "Tematy"},
    {"/dziennik/zadaniadomowe", "Zadania"},
    {"/dziennik/sprawdziany", "Sprawdziany"},
    {"/dziennik/kalendarzklasowy", "Kalendarz"},
    {"/dziennik/bazaplikow", "Pliki"},
};

enum { OTHERS = sizeof(others) / sizeof(others[0]) };

void
wizja_menu(struct exchange *x, const struct session *session, const char *title)
{
	page_begin(x, title, session->account->pupil);
	text_addf(&x->out,
	    "<div id=\"top_green\"><h1>mob<span>i</span>Dziennik</h1>"
	    "<a class=\"szczesliwy_numerek\" href=\"#\">07</a>"
	    "<span id=\"wyloguj_box\" title=\"%s\"><div id=\"profil_box\"><ul>",
	    session->account->name);
	add_link(x, "/dziennik/edytujprofil", "", "Moje konto");
	add_link(x, "/dziennik/wyloguj", " id=\"wyloguj\"", "Wyloguj");
	text_add(&x->out,
	    "</ul></div></span></div>\n<!-- MENU START -->"
	    "<ul class=\"dropdown\">");
	add_link(x, "/dziennik/oceny", " id=\"menu3\"", "Oceny");
	add_link(x, "/dziennik/wiadomosci", " id=\"menu1\"", "Wiadomo&#347;ci");
	add_link(x, "/dziennik/dodajwiadomosc", "", "Nowa wiadomość");
	add_link(x, "/dziennik/wiadomosciwyslane", "", "Wiadomości wysłane");
	for (size_t i = 0; i < OTHERS; i++)
		add_link(x, others[i].path, "", others[i].title);
	text_add(&x->out,
	    "</ul><!-- MENU STOP -->\n<div id=\"content\">"
	    "<a name=\"tresc\"></a>");
}

void
wizja_footer(struct exchange *x, const struct session *session)
{
	text_add(&x->out,
	    "</div>\n<div id=\"bottom\">Jesteś zalogowany jako <strong>");
	text_html(&x->out, session->account->name);
	text_add(&x->out,
	    "</strong>.<br>Copyright &copy; 2009 <a href=\"#\">WizjaNet</a>"
	    "&reg;</div>\n<script type=\"text/javascript\">\n<!--\n"
	    "$(document).ready(function() { $.post('");
	wizja_base(x);
	text_add(&x->out,
	    "/dziennik/infoopowiadomieniach', function(data) { if (data!='') "
	    "oknoDynamiczne(data); }); });\n//-->\n</script></body></html>");
}

static void
main_page(struct exchange *x)
{
	const struct session *session = wizja_page_session(x);

	if (session == NULL)
		return;
	wizja_menu(x, session, "strona główna");
	text_add(&x->out, "<h1>Pulpit</h1>");
	wizja_footer(x, session);
}

static void
other_page(struct exchange *x)
{
	const struct session *session = wizja_page_session(x);
	size_t i = 0;

	if (session == NULL)
		return;
	while (i < OTHERS && !same(others[i].path, x->path))
		i++;
	if (i == OTHERS) {
		symptom_show_usual(x, FAULT_NOT_FOUND);
		return;
	}
	wizja_menu(x, session, others[i].title);
	text_addf(&x->out, "<h1>%s</h1><p>Brak danych.</p>", others[i].title);
	wizja_footer(x, session);
}

static void
profile_page(struct exchange *x)
{
	const struct session *session = wizja_page_session(x);

	if (session == NULL)
		return;
	wizja_menu(x, session, "Moje konto");
	text_addf(&x->out,
	    "<h1>Moje konto</h1><input type=\"text\" id=\"email\" "
	    "name=\"email\" value=\"%s\">",
	    session->account->mailbox);
	wizja_footer(x, session);
}

static void
to_start(struct exchange *x)
{
	reply_redirect(
	    x, 302, "https://%s/dziennik", request_header(x, "Host"));
}

static void
logout(struct exchange *x)
{
	session_drop(x->op, find_session(x, backend_of(x)));
	reply_cookie(x, cookie_name(x), "deleted", "path=/; max-age=0");
	to_start(x);
}

static void
notices(struct exchange *x)
{
	if (wizja_ajax_session(x) != NULL)
		reply_status(x, 200, TYPE_HTML);
}

/* ---- the break ---- */

static void
maintenance(struct exchange *x)
{
	page_begin(x, "przerwa", 0);
	text_add(&x->out,
	    "<h2>Trwają prace techniczne lub pojawił się jakiś problem</h2>"
	    "<p>przerwa techniczna</p></body></html>");
}

/*
 * The school is the first label of the host. The host without one serves the
 * login of the phone app for all schools: the e-mail address tells which.
 */
static int
wizja_resolve(const struct exchange *x)
{
	char host[64];
	const char *mail = NULL;
	int central = same(x->host, "mobidziennik.pl") &&
		strncmp(x->path, "/logowanie", 10) == 0
	    ? 0
	    : -1;

	for (size_t i = 0; i < x->n_params; i++)
		if (strcmp(x->params[i].name, "email") == 0)
			mail = x->params[i].value;
	for (size_t i = 0; i < x->op->n_deps; i++) {
		const char *name = x->op->deps[i].name;

		snprintf(host, sizeof(host), "%s.mobidziennik.pl", name);
		if (same(x->host, host))
			return (int)i;
		if (central >= 0 && mail != NULL &&
		    account_by_mailbox("wizja", name, mail) != NULL)
			central = (int)i;
	}
	return central;
}

static const struct route routes[] = {
    {"POST", "mobidziennik", "/logowanie", CLASS_LOGIN, wizja_app_login},
    {"POST", "mobidziennik", "/logowanieapp", CLASS_LOGIN, wizja_app_login},
    {"GET", NULL, "/", CLASS_LOGIN, to_start},
    {"GET", NULL, "/dziennik", CLASS_LOGIN, main_page},
    {"GET", NULL, "/dziennik/", CLASS_LOGIN, main_page},
    {"POST", NULL, "/dziennik", CLASS_LOGIN, login},
    {"POST", NULL, "/dziennik/", CLASS_LOGIN, login},
    {"POST", NULL, "/dziennik/infoopowiadomieniach", CLASS_OTHER, notices},
    {"GET", NULL, "/dziennik/oceny", CLASS_GRADES, wizja_grades},
    {"GET", NULL, "/mobile/dodajwiadomosc", CLASS_MESSAGE,
	wizja_mobile_composer},
    {"POST", NULL, "/dziennik/odbiorcyWiadomosci", CLASS_MESSAGE,
	wizja_recipients},
    {"GET", NULL, "/dziennik/dodajwiadomosc", CLASS_MESSAGE, wizja_composer},
    {"POST", NULL, "/dziennik/dodajwiadomosc", CLASS_MESSAGE,
	wizja_send_message},
    {"GET", NULL, "/dziennik/wiadomosci", CLASS_MESSAGE, wizja_received},
    {"GET", NULL, "/dziennik/wiadomosci/", CLASS_MESSAGE, wizja_received},
    {"GET", NULL, "/dziennik/wiadodebrana", CLASS_MESSAGE, wizja_read_received},
    {"GET", NULL, "/dziennik/wiadodebrana/", CLASS_MESSAGE,
	wizja_read_received},
    {"GET", NULL, "/dziennik/wiadomosciwyslane", CLASS_MESSAGE, wizja_sent},
    {"GET", NULL, "/dziennik/wiadwyslana", CLASS_MESSAGE, wizja_read_sent},
    {"GET", NULL, "/dziennik/wiadwyslana/", CLASS_MESSAGE, wizja_read_sent},
    {"GET", NULL, "/dziennik/wyszukiwarkawiadomosci", CLASS_MESSAGE,
	wizja_search},
    {"GET", NULL, "/dziennik/wyloguj", CLASS_LOGOUT, logout},
    {"GET", NULL, "/dziennik/edytujprofil", CLASS_OTHER, profile_page},
    {"GET", NULL, "/dziennik/**", CLASS_OTHER, other_page},
    {"POST", NULL, "/dziennik/**", CLASS_LOGIN, other_page},
    {"POST", NULL, "/api/", CLASS_LOGIN, wizja_api_login},
    {"GET", NULL, "/api/zrzutbazy", CLASS_OTHER, wizja_api_dump},
    {"POST", NULL, "/api2/logowanie", CLASS_LOGIN, wizja_app_sync},
    {"GET", NULL, "/przerwa_techniczna", CLASS_PLAIN, maintenance},
    {0},
};

const struct operator_play wizja_play = {
    .name = "wizja",
    .deployments = {"sp1", "lo2"},
    .routes = routes,
    .capacity_per_s = 60,
    .servers = 3,
    .peak_ratio = 0.6,
    .resolve = wizja_resolve,
    .symptoms = wizja_symptoms,
};
