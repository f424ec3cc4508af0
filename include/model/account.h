#ifndef MODEL_ACCOUNT_H
#define MODEL_ACCOUNT_H

#include "base/clock.h"
#include "model/reason.h"
#include "model/result.h"
#include "model/target.h"

/*
 * An account that must not log in until it is released: the operator refused
 * it, or asked it for a captcha. A value; it holds no secret.
 */
#define ACCOUNT_DIGEST_SIZE 82

struct account_stop {
	char account[MODEL_NAME_SIZE]; /* its name in the configuration */
	enum reason reason;
	wall_us since;
	char target[MODEL_PATH_SIZE]; /* where it happened, */
	char step[MODEL_NAME_SIZE]; /* in which step, */
	char run_id[TRACE_ID_SIZE]; /* and in which run */
	char credentials[ACCOUNT_DIGEST_SIZE]; /* which key, and by it the
						  digest of what was refused;
						  "": not known */
};

#endif
