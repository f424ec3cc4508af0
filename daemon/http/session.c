/*
 * A session: cookies, connections and resolved names of one browser window,
 * in a share handle of its own.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "http-int.h"

struct http_session *
http_session_new(
    struct http_client *client, const struct http_session_options *options)
{
	static const struct http_session_options none = {0};
	struct http_session *session = mem_new(sizeof(*session));

	if (options == NULL)
		options = &none;
	session->client = client;
	client->sessions++;
	session->store = http_bundle_get(client,
	    options->ca_file != NULL ? options->ca_file : client->ca_file);
	session->deny_private = options->deny_private;
	/* An empty host and port match every one. */
	if (options->connect_to != NULL)
		session->connect_to = mem_printf("::%s", options->connect_to);
	if (options->unix_socket != NULL)
		session->unix_socket = mem_strdup(options->unix_socket);
	session->share = curl_share_init();
	if (session->share == NULL)
		log_fatal("out of memory", "for=libcurl");
	curl_share_setopt(
	    session->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
	curl_share_setopt(
	    session->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
	curl_share_setopt(session->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	return session;
}

void
http_session_free(struct http_session *session)
{
	if (session == NULL)
		return;
	assert(session->running == NULL);
	curl_share_cleanup(session->share);
	curl_slist_free_all(session->resolve);
	while (session->known != NULL) {
		struct known_host *next = session->known->next;

		free(session->known->host_port);
		free(session->known);
		session->known = next;
	}
	X509_STORE_free(session->store);
	session->client->sessions--;
	free(session->connect_to);
	free(session->unix_socket);
	free(session->cookie);
	free(session);
}

/* A line of Netscape's cookie file: domain, whether sub-domains are meant,
 * path, secure, expires, name, value; separated by tabs. */
#define COOKIE_FIELDS 7

static bool
split_cookie(char *line, char *fields[COOKIE_FIELDS])
{
	for (size_t i = 0; i < COOKIE_FIELDS; i++) {
		fields[i] = line;
		if (i == COOKIE_FIELDS - 1)
			return true;
		line = strchr(line, '\t');
		if (line == NULL)
			return false;
		*line++ = '\0';
	}
	return true;
}

/* libcurl's list still holds what it will not send any more; 0 is the end of
 * the session. */
static bool
has_expired(const struct http_session *session, const char *expires)
{
	const struct clock *clock = loop_clock(session->client->loop);
	uint64_t at;

	return text_u64_parse(expires, &at) == 0 && at > 0 &&
	    (wall_us)at <= clock_wall(clock) / US_PER_S;
}

static bool
domain_fits(const char *domain, bool sub_domains, const char *host)
{
	size_t host_len = strlen(host);
	size_t len;

	if (strncmp(domain, "#HttpOnly_", 10) == 0)
		domain += 10;
	if (domain[0] == '.')
		domain++;
	if (strcasecmp(domain, host) == 0)
		return true;
	len = strlen(domain);
	return sub_domains && host_len > len &&
	    host[host_len - len - 1] == '.' &&
	    strcasecmp(host + host_len - len, domain) == 0;
}

/* A handle that sends nothing. */
static CURL *
reader_of(struct http_client *client)
{
	if (client->reader == NULL)
		client->reader = curl_easy_init();
	return client->reader;
}

const char *
http_session_cookie(
    struct http_session *session, const char *host, const char *name)
{
	CURL *easy = reader_of(session->client);
	struct curl_slist *cookies = NULL;

	free(session->cookie);
	session->cookie = NULL;
	if (easy == NULL)
		return NULL;
	curl_easy_setopt(easy, CURLOPT_SHARE, session->share);
	curl_easy_getinfo(easy, CURLINFO_COOKIELIST, &cookies);
	for (struct curl_slist *at = cookies; at != NULL; at = at->next) {
		char *fields[COOKIE_FIELDS];

		if (split_cookie(at->data, fields) &&
		    !has_expired(session, fields[4]) &&
		    strcmp(fields[5], name) == 0 &&
		    domain_fits(
			fields[0], strcmp(fields[1], "TRUE") == 0, host)) {
			free(session->cookie);
			session->cookie = mem_strdup(fields[6]);
		}
	}
	curl_slist_free_all(cookies);
	curl_easy_setopt(easy, CURLOPT_SHARE, NULL);
	return session->cookie;
}
