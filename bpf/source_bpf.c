/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source of BPF records.
 *
 * Stages: open (feature test, load, calibrate), attach (all probes in place, then the core is
 * switched on), consume, stop.  The links belong to this process: however it dies, the kernel takes
 * the probes out.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "bpf/attach.h"
#include "bpf/calibrate.h"
#include "bpf/closing.h"
#include "bpf/core.h"
#include "bpf/core.skel.h"
#include "bpf/load.h"
#include "bpf/plan.h"
#include "bpf/source.h"
#include "bpf/source_ops.h"
#include "bpf/windows.h"
#include "symbols/image.h"

/* What the program on gogo does beside trapping: three reads, a lookup. */
#define GOGO_BODY_NS 150

/* A busy program could keep the consumer busy for ever: so many records, then back to the caller.
 */
#define CONSUME_MAX 100000

/* Losses and hits, as often as this while they change. */
#define TOTALS_NS 1000000000ull

struct source_bpf {
	struct source s;
	struct core_bpf *core;
	struct ring_buffer *ring;
	struct attachment *probes, *gogo, *calibration;
	struct attach_site gogo_site;
	struct source_options opt;
	struct plan plan;
	char *path;
	bool multi;
	pid_t pid;
	struct calibration cal;
	struct windows windows;
	uint64_t totals_ns;
	struct core_counters reported;

	/* of the call in progress */
	source_event_fn *fn;
	void *arg;
	int result;
	int left;
};

static struct source_bpf *from(struct source *s)
{
	return (struct source_bpf *)s;
}

static int take_record(void *arg, void *data, size_t size)
{
	struct source_bpf *b = arg;
	const struct ev_header *h = data;

	if (size < sizeof(*h) || h->size < sizeof(*h) || h->size > size)
		return 0;
	b->result = b->fn(b->arg, h);
	return b->result || !--b->left ? -ECANCELED : 0;
}

/* Hands over what is in the ring, up to a number.  Returns that number, or what fn returned. */
static int drain(struct source_bpf *b, source_event_fn *fn, void *arg, int max)
{
	int r;

	b->fn = fn;
	b->arg = arg;
	b->result = 0;
	b->left = max;
	r = ring_buffer__consume(b->ring);
	if (b->result)
		return b->result;
	return r < 0 && r != -ECANCELED ? r : max - b->left;
}

static uint64_t gogo_hits(const struct source_bpf *b)
{
	return closing_hits(b->core, EV_PROBE_GOGO);
}

/* One hit of a probe: what was measured, scaled to its class. */
static uint64_t hit_ns(const struct source_bpf *b, enum ev_probe p)
{
	return b->cal.hit_ns * cost_class_ns(b->plan.point[p].cost) / b->cal.typical_ns;
}

static uint64_t cost_ns(const struct source_bpf *b, const struct core_counters *c)
{
	uint64_t ns = c->body_ns;

	for (int i = 0; i < EV_PROBE_COUNT; i++)
		ns += c->hits[i] * hit_ns(b, i);
	return ns + c->hits[EV_PROBE_GOGO] * GOGO_BODY_NS;
}

static int report_totals(struct source_bpf *b, source_event_fn *fn, void *arg, bool always)
{
	struct core_counters c;
	struct ev_lost lost = { 0 };
	struct ev_hits hits = { 0 };
	int r = 0;

	closing_counters(b->core, &c);
	if (always || memcmp(c.lost, b->reported.lost, sizeof(c.lost))) {
		source_fill_header(&lost.h, EV_LOST, sizeof(lost), b->pid);
		memcpy(lost.count, c.lost, sizeof(lost.count));
		r = fn(arg, &lost.h);
	}
	if (!r && (always || memcmp(c.hits, b->reported.hits, sizeof(c.hits)))) {
		source_fill_header(&hits.h, EV_HITS, sizeof(hits), b->pid);
		memcpy(hits.hits, c.hits, sizeof(hits.hits));
		hits.cost_ns = cost_ns(b, &c);
		r = fn(arg, &hits.h);
	}
	b->reported = c;
	return r;
}

static int close_window(struct source_bpf *b, source_event_fn *fn, void *arg)
{
	struct ev_switches ev = { 0 };

	source_fill_header(&ev.h, EV_SWITCHES, sizeof(ev), b->pid);
	windows_closed(&b->windows, source_now_ns(), gogo_hits(b), &ev);
	return fn(arg, &ev.h);
}

/* Which process the kernel is to let through. */
static pid_t filter_pid(const struct source_bpf *b)
{
	return b->opt.only_tracked ? -1 : b->pid;
}

static int open_gogo(struct source_bpf *b, struct err *e)
{
	return attach_sites(b->core->progs.core_gogo, b->multi, filter_pid(b), b->path,
			    &b->gogo_site, 1, &b->gogo, e);
}

/* A window that cannot be opened, as when the program has just ended, is left out. */
static int tend_windows(struct source_bpf *b, source_event_fn *fn, void *arg)
{
	uint64_t now = source_now_ns(), hits = gogo_hits(b);
	int r = 0;

	switch (windows_due(&b->windows, now, hits)) {
	case WINDOWS_KEEP:
		break;
	case WINDOWS_OPEN:
		if (!b->gogo && open_gogo(b, NULL))
			b->windows.mode = SWITCHES_OFF;
		else
			windows_opened(&b->windows, source_now_ns(), gogo_hits(b));
		break;
	case WINDOWS_REPORT:
		r = close_window(b, fn, arg);
		windows_opened(&b->windows, now, hits);
		break;
	case WINDOWS_CLOSE:
		r = close_window(b, fn, arg);
		attach_free(b->gogo);
		b->gogo = NULL;
		break;
	}
	return r;
}

static int bpf_consume(struct source *s, source_event_fn *fn, void *arg)
{
	struct source_bpf *b = from(s);
	uint64_t now;
	int n, r;

	if (!b->probes)
		return 0;
	n = drain(b, fn, arg, CONSUME_MAX);
	if (b->result || n < 0)
		return n;
	r = tend_windows(b, fn, arg);
	now = source_now_ns();
	if (!r && now - b->totals_ns >= TOTALS_NS) {
		b->totals_ns = now;
		r = report_totals(b, fn, arg, false);
	}
	return r ? r : n;
}

static bool wanted(const struct source_bpf *b, enum ev_probe p)
{
	if (!b->plan.point[p].present || p == EV_PROBE_GOGO)
		return false;
	return p != EV_PROBE_NEWSTACK || b->opt.newstack;
}

static struct attach_site site_of(const struct plan_point *p)
{
	return (struct attach_site){
		.offset = p->offset,
		.cookie = (uint64_t)p->probe << CORE_COOKIE_PROBE | p->vaddr,
	};
}

static int bpf_attach(struct source *s, pid_t pid, struct err *e)
{
	struct source_bpf *b = from(s);
	struct attach_site site[EV_PROBE_COUNT];
	size_t n = 0;
	int r;

	b->pid = pid;
	for (int i = 0; i < EV_PROBE_COUNT; i++)
		if (wanted(b, i))
			site[n++] = site_of(&b->plan.point[i]);
	r = attach_sites(b->core->progs.core_probe, b->multi, filter_pid(b), b->path, site, n,
			 &b->probes, e);
	if (r)
		return r;
	/* The first window is open before the program runs. */
	if (b->windows.mode != SWITCHES_OFF) {
		b->gogo_site = site_of(&b->plan.point[EV_PROBE_GOGO]);
		r = open_gogo(b, e);
		if (r)
			return r;
		windows_opened(&b->windows, source_now_ns(), gogo_hits(b));
	}
	b->totals_ns = source_now_ns();
	b->core->bss->active = 1;
	return 0;
}

static int bpf_track(struct source *s, pid_t pid, bool on)
{
	struct source_bpf *b = from(s);
	const __u32 key = (__u32)pid;
	const __u8 yes = 1;

	bpf_map_delete_elem(bpf_map__fd(b->core->maps.images), &key);
	if (b->core->bss->last_pid == key)
		b->core->bss->last_pid = 0;
	if (on)
		return bpf_map_update_elem(bpf_map__fd(b->core->maps.tracked), &key, &yes, BPF_ANY);
	bpf_map_delete_elem(bpf_map__fd(b->core->maps.tracked), &key);
	return 0;
}

static void detach(struct source_bpf *b)
{
	struct attachment *all[3];
	size_t n = 0;

	if (b->probes)
		all[n++] = b->probes;
	if (b->gogo)
		all[n++] = b->gogo;
	if (b->calibration)
		all[n++] = b->calibration;
	attach_free_all(all, n);
	b->probes = b->gogo = b->calibration = NULL;
}

static int bpf_stop(struct source *s, source_event_fn *fn, void *arg)
{
	struct source_bpf *b = from(s);
	int r = 0, n;

	if (!b->probes)
		return 0;
	if (b->windows.open)
		r = close_window(b, fn, arg);
	detach(b);
	b->core->bss->active = 0;
	do {
		n = r ? 0 : drain(b, fn, arg, CONSUME_MAX);
		if (b->result || n < 0)
			r = n;
	} while (n == CONSUME_MAX);
	if (!r)
		r = closing_pending(b->core, fn, arg);
	if (!r && b->opt.switches != SWITCHES_OFF)
		r = closing_use(b->core, fn, arg);
	return r ? r : report_totals(b, fn, arg, true);
}

static void bpf_describe(const struct source *s, struct source_info *ret)
{
	const struct source_bpf *b = (const struct source_bpf *)s;

	*ret = (struct source_info){
		.link = b->multi ? "uprobe_multi" : "perf uprobe",
		.pair_ns = b->cal.pair_ns,
		.hit_ns = b->cal.hit_ns,
	};
}

static void bpf_free(struct source *s)
{
	struct source_bpf *b = from(s);

	detach(b);
	ring_buffer__free(b->ring);
	core_bpf__destroy(b->core);
	free(b->path);
	free(b);
}

static const struct source_ops ops = {
	.name = "bpf",
	.free = bpf_free,
	.attach = bpf_attach,
	.track = bpf_track,
	.consume = bpf_consume,
	.stop = bpf_stop,
	.describe = bpf_describe,
};

static int open_core(struct source_bpf *b, struct image *img, const struct target *t, struct err *e)
{
	const struct plan_point *begin = &b->plan.point[EV_PROBE_COPYSTACK];
	const struct plan_point *end = &b->plan.point[EV_PROBE_COPYSTACK_END];
	int r = 0;

	if (b->opt.max_frames > EV_MAX_FRAMES)
		return err_set(e, EINVAL, "cannot take %u frames of a stack: the limit is %d",
			       b->opt.max_frames, EV_MAX_FRAMES);
	r = attach_probe_multi(&b->multi, e);
	if (r)
		return r;
	if (b->opt.force_perf_uprobes)
		b->multi = false;
	r = load_core(img, t, &b->plan, &b->opt, b->multi, &b->core, e);
	if (r)
		return r;
	b->ring = ring_buffer__new(bpf_map__fd(b->core->maps.ring), take_record, b, NULL);
	if (!b->ring)
		return err_sys(e, errno, "cannot map the ring of events");
	r = calibrate(b->core, b->multi, begin->cost, end->cost, &b->cal, &b->calibration, e);
	if (r)
		return r;
	b->core->bss->pair_ns = b->cal.pair_ns;
	return 0;
}

int source_bpf_open(struct image *img, const struct target *t, const struct plan *plan,
		    const struct source_options *opt, struct source **ret, struct err *e)
{
	struct source_bpf *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return err_sys(e, ENOMEM, "cannot load the probes");
	b->s = (struct source){ .ops = &ops, .child_fd = -1, .poll_fd = -1 };
	b->opt = *opt;
	b->plan = *plan;
	b->path = strdup(opt->path ? opt->path : image_path(img));
	r = b->path ? open_core(b, img, t, e) : err_sys(e, ENOMEM, "cannot load the probes");
	if (r) {
		bpf_free(&b->s);
		return r;
	}
	if (!plan->point[EV_PROBE_GOGO].present)
		b->opt.switches = SWITCHES_OFF;
	windows_init(&b->windows, b->opt.switches, b->opt.switch_budget_pm,
		     hit_ns(b, EV_PROBE_GOGO) + GOGO_BODY_NS);
	*ret = &b->s;
	return 0;
}
