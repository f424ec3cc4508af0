/*
 * eduvulcan.pl, the front door of eduVULCAN: login with proof of work, the
 * tokens of the pupils (/api/ap) and the federation with dziennik-logowanie.
 * It is one for all symbols; vulcan_routes.c finds out which is meant.
 *
 * What the sources leave open and how it is here: work is asked for
 * (`ShowCaptcha`, and a challenge in the form) always at the symbol lublin,
 * elsewhere of an account whose password was wrong three times in a row; the
 * cookie of the login is `Eduvulcan.Konto`, that of a visitor of whom only
 * the user is known `ASP.NET_SessionId`; the home page links each pupil's
 * module; the way out is /wyloguj.
 */
#include <stdlib.h>
#include <string.h>

#include "vulcan-int.h"

static const double EDU_LIFE_S = 1200;
static const long JWT_LIFE_S = 3600;

static const char cookie_name[] = "Eduvulcan.Konto";
static const char visitor_cookie[] = "ASP.NET_SessionId";

enum { REFUSALS_MAX = 3 };

/* ---- login ---- */

static struct session *
edu_session(struct exchange *x)
{
	return session_by_cookie(x, VULCAN_EDU, cookie_name);
}

static const char *
user_named(struct exchange *x)
{
	const char *user = request_form(x, "UserName");

	if (user == NULL) /* its names in 2024 */
		user = request_form(x, "Alias");
	return user != NULL ? user : request_form(x, "alias");
}

/* Of the visitor: by what is posted, or was when the user was looked up. */
static bool
work_is_asked(struct exchange *x)
{
	const char *user = user_named(x);
	const struct session *visitor = session_find(
	    x, VULCAN_EDU_VISITOR, request_cookie(x, visitor_cookie));

	if (user == NULL && visitor != NULL)
		user = visitor->token[0];
	return same(x->dep->name, "lublin") ||
	    login_refusals(x, user) >= REFUSALS_MAX;
}

void
vulcan_edu_query(struct exchange *x)
{
	struct session *visitor;

	if (user_named(x) == NULL) {
		vulcan_json(x,
		    "{\"success\":false,\"data\":null,\"errorMessage\":"
		    "\"Nie podano nazwy użytkownika.\"}");
		return;
	}
	vulcan_affinity(x);
	visitor = session_new(x, VULCAN_EDU_VISITOR, EDU_LIFE_S);
	session_keep(visitor->token[0], user_named(x));
	reply_cookie(x, visitor_cookie, visitor->id, VULCAN_COOKIES);
	text_addf(&x->out,
	    "{\"success\":true,\"data\":{\"ShowCaptcha\":%s,"
	    "\"ExtraMessage\":\"\"}}",
	    work_is_asked(x) ? "true" : "false");
	vulcan_json(x, "");
}

static void
login_form(struct exchange *x, const char *error)
{
	const char *back = request_query(x, "ReturnUrl");

	vulcan_page_begin(x, "Logowanie - eduVULCAN");
	text_add(&x->out, "<form method=\"post\" action=\"/logowanie");
	if (back != NULL) {
		text_add(&x->out, "?ReturnUrl=");
		text_url(&x->out, back);
	}
	text_add(&x->out,
	    "\"><input type=\"text\" id=\"UserName\" name=\"UserName\">"
	    "<input type=\"password\" id=\"Password\" name=\"Password\">");
	vulcan_form_fields(x, work_is_asked(x));
	if (error != NULL)
		text_addf(&x->out,
		    "<div class=\"message-snackbar-content\">%s</div>", error);
	text_add(&x->out, "<button type=\"submit\">Zaloguj</button></form>");
	vulcan_page_end(x);
}

void
vulcan_edu_form(struct exchange *x)
{
	login_form(x, NULL);
}

void
vulcan_edu_password(struct exchange *x)
{
	const char *back = request_query(x, "ReturnUrl");
	const char *error = NULL;
	const struct account *account = vulcan_form_login(x, work_is_asked(x),
	    user_named(x), request_form(x, "Password"), &error);

	if (account == NULL) {
		login_form(x, error);
		return;
	}
	struct session *session = session_new(x, VULCAN_EDU, EDU_LIFE_S);
	session->account = account;
	reply_cookie(x, cookie_name, session->id, VULCAN_COOKIES);
	vulcan_affinity(x);
	reply_redirect(x, 302, "%s",
	    back != NULL && back[0] == '/' && back[1] != '/' ? back : "/");
}

static void
to_login(struct exchange *x, const char *back)
{
	struct text escaped = {0};

	text_url(&escaped, back);
	reply_redirect(x, 302, "/logowanie?ReturnUrl=%s", text_of(&escaped));
	text_fini(&escaped);
}

void
vulcan_edu_home(struct exchange *x)
{
	const struct session *session = edu_session(x);

	vulcan_page_begin(x, "eduVULCAN");
	if (session == NULL) {
		text_add(&x->out, "<a href=\"/logowanie\">Zaloguj się</a>");
	} else {
		text_add(&x->out, "<div class=\"user-name\">");
		text_html(&x->out, session->account->name);
		text_addf(&x->out,
		    "</div><a class=\"connected-account access-row\" "
		    "href=\"https://uczen.eduvulcan.pl/%s/start?profil=%d\">"
		    "<div class=\"name\">Testowy Test</div></a>"
		    "<a href=\"/wyloguj\">Wyloguj się</a>",
		    session->dep->name, session->account->pupil);
	}
	vulcan_page_end(x);
}

void
vulcan_edu_consent(struct exchange *x)
{
	if (edu_session(x) == NULL)
		to_login(x, "/konto/zgody");
	else
		reply_redirect(x, 302, "/");
}

void
vulcan_edu_logout(struct exchange *x)
{
	session_drop(x->op, edu_session(x));
	reply_cookie(x, cookie_name, "-", "Path=/; Max-Age=0");
	reply_redirect(x, 302, "/");
}

/* ---- federation ---- */

void
vulcan_edu_federation(struct exchange *x)
{
	const char *realm = request_query(x, "wtrealm");
	const char *context = request_query(x, "wctx");
	const struct session *session = edu_session(x);
	struct text own = {0};
	bool known;

	text_addf(&own, "https://dziennik-logowanie.vulcan.net.pl/%s/Fs/Ls?",
	    x->dep->name);
	known = realm != NULL && same(request_query(x, "wa"), "wsignin1.0") &&
	    strncmp(realm, text_of(&own), own.len) == 0;
	text_clear(&own);
	if (!known) {
		vulcan_error_page(x, "Nieznany odbiorca tokenu.");
	} else if (session != NULL) {
		vulcan_federation_form(x, session, realm, context);
	} else {
		text_add(&own, "/fs/ls?wa=wsignin1.0&wtrealm=");
		text_url(&own, realm);
		text_add(&own, "&wctx=");
		text_url(&own, context != NULL ? context : "");
		to_login(x, text_of(&own));
	}
	text_fini(&own);
}

/* ---- the tokens of the pupils ---- */

static void
add_part(struct text *out, const struct text *json)
{
	size_t from = out->len;

	text_base64(out, text_of(json), json->len);
	for (char *at = out->at + from; *at != '\0'; at++) {
		if (*at == '+')
			*at = '-';
		else if (*at == '/')
			*at = '_';
	}
	while (out->len > from && out->at[out->len - 1] == '=')
		out->at[--out->len] = '\0';
}

static void
add_jwt(struct exchange *x, struct text *out, const struct session *session,
    bool of_pupil)
{
	const struct account *account = session->account;
	char unit[VULCAN_UUID_SIZE];
	char user[VULCAN_UUID_SIZE];
	struct text part = {0};
	struct text token = {0};
	long now = (long)oper_time(x->op);

	text_add(&part, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
	add_part(&token, &part);
	text_clear(&part);
	vulcan_uuid(unit, session->dep->name);
	vulcan_box_key(user, account);
	text_add(&part, "{\"name\":");
	text_json(&part, of_pupil ? "Testowy Test" : account->name);
	text_addf(&part,
	    ",\"uid\":\"%s\",\"tenant\":\"%s\",\"unituid\":\"%s\","
	    "\"uri\":\"https://uczen.eduvulcan.pl/%s/start?profil=%d\","
	    "\"service\":true,\"caps\":\"[\\\"EDUVULCAN_PREMIUM\\\"]\","
	    "\"nbf\":%ld,\"exp\":%ld,\"iat\":%ld}",
	    user, session->dep->name, unit, session->dep->name, account->pupil,
	    now - 60, now + JWT_LIFE_S, now);
	text_add(&token, ".");
	add_part(&token, &part);
	text_clear(&part);
	vulcan_seal(&part, text_of(&token));
	text_addf(out, "%s.%s", text_of(&token), text_of(&part));
	text_fini(&token);
	text_fini(&part);
}

/* The middle part of a token, as JSON; to be freed. */
static json_t *
claims_of(const char *token)
{
	const char *begin = strchr(token, '.');
	struct text part = {0};
	char *plain;
	json_t *claims = NULL;

	if (begin == NULL)
		return NULL;
	begin++;
	text_addn(&part, begin, strcspn(begin, "."));
	for (char *at = part.at; *at != '\0'; at++) {
		if (*at == '-')
			*at = '+';
		else if (*at == '_')
			*at = '/';
	}
	while (part.len % 4 != 0)
		text_add(&part, "=");
	plain = text_unbase64(text_of(&part));
	if (plain != NULL)
		claims = json_loads(plain, 0, NULL);
	free(plain);
	text_fini(&part);
	return claims;
}

const struct account *
vulcan_jwt_account(struct exchange *x, const char *token)
{
	const char *seal = token != NULL ? strrchr(token, '.') : NULL;
	const struct account *account = NULL;
	struct text signed_part = {0};
	struct text own = {0};
	json_t *claims = NULL;

	if (seal == NULL)
		return NULL;
	text_addn(&signed_part, token, (size_t)(seal - token));
	vulcan_seal(&own, text_of(&signed_part));
	if (strcmp(text_of(&own), seal + 1) == 0)
		claims = claims_of(token);
	if (json_integer_value(json_object_get(claims, "exp")) >
		oper_time(x->op) &&
	    same(json_string_value(json_object_get(claims, "tenant")),
		x->dep->name))
		account = vulcan_account_by_box(
		    x, json_string_value(json_object_get(claims, "uid")));
	json_decref(claims);
	text_fini(&own);
	text_fini(&signed_part);
	return account;
}

void
vulcan_edu_ap(struct exchange *x)
{
	const struct session *session = edu_session(x);
	struct text json = {0};

	if (session == NULL) {
		to_login(x, "/api/ap");
		return;
	}
	text_add(&json, "{\"Tokens\":[\"");
	add_jwt(x, &json, session, true);
	text_add(&json, "\"],\"Alias\":");
	text_json(&json, session->account->user);
	text_add(&json, ",\"Email\":");
	text_json(&json, session->account->user);
	text_add(&json,
	    ",\"EduOneCode\":null,\"GivenName\":\"Test\",\"Surname\":"
	    "\"Testowy\",\"IsConsentAccepted\":true,\"CanAcceptConsent\":true,"
	    "\"AccessToken\":\"");
	add_jwt(x, &json, session, false);
	text_add(&json, "\",\"Success\":true,\"ErrorMessage\":null}");
	vulcan_page_begin(x, "eduVULCAN");
	text_add(&x->out, "<input id=\"ap\" type=\"hidden\" value=\"");
	text_html(&x->out, text_of(&json));
	text_add(&x->out, "\">");
	vulcan_page_end(x);
	text_fini(&json);
}
