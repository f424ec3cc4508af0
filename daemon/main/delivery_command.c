/*
 * dyzurny deliveries: the outbox, a dead one that is sent after all, and a
 * test message, asked of the running daemon by its control socket.
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

struct delivery_order {
	const char *file;
	const char *verb;
	const char *what; /* an id, or the name of a subscriber */
	const char *state; /* NULL: any */
	bool all;
	const char *socket;
};

/* Takes over `path`. */
static struct jv *
ask_path(
    const struct delivery_order *order, enum http_method method, char *path)
{
	struct jv *answer = ask_with(order->socket, method, path, NULL);

	free(path);
	return answer;
}

static void
row(struct table *table, const struct jv *delivery)
{
	table_cell(table, "%" PRId64, jv_get_int(delivery, "id", 0));
	table_time(table, delivery, "created");
	table_cell(table, "%s", jv_get_string(delivery, "subscriber", "?"));
	table_cell(table, "%s", jv_get_string(delivery, "type", "?"));
	table_cell(table, "%" PRId64, jv_get_int(delivery, "incident", 0));
	table_cell(table, "%s", jv_get_string(delivery, "state", "?"));
	table_cell(table, "%" PRId64, jv_get_int(delivery, "tries", 0));
	table_time(table, delivery, "next_try");
	table_cell(table, "%s", jv_get_string(delivery, "last_problem", ""));
}

static int
list(const struct delivery_order *order)
{
	static const char *const heads[] = {"id", "created", "subscriber",
	    "type", "incident", "state", "tries", "next try", "problem"};
	struct jv *answer = ask_path(order, HTTP_GET,
	    mem_printf("deliveries?limit=1000%s%s",
		order->state != NULL ? "&state=" : "",
		order->state != NULL ? order->state : ""));
	const struct jv *deliveries = jv_get(answer, "deliveries");
	const struct jv *subscribers = jv_get(answer, "subscribers");
	struct table *table;

	if (answer == NULL)
		return EXIT_FAILED;
	table = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < jv_len(deliveries); i++)
		row(table, jv_at(deliveries, i));
	table_print(table);
	table_free(table);
	for (size_t i = 0; i < jv_len(subscribers); i++) {
		const struct jv *one = jv_at(subscribers, i);

		if (jv_bool_value(jv_get(one, "closed")))
			printf("%s answered 410 and is told no more, until a "
			       "reload or a retry\n",
			    jv_get_string(one, "name", "?"));
	}
	jv_release(answer);
	return EXIT_OK;
}

static int
retry(const struct delivery_order *order)
{
	struct jv *answer = ask_path(order, HTTP_POST,
	    order->all ? mem_strdup("deliveries/retry")
		       : mem_printf("deliveries/%s/retry", order->what));

	if (answer == NULL)
		return EXIT_FAILED;
	jv_release(answer);
	if (order->all)
		puts("all dead deliveries will be sent again");
	else
		printf("delivery %s will be sent again\n", order->what);
	return EXIT_OK;
}

static int
test(const struct delivery_order *order)
{
	struct jv *answer = ask_path(
	    order, HTTP_POST, mem_printf("subscribers/%s/test", order->what));

	if (answer == NULL)
		return EXIT_FAILED;
	jv_release(answer);
	printf("a test message to %s is on its way; see: dyzurny deliveries "
	       "-c %s list\n",
	    order->what, order->file);
	return EXIT_OK;
}

/* Nothing that could mean something else in a path. */
static bool
is_plain(const char *text)
{
	return text[0] != '\0' &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") ==
	    strlen(text);
}

static bool
read_order(int argc, char **argv, struct delivery_order *order)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"state", required_argument, NULL, 's'},
	    {"all-dead", no_argument, NULL, 'a'}, {NULL, 0, NULL, 0}};
	int option, left;

	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (option == 'c')
			order->file = optarg;
		else if (option == 's' && is_plain(optarg))
			order->state = optarg;
		else if (option == 'a')
			order->all = true;
		else
			return false;
	}
	left = argc - optind;
	order->verb = left > 0 ? argv[optind] : "";
	order->what = left > 1 ? argv[optind + 1] : "";
	if (order->file == NULL || left > 2)
		return false;
	if (strcmp(order->verb, "list") == 0)
		return left == 1 && !order->all;
	if (order->state != NULL)
		return false;
	if (strcmp(order->verb, "retry") == 0)
		return order->all ? left == 1 : is_plain(order->what);
	return strcmp(order->verb, "test") == 0 && is_plain(order->what) &&
	    !order->all;
}

int
command_deliveries(int argc, char **argv)
{
	struct delivery_order order = {0};
	char *socket;
	int code;

	if (!read_order(argc, argv, &order)) {
		fputs("usage: dyzurny deliveries -c FILE list [--state "
		      "pending|confirmed|dead]\n"
		      "       dyzurny deliveries -c FILE retry ID | retry "
		      "--all-dead\n"
		      "       dyzurny deliveries -c FILE test SUBSCRIBER\n",
		    stderr);
		return EXIT_USAGE;
	}
	socket = control_path(order.file);
	if (socket == NULL)
		return EXIT_FAILED;
	order.socket = socket;
	if (strcmp(order.verb, "list") == 0)
		code = list(&order);
	else if (strcmp(order.verb, "retry") == 0)
		code = retry(&order);
	else
		code = test(&order);
	free(socket);
	return code;
}
