/*
 * Marks as the new pupil's modules give them (uonetplus-uczenplus of 2023
 * and those of today): GET of api/Context, OkresyKlasyfikacyjne and Oceny.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vulcan-int.h"

/* Base64 in base64 of what means something to the server only. */
void
vulcan_pupil_key(struct text *key, const struct account *account)
{
	char plain[48];
	struct text once = {0};
	int len = snprintf(plain, sizeof(plain), "%s-%d-1-%d", VULCAN_SCHOOL,
	    account->pupil, vulcan_diary_of(account));

	text_base64(&once, plain, (size_t)len);
	text_base64(key, text_of(&once), once.len);
	text_fini(&once);
}

/* True if `key` is the visitor's own pupil; else it was answered. */
static bool
key_right(struct exchange *x, const struct session *session)
{
	struct text own = {0};
	bool right;

	vulcan_pupil_key(&own, session->account);
	right = same(request_query(x, "key"), text_of(&own));
	text_fini(&own);
	if (!right)
		vulcan_refuse(x, "Brak uprawnień do danych ucznia.");
	return right;
}

static bool
query_is(struct exchange *x, const char *name, int value)
{
	const char *text = request_query(x, name);

	return text != NULL && strtol(text, NULL, 10) == value;
}

void
vulcan_plus_context(struct exchange *x)
{
	const struct session *session = vulcan_app_session(x);
	int year = vulcan_school_year();
	char box[VULCAN_UUID_SIZE];
	struct text key = {0};

	if (session == NULL)
		return;
	vulcan_pupil_key(&key, session->account);
	vulcan_box_key(box, session->account);
	text_addf(&x->out,
	    "{\"uczniowie\":[{\"idDziennik\":%d,\"rodzajDziennika\":1,"
	    "\"dziennikDataOd\":\"%d-09-01T00:00:00+02:00\","
	    "\"dziennikDataDo\":\"%d-08-31T00:00:00+02:00\","
	    "\"isUczen\":true,\"isPrzedszkolak\":false,\"isWychowanek\":false,"
	    "\"key\":\"%s\",\"uczen\":\"Test Testowy\",\"oddzial\":\"5a\","
	    "\"jednostka\":\"Zespół Szkół Zielonych\",\"isDorosli\":false,"
	    "\"pelnoletniUczen\":false,\"opiekunUcznia\":true,"
	    "\"wymagaAutoryzacji\":false,\"globalKeySkrzynka\":\"%s\","
	    "\"config\":{\"isOplaty\":false,\"isDydaktyka\":true,"
	    "\"isLekcjeZrealizowane\":true}}]}",
	    vulcan_diary_of(session->account), year, year + 1, text_of(&key),
	    box);
	text_fini(&key);
	vulcan_json(x, "");
}

void
vulcan_plus_periods(struct exchange *x)
{
	const struct session *session = vulcan_app_session(x);
	int year = vulcan_school_year();

	if (session == NULL || !key_right(x, session))
		return;
	if (!query_is(x, "idDziennik", vulcan_diary_of(session->account))) {
		vulcan_refuse(x, "błąd: nieznany dziennik");
		return;
	}
	text_addf(&x->out,
	    "[{\"numerOkresu\":1,\"dataOd\":\"%d-09-01T00:00:00+02:00\","
	    "\"dataDo\":\"%d-01-31T00:00:00+01:00\",\"id\":%d},"
	    "{\"numerOkresu\":2,\"dataOd\":\"%d-02-01T00:00:00+01:00\","
	    "\"dataDo\":\"%d-08-31T00:00:00+02:00\",\"id\":%d}]",
	    year, year + 1, vulcan_period_of(session->account, 1), year + 1,
	    year + 1, vulcan_period_of(session->account, 2));
	vulcan_json(x, "");
}

static void
add_mark(struct exchange *x, const struct grade *g)
{
	text_addf(&x->out,
	    "{\"wpis\":\"%s\",\"dataOceny\":\"%.2s.%.2s.%.4s\","
	    "\"kategoriaKolumny\":\"%s\",\"nazwaKolumny\":\"%s\","
	    "\"kodKolumny\":\"K%d\",\"waga\":%d,\"nauczyciel\":\"%s\","
	    "\"kolorOceny\":7261447,\"idKolumny\":%d,"
	    "\"idOcenaPoprawiona\":null,"
	    "\"zmienionaOdOstatniegoLogowania\":false}",
	    g->mark, g->date + 8, g->date + 5, g->date, g->category,
	    g->category, g->weight, g->weight, g->teacher, g->id);
}

/* In columns today, plainly in a list in 2023. */
static void
add_subject(struct exchange *x, const struct grade *first, int position,
    bool in_columns)
{
	const char *comma = "";

	text_addf(&x->out,
	    "%s{\"przedmiotNazwa\":\"%s\",\"pozycja\":%d,\"nauczyciele\":"
	    "[\"%s\"],\"%s\":[",
	    position > 1 ? "," : "", first->subject, position, first->teacher,
	    in_columns ? "kolumnyOcenyCzastkowe" : "ocenyCzastkowe");
	for (const struct grade *g = first; g->id != 0; g++) {
		if (g->semester != first->semester ||
		    !same(g->subject, first->subject))
			continue;
		text_add(&x->out, comma);
		if (in_columns)
			text_addf(&x->out,
			    "{\"idKolumny\":%d,\"kategoriaKolumny\":\"%s\","
			    "\"nazwaKolumny\":\"%s\",\"waga\":%d,\"oceny\":[",
			    g->id, g->category, g->category, g->weight);
		add_mark(x, g);
		if (in_columns)
			text_add(&x->out, "]}");
		comma = ",";
	}
	text_add(&x->out,
	    "],\"proponowanaOcenaOkresowa\":\"\",\"ocenaOkresowa\":\"\","
	    "\"podsumowanieOcen\":null,\"srednia\":4.0}");
}

void
vulcan_plus_grades(struct exchange *x)
{
	const struct session *session = vulcan_app_session(x);
	bool in_columns = strncmp(x->host, "uonetplus-", 10) != 0;
	int semester = 0;
	int position = 0;

	if (session == NULL || !key_right(x, session))
		return;
	for (int n = 1; n <= VULCAN_PERIODS; n++)
		if (query_is(x, "idOkresKlasyfikacyjny",
			vulcan_period_of(session->account, n)))
			semester = n;
	if (semester == 0) {
		vulcan_refuse(x, "błąd: nieznany okres klasyfikacyjny");
		return;
	}
	text_add(&x->out, "{\"ocenyPrzedmioty\":[");
	for (const struct grade *g = sim_grades; g->id != 0; g++)
		if (grade_begins_subject(g, semester))
			add_subject(x, g, ++position, in_columns);
	vulcan_json(
	    x, "],\"ustawienia\":{\"isSredniaOcen\":true,\"isPunkty\":false}}");
}
