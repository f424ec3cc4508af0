/*
 * Pupils and marks at Vulcan's mobile interface ("Hebe"), and what it says of
 * itself. The school year is the one of today.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vulcan-int.h"

#define LIST "IEnumerable`1"

enum { UNIT = 2, SCHOOL = 6, NOON = 12, FEBRUARY = 1, SEPTEMBER = 8 };

/* Noon of a day. */
static time_t
noon_of(int year, int month, int day)
{
	struct tm tm = {
	    .tm_year = year - 1900,
	    .tm_mon = month,
	    .tm_mday = day,
	    .tm_hour = NOON,
	    .tm_isdst = -1,
	};

	return mktime(&tm);
}

static int
current_period(void)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	return tm.tm_mon >= FEBRUARY && tm.tm_mon < SEPTEMBER ? 2 : 1;
}

static void
add_period(struct text *out, const struct account *account, int number)
{
	int year = vulcan_school_year();
	bool first = number == 1;

	text_addf(out,
	    "%s{\"Id\":%d,\"Level\":5,\"Number\":%d,\"Current\":%s,"
	    "\"Last\":%s,\"Start\":",
	    first ? "" : ",", vulcan_period_of(account, number), number,
	    number == current_period() ? "true" : "false",
	    first ? "false" : "true");
	vulcan_hebe_time(out,
	    first ? noon_of(year, SEPTEMBER, 1)
		  : noon_of(year + 1, FEBRUARY, 1));
	text_add(out, ",\"End\":");
	vulcan_hebe_time(
	    out, first ? noon_of(year + 1, 0, 31) : noon_of(year + 1, 7, 31));
	/* the same for the application of eduVULCAN */
	text_addf(out, ",\"StartAt\":\"%d-%s\",\"EndAt\":\"%d-%s\"}",
	    first ? year : year + 1, first ? "09-01" : "02-01", year + 1,
	    first ? "01-31" : "08-31");
}

static void
add_school(struct text *out, const char *symbol)
{
	text_addf(out,
	    ",\"Unit\":{\"Id\":%d,\"Symbol\":\"%s\",\"Short\":\"ZSZ\","
	    "\"RestURL\":\"https://lekcjaplus.vulcan.net.pl/%s/%s/api\","
	    "\"Name\":\"Zespół Szkół Zielonych\",\"SchoolTopic\":\"\","
	    "\"DisplayName\":\"Zespół "
	    "Szkół Zielonych\",\"Address\":\"ul. Zielona 1\",\"Patron\":\"\"},"
	    "\"ConstituentUnit\":{\"Id\":%d,\"Short\":\"ZSZ\",\"Name\":"
	    "\"Zespół Szkół Zielonych\",\"Address\":\"ul. Zielona 1\","
	    "\"Patron\":\"\",\"SchoolTopic\":"
	    "\"12f446f1-1751-4751-a0e1-101dd8b71c11\"}",
	    UNIT, VULCAN_SCHOOL, symbol, VULCAN_SCHOOL, SCHOOL);
}

static void
add_login(struct text *out, const struct account *account)
{
	text_addf(out, ",\"Pupil\":{\"Id\":%d,\"LoginId\":%s,\"LoginValue\":",
	    account->pupil, account->mailbox);
	text_json(out, account->user);
	text_addf(out,
	    ",\"FirstName\":\"Test\",\"SecondName\":\"\",\"Surname\":"
	    "\"Testowy\",\"Sex\":true},\"Login\":{\"Id\":%s,\"Value\":",
	    account->mailbox);
	text_json(out, account->user);
	text_add(out, ",\"DisplayName\":");
	text_json(out, account->name);
	text_add(out,
	    ",\"FirstName\":\"Anna\",\"SecondName\":\"\",\"Surname\":"
	    "\"Testowa\",\"LoginRole\":\"Opiekun\"}");
}

void
vulcan_hebe_pupils(struct exchange *x)
{
	const struct account *account = vulcan_device_account(x);
	char box[VULCAN_UUID_SIZE];
	struct text body = {0};

	if (account == NULL)
		return;
	vulcan_box_key(box, account);
	text_addf(&body,
	    "[{\"TopLevelPartition\":\"%s\",\"Partition\":\"%s-%s\","
	    "\"Context\":\"\",\"InfoDisplay\":\"ZSZ - 5a\","
	    "\"ClassDisplay\":\"5a\",\"FullSync\":false,\"State\":0,"
	    "\"Capabilities\":[\"REGULAR\",\"AVG_ENABLED\","
	    "\"ADDRESS_BOOK_PUPIL\"],\"Educators\":[],"
	    "\"MessageBox\":{\"Id\":%s,\"GlobalKey\":\"%s\",\"Name\":",
	    x->dep->name, x->dep->name, VULCAN_SCHOOL, account->mailbox, box);
	text_json(&body, account->name);
	text_addf(&body,
	    "},\"Links\":{\"Root\":\"https://lekcjaplus.vulcan.net.pl\","
	    "\"Group\":\"%s\",\"Symbol\":\"%s\",\"Alias\":\"%s\","
	    "\"QuestionnaireRoot\":\"\",\"ExResourcesUrl\":\"\"},"
	    "\"Journal\":{\"Id\":%d,\"StartAt\":\"%d-09-01\","
	    "\"EndAt\":\"%d-08-31\"},\"Periods\":[",
	    x->dep->name, VULCAN_SCHOOL, x->dep->name, vulcan_diary_of(account),
	    vulcan_school_year(), vulcan_school_year() + 1);
	for (int number = 1; number <= VULCAN_PERIODS; number++)
		add_period(&body, account, number);
	text_add(&body, "]");
	add_school(&body, x->dep->name);
	add_login(&body, account);
	text_add(&body, "}]");
	vulcan_envelope(x, LIST, text_of(&body));
	text_fini(&body);
}

/* ---- marks ---- */

/* 4+ is 4.25, 5- is 4.75 */
static const double PLUS = 0.25;

static void
add_column(
    struct text *out, const struct account *account, const struct grade *g)
{
	char key[VULCAN_UUID_SIZE];

	vulcan_uuid(key, g->category);
	text_addf(out,
	    ",\"Column\":{\"Id\":%d,\"Key\":\"%s\",\"PeriodId\":%d,\"Name\":"
	    "\"%s\",\"Code\":\"K%d\",\"Group\":\"\",\"Number\":1,\"Color\":0,"
	    "\"Weight\":%d.0,",
	    g->id + 1000, key, vulcan_period_of(account, g->semester),
	    g->category, g->weight, g->weight);
	vulcan_uuid(key, g->subject);
	text_addf(out,
	    "\"Subject\":{\"Id\":%d,\"Key\":\"%s\",\"Name\":\"%s\",\"Kod\":"
	    "\"%.3s\",\"Position\":1},\"Category\":{\"Id\":%d,\"Name\":"
	    "\"%s\",\"Code\":\"K%d\"}}",
	    g->subject[0] * 16 + g->subject[1], key, g->subject, g->subject,
	    g->weight, g->category, g->weight);
}

static void
add_teacher(struct text *out, const char *name, const char *teacher)
{
	size_t surname = strcspn(teacher, " ");

	text_addf(out,
	    ",\"%s\":{\"Id\":%d,\"Surname\":\"%.*s\",\"Name\":\"%s\","
	    "\"DisplayName\":\"%s\"}",
	    name, 200 + (int)surname, (int)surname, teacher,
	    teacher + surname + 1, teacher);
}

static void
add_mark(struct text *out, const struct account *account, const struct grade *g)
{
	char seed[48];
	char key[VULCAN_UUID_SIZE];

	snprintf(seed, sizeof(seed), "mark %d %d", account->pupil, g->id);
	vulcan_uuid(key, seed);
	text_addf(out,
	    "{\"Id\":%d,\"Key\":\"%s\",\"PupilId\":%d,\"ContentRaw\":\"%s\","
	    "\"Content\":\"%s\",\"Comment\":\"\",\"Value\":%.2f,"
	    "\"Numerator\":null,\"Denominator\":null,\"DateCreated\":",
	    g->id, key, account->pupil, g->mark, g->mark,
	    grade_worth(g->mark, PLUS));
	vulcan_hebe_time(out, grade_noon(g->date));
	text_add(out, ",\"DateModify\":");
	vulcan_hebe_time(out, grade_noon(g->date));
	text_add(out, ",\"CreatedAt\":");
	vulcan_hebe_iso(out, grade_noon(g->date));
	text_add(out, ",\"ModifiedAt\":");
	vulcan_hebe_iso(out, grade_noon(g->date));
	add_teacher(out, "Creator", g->teacher);
	add_teacher(out, "Modifier", g->teacher);
	add_column(out, account, g);
	text_add(out, "}");
}

static bool
query_is(struct exchange *x, const char *name, int value)
{
	const char *text = request_query(x, name);

	return text != NULL && strtol(text, NULL, 10) == value;
}

void
vulcan_hebe_grades(struct exchange *x)
{
	const struct account *account = vulcan_device_account(x);
	const char *since = request_query(x, "lastSyncDate");
	const char *comma = "";
	struct text body = {0};

	if (account == NULL)
		return;
	if (!query_is(x, "pupilId", account->pupil)) {
		vulcan_hebe_fail(x, 100, "Not privileged", NULL);
		return;
	}
	text_add(&body, "[");
	for (const struct grade *g = sim_grades; g->id != 0; g++) {
		if (!query_is(x, "periodId",
			vulcan_period_of(account, g->semester)) ||
		    (since != NULL && strncmp(g->date, since, 10) < 0))
			continue;
		text_add(&body, comma);
		add_mark(&body, account, g);
		comma = ",";
	}
	text_add(&body, "]");
	vulcan_envelope(x, LIST, text_of(&body));
	text_fini(&body);
}

/* Lists that are empty at these schools. */
void
vulcan_hebe_nothing(struct exchange *x)
{
	if (vulcan_device_account(x) != NULL)
		vulcan_envelope(x, LIST, "[]");
}

void
vulcan_hebe_lucky(struct exchange *x)
{
	struct text body = {0};

	if (vulcan_device_account(x) == NULL)
		return;
	text_time(
	    &body, "{\"Day\":\"%Y-%m-%d\",\"Number\":7}", oper_time(x->op));
	vulcan_envelope(x, "LuckyNumberPayload", text_of(&body));
	text_fini(&body);
}

/* ---- of itself ---- */

void
vulcan_hebe_clock(struct exchange *x)
{
	struct text body = {0};

	if (vulcan_device_account(x) == NULL)
		return;
	vulcan_hebe_time(&body, oper_time(x->op));
	vulcan_envelope(x, "DateInfo", text_of(&body));
	text_fini(&body);
}

void
vulcan_hebe_heartbeat(struct exchange *x)
{
	if (vulcan_device_account(x) != NULL)
		vulcan_envelope(x, "Boolean", "true");
}

void
vulcan_hebe_version(struct exchange *x)
{
	if (vulcan_device_account(x) != NULL)
		vulcan_envelope(x, LIST, "[]");
}
