/*
 * dyzurny backtest: which incidents the rules of a configuration would have
 * opened over the stored history. Reads beside a running daemon and changes
 * nothing. The rules are those of daemon/alert, the history is in past.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backtest.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "ledger/history.h"
#include "main-int.h"
#include "shapes.h"

#define JSON_MAX ((size_t)1 << 30)
#define SPAN_MAX (INT64_C(10) * 366 * 86400 * US_PER_S)
#define REAL_MOST 1000

struct backtest_order {
	const char *file;
	const char *rule;
	const char *from, *to;
	bool json;
};

/* What is under way. */
struct backtest_work {
	const struct backtest_order *order;
	struct conf *conf;
	struct zone *zone;
	struct ledger_reader *ledger;
	struct series_reader *series;
	struct past *past;
	struct shapes_past *shapes;
	struct backtest_outcome outcome;
	size_t room_found;
};

static int
wrong(const char *option, const char *problem)
{
	fprintf(stderr, "dyzurny backtest: %s %s\n", option, problem);
	return EXIT_USAGE;
}

/* ---- what is asked ---- */

static bool
read_order(int argc, char **argv, struct backtest_order *order)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"rule", required_argument, NULL, 'r'},
	    {"from", required_argument, NULL, 'f'},
	    {"to", required_argument, NULL, 't'},
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (option == 'c')
			order->file = optarg;
		else if (option == 'r')
			order->rule = optarg;
		else if (option == 'f')
			order->from = optarg;
		else if (option == 't')
			order->to = optarg;
		else if (option == 'j')
			order->json = true;
		else
			return false;
	}
	return order->file != NULL && order->from != NULL && optind == argc;
}

/* The future has no history. */
static int
read_span(struct backtest_work *work)
{
	const struct backtest_order *order = work->order;
	struct backtest_outcome *outcome = &work->outcome;
	wall_us now = clock_wall(clock_system());
	const char *problem;

	problem = when_parse(order->from, now, work->zone, &outcome->from);
	if (problem != NULL)
		return wrong("--from", problem);
	problem = when_parse(order->to != NULL ? order->to : "now", now,
	    work->zone, &outcome->to);
	if (problem != NULL)
		return wrong("--to", problem);
	if (outcome->to > now)
		outcome->to = now;
	if (outcome->from >= outcome->to)
		return wrong("--from", "must be before --to and before now");
	if (outcome->to - outcome->from > SPAN_MAX)
		return wrong("--from", "must be at most ten years before --to");
	return EXIT_OK;
}

static int
check_rule(const struct conf *conf, const char *rule)
{
	const char **names = mem_array(conf->n_alerts + 1, sizeof(*names));
	const char *nearest;
	char problem[160];
	bool known = rule == NULL;

	for (size_t i = 0; i < conf->n_alerts; i++) {
		names[i] = conf->alerts[i].name;
		known = known || strcmp(names[i], rule) == 0;
	}
	nearest = known ? NULL : text_nearest(rule, names, conf->n_alerts);
	free(names);
	if (known)
		return EXIT_OK;
	snprintf(problem, sizeof(problem),
	    "names no rule of the configuration: \"%.40s\"%s%s%s", rule,
	    nearest != NULL ? "; did you mean \"" : "",
	    nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
	return wrong("--rule", problem);
}

/* ---- what is found ---- */

static void
take_found(void *arg, const struct backtest_incident *found)
{
	struct backtest_work *work = arg;
	struct backtest_outcome *outcome = &work->outcome;

	if (outcome->n_found == work->room_found) {
		work->room_found = 2 * work->room_found + 16;
		outcome->found = mem_grow(
		    outcome->found, work->room_found, sizeof(*outcome->found));
	}
	outcome->found[outcome->n_found++] = *found;
}

static void
take_away(void *arg, wall_us from, wall_us to)
{
	struct backtest_work *work = arg;
	struct backtest_outcome *outcome = &work->outcome;

	if (to <= outcome->from)
		return;
	outcome->aways = mem_grow(
	    outcome->aways, outcome->n_aways + 1, sizeof(*outcome->aways));
	outcome->aways[outcome->n_aways++] = (struct backtest_away){from, to};
}

static void
take_hours(void *arg, const struct alert_wish *wish, double *ms)
{
	struct backtest_work *work = arg;

	shapes_past_answer(work->shapes, wish, ms);
}

static void
take_compared(
    void *arg, const struct conf_alert *rule, uint64_t hours, uint64_t mute)
{
	struct backtest_work *work = arg;
	struct backtest_outcome *outcome = &work->outcome;

	outcome->compared = mem_grow(outcome->compared, outcome->n_compared + 1,
	    sizeof(*outcome->compared));
	outcome->compared[outcome->n_compared++] =
	    (struct backtest_compared){rule, hours, mute};
}

static int
take_next(void *arg, struct result *result, wall_us *at)
{
	struct backtest_work *work = arg;

	return past_next(work->past, result, at);
}

static wall_us
time_of(const struct jv *incident, const char *key)
{
	return jv_get_int(incident, key, INT64_MAX / US_PER_S) * US_PER_S;
}

/* The built-in ones, on accounts and on ourselves, are not played again. */
static bool
is_of_rules(const struct jv *incident)
{
	return !incident_rule_is_built_in(jv_get_string(incident, "rule", ""));
}

static int64_t
find_real(
    const struct backtest_outcome *outcome, size_t i, const struct jv *all)
{
	const struct incident *one = &outcome->found[i].incident;
	wall_us end = one->resolved > 0 ? one->resolved : outcome->to;

	for (size_t k = 0; k < jv_len(all); k++) {
		const struct jv *real = jv_at(all, k);

		if (strcmp(jv_get_string(real, "scope", ""), one->scope) == 0 &&
		    is_of_rules(real) && time_of(real, "opened") <= end &&
		    time_of(real, "resolved") >= one->opened)
			return jv_get_int(real, "number", 0);
	}
	return 0;
}

static int
compare_with_real(struct backtest_work *work)
{
	struct backtest_outcome *outcome = &work->outcome;
	struct jv *answer = ledger_read_incidents_of(work->ledger,
	    &(struct ledger_incidents_of){
		.from = outcome->from, .to = outcome->to, .limit = REAL_MOST});
	const struct jv *all = jv_get(answer, "incidents");

	outcome->really =
	    mem_array(outcome->n_found + 1, sizeof(*outcome->really));
	if (answer == NULL)
		return -EIO;
	for (size_t i = 0; i < outcome->n_found; i++)
		outcome->really[i] = find_real(outcome, i, all);
	for (size_t i = 0; i < jv_len(all); i++)
		outcome->n_real += is_of_rules(jv_at(all, i));
	jv_release(answer);
	return 0;
}

/* ---- the work ---- */

static int
test_rules(struct backtest_work *work)
{
	const struct backtest_order *order = work->order;
	struct backtest_outcome *outcome = &work->outcome;
	wall_us begin = outcome->from - backtest_lead(work->conf, order->rule);
	struct backtest_options options = {
	    .conf = work->conf,
	    .rule = order->rule,
	    .from = outcome->from,
	    .to = outcome->to,
	    .next = take_next,
	    .found = take_found,
	    .away = take_away,
	    .hours = take_hours,
	    .compared = take_compared,
	    .zone = work->zone,
	    .arg = work,
	};
	int rc = history_bounds(work->ledger, &outcome->first, &outcome->last);

	if (rc != 0)
		return rc;
	outcome->any = outcome->last > 0;
	/* what is older than all there is need not be sought */
	if (begin < outcome->first)
		begin = outcome->first;
	rc = past_new(
	    &(struct past_options){
		.conf = work->conf,
		.ledger = work->ledger,
		.series = work->series,
		.zone = work->zone,
		.rule = order->rule,
		.from = outcome->any ? begin : outcome->to,
		.to = outcome->to,
	    },
	    &work->past);
	if (rc != 0)
		return rc;
	outcome->facts = past_facts(work->past);
	rc = backtest_run(&options);
	return rc != 0 ? rc : compare_with_real(work);
}

static int
print(const struct backtest_work *work)
{
	struct jv *json;
	struct buf text;
	bool good;

	if (!work->order->json) {
		backtest_print(&work->outcome);
		return EXIT_OK;
	}
	json = backtest_json(&work->outcome);
	buf_init(&text, JSON_MAX);
	good = jv_dump(json, &text);
	if (good)
		puts(text.data);
	buf_fini(&text);
	jv_release(json);
	if (!good)
		fputs("dyzurny backtest: that is too much for one answer; "
		      "ask for a shorter span\n",
		    stderr);
	return good ? EXIT_OK : EXIT_FAILED;
}

static int
open_and_test(struct backtest_work *work)
{
	const char *dir = work->conf->store.dir;
	char *path = mem_printf("%s/ledger.db", dir);
	char *rrd = mem_printf("%s/rrd", dir);
	int rc = ledger_reader_open(&work->ledger, path);

	work->series = series_reader_new(rrd);
	work->shapes = shapes_past_new(work->series);
	if (rc == 0)
		rc = test_rules(work);
	if (rc != 0)
		fprintf(stderr,
		    "dyzurny backtest: the history in %s cannot be read: %s\n",
		    path, strerror(-rc));
	free(path);
	free(rrd);
	return rc == 0 ? print(work) : EXIT_FAILED;
}

int
command_backtest(int argc, char **argv)
{
	struct backtest_order order = {0};
	struct backtest_work work = {.order = &order};
	struct plan *plan;
	int code;

	if (!read_order(argc, argv, &order)) {
		fputs("usage: dyzurny backtest -c FILE [--rule NAME] --from "
		      "TIME [--to TIME] [--json]\n"
		      "A TIME is 2026-11-24T08:00, -7d, now, today, month or "
		      "Unix seconds.\n",
		    stderr);
		return EXIT_USAGE;
	}
	work.zone = zone_load(ZONE_FILE);
	code = read_span(&work);
	plan = code == EXIT_OK ? plan_load_or_say(order.file) : NULL;
	if (plan == NULL) {
		zone_free(work.zone);
		return code == EXIT_OK ? EXIT_FAILED : code;
	}
	work.conf = plan->conf;
	work.outcome.conf = work.conf;
	work.outcome.zone = work.zone;
	work.outcome.rule = order.rule;
	work.outcome.write_every = work.conf->store.write_every;
	code = check_rule(work.conf, order.rule);
	/* what would have been opened is printed, and not logged besides */
	log_set_level(LOG_LEVEL_WARN);
	if (code == EXIT_OK)
		code = open_and_test(&work);
	past_free(work.past);
	shapes_past_free(work.shapes);
	series_reader_free(work.series);
	ledger_reader_close(work.ledger);
	free(work.outcome.found);
	free(work.outcome.really);
	free(work.outcome.aways);
	free(work.outcome.compared);
	plan_free(plan);
	zone_free(work.zone);
	return code;
}
