/*
 * The web login of Librus with all its hops. In 2026 it begins at Synergia,
 * which gives a state that must come back: the OAuth side, the password, 2FA,
 * PerformLogin, Grant, and back with a code. In 2020 clients began at the
 * OAuth side without a state, and went from the password to 2FA, whose
 * address they knew, or straight to Grant; without a state that still works.
 *
 * What the sources leave open and how it is here: a refused password is a
 * 403 with both documented marks of failure; a locked account has a text of
 * its own; steps out of order begin anew at the form. They disagree whether the
 * OAuth side shows the form at once or leads to it, so its answer is the form,
 * with a Location to where it lives. The callback is itself the landing page: a
 * client that lets nothing but the login's addresses pass would not follow it
 * further.
 */
#include <string.h>

#include "librus-int.h"

#define HOST "https://synergia.librus.pl"
#define OAUTH "https://api.librus.pl/OAuth/Authorization"

static const double STATE_LIFE_S = 600;
static const double CODE_LIFE_S = 60;
static const double SESSION_LIFE_S = 2700;

/* Steps of the login after the password, each allowed after the one before. */
enum { STEP_ENTERED, STEP_PASSWORD, STEP_2FA, STEP_PERFORMED, STEP_GRANTED };

static void
login_page(struct exchange *x)
{
	text_add(&x->out,
	    "<!DOCTYPE html><html lang=\"pl\"><head><meta charset=\"utf-8\">"
	    "<title>Logowanie - LIBRUS Synergia</title></head><body>"
	    "<form id=\"formLogin\" method=\"post\" "
	    "action=\"/OAuth/Authorization?client_id=46\">"
	    "<input type=\"hidden\" name=\"action\" value=\"login\">"
	    "<label for=\"Login\">Login</label>"
	    "<input type=\"text\" id=\"Login\" name=\"login\">"
	    "<label for=\"Pass\">Hasło</label>"
	    "<input type=\"password\" id=\"Pass\" name=\"pass\">"
	    "<button type=\"submit\" id=\"LoginBtn\">Zaloguj</button>"
	    "</form></body></html>");
	reply_status(x, 200, TYPE_HTML);
}

void
librus_school_login_page(struct exchange *x)
{
	librus_page_begin(x, "Logowanie");
	text_add(&x->out,
	    "<h2>Zaloguj się</h2><a href=\"/loguj/portalRodzina\">"
	    "Logowanie do systemu Synergia</a>");
	librus_page_end(x);
}

/*
 * Back from the OAuth side with a code. Who entered by Synergia must show the
 * state that it gave, in the address and as a cookie; who did not has none.
 */
static bool
state_fits(struct exchange *x, const struct session *ticket)
{
	const char *state = request_query(x, "state");
	struct session *given;

	if (ticket->token[0][0] == '\0')
		return state == NULL || *state == '\0';
	given = session_find(x, LIBRUS_STATE, state);
	if (given == NULL || !same(ticket->token[0], state) ||
	    !same(state, request_cookie(x, "oauth_state")))
		return false;
	session_drop(x->op, given);
	return true;
}

static void
callback(struct exchange *x, const char *code)
{
	struct session *ticket = session_find(x, LIBRUS_CODE, code);
	struct session *session;

	if (ticket == NULL || !state_fits(x, ticket)) {
		x->logged_in = false;
		session_drop(x->op, ticket);
		reply_redirect(x, 302, HOST "/loguj");
		return;
	}
	session = session_new(x, LIBRUS_SYNERGIA, SESSION_LIFE_S);
	session->account = ticket->account;
	session_drop(x->op, ticket);
	librus_give_cookies(x, session, true);
	reply_cookie(x, "oauth_state", "deleted", "Path=/; Max-Age=0");
	librus_landing(x, session);
}

void
librus_enter(struct exchange *x)
{
	const char *code = request_query(x, "code");
	struct session *state;

	if (code != NULL) {
		callback(x, code);
		return;
	}
	state = session_new(x, LIBRUS_STATE, STATE_LIFE_S);
	reply_cookie(
	    x, "oauth_state", state->id, "Path=/; Max-Age=600; Secure");
	reply_redirect(x, 302,
	    OAUTH "?client_id=46&response_type=code&scope=mydata&state=%s",
	    state->id);
}

/* The session of the OAuth side is a cookie of the same name as elsewhere. */
static struct session *
oauth_session(struct exchange *x)
{
	return session_by_cookie(x, LIBRUS_OAUTH, "DZIENNIKSID");
}

static void
oauth_begin(struct exchange *x)
{
	const char *state = request_query(x, "state");
	struct session *session;
	char device[33];

	session = session_new(x, LIBRUS_OAUTH, STATE_LIFE_S);
	session_keep(session->token[0], state);
	reply_cookie(x, "DZIENNIKSID", session->id, "Path=/; Secure; HttpOnly");
	if (request_cookie(x, "DeviceCookie") == NULL) {
		session_token(device);
		reply_cookie(x, "DeviceCookie", device,
		    "Path=/OAuth; Max-Age=31536000; Secure; HttpOnly");
	}
	reply_header(x, "Location", OAUTH "?client_id=46");
	login_page(x);
}

void
librus_oauth_form(struct exchange *x)
{
	const char *state = request_query(x, "state");

	if (!same(request_query(x, "client_id"), "46") ||
	    (state != NULL && strlen(state) >= TOKEN_SIZE))
		librus_json(x, 400, "{\"error\":\"invalid_request\"}");
	else if (same(request_query(x, "response_type"), "code"))
		oauth_begin(x);
	else if (oauth_session(x) != NULL)
		login_page(x);
	else
		librus_json(x, 400, "{\"error\":\"invalid_request\"}");
}

static void
oauth_refuse(struct exchange *x, const char *message)
{
	text_add(&x->out,
	    "{\"status\":\"error\",\"errors\":[{\"code\":1,\"message\":");
	text_json(&x->out, message);
	librus_json(x, 403, "}]}");
}

void
librus_oauth_password(struct exchange *x)
{
	struct session *session = oauth_session(x);
	const struct account *account;

	if (session == NULL || !same(request_query(x, "client_id"), "46") ||
	    !request_form_is(x, "action", "login")) {
		login_page(x); /* HTML where JSON was hoped for */
		return;
	}
	switch (login_try(
	    x, request_form(x, "login"), request_form(x, "pass"), &account)) {
	case LOGIN_OK:
		session->account = account;
		session->stage = STEP_PASSWORD;
		librus_json(x, 200,
		    "{\"status\":\"ok\","
		    "\"goTo\":\"\\/OAuth\\/Authorization\\/"
		    "2FA?client_id=46\"}");
		return;
	case LOGIN_WRONG:
		oauth_refuse(x, "Nieprawidłowy login i/lub hasło.");
		return;
	case LOGIN_LOCKED:
		oauth_refuse(x, "Konto zostało zablokowane.");
		return;
	case LOGIN_CAPTCHA:
		oauth_refuse(
		    x, "Proszę zaznaczyć pole \"Nie jestem robotem\".");
		return;
	}
}

/* One hop of the chain; out of order it begins anew at the form. */
static struct session *
oauth_hop(struct exchange *x, int after, int now)
{
	struct session *session = oauth_session(x);

	if (session == NULL || session->stage != after ||
	    !same(request_query(x, "client_id"), "46")) {
		reply_redirect(x, 302,
		    OAUTH "?client_id=46&response_type=code&scope=mydata");
		return NULL;
	}
	session->stage = now;
	return session;
}

void
librus_oauth_2fa(struct exchange *x)
{
	if (oauth_hop(x, STEP_PASSWORD, STEP_2FA) != NULL)
		reply_redirect(x, 302, OAUTH "/PerformLogin?client_id=46");
}

void
librus_oauth_perform(struct exchange *x)
{
	if (oauth_hop(x, STEP_2FA, STEP_PERFORMED) != NULL)
		reply_redirect(x, 302, OAUTH "/Grant?client_id=46");
}

/* The client of 2020 comes here right after the password. */
static bool
is_short_way(const struct session *session)
{
	return session != NULL && session->stage == STEP_PASSWORD &&
	    session->token[0][0] == '\0';
}

void
librus_oauth_grant(struct exchange *x)
{
	struct session *session = oauth_session(x);
	struct session *code;

	session =
	    oauth_hop(x, is_short_way(session) ? STEP_PASSWORD : STEP_PERFORMED,
		STEP_GRANTED);
	if (session == NULL)
		return;
	code = session_new(x, LIBRUS_CODE, CODE_LIFE_S);
	code->account = session->account;
	session->account = NULL; /* nobody is logged in on this side */
	session_keep(code->token[0], session->token[0]);
	if (code->token[0][0] == '\0')
		reply_redirect(
		    x, 302, HOST "/loguj/portalRodzina?code=%s", code->id);
	else
		reply_redirect(x, 302,
		    HOST "/loguj/portalRodzina?code=%s&state=%s", code->id,
		    session->token[0]);
}
