/* Tokens: made, listed, revoked; and the audit of all changes. */
#include "web-int.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

#define DAY (INT64_C(86400) * US_PER_S)

/* NULL, or the field that is wrong with what is wrong in *problem. */
static const char *
read_token(const struct request *request, const struct jv *body,
    struct token *token, const char **problem)
{
	const char *name = jv_string_value(jv_get(body, "name"));
	const char *role = jv_get_string(body, "role", "");
	const char *op = jv_get_string(body, "operator", "");
	int64_t days = jv_get_int(body, "days", 365);

	*problem = "must be a name of at most 31 bytes on one line";
	if (name == NULL || name[0] == '\0' || text_has_control(name) ||
	    !text_copy(token->name, sizeof(token->name), name))
		return "name";
	*problem = "must be operator, staff or admin";
	if (!role_parse(role, &token->role))
		return "role";
	*problem = token->role == ROLE_OPERATOR
	    ? "must be an operator that is watched"
	    : "goes with the role operator only";
	if (token->role == ROLE_OPERATOR ? request->snapshot == NULL ||
		    snapshot_operator(request->snapshot, op) == NULL
					 : op[0] != '\0')
		return "operator";
	text_copy(token->op, sizeof(token->op), op);
	*problem = "must be 1 to 366";
	if (days < 1 || days > TOKEN_DAYS_MOST)
		return "days";
	token->expires = request->now + days * DAY;
	return NULL;
}

bool
token_add(struct web *web, struct request *request, struct answer *answer)
{
	struct ledger_change *change = &request->pending->change;
	struct token *token = &change->token;
	struct jv *body = request_json(web, request, answer);
	const char *field, *problem;
	bool good = false;

	if (body == NULL)
		return false;
	change->kind = LEDGER_ADD_TOKEN;
	token->created = request->now;
	field = read_token(request, body, token, &problem);
	if (field != NULL)
		answer_error(web, request, answer, MHD_HTTP_BAD_REQUEST,
		    "bad_parameter", field, problem);
	else
		good = request_person(
		    web, request, answer, body, token->created_by);
	jv_release(body);
	token_make(token, request->pending->secret);
	change_audit(
	    request, &change->audit, "token.add", token->id, token->created_by);
	change_audit_data(&change->audit, token_json(token, request->now));
	return good;
}

void
api_token_added(struct web *web, struct request *request, struct answer *answer)
{
	struct pending_change *pending = request->pending;

	answer->cache = CACHE_NONE;
	if (answer_unchanged(web, request, answer, ""))
		return;
	answer->status = MHD_HTTP_CREATED;
	answer_json(answer,
	    jv_set(token_json(&pending->change.token, request->now), "token",
		jv_string(pending->secret)));
}

bool
token_revoke(struct web *web, struct request *request, struct answer *answer)
{
	struct ledger_change *change = &request->pending->change;
	struct token *token = &change->token;
	char by[MODEL_NAME_SIZE] = "";
	struct jv *body;
	bool named;
	int problem = -ENOENT;

	if (strlen(request->params[0]) == TOKEN_ID_SIZE - 1)
		problem =
		    ledger_read_token(web->reader, request->params[0], token);
	if (problem != 0) {
		answer_missing(web, request, answer, problem, "no such token");
		return false;
	}
	body = request_json(web, request, answer);
	named = body != NULL && request_person(web, request, answer, body, by);
	jv_release(body);
	change->kind = LEDGER_REVOKE_TOKEN;
	token->revoked = request->now;
	change_audit(request, &change->audit, "token.revoke", token->id, by);
	return named;
}

void
api_token_revoked(
    struct web *web, struct request *request, struct answer *answer)
{
	answer->cache = CACHE_NONE;
	if (answer_unchanged(
		web, request, answer, "this token is revoked already"))
		return;
	answer_json(
	    answer, token_json(&request->pending->change.token, request->now));
}

/* ---- listed ---- */

struct listing {
	struct jv *list;
	wall_us now;
};

static void
list_one(void *arg, const struct token *token)
{
	struct listing *listing = arg;

	jv_push(listing->list, token_json(token, listing->now));
}

void
api_tokens(struct web *web, struct request *request, struct answer *answer)
{
	struct listing listing = {jv_array(), request->now};
	int problem = ledger_read_tokens(web->reader, list_one, &listing);

	answer->cache = CACHE_NONE;
	if (problem != 0) {
		jv_release(listing.list);
		answer_missing(web, request, answer, problem, "");
		return;
	}
	answer_json(answer, jv_set(jv_object(), "tokens", listing.list));
}

void
api_audit(struct web *web, struct request *request, struct answer *answer)
{
	struct jv *audit = ledger_read_audit(web->reader, request->query.limit);

	answer->cache = CACHE_NONE;
	if (audit == NULL)
		answer_missing(web, request, answer, -EIO, "");
	else
		answer_json(answer, audit);
}
