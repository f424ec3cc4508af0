/*
 * Secrets: account files and webhook keys. Their bytes are wiped as soon as
 * they are in a struct secret, and no line of such a file is ever repeated in
 * a problem, also not a wrong one: it may be a password in the wrong place.
 */

#include "conf-int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"

#define ACCOUNT_MAX_BYTES (64u << 10)
#define ACCOUNT_MAX_FIELDS 64
#define SECRET_MAX_BYTES 4096u
#define KEY_MIN_BYTES 24u /* Standard Webhooks: 24 to 64 */
#define KEY_MAX_BYTES 64u

/* The secret belongs to the configuration from now on. */
static struct secret *
keep_secret(struct load *load, const char *bytes, size_t len)
{
	return secret_pool_add(load->box->secrets, bytes, len);
}

static void
drop_bytes(char *bytes, size_t len)
{
	if (bytes != NULL)
		crypto_wipe(bytes, len);
	free(bytes);
}

/*
 * A file of $CREDENTIALS_DIRECTORY. systemd lets only the service into that
 * folder, and gives it the file by an access list, which shows as a group bit
 * that secret_file_read would refuse.
 */
static int
credential_read(const char *path, char **bytes, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	struct stat st;
	int error = 0;
	char *data = NULL;
	size_t used = 0;
	if (fstat(fd, &st) != 0) {
		error = -errno;
		goto out;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 037) != 0 ||
	    (st.st_uid != 0 && st.st_uid != geteuid())) {
		error = -EPERM;
		goto out;
	}
	data = mem_new(ACCOUNT_MAX_BYTES + 1);
	while (used <= ACCOUNT_MAX_BYTES) {
		ssize_t got =
		    read(fd, data + used, ACCOUNT_MAX_BYTES + 1 - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			error = -errno;
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	if (error == 0 && used > ACCOUNT_MAX_BYTES)
		error = -EFBIG;
out:
	close(fd);
	if (error != 0) {
		drop_bytes(data, used);
		return error;
	}
	*bytes = data;
	*len = used;
	return 0;
}

/*
 * The credential that stands for `path`: of its last name, or, as systemd names
 * the files of a folder that was loaded as ID accounts, "accounts_NAME".
 * -ENOENT when there is none; else *path is the file that was read.
 */
static int
find_credential(
    const struct node *node, const char **path, char **bytes, size_t *len)
{
	static const char *const prefixes[] = {"", "accounts_"};
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	const char *slash = strrchr(*path, '/');
	const char *name = slash == NULL ? *path : slash + 1;
	int error = -ENOENT;
	if (dir == NULL || dir[0] != '/' || name[0] == '\0')
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_LEN(prefixes) && error == -ENOENT; i++) {
		char *credential = arena_printf(
		    node->reader->arena, "%s/%s%s", dir, prefixes[i], name);
		if (credential == NULL)
			log_fatal("out of memory", "for=configuration");
		error = credential_read(credential, bytes, len);
		if (error != -ENOENT)
			*path = credential;
	}
	return error;
}

/* The bytes of `path`, or of its credential, which wins. Says what is wrong. */
static bool
read_secret_file(
    const struct node *node, const char **path, char **bytes, size_t *len)
{
	int error = find_credential(node, path, bytes, len);
	if (error == -ENOENT)
		error = secret_file_read(*path, ACCOUNT_MAX_BYTES, bytes, len);
	if (error == 0)
		return true;
	if (error == -EPERM)
		node_problem(node,
		    "refused \"%s\": it must be a regular file of ours or "
		    "root's that nobody else may read (chmod 600)",
		    *path);
	else
		node_problem(
		    node, "cannot read \"%s\": %s", *path, strerror(-error));
	return false;
}

/* ---- accounts ---- */

static void
trim(const char **begin, const char **end)
{
	while (*begin < *end && strchr(" \t\r", **begin) != NULL)
		(*begin)++;
	while (*end > *begin && strchr(" \t\r", (*end)[-1]) != NULL)
		(*end)--;
}

static bool
value_clean(const char *begin, const char *end)
{
	for (const char *c = begin; c < end; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return begin < end && (size_t)(end - begin) <= SECRET_MAX_BYTES &&
	    text_utf8_valid(begin, (size_t)(end - begin));
}

/* One line that is neither empty nor a comment. */
static void
read_field(struct load *load, struct conf_account *account,
    const struct conf_src *src, const char *begin, const char *end)
{
	char name[32];
	const char *equals = memchr(begin, '=', (size_t)(end - begin));
	const char *name_end = equals == NULL ? begin : equals;
	const char *name_begin = begin;
	trim(&name_begin, &name_end);
	size_t len = (size_t)(name_end - name_begin);
	if (len > 0 && len < sizeof(name))
		memcpy(name, name_begin, len);
	else
		len = 0;
	name[len] = '\0';
	if (!text_name_valid(name)) {
		conf_problem(load->problems, src, "",
		    "must be a line \"key = value\" with a key of a-z, 0-9, _ "
		    "and -");
		return;
	}
	if (conf_account_field(account, name) != NULL) {
		conf_problem(load->problems, src, name, "is there twice");
		return;
	}
	const char *value = equals + 1;
	trim(&value, &end);
	if (!value_clean(value, end)) {
		conf_problem(load->problems, src, name,
		    "must have a value of at most %u bytes of UTF-8 without "
		    "control characters",
		    SECRET_MAX_BYTES);
		return;
	}
	if (account->n_fields == ACCOUNT_MAX_FIELDS) {
		conf_problem(load->problems, src, name,
		    "an account has at most %d values", ACCOUNT_MAX_FIELDS);
		return;
	}
	account->fields[account->n_fields++] = (struct conf_account_field){
	    .name = reader_strdup(load->arena, name, len),
	    .value = keep_secret(load, value, (size_t)(end - value))};
}

static void
parse_account(struct load *load, struct conf_account *account,
    const char *bytes, size_t len)
{
	struct conf_src src = account->src;
	const char *end = bytes + len;
	const char *line = bytes;
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	while (line < end) {
		const char *eol = memchr(line, '\n', (size_t)(end - line));
		const char *stop = eol == NULL ? end : eol;
		const char *next = eol == NULL ? end : eol + 1;
		src.line++;
		trim(&line, &stop);
		if (line < stop && *line != '#')
			read_field(load, account, &src, line, stop);
		line = next;
	}
	static const char *const required[] = {"user", "password"};
	for (size_t i = 0; i < ARRAY_LEN(required); i++)
		if (conf_account_field(account, required[i]) == NULL)
			conf_problem(load->problems, &account->src, required[i],
			    "is required: a line \"%s = …\"", required[i]);
}

const struct conf_account *
account_get(const struct node *node)
{
	struct load *load = node->reader->load;
	struct conf *conf = load->conf;
	const char *name;
	if (!node_valid_name(node, &name))
		return NULL;
	size_t at;
	if (index_find(&load->accounts, name, &at))
		return &conf->accounts[at];

	size_t dir = strlen(load->accounts_dir);
	char *joined = reader_alloc(load->arena, dir + strlen(name) + 2, 1);
	memcpy(joined, load->accounts_dir, dir);
	joined[dir] = '/';
	memcpy(joined + dir + 1, name, strlen(name));
	const char *path = joined;
	char *bytes = NULL;
	size_t len = 0;
	if (!read_secret_file(node, &path, &bytes, &len))
		return NULL;
	at = conf->n_accounts++;
	struct conf_account *account = &conf->accounts[at];
	struct conf_account_field fields[ACCOUNT_MAX_FIELDS];
	*account = (struct conf_account){
	    .name = name, .fields = fields, .src = {.file = path, .line = 0}};
	parse_account(load, account, bytes, len);
	account->fields =
	    reader_alloc(load->arena, account->n_fields, sizeof(*fields));
	memcpy(account->fields, fields, account->n_fields * sizeof(*fields));
	drop_bytes(bytes, len);
	index_add(&load->accounts, name, &at);
	return account;
}

/* ---- webhook keys ---- */

const struct secret *
account_read_key(const struct node *node, const char *path)
{
	struct load *load = node->reader->load;
	struct secret *secret = NULL;
	char *bytes = NULL;
	size_t len = 0;
	if (!read_secret_file(node, &path, &bytes, &len))
		return NULL;
	const char *begin = bytes;
	const char *end = bytes + len;
	while (end > begin && strchr("\r\n", end[-1]) != NULL)
		end--;
	trim(&begin, &end);
	size_t n = (size_t)(end - begin);
	char text[128] = "";
	uint8_t key[KEY_MAX_BYTES + 3];
	size_t key_len = 0;
	bool good =
	    n > 6 && n < sizeof(text) && memcmp(begin, "whsec_", 6) == 0;
	if (good) {
		memcpy(text, begin + 6, n - 6);
		good = memchr(text, '\0', n - 6) == NULL &&
		    text_base64_decode(text, key, sizeof(key), &key_len) == 0 &&
		    key_len >= KEY_MIN_BYTES && key_len <= KEY_MAX_BYTES;
	}
	if (good) {
		secret = keep_secret(load, (const char *)key, key_len);
	} else {
		const struct conf_src src = {.file = path, .line = 1};
		conf_problem(load->problems, &src, "",
		    "must be one line \"whsec_\" and the base64 of %u to %u "
		    "bytes",
		    KEY_MIN_BYTES, KEY_MAX_BYTES);
	}
	crypto_wipe(text, sizeof(text));
	crypto_wipe(key, sizeof(key));
	drop_bytes(bytes, len);
	return secret;
}
