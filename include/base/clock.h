#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * Two kinds of time, and one for the edges.
 *
 * mono_us  an instant on CLOCK_MONOTONIC, microseconds
 * dur_us   a length, microseconds
 * wall_us  an instant in UTC, microseconds since 1970; used only where data
 *          leaves or enters the daemon: series, ledger, web, deliveries
 *
 * Every module that needs the time is given a struct clock, so that a test
 * can be the clock.
 */
typedef int64_t mono_us;
typedef int64_t dur_us;
typedef int64_t wall_us;

#define US_PER_MS INT64_C(1000)
#define US_PER_S INT64_C(1000000)

struct clock {
	mono_us (*mono)(const struct clock *clock);
	wall_us (*wall)(const struct clock *clock);
	mono_us (*boot)(const struct clock *clock); /* NULL: as mono */
};

/* clock_system is the real clock. Never NULL, never freed, any thread. */
const struct clock *clock_system(void);

mono_us clock_mono(const struct clock *clock);
wall_us clock_wall(const struct clock *clock);

/* clock_boot: as clock_mono, but it goes on while the machine sleeps
 * (CLOCK_BOOTTIME). Its instants are not to be mixed with the others. */
mono_us clock_boot(const struct clock *clock);

/* clock_thread_cpu: what the calling thread has worked, user and system; what
 * it has waited for the processor is not in it. */
dur_us clock_thread_cpu(void);

/*
 * What happened to the clocks between two looks: by how much the wall clock
 * was set (less than half a second is 0: that is how it is kept right), and how
 * long the machine slept. A look that was interrupted tells at the next.
 */
struct clock_watch {
	mono_us mono, boot;
	wall_us wall;
};

struct clock_step {
	dur_us set;
	dur_us slept;
};

void clock_watch_init(struct clock_watch *watch, const struct clock *clock);
struct clock_step clock_watch_look(
    struct clock_watch *watch, const struct clock *clock);

/*
 * A clock that moves only when told to. Not thread safe. Use its member
 * `clock` where a struct clock is wanted.
 */
struct clock_manual {
	struct clock clock;
	mono_us now;
	wall_us wall;
	dur_us slept;
};

void clock_manual_init(struct clock_manual *manual, mono_us now, wall_us wall);

/* clock_manual_advance moves both times forward by the same length. */
void clock_manual_advance(struct clock_manual *manual, dur_us by);

/* clock_manual_sleep: the machine sleeps; the monotonic clock stands. */
void clock_manual_sleep(struct clock_manual *manual, dur_us by);

/* clock_to_ms gives milliseconds as a fraction, for what leaves the daemon. */
double clock_to_ms(dur_us length);

#endif
