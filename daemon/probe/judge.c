/*
 * The judgement of a whole response: markers, status, checks, extractions, in
 * the order that probe/program.h states. Touches nothing but its arguments,
 * so that a worker can do it.
 */
#include "probe-int.h"

#include <string.h>

static const char *
keep_note(struct arena *arena, const struct buf *note)
{
	const char *kept = arena_strndup(arena, note->data, note->len);

	return kept == NULL ? "" : kept;
}

/* The page's own words stay out: a note is kept, and shown to many. */
static void
note_found(const struct page *page, struct buf *note)
{
	buf_printf(note, ", found status %d", page->status);
}

static const char *
trouble(enum found found)
{
	switch (found) {
	case FOUND:
	case FOUND_NOT:
		return "";
	case FOUND_TOO_COSTLY:
		return " (pattern too expensive)";
	case FOUND_TOO_LARGE:
		return " (value too large)";
	}
	return "";
}

static bool
status_allowed(const struct step *step, const struct page *page)
{
	size_t i;

	for (i = 0; i < step->n_expect; i++) {
		const struct check *check = &step->expect[i];

		if (check->kind == CHECK_STATUS && !check->negated &&
		    (unsigned long)page->status >= check->low &&
		    (unsigned long)page->status <= check->high)
			return true;
	}
	if (step->polls && step->until.kind == CHECK_STATUS &&
	    !step->until.negated &&
	    (unsigned long)page->status >= step->until.low &&
	    (unsigned long)page->status <= step->until.high)
		return true;
	return page->status < 400 && step->follow == 0;
}

/* What goes into a judgement. */
struct bench {
	const struct probe_program *program;
	const struct step *step;
	struct page *page;
	struct values *values;
	struct arena *arena;
	struct buf *tmp, note;
	struct judgement *out;
};

static void
hold_marker(struct bench *bench, size_t i)
{
	const struct marker *marker = &bench->program->markers[i];

	bench->out->reason = marker->reason;
	bench->out->sought = marker->source;
	buf_printf(&bench->note, "step %s: marker %zu holds", bench->step->name,
	    i + 1);
	note_found(bench->page, &bench->note);
	bench->out->note = keep_note(bench->arena, &bench->note);
}

/* The page's words, when one of the profile's explains what it is. */
static bool
explained(struct bench *bench)
{
	const struct probe_program *program = bench->program;
	size_t i = probe_marker_explain(program->markers, program->n_markers,
	    bench->step->inside, bench->page, bench->values, bench->tmp);

	if (i == program->n_markers)
		return false;
	hold_marker(bench, i);
	return true;
}

/* The page is not the one: its words say why, or else it is `reason`. */
static void
fail(struct bench *bench, enum reason reason, const char *sought,
    const char *why)
{
	struct judgement *out = bench->out;

	if (explained(bench))
		return;
	out->reason = probe_marker_general(bench->page, bench->step->inside);
	if (out->reason == REASON_OK)
		out->reason = reason;
	out->sought = sought;
	buf_printf(&bench->note, "step %s: sought %.100s%s", bench->step->name,
	    sought, why);
	note_found(bench->page, &bench->note);
	out->note = keep_note(bench->arena, &bench->note);
}

static bool
judge_status(struct bench *bench)
{
	int status = bench->page->status;

	if (status < 300 || status_allowed(bench->step, bench->page))
		return true;
	fail(bench,
	    status >= 500       ? REASON_HTTP_5XX
		: status >= 400 ? REASON_HTTP_4XX
				: REASON_UNKNOWN_PAGE,
	    "a good page", "");
	return false;
}

static void
judge_extractions(struct bench *bench)
{
	const struct step *step = bench->step;
	size_t i;

	for (i = 0; i < step->n_extract; i++) {
		const struct extractor *extractor = &step->extract[i];
		enum found found = probe_extract_run(extractor, bench->page,
		    bench->values, bench->arena, bench->tmp);

		if (found == FOUND)
			continue;
		fail(bench, REASON_EXTRACT_FAILED, extractor->source,
		    trouble(found));
		return;
	}
}

static bool
judge_check(struct bench *bench, const struct check *check)
{
	enum found found =
	    probe_check_run(check, bench->page, bench->values, bench->tmp);

	if (found != FOUND)
		fail(bench, REASON_UNKNOWN_PAGE, check->source, trouble(found));
	return found == FOUND;
}

/* What is waited for is not there yet, or never will be for this visitor. */
static void
judge_again(struct bench *bench)
{
	const struct step *step = bench->step;
	struct judgement *out = bench->out;

	out->sought = step->until.source;
	if (!step->inside || !probe_page_asks_login(bench->page)) {
		out->again = true;
		return;
	}
	if (explained(bench))
		return;
	out->reason = REASON_HTTP_4XX;
	buf_printf(&bench->note, "step %s: a login is asked for", step->name);
	note_found(bench->page, &bench->note);
	out->note = keep_note(bench->arena, &bench->note);
}

/* It looks for something in the page that is there only when it is the one. */
static bool
vouches(const struct check *check)
{
	return !check->negated &&
	    (check->kind == CHECK_BODY || check->kind == CHECK_SELECTOR);
}

/* When all that the step looks for is there, the page is known to be good. */
static bool
is_vouched_for(const struct step *step, bool until_holds)
{
	size_t i;

	if (step->polls && until_holds && vouches(&step->until))
		return true;
	for (i = 0; i < step->n_expect; i++)
		if (vouches(&step->expect[i]))
			return true;
	for (i = 0; until_holds && i < step->n_extract; i++)
		if (!step->extract[i].optional &&
		    step->extract[i].kind != EXTRACT_HEADER &&
		    step->extract[i].kind != EXTRACT_COOKIE &&
		    step->extract[i].kind != EXTRACT_URL)
			return true;
	return false;
}

static void
judge_page(struct bench *bench)
{
	const struct step *step = bench->step;
	enum found found = FOUND;
	size_t i;

	if (!judge_status(bench))
		return;
	if (step->polls)
		found = probe_check_run(
		    &step->until, bench->page, bench->values, bench->tmp);
	if (found != FOUND && found != FOUND_NOT &&
	    !judge_check(bench, &step->until))
		return;
	for (i = 0; i < step->n_expect; i++)
		if (!judge_check(bench, &step->expect[i]))
			return;
	if (!is_vouched_for(step, found == FOUND) && explained(bench))
		return;
	if (found == FOUND_NOT)
		judge_again(bench);
	else
		judge_extractions(bench);
}

void
probe_judge(const struct probe_program *program, const struct step *step,
    struct page *page, struct values *values, struct arena *arena,
    struct buf *tmp, struct judgement *out)
{
	struct bench bench = {.program = program,
	    .step = step,
	    .page = page,
	    .values = values,
	    .arena = arena,
	    .tmp = tmp,
	    .out = out};
	size_t i;

	*out = (struct judgement){.reason = REASON_OK, .note = ""};
	buf_init(&bench.note, PROBE_NOTE_MAX * 4);
	i = probe_marker_find(
	    program->markers, program->n_markers, page, values, tmp);
	if (i < program->n_markers && program->markers[i].reason != REASON_OK)
		hold_marker(&bench, i);
	else
		judge_page(&bench);
	buf_fini(&bench.note);
}
