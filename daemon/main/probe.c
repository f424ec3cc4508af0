/*
 * dyzurny probe: one journey now, in the terminal. A waterfall of its
 * exchanges, then the verdict of each transaction; or JSON; and a HAR file if
 * wanted.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/http.h"
#include "loop/loop.h"
#include "main-int.h"
#include "probe/evidence.h"
#include "probe/probe.h"

#define BAR 32
#define OUTPUT_MAX (16 * 1024 * 1024)

struct order {
	const char *config;
	const char *target; /* OPERATOR/DEPLOYMENT */
	const char *har; /* file, or NULL */
	bool json;
};

struct probing {
	const struct order *order;
	struct loop *loop;
	int code;
};

/* ---- the waterfall ---- */

/* One exchange's bar on the time line of the whole run: a mark per phase. */
static void
print_bar(const struct run *run, const struct run_exchange *exchange)
{
	static const char marks[PHASE_COUNT] = {'.', '-', '=', '#', '+'};
	char bar[BAR + 1];
	mono_us at = exchange->started - run->started;

	memset(bar, ' ', BAR);
	bar[BAR] = '\0';
	for (size_t i = 0; i < PHASE_COUNT && run->latency > 0; i++) {
		dur_us length = exchange->phases.us[i];
		dur_us from = at * BAR / run->latency;
		dur_us to = (at + length) * BAR / run->latency;

		if (length > 0 && to == from)
			to = from + 1;
		for (dur_us x = from; x < to && x < BAR; x++)
			bar[x] = marks[i];
		at += length;
	}
	printf("|%s|", bar);
}

static void
print_exchange(const struct run *run, const struct run_exchange *exchange)
{
	printf("  %-22.22s %-4s %3d ", exchange->step, exchange->method,
	    exchange->status);
	for (size_t i = 0; i < PHASE_COUNT; i++)
		printf("%6.0f", clock_to_ms(exchange->phases.us[i]));
	printf("%8.0f ", clock_to_ms(exchange->latency));
	print_bar(run, exchange);
	printf(" %s%s\n", exchange->url,
	    strcmp(exchange->account, "recipient") == 0 ? " (recipient)" : "");
	if (exchange->note[0] != '\0')
		printf("  %-22s      %s\n", "", exchange->note);
	if (exchange->sought != NULL)
		printf("  %-22s      sought: %s\n", "", exchange->sought);
	if (exchange->excerpt != NULL)
		printf("  %-22s      found:  %s\n", "", exchange->excerpt);
}

static void
print_result(const struct result *result)
{
	printf("%-10s ", result->target->transaction);
	if (result->reason == REASON_OK)
		printf("ok, %.0f ms\n", clock_to_ms(result->latency));
	else if (result->step[0] != '\0')
		printf("%s (%s), in step %s, phase %s\n",
		    reason_name(result->reason),
		    side_name(reason_side(result->reason)), result->step,
		    phase_name(result->phase));
	else
		printf("%s (%s)\n", reason_name(result->reason),
		    side_name(reason_side(result->reason)));
	if (result->reason == REASON_MESSAGE_LATE)
		printf("%-10s found after %.0f ms\n", "",
		    clock_to_ms(result->latency));
	if (result->copies > 1)
		printf("%-10s the message was there %" PRIu32 " times\n", "",
		    result->copies);
}

static void
print_run(const struct run *run)
{
	const char *transaction = "";
	char at[32];

	text_rfc3339(run->started_wall, at, sizeof(at));
	printf("%s/%s  %s  trace %s\n\n", run->operator, run->deployment, at,
	    run->id);
	printf("  %-22s %-4s %3s %6s%6s%6s%6s%6s%8s ms\n", "step", "", "",
	    "dns", "conn", "tls", "wait", "recv", "total");
	for (size_t i = 0; i < run->n_exchanges; i++) {
		const struct run_exchange *exchange = &run->exchanges[i];

		if (strcmp(transaction, exchange->transaction) != 0)
			printf("%s\n", exchange->transaction);
		transaction = exchange->transaction;
		print_exchange(run, exchange);
	}
	printf("\n  marks: . dns   - connect   = tls   # wait   + receive\n\n");
	for (size_t i = 0; i < run->n_results; i++)
		print_result(&run->results[i]);
	if (run->tainted)
		printf("our own loop was late by %.1f ms: not a fair measure\n",
		    clock_to_ms(run->loop_late));
}

/* ---- files and JSON ---- */

static bool
write_har(const char *path, const struct jv *evidence)
{
	struct jv *har = evidence_har(evidence);
	struct buf text;
	FILE *file = fopen(path, "we");
	bool well = file != NULL;

	buf_init(&text, OUTPUT_MAX);
	well = well && jv_dump(har, &text) &&
	    fwrite(text.data, 1, text.len, file) == text.len;
	if (file != NULL && fclose(file) != 0)
		well = false;
	if (!well)
		fprintf(stderr, "dyzurny: cannot write %s: %s\n", path,
		    strerror(errno));
	buf_fini(&text);
	jv_release(har);
	return well;
}

/* What only the terminal is told goes in here, and nowhere else: not into the
 * HAR file, which is made before. */
static void
print_json(const struct run *run, struct jv *evidence)
{
	struct jv *list = jv_get(evidence, "exchanges");
	struct buf text;

	for (size_t i = 0; i < run->n_exchanges; i++) {
		const struct run_exchange *exchange = &run->exchanges[i];

		if (exchange->sought != NULL)
			jv_set(jv_at(list, i), "sought",
			    jv_string(exchange->sought));
		if (exchange->excerpt != NULL)
			jv_set(jv_at(list, i), "excerpt",
			    jv_string(exchange->excerpt));
	}

	buf_init(&text, OUTPUT_MAX);
	if (jv_dump(evidence, &text))
		puts(text.data);
	buf_fini(&text);
}

static void
on_finish(void *arg, struct result result)
{
	struct probing *probing = arg;

	if (result.reason != REASON_OK)
		probing->code = EXIT_FAILED;
}

static void
on_end(void *arg, const struct run *run)
{
	struct probing *probing = arg;
	struct jv *evidence = evidence_run(run);

	if (probing->order->har != NULL &&
	    !write_har(probing->order->har, evidence))
		probing->code = EXIT_FAILED;
	if (probing->order->json)
		print_json(run, evidence);
	else
		print_run(run);
	jv_release(evidence);
	loop_stop(probing->loop);
}

/* ---- the journey ---- */

static bool
find(const struct conf *conf, const char *path, const struct conf_operator **op,
    const struct conf_deployment **deployment)
{
	const char *slash = strchr(path, '/');
	char *name;

	if (slash == NULL)
		return false;
	name = mem_strndup(path, (size_t)(slash - path));
	*op = conf_operator_find(conf, name);
	free(name);
	if (*op == NULL)
		return false;
	*deployment = conf_deployment_find(*op, slash + 1);
	return *deployment != NULL;
}

static int
run_journey(const struct order *order, struct plan *plan,
    const struct conf_operator *op, const struct conf_deployment *deployment)
{
	struct conf *conf = plan->conf;
	struct probe_program *program =
	    plan->programs[op->profile - conf->profiles];
	size_t n = probe_program_transactions(program);
	const struct target **targets = mem_array(n, sizeof(*targets));
	struct target_set *set = target_set_new();
	struct loop *loop = loop_new(clock_system());
	struct probing probing = {.order = order, .loop = loop};
	char *agent = user_agent(conf);
	struct http_options options = plan_http_options(plan, agent);
	struct http_client *http = http_client_new(loop, &options);
	struct probe *probe = probe_new(&(struct probe_options){
	    .loop = loop,
	    .http = http,
	    .vantage = conf->vantage,
	    .explain = true,
	});

	for (size_t i = 0; i < n; i++)
		targets[i] = target_intern(set, op->name, deployment->name,
		    probe_program_transaction(program, i));
	probe_start(probe,
	    &(struct probe_job){
		.conf = conf,
		.program = program,
		.op = op,
		.deployment = deployment,
		.targets = targets,
		.due = loop_now(loop),
	    },
	    &(struct probe_events){
		.finish = on_finish,
		.end = on_end,
		.arg = &probing,
	    });
	loop_run(loop);
	probe_free(probe);
	http_client_free(http);
	loop_free(loop);
	target_set_free(set);
	free(targets);
	free(agent);
	return probing.code;
}

static void
warn_if_stopped(const struct jv *stop, const struct conf_account *account)
{
	if (account != NULL && jv_bool_value(jv_get(stop, "stopped")) &&
	    strcmp(jv_get_string(stop, "name", ""), account->name) == 0)
		fprintf(stderr,
		    "dyzurny: the daemon has stopped %s (%s); this logs in "
		    "with it all the same\n",
		    account->name, jv_get_string(stop, "reason", "?"));
}

/* A person may try what the daemon may not, but should know. */
static void
warn_of_stops(const struct conf *conf, const struct conf_deployment *deployment)
{
	char *control = mem_printf("%s/control", conf->store.dir);
	struct jv *answer = NULL;
	const struct jv *accounts;

	if (access(control, W_OK) == 0)
		answer = ask(&(struct ask){
		    .unix_socket = control,
		    .url = "http://localhost/api/v1/accounts",
		});
	accounts = jv_get(answer, "accounts");
	for (size_t i = 0; i < jv_len(accounts); i++) {
		const struct jv *stop = jv_at(accounts, i);

		warn_if_stopped(stop, deployment->sender);
		if (deployment->recipient != deployment->sender)
			warn_if_stopped(stop, deployment->recipient);
	}
	jv_release(answer);
	free(control);
}

static void
say_targets(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];

		for (size_t j = 0; j < op->n_deployments; j++)
			fprintf(stderr, "  %s/%s\n", op->name,
			    op->deployments[j].name);
	}
}

static bool
read_order(int argc, char **argv, struct order *order)
{
	static const struct option options[] = {
	    {"har", required_argument, NULL, 'h'},
	    {"json", no_argument, NULL, 'j'},
	    {0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			order->config = optarg;
			break;
		case 'h':
			order->har = optarg;
			break;
		case 'j':
			order->json = true;
			break;
		default:
			return false;
		}
	}
	if (order->config == NULL || optind != argc - 1)
		return false;
	order->target = argv[optind];
	return true;
}

int
command_probe(int argc, char **argv)
{
	struct order order = {0};
	const struct conf_operator *op;
	const struct conf_deployment *deployment;
	struct plan *plan;
	int code;

	if (!read_order(argc, argv, &order)) {
		fputs("usage: dyzurny probe -c FILE OPERATOR/DEPLOYMENT "
		      "[--json] [--har FILE]\n",
		    stderr);
		return EXIT_USAGE;
	}
	plan = plan_load_or_say(order.config);
	if (plan == NULL)
		return EXIT_USAGE;
	if (find(plan->conf, order.target, &op, &deployment)) {
		warn_of_stops(plan->conf, deployment);
		code = run_journey(&order, plan, op, deployment);
	} else {
		fprintf(stderr, "dyzurny: no deployment '%s'; there are:\n",
		    order.target);
		say_targets(plan->conf);
		code = EXIT_USAGE;
	}
	plan_free(plan);
	return code;
}
