/*
 * The control port: plain HTTP on the loopback address with JSON, by which a
 * test or the demo reads the truth and makes trouble. Not a part of any
 * operator.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "sim.h"

struct call {
	struct text body;
};

struct wrong {
	const char *field; /* NULL: nothing is wrong */
};

static json_t *
deployment_state(struct deployment *dep, double now_s)
{
	return json_pack("{s:f,s:f,s:i,s:f,s:I}", "capacity",
	    dep->queue.capacity_per_s, "load", dep->queue.load_per_s, "servers",
	    (int)dep->queue.servers, "queue_s", queue_wait(&dep->queue, now_s),
	    "turned_away", (json_int_t)dep->queue.turned_away);
}

static json_t *
faults_state(const struct oper *op)
{
	json_t *list = json_array();

	for (size_t i = 0; i < FAULTS_MAX; i++) {
		const struct fault *fault = &op->faults[i];
		if (fault->used)
			json_array_append_new(list,
			    json_pack("{s:s,s:f,s:I,s:s*,s:s*}", "kind",
				fault_name(fault->kind), "share", fault->share,
				"count", (json_int_t)fault->count, "deployment",
				fault->dep != NULL ? fault->dep->name : NULL,
				"variant",
				fault->symptom != NULL ? fault->symptom->variant
						       : NULL));
	}
	return list;
}

static json_t *
oper_state(struct oper *op)
{
	const struct counters *c = &op->counters;
	double now_s = sim_now_s();
	double capacity = 0;
	double load = 0;
	double queue_s = 0;
	json_t *deps = json_object();
	json_t *classes = json_object();

	for (size_t i = 0; i < op->n_deps; i++) {
		capacity += op->deps[i].queue.capacity_per_s;
		load += op->deps[i].queue.load_per_s;
		queue_s = fmax(queue_s, queue_wait(&op->deps[i].queue, now_s));
		json_object_set_new(deps, op->deps[i].name,
		    deployment_state(&op->deps[i], now_s));
	}
	for (int i = 0; i < CLASS_PLAIN; i++)
		json_object_set_new(classes, class_name((enum path_class)i),
		    json_integer((json_int_t)c->by_class[i]));
	return json_pack(
	    "{s:f,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o}",
	    "capacity", capacity, "load", load, "queue_s", queue_s, "requests",
	    (json_int_t)c->requests, "logins", (json_int_t)c->logins,
	    "login_failures", (json_int_t)c->login_failures, "messages_sent",
	    (json_int_t)c->messages_sent, "sessions",
	    (json_int_t)session_count(op), "in_flight",
	    (json_int_t)c->in_flight, "max_in_flight",
	    (json_int_t)c->max_in_flight, "untraced", (json_int_t)c->untraced,
	    "repeated_spans", (json_int_t)c->repeated_spans,
	    "requests_by_path_class", classes, "deployments", deps, "faults",
	    faults_state(op));
}

static json_t *
state(struct sim *sim)
{
	json_t *opers = json_object();
	json_t *root = json_pack("{s:o}", "operators", opers);

	if (sim->week_s > 0) {
		double hour =
		    (sim_now_s() - sim->started_s) / sim->week_s * 168;
		json_object_set_new(root, "week",
		    json_pack("{s:i,s:f,s:b}", "day", (int)fmin(6, hour / 24),
			"hour", hour < 168 ? fmod(hour, 24) : 24.0, "over",
			hour >= 168));
	}
	for (int i = 0; i < OPERS; i++) {
		struct oper *op = &sim->opers[i];
		pthread_mutex_lock(&op->lock);
		json_object_set_new(opers, op->play->name, oper_state(op));
		pthread_mutex_unlock(&op->lock);
	}
	return root;
}

/* What can go wrong at each operator: kinds, and the variants of each. */
static json_t *
catalogue(const struct sim *sim)
{
	json_t *root = json_object();

	for (int i = 0; i < OPERS; i++) {
		const struct operator_play *play = sim->opers[i].play;
		json_t *kinds = json_object();
		for (int kind = 0; kind < FAULT_KINDS; kind++)
			json_object_set_new(kinds,
			    fault_name((enum fault_kind)kind), json_array());
		for (const struct symptom *at = play->symptoms; at->status != 0;
		     at++)
			if (at->variant != NULL)
				json_array_append_new(json_object_get(kinds,
							  fault_name(at->kind)),
				    json_string(at->variant));
		json_object_set_new(root, play->name, kinds);
	}
	return root;
}

static struct deployment *
deployment_named(struct oper *op, const json_t *order, struct wrong *wrong)
{
	const json_t *name = json_object_get(order, "deployment");

	if (name == NULL)
		return NULL;
	for (size_t i = 0; i < op->n_deps; i++)
		if (same(json_string_value(name), op->deps[i].name))
			return &op->deps[i];
	wrong->field = "deployment";
	return NULL;
}

/* A number within bounds; `otherwise` if the field is absent. */
static double
number(const json_t *order, const char *field, double otherwise, double least,
    double most, struct wrong *wrong)
{
	const json_t *value = json_object_get(order, field);
	double v = json_number_value(value);

	if (value == NULL)
		return otherwise;
	if (!json_is_number(value) || !(v >= least && v <= most))
		wrong->field = field;
	return v;
}

static void
order_load(struct oper *op, const json_t *order, struct wrong *wrong)
{
	struct deployment *dep = deployment_named(op, order, wrong);
	double load = number(order, "requests_per_s", -1, 0, 1e6, wrong);
	double now_s = sim_now_s();

	if (load < 0 && wrong->field == NULL)
		wrong->field = "requests_per_s";
	if (wrong->field != NULL)
		return;
	op->load_set = true;
	for (size_t i = 0; i < op->n_deps; i++)
		if (dep == NULL)
			queue_set_load(&op->deps[i].queue, now_s,
			    load / (double)op->n_deps);
		else if (dep == &op->deps[i])
			queue_set_load(&dep->queue, now_s, load);
}

static void
order_capacity(struct oper *op, const json_t *order, struct wrong *wrong)
{
	struct deployment *dep = deployment_named(op, order, wrong);
	double capacity = number(order, "requests_per_s", -1, 0.01, 1e6, wrong);
	double servers =
	    number(order, "servers", 0, 1, QUEUE_SERVERS_MAX, wrong);
	double limit_s = number(order, "limit_s", -1, 0.01, 3600, wrong);
	double now_s = sim_now_s();

	if (capacity < 0 && wrong->field == NULL)
		wrong->field = "requests_per_s";
	if (wrong->field != NULL)
		return;
	for (size_t i = 0; i < op->n_deps; i++) {
		struct queue *queue = &op->deps[i].queue;
		if (dep != NULL && dep != &op->deps[i])
			continue;
		queue_set_capacity(queue, now_s,
		    dep != NULL ? capacity : capacity / (double)op->n_deps,
		    servers > 0 ? (unsigned)servers : queue->servers);
		if (limit_s > 0)
			queue->limit_s = limit_s;
	}
}

/* A string of the order; NULL if the field is absent. */
static const char *
string(const json_t *order, const char *field, size_t size, struct wrong *wrong)
{
	const json_t *value = json_object_get(order, field);
	const char *text = json_string_value(value);

	if (value != NULL && (text == NULL || strlen(text) >= size))
		wrong->field = field;
	return text;
}

static void
order_fault(struct oper *op, const json_t *order, struct wrong *wrong)
{
	struct fault fault = {.used = true, .class = -1};
	const json_t *transaction = json_object_get(order, "transaction");
	int kind =
	    fault_by_name(json_string_value(json_object_get(order, "kind")));
	const char *variant = string(order, "variant", SIZE_MAX, wrong);
	const char *at = string(order, "at", sizeof(fault.at), wrong);
	struct fault *place = NULL;

	fault.dep = deployment_named(op, order, wrong);
	fault.share = number(order, "share", 1, 0, 1, wrong);
	fault.count = (long)number(order, "count", -1, 1, 1e9, wrong);
	fault.delay_s = number(order, "delay_ms", 1000, 0, 3.6e6, wrong) / 1e3;
	for (int i = 0; transaction != NULL && i < CLASS_PLAIN; i++)
		if (same(json_string_value(transaction),
			class_name((enum path_class)i)))
			fault.class = i;
	if (transaction != NULL && fault.class < 0)
		wrong->field = "transaction";
	/* unless said otherwise, it is the login that has changed */
	if (kind == FAULT_CHANGED_FLOW && transaction == NULL)
		fault.class = CLASS_LOGIN;
	if (kind < 0)
		wrong->field = "kind";
	else
		fault.symptom =
		    symptom_find(op->play, (enum fault_kind)kind, variant);
	if (kind >= 0 && fault.symptom == NULL &&
	    (variant != NULL || fault_is_symptom((enum fault_kind)kind)))
		wrong->field = "variant";
	/* a listener is shared by all deployments of the operator */
	if (kind == FAULT_REFUSE && fault.dep != NULL)
		wrong->field = "deployment";
	for (size_t i = 0; i < FAULTS_MAX && place == NULL; i++)
		if (!op->faults[i].used)
			place = &op->faults[i];
	if (place == NULL && wrong->field == NULL)
		wrong->field = "operator"; /* it has its fill of faults */
	if (wrong->field != NULL)
		return;
	fault.kind = (enum fault_kind)kind;
	snprintf(fault.at, sizeof(fault.at), "%s", at != NULL ? at : "");
	*place = fault;
}

/* Only onwards: nothing that grew old gets young again. */
static void
order_clock(struct oper *op, const json_t *order, struct wrong *wrong)
{
	double forward_s = number(order, "forward_s", -1, 1, 1e8, wrong);

	if (forward_s < 0 && wrong->field == NULL)
		wrong->field = "forward_s";
	if (wrong->field == NULL)
		op->ahead_s += (long)forward_s;
}

static void
order_clear(struct oper *op, const json_t *order, struct wrong *wrong)
{
	(void)order;
	(void)wrong;
	memset(op->faults, 0, sizeof(op->faults));
}

static void
order_reset(struct oper *op, const json_t *order, struct wrong *wrong)
{
	uint64_t in_flight = op->counters.in_flight;

	(void)order;
	(void)wrong;
	session_drop_all(op);
	for (size_t i = 0; i < op->n_deps; i++)
		mailbox_forget(&op->deps[i].mailbox);
	op->ahead_s = 0;
	memset(op->refused, 0, sizeof(op->refused));
	op->counters = (struct counters){
	    .in_flight = in_flight, .max_in_flight = in_flight};
}

enum { FIELDS_MAX = 9 };

static const struct {
	const char *method;
	const char *path;
	bool each; /* without an operator: every one */
	void (*carry_out)(
	    struct oper *op, const json_t *order, struct wrong *wrong);
	const char *fields[FIELDS_MAX]; /* besides the operator */
} orders[] = {
    {"POST", "/load", false, order_load, {"deployment", "requests_per_s"}},
    {"POST", "/capacity", false, order_capacity,
	{"deployment", "requests_per_s", "servers", "limit_s"}},
    {"POST", "/fault", false, order_fault,
	{"kind", "variant", "deployment", "transaction", "at", "share", "count",
	    "delay_ms"}},
    {"POST", "/clock", true, order_clock, {"forward_s"}},
    {"POST", "/clear", true, order_clear, {0}},
    {"DELETE", "/fault", true, order_clear, {0}},
    {"DELETE", "/clear", true, order_clear, {0}},
    {"POST", "/reset", true, order_reset, {0}},
};

/* The first field that the order does not have, or NULL. */
static const char *
unknown_field(json_t *order, size_t which)
{
	const char *key;
	json_t *value;

	json_object_foreach(order, key, value)
	{
		bool known = same(key, "operator");
		for (int i = 0; i < FIELDS_MAX; i++)
			known |= same(key, orders[which].fields[i]);
		if (!known)
			return key;
	}
	return NULL;
}

static enum MHD_Result
answer(struct MHD_Connection *conn, unsigned status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	struct MHD_Response *response;
	enum MHD_Result rc;

	json_decref(json);
	if (text == NULL)
		return MHD_NO;
	response = MHD_create_response_from_buffer(
	    strlen(text), text, MHD_RESPMEM_MUST_FREE);
	MHD_add_response_header(response, "Content-Type", "application/json");
	rc = MHD_queue_response(conn, status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result
answer_wrong(struct MHD_Connection *conn, unsigned status, const char *field)
{
	return answer(conn, status,
	    json_pack("{s:{s:s,s:s}}", "error", "field", field, "message",
		"unknown or out of range"));
}

static enum MHD_Result
carry_out(struct sim *sim, struct MHD_Connection *conn, size_t which,
    const struct text *body)
{
	json_t *order = body->len > 0 ? json_loadb(body->at, body->len, 0, NULL)
				      : json_object();
	const json_t *name = json_object_get(order, "operator");
	struct oper *only = sim_oper(sim, json_string_value(name));
	struct wrong wrong = {.field = unknown_field(order, which)};
	enum MHD_Result rc;

	if (!json_is_object(order))
		wrong.field = "body";
	else if (only == NULL && (name != NULL || !orders[which].each))
		wrong.field = "operator";
	for (int i = 0; i < OPERS && wrong.field == NULL; i++) {
		struct oper *op = &sim->opers[i];
		if (only != NULL && only != op)
			continue;
		pthread_mutex_lock(&op->lock);
		orders[which].carry_out(op, order, &wrong);
		pthread_mutex_unlock(&op->lock);
	}
	if (wrong.field == NULL) {
		server_wake(sim);
		rc = answer(conn, 200, json_pack("{s:b}", "ok", 1));
	} else {
		rc = answer_wrong(conn, 400, wrong.field);
	}
	json_decref(order); /* the field may be one of its own */
	return rc;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *conn, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **con_cls)
{
	struct sim *sim = cls;
	struct call *call = *con_cls;

	(void)version;
	if (call == NULL) {
		*con_cls = calloc(1, sizeof(*call));
		return *con_cls != NULL ? MHD_YES : MHD_NO;
	}
	if (*upload_len > 0) {
		if (call->body.len + *upload_len <= BODY_MAX)
			text_addn(&call->body, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	if (same(method, "GET") && same(url, "/state"))
		return answer(conn, 200, state(sim));
	if (same(method, "GET") && same(url, "/catalogue"))
		return answer(conn, 200, catalogue(sim));
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (same(method, orders[i].method) && same(url, orders[i].path))
			return carry_out(sim, conn, i, &call->body);
	return answer_wrong(conn, 404, "path");
}

static void
on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
    enum MHD_RequestTerminationCode code)
{
	struct call *call = *con_cls;

	(void)cls;
	(void)conn;
	(void)code;
	if (call != NULL)
		text_fini(&call->body);
	free(call);
	*con_cls = NULL;
}

int
control_start(struct sim *sim, uint16_t port)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const union MHD_DaemonInfo *info;

	sim->control = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG,
	    port, NULL, NULL, on_request, sim, MHD_OPTION_SOCK_ADDR,
	    (struct sockaddr *)&addr, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
	    NULL, MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_END);
	if (sim->control == NULL)
		return -1;
	info = MHD_get_daemon_info(sim->control, MHD_DAEMON_INFO_BIND_PORT);
	sim->control_port = info->port;
	return 0;
}

void
control_stop(struct sim *sim)
{
	if (sim->control != NULL)
		MHD_stop_daemon(sim->control);
}
