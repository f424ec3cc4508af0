#ifndef ALERT_ALERT_H
#define ALERT_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "ledger/ledger.h"
#include "model/account.h"
#include "model/incident.h"
#include "model/result.h"
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
 * rule holds when the quantile of ok latencies is above `above`. It opens
 * after holding for `hold`, and resolves after not holding for
 * `resolve_after`; silence neither opens nor resolves: both begin with a
 * verdict, and the opening ends with one; a gap of more than four intervals
 * of the deployment does not count to `hold`. To resolve, one verdict is
 * enough: a failing operator is asked less often.
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

/* alert_restore: an incident that was open when the daemon stopped. Before
 * alert_apply; one whose rule or scope is gone resolves at the next tick. */
void alert_restore(struct alert *alert, const struct incident *incident);

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

/* alert_feed: every result. Excluded ones (ours, account, script) do not
 * count. */
void alert_feed(struct alert *alert, const struct result *result, mono_us now);

/* alert_uplink_down: our own way out turned out to be broken since `since`.
 * What a silent network counted for since then is taken back, and what was
 * about to open or to resolve begins anew. */
void alert_uplink_down(struct alert *alert, mono_us since);

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

/* alert_tick: about once a second; decides. */
void alert_tick(struct alert *alert, mono_us now, wall_us wall);

/* The open incidents, newest first; borrowed until the next feed, tick or
 * apply. */
size_t alert_open(const struct alert *alert, const struct incident **incidents);

#endif
