/*
 * The two clocks: the kernel's and one that moves when told to. Turning times
 * into text is in text.c.
 */
#include "base/clock.h"

#include <assert.h>
#include <stdbool.h>
#include <time.h>

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	int rc = clock_gettime(id, &ts);
	assert(rc == 0);
	(void)rc;
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static mono_us
system_mono(const struct clock *clock)
{
	(void)clock;
	return read_us(CLOCK_MONOTONIC);
}

static wall_us
system_wall(const struct clock *clock)
{
	(void)clock;
	return read_us(CLOCK_REALTIME);
}

static mono_us
system_boot(const struct clock *clock)
{
	(void)clock;
	return read_us(CLOCK_BOOTTIME);
}

const struct clock *
clock_system(void)
{
	static const struct clock system = {
	    .mono = system_mono,
	    .wall = system_wall,
	    .boot = system_boot,
	};

	return &system;
}

mono_us
clock_mono(const struct clock *clock)
{
	return clock->mono(clock);
}

dur_us
clock_thread_cpu(void)
{
	struct timespec at;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	return at.tv_sec * US_PER_S + at.tv_nsec / 1000;
}

wall_us
clock_wall(const struct clock *clock)
{
	return clock->wall(clock);
}

mono_us
clock_boot(const struct clock *clock)
{
	return clock->boot != NULL ? clock->boot(clock) : clock->mono(clock);
}

/* ---- what happened to them ---- */

#define SET_LEAST (500 * US_PER_MS)
#define SLEPT_LEAST (500 * US_PER_MS)
#define LOOK_MOST (50 * US_PER_MS) /* it takes less than a microsecond */

/* All three at one instant; false when we were interrupted between them. */
static bool
look(struct clock_watch *now, const struct clock *clock)
{
	now->mono = clock_mono(clock);
	now->boot = clock_boot(clock);
	now->wall = clock_wall(clock);
	return clock_boot(clock) - now->boot < LOOK_MOST &&
	    clock_mono(clock) - now->mono < LOOK_MOST;
}

void
clock_watch_init(struct clock_watch *watch, const struct clock *clock)
{
	while (!look(watch, clock)) {
	}
}

struct clock_step
clock_watch_look(struct clock_watch *watch, const struct clock *clock)
{
	struct clock_step step = {0};
	struct clock_watch now;
	dur_us passed;

	if (!look(&now, clock))
		return step;
	passed = now.boot - watch->boot;
	step.set = (now.wall - watch->wall) - passed;
	step.slept = passed - (now.mono - watch->mono);
	if (step.set < SET_LEAST && step.set > -SET_LEAST)
		step.set = 0;
	if (step.slept < SLEPT_LEAST)
		step.slept = 0;
	*watch = now;
	return step;
}

/* ---- one that moves when told to ---- */

/* `clock` is the first member, so the address of one is that of the other. */
static mono_us
manual_mono(const struct clock *clock)
{
	return ((const struct clock_manual *)clock)->now;
}

static wall_us
manual_wall(const struct clock *clock)
{
	return ((const struct clock_manual *)clock)->wall;
}

static mono_us
manual_boot(const struct clock *clock)
{
	const struct clock_manual *manual = (const struct clock_manual *)clock;

	return manual->now + manual->slept;
}

void
clock_manual_init(struct clock_manual *manual, mono_us now, wall_us wall)
{
	*manual = (struct clock_manual){
	    .clock = {.mono = manual_mono,
		.wall = manual_wall,
		.boot = manual_boot},
	    .now = now,
	    .wall = wall,
	};
}

void
clock_manual_advance(struct clock_manual *manual, dur_us by)
{
	assert(by >= 0);
	manual->now += by;
	manual->wall += by;
}

void
clock_manual_sleep(struct clock_manual *manual, dur_us by)
{
	assert(by >= 0);
	manual->slept += by;
	manual->wall += by;
}

double
clock_to_ms(dur_us length)
{
	return (double)length / (double)US_PER_MS;
}
