/*
 * The guard of the accounts: a monitor that goes on logging in with a refused
 * password locks the account, or hammers a login page as an attacker would.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "sched-int.h"

static struct account_stop *
find(const struct sched *sched, const char *account)
{
	size_t at;

	return index_find(&sched->stopped_names, account, &at)
	    ? &sched->stops[at]
	    : NULL;
}

/* The stops have moved. */
static void
index_stops(struct sched *sched)
{
	index_fini(&sched->stopped_names);
	for (size_t i = 0; i < sched->n_stops; i++) {
		size_t at = i;

		index_add(&sched->stopped_names, sched->stops[i].account, &at);
	}
}

static bool
uses(const struct conf_deployment *deployment, const char *account)
{
	const struct conf_account *sender = deployment->sender;
	const struct conf_account *recipient = deployment->recipient;

	return (sender != NULL && strcmp(sender->name, account) == 0) ||
	    (recipient != NULL && strcmp(recipient->name, account) == 0);
}

const struct account_stop *
guard_stop_of(
    const struct sched *sched, const struct conf_deployment *deployment)
{
	const struct account_stop *stop = NULL;

	if (sched->n_stops > 0 && deployment->sender != NULL)
		stop = find(sched, deployment->sender->name);
	if (sched->n_stops > 0 && stop == NULL && deployment->recipient != NULL)
		stop = find(sched, deployment->recipient->name);
	return stop;
}

void
sched_restore_account(struct sched *sched, const struct account_stop *stop)
{
	if (find(sched, stop->account) != NULL)
		return;
	sched->stops =
	    mem_grow(sched->stops, sched->n_stops + 1, sizeof(*sched->stops));
	sched->stops[sched->n_stops++] = *stop;
	index_stops(sched);
}

size_t
sched_account_stops(
    const struct sched *sched, const struct account_stop **stops)
{
	*stops = sched->stops;
	return sched->n_stops;
}

/* ---- credentials ---- */

#define KEY_ID_BYTES 8
#define KEY_ID_DIGITS (2 * (size_t)KEY_ID_BYTES)
#define DIGESTED_MAX 16384 /* two secrets of 4096 bytes at most */

static const struct conf_account *
account_find(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_accounts; i++) {
		if (strcmp(conf->accounts[i].name, name) == 0)
			return &conf->accounts[i];
	}
	return NULL;
}

static size_t
add_hex(char *out, size_t at, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + at + 2 * i, 3, "%02x", bytes[i]);
	return at + 2 * n;
}

/* The key's name, a colon, and the digest of user and password: values have
 * no NUL, so that one divides them. */
static void
digest(const struct sched *sched, const struct conf_account *account,
    char out[ACCOUNT_DIGEST_SIZE])
{
	const struct secret *user = conf_account_field(account, "user");
	const struct secret *password = conf_account_field(account, "password");
	uint8_t hash[CRYPTO_SHA256_BYTES];
	struct buf both;
	size_t at;

	crypto_hmac_sha256(sched->key, sizeof(sched->key), "", 0, hash);
	at = add_hex(out, 0, hash, KEY_ID_BYTES);
	out[at++] = ':';
	buf_init_secret(&both, DIGESTED_MAX);
	buf_add(&both, secret_reveal(user), secret_len(user) + 1);
	buf_add(&both, secret_reveal(password), secret_len(password));
	crypto_hmac_sha256(
	    sched->key, sizeof(sched->key), both.data, both.len, hash);
	buf_fini(&both);
	(void)add_hex(out, at, hash, sizeof(hash));
}

/* Are they known to be others than those that were refused? What was digested
 * with another key says nothing. */
static bool
credentials_differ(const struct sched *sched, const struct account_stop *stop,
    const struct conf_account *now)
{
	char digested[ACCOUNT_DIGEST_SIZE];

	digest(sched, now, digested);
	return strncmp(stop->credentials, digested, KEY_ID_DIGITS) == 0 &&
	    strcmp(stop->credentials, digested) != 0;
}

/* ---- stopped ---- */

/* A run may outlive a reload: refused was what it began with. */
static bool
is_outdated(struct slot *slot, struct account_stop *stop)
{
	const struct sched *sched = slot->sched;
	const struct conf_account *used =
	    account_find(slot->run_conf, stop->account);
	const struct conf_account *now =
	    account_find(sched->conf, stop->account);

	if (used != NULL)
		digest(sched, used, stop->credentials);
	return now != NULL && credentials_differ(sched, stop, now);
}

void
guard_note(struct slot *slot, const struct result *result)
{
	struct sched *sched = slot->sched;
	struct account_stop stop = {
	    .reason = result->reason,
	    .since = clock_wall(loop_clock(sched->loop)),
	};
	struct slot *other;

	if (!reason_stops_account(result->reason) ||
	    result->account[0] == '\0' || find(sched, result->account) != NULL)
		return;
	text_copy(stop.account, sizeof(stop.account), result->account);
	text_copy(stop.target, sizeof(stop.target), result->target->path);
	text_copy(stop.step, sizeof(stop.step), result->step);
	text_copy(stop.run_id, sizeof(stop.run_id), result->run_id);
	if (is_outdated(slot, &stop)) {
		log_warn("old credentials refused",
		    "account=%s reason=%s target=%s step=%s", stop.account,
		    reason_name(stop.reason), stop.target, stop.step);
		return;
	}
	sched_restore_account(sched, &stop);
	log_error("account stopped",
	    "account=%s reason=%s target=%s step=%s action=\"no further logins "
	    "until it is released\"",
	    stop.account, reason_name(stop.reason), stop.target, stop.step);
	TAILQ_FOREACH(other, &sched->slots, link)
	{
		if (!other->gone && uses(other->deployment, stop.account))
			slot_halt(other, slot);
	}
	sched->account_stopped(sched->arg, &stop);
}

/* ---- released ---- */

/* Those of its deployments that no other account holds back have a new start,
 * which is not late for what was missed. */
static void
release(struct sched *sched, struct account_stop *at, const char *by)
{
	struct account_stop stop = *at;
	struct slot *slot;

	sched->n_stops--;
	memmove(at, at + 1,
	    (size_t)(&sched->stops[sched->n_stops] - at) * sizeof(*at));
	index_stops(sched);
	log_info("account released", "account=%s by=%s", stop.account, by);
	TAILQ_FOREACH(slot, &sched->slots, link)
	{
		if (slot->gone || !uses(slot->deployment, stop.account) ||
		    guard_stop_of(sched, slot->deployment) != NULL ||
		    slot->run != NULL)
			continue;
		slot_first_due(slot);
		slot_arm(slot);
	}
	sched->account_released(sched->arg, &stop, by);
}

bool
sched_release_account(struct sched *sched, const char *account, const char *by)
{
	struct account_stop *stop = find(sched, account);

	if (stop == NULL)
		return false;
	release(sched, stop, by);
	return true;
}

/* An account that is not configured stays stopped: it may come back. */
void
guard_apply(struct sched *sched)
{
	for (size_t i = sched->n_stops; i-- > 0;) {
		struct account_stop *stop = &sched->stops[i];
		const struct conf_account *now =
		    account_find(sched->conf, stop->account);

		if (now != NULL && credentials_differ(sched, stop, now))
			release(sched, stop, "credentials");
	}
}
