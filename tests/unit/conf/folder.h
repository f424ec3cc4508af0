#ifndef TESTS_CONF_FOLDER_H
#define TESTS_CONF_FOLDER_H

#include <stddef.h>

#include "conf/conf.h"

/*
 * A folder of files that a test makes, is in, and leaves nothing of. It holds
 * a good profile p.cfg, good accounts a and b, and a good webhook key `key`,
 * which a case may replace.
 */
void folder_enter(void);
void folder_leave(void);

/* folder_enter_for_example: with the accounts and the webhook key that
 * conf/dyzurny.cfg names, as systemd credentials. */
void folder_enter_for_example(void);

/* folder_write makes or replaces a file below the folder, mode 0600. */
void folder_write(const char *name, const char *content);
void folder_write_bytes(const char *name, const char *bytes, size_t len);
void folder_mode(const char *name, unsigned mode);

/* folder_load loads c.cfg and returns all problems, each with a line end; the
 * caller frees. A configuration that loads is given to *conf or released. */
char *folder_load(struct conf **conf);

/* A case of a table: some files, and all the problems that c.cfg then has. */
struct folder_case {
	const char *title;
	struct {
		const char *name;
		const char *content;
	} files[4];
	const char *problems;
};

/* folder_check_cases plays each in a folder of its own and compares. */
void folder_check_cases(const struct folder_case *cases, size_t n);

/* Line 1 and 2 of a good c.cfg. */
#define TOP "vantage = \"waw\"; contact = \"admin@example.pl\";\n"
#define DEPLOYMENT \
	"{ name = \"d\"; vars = { host = \"h\"; }; sender = \"a\"; " \
	"recipient = \"b\"; }"
#define OPERATOR \
	"{ name = \"op\"; profile = \"p.cfg\"; " \
	"budget = { per_minute = 60; parallel = 2; }; " \
	"deployments = ( " DEPLOYMENT " ); }"
#define OPERATORS "operators = ( " OPERATOR " );\n"
#define PROFILE \
	"hosts = ( \"${host}\" ); vars = ( \"host\" );\n" \
	"transactions = ( { name = \"login\"; steps = (\n" \
	"  { name = \"form\"; get = \"https://${host}/\"; },\n" \
	"  { name = \"read\"; as = \"recipient\"; get = " \
	"\"https://${host}/\"; }" \
	" ); } );\n"

#endif
