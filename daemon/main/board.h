#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "health/health.h"
#include "model/snapshot.h"
#include "probe/program.h"

/*
 * The picture as it stands, from which snapshots are made: the deployments of
 * a configuration in pages that snapshots share. A page that is held by a
 * snapshot is copied before it is changed, so that a snapshot costs what has
 * changed and not what there is. Made on any thread, then the loop's.
 */

/* What the sums over an operator look at, close together. */
struct brief {
	wall_us last_run, since;
	uint8_t state; /* enum state */
	bool bad; /* the last reason was not ok */
};

struct board_op {
	const struct conf_operator *conf;
	size_t n; /* deployments */
	size_t n_acts; /* measured transactions */
	const char *name, *title; /* these live as long as a snapshot */
	const char **acts, **act_titles;
	struct snap_deployment **now; /* one for each deployment */
	struct snap_part **pages;
	uint32_t *targets; /* ids, n_acts for each deployment; the engine's */
	struct brief *briefs; /* the same */
	enum state *states; /* of the deployments */
	enum state *act_states; /* room for those of one */
	struct health_pool **pools; /* one for each act; the engine's */
	dur_us longest_run;
	uint32_t answered, silent; /* deployments that say so of our way out */
};

struct slot;

/* A deployment of the configuration; the fields are the engine's. */
struct member {
	struct board_op *op;
	size_t place; /* in the operator */
	const struct slot *slot;
	bool stale; /* the picture of it is out of date */
	enum health_reach counted; /* in the operator's answered or silent */
};

struct board {
	struct snap_part *names;
	struct board_op *ops;
	size_t n_ops;
	struct member *members; /* of all operators, in order */
	size_t n_members;
	struct snap_account *accounts; /* without their stops; in names */
	size_t n_accounts;
};

/* board_new: programs as in a plan. Borrows conf; it must outlive the board. */
struct board *board_new(
    const struct conf *conf, struct probe_program *const *programs);
void board_free(struct board *board); /* NULL is fine */

/* board_change: the place to write what is shown of a deployment; its names,
 * interval and accounts are there. */
struct snap_deployment *board_change(const struct member *member);

/* board_show gives a snapshot the deployments of an operator as they are. */
void board_show(const struct board_op *op, struct snapshot *snapshot,
    struct snap_operator *to);

#endif
