/* Parameters of requests, and which path is whose. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/web/query.h"
#include "daemon/web/web-int.h"
#include "fixture.h"

#define HOUR (INT64_C(3600) * US_PER_S)

static int
parse(struct query *query, const char *text)
{
	struct zone *zone = zone_load(NULL);
	int error = query_parse(query, text, FIXTURE_NOW, zone);

	zone_free(zone);
	return error;
}

static void
nothing_asked_is_the_last_hour(void **state)
{
	static const char *const texts[] = {
	    NULL, "", "&&", "unknown=1", "v=abc&x"};
	struct query query;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(parse(&query, texts[i]), 0);
		assert_int_equal(query.to, FIXTURE_NOW);
		assert_int_equal(query.from, FIXTURE_NOW - HOUR);
		assert_int_equal(query.limit, 50);
		assert_int_equal(query.step, 0);
		assert_false(query.has_language);
		assert_int_equal(query.state, QUERY_ALL);
	}
}

/* What a time may look like is tested with base/when.h. */
static void
times_are_absolute_or_relative(void **state)
{
	struct query query;

	(void)state;
	assert_int_equal(parse(&query, "from=2026-11-24T08:00%2B01:00"), 0);
	assert_int_equal(query.from, INT64_C(1795503600) * US_PER_S);
	assert_int_equal(parse(&query, "from=2026-11-24T08:00+01:00"), 0);
	assert_int_equal(query.from, INT64_C(1795503600) * US_PER_S);
	assert_int_equal(parse(&query, "to=now&from=-1h"), 0);
	assert_int_equal(parse(&query, "to=-1h"), 0);
	assert_int_equal(query.from, FIXTURE_NOW - 2 * HOUR);
}

static void
bad_values_name_their_field(void **state)
{
	static const struct {
		const char *text, *field;
	} cases[] = {
	    {"from=", "from"},
	    {"from=yesterday", "from"},
	    {"from=-", "from"},
	    {"from=-5", "from"},
	    {"from=-11y", "from"},
	    {"from=now", "from"},
	    {"from=2026-13-01", "from"},
	    {"from=2026-02-29", "from"},
	    {"from=2026-11-24T24:00", "from"},
	    {"from=2026-11-24T08:00%2B1", "from"},
	    {"from=2026-03-29T02:30", "from"},
	    {"from=2026-10-25T02:30", "from"},
	    {"from=99999999999999999999", "from"},
	    {"to=x", "to"},
	    {"to=-2h&from=-1h", "from"},
	    {"step=0", "step"},
	    {"step=-5m", "step"},
	    {"step=10y", "step"},
	    {"limit=0", "limit"},
	    {"limit=1001", "limit"},
	    {"limit=ten", "limit"},
	    {"lang=de", "lang"},
	    {"theme=pink", "theme"},
	    {"state=closed", "state"},
	    {"act=LOGIN", "act"},
	    {"target=", "target"},
	    {"target=a//b", "target"},
	    {"target=a/b/c/d", "target"},
	    {"target=../x", "target"},
	    {"target=_all", "target"},
	    {"lang=%", "lang"},
	    {"lang=%0", "lang"},
	    {"lang=%zz", "lang"},
	    {"lang=%00", "lang"},
	    {"lang=p%0al", "lang"},
	    {"lang=%ff", "lang"},
	    {"%00=1", "query"},
	};
	struct query query;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (parse(&query, cases[i].text) != -EINVAL)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(query.field, cases[i].field);
		assert_non_null(query.problem);
	}
}

static void
overlong_values_are_refused(void **state)
{
	char text[400];
	struct query query;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "act=", 4);
	assert_int_equal(parse(&query, text), -EINVAL);
	text[3] = 'a';
	assert_int_equal(parse(&query, text), -EINVAL);
}

static void
good_values_are_taken(void **state)
{
	struct query query;
	struct buf out;

	(void)state;
	assert_int_equal(
	    parse(&query,
		"target=librus/_all/login&limit=7&step=5m&lang=en&theme=dark"
		"&state=open&act=grades"),
	    0);
	assert_string_equal(query.target, "librus/_all/login");
	assert_int_equal(query.limit, 7);
	assert_int_equal(query.step, 300 * US_PER_S);
	assert_int_equal(query.state, QUERY_OPEN);
	assert_string_equal(query.act, "grades");
	buf_init(&out, 100);
	assert_true(query_keep(&query, &out));
	assert_string_equal(out.data, "?lang=en&theme=dark");
	buf_fini(&out);
	assert_int_equal(parse(&query, "step=auto"), 0);
	assert_int_equal(query.step, 0);
	assert_int_equal(parse(&query, "step=60"), 0);
	assert_int_equal(query.step, 60 * US_PER_S);
}

static void
paths_match_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *path;
		bool there;
		const char *first, *second;
	} cases[] = {
	    {"/", true, "", ""},
	    {"/operators/librus", true, "librus", ""},
	    {"/operators/librus/sp-1", true, "librus", "sp-1"},
	    {"/api/v1/runs/abc/har", true, "abc", ""},
	    {"/api/v1/runs/abc", true, "abc", ""},
	    {"/api/v1/runs", true, "", ""},
	    {"/operators", false, "", ""},
	    {"/operators/", false, "", ""},
	    {"/operators/a/", false, "", ""},
	    {"/operators/a/b/c", false, "", ""},
	    {"/operators/../x", false, "", ""},
	    {"/operators/a b", false, "", ""},
	    {"//", false, "", ""},
	    {"", false, "", ""},
	    {"/Status", false, "", ""},
	    {"/status/", false, "", ""},
	    {"/assets/.hidden", false, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char params[PARAMS_MAX][PARAM_SIZE] = {"", ""};
		const char *others;
		bool there =
		    route_find("GET", cases[i].path, params, &others) != NULL;

		if (there != cases[i].there)
			fail_msg("%s", cases[i].path);
		if (there) {
			assert_string_equal(params[0], cases[i].first);
			assert_string_equal(params[1], cases[i].second);
		}
	}
}

static void
a_link_carries_all_parameters_but_its_own(void **state)
{
	static const struct {
		const char *text, *name, *value, *expected;
	} cases[] = {
	    {NULL, "lang", "en", "?lang=en"},
	    {"", "lang", "en", "?lang=en"},
	    {"act=grades&from=-24h", "lang", "en",
		"?act=grades&from=-24h&lang=en"},
	    {"lang=pl&act=grades&lang=pl", "lang", "en", "?act=grades&lang=en"},
	    {"language=x&&lang&to=now", "lang", "en",
		"?language=x&to=now&lang=en"},
	    {"from=-7d&to=-1d&act=login", "from", "-1h", "?act=login&from=-1h"},
	    {"from=-7d&to=-1d", "act", "login", "?from=-7d&to=-1d&act=login"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 256);
		assert_true(query_carry(
		    cases[i].text, cases[i].name, cases[i].value, &out));
		assert_string_equal(out.data, cases[i].expected);
		buf_fini(&out);
	}
}

/* "/runs/{id}" and the pattern with a star are the same. */
/* The description of that path, or NULL. */
static const struct jv *
described(const struct jv *paths, const char *pattern)
{
	struct jv *value;
	const char *path;
	void *iter = NULL;

	while ((iter = jv_each(paths, iter, &path, &value)) != NULL) {
		const char *p = path, *q = pattern;

		while (*p != '\0' && *q != '\0') {
			if (*p == '{' && *q == '*') {
				p += strcspn(p, "}");
			} else if (*p != *q) {
				break;
			}
			p++;
			q++;
		}
		if (*p == '\0' && *q == '\0')
			return value;
	}
	return NULL;
}

static void
every_route_is_in_the_description_of_the_api(void **state)
{
	char *bytes = calloc(1, 1 << 20), problem[128] = "";
	FILE *file = fopen(TEST_SRCDIR "/dashboards/openapi.json", "re");
	struct jv *document, *value;
	const char *name;
	size_t n = 0, operations = 0;

	(void)state;
	assert_non_null(bytes);
	assert_non_null(file);
	document = jv_parse(
	    bytes, fread(bytes, 1, 1 << 20, file), problem, sizeof(problem));
	fclose(file);
	if (document == NULL)
		fail_msg("%s", problem);
	for (const struct route *route; (route = route_at(n)) != NULL; n++) {
		static const char *const methods[] = {"get", "post", "delete"};
		const struct jv *path =
		    described(jv_get(document, "paths"), route->pattern);
		const struct jv *method = jv_get(path, methods[route->method]);

		if (jv_kind(method) != JV_OBJECT)
			fail_msg("%s %s is not described",
			    methods[route->method], route->pattern);
		/* and who may */
		assert_int_equal(route->least != ROLE_NONE,
		    jv_kind(jv_get(method, "security")) == JV_ARRAY);
	}
	for (void *i = jv_each(jv_get(document, "paths"), NULL, &name, &value);
	     i != NULL;
	     i = jv_each(jv_get(document, "paths"), i, &name, &value))
		operations += jv_len(value);
	assert_int_equal(operations, n);
	jv_release(document);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_asked_is_the_last_hour),
	    cmocka_unit_test(times_are_absolute_or_relative),
	    cmocka_unit_test(bad_values_name_their_field),
	    cmocka_unit_test(overlong_values_are_refused),
	    cmocka_unit_test(good_values_are_taken),
	    cmocka_unit_test(paths_match_whole_or_not_at_all),
	    cmocka_unit_test(a_link_carries_all_parameters_but_its_own),
	    cmocka_unit_test(every_route_is_in_the_description_of_the_api),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
