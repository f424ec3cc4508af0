#ifndef TRUTH_ENGINE_H
#define TRUTH_ENGINE_H

#include "daemon/main/main-int.h"
#include "errors.h"
#include "world.h"

/* The engine that is measured: our own rooms loop, http and probe. */
struct engine_bench;

/* truth_plan writes the configuration into a folder that has ca.pem and the
 * accounts a and b, and loads it; NULL, said on stderr, when it is refused. */
struct plan *truth_plan(const struct truth_world *world, const char *folder);

/* engine_open begins with a fresh loop; `load` is the operator whose journeys
 * are the load, "light" or "full". All is borrowed. */
struct engine_bench *engine_open(
    struct plan *plan, const struct truth_world *world, const char *load);
void engine_close(struct engine_bench *engine);

/* engine_run does one journey of ours and adds what it measured. */
void engine_run(struct engine_bench *engine, struct errors *errors);

/* engine_load does so many journeys a second of the load for so many seconds,
 * and twenty of ours each second among them; then prints how it went. */
void engine_load(struct engine_bench *engine, double rate, double seconds,
    struct errors *errors);

#endif
