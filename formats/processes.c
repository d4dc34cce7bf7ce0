/* SPDX-License-Identifier: Apache-2.0 */
/* processes.c: which processes there were, and what became of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/aggregate_internal.h"

#define MAX_PATH 4096

static struct process *get(struct aggregate *a, uint32_t pid)
{
	struct process *p;

	HASH_FIND(hh, a->processes, &pid, sizeof(pid), p);
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->pid = pid;
	p->status = UINT64_MAX;
	HASH_ADD(hh, a->processes, pid, sizeof(p->pid), p);
	if (map_added(p))
		return p;
	free(p);
	return NULL;
}

static int set_path(struct process *p, const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (!copy)
		return -ENOMEM;
	free(p->path);
	p->path = copy;
	return 0;
}

int processes_image(struct aggregate *a, const struct ev_image *ev)
{
	struct process *p = get(a, ev->h.pid);

	if (!p)
		return -ENOMEM;
	memcpy(p->comm, ev->comm, sizeof(ev->comm));
	return 0;
}

int processes_event(struct aggregate *a, const struct ev_process *ev)
{
	struct process *p = get(a, ev->h.pid);
	size_t room = ev->h.size - sizeof(*ev);
	size_t len = ev->length < room ? ev->length : room;

	if (!p)
		return -ENOMEM;
	if (ev->ppid)
		p->ppid = ev->ppid;
	if (ev->what == EV_PROCESS_EXIT) {
		p->ended = true;
		p->end_ns = ev->h.time_ns;
		p->status = ev->value;
		return 0;
	}
	if (ev->what == EV_PROCESS_START)
		p->start_ns = ev->h.time_ns;
	return len ? set_path(p, ev->path, strnlen(ev->path, len)) : 0;
}

void processes_free(struct aggregate *a)
{
	struct process *p, *next;

	HASH_ITER(hh, a->processes, p, next) {
		HASH_DEL(a->processes, p);
		free(p->path);
		free(p);
	}
}

static int compare_rows(const void *x, const void *y)
{
	const struct process_row *a = x, *b = y;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static struct process_row *find_row(struct process_row *rows, size_t count, uint32_t pid)
{
	const struct process_row key = { .pid = pid };

	return bsearch(&key, rows, count, sizeof(*rows), compare_rows);
}

static void add_origin(struct process_row *row, const struct origin *o)
{
	sum_add(&row->coroutines, o->coroutines);
	sum_add(&row->born, o->born);
	sum_add(&row->ended, o->ended);
	sum_add(&row->alive, o->alive);
	sum_add(&row->growths, o->growths);
	sum_add(&row->shrinks, o->shrinks);
	sum_add(&row->bytes_copied, o->bytes_copied);
	sum_add(&row->ns, o->ns);
	sum_add(&row->measured, o->measured);
	sum_add(&row->allocated_bytes, o->allocated_bytes);
	sum_add(&row->used_bytes, o->used_bytes);
}

int aggregate_processes(struct aggregate *a, struct process_row **ret, size_t *ret_count)
{
	struct process_row *rows;
	struct origin *o, *next_origin;
	struct process *p, *next;
	size_t count = 0;

	HASH_ITER(hh, a->origins, o, next_origin)
		if (!get(a, (uint32_t)o->key.pid))
			return -ENOMEM;
	rows = calloc(HASH_COUNT(a->processes) + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	HASH_ITER(hh, a->processes, p, next) {
		rows[count++] = (struct process_row){
			.pid = p->pid,
			.ppid = p->ppid,
			.name = p->path ? p->path : p->comm,
			.start_ns = p->start_ns,
			.end_ns = p->end_ns,
			.exited = p->ended,
			.status = p->status,
		};
	}
	qsort(rows, count, sizeof(*rows), compare_rows);
	HASH_ITER(hh, a->origins, o, next_origin)
		add_origin(find_row(rows, count, (uint32_t)o->key.pid), o);
	*ret = rows;
	*ret_count = count;
	return 0;
}
