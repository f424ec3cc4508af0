/*
 * One question to a running daemon, over its API, by a command that waits for
 * the answer.
 */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "http/http.h"
#include "loop/loop.h"
#include "main-int.h"

#define BODY_MAX (64 * 1024 * 1024)
#define SENT_MAX (64 * 1024)

const char *
own_name(void)
{
	const struct passwd *user = getpwuid(getuid());

	return user != NULL ? user->pw_name : "?";
}

struct jv *
ask_with(const char *socket, enum http_method method, const char *path,
    struct jv *body)
{
	char *url = mem_printf("http://localhost/api/v1/%s", path);
	struct jv *answer = NULL;
	struct buf text;

	buf_init(&text, SENT_MAX);
	if (body == NULL || jv_dump(body, &text))
		answer = ask(&(struct ask){
		    .unix_socket = socket,
		    .url = url,
		    .method = method,
		    .body = body != NULL ? text.data : NULL,
		});
	else
		fputs("dyzurny: the text is too long\n", stderr);
	buf_fini(&text);
	jv_release(body);
	free(url);
	return answer;
}

struct asking {
	struct loop *loop;
	struct jv *answer;
	bool by_socket;
	int status;
	char problem[256];
};

static void
on_answer(void *arg, const struct http_response *response)
{
	struct asking *asking = arg;

	asking->status = response->status;
	if (response->reason == REASON_CONNECT_REFUSED && asking->by_socket)
		snprintf(asking->problem, sizeof(asking->problem),
		    "no daemon runs with this state directory");
	else if (response->reason != REASON_OK)
		snprintf(asking->problem, sizeof(asking->problem), "%s: %s",
		    reason_name(response->reason), response->problem);
	else
		asking->answer = jv_parse(response->body, response->body_len,
		    asking->problem, sizeof(asking->problem));
	loop_stop(asking->loop);
}

/* An error of the API says itself what is wrong. */
static void
judge(struct asking *asking)
{
	const struct jv *error = jv_get(asking->answer, "error");
	const char *field = jv_get_string(error, "field", "");

	if (asking->answer == NULL || asking->status < 400)
		return;
	snprintf(asking->problem, sizeof(asking->problem), "%s%s%s", field,
	    field[0] != '\0' ? ": " : "",
	    jv_get_string(error, "message", "an answer that is none of ours"));
	jv_release(asking->answer);
	asking->answer = NULL;
}

struct jv *
ask(const struct ask *question)
{
	struct asking asking = {
	    .loop = loop_new(clock_system()),
	    .by_socket = question->unix_socket != NULL,
	};
	struct http_client *client = http_client_new(asking.loop,
	    &(struct http_options){
		.user_agent = PACKAGE_NAME "/" PACKAGE_VERSION,
	    });
	struct http_session *session;

	if (client == NULL)
		return NULL;
	session = http_session_new(client,
	    &(struct http_session_options){
		.unix_socket = question->unix_socket,
	    });
	http_start(session,
	    &(struct http_request){
		.method = question->method,
		.url = question->url,
		.body = question->body,
		.body_len = question->body != NULL ? strlen(question->body) : 0,
		.timeout = 10 * US_PER_S,
		.max_body_bytes = BODY_MAX,
	    },
	    on_answer, &asking);
	loop_run(asking.loop);
	http_session_free(session);
	http_client_free(client);
	loop_free(asking.loop);
	judge(&asking);
	if (asking.answer == NULL)
		fprintf(stderr, "dyzurny: %s: %s\n",
		    question->unix_socket != NULL ? question->unix_socket
						  : question->url,
		    asking.problem);
	return asking.answer;
}
