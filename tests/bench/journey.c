/*
 * What a whole journey costs: login form, login, grades, over one fresh
 * connection with a whole handshake; against a bare client and against libcurl
 * alone that send the same requests at the same pace.
 *
 *   journey [ROUNDS [SECONDS [PER_SECOND]]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <curl/curl.h>

#include "bare.h"
#include "bench.h"
#include "house.h"
#include "site.h"

#define GOAL 1.5
#define EVERY_S 2
#define SETTLE_S 3
#define NS_PER_MS 1e6

/* What our client says of itself in every request. */
#define COMMON \
	"User-Agent: dyzurny/0.9.0 (+https://example.org/bench)\r\n" \
	"Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\n" \
	"traceparent: 00-17e22a5b0d1f4b7e9d2c41c0ffee1234-" \
	"00f067aa0ba902b7-01\r\n"

static const struct floor_request requests[] = {
    {"/logowanie", NULL, COMMON},
    {"/zaloguj",
	"zeton=c29tZSByYW5kb20gdG9rZW4gb2YgdGhlIGZvcm0%3D&login=uczen.7118&"
	"haslo=Zaq1%40wsx",
	COMMON "Cookie: wstep=6f1c0a92d2\r\n"
	       "Content-Type: application/x-www-form-urlencoded\r\n"
	       "Referer: https://" SITE_HOST "/logowanie\r\n"
	       "Origin: https://" SITE_HOST "\r\n"},
    {"/oceny", NULL,
	COMMON "Cookie: wstep=6f1c0a92d2; sesja=4b2f9c01e7aa5d63\r\n"
	       "Referer: https://" SITE_HOST "/zaloguj\r\n"},
};
#define N_REQUESTS (sizeof(requests) / sizeof(requests[0]))

/* As the profiles of the operators are: a form with hidden fields, checks and
 * markers in XPath and in words, an extraction. */
static const char transactions[] =
    "transactions = (\n"
    "{ name = \"login\"; timeout = \"600s\"; steps = (\n"
    "  { name = \"form\"; get = \"https://${host}/logowanie\";\n"
    "    extract = ( \"page = form haslo\" ); },\n"
    "  { name = \"submit\"; post = \"${page.action}\";\n"
    "    form = { * = \"page\"; login = \"${account.user}\";\n"
    "      haslo = \"${account.password}\"; };\n"
    "    expect = ( \"status 200\", \"cookie sesja\",\n"
    "      \"xpath //*[@id = 'wyloguj']\" ); } ); },\n"
    "{ name = \"grades\"; timeout = \"600s\"; steps = (\n"
    "  { name = \"page\"; get = \"https://${host}/oceny\";\n"
    "    expect = ( \"status 200\", \"xpath //*[@id = 'wyloguj']\",\n"
    "      \"xpath //table[contains(concat(' ', @class, ' '), ' spis ')]\",\n"
    "      \"xpath //a[contains(concat(' ', @class, ' '), ' info ')]/@rel\" "
    "); } ); } );\n"
    "markers = (\n"
    "  { body = \"<h2>Problemy z wydajnością</h2>\"; reason = "
    "\"overload_page\"; },\n"
    "  { body = \"Podano niepoprawny login i/lub hasło\"; reason = "
    "\"bad_credentials\"; },\n"
    "  { json = \"/error/type = LOGIN_ERROR\"; reason = "
    "\"bad_credentials\"; },\n"
    "  { xpath = \"//*[contains(concat(' ', @class, ' '), ' "
    "okienko_informacyjne ')][contains(., 'Ważna informacja!')]\"; reason = "
    "\"interstitial\"; },\n"
    "  { url = \"/przerwa_techniczna\"; reason = \"maintenance_page\"; },\n"
    "  { xpath = \"//body[normalize-space() = 'przerwa techniczna']\"; reason "
    "= \"maintenance_page\"; },\n"
    "  { xpath = \"//title[contains(., 'Regulamin')]\"; reason = "
    "\"interstitial\"; } );\n";

struct rows {
	struct bench_sample bare, multi, engine, store, all;
};

static void
one_round(struct house *house, struct rows *rows, unsigned s, unsigned per_s)
{
	const struct site *site = house->site;
	struct house_figures figures;
	double bare, multi;

	house_pause(house);
	bare = bare_run(site, requests, N_REQUESTS, s * per_s, per_s);
	multi = multi_run(site, requests, N_REQUESTS, s * per_s, per_s);
	bench_add(&rows->bare, bare);
	bench_add(&rows->multi, multi);
	house_resume(house);
	sleep(SETTLE_S); /* what was due meanwhile is made up for */
	house_measure(house, s, &figures);
	bench_add(&rows->engine,
	    (double)figures.engine_ns / NS_PER_MS / figures.runs);
	bench_add(
	    &rows->store, (double)figures.store_ns / NS_PER_MS / figures.runs);
	bench_add(
	    &rows->all, (double)figures.all_ns / NS_PER_MS / figures.runs);
	printf("  round: bare %.3f, libcurl %.3f, engine %.3f, store %.3f, all "
	       "%.3f ms; %.0f journeys, %.0f results tainted\n",
	    bare, multi, (double)figures.engine_ns / NS_PER_MS / figures.runs,
	    (double)figures.store_ns / NS_PER_MS / figures.runs,
	    (double)figures.all_ns / NS_PER_MS / figures.runs, figures.runs,
	    figures.tainted);
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 5;
	unsigned s = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
	unsigned per_s = argc > 3 ? (unsigned)atoi(argv[3]) : 200;
	struct house_options options = {
	    .name = "journey",
	    .transactions = transactions,
	    .deployments = per_s * EVERY_S,
	    .every_s = EVERY_S,
	    .requests = N_REQUESTS,
	};
	struct rows rows = {0};
	struct site site;
	struct house house;
	double bare;

	setvbuf(stdout, NULL, _IOLBF, 0);
	curl_global_init(CURL_GLOBAL_ALL);
	bench_pin(0);
	site_open(&site);
	house_open(&house, &site, &options);
	sleep(3 * SETTLE_S); /* its files are made when first written */
	for (unsigned i = 0; i < rounds; i++)
		one_round(&house, &rows, s, per_s);
	bare = bench_quantile(&rows.bare, 0.5);
	bench_row("bare OpenSSL and epoll", &rows.bare, "ms of CPU");
	bench_row("libcurl alone", &rows.multi, "ms of CPU");
	bench_row("dyzurny, engine", &rows.engine, "ms of CPU");
	bench_row("dyzurny, store", &rows.store, "ms of CPU");
	bench_row("dyzurny, all threads", &rows.all, "ms of CPU");
	printf("%-44s %8.3f\n", "libcurl alone / bare",
	    bench_quantile(&rows.multi, 0.5) / bare);
	printf("%-44s %8.3f\n", "engine / bare",
	    bench_quantile(&rows.engine, 0.5) / bare);
	bench_ratio("engine and store / bare",
	    (bench_quantile(&rows.engine, 0.5) +
		bench_quantile(&rows.store, 0.5)) /
		bare,
	    GOAL);
	house_close(&house);
	site_close(&site);
	return 0;
}
