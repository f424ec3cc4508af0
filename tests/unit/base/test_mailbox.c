/*
 * The mailbox: order, limit, closing, and many threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/mailbox.h"

struct seen {
	char text[64];
	size_t len;
};

static void
note(void *ctx, const void *payload, size_t size)
{
	struct seen *seen = ctx;

	assert_int_equal((uintptr_t)payload % 16, 0);
	assert_true(seen->len + size < sizeof(seen->text));
	memcpy(seen->text + seen->len, payload, size);
	seen->len += size;
}

static void
calls_run_in_order_with_a_copy_of_their_argument(void **state)
{
	struct mailbox *box = mailbox_new(10000);
	struct seen seen = {0};
	char letter[2] = "a";

	(void)state;
	assert_false(mailbox_run(box));
	for (; letter[0] <= 'e'; letter[0]++)
		assert_int_equal(mailbox_put(box, note, &seen, letter, 1), 0);
	assert_int_equal(mailbox_put(box, note, &seen, NULL, 0), 0);
	for (int i = 0; i < 6; i++)
		assert_true(mailbox_run(box));
	assert_false(mailbox_run(box));
	assert_string_equal(seen.text, "abcde");
	mailbox_free(box);
}

static void
a_full_box_refuses_counts_and_loses_nothing(void **state)
{
	struct mailbox *box = mailbox_new(1000);
	struct mailbox_stats stats;
	struct seen seen = {0};
	unsigned accepted = 0;

	(void)state;
	while (mailbox_put(box, note, &seen, "x", 1) == 0)
		accepted++;
	assert_true(accepted > 1);
	assert_int_equal(mailbox_put(box, note, &seen, "y", 1), -EAGAIN);
	mailbox_stats(box, &stats);
	assert_int_equal(stats.accepted, accepted);
	assert_int_equal(stats.refused, 2);
	assert_int_equal(stats.max_bytes, 1000);
	assert_true(stats.bytes > 0 && stats.bytes <= 1000);

	assert_true(mailbox_run(box));
	assert_int_equal(mailbox_put(box, note, &seen, "z", 1), 0);
	while (mailbox_run(box))
		continue;
	assert_int_equal(seen.len, accepted + 1);
	assert_null(strchr(seen.text, 'y'));
	mailbox_stats(box, &stats);
	assert_int_equal(stats.bytes, 0);
	mailbox_free(box);
}

static void
empty_calls_are_bounded_too(void **state)
{
	struct mailbox *box = mailbox_new(1000);
	struct seen seen = {0};
	int n = 0;

	(void)state;
	while (mailbox_put(box, note, &seen, NULL, 0) == 0)
		assert_true(++n <= 1000);
	mailbox_free(box);
}

static void
what_can_never_fit_is_told_apart(void **state)
{
	struct mailbox *box = mailbox_new(100);
	char large[101] = {0};

	(void)state;
	assert_int_equal(
	    mailbox_put(box, note, NULL, large, sizeof(large)), -EMSGSIZE);
	assert_int_equal(
	    mailbox_put(box, note, NULL, large, SIZE_MAX), -EMSGSIZE);
	mailbox_free(box);
}

static void
a_closed_box_takes_nothing_but_can_be_emptied(void **state)
{
	struct mailbox *box = mailbox_new(1000);
	struct seen seen = {0};

	(void)state;
	assert_int_equal(mailbox_put(box, note, &seen, "a", 1), 0);
	mailbox_close(box);
	assert_int_equal(mailbox_put(box, note, &seen, "b", 1), -ESHUTDOWN);
	assert_true(mailbox_wait(box));
	assert_true(mailbox_run(box));
	assert_false(mailbox_wait(box));
	assert_string_equal(seen.text, "a");
	mailbox_free(box);
}

static struct mailbox *own;

static void
put_another(void *ctx, const void *payload, size_t size)
{
	(void)payload;
	(void)size;
	assert_int_equal(mailbox_put(own, note, ctx, "n", 1), 0);
}

static void
a_call_may_put_another(void **state)
{
	struct seen seen = {0};

	(void)state;
	own = mailbox_new(1000);
	assert_int_equal(mailbox_put(own, put_another, &seen, NULL, 0), 0);
	assert_true(mailbox_run(own));
	assert_true(mailbox_run(own));
	assert_string_equal(seen.text, "n");
	mailbox_free(own);
	mailbox_free(NULL);
}

#define SENDERS 4
#define EACH 5000

struct numbered {
	int sender, number;
};

struct sender {
	struct mailbox *box;
	int *next;
	int sender;
	unsigned refused;
};

static void
check_order(void *ctx, const void *payload, size_t size)
{
	const struct numbered *call = payload;
	int *next = ctx;

	assert_int_equal(size, sizeof(*call));
	assert_int_equal(call->number, next[call->sender]);
	next[call->sender]++;
}

static void *
send_all(void *arg)
{
	struct sender *me = arg;

	for (int i = 0; i < EACH;) {
		struct numbered call = {me->sender, i};
		int rc = mailbox_put(
		    me->box, check_order, me->next, &call, sizeof(call));
		if (rc == 0)
			i++;
		else
			me->refused++;
	}
	return NULL;
}

static void
the_order_of_each_thread_is_kept(void **state)
{
	struct mailbox *box = mailbox_new(4000);
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];
	struct mailbox_stats stats;
	int next[SENDERS] = {0};
	uint64_t refused = 0;

	(void)state;
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){box, next, i, 0};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, send_all, &senders[i]),
		    0);
	}
	for (int i = 0; i < SENDERS * EACH; i++) {
		assert_true(mailbox_wait(box));
		assert_true(mailbox_run(box));
	}
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		refused += senders[i].refused;
		assert_int_equal(next[i], EACH);
	}
	mailbox_stats(box, &stats);
	assert_int_equal(stats.accepted, SENDERS * EACH);
	assert_int_equal(stats.refused, refused);
	assert_int_equal(stats.bytes, 0);
	mailbox_free(box);
}

static void *
drain(void *arg)
{
	while (mailbox_wait(arg))
		mailbox_run(arg);
	return NULL;
}

static void
closing_wakes_whoever_waits(void **state)
{
	struct mailbox *box = mailbox_new(1000);
	struct seen seen = {0};
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, drain, box), 0);
	assert_int_equal(mailbox_put(box, note, &seen, "a", 1), 0);
	mailbox_close(box);
	pthread_join(thread, NULL);
	assert_string_equal(seen.text, "a");
	mailbox_free(box);
}

struct wakings {
	struct mailbox *box;
	struct seen seen;
};

static void *
drain_all(void *arg)
{
	struct wakings *wakings = arg;

	while (mailbox_wait(wakings->box))
		while (mailbox_run(wakings->box))
			continue;
	return NULL;
}

static void
what_is_in_no_hurry_is_run_in_its_order_and_without_another_call(void **state)
{
	struct wakings wakings = {.box = mailbox_new(10000)};
	struct mailbox_stats stats;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, drain_all, &wakings), 0);
	assert_int_equal(
	    mailbox_put_later(wakings.box, note, &wakings.seen, "a", 1), 0);
	assert_int_equal(
	    mailbox_put_later(wakings.box, note, &wakings.seen, "b", 1), 0);
	assert_int_equal(
	    mailbox_put(wakings.box, note, &wakings.seen, "c", 1), 0);
	assert_int_equal(
	    mailbox_put_later(wakings.box, note, &wakings.seen, "d", 1), 0);
	do
		mailbox_stats(wakings.box, &stats);
	while (stats.bytes > 0);
	mailbox_close(wakings.box);
	pthread_join(thread, NULL);
	assert_string_equal(wakings.seen.text, "abcd");
	mailbox_free(wakings.box);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(calls_run_in_order_with_a_copy_of_their_argument),
	    cmocka_unit_test(a_full_box_refuses_counts_and_loses_nothing),
	    cmocka_unit_test(empty_calls_are_bounded_too),
	    cmocka_unit_test(what_can_never_fit_is_told_apart),
	    cmocka_unit_test(a_closed_box_takes_nothing_but_can_be_emptied),
	    cmocka_unit_test(a_call_may_put_another),
	    cmocka_unit_test(the_order_of_each_thread_is_kept),
	    cmocka_unit_test(closing_wakes_whoever_waits),
	    cmocka_unit_test(
		what_is_in_no_hurry_is_run_in_its_order_and_without_another_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
