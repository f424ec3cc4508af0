/*
 * dyzurny account: which accounts are stopped, and the release of one, asked
 * of the running daemon by its control socket.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "main-int.h"

char *
control_path(const char *file)
{
	struct plan *plan = plan_load_or_say(file);
	char *path;

	if (plan == NULL)
		return NULL;
	path = mem_printf("%s/control", plan->conf->store.dir);
	plan_free(plan);
	return path;
}

static void
row(struct table *table, const struct jv *account)
{
	const struct jv *deployments = jv_get(account, "deployments");
	bool stopped = jv_bool_value(jv_get(account, "stopped"));
	char since[32] = "-";
	struct buf list;

	buf_init(&list, 1 << 20);
	for (size_t i = 0; i < jv_len(deployments); i++)
		buf_printf(&list, "%s%s", i > 0 ? " " : "",
		    jv_string_value(jv_at(deployments, i)));
	if (stopped)
		text_rfc3339((wall_us)(jv_real_value(jv_get(account, "since")) *
				 (double)US_PER_S),
		    since, sizeof(since));
	table_cell(table, "%s", jv_get_string(account, "name", "?"));
	table_cell(table, "%s", stopped ? "stopped" : "in use");
	table_cell(table, "%s", jv_get_string(account, "reason", "-"));
	table_cell(table, "%s", since);
	table_cell(table, "%s", jv_get_string(account, "target", "-"));
	table_cell(table, "%s", list.len > 0 ? list.data : "-");
	buf_fini(&list);
}

static int
list(const char *socket)
{
	static const char *const heads[] = {
	    "account", "state", "reason", "since", "where", "used by"};
	struct jv *answer = ask_with(socket, HTTP_GET, "accounts", NULL);
	const struct jv *accounts = jv_get(answer, "accounts");
	struct table *table;

	if (answer == NULL)
		return EXIT_FAILED;
	table = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < jv_len(accounts); i++)
		row(table, jv_at(accounts, i));
	table_print(table);
	table_free(table);
	jv_release(answer);
	return EXIT_OK;
}

static int
release(const char *socket, const char *name)
{
	char *path = mem_printf("accounts/%s/release", name);
	struct jv *answer = ask_with(socket, HTTP_POST, path, NULL);

	free(path);
	if (answer == NULL)
		return EXIT_FAILED;
	jv_release(answer);
	printf("%s may log in again\n", name);
	return EXIT_OK;
}

int
command_account(int argc, char **argv)
{
	const char *file = NULL, *verb, *name = NULL;
	char *socket;
	int option, code;

	while ((option = getopt(argc, argv, "c:")) != -1) {
		if (option != 'c')
			return EXIT_USAGE;
		file = optarg;
	}
	verb = optind < argc ? argv[optind] : "";
	if (strcmp(verb, "release") == 0 && optind + 2 == argc &&
	    text_name_valid(argv[optind + 1]))
		name = argv[optind + 1];
	if (file == NULL ||
	    (name == NULL &&
		(strcmp(verb, "list") != 0 || optind + 1 != argc))) {
		fputs("usage: dyzurny account -c FILE list|release NAME\n",
		    stderr);
		return EXIT_USAGE;
	}
	socket = control_path(file);
	if (socket == NULL)
		return EXIT_FAILED;
	code = name != NULL ? release(socket, name) : list(socket);
	free(socket);
	return code;
}
