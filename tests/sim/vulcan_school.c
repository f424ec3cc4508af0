/*
 * Vulcan's pupil module of March 2020, with its marks: JSON over POST
 * `*.mvc`. A call without a session is answered with HTTP 200 and
 * `success: false`, as the real one does. The X-V headers are asked for
 * where the clients of that time sent them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vulcan-int.h"

static const char no_session[] =
    "Brak uprawnień. Zaloguj się ponownie do systemu.";
static const char no_token[] = "Brak wymaganego ciastka anti-forgery";

static struct session *
pupil_session(struct exchange *x)
{
	struct session *session = vulcan_party_session(x, VULCAN_PUPIL);

	if (session == NULL)
		vulcan_refuse(x, no_session);
	return session;
}

int
vulcan_school_year(void)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	return tm.tm_year + 1900 - (tm.tm_mon < 8 ? 1 : 0);
}

int
vulcan_diary_of(const struct account *account)
{
	return account->pupil + 1000;
}

int
vulcan_period_of(const struct account *account, int number)
{
	return account->pupil * 10 + number;
}

void
vulcan_pupil_diary(struct exchange *x)
{
	const struct session *session = pupil_session(x);
	int year = vulcan_school_year();

	if (session == NULL)
		return;
	text_addf(&x->out,
	    "{\"data\":[{\"IdUczen\":%d,\"UczenImie\":\"Test\","
	    "\"UczenNazwisko\":\"Testowy\",\"IsDziennik\":true,"
	    "\"IdDziennik\":%d,\"IdPrzedszkoleDziennik\":0,"
	    "\"IdWychowankowieDziennik\":0,"
	    "\"DziennikRokSzkolny\":%d,\"DziennikNazwa\":\"5a %d\","
	    "\"Okresy\":[",
	    session->account->pupil, vulcan_diary_of(session->account), year,
	    year);
	for (int number = 1; number <= VULCAN_PERIODS; number++)
		text_addf(&x->out,
		    "%s{\"NumerOkresu\":%d,\"Poziom\":5,"
		    "\"DataOd\":\"%d-%s 00:00:00\","
		    "\"DataDo\":\"%d-%s 00:00:00\",\"IdOddzial\":5,"
		    "\"Id\":%d,\"IsLastOkres\":%s}",
		    number > 1 ? "," : "", number, number > 1 ? year + 1 : year,
		    number > 1 ? "02-01" : "09-01", year + 1,
		    number > 1 ? "08-31" : "01-31",
		    vulcan_period_of(session->account, number),
		    number == VULCAN_PERIODS ? "true" : "false");
	vulcan_json(x, "]}],\"success\":true}");
}

void
vulcan_pupil_cache(struct exchange *x)
{
	const struct session *session = pupil_session(x);

	if (session == NULL)
		return;
	if (!vulcan_headers_right(x, session, VULCAN_VERSION))
		vulcan_refuse(x, no_token);
	else
		vulcan_json(x,
		    "{\"data\":{\"czyOpiekun\":true,\"czyJednostka\":false,"
		    "\"poryLekcji\":[]},\"success\":true}");
}

void
vulcan_pupil_pairing(struct exchange *x)
{
	const struct session *session = pupil_session(x);
	const char *token;
	const char *pin;

	if (session == NULL)
		return;
	vulcan_pairing_new(x, session->account, &token, &pin);
	text_addf(&x->out,
	    "{\"success\":true,\"data\":{\"TokenKey\":\"%s\","
	    "\"CustomerGroup\":\"%s\",\"PIN\":\"%s\","
	    "\"QrCodeImage\":\"\"}}",
	    token, x->dep->name, pin);
	vulcan_json(x, "");
}

static bool
cookie_is(struct exchange *x, const char *name, int value)
{
	char expected[16];

	snprintf(expected, sizeof(expected), "%d", value);
	return same(request_cookie(x, name), expected);
}

static bool
cookie_may_be(struct exchange *x, const char *name, int value)
{
	return request_cookie(x, name) == NULL || cookie_is(x, name, value);
}

/* The cookies that tell the module whose diary is open. */
static bool
diary_cookies_right(struct exchange *x, const struct account *account)
{
	return cookie_is(x, "idBiezacyUczen", account->pupil) &&
	    cookie_is(x, "idBiezacyDziennik", vulcan_diary_of(account)) &&
	    cookie_may_be(x, "idBiezacyDziennikPrzedszkole", 0) &&
	    cookie_may_be(x, "biezacyRokSzkolny", vulcan_school_year());
}

static void
add_subject(
    struct exchange *x, const struct grade *first, int position, int semester)
{
	const char *comma = "";

	text_addf(&x->out,
	    "%s{\"Przedmiot\":\"%s\",\"Pozycja\":%d,\"OcenyCzastkowe\":[",
	    position > 1 ? "," : "", first->subject, position);
	for (const struct grade *g = first; g->id != 0; g++) {
		if (g->semester != semester ||
		    !same(g->subject, first->subject))
			continue;
		text_addf(&x->out,
		    "%s{\"Wpis\":\"%s\",\"Waga\":%d,\"NazwaKolumny\":\"%s\","
		    "\"KodKolumny\":\"K%d\",\"DataOceny\":\"%.2s.%.2s.%.4s\","
		    "\"KolorOceny\":7261447,\"Nauczyciel\":\"%s\"}",
		    comma, g->mark, g->weight, g->category, g->weight,
		    g->date + 8, g->date + 5, g->date, g->teacher);
		comma = ",";
	}
	text_add(&x->out,
	    "],\"ProponowanaOcenaRoczna\":\"\",\"OcenaRoczna\":\"\","
	    "\"Srednia\":4}");
}

void
vulcan_pupil_grades(struct exchange *x)
{
	const struct session *session = pupil_session(x);
	json_int_t period;
	int semester = 0;
	int position = 0;

	if (session == NULL)
		return;
	if (!diary_cookies_right(x, session->account)) {
		vulcan_refuse(x, "DB_ERROR: niespójność danych");
		return;
	}
	period = json_integer_value(json_object_get(request_json(x), "okres"));
	for (int number = 1; number <= VULCAN_PERIODS; number++)
		if (period == vulcan_period_of(session->account, number))
			semester = number;
	if (semester == 0) {
		vulcan_refuse(x, "DB_ERROR: nieznany okres");
		return;
	}
	text_add(&x->out,
	    "{\"success\":true,\"data\":{\"IsSrednia\":false,"
	    "\"IsPunkty\":false,\"Oceny\":[");
	for (const struct grade *g = sim_grades; g->id != 0; g++)
		if (grade_begins_subject(g, semester))
			add_subject(x, g, ++position, semester);
	vulcan_json(x, "]}}");
}
