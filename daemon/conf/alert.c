/*
 * Alert rules, and the subscribers who are told. Both name operators, so they
 * are read after these.
 */

#include "conf-int.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/incident.h"

#define SECOND US_PER_S
#define DAY (24 * 3600 * US_PER_S)

/* ---- rules ---- */

/* "99.5%" or 0.995. The number is read by hand: no locale may matter. */
static bool
parse_percent(const char *text, double *ratio)
{
	uint64_t number = 0;
	double scale = 100;
	bool point = false;
	size_t digits = 0;
	const char *c = text;
	for (; *c != '\0' && *c != '%'; c++) {
		if (*c == '.' && !point && digits > 0) {
			point = true;
		} else if (*c >= '0' && *c <= '9' && digits < 12) {
			number = number * 10 + (uint64_t)(*c - '0');
			digits++;
			if (point)
				scale *= 10;
		} else {
			return false;
		}
	}
	*ratio = (double)number / scale;
	return digits > 0 && c[0] == '%' && c[1] == '\0' && c[-1] != '.';
}

static void
read_below(const struct node *node, void *group)
{
	struct conf_alert *alert = group;
	double ratio = -1;
	bool good = node_is_string(node)
	    ? parse_percent(config_setting_get_string(node->setting), &ratio)
	    : node_number(node, &ratio);
	if (good && ratio > 0 && ratio <= 1)
		alert->below = ratio;
	else
		node_problem(node,
		    "must be a share over 0 and at most 1, such as \"99.5%%\" "
		    "or 0.995");
}

static void
read_quantile(const struct node *node, void *group)
{
	struct conf_alert *alert = group;
	double quantile;
	if (node_number(node, &quantile) && quantile >= 0.5 &&
	    quantile <= 0.999)
		alert->quantile = quantile;
	else
		node_problem(
		    node, "must be a number from 0.5 to 0.999, without quotes");
}

static void
read_severity(const struct node *node, void *group)
{
	struct conf_alert *alert = group;
	int64_t severity;
	if (node_integer(node, 1, 4, &severity))
		alert->severity = (int)severity;
}

static void
read_objective(const struct node *node, void *group)
{
	struct conf_alert *alert = group;
	double ratio = -1;
	bool good = node_is_string(node)
	    ? parse_percent(config_setting_get_string(node->setting), &ratio)
	    : node_number(node, &ratio);
	if (good && ratio >= 0.5 && ratio < 1)
		alert->objective = ratio;
	else
		node_problem(node,
		    "must be a share from 0.5 and under 1, such as \"99.5%%\" "
		    "or 0.995");
}

static void
read_factor(const struct node *node, void *group)
{
	struct conf_alert *alert = group;
	double factor;
	if (node_number(node, &factor) && factor >= 1 && factor <= 1000)
		alert->factor = factor;
	else
		node_problem(
		    node, "must be a number from 1 to 1000, without quotes");
}

static void
read_runbook(const struct node *node, void *group)
{
	struct conf_alert *alert = group;
	const char *url;
	if (!node_string(node, &url))
		return;
	if (settings_url_valid(url) && strlen(url) < INCIDENT_TEXT_SIZE)
		alert->runbook = url;
	else
		node_problem(node,
		    "must be an address that begins with https:// or http://, "
		    "of at most 255 bytes");
}

/* In the order of enum conf_alert_kind. */
static const char *const kinds[] = {"availability", "latency", "burn_rate",
    "certificate", "no_data", "deviation", NULL};
static const char *const scopes[] = {"operator", "deployment", NULL};

#define FIELD(name) offsetof(struct conf_alert, name)
static const struct key alert_keys[] = {
    {"name", KEY_NAME, .required = true, .offset = FIELD(name)},
    {"kind", KEY_CHOICE, .required = true, .offset = FIELD(kind),
	.words = kinds},
    {"operator", KEY_NAME, .offset = FIELD(operator)},
    {"transaction", KEY_NAME, .offset = FIELD(transaction)},
    {"scope", KEY_CHOICE, .offset = FIELD(scope), .words = scopes},
    {"below", KEY_READ, .read = read_below},
    {"above", KEY_DURATION, .offset = FIELD(above), .min = US_PER_MS,
	.max = 1800 * SECOND},
    {"quantile", KEY_READ, .read = read_quantile},
    {"objective", KEY_READ, .read = read_objective},
    {"factor", KEY_READ, .read = read_factor},
    {"band", KEY_DURATION, .offset = FIELD(band), .min = US_PER_MS,
	.max = 1800 * SECOND},
    {"within", KEY_DURATION, .offset = FIELD(within), .min = DAY,
	.max = 366 * DAY},
    {"window", KEY_DURATION, .offset = FIELD(window), .min = SECOND,
	.max = 3 * DAY},
    {"runs", KEY_U32, .offset = FIELD(runs), .min = 2, .max = 1000},
    {"for", KEY_DURATION, .offset = FIELD(hold), .min = 0, .max = DAY},
    {"resolve_after", KEY_DURATION, .offset = FIELD(resolve_after), .min = 0,
	.max = DAY},
    {"min_samples", KEY_U32, .offset = FIELD(min_samples), .min = 1,
	.max = 100000},
    {"severity", KEY_READ, .read = read_severity},
    {"runbook", KEY_READ, .read = read_runbook},
};
#undef FIELD

static void
unknown_operator(const struct node *node, const char *key, const char *name)
{
	const struct conf *conf = node->reader->load->conf;
	const char **names = reader_alloc(
	    node->reader->arena, conf->n_operators, sizeof(*names));
	for (size_t i = 0; i < conf->n_operators; i++)
		names[i] = conf->operators[i].name;
	const char *nearest = text_nearest(name, names, conf->n_operators);
	struct node at = *node;
	if (key != NULL && !node_member(node, key, &at))
		return;
	if (nearest != NULL)
		node_problem(&at, "no operator \"%s\"; did you mean \"%s\"?",
		    name, nearest);
	else
		node_problem(&at, "no operator \"%s\"", name);
}

/* So that no incident can be taken for one of the built-in rule. */
static void
check_name(const struct node *node, const char *rule)
{
	struct node name;

	if (rule != NULL && incident_rule_is_built_in(rule) &&
	    node_member(node, "name", &name))
		node_problem(&name, "is the name of a built-in rule");
}

/* Is there a measured transaction of that name where the rule looks? */
static void
check_transaction(const struct node *node, const struct conf_alert *alert)
{
	const struct conf *conf = node->reader->load->conf;
	const char *only = alert->operator;
	if (alert->transaction == NULL)
		return;
	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];
		if (only != NULL && strcmp(only, op->name) != 0)
			continue;
		/* A profile that cannot be read has been blamed already. */
		if (op->profile == NULL)
			return;
		const struct conf_transaction *transaction =
		    conf_transaction_find(op->profile, alert->transaction);
		if (transaction != NULL && !transaction->always)
			return;
	}
	node_problem_at(node, "transaction",
	    "no measured transaction \"%s\" in the profiles concerned",
	    alert->transaction);
}

/* "latency or deviation" */
static void
name_kinds(unsigned of, char out[64])
{
	out[0] = '\0';
	for (size_t i = 0; kinds[i] != NULL; i++) {
		size_t len = strlen(out);
		if ((of >> i & 1) != 0)
			snprintf(out + len, 64 - len, "%s%s",
			    len > 0 ? " or " : "", kinds[i]);
	}
}

/* Each kind has its own threshold, and only that one. */
static void
check_threshold(const struct node *node, enum conf_alert_kind kind)
{
#define OF(name) (1U << CONF_ALERT_##name)
	static const struct {
		const char *key;
		unsigned of, required; /* kinds */
	} thresholds[] = {
	    {"below", OF(AVAILABILITY), OF(AVAILABILITY)},
	    {"above", OF(LATENCY), OF(LATENCY)},
	    {"quantile", OF(LATENCY) | OF(DEVIATION), 0},
	    {"objective", OF(BURN_RATE), OF(BURN_RATE)},
	    {"factor", OF(BURN_RATE) | OF(DEVIATION), OF(BURN_RATE)},
	    {"within", OF(CERTIFICATE), OF(CERTIFICATE)},
	    {"band", OF(DEVIATION), OF(DEVIATION)},
	};
#undef OF
	struct node member;
	for (size_t i = 0; i < ARRAY_LEN(thresholds); i++) {
		bool has = node_member(node, thresholds[i].key, &member);
		if (has && (thresholds[i].of >> kind & 1) == 0) {
			char names[64];
			name_kinds(thresholds[i].of, names);
			node_problem(&member, "belongs to the kind %s", names);
		}
		if (!has && (thresholds[i].required >> kind & 1) != 0)
			node_problem_at(node, thresholds[i].key,
			    "is required for the kind %s", kinds[kind]);
	}
}

static void
check_window(const struct node *node)
{
	struct node window, runs;
	if (node_member(node, "window", &window) &&
	    node_member(node, "runs", &runs))
		node_problem(&runs, "stands beside window; give one");
}

/* Hours are compared with hours, so the window is one by default, and what it
 * tells is what is typical. A long one would touch too many of them. */
#define DEVIATION_WINDOW (3600 * SECOND)
#define DEVIATION_WINDOW_MAX (6 * 3600 * SECOND)
#define DEVIATION_FACTOR 4
#define DEVIATION_QUANTILE 0.5
#define DEVIATION_MIN_SAMPLES 10

static void
finish_deviation(const struct node *node, struct conf_alert *alert)
{
	struct node member;
	if (!node_member(node, "window", &member))
		alert->window = DEVIATION_WINDOW;
	else if (alert->window > DEVIATION_WINDOW_MAX)
		node_problem(
		    &member, "must be at most 6h for the kind deviation");
	if (!node_member(node, "factor", &member))
		alert->factor = DEVIATION_FACTOR;
	if (!node_member(node, "quantile", &member))
		alert->quantile = DEVIATION_QUANTILE;
	if (!node_member(node, "min_samples", &member))
		alert->min_samples = DEVIATION_MIN_SAMPLES;
	plan_check_deviation(node, alert->scope == CONF_SCOPE_OPERATOR);
}

void
alerts_read(const struct node *node, void *group)
{
	struct conf *conf = group;
	if (!node_list(node, "alerts"))
		return;
	unsigned n = node_length(node);
	conf->alerts =
	    reader_alloc(node->reader->arena, n, sizeof(*conf->alerts));
	conf->n_alerts = n;
	for (unsigned i = 0; i < n; i++) {
		struct node at = node_at(node, i);
		struct node kind;
		struct conf_alert *alert = &conf->alerts[i];
		*alert = (struct conf_alert){.src = at.src,
		    .scope = CONF_SCOPE_OPERATOR,
		    .quantile = 0.95,
		    .window = 900 * SECOND,
		    .resolve_after = 300 * SECOND,
		    .min_samples = 5,
		    .severity = 2};
		node_read_group(&at, alert_keys, ARRAY_LEN(alert_keys), alert);
		if (!config_setting_is_group(at.setting))
			continue;
		node_unique(&at, conf->alerts, i, sizeof(*conf->alerts));
		check_name(&at, alert->name);
		check_window(&at);
		if (node_member(&at, "kind", &kind))
			check_threshold(&at, alert->kind);
		if (alert->kind == CONF_ALERT_DEVIATION)
			finish_deviation(&at, alert);
		const char *op = alert->operator;
		if (op != NULL && conf_operator_find(conf, op) == NULL)
			unknown_operator(&at, "operator", op);
		else
			check_transaction(&at, alert);
	}
}

/* ---- subscribers ---- */

/* A subscriber while it is read. */
struct subscriber_draft {
	struct conf_subscriber subscriber;
	const char **files;
	size_t n_files;
};

static void
read_secret_files(const struct node *node, void *group)
{
	struct subscriber_draft *draft = group;
	struct conf_subscriber *subscriber = &draft->subscriber;
	static const struct key key = {"secret_files", KEY_STRINGS,
	    .offset = offsetof(struct subscriber_draft, files),
	    .count = offsetof(struct subscriber_draft, n_files)};
	bool one = node_is_string(node);
	if (one && strcmp(node_name(node), "secret_files") == 0) {
		node_problem(node, "must be a list of strings: ( …, … )");
		return;
	}
	if (!one && strcmp(node_name(node), "secret_file") == 0) {
		node_problem(node, "must be a string in quotes");
		return;
	}
	node_read_value(node, &key, draft);
	if (draft->n_files < 1 || draft->n_files > 2) {
		node_problem(
		    node, "must name one file, or two while keys are changed");
		return;
	}
	struct arena *arena = node->reader->arena;
	const struct secret **secrets =
	    reader_alloc(arena, draft->n_files, sizeof(*secrets));
	size_t good = 0;
	for (unsigned i = 0; i < draft->n_files; i++) {
		struct node at = one ? *node : node_at(node, i);
		secrets[good] = account_read_key(
		    &at, source_path(arena, at.src.file, draft->files[i]));
		if (secrets[good] != NULL)
			good++;
	}
	subscriber->secrets = secrets;
	subscriber->n_secrets = good;
}

static void
read_url(const struct node *node, void *group)
{
	struct subscriber_draft *draft = group;
	const char *url;
	if (!node_string(node, &url))
		return;
	if (settings_url_valid(url))
		draft->subscriber.url = url;
	else
		node_problem(node,
		    "must be an address that begins with https:// or http://, "
		    "without user and fragment");
}

static void
read_min_severity(const struct node *node, void *group)
{
	struct subscriber_draft *draft = group;
	int64_t severity;
	if (node_integer(node, 1, 4, &severity))
		draft->subscriber.min_severity = (int)severity;
}

static void
read_language(const struct node *node, void *group)
{
	struct subscriber_draft *draft = group;
	const char *language;
	if (!node_string(node, &language))
		return;
	draft->subscriber.english = strcmp(language, "en") == 0;
	if (!draft->subscriber.english && strcmp(language, "pl") != 0)
		node_problem(node, "must be \"pl\" or \"en\"");
}

/* In the order of enum conf_format. */
static const char *const formats[] = {
    "standard", "alertmanager", "alertmanager_api", "chat", NULL};

#define FIELD(name) offsetof(struct subscriber_draft, subscriber.name)
static const struct key subscriber_keys[] = {
    {"name", KEY_NAME, .required = true, .offset = FIELD(name)},
    {"url", KEY_READ, .required = true, .read = read_url},
    {"secret_file", KEY_READ, .read = read_secret_files},
    {"secret_files", KEY_READ, .read = read_secret_files},
    {"format", KEY_CHOICE, .offset = FIELD(format), .words = formats},
    {"language", KEY_READ, .read = read_language},
    {"per_minute", KEY_U32, .offset = FIELD(per_minute), .min = 1, .max = 6000},
    {"operators", KEY_NAMES, .offset = FIELD(operators),
	.count = FIELD(n_operators)},
    {"min_severity", KEY_READ, .read = read_min_severity},
    {"allow_private", KEY_BOOL, .offset = FIELD(allow_private)},
    {"ca_file", KEY_CA_FILE, .offset = FIELD(ca_file)},
};
#undef FIELD

static void
check_subscriber(
    const struct node *node, const struct conf_subscriber *subscriber)
{
	const struct conf *conf = node->reader->load->conf;
	struct node one;
	struct node list;
	bool has_one = node_member(node, "secret_file", &one);
	bool has_list = node_member(node, "secret_files", &list);
	if (has_one && has_list)
		node_problem(&list, "stands beside secret_file; give one");
	if (!has_one && !has_list && subscriber->format == CONF_FORMAT_STANDARD)
		node_problem_at(
		    node, "secret_file", "is required: deliveries are signed");
	if (subscriber->url != NULL && !subscriber->allow_private &&
	    strncmp(subscriber->url, "http:", 5) == 0)
		node_problem_at(node, "url",
		    "must begin with https://; plain http is for private "
		    "addresses: allow_private = true");
	for (unsigned i = 0; i < subscriber->n_operators; i++) {
		if (conf_operator_find(conf, subscriber->operators[i]) != NULL)
			continue;
		struct node operators;
		if (!node_member(node, "operators", &operators))
			continue;
		struct node at = node_is_string(&operators)
		    ? operators
		    : node_at(&operators, i);
		unknown_operator(&at, NULL, subscriber->operators[i]);
	}
}

void
subscribers_read(const struct node *node, void *group)
{
	struct conf *conf = group;
	if (!node_list(node, "subscribers"))
		return;
	unsigned n = node_length(node);
	conf->subscribers =
	    reader_alloc(node->reader->arena, n, sizeof(*conf->subscribers));
	conf->n_subscribers = n;
	for (unsigned i = 0; i < n; i++) {
		struct node at = node_at(node, i);
		struct subscriber_draft draft = {.subscriber = {.src = at.src,
						     .min_severity = 1,
						     .per_minute = 30,
						     .ca_file = conf->ca_file}};
		node_read_group(
		    &at, subscriber_keys, ARRAY_LEN(subscriber_keys), &draft);
		conf->subscribers[i] = draft.subscriber;
		if (!config_setting_is_group(at.setting))
			continue;
		node_unique(
		    &at, conf->subscribers, i, sizeof(*conf->subscribers));
		check_subscriber(&at, &draft.subscriber);
	}
}
