/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/diag.h"
#include "cli/proc.h"
#include "cli/session.h"
#include "symbols/image.h"

static struct program_id id_of(const struct stat *st)
{
	return (struct program_id){ st->st_dev, st->st_ino, st->st_size, st->st_mtim };
}

bool program_same(const struct program_id *a, const struct program_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

int program_id_of(pid_t pid, struct program_id *ret)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (stat(path, &st))
		return -errno;
	*ret = id_of(&st);
	return 0;
}

static struct program *make(void)
{
	struct program *p = calloc(1, sizeof(*p));

	if (p)
		p->fd = -1;
	return p;
}

int program_open(const char *path, struct program **ret, struct err *e)
{
	struct program *p = make();
	struct stat st;
	int r;

	if (!p)
		return err_sys(e, ENOMEM, "cannot open '%s'", path);
	p->name = strdup(path);
	p->path = strdup(path);
	r = p->name && p->path ? image_open(path, &p->img, e)
			       : err_sys(e, ENOMEM, "cannot open '%s'", path);
	if (r) {
		program_free(p);
		return r;
	}
	if (!stat(path, &st))
		p->id = id_of(&st);
	*ret = p;
	return 0;
}

/*
 * The file is opened once and held: the process may end, and its path may by then lead to another
 * file.
 */
int program_open_running(pid_t pid, struct program **ret, struct err *e)
{
	struct program *p = make();
	char path[64];
	struct stat st;
	int r;

	if (!p)
		return err_sys(e, ENOMEM, "cannot trace process %d", pid);
	r = proc_open_exe(pid, &p->fd, e);
	if (!r && (fstat(p->fd, &st) || proc_exe(pid, &p->name) ||
		   asprintf(&p->path, "/proc/self/fd/%d", p->fd) < 0))
		r = err_sys(e, errno ? errno : ENOMEM, "cannot trace process %d", pid);
	if (!r) {
		p->id = id_of(&st);
		snprintf(path, sizeof(path), "/proc/%d/exe", pid); /* for messages */
		r = image_open(path, &p->img, e);
	}
	if (r) {
		program_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

int program_describe(struct program *p, struct err *e)
{
	int r = target_describe(p->img, &p->target, e);

	if (!r)
		r = plan_make(p->img, &p->target, &p->plan, e);
	return r == -ENOENT ? -ENODATA : r; /* the program is there, its runtime is not */
}

int program_open_source(struct program *p, const struct session_options *o, struct err *e)
{
	struct source_options probes = o->probes;
	bool only_bpf = o->source == SOURCE_BPF || o->follow || o->pid_count;
	struct err why;
	int r;

	probes.path = p->fd >= 0 ? p->path : NULL;
	probes.only_tracked = p->only_tracked = o->follow || p->processes > 1;
	if (o->source == SOURCE_RING) {
		if (!p->target.own_ring) {
			err_set(e, ENOTSUP, "'%s' cannot write a ring itself: its runtime is %s",
				p->name, p->target.runtime);
			err_hint(e, "use --source=bpf, which works for any runtime");
			return -ENOTSUP;
		}
		return source_ring_open(&p->target, &probes, &p->source, e);
	}
	r = source_bpf_open(p->img, &p->target, &p->plan, &probes, &p->source, &why);
	if (!r)
		return 0;
	if (only_bpf || !p->target.own_ring) {
		*e = why;
		return r;
	}
	if (!o->quiet)
		diag_note("using the program's own ring: %s", why.text);
	return source_ring_open(&p->target, &probes, &p->source, e);
}

void program_free(struct program *p)
{
	if (!p)
		return;
	source_free(p->source);
	image_free(p->img);
	if (p->fd >= 0)
		close(p->fd);
	free(p->path);
	free(p->name);
	free(p);
}
