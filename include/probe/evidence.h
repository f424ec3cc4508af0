#ifndef PROBE_EVIDENCE_H
#define PROBE_EVIDENCE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/json.h"
#include "model/run.h"

/*
 * What a run leaves behind, for people and programs: the JSON of
 * /api/v1/runs/ID and its HAR 1.2. Holds no body, no cookie value, no secret.
 *
 * {"id","operator","deployment","vantage","time","latency_ms","start_late_ms",
 *  "loop_late_ms","tainted","ok",
 *  "results":[{"transaction","target","reason","side","step","phase",
 *    "latency_ms","http_status","exchanges","received_bytes","copies",
 *    "phases":{"dns","connect","tls","wait","receive"}}],
 *  "exchanges":[{"transaction","step","account","method","url","status",
 *    "http_version","address","tls","cipher",
 *    "certificate":{"subject","issuer","hosts","not_before","not_after"}|null,
 *    "span","media_type","location","note","reason",
 *    "offset_ms","latency_ms","reused","sent_bytes","received_bytes",
 *    "phases":{…}}]}
 */
struct jv *evidence_run(const struct run *run);

/* evidence_write appends the text of the same JSON; false when `out` is full.
 */
bool evidence_write(const struct run *run, struct buf *out) MUST_USE;

/* evidence_har: HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/)
 * from the JSON of evidence_run, borrowed. */
struct jv *evidence_har(const struct jv *run);

/* The operator's own words that led to a verdict are kept out: a page may
 * hold personal data. The note of an exchange says what was sought. What
 * dyzurny probe shows besides (`sought` and `excerpt` of an exchange) is not
 * in here, so that it is in no ledger and no HAR. */

#endif
