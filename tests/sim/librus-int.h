#ifndef SIM_LIBRUS_INT_H
#define SIM_LIBRUS_INT_H

#include "sim.h"

/*
 * What the files of Librus share: librus.c has its pages and addresses,
 * librus_login.c the web login, librus_portal.c the login by Konto LIBRUS,
 * librus_token.c the tokens of the mobile API, librus_data.c the school's
 * data as JSON, librus_grades.c the marks as HTML, librus_compose.c and
 * librus_mail.c the old messages as HTML, librus_xml.c those of the "Flash"
 * module, librus_api.c the new ones as JSON.
 */

enum librus_kind {
	LIBRUS_STATE = 1, /* ticket: oauth_state of an entry */
	LIBRUS_OAUTH, /* api.librus.pl while logging in; token[0] the state */
	LIBRUS_CODE, /* ticket: the code of the callback, good once */
	LIBRUS_SYNERGIA, /* token[0] SDZIENNIKSID, [1] oauth_token, [2] csrf */
	LIBRUS_MAIL_TICKET, /* ticket: the way to wiadomosci.librus.pl */
	LIBRUS_MAIL, /* wiadomosci.librus.pl */
	LIBRUS_BEARER, /* an access token of api.librus.pl */
	LIBRUS_REFRESH, /* its refresh token, good once */
	LIBRUS_AUTOLOGIN, /* ticket: from the mobile API to the web, good once
			   */
	LIBRUS_PORTAL, /* portal.librus.pl; token[0] csrf, [1] redirectCrc */
	LIBRUS_PORTAL_CODE, /* ticket: good once; token[0] redirect_uri */
	LIBRUS_PORTAL_BEARER,
	LIBRUS_PORTAL_REFRESH,
};

enum { LIBRUS_RECIPIENTS_MAX = 50, LIBRUS_PAGE_ROWS = 50 };

/* What the pages of the old messages say of themselves. */
#define LIBRUS_OLD_MAIL \
	"Korzystasz ze starej wersji modułu Wiadomości, która nie jest już " \
	"rozwijana i nie zawiera wszystkich dostępnych funkcji. Przejdź do " \
	"ustawień i włącz opcję: Używaj nowego systemu wiadomości."

/* ---- librus.c ---- */

/* The living session of a synergia page, or NULL. */
struct session *librus_who(struct exchange *x);

/* The same; without one the page of refusal is the answer. */
struct session *librus_session(struct exchange *x);

/* Gives a new web session its cookies; false for one that has but
 * DZIENNIKSID, as the bridge from the mobile API makes them. */
void librus_give_cookies(
    struct exchange *x, struct session *session, bool all_three);

/* True if the gateway's token is that of the session and has not run out; it
 * is then good for ten minutes more. */
bool librus_oauth_token_right(struct exchange *x, struct session *session);

void librus_page_begin(struct exchange *x, const char *title);
void librus_page_end(struct exchange *x);

/* A page for one who is logged in: with the greeting and a heading. */
void librus_user_page(
    struct exchange *x, const struct session *session, const char *title);

void librus_landing(struct exchange *x, const struct session *session);
void librus_json(struct exchange *x, unsigned status, const char *body);

/* Takes over `value`, also when it is NULL, which is a bug. */
void librus_json_value(struct exchange *x, unsigned status, json_t *value);

/* The two parts of "Wójcik Piotr": names are kept family name first. The
 * length of the family name is that of what comes before the space. */
const char *librus_first_name(const struct account *account);
int librus_last_len(const struct account *account);

/*
 * Fields that came as JSON, flat or below "form", become form fields like any
 * others; numbers become strings. To be called before the fields are asked.
 */
void librus_take_json(struct exchange *x);

/* ---- librus_login.c ---- */

void librus_school_login_page(struct exchange *x);
void librus_enter(struct exchange *x);
void librus_oauth_form(struct exchange *x);
void librus_oauth_password(struct exchange *x);
void librus_oauth_2fa(struct exchange *x);
void librus_oauth_perform(struct exchange *x);
void librus_oauth_grant(struct exchange *x);

/* ---- librus_token.c ---- */

/* The living access token of that kind in the Authorization header. */
struct session *librus_bearer(struct exchange *x, int kind);

/* A token for the mobile API, good for a day. */
struct session *librus_new_bearer(
    struct exchange *x, const struct account *account);

/* A pair of tokens of these kinds as the answer of a token endpoint. */
void librus_token_pair(struct exchange *x, const struct account *account,
    int bearer_kind, int refresh_kind);
void librus_token_error(
    struct exchange *x, unsigned status, const char *error, const char *hint);

void librus_oauth_token(struct exchange *x);
void librus_autologin_token(struct exchange *x);
void librus_autologin(struct exchange *x);

/* ---- librus_portal.c ---- */

void librus_portal_authorize(struct exchange *x); /* 2020 */
void librus_portal_redirect(struct exchange *x); /* now */
void librus_portal_form(struct exchange *x);
void librus_portal_login(struct exchange *x);
void librus_portal_token(struct exchange *x);
void librus_portal_accounts(struct exchange *x);
void librus_portal_fresh(struct exchange *x);
void librus_portal_home(struct exchange *x);

/* ---- librus_data.c ---- */

void librus_data(struct exchange *x);

/* ---- librus_grades.c ---- */

void librus_grades_page(struct exchange *x);
void librus_grade_details(struct exchange *x);

/* ---- librus_compose.c ---- */

/* The token of the forms, made when it is first needed. */
const char *librus_csrf(struct session *session);

/* False if the request shows a requestkey that is not the session's. */
bool librus_requestkey_fits(struct exchange *x, const struct session *session);

void librus_composer(struct exchange *x);
void librus_recipients(struct exchange *x);
void librus_send_1(struct exchange *x); /* also the list of sent ones */
void librus_send_2(struct exchange *x); /* also the list of received ones */

/* ---- librus_mail.c ---- */

void librus_result_page(struct exchange *x, const struct session *session,
    bool good, const char *text);
void librus_received(struct exchange *x);
void librus_sent(struct exchange *x);
void librus_trash(struct exchange *x);
void librus_read_received(struct exchange *x);
void librus_read_sent(struct exchange *x);
void librus_read_trash(struct exchange *x);
void librus_delete(struct exchange *x); /* also the list of received ones */
void librus_delete_many(struct exchange *x);
void librus_restore_many(struct exchange *x);

/* ---- librus_xml.c ---- */

void librus_xml_enter(struct exchange *x);
void librus_xml_autologon(struct exchange *x);
void librus_xml_module(struct exchange *x);

/* ---- librus_api.c ---- */

/* A one-time way from Synergia to the messages: 302 to it, or to the login
 * page for one without a session. */
void librus_mail_handoff(struct exchange *x, const char *target);

/* The session of wiadomosci.librus.pl by its cookie, or NULL. */
struct session *librus_mail_session(struct exchange *x);
struct session *librus_mail_open(
    struct exchange *x, const struct account *account, const char *parent);

void librus_mail_enter(struct exchange *x);
void librus_mail_logon(struct exchange *x);
void librus_mail_nowy(struct exchange *x);
void librus_mail_app(struct exchange *x);
void librus_api_me(struct exchange *x);
void librus_api_box(struct exchange *x);
void librus_api_archive(struct exchange *x);
void librus_api_read(struct exchange *x);
void librus_api_unread(struct exchange *x);
void librus_api_types(struct exchange *x);
void librus_api_group(struct exchange *x);
void librus_api_send(struct exchange *x);

#endif
