/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program under a source and writes what the source says: totals, and with -d every record.
 * The layers above (capture, aggregate, command line) are left out, so that a wrong count here is
 * the source's own.
 *
 *   source_run [-o FILE] [-d] [-s bpf|ring] [-p] [-w off|auto|on] [-f FRAMES] [-r RING] [-n]
 *              [-N] PROG ...
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "bpf/plan.h"
#include "bpf/source.h"
#include "symbols/image.h"
#include "symbols/target.h"

#define STEPS 128

struct tally {
	FILE *out;
	bool dump;
	struct image *img;
	uint64_t bias;
	uint64_t kind[EV_KIND_COUNT];
	uint64_t grown, shrunk, grown_bytes, shrunk_bytes, copied, incomplete, no_stack;
	uint64_t copy_ns, switches, window_ns;
	struct step {
		uint64_t from, to, n;
	} step[STEPS];
	struct ev_lost lost;
	struct ev_hits hits;
};

static void add_step(struct tally *t, uint64_t from, uint64_t to)
{
	for (int i = 0; i < STEPS; i++) {
		struct step *s = &t->step[i];

		if (s->n && (s->from != from || s->to != to))
			continue;
		*s = (struct step){ from, to, s->n + 1 };
		return;
	}
}

static void add_copy(struct tally *t, const struct ev_copystack *c)
{
	if (c->new_size > c->old_size) {
		t->grown++;
		t->grown_bytes += c->used;
		t->no_stack += !c->stack_id;
	} else {
		t->shrunk++;
		t->shrunk_bytes += c->used;
	}
	t->incomplete += (c->flags & EV_COPYSTACK_INCOMPLETE) != 0;
	t->copy_ns += c->duration_ns;
	add_step(t, c->old_size, c->new_size);
	if (t->dump)
		fprintf(t->out,
			"copystack time %" PRIu64 " tid %u gp %" PRIx64 " goid %" PRIu64
			" old %" PRIu64 " new %" PRIu64 " used %" PRIu64 " ns %" PRIu64
			" stack %016" PRIx64 " flags %u creator %" PRIx64 " entry %" PRIx64 "\n",
			(uint64_t)c->h.time_ns, c->h.tid, (uint64_t)c->gp, (uint64_t)c->goid,
			(uint64_t)c->old_size, (uint64_t)c->new_size, (uint64_t)c->used,
			(uint64_t)c->duration_ns, (uint64_t)c->stack_id, c->flags,
			(uint64_t)c->creator_pc, (uint64_t)c->entry_pc);
}

static void dump_stack(struct tally *t, const struct ev_stack *s)
{
	fprintf(t->out, "stack %016" PRIx64 " depth %u flags %u", (uint64_t)s->stack_id, s->depth,
		s->flags);
	for (unsigned i = 0; i < s->depth; i++) {
		struct place place[16];
		size_t n = image_places(t->img, s->pc[i] - 1 - t->bias, place, 16);

		if (!n)
			fprintf(t->out, " 0x%" PRIx64, (uint64_t)s->pc[i]);
		for (size_t j = 0; j < n && j < 16; j++)
			fprintf(t->out, " %s", place[j].function);
	}
	fputc('\n', t->out);
}

static int take(void *arg, const struct ev_header *h)
{
	struct tally *t = arg;

	if (h->kind < EV_KIND_COUNT)
		t->kind[h->kind]++;
	switch (h->kind) {
	case EV_IMAGE:
		t->bias = ((const struct ev_image *)h)->load_bias;
		if (t->dump)
			fprintf(t->out, "image pid %u bias %" PRIx64 " comm %s\n", h->pid, t->bias,
				((const struct ev_image *)h)->comm);
		break;
	case EV_COPYSTACK:
		add_copy(t, (const struct ev_copystack *)h);
		break;
	case EV_STACK:
		if (t->dump)
			dump_stack(t, (const struct ev_stack *)h);
		break;
	case EV_NEWPROC:
		if (t->dump) {
			const struct ev_newproc *n = (const void *)h;

			fprintf(t->out,
				"newproc gp %" PRIx64 " goid %" PRIu64 " parent %" PRIu64
				" creator %" PRIx64 " entry %" PRIx64 " size %" PRIu64 "\n",
				(uint64_t)n->gp, (uint64_t)n->goid, (uint64_t)n->parent_goid,
				(uint64_t)n->creator_pc, (uint64_t)n->entry_pc,
				(uint64_t)n->stack_size);
		}
		break;
	case EV_GOEXIT:
		if (t->dump) {
			const struct ev_goexit *g = (const void *)h;

			fprintf(t->out,
				"goexit gp %" PRIx64 " goid %" PRIu64 " size %" PRIu64
				" used %" PRIu64 "\n",
				(uint64_t)g->gp, (uint64_t)g->goid, (uint64_t)g->stack_size,
				(uint64_t)g->used);
		}
		break;
	case EV_SWITCHES:
		t->switches += ((const struct ev_switches *)h)->count;
		t->window_ns += ((const struct ev_switches *)h)->window_ns;
		break;
	case EV_LOST:
		t->lost = *(const struct ev_lost *)h;
		break;
	case EV_HITS:
		t->hits = *(const struct ev_hits *)h;
		break;
	}
	return 0;
}

static void print(struct tally *t, const struct source *s)
{
	static const char *const reason[EV_LOST_COUNT] = { "ring_full",	    "stack_table",
							   "pending_table", "unreadable",
							   "unpaired",	    "use_table",
							   "wait_table" };
	struct source_info info;

	source_describe(s, &info);
	fprintf(t->out,
		"link %s\npair_ns %" PRIu64 "\nhit_ns %" PRIu64 "\nimages %" PRIu64
		"\nbirths %" PRIu64 "\nexits %" PRIu64 "\ngrowths %" PRIu64 "\nshrinks %" PRIu64
		"\ngrown_bytes %" PRIu64 "\nshrunk_bytes %" PRIu64 "\ncopy_ns %" PRIu64
		"\nincomplete %" PRIu64 "\nstacks %" PRIu64 "\nno_stack %" PRIu64 "\nuses %" PRIu64
		"\ncollections %" PRIu64 "\nwindows %" PRIu64 "\nswitches %" PRIu64
		"\nwindow_ns %" PRIu64 "\ncost_ns %" PRIu64 "\n",
		info.link, info.pair_ns, info.hit_ns, t->kind[EV_IMAGE], t->kind[EV_NEWPROC],
		t->kind[EV_GOEXIT], t->grown, t->shrunk, t->grown_bytes, t->shrunk_bytes,
		t->copy_ns, t->incomplete, t->kind[EV_STACK], t->no_stack, t->kind[EV_STACK_USE],
		t->kind[EV_GC], t->kind[EV_SWITCHES], t->switches, t->window_ns,
		(uint64_t)t->hits.cost_ns);
	for (int i = 0; i < STEPS && t->step[i].n; i++)
		fprintf(t->out, "step %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", t->step[i].from,
			t->step[i].to, t->step[i].n);
	for (int i = 0; i < EV_PROBE_COUNT; i++)
		fprintf(t->out, "hits_%s %" PRIu64 "\n", probe_name(i), (uint64_t)t->hits.hits[i]);
	for (int i = 0; i < EV_LOST_COUNT; i++)
		fprintf(t->out, "lost_%s %" PRIu64 "\n", reason[i], (uint64_t)t->lost.count[i]);
}

static pid_t start(char **argv, const struct source *s, int *ret_release)
{
	int go[2];
	char c;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		err(2, "pipe");
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		close(go[1]);
		if (read(go[0], &c, 1) != 1)
			_exit(126);
		if (source_child_fd(s) >= 0)
			fcntl(source_child_fd(s), F_SETFD, 0);
		if (source_child_env(s))
			putenv((char *)source_child_env(s));
		execv(argv[0], argv);
		_exit(127);
	}
	close(go[0]);
	*ret_release = go[1];
	return pid;
}

static void die(const struct err *e)
{
	errx(3, "%s%s%s", e->text, e->hint[0] ? "; hint: " : "", e->hint);
}

static void print_point(FILE *out, const char *what, const struct plan_point *p)
{
	if (p->present)
		fprintf(out, "%s %s 0x%" PRIx64 " 0x%" PRIx64 " %s in %s: %s\n", what,
			probe_name(p->probe), p->vaddr, p->offset, cost_class_name(p->cost),
			p->function, p->insn);
	else
		fprintf(out, "%s %s missing: %s\n", what, probe_name(p->probe), p->missing);
}

static void print_plan(FILE *out, const struct plan *plan)
{
	for (int i = 0; i < EV_PROBE_COUNT; i++)
		print_point(out, "plan", &plan->point[i]);
	for (int i = 0; i < NOP_COUNT && plan->has_nops; i++)
		print_point(out, "nop", &plan->nop[i]);
	fflush(out);
}

static int run(struct source *s, char **argv, struct tally *t, bool quiet)
{
	struct timespec tick = { .tv_nsec = 1000000 };
	struct err e = { 0 };
	int status = 0, release, n = 0;
	pid_t pid = start(argv, s, &release);

	if (source_attach(s, pid, &e)) {
		close(release);
		die(&e);
	}
	if (write(release, "", 1) != 1)
		err(2, "write");
	while (!waitpid(pid, &status, WNOHANG)) {
		n = quiet ? 0 : source_consume(s, take, t);
		if (n < 0)
			errx(3, "consume: %s", strerror(-n));
		if (!n)
			nanosleep(&tick, NULL);
	}
	n = source_stop(s, take, t);
	if (n)
		errx(3, "stop: %s", strerror(-n));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void choose_switches(const char *word, struct source_options *opt)
{
	opt->switches = !strcmp(word, "off")  ? SWITCHES_OFF
			: !strcmp(word, "on") ? SWITCHES_COUNT
					      : SWITCHES_AUTO;
	opt->hot_budget_pm = 1000;
}

struct asked {
	struct source_options opt;
	bool ring, quiet, show_plan;
};

static void parse(int argc, char **argv, struct asked *a, struct tally *t)
{
	int c;

	while ((c = getopt(argc, argv, "+o:dPqs:pw:f:r:nN")) != -1) {
		switch (c) {
		case 'o':
			t->out = fopen(optarg, "we");
			if (!t->out)
				err(2, "%s", optarg);
			break;
		case 'd':
			t->dump = true;
			break;
		case 's':
			a->ring = !strcmp(optarg, "ring");
			break;
		case 'p':
			a->opt.force_perf_uprobes = true;
			break;
		case 'w':
			choose_switches(optarg, &a->opt);
			break;
		case 'f':
			a->opt.max_frames = (unsigned)atoi(optarg);
			break;
		case 'r':
			a->opt.ring_size = (uint64_t)atoll(optarg);
			break;
		case 'P':
			a->show_plan = true;
			break;
		case 'q':
			a->quiet = true;
			break;
		case 'n':
			a->opt.newstack = true;
			break;
		case 'N':
			a->opt.no_nops = true;
			break;
		default:
			exit(2);
		}
	}
	if (optind == argc)
		errx(2, "what to run?");
}

int main(int argc, char **argv)
{
	struct asked a = { .opt = SOURCE_OPTIONS_DEFAULT };
	struct tally t = { .out = stderr };
	struct err e = { 0 };
	struct source *s;
	struct target target;
	struct plan plan;
	int r;

	parse(argc, argv, &a, &t);
	if (image_open(argv[optind], &t.img, &e) || target_describe(t.img, &target, &e))
		die(&e);
	if (!a.ring) {
		if (plan_make(t.img, &target, &plan, &e))
			die(&e);
		if (a.show_plan)
			print_plan(t.out, &plan);
	}
	r = a.ring ? source_ring_open(&target, &a.opt, &s, &e)
		   : source_bpf_open(t.img, &target, &plan, &a.opt, &s, &e);
	if (r)
		die(&e);
	r = run(s, argv + optind, &t, a.quiet);
	print(&t, s);
	source_free(s);
	image_free(t.img);
	if (t.out != stderr && fclose(t.out))
		err(2, "close");
	return r;
}
