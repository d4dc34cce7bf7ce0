/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_dump.c: stacktrace dump, a capture as it is: header, blocks, names, records, each field by
 * name.
 *
 * JSON is one object a line, so that it can be read while it is written, whatever the size.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/escape.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "cli/output.h"
#include "formats/capture.h"
#include "formats/event_fields.h"
#include "formats/names.h"
#include "formats/run_info.h"

struct dump {
	const char *path;
	struct plain_options how;
	FILE *out;
	struct names *names;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct dump *d = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &d->how;
		return 0;
	case ARGP_KEY_ARG:
		if (d->path)
			argp_error(state, "only one capture at a time, but also '%s'", arg);
		d->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no capture file to dump");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &plain_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = {
	.parser = parse,
	.children = children,
	.args_doc = "CAPTURE",
	.doc = "Print what is in a capture file, as it is: the blocks, the records with all their "
	       "fields, the names.  CAPTURE may be '-' for standard input.",
};

/* --- one field, either way ----------------------------------------------------------------- */

static void put_key(const struct dump *d, const char *key)
{
	fprintf(d->out, d->how.json ? ",\"%s\":" : " %s=", key);
}

static void put_number(const struct dump *d, const char *key, uint64_t n)
{
	put_key(d, key);
	fprintf(d->out, "%" PRIu64, n);
}

static void put_text(const struct dump *d, const char *key, const char *text)
{
	char *safe = escape_dup(text, ESCAPE_FIELD);

	put_key(d, key);
	fputc('"', d->out);
	/* what escaping leaves of JSON's own special characters is its backslash */
	for (const char *p = safe ? safe : "[no memory]"; *p; p++) {
		if (*p == '\\' && d->how.json)
			fputc('\\', d->out);
		fputc(*p, d->out);
	}
	fputc('"', d->out);
	free(safe);
}

static void begin_line(const struct dump *d, const char *type)
{
	fprintf(d->out, d->how.json ? "{\"type\":\"%s\"" : "%s", type);
}

static void end_line(const struct dump *d)
{
	fputs(d->how.json ? "}\n" : "\n", d->out);
}

/* --- records ------------------------------------------------------------------------------- */

static void put_value(const struct dump *d, const struct event_field *f, uint64_t v)
{
	fprintf(d->out, !d->how.json && f->type == FIELD_ADDRESS ? "0x%" PRIx64 : "%" PRIu64, v);
}

static void put_array(const struct dump *d, const struct event_field *f, const struct ev_header *ev,
		      size_t count)
{
	fputc('[', d->out);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? "," : "", d->out);
		put_value(d, f, event_field_value(f, ev, i));
	}
	fputc(']', d->out);
}

static int put_chars(const struct dump *d, const struct event_field *f, const struct ev_header *ev,
		     size_t len)
{
	char *text = strndup((const char *)ev + f->offset, len);

	if (!text)
		return -ENOMEM;
	put_text(d, f->name, text);
	free(text);
	return 0;
}

static int put_field(const struct dump *d, const struct event_field *f, const struct ev_header *ev)
{
	size_t count = event_field_count(f, ev);

	if (f->type == FIELD_TEXT)
		return put_chars(d, f, ev, count);
	put_key(d, f->name);
	if (f->count == 1 && count)
		put_value(d, f, event_field_value(f, ev, 0));
	else
		put_array(d, f, ev, count);
	return 0;
}

static int event(void *arg, const struct ev_header *ev)
{
	const struct dump *d = arg;
	const char *kind = event_kind_name(ev->kind);
	int r = 0;

	begin_line(d, "record");
	put_text(d, "event", kind ? kind : "unknown");
	put_number(d, "number", ev->kind);
	put_number(d, "size", ev->size);
	put_number(d, "cpu", ev->cpu);
	put_number(d, "time_ns", ev->time_ns);
	put_number(d, "pid", ev->pid);
	put_number(d, "tid", ev->tid);
	for (const struct event_field *f = event_fields(ev->kind); f->name && !r; f++)
		r = put_field(d, f, ev);
	end_line(d);
	return !r && ferror(d->out) ? -EIO : r;
}

/* --- the rest ------------------------------------------------------------------------------ */

static void block(void *arg, const struct capture_block_info *b)
{
	const struct dump *d = arg;
	const char *kind = capture_kind_name(b->kind);

	begin_line(d, "block");
	put_number(d, "offset", b->offset);
	put_text(d, "kind", kind && b->known ? kind : "unknown");
	put_number(d, "number", b->number);
	put_number(d, "kind_number", b->kind);
	put_number(d, "flags", b->flags);
	put_number(d, "stored_size", b->stored_size);
	put_number(d, "raw_size", b->raw_size);
	put_number(d, "records", b->records);
	put_number(d, "first_ns", b->first_ns);
	put_number(d, "last_ns", b->last_ns);
	end_line(d);
}

static int name(void *arg, uint32_t pid, uint64_t addr, const struct name *v, size_t count)
{
	const struct dump *d = arg;

	for (size_t i = 0; i < count; i++) {
		begin_line(d, "name");
		put_number(d, "pid", pid);
		put_key(d, "address");
		fprintf(d->out, d->how.json ? "%" PRIu64 : "0x%" PRIx64, addr);
		put_number(d, "place", i);
		put_text(d, "function", v[i].function);
		put_text(d, "file", v[i].file);
		put_number(d, "line", v[i].line);
		put_number(d, "inlined", v[i].inlined);
		end_line(d);
	}
	return ferror(d->out) ? -EIO : 0;
}

static void put_header(const struct dump *d, const struct capture_reader *r)
{
	const struct capture_version v = capture_version_of(r);
	const struct run_info *i = capture_info(r);
	const struct {
		const char *key, *value;
	} text[] = {
		{ "tool_version", i->tool_version },
		{ "hostname", i->hostname },
		{ "kernel", i->kernel },
		{ "command", i->command },
		{ "target", i->target },
		{ "build_id", i->build_id },
		{ "runtime", i->runtime },
		{ "version", i->version },
		{ "source", i->source },
		{ "link", i->link },
		{ "offsets", i->offsets },
		{ "warnings", i->warnings },
	};

	begin_line(d, "capture");
	put_number(d, "major", v.major);
	put_number(d, "minor", v.minor);
	for (size_t k = 0; k < sizeof(text) / sizeof(text[0]); k++)
		put_text(d, text[k].key, text[k].value);
	put_number(d, "start_realtime_ns", i->start_realtime_ns);
	put_number(d, "start_monotonic_ns", i->start_monotonic_ns);
	put_number(d, "pair_ns", i->pair_ns);
	put_number(d, "hit_ns", i->hit_ns);
	put_number(d, "cpus", i->cpus);
	end_line(d);
}

static void put_damage(const struct dump *d, const struct capture_damage *v)
{
	begin_line(d, "damage");
	put_number(d, "truncated", v->truncated);
	put_number(d, "bad_blocks", v->bad_blocks);
	put_number(d, "skipped_bytes", v->skipped_bytes);
	put_number(d, "unknown_blocks", v->unknown_blocks);
	put_number(d, "bad_records", v->bad_records);
	put_number(d, "missing_records", v->missing_records);
	end_line(d);
}

static int show(struct dump *d, struct capture_reader *reader, struct err *e)
{
	struct capture_damage damage;
	struct output out;
	int r = output_open(d->how.to, stdout, &out, e), w;

	if (r)
		return r;
	d->out = out.file;
	e->text[0] = '\0';
	put_header(d, reader);
	capture_on_block(reader, block, d);
	r = capture_read(reader, d->names, event, d, &damage, e);
	if (!r)
		r = names_each(d->names, name, d);
	if (!r)
		put_damage(d, &damage);
	if (r == -ENOMEM && !e->text[0])
		return err_sys(e, ENOMEM, "cannot read '%s'", d->path);
	w = r && e->text[0] ? 0 : output_close(&out, e);
	return w ? w : r;
}

int cmd_dump(int argc, char **argv)
{
	struct dump d = { .path = NULL };
	struct capture_reader *reader = NULL;
	struct err e;
	int r;

	options_parse(&argp, argc, argv, 0, &d);
	argp_err_exit_status = EXIT_OWN_FAILURE;
	r = names_new(&d.names) ? err_sys(&e, ENOMEM, "cannot start")
				: capture_open(d.path, &reader, &e);
	if (!r)
		r = show(&d, reader, &e);
	if (r == -EPIPE)
		r = 0; /* the reader left; main ends as SIGPIPE would */
	if (r)
		diag_err(&e);
	capture_reader_free(reader);
	names_free(d.names);
	return r ? EXIT_OWN_FAILURE : EXIT_OK;
}
