/*
 * The configuration that comes with the daemon is itself one that loads, and
 * shows every key. Its accounts are made here, as systemd credentials.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "folder.h"

static const char *const operators[] = {
    "librus", "vulcan", "wizja", "helion", "eszkola24"};

/* Problems of `file`, all printed; true when there is none. */
static bool
loads(const char *file)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf *conf = conf_load(file, problems);
	for (size_t i = 0; i < conf_problems_count(problems); i++)
		print_error("%s\n", conf_problems_at(problems, i));
	if (conf != NULL)
		assert_int_equal(conf->n_operators, ARRAY_LEN(operators));
	conf_problems_free(problems);
	conf_release(conf);
	return conf != NULL;
}

static void
copy_file(const char *from, const char *to)
{
	static char bytes[65536];
	FILE *file = fopen(from, "r");
	assert_non_null(file);
	size_t len = fread(bytes, 1, sizeof(bytes), file);
	assert_int_equal(fclose(file), 0);
	folder_write_bytes(to, bytes, len);
}

/* With profiles that only list the variables, so that the example is judged
 * by itself. */
static void
the_example_loads(void **state)
{
	(void)state;
	static const char *const vars[] = {
	    "", "\"symbol\"", "\"host\"", "\"host\"", "\"host\""};
	char from[512];
	char to[64];
	char profile[256];
	folder_enter_for_example();
	assert_int_equal(mkdir("operators", 0700), 0);
	assert_int_equal(mkdir("profiles", 0700), 0);
	copy_file(TEST_SRCDIR "/conf/dyzurny.cfg", "c.cfg");
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		snprintf(from, sizeof(from), "%s/conf/operators/%s.cfg",
		    TEST_SRCDIR, operators[i]);
		snprintf(to, sizeof(to), "operators/%s.cfg", operators[i]);
		copy_file(from, to);
		snprintf(profile, sizeof(profile),
		    "hosts = ( \"h\" ); vars = ( %s ); transactions = ( { "
		    "name = \"login\"; steps = ( { name = \"s\"; get = \"u\"; "
		    "} ); } );\n",
		    vars[i]);
		snprintf(to, sizeof(to), "profiles/%s.cfg", operators[i]);
		folder_write(to, profile);
	}
	assert_true(loads("c.cfg"));
	folder_leave();
}

static void
the_example_fits_the_profiles_that_come_with_it(void **state)
{
	(void)state;
	folder_enter_for_example();
	assert_true(loads(TEST_SRCDIR "/conf/dyzurny.cfg"));
	folder_leave();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_loads),
	    cmocka_unit_test(the_example_fits_the_profiles_that_come_with_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
