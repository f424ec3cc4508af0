/*
 * dyzurny incidents: what is open, one with its timeline, and what a person
 * does with it, asked of the running daemon by its control socket.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "main-int.h"

#define TRIES 50 /* a tenth of a second apart */

struct incident_order {
	const char *file;
	const char *verb;
	const char *by; /* NULL: the user's own name */
	const char *text;
	uint64_t number;
	bool all;
	const char *socket;
};

static void
format_time(const struct jv *object, const char *key, char out[32])
{
	const struct jv *value = jv_get(object, key);

	snprintf(out, 32, "-");
	if (jv_kind(value) != JV_NULL)
		text_rfc3339((wall_us)(jv_real_value(value) * (double)US_PER_S),
		    out, 32);
}

static struct jv *
get(const struct incident_order *order, const char *rest)
{
	char *path = mem_printf("incidents%s", rest);
	struct jv *answer = ask_with(order->socket, HTTP_GET, path, NULL);

	free(path);
	return answer;
}

static struct jv *
get_one(const struct incident_order *order)
{
	char path[32];

	snprintf(path, sizeof(path), "/%" PRIu64, order->number);
	return get(order, path);
}

/* ---- list and show ---- */

static void
row(struct table *table, const struct jv *incident)
{
	char opened[32];

	format_time(incident, "opened", opened);
	table_cell(table, "%lld", (long long)jv_get_int(incident, "number", 0));
	table_cell(table, "%s", jv_get_string(incident, "state", "?"));
	table_cell(
	    table, "%lld", (long long)jv_get_int(incident, "severity", 0));
	table_cell(table, "%s", opened);
	table_cell(table, "%s", jv_get_string(incident, "scope", "?"));
	table_cell(table, "%s", jv_get_string(incident, "rule", "?"));
	table_cell(table, "%s", jv_get_string(incident, "reason", "-"));
	table_cell(
	    table, "%s", jv_get_string(incident, "acknowledged_by", "-"));
}

static int
list(const struct incident_order *order)
{
	static const char *const heads[] = {"number", "state", "severity",
	    "opened", "scope", "rule", "reason", "acknowledged"};
	struct jv *answer = get(order,
	    order->all ? "?state=all&limit=1000" : "?state=open&limit=1000");
	const struct jv *incidents = jv_get(answer, "incidents");
	struct table *table;

	if (answer == NULL)
		return EXIT_FAILED;
	table = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < jv_len(incidents); i++)
		row(table, jv_at(incidents, i));
	table_print(table);
	table_free(table);
	jv_release(answer);
	return EXIT_OK;
}

static void
print_facts(const struct jv *incident)
{
	const struct jv *affected = jv_get(incident, "affected");
	char opened[32], resolved[32], confirmed[32], acknowledged[32];

	format_time(incident, "opened", opened);
	format_time(incident, "resolved", resolved);
	format_time(incident, "confirmed", confirmed);
	format_time(incident, "acknowledged", acknowledged);
	printf("incident %lld, %s, severity %lld of 4\n%s\n\n",
	    (long long)jv_get_int(incident, "number", 0),
	    jv_get_string(incident, "state", "?"),
	    (long long)jv_get_int(incident, "severity", 0),
	    jv_get_string(jv_get(incident, "summary"), "en", ""));
	printf("  rule          %s\n  scope         %s\n",
	    jv_get_string(incident, "rule", "?"),
	    jv_get_string(incident, "scope", "?"));
	printf("  detected      %s\n  confirmed     %s %s\n", opened, confirmed,
	    jv_get_string(incident, "confirmed_by", ""));
	printf("  acknowledged  %s %s\n  resolved      %s\n", acknowledged,
	    jv_get_string(incident, "acknowledged_by", ""), resolved);
	printf("  reopened      %lld times\n  blind         %.0f s\n",
	    (long long)jv_get_int(incident, "reopened", 0),
	    jv_real_value(jv_get(incident, "blind_s")));
	printf("  affected      %lld now, %lld at most, of %lld\n\n",
	    (long long)jv_get_int(affected, "now", 0),
	    (long long)jv_get_int(affected, "most", 0),
	    (long long)jv_get_int(affected, "of", 0));
}

static int
show(const struct incident_order *order)
{
	static const char *const heads[] = {"time", "what", "who", "details"};
	struct jv *incident = get_one(order);
	const struct jv *timeline = jv_get(incident, "timeline");
	struct table *table;

	if (incident == NULL)
		return EXIT_FAILED;
	print_facts(incident);
	table = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < jv_len(timeline); i++) {
		const struct jv *entry = jv_at(timeline, i);
		char at[32];

		format_time(entry, "at", at);
		table_cell(table, "%s", at);
		table_cell(table, "%s", jv_get_string(entry, "kind", "?"));
		table_cell(table, "%s", jv_get_string(entry, "by", ""));
		table_cell(table, "%s", jv_get_string(entry, "text_en", ""));
	}
	table_print(table);
	table_free(table);
	jv_release(incident);
	return EXIT_OK;
}

/* ---- acknowledge and note ---- */

static struct jv *
post(const struct incident_order *order, const char *what)
{
	char *path =
	    mem_printf("incidents/%" PRIu64 "/%s", order->number, what);
	struct jv *body = jv_set(jv_object(), "by", jv_string(order->by));
	struct jv *answer;

	if (order->text != NULL)
		jv_set(body, "text", jv_string(order->text));
	answer = ask_with(order->socket, HTTP_POST, path, body);
	free(path);
	return answer;
}

/* Is it in the ledger? Then it is also there after a crash. */
static bool
is_written(const struct incident_order *order, const struct jv *incident,
    size_t before)
{
	const struct jv *timeline = jv_get(incident, "timeline");

	for (size_t i = before; i < jv_len(timeline); i++) {
		const struct jv *entry = jv_at(timeline, i);
		const char *kind =
		    order->text != NULL ? "note" : "acknowledged";

		if (strcmp(jv_get_string(entry, "kind", ""), kind) == 0 &&
		    strcmp(jv_get_string(entry, "by", ""), order->by) == 0)
			return true;
	}
	return false;
}

static bool
wait_until_written(const struct incident_order *order, size_t before)
{
	const struct timespec pause = {.tv_nsec = 100000000};

	for (unsigned i = 0; i < TRIES; i++) {
		struct jv *incident = get_one(order);
		bool written = is_written(order, incident, before);

		jv_release(incident);
		if (written)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int
change(const struct incident_order *order, const char *what, const char *done)
{
	struct jv *incident = get_one(order), *answer;
	size_t before = jv_len(jv_get(incident, "timeline"));

	if (incident == NULL)
		return EXIT_FAILED;
	jv_release(incident);
	answer = post(order, what);
	if (answer == NULL)
		return EXIT_FAILED;
	jv_release(answer);
	if (!wait_until_written(order, before)) {
		fprintf(stderr,
		    "dyzurny: not written yet; look at dyzurny incidents "
		    "show %" PRIu64 "\n",
		    order->number);
		return EXIT_FAILED;
	}
	printf("incident %" PRIu64 " %s %s\n", order->number, done, order->by);
	return EXIT_OK;
}

/* ---- the order ---- */

static bool
read_order(int argc, char **argv, struct incident_order *order)
{
	static const struct option options[] = {
	    {"by", required_argument, NULL, 'b'},
	    {"all", no_argument, NULL, 'a'},
	    {0},
	};
	int option, left;

	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (option == 'c')
			order->file = optarg;
		else if (option == 'b')
			order->by = optarg;
		else if (option == 'a')
			order->all = true;
		else
			return false;
	}
	left = argc - optind;
	order->verb = left > 0 ? argv[optind] : "";
	if (order->file == NULL)
		return false;
	if (strcmp(order->verb, "list") == 0)
		return left == 1 && order->by == NULL;
	if (left < 2 || text_u64_parse(argv[optind + 1], &order->number) != 0)
		return false;
	if (strcmp(order->verb, "note") == 0) {
		order->text = left == 3 ? argv[optind + 2] : NULL;
		return left == 3;
	}
	return left == 2 &&
	    (strcmp(order->verb, "show") == 0 ||
		strcmp(order->verb, "acknowledge") == 0);
}

static int
carry_out(const struct incident_order *order)
{
	if (strcmp(order->verb, "list") == 0)
		return list(order);
	if (strcmp(order->verb, "show") == 0)
		return show(order);
	if (strcmp(order->verb, "note") == 0)
		return change(order, "notes", "noted by");
	return change(order, "acknowledge", "acknowledged by");
}

int
command_incidents(int argc, char **argv)
{
	struct incident_order order = {0};
	char *socket;
	int code;

	if (!read_order(argc, argv, &order)) {
		fputs("usage: dyzurny incidents -c FILE list [--all]\n"
		      "       dyzurny incidents -c FILE show ID\n"
		      "       dyzurny incidents -c FILE acknowledge ID [--by "
		      "NAME]\n"
		      "       dyzurny incidents -c FILE note ID TEXT [--by "
		      "NAME]\n",
		    stderr);
		return EXIT_USAGE;
	}
	if (order.by == NULL)
		order.by = own_name();
	socket = control_path(order.file);
	if (socket == NULL)
		return EXIT_FAILED;
	order.socket = socket;
	code = carry_out(&order);
	free(socket);
	return code;
}
