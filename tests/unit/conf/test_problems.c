/* The list of problems: order and form. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/problems.h"

static void
add(struct conf_problems *problems, const char *file, int line, const char *key,
    const char *text)
{
	struct conf_src src = {.file = file, .line = line};
	conf_problem(problems, &src, key, "%s", text);
}

static void
problems_are_sorted_by_file_and_line(void **state)
{
	(void)state;
	struct conf_problems *problems = conf_problems_new();
	assert_int_equal(conf_problems_count(problems), 0);
	add(problems, "b.cfg", 2, "k", "third");
	add(problems, "a.cfg", 10, "k", "second");
	add(problems, "b.cfg", 2, "a", "fourth");
	add(problems, "a.cfg", 9, "k", "first");
	add(problems, "b.cfg", 0, "", "whole file");
	static const char *const want[] = {"a.cfg:9: k: first",
	    "a.cfg:10: k: second", "b.cfg: whole file", "b.cfg:2: k: third",
	    "b.cfg:2: a: fourth"};
	assert_int_equal(conf_problems_count(problems), 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(conf_problems_at(problems, i), want[i]);
	assert_null(conf_problems_at(problems, 5));
	conf_problems_free(problems);
	conf_problems_free(NULL);
}

static void
a_problem_outlives_what_it_was_made_of(void **state)
{
	(void)state;
	char file[] = "x.cfg";
	char key[] = "web.port";
	struct conf_problems *problems = conf_problems_new();
	add(problems, file, 3, key, "bad");
	memset(file, 'z', sizeof(file) - 1);
	memset(key, 'z', sizeof(key) - 1);
	assert_string_equal(
	    conf_problems_at(problems, 0), "x.cfg:3: web.port: bad");
	conf_problems_free(problems);
}

static void
a_problem_is_one_line(void **state)
{
	(void)state;
	struct conf_problems *problems = conf_problems_new();
	add(problems, "a\nb.cfg", 1, "k\x1b[1m", "text\r\nmore");
	assert_string_equal(
	    conf_problems_at(problems, 0), "a?b.cfg:1: k?[1m: text??more");
	conf_problems_free(problems);
}

static void
many_problems_are_all_kept(void **state)
{
	(void)state;
	struct conf_problems *problems = conf_problems_new();
	for (int i = 999; i >= 0; i--)
		add(problems, "f", i + 1, "", "p");
	assert_int_equal(conf_problems_count(problems), 1000);
	assert_string_equal(conf_problems_at(problems, 0), "f:1: p");
	assert_string_equal(conf_problems_at(problems, 999), "f:1000: p");
	conf_problems_free(problems);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(problems_are_sorted_by_file_and_line),
	    cmocka_unit_test(a_problem_outlives_what_it_was_made_of),
	    cmocka_unit_test(a_problem_is_one_line),
	    cmocka_unit_test(many_problems_are_all_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
