/*
 * What people do with an incident: they acknowledge it and add notes. The
 * engine does it a moment later, with all that follows from it.
 */
#include "web-int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define NOTE_BYTES 4000

/* false: `answer` says that there is none. */
static bool
take_incident(struct web *web, struct request *request, struct answer *answer,
    int64_t *number, bool *acknowledged, bool *open)
{
	struct jv *incident;
	int problem = request_incident(web, request, &incident);
	bool may;

	if (problem != 0) {
		answer_missing(
		    web, request, answer, problem, "no such incident");
		return false;
	}
	*number = jv_get_int(incident, "number", 0);
	*acknowledged = jv_get_int(incident, "acknowledged", 0) != 0;
	*open = strcmp(jv_get_string(incident, "state", ""), "open") == 0;
	may = actor_may(request, jv_get_string(incident, "operator", ""));
	jv_release(incident);
	if (!may)
		answer_error(web, request, answer, MHD_HTTP_FORBIDDEN,
		    "not_allowed", NULL, "this incident is another operator's");
	return may;
}

static void
accept_change(struct web *web, struct request *request, struct answer *answer,
    int problem, int64_t number, const char *state)
{
	if (problem != 0) {
		answer_error(web, request, answer, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "busy", NULL, "the engine takes nothing now");
		answer->retry_after_s = 2;
		return;
	}
	answer->status = MHD_HTTP_ACCEPTED;
	answer_json(answer,
	    jv_set(jv_set(jv_object(), "number", jv_int(number)), "state",
		jv_string(state)));
}

void
api_incident_acknowledge(
    struct web *web, struct request *request, struct answer *answer)
{
	char by[MODEL_NAME_SIZE];
	struct jv *body;
	bool acknowledged, open, named;
	int64_t number;

	answer->cache = CACHE_NONE;
	if (!take_incident(web, request, answer, &number, &acknowledged, &open))
		return;
	body = request_json(web, request, answer);
	if (body == NULL)
		return;
	named = request_person(web, request, answer, body, by);
	jv_release(body);
	if (!named)
		return;
	if (!open)
		answer_error(web, request, answer, MHD_HTTP_CONFLICT,
		    "not_open", NULL, "this incident is resolved");
	else if (acknowledged)
		answer_error(web, request, answer, MHD_HTTP_CONFLICT,
		    "already_acknowledged", NULL,
		    "somebody has acknowledged this incident");
	else
		accept_change(web, request, answer,
		    web->acknowledge_incident == NULL
			? -ENOSYS
			: web->acknowledge_incident(web->arg, number, by),
		    number, "acknowledging");
}

/* NULL when it is a note. Line breaks are fine, other control bytes not. */
static const char *
note_problem(const char *text)
{
	if (text == NULL || text[strspn(text, " \t\r\n")] == '\0')
		return "is missing: what is to be noted";
	if (strlen(text) > NOTE_BYTES)
		return "must be at most 4000 bytes";
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') ||
		    c == 0x7f)
			return "must hold no control bytes";
	}
	return NULL;
}

void
api_incident_note(
    struct web *web, struct request *request, struct answer *answer)
{
	char by[MODEL_NAME_SIZE];
	const char *text, *problem;
	struct jv *body;
	bool acknowledged, open;
	int64_t number;

	answer->cache = CACHE_NONE;
	if (!take_incident(web, request, answer, &number, &acknowledged, &open))
		return;
	body = request_json(web, request, answer);
	if (body == NULL)
		return;
	text = jv_string_value(jv_get(body, "text"));
	problem = note_problem(text);
	if (problem != NULL)
		answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
		    "bad_parameter", "text", problem);
	else if (request_person(web, request, answer, body, by))
		accept_change(web, request, answer,
		    web->note_incident == NULL
			? -ENOSYS
			: web->note_incident(web->arg, number, by, text),
		    number, "noting");
	jv_release(body);
}
