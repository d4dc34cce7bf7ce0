/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_refusals: what image_open refuses, and whether it says what the file is and what to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/err.h"
#include "symbols/image.h"
#include "tests/unit/make_elf.h"

static void refused(const char *path, int code, const char *text, const char *hint)
{
	struct image *img = (struct image *)&img;
	struct err e = { .text = "" };

	assert_int_equal(image_open(path, &img, &e), -code);
	assert_ptr_equal(img, &img);
	if (!strstr(e.text, text) || (path[0] && !strstr(e.text, path)))
		fail_msg("'%s' does not say '%s' of '%s'", e.text, text, path);
	if (!strstr(e.hint, hint) || !e.hint[0])
		fail_msg("hint '%s' does not say '%s'", e.hint, hint);
}

static void bytes_refused(const void *p, size_t len, const char *text, const char *hint)
{
	struct made m = { .fd = -1 };

	memcpy(m.d, p, len);
	refused(made_write(&m, len), ENOEXEC, text, hint);
	made_end(&m);
}

static void made_refused(struct made *m, const char *text, const char *hint)
{
	refused(made_write(m, m->n), ENOEXEC, text, hint);
	made_end(m);
}

static void no_file(void **state)
{
	(void)state;
	refused("/nonexistent/prog", ENOENT, "cannot open '/nonexistent/prog'", "./NAME");
	refused("/", EACCES, "is a directory", "path");
	refused("/dev/null", EACCES, "not a regular file", "path");
	bytes_refused("", 0, "is empty", "path");
}

static void fifo(void **state)
{
	char dir[] = "/tmp/test_image.XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0755), 0);
	alarm(10);
	refused(path, EACCES, "not a regular file", "path");
	alarm(0);
	unlink(path);
	rmdir(dir);
}

static void unreadable(void **state)
{
	char path[] = "/tmp/test_image.XXXXXX";
	int fd = mkstemp(path);
	uid_t uid = geteuid();

	(void)state;
	assert_true(fd >= 0);
	fchmod(fd, 0111);
	if (!uid)
		assert_int_equal(seteuid(65534), 0);
	refused(path, EACCES, "Permission denied", "owner");
	assert_int_equal(seteuid(uid), 0);
	close(fd);
	unlink(path);
}

static void not_executable(void **state)
{
	struct made m;

	(void)state;
	sound(&m, ET_EXEC);
	made_write(&m, m.n);
	fchmod(m.fd, 0644);
	refused(m.path, EACCES, "is not executable", "chmod +x");
	made_end(&m);
}

static void scripts(void **state)
{
#define TEXT(s) s, sizeof(s) - 1
	(void)state;
	bytes_refused(TEXT("#!/bin/sh\necho\n"), "is a script for '/bin/sh'", "run /bin/sh");
	bytes_refused(TEXT("#! /usr/bin/python3 -u\n"), "for '/usr/bin/python3'", "python3");
	bytes_refused(TEXT("#!/usr/bin/env node"), "for 'node'", "run node");
	bytes_refused(TEXT("#!/usr/bin/env -S A=1 perl -w\n"), "for 'perl'", "run perl");
	bytes_refused(TEXT("#!/usr/bin/env\n"), "for '/usr/bin/env'", "env");
	bytes_refused(TEXT("#!"), "names no interpreter", "program");
	bytes_refused(TEXT("#!  \n/bin/sh"), "names no interpreter", "program");
	bytes_refused(TEXT("#!/bin/\033[2J\n"), "for '/bin/?[2J'", "interpreter");
}

static void foreign_files(void **state)
{
	(void)state;
	bytes_refused(TEXT("MZ\x90"), "a Windows program", "GOOS=linux");
	bytes_refused(TEXT("\xcf\xfa\xed\xfe\x07"), "a macOS program", "GOOS=linux");
	bytes_refused(TEXT("!<arch>\nx"), "a static library", "GOOS=linux");
	bytes_refused(TEXT("echo\n"), "no ELF file", "path");
	bytes_refused(TEXT("\177"), "no ELF file", "path");
	bytes_refused(TEXT("\177ELF\2\1\1"), "truncated", "again");
#undef TEXT
}

static void foreign_machines(void **state)
{
	struct made m;

	(void)state;
	sound(&m, ET_EXEC);
	made_header(&m)->e_machine = EM_AARCH64;
	made_refused(&m, "for AArch64, not for x86-64", "GOARCH=amd64");
	sound(&m, ET_EXEC);
	made_header(&m)->e_machine = EM_386;
	made_header(&m)->e_ident[EI_CLASS] = ELFCLASS32;
	made_refused(&m, "32-bit program for i386", "GOARCH=amd64");
	sound(&m, ET_EXEC);
	made_header(&m)->e_ident[EI_CLASS] = ELFCLASS32;
	made_refused(&m, "32-bit program (x32)", "GOARCH=amd64");
	sound(&m, ET_EXEC);
	made_header(&m)->e_machine = EM_S390 << 8;
	made_header(&m)->e_ident[EI_DATA] = ELFDATA2MSB;
	made_refused(&m, "for S/390", "GOARCH=amd64");
	sound(&m, ET_EXEC);
	made_header(&m)->e_machine = 0x1234;
	made_refused(&m, "for machine 4660", "GOARCH=amd64");
	sound(&m, ET_EXEC);
	made_header(&m)->e_ident[EI_OSABI] = ELFOSABI_FREEBSD;
	made_refused(&m, "for FreeBSD, not for Linux", "GOOS=linux");
}

static void other_types(void **state)
{
	struct made m;

	(void)state;
	sound(&m, ET_EXEC);
	made_header(&m)->e_type = ET_REL;
	made_refused(&m, "an object file", "link");
	sound(&m, ET_EXEC);
	made_header(&m)->e_type = ET_CORE;
	made_refused(&m, "a core file", "program");
	sound(&m, ET_EXEC);
	made_header(&m)->e_type = 99;
	made_refused(&m, "damaged", "again");
}

static void libraries(void **state)
{
	const Elf64_Dyn soname[] = { { DT_SONAME, { 1 } }, { DT_NULL, { 0 } } };
	const Elf64_Dyn pie[] = { { DT_SONAME, { 1 } }, { DT_FLAGS_1, { DF_1_PIE } } };
	struct image *img;
	struct made m;

	(void)state;
	sound(&m, ET_DYN);
	put_dynamic(&m, soname, 2);
	made_refused(&m, "a shared library", "uses it");
	sound(&m, ET_DYN);
	made_header(&m)->e_entry = 0;
	made_refused(&m, "a shared library", "uses it");

	sound(&m, ET_DYN);
	put_dynamic(&m, pie, 2);
	assert_int_equal(image_open(made_write(&m, m.n), &img, NULL), 0);
	assert_true(image_is_pie(img));
	image_free(img);
	made_end(&m);
	sound(&m, ET_DYN); /* libc.so.6 is a library and a program */
	put_dynamic(&m, soname, 2);
	made_add(&m, PT_INTERP, PF_R, m.n);
	assert_int_equal(image_open(made_write(&m, m.n), &img, NULL), 0);
	image_free(img);
	made_end(&m);
}

static void truncated(void **state)
{
	struct made m;

	(void)state;
	sound(&m, ET_EXEC);
	for (size_t n = 64; n < m.n; n += 37)
		refused(made_write(&m, n), ENOEXEC, "t", "again");
	refused(made_write(&m, m.n - 1), ENOEXEC, "is truncated", "again");
	made_end(&m);
}

static void damaged_headers(void **state)
{
	struct made m;

	(void)state;
	sound(&m, ET_EXEC);
	made_header(&m)->e_phnum = 0;
	made_refused(&m, "no program headers", "again");
	sound(&m, ET_EXEC);
	made_header(&m)->e_phentsize = 32;
	made_refused(&m, "unknown size", "again");
	sound(&m, ET_EXEC);
	made_header(&m)->e_phnum = 65535;
	made_refused(&m, "too many", "again");
	sound(&m, ET_EXEC);
	made_header(&m)->e_phoff = UINT64_MAX - 8;
	made_refused(&m, "not inside the file", "again");
	sound(&m, ET_EXEC);
	made_segment(&m, 0)->p_type = PT_NULL;
	made_refused(&m, "nothing in it is to be loaded", "again");
	sound(&m, ET_EXEC);
	made_segment(&m, 0)->p_memsz--;
	made_refused(&m, "larger in the file than in memory", "again");
	sound(&m, ET_EXEC);
	made_segment(&m, 0)->p_memsz = UINT64_MAX;
	made_refused(&m, "beyond the end of the address space", "again");
	sound(&m, ET_EXEC);
	made_segment(&m, 0)->p_vaddr += 8;
	made_refused(&m, "do not agree", "again");
	sound(&m, ET_EXEC);
	made_header(&m)->e_entry = 0x10;
	made_refused(&m, "entry point", "again");
	sound(&m, ET_EXEC);
	made_segment(&m, 0)->p_flags = PF_R;
	made_refused(&m, "entry point", "again");
}

static void packed(void **state)
{
	struct made m;

	(void)state;
	sound(&m, ET_EXEC);
	memcpy(m.d + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 4, "UPX!", 4);
	made_refused(&m, "packed with UPX", "upx -d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file),	    cmocka_unit_test(fifo),
		cmocka_unit_test(unreadable),	    cmocka_unit_test(not_executable),
		cmocka_unit_test(scripts),	    cmocka_unit_test(foreign_files),
		cmocka_unit_test(foreign_machines), cmocka_unit_test(other_types),
		cmocka_unit_test(libraries),	    cmocka_unit_test(truncated),
		cmocka_unit_test(damaged_headers),  cmocka_unit_test(packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
