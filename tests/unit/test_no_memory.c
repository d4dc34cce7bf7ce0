/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: timeout 300
 * link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
 * link: -Wl,--wrap=reallocarray,--wrap=strdup,--wrap=strndup,--wrap=aligned_alloc
 *
 * Every allocation of a recording and a report fails once: an error comes back, nothing crashes,
 * and (with the address sanitizer) nothing leaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "formats/aggregate.h"
#include "formats/render.h"
#include "tests/unit/capture_file.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static long left = -1; /* allocations until one fails; negative: none does */

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

static struct run_list run;

static void resolve(void *arg, struct names *n, uint32_t pid, uint64_t addr)
{
	const struct name v = { "function", "file.c", (uint32_t)addr, false };

	(void)arg;
	names_add(n, pid, addr, &v, 1);
}

static int record(const char *path)
{
	struct run_info info = run_info_made();
	struct capture_writer *w = NULL;
	struct names *n;
	struct err e;
	int r = names_new(&n);

	if (r)
		return r;
	names_set_resolver(n, resolve, NULL);
	r = capture_create(path, &info, &w, &e);
	if (!r) {
		capture_set_names(w, n);
		for (size_t i = 0; i < run.count && !r; i++)
			r = capture_event(w, &run.ev[i].h, &e);
	}
	if (capture_close(w, n, &e) && !r)
		r = -ENOMEM;
	names_free(n);
	return r;
}

struct report {
	struct aggregate *a;
	struct render_context c;
	const struct format *f;
	void *state;
};

static int feed(void *arg, const struct ev_header *ev)
{
	struct report *p = arg;
	int r = aggregate_event(p->a, ev);

	return r || !p->f->event ? r : p->f->event(p->state, &p->c, ev);
}

static int report(const char *path, const struct format *f, FILE *out)
{
	struct capture_damage damage = { 0 };
	struct report p = { .f = f };
	static char state[1 << 16];
	struct capture_reader *r = NULL;
	struct names *n = NULL;
	struct err e;
	int ret;

	assert_true(f->state_size <= sizeof(state));
	memset(state, 0, sizeof(state));
	ret = aggregate_new(&p.a);
	if (!ret)
		ret = names_new(&n);
	if (!ret)
		ret = capture_open(path, &r, &e);
	if (!ret) {
		p.state = state;
		p.c = (struct render_context){ .out = out,
					       .info = capture_info(r),
					       .aggregate = p.a,
					       .names = n,
					       .damage = &damage,
					       .width = 80 };
		if (f->begin)
			ret = f->begin(state, &p.c);
	}
	if (!ret) {
		ret = capture_read(r, n, feed, &p, &damage, &e);
	}
	if (!ret) {
		aggregate_finish(p.a);
		ret = f->end(state, &p.c);
	}
	if (f->release)
		f->release(state);
	capture_reader_free(r);
	names_free(n);
	aggregate_free(p.a);
	return ret;
}

static void check_recording(void **state)
{
	long n = 0, failed = 0;
	int fd;
	const char *path = bytes_path((struct bytes){ NULL, 0 }, &fd);
	bool reached;

	(void)state;
	do {
		int r;

		left = n++;
		r = record(path);
		reached = left < 0;
		left = -1;
		if (r)
			assert_int_equal(r, -ENOMEM);
		failed += !!r; /* a name that found no memory stays a number, which is no error */
	} while (reached);
	assert_true(failed > 10);
	close(fd);
}

static void check_reporting(void **state)
{
	FILE *out = fopen("/dev/null", "w");
	size_t count;
	const struct format *const *all = formats_all(&count);
	int fd;
	const char *path = bytes_path((struct bytes){ NULL, 0 }, &fd);

	(void)state;
	assert_non_null(out);
	assert_int_equal(record(path), 0);
	for (size_t i = 0; i < count; i++) {
		long n = 0, failed = 0;
		bool reached;

		do {
			int r;

			left = n++;
			r = report(path, all[i], out);
			reached = left < 0;
			left = -1;
			if (r)
				assert_int_equal(r, -ENOMEM);
			failed += !!r;
		} while (reached);
		assert_true(failed > 20);
	}
	fclose(out);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_recording),
		cmocka_unit_test(check_reporting),
	};

	run_make(&run);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
