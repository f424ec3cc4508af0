/* Temporary folders of configuration files for the tests of this room. */

#include "folder.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[256];

void
folder_enter(void)
{
	const char *tmp = getenv("TMPDIR");
	unsetenv("CREDENTIALS_DIRECTORY");
	snprintf(folder, sizeof(folder), "%s/dyzurny-conf-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(mkdir("accounts", 0700), 0);
	assert_int_equal(mkdir("sub", 0700), 0);
	folder_write("p.cfg", PROFILE);
	folder_write("accounts/a", "user = ala\npassword = kot\n");
	folder_write("accounts/b", "user = ola\npassword = pies\n");
	folder_write("key", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n");
}

static void
remove_all(const char *path)
{
	DIR *dir = opendir(path);
	if (dir != NULL) {
		for (struct dirent *e = readdir(dir); e != NULL;
		     e = readdir(dir)) {
			char below[1024];
			if (strcmp(e->d_name, ".") == 0 ||
			    strcmp(e->d_name, "..") == 0)
				continue;
			snprintf(
			    below, sizeof(below), "%s/%s", path, e->d_name);
			remove_all(below);
		}
		closedir(dir);
	}
	remove(path);
}

void
folder_leave(void)
{
	assert_int_equal(chdir("/"), 0);
	remove_all(folder);
}

void
folder_write_bytes(const char *name, const char *bytes, size_t len)
{
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	folder_mode(name, 0600);
}

void
folder_write(const char *name, const char *content)
{
	folder_write_bytes(name, content, strlen(content));
}

void
folder_mode(const char *name, unsigned mode)
{
	assert_int_equal(chmod(name, mode), 0);
}

char *
folder_load(struct conf **conf)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf *loaded = conf_load("c.cfg", problems);
	size_t n = conf_problems_count(problems);
	size_t size = 1;
	for (size_t i = 0; i < n; i++)
		size += strlen(conf_problems_at(problems, i)) + 1;
	char *text = malloc(size);
	assert_non_null(text);
	size_t used = 0;
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, size - used, "%s\n",
		    conf_problems_at(problems, i));
	text[used] = '\0';
	assert_int_equal(loaded == NULL, n > 0);
	conf_problems_free(problems);
	if (conf != NULL)
		*conf = loaded;
	else
		conf_release(loaded);
	return text;
}

void
folder_check_cases(const struct folder_case *cases, size_t n)
{
	size_t wrong = 0;
	for (size_t i = 0; i < n; i++) {
		folder_enter();
		for (size_t f = 0; f < 4 && cases[i].files[f].name; f++)
			folder_write(
			    cases[i].files[f].name, cases[i].files[f].content);
		char *problems = folder_load(NULL);
		if (strcmp(problems, cases[i].problems) != 0) {
			print_error("%s:\n  want:\n%s  have:\n%s",
			    cases[i].title, cases[i].problems, problems);
			wrong++;
		}
		free(problems);
		folder_leave();
	}
	assert_int_equal(wrong, 0);
}

static const char *const accounts[] = {"librus-a", "librus-b",
    "vulcan-warszawa-a", "vulcan-warszawa-b", "vulcan-wroclaw-a",
    "vulcan-wroclaw-b", "wizja-sp1-a", "wizja-sp1-b", "wizja-lo2-a",
    "wizja-lo2-b", "helion-a", "helion-b", "eszkola24-sp5-a",
    "eszkola24-sp5-b"};

void
folder_enter_for_example(void)
{
	char path[512];
	folder_enter();
	for (size_t i = 0; i < ARRAY_LEN(accounts); i++) {
		snprintf(path, sizeof(path), "sub/%s", accounts[i]);
		folder_write(path, "user = u\npassword = p\n");
	}
	folder_write("sub/webhook-kuratorium",
	    "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n");
	assert_non_null(getcwd(path, sizeof(path) - 5));
	strncat(path, "/sub", 5);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", path, 1), 0);
}
