#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/log.h"
#include "board.h"
#include "conf/conf.h"
#include "health/health.h"
#include "http/http.h"
#include "ledger/change.h"
#include "loop/lane.h"
#include "loop/loop.h"
#include "main-int.h"
#include "model/snapshot.h"
#include "notify/notify.h"
#include "probe/crew.h"
#include "probe/evidence_store.h"
#include "reference.h"
#include "sched/sched.h"
#include "series/series.h"
#include "web/web.h"

/*
 * What the engine thread owns: the rooms wired together, and the way of a
 * result through them. Loop thread only.
 */

/* What is known of a target; its place is the target's id. */
struct engine_target {
	struct health health;
	struct health_policy policy;
	dur_us every; /* 0: not in the configuration (any more) */
	dur_us longest; /* what a journey of its deployment can take */
	bool held; /* its account is stopped */
	bool known; /* configured before, in the life of this process */
	dur_us clock_set; /* engine.clock_set at the last result */
	wall_us cert_not_after; /* as its last connections showed; 0 */
	struct member *member; /* its deployment; NULL when every is 0 */
	struct health_pool *pool; /* of its operator's act */
	uint32_t home; /* its deployment's first target, which holds: */
	enum health_reach reach; /* the newest word of the deployment */
	mono_us reach_at;
};

/* What an operator's deployments measured of one act, for as long as we run. */
struct engine_pool {
	struct engine_pool *next;
	char op[MODEL_NAME_SIZE];
	char act[MODEL_NAME_SIZE];
	struct health_pool pool;
};

/* A configuration that is being taken over, a few deployments at a time; or
 * only a day. */
struct incoming {
	struct plan *plan; /* NULL: none is */
	struct engine_day *day;
	size_t named; /* deployments */
	bool all_named;
	size_t enrolled; /* deployments */
	size_t recalled; /* deployments */
	size_t forgotten; /* targets */
	loop_fn *done;
	void *arg;
};

/* shapes.c */
struct engine_shapes {
	size_t place; /* whose turn it is to learn */
	mono_us asked_at; /* a question is out since; 0: none is */
	mono_us next_at;
};

struct engine {
	const struct clock *clock;
	struct loop *loop;
	struct lane *store;
	struct series *series;
	struct ledger *ledger;
	struct evidence_store *evidence;
	struct http_client *http;
	struct crew *crew;
	struct target_set *targets;
	struct sched *sched;
	struct notify *notify;
	struct alert *alert;
	struct snapshot_slot *snapshots;
	struct web *web; /* NULL until it serves */
	struct plan *plan;
	struct board *board; /* the plan's */
	struct incoming incoming;
	struct engine_pool *pools;
	struct snap_part *accounts; /* with their stops; NULL: to be made */
	size_t n_accounts;
	struct engine_target *by_target;
	size_t n_by_target;
	struct health_uplink uplink;
	mono_us answered_at; /* when anybody last did */
	struct window *windows; /* announced, and not over by then */
	size_t n_windows;
	struct zone *zone;
	/* blind.c */
	wall_us blind_since; /* our way out is broken; 0: it is not */
	mono_us blind_booked, ticked_at; /* last; 0: never */
	struct references *references;
	struct log_damp references_damp;
	struct loop_timer *tick;
	/* clocks.c */
	struct clock_watch watch;
	dur_us clock_set; /* by so much in all, since we started */
	mono_us clock_set_at, slept_at; /* last; 0: never */
	uint64_t clock_sets, sleeps;
	struct log_damp clock_damp;
	mono_us cycle_began;
	size_t looked_at; /* so many deployments in this cycle */
	size_t shown_from; /* whose turn it is */
	uint8_t key[KEY_BYTES]; /* of the credentials' digests */
	struct ledger_life life; /* of the process before, if it had_life */
	bool had_life;
	uint64_t snapshot_number;
	wall_us started;
	wall_us config_loaded;
	bool config_stale;
	uint64_t runs_tainted;
	/* faults.c */
	bool faults[FAULT_COUNT];
	mono_us no_descriptors_at, refused_at; /* 0: never */
	struct log_damp descriptors_damp;
	bool stops_wait; /* for room in the store's queue */
	struct log_damp store_damp;
	struct engine_shapes shapes;
};

/* engine_wire makes sched and alert; every other room is there already. Its
 * cycles begin with the first configuration. */
void engine_wire(struct engine *engine);

/*
 * What the ledger counted over the day before engine_day_open, which opens the
 * file; engine_day_read reads it, for a country over a minute: not on the loop.
 * What cannot be read is said, and missing. engine_day_interrupt ends the
 * reading, from another thread.
 */
struct engine_day;
struct engine_day *engine_day_open(const char *ledger_path, wall_us now);
void engine_day_read(struct engine_day *day);
void engine_day_interrupt(struct engine_day *day);
void engine_day_free(struct engine_day *day); /* NULL is fine */

/* engine_day_restore gives it to a target. */
void engine_day_restore(const struct engine *engine,
    const struct engine_day *day, const struct target *target,
    struct engine_target *entry);

/* engine_target: what is known of a target, new or not. The pointer lives until
 * the next new target. */
struct engine_target *engine_target(
    struct engine *engine, const struct target *target);

/* engine_say_change logs it, if there is one. */
void engine_say_change(const struct target *target,
    const struct health_change *change, const struct result *last);

/* ---- apply.c ---- */

/*
 * engine_apply takes over `plan` and `day`, at start and at reload; `day` is
 * that of the targets that are new in it; NULL: engine_recall will bring it.
 * With `done` it is taken over slice by
 * slice while journeys go on, and the old one holds for what is not taken over
 * yet; without, at once. One at a time.
 */
void engine_apply(struct engine *engine, struct plan *plan,
    struct engine_day *day, loop_fn *done, void *arg);

/* engine_recall takes over `day`, slice by slice, for the targets that have
 * none yet; then it calls `done`. */
void engine_recall(
    struct engine *engine, struct engine_day *day, loop_fn *done, void *arg);

/* engine_apply_slice goes on with either; false when there is none. */
bool engine_apply_slice(struct engine *engine);

/* ---- cycle.c ---- */

/* engine_tick ends a cycle: once a second by its own timer, and once more at
 * the end, so that the store gets all there is. */
void engine_tick(struct engine *engine);
void engine_begin_cycles(struct engine *engine);

/* ---- uplink.c ---- */

/* engine_judge: what a result is called, before anybody counts it. As in
 * struct sched_options; `arg` is the engine. */
enum reason engine_judge(void *arg, const struct result *result);
void engine_judge_uplink(struct engine *engine, mono_us now);
void engine_watch_uplink(struct engine *engine); /* makes `references` */

/* engine_reach_age counts what a deployment last said, unless it is too old;
 * `home` is its first target. */
void engine_reach_age(
    struct member *member, const struct engine_target *home, mono_us now);

/* engine_unwire stops the timer and frees what engine_wire made. */
void engine_unwire(struct engine *engine);

/* ---- faults.c: what is wrong with ourselves ---- */

void engine_faults_note(struct engine *engine, const struct result *result);
void engine_faults_refused(struct engine *engine); /* by the store's queue */

/* engine_faults_fill: after the store's part of `self`. */
void engine_faults_fill(struct engine *engine, struct snap_self *self);

/* engine_faults_tick: the alerts hear of what the last picture shows. */
void engine_faults_tick(struct engine *engine, mono_us now, wall_us wall);

/* ---- clocks.c: the wall clock may be set, and the machine may sleep ---- */

/* engine_clock_look: was it, did it? Says so once. */
void engine_clock_look(struct engine *engine);

/* engine_steady: the wall clock as if nobody had set it since we started. What
 * lasts is judged by it; what is shown is moved by engine.clock_set. */
wall_us engine_steady(const struct engine *engine);

/* engine_clock_is_doubted: it was set within the last day, and not back. */
bool engine_clock_is_doubted(const struct engine *engine);

/* engine_clock_judge: what a result is called, after a look. */
enum reason engine_clock_judge(
    const struct engine *engine, const struct result *result);

/* ---- shapes.c: what rules of kind deviation must know ---- */

/* engine_shapes_tick: once a second; asks the store for what a rule does not
 * know yet, one question at a time. */
void engine_shapes_tick(struct engine *engine, mono_us now);

/* ---- deliveries.c ---- */

void engine_subscribers_fill(struct engine *engine, struct snapshot *snapshot);

/* ---- stops.c: accounts that must not log in ---- */

/* As struct sched_options has them; `arg` is the engine. */
void engine_account_stopped(void *arg, const struct account_stop *stop);
void engine_account_released(
    void *arg, const struct account_stop *stop, const char *by);

/* engine_stops_restore takes up those of the ledger: after engine_wire, before
 * engine_apply. 0 or -errno. */
int engine_stops_restore(struct engine *engine) MUST_USE;

/* engine_stops_apply tells the alerts of them; engine_stops_write the ledger,
 * when it did not take them before; engine_stops_fill the snapshot. */
void engine_stops_apply(struct engine *engine);
void engine_stops_write(struct engine *engine);
void engine_stops_fill(struct engine *engine, struct snapshot *snapshot);

/* engine_stops_changed: one came or went, or there are other accounts. */
void engine_stops_changed(struct engine *engine);

/* engine_release_account: any thread. 0 or an error of loop_call. */
int engine_release_account(void *arg, const char *account);

/* ---- incidents.c ---- */

/* engine_incidents_restore takes up those of the ledger: after engine_wire,
 * before anything is written; engine_incidents_apply, after the first
 * engine_apply, books the time in which nobody looked. 0 or -errno. */
int engine_incidents_restore(
    struct engine *engine, const struct conf *conf) MUST_USE;
void engine_incidents_apply(struct engine *engine);

/* As struct web_options has them; `arg` is the engine. Any thread. 0 or an
 * error of loop_call. */
int engine_acknowledge_incident(void *arg, int64_t number, const char *by);
int engine_retry_delivery(void *arg, int64_t id);
int engine_test_subscriber(void *arg, const char *name);
int engine_note_incident(
    void *arg, int64_t number, const char *by, const char *text);

/* ---- blind.c: when we did not look ---- */

/* At the first apply; when the machine had slept; when our way out turns out to
 * be broken since then; and once a second. */
void engine_blind_stopped(struct engine *engine);
void engine_blind_slept(struct engine *engine, dur_us length);
void engine_blind_uplink(struct engine *engine, mono_us since);
void engine_blind_tick(struct engine *engine, mono_us now);

/* ---- windows.c ---- */

/* engine_windows_restore takes up those of the ledger: after engine_wire. 0 or
 * -errno. */
int engine_windows_restore(struct engine *engine) MUST_USE;

/* engine_maintained: agreed maintenance of that target at that time? */
bool engine_maintained(
    const struct engine *engine, const struct target *target, wall_us at);

/* As struct web_options has them; `arg` is the engine. Any thread, while the
 * store lane and the loop are there. */
int engine_change(void *arg, const struct ledger_change *change,
    ledger_changed_fn *done, void *done_arg);
void engine_use_token(void *arg, const char id[TOKEN_ID_SIZE], wall_us at);

/* Memory of a snapshot, which ends the process when there is none. */
void *engine_need(struct snapshot *snapshot, size_t n, size_t size);
char *engine_need_text(struct snapshot *snapshot, const char *text);

/* engine_show brings the picture of a deployment up to date. */
void engine_show(struct engine *engine, struct member *member);

/* engine_snapshot: the picture as it was last brought up to date; one
 * reference. */
struct snapshot *engine_snapshot(struct engine *engine);

#endif
