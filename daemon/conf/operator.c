/*
 * Operators and their deployments, and what these must have so that their
 * profile can be played there.
 */

#include "conf-int.h"

#include <string.h>

#include "base/text.h"

#define SECOND US_PER_S

/* An operator while it is read: with the defaults for its deployments. */
struct operator_draft {
	struct conf_operator op;
	dur_us every;
	const char *connect_to;
	const char *ca_file;
};

/* ---- deployments ---- */

static void
read_vars(const struct node *node, void *group)
{
	struct conf_deployment *deployment = group;
	if (!node_group(node))
		return;
	unsigned n = node_length(node);
	struct conf_pair *vars =
	    reader_alloc(node->reader->arena, n, sizeof(*vars));
	size_t good = 0;
	for (unsigned i = 0; i < n; i++) {
		struct node at = node_at(node, i);
		const char *name = node_name(&at);
		vars[good].name =
		    reader_strdup(node->reader->arena, name, strlen(name));
		if (node_text(&at, &vars[good].value))
			good++;
	}
	deployment->vars = vars;
	deployment->n_vars = good;
}

static void
read_sender(const struct node *node, void *group)
{
	struct conf_deployment *deployment = group;
	deployment->sender = account_get(node);
}

static void
read_recipient(const struct node *node, void *group)
{
	struct conf_deployment *deployment = group;
	deployment->recipient = account_get(node);
}

static bool
connect_to_valid(const struct node *node, const char **value)
{
	if (!node_string(node, value))
		return false;
	if (settings_address_valid(*value, false))
		return true;
	node_problem(node,
	    "must be an address and a port, such as \"127.0.0.1:8443\" or "
	    "\"[::1]:8443\"");
	return false;
}

static void
read_connect_to(const struct node *node, void *group)
{
	struct conf_deployment *deployment = group;
	const char *value;
	if (connect_to_valid(node, &value))
		deployment->connect_to = value;
}

#define FIELD(name) offsetof(struct conf_deployment, name)
static const struct key deployment_keys[] = {
    {"name", KEY_NAME, .required = true, .offset = FIELD(name)},
    {"vars", KEY_READ, .read = read_vars},
    {"sender", KEY_READ, .required = true, .read = read_sender},
    {"recipient", KEY_READ, .read = read_recipient},
    {"every", KEY_DURATION, .offset = FIELD(every), .min = SECOND,
	.max = 3600 * SECOND},
    {"connect_to", KEY_READ, .read = read_connect_to},
    {"ca_file", KEY_CA_FILE, .offset = FIELD(ca_file)},
};
#undef FIELD

/* Exactly the variables that the profile lists. */
static void
check_vars(const struct node *node, const struct conf_deployment *deployment,
    const struct conf_profile *profile)
{
	struct node vars = *node;
	bool given = node_member(node, "vars", &vars);
	for (size_t i = 0; i < profile->n_vars; i++) {
		struct node var;
		if (given && !config_setting_is_group(vars.setting))
			return;
		if (given && node_member(&vars, profile->vars[i], &var))
			continue;
		node_problem_at(node, "vars",
		    "must give \"%s\", which the profile \"%s\" needs",
		    profile->vars[i], profile->name);
	}
	for (size_t i = 0; i < deployment->n_vars; i++) {
		const struct conf_pair *pair = &deployment->vars[i];
		size_t k = 0;
		while (k < profile->n_vars &&
		    strcmp(profile->vars[k], pair->name) != 0)
			k++;
		if (k < profile->n_vars)
			continue;
		const char *nearest =
		    text_nearest(pair->name, profile->vars, profile->n_vars);
		conf_problem(node->reader->problems, &pair->value.src,
		    pair->value.key,
		    "the profile \"%s\" has no such variable%s%s%s",
		    profile->name, nearest == NULL ? "" : "; did you mean \"",
		    nearest == NULL ? "" : nearest,
		    nearest == NULL ? "" : "\"?");
	}
}

static void
check_recipient(const struct node *node, const struct conf_profile *profile)
{
	struct node recipient;
	if (node_member(node, "recipient", &recipient))
		return;
	for (size_t i = 0; i < profile->n_transactions; i++) {
		const struct conf_transaction *t = &profile->transactions[i];
		for (size_t k = 0; k < t->n_steps; k++) {
			if (t->steps[k].actor != CONF_RECIPIENT)
				continue;
			node_problem_at(node, "recipient",
			    "is required: step \"%s\" of \"%s\" in the profile "
			    "\"%s\" acts as the recipient",
			    t->steps[k].name, t->name, profile->name);
			return;
		}
	}
}

static void
read_deployments(const struct node *node, void *group)
{
	struct operator_draft *draft = group;
	const struct conf_profile *profile = draft->op.profile;
	if (!node_list(node, "deployments"))
		return;
	unsigned n = node_length(node);
	if (n == 0)
		node_problem(node, "must have at least one deployment");
	struct conf_deployment *deployments =
	    reader_alloc(node->reader->arena, n, sizeof(*deployments));
	struct name_index names = {0};
	for (unsigned i = 0; i < n; i++) {
		struct node at = node_at(node, i);
		struct conf_deployment *deployment = &deployments[i];
		*deployment = (struct conf_deployment){.src = at.src,
		    .every = draft->every,
		    .connect_to = draft->connect_to,
		    .ca_file = draft->ca_file};
		node_read_group(&at, deployment_keys,
		    ARRAY_LEN(deployment_keys), deployment);
		if (!config_setting_is_group(at.setting))
			continue;
		node_unique_of_many(&at, deployment->name, &names);
		plan_check_every(&at, deployment->every);
		if (profile == NULL)
			continue;
		check_vars(&at, deployment, profile);
		check_recipient(&at, profile);
	}
	index_fini(&names);
	draft->op.deployments = deployments;
	draft->op.n_deployments = n;
}

/* ---- operators ---- */

static void
read_title(const struct node *node, void *group)
{
	struct operator_draft *draft = group;
	if (node_string(node, &draft->op.title) && draft->op.title[0] == '\0')
		node_problem(node, "must not be empty");
}

static void
read_profile(const struct node *node, void *group)
{
	struct operator_draft *draft = group;
	draft->op.profile = profile_get(node);
}

static void
read_budget(const struct node *node, void *group)
{
#define FIELD(name) offsetof(struct conf_operator, name)
	static const struct key keys[] = {
	    {"per_minute", KEY_U32, .required = true,
		.offset = FIELD(per_minute), .min = 1, .max = 10000000},
	    {"parallel", KEY_U32, .required = true, .offset = FIELD(parallel),
		.min = 1, .max = 100000},
	};
#undef FIELD
	struct operator_draft *draft = group;
	node_read_group(node, keys, ARRAY_LEN(keys), &draft->op);
}

static void
read_default_connect_to(const struct node *node, void *group)
{
	struct operator_draft *draft = group;
	const char *value;
	if (connect_to_valid(node, &value))
		draft->connect_to = value;
}

/* The defaults come before the deployments that take them. */
static const struct key operator_keys[] = {
    {"name", KEY_NAME, .required = true,
	.offset = offsetof(struct operator_draft, op.name)},
    {"title", KEY_READ, .read = read_title},
    {"profile", KEY_READ, .required = true, .read = read_profile},
    {"budget", KEY_READ, .required = true, .read = read_budget},
    {"every", KEY_DURATION, .offset = offsetof(struct operator_draft, every),
	.min = SECOND, .max = 3600 * SECOND},
    {"connect_to", KEY_READ, .read = read_default_connect_to},
    {"ca_file", KEY_CA_FILE,
	.offset = offsetof(struct operator_draft, ca_file)},
    {"deployments", KEY_READ, .required = true, .read = read_deployments},
};

/* So that pointers to profiles and accounts stay good, their arrays are made
 * as large as they can get. */
static void
make_room(const struct node *node)
{
	struct load *load = node->reader->load;
	size_t operators = node_length(node);
	size_t accounts = 0;
	for (unsigned i = 0; i < operators; i++) {
		struct node op = node_at(node, i);
		struct node deployments;
		if (node_member(&op, "deployments", &deployments))
			accounts += 2 * (size_t)node_length(&deployments);
	}
	struct conf *conf = load->conf;
	conf->profiles =
	    reader_alloc(load->arena, operators, sizeof(*conf->profiles));
	load->profile_files =
	    reader_alloc(load->arena, operators, sizeof(*load->profile_files));
	conf->accounts =
	    reader_alloc(load->arena, accounts, sizeof(*conf->accounts));
}

void
operators_read(const struct node *node, void *group)
{
	struct conf *conf = group;
	if (!node_list(node, "operators"))
		return;
	unsigned n = node_length(node);
	if (n == 0)
		node_problem(node, "must have at least one operator");
	make_room(node);
	conf->operators =
	    reader_alloc(node->reader->arena, n, sizeof(*conf->operators));
	for (unsigned i = 0; i < n; i++) {
		struct node at = node_at(node, i);
		struct operator_draft draft = {.op = {.src = at.src},
		    .every = 60 * SECOND,
		    .ca_file = conf->ca_file};
		node_read_group(
		    &at, operator_keys, ARRAY_LEN(operator_keys), &draft);
		if (draft.op.title == NULL)
			draft.op.title = draft.op.name;
		conf->operators[i] = draft.op;
		conf->n_operators = i + 1;
		if (!config_setting_is_group(at.setting))
			continue;
		node_unique(&at, conf->operators, i, sizeof(*conf->operators));
		if (draft.op.profile != NULL)
			plan_check_operator(&at, &draft.op);
	}
}
