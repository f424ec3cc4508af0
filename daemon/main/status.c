/*
 * dyzurny status: the state table of a running daemon, asked over its API.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "main-int.h"

#define DEFAULT_URL "http://127.0.0.1:8420"

static void
cell_ms(struct table *table, const struct jv *object, const char *key)
{
	const struct jv *value = jv_get(object, key);

	if (jv_kind(value) == JV_NULL)
		table_cell(table, "-");
	else
		table_cell(table, "%.0f ms", jv_real_value(value));
}

static void
row(struct table *table, const struct jv *op, const struct jv *deployment,
    const struct jv *transaction)
{
	const struct jv *day = jv_get(transaction, "availability_24h");

	table_cell(table, "%s/%s/%s", jv_get_string(op, "name", "?"),
	    jv_get_string(deployment, "name", "?"),
	    jv_get_string(transaction, "name", "?"));
	table_cell(table, "%s", jv_get_string(transaction, "state", "?"));
	table_cell(table, "%s", jv_get_string(transaction, "reason", "-"));
	cell_ms(table, transaction, "latency_ms");
	cell_ms(table, transaction, "p50_ms");
	cell_ms(table, transaction, "p95_ms");
	if (jv_kind(day) == JV_NULL)
		table_cell(table, "-");
	else
		table_cell(table, "%.2f %%", 100.0 * jv_real_value(day));
}

static void
print_status(const struct jv *status)
{
	static const char *const heads[] = {
	    "target", "state", "last reason", "last", "p50", "p95", "24 h"};
	struct table *table = table_new(heads, ARRAY_LEN(heads));
	const struct jv *operators = jv_get(status, "operators");

	for (size_t i = 0; i < jv_len(operators); i++) {
		const struct jv *op = jv_at(operators, i);
		const struct jv *deployments = jv_get(op, "deployments");

		for (size_t j = 0; j < jv_len(deployments); j++) {
			const struct jv *deployment = jv_at(deployments, j);
			const struct jv *transactions =
			    jv_get(deployment, "transactions");

			for (size_t k = 0; k < jv_len(transactions); k++)
				row(table, op, deployment,
				    jv_at(transactions, k));
		}
	}
	table_print(table);
	table_free(table);
}

static void
print_faults(const struct jv *status)
{
	const struct jv *faults = jv_get(jv_get(status, "self"), "faults");

	for (size_t i = 0; i < jv_len(faults); i++) {
		const char *name = jv_string_value(jv_at(faults, i));

		printf("%s%s", i == 0 ? "\nwrong with ourselves: " : ", ",
		    name != NULL ? name : "?");
	}
	if (jv_len(faults) > 0)
		putchar('\n');
}

int
command_status(int argc, char **argv)
{
	static const struct option options[] = {
	    {"url", required_argument, NULL, 'u'},
	    {0},
	};
	const char *base = DEFAULT_URL;
	char *url;
	struct jv *status;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'u')
			return EXIT_USAGE;
		base = optarg;
	}
	if (optind != argc) {
		fputs("usage: dyzurny status [--url URL]\n", stderr);
		return EXIT_USAGE;
	}
	url = mem_printf("%s/api/v1/status", base);
	status = ask(&(struct ask){.url = url});
	free(url);
	if (status == NULL)
		return EXIT_FAILED;
	print_status(status);
	print_faults(status);
	jv_release(status);
	return EXIT_OK;
}
