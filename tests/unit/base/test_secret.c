/*
 * Secrets in memory and the files they come from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/crypto.h"
#include "base/secret.h"

static char folder[] = "/tmp/test-secret-XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void
write_file(const void *bytes, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
a_secret_is_a_copy_with_a_nul_behind(void **state)
{
	char source[] = "geheim";

	(void)state;
	struct secret *secret = secret_new(source, 6);
	memset(source, 'x', 6);
	assert_string_equal(secret_reveal(secret), "geheim");
	assert_int_equal(secret_len(secret), 6);
	secret_free(secret);

	secret = secret_new(NULL, 0);
	assert_string_equal(secret_reveal(secret), "");
	assert_int_equal(secret_len(secret), 0);
	secret_free(secret);
	secret_free(NULL);
}

static void
the_longest_secret_fits(void **state)
{
	char large[4096];

	(void)state;
	memset(large, 'a', sizeof(large));
	struct secret *secret = secret_new(large, sizeof(large));
	assert_int_equal(strlen(secret_reveal(secret)), sizeof(large));
	secret_free(secret);
}

static void
a_pool_holds_more_secrets_than_there_are_mappings(void **state)
{
	enum { MANY = 100000 };
	const struct secret **all = calloc(MANY, sizeof(*all));
	struct secret_pool *pool = secret_pool_new();
	char text[64], large[4096];
	const struct secret *longest;

	(void)state;
	assert_non_null(all);
	for (int i = 0; i < MANY; i++) {
		int n = snprintf(text, sizeof(text), "haslo-%d", i);

		all[i] = secret_pool_add(pool, text, (size_t)n);
	}
	memset(large, 'a', sizeof(large));
	longest = secret_pool_add(pool, large, sizeof(large));
	assert_int_equal(strlen(secret_reveal(longest)), sizeof(large));
	for (int i = 0; i < MANY; i++) {
		int n = snprintf(text, sizeof(text), "haslo-%d", i);

		assert_string_equal(secret_reveal(all[i]), text);
		assert_int_equal(secret_len(all[i]), n);
	}
	secret_pool_free(pool);
	secret_pool_free(NULL);
	free(all);
}

/* flags_of finds the kernel's flags of the mapping that holds `p`. */
static bool
flags_of(const void *p, char *flags, size_t size)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	char line[512];
	bool inside = false, found = false;

	if (maps == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= (uintptr_t)p && (uintptr_t)p < to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = snprintf(flags, size, "%s ", line) > 0;
	}
	fclose(maps);
	return found;
}

static void
a_secret_stays_out_of_core_dumps(void **state)
{
	char flags[512];

	(void)state;
	struct secret *secret = secret_new("geheim", 6);
	bool found = flags_of(secret_reveal(secret), flags, sizeof(flags));
	secret_free(secret);
	if (!found)
		skip();
	assert_non_null(strstr(flags, " dd "));
}

static void
a_private_file_is_read_whole(void **state)
{
	static const size_t lengths[] = {0, 1, 10, 99, 100};
	char content[100];

	(void)state;
	memset(content, 'p', sizeof(content));
	content[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		char *bytes = NULL;
		size_t len = 999;
		write_file(content, lengths[i], i % 2 == 0 ? 0600 : 0400);
		assert_int_equal(secret_file_read(path, 100, &bytes, &len), 0);
		assert_int_equal(len, lengths[i]);
		assert_memory_equal(bytes, content, len);
		assert_int_equal(bytes[len], '\0');
		crypto_wipe(bytes, len);
		free(bytes);
		unlink(path);
	}
}

static void
a_file_that_others_can_open_is_refused(void **state)
{
	static const mode_t modes[] = {
	    0640, 0604, 0644, 0620, 0602, 0610, 0601, 0666, 0777};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		char *bytes = NULL;
		size_t len;
		write_file("x", 1, modes[i]);
		assert_int_equal(
		    secret_file_read(path, 100, &bytes, &len), -EPERM);
		assert_null(bytes);
		unlink(path);
	}
}

static void
a_file_of_somebody_else_is_refused(void **state)
{
	char *bytes = NULL;
	size_t len;

	(void)state;
	if (geteuid() != 0)
		skip();
	write_file("x", 1, 0600);
	assert_int_equal(chown(path, 12345, 12345), 0);
	assert_int_equal(secret_file_read(path, 100, &bytes, &len), -EPERM);
	assert_null(bytes);
	unlink(path);
}

static void
only_regular_files_are_read(void **state)
{
	char *bytes = NULL;
	size_t len;

	(void)state;
	/* Nobody writes to it; an open that waits would hang here. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(secret_file_read(path, 100, &bytes, &len), -EPERM);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(secret_file_read(path, 100, &bytes, &len), -EPERM);
	rmdir(path);
	assert_int_equal(
	    secret_file_read("/dev/null", 100, &bytes, &len), -EPERM);
	assert_null(bytes);
}

static void
the_file_behind_a_link_is_the_one_that_counts(void **state)
{
	char link[64], *bytes = NULL;
	size_t len;

	(void)state;
	snprintf(link, sizeof(link), "%s/link", folder);
	write_file("x", 1, 0600);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(secret_file_read(link, 100, &bytes, &len), 0);
	free(bytes);
	bytes = NULL;
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(secret_file_read(link, 100, &bytes, &len), -EPERM);
	unlink(link);
	unlink(path);
}

static void
what_is_missing_or_too_large_is_told(void **state)
{
	char *bytes = NULL;
	size_t len;

	(void)state;
	assert_int_equal(secret_file_read(path, 100, &bytes, &len), -ENOENT);
	write_file("12345678901", 11, 0600);
	assert_int_equal(secret_file_read(path, 10, &bytes, &len), -EFBIG);
	assert_null(bytes);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_secret_is_a_copy_with_a_nul_behind),
	    cmocka_unit_test(the_longest_secret_fits),
	    cmocka_unit_test(a_pool_holds_more_secrets_than_there_are_mappings),
	    cmocka_unit_test(a_secret_stays_out_of_core_dumps),
	    cmocka_unit_test(a_private_file_is_read_whole),
	    cmocka_unit_test(a_file_that_others_can_open_is_refused),
	    cmocka_unit_test(a_file_of_somebody_else_is_refused),
	    cmocka_unit_test(only_regular_files_are_read),
	    cmocka_unit_test(the_file_behind_a_link_is_the_one_that_counts),
	    cmocka_unit_test(what_is_missing_or_too_large_is_told),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
