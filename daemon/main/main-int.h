#ifndef MAIN_INT_H
#define MAIN_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/json.h"
#include "conf/conf.h"
#include "conf/problems.h"
#include "http/http.h"
#include "probe/program.h"
#include "series/series.h"

/* Exit codes of every command. */
enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* The commands. argv[0] is the command's own name. */
int command_serve(int argc, char **argv);
int command_check(int argc, char **argv);
int command_probe(int argc, char **argv);
int command_status(int argc, char **argv);
int command_account(int argc, char **argv);
int command_incidents(int argc, char **argv);
int command_deliveries(int argc, char **argv);
int command_maintenance(int argc, char **argv);
int command_report(int argc, char **argv);
int command_silences(int argc, char **argv);
int command_user(int argc, char **argv);
int command_backtest(int argc, char **argv);

/*
 * A configuration with everything compiled from it: what serve, check and
 * probe begin with. programs[i] belongs to conf->profiles[i].
 */
struct plan {
	struct conf *conf;
	struct probe_program **programs;
	struct http_bundles *bundles; /* all that conf names, parsed */
	struct board *board; /* serve only: what is shown of it */
	struct alert_rules *rules; /* the same: what is judged; may be taken */
};

/*
 * plan_load reads and compiles; NULL when anything is wrong, then `problems`
 * has it. Reads files: not on the loop.
 */
struct plan *plan_load(
    const char *file, struct conf_problems *problems) MUST_USE;
void plan_free(struct plan *plan); /* NULL is fine */

/* plan_prepare adds what serve needs beyond that. Not on the loop either. */
void plan_prepare(struct plan *plan);

/* plan_load, or the problems on stderr and NULL. */
struct plan *plan_load_or_say(const char *file) MUST_USE;

/* disk_archives: the archives of a plan as series takes them, malloc'ed. */
struct series_archive *disk_archives(
    const struct conf_archive *from, size_t n) MUST_USE;

/* disk_of_operator: bytes of the files of one operator; `least` and `most` of
 * a target, `all` of the operator as a whole, `sum` of everything. */
struct disk_need {
	size_t targets;
	int64_t least, most;
	int64_t all;
	int64_t sum;
	double per_minute; /* results */
};
void disk_of_operator(const struct conf_store *store,
    const struct conf_operator *op, struct disk_need *need);

/* disk_print prints the plan of all operators and what the disk has free.
 * Walks the state directory. */
void disk_print(const struct conf *conf);

/* The User-Agent of every request, malloc'ed. */
char *user_agent(const struct conf *conf);

/* What `plan` says of the client, borrowed from it and from `agent`. */
struct http_options plan_http_options(
    const struct plan *plan, const char *agent);

/* control_path: where the control socket of the daemon with that configuration
 * is, malloc'ed; NULL with the problems on stderr. */
char *control_path(const char *file) MUST_USE;

/* ask puts one question to a running daemon and waits for the answer; NULL with
 * the problem on stderr. */
struct ask {
	const char *url;
	const char *unix_socket; /* NULL: by TCP */
	enum http_method method;
	const char *body; /* JSON; NULL: none */
};
struct jv *ask(const struct ask *question) MUST_USE;

/* ask_with does so by the control socket, for what is below /api/v1/; it takes
 * over `body` (NULL: none). */
struct jv *ask_with(const char *socket, enum http_method method,
    const char *path, struct jv *body) MUST_USE;

/* own_name: of the user who runs the command; borrowed. */
const char *own_name(void);

/*
 * key_load gives the random key of the state directory, which is made when
 * there is none. What is wrong is said; then it is one that is forgotten with
 * the process.
 */
#define KEY_BYTES 32
void key_load(const char *dir, uint8_t key[KEY_BYTES]);

/* Tells the service manager, if there is one: "READY=1" and so on. The
 * protocol is sd_notify(3)'s. */
void service_notify(const char *state);

/*
 * A table for the terminal. Cells are UTF-8; columns are as wide as their
 * widest cell. Rows are added left to right.
 */
struct table;
struct table *table_new(const char *const *heads, size_t n);
void table_cell(struct table *table, const char *format, ...) PRINTF_LIKE(2, 3);
/* table_time: Unix seconds of a JSON object as RFC 3339, or a dash. */
void table_time(struct table *table, const struct jv *object, const char *key);
void table_print(const struct table *table);
void table_free(struct table *table);

#endif
