/*
 * The tokens of the mobile API of Librus: the password grant of 2020, the
 * refresh of a token, and the bridge from a token to a session of the web.
 *
 * What the sources leave open and how it is here: of the client only its
 * number is looked at, in the Basic header or in the form; an expired account
 * is told as a password that must be changed. Since 2026 the password grant
 * is refused as unsupported; as no client of that time asks for it, it is
 * granted to whoever does.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "librus-int.h"

#define HOST "https://synergia.librus.pl"

enum { EXPIRES_IN_S = 86400 };

static const double REFRESH_LIFE_S = 30 * 86400.0;
static const double AUTOLOGIN_LIFE_S = 60;
static const double WEB_LIFE_S = 2700;

struct session *
librus_bearer(struct exchange *x, int kind)
{
	const char *header = request_header(x, "Authorization");

	if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	return session_find(x, kind, header + 7);
}

static struct session *
new_token(
    struct exchange *x, const struct account *account, int kind, double life_s)
{
	struct session *token = session_new(x, kind, 0);

	token->account = account;
	token->expires_s = oper_now_s(x->op) + life_s; /* whether used or not */
	return token;
}

struct session *
librus_new_bearer(struct exchange *x, const struct account *account)
{
	return new_token(x, account, LIBRUS_BEARER, EXPIRES_IN_S);
}

void
librus_token_pair(struct exchange *x, const struct account *account,
    int bearer_kind, int refresh_kind)
{
	const struct session *access =
	    new_token(x, account, bearer_kind, EXPIRES_IN_S);
	const struct session *again =
	    new_token(x, account, refresh_kind, REFRESH_LIFE_S);

	librus_json_value(x, 200,
	    json_pack("{s:s, s:s, s:i, s:s, s:s}", "access_token", access->id,
		"token_type", "Bearer", "expires_in", EXPIRES_IN_S, "scope",
		"mydata", "refresh_token", again->id));
}

void
librus_token_error(
    struct exchange *x, unsigned status, const char *error, const char *hint)
{
	json_t *body = json_pack("{s:s}", "error", error);

	if (hint != NULL)
		json_object_set_new(body, "hint", json_string(hint));
	librus_json_value(x, status, body);
}

/* The app of 2020 is client 28; its secret is public and not looked at. */
static bool
is_app(struct exchange *x)
{
	const char *header = request_header(x, "Authorization");
	char *basic;
	bool known;

	if (header == NULL || strncasecmp(header, "Basic ", 6) != 0)
		return request_form_is(x, "client_id", "28");
	basic = text_unbase64(header + 6);
	known = basic != NULL && strncmp(basic, "28:", 3) == 0;
	free(basic);
	return known;
}

static void
password_grant(struct exchange *x)
{
	const char *user = request_form(x, "username");
	const char *password = request_form(x, "password");
	const struct account *account;

	if (user == NULL || password == NULL) {
		librus_token_error(x, 400, "invalid_request", NULL);
		return;
	}
	if (!request_form_is(x, "librus_rules_accepted", "1")) {
		librus_token_error(x, 400, "librus_reg_accept_needed", NULL);
		return;
	}
	switch (login_try(x, user, password, &account)) {
	case LOGIN_OK:
		librus_token_pair(x, account, LIBRUS_BEARER, LIBRUS_REFRESH);
		return;
	case LOGIN_WRONG:
		librus_token_error(x, 400, "invalid_grant", NULL);
		return;
	case LOGIN_LOCKED:
		librus_token_error(
		    x, 400, "librus_password_change_required", NULL);
		return;
	case LOGIN_CAPTCHA:
		librus_token_error(x, 400, "librus_captcha_needed", NULL);
		return;
	}
}

static void
refresh_grant(struct exchange *x)
{
	struct session *old =
	    session_find(x, LIBRUS_REFRESH, request_form(x, "refresh_token"));
	const struct account *account;

	if (old == NULL) {
		librus_token_error(x, 400, "invalid_grant", NULL);
		return;
	}
	account = old->account;
	session_drop(x->op, old);
	librus_token_pair(x, account, LIBRUS_BEARER, LIBRUS_REFRESH);
}

void
librus_oauth_token(struct exchange *x)
{
	if (!is_app(x))
		librus_token_error(x, 401, "invalid_client", NULL);
	else if (request_form_is(x, "grant_type", "password"))
		password_grant(x);
	else if (request_form_is(x, "grant_type", "refresh_token"))
		refresh_grant(x);
	else
		librus_token_error(x, 400, "unsupported_grant_type", NULL);
}

/* ---- the bridge to the web ---- */

void
librus_autologin_token(struct exchange *x)
{
	const struct session *bearer = librus_bearer(x, LIBRUS_BEARER);
	struct session *ticket;
	struct text until = {0};

	if (bearer == NULL) {
		librus_json(x, 401,
		    "{\"Status\":\"Error\",\"Code\":\"TokenIsExpired\","
		    "\"Message\":\"Request is denied\"}");
		return;
	}
	ticket = session_new(x, LIBRUS_AUTOLOGIN, AUTOLOGIN_LIFE_S);
	ticket->account = bearer->account;
	text_time(&until, "%Y-%m-%d %H:%M:%S",
	    oper_time(x->op) + (time_t)AUTOLOGIN_LIFE_S);
	librus_json_value(x, 200,
	    json_pack("{s:s, s:s}", "Token", ticket->id, "ExpirationTime",
		text_of(&until)));
	text_fini(&until);
}

void
librus_autologin(struct exchange *x)
{
	struct session *ticket =
	    session_find(x, LIBRUS_AUTOLOGIN, x->capture[0]);
	struct session *session;

	if (ticket == NULL) {
		reply_redirect(x, 302, HOST "/loguj");
		return;
	}
	session = session_new(x, LIBRUS_SYNERGIA, WEB_LIFE_S);
	session->account = ticket->account;
	session_drop(x->op, ticket);
	librus_give_cookies(x, session, false);
	reply_redirect(x, 302, HOST "/%s", x->capture[1]);
}
