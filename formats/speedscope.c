/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speedscope.c: growths by call chain as speedscope reads them: one JSON document,
 * speedscope.app/file-format-schema.json.
 *
 * There is a profile for each weight, all with the same frames and the one that --weight chooses
 * shown first.  The first frame of a stack is the go statement; what is known to be missing stands
 * under [lost], as in folded, and the totals are the same.  Stacks are sorted by nothing but
 * addresses: speedscope sorts them itself.
 *
 * Memory grows with distinct call chains, never with events.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/map.h"
#include "formats/chain.h"
#include "formats/render.h"
#include "formats/run_info.h"

/* Frames are the same if their texts are. */
struct frame {
	uint32_t number;
	const char *file;
	uint32_t line; /* of a go statement */
	UT_hash_handle hh;
	char name[];
};

struct sample {
	uint64_t weight[WEIGHT_COUNT];
	size_t first, depth; /* in struct profile's stack */
};

struct profile {
	const struct render_context *c;
	struct frame *frames;
	struct sample *samples;
	size_t count, room;
	uint32_t *stack; /* of all samples, one behind the other */
	size_t depth, stack_room;
};

static void release(struct profile *p)
{
	struct frame *f, *next;

	HASH_ITER(hh, p->frames, f, next) {
		HASH_DEL(p->frames, f);
		free(f);
	}
	free(p->samples);
	free(p->stack);
}

/* Room for one more; array, or NULL. */
static void *more(void *array, size_t count, size_t *room, size_t size)
{
	size_t wanted = *room ? 2 * *room : 64;

	if (count < *room)
		return array;
	array = reallocarray(array, wanted, size);
	if (array)
		*room = wanted;
	return array;
}

static struct frame *get_frame(struct profile *p, const struct chain_frame *c)
{
	char *label = chain_label(c);
	size_t len = label ? strlen(label) : 0;
	struct frame *f = NULL;

	if (!label)
		return NULL;
	HASH_FIND(hh, p->frames, label, len, f);
	if (!f && (f = malloc(sizeof(*f) + len + 1))) {
		f->number = HASH_COUNT(p->frames);
		f->file = c->site.file;
		f->line = c->kind == CHAIN_CREATOR ? c->site.line : 0;
		memcpy(f->name, label, len + 1);
		HASH_ADD(hh, p->frames, name, len, f);
		if (!map_added(f)) {
			free(f);
			f = NULL;
		}
	}
	free(label);
	return f;
}

static int push(void *arg, const struct chain_frame *c)
{
	struct profile *p = arg;
	struct frame *f = get_frame(p, c);
	uint32_t *stack = f ? more(p->stack, p->depth, &p->stack_room, sizeof(*stack)) : NULL;

	if (!stack)
		return -ENOMEM;
	p->stack = stack;
	p->stack[p->depth++] = f->number;
	return 0;
}

/* A sample of what is pushed from now on. */
static struct sample *add_sample(struct profile *p)
{
	struct sample *s = more(p->samples, p->count, &p->room, sizeof(*s));

	if (!s)
		return NULL;
	p->samples = s;
	s += p->count++;
	*s = (struct sample){ .first = p->depth };
	return s;
}

static int add_stack(void *arg, const struct stack_row *row)
{
	struct profile *p = arg;
	struct sample *s = add_sample(p);
	int r;

	if (!s)
		return -ENOMEM;
	for (enum weight w = 0; w < WEIGHT_COUNT; w++)
		s->weight[w] = stack_row_weight(row, w);
	r = chain_each(p->c->names, row, push, p);
	s->depth = p->depth - s->first;
	return r;
}

/* It is not known what lost growths would have weighed but as growths. */
static int add_lost(struct profile *p, const char *reason, uint64_t count)
{
	struct chain_frame root = { CHAIN_NOTE, { .function = "[lost]", .file = "" } }, f = root;
	struct sample *s;
	char *note;
	int r;

	if (!count)
		return 0;
	if (asprintf(&note, "[%s]", reason) < 0)
		return -ENOMEM;
	f.site.function = note;
	s = add_sample(p);
	r = !s ? -ENOMEM : push(p, &root) ? -ENOMEM : push(p, &f);
	free(note);
	if (r)
		return r;
	s->weight[WEIGHT_GROWTHS] = count;
	s->depth = 2;
	return 0;
}

static int add_losses(struct profile *p)
{
	const struct totals *t = aggregate_totals(p->c->aggregate);
	int r = 0;

	for (unsigned i = 0; i < EV_LOST_LIMIT && !r; i++)
		r = add_lost(p, lost_reason_name(i), t->lost[i]);
	if (!r && p->c->damage)
		r = add_lost(p, "capture damaged", p->c->damage->missing_records);
	return r;
}

static void put_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, "\"%s\":\"", key);
	escape_put(out, text, ESCAPE_JSON);
	fputc('"', out);
}

static void put_frames(const struct profile *p)
{
	FILE *out = p->c->out;

	fputs("\"shared\":{\"frames\":[", out);
	for (const struct frame *f = p->frames; f; f = f->hh.next) { /* in order of number */
		fputs(f->number ? ",\n{" : "\n{", out);
		put_text(out, "name", f->name);
		if (*f->file) {
			fputc(',', out);
			put_text(out, "file", f->file);
		}
		if (f->line)
			fprintf(out, ",\"line\":%" PRIu32, f->line);
		fputc('}', out);
	}
	fputs("\n]},\n", out);
}

/* Readers know no larger integers. */
static uint64_t value(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : n;
}

static void put_samples(const struct profile *p, enum weight w)
{
	FILE *out = p->c->out;
	const char *between = "";

	fputs("\"samples\":[", out);
	for (const struct sample *s = p->samples; s < p->samples + p->count; s++) {
		if (!s->weight[w])
			continue;
		fprintf(out, "%s[", between);
		for (size_t i = 0; i < s->depth; i++)
			fprintf(out, i ? ",%" PRIu32 : "%" PRIu32, p->stack[s->first + i]);
		fputc(']', out);
		between = ",\n";
	}
}

static void put_profile(const struct profile *p, enum weight w)
{
	static const char *const units[WEIGHT_COUNT] = { "none", "bytes", "nanoseconds", "bytes" };
	FILE *out = p->c->out;
	const char *between = "";
	uint64_t sum = 0;

	for (size_t i = 0; i < p->count; i++)
		if (__builtin_add_overflow(sum, p->samples[i].weight[w], &sum))
			sum = UINT64_MAX;
	fprintf(out,
		"{\"type\":\"sampled\",\"name\":\"%s\",\"unit\":\"%s\",\"startValue\":0,"
		"\"endValue\":%" PRIu64 ",\n",
		weight_name(w), units[w], value(sum));
	put_samples(p, w);
	fputs("],\n\"weights\":[", out);
	for (size_t i = 0; i < p->count; i++) {
		if (!p->samples[i].weight[w])
			continue;
		fprintf(out, "%s%" PRIu64, between, value(p->samples[i].weight[w]));
		between = ",";
	}
	fputs("]}", out);
}

static int speedscope_end(void *state, const struct render_context *c)
{
	struct profile p = { .c = c };
	int r = aggregate_each_stack(c->aggregate, add_stack, &p);

	(void)state;
	if (!r)
		r = add_losses(&p);
	if (!r) {
		fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n",
		      c->out);
		put_text(c->out, "exporter", "stacktrace " ST_VERSION);
		fputc(',', c->out);
		put_text(c->out, "name", c->info->command);
		fprintf(c->out, ",\"activeProfileIndex\":%d,\n", (int)c->weight);
		put_frames(&p);
		fputs("\"profiles\":[\n", c->out);
		for (enum weight w = 0; w < WEIGHT_COUNT; w++) {
			if (w)
				fputs(",\n", c->out);
			put_profile(&p, w);
		}
		fputs("\n]}\n", c->out);
	}
	release(&p);
	return r;
}

const struct format format_speedscope = {
	.name = "speedscope",
	.summary = "flame graphs of all weights for speedscope",
	.end = speedscope_end,
};
