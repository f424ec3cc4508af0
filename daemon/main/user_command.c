/*
 * dyzurny user: tokens and the audit, by the control socket of the running
 * daemon.
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

struct user_order {
	const char *file;
	const char *verb;
	const char *what; /* a name, or the id of a token */
	const char *by;
	const char *role, *op;
	const char *days; /* NULL: a year */
	const char *socket;
};

static int
list(const struct user_order *order)
{
	static const char *const heads[] = {"id", "name", "role", "operator",
	    "valid", "expires", "last used", "made by"};
	struct jv *answer = ask_with(order->socket, HTTP_GET, "tokens", NULL);
	const struct jv *tokens = jv_get(answer, "tokens");
	struct table *table;

	if (answer == NULL)
		return EXIT_FAILED;
	table = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < jv_len(tokens); i++) {
		const struct jv *token = jv_at(tokens, i);

		table_cell(table, "%s", jv_get_string(token, "id", "?"));
		table_cell(table, "%s", jv_get_string(token, "name", "?"));
		table_cell(table, "%s", jv_get_string(token, "role", "?"));
		table_cell(table, "%s", jv_get_string(token, "operator", "-"));
		table_cell(table, "%s",
		    jv_bool_value(jv_get(token, "valid")) ? "yes" : "no");
		table_time(table, token, "expires");
		table_time(table, token, "last_used");
		table_cell(
		    table, "%s", jv_get_string(token, "created_by", "?"));
	}
	table_print(table);
	table_free(table);
	jv_release(answer);
	return EXIT_OK;
}

/* The token alone on standard output, so that it can be piped. */
static int
add(const struct user_order *order)
{
	struct jv *body = jv_object(), *answer;
	uint64_t days = 0;
	char until[32];

	if (order->days != NULL && text_u64_parse(order->days, &days) != 0) {
		fprintf(stderr, "dyzurny: --days: '%s' is no number\n",
		    order->days);
		jv_release(body);
		return EXIT_USAGE;
	}
	jv_set(body, "name", jv_string(order->what));
	jv_set(body, "by", jv_string(order->by));
	jv_set(body, "role", jv_string(order->role));
	if (order->op != NULL)
		jv_set(body, "operator", jv_string(order->op));
	if (order->days != NULL)
		jv_set(body, "days", jv_int((int64_t)days));
	answer = ask_with(order->socket, HTTP_POST, "tokens", body);
	if (answer == NULL)
		return EXIT_FAILED;
	text_rfc3339(
	    jv_get_int(answer, "expires", 0) * US_PER_S, until, sizeof(until));
	fprintf(stderr, "token of %s, role %s, until %s; it is shown once:\n",
	    order->what, order->role, until);
	printf("%s\n", jv_get_string(answer, "token", "?"));
	jv_release(answer);
	return EXIT_OK;
}

static int
revoke(const struct user_order *order)
{
	char *path;
	struct jv *answer;

	if (!text_name_valid(order->what)) {
		fprintf(
		    stderr, "dyzurny: '%s' is no id of a token\n", order->what);
		return EXIT_USAGE;
	}
	path = mem_printf("tokens/%s", order->what);
	answer = ask_with(order->socket, HTTP_DELETE, path,
	    jv_set(jv_object(), "by", jv_string(order->by)));
	free(path);
	if (answer == NULL)
		return EXIT_FAILED;
	printf("token %s of %s revoked\n", order->what,
	    jv_get_string(answer, "name", "?"));
	jv_release(answer);
	return EXIT_OK;
}

static int
audit(const struct user_order *order)
{
	static const char *const heads[] = {
	    "time", "who", "by way of", "action", "of"};
	struct jv *answer =
	    ask_with(order->socket, HTTP_GET, "audit?limit=1000", NULL);
	const struct jv *lines = jv_get(answer, "audit");
	struct table *table;

	if (answer == NULL)
		return EXIT_FAILED;
	table = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < jv_len(lines); i++) {
		const struct jv *line = jv_at(lines, i);

		table_time(table, line, "at");
		table_cell(table, "%s", jv_get_string(line, "who", ""));
		table_cell(table, "%s", jv_get_string(line, "via", ""));
		table_cell(table, "%s", jv_get_string(line, "action", ""));
		table_cell(table, "%s", jv_get_string(line, "object", ""));
	}
	table_print(table);
	table_free(table);
	jv_release(answer);
	return EXIT_OK;
}

/* ---- the order ---- */

static const struct verb {
	const char *name;
	bool what; /* takes a name or an id */
	int (*run)(const struct user_order *order);
} verbs[] = {
    {"list", false, list},
    {"add", true, add},
    {"revoke", true, revoke},
    {"audit", false, audit},
};

static const struct verb *
read_order(int argc, char **argv, struct user_order *order)
{
	static const struct option options[] = {
	    {"by", required_argument, NULL, 'b'},
	    {"role", required_argument, NULL, 'r'},
	    {"operator", required_argument, NULL, 'o'},
	    {"days", required_argument, NULL, 'd'},
	    {0},
	};
	int option, left;

	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (option == 'c')
			order->file = optarg;
		else if (option == 'b')
			order->by = optarg;
		else if (option == 'r')
			order->role = optarg;
		else if (option == 'o')
			order->op = optarg;
		else if (option == 'd')
			order->days = optarg;
		else
			return NULL;
	}
	left = argc - optind;
	order->verb = left > 0 ? argv[optind] : "";
	order->what = left > 1 ? argv[optind + 1] : NULL;
	for (size_t i = 0; i < ARRAY_LEN(verbs) && order->file != NULL; i++) {
		if (strcmp(verbs[i].name, order->verb) == 0 &&
		    left == (verbs[i].what ? 2 : 1) &&
		    (verbs[i].run != add || order->role != NULL))
			return &verbs[i];
	}
	return NULL;
}

int
command_user(int argc, char **argv)
{
	struct user_order order = {.by = own_name()};
	const struct verb *verb = read_order(argc, argv, &order);
	char *socket;
	int code;

	if (verb == NULL) {
		fputs("usage: dyzurny user -c FILE list\n"
		      "       dyzurny user -c FILE add NAME --role "
		      "operator|staff|admin\n"
		      "           [--operator NAME] [--days N] [--by NAME]\n"
		      "       dyzurny user -c FILE revoke ID [--by NAME]\n"
		      "       dyzurny user -c FILE audit\n",
		    stderr);
		return EXIT_USAGE;
	}
	socket = control_path(order.file);
	if (socket == NULL)
		return EXIT_FAILED;
	order.socket = socket;
	code = verb->run(&order);
	free(socket);
	return code;
}
