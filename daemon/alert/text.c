/*
 * One line for people about an incident, in Polish and in English, made by
 * rules. Names of operators, deployments and transactions are set before a
 * dash or in quotes and never inflected. No locale is consulted.
 */
#include "alert-int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/text.h"

#define TEXT_MAX 2048 /* before it is cut */

/* ---- words ---- */

struct words {
	const char *pl, *en;
};

static const struct {
	const char *name;
	struct words words;
} acts[] = {
    {"login", {"logowanie", "login"}},
    {"grades", {"oceny", "grades"}},
    {"message", {"wiadomość", "message"}},
};

static struct words
act_words(const struct text_input *in)
{
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		if (strcmp(acts[i].name, in->transaction) == 0) {
			return acts[i].words;
		}
	}
	if (in->transaction_title && in->transaction_title[0] != '\0') {
		return (struct words){
		    in->transaction_title, in->transaction_title};
	}
	return (struct words){in->transaction, in->transaction};
}

static struct words
side_words(enum side side)
{
	switch (side) {
	case SIDE_NONE:
		break;
	case SIDE_OURS:
		return (struct words){"nasza strona", "our side"};
	case SIDE_NETWORK:
		return (struct words){"strona sieci", "network side"};
	case SIDE_OPERATOR:
		return (struct words){"strona operatora", "operator side"};
	case SIDE_ACCOUNT:
		return (struct words){"strona konta", "account side"};
	case SIDE_SCRIPT:
		return (struct words){"strona skryptu", "script side"};
	}
	return (struct words){"", ""};
}

static struct words
phase_words(enum phase phase)
{
	switch (phase) {
	case PHASE_DNS:
		return (struct words){"pytanie o adres", "name resolution"};
	case PHASE_CONNECT:
		return (struct words){"łączenie", "connecting"};
	case PHASE_TLS:
		return (struct words){"szyfrowanie", "TLS handshake"};
	case PHASE_WAIT:
		return (struct words){
		    "czekanie na odpowiedź", "waiting for the answer"};
	case PHASE_RECEIVE:
		return (struct words){
		    "pobieranie odpowiedzi", "receiving the answer"};
	}
	return (struct words){"", ""};
}

/* As the pages say it. Only the reasons that count as failures are ever said;
 * the rest goes by name. */
static struct words
reason_words(enum reason reason)
{
	static const struct words phrases[REASON_COUNT] = {
	    [REASON_DNS_FAILURE] = {"nazwa nie istnieje",
		"the name does not exist"},
	    [REASON_DNS_TIMEOUT] = {"serwer nazw nie odpowiada",
		"the name server does not answer"},
	    [REASON_CONNECT_REFUSED] = {"odmowa połączenia",
		"connection refused"},
	    [REASON_CONNECT_TIMEOUT] = {"nie można się połączyć",
		"cannot connect"},
	    [REASON_CONNECTION_RESET] = {"połączenie zerwane",
		"connection reset"},
	    [REASON_TLS_FAILURE] = {"błąd szyfrowania", "encryption failed"},
	    [REASON_TLS_EXPIRED] = {"certyfikat wygasł", "certificate expired"},
	    [REASON_TLS_NAME] = {"certyfikat innej nazwy",
		"certificate of another name"},
	    [REASON_HTTP_5XX] = {"błąd serwera", "server error"},
	    [REASON_HTTP_4XX] = {"odmowa serwera", "refused by the server"},
	    [REASON_NO_ANSWER] = {"serwer nie odpowiada",
		"the server does not answer"},
	    [REASON_SLOW_BODY] = {"strona nie doszła w całości",
		"the page did not arrive whole"},
	    [REASON_OVERLOAD_PAGE] = {"strona o przeciążeniu",
		"page about overload"},
	    [REASON_MAINTENANCE_PAGE] = {"strona o pracach",
		"page about maintenance"},
	    [REASON_REDIRECT_LOOP] = {"pętla przekierowań", "redirect loop"},
	    [REASON_TOO_LARGE] = {"odpowiedź zbyt duża", "answer too large"},
	    [REASON_MESSAGE_LOST] = {"wiadomość nie dotarła",
		"the message did not arrive"},
	    [REASON_MESSAGE_LATE] = {"wiadomość dotarła za późno",
		"the message arrived too late"},
	};

	if (phrases[reason].pl) {
		return phrases[reason];
	}
	return (struct words){reason_name(reason), reason_name(reason)};
}

/* ---- numbers ---- */

/* 1 nieudana, 2-4 and 22-24 nieudane, all others nieudanych. */
static const char *
failed_pl(uint32_t n)
{
	if (n == 1) {
		return "nieudana";
	}
	if (n % 10 >= 2 && n % 10 <= 4 && (n % 100 < 12 || n % 100 > 14)) {
		return "nieudane";
	}
	return "nieudanych";
}

/* "8.4" or "8,4"; one decimal, none when it is zero. */
static void
add_number(struct buf *out, double number, bool polish)
{
	char text[64];
	size_t len;

	snprintf(text, sizeof(text), "%.1f", number);
	len = strlen(text);
	if (len > 2 && strcmp(text + len - 2, ".0") == 0) {
		text[len - 2] = '\0';
	} else if (polish && len > 2) {
		text[len - 2] = ',';
	}
	buf_adds(out, text);
}

static void
add_latency(struct buf *out, double ms, bool polish)
{
	if (ms < 1000.0) {
		add_number(out, round(ms), polish);
		buf_adds(out, " ms");
	} else {
		add_number(out, ms / 1000.0, polish);
		buf_adds(out, " s");
	}
}

/* ---- the line ---- */

/* The text, cut between two characters and marked when it is too long. */
static void
put(const struct buf *text, char *out, size_t size)
{
	static const char mark[] = "…";
	size_t len = text->len;

	if (len >= size) {
		len = size - sizeof(mark);
		while (len > 0 &&
		    ((unsigned char)text->data[len] & 0xc0) == 0x80) {
			len--;
		}
		memcpy(out, text->data, len);
		memcpy(out + len, mark, sizeof(mark));
		return;
	}
	memcpy(out, text->data, len);
	out[len] = '\0';
}

static void
add_scope(struct buf *out, const struct text_input *in, const char *act)
{
	buf_adds(out, in->operator_title);
	if (in->deployment) {
		buf_printf(out, ", %s", in->deployment);
	}
	buf_printf(out, " — %s: ", act);
}

static void
add_deployments(struct buf *out, const struct text_input *in, bool polish)
{
	if (in->deployment || in->deployments < 2 || in->deployments_bad == 0) {
		return;
	}
	if (polish) {
		buf_printf(out, ", w %u z %u wdrożeń", in->deployments_bad,
		    in->deployments);
	} else {
		buf_printf(out, ", in %u of %u deployments",
		    in->deployments_bad, in->deployments);
	}
}

static void
add_quantile(struct buf *out, const struct text_input *in, bool polish)
{
	buf_adds(out, "p");
	add_number(out, in->rule->quantile * 100.0, polish);
	buf_adds(out, polish ? " do " : " up to ");
	add_latency(out, in->worst, polish);
}

static void
slow_pl(struct buf *out, const struct text_input *in)
{
	buf_adds(out, "wolno, ");
	add_quantile(out, in, true);
	buf_adds(out, " przy progu ");
	add_latency(out, clock_to_ms(in->rule->above), true);
	buf_printf(out, " (prób: %u)", in->attempts);
	add_deployments(out, in, true);
	if (in->facts.known) {
		buf_printf(
		    out, ", najdłużej %s", phase_words(in->facts.phase).pl);
	}
}

static void
slow_en(struct buf *out, const struct text_input *in)
{
	buf_adds(out, "slow, ");
	add_quantile(out, in, false);
	buf_adds(out, " over the limit of ");
	add_latency(out, clock_to_ms(in->rule->above), false);
	buf_printf(out, " (attempts: %u)", in->attempts);
	add_deployments(out, in, false);
	if (in->facts.known) {
		buf_printf(
		    out, ", longest %s", phase_words(in->facts.phase).en);
	}
}

/* The status says more than its class. */
static bool
add_status(struct buf *out, const struct facts *facts)
{
	if ((facts->reason != REASON_HTTP_5XX &&
		facts->reason != REASON_HTTP_4XX) ||
	    facts->http_status == 0) {
		return false;
	}
	buf_printf(out, "HTTP %d", facts->http_status);
	return true;
}

static void
failing_pl(struct buf *out, const struct text_input *in)
{
	const struct facts *facts = &in->facts;

	buf_printf(out, "%u z %u %s %s", in->failed, in->attempts,
	    in->attempts == 1 ? "próby" : "prób", failed_pl(in->failed));
	add_deployments(out, in, true);
	if (!facts->known) {
		return;
	}
	if (facts->step[0] != '\0') {
		buf_printf(out, ", krok „%s”", facts->step);
	}
	buf_printf(out, ", %s, ", side_words(reason_side(facts->reason)).pl);
	if (!add_status(out, facts)) {
		buf_adds(out, reason_words(facts->reason).pl);
	}
}

static void
failing_en(struct buf *out, const struct text_input *in)
{
	const struct facts *facts = &in->facts;

	buf_printf(out, "%u of %u %s failed", in->failed, in->attempts,
	    in->attempts == 1 ? "attempt" : "attempts");
	add_deployments(out, in, false);
	if (!facts->known) {
		return;
	}
	if (facts->step[0] != '\0') {
		buf_printf(out, ", step “%s”", facts->step);
	}
	buf_printf(out, ", %s, ", side_words(reason_side(facts->reason)).en);
	if (!add_status(out, facts)) {
		buf_adds(out, reason_words(facts->reason).en);
	}
}

/* ---- the other kinds ---- */

static void
unusual(struct buf *out, const struct text_input *in, bool polish)
{
	buf_adds(out, polish ? "wolniej niż zwykle, " : "slower than usual, ");
	add_quantile(out, in, polish);
	buf_adds(
	    out, polish ? ", zwykle o tej porze " : ", usual at this hour is ");
	add_latency(out, in->usual, polish);
	buf_adds(out, polish ? " (próg " : " (limit ");
	add_latency(out, in->limit, polish);
	buf_printf(
	    out, polish ? "; prób: %u)" : "; attempts: %u)", in->attempts);
	add_deployments(out, in, polish);
	if (in->facts.known) {
		buf_printf(out, polish ? ", najdłużej %s" : ", longest %s",
		    polish ? phase_words(in->facts.phase).pl
			   : phase_words(in->facts.phase).en);
	}
}

static void
burning(struct buf *out, const struct text_input *in, bool polish)
{
	buf_adds(out,
	    polish ? "dopuszczalne błędy zużywają się "
		   : "the error budget burns ");
	add_number(out, in->worst, polish);
	buf_adds(
	    out, polish ? " razy za szybko (próg " : " times too fast (limit ");
	add_number(out, in->rule->factor, polish);
	buf_adds(out, polish ? "; cel " : "; objective ");
	add_number(out, in->rule->objective * 100.0, polish);
	buf_adds(out, "%), ");
	if (polish) {
		failing_pl(out, in);
	} else {
		failing_en(out, in);
	}
}

/* 1 dzień, all others dni. */
static void
ending(struct buf *out, const struct text_input *in, bool polish)
{
	double days = floor(in->value);

	if (in->value <= 0) {
		buf_adds(out,
		    polish ? "certyfikat wygasł"
			   : "the certificate has expired");
	} else if (days < 1) {
		buf_adds(out,
		    polish ? "certyfikat wygasa w ciągu doby"
			   : "the certificate expires within a day");
	} else {
		buf_printf(out,
		    polish ? "certyfikat wygasa za %.0f %s"
			   : "the certificate expires in %.0f %s",
		    days,
		    polish ? (days < 2 ? "dzień" : "dni")
			   : (days < 2 ? "day" : "days"));
	}
	add_deployments(out, in, polish);
}

static void
silent(struct buf *out, const struct text_input *in, bool polish)
{
	buf_adds(out, polish ? "brak danych od " : "no data for ");
	add_number(out, floor(in->value), polish);
	buf_adds(out, " min");
}

static void
say(struct buf *out, const struct text_input *in, bool polish)
{
	switch (in->rule->kind) {
	case CONF_ALERT_AVAILABILITY:
		if (polish) {
			failing_pl(out, in);
		} else {
			failing_en(out, in);
		}
		break;
	case CONF_ALERT_LATENCY:
		if (polish) {
			slow_pl(out, in);
		} else {
			slow_en(out, in);
		}
		break;
	case CONF_ALERT_BURN_RATE:
		burning(out, in, polish);
		break;
	case CONF_ALERT_CERTIFICATE:
		ending(out, in, polish);
		break;
	case CONF_ALERT_NO_DATA:
		silent(out, in, polish);
		break;
	case CONF_ALERT_DEVIATION:
		unusual(out, in, polish);
		break;
	}
}

void
alert_text_pl(const struct text_input *input, char out[INCIDENT_TEXT_SIZE])
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	add_scope(&text, input, act_words(input).pl);
	say(&text, input, true);
	put(&text, out, INCIDENT_TEXT_SIZE);
	buf_fini(&text);
}

void
alert_text_en(const struct text_input *input, char out[INCIDENT_TEXT_SIZE])
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	add_scope(&text, input, act_words(input).en);
	say(&text, input, false);
	put(&text, out, INCIDENT_TEXT_SIZE);
	buf_fini(&text);
}

static struct words
stop_words(enum reason reason)
{
	static const struct words phrases[REASON_COUNT] = {
	    [REASON_BAD_CREDENTIALS] = {"operator odrzucił hasło",
		"the password was refused"},
	    [REASON_ACCOUNT_LOCKED] = {"operator je zablokował",
		"the operator has locked it"},
	    [REASON_ACCOUNT_EXPIRED] = {"ono lub jego hasło wygasło",
		"it or its password has expired"},
	    [REASON_CAPTCHA] = {"operator żąda captcha",
		"a captcha is asked for"},
	};

	return phrases[reason].pl
	    ? phrases[reason]
	    : (struct words){reason_name(reason), reason_name(reason)};
}

/* A wrong password is mended in its file; a captcha only by a person. */
static struct words
remedy_words(enum reason reason)
{
	if (reason == REASON_BAD_CREDENTIALS)
		return (struct words){
		    .pl = "Popraw plik konta i uruchom usługę ponownie albo "
			  "zwolnij",
		    .en = "Mend its file and restart the service, or release "
			  "it",
		};
	return (struct words){
	    .pl = "Zaloguj się raz w przeglądarce, a potem zwolnij",
	    .en = "Log in once with a browser, then release it",
	};
}

void
alert_text_account(const struct text_input *input,
    const struct account_stop *stop, char pl[INCIDENT_TEXT_SIZE],
    char en[INCIDENT_TEXT_SIZE])
{
	struct words why = stop_words(stop->reason);
	struct words what = remedy_words(stop->reason);
	struct buf text;

	buf_init(&text, TEXT_MAX);
	add_scope(&text, input, act_words(input).pl);
	buf_printf(&text,
	    "konto „%s” zatrzymane, %s. %s: dyzurny account -c FILE release %s",
	    stop->account, why.pl, what.pl, stop->account);
	put(&text, pl, INCIDENT_TEXT_SIZE);
	buf_reset(&text);
	add_scope(&text, input, act_words(input).en);
	buf_printf(&text,
	    "account “%s” stopped, %s. %s: dyzurny account -c FILE release %s",
	    stop->account, why.en, what.en, stop->account);
	put(&text, en, INCIDENT_TEXT_SIZE);
	buf_fini(&text);
}

void
alert_text_resolved(struct incident *incident)
{
	char lasted[64];
	struct buf text;

	text_duration_format(incident_lasted(incident, incident->resolved),
	    lasted, sizeof(lasted));
	buf_init(&text, TEXT_MAX);
	buf_printf(
	    &text, "Resolved after %s: %s", lasted, incident->summary_en);
	put(&text, incident->summary_en, sizeof(incident->summary_en));
	buf_reset(&text);
	for (char *c = lasted; *c != '\0'; c++) {
		*c = *c == '.' ? ',' : *c;
	}
	buf_printf(&text, "Ustąpiło po %s: %s", lasted, incident->summary_pl);
	put(&text, incident->summary_pl, sizeof(incident->summary_pl));
	buf_fini(&text);
}

void
alert_text_entry(const struct incident *incident, uint32_t deployments_bad,
    char out[INCIDENT_TEXT_SIZE])
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	buf_printf(&text, "value=%.6g threshold=%.6g", incident->value,
	    incident->threshold);
	if (incident->unit[0] != '\0') {
		buf_printf(&text, " unit=%s", incident->unit);
	}
	if (incident->reason != REASON_OK) {
		buf_printf(&text, " reason=%s side=%s",
		    reason_name(incident->reason), side_name(incident->side));
	}
	buf_printf(&text, " phase=%s", phase_name(incident->phase));
	if (incident->step[0] != '\0') {
		buf_printf(&text, " step=%s", incident->step);
	}
	if (deployments_bad > 0) {
		buf_printf(&text, " deployments=%u", deployments_bad);
	}
	put(&text, out, INCIDENT_TEXT_SIZE);
	buf_fini(&text);
}
