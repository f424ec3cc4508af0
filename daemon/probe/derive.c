/*
 * Derivations: "NAME = pow CHALLENGE DIFFICULTY ROUNDS". A proof of work is
 * what some login pages ask a browser for instead of a captcha: the time it
 * takes is ours, so it is found on a worker, before the request, and bounded.
 */
#include "probe-int.h"

#include <stdint.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"

#define SHA256_BLOCK 64
#define SHA256_PADDING 9 /* at least, in the last block */
#define LOOK_EVERY 1024 /* attempts, between looks at `stop` */

static uint64_t
blocks_of(size_t len)
{
	return (len + SHA256_PADDING - 1) / SHA256_BLOCK + 1;
}

static const char *const argument_names[POW_ARGUMENTS] = {
    "challenge", "difficulty", "number of rounds"};

/* What is wrong with the numbers, by argument. */
static const char *const argument_ranges[POW_ARGUMENTS] = {
    "the challenge must be 1 to 256 bytes",
    "the difficulty must be a whole number from 1 to 4294967295",
    "the rounds must be a whole number from 1 to 64"};

/* ---- compiling ---- */

static bool
take_argument(
    enum pow_argument i, const char *text, size_t len, struct derivation *out)
{
	uint64_t number = 0;

	switch (i) {
	case POW_CHALLENGE:
		if (len == 0 || len > POW_CHALLENGE_MAX)
			return false;
		memcpy(out->buffer, text, len);
		out->len = len;
		return true;
	case POW_DIFFICULTY:
		if (text_u64_parse(text, &number) != 0 || number == 0 ||
		    number > UINT32_MAX)
			return false;
		out->difficulty = number;
		return true;
	case POW_ROUNDS:
		if (text_u64_parse(text, &number) != 0 || number == 0 ||
		    number > POW_ROUNDS_MAX)
			return false;
		out->rounds = number;
		return true;
	case POW_ARGUMENTS:
		break;
	}
	return false;
}

/* One without names is judged at once. */
static bool
judge_literal(struct scan *scan, const char *at, enum pow_argument i,
    const struct template *template)
{
	struct derivation ignored = {0};

	if (template->n != 1 || template->parts[0].kind != PART_TEXT ||
	    take_argument(
		i, template->parts[0].text, template->parts[0].len, &ignored))
		return true;
	probe_compile_problem(
	    scan->compiler, scan->text, at, "%s", argument_ranges[i]);
	return false;
}

static bool
scan_argument(struct scan *scan, enum pow_argument i, struct derive *out)
{
	struct template *template = &out->argument[i];
	const char *at = scan->at, *token;
	size_t len;
	bool good;

	if (*at == '"' || *at == '\'') {
		good = probe_scan_text(scan, template);
	} else {
		len = probe_scan_token(scan, &token);
		if (len == 0) {
			probe_compile_problem(scan->compiler, scan->text, at,
			    "the %s is needed here: it is written NAME = pow "
			    "CHALLENGE DIFFICULTY ROUNDS",
			    argument_names[i]);
			return false;
		}
		good = probe_template_compile(
		    scan->compiler, scan->text, token, token, len, template);
	}
	return good && judge_literal(scan, at, i, template);
}

static bool
scan_derivation(struct scan *scan, struct derive *out)
{
	int i;

	if (!probe_scan_word(scan, "=")) {
		probe_compile_problem(scan->compiler, scan->text, scan->at,
		    "= is needed after the name");
		return false;
	}
	if (!probe_scan_word(scan, "pow")) {
		probe_compile_problem(scan->compiler, scan->text, scan->at,
		    "unknown derivation: only pow is known, written NAME = pow "
		    "CHALLENGE DIFFICULTY ROUNDS");
		return false;
	}
	for (i = 0; i < POW_ARGUMENTS; i++)
		if (!scan_argument(scan, (enum pow_argument)i, out))
			return false;
	return probe_scan_end(scan);
}

bool
probe_derive_compile(
    struct compiler *compiler, const struct conf_text *text, struct derive *out)
{
	struct scan scan;
	const char *name;
	size_t len;
	bool good;

	*out = (struct derive){0};
	probe_scan_begin(&scan, compiler, text);
	len = probe_scan_name(&scan, &name);
	if (len == 0)
		return false;
	good = scan_derivation(&scan, out);
	/* Known in any case, so that its users are not reported, too. */
	out->slot = probe_compile_name(compiler, text, name, len, false);
	return good && out->slot != SIZE_MAX;
}

/* ---- the work ---- */

const char *
probe_derive_prepare(const struct derive *derive, const struct values *values,
    struct buf *tmp, struct derivation *out, const char **name)
{
	int i;

	*name = NULL;
	out->len = 0;
	out->why = NULL;
	atomic_store(&out->stop, false);
	buf_reset(&out->answer);
	for (i = 0; i < POW_ARGUMENTS; i++) {
		const char *missing;

		buf_reset(tmp);
		missing =
		    probe_template_expand(&derive->argument[i], values, tmp);
		if (missing != NULL && *missing != '\0') {
			*name = missing;
			return "no value";
		}
		if (missing != NULL ||
		    !take_argument(
			(enum pow_argument)i, tmp->data, tmp->len, out))
			return argument_ranges[i];
	}
	/* What is to be expected: 2^32 / difficulty attempts each round. */
	if (out->rounds * (UINT32_MAX / out->difficulty) * blocks_of(out->len) >
	    POW_BLOCKS_MAX / 2)
		return "the proof of work asked for is too expensive";
	return NULL;
}

/* The next number in place; false when it would grow too long. */
static bool
count_up(char *digits, size_t *n)
{
	size_t i = *n;

	while (i > 0 && digits[i - 1] == '9')
		digits[--i] = '0';
	if (i > 0) {
		digits[i - 1]++;
		return true;
	}
	if (*n == POW_NONCE_MAX)
		return false;
	memmove(digits + 1, digits, (*n)++);
	digits[0] = '1';
	return true;
}

/* find_nonce leaves it after the buffer, n digits long; 0: not found. */
static size_t
find_nonce(struct derivation *derivation, struct crypto_hasher *hasher,
    uint64_t *blocks_left)
{
	char *digits = derivation->buffer + derivation->len;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	unsigned attempts = 0;
	size_t n = 1;

	digits[0] = '0';
	while (count_up(digits, &n)) {
		size_t len = derivation->len + n;
		uint64_t blocks = blocks_of(len);
		uint32_t head;

		if (*blocks_left < blocks)
			return 0;
		*blocks_left -= blocks;
		if (++attempts % LOOK_EVERY == 0 &&
		    atomic_load_explicit(
			&derivation->stop, memory_order_relaxed))
			return 0;
		crypto_hasher_sha256(hasher, derivation->buffer, len, digest);
		head = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
		    (uint32_t)digest[2] << 8 | digest[3];
		if (head < derivation->difficulty)
			return n;
	}
	return 0;
}

void
probe_derive_work(struct derivation *derivation)
{
	struct crypto_hasher *hasher = crypto_hasher_new();
	uint64_t blocks_left = POW_BLOCKS_MAX;
	uint64_t round;

	for (round = 0; round < derivation->rounds; round++) {
		size_t n = find_nonce(derivation, hasher, &blocks_left);

		if (n == 0) {
			derivation->why =
			    "the proof of work took more than it may";
			break;
		}
		if (round > 0)
			buf_addc(&derivation->answer, ';');
		buf_add(&derivation->answer,
		    derivation->buffer + derivation->len, n);
		derivation->len += n;
	}
	crypto_hasher_free(hasher);
}
