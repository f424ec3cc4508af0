/*
 * The two logins of apps: the old text API, whose session serves the pages,
 * too, with its dump of all tables; and the phone app's JSON, first at the
 * host of all schools, then at the school's own.
 *
 * What the sources leave open and how it is here: any key and version will
 * do as long as there is one; a device without a number is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wizja-int.h"

enum { TABLES = 26, STAFF_ID = 3001, TEAM_ID = 12, CATEGORY_ID = 501 };

#define TYPE_TEXT "text/plain; charset=UTF-8"

static bool
given(struct exchange *x, const char *name)
{
	const char *value = request_form(x, name);

	return value != NULL && *value != '\0';
}

void
wizja_api_login(struct exchange *x)
{
	const struct account *account;
	const char *answer = "Nie jestes zalogowany";

	reply_status(x, 200, TYPE_TEXT);
	if (!given(x, "wersja") || !given(x, "ip") || !given(x, "ta_api")) {
		text_add(&x->out, "ifun");
		return;
	}
	switch (wizja_login_try(
	    x, request_form(x, "login"), request_form(x, "haslo"), &account)) {
	case LOGIN_OK:
		wizja_session_begin(x, account);
		answer = "ok";
		break;
	case LOGIN_WRONG:
	case LOGIN_LOCKED:
		break;
	case LOGIN_CAPTCHA:
		reply_status(x, 200, TYPE_HTML);
		answer = "<html><body><div "
			 "class=\"g-recaptcha\"></div></body></html>";
		break;
	}
	text_add(&x->out, answer);
}

/* ---- the dump ---- */

/* The place of a subject among the different ones, from 1. */
static int
subject_number(const struct grade *wanted)
{
	int n = 0;

	for (const struct grade *g = sim_grades; g->id != 0; g++) {
		const struct grade *first = sim_grades;
		while (!same(first->subject, g->subject))
			first++;
		n += first == g;
		if (same(g->subject, wanted->subject))
			break;
	}
	return n;
}

static bool
is_first(const struct grade *g)
{
	for (const struct grade *at = sim_grades; at < g; at++)
		if (same(at->subject, g->subject))
			return false;
	return true;
}

/* Staff are marked with a star; of the rest there is only the reader. */
static void
add_people(struct exchange *x, const struct account *account)
{
	const char *name = strchr(account->name, ' ');

	text_addf(&x->out, "%d|*|||Maria|Kąt\n%d|%d|||%s|%.*s", STAFF_ID,
	    account->pupil + 5000, account->pupil, name + 1,
	    (int)(name - account->name), account->name);
}

static void
add_marks(struct exchange *x, const struct account *account)
{
	for (const struct grade *g = sim_grades; g->id != 0; g++)
		text_addf(&x->out, "%d|%d|%d|%d|x|%d|%d|%s|0||1|%c.00\n", g->id,
		    account->pupil, STAFF_ID, subject_number(g), g->semester,
		    CATEGORY_ID, g->mark, g->mark[0]);
}

static void
add_table(struct exchange *x, const struct account *account, int table)
{
	const char *name = strchr(account->name, ' ');

	switch (table) {
	case 0:
		add_people(x, account);
		return;
	case 3:
		text_add(&x->out,
		    "1|semestr1_poczatek||20190902\n2|semestr2_poczatek||"
		    "20200203\n3|koniec_roku_szkolnego||20200626\n");
		return;
	case 4:
		for (const struct grade *g = sim_grades; g->id != 0; g++)
			if (is_first(g))
				text_addf(&x->out, "%d|%s|%.3s\n",
				    subject_number(g), g->subject, g->subject);
		return;
	case 7:
		text_addf(&x->out, "%d|5|b|1|%d\n", TEAM_ID, STAFF_ID);
		return;
	case 8:
		text_addf(&x->out, "%d||%s||%.*s\n%d|97.5\n", account->pupil,
		    name + 1, (int)(name - account->name), account->name,
		    account->pupil);
		return;
	case 9:
		text_addf(&x->out, "1|%d|%d||7\n", account->pupil, TEAM_ID);
		return;
	case 14:
		text_addf(&x->out,
		    "%d|%d||3|Sprawdzian||2196f3|Sprawdzian 1;Sprawdzian 2\n",
		    CATEGORY_ID, TEAM_ID);
		return;
	case 18:
		add_marks(x, account);
		return;
	default:
		return;
	}
}

void
wizja_api_dump(struct exchange *x)
{
	const struct session *session = wizja_ajax_session(x);

	if (session == NULL)
		return;
	for (int table = 0; table < TABLES; table++) {
		if (table > 0)
			text_add(&x->out, "T@B#LA");
		add_table(x, session->account, table);
	}
	reply_status(x, 200, TYPE_TEXT);
}

/* ---- the phone app ---- */

static bool
app_fails(struct exchange *x, const char *type, const char *message)
{
	text_addf(&x->out, "{\"error\":{\"type\":\"%s\",\"message\":", type);
	text_json(&x->out, message);
	text_add(&x->out, "}}");
	reply_status(x, 200, TYPE_JSON);
	return false;
}

static bool
app_login(struct exchange *x, const struct account **account)
{
	const char *device = request_form(x, "device");
	json_t *told = device != NULL ? json_loads(device, 0, NULL) : NULL;
	bool good = json_is_object(told);

	json_decref(told);
	if (!good)
		return app_fails(x, "DEVICE_ERROR", "Nieznane urządzenie");
	switch (wizja_login_try(
	    x, request_form(x, "email"), request_form(x, "haslo"), account)) {
	case LOGIN_OK:
		return true;
	case LOGIN_WRONG:
		break;
	case LOGIN_LOCKED:
		return app_fails(
		    x, "LOCKED_ERROR", "Konto zostało zablokowane");
	case LOGIN_CAPTCHA:
		return app_fails(x, "CAPTCHA_ERROR", "captcha");
	}
	return app_fails(
	    x, "LOGIN_ERROR", "Podano niepoprawny login i/lub hasło");
}

/* What the second step has to name: number, year and school. */
static void
add_login_id(
    struct text *out, const struct exchange *x, const struct account *account)
{
	text_addf(out, "%d@2019@%s", account->pupil, x->dep->name);
}

void
wizja_app_login(struct exchange *x)
{
	const struct account *account;

	if (!request_form_is(x, "api2", "true")) {
		app_fails(x, "API_ERROR", "api2");
		return;
	}
	if (!app_login(x, &account))
		return;
	text_addf(&x->out,
	    "{\"email\":\"%s\",\"id_global\":\"%d\",\"login\":\"",
	    account->mailbox, 400000 + account->pupil);
	add_login_id(&x->out, x, account);
	text_addf(&x->out,
	    "\",\"sync_url\":\"https://%s.mobidziennik.pl/api2/logowanie\"}",
	    x->dep->name);
	reply_status(x, 200, TYPE_JSON);
}

void
wizja_app_sync(struct exchange *x)
{
	const struct account *account;
	struct text login = {0};
	char key[33];

	if (!app_login(x, &account))
		return;
	add_login_id(&login, x, account);
	if (!request_form_is(x, "login", text_of(&login))) {
		app_fails(x, "LOGIN_ERROR", "Nieznany login");
	} else {
		session_token(key);
		text_addf(&x->out,
		    "{\"user\":{\"login\":\"%s\",\"email\":\"%s\","
		    "\"auth_key\":\"%s\",\"password_hash\":\"\"}}",
		    text_of(&login), account->mailbox, key);
		reply_status(x, 200, TYPE_JSON);
	}
	text_fini(&login);
}
