#ifndef SIM_WIZJA_INT_H
#define SIM_WIZJA_INT_H

#include "sim.h"

/* What wizja.c, wizja_grades.c, wizja_mail.c and wizja_api.c share. */

/* The session of a page, or of an Ajax call; without one the form, or a
 * short text, is the answer. */
struct session *wizja_page_session(struct exchange *x);
struct session *wizja_ajax_session(struct exchange *x);

/* Judges a login name, or an e-mail address in its place. */
enum login wizja_login_try(struct exchange *x, const char *user,
    const char *password, const struct account **account);

/* Begins a session on the machine of this request; sets its cookie. */
void wizja_session_begin(struct exchange *x, const struct account *account);

/* What precedes and follows the content of a page. */
void wizja_menu(
    struct exchange *x, const struct session *session, const char *title);
void wizja_footer(struct exchange *x, const struct session *session);

/* "https://HOST" with the port that the client named, too, escaped. */
void wizja_base(struct exchange *x);

/* "środa, 4 lutego 2026, godzina 09:11:12" */
void wizja_long_time(struct text *text, time_t when);

void wizja_grades(struct exchange *x);

void wizja_composer(struct exchange *x);
void wizja_mobile_composer(struct exchange *x);
void wizja_recipients(struct exchange *x);
void wizja_send_message(struct exchange *x);
void wizja_received(struct exchange *x);
void wizja_sent(struct exchange *x);
void wizja_read_received(struct exchange *x);
void wizja_read_sent(struct exchange *x);
void wizja_search(struct exchange *x);

void wizja_api_login(struct exchange *x);
void wizja_api_dump(struct exchange *x);
void wizja_app_login(struct exchange *x);
void wizja_app_sync(struct exchange *x);

#endif
