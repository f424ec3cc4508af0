/*
 * Profile files: how a person's acts look at one operator. A file is read
 * once, however many operators name it. Steps are in step.c.
 */

#include "conf-int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define SECOND US_PER_S

/* ---- markers ---- */

/* "503", 503 or "500..599". */
static void
read_status(const struct node *node, void *group)
{
	struct conf_marker *marker = group;
	char text[16];
	uint64_t min = 0;
	uint64_t max = 0;
	const char *value = "";
	if (config_setting_type(node->setting) == CONFIG_TYPE_INT) {
		int number = config_setting_get_int(node->setting);
		min = max = number < 0 ? 0 : (uint64_t)number;
	} else if (node_is_string(node)) {
		value = config_setting_get_string(node->setting);
	}
	bool good = value[0] == '\0' || text_copy(text, sizeof(text), value);
	if (good && value[0] != '\0') {
		char *dots = strstr(text, "..");
		if (dots != NULL)
			*dots = '\0';
		good = text_u64_parse(text, &min) == 0 &&
		    text_u64_parse(dots == NULL ? text : dots + 2, &max) == 0;
	}
	if (good && min >= 100 && min <= max && max <= 599) {
		marker->status_min = (int)min;
		marker->status_max = (int)max;
		return;
	}
	node_problem(node,
	    "must be a status from 100 to 599 or a range, such as \"503\" or "
	    "\"500..599\"");
}

static void
read_reason(const struct node *node, void *group)
{
	struct conf_marker *marker = group;
	const char *name;
	if (!node_string(node, &name))
		return;
	const char *names[REASON_COUNT];
	size_t n = 0;
	struct buf all;
	buf_init(&all, 1024);
	for (int i = 0; i < REASON_COUNT; i++) {
		enum reason reason = (enum reason)i;
		enum side side = reason_side(reason);
		if (reason != REASON_OK &&
		    (side == SIDE_OURS || side == SIDE_NONE))
			continue;
		names[n] = reason_name(reason);
		buf_printf(&all, "%s%s", n == 0 ? "" : ", ", names[n]);
		if (strcmp(names[n], name) == 0) {
			marker->reason = reason;
			buf_fini(&all);
			return;
		}
		n++;
	}
	const char *nearest = text_nearest(name, names, n);
	if (nearest != NULL)
		node_problem(
		    node, "unknown reason; did you mean \"%s\"?", nearest);
	else
		node_problem(node, "must be one of %s", all.data);
	buf_fini(&all);
}

static void
read_markers(const struct node *node, void *group)
{
#define FIELD(name) offsetof(struct conf_marker, name)
	static const struct key keys[] = {
	    {"body", KEY_TEXT, .offset = FIELD(body)},
	    {"url", KEY_TEXT, .offset = FIELD(url)},
	    {"xpath", KEY_TEXT, .offset = FIELD(xpath)},
	    {"json", KEY_TEXT, .offset = FIELD(json)},
	    {"status", KEY_READ, .read = read_status},
	    {"reason", KEY_READ, .required = true, .read = read_reason},
	};
#undef FIELD
	struct conf_profile *profile = group;
	if (!node_list(node, "markers"))
		return;
	unsigned n = node_length(node);
	profile->markers =
	    reader_alloc(node->reader->arena, n, sizeof(*profile->markers));
	profile->n_markers = n;
	for (unsigned i = 0; i < n; i++) {
		struct node at = node_at(node, i);
		profile->markers[i].src = at.src;
		node_read_group(
		    &at, keys, ARRAY_LEN(keys), &profile->markers[i]);
		if (config_setting_is_group(at.setting) &&
		    node_length(&at) <= 1 &&
		    config_setting_get_member(at.setting, "reason") != NULL)
			node_problem(&at,
			    "must have one of body, url, xpath, json and "
			    "status, else it would fit every page");
	}
}

/* ---- transactions ---- */

/* What steps_read needs besides the transaction: those before it. */
struct transaction_draft {
	struct conf_transaction transaction;
	const struct conf_transaction *all; /* of the profile */
	size_t i; /* its index there */
	bool needs_said;
};

static void
read_steps(const struct node *node, void *group)
{
	struct transaction_draft *draft = group;
	steps_read(node, &draft->transaction, draft->all, draft->i);
}

static void
read_needs(const struct node *node, void *group)
{
	struct transaction_draft *draft = group;
	const char *name;
	draft->needs_said = true;
	if (node_string(node, &name) && name[0] != '\0')
		draft->transaction.needs = name;
}

#define FIELD(name) offsetof(struct transaction_draft, transaction.name)
static const struct key transaction_keys[] = {
    {"name", KEY_NAME, .required = true, .offset = FIELD(name)},
    {"title", KEY_TEXT, .offset = FIELD(title)},
    {"timeout", KEY_DURATION, .offset = FIELD(timeout), .min = 100 * US_PER_MS,
	.max = 1800 * SECOND},
    {"always", KEY_BOOL, .offset = FIELD(always)},
    {"repeat", KEY_U32, .offset = FIELD(repeat), .min = 1, .max = 20},
    {"from", KEY_NAME, .offset = FIELD(from)},
    {"to", KEY_NAME, .offset = FIELD(to)},
    {"needs", KEY_READ, .read = read_needs},
    {"steps", KEY_READ, .required = true, .read = read_steps},
};
#undef FIELD

/* The step's index, or n_steps. */
static size_t
step_index(const struct conf_transaction *transaction, const char *name)
{
	size_t i = 0;
	while (i < transaction->n_steps &&
	    strcmp(transaction->steps[i].name, name) != 0)
		i++;
	return i;
}

static void
no_such_step(const struct node *node, const char *key,
    const struct conf_transaction *transaction)
{
	node_problem_at(node, key, "must name a step of this transaction: %s",
	    names_listed(node->reader->arena, transaction->steps,
		transaction->n_steps, sizeof(*transaction->steps)));
}

static void
check_span(const struct node *node, const struct conf_transaction *transaction)
{
	size_t n = transaction->n_steps;
	size_t from = 0;
	size_t to = n == 0 ? 0 : n - 1;
	if (transaction->from != NULL) {
		from = step_index(transaction, transaction->from);
		if (from == n)
			no_such_step(node, "from", transaction);
	}
	if (transaction->to != NULL) {
		to = step_index(transaction, transaction->to);
		if (to == n)
			no_such_step(node, "to", transaction);
	}
	if (from < n && to < n && from > to)
		node_problem_at(node, transaction->to != NULL ? "to" : "from",
		    "the measured span must not end before it begins");
	char limit[32];
	node_format_duration(transaction->timeout, limit, sizeof(limit));
	for (size_t i = 0; i < n; i++) {
		const struct conf_step *step = &transaction->steps[i];
		if (step->at_most > transaction->timeout)
			conf_problem(node->reader->problems, &step->until.src,
			    step->until.key,
			    "may poll for longer than the timeout of its "
			    "transaction, which is %s",
			    limit);
		if (step->reserve &&
		    ((transaction->from != NULL && from == i) ||
			(transaction->to != NULL && to == i)))
			node_problem_at(node,
			    transaction->to != NULL && to == i ? "to" : "from",
			    "\"%s\" is played only when an answer is lost",
			    step->name);
	}
}

static void
check_needs(const struct node *node, struct transaction_draft *draft)
{
	struct conf_transaction *transaction = &draft->transaction;
	const struct conf_transaction *all = draft->all;
	size_t before = draft->i;
	if (draft->needs_said) {
		size_t i = 0;
		while (transaction->needs != NULL && i < before &&
		    strcmp(all[i].name, transaction->needs) != 0)
			i++;
		if (transaction->needs != NULL && i == before)
			node_problem_at(node, "needs",
			    "must name a transaction before this one, or be "
			    "\"\" for none: %s",
			    names_listed(node->reader->arena, all, before,
				sizeof(*all)));
		return;
	}
	for (size_t i = 0; i < before; i++)
		if (strcmp(all[i].name, "login") == 0)
			transaction->needs = all[i].name;
	if (transaction->needs == NULL && before > 0)
		transaction->needs = all[0].name;
}

static void
read_transactions(const struct node *node, void *group)
{
	struct conf_profile *profile = group;
	if (!node_list(node, "transactions"))
		return;
	unsigned n = node_length(node);
	bool measured = false;
	profile->transactions = reader_alloc(
	    node->reader->arena, n, sizeof(*profile->transactions));
	for (unsigned i = 0; i < n; i++) {
		struct node at = node_at(node, i);
		struct transaction_draft draft = {.transaction = {.src = at.src,
						      .timeout = 20 * SECOND,
						      .repeat = 1},
		    .all = profile->transactions,
		    .i = i};
		struct conf_transaction *transaction = &draft.transaction;
		node_read_group(
		    &at, transaction_keys, ARRAY_LEN(transaction_keys), &draft);
		if (transaction->title.value[0] == '\0')
			transaction->title.value = transaction->name;
		if (transaction->repeat > 1 && !transaction->always)
			node_problem_at(&at, "repeat",
			    "only an `always` transaction is repeated");
		check_span(&at, transaction);
		check_needs(&at, &draft);
		measured = measured || !transaction->always;
		profile->transactions[i] = *transaction;
		profile->n_transactions = i + 1;
		node_unique(&at, profile->transactions, i,
		    sizeof(*profile->transactions));
	}
	if (!measured)
		node_problem(node,
		    "must have at least one transaction that is measured: not "
		    "`always`");
}

/* ---- the profile ---- */

static void
read_headers(const struct node *node, void *group)
{
	struct conf_profile *profile = group;
	headers_read(node, &profile->headers, &profile->n_headers);
}

/* A host name, perhaps "*." before it, or what a template makes of one. */
static void
read_hosts(const struct node *node, void *group)
{
	struct conf_profile *profile = group;
	static const struct key key = {"hosts", KEY_STRINGS,
	    .offset = offsetof(struct conf_profile, hosts),
	    .count = offsetof(struct conf_profile, n_hosts)};
	node_read_value(node, &key, profile);
	for (unsigned i = 0; i < profile->n_hosts; i++) {
		const char *host = profile->hosts[i];
		if (strpbrk(host, "/: ?#@") == NULL &&
		    strchr(host[0] == '*' ? host + 1 : host, '*') == NULL &&
		    (host[0] != '*' || (host[1] == '.' && host[2] != '\0')))
			continue;
		struct node at =
		    node_is_string(node) ? *node : node_at(node, i);
		node_problem(&at,
		    "must be a host without scheme or port, such as "
		    "\"uczen.example.pl\", \"*.example.pl\" or \"${host}\"");
	}
	if (profile->n_hosts == 0)
		node_problem(node, "must name at least one host");
}

static void
read_vars(const struct node *node, void *group)
{
	static const char *const taken[] = {
	    "account", "date", "now", "recipient", "run", "sender"};
	struct conf_profile *profile = group;
	static const struct key key = {"vars", KEY_STRINGS,
	    .offset = offsetof(struct conf_profile, vars),
	    .count = offsetof(struct conf_profile, n_vars)};
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	node_read_value(node, &key, profile);
	for (unsigned i = 0; i < profile->n_vars; i++) {
		const char *name = profile->vars[i];
		struct node at =
		    node_is_string(node) ? *node : node_at(node, i);
		if (strlen(name) > 31 || name[strspn(name, letters)] != '\0' ||
		    strspn(name, letters + 52) > 0)
			node_problem(&at,
			    "must be a name: 1 to 31 letters, digits and _, "
			    "a letter first");
		for (size_t k = 0; k < ARRAY_LEN(taken); k++)
			if (strcmp(name, taken[k]) == 0)
				node_problem(&at,
				    "\"%s\" has a meaning of its own in "
				    "templates",
				    name);
	}
}

#define FIELD(name) offsetof(struct conf_profile, name)
static const struct key profile_keys[] = {
    {"hosts", KEY_READ, .required = true, .read = read_hosts},
    {"vars", KEY_READ, .read = read_vars},
    {"headers", KEY_READ, .read = read_headers},
    {"max_body", KEY_SIZE, .offset = FIELD(max_body_bytes), .min = 1 << 10,
	.max = 64 << 20},
    {"transactions", KEY_READ, .required = true, .read = read_transactions},
    {"markers", KEY_READ, .read = read_markers},
};
#undef FIELD

/* The file's name without folders and .cfg; NULL if that is no name. */
static const char *
profile_name(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	size_t len = strlen(base);
	if (len > 4 && strcmp(base + len - 4, ".cfg") == 0)
		len -= 4;
	const char *name = reader_strdup(arena, base, len);
	return text_name_valid(name) ? name : NULL;
}

/* False when there is nothing that could be looked at. */
static bool
profile_read(
    struct load *load, struct conf_profile *profile, const struct node *from)
{
	struct reader reader = {
	    .arena = load->arena, .problems = load->problems, .load = load};
	bool open = reader_open(&reader, profile->path, &from->src, from->key);
	if (open) {
		struct node root = reader_root(&reader);
		node_read_group(
		    &root, profile_keys, ARRAY_LEN(profile_keys), profile);
	}
	reader_close(&reader);
	return open;
}

/* As named, or the one of that file name that came with the daemon. */
static const char *
profile_path(struct arena *arena, const struct node *node, const char *file)
{
	static const char packaged[] = DYZURNY_DATADIR "/profiles/";
	const char *path = source_path(arena, node->src.file, file);
	const char *slash = strrchr(file, '/');
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return path;
	const char *other =
	    source_path(arena, packaged, slash == NULL ? file : slash + 1);
	return access(other, F_OK) == 0 ? other : path;
}

const struct conf_profile *
profile_get(const struct node *node)
{
	struct load *load = node->reader->load;
	struct conf *conf = load->conf;
	const char *file;
	if (!node_string(node, &file))
		return NULL;
	const char *path = profile_path(load->arena, node, file);
	char *real = realpath(path, NULL);
	const char *identity = reader_strdup(load->arena,
	    real == NULL ? path : real, strlen(real == NULL ? path : real));
	free(real);
	for (size_t i = 0; i < conf->n_profiles; i++)
		if (strcmp(load->profile_files[i].identity, identity) == 0)
			return load->profile_files[i].broken
			    ? NULL
			    : &conf->profiles[i];

	const char *name = profile_name(load->arena, path);
	if (name == NULL) {
		node_problem(node,
		    "must be a file NAME.cfg, NAME being 1 to 31 of a-z, 0-9, "
		    "_ and -");
		return NULL;
	}
	for (size_t i = 0; i < conf->n_profiles; i++)
		if (strcmp(conf->profiles[i].name, name) == 0)
			node_problem(node,
			    "another profile is called \"%s\" too: %s", name,
			    conf->profiles[i].path);
	struct conf_profile *profile = &conf->profiles[conf->n_profiles];
	struct profile_file *read = &load->profile_files[conf->n_profiles++];
	read->identity = identity;
	*profile = (struct conf_profile){
	    .name = name, .path = path, .max_body_bytes = 2 << 20};
	read->broken = !profile_read(load, profile, node);
	return read->broken ? NULL : profile;
}
