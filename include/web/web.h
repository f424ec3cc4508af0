#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "ledger/change.h"
#include "model/run.h"
#include "model/snapshot.h"
#include "probe/evidence_store.h"
#include "series/series.h"

/*
 * The dashboard, the JSON API, the event stream and the metrics, by
 * libmicrohttpd's own threads. Answers from the latest snapshot; asks the
 * series for ranges (the connection is suspended meanwhile) and a ledger
 * reader for runs and incidents. Never touches the engine's data.
 */
struct web;

struct web_options {
	const struct conf_web *conf; /* copied */
	struct snapshot_slot *snapshots;
	struct series *series;
	const char *ledger_path;
	struct evidence_store *evidence; /* NULL: none is kept */
	const struct clock *clock;
	/* a Unix socket of mode 0600, where everything may be changed; NULL:
	 * none. Elsewhere it takes a token. */
	const char *control_path;
	/* What a person wishes, on a thread of the room: must not block. 0 or
	 * -errno; NULL: nothing can be changed. */
	int (*release_account)(void *arg, const char *account);
	int (*acknowledge_incident)(void *arg, int64_t number, const char *by);
	int (*retry_delivery)(void *arg, int64_t id); /* 0: all dead ones */
	int (*test_subscriber)(void *arg, const char *name);
	int (*note_incident)(
	    void *arg, int64_t number, const char *by, const char *text);
	/* As ledger_put_change and ledger_use_token. */
	int (*change)(void *arg, const struct ledger_change *change,
	    ledger_changed_fn *done, void *done_arg);
	void (*use_token)(void *arg, const char id[TOKEN_ID_SIZE], wall_us at);
	void *arg;
};

/* web_start loads the templates and catalogues and listens. 0 or -errno; what
 * is wrong is logged. *port is the port it listens on. */
int web_start(struct web **web, const struct web_options *options,
    uint16_t *port) MUST_USE;

/*
 * Events for /api/v1/events, any thread, never blocks: `status` says that a
 * new snapshot is there, `run` and `incident` carry a small JSON text.
 */
enum web_event { WEB_EVENT_STATUS, WEB_EVENT_RUN, WEB_EVENT_INCIDENT };
void web_publish(struct web *web, enum web_event event, const char *json);

/* web_stop: refuses new connections, ends event streams, waits for answers
 * under way (at most 5 s), joins, frees. The series must still answer. */
void web_stop(struct web *web);

#endif
