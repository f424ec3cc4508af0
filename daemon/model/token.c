/* Tokens: made, told apart, proved. */
#include "model/token.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

#define ID_LEN (TOKEN_ID_SIZE - 1)
#define PREFIX_LEN (sizeof(TOKEN_PREFIX) - 1)
#define SECRET_LEN ((size_t)2 * TOKEN_SECRET_BYTES)

static const char *const role_names[] = {
    [ROLE_NONE] = "none",
    [ROLE_OPERATOR] = "operator",
    [ROLE_STAFF] = "staff",
    [ROLE_ADMIN] = "admin",
};

const char *
role_name(enum role role)
{
	return role_names[role];
}

bool
role_parse(const char *name, enum role *role)
{
	for (int i = ROLE_OPERATOR; i <= ROLE_ADMIN; i++) {
		if (strcmp(name, role_names[i]) == 0) {
			*role = (enum role)i;
			return true;
		}
	}
	return false;
}

static void
to_hex(const uint8_t *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

static const char *
secret_of(const char *text)
{
	return text + PREFIX_LEN + ID_LEN + 1;
}

void
token_make(struct token *token, char text[TOKEN_TEXT_SIZE])
{
	uint8_t id[ID_LEN / 2], secret[TOKEN_SECRET_BYTES];
	char hex[2 * TOKEN_SECRET_BYTES + 1];

	crypto_random(id, sizeof(id));
	crypto_random(secret, sizeof(secret));
	to_hex(id, sizeof(id), token->id);
	to_hex(secret, sizeof(secret), hex);
	crypto_sha256(hex, SECRET_LEN, token->digest);
	snprintf(
	    text, TOKEN_TEXT_SIZE, "%s%s_%s", TOKEN_PREFIX, token->id, hex);
	crypto_wipe(secret, sizeof(secret));
	crypto_wipe(hex, sizeof(hex));
}

bool
token_id(const char *text, char id[TOKEN_ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	if (strncmp(text, TOKEN_PREFIX, PREFIX_LEN) != 0 ||
	    strspn(text + PREFIX_LEN, digits) != ID_LEN ||
	    text[PREFIX_LEN + ID_LEN] != '_' ||
	    strspn(secret_of(text), digits) != SECRET_LEN ||
	    secret_of(text)[SECRET_LEN] != '\0') {
		return false;
	}
	memcpy(id, text + PREFIX_LEN, ID_LEN);
	id[ID_LEN] = '\0';
	return true;
}

bool
token_proves(const struct token *token, const char *text)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char id[TOKEN_ID_SIZE];

	if (!token_id(text, id) || strcmp(id, token->id) != 0) {
		return false;
	}
	crypto_sha256(secret_of(text), SECRET_LEN, digest);
	return crypto_equal(digest, token->digest, sizeof(digest));
}

bool
token_holds(const struct token *token, wall_us now)
{
	return token->revoked == 0 && now < token->expires;
}

struct jv *
token_json(const struct token *token, wall_us now)
{
	struct jv *object = jv_object();

	jv_set(object, "id", jv_string(token->id));
	jv_set(object, "name", jv_string(token->name));
	jv_set(object, "role", jv_string(role_name(token->role)));
	jv_set(object, "operator", jv_text(token->op));
	jv_set(object, "created", jv_time(token->created));
	jv_set(object, "created_by", jv_string(token->created_by));
	jv_set(object, "expires", jv_time(token->expires));
	jv_set(object, "revoked", jv_time(token->revoked));
	jv_set(object, "last_used", jv_time(token->last_used));
	jv_set(object, "valid", jv_bool(token_holds(token, now)));
	return object;
}
