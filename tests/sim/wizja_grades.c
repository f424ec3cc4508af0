/*
 * The marks of mobiDziennik: a table with a row for each subject, and in it
 * a link with a tooltip for each mark. The secondary school has a whole
 * year's marks, which makes a page of some 300 kB, as real ones are.
 */
#include "wizja-int.h"

enum { BIG_SCHOOL = 1, MORE_SUBJECTS = 14, MORE_MARKS = 34 };

/* "4+" is worth 4.50, "3-" 2.75. */
static const double PLUS = 0.5;

static const struct grade more[] = {
    {0, "Język angielski", "5", "Praca klasowa", "Most Adam", "2020-02-11", 5,
	2},
    {0, "Język angielski", "3+", "Kartkówka", "Most Adam", "2020-02-14", 3, 2},
    {0, "Język angielski", "4", "Aktywność", "Most Adam", "2020-03-03", 1, 2},
    {0, "Język angielski", "2-", "Odpowiedź ustna", "Most Adam", "2020-03-12",
	2, 2},
};

static const char *const subjects[MORE_SUBJECTS] = {"Język angielski",
    "Język niemiecki", "Historia", "Wiedza o społeczeństwie", "Biologia",
    "Chemia", "Geografia", "Informatyka", "Wychowanie fizyczne",
    "Edukacja dla bezpieczeństwa", "Podstawy przedsiębiorczości", "Plastyka",
    "Filozofia", "Godzina z wychowawcą"};

/* What weighs least is not counted. */
static void
add_grade(struct exchange *x, const struct grade *g, int id)
{
	text_addf(&x->out,
	    "<span style=\"background-color:#2196f3;\">&nbsp;%s:</span> "
	    "<a class=\"info\" rel=\"%d\" href=\"javascript:;\">"
	    "<strong style=\"color:#000\">%s</strong><sup>%d</sup> "
	    "<small>(%s)</small><span>Wartość oceny: <strong>%.2f</strong><br>"
	    "Liczona do średniej: <strong>%s<br></strong>"
	    "Waga: <strong>zwyk&#322;a <small>(%d)</small></strong><br>"
	    "Wpisał(a): <strong>%s</strong><br>Wpisano: <strong>",
	    g->category, id, g->mark, g->semester, g->category,
	    grade_worth(g->mark, PLUS), g->weight > 1 ? "tak" : "nie",
	    g->weight, g->teacher);
	wizja_long_time(&x->out, grade_noon(g->date));
	text_add(&x->out,
	    "</strong><br>Średnia ocen: <strong>3.87</strong><br>"
	    "Komentarz: <strong>praca &quot;na pi&#261;tk&#281;&quot; "
	    "&amp; w&nbsp;terminie, dla ch&#281;tnych dalszy ci&#261;g "
	    "znajduje si&#281; w zeszycie &cacute;wicze&nacute;, strona "
	    "trzydziesta; prosz&#281; o podpis rodzica</strong>"
	    "</span></a>&nbsp;\n");
}

static void
row_begin(struct exchange *x, const char *subject)
{
	text_addf(&x->out,
	    "<tr class=\"naglowek3\"><td><div style=\"width:200px\">%s"
	    "</div></td><td>",
	    subject);
}

static void
add_subjects(struct exchange *x, int semester)
{
	for (const struct grade *first = sim_grades; first->id != 0; first++) {
		if (!grade_begins_subject(first, semester))
			continue;
		row_begin(x, first->subject);
		for (const struct grade *g = first; g->id != 0; g++)
			if (g->semester == semester &&
			    same(g->subject, first->subject))
				add_grade(x, g, g->id);
		text_add(&x->out, "</td></tr>\n");
	}
}

/* Cells and rows without an end here and there. */
static void
add_more_subjects(struct exchange *x)
{
	for (int i = 0; i < MORE_SUBJECTS; i++) {
		row_begin(x, subjects[i]);
		for (int k = 0; k < MORE_MARKS; k++)
			add_grade(x, &more[(i + k) % 4], 91000 + i * 100 + k);
		text_add(&x->out, i % 2 == 0 ? "\n" : "</td></tr>\n");
	}
}

void
wizja_grades(struct exchange *x)
{
	const struct session *session = wizja_page_session(x);
	int semester = same(request_query(x, "semestr"), "1") ? 1 : 2;

	if (session == NULL)
		return;
	wizja_menu(x, session, "oceny");
	text_add(&x->out,
	    "<h1>Oceny</h1><table class=\"spis\"><tr class=\"naglowek\">"
	    "<th>Przedmiot</th><th>Oceny</th></tr>\n");
	add_subjects(x, semester);
	if (x->dep - x->op->deps == BIG_SCHOOL)
		add_more_subjects(x);
	text_add(&x->out, "</table>");
	wizja_footer(x, session);
}
