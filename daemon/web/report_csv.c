/*
 * The account as CSV and as text. One line for each transaction, its days and
 * its deployments; a column that does not apply is empty.
 */
#include "report-int.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"

#define CSV_MAX ((size_t)64 << 20)

static const char *const counts[AVAILABILITY_COUNT] = {
    "available", "unavailable", "maintenance", "blind", "not_measured"};

struct dialect {
	char separator, point;
	const char *mark; /* of the byte order */
	const char *heads;
};

static const struct dialect polish_dialect = {';', ',', "\xef\xbb\xbf",
    "operator;miesiąc;transakcja;wdrożenie;dzień;minuty;dostępne;"
    "niedostępne;prace;bez pomiaru po naszej stronie;niezmierzone;"
    "dostępność w procentach"};
static const struct dialect english_dialect = {',', '.', "",
    "operator,month,transaction,deployment,day,minutes,available,"
    "unavailable,maintenance,blind,not measured,availability percent"};

/*
 * Quoted when it has to be. What a spreadsheet would take for a formula gets an
 * apostrophe before it (OWASP, CSV Injection): names come from people.
 */
static void
add_text(struct buf *out, const struct dialect *dialect, const char *text)
{
	bool formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
	char quotes[] = {dialect->separator, '"', '\n', '\r', '\0'};

	if (!formula && strpbrk(text, quotes) == NULL) {
		buf_adds(out, text);
		return;
	}
	buf_addc(out, '"');
	if (formula)
		buf_addc(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_addc(out, '"');
		buf_addc(out, *text);
	}
	buf_addc(out, '"');
}

/* A percentage is cut to three decimals already. */
static void
add_percent(struct buf *out, char point, const struct jv *value)
{
	char text[32];
	char *dot;

	if (jv_kind(value) == JV_NULL)
		return;
	snprintf(text, sizeof(text), "%.3f", jv_real_value(value));
	dot = strchr(text, '.');
	if (dot != NULL)
		*dot = point;
	buf_adds(out, text);
}

struct line {
	const struct jv *account;
	const char *act, *deployment, *day;
	const struct jv *of; /* with the counts */
};

static void
add_line(
    struct buf *out, const struct dialect *dialect, const struct line *line)
{
	const char *const texts[] = {
	    jv_get_string(line->account, "operator", ""),
	    jv_get_string(line->account, "month", ""), line->act,
	    line->deployment, line->day};
	int64_t minutes = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		add_text(out, dialect, texts[i]);
		buf_addc(out, dialect->separator);
	}
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		minutes += jv_get_int(line->of, counts[i], 0);
	buf_printf(out, "%lld%c", (long long)minutes, dialect->separator);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		buf_printf(out, "%lld%c",
		    (long long)jv_get_int(line->of, counts[i], 0),
		    dialect->separator);
	add_percent(
	    out, dialect->point, jv_get(line->of, "availability_percent"));
	buf_adds(out, "\r\n");
}

bool
report_csv(const struct jv *account, bool polish, struct buf *out)
{
	const struct dialect *dialect =
	    polish ? &polish_dialect : &english_dialect;
	const struct jv *acts = jv_get(account, "transactions");

	buf_printf(out, "%s%s\r\n", dialect->mark, dialect->heads);
	for (size_t i = 0; i < jv_len(acts); i++) {
		const struct jv *act = jv_at(acts, i);
		const struct jv *days = jv_get(act, "days");
		const struct jv *deployments = jv_get(act, "deployments");
		struct line line = {
		    account, jv_get_string(act, "name", ""), "", "", act};

		add_line(out, dialect, &line);
		for (size_t k = 0; k < jv_len(days); k++) {
			line.of = jv_at(days, k);
			line.day = jv_get_string(line.of, "date", "");
			add_line(out, dialect, &line);
		}
		line.day = "";
		for (size_t k = 0; k < jv_len(deployments); k++) {
			line.of = jv_at(deployments, k);
			line.deployment = jv_get_string(line.of, "name", "");
			add_line(out, dialect, &line);
		}
	}
	return !out->full;
}

struct jv *
report_digest(const struct jv *account, bool polish)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	struct buf csv, hex;
	struct jv *value = jv_null();

	buf_init(&csv, CSV_MAX);
	buf_init(&hex, 128);
	if (report_csv(account, polish, &csv)) {
		crypto_sha256(csv.data, csv.len, digest);
		text_hex_encode(&hex, digest, sizeof(digest));
		jv_release(value);
		value = jv_string(hex.data);
	}
	buf_fini(&csv);
	buf_fini(&hex);
	return value;
}

/* ---- for a terminal ---- */

static void
add_time(struct buf *out, const struct zone *zone, const struct jv *value)
{
	struct zone_time t;

	zone_local(zone, (wall_us)(jv_real_value(value) * US_PER_S), &t);
	buf_printf(out, "%04d-%02d-%02d %02d:%02d %s", t.year, t.month, t.day,
	    t.hour, t.minute, zone_name(&t));
}

static void
add_counts(struct buf *out, const char *name, const struct jv *of)
{
	const struct jv *percent = jv_get(of, "availability_percent");

	buf_printf(out, "  %-24s", name);
	if (jv_kind(percent) == JV_NULL)
		buf_printf(out, "%10s", "-");
	else
		buf_printf(out, "%8.3f %%", jv_real_value(percent));
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		buf_printf(
		    out, "%13lld", (long long)jv_get_int(of, counts[i], 0));
	buf_addc(out, '\n');
}

static void
add_outages(struct buf *out, const struct jv *account, const struct zone *zone)
{
	const struct jv *outages = jv_get(account, "outages");

	for (size_t i = 0; i < jv_len(outages); i++) {
		const struct jv *one = jv_at(outages, i);
		const struct jv *incidents = jv_get(one, "incidents");

		buf_adds(out, "  ");
		add_time(out, zone, jv_get(one, "from"));
		buf_printf(out, "  %5lld min  %s/%s  %s",
		    (long long)jv_get_int(one, "minutes", 0),
		    jv_get_string(one, "deployment", ""),
		    jv_get_string(one, "transaction", ""),
		    jv_get_string(one, "reason", "-"));
		for (size_t k = 0; k < jv_len(incidents); k++)
			buf_printf(out, "%s%lld", k == 0 ? ", incident " : ", ",
			    (long long)jv_int_value(jv_at(incidents, k)));
		buf_printf(
		    out, "  run %s\n", jv_get_string(one, "first_run", "-"));
	}
	if (jv_get_int(account, "outages_left_out", 0) > 0)
		buf_printf(out, "  and %lld more\n",
		    (long long)jv_get_int(account, "outages_left_out", 0));
}

bool
report_text(const struct jv *account, const struct zone *zone, struct buf *out)
{
	const struct jv *acts = jv_get(account, "transactions");

	buf_printf(out, "%s, %s, from ", jv_get_string(account, "title", ""),
	    jv_get_string(account, "month", ""));
	add_time(out, zone, jv_get(account, "from"));
	buf_adds(out, " until ");
	add_time(out, zone, jv_get(account, "until"));
	buf_printf(out, "%s\n\n  %-24s%10s%13s%13s%13s%13s%13s\n",
	    jv_bool_value(jv_get(account, "complete")) ? "" : ", not over yet",
	    "minutes of deployments", "", "available", "unavailable",
	    "maintenance", "blind", "not measured");
	for (size_t i = 0; i < jv_len(acts); i++) {
		const struct jv *act = jv_at(acts, i);
		const struct jv *deployments = jv_get(act, "deployments");

		add_counts(out, jv_get_string(act, "name", ""), act);
		for (size_t k = 0; k < jv_len(deployments); k++) {
			const struct jv *one = jv_at(deployments, k);
			char name[MODEL_NAME_SIZE + 4];

			snprintf(name, sizeof(name), "  %s",
			    jv_get_string(one, "name", ""));
			add_counts(out, name, one);
		}
	}
	buf_printf(out, "\nunavailable, %zu times\n",
	    jv_len(jv_get(account, "outages")) +
		(size_t)jv_get_int(account, "outages_left_out", 0));
	add_outages(out, account, zone);
	buf_printf(out, "\nSHA-256 of the CSV: %s\n",
	    jv_get_string(jv_get(account, "csv_sha256"), "en", ""));
	return !out->full;
}
