/*
 * The modules of today, of standard accounts (dziennik-uczen,
 * dziennik-wiadomosci) and of eduVULCAN (uczen and wiadomosci.eduvulcan.pl):
 * entry by a token of dziennik-logowanie, the page with its VParam, and what
 * each call of their interface must show. A call without a living session is
 * answered with HTTP 409.
 */
#include <stdlib.h>
#include <string.h>

#include "vulcan-int.h"

static const double APP_LIFE_S = 1200;

static const struct app {
	const char *host;
	const char *cookie;
	const char *title;
	const char *context; /* wctx */
	int kind;
} apps[] = {
    {"dziennik-uczen.vulcan.net.pl", "Dziennik.Uczen.Sso", "Dziennik Uczeń",
	"auth=student", VULCAN_DZIENNIK_UCZEN},
    {"dziennik-wiadomosci.vulcan.net.pl", "Dziennik.Wiadomosci.Sso",
	"Wiadomości", "auth=student", VULCAN_DZIENNIK_MAIL},
    {"uczen.eduvulcan.pl", "Eduvulcan.Uczen.Sso", "Dziennik Uczeń",
	"auth=studentEV", VULCAN_EDU_UCZEN},
    {"wiadomosci.eduvulcan.pl", "Eduvulcan.Wiadomosci.Sso", "Wiadomości",
	"auth=studentEV", VULCAN_EDU_MAIL},
};

enum { APPS = sizeof(apps) / sizeof(apps[0]) };

/* The routes lead here from the hosts of the table only. */
static const struct app *
app_of(const struct exchange *x)
{
	size_t len = strcspn(x->host, ".");

	for (int i = 0; i < APPS; i++)
		if (strncmp(apps[i].host, x->host, len + 1) == 0)
			return &apps[i];
	abort();
}

static void
add_realm(struct text *text, const struct app *app, const char *symbol)
{
	text_addf(text, "https://%s/%s/Account/Login", app->host, symbol);
}

bool
vulcan_app_is_realm(const char *realm, const char *symbol)
{
	bool found = false;

	for (int i = 0; i < APPS; i++) {
		struct text own = {0};
		add_realm(&own, &apps[i], symbol);
		if (strncmp(realm, text_of(&own), own.len) == 0)
			found |=
			    realm[own.len] == '\0' || realm[own.len] == '?';
		text_fini(&own);
	}
	return found;
}

static struct session *
own_session(struct exchange *x)
{
	const struct app *app = app_of(x);

	return session_by_cookie(x, app->kind, app->cookie);
}

/* ---- entries ---- */

/* To the login, which will send back to `back` here. */
static void
federate(struct exchange *x, const char *back)
{
	const struct app *app = app_of(x);
	struct text realm = {0};
	struct text escaped = {0};

	add_realm(&realm, app, x->capture[0]);
	if (back != NULL) {
		text_add(&realm, "?returnUrl=");
		text_url(&realm, back);
	}
	text_url(&escaped, text_of(&realm));
	text_clear(&realm);
	text_url(&realm, app->context);
	reply_redirect(x, 302,
	    "https://dziennik-logowanie.vulcan.net.pl/%s/Fs/Ls?wa=wsignin1.0"
	    "&wtrealm=%s&wctx=%s&nslo=1",
	    x->capture[0], text_of(&escaped), text_of(&realm));
	text_fini(&escaped);
	text_fini(&realm);
}

void
vulcan_app_login(struct exchange *x)
{
	if (own_session(x) != NULL)
		reply_redirect(x, 302, "/%s/App", x->capture[0]);
	else
		federate(x, request_query(x, "returnUrl"));
}

void
vulcan_app_start(struct exchange *x)
{
	struct text back = {0};

	text_addf(&back, "/%s/App", x->capture[0]);
	if (own_session(x) != NULL)
		reply_redirect(x, 302, "%s", text_of(&back));
	else
		federate(x, text_of(&back));
	text_fini(&back);
}

/* LoginEndpoint.aspx: in, or out with `logout=true`. */
void
vulcan_app_endpoint(struct exchange *x)
{
	const struct app *app = app_of(x);

	if (!same(request_query(x, "logout"), "true")) {
		vulcan_app_start(x);
		return;
	}
	session_drop(x->op, own_session(x));
	reply_cookie(x, app->cookie, "-", "Path=/; Max-Age=0");
	reply_redirect(x, 302,
	    "https://dziennik-logowanie.vulcan.net.pl/%s/Fs/Ls?wa=wsignout1.0",
	    x->capture[0]);
}

void
vulcan_app_token(struct exchange *x)
{
	static const int kinds[] = {VULCAN_GATE, 0};
	const struct app *app = app_of(x);
	const char *back = request_query(x, "returnUrl");
	const struct session *gate = NULL;
	struct text realm = {0};
	char token[33];

	add_realm(&realm, app, x->capture[0]);
	if (request_form_is(x, "wa", "wsignin1.0"))
		gate = vulcan_token_read(
		    x, request_form(x, "wresult"), text_of(&realm), kinds);
	text_fini(&realm);
	if (gate == NULL) {
		vulcan_error_page(x, "Token jest nieprawidłowy lub wygasł.");
		return;
	}
	struct session *session = session_new(x, app->kind, APP_LIFE_S);
	session->account = gate->account;
	memcpy(session->parent, gate->id, sizeof(session->parent));
	session_token(token);
	session_keep(session->token[0], token);
	session_token(token);
	session_keep(session->token[1], token);
	reply_cookie(x, app->cookie, session->id, VULCAN_COOKIES);
	if (back != NULL && back[0] == '/' && back[1] != '/')
		reply_redirect(x, 302, "%s", back);
	else
		reply_redirect(x, 302, "/%s/App", x->capture[0]);
}

void
vulcan_app_page(struct exchange *x)
{
	const struct session *session = own_session(x);
	struct text name = {0};

	if (session == NULL) {
		vulcan_app_start(x);
		return;
	}
	text_addf(&name, "X-V-RequestVerificationToken#%s", x->capture[0]);
	reply_header(x, "Set-Cookie", "%s=%s; %s", text_of(&name),
	    session->token[1], VULCAN_COOKIES);
	text_fini(&name);
	vulcan_module_page(x, session, app_of(x)->title, VULCAN_VERSION_TODAY,
	    "/LoginEndpoint.aspx?logout=true");
}

/* ---- calls ---- */

static struct session *
session_here(struct exchange *x)
{
	if (strncmp(x->host, "uonetplus-uczenplus.", 20) == 0)
		return vulcan_party_session(x, VULCAN_PUPIL_PLUS);
	if (strncmp(x->host, "uonetplus-wiadomosciplus.", 25) == 0)
		return vulcan_party_session(x, VULCAN_MAIL_PLUS);
	return own_session(x);
}

struct session *
vulcan_app_session(struct exchange *x)
{
	struct session *session = session_here(x);

	if (session == NULL) {
		vulcan_json(x,
		    "{\"success\":false,\"errorMessage\":\"Sesja wygasła\"}");
		reply_status(x, 409, TYPE_JSON);
	}
	return session;
}

struct session *
vulcan_app_change(struct exchange *x)
{
	struct session *session = vulcan_app_session(x);

	if (session != NULL && !vulcan_headers_right(x, session, NULL)) {
		vulcan_refuse(x, "Brak wymaganego ciastka anti-forgery");
		return NULL;
	}
	return session;
}
