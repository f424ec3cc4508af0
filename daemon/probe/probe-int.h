#ifndef PROBE_INT_H
#define PROBE_INT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "conf/conf.h"
#include "conf/problems.h"
#include "model/reason.h"
#include "page-int.h"
#include "probe/program.h"

/*
 * What the files of this room share: the compiled form of a profile's
 * languages. The page that they are applied to is in page-int.h, the state of a
 * run in run-int.h.
 */

#define PROBE_VALUE_MAX 65536 /* bytes of one value */
#define PROBE_NAMES_MAX 128 /* names that extractions make */
#define PROBE_FILTERS_MAX 4
#define PROBE_REGEX_SUBJECT_MAX 262144
#define PROBE_NOTE_MAX 240

/* ---- values: what a template sees in a run ---- */

/* set: data is NUL-terminated. A form is "name\0value\0…" of len bytes. */
struct value {
	const char *data;
	size_t len;
	enum charset charset; /* in which a form is posted */
};

struct values {
	const struct conf_deployment *deployment;
	const char *run_id, *run_mark, *run_uuid;
	wall_us now;
	enum conf_actor actor;
	struct value *vars[2]; /* by actor, then by slot; data NULL: unset */
	struct buf *tmp; /* two, for filters */
};

/* ---- template.c, name.c ---- */

enum part_kind {
	PART_TEXT,
	PART_DEPLOYMENT,
	PART_ACCOUNT,
	PART_EXTRACTED,
	PART_RUN_ID,
	PART_RUN_MARK,
	PART_RUN_UUID,
	PART_NOW,
	PART_NOW_MS,
	PART_DATE,
	PART_TIME
};

enum filter {
	FILTER_URL,
	FILTER_JSON,
	FILTER_BASE64,
	FILTER_HTML,
	FILTER_LOWER,
	FILTER_UPPER,
	FILTER_TRIM
};

struct part {
	enum part_kind kind;
	const char *text; /* literal, or the name */
	size_t len;
	enum conf_actor actor; /* of PART_ACCOUNT */
	const char *field; /* of PART_ACCOUNT */
	size_t slot; /* of PART_EXTRACTED */
	int days; /* of PART_DATE */
	enum filter filters[PROBE_FILTERS_MAX];
	size_t n_filters;
};

struct template
{
	struct part *parts;
	size_t n;
};

/* An account field or deployment variable that some template needs. */
struct need {
	bool account;
	enum conf_actor actor;
	const char *name;
};

struct name {
	const char *name;
	bool form;
};

/* State while one profile is compiled. */
struct compiler {
	struct conf_problems *problems;
	const struct conf_profile *profile;
	struct arena *arena; /* of the program */
	enum conf_actor actor; /* whom the step acts as */
	bool plain; /* no extraction may be named here */
	struct name names[PROBE_NAMES_MAX];
	size_t n_names;
	struct need *needs;
	size_t n_needs;
};

/* compile_alloc: zeroed, from the program's arena, never NULL. */
void *probe_compile_alloc(struct compiler *compiler, size_t n, size_t size);
char *probe_compile_strndup(
    struct compiler *compiler, const char *text, size_t len);

/* compile_problem names the column of `at` in the text's value. */
void probe_compile_problem(struct compiler *compiler,
    const struct conf_text *text, const char *at, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* compile_name adds a name that an extraction makes, or finds it again. The
 * slot, or SIZE_MAX after a problem. */
size_t probe_compile_name(struct compiler *compiler,
    const struct conf_text *text, const char *name, size_t len, bool form);

/* compile_find: the slot of a known name, SIZE_MAX if there is none. */
size_t probe_compile_find(
    const struct compiler *compiler, const char *name, size_t len);

/* template_compile takes text[0..len), a part of `whole`, or a text of its
 * own that was unquoted from whole (then columns are those of `at`). */
bool probe_template_compile(struct compiler *compiler,
    const struct conf_text *whole, const char *at, const char *text, size_t len,
    struct template *out);
bool probe_template_whole(struct compiler *compiler,
    const struct conf_text *whole, struct template *out);

/* template_name compiles one name as if it were ${NAME}. */
bool probe_template_name(struct compiler *compiler,
    const struct conf_text *whole, const char *name, size_t len,
    struct part *out);

/* template_expand appends. NULL, or the name that has no value, or "" when
 * `out` is full. */
const char *probe_template_expand(const struct template *template,
    const struct values *values, struct buf *out) MUST_USE;

/* ---- scan.c: the one-line languages' words ---- */

struct scan {
	struct compiler *compiler;
	const struct conf_text *text;
	const char *at;
};

void probe_scan_begin(
    struct scan *scan, struct compiler *compiler, const struct conf_text *text);

/* scan_word takes `word` if it comes next and ends there. */
bool probe_scan_word(struct scan *scan, const char *word);

/* scan_token takes what comes up to the next space; its length, 0 at the end.*/
size_t probe_scan_token(struct scan *scan, const char **token);

/* scan_name takes the NAME that a value will have; its length, 0 after a
 * problem. */
size_t probe_scan_name(struct scan *scan, const char **name);

/* scan_text takes a quoted TEXT and compiles it. */
bool probe_scan_text(struct scan *scan, struct template *out);

/* scan_quoted takes a quoted TEXT as it is. */
bool probe_scan_quoted(struct scan *scan, char **out, size_t *len);
bool probe_scan_number(struct scan *scan, unsigned long *number);

/* scan_end: a problem unless nothing is left. */
bool probe_scan_end(struct scan *scan);

/* ---- xpath.c ---- */

/* xpath_calls: false, after a problem, when the expression at the scan's text
 * calls a function that is none of XPath 1.0's, or not as it must be called. */
bool probe_xpath_calls(struct scan *scan, const char *expr) MUST_USE;

/* ---- select.c ---- */

enum found { FOUND, FOUND_NOT, FOUND_TOO_COSTLY, FOUND_TOO_LARGE };

enum selector_kind { SELECT_JSON, SELECT_XPATH, SELECT_REGEX };

struct selector {
	enum selector_kind kind;
	/* json */
	const char *pointer; /* up to the star, or all of it */
	const char *rest; /* after the star; NULL: none */
	const char *where; /* NULL: no condition */
	bool where_contains;
	struct template where_text;
	/* xpath */
	const char *xpath_text;
	struct _xmlXPathCompExpr *xpath;
	struct part *vars;
	size_t n_vars;
	const struct quick *quick; /* NULL: it needs the tree */
	/* regex */
	struct pcre2_real_code_8 *regex;
};

/* selector_scan: 1 when a selector came, 0 when none, -1 after a problem.
 * When it added something to be freed, selector_fini must be called. */
int probe_selector_scan(struct scan *scan, struct selector *out);
void probe_selector_fini(struct selector *selector);

/* selector_find: `out` may be NULL, then only the truth is asked. */
enum found probe_selector_find(const struct selector *selector,
    struct page *page, const struct values *values, struct buf *out) MUST_USE;

/* selector_count: how many elements it selects; of an XPath number, that. */
size_t probe_selector_count(const struct selector *selector, struct page *page,
    const struct values *values);

/* ---- quick.c: XPath without a tree ---- */

enum quick_answer { QUICK_NO, QUICK_YES, QUICK_UNKNOWN };

/* quick_compile: what can be told of the expression without a tree; NULL when
 * it is of another shape. */
const struct quick *probe_quick_compile(
    struct compiler *compiler, const struct selector *selector);

/* quick_find: as selector_find; UNKNOWN: the tree must be asked. */
enum quick_answer probe_quick_find(const struct quick *quick, struct page *page,
    const struct values *values, struct buf *out) MUST_USE;

/* ---- extract.c ---- */

enum extract_kind {
	EXTRACT_SELECTOR,
	EXTRACT_FORM,
	EXTRACT_HEADER,
	EXTRACT_COOKIE,
	EXTRACT_BETWEEN,
	EXTRACT_URL
};

struct extractor {
	const char *source;
	enum extract_kind kind;
	size_t slot;
	size_t action_slot; /* of EXTRACT_FORM */
	bool optional;
	bool forgets; /* what is missing has no value, not an empty one */
	struct selector selector;
	const char *name; /* field, header or cookie */
	struct template before, after;
};

bool probe_extract_compile(struct compiler *compiler,
    const struct conf_text *text, struct extractor *out);

/* extract_run stores into the actor's slots, from `arena`. */
enum found probe_extract_run(const struct extractor *extractor,
    struct page *page, struct values *values, struct arena *arena,
    struct buf *tmp) MUST_USE;

/* ---- derive.c: values that are computed before a request ---- */

#define POW_CHALLENGE_MAX 256
#define POW_ROUNDS_MAX 64
#define POW_BLOCKS_MAX 32000000 /* of SHA-256: some seconds of a processor */
#define POW_NONCE_MAX 10 /* digits */

enum pow_argument { POW_CHALLENGE, POW_DIFFICULTY, POW_ROUNDS, POW_ARGUMENTS };

struct derive {
	size_t slot;
	struct template argument[POW_ARGUMENTS];
};

/* A derivation under way. What it works on is its own, so that a worker can
 * do it; `stop` may be set by any thread. */
struct derivation {
	char buffer[POW_CHALLENGE_MAX + POW_ROUNDS_MAX * POW_NONCE_MAX + 1];
	size_t len; /* of the challenge and the nonces found so far */
	uint64_t difficulty, rounds;
	atomic_bool stop;
	struct buf answer;
	const char *why; /* there is no answer; NULL: there is */
};

bool probe_derive_compile(struct compiler *compiler,
    const struct conf_text *text, struct derive *out);

/* derive_prepare expands and judges the arguments: NULL, or why it cannot
 * be done, then *name is the name that has no value or NULL. */
const char *probe_derive_prepare(const struct derive *derive,
    const struct values *values, struct buf *tmp, struct derivation *out,
    const char **name) MUST_USE;

/* derive_work takes its time; on a worker. */
void probe_derive_work(struct derivation *derivation);

/* ---- check.c ---- */

enum check_kind {
	CHECK_STATUS,
	CHECK_BODY,
	CHECK_HEADER,
	CHECK_URL,
	CHECK_SELECTOR,
	CHECK_COOKIE,
	CHECK_SIZE
};

enum check_compare { COMPARE_NONE, COMPARE_EQUAL, COMPARE_CONTAINS };

struct check {
	const char *source;
	enum check_kind kind;
	bool negated;
	unsigned long low, high; /* status; low is the size */
	const char *name;
	enum check_compare compare;
	struct template text;
	struct selector selector;
};

bool probe_check_compile(
    struct compiler *compiler, const struct conf_text *text, struct check *out);

/* check_run: FOUND when it holds, FOUND_NOT, or why it cannot be told. */
enum found probe_check_run(const struct check *check, struct page *page,
    const struct values *values, struct buf *tmp) MUST_USE;

/* ---- marker.c ---- */

struct marker {
	const char *source;
	const char *body, *url; /* NULL: any */
	bool has_xpath, has_json;
	struct selector xpath;
	struct check json;
	int status_min, status_max;
	enum reason reason;
};

bool probe_marker_compile(struct compiler *compiler,
    const struct conf_marker *conf, size_t index, struct marker *out);

/* marker_find: the index of the first that holds, or n. One of nothing but
 * `body` and status is left to marker_explain, unless its reason is ok. */
size_t probe_marker_find(const struct marker *markers, size_t n,
    struct page *page, const struct values *values, struct buf *tmp);

/*
 * marker_explain: the first of those of nothing but `body` and status that
 * holds, or n: for a page that is not the one sought. After the login one that
 * stops the account is believed only of a page that asks for a login.
 */
size_t probe_marker_explain(const struct marker *markers, size_t n, bool inside,
    struct page *page, const struct values *values, struct buf *tmp);

/*
 * marker_general: the reason that general words give to a page that is not
 * the one sought, or REASON_OK. `inside`: its step comes after the login.
 */
enum reason probe_marker_general(struct page *page, bool inside);

/*
 * marker_of_address: what an address says that is not to be asked, by the
 * first marker of nothing but an address that holds, or by general words; or
 * REASON_OK.
 */
enum reason probe_marker_of_address(
    const struct marker *markers, size_t n, const char *url, bool inside);

/* ---- program.c ---- */

enum body_kind { BODY_NONE, BODY_FORM, BODY_MULTIPART, BODY_JSON, BODY_TEXT };

struct field {
	const char *name; /* NULL: splice */
	size_t splice; /* slot of a form */
	struct template value;
};

struct header {
	const char *name;
	struct template value;
};

struct step {
	const char *name;
	const char *origin; /* as the transaction lists it */
	enum conf_actor actor;
	enum conf_method method;
	struct template url;
	struct header *headers; /* the profile's and its own */
	size_t n_headers;
	enum body_kind body_kind;
	struct template body;
	struct field *fields;
	size_t n_fields;
	struct derive *derive;
	size_t n_derive;
	struct extractor *extract;
	size_t n_extract;
	struct check *expect;
	size_t n_expect;
	struct check until;
	bool polls;
	dur_us every, at_most, late;
	bool counts; /* `once` is there */
	struct selector once;
	dur_us timeout;
	bool has_reserve; /* steps that are played when its answer is lost */
	size_t reserve_of; /* is such a step of that one; SIZE_MAX: of none */
	bool always, idempotent;
	bool inside; /* after the login: no form of one is sought */
	unsigned follow;
	const char **seen_headers, **seen_cookies; /* looked at by name */
	size_t n_seen_headers, n_seen_cookies;
};

struct transaction {
	const char *name;
	dur_us timeout;
	bool always;
	unsigned repeat; /* rounds at most */
	size_t needs; /* index; SIZE_MAX: nothing */
	size_t from, to; /* steps of the measured span */
	size_t last; /* the last one that is not `always` */
	size_t result; /* which measured one; SIZE_MAX when always */
	struct step *steps;
	size_t n_steps;
};

struct probe_program {
	atomic_uint references;
	struct arena arena;
	const char *path; /* of the profile */
	struct template *hosts;
	size_t n_hosts;
	size_t n_slots;
	size_t max_body_bytes;
	struct need *needs;
	size_t n_needs;
	bool needs_recipient;
	struct transaction *transactions;
	size_t n_transactions;
	size_t n_measured;
	struct marker *markers;
	size_t n_markers;
};

/* ---- compile.c ---- */

/* compile_profile_headers tells what is wrong with the profile's headers,
 * which compile_step then takes without a word. */
void probe_compile_profile_headers(struct compiler *compiler);

void probe_compile_step(struct compiler *compiler,
    struct probe_program *program, const struct conf_step *conf,
    enum conf_actor actor, struct step *out);

/* ---- judge.c: steps 2 to 5 of the judgement; any one thread ---- */

struct judgement {
	enum reason reason;
	bool again; /* a poll that does not hold yet */
	const char *note; /* "" or from the arena */
	size_t copies; /* rows that `once` selects */
	const char
	    *sought; /* what did not hold, or held; as written, or NULL */
	const char *excerpt; /* by probe_explain; or NULL */
};

void probe_judge(const struct probe_program *program, const struct step *step,
    struct page *page, struct values *values, struct arena *arena,
    struct buf *tmp, struct judgement *out);

/* ---- explain.c ---- */

/*
 * explain gives a piece of the page around what was sought, or its title and
 * first words: at most some 200 bytes. Letters and digits are masked but for
 * known tags and attributes and the words that stand in the profile's markers,
 * checks, extractions and names of fields; nothing of an account's file is ever
 * in it. From `arena`; NULL without memory. Any one thread.
 */
const char *probe_explain(const struct probe_program *program,
    struct page *page, const struct values *values, const char *sought,
    struct arena *arena);

/* ---- record.c ---- */

/* record_mask_url: query values, long parts with digits and all account
 * values of the deployment are hidden. From `arena`; "" without memory. */
const char *probe_record_mask_url(struct arena *arena,
    const struct conf_deployment *deployment, const char *url);

/* host.c: the profile's hosts; and a check of one that stands in an address as
 * it is, which can be looked up at once. */
void probe_compile_hosts(
    struct compiler *compiler, struct probe_program *program);
void probe_compile_literal_host(
    struct compiler *compiler, const struct conf_text *url);

#endif
