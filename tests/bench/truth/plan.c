/*
 * The journeys of the truth benchmark: profiles and the configuration.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"

static const char truth_profile[] =
    "hosts = ( \"*." TRUTH_DOMAIN "\" ); vars = ( \"port\" );\n"
    "transactions = (\n"
    " { name = \"login\"; timeout = \"20s\"; steps = ( { name = \"open\";\n"
    "   get = \"https://a${run.id}." TRUTH_DOMAIN ":${port}/0\";\n"
    "   redirects = 2; expect = ( \"status 200\" ); } ); },\n"
    " { name = \"grades\"; timeout = \"20s\"; steps = ( { name = \"list\";\n"
    "   get = \"https://a${run.id}." TRUTH_DOMAIN ":${port}/3\";\n"
    "   expect = ( \"status 200\" ); } ); } );\n";

#define IN "\"status 200\", \"xpath //*[@id = 'wyloguj']\""
#define MARK \
	"\"xpath //table[contains(concat(' ', @class, ' '), ' spis ')]\",\n" \
	"\"xpath //a[contains(concat(' ', @class, ' '), ' info ')]/@rel\""
#define SENT "\"xpath //*[normalize-space() = 'Wiadomość została wysłana.']\""

/* Three requests on one connection: as little as a journey can be. */
#define LIGHT "https://dziennik." TRUTH_DOMAIN ":${port}"
static const char light_profile[] =
    "hosts = ( \"*." TRUTH_DOMAIN "\" ); vars = ( \"port\" );\n"
    "transactions = (\n"
    " { name = \"login\"; timeout = \"20s\"; steps = ( { name = \"password\";\n"
    "   post = \"" LIGHT "/login\"; form = { a = \"b\"; };\n"
    "   expect = ( " IN " ); } ); },\n"
    " { name = \"grades\"; timeout = \"20s\"; steps = ( { name = \"page\";\n"
    "   get = \"" LIGHT "/grades\"; expect = ( " IN ", " MARK " ); } ); },\n"
    " { name = \"message\"; timeout = \"20s\"; steps = ( { name = \"send\";\n"
    "   post = \"" LIGHT "/message\"; idempotent = false;\n"
    "   form = { mark = \"${run.mark}\"; }; expect = ( " SENT " ); } ); } );\n";

/* Eleven requests on two TLS connections, as the journey of a register with
 * web pages has. */
#define FULL "https://dziennik." TRUTH_DOMAIN ":${port}"
static const char full_profile[] =
    "hosts = ( \"*." TRUTH_DOMAIN "\" ); vars = ( \"port\" );\n"
    "transactions = (\n"
    " { name = \"login\"; timeout = \"20s\"; steps = ( { name = \"password\";\n"
    "   post = \"" FULL "/in\"; form = { a = \"b\"; }; redirects = 1;\n"
    "   expect = ( " IN " ); } ); },\n"
    " { name = \"grades\"; timeout = \"20s\"; steps = ( { name = \"page\";\n"
    "   get = \"" FULL "/grades\"; expect = ( " IN ", " MARK " ); } ); },\n"
    " { name = \"message\"; timeout = \"20s\"; from = \"send\";\n"
    "   to = \"arrive\"; steps = (\n"
    "   { name = \"recipient\"; use = \"login\"; as = \"recipient\"; },\n"
    "   { name = \"send\"; post = \"" FULL "/send\"; redirects = 1;\n"
    "     idempotent = false; form = { mark = \"${run.mark}\"; };\n"
    "     expect = ( " SENT " ); },\n"
    "   { name = \"arrive\"; as = \"recipient\"; get = \"" FULL "/box\";\n"
    "     expect = ( " IN " ); poll = { until =\n"
    "     \"xpath //tr[contains(., '5')]\"; every = \"2s\";\n"
    "     at_most = \"10s\"; }; } ); },\n"
    " { name = \"cleanup\"; always = true; timeout = \"10s\"; steps = (\n"
    "   { name = \"a\"; get = \"" FULL "/out\"; redirects = 1; },\n"
    "   { name = \"b\"; get = \"" FULL "/out\"; as = \"recipient\";\n"
    "     redirects = 1; } ); } );\n";

#define OPERATOR(name) \
	" { name = \"" name "\"; title = \"T\"; profile = \"" name ".cfg\";\n" \
	"   budget = { per_minute = 100000; parallel = 100; };\n" \
	"   deployments = ( { name = \"d\"; vars = { port = \"%d\"; };\n" \
	"   sender = \"a\"; recipient = \"b\"; } ); }"

static const char config[] =
    "vantage = \"bench\"; contact = \"https://example.org/bench\";\n"
    "name_servers = ( \"127.0.0.1:%d\" );\n"
    "ca_file = \"%s/ca.pem\"; log_level = \"error\";\n"
    "operators = (\n" OPERATOR("truth") ",\n" OPERATOR("light") ",\n" OPERATOR(
	"full") " );\n";

static void
write_text(const char *folder, const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

struct plan *
truth_plan(const struct truth_world *world, const char *folder)
{
	char text[4096], path[512];

	write_text(folder, "truth.cfg", truth_profile);
	write_text(folder, "light.cfg", light_profile);
	write_text(folder, "full.cfg", full_profile);
	snprintf(text, sizeof(text), config, world->dns_port, folder,
	    world->server_port, world->load_port, world->load_port);
	write_text(folder, "c.cfg", text);
	snprintf(path, sizeof(path), "%s/c.cfg", folder);
	return plan_load_or_say(path);
}
