/*
 * Vulcan's login of today for standard accounts (dziennik-logowanie): a form
 * with anti-forgery token and, always, proof of work, and the federation that
 * hands tokens to the modules. Who comes for eduVULCAN (`auth=studentEV`) is
 * sent on to eduvulcan.pl, whose token is taken here and exchanged for one of
 * our own.
 */
#include <string.h>

#include "vulcan-int.h"

static const double GATE_LIFE_S = 3600;

static const char cookie_name[] = "Vulcan.Efeb.Logowanie.Web";

static void
logon_form(struct exchange *x, const char *error)
{
	const char *back = request_query(x, "ReturnUrl");

	vulcan_page_begin(x, "Logowanie");
	text_addf(&x->out, "<form method=\"post\" action=\"/%s/Account/Logon",
	    x->capture[0]);
	if (back != NULL) {
		text_add(&x->out, "?ReturnUrl=");
		text_url(&x->out, back);
	}
	text_add(&x->out,
	    "\"><div class=\"message-error hidden\" style=\"display:none\">"
	    "To jest konto eduVULCAN. Zaloguj się na eduvulcan.pl</div>"
	    "<input type=\"text\" id=\"Login\" name=\"Login\" value=\"\">"
	    "<input type=\"password\" id=\"Haslo\" name=\"Haslo\">");
	vulcan_form_fields(x, true);
	if (error != NULL)
		text_addf(
		    &x->out, "<div class=\"message-error\">%s</div>", error);
	text_add(&x->out, "<button type=\"submit\">Zaloguj</button></form>");
	vulcan_page_end(x);
}

void
vulcan_gate_form(struct exchange *x)
{
	logon_form(x, NULL);
}

void
vulcan_gate_password(struct exchange *x)
{
	const char *back = request_query(x, "ReturnUrl");
	const char *error = NULL;
	const struct account *account = vulcan_form_login(x, true,
	    request_form(x, "Login"), request_form(x, "Haslo"), &error);

	if (account == NULL) {
		logon_form(x, error);
		return;
	}
	struct session *session = session_new(x, VULCAN_GATE, GATE_LIFE_S);
	session->account = account;
	reply_cookie(x, cookie_name, session->id, VULCAN_COOKIES);
	if (back != NULL && back[0] == '/' && back[1] != '/')
		reply_redirect(x, 302, "%s", back);
	else
		reply_redirect(x, 302,
		    "https://dziennik-uczen.vulcan.net.pl/%s/App",
		    x->capture[0]);
}

/* Our own address with the query that `x` came with. */
static void
add_self(struct text *out, struct exchange *x, const char *realm)
{
	const char *context = request_query(x, "wctx");
	const char *nslo = request_query(x, "nslo");

	text_addf(out, "/%s/Fs/Ls?wa=wsignin1.0&wtrealm=", x->capture[0]);
	text_url(out, realm);
	text_add(out, "&wctx=");
	text_url(out, context != NULL ? context : "");
	if (nslo != NULL) {
		text_add(out, "&nslo=");
		text_url(out, nslo);
	}
}

/* Without a session: to the form, or to eduvulcan.pl. */
static void
ask_for_login(struct exchange *x, const char *realm)
{
	const char *context = request_query(x, "wctx");
	struct text self = {0};
	struct text escaped = {0};

	add_self(&self, x, realm);
	if (context != NULL && strncmp(context, "auth=studentEV", 14) == 0) {
		struct text own = {0};
		text_addf(&own, "https://dziennik-logowanie.vulcan.net.pl%s",
		    text_of(&self));
		text_url(&escaped, text_of(&own));
		reply_redirect(x, 302,
		    "https://eduvulcan.pl/fs/ls?wa=wsignin1.0&wtrealm=%s"
		    "&wctx=nslo%%3D1",
		    text_of(&escaped));
		text_fini(&own);
	} else {
		text_url(&escaped, text_of(&self));
		reply_redirect(x, 302, "/%s/Account/Logon?ReturnUrl=%s",
		    x->capture[0], text_of(&escaped));
	}
	text_fini(&escaped);
	text_fini(&self);
}

void
vulcan_gate_federation(struct exchange *x)
{
	const char *realm = request_query(x, "wtrealm");
	struct session *session =
	    session_by_cookie(x, VULCAN_GATE, cookie_name);

	if (same(request_query(x, "wa"), "wsignout1.0")) {
		session_drop(x->op, session);
		reply_cookie(x, cookie_name, "-", "Path=/; Max-Age=0");
		vulcan_page_begin(x, "Wylogowanie");
		text_add(&x->out, "<h1>Nastąpiło wylogowanie.</h1>");
		vulcan_page_end(x);
	} else if (!same(request_query(x, "wa"), "wsignin1.0") ||
	    realm == NULL || !vulcan_app_is_realm(realm, x->capture[0])) {
		vulcan_error_page(x, "Nieznany odbiorca tokenu.");
	} else if (session == NULL) {
		ask_for_login(x, realm);
	} else {
		vulcan_federation_form(
		    x, session, realm, request_query(x, "wctx"));
	}
}

/* A token of eduvulcan.pl for one of ours. */
void
vulcan_gate_token(struct exchange *x)
{
	static const int kinds[] = {VULCAN_EDU, 0};
	const char *realm = request_query(x, "wtrealm");
	const struct session *edu = NULL;
	struct text own = {0};

	text_addf(&own, "https://dziennik-logowanie.vulcan.net.pl/%s/Fs/Ls",
	    x->capture[0]);
	if (request_form_is(x, "wa", "wsignin1.0") && realm != NULL &&
	    vulcan_app_is_realm(realm, x->capture[0]))
		edu = vulcan_token_read(
		    x, request_form(x, "wresult"), text_of(&own), kinds);
	text_fini(&own);
	if (edu == NULL) {
		vulcan_error_page(x, "Token jest nieprawidłowy lub wygasł.");
		return;
	}
	struct session *session = session_new(x, VULCAN_GATE, GATE_LIFE_S);
	session->account = edu->account;
	memcpy(session->parent, edu->id, sizeof(session->parent));
	reply_cookie(x, cookie_name, session->id, VULCAN_COOKIES);
	vulcan_federation_form(x, session, realm, request_query(x, "wctx"));
}
