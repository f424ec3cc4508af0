/*
 * What VULCAN shows when it is not itself, of several of its systems and
 * years. What the sources leave open and how it is here: an overload is the
 * bare 503 of the web server; the front door shows one of its two blocks and
 * hides the other; texts of pages that are known by a selector only are made
 * up.
 */
#include "symptom.h"

#define CUFS "https://cufs.vulcan.net.pl/@deployment@"

#define LOGON_PAGE(more) \
	PAGE("Logowanie (Uonet+)", \
	    "<div class=\"LogOnBoard\"><form method=\"post\" " \
	    "action=\"/@deployment@/Account/LogOn\">" \
	    "<input type=\"text\" id=\"LoginName\" name=\"LoginName\">" \
	    "<input type=\"password\" id=\"Password\" name=\"Password\">" \
	    "<input type=\"submit\" value=\"Zaloguj się &gt;\">" more \
	    "</form></div>")

#define UNAVAILABLE \
	PAGE("Service Unavailable", \
	    "<h2>Service Unavailable</h2><hr><p>HTTP Error 503. The service " \
	    "is unavailable.</p>")

/* One of the two blocks is hidden. */
#define FRONT_DOOR(title, break_style, trouble_style) \
	PAGE(title, \
	    "<div" break_style "><h1>Przerwa techniczna</h1><p>Aktualnie " \
	    "trwają prace konserwacyjne.</p></div><div" trouble_style \
	    "><h1>Problemy z dostępnością</h1></div>")
#define HIDDEN " style=\"display: none\""

#define FEEDBACK(message) \
	"{\"success\":false,\"data\":null,\"feedback\":{\"Handled\":false," \
	"\"FType\":\"error\",\"Message\":\"" message "\"}}"

const struct symptom vulcan_symptoms[] = {
    {FAULT_HTTP_503, NULL, 503, TYPE_HTML, NULL, UNAVAILABLE, false},
    {FAULT_OVERLOAD_PAGE, NULL, 503, TYPE_HTML, NULL, UNAVAILABLE, false},
    {FAULT_OVERLOAD_PAGE, "front_door", 200, TYPE_HTML, NULL,
	FRONT_DOOR("Problemy", HIDDEN, ""), false},
    {FAULT_MAINTENANCE_PAGE, NULL, 200, TYPE_HTML, NULL,
	PAGE("Przerwa techniczna",
	    "<div id=\"MainPage_ErrorDiv\">Trwa aktualizacja bazy danych. "
	    "Wersja 20.03.0003, oczekiwana 20.03.0004.</div>"),
	false},
    {FAULT_MAINTENANCE_PAGE, "front_door", 200, TYPE_HTML, NULL,
	FRONT_DOOR("Przerwa", "", HIDDEN), false},
    {FAULT_MAINTENANCE_PAGE, "message_text", 200, TYPE_HTML, NULL,
	PAGE("Uczeń",
	    "<div class=\"info-error-message-text\">Zapraszamy "
	    "później.</div>"),
	false},
    {FAULT_MAINTENANCE_PAGE, "container", 200, TYPE_HTML, NULL,
	PAGE("Uczeń",
	    "<div class=\"app-error-container\"><h2>Informacja</h2>"
	    "<p>Zapraszamy później.</p></div>"),
	false},
    {FAULT_MAINTENANCE_PAGE, "switched_off", 200, TYPE_HTML, NULL,
	PAGE("Uczeń", "<p>Twoja aplikacja została czasowo wyłączona.</p>"),
	false},
    {FAULT_MAINTENANCE_REDIRECT, NULL, 302, NULL,
	"https://uonetplus.vulcan.net.pl/przerwa.html", NULL, false},
    {FAULT_TOO_MANY_REQUESTS, NULL, 429, TYPE_HTML, NULL,
	PAGE("Too Many Requests", "<h1>429</h1>"), false},
    {FAULT_ERROR_PAGE, NULL, 200, TYPE_HTML, NULL,
	PAGE("Błąd strony",
	    "<div class=\"errorTitle\">Wystąpił nieoczekiwany błąd</div>"
	    "<div class=\"errorMessage\">Zaloguj się ponownie do "
	    "systemu.</div>"),
	false},
    {FAULT_ERROR_PAGE, "federation", 200, TYPE_HTML, NULL,
	PAGE("Login Service", "<p>Nie można przetworzyć żądania.</p>"), false},
    {FAULT_ERROR_PAGE, "plain", 200, TYPE_HTML, NULL,
	PAGE("Błąd", "<p>Nie można przetworzyć żądania.</p>"), false},
    {FAULT_ERROR_PAGE, "database", 200, TYPE_JSON, NULL, FEEDBACK("DB_ERROR"),
	false},
    {FAULT_ERROR_PAGE, "inconsistent", 200, TYPE_JSON, NULL,
	FEEDBACK("Wykryto niespójność danych"), false},
    {FAULT_ERROR_PAGE, "business", 200, TYPE_JSON, NULL,
	FEEDBACK("Podczas zapisu wystąpił błąd"), false},
    {FAULT_WAF_PAGE, NULL, 200, TYPE_HTML, NULL,
	PAGE("Połączenie zablokowane", "<p>Kontakt z administratorem</p>"),
	false},
    {FAULT_WAF_PAGE, "block", 403, TYPE_HTML, NULL, GENERIC_BLOCK, false},
    {FAULT_WAF_PAGE, "challenge", 403, TYPE_HTML, NULL, GENERIC_CHALLENGE,
	false},
    {FAULT_WAF_PAGE, "nameless", 200, TYPE_HTML, NULL,
	PAGE("", "<script>APM_DO_NOT_TOUCH = 1;</script>"), false},
    {FAULT_FEATURE_OFF, NULL, 200, TYPE_JSON, NULL,
	FEEDBACK("Moduł jest wyłączony"), false},
    {FAULT_WRONG_ADDRESS, NULL, 404, TYPE_HTML, NULL,
	PAGE("Błąd",
	    "<div id=\"page-error\"><div class=\"error__box\">Podany "
	    "identyfikator klienta jest niepoprawny.</div></div>"),
	false},
    {FAULT_WRONG_ADDRESS, "grouping", 200, TYPE_HTML, NULL,
	PAGE("Błąd", "<p>Podany symbol grupujący jest nieprawidłowy</p>"),
	false},
    {FAULT_NOT_FOUND, NULL, 404, TYPE_HTML, NULL,
	PAGE("Błąd strony",
	    "<div class=\"errorTitle\">Nie znaleziono strony</div>"),
	false},
    {FAULT_CHANGED_FLOW, NULL, 200, TYPE_HTML, NULL,
	PAGE("Konto VULCAN",
	    "<div id=\"nowe-logowanie\"></div>"
	    "<script src=\"/konto/app.js\"></script>"),
	false},
    {FAULT_CHANGED_FLOW, "no_token", 200, TYPE_HTML, NULL,
	PAGE("Witryna ucznia i rodzica",
	    "<script>var VParam = { sessionTime: '15' };</script>"),
	false},
    {FAULT_WRONG_PASSWORD_PAGE, "adfs", 200, TYPE_HTML, NULL,
	PAGE("Sign In",
	    "<form><input name=\"UsernameTextBox\"><input type=\"password\" "
	    "name=\"PasswordTextBox\"><span id=\"ErrorTextLabel\">Nie udało "
	    "się</span></form>"),
	false},
    {FAULT_WRONG_PASSWORD_PAGE, "adfs_microsoft", 200, TYPE_HTML, NULL,
	PAGE("Sign In",
	    "<div id=\"loginArea\"><form id=\"loginForm\"><input "
	    "name=\"UserName\"><input type=\"password\" name=\"Password\">"
	    "<span id=\"errorText\">Nie udało się</span></form></div>"),
	false},
    {FAULT_ACCOUNT_EXPIRED, NULL, 200, TYPE_HTML, NULL,
	PAGE("Zmiana hasła",
	    "<form action=\"/@deployment@/AccountManage/SetNewPassword\" "
	    "method=\"post\"><p>Twoje hasło wygasło.</p></form>"),
	true},
    {FAULT_ACCOUNT_EXPIRED, "unregistered", 200, TYPE_HTML, NULL,
	PAGE("Logowanie",
	    "<p>Adres nie został zarejestrowany w dzienniku tej szkoły.</p>"),
	true},
    {FAULT_ACCOUNT_EXPIRED, "inactive", 200, TYPE_HTML, NULL,
	PAGE("Uonet+",
	    "<div class=\"userdata\">Test (<a href=\"#\">wyloguj</a>)</div>"
	    "<div class=\"panel wychowawstwo pracownik\"><div class=\"name\">"
	    "Brak uprawnień</div></div>"),
	true},
    {FAULT_ACCOUNT_EXPIRED, "powerless", 200, TYPE_HTML, NULL,
	PAGE("Uonet+", "<p>Nie masz wystarczających uprawnień</p>"), true},
    {FAULT_INTERSTITIAL, NULL, 200, TYPE_HTML, NULL,
	PAGE("Zgody",
	    "<form action=\"/konto/zgody\" method=\"post\"><button>Akceptuję"
	    "</button></form>"),
	true},
    {FAULT_INTERSTITIAL, "email", 200, TYPE_HTML, NULL,
	LOGON_PAGE("<p>Twój adres e-mail nie został jeszcze "
		   "potwierdzony.</p>"),
	false},
    {FAULT_SESSION_LOST_401, NULL, 401, TYPE_JSON, NULL, "{\"success\":false}",
	false},
    {FAULT_SESSION_LOST_409, NULL, 409, TYPE_JSON, NULL, "{\"success\":false}",
	false},
    {FAULT_SESSION_LOST_REDIRECT, NULL, 302, NULL, CUFS "/Account/LogOn", NULL,
	false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, NULL, 200, TYPE_HTML, NULL, LOGON_PAGE(""),
	false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, "front", 200, TYPE_HTML, NULL,
	PAGE("Dziennik UONET+",
	    "<a class=\"loginButton\" "
	    "href=\"/@deployment@/LoginEndpoint.aspx\">Zaloguj się</a>"),
	false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, "feedback", 200, TYPE_JSON, NULL,
	FEEDBACK("Brak uprawnień do wykonania operacji"), false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, "forgery", 200, TYPE_JSON, NULL,
	FEEDBACK("Brak wymaganego ciastka anti-forgery"), false},
    {FAULT_SESSION_LOST_LOGIN_PAGE, "module", 200, "text/plain", NULL,
	"The custom error module does not recognize this error.", false},
    {0},
};
