/* What is built from a snapshot: status, metrics, the chart. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/web/web-int.h"
#include "fixture.h"

static void
the_status_of_a_snapshot_keeps_to_its_figures(void **state)
{
	struct snapshot *snapshot = fixture_snapshot(9, FIXTURE_NOW);
	struct jv *status = status_json(snapshot, FRESH);
	struct jv *tr =
	    jv_pointer(status, "/operators/0/deployments/1/transactions/2");

	(void)state;
	assert_int_equal(jv_get_int(status, "snapshot", 0), 9);
	assert_true(jv_bool_value(jv_get(status, "simulated")));
	assert_int_equal(jv_len(jv_get(status, "operators")), 5);
	assert_int_equal(jv_len(jv_get(status, "incidents")), 1);
	assert_string_equal(jv_get_string(tr, "name", ""), "message");
	assert_string_equal(jv_get_string(tr, "state", ""), "degraded");
	assert_string_equal(jv_get_string(tr, "reason", ""), "ok");
	assert_true(jv_real_value(jv_get(tr, "latency_ms")) == 3412.5);
	assert_false(jv_bool_value(jv_get(tr, "stale")));
	jv_release(status);
	snapshot_release(snapshot);
}

/* Is it out of date when it began and was decided so long ago? The state is
 * the one that health gave it, whatever the age. */
static bool
stale_at_age(dur_us began, dur_us decided, bool one_only)
{
	struct snapshot *snapshot = fixture_snapshot(1, FIXTURE_NOW);
	struct snap_operator *op = &snapshot->operators[2];
	struct jv *status, *one, *all;
	bool stale;

	for (size_t i = 0; i < (one_only ? 1 : op->n_deployments); i++) {
		op->deployments[i]->transactions[0].last_run =
		    FIXTURE_NOW - began;
		op->deployments[i]->transactions[0].decided =
		    FIXTURE_NOW - decided;
	}
	op->transactions[0] = op->deployments[0]->transactions[0];
	status = status_json(snapshot, FRESH);
	one = jv_pointer(status, "/operators/2/deployments/0/transactions/0");
	all = jv_pointer(status, "/operators/2/transactions/0");
	stale = jv_bool_value(jv_get(one, "stale"));
	assert_string_equal(jv_get_string(one, "state", ""), "up");
	assert_string_equal(jv_get_string(all, "state", ""), "up");
	assert_int_equal(
	    jv_bool_value(jv_get(all, "stale")), stale && !one_only);
	jv_release(status);
	snapshot_release(snapshot);
	return stale;
}

static void
the_age_of_a_figure_counts_from_when_it_was_decided(void **state)
{
	const dur_us second = US_PER_S;

	(void)state;
	assert_false(stale_at_age(60 * second, 59 * second, false));
	/* a message that was waited for is news when it is given up */
	assert_false(stale_at_age(400 * second, 10 * second, false));
	assert_false(stale_at_age(330 * second, 330 * second, false));
	assert_true(stale_at_age(331 * second, 331 * second, false));
	/* one silent deployment does not make the operator's old */
	assert_true(stale_at_age(331 * second, 331 * second, true));
}

static void
what_was_never_measured_has_no_reason(void **state)
{
	struct snapshot *snapshot = fixture_snapshot(1, FIXTURE_NOW);
	struct snap_operator *op = &snapshot->operators[2];
	struct jv *status, *tr;

	(void)state;
	op->deployments[0]->transactions[0] = (struct snap_transaction){
	    .name = "login",
	    .title = "Logowanie",
	    .latency_ms = NAN,
	    .availability_24h = NAN,
	};
	status = status_json(snapshot, FRESH);
	tr = jv_pointer(status, "/operators/2/deployments/0/transactions/0");
	assert_int_equal(jv_kind(jv_get(tr, "reason")), JV_NULL);
	assert_int_equal(jv_kind(jv_get(tr, "side")), JV_NULL);
	assert_int_equal(jv_kind(jv_get(tr, "last_run")), JV_NULL);
	tr = jv_pointer(status, "/operators/2/deployments/0/transactions/1");
	assert_string_equal(jv_get_string(tr, "reason", ""), "ok");
	jv_release(status);
	snapshot_release(snapshot);
}

/* ---- metrics ---- */

static char *
metrics(enum metrics_of of, bool openmetrics, struct buf *out)
{
	struct snapshot *snapshot = fixture_snapshot(1, FIXTURE_NOW);

	buf_init(out, 1 << 20);
	assert_true(metrics_text(snapshot, FRESH, FIXTURE_NOW + US_PER_S / 2, 3,
	    of, openmetrics, out));
	snapshot_release(snapshot);
	return out->data;
}

/* Reads the text as a collector does: every sample belongs to the family
 * that was declared last, no family comes twice, labels are well formed. */
static void
check_format(const char *text, bool openmetrics)
{
	char seen[64][64], family[64] = "", type[16] = "";
	size_t n = 0;

	while (*text != '\0' && strcmp(text, "# EOF\n") != 0) {
		char name[64];
		size_t len = strcspn(text, "\n");

		assert_int_equal(text[len], '\n');
		if (strncmp(text, "# HELP ", 7) == 0) {
			assert_int_equal(sscanf(text + 7, "%63s", family), 1);
			for (size_t i = 0; i < n; i++)
				assert_string_not_equal(seen[i], family);
			assert_true(n < 64);
			memcpy(seen[n++], family, sizeof(family));
		} else if (strncmp(text, "# TYPE ", 7) == 0) {
			assert_int_equal(
			    sscanf(text + 7, "%63s %15s", name, type), 2);
			assert_string_equal(name, family);
		} else if (text[0] != '#') {
			size_t end = strcspn(text, "{");
			char *rest = NULL;

			assert_int_equal(
			    strncmp(text, family, strlen(family)), 0);
			if (openmetrics && strcmp(type, "counter") == 0)
				assert_int_equal(
				    strncmp(text + end - 6, "_total", 6), 0);
			else if (strcmp(type, "info") != 0 &&
			    strcmp(type, "histogram") != 0)
				assert_int_equal(end, strlen(family));
			text += strcspn(text, "}") + 2;
			(void)strtod(text, &rest);
			assert_true(rest > text && *rest == '\n');
			len = (size_t)(rest - text);
		}
		text += len + 1;
	}
	assert_string_equal(text, openmetrics ? "# EOF\n" : "");
	assert_true(n > 15);
}

static void
metrics_follow_both_formats(void **state)
{
	struct buf out;

	(void)state;
	check_format(metrics(METRICS_ALL, true, &out), true);
	assert_non_null(strstr(out.data, "# TYPE dyzurny_results counter\n"));
	assert_non_null(strstr(out.data, "# TYPE dyzurny_state stateset\n"));
	buf_fini(&out);
	check_format(metrics(METRICS_ALL, false, &out), false);
	assert_non_null(
	    strstr(out.data, "# TYPE dyzurny_results_total counter\n"));
	buf_fini(&out);
}

static void
metrics_say_what_is_known_and_leave_out_the_rest(void **state)
{
	static const char *const there[] = {
	    "dyzurny_up{vantage=\"waw-1\",operator=\"vulcan\",deployment="
	    "\"main\",transaction=\"login\"} 0\n",
	    "dyzurny_up{vantage=\"waw-1\",operator=\"librus\",deployment="
	    "\"sp1\",transaction=\"login\"} 1\n",
	    "dyzurny_results_total{vantage=\"waw-1\",operator=\"helion\","
	    "deployment=\"main\",transaction=\"message\",verdict=\"failed\"} "
	    "30\n",
	    "transaction=\"login\",quantile=\"0.95\"} 1.23456\n",
	    "dyzurny_probe_requests_total{vantage=\"waw-1\",operator="
	    "\"wizja\"} 12345\n",
	    "dyzurny_probe_budget_used_ratio{vantage=\"waw-1\",operator="
	    "\"wizja\"} 0.283333333\n",
	    "dyzurny_probe_running_limit{vantage=\"waw-1\",operator="
	    "\"wizja\"} 4\n",
	    "dyzurny_start_late_seconds{vantage=\"waw-1\",quantile=\"0.99\"} "
	    "0.004\n",
	    "dyzurny_snapshot_age_seconds{vantage=\"waw-1\"} 0.5\n",
	    "dyzurny_run_start_lateness_seconds_bucket{vantage=\"waw-1\",le="
	    "\"0.001\"} 90\n",
	    "dyzurny_run_start_lateness_seconds_bucket{vantage=\"waw-1\",le="
	    "\"0.01\"} 100\n",
	    "dyzurny_run_start_lateness_seconds_bucket{vantage=\"waw-1\",le="
	    "\"+Inf\"} 100\n",
	    "dyzurny_run_start_lateness_seconds_sum{vantage=\"waw-1\"} 0.05\n",
	    "dyzurny_event_streams{vantage=\"waw-1\"} 3\n",
	    "dyzurny_incidents_open{vantage=\"waw-1\"} 1\n",
	};
	static const char *const absent[] = {
	    "dyzurny_up{vantage=\"waw-1\",operator=\"vulcan\",deployment="
	    "\"main\",transaction=\"grades\"}",
	    "dyzurny_latency_seconds{vantage=\"waw-1\",operator=\"vulcan\","
	    "deployment=\"main\",transaction=\"login\"",
	    "dyzurny_loop_late_seconds{vantage=\"waw-1\",quantile=\"1\"}",
	    " nan\n",
	};
	struct buf out;
	char *text = metrics(METRICS_ALL, true, &out);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(there); i++) {
		if (strstr(text, there[i]) == NULL)
			fail_msg("no %s", there[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
		if (strstr(text, absent[i]) != NULL)
			fail_msg("there is %s", absent[i]);
	}
	buf_fini(&out);
}

static void
metrics_of_the_daemon_leave_out_the_targets(void **state)
{
	struct buf out;
	char *text = metrics(METRICS_DAEMON, true, &out);

	(void)state;
	check_format(text, true);
	assert_null(strstr(text, "deployment="));
	assert_non_null(strstr(text, "dyzurny_runs_total{"));
	assert_non_null(strstr(text, "dyzurny_probe_requests_total{"));
	buf_fini(&out);
}

static void
a_gap_in_the_series_is_a_gap_in_the_chart(void **state)
{
	struct zone *zone = zone_load(NULL);
	struct locale *locale = locale_new(LANGUAGE_PL, jv_object(), zone);
	struct series_range *range =
	    fixture_range(FIXTURE_NOW - INT64_C(3600) * US_PER_S, FIXTURE_NOW);
	struct jv *chart = chart_json(locale, range);
	const char *path = jv_get_string(chart, "p50_path", "");
	size_t moves = 0;

	(void)state;
	for (const char *c = path; *c != '\0'; c++)
		moves += *c == 'M';
	/* the gap, and where there are too few results */
	assert_int_equal(moves, 3);
	assert_int_equal(
	    strncmp(jv_get_string(chart, "points_path", ""), "M675.0", 6), 0);
	assert_string_equal(
	    jv_string_value(jv_pointer(chart, "/rows/19/p95_text")), "–");
	assert_string_equal(
	    jv_string_value(jv_pointer(chart, "/rows/19/mean_text")),
	    "820\u00a0ms");
	assert_string_not_equal(
	    jv_string_value(jv_pointer(chart, "/rows/17/p95_text")), "–");
	assert_int_equal(jv_len(jv_get(chart, "gaps")), 1);
	assert_int_equal(jv_len(jv_get(chart, "failures")), 1);
	assert_int_equal(jv_len(jv_get(chart, "rows")), 60);
	assert_true(jv_bool_value(jv_pointer(chart, "/rows/39/gap")));
	assert_false(jv_bool_value(jv_pointer(chart, "/rows/40/gap")));
	jv_release(chart);
	series_range_free(range);
	chart = chart_json(locale, NULL);
	assert_true(jv_bool_value(jv_get(chart, "empty")));
	jv_release(chart);
	locale_free(locale);
	zone_free(zone);
}

static void
without_a_span_the_chart_is_as_long_as_the_data(void **state)
{
	struct series_range *range =
	    fixture_range(FIXTURE_NOW - INT64_C(3600) * US_PER_S, FIXTURE_NOW);
	struct series_range part;

	(void)state;
	/* nothing before row 45, and the last three are not written yet */
	for (size_t i = 0; i < range->n; i++) {
		if (i >= 45 && i < 57)
			continue;
		range->ok[i] = range->failed[i] = NAN;
		range->p50_ms[i] = range->p95_ms[i] = NAN;
	}
	part = chart_fit(range);
	assert_int_equal(part.from, range->time[45]);
	assert_int_equal(part.n, 13);
	assert_true(part.p95_ms == range->p95_ms + 45);
	assert_true(part.phase_ms[0] == range->phase_ms[0] + 45);
	/* more than what may be on its way is a gap that is shown */
	assert_int_equal(part.to, range->time[57] + range->step);
	for (size_t i = 0; i < range->n; i++)
		range->ok[i] = range->failed[i] = range->p50_ms[i] = NAN;
	part = chart_fit(range);
	assert_int_equal(part.n, range->n);
	assert_int_equal(part.to, range->to);
	series_range_free(range);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_status_of_a_snapshot_keeps_to_its_figures),
	    cmocka_unit_test(
		the_age_of_a_figure_counts_from_when_it_was_decided),
	    cmocka_unit_test(what_was_never_measured_has_no_reason),
	    cmocka_unit_test(metrics_follow_both_formats),
	    cmocka_unit_test(metrics_say_what_is_known_and_leave_out_the_rest),
	    cmocka_unit_test(metrics_of_the_daemon_leave_out_the_targets),
	    cmocka_unit_test(a_gap_in_the_series_is_a_gap_in_the_chart),
	    cmocka_unit_test(without_a_span_the_chart_is_as_long_as_the_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
