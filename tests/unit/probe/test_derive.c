/* Proof of work: the answers that another program found, and its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "daemon/probe/probe-int.h"
#include "tests/unit/probe/scene.h"

static const char *vars[] = {"challenge"};
static struct conf_profile profile = {
    .name = "p", .path = "p.cfg", .vars = vars, .n_vars = 1};
static struct arena arena;
static struct compiler compiler;
static struct conf_problems *problems;
static struct buf tmp[3];
static struct derivation derivation;

static int
begin(void **state)
{
	size_t i;

	(void)state;
	arena_init(&arena, 1 << 20);
	problems = conf_problems_new();
	compiler = (struct compiler){
	    .problems = problems, .profile = &profile, .arena = &arena};
	for (i = 0; i < 3; i++)
		buf_init(&tmp[i], PROBE_VALUE_MAX);
	derivation = (struct derivation){0};
	buf_init(&derivation.answer, PROBE_VALUE_MAX);
	return 0;
}

static int
clear(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		buf_fini(&tmp[i]);
	buf_fini(&derivation.answer);
	arena_fini(&arena);
	conf_problems_free(problems);
	return 0;
}

/* What `line` gives when the deployment's variable is `challenge`. */
static const char *
derive(const char *line, const char *challenge)
{
	struct conf_pair pair = {"challenge", {challenge, "", {"c", 1}}};
	struct conf_deployment deployment = {.vars = &pair, .n_vars = 1};
	struct values values = {.deployment = &deployment, .tmp = tmp};
	struct conf_text text = {line, "k", {"p.cfg", 3}};
	struct derive derived;
	const char *why, *name;

	if (!probe_derive_compile(&compiler, &text, &derived))
		return conf_problems_at(problems, 0);
	why = probe_derive_prepare(
	    &derived, &values, &tmp[2], &derivation, &name);
	if (why != NULL)
		return why;
	probe_derive_work(&derivation);
	return derivation.why != NULL ? derivation.why : derivation.answer.data;
}

/*
 * Found with Node.js by
 *   for each round: n = 1; while (createHash('sha256').update(buffer + n)
 *   .digest().readUInt32BE(0) >= difficulty) n++; buffer += n;
 */
static void
answers_are_those_that_another_program_found(void **state)
{
	static const struct {
		const char *challenge, *line, *answer;
	} cases[] = {
	    {"abc", "a = pow ${challenge} 4294967295 3", "1;1;1"},
	    {"abc", "a = pow ${challenge} 268435456 4", "26;3;8;4"},
	    {"abc", "a = pow '${challenge}' \"268435456\" 4", "26;3;8;4"},
	    {"ABC", "a = pow ${challenge|lower} 268435456 4", "26;3;8;4"},
	    {"dyzurny", "a = pow ${challenge} 16777216 5", "89;46;199;5;55"},
	    {"Zażółć gęślą jaźń", "a = pow ${challenge} 4194304 3",
		"123;830;1299"},
	    {"x", "a = pow ${challenge} 2147483648 15",
		"4;5;2;1;3;1;5;3;2;2;2;2;1;1;1"},
	    {"0f3a9c51-7d2e-4b88-9a10-5e6f7c8d9b01",
		"a = pow ${challenge} 1048576 15",
		"4528;15978;4711;970;3407;178;6872;904;4490;4836;71;229;2388;"
		"6018;709"},
	    {"q7", "a = pow ${challenge} 65536 2", "20633;97175"},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(
		    derive(cases[i].line, cases[i].challenge), cases[i].answer);
		clear(state);
		begin(state);
	}
}

static void
what_is_malformed_or_too_much_is_refused_before_the_work(void **state)
{
	static char long_one[POW_CHALLENGE_MAX + 2];
	static const struct {
		const char *challenge, *line, *why;
	} cases[] = {
	    {"", "a = pow ${challenge} 9 1", "the challenge must be 1 to 256"},
	    {long_one, "a = pow ${challenge} 9 1", "the challenge must be"},
	    {"0", "a = pow abc ${challenge} 1", "the difficulty must be"},
	    {"-1", "a = pow abc ${challenge} 1", "the difficulty must be"},
	    {" 5", "a = pow abc ${challenge} 1", "the difficulty must be"},
	    {"4294967296", "a = pow abc ${challenge} 1", "from 1 to 429496"},
	    {"99999999999999999999", "a = pow abc ${challenge} 1",
		"the difficulty must be"},
	    {"0", "a = pow abc 9 ${challenge}", "the rounds must be"},
	    {"65", "a = pow abc 9 ${challenge}", "from 1 to 64"},
	    {"1", "a = pow abc ${challenge} 1", "too expensive"},
	    {"64", "a = pow abc 16384 ${challenge}", "too expensive"},
	};
	size_t i;

	memset(long_one, 'x', POW_CHALLENGE_MAX + 1);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const char *why = derive(cases[i].line, cases[i].challenge);

		if (strstr(why, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].line, why);
		clear(state);
		begin(state);
	}
}

static void
mistakes_are_told_with_their_column(void **state)
{
	static const struct {
		const char *line, *problem;
	} cases[] = {
	    {"= pow a 9 1", "column 1: this begins with NAME ="},
	    {"a ?= pow a 9 1", "column 3: = is needed"},
	    {"a = hash a", "column 5: unknown derivation: only pow is known"},
	    {"a = pow", "column 8: the challenge is needed here"},
	    {"a = pow x 9", "column 12: the number of rounds is needed"},
	    {"a = pow x 9 1 2", "column 15: nothing may follow"},
	    {"a = pow x 0 1", "column 11: the difficulty must be"},
	    {"a = pow x 9 65", "column 13: the rounds must be"},
	    {"a = pow '' 9 1", NULL},
	    {"a = pow ${nope} 9 1", "unknown name \"nope\""},
	    {"challenge = pow x 9 1", "already one of the profile's vars"},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const char *found = derive(cases[i].line, "x");

		if (cases[i].problem != NULL &&
		    (strstr(found, cases[i].problem) == NULL ||
			strncmp(found, "p.cfg:3: k: column ", 19) != 0))
			fail_msg("%s: %s", cases[i].line, found);
		clear(state);
		begin(state);
	}
}

static void
work_that_is_stopped_ends_without_an_answer(void **state)
{
	(void)state;
	assert_string_equal(derive("a = pow x 4294967295 1", "x"), "1");
	derivation.difficulty = 1;
	derivation.len = 1;
	atomic_store(&derivation.stop, true);
	buf_reset(&derivation.answer);
	probe_derive_work(&derivation);
	assert_non_null(derivation.why);
	assert_int_equal(derivation.answer.len, 0);
}

/* ---- in a journey ---- */

#define JOURNEY \
	"{ name = \"login\"; timeout = \"2s\"; steps = (" \
	"{ name = \"form\"; get = \"https://${host}/form\";" \
	" extract = ( \"c = xpath //@data-challenge\"," \
	" \"d = xpath //@data-difficulty\", \"r = xpath //@data-rounds\" ); " \
	"}," \
	"{ name = \"in\"; post = \"https://${host}/in\";" \
	" derive = ( \"answer = pow ${c} ${d} ${r}\"," \
	" \"more = pow ${answer} 4294967295 1\" );" \
	" form = { a = \"${answer}\"; b = \"${more}\"; }; } ); }," \
	"{ name = \"c\"; always = true; steps = ( { name = \"bye\";" \
	" get = \"https://${host}/bye/${answer}\"; } ); }"
#define FORM(difficulty) \
	"<div data-challenge='abc' data-difficulty='" difficulty \
	"' data-rounds='4'>"

static struct scene the;

static void
play(const char *form)
{
	const struct reply replies[] = {
	    {.match = "GET h/form", .status = 200, .body = form},
	    {.match = "POST h/in",
		.status = 200,
		.body = "<p>in",
		.latency_ms = 100},
	    {.match = "GET h/bye", .status = 200},
	};

	the.transactions = JOURNEY;
	the.replies = replies;
	the.n_replies = ARRAY_LEN(replies);
	scene_play(&the);
	assert_string_equal(the.problems, "");
}

static void
a_step_sends_what_was_derived_for_it(void **state)
{
	(void)state;
	memset(&the, 0, sizeof(the));
	play(FORM("268435456"));
	assert_string_equal(scene_reason(&the, 0), "ok");
	assert_non_null(strstr(the.log, "[a=26%3B3%3B8%3B4&b=1]"));
	assert_non_null(strstr(the.log, "/bye/26;3;8;4\n"));
	assert_int_equal(the.results[0].latency, 110 * US_PER_MS);
	scene_clear(&the);
}

/* The scene's clock stands still while the worker works, so it is told. */
static void
the_time_that_it_takes_is_ours(void **state)
{
	(void)state;
	memset(&the, 0, sizeof(the));
	the.working_ms = 5000;
	play(FORM("268435456"));
	/* neither the latency nor the timeout of 2 s has it */
	assert_string_equal(scene_reason(&the, 0), "ok");
	assert_int_equal(the.results[0].latency, 110 * US_PER_MS);
	scene_clear(&the);
}

static void
a_challenge_that_cannot_be_met_is_extract_failed(void **state)
{
	(void)state;
	memset(&the, 0, sizeof(the));
	play(FORM("1"));
	assert_string_equal(scene_reason(&the, 0), "extract_failed");
	assert_string_equal(the.results[0].step, "in");
	assert_string_equal(scene_note(&the),
	    "step in: derive: the proof of work asked for is too expensive");
	/* what has no value is left out of the clean-up */
	assert_int_equal(the.n_requests, 1);
	scene_clear(&the);
	memset(&the, 0, sizeof(the));
	play(FORM("x"));
	assert_string_equal(scene_note(&the),
	    "step in: derive: the difficulty must be a whole number from 1 to "
	    "4294967295");
	scene_clear(&the);
}

static void
an_abort_stops_the_work(void **state)
{
	(void)state;
	memset(&the, 0, sizeof(the));
	the.abort_working = true;
	/* 4 million attempts are expected, of 16 that are allowed */
	play(FORM("4096"));
	assert_false(the.ended);
	assert_int_equal(the.n_results, 0);
	assert_int_equal(the.n_requests, 1);
	scene_clear(&the);
}

static void
a_stop_stops_the_work_and_cleans_up(void **state)
{
	(void)state;
	memset(&the, 0, sizeof(the));
	the.stop_working = true;
	play(FORM("4096"));
	assert_true(the.ended);
	assert_int_equal(the.n_results, 0);
	assert_int_equal(the.n_requests, 1);
	scene_clear(&the);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, clear)
	const struct CMUnitTest tests[] = {
	    T(answers_are_those_that_another_program_found),
	    T(what_is_malformed_or_too_much_is_refused_before_the_work),
	    T(mistakes_are_told_with_their_column),
	    T(work_that_is_stopped_ends_without_an_answer),
	    cmocka_unit_test(a_step_sends_what_was_derived_for_it),
	    cmocka_unit_test(the_time_that_it_takes_is_ours),
	    cmocka_unit_test(a_challenge_that_cannot_be_met_is_extract_failed),
	    cmocka_unit_test(an_abort_stops_the_work),
	    cmocka_unit_test(a_stop_stops_the_work_and_cleans_up),
	};

	probe_init_libraries();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
