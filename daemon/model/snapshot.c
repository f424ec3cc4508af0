/*
 * Snapshots and the slot in which the newest one is handed over.
 */
#include "model/snapshot.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

#define ARENA_MAX (256 * 1024 * 1024)

const char *
fault_name(enum fault fault)
{
	switch (fault) {
	case FAULT_STORE:
		return "store";
	case FAULT_QUEUE:
		return "queue";
	case FAULT_DESCRIPTORS:
		return "descriptors";
	case FAULT_UPLINK:
		return "uplink";
	case FAULT_CLOCK:
		return "clock";
	}
	return "unknown";
}

struct snapshot *
snapshot_new(void)
{
	struct snapshot *snapshot = mem_new(sizeof(*snapshot));

	arena_init(&snapshot->arena, ARENA_MAX);
	snapshot->references = 1;
	return snapshot;
}

struct snapshot *
snapshot_hold(struct snapshot *snapshot)
{
	__atomic_add_fetch(&snapshot->references, 1, __ATOMIC_RELAXED);
	return snapshot;
}

void
snapshot_release(struct snapshot *snapshot)
{
	if (snapshot == NULL ||
	    __atomic_sub_fetch(&snapshot->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < snapshot->n_parts; i++)
		snap_part_release(snapshot->parts[i]);
	free(snapshot->parts);
	arena_fini(&snapshot->arena);
	free(snapshot);
}

/* ---- parts ---- */

struct snap_part {
	int references;
	_Alignas(16) char memory[];
};

struct snap_part *
snap_part_new(size_t size)
{
	struct snap_part *part = mem_new(sizeof(*part) + size);

	part->references = 1;
	return part;
}

void *
snap_part_memory(struct snap_part *part)
{
	return part->memory;
}

void
snap_part_release(struct snap_part *part)
{
	if (part != NULL &&
	    __atomic_sub_fetch(&part->references, 1, __ATOMIC_ACQ_REL) == 0)
		free(part);
}

/* Others only let go of it: once it is ours alone it stays so. */
bool
snap_part_shared(const struct snap_part *part)
{
	return __atomic_load_n(&part->references, __ATOMIC_ACQUIRE) > 1;
}

void
snapshot_keep(struct snapshot *snapshot, struct snap_part *part)
{
	if (snapshot->n_parts == snapshot->room_parts) {
		snapshot->room_parts = 2 * snapshot->room_parts + 16;
		snapshot->parts = mem_grow(snapshot->parts,
		    snapshot->room_parts, sizeof(struct snap_part *));
	}
	__atomic_add_fetch(&part->references, 1, __ATOMIC_RELAXED);
	snapshot->parts[snapshot->n_parts++] = part;
}

struct snapshot_slot {
	pthread_mutex_t lock;
	struct snapshot *latest;
};

struct snapshot_slot *
snapshot_slot_new(void)
{
	struct snapshot_slot *slot = mem_new(sizeof(*slot));

	pthread_mutex_init(&slot->lock, NULL);
	return slot;
}

void
snapshot_slot_free(struct snapshot_slot *slot)
{
	if (slot == NULL)
		return;
	snapshot_release(slot->latest);
	pthread_mutex_destroy(&slot->lock);
	free(slot);
}

void
snapshot_publish(struct snapshot_slot *slot, struct snapshot *snapshot)
{
	struct snapshot *old;

	pthread_mutex_lock(&slot->lock);
	old = slot->latest;
	slot->latest = snapshot;
	pthread_mutex_unlock(&slot->lock);
	snapshot_release(old);
}

struct snapshot *
snapshot_latest(struct snapshot_slot *slot)
{
	struct snapshot *latest;

	pthread_mutex_lock(&slot->lock);
	latest = slot->latest != NULL ? snapshot_hold(slot->latest) : NULL;
	pthread_mutex_unlock(&slot->lock);
	return latest;
}
