/* The key of the credentials' digests: made once, ours alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/main/main-int.h"

struct folder {
	char dir[256];
	char path[300];
};

static void
enter(struct folder *folder)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder->dir, sizeof(folder->dir), "%s/dyzurny-key-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(folder->dir));
	snprintf(
	    folder->path, sizeof(folder->path), "%s/account.key", folder->dir);
}

static void
leave(struct folder *folder)
{
	(void)unlink(folder->path);
	assert_int_equal(rmdir(folder->dir), 0);
}

static bool
same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, KEY_BYTES) == 0;
}

static void
the_key_is_made_once_and_ours_alone(void **state)
{
	uint8_t first[KEY_BYTES], second[KEY_BYTES];
	struct folder folder;
	struct stat st;

	(void)state;
	enter(&folder);
	key_load(folder.dir, first);
	assert_int_equal(stat(folder.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, KEY_BYTES);
	key_load(folder.dir, second);
	assert_true(same(first, second));
	/* cut short by a crash: another one is made */
	assert_int_equal(truncate(folder.path, 5), 0);
	key_load(folder.dir, second);
	assert_false(same(first, second));
	key_load(folder.dir, first);
	assert_true(same(first, second));
	leave(&folder);
}

static void
a_key_that_others_may_read_is_neither_used_nor_overwritten(void **state)
{
	uint8_t first[KEY_BYTES], second[KEY_BYTES];
	struct folder folder;

	(void)state;
	enter(&folder);
	key_load(folder.dir, first);
	assert_int_equal(chmod(folder.path, 0644), 0);
	key_load(folder.dir, second);
	assert_false(same(first, second));
	assert_int_equal(chmod(folder.path, 0600), 0);
	key_load(folder.dir, second);
	assert_true(same(first, second));
	leave(&folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_key_is_made_once_and_ours_alone),
	    cmocka_unit_test(
		a_key_that_others_may_read_is_neither_used_nor_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
