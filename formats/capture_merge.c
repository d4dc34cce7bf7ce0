/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/capture_merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "formats/capture_format.h"
#include "formats/names.h"
#include "formats/run_info.h"

/* Above what the kernel gives out, and 1234 is still seen in 10001234. */
#define PID_STEP 10000000u

/* What a process of one input is called in the output. */
struct renamed {
	uint32_t from, to;
	UT_hash_handle hh;
};

/* A number that is taken in the output. */
struct taken {
	uint32_t pid;
	UT_hash_handle hh;
};

struct input {
	struct capture_reader *reader;
	struct names *names;
	struct renamed *pids;
	uint64_t shift_ns;   /* added to its times, modulo 2^64 */
	uint64_t stack_mask; /* changes its numbers of stacks */
	struct ev_lost lost;
	struct ev_hits hits;
	struct ev_exit exit;
	bool waits; /* next is its next record */
	union {
		struct ev_header h;
		struct ev_stack stack;
		struct ev_copystack copystack;
		struct ev_blocked blocked;
		struct ev_lock lock;
		uint8_t bytes[CAPTURE_MAX_RECORD];
	} next;
};

struct capture_merge {
	struct input **input;
	size_t count;
	struct taken *taken;
	struct capture_writer *writer;
	struct names *names;
};

int capture_merge_new(struct capture_merge **ret)
{
	struct capture_merge *m = calloc(1, sizeof(*m));

	if (!m || names_new(&m->names)) {
		free(m);
		return -ENOMEM;
	}
	*ret = m;
	return 0;
}

static void input_free(struct input *in)
{
	struct renamed *r, *next;

	if (!in)
		return;
	HASH_ITER(hh, in->pids, r, next) {
		HASH_DEL(in->pids, r);
		free(r);
	}
	capture_reader_free(in->reader);
	names_free(in->names);
	free(in);
}

void capture_merge_free(struct capture_merge *m)
{
	struct taken *t, *next;

	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		input_free(m->input[i]);
	HASH_ITER(hh, m->taken, t, next) {
		HASH_DEL(m->taken, t);
		free(t);
	}
	names_free(m->names);
	free(m->input);
	free(m);
}

int capture_merge_add(struct capture_merge *m, const char *path, struct err *e)
{
	struct input **p = reallocarray(m->input, m->count + 1, sizeof(*p));
	struct input *in = p ? calloc(1, sizeof(*in)) : NULL;
	int r;

	if (p)
		m->input = p;
	if (!in || names_new(&in->names)) {
		free(in);
		return err_sys(e, ENOMEM, "cannot read '%s'", path);
	}
	r = capture_open(path, &in->reader, e);
	if (r) {
		input_free(in);
		return r;
	}
	/* numbers of stacks are hashes of process and addresses: those of two runs can be equal */
	in->stack_mask = m->count * UINT64_C(0x9e3779b97f4a7c15);
	m->input[m->count++] = in;
	return 0;
}

/* --- numbers of their own ------------------------------------------------------------------ */

static int take_pid(struct capture_merge *m, uint32_t pid)
{
	struct taken *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->pid = pid;
	HASH_ADD(hh, m->taken, pid, sizeof(t->pid), t);
	if (map_added(t))
		return 0;
	free(t);
	return -ENOMEM;
}

static bool is_taken(struct capture_merge *m, uint32_t pid)
{
	struct taken *t;

	HASH_FIND(hh, m->taken, &pid, sizeof(pid), t);
	return t != NULL;
}

static int rename_pid(struct capture_merge *m, struct input *in, uint32_t pid, uint32_t *ret)
{
	struct renamed *r;

	HASH_FIND(hh, in->pids, &pid, sizeof(pid), r);
	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			return -ENOMEM;
		r->from = r->to = pid;
		while (is_taken(m, r->to))
			r->to += PID_STEP;
		HASH_ADD(hh, in->pids, from, sizeof(r->from), r);
		if (!map_added(r)) {
			free(r);
			return -ENOMEM;
		}
		if (take_pid(m, r->to))
			return -ENOMEM;
	}
	*ret = r->to;
	return 0;
}

static void change_stack(const struct input *in, __u64 *stack_id)
{
	if (*stack_id && *stack_id != in->stack_mask)
		*stack_id ^= in->stack_mask;
}

static void change_stacks(struct input *in)
{
	switch (in->next.h.kind) {
	case EV_STACK:
		change_stack(in, &in->next.stack.stack_id);
		break;
	case EV_COPYSTACK:
		change_stack(in, &in->next.copystack.stack_id);
		break;
	case EV_BLOCKED:
		change_stack(in, &in->next.blocked.stack_id);
		break;
	case EV_LOCK:
		change_stack(in, &in->next.lock.stack_id);
		break;
	default:
		break;
	}
}

/* --- order --------------------------------------------------------------------------------- */

/* Records of earlier versions can be shorter. */
static bool keep(void *to, size_t size, const struct ev_header *ev)
{
	memset(to, 0, size);
	memcpy(to, ev, ev->size < size ? ev->size : size);
	return true;
}

/* Running totals are kept back.  Whether the record was one. */
static bool keep_total(struct input *in, const struct ev_header *ev)
{
	switch (ev->kind) {
	case EV_LOST:
		return keep(&in->lost, sizeof(in->lost), ev);
	case EV_HITS:
		return keep(&in->hits, sizeof(in->hits), ev);
	case EV_EXIT:
		return keep(&in->exit, sizeof(in->exit), ev);
	default:
		return false;
	}
}

/* Gets the next record of an input.  0, also at its end, or -errno. */
static int advance(struct capture_merge *m, struct input *in, struct err *e)
{
	const struct ev_header *ev;
	int r;

	in->waits = false;
	do {
		r = capture_next(in->reader, in->names, &ev, e);
		if (r <= 0)
			return r;
	} while (keep_total(in, ev));
	memcpy(in->next.bytes, ev, ev->size);
	in->next.h.time_ns += in->shift_ns;
	change_stacks(in);
	r = rename_pid(m, in, ev->pid, &in->next.h.pid);
	if (r)
		return err_sys(e, ENOMEM, "cannot merge");
	in->waits = true;
	return 0;
}

static struct input *earliest(struct capture_merge *m)
{
	struct input *best = NULL;
	uint64_t best_ns = UINT64_MAX;

	for (size_t i = 0; i < m->count; i++) {
		struct input *in = m->input[i];
		uint64_t ns = in->next.h.time_ns;

		if (in->waits && (!best || ns < best_ns)) {
			best = in;
			best_ns = ns;
		}
	}
	return best;
}

/* The input whose clock the others follow. */
static const struct run_info *shift_clocks(struct capture_merge *m)
{
	const struct run_info *first = capture_info(m->input[0]->reader);

	for (size_t i = 1; i < m->count; i++) {
		const struct run_info *info = capture_info(m->input[i]->reader);

		if (info->start_realtime_ns && info->start_realtime_ns < first->start_realtime_ns)
			first = info;
	}
	for (size_t i = 0; i < m->count; i++) {
		const struct run_info *info = capture_info(m->input[i]->reader);

		if (info->start_realtime_ns && first->start_realtime_ns)
			m->input[i]->shift_ns =
				(first->start_monotonic_ns - first->start_realtime_ns) -
				(info->start_monotonic_ns - info->start_realtime_ns);
	}
	return first;
}

/* --- what comes last ----------------------------------------------------------------------- */

struct sums {
	struct ev_lost lost;
	struct ev_hits hits;
	struct ev_exit exit;
	uint64_t begin_ns, end_ns; /* of all runs */
};

static void add(__u64 *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

static void add_exit(struct sums *s, const struct input *in)
{
	const struct ev_exit *x = &in->exit;
	uint64_t end = x->h.time_ns + in->shift_ns, begin = end - x->wall_ns;

	if (!s->exit.h.kind)
		s->begin_ns = begin;
	s->begin_ns = begin < s->begin_ns ? begin : s->begin_ns;
	s->end_ns = end > s->end_ns ? end : s->end_ns;
	s->exit.h.kind = EV_EXIT;
	if (!s->exit.wait_status)
		s->exit.wait_status = x->wait_status;
	add(&s->exit.cpu_ns, x->cpu_ns);
	s->exit.max_rss = x->max_rss > s->exit.max_rss ? x->max_rss : s->exit.max_rss;
}

static void add_totals(struct sums *s, const struct input *in)
{
	for (unsigned i = 0; i < EV_LOST_LIMIT; i++)
		add(&s->lost.count[i], in->lost.count[i]);
	for (unsigned i = 0; i < EV_PROBE_LIMIT; i++) {
		add(&s->hits.hits[i], in->hits.hits[i]);
		if (!s->hits.each_ns[i])
			s->hits.each_ns[i] = in->hits.each_ns[i];
	}
	add(&s->hits.cost_ns, in->hits.cost_ns);
	if (in->lost.h.kind)
		s->lost.h.kind = EV_LOST;
	if (in->hits.h.kind)
		s->hits.h.kind = EV_HITS;
	if (in->exit.h.kind)
		add_exit(s, in);
}

static int write_total(struct capture_merge *m, struct ev_header *h, size_t size, uint64_t time_ns,
		       struct err *e)
{
	if (!h->kind)
		return 0;
	h->size = (uint16_t)size;
	h->time_ns = time_ns;
	return capture_event(m->writer, h, e);
}

static int write_totals(struct capture_merge *m, uint64_t last_ns, struct err *e)
{
	struct sums s = { .end_ns = 0 };
	int r;

	for (size_t i = 0; i < m->count; i++)
		add_totals(&s, m->input[i]);
	last_ns = s.end_ns > last_ns ? s.end_ns : last_ns;
	s.exit.wall_ns = s.end_ns - s.begin_ns;
	r = write_total(m, &s.lost.h, sizeof(s.lost), last_ns, e);
	if (!r)
		r = write_total(m, &s.hits.h, sizeof(s.hits), last_ns, e);
	return r ? r : write_total(m, &s.exit.h, sizeof(s.exit), last_ns, e);
}

struct copying {
	struct capture_merge *m;
	struct input *in;
};

static int copy_name(void *arg, uint32_t pid, uint64_t addr, const struct name *v, size_t count)
{
	struct copying *c = arg;
	uint32_t to;
	int r = rename_pid(c->m, c->in, pid, &to);

	return r ? r : names_add(c->m->names, to, addr, v, count);
}

static int copy_names(struct capture_merge *m, struct err *e)
{
	for (size_t i = 0; i < m->count; i++) {
		struct copying c = { m, m->input[i] };

		if (names_each(m->input[i]->names, copy_name, &c))
			return err_sys(e, ENOMEM, "cannot merge");
	}
	return 0;
}

/* --- the whole ----------------------------------------------------------------------------- */

static int write_records(struct capture_merge *m, uint64_t *ret_last_ns, struct err *e)
{
	struct input *in;
	int r = 0;

	for (size_t i = 0; i < m->count && !r; i++)
		r = advance(m, m->input[i], e);
	while (!r && (in = earliest(m))) {
		const struct ev_header *ev = &in->next.h;

		*ret_last_ns = ev->time_ns > *ret_last_ns ? ev->time_ns : *ret_last_ns;
		r = capture_event(m->writer, ev, e);
		if (!r)
			r = advance(m, in, e);
	}
	return r;
}

static void add_damage(struct capture_damage *sum, const struct capture_damage *d)
{
	sum->truncated |= d->truncated;
	sum->bad_blocks += d->bad_blocks;
	sum->skipped_bytes += d->skipped_bytes;
	sum->unknown_blocks += d->unknown_blocks;
	sum->bad_records += d->bad_records;
	sum->missing_records += d->missing_records;
}

int capture_merge_write(struct capture_merge *m, const char *path, struct capture_written *written,
			struct capture_damage *damage, struct err *e)
{
	uint64_t last_ns = 0;
	int r = capture_create(path, shift_clocks(m), &m->writer, e), closed;

	if (r)
		return r;
	r = write_records(m, &last_ns, e);
	if (!r)
		r = write_totals(m, last_ns, e);
	if (!r)
		r = copy_names(m, e);
	if (!r)
		r = capture_flush(m->writer, true, e);
	*written = capture_written(m->writer);
	closed = capture_close(m->writer, r ? NULL : m->names, r ? NULL : e);
	*damage = (struct capture_damage){ 0 };
	for (size_t i = 0; i < m->count; i++)
		add_damage(damage, capture_damage_of(m->input[i]->reader));
	return r ? r : closed;
}
