/*
 * All addresses of Vulcan, of all eras, and which symbol one of them means:
 * mostly the first part of the path. Without it (eduvulcan.pl, and `Default`
 * at cufs) the visitor tells: by the user named, by the realm, or by the
 * cookie of the load balancer.
 */
#include <string.h>

#include "vulcan-int.h"

static const char affinity_cookie[] = "ARRAffinity";

/* Also from a request that is only looked at. */
static const char *
peek(const struct exchange *x, enum MHD_ValueKind kind, const char *name)
{
	return MHD_lookup_connection_value(x->conn, kind, name);
}

static const char *
peek_form(const struct exchange *x, const char *name)
{
	for (size_t i = 0; i < x->n_params; i++)
		if (strcmp(x->params[i].name, name) == 0)
			return x->params[i].value;
	return NULL;
}

static int
dep_named(const struct exchange *x, const char *name, size_t len)
{
	for (size_t i = 0; i < x->op->n_deps; i++)
		if (strlen(x->op->deps[i].name) == len &&
		    strncmp(x->op->deps[i].name, name, len) == 0)
			return (int)i;
	return -1;
}

static int
dep_of_user(const struct exchange *x)
{
	static const char *const fields[] = {
	    "UserName", "Alias", "alias", "LoginName"};
	const char *user = NULL;

	for (size_t i = 0; i < 4 && user == NULL; i++)
		user = peek_form(x, fields[i]);
	for (const struct account *at = sim_accounts; at->oper != NULL; at++)
		if (same(at->oper, "vulcan") && same(at->user, user))
			return dep_named(
			    x, at->deployment, strlen(at->deployment));
	return -1;
}

/* https://host/SYMBOL/… */
static int
dep_of_realm(const struct exchange *x)
{
	const char *realm = peek(x, MHD_GET_ARGUMENT_KIND, "wtrealm");

	if (realm == NULL || strncmp(realm, "https://", 8) != 0)
		return -1;
	realm = strchr(realm + 8, '/');
	return realm == NULL ? -1
			     : dep_named(x, realm + 1, strcspn(realm + 1, "/"));
}

/* Real ones are long; the end of ours is the number of the deployment. */
static int
dep_of_affinity(const struct exchange *x)
{
	const char *value = peek(x, MHD_COOKIE_KIND, affinity_cookie);
	size_t len = value != NULL ? strlen(value) : 0;
	int dep = len == 8 ? value[7] - '0' : -1;

	return dep >= 0 && dep < (int)x->op->n_deps ? dep : -1;
}

/* Of an address without a symbol; the first one, if nothing tells. */
static int
by_visitor(const struct exchange *x)
{
	int dep = dep_of_user(x);

	if (dep < 0)
		dep = dep_of_realm(x);
	if (dep < 0)
		dep = dep_of_affinity(x);
	return dep < 0 ? 0 : dep;
}

void
vulcan_affinity(struct exchange *x)
{
	char value[] = "4f1c9e00";

	value[7] = (char)('0' + (x->dep - x->op->deps));
	reply_cookie(x, affinity_cookie, value, "Path=/; HttpOnly");
}

/* The deployment of the first part of the path, -1: none. */
static int
by_path(const struct exchange *x)
{
	return x->path[0] == '/'
	    ? dep_named(x, x->path + 1, strcspn(x->path + 1, "/"))
	    : -1;
}

static bool
is_host(const struct exchange *x, const char *label)
{
	size_t len = strlen(label);

	return strncmp(x->host, label, len) == 0 && x->host[len] == '.';
}

static int
vulcan_resolve(const struct exchange *x)
{
	int dep = by_path(x);

	if (is_host(x, "eduvulcan"))
		return by_visitor(x);
	/* the mobile interface says itself that it does not know a symbol */
	if (dep < 0 && is_host(x, "lekcjaplus"))
		return 0;
	/* whoever does not know the symbol yet */
	if (dep < 0 && strncmp(x->path, "/Default/", 9) == 0 &&
	    (is_host(x, "cufs") || is_host(x, "uonetplus") ||
		is_host(x, "uonetplus-logowanie")))
		return by_visitor(x);
	return dep;
}

#define PUPIL "uonetplus-uczen"
#define MAIL "uonetplus-uzytkownik"
#define PUPIL_PLUS "uonetplus-uczenplus"
#define MAIL_PLUS "uonetplus-wiadomosciplus"
#define SCHOOL "/*/" VULCAN_SCHOOL
#define PUPIL_CALL(path, handle) \
	{ \
		"POST", PUPIL, SCHOOL path, CLASS_GRADES, handle \
	}
#define INBOX(method, path, handle) \
	{ \
		method, MAIL, "/*/" path, CLASS_MESSAGE, handle \
	}
#define GATE "dziennik-logowanie"
#define MOBILE "lekcjaplus"
#define HEBE SCHOOL "/api/mobile"
#define EMPTY(list) \
	{ \
		"GET", MOBILE, HEBE "/" list, CLASS_OTHER, vulcan_hebe_nothing \
	}

/* Marks and messages of the new modules, below `base`. */
#define MARKS(host, base) \
	{"GET", host, base "/Context", CLASS_GRADES, vulcan_plus_context}, \
	    {"GET", host, base "/OkresyKlasyfikacyjne", CLASS_GRADES, \
		vulcan_plus_periods}, \
	{ \
		"GET", host, base "/Oceny", CLASS_GRADES, vulcan_plus_grades \
	}

#define READ(host, name, handle) \
	{ \
		"GET", host, "/*/api/" name, CLASS_MESSAGE, handle \
	}
#define WRITE(host, name, handle) \
	{ \
		"POST", host, "/*/api/" name, CLASS_MESSAGE, handle \
	}
#define MESSAGES(host) \
	READ(host, "Skrzynki", vulcan_box_boxes), \
	    READ(host, "Pracownicy", vulcan_box_people), \
	    READ(host, "Odebrane", vulcan_box_received), \
	    READ(host, "OdebraneSkrzynka", vulcan_box_received), \
	    READ(host, "Wyslane", vulcan_box_sent), \
	    READ(host, "WyslaneSkrzynka", vulcan_box_sent), \
	    READ(host, "Usuniete", vulcan_box_removed), \
	    READ(host, "UsunieteSkrzynka", vulcan_box_removed), \
	    READ(host, "LiczbyNieodczytanych", vulcan_box_unread), \
	    READ(host, "WiadomoscSzczegoly", vulcan_box_details), \
	    {"PUT", host, "/*/api/WiadomoscSzczegoly", CLASS_MESSAGE, \
		vulcan_box_mark}, \
	    READ(host, "WiadomoscOdpowiedzPrzekaz", vulcan_box_reply), \
	    WRITE(host, "WiadomoscNowa", vulcan_box_send), \
	    WRITE(host, "MoveTrash", vulcan_box_move_trash), \
	    WRITE(host, "RestoreTrash", vulcan_box_restore_trash), \
	    WRITE(host, "Delete", vulcan_box_delete)

/* A module of today: its entries and its page. */
#define APP(host, class) \
	{"GET", host, "/*/Account/Login", class, vulcan_app_login}, \
	    {"POST", host, "/*/Account/Login", class, vulcan_app_token}, \
	    {"GET", host, "/*/LoginEndpoint.aspx", class, \
		vulcan_app_endpoint}, \
	    {"GET", host, "/*/App", class, vulcan_app_page}, \
	    {"GET", host, "/*/App/**", class, vulcan_app_page}, \
	    {"GET", host, "/*/", class, vulcan_app_start}, \
	{ \
		"GET", host, "/*/start", class, vulcan_app_start \
	}

static const struct route routes[] = {
    /* 2020 */
    {"GET", "cufs", "/*/Account/LogOn", CLASS_LOGIN, vulcan_cufs_form},
    {"POST", "cufs", "/*/Account/LogOn", CLASS_LOGIN, vulcan_cufs_password},
    {"GET", "cufs", "/*/FS/LS", CLASS_LOGIN, vulcan_cufs_federation},
    {"GET", "uonetplus-logowanie", "/*/FS/LS", CLASS_LOGIN,
	vulcan_hop_federation},
    {"POST", "uonetplus-logowanie", "/*/FS/LS", CLASS_LOGIN, vulcan_hop_token},
    {"GET", "uonetplus", "/przerwa.html", CLASS_PLAIN, vulcan_break_page},
    {"GET", "uonetplus", "/*", CLASS_LOGIN, vulcan_start_page},
    {"GET", "uonetplus", "/*/", CLASS_LOGIN, vulcan_start_page},
    {"GET", "uonetplus", "/*/Start.mvc/Index", CLASS_LOGIN, vulcan_start_page},
    {"GET", "uonetplus", "/*/LoginEndpoint.aspx", CLASS_LOGIN,
	vulcan_start_entry},
    {"POST", "uonetplus", "/*/LoginEndpoint.aspx", CLASS_LOGIN,
	vulcan_start_token},
    {"GET", PUPIL, SCHOOL, CLASS_GRADES, vulcan_pupil_page},
    {"GET", PUPIL, SCHOOL "/", CLASS_GRADES, vulcan_pupil_page},
    {"GET", PUPIL, SCHOOL "/Start", CLASS_GRADES, vulcan_pupil_page},
    {"GET", PUPIL, SCHOOL "/LoginEndpoint.aspx", CLASS_GRADES,
	vulcan_pupil_entry},
    {"POST", PUPIL, SCHOOL "/LoginEndpoint.aspx", CLASS_GRADES,
	vulcan_pupil_token},
    /* some clients add a slash to that of the start page's link */
    PUPIL_CALL("/UczenDziennik.mvc/Get", vulcan_pupil_diary),
    PUPIL_CALL("//UczenDziennik.mvc/Get", vulcan_pupil_diary),
    PUPIL_CALL("/UczenCache.mvc/Get", vulcan_pupil_cache),
    PUPIL_CALL("//UczenCache.mvc/Get", vulcan_pupil_cache),
    PUPIL_CALL("/Oceny.mvc/Get", vulcan_pupil_grades),
    PUPIL_CALL("//Oceny.mvc/Get", vulcan_pupil_grades),
    {"POST", PUPIL, SCHOOL "/RejestracjaUrzadzeniaToken.mvc/Get", CLASS_OTHER,
	vulcan_pupil_pairing},
    {"GET", PUPIL, SCHOOL "/RejestracjaUrzadzeniaToken.mvc/Get", CLASS_OTHER,
	vulcan_pupil_pairing},
    {"GET", MAIL, "/*/LoginEndpoint.aspx", CLASS_MESSAGE, vulcan_mail_entry},
    {"POST", MAIL, "/*/LoginEndpoint.aspx", CLASS_MESSAGE, vulcan_mail_token},
    {"GET", MAIL, "/*", CLASS_MESSAGE, vulcan_mail_page},
    {"GET", MAIL, "/*/", CLASS_MESSAGE, vulcan_mail_page},
    {"GET", MAIL, "/*/NowaWiadomosc.mvc/GetJednostkiUzytkownika", CLASS_MESSAGE,
	vulcan_mail_units},
    {"GET", MAIL, "/*/Adresaci.mvc/GetAdresaci", CLASS_MESSAGE,
	vulcan_mail_addressees},
    {"POST", MAIL, "/*/NowaWiadomosc.mvc/InsertWiadomosc", CLASS_MESSAGE,
	vulcan_mail_insert},
    {"GET", MAIL, "/*/Wiadomosc.mvc/GetWiadomosciOdebrane", CLASS_MESSAGE,
	vulcan_mail_received},
    {"GET", MAIL, "/*/Wiadomosc.mvc/GetWiadomosciWyslane", CLASS_MESSAGE,
	vulcan_mail_sent},
    {"GET", MAIL, "/*/Wiadomosc.mvc/GetWiadomosciUsuniete", CLASS_MESSAGE,
	vulcan_mail_removed},
    {"POST", MAIL, "/*/Wiadomosc.mvc/GetTrescWiadomosci", CLASS_MESSAGE,
	vulcan_mail_text},
    {"POST", MAIL, "/*/Wiadomosc.mvc/UsunWiadomosc", CLASS_MESSAGE,
	vulcan_mail_delete},
    /* under the names of April 2020 to 2022 */
    INBOX("GET", "Adresaci.mvc/GetAddressee", vulcan_inbox_people),
    INBOX("POST", "Adresaci.mvc/GetAddressee", vulcan_inbox_people),
    INBOX("GET", "Wiadomosc.mvc/GetInboxMessages", vulcan_inbox_received),
    INBOX("GET", "Wiadomosc.mvc/GetOutboxMessages", vulcan_inbox_sent),
    INBOX("GET", "Wiadomosc.mvc/GetTrashboxMessages", vulcan_inbox_removed),
    INBOX("POST", "Wiadomosc.mvc/GetInboxMessageDetails",
	vulcan_inbox_received_text),
    INBOX("POST", "Wiadomosc.mvc/GetOutboxMessageDetails",
	vulcan_inbox_sent_text),
    INBOX("POST", "Wiadomosc.mvc/GetTrashboxMessageDetails",
	vulcan_inbox_removed_text),
    INBOX("POST", "Wiadomosc.mvc/DeleteInboxMessages", vulcan_inbox_delete),
    INBOX("POST", "Wiadomosc.mvc/DeleteOutboxMessages", vulcan_inbox_delete),
    INBOX("POST", "Wiadomosc.mvc/DeleteTrashboxMessages", vulcan_inbox_delete),
    /* 2022 */
    {"GET", PUPIL_PLUS, SCHOOL "/LoginEndpoint.aspx", CLASS_GRADES,
	vulcan_pupil_plus_entry},
    {"POST", PUPIL_PLUS, SCHOOL "/LoginEndpoint.aspx", CLASS_GRADES,
	vulcan_pupil_plus_token},
    {"GET", PUPIL_PLUS, SCHOOL "/App", CLASS_GRADES, vulcan_pupil_plus_page},
    MARKS(PUPIL_PLUS, SCHOOL "/api"),
    {"GET", MAIL_PLUS, "/*/LoginEndpoint.aspx", CLASS_MESSAGE,
	vulcan_mail_plus_entry},
    {"POST", MAIL_PLUS, "/*/LoginEndpoint.aspx", CLASS_MESSAGE,
	vulcan_mail_plus_token},
    {"GET", MAIL_PLUS, "/*/", CLASS_MESSAGE, vulcan_mail_plus_page},
    MESSAGES(MAIL_PLUS),
    /* today: standard accounts */
    {"GET", GATE, "/*/Account/Logon", CLASS_LOGIN, vulcan_gate_form},
    {"POST", GATE, "/*/Account/Logon", CLASS_LOGIN, vulcan_gate_password},
    {"GET", GATE, "/*/Fs/Ls", CLASS_LOGIN, vulcan_gate_federation},
    {"POST", GATE, "/*/Fs/Ls", CLASS_LOGIN, vulcan_gate_token},
    /* where its login begins and ends */
    APP("dziennik-uczen", CLASS_LOGIN),
    MARKS("dziennik-uczen", "/*/api"),
    APP("dziennik-wiadomosci", CLASS_MESSAGE),
    MESSAGES("dziennik-wiadomosci"),
    /* today: eduVULCAN */
    {"GET", "eduvulcan", "/", CLASS_LOGIN, vulcan_edu_home},
    {"POST", "eduvulcan", "/Account/QueryUserInfo", CLASS_LOGIN,
	vulcan_edu_query},
    {"GET", "eduvulcan", "/logowanie", CLASS_LOGIN, vulcan_edu_form},
    {"POST", "eduvulcan", "/logowanie", CLASS_LOGIN, vulcan_edu_password},
    {"GET", "eduvulcan", "/fs/ls", CLASS_LOGIN, vulcan_edu_federation},
    {"GET", "eduvulcan", "/api/ap", CLASS_LOGIN, vulcan_edu_ap},
    {"POST", "eduvulcan", "/konto/zgody", CLASS_LOGIN, vulcan_edu_consent},
    {"GET", "eduvulcan", "/wyloguj", CLASS_LOGOUT, vulcan_edu_logout},
    APP("uczen", CLASS_GRADES),
    MARKS("uczen", "/*/api"),
    APP("wiadomosci", CLASS_MESSAGE),
    MESSAGES("wiadomosci"),
    /* the mobile interface */
    {"GET", "komponenty", "/UonetPlusMobile/RoutingRules.txt", CLASS_PLAIN,
	vulcan_device_routing},
    {"POST", MOBILE, "/*/api/mobile/register/new", CLASS_LOGIN,
	vulcan_device_register},
    {"POST", MOBILE, "/*/api/mobile/register/token", CLASS_LOGIN,
	vulcan_device_register},
    {"POST", MOBILE, "/*/api/mobile/register/jwt", CLASS_LOGIN,
	vulcan_device_register_jwt},
    {"GET", MOBILE, "/*/api/mobile/register/hebe", CLASS_LOGIN,
	vulcan_hebe_pupils},
    {"GET", MOBILE, HEBE "/register/hebe", CLASS_LOGIN, vulcan_hebe_pupils},
    {"GET", MOBILE, "/*/api/mobile/internal/time", CLASS_OTHER,
	vulcan_hebe_clock},
    {"GET", MOBILE, HEBE "/internal/time", CLASS_OTHER, vulcan_hebe_clock},
    {"GET", MOBILE, "/*/api/mobile/heartbeat", CLASS_OTHER,
	vulcan_hebe_heartbeat},
    {"GET", MOBILE, HEBE "/heartbeat", CLASS_OTHER, vulcan_hebe_heartbeat},
    {"GET", MOBILE, "/*/api/mobile/version", CLASS_OTHER, vulcan_hebe_version},
    {"GET", MOBILE, HEBE "/version", CLASS_OTHER, vulcan_hebe_version},
    {"GET", MOBILE, HEBE "/grade/byPupil", CLASS_GRADES, vulcan_hebe_grades},
    EMPTY("grade/summary/byPupil"),
    EMPTY("grade/average/byPupil"),
    EMPTY("exam/byPupil"),
    EMPTY("homework/byPupil"),
    EMPTY("schedule/byPupil"),
    EMPTY("schedule/changes/byPupil"),
    EMPTY("schedule/withchanges/byPupil"),
    EMPTY("lesson/byPupil"),
    EMPTY("note/byPupil"),
    EMPTY("teacher/byPeriod"),
    {"GET", MOBILE, HEBE "/school/lucky", CLASS_OTHER, vulcan_hebe_lucky},
    {"POST", MOBILE, "/*/api/mobile/push/all", CLASS_OTHER,
	vulcan_hebe_heartbeat},
    {"POST", MOBILE, HEBE "/push/all", CLASS_OTHER, vulcan_hebe_heartbeat},
    {"GET", MOBILE, HEBE "/messagebox", CLASS_MESSAGE, vulcan_hebe_boxes},
    {"GET", MOBILE, HEBE "/messagebox/addressbook", CLASS_MESSAGE,
	vulcan_hebe_people},
    {"GET", MOBILE, HEBE "/addressbook", CLASS_MESSAGE, vulcan_hebe_people},
    {"GET", MOBILE, HEBE "/messagebox/message/byBox", CLASS_MESSAGE,
	vulcan_hebe_messages},
    {"GET", MOBILE, HEBE "/messages/received/byBox", CLASS_MESSAGE,
	vulcan_hebe_received},
    {"GET", MOBILE, HEBE "/messages/sent/byBox", CLASS_MESSAGE,
	vulcan_hebe_sent},
    {"GET", MOBILE, HEBE "/messages/deleted/byBox", CLASS_MESSAGE,
	vulcan_hebe_deleted},
    {"POST", MOBILE, HEBE "/messagebox/message", CLASS_MESSAGE,
	vulcan_hebe_send},
    {"POST", MOBILE, HEBE "/messagebox/message/status", CLASS_MESSAGE,
	vulcan_hebe_status},
    {"POST", MOBILE, HEBE "/messages", CLASS_MESSAGE, vulcan_hebe_send},
    {"POST", MOBILE, HEBE "/messages/status", CLASS_MESSAGE,
	vulcan_hebe_status},
    {0},
};

const struct operator_play vulcan_play = {
    .name = "vulcan",
    .deployments = {"gdansk", "lublin", "kielce"},
    .routes = routes,
    .capacity_per_s = 80,
    .servers = 4,
    .peak_ratio = 0.7,
    .resolve = vulcan_resolve,
    .symptoms = vulcan_symptoms,
};
