/*
 * The accounts and marks of the simulated schools: the one place where they
 * are written down. All of it is invented. Each deployment has a sender (-a)
 * and a recipient (-b).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim.h"

/*
 * id is what a client names as the recipient:
 *   librus     DoKogo of the HTML form; mailbox: accountId of the JSON API
 *   vulcan     Id of an addressee; mailbox: its IdLogin; box: its name in the
 *              lists of today
 *   wizja      odbiorcy[]; mailbox: the e-mail address of the phone app
 *   helion     an element of odbiorcy
 *   eszkola24  odbiorca
 */
const struct account sim_accounts[] = {
    {"librus", "synergia", "librus-a", "1000001u", "Haslo-Librus-1", "1400011",
	"Nowak Anna", "7710011", 501},
    {"librus", "synergia", "librus-b", "1000002u", "Haslo-Librus-2", "1400022",
	"Wójcik Piotr", "7710022", 502},
    {"vulcan", "gdansk", "vulcan-gdansk-a", "anna.gdansk@poczta.example",
	"Haslo-Gdansk-1", "3011rPracownik", "Żurawska Anna", "30110", 611},
    {"vulcan", "gdansk", "vulcan-gdansk-b", "piotr.gdansk@poczta.example",
	"Haslo-Gdansk-2", "3012rPracownik", "Mewa Piotr", "30120", 612},
    {"vulcan", "lublin", "vulcan-lublin-a", "anna.lublin@poczta.example",
	"Haslo-Lublin-1", "3021rPracownik", "Bystrzycka Anna", "30210", 621},
    {"vulcan", "lublin", "vulcan-lublin-b", "piotr.lublin@poczta.example",
	"Haslo-Lublin-2", "3022rPracownik", "Koziołek Piotr", "30220", 622},
    {"vulcan", "kielce", "vulcan-kielce-a", "anna.kielce@poczta.example",
	"Haslo-Kielce-1", "3031rPracownik", "Silnicka Anna", "30310", 631},
    {"vulcan", "kielce", "vulcan-kielce-b", "piotr.kielce@poczta.example",
	"Haslo-Kielce-2", "3032rPracownik", "Łysica Piotr", "30320", 632},
    {"wizja", "sp1", "wizja-sp1-a", "anna.sp1", "Haslo-Sp1-1", "2_41",
	"Gęś Anna", "anna.sp1@poczta.example", 711},
    {"wizja", "sp1", "wizja-sp1-b", "piotr.sp1", "Haslo-Sp1-2", "2_42",
	"Żuraw Piotr", "piotr.sp1@poczta.example", 712},
    {"wizja", "lo2", "wizja-lo2-a", "anna.lo2", "Haslo-Lo2-1", "2_51",
	"Łabędź Anna", "anna.lo2@poczta.example", 721},
    {"wizja", "lo2", "wizja-lo2-b", "piotr.lo2", "Haslo-Lo2-2", "2_52",
	"Kruk Piotr", "piotr.lo2@poczta.example", 722},
    {"helion", "helion", "helion-a", "anna.helion", "Haslo-Helion-1", "P8101",
	"Słoneczna Anna", NULL, 801},
    {"helion", "helion", "helion-b", "piotr.helion", "Haslo-Helion-2", "P8102",
	"Promień Piotr", NULL, 802},
    {"eszkola24", "sp7", "eszkola24-a", "anna.sp7", "Haslo-Eszkola-1", "901",
	"Dąbrowska Anna", NULL, 901},
    {"eszkola24", "sp7", "eszkola24-b", "piotr.sp7", "Haslo-Eszkola-2", "902",
	"Świerk Piotr", NULL, 902},
    {0},
};

const struct grade sim_grades[] = {
    {90101, "Matematyka", "5", "Sprawdzian", "Kąt Maria", "2020-03-09", 5, 2},
    {90102, "Matematyka", "4+", "Kartkówka", "Kąt Maria", "2020-03-17", 3, 2},
    {90103, "Język polski", "4", "Wypracowanie", "Pióro Jan", "2020-03-11", 4,
	2},
    {90104, "Fizyka", "3-", "Odpowiedź ustna", "Ważka Ewa", "2020-03-19", 2, 2},
    {90105, "Przyroda", "5-", "Zadanie domowe", "Łąka Ola", "2020-03-24", 1, 2},
    {90091, "Matematyka", "3", "Sprawdzian", "Kąt Maria", "2019-11-20", 5, 1},
    {90092, "Język polski", "4-", "Dyktando", "Pióro Jan", "2019-12-04", 3, 1},
    {0},
};

const struct account *
account_by_id(const char *oper, const char *deployment, const char *id)
{
	for (const struct account *at = sim_accounts; at->oper != NULL; at++)
		if (same(at->oper, oper) && same(at->deployment, deployment) &&
		    same(at->id, id))
			return at;
	return NULL;
}

const struct account *
account_by_mailbox(
    const char *oper, const char *deployment, const char *mailbox)
{
	for (const struct account *at = sim_accounts; at->oper != NULL; at++)
		if (same(at->oper, oper) && same(at->deployment, deployment) &&
		    same(at->mailbox, mailbox))
			return at;
	return NULL;
}

static int
write_one(const char *dir, const struct account *account)
{
	char path[4096];
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, account->file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (file == NULL) {
		close(fd);
		return -ENOMEM;
	}
	fprintf(file, "user = %s\npassword = %s\nid = %s\nname = %s\n",
	    account->user, account->password, account->id, account->name);
	if (account->mailbox != NULL)
		fprintf(file, "mailbox = %s\n", account->mailbox);
	if (strcmp(account->oper, "vulcan") == 0)
		fprintf(file, "box = %s - P - (ZSZ)\n", account->name);
	int rc = fchmod(fd, 0600) < 0 ? -errno : 0;
	if (fclose(file) != 0 && rc == 0)
		rc = -errno;
	return rc;
}

int
accounts_write(const char *dir)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	for (const struct account *at = sim_accounts; at->oper != NULL; at++) {
		int rc = write_one(dir, at);
		if (rc < 0)
			return rc;
	}
	return 0;
}
