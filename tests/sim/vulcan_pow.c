/*
 * What the login forms of today carry against machines: an anti-forgery
 * token, half of it in a cookie, and a challenge whose answer costs some
 * work. Both are made of one random number by a key of this process, so that
 * nothing has to be remembered; after ten minutes the form is stale.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "vulcan-int.h"

enum {
	ROUNDS = 15, /* as seen */
	/* a round takes 4096 tries on the average */
	DIFFICULTY = 1 << 20,
	FORM_LIFE_S = 600,
	NONCE_SIZE = 64,
	NONCE_DIGITS = 10,
	BUFFER_MAX = 64 + ROUNDS * NONCE_DIGITS,
};

static const char cookie_name[] = "__RequestVerificationToken";

static unsigned char key[32];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void
draw_key(void)
{
	if (RAND_bytes(key, sizeof(key)) != 1)
		abort();
}

void
vulcan_seal(struct text *out, const char *string)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	pthread_once(&key_once, draw_key);
	if (HMAC(EVP_sha256(), key, sizeof(key), (const unsigned char *)string,
		strlen(string), mac, &len) == NULL)
		abort();
	text_base64(out, (const char *)mac, len);
	for (char *at = out->at; *at != '\0'; at++) {
		if (*at == '+')
			*at = '-';
		else if (*at == '/')
			*at = '_';
		else if (*at == '=')
			out->len = (size_t)(at - out->at);
	}
	out->at[out->len] = '\0';
}

/* What belongs to the number `nonce` and is called `what`. */
static void
derive(struct text *out, const char *nonce, const char *what)
{
	struct text whole = {0};

	text_addf(&whole, "%s %s", what, nonce);
	vulcan_seal(out, text_of(&whole));
	text_fini(&whole);
}

static bool
is_fresh(struct exchange *x, const char *nonce)
{
	long now = (long)oper_time(x->op);
	long made;

	if (nonce == NULL || strlen(nonce) >= NONCE_SIZE)
		return false;
	made = strtol(nonce, NULL, 16);
	return made <= now && now - made <= FORM_LIFE_S;
}

void
vulcan_form_fields(struct exchange *x, bool asked)
{
	const char *shown = request_cookie(x, cookie_name);
	char random[33];
	char nonce[NONCE_SIZE];
	struct text seal = {0};

	/* shown again after a refusal it is the same form */
	if (is_fresh(x, shown)) {
		snprintf(nonce, sizeof(nonce), "%s", shown);
	} else {
		session_token(random);
		snprintf(nonce, sizeof(nonce), "%lx.%s", (long)oper_time(x->op),
		    random);
		reply_cookie(x, cookie_name, nonce, VULCAN_COOKIES);
	}
	derive(&seal, nonce, "form");
	text_addf(&x->out,
	    "<input name=\"__RequestVerificationToken\" type=\"hidden\" "
	    "value=\"%s\">",
	    text_of(&seal));
	if (!asked) {
		text_fini(&seal);
		text_add(&x->out,
		    "<input type=\"hidden\" id=\"captcha-response\" "
		    "name=\"captcha-response\" value=\"\">");
		return;
	}
	text_clear(&seal);
	derive(&seal, nonce, "challenge");
	text_addf(&x->out,
	    "<div class=\"captcha-wrapper\" data-challenge=\"%s\" "
	    "data-difficulty=\"%d\" data-rounds=\"%d\">"
	    "<input type=\"hidden\" id=\"captcha-response\" "
	    "name=\"captcha-response\" value=\"\"></div>",
	    text_of(&seal), DIFFICULTY, ROUNDS);
	text_fini(&seal);
}

/* True if the first four bytes of the digest of `buffer` are small enough. */
static bool
is_small(const char *buffer)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)buffer, strlen(buffer), digest);
	return ((uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
		   (uint32_t)digest[2] << 8 | digest[3]) < DIFFICULTY;
}

/* The nonces behind each other, each of which must make its round small. */
static bool
work_done(const char *challenge, const char *answer)
{
	char buffer[BUFFER_MAX + 1];
	size_t len = (size_t)snprintf(buffer, sizeof(buffer), "%s", challenge);

	for (int round = 0; round < ROUNDS; round++) {
		size_t digits = strspn(answer, "0123456789");
		if (digits == 0 || digits > NONCE_DIGITS || *answer == '0' ||
		    len + digits > BUFFER_MAX)
			return false;
		memcpy(buffer + len, answer, digits);
		len += digits;
		buffer[len] = '\0';
		answer += digits;
		if (!is_small(buffer))
			return false;
		if (round + 1 < ROUNDS && *answer++ != ';')
			return false;
	}
	return *answer == '\0';
}

enum verdict { RIGHT, STALE, ROBOT };

static enum verdict
judge(struct exchange *x, bool asked)
{
	const char *nonce = request_cookie(x, cookie_name);
	const char *answer = request_form(x, "captcha-response");
	enum verdict verdict = RIGHT;
	struct text expected = {0};

	if (answer == NULL) /* its name in 2024 */
		answer = request_form(x, "captchaUser");
	if (!is_fresh(x, nonce))
		return STALE;
	derive(&expected, nonce, "form");
	if (!request_form_is(
		x, "__RequestVerificationToken", text_of(&expected))) {
		verdict = STALE;
	} else if (asked) {
		text_clear(&expected);
		derive(&expected, nonce, "challenge");
		if (answer == NULL || !work_done(text_of(&expected), answer))
			verdict = ROBOT;
	}
	text_fini(&expected);
	return verdict;
}

const struct account *
vulcan_form_login(struct exchange *x, bool asked, const char *user,
    const char *password, const char **error)
{
	static const char robot[] =
	    "Mechanizm zabezpieczający przeciw robotom i robakom "
	    "internetowym sygnalizuje, że żądanie nie zostało poprawnie "
	    "autoryzowane.";
	const struct account *account;

	switch (judge(x, asked)) {
	case STALE:
		*error = "Formularz wygasł. Spróbuj ponownie.";
		return NULL;
	case ROBOT:
		*error = robot;
		return NULL;
	case RIGHT:
		break;
	}
	switch (login_try(x, user, password, &account)) {
	case LOGIN_OK:
		return account;
	case LOGIN_WRONG:
		*error = "Zła nazwa użytkownika lub hasło";
		return NULL;
	case LOGIN_LOCKED:
		*error = "Konto nie zostało odnalezione lub zostało "
			 "zablokowane";
		return NULL;
	case LOGIN_CAPTCHA:
		*error = robot;
		return NULL;
	}
	abort();
}
