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
#include "bpf/hot.h"
#include "bpf/load.h"
#include "bpf/looks.h"
#include "bpf/plan.h"
#include "bpf/source.h"
#include "bpf/source_ops.h"
#include "bpf/windows.h"
#include "symbols/image.h"

/* What the program on gogo does beside trapping: three reads, a lookup; and those that add up. */
#define GOGO_BODY_NS 150
#define HOT_BODY_NS  250

/* A busy program could keep the consumer busy for ever: so many records, then back to the caller.
 */
#define CONSUME_MAX 100000

/* The points in newstack are used where a hit costs at most this much of one elsewhere. */
#define NOPS_LESS_NUM 3
#define NOPS_LESS_DEN 4

/* Losses and hits, as often as this while they change. */
#define TOTALS_NS 1000000000ull

struct source_bpf {
	struct source s;
	struct core_bpf *core;
	struct ring_buffer *ring;
	struct attachment *probes, *hot, *calibration[2];
	struct attach_site hot_site[EV_PROBE_COUNT]; /* gogo alone, or all that follow switches */
	size_t hot_sites;
	bool aggregate, has_gogo; /* the latter; with gogo */
	struct target target;
	struct source_options opt;
	struct plan plan;
	bool nops; /* those of the plan are used */
	char *path;
	bool multi;
	pid_t pid;
	struct calibration cal, nop_cal; /* the latter with nops */
	struct windows windows;
	struct looks *looks;	  /* with a threshold for parks */
	uint64_t window_switches; /* hits of gogo when it was opened */
	uint64_t watched_ns;	  /* by windows that are closed */
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

/* To the caller; with the image of a process go the names of its reasons. */
static int hand_over(void *arg, const struct ev_header *h)
{
	struct source_bpf *b = arg;

	b->result = b->fn(b->arg, h);
	if (!b->result && h->kind == EV_IMAGE && b->aggregate)
		b->result = hot_reasons(&b->target, (pid_t)h->pid, b->fn, b->arg);
	return b->result;
}

static int take_record(void *arg, void *data, size_t size)
{
	struct source_bpf *b = arg;
	const struct ev_header *h = data;

	if (size < sizeof(*h) || h->size < sizeof(*h) || h->size > size)
		return 0;
	if (b->looks)
		looks_event(b->looks, h);
	return hand_over(b, h) || !--b->left ? -ECANCELED : 0;
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

/* Hits of the probes that come and go. */
static uint64_t hot_hits(const struct source_bpf *b)
{
	uint64_t n = 0;

	for (size_t i = 0; i < b->hot_sites; i++)
		n += closing_hits(b->core, b->hot_site[i].cookie >> CORE_COOKIE_PROBE);
	return n;
}

/* One hit of a probe: what was measured, scaled to its class. */
static uint64_t hit_ns(const struct source_bpf *b, enum ev_probe p)
{
	if (b->nops && b->plan.point[p].cost == COST_NOP)
		return b->nop_cal.hit_ns;
	return b->cal.hit_ns * cost_class_ns(b->plan.point[p].cost) / b->cal.typical_ns;
}

static bool is_hot(const struct source_bpf *b, enum ev_probe p)
{
	for (size_t i = 0; i < b->hot_sites; i++)
		if (b->hot_site[i].cookie >> CORE_COOKIE_PROBE == p)
			return true;
	return false;
}

/* With what its program does, where that is not measured. */
static uint64_t each_ns(const struct source_bpf *b, enum ev_probe p)
{
	uint64_t ns = b->plan.point[p].present ? hit_ns(b, p) : 0;

	if (!is_hot(b, p))
		return ns;
	return ns + (b->aggregate ? HOT_BODY_NS : GOGO_BODY_NS);
}

static void fill_hits(const struct source_bpf *b, const struct core_counters *c,
		      struct ev_hits *ret)
{
	ret->cost_ns = c->body_ns;
	for (int i = 0; i < EV_PROBE_COUNT; i++) {
		ret->hits[i] = c->hits[i];
		ret->each_ns[i] = each_ns(b, i);
		ret->cost_ns += c->hits[i] * ret->each_ns[i];
	}
	if (c->hits[EV_PROBE_COPYSTACK])
		ret->each_ns[EV_PROBE_COPYSTACK] += c->body_ns / c->hits[EV_PROBE_COPYSTACK];
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
		fill_hits(b, &c, &hits);
		r = fn(arg, &hits.h);
	}
	b->reported = c;
	return r;
}

/* Of switches there is a record for each window; gogo is not among the probes of every choice. */
static int close_window(struct source_bpf *b, source_event_fn *fn, void *arg)
{
	uint64_t switches = closing_hits(b->core, EV_PROBE_GOGO);
	struct ev_switches ev = { 0 };

	source_fill_header(&ev.h, EV_SWITCHES, sizeof(ev), b->pid);
	windows_closed(&b->windows, source_now_ns(), hot_hits(b), &ev);
	b->watched_ns += ev.window_ns;
	ev.count = switches - b->window_switches;
	b->window_switches = switches;
	return b->has_gogo ? fn(arg, &ev.h) : 0;
}

/* Which process the kernel is to let through. */
static pid_t filter_pid(const struct source_bpf *b)
{
	return b->opt.only_tracked ? -1 : b->pid;
}

/*
 * After a gap, times from before the window are of no use: what happened in between was not seen.
 * Without one it counts on from where the last one ended, as the probes went on being hit.
 */
static void window_opened(struct source_bpf *b, bool gap)
{
	uint64_t now = source_now_ns();

	if (gap) {
		b->core->bss->epoch_ns = now;
		b->window_switches = closing_hits(b->core, EV_PROBE_GOGO);
	}
	windows_opened(&b->windows, now, hot_hits(b));
}

static int open_hot(struct source_bpf *b, struct err *e)
{
	const struct bpf_program *prog = b->aggregate ? b->core->progs.core_hot
						      : b->core->progs.core_gogo;

	return attach_sites(prog, b->multi, filter_pid(b), b->path, b->hot_site, b->hot_sites,
			    &b->hot, e);
}

/* A window that cannot be opened, as when the program has just ended, is left out. */
static int tend_windows(struct source_bpf *b, source_event_fn *fn, void *arg)
{
	uint64_t now = source_now_ns(), hits = hot_hits(b);
	int r = 0;

	windows_begin(&b->windows, now, hits);
	switch (windows_due(&b->windows, now, hits)) {
	case WINDOWS_KEEP:
		break;
	case WINDOWS_OPEN:
		if (!b->hot && open_hot(b, NULL))
			b->windows.mode = SWITCHES_OFF;
		else
			window_opened(b, true);
		break;
	case WINDOWS_REPORT:
		r = close_window(b, fn, arg);
		window_opened(b, false);
		break;
	case WINDOWS_CLOSE:
		r = close_window(b, fn, arg);
		attach_free(b->hot);
		b->hot = NULL;
		break;
	}
	return r;
}

/* Also before a window is closed, while the probes know since when each is parked. */
static int look(struct source_bpf *b, bool always)
{
	uint64_t now = source_now_ns();
	bool closes = windows_due(&b->windows, now, hot_hits(b)) == WINDOWS_CLOSE;

	if (!b->looks || !(always || closes || looks_due(b->looks, now)))
		return 0;
	return looks_take(b->looks, b->core, b->windows.open, hand_over, b);
}

static uint64_t watched(const struct source_bpf *b)
{
	return b->watched_ns + (b->windows.open ? source_now_ns() - b->windows.open_ns : 0);
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
	r = look(b, false);
	if (!r)
		r = tend_windows(b, fn, arg);
	now = source_now_ns();
	if (!r && now - b->totals_ns >= TOTALS_NS) {
		b->totals_ns = now;
		r = report_totals(b, fn, arg, false);
		if (!r && b->aggregate)
			r = hot_report(b->core, &b->target, &b->opt, watched(b), 0, fn, arg);
	}
	return r ? r : n;
}

static bool wanted(const struct source_bpf *b, enum ev_probe p)
{
	static const unsigned always = 1u << EV_PROBE_COPYSTACK | 1u << EV_PROBE_COPYSTACK_END |
				       1u << EV_PROBE_NEWPROC | 1u << EV_PROBE_NEWCORO |
				       1u << EV_PROBE_GOEXIT | 1u << EV_PROBE_GCSTART |
				       1u << EV_PROBE_GCDONE;
	static const unsigned counted = 1u << EV_PROBE_STACKALLOC | 1u << EV_PROBE_STACKFREE;

	if (!b->plan.point[p].present)
		return false;
	if (p == EV_PROBE_NEWSTACK)
		return b->opt.newstack;
	return (always | (b->opt.count & counted)) >> p & 1;
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
	struct attach_site site[EV_PROBE_COUNT + NOP_COUNT];
	size_t n = 0;
	int r;

	b->pid = pid;
	for (int i = 0; i < EV_PROBE_COUNT; i++)
		if (wanted(b, i))
			site[n++] = site_of(&b->plan.point[i]);
	if (b->nops) {
		site[n++] = site_of(&b->plan.nop[NOP_SHRINK]);
		site[n++] = site_of(&b->plan.nop[NOP_SHRINK_END]);
	}
	r = attach_sites(b->core->progs.core_probe, b->multi, filter_pid(b), b->path, site, n,
			 &b->probes, e);
	if (r)
		return r;
	/* The first window is open before the program runs. */
	if (b->windows.mode != SWITCHES_OFF) {
		r = open_hot(b, e);
		if (r)
			return r;
		window_opened(b, false);
	}
	if (b->looks && !b->opt.only_tracked && looks_follow(b->looks, pid, true))
		return err_sys(e, ENOMEM, "cannot follow process %d", pid);
	b->totals_ns = source_now_ns();
	b->core->bss->active_ns = b->totals_ns;
	__atomic_store_n(&b->core->bss->active, CORE_ON, __ATOMIC_RELEASE);
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
	if (b->looks && looks_follow(b->looks, pid, on))
		return -ENOMEM;
	if (on)
		return bpf_map_update_elem(bpf_map__fd(b->core->maps.tracked), &key, &yes, BPF_ANY);
	bpf_map_delete_elem(bpf_map__fd(b->core->maps.tracked), &key);
	return 0;
}

static void detach(struct source_bpf *b)
{
	struct attachment *all[4];
	size_t n = 0;

	if (b->probes)
		all[n++] = b->probes;
	if (b->hot)
		all[n++] = b->hot;
	for (int i = 0; i < 2; i++)
		if (b->calibration[i])
			all[n++] = b->calibration[i];
	attach_free_all(all, n);
	b->probes = b->hot = b->calibration[0] = b->calibration[1] = NULL;
}

static int bpf_stop(struct source *s, source_event_fn *fn, void *arg)
{
	struct source_bpf *b = from(s);
	bool watching = b->windows.open;
	int r, n;

	if (!b->probes)
		return 0;
	b->fn = fn;
	b->arg = arg;
	r = look(b, true);
	if (!r && watching)
		r = close_window(b, fn, arg);
	__atomic_store_n(&b->core->bss->active, CORE_ENDING, __ATOMIC_RELEASE);
	detach(b);
	b->core->bss->active = CORE_OFF;
	do {
		n = r ? 0 : drain(b, fn, arg, CONSUME_MAX);
		if (b->result || n < 0)
			r = n;
	} while (n == CONSUME_MAX);
	if (!r)
		r = closing_pending(b->core, fn, arg);
	if (!r && b->aggregate)
		r = hot_report(b->core, &b->target, &b->opt, watched(b), b->windows.closed_ns, fn,
			       arg);
	if (!r && b->looks)
		r = looks_report(b->looks, b->core, watching, fn, arg);
	if (!r && b->hot_sites)
		r = closing_use(b->core, fn, arg);
	return r ? r : report_totals(b, fn, arg, true);
}

static const char *link_name(const struct source_bpf *b)
{
	if (b->nops)
		return b->multi ? "uprobe_multi, NOPs" : "perf uprobe, NOPs";
	return b->multi ? "uprobe_multi" : "perf uprobe";
}

static void bpf_describe(const struct source *s, struct source_info *ret)
{
	const struct source_bpf *b = (const struct source_bpf *)s;
	const struct calibration *cal = b->nops ? &b->nop_cal : &b->cal;

	*ret = (struct source_info){
		.link = link_name(b),
		.pair_ns = cal->pair_ns,
		.hit_ns = cal->hit_ns,
	};
}

static void bpf_free(struct source *s)
{
	struct source_bpf *b = from(s);

	detach(b);
	looks_free(b->looks);
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

/*
 * Old kernels single-step a five-byte NOP, newer ones emulate it as they do a branch, and from 6.18
 * on they make a call of it, if nothing keeps them from it.  So it is measured.
 */
static int try_nops(struct source_bpf *b, struct err *e)
{
	struct core_nops *to = &b->core->bss->nops;
	int r = calibrate(b->core, b->multi, COST_NOP, COST_NOP, &b->nop_cal, &b->calibration[1],
			  e);

	if (r || b->nop_cal.hit_ns * NOPS_LESS_DEN > b->cal.hit_ns * NOPS_LESS_NUM)
		return r;
	b->nops = true;
	to->pair_ns = b->nop_cal.pair_ns;
	b->plan.point[EV_PROBE_COPYSTACK] = b->plan.nop[NOP_GROWTH];
	b->plan.point[EV_PROBE_COPYSTACK_END] = b->plan.nop[NOP_GROWTH_END];
	to->slot = b->plan.nop_slot;
	to->begin = b->plan.nop[NOP_GROWTH].vaddr;
	return 0;
}

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
	r = calibrate(b->core, b->multi, begin->cost, end->cost, &b->cal, &b->calibration[0], e);
	if (!r && b->plan.has_nops && !b->opt.no_nops)
		r = try_nops(b, e);
	if (r)
		return r;
	b->core->bss->pair_ns = b->cal.pair_ns;
	return 0;
}

/* The probes that come and go: those that follow switches, or gogo alone, or none. */
static void choose_hot(struct source_bpf *b)
{
	enum switches_mode mode = b->opt.switches;
	unsigned budget = b->opt.hot_budget_pm;

	b->aggregate = hot_wanted(&b->opt, &b->plan);
	for (int p = 0; p < EV_PROBE_COUNT; p++)
		if (b->aggregate ? hot_probe(&b->opt, &b->plan, p)
				 : p == EV_PROBE_GOGO && mode != SWITCHES_OFF &&
					   b->plan.point[p].present)
			b->hot_site[b->hot_sites++] = site_of(&b->plan.point[p]);
	b->has_gogo = b->aggregate ? hot_probe(&b->opt, &b->plan, EV_PROBE_GOGO) : b->hot_sites;
	if (!b->hot_sites)
		mode = SWITCHES_OFF;
	else if (b->aggregate)
		mode = SWITCHES_ON;
	if (mode == SWITCHES_AUTO && b->opt.switch_budget_pm < budget)
		budget = b->opt.switch_budget_pm;
	windows_init(&b->windows, mode, budget,
		     hit_ns(b, EV_PROBE_GOGO) + (b->aggregate ? HOT_BODY_NS : GOGO_BODY_NS));
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
	b->target = *t;
	b->path = strdup(opt->path ? opt->path : image_path(img));
	r = b->path ? open_core(b, img, t, e) : err_sys(e, ENOMEM, "cannot load the probes");
	if (!r && looks_new(img, &b->target, b->path, opt, &b->looks))
		r = err_sys(e, ENOMEM, "cannot load the probes");
	if (r) {
		bpf_free(&b->s);
		return r;
	}
	choose_hot(b);
	*ret = &b->s;
	return 0;
}
