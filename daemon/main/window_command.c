/*
 * dyzurny maintenance and dyzurny silences: what is announced, announced anew
 * and taken back, by the control socket of the running daemon, which checks
 * it all.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "main-int.h"

struct window_order {
	const char *command; /* of the API, too: "maintenance" */
	const char *file;
	const char *verb;
	const char *what; /* OPERATOR[/DEPLOYMENT], or an id */
	const char *by;
	const char *socket;
	bool open;
	struct jv *body; /* of what is added */
};

static void
row(struct table *table, const struct jv *window)
{
	const struct jv *next = jv_get(window, "next");
	const char *deployment = jv_get_string(window, "deployment", "");

	table_cell(table, "%" PRId64, jv_get_int(window, "id", 0));
	table_cell(table, "%s", jv_get_string(window, "state", "?"));
	table_cell(table, "%s%s%s", jv_get_string(window, "operator", "?"),
	    deployment[0] != '\0' ? "/" : "", deployment);
	table_time(table, next, "from");
	table_time(table, next, "until");
	table_cell(table, "%s",
	    jv_kind(jv_get(window, "days")) == JV_NULL ? "once" : "recurring");
	table_cell(table, "%s", jv_get_string(window, "created_by", "?"));
	table_cell(table, "%s", jv_get_string(window, "reason", ""));
}

static int
list(const struct window_order *order)
{
	static const char *const heads[] = {"id", "state", "of", "next from",
	    "next until", "how often", "by", "reason"};
	char *path = mem_printf("%s?limit=1000%s", order->command,
	    order->open ? "&state=open" : "");
	struct jv *answer = ask_with(order->socket, HTTP_GET, path, NULL);
	const struct jv *windows = jv_get(answer, order->command);
	struct table *table;

	free(path);
	if (answer == NULL)
		return EXIT_FAILED;
	table = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < jv_len(windows); i++)
		row(table, jv_at(windows, i));
	table_print(table);
	table_free(table);
	jv_release(answer);
	return EXIT_OK;
}

static void
set_place(struct jv *body, const char *place)
{
	const char *slash = strchr(place, '/');

	if (slash == NULL) {
		jv_set(body, "operator", jv_string(place));
		return;
	}
	jv_set(body, "operator", jv_stringn(place, (size_t)(slash - place)));
	jv_set(body, "deployment", jv_string(slash + 1));
}

static int
add(const struct window_order *order)
{
	struct jv *body = jv_hold(order->body), *answer;

	set_place(body, order->what);
	jv_set(body, "by", jv_string(order->by));
	answer = ask_with(order->socket, HTTP_POST, order->command, body);
	if (answer == NULL)
		return EXIT_FAILED;
	printf("%s %" PRId64 " %s\n", order->command,
	    jv_get_int(answer, "id", 0), jv_get_string(answer, "state", "?"));
	jv_release(answer);
	return EXIT_OK;
}

static int
end(const struct window_order *order)
{
	char *path = mem_printf("%s/%s", order->command, order->what);
	struct jv *answer = ask_with(order->socket, HTTP_DELETE, path,
	    jv_set(jv_object(), "by", jv_string(order->by)));

	free(path);
	if (answer == NULL)
		return EXIT_FAILED;
	printf("%s %s ended by %s\n", order->command, order->what, order->by);
	jv_release(answer);
	return EXIT_OK;
}

/* ---- the order ---- */

/* "sat,sun" */
static void
set_days(struct jv *body, const char *days)
{
	struct jv *list = jv_array();

	for (;;) {
		size_t len = strcspn(days, ",");

		jv_push(list, jv_stringn(days, len));
		if (days[len] == '\0')
			break;
		days += len + 1;
	}
	jv_set(body, "days", list);
}

/* What is not a number goes as it is: the daemon says what is wrong. */
static void
set_number(struct jv *body, const char *key, const char *text)
{
	uint64_t number;

	jv_set(body, key,
	    text_u64_parse(text, &number) == 0 && number <= INT32_MAX
		? jv_int((int64_t)number)
		: jv_string(text));
}

static bool
read_option(
    struct window_order *order, int option, const char *name, const char *value)
{
	switch (option) {
	case 'c':
		order->file = value;
		return true;
	case 'b':
		order->by = value;
		return true;
	case 'o':
		order->open = true;
		return true;
	case 'd':
		set_days(order->body, value);
		return true;
	case 'm':
		set_number(order->body, name, value);
		return true;
	case 't':
		jv_set(order->body, name, jv_string(value));
		return true;
	default:
		return false;
	}
}

static bool
read_order(int argc, char **argv, struct window_order *order)
{
	static const struct option options[] = {
	    {"by", required_argument, NULL, 'b'},
	    {"open", no_argument, NULL, 'o'},
	    {"reason", required_argument, NULL, 't'},
	    {"from", required_argument, NULL, 't'},
	    {"until", required_argument, NULL, 't'},
	    {"transaction", required_argument, NULL, 't'},
	    {"rule", required_argument, NULL, 't'},
	    {"at", required_argument, NULL, 't'},
	    {"days", required_argument, NULL, 'd'},
	    {"minutes", required_argument, NULL, 'm'},
	    {0},
	};
	int option, at = 0, left;

	while ((option = getopt_long(argc, argv, "c:", options, &at)) != -1) {
		if (!read_option(order, option, options[at].name, optarg))
			return false;
	}
	left = argc - optind;
	order->verb = left > 0 ? argv[optind] : "";
	order->what = left > 1 ? argv[optind + 1] : NULL;
	if (order->file == NULL)
		return false;
	if (strcmp(order->verb, "list") == 0)
		return left == 1;
	return left == 2 &&
	    (strcmp(order->verb, "add") == 0 ||
		strcmp(order->verb, "end") == 0);
}

static int
carry_out(const struct window_order *order)
{
	uint64_t id;

	if (strcmp(order->verb, "list") == 0)
		return list(order);
	if (strcmp(order->verb, "add") == 0)
		return add(order);
	if (text_u64_parse(order->what, &id) != 0) {
		fprintf(stderr, "dyzurny: '%s' is no id\n", order->what);
		return EXIT_USAGE;
	}
	return end(order);
}

static int
command(int argc, char **argv, const char *name, const char *usage)
{
	struct window_order order = {
	    .command = name, .by = own_name(), .body = jv_object()};
	char *socket = NULL;
	int code = EXIT_USAGE;

	if (!read_order(argc, argv, &order)) {
		fputs(usage, stderr);
	} else {
		socket = control_path(order.file);
		order.socket = socket;
		code = socket != NULL ? carry_out(&order) : EXIT_FAILED;
	}
	free(socket);
	jv_release(order.body);
	return code;
}

int
command_maintenance(int argc, char **argv)
{
	return command(argc, argv, "maintenance",
	    "usage: dyzurny maintenance -c FILE list [--open]\n"
	    "       dyzurny maintenance -c FILE add OPERATOR[/DEPLOYMENT]\n"
	    "           --reason TEXT [--from TIME] --until TIME [--by NAME]\n"
	    "       dyzurny maintenance -c FILE add OPERATOR[/DEPLOYMENT]\n"
	    "           --reason TEXT --days sat,sun --at 02:30 --minutes N\n"
	    "           [--from TIME] [--until TIME] [--by NAME]\n"
	    "       dyzurny maintenance -c FILE end ID [--by NAME]\n");
}

int
command_silences(int argc, char **argv)
{
	return command(argc, argv, "silences",
	    "usage: dyzurny silences -c FILE list [--open]\n"
	    "       dyzurny silences -c FILE add OPERATOR[/DEPLOYMENT]\n"
	    "           --reason TEXT [--from TIME] --until TIME\n"
	    "           [--transaction NAME] [--rule NAME] [--by NAME]\n"
	    "       dyzurny silences -c FILE end ID [--by NAME]\n");
}
