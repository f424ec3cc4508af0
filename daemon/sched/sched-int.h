#ifndef SCHED_INT_H
#define SCHED_INT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/index.h"
#include "budget.h"
#include "sched/sched.h"

/* What the files of this room share. */

#define LATE_SAMPLES 1024

struct op_state {
	TAILQ_ENTRY(op_state) link;
	struct sched *sched;
	char name[MODEL_NAME_SIZE];
	pthread_mutex_t lock; /* of the budget and the slots' reservations:
				 probers ask before each request */
	struct budget budget;
	uint32_t parallel;
	uint32_t running;
	TAILQ_HEAD(, slot) waiting; /* due, without room; oldest first */
	struct loop_timer *room; /* when the budget will have room */
	bool gone;
};

/* One deployment; its address is stable over reloads. */
struct slot {
	TAILQ_ENTRY(slot) link;
	TAILQ_ENTRY(slot) queue;
	char path[MODEL_PATH_SIZE];
	struct sched *sched;
	struct op_state *op_state;
	uint32_t epoch; /* of the last configuration that named it */
	/* as configured now */
	struct conf *conf;
	const struct conf_operator *op;
	const struct conf_deployment *deployment;
	struct probe_program *program;
	const struct target **targets;
	size_t n_targets;
	uint32_t cost;
	dur_us every;
	uint64_t place; /* the same by any name, see apply.c */
	/* the schedule */
	struct loop_timer *timer;
	mono_us due; /* of the next start, or of the one waiting */
	mono_us not_before; /* Retry-After */
	uint32_t growth; /* 1, 2, 4, 8 */
	uint32_t fails; /* failing runs in a row */
	mono_us begun; /* the newest run; 0: none */
	uint32_t usual; /* requests of the last good run */
	uint32_t owed; /* requests that failing runs sent beyond that */
	uint32_t put_off; /* intervals left out for it before the next start */
	bool waiting;
	bool held; /* by the guard: what was due is missed */
	bool gone; /* not in the configuration any more, and then: */
	bool resting; /* kept for what it remembers */
	/* the journey under way */
	struct crew_run *run;
	struct conf *run_conf; /* that it began with */
	struct op_state *run_op; /* whose room it takes */
	uint32_t reservation;
	uint32_t sent;
	bool run_failed;
	bool run_ok;
	bool run_other; /* some result was not ok */
};

struct sched {
	struct loop *loop;
	struct crew *crew;
	struct target_set *targets;
	enum reason (*judge)(void *arg, const struct result *result);
	void (*finish)(void *arg, struct result result);
	void (*end)(void *arg, const struct run *run);
	void (*account_stopped)(void *arg, const struct account_stop *stop);
	void (*account_released)(
	    void *arg, const struct account_stop *stop, const char *by);
	void *arg;
	uint8_t key[SCHED_KEY_BYTES];
	struct account_stop *stops;
	size_t n_stops;
	struct name_index stopped_names; /* of stops */
	struct conf *conf;
	struct conf *before; /* while another is taken over; else NULL */
	void *leaves; /* slots that go, by place, meanwhile; tsearch(3) */
	uint32_t epoch; /* of conf */
	void *tree; /* of slots, by path; tsearch(3) */
	TAILQ_HEAD(, slot) slots;
	TAILQ_HEAD(, op_state) ops;
	size_t n_running;
	bool stopping;
	loop_fn *stopped;
	void *stopped_arg;
	uint64_t runs;
	uint64_t skipped;
	dur_us late[LATE_SAMPLES];
	size_t n_late;
	struct late_counts all_late;
};

/* slot.c: one deployment's schedule. */
struct slot *slot_new(
    struct sched *sched, const char *op, const char *deployment);
void slot_free(struct slot *slot); /* no run may be under way */
struct slot *slot_find(
    const struct sched *sched, const char *op, const char *deployment);
void slot_first_due(struct slot *slot);

/* slot_held_until: nothing may be sent to this place before. */
mono_us slot_held_until(const struct slot *slot);

/* slot_rest: it has no journey and is not configured any more. */
void slot_rest(struct slot *slot);

/* slot_rename: it is the same place and goes on as it was, its journey under
 * way too. No other may have that name. */
void slot_rename(struct slot *slot, const char *op, const char *deployment);

/* slot_arm arms the timer for the next decision: the start, or, while it
 * waits for room, the end of its interval. While a journey runs there is none:
 * its end arms the timer. */
void slot_arm(struct slot *slot);

/* slot_halt: not due, not waiting; a journey under way is asked to end, but
 * for that of `but`. */
void slot_halt(struct slot *slot, const struct slot *but);

/* op_pump starts what waits, oldest first; nobody overtakes. */
void op_pump(struct op_state *op);
struct op_state *op_find(const struct sched *sched, const char *name);

/* apply.c: which slots go, at the end of taking over, or when it is given up.
 */
void apply_forget(struct sched *sched);

/* ---- guard.c: accounts that must not log in ---- */

/* guard_stop_of: why a deployment may not run; NULL when it may. */
const struct account_stop *guard_stop_of(
    const struct sched *sched, const struct conf_deployment *deployment);

/* guard_note stops the account that a result of `slot` tells of, if any. */
void guard_note(struct slot *slot, const struct result *result);

/* guard_apply releases the accounts whose credentials became others. */
void guard_apply(struct sched *sched);

#endif
