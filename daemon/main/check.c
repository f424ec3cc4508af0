/*
 * dyzurny check: reads everything, reports all problems, and when there are
 * none says what the configuration will cost: the operators in requests, us
 * in disk.
 */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "main-int.h"

static void
print_budget(const struct conf *conf)
{
	static const char *const heads[] = {"operator", "deployments",
	    "requests/min planned", "allowed", "share", "journeys at once"};
	struct table *table = table_new(heads, ARRAY_LEN(heads));

	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];
		double planned = conf_planned_per_minute(op);

		table_cell(table, "%s", op->name);
		table_cell(table, "%zu", op->n_deployments);
		table_cell(table, "%.1f", planned);
		table_cell(table, "%u", op->per_minute);
		table_cell(table, "%.0f %%", 100.0 * planned / op->per_minute);
		table_cell(table, "%u", op->parallel);
	}
	puts("Request budget, when all is well:");
	table_print(table);
	table_free(table);
}

int
command_check(int argc, char **argv)
{
	const char *file = NULL;
	struct plan *plan;
	int option;

	while ((option = getopt(argc, argv, "c:")) != -1) {
		if (option != 'c')
			return EXIT_USAGE;
		file = optarg;
	}
	if (file == NULL || optind != argc) {
		fputs("usage: dyzurny check -c FILE\n", stderr);
		return EXIT_USAGE;
	}
	plan = plan_load_or_say(file);
	if (plan == NULL)
		return EXIT_FAILED;
	print_budget(plan->conf);
	disk_print(plan->conf);
	plan_free(plan);
	return EXIT_OK;
}
