/*
 * The steps of a transaction, and the pair lists they share with the profile:
 * headers and forms. The one-line languages inside (templates, checks,
 * extractors) are text here; the probe room compiles them.
 */

#include "conf-int.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

#define SECOND US_PER_S

const char *
names_listed(struct arena *arena, const void *array, size_t n, size_t size)
{
	struct buf all;
	buf_init(&all, 4096);
	for (size_t i = 0; i < n; i++) {
		const char *name;
		memcpy(&name, (const char *)array + i * size, sizeof(name));
		if (name != NULL && name[0] != '\0')
			buf_printf(
			    &all, "%s%s", all.len == 0 ? "" : ", ", name);
	}
	if (all.len == 0)
		buf_adds(&all, "there is none");
	const char *listed = reader_strdup(arena, all.data, all.len);
	buf_fini(&all);
	return listed;
}

/* ---- pairs ---- */

/* A header's name (RFC 9110: token) that is not ours alone to set. */
static bool
header_name_ok(const struct node *node, const char *name)
{
	static const char *const ours[] = {"Connection", "Content-Length",
	    "Host", "Traceparent", "Transfer-Encoding", "User-Agent"};
	static const char token[] =
	    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	if (name[0] == '\0' || name[strspn(name, token)] != '\0') {
		node_problem(node,
		    "the name of the header has a character that may not "
		    "stand there: letters, digits and - may");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strcasecmp(name, ours[i]) != 0)
			continue;
		node_problem(
		    node, "the header %s is set by the daemon", ours[i]);
		return false;
	}
	return true;
}

/* "NAME<separator>VALUE" of a list, both without spaces around for headers. */
static bool
split_pair(const struct node *node, char separator, struct conf_pair *pair)
{
	struct conf_text text;
	if (!node_text(node, &text))
		return false;
	struct arena *arena = node->reader->arena;
	const char *at = strchr(text.value, separator);
	if (separator == '=' && text.value[0] == '*' && at == NULL) {
		pair->name = "*";
		pair->value = text;
		pair->value.value = text.value + 1;
		if (text.value[1] != '\0')
			return true;
	}
	if (at == NULL || at == text.value) {
		if (separator == '=')
			node_problem(node,
			    "must be \"name=value\", or \"*NAME\" for the "
			    "fields of an extracted form");
		else
			node_problem(node, "must be \"Name: value\"");
		return false;
	}
	pair->name =
	    reader_strdup(arena, text.value, (size_t)(at - text.value));
	at++;
	while (separator == ':' && *at == ' ')
		at++;
	pair->value = text;
	pair->value.value = at;
	return true;
}

/* A group { name = "value"; } or a list ( "name=value", … ). */
static void
pairs_read(const struct node *node, char separator, struct conf_pair **pairs,
    size_t *n)
{
	bool group = config_setting_is_group(node->setting) != 0;
	if (!group && !config_setting_is_list(node->setting) &&
	    !config_setting_is_array(node->setting)) {
		node_problem(node,
		    separator == '='
			? "must be a group { name = \"value\"; } or a list "
			  "( \"name=value\", … )"
			: "must be a group { Name = \"value\"; } or a list "
			  "( \"Name: value\", … )");
		return;
	}
	unsigned length = node_length(node);
	struct conf_pair *list =
	    reader_alloc(node->reader->arena, length, sizeof(*list));
	size_t good = 0;
	for (unsigned i = 0; i < length; i++) {
		struct node at = node_at(node, i);
		struct conf_pair *pair = &list[good];
		if (group) {
			const char *name = node_name(&at);
			pair->name = reader_strdup(
			    node->reader->arena, name, strlen(name));
			if (!node_text(&at, &pair->value))
				continue;
		} else if (!split_pair(&at, separator, pair)) {
			continue;
		}
		if (separator == ':' && !header_name_ok(&at, pair->name))
			continue;
		good++;
	}
	*pairs = list;
	*n = good;
}

void
headers_read(const struct node *node, struct conf_pair **headers, size_t *n)
{
	pairs_read(node, ':', headers, n);
}

/* ---- the keys of a step ---- */

static void
read_headers(const struct node *node, void *group)
{
	struct conf_step *step = group;
	headers_read(node, &step->headers, &step->n_headers);
}

static void
read_form(const struct node *node, void *group)
{
	struct conf_step *step = group;
	step->multipart = strcmp(node_name(node), "multipart") == 0;
	pairs_read(node, '=', &step->form, &step->n_form);
}

static const char *const method_keys[] = {"get", "post", "put", "delete"};

static void
read_method(const struct node *node, void *group)
{
	struct conf_step *step = group;
	static const enum conf_method methods[] = {
	    CONF_GET, CONF_POST, CONF_PUT, CONF_DELETE};
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(node_name(node), method_keys[i]) == 0)
			step->method = methods[i];
	if (node_text(node, &step->url) && step->url.value[0] == '\0')
		node_problem(node, "must not be empty");
}

static void
read_poll(const struct node *node, void *group)
{
	static const struct key keys[] = {
	    {"until", KEY_TEXT, .required = true,
		.offset = offsetof(struct conf_step, until)},
	    {"every", KEY_DURATION, .offset = offsetof(struct conf_step, every),
		.min = 100 * US_PER_MS, .max = 300 * SECOND},
	    {"at_most", KEY_DURATION, .required = true,
		.offset = offsetof(struct conf_step, at_most), .min = SECOND,
		.max = 1800 * SECOND},
	    {"late", KEY_DURATION, .offset = offsetof(struct conf_step, late),
		.min = 100 * US_PER_MS, .max = 1800 * SECOND},
	};
	struct conf_step *step = group;
	step->every = 2 * SECOND;
	node_read_group(node, keys, ARRAY_LEN(keys), step);
	if (step->at_most > 0 && step->every > step->at_most)
		node_problem_at(
		    node, "every", "must not be longer than at_most");
	if (step->at_most > 0 && step->late > step->at_most)
		node_problem_at(
		    node, "late", "must not be longer than at_most");
}

static const char *const actors[] = {"sender", "recipient", NULL};

#define FIELD(name) offsetof(struct conf_step, name)
static const struct key step_keys[] = {
    {"name", KEY_NAME, .required = true, .offset = FIELD(name)},
    {"as", KEY_CHOICE, .offset = FIELD(actor), .words = actors},
    {"use", KEY_NAME, .offset = FIELD(use)},
    {"get", KEY_READ, .read = read_method},
    {"post", KEY_READ, .read = read_method},
    {"put", KEY_READ, .read = read_method},
    {"delete", KEY_READ, .read = read_method},
    {"headers", KEY_READ, .read = read_headers},
    {"form", KEY_READ, .read = read_form},
    {"multipart", KEY_READ, .read = read_form},
    {"json", KEY_TEXT, .offset = FIELD(json)},
    {"body", KEY_TEXT, .offset = FIELD(body)},
    {"derive", KEY_TEXTS, .offset = FIELD(derive), .count = FIELD(n_derive)},
    {"extract", KEY_TEXTS, .offset = FIELD(extract), .count = FIELD(n_extract)},
    {"expect", KEY_TEXTS, .offset = FIELD(expect), .count = FIELD(n_expect)},
    {"poll", KEY_READ, .read = read_poll},
    {"once", KEY_TEXT, .offset = FIELD(once)},
    {"timeout", KEY_DURATION, .offset = FIELD(timeout), .min = 100 * US_PER_MS,
	.max = 1800 * SECOND},
    {"if_lost", KEY_NAMES, .offset = FIELD(if_lost), .count = FIELD(n_if_lost)},
    {"always", KEY_BOOL, .offset = FIELD(always)},
    {"idempotent", KEY_BOOL, .offset = FIELD(idempotent)},
    {"follow", KEY_U32, .offset = FIELD(follow), .min = 0, .max = 20},
    {"redirects", KEY_U32, .offset = FIELD(redirects), .min = 0, .max = 20},
};
#undef FIELD

/* How many of `names` the step has; the second one is blamed. */
static unsigned
count_keys(const struct node *node, const char *const *names, size_t n,
    const char *text)
{
	unsigned found = 0;
	for (size_t i = 0; i < n; i++) {
		struct node member;
		if (!node_member(node, names[i], &member))
			continue;
		if (++found == 2)
			node_problem(&member, "%s", text);
	}
	return found;
}

static void
check_request(const struct node *node, const struct conf_step *step)
{
	static const char *const bodies[] = {
	    "form", "multipart", "json", "body"};
	unsigned methods = count_keys(node, method_keys, ARRAY_LEN(method_keys),
	    "a step is one of get, post, put and delete");
	unsigned sent = count_keys(node, bodies, ARRAY_LEN(bodies),
	    "a step sends one of form, multipart, json and body");
	if (methods == 0)
		node_problem(
		    node, "must have one of get, post, put, delete and use");
	if (sent > 0 && methods > 0 && step->method == CONF_GET)
		node_problem_at(node, "get", "sends no form, json or body");
	if (step->until.value[0] != '\0' && !step->idempotent)
		node_problem_at(node, "idempotent",
		    "a step that must not be repeated cannot poll");
	if (step->n_if_lost > 0 && step->idempotent)
		node_problem_at(node, "if_lost",
		    "is for a step that is sent once only: idempotent = "
		    "false");
}

/* The steps that `if_lost` names come after the one that has it, and a step
 * that is played in any case comes after them. */
static void
check_lost(const struct node *list, struct conf_step *steps, size_t n, size_t i)
{
	struct node at = node_at(list, (unsigned)i);
	size_t last = i;
	for (size_t k = 0; k < steps[i].n_if_lost; k++) {
		const char *name = steps[i].if_lost[k];
		size_t found = i + 1;
		while (found < n && strcmp(steps[found].name, name) != 0)
			found++;
		if (found >= n || steps[found].always ||
		    steps[found].n_if_lost > 0 || steps[found].reserve) {
			node_problem_at(&at, "if_lost",
			    "\"%s\" must be a step after this one, not an "
			    "`always` one, and named by one if_lost only",
			    name);
			return;
		}
		steps[found].reserve = true;
		last = found > last ? found : last;
	}
	for (size_t k = last + 1; k < n; k++)
		if (!steps[k].always && !steps[k].reserve)
			return;
	if (last > i)
		node_problem_at(&at, "if_lost",
		    "a step that is played in any case must come after those "
		    "that are named here");
}

/* A step with `use` is other steps: it has nothing of its own to send. */
static void
check_use(const struct node *node, const struct conf_transaction *all,
    size_t before, const char *use)
{
	for (unsigned i = 0; i < node_length(node); i++) {
		struct node member = node_at(node, i);
		const char *key = node_name(&member);
		bool known = false;
		for (size_t k = 0; k < ARRAY_LEN(step_keys); k++)
			known = known || strcmp(step_keys[k].name, key) == 0;
		if (known && strcmp(key, "name") != 0 &&
		    strcmp(key, "as") != 0 && strcmp(key, "use") != 0)
			node_problem(&member,
			    "has no place in a step with use, which takes "
			    "name and as");
	}
	size_t found = 0;
	while (found < before && strcmp(all[found].name, use) != 0)
		found++;
	if (found == before) {
		node_problem_at(node, "use",
		    "must name a transaction before this one: %s",
		    names_listed(
			node->reader->arena, all, before, sizeof(*all)));
		return;
	}
	const struct conf_transaction *other = &all[found];
	for (size_t i = 0; i < other->n_steps; i++) {
		if (other->steps[i].use == NULL)
			continue;
		node_problem_at(node, "use",
		    "\"%s\" itself has a step with use; that may not nest",
		    use);
		return;
	}
}

void
steps_read(const struct node *node, struct conf_transaction *transaction,
    const struct conf_transaction *all, size_t before)
{
	if (!node_list(node, "steps"))
		return;
	unsigned n = node_length(node);
	if (n == 0)
		node_problem(node, "must have at least one step");
	struct conf_step *steps =
	    reader_alloc(node->reader->arena, n, sizeof(*steps));
	for (unsigned i = 0; i < n; i++) {
		struct node at = node_at(node, i);
		struct conf_step *step = &steps[i];
		*step = (struct conf_step){.src = at.src,
		    .actor = CONF_SENDER,
		    .idempotent = true,
		    .follow = 10};
		step->url = (struct conf_text){"", at.key, at.src};
		step->until = step->once = step->url;
		node_read_group(&at, step_keys, ARRAY_LEN(step_keys), step);
		if (!config_setting_is_group(at.setting))
			continue;
		node_unique(&at, steps, i, sizeof(*steps));
		if (step->use != NULL)
			check_use(&at, all, before, step->use);
		else
			check_request(&at, step);
	}
	for (unsigned i = 0; i < n; i++)
		if (steps[i].n_if_lost > 0)
			check_lost(node, steps, n, i);
	transaction->steps = steps;
	transaction->n_steps = n;
}
