#ifndef SIM_SERVER_INT_H
#define SIM_SERVER_INT_H

#include "sim.h"

/* answer.c: the handler's or a fault's answer, put on its way. */
enum MHD_Result answer_send(struct exchange *x);

#endif
