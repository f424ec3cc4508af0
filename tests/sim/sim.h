#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <jansson.h>
#include <microhttpd.h>

#include "queue.h"
#include "text.h"

/*
 * The five operators, simulated. One `oper` for each with its listener, one
 * `deployment` for each place where it can be reached, one `exchange` for
 * each request under way. All that belongs to an operator is guarded by its
 * lock, which is held while a request is judged and answered.
 *
 * Nothing of the daemon is used here: a simulator that shares code with the
 * program under test proves nothing.
 */

enum {
	OPERS = 5,
	DEPLOYMENTS_MAX = 3,
	ACCOUNTS_MAX = 32,
	FAULTS_MAX = 16,
	PARAMS_MAX = 96,
	HEADERS_MAX = 16,
	CAPTURES_MAX = 3,
	BODY_MAX = 256 * 1024,
	SESSIONS_MAX = 8192,
	SESSION_BUCKETS = 4096,
	MAILBOX_MAX = 512,
	TOKEN_SIZE = 48,
};

struct exchange;
struct oper;
struct operator_play;
struct sim;
struct symptom;

/* ---- accounts.c: who may log in, what marks they have ---- */

struct account {
	const char *oper;
	const char *deployment;
	const char *file; /* of --accounts */
	const char *user;
	const char *password;
	const char *id; /* as recipient of a message */
	const char *name;
	const char *mailbox; /* second address where the operator has one */
	int pupil; /* number of the pupil's record */
};

struct grade {
	int id;
	const char *subject;
	const char *mark;
	const char *category;
	const char *teacher;
	const char *date; /* YYYY-MM-DD */
	int weight;
	int semester;
};

/* NULL ends both tables (by their first pointer or a zero id). */
extern const struct account sim_accounts[];
extern const struct grade sim_grades[];

const struct account *account_by_id(
    const char *oper, const char *deployment, const char *id);
const struct account *account_by_mailbox(
    const char *oper, const char *deployment, const char *mailbox);
int accounts_write(const char *dir);

/* ---- grades.c ---- */

/* What a mark counts; a minus takes a quarter, `plus` is the operator's. */
double grade_worth(const char *mark, double plus);

/* Noon of YYYY-MM-DD. */
time_t grade_noon(const char *date);

/* True for the first mark of its subject in `semester`, in the year with 0. */
bool grade_begins_subject(const struct grade *grade, int semester);

/* ---- session.c: sessions, tickets, credentials ---- */

/*
 * A session, or a one-time ticket: what a cookie or token stands for. `kind`
 * is the operator's own. A session with a parent dies with it.
 */
struct session {
	char id[33];
	char parent[33];
	int kind;
	int stage;
	const struct account *account; /* NULL before the login */
	struct deployment *dep;
	double expires_s;
	double life_s; /* each use prolongs by this; 0: fixed end */
	char token[4][TOKEN_SIZE];
	double token_until_s; /* for one that runs out before the session */
	struct session *next;
	struct session *older;
	struct session *newer;
};

struct session_table {
	struct session *bucket[SESSION_BUCKETS];
	struct session *oldest;
	struct session *newest;
	size_t n;
};

/* A random token of 32 hexadecimal digits. */
void session_token(char token[33]);

/* Keeps a text in a token of a session, cut at its size; NULL is "". */
void session_keep(char token[TOKEN_SIZE], const char *text);

struct session *session_new(struct exchange *x, int kind, double life_s);

/*
 * session_find gives the living session of that kind and deployment, or
 * NULL; NULL as `id` is fine. session_by_cookie is where a fault may strike
 * the session dead.
 */
struct session *session_find(struct exchange *x, int kind, const char *id);
struct session *session_by_cookie(
    struct exchange *x, int kind, const char *cookie);
void session_drop(struct oper *op, struct session *session);
void session_drop_all(struct oper *op);
size_t session_count(struct oper *op); /* of living, logged-in ones */

enum login { LOGIN_OK, LOGIN_WRONG, LOGIN_LOCKED, LOGIN_CAPTCHA };

/*
 * login_try judges the credentials and counts the attempt. A fault may refuse
 * in a way that no answer of the handler shows: then what it writes is
 * replaced.
 */
enum login login_try(struct exchange *x, const char *user, const char *password,
    const struct account **account);

/* How often in a row that user's password was wrong; NULL as `user` is fine. */
unsigned login_refusals(struct exchange *x, const char *user);

/* ---- mailbox.c: one bounded ring of messages per deployment ---- */

enum folder { FOLDER_RECEIVED, FOLDER_SENT, FOLDER_TRASH };

struct message {
	long id; /* 0: a free place */
	char guid[40];
	const struct account *from;
	const struct account *to;
	char *subject;
	char *body;
	time_t sent;
	time_t read; /* 0: unread */
	double visible_s;
	bool in_received;
	bool in_sent;
	bool in_trash; /* of the recipient */
};

struct mailbox {
	struct message ring[MAILBOX_MAX];
	size_t next;
	long last_id;
};

/* mailbox_send copies its texts; gives the id, also when a fault loses the
 * message on its way. */
long mailbox_send(struct exchange *x, const struct account *from,
    const struct account *to, const char *subject, const char *body,
    const char *guid);

/* From the newest to the oldest; `after` NULL begins. */
struct message *mailbox_next(struct exchange *x, const struct account *whose,
    enum folder folder, const struct message *after);
struct message *mailbox_find(struct exchange *x, const struct account *whose,
    enum folder folder, long id);
bool mailbox_delete(struct exchange *x, const struct account *whose,
    enum folder folder, long id);

/* From the received ones to the bin, for operators that have one, and back. */
bool mailbox_trash(struct exchange *x, const struct account *whose, long id);
bool mailbox_restore(struct exchange *x, const struct account *whose, long id);
void mailbox_forget(struct mailbox *mailbox);

/* ---- fault.c: what goes wrong on purpose ---- */

enum fault_kind {
	FAULT_HTTP_503,
	FAULT_OVERLOAD_PAGE,
	FAULT_MAINTENANCE_PAGE,
	FAULT_MAINTENANCE_REDIRECT,
	FAULT_TOO_MANY_REQUESTS,
	FAULT_ERROR_PAGE,
	FAULT_WAF_PAGE,
	FAULT_FEATURE_OFF,
	FAULT_WRONG_ADDRESS,
	FAULT_NOT_FOUND,
	FAULT_CHANGED_FLOW,
	FAULT_WRONG_PASSWORD_PAGE,
	FAULT_ACCOUNT_LOCKED,
	FAULT_ACCOUNT_EXPIRED,
	FAULT_CAPTCHA,
	FAULT_INTERSTITIAL,
	FAULT_SESSION_LOST,
	FAULT_SESSION_LOST_401,
	FAULT_SESSION_LOST_409,
	FAULT_SESSION_LOST_REDIRECT,
	FAULT_SESSION_LOST_LOGIN_PAGE,
	FAULT_HANG,
	FAULT_TRICKLE,
	FAULT_RESET,
	FAULT_TRUNCATE,
	FAULT_MESSAGE_LOST,
	FAULT_MESSAGE_LATE,
	FAULT_MESSAGE_TWICE,
	FAULT_HUGE_BODY,
	FAULT_REDIRECT_LOOP,
	FAULT_GZIP_BOMB,
	FAULT_SLOW,
	FAULT_REFUSE,
	FAULT_KINDS
};

enum path_class {
	CLASS_LOGIN,
	CLASS_GRADES,
	CLASS_MESSAGE,
	CLASS_LOGOUT,
	CLASS_OTHER,
	CLASS_PLAIN, /* where a maintenance redirect leads: no faults here */
	CLASSES,
};

struct fault {
	bool used;
	enum fault_kind kind;
	const struct deployment *dep; /* NULL: each */
	int class; /* -1: each */
	char at[96]; /* part of "METHOD host/path"; "": any */
	double share;
	long count; /* strikes left; -1: no end */
	double delay_s;
	const struct symptom *symptom; /* NULL: the kind shows none */
};

const char *fault_name(enum fault_kind kind);
int fault_by_name(const char *name); /* -1: no such kind */
bool fault_is_symptom(enum fault_kind kind); /* nothing without a symptom */
const char *class_name(enum path_class class);

/* fault_strikes: one throw of the dice; counts the strike. */
bool fault_strikes(struct exchange *x, enum fault_kind kind, double *delay_s);

/* fault_hits does the same and gives the fault as it was ordered. */
bool fault_hits(struct exchange *x, enum fault_kind kind, struct fault *hit);

/* Body bytes of a gzip that unpacks to 64 MB; the bytes live for ever. */
void *fault_gzip_bomb(size_t *len);

/* ---- server.c, request.c: one request under way ---- */

struct param {
	const char *name;
	const char *value; /* NUL-terminated; decoded */
};

enum stage { STAGE_READING, STAGE_WAITING, STAGE_HANGING, STAGE_DONE };

struct exchange {
	struct sim *sim;
	struct oper *op;
	struct deployment *dep; /* NULL: an address the operator lacks */
	const struct route *route; /* NULL: no such path */
	struct MHD_Connection *conn;
	int fd;
	enum stage stage;
	enum path_class class;
	char method[8];
	char host[128];
	char path[640];
	char capture[CAPTURES_MAX][160];
	struct text body;
	bool body_too_big;
	struct param params[PARAMS_MAX];
	size_t n_params;
	json_t *json;
	/* the answer */
	unsigned status;
	struct text out;
	const char *type;
	struct {
		const char *name;
		char *value;
	} headers[HEADERS_MAX];
	size_t n_headers;
	bool logged_in; /* a living session was shown */
	bool inside; /* and a page for it stands ready */
	const struct symptom *instead; /* of the handler's answer */
	bool overloaded;
	bool counted;
	bool trickle;
	size_t trickled;
	/* timer.c */
	double due_s;
	double give_up_s; /* a hanging one is let go then */
};

/* The value of a form field, NULL without; `nth` from 0 for repeated ones. */
const char *request_form(struct exchange *x, const char *name);
const char *request_form_nth(struct exchange *x, const char *name, size_t nth);
const char *request_query(struct exchange *x, const char *name);
const char *request_cookie(struct exchange *x, const char *name);
const char *request_header(struct exchange *x, const char *name);
bool request_form_is(struct exchange *x, const char *name, const char *value);
bool request_is_json(struct exchange *x); /* by its Content-Type */
json_t *request_json(struct exchange *x); /* NULL if it is none; borrowed */
const char *request_json_string(struct exchange *x, const char *key);
void request_parse_form(struct exchange *x);
void request_fini(struct exchange *x);
bool same(const char *a, const char *b); /* false if one is NULL */

void reply_status(struct exchange *x, unsigned status, const char *type);
void reply_header(struct exchange *x, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void reply_cookie(struct exchange *x, const char *name, const char *value,
    const char *attributes);
void reply_redirect(struct exchange *x, unsigned status, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
void reply_clear(struct exchange *x);

#define TYPE_HTML "text/html; charset=UTF-8"
#define TYPE_JSON "application/json; charset=utf-8"

/* ---- operators ---- */

/* `path`: a star stands for one segment and is captured, two for the rest. */
struct route {
	const char *method;
	const char *host; /* first label of the host name; NULL: any */
	const char *path;
	enum path_class class;
	void (*handle)(struct exchange *x);
};

/* ---- symptom.c: what an operator shows when it is not itself ---- */

/*
 * A fault of this kind answers with this, or with that variant of it. In
 * `location` and `body`, @host@ and @deployment@ stand for those of the
 * request.
 */
struct symptom {
	enum fault_kind kind;
	const char *variant; /* NULL: the usual one */
	unsigned status;
	const char *type;
	const char *location; /* NULL: no redirect */
	const char *body;
	bool once_inside; /* hides a page after the login */
};

/* symptom_find: NULL if that operator has no such symptom. */
const struct symptom *symptom_find(const struct operator_play *play,
    enum fault_kind kind, const char *variant);

/* symptom_show replaces whatever answer there is. */
void symptom_show(struct exchange *x, const struct symptom *symptom);
void symptom_show_usual(struct exchange *x, enum fault_kind kind);

struct operator_play {
	const char *name;
	const char *deployments[DEPLOYMENTS_MAX];
	const struct route *routes; /* ends with a NULL method */
	double capacity_per_s; /* of one deployment */
	unsigned servers;
	double peak_ratio; /* of the capacity, at the busiest usual hour */
	/* which deployment is meant, -1: none */
	int (*resolve)(const struct exchange *x);
	const struct symptom *symptoms; /* ends with a status of 0 */
	/* last word on an answer, for an operator's encoding; or NULL */
	void (*finish)(struct exchange *x);
};

extern const struct symptom librus_symptoms[];
extern const struct symptom vulcan_symptoms[];
extern const struct symptom wizja_symptoms[];
extern const struct symptom helion_symptoms[];
extern const struct symptom eszkola24_symptoms[];

extern const struct operator_play librus_play;
extern const struct operator_play vulcan_play;
extern const struct operator_play wizja_play;
extern const struct operator_play helion_play;
extern const struct operator_play eszkola24_play;

struct deployment {
	const char *name;
	struct queue queue;
	struct mailbox mailbox;
};

#define SPANS_MAX 2048

struct counters {
	uint64_t requests;
	uint64_t logins;
	uint64_t login_failures;
	uint64_t messages_sent;
	uint64_t by_class[CLASSES];
	uint64_t in_flight;
	uint64_t max_in_flight;
	/* W3C Trace Context: requests without a traceparent that is right, and
	 * those whose parent id one of the last SPANS_MAX had, too */
	uint64_t untraced;
	uint64_t repeated_spans;
	uint64_t spans[SPANS_MAX];
	size_t next_span;
};

struct oper {
	struct sim *sim;
	const struct operator_play *play;
	pthread_mutex_t lock;
	struct deployment deps[DEPLOYMENTS_MAX];
	size_t n_deps;
	struct session_table sessions;
	struct fault faults[FAULTS_MAX];
	struct counters counters;
	unsigned refused[ACCOUNTS_MAX]; /* wrong passwords in a row */
	struct queue_random random;
	long ahead_s; /* of the real clock, by hand */
	bool load_set; /* by hand: the week leaves it alone */
	struct MHD_Daemon *daemon;
	int holder_fd; /* keeps the port while the listener is closed */
	int listen_fd; /* -1: refusing */
	uint16_t port;
};

struct sim {
	struct oper opers[OPERS];
	struct MHD_Daemon *control;
	uint16_t control_port;
	struct timer *timer;
	pthread_t acceptor;
	int wake_fd;
	bool stopping; /* read by the acceptor after a wake-up */
	double started_s;
	double week_s; /* 0: no week is played */
	int surge; /* index of the operator, -1: none */
	double limit_s;
	char *cert;
	char *key;
};

struct oper *sim_oper(struct sim *sim, const char *name);

/* ---- clock.c ---- */

/*
 * sim_now_s is the monotonic clock. The other two are the operator's own, by
 * which its sessions and messages grow old: the same as long as it was not
 * moved.
 */
double sim_now_s(void);
double oper_now_s(const struct oper *op);
time_t oper_time(const struct oper *op);

/* ---- server.c ---- */

int server_start(struct sim *sim, const char *dir, uint16_t port_base);
void server_stop(struct sim *sim);
void server_wake(struct sim *sim); /* after `refuse` came or went */

/* ---- timer.c: answers that wait for their time ---- */

struct timer *timer_new(void);

/*
 * timer_suspend suspends the exchange's connection until `x->due_s`; one
 * with `give_up_s` is looked at now and then and resumed as soon as its
 * client has gone. False when stopping: answer at once.
 */
bool timer_suspend(struct timer *timer, struct exchange *x);

/* Resumes all and lets nobody wait any more. */
void timer_stop(struct timer *timer);
void timer_free(struct timer *timer);
void timer_every(
    struct timer *timer, double period_s, void (*call)(void *), void *arg);

/* ---- control.c, week.c ---- */

int control_start(struct sim *sim, uint16_t port);
void control_stop(struct sim *sim);

/* week_tick sets the load of all operators to that of the moment. */
void week_tick(void *sim);

/* The part of the peak load at that hour of the week (0 is Monday 0:00). */
double week_shape(double hour);

#endif
