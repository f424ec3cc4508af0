/*
 * What a delivery says: the JSON body of design.md section 4. Times are in
 * Unix seconds as in the API, but for the timestamp of the envelope.
 */
#include "notify-int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

static struct jv *
incident_data(const struct conf *conf, const struct incident *incident)
{
	struct jv *data = incident_json(incident);
	char *url = mem_printf("%.2048s/incidents/%lld", conf->web.public_url,
	    (long long)incident->number);

	jv_set(data, "url", jv_string(url));
	jv_set(data, "vantage", jv_string(conf->vantage));
	jv_set(data, "simulated", jv_bool(conf->simulated));
	free(url);
	return data;
}

static struct body *
envelope(const char *type, wall_us at, struct jv *data)
{
	struct jv *whole = jv_object();
	struct body *body = mem_new(sizeof(*body));
	char timestamp[32];
	struct buf text;
	bool fits;

	text_rfc3339(at, timestamp, sizeof(timestamp));
	jv_set(whole, "type", jv_string(type));
	jv_set(whole, "timestamp", jv_string(timestamp));
	jv_set(whole, "data", data);
	buf_init(&text, NOTIFY_BODY_MAX);
	fits = jv_dump(whole, &text);
	assert(fits); /* every part of it has a limit far below */
	jv_release(whole);
	body->references = 1;
	body->text = buf_take(&text, &body->len);
	return body;
}

struct body *
notify_body_incident(const struct conf *conf, const char *type, wall_us at,
    const struct incident *incident)
{
	return envelope(type, at, incident_data(conf, incident));
}

struct body *
notify_body_test(const struct conf *conf, const char *subscriber, wall_us at)
{
	struct jv *data = jv_object();

	jv_set(data, "subscriber", jv_string(subscriber));
	jv_set(data, "vantage", jv_string(conf->vantage));
	jv_set(data, "simulated", jv_bool(conf->simulated));
	jv_set(data, "url", jv_string(conf->web.public_url));
	return envelope("test", at, data);
}

struct body *
notify_body_copy(const char *text, size_t len)
{
	struct body *body = mem_new(sizeof(*body));

	body->references = 1;
	body->text = mem_strndup(text, len);
	body->len = len;
	return body;
}

struct body *
notify_body_hold(struct body *body)
{
	body->references++;
	return body;
}

void
notify_body_release(struct body *body)
{
	if (body && --body->references == 0) {
		free(body->text);
		free(body);
	}
}
