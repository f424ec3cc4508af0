/* Every kind of mistake that a profile can have, as `dyzurny check` tells it:
 * file, line, key, and what is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/buf.h"
#include "probe/probe.h"
#include "tests/unit/conf/folder.h"

/* Line 1, and a profile around what is wrong. */
#define HEAD "hosts = ( \"${host}\" ); vars = ( \"host\" );\n"
#define GOOD \
	"transactions = ( { name = \"login\"; steps = ( { name = \"s\"; " \
	"get = \"https://${host}/\"; } ); } );\n"
#define STEP(keys) \
	HEAD "transactions = ( { name = \"login\"; steps = (\n" \
	     "{ name = \"s\";\n" keys " } ); } );\n"
#define GET "get = \"https://${host}/\";\n"
#define MARKER(marker) HEAD GOOD "markers = (\n" marker " );\n"

static const struct {
	const char *title, *profile, *problems;
} mistakes[] = {
    {"a syntax error",
	HEAD "transactions = (\n"
	     "{ name = login; } );\n",
	"p.cfg:3: syntax error here or on the line before: settings are key = "
	"value; with texts in quotes, groups { … }, lists ( …, … ) without a "
	"comma at the end\n"},
    {"an unknown key", HEAD GOOD "timeout = \"5s\";\n",
	"p.cfg:3: timeout: unknown key; known here: hosts, vars, headers, "
	"max_body, transactions, markers\n"},
    {"an unknown key near a known one", HEAD GOOD "marker = ();\n",
	"p.cfg:3: marker: unknown key; did you mean \"markers\"?\n"},
    {"a key twice",
	HEAD "max_body = \"1MB\";\n"
	     "max_body = \"2MB\";\n" GOOD,
	"p.cfg:3: this key stands twice in its group; each may stand there "
	"once\n"},
    {"a size", HEAD "max_body = 7;\n" GOOD,
	"p.cfg:2: max_body: must be a size in quotes from 1kB to 64MB, such as "
	"\"2MB\"\n"},
    {"a size out of range", HEAD "max_body = \"1GB\";\n" GOOD,
	"p.cfg:2: max_body: must be a size in quotes from 1kB to 64MB, such as "
	"\"2MB\"\n"},
    {"a host with a scheme",
	"hosts = ( \"https://a.pl\" ); vars = ( \"host\" );\n" GOOD,
	"p.cfg:1: hosts[0]: must be a host without scheme or port, such as "
	"\"uczen.example.pl\", \"*.example.pl\" or \"${host}\"\n"},
    {"a variable of a taken name",
	"hosts = ( \"${host}\" ); vars = ( \"host\",\n"
	"\"run\" );\n" GOOD,
	"c.cfg:2: operators[0].deployments[0].vars: must give \"run\", which "
	"the profile \"p\" needs\n"
	"p.cfg:2: vars[1]: \"run\" has a meaning of its own in templates\n"},
    {"a header without a colon", HEAD "headers = ( \"Accept\" );\n" GOOD,
	"p.cfg:2: headers[0]: must be \"Name: value\"\n"},
    {"a header of ours", HEAD "headers = { Host = \"a\"; };\n" GOOD,
	"p.cfg:2: headers.Host: the header Host is set by the daemon\n"},
    {"no transaction", HEAD, "p.cfg: transactions: is required\n"},
    {"a name",
	HEAD "transactions = ( { name = \"Log In\"; steps = ( { name = \"s\"; "
	     "get = \"https://${host}/\"; } ); } );\n",
	"p.cfg:2: transactions[0].name: must be a name in quotes: 1 to 31 of "
	"a-z, 0-9, _ and -\n"},
    {"a length",
	HEAD "transactions = ( { name = \"login\"; timeout = 20; steps = ( { "
	     "name = \"s\"; get = \"https://${host}/\"; } ); } );\n",
	"p.cfg:2: transactions[0].timeout: must be a duration in quotes from "
	"100ms to 30m: a whole number and ms, s, m, h or d, such as \"20s\"\n"},
    {"a transaction without steps",
	HEAD "transactions = ( { name = \"login\"; } );\n",
	"p.cfg:2: transactions[0].steps: is required\n"},
    {"an unknown step in from",
	HEAD "transactions = ( { name = \"login\"; from = \"x\"; steps = ( { "
	     "name = \"s\"; get = \"https://${host}/\"; }, { name = \"t\"; get "
	     "= \"https://${host}/\"; } ); } );\n",
	"p.cfg:2: transactions[0].from: must name a step of this transaction: "
	"s, t\n"},
    {"an unknown transaction in needs",
	HEAD "transactions = ( { name = \"login\"; steps = ( { name = \"s\"; "
	     "get = \"https://${host}/\"; } ); },\n"
	     "{ name = \"m\"; needs = \"logn\"; steps = ( { name = \"s\"; get "
	     "= \"https://${host}/\"; } ); } );\n",
	"p.cfg:3: transactions[1].needs: must name a transaction before this "
	"one, or be \"\" for none: login\n"},
    {"an unknown transaction in use",
	HEAD
	"transactions = ( { name = \"login\"; steps = ( { name = \"s\"; get = "
	"\"https://${host}/\"; } ); },\n"
	"{ name = \"m\"; steps = ( { name = \"s\"; use = \"logn\"; } ); } );\n",
	"p.cfg:3: transactions[1].steps[0].use: must name a transaction before "
	"this one: login\n"},
    {"truth in quotes", STEP(GET "always = \"yes\";"),
	"p.cfg:5: transactions[0].steps[0].always: must be true or false, "
	"without quotes\n"},
    {"a number in quotes", STEP(GET "follow = \"3\";"),
	"p.cfg:5: transactions[0].steps[0].follow: must be a whole number from "
	"0 to 20, without quotes\n"},
    {"a word that is none of the choices", STEP(GET "as = \"teacher\";"),
	"p.cfg:5: transactions[0].steps[0].as: must be \"sender\" or "
	"\"recipient\"\n"},
    {"no method", STEP("expect = \"status 200\";"),
	"p.cfg:3: transactions[0].steps[0]: must have one of get, post, put, "
	"delete and use\n"},
    {"two methods", STEP(GET "post = \"https://${host}/\";"),
	"p.cfg:5: transactions[0].steps[0].post: a step is one of get, post, "
	"put and delete\n"},
    {"a body with get", STEP(GET "json = \"{}\";"),
	"p.cfg:4: transactions[0].steps[0].get: sends no form, json or body\n"},
    {"a poll without until", STEP(GET "poll = { at_most = \"5s\"; };"),
	"p.cfg:5: transactions[0].steps[0].poll.until: is required\n"},
    {"a poll longer than its transaction",
	STEP(GET "poll = { until = \"status 200\"; at_most = \"60s\"; };"),
	"p.cfg:5: transactions[0].steps[0].poll.until: may poll for longer "
	"than the timeout of its transaction, which is 20s\n"},
    {"an unknown key of a poll",
	STEP(GET "poll = { until = \"status 200\"; at_most = \"5s\"; evry = "
		 "\"1s\"; };"),
	"p.cfg:5: transactions[0].steps[0].poll.evry: unknown key; did you "
	"mean \"every\"?\n"},
    {"if_lost of what may be repeated", STEP(GET "if_lost = \"t\";"),
	"p.cfg:5: transactions[0].steps[0].if_lost: is for a step that is sent "
	"once only: idempotent = false\n"
	"p.cfg:5: transactions[0].steps[0].if_lost: \"t\" must be a step after "
	"this one, not an `always` one, and named by one if_lost only\n"},
    {"if_lost names nothing",
	STEP("post = \"https://${host}/\"; idempotent = false;\n"
	     "if_lost = \"t\";"),
	"p.cfg:5: transactions[0].steps[0].if_lost: \"t\" must be a step after "
	"this one, not an `always` one, and named by one if_lost only\n"},
    {"rounds of what is measured",
	HEAD "transactions = ( { name = \"login\"; repeat = 2; steps = (\n"
	     "{ name = \"s\";\n" GET " } ); } );\n",
	"p.cfg:2: transactions[0].repeat: only an `always` transaction is "
	"repeated\n"},
    {"an address without a scheme", STEP("get = \"/login\";"),
	"p.cfg:4: transactions[0].steps[0].get: column 1: an address begins "
	"with https://, or is a name's value\n"},
    {"an address anyone could read", STEP("get = \"http://${host}/login\";"),
	"p.cfg:4: transactions[0].steps[0].get: column 1: an address begins "
	"with https://, or is a name's value\n"},
    {"a host that is not listed", STEP("get = \"https://example.pl/\";"),
	"p.cfg:4: transactions[0].steps[0].get: column 9: \"example.pl\" is "
	"not one of the profile's hosts: ${host}\n"},
    {"an unknown name", STEP("get = \"https://${host}/${xyzzyx}\";"),
	"p.cfg:4: transactions[0].steps[0].get: column 19: unknown name "
	"\"xyzzyx\": known here are host, run.id, run.mark, run.uuid, now, "
	"now.ms, now.date, now.time, sender.FIELD, recipient.FIELD, "
	"account.FIELD, date-Nd and date+Nd\n"},
    {"an unknown name near a known one", STEP("get = \"https://${hots}/\";"),
	"p.cfg:4: transactions[0].steps[0].get: column 11: unknown name "
	"\"hots\": known here are host, run.id, run.mark, run.uuid, now, "
	"now.ms, now.date, now.time, sender.FIELD, recipient.FIELD, "
	"account.FIELD, date-Nd and date+Nd\n"},
    {"a name that is never closed", STEP("get = \"https://${host/\";"),
	"p.cfg:4: transactions[0].steps[0].get: column 9: \"${\" without "
	"\"}\"; a dollar sign is \"$$\"\n"},
    {"an unknown filter", STEP("get = \"https://${host}/${now|hex}\";"),
	"p.cfg:4: transactions[0].steps[0].get: column 17: unknown filter "
	"\"hex\": url, json, base64, html, lower, upper and trim are known\n"},
    {"a form used as a text",
	STEP("get = \"https://${host}/\"; extract = ( \"f = form a\", \"t = "
	     "url\" ); },\n"
	     "{ name = \"t\";\n"
	     "get = \"https://${host}/${f}\";"),
	"p.cfg:6: transactions[0].steps[1].get: column 19: \"f\" is a form: "
	"use \"*\" = \"f\" in a form, or ${f.action}\n"},
    {"a text used as a form",
	STEP("get = \"https://${host}/\"; extract = ( \"f = form a\", \"t = "
	     "url\" ); },\n"
	     "{ name = \"t\";\n"
	     "post = \"https://${host}/\"; form = ( \"*t\" );"),
	"p.cfg:6: transactions[0].steps[1].form[0]: column 1: \"*\" takes the "
	"name of a form that an earlier step extracts: f\n"},
    {"a form entry without =",
	STEP("post = \"https://${host}/\"; form = ( \"a\" );"),
	"p.cfg:4: transactions[0].steps[0].form[0]: must be \"name=value\", or "
	"\"*NAME\" for the fields of an extracted form\n"},
    {"a name that is extracted later",
	STEP("get = \"https://${host}/${t}\"; extract = \"t = url\";"),
	"p.cfg:4: transactions[0].steps[0].get: column 19: unknown name \"t\": "
	"known here are host, run.id, run.mark, run.uuid, now, now.ms, "
	"now.date, now.time, sender.FIELD, recipient.FIELD, account.FIELD, "
	"date-Nd and date+Nd\n"},
    {"an unknown derivation", STEP(GET "derive = \"a = sha1 x\";"),
	"p.cfg:5: transactions[0].steps[0].derive: column 5: unknown "
	"derivation: only pow is known, written NAME = pow CHALLENGE "
	"DIFFICULTY ROUNDS\n"},
    {"a derivation without all it needs", STEP(GET "derive = \"a = pow x 9\";"),
	"p.cfg:5: transactions[0].steps[0].derive: column 12: the number of "
	"rounds is needed here: it is written NAME = pow CHALLENGE DIFFICULTY "
	"ROUNDS\n"},
    {"an extraction without a name", STEP(GET "extract = \"json /a\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 6: = or ?= is "
	"needed after the name\n"},
    {"an unknown extractor", STEP(GET "extract = \"a = jsonpath /a\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 5: unknown "
	"extractor: json, xpath, regex, form, header, cookie, between and url "
	"are known\n"},
    {"a pointer without a slash", STEP(GET "extract = \"a = json data\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 10: a JSON pointer "
	"such as /data/0/id is needed here\n"},
    {"a where without a star",
	STEP(GET "extract = \"a = json /a where /b = 'c'\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 19: \"where\" needs "
	"a \"*\" in the pointer before it\n"},
    {"a where without a comparison",
	STEP(GET "extract = \"a = json /*/a where /b 'c'\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 24: = or contains "
	"is needed here\n"},
    {"a function that XPath has not",
	STEP(GET "expect = \"xpath //a[ends-with(@href, 'x')]\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 11: unknown function "
	"\"ends-with\": XPath 1.0 has boolean, ceiling, concat, contains, "
	"count, "
	"false, floor, id, lang, last, local-name, name, namespace-uri, "
	"normalize-space, not, number, position, round, starts-with, string, "
	"string-length, substring, substring-after, substring-before, sum, "
	"translate, true\n"},
    {"a function near a known one",
	STEP(GET "expect = \"not xpath //a[contain(@href, 'x')]\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 15: unknown function "
	"\"contain\"; did you mean \"contains\"?\n"},
    {"a function with too few arguments",
	STEP(GET "extract = \"a = xpath //a[contains(concat(@id, 'x(,'))]\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 15: the function "
	"\"contains\" takes 2 arguments; here it has 1\n"},
    {"a function with too many arguments",
	STEP(GET "expect = \"xpath substring(//a[b = (1)], 1, 2, 3)\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 7: the function "
	"\"substring\" takes 2 to 3 arguments; here it has 4\n"},
    {"a function of many arguments with none",
	MARKER("{ xpath = \"//a[. = concat( )]\"; reason = \"captcha\"; }"),
	"p.cfg:4: markers[0].xpath: column 9: the function \"concat\" takes 2 "
	"or "
	"more arguments; here it has 0\n"},
    {"an XPath that is none", STEP(GET "extract = \"a = xpath //a[\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 15: not an XPath "
	"1.0 expression from here on, such as //td[@class = 'x']/a/@href\n"},
    {"an unknown name in an XPath",
	STEP(GET "extract = \"a = xpath //a[. = $mark]\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 20: unknown name "
	"\"mark\": known here are host, run.id, run.mark, run.uuid, now, "
	"now.ms, now.date, now.time, sender.FIELD, recipient.FIELD, "
	"account.FIELD, date-Nd and date+Nd\n"},
    {"a pattern without slashes", STEP(GET "extract = \"a = regex x\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 11: a pattern "
	"between slashes is needed here\n"},
    {"a pattern that is none", STEP(GET "extract = \"a = regex /(x/\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 14: bad pattern: "
	"missing closing parenthesis\n"},
    {"a form without a field", STEP(GET "extract = \"a = form\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 9: the name of a "
	"field is needed here\n"},
    {"between one text", STEP(GET "extract = \"a = between 'x'\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 16: a text in "
	"quotes is needed here\n"},
    {"words after the end", STEP(GET "extract = \"a = url /x/\";"),
	"p.cfg:5: transactions[0].steps[0].extract: column 9: nothing may "
	"follow here, but there is \"/x/\"\n"},
    {"an unknown check", STEP(GET "expect = \"text contains 'a'\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 1: unknown check: "
	"status, body, header, url, xpath, json, regex, cookie and size are "
	"known, each may begin with not\n"},
    {"an unknown comparison", STEP(GET "expect = \"body has 'a'\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 6: contains or lacks "
	"is needed here\n"},
    {"a text without quotes", STEP(GET "expect = \"body contains a\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 15: a text in quotes "
	"is needed here\n"},
    {"a quote that is never closed", STEP(GET "expect = \"body contains 'a\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 15: the quote is "
	"never closed\n"},
    {"a status that is none", STEP(GET "expect = \"status 2xx\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 8: a status lies "
	"between 100 and 599\n"},
    {"a range of status that is none",
	STEP(GET "expect = \"status in 200-299\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 14: a range is "
	"written 200..299\n"},
    {"a size that is none", STEP(GET "expect = \"size 100\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 6: it is written "
	"\"size at least N\"\n"},
    {"a cookie without a name", STEP(GET "expect = \"cookie\";"),
	"p.cfg:5: transactions[0].steps[0].expect: column 7: the name of a "
	"cookie is needed here\n"},
    {"rows that cannot be counted", STEP(GET "once = \"json /data/0\";"),
	"p.cfg:5: transactions[0].steps[0].once: column 1: what is to be "
	"counted is json with a \"*\" in its pointer, or xpath\n"},
    {"a marker without a reason", MARKER("{ body = \"x\"; }"),
	"p.cfg:4: markers[0].reason: is required\n"},
    {"a marker that fits every page", MARKER("{ reason = \"captcha\"; }"),
	"p.cfg:4: markers[0]: must have one of body, url, xpath, json and "
	"status, else it would fit every page\n"},
    {"a reason of ours", MARKER("{ body = \"x\"; reason = \"tainted\"; }"),
	"p.cfg:4: markers[0].reason: must be one of ok, dns_failure, "
	"dns_timeout, connect_refused, connect_timeout, connection_reset, "
	"tls_failure, tls_expired, tls_name, http_5xx, http_4xx, no_answer, "
	"slow_body, overload_page, maintenance_page, redirect_loop, too_large, "
	"message_lost, message_late, bad_credentials, account_locked, "
	"account_expired, captcha, interstitial, unknown_page, "
	"extract_failed\n"},
    {"a reason near a known one",
	MARKER("{ body = \"x\"; reason = \"captch\"; }"),
	"p.cfg:4: markers[0].reason: unknown reason; did you mean "
	"\"captcha\"?\n"},
    {"a marker's status",
	MARKER("{ status = \"5xx\"; reason = \"http_5xx\"; }"),
	"p.cfg:4: markers[0].status: must be a status from 100 to 599 or a "
	"range, such as \"503\" or \"500..599\"\n"},
    {"a marker's pointer", MARKER("{ json = \"a/b\"; reason = \"captcha\"; }"),
	"p.cfg:4: markers[0].json: column 1: a JSON pointer such as /data/0/id "
	"is needed here\n"},
    {"a marker's XPath", MARKER("{ xpath = \"//a[\"; reason = \"captcha\"; }"),
	"p.cfg:4: markers[0].xpath: column 5: not an XPath 1.0 expression from "
	"here on, such as //td[@class = 'x']/a/@href\n"},
    {"a field that the account does not have",
	STEP("get = \"https://${host}/${account.pin}\";"),
	"c.cfg:2: sender: account \"a\" has no value \"pin\", which the "
	"profile asks for; it has user, password\n"},
    {"many mistakes at once",
	STEP("expect = ( \"status 1\",\n"
	     "\"boddy contains 'x'\" );\n"
	     "extract = \"a = b\";\n"
	     "get = \"https://x.pl/\";"),
	"p.cfg:4: transactions[0].steps[0].expect[0]: column 8: a status lies "
	"between 100 and 599\n"
	"p.cfg:5: transactions[0].steps[0].expect[1]: column 1: unknown check: "
	"status, body, header, url, xpath, json, regex, cookie and size are "
	"known, each may begin with not\n"
	"p.cfg:6: transactions[0].steps[0].extract: column 5: unknown "
	"extractor: json, xpath, regex, form, header, cookie, between and url "
	"are known\n"
	"p.cfg:7: transactions[0].steps[0].get: column 9: \"x.pl\" is not one "
	"of the profile's hosts: ${host}\n"},
};

/* What `dyzurny check` would print, in the same order. */
static void
check(struct buf *all)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf *conf = conf_load("c.cfg", problems);
	struct probe_program *program = NULL;

	if (conf != NULL)
		program = probe_compile(&conf->profiles[0], problems);
	if (program != NULL)
		probe_check_deployment(
		    program, &conf->operators[0].deployments[0], problems);
	for (size_t i = 0; i < conf_problems_count(problems); i++)
		buf_printf(all, "%s\n", conf_problems_at(problems, i));
	probe_program_release(program);
	conf_release(conf);
	conf_problems_free(problems);
}

static void
each_is_told_with_its_place_and_what_is_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		struct buf all;

		folder_enter();
		folder_write("c.cfg", TOP OPERATORS);
		folder_write("p.cfg", mistakes[i].profile);
		buf_init(&all, 65536);
		check(&all);
		if (strcmp(all.data, mistakes[i].problems) != 0)
			fail_msg("%s:\n%s\nnot\n%s", mistakes[i].title,
			    all.data, mistakes[i].problems);
		buf_fini(&all);
		folder_leave();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_is_told_with_its_place_and_what_is_allowed),
	};

	probe_init_libraries();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
