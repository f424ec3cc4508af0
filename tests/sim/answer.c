/*
 * From an admitted request to the bytes of its answer: the operator's
 * handler, or the symptom of a fault in its place, and the ways in which an
 * answer can be spoilt on the wire.
 */
#include <string.h>

#include "server-int.h"

enum { HUGE_BODY = 64 << 20, TRUNCATED_EMPTY = 64 };

/* These answer in the place of the handler. */
static const enum fault_kind page_faults[] = {
    FAULT_HTTP_503,
    FAULT_OVERLOAD_PAGE,
    FAULT_MAINTENANCE_PAGE,
    FAULT_MAINTENANCE_REDIRECT,
    FAULT_TOO_MANY_REQUESTS,
    FAULT_ERROR_PAGE,
    FAULT_WAF_PAGE,
    FAULT_FEATURE_OFF,
    FAULT_WRONG_ADDRESS,
    FAULT_NOT_FOUND,
    FAULT_CHANGED_FLOW,
};

/* These hide the page that a person who has logged in would see. */
static const enum fault_kind inner_faults[] = {
    FAULT_INTERSTITIAL,
    FAULT_ACCOUNT_EXPIRED,
};

enum {
	PAGE_FAULTS = sizeof(page_faults) / sizeof(page_faults[0]),
	INNER_FAULTS = sizeof(inner_faults) / sizeof(inner_faults[0]),
};

/* True if a symptom answers instead of the handler. */
static bool
is_ill(struct exchange *x)
{
	struct fault hit;

	if (x->overloaded && x->class != CLASS_PLAIN) {
		symptom_show_usual(x, FAULT_OVERLOAD_PAGE);
		return true;
	}
	for (int i = 0; i < PAGE_FAULTS; i++)
		if (fault_hits(x, page_faults[i], &hit)) {
			symptom_show(x, hit.symptom);
			return true;
		}
	return false;
}

static void
answer_make(struct exchange *x)
{
	struct fault hit;

	if (x->body_too_big) {
		reply_status(x, 413, TYPE_HTML);
		return;
	}
	if (is_ill(x))
		return;
	if (x->route == NULL || (x->dep == NULL && x->class != CLASS_PLAIN)) {
		symptom_show_usual(
		    x, x->dep == NULL ? FAULT_WRONG_ADDRESS : FAULT_NOT_FOUND);
		return;
	}
	x->route->handle(x);
	if (x->instead != NULL) {
		symptom_show(x, x->instead);
		return;
	}
	/* something to be read first hides a page, but no API */
	x->inside =
	    x->logged_in && x->status == 200 && same(x->type, TYPE_HTML);
	for (int i = 0; x->inside && i < INNER_FAULTS; i++)
		if (fault_hits(x, inner_faults[i], &hit)) {
			symptom_show(x, hit.symptom);
			return;
		}
}

/* ---- spoilt bodies ---- */

static ssize_t
trickle_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct exchange *x = cls;
	double now_s = sim_now_s();

	(void)max;
	if (pos >= x->out.len)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (now_s < x->due_s)
		return timer_suspend(x->sim->timer, x)
		    ? 0
		    : MHD_CONTENT_READER_END_WITH_ERROR;
	buf[0] = x->out.at[pos];
	x->due_s = now_s + 1;
	return 1;
}

static ssize_t
truncate_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct exchange *x = cls;
	size_t half = x->out.len / 2;

	if (pos >= half)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (max > half - pos)
		max = half - pos;
	memcpy(buf, x->out.at + pos, max);
	return (ssize_t)max;
}

static ssize_t
huge_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	(void)cls;
	if (pos >= HUGE_BODY)
		return MHD_CONTENT_READER_END_OF_STREAM;
	memset(buf, ' ', max);
	return (ssize_t)max;
}

static struct MHD_Response *
response_of(struct exchange *x)
{
	struct MHD_Response *response;
	static char nothing[1];
	size_t len;

	if (fault_strikes(x, FAULT_HUGE_BODY, NULL)) {
		x->status = 200;
		return MHD_create_response_from_callback(
		    MHD_SIZE_UNKNOWN, 65536, huge_read, NULL, NULL);
	}
	if (fault_strikes(x, FAULT_GZIP_BOMB, NULL)) {
		x->status = 200;
		void *bomb = fault_gzip_bomb(&len);
		response = MHD_create_response_from_buffer(
		    len, bomb, MHD_RESPMEM_PERSISTENT);
		MHD_add_response_header(response, "Content-Encoding", "gzip");
		return response;
	}
	if (fault_strikes(x, FAULT_TRICKLE, NULL)) {
		x->due_s = 0;
		return MHD_create_response_from_callback(
		    x->out.len, 512, trickle_read, x, NULL);
	}
	if (fault_strikes(x, FAULT_TRUNCATE, NULL))
		return MHD_create_response_from_callback(
		    x->out.len > 0 ? x->out.len : TRUNCATED_EMPTY, 4096,
		    truncate_read, x, NULL);
	if (x->out.at == NULL)
		return MHD_create_response_from_buffer(
		    0, nothing, MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer(
	    x->out.len, x->out.at, MHD_RESPMEM_MUST_FREE);
	x->out = (struct text){0}; /* the response owns it now */
	return response;
}

/* The same address again and again, with a number that grows. */
static void
redirect_loop(struct exchange *x)
{
	const char *turn = request_query(x, "petla");
	int n = 0;

	for (; turn != NULL && *turn >= '0' && *turn <= '9'; turn++)
		n = (n * 10 + *turn - '0') % 100000;
	reply_clear(x);
	reply_redirect(
	    x, 302, "https://%s%s?petla=%d", x->host, x->path, n + 1);
}

enum MHD_Result
answer_send(struct exchange *x)
{
	struct MHD_Response *response;
	enum MHD_Result rc;

	pthread_mutex_lock(&x->op->lock);
	answer_make(x);
	if (fault_strikes(x, FAULT_REDIRECT_LOOP, NULL))
		redirect_loop(x);
	else if (x->op->play->finish != NULL)
		x->op->play->finish(x);
	response = response_of(x);
	pthread_mutex_unlock(&x->op->lock);
	if (response == NULL)
		return MHD_NO;
	if (x->type != NULL)
		MHD_add_response_header(response, "Content-Type", x->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	for (size_t i = 0; i < x->n_headers; i++)
		MHD_add_response_header(
		    response, x->headers[i].name, x->headers[i].value);
	rc = MHD_queue_response(x->conn, x->status, response);
	MHD_destroy_response(response);
	return rc;
}
