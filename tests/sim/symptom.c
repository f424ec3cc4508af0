/*
 * Symptoms: the table of an operator is searched here, and what it says is
 * shown. The tables are in OPERATOR_symptoms.c.
 */
#include <string.h>

#include "sim.h"

const struct symptom *
symptom_find(
    const struct operator_play *play, enum fault_kind kind, const char *variant)
{
	for (const struct symptom *at = play->symptoms; at->status != 0; at++)
		if (at->kind == kind &&
		    (variant == at->variant || same(variant, at->variant)))
			return at;
	return NULL;
}

/* @host@ and @deployment@ are replaced, all else is as it stands. */
static void
fill_in(struct text *out, const struct exchange *x, const char *text)
{
	static const char host[] = "@host@";
	static const char deployment[] = "@deployment@";

	for (; *text != '\0'; text++) {
		if (strncmp(text, host, sizeof(host) - 1) == 0) {
			text_add(out, x->host);
			text += sizeof(host) - 2;
		} else if (strncmp(text, deployment, sizeof(deployment) - 1) ==
		    0) {
			text_add(out, x->dep != NULL ? x->dep->name : "");
			text += sizeof(deployment) - 2;
		} else {
			text_addn(out, text, 1);
		}
	}
}

void
symptom_show(struct exchange *x, const struct symptom *symptom)
{
	struct text location = {0};

	reply_clear(x);
	if (symptom->location != NULL) {
		fill_in(&location, x, symptom->location);
		reply_redirect(x, symptom->status, "%s", text_of(&location));
		text_fini(&location);
		return;
	}
	fill_in(&x->out, x, symptom->body);
	if (symptom->kind == FAULT_TOO_MANY_REQUESTS)
		reply_header(x, "Retry-After", "60");
	reply_status(x, symptom->status, symptom->type);
}

void
symptom_show_usual(struct exchange *x, enum fault_kind kind)
{
	symptom_show(x, symptom_find(x->op->play, kind, NULL));
}
