/*
 * The hosts that a profile may talk to.
 */
#include "probe-int.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool
host_matches(const char *pattern, const char *host, size_t len)
{
	size_t pattern_len = strlen(pattern);

	if (pattern[0] == '*' && pattern[1] == '.')
		return len > pattern_len - 1 &&
		    strncasecmp(host + len - (pattern_len - 1), pattern + 1,
			pattern_len - 1) == 0;
	return pattern_len == len && strncasecmp(pattern, host, len) == 0;
}

void
probe_compile_hosts(struct compiler *compiler, struct probe_program *program)
{
	const struct conf_profile *profile = compiler->profile;
	size_t i;

	program->n_hosts = profile->n_hosts;
	program->hosts = probe_compile_alloc(
	    compiler, profile->n_hosts, sizeof(*program->hosts));
	compiler->plain = true;
	for (i = 0; i < profile->n_hosts; i++) {
		char key[32];
		struct conf_text text = {
		    .value = profile->hosts[i],
		    .key = key,
		    .src = {profile->path, 0},
		};

		snprintf(key, sizeof(key), "hosts[%zu]", i);
		(void)probe_template_whole(compiler, &text, &program->hosts[i]);
	}
	compiler->plain = false;
}

void
probe_compile_literal_host(
    struct compiler *compiler, const struct conf_text *url)
{
	const struct conf_profile *profile = compiler->profile;
	const char *host;
	struct buf all;
	size_t len, i;

	if (strncmp(url->value, "${", 2) == 0)
		return;
	if (strncmp(url->value, "https://", 8) == 0)
		host = url->value + 8;
	else {
		probe_compile_problem(compiler, url, url->value,
		    "an address begins with https://, or is a name's value");
		return;
	}
	len = strcspn(host, "/?#:");
	if (memchr(host, '$', len) != NULL)
		return;
	for (i = 0; i < profile->n_hosts; i++)
		if (host_matches(profile->hosts[i], host, len))
			return;
	buf_init(&all, 1024);
	for (i = 0; i < profile->n_hosts; i++)
		buf_printf(&all, "%s%s", i == 0 ? "" : ", ", profile->hosts[i]);
	probe_compile_problem(compiler, url, host,
	    "\"%.*s\" is not one of the profile's hosts: %s", (int)len, host,
	    all.data);
	buf_fini(&all);
}
