#ifndef MODEL_TOKEN_H
#define MODEL_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "model/target.h"

/*
 * A token lets a person or a program change things over HTTP. It is shown
 * once, as "edz_ID_SECRET", so that scanners of leaked secrets know it: ID are
 * 12 hex digits and tell which one it is, SECRET are 32 random bytes in hex, of
 * which only the SHA-256 is kept. 256 random bits need no slow digest.
 */
#define TOKEN_PREFIX "edz_"
#define TOKEN_ID_SIZE 13
#define TOKEN_SECRET_BYTES 32
#define TOKEN_TEXT_SIZE 96
#define TOKEN_DAYS_MOST 366
#define TOKENS_OF_ONE 2 /* valid at once: the one and its successor */

/* Each may do what those before it may. */
enum role {
	ROLE_NONE,
	ROLE_OPERATOR, /* of its own operator: maintenance, incidents */
	ROLE_STAFF, /* of the ministry: the same of all, and silences */
	ROLE_ADMIN /* everything */
};
const char *role_name(enum role role);
bool role_parse(const char *name, enum role *role);

struct token {
	char id[TOKEN_ID_SIZE];
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char name[MODEL_NAME_SIZE]; /* of the person or program */
	enum role role;
	char op[MODEL_NAME_SIZE]; /* of an operator's own; else "" */
	wall_us created;
	char created_by[MODEL_NAME_SIZE];
	wall_us expires;
	wall_us revoked; /* 0: not */
	wall_us last_used; /* to the hour; 0: never */
};

/* token_make fills id and digest, and `text` with what is shown once; the
 * caller wipes it. Entropy from the kernel. */
void token_make(struct token *token, char text[TOKEN_TEXT_SIZE]);

/* token_id: the id of such a text, copied; false when it is none. */
bool token_id(const char *text, char id[TOKEN_ID_SIZE]);

/* token_proves: it is that token's text, compared in constant time. Whether
 * the token still holds is another question: */
bool token_proves(const struct token *token, const char *text);
bool token_holds(const struct token *token, wall_us now);

struct jv;

/* token_json: {"id","name","role","operator","created","created_by","expires",
 * "revoked","last_used","valid"}; no digest. */
struct jv *token_json(const struct token *token, wall_us now);

#endif
