#ifndef ALERT_INT_H
#define ALERT_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/index.h"
#include "conf/conf.h"
#include "model/account.h"
#include "model/hist.h"
#include "model/incident.h"
#include "model/reason.h"
#include "model/result.h"
#include "model/snapshot.h"
#include "shape.h"

/* ---- rule.c: what one rule has seen of one scope ---- */

#define WINDOW_SLOTS 20
#define WINDOW_SAMPLES 16 /* of the last bad results, for the evidence */

/* One result that speaks for the rule: a failure, or a slow one. */
struct sample {
	mono_us at;
	enum reason reason;
	enum phase phase;
	int http_status;
	char step[MODEL_NAME_SIZE];
	char trace_id[TRACE_ID_SIZE];
};

struct counts {
	uint32_t ok, failed;
};

/* What is kept of bad results. */
struct evidence {
	uint16_t reasons[WINDOW_SLOTS][REASON_COUNT]; /* saturating */
	struct sample samples[WINDOW_SAMPLES]; /* a ring */
	uint32_t n_samples; /* ever */
};

/*
 * Counts in WINDOW_SLOTS slots of a twentieth of the window each. Histograms
 * of the latencies only for rules on latency (7 kB), else NULL; evidence (3 kB)
 * from the first bad result on: most of a country's schools never have one.
 */
struct rule_window {
	dur_us slot_us;
	int64_t slot; /* number of the current one */
	uint32_t ok, failed; /* sums over the slots */
	struct counts slots[WINDOW_SLOTS];
	struct hist *latencies; /* WINDOW_SLOTS of them */
	double limit_ms; /* of the latencies; NAN: none is known */
	struct evidence *evidence; /* NULL: nothing bad yet */
};

/* rule_init: a window of that length. */
void rule_init(
    struct rule_window *window, const struct conf_alert *rule, dur_us span);
void rule_fini(struct rule_window *window);

/* rule_advance forgets what is too old; true when time passed a slot. */
bool rule_advance(struct rule_window *window, mono_us now);

/* rule_take_back forgets the failures of a silent network since that instant,
 * to a slot's precision; how many there were. */
uint32_t rule_take_back(struct rule_window *window, mono_us since);

/* rule_add takes an ok or failed result, after rule_advance; true when it
 * speaks for the rule. */
bool rule_add(
    struct rule_window *window, const struct result *result, mono_us now);

/* rule_says_nothing: good, but nobody knows how long it took; rule_counts: a
 * rule on latency looks at good results only. */
bool rule_says_nothing(
    const struct conf_alert *rule, const struct result *result);
bool rule_counts(const struct conf_alert *rule, const struct result *result);

/* What the rule says of the window now. */
struct reading {
	uint32_t samples; /* verdicts, or ok results for latency; of a deviation
			     0 while nothing can be said */
	uint32_t failed;
	double value; /* ratio of ok, or quantile in ms; when samples > 0 */
	bool bad; /* value is beyond the threshold */
};
struct reading rule_read(
    const struct rule_window *window, const struct conf_alert *rule);

/* rule_unit: of what it measures, as in struct incident; rule_threshold in it;
 * rule_worse: the graver one of two values, NAN being none. */
const char *rule_unit(enum conf_alert_kind kind);
double rule_threshold(const struct conf_alert *rule, dur_us span);
double rule_worse(const struct conf_alert *rule, double worst, double value);

/*
 * What the bad results have in common. `facts` keeps what it said before as
 * long as something else is not clearly more frequent.
 */
struct facts {
	bool known;
	enum reason reason;
	enum phase phase;
	int http_status;
	char step[MODEL_NAME_SIZE];
};
void rule_facts(
    const struct rule_window *window, mono_us now, struct facts *facts);

/* rule_traces: up to INCIDENT_TRACES run ids of bad results, newest first */
void rule_traces(const struct rule_window *window, mono_us now,
    char ids[INCIDENT_TRACES][TRACE_ID_SIZE]);

/* rule_next_slot, rule_next_sample: when the window next forgets counts, and a
 * bad result that facts and traces come from; INT64_MAX when there is none. */
mono_us rule_next_slot(const struct rule_window *window);
mono_us rule_next_sample(const struct rule_window *window, mono_us now);

/* ---- alert.c: an instance is one rule for one scope and transaction ---- */

#define ALERT_UPDATE_PAUSE (60 * US_PER_S) /* between two updates told */
#define ALL_DEPLOYMENTS "_all" /* in a scope; not a valid name */

struct instance {
	const struct conf_alert *rule;
	const struct conf_operator *op;
	const struct conf_deployment *deployment; /* NULL: all of them */
	const struct conf_transaction *transaction;
	char scope[MODEL_PATH_SIZE];
	size_t next; /* with the same scope, from another rule; or NONE */
	dur_us span; /* of the window: the rule's, or so many runs */
	dur_us warm_up; /* from the first verdict; 0: none */
	mono_us heard_first; /* 0: not yet */
	struct rule_window window;
	struct reading reading; /* of the window, unless it is dirty */
	bool dirty;
	struct facts facts;
	mono_us *bad_at; /* by deployment of the operator; 0: never */
	bool fresh; /* a verdict came since it was last judged */
	mono_us heard_at, heard_until; /* the newest one, and how long the
					  verdicts so far speak */
	bool heard; /* a verdict, ever */
	mono_us verdict_at; /* the last, or since when one is waited for; 0 */
	wall_us *certs; /* certificate: ends, by deployment; 0: unknown */
	struct baseline *baseline; /* of a deviation; else NULL */
	mono_us read_at;
	int64_t inhibited_by; /* said in that incident's timeline; 0 */
	uint32_t inhibits; /* so many while its incident is open */
	int raised_to; /* its severity, by a graver rule; 0 */
	bool holding, well;
	dur_us held; /* while holding, not counting silence */
	mono_us well_since;
	int64_t incident; /* 0: none open */
	uint32_t bad_most; /* deployments failing at once while it is open */
	/* what the last event said */
	mono_us told_at;
	enum reason told_reason;
	char told_step[MODEL_NAME_SIZE];
	uint32_t told_deployments;
	bool told_deployments_known; /* not after a restart */
};

/* Which instances look at a target, found when its first result comes. */
struct route {
	bool known;
	size_t n;
	struct hop {
		struct instance *instance;
		size_t deployment; /* index in the operator's list */
	} * hops;
};

#define NONE SIZE_MAX

struct alert_rules {
	struct conf *conf; /* held */
	struct instance *instances;
	size_t n, room;
	struct name_index scopes; /* the first instance of each */
	struct name_index *deployments; /* one for each operator of conf */
};

/* alert_rules_find: the first instance of that scope, or NULL; alert_rules_next
 * the one after it. */
struct instance *alert_rules_find(
    const struct alert_rules *rules, const char *scope);
struct instance *alert_rules_next(
    const struct alert_rules *rules, const struct instance *instance);

/* alert_rules_find_of: the instance of one rule. */
struct instance *alert_rules_find_of(
    const struct alert_rules *rules, const char *scope, const char *rule);

struct alert {
	alert_sink_fn *sink;
	void *arg;
	int64_t last_number;
	struct alert_rules *rules; /* NULL before the first apply */
	struct route *routes; /* by target id */
	size_t n_routes;
	struct incident *open; /* newest first */
	size_t n_open;
	int64_t *orphans; /* open, but no rule looks at them any more */
	size_t n_orphans;
	struct watched {
		char account[MODEL_NAME_SIZE];
		int64_t incident;
	} * watched; /* stopped accounts */
	size_t n_watched;
	/* incident.c, incident_life.c */
	alert_book_fn *book;
	struct follow **follows; /* of open incidents */
	size_t n_follows;
	struct closed {
		struct incident incident;
		uint32_t attempts, failed; /* since it was resolved */
	} * closed; /* which may be reopened */
	size_t n_closed;
	struct self {
		bool bad;
		mono_us since; /* it is so; 0: not looked at yet */
	} self[FAULT_COUNT]; /* self.c */
	struct window *silences;
	size_t n_silences;
	const struct zone *zone; /* borrowed; NULL: no week has a shape */
	mono_us began; /* the first tick */
	mono_us now; /* of the last tick */
	wall_us wall;
};

/* The open ones. A pointer lives until the next insert or resolve. */
struct incident *alert_find_open(struct alert *alert, int64_t number);
struct incident *alert_insert_open(
    struct alert *alert, const struct incident *incident);

/* alert_send hands an event on, unless a silence hides it: then it is only
 * booked. alert_tell logs it and makes its entry first; alert_resolve takes an
 * open one out and tells that it is over. */
void alert_send(struct alert *alert, enum notify_event event,
    struct incident *incident, const struct incident_entry *entry);
void alert_tell(struct alert *alert, enum notify_event event, const char *kind,
    struct incident *incident, const char *text, wall_us wall);
void alert_resolve(struct alert *alert, struct incident *incident,
    const char *text, wall_us wall);

/* ---- incident.c: the deployments that an open incident affects ---- */

struct jv;

/* incident_follow begins, or goes on after a reopening, with those that the
 * instance knows to be bad. */
void incident_follow(struct alert *alert, const struct instance *instance,
    struct incident *incident, mono_us now);

/* incident_hear: each result that the instance's rule looks at. */
void incident_hear(struct alert *alert, const struct instance *instance,
    const char *deployment, bool bad, mono_us now);

/* incident_forgive: what was bad since then was bad by our own fault. */
void incident_forgive(struct alert *alert, mono_us since);

/* incident_keep_known drops those that left the configuration. */
void incident_keep_known(struct alert *alert);

/* incident_all_well: it is over. incident_unfollow forgets the deployments. */
void incident_all_well(struct alert *alert, struct incident *incident);
void incident_unfollow(struct alert *alert, int64_t incident);
void incident_unfollow_all(struct alert *alert);

void incident_follow_tick(
    struct alert *alert, struct incident *incident, mono_us now, wall_us wall);

/* incident_follow_next: when the next tick could change that; see next.c */
mono_us incident_follow_next(
    const struct alert *alert, const struct incident *incident);

/* incident_data: the data of an entry, which must then be told, for it says
 * who came and went since the one before; with what the rule measured if
 * `reading`. The caller frees. incident_data_text takes over `data`. */
char *incident_data(
    struct alert *alert, const struct incident *incident, bool reading);
char *incident_data_text(struct jv *data);

/* ---- incident_life.c ---- */

/* incident_book: an entry that no subscriber is sent. */
void incident_book(struct alert *alert, const struct incident *incident,
    const char *kind, const char *text, const char *by, const char *data,
    wall_us wall);

/* incident_reopen: the incident of the same rule and scope, if it was resolved
 * a short while ago. incident_count_calm counts a result for it meanwhile,
 * incident_forget_calm takes failures back. */
bool incident_reopen(struct alert *alert, const struct instance *instance,
    wall_us wall, struct incident *incident);
void incident_count_calm(
    struct alert *alert, const struct instance *instance, bool failed);
void incident_forget_calm(
    struct alert *alert, const struct instance *instance, uint32_t failed);

/* Our own blind time begins for all; or ends for one, on its own clock. */
void incident_blind_begin(struct alert *alert, mono_us since);
void incident_see_again(struct incident *incident, wall_us at);

void incident_tick(struct alert *alert, mono_us now, wall_us wall);

/* ---- watch.c: rules that are judged by the clock ---- */

bool watch_is(const struct instance *instance);
void watch_read(struct instance *instance, mono_us now, wall_us wall);

/* watch_certificate: a result of a certificate rule; whether it ends soon. */
bool watch_certificate(
    struct instance *instance, size_t deployment, const struct result *result);

/* watch_ours: a result that does not count, by our own fault. */
void watch_ours(struct instance *instance, mono_us now);

/* ---- baseline.c: deviation from the week's own shape ---- */

/* What one scope learnt of its weeks, and what follows from it now. */
struct baseline {
	struct shape shape;
	wall_us until; /* it has all hours up to there; 0: none */
	/* of the hours that the window touches, of that with the highest limit;
	 * NAN: one of them has no history */
	double usual_ms, limit_ms;
	double back_ms; /* what is under it ends an incident */
	wall_us from, to; /* while it is so late, these hold; 0: never */
};

struct baseline *baseline_new(void);

/* baseline_inherit: from the old instance, if it looks at the same hours. */
void baseline_inherit(struct instance *instance, struct instance *old);

/* baseline_read: before the window is read; true when its limit became another.
 * baseline_next: when the clock alone could make it another. */
bool baseline_read(
    const struct alert *alert, struct instance *instance, wall_us wall);
mono_us baseline_next(
    const struct alert *alert, const struct instance *instance);

/* baseline_threshold: the rule's, or that of the hour in milliseconds.
 * baseline_usual: what is usual in it; NAN: not known, or no deviation. */
double baseline_threshold(const struct instance *instance);
double baseline_usual(const struct instance *instance);

/* ---- silence.c ---- */

/* silence_hides: whether subscribers are not sent this event now; sets
 * incident.untold. What is the first that they hear of it becomes `opened`.
 * silence_tick says what began and ended, and tells what was kept quiet. */
bool silence_hides(const struct alert *alert, enum notify_event *event,
    struct incident *incident, wall_us wall);
void silence_tick(struct alert *alert, struct incident *incident, wall_us wall);

/* ---- inhibit.c ---- */

/* inhibit: another open incident says it already. */
bool inhibit(struct alert *alert, struct instance *instance, wall_us wall);

/* inhibit_outlasts: a rule that raised the incident of this one still holds, so
 * that it is not over. */
bool inhibit_outlasts(
    const struct alert *alert, const struct instance *instance);

/* ---- account.c: the built-in rule ---- */

/* alert_accounts_tick resolves what is open for accounts no longer stopped. */
void alert_accounts_tick(struct alert *alert, wall_us wall);

/* ---- next.c ---- */

/*
 * alert_next: after a tick, when the next one could change anything of what is
 * told or booked, if no result comes and nothing is opened or resolved
 * meanwhile; INT64_MAX: never. What a watch rule measures grows all the time,
 * which is not counted. Every wait that a tick looks at has its line here.
 */
mono_us alert_next(struct alert *alert);

/* alert_silence_open: is an incident of a watch rule open? */
bool alert_silence_open(const struct alert *alert);

/* ---- apply.c ---- */

/* alert_rules_new_of: of those rules of conf->alerts only; NULL: of all. */
struct alert_rules *alert_rules_new_of(struct conf *conf, const bool *wanted);

/* alert_drop_routes forgets all routes. */
void alert_drop_routes(struct alert *alert);

/* alert_deployment_index: false when its operator has none of that name. */
bool alert_deployment_index(const struct alert_rules *rules,
    const struct conf_operator *op, const char *name, size_t *at);

/* ---- text.c: one line for people ---- */

struct text_input {
	const char *operator_title;
	const char *deployment; /* NULL: the operator as a whole */
	const char *transaction; /* its name */
	const char *transaction_title; /* as the profile calls it, or "" */
	const struct conf_alert *rule;
	uint32_t attempts, failed; /* of the whole incident */
	double value; /* now */
	double worst;
	double usual, limit; /* of a deviation, in milliseconds */
	struct facts facts;
	uint32_t deployments_bad, deployments; /* of the scope */
};

void alert_text_pl(
    const struct text_input *input, char out[INCIDENT_TEXT_SIZE]);
void alert_text_en(
    const struct text_input *input, char out[INCIDENT_TEXT_SIZE]);

/* Those of an account that was stopped; input has the names only. */
void alert_text_account(const struct text_input *input,
    const struct account_stop *stop, char pl[INCIDENT_TEXT_SIZE],
    char en[INCIDENT_TEXT_SIZE]);

/* Puts before the summaries of an incident that is over how long it was. */
void alert_text_resolved(struct incident *incident);

/* The timeline's line: key=value, the same in every language. */
void alert_text_entry(const struct incident *incident, uint32_t deployments_bad,
    char out[INCIDENT_TEXT_SIZE]);

#endif
