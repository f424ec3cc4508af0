/* Accounts and webhook keys: who may read them, and that nobody is told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "folder.h"

#define WHERE "operators[0].deployments[0].sender: "
#define SUBSCRIBER \
	"subscribers = ( { name = \"s\"; url = \"https://h/\"; secret_file = " \
	"\"key\"; } );\n"
#define MAIN \
	{ \
		"c.cfg", TOP OPERATORS SUBSCRIBER \
	}
#define REFUSED \
	"it must be a regular file of ours or root's that nobody else may " \
	"read " \
	"(chmod 600)\n"
#define KEY_FORM \
	"key:1: must be one line \"whsec_\" and the base64 of 24 to 64 " \
	"bytes\n"
#define LINE_FORM \
	"must be a line \"key = value\" with a key of a-z, 0-9, _ and -\n"
#define VALUE_FORM \
	"must have a value of at most 4096 bytes of UTF-8 without control " \
	"characters\n"

static const struct folder_case cases[] = {
    {"good ones", {MAIN}, ""},
    {"an account that lacks something", {MAIN, {"accounts/a", "# nothing\n"}},
	"accounts/a: user: is required: a line \"user = …\"\n"
	"accounts/a: password: is required: a line \"password = …\"\n"},
    {"lines that are none, and never shown",
	{MAIN,
	    {"accounts/a",
		"user = ala\n\n  hunter2  \nhunter2 hunter2 = x\nPassword = "
		"hunter2\npassword = kot\npassword = hunter2\nid =\nx = a\x01"
		"b\ny = \xb1\n= hunter2\n"}},
	"accounts/a:3: " LINE_FORM "accounts/a:4: " LINE_FORM
	"accounts/a:5: " LINE_FORM "accounts/a:7: password: is there twice\n"
	"accounts/a:8: id: " VALUE_FORM "accounts/a:9: x: " VALUE_FORM
	"accounts/a:10: y: " VALUE_FORM "accounts/a:11: " LINE_FORM},
    {"an account that nobody names is not read",
	{MAIN, {"accounts/zz", "rubbish"}}, ""},
    {"a key without its prefix",
	{MAIN, {"key", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n"}}, KEY_FORM},
    {"a key that is too short",
	{MAIN, {"key", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\n"}}, KEY_FORM},
    {"a key that is too long",
	{MAIN,
	    {"key",
		"whsec_"
		"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzMDEyMzQ1Njc4OTAxMjM0NTY3ODkw"
		"MTIzMDEyMzQ1Njc4OTAxMjM0NTY=\n"}},
	KEY_FORM},
    {"a key that is no base64",
	{MAIN, {"key", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMT!!\n"}}, KEY_FORM},
    {"a key of two lines",
	{MAIN,
	    {"key",
		"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n"
		"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n"}},
	KEY_FORM},
    {"an empty key", {MAIN, {"key", ""}}, KEY_FORM},
};

static void
contents_of_secret_files(void **state)
{
	(void)state;
	folder_check_cases(cases, ARRAY_LEN(cases));
}

static void
files_that_others_may_read_are_refused(void **state)
{
	(void)state;
	folder_enter();
	folder_write("c.cfg", TOP OPERATORS SUBSCRIBER);
	folder_mode("accounts/a", 0640);
	folder_mode("key", 0604);
	assert_int_equal(unlink("accounts/b"), 0);
	assert_int_equal(mkdir("accounts/b", 0700), 0);
	char *problems = folder_load(NULL);
	assert_string_equal(problems,
	    "c.cfg:2: " WHERE "refused \"accounts/a\": " REFUSED
	    "c.cfg:2: operators[0].deployments[0].recipient: refused "
	    "\"accounts/b\": " REFUSED
	    "c.cfg:3: subscribers[0].secret_file: refused \"key\": " REFUSED);
	free(problems);
	folder_leave();
}

static void
a_missing_account_is_named(void **state)
{
	(void)state;
	folder_enter();
	folder_write("c.cfg", TOP "accounts_dir = \"sub/\";\n" OPERATORS);
	folder_write("sub/b", "user = u\npassword = p\n");
	char *problems = folder_load(NULL);
	assert_string_equal(problems,
	    "c.cfg:3: " WHERE
	    "cannot read \"sub//a\": No such file or directory\n");
	free(problems);
	folder_leave();
}

static void
a_credential_wins_over_a_file(void **state)
{
	(void)state;
	folder_enter();
	folder_write("c.cfg", TOP OPERATORS SUBSCRIBER);
	folder_write("sub/a", "user = system\npassword = d\n");
	/* as systemd names the files of a folder with ID accounts */
	folder_write(
	    "sub/accounts_key", "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY\n");
	folder_mode("sub/a", 0440); /* as systemd shows its access lists */
	char dir[512];
	assert_non_null(getcwd(dir, sizeof(dir) - 5));
	strncat(dir, "/sub", 5);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	struct conf *conf;
	char *problems = folder_load(&conf);
	assert_string_equal(problems, "");
	free(problems);
	const struct conf_deployment *d = &conf->operators[0].deployments[0];
	assert_string_equal(
	    secret_reveal(conf_account_field(d->sender, "user")), "system");
	assert_string_equal(
	    secret_reveal(conf_account_field(d->recipient, "user")), "ola");
	assert_string_equal(secret_reveal(conf->subscribers[0].secrets[0]),
	    "ABCDEFGHIJKLMNOPQRSTUVWX");
	conf_release(conf);

	folder_mode("sub/a", 0644);
	problems = folder_load(NULL);
	assert_non_null(strstr(problems, "/sub/a\": " REFUSED));
	free(problems);
	folder_leave();
}

static void
an_account_has_its_fields(void **state)
{
	(void)state;
	folder_enter();
	folder_write("c.cfg", TOP OPERATORS);
	folder_write("accounts/a",
	    "# who\r\n\r\n user =  ala  \r\npassword=a = b # c\r\nschool-id = "
	    "za\xc5\xbc");
	struct conf *conf;
	char *problems = folder_load(&conf);
	assert_string_equal(problems, "");
	free(problems);
	const struct conf_account *a = conf->operators[0].deployments[0].sender;
	assert_string_equal(a->name, "a");
	assert_int_equal(a->n_fields, 3);
	assert_string_equal(
	    secret_reveal(conf_account_field(a, "user")), "ala");
	assert_string_equal(
	    secret_reveal(conf_account_field(a, "password")), "a = b # c");
	assert_string_equal(
	    secret_reveal(conf_account_field(a, "school-id")), "za\xc5\xbc");
	assert_null(conf_account_field(a, "id"));
	conf_release(conf);
	folder_leave();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(contents_of_secret_files),
	    cmocka_unit_test(files_that_others_may_read_are_refused),
	    cmocka_unit_test(a_missing_account_is_named),
	    cmocka_unit_test(a_credential_wins_over_a_file),
	    cmocka_unit_test(an_account_has_its_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
