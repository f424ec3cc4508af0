#ifndef TESTS_UNIT_LEDGER_RIG_H
#define TESTS_UNIT_LEDGER_RIG_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "ledger/ledger.h"
#include "tests/unit/store.h"

/* A ledger below a temporary folder, with a clock that the test moves. */

#define START (INT64_C(1790035200) * US_PER_S)

struct rig {
	char dir[128];
	char path[160];
	struct clock_manual clock;
	struct lane *lane;
	struct ledger *ledger;
	struct ledger_reader *reader;
	struct target target;
};

static inline int
rig_start(struct rig *rig)
{
	int rc;

	rig->lane = lane_new("store", 64 << 20);
	rc = ledger_open(&rig->ledger, rig->path, rig->lane, &rig->clock.clock);
	if (rc == 0)
		rc = ledger_reader_open(&rig->reader, rig->path);
	return rc;
}

static inline void
rig_stop(struct rig *rig)
{
	lane_free(rig->lane);
	ledger_reader_close(rig->reader);
	ledger_close(rig->ledger);
	rig->lane = NULL;
	rig->reader = NULL;
	rig->ledger = NULL;
}

static inline void
rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	store_folder_make(rig->dir, sizeof(rig->dir), "ledger");
	snprintf(rig->path, sizeof(rig->path), "%s/ledger.db", rig->dir);
	clock_manual_init(&rig->clock, 1000 * US_PER_S, START);
	rig->target = store_target("wizja", "sp1", "login");
	assert_int_equal(rig_start(rig), 0);
}

static inline void
rig_fini(struct rig *rig)
{
	if (rig->lane != NULL)
		rig_stop(rig);
	store_folder_remove(rig->dir);
}

static inline void
rig_drain(struct rig *rig)
{
	store_drain(rig->lane);
}

static inline void
rig_tick(struct rig *rig)
{
	assert_int_equal(ledger_tick(rig->ledger, rig->clock.wall), 0);
	rig_drain(rig);
}

static inline struct incident
rig_incident(int64_t number, wall_us resolved)
{
	struct incident incident = {
	    .number = number,
	    .rule = "down",
	    .scope = "wizja/sp1",
	    .severity = 2,
	    .opened = START + number * US_PER_S,
	    .resolved = resolved,
	    .reason = REASON_CONNECT_REFUSED,
	    .side = SIDE_NETWORK,
	    .phase = PHASE_TLS,
	    .step = "form",
	    .value = 0.25,
	    .threshold = NAN,
	    .attempts = 40,
	    .failed = 30,
	    .worst = 0.125,
	    .summary_pl = "za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87",
	    .summary_en = "wizja is down",
	    .trace_ids = {"0123456789abcdef0123456789abcdef",
		"fedcba9876543210fedcba9876543210"},
	};

	return incident;
}

static inline struct incident_entry
rig_entry(int64_t number, const char *kind)
{
	struct incident_entry entry = {.incident = number, .at = START};

	text_copy(entry.kind, sizeof(entry.kind), kind);
	text_copy(entry.text, sizeof(entry.text), "what happened");
	return entry;
}

static inline struct ledger_delivery
rig_delivery(int64_t id, int64_t incident, wall_us created)
{
	struct ledger_delivery delivery = {
	    .id = id,
	    .subscriber = "kurator",
	    .type = "incident.opened",
	    .incident = incident,
	    .created = created,
	    .next_try = created,
	};

	snprintf(delivery.webhook_id, sizeof(delivery.webhook_id), "msg_%lld",
	    (long long)id);
	return delivery;
}

#endif
