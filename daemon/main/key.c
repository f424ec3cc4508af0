/*
 * The key that credentials are compared with over a restart. It lies beside the
 * ledger, not in it: what the ledger holds cannot be guessed without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "main-int.h"

/* 0 when there is one; -ENOENT also when it was cut short by a crash. */
static int
read_key(const char *path, uint8_t key[KEY_BYTES])
{
	char *bytes = NULL;
	size_t len = 0;
	int rc = secret_file_read(path, KEY_BYTES, &bytes, &len);

	if (rc != 0)
		return rc;
	if (len == KEY_BYTES)
		memcpy(key, bytes, KEY_BYTES);
	else
		rc = -ENOENT;
	crypto_wipe(bytes, len);
	free(bytes);
	return rc;
}

static int
write_key(const char *path, const uint8_t key[KEY_BYTES])
{
	int fd, rc = 0;

	if (unlink(path) != 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	errno = EIO; /* of a short write */
	if (write(fd, key, KEY_BYTES) != KEY_BYTES || fsync(fd) != 0)
		rc = -errno;
	close(fd);
	return rc;
}

void
key_load(const char *dir, uint8_t key[KEY_BYTES])
{
	char *path = mem_printf("%s/account.key", dir);
	int rc = read_key(path, key);

	if (rc != 0)
		crypto_random(key, KEY_BYTES);
	if (rc == -ENOENT)
		rc = write_key(path, key);
	if (rc != 0)
		log_error("account key not usable",
		    "path=%s problem=\"%s\" action=\"an account that is "
		    "stopped now must be released by hand after a restart\"",
		    path, strerror(-rc));
	free(path);
}
