/*
 * The log as it comes out of stderr, and the damping of repeats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/text.h"

/* stderr led into a pipe, and back. */
struct capture {
	int old, end;
	char text[65536];
};

static void
capture_start(struct capture *capture)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	capture->old = dup(STDERR_FILENO);
	capture->end = ends[0];
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
}

static void
capture_end(struct capture *capture)
{
	size_t len = 0;
	ssize_t n;

	dup2(capture->old, STDERR_FILENO);
	close(capture->old);
	do {
		n = read(capture->end, capture->text + len,
		    sizeof(capture->text) - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0);
	close(capture->end);
	capture->text[len] = '\0';
}

static int
set_up(void **state)
{
	log_set_level(LOG_LEVEL_INFO);
	setenv("JOURNAL_STREAM", "8:12345", 1);
	*state = calloc(1, sizeof(struct capture));
	return *state != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	unsetenv("JOURNAL_STREAM");
	free(*state);
	return 0;
}

static void
lines_for_the_journal_begin_with_their_priority(void **state)
{
	struct capture *capture = *state;

	log_set_level(LOG_LEVEL_DEBUG);
	capture_start(capture);
	log_debug("one", "a=%d", 1);
	log_info("two things", "");
	log_warn("three", "b=%s c=%s", "x", "y");
	log_error("four", "");
	capture_end(capture);
	assert_string_equal(capture->text,
	    "<7>debug one a=1\n"
	    "<6>info two things\n"
	    "<4>warn three b=x c=y\n"
	    "<3>error four\n");
}

static void
lines_for_people_begin_with_the_time(void **state)
{
	struct capture *capture = *state;
	char before[32], after[32];

	unsetenv("JOURNAL_STREAM");
	text_rfc3339(clock_wall(clock_system()), before, sizeof(before));
	capture_start(capture);
	log_info("event", "k=%s", "v");
	capture_end(capture);
	text_rfc3339(clock_wall(clock_system()), after, sizeof(after));
	assert_string_equal(capture->text + 24, " info event k=v\n");
	/* Written so, instants are in the order of their letters. */
	assert_true(memcmp(before, capture->text, 24) <= 0);
	assert_true(memcmp(capture->text, after, 24) <= 0);
}

static void
what_lies_below_the_level_is_not_written(void **state)
{
	struct capture *capture = *state;

	capture_start(capture);
	log_debug("hidden", "");
	log_info("shown", "");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("hidden", "");
	log_error("shown", "");
	capture_end(capture);
	assert_string_equal(capture->text, "<6>info shown\n<3>error shown\n");
}

static void
control_characters_cannot_forge_a_line(void **state)
{
	struct capture *capture = *state;

	capture_start(capture);
	log_info("event", "k=%s", "a\n<0>emerg forged\r\x1b[2J\x7f");
	capture_end(capture);
	assert_string_equal(
	    capture->text, "<6>info event k=a?<0>emerg forged??[2J?\n");
}

static void
quotes_inside_a_value_are_escaped(void **state)
{
	struct capture *capture = *state;

	capture_start(capture);
	log_info("configuration", "problem=\"%s\" n=%d",
	    "a.cfg:1: x: unknown key; did you mean \"per_minute\"?", 2);
	log_info("path", "file=\"%s\"", "C:\\a \"b\"");
	log_info("plain", "a=%s b=\"\" c=\"%s\"", "x", "y z");
	capture_end(capture);
	assert_string_equal(capture->text,
	    "<6>info configuration problem=\"a.cfg:1: x: unknown key; did "
	    "you mean \\\"per_minute\\\"?\" n=2\n"
	    "<6>info path file=\"C:\\\\a \\\"b\\\"\"\n"
	    "<6>info plain a=x b=\"\" c=\"y z\"\n");
}

static void
errno_is_kept(void **state)
{
	struct capture *capture = *state;

	capture_start(capture);
	errno = ENOENT;
	log_info("event", "k=%d", 1);
	assert_int_equal(errno, ENOENT);
	log_debug("hidden", "");
	assert_int_equal(errno, ENOENT);
	int kept = errno;
	capture_end(capture);
	assert_int_equal(kept, ENOENT);
}

static void
errno_is_kept_when_nobody_reads(void **state)
{
	int old = dup(STDERR_FILENO);

	(void)state;
	close(STDERR_FILENO);
	errno = ENOENT;
	log_info("event", "");
	int kept = errno;
	dup2(old, STDERR_FILENO);
	close(old);
	assert_int_equal(kept, ENOENT);
}

static void
a_long_line_is_cut_between_characters(void **state)
{
	struct capture *capture = *state;
	char lengthy[10001];

	/* Two bytes each, so that one of the two cuts falls inside. */
	for (size_t shift = 0; shift < 2; shift++) {
		for (size_t i = 0; i < sizeof(lengthy) - 1; i += 2)
			memcpy(lengthy + i, "\xc5\xbc", 2);
		lengthy[sizeof(lengthy) - 1] = '\0';
		capture_start(capture);
		log_info("event", "k=%s%s", shift == 0 ? "" : "x", lengthy);
		capture_end(capture);
		size_t len = strlen(capture->text);
		assert_in_range(len, 4000, 4096);
		assert_int_equal(capture->text[len - 1], '\n');
		assert_ptr_equal(
		    strchr(capture->text, '\n'), capture->text + len - 1);
		assert_true(text_utf8_valid(capture->text, len));
	}
}

#define WRITERS 4
#define LINES 50

static void *
write_lines(void *arg)
{
	char word[201];

	memset(word, *(const char *)arg, 200);
	word[200] = '\0';
	for (int i = 0; i < LINES; i++)
		log_info(word, "k=%s", word);
	return NULL;
}

static void
lines_of_several_threads_never_mix(void **state)
{
	struct capture *capture = *state;
	static const char letters[] = "abcd";
	pthread_t threads[WRITERS];
	size_t lines = 0;

	capture_start(capture);
	/* The pipe holds 64 kB; what is written is well below that when
	 * drained thread by thread, so the threads may overlap in pairs. */
	for (size_t i = 0; i < WRITERS; i += 2) {
		char *first = (char *)(uintptr_t)&letters[i];
		assert_int_equal(
		    pthread_create(&threads[i], NULL, write_lines, first), 0);
		assert_int_equal(pthread_create(&threads[i + 1], NULL,
				     write_lines, first + 1),
		    0);
		pthread_join(threads[i], NULL);
		pthread_join(threads[i + 1], NULL);
		if (i + 2 < WRITERS) {
			capture_end(capture);
			capture_start(capture);
		}
	}
	capture_end(capture);
	for (char *line = capture->text; *line != '\0'; lines++) {
		char *end = strchr(line, '\n');
		assert_non_null(end);
		assert_int_equal(end - line, strlen("<6>info ") + 403);
		assert_memory_equal(line, "<6>info ", 8);
		for (size_t i = 8; i < 208; i++)
			assert_int_equal(line[i], line[8]);
		for (size_t i = 211; i < 411; i++)
			assert_int_equal(line[i], line[8]);
		line = end + 1;
	}
	assert_int_equal(lines, 2 * LINES);
}

static void
a_fatal_line_ends_the_program(void **state)
{
	struct capture *capture = *state;
	int status;

	fflush(NULL);
	capture_start(capture);
	pid_t child = fork();
	if (child == 0)
		log_fatal("no way on", "why=%s", "test");
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	capture_end(capture);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_string_equal(capture->text, "<3>error no way on why=test\n");
}

static void
levels_have_names(void **state)
{
	enum log_level level = LOG_LEVEL_ERROR;

	(void)state;
	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_true(log_level_parse("info", &level));
	assert_int_equal(level, LOG_LEVEL_INFO);
	assert_true(log_level_parse("warn", &level));
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_true(log_level_parse("error", &level));
	assert_int_equal(level, LOG_LEVEL_ERROR);
	assert_false(log_level_parse("ERROR", &level));
	assert_false(log_level_parse("", &level));
	assert_false(log_level_parse("loud", &level));
}

/* Trouble every second: which seconds give a line, counted from the line
 * before. */
static void
repeats_come_at_growing_distances(void **state)
{
	static const int minutes[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
	struct log_damp damp = {0};
	mono_us now = 12345, last;
	unsigned suppressed = 99;

	(void)state;
	assert_true(log_damp(&damp, now, &suppressed));
	assert_int_equal(suppressed, 0);
	last = now;
	for (size_t i = 0; i < ARRAY_LEN(minutes); i++) {
		do
			now += US_PER_S;
		while (!log_damp(&damp, now, &suppressed));
		assert_int_equal(now - last, minutes[i] * 60 * US_PER_S);
		assert_int_equal(suppressed, minutes[i] * 60 - 1);
		last = now;
	}
}

static void
healing_is_told_once_and_begins_anew(void **state)
{
	struct log_damp damp = {0};
	unsigned suppressed;

	(void)state;
	assert_false(log_damp_heal(&damp));
	assert_true(log_damp(&damp, 0, &suppressed));
	assert_false(log_damp(&damp, 1, &suppressed));
	assert_true(log_damp_heal(&damp));
	assert_false(log_damp_heal(&damp));
	assert_true(log_damp(&damp, 2, &suppressed));
	assert_int_equal(suppressed, 0);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LOG_TEST(lines_for_the_journal_begin_with_their_priority),
	    LOG_TEST(lines_for_people_begin_with_the_time),
	    LOG_TEST(what_lies_below_the_level_is_not_written),
	    LOG_TEST(control_characters_cannot_forge_a_line),
	    LOG_TEST(quotes_inside_a_value_are_escaped),
	    LOG_TEST(errno_is_kept),
	    LOG_TEST(errno_is_kept_when_nobody_reads),
	    LOG_TEST(a_long_line_is_cut_between_characters),
	    LOG_TEST(lines_of_several_threads_never_mix),
	    LOG_TEST(a_fatal_line_ends_the_program),
	    LOG_TEST(levels_have_names),
	    LOG_TEST(repeats_come_at_growing_distances),
	    LOG_TEST(healing_is_told_once_and_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
