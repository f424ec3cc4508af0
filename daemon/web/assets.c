/*
 * The files of the dashboard, read once at start: templates, catalogues,
 * style, script, the description of the API. The lists here are all there
 * is; a request never names a file.
 */
#include "web-int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"

#define FILE_MAX (1 << 20)

static const struct {
	const char *key, *name, *path, *type;
} files[] = {
    {"style", "style.css", "css/style.css", "text/css; charset=utf-8"},
    {"script", "live.js", "js/live.js", "text/javascript; charset=utf-8"},
    {"icon", "favicon.svg", "favicon.svg", "image/svg+xml"},
};

static const char *const templates[] = {"head", "foot", "marks", "state",
    "incident_table", "run_table", "chart", "transactions", "overview",
    "operator", "deployment", "incidents", "incident", "run", "deliveries",
    "reports", "report", "report_body", "report_file", "status", "method",
    "error"};

static int
read_file(const char *dir, const char *name, char **bytes, size_t *len)
{
	char *path = mem_printf("%s/%s", dir, name);
	struct stat st;
	int error = 0, fd;
	size_t got = 0;

	*bytes = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		error = -errno;
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		error = -EFBIG;
		goto out;
	}
	*bytes = mem_new((size_t)st.st_size + 1);
	while (got < (size_t)st.st_size) {
		ssize_t n = read(fd, *bytes + got, (size_t)st.st_size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			error = n < 0 ? -errno : -EIO;
			goto out;
		}
		got += (size_t)n;
	}
	*len = got;
out:
	if (error != 0) {
		log_error("cannot read a file of the dashboard",
		    "path=%s error=\"%s\"", path, strerror(-error));
		free(*bytes);
		*bytes = NULL;
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return error;
}

static int
load_asset(struct asset *asset, const char *dir, const char *name,
    const char *path, const char *type)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	int error;

	error = read_file(dir, path, &asset->bytes, &asset->len);
	if (error != 0)
		return error;
	asset->name = name;
	asset->type = type;
	crypto_sha256(asset->bytes, asset->len, digest);
	snprintf(asset->etag, sizeof(asset->etag),
	    "\"%02x%02x%02x%02x%02x%02x\"", digest[0], digest[1], digest[2],
	    digest[3], digest[4], digest[5]);
	snprintf(asset->link, sizeof(asset->link), "/assets/%s?v=%.12s", name,
	    asset->etag + 1);
	return 0;
}

static int
load_template(struct assets *assets, const char *dir, const char *name)
{
	char problem[160] = "", path[64], *bytes;
	size_t len;
	int error;

	snprintf(path, sizeof(path), "templates/%s.mustache", name);
	error = read_file(dir, path, &bytes, &len);
	if (error != 0)
		return error;
	error = template_add(
	    assets->templates, name, bytes, len, problem, sizeof(problem));
	if (error != 0)
		log_error(
		    "bad template", "name=%s problem=\"%s\"", name, problem);
	free(bytes);
	return error;
}

static int
load_locale(struct assets *assets, const char *dir, enum language language,
    const struct zone *zone)
{
	char problem[160] = "", path[64], *bytes;
	struct jv *texts;
	size_t len;
	int error;

	snprintf(
	    path, sizeof(path), "locales/%s.json", language_name(language));
	error = read_file(dir, path, &bytes, &len);
	if (error != 0)
		return error;
	texts = jv_parse(bytes, len, problem, sizeof(problem));
	free(bytes);
	if (texts == NULL || jv_kind(texts) != JV_OBJECT) {
		log_error(
		    "bad catalogue", "path=%s problem=\"%s\"", path, problem);
		jv_release(texts);
		return -EINVAL;
	}
	assets->locales[language] = locale_new(language, texts, zone);
	error =
	    template_check(assets->templates, texts, problem, sizeof(problem));
	if (error != 0)
		log_error("a text is missing", "catalogue=%s problem=\"%s\"",
		    path, problem);
	return error;
}

int
assets_load(struct assets *assets, const char *dir, const struct zone *zone)
{
	int error = 0;

	assets->templates = template_set_new();
	assets->all = mem_array(ARRAY_LEN(files), sizeof(*assets->all));
	for (size_t i = 0; i < ARRAY_LEN(files) && error == 0; i++) {
		error = load_asset(&assets->all[i], dir, files[i].name,
		    files[i].path, files[i].type);
		assets->all[i].key = files[i].key;
		assets->n = i + 1;
	}
	if (error == 0) {
		error = load_asset(&assets->openapi, dir, "openapi.json",
		    "openapi.json", "application/json; charset=utf-8");
	}
	for (size_t i = 0; i < ARRAY_LEN(templates) && error == 0; i++)
		error = load_template(assets, dir, templates[i]);
	if (error == 0)
		error = load_locale(assets, dir, LANGUAGE_PL, zone);
	if (error == 0)
		error = load_locale(assets, dir, LANGUAGE_EN, zone);
	return error;
}

void
assets_fini(struct assets *assets)
{
	for (size_t i = 0; i < assets->n; i++)
		free(assets->all[i].bytes);
	free(assets->all);
	free(assets->openapi.bytes);
	template_set_free(assets->templates);
	for (size_t i = 0; i < LANGUAGES; i++)
		locale_free(assets->locales[i]);
}

const struct asset *
assets_find(const struct assets *assets, const char *name)
{
	for (size_t i = 0; i < assets->n; i++) {
		if (strcmp(assets->all[i].name, name) == 0)
			return &assets->all[i];
	}
	return NULL;
}

static void
give(struct answer *answer, const struct asset *asset)
{
	answer->type = asset->type;
	buf_add(&answer->body, asset->bytes, asset->len);
	memcpy(answer->etag, asset->etag, sizeof(asset->etag));
}

void
serve_asset(struct web *web, struct request *request, struct answer *answer)
{
	const struct asset *asset =
	    assets_find(&web->assets, request->params[0]);

	if (asset == NULL) {
		answer_error(web, request, answer, MHD_HTTP_NOT_FOUND,
		    "not_found", NULL, "there is no such file");
		return;
	}
	give(answer, asset);
	/* the link names the bytes: they never change below it */
	if (request->query_text != NULL &&
	    strstr(asset->link, request->query_text) != NULL &&
	    request->query_text[0] == 'v')
		answer->cache = CACHE_FOREVER;
}

void
serve_favicon(struct web *web, struct request *request, struct answer *answer)
{
	const struct asset *icon = assets_find(&web->assets, "favicon.svg");

	(void)request;
	if (icon != NULL)
		give(answer, icon);
}

void
api_openapi(struct web *web, struct request *request, struct answer *answer)
{
	(void)request;
	give(answer, &web->assets.openapi);
}
