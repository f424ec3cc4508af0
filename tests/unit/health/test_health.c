/* States, streaks, slowness, silence, groups and the common cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/attr.h"
#include "health/health.h"

#define S US_PER_S
#define HOUR (3600 * S)
#define WALL0 (INT64_C(1795507200) * S) /* on an hour */

static const struct health_policy policy = {
    .fail_n = 3,
    .fail_m = 5,
    .ok_n = 2,
    .slow = 3 * S,
    .window = 600 * S,
    .stale = 300 * S,
};

/* A target fed once a minute. */
struct feed {
	struct health health;
	mono_us now;
	wall_us wall;
	struct health_change change;
};

static void
begin(struct feed *feed)
{
	memset(feed, 0, sizeof(*feed));
	feed->now = 1000 * S;
	feed->wall = WALL0;
}

static void
pass(struct feed *feed, dur_us time)
{
	feed->now += time;
	feed->wall += time;
}

static enum state
feed_one(struct feed *feed, enum reason reason, dur_us latency)
{
	struct result result = {.reason = reason, .latency = latency};

	pass(feed, 60 * S);
	feed->change =
	    health_feed(&feed->health, &policy, &result, feed->now, feed->wall);
	return feed->health.state;
}

/* While it is maintained. */
static void
feed_maintained(struct feed *feed, bool good)
{
	struct result result = {
	    .reason = good ? REASON_OK : REASON_HTTP_5XX, .maintenance = true};

	pass(feed, 60 * S);
	feed->change =
	    health_feed(&feed->health, &policy, &result, feed->now, feed->wall);
}

/* o: ok, F: failure, x: excluded, p: prerequisite failed; m and M: ok and
 * failure in maintenance, a point: the end of it. Returns the state after the
 * last. */
static enum state
feed_all(struct feed *feed, const char *pattern)
{
	for (; *pattern != '\0'; pattern++) {
		enum reason reason = *pattern == 'o' ? REASON_OK
		    : *pattern == 'F'                ? REASON_HTTP_5XX
		    : *pattern == 'p' ? REASON_PREREQUISITE_FAILED
				      : REASON_TAINTED;

		if (*pattern == 'm' || *pattern == 'M') {
			feed_maintained(feed, *pattern == 'm');
		} else if (*pattern == '.') {
			health_maintain(&feed->health, false, feed->wall);
		} else {
			feed_one(feed, reason, S);
		}
	}
	return feed->health.state;
}

static void
the_last_failure_is_remembered_behind_what_is_no_verdict(void **state)
{
	struct feed feed;

	(void)state;
	begin(&feed);
	feed_all(&feed, "ox");
	assert_int_equal(feed.health.failure, REASON_OK);
	feed_all(&feed, "FFFxo");
	assert_int_equal(feed.health.state, STATE_DOWN);
	assert_int_equal(feed.health.last.reason, REASON_OK);
	assert_int_equal(feed.health.failure, REASON_HTTP_5XX);
}

static void
states_follow_the_last_verdicts(void **state)
{
	static const struct {
		const char *pattern;
		enum state expected;
	} cases[] = {
	    {"", STATE_UNKNOWN},
	    {"o", STATE_UP},
	    {"F", STATE_UNKNOWN},
	    {"FF", STATE_UNKNOWN},
	    {"FFF", STATE_DOWN},
	    {"Fo", STATE_UP},
	    {"oF", STATE_UP},
	    {"oFF", STATE_UP},
	    {"oFFF", STATE_DOWN},
	    {"oFoFF", STATE_DOWN},
	    {"FooFF", STATE_DOWN},
	    {"FoooFF", STATE_UP},
	    {"FoFooF", STATE_UP},
	    {"oFFFo", STATE_DOWN},
	    {"oFFFoFo", STATE_DOWN},
	    {"oFFFoo", STATE_UP},
	    /* what was told when it went down does not count again */
	    {"oFFFooF", STATE_UP},
	    {"oFFFooFF", STATE_UP},
	    {"oFFFooFFF", STATE_DOWN},
	    /* the excluded change no streak and make nothing up */
	    {"x", STATE_UNKNOWN},
	    {"xxxxx", STATE_UNKNOWN},
	    {"FFxx", STATE_UNKNOWN},
	    {"FxFxxF", STATE_DOWN},
	    {"oFFFxxxx", STATE_DOWN},
	    {"oFFFoxo", STATE_UP},
	    {"oxxxxx", STATE_UP},
	    /* in maintenance nothing counts, and before it nothing any more */
	    {"oM", STATE_MAINTENANCE},
	    {"oMMMM", STATE_MAINTENANCE},
	    {"FFFm", STATE_MAINTENANCE},
	    {"oMMM.", STATE_UNKNOWN},
	    {"oMMM.o", STATE_UP},
	    {"oMMM.FF", STATE_UNKNOWN},
	    {"oFFMMM.F", STATE_UNKNOWN},
	    {"oMMM.FFF", STATE_DOWN},
	    {"oFFF.", STATE_DOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct feed feed;

		begin(&feed);
		if (feed_all(&feed, cases[i].pattern) != cases[i].expected) {
			fail_msg("after \"%s\" the state is %s, not %s",
			    cases[i].pattern, state_name(feed.health.state),
			    state_name(cases[i].expected));
		}
	}
}

static void
every_reason_counts_by_its_verdict(void **state)
{
	(void)state;
	for (int r = 0; r < REASON_COUNT; r++) {
		enum reason reason = (enum reason)r;
		enum verdict verdict = reason_verdict(reason);
		struct feed up, unknown;

		begin(&up);
		begin(&unknown);
		feed_all(&up, "oo");
		for (int i = 0; i < 5; i++) {
			feed_one(&up, reason, S);
			feed_one(&unknown, reason, S);
		}
		assert_int_equal(up.health.last.reason, reason);
		assert_int_equal(unknown.health.runs, 5);
		assert_int_equal(
		    unknown.health.total.ok, verdict == VERDICT_UP ? 5 : 0);
		assert_int_equal(unknown.health.total.failed,
		    verdict == VERDICT_DOWN ? 5 : 0);
		assert_int_equal(unknown.health.total.excluded,
		    verdict == VERDICT_EXCLUDED ? 5 : 0);
		switch (verdict) {
		case VERDICT_UP:
			assert_int_equal(up.health.state, STATE_UP);
			assert_int_equal(unknown.health.state, STATE_UP);
			break;
		case VERDICT_DOWN:
			assert_int_equal(up.health.state, STATE_DOWN);
			assert_int_equal(unknown.health.state, STATE_DOWN);
			break;
		case VERDICT_EXCLUDED:
			assert_int_equal(up.health.state,
			    reason == REASON_PREREQUISITE_FAILED ||
				    reason_stops_account(reason)
				? STATE_UNKNOWN
				: STATE_UP);
			assert_int_equal(unknown.health.state, STATE_UNKNOWN);
			break;
		}
	}
}

static void
a_change_says_from_where_to_where_and_for_how_long(void **state)
{
	struct feed feed;

	(void)state;
	begin(&feed);
	feed_one(&feed, REASON_OK, S);
	assert_true(feed.change.changed);
	assert_int_equal(feed.change.from, STATE_UNKNOWN);
	assert_int_equal(feed.change.to, STATE_UP);
	assert_int_equal(feed.change.lasted, 0);
	assert_int_equal(feed.health.since, feed.wall);
	feed_all(&feed, "FF");
	assert_false(feed.change.changed);
	feed_all(&feed, "F");
	assert_true(feed.change.changed);
	assert_int_equal(feed.change.from, STATE_UP);
	assert_int_equal(feed.change.to, STATE_DOWN);
	assert_int_equal(feed.change.lasted, 180 * S);
}

static void
slow_needs_five_samples_and_goes_back_with_a_margin(void **state)
{
	struct feed feed;

	(void)state;
	begin(&feed);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(feed_one(&feed, REASON_OK, 5 * S), STATE_UP);
	}
	assert_int_equal(feed_one(&feed, REASON_OK, 5 * S), STATE_DEGRADED);
	/* just under the limit is not enough to be well again */
	for (int i = 0; i < 20; i++) {
		feed_one(&feed, REASON_OK, 29 * S / 10);
	}
	assert_int_equal(feed.health.state, STATE_DEGRADED);
	for (int i = 0; i < 20; i++) {
		feed_one(&feed, REASON_OK, S);
	}
	assert_int_equal(feed.health.state, STATE_UP);
	/* and just under the limit never made it slow in the first place */
	for (int i = 0; i < 20; i++) {
		feed_one(&feed, REASON_OK, 28 * S / 10);
	}
	assert_int_equal(feed.health.state, STATE_UP);
}

static void
failures_outrank_slowness(void **state)
{
	struct feed feed;

	(void)state;
	begin(&feed);
	for (int i = 0; i < 6; i++) {
		feed_one(&feed, REASON_OK, 5 * S);
	}
	assert_int_equal(feed.health.state, STATE_DEGRADED);
	assert_int_equal(feed_all(&feed, "FFF"), STATE_DOWN);
	assert_int_equal(feed_one(&feed, REASON_OK, 5 * S), STATE_DOWN);
	assert_int_equal(feed_one(&feed, REASON_OK, 5 * S), STATE_DEGRADED);
}

static void
a_limit_of_zero_is_never_slow(void **state)
{
	struct health_policy never = policy;
	struct health health = {0};
	struct result result = {.reason = REASON_OK, .latency = 100 * S};

	(void)state;
	never.slow = 0;
	for (int i = 1; i < 20; i++) {
		health_feed(&health, &never, &result, i * S, WALL0 + i * S);
	}
	assert_int_equal(health.state, STATE_UP);
}

static void
silence_makes_it_unknown_and_wipes_the_streak(void **state)
{
	struct health_change change;
	struct feed feed;

	(void)state;
	begin(&feed);
	change = health_age(&feed.health, &policy, feed.now + HOUR, feed.wall);
	assert_false(change.changed);
	feed_all(&feed, "oFF");
	pass(&feed, 300 * S);
	change = health_age(&feed.health, &policy, feed.now, feed.wall);
	assert_false(change.changed);
	pass(&feed, 1);
	change = health_age(&feed.health, &policy, feed.now, feed.wall);
	assert_true(change.changed);
	assert_int_equal(change.from, STATE_UP);
	assert_int_equal(change.to, STATE_UNKNOWN);
	assert_int_equal(feed_all(&feed, "F"), STATE_UNKNOWN);
	assert_int_equal(feed_all(&feed, "FF"), STATE_DOWN);
}

/* A message is looked for long after it was sent. */
static void
silence_counts_from_when_the_result_was_told(void **state)
{
	struct result lost = {
	    .reason = REASON_MESSAGE_LOST, .latency = 250 * S};
	struct feed feed;

	(void)state;
	begin(&feed);
	for (int i = 0; i < 4; i++) {
		lost.started = feed.now;
		lost.started_wall = feed.wall;
		pass(&feed, 250 * S);
		health_feed(&feed.health, &policy, &lost, feed.now, feed.wall);
		assert_int_equal(feed.health.decided, feed.wall);
		pass(&feed, 60 * S);
		health_age(&feed.health, &policy, feed.now, feed.wall);
	}
	assert_int_equal(feed.health.state, STATE_DOWN);
}

static void
excluded_results_do_not_break_the_silence(void **state)
{
	struct feed feed;

	(void)state;
	begin(&feed);
	feed_all(&feed, "oxxxxxx");
	assert_true(
	    health_age(&feed.health, &policy, feed.now, feed.wall).changed);
	assert_int_equal(feed.health.state, STATE_UNKNOWN);
}

static void
what_could_not_be_tried_is_not_known_to_be_up(void **state)
{
	static const struct {
		const char *pattern;
		enum state state;
	} cases[] = {
	    {"opp", STATE_UP},
	    {"oppp", STATE_UNKNOWN},
	    {"oppopp", STATE_UP},
	    {"oppxp", STATE_UNKNOWN},
	    {"opppo", STATE_UP},
	    {"FFFppp", STATE_UNKNOWN},
	    {"opppFF", STATE_UNKNOWN},
	    {"opppFFF", STATE_DOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct feed feed;

		begin(&feed);
		if (feed_all(&feed, cases[i].pattern) != cases[i].state)
			fail_msg("%s", cases[i].pattern);
	}
}

/* Refused is who knocks, not what is behind the door. */
static void
a_stopped_account_leaves_neither_up_nor_down(void **state)
{
	static const char *const before[] = {"oooo", "oFFF", "FF", ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		struct feed feed;

		begin(&feed);
		feed_all(&feed, before[i]);
		assert_int_equal(
		    feed_one(&feed, REASON_BAD_CREDENTIALS, S), STATE_UNKNOWN);
		assert_int_equal(
		    feed.health.last.reason, REASON_BAD_CREDENTIALS);
		/* what failed before it is not held against it after */
		assert_int_equal(feed_all(&feed, "F"), STATE_UNKNOWN);
		begin(&feed);
		feed_all(&feed, before[i]);
		health_hold(&feed.health, feed.wall);
		assert_int_equal(feed.health.state, STATE_UNKNOWN);
		assert_int_equal(feed_all(&feed, "F"), STATE_UNKNOWN);
	}
}

static void
the_window_forgets(void **state)
{
	struct feed feed;
	struct hist window;

	(void)state;
	begin(&feed);
	feed_all(&feed, "oooFx");
	health_window(&feed.health, &policy, feed.now, &window);
	assert_int_equal(window.total, 3);
	health_window(&feed.health, &policy, feed.now + 599 * S, &window);
	assert_true(window.total <= 3);
	health_window(&feed.health, &policy, feed.now + 600 * S, &window);
	assert_int_equal(window.total, 0);
	pass(&feed, 24 * HOUR);
	feed_all(&feed, "o");
	health_window(&feed.health, &policy, feed.now, &window);
	assert_int_equal(window.total, 1);
	/* a longer window after a reload begins anew */
	{
		struct health_policy longer = policy;
		struct result result = {.reason = REASON_OK, .latency = S};

		longer.window = 6000 * S;
		health_feed(
		    &feed.health, &longer, &result, feed.now, feed.wall);
		health_window(&feed.health, &longer, feed.now, &window);
		assert_int_equal(window.total, 1);
	}
}

static void
availability_spans_a_day_and_a_restart(void **state)
{
	const struct health_counts before = {.ok = 30, .failed = 10};
	struct feed feed;
	double ratio = -1.0;

	(void)state;
	begin(&feed);
	assert_false(health_availability(&feed.health, feed.wall, &ratio));
	feed_all(&feed, "xx");
	assert_false(health_availability(&feed.health, feed.wall, &ratio));
	feed_all(&feed, "oooF");
	assert_true(health_availability(&feed.health, feed.wall, &ratio));
	assert_true(ratio == 0.75);
	/* counts of older hours come from the ledger; too old ones do not */
	health_restore(&feed.health, WALL0 - 23 * HOUR, &before, feed.wall);
	health_restore(&feed.health, WALL0 - 24 * HOUR, &before, feed.wall);
	health_restore(&feed.health, WALL0 + HOUR, &before, feed.wall);
	assert_true(health_availability(&feed.health, feed.wall, &ratio));
	assert_true(ratio == 33.0 / 44.0);
	assert_int_equal(feed.health.total.ok, 3);
	/* an hour later the restored hour has left the day */
	assert_true(
	    health_availability(&feed.health, feed.wall + HOUR, &ratio));
	assert_true(ratio == 0.75);
	assert_false(
	    health_availability(&feed.health, feed.wall + 24 * HOUR, &ratio));
}

static void
a_clock_set_back_spoils_nothing(void **state)
{
	struct feed feed;
	double ratio;

	(void)state;
	begin(&feed);
	feed_all(&feed, "oo");
	feed.wall -= 2 * HOUR;
	feed_all(&feed, "oF");
	assert_int_equal(feed.change.lasted, 0);
	assert_true(health_availability(&feed.health, feed.wall, &ratio));
	assert_true(ratio == 0.75);
	feed.wall -= 1000 * HOUR;
	feed_all(&feed, "F");
	assert_true(health_availability(&feed.health, feed.wall, &ratio));
	assert_true(ratio == 0.0);
	/* a clock from before 1970 is no reason to crash */
	feed.wall = -HOUR;
	feed_all(&feed, "o");
	assert_true(health_availability(&feed.health, feed.wall, &ratio));
}

static enum state
state_of(char letter)
{
	switch (letter) {
	case 'o':
		return STATE_UP;
	case 's':
		return STATE_DEGRADED;
	case 'D':
		return STATE_DOWN;
	case 'm':
		return STATE_MAINTENANCE;
	}
	return STATE_UNKNOWN;
}

static void
a_group_is_as_most_of_its_known_members(void **state)
{
	static const struct {
		const char *members;
		enum state expected;
		uint32_t unknown;
	} cases[] = {
	    {"", STATE_UNKNOWN, 0},
	    {"??", STATE_UNKNOWN, 2},
	    {"ooo", STATE_UP, 0},
	    {"o?o", STATE_UP, 1},
	    {"??o", STATE_UP, 2},
	    {"oso", STATE_DEGRADED, 0},
	    {"oDo", STATE_DEGRADED, 0},
	    {"sD", STATE_DEGRADED, 0},
	    {"D??", STATE_DOWN, 2},
	    {"?s?", STATE_DEGRADED, 2},
	    {"Dmoo", STATE_DEGRADED, 0},
	    {"DDo", STATE_DOWN, 0},
	    {"DDoo", STATE_DEGRADED, 0},
	    {"mm", STATE_MAINTENANCE, 0},
	    {"m?", STATE_MAINTENANCE, 1},
	    {"mo", STATE_UP, 0},
	    {"ms", STATE_DEGRADED, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = strlen(cases[i].members);
		struct health_group group;
		enum state members[8];

		for (size_t k = 0; k < n; k++) {
			members[k] = state_of(cases[i].members[k]);
		}
		group = health_roll_up(members, n);
		if (group.state != cases[i].expected || group.members != n ||
		    group.unknown != cases[i].unknown) {
			fail_msg("\"%s\" is %s, %u unknown", cases[i].members,
			    state_name(group.state), group.unknown);
		}
	}
}

static void
a_group_is_slow_by_all_its_latencies(void **state)
{
	struct hist window = {0};

	(void)state;
	for (int i = 0; i < 4; i++) {
		hist_add(&window, 11 * S);
		assert_int_equal(
		    health_group_pace(STATE_UP, &window, 2 * S), STATE_UP);
	}
	hist_add(&window, 11 * S);
	assert_int_equal(
	    health_group_pace(STATE_UP, &window, 2 * S), STATE_DEGRADED);
	assert_int_equal(health_group_pace(STATE_UP, &window, 0), STATE_UP);
	assert_int_equal(
	    health_group_pace(STATE_UP, &window, 60 * S), STATE_UP);
	/* old latencies make nothing known, and nothing better */
	assert_int_equal(
	    health_group_pace(STATE_UNKNOWN, &window, 2 * S), STATE_UNKNOWN);
	assert_int_equal(
	    health_group_pace(STATE_DOWN, &window, 2 * S), STATE_DOWN);
}

static void
a_reason_tells_whether_somebody_answered(void **state)
{
	static const enum reason silent[] = {REASON_UPLINK_DOWN,
	    REASON_DNS_FAILURE, REASON_DNS_TIMEOUT, REASON_CONNECT_TIMEOUT};
	static const enum reason not_tried[] = {REASON_PREREQUISITE_FAILED,
	    REASON_FD_LIMIT, REASON_LOOP_LATE, REASON_RESOLVER_DOWN,
	    REASON_CLOCK_JUMP, REASON_BUDGET_SPENT, REASON_TAINTED,
	    REASON_NO_ANSWER, REASON_SLOW_BODY, REASON_CONNECTION_RESET};
	enum health_reach expected[REASON_COUNT];

	(void)state;
	for (size_t r = 0; r < REASON_COUNT; r++) {
		expected[r] = HEALTH_ANSWERED;
	}
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		expected[silent[i]] = HEALTH_SILENT;
	}
	for (size_t i = 0; i < ARRAY_LEN(not_tried); i++) {
		expected[not_tried[i]] = HEALTH_NOT_TRIED;
	}
	for (size_t r = 0; r < REASON_COUNT; r++) {
		if (health_reach((enum reason)r) != expected[r]) {
			fail_msg("%s", reason_name((enum reason)r));
		}
	}
}

/* a answered, s silent, - not tried. */
static enum health_reach
reach_of(char letter)
{
	return letter == 'a' ? HEALTH_ANSWERED
	    : letter == 's'  ? HEALTH_SILENT
			     : HEALTH_NOT_TRIED;
}

static void
the_uplink_is_down_when_all_are_silent(void **state)
{
	static const struct {
		const char *operators;
		char references; /* 0: none */
		bool before, after;
	} cases[] = {
	    {"", 0, false, false},
	    {"s", 0, false, false},
	    {"ss", 0, false, true},
	    {"sssss", 0, false, true},
	    {"ssssa", 0, false, false},
	    {"s-", 0, false, false},
	    {"ss---", 0, false, true},
	    {"---", 0, false, false},
	    {"", 0, true, true},
	    {"s", 0, true, true},
	    {"-", 0, true, true},
	    {"---ss", 0, true, true},
	    {"a", 0, true, false},
	    {"ssssa", 0, true, false},
	    {"----a", 0, true, false},
	    /* with references */
	    {"sssss", '-', false, false},
	    {"sssss", 'a', false, false},
	    {"sssss", 's', false, true},
	    {"s----", 's', false, true},
	    {"-----", 's', false, false},
	    {"ssssa", 's', false, false},
	    {"sssss", 'a', true, false},
	    {"sssss", '-', true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct health_uplink uplink = {.down = cases[i].before};
		enum health_reach references = reach_of(cases[i].references);
		size_t n = strlen(cases[i].operators);
		enum health_reach reach[8];
		bool changed;

		for (size_t k = 0; k < n; k++) {
			reach[k] = reach_of(cases[i].operators[k]);
		}
		changed = health_uplink(&uplink, reach, n,
		    cases[i].references ? &references : NULL, 7);
		if (uplink.down != cases[i].after ||
		    changed != (cases[i].before != cases[i].after) ||
		    uplink.since != (changed ? 7 : 0)) {
			fail_msg("\"%s\" and '%c' from %d", cases[i].operators,
			    cases[i].references, cases[i].before);
		}
	}
}

static void
silence_that_began_in_an_outage_is_the_uplinks(void **state)
{
	const struct health_uplink never = {0}, down = {true, 50},
				   back = {false, 50};

	(void)state;
	assert_false(health_uplink_blamed(&never, REASON_DNS_TIMEOUT, 1));
	assert_true(health_uplink_blamed(&down, REASON_DNS_TIMEOUT, 60));
	assert_true(health_uplink_blamed(&down, REASON_DNS_TIMEOUT, 40));
	assert_false(health_uplink_blamed(&down, REASON_HTTP_5XX, 60));
	assert_false(health_uplink_blamed(&down, REASON_TAINTED, 60));
	assert_true(health_uplink_blamed(&back, REASON_CONNECT_TIMEOUT, 49));
	assert_false(health_uplink_blamed(&back, REASON_CONNECT_TIMEOUT, 50));
	assert_false(health_uplink_blamed(&back, REASON_TLS_NAME, 49));
}

/* What a pool says is what its members say together. */
static void
a_pool_is_the_sum_of_its_members(void **state)
{
	const struct health_policy minute = {
	    .fail_n = 3, .fail_m = 5, .ok_n = 2, .window = 60 * US_PER_S};
	const wall_us wall = INT64_C(1795000000) * US_PER_S;
	const struct health_counts before = {.ok = 7, .failed = 2};
	struct health members[3] = {{0}};
	struct health_pool pool = {0};
	struct health_counts day, sum = {0};
	struct hist window, all = {{0}, 0};
	mono_us now = 1000 * US_PER_S;

	(void)state;
	health_pool_restore(&pool, wall - 3600 * US_PER_S, &before, wall);
	health_restore(&members[0], wall - 3600 * US_PER_S, &before, wall);
	for (int i = 0; i < 90; i++, now += US_PER_S) {
		struct result result = {
		    .reason = i % 7 == 0 ? REASON_HTTP_5XX
			: i % 11 == 0    ? REASON_TAINTED
					 : REASON_OK,
		    .latency = (10 + i) * US_PER_MS,
		};

		health_feed(&members[i % 3], &minute, &result, now, wall);
		health_pool_feed(&pool, minute.window, &result, now, wall);
	}
	for (int i = 0; i < 3; i++) {
		health_window(&members[i], &minute, now, &window);
		hist_merge(&all, &window);
		health_day(&members[i], wall, &day);
		sum.ok += day.ok;
		sum.failed += day.failed;
		sum.excluded += day.excluded;
	}
	health_pool_window(&pool, minute.window, now, &window);
	assert_memory_equal(&window, &all, sizeof(all));
	assert_true(all.total > 30 && all.total < 60);
	health_pool_day(&pool, wall, &day);
	assert_memory_equal(&day, &sum, sizeof(sum));
	assert_int_equal(pool.runs, 90);
	assert_int_equal(pool.ok + pool.failed + pool.excluded, 90);
	assert_int_equal(pool.ok, day.ok - before.ok);
}

/* The cells of one target are small; they stop at their most. */
static void
a_full_cell_says_its_most(void **state)
{
	const wall_us wall = INT64_C(1795000000) * US_PER_S;
	const struct health_counts many = {.ok = 60000, .failed = 70000};
	struct health health = {0};
	struct health_counts day;

	(void)state;
	health_restore(&health, wall, &many, wall);
	health_restore(&health, wall, &many, wall);
	health_day(&health, wall, &day);
	assert_int_equal(day.ok, UINT16_MAX);
	assert_int_equal(day.failed, UINT16_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(states_follow_the_last_verdicts),
	    cmocka_unit_test(
		the_last_failure_is_remembered_behind_what_is_no_verdict),
	    cmocka_unit_test(every_reason_counts_by_its_verdict),
	    cmocka_unit_test(
		a_change_says_from_where_to_where_and_for_how_long),
	    cmocka_unit_test(
		slow_needs_five_samples_and_goes_back_with_a_margin),
	    cmocka_unit_test(failures_outrank_slowness),
	    cmocka_unit_test(a_limit_of_zero_is_never_slow),
	    cmocka_unit_test(silence_makes_it_unknown_and_wipes_the_streak),
	    cmocka_unit_test(silence_counts_from_when_the_result_was_told),
	    cmocka_unit_test(excluded_results_do_not_break_the_silence),
	    cmocka_unit_test(what_could_not_be_tried_is_not_known_to_be_up),
	    cmocka_unit_test(a_stopped_account_leaves_neither_up_nor_down),
	    cmocka_unit_test(the_window_forgets),
	    cmocka_unit_test(availability_spans_a_day_and_a_restart),
	    cmocka_unit_test(a_clock_set_back_spoils_nothing),
	    cmocka_unit_test(a_pool_is_the_sum_of_its_members),
	    cmocka_unit_test(a_full_cell_says_its_most),
	    cmocka_unit_test(a_group_is_as_most_of_its_known_members),
	    cmocka_unit_test(a_group_is_slow_by_all_its_latencies),
	    cmocka_unit_test(a_reason_tells_whether_somebody_answered),
	    cmocka_unit_test(the_uplink_is_down_when_all_are_silent),
	    cmocka_unit_test(silence_that_began_in_an_outage_is_the_uplinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
