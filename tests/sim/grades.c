/*
 * What the marks of accounts.c mean: their worth, their day, and which of
 * them begins a subject. How each operator shows them is its own affair.
 */
#include <stdlib.h>

#include "sim.h"

double
grade_worth(const char *mark, double plus)
{
	double value = mark[0] - '0';

	if (mark[1] == '+')
		value += plus;
	else if (mark[1] == '-')
		value -= 0.25;
	return value;
}

time_t
grade_noon(const char *date)
{
	struct tm tm = {
	    .tm_year = (int)strtol(date, NULL, 10) - 1900,
	    .tm_mon = (int)strtol(date + 5, NULL, 10) - 1,
	    .tm_mday = (int)strtol(date + 8, NULL, 10),
	    .tm_hour = 12,
	    .tm_isdst = -1,
	};

	return mktime(&tm);
}

bool
grade_begins_subject(const struct grade *grade, int semester)
{
	if (semester != 0 && grade->semester != semester)
		return false;
	for (const struct grade *g = sim_grades; g < grade; g++)
		if ((semester == 0 || g->semester == semester) &&
		    same(g->subject, grade->subject))
			return false;
	return true;
}
