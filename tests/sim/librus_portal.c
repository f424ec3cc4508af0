/*
 * Konto LIBRUS, the login by e-mail on portal.librus.pl: the form with its
 * csrf token, the redirect to the app with a code, the token endpoint, and
 * the Synergia accounts with an access token each. The app of 2020 came by
 * /oauth2/authorize and posted JSON; that of today comes by
 * /konto-librus/redirect/dru and posts a form.
 *
 * What the sources leave open and how it is here: the e-mail of an account is
 * its login, with anything or nothing behind an @; the name of the portal's
 * cookie; any client_id is taken for the app's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "librus-int.h"

#define PORTAL "https://portal.librus.pl"

enum { STAGE_FRESH, STAGE_REFUSED, STAGE_CAPTCHA, STAGE_CSRF, STAGE_IN };

static const char cookie_name[] = "konto_librus_session";
static const char app_2020[] = "http://localhost/bar";
static const char app_now[] = "app://librus";
static const double PORTAL_LIFE_S = 7200;
static const double CODE_LIFE_S = 60;

static struct session *
portal_session(struct exchange *x)
{
	return session_by_cookie(x, LIBRUS_PORTAL, cookie_name);
}

static struct session *
portal_begin(struct exchange *x)
{
	struct session *session = portal_session(x);
	char token[33];

	if (session != NULL)
		return session;
	session = session_new(x, LIBRUS_PORTAL, PORTAL_LIFE_S);
	session_token(token);
	session_keep(session->token[0], token);
	session_token(token);
	session_keep(session->token[1], token);
	reply_cookie(x, cookie_name, session->id, "Path=/; Secure; HttpOnly");
	return session;
}

/* ---- the way to a code ---- */

static void
give_code(struct exchange *x, const struct session *session, const char *uri)
{
	struct session *code = session_new(x, LIBRUS_PORTAL_CODE, CODE_LIFE_S);

	code->account = session->account;
	session_keep(code->token[0], uri);
	reply_redirect(x, 302, "%s?code=%s", uri, code->id);
}

void
librus_portal_redirect(struct exchange *x)
{
	const struct session *session = portal_begin(x);

	if (session->stage == STAGE_IN)
		give_code(x, session, app_now);
	else
		reply_redirect(x, 302, PORTAL "/konto-librus/login");
}

void
librus_portal_authorize(struct exchange *x)
{
	const char *uri = request_query(x, "redirect_uri");
	const struct session *session = portal_begin(x);

	if (request_query(x, "client_id") == NULL ||
	    (!same(uri, app_2020) && !same(uri, app_now)))
		reply_redirect(
		    x, 302, PORTAL "/oauth2/error?reason=rejected_client");
	else if (session->stage == STAGE_IN)
		give_code(x, session, uri);
	else
		reply_redirect(x, 302, PORTAL "/rodzina/login");
}

/* What the form says of the last try; it says so once. */
static void
last_try(struct exchange *x, struct session *session)
{
	static const char *const texts[] = {
	    [STAGE_FRESH] = "",
	    [STAGE_REFUSED] =
		"<p>Upewnij się, że nie wpisano błędnego adresu e-mail lub "
		"hasła.</p>",
	    [STAGE_CAPTCHA] =
		"<p>Potwierdź, że nie jesteś robotem.</p><div "
		"class=\"g-recaptcha\" data-sitekey=\"6Lc-symulator\"></div>",
	    [STAGE_CSRF] = "<p>Sesja logowania wygasła</p>",
	    [STAGE_IN] = "",
	};

	text_add(&x->out, texts[session->stage]);
	if (session->stage != STAGE_IN)
		session->stage = STAGE_FRESH;
}

void
librus_portal_form(struct exchange *x)
{
	struct session *session = portal_begin(x);
	bool now = strncmp(x->path, "/konto-librus/", 14) == 0;

	text_addf(&x->out,
	    "<!DOCTYPE html><html lang=\"pl\"><head>"
	    "<meta name=\"csrf-token\" content=\"%s\">"
	    "<title>LIBRUS Rodzina</title></head><body>",
	    session->token[0]);
	last_try(x, session);
	text_addf(&x->out,
	    "<form action=\"" PORTAL "%s/login/action\" method=\"post\">"
	    "<input type=\"hidden\" name=\"_token\" value=\"%s\">"
	    "<input type=\"hidden\" name=\"redirectTo\" value=\"%s\">"
	    "<input type=\"hidden\" name=\"redirectCrc\" value=\"%s\">"
	    "<input type=\"email\" name=\"email\">"
	    "<input type=\"password\" name=\"password\">"
	    "<button type=\"submit\">Zaloguj</button></form></body></html>",
	    now ? "/konto-librus" : "/rodzina", session->token[0],
	    now ? "/konto-librus/redirect/dru" : "", session->token[1]);
	reply_status(x, 200, TYPE_HTML);
}

/* ---- the password ---- */

static enum login
try_email(struct exchange *x, const struct account **account)
{
	const char *email = request_form(x, "email");
	char user[64];

	if (email == NULL)
		email = "";
	snprintf(user, sizeof(user), "%.*s", (int)strcspn(email, "@"), email);
	return login_try(x, user, request_form(x, "password"), account);
}

static bool
has_csrf(struct exchange *x, const struct session *session)
{
	const char *header = request_header(x, "X-CSRF-TOKEN");

	return session != NULL &&
	    same(session->token[0],
		header != NULL ? header : request_form(x, "_token"));
}

static void
refuse(
    struct exchange *x, struct session *session, int stage, const char *message)
{
	if (request_is_json(x)) {
		librus_json_value(x, 403,
		    json_pack("{s:[{s:i, s:s}], s:b}", "errors", "code", 1,
			"message", message, "captchaRequired",
			stage == STAGE_CAPTCHA));
		return;
	}
	if (session != NULL)
		session->stage = stage;
	reply_redirect(x, 302, PORTAL "/konto-librus/login");
}

static void
let_in(struct exchange *x, struct session *session)
{
	const char *to = request_form(x, "redirectTo");

	session->stage = STAGE_IN;
	if (request_is_json(x))
		librus_json(x, 200, "{}");
	else if (to == NULL || *to == '\0')
		reply_redirect(x, 302, PORTAL "/konto-librus");
	else if (same(to, "/konto-librus/redirect/dru") &&
	    request_form_is(x, "redirectCrc", session->token[1]))
		give_code(x, session, app_now);
	else
		reply_redirect(x, 302, PORTAL "/konto-librus");
}

void
librus_portal_login(struct exchange *x)
{
	struct session *session = portal_session(x);
	const struct account *account;

	librus_take_json(x);
	if (!has_csrf(x, session)) {
		refuse(x, session, STAGE_CSRF, "Sesja logowania wygasła");
		return;
	}
	switch (try_email(x, &account)) {
	case LOGIN_OK:
		session->account = account;
		let_in(x, session);
		return;
	case LOGIN_WRONG:
	case LOGIN_LOCKED:
		refuse(x, session, STAGE_REFUSED,
		    "Upewnij się, że nie wpisano błędnego adresu e-mail lub "
		    "hasła.");
		return;
	case LOGIN_CAPTCHA:
		refuse(x, session, STAGE_CAPTCHA,
		    "Potwierdź, że nie jesteś robotem.");
		return;
	}
}

void
librus_portal_home(struct exchange *x)
{
	const struct session *session = portal_session(x);

	if (session == NULL || session->stage != STAGE_IN) {
		reply_redirect(x, 302, PORTAL "/konto-librus/login");
		return;
	}
	text_add(&x->out,
	    "<!DOCTYPE html><html lang=\"pl\"><head><title>Konto LIBRUS"
	    "</title></head><body id=\"librus_account_settings_main\">"
	    "</body></html>");
	reply_status(x, 200, TYPE_HTML);
}

/* ---- tokens and accounts ---- */

static void
code_grant(struct exchange *x)
{
	struct session *code =
	    session_find(x, LIBRUS_PORTAL_CODE, request_form(x, "code"));
	const struct account *account;

	if (request_form(x, "code") == NULL) {
		librus_token_error(
		    x, 400, "invalid_request", "Check the `code` parameter");
	} else if (code == NULL) {
		librus_token_error(x, 400, "invalid_request",
		    "Authorization code has expired");
	} else if (!request_form_is(x, "redirect_uri", code->token[0])) {
		librus_token_error(x, 400, "invalid_request",
		    "Check the `redirect_uri` parameter");
	} else {
		account = code->account;
		session_drop(x->op, code);
		librus_token_pair(
		    x, account, LIBRUS_PORTAL_BEARER, LIBRUS_PORTAL_REFRESH);
	}
}

static void
portal_refresh(struct exchange *x)
{
	const char *token = request_form(x, "refresh_token");
	struct session *old = session_find(x, LIBRUS_PORTAL_REFRESH, token);
	const struct account *account;

	if (old == NULL) {
		librus_token_error(x, 401, "invalid_request",
		    token == NULL ? "Check the `refresh_token` parameter"
				  : "Token has been revoked");
		return;
	}
	account = old->account;
	session_drop(x->op, old);
	librus_token_pair(
	    x, account, LIBRUS_PORTAL_BEARER, LIBRUS_PORTAL_REFRESH);
}

void
librus_portal_token(struct exchange *x)
{
	librus_take_json(x);
	if (request_form(x, "client_id") == NULL)
		librus_token_error(x, 400, "invalid_request",
		    "Check the `client_id` parameter");
	else if (request_form_is(x, "grant_type", "authorization_code"))
		code_grant(x);
	else if (request_form_is(x, "grant_type", "refresh_token"))
		portal_refresh(x);
	else
		librus_token_error(x, 400, "unsupported_grant_type", NULL);
}

/* By an access token, or by the cookie of one who is logged in. */
static const struct account *
portal_account(struct exchange *x)
{
	const struct session *session = librus_bearer(x, LIBRUS_PORTAL_BEARER);

	if (session == NULL) {
		session = portal_session(x);
		if (session != NULL && session->stage != STAGE_IN)
			session = NULL;
	}
	if (session != NULL)
		return session->account;
	librus_json(x, 401,
	    "{\"error\":\"access_denied\",\"message\":\"The resource owner "
	    "or authorization server denied the request.\"}");
	return NULL;
}

static json_t *
synergia_account(struct exchange *x, const struct account *account)
{
	const struct session *bearer = librus_new_bearer(x, account);

	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id",
	    (json_int_t)strtoll(account->mailbox, NULL, 10),
	    "accountIdentifier", account->mailbox, "group", "parent",
	    "accessToken", bearer->id, "login", account->user, "studentName",
	    account->name, "scopes", "mydata", "state", "active");
}

void
librus_portal_accounts(struct exchange *x)
{
	const struct account *account = portal_account(x);

	if (account == NULL)
		return;
	librus_json_value(x, 200,
	    json_pack("{s:I, s:[o]}", "lastModification",
		(json_int_t)oper_time(x->op), "accounts",
		synergia_account(x, account)));
}

void
librus_portal_fresh(struct exchange *x)
{
	const struct account *account = portal_account(x);

	if (account == NULL)
		return;
	if (same(account->user, x->capture[0]))
		librus_json_value(x, 200, synergia_account(x, account));
	else
		librus_json(x, 404, "{\"error\":\"requires_an_action\"}");
}
