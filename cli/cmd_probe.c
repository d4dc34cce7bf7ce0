/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_probe.c: stacktrace probe, what the planner makes of a program.
 *
 * It needs no privilege for a file, and for a process that of reading its executable.
 */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/parse.h"
#include "bpf/plan.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/dry_run.h"
#include "cli/launch.h"
#include "cli/options.h"
#include "formats/json_parts.h"
#include "symbols/image.h"
#include "symbols/insn_x86.h"
#include "symbols/target.h"

struct probe {
	const char *file;
	uint64_t pid; /* 0: none */
	bool json;
	struct image *img;
	struct target target;
	struct plan plan;
	char path[64]; /* of the process's executable */
};

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "Look at the program of this process", 0 },
	{ "format", 'f', "NAME", 0, "table (default) or json", 0 },
	{ 0 },
};

static void set_pid(struct argp_state *state, const char *text, uint64_t *ret)
{
	struct err e;

	if (parse_u64("--pid", text, 1, INT32_MAX, ret, &e))
		argp_error(state, "%s", e.text);
}

static void set_format(struct argp_state *state, const char *text, bool *ret)
{
	static const char *const words[] = { "table", "json", NULL };
	unsigned v = 0;
	struct err e;

	if (parse_choice("--format", text, words, &v, &e))
		argp_error(state, "%s", e.text);
	*ret = v == 1;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct probe *p = state->input;

	switch (key) {
	case 'p':
		set_pid(state, arg, &p->pid);
		return 0;
	case 'f':
		set_format(state, arg, &p->json);
		return 0;
	case ARGP_KEY_ARG:
		if (p->file)
			argp_error(state, "one program at a time");
		p->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!p->file == !p->pid)
			argp_error(state, "a program or --pid is needed%s",
				   p->file ? ", not both" : "");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PROGRAM",
	.doc = "Show which instruction each probe would sit on, its cost class, which registers "
	       "it reads, where the offsets in a coroutine's descriptor come from, and what is "
	       "missing and why.  Runs nothing and attaches nothing.\v",
};

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *reg(enum target_reg r)
{
	return r < 16 ? json_string(target_reg_name(r)) : json_null();
}

static json_t *field_object(const struct target *t, enum target_field f)
{
	const struct json_member m[] = {
		{ "name", json_string(target_field_name(f)) },
		{ "offset", t->field[f] < 0 ? json_null() : json_integer(t->field[f]) },
		{ "origin", json_string(target_origin_name(t->origin[f])) },
	};

	return JSON_OBJECT(m);
}

static json_t *point_object(const struct plan_point *p)
{
	const struct json_member m[] = {
		{ "name", json_string(probe_name(p->probe)) },
		{ "present", json_boolean(p->present) },
		{ "function", p->present ? json_text(p->function, ESCAPE_FIELD) : json_null() },
		{ "address", p->present ? json_number(p->vaddr) : json_null() },
		{ "offset", p->present ? json_number(p->offset) : json_null() },
		{ "instruction", p->present ? json_text(p->insn, ESCAPE_TEXT) : json_null() },
		{ "cost", p->present ? json_string(cost_class_name(p->cost)) : json_null() },
		{ "coroutine", reg(p->coroutine) },
		{ "value", reg(p->new_size) },
		{ "may_repeat", json_boolean(p->may_repeat) },
		{ "missing", p->present ? json_null() : json_text(p->missing, ESCAPE_TEXT) },
	};

	return JSON_OBJECT(m);
}

static json_t *fields_array(const struct target *t)
{
	json_t *a = json_array();
	bool bad = !a;

	for (int i = 0; i < FIELD_COUNT && !bad; i++)
		bad = json_array_append_new(a, field_object(t, i));
	return bad ? NULL : a;
}

static json_t *points_array(const struct plan *plan)
{
	json_t *a = json_array();
	bool bad = !a;

	for (int i = 0; i < EV_PROBE_COUNT && !bad; i++)
		bad = json_array_append_new(a, point_object(&plan->point[i]));
	return bad ? NULL : a;
}

static json_t *nops_array(const struct plan *plan)
{
	json_t *a = json_array();
	bool bad = !a;

	for (int i = 0; i < NOP_COUNT && plan->has_nops && !bad; i++)
		bad = json_array_append_new(a, point_object(&plan->nop[i]));
	return bad ? NULL : a;
}

static json_t *reasons_array(const struct target *t)
{
	json_t *a = json_array();
	bool bad = !a;

	for (unsigned i = 0; i < t->reasons && !bad; i++)
		bad = json_array_append_new(a, json_text(t->reason[i], ESCAPE_FIELD));
	return bad ? NULL : a;
}

static int print_json(const struct probe *p, bool traceable)
{
	const struct target *t = &p->target;
	const struct json_member m[] = {
		{ "path", json_text(image_path(p->img), ESCAPE_TEXT) },
		{ "pid", p->pid ? json_number(p->pid) : json_null() },
		{ "runtime", json_text(t->runtime, ESCAPE_TEXT) },
		{ "version", json_text(t->version, ESCAPE_TEXT) },
		{ "version_known", json_boolean(t->version_known) },
		{ "traceable", json_boolean(traceable) },
		{ "warning", t->warning[0] ? json_text(t->warning, ESCAPE_TEXT) : json_null() },
		{ "fields", fields_array(t) },
		{ "probes", points_array(&p->plan) },
		{ "nops", nops_array(&p->plan) },
		{ "no_nops",
		  p->plan.has_nops ? json_null() : json_text(p->plan.no_nops, ESCAPE_TEXT) },
		{ "reasons", reasons_array(t) },
	};
	json_t *root = JSON_OBJECT(m);
	int r = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;

	json_decref(root);
	putchar('\n');
	/* what the stream says of its failures is seen when it is closed */
	return r && !ferror(stdout) ? -ENOMEM : 0;
}

/* --- the process ----------------------------------------------------------------------------- */

static int explain_process(const struct probe *p, int code, struct err *e)
{
	char dir[32];

	snprintf(dir, sizeof(dir), "/proc/%d", (int)p->pid);
	if (access(dir, F_OK))
		return err_set(e, ESRCH, "there is no process %d", (int)p->pid);
	if (code == ENOENT)
		return err_set(e, ENOEXEC,
			       "process %d has no program: it is a kernel thread, or has ended",
			       (int)p->pid);
	err_set(e, code, "cannot see the program of process %d: %s", (int)p->pid, strerror(code));
	err_hint(e, "it belongs to another user: run as root");
	return -code;
}

static int open_program(struct probe *p, struct err *e)
{
	char target[8], *found = NULL;
	int r;

	if (p->pid) {
		snprintf(p->path, sizeof(p->path), "/proc/%d/exe", (int)p->pid);
		if (readlink(p->path, target, sizeof(target)) < 0)
			return explain_process(p, errno, e);
		return image_open(p->path, &p->img, e);
	}
	r = launch_find_program(p->file, &found, e);
	if (!r)
		r = image_open(found, &p->img, e);
	free(found);
	return r;
}

static int look(struct probe *p, struct err *e)
{
	bool traceable;
	int r = open_program(p, e);

	if (!r)
		r = target_describe(p->img, &p->target, e);
	if (!r)
		r = plan_survey(p->img, &p->target, &p->plan, e);
	if (r)
		return r;
	r = plan_check(p->img, &p->target, &p->plan, e);
	traceable = !r;
	if (p->json)
		return print_json(p, traceable) ? err_sys(e, ENOMEM, "cannot print") : r;
	if (p->target.warning[0])
		diag_warning("%s", p->target.warning);
	dry_run_print(stdout, image_path(p->img), &p->target, &p->plan, NULL);
	return r;
}

int cmd_probe(int argc, char **argv)
{
	struct probe p = { .file = NULL };
	struct err e;
	int r;

	options_parse(&argp, argc, argv, 0, &p);
	r = look(&p, &e);
	if (r)
		diag_err(&e);
	image_free(p.img);
	return r ? EXIT_OWN_FAILURE : EXIT_OK;
}
