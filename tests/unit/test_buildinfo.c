/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_buildinfo: the Go version from the build info block, in both forms, and without it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "symbols/buildinfo.h"
#include "symbols/elf_file.h"
#include "symbols/image.h"
#include "tests/unit/make_elf.h"

enum { CODE = 256 };

static void begin(struct made *m, uint16_t type)
{
	made_begin(m, type);
	put_align(m, 16);
	made_code(m, CODE);
	put_align(m, 16);
}

/* What both ways give for data put since from; "" for -ENOENT. */
static void check(struct made *m, size_t from, const char *block, const char *search,
		  bool schedinit)
{
	struct function fn = { "runtime.schedinit", made_header(m)->e_entry, CODE };
	char got[64] = "";
	struct elf_file f;

	made_add(m, PT_LOAD, PF_R | PF_W, from);
	assert_int_equal(elf_file_open(made_write(m, m->n), &f, NULL), 0);
	assert_int_equal(buildinfo_block(&f, got, sizeof(got)), block[0] ? 0 : -ENOENT);
	assert_string_equal(got, block);
	got[0] = '\0';
	assert_int_equal(buildinfo_search(&f, schedinit ? &fn : NULL, got, sizeof(got)),
			 search[0] ? 0 : -ENOENT);
	assert_string_equal(got, search);
	elf_file_close(&f);
	made_end(m);
}

static void put_block(struct made *m, uint8_t flags, uint64_t pointer)
{
	put_align(m, 16);
	put(m, "\xff Go buildinf:", 14);
	put_u8(m, 8);
	put_u8(m, flags);
	put_u64(m, pointer);
	put_u64(m, 0);
}

static void inline_form(void **state)
{
	static const char *const versions[] = {
		"go1.22.12", "go1.23.1 X:nocoverageredesign",
		"devel go1.27-4ab1c3d Tue Nov 3 12:00:00 2026 +0000"
	};
	struct made m;
	size_t from;

	(void)state;
	for (unsigned i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		begin(&m, ET_EXEC);
		from = m.n;
		put_zeros(&m, 48);
		put_block(&m, 2, 0);
		put_u8(&m, (uint8_t)strlen(versions[i]));
		put_text(&m, versions[i]);
		check(&m, from, versions[i], "", false);
	}
}

/* Cut to what a caller has room for; lengths take two bytes from 128 on. */
static void long_version(void **state)
{
	char text[201] = "go1.25-20250209-RC00 cl/724970549 ", cut[64];
	struct made m;
	size_t from;

	(void)state;
	memset(text + strlen(text), 'x', sizeof(text) - 1 - strlen(text));
	text[200] = '\0';
	snprintf(cut, sizeof(cut), "%.63s", text);
	begin(&m, ET_EXEC);
	from = m.n;
	put_block(&m, 2, 0);
	put_u8(&m, 200 | 0x80);
	put_u8(&m, 200 >> 7);
	put_text(&m, text);
	check(&m, from, cut, "", false);
}

static void pointer_form(void **state)
{
	struct made m;
	size_t from;
	uint64_t string, header;

	(void)state;
	begin(&m, ET_EXEC);
	from = m.n;
	string = made_vaddr(&m);
	put_text(&m, "go1.16.3");
	put_align(&m, 8);
	header = made_vaddr(&m);
	put_u64(&m, string);
	put_u64(&m, 8);
	put_block(&m, 0, header);
	check(&m, from, "go1.16.3", "go1.16.3", false);
}

/* A length that leads out of the file, unprintable bytes, a pointer to nowhere. */
static void damaged_blocks(void **state)
{
	struct made m;
	size_t from;

	(void)state;
	begin(&m, ET_EXEC);
	from = m.n;
	put_block(&m, 2, 0);
	put_u8(&m, 100);
	put(&m, "go1.22", 6);
	check(&m, from, "", "", false);

	begin(&m, ET_EXEC);
	from = m.n;
	put_block(&m, 2, 0);
	put_u8(&m, 6);
	put(&m, "go1\033[2", 6);
	check(&m, from, "", "", false);

	begin(&m, ET_EXEC);
	from = m.n;
	put_block(&m, 0, 0x1234);
	check(&m, from, "", "", false);

	begin(&m, ET_EXEC);
	from = m.n;
	put_block(&m, 2, 0);
	for (unsigned i = 0; i < 20; i++)
		put_u8(&m, 0xff);
	check(&m, from, "", "", false);
}

/* Texts lie packed, so only a string header gives a length. */
static uint64_t put_string(struct made *m, uint64_t text, uint64_t len)
{
	uint64_t at;

	put_align(m, 8);
	at = made_vaddr(m);
	put_u64(m, text);
	put_u64(m, len);
	return at;
}

static void refer(struct made *m, size_t at, uint64_t vaddr)
{
	/* cmpq $0, disp32(%rip) */
	const uint32_t displacement = (uint32_t)(vaddr - (m->base + at + 8));

	memcpy(m->d + at, "\x48\x83\x3d", 3);
	memcpy(m->d + at + 3, &displacement, 4);
	m->d[at + 7] = 0;
}

static void without_block(void **state)
{
	struct made m;
	size_t from;
	uint64_t texts, right;

	(void)state;
	for (unsigned step = 0; step < 5; step++) {
		begin(&m, ET_EXEC);
		from = m.n;
		texts = made_vaddr(&m);
		put_text(&m, "garbagego1.26.5go1.5gctrace"); /* as constants lie */
		if (step > 0)
			put_string(&m, texts + 7, 8);
		right = step > 1 ? put_string(&m, texts + 7, 8) : 0;
		if (step > 2)
			right = put_string(&m, texts + 15, 5);
		if (step == 4)
			refer(&m, from - CODE + 16, right + 8);
		switch (step) {
		case 0: /* a text alone may be anything */
			check(&m, from, "", "", false);
			break;
		case 1:
		case 2: /* two that agree */
			check(&m, from, "", "go1.26.5", false);
			break;
		case 3: /* two that do not */
			check(&m, from, "", "", false);
			break;
		default:
			check(&m, from, "", "go1.5", true);
		}
	}
}

/* With runtime.schedinit known, a string it does not look at is not the version. */
static void other_variable(void **state)
{
	struct made m;
	size_t from;
	uint64_t text;

	(void)state;
	begin(&m, ET_EXEC);
	from = m.n;
	text = made_vaddr(&m);
	put_text(&m, "go1.5 or later");
	put_string(&m, text, 14);
	check(&m, from, "", "", true);
}

/* The header is zero in the file and has a relocation. */
static void relocated_header(void **state)
{
	struct made m;
	size_t from, rela;
	uint64_t text, header;

	(void)state;
	begin(&m, ET_DYN);
	from = m.n;
	text = made_vaddr(&m);
	put_text(&m, "go1.24.2");
	header = put_string(&m, 0, 8);
	rela = m.n;
	put_u64(&m, header);
	put_u64(&m, R_X86_64_RELATIVE);
	put_u64(&m, text);
	put(&m,
	    (Elf64_Dyn[]){
		    { DT_RELA, { m.base + rela } }, { DT_RELASZ, { 24 } }, { DT_NULL, { 0 } } },
	    3 * sizeof(Elf64_Dyn));
	made_add(&m, PT_DYNAMIC, PF_R, rela + 24);
	refer(&m, from - CODE + 16, header + 8);
	check(&m, from, "", "go1.24.2", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inline_form),	    cmocka_unit_test(long_version),
		cmocka_unit_test(pointer_form),	    cmocka_unit_test(damaged_blocks),
		cmocka_unit_test(without_block),    cmocka_unit_test(other_variable),
		cmocka_unit_test(relocated_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
