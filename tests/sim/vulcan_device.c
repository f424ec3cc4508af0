/*
 * Telephones at Vulcan's mobile interface ("Hebe"): pairing by a token and a
 * PIN, or by the tokens of the pupils for those of eduVULCAN, and the
 * certificate that is registered with them. What goes wrong is HTTP 200 with
 * a Status.Code.
 *
 * A token comes from the pupil's module (RejestracjaUrzadzeniaToken) and is
 * good once, for 15 minutes. Besides, so that a client can be tried without
 * the web, each account has one that does not run out: 3S1, the first three
 * letters of the symbol and the number of the pupil, as 3S1GDA611; its PIN is
 * that number with zeros before it, six digits.
 *
 * What the sources leave open and how it is here: 201 is a token that was
 * used, 204 one that ran out or has no tries left.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "vulcan-int.h"

enum { PAIRINGS = 64, DEVICES = 64, PAIRING_LIFE_S = 900, TRIES = 3 };

static const double DEVICE_LIFE_S = 365 * 86400.0;

static struct pairing {
	char token[16]; /* empty: a free place */
	char pin[8];
	const struct account *account;
	double until_s; /* 0: does not run out, and is good again */
	int tries;
	bool used;
} pairings[PAIRINGS];
static size_t next_pairing;

static struct device {
	char fingerprint[72]; /* empty: a free place */
	char session[33];
	EVP_PKEY *key; /* NULL: the certificate was a UUID */
	bool of_edu; /* registered by the tokens of pupils */
} devices[DEVICES];
static size_t next_device;

/* ---- answers ---- */

void
vulcan_hebe_time(struct text *out, time_t when)
{
	text_addf(out, "{\"Timestamp\":%ld000,", (long)when);
	text_time(out,
	    "\"Date\":\"%Y-%m-%d\",\"DateDisplay\":\"%d.%m.%Y\","
	    "\"Time\":\"%H:%M:%S\"}",
	    when);
}

void
vulcan_hebe_iso(struct text *out, time_t when)
{
	text_time(out, "\"%Y-%m-%dT%H:%M:%S\"", when);
}

static void
answer(struct exchange *x, const char *type, const char *body, int code,
    const char *message)
{
	char seed[33];
	char uuid[VULCAN_UUID_SIZE];

	session_token(seed);
	vulcan_uuid(uuid, seed);
	text_addf(&x->out,
	    "{\"Envelope\":%s,\"EnvelopeType\":\"%s\","
	    "\"InResponseTo\":null,\"RequestId\":\"%s\","
	    "\"Status\":{\"Code\":%d,\"Message\":",
	    body, type, uuid, code);
	text_json(&x->out, message);
	text_addf(&x->out, "},\"Timestamp\":%ld000,", (long)oper_time(x->op));
	text_time(&x->out, "\"TimestampFormatted\":\"%Y-%m-%d %H:%M:%S\"}",
	    oper_time(x->op));
	reply_status(x, 200, TYPE_JSON);
}

void
vulcan_envelope(struct exchange *x, const char *type, const char *body)
{
	answer(x, type, body, 0, "OK");
}

void
vulcan_hebe_fail(
    struct exchange *x, int code, const char *message, const char *envelope)
{
	answer(
	    x, "Object", envelope != NULL ? envelope : "null", code, message);
}

void
vulcan_device_routing(struct exchange *x)
{
	text_add(&x->out,
	    "3S1,https://lekcjaplus.vulcan.net.pl\r\n"
	    "TA1,https://uonetplus-komunikacja.umt.tarnow.pl\r\n"
	    "LU1,https://uonetplus-komunikacja.edu.lublin.eu\r\n");
	reply_status(x, 200, "text/plain");
}

/* ---- devices ---- */

/* What each request must have; `fingerprint` is of the signing key. */
static const char *
signature_of(struct exchange *x, char *fingerprint, size_t size)
{
	const char *signature = request_header(x, "Signature");

	if (strcmp(x->capture[0], x->dep->name) != 0)
		vulcan_hebe_fail(x, -1, "Invalid symbol", NULL);
	else if (request_header(x, "vOS") == NULL)
		vulcan_hebe_fail(x, 102, "Missing header: vOS", NULL);
	else if (signature == NULL ||
	    !vulcan_signature_part(signature, "keyId", fingerprint, size))
		vulcan_hebe_fail(x, 100, "Missing header: Signature", NULL);
	else
		return signature;
	return NULL;
}

static struct device *
device_by(const char *fingerprint)
{
	for (size_t i = 0; i < DEVICES; i++)
		if (devices[i].fingerprint[0] != '\0' &&
		    strcmp(devices[i].fingerprint, fingerprint) == 0)
			return &devices[i];
	return NULL;
}

const struct account *
vulcan_device_account(struct exchange *x)
{
	char fingerprint[72];
	const char *signature =
	    signature_of(x, fingerprint, sizeof(fingerprint));
	const struct device *device;
	const struct session *session = NULL;

	if (signature == NULL)
		return NULL;
	device = device_by(fingerprint);
	if (device != NULL)
		session = session_find(x, VULCAN_DEVICE, device->session);
	if (session == NULL) {
		vulcan_hebe_fail(x, 108, "Certificate not found", NULL);
		return NULL;
	}
	if (!vulcan_signature_right(x, device->key, device->of_edu, signature))
		return NULL;
	return session->account;
}

/* ---- pairing ---- */

static struct pairing *
pairing_put(const struct account *account)
{
	struct pairing *place = &pairings[next_pairing];

	next_pairing = (next_pairing + 1) % PAIRINGS;
	*place = (struct pairing){.account = account, .tries = TRIES};
	return place;
}

void
vulcan_pairing_new(struct exchange *x, const struct account *account,
    const char **token, const char **pin)
{
	struct pairing *place = pairing_put(account);
	char random[33];

	session_token(random);
	for (char *at = random; *at != '\0'; at++)
		*at = (char)toupper((unsigned char)*at);
	snprintf(place->token, sizeof(place->token), "3S1%.6s", random);
	snprintf(place->pin, sizeof(place->pin), "%06lu",
	    strtoul(random + 24, NULL, 16) % 1000000);
	place->until_s = oper_now_s(x->op) + PAIRING_LIFE_S;
	*token = place->token;
	*pin = place->pin;
}

/* The token of an account that does not run out. */
static void
standing_token(char token[16], const struct account *account)
{
	snprintf(token, 16, "3S1%.3s%d", account->deployment, account->pupil);
	for (char *at = token; *at != '\0'; at++)
		*at = (char)toupper((unsigned char)*at);
}

static struct pairing *
pairing_by(struct exchange *x, const char *token)
{
	struct pairing *place;

	for (size_t i = 0; i < PAIRINGS; i++)
		if (pairings[i].account != NULL &&
		    same(pairings[i].account->deployment, x->dep->name) &&
		    same(pairings[i].token, token))
			return &pairings[i];
	for (const struct account *at = sim_accounts; at->oper != NULL; at++) {
		char standing[16];
		if (!same(at->oper, "vulcan") ||
		    !same(at->deployment, x->dep->name))
			continue;
		standing_token(standing, at);
		if (!same(standing, token))
			continue;
		place = pairing_put(at);
		snprintf(place->token, sizeof(place->token), "%s", standing);
		snprintf(place->pin, sizeof(place->pin), "%06d",
		    at->pupil % 1000000);
		return place;
	}
	return NULL;
}

/* True if the pairing may be used with that PIN; else it was answered. */
static bool
pairing_right(struct exchange *x, struct pairing *pairing, const char *pin)
{
	char retries[40];

	if (pairing == NULL) {
		vulcan_hebe_fail(x, 200, "Token not found", NULL);
	} else if (pairing->used && pairing->until_s > 0) {
		vulcan_hebe_fail(x, 201, "Token was used", NULL);
	} else if (pairing->tries == 0 ||
	    (pairing->until_s > 0 && pairing->until_s < oper_now_s(x->op))) {
		vulcan_hebe_fail(x, 204, "Token expired", NULL);
	} else if (!same(pairing->pin, pin)) {
		x->op->counters.login_failures++;
		snprintf(retries, sizeof(retries), "{\"AvailableRetries\":%d}",
		    --pairing->tries);
		vulcan_hebe_fail(x, 203, "Wrong PIN", retries);
	} else {
		x->op->counters.logins++;
		pairing->tries = TRIES;
		pairing->used = true;
		return true;
	}
	return false;
}

/* Owns `key` from here on. */
static void
device_put(struct exchange *x, const char *fingerprint, EVP_PKEY *key,
    bool of_edu, const struct account *account)
{
	struct session *session = session_new(x, VULCAN_DEVICE, DEVICE_LIFE_S);
	struct device *device = device_by(fingerprint);

	session->account = account;
	if (device == NULL) {
		device = &devices[next_device];
		next_device = (next_device + 1) % DEVICES;
	}
	EVP_PKEY_free(device->key);
	device->key = key;
	device->of_edu = of_edu;
	snprintf(device->fingerprint, sizeof(device->fingerprint), "%s",
	    fingerprint);
	memcpy(device->session, session->id, sizeof(device->session));
}

static void
registered(struct exchange *x, const struct account *account)
{
	struct text body = {0};

	text_addf(&body, "{\"LoginId\":%s,\"UserLogin\":", account->mailbox);
	text_json(&body, account->user);
	text_add(&body, ",\"UserName\":");
	text_json(&body, account->user);
	text_addf(&body,
	    ",\"RestURL\":\"https://lekcjaplus.vulcan.net.pl/%s/\"}",
	    x->dep->name);
	vulcan_envelope(x, "AccountPayload", text_of(&body));
	text_fini(&body);
}

/*
 * What both ways of registering have: a signed request with a certificate
 * whose fingerprint signs; that of eduVULCAN need not say it, and the
 * certificate may be a UUID, without a key. False: it was answered.
 */
static bool
registering(struct exchange *x, bool of_edu, char *fingerprint, size_t size,
    EVP_PKEY **key)
{
	const json_t *envelope = json_object_get(request_json(x), "Envelope");
	const char *certificate =
	    json_string_value(json_object_get(envelope, "Certificate"));
	const char *thumbprint = json_string_value(
	    json_object_get(envelope, "CertificateThumbprint"));
	const char *type =
	    json_string_value(json_object_get(envelope, "CertificateType"));
	const char *signature = signature_of(x, fingerprint, size);
	bool keyless =
	    of_edu && same(type, "UUID") && vulcan_is_uuid(certificate);

	*key = NULL;
	if (signature == NULL)
		return false;
	if (certificate != NULL && !keyless)
		*key = vulcan_key_of(certificate);
	if ((*key == NULL && !keyless) ||
	    ((thumbprint != NULL || !of_edu) &&
		!same(thumbprint, fingerprint))) {
		vulcan_hebe_fail(x, 101, "Payload not bound to type", NULL);
	} else if (vulcan_signature_right(x, *key, of_edu, signature)) {
		return true;
	}
	EVP_PKEY_free(*key);
	return false;
}

void
vulcan_device_register(struct exchange *x)
{
	const json_t *envelope = json_object_get(request_json(x), "Envelope");
	const char *token =
	    json_string_value(json_object_get(envelope, "SecurityToken"));
	const char *pin = json_string_value(json_object_get(envelope, "PIN"));
	char fingerprint[72];
	EVP_PKEY *key;
	struct pairing *pairing;

	if (!registering(x, false, fingerprint, sizeof(fingerprint), &key))
		return;
	pairing = pairing_by(x, token);
	if (!pairing_right(x, pairing, pin)) {
		EVP_PKEY_free(key);
		return;
	}
	device_put(x, fingerprint, key, false, pairing->account);
	registered(x, pairing->account);
}

/* By what /api/ap of eduvulcan.pl gave. */
void
vulcan_device_register_jwt(struct exchange *x)
{
	const json_t *envelope = json_object_get(request_json(x), "Envelope");
	const json_t *tokens = json_object_get(envelope, "Tokens");
	char fingerprint[72];
	EVP_PKEY *key;
	const struct account *account;

	if (!registering(x, true, fingerprint, sizeof(fingerprint), &key))
		return;
	account =
	    vulcan_jwt_account(x, json_string_value(json_array_get(tokens, 0)));
	if (account == NULL) {
		EVP_PKEY_free(key);
		vulcan_hebe_fail(x, 200, "Token not found", NULL);
		return;
	}
	device_put(x, fingerprint, key, true, account);
	registered(x, account);
}
