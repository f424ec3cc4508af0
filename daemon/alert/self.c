/*
 * The built-in rule "self": what is wrong with ourselves for a minute is an
 * incident, so that whoever runs us hears of it and looks for the cause here.
 * One for each kind of fault, until it has been over for a minute.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alert-int.h"
#include "base/text.h"

#define HOLD (60 * US_PER_S)

static const struct words {
	int severity;
	enum reason reason; /* REASON_OK: the list has none for it */
	const char *pl, *en;
} words[FAULT_COUNT] = {
    [FAULT_STORE] = {2, REASON_OK,
	"Dyżurny nie może zapisywać danych; pomiary trwają. Sprawdź dysk",
	"Dyżurny cannot write its data; measuring goes on. Look at the disk"},
    [FAULT_QUEUE] = {2, REASON_OK,
	"Kolejka zapisu Dyżurnego jest pełna, część wyników ginie",
	"Dyżurny's queue to the store is full, some results are lost"},
    [FAULT_DESCRIPTORS] = {2, REASON_FD_LIMIT,
	"Dyżurnemu brakuje deskryptorów plików. Podnieś LimitNOFILE",
	"Dyżurny is out of file descriptors. Raise LimitNOFILE"},
    [FAULT_UPLINK] = {2, REASON_UPLINK_DOWN,
	"Nasze łącze nie działa; nikogo nie oceniamy. Sprawdź własną sieć",
	"Our uplink is down; nobody is judged. Check our own network"},
    [FAULT_CLOCK] = {1, REASON_CLOCK_JUMP,
	"Zegar tej maszyny został przestawiony. Sprawdź synchronizację czasu",
	"The clock of this machine was set. Check its synchronisation"},
};

static void
scope_of(enum fault fault, char scope[MODEL_PATH_SIZE])
{
	snprintf(scope, MODEL_PATH_SIZE, "%s/_%s", INCIDENT_SCOPE_SELF,
	    fault_name(fault));
}

/* From before a restart, too. */
static struct incident *
find(struct alert *alert, enum fault fault)
{
	char scope[MODEL_PATH_SIZE];

	scope_of(fault, scope);
	for (size_t i = 0; i < alert->n_open; i++) {
		if (strcmp(alert->open[i].rule, INCIDENT_RULE_SELF) == 0 &&
		    strcmp(alert->open[i].scope, scope) == 0) {
			return &alert->open[i];
		}
	}
	return NULL;
}

static void
open_incident(struct alert *alert, enum fault fault, wall_us wall)
{
	struct incident incident = {
	    .number = ++alert->last_number,
	    .severity = words[fault].severity,
	    .opened = wall,
	    .reason = words[fault].reason,
	    .side = SIDE_OURS,
	    .value = NAN,
	    .threshold = NAN,
	    .worst = NAN,
	};
	char text[INCIDENT_TEXT_SIZE];

	text_copy(incident.rule, sizeof(incident.rule), INCIDENT_RULE_SELF);
	scope_of(fault, incident.scope);
	text_copy(
	    incident.summary_pl, sizeof(incident.summary_pl), words[fault].pl);
	text_copy(
	    incident.summary_en, sizeof(incident.summary_en), words[fault].en);
	snprintf(text, sizeof(text), "fault=%s side=ours", fault_name(fault));
	alert_tell(alert, NOTIFY_OPENED, "detected",
	    alert_insert_open(alert, &incident), text, wall);
}

void
alert_self(struct alert *alert, const bool faults[FAULT_COUNT], mono_us now,
    wall_us wall)
{
	for (int i = 0; i < FAULT_COUNT; i++) {
		struct self *self = &alert->self[i];
		struct incident *incident = find(alert, (enum fault)i);
		char text[INCIDENT_TEXT_SIZE];

		if (self->since == 0 || self->bad != faults[i]) {
			self->bad = faults[i];
			self->since = now;
		}
		if (self->bad == (incident != NULL) ||
		    now - self->since < HOLD) {
			continue;
		}
		if (!incident) {
			open_incident(alert, (enum fault)i, wall);
			continue;
		}
		snprintf(
		    text, sizeof(text), "fault=%s", fault_name((enum fault)i));
		alert_resolve(alert, incident, text, wall);
	}
}
