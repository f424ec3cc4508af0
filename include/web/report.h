#ifndef WEB_REPORT_H
#define WEB_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/zone.h"
#include "ledger/ledger.h"

/*
 * The two-sided account of an operator's availability in a month of Warsaw's
 * calendar, for the page, the API and the command: all say what is in one JSON.
 * Any thread; reads for seconds when there are many deployments.
 */
struct report_month {
	int year, month; /* 1 to 12 */
};

/* report_month_parse: "2026-10", of 1970 to 2199. */
bool report_month_parse(const char *text, struct report_month *month);

/* What is known of a deployment, for how long a verdict of it speaks. */
struct report_place {
	const char *deployment;
	dur_us every;
};

struct report_question {
	const char *op, *title, *vantage;
	struct report_month month;
	wall_us now; /* what is later is not in it */
	/* which are watched now; others are known by their tallies alone */
	const struct report_place *places;
	size_t n_places;
	const struct zone *zone;
};

/*
 * report_account: the caller releases it. NULL with 0 in *problem: nothing was
 * ever counted of that operator; with -errno: the ledger was not readable.
 * {"operator","title","month","time_zone","vantage","from","until","as_of",
 *  "complete","minutes","carry_minutes",
 *  "transactions":[{"name","available","unavailable","maintenance","blind",
 *    "not_measured","availability","availability_percent",
 *    "deployments":[{"name", the same}],"days":[{"date","minutes", the
 * same}]}],
 *  "outages":[{"deployment","transaction","from","until","minutes","runs",
 *    "first_run","reason","step","incidents":[…]}],"outages_left_out",
 *  "maintenance":[{"id","deployment","from","until","agreed","reason","by"}],
 *  "blind":[{"from","until","cause"}],"csv_sha256":{"pl","en"}}
 * Times in Unix seconds; what is counted are minutes of deployments; an
 * availability of fewer than AVAILABILITY_MINUTES_MIN verdicts is null. An
 * outage that began before the month is listed from its first minute, with the
 * runs of the month; first_run, reason and step are of where it began, of two
 * hours before at most. A deployment that is not configured any more is there
 * when it was heard in the month.
 */
struct jv *report_account(struct ledger_reader *reader,
    const struct report_question *question, int *problem) MUST_USE;

/*
 * report_trace: each minute of one target from `from` until before `to` that
 * is over, at most a day of them, with what led to its name; the caller
 * releases it. NULL with 0 in *problem: that target was never counted.
 * `question` says what the account would be made with; its month is not read.
 * {"target","from","to","minutes":[{"at","what","ok","failed","excluded",
 *  "runs":[{"id","reason","step"}]}]}
 */
struct jv *report_trace(struct ledger_reader *reader,
    const struct report_question *question, const char *target, wall_us from,
    wall_us to, int *problem) MUST_USE;

/*
 * report_csv appends it as CSV (RFC 4180), a line for each transaction, each of
 * its days and each of its deployments. Polish conventions: semicolons, decimal
 * commas, a byte order mark. false when `out` is full.
 */
bool report_csv(const struct jv *account, bool polish, struct buf *out);

/* report_text appends it for a terminal, in English. */
bool report_text(
    const struct jv *account, const struct zone *zone, struct buf *out);

/* report_html appends the printable page of the dashboard, by the files of
 * `dashboards_dir`. false when they are not there, which is logged. */
bool report_html(const struct jv *account, bool polish,
    const char *dashboards_dir, struct buf *out);

#endif
