/* SPDX-License-Identifier: Apache-2.0 */
/*
 * formats_bench: how fast and how small captures and aggregates are, on records made up here.
 *
 *	formats_bench aggregate COUNT         COUNT records into an aggregate
 *	formats_bench write COUNT FILE        COUNT records into a capture
 *	formats_bench switches COUNT FILE     the same, of switches, parks and wake-ups one by one
 *	formats_bench stacks COUNT FILE TEXT  COUNT growths with COUNT / 5 call stacks into a
 *	                                      capture, and the same as perf script prints them
 *	formats_bench time COMMAND...         what a program takes: CPU time and elapsed time in ns,
 *	                                      most memory
 *	formats_bench unpack FILE             a capture's blocks checked and decompressed, no more
 *	formats_bench frames FILE TO          a capture's zstd frames alone, for zstd -d
 *	formats_bench read FILE               a capture read, the records thrown away
 *	formats_bench report FILE             a capture into an aggregate and the table, shown
 *	                                      nowhere
 *
 * Prints one line, NAME VALUE pairs: records, ns (CPU time a record), bytes (a record, of the
 * file), rss_kib (most memory), and what the aggregate counted.  Coroutines are born, grow five
 * times and end; 200 are alive at a time, of 10 go statements and 60 call stacks; times and uses
 * are noisy, as real ones are, or the file would be too small to be true.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "base/err.h"
#include "formats/aggregate.h"
#include "formats/capture.h"
#include "formats/capture_input.h"
#include "formats/capture_walk.h"
#include "formats/names.h"
#include "formats/render.h"
#include "formats/run_info.h"

#define ALIVE	 200
#define CREATORS 10
#define STACKS	 60
#define PID	 4000

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

struct coroutine {
	uint64_t gp, goid, creator, size;
};

struct maker {
	uint64_t now, goid, left;
	uint64_t stack[STACKS];
	struct coroutine c[ALIVE];
	int (*take)(void *arg, const struct ev_header *ev);
	void *arg;
};

static struct ev_header header(struct maker *m, unsigned kind, size_t size)
{
	uint32_t cpu = (uint32_t)(next_random() % 8);

	m->now += 200 + next_random() % 1500;
	m->left--;
	return (struct ev_header){ .kind = (uint16_t)kind,
				   .size = (uint16_t)size,
				   .cpu = cpu,
				   .time_ns = m->now,
				   .pid = PID,
				   .tid = PID + cpu };
}

static int be_born(struct maker *m, struct coroutine *c)
{
	struct ev_newproc ev = { .h = header(m, EV_NEWPROC, sizeof(ev)),
				 .parent_goid = 1,
				 .stack_size = 2048 };

	c->gp = 0xc000000000 + (uint64_t)(c - m->c) * 0x1a0;
	c->goid = ++m->goid;
	c->creator = 0x480000 + next_random() % CREATORS * 0x777;
	c->size = 2048;
	ev.gp = c->gp;
	ev.goid = c->goid;
	ev.creator_pc = c->creator;
	ev.entry_pc = c->creator + 0x100;
	return m->take(m->arg, &ev.h);
}

static int grow(struct maker *m, struct coroutine *c)
{
	struct ev_copystack ev = { .h = header(m, EV_COPYSTACK, sizeof(ev)),
				   .gp = c->gp,
				   .goid = c->goid,
				   .creator_pc = c->creator,
				   .entry_pc = c->creator + 0x100,
				   .old_size = c->size,
				   .new_size = c->size * 2,
				   .used = c->size - next_random() % 50 * 8,
				   .duration_ns = 800 + c->size / 8 + next_random() % 500,
				   .stack_id = m->stack[next_random() % STACKS] };

	c->size *= 2;
	return m->take(m->arg, &ev.h);
}

static int end(struct maker *m, struct coroutine *c)
{
	struct ev_goexit ev = { .h = header(m, EV_GOEXIT, sizeof(ev)),
				.gp = c->gp,
				.goid = c->goid,
				.stack_size = c->size,
				.used = next_random() % 2 ? c->size / 2 + next_random() % 128 * 8
							  : 0 };

	c->goid = 0;
	return m->take(m->arg, &ev.h);
}

static int make_stack(struct maker *m, unsigned i)
{
	struct {
		struct ev_stack s;
		uint64_t pc[20];
	} ev = { .s.h = header(m, EV_STACK, sizeof(ev)) };

	m->stack[i] = next_random() | 1;
	ev.s.stack_id = m->stack[i];
	ev.s.depth = 20;
	for (unsigned k = 0; k < 20; k++)
		ev.pc[k] = 0x480000 + next_random() % 500 * 0x40;
	return m->take(m->arg, &ev.s.h);
}

static int make(struct maker *m, uint64_t count)
{
	int r = 0;

	m->now = 1000000000;
	m->left = count;
	for (unsigned i = 0; i < STACKS && m->left && !r; i++)
		r = make_stack(m, i);
	while (m->left && !r) {
		struct coroutine *c = &m->c[next_random() % ALIVE];

		if (!c->goid)
			r = be_born(m, c);
		else
			r = c->size < 65536 ? grow(m, c) : end(m, c);
	}
	return r;
}

/* One switch to a coroutine, and either its park, or another one made ready by it. */
static int switch_to(struct maker *m, struct coroutine *c)
{
	struct ev_gogo gogo = { .h = header(m, EV_GOGO, sizeof(gogo)),
				.gp = c->gp,
				.goid = c->goid,
				.creator_pc = c->creator,
				.latency_ns = 300 + next_random() % 5000 };
	struct ev_park park = { .h = header(m, EV_PARK, sizeof(park)),
				.gp = c->gp,
				.goid = c->goid,
				.creator_pc = c->creator,
				.run_ns = 500 + next_random() % 20000,
				.used = 600 + next_random() % 100 * 8,
				.reason = 13 + next_random() % 3 };
	const struct coroutine *other = &m->c[next_random() % ALIVE];
	struct ev_ready ready = { .h = header(m, EV_READY, sizeof(ready)),
				  .gp = other->gp,
				  .goid = other->goid,
				  .creator_pc = other->creator,
				  .waker_goid = c->goid,
				  .waker_creator_pc = c->creator,
				  .wait_ns = 1000 + next_random() % 100000 };
	int r = m->take(m->arg, &gogo.h);

	if (!r)
		r = m->take(m->arg, &ready.h);
	return r ? r : m->take(m->arg, &park.h);
}

static int make_switches(struct maker *m, uint64_t count)
{
	int r = 0;

	m->now = 1000000000;
	m->left = count + ALIVE;
	for (unsigned i = 0; i < ALIVE && !r; i++)
		r = be_born(m, &m->c[i]);
	while (m->left > 2 && !r)
		r = switch_to(m, &m->c[next_random() % ALIVE]);
	return r;
}

/* --- many call stacks, as two kinds of programs read them ----------------------------------- */

#define FUNCTIONS   500
#define FRAMES	    20
#define FUNCTION(f) (0x480000 + (uint64_t)(f)*0x40)

/* Chains that share their roots, as real ones do: each frame has one of three callees. */
static void make_chain(uint64_t chain, uint64_t pc[FRAMES])
{
	uint64_t f = 0, way = chain * UINT64_C(0x9e3779b97f4a7c15);

	for (unsigned k = FRAMES; k-- > 0; way /= 3) {
		pc[k] = FUNCTION(f) + 1;
		f = (f * 7 + way % 3 * 31 + k + 1) % FUNCTIONS;
	}
}

static void put_perf_script(FILE *out, uint64_t now, const uint64_t pc[FRAMES])
{
	fprintf(out, "server %d %" PRIu64 ".%06" PRIu64 ":          1 growths: \n", PID,
		now / 1000000000, now / 1000 % 1000000);
	for (unsigned k = 0; k < FRAMES; k++)
		fprintf(out, "\t%16" PRIx64 " server.function%" PRIu64 " (/srv/server)\n", pc[k],
			(pc[k] - FUNCTION(0)) / 0x40);
	fputc('\n', out);
}

static int grow_at(struct maker *m, uint64_t chain, bool is_new, FILE *out)
{
	struct {
		struct ev_stack s;
		uint64_t pc[FRAMES];
	} stack = { .s.h = header(m, EV_STACK, sizeof(stack)),
		    .s.stack_id = chain + 1,
		    .s.depth = FRAMES };
	struct ev_copystack ev = { .h = header(m, EV_COPYSTACK, sizeof(ev)),
				   .gp = 0xc000000000,
				   .goid = 1 + next_random() % ALIVE,
				   .creator_pc = FUNCTION(FUNCTIONS) + 1,
				   .entry_pc = FUNCTION(0),
				   .old_size = 2048,
				   .new_size = 4096,
				   .used = 1500,
				   .duration_ns = 800 + next_random() % 500,
				   .stack_id = chain + 1 };
	int r;

	make_chain(chain, stack.pc);
	r = is_new ? m->take(m->arg, &stack.s.h) : 0;
	put_perf_script(out, m->now, stack.pc);
	return r ? r : m->take(m->arg, &ev.h);
}

static struct names *name_functions(void)
{
	struct names *n;
	char text[64];

	if (names_new(&n))
		errx(1, "no memory");
	for (unsigned f = 0; f <= FUNCTIONS; f++) {
		const struct name name = { text, "server.go", f + 1, false };

		snprintf(text, sizeof(text), f == FUNCTIONS ? "server.main" : "server.function%u",
			 f);
		if (names_add(n, PID, FUNCTION(f), &name, 1))
			errx(1, "no memory");
	}
	return n;
}

/* --- what takes them ----------------------------------------------------------------------- */

static int nothing(void *arg, const struct ev_header *ev)
{
	(void)ev;
	++*(uint64_t *)arg;
	return 0;
}

static int add_up(void *arg, const struct ev_header *ev)
{
	return aggregate_event(arg, ev);
}

struct recording {
	struct capture_writer *w;
	struct err e;
};

static int write_down(void *arg, const struct ev_header *ev)
{
	struct recording *r = arg;

	return capture_event(r->w, ev, &r->e);
}

static double now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double cpu_ns(void)
{
	return now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void print_cost(uint64_t records, double ns, const char *file)
{
	struct rusage usage;
	struct stat st;

	getrusage(RUSAGE_SELF, &usage);
	printf("records %" PRIu64 " ns %.1f rss_kib %ld", records, ns / (double)records,
	       usage.ru_maxrss);
	if (file && !stat(file, &st))
		printf(" bytes %.2f", (double)st.st_size / (double)records);
}

static void print_totals(struct aggregate *a)
{
	const struct totals *t = aggregate_totals(a);

	printf(" coroutines %" PRIu64 " growths %" PRIu64 " bytes_copied %" PRIu64, t->coroutines,
	       t->growths, t->bytes_copied);
}

static void check(int r, const struct err *e)
{
	if (r)
		errx(1, "%s", e ? e->text : strerror(-r));
}

static void bench_aggregate(uint64_t count)
{
	static struct maker empty, m;
	struct aggregate *a;
	uint64_t ignored = 0;
	double begin, making;

	empty.take = nothing;
	empty.arg = &ignored;
	begin = cpu_ns();
	make(&empty, count);
	making = cpu_ns() - begin;
	check(aggregate_new(&a), NULL);
	m.take = add_up;
	m.arg = a;
	begin = cpu_ns();
	check(make(&m, count), NULL);
	aggregate_finish(a);
	print_cost(count, cpu_ns() - begin - making, NULL);
	print_totals(a);
	aggregate_free(a);
}

typedef int make_fn(struct maker *m, uint64_t count);

static void bench_write(make_fn *make_all, uint64_t count, const char *file)
{
	static struct maker empty, m;
	struct run_info info = { .cpus = 8 };
	struct recording r;
	uint64_t ignored = 0;
	double begin, making;

	empty.take = nothing;
	empty.arg = &ignored;
	begin = cpu_ns();
	make_all(&empty, count);
	making = cpu_ns() - begin;
	begin = cpu_ns();
	check(capture_create(file, &info, &r.w, &r.e), &r.e);
	m.take = write_down;
	m.arg = &r;
	check(make_all(&m, count), &r.e);
	check(capture_close(r.w, NULL, &r.e), &r.e);
	print_cost(count, cpu_ns() - begin - making, file);
}

static void bench_stacks(uint64_t count, const char *file, const char *text)
{
	static struct maker m;
	struct names *n = name_functions();
	struct run_info info = { .cpus = 8 };
	FILE *out = fopen(text, "we");
	struct recording r;

	if (!out)
		err(1, "%s", text);
	check(capture_create(file, &info, &r.w, &r.e), &r.e);
	m.take = write_down;
	m.arg = &r;
	for (uint64_t i = 0; i < count; i++) {
		bool is_new = i < count / 5;

		check(grow_at(&m, is_new ? i : next_random() % (count / 5), is_new, out), &r.e);
	}
	check(capture_close(r.w, n, &r.e), &r.e);
	names_free(n);
	if (fclose(out))
		err(1, "%s", text);
	printf("records %" PRIu64, count);
}

static void time_program(char **argv)
{
	double begin = now_ns(CLOCK_MONOTONIC);
	struct rusage usage;
	pid_t pid = fork();
	int status;

	if (!pid) {
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
		errx(1, "%s failed", argv[0]);
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("ns %.0f wall %.0f rss_kib %ld",
	       1e9 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       1e3 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
	       now_ns(CLOCK_MONOTONIC) - begin, usage.ru_maxrss);
}

typedef void each_block_fn(void *arg, const struct capture_block *b);

/* Walks over a file from block to block. */
static void each_block(const char *file, each_block_fn *fn, void *arg)
{
	struct capture_input in;
	struct capture_walk walk;
	struct capture_block b;
	FILE *f = fopen(file, "re");
	int r;

	if (!f || capture_input_init(&in, fileno(f)))
		err(1, "%s", file);
	capture_walk_init(&walk);
	while ((r = capture_walk_next(&walk, &in, false, &b)) > 0)
		fn(arg, &b);
	check(r, NULL);
	capture_input_release(&in);
	fclose(f);
}

struct blocks {
	uint64_t records, bytes;
};

static void unpack(void *arg, const struct capture_block *b)
{
	static uint8_t raw[CAPTURE_MAX_RAW];
	struct blocks *sum = arg;

	sum->records += b->h.records;
	sum->bytes += b->h.raw_size;
	if (b->h.flags & CAPTURE_ZSTD)
		ZSTD_decompress(raw, b->h.raw_size, b->payload, b->h.stored_size);
}

/* What reading costs at least: zstd's own work, and the checksums. */
static void bench_unpack(const char *file)
{
	struct blocks sum = { 0 };
	double begin = cpu_ns();

	each_block(file, unpack, &sum);
	print_cost(sum.records, cpu_ns() - begin, file);
	printf(" raw %.2f", (double)sum.bytes / (double)sum.records);
}

static void put_frame(void *arg, const struct capture_block *b)
{
	if (b->h.flags & CAPTURE_ZSTD && !fwrite(b->payload, b->h.stored_size, 1, arg))
		err(1, "cannot write");
}

static void write_frames(const char *file, const char *to)
{
	FILE *out = fopen(to, "we");

	if (!out)
		err(1, "%s", to);
	each_block(file, put_frame, out);
	if (fclose(out))
		err(1, "%s", to);
}

static void bench_read(const char *file, bool report)
{
	struct capture_damage damage = { 0 };
	struct capture_reader *r;
	struct aggregate *a;
	struct names *n;
	struct err e;
	uint64_t records = 0;
	double begin = cpu_ns();

	check(aggregate_new(&a), NULL);
	check(names_new(&n), NULL);
	check(capture_open(file, &r, &e), &e);
	check(capture_read(r, n, report ? add_up : nothing, report ? (void *)a : &records, &damage,
			   &e),
	      &e);
	if (report) {
		struct render_context c = { .out = fopen("/dev/null", "w"),
					    .info = capture_info(r),
					    .aggregate = a,
					    .names = n,
					    .damage = &damage };

		aggregate_finish(a);
		if (c.out) {
			check(format_table.end(NULL, &c), NULL);
			fclose(c.out);
		}
		records = aggregate_totals(a)->events;
	}
	if (capture_is_damaged(&damage))
		errx(1, "the capture is damaged");
	print_cost(records, cpu_ns() - begin, file);
	print_totals(a);
	capture_reader_free(r);
	names_free(n);
	aggregate_free(a);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "aggregate"))
		bench_aggregate(strtoull(argv[2], NULL, 10));
	else if (argc == 4 && !strcmp(argv[1], "write"))
		bench_write(make, strtoull(argv[2], NULL, 10), argv[3]);
	else if (argc == 4 && !strcmp(argv[1], "switches"))
		bench_write(make_switches, strtoull(argv[2], NULL, 10), argv[3]);
	else if (argc == 5 && !strcmp(argv[1], "stacks"))
		bench_stacks(strtoull(argv[2], NULL, 10), argv[3], argv[4]);
	else if (argc > 2 && !strcmp(argv[1], "time"))
		time_program(argv + 2);
	else if (argc == 3 && !strcmp(argv[1], "unpack"))
		bench_unpack(argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "frames"))
		write_frames(argv[2], argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "read"))
		bench_read(argv[2], false);
	else if (argc == 3 && !strcmp(argv[1], "report"))
		bench_read(argv[2], true);
	else
		errx(2, "usage: formats_bench aggregate COUNT | write COUNT FILE | "
			"switches COUNT FILE | stacks COUNT FILE TEXT | time COMMAND... | "
			"unpack FILE | frames FILE TO | read FILE | report FILE");
	putchar('\n');
	return 0;
}
