/* Profiles: transactions, steps, markers, and the arithmetic over them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "folder.h"

/* A p.cfg of which one part is told; c.cfg is good. */
#define MAIN \
	{ \
		"c.cfg", TOP OPERATORS \
	}
#define HEAD "hosts = ( \"${host}\" ); vars = ( \"host\" );\n"
#define STEPS(steps) \
	HEAD "transactions = ( { name = \"login\"; steps = (\n" steps \
	     " ); } );\n"
#define STEP(keys) STEPS("{ name = \"s\"; " keys " }\n")
#define GOOD_STEP "steps = ( { name = \"s\"; get = \"u\"; } );"

static const struct folder_case whole[] = {
    {"an empty profile", {MAIN, {"p.cfg", ""}},
	"c.cfg:2: operators[0].deployments[0].vars.host: the profile \"p\" has "
	"no such variable\n"
	"p.cfg: hosts: is required\n"
	"p.cfg: transactions: is required\n"},
    {"hosts and variables",
	{MAIN,
	    {"p.cfg",
		"hosts = ( \"https://a.pl\",\n\"a.*.pl\",\n\"*.a.pl\", "
		"\"*\" );\nvars = ( \"host\",\n\"9a\",\n\"now\",\n\"a-b\" "
		");\ntransactions = ( { name = \"login\"; " GOOD_STEP
		" } );\n"}},
	"c.cfg:2: operators[0].deployments[0].vars: must give \"9a\", which "
	"the "
	"profile \"p\" needs\n"
	"c.cfg:2: operators[0].deployments[0].vars: must give \"now\", which "
	"the profile \"p\" needs\n"
	"c.cfg:2: operators[0].deployments[0].vars: must give \"a-b\", which "
	"the profile \"p\" needs\n"
	"p.cfg:1: hosts[0]: must be a host without scheme or port, such as "
	"\"uczen.example.pl\", \"*.example.pl\" or \"${host}\"\n"
	"p.cfg:2: hosts[1]: must be a host without scheme or port, such as "
	"\"uczen.example.pl\", \"*.example.pl\" or \"${host}\"\n"
	"p.cfg:3: hosts[3]: must be a host without scheme or port, such as "
	"\"uczen.example.pl\", \"*.example.pl\" or \"${host}\"\n"
	"p.cfg:5: vars[1]: must be a name: 1 to 31 letters, digits and _, a "
	"letter first\n"
	"p.cfg:6: vars[2]: \"now\" has a meaning of its own in templates\n"
	"p.cfg:7: vars[3]: must be a name: 1 to 31 letters, digits and _, a "
	"letter first\n"},
    {"no transaction", {MAIN, {"p.cfg", HEAD "transactions = ();\n"}},
	"p.cfg:2: transactions: must have at least one transaction that is "
	"measured: not `always`\n"},
    {"transactions",
	{MAIN,
	    {"p.cfg",
		HEAD
		"transactions = (\n"
		"{ name = \"login\"; needs = \"login\";\n" GOOD_STEP " },\n"
		"{ name = \"login\"; timeout = \"1h\";\n from = \"x\";\n to = "
		"\"y\";\n" GOOD_STEP " },\n"
		"{ name = \"three\"; needs = \"four\"; from = \"b\"; to = "
		"\"a\";\n steps = ( { name = \"a\"; get = \"u\"; }, { name = "
		"\"b\"; get = \"u\"; } ); },\n"
		"{ name = \"four\"; steps = (); } );\n"}},
	"p.cfg:3: transactions[0].needs: must name a transaction before this "
	"one, or be \"\" for none: there is none\n"
	"p.cfg:5: transactions[1].timeout: must be a duration in quotes from "
	"100ms to 30m: a whole number and ms, s, m, h or d, such as "
	"\"20s\"\n"
	"p.cfg:5: transactions[1].name: \"login\" is there twice; names must "
	"differ\n"
	"p.cfg:6: transactions[1].from: must name a step of this transaction: "
	"s\n"
	"p.cfg:7: transactions[1].to: must name a step of this transaction: "
	"s\n"
	"p.cfg:9: transactions[2].to: the measured span must not end before it "
	"begins\n"
	"p.cfg:9: transactions[2].needs: must name a transaction before this "
	"one, or be \"\" for none: login, login\n"
	"p.cfg:11: transactions[3].steps: must have at least one step\n"},
    {"markers",
	{MAIN,
	    {"p.cfg",
		HEAD
		"transactions = ( { name = \"login\"; " GOOD_STEP " } );\n"
		"markers = (\n{ reason = \"captcha\"; },\n"
		"{ body = \"x\"; },\n{ body = \"x\"; reason = \"captch\"; },\n"
		"{ status = \"600\"; reason = \"http_5xx\"; },\n"
		"{ status = \"599..500\"; reason = \"http_5xx\"; },\n"
		"{ body = \"x\"; reason = \"fd_limit\"; } );\n"}},
	"p.cfg:4: markers[0]: must have one of body, url, xpath, json and "
	"status, else it would fit every page\n"
	"p.cfg:5: markers[1].reason: is required\n"
	"p.cfg:6: markers[2].reason: unknown reason; did you mean "
	"\"captcha\"?\n"
	"p.cfg:7: markers[3].status: must be a status from 100 to 599 or a "
	"range, such as \"503\" or \"500..599\"\n"
	"p.cfg:8: markers[4].status: must be a status from 100 to 599 or a "
	"range, such as \"503\" or \"500..599\"\n"
	"p.cfg:9: markers[5].reason: must be one of ok, dns_failure, "
	"dns_timeout, connect_refused, connect_timeout, connection_reset, "
	"tls_failure, tls_expired, tls_name, http_5xx, http_4xx, no_answer, "
	"slow_body, overload_page, maintenance_page, redirect_loop, too_large, "
	"message_lost, message_late, bad_credentials, account_locked, "
	"account_expired, captcha, interstitial, unknown_page, "
	"extract_failed\n"},
};

static const struct folder_case steps[] = {
    {"a step sends one request",
	{MAIN,
	    {"p.cfg",
		STEPS("{ name = \"s\"; },\n"
		      "{ name = \"t\"; get = \"u\";\n post = \"u\"; },\n"
		      "{ name = \"u\"; post = \"u\"; form = { a = \"b\"; };\n "
		      "json = \"{}\"; "
		      "},\n{ name = \"v\"; get = \"u\"; body = \"x\"; }")}},
	"p.cfg:3: transactions[0].steps[0]: must have one of get, post, put, "
	"delete and use\n"
	"p.cfg:5: transactions[0].steps[1].post: a step is one of get, post, "
	"put and delete\n"
	"p.cfg:7: transactions[0].steps[2].json: a step sends one of form, "
	"multipart, json and body\n"
	"p.cfg:8: transactions[0].steps[3].get: sends no form, json or body\n"},
    {"names of steps are unique",
	{MAIN,
	    {"p.cfg",
		STEPS("{ name = \"s\"; get = \"u\"; },\n"
		      "{ name = \"s\"; get = \"u\"; }")}},
	"p.cfg:4: transactions[0].steps[1].name: \"s\" is there twice; names "
	"must differ\n"},
    {"headers",
	{MAIN,
	    {"p.cfg",
		STEP("get = \"u\"; headers = (\n\"Accept: a\",\n"
		     "\"Accept\",\n\"A b: c\",\n\"host: x\",\n"
		     "\"X-A: b\\nX-C: d\" );")}},
	"p.cfg:5: transactions[0].steps[0].headers[1]: must be \"Name: "
	"value\"\n"
	"p.cfg:6: transactions[0].steps[0].headers[2]: the name of the header "
	"has a character that may not stand there: letters, digits and - may\n"
	"p.cfg:7: transactions[0].steps[0].headers[3]: the header Host is set "
	"by the daemon\n"
	"p.cfg:8: transactions[0].steps[0].headers[4]: must not hold control "
	"characters or line breaks; a backslash is written \\\\\n"},
    {"forms",
	{MAIN,
	    {"p.cfg",
		STEP("post = \"u\"; form = (\n\"a=b\",\n\"a\",\n\"=b\","
		     "\n\"*\",\n7 );")}},
	"p.cfg:5: transactions[0].steps[0].form[1]: must be \"name=value\", or "
	"\"*NAME\" for the fields of an extracted form\n"
	"p.cfg:6: transactions[0].steps[0].form[2]: must be \"name=value\", or "
	"\"*NAME\" for the fields of an extracted form\n"
	"p.cfg:7: transactions[0].steps[0].form[3]: must be \"name=value\", or "
	"\"*NAME\" for the fields of an extracted form\n"
	"p.cfg:8: transactions[0].steps[0].form[4]: must be a string in "
	"quotes\n"},
    {"polls",
	{MAIN,
	    {"p.cfg",
		STEP("get = \"u\"; idempotent = false;\n poll = { every "
		     "= \"9s\"; at_most = \"8s\"; until = \"x\"; }; }, "
		     "{ name = \"t\"; get = \"u\";\n poll = { until = "
		     "\"status 200\"; at_most = \"21s\"; };")}},
	"p.cfg:3: transactions[0].steps[0].idempotent: a step that must not be "
	"repeated cannot poll\n"
	"p.cfg:4: transactions[0].steps[0].poll.every: must not be longer than "
	"at_most\n"
	"p.cfg:5: transactions[0].steps[1].poll.until: may poll for longer "
	"than "
	"the timeout of its transaction, which is 20s\n"},
    {"late and once",
	{MAIN,
	    {"p.cfg",
		STEP("get = \"u\";\n poll = { until = \"x\"; at_most = "
		     "\"8s\";\n late = \"9s\"; };\n once = 7;\n timeout = "
		     "\"0s\";")}},
	"p.cfg:5: transactions[0].steps[0].poll.late: must not be longer than "
	"at_most\n"
	"p.cfg:6: transactions[0].steps[0].once: must be a string in quotes\n"
	"p.cfg:7: transactions[0].steps[0].timeout: must be a duration in "
	"quotes from 100ms to 30m: a whole number and ms, s, m, h or d, such "
	"as \"20s\"\n"},
    {"steps for a lost answer",
	{MAIN,
	    {"p.cfg",
		HEAD "transactions = ( { name = \"login\"; to = \"b\"; steps "
		     "= (\n"
		     "{ name = \"a\"; post = \"u\"; idempotent = false; "
		     "if_lost = \"b\"; },\n"
		     "{ name = \"b\"; get = \"u\"; },\n"
		     "{ name = \"c\"; get = \"u\"; if_lost = \"d\"; },\n"
		     "{ name = \"d\"; get = \"u\"; },\n"
		     "{ name = \"e\"; post = \"u\"; idempotent = false; "
		     "if_lost = \"b\"; },\n"
		     "{ name = \"f\"; post = \"u\"; idempotent = false; "
		     "if_lost = \"g\"; },\n"
		     "{ name = \"g\"; get = \"u\"; always = true; } ); } "
		     ");\n"}},
	"p.cfg:2: transactions[0].to: \"b\" is played only when an answer is "
	"lost\n"
	"p.cfg:5: transactions[0].steps[2].if_lost: is for a step that is sent "
	"once only: idempotent = false\n"
	"p.cfg:7: transactions[0].steps[4].if_lost: \"b\" must be a step "
	"after this one, not an `always` one, and named by one if_lost only\n"
	"p.cfg:8: transactions[0].steps[5].if_lost: \"g\" must be a step "
	"after this one, not an `always` one, and named by one if_lost only\n"},
    {"nothing after the steps for a lost answer",
	{MAIN,
	    {"p.cfg",
		STEPS("{ name = \"s\"; post = \"u\"; idempotent = false;\n "
		      "if_lost = ( \"t\" ); },\n"
		      "{ name = \"t\"; get = \"u\"; }")}},
	"p.cfg:4: transactions[0].steps[0].if_lost: a step that is played in "
	"any case must come after those that are named here\n"},
    {"numbers and words of a step",
	{MAIN,
	    {"p.cfg",
		STEP("get = \"u\";\n as = \"teacher\";\n follow = 21;\n"
		     " redirects = -1;\n expect = 200;\n extract = ( "
		     "\"\" );\n allways = true;")}},
	"p.cfg:4: transactions[0].steps[0].as: must be \"sender\" or "
	"\"recipient\"\n"
	"p.cfg:5: transactions[0].steps[0].follow: must be a whole number from "
	"0 to 20, without quotes\n"
	"p.cfg:6: transactions[0].steps[0].redirects: must be a whole number "
	"from 0 to 20, without quotes\n"
	"p.cfg:7: transactions[0].steps[0].expect: must be a list of strings: "
	"( …, … )\n"
	"p.cfg:8: transactions[0].steps[0].extract[0]: must not be empty\n"
	"p.cfg:9: transactions[0].steps[0].allways: unknown key; did you mean "
	"\"always\"?\n"},
    {"use",
	{MAIN,
	    {"p.cfg",
		HEAD "transactions = ( { name = \"login\"; " GOOD_STEP " },\n"
		     "{ name = \"two\"; steps = ( { name = \"a\"; use = "
		     "\"login\"; },\n"
		     "{ name = \"b\"; use = \"two\"; } ); },\n"
		     "{ name = \"three\"; steps = ( { name = \"a\"; use = "
		     "\"two\"; },\n"
		     "{ name = \"b\"; use = \"login\"; follow = 3; get = "
		     "\"u\"; } ); } "
		     ");\n"}},
	"p.cfg:4: transactions[1].steps[1].use: must name a transaction before "
	"this one: login\n"
	"p.cfg:5: transactions[2].steps[0].use: \"two\" itself has a step with "
	"use; that may not nest\n"
	"p.cfg:6: transactions[2].steps[1].follow: has no place in a step with "
	"use, which takes name and as\n"
	"p.cfg:6: transactions[2].steps[1].get: has no place in a step with "
	"use, which takes name and as\n"},
};

static void
whole_profiles(void **state)
{
	(void)state;
	folder_check_cases(whole, ARRAY_LEN(whole));
}

static void
steps_of_transactions(void **state)
{
	(void)state;
	folder_check_cases(steps, ARRAY_LEN(steps));
}

static const char full[] =
    "hosts = ( \"${host}\", \"*.example.pl\" );\n"
    "vars = ( \"host\" );\n"
    "headers = { Accept = \"text/html\"; };\n"
    "max_body = \"1MB\";\n"
    "transactions = (\n"
    "  { name = \"login\"; title = \"Logowanie\"; timeout = \"15s\";\n"
    "    steps = (\n"
    "      { name = \"form\"; get = \"https://${host}/\";\n"
    "        extract = \"f = form login\"; redirects = 2; },\n"
    "      { name = \"submit\"; post = \"${f.action}\";\n"
    "        form = ( \"*f\", \"login=${account.user}\", \"a[b]= c=d\" );\n"
    "        expect = (\n"
    "          \"status 200\",\n"
    "          \"body contains \\\"Wyloguj\\\"\"\n"
    "        ); },\n"
    "      { name = \"out\"; get = \"u\"; always = true; } ); },\n"
    "  { name = \"grades\"; steps = ( { name = \"g\"; put = \"u\";\n"
    "      json = \"{}\"; headers = [ \"X-A:  b: c\" ]; follow = 0; } ); },\n"
    "  { name = \"message\"; from = \"send\"; to = \"find\"; needs = "
    "\"grades\";\n"
    "    timeout = \"2m\"; steps = (\n"
    "      { name = \"send\"; post = \"u\"; idempotent = false;\n"
    "        derive = \"x = pow a 9 1\"; timeout = \"20s\";\n"
    "        if_lost = ( \"look\" );\n"
    "        multipart = { text = \"${run.mark}\"; }; },\n"
    "      { name = \"other\"; as = \"recipient\"; use = \"login\"; },\n"
    "      { name = \"look\"; get = \"u\"; redirects = 5; },\n"
    "      { name = \"find\"; as = \"recipient\"; get = \"u\";\n"
    "        once = \"xpath //tr\";\n"
    "        poll = { until = \"body contains \\\"${run.mark}\\\"\";\n"
    "          every = \"3s\"; at_most = \"90s\"; late = \"30s\"; }; } ); "
    "},\n"
    "  { name = \"logout\"; always = true; repeat = 3; needs = \"\";\n"
    "    steps = ( { name = \"l\"; delete = \"u\"; body = \"x\"; } ); } );\n"
    "markers = ( { body = \"przeciążenie\"; reason = \"overload_page\"; },\n"
    "  { status = 503; url = \"/x\"; reason = \"http_5xx\"; },\n"
    "  { status = \"500..599\"; json = \"/a = b\"; reason = \"ok\"; } );\n";

static void
a_full_profile_is_read(void **state)
{
	(void)state;
	folder_enter();
	folder_write("c.cfg", TOP OPERATORS);
	folder_write("p.cfg", full);
	struct conf *conf;
	char *problems = folder_load(&conf);
	assert_string_equal(problems, "");
	free(problems);
	const struct conf_profile *p = conf->operators[0].profile;
	assert_string_equal(p->name, "p");
	assert_string_equal(p->path, "p.cfg");
	assert_int_equal(p->n_hosts, 2);
	assert_int_equal(p->n_headers, 1);
	assert_string_equal(p->headers[0].value.key, "headers.Accept");
	assert_int_equal(p->max_body_bytes, 1 << 20);
	assert_int_equal(p->n_transactions, 4);

	const struct conf_transaction *login = &p->transactions[0];
	assert_string_equal(login->title.value, "Logowanie");
	assert_int_equal(login->timeout, 15 * US_PER_S);
	assert_null(login->needs);
	const struct conf_step *submit = &login->steps[1];
	assert_int_equal(submit->method, CONF_POST);
	assert_int_equal(submit->actor, CONF_SENDER);
	assert_true(submit->idempotent);
	assert_int_equal(submit->follow, 10);
	assert_int_equal(submit->n_form, 3);
	assert_string_equal(submit->form[0].name, "*");
	assert_string_equal(submit->form[0].value.value, "f");
	assert_string_equal(submit->form[1].value.value, "${account.user}");
	assert_string_equal(submit->form[2].name, "a[b]");
	assert_string_equal(submit->form[2].value.value, " c=d");
	assert_string_equal(
	    submit->expect[1].key, "transactions[0].steps[1].expect[1]");
	assert_int_equal(submit->expect[1].src.line, 14);
	assert_string_equal(submit->expect[1].src.file, "p.cfg");
	assert_string_equal(
	    submit->expect[1].value, "body contains \"Wyloguj\"");
	assert_string_equal(submit->json.value, "");
	assert_string_equal(submit->until.value, "");
	assert_string_equal(
	    login->steps[0].extract[0].key, "transactions[0].steps[0].extract");

	const struct conf_step *grade = &p->transactions[1].steps[0];
	assert_string_equal(p->transactions[1].needs, "login");
	assert_string_equal(p->transactions[1].title.value, "grades");
	assert_int_equal(grade->method, CONF_PUT);
	assert_string_equal(grade->headers[0].name, "X-A");
	assert_string_equal(grade->headers[0].value.value, "b: c");
	assert_int_equal(grade->follow, 0);

	const struct conf_transaction *message = &p->transactions[2];
	assert_string_equal(message->needs, "grades");
	assert_string_equal(message->from, "send");
	assert_true(message->steps[0].multipart);
	assert_false(message->steps[0].idempotent);
	assert_string_equal(message->steps[1].use, "login");
	assert_int_equal(message->steps[1].actor, CONF_RECIPIENT);
	assert_int_equal(message->steps[0].n_derive, 1);
	assert_int_equal(message->steps[0].timeout, 20 * US_PER_S);
	assert_string_equal(message->steps[0].if_lost[0], "look");
	assert_true(message->steps[2].reserve);
	assert_false(message->steps[3].reserve);
	assert_int_equal(message->steps[3].every, 3 * US_PER_S);
	assert_int_equal(message->steps[3].at_most, 90 * US_PER_S);
	assert_int_equal(message->steps[3].late, 30 * US_PER_S);
	assert_string_equal(message->steps[3].once.value, "xpath //tr");
	assert_string_equal(
	    message->steps[3].until.key, "transactions[2].steps[3].poll.until");
	assert_null(p->transactions[3].needs);
	assert_true(p->transactions[3].always);
	assert_int_equal(p->transactions[3].repeat, 3);
	assert_int_equal(message->repeat, 1);

	assert_int_equal(p->n_markers, 3);
	assert_string_equal(p->markers[0].url.value, "");
	assert_int_equal(p->markers[0].status_min, 0);
	assert_int_equal(p->markers[1].status_max, 503);
	assert_int_equal(p->markers[2].status_min, 500);
	assert_int_equal(p->markers[2].status_max, 599);
	assert_int_equal(p->markers[2].reason, REASON_OK);

	/* login 1+2, 1, 1; grades 1; message 1, used login without its
	 * clean-up 4, 1, nothing lost; logout 1, and a second round's first */
	assert_int_equal(conf_journey_requests(p), 14);
	assert_true(conf_planned_per_minute(&conf->operators[0]) == 14.0);
	assert_ptr_equal(conf_transaction_find(p, "message"), message);
	assert_null(conf_transaction_find(p, "none"));
	conf_release(conf);
	folder_leave();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_profiles),
	    cmocka_unit_test(steps_of_transactions),
	    cmocka_unit_test(a_full_profile_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
