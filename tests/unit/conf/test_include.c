/* Files into one text: includes, places, and what libconfig does not see. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/attr.h"
#include "folder.h"

static const struct folder_case cases[] = {
    {"a missing file says so", {{"sub/x", ""}},
	"c.cfg: cannot be read: No such file or directory\n"},
    {"an include is seen from the including file",
	{{"c.cfg", "@include \"sub/one.cfg\"\n" OPERATORS},
	    {"sub/one.cfg",
		"# one\n@include \"two.cfg\"\nweb = { prt = 1; };\n"},
	    {"sub/two.cfg", TOP "\n\nlog_level = \"loud\";\n"}},
	"sub/one.cfg:3: web.prt: unknown key; did you mean \"port\"?\n"
	"sub/two.cfg:4: log_level: must be \"debug\" or \"info\" or \"warn\" "
	"or "
	"\"error\"\n"},
    {"lines after an include are right",
	{{"c.cfg", TOP OPERATORS "@include \"sub/a\"\nfoo = 1;\n"},
	    {"sub/a", "\n\n\nsimulated = true;\n\n"}},
	"c.cfg:4: foo: unknown key; known here: vantage, contact, simulated, "
	"engines, log_level, name_servers, ca_file, accounts_dir, health, "
	"uplink, "
	"store, web, "
	"operators, incidents, maintenance, alerts, subscribers\n"},
    {"an include inside a list",
	{{"c.cfg",
	     TOP "operators = (\n  @include \"sub/op\"  # first\n,\n" OPERATOR
		 "\n);\n"},
	    {"sub/op",
		"{ name = \"two\"; profile = \"../p.cfg\";\n"
		"  budget = { per_minute = 1; parallel = 0; };\n"
		"  deployments = ( { name = \"d\"; vars = { host = \"h\"; };\n"
		"    sender = \"a\"; recipient = \"b\"; every = \"1m\"; } ); "
		"}"}},
	"sub/op:2: operators[0].budget.parallel: must be a whole number from 1 "
	"to 100000, without quotes\n"
	"sub/op:2: operators[0].budget.per_minute: 2.0 requests a minute are "
	"planned (2 for each journey of 1 deployments), but the budget is 1\n"},
    {"a missing include is blamed on its line",
	{{"c.cfg", TOP OPERATORS "\n  @include \"sub/none\"\n"}},
	"c.cfg:4: cannot read \"sub/none\": No such file or directory\n"},
    {"a folder cannot be included",
	{{"c.cfg", TOP OPERATORS "@include \"sub\"\n"}},
	"c.cfg:3: cannot read \"sub\": Is a directory\n"},
    {"includes in a circle are named",
	{{"c.cfg", TOP OPERATORS "@include \"sub/a\"\n"},
	    {"sub/a", "\n@include \"b\"\n"},
	    {"sub/b", "\n\n@include \"../c.cfg\"\n"}},
	"sub/b:3: includes go in a circle: c.cfg -> sub/a -> sub/b -> "
	"sub/../c.cfg\n"},
    {"a file that includes itself",
	{{"c.cfg", TOP OPERATORS "@include \"c.cfg\"\n"}},
	"c.cfg:3: includes go in a circle: c.cfg -> c.cfg\n"},
    {"the same file twice is no circle",
	{{"c.cfg", TOP OPERATORS "@include \"sub/a\"\n@include \"sub/a\"\n"},
	    {"sub/a", "# nothing\n"}},
	""},
    {"an include in a comment or a string is none",
	{{"c.cfg",
	    TOP OPERATORS "/*\n@include \"x\"\n*/\n# @include \"x\"\n"
			  "ca_file = \"\n@include\";\n"}},
	"c.cfg:7: ca_file: must not hold control characters or line breaks; a "
	"backslash is written \\\\\n"},
    {"an include stands alone on its line",
	{{"c.cfg", TOP OPERATORS "@include \"sub/a\" x = 1;\n"}, {"sub/a", ""}},
	"c.cfg:3: write @include \"FILE\" alone on its line\n"},
    {"an include needs quotes", {{"c.cfg", TOP OPERATORS "@include x\n"}},
	"c.cfg:3: write @include \"FILE\" alone on its line\n"},
    {"an include begins its line",
	{{"c.cfg", TOP OPERATORS "web = { @include \"x\" };\n"}},
	"c.cfg:3: only @include at the begin of a line\n"},
    {"a syntax error in an include has its place",
	{{"c.cfg", TOP OPERATORS "@include \"sub/a\"\n"},
	    {"sub/a", "# a comment\n\nweb = { port 8080; };\n"}},
	"sub/a:3: syntax error here or on the line before: settings are "
	"key = value; with texts in quotes, groups { … }, lists ( …, … ) "
	"without a comma at the end\n"},
    {"a duplicate key has its place",
	{{"c.cfg",
	    TOP OPERATORS "\n/* two\nlines */ simulated = true;\n"
			  "simulated = true;\n"}},
	"c.cfg:6: this key stands twice in its group; each may stand there "
	"once\n"},
    {"a string without an end",
	{{"c.cfg", TOP OPERATORS "\nca_file = \"abc;\nweb = {};\n"}},
	"c.cfg:4: this string has no closing quote\n"},
    {"a string without an end stays in its file",
	{{"c.cfg", TOP OPERATORS "@include \"sub/a\"\nca_file = \"/x\";\n"},
	    {"sub/a", "ca_file = \"/y;\n"}},
	"sub/a:1: this string has no closing quote\n"},
    {"a comment without an end", {{"c.cfg", TOP OPERATORS "\n/* abc\n\n"}},
	"c.cfg:4: this comment has no end; write */\n"},
    {"a bracket that is never closed",
	{{"c.cfg", TOP OPERATORS "alerts = (\n{ name = \"x\"; }\n"}},
	"c.cfg:3: this ( is never closed\n"},
    {"a bracket that closes another",
	{{"c.cfg", TOP OPERATORS "alerts = (\n{ name = \"x\"; )\n"}},
	"c.cfg:4: this ) does not close the { of c.cfg:4\n"},
    {"a bracket that closes nothing", {{"c.cfg", TOP OPERATORS "\n};\n"}},
	"c.cfg:4: this } closes nothing\n"},
    {"a comma before the end of a list",
	{{"c.cfg", TOP OPERATORS "name_servers = ( \"192.0.2.1\",\n);\n"}},
	"c.cfg:4: no comma may stand before )\n"},
    {"numbers that would be wrapped",
	{{"c.cfg",
	    TOP OPERATORS "web = {\n port = 4294967297;\n"
			  " connections = 0x100000040;\n"
			  " event_streams = -99999999999;\n};\n"}},
	"c.cfg:4: the number 4294967297 is too large; the largest is "
	"2147483647\n"
	"c.cfg:5: the number 0x100000040 is too large; the largest is "
	"2147483647\n"
	"c.cfg:6: the number 99999999999 is too large; the largest is "
	"2147483647\n"
	"c.cfg:6: web.event_streams: must be a whole number from 0 to 100000, "
	"without quotes\n"},
    {"a NUL that would cut a string",
	{{"c.cfg", TOP OPERATORS "store = { dir = \"/a\\x00b\"; };\n"}},
	"c.cfg:3: \\x00 cannot stand in a string\n"},
    {"list elements are blamed on their own line",
	{{"c.cfg",
	    TOP OPERATORS "name_servers = (\n  \"192.0.2.1\",\n  \"x\"\n"
			  "  # comment\n  ,\n  \"y\" \"z\"\n   \"w\"\n"
			  "\n  )\n;\n\nbar = 1;\n"}},
	"c.cfg:5: name_servers[1]: must be an address such as \"192.0.2.1\", "
	"\"192.0.2.1:5353\" or \"[2001:db8::1]:53\"\n"
	"c.cfg:8: name_servers[2]: must be an address such as \"192.0.2.1\", "
	"\"192.0.2.1:5353\" or \"[2001:db8::1]:53\"\n"
	"c.cfg:14: bar: unknown key; known here: vantage, contact, simulated, "
	"engines, log_level, name_servers, ca_file, accounts_dir, health, "
	"uplink, "
	"store, web, "
	"operators, incidents, maintenance, alerts, subscribers\n"},
};

static void
includes_and_places(void **state)
{
	(void)state;
	folder_check_cases(cases, ARRAY_LEN(cases));
}

static void
a_byte_order_mark_and_crlf_do_no_harm(void **state)
{
	(void)state;
	folder_enter();
	folder_write("c.cfg",
	    "\xef\xbb\xbf" TOP OPERATORS
	    "\r\n@include \"a\"\r\n\r\nx = 1;\r\n");
	folder_write("a", "\xef\xbb\xbfsimulated = true;\r\n");
	char *problems = folder_load(NULL);
	assert_memory_equal(problems, "c.cfg:6: x: unknown key", 23);
	free(problems);
	folder_leave();
}

static void
a_binary_file_is_refused(void **state)
{
	(void)state;
	folder_enter();
	folder_write_bytes("c.cfg", "a = 1;\0b = 2;", 13);
	char *problems = folder_load(NULL);
	assert_string_equal(
	    problems, "c.cfg: has a NUL byte: not a text file\n");
	free(problems);
	folder_leave();
}

static void
a_long_chain_of_includes_is_stopped(void **state)
{
	(void)state;
	folder_enter();
	char name[16];
	char text[64];
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "i%d", i);
		snprintf(text, sizeof(text), "@include \"i%d\"\n", i + 1);
		folder_write(name, text);
	}
	folder_write("c.cfg", TOP OPERATORS "@include \"i0\"\n");
	char *problems = folder_load(NULL);
	assert_string_equal(problems,
	    "i15:1: at most 1024 files in all, included 16 deep, are read\n");
	free(problems);
	folder_leave();
}

static void
a_file_in_another_folder_is_named_as_the_user_did(void **state)
{
	(void)state;
	folder_enter();
	folder_write("sub/c.cfg", TOP "@include \"ops\"\n");
	folder_write("sub/ops",
	    "operators = ( { name = \"op\"; profile = \"../p.cfg\";\n"
	    " budget = { per_minute = 60; parallel = 2; };\n deployments = ( "
	    "{ name = \"d\"; vars = { host = \"h\"; }; sender = \"a\"; } ); } "
	    ");\n");
	struct conf_problems *problems = conf_problems_new();
	assert_null(conf_load("./sub/c.cfg", problems));
	assert_int_equal(conf_problems_count(problems), 2);
	assert_string_equal(conf_problems_at(problems, 0),
	    "./sub/ops:3: operators[0].deployments[0].sender: cannot read "
	    "\"./sub/accounts/a\": No such file or directory");
	conf_problems_free(problems);
	folder_leave();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(includes_and_places),
	    cmocka_unit_test(a_byte_order_mark_and_crlf_do_no_harm),
	    cmocka_unit_test(a_binary_file_is_refused),
	    cmocka_unit_test(a_long_chain_of_includes_is_stopped),
	    cmocka_unit_test(a_file_in_another_folder_is_named_as_the_user_did),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
