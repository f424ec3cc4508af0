/*
 * VULCAN UONET+ of March 2020: the start page and the entries of the modules
 * behind cufs (pupil's module, messages, and their successors of 2022), and
 * what it shows when it is ill. Every symbol (city) is a deployment of its
 * own. Marks and messages are in vulcan_school.c, all addresses in
 * vulcan_routes.c.
 *
 * A module knows a visitor by its own cookie. Who has none may still come
 * with the cookie that the start page sets for the whole domain; only the
 * entry itself always asks for a token of its own.
 *
 * What the sources leave open and how it is here: an unknown symbol is a
 * page with HTTP 404; a token that is not good is the page `Błąd`; a module
 * ends a login with a redirect to its start page.
 */
#include <stdlib.h>
#include <string.h>

#include "vulcan-int.h"

static const double MODULE_LIFE_S = 900;

static const char efeb_cookie[] = "EfebSsoAuthCookie";

void
vulcan_page_begin(struct exchange *x, const char *title)
{
	text_addf(&x->out,
	    "<!DOCTYPE html><html lang=\"pl\"><head><meta charset=\"utf-8\">"
	    "<title>%s</title></head><body>",
	    title);
	reply_status(x, 200, TYPE_HTML);
}

void
vulcan_page_end(struct exchange *x)
{
	text_add(&x->out, "</body></html>");
}

void
vulcan_json(struct exchange *x, const char *body)
{
	text_add(&x->out, body);
	reply_status(x, 200, TYPE_JSON);
}

void
vulcan_refuse(struct exchange *x, const char *message)
{
	text_add(&x->out,
	    "{\"success\":false,\"data\":null,\"feedback\":{\"Handled\":false,"
	    "\"FType\":\"error\",\"Message\":");
	text_json(&x->out, message);
	vulcan_json(x, "}}");
}

void
vulcan_error_page(struct exchange *x, const char *message)
{
	vulcan_page_begin(x, "Błąd");
	text_add(&x->out, "<h1>Login Service</h1><p>");
	text_html(&x->out, message);
	text_add(&x->out, "</p>");
	vulcan_page_end(x);
}

bool
vulcan_headers_right(
    struct exchange *x, const struct session *session, const char *version)
{
	const char *theirs = request_header(x, "X-V-AppVersion");

	return same(session->token[0],
		   request_header(x, "X-V-RequestVerificationToken")) &&
	    same(session->token[1], request_header(x, "X-V-AppGuid")) &&
	    (version == NULL || same(version, theirs));
}

/* ---- relying parties ---- */

static const struct party {
	const char *host;
	const char *path_end; /* behind the symbol */
	const char *page; /* likewise */
	const char *cookie;
	int kind;
} parties[] = {
    {"uonetplus", "/LoginEndpoint.aspx", "/", "UonetPlus_ASP.NET_SessionId",
	VULCAN_START},
    {"uonetplus-uczen", "/" VULCAN_SCHOOL "/LoginEndpoint.aspx",
	"/" VULCAN_SCHOOL "/Start", "UonetPlusUczen_ASP.NET_SessionId",
	VULCAN_PUPIL},
    {"uonetplus-uzytkownik", "/LoginEndpoint.aspx", "/",
	"UonetPlusUzytkownik_ASP.NET_SessionId", VULCAN_MAIL},
    {"uonetplus-uczenplus", "/" VULCAN_SCHOOL "/LoginEndpoint.aspx",
	"/" VULCAN_SCHOOL "/App", "UonetPlusUczenPlus_ASP.NET_SessionId",
	VULCAN_PUPIL_PLUS},
    {"uonetplus-wiadomosciplus", "/LoginEndpoint.aspx", "/",
	"UonetPlusWiadomosciPlus_ASP.NET_SessionId", VULCAN_MAIL_PLUS},
};

enum { PARTIES = sizeof(parties) / sizeof(parties[0]) };

static void
add_realm(struct text *text, const struct party *party, const char *symbol)
{
	text_addf(text, "https://%s.vulcan.net.pl/%s%s", party->host, symbol,
	    party->path_end);
}

/* `kind` is of a module; there is no other. */
static const struct party *
party_of_kind(int kind)
{
	for (int i = 0; i < PARTIES; i++)
		if (parties[i].kind == kind)
			return &parties[i];
	abort();
}

bool
vulcan_is_realm(const char *realm, const char *symbol)
{
	bool found = false;

	for (int i = 0; i < PARTIES && realm != NULL; i++) {
		struct text text = {0};
		add_realm(&text, &parties[i], symbol);
		found |= same(text_of(&text), realm);
		text_fini(&text);
	}
	return found;
}

/* Sends to the identity provider, which will send back here. */
static void
federate(struct exchange *x, const struct party *party)
{
	struct text realm = {0};
	struct text escaped = {0};

	add_realm(&realm, party, x->capture[0]);
	text_url(&escaped, text_of(&realm));
	reply_redirect(x, 302,
	    "https://cufs.vulcan.net.pl/%s/FS/LS?wa=wsignin1.0&wtrealm=%s"
	    "&wctx=%s",
	    x->capture[0], text_of(&escaped), text_of(&escaped));
	text_fini(&escaped);
	text_fini(&realm);
}

static struct session *
module_begin(
    struct exchange *x, const struct party *party, const struct session *idp)
{
	struct session *session = session_new(x, party->kind, MODULE_LIFE_S);
	char token[33];

	session->account = idp->account;
	memcpy(session->parent, idp->id, sizeof(session->parent));
	session_token(token);
	session_keep(session->token[0], token);
	session_token(token);
	session_keep(session->token[1], token);
	reply_cookie(x, party->cookie, session->id, VULCAN_COOKIES);
	return session;
}

struct session *
vulcan_party_session(struct exchange *x, int kind)
{
	const struct party *party = party_of_kind(kind);
	struct session *session = session_by_cookie(x, kind, party->cookie);
	const struct session *start;

	if (session != NULL || kind == VULCAN_START)
		return session;
	start = session_by_cookie(x, VULCAN_START, efeb_cookie);
	return start != NULL ? module_begin(x, party, start) : NULL;
}

/* ---- entries ---- */

/* The identity provider's session that a posted token stands for. */
static struct session *
token_session(struct exchange *x, const struct party *party, const char *symbol)
{
	static const int kinds[] = {VULCAN_CUFS, VULCAN_HOP, 0};
	struct session *idp = NULL;
	struct text realm = {0};

	add_realm(&realm, party, symbol);
	if (request_form_is(x, "wa", "wsignin1.0"))
		idp = vulcan_token_read(
		    x, request_form(x, "wresult"), text_of(&realm), kinds);
	text_fini(&realm);
	return idp;
}

static void
not_registered(struct exchange *x)
{
	vulcan_page_begin(x, "Logowanie");
	text_add(&x->out,
	    "<div id=\"MainDiv\"><div>Adres nie został zarejestrowany "
	    "w bazie szkoły, do której się logujesz. Skontaktuj się "
	    "z administratorem szkoły.</div></div>");
	vulcan_page_end(x);
}

static void
accept_token(struct exchange *x, int kind)
{
	const struct party *party = party_of_kind(kind);
	const char *symbol = x->capture[0];
	const struct session *idp;
	const struct session *session;

	if (same(symbol, "Default")) {
		not_registered(x);
		return;
	}
	idp = token_session(x, party, symbol);
	/* of whoever did not know the symbol: good at each of theirs */
	if (idp == NULL)
		idp = token_session(x, party, "Default");
	if (idp == NULL) {
		vulcan_error_page(x, "Token jest nieprawidłowy lub wygasł.");
		return;
	}
	session = module_begin(x, party, idp);
	if (kind == VULCAN_START)
		reply_cookie(x, efeb_cookie, session->id,
		    "Domain=vulcan.net.pl; Path=/; Secure; HttpOnly");
	reply_redirect(x, 302, "/%s%s", symbol, party->page);
}

void
vulcan_start_token(struct exchange *x)
{
	accept_token(x, VULCAN_START);
}

void
vulcan_mail_token(struct exchange *x)
{
	accept_token(x, VULCAN_MAIL);
}

void
vulcan_pupil_token(struct exchange *x)
{
	accept_token(x, VULCAN_PUPIL);
}

void
vulcan_pupil_plus_token(struct exchange *x)
{
	accept_token(x, VULCAN_PUPIL_PLUS);
}

void
vulcan_mail_plus_token(struct exchange *x)
{
	accept_token(x, VULCAN_MAIL_PLUS);
}

/* What the start page knows of the visitor's rights. */
static void
add_permissions(struct text *text, const struct account *account)
{
	text_addf(text,
	    "{\"AuthInfos\":[{\"JednostkaSprawozdawczaId\":6,"
	    "\"LinkedAccountUids\":[],\"LoginId\":%s,\"LoginValue\":",
	    account->mailbox);
	text_json(text, account->user);
	text_addf(text,
	    ",\"OpiekunIds\":[%d],\"PracownikIds\":[],\"Roles\":[3],"
	    "\"UczenIds\":[]}],\"Units\":[{\"Id\":6,\"Nazwa\":\"Zespół "
	    "Szkół Zielonych\",\"Skrot\":\"ZSZ\",\"Symbol\":\"%s\"}]}",
	    account->pupil, VULCAN_SCHOOL);
}

static void
add_links(struct exchange *x)
{
	const char *symbol = x->capture[0];

	text_addf(&x->out,
	    "<div class=\"panel linkownia pracownik klient\">"
	    "<div class=\"appLink newAppLink\" id=\"idAppUczen\">"
	    "<a href=\"https://uonetplus-uczen.vulcan.net.pl/%s/" VULCAN_SCHOOL
	    "/\" title=\"Uczeń\">Uczeń</a></div>"
	    "<div class=\"appLink newAppLink\"><a href=\"https://"
	    "uonetplus-uzytkownik.vulcan.net.pl/%s/\" title=\"Wiadomości\">"
	    "Wiadomości</a></div></div>",
	    symbol, symbol);
}

void
vulcan_start_page(struct exchange *x)
{
	struct session *session = vulcan_party_session(x, VULCAN_START);
	struct text permissions = {0};

	if (session == NULL) {
		vulcan_page_begin(x, "Dziennik UONET+");
		text_addf(&x->out,
		    "<a class=\"loginButton\" href=\"/%s/LoginEndpoint.aspx\">"
		    "Zaloguj się</a>",
		    x->capture[0]);
		vulcan_page_end(x);
		return;
	}
	add_permissions(&permissions, session->account);
	vulcan_page_begin(x, "Uonet+");
	text_add(&x->out,
	    "<div class=\"startScreen\"><div class=\"panelTopBar\">"
	    "<span class=\"userdata\">");
	text_html(&x->out, session->account->name);
	text_addf(&x->out,
	    " (<a href=\"/%s/LoginEndpoint.aspx?logout=true\">wyloguj</a>)"
	    "</span></div>",
	    x->capture[0]);
	add_links(x);
	text_add(&x->out, "</div><script>var VParam = {\n  permissions: '");
	text_base64(&x->out, text_of(&permissions), permissions.len);
	text_addf(&x->out, "|%s'\n};</script>", session->token[1]);
	text_fini(&permissions);
	vulcan_page_end(x);
}

/* GET of an entry: out, in, or by way of the identity provider. */
static void
entry(struct exchange *x, int kind)
{
	const struct party *party = party_of_kind(kind);
	struct session *session = session_by_cookie(x, kind, party->cookie);

	if (same(request_query(x, "logout"), "true")) {
		session_drop(x->op, session);
		reply_cookie(x, party->cookie, "-", "Path=/; Max-Age=0");
		reply_redirect(x, 302,
		    "https://cufs.vulcan.net.pl/%s/FS/LS?wa=wsignout1.0",
		    x->capture[0]);
	} else if (session == NULL) {
		federate(x, party);
	} else {
		reply_redirect(x, 302, "/%s%s", x->capture[0], party->page);
	}
}

void
vulcan_start_entry(struct exchange *x)
{
	entry(x, VULCAN_START);
}

void
vulcan_mail_entry(struct exchange *x)
{
	entry(x, VULCAN_MAIL);
}

void
vulcan_pupil_entry(struct exchange *x)
{
	entry(x, VULCAN_PUPIL);
}

void
vulcan_pupil_plus_entry(struct exchange *x)
{
	entry(x, VULCAN_PUPIL_PLUS);
}

void
vulcan_mail_plus_entry(struct exchange *x)
{
	entry(x, VULCAN_MAIL_PLUS);
}

void
vulcan_module_page(struct exchange *x, const struct session *session,
    const char *title, const char *version, const char *logout)
{
	vulcan_page_begin(x, title);
	text_addf(&x->out,
	    "<div id=\"app\"></div><script>\nvar VParam = {\n"
	    "  version: '%s',\n  appGuid: '%s',\n  sessionTime: '15',\n"
	    "  antiForgeryToken: '%s',\n  logoutUrl: 'https://%s/%s%s'\n"
	    "};\n</script>",
	    version, session->token[1], session->token[0], x->host,
	    x->capture[0], logout);
	vulcan_page_end(x);
}

static void
party_page(struct exchange *x, int kind, const char *title)
{
	const struct party *party = party_of_kind(kind);
	const struct session *session = vulcan_party_session(x, kind);
	struct text logout = {0};

	if (session == NULL) {
		federate(x, party);
		return;
	}
	text_addf(&logout, "%s?logout=true", party->path_end);
	vulcan_module_page(x, session, title, VULCAN_VERSION, text_of(&logout));
	text_fini(&logout);
}

void
vulcan_pupil_page(struct exchange *x)
{
	party_page(x, VULCAN_PUPIL, "Witryna ucznia i rodzica");
}

void
vulcan_mail_page(struct exchange *x)
{
	party_page(x, VULCAN_MAIL, "Wiadomości");
}

void
vulcan_pupil_plus_page(struct exchange *x)
{
	party_page(x, VULCAN_PUPIL_PLUS, "Dziennik ucznia");
}

void
vulcan_mail_plus_page(struct exchange *x)
{
	party_page(x, VULCAN_MAIL_PLUS, "Wiadomości Plus");
}

/* ---- the break ---- */

void
vulcan_break_page(struct exchange *x)
{
	vulcan_page_begin(x, "Przerwa");
	text_add(&x->out,
	    "<h1>Przerwa techniczna</h1><p>Aktualnie trwają prace "
	    "konserwacyjne.</p><div style=\"display:none\"><h1>Problemy "
	    "z dostępnością</h1></div>");
	vulcan_page_end(x);
}
