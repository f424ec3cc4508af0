#ifndef SIM_VULCAN_INT_H
#define SIM_VULCAN_INT_H

#include "sim.h"

/*
 * What the files of Vulcan share:
 *   vulcan.c         start page and module entries by way of cufs, symptoms
 *   vulcan_routes.c  all addresses, and which symbol is meant
 *   vulcan_cufs.c    the identity provider of 2020 and the hop of 2023
 *   vulcan_token.c   the signed token between provider and relying party
 *   vulcan_school.c  the pupil's module of 2020
 *   vulcan_mail.c    the messages of 2020
 *   vulcan_inbox.c   the same under the names of April 2020 to 2022
 *   vulcan_gate.c    the login of today's standard accounts
 *   vulcan_edu.c     eduvulcan.pl
 *   vulcan_pow.c     their forms: anti-forgery token, proof of work
 *   vulcan_app.c     the modules of today: entry and page
 *   vulcan_plus.c    their marks
 *   vulcan_box.c     their messages
 *   vulcan_trash.c   which messages lie in whose bin; keys of boxes
 *   vulcan_hebe.c    the mobile interface: pupils, marks
 *   vulcan_hebe_mail.c  its messages
 *   vulcan_device.c  its devices: pairing, envelopes
 *   vulcan_sign.c    the signatures of their requests
 */

#define VULCAN_SCHOOL "123456"
#define VULCAN_VERSION "20.03.0003.37562"
#define VULCAN_VERSION_TODAY "26.06.0004.51210"
#define VULCAN_COOKIES "Path=/; Secure; HttpOnly"

enum { VULCAN_PERIODS = 2, VULCAN_UUID_SIZE = 37 };

enum vulcan_kind {
	VULCAN_CUFS = 1, /* the identity provider */
	VULCAN_HOP, /* uonetplus-logowanie */
	VULCAN_START, /* uonetplus */
	/* modules: token[0] antiForgery, [1] appGuid */
	VULCAN_PUPIL, /* uonetplus-uczen */
	VULCAN_MAIL, /* uonetplus-uzytkownik */
	VULCAN_PUPIL_PLUS, /* uonetplus-uczenplus */
	VULCAN_MAIL_PLUS, /* uonetplus-wiadomosciplus */
	VULCAN_GATE, /* dziennik-logowanie */
	VULCAN_EDU, /* eduvulcan.pl */
	VULCAN_EDU_VISITOR, /* there before the login; token[0] the user named
			     */
	VULCAN_DZIENNIK_UCZEN,
	VULCAN_DZIENNIK_MAIL,
	VULCAN_EDU_UCZEN,
	VULCAN_EDU_MAIL,
	VULCAN_DEVICE, /* a registered telephone */
};

/* Writes the token for `realm`, as raw XML. */
void vulcan_token_write(struct exchange *x, struct text *xml,
    const struct session *idp, const char *realm);

/*
 * vulcan_token_read judges a posted token: signature, audience (up to its
 * query), time and that the session at the identity provider still lives and
 * is of one of `kinds`, which a zero ends. NULL if it is not good.
 */
struct session *vulcan_token_read(
    struct exchange *x, const char *xml, const char *realm, const int *kinds);

void vulcan_page_begin(struct exchange *x, const char *title);
void vulcan_page_end(struct exchange *x);
void vulcan_error_page(struct exchange *x, const char *message);
void vulcan_json(struct exchange *x, const char *body);
void vulcan_refuse(struct exchange *x, const char *message);

/* ---- vulcan_routes.c ---- */

/* Sets the cookie by which addresses without a symbol know the visitor's. */
void vulcan_affinity(struct exchange *x);

/* ---- vulcan.c ---- */

/* True if `realm` is the entry of a module of that symbol. */
bool vulcan_is_realm(const char *realm, const char *symbol);

/* The living session at the module of that kind, by its own cookie. */
struct session *vulcan_party_session(struct exchange *x, int kind);

void vulcan_start_page(struct exchange *x);
void vulcan_start_entry(struct exchange *x);
void vulcan_start_token(struct exchange *x);
void vulcan_break_page(struct exchange *x);
void vulcan_pupil_entry(struct exchange *x);
void vulcan_pupil_token(struct exchange *x);
void vulcan_pupil_page(struct exchange *x);
void vulcan_mail_entry(struct exchange *x);
void vulcan_mail_token(struct exchange *x);
void vulcan_mail_page(struct exchange *x);
void vulcan_pupil_plus_entry(struct exchange *x);
void vulcan_pupil_plus_token(struct exchange *x);
void vulcan_pupil_plus_page(struct exchange *x);
void vulcan_mail_plus_entry(struct exchange *x);
void vulcan_mail_plus_token(struct exchange *x);
void vulcan_mail_plus_page(struct exchange *x);

/* The page of a module with its VParam, of session `session`. */
void vulcan_module_page(struct exchange *x, const struct session *session,
    const char *title, const char *version, const char *logout);

/* ---- vulcan_cufs.c ---- */

/* The automatic form that carries a token of `idp` to `realm`. */
void vulcan_federation_form(struct exchange *x, const struct session *idp,
    const char *realm, const char *context);

void vulcan_cufs_form(struct exchange *x);
void vulcan_cufs_password(struct exchange *x);
void vulcan_cufs_federation(struct exchange *x);
void vulcan_hop_federation(struct exchange *x);
void vulcan_hop_token(struct exchange *x);

/* True if the X-V headers are those of the module's page; the version may
 * be left out where `version` is NULL. */
bool vulcan_headers_right(
    struct exchange *x, const struct session *session, const char *version);

/* ---- vulcan_school.c ---- */

int vulcan_school_year(void); /* the year in which it began */
int vulcan_diary_of(const struct account *account);
int vulcan_period_of(const struct account *account, int number);

void vulcan_pupil_diary(struct exchange *x);
void vulcan_pupil_cache(struct exchange *x);
void vulcan_pupil_grades(struct exchange *x);
void vulcan_pupil_pairing(struct exchange *x);

/* ---- vulcan_trash.c ---- */

enum vulcan_box { VULCAN_RECEIVED, VULCAN_SENT, VULCAN_TRASH };

/* A copy of a message as it lies in somebody's box. */
struct vulcan_copy {
	struct message *message;
	enum folder folder; /* where it lies or lay before it was in the bin */
};

/* From the newest to the oldest; `copy` zeroed begins. */
bool vulcan_box_next(struct exchange *x, const struct account *whose,
    enum vulcan_box box, struct vulcan_copy *copy);

/* By the key of the copy; in `box`, or anywhere with -1. */
bool vulcan_box_find(struct exchange *x, const struct account *whose, int box,
    const char *key, struct vulcan_copy *copy);

void vulcan_trash_put(struct exchange *x, const struct account *whose,
    const struct vulcan_copy *copy);
void vulcan_trash_restore(struct exchange *x, const struct account *whose,
    const struct vulcan_copy *copy);

void vulcan_uuid(char uuid[VULCAN_UUID_SIZE], const char *seed);
void vulcan_box_key(char uuid[VULCAN_UUID_SIZE], const struct account *account);
void vulcan_copy_key(char uuid[VULCAN_UUID_SIZE], const struct account *whose,
    const struct vulcan_copy *copy);
const struct account *vulcan_account_by_box(
    struct exchange *x, const char *key);
bool vulcan_is_uuid(const char *text);

/* ---- vulcan_mail.c ---- */

/* The session at the module; without one it was answered. A call that changes
 * something needs the page's token as well. */
struct session *vulcan_mail_session(struct exchange *x);
struct session *vulcan_mail_change(struct exchange *x);

/* The number of the school's unit: one for each symbol. */
int vulcan_mail_unit(const struct exchange *x);

/* The seal that an addressee's entry must have. */
void vulcan_mail_hash(const struct account *account, struct text *hash);

/* A box as its number from 1 to 3; a row's own number in its box. */
int vulcan_mail_folder(enum vulcan_box box);
long vulcan_mail_row(const struct message *message);

/* Answers with a list, each row made by `row`. */
void vulcan_mail_list(struct exchange *x, enum vulcan_box box,
    void (*row)(
	struct exchange *x, const struct message *m, enum vulcan_box box));

/* The copy in that folder; `number` is the row's or the message's. */
bool vulcan_mail_find(struct exchange *x, const struct account *whose,
    json_int_t folder, json_int_t number, struct vulcan_copy *copy);
void vulcan_mail_details(struct exchange *x, const struct account *whose,
    json_int_t folder, const char *number);

/* Into the bin, or from there for good. False if it is not there. */
bool vulcan_mail_remove(struct exchange *x, const struct account *whose,
    json_int_t folder, json_int_t number);

void vulcan_mail_units(struct exchange *x);
void vulcan_mail_addressees(struct exchange *x);
void vulcan_mail_insert(struct exchange *x);
void vulcan_mail_received(struct exchange *x);
void vulcan_mail_sent(struct exchange *x);
void vulcan_mail_removed(struct exchange *x);
void vulcan_mail_text(struct exchange *x);
void vulcan_mail_delete(struct exchange *x);

/* ---- vulcan_inbox.c ---- */

void vulcan_inbox_people(struct exchange *x);
void vulcan_inbox_received(struct exchange *x);
void vulcan_inbox_sent(struct exchange *x);
void vulcan_inbox_removed(struct exchange *x);
void vulcan_inbox_received_text(struct exchange *x);
void vulcan_inbox_sent_text(struct exchange *x);
void vulcan_inbox_removed_text(struct exchange *x);
void vulcan_inbox_delete(struct exchange *x);

/* ---- vulcan_pow.c ---- */

/*
 * vulcan_form_fields writes the hidden field, and the challenge if it is
 * `asked` for, into a login form and sets the cookie that belongs to them;
 * vulcan_form_login wants the field, the work done if it is `asked` for (else
 * no answer is looked at) and right credentials: then it gives their account,
 * or NULL and what to say. No state is kept, so a client may post the same
 * page again.
 */
void vulcan_form_fields(struct exchange *x, bool asked);
const struct account *vulcan_form_login(struct exchange *x, bool asked,
    const char *user, const char *password, const char **error);

/* HMAC-SHA256 by this process's key, as unpadded base64url. */
void vulcan_seal(struct text *out, const char *string);

/* ---- vulcan_gate.c ---- */

void vulcan_gate_form(struct exchange *x);
void vulcan_gate_password(struct exchange *x);
void vulcan_gate_federation(struct exchange *x);
void vulcan_gate_token(struct exchange *x);

/* ---- vulcan_edu.c ---- */

void vulcan_edu_home(struct exchange *x);
void vulcan_edu_query(struct exchange *x);
void vulcan_edu_form(struct exchange *x);
void vulcan_edu_password(struct exchange *x);
void vulcan_edu_federation(struct exchange *x);
void vulcan_edu_ap(struct exchange *x);
void vulcan_edu_consent(struct exchange *x);
void vulcan_edu_logout(struct exchange *x);

/* The account that a token of a pupil was given to; NULL if it is no such
 * token, ran out, or is another symbol's. */
const struct account *vulcan_jwt_account(struct exchange *x, const char *token);

/* ---- vulcan_app.c ---- */

/* True if `realm`, up to its query, is the entry of a module of today. */
bool vulcan_app_is_realm(const char *realm, const char *symbol);

void vulcan_app_login(struct exchange *x);
void vulcan_app_token(struct exchange *x);
void vulcan_app_page(struct exchange *x);
void vulcan_app_start(struct exchange *x);
void vulcan_app_endpoint(struct exchange *x);

/*
 * The session of a call of the new modules' interface, by the host's own
 * cookie; without one it answers 409 and gives NULL. A call that changes
 * something needs the page's token as well.
 */
struct session *vulcan_app_session(struct exchange *x);
struct session *vulcan_app_change(struct exchange *x);

/* ---- vulcan_plus.c ---- */

void vulcan_pupil_key(struct text *key, const struct account *account);
void vulcan_plus_context(struct exchange *x);
void vulcan_plus_periods(struct exchange *x);
void vulcan_plus_grades(struct exchange *x);

/* ---- vulcan_box.c ---- */

void vulcan_box_boxes(struct exchange *x);
void vulcan_box_people(struct exchange *x);
void vulcan_box_received(struct exchange *x);
void vulcan_box_sent(struct exchange *x);
void vulcan_box_removed(struct exchange *x);
void vulcan_box_unread(struct exchange *x);
void vulcan_box_details(struct exchange *x);
void vulcan_box_mark(struct exchange *x);
void vulcan_box_reply(struct exchange *x);
void vulcan_box_send(struct exchange *x);
void vulcan_box_move_trash(struct exchange *x);
void vulcan_box_restore_trash(struct exchange *x);
void vulcan_box_delete(struct exchange *x);

/* ---- vulcan_sign.c ---- */

struct evp_pkey_st;

/* The public key of a certificate, or of a public key, in base64 of DER; to
 * be freed. NULL if it is none. */
struct evp_pkey_st *vulcan_key_of(const char *certificate);

/* The quoted value of `name` in a header Signature. */
bool vulcan_signature_part(
    const char *signature, const char *name, char *out, size_t size);

/* True if the request is signed by `key`; else it was answered. A device that
 * is `of_edu` may have none (NULL). */
bool vulcan_signature_right(struct exchange *x, struct evp_pkey_st *key,
    bool of_edu, const char *signature);

/* ---- vulcan_device.c ---- */

/* A new token and PIN for that account's next telephone. */
void vulcan_pairing_new(struct exchange *x, const struct account *account,
    const char **token, const char **pin);

/* The account of a signed request, or NULL: then the failure was answered. */
const struct account *vulcan_device_account(struct exchange *x);
void vulcan_device_register(struct exchange *x);
void vulcan_device_register_jwt(struct exchange *x);
void vulcan_device_routing(struct exchange *x);

/* Answers with an envelope: `body` is JSON. */
void vulcan_envelope(struct exchange *x, const char *type, const char *body);
void vulcan_hebe_fail(
    struct exchange *x, int code, const char *message, const char *envelope);

/* An instant as the mobile interface has it, and plainly. */
void vulcan_hebe_time(struct text *out, time_t when);
void vulcan_hebe_iso(struct text *out, time_t when);

/* ---- vulcan_hebe.c, vulcan_hebe_mail.c ---- */

void vulcan_hebe_pupils(struct exchange *x);
void vulcan_hebe_grades(struct exchange *x);
void vulcan_hebe_nothing(struct exchange *x);
void vulcan_hebe_lucky(struct exchange *x);
void vulcan_hebe_clock(struct exchange *x);
void vulcan_hebe_heartbeat(struct exchange *x);
void vulcan_hebe_version(struct exchange *x);
void vulcan_hebe_boxes(struct exchange *x);
void vulcan_hebe_people(struct exchange *x);
void vulcan_hebe_messages(struct exchange *x);
void vulcan_hebe_received(struct exchange *x);
void vulcan_hebe_sent(struct exchange *x);
void vulcan_hebe_deleted(struct exchange *x);
void vulcan_hebe_send(struct exchange *x);
void vulcan_hebe_status(struct exchange *x);

#endif
