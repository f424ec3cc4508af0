/*
 * Silences: what people do not want to be told now. The incident opens and
 * has its timeline as ever; only subscribers are not sent it. When the silence
 * is over and the incident is not, they are told then. Whoever was told that
 * it is open, is told when it is resolved, silence or not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert-int.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

void
alert_set_silences(struct alert *alert, const struct window *silences, size_t n)
{
	free(alert->silences);
	alert->silences = NULL;
	alert->n_silences = n;
	if (n > 0) {
		alert->silences = mem_grow(NULL, n, sizeof(*alert->silences));
		memcpy(alert->silences, silences, n * sizeof(*silences));
	}
}

/* "librus/_all/login": does the silence mean it? */
static bool
means(const struct window *silence, const struct incident *incident)
{
	char scope[MODEL_PATH_SIZE], *rest = scope;
	const char *op, *deployment;

	text_copy(scope, sizeof(scope), incident->scope);
	op = strsep(&rest, "/");
	deployment = rest ? strsep(&rest, "/") : NULL;
	if (deployment && strcmp(deployment, ALL_DEPLOYMENTS) == 0) {
		deployment = NULL;
	}
	return window_concerns(silence, op, deployment) &&
	    (silence->act[0] == '\0' ||
		(rest && strcmp(silence->act, rest) == 0)) &&
	    (silence->rule[0] == '\0' ||
		strcmp(silence->rule, incident->rule) == 0);
}

/* Of several the one that lasts longest. They happen once, so that no zone is
 * needed to know when. */
static const struct window *
find(const struct alert *alert, const struct incident *incident, wall_us wall)
{
	const struct window *found = NULL;

	for (size_t i = 0; i < alert->n_silences; i++) {
		const struct window *silence = &alert->silences[i];

		if (window_covers(silence, NULL, wall) &&
		    means(silence, incident) &&
		    (!found || silence->until > found->until)) {
			found = silence;
		}
	}
	return found;
}

static void
book_silenced(struct alert *alert, const struct incident *incident,
    const struct window *silence, wall_us wall)
{
	struct jv *data = jv_object();
	char text[INCIDENT_TEXT_SIZE], *json;

	jv_set(data, "silence", jv_int(silence->id));
	jv_set(data, "reason", jv_string(silence->reason));
	jv_set(data, "until", jv_int(silence->until / US_PER_S));
	snprintf(text, sizeof(text), "silence=%lld", (long long)silence->id);
	json = incident_data_text(data);
	incident_book(
	    alert, incident, "silenced", text, silence->created_by, json, wall);
	free(json);
}

void
silence_tick(struct alert *alert, struct incident *incident, wall_us wall)
{
	const struct window *silence = find(alert, incident, wall);
	int64_t id = silence ? silence->id : 0;

	if (incident->silence == id) {
		return;
	}
	incident->silence = id;
	if (silence) {
		book_silenced(alert, incident, silence, wall);
	} else if (incident->untold) {
		alert_tell(
		    alert, NOTIFY_UPDATED, "silence_over", incident, "", wall);
	} else {
		incident_book(
		    alert, incident, "silence_over", "", "", NULL, wall);
	}
}

bool
silence_hides(const struct alert *alert, enum notify_event *event,
    struct incident *incident, wall_us wall)
{
	bool silent = find(alert, incident, wall) != NULL;
	bool untold = incident->untold;

	switch (*event) {
	case NOTIFY_OPENED:
		incident->untold = silent;
		return silent;
	case NOTIFY_UPDATED:
		if (!silent && untold) {
			*event = NOTIFY_OPENED;
		}
		incident->untold = silent && untold;
		return silent;
	case NOTIFY_RESOLVED:
		return untold;
	}
	return false;
}
