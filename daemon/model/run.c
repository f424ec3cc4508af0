/* A run as a whole: its verdict, and a copy that outlives it. */
#include "model/run.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

/* Where texts are copied to; NULL: only to measure. */
struct texts {
	char *at;
	size_t used;
};

static void
keep(struct texts *texts, const char **text)
{
	size_t size;

	if (*text == NULL)
		return;
	size = strlen(*text) + 1;
	if (texts->at != NULL)
		*text = memcpy(texts->at + texts->used, *text, size);
	texts->used += size;
}

static void
keep_exchange(struct texts *texts, struct run_exchange *one)
{
	const char **all[] = {&one->transaction, &one->step, &one->account,
	    &one->method, &one->url, &one->address, &one->tls, &one->cipher,
	    &one->span, &one->certificate.subject, &one->certificate.issuer,
	    &one->certificate.hosts, &one->media_type, &one->location,
	    &one->note, &one->sought, &one->excerpt};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		keep(texts, all[i]);
}

static size_t
texts_size(const struct run *run)
{
	struct texts texts = {0};
	const char *names[] = {run->operator, run->deployment, run->vantage};

	for (size_t i = 0; i < 3; i++)
		keep(&texts, &names[i]);
	for (size_t i = 0; i < run->n_exchanges; i++) {
		struct run_exchange one = run->exchanges[i];

		keep_exchange(&texts, &one);
	}
	return texts.used;
}

/* In one piece: the run, its results, its exchanges, all their texts. */
struct piece {
	struct run run;
	struct result results[];
};

struct run *
run_copy(const struct run *run)
{
	size_t results = run->n_results * sizeof(struct result);
	size_t exchanges = run->n_exchanges * sizeof(struct run_exchange);
	struct piece *piece =
	    mem_new(sizeof(*piece) + results + exchanges + texts_size(run));
	struct run_exchange *list =
	    (struct run_exchange *)(void *)((char *)piece->results + results);
	struct texts texts = {.at = (char *)list + exchanges};

	piece->run = *run;
	if (results > 0)
		memcpy(piece->results, run->results, results);
	if (exchanges > 0)
		memcpy(list, run->exchanges, exchanges);
	piece->run.results = piece->results;
	piece->run.exchanges = list;
	keep(&texts, &piece->run.operator);
	keep(&texts, &piece->run.deployment);
	keep(&texts, &piece->run.vantage);
	for (size_t i = 0; i < run->n_exchanges; i++)
		keep_exchange(&texts, &list[i]);
	return &piece->run;
}

void
run_rename(struct run *copy, const enum reason *reasons, size_t n)
{
	struct piece *piece = (struct piece *)copy; /* its first member */

	assert(n <= copy->n_results);
	for (size_t i = 0; i < n; i++)
		piece->results[i].reason = reasons[i];
}

enum verdict
run_verdict(const struct run *run)
{
	enum verdict whole = run->n_results > 0 ? VERDICT_UP : VERDICT_EXCLUDED;

	for (size_t i = 0; i < run->n_results; i++) {
		switch (reason_verdict(run->results[i].reason)) {
		case VERDICT_UP:
			break;
		case VERDICT_DOWN:
			return VERDICT_DOWN;
		case VERDICT_EXCLUDED:
			whole = VERDICT_EXCLUDED;
			break;
		}
	}
	return whole;
}
