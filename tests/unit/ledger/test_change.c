/* What people change is kept over a start, each with its line in the audit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/attr.h"
#include "base/json.h"
#include "ledger/change.h"
#include "tests/unit/ledger/rig.h"

#define HOUR (INT64_C(3600) * US_PER_S)

static int
set_up(void **state)
{
	static struct rig rig;

	rig_init(&rig);
	*state = &rig;
	return 0;
}

static int
tear_down(void **state)
{
	rig_fini(*state);
	return 0;
}

struct done {
	unsigned calls;
	int problem;
	int64_t id;
};

static void
on_done(void *arg, int problem, int64_t id)
{
	struct done *done = arg;

	done->calls++;
	done->problem = problem;
	done->id = id;
}

static struct done
change(struct rig *rig, struct ledger_change *change)
{
	struct done done = {0};

	change->audit.at = rig->clock.wall;
	text_copy(change->audit.who, sizeof(change->audit.who), "Anna");
	assert_int_equal(
	    ledger_put_change(rig->ledger, change, on_done, &done), 0);
	rig_drain(rig);
	assert_int_equal(done.calls, 1);
	return done;
}

static struct ledger_change
maintenance(struct rig *rig)
{
	return (struct ledger_change){.kind = LEDGER_ADD_WINDOW,
	    .audit = {.via = "control socket",
		.action = "maintenance.add",
		.data = "{\"reason\":\"baza\"}"},
	    .window = {.kind = WINDOW_MAINTENANCE,
		.op = "librus",
		.deployment = "main",
		.from = rig->clock.wall,
		.until = rig->clock.wall + HOUR,
		.days = 3,
		.at_minute = 150,
		.minutes = 90,
		.agreed_from = 17,
		.reason = "wymiana bazy",
		.created = rig->clock.wall,
		.created_by = "Anna"}};
}

static size_t
audit_len(struct rig *rig)
{
	struct jv *audit = ledger_read_audit(rig->reader, 100);
	size_t n = jv_len(jv_get(audit, "audit"));

	jv_release(audit);
	return n;
}

static void
count(void *arg, const struct window *window)
{
	(void)window;
	++*(size_t *)arg;
}

static void
a_window_comes_back_as_it_was_put(void **state)
{
	struct rig *rig = *state;
	struct ledger_change put = maintenance(rig);
	struct done done = change(rig, &put);
	struct window got;

	assert_int_equal(done.problem, 0);
	rig_stop(rig);
	assert_int_equal(rig_start(rig), 0);
	assert_int_equal(
	    ledger_read_window(rig->reader, WINDOW_MAINTENANCE, done.id, &got),
	    0);
	put.window.id = done.id;
	assert_memory_equal(&got, &put.window, sizeof(got));
	assert_int_equal(
	    ledger_read_window(rig->reader, WINDOW_SILENCE, done.id, &got),
	    -ENOENT);
}

static void
it_ends_once_and_the_audit_has_both(void **state)
{
	struct rig *rig = *state;
	struct ledger_change put = maintenance(rig);
	struct ledger_change end = {.kind = LEDGER_END_WINDOW};
	struct window got;
	size_t open = 0;

	end.window.id = change(rig, &put).id;
	end.window.ended = rig->clock.wall + 5;
	text_copy(end.window.ended_by, sizeof(end.window.ended_by), "Jan");
	assert_int_equal(change(rig, &end).problem, 0);
	assert_int_equal(audit_len(rig), 2);
	/* what changes nothing leaves no line */
	assert_int_equal(change(rig, &end).problem, -ENOENT);
	end.window.id = 999;
	assert_int_equal(change(rig, &end).problem, -ENOENT);
	assert_int_equal(audit_len(rig), 2);
	assert_int_equal(ledger_read_window(rig->reader, WINDOW_MAINTENANCE,
			     put.window.id + 1, &got),
	    0);
	assert_int_equal(got.ended, rig->clock.wall + 5);
	assert_string_equal(got.ended_by, "Jan");
	assert_int_equal(
	    ledger_each_window(rig->ledger, rig->clock.wall + 4, count, &open),
	    0);
	assert_int_equal(open, 1);
	assert_int_equal(
	    ledger_each_window(rig->ledger, rig->clock.wall + 5, count, &open),
	    0);
	assert_int_equal(open, 1);
}

static void
windows_are_listed_by_kind_and_operator(void **state)
{
	struct rig *rig = *state;
	struct ledger_change put = maintenance(rig);
	size_t n = 0;

	change(rig, &put);
	put.window.kind = WINDOW_SILENCE;
	change(rig, &put);
	text_copy(put.window.op, sizeof(put.window.op), "vulcan");
	change(rig, &put);
	assert_int_equal(
	    ledger_read_windows(rig->reader, WINDOW_SILENCE, NULL, count, &n),
	    0);
	assert_int_equal(n, 2);
	n = 0;
	assert_int_equal(ledger_read_windows(
			     rig->reader, WINDOW_SILENCE, "vulcan", count, &n),
	    0);
	assert_int_equal(n, 1);
}

static struct ledger_change
token(struct rig *rig, char text[TOKEN_TEXT_SIZE])
{
	struct ledger_change put = {.kind = LEDGER_ADD_TOKEN,
	    .token = {.name = "Anna",
		.role = ROLE_OPERATOR,
		.op = "wizja",
		.created = rig->clock.wall,
		.created_by = "root",
		.expires = rig->clock.wall + HOUR}};

	token_make(&put.token, text);
	return put;
}

static void
a_token_comes_back_and_proves_itself(void **state)
{
	struct rig *rig = *state;
	char text[TOKEN_TEXT_SIZE];
	struct ledger_change put = token(rig, text);
	struct ledger_change revoke = {.kind = LEDGER_REVOKE_TOKEN};
	struct token got;

	assert_int_equal(change(rig, &put).problem, 0);
	ledger_use_token(rig->ledger, put.token.id, 42);
	rig_drain(rig);
	rig_stop(rig);
	assert_int_equal(rig_start(rig), 0);
	assert_int_equal(ledger_read_token(rig->reader, put.token.id, &got), 0);
	assert_int_equal(got.last_used, 42);
	got.last_used = 0;
	assert_memory_equal(&got, &put.token, sizeof(got));
	assert_true(token_proves(&got, text));
	text_copy(revoke.token.id, sizeof(revoke.token.id), got.id);
	revoke.token.revoked = rig->clock.wall;
	assert_int_equal(change(rig, &revoke).problem, 0);
	assert_int_equal(change(rig, &revoke).problem, -ENOENT);
	assert_int_equal(ledger_read_token(rig->reader, put.token.id, &got), 0);
	assert_false(token_holds(&got, rig->clock.wall));
	assert_int_equal(
	    ledger_read_token(rig->reader, "000000000000", &got), -ENOENT);
}

static void
a_name_has_two_tokens_at_most(void **state)
{
	struct rig *rig = *state;
	char text[TOKEN_TEXT_SIZE];
	struct ledger_change first = token(rig, text);
	struct ledger_change second = token(rig, text);
	struct ledger_change third = token(rig, text);
	struct ledger_change revoke = {.kind = LEDGER_REVOKE_TOKEN};

	assert_int_equal(change(rig, &first).problem, 0);
	assert_int_equal(change(rig, &second).problem, 0);
	assert_int_equal(change(rig, &third).problem, -EDQUOT);
	assert_int_equal(audit_len(rig), 2);
	text_copy(revoke.token.id, sizeof(revoke.token.id), first.token.id);
	revoke.token.revoked = rig->clock.wall;
	assert_int_equal(change(rig, &revoke).problem, 0);
	assert_int_equal(change(rig, &third).problem, 0);
	/* those that expired do not count */
	rig->clock.wall += 2 * HOUR;
	first = token(rig, text);
	assert_int_equal(change(rig, &first).problem, 0);
}

static void
an_audit_says_who_did_what_and_how(void **state)
{
	struct rig *rig = *state;
	struct ledger_change put = maintenance(rig);
	struct done done = change(rig, &put);
	struct jv *audit;
	const struct jv *line;
	char id[24];

	put.kind = LEDGER_AUDIT;
	text_copy(put.audit.object, sizeof(put.audit.object), "konto");
	change(rig, &put);
	audit = ledger_read_audit(rig->reader, 100);
	line = jv_at(jv_get(audit, "audit"), 1);
	snprintf(id, sizeof(id), "%lld", (long long)done.id);
	assert_string_equal(jv_get_string(line, "object", ""), id);
	assert_string_equal(jv_get_string(line, "who", ""), "Anna");
	assert_string_equal(jv_get_string(line, "via", ""), "control socket");
	assert_string_equal(
	    jv_get_string(line, "action", ""), "maintenance.add");
	assert_string_equal(
	    jv_get_string(jv_get(line, "data"), "reason", ""), "baza");
	line = jv_at(jv_get(audit, "audit"), 0);
	assert_string_equal(jv_get_string(line, "object", ""), "konto");
	jv_release(audit);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(a_window_comes_back_as_it_was_put),
	    CASE(it_ends_once_and_the_audit_has_both),
	    CASE(windows_are_listed_by_kind_and_operator),
	    CASE(a_token_comes_back_and_proves_itself),
	    CASE(a_name_has_two_tokens_at_most),
	    CASE(an_audit_says_who_did_what_and_how),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
