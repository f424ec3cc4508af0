/*
 * CA bundles, parsed once and shared by all connections that trust them.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "http-int.h"

/* Debian's bundle; others keep it elsewhere. */
static const char *const places[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

const char *
http_bundle_system(void)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (access(places[i], R_OK) == 0)
			return places[i];
	}
	return places[0];
}

/* NULL when there is nothing in it that we could trust. */
static X509_STORE *
parse(const char *ca_file, char *problem, size_t size)
{
	X509_STORE *store = X509_STORE_new();
	unsigned long code;
	const char *why;

	if (store == NULL)
		log_fatal("out of memory", "for=OpenSSL");
	ERR_clear_error();
	if (X509_STORE_load_file(store, ca_file) == 1) {
		/* libcurl's own choice: an intermediate in the bundle is
		 * trusted. */
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
		return store;
	}
	code = ERR_peek_error();
	why = ERR_GET_LIB(code) == ERR_LIB_SYS ? strerror(ERR_GET_REASON(code))
					       : ERR_reason_error_string(code);
	(void)text_copy(
	    problem, size, why != NULL ? why : "no certificate found");
	ERR_clear_error();
	X509_STORE_free(store);
	return NULL;
}

/* ---- a set of them ---- */

static struct http_bundle *
find(const struct http_bundles *bundles, const char *ca_file)
{
	struct http_bundle *bundle;

	LIST_FOREACH(bundle, &bundles->list, link)
	{
		if (strcmp(bundle->ca_file, ca_file) == 0)
			return bundle;
	}
	return NULL;
}

/* Takes over the caller's reference to the store. */
static struct http_bundle *
insert(struct http_bundles *bundles, const char *ca_file, X509_STORE *store)
{
	struct http_bundle *bundle = mem_new(sizeof(*bundle));

	bundle->ca_file = mem_strdup(ca_file);
	bundle->store = store;
	LIST_INSERT_HEAD(&bundles->list, bundle, link);
	return bundle;
}

struct http_bundles *
http_bundles_new(void)
{
	struct http_bundles *bundles = mem_new(sizeof(*bundles));

	LIST_INIT(&bundles->list);
	return bundles;
}

bool
http_bundles_add(struct http_bundles *bundles, const char *ca_file,
    char *problem, size_t size)
{
	X509_STORE *store;

	if (ca_file == NULL)
		ca_file = http_bundle_system();
	if (find(bundles, ca_file) != NULL)
		return true;
	store = parse(ca_file, problem, size);
	if (store == NULL)
		return false;
	insert(bundles, ca_file, store);
	return true;
}

static void
drop_all(struct http_bundles *bundles)
{
	struct http_bundle *bundle;

	while ((bundle = LIST_FIRST(&bundles->list)) != NULL) {
		LIST_REMOVE(bundle, link);
		X509_STORE_free(bundle->store);
		free(bundle->ca_file);
		free(bundle);
	}
}

void
http_bundles_free(struct http_bundles *bundles)
{
	if (bundles == NULL)
		return;
	drop_all(bundles);
	free(bundles);
}

static void
copy_all(struct http_bundles *to, const struct http_bundles *from)
{
	struct http_bundle *bundle;

	LIST_FOREACH(bundle, &from->list, link)
	{
		X509_STORE_up_ref(bundle->store);
		insert(to, bundle->ca_file, bundle->store);
	}
}

struct http_bundles *
http_bundles_copy(const struct http_bundles *bundles)
{
	struct http_bundles *copy = http_bundles_new();

	copy_all(copy, bundles);
	return copy;
}

/* ---- those of a client ---- */

void
http_bundle_replace(
    struct http_client *client, const struct http_bundles *parsed)
{
	drop_all(&client->bundles);
	if (parsed != NULL)
		copy_all(&client->bundles, parsed);
}

X509_STORE *
http_bundle_get(struct http_client *client, const char *ca_file)
{
	struct http_bundle *bundle = find(&client->bundles, ca_file);
	char problem[128];

	if (bundle == NULL) {
		X509_STORE *store = parse(ca_file, problem, sizeof(problem));

		if (store == NULL) {
			log_error("cannot read CA bundle",
			    "file=%s problem=\"%s\" side=ours", ca_file,
			    problem);
			return NULL;
		}
		bundle = insert(&client->bundles, ca_file, store);
	}
	X509_STORE_up_ref(bundle->store);
	return bundle->store;
}

void
http_bundle_use(SSL_CTX *ssl_ctx, X509_STORE *store)
{
	SSL_CTX_set1_cert_store(ssl_ctx, store);
}
