#ifndef LEDGER_CHANGE_H
#define LEDGER_CHANGE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "ledger/ledger.h"
#include "model/token.h"
#include "model/window.h"

/*
 * What people change, each in one transaction with its line in the audit,
 * which is kept for good: windows and tokens are ended, never deleted.
 */
enum ledger_change_kind {
	LEDGER_ADD_WINDOW,
	LEDGER_END_WINDOW, /* window.id, .ended, .ended_by */
	LEDGER_ADD_TOKEN,
	LEDGER_REVOKE_TOKEN, /* token.id, .revoked */
	LEDGER_AUDIT /* of what is kept elsewhere */
};

#define AUDIT_TEXT_SIZE 64
#define AUDIT_DATA_SIZE 1024

struct ledger_audit {
	wall_us at;
	char who[MODEL_NAME_SIZE];
	char via[AUDIT_TEXT_SIZE]; /* "control socket", "token 0123456789ab" */
	char action[AUDIT_TEXT_SIZE]; /* "maintenance.add" */
	char object[AUDIT_TEXT_SIZE]; /* "7"; a new window's is set here */
	char data[AUDIT_DATA_SIZE]; /* a JSON object, or "" */
};

struct ledger_change {
	enum ledger_change_kind kind;
	struct ledger_audit audit;
	struct window window;
	struct token token;
};

/*
 * ledger_put_change: any thread, queued; 0 or an error of lane_call. `done`
 * (may be NULL) runs on the store lane after the commit, with 0 and the id of
 * the window, or with the problem, when nothing was changed: -ENOENT (no such
 * window or token, or it is ended already), -EDQUOT (TOKENS_OF_ONE are valid
 * under that name) or another -errno of the disk.
 */
typedef void ledger_changed_fn(void *arg, int problem, int64_t id);
int ledger_put_change(struct ledger *ledger, const struct ledger_change *change,
    ledger_changed_fn *done, void *arg) MUST_USE;

/* ledger_use_token: the token was used; to be said at most once an hour, for it
 * is written. Any thread; what cannot be queued is lost. */
void ledger_use_token(
    struct ledger *ledger, const char id[TOKEN_ID_SIZE], wall_us at);

/* ledger_each_window: those that had not ended by `now`; some may be over by
 * their own time. On the store lane, or before it is used. 0 or -errno. */
typedef void ledger_window_fn(void *arg, const struct window *window);
int ledger_each_window(struct ledger *ledger, wall_us now, ledger_window_fn *fn,
    void *arg) MUST_USE;

/* ---- reading, see ledger/ledger.h ---- */

/* Windows of a kind, newest first; of one operator unless `op` is NULL. 0 or
 * -errno. */
int ledger_read_windows(struct ledger_reader *reader, enum window_kind kind,
    const char *op, ledger_window_fn *fn, void *arg) MUST_USE;

/* 0, -ENOENT or -EIO. */
int ledger_read_window(struct ledger_reader *reader, enum window_kind kind,
    int64_t id, struct window *window) MUST_USE;
int ledger_read_token(struct ledger_reader *reader,
    const char id[TOKEN_ID_SIZE], struct token *token) MUST_USE;

typedef void ledger_token_fn(void *arg, const struct token *token);
int ledger_read_tokens(struct ledger_reader *reader, ledger_token_fn *fn,
    void *arg) MUST_USE; /* newest first; 0 or -errno */

/* {"audit":[{"seq","at","who","via","action","object","data"}]}, newest first;
 * NULL on error. */
struct jv *ledger_read_audit(struct ledger_reader *reader, uint32_t limit);

#endif
