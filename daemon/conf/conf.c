/*
 * A configuration from its main file: the table of the main file's keys, the
 * order of reading, and the life of the result. What the keys hold is read in
 * settings.c, operator.c, profile.c, step.c, account.c and alert.c.
 */

#include "conf-int.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

static const char *const log_levels[] = {
    "debug", "info", "warn", "error", NULL};

/* Read in this order: operators need the store and the accounts' folder,
 * alerts and subscribers need the operators. */
#define FIELD(name) offsetof(struct conf, name)
static const struct key main_keys[] = {
    {"vantage", KEY_NAME, .required = true, .offset = FIELD(vantage)},
    {"contact", KEY_STRING, .offset = FIELD(contact)},
    {"simulated", KEY_BOOL, .offset = FIELD(simulated)},
    {"engines", KEY_U32, .offset = FIELD(engines), .min = 1, .max = 64},
    {"log_level", KEY_WORD, .offset = FIELD(log_level), .words = log_levels},
    {"name_servers", KEY_READ, .read = settings_read_name_servers},
    {"ca_file", KEY_CA_FILE, .offset = FIELD(ca_file)},
    {"accounts_dir", KEY_READ, .read = settings_read_accounts_dir},
    {"health", KEY_READ, .read = settings_read_health},
    {"uplink", KEY_READ, .read = settings_read_uplink},
    {"store", KEY_READ, .read = settings_read_store},
    {"web", KEY_READ, .read = settings_read_web},
    {"operators", KEY_READ, .required = true, .read = operators_read},
    {"incidents", KEY_READ, .read = incidents_read},
    {"maintenance", KEY_READ, .read = maintenance_read},
    {"alerts", KEY_READ, .read = alerts_read},
    {"subscribers", KEY_READ, .read = subscribers_read},
};
#undef FIELD

void
load_add_ca_file(const struct node *node, const char *path)
{
	struct load *load = node->reader->load;
	struct conf *conf = load->conf;
	if (conf->n_ca_files == load->room_ca_files) {
		size_t room = 2 * load->room_ca_files + 8;
		struct conf_text *more =
		    reader_alloc(load->arena, room, sizeof(*more));
		if (conf->n_ca_files > 0)
			memcpy(more, conf->ca_files,
			    conf->n_ca_files * sizeof(*more));
		conf->ca_files = more;
		load->room_ca_files = room;
	}
	conf->ca_files[conf->n_ca_files++] = (struct conf_text){
	    .value = path, .key = node->key, .src = node->src};
}

struct conf *
conf_load(const char *file, struct conf_problems *problems)
{
	struct conf_box *box = mem_new(sizeof(*box));
	atomic_init(&box->references, 1);
	arena_init(&box->arena, SIZE_MAX / 4);
	box->secrets = secret_pool_new();
	size_t before = conf_problems_count(problems);

	struct load load = {.box = box,
	    .conf = &box->conf,
	    .arena = &box->arena,
	    .problems = problems};
	settings_defaults(&load, file);
	struct reader reader = {
	    .arena = load.arena, .problems = problems, .load = &load};
	if (reader_open(&reader, file, NULL, "")) {
		struct node root = reader_root(&reader);
		node_read_group(
		    &root, main_keys, ARRAY_LEN(main_keys), &box->conf);
		settings_finish(&root);
	}
	reader_close(&reader);
	index_fini(&load.accounts);

	if (conf_problems_count(problems) == before)
		return &box->conf;
	conf_release(&box->conf);
	return NULL;
}

struct conf *
conf_hold(struct conf *conf)
{
	struct conf_box *box = (struct conf_box *)conf;
	atomic_fetch_add_explicit(&box->references, 1, memory_order_relaxed);
	return conf;
}

void
conf_release(struct conf *conf)
{
	struct conf_box *box = (struct conf_box *)conf;
	if (box == NULL ||
	    atomic_fetch_sub_explicit(
		&box->references, 1, memory_order_acq_rel) > 1)
		return;
	secret_pool_free(box->secrets);
	arena_fini(&box->arena);
	free(box);
}

const struct conf_operator *
conf_operator_find(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_operators; i++)
		if (strcmp(conf->operators[i].name, name) == 0)
			return &conf->operators[i];
	return NULL;
}

const struct conf_deployment *
conf_deployment_find(const struct conf_operator *op, const char *name)
{
	for (size_t i = 0; i < op->n_deployments; i++)
		if (strcmp(op->deployments[i].name, name) == 0)
			return &op->deployments[i];
	return NULL;
}

const struct conf_transaction *
conf_transaction_find(const struct conf_profile *profile, const char *name)
{
	for (size_t i = 0; i < profile->n_transactions; i++)
		if (strcmp(profile->transactions[i].name, name) == 0)
			return &profile->transactions[i];
	return NULL;
}

const struct secret *
conf_account_field(const struct conf_account *account, const char *name)
{
	for (size_t i = 0; i < account->n_fields; i++)
		if (strcmp(account->fields[i].name, name) == 0)
			return account->fields[i].value;
	return NULL;
}
