/*
 * Interning of targets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "model/target.h"

static void
one_path_is_one_struct(void **state)
{
	struct target_set *set = target_set_new();

	(void)state;
	const struct target *login =
	    target_intern(set, "librus", "main", "login");
	assert_string_equal(login->operator, "librus");
	assert_string_equal(login->deployment, "main");
	assert_string_equal(login->transaction, "login");
	assert_string_equal(login->path, "librus/main/login");
	assert_int_equal(login->id, 0);
	const struct target *grades =
	    target_intern(set, "librus", "main", "grades");
	assert_int_equal(grades->id, 1);
	assert_ptr_equal(target_intern(set, "librus", "main", "login"), login);
	assert_ptr_equal(target_find(set, "librus/main/login"), login);
	assert_null(target_find(set, "librus/main"));
	assert_null(target_find(set, "librus/main/message"));
	assert_null(target_find(set, ""));
	assert_int_equal(target_count(set), 2);
	target_set_free(set);
	target_set_free(NULL);
}

static void
targets_never_move_however_many_follow(void **state)
{
	enum { MANY = 5000 };
	struct target_set *set = target_set_new();
	const struct target *first = target_intern(set, "a", "b", "c");
	char name[16];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		target_intern(set, "a", name, "login");
	}
	assert_int_equal(target_count(set), MANY + 1);
	assert_ptr_equal(target_at(set, 0), first);
	assert_string_equal(first->path, "a/b/c");
	for (int i = 0; i < MANY; i++) {
		char path[64];
		snprintf(path, sizeof(path), "a/d%d/login", i);
		const struct target *found = target_find(set, path);
		assert_non_null(found);
		assert_int_equal(found->id, i + 1);
		assert_ptr_equal(target_at(set, found->id), found);
		snprintf(name, sizeof(name), "d%d", i);
		assert_ptr_equal(target_intern(set, "a", name, "login"), found);
	}
	assert_int_equal(target_count(set), MANY + 1);
	target_set_free(set);
}

static void
the_longest_names_fit(void **state)
{
	struct target_set *set = target_set_new();
	char name[MODEL_NAME_SIZE];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	const struct target *target = target_intern(set, name, name, name);
	assert_int_equal(strlen(target->path), MODEL_PATH_SIZE - 1);
	assert_ptr_equal(target_find(set, target->path), target);
	target_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_path_is_one_struct),
	    cmocka_unit_test(targets_never_move_however_many_follow),
	    cmocka_unit_test(the_longest_names_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
