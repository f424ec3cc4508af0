/*
 * Sessions and one-time tickets of one operator: a hash table by token with
 * a bound, the least recently used thrown out first. The names of cookies
 * and what a session stands for are the operators' own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "sim.h"

void
session_token(char token[33])
{
	unsigned char bytes[16];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
}

void
session_keep(char token[TOKEN_SIZE], const char *text)
{
	snprintf(token, TOKEN_SIZE, "%s", text != NULL ? text : "");
}

static struct session **
bucket_of(struct session_table *table, const char *id)
{
	uint32_t hash = 2166136261u;

	for (; *id != '\0'; id++)
		hash = (hash ^ (unsigned char)*id) * 16777619u;
	return &table->bucket[hash % SESSION_BUCKETS];
}

static void
list_remove(struct session_table *table, struct session *session)
{
	if (session->older != NULL)
		session->older->newer = session->newer;
	else
		table->oldest = session->newer;
	if (session->newer != NULL)
		session->newer->older = session->older;
	else
		table->newest = session->older;
}

static void
list_append(struct session_table *table, struct session *session)
{
	session->older = table->newest;
	session->newer = NULL;
	if (table->newest != NULL)
		table->newest->newer = session;
	else
		table->oldest = session;
	table->newest = session;
}

void
session_drop(struct oper *op, struct session *session)
{
	struct session_table *table = &op->sessions;
	struct session **at;

	if (session == NULL)
		return;
	at = bucket_of(table, session->id);
	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
	list_remove(table, session);
	table->n--;
	free(session);
}

void
session_drop_all(struct oper *op)
{
	while (op->sessions.oldest != NULL)
		session_drop(op, op->sessions.oldest);
}

struct session *
session_new(struct exchange *x, int kind, double life_s)
{
	struct session_table *table = &x->op->sessions;
	struct session *session;
	struct session **bucket;

	while (table->n >= SESSIONS_MAX)
		session_drop(x->op, table->oldest);
	session = calloc(1, sizeof(*session));
	if (session == NULL)
		abort();
	session_token(session->id);
	session->kind = kind;
	session->dep = x->dep;
	session->life_s = life_s;
	session->expires_s = oper_now_s(x->op) + life_s;
	bucket = bucket_of(table, session->id);
	session->next = *bucket;
	*bucket = session;
	list_append(table, session);
	table->n++;
	return session;
}

static struct session *
look_up(struct oper *op, const char *id)
{
	struct session *session = *bucket_of(&op->sessions, id);

	while (session != NULL && strcmp(session->id, id) != 0)
		session = session->next;
	if (session != NULL && session->expires_s < oper_now_s(op)) {
		session_drop(op, session);
		session = NULL;
	}
	return session;
}

struct session *
session_find(struct exchange *x, int kind, const char *id)
{
	struct session *session;

	if (id == NULL || strlen(id) != 32)
		return NULL;
	session = look_up(x->op, id);
	if (session == NULL || session->kind != kind || session->dep != x->dep)
		return NULL;
	if (session->parent[0] != '\0' &&
	    look_up(x->op, session->parent) == NULL) {
		session_drop(x->op, session);
		return NULL;
	}
	if (session->life_s > 0)
		session->expires_s = oper_now_s(x->op) + session->life_s;
	list_remove(&x->op->sessions, session);
	list_append(&x->op->sessions, session);
	if (session->account != NULL)
		x->logged_in = true;
	return session;
}

/* The natural way shows what the handler says to those without a session. */
static bool
is_lost(struct exchange *x)
{
	struct fault hit;

	for (int kind = FAULT_SESSION_LOST;
	     kind <= FAULT_SESSION_LOST_LOGIN_PAGE; kind++)
		if (fault_hits(x, (enum fault_kind)kind, &hit)) {
			x->instead = hit.symptom;
			return true;
		}
	return false;
}

struct session *
session_by_cookie(struct exchange *x, int kind, const char *cookie)
{
	struct session *session =
	    session_find(x, kind, request_cookie(x, cookie));

	if (session == NULL || session->account == NULL ||
	    x->class == CLASS_LOGIN || !is_lost(x))
		return session;
	session_drop(x->op, session);
	x->logged_in = false;
	return NULL;
}

size_t
session_count(struct oper *op)
{
	double now_s = oper_now_s(op);
	size_t n = 0;

	for (struct session *at = op->sessions.oldest; at != NULL;
	     at = at->newer)
		n += at->account != NULL && at->expires_s >= now_s;
	return n;
}

/* What a fault makes of credentials that may be good. */
static enum login
refuse(struct exchange *x, enum login verdict)
{
	static const struct {
		enum fault_kind kind;
		enum login verdict;
	} refusals[] = {
	    {FAULT_CAPTCHA, LOGIN_CAPTCHA},
	    {FAULT_ACCOUNT_LOCKED, LOGIN_LOCKED},
	    {FAULT_ACCOUNT_EXPIRED, LOGIN_LOCKED},
	    {FAULT_INTERSTITIAL, LOGIN_LOCKED},
	    {FAULT_WRONG_PASSWORD_PAGE, LOGIN_WRONG},
	};
	struct fault hit;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (fault_hits(x, refusals[i].kind, &hit)) {
			x->instead = hit.symptom;
			return refusals[i].verdict;
		}
	return verdict;
}

static unsigned *
refusals_of(struct exchange *x, const char *user)
{
	for (size_t i = 0; sim_accounts[i].oper != NULL; i++)
		if (i < ACCOUNTS_MAX &&
		    same(sim_accounts[i].oper, x->op->play->name) &&
		    same(sim_accounts[i].deployment, x->dep->name) &&
		    same(sim_accounts[i].user, user))
			return &x->op->refused[i];
	return NULL;
}

unsigned
login_refusals(struct exchange *x, const char *user)
{
	const unsigned *refused = refusals_of(x, user);

	return refused != NULL ? *refused : 0;
}

enum login
login_try(struct exchange *x, const char *user, const char *password,
    const struct account **account)
{
	unsigned *refused = refusals_of(x, user);
	enum login verdict;

	*account = NULL;
	for (const struct account *at = sim_accounts; at->oper != NULL; at++)
		if (same(at->oper, x->op->play->name) &&
		    same(at->deployment, x->dep->name) &&
		    same(at->user, user) && same(at->password, password))
			*account = at;
	verdict = refuse(x, *account != NULL ? LOGIN_OK : LOGIN_WRONG);
	if (verdict == LOGIN_OK)
		x->op->counters.logins++;
	else
		x->op->counters.login_failures++;
	if (refused != NULL && verdict == LOGIN_OK)
		*refused = 0;
	else if (refused != NULL && verdict == LOGIN_WRONG)
		++*refused;
	return verdict;
}
