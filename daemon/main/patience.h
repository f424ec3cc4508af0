#ifndef PATIENCE_H
#define PATIENCE_H

#include "base/clock.h"
#include "conf/conf.h"

/* patience_longest_run: what a journey by this profile can take, when every
 * transaction and every clean-up runs into its timeout. */
dur_us patience_longest_run(const struct conf_profile *profile);

/*
 * patience_of: for how long no verdict is no silence yet. The next run begins
 * within an interval of the end of the one before and may take as long as a
 * run can; another interval is allowed for its turn.
 */
dur_us patience_of(dur_us longest_run, dur_us every);

#endif
