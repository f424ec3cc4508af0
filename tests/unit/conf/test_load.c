/* Good configurations: every value arrives, and defaults where there is none.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "folder.h"

#define MINUTE (60 * US_PER_S)
#define DAY (24 * 60 * MINUTE)

static struct conf *
load_good(const char *text)
{
	struct conf *conf;
	folder_write("c.cfg", text);
	char *problems = folder_load(&conf);
	assert_string_equal(problems, "");
	free(problems);
	assert_non_null(conf);
	return conf;
}

static void
defaults_are_filled_in(void **state)
{
	(void)state;
	folder_enter();
	struct conf *conf = load_good(TOP OPERATORS);
	assert_string_equal(conf->path, "c.cfg");
	assert_string_equal(conf->vantage, "waw");
	assert_string_equal(conf->contact, "admin@example.pl");
	assert_false(conf->simulated);
	assert_string_equal(conf->log_level, "info");
	assert_int_equal(conf->engines, 1);
	assert_int_equal(conf->n_name_servers, 0);
	assert_int_equal(conf->n_references, 0);
	assert_null(conf->ca_file);
	assert_int_equal(conf->health.fail_n, 2);
	assert_int_equal(conf->health.fail_m, 3);
	assert_int_equal(conf->health.ok_n, 2);
	assert_int_equal(conf->health.slow, 3 * US_PER_S);
	assert_int_equal(conf->health.window, 15 * MINUTE);
	assert_string_equal(conf->store.dir, "/var/lib/dyzurny");
	assert_int_equal(conf->store.n_archives, 4);
	assert_int_equal(conf->store.archives[0].step, 0);
	assert_int_equal(conf->store.archives[0].keep, 14 * DAY);
	assert_int_equal(conf->store.archives[3].step, DAY);
	assert_int_equal(conf->store.archives[3].keep, 3650 * DAY);
	assert_int_equal(conf->store.write_every, 10 * MINUTE);
	assert_int_equal(conf->store.queue_bytes, 8 << 20);
	assert_string_equal(conf->web.listen, "127.0.0.1");
	assert_int_equal(conf->web.port, 8420);
	assert_string_equal(conf->web.public_url, "http://127.0.0.1:8420");
	assert_string_equal(conf->web.language, "pl");

	assert_int_equal(conf->n_profiles, 1);
	assert_int_equal(conf->n_operators, 1);
	const struct conf_operator *op = conf_operator_find(conf, "op");
	assert_non_null(op);
	assert_null(conf_operator_find(conf, "other"));
	assert_string_equal(op->title, "op");
	assert_int_equal(op->src.line, 2);
	assert_ptr_equal(op->profile, &conf->profiles[0]);
	const struct conf_deployment *d = conf_deployment_find(op, "d");
	assert_non_null(d);
	assert_null(conf_deployment_find(op, "e"));
	assert_int_equal(d->every, MINUTE);
	assert_null(d->connect_to);
	assert_null(d->ca_file);
	assert_int_equal(d->n_vars, 1);
	assert_string_equal(d->vars[0].name, "host");
	assert_string_equal(d->vars[0].value.value, "h");
	assert_string_equal(
	    d->vars[0].value.key, "operators[0].deployments[0].vars.host");
	conf_release(conf);
	conf_release(NULL);
	folder_leave();
}

static const char everything[] =
    "vantage = \"krk-1\"; simulated = true; engines = 3; log_level = "
    "\"debug\";\n"
    "name_servers = ( \"192.0.2.1\", \"127.0.0.1:5353\", \"::1\", "
    "\"[::1]:53\" );\n"
    "ca_file = \"sub/ca\"; accounts_dir = \"accounts\";\n"
    "health = { fail = \"3 of 5\"; recover = 1; slow = \"1500ms\"; window = "
    "\"1h\"; };\n"
    "uplink = { references = ( \"192.0.2.1:53\", \"[::1]:443\" ); };\n"
    "incidents = { reopen_within = \"0s\"; confirm_after = \"1h\"; };\n"
    "store = { dir = \"sub/state\"; write_every = \"2m\"; queue = \"1MB\"; "
    "runs_kept = 7; plan = (\n"
    "  { step = \"interval\"; keep = \"1h\"; },\n"
    "  { step = \"20s\"; keep = \"1d\"; } ); };\n"
    "web = { listen = \"::\"; port = 9000; public_url = "
    "\"https://d.example.pl/x//\";\n"
    "  dashboards = \"" TEST_SRCDIR
    "/dashboards\"; connections = 100; connections_per_ip = "
    "10;\n  event_streams = 0; language = \"en\"; };\n"
    "operators = ( { name = \"op\"; title = \"Główny\"; profile = \"p.cfg\";\n"
    "  every = \"10s\"; connect_to = \"127.0.0.1:8443\"; ca_file = "
    "\"sub/ca2\";\n"
    "  budget = { per_minute = 100; parallel = 4; };\n"
    "  deployments = (\n"
    "    { name = \"one\"; vars = { host = \"h1\"; }; sender = \"a\"; "
    "recipient = \"b\"; },\n"
    "    { name = \"two\"; vars = { host = \"h2\"; }; sender = \"b\"; "
    "recipient = \"a\";\n"
    "      every = \"20s\"; connect_to = \"[::1]:1\"; ca_file = \"sub/ca\"; } "
    ");\n"
    "}, { name = \"copy\"; profile = \"sub/../p.cfg\";\n"
    "  budget = { per_minute = 2; parallel = 1; };\n"
    "  deployments = ( { name = \"one\"; vars = { host = \"h\"; }; sender = "
    "\"a\"; recipient = \"a\"; } );\n"
    "} );\n"
    "alerts = (\n"
    "  { name = \"down\"; kind = \"availability\"; below = \"99.5%\"; },\n"
    "  { name = \"slow\"; kind = \"latency\"; above = \"3s\"; quantile = 0.9;\n"
    "    operator = \"op\"; transaction = \"login\"; scope = \"deployment\";\n"
    "    window = \"10m\"; for = \"2m\"; resolve_after = \"0s\"; min_samples = "
    "3;\n    severity = 4; },\n"
    "  { name = \"half\"; kind = \"availability\"; below = 0.5; } );\n"
    "subscribers = (\n"
    "  { name = \"old\"; url = \"http://127.0.0.1:9/hook?x=1\"; "
    "allow_private = true;\n"
    "    secret_file = \"key\"; },\n"
    "  { name = \"new\"; url = \"https://h.example.pl/\"; min_severity = 3;\n"
    "    secret_files = ( \"key\", \"key2\" ); operators = ( \"copy\" ); } "
    ");\n";

static void
write_everything(void)
{
	folder_write("sub/ca", "");
	folder_write("sub/ca2", "");
	folder_write("key2", "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY");
}

static void
the_daemons_settings_arrive(void **state)
{
	(void)state;
	folder_enter();
	write_everything();
	struct conf *conf = load_good(everything);
	assert_string_equal(conf->contact, "simulated");
	assert_string_equal(conf->log_level, "debug");
	assert_int_equal(conf->engines, 3);
	assert_int_equal(conf->n_name_servers, 4);
	assert_string_equal(conf->name_servers[3], "[::1]:53");
	assert_int_equal(conf->n_references, 2);
	assert_string_equal(conf->references[0], "192.0.2.1:53");
	assert_string_equal(conf->ca_file, "sub/ca");
	assert_int_equal(conf->n_ca_files, 3);
	assert_string_equal(conf->ca_files[0].value, "sub/ca");
	assert_string_equal(conf->ca_files[0].key, "ca_file");
	assert_int_equal(conf->ca_files[0].src.line, 3);
	assert_string_equal(conf->ca_files[1].value, "sub/ca2");
	assert_string_equal(conf->ca_files[1].key, "operators[0].ca_file");
	assert_string_equal(
	    conf->ca_files[2].key, "operators[0].deployments[1].ca_file");
	assert_int_equal(conf->health.fail_n, 3);
	assert_int_equal(conf->health.fail_m, 5);
	assert_int_equal(conf->health.ok_n, 1);
	assert_int_equal(conf->health.slow, 1500 * US_PER_MS);
	assert_int_equal(conf->health.window, 60 * MINUTE);
	assert_string_equal(conf->store.dir, "sub/state");
	assert_int_equal(conf->store.write_every, 2 * MINUTE);
	assert_int_equal(conf->store.queue_bytes, 1 << 20);
	assert_int_equal(conf->store.runs_kept, 7);
	assert_int_equal(conf->store.n_archives, 2);
	assert_int_equal(conf->store.archives[1].step, 20 * US_PER_S);
	assert_int_equal(conf->store.archives[1].keep, DAY);
	assert_string_equal(conf->web.listen, "::");
	assert_int_equal(conf->web.port, 9000);
	assert_string_equal(conf->web.public_url, "https://d.example.pl/x");
	assert_string_equal(
	    conf->web.dashboards_dir, TEST_SRCDIR "/dashboards");
	assert_int_equal(conf->web.connections, 100);
	assert_int_equal(conf->web.connections_per_ip, 10);
	assert_int_equal(conf->web.event_streams, 0);
	assert_string_equal(conf->web.language, "en");
	conf_release(conf);
	folder_leave();
}

static void
operators_arrive(void **state)
{
	(void)state;
	folder_enter();
	write_everything();
	struct conf *conf = load_good(everything);
	assert_int_equal(conf->n_operators, 2);
	assert_int_equal(conf->n_profiles, 1);
	assert_int_equal(conf->n_accounts, 2);
	const struct conf_operator *op = &conf->operators[0];
	assert_string_equal(op->title, "Główny");
	assert_int_equal(op->per_minute, 100);
	assert_int_equal(op->parallel, 4);
	assert_ptr_equal(op->profile, conf->operators[1].profile);
	const struct conf_deployment *one = &op->deployments[0];
	const struct conf_deployment *two = &op->deployments[1];
	assert_int_equal(one->every, 10 * US_PER_S);
	assert_string_equal(one->connect_to, "127.0.0.1:8443");
	assert_string_equal(one->ca_file, "sub/ca2");
	assert_int_equal(two->every, 20 * US_PER_S);
	assert_string_equal(two->connect_to, "[::1]:1");
	assert_string_equal(two->ca_file, "sub/ca");
	assert_string_equal(
	    conf->operators[1].deployments[0].ca_file, "sub/ca");
	assert_ptr_equal(one->sender, two->recipient);
	assert_ptr_not_equal(one->sender, one->recipient);
	assert_true(conf_planned_per_minute(op) == 2 * 6.0 + 2 * 3.0);
	conf_release(conf);
	folder_leave();
}

static void
a_deviation_has_defaults_of_its_own(void **state)
{
	(void)state;
	folder_enter();
	struct conf *conf = load_good(TOP OPERATORS
	    "alerts = ( { name = \"a\"; kind = \"deviation\"; band = "
	    "\"300ms\"; "
	    "},\n"
	    "{ name = \"b\"; kind = \"deviation\"; band = \"2s\"; factor = "
	    "6.5;\n"
	    "quantile = 0.95; window = \"30m\"; min_samples = 40; for = "
	    "\"5m\";\n"
	    "resolve_after = \"20m\"; scope = \"deployment\"; severity = 1; "
	    "},\n"
	    "{ name = \"c\"; kind = \"deviation\"; band = \"1s\"; runs = 20; } "
	    ");\n");
	const struct conf_alert *a = &conf->alerts[0];
	assert_int_equal(a->kind, CONF_ALERT_DEVIATION);
	assert_int_equal(a->band, 300 * US_PER_MS);
	assert_true(a->factor == 4);
	assert_true(a->quantile == 0.5);
	assert_int_equal(a->window, 60 * MINUTE);
	assert_int_equal(a->min_samples, 10);
	assert_int_equal(a->resolve_after, 5 * MINUTE);
	assert_int_equal(a->severity, 2);
	const struct conf_alert *b = &conf->alerts[1];
	assert_int_equal(b->band, 2 * US_PER_S);
	assert_true(b->factor == 6.5);
	assert_true(b->quantile == 0.95);
	assert_int_equal(b->window, 30 * MINUTE);
	assert_int_equal(b->min_samples, 40);
	assert_int_equal(b->hold, 5 * MINUTE);
	assert_int_equal(b->resolve_after, 20 * MINUTE);
	assert_int_equal(b->scope, CONF_SCOPE_DEPLOYMENT);
	assert_int_equal(b->severity, 1);
	assert_int_equal(conf->alerts[2].runs, 20);
	conf_release(conf);
	folder_leave();
}

static void
alerts_and_subscribers_arrive(void **state)
{
	(void)state;
	folder_enter();
	write_everything();
	struct conf *conf = load_good(everything);
	assert_int_equal(conf->n_alerts, 3);
	const struct conf_alert *down = &conf->alerts[0];
	assert_int_equal(down->kind, CONF_ALERT_AVAILABILITY);
	assert_int_equal(down->scope, CONF_SCOPE_OPERATOR);
	assert_true(down->below == 0.995);
	assert_null(down->operator);
	assert_null(down->transaction);
	assert_int_equal(down->window, 15 * MINUTE);
	assert_int_equal(down->hold, 0);
	assert_int_equal(down->resolve_after, 5 * MINUTE);
	assert_int_equal(down->min_samples, 5);
	assert_int_equal(down->severity, 2);
	const struct conf_alert *slow = &conf->alerts[1];
	assert_int_equal(slow->kind, CONF_ALERT_LATENCY);
	assert_int_equal(slow->scope, CONF_SCOPE_DEPLOYMENT);
	assert_string_equal(slow->operator, "op");
	assert_string_equal(slow->transaction, "login");
	assert_int_equal(slow->above, 3 * US_PER_S);
	assert_true(slow->quantile == 0.9);
	assert_int_equal(slow->hold, 2 * MINUTE);
	assert_int_equal(slow->resolve_after, 0);
	assert_int_equal(slow->severity, 4);
	assert_true(conf->alerts[2].below == 0.5);

	assert_int_equal(conf->n_subscribers, 2);
	const struct conf_subscriber *old = &conf->subscribers[0];
	assert_string_equal(old->url, "http://127.0.0.1:9/hook?x=1");
	assert_true(old->allow_private);
	assert_int_equal(old->min_severity, 1);
	assert_int_equal(old->n_secrets, 1);
	assert_int_equal(secret_len(old->secrets[0]), 24);
	const struct conf_subscriber *new = &conf->subscribers[1];
	assert_false(new->allow_private);
	assert_int_equal(new->n_secrets, 2);
	assert_int_equal(new->n_operators, 1);
	assert_string_equal(new->operators[0], "copy");
	assert_int_equal(new->min_severity, 3);
	assert_string_equal(
	    secret_reveal(new->secrets[1]), "ABCDEFGHIJKLMNOPQRSTUVWX");
	conf_release(conf);
	folder_leave();
}

static void
a_second_load_is_equal_and_on_its_own(void **state)
{
	(void)state;
	folder_enter();
	write_everything();
	struct conf *first = load_good(everything);
	struct conf *held = conf_hold(first);
	struct conf *second = load_good(everything);
	assert_ptr_not_equal(first, second);
	conf_release(first);
	assert_int_equal(held->n_operators, second->n_operators);
	for (size_t i = 0; i < held->n_operators; i++) {
		const struct conf_operator *a = &held->operators[i];
		const struct conf_operator *b = &second->operators[i];
		assert_string_equal(a->name, b->name);
		assert_string_equal(a->src.file, b->src.file);
		assert_int_equal(a->src.line, b->src.line);
		assert_int_equal(a->n_deployments, b->n_deployments);
		assert_string_equal(a->deployments[0].vars[0].value.value,
		    b->deployments[0].vars[0].value.value);
		assert_ptr_not_equal(a->profile, b->profile);
	}
	conf_release(held);
	assert_string_equal(
	    secret_reveal(conf_account_field(
		second->operators[0].deployments[0].sender, "password")),
	    "kot");
	conf_release(second);
	folder_leave();
}

static void
public_addresses_by_default(void **state)
{
	(void)state;
	static const struct {
		const char *web;
		const char *url;
	} cases[] = {
	    {"web = { listen = \"0.0.0.0\"; };\n", "http://localhost:8420"},
	    {"web = { listen = \"::1\"; port = 1; };\n", "http://[::1]:1"},
	    {"web = { listen = \"::\"; };\n", "http://localhost:8420"},
	    {"web = { port = 0; };\n", ""},
	};
	folder_enter();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[1024];
		snprintf(
		    text, sizeof(text), "%s%s", TOP OPERATORS, cases[i].web);
		struct conf *conf = load_good(text);
		assert_string_equal(conf->web.public_url, cases[i].url);
		conf_release(conf);
	}
	folder_leave();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_are_filled_in),
	    cmocka_unit_test(the_daemons_settings_arrive),
	    cmocka_unit_test(operators_arrive),
	    cmocka_unit_test(a_deviation_has_defaults_of_its_own),
	    cmocka_unit_test(alerts_and_subscribers_arrive),
	    cmocka_unit_test(a_second_load_is_equal_and_on_its_own),
	    cmocka_unit_test(public_addresses_by_default),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
