/*
 * What people do with deliveries: they have a dead one sent after all, and a
 * test message sent. The engine does it a moment later.
 */
#include "web-int.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

static void
accept_delivery(struct web *web, struct request *request, struct answer *answer,
    int problem, struct jv *said)
{
	if (problem == 0) {
		answer->status = MHD_HTTP_ACCEPTED;
		answer_json(answer, said);
		return;
	}
	jv_release(said);
	answer_error(web, request, answer, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
	    NULL, "the engine takes nothing now");
	answer->retry_after_s = 2;
}

static void
retry(
    struct web *web, struct request *request, struct answer *answer, int64_t id)
{
	int problem = web->retry_delivery == NULL
	    ? -ENOSYS
	    : web->retry_delivery(web->arg, id);

	if (problem == 0)
		web_audit(web, request, "delivery.retry",
		    id > 0 ? request->params[0] : "all dead", "");

	accept_delivery(web, request, answer, problem,
	    jv_set(jv_object(), "state", jv_string("pending")));
}

void
api_delivery_retry(
    struct web *web, struct request *request, struct answer *answer)
{
	struct jv *delivery;
	uint64_t id;
	int problem = -ENOENT;
	bool dead;

	answer->cache = CACHE_NONE;
	if (text_u64_parse(request->params[0], &id) == 0 && id <= INT64_MAX)
		problem =
		    ledger_read_delivery(web->reader, (int64_t)id, &delivery);
	if (problem != 0) {
		answer_missing(
		    web, request, answer, problem, "no such delivery");
		return;
	}
	dead = strcmp(jv_get_string(delivery, "state", ""), "dead") == 0;
	jv_release(delivery);
	if (dead)
		retry(web, request, answer, (int64_t)id);
	else
		answer_error(web, request, answer, MHD_HTTP_CONFLICT,
		    "not_dead", NULL, "this delivery is not dead");
}

void
api_deliveries_retry(
    struct web *web, struct request *request, struct answer *answer)
{
	answer->cache = CACHE_NONE;
	retry(web, request, answer, 0);
}

static bool
subscribes(const struct snapshot *snapshot, const char *name)
{
	for (size_t i = 0; snapshot != NULL && i < snapshot->n_subscribers; i++)
		if (strcmp(snapshot->subscribers[i].name, name) == 0)
			return true;
	return false;
}

void
api_subscriber_test(
    struct web *web, struct request *request, struct answer *answer)
{
	const char *name = request->params[0];
	int problem;

	answer->cache = CACHE_NONE;
	if (!subscribes(request->snapshot, name)) {
		answer_missing(web, request, answer, -ENOENT,
		    "no subscriber has this name");
		return;
	}
	problem = web->test_subscriber == NULL
	    ? -ENOSYS
	    : web->test_subscriber(web->arg, name);
	if (problem == 0)
		web_audit(web, request, "subscriber.test", name, "");
	accept_delivery(web, request, answer, problem,
	    jv_set(jv_object(), "subscriber", jv_string(name)));
}
