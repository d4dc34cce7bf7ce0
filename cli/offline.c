/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/offline.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/event.h"
#include "base/map.h"
#include "cli/diag.h"
#include "cli/resolver.h"
#include "formats/names.h"
#include "formats/run_info.h"
#include "symbols/image.h"

#define MAX_PATH    4096
#define MAX_PROGRAM 1024 /* a hostile capture may name many */

/* A program file, looked for once. */
struct program {
	char *path; /* as recorded */
	bool tried;
	struct image *img; /* NULL: not found */
	UT_hash_handle hh;
};

struct process {
	uint32_t pid;
	bool mapped;
	uint64_t load_bias;
	struct program *program;
	UT_hash_handle hh;
};

struct offline {
	const char *sysroot;
	const struct run_info *info;
	struct program *programs;
	struct process *processes;
};

int offline_new(const char *sysroot, const struct run_info *info, struct offline **ret)
{
	struct offline *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->sysroot = sysroot;
	o->info = info;
	*ret = o;
	return 0;
}

void offline_free(struct offline *o)
{
	struct program *g, *next_program;
	struct process *p, *next;

	if (!o)
		return;
	HASH_ITER(hh, o->processes, p, next) {
		HASH_DEL(o->processes, p);
		free(p);
	}
	HASH_ITER(hh, o->programs, g, next_program) {
		HASH_DEL(o->programs, g);
		image_free(g->img);
		free(g->path);
		free(g);
	}
	free(o);
}

/* --- files --------------------------------------------------------------------------------- */

static bool climbs(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (!p[2] || p[2] == '/'))
			return true;
	return false;
}

/* The file if it is the one: build_id "" fits any. */
static struct image *try_file(const char *path, const char *build_id)
{
	struct image *img = NULL;
	struct stat st;

	if (stat(path, &st) || !S_ISREG(st.st_mode) || image_open_symbols(path, &img, NULL))
		return NULL;
	if (!*build_id || !strcmp(build_id, image_build_id(img)))
		return img;
	image_free(img);
	return NULL;
}

static struct image *try_debug(const char *root, const char *where, const char *build_id)
{
	char path[MAX_PATH];

	if (strlen(build_id) < 3 || build_id[strspn(build_id, "0123456789abcdef")])
		return NULL;
	if ((size_t)snprintf(path, sizeof(path), "%s%s/.build-id/%.2s/%s.debug", root, where,
			     build_id, build_id + 2) >= sizeof(path))
		return NULL;
	return try_file(path, build_id);
}

static struct image *try_below(const char *root, const char *recorded, const char *build_id)
{
	const char *base = strrchr(recorded, '/');
	char path[MAX_PATH];
	struct image *img = NULL;

	if (!*recorded || climbs(recorded))
		return NULL;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", root, recorded) < sizeof(path))
		img = try_file(path, build_id);
	if (!img && base &&
	    (size_t)snprintf(path, sizeof(path), "%s/%s", root, base + 1) < sizeof(path))
		img = try_file(path, build_id);
	return img;
}

/* The build id is known of the program that the recording was begun with. */
static void look_for(struct offline *o, struct program *g)
{
	bool main_program = !strcmp(g->path, o->info->target);
	const char *id = main_program ? o->info->build_id : "";
	const char *root = o->sysroot ? o->sysroot : "";

	g->tried = true;
	g->img = try_debug(root, "/usr/lib/debug", id);
	if (!g->img && o->sysroot)
		g->img = try_debug(root, "", id);
	if (!g->img && o->sysroot)
		g->img = try_below(root, g->path, id);
	if (g->img || !o->sysroot)
		return;
	if (*id)
		diag_warning("nothing below '%s' is '%s' with build id %s: its functions stay "
			     "addresses",
			     o->sysroot, g->path, id);
	else
		diag_warning("nothing below '%s' is '%s': its functions stay addresses", o->sysroot,
			     g->path);
}

/* --- processes ----------------------------------------------------------------------------- */

static struct program *get_program(struct offline *o, const char *path)
{
	struct program *g;

	HASH_FIND_STR(o->programs, path, g);
	if (g || HASH_COUNT(o->programs) >= MAX_PROGRAM)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->path = strdup(path);
	if (g->path)
		HASH_ADD_KEYPTR(hh, o->programs, g->path, strlen(g->path), g);
	if (g->path && map_added(g))
		return g;
	free(g->path);
	free(g);
	return NULL;
}

static struct process *get_process(struct offline *o, uint32_t pid)
{
	struct process *p;

	HASH_FIND(hh, o->processes, &pid, sizeof(pid), p);
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->pid = pid;
	HASH_ADD(hh, o->processes, pid, sizeof(p->pid), p);
	if (map_added(p))
		return p;
	free(p);
	return NULL;
}

static void take_path(struct offline *o, const struct ev_process *ev)
{
	struct process *p = ev->length ? get_process(o, ev->h.pid) : NULL;
	char path[MAX_PATH];

	if (!p || ev->what == EV_PROCESS_EXIT || ev->length >= sizeof(path))
		return;
	memcpy(path, ev->path, ev->length);
	path[ev->length] = '\0';
	p->program = get_program(o, path);
}

void offline_event(struct offline *o, const struct ev_header *ev)
{
	struct process *p;

	if (ev->kind == EV_PROCESS) {
		take_path(o, (const struct ev_process *)ev);
	} else if (ev->kind == EV_IMAGE) {
		p = get_process(o, ev->pid);
		if (!p)
			return;
		p->mapped = true;
		p->load_bias = ((const struct ev_image *)ev)->load_bias;
		if (!p->program)
			p->program = get_program(o, o->info->target);
	}
}

static void resolve(void *arg, struct names *n, uint32_t pid, uint64_t addr)
{
	struct offline *o = arg;
	struct process *p;

	HASH_FIND(hh, o->processes, &pid, sizeof(pid), p);
	if (!p || !p->mapped || !p->program)
		return;
	if (!p->program->tried)
		look_for(o, p->program);
	if (p->program->img)
		resolver_name(p->program->img, addr - p->load_bias, n, pid, addr);
}

void offline_attach(struct offline *o, struct names *n)
{
	names_set_resolver(n, resolve, o);
}
