/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the Go runtime's functions stand for which logical probe.
 *
 * Growth is probed in copystack itself and not in its callers, as it has two (newstack, which
 * grows, and shrinkstack) and both are wanted.  Its end is where it frees the old stack, which it
 * does once, last.  A return probe would cost more, and its habit of replacing return addresses is
 * fatal on every stack that moves.
 *
 * The scheduler's functions (park_m, ready, gogo) run on g0, so that each call passes a point once.
 * A collection is probed where it is certain to happen: gcStart may find that it need not, the
 * start of its workers comes behind that.  A lock of the runtime is probed where lock2 goes to
 * sleep; its entry is passed by every lock, contended or not.
 */
#include "symbols/go_probes.h"

#include <stdio.h>
#include <string.h>

#include "symbols/flow_x86.h"
#include "symbols/go_infer.h"
#include "symbols/image.h"

static enum target_reg or_usual(enum target_reg inferred, enum target_reg usual)
{
	return inferred != REG_NONE ? inferred : usual;
}

/* Finds the function of a probe; says why not where it is missing. */
static bool place(struct image *img, struct target *t, enum ev_probe p, const char *name)
{
	struct target_probe *to = &t->probe[p];
	struct function f;

	if (image_function(img, name, &f)) {
		snprintf(to->missing, sizeof(to->missing),
			 "no function '%s' in the program (are its names obfuscated?)", name);
		return false;
	}
	to->present = true;
	to->function = f.name;
	to->vaddr = f.vaddr;
	to->size = f.size;
	to->points = 1;
	to->missing[0] = '\0';
	return true;
}

/*
 * As place, at the call of callee.  call is its address if the call was found; else point is
 * another place to the same end, or 0.
 */
static void place_call(struct image *img, struct target *t, enum ev_probe p, const char *name,
		       const char *callee, uint64_t call, uint64_t point)
{
	struct target_probe *to = &t->probe[p];

	if (!place(img, t, p, name))
		return;
	to->call_target = call;
	if (call)
		return;
	if (point) {
		to->fixed = true;
		to->vaddr = point;
		to->size = 0;
	} else {
		to->present = false;
		to->function = NULL;
		snprintf(to->missing, sizeof(to->missing), "'%s' does not call '%s'", name, callee);
	}
}

static void place_copystack(struct image *img, const struct go_inference *inf, struct target *t)
{
	struct target_probe *begin = &t->probe[EV_PROBE_COPYSTACK];

	place(img, t, EV_PROBE_COPYSTACK, "runtime.copystack");
	begin->coroutine = or_usual(inf->copystack_g, REG_AX);
	begin->new_size = or_usual(inf->copystack_size, REG_BX);
	if (begin->present && inf->growth_inlined) {
		begin->present = false;
		begin->function = NULL;
		snprintf(begin->missing, sizeof(begin->missing),
			 "'runtime.newstack' does not call 'runtime.copystack': inlined by "
			 "profile-guided optimisation");
	}
	place_call(img, t, EV_PROBE_COPYSTACK_END, "runtime.copystack", "runtime.stackfree",
		   inf->copystack_end_call, inf->copystack_end_point);
}

static void absent(struct target *t, enum ev_probe p, const char *why)
{
	struct target_probe *to = &t->probe[p];

	to->present = false;
	to->function = NULL;
	snprintf(to->missing, sizeof(to->missing), "%s", why);
}

/* The first of the functions that is there. */
static void place_first(struct image *img, struct target *t, enum ev_probe p, const char *name,
			const char *other)
{
	if (!place(img, t, p, name))
		place(img, t, p, other);
}

static bool go_calls(const uint8_t *code, const struct function *f, uint64_t callee)
{
	struct insn_decoder *d;
	struct insn_x86 insn;
	bool found = false;

	if (insn_decoder_new(&d))
		return false;
	insn_decoder_set(d, code, f->size, f->vaddr);
	while (!found && insn_decoder_next(d, &insn) == 1)
		found = insn.kind == INSN_CALL && insn.target == callee;
	insn_decoder_free(d);
	return found;
}

/* --- runtime locks ---------------------------------------------------------------------------- */

struct sleep_call {
	uint64_t callee;
	enum target_reg lock; /* holds what lock2 was given */
};

static void visit_lock2(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct sleep_call *call = arg;

	if (insn->kind != INSN_CALL || insn->target != call->callee)
		return;
	for (unsigned r = 0; r < 16 && call->lock == REG_NONE; r++)
		if (flow_is_entry(s->reg[r], REG_AX))
			call->lock = r;
}

/*
 * lock2(l) sleeps by futexsleep(&l.key ...), which is l; from Go 1.24 on by semasleep(), and which
 * register has l then is for its code to say.
 */
static void place_lock(struct image *img, struct target *t)
{
	struct sleep_call call = { .lock = REG_NONE };
	struct target_probe *begin = &t->probe[EV_PROBE_LOCK], *end = &t->probe[EV_PROBE_LOCK_END];
	struct function lock2, sleep;
	const uint8_t *code;
	bool futex;

	if (!place(img, t, EV_PROBE_LOCK, "runtime.lock2"))
		return;
	lock2 = (struct function){ begin->function, begin->vaddr, begin->size };
	code = image_bytes(img, lock2.vaddr, lock2.size);
	for (futex = true;; futex = false) {
		call.callee = 0;
		if (!image_function(img, futex ? "runtime.futexsleep" : "runtime.semasleep",
				    &sleep))
			call.callee = sleep.vaddr;
		if (code && call.callee && go_calls(code, &lock2, call.callee))
			break;
		if (!futex) {
			absent(t, EV_PROBE_LOCK,
			       "'runtime.lock2' calls neither futexsleep nor semasleep");
			absent(t, EV_PROBE_LOCK_END, t->probe[EV_PROBE_LOCK].missing);
			return;
		}
	}
	if (futex)
		call.lock = REG_AX;
	else
		flow_run(code, lock2.size, lock2.vaddr, visit_lock2, &call);
	begin->call_target = call.callee;
	begin->new_size = call.lock;
	place(img, t, EV_PROBE_LOCK_END, "runtime.lock2");
	end->call_target = call.callee;
	end->after_call = true;
}

/* --- all of them ------------------------------------------------------------------------------ */

#define MUTEX_PROFILE 2 /* semaMutexProfile, in the third argument of semacquire1 */

static void place_scheduler(struct image *img, struct target *t)
{
	struct target_probe *p = t->probe;

	place(img, t, EV_PROBE_PARK, "runtime.park_m");
	p[EV_PROBE_PARK].coroutine = REG_AX;
	place(img, t, EV_PROBE_READY, "runtime.ready");
	p[EV_PROBE_READY].coroutine = REG_AX;
	place(img, t, EV_PROBE_STACKALLOC, "runtime.stackalloc");
	p[EV_PROBE_STACKALLOC].new_size = REG_AX;
	place(img, t, EV_PROBE_STACKFREE, "runtime.stackfree");
	place_first(img, t, EV_PROBE_GCSTART, "runtime.gcBgMarkStartWorkers", "runtime.gcStart");
	place(img, t, EV_PROBE_GCDONE, "runtime.gcMarkTermination");
	place(img, t, EV_PROBE_MUTEX, "runtime.semacquire1");
	p[EV_PROBE_MUTEX].coroutine = REG_14;
	p[EV_PROBE_MUTEX].new_size = REG_AX;
	p[EV_PROBE_MUTEX].filter = REG_CX;
	p[EV_PROBE_MUTEX].filter_mask = MUTEX_PROFILE;
	place_lock(img, t);
}

/* Coroutines of iter.Pull, from Go 1.23 on, are born in newcoro and die in gdestroy. */
static void place_newcoro(struct image *img, const struct go_inference *inf, struct target *t)
{
	struct target_probe *to = &t->probe[EV_PROBE_NEWCORO];

	if (!place(img, t, EV_PROBE_NEWCORO, "runtime.newcoro.func1")) {
		absent(t, EV_PROBE_NEWCORO, "the program has no iter.Pull (Go 1.23)");
		return;
	}
	if (!inf->newcoro_point) {
		absent(t, EV_PROBE_NEWCORO, "no place behind its call of 'runtime.newproc1'");
		return;
	}
	to->fixed = true;
	to->vaddr = inf->newcoro_point;
	to->size = 0;
	to->coroutine = inf->newcoro_g;
}

void go_place_probes(struct image *img, const struct go_inference *inf, struct target *t)
{
	struct target_probe *p = t->probe;
	struct function gdestroy;

	place_newcoro(img, inf, t);
	place_scheduler(img, t);
	place(img, t, EV_PROBE_NEWSTACK, "runtime.newstack");
	place_copystack(img, inf, t);
	place_call(img, t, EV_PROBE_NEWPROC, "runtime.newproc.func1", "runtime.runqput",
		   inf->newproc_call, inf->newproc_point);
	p[EV_PROBE_NEWPROC].coroutine = or_usual(inf->newproc_g, REG_BX);
	if (t->probe[EV_PROBE_NEWCORO].present &&
	    !image_function(img, "runtime.gdestroy", &gdestroy))
		place(img, t, EV_PROBE_GOEXIT, "runtime.gdestroy");
	else
		place(img, t, EV_PROBE_GOEXIT, "runtime.goexit0");
	p[EV_PROBE_GOEXIT].coroutine = or_usual(inf->goexit0_g, REG_AX);
	place(img, t, EV_PROBE_GOGO, "runtime.gogo");
	p[EV_PROBE_GOGO].coroutine = or_usual(inf->gogo_g, REG_DX);
}
