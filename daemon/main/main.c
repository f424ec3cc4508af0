/*
 * The program: arguments and the choice of a command. What a command does is
 * in its own file of this room.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "http/http.h"
#include "main-int.h"
#include "probe/probe.h"

static const struct command {
	const char *name;
	const char *arguments;
	const char *does;
	int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", "-c FILE", "watch the operators, in the foreground",
	command_serve},
    {"check", "-c FILE", "check a configuration, print budget and disk plan",
	command_check},
    {"probe", "-c FILE OPERATOR/DEPLOYMENT [--json] [--har FILE]",
	"one journey now, shown step by step", command_probe},
    {"account", "-c FILE list|release NAME",
	"accounts that were stopped, and their release", command_account},
    {"incidents",
	"-c FILE list [--all]|show ID|acknowledge ID [--by NAME]|note ID TEXT "
	"[--by NAME]",
	"incidents of a running daemon, and what people do with them",
	command_incidents},
    {"deliveries",
	"-c FILE list [--state STATE]|retry ID|retry --all-dead|test "
	"SUBSCRIBER",
	"the webhooks of a running daemon: dead ones again, a test message",
	command_deliveries},
    {"maintenance",
	"-c FILE list [--open]|add OPERATOR[/DEPLOYMENT] --reason TEXT …|end "
	"ID",
	"announced maintenance, in which an operator is not judged",
	command_maintenance},
    {"report",
	"-c FILE --operator NAME --month 2026-10 [--format text|csv|json|html] "
	"[--lang pl|en]",
	"the availability account of a month", command_report},
    {"silences",
	"-c FILE list [--open]|add OPERATOR[/DEPLOYMENT] --reason TEXT …|end "
	"ID",
	"incidents that subscribers are not told of for a while",
	command_silences},
    {"user",
	"-c FILE list|add NAME --role ROLE [--operator NAME] [--days N]|revoke "
	"ID|audit",
	"tokens by which people and programs change things over HTTP",
	command_user},
    {"backtest", "-c FILE [--rule NAME] --from TIME [--to TIME] [--json]",
	"which incidents the rules would have opened over the stored history",
	command_backtest},
    {"status", "[--url URL]", "the state table of a running daemon",
	command_status},
};

static void
usage(FILE *to)
{
	fputs("usage: dyzurny COMMAND …\n\n", to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %s %s\n      %s\n", commands[i].name,
		    commands[i].arguments, commands[i].does);
	fputs("\n  dyzurny --version\n\nThe manual: dyzurny(1); "
	      "the configuration: dyzurny.cfg(5).\n",
	    to);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts(PACKAGE_STRING);
		return EXIT_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		int code;

		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		/* A peer that hangs up is an answer, not the end of us. */
		signal(SIGPIPE, SIG_IGN);
		http_init();
		probe_init_libraries();
		code = commands[i].run(argc - 1, argv + 1);
		http_fini();
		return code;
	}
	fprintf(stderr, "dyzurny: no command '%s'\n\n", argv[1]);
	usage(stderr);
	return EXIT_USAGE;
}
