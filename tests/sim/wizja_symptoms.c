/*
 * What mobiDziennik shows when it is not itself. What the sources leave open
 * and how it is here: all but 503 is HTTP 200; nobody has told of a module
 * that is off, a firewall's page, an account that is locked, a 401 or a 409:
 * generic ones. The one-word answers are those of the text API.
 */
#include "symptom.h"

#define FORM \
	PAGE("mobiDziennik - logowanie", \
	    "<form method=\"post\" action=\"/dziennik\" id=\"form-login\">" \
	    "<input type=\"text\" id=\"login\" name=\"login\">" \
	    "<input type=\"password\" id=\"haslo\" name=\"haslo\">" \
	    "<input type=\"submit\" class=\"zaloguj\" value=\"Zaloguj się\">" \
	    "<a href=\"/dziennik/przypomnij_haslo_email\">Nie pamiętam hasła" \
	    "</a></form>")
#define BREAK "Trwają prace techniczne lub pojawił się jakiś problem"
#define APOLOGY \
	"<p>Przepraszamy, ale mamy chwilowe problemy z wydajnością serwerów. " \
	"Prosimy spróbować za chwilę.</p>"
#define WORD "text/plain; charset=UTF-8"

const struct symptom wizja_symptoms[] = {
    {FAULT_HTTP_503, NULL, 503, "text/html", NULL,
	"<html><body><h1>503 Service Unavailable</h1>\n"
	"No server is available to handle this request.\n</body></html>\n",
	false},
    {FAULT_OVERLOAD_PAGE, NULL, 200, TYPE_HTML, NULL,
	PAGE("mobiDziennik - problemy",
	    "<h2>Problemy z wydajnością</h2>" APOLOGY),
	false},
    {FAULT_OVERLOAD_PAGE, "apology", 200, TYPE_HTML, NULL,
	PAGE("mobiDziennik", APOLOGY), false},
    {FAULT_MAINTENANCE_PAGE, NULL, 200, TYPE_HTML, NULL,
	PAGE("mobiDziennik - przerwa",
	    "<h2>" BREAK "</h2><p>przerwa techniczna</p>"),
	false},
    {FAULT_MAINTENANCE_PAGE, "works", 200, TYPE_HTML, NULL,
	PAGE("mobiDziennik", "<p>" BREAK "</p>"), false},
    {FAULT_MAINTENANCE_PAGE, "break", 200, WORD, NULL, "przerwa techniczna",
	false},
    {FAULT_MAINTENANCE_REDIRECT, NULL, 302, NULL,
	"https://@host@/przerwa_techniczna", NULL, false},
    {FAULT_TOO_MANY_REQUESTS, NULL, 429, TYPE_HTML, NULL,
	PAGE("Too Many Requests", "<h1>429</h1>"), false},
    {FAULT_ERROR_PAGE, NULL, 500, TYPE_HTML, NULL, "", false},
    {FAULT_WAF_PAGE, NULL, 403, TYPE_HTML, NULL, GENERIC_CHALLENGE, false},
    {FAULT_WAF_PAGE, "device", 200, WORD, NULL, "ifun", false},
    {FAULT_FEATURE_OFF, NULL, 200, TYPE_HTML, NULL, GENERIC_FEATURE_OFF, false},
    {FAULT_WRONG_ADDRESS, NULL, 200, TYPE_HTML, NULL,
	PAGE("mobiDziennik - nieprawidłowy adres",
	    "<h1>Uuuups... nieprawidłowy adres</h1>"),
	false},
    {FAULT_NOT_FOUND, NULL, 404, TYPE_HTML, NULL,
	PAGE("mobiDziennik - brak strony", "<h1>404</h1>"), false},
    {FAULT_CHANGED_FLOW, NULL, 200, TYPE_HTML, NULL,
	PAGE("mobiDziennik - nowe logowanie",
	    "<div id=\"konto-globalne\">Zaloguj się przez konto globalne"
	    "</div>"),
	false},
    {FAULT_WRONG_PASSWORD_PAGE, "app", 200, TYPE_JSON, NULL,
	"{\"error\":{\"type\":\"LOGIN_ERROR\",\"message\":\"Nie udało "
	"się\"}}",
	false},
    {FAULT_ACCOUNT_EXPIRED, NULL, 200, WORD, NULL, "stare haslo", false},
    {FAULT_INTERSTITIAL, NULL, 200, TYPE_HTML, NULL,
	PAGE("mobiDziennik - ważna informacja",
	    "<div class=\"okienko_informacyjne\"><h2>Ważna informacja!</h2>"
	    "<p>Hasło zostało wygenerowane automatycznie. Zmień je.</p>"
	    "</div>"),
	true},
    {FAULT_INTERSTITIAL, "archive", 200, WORD, NULL, "Archiwum", false},
    {FAULT_SESSION_LOST_401, NULL, 401, WORD, NULL, "", false},
    {FAULT_SESSION_LOST_409, NULL, 409, WORD, NULL, "", false},
    {FAULT_SESSION_LOST_REDIRECT, NULL, 302, NULL, "https://@host@/dziennik",
	NULL, false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, NULL, 200, TYPE_HTML, NULL, FORM, false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, "text", 200, TYPE_HTML, NULL,
	"Nie jestes zalogowany", false},
    {0},
};
