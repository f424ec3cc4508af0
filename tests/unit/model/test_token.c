/* Tokens: what proves them, and what does not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "model/token.h"

static void
only_its_own_text_proves_a_token(void **state)
{
	struct token token = {0}, other = {0};
	char text[TOKEN_TEXT_SIZE], others[TOKEN_TEXT_SIZE];
	char id[TOKEN_ID_SIZE];

	(void)state;
	token_make(&token, text);
	token_make(&other, others);
	assert_string_not_equal(text, others);
	assert_true(token_id(text, id));
	assert_string_equal(id, token.id);
	assert_true(token_proves(&token, text));
	assert_false(token_proves(&token, others));
	/* another's secret under this id */
	memcpy(others, text, strlen(TOKEN_PREFIX) + TOKEN_ID_SIZE);
	assert_true(token_id(others, id));
	assert_false(token_proves(&token, others));
}

static void
no_text_with_another_character_proves_it(void **state)
{
	struct token token = {0};
	char text[TOKEN_TEXT_SIZE];

	(void)state;
	token_make(&token, text);
	for (size_t i = 0; text[i] != '\0'; i++) {
		char was = text[i];

		text[i] = was == '0' ? '1' : '0';
		assert_false(token_proves(&token, text));
		text[i] = was;
	}
	for (size_t len = strlen(text); len-- > 0;) {
		char id[TOKEN_ID_SIZE];

		text[len] = '\0';
		assert_false(token_id(text, id));
	}
}

static void
it_holds_until_it_expires_or_is_revoked(void **state)
{
	struct token token = {.expires = 100};

	(void)state;
	assert_true(token_holds(&token, 99));
	assert_false(token_holds(&token, 100));
	token.revoked = 50;
	assert_false(token_holds(&token, 60));
}

static void
what_is_told_of_it_holds_no_secret(void **state)
{
	struct token token = {.name = "Anna", .role = ROLE_STAFF};
	char text[TOKEN_TEXT_SIZE], digest[2 * CRYPTO_SHA256_BYTES + 1];
	struct buf out;
	struct jv *json;

	(void)state;
	token_make(&token, text);
	for (size_t i = 0; i < CRYPTO_SHA256_BYTES; i++)
		snprintf(digest + 2 * i, 3, "%02x", token.digest[i]);
	json = token_json(&token, 0);
	buf_init(&out, 4096);
	assert_true(jv_dump(json, &out));
	assert_null(
	    strstr(out.data, text + strlen(TOKEN_PREFIX) + TOKEN_ID_SIZE));
	assert_null(strstr(out.data, digest));
	assert_non_null(strstr(out.data, "\"role\":\"staff\""));
	buf_fini(&out);
	jv_release(json);
}

static void
roles_have_names(void **state)
{
	enum role role;

	(void)state;
	for (int i = ROLE_OPERATOR; i <= ROLE_ADMIN; i++) {
		assert_true(role_parse(role_name((enum role)i), &role));
		assert_int_equal(role, i);
	}
	assert_false(role_parse("none", &role));
	assert_false(role_parse("Admin", &role));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_its_own_text_proves_a_token),
	    cmocka_unit_test(no_text_with_another_character_proves_it),
	    cmocka_unit_test(it_holds_until_it_expires_or_is_revoked),
	    cmocka_unit_test(what_is_told_of_it_holds_no_secret),
	    cmocka_unit_test(roles_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
