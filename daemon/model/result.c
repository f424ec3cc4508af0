#include "model/result.h"

enum verdict
result_verdict(const struct result *result)
{
	return result->maintenance ? VERDICT_EXCLUDED
				   : reason_verdict(result->reason);
}
