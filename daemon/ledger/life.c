#include "ledger-int.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/*
 * A sign of life, so that the next start knows since when nobody looked. The
 * clock of the machine's run is kept beside the wall clock: within one run of
 * the machine the difference is right even when the wall clock was set
 * meanwhile, and tells by how much. Each incident is committed with one, so
 * that what it knows of the clock and what the sign of life knows is the same.
 */

#define EVERY (5 * US_PER_S)
#define SET_LEAST (US_PER_S / 2) /* less is how a clock is kept right */

static void
read_boot_id(char out[64])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	out[0] = '\0';
	if (file == NULL)
		return;
	if (fgets(out, 64, file) == NULL)
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	fclose(file);
}

struct life_mark
life_mark(const struct ledger *ledger)
{
	return (struct life_mark){
	    .wall = clock_wall(ledger->clock),
	    .boot = clock_boot(ledger->clock),
	};
}

int
life_store(struct ledger *ledger, const void *arg)
{
	const struct life_mark *mark = arg;
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_LIFE_PUT);
	char boot_id[64];

	read_boot_id(boot_id);
	if (stmt != NULL) {
		sql_bind_int(stmt, 1, mark->wall);
		sql_bind_int(stmt, 2, mark->boot);
		sql_bind_text(stmt, 3, boot_id);
	}
	return ledger_run(ledger, stmt);
}

void
life_tick(struct ledger *ledger, const struct life_mark *mark)
{
	mono_us now = clock_mono(ledger->clock);

	if ((ledger->life_at == 0 || now - ledger->life_at >= EVERY) &&
	    ledger_write(ledger, life_store, mark) == 0)
		ledger->life_at = now;
}

/* One that never ticked did not look, and leaves what the last one left. */
void
life_end(struct ledger *ledger)
{
	struct life_mark mark = life_mark(ledger);

	if (ledger->life_at != 0 &&
	    ledger_write(ledger, life_store, &mark) != 0)
		ledger_say(ledger, "no sign of life at the end");
}

bool
ledger_last_life(struct ledger *ledger, struct ledger_life *life)
{
	sqlite3_stmt *stmt = ledger_stmt(ledger, SQL_LIFE_GET);
	mono_us boot;
	char boot_id[64];
	bool found;

	*life = (struct ledger_life){0};
	if (stmt == NULL)
		return false;
	found = sqlite3_step(stmt) == SQLITE_ROW;
	if (found) {
		dur_us by_wall =
		    clock_wall(ledger->clock) - sqlite3_column_int64(stmt, 0);

		boot = sqlite3_column_int64(stmt, 1);
		read_boot_id(boot_id);
		life->ago = by_wall > 0 ? by_wall : 0;
		if (boot_id[0] != '\0' &&
		    strcmp(boot_id, sql_text(stmt, 2)) == 0 &&
		    clock_boot(ledger->clock) >= boot) {
			life->ago = clock_boot(ledger->clock) - boot;
			life->clock_set = by_wall - life->ago;
		}
		if (life->clock_set < SET_LEAST && life->clock_set > -SET_LEAST)
			life->clock_set = 0;
	}
	sqlite3_reset(stmt);
	return found;
}
