/* The profiles that come with the daemon compile and fit the example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "probe/probe.h"
#include "tests/unit/conf/folder.h"

/* The accounts that conf/operators names. */
static const char *const accounts[] = {"librus-a", "librus-b",
    "vulcan-warszawa-a", "vulcan-warszawa-b", "vulcan-wroclaw-a",
    "vulcan-wroclaw-b", "wizja-sp1-a", "wizja-sp1-b", "wizja-lo2-a",
    "wizja-lo2-b", "helion-a", "helion-b", "eszkola24-sp5-a",
    "eszkola24-sp5-b"};

static struct conf *
load(struct conf_problems *problems)
{
	char path[600];
	size_t i;

	for (i = 0; i < ARRAY_LEN(accounts); i++) {
		snprintf(path, sizeof(path), "sub/%s", accounts[i]);
		folder_write(
		    path, "user = u\npassword = p\nid = 1\nmailbox = 2\n");
	}
	folder_write("sub/webhook-kuratorium",
	    "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n");
	assert_non_null(getcwd(path, 500));
	strncat(path, "/sub", 5);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", path, 1), 0);
	return conf_load(TEST_SRCDIR "/conf/dyzurny.cfg", problems);
}

static void
the_profiles_compile_and_fit_the_example(void **state)
{
	static const char *const wanted[] = {"login", "grades", "message"};
	struct conf_problems *problems = conf_problems_new();
	struct conf *conf;
	size_t i, k;

	(void)state;
	folder_enter();
	conf = load(problems);
	for (i = 0; conf != NULL && i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];
		struct probe_program *program =
		    probe_compile(op->profile, problems);

		if (program == NULL)
			continue;
		assert_int_equal(probe_program_transactions(program), 3);
		for (k = 0; k < 3; k++)
			assert_string_equal(
			    probe_program_transaction(program, k), wanted[k]);
		for (k = 0; k < op->n_deployments; k++) {
			probe_check_deployment(
			    program, &op->deployments[k], problems);
			/* two logins by password, unasked */
			assert_true(op->deployments[k].every >= 150 * US_PER_S);
		}
		probe_program_release(program);
	}
	for (i = 0; i < conf_problems_count(problems); i++)
		print_error("%s\n", conf_problems_at(problems, i));
	assert_int_equal(conf_problems_count(problems), 0);
	assert_non_null(conf);
	assert_int_equal(conf->n_operators, 5);
	conf_release(conf);
	conf_problems_free(problems);
	folder_leave();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_profiles_compile_and_fit_the_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
