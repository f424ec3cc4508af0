#ifndef ALERT_BACKTEST_H
#define ALERT_BACKTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/alert.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/zone.h"
#include "conf/conf.h"
#include "model/incident.h"
#include "model/result.h"

/*
 * Which incidents the rules of a configuration would have opened over results
 * of the past: these are fed to the very rules of alert/alert.h, which are
 * ticked on each whole second at which that could change anything. Pure: reads
 * no clock and no file. One thread.
 */
struct backtest_incident {
	struct incident incident; /* resolved 0: still open at the end */
	bool unheard; /* a no_data rule that had heard nothing since the begin,
			 or since we had been away: it may be newer */
};

struct backtest_options {
	struct conf *conf;
	const char *rule; /* only this one; NULL: all, with inhibition */
	wall_us from, to;

	/* The next result and when it was final, which never goes back: from
	 * `from` less backtest_lead on, so that windows are full. 1, 0 (there
	 * is no more) or -errno, which ends all. */
	int (*next)(void *arg, struct result *result, wall_us *at);

	/* What rules of kind deviation must know: as the daemon does, each hour
	 * is asked for when it is over for an hour, and before the first one
	 * those of the weeks before, so that nothing is judged by what came
	 * after it. `ms` as in alert_learn. NULL, or no zone: such a rule never
	 * has a verdict. */
	void (*hours)(void *arg, const struct alert_wish *wish, double *ms);
	const struct zone *zone;

	/* Each that was open at any time from `from` to `to`, in the order of
	 * opening, numbered from 1: at the end. One from before was opened in
	 * the lead, or earlier than that. */
	void (*found)(void *arg, const struct backtest_incident *found);

	/* May be NULL. Nothing at all was measured: we ourselves were away, so
	 * the rules begin anew, as after a restart, and what is open was not
	 * seen. */
	void (*away)(void *arg, wall_us from, wall_us to);

	/* May be NULL. For each rule of kind deviation, at the end: in so many
	 * hours of all its scopes it was looked at, and in so many of these it
	 * had no verdict, for the weeks before are not known. */
	void (*compared)(void *arg, const struct conf_alert *rule,
	    uint64_t hours, uint64_t mute);
	void *arg;
};

/* backtest_run: 0, or what `next` gave. */
int backtest_run(const struct backtest_options *options) MUST_USE;

/* backtest_lead: how long before `from` a window that matters may begin. */
dur_us backtest_lead(struct conf *conf, const char *rule);

/*
 * backtest_away: silence of everybody that is longer than this is our own: the
 * deployment that is asked most often, when it fails, is asked up to eight
 * times less often; tallies know minutes.
 */
dur_us backtest_away(const struct conf *conf);

/* backtest_untested: why a rule cannot be tested, a sentence; or NULL. */
const char *backtest_untested(const struct conf_alert *rule);

#endif
