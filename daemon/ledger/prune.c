#include "ledger-int.h"

/*
 * What is older than KEEP_DAYS goes, once an hour. A wall clock that is a year
 * ahead would take nearly all there is with it, so that it is believed only
 * when it fits to what was written last and nobody has set it meanwhile, or
 * when it has been left alone for a week.
 */

#define HOUR (INT64_C(3600) * US_PER_S)
#define DAY (24 * HOUR)
#define KEEP_DAYS INT64_C(400)
#define FITS (2 * DAY)
#define WEEK (7 * DAY)

void
trust_begin(struct ledger *ledger)
{
	struct trust *trust = &ledger->trust;
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_TALLY_LAST);
	wall_us last = 0;
	dur_us off;

	clock_watch_init(&trust->watch, ledger->clock);
	trust->since = clock_mono(ledger->clock);
	if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
		last = sqlite3_column_int64(stmt, 0) * 60 * US_PER_S;
	if (stmt != NULL)
		sqlite3_reset(stmt);
	off = clock_wall(ledger->clock) - last;
	trust->plausible = last == 0 || (off > -FITS && off < FITS);
}

static bool
is_trusted(struct ledger *ledger)
{
	struct trust *trust = &ledger->trust;
	mono_us now = clock_mono(ledger->clock);

	trust->set += clock_watch_look(&trust->watch, ledger->clock).set;
	if (trust->set >= HOUR || trust->set <= -HOUR) {
		trust->plausible = false;
		trust->since = now;
		trust->set = 0;
	}
	return trust->plausible || now - trust->since >= WEEK;
}

static int
prune(struct ledger *ledger, const void *arg)
{
	wall_us before = *(const wall_us *)arg - KEEP_DAYS * DAY;
	int rc = tally_prune(ledger, before);

	return rc != 0 ? rc : delivery_prune(ledger, before);
}

void
prune_tick(struct ledger *ledger, wall_us now)
{
	bool trusted = is_trusted(ledger);

	if (ledger->pruned != 0 && now >= ledger->pruned &&
	    now - ledger->pruned < HOUR)
		return;
	/* what fails here is tried again in an hour */
	ledger->pruned = now;
	if (trusted && ledger_write(ledger, prune, &now) != 0)
		return;
}
