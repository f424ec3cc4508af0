/*
 * What Librus shows when it is not itself. Texts are those of the sources;
 * what these leave open and how it is here: an overload is the same 503 as a
 * break; an expired token is a 401 also for pages, if so ordered; nobody has
 * seen a 409 or a firewall's page: generic ones.
 */
#include "symptom.h"

#define SYNERGIA "https://synergia.librus.pl"
#define JSON "application/json"
#define XML "text/xml; charset=utf-8"

#define LOGIN_PAGE \
	PAGE("Logowanie - LIBRUS Synergia", \
	    "<form id=\"formLogin\" method=\"post\" " \
	    "action=\"/OAuth/Authorization?client_id=46\">" \
	    "<input type=\"text\" id=\"Login\" name=\"login\">" \
	    "<input type=\"password\" id=\"Pass\" name=\"pass\">" \
	    "<button type=\"submit\" id=\"LoginBtn\">Zaloguj</button></form>")

/* Refused by the form, by the tokens' address, by the portal and by the
 * module of 2020. */
#define REFUSED(message) \
	"{\"status\":\"error\",\"errors\":[{\"code\":1,\"message\":\"" message \
	"\"}]}"
#define GRANT(error) "{\"error\":\"" error "\"}"
#define PORTAL(body) \
	PAGE("Konto LIBRUS", \
	    "<form action=\"/konto-librus/login/action\" method=\"post\">" \
	    "<input name=\"email\"><input type=\"password\" " \
	    "name=\"password\"></form>" body)
#define MODULE(inside) \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?><response>" inside \
	"</response>"

const struct symptom librus_symptoms[] = {
    {FAULT_HTTP_503, NULL, 503, JSON, NULL, "{\"Message\":[]}", false},
    {FAULT_OVERLOAD_PAGE, NULL, 503, JSON, NULL,
	"{\"Message\":[{\"description\":\"System jest chwilowo "
	"niedost\\u0119pny.\"}]}",
	false},
    {FAULT_MAINTENANCE_PAGE, NULL, 200, TYPE_HTML, NULL,
	PAGE("Przerwa - Synergia",
	    "<h2>Przerwa techniczna</h2><p>Trwają prace serwisowe.</p>"),
	false},
    {FAULT_MAINTENANCE_PAGE, "code", 500, JSON, NULL,
	"{\"Status\":\"Error\",\"Code\":\"Maintenance\","
	"\"Message\":\"Maintenance\"}",
	false},
    {FAULT_MAINTENANCE_PAGE, "module", 200, XML, NULL,
	MODULE("<type>OffLine</type>"), false},
    {FAULT_MAINTENANCE_REDIRECT, NULL, 302, NULL,
	SYNERGIA "/przerwa_techniczna", NULL, false},
    {FAULT_MAINTENANCE_REDIRECT, "app", 302, NULL, "app://librus?command=close",
	NULL, false},
    {FAULT_TOO_MANY_REQUESTS, NULL, 429, JSON, NULL,
	"{\"Status\":\"Error\",\"Message\":\"Too many requests\"}", false},
    {FAULT_ERROR_PAGE, NULL, 200, TYPE_HTML, NULL,
	PAGE("Wiadomości - Synergia",
	    "<div class=\"container-background\"><p>Wiadomość nie została "
	    "wysłana.</p></div>"),
	false},
    {FAULT_ERROR_PAGE, "receivers", 422, JSON, NULL,
	"{\"code\":\"THE_RECEIVER_CANNOT_RECEIVE_A_NOTE_COPY\"}", false},
    {FAULT_ERROR_PAGE, "module", 200, XML, NULL,
	MODULE("<SendMessage><status>error</status></SendMessage>"), false},
    {FAULT_WAF_PAGE, NULL, 403, TYPE_HTML, NULL, GENERIC_CHALLENGE, false},
    {FAULT_WAF_PAGE, "block", 403, TYPE_HTML, NULL, GENERIC_BLOCK, false},
    {FAULT_WAF_PAGE, "script", 200, TYPE_HTML, NULL,
	PAGE("Wiadomości",
	    "<script>grecaptcha.ready(function () { wykonaj(); });</script>"),
	false},
    {FAULT_FEATURE_OFF, NULL, 302, NULL, SYNERGIA "/modul_niedostepny", NULL,
	false},
    {FAULT_FEATURE_OFF, "view", 200, TYPE_HTML, NULL,
	PAGE("Synergia",
	    "<div id=\"user-section\">jesteś zalogowany jako: <b>Test</b> "
	    "<a href=\"/wyloguj\">wyloguj</a></div><p>Ten widok został "
	    "wyłączony przez administratora szkoły.</p>"),
	false},
    {FAULT_FEATURE_OFF, "scopes", 401, JSON, NULL,
	"{\"Status\":\"Error\",\"Code\":\"AccessDeny\","
	"\"Message\":\"Insufficient scopes\"}",
	false},
    {FAULT_WRONG_ADDRESS, NULL, 404, JSON, NULL,
	"{\"Status\":\"Error\",\"Code\":\"NotFound\","
	"\"Message\":\"Resource not found\"}",
	false},
    {FAULT_NOT_FOUND, NULL, 404, JSON, NULL,
	"{\"Status\":\"Error\",\"Code\":\"NotFound\","
	"\"Message\":\"Resource not found\"}",
	false},
    {FAULT_CHANGED_FLOW, NULL, 200, TYPE_HTML, NULL,
	PAGE("Nowe logowanie - Synergia",
	    "<div id=\"app\" data-krok=\"1\">Nowy sposób logowania.</div>"
	    "<script src=\"/assets/login.js\"></script>"),
	false},
    {FAULT_CHANGED_FLOW, "no_goto", 200, JSON, NULL, "{\"status\":\"ok\"}",
	false},
    {FAULT_CHANGED_FLOW, "elsewhere", 302, NULL,
	"https://logowanie.librus.example/nowe", NULL, false},
    {FAULT_WRONG_PASSWORD_PAGE, "status", 200, JSON, NULL,
	"{\"status\":\"error\"}", false},
    {FAULT_WRONG_PASSWORD_PAGE, "escaped", 403, JSON, NULL,
	REFUSED("Nieprawid\\u0142owy login i\\/lub has\\u0142o."), false},
    {FAULT_WRONG_PASSWORD_PAGE, "grant", 400, JSON, NULL,
	GRANT("invalid_grant"), false},
    {FAULT_WRONG_PASSWORD_PAGE, "portal", 200, TYPE_HTML, NULL,
	PORTAL("<p>Upewnij się, że nie masz włączonego klawisza Caps "
	       "Lock.</p>"),
	false},
    {FAULT_WRONG_PASSWORD_PAGE, "portal_email", 200, TYPE_HTML, NULL,
	PORTAL("<p>Podany adres e-mail jest nieprawidłowy.</p>"), false},
    {FAULT_WRONG_PASSWORD_PAGE, "module", 200, XML, NULL,
	MODULE("<message>Niepoprawny login i/lub hasło.</message>"), false},
    {FAULT_ACCOUNT_EXPIRED, NULL, 403, JSON, NULL,
	REFUSED("Minął termin ważności konta - skontaktuj się z "
		"Administratorem Szkoły."),
	false},
    {FAULT_ACCOUNT_EXPIRED, "password", 400, JSON, NULL,
	GRANT("librus_password_change_required"), false},
    {FAULT_CAPTCHA, "page", 200, TYPE_HTML, NULL,
	PAGE("Weryfikacja",
	    "<form><div class=\"g-recaptcha\" data-sitekey=\"0\"></div>"
	    "</form>"),
	false},
    {FAULT_CAPTCHA, "hcaptcha", 403, TYPE_HTML, NULL,
	PAGE("Weryfikacja",
	    "<script src=\"https://js.hcaptcha.example/1/api.js\"></script>"),
	false},
    {FAULT_CAPTCHA, "grant", 400, JSON, NULL, GRANT("librus_captcha_needed"),
	false},
    {FAULT_CAPTCHA, "portal", 200, TYPE_HTML, NULL,
	PORTAL("<p>Potwierdź, że nie jesteś robotem</p><div "
	       "class=\"captchaValidate\" data-sitekey=\"0\"></div>"),
	false},
    {FAULT_CAPTCHA, "portal_json", 403, JSON, NULL,
	"{\"errors\":[],\"captchaRequired\":true}", false},
    {FAULT_INTERSTITIAL, NULL, 200, TYPE_HTML, NULL,
	PAGE("Regulamin - Synergia",
	    "<h2>Ważna informacja</h2><p>Zaakceptuj nowy regulamin, aby "
	    "przejść dalej.</p>"),
	true},
    /* the account was merged with a Konto LIBRUS */
    {FAULT_INTERSTITIAL, "portal", 302, NULL,
	"https://portal.librus.pl/rodzina", NULL, true},
    {FAULT_INTERSTITIAL, "rules", 400, JSON, NULL,
	GRANT("librus_reg_accept_needed"), false},
    {FAULT_SESSION_LOST_401, NULL, 401, JSON, NULL,
	"{\"Status\":\"Error\",\"Code\":\"TokenIsExpired\","
	"\"Message\":\"Request is denied\"}",
	false},
    {FAULT_SESSION_LOST_409, NULL, 409, JSON, NULL, "{\"code\":\"CONFLICT\"}",
	false},
    {FAULT_SESSION_LOST_REDIRECT, NULL, 302, NULL, SYNERGIA "/loguj", NULL,
	false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, NULL, 200, TYPE_HTML, NULL, LOGIN_PAGE,
	false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, "stop", 200, TYPE_HTML, NULL,
	PAGE("Synergia", "<img src=\"/images/stop.png\" alt=\"stop\">"), false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, "denied", 200, TYPE_HTML, NULL,
	PAGE("Synergia", "<h2 class=\"inside\">Brak dostępu</h2>"), false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, "module", 200, XML, NULL,
	MODULE("<type>eVarWhitThisNameNotExists</type>"), false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, "module_denied", 200, XML, NULL,
	MODULE("<error>eAccessDeny</error>"), false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, "portal", 200, TYPE_HTML, NULL,
	PORTAL("<p>Sesja logowania wygasła</p>"), false},
    {0},
};
