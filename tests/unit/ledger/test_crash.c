#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>

#include "rig.h"

/*
 * A child commits events and tells each commit over a pipe; it is killed in
 * the middle; whatever was told must be in the file.
 */

#define ROUNDS 12

static void
tell(void *arg, int problem)
{
	int fd = *(int *)arg;

	if (problem != 0 || write(fd, "x", 1) != 1)
		_exit(1);
}

static void NO_RETURN
commit_for_ever(struct rig *rig, int fd)
{
	int64_t number;

	if (rig_start(rig) != 0)
		_exit(1);
	for (number = ledger_last_incident(rig->ledger) + 1;; number++) {
		struct incident incident = rig_incident(number, 0);
		struct incident_entry entry = rig_entry(number, "opened");
		struct ledger_delivery delivery =
		    rig_delivery(number, number, START + number);

		if (ledger_put_event(rig->ledger, &incident, &entry, &delivery,
			1, "{}", 2, tell, &fd) != 0)
			_exit(1);
		/* a full mailbox is not what is tested */
		rig_drain(rig);
	}
}

static void
count_one(void *arg, const struct ledger_delivery *delivery, const char *body,
    size_t body_len)
{
	(void)delivery;
	(void)body;
	assert_int_equal(body_len, 2);
	++*(int64_t *)arg;
}

static void
nothing_committed_is_lost_to_a_kill(void **state)
{
	struct rig rig;
	int64_t told = 0, number, pending;
	int round, status;

	(void)state;
	rig_init(&rig);
	rig_stop(&rig);
	for (round = 0; round < ROUNDS; round++) {
		int64_t goal = told + 5 + round * 3;
		int fds[2];
		char byte;
		pid_t child;

		assert_int_equal(pipe(fds), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			commit_for_ever(&rig, fds[1]);
		close(fds[1]);
		while (told < goal && read(fds[0], &byte, 1) == 1)
			told++;
		assert_int_equal(told, goal);
		assert_int_equal(kill(child, SIGKILL), 0);
		while (read(fds[0], &byte, 1) == 1)
			told++;
		close(fds[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));

		assert_int_equal(rig_start(&rig), 0);
		number = ledger_last_incident(rig.ledger);
		/* one may be committed and not yet told */
		assert_true(number == told || number == told + 1);
		pending = 0;
		assert_int_equal(
		    ledger_each_pending(rig.ledger, count_one, &pending), 0);
		assert_int_equal(pending, number);
		told = number;
		rig_stop(&rig);
	}
	rig_fini(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_committed_is_lost_to_a_kill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
