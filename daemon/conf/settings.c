/*
 * The settings of the daemon itself: health, store, web, name servers. And
 * the two forms that several places share: addresses and URLs.
 */

#include "conf-int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define SECOND US_PER_S
#define MINUTE (60 * US_PER_S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

void
settings_defaults(struct load *load, const char *file)
{
	struct conf *conf = load->conf;
	conf->path = reader_strdup(load->arena, file, strlen(file));
	conf->log_level = "info";
	conf->engines = 1;
	load->accounts_dir = source_path(load->arena, conf->path, "accounts");
	conf->health = (struct conf_health){.fail_n = 2,
	    .fail_m = 3,
	    .ok_n = 2,
	    .slow = 3 * SECOND,
	    .window = 15 * MINUTE};
	conf->store = (struct conf_store){.dir = "/var/lib/dyzurny",
	    .write_every = 10 * MINUTE,
	    .queue_bytes = 8 << 20,
	    .runs_kept = 200,
	    .evidence_bytes = 256 << 20};
	(void)plan_named(load->arena, "full", &conf->store);
	incidents_defaults(conf);
	conf->web = (struct conf_web){.listen = "127.0.0.1",
	    .port = 8420,
	    .dashboards_dir = DYZURNY_DATADIR "/dashboards",
	    .connections = 512,
	    .connections_per_ip = 64,
	    .event_streams = 200,
	    .language = "pl"};
}

/* ---- addresses and URLs ---- */

static bool
ip_valid(const char *text)
{
	struct in6_addr any;
	return inet_pton(AF_INET, text, &any) == 1 ||
	    inet_pton(AF_INET6, text, &any) == 1;
}

bool
settings_address_valid(const char *text, bool port_optional)
{
	char host[64];
	const char *port = strrchr(text, ':');
	if (port_optional && ip_valid(text))
		return true;
	if (port == NULL || (size_t)(port - text) >= sizeof(host))
		return false;
	size_t len = (size_t)(port - text);
	memcpy(host, text, len);
	host[len] = '\0';
	uint64_t number;
	if (text_u64_parse(port + 1, &number) != 0 || number < 1 ||
	    number > UINT16_MAX)
		return false;
	if (len < 2 || host[0] != '[' || host[len - 1] != ']')
		return strchr(host, ':') == NULL && ip_valid(host);
	host[len - 1] = '\0';
	return strchr(host, ':') != NULL && ip_valid(host + 1);
}

bool
settings_url_valid(const char *url)
{
	const char *c = url;
	if (strncmp(c, "https://", 8) == 0)
		c += 8;
	else if (strncmp(c, "http://", 7) == 0)
		c += 7;
	else
		return false;
	size_t authority = strcspn(c, "/?#");
	if (authority == 0 || *c == ':' || memchr(c, '@', authority) != NULL)
		return false;
	for (; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || strchr("\"<>\\^`{|}#", *c) != NULL)
			return false;
	return true;
}

void
settings_read_name_servers(const struct node *node, void *group)
{
	struct conf *conf = group;
	static const struct key key = {"name_servers", KEY_STRINGS,
	    .offset = offsetof(struct conf, name_servers),
	    .count = offsetof(struct conf, n_name_servers)};
	node_read_value(node, &key, conf);
	for (unsigned i = 0; i < conf->n_name_servers; i++) {
		if (settings_address_valid(conf->name_servers[i], true))
			continue;
		struct node at =
		    node_is_string(node) ? *node : node_at(node, i);
		node_problem(&at,
		    "must be an address such as \"192.0.2.1\", "
		    "\"192.0.2.1:5353\" or \"[2001:db8::1]:53\"");
	}
}

void
settings_read_accounts_dir(const struct node *node, void *group)
{
	(void)group;
	static const struct key key = {"accounts_dir", KEY_PATH, .offset = 0};
	node_read_value(node, &key, &node->reader->load->accounts_dir);
}

/* ---- health ---- */

static void
read_fail(const struct node *node, void *group)
{
	struct conf_health *health = group;
	const char *text = "";
	unsigned n;
	unsigned m;
	int end = 0;
	if (node_is_string(node) && !node_string(node, &text))
		return;
	if (sscanf(text, "%2u of %2u%n", &n, &m, &end) == 2 &&
	    text[end] == '\0' && n >= 1 && n <= m && m <= 32) {
		health->fail_n = n;
		health->fail_m = m;
		return;
	}
	node_problem(node,
	    "must be \"N of M\" with N from 1 to M and M at most 32, such as "
	    "\"2 of 3\"");
}

void
settings_read_health(const struct node *node, void *group)
{
	static const struct key keys[] = {
	    {"fail", KEY_READ, .read = read_fail},
	    {"recover", KEY_U32, .offset = offsetof(struct conf_health, ok_n),
		.min = 1, .max = 32},
	    {"slow", KEY_DURATION, .offset = offsetof(struct conf_health, slow),
		.min = US_PER_MS, .max = 10 * MINUTE},
	    {"window", KEY_DURATION,
		.offset = offsetof(struct conf_health, window), .min = SECOND,
		.max = DAY},
	};
	struct conf *conf = group;
	node_read_group(node, keys, ARRAY_LEN(keys), &conf->health);
}

/* ---- uplink ---- */

#define REFERENCES_MOST 8

static void
read_references(const struct node *node, void *group)
{
	struct conf *conf = group;
	static const struct key key = {"references", KEY_STRINGS,
	    .offset = offsetof(struct conf, references),
	    .count = offsetof(struct conf, n_references)};
	node_read_value(node, &key, conf);
	if (conf->n_references > REFERENCES_MOST)
		node_problem(node, "must be at most %d", REFERENCES_MOST);
	for (unsigned i = 0; i < conf->n_references; i++) {
		if (settings_address_valid(conf->references[i], false))
			continue;
		struct node at =
		    node_is_string(node) ? *node : node_at(node, i);
		node_problem(&at,
		    "must be an address with a port, such as "
		    "\"192.0.2.1:443\" or \"[2001:db8::1]:443\"");
	}
}

void
settings_read_uplink(const struct node *node, void *group)
{
	static const struct key keys[] = {
	    {"references", KEY_READ, .read = read_references},
	};
	node_read_group(node, keys, ARRAY_LEN(keys), group);
}

/* ---- store ---- */

static void
read_archive_step(const struct node *node, void *group)
{
	struct conf_archive *archive = group;
	if (node_is_string(node) &&
	    strcmp(config_setting_get_string(node->setting), "interval") == 0) {
		archive->step = 0;
		return;
	}
	static const struct key key = {"step", KEY_DURATION,
	    .offset = offsetof(struct conf_archive, step), .min = SECOND,
	    .max = 7 * DAY};
	node_read_value(node, &key, archive);
	if (archive->step % SECOND != 0)
		node_problem(node, "must be whole seconds");
}

/* Each archive is made of whole rows of the one before it. */
static void
check_archive(
    const struct node *node, const struct conf_archive *archives, size_t i)
{
	const struct conf_archive *archive = &archives[i];
	if (i == 0) {
		if (archive->step != 0)
			node_problem_at(node, "step",
			    "the first must be \"interval\": each "
			    "deployment's own `every`");
		return;
	}
	dur_us before = archives[i - 1].step;
	if (archive->step <= before)
		node_problem_at(node, "step",
		    "must be longer than the step before it: finest first");
	else if (before > 0 && archive->step % before != 0)
		node_problem_at(
		    node, "step", "must be a multiple of the step before it");
	if (archive->keep < archive->step)
		node_problem_at(
		    node, "keep", "must not be shorter than the step");
}

static void
read_plan(const struct node *node, void *group)
{
	static const struct key keys[] = {
	    {"step", KEY_READ, .required = true, .read = read_archive_step},
	    {"keep", KEY_DURATION, .required = true,
		.offset = offsetof(struct conf_archive, keep), .min = MINUTE,
		.max = 3660 * DAY},
	};
	struct conf_store *store = group;
	struct arena *arena = node->reader->arena;
	const char *name;
	if (node_is_string(node)) {
		if (!node_string(node, &name))
			return;
		if (!plan_named(arena, name, store))
			node_problem(node,
			    "must be \"full\", \"lean\" or a list of "
			    "{ step; keep; }");
		return;
	}
	if (!node_list(node, "{ step; keep; }"))
		return;
	size_t n = node_length(node);
	if (n < 1 || n > 16) {
		node_problem(node, "must have 1 to 16 archives");
		return;
	}
	store->archives = reader_alloc(arena, n, sizeof(*store->archives));
	store->n_archives = n;
	store->n_phases_only = 0;
	store->all_archives = store->archives;
	store->n_all_archives = n;
	for (unsigned i = 0; i < n; i++) {
		struct node at = node_at(node, i);
		size_t before = conf_problems_count(node->reader->problems);
		node_read_group(
		    &at, keys, ARRAY_LEN(keys), &store->archives[i]);
		if (conf_problems_count(node->reader->problems) == before)
			check_archive(&at, store->archives, i);
	}
}

void
settings_read_store(const struct node *node, void *group)
{
	static const struct key keys[] = {
	    {"dir", KEY_PATH, .offset = offsetof(struct conf_store, dir)},
	    {"plan", KEY_READ, .read = read_plan},
	    {"write_every", KEY_DURATION,
		.offset = offsetof(struct conf_store, write_every),
		.min = SECOND, .max = 20 * MINUTE},
	    {"queue", KEY_SIZE,
		.offset = offsetof(struct conf_store, queue_bytes),
		.min = 64 << 10, .max = 1 << 30},
	    {"runs_kept", KEY_U32,
		.offset = offsetof(struct conf_store, runs_kept), .min = 1,
		.max = 100000},
	    {"evidence", KEY_SIZE,
		.offset = offsetof(struct conf_store, evidence_bytes),
		.min = 1 << 20, .max = INT64_C(1) << 40},
	};
	struct conf *conf = group;
	node_read_group(node, keys, ARRAY_LEN(keys), &conf->store);
}

/* ---- web ---- */

static void
read_listen(const struct node *node, void *group)
{
	struct conf_web *web = group;
	const char *text;
	if (!node_string(node, &text))
		return;
	if (ip_valid(text))
		web->listen = text;
	else
		node_problem(node,
		    "must be an address without port, such as \"127.0.0.1\", "
		    "\"::1\" or \"0.0.0.0\"");
}

static void
read_port(const struct node *node, void *group)
{
	struct conf_web *web = group;
	int64_t port;
	if (node_integer(node, 0, UINT16_MAX, &port))
		web->port = (uint16_t)port;
}

static void
read_public_url(const struct node *node, void *group)
{
	struct conf_web *web = group;
	const char *url;
	if (!node_string(node, &url))
		return;
	size_t len = strlen(url);
	if (!settings_url_valid(url) || strchr(url, '?') != NULL) {
		node_problem(node,
		    "must be an address such as "
		    "\"https://dyzurny.example.pl\"");
		return;
	}
	while (url[len - 1] == '/')
		len--;
	web->public_url = reader_strdup(node->reader->arena, url, len);
}

/* Where a reader on this very machine finds us, if nothing better is said. */
static const char *
default_public_url(struct arena *arena, const struct conf_web *web)
{
	char url[96];
	bool any = strcmp(web->listen, "0.0.0.0") == 0 ||
	    strcmp(web->listen, "::") == 0;
	bool v6 = !any && strchr(web->listen, ':') != NULL;
	if (web->port == 0)
		return "";
	int len = snprintf(url, sizeof(url), "http://%s%s%s:%u", v6 ? "[" : "",
	    any ? "localhost" : web->listen, v6 ? "]" : "",
	    (unsigned)web->port);
	return reader_strdup(arena, url, (size_t)len);
}

/* Only what was written: the default is there once we are installed. */
static void
check_dashboards(const struct node *node, const struct conf_web *web)
{
	struct node written;
	char *templates;
	if (!node_member(node, "dashboards", &written) ||
	    !node_is_string(&written) || web->dashboards_dir == NULL)
		return;
	templates = arena_printf(
	    node->reader->arena, "%s/templates", web->dashboards_dir);
	if (templates != NULL && access(templates, R_OK | X_OK) != 0)
		node_problem(&written, "cannot read \"%s\": %s", templates,
		    strerror(errno));
}

void
settings_read_web(const struct node *node, void *group)
{
	static const char *const languages[] = {"pl", "en", NULL};
	static const struct key keys[] = {
	    {"listen", KEY_READ, .read = read_listen},
	    {"port", KEY_READ, .read = read_port},
	    {"public_url", KEY_READ, .read = read_public_url},
	    {"dashboards", KEY_PATH,
		.offset = offsetof(struct conf_web, dashboards_dir)},
	    {"connections", KEY_U32,
		.offset = offsetof(struct conf_web, connections), .min = 4,
		.max = 100000},
	    {"connections_per_ip", KEY_U32,
		.offset = offsetof(struct conf_web, connections_per_ip),
		.min = 1, .max = 100000},
	    {"event_streams", KEY_U32,
		.offset = offsetof(struct conf_web, event_streams), .min = 0,
		.max = 100000},
	    {"language", KEY_WORD,
		.offset = offsetof(struct conf_web, language),
		.words = languages},
	};
	struct conf *conf = group;
	node_read_group(node, keys, ARRAY_LEN(keys), &conf->web);
	check_dashboards(node, &conf->web);
}

/* What depends on several keys, or on their absence. */
void
settings_finish(const struct node *root)
{
	struct load *load = root->reader->load;
	struct conf *conf = load->conf;
	struct node contact = *root;
	if (node_member(root, "contact", &contact)) {
		/* It goes into a comment inside a header. */
		for (const char *c = conf->contact; c != NULL && *c; c++) {
			if (strchr("()\\", *c) == NULL && *c > 0 && *c <= '~')
				continue;
			node_problem(
			    &contact, "must be plain ASCII without ( ) and \\");
			break;
		}
	} else if (conf->simulated) {
		conf->contact = "simulated";
	} else {
		node_problem_at(root, "contact",
		    "is required: an address or a mail address that tells the "
		    "operators whom to ask");
	}
	if (conf->web.public_url == NULL)
		conf->web.public_url =
		    default_public_url(load->arena, &conf->web);
}
