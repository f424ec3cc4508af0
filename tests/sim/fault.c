/*
 * Faults: which are set at an operator, and whether one strikes now. What a
 * struck request looks like is the business of server.c, answer.c and the
 * operators.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static const char *const fault_names[FAULT_KINDS] = {
    [FAULT_HTTP_503] = "http_503",
    [FAULT_OVERLOAD_PAGE] = "overload_page",
    [FAULT_MAINTENANCE_PAGE] = "maintenance_page",
    [FAULT_MAINTENANCE_REDIRECT] = "maintenance_redirect",
    [FAULT_TOO_MANY_REQUESTS] = "too_many_requests",
    [FAULT_ERROR_PAGE] = "error_page",
    [FAULT_WAF_PAGE] = "waf_page",
    [FAULT_FEATURE_OFF] = "feature_off",
    [FAULT_WRONG_ADDRESS] = "wrong_address",
    [FAULT_NOT_FOUND] = "not_found",
    [FAULT_CHANGED_FLOW] = "changed_flow",
    [FAULT_WRONG_PASSWORD_PAGE] = "wrong_password_page",
    [FAULT_ACCOUNT_LOCKED] = "account_locked",
    [FAULT_ACCOUNT_EXPIRED] = "account_expired",
    [FAULT_CAPTCHA] = "captcha",
    [FAULT_INTERSTITIAL] = "interstitial",
    [FAULT_SESSION_LOST] = "session_lost",
    [FAULT_SESSION_LOST_401] = "session_lost_401",
    [FAULT_SESSION_LOST_409] = "session_lost_409",
    [FAULT_SESSION_LOST_REDIRECT] = "session_lost_redirect",
    [FAULT_SESSION_LOST_LOGIN_PAGE] = "session_lost_login_page",
    [FAULT_HANG] = "hang",
    [FAULT_TRICKLE] = "trickle",
    [FAULT_RESET] = "reset",
    [FAULT_TRUNCATE] = "truncate",
    [FAULT_MESSAGE_LOST] = "message_lost",
    [FAULT_MESSAGE_LATE] = "message_late",
    [FAULT_MESSAGE_TWICE] = "message_twice",
    [FAULT_HUGE_BODY] = "huge_body",
    [FAULT_REDIRECT_LOOP] = "redirect_loop",
    [FAULT_GZIP_BOMB] = "gzip_bomb",
    [FAULT_SLOW] = "slow",
    [FAULT_REFUSE] = "refuse",
};

static const char *const class_names[CLASSES] = {
    [CLASS_LOGIN] = "login",
    [CLASS_GRADES] = "grades",
    [CLASS_MESSAGE] = "message",
    [CLASS_LOGOUT] = "logout",
    [CLASS_OTHER] = "other",
    [CLASS_PLAIN] = "plain",
};

const char *
fault_name(enum fault_kind kind)
{
	return fault_names[kind];
}

int
fault_by_name(const char *name)
{
	for (int kind = 0; kind < FAULT_KINDS; kind++)
		if (same(name, fault_names[kind]))
			return kind;
	return -1;
}

bool
fault_is_symptom(enum fault_kind kind)
{
	return kind <= FAULT_CHANGED_FLOW || kind == FAULT_ACCOUNT_EXPIRED ||
	    kind == FAULT_INTERSTITIAL ||
	    (kind >= FAULT_SESSION_LOST_401 &&
		kind <= FAULT_SESSION_LOST_LOGIN_PAGE);
}

const char *class_name(enum path_class class)
{
	return class_names[class];
}

static bool
is_meant(const struct fault *fault, const struct exchange *x)
{
	char where[sizeof(x->method) + sizeof(x->host) + sizeof(x->path)];

	if (fault->dep != NULL && fault->dep != x->dep)
		return false;
	if (fault->class >= 0 && fault->class != (int)x->class)
		return false;
	/* what a school can switch off is a module */
	if (fault->kind == FAULT_FEATURE_OFF && fault->class < 0 &&
	    (x->class == CLASS_LOGIN || x->class == CLASS_LOGOUT))
		return false;
	if (fault->symptom != NULL && fault->symptom->once_inside != x->inside)
		return false;
	if (fault->at[0] == '\0')
		return true;
	snprintf(where, sizeof(where), "%s %s%s", x->method, x->host, x->path);
	return strstr(where, fault->at) != NULL;
}

bool
fault_hits(struct exchange *x, enum fault_kind kind, struct fault *hit)
{
	if (x->class == CLASS_PLAIN)
		return false;
	for (size_t i = 0; i < FAULTS_MAX; i++) {
		struct fault *fault = &x->op->faults[i];
		if (!fault->used || fault->kind != kind || !is_meant(fault, x))
			continue;
		if (fault->share < 1 &&
		    queue_uniform(&x->op->random) >= fault->share)
			continue;
		*hit = *fault;
		if (fault->count > 0 && --fault->count == 0)
			fault->used = false;
		return true;
	}
	return false;
}

bool
fault_strikes(struct exchange *x, enum fault_kind kind, double *delay_s)
{
	struct fault hit;

	if (!fault_hits(x, kind, &hit))
		return false;
	if (delay_s != NULL)
		*delay_s = hit.delay_s;
	return true;
}

/* ---- the gzip bomb ---- */

enum { BOMB_RUNS = 260000, BOMB_RUN = 258, BOMB_BYTES = 512 * 1024 };

static unsigned char bomb[BOMB_BYTES];
static size_t bomb_len;

/* Huffman codes go in with their highest bit first, the rest lowest first. */
static size_t
put_code(size_t bit, unsigned code, int n_bits)
{
	while (n_bits-- > 0) {
		if (code >> n_bits & 1)
			bomb[bit / 8] |= (unsigned char)(1u << bit % 8);
		bit++;
	}
	return bit;
}

static uint32_t
crc_of_spaces(size_t n)
{
	uint32_t table[256];
	uint32_t crc = 0xffffffffu;

	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
		table[i] = c;
	}
	for (size_t i = 0; i < n; i++)
		crc = table[(crc ^ ' ') & 0xff] ^ crc >> 8;
	return ~crc;
}

/*
 * One space, then runs of 258 bytes copied from one byte back, in the fixed
 * code of RFC 1951: 13 bits for each run.
 */
static void
build_bomb(void)
{
	static const unsigned char header[10] = {
	    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	const uint32_t size = 1 + BOMB_RUNS * BOMB_RUN;
	uint32_t crc = crc_of_spaces(size);
	size_t bit = 8 * sizeof(header);

	memcpy(bomb, header, sizeof(header));
	bit = put_code(bit, 6, 3); /* last block, fixed code */
	bit = put_code(bit, 0x30 + ' ', 8);
	for (int i = 0; i < BOMB_RUNS; i++) {
		bit = put_code(bit, 0xc5, 8); /* length 258 */
		bit = put_code(bit, 0, 5); /* distance 1 */
	}
	bit = put_code(bit, 0, 7); /* end of block */
	size_t at = (bit + 7) / 8;
	for (int shift = 0; shift < 32; shift += 8)
		bomb[at++] = (unsigned char)(crc >> shift);
	for (int shift = 0; shift < 32; shift += 8)
		bomb[at++] = (unsigned char)(size >> shift);
	bomb_len = at;
}

void *
fault_gzip_bomb(size_t *len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, build_bomb);
	*len = bomb_len;
	return bomb;
}
