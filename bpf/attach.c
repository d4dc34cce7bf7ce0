/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uprobe_multi link is made by the raw system call: libbpf knows it from 1.3 on, and this has
 * to build with 1.1.
 */
#include "bpf/attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "bpf/explain.h"

/* union bpf_attr for BPF_LINK_CREATE, as far as uprobe_multi fills it (Linux 6.6). */
struct link_create_uprobe_multi {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t attach_flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t count;
	uint32_t flags;
	uint32_t pid;
	uint32_t reserved;
};

struct attachment {
	int multi_fd; /* or -1 */
	struct bpf_link **link;
	size_t links;
};

static int link_create(int prog_fd, const char *path, const uint64_t *offsets,
		       const uint64_t *cookies, size_t n, pid_t pid)
{
	struct link_create_uprobe_multi attr = {
		.prog_fd = (uint32_t)prog_fd,
		.attach_type = ATTACH_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.count = (uint32_t)n,
		.pid = (uint32_t)pid,
	};
	long r = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return r < 0 ? -errno : (int)r;
}

int attach_probe_multi(bool *ret, struct err *e)
{
	static const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = ATTACH_UPROBE_MULTI);
	const uint64_t offset = 0;
	int fd, file, process;

	fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "probe_multi", "GPL", program, 2, &opts);
	if (fd < 0)
		return explain_bpf(e, -fd, "cannot load BPF programs");
	/*
	 * A directory is refused with EBADF by kernels that look at the path at all.  A negative
	 * process is refused with EINVAL by those that filter by process; the first ones (6.6 to
	 * 6.9) filtered by thread, which is of no use here.
	 */
	file = link_create(fd, "/", &offset, NULL, 1, 0);
	process = link_create(fd, "/", &offset, NULL, 1, -1);
	*ret = file == -EBADF && process == -EINVAL;
	if (file >= 0)
		close(file);
	if (process >= 0)
		close(process);
	close(fd);
	return 0;
}

static int attach_multi(const struct bpf_program *prog, pid_t pid, const char *path,
			const struct attach_site *sites, size_t n, struct attachment *a)
{
	uint64_t *offsets = calloc(n, 2 * sizeof(*offsets)), *cookies = offsets + n;

	if (!offsets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		offsets[i] = sites[i].offset;
		cookies[i] = sites[i].cookie;
	}
	a->multi_fd = link_create(bpf_program__fd(prog), path, offsets, cookies, n,
				  pid < 0 ? 0 : pid);
	free(offsets);
	return a->multi_fd < 0 ? a->multi_fd : 0;
}

static int attach_perf(const struct bpf_program *prog, pid_t pid, const char *path,
		       const struct attach_site *sites, size_t n, struct attachment *a)
{
	a->link = calloc(n, sizeof(struct bpf_link *));
	if (!a->link)
		return -ENOMEM;
	for (; a->links < n; a->links++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = sites[a->links].cookie);

		a->link[a->links] = bpf_program__attach_uprobe_opts(prog, pid, path,
								    sites[a->links].offset, &opts);
		if (!a->link[a->links])
			return -errno;
	}
	return 0;
}

int attach_sites(const struct bpf_program *prog, bool multi, pid_t pid, const char *path,
		 const struct attach_site *sites, size_t n, struct attachment **ret, struct err *e)
{
	struct attachment *a = calloc(1, sizeof(*a));
	struct explain_log *log = malloc(sizeof(*log));
	int r = -ENOMEM;

	if (a && log) {
		a->multi_fd = -1;
		explain_capture(log);
		r = multi ? attach_multi(prog, pid, path, sites, n, a)
			  : attach_perf(prog, pid, path, sites, n, a);
		explain_release();
	}
	free(log);
	if (!r) {
		*ret = a;
		return 0;
	}
	attach_free(a);
	if (r == -ENOENT && access(path, F_OK))
		return err_sys(e, ENOENT, "cannot attach probes to '%s'", path);
	if (r == -ESRCH)
		return err_set(e, ESRCH, "cannot attach probes to process %d: it has ended", pid);
	return explain_bpf(e, -r, "cannot attach uprobes");
}

static void *destroy_link(void *link)
{
	bpf_link__destroy(link);
	return NULL;
}

/* What takes the time is waiting for the kernel's grace periods, which can be shared. */
static void destroy_links(struct bpf_link **link, size_t n)
{
	pthread_t thread;
	bool started;

	if (!n)
		return;
	started = n > 1 && !pthread_create(&thread, NULL, destroy_link, link[0]);
	if (!started)
		destroy_link(link[0]);
	destroy_links(link + 1, n - 1);
	if (started)
		pthread_join(thread, NULL);
}

void attach_free(struct attachment *a)
{
	if (!a)
		return;
	if (a->multi_fd >= 0)
		close(a->multi_fd);
	destroy_links(a->link, a->links);
	free(a->link);
	free(a);
}

static void *free_one(void *a)
{
	attach_free(a);
	return NULL;
}

void attach_free_all(struct attachment **a, size_t n)
{
	pthread_t thread;
	bool started;

	if (!n)
		return;
	started = n > 1 && !pthread_create(&thread, NULL, free_one, a[0]);
	if (!started)
		attach_free(a[0]);
	attach_free_all(a + 1, n - 1);
	if (started)
		pthread_join(thread, NULL);
}
