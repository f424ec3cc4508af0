#ifndef DAEMON_WEB_WEB_INT_H
#define DAEMON_WEB_WEB_INT_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/zone.h"
#include "ledger/change.h"
#include "ledger/ledger.h"
#include "locale.h"
#include "loop/lane.h"
#include "model/snapshot.h"
#include "query.h"
#include "series/series.h"
#include "template.h"
#include "web/report.h"
#include "web/web.h"

/*
 * What the files of this room share. One request goes: admit.c (limits,
 * hygiene) -> route.c (who answers) -> wait.c if the store is asked ->
 * a handler, which fills a struct answer -> respond.c (headers, bytes out).
 * A handler knows nothing of libmicrohttpd.
 */

#define URI_MAX 8192
#define BODY_BYTES 16384
#define PARAMS_MAX 2
#define PARAM_SIZE 64

/* How old the snapshot is, on clock_boot, so that a wall clock that is set
 * makes none old: then what it says is not the present. */
enum freshness { FRESH, STALE, DEAD };
#define STALE_AFTER_US (10 * US_PER_S)
#define DEAD_AFTER_US (60 * US_PER_S)
enum freshness freshness_of(const struct snapshot *snapshot, mono_us now);

/* ---- assets.c: the files of dashboards_dir, read once at start ---- */

struct asset {
	const char *key; /* "style": the page has its link as link_style */
	const char *name; /* "style.css" */
	const char *type;
	char *bytes;
	size_t len;
	char etag[24]; /* with its quotes */
	char link[64]; /* "/assets/style.css?v=…" */
};

struct assets {
	struct asset *all;
	size_t n;
	struct asset openapi;
	struct template_set *templates;
	struct locale *locales[LANGUAGES];
};

/* assets_load: 0 or -errno; what is wrong is logged. */
int assets_load(
    struct assets *assets, const char *dir, const struct zone *zone) MUST_USE;
void assets_fini(struct assets *assets);
const struct asset *assets_find(const struct assets *assets, const char *name);

/* ---- a request and its answer ---- */

struct waiter;

/* Who asks. On the control socket an admin, who says his name himself. */
struct actor {
	enum role role;
	char name[MODEL_NAME_SIZE]; /* "" on the control socket */
	char op[MODEL_NAME_SIZE]; /* of an operator's own; else "" */
	char via[AUDIT_TEXT_SIZE];
};

struct pending_change {
	struct ledger_change change;
	char secret[TOKEN_TEXT_SIZE]; /* of a new token, shown once */
};

struct request {
	struct MHD_Connection *connection;
	char *uri; /* as sent, cut in two: the path, and */
	const char *query_text; /* what follows the question mark */
	bool uri_bad, uri_long;
	bool begun; /* the headers have been looked at */
	bool trusted; /* came by the control socket */
	struct actor actor; /* of a route that not everybody may ask */
	struct buf body; /* of a POST, as sent; at most BODY_BYTES */
	struct query query;
	enum language language;
	char params[PARAMS_MAX][PARAM_SIZE];
	const struct route *route;
	const char *allow; /* NULL, but for a path with other methods only */
	wall_us now;
	struct snapshot *snapshot; /* held; NULL before the first one */
	enum freshness freshness;
	bool openmetrics; /* asked for by Accept */
	/* a range that was asked of the series */
	struct waiter *waiter;
	struct request *wait_prev, *wait_next;
	struct series_range *range;
	int wait_problem;
	/* or a change that is being written; then the id of what is new */
	struct pending_change *pending;
	int64_t changed;
	/* or an account that is being counted */
	char report_op[MODEL_NAME_SIZE];
	struct report_month month;
	struct jv *account;
};

enum cache_policy { CACHE_NONE, CACHE_CHECK, CACHE_BRIEF, CACHE_FOREVER };

struct answer {
	unsigned status;
	const char *type;
	struct buf body;
	enum cache_policy cache;
	char etag[64]; /* with its quotes; "" makes one from the body */
	const char *allow; /* for 405; a 401 says by itself what it wants */
	const char *download; /* file name for Content-Disposition */
	char file_name[64]; /* room for one */
	unsigned retry_after_s;
	bool close;
};

void answer_init(struct answer *answer);
void answer_fini(struct answer *answer);

/* answer_json takes over `value`. */
void answer_json(struct answer *answer, struct jv *value);

typedef void handler_fn(
    struct web *web, struct request *request, struct answer *answer);

/* Fills the query to the series, or returns false when none is needed. */
typedef bool wants_fn(
    struct web *web, struct request *request, struct series_query *query);

/* Fills request->pending->change, which is written before the handler is
 * asked; or returns false, and `answer` says what is wrong. */
typedef bool change_fn(
    struct web *web, struct request *request, struct answer *answer);

enum route_method { ROUTE_GET, ROUTE_POST, ROUTE_DELETE };

struct route {
	const char *pattern; /* a star takes one segment of the path */
	enum route_method method;
	handler_fn *handler;
	wants_fn *wants; /* NULL: no range */
	change_fn *change; /* NULL: the handler does it all */
	bool report; /* an account is counted first */
	bool page; /* HTML; its errors too */
	bool shared; /* the same bytes for all while the snapshot stands */
	bool stream; /* an event stream; no handler */
	enum role least; /* that may ask; ROLE_NONE: everybody */
};

/* route_find: NULL when there is none; then *others are the methods that the
 * path has, or NULL. */
const struct route *route_find(const char *method, const char *path,
    char params[PARAMS_MAX][PARAM_SIZE], const char **others);
const struct route *route_at(size_t i); /* NULL behind the last */

/* The state of deliveries that is asked for; NULL: any. */
const enum delivery_state *request_delivery_state(
    const struct request *request);

/* Errors in the form that the path asks for: JSON below /api, else a page. */
void answer_error(struct web *web, struct request *request,
    struct answer *answer, unsigned status, const char *code, const char *field,
    const char *message);

/* What the ledger did not give: -ENOENT (`what` says so), or its failure. */
void answer_missing(struct web *web, struct request *request,
    struct answer *answer, int problem, const char *what);

/* The incident whose number is in the path; as ledger_read_incident. */
int request_incident(struct web *web, const struct request *request,
    struct jv **incident) MUST_USE;

/* Those that the query asks for, as ledger_read_incidents; NULL: `answer` says
 * why not. */
struct jv *request_incidents(
    struct web *web, struct request *request, struct answer *answer);

/* respond.c */
enum MHD_Result respond(
    struct web *web, struct request *request, struct answer *answer);
/* respond_shared: from the cache; false when it is not there. */
bool respond_shared(
    struct web *web, struct request *request, enum MHD_Result *result);
enum MHD_Result respond_stream(
    struct request *request, struct MHD_Response *response);
bool header_add_common(struct MHD_Response *response, bool page);

/* ---- admit.c ---- */

struct refusal {
	unsigned status;
	const char *code, *field, *message;
};

/* admit: NULL when the request may go on; then request->actor is who asks. */
const struct refusal *admit(
    struct web *web, struct request *request, const char *method);

/* actor_may: change what belongs to that operator? */
bool actor_may(const struct request *request, const char *op);

/* ---- change.c ---- */

/* request_json: the body of a change, a JSON object, "" standing for an empty
 * one; NULL: `answer` says what is wrong. */
struct jv *request_json(
    struct web *web, struct request *request, struct answer *answer);

/* request_person: who does it, by the token or, on the control socket, by the
 * body; false: `answer` says what is wrong. */
bool request_person(struct web *web, struct request *request,
    struct answer *answer, const struct jv *body, char by[MODEL_NAME_SIZE]);

/* change_audit says who asks for what; change_audit_data takes over `data`. */
void change_audit(const struct request *request, struct ledger_audit *audit,
    const char *action, const char *object, const char *by);
void change_audit_data(struct ledger_audit *audit, struct jv *data);

/* web_audit: what is kept elsewhere was changed; written soon. `by` is who says
 * so on the control socket; "" if nobody did. */
void web_audit(struct web *web, const struct request *request,
    const char *action, const char *object, const char *by);

/* answer_unchanged: true when the ledger did not take the change, and `answer`
 * says so; `missing` for what was not there. */
bool answer_unchanged(struct web *web, struct request *request,
    struct answer *answer, const char *missing);

/* ---- report_pages.c ---- */

/* report_ask: what is asked for; false: `answer` says what is wrong with it.
 * report_begin has it counted; `done` gets it on another thread, and owns the
 * account. 0 or an error of lane_call. */
bool report_ask(
    struct web *web, struct request *request, struct answer *answer);
typedef void report_done_fn(void *arg, int problem, struct jv *account);
int report_begin(struct web *web, struct request *request, report_done_fn *done,
    void *arg) MUST_USE;

/* ---- wait.c: the connection is suspended while the store is busy ---- */

/* false, with wait_problem set, when it cannot wait. */
bool wait_for_series(
    struct web *web, struct request *request, const struct series_query *query);
bool wait_for_change(struct web *web, struct request *request);
bool wait_for_report(struct web *web, struct request *request);
/* true while the answer is not there; else it is in the request */
bool wait_pending(struct web *web, struct request *request);
void wait_drop(struct web *web, struct request *request);
void wait_abandon(struct web *web); /* with web->lock held */

/* events.c */
struct events;
#define HEARTBEAT_US (10 * US_PER_S)
struct events *events_new(uint32_t max_streams, dur_us heartbeat);
void events_publish(
    struct events *events, enum web_event event, const char *json);
/* events_open: NULL when there are too many or we are stopping. */
struct MHD_Response *events_open(struct events *events,
    struct MHD_Connection *connection, const char *last_event_id);
void events_finish(struct events *events); /* ends all streams */
void events_free(struct events *events);
uint32_t events_streams(struct events *events);

/* ---- builders: the same JSON for the API and for the pages ---- */

struct jv *time_json(wall_us at); /* Unix seconds; null when 0 */
struct jv *status_json(const struct snapshot *snapshot, enum freshness fresh);
struct jv *operator_json(const struct snapshot *snapshot,
    const struct snap_operator *op, enum freshness fresh);
struct jv *self_json(const struct snapshot *snapshot);
struct jv *series_json(const char *target, const struct series_range *range);

/* Of the whole country they are many megabytes: METRICS_DAEMON leaves out what
 * is said of each target. */
enum metrics_of { METRICS_ALL, METRICS_DAEMON };
bool metrics_text(const struct snapshot *snapshot, enum freshness fresh,
    mono_us now, uint32_t streams, enum metrics_of of, bool openmetrics,
    struct buf *out);

const struct snap_operator *snapshot_operator(
    const struct snapshot *snapshot, const char *name);

/* ---- view.c: JSON and texts into what a template shows ---- */

/* view_frame: the data of every page: language, links, banners, as-of time.
 * `title` is copied. */
struct jv *view_frame(
    struct web *web, struct request *request, const char *title);

/* page_title: "FIRST | the product's name" as the title of such data. */
void page_title(struct web *web, struct request *request, struct jv *data,
    const char *first);

/* view_link: this very page with another value of one parameter, as KEY. */
void view_link(struct jv *object, const char *key,
    const struct request *request, const char *name, const char *value);
void view_state(
    const struct locale *locale, struct jv *object, const char *state);
void view_operator(const struct locale *locale, struct jv *op);
void view_time(const struct locale *locale, struct jv *object, const char *key,
    enum locale_time_form form);
void view_run_line(const struct locale *locale, struct jv *run);
const struct locale *request_locale(
    const struct web *web, const struct request *request);
void page_render(struct web *web, struct request *request,
    struct answer *answer, const char *template, struct jv *data);

/* ---- sentence.c: of what view_operator made ---- */

/* view_sentence of all operators: "sentence", "title" for the tab, and the
 * mark "worst". */
struct jv *view_sentence(const struct locale *locale,
    const struct snapshot *snapshot, const struct jv *operators);

/* view_act_sentence of an operator or a deployment: what is not well, each
 * with since when and why; or that all is well. */
struct jv *view_act_sentence(
    const struct locale *locale, const struct jv *whole);

/* view_gaps sets "gaps_text": what is not known of an operator beside its
 * state, and where logins are held back; null when there is nothing. */
void view_gaps(const struct locale *locale, struct jv *op);

/* view_mark: the state of an operator or deployment, but unknown when it is
 * up and any action is not known or logins are held back. */
const char *view_mark(const struct jv *object);

/* ---- incident_view.c ---- */

/* incident_update: an open incident of the ledger as the snapshot has it. */
void incident_update(const struct snapshot *snapshot, struct jv *incident);
void view_incident(const struct locale *locale, const struct snapshot *snapshot,
    struct jv *incident);
void view_entry(const struct locale *locale, struct jv *entry);

/* entry_said: an entry of a timeline in words, a new string; and both
 * languages as "text_pl" and "text_en". */
struct jv *entry_said(const struct locale *locale, const struct jv *entry);
void entry_set_texts(struct web *web, struct jv *entry);

/* ---- incident_evidence.c ---- */

/* incident_add_evidence adds the HAR files kept beside the ledger to those of
 * an incident as ledger_read_incident gives it. */
void incident_add_evidence(struct web *web, struct jv *incident);

/* ---- timeline.c ---- */

/* timeline_say: an entry whose data says all; false when they do not.
 * timeline_say_names: which deployments came and went with it. */
bool timeline_say(const struct locale *locale, const struct jv *entry,
    const struct jv *data, struct buf *out);
void timeline_say_names(
    const struct locale *locale, const struct jv *data, struct buf *out);

/* range_tells: enough good results in row i for its percentiles. */
bool range_tells(const struct series_range *range, size_t i);

/* chart.c: a percentile chart and its twin table, or "empty". A row that
 * does not tell is a point at its mean. */
struct jv *chart_json(
    const struct locale *locale, const struct series_range *range);

/* chart_fit: the range without what lies before the first result, and without
 * the end that is not written yet. The columns are those of `range`. */
struct series_range chart_fit(const struct series_range *range);

/* ---- handlers ---- */

handler_fn api_status, api_series, api_runs, api_run, api_run_har, api_evidence,
    api_delivery_retry, api_deliveries_retry, api_subscriber_test,
    api_incidents, api_incident, api_deliveries, api_openapi, api_accounts,
    api_account_release, api_incident_acknowledge, api_incident_note,
    api_maintenance, api_maintenance_one, api_silences, api_silence_one,
    api_window_added, api_window_ended, api_tokens, api_token_added,
    api_token_revoked, api_audit, api_availability, api_availability_minutes;
handler_fn serve_metrics, serve_metrics_daemon, serve_healthz, serve_readyz,
    serve_asset, serve_favicon;
handler_fn page_overview, page_operator, page_deployment, page_incidents,
    page_incident, page_run, page_deliveries, page_status, page_method,
    page_reports, page_report;
change_fn maintenance_add, maintenance_end, silence_add, silence_end, token_add,
    token_revoke;
wants_fn api_series_wants, page_operator_wants, page_deployment_wants;

/* ---- server.c for listen.c: what libmicrohttpd calls ---- */

void *server_begin_request(
    void *cls, const char *uri, struct MHD_Connection *connection);
void server_end_request(void *cls, struct MHD_Connection *connection,
    void **con_cls, enum MHD_RequestTerminationCode code);
enum MHD_Result server_handle(void *cls, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **con_cls);
void server_log(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* ---- listen.c ---- */

/* 0 or -errno. listen_end takes no more connections on either. */
int listen_tcp(struct web *web, const struct conf_web *conf) MUST_USE;
int listen_control(struct web *web, const char *path) MUST_USE;
void listen_end(struct web *web);

/* listen_stop ends both daemons, after listen_end. */
void listen_stop(struct web *web);

/* ---- the room itself ---- */

#define SHARED_SLOTS 24

struct shared_answer {
	const struct route *route;
	char etag[64];
	struct MHD_Response *response;
};

struct web {
	struct MHD_Daemon *daemon;
	struct MHD_Daemon *control; /* NULL: none */
	MHD_socket listener, control_listener; /* after listen_end */
	char *control_path;
	int (*release_account)(void *arg, const char *account);
	int (*acknowledge_incident)(void *arg, int64_t number, const char *by);
	int (*retry_delivery)(void *arg, int64_t id);
	int (*test_subscriber)(void *arg, const char *name);
	int (*note_incident)(
	    void *arg, int64_t number, const char *by, const char *text);
	int (*change)(void *arg, const struct ledger_change *change,
	    ledger_changed_fn *done, void *done_arg);
	void (*use_token)(void *arg, const char id[TOKEN_ID_SIZE], wall_us at);
	void *arg;
	char *public_host; /* lower case, without port; NULL: any Host */
	char *listen;
	enum language language; /* when the reader does not say */
	struct snapshot_slot *snapshots;
	struct series *series;
	struct ledger_reader *reader;
	struct ledger_reader *report_reader; /* of the lane `reports` */
	struct lane *reports;
	struct evidence_store *evidence;
	const struct clock *clock;
	struct zone *zone;
	struct assets assets;
	struct events *events;
	char boot[17]; /* so that no ETag outlives the process */

	pthread_mutex_t lock; /* all below */
	pthread_cond_t idle; /* `active` became zero */
	bool stopping;
	unsigned active; /* requests that are not answered in full */
	struct request *waiting; /* those suspended for the series */
	unsigned n_waiting;
	struct shared_answer shared[SHARED_SLOTS];
	size_t shared_next;
	pthread_mutex_t log_lock; /* the damp only; taken below any lock */
	struct log_damp damp;
};

#endif
