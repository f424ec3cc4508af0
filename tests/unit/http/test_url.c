/*
 * URLs taken apart and put together.
 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *url;
	const char *host; /* NULL: none of ours */
} hosts[] = {
    {"http://dziennik.example/", "dziennik.example"},
    {"https://Dziennik.EXAMPLE:8443/a?b#c", "dziennik.example"},
    {"HTTPS://x.example", "x.example"},
    {"http://127.0.0.1:8080/", "127.0.0.1"},
    {"http://[::1]:8080/", "::1"},
    {"http://[2001:DB8::1]/", "2001:db8::1"},
    {"http://user:pass@x.example/", "x.example"},
    {"http://user@y.example@x.example/", NULL},
    /* other spellings of an address are that address */
    {"http://0x7f.1/", "127.0.0.1"},
    {"http://2130706433/", "127.0.0.1"},
    {"http://0177.0.0.1/", "127.0.0.1"},
    {"", NULL},
    {"/path", NULL},
    {"x.example", NULL},
    {"//x.example/", NULL},
    {"http://", NULL},
    {"http:///path", "path"}, /* as browsers read it */
    {"http://:80/", NULL},
    {"http://x.example:99999/", NULL},
    {"http://x.example:http/", NULL},
    {"http://x example/", NULL},
    {"http://x.example/\r\nX: y", NULL},
    {"ftp://x.example/", NULL},
    {"file:///etc/passwd", NULL},
    {"javascript:alert(1)", NULL},
    {"mailto:a@x.example", NULL},
};

static void
the_host_of_a_url_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		char host[64] = "";
		bool found = http_url_host(hosts[i].url, host, sizeof(host));

		if (found != (hosts[i].host != NULL))
			fail_msg("%s: %s", hosts[i].url, host);
		if (found)
			assert_string_equal(host, hosts[i].host);
	}
}

static void
a_host_that_does_not_fit_is_not_cut(void **state)
{
	char host[8];
	char url[600] = "http://";

	(void)state;
	assert_true(http_url_host("http://a.test7/", host, sizeof(host)));
	assert_string_equal(host, "a.test7");
	assert_false(http_url_host("http://a.test88/", host, sizeof(host)));
	memset(url + 7, 'a', 300);
	assert_false(http_url_host(url, url, sizeof(url)));
}

#define BASE "http://h.example/b/c/d?q"

static const struct {
	const char *base;
	const char *reference;
	const char *joined; /* NULL: makes none */
} joins[] = {
    /* RFC 3986, section 5.4, with our base */
    {BASE, "g", "http://h.example/b/c/g"},
    {BASE, "./g", "http://h.example/b/c/g"},
    {BASE, "g/", "http://h.example/b/c/g/"},
    {BASE, "/g", "http://h.example/g"},
    {BASE, "//g.example", "http://g.example/"},
    {BASE, "?y", "http://h.example/b/c/d?y"},
    {BASE, "g?y", "http://h.example/b/c/g?y"},
    {BASE, "g#s", "http://h.example/b/c/g#s"},
    {BASE, "#s", "http://h.example/b/c/d?q#s"},
    {BASE, "", BASE},
    {BASE, ".", "http://h.example/b/c/"},
    {BASE, "./", "http://h.example/b/c/"},
    {BASE, "..", "http://h.example/b/"},
    {BASE, "../", "http://h.example/b/"},
    {BASE, "../g", "http://h.example/b/g"},
    {BASE, "../../g", "http://h.example/g"},
    {BASE, "../../../../g", "http://h.example/g"},
    {BASE, "/./g", "http://h.example/g"},
    {BASE, "/../g", "http://h.example/g"},
    {BASE, "g;x=1/../y", "http://h.example/b/c/y"},
    {BASE, "g?y/../x", "http://h.example/b/c/g?y/../x"},
    {BASE, "g:1/2", NULL},
    /* of our own */
    {BASE, "https://other.example/x", "https://other.example/x"},
    {BASE, "HTTPS://Other.example", "https://Other.example/"},
    {BASE, "g?url=http://x/", "http://h.example/b/c/g?url=http://x/"},
    {BASE, "g h", "http://h.example/b/c/g%20h"},
    {BASE, "/za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87",
	"http://h.example/za%c5%bc%c3%b3%c5%82%c4%87"},
    {BASE "#old", "g", "http://h.example/b/c/g"},
    {BASE "#old", "", BASE},
    {"http://h.example", "g", "http://h.example/g"},
    {"http://h.example:8080/a", "/g", "http://h.example:8080/g"},
    {"https://h.example/a", "//x.example/b", "https://x.example/b"},
    {BASE, "javascript:alert(1)", NULL},
    {BASE, "mailto:a@x.example", NULL},
    {BASE, "data:text/html,x", NULL},
    {BASE, "ftp://x.example/", NULL},
    {BASE, "file:///etc/passwd", NULL},
    {BASE, "gopher://x.example/", NULL},
    {BASE, "http://x.example:99999/", NULL},
    {BASE, "http://", NULL},
    {"no base", "g", NULL},
    {"/b", "g", NULL},
    {"", "http://x.example/", "http://x.example/"},
};

static void
a_reference_is_joined_to_its_base(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
		char *joined = http_url_join(joins[i].base, joins[i].reference);
		const char *wanted = joins[i].joined;

		if ((joined == NULL) != (wanted == NULL) ||
		    (joined != NULL && strcasecmp(joined, wanted) != 0))
			fail_msg("%s + %s: %s, not %s", joins[i].base,
			    joins[i].reference,
			    joined != NULL ? joined : "none",
			    wanted != NULL ? wanted : "none");
		free(joined);
	}
}

static void
a_bad_url_is_the_fault_of_who_made_it_up(void **state)
{
	static const char *const urls[] = {"", "/path", "ftp://x.example/",
	    "http://", "http://x example/", "http://x.example/\nX: y",
	    "file:///etc/passwd", "http://a:b:c/"};
	struct rig rig;
	struct outcome got = {0};

	(void)state;
	rig_begin(&rig, NULL);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		rig_get(&rig, NULL, urls[i], 0, &got);
		assert_reason(&got, REASON_EXTRACT_FAILED);
		assert_string_not_equal(got.problem, "");
		assert_int_equal(got.status, 0);
	}
	assert_int_equal(http_client_requests(rig.client), 0);
	outcome_clear(&got);
	rig_end(&rig);
}

static int
set_up(void **state)
{
	(void)state;
	http_init();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	http_fini();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_host_of_a_url_is_found),
	    cmocka_unit_test(a_host_that_does_not_fit_is_not_cut),
	    cmocka_unit_test(a_reference_is_joined_to_its_base),
	    cmocka_unit_test(a_bad_url_is_the_fault_of_who_made_it_up),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
