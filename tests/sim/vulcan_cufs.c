/*
 * Vulcan's identity provider (cufs): the login form, and the automatic form
 * that carries a token to a relying party (WS-Federation); and the hop
 * (uonetplus-logowanie) that stood between it and the start page from 2023.
 *
 * The symbol in the path is the city's, or `Default` for whoever does not
 * know it: then the token tells the symbols in its attribute UserInstance
 * and is good at each of them.
 */
#include <string.h>

#include "vulcan-int.h"

static const double CUFS_LIFE_S = 3600;

static void
logon_form(struct exchange *x, const char *error)
{
	const char *back = request_query(x, "ReturnUrl");

	vulcan_page_begin(x, "Logowanie (Uonet+)");
	text_add(&x->out,
	    "<div class=\"LogOnBoard\"><form method=\"post\" "
	    "action=\"/");
	text_add(&x->out, x->capture[0]);
	text_add(&x->out, "/Account/LogOn");
	if (back != NULL) {
		text_add(&x->out, "?ReturnUrl=");
		text_url(&x->out, back);
	}
	text_add(&x->out,
	    "\"><input type=\"text\" id=\"LoginName\" name=\"LoginName\">"
	    "<input type=\"password\" id=\"Password\" name=\"Password\">"
	    "<input type=\"submit\" value=\"Zaloguj się &gt;\">");
	if (error != NULL)
		text_addf(&x->out,
		    "<div class=\"ErrorMessage center\">%s</div>", error);
	text_add(&x->out, "</form></div>");
	vulcan_page_end(x);
}

void
vulcan_cufs_form(struct exchange *x)
{
	logon_form(x, NULL);
}

void
vulcan_cufs_password(struct exchange *x)
{
	const char *back = request_query(x, "ReturnUrl");
	const struct account *account;
	struct session *session;

	switch (login_try(x, request_form(x, "LoginName"),
	    request_form(x, "Password"), &account)) {
	case LOGIN_OK:
		break;
	case LOGIN_WRONG:
		logon_form(x, "Zła nazwa użytkownika lub hasło");
		return;
	case LOGIN_LOCKED:
		logon_form(
		    x, "Konto nie zostało odnalezione lub zostało zablokowane");
		return;
	case LOGIN_CAPTCHA:
		logon_form(x,
		    "Mówimy nie robotom i robakom internetowym. Wpisz kod "
		    "z obrazka (captcha).");
		return;
	}
	session = session_new(x, VULCAN_CUFS, CUFS_LIFE_S);
	session->account = account;
	reply_cookie(
	    x, "Vulcan.CUFS.WebFrontEndCookie", session->id, VULCAN_COOKIES);
	reply_cookie(x, "ARR_cufs.vulcan.net.pl", "4f1c", "Path=/; HttpOnly");
	if (same(x->capture[0], "Default"))
		vulcan_affinity(x);
	/* only back to a page of our own */
	if (back != NULL && back[0] == '/' && back[1] != '/')
		reply_redirect(x, 302, "%s", back);
	else
		reply_redirect(x, 302, "/%s/", x->capture[0]);
}

/*
 * Attribute values are escaped as the framework of the real one does it:
 * ampersand, less-than and the quote, and the letters of Latin-1 as numbers,
 * while the greater-than stays raw.
 */
static void
add_framework_escaped(struct text *text, const char *string)
{
	for (; *string != '\0'; string++) {
		unsigned char c = (unsigned char)*string;
		unsigned char next = (unsigned char)string[1];
		if (c == '&') {
			text_add(text, "&amp;");
		} else if (c == '<') {
			text_add(text, "&lt;");
		} else if (c == '"') {
			text_add(text, "&quot;");
		} else if (c == 0xc2 || c == 0xc3) {
			text_addf(text, "&#%d;", (c & 0x1f) << 6 | (next & 63));
			string++;
		} else {
			text_addn(text, string, 1);
		}
	}
}

static void
sign_out(struct exchange *x)
{
	session_drop(x->op,
	    session_by_cookie(x, VULCAN_CUFS, "Vulcan.CUFS.WebFrontEndCookie"));
	reply_cookie(
	    x, "Vulcan.CUFS.WebFrontEndCookie", "-", "Path=/; Max-Age=0");
	vulcan_page_begin(x, "Wylogowanie");
	text_add(&x->out, "<h1>Nastąpiło wylogowanie.</h1>");
	vulcan_page_end(x);
}

void
vulcan_federation_form(struct exchange *x, const struct session *idp,
    const char *realm, const char *context)
{
	struct text xml = {0};

	vulcan_token_write(x, &xml, idp, realm);
	vulcan_page_begin(x, "Working...");
	text_add(
	    &x->out, "<form method=\"POST\" name=\"hiddenform\" action=\"");
	text_html(&x->out, realm);
	text_add(&x->out,
	    "\"><input type=\"hidden\" name=\"wa\" "
	    "value=\"wsignin1.0\"><input type=\"hidden\" "
	    "name=\"wresult\" value=\"");
	add_framework_escaped(&x->out, text_of(&xml));
	text_add(&x->out, "\"><input type=\"hidden\" name=\"wctx\" value=\"");
	text_html(&x->out, context != NULL ? context : "");
	text_add(&x->out,
	    "\"><noscript><p>Script is disabled. Click Submit to "
	    "continue.</p><input type=\"submit\" value=\"Submit\">"
	    "</noscript></form><script>window.setTimeout("
	    "'document.forms[0].submit()', 0);</script>");
	vulcan_page_end(x);
	text_fini(&xml);
}

/* The realm of the hop, which has that of the start page in its query. */
static bool
is_hop(const char *realm, const char *symbol)
{
	struct text own = {0};
	bool is;

	text_addf(&own, "https://uonetplus-logowanie.vulcan.net.pl/%s/FS/LS?",
	    symbol);
	is = strncmp(realm, text_of(&own), own.len) == 0;
	text_fini(&own);
	return is;
}

void
vulcan_cufs_federation(struct exchange *x)
{
	const char *realm = request_query(x, "wtrealm");
	const char *context = request_query(x, "wctx");
	const char *symbol = x->capture[0];
	struct session *session =
	    session_by_cookie(x, VULCAN_CUFS, "Vulcan.CUFS.WebFrontEndCookie");
	struct text here = {0};
	struct text self = {0};

	if (same(request_query(x, "wa"), "wsignout1.0")) {
		sign_out(x);
		return;
	}
	if (!same(request_query(x, "wa"), "wsignin1.0") || realm == NULL ||
	    (!vulcan_is_realm(realm, symbol) && !is_hop(realm, symbol))) {
		vulcan_error_page(x, "Nieznany odbiorca tokenu.");
		return;
	}
	if (session != NULL) {
		vulcan_federation_form(x, session, realm, context);
		return;
	}
	text_addf(&here, "/%s/FS/LS?wa=wsignin1.0&wtrealm=", symbol);
	text_url(&here, realm);
	text_add(&here, "&wctx=");
	text_url(&here, context != NULL ? context : "");
	text_url(&self, text_of(&here));
	reply_redirect(
	    x, 302, "/%s/Account/LogOn?ReturnUrl=%s", symbol, text_of(&self));
	text_fini(&self);
	text_fini(&here);
}

/* Whoever comes to the hop without a token is sent on for one. */
void
vulcan_hop_federation(struct exchange *x)
{
	const char *realm = request_query(x, "wtrealm");
	const char *context = request_query(x, "wctx");
	struct text own = {0};
	struct text escaped = {0};

	if (!vulcan_is_realm(realm, x->capture[0])) {
		vulcan_error_page(x, "Nieznany odbiorca tokenu.");
		return;
	}
	text_addf(&own,
	    "https://uonetplus-logowanie.vulcan.net.pl/%s/FS/LS?wa=wsignin1.0"
	    "&wtrealm=",
	    x->capture[0]);
	text_url(&own, realm);
	text_add(&own, "&wctx=");
	text_url(&own, context != NULL ? context : "");
	text_url(&escaped, text_of(&own));
	reply_redirect(x, 302,
	    "https://cufs.vulcan.net.pl/%s/FS/LS?wa=wsignin1.0&wtrealm=%s"
	    "&wctx=rm%%3D0%%26id%%3D",
	    x->capture[0], text_of(&escaped));
	text_fini(&escaped);
	text_fini(&own);
}

/* The hop takes cufs's token and gives one of its own. */
void
vulcan_hop_token(struct exchange *x)
{
	static const int kinds[] = {VULCAN_CUFS, 0};
	const char *realm = request_query(x, "wtrealm");
	struct session *cufs = NULL;
	struct text own = {0};

	text_addf(&own, "https://uonetplus-logowanie.vulcan.net.pl/%s/FS/LS",
	    x->capture[0]);
	if (request_form_is(x, "wa", "wsignin1.0") && realm != NULL &&
	    vulcan_is_realm(realm, x->capture[0]))
		cufs = vulcan_token_read(
		    x, request_form(x, "wresult"), text_of(&own), kinds);
	text_fini(&own);
	if (cufs == NULL) {
		vulcan_error_page(x, "Token jest nieprawidłowy lub wygasł.");
		return;
	}
	struct session *hop = session_new(x, VULCAN_HOP, CUFS_LIFE_S);
	hop->account = cufs->account;
	memcpy(hop->parent, cufs->id, sizeof(hop->parent));
	reply_cookie(x, "Vulcan.Logowanie.Web", hop->id, VULCAN_COOKIES);
	vulcan_federation_form(x, hop, realm, request_query(x, "wctx"));
}
