/*
 * Certificates and compressed bodies for the tests, made anew each time: a
 * certificate in the tree would expire there.
 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

static const char script[] =
    "set -e; cd \"$1\"\n"
    "ec='ec -pkeyopt ec_paramgen_curve:P-256'\n"
    "for ca in ca other; do\n"
    "openssl req -x509 -newkey $ec -nodes -keyout $ca.key -out $ca.crt"
    " -subj \"/CN=$ca\" -days 2\n"
    "done\n"
    "openssl req -newkey $ec -nodes -keyout key -out csr -subj /CN=x\n"
    "printf 'subjectAltName=DNS:%s,DNS:*.%s' " NAME_GOOD " " NAME_GOOD
    " >names\n"
    "sign() { openssl x509 -req -in csr -CA ca.crt -CAkey ca.key"
    " -CAcreateserial -days $2 -extfile names -out crt;"
    " cat crt key >$1.pem; }\n"
    "sign good 2; sign expired -1\n"
    "printf 'hello, world\\n' | gzip >hello.gz\n"
    "head -c 33554432 /dev/zero | gzip >bomb.gz\n";

static void
need(bool well, const char *what)
{
	if (well)
		return;
	perror(what);
	abort();
}

static char *
read_file(const char *folder, const char *name, size_t *len)
{
	size_t size = 65536;
	char *bytes = malloc(size);
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	need(bytes != NULL && file != NULL, path);
	*len = fread(bytes, 1, size, file);
	need(*len > 0 && *len < size, path);
	fclose(file);
	return bytes;
}

void
papers_make(struct papers *papers)
{
	const char *tmp = getenv("TMPDIR");
	char command[4096];

	snprintf(papers->folder, sizeof(papers->folder),
	    "%s/dyzurny-http-XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	need(mkdtemp(papers->folder) != NULL, papers->folder);
	need(setenv("PAPERS", script, 1) == 0, "setenv");
	snprintf(command, sizeof(command),
	    "sh -c \"$PAPERS\" papers %s >%s/log 2>&1", papers->folder,
	    papers->folder);
	need(system(command) == 0, "making certificates");
	unsetenv("PAPERS");
	snprintf(papers->ca, sizeof(papers->ca), "%s/ca.crt", papers->folder);
	snprintf(papers->other_ca, sizeof(papers->other_ca), "%s/other.crt",
	    papers->folder);
	papers->hello =
	    read_file(papers->folder, "hello.gz", &papers->hello_len);
	papers->bomb = read_file(papers->folder, "bomb.gz", &papers->bomb_len);
}

void
papers_remove(struct papers *papers)
{
	char command[160];

	free(papers->hello);
	free(papers->bomb);
	snprintf(command, sizeof(command), "rm -r %s", papers->folder);
	need(system(command) == 0, "removing certificates");
}
