/*
 * The HAR files that outlive their runs in the ledger, beside those that an
 * incident has from there.
 */
#include "web-int.h"

#include <stdio.h>
#include <string.h>

#include "probe/evidence_store.h"

#define DEPLOYMENTS_MOST 20
#define FILES_MOST 16 /* looked at of one target */
#define BEFORE_S (24 * 3600)

static bool
is_listed(const struct jv *list, const char *run)
{
	for (size_t i = 0; i < jv_len(list); i++) {
		if (strcmp(jv_get_string(jv_at(list, i), "run", ""), run) == 0)
			return true;
	}
	return false;
}

/* A failed one from shortly before it was opened until it was over, a good one
 * of any time until then. */
static bool
is_of(const struct jv *incident, const struct jv *file, bool good)
{
	double at = jv_real_value(jv_get(file, "time"));
	const struct jv *resolved = jv_get(incident, "resolved");

	if (jv_kind(resolved) != JV_NULL && at > jv_real_value(resolved))
		return false;
	return good ||
	    at >= jv_real_value(jv_get(incident, "opened")) - BEFORE_S;
}

static void
add_files_of(struct web *web, const struct jv *incident, const char *target,
    struct jv *list)
{
	struct jv *files =
	    evidence_store_list(web->evidence, target, FILES_MOST);

	for (size_t i = 0; i < jv_len(files); i++) {
		struct jv *file = jv_at(files, i), *one;
		const char *run = jv_get_string(file, "run", "");
		bool good =
		    strcmp(jv_get_string(file, "kind", ""), "good") == 0;

		if (is_listed(list, run) || !is_of(incident, file, good))
			continue;
		one = jv_object();
		jv_set(one, "target", jv_string(target));
		jv_set(one, "run", jv_string(run));
		jv_set(one, "time", jv_int(jv_int_value(jv_get(file, "time"))));
		jv_set(one, "ok", jv_bool(good));
		jv_set(one, "har_url", jv_hold(jv_get(file, "har_url")));
		jv_push(list, one);
	}
	jv_release(files);
}

void
incident_add_evidence(struct web *web, struct jv *incident)
{
	const struct jv *deployments = jv_get(incident, "deployments");
	const char *op = jv_get_string(incident, "operator", NULL);
	const char *act = jv_get_string(incident, "transaction", NULL);
	const char *only = jv_get_string(incident, "deployment", NULL);
	struct jv *list = jv_get(incident, "evidence");
	char target[MODEL_PATH_SIZE];

	if (web->evidence == NULL || list == NULL || op == NULL || act == NULL)
		return;
	if (only != NULL) {
		snprintf(target, sizeof(target), "%s/%s/%s", op, only, act);
		add_files_of(web, incident, target, list);
		return;
	}
	for (size_t i = 0; i < jv_len(deployments) && i < DEPLOYMENTS_MOST;
	     i++) {
		snprintf(target, sizeof(target), "%s/%s/%s", op,
		    jv_get_string(jv_at(deployments, i), "name", ""), act);
		add_files_of(web, incident, target, list);
	}
}
