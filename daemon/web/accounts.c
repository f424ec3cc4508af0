/*
 * The accounts that journeys log in with: which are stopped, and the wish of a
 * person that one may log in again.
 */
#include <stdio.h>
#include <string.h>

#include "web-int.h"

static bool
is(const char *account, const char *name)
{
	return account != NULL && strcmp(account, name) == 0;
}

/* The paths of the deployments that use it. */
static struct jv *
uses_json(const struct snapshot *snapshot, const char *name)
{
	struct jv *out = jv_array();
	char path[MODEL_PATH_SIZE];

	for (size_t i = 0; i < snapshot->n_operators; i++) {
		const struct snap_operator *op = &snapshot->operators[i];

		for (size_t k = 0; k < op->n_deployments; k++) {
			const struct snap_deployment *one = op->deployments[k];

			if (!is(one->sender, name) && !is(one->recipient, name))
				continue;
			snprintf(
			    path, sizeof(path), "%s/%s", op->name, one->name);
			jv_push(out, jv_string(path));
		}
	}
	return out;
}

static struct jv *
account_json(
    const struct snapshot *snapshot, const struct snap_account *account)
{
	struct jv *out = jv_object();
	bool stopped = account->stopped;

	jv_set(out, "name", jv_string(account->name));
	jv_set(out, "deployments", uses_json(snapshot, account->name));
	jv_set(out, "stopped", jv_bool(stopped));
	jv_set(out, "reason",
	    stopped ? jv_string(reason_name(account->reason)) : jv_null());
	jv_set(out, "since", stopped ? time_json(account->since) : jv_null());
	jv_set(out, "target", stopped ? jv_string(account->target) : jv_null());
	jv_set(out, "step", stopped ? jv_string(account->step) : jv_null());
	jv_set(out, "run", stopped ? jv_string(account->run_id) : jv_null());
	return out;
}

void
api_accounts(struct web *web, struct request *request, struct answer *answer)
{
	const struct snapshot *snapshot = request->snapshot;
	struct jv *list = jv_array();

	(void)web;
	for (size_t i = 0; snapshot != NULL && i < snapshot->n_accounts; i++)
		jv_push(list, account_json(snapshot, &snapshot->accounts[i]));
	answer_json(answer, jv_set(jv_object(), "accounts", list));
}

static const struct snap_account *
find_account(const struct snapshot *snapshot, const char *name)
{
	for (size_t i = 0; snapshot != NULL && i < snapshot->n_accounts; i++) {
		if (strcmp(snapshot->accounts[i].name, name) == 0)
			return &snapshot->accounts[i];
	}
	return NULL;
}

void
api_account_release(
    struct web *web, struct request *request, struct answer *answer)
{
	const char *name = request->params[0];
	const struct snap_account *account =
	    find_account(request->snapshot, name);

	answer->cache = CACHE_NONE;
	if (account == NULL) {
		answer_error(web, request, answer, MHD_HTTP_NOT_FOUND,
		    "not_found", NULL, "there is no such account");
	} else if (!account->stopped) {
		answer_error(web, request, answer, MHD_HTTP_CONFLICT,
		    "not_stopped", NULL, "this account is not stopped");
	} else if (web->release_account == NULL ||
	    web->release_account(web->arg, name) != 0) {
		answer_error(web, request, answer, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "busy", NULL, "the engine takes nothing now");
	} else {
		/* the engine does it a moment later */
		web_audit(web, request, "account.release", name, "");
		answer->status = MHD_HTTP_ACCEPTED;
		answer_json(answer,
		    jv_set(jv_set(jv_object(), "name", jv_string(name)),
			"state", jv_string("releasing")));
	}
}
