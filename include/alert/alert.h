#ifndef ALERT_ALERT_H
#define ALERT_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/zone.h"
#include "conf/conf.h"
#include "ledger/ledger.h"
#include "model/account.h"
#include "model/incident.h"
#include "model/result.h"
#include "model/snapshot.h"
#include "model/window.h"
#include "notify/notify.h"

/*
 * Rules over results; incidents opened, updated and resolved. Time is an
 * argument: nothing here reads a clock. A rule of scope operator looks at all
 * of the operator's deployments together, so most of them failing is one
 * incident. Loop thread only.
 *
 * Each transaction is judged by itself, also when the rule names none. The
 * scope of an incident is a path of three names: "librus/main/login" for one
 * deployment, "librus/_all/login" for all of the operator's together ("_all"
 * is no valid name, so nothing can be called so).
 *
 * An availability rule holds when, over its window and with at least
 * min_samples verdicts, the share of ok results is below `below`. A latency
 * rule holds when the quantile of ok latencies is above `above`; a deviation
 * rule when it is above what is usual in each hour that the window touches by
 * more than `band` and than `factor` spreads, see alert_wish. Either opens
 * after holding for `hold`, and resolves after not holding for
 * `resolve_after`; silence neither opens nor resolves: both begin with a
 * verdict, and the opening ends with one; a gap of more than four intervals
 * of the deployment does not count to `hold`. To resolve, one verdict is
 * enough: a failing operator is asked less often; but a deviation needs
 * min_samples and must be back within half of what made it one.
 *
 * Rule and scope that return within incidents.reopen_within open no new
 * incident: the old one is reopened under its number, and told as opened. One
 * that is open for incidents.confirm_after, not counting our blind time, is
 * confirmed by its age.
 *
 * An update is told at most once a minute, and only when the most frequent
 * reason or step became another, or more deployments fail than was said.
 */
struct alert;

/* Where events go; notify_incident in the daemon, a list in tests. */
typedef void alert_sink_fn(void *arg, enum notify_event event,
    const struct incident *incident, const struct incident_entry *entry);

struct alert *alert_new(
    alert_sink_fn *sink, void *arg, int64_t last_incident_number);
void alert_free(struct alert *alert);

/* Entries of a timeline that no subscriber is sent; notify_book in the daemon.
 * `incident` is its new state; NULL: only the entry is new. Without one, they
 * are lost. */
typedef void alert_book_fn(void *arg, const struct incident *incident,
    const struct incident_entry *entry);
void alert_set_book(struct alert *alert, alert_book_fn *book);

/* alert_restore: an incident that was open when the daemon stopped. Before
 * alert_apply; one whose rule or scope is gone resolves at the next tick. */
void alert_restore(struct alert *alert, const struct incident *incident);

/* alert_restore_entry: one entry of those, oldest first, after all of them.
 * alert_restore_resolved: one that was resolved a short while ago. */
void alert_restore_entry(
    struct alert *alert, const struct incident_entry *entry);
void alert_restore_resolved(
    struct alert *alert, const struct incident *incident);

/* alert_restored: after the first alert_apply. `ago` was the last sign of life
 * of the process before, since when nobody looked, and the wall clock was set
 * by `clock_set` meanwhile. */
void alert_restored(
    struct alert *alert, dur_us ago, dur_us clock_set, wall_us wall);

/* What the rules of a configuration look at, which for a country takes its time
 * to list: any thread. Holds the conf. */
struct alert_rules;
struct alert_rules *alert_rules_new(struct conf *conf);
void alert_rules_free(struct alert_rules *rules); /* NULL is fine */

/* alert_take: rules of a new configuration, which it takes over; windows and
 * open incidents of rules that stay (same name and kind) are kept. Returns the
 * rules before, or NULL, for the caller to free on any thread. */
struct alert_rules *alert_take(struct alert *alert, struct alert_rules *rules);

/* alert_apply: all of it at once. */
void alert_apply(struct alert *alert, struct conf *conf);

/* alert_feed: every result. Excluded ones (ours, account, script, and those of
 * maintenance) do not count. */
void alert_feed(struct alert *alert, const struct result *result, mono_us now);

/* alert_uplink_down: our own way out turned out to be broken since `since`.
 * What a silent network counted for since then is taken back, and what was
 * about to open or to resolve begins anew. */
void alert_uplink_down(struct alert *alert, mono_us since);

/*
 * Our blind time is booked with each incident that is open, and taken from
 * what is claimed of its length: while no process ran, or it stood still for
 * ten seconds and more (no tick came), while our own way out was broken (until
 * alert_uplink_back), and while the machine slept.
 */
enum alert_blind {
	ALERT_BLIND_STOPPED,
	ALERT_BLIND_STALLED,
	ALERT_BLIND_UPLINK,
	ALERT_BLIND_SLEPT
};
void alert_uplink_back(struct alert *alert, wall_us wall);
void alert_slept(struct alert *alert, dur_us length, wall_us wall);

/*
 * alert_acknowledge: a person, by name, takes care of an open incident, which
 * is confirmed by it; the subscribers are told. 0, -ENOENT (none is open under
 * that number) or -EALREADY. alert_note adds a person's text to the timeline of
 * any incident; that there is one, the caller knows.
 */
int alert_acknowledge(
    struct alert *alert, int64_t number, const char *by, wall_us wall) MUST_USE;
void alert_note(struct alert *alert, int64_t number, const char *by,
    const char *text, wall_us wall);

/* alert_set_silences: all that there are, copied; before or between ticks.
 * While one covers an open incident, its timeline says so and subscribers are
 * sent nothing of it; what they were never told is told when it ends. An
 * incident that they were told of is always told to be resolved. */
void alert_set_silences(
    struct alert *alert, const struct window *silences, size_t n);

/* alert_clock_set: the wall clock was set by so much. What is told of an
 * incident that is open then goes by the clock that it opened on, so that its
 * length is right. */
void alert_clock_set(struct alert *alert, dur_us by);

/*
 * The built-in rule "account": an account that had to be stopped is an
 * incident of severity 2, with the target where it happened as its scope, from
 * alert_account_stopped until alert_account_released. The first may be called
 * again with a stop that is known, and must be at start, before the first
 * tick: then it takes up the incident from before. Both after alert_apply and
 * notify_apply.
 */
void alert_account_stopped(
    struct alert *alert, const struct account_stop *stop, wall_us wall);
void alert_account_released(
    struct alert *alert, const char *account, const char *by, wall_us wall);

/* The built-in rule "self": what is wrong with ourselves, once a second, before
 * alert_tick. A fault that lasts for a minute is an incident of severity 2, a
 * clock that was set of 1, until it is over for a minute. */
void alert_self(struct alert *alert, const bool faults[FAULT_COUNT],
    mono_us now, wall_us wall);

/*
 * What rules of kind deviation must know of the past: for whole hours the
 * quantile of ok latencies of the scope, which is a target of the series, where
 * at least min_samples of them are known. Until the same hour of three weeks
 * is known such a rule has no verdict, and an incident of it stays as it is.
 */
#define ALERT_HOUR (INT64_C(3600) * US_PER_S)
#define ALERT_WISH_HOURS 168 /* at most at once */
struct alert_wish {
	char rule[MODEL_NAME_SIZE];
	char scope[MODEL_PATH_SIZE];
	double quantile;
	uint32_t min_samples;
	wall_us from, to;
	bool anew; /* it begins with these */
};

/* alert_set_zone: by whose clock a week has hours; borrowed for good. Without,
 * no such rule has a verdict. */
void alert_set_zone(struct alert *alert, const struct zone *zone);

/*
 * alert_wish: the first hours up to an hour before `wall` that a rule from
 * place `*at` on does not know yet, oldest first; false: all know all. When
 * they are known, ask again from the same place, else from the next one.
 * alert_learn: how long each hour of the wish took, in milliseconds, NAN: not
 * known. What nobody wishes any more is ignored.
 */
bool alert_wish(const struct alert *alert, size_t *at, wall_us wall,
    struct alert_wish *wish);
void alert_learn(
    struct alert *alert, const struct alert_wish *wish, const double *ms);

/* alert_tick: about once a second; decides. */
void alert_tick(struct alert *alert, mono_us now, wall_us wall);

/* The open incidents, newest first; borrowed until the next feed, tick or
 * apply. */
size_t alert_open(const struct alert *alert, const struct incident **incidents);

#endif
