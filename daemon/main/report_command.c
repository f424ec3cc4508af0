/*
 * dyzurny report: the availability account of an operator and a month, read
 * from the ledger itself, be the daemon running or not.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "main-int.h"
#include "web/report.h"

#define OUT_MAX ((size_t)256 << 20)

enum report_format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON, FORMAT_HTML };

struct report_order {
	const char *file;
	const char *op;
	struct report_month month;
	enum report_format format;
	bool polish;
};

static bool
usage(const char *problem)
{
	if (problem != NULL)
		fprintf(stderr, "dyzurny: %s\n", problem);
	fputs("usage: dyzurny report -c FILE --operator NAME --month 2026-10\n"
	      "           [--format text|csv|json|html] [--lang pl|en]\n",
	    stderr);
	return false;
}

static bool
read_format(const char *name, enum report_format *format)
{
	static const char *const names[] = {"text", "csv", "json", "html"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*format = (enum report_format)i;
			return true;
		}
	}
	return usage("--format: must be text, csv, json or html");
}

static bool
read_option(struct report_order *order, int option, const char *value)
{
	switch (option) {
	case 'c':
		order->file = value;
		return true;
	case 'o':
		order->op = value;
		return true;
	case 'm':
		return report_month_parse(value, &order->month) ||
		    usage("--month: must be a month such as 2026-10");
	case 'f':
		return read_format(value, &order->format);
	case 'l':
		order->polish = strcmp(value, "pl") == 0;
		return order->polish || strcmp(value, "en") == 0 ||
		    usage("--lang: must be pl or en");
	default:
		return usage(NULL);
	}
}

static bool
read_order(int argc, char **argv, struct report_order *order)
{
	static const struct option options[] = {
	    {"operator", required_argument, NULL, 'o'},
	    {"month", required_argument, NULL, 'm'},
	    {"format", required_argument, NULL, 'f'},
	    {"lang", required_argument, NULL, 'l'},
	    {0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (!read_option(order, option, optarg))
			return false;
	}
	if (optind != argc || order->file == NULL)
		return usage(NULL);
	if (order->op == NULL)
		return usage("--operator: is missing");
	if (order->month.month == 0)
		return usage("--month: is missing");
	return true;
}

static const struct conf_operator *
find_operator(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_operators; i++) {
		if (strcmp(conf->operators[i].name, name) == 0)
			return &conf->operators[i];
	}
	return NULL;
}

/* NULL with what is wrong on stderr. */
static struct jv *
count(const struct report_order *order, const struct conf *conf,
    const struct conf_operator *op, const struct zone *zone)
{
	struct report_question question = {
	    .op = order->op,
	    .title = op != NULL ? op->title : order->op,
	    .vantage = conf->vantage,
	    .month = order->month,
	    .now = clock_wall(clock_system()),
	    .n_places = op != NULL ? op->n_deployments : 0,
	    .zone = zone,
	};
	struct report_place *places =
	    mem_array(question.n_places + 1, sizeof(*places));
	char *path = mem_printf("%s/ledger.db", conf->store.dir);
	struct ledger_reader *reader;
	struct jv *account = NULL;
	int problem;

	for (size_t i = 0; i < question.n_places; i++)
		places[i] = (struct report_place){
		    op->deployments[i].name, op->deployments[i].every};
	question.places = places;
	problem = ledger_reader_open(&reader, path);
	if (problem == 0)
		account = report_account(reader, &question, &problem);
	if (problem != 0)
		fprintf(stderr, "dyzurny: %s: %s\n", path, strerror(-problem));
	else if (account == NULL)
		fprintf(stderr, "dyzurny: nothing was ever measured of '%s'\n",
		    order->op);
	ledger_reader_close(reader);
	free(path);
	free(places);
	return account;
}

static bool
format_account(const struct report_order *order, const struct conf *conf,
    const struct zone *zone, const struct jv *account, struct buf *out)
{
	switch (order->format) {
	case FORMAT_TEXT:
		return report_text(account, zone, out);
	case FORMAT_CSV:
		return report_csv(account, order->polish, out);
	case FORMAT_JSON:
		return jv_dump(account, out) && buf_addc(out, '\n');
	case FORMAT_HTML:
		return report_html(
		    account, order->polish, conf->web.dashboards_dir, out);
	}
	return false;
}

static int
report(const struct report_order *order, const struct conf *conf)
{
	const struct conf_operator *op = find_operator(conf, order->op);
	struct zone *zone = zone_load(ZONE_FILE);
	struct jv *account = count(order, conf, op, zone);
	int code = EXIT_FAILED;
	struct buf out;

	buf_init(&out, OUT_MAX);
	if (account != NULL &&
	    format_account(order, conf, zone, account, &out) &&
	    fwrite(out.data, 1, out.len, stdout) == out.len &&
	    fflush(stdout) == 0)
		code = EXIT_OK;
	else if (account != NULL)
		fputs("dyzurny: the account could not be written\n", stderr);
	buf_fini(&out);
	jv_release(account);
	zone_free(zone);
	return code;
}

int
command_report(int argc, char **argv)
{
	struct report_order order = {0};
	struct plan *plan;
	int code;

	if (!read_order(argc, argv, &order))
		return EXIT_USAGE;
	plan = plan_load_or_say(order.file);
	if (plan == NULL)
		return EXIT_FAILED;
	code = report(&order, plan->conf);
	plan_free(plan);
	return code;
}
