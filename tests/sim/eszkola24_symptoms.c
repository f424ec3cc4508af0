/*
 * What Eszkola24 shows when it is not itself. ASSUMPTION THROUGHOUT, as in
 * eszkola24.c: the shape is that of an older PHP register.
 */
#define PAGE_CHARSET "ISO-8859-2"
#include "symptom.h"

#define MISSING \
	PAGE("Nie znaleziono - eSzkoła 24", "<h1>Nie znaleziono strony</h1>")
#define FORM \
	PAGE("Logowanie - eSzkoła 24", \
	    "<form id=\"logowanie\" method=\"post\" action=\"/logowanie\">" \
	    "<input type=\"hidden\" name=\"_csrf\" value=\"0\">" \
	    "<input type=\"text\" name=\"uzytkownik\">" \
	    "<input type=\"password\" name=\"haslo\"></form>")

const struct symptom eszkola24_symptoms[] = {
    {FAULT_HTTP_503, NULL, 503, TYPE_HTML, NULL,
	"<h1>503 Service Temporarily Unavailable</h1>", false},
    {FAULT_OVERLOAD_PAGE, NULL, 503, TYPE_HTML, NULL,
	PAGE("Przeciążenie - eSzkoła 24",
	    "<h1>Serwer jest przeciążony</h1><p>Spróbuj później.</p>"),
	false},
    {FAULT_MAINTENANCE_PAGE, NULL, 200, TYPE_HTML, NULL,
	PAGE("Przerwa techniczna - eSzkoła 24",
	    "<h1>Przerwa techniczna</h1><p>Serwis będzie dostępny "
	    "wkrótce.</p>"),
	false},
    {FAULT_MAINTENANCE_REDIRECT, NULL, 302, NULL, "/przerwa", NULL, false},
    {FAULT_TOO_MANY_REQUESTS, NULL, 429, TYPE_HTML, NULL,
	PAGE("Too Many Requests", "<h1>429</h1>"), false},
    {FAULT_ERROR_PAGE, NULL, 500, TYPE_HTML, NULL, "", false},
    {FAULT_ERROR_PAGE, "fatal", 200, TYPE_HTML, NULL,
	"<b>Fatal error</b>: Uncaught Error in /var/www/index.php on line 7",
	false},
    {FAULT_WAF_PAGE, NULL, 403, TYPE_HTML, NULL, GENERIC_BLOCK, false},
    {FAULT_FEATURE_OFF, NULL, 200, TYPE_HTML, NULL, GENERIC_FEATURE_OFF, false},
    {FAULT_WRONG_ADDRESS, NULL, 404, TYPE_HTML, NULL, MISSING, false},
    {FAULT_NOT_FOUND, NULL, 404, TYPE_HTML, NULL, MISSING, false},
    {FAULT_CHANGED_FLOW, NULL, 200, TYPE_HTML, NULL,
	PAGE("Nowa eSzkoła", "<a href=\"/v2/start\">Przejdź dalej</a>"), false},
    {FAULT_ACCOUNT_EXPIRED, NULL, 200, TYPE_HTML, NULL,
	PAGE("Zmiana hasła - eSzkoła 24", "<p>Hasło wygasło.</p>"), true},
    {FAULT_INTERSTITIAL, NULL, 200, TYPE_HTML, NULL,
	PAGE("Zgody - eSzkoła 24",
	    "<h1>Ważny komunikat</h1><p>Zapoznaj się z regulaminem.</p>"),
	true},
    {FAULT_SESSION_LOST_401, NULL, 401, TYPE_HTML, NULL, FORM, false},
    {FAULT_SESSION_LOST_409, NULL, 409, TYPE_HTML, NULL, FORM, false},
    {FAULT_SESSION_LOST_REDIRECT, NULL, 302, NULL, "/logowanie", NULL, false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, NULL, 200, TYPE_HTML, NULL, FORM, false},
    {0},
};
