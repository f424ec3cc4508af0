/*
 * What all changes have in common: their body, who makes them, the audit, and
 * what is answered when the ledger did not take them.
 */
#include "web-int.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

struct jv *
request_json(struct web *web, struct request *request, struct answer *answer)
{
	char problem[256];
	struct jv *value;

	if (request->body.len == 0)
		return jv_object();
	value = jv_parse(
	    request->body.data, request->body.len, problem, sizeof(problem));
	if (value == NULL) {
		answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
		    "bad_body", "body", problem);
	} else if (jv_kind(value) != JV_OBJECT) {
		answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
		    "bad_body", "body", "must be a JSON object");
		jv_release(value);
		value = NULL;
	}
	return value;
}

bool
request_person(struct web *web, struct request *request, struct answer *answer,
    const struct jv *body, char by[MODEL_NAME_SIZE])
{
	const char *name = jv_string_value(jv_get(body, "by"));
	const char *problem = NULL;

	if (!request->trusted) {
		if (name != NULL && strcmp(name, request->actor.name) != 0)
			problem = "is not the name that the token was made for";
		name = request->actor.name;
	}
	if (problem == NULL && (name == NULL || name[0] == '\0'))
		problem = "is missing: the name of the person";
	if (problem == NULL &&
	    (text_has_control(name) || !text_copy(by, MODEL_NAME_SIZE, name)))
		problem = "must be a name of at most 31 bytes on one line";
	if (problem != NULL)
		answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
		    "bad_parameter", "by", problem);
	return problem == NULL;
}

void
change_audit(const struct request *request, struct ledger_audit *audit,
    const char *action, const char *object, const char *by)
{
	audit->at = request->now;
	text_copy(audit->who, sizeof(audit->who), by);
	text_copy(audit->via, sizeof(audit->via), request->actor.via);
	text_copy(audit->action, sizeof(audit->action), action);
	text_copy(audit->object, sizeof(audit->object), object);
}

/* What does not fit is left out as a whole: half a JSON is none. */
void
change_audit_data(struct ledger_audit *audit, struct jv *data)
{
	struct buf text;

	buf_init(&text, sizeof(audit->data));
	if (jv_dump(data, &text))
		text_copy(audit->data, sizeof(audit->data), text.data);
	buf_fini(&text);
	jv_release(data);
}

void
web_audit(struct web *web, const struct request *request, const char *action,
    const char *object, const char *by)
{
	struct ledger_change change = {.kind = LEDGER_AUDIT};

	change_audit(request, &change.audit, action, object,
	    request->trusted ? by : request->actor.name);
	if (web->change != NULL &&
	    web->change(web->arg, &change, NULL, NULL) != 0)
		log_warn("not in the audit", "action=%s object=%s who=%s",
		    action, object, change.audit.who);
}

bool
answer_unchanged(struct web *web, struct request *request,
    struct answer *answer, const char *missing)
{
	switch (request->wait_problem) {
	case 0:
		return false;
	case -ENOENT:
		answer_missing(web, request, answer, -ENOENT, missing);
		break;
	case -EDQUOT:
		answer_error(web, request, answer, MHD_HTTP_CONFLICT,
		    "too_many", NULL,
		    "two tokens of this name are valid; revoke one first");
		break;
	case -ETIMEDOUT:
		answer_error(web, request, answer, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "stopping", NULL,
		    "the daemon stops; whether it was written is not known");
		break;
	case -EAGAIN:
	case -ESHUTDOWN:
	case -ENOSYS:
		answer_error(web, request, answer, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "busy", NULL, "nothing was changed; ask again soon");
		answer->retry_after_s = 2;
		break;
	default:
		answer_error(web, request, answer,
		    MHD_HTTP_INTERNAL_SERVER_ERROR, "store_failed", NULL,
		    "nothing was changed: the ledger could not be written");
	}
	return true;
}
