/*
 * The disk that the series of a configuration take: RRD files are made at
 * their full size and never grow, so it is known beforehand.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/mem.h"
#include "base/text.h"
#include "main-int.h"

struct series_archive *
disk_archives(const struct conf_archive *from, size_t n)
{
	struct series_archive *archives = mem_array(n + 1, sizeof(*archives));

	for (size_t i = 0; i < n; i++)
		archives[i] = (struct series_archive){
		    .step = from[i].step,
		    .keep = from[i].keep,
		};
	return archives;
}

static size_t
measured_transactions(const struct conf_profile *profile)
{
	size_t n = 0;

	for (size_t i = 0; i < profile->n_transactions; i++)
		n += !profile->transactions[i].always;
	return n;
}

void
disk_of_operator(const struct conf_store *store, const struct conf_operator *op,
    struct disk_need *need)
{
	size_t n = store->n_archives, n_all = store->n_all_archives;
	struct series_archive *own = disk_archives(store->archives, n);
	struct series_archive *all = disk_archives(store->all_archives, n_all);
	size_t transactions = measured_transactions(op->profile);

	*need = (struct disk_need){
	    .targets = transactions * op->n_deployments,
	    .least = INT64_MAX,
	    .all = (int64_t)transactions * series_all_bytes(all, n_all),
	};
	need->sum = need->all;
	for (size_t i = 0; i < op->n_deployments; i++) {
		int64_t one = series_plan_bytes(
		    own, n, store->n_phases_only, op->deployments[i].every);

		need->sum += (int64_t)transactions * one;
		need->per_minute += (double)transactions * 60 * US_PER_S /
		    (double)op->deployments[i].every;
		need->least = one < need->least ? one : need->least;
		need->most = one > need->most ? one : need->most;
	}
	free(own);
	free(all);
}

static int64_t
recent_bytes(const struct conf_store *store, const struct disk_need *sum)
{
	struct series_archive *own =
	    disk_archives(store->archives, store->n_archives);
	int64_t bytes = series_recent_bytes(own, store->n_archives,
	    store->n_phases_only, sum->targets, sum->per_minute);

	free(own);
	return bytes;
}

/* ---- what the disk has ---- */

/* nftw passes nothing through to what it calls; the command has one thread. */
static int64_t taken_bytes;

static int
add_taken(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	if (type == FTW_F)
		taken_bytes += st->st_size;
	return 0;
}

/* What stands below `dir` already; 0 when there is nothing. */
static int64_t
taken(const char *dir)
{
	char *rrd = mem_printf("%s/rrd", dir);

	taken_bytes = 0;
	(void)nftw(rrd, add_taken, 16, FTW_PHYS);
	free(rrd);
	return taken_bytes;
}

/* The room for us on the disk of `dir`, or where it will be made; -1 when that
 * cannot be told. */
static int64_t
free_bytes(const char *dir)
{
	char path[PATH_MAX];
	struct statvfs disk;

	if (!text_copy(path, sizeof(path), dir))
		return -1;
	while (statvfs(path, &disk) != 0) {
		char *slash = strrchr(path, '/');

		if (errno != ENOENT || strcmp(path, "/") == 0 ||
		    strcmp(path, ".") == 0)
			return -1;
		if (slash == NULL)
			text_copy(path, sizeof(path), ".");
		else
			slash[slash == path] = '\0';
	}
	return (int64_t)(disk.f_bavail * disk.f_frsize);
}

static void
print_room(const char *dir, int64_t sum)
{
	int64_t room = free_bytes(dir);
	int64_t there = taken(dir);
	int64_t lacking = sum > there ? sum - there : 0;

	if (room < 0)
		return;
	printf("%.2f GB of it are there already, %.2f GB are free on that "
	       "disk.\n",
	    (double)(sum - lacking) / 1e9, (double)room / 1e9);
	if (lacking > room)
		printf("warning: the plan needs %.2f GB more than are free on "
		       "the disk of %s\n",
		    (double)(lacking - room) / 1e9, dir);
}

static void
print_row(struct table *table, const char *name, const struct disk_need *need)
{
	table_cell(table, "%s", name);
	table_cell(table, "%zu", need->targets);
	if (need->least >= need->most)
		table_cell(table, "%lld", (long long)need->most);
	else
		table_cell(table, "%lld to %lld", (long long)need->least,
		    (long long)need->most);
	table_cell(table, "%lld", (long long)need->all);
	table_cell(table, "%lld", (long long)need->sum);
}

void
disk_print(const struct conf *conf)
{
	static const char *const heads[] = {"operator", "targets",
	    "bytes per target", "operator as a whole", "bytes in all"};
	struct table *table = table_new(heads, ARRAY_LEN(heads));
	struct disk_need sum = {.least = INT64_MAX};
	int64_t recent;

	for (size_t i = 0; i < conf->n_operators; i++) {
		const struct conf_operator *op = &conf->operators[i];
		struct disk_need need;

		disk_of_operator(&conf->store, op, &need);
		print_row(table, op->name, &need);
		sum.targets += need.targets;
		sum.all += need.all;
		sum.sum += need.sum;
		sum.per_minute += need.per_minute;
		if (need.least < sum.least)
			sum.least = need.least;
		if (need.most > sum.most)
			sum.most = need.most;
	}
	print_row(table, "all", &sum);
	printf(
	    "\nDisk plan below %s (RRD files never grow):\n", conf->store.dir);
	table_print(table);
	recent = recent_bytes(&conf->store, &sum);
	printf("%zu targets, at most %.2f MB each, %.2f GB in all, and %.2f GB "
	       "for what a crash must not lose.\n",
	    sum.targets, (double)sum.most / 1e6, (double)sum.sum / 1e9,
	    (double)recent / 1e9);
	printf("HAR files of the last failed and good runs: %.2f GB at most.\n",
	    (double)conf->store.evidence_bytes / 1e9);
	print_room(
	    conf->store.dir, sum.sum + recent + conf->store.evidence_bytes);
	table_free(table);
}
