/*
 * Librus Synergia as its clients know it: the frame of its pages, the landing
 * page, logout, what it shows when it is ill, and all its addresses. Two eras
 * are served side by side, since which one a client is of shows in what it
 * asks: that of March 2020 and that of 2026.
 *
 * What the sources leave open and how it is here: logout leads to the login
 * page; a gateway answer renews oauth_token for ten minutes more, after which
 * it is no longer taken either;
 * a session of the bridge from the mobile API has DZIENNIKSID alone.
 */
#include <stdlib.h>
#include <string.h>

#include "librus-int.h"

#define HOST "https://synergia.librus.pl"

static const double OAUTH_TOKEN_LIFE_S = 600;

void
librus_json(struct exchange *x, unsigned status, const char *body)
{
	text_add(&x->out, body);
	reply_status(x, status, "application/json");
}

void
librus_json_value(struct exchange *x, unsigned status, json_t *value)
{
	char *body = json_dumps(value, JSON_COMPACT);

	if (body == NULL)
		abort();
	librus_json(x, status, body);
	free(body);
	json_decref(value);
}

int
librus_last_len(const struct account *account)
{
	return (int)strcspn(account->name, " ");
}

const char *
librus_first_name(const struct account *account)
{
	const char *space = strchr(account->name, ' ');

	return space != NULL ? space + 1 : "";
}

/* ---- fields that came as JSON ---- */

static void
take_value(struct exchange *x, const char *name, json_t *value)
{
	if (x->n_params < PARAMS_MAX && json_is_string(value))
		x->params[x->n_params++] =
		    (struct param){name, json_string_value(value)};
}

void
librus_take_json(struct exchange *x)
{
	json_t *fields = request_json(x);
	const char *name;
	json_t *value;
	json_t *one;
	size_t i;

	if (json_is_object(json_object_get(fields, "form")))
		fields = json_object_get(fields, "form");
	json_object_foreach(fields, name, value)
	{
		if (json_is_integer(value)) {
			json_object_set_new(fields, name,
			    json_sprintf("%" JSON_INTEGER_FORMAT,
				json_integer_value(value)));
			value = json_object_get(fields, name);
		}
		take_value(x, name, value);
		json_array_foreach(value, i, one) take_value(x, name, one);
	}
}

/* ---- pages ---- */

void
librus_page_begin(struct exchange *x, const char *title)
{
	text_addf(&x->out,
	    "<!DOCTYPE html><html lang=\"pl\"><head><meta charset=\"utf-8\">"
	    "<title>%s - Synergia</title></head><body><div id=\"page\">"
	    "<div id=\"body\">",
	    title);
	reply_status(x, 200, TYPE_HTML);
}

void
librus_page_end(struct exchange *x)
{
	text_add(&x->out, "</div></div></body></html>");
}

void
librus_user_page(
    struct exchange *x, const struct session *session, const char *title)
{
	librus_page_begin(x, title);
	text_add(
	    &x->out, "<span id=\"user-section\">jesteś zalogowany jako: <b>");
	text_html(&x->out, session->account->name);
	text_addf(&x->out,
	    "</b> <a href=\"/wyloguj\">wyloguj</a></span>"
	    "<h2 class=\"inside\">%s</h2>",
	    title);
}

struct session *
librus_who(struct exchange *x)
{
	struct session *session =
	    session_by_cookie(x, LIBRUS_SYNERGIA, "DZIENNIKSID");

	if (session != NULL &&
	    (session->token[0][0] == '\0' ||
		same(session->token[0], request_cookie(x, "SDZIENNIKSID"))))
		return session;
	x->logged_in = false;
	return NULL;
}

struct session *
librus_session(struct exchange *x)
{
	struct session *session = librus_who(x);

	if (session != NULL)
		return session;
	librus_page_begin(x, "Brak dostępu");
	text_add(&x->out,
	    "<h2 class=\"inside\">Brak dostępu</h2>"
	    "<img src=\"/images/stop.png\" alt=\"stop\">");
	librus_page_end(x);
	return NULL;
}

/* Good for ten minutes from now on. */
static void
give_oauth_token(struct exchange *x, struct session *session)
{
	session->token_until_s = oper_now_s(x->op) + OAUTH_TOKEN_LIFE_S;
	reply_cookie(x, "oauth_token", session->token[1],
	    "Path=/; Max-Age=600; Secure; HttpOnly");
}

void
librus_give_cookies(struct exchange *x, struct session *session, bool all_three)
{
	static const char attributes[] = "Path=/; Secure; HttpOnly";
	char token[33];

	reply_cookie(x, "DZIENNIKSID", session->id, attributes);
	if (!all_three)
		return;
	session_token(token);
	session_keep(session->token[0], token);
	session_token(token);
	session_keep(session->token[1], token);
	reply_cookie(x, "SDZIENNIKSID", session->token[0], attributes);
	give_oauth_token(x, session);
}

bool
librus_oauth_token_right(struct exchange *x, struct session *session)
{
	if (!same(session->token[1], request_cookie(x, "oauth_token")) ||
	    session->token_until_s < oper_now_s(x->op))
		return false;
	give_oauth_token(x, session);
	return true;
}

void
librus_landing(struct exchange *x, const struct session *session)
{
	static const char *const names[] = {"Strona główna", "Oceny",
	    "Frekwencja", "Wiadomości", "Ogłoszenia", "Terminarz",
	    "Zadania domowe"};

	librus_user_page(x, session, "Uczeń");
	text_add(&x->out,
	    "<span class=\"luckyNumber\">Szczęśliwy numerek: <b>7</b></span>"
	    "<ul id=\"icon\"><li><a id=\"icon-oceny\" "
	    "href=\"/przegladaj_oceny/uczen\">Oceny</a></li>"
	    "<li><a id=\"icon-wiadomosci\" href=\"/wiadomosci3\">"
	    "Wiadomości</a></li></ul><div id=\"graphic-menu\"><ul>");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		text_addf(&x->out, "<li><a href=\"#\">%s</a></li>", names[i]);
	text_add(&x->out, "</ul></div>");
	librus_page_end(x);
}

static void
landing(struct exchange *x)
{
	const struct session *session = librus_session(x);

	if (session != NULL)
		librus_landing(x, session);
}

static void
info_row(struct exchange *x, int line, const char *label, const char *value)
{
	text_addf(&x->out, "<tr class=\"line%d\"><th class=\"big\">%s</th><td>",
	    line % 2, label);
	text_html(&x->out, value);
	text_add(&x->out, "</td></tr>");
}

static void
information(struct exchange *x)
{
	const struct session *session = librus_session(x);

	if (session == NULL)
		return;
	librus_user_page(x, session, "Informacje");
	text_add(&x->out,
	    "<div class=\"container\"><div class=\"container-background\">"
	    "<table class=\"decorated big center\"><tbody>");
	info_row(x, 0, "Imię i nazwisko ucznia", session->account->name);
	info_row(x, 1, "Klasa", "5 a");
	info_row(x, 0, "Nr w dzienniku", "7");
	info_row(x, 1, "Wychowawca", "Kąt Maria");
	info_row(x, 0, "Szkoła", "Szkoła Podstawowa nr 1");
	text_add(&x->out, "<tr><td colspan=\"2\"></td></tr>");
	info_row(x, 0, "Użytkownik", session->account->name);
	info_row(x, 1, "Login", session->account->user);
	text_add(&x->out,
	    "</tbody></table></div></div><span class=\"luckyNumber\">"
	    "Szczęśliwy numerek: <b id=\"luckyNumber\">7</b></span>");
	librus_page_end(x);
}

static void
refresh(struct exchange *x)
{
	struct session *session = librus_session(x);
	char token[33];

	if (session == NULL)
		return;
	session_token(token);
	session_keep(session->token[1], token);
	give_oauth_token(x, session);
	reply_status(x, 200, TYPE_HTML);
}

static void
logout(struct exchange *x)
{
	session_drop(
	    x->op, session_by_cookie(x, LIBRUS_SYNERGIA, "DZIENNIKSID"));
	reply_cookie(x, "DZIENNIKSID", "deleted", "Path=/; Max-Age=0");
	reply_cookie(x, "SDZIENNIKSID", "deleted", "Path=/; Max-Age=0");
	reply_cookie(x, "oauth_token", "deleted", "Path=/; Max-Age=0");
	reply_redirect(x, 302, HOST "/loguj");
}

static void
api_root(struct exchange *x)
{
	librus_json(x, 200, "{\"Message\":[]}");
}

static void
maintenance_page(struct exchange *x)
{
	librus_page_begin(x, "Przerwa");
	text_add(&x->out,
	    "<h2>Przerwa techniczna</h2><p>Trwają prace serwisowe.</p>");
	librus_page_end(x);
}

/* Where a module that the school has not bought leads to. */
static void
module_off(struct exchange *x)
{
	librus_page_begin(x, "Moduł niedostępny");
	text_add(&x->out,
	    "<h2 class=\"inside\">Moduł niedostępny</h2><p>Ten moduł nie "
	    "jest dostępny w wykorzystywanym przez szkołę wariancie "
	    "systemu.</p>");
	librus_page_end(x);
}

static int
librus_resolve(const struct exchange *x)
{
	static const char *const hosts[] = {"synergia.librus.pl",
	    "api.librus.pl", "wiadomosci.librus.pl", "portal.librus.pl"};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (same(x->host, hosts[i]))
			return 0;
	return -1;
}

#define GATEWAY "/gateway/api/2.0"

static const struct route routes[] = {
    /* the web login, now and then */
    {"GET", "synergia", "/loguj/portalRodzina", CLASS_LOGIN, librus_enter},
    {"GET", "api", "/OAuth/Authorization", CLASS_LOGIN, librus_oauth_form},
    {"POST", "api", "/OAuth/Authorization", CLASS_LOGIN, librus_oauth_password},
    {"GET", "api", "/OAuth/Authorization/2FA", CLASS_LOGIN, librus_oauth_2fa},
    {"GET", "api", "/OAuth/Authorization/PerformLogin", CLASS_LOGIN,
	librus_oauth_perform},
    {"GET", "api", "/OAuth/Authorization/Grant", CLASS_LOGIN,
	librus_oauth_grant},
    {"GET", "api", "/", CLASS_OTHER, api_root},
    /* tokens for the mobile API, and the bridge to the web */
    {"POST", "api", "/OAuth/Token", CLASS_LOGIN, librus_oauth_token},
    {"POST", "api", "/2.0/AutoLoginToken", CLASS_LOGIN, librus_autologin_token},
    {"GET", "synergia", "/loguj/token/*/przenies/**", CLASS_LOGIN,
	librus_autologin},
    /* Konto LIBRUS */
    {"GET", "portal", "/konto-librus/redirect/dru", CLASS_LOGIN,
	librus_portal_redirect},
    {"GET", "portal", "/konto-librus/login", CLASS_LOGIN, librus_portal_form},
    {"POST", "portal", "/konto-librus/login/action", CLASS_LOGIN,
	librus_portal_login},
    {"GET", "portal", "/konto-librus", CLASS_LOGIN, librus_portal_home},
    {"GET", "portal", "/oauth2/authorize", CLASS_LOGIN,
	librus_portal_authorize},
    {"GET", "portal", "/rodzina/login", CLASS_LOGIN, librus_portal_form},
    {"POST", "portal", "/rodzina/login/action", CLASS_LOGIN,
	librus_portal_login},
    {"POST", "portal", "/oauth2/access_token", CLASS_LOGIN,
	librus_portal_token},
    {"GET", "portal", "/api/v2/SynergiaAccounts", CLASS_LOGIN,
	librus_portal_accounts},
    {"GET", "portal", "/api/v3/SynergiaAccounts", CLASS_LOGIN,
	librus_portal_accounts},
    {"GET", "portal", "/api/v2/SynergiaAccounts/fresh/*", CLASS_LOGIN,
	librus_portal_fresh},
    {"GET", "portal", "/api/v3/SynergiaAccounts/fresh/*", CLASS_LOGIN,
	librus_portal_fresh},
    /* pages */
    {"GET", "synergia", "/uczen/index", CLASS_LOGIN, landing},
    {"GET", "synergia", "/uczen_index", CLASS_LOGIN, landing},
    {"GET", "synergia", "/uczen/widok/centrum_powiadomien", CLASS_LOGIN,
	landing},
    {"GET", "synergia", "/informacja", CLASS_OTHER, information},
    {"GET", "synergia", "/loguj", CLASS_OTHER, librus_school_login_page},
    {"GET", "synergia", "/refreshToken", CLASS_OTHER, refresh},
    {"GET", "synergia", "/wyloguj", CLASS_LOGOUT, logout},
    {"GET", "synergia", "/przerwa_techniczna", CLASS_PLAIN, maintenance_page},
    {"GET", "synergia", "/modul_niedostepny", CLASS_PLAIN, module_off},
    {"GET", "synergia", "/przegladaj_oceny/uczen", CLASS_GRADES,
	librus_grades_page},
    {"POST", "synergia", "/przegladaj_oceny/uczen", CLASS_GRADES,
	librus_grades_page},
    {"GET", "synergia", "/przegladaj_oceny/szczegoly/*", CLASS_GRADES,
	librus_grade_details},
    /* the school's data: by cookies, and by an access token */
    {"GET", "synergia", GATEWAY "/Auth/**", CLASS_LOGIN, librus_data},
    {"GET", "synergia", GATEWAY "/Grades", CLASS_GRADES, librus_data},
    {"GET", "synergia", GATEWAY "/**", CLASS_OTHER, librus_data},
    {"GET", "api", "/2.0/Grades", CLASS_GRADES, librus_data},
    {"GET", "api", "/2.0/**", CLASS_OTHER, librus_data},
    {"GET", "api", "/3.0/Grades", CLASS_GRADES, librus_data},
    {"GET", "api", "/3.0/**", CLASS_OTHER, librus_data},
    /* messages as HTML */
    {"GET", "synergia", "/wiadomosci/2/*", CLASS_MESSAGE, librus_composer},
    {"POST", "synergia", "/wiadomosci/2/*", CLASS_MESSAGE, librus_composer},
    {"POST", "synergia", "/getRecipients", CLASS_MESSAGE, librus_recipients},
    {"POST", "synergia", "/wiadomosci/1/6", CLASS_MESSAGE, librus_send_1},
    {"POST", "synergia", "/wiadomosci/5", CLASS_MESSAGE, librus_send_2},
    {"GET", "synergia", "/wiadomosci", CLASS_MESSAGE, librus_received},
    {"GET", "synergia", "/wiadomosci_aktualne", CLASS_MESSAGE, librus_received},
    {"POST", "synergia", "/wiadomosci_aktualne", CLASS_MESSAGE,
	librus_received},
    {"GET", "synergia", "/wiadomosci/5", CLASS_MESSAGE, librus_received},
    {"GET", "synergia", "/wiadomosci/1/5", CLASS_MESSAGE, librus_received},
    {"POST", "synergia", "/wiadomosci/1/5", CLASS_MESSAGE, librus_received},
    {"GET", "synergia", "/wiadomosci/6", CLASS_MESSAGE, librus_sent},
    {"POST", "synergia", "/wiadomosci/6", CLASS_MESSAGE, librus_sent},
    {"GET", "synergia", "/wiadomosci/1/6", CLASS_MESSAGE, librus_sent},
    {"GET", "synergia", "/wiadomosci/7", CLASS_MESSAGE, librus_trash},
    {"POST", "synergia", "/wiadomosci/7", CLASS_MESSAGE, librus_trash},
    {"GET", "synergia", "/wiadomosci/1/5/*", CLASS_MESSAGE,
	librus_read_received},
    {"GET", "synergia", "/wiadomosci/1/5/*/f0", CLASS_MESSAGE,
	librus_read_received},
    {"GET", "synergia", "/wiadomosci/1/6/*", CLASS_MESSAGE, librus_read_sent},
    {"GET", "synergia", "/wiadomosci/1/6/*/f0", CLASS_MESSAGE,
	librus_read_sent},
    {"GET", "synergia", "/wiadomosci/1/7/*", CLASS_MESSAGE, librus_read_trash},
    {"GET", "synergia", "/wiadomosci/1/7/*/f0", CLASS_MESSAGE,
	librus_read_trash},
    {"POST", "synergia", "/wiadomosci", CLASS_MESSAGE, librus_delete},
    {"POST", "synergia", "/usun_wiadomosc", CLASS_MESSAGE, librus_delete_many},
    {"POST", "synergia", "/przywroc_wiadomosc", CLASS_MESSAGE,
	librus_restore_many},
    /* messages as XML */
    {"GET", "synergia", "/wiadomosci2", CLASS_MESSAGE, librus_xml_enter},
    {"GET", "wiadomosci", "/AutoLogon", CLASS_MESSAGE, librus_xml_autologon},
    {"POST", "wiadomosci", "/module/Login", CLASS_LOGIN, librus_xml_module},
    {"POST", "wiadomosci", "/module/**", CLASS_MESSAGE, librus_xml_module},
    /* messages as JSON */
    {"GET", "synergia", "/wiadomosci3", CLASS_MESSAGE, librus_mail_enter},
    {"GET", "wiadomosci", "/*/MultiDomainLogon/token/*/**", CLASS_MESSAGE,
	librus_mail_logon},
    {"GET", "wiadomosci", "/nowy", CLASS_MESSAGE, librus_mail_nowy},
    {"GET", "wiadomosci", "/nowy/", CLASS_MESSAGE, librus_mail_app},
    {"GET", "wiadomosci", "/api/me", CLASS_MESSAGE, librus_api_me},
    {"GET", "wiadomosci", "/api/inbox/unreadMessagesCount", CLASS_MESSAGE,
	librus_api_unread},
    {"GET", "wiadomosci", "/api/*/messages", CLASS_MESSAGE, librus_api_box},
    {"GET", "wiadomosci", "/api/*/messages/*", CLASS_MESSAGE, librus_api_read},
    {"GET", "wiadomosci", "/api/archive/*/messages", CLASS_MESSAGE,
	librus_api_archive},
    {"GET", "wiadomosci", "/api/receivers/types", CLASS_MESSAGE,
	librus_api_types},
    {"GET", "wiadomosci", "/api/receivers/groups/*", CLASS_MESSAGE,
	librus_api_group},
    {"POST", "wiadomosci", "/api/messages", CLASS_MESSAGE, librus_api_send},
    {0},
};

const struct operator_play librus_play = {
    .name = "librus",
    .deployments = {"synergia"},
    .routes = routes,
    .capacity_per_s = 100,
    .servers = 4,
    .peak_ratio = 0.75,
    .resolve = librus_resolve,
    .symptoms = librus_symptoms,
};
