/*
 * From a file name to a configuration with its programs compiled, and what
 * several commands need of it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include <string.h>

#include "alert/alert.h"
#include "base/mem.h"
#include "board.h"
#include "main-int.h"

/* Whether anybody is asked over TLS with no bundle named for it. */
static bool
needs_system_bundle(const struct conf *conf)
{
	if (conf->ca_file != NULL)
		return false;
	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];

		for (size_t j = 0; j < op->n_deployments; j++) {
			if (op->deployments[j].ca_file == NULL)
				return true;
		}
	}
	for (size_t i = 0; i < conf->n_subscribers; i++) {
		const struct conf_subscriber *to = &conf->subscribers[i];

		if (to->ca_file == NULL && strncmp(to->url, "https:", 6) == 0)
			return true;
	}
	return false;
}

/* Every connection would fail that trusts a bundle with nothing in it, and the
 * operator would be blamed. */
static void
load_bundles(struct plan *plan, struct conf_problems *problems)
{
	const struct conf *conf = plan->conf;
	const struct conf_src whole = {.file = conf->path};
	char why[128];

	plan->bundles = http_bundles_new();
	for (size_t i = 0; i < conf->n_ca_files; i++) {
		const struct conf_text *file = &conf->ca_files[i];

		if (!http_bundles_add(
			plan->bundles, file->value, why, sizeof(why)))
			conf_problem(problems, &file->src, file->key,
			    "\"%s\" is no bundle of CA certificates: %s",
			    file->value, why);
	}
	if (needs_system_bundle(conf) &&
	    !http_bundles_add(plan->bundles, NULL, why, sizeof(why)))
		conf_problem(problems, &whole, "ca_file",
		    "is required: the system's bundle of CA certificates "
		    "cannot be read: %s",
		    why);
}

static bool
compile(struct plan *plan, struct conf_problems *problems)
{
	const struct conf *conf = plan->conf;

	plan->programs = mem_array(conf->n_profiles, sizeof(*plan->programs));
	for (size_t i = 0; i < conf->n_profiles; i++)
		plan->programs[i] = probe_compile(&conf->profiles[i], problems);
	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];
		struct probe_program *program =
		    plan->programs[op->profile - conf->profiles];

		for (size_t j = 0; program != NULL && j < op->n_deployments;
		     j++)
			probe_check_deployment(
			    program, &op->deployments[j], problems);
	}
	load_bundles(plan, problems);
	return conf_problems_count(problems) == 0;
}

struct plan *
plan_load(const char *file, struct conf_problems *problems)
{
	struct plan *plan = mem_new(sizeof(*plan));

	plan->conf = conf_load(file, problems);
	if (plan->conf == NULL || !compile(plan, problems)) {
		plan_free(plan);
		return NULL;
	}
	return plan;
}

void
plan_prepare(struct plan *plan)
{
	plan->board = board_new(plan->conf, plan->programs);
	plan->rules = alert_rules_new(plan->conf);
}

void
plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	for (size_t i = 0; plan->programs != NULL && i < plan->conf->n_profiles;
	     i++)
		probe_program_release(plan->programs[i]);
	free(plan->programs);
	http_bundles_free(plan->bundles);
	board_free(plan->board);
	alert_rules_free(plan->rules);
	conf_release(plan->conf);
	free(plan);
}

struct plan *
plan_load_or_say(const char *file)
{
	struct conf_problems *problems = conf_problems_new();
	struct plan *plan = plan_load(file, problems);
	size_t n = conf_problems_count(problems);

	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s\n", conf_problems_at(problems, i));
	if (n > 0)
		fprintf(stderr, "%zu %s\n", n, n == 1 ? "problem" : "problems");
	conf_problems_free(problems);
	return plan;
}

char *
user_agent(const struct conf *conf)
{
	return mem_printf(
	    "%s/%s (+%s)", PACKAGE_NAME, PACKAGE_VERSION, conf->contact);
}

struct http_options
plan_http_options(const struct plan *plan, const char *agent)
{
	const struct conf *conf = plan->conf;

	return (struct http_options){
	    .user_agent = agent,
	    .ca_file = conf->ca_file,
	    .name_servers = conf->name_servers,
	    .n_name_servers = conf->n_name_servers,
	    .bundles = plan->bundles,
	};
}
