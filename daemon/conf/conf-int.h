#ifndef CONF_CONF_INT_H
#define CONF_CONF_INT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/index.h"
#include "conf/conf.h"
#include "reader-int.h"

/* What the files of this room share: one conf_load under way. */

/* A configuration and what it owns. */
struct conf_box {
	struct conf conf; /* first, so that one pointer serves for both */
	atomic_uint references;
	struct arena arena; /* all but the secrets */
	struct secret_pool *secrets;
};

struct profile_file {
	const char *identity; /* its real path */
	bool broken; /* nothing could be read */
};

struct load {
	struct conf_box *box;
	struct conf *conf; /* of the box */
	struct arena *arena; /* of the box */
	struct conf_problems *problems;
	const char *accounts_dir;
	struct name_index accounts; /* of conf->accounts */
	size_t room_ca_files;
	struct profile_file *profile_files; /* one for each profile */
};

/* settings.c: the keys of the main file that are no lists of things. */
void settings_defaults(struct load *load, const char *file);
void settings_read_health(const struct node *node, void *conf);
void settings_read_uplink(const struct node *node, void *conf);
void settings_read_store(const struct node *node, void *conf);
void settings_read_web(const struct node *node, void *conf);
void settings_read_name_servers(const struct node *node, void *conf);
void settings_read_accounts_dir(const struct node *node, void *conf);
void settings_finish(const struct node *root);

/* settings_address_valid: "192.0.2.1:443" or "[2001:db8::1]:443". */
bool settings_address_valid(const char *text, bool port_optional);

/* settings_url_valid: absolute http or https, no user, no fragment. */
bool settings_url_valid(const char *url);

/* incident.c */
void incidents_defaults(struct conf *conf);
void incidents_read(const struct node *node, void *conf);
void maintenance_read(const struct node *node, void *conf);

/* operator.c, alert.c: lists of the main file. */
void operators_read(const struct node *node, void *conf);
void alerts_read(const struct node *node, void *conf);
void subscribers_read(const struct node *node, void *conf);

/* profile.c: the profile in the file that `node` names, read once; NULL when
 * it cannot be read at all, which has been said. */
const struct conf_profile *profile_get(const struct node *node);

/* step.c: the steps of one transaction, of which `before` others come before
 * it in `all`; the headers of a step or a profile. */
void steps_read(const struct node *node, struct conf_transaction *transaction,
    const struct conf_transaction *all, size_t before);
void headers_read(
    const struct node *node, struct conf_pair **headers, size_t *n);

/* names_listed: the names of an array of structs, each beginning with its
 * name, as "a, b, c", or "there is none"; in the arena. */
const char *names_listed(
    struct arena *arena, const void *array, size_t n, size_t size);

/* account.c: the account that `node` names, read once, or NULL. */
const struct conf_account *account_get(const struct node *node);

/* account_read_key: a webhook key from the file `path`; NULL: said why. */
const struct secret *account_read_key(
    const struct node *node, const char *path);

/* plan.c */

/* plan_named fills in the archives of "full" or "lean"; false: neither. */
bool plan_named(
    struct arena *arena, const char *name, struct conf_store *store);
void plan_check_operator(
    const struct node *node, const struct conf_operator *op);
void plan_check_every(const struct node *node, dur_us every);
/* plan_check_deviation: are there hours of three weeks to compare with? */
void plan_check_deviation(const struct node *node, bool all);

#endif
