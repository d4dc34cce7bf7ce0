/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_image: what image_open refuses and how it says so; addresses, notes and relocations;
 * functions, places and variables of a C program, which is this test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/err.h"
#include "symbols/dwarf_places.h"
#include "symbols/elf_file.h"
#include "symbols/image.h"
#include "tests/unit/make_elf.h"

/* ---- addresses ---- */

static void addresses(void **state)
{
	struct image_segment s;
	struct image *img;
	struct made m;
	uint64_t offset, code, data;
	size_t from;

	(void)state;
	sound(&m, ET_EXEC);
	code = made_header(&m)->e_entry;
	from = m.n;
	data = made_vaddr(&m);
	put_u64(&m, 0x1122334455667788);
	made_add(&m, PT_LOAD, PF_R | PF_W, from)->p_memsz = 4096;
	assert_int_equal(image_open(made_write(&m, m.n), &img, NULL), 0);

	assert_int_equal(image_offset(img, code + 5, &offset), 0);
	assert_int_equal(offset, MADE_HEADERS + 5);
	assert_int_equal(image_offset(img, code - 1, &offset), -ENOENT);
	assert_int_equal(image_offset(img, data + 8, &offset), -ENOENT); /* not in the file */
	assert_int_equal(image_offset(img, UINT64_MAX, &offset), -ENOENT);
	assert_int_equal(offset, MADE_HEADERS + 5);

	assert_int_equal(image_bytes(img, data, 8)[0], 0x88);
	assert_non_null(image_bytes(img, data + 7, 1));
	assert_null(image_bytes(img, data + 7, 2));
	assert_null(image_bytes(img, code, 257)); /* two segments */
	assert_null(image_bytes(img, code, SIZE_MAX));
	assert_null(image_bytes(img, 0, 1));

	assert_true(image_segment(img, 0, &s));
	assert_true(s.executable && !s.writable && s.vaddr == code && s.len == 256);
	assert_true(image_segment(img, 1, &s));
	assert_true(!s.executable && s.writable && s.len == 8 && s.data[7] == 0x11);
	assert_false(image_segment(img, 2, &s));

	assert_false(image_is_go(img));
	assert_string_equal(image_go_version(img), "");
	assert_string_equal(image_build_id(img), "");
	assert_null(image_dwarf(img));
	assert_int_equal(image_function_count(img), 0);
	assert_int_equal(image_places(img, code, NULL, 0), 0);
	image_free(img);
	image_free(NULL);
	made_end(&m);
}

static void relocated_words(void **state)
{
	struct image *img;
	struct made m;
	uint64_t words, got[3];
	size_t rela;

	(void)state;
	sound(&m, ET_DYN);
	put_align(&m, 8);
	words = made_vaddr(&m);
	rela = m.n;
	put_u64(&m, 0);
	put_u64(&m, 7);
	put_u64(&m, 0);
	for (unsigned i = 0; i < 3; i++) {
		put_u64(&m, words + i * 8);
		/* the second is not RELATIVE and stays as it is */
		put_u64(&m, i == 1 ? R_X86_64_64 : R_X86_64_RELATIVE);
		put_u64(&m, 0x1000 + i);
	}
	made_add(&m, PT_LOAD, PF_R | PF_W, rela);
	put_dynamic(&m, (Elf64_Dyn[]){ { DT_RELA, { words + 24 } }, { DT_RELASZ, { 72 } }, { 0 } },
		    3);
	assert_int_equal(image_open(made_write(&m, m.n), &img, NULL), 0);
	assert_int_equal(image_words(img, words, got, 3), 0);
	assert_int_equal(got[0], 0x1000);
	assert_int_equal(got[1], 7);
	assert_int_equal(got[2], 0x1002);
	assert_int_equal(image_words(img, words + 16, got, 1), 0);
	assert_int_equal(got[0], 0x1002);
	assert_int_equal(image_words(img, 0x900000, got, 1), -ENOENT);
	image_free(img);
	made_end(&m);
}

static void put_note(struct made *m, const char *owner, uint32_t owner_size, uint32_t type,
		     const char *text)
{
	put_u32(m, owner_size);
	put_u32(m, (uint32_t)strlen(text));
	put_u32(m, type);
	put(m, owner, strlen(owner));
	put_zeros(m, ((owner_size + 3) & ~3u) - strlen(owner));
	put(m, text, strlen(text));
	put_align(m, 4);
}

static void notes(void **state)
{
	struct image *img;
	struct made m;
	size_t len, from;

	(void)state;
	for (unsigned with_gnu = 0; with_gnu < 2; with_gnu++) {
		sound(&m, ET_EXEC);
		put_align(&m, 4);
		from = m.n;
		put_note(&m, "Other", 6, 3, "xyz");
		put_note(&m, "Go", 4, 4, "abc/def");
		if (with_gnu)
			put_note(&m, "GNU", 4, 3, "\x01\xab\xff");
		put_note(&m, "stacktrace", 11, 1, "facts");
		made_add(&m, PT_NOTE, PF_R, from);
		assert_int_equal(image_open(made_write(&m, m.n), &img, NULL), 0);
		assert_string_equal(image_build_id(img), with_gnu ? "01abff" : "abc/def");
		assert_memory_equal(image_note(img, "stacktrace", 1, &len), "facts", 5);
		assert_int_equal(len, 5);
		assert_null(image_note(img, "stacktrace", 2, &len));
		assert_null(image_note(img, "stack", 1, &len));
		image_free(img);
		/* sizes that lead out of the segment end the search */
		memset(m.d + from, 0xff, 8);
		assert_int_equal(image_open(made_write(&m, m.n), &img, NULL), 0);
		assert_null(image_note(img, "stacktrace", 1, &len));
		image_free(img);
		made_end(&m);
	}
}

static void sections(void **state)
{
	struct image *img;
	struct made m;
	uint64_t vaddr;
	size_t len;

	(void)state;
	sound(&m, ET_EXEC);
	made_section(&m, ".mine", MADE_HEADERS, 100);
	assert_int_equal(image_open(made_write(&m, m.n), &img, NULL), 0);
	assert_non_null(image_section(img, ".mine", &len, &vaddr));
	assert_int_equal(len, 100);
	assert_int_equal(vaddr, made_header(&m)->e_entry);
	assert_null(image_section(img, ".other", &len, &vaddr));
	image_free(img);
	/* the kernel does not look at them: unsound ones are no reason to refuse a program */
	made_header(&m)->e_shoff = UINT64_MAX - 4;
	assert_int_equal(image_open(made_write(&m, m.n), &img, NULL), 0);
	assert_null(image_section(img, ".mine", &len, &vaddr));
	image_free(img);
	made_end(&m);
}

/* ---- a C program: this one ---- */

static volatile int sink;

static inline __attribute__((always_inline)) uintptr_t inner(void)
{
	/* the address of this very line */
	uintptr_t pc;

	__asm__ volatile("lea 0(%%rip), %0" : "=r"(pc)); /* inner's line */
	return pc;
}
enum { INNER_LINE = __LINE__ - 3 };

__attribute__((noinline)) static uintptr_t outer(void)
{
	uintptr_t pc = inner(); /* outer's line */

	sink++;
	return pc;
}
enum { OUTER_LINE = __LINE__ - 5 };

int main(void);

/* The image of this program; *ret_bias is where it is loaded. */
static struct image *own_image(uint64_t *ret_bias)
{
	struct function fn;
	struct image *img;
	struct err e;

	if (image_open("/proc/self/exe", &img, &e))
		fail_msg("%s", e.text);
	assert_int_equal(image_function(img, "main", &fn), 0);
	*ret_bias = (uint64_t)(uintptr_t)main - fn.vaddr;
	return img;
}

static void check_own_places(const struct place *place, size_t n)
{
	assert_int_equal(n, 2);
	assert_string_equal(place[0].function, "inner");
	assert_int_equal(place[0].line, INNER_LINE);
	assert_true(place[0].inlined);
	assert_string_equal(place[1].function, "outer");
	assert_int_equal(place[1].line, OUTER_LINE);
	assert_false(place[1].inlined);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(place[i].file[0], '/');
		assert_non_null(strstr(place[i].file, "/tests/unit/test_image.c"));
	}
}

static void own_functions(void **state)
{
	struct function fn, next;
	struct image *img;
	uint64_t bias, vaddr;

	(void)state;
	img = own_image(&bias);
	vaddr = (uint64_t)(uintptr_t)outer - bias;
	assert_int_equal(image_function(img, "outer", &fn), 0);
	assert_int_equal(fn.vaddr, vaddr);
	assert_int_equal(image_function_at(img, vaddr + fn.size - 1, &next), 0);
	assert_string_equal(next.name, "outer");
	assert_int_equal(image_function_at(img, 1, &next), -ENOENT);
	assert_int_equal(image_function(img, "no.such.function", &next), -ENOENT);
	assert_memory_equal(image_bytes(img, vaddr, fn.size), outer, fn.size);

	fn.vaddr = 0;
	for (size_t i = 0; i < image_function_count(img); i++) {
		assert_int_equal(image_function_nth(img, i, &next), 0);
		assert_true(next.vaddr > fn.vaddr);
		fn = next;
	}
	assert_int_equal(image_function_nth(img, image_function_count(img), &next), -ENOENT);
	image_free(img);
}

static void own_places(void **state)
{
	struct place place[4] = { { .function = NULL } };
	struct image *img;
	uint64_t bias, vaddr;

	(void)state;
	img = own_image(&bias);
	vaddr = outer() - 1 - bias;
	check_own_places(place, image_places(img, vaddr, place, 4));
	/* what does not fit is counted and not stored */
	memset(place, 0, sizeof(place));
	assert_int_equal(image_places(img, vaddr, place, 1), 2);
	assert_string_equal(place[0].function, "inner");
	assert_null(place[1].function);
	assert_int_equal(image_places(img, vaddr, NULL, 0), 2);
	assert_int_equal(image_places(img, 1, place, 4), 0);
	image_free(img);
}

/* A structure of locks as programs have them: in an array, in one without a name, and a lock's own
 * member. */
struct test_lock {
	int word, owner;
};
static struct {
	int n;
	struct {
		struct test_lock first, second;
	};
	struct {
		long n;
		struct test_lock mu;
	} part[3];
} own_locks = { .n = 1 };
static struct test_lock own_lock;

static const char *own_variable(struct image *img, uint64_t vaddr, char ret[64])
{
	return image_variable(img, vaddr, ret, 64) ? "none" : ret;
}

static void own_variables(void **state)
{
	const struct {
		const void *at;
		const char *name;
	} known[] = {
		{ &own_lock, "own_lock" },
		{ &own_lock.owner, "own_lock" },
		{ &own_locks.n, "own_locks.n" },
		{ &own_locks.second.owner, "own_locks.second" },
		{ &own_locks.part[2].mu, "own_locks.part[2].mu" },
		{ &own_locks.part[1].n, "own_locks.part[1].n" },
	};
	struct image *img;
	char name[64];
	uint64_t bias;

	(void)state;
	img = own_image(&bias);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_string_equal(
			own_variable(img, (uint64_t)(uintptr_t)known[i].at - bias, name),
			known[i].name);
	/* what does not fit is cut */
	assert_int_equal(
		image_variable(img, (uint64_t)(uintptr_t)&own_locks.part[2].mu - bias, name, 12),
		0);
	assert_string_equal(name, "own_locks.p");
	/* code, the stack, nothing */
	assert_string_equal(own_variable(img, (uint64_t)(uintptr_t)outer - bias, name), "none");
	assert_string_equal(own_variable(img, (uint64_t)(uintptr_t)name - bias, name), "none");
	assert_string_equal(own_variable(img, 0, name), "none");
	assert_string_equal(own_variable(img, UINT64_MAX, name), "none");
	image_free(img);
}

/* What is hidden while only types are wanted comes back when places are. */
static void types_then_places(void **state)
{
	struct place place[4];
	struct image *img;
	uint64_t bias;

	(void)state;
	img = own_image(&bias);
	for (int i = 0; i < 2; i++) {
		Dwarf *types = (Dwarf *)image_dwarf(img);
		Dwarf_Lines *lines;
		Dwarf_CU *cu;
		Dwarf_Die unit;
		size_t count;

		assert_non_null(types);
		cu = NULL;
		assert_int_equal(dwarf_get_units(types, cu, &cu, NULL, NULL, &unit, NULL), 0);
		assert_int_equal(dwarf_getsrclines(&unit, &lines, &count), -1);
		check_own_places(place, image_places(img, outer() - 1 - bias, place, 4));
		image_release_dwarf(img);
	}
	image_free(img);
}

static void copy_file(const char *from, const char *to)
{
	char buffer[65536];
	ssize_t n;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0644);

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(out, buffer, (size_t)n), n);
	close(in);
	close(out);
}

/* A file without DWARF of its own, and its build id in the directory for separate ones. */
static void separate_debug_info(void **state)
{
	char root[] = "/tmp/test_image.XXXXXX", path[128];
	struct place place[4];
	struct dwarf_info *d;
	struct elf_file f;
	struct image *img;
	uint64_t bias;

	(void)state;
	img = own_image(&bias);
	image_free(img);
	assert_int_equal(elf_file_open("/proc/self/exe", &f, NULL), 0);
	f.sections = 0;
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/ab", root);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/ab/cdef.debug", root);
	copy_file("/proc/self/exe", path);

	assert_null(dwarf_info_open(&f, "abcd", root, DWARF_FOR_ALL));
	assert_null(dwarf_info_open(&f, "", root, DWARF_FOR_ALL));
	assert_null(dwarf_info_open(&f, "../../etc", root, DWARF_FOR_ALL));
	d = dwarf_info_open(&f, "abcdef", root, DWARF_FOR_ALL);
	assert_non_null(d);
	check_own_places(place, dwarf_info_places(d, outer() - 1 - bias, place, 4));
	dwarf_info_free(d);
	elf_file_close(&f);

	unlink(path);
	snprintf(path, sizeof(path), "%s/ab", root);
	rmdir(path);
	rmdir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(relocated_words),
		cmocka_unit_test(notes),
		cmocka_unit_test(sections),
		cmocka_unit_test(own_functions),
		cmocka_unit_test(own_places),
		cmocka_unit_test(own_variables),
		cmocka_unit_test(types_then_places),
		cmocka_unit_test(separate_debug_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
