/*
 * Writing in the old messages of Librus: the composer, the list of people and
 * the two forms that send. They may come urlencoded, as multipart or as JSON,
 * and DoKogo with or without its brackets.
 *
 * What the sources leave open and how it is here: a request for people with a
 * wrong requestkey is a 403, one without any is served; of the kinds of
 * recipients the teachers and tutors are all accounts, the others nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "librus-int.h"

static const struct {
	const char *id;
	const char *label;
} kinds[] = {
    {"wychowawca", "Wychowawca"},
    {"nauczyciel", "Nauczyciel"},
    {"pedagog", "Pedagog/psycholog"},
    {"bibliotekarz", "Bibliotekarz"},
    {"sekretariat", "Sekretariat"},
    {"admin", "Administrator szkoły"},
    {"szkolna_rada_rodzicow", "Szkolna rada rodziców"},
    {"rodzic", "Rodzic"},
};

const char *
librus_csrf(struct session *session)
{
	char token[33];

	if (session->token[2][0] == '\0') {
		session_token(token);
		session_keep(session->token[2], token);
	}
	return session->token[2];
}

bool
librus_requestkey_fits(struct exchange *x, const struct session *session)
{
	const char *key = request_header(x, "requestkey");

	return key == NULL ||
	    (session->token[2][0] != '\0' && same(session->token[2], key));
}

static bool
is_populated(const char *kind)
{
	return same(kind, "nauczyciel") || same(kind, "wychowawca");
}

static void
people(struct exchange *x, const char *kind)
{
	int line = 0;

	text_add(&x->out,
	    "<table class=\"message-recipients-detail\"><thead><tr><td>"
	    "<input type=\"checkbox\"></td><td>Zaznacz wszystko</td></tr>"
	    "</thead><tbody>");
	for (const struct account *at = sim_accounts;
	     is_populated(kind) && at->oper != NULL; at++) {
		if (!same(at->oper, "librus"))
			continue;
		text_addf(&x->out,
		    "<tr class=\"line%d\"><td><input type=\"checkbox\" "
		    "name=\"DoKogo[]\" value=\"%s\" id=\"check_%s\"></td>"
		    "<td><label for=\"check_%s\">%s</label></td></tr>",
		    line++ % 2, at->id, at->id, at->id, at->name);
	}
	text_add(&x->out, "</tbody></table>");
}

static void
kinds_table(struct exchange *x, const char *chosen)
{
	text_add(&x->out,
	    "<table class=\"message-recipients\"><thead><tr>"
	    "<td colspan=\"2\">Adresaci</td></tr></thead><tbody>");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		text_addf(&x->out,
		    "<tr class=\"line%zu\"><td><input type=\"radio\" "
		    "class=\"recipiantTypeRadio\" name=\"adresat\" "
		    "id=\"radio_%s\" value=\"%s\"%s "
		    "onclick='selectRecipients(\"%s\", false, 0%s);'></td>"
		    "<td><label for=\"radio_%s\">%s</label></td></tr>",
		    i % 2, kinds[i].id, kinds[i].id,
		    same(kinds[i].id, chosen) ? " checked" : "", kinds[i].id,
		    same(kinds[i].id, "rodzic") ? ", 12345" : "", kinds[i].id,
		    kinds[i].label);
	text_add(&x->out, "</tbody></table>");
}

void
librus_composer(struct exchange *x)
{
	struct session *session = librus_session(x);
	const char *chosen;

	if (session == NULL)
		return;
	librus_take_json(x);
	chosen = request_form(x, "adresat");
	librus_user_page(x, session, "Wiadomości");
	text_addf(&x->out,
	    "<script>var csrfTokenValue = \"%s\";</script>"
	    "<div class=\"warning\">" LIBRUS_OLD_MAIL "</div>"
	    "<form method=\"post\" action=\"/wiadomosci/1/6\">"
	    "<input type=\"hidden\" name=\"requestkey\" value=\"%s\">",
	    librus_csrf(session), librus_csrf(session));
	kinds_table(x, chosen);
	text_add(&x->out,
	    "<table><tbody><tr><td class=\"message-recipients\" "
	    "id=\"adresaci\">");
	if (chosen != NULL)
		people(x, chosen);
	text_add(&x->out,
	    "</td></tr></tbody></table>"
	    "<input type=\"hidden\" name=\"filtrUzytkownikow\" value=\"0\">"
	    "<input type=\"hidden\" name=\"idPojemnika\" value=\"\">"
	    "<input type=\"hidden\" name=\"Rodzaj\" value=\"0\">"
	    "<input type=\"hidden\" name=\"poprzednia\" value=\"5\">"
	    "<input type=\"hidden\" name=\"fileStorageIdentifier\" value=\"\">"
	    "<input name=\"temat\"><textarea name=\"tresc\"></textarea>"
	    "<input type=\"submit\" name=\"wyslij\" value=\"Wyślij\"></form>");
	librus_page_end(x);
}

void
librus_recipients(struct exchange *x)
{
	const struct session *session = librus_session(x);

	if (session == NULL)
		return;
	if (!librus_requestkey_fits(x, session)) {
		librus_json(x, 403, "{\"error\":\"requestkey\"}");
		return;
	}
	librus_take_json(x);
	people(x, request_form(x, "typAdresata"));
	reply_status(x, 200, TYPE_HTML);
}

/* ---- sending ---- */

/* The named recipients; 0 if one of them is unknown, or none is named. */
static size_t
named_recipients(struct exchange *x, const struct account **to)
{
	static const char *const names[] = {"DoKogo", "DoKogo[]"};
	size_t n = 0;

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; n < LIBRUS_RECIPIENTS_MAX; i++) {
			const char *id = request_form_nth(x, names[k], i);
			if (id == NULL)
				break;
			to[n] = account_by_id("librus", "synergia", id);
			if (to[n++] == NULL)
				return 0;
		}
	return n;
}

/* What was typed is text; kept and shown is HTML. */
static void
as_html(struct text *html, const char *typed)
{
	struct text escaped = {0};

	text_html(&escaped, typed);
	for (const char *at = text_of(&escaped); *at != '\0'; at++)
		if (*at == '\n')
			text_add(html, "<br />\n");
		else if (*at != '\r')
			text_addn(html, at, 1);
	text_fini(&escaped);
}

static bool
send_form(struct exchange *x, const struct session *session)
{
	const struct account *to[LIBRUS_RECIPIENTS_MAX];
	const char *subject = request_form(x, "temat");
	const char *typed = request_form(x, "tresc");
	size_t n = named_recipients(x, to);
	struct text body = {0};

	if (subject == NULL || *subject == '\0' || typed == NULL ||
	    *typed == '\0' || n == 0)
		return false;
	as_html(&body, typed);
	for (size_t i = 0; i < n; i++)
		mailbox_send(
		    x, session->account, to[i], subject, text_of(&body), NULL);
	text_fini(&body);
	return true;
}

/* A client in JSON escapes the name of the button as for an address. */
static bool
button_pressed(struct exchange *x)
{
	return request_form_is(x, "wyslij", "Wyślij") ||
	    request_form_is(x, "wyslij", "Wy%C5%9Blij");
}

static void
send_or(struct exchange *x, void (*list)(struct exchange *x))
{
	const struct session *session;
	bool sent;

	librus_take_json(x);
	if (!button_pressed(x)) {
		list(x);
		return;
	}
	session = librus_session(x);
	if (session == NULL)
		return;
	sent = send_form(x, session);
	librus_result_page(x, session, sent,
	    sent ? "Wiadomość została wysłana."
		 : "Wiadomość nie została wysłana.");
}

void
librus_send_1(struct exchange *x)
{
	send_or(x, librus_sent);
}

void
librus_send_2(struct exchange *x)
{
	send_or(x, librus_received);
}
