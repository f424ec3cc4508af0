/*
 * What Helion shows when it is not itself. ASSUMPTION THROUGHOUT, as in
 * helion.c: the shape is that of other registers on the same framework.
 */
#include "symptom.h"

#define UNAVAILABLE PAGE("Service Unavailable", "<h2>Service Unavailable</h2>")
#define MISSING \
	PAGE("Nie można odnaleźć zasobu", "<h2>Nie można odnaleźć zasobu.</h2>")
#define FORM \
	PAGE("Logowanie - dziennik elektroniczny", \
	    "<form method=\"post\" action=\"./login.aspx\">" \
	    "<input name=\"ctl00$Tresc$TextBoxLogin\" type=\"text\">" \
	    "<input name=\"ctl00$Tresc$TextBoxHaslo\" type=\"password\">" \
	    "<span id=\"spanErrorMessage\"></span></form>")
#define UNAUTHORIZED \
	"{\"Message\":\"Authentication failed.\",\"StackTrace\":null," \
	"\"ExceptionType\":\"System.InvalidOperationException\"}"

const struct symptom helion_symptoms[] = {
    {FAULT_HTTP_503, NULL, 503, TYPE_HTML, NULL, UNAVAILABLE, false},
    {FAULT_OVERLOAD_PAGE, NULL, 503, TYPE_HTML, NULL, UNAVAILABLE, false},
    {FAULT_MAINTENANCE_PAGE, NULL, 200, TYPE_HTML, NULL,
	PAGE("Przerwa techniczna", "<h1>Trwają prace konserwacyjne</h1>"),
	false},
    {FAULT_MAINTENANCE_REDIRECT, NULL, 302, NULL, "/przerwa.aspx", NULL, false},
    {FAULT_TOO_MANY_REQUESTS, NULL, 429, TYPE_HTML, NULL,
	PAGE("Too Many Requests", "<h1>429</h1>"), false},
    {FAULT_ERROR_PAGE, NULL, 500, TYPE_HTML, NULL,
	PAGE("Błąd serwera", "<h1>Błąd serwera w aplikacji '/'.</h1>"), false},
    {FAULT_ERROR_PAGE, "service", 200, TYPE_JSON, NULL,
	"{\"d\":{\"CzyJestBlad\":true,\"ErrorMessage\":\"Operacja nie "
	"powiodła się\"}}",
	false},
    {FAULT_WAF_PAGE, NULL, 403, TYPE_HTML, NULL, GENERIC_BLOCK, false},
    {FAULT_FEATURE_OFF, NULL, 200, TYPE_HTML, NULL, GENERIC_FEATURE_OFF, false},
    {FAULT_WRONG_ADDRESS, NULL, 404, TYPE_HTML, NULL, MISSING, false},
    {FAULT_NOT_FOUND, NULL, 404, TYPE_HTML, NULL, MISSING, false},
    {FAULT_CHANGED_FLOW, NULL, 200, TYPE_HTML, NULL,
	PAGE("Nowy dziennik", "<div id=\"root\"></div>"), false},
    {FAULT_ACCOUNT_EXPIRED, NULL, 200, TYPE_HTML, NULL,
	PAGE("Zmiana hasła", "<p>Hasło dostępu do systemu wygasło</p>"), true},
    {FAULT_INTERSTITIAL, NULL, 200, TYPE_HTML, NULL,
	PAGE("Komunikat", "<p>Zapoznaj się z regulaminem.</p>"), true},
    {FAULT_SESSION_LOST_401, NULL, 401, TYPE_JSON, NULL, UNAUTHORIZED, false},
    {FAULT_SESSION_LOST_409, NULL, 409, TYPE_JSON, NULL, UNAUTHORIZED, false},
    {FAULT_SESSION_LOST_REDIRECT, NULL, 302, NULL, "/login.aspx?ReturnUrl=%2f",
	NULL, false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, NULL, 200, TYPE_HTML, NULL, FORM, false},
    {0},
};
