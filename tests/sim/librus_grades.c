/*
 * The marks of Librus as HTML: the page of all marks with its two tables and
 * the details of one mark.
 *
 * What the sources leave open and how it is here: the first table chooses
 * what is shown; the newest mark is taken for today's, so that the choice of
 * a week shows a week, and the choice "since the last login" nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "librus-int.h"

/* "4+" is 4.5 and "5-" is 4.75, as the school counts. */
static const double PLUS = 0.5;

enum view { VIEW_ALL, VIEW_WEEK, VIEW_LOGIN };

static enum view
chosen(struct exchange *x)
{
	if (request_form_is(x, "zmiany_logowanie_tydzien", "1"))
		return VIEW_WEEK;
	if (request_form_is(x, "zmiany_logowanie", "1"))
		return VIEW_LOGIN;
	return VIEW_ALL;
}

static bool
is_of_last_week(const struct grade *grade)
{
	time_t newest = 0;

	for (const struct grade *g = sim_grades; g->id != 0; g++)
		if (grade_noon(g->date) > newest)
			newest = grade_noon(g->date);
	return grade_noon(grade->date) > newest - 7 * 86400;
}

static bool
is_shown(const struct grade *grade, enum view view)
{
	switch (view) {
	case VIEW_ALL:
		return true;
	case VIEW_WEEK:
		return is_of_last_week(grade);
	case VIEW_LOGIN:
		return false;
	}
	abort();
}

static const char *
weekday(const char *date)
{
	static const char *const names[] = {
	    "nd.", "pn.", "wt.", "śr.", "czw.", "pt.", "sob."};
	time_t when = grade_noon(date);
	struct tm tm;

	if (localtime_r(&when, &tm) == NULL)
		abort();
	return names[tm.tm_wday];
}

/* ---- the page of all marks ---- */

static void
grade_cell(
    struct exchange *x, const char *subject, int semester, enum view view)
{
	bool any = false;

	text_add(&x->out, "<td>");
	for (const struct grade *g = sim_grades; g->id != 0; g++) {
		if (g->semester != semester || !same(g->subject, subject) ||
		    !is_shown(g, view))
			continue;
		any = true;
		text_addf(&x->out,
		    "<span class=\"grade-box\" style=\"background-color:"
		    "#87cefa;\"><a href=\"/przegladaj_oceny/szczegoly/%d\" "
		    "class=\"ocena\" title=\"Kategoria: %s<br>Data: %s (%s)"
		    "<br>Nauczyciel: %s<br>Licz do średniej: tak<br>Waga: %d\">"
		    "%s</a></span>",
		    g->id, g->category, g->date, weekday(g->date), g->teacher,
		    g->weight, g->mark);
	}
	text_add(&x->out, any ? "</td>" : "Brak ocen</td>");
}

/* The average of a semester, of the year for 0; of all marks in any view. */
static void
average_cell(struct exchange *x, const char *subject, int semester)
{
	double sum = 0;
	int weight = 0;

	for (const struct grade *g = sim_grades; g->id != 0; g++) {
		if (!same(g->subject, subject) ||
		    (semester != 0 && g->semester != semester))
			continue;
		sum += g->weight * grade_worth(g->mark, PLUS);
		weight += g->weight;
	}
	if (weight > 0)
		text_addf(
		    &x->out, "<td class=\"right\">%.2f</td>", sum / weight);
	else
		text_add(&x->out, "<td class=\"right\">-</td>");
	text_add(&x->out, "<td class=\"center\">-</td>");
}

static void
subject_row(struct exchange *x, const char *subject, int line, enum view view)
{
	text_addf(&x->out,
	    "<tr class=\"line%d\"><td class=\"center micro screen-only\">"
	    "<img src=\"/images/tree_colapsed.png\" alt=\"\"></td>"
	    "<td>%s</td>",
	    line % 2, subject);
	for (int semester = 1; semester <= 2; semester++) {
		grade_cell(x, subject, semester, view);
		average_cell(x, subject, semester);
	}
	average_cell(x, subject, 0);
	text_add(&x->out, "</tr>");
}

static void
choice_table(struct exchange *x)
{
	text_add(&x->out,
	    "<table class=\"decorated stretch\"><thead><tr><td>Pokaż oceny: "
	    "<form method=\"post\" action=\"/przegladaj_oceny/uczen\">"
	    "<button name=\"zmiany_logowanie_wszystkie\" value=\"1\">wszystkie"
	    "</button><button name=\"zmiany_logowanie_tydzien\" value=\"1\">"
	    "z ostatniego tygodnia</button><button name=\"zmiany_logowanie\" "
	    "value=\"1\">od ostatniego logowania</button></form></td></tr>"
	    "</thead></table>");
}

static void
marks_head(struct exchange *x)
{
	text_add(&x->out,
	    "<table class=\"decorated stretch\"><thead><tr>"
	    "<td rowspan=\"2\" colspan=\"2\">Przedmiot</td>"
	    "<td colspan=\"3\">Okres 1</td><td colspan=\"3\">Okres 2</td>"
	    "<td colspan=\"2\">Koniec roku</td></tr><tr>"
	    "<td>Oceny bieżące</td>"
	    "<td title=\"Średnia ocen<br>z pierwszego okresu\">Śr.I</td>"
	    "<td title=\"Ocena śródroczna z pierwszego okresu\">I</td>"
	    "<td>Oceny bieżące</td>"
	    "<td title=\"Średnia ocen z drugiego okresu\">Śr.II</td>"
	    "<td title=\"Ocena śródroczna z drugiego okresu\">II</td>"
	    "<td title=\"Średnia roczna\">Śr.R</td>"
	    "<td title=\"Ocena roczna\">R</td></tr></thead><tbody>");
}

void
librus_grades_page(struct exchange *x)
{
	struct session *session = librus_session(x);
	enum view view = chosen(x);
	int line = 0;

	if (session == NULL)
		return;
	librus_user_page(x, session, "Oceny");
	choice_table(x);
	text_add(&x->out,
	    "<span class=\"grade-box\" style=\"display:none\"><a "
	    "href=\"/przegladaj_oceny/szczegoly/000000\">0</a></span>");
	marks_head(x);
	for (const struct grade *g = sim_grades; g->id != 0; g++)
		if (grade_begins_subject(g, 0))
			subject_row(x, g->subject, line++, view);
	text_add(&x->out, "</tbody></table>");
	librus_page_end(x);
}

/* ---- one mark ---- */

static const struct grade *
grade_by_id(const char *id)
{
	const struct grade *grade = sim_grades;

	while (grade->id != 0 && grade->id != strtol(id, NULL, 10))
		grade++;
	return grade->id != 0 ? grade : NULL;
}

static void
detail(struct exchange *x, int line, const char *label, const char *value)
{
	text_addf(&x->out,
	    "<tr class=\"line%d\"><th class=\"big\">%s</th><td>%s</td></tr>",
	    line % 2, label, value);
}

void
librus_grade_details(struct exchange *x)
{
	const struct session *session = librus_session(x);
	const struct grade *grade = grade_by_id(x->capture[0]);
	char date[32];
	char weight[16];

	if (session == NULL)
		return;
	librus_user_page(x, session, "Szczegóły oceny");
	text_add(&x->out,
	    "<div class=\"container\"><div class=\"container-background\">");
	if (grade == NULL) {
		text_add(&x->out, "<p>Nie odnaleziono oceny.</p>");
	} else {
		snprintf(date, sizeof(date), "%s (%s)", grade->date,
		    weekday(grade->date));
		snprintf(weight, sizeof(weight), "%d", grade->weight);
		text_add(&x->out,
		    "<table class=\"decorated medium center\"><tbody>");
		detail(x, 0, "Ocena", grade->mark);
		detail(x, 1, "Kategoria", grade->category);
		detail(x, 0, "Data", date);
		detail(x, 1, "Nauczyciel", grade->teacher);
		detail(x, 0, "Przedmiot", grade->subject);
		detail(x, 1, "Licz do średniej",
		    "<img src=\"/images/aktywne.png\" alt=\"tak\">");
		detail(x, 0, "Waga", weight);
		detail(x, 1, "Dodał", grade->teacher);
		detail(x, 0, "Komentarz", "");
		text_add(&x->out, "</tbody></table>");
	}
	text_add(&x->out, "</div></div>");
	librus_page_end(x);
}
