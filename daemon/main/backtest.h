#ifndef MAIN_BACKTEST_H
#define MAIN_BACKTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/backtest.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/zone.h"
#include "conf/conf.h"
#include "past.h"

/* What a back-test found, for backtest_report.c to print. */
struct backtest_away {
	wall_us from, to;
};

struct backtest_outcome {
	const struct conf *conf;
	const struct zone *zone;
	const char *rule; /* NULL: all */
	wall_us from, to;
	bool any; /* is there a history? then: */
	wall_us first, last; /* what the ledger has */
	const struct past_facts *facts;
	struct backtest_away *aways; /* in the span */
	size_t n_aways;
	struct backtest_incident *found;
	int64_t *really; /* by found: an incident that was opened for the same
			    scope and overlaps it; 0: none */
	size_t n_found;
	size_t n_real; /* incidents that were opened in the span */
	struct backtest_compared {
		const struct conf_alert *rule;
		uint64_t hours, mute; /* as struct backtest_options has them */
	} * compared; /* of rules of kind deviation */
	size_t n_compared;
	dur_us write_every; /* how long a latency may wait for its file */
};

void backtest_print(const struct backtest_outcome *outcome);
struct jv *backtest_json(const struct backtest_outcome *outcome);

#endif
