/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

struct view {
	const struct format *format;
	void *state;
	struct render_context context;
	struct output output;
};

int view_check(const struct view_options *o, FILE *fallback, struct err *e)
{
	FILE *f = !o->path ? fallback : !strcmp(o->path, "-") ? stdout : NULL;

	if (!o->format->binary || !f || (f != stderr && !isatty(fileno(f))))
		return 0;
	err_set(e, EINVAL, "the format '%s' is not text, and standard %s %s", o->format->name,
		f == stdout ? "output" : "error",
		isatty(fileno(f)) ? "is a terminal" : "is for messages");
	err_hint(e, "write it to a file: --output=FILE");
	return -EINVAL;
}

int view_open(const struct view_options *o, FILE *fallback, struct view **ret, struct err *e)
{
	int r = view_check(o, fallback, e);
	struct view *v = r ? NULL : calloc(1, sizeof(*v));

	if (r)
		return r;
	if (!v)
		return err_sys(e, ENOMEM, "cannot start the output");
	v->format = o->format;
	v->context.top = o->top;
	v->context.weight = o->weight;
	v->context.breakdown = o->breakdown;
	v->context.min_percent = o->min_percent;
	v->state = calloc(1, o->format->state_size ? o->format->state_size : 1);
	if (!v->state)
		r = err_sys(e, ENOMEM, "cannot start the output");
	else
		r = output_open(o->path, fallback, &v->output, e);
	if (r) {
		free(v->state);
		free(v);
		return r;
	}
	output_describe(&v->output, &v->context);
	*ret = v;
	return 0;
}

void view_bind(struct view *v, const struct run_info *info, struct aggregate *a, struct names *n,
	       const struct capture_damage *damage)
{
	v->context.info = info;
	v->context.aggregate = a;
	v->context.names = n;
	v->context.damage = damage;
}

int view_begin(struct view *v)
{
	return v->format->begin ? v->format->begin(v->state, &v->context) : 0;
}

int view_event(struct view *v, const struct ev_header *ev)
{
	return v->format->event ? v->format->event(v->state, &v->context, ev) : 0;
}

int view_end(struct view *v)
{
	return v->format->end ? v->format->end(v->state, &v->context) : 0;
}

bool view_failed(const struct view *v)
{
	return ferror(v->output.file);
}

int view_close(struct view *v, struct err *e)
{
	int r;

	if (!v)
		return 0;
	r = output_close(&v->output, e);
	if (v->format->release)
		v->format->release(v->state);
	free(v->state);
	free(v);
	return r;
}
