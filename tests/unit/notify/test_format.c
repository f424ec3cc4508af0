/*
 * What receivers of each format are sent, held against what their own
 * documents say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/json.h"
#include "base/text.h"
#include "daemon/notify/notify-int.h"

#define AT (INT64_C(1795507200) * US_PER_S) /* 2026-11-24 08:00:00 UTC */
#define MOST 8

static const struct conf conf = {
    .vantage = "waw",
    .web = {.public_url = "https://dyzurny.example"},
};

static struct incident
incident_of(int64_t number, const char *scope)
{
	struct incident incident = {.number = number,
	    .severity = 3,
	    .opened = AT,
	    .reason = REASON_HTTP_5XX,
	    .side = SIDE_OPERATOR,
	    .phase = PHASE_WAIT,
	    .step = "submit",
	    .value = 0.5,
	    .threshold = 0.75,
	    .worst = NAN,
	    .summary_pl = "Librus — logowanie: nie <działa> & \"już\"",
	    .summary_en = "Librus — login: fails",
	    .trace_ids = {"0af7651916cd43dd8448eb211c80319c",
		"1af7651916cd43dd8448eb211c80319c"}};

	text_copy(incident.rule, sizeof(incident.rule), "logins");
	text_copy(incident.scope, sizeof(incident.scope), scope);
	return incident;
}

struct scene {
	struct conf_subscriber subscriber;
	struct body *made[MOST];
	const struct body *bodies[MOST];
	const char *ids[MOST];
	size_t n;
};

static void
scene_add(struct scene *scene, const char *type, struct incident incident)
{
	static const char *const ids[MOST] = {"msg_0", "msg_1", "msg_2",
	    "msg_3", "msg_4", "msg_5", "msg_6", "msg_7"};

	if (strcmp(type, "incident.resolved") == 0)
		incident.resolved = AT + 90 * US_PER_S;
	scene->made[scene->n] = notify_body_incident(
	    &conf, type, AT + (wall_us)scene->n * US_PER_S, &incident);
	scene->bodies[scene->n] = scene->made[scene->n];
	scene->ids[scene->n] = ids[scene->n];
	scene->n++;
}

/* Of a format; the caller's. */
static struct jv *
formatted(struct scene *scene, enum conf_format format)
{
	struct format_job job = {.subscriber = &scene->subscriber,
	    .public_url = conf.web.public_url,
	    .now = AT + 10 * US_PER_S,
	    .bodies = scene->bodies,
	    .ids = scene->ids,
	    .n = scene->n};
	struct buf text;
	struct jv *out;

	scene->subscriber.name = "kuratorium";
	scene->subscriber.format = format;
	buf_init(&text, 1 << 20);
	assert_true(notify_format(&job, &text));
	out = jv_parse(text.data, text.len, NULL, 0);
	assert_non_null(out);
	buf_fini(&text);
	return out;
}

static void
scene_clear(struct scene *scene)
{
	for (size_t i = 0; i < scene->n; i++)
		notify_body_release(scene->made[i]);
	scene->n = 0;
}

static void
assert_text(const struct jv *json, const char *pointer, const char *wanted)
{
	const char *found = jv_string_value(jv_pointer(json, pointer));

	if (found == NULL)
		fail_msg("no text at %s", pointer);
	assert_string_equal(found, wanted);
}

static void
one_event_is_sent_as_it_stands_in_the_ledger(void **state)
{
	struct scene scene = {0};
	struct jv *json;

	(void)state;
	scene_add(
	    &scene, "incident.opened", incident_of(7, "librus/_all/login"));
	json = formatted(&scene, CONF_FORMAT_STANDARD);
	assert_text(json, "/type", "incident.opened");
	assert_int_equal(jv_int_value(jv_pointer(json, "/data/number")), 7);
	jv_release(json);
	scene_clear(&scene);
}

static void
a_digest_holds_each_event_under_its_own_id(void **state)
{
	struct scene scene = {0};
	struct jv *json;

	(void)state;
	scene_add(
	    &scene, "incident.opened", incident_of(7, "librus/_all/login"));
	scene_add(
	    &scene, "incident.resolved", incident_of(7, "librus/_all/login"));
	scene_add(
	    &scene, "incident.opened", incident_of(8, "wizja/sp1/grades"));
	json = formatted(&scene, CONF_FORMAT_STANDARD);
	assert_text(json, "/type", "digest");
	assert_text(json, "/timestamp", "2026-11-24T08:00:02.000Z");
	assert_text(json, "/data/subscriber", "kuratorium");
	assert_int_equal(jv_len(jv_pointer(json, "/data/events")), 3);
	assert_text(json, "/data/events/0/webhook_id", "msg_0");
	assert_text(json, "/data/events/0/type", "incident.opened");
	assert_text(json, "/data/events/1/webhook_id", "msg_1");
	assert_text(json, "/data/events/1/type", "incident.resolved");
	assert_text(json, "/data/events/1/data/state", "resolved");
	assert_text(json, "/data/events/2/data/scope", "wizja/sp1/grades");
	jv_release(json);
	scene_clear(&scene);
}

static void
assert_strings_only(const struct jv *labels)
{
	struct jv *value;
	const char *key;
	void *iter = NULL;

	assert_int_equal(jv_kind(labels), JV_OBJECT);
	while ((iter = jv_each(labels, iter, &key, &value)) != NULL) {
		if (jv_kind(value) != JV_STRING ||
		    strspn(key,
			"abcdefghijklmnopqrstuvwxyz_"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(key))
			fail_msg("label %s", key);
	}
}

static void
the_webhook_of_alertmanager_is_of_version_4(void **state)
{
	static const char *const keys[] = {"version", "groupKey",
	    "truncatedAlerts", "status", "receiver", "groupLabels",
	    "commonLabels", "commonAnnotations", "externalURL", "alerts"};
	struct scene scene = {.subscriber.english = true};
	struct jv *json;

	(void)state;
	scene_add(
	    &scene, "incident.opened", incident_of(7, "librus/main/login"));
	json = formatted(&scene, CONF_FORMAT_ALERTMANAGER);
	assert_int_equal(jv_len(json), ARRAY_LEN(keys));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_non_null(jv_get(json, keys[i]));
	assert_text(json, "/version", "4");
	assert_text(json, "/status", "firing");
	assert_text(json, "/receiver", "kuratorium");
	assert_text(json, "/groupKey", "{}:{incident=\"7\"}");
	assert_text(json, "/externalURL", "https://dyzurny.example");
	assert_text(json, "/alerts/0/status", "firing");
	assert_text(json, "/alerts/0/labels/alertname", "logins");
	assert_text(json, "/alerts/0/labels/incident", "7");
	assert_text(json, "/alerts/0/labels/operator", "librus");
	assert_text(json, "/alerts/0/labels/deployment", "main");
	assert_text(json, "/alerts/0/labels/transaction", "login");
	assert_text(json, "/alerts/0/labels/severity", "3");
	assert_text(json, "/alerts/0/labels/vantage", "waw");
	assert_text(
	    json, "/alerts/0/annotations/summary", "Librus — login: fails");
	assert_text(json, "/alerts/0/annotations/side", "operator");
	assert_text(json, "/alerts/0/annotations/reason", "http_5xx");
	assert_text(json, "/alerts/0/annotations/trace_ids",
	    "0af7651916cd43dd8448eb211c80319c "
	    "1af7651916cd43dd8448eb211c80319c");
	assert_text(json, "/alerts/0/startsAt", "2026-11-24T08:00:00.000Z");
	assert_text(json, "/alerts/0/endsAt", "0001-01-01T00:00:00Z");
	assert_text(json, "/alerts/0/generatorURL",
	    "https://dyzurny.example/incidents/7");
	assert_int_equal(
	    strlen(jv_string_value(jv_pointer(json, "/alerts/0/fingerprint"))),
	    16);
	assert_strings_only(jv_pointer(json, "/alerts/0/labels"));
	assert_strings_only(jv_pointer(json, "/alerts/0/annotations"));
	jv_release(json);
	scene_clear(&scene);
}

/* An alert is the same for its receiver when its labels are. */
static void
what_resolves_is_the_alert_that_fired(void **state)
{
	struct incident incident = incident_of(7, "librus/_all/login");
	struct scene scene = {0};
	struct jv *opened, *resolved;

	(void)state;
	scene_add(&scene, "incident.opened", incident);
	opened = formatted(&scene, CONF_FORMAT_ALERTMANAGER);
	scene_clear(&scene);
	/* meanwhile it was found to be for another reason */
	incident.reason = REASON_NO_ANSWER;
	text_copy(incident.step, sizeof(incident.step), "form");
	scene_add(&scene, "incident.resolved", incident);
	resolved = formatted(&scene, CONF_FORMAT_ALERTMANAGER);
	scene_clear(&scene);
	assert_text(resolved, "/status", "resolved");
	assert_text(resolved, "/alerts/0/endsAt", "2026-11-24T08:01:30.000Z");
	assert_text(resolved, "/alerts/0/fingerprint",
	    jv_string_value(jv_pointer(opened, "/alerts/0/fingerprint")));
	jv_release(opened);
	jv_release(resolved);
}

static void
of_several_events_the_last_word_on_each_incident_counts(void **state)
{
	struct scene scene = {0};
	struct jv *json;

	(void)state;
	scene_add(
	    &scene, "incident.opened", incident_of(7, "librus/_all/login"));
	scene_add(
	    &scene, "incident.opened", incident_of(8, "librus/_all/grades"));
	scene_add(
	    &scene, "incident.resolved", incident_of(7, "librus/_all/login"));
	json = formatted(&scene, CONF_FORMAT_ALERTMANAGER);
	assert_int_equal(jv_len(jv_get(json, "alerts")), 2);
	assert_text(json, "/status", "firing");
	assert_text(json, "/groupKey", "{}:{subscriber=\"kuratorium\"}");
	assert_text(json, "/alerts/0/labels/incident", "8");
	assert_text(json, "/alerts/1/labels/incident", "7");
	assert_text(json, "/alerts/1/status", "resolved");
	assert_text(json, "/commonLabels/operator", "librus");
	assert_null(jv_pointer(json, "/commonLabels/transaction"));
	jv_release(json);
	json = formatted(&scene, CONF_FORMAT_ALERTMANAGER_API);
	assert_int_equal(jv_len(json), 2);
	jv_release(json);
	scene_clear(&scene);
}

static void
an_alertmanager_believes_it_for_an_hour(void **state)
{
	struct scene scene = {0};
	struct jv *json;

	(void)state;
	scene_add(
	    &scene, "incident.opened", incident_of(7, "librus/main/login"));
	json = formatted(&scene, CONF_FORMAT_ALERTMANAGER_API);
	assert_int_equal(jv_kind(json), JV_ARRAY);
	assert_text(json, "/0/startsAt", "2026-11-24T08:00:00.000Z");
	assert_text(json, "/0/endsAt", "2026-11-24T09:00:10.000Z");
	assert_strings_only(jv_pointer(json, "/0/labels"));
	assert_strings_only(jv_pointer(json, "/0/annotations"));
	jv_release(json);
	scene_clear(&scene);
	scene_add(
	    &scene, "incident.resolved", incident_of(7, "librus/main/login"));
	json = formatted(&scene, CONF_FORMAT_ALERTMANAGER_API);
	assert_text(json, "/0/endsAt", "2026-11-24T08:01:30.000Z");
	jv_release(json);
	scene_clear(&scene);
}

static void
a_chat_reads_what_people_read(void **state)
{
	struct scene scene = {0};
	struct jv *json;

	(void)state;
	scene_add(
	    &scene, "incident.opened", incident_of(7, "librus/main/login"));
	json = formatted(&scene, CONF_FORMAT_CHAT);
	assert_int_equal(jv_len(json), 1);
	assert_text(json, "/text",
	    "*Incydent 7, otwarty*, waga 3 z 4: Librus — logowanie: nie "
	    "&lt;działa&gt; &amp; \"już\" "
	    "<https://dyzurny.example/incidents/7>");
	jv_release(json);
	scene_add(
	    &scene, "incident.resolved", incident_of(7, "librus/main/login"));
	scene.subscriber.english = true;
	json = formatted(&scene, CONF_FORMAT_CHAT);
	assert_text(json, "/text",
	    "*Incident 7, opened*, severity 3 of 4: Librus — login: fails "
	    "<https://dyzurny.example/incidents/7>\n"
	    "*Incident 7, resolved*, severity 3 of 4: Librus — login: fails "
	    "<https://dyzurny.example/incidents/7>");
	jv_release(json);
	scene_clear(&scene);
}

static void
a_test_message_has_a_form_in_each_format(void **state)
{
	struct scene scene = {0};
	struct jv *json;

	(void)state;
	scene.made[0] = notify_body_test(&conf, "kuratorium", AT);
	scene.bodies[0] = scene.made[0];
	scene.ids[0] = "msg_0";
	scene.n = 1;
	json = formatted(&scene, CONF_FORMAT_ALERTMANAGER);
	assert_text(json, "/alerts/0/labels/alertname", "DyzurnyTest");
	jv_release(json);
	json = formatted(&scene, CONF_FORMAT_ALERTMANAGER_API);
	assert_text(json, "/0/labels/alertname", "DyzurnyTest");
	jv_release(json);
	json = formatted(&scene, CONF_FORMAT_CHAT);
	assert_text(json, "/text",
	    "Wiadomość próbna Dyżurnego. <https://dyzurny.example>");
	jv_release(json);
	scene_clear(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_event_is_sent_as_it_stands_in_the_ledger),
	    cmocka_unit_test(a_digest_holds_each_event_under_its_own_id),
	    cmocka_unit_test(the_webhook_of_alertmanager_is_of_version_4),
	    cmocka_unit_test(what_resolves_is_the_alert_that_fired),
	    cmocka_unit_test(
		of_several_events_the_last_word_on_each_incident_counts),
	    cmocka_unit_test(an_alertmanager_believes_it_for_an_hour),
	    cmocka_unit_test(a_chat_reads_what_people_read),
	    cmocka_unit_test(a_test_message_has_a_form_in_each_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
