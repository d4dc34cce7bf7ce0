/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/intake.h"

#include <errno.h>
#include <stddef.h>

#include "base/err.h"
#include "cli/offline.h"
#include "cli/progress.h"
#include "cli/view.h"
#include "formats/aggregate.h"
#include "formats/names.h"

int intake_init(struct intake *in, struct err *e)
{
	*in = (struct intake){ 0 };
	if (aggregate_new(&in->aggregate) || names_new(&in->names))
		return err_sys(e, ENOMEM, "cannot start");
	return 0;
}

void intake_release(struct intake *in)
{
	for (unsigned i = 0; i < INTAKE_VIEWS; i++)
		view_close(in->view[i], NULL);
	filter_free(in->filter);
	aggregate_free(in->aggregate);
	names_free(in->names);
	offline_free(in->offline);
	*in = (struct intake){ 0 };
}

int intake_begin(struct intake *in, const struct filter_spec *spec, const struct run_info *info,
		 const struct capture_damage *damage)
{
	int r = filter_new(spec, info, in->aggregate, in->names, &in->filter);

	for (unsigned i = 0; i < INTAKE_VIEWS && !r; i++) {
		if (!in->view[i])
			continue;
		view_bind(in->view[i], info, in->aggregate, in->names, damage);
		r = view_begin(in->view[i]);
	}
	return r;
}

int intake_find_names(struct intake *in, const char *sysroot, const struct run_info *info)
{
	int r = offline_new(sysroot, info, &in->offline);

	if (!r)
		offline_attach(in->offline, in->names);
	return r;
}

#define SHOW_EVERY 65536 /* events */

static void show_progress(struct intake *in)
{
	uint64_t done, all;

	in->events = 0;
	capture_position(in->reader, &done, &all);
	progress_show(done, all);
}

int intake_event(void *arg, const struct ev_header *ev)
{
	struct intake *in = arg;
	enum filter_verdict v;
	int r;

	if (in->reader && ++in->events == SHOW_EVERY)
		show_progress(in);
	if (in->offline)
		offline_event(in->offline, ev);
	v = filter_event(in->filter, ev);
	r = aggregate_take(in->aggregate, ev, v);

	if (r || v < FILTER_FACT)
		return r;
	for (unsigned i = 0; i < INTAKE_VIEWS && !r; i++)
		if (in->view[i])
			r = view_event(in->view[i], ev);
	return !r && in->view[0] && view_failed(in->view[0]) ? -EIO : r;
}

int intake_end(struct intake *in)
{
	int r = 0;

	aggregate_finish(in->aggregate);
	for (unsigned i = 0; i < INTAKE_VIEWS && !r; i++)
		if (in->view[i])
			r = view_end(in->view[i]);
	return r;
}

int intake_load(struct intake *in, const char *path, const struct filter_spec *spec,
		struct capture_reader **ret_reader, struct capture_damage *damage, struct err *e)
{
	struct capture_reader *reader;
	int r = capture_open(path, &reader, e);

	if (r)
		return r;
	e->text[0] = '\0';
	in->reader = reader;
	progress_start(path);
	r = intake_find_names(in, NULL, capture_info(reader));
	if (!r)
		r = intake_begin(in, spec, capture_info(reader), damage);
	if (!r)
		r = capture_read(reader, in->names, intake_event, in, damage, e);
	progress_end();
	in->reader = NULL;
	if (!r)
		r = intake_end(in);
	if (r) {
		capture_reader_free(reader);
		return e->text[0] ? r : err_sys(e, -r, "cannot read '%s'", path);
	}
	*ret_reader = reader;
	return 0;
}
