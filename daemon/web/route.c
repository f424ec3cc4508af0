/*
 * Which path is answered by whom. Exact matches only; a star takes one
 * segment of harmless characters. No path on disk is ever made from these.
 */
#include "web-int.h"

#include <string.h>

/* clang-format off */
static const struct route routes[] = {
    {"/", page_overview, NULL, true, true, false, false},
    {"/operators/*", page_operator, page_operator_wants, true, false, false,
	false},
    {"/operators/*/*", page_deployment, page_deployment_wants, true, false,
	false, false},
    {"/incidents", page_incidents, NULL, true, false, false, false},
    {"/incidents/*", page_incident, NULL, true, false, false, false},
    {"/runs/*", page_run, NULL, true, false, false, false},
    {"/deliveries", page_deliveries, NULL, true, false, false, false},
    {"/status", page_status, NULL, true, true, false, false},
    {"/method", page_method, NULL, true, false, false, false},
    {"/api/v1/status", api_status, NULL, false, true, false, false},
    {"/api/v1/series", api_series, api_series_wants, false, false, false,
	false},
    {"/api/v1/runs", api_runs, NULL, false, false, false, false},
    {"/api/v1/runs/*", api_run, NULL, false, false, false, false},
    {"/api/v1/runs/*/har", api_run_har, NULL, false, false, false, false},
    {"/api/v1/evidence", api_evidence, NULL, false, false, false, false},
    {"/api/v1/incidents", api_incidents, NULL, false, false, false, false},
    {"/api/v1/incidents/*", api_incident, NULL, false, false, false, false},
    {"/api/v1/incidents/*/acknowledge", api_incident_acknowledge, NULL, false,
	false, false, true},
    {"/api/v1/incidents/*/notes", api_incident_note, NULL, false, false, false,
	true},
    {"/api/v1/deliveries", api_deliveries, NULL, false, false, false, false},
    {"/api/v1/deliveries/retry", api_deliveries_retry, NULL, false, false,
	false, true},
    {"/api/v1/deliveries/*/retry", api_delivery_retry, NULL, false, false,
	false, true},
    {"/api/v1/subscribers/*/test", api_subscriber_test, NULL, false, false,
	false, true},
    {"/api/v1/accounts", api_accounts, NULL, false, false, false, false},
    {"/api/v1/accounts/*/release", api_account_release, NULL, false, false,
	false, true},
    {"/api/v1/events", NULL, NULL, false, false, true, false},
    {"/openapi.json", api_openapi, NULL, false, false, false, false},
    {"/metrics", serve_metrics, NULL, false, false, false, false},
    {"/metrics/daemon", serve_metrics_daemon, NULL, false, false, false,
	false},
    {"/healthz", serve_healthz, NULL, false, false, false, false},
    {"/readyz", serve_readyz, NULL, false, false, false, false},
    {"/assets/*", serve_asset, NULL, false, false, false, false},
    {"/favicon.ico", serve_favicon, NULL, false, false, false, false},
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

const struct route *
route_find(const char *path, char params[PARAMS_MAX][PARAM_SIZE])
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (match(routes[i].pattern, path, params))
			return &routes[i];
	}
	return NULL;
}

const struct route *
route_at(size_t i)
{
	return i < ARRAY_LEN(routes) ? &routes[i] : NULL;
}
