/*
 * The school's data as JSON, the same under two addresses: api.librus.pl/2.0
 * with an access token, and synergia.librus.pl/gateway/api/2.0 with the
 * cookies of the web. What this school has none of is an empty list.
 *
 * What the sources leave open and how it is here: the gateway answers 401 to
 * those without a session, with the words of a token that has expired.
 */
#include <stdlib.h>
#include <string.h>

#include "librus-int.h"

#define API "https://api.librus.pl/2.0/"

enum { SUBJECT_BASE = 40, TEACHER_BASE = 60, CATEGORY_BASE = 80 };

/* ---- the marks' subjects, teachers and categories ---- */

enum field { FIELD_SUBJECT, FIELD_TEACHER, FIELD_CATEGORY };

static const char *
field_of(const struct grade *grade, enum field field)
{
	switch (field) {
	case FIELD_SUBJECT:
		return grade->subject;
	case FIELD_TEACHER:
		return grade->teacher;
	case FIELD_CATEGORY:
		return grade->category;
	}
	abort();
}

/* The first mark of all with the same subject, teacher or category. */
static const struct grade *
first_with(const struct grade *grade, enum field field)
{
	const struct grade *first = sim_grades;

	while (!same(field_of(first, field), field_of(grade, field)))
		first++;
	return first;
}

static int
number_of(const struct grade *grade, enum field field)
{
	static const int bases[] = {
	    [FIELD_SUBJECT] = SUBJECT_BASE,
	    [FIELD_TEACHER] = TEACHER_BASE,
	    [FIELD_CATEGORY] = CATEGORY_BASE,
	};

	return bases[field] + (int)(first_with(grade, field) - sim_grades);
}

static json_t *
reference(const char *what, int id)
{
	return json_pack("{s:i, s:o}", "Id", id, "Url",
	    json_sprintf("%s%s/%d", API, what, id));
}

/* ---- lists ---- */

static json_t *
grades_list(const struct account *account)
{
	json_t *list = json_array();

	for (const struct grade *g = sim_grades; g->id != 0; g++) {
		json_t *one = json_pack("{s:i, s:s, s:s, s:s+, s:i, s:[]}",
		    "Id", g->id, "Grade", g->mark, "Date", g->date, "AddDate",
		    g->date, " 12:00:00", "Semester", g->semester, "Comments");
		json_object_set_new(
		    one, "Student", reference("Users", account->pupil));
		json_object_set_new(one, "Subject",
		    reference("Subjects", number_of(g, FIELD_SUBJECT)));
		json_object_set_new(one, "Category",
		    reference(
			"Grades/Categories", number_of(g, FIELD_CATEGORY)));
		json_object_set_new(one, "AddedBy",
		    reference("Users", number_of(g, FIELD_TEACHER)));
		json_object_set_new(one, "IsConstituent", json_true());
		json_object_set_new(one, "IsSemester", json_false());
		json_object_set_new(one, "IsSemesterProposition", json_false());
		json_object_set_new(one, "IsFinal", json_false());
		json_object_set_new(one, "IsFinalProposition", json_false());
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
subjects_list(const struct account *account)
{
	json_t *list = json_array();

	(void)account;
	for (const struct grade *g = sim_grades; g->id != 0; g++)
		if (first_with(g, FIELD_SUBJECT) == g)
			json_array_append_new(list,
			    json_pack("{s:i, s:s, s:i, s:s, s:b, s:b}", "Id",
				number_of(g, FIELD_SUBJECT), "Name", g->subject,
				"No", 0, "Short", g->subject,
				"IsExtracurricular", 0, "IsBlockLesson", 0));
	return list;
}

static json_t *
categories_list(const struct account *account)
{
	json_t *list = json_array();

	(void)account;
	for (const struct grade *g = sim_grades; g->id != 0; g++)
		if (first_with(g, FIELD_CATEGORY) == g)
			json_array_append_new(list,
			    json_pack("{s:i, s:s, s:i, s:b, s:b}", "Id",
				number_of(g, FIELD_CATEGORY), "Name",
				g->category, "Weight", g->weight,
				"CountToTheAverage", 1, "ObligationToPerform",
				0));
	return list;
}

/* The teachers, and the pupil whose account it is. */
static json_t *
users_list(const struct account *account)
{
	json_t *list = json_array();

	for (const struct grade *g = sim_grades; g->id != 0; g++) {
		const struct account name = {.name = g->teacher};
		if (first_with(g, FIELD_TEACHER) != g)
			continue;
		json_array_append_new(list,
		    json_pack("{s:i, s:s, s:s%, s:b, s:i}", "Id",
			number_of(g, FIELD_TEACHER), "FirstName",
			librus_first_name(&name), "LastName", g->teacher,
			(size_t)librus_last_len(&name), "IsEmployee", 1,
			"GroupId", 4));
	}
	json_array_append_new(list,
	    json_pack("{s:i, s:s, s:s, s:s%, s:b, s:i, s:i}", "Id",
		account->pupil, "AccountId", account->mailbox, "FirstName",
		librus_first_name(account), "LastName", account->name,
		(size_t)librus_last_len(account), "IsEmployee", 0, "GroupId", 8,
		"ClassRegisterNumber", 7));
	return list;
}

static json_t *
types_list(const struct account *account)
{
	static const char *const marks[] = {"1", "1+", "2-", "2", "2+", "3-",
	    "3", "3+", "4-", "4", "4+", "5-", "5", "5+", "6-", "6", "bz", "np",
	    "nk", "zw", "+", "-"};
	json_t *list = json_array();

	(void)account;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		json_array_append_new(list,
		    json_pack(
			"{s:i, s:s}", "Id", (int)i + 1, "Name", marks[i]));
	return list;
}

/* ---- single things ---- */

static json_t *
me(const struct account *account)
{
	const char *first = librus_first_name(account);
	size_t last_len = (size_t)librus_last_len(account);
	json_int_t id = strtoll(account->mailbox, NULL, 10);

	return json_pack("{s:{s:I, s:i, s:s, s:s%, s:s, s:b, s:b, s:i}, s:i, "
			 "s:{s:i, s:s, s:s%}, s:o}",
	    "Account", "Id", id, "UserId", account->pupil, "FirstName", first,
	    "LastName", account->name, last_len, "Login", account->user,
	    "IsPremium", 0, "IsPremiumDemo", 0, "GroupId", 5, "Refresh", 900,
	    "User", "Id", account->pupil, "FirstName", first, "LastName",
	    account->name, last_len, "Class", reference("Classes", 5));
}

static json_t *
school(const struct account *account)
{
	(void)account;
	return json_pack("{s:i, s:s, s:s, s:s, s:s}", "Id", 1, "Name",
	    "Szkoła Podstawowa nr 1", "Town", "Miasto", "Street", "Szkolna",
	    "BuildingNumber", "1");
}

static json_t *
class_of(const struct account *account)
{
	(void)account;
	return json_pack("{s:i, s:i, s:s, s:o, s:s, s:s, s:s}", "Id", 5,
	    "Number", 5, "Symbol", "a", "ClassTutor",
	    reference("Users", TEACHER_BASE), "BeginSchoolYear", "2019-09-01",
	    "EndFirstSemester", "2020-01-31", "EndSchoolYear", "2020-08-31");
}

static json_t *
units(const struct account *account)
{
	(void)account;
	return json_pack("[{s:i, s:{s:b, s:b, s:b}}]", "Id", 1,
	    "GradesSettings", "StandardGradesEnabled", 1, "PointGradesEnabled",
	    0, "DescriptiveGradesEnabled", 0);
}

static json_t *
lucky_number(const struct account *account)
{
	(void)account;
	return json_pack(
	    "{s:i, s:s}", "LuckyNumber", 7, "LuckyNumberDay", "2020-03-26");
}

static json_t *
nothing(const struct account *account)
{
	(void)account;
	return json_object();
}

static json_t *
empty_list(const struct account *account)
{
	(void)account;
	return json_array();
}

/* ---- addresses ---- */

static const struct resource {
	const char *path;
	const char *root;
	const char *one; /* root of a single one by its id, or NULL */
	json_t *(*make)(const struct account *account);
} resources[] = {
    {"Me", "Me", NULL, me},
    {"Grades", "Grades", "Grade", grades_list},
    {"Grades/Categories", "Categories", "Category", categories_list},
    {"Grades/Comments", "Comments", "Comment", empty_list},
    {"Grades/Types", "Types", NULL, types_list},
    {"Subjects", "Subjects", "Subject", subjects_list},
    {"Users", "Users", "User", users_list},
    {"Schools", "School", NULL, school},
    {"Classes", "Class", NULL, class_of},
    {"Units", "Units", NULL, units},
    {"LuckyNumbers", "LuckyNumber", NULL, lucky_number},
    {"Timetables", "Timetable", NULL, nothing},
    {"TimetableEntries", "TimetableEntries", NULL, empty_list},
    {"PointGrades", "Grades", NULL, empty_list},
    {"PointGrades/Categories", "Categories", NULL, empty_list},
    {"DescriptiveGrades", "Grades", NULL, empty_list},
    {"DescriptiveGrades/Skills", "Skills", NULL, empty_list},
    {"TextGrades", "Grades", NULL, empty_list},
    {"TextGrades/Categories", "Categories", NULL, empty_list},
    {"BaseTextGrades", "Grades", NULL, empty_list},
    {"BehaviourGrades", "Grades", NULL, empty_list},
    {"BehaviourGrades/Points", "Grades", NULL, empty_list},
    {"BehaviourGrades/Points/Categories", "Categories", NULL, empty_list},
    {"BehaviourGrades/Points/Comments", "Comments", NULL, empty_list},
    {"Attendances", "Attendances", NULL, empty_list},
    {"Attendances/Types", "Types", NULL, empty_list},
    {"Lessons", "Lessons", NULL, empty_list},
    {"Realizations", "Realizations", NULL, empty_list},
    {"Classrooms", "Classrooms", NULL, empty_list},
    {"VirtualClasses", "VirtualClasses", NULL, empty_list},
    {"Notes", "Notes", NULL, empty_list},
    {"Notes/Categories", "Categories", NULL, empty_list},
    {"HomeWorks", "HomeWorks", NULL, empty_list},
    {"HomeWorks/Categories", "Categories", NULL, empty_list},
    {"HomeWorkAssignments", "HomeWorkAssignments", NULL, empty_list},
    {"HomeWorkAssignments/Categories", "Categories", NULL, empty_list},
    {"SchoolNotices", "SchoolNotices", NULL, empty_list},
    {"SchoolFreeDays", "SchoolFreeDays", NULL, empty_list},
    {"ClassFreeDays", "ClassFreeDays", NULL, empty_list},
    {"ParentTeacherConferences", "ParentTeacherConferences", NULL, empty_list},
};

/* `len` characters of the path name the resource. */
static const struct resource *
resource_at(const char *path, size_t len)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (strlen(resources[i].path) == len &&
		    strncmp(resources[i].path, path, len) == 0)
			return &resources[i];
	return NULL;
}

static bool
is_named(const char *ids, json_int_t id)
{
	while (*ids != '\0') {
		char *end;
		if (strtoll(ids, &end, 10) == id && end != ids)
			return true;
		ids = *end == ',' ? end + 1 : end + strlen(end);
	}
	return false;
}

static void
not_found(struct exchange *x)
{
	librus_json(x, 404,
	    "{\"Status\":\"Error\",\"Code\":\"NotFound\","
	    "\"Message\":\"Resource not found\"}");
}

static void
reply_root(
    struct exchange *x, const char *path, const char *root, json_t *value)
{
	librus_json_value(x, 200,
	    json_pack("{s:o, s:{}, s:s+}", root, value, "Resources", "Url", API,
		path));
}

/* "Subjects/41" is one of them, "Subjects/41,43" a list of some. */
static void
some_of(struct exchange *x, const struct account *account, const char *path)
{
	const char *slash = strrchr(path, '/');
	const struct resource *resource =
	    slash == NULL ? NULL : resource_at(path, (size_t)(slash - path));
	json_t *found;
	json_t *all;
	json_t *one;
	size_t i;

	if (resource == NULL || resource->one == NULL) {
		not_found(x);
		return;
	}
	all = resource->make(account);
	found = json_array();
	json_array_foreach(all, i,
	    one) if (is_named(slash + 1,
			 json_integer_value(json_object_get(one, "Id"))))
	    json_array_append(found, one);
	json_decref(all);
	if (strchr(slash, ',') != NULL)
		reply_root(x, path, resource->root, json_incref(found));
	else if (json_array_size(found) == 1)
		reply_root(x, path, resource->one,
		    json_incref(json_array_get(found, 0)));
	else
		not_found(x);
	json_decref(found);
}

/* ---- who asks ---- */

static const struct account *
who_asks(struct exchange *x)
{
	struct session *session;

	if (strncmp(x->host, "api.", 4) == 0) {
		session = librus_bearer(x, LIBRUS_BEARER);
	} else {
		session = librus_who(x);
		if (session != NULL && !librus_oauth_token_right(x, session))
			session = NULL;
	}
	if (session != NULL)
		return session->account;
	x->logged_in = false;
	librus_json(x, 401,
	    "{\"Status\":\"Error\",\"Code\":\"TokenIsExpired\","
	    "\"Message\":\"Request is denied\"}");
	return NULL;
}

static void
auth_resource(
    struct exchange *x, const struct account *account, const char *path)
{
	if (same(path, "TokenInfo"))
		librus_json_value(x, 200,
		    json_pack("{s:s, s:[s], s:{}}", "UserIdentifier",
			account->mailbox, "Scopes", "mydata", "Resources"));
	else if (strncmp(path, "UserInfo/", 9) != 0)
		not_found(x);
	else if (same(path + 9, account->mailbox))
		reply_root(x, "Me", "Me", me(account));
	else
		librus_json(x, 403,
		    "{\"Status\":\"Error\",\"Code\":\"AccessDeny\","
		    "\"Message\":\"Insufficient scopes\"}");
}

void
librus_data(struct exchange *x)
{
	const char *path = strstr(x->path, ".0/");
	const struct account *account = who_asks(x);
	const struct resource *resource;

	if (account == NULL)
		return;
	path += 3; /* every route here has it */
	resource = resource_at(path, strlen(path));
	if (resource != NULL)
		reply_root(x, path, resource->root, resource->make(account));
	else if (strncmp(path, "Auth/", 5) == 0)
		auth_resource(x, account, path + 5);
	else
		some_of(x, account, path);
}
