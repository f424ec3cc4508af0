/*
 * Which path is answered by whom. Exact matches only; a star takes one
 * segment of harmless characters. No path on disk is ever made from these.
 */
#include "web-int.h"

#include <string.h>

/* clang-format off */
static const struct route routes[] = {
    {"/", .handler = page_overview, .page = true, .shared = true},
    {"/operators/*", .handler = page_operator, .page = true,
	.wants = page_operator_wants},
    {"/operators/*/*", .handler = page_deployment, .page = true,
	.wants = page_deployment_wants},
    {"/incidents", .handler = page_incidents, .page = true},
    {"/incidents/*", .handler = page_incident, .page = true},
    {"/runs/*", .handler = page_run, .page = true},
    {"/deliveries", .handler = page_deliveries, .page = true},
    {"/reports", .handler = page_reports, .page = true},
    {"/reports/*/*", .handler = page_report, .page = true, .report = true},
    {"/status", .handler = page_status, .page = true, .shared = true},
    {"/method", .handler = page_method, .page = true},
    {"/api/v1/status", .handler = api_status, .shared = true},
    {"/api/v1/series", .handler = api_series, .wants = api_series_wants},
    {"/api/v1/runs", .handler = api_runs},
    {"/api/v1/runs/*", .handler = api_run},
    {"/api/v1/runs/*/har", .handler = api_run_har},
    {"/api/v1/evidence", .handler = api_evidence},
    {"/api/v1/availability", .handler = api_availability, .report = true},
    {"/api/v1/availability/minutes", .handler = api_availability_minutes},
    {"/api/v1/incidents", .handler = api_incidents},
    {"/api/v1/incidents/*", .handler = api_incident},
    {"/api/v1/incidents/*/acknowledge", .method = ROUTE_POST,
	.handler = api_incident_acknowledge, .least = ROLE_OPERATOR},
    {"/api/v1/incidents/*/notes", .method = ROUTE_POST,
	.handler = api_incident_note, .least = ROLE_OPERATOR},
    {"/api/v1/maintenance", .handler = api_maintenance},
    {"/api/v1/maintenance", .method = ROUTE_POST, .handler = api_window_added,
	.least = ROLE_OPERATOR, .change = maintenance_add},
    {"/api/v1/maintenance/*", .handler = api_maintenance_one},
    {"/api/v1/maintenance/*", .method = ROUTE_DELETE,
	.handler = api_window_ended, .least = ROLE_OPERATOR,
	.change = maintenance_end},
    {"/api/v1/silences", .handler = api_silences},
    {"/api/v1/silences", .method = ROUTE_POST, .handler = api_window_added,
	.least = ROLE_STAFF, .change = silence_add},
    {"/api/v1/silences/*", .handler = api_silence_one},
    {"/api/v1/silences/*", .method = ROUTE_DELETE, .handler = api_window_ended,
	.least = ROLE_STAFF, .change = silence_end},
    {"/api/v1/deliveries", .handler = api_deliveries},
    {"/api/v1/deliveries/retry", .method = ROUTE_POST,
	.handler = api_deliveries_retry, .least = ROLE_STAFF},
    {"/api/v1/deliveries/*/retry", .method = ROUTE_POST,
	.handler = api_delivery_retry, .least = ROLE_STAFF},
    {"/api/v1/subscribers/*/test", .method = ROUTE_POST,
	.handler = api_subscriber_test, .least = ROLE_STAFF},
    {"/api/v1/accounts", .handler = api_accounts},
    {"/api/v1/accounts/*/release", .method = ROUTE_POST,
	.handler = api_account_release, .least = ROLE_ADMIN},
    {"/api/v1/tokens", .handler = api_tokens, .least = ROLE_ADMIN},
    {"/api/v1/tokens", .method = ROUTE_POST, .handler = api_token_added,
	.least = ROLE_ADMIN, .change = token_add},
    {"/api/v1/tokens/*", .method = ROUTE_DELETE, .handler = api_token_revoked,
	.least = ROLE_ADMIN, .change = token_revoke},
    {"/api/v1/audit", .handler = api_audit, .least = ROLE_STAFF},
    {"/api/v1/events", .stream = true},
    {"/openapi.json", .handler = api_openapi},
    {"/metrics", .handler = serve_metrics},
    {"/metrics/daemon", .handler = serve_metrics_daemon},
    {"/healthz", .handler = serve_healthz},
    {"/readyz", .handler = serve_readyz},
    {"/assets/*", .handler = serve_asset},
    {"/favicon.ico", .handler = serve_favicon},
};
/* clang-format on */

static bool
segment_valid(const char *segment, size_t len)
{
	if (len == 0 || len >= PARAM_SIZE || segment[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = segment[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_' ||
			c == '.'))
			return false;
	}
	return true;
}

static bool
match(
    const char *pattern, const char *path, char params[PARAMS_MAX][PARAM_SIZE])
{
	size_t n = 0;

	while (*pattern != '\0') {
		size_t len;

		if (*pattern != '*') {
			if (*pattern != *path)
				return false;
			pattern++;
			path++;
			continue;
		}
		len = strcspn(path, "/");
		if (n == PARAMS_MAX || !segment_valid(path, len))
			return false;
		memcpy(params[n], path, len);
		params[n++][len] = '\0';
		path += len;
		pattern++;
	}
	return *path == '\0';
}

static bool
serves(const struct route *route, const char *method)
{
	switch (route->method) {
	case ROUTE_GET:
		return strcmp(method, "GET") == 0 ||
		    strcmp(method, "HEAD") == 0;
	case ROUTE_POST:
		return strcmp(method, "POST") == 0;
	case ROUTE_DELETE:
		return strcmp(method, "DELETE") == 0;
	}
	return false;
}

/* A path has one route for each method, GET first. */
static const char *
allow(unsigned methods)
{
	static const char *const texts[] = {NULL, "GET, HEAD", "POST",
	    "GET, HEAD, POST", "DELETE", "GET, HEAD, DELETE", "POST, DELETE",
	    "GET, HEAD, POST, DELETE"};

	return texts[methods];
}

const struct route *
route_find(const char *method, const char *path,
    char params[PARAMS_MAX][PARAM_SIZE], const char **others)
{
	unsigned methods = 0;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!match(routes[i].pattern, path, params))
			continue;
		if (serves(&routes[i], method))
			return &routes[i];
		methods |= 1U << routes[i].method;
	}
	*others = allow(methods);
	return NULL;
}

const struct route *
route_at(size_t i)
{
	return i < ARRAY_LEN(routes) ? &routes[i] : NULL;
}
