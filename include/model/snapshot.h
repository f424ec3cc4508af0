#ifndef MODEL_SNAPSHOT_H
#define MODEL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "model/incident.h"
#include "model/late.h"
#include "model/reason.h"
#include "model/result.h"
#include "model/state.h"
#include "model/target.h"

/*
 * What the web pages show of this instant: built by the engine, published
 * whole, never changed afterwards, freed by whoever lets go last. Strings and
 * arrays live in its arena, or in parts that it keeps. Figures that are not
 * known are NAN.
 */
struct snap_transaction {
	const char *name;
	const char *title; /* as the profile calls it */
	enum state state;
	enum reason reason; /* of the last result */
	char step[MODEL_NAME_SIZE]; /* of the last result */
	enum reason failure; /* of the last failed result; REASON_OK: none */
	char failure_step[MODEL_NAME_SIZE];
	char run_id[TRACE_ID_SIZE]; /* "" before the first run */
	wall_us last_run; /* when it began; 0 before the first run */
	wall_us decided; /* when its result was; 0 before the first */
	dur_us patience; /* without a result for longer it is out of date */
	wall_us since; /* when the state was entered */
	double latency_ms; /* of the last result that was ok */
	double p50_ms, p95_ms; /* over the last window_s */
	uint32_t samples; /* behind them; see HIST_SAMPLES_MIN */
	double availability_24h; /* 0 to 1 */
	uint64_t runs, ok, failed, excluded; /* since the daemon started */
	/* of an operator as a whole: the deployments that it is not known of */
	uint32_t deployments_unknown;
};

struct snap_deployment {
	const char *name;
	enum state state;
	dur_us every; /* as configured */
	dur_us every_now; /* grown while the operator fails */
	const char *sender, *recipient; /* its accounts; NULL: none */
	bool account_stopped; /* logins are held back, see account_reason */
	enum reason account_reason;
	wall_us cert_not_after; /* the first certificate to end; 0: unknown */
	struct snap_transaction *transactions;
	size_t n_transactions;
};

struct snap_operator {
	const char *name;
	const char *title;
	enum state state;
	struct snap_deployment **deployments;
	size_t n_deployments;
	uint32_t deployments_unknown; /* of which no action is known */
	/* over all deployments, by name of the transaction */
	struct snap_transaction *transactions;
	size_t n_transactions;
	uint32_t budget_per_minute, budget_parallel;
	uint32_t requests_last_minute, running;
	uint64_t requests; /* since the daemon started */
};

/* One account that journeys log in with; the configuration's name for it. */
struct snap_account {
	const char *name;
	bool stopped; /* logins are held back, and then: */
	enum reason reason;
	wall_us since;
	char target[MODEL_PATH_SIZE]; /* where it was refused */
	char step[MODEL_NAME_SIZE];
	char run_id[TRACE_ID_SIZE];
};

/* What is wrong with ourselves: a closed list. */
enum fault {
	FAULT_STORE, /* something cannot be written; store_problem says what */
	FAULT_QUEUE, /* the store's queue was full within the last minute */
	FAULT_DESCRIPTORS, /* likewise: none could be had */
	FAULT_UPLINK, /* our own way out */
	FAULT_CLOCK, /* the wall clock was set within the last day */
};
#define FAULT_COUNT (FAULT_CLOCK + 1)

const char *fault_name(enum fault fault); /* "store" */

struct snap_subscriber {
	const char *name;
	uint64_t pending;
	double oldest_s; /* the oldest that is pending; 0 */
	bool failing; /* its last try failed */
	bool closed; /* it answered 410 */
};

struct snap_self {
	bool faults[FAULT_COUNT];
	wall_us started;
	wall_us config_loaded;
	bool config_stale; /* the last reload was refused */
	uint64_t runs, runs_tainted, runs_skipped;
	uint64_t clock_sets, sleeps; /* of the wall clock; of the machine */
	double clock_set_s; /* by so much in all, since the start */
	double start_late_p99_ms, start_late_max_ms; /* of the recent ones */
	struct late_counts start_late;
	double loop_late_p99_ms, loop_late_max_ms, loop_busy_ratio;
	uint64_t store_refused;
	size_t store_bytes, store_max_bytes;
	uint64_t store_errors;
	char store_problem[INCIDENT_TEXT_SIZE]; /* "" when all is well */
	uint64_t evidence_files, evidence_bytes, evidence_skipped,
	    evidence_failed;
	uint64_t deliveries_pending, deliveries_confirmed, deliveries_dead,
	    deliveries_failed_attempts;
};

struct snapshot {
	uint64_t number;
	wall_us time;
	mono_us taken; /* the same instant, on clock_boot */
	const char *vantage;
	bool simulated; /* the data come from simulators; say so everywhere */
	double window_s; /* of p50_ms and p95_ms */
	dur_us notice; /* that an operator's own maintenance must give */
	struct snap_operator *operators;
	size_t n_operators;
	struct snap_account *accounts;
	size_t n_accounts;
	struct snap_subscriber *subscribers;
	size_t n_subscribers;
	struct incident *incidents; /* the open ones, newest first */
	size_t n_incidents;
	struct snap_self self;
	struct arena arena; /* private */
	struct snap_part **parts; /* private */
	size_t n_parts, room_parts; /* private */
	int references; /* private */
};

/* snapshot_new: one reference, empty, arena ready. */
struct snapshot *snapshot_new(void);
struct snapshot *snapshot_hold(struct snapshot *snapshot); /* any thread */
void snapshot_release(struct snapshot *snapshot); /* any thread; NULL fine */

/*
 * Memory that several snapshots share, so that what has not changed is not
 * copied: zeroed, counted, changed only as long as whoever made it is the only
 * one who holds it.
 */
struct snap_part;
struct snap_part *snap_part_new(size_t size); /* one reference */
void *snap_part_memory(struct snap_part *part);
void snap_part_release(struct snap_part *part); /* any thread; NULL fine */
bool snap_part_shared(const struct snap_part *part); /* by its maker */

/* snapshot_keep holds the part for as long as the snapshot lives. */
void snapshot_keep(struct snapshot *snapshot, struct snap_part *part);

/* A place where one thread publishes and others pick up. Any thread. */
struct snapshot_slot;
struct snapshot_slot *snapshot_slot_new(void);
void snapshot_slot_free(struct snapshot_slot *slot);

/* snapshot_publish takes over the caller's reference. */
void snapshot_publish(struct snapshot_slot *slot, struct snapshot *snapshot);

/* snapshot_latest: a new reference, or NULL before the first publication. */
struct snapshot *snapshot_latest(struct snapshot_slot *slot);

#endif
