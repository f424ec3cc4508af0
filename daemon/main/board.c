/*
 * The pages of the picture. What stands on them is written in picture.c.
 */
#include "board.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define PAGE 32 /* deployments */

/* ---- names, which no snapshot copies ---- */

struct writer {
	char *at; /* NULL: only to measure */
	size_t used;
};

static const char *
put(struct writer *writer, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = writer->at == NULL ? NULL : writer->at + writer->used;

	if (copy != NULL)
		memcpy(copy, text, size);
	writer->used += size;
	return copy;
}

static const char *
act_title(const struct conf_operator *conf, const char *name)
{
	const struct conf_transaction *act =
	    conf_transaction_find(conf->profile, name);

	return act != NULL && act->title.value[0] != '\0' ? act->title.value
							  : name;
}

/* The names of the accounts by their place in the configuration, and for each
 * deployment its own: pointers of an operator's arrays are set when the writer
 * writes. */
static void
put_op(struct writer *writer, struct board_op *op,
    const struct probe_program *program)
{
	op->name = put(writer, op->conf->name);
	op->title = put(writer, op->conf->title);
	for (size_t i = 0; i < op->n_acts; i++) {
		const char *name = probe_program_transaction(program, i);

		op->acts[i] = put(writer, name);
		op->act_titles[i] = put(writer, act_title(op->conf, name));
	}
	for (size_t i = 0; i < op->n; i++) {
		const char *name = put(writer, op->conf->deployments[i].name);

		if (op->now[i] != NULL)
			op->now[i]->name = name;
	}
}

static void
put_names(struct board *board, const struct conf *conf,
    struct probe_program *const *programs, struct writer *writer)
{
	for (size_t i = 0; i < board->n_ops; i++) {
		struct board_op *op = &board->ops[i];

		put_op(
		    writer, op, programs[op->conf->profile - conf->profiles]);
	}
	for (size_t i = 0; i < conf->n_accounts; i++) {
		const char *name = put(writer, conf->accounts[i].name);

		if (board->accounts != NULL)
			board->accounts[i].name = name;
	}
}

/* ---- pages ---- */

static size_t
page_size(const struct board_op *op, size_t n)
{
	return n *
	    (sizeof(struct snap_deployment) +
		op->n_acts * sizeof(struct snap_transaction));
}

static size_t
page_length(const struct board_op *op, size_t page)
{
	size_t left = op->n - page * PAGE;

	return left < PAGE ? left : PAGE;
}

/* The deployments stand first, their transactions behind them. */
static void
link_page(struct board_op *op, size_t page)
{
	size_t n = page_length(op, page);
	struct snap_deployment *deployments = snap_part_memory(op->pages[page]);
	struct snap_transaction *acts = (void *)(deployments + n);

	for (size_t i = 0; i < n; i++) {
		deployments[i].transactions = acts + i * op->n_acts;
		op->now[page * PAGE + i] = &deployments[i];
	}
}

static void
make_pages(struct board_op *op)
{
	size_t n = (op->n + PAGE - 1) / PAGE;

	op->pages = mem_array(n, sizeof(struct snap_part *));
	for (size_t i = 0; i < n; i++) {
		op->pages[i] = snap_part_new(page_size(op, page_length(op, i)));
		link_page(op, i);
	}
}

struct snap_deployment *
board_change(const struct member *member)
{
	struct board_op *op = member->op;
	size_t page = member->place / PAGE;
	struct snap_part *old = op->pages[page];

	if (snap_part_shared(old)) {
		size_t size = page_size(op, page_length(op, page));

		op->pages[page] = snap_part_new(size);
		memcpy(snap_part_memory(op->pages[page]), snap_part_memory(old),
		    size);
		link_page(op, page);
		snap_part_release(old);
	}
	return op->now[member->place];
}

void
board_show(const struct board_op *op, struct snapshot *snapshot,
    struct snap_operator *to)
{
	size_t size = op->n * sizeof(struct snap_deployment *);

	to->deployments = arena_alloc(&snapshot->arena, size + 1);
	if (to->deployments == NULL)
		log_fatal("out of memory", "for=snapshot");
	memcpy(to->deployments, op->now, size);
	to->n_deployments = op->n;
	for (size_t i = 0; i * PAGE < op->n; i++)
		snapshot_keep(snapshot, op->pages[i]);
}

/* ---- life ---- */

static void
fill_new(struct board *board, const struct conf *conf, struct board_op *op)
{
	for (size_t i = 0; i < op->n; i++) {
		const struct conf_deployment *from = &op->conf->deployments[i];
		struct snap_deployment *to = op->now[i];

		to->every = to->every_now = from->every;
		to->n_transactions = op->n_acts;
		if (from->sender != NULL)
			to->sender =
			    board->accounts[from->sender - conf->accounts].name;
		if (from->recipient != NULL)
			to->recipient =
			    board->accounts[from->recipient - conf->accounts]
				.name;
		for (size_t k = 0; k < op->n_acts; k++) {
			struct snap_transaction *act = &to->transactions[k];

			act->name = op->acts[k];
			act->title = op->act_titles[k];
			act->latency_ms = act->p50_ms = act->p95_ms = NAN;
			act->availability_24h = NAN;
		}
	}
}

static void
open_op(struct board_op *op, const struct conf_operator *conf,
    const struct probe_program *program)
{
	size_t n_acts = probe_program_transactions(program);
	size_t n = conf->n_deployments;

	*op = (struct board_op){
	    .conf = conf,
	    .n = n,
	    .n_acts = n_acts,
	    .acts = mem_array(n_acts, sizeof(const char *)),
	    .act_titles = mem_array(n_acts, sizeof(const char *)),
	    .now = mem_array(n, sizeof(struct snap_deployment *)),
	    .targets = mem_array(n * n_acts, sizeof(uint32_t)),
	    .briefs = mem_array(n * n_acts, sizeof(struct brief)),
	    .states = mem_array(n, sizeof(enum state)),
	    .act_states = mem_array(n_acts, sizeof(enum state)),
	    .pools = mem_array(n_acts, sizeof(struct health_pool *)),
	};
}

struct board *
board_new(const struct conf *conf, struct probe_program *const *programs)
{
	struct board *board = mem_new(sizeof(*board));
	struct writer writer = {0};
	size_t accounts = conf->n_accounts * sizeof(struct snap_account);
	struct member *member;

	board->n_ops = conf->n_operators;
	board->ops = mem_array(board->n_ops, sizeof(*board->ops));
	for (size_t i = 0; i < board->n_ops; i++) {
		const struct conf_operator *op = &conf->operators[i];

		open_op(
		    &board->ops[i], op, programs[op->profile - conf->profiles]);
		board->n_members += op->n_deployments;
	}
	put_names(board, conf, programs, &writer);
	board->names = snap_part_new(accounts + writer.used);
	board->accounts = snap_part_memory(board->names);
	board->n_accounts = conf->n_accounts;
	board->members = mem_array(board->n_members, sizeof(struct member));
	member = board->members;
	for (size_t i = 0; i < board->n_ops; i++) {
		make_pages(&board->ops[i]);
		for (size_t k = 0; k < board->ops[i].n; k++)
			*member++ = (struct member){
			    .op = &board->ops[i], .place = k, .stale = true};
	}
	writer = (struct writer){.at = (char *)board->accounts + accounts};
	put_names(board, conf, programs, &writer);
	for (size_t i = 0; i < board->n_ops; i++)
		fill_new(board, conf, &board->ops[i]);
	return board;
}

void
board_free(struct board *board)
{
	if (board == NULL)
		return;
	for (size_t i = 0; i < board->n_ops; i++) {
		struct board_op *op = &board->ops[i];

		for (size_t k = 0; k * PAGE < op->n; k++)
			snap_part_release(op->pages[k]);
		free(op->pages);
		free(op->acts);
		free(op->act_titles);
		free(op->now);
		free(op->targets);
		free(op->briefs);
		free(op->states);
		free(op->act_states);
		free(op->pools);
	}
	snap_part_release(board->names);
	free(board->ops);
	free(board->members);
	free(board);
}
