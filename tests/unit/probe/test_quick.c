/* XPath without a tree says what libxml2 says of the tree, or leaves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/mem.h"
#include "daemon/probe/probe-int.h"
#include "probe/probe.h"

static struct charsets charsets;
static struct arena arena;
static struct buf tmp[3], decoded;
static struct value slots[2][PROBE_NAMES_MAX];
static struct conf_deployment deployment = {.name = "d"};
static struct values values = {.deployment = &deployment,
    .run_id = "id",
    .run_mark = "dyzurny-ff",
    .run_uuid = "uuid",
    .vars = {slots[0], slots[1]},
    .tmp = tmp};

static int
begin(void **state)
{
	size_t i;

	(void)state;
	arena_init(&arena, 4 << 20);
	for (i = 0; i < 3; i++)
		buf_init(&tmp[i], PROBE_VALUE_MAX);
	buf_init(&decoded, 8 << 20);
	return 0;
}

static int
clear(void **state)
{
	size_t i;

	(void)state;
	arena_fini(&arena);
	for (i = 0; i < 3; i++)
		buf_fini(&tmp[i]);
	buf_fini(&decoded);
	return 0;
}

static const char page_text[] =
    "<!DOCTYPE html><!-- <a id='hidden'>Ukryte</a> --><html><head><title>Prze"
    "rwa\ntechniczna</title><script>var x = \"<i id='skrypt'>Skrypt</i>\";"
    "</script></head><body class='dziennik'><a id=\"wyloguj\" "
    "href='/out?a=1&amp;b=2'>Wyloguj</a><INPUT TYPE=password NAME='pass'>"
    "<table class='zebra spis oceny'><tr class=line1><td>O<b>ce</b>ny &#322;"
    "</td><td data-id=' 7 '>dyzurny-ff</td></tr><tr class='line2'>"
    "<td title='a &quot;b&quot;'>x</td></tr></table><p class=''>koniec";

/* `tree`: libxml2 has to be asked. */
static const struct {
	const char *xpath;
	bool tree;
} cases[] = {
    {"//*[@id = 'wyloguj']", false},
    {"//*[@id='wyloguj']", false},
    {"//a[@id = 'Wyloguj']", false},
    {"//b[@id = 'wyloguj']", false},
    {"//a[@id = \"wyloguj\"]/@href", false},
    {"//a/@href", false},
    {"//a/@rel", false},
    {"//td/@data-id", false},
    {"//td[@title = 'a \"b\"']", false},
    {"//*[@id = 'hidden']", false},
    {"//*[@id = 'skrypt']", false},
    {"//input[@type = 'password'][@name = 'pass']", false},
    {"//input[@type = 'password' and @name = 'pass']", false},
    {"//input[@type = 'text' or @name = 'pass']", false},
    {"//input[@type = 'text' or @name = 'login']", false},
    {"//input[@type]", false},
    {"//input[@value]", false},
    {"//table[contains(@class, 'spis')]", false},
    {"//table[contains(concat(' ', @class, ' '), ' spis ')]", false},
    {"//table[contains(concat(' ', @class, ' '), ' zebra ')]", false},
    {"//table[contains(concat(' ', @class, ' '), ' oceny ')]/@class", false},
    {"//table[contains(concat(' ', @class, ' '), ' pis ')]", false},
    {"//tr[starts-with(@class, 'line')]/@class", false},
    {"//tr[starts-with(@class, 'ine')]", false},
    {"//p[@class = 'nie ma']", false},
    {"//p[@class = '']", true},
    {"//body[@class = 'dziennik']", true},
    {"//body", true},
    {"//p", true},
    {"//*", true},
    {"//a", false},
    {"//video", false},
    {"//title[contains(., 'Regulamin')]", false},
    {"//title[contains(., 'Przerwa')]", true},
    {"//title[normalize-space() = 'Przerwa techniczna']", true},
    {"//title[normalize-space() = 'Błąd' or normalize-space() = 'Login "
     "Service']",
	false},
    {"//title[normalize-space() = 'Błąd' or contains(., 'techniczna')]", true},
    {"//td[contains(., 'Oceny')]", true},
    {"//td[contains(., 'Oceny ł')]", true},
    {"//td[contains(., 'Ukryte')]", false},
    {"//tr[contains(., $run.mark)]", true},
    {"//tr[contains(., $run.id)]/@data-nothing", true},
    {"//tr[contains(., $run.uuid)]", false},
    {"//*[@id = $run.uuid]", false},
    {"//table[contains(@class, 'spis')]//td[contains(., 'dyzurny-ff')]", true},
    {"//table[contains(@class, 'brak')]//td[contains(., 'dyzurny-ff')]", false},
    {"//table[contains(@class, 'spis')]/@class", false},
    {"//table[contains(@class, 'spis')]//@class", true},
    {"//td[not(contains(., 'nigdzie'))]", true},
    {"//td[contains(., 'nigdzie') = false()]", true},
    {"//tr[2]/@class", true},
    {"//tr[position() = 2 and @class = 'line2']/@class", true},
    {"//tr[td[contains(., 'nigdzie')]]", true},
    {"//a[@id = 'wyloguj'] | //b[@id = 'nigdzie']", true},
    {"count(//a[@id = 'nigdzie']) = 0", true},
    {"//a[@id != 'nigdzie']", true},
    {"//a[@id = 'nigdzie' or true()]", true},
    {"//a[contains(@id, '')]", false},
    {"/html[@lang = 'pl']", false},
    {"/html//a[@id = 'wyloguj']", true},
    {"//td/text()", true},
    {"//tr/following-sibling::tr", true},
};

static struct page
page_of(const char *text)
{
	return (struct page){.charsets = &charsets,
	    .url = "https://h.pl/",
	    .status = 200,
	    .media_type = "text/html",
	    .raw = text,
	    .raw_len = strlen(text),
	    .decoded = &decoded};
}

/* find gives what was found, in `out` its text; *tree: a tree was built. */
static enum found
find(const struct selector *selector, struct buf *out, bool *tree)
{
	struct page page = page_of(page_text);
	enum found found = probe_selector_find(selector, &page, &values, out);

	*tree = page.html != NULL;
	probe_page_end(&page);
	return found;
}

static void
compare(const char *xpath, bool tree, bool with_text)
{
	static struct conf_profile profile = {.name = "p", .path = "p"};
	struct conf_problems *problems = conf_problems_new();
	struct compiler compiler = {
	    .problems = problems, .profile = &profile, .arena = &arena};
	char *source = mem_printf("xpath %s", xpath);
	struct conf_text text = {source, "k", {"p", 1}};
	struct selector selector, slow;
	struct buf ours, theirs;
	struct scan scan;
	bool built, ignored;

	probe_scan_begin(&scan, &compiler, &text);
	if (probe_selector_scan(&scan, &selector) != 1)
		fail_msg("%s: %s", xpath, conf_problems_at(problems, 0));
	slow = selector;
	slow.quick = NULL;
	buf_init(&ours, 4096);
	buf_init(&theirs, 4096);
	if (find(&selector, with_text ? &ours : NULL, &built) !=
	    find(&slow, with_text ? &theirs : NULL, &ignored))
		fail_msg("%s: not what libxml2 finds", xpath);
	if (strcmp(ours.data, theirs.data) != 0)
		fail_msg(
		    "%s: \"%s\" and not \"%s\"", xpath, ours.data, theirs.data);
	if (!with_text && built != tree)
		fail_msg("%s: a tree was %sbuilt", xpath, built ? "" : "not ");
	buf_fini(&ours);
	buf_fini(&theirs);
	probe_selector_fini(&selector);
	conf_problems_free(problems);
	free(source);
}

static void
the_answer_is_that_of_the_tree(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		compare(cases[i].xpath, cases[i].tree, false);
		compare(cases[i].xpath, cases[i].tree, true);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		the_answer_is_that_of_the_tree, begin, clear),
	};

	probe_init_libraries();
	probe_charsets_init(&charsets);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
