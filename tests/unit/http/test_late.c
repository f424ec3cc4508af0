/* How long an answer waits for us is no part of the measure, or told as late.
 */
#include "rig.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define HELD MS(50)

/* Two answers that are there at once. */
struct pair {
	struct server *servers[2];
	struct http_session *sessions[2];
	struct outcome got[2];
	mono_us ended[2];
	int done;
};

static struct pair pair;

static void
wait_for_both(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < 2; i++)
		server_go(pair.servers[i]);
	for (size_t i = 0; i < 2; i++) {
		while (server_finished(pair.servers[i]) == 0)
			continue;
	}
}

/* Whoever is served first keeps the other one waiting. */
static void
note_slowly(void *arg, const struct http_response *response)
{
	struct outcome *got = arg;
	mono_us now = clock_mono(clock_system());

	pair.ended[got - pair.got] = now;
	outcome_note(arg, response);
	if (pair.done++ > 0)
		return;
	while (clock_mono(clock_system()) < now + HELD)
		continue;
}

static void
begin(struct rig *rig, size_t i)
{
	static const struct step script[] = {
	    {.act = ACT_WAIT}, SEND(HELLO), {.act = ACT_FLUSH}, CLOSE};

	pair.servers[i] =
	    server_start(&(struct server_options){.script = script});
	pair.got[i].rig = rig;
	pair.sessions[i] = http_session_new(rig->client, NULL);
	http_start(pair.sessions[i],
	    &(struct http_request){
		.url =
		    url_of("http", "127.0.0.1", server_port(pair.servers[i])),
		.timeout = ENOUGH,
		.max_body_bytes = 65536,
	    },
	    note_slowly, &pair.got[i]);
	while (server_requests(pair.servers[i]) == 0)
		rig_spin(rig, MS(1));
}

static void
the_wait_behind_others_is_taken_off_or_told(void **state)
{
	struct rig rig;

	(void)state;
	pair = (struct pair){0};
	rig_begin(&rig, NULL);
	begin(&rig, 0);
	begin(&rig, 1);
	loop_defer(rig.loop, wait_for_both, NULL);
	rig_run(&rig, &pair.done, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct outcome *got = &pair.got[i];

		assert_reason(got, REASON_OK);
		assert_true(phase_times_total(&got->phases) <= got->latency);
		assert_true(
		    got->started + got->latency + got->ours <= pair.ended[i]);
		if (pair.ended[i] > pair.ended[1 - i])
			assert_true(got->ours + got->late >= HELD);
		http_session_free(pair.sessions[i]);
		server_stop(pair.servers[i]);
		outcome_clear(&pair.got[i]);
	}
	rig_end(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_wait_behind_others_is_taken_off_or_told),
	};

	http_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
