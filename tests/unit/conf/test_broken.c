/* Broken main files: everything that is wrong is said, with its place. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "folder.h"

#define OP(rest) \
	"operators = ( { name = \"op\"; profile = \"p.cfg\";\n" rest " } );\n"
#define BUDGET "budget = { per_minute = 60; parallel = 2; };\n"
#define DEPLOYMENTS "deployments = ( " DEPLOYMENT " );\n"
#define DEP(rest) \
	OP(BUDGET "deployments = ( { name = \"d\"; sender = \"a\"; " \
		  "recipient = \"b\";\n" rest " } );\n")
#define VARS "vars = { host = \"h\"; };\n"
#define RULE(rest) TOP OPERATORS "alerts = ( { name = \"r\";\n" rest " } );\n"
#define SUBSCRIBER(rest) \
	TOP OPERATORS "subscribers = ( { name = \"s\";\n" rest " } );\n"
#define WHOLE(min, max) \
	"must be a whole number from " min " to " max ", without quotes\n"
#define LENGTH(min, max) \
	"must be a duration in quotes from " min " to " max \
	": a whole number and ms, s, m, h or d, such as \"20s\"\n"

static const struct folder_case settings[] = {
    {"an empty file", {{"c.cfg", ""}},
	"c.cfg: vantage: is required\n"
	"c.cfg: operators: is required\n"
	"c.cfg: contact: is required: an address or a mail address that tells "
	"the operators whom to ask\n"},
    {"references without a port",
	{{"c.cfg",
	    TOP OPERATORS
	    "uplink = { references = ( \"192.0.2.1\", \"a.pl:443\",\n"
	    "\"[::1]:1\" ); reference = 1; };\n"}},
	"c.cfg:3: uplink.references[0]: must be an address with a port, such "
	"as \"192.0.2.1:443\" or \"[2001:db8::1]:443\"\n"
	"c.cfg:3: uplink.references[1]: must be an address with a port, such "
	"as \"192.0.2.1:443\" or \"[2001:db8::1]:443\"\n"
	"c.cfg:4: uplink.reference: unknown key; did you mean "
	"\"references\"?\n"},
    {"wrong types",
	{{"c.cfg",
	    "vantage = 5;\ncontact = true;\nsimulated = \"yes\";\n"
	    "health = 7;\nstore = ( 1 );\nweb = \"x\";\noperators = { };\n"
	    "alerts = 1;\nsubscribers = \"x\";\nname_servers = { };\n"
	    "accounts_dir = 1.5;\n"}},
	"c.cfg:1: vantage: must be a name in quotes: 1 to 31 of a-z, 0-9, _ "
	"and -\n"
	"c.cfg:2: contact: must be a string in quotes\n"
	"c.cfg:3: simulated: must be true or false, without quotes\n"
	"c.cfg:4: health: must be a group: { key = value; }\n"
	"c.cfg:5: store: must be a group: { key = value; }\n"
	"c.cfg:6: web: must be a group: { key = value; }\n"
	"c.cfg:7: operators: must be a list of operators: ( …, … )\n"
	"c.cfg:8: alerts: must be a list of alerts: ( …, … )\n"
	"c.cfg:9: subscribers: must be a list of subscribers: ( …, … )\n"
	"c.cfg:10: name_servers: must be a list of strings: ( …, … )\n"
	"c.cfg:11: accounts_dir: must be a string in quotes\n"},
    {"the nearest key is named",
	{{"c.cfg",
	    TOP OPERATORS "subscriber = ();\nhelth = { recovr = 1; };\n"
			  "health = { recovr = 2; };\n"}},
	"c.cfg:3: subscriber: unknown key; did you mean \"subscribers\"?\n"
	"c.cfg:4: helth: unknown key; did you mean \"health\"?\n"
	"c.cfg:5: health.recovr: unknown key; did you mean \"recover\"?\n"},
    {"health is bounded",
	{{"c.cfg",
	    TOP OPERATORS "health = {\nfail = \"3 of 2\";\n"
			  "recover = 0;\nslow = \"0s\";\n"
			  "window = \"2 days\";\n};\n"}},
	"c.cfg:4: health.fail: must be \"N of M\" with N from 1 to M and M at "
	"most 32, such as \"2 of 3\"\n"
	"c.cfg:5: health.recover: " WHOLE(
	    "1", "32") "c.cfg:6: health.slow: " LENGTH("1ms",
	    "10m") "c.cfg:7: health.window: " LENGTH("1s", "1d")},
    {"pages must be where they are said to be",
	{{"c.cfg", TOP OPERATORS "web = { dashboards = \"/nowhere\"; };\n"}},
	"c.cfg:3: web.dashboards: cannot read \"/nowhere/templates\": No such "
	"file or directory\n"},
    {"the web is bounded",
	{{"c.cfg",
	    TOP OPERATORS "web = {\nlisten = \"localhost\";\nport = 65536;\n"
			  "public_url = \"dyzurny.pl\";\nconnections = 3;\n"
			  "event_streams = -1;\nlanguage = \"de\";\n};\n"}},
	"c.cfg:4: web.listen: must be an address without port, such as "
	"\"127.0.0.1\", \"::1\" or \"0.0.0.0\"\n"
	"c.cfg:5: web.port: " WHOLE("0",
	    "65535") "c.cfg:6: web.public_url: must be an address such as "
		     "\"https://dyzurny.example.pl\"\n"
		     "c.cfg:7: web.connections: " WHOLE("4",
			 "100000") "c.cfg:8: web.event_streams: " WHOLE("0",
			 "100000") "c.cfg:9: web.language: must be \"pl\" or "
				   "\"en\"\n"},
    {"an integer of 64 bits is not cut",
	{{"c.cfg", TOP OPERATORS "web = { port = 5000000000L; };\n"}},
	"c.cfg:3: web.port: " WHOLE("0", "65535")},
    {"the store",
	{{"c.cfg",
	    TOP OPERATORS
	    "store = {\ndir = \"\";\nplan = \"big\";\nqueue = \"1kB\";\n"
	    "runs_kept = 1.5;\n};\n"}},
	"c.cfg:4: store.dir: must not be empty\n"
	"c.cfg:5: store.plan: must be \"full\", \"lean\" or a list of { step; "
	"keep; }\n"
	"c.cfg:6: store.queue: must be a size in quotes from 64kB to 1GB, such "
	"as \"2MB\"\n"
	"c.cfg:7: store.runs_kept: " WHOLE("1", "100000")},
    {"a plan goes from fine to coarse",
	{{"c.cfg",
	    TOP OPERATORS
	    "store = { plan = (\n{ step = \"5m\"; keep = \"1d\"; },\n"
	    "{ step = \"7m\"; keep = \"1d\"; },\n"
	    "{ step = \"7m\"; keep = \"1d\"; },\n"
	    "{ step = \"1500ms\"; keep = \"1d\"; },\n"
	    "{ keep = \"1d\"; },\n{ step = \"7d\"; keep = \"1d\"; } ); };\n"}},
	"c.cfg:4: store.plan[0].step: the first must be \"interval\": each "
	"deployment's own `every`\n"
	"c.cfg:5: store.plan[1].step: must be a multiple of the step before "
	"it\n"
	"c.cfg:6: store.plan[2].step: must be longer than the step before it: "
	"finest first\n"
	"c.cfg:7: store.plan[3].step: must be whole seconds\n"
	"c.cfg:8: store.plan[4].step: is required\n"
	"c.cfg:9: store.plan[5].keep: must not be shorter than the step\n"},
    {"values are UTF-8 without control characters",
	{{"c.cfg",
	    "vantage = \"w\"; contact = \"a\\r\\nX: y\";\n"
	    "ca_file = \"\xb1\";\n" OP(BUDGET DEPLOYMENTS
		"title = \"za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87 \\t\";\n"
		"connect_to = \"\xc5\";\n")}},
	"c.cfg:1: contact: must not hold control characters or line breaks; a "
	"backslash is written \\\\\n"
	"c.cfg:2: ca_file: must be UTF-8\n"
	"c.cfg:6: operators[0].title: must not hold control characters or line "
	"breaks; a backslash is written \\\\\n"
	"c.cfg:7: operators[0].connect_to: must be UTF-8\n"},
    {"the contact fits a header",
	{{"c.cfg", "vantage = \"w\";\ncontact = \"a (b)\";\n" OPERATORS}},
	"c.cfg:2: contact: must be plain ASCII without ( ) and \\\n"},
    {"a bundle that is not there",
	{{"c.cfg", TOP OPERATORS "ca_file = \"sub/ca.pem\";\n"}},
	"c.cfg:3: ca_file: cannot read \"sub/ca.pem\": No such file or "
	"directory\n"},
};

static const struct folder_case operators[] = {
    {"an empty operator", {{"c.cfg", TOP "operators = ( {\n}, 3 );\n"}},
	"c.cfg:2: operators[0].name: is required\n"
	"c.cfg:2: operators[0].profile: is required\n"
	"c.cfg:2: operators[0].budget: is required\n"
	"c.cfg:2: operators[0].deployments: is required\n"
	"c.cfg:3: operators[1]: must be a group: { key = value; }\n"},
    {"no operator at all", {{"c.cfg", TOP "operators = ();\n"}},
	"c.cfg:2: operators: must have at least one operator\n"},
    {"names are unique",
	{{"c.cfg", TOP "operators = (\n" OPERATOR ",\n" OPERATOR ");\n"}},
	"c.cfg:4: operators[1].name: \"op\" is there twice; names must "
	"differ\n"},
    {"names of deployments are unique",
	{{"c.cfg",
	    TOP OP(BUDGET "deployments = (\n" DEPLOYMENT ",\n" DEPLOYMENT
			  ");\n")}},
	"c.cfg:6: operators[0].deployments[1].name: \"d\" is there twice; "
	"names "
	"must differ\n"},
    {"names are names",
	{{"c.cfg",
	    TOP OP(BUDGET "deployments = ( { name = \"_all\";\n" VARS
			  "sender = \"../a\";\nrecipient = \"B\"; } "
			  ");\n")}},
	"c.cfg:4: operators[0].deployments[0].name: must be a name in quotes: "
	"1 "
	"to 31 of a-z, 0-9, _ and -\n"
	"c.cfg:6: operators[0].deployments[0].sender: must be a name in "
	"quotes: "
	"1 to 31 of a-z, 0-9, _ and -\n"
	"c.cfg:7: operators[0].deployments[0].recipient: must be a name in "
	"quotes: 1 to 31 of a-z, 0-9, _ and -\n"},
    {"budgets are bounded and required",
	{{"c.cfg",
	    TOP OP(
		"budget = { per_minute = 0;\nparalel = 1; };\n" DEPLOYMENTS)}},
	"c.cfg:3: operators[0].budget.per_minute: " WHOLE("1",
	    "10000000") "c.cfg:3: operators[0].budget.parallel: is required\n"
			"c.cfg:4: operators[0].budget.paralel: unknown key; "
			"did "
			"you mean "
			"\"parallel\"?\n"},
    {"a plan over the budget",
	{{"c.cfg",
	    TOP OP("budget = {\nper_minute = 10; parallel = 1; };\n"
		   "every = \"10s\";\n" DEPLOYMENTS)}},
	"c.cfg:4: operators[0].budget.per_minute: 12.0 requests a minute are "
	"planned (2 for each journey of 1 deployments), but the budget is "
	"10\n"},
    {"a plan that is just the budget",
	{{"c.cfg",
	    TOP OP("budget = { per_minute = 12; parallel = 1; };\n"
		   "every = \"10s\";\n" DEPLOYMENTS)}},
	""},
    {"every is bounded", {{"c.cfg", TOP DEP(VARS "every = \"999ms\";\n")}},
	"c.cfg:6: operators[0].deployments[0].every: " LENGTH("1s", "1h")},
    {"every is a string", {{"c.cfg", TOP DEP(VARS "every = 60;\n")}},
	"c.cfg:6: operators[0].deployments[0].every: " LENGTH("1s", "1h")},
    {"every is whole seconds", {{"c.cfg", TOP DEP(VARS "every = \"2500ms\";")}},
	"c.cfg:6: operators[0].deployments[0].every: must be whole seconds\n"},
    {"every divides the steps of the plan",
	{{"c.cfg", TOP DEP(VARS "every = \"7s\";")}},
	"c.cfg:6: operators[0].deployments[0].every: must divide the step of "
	"5m "
	"in the plan of the store; near are \"6s\" and \"10s\"\n"},
    {"an address to connect to",
	{{"c.cfg",
	    TOP DEP(VARS "connect_to = \"localhost:80\";\n"
			 "ca_file = \"none\";\n")}},
	"c.cfg:6: operators[0].deployments[0].connect_to: must be an address "
	"and a port, such as \"127.0.0.1:8443\" or \"[::1]:8443\"\n"
	"c.cfg:7: operators[0].deployments[0].ca_file: cannot read \"none\": "
	"No "
	"such file or directory\n"},
    {"variables are just those of the profile",
	{{"c.cfg", TOP DEP("vars = {\nhots = \"h\";\nx = 1; };\n")}},
	"c.cfg:5: operators[0].deployments[0].vars: must give \"host\", which "
	"the profile \"p\" needs\n"
	"c.cfg:6: operators[0].deployments[0].vars.hots: the profile \"p\" has "
	"no such variable\n"
	"c.cfg:7: operators[0].deployments[0].vars.x: must be a string in "
	"quotes\n"},
    {"variables are required", {{"c.cfg", TOP DEP("")}},
	"c.cfg:4: operators[0].deployments[0].vars: must give \"host\", which "
	"the profile \"p\" needs\n"},
    {"a recipient that the profile needs",
	{{"c.cfg",
	    TOP OP(BUDGET "deployments = ( { name = \"d\";\n" VARS
			  "sender = \"a\"; } );\n")}},
	"c.cfg:4: operators[0].deployments[0].recipient: is required: step "
	"\"read\" of \"login\" in the profile \"p\" acts as the recipient\n"},
    {"a profile that is not there",
	{{"c.cfg",
	    TOP
	    "operators = ( { name = \"op\";\nprofile = \"sub/q.cfg\";\n" BUDGET
		DEPLOYMENTS "} );\n"}},
	"c.cfg:3: operators[0].profile: cannot read \"sub/q.cfg\": No such "
	"file "
	"or directory\n"},
    {"a profile that cannot be parsed is blamed once",
	{{"c.cfg",
	     TOP "operators = ( { name = \"op\"; profile = \"q.cfg\";\n" BUDGET
		 DEPLOYMENTS "}, { name = \"oq\";\n"
		 "profile = \"q.cfg\";\n" BUDGET DEPLOYMENTS "} );\n"},
	    {"q.cfg", "hosts = ;\n"}},
	"q.cfg:1: syntax error here or on the line before: settings are "
	"key = value; with texts in quotes, groups { … }, lists ( …, … ) "
	"without a comma at the end\n"},
};

static const struct folder_case alerts[] = {
    {"an empty rule", {{"c.cfg", RULE("")}},
	"c.cfg:3: alerts[0].kind: is required\n"},
    {"a threshold for each kind",
	{{"c.cfg",
	    TOP OPERATORS
	    "alerts = ( { name = \"r\"; kind = \"latency\";\n below = 0.5; },\n"
	    "{ name = \"s\"; kind = \"availability\";\n above = \"3s\";\n "
	    "quantile = 0.9; } );\n"}},
	"c.cfg:3: alerts[0].above: is required for the kind latency\n"
	"c.cfg:4: alerts[0].below: belongs to the kind availability\n"
	"c.cfg:5: alerts[1].below: is required for the kind availability\n"
	"c.cfg:6: alerts[1].above: belongs to the kind latency\n"
	"c.cfg:7: alerts[1].quantile: belongs to the kind latency or "
	"deviation\n"},
    {"the thresholds of other kinds",
	{{"c.cfg",
	    TOP OPERATORS
	    "alerts = ( { name = \"r\"; kind = \"burn_rate\";\n within = "
	    "\"3d\"; },\n{ name = \"s\"; kind = \"certificate\"; },\n"
	    "{ name = \"t\"; kind = \"no_data\";\n factor = 2.0; } );\n"}},
	"c.cfg:3: alerts[0].objective: is required for the kind burn_rate\n"
	"c.cfg:3: alerts[0].factor: is required for the kind burn_rate\n"
	"c.cfg:4: alerts[0].within: belongs to the kind certificate\n"
	"c.cfg:5: alerts[1].within: is required for the kind certificate\n"
	"c.cfg:7: alerts[2].factor: belongs to the kind burn_rate or "
	"deviation\n"},
    {"a deviation and what it needs",
	{{"c.cfg",
	    TOP "store = { plan = \"lean\"; };\n" OPERATORS
		"alerts = (\n{ name = \"r\"; kind = \"deviation\";\n"
		"above = \"3s\"; },\n"
		"{ name = \"s\"; kind = \"deviation\"; band = \"0s\";\n"
		"window = \"7h\";\nquantile = 1.0; },\n"
		"{ name = \"t\";\nkind = \"deviation\"; band = \"1s\";\n"
		"scope = \"deployment\"; },\n"
		"{ name = \"u\"; kind = \"latency\"; above = \"3s\";\n"
		"band = \"1s\"; } );\n"}},
	"c.cfg:5: alerts[0].band: is required for the kind deviation\n"
	"c.cfg:6: alerts[0].above: belongs to the kind latency\n"
	"c.cfg:7: alerts[1].band: " LENGTH("1ms",
	    "30m") "c.cfg:8: "
		   "alerts[1].window: must be at most 6h for the kind "
		   "deviation\n"
		   "c.cfg:9: alerts[1].quantile: must be a number from 0.5 to "
		   "0.999, "
		   "without quotes\n"
		   "c.cfg:11: alerts[2].kind: deviation compares with the same "
		   "hour of "
		   "the weeks before: the plan of the store must keep rows of "
		   "an hour for "
		   "at least 22d, or the scope be \"operator\"\n"
		   "c.cfg:14: alerts[3].band: belongs to the kind deviation\n"},
    {"a plan that forgets",
	{{"c.cfg",
	    TOP "store = { plan = ( { step = \"interval\"; keep = \"21d\"; },\n"
		"{ step = \"1d\"; keep = \"400d\"; } ); };\n" OPERATORS
		"alerts = ( { name = \"r\";\nkind = \"deviation\"; "
		"band = \"1s\"; } );\n"}},
	"c.cfg:6: alerts[0].kind: deviation compares with the same hour of "
	"the weeks before: the plan of the store must keep rows of an hour for "
	"at least 22d\n"},
    {"two lengths",
	{{"c.cfg",
	    RULE("kind = \"availability\";\nbelow = 0.5;\nwindow = \"5m\";\n"
		 "runs = 3;\n")}},
	"c.cfg:7: alerts[0].runs: stands beside window; give one\n"},
    {"their bounds",
	{{"c.cfg",
	    RULE("kind = \"burn_rate\";\nobjective = \"100%\";\n"
		 "factor = 0.5;\nrunbook = \"wiki\";\n")}},
	"c.cfg:5: alerts[0].objective: must be a share from 0.5 and under 1, "
	"such as \"99.5%\" or 0.995\n"
	"c.cfg:6: alerts[0].factor: must be a number from 1 to 1000, without "
	"quotes\n"
	"c.cfg:7: alerts[0].runbook: must be an address that begins with "
	"https:// or http://, of at most 255 bytes\n"},
    {"values are bounded",
	{{"c.cfg",
	    RULE("kind = \"availability\";\nscope = \"school\";\n"
		 "below = \"101%\";\nwindow = \"500ms\";\nfor = \"2d\";\n"
		 "min_samples = 0;\nseverity = 5;\n")}},
	"c.cfg:5: alerts[0].scope: must be \"operator\" or \"deployment\"\n"
	"c.cfg:6: alerts[0].below: must be a share over 0 and at most 1, such "
	"as \"99.5%\" or 0.995\n"
	"c.cfg:7: alerts[0].window: " LENGTH(
	    "1s", "3d") "c.cfg:8: alerts[0].for: " LENGTH("0s",
	    "1d") "c.cfg:9: alerts[0].min_samples: " WHOLE("1",
	    "100000") "c.cfg:10: alerts[0].severity: " WHOLE("1", "4")},
    {"operators and transactions exist",
	{{"c.cfg",
	    TOP
	    "operators = ( { name = \"librus\"; profile = \"p.cfg\";\n" BUDGET
		DEPLOYMENTS "} );\n"
	    "alerts = ( { name = \"a\"; kind = \"latency\"; above = "
	    "\"3s\";\n operator = \"libros\"; },\n"
	    "{ name = \"a\"; kind = \"latency\"; above = \"3s\";\n"
	    " transaction = \"grades\"; },\n"
	    "{ name = \"account\"; kind = \"latency\"; above = \"3s\"; } "
	    ");\n"}},
	"c.cfg:7: alerts[0].operator: no operator \"libros\"; did you mean "
	"\"librus\"?\n"
	"c.cfg:8: alerts[1].name: \"a\" is there twice; names must differ\n"
	"c.cfg:9: alerts[1].transaction: no measured transaction \"grades\" in "
	"the profiles concerned\n"
	"c.cfg:10: alerts[2].name: is the name of a built-in rule\n"},
};

static const struct folder_case subscribers[] = {
    {"an empty subscriber", {{"c.cfg", SUBSCRIBER("")}},
	"c.cfg:3: subscribers[0].url: is required\n"
	"c.cfg:3: subscribers[0].secret_file: is required: deliveries are "
	"signed\n"},
    {"an address that is none",
	{{"c.cfg",
	    SUBSCRIBER("url = \"https://u:p@h/\";\n"
		       "secret_file = \"key\";\n")}},
	"c.cfg:4: subscribers[0].url: must be an address that begins with "
	"https:// or http://, without user and fragment\n"},
    {"plain http",
	{{"c.cfg",
	    SUBSCRIBER("url = \"http://h/\";\nsecret_file = \"key\";\n")}},
	"c.cfg:4: subscribers[0].url: must begin with https://; plain http is "
	"for private addresses: allow_private = true\n"},
    {"keys",
	{{"c.cfg",
	    SUBSCRIBER("url = \"https://h/\";\nsecret_file = \"key\";\n"
		       "secret_files = (\"key\", \"key\");\n")}},
	"c.cfg:6: subscribers[0].secret_files[1]: is there twice\n"
	"c.cfg:6: subscribers[0].secret_files: stands beside secret_file; give "
	"one\n"},
    {"who is told of whom",
	{{"c.cfg",
	    SUBSCRIBER("url = \"https://h/\";\nsecret_file = \"key\";\n"
		       "operators = (\n \"op\",\n \"other\",\n \"Op\"\n"
		       ");\nmin_severity = 0;\n")}},
	"c.cfg:8: subscribers[0].operators[1]: no operator \"other\"\n"
	"c.cfg:9: subscribers[0].operators[2]: must be a name: 1 to 31 of a-z, "
	"0-9, _ and -\n"
	"c.cfg:9: subscribers[0].operators[2]: no operator \"Op\"\n"
	"c.cfg:11: subscribers[0].min_severity: " WHOLE("1", "4")},
};

static void
the_daemons_own_settings(void **state)
{
	(void)state;
	folder_check_cases(settings, ARRAY_LEN(settings));
}

static void
operators_and_deployments(void **state)
{
	(void)state;
	folder_check_cases(operators, ARRAY_LEN(operators));
}

static void
alert_rules(void **state)
{
	(void)state;
	folder_check_cases(alerts, ARRAY_LEN(alerts));
}

static void
those_who_are_told(void **state)
{
	(void)state;
	folder_check_cases(subscribers, ARRAY_LEN(subscribers));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_daemons_own_settings),
	    cmocka_unit_test(operators_and_deployments),
	    cmocka_unit_test(alert_rules),
	    cmocka_unit_test(those_who_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
