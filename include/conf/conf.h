#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/secret.h"
#include "conf/problems.h"
#include "model/reason.h"
#include "model/state.h"
#include "model/target.h"

/*
 * The whole configuration, read and checked at once and then never changed.
 * Counted: a run keeps the configuration it began with. Every string is
 * UTF-8 without control characters, every list is complete, every name is a
 * valid name and unique in its list. The file format is dyzurny.cfg(5).
 */

/* A text as written, with the place to blame. value is never NULL. */
struct conf_text {
	const char *value;
	const char *key; /* "transactions[1].steps[0].expect[2]" */
	struct conf_src src;
};

struct conf_pair {
	const char *name;
	struct conf_text value;
};

/* accounts_dir/NAME: user, password, and more values for templates. */
struct conf_account {
	const char *name;
	size_t n_fields;
	struct conf_account_field {
		const char *name; /* "user", "password", "id", … */
		struct secret *value;
	} * fields;
	struct conf_src src;
};

/* ---- profiles ---- */

enum conf_method { CONF_GET, CONF_POST, CONF_PUT, CONF_DELETE };
enum conf_actor { CONF_SENDER, CONF_RECIPIENT };

struct conf_step {
	const char *name;
	struct conf_src src;
	enum conf_actor actor; /* key `as`: whose session; sender if absent */
	const char *use; /* run the steps of that transaction as `actor`;
			    NULL for a request */
	enum conf_method method; /* key get, post, put or delete */
	struct conf_text url;
	struct conf_pair *headers;
	size_t n_headers;
	/* at most one of form, json, body; see dyzurny.cfg(5) */
	struct conf_pair *form; /* name "*": splice fields of an extraction */
	size_t n_form;
	bool multipart; /* the form is sent as multipart/form-data */
	struct conf_text json; /* value "" when absent, likewise body */
	struct conf_text body;
	struct conf_text *derive;
	size_t n_derive;
	struct conf_text *extract;
	size_t n_extract;
	struct conf_text *expect;
	size_t n_expect;
	/* key poll = { until, every, at_most, late } */
	struct conf_text until; /* "" when absent */
	dur_us every;
	dur_us at_most;
	dur_us late; /* 0: never */
	struct conf_text once; /* selector of the rows that must be one; "" */
	dur_us timeout; /* of its answer; 0: what the transaction has left */
	const char **if_lost; /* steps to play when its answer is lost */
	size_t n_if_lost;
	bool reserve; /* named by such an if_lost: played only then */
	bool always; /* runs even after a failure before it */
	bool idempotent; /* default true; false: never sent twice */
	unsigned follow; /* redirects followed; default 10, at most 20 */
	unsigned redirects; /* as many are usual: for the budget plan; 0 */
};

struct conf_transaction {
	const char *name;
	struct conf_text title;
	struct conf_src src;
	dur_us timeout; /* for all its steps but the `always` ones */
	bool always; /* clean-up: not a target, no result */
	uint32_t repeat; /* such a one: so many rounds at most */
	const char *from; /* step whose start begins the measured span, */
	const char *to; /* and the one whose end closes it; or NULL */
	const char *needs; /* the transaction that must be ok before this
			      one; by default "login", or else the first one;
			      NULL for the first */
	struct conf_step *steps;
	size_t n_steps;
};

struct conf_marker {
	struct conf_src src;
	struct conf_text body; /* text to be found in the page; "" = any */
	struct conf_text url; /* part of the final URL; "" = any */
	struct conf_text xpath; /* "" = any */
	struct conf_text json; /* "/pointer = value"; "" = any */
	int status_min, status_max; /* 0, 0: any */
	enum reason reason; /* also REASON_OK; none that is ours */
};

struct conf_profile {
	const char *name; /* file name without .cfg */
	const char *path;
	const char **hosts; /* redirects only to these; "*.librus.pl" */
	size_t n_hosts; /* templates allowed: "${host}" */
	const char **vars; /* names that each deployment must give */
	size_t n_vars;
	struct conf_pair *headers; /* on every request */
	size_t n_headers;
	int64_t max_body_bytes; /* decoded */
	struct conf_transaction *transactions;
	size_t n_transactions;
	struct conf_marker *markers;
	size_t n_markers;
};

/* ---- operators ---- */

struct conf_deployment {
	const char *name;
	struct conf_src src;
	struct conf_pair *vars;
	size_t n_vars;
	const struct conf_account *sender;
	const struct conf_account *recipient; /* NULL if not configured */
	dur_us every;
	const char
	    *connect_to; /* "127.0.0.1:8443" or NULL; or the operator's */
	const char *ca_file; /* or the operator's, or conf.ca_file, or NULL */
};

struct conf_operator {
	const char *name;
	const char *title;
	struct conf_src src;
	const struct conf_profile *profile;
	uint32_t per_minute; /* requests */
	uint32_t parallel; /* journeys */
	struct conf_deployment *deployments;
	size_t n_deployments;
};

/* ---- alerts ---- */

enum conf_alert_kind {
	CONF_ALERT_AVAILABILITY,
	CONF_ALERT_LATENCY,
	CONF_ALERT_BURN_RATE, /* of the error budget that `objective` leaves */
	CONF_ALERT_CERTIFICATE, /* that ends soon */
	CONF_ALERT_NO_DATA,
	CONF_ALERT_DEVIATION, /* slower than the week's own shape */
};
enum conf_alert_scope { CONF_SCOPE_OPERATOR, CONF_SCOPE_DEPLOYMENT };

struct conf_alert {
	const char *name;
	struct conf_src src;
	const char *operator; /* NULL: each */
	const char *transaction; /* NULL: each, judged by itself */
	enum conf_alert_kind kind;
	enum conf_alert_scope scope;
	double below; /* availability, 0 to 1: opens when below */
	dur_us above; /* latency: opens when the quantile is above */
	double quantile; /* 0.95 by default; deviation: 0.5 */
	double objective; /* burn rate: share of ok that is aimed at */
	double factor; /* burn rate: opens when it is above; deviation: when
			  it is so many spreads above what is usual */
	dur_us band; /* deviation: and more than this above it */
	dur_us within; /* certificate: opens when it ends within */
	dur_us window;
	uint32_t runs; /* instead: so many of each deployment; 0: window */
	dur_us hold; /* key `for`: how long it must hold */
	dur_us resolve_after; /* how long it must be well again */
	uint32_t min_samples;
	int severity; /* 1 (a single act is slow) to 4 (the worst) */
	const char *runbook; /* URL for whoever is called; NULL */
};

/* ---- subscribers ---- */

/* What a subscriber is sent: key `format`. */
enum conf_format {
	CONF_FORMAT_STANDARD, /* Standard Webhooks 1.0, design.md section 4 */
	CONF_FORMAT_ALERTMANAGER, /* as Alertmanager's webhook, version 4 */
	CONF_FORMAT_ALERTMANAGER_API, /* POST /api/v2/alerts */
	CONF_FORMAT_CHAT, /* {"text":…} */
};

struct conf_subscriber {
	const char *name;
	struct conf_src src;
	const char *url;
	const struct secret **secrets; /* webhook keys, decoded; first signs
					  first; one or two */
	size_t n_secrets; /* 0: not signed, for other formats than ours */
	enum conf_format format;
	bool english; /* key `language`, for texts that are in one */
	uint32_t per_minute; /* more messages become one digest */
	const char **operators; /* NULL: all */
	size_t n_operators;
	int min_severity; /* told of this and worse; 1: of all */
	bool allow_private; /* may be a private or loopback address */
	const char *ca_file; /* or conf.ca_file, or NULL */
};

/* ---- the rest ---- */

struct conf_web {
	const char *listen; /* "127.0.0.1" or "::1" or "0.0.0.0" */
	uint16_t port; /* 0: any free one, printed at start */
	const char *public_url; /* for links in webhooks; no slash at its end;
				   "" when not said and `port` is 0 */
	const char *dashboards_dir;
	uint32_t connections; /* limit */
	uint32_t connections_per_ip;
	uint32_t event_streams;
	const char *language; /* "pl" or "en" when the reader does not say */
};

/*
 * One archive of a retention plan: rows of `step`, kept for `keep`. The
 * first has step 0; the others are whole seconds and multiples of the one
 * before. A step shorter than a deployment's `every` is raised to it; a longer
 * one is a multiple of it (checked).
 */
struct conf_archive {
	dur_us step; /* 0: the probe interval */
	dur_us keep;
};

struct conf_store {
	const char *dir;
	struct conf_archive *archives; /* `plan`, finest first */
	size_t n_archives;
	size_t n_phases_only; /* so many, the finest, without histograms */
	struct conf_archive *all_archives; /* of the operator-wide series */
	size_t n_all_archives;
	dur_us write_every; /* each series file */
	int64_t queue_bytes;
	uint32_t runs_kept; /* recent runs per deployment */
	int64_t evidence_bytes; /* key `evidence`: all HAR files together */
};

/* When a target counts as down and as up again. */
struct conf_health {
	uint32_t fail_n, fail_m; /* down: n failures in the last m */
	uint32_t ok_n; /* up again: n good ones in a row */
	dur_us slow; /* degraded: p95 above this; per target */
	dur_us window; /* of the p50 and p95 that are shown */
};

/* The life of incidents, whatever rule opens them. */
struct conf_incidents {
	dur_us reopen_within; /* of being resolved, under the same number */
	dur_us confirm_after; /* by their age, without our blind time */
};

/* What operators announce themselves counts when it was said so long before. */
struct conf_maintenance {
	dur_us notice;
};

struct conf {
	const char *path;
	const char *vantage;
	const char *contact; /* in the User-Agent; without ( ) and \ */
	bool simulated;
	uint32_t engines; /* probers, each a thread */
	const char *log_level;
	const char **name_servers; /* or none: as resolv.conf says */
	size_t n_name_servers;
	const char **references; /* `uplink`: "192.0.2.1:443", … or none */
	size_t n_references;
	const char *ca_file; /* default bundle, or NULL: the system's */
	struct conf_text *ca_files; /* each place that names one, for those */
	size_t n_ca_files; /* who can tell whether there is a CA in it */
	struct conf_health health;
	struct conf_store store;
	struct conf_web web;
	struct conf_profile *profiles;
	size_t n_profiles;
	struct conf_account *accounts;
	size_t n_accounts;
	struct conf_operator *operators;
	size_t n_operators;
	struct conf_incidents incidents;
	struct conf_maintenance maintenance;
	struct conf_alert *alerts;
	size_t n_alerts;
	struct conf_subscriber *subscribers;
	size_t n_subscribers;
};

/*
 * conf_load reads FILE and all it names: includes, profiles and other paths
 * (relative to the file in which they stand; a profile that is not there is
 * taken from the daemon's own ones), accounts, secrets. Reads files, so at
 * start or on a worker, never on the loop. Returns a configuration with one
 * reference, or NULL when anything at all is wrong; then `problems` has it.
 */
struct conf *conf_load(
    const char *file, struct conf_problems *problems) MUST_USE;

struct conf *conf_hold(struct conf *conf); /* any thread */
void conf_release(struct conf *conf); /* any thread; NULL is fine */

/* Finders; NULL when there is none. */
const struct conf_operator *conf_operator_find(
    const struct conf *conf, const char *name);
const struct conf_deployment *conf_deployment_find(
    const struct conf_operator *op, const char *name);
const struct conf_transaction *conf_transaction_find(
    const struct conf_profile *profile, const char *name);
const struct secret *conf_account_field(
    const struct conf_account *account, const char *name);

/*
 * conf_journey_requests: requests of one journey when all goes well: every
 * step once, `use` expanded (without its `always` steps), polls once, redirects
 * as the steps' own key `redirects` says, and the first step once more of what
 * has `repeat`. The unit of the budget plan.
 */
uint32_t conf_journey_requests(const struct conf_profile *profile);

/* conf_planned_per_minute: requests a minute if all deployments are healthy. */
double conf_planned_per_minute(const struct conf_operator *op);

#endif
