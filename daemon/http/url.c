/*
 * URLs, by libcurl's own parser, so that what we judge is what it connects to.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "http-int.h"

static bool
is_literal(const char *host)
{
	unsigned char address[16];

	return inet_pton(AF_INET, host, address) == 1 ||
	    inet_pton(AF_INET6, host, address) == 1;
}

/* Copies a host without the brackets of an IPv6 literal, in lower case. */
static bool
copy_host(char *out, size_t size, const char *host)
{
	size_t len = strlen(host);

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(host[i] >= 'A' && host[i] <= 'Z'
			? host[i] - 'A' + 'a'
			: host[i]);
	out[len] = '\0';
	return true;
}

bool
http_url_place(const char *url, struct http_place *place)
{
	CURLU *parsed = curl_url();
	char *scheme = NULL;
	char *host = NULL;
	char *port = NULL;
	uint64_t number;
	bool well = false;

	if (parsed == NULL ||
	    curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) !=
		CURLUE_OK)
		goto out;
	place->tls = strcasecmp(scheme, "https") == 0;
	if (!place->tls && strcasecmp(scheme, "http") != 0)
		goto out;
	if (text_u64_parse(port, &number) != 0 || number > UINT16_MAX ||
	    !copy_host(place->host, sizeof(place->host), host))
		goto out;
	place->port = (uint16_t)number;
	place->literal = is_literal(place->host);
	well = true;
out:
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parsed);
	return well;
}

bool
http_url_host(const char *url, char *host, size_t size)
{
	struct http_place place;

	return http_url_place(url, &place) && text_copy(host, size, place.host);
}

/* A scheme that no slashes follow: libcurl would take it for a path. */
static bool
is_other_scheme(const char *reference)
{
	size_t len = strcspn(reference, ":/?#");

	return len > 0 && reference[len] == ':' &&
	    strncmp(reference + len, "://", 3) != 0;
}

static bool
join(CURLU *parsed, const char *base, const char *reference)
{
	char *scheme = NULL;
	bool well;

	if (is_other_scheme(reference))
		return false;
	/* Setting a relative URL on a handle that has one joins them. An empty
	 * one means the base itself, but nothing to libcurl; one that is only
	 * a fragment costs the base its last segment there. */
	if (base[0] != '\0' &&
	    (curl_url_set(parsed, CURLUPART_URL, base, 0) != CURLUE_OK ||
		curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK))
		return false;
	if (reference[0] == '#' &&
	    curl_url_set(parsed, CURLUPART_FRAGMENT, reference + 1,
		CURLU_URLENCODE) != CURLUE_OK)
		return false;
	if (reference[0] != '\0' && reference[0] != '#' &&
	    curl_url_set(parsed, CURLUPART_URL, reference, CURLU_URLENCODE) !=
		CURLUE_OK)
		return false;
	well =
	    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    (strcasecmp(scheme, "http") == 0 ||
		strcasecmp(scheme, "https") == 0);
	curl_free(scheme);
	return well;
}

char *
http_url_join(const char *base, const char *reference)
{
	CURLU *parsed = curl_url();
	char *joined = NULL;
	char *copy = NULL;

	if (parsed != NULL && join(parsed, base, reference) &&
	    curl_url_get(parsed, CURLUPART_URL, &joined, 0) == CURLUE_OK)
		copy = strdup(joined);
	curl_free(joined);
	curl_url_cleanup(parsed);
	return copy;
}
